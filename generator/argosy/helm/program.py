"""Helm as Kustomize starts it: a program that renders charts which are here, and fetches none."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from argosy import engines, programs
from argosy.engines import Engine
from argosy.errors import Fault, OfflineError
from argosy.helm import workers

REFUSED = "argosy fetches no chart for Kustomize"
"""What the program says where it is to fetch one."""


class Program(NamedTuple):
    """A program, and what decides what it gives."""

    path: Path
    version: Sequence[object]


def program(folder: Path, charts: Collection[Path], within: Path, chosen: Engine | None) -> Program:
    """Write the program to a folder, which is Helm's home as well; raise OfflineError where this machine has none.

    It renders these charts alone, and reads nothing that is not `within`; with an engine's program, if that has one.
    """
    named = chosen and chosen.program
    package, binary = None if named else workers.package(), str(named or programs.find(engines.HELM) or "")
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
    told = engines.of(engines.HELM, Path(binary), "").facts if binary else ()
    return Program(path, [*workers.version(), bool(package), *told])
