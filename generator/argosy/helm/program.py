"""Helm as Kustomize starts it: a program that renders charts which are here, and fetches none."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from argosy import supervisor
from argosy.errors import Fault, OfflineError
from argosy.helm import workers

REFUSED = "argosy fetches no chart for Kustomize"
"""What the program says where it is to fetch one."""


class Program(NamedTuple):
    """A program, and what decides what it gives."""

    path: Path
    version: Sequence[object]


def program(folder: Path, charts: Collection[Path], within: Path) -> Program:
    """Write the program to a folder, which is Helm's home as well; raise OfflineError where this machine has none.

    It renders these charts alone, and reads nothing that is not `within`.
    """
    package, binary = workers.package(), shutil.which("helm") or ""
    if sys.platform == "win32" or not (package or binary):
        raise OfflineError([Fault("the charts of kustomizations are not rendered on this platform")])
    settings = {
        "package": bool(package),
        "binary": binary,
        "charts": sorted(map(str, charts)),
        "within": str(within),
        "home": str(folder / "home"),
    }
    path = folder / "argosy-helm"
    call = shlex.join([*workers.command(package or folder), json.dumps(settings)])
    path.write_text(f'#!/bin/sh\nexec {call} "$@"\n', encoding="utf-8")
    path.chmod(0o700)
    told = supervisor.version((binary, "version")) if binary else None
    return Program(path, [*workers.version(), *(told or ())])
