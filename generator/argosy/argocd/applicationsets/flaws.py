"""What can be wrong with an ApplicationSet."""

from __future__ import annotations

from enum import StrEnum

from argosy.documents import Pointer
from argosy.findings import Problem


class Flaw(StrEnum):
    """What kind of thing is wrong with an ApplicationSet."""

    GENERATOR = "generator"
    """A generator that Argo CD refuses."""
    EMPTY = "empty"
    """A generator that yields nothing: Argo CD would delete the Applications that it once yielded."""
    TEMPLATE = "template"
    """A template that fails, or names a parameter that no generator gives."""
    DUPLICATE = "duplicate"
    """Two Applications of one name: Argo CD then makes none at all."""


MOST = 10_000
"""How many Applications are made of one ApplicationSet, or are followed in a repository: a matrix multiplies them."""


class GeneratorError(Exception):
    """Say what Argo CD refuses a generator for."""

    def __init__(self, message: str, at: Pointer, hint: str = "") -> None:
        super().__init__(message)
        self.problem = Problem(message, at, hint)


class SkipError(Exception):
    """Say why a generator cannot be evaluated here."""


class ReportedError(Exception):
    """Leave a generator whose templates fail, for which there are problems already."""
