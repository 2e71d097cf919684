"""Install Argo CD into a cluster, and hand a repository over to it."""
