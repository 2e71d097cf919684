"""Which version of an application a state deploys, as its files say it: nothing is rendered."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Self

import yaml

from argosy.documents import plain
from argosy.promotion import deployment
from argosy.promotion.states import State
from argosy.repository import layout
from argosy.yaml_edit import keys

_DIGEST_LENGTH = len("sha256:") + 12


@dataclass(frozen=True, slots=True)
class Image:
    """A container image: what files say of it, which need not be all."""

    repository: str = ""
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `repository[:tag][@digest]`."""
        rest, _, digest = text.partition("@")
        folder, slash, name = rest.rpartition("/")
        name, _, tag = name.partition(":")
        return cls(f"{folder}{slash}{name}", tag, digest)

    def over(self, other: Self) -> Self:
        """Return the image with what is left out here taken from another one."""
        tag, digest = (self.tag, self.digest) if self.tag or self.digest else (other.tag, other.digest)
        return replace(self, repository=self.repository or other.repository, tag=tag, digest=digest)

    @property
    def version(self) -> str:
        """Its tag, or else its digest; without either, registries give the latest."""
        return self.tag or self.digest[:_DIGEST_LENGTH] or "latest"

    def __str__(self) -> str:
        return self.repository + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


@dataclass(frozen=True, slots=True)
class Version:
    """What is deployed: images, the application's own first, by the shared chart perhaps; or what is elsewhere."""

    images: Sequence[Image] = ()
    chart: str = ""
    """The name of the chart, the repository or the artifact that is elsewhere, or the folder of the shared chart."""
    chart_version: str = ""

    def __str__(self) -> str:
        """Name it in a few characters: the chart's version, or the first image's and how many more there are."""
        if self.chart and not self.images:
            return _shortened(self.chart_version) or "latest"
        if not self.images:
            return ""
        return self.images[0].version + (f" +{len(self.images) - 1}" if len(self.images) > 1 else "")


_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def _shortened(revision: str) -> str:
    """Return a revision in a few characters: a digest's or a commit's first ones."""
    if _COMMIT.fullmatch(revision):
        return revision[:12]
    return revision[:_DIGEST_LENGTH] if revision.startswith("sha256:") else revision


def places(application: str, environment: str) -> tuple[str, ...]:
    """Return the units in which a version is looked for."""
    return (
        layout.deployment(environment, application),
        layout.application(application),
        layout.argocd_application(environment, application),
        layout.environment_values(environment),
    )


def looked_at(state: State, *units: str) -> Iterator[str]:
    """Yield the blobs in units, or all, that may say something of a version: of a chart, only what it is by default."""
    for unit in units or state.units:
        for path, entry in state.units.get(unit, {}).items():
            parts = path.split("/")
            if parts[0] != layout.APPLICATIONS or parts[2] == "base" or parts[4:] in (["Chart.yaml"], [layout.VALUES]):
                yield entry.blob


def of(state: State, application: str, environment: str) -> Version:
    """Return the version of an application that a state deploys to an environment."""
    argocd = state.read(layout.argocd_application(environment, application))
    for source in deployment.charts(argocd or b""):
        return Version((), str(source["chart"]), str(source.get("targetRevision") or ""))
    folder = layout.deployment(environment, application)
    if (file := f"{folder}/{layout.SOURCE}") in state.units.get(folder, ()):
        said = _mapping(state.read(file) or b"")
        if name := str(said.get("chart") or said.get("repoURL") or "").rstrip("/").rpartition("/")[2]:
            return Version((), name.removesuffix(".git"), str(said.get("targetRevision") or ""))
    if _kustomization(state, folder) is not None:
        found = [each for (_, _), each in _built(state, folder, frozenset()).items()]
        if not found and (base := _base(_mapping(_kustomization(state, folder) or b""))):
            return base
    elif shared := deployment.shared_chart(state, application, environment):
        found = list(_of_values(state, application, environment, shared))
        return Version(tuple(dict.fromkeys(found)), layout.SHARED_CHART, shared.rpartition("/")[2])
    elif any(state.entry(path) for path in (f"{layout.chart(application)}/Chart.yaml", f"{folder}/{layout.VALUES}")):
        found = list(_of_values(state, application, environment, layout.chart(application)))
    else:
        found = list(_of_files(state, state.units.get(folder, ())).values())
    return Version(tuple(dict.fromkeys(found)))


# Helm


@lru_cache(maxsize=4096)
def _mapping(content: bytes) -> Mapping[str, Any]:
    return plain.parse(content)


@lru_cache(maxsize=4096)
def _values(content: bytes) -> Mapping[str, Any]:
    return plain.values(content)


def _of_values(state: State, application: str, environment: str, chart: str) -> Iterator[Image]:
    """Yield the images of a chart's values, the one at the top first; what they leave out is the chart's to say."""
    files = (layout.environment_values(environment), f"{layout.deployment(environment, application)}/{layout.VALUES}")
    given: dict[tuple[str, ...], Image] = {}
    for file in files:
        for path, image in _in_values(_values(state.read(file) or b"")):
            given[path] = image.over(given.get(path, Image()))
    first = given.pop(_TOP, None)
    if first is None or not first.repository or first == Image(first.repository):
        first = _completed(first, state, chart)
    yield from (each for each in (first, *given.values()) if each)


_TOP = ("image",)


