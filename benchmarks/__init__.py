"""argosy beside its peers: whole commands, interleaved in one run on one machine, quoted as ratios."""
