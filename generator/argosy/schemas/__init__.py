"""JSON Schemas: of Kubernetes, of Argo CD, of operators and of files, compiled once."""
