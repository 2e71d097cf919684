"""What a directory source takes: which files, and what the Jsonnet among them evaluates to."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from argosy import jsonnet
from argosy.argocd import build_environment
from argosy.argocd.matching import glob_matches
from argosy.argocd.sources import Kind, Source, inside
from argosy.argocd.view import ArgoApplication
from argosy.documents.fields import field, mapping, sequence, text
from argosy.errors import Fault, RenderError
from argosy.jsonnet import Arguments
from argosy.paths import astray, content, is_of_git

SUFFIX = ".jsonnet"
SKIPPED = "+argocd:skip-file-rendering"
"""What keeps a directory source from taking the file that has it."""


def is_chosen(path: str, options: Mapping[str, Any]) -> bool:
    """Return whether a directory source takes a file in its folder."""
    if "/" in path and not options.get("recurse"):
        return False
    if options.get("include") and not glob_matches(str(options["include"]), path):
        return False
    return not (options.get("exclude") and glob_matches(str(options["exclude"]), path))


def files(source: Source, suffix: str = "") -> Iterator[Path]:
    """Yield the files that a directory source takes, of a suffix or of any."""
    options = mapping(source.spec.get("directory"))
    for folder, folders, names in os.walk(source.folder) if source.folder else ():
        folders[:] = sorted(each for each in folders if options.get("recurse") and not is_of_git(each))
        below = os.path.relpath(folder, source.folder)
        for name in sorted(names):
            if name.endswith(suffix) and is_chosen(name if below == "." else f"{below}/{name}", options):
                yield Path(folder, name)


def jsonnet_files(source: Source, root: Path) -> list[Path]:
    """Return the files of Jsonnet that a directory source evaluates."""
    if source.kind is not Kind.DIRECTORY:
        return []
    return [each for each in files(source, SUFFIX) if each.suffix == SUFFIX and _is_taken(each, root)]


def _is_taken(file: Path, root: Path) -> bool:
    try:
        return SKIPPED.encode() not in content(file, root)
    except OSError:
        return False  # A link that leads nowhere, or astray: which is told elsewhere.


def imported(source: Source, root: Path) -> list[Path]:
    """Return the files that the Jsonnet of a directory source imports."""
    libraries = [each for each in _libraries(source, root) if each]
    found = (each for file in jsonnet_files(source, root) for each in jsonnet.read_by(file, root, libraries))
    return [*dict.fromkeys(found)]


def evaluated(file: Path, application: ArgoApplication, source: Source, root: Path) -> Sequence[Any]:
    """Return the manifests that a file of Jsonnet evaluates to.

    Raise RenderError where Argo CD would fail, OfflineError where it cannot be evaluated here.
    """
    libraries = _libraries(source, root)
    if None in libraries:
        listed = sequence(field(source.spec, "directory", "jsonnet", "libs"))
        raise RenderError([Fault(f"The library {listed[libraries.index(None) - 1]} is outside the repository.", file)])
    value = jsonnet.evaluate(file, root, _arguments(application, source, [each for each in libraries if each]))
    if not isinstance(value, list):
        if value is not None and not _has_kind(value):
            raise _refused(_what(value), file)
        return [] if value is None else [value]
    for place, each in enumerate(value):
        if each is not None and not _has_kind(each):
            raise _refused(f"a list whose item {place} is {_what(each)}", file)
    return [each for each in value if each is not None]


def _arguments(application: ArgoApplication, source: Source, libraries: Sequence[Path]) -> Arguments:
    variables = build_environment.of(application, source.spec)
    given = mapping(field(source.spec, "directory", "jsonnet"))

    def listed(name: str, *, code: bool) -> dict[str, str]:
        # Of two of one name, Argo CD takes the last.
        found = {text(each.get("name")): each for each in map(mapping, sequence(given.get(name)))}
        return {
            each: build_environment.substituted(text(one.get("value")), variables)
            for each, one in found.items()
            if bool(one.get("code")) is code
        }

    return Arguments(
        libraries,
        listed("extVars", code=False),
        listed("extVars", code=True),
        listed("tlas", code=False),
        listed("tlas", code=True),
    )


def _libraries(source: Source, root: Path) -> list[Path | None]:
    """Return the folders in which imports are looked for, the source's own first; None for one that is outside."""
    named = sequence(field(source.spec, "directory", "jsonnet", "libs"))
    libraries = [inside(root, PurePosixPath(text(each))) for each in named]
    return [source.folder, *(None if each is None or astray(each, root) else each for each in libraries)]


def _has_kind(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("kind"), str) and bool(value["kind"])


def _what(value: Any) -> str:
    if isinstance(value, dict):
        return f"an object without kind ({', '.join(value)})"[:200] if value else "an empty object"
    return {list: "a list", str: "a text", bool: "true or false"}.get(type(value), "a number")


def _refused(what: str, file: Path) -> RenderError:
    hint = "Argo CD takes a manifest or a list of manifests: std.objectValues makes one of an object of manifests."
    return RenderError([Fault(f"This evaluates to {what}, which is no manifest.", file, 1, hint)])
