"""The catalogue of components, which is data: a folder each, argosy's own and those of the repository.

A folder has `component.yaml`, which says what the component is, `values.yaml` for its chart, and `manifests/` with
custom resources, if it needs any. All but the first are Jinja texts with the template's marks: [[ ]], [% %] and [# #].
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from argosy import supervisor
from argosy.catalogue import sandbox
from argosy.documents import Defect, File, read, text_of
from argosy.documents.plain import documents
from argosy.errors import ArgosyError, UsageError
from argosy.names import did_you_mean
from argosy.paths import astray
from argosy.repository import layout
from argosy.repository.model import (
    Component,
    Environment,
    Kind,
    PodSecurity,
    Repository,
    RevisionStyle,
    Settings,
    chain,
)
from argosy.supervisor import StoppedError

FOLDER = Path(__file__).parent / "components"


@dataclass(frozen=True, slots=True)
class Entry:
    """What the catalogue says of a component."""

    folder: Path
    own: bool
    """Whether it is the repository's own rather than argosy's."""
    component: Component
    summary: str
    needs: tuple[str, ...]
    """What must be in the cluster first."""
    crds: tuple[Kind, ...]
    """The kinds that it brings."""
    cluster_kinds: tuple[Kind, ...]
    """What it deploys without a namespace."""
    namespaces: tuple[str, ...]
    """What it deploys to, besides its own namespace."""
    notes: str

    @property
    def name(self) -> str:
        """The component's name."""
        return self.component.name

    @property
    def paths(self) -> Sequence[str]:
        """Where its values and custom resources lie, below its folder in an environment."""
        listed = [path.relative_to(self.folder).as_posix() for path in texts(self.folder)]
        return [layout.VALUES, *(path for path in listed if path != layout.VALUES)]

    def files(self, repository: Repository, environment: Environment) -> Mapping[str, bytes]:
        """Return the values and custom resources of the component in an environment, by path.

        Raise ArgosyError with file and line where one of the texts cannot be rendered.
        """
        place = layout.component(environment.name, self.name)
        known = _known(repository, environment)
        return {f"{place}/{path}": self._rendered(path, known).encode() for path in self.paths}

    def _rendered(self, path: str, known: Mapping[str, Any]) -> str:
        file = self.folder / path
        if not file.is_file():
            return _NO_VALUES.format(name=self.name)
        place = f"{layout.CATALOGUE}/{self.name}/{path}" if self.own else str(file)
        hint = "`argosy validate` judges the whole catalogue."
        try:
            return _rendered(file, place, known, own=self.own)
        except sandbox.RefusedError as error:
            raise ArgosyError(f"{place}:{error.line}: {error}.", hint) from error
        except StoppedError as error:
            raise ArgosyError(f"{place}: {error.message}", error.hint) from error


_NO_VALUES = "# The values of {name} here: the chart's own, until there are others.\n{{}}\n"


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with the repository's own catalogue, and where."""

    path: str
    line: int
    message: str
    hint: str = ""


def texts(folder: Path) -> list[Path]:
    """Return the texts of a component's folder in a catalogue: values and custom resources."""
    listed = [folder / layout.VALUES, *sorted((folder / "manifests").glob("*.yaml"))]
    return [path for path in listed if path.is_file() and not astray(path, folder.parent.parent)]


def load(root: Path | None = None) -> Mapping[str, Entry]:
    """Return the catalogue by name: argosy's own, and what a repository has in place of it or besides.

    Raise ArgosyError with file and line where an entry of the repository's cannot be meant.
    """
    found = {**_brought(FOLDER)}
    if root is None:
        return dict(sorted(found.items()))
    for path in _folders(root / layout.CATALOGUE):
        place = path.relative_to(root).as_posix()
        document = _checked(path, place)
        try:
            found[path.parent.name] = _entry(path, document, own=True)
        except UsageError as error:
            raise ArgosyError(f"{place}:1: {error.message}", error.hint) from error
    for mistake in _unknown_needs(found, root):
        raise ArgosyError(f"{mistake.path}:{mistake.line}: {mistake.message}", mistake.hint)
    return dict(sorted(found.items()))


@cache
def _brought(folder: Path) -> Mapping[str, Entry]:
    """Return argosy's own catalogue, which does not change while it runs."""
    return {path.parent.name: _entry(path, _checked(path, path.as_posix()), own=False) for path in _folders(folder)}


def mistakes(root: Path) -> Iterator[Mistake]:
    """Yield what is wrong with a repository's own catalogue, beyond what the schema of its files says.

    All of its texts together have the time of one render.
    """
    left = supervisor.limits().seconds
    found = {**_brought(FOLDER)}
    for path in _folders(root / layout.CATALOGUE):
        place = path.relative_to(root).as_posix()
        try:
            found[path.parent.name] = _entry(path, _checked(path, place), own=True)
        except UsageError as error:
            yield Mistake(place, 1, error.message, error.hint)
        except ArgosyError:
            found.pop(path.parent.name, None)  # As for every file, syntax and schema are judged by other rules.
        for text in texts(path.parent):
            shown = text.relative_to(root).as_posix()
            if left > 0:
                before = time.monotonic()
                yield from [*_unrendered(text, shown)]
                left -= time.monotonic() - before
            else:
                hint = f"Look for a loop in those, or set {supervisor.TIMEOUT} to more where argosy runs."
                yield Mistake(shown, 1, "It was not rendered: the texts before it took all the time.", hint)
    yield from _unknown_needs(found, root)


