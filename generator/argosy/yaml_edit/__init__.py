"""YAML text edited in place: places of values by their keys, and texts in which these are changed."""
