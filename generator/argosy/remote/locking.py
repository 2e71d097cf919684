"""The lock: which content each pin is to bring, by its digest, in a file that people commit beside what names it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from argosy.documents.fields import mapping, sequence, text
from argosy.documents.plain import load
from argosy.errors import ArgosyError
from argosy.paths import astray
from argosy.remote.pins import Pin
from argosy.repository import layout

_HEAD = """\
# What `argosy fetch` brought, by the digest of its content. Each fetch is compared with it: commit it.
# Renew it, where other content is meant, with `argosy fetch --lock`.
"""
_DIGEST = re.compile("sha256:([0-9a-f]{64})")


class LockError(ArgosyError):
    """Report that a pin brought something else than what is locked: exit code 2."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Locked:
    """What a pin brought."""

    digest: str
    """Of all its files: 64 hexadecimal digits."""
    resolved: str = ""
    """What a branch, a tag or a range meant: a commit, the digest of an artifact, the version of a chart."""


Lock = Mapping[Pin, Locked]


def read(root: Path) -> Lock:
    """Return what a repository locks; what is wrong in its file is for validation to find, and locks nothing."""
    file = root / layout.LOCK
    if not file.is_file() or astray(file, root):
        return {}
    found = {}
    for each in map(mapping, sequence(load(file, root).get("sources"))):
        pin = Pin(text(each.get("url")), text(each.get("revision")), text(each.get("chart")))
        if digest := _DIGEST.fullmatch(text(each.get("digest"))):
            found[pin] = Locked(digest[1], text(each.get("resolved")))
    return found


def written(lock: Lock) -> str:
    """Return the text of a lock's file."""
    lines = []
    for pin, locked in sorted(lock.items()):
        told = {
            "url": pin.url,
            "chart": pin.chart,
            "revision": pin.revision,
            "resolved": locked.resolved if locked.resolved != pin.revision else "",
            "digest": f"sha256:{locked.digest}",
        }
        fields = [f"{name}: {json.dumps(value)}" for name, value in told.items() if value]
        lines += [f"  {'-' if place == 0 else ' '} {each}\n" for place, each in enumerate(fields)]
    return _HEAD + ("sources:\n" + "".join(lines) if lines else "sources: []\n")


def compare(pin: Pin, brought: str, locked: Locked | None) -> None:
    """Raise LockError where what a pin brought, by its digest, is not what is locked."""
    if locked is not None and brought != locked.digest:
        raise LockError(
            f"{pin} is sha256:{brought} now, but {layout.LOCK} has sha256:{locked.digest}.",
            "Somebody published something else under the same name. Look at it; if it is meant: argosy fetch --lock.",
        )
