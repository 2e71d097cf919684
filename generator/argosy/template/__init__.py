"""The template: its versions, and what it renders from a model."""
