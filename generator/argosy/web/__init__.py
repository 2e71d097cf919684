"""The page: all that is known of a repository, for a browser: one file, a folder, or served to who looks."""
