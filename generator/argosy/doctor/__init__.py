"""Find out why Argo CD does not do what Git says: symptoms, the checks of their causes, and what was seen."""
