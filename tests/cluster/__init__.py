"""A real Kubernetes API server beside what argosy believes of one."""
