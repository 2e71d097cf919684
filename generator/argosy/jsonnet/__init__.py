"""Jsonnet: a file -> what it evaluates to. The only package that runs Jsonnet.

Each evaluation is a process of its own. go-jsonnet, which Argo CD evaluates with, runs in it where the package
gojsonnet has a build, else the C++ Jsonnet of the same version.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache as once
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import argosy
from argosy import cache
from argosy.cache import Inputs
from argosy.documents.fields import integer
from argosy.errors import Fault, OfflineError, RenderError
from argosy.jsonnet.imports import read_by
from argosy.supervisor import Program, StoppedError

__all__ = ["Arguments", "evaluate", "read_by"]

_WORKER = Path(__file__).with_name("worker.py")
_ENGINES = {"_gojsonnet": "gojsonnet", "_jsonnet": "jsonnet"}
"""The modules that evaluate, the first of them preferred, with the packages that they are of."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a file is evaluated with, besides what it imports."""

    libraries: Sequence[Path] = ()
    """The folders in which an import is looked for that is not beside the file, the last one first."""
    external: Mapping[str, str] = field(default_factory=dict)
    external_code: Mapping[str, str] = field(default_factory=dict)
    top_level: Mapping[str, str] = field(default_factory=dict)
    top_level_code: Mapping[str, str] = field(default_factory=dict)


def evaluate(file: Path, root: Path, given: Arguments) -> Any:
    """Return what a file evaluates to, as JSON has it. Nothing outside the root is read.

    Raise RenderError where it fails or reaches a limit, OfflineError where nothing evaluates Jsonnet here.
    """
    engine = _engine()
    if engine is None:
        raise OfflineError([Fault("it is Jsonnet, and the package gojsonnet has no build for this platform")])
    home = Path(os.path.realpath(root))
    task = {
        "file": _name(file, root),
        "libraries": [_name(each, root) for each in given.libraries],
        "ext_vars": dict(given.external),
        "ext_codes": dict(given.external_code),
        "tla_vars": dict(given.top_level),
        "tla_codes": dict(given.top_level_code),
    }

    def made_from() -> Inputs | None:
        read = [file, *read_by(file, root, given.libraries)]
        return cache.inputs([*_maker(engine), task], [(_name(each, root), each) for each in read])

    def is_lasting(made: Mapping[str, Any], _: Inputs) -> bool:
        # An import that is written in an odd way may not have been foreseen.
        known = {_name(each, root) for each in read_by(file, root, given.libraries)}
        return "text" in made and known.issuperset(made["read"])

    try:
        made = cache.remembered(made_from, lambda: _asked(engine, home, task), is_lasting, (root, home))
    except StoppedError as error:
        raise RenderError([Fault(error.message, file, hint=error.hint, stopped=True)]) from error
    if "error" in made:
        raise RenderError([_fault(made["error"], file, root)])
    try:
        return json.loads(made["text"])
    except (ValueError, RecursionError) as error:
        raise RenderError([Fault(f"It evaluates to what cannot be read: {error}.", file)]) from error


def _name(path: Path, root: Path) -> str:
    return os.path.relpath(path, root).replace(os.sep, "/")


@once
def _engine() -> str | None:
    """Return the module that evaluates; None where there is none for this platform."""
    return next((each for each in _ENGINES if find_spec(each)), None)


@once
def _maker(engine: str) -> Sequence[str]:
    """Return what decides what a file evaluates to, besides the file."""
    return "jsonnet", engine, version(_ENGINES[engine]), _WORKER.read_text(encoding="utf-8")


def _asked(engine: str, home: Path, task: Mapping[str, Any]) -> dict[str, Any]:
    """Have a process evaluate; raise StoppedError where it had to be stopped."""
    spec = find_spec(engine)
    assert spec
    assert spec.origin
    # Isolated: neither the current folder nor the environment decides what is imported.
    places = [str(Path(argosy.__path__[0]).parent), str(Path(spec.origin).parent)]
    program = None
    try:
        program = Program([sys.executable, "-I", "-S", "-X", "utf8", str(_WORKER), engine, *places])
        made: dict[str, Any] = json.loads(program.ask(json.dumps({"root": str(home), **task}).encode() + b"\n"))
    finally:
        if program:
            program.stop()
    return made


_PLACE = re.compile(r"^(?P<file>[^<\s\n][^\n]*?):\(?(?P<line>\d+):\d+\S*", re.MULTILINE)


def _fault(error: str, file: Path, root: Path) -> Fault:
    """Return what an error of Jsonnet's says, at the innermost place that is in a file."""
    said = error.removeprefix("RUNTIME ERROR: ").removeprefix("importer error: ")
    if place := _PLACE.match(said):
        # An error of syntax begins with its place, and quotes the line.
        what, text = "This is not valid Jsonnet", re.split(r"\n[\n\t]", said[place.end() :])[0]
    else:
        text, _, frames = said.partition("\n\t")
        what, place = "Jsonnet cannot be evaluated", _PLACE.search(frames.replace("\n\t", "\n"))
    where = (root / place["file"], integer(place["line"])) if place else (file, None)
    return Fault(f"{what}: {text.strip().rstrip('.')}.", *where)
