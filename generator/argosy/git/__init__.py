"""Git: the program, its objects, and states that no work tree takes part in. Only this package runs git."""

from argosy.git.command import LARGEST, available, has_commits, is_ignored, reading, run, start, unfiltered
from argosy.git.repository import (
    Repository,
    Revisions,
    asked_anew,
    asked_once,
    at,
    branch,
    filters_missed,
    forget,
    has_every_branch,
    ignored,
    keeps,
    origin,
    remotes,
    top_level,
)

__all__ = [
    "LARGEST",
    "Repository",
    "Revisions",
    "asked_anew",
    "asked_once",
    "at",
    "available",
    "branch",
    "filters_missed",
    "forget",
    "has_commits",
    "has_every_branch",
    "ignored",
    "is_ignored",
    "keeps",
    "origin",
    "reading",
    "remotes",
    "run",
    "start",
    "top_level",
    "unfiltered",
]
