"""Kubernetes: kubectl, the cluster, manifests, and what the API server asks of them."""
