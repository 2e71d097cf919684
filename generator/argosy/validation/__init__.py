"""Validation: what is judged, by which rules, and what came out."""
