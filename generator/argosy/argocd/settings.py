"""Argo CD's own settings, as far as the repository has them: the ConfigMap argocd-cm.

It may stand there whole, as a patch of one that lies elsewhere, in the values of the chart argo-cd, or in an ArgoCD of
argocd-operator. Several clusters may have one each, so that a setting can have several values.

Source: Argo CD's util/settings and util/argo, the chart argo-cd of argo-helm, and argocd-operator.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from argosy.argocd.inventory import Inventory, Role
from argosy.argocd.matching import glob_matches, is_argocd
from argosy.argocd.sources import Source, resolve
from argosy.argocd.view import SETTINGS, ArgoApplication, View, config_map_name
from argosy.documents import Document, File, parse, text_of
from argosy.documents.fields import JSON, field, group_and_kind, mapping, sequence, text
from argosy.paths import astray

CHART = "argo-cd"
_PATCHES = ("patches", "patchesStrategicMerge", "patchesJson6902")


@dataclass(frozen=True)
class Settings:
    """The data of each argocd-cm that is known."""

    data: Sequence[Mapping[str, str]] = ()

    def with_config_maps(self, made: Iterable[Document]) -> Settings:
        """Return the settings with those among what was rendered."""
        maps = [_texts(mapping(each.data.get("data"))) for each in made if config_map_name(each) == SETTINGS]
        return Settings([*self.data, *maps])

    def values(self, key: str) -> Sequence[str]:
        """Return the values that a setting has, each once; none where Argo CD's default counts."""
        return [*dict.fromkeys(each[key] for each in self.data if key in each)]

    @cached_property
    def global_projects(self) -> Sequence[tuple[JSON, str]]:
        """Selectors of AppProjects' labels, each with the AppProject whose permissions the selected ones have too."""
        return [
            (each.get("labelSelector") or {}, text(each.get("projectName"))) for each in self._listed("globalProjects")
        ]

    @cached_property
    def value_schemes(self) -> frozenset[str]:
        """The schemes of the URLs that values files may be fetched from."""
        schemes = self.values("helm.valuesFileSchemes") or ["https, http"]
        return frozenset(each.strip().lower() for value in schemes for each in value.split(",") if each.strip())

    def build_options(self, version: str) -> Sequence[str]:
        """Return the options of `kustomize build`, for a version that an Application names, or else the default."""
        key = "kustomize.buildOptions"
        return [word for value in self.values(f"{key}.{version}" if version else key) for word in value.split()]

    def excludes(self, group: str, kind: str, server: str | None) -> bool | None:
        """Return whether Argo CD ignores a kind in a cluster; None where its default settings decide."""
        asked = (group, kind, server)
        if asked not in self._excluded:
            self._excluded[asked] = self._excludes(*asked)
        return self._excluded[asked]

    @cached_property
    def _excluded(self) -> dict[tuple[str, str, str | None], bool | None]:
        """What was asked before: many resources have the same kind."""
        return {}

    def _excludes(self, group: str, kind: str, server: str | None) -> bool | None:
        def matches(each: Mapping[str, Any]) -> bool:
            groups, kinds = ([text(one) for one in sequence(each.get(name))] for name in ("apiGroups", "kinds"))
            if groups and not any(glob_matches(one, group) for one in groups):
                return False
            return (not kinds or "*" in kinds or kind in kinds) and of_cluster(each)

        def of_cluster(each: Mapping[str, Any]) -> bool:
            clusters = [text(one) for one in sequence(each.get("clusters"))]
            return not clusters or any(server is not None and glob_matches(one, server) for one in clusters)

        if any(map(matches, self._exclusions)):
            return True
        if any(map(of_cluster, self._inclusions)) and not any(map(matches, self._inclusions)):
            return True
        return False if self.values("resource.exclusions") else None

    @cached_property
    def _exclusions(self) -> Sequence[Mapping[str, Any]]:
        return [*self._listed("resource.exclusions")]

    @cached_property
    def _inclusions(self) -> Sequence[Mapping[str, Any]]:
        return [*self._listed("resource.inclusions")]

    def _listed(self, key: str) -> Iterator[Mapping[str, Any]]:
        for value in self.values(key):
            for document in parse(value, key).documents:
                yield from (each for each in sequence(document.data) if isinstance(each, dict))


def of(inventory: Inventory, view: View) -> Settings:
    """Return the settings that are written in a repository, before anything is rendered."""
    found = [*_written(inventory)]
    # Few repositories have that chart, and to resolve the sources of all Applications takes long.
    having = [each for each in inventory.charts if _place_in(each, inventory) is not None]
    folders = {each.relative_to(inventory.root).as_posix() for each in having}
    for document in view.documents:
        if is_argocd(document, "Application"):
            application = ArgoApplication(document.data, document)
            specs = [spec for _, spec in application.sources]
            if any(_is_chart(each) or PurePosixPath(text(each.get("path"))).as_posix() in folders for each in specs):
                found += _of_chart(application, inventory, view)
    return Settings([_texts(each) for each in found if each])


def _texts(data: Mapping[str, JSON]) -> Mapping[str, str]:
    return {key: value for key, value in data.items() if isinstance(value, str)}


def _written(inventory: Inventory) -> Iterator[Mapping[str, JSON]]:
    for entry in inventory.entries:
        for document, role in entry.documents:
            if role is Role.KUSTOMIZATION:
                yield from _in_kustomization(document, entry.file.location.parent, inventory)
            elif role is not Role.CHART and config_map_name(document) == SETTINGS:
                yield mapping(document.data.get("data"))
            elif role is not Role.CHART and group_and_kind(document.data) == ("argoproj.io", "ArgoCD"):
                yield _of_operator(mapping(document.data.get("spec")))


