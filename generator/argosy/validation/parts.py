"""A part of a repository that is judged by itself: all of it, or a shard. What it needs is read and rendered whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from argosy.argocd.rendering import Render
from argosy.argocd.view import ArgoApplication


def of_file(path: str) -> str:
    """Return the owner of what is found in a file."""
    return f"file {path}"


def of_render(render: Render) -> str:
    """Return the owner of what is found in a render: its Application, or the chart or overlay that has none."""
    return of_application(render.application) if render.application else f"render {render.path}"


def of_application(application: ArgoApplication) -> str:
    """Return the owner of what is found in an Application, and in what it renders."""
    # Not its key, which is another one in each process: those that share a name and a place share a part.
    return f"application {application.document.path}:{application.document.index}:{application.name}"


def of_rule(rule: str) -> str:
    """Return the owner of what a rule finds that compares all of a repository."""
    return f"rule {rule}"


class Part:
    """All of a repository."""

    title = ""
    """What is told of it above the counts; nothing of all."""
    shard: tuple[int, int] | None = None
    """Which of how many parts it is that are put together afterwards."""

    def has(self, owner: str) -> bool:  # noqa: ARG002
        """Return whether the part judges what an owner has."""
        return True

    def judges(self, owner: str, application: str) -> bool:  # noqa: ARG002
        """Return whether it judges an Application, by the owner of its document or by itself."""
        return self.has(owner)

    def compares(self, owners: Iterable[str] | None) -> bool:  # noqa: ARG002
        """Return whether it tells what comes of comparing these owners with each other; None: with the repository."""
        return True


@dataclass(frozen=True, slots=True)
class Shard(Part):
    """One of several parts that share a repository, the same each time: each owner is in one of them."""

    index: int
    of: int

    @property
    def shard(self) -> tuple[int, int]:  # type: ignore[override]
        """Return its place among the others."""
        return self.index, self.of

    @property
    def title(self) -> str:  # type: ignore[override]
        """Return which one it is."""
        return f"Shard {self.index} of {self.of}."

    def has(self, owner: str) -> bool:
        """Return whether the owner falls to this shard."""
        digest = hashlib.sha256(owner.encode(errors="surrogateescape")).digest()
        return int.from_bytes(digest[:8]) % self.of == self.index - 1


@dataclass(frozen=True, slots=True)
class Reached(Part):
    """What a change can reach: the owners of that, and what compares one of them with others."""

    owners: frozenset[str] | None
    """None: everything."""
    is_apart: bool
    """Whether what leads to what is as it was, so that owners that are not reached compare as before."""
    title: str = ""

    def has(self, owner: str) -> bool:
        """Return whether the change can reach the owner; rules of the whole repository are reached by any."""
        return self.owners is None or owner in self.owners or owner.startswith("rule ")

    def judges(self, owner: str, application: str) -> bool:
        """Return whether the change can reach an Application."""
        return self.has(owner) or self.has(application)

    def compares(self, owners: Iterable[str] | None) -> bool:
        """Return whether the change can reach one of the owners, if it is known which are compared."""
        return owners is None or not self.is_apart or any(map(self.has, owners))
