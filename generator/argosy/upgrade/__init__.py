"""Rehearse the next version of Argo CD or Kubernetes: what is rendered, found and warned of before and after."""
