"""What Argo CD makes of a repository: Applications, their sources, what they render to, what is deployed."""
