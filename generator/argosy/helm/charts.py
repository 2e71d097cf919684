"""The chart's folder: what has to be known of it, and added to it, before Helm can render.

A chart is not trusted. Helm reads whatever its links lead to, and fetches whatever its schemas refer to, so what would
leave the repository or needs the network is refused before Helm sees it.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from argosy import paths
from argosy.documents.plain import load
from argosy.errors import Fault, OfflineError, RenderError
from argosy.helm import chart_schemas
from argosy.helm.dependencies import Lacking, Part, parts, without
from argosy.helm.release import Message, Release
from argosy.paths import is_of_git


def metadata_of(chart: Path) -> Mapping[str, Any]:
    """Return a chart's Chart.yaml; nothing where it cannot be read, for Helm says why."""
    return load(chart / "Chart.yaml")


def refuse_library(metadata: Mapping[str, Any], release: Release) -> None:
    """Raise RenderError for a chart that only other charts can use."""
    if metadata.get("type") == "library":
        hint = "Use it as a dependency of an application chart, or set `type: application`."
        raise RenderError([Fault("A library chart cannot be deployed.", release.chart / "Chart.yaml", hint=hint)])


class Complete(NamedTuple):
    """A chart as Helm is to see it."""

    folder: Path
    lacking: Sequence[Lacking] = ()
    """The dependencies that it does without."""
    messages: Sequence[Message] = ()
    """What has to be said of that."""


@contextmanager
def complete(release: Release) -> Iterator[Complete]:
    """Yield the chart's folder, or a copy with what Argo CD would add or ignore: dependencies, schemas.

    Raise RenderError where what Helm would read leaves the repository, OfflineError where it needs the network. So does
    what fails within, where a dependency is not here, whose templates the others may call.
    """
    _refuse_arguments(release)
    holds_git: dict[Path, bool] = {}
    unread: dict[Path, str] = {}

    def judge(chart: Path, root: Path) -> None:
        if chart in holds_git:
            return
        try:
            holds_git[chart] = _refuse_folder(chart, root, release.skip_schema_validation)
        except OfflineError as error:
            schemas = {fault.path: fault.message for fault in error.faults if fault.path and fault.path.name == _SCHEMA}
            if len(schemas) < len({fault.path for fault in error.faults}):
                raise  # What is in an archive cannot be left out.
            unread.update(schemas)
            holds_git[chart] = _refuse_folder(chart, root, True)

    found = [*parts(release.chart, release.of_chart, release.fetched, judge)]
    lacking = [each for part in found for each in part.lacking]
    is_as_it_is = not (holds_git[release.chart] or lacking or unread or release.skip_schema_validation)
    if len(found) == 1 and is_as_it_is:
        yield Complete(release.chart)
        return
    if len(found) > 1:
        _refuse_multiplied(found, release)
    schemas = {_SCHEMA} if release.skip_schema_validation else set()
    messages = [Message("warning", _SCHEMA, f"{said} The values were not checked by it.") for said in unread.values()]
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, release.chart.name)
        for part in found:
            _copy(part.folder, copy / part.place, schemas, unread)
            if part.lacking:
                without(copy / part.place, part.lacking)
        try:
            yield Complete(copy, lacking, messages)
        except RenderError as error:
            if not lacking or any(fault.stopped for fault in error.faults):
                raise
            file = release.chart / "Chart.yaml"
            raise OfflineError([Fault(str(each), file) for each in lacking]) from error


@contextmanager
def lintable(release: Release) -> Iterator[Release]:
    """Yield the release as Helm's linter may see it; raise RenderError or OfflineError as `complete` does."""
    with complete(release) as made:
        if made.folder == release.chart:
            yield release
        else:
            yield replace(release, chart=made.folder, root=release.within)


_SCHEMA = "values.schema.json"
_HINT = "Replace it with the file, or with a relative link within this repository: Argo CD follows no other links."


def _refuse_arguments(release: Release) -> None:
    """Raise RenderError for a file that may not be read, and for names by which Helm would read or run another."""
    named = [*release.values, *(file for _, file in release.file_parameters)]
    strayed = [
        (file, reason)
        for file in named
        if (reason := paths.astray(file, release.within))
        and all(paths.astray(file, each) for each in (release.of_chart, *release.others))
    ]
    found = [Fault(f"{file.name} cannot be used: {reason}.", file, hint=_HINT) for file, reason in strayed]
    if release.name.startswith("-"):
        found.append(Fault(f"“{release.name}” is not a valid release name.", hint="Begin it with a letter."))
    for name, file in release.file_parameters:
        # Helm reads `a=one,b=two` as two files.
        if re.search(r"[=,]", name) or "\\" in file.as_posix():
            message = f"The file parameter “{name}” is invalid: Helm would read another file than {file.name}."
            found.append(Fault(message, hint="Use a name without `=` and `,`, and a path without a backslash."))
    if found:
        raise RenderError(found)


def _refuse_folder(chart: Path, root: Path, skips_schemas: bool) -> bool:
    """Return whether a chart's folder holds what is Git's own, which Helm is not to see.

    Raise RenderError where it holds what may not be read, OfflineError where its schemas need the network.
    """
    return paths.once(("refused", chart, root, skips_schemas), lambda: _holds_git(chart, root, skips_schemas))


def _holds_git(chart: Path, root: Path, skips_schemas: bool) -> bool:
    if reason := paths.astray(chart, root):
        raise RenderError([Fault(f"The chart cannot be used: {reason}.", chart, hint=_HINT)])
    found = list(paths.files(chart, root))
    of_git = [file for file, reason in found if reason == paths.OF_GIT and is_of_git(file.name)]
    strayed = [(file, reason) for file, reason in found if reason and file not in of_git]
    if strayed:
        told = ((file, f"{file.relative_to(chart).as_posix()} cannot be used: {reason}.") for file, reason in strayed)
        raise RenderError([Fault(message, file, hint=_HINT) for file, message in told])
    if not skips_schemas:
        chart_schemas.refuse_references(chart, (file for file, reason in found if not reason))
    return bool(of_git)


_MOST_COPIED = 100 * 1024 * 1024
"""Bytes: a folder that many dependencies name is there as often."""


def _refuse_multiplied(found: Sequence[Part], release: Release) -> None:
    """Raise RenderError where a copy of a chart with its dependencies would be large."""
    folders = Counter((part.folder, part.root) for part in found)
    size = sum(
        count * sum(file.stat().st_size for file, reason in paths.files(folder, root) if not reason)
        for (folder, root), count in folders.items()
    )
    if size > _MOST_COPIED:
        message = f"The chart has more than {_MOST_COPIED:,} bytes with its dependencies."
        raise RenderError([Fault(message, release.chart / "Chart.yaml", hint="Take out what no template reads.")])


def _copy(chart: Path, copy: Path, ignored: Collection[str], unread: Collection[Path]) -> None:
    def left_out(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if is_of_git(name) or name in ignored or Path(folder, name) in unread]

    shutil.copytree(chart, copy, ignore=left_out)