def _unrendered(path: Path, place: str) -> Iterator[Mistake]:
    """Yield why a text cannot be rendered, or is no YAML then, be it for production or not."""
    before, last = chain((("dev", ""), ("prod", "")), RevisionStyle.TRUNK)
    sample = Repository(Settings("gitops", "https://git.example.com/gitops.git"), (before, last))
    found = (_mistake_of(path, place, _known(sample, each)) for each in sample.environments)
    yield from islice(filter(None, found), 1)


def _mistake_of(path: Path, place: str, known: Mapping[str, Any]) -> Mistake | None:
    try:
        list(documents(_rendered(path, place, known, own=True)))
    except sandbox.RefusedError as error:
        return Mistake(place, error.line, f"It cannot be rendered: {error}.")
    except StoppedError as error:
        return Mistake(place, 1, f"It cannot be rendered: {error.message}", error.hint)
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1} of what it renders to)" if mark else ""
        return Mistake(place, 1, f"It renders to what is not YAML: {getattr(error, 'problem', None) or error}{where}.")
    return None


def _unknown_needs(found: Mapping[str, Entry], root: Path) -> Iterator[Mistake]:
    for each in found.values():
        for need in each.needs if each.own else ():
            if need not in found:
                path = each.folder / "component.yaml"
                lines = path.read_text("utf-8").splitlines()
                line = next((number for number, text in enumerate(lines, 1) if need in text), 1)
                place = path.relative_to(root).as_posix()
                yield Mistake(place, line, f"It needs “{need}”, which is not in the catalogue.", _nearest(need, found))


def _folders(catalogue: Path) -> list[Path]:
    return [path for path in sorted(catalogue.glob("*/component.yaml")) if not astray(path, catalogue.parent)]


def _nearest(name: str, known: Mapping[str, Entry]) -> str:
    return did_you_mean(name, known) or "`argosy components` lists what there is."


def entry(known: Mapping[str, Entry], name: str) -> Entry:
    """Return a component's entry; raise UsageError with the nearest name if there is none."""
    if name not in known:
        raise UsageError(f"There is no component “{name}” in the catalogue.", _nearest(name, known))
    return known[name]


def _entry(path: Path, data: Mapping[str, Any], *, own: bool) -> Entry:
    chart = data["chart"]
    component = Component(
        name=path.parent.name,
        repo_url=chart["repository"],
        chart=chart["name"],
        version=chart["version"],
        namespace=data["namespace"],
        wave=data["wave"],
        server_side=data.get("serverSideApply", False),
        manifests=any((path.parent / "manifests").glob("*.yaml")),
        pod_security=PodSecurity(data.get("podSecurity", "")),
        ignored=json.dumps(data["ignoreDifferences"]) if data.get("ignoreDifferences") else "",
    )
    return Entry(
        folder=path.parent,
        own=own,
        component=component,
        summary=data["summary"],
        needs=tuple(data.get("needs", ())),
        crds=_kinds(data.get("crds", ())),
        cluster_kinds=_kinds(data.get("clusterKinds", ())),
        namespaces=tuple(data.get("namespaces", ())),
        notes=data.get("notes", "").strip(),
    )


def _checked(path: Path, place: str) -> Mapping[str, Any]:
    from argosy.schemas import bundled  # noqa: PLC0415
    from argosy.schemas.violations import as_written  # noqa: PLC0415

    parsed = read(File(place, path))
    for defect in parsed.defects:
        raise ArgosyError(f"{place}:{defect.line or 1}: {defect.message}", defect.hint)
    if len(parsed.documents) != 1:
        raise ArgosyError(f"{place}:1: it has {len(parsed.documents) or 'no'} YAML documents.", "It has one.")
    document = parsed.documents[0]
    found = bundled.schema("files.json#/$defs/component").violations(document.data)
    for violation in as_written(found, document):
        raise ArgosyError(f"{place}:{document.line_of(violation.at) or 1}: {violation.message}", violation.hint)
    data: Mapping[str, Any] = document.data
    return data


def _rendered(path: Path, place: str, known: Mapping[str, Any], *, own: bool) -> str:
    """Return what a text of a catalogue gives; raise RefusedError or StoppedError where it fails."""
    text = text_of(File(place, path))
    if isinstance(text, Defect):
        raise sandbox.RefusedError(text.message, text.line or 1)
    # A repository's own catalogue is not trusted.
    return sandbox.rendered_apart(text, known) if own else sandbox.rendered(text, known)


def _kinds(listed: Any) -> tuple[Kind, ...]:
    return tuple(Kind(each["group"], each["kind"]) for each in listed)


def _known(repository: Repository, environment: Environment) -> Mapping[str, Any]:
    """Return what the texts of the catalogue may refer to."""
    settings = repository.settings
    return {
        "environment": {
            "name": environment.name,
            "production": repository.is_production(environment),
            "cluster": environment.cluster,
            "pod_security": environment.pod_security.value,
        },
        "repository": {"name": settings.name, "url": settings.repo_url},
    }
