"""A release: the version, its notes, the files that are published, and the proof that they install and run."""
