"""Components: what a cluster needs, installed from vendors' charts, and the catalogue that they come from."""