def _of_operator(spec: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """Return what the operator of Argo CD puts into argocd-cm, from what it is told."""
    named = {setting: spec[field] for field, setting in _OF_OPERATOR.items() if field in spec}
    for each in map(mapping, sequence(spec.get("kustomizeVersions"))):
        named[f"kustomize.version.{text(each.get('version'))}"] = each.get("path")
    return {**named, **mapping(spec.get("extraConfig"))}


_OF_OPERATOR = {
    "kustomizeBuildOptions": "kustomize.buildOptions",
    "resourceExclusions": "resource.exclusions",
    "resourceInclusions": "resource.inclusions",
}
"""Fields of an ArgoCD of argocd-operator, by the settings that they become."""


def _in_kustomization(document: Document, folder: Path, inventory: Inventory) -> Iterator[Mapping[str, JSON]]:
    """Yield what a kustomization itself sets: by patches that stand in it, by JSON patches, by a generator."""
    for name in _PATCHES:
        for each in sequence(field(document.data, name)):
            patch, target = mapping(each), mapping(mapping(each).get("target"))
            inline = text(patch.get("patch")) or text(each)
            data = [one.data for one in parse(inline, name).documents] if "\n" in inline or "{" in inline else []
            if file := text(patch.get("path")):
                data += [one.data for one in inventory.at(folder / file) if isinstance(one.data, list)]
            for one in data:
                if isinstance(one, list) and (text(target.get("kind")), target.get("name")) == ("ConfigMap", SETTINGS):
                    yield from map(_of_operation, map(mapping, one))
                elif config_map_name(Document("", 0, one)) == SETTINGS:
                    yield mapping(one.get("data"))
    for each in map(mapping, sequence(field(document.data, "helmCharts"))):
        if each.get("name") == CHART:
            files = [each.get("valuesFile"), *sequence(each.get("additionalValuesFiles"))]
            values = [one.data for file in map(text, files) if file for one in inventory.at(folder / file)]
            for one in (*values, each.get("valuesInline")):
                yield mapping(field(one, "configs", "cm"))
    for each in sequence(field(document.data, "configMapGenerator")):
        if mapping(each).get("name") == SETTINGS:
            yield dict(_generated(mapping(each), folder, inventory))


def _generated(generator: Mapping[str, JSON], folder: Path, inventory: Inventory) -> Iterator[tuple[str, JSON]]:
    """Yield what a generator of Kustomize makes of its files, of lines in files, and of what stands in it."""

    def read(name: str) -> str:
        file = folder / name
        found = None if astray(file, inventory.root) else text_of(File(name, file))
        return found if isinstance(found, str) else ""  # What builds it says why.

    for each in map(text, sequence(generator.get("files"))):
        key, equals, name = each.partition("=")
        if content := read(name if equals else each):
            yield (key if equals else PurePosixPath(each).name), content
    for name in map(text, (generator.get("env"), *sequence(generator.get("envs")))):
        for line in read(name).splitlines() if name else ():
            key, equals, value = line.lstrip().partition("=")
            if equals and not key.startswith("#"):
                yield key, value
    for each in map(text, sequence(generator.get("literals"))):
        key, _, value = each.partition("=")
        yield key, value.strip("'\"")


def _of_operation(operation: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """Return what one operation of a JSON patch sets."""
    path, value = text(operation.get("path")), operation.get("value")
    if operation.get("op") not in {"add", "replace"}:
        return {}
    if path == "/data":
        return mapping(value)
    parent, _, key = path.rpartition("/")
    return {key.replace("~1", "/").replace("~0", "~"): value} if parent == "/data" else {}


def _of_chart(application: ArgoApplication, inventory: Inventory, view: View) -> Iterator[Mapping[str, JSON]]:
    """Yield what the values of an Application set that installs the chart argo-cd, by itself or in another chart."""
    for source in resolve(application, view):
        place = _place(source, inventory)
        if place is None:
            continue
        files = [*([source.folder / "values.yaml"] if source.folder else ()), *source.value_files]
        values = [one.data for file in files for one in inventory.at(file)]
        helm = mapping(source.spec.get("helm"))
        values += [*_documents(text(helm.get("values"))), helm.get("valuesObject")]
        found: dict[str, JSON] = {}
        for each in values:
            found |= mapping(field(each, *place, "configs", "cm"))
        for each in map(mapping, sequence(helm.get("parameters"))):
            path = [part.replace("\\.", ".") for part in re.split(r"(?<!\\)\.", text(each.get("name")))]
            if (*path[:-1],) == (*place, "configs", "cm"):
                found[path[-1]] = each.get("value")
        yield found


def _documents(values: str) -> Iterator[JSON]:
    return (each.data for each in parse(values, "values").documents)


def _place(source: Source, inventory: Inventory) -> Sequence[str] | None:
    """Return under which value the chart argo-cd finds its own, None where it is not installed."""
    if _is_chart(source.spec):
        return ()
    return _place_in(source.folder, inventory) if source.folder else None


def _is_chart(spec: Mapping[str, Any]) -> bool:
    return text(spec.get("chart")).rpartition("/")[2] == CHART


def _place_in(folder: Path, inventory: Inventory) -> Sequence[str] | None:
    head = inventory.head(folder, "Chart.yaml")
    if head.get("name") == CHART:
        return ()
    for each in map(mapping, sequence(head.get("dependencies"))):
        if each.get("name") == CHART:
            return (text(each.get("alias")) or CHART,)
    return None
