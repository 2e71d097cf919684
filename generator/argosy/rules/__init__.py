"""The rules of validation: one function each, with its explanation and its examples."""
