"""Helm as Kustomize starts it: a program that renders charts which are here, and fetches none."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Sequence
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


def program(folder: Path) -> Program:
    """Write the program to a folder; raise OfflineError where this machine has none."""
    package, binary = workers.package(), shutil.which("helm") or ""
    if sys.platform == "win32" or not (package or binary):
        raise OfflineError([Fault("the charts of kustomizations are not rendered on this platform")])
    if package:
        call = shlex.join([*workers.command(package), binary])
    else:
        call = f'[ "$1" != pull ] || {{ echo {shlex.quote(REFUSED)} >&2; exit 1; }}; exec {shlex.quote(binary)}'
    path = folder / "argosy-helm"
    path.write_text(f'#!/bin/sh\n{call} "$@"\n', encoding="utf-8")
    path.chmod(0o700)
    told = supervisor.version((binary, "version")) if binary else None
    return Program(path, [*(workers.version() if package else ()), *(told or ())])
