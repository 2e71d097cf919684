"""A rendered template, and a rendered patch of it -> an Application as Argo CD stores it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from argosy.argocd.applicationsets.trees import mapping, parse, sequence

CASCADE = "resources-finalizer.argocd.argoproj.io"
"""Makes Argo CD delete what an Application deployed together with it; `/background` or `/foreground` may follow."""
_FREE = frozenset({"valuesObject", "labels", "annotations", "commonLabels", "commonAnnotations"})
"""Maps whose keys are the user's."""


def filled(own: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """Return a generator's own template with what it leaves empty taken from the ApplicationSet's."""
    made = dict(base)
    for key, value in own.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict) and key != "valuesObject"
        made[key] = filled(value, base[key]) if both else value if value or key not in base else base[key]
    return made


def application(
    template: Mapping[str, Any], patch: str | None, *, namespace: Any, preserve_resources: bool
) -> Mapping[str, Any]:
    """Return the Application of a rendered template and templatePatch; raise ValueError for no map of fields."""
    metadata, spec = dict(mapping(template.get("metadata"))), mapping(template.get("spec"))
    if not metadata.get("finalizers") and not preserve_resources:
        metadata["finalizers"] = [CASCADE]
    made: dict[str, Any] = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": metadata,
        "spec": spec,
    }
    if patch is not None:
        made = _patched(made, _fields(patch))
        # Argo CD restores the project, lest a patch escapes from it.
        made["spec"] = {**mapping(made.get("spec")), "project": spec.get("project")}
    made["metadata"] = {**mapping(made.get("metadata")), "namespace": namespace}
    return cast("Mapping[str, Any]", _stored(made))


def _fields(patch: str) -> Mapping[str, Any]:
    try:
        fields = parse(patch)
    except ValueError as error:
        raise ValueError(f"The templatePatch renders to invalid YAML: {error}.") from error
    if fields is None or isinstance(fields, dict):
        return fields or {}
    raise ValueError("The templatePatch renders to no map of fields.")


def _patched(original: Any, patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return a map with a strategic merge patch applied: lists are replaced, but for the finalizers."""
    directive = patch.get("$patch")
    if directive in ("replace", "delete"):
        return {key: value for key, value in patch.items() if key != "$patch"} if directive == "replace" else {}
    patched = dict(mapping(original))
    for key, value in patch.items():
        if value is None:
            patched.pop(key, None)
        elif isinstance(value, dict):
            patched[key] = _patched(patched.get(key), value)
        elif key == "finalizers" and isinstance(value, list):
            patched[key] = [
                *sequence(patched.get(key)),
                *(each for each in value if each not in sequence(patched.get(key))),
            ]
        else:
            patched[key] = value
    return patched


def _stored(tree: Any) -> Any:
    """Return a tree as Argo CD stores it: without nulls and empty strings, but for maps whose keys are the user's."""
    if isinstance(tree, dict):
        return {
            key: value if key in _FREE else _stored(value) for key, value in tree.items() if value not in (None, "")
        }
    return [_stored(value) for value in tree] if isinstance(tree, list) else tree
