"""Argo CD's own manifests, where a repository keeps a copy of them: where that is from, and its digest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from argosy.repository import layout

_FILE = layout.INSTALL_MANIFESTS.rpartition("/")[2]
_NOTE = re.compile(rf"# (\S+)\n([0-9a-f]{{64}})  {re.escape(_FILE)}\n")
_NAMED = re.compile(rb"^ *- " + re.escape(_FILE).encode() + rb" # (\S+)\r?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Copy:
    """What is noted beside a copy, as `sha256sum --check` reads it."""

    url: str
    digest: str

    @classmethod
    def of(cls, url: str, content: bytes) -> Self:
        """Return what is noted of manifests from a URL; how a checkout ends their lines makes no difference."""
        return cls(url, sha256(content.replace(b"\r\n", b"\n")).hexdigest())

    @classmethod
    def read(cls, note: bytes) -> Self | None:
        """Return what a note says; None where it is none."""
        found = _NOTE.fullmatch(note.decode(errors="replace").replace("\r\n", "\n"))
        return cls(found[1], found[2]) if found else None

    def __str__(self) -> str:
        """Return the note."""
        return f"# {self.url}\n{self.digest}  {_FILE}\n"


def named(kustomization: bytes) -> str:
    """Return the URL that a kustomization says its copy is from; "" where it keeps none."""
    found = _NAMED.search(kustomization)
    return found[1].decode(errors="replace") if found else ""
