"""Public repositories of others, and what argosy and its peers make of them. None of their content is here."""
