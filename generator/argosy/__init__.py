"""argosy starts, grows and keeps current multi-environment GitOps repositories for Argo CD."""
