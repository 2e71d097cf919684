"""What an overlay has to change in a base's resource: a strategic merge patch."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from argosy.conversion.deployed import Manifest
from argosy.conversion.workload import Workload

_ATOMIC = {"sysctls", "tolerations"}
"""Lists of mappings that a patch replaces as a whole by itself."""
_BY_NAME = {"containers"}
"""Lists that are patched item by item, by name."""


def deployment_patch(workload: Workload, base: Manifest) -> Manifest:
    """Return the patch that makes of the base's Deployment what runs, by the names and the selector of the base.

    Image and replicas are said in the kustomization.
    """
    wanted = copy.deepcopy(dict(workload.deployment))
    template, pattern = wanted["spec"]["template"], base["spec"]["template"]
    container = next(
        each
        for each, original in zip(template["spec"]["containers"], workload.pod["containers"], strict=True)
        if original is workload.container
    )
    main = pattern["spec"]["containers"][0]
    container.update(name=main["name"], image=main["image"])
    wanted["spec"]["selector"] = base["spec"]["selector"]
    wanted["spec"].pop("replicas", None)
    _name(wanted, base)
    metadata = template.setdefault("metadata", {})
    metadata["labels"] = {**(metadata.get("labels") or {}), **pattern["metadata"]["labels"]}
    found = _patch(wanted, {**base, "spec": {key: base["spec"][key] for key in base["spec"] if key != "replicas"}})
    patch = _addressed(found, base)
    # Resources are what an environment changes first, so they are said even where they are the base's.
    inner = patch.setdefault("spec", {}).setdefault("template", {}).setdefault("spec", {})
    containers = inner.setdefault("containers", [{"name": main["name"]}])
    own = next((each for each in containers if each["name"] == main["name"]), None)
    if own is None:
        own = {"name": main["name"]}
        containers.insert(0, own)
    resources = container.get("resources")
    absent = dict.fromkeys(key for key in main.get("resources", {}) if key not in (resources or {}))
    own["resources"] = {**absent, **resources} if resources else None
    return patch


def service_patch(workload: Workload, base: Manifest) -> Manifest | None:
    """Return the patch that makes of the base's Service the application's, or takes it away; None for no difference."""
    if workload.service is None:
        return {**_addressed({}, base), "$patch": "delete"}
    wanted = copy.deepcopy(dict(workload.service))
    wanted["spec"]["selector"] = base["spec"]["selector"]
    _name(wanted, base)
    found = _patch(wanted, base)
    return _addressed(found, base) if found else None


def _name(wanted: Manifest, base: Manifest) -> None:
    metadata = wanted["metadata"]
    metadata["name"] = base["metadata"]["name"]
    metadata["labels"] = {**(metadata.get("labels") or {}), **base["metadata"]["labels"]}


def _addressed(patch: Mapping[str, Any], base: Manifest) -> Manifest:
    """Return a patch with what names the resource that it is for."""
    metadata = {"name": base["metadata"]["name"], **patch.get("metadata", {})}
    return {"apiVersion": base["apiVersion"], "kind": base["kind"], "metadata": metadata} | {
        key: value for key, value in patch.items() if key != "metadata"
    }


def _patch(wanted: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key in {**base, **wanted}:
        new, old = wanted.get(key), base.get(key)
        if new == old:
            continue
        if isinstance(new, dict) and isinstance(old, dict):
            found[key] = _patch(new, old) if new else {"$patch": "replace"}
        elif isinstance(new, list) and isinstance(old, list) and key in _BY_NAME:
            found[key] = _by_name(new, old)
        elif isinstance(new, list) and isinstance(old, list) and key not in _ATOMIC and _are_mappings(new + old):
            found[key] = [{"$patch": "replace"}, *new] if new else None
        else:
            found[key] = new
    return found


def _by_name(wanted: list[dict[str, Any]], base: list[dict[str, Any]]) -> list[dict[str, Any]]:
    known = {each["name"]: each for each in base}
    patches = [
        {"name": each["name"], **_patch(each, known[each["name"]])} if each["name"] in known else each
        for each in wanted
        if each != known.get(each["name"])
    ]
    names = {each["name"] for each in wanted}
    return patches + [{"name": name, "$patch": "delete"} for name in known if name not in names]


def _are_mappings(items: list[Any]) -> bool:
    return all(isinstance(each, dict) for each in items)
