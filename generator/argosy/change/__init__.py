"""A change of a repository: model before and after, two pristine trees, one merge, and what keeps it safe."""
