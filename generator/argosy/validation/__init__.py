"""Validation: files, manifests and renders, checked by schemas and rules."""
