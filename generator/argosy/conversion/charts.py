"""A chart from elsewhere in the place of one that is here, or the other way round: what is deployed stays the same."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from argosy import remote
from argosy.change import edits
from argosy.change.planning import Change
from argosy.conversion import writing
from argosy.conversion.comparison import Difference, grouped
from argosy.conversion.values import CHART_LABELS
from argosy.documents import encrypted, plain
from argosy.errors import ArgosyError, UsageError
from argosy.git import objects
from argosy.names import joined
from argosy.paths import astray
from argosy.repository import layout
from argosy.repository.model import OWN, SHARED, Application, Environment, Format, Origin, Repository, Seed
from argosy.template.rendering import Tree

_KNOWN = re.compile(
    rf"(?:^|\.)metadata\.(?:labels\[(?:{'|'.join(map(re.escape, CHART_LABELS))})\]|annotations\[checksum/[^\]]+\])"
)
"""What tells of the chart itself: its name, its version, and sums of what it renders."""
_LICENCE = re.compile(r"(?:LICEN[CS]E|NOTICE|COPYING)(?:[.-].*)?", re.IGNORECASE)
_SAID = b"The chart's own values.yaml has every value there is."
_MOST = 30


def refuse_what_has_no_chart(application: Application) -> None:
    """Raise UsageError where an application has no values that another chart could take."""
    if application.format not in {Format.HELM, Format.CHART}:
        raise UsageError(
            f"{application.name} has no values for a chart: its format is {application.format}.",
            f"Convert it to a chart here first, which is proven too: argosy convert {application.name} --to helm",
        )


def refuse_unfetched(wanted: Seed, places: Collection[str]) -> None:
    """Raise ArgosyError where a chart was not fetched, so that nothing tells what it deploys."""
    for place in places:
        _fetched(_pin(_source_of(wanted, place)))


def refuse_unequal(name: str, differences: Sequence[Difference], chart: str) -> None:
    """Raise ArgosyError with all differences, where another chart deploys more than labels of its own otherwise."""
    found = [each for each in differences if not _KNOWN.fullmatch(each.path.removeprefix("spec.template."))]
    if found:
        places = dict.fromkeys(each.environment for each in found)
        lines = [
            line
            for place in places
            for line in grouped([replace(each, why="") for each in found if each.environment == place])
        ]
        more = [f"  … and {len(lines) - _MOST} more."] if len(lines) > _MOST else []
        raise ArgosyError(
            "\n".join((f"With {chart}, {name} would not deploy what it does today:", *lines[:_MOST], *more)),
            "Nothing was written. Give the values with which it deploys the same, for an environment or for all: "
            "--values ENV=FILE, which is then all that the chart gets. Or change what it deploys first, and commit.",
        )


@dataclass(frozen=True)
class Held:
    """What is committed of an application's chart and of its values."""

    root: Path
    repository: Repository
    application: Application
    places: Sequence[str]
    """The environments that it is deployed to."""
    committed: Collection[str]
    texts: Mapping[str, bytes]

    @classmethod
    def of(cls, root: Path, repository: Repository, application: Application) -> Held:
        """Read what is committed."""
        places = [each.name for each, one in repository.deployments() if one == application]
        own = [
            f"{layout.deployment(place, application.name)}/{file}"
            for place in places
            for file in (layout.VALUES, layout.SOURCE)
        ]
        entries = objects.entries(root, "HEAD")
        held = objects.blobs(root, entries, [*own, *map(layout.environment_values, places)])
        texts = {path: blob.content for path, blob in held.items()}
        return cls(root, repository, application, places, entries.keys(), texts)

    def comes_from(self, wanted: Seed) -> bool:
        """Return whether the chart comes from there in each environment already."""
        return self.application.format is Format.CHART and all(
            self._source(place) == _source_of(wanted, place) for place in self.places
        )

    def told(self, made: Application) -> str:
        """Return what messages call the chart that the application is to have."""
        if made.seed.origin:
            return " and ".join(dict.fromkeys(str(_pin(_source_of(made.seed, place))) for place in self.places))
        return "the shared chart" if made.chart == SHARED else "its own chart"

    def exchanged(
        self, after: Repository, made: Application, values: Mapping[str, bytes], seeds: Tree
    ) -> tuple[Change, set[str]]:
        """Return the change that brings another chart, and the files of the one that goes.

        `seeds` are what the template writes for the application as it is to be.
        """
        name = self.application.name
        folders = [layout.chart(name), *([] if after.charts else [layout.SHARED_CHART])]
        removed = [*folders]
        written: dict[str, bytes] = {}
        if made.format is Format.CHART:
            if not any(each.format is Format.HELM and not each.vendored for each in after.applications):
                removed += [layout.environment_values(each.name) for each in after.environments]
            sources = [self._path(place, layout.SOURCE) for place in self.places]
            written |= {path: seeds[path].content for path in sources if path in self.committed}
        else:
            removed += [self._path(place, layout.SOURCE) for place in self.places]
            if made.chart == OWN:
                removed = removed[len(folders) :]
                written |= self._chart()
        environments = tuple(self._permitting(each, made) for each in after.environments)
        after = replace(after, environments=environments)
        told = _address(made)
        for place in self.places:
            path = self._path(place, layout.VALUES)
            now = self.texts.get(path, b"")
            given = values.get(place, values.get(""))
            text = self._values(place, made).replace(_address(self.application), told) if given is None else given
            if text != now:
                written[path] = text
        going = {path for path in self.committed if objects.is_within(path, removed)}
        return Change(self.repository, after, removed=sorted(going), written=written), going

    def _permitting(self, place: Environment, made: Application) -> Environment:
        """Return an environment whose project permits where the chart comes from, and no more where it came from."""
        if place.name not in self.places:
            return place
        team, gone = self.repository.tenant(self.application), self._source(place.name).get("repoURL", "")
        permitted = place.permitted_to(team)
        if gone and gone not in self._sources_of_others(place.name):
            left = tuple(each for each in permitted.repositories if each != gone)
            place = place.permitting(replace(permitted, repositories=left), team)
        return edits.permitting_sources(place, [made], self.repository.settings)

    def _sources_of_others(self, place: str) -> set[str]:
        """Return the repositories that other applications of an environment come from."""
        own = self._path(place, layout.SOURCE)
        above, end = f"{layout.environment(place)}/", f"/{layout.SOURCE}"
        paths = [each for each in self.committed if each.startswith(above) and each.endswith(end) and each != own]
        held = objects.blobs(self.root, objects.entries(self.root, "HEAD"), paths)
        return {str(plain.values(each.content).get("repoURL")) for each in held.values()}

    def _path(self, place: str, file: str) -> str:
        return f"{layout.deployment(place, self.application.name)}/{file}"

    def _source(self, place: str) -> Mapping[str, Any]:
        said = plain.values(self.texts.get(self._path(place, layout.SOURCE), b""))
        return {key: str(said[key]) for key in ("repoURL", "chart", "path", "targetRevision") if said.get(key)}

    def _values(self, place: str, made: Application) -> bytes:
        """Return the values in an environment, with those that its applications share where the chart got them."""
        path, below = self._path(place, layout.VALUES), layout.environment_values(place)
        own = self.texts.get(path, b"")
        shares = self.application.format is Format.HELM and not self.application.vendored
        if made.format is not Format.CHART or not shares or below not in self.texts:
            return own
        said = plain.values(own)
        missing = _missing(plain.values(self.texts[below]), said)
        if missing and any(encrypted.is_in(self.texts[each]) for each in (path, below) if each in self.texts):
            raise ArgosyError(
                f"{path} is encrypted, and would have to say what {below} says too: {joined(sorted(missing))}.",
                f"Write it there, or take it out of {below}, and commit.",
            )
        if not missing:
            return own
        if not said:
            heading = re.match(rb"(?:#[^\n]*\n)*", own)
            return (heading[0] if heading else b"") + writing.dump(missing)
        text = writing.load(own)
        writing.merge(text, {key: each for key, each in missing.items() if key in text})
        added = {key: each for key, each in missing.items() if key not in text}
        return writing.dump(text) + (b"\n" + writing.dump(added) if added else b"")

    def _chart(self) -> Mapping[str, bytes]:
        """Return the files of the chart from elsewhere, where they are to be; its licence, which may lie above it."""
        name, own = self.application.name, layout.chart(self.application.name)
        sources = {place: self._source(place) for place in self.places}
        if len({tuple(sorted(each.items())) for each in sources.values()}) > 1:
            told = joined([f"{each['targetRevision']} in {place}" for place, each in sources.items()])
            raise ArgosyError(
                f"{name} has different versions of its chart: {told}.",
                f"A chart here is one for all. Bring all to one first (argosy promote {name} --to …), and commit.",
            )
        if taken := next((path for path in self.committed if objects.is_within(path, [own])), ""):
            raise ArgosyError(f"{taken} is in the way: the chart comes to {own}.", "Move it elsewhere, and commit.")
        source = next(iter(sources.values()))
        folder = _fetched(_pin(source))
        chart = folder / source.get("path", ".") if "chart" not in source else folder
        if astray(chart, folder) or not (chart / "Chart.yaml").is_file():
            raise ArgosyError(f"{_pin(source)} has no Chart.yaml in {source.get('path', '.')}.", "See argosy validate.")
        above = {each.name: each for each in folder.iterdir() if each.is_file() and _LICENCE.fullmatch(each.name)}
        within = {path.relative_to(chart).as_posix(): path for path in chart.rglob("*") if path.is_file()}
        return {
            f"{own}/{path}": file.read_bytes()
            for path, file in sorted({**above, **within}.items())
            if not astray(file, folder)
        }


