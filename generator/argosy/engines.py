"""Which Helm and Kustomize render: what the user names, one on PATH that is like Argo CD's, or what argosy brings.

No repository names one, and none that lies in a repository is taken from PATH: whoever writes it would have it run.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cache as once
from pathlib import Path
from typing import Any, Self

from argosy import cache, programs, supervisor
from argosy.errors import ToolError

HELM, KUSTOMIZE = "helm", "kustomize"
VARIABLES = {HELM: "ARGOSY_HELM", KUSTOMIZE: "ARGOSY_KUSTOMIZE"}
"""The variables that name one, where the command line does not."""
BUILT_IN, ON_PATH = "built in", "PATH"
_TITLES = {HELM: "Helm", KUSTOMIZE: "Kustomize"}


@dataclass(frozen=True, slots=True)
class Engine:
    """What renders."""

    tool: str
    version: str
    """Such as 4.2.3; empty where it does not say."""
    origin: str
    """Where it is from: the option or the variable that names it, PATH, or argosy itself."""
    program: Path | None = None
    """None for what is loaded from a package."""
    digest: str = ""
    """The program's SHA-256; empty for what argosy brings."""
    wanted: str = ""
    """The version that Argo CD renders with; empty where that is unknown."""

    @property
    def is_like_argocds(self) -> bool:
        """Whether it is known to render as Argo CD's does, or nothing is known of Argo CD's."""
        return not self.wanted or alike(self.tool, self.version, self.wanted)

    @property
    def facts(self) -> Sequence[str]:
        """What decides what it renders, besides what it is given."""
        return [self.tool, self.version, self.digest]

    def __str__(self) -> str:
        """Name it as a sentence does."""
        return f"{_TITLES[self.tool]} {self.version or 'of an unknown version'} ({self.origin})"

    @property
    def note(self) -> str:
        """What has to be said of it in one line; nothing of what argosy brings and is like Argo CD's."""
        if self.is_like_argocds:
            return "" if self.origin == BUILT_IN else f"Rendered with {self}."
        minor = ".".join(self.wanted.split(".")[:2])
        return (
            f"Rendered with {self}; Argo CD has {self.wanted}. Install {self.tool} {minor} on PATH, or name one: "
            f"--{self.tool} PATH."
        )

    @property
    def as_json(self) -> dict[str, str | None]:
        """All of it, as JSON has it."""
        return {**asdict(self), "program": str(self.program) if self.program else None}

    @classmethod
    def of_json(cls, data: Mapping[str, Any]) -> Self:
        """Return what JSON says."""
        return cls(**{**data, "program": Path(data["program"]) if data["program"] else None})


def numbers(version: str) -> tuple[int, int]:
    """Return the major and the minor version."""
    found = re.match(r"v?(\d{1,9})\.(\d{1,9})", version)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def keeps_nulls(version: str) -> bool:
    """Return whether a Helm hands a chart's own nulls to its templates.

    Source: what Helm 3.17, 3.19, 4.1, 4.2 and 4.3 render of a chart with nulls.
    """
    return numbers(version) < (4, 2)


def merges_documents(version: str) -> bool:
    """Return whether a Helm lays all documents of a values file over each other, rather than read the first alone."""
    return numbers(version) >= (4, 0)


def alike(tool: str, one: str, other: str) -> bool:
    """Return whether two versions render the same, as far as that is known."""
    if tool == KUSTOMIZE:
        return numbers(one) == numbers(other)
    return bool(one and other) and (keeps_nulls(one), merges_documents(one)) == (
        keeps_nulls(other),
        merges_documents(other),
    )


_named: dict[str, tuple[Path, str]] = {}


@contextmanager
def naming(tool: str, path: Path, origin: str) -> Iterator[None]:
    """Render with a program that the user names meanwhile; raise ToolError where it is none."""
    if not (found := programs.named(path)):
        raise ToolError(f"{path} is not an executable.", f"Give the path of a {tool} binary.")
    before = _named.get(tool)
    _named[tool] = (found, origin)
    try:
        yield
    finally:
        _named.pop(tool)
        if before:
            _named[tool] = before


def named(tool: str) -> Engine | None:
    """Return the program that the user names."""
    found = _named.get(tool)
    return found and of(tool, *found)


def chosen(tool: str, wanted: str, own: Callable[[], str]) -> Engine:
    """Return what renders: what is named, else one on PATH if it alone is like Argo CD's, else what argosy brings.

    `own` gives the version of that.
    """
    if found := named(tool):
        return replace(found, wanted=wanted)
    brought = Engine(tool, own(), BUILT_IN, wanted=wanted)
    if not brought.is_like_argocds and (path := programs.find(tool)):
        found = replace(of(tool, path, ON_PATH), wanted=wanted)
        if found.is_like_argocds:
            return found
    return brought


def of(tool: str, program: Path, origin: str) -> Engine:
    """Return a program as an engine; one that does not report its version has none."""
    version, digest = _described(tool, program)
    return Engine(tool, version, origin, program, digest)


_ASKED = {HELM: ("version", "--template={{.Version}}"), KUSTOMIZE: ("version",)}


@once
def _described(tool: str, program: Path) -> tuple[str, str]:
    """Return a program's version and its digest, both empty where it does not run."""
    is_kubectl = program.name.startswith("kubectl")
    asked = ("version", "--client") if is_kubectl else _ASKED[tool]

    def made_from() -> cache.Inputs | None:
        # No program is changed without its time of change, which nobody sets.
        status = program.stat()
        marks = [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]
        return cache.inputs(["engine", tool, os.path.realpath(program), marks])

    def ask() -> list[str]:
        code, out, _ = supervisor.run([str(program), *asked])
        said = re.search(r"Kustomize Version: v?(\d+\.\d+\.\d+)" if is_kubectl else r"v?(\d+\.\d+\.\d+)", out)
        with program.open("rb") as stream:
            return [said[1] if said and not code else "", hashlib.file_digest(stream, "sha256").hexdigest()]

    try:
        version, digest = cache.remembered(made_from, ask, lambda *_: True, ())
    except (supervisor.StoppedError, OSError):
        return "", ""
    return version, digest