def _completed(image: Image | None, state: State, chart: str) -> Image | None:
    """Return an image with what a chart says of it: in its values, or with the version of what it installs."""
    default = dict(_in_values(_values(state.read(f"{chart}/{layout.VALUES}") or b""))).get(_TOP)
    found = image.over(default) if image and default else image or default
    if found is None or found.tag or found.digest:
        return found
    return replace(found, tag=str(_mapping(state.read(f"{chart}/Chart.yaml") or b"").get("appVersion") or ""))


def _in_values(data: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Image]]:
    for name, value in data.items():
        path = (*above, str(name))
        if name == "image" and isinstance(value, str) and value:
            yield path, Image.parse(value)
        elif name == "image" and isinstance(value, dict):
            if image := _of_mapping(value):
                yield path, image
        elif isinstance(value, dict):
            yield from _in_values(value, path)


def _of_mapping(value: Mapping[str, Any]) -> Image | None:
    registry, repository, tag, digest = (
        str(value.get(name) or "") for name in ("registry", "repository", "tag", "digest")
    )
    full = "/".join(each for each in (registry, repository) if each)
    return Image(full, tag, digest) if full or tag or digest else None


# Manifests

Containers = dict[tuple[str, str], Image]
"""Images by the manifest, as Kind/name, and the container's name."""


def _of_files(state: State, paths: Iterable[str]) -> Containers:
    found: Containers = {}
    for path in sorted(paths):
        if path.endswith((".yaml", ".yml", ".json")):
            found |= _in_text(state.read(path) or b"")
    return found


@lru_cache(maxsize=4096)
def _in_text(content: bytes) -> Containers:
    """Return the containers' images in a text of manifests."""
    text = keys.read(content) if b"image" in content else None
    if text is None:
        return {}
    return {
        (scope, name): Image.parse(image)
        for scope, node in text.documents.items()
        for name, image in sorted(_containers(node), key=lambda each: scope.partition("/")[2] != each[0])
    }


_HOLDERS = ("containers", "initContainers")


def _containers(node: yaml.Node) -> Iterator[tuple[str, str]]:
    """Yield name and image of the containers anywhere below a node, those that run before those that prepare."""
    if not isinstance(node, yaml.MappingNode):
        return
    fields = {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}
    for holder in _HOLDERS:
        items = fields.get(holder)
        for item in items.value if isinstance(items, yaml.SequenceNode) else ():
            data = keys.value(item)
            if isinstance(data, dict) and isinstance(data.get("image"), str):
                yield str(data.get("name", "")), data["image"]
    for name, value in fields.items():
        if name not in _HOLDERS:
            yield from _containers(value)


# Kustomize


def _kustomization(state: State, folder: str) -> bytes | None:
    return next(
        (found for name in deployment.KUSTOMIZATIONS if (found := state.read(f"{folder}/{name}")) is not None), None
    )


def _built(state: State, folder: str, above: frozenset[str]) -> Containers:
    """Return the containers' images that a folder's kustomization comes to."""
    content = _kustomization(state, folder)
    if content is None or folder in above:
        return {}
    data = _mapping(content)
    found: Containers = {}
    for reference in _texts(data, "resources", "bases", "components"):
        path = posixpath.normpath(posixpath.join(folder, reference))
        held = state.read(path)
        found |= _in_text(held) if held is not None else _built(state, path, above | {folder})
    for patch in _patches(data):
        held = state.read(posixpath.normpath(posixpath.join(folder, patch))) if "\n" not in patch else patch.encode()
        for place, image in _in_text(held or b"").items():
            found.update(dict.fromkeys(_meant(place, found), image))
    replaced = [each for each in data.get("images") or () if isinstance(each, dict)]
    return {place: _replaced(image, replaced) for place, image in found.items()}


_BASE = re.compile(r"\S*?/(?P<name>[^/?\s]+?)(?:\.git)?(?://[^?\s]*)?\?(?:\S*&)?ref=(?P<revision>[^&\s]+)")


def _base(data: Mapping[str, Any]) -> Version | None:
    """Return the version of the first base of another repository; None where there is none."""
    found = next(filter(None, map(_BASE.fullmatch, _texts(data, "resources", "bases", "components"))), None)
    return Version((), found["name"], found["revision"]) if found else None


def _texts(data: Mapping[str, Any], *fields: str) -> Iterator[str]:
    for name in fields:
        listed = data.get(name)
        yield from (each for each in (listed if isinstance(listed, list) else ()) if isinstance(each, str))


def _patches(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield the paths of patches, and the texts of those that stand in the kustomization."""
    yield from _texts(data, "patchesStrategicMerge")
    listed = data.get("patches")
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict):
            found = each.get("path") or each.get("patch")
            if isinstance(found, str):
                yield found


def _meant(place: tuple[str, str], found: Containers) -> Sequence[tuple[str, str]]:
    """Return the containers that a patch is about: in the manifest of that name, else wherever its target says."""
    same_name = [each for each in found if each[1] == place[1]]
    return [place] if place in found or not same_name else same_name


def _replaced(image: Image, replacements: Iterable[Mapping[str, Any]]) -> Image:
    for each in replacements:
        if str(each.get("name")) == image.repository:
            tag, digest = str(each.get("newTag") or ""), str(each.get("digest") or "")
            new = Image(str(each.get("newName") or ""), tag, digest)
            return new.over(image)
    return image
