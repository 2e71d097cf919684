"""The real Argo CD, beside the real API server and what argosy believes of both."""
