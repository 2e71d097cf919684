"""Git: the program, its objects, and states that no work tree takes part in. Only this package runs git."""

from argosy.git.command import (
    available,
    branch,
    commit_all,
    has_commits,
    has_every_branch,
    has_identity,
    identity,
    ignored,
    is_ignored,
    origin,
    remotes,
    revisions,
    run,
    start,
    top_level,
)

__all__ = [
    "available",
    "branch",
    "commit_all",
    "has_commits",
    "has_every_branch",
    "has_identity",
    "identity",
    "ignored",
    "is_ignored",
    "origin",
    "remotes",
    "revisions",
    "run",
    "start",
    "top_level",
]
