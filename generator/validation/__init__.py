"""Judge the documents of a repository, written and rendered, and report findings."""