def _missing(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return what values below say, and those above do not."""
    found = {}
    for key, value in below.items():
        if key not in above:
            found[key] = value
        elif isinstance(value, dict) and isinstance(above[key], dict) and (inner := _missing(value, above[key])):
            found[key] = inner
    return found


def _address(application: Application) -> bytes:
    """Return how the first line of the template's values files says where all values are."""
    if application.format is Format.CHART:
        return _SAID
    chart = layout.shared_chart("<version>") if application.chart == SHARED else layout.chart(application.name)
    return f"All there is: {chart}/{layout.VALUES}".encode()


def _source_of(wanted: Seed, place: str) -> Mapping[str, str]:
    """Return the source of a chart from elsewhere in an environment, with an Application's fields."""
    origin = wanted.origin or Origin("", "")
    said = {
        "repoURL": origin.repo_url,
        "chart": origin.chart,
        "path": origin.path.replace("{env}", place),
        "targetRevision": dict(wanted.revisions).get(place, origin.revision),
    }
    return {key: value for key, value in said.items() if value}


def _pin(source: Mapping[str, Any]) -> remote.Pin:
    found = remote.of_source(source)
    if found is None:
        raise ArgosyError("source.yaml does not say where the chart is.", "See argosy validate.")
    return found


def _fetched(pin: remote.Pin) -> Path:
    folder = remote.folder(pin)
    if folder is None:
        raise ArgosyError(
            f"Nothing tells what {pin} deploys: {remote.trouble(pin)}.",
            remote.next_step(pin, "Run this command again with --fetch, which brings it."),
        )
    return folder
