"""What is wrong with a text before anybody asks what it means, as values rather than exceptions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DefectKind(StrEnum):
    """What keeps a file, or a part of it, from being read as its author meant it."""

    UNREADABLE = "unreadable"
    SYMLINK = "symlink"
    TOO_LARGE = "too-large"
    BINARY = "binary"
    ENCRYPTED = "encrypted"
    ENCODING = "encoding"
    YAML_SYNTAX = "yaml-syntax"
    JSON_SYNTAX = "json-syntax"
    TABS = "tabs"
    HELM_TEMPLATE = "helm-template"
    DUPLICATE_KEY = "duplicate-key"
    REPEATED_KEY = "repeated-key"
    KEY = "key"
    CUSTOM_TAG = "custom-tag"
    RECURSIVE_ALIAS = "recursive-alias"
    ALIAS_BOMB = "alias-bomb"
    TOO_DEEP = "too-deep"
    TOO_MANY = "too-many-defects"


@dataclass(frozen=True, slots=True)
class Defect:
    """One thing that is wrong with a text before anybody asks what it means."""

    kind: DefectKind
    message: str
    path: str
    line: int | None = None
    """1-based; None where the whole file is meant, and for rendered text."""
    column: int | None = None
    hint: str = ""
    document: int | None = None
    """The `index` of its document, for what alone keeps none from being read: a duplicate key, a custom tag."""


class RefusedError(Exception):
    """Stop reading: `index` is the place in what is read, in characters of a text or bytes."""

    def __init__(self, kind: DefectKind, message: str, hint: str = "", index: int | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint
        self.index = index


NOT_JUDGED = frozenset({DefectKind.HELM_TEMPLATE, DefectKind.CUSTOM_TAG, DefectKind.ENCRYPTED})
"""Not wrong in itself, but for a tool that is not asked here: skipped, with the reason."""
