"""Promotion: which keys move from environment to environment, why, and the files afterwards."""
