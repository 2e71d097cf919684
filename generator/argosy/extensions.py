"""Extensions: programs `argosy-NAME` on PATH, and what installed packages add to rules and reports.

Who changes what is on PATH, or installs a package, is the user. What the current folder or the repository around it
holds is a stranger's: of that nothing is run or imported, whatever PATH says.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path

from argosy import programs
from argosy.errors import UsageError

RULES, REPORTERS = "argosy.rules", "argosy.reporters"
"""The groups of entry points."""
_PREFIX = "argosy-"


def commands() -> Mapping[str, Path]:
    """Return the programs on PATH that are argosy's commands, by name; the first of a name counts, as in a shell."""
    found: dict[str, Path] = {}
    endings = os.environ.get("PATHEXT", ".EXE").lower().split(os.pathsep) if sys.platform == "win32" else [""]
    for folder in map(Path, programs.own(programs.entries(), *_here())):
        try:
            files = sorted(each for each in folder.iterdir() if each.name.startswith(_PREFIX))
        except OSError:
            continue
        for each in files:
            ending = each.suffix.lower() if sys.platform == "win32" else ""
            name = each.name.removeprefix(_PREFIX)
            name = name.removesuffix(each.suffix) if ending else name
            if name and ending in endings and _is_program(each):
                found.setdefault(name, each)
    return found


def _is_program(file: Path) -> bool:
    return file.is_file() and os.access(file, os.X_OK) and not programs.is_strange(file, *_here())


def _here() -> Sequence[Path]:
    """Return the current folder, which may be a repository without Git; whoever is at home has programs below."""
    here = Path.cwd().resolve()
    return () if programs.holds_home(here) else (here,)


def entry_points(group: str) -> Mapping[str, metadata.EntryPoint]:
    """Return what installed packages add, by name."""
    own = programs.own(sys.path, *_here())
    return _entry_points(group, tuple(each for each in sys.path if each in _installed() or each in own))


@cache
def _installed() -> frozenset[str]:
    return frozenset((sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), str(Path(__file__).parents[1])))


@cache
def _entry_points(group: str, places: tuple[str, ...]) -> Mapping[str, metadata.EntryPoint]:
    found = (each for package in metadata.distributions(path=[*places]) for each in package.entry_points)
    return {each.name: each for each in found if each.group == group}


def loaded(entry: metadata.EntryPoint) -> object:
    """Import what an entry point names; raise UsageError that says whose it is."""
    try:
        return entry.load()
    except Exception as error:
        raise failure(entry, error) from error


def failure(entry: metadata.EntryPoint, error: Exception) -> UsageError:
    """Return the error that says which extension failed."""
    package = entry.dist.name if entry.dist else "unknown"
    return UsageError(
        f"The extension {entry.name} ({entry.value} of the package {package}) failed: {type(error).__name__}: {error}",
        f"Update the package, or remove it: pip uninstall {package}.",
    )
