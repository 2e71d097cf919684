"""An Application's `spec.source.kustomize`, set in a kustomization as Argo CD sets it by `kustomize edit`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from argosy.documents.fields import integer, text
from argosy.errors import Fault, RenderError
from argosy.kustomize.references import kustomization, mapping, mappings, strings
from argosy.paths import holds


def components_of(folder: Path, overrides: Mapping[str, Any]) -> list[str]:
    """Return the components that an Application adds, without missing ones where it ignores those."""
    lenient = overrides.get("ignoreMissingComponents")
    return [entry for entry in strings(overrides.get("components")) if not lenient or holds((folder / entry).exists)]


def patch_files(overrides: Mapping[str, Any]) -> list[str]:
    """Return the files, and the URLs, of the patches that an Application adds."""
    return strings([each.get("path") for each in mappings(overrides.get("patches"))])


def with_overrides(
    data: Mapping[str, Any], overrides: Mapping[str, Any], components: Sequence[str], folder: Path
) -> dict[str, Any]:
    """Return a kustomization with an Application's overrides set in it; raise RenderError where two disagree."""
    edited = dict(data)
    for field in ("namePrefix", "nameSuffix", "namespace"):
        if overrides.get(field):
            edited[field] = overrides[field]
    there = {each.get("name"): each for each in mappings(data.get("images"))}
    images = [_preserving(_image(image), there) for image in strings(overrides.get("images"))]
    replicas = [{**each, "count": _count(each.get("count", 0))} for each in mappings(overrides.get("replicas"))]
    for field, given in (("images", images), ("replicas", replicas)):
        if given:
            names = {each.get("name") for each in given}
            edited[field] = [each for each in mappings(data.get(field)) if each.get("name") not in names] + given
    _add_labels(edited, overrides, folder)
    _add(edited, "commonAnnotations", overrides, folder)
    patches = [{key: value for key, value in each.items() if value} for each in mappings(overrides.get("patches"))]
    if patches:
        edited["patches"] = [*(edited.get("patches") or []), *patches]
    if components:
        old = edited.get("components") or []
        edited["components"] = [*old, *(each for each in components if each not in old)]
    return edited


def _add_labels(edited: dict[str, Any], overrides: Mapping[str, Any], folder: Path) -> None:
    labels = mapping(overrides.get("commonLabels"))
    if labels and overrides.get("labelWithoutSelector"):
        templates = {"includeTemplates": True} if overrides.get("labelIncludeTemplates") else {}
        edited["labels"] = [*(edited.get("labels") or []), {"pairs": labels, **templates}]
    else:
        _add(edited, "commonLabels", overrides, folder)


def _add(edited: dict[str, Any], field: str, overrides: Mapping[str, Any], folder: Path) -> None:
    """Add labels or annotations; one that is there already is refused unless forced."""
    given, old = mapping(overrides.get(field)), mapping(edited.get(field))
    force = f"force{field[0].upper()}{field[1:]}"
    if not overrides.get(force) and (taken := sorted(old.keys() & given.keys())):
        message = f"{field} has {', '.join(taken)} already."
        raise RenderError([Fault(message, kustomization(folder), hint=f"Set kustomize.{force}.")])
    if given:
        edited[field] = {**old, **given}


def _count(value: Any) -> Any:
    """Return a number of replicas, which Argo CD also takes as text; Kustomize refuses what is none."""
    number = integer(text(value))
    return value if number is None else number


def _preserving(image: dict[str, str], there: Mapping[Any, Mapping[str, Any]]) -> dict[str, str]:
    """Return an image in which what is `*` is as the kustomization has it."""
    old = there.get(image["name"], {})
    meant = {key: old.get(key) if value == "*" and key != "name" else value for key, value in image.items()}
    return {key: value for key, value in meant.items() if value}


def _image(text: str) -> dict[str, str]:
    """Read `name=new:tag`, `name:tag` or `name@digest`."""
    name, equals, new = text.partition("=")
    rest, _, digest = (new if equals else name).partition("@")
    path, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        path, tag = rest, ""
    image = {"name": name if equals else path, "newName": path if equals else "", "newTag": tag, "digest": digest}
    return {key: value for key, value in image.items() if value}
