"""Noise: changes of labels and annotations that say which chart and version an object is of, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import StrEnum
from functools import cached_property
from typing import Any

from argosy.difference.risks import refused
from argosy.documents import Pointer
from argosy.documents.fields import field, mapping, sequence
from argosy.kubernetes.manifests import Identity, Manifest, is_crd


class Noise(StrEnum):
    """What becomes of noise where a difference is shown to people."""

    SHOW = "show"
    FOLD = "fold"
    """One line an Application counts it."""
    HIDE = "hide"
    """The last line alone counts it."""


_LABELS = frozenset(
    {
        "app.kubernetes.io/managed-by",
        "app.kubernetes.io/version",
        "chart",
        "controller-revision-hash",
        "helm.sh/chart",
        "heritage",
        "pod-template-hash",
        "rollouts-pod-template-hash",
    }
)
_CHECKSUM = re.compile(r"(?:^|[/.-])checksum(?:[/.-]|$)")
_HASH = re.compile(r"[\w+/=:.-]{0,140}")
_TEMPLATE: Pointer = ("spec", "template")
_HOLDERS: tuple[Pointer, ...] = ((), _TEMPLATE, ("spec", "jobTemplate"), ("spec", "jobTemplate", *_TEMPLATE))
"""What has `metadata` whose labels no controller takes for more than labels."""
_KEEPING = frozenset({"Job", "ReplicaSet", "ReplicationController"})
"""What replaces no Pod when its template changes."""
_PREFIX = re.compile(r"^(?:any|k8s):")
"""Where Cilium's selectors look for a label."""
_LABEL_LISTS = ("matchLabelKeys", "mismatchLabelKeys")


class Selectors:
    """What selects by label in some manifests: Services, affinities, policies, budgets, and Pods' own fields."""

    def __init__(self, manifests: Iterable[Manifest]) -> None:
        self._manifests = manifests

    def use(self, key: str, values: Collection[Any]) -> bool:
        """Return whether something selects by a label's key, and by one of its values where it names any."""
        return any((key, value) in self._pairs for value in (None, *map(str, values)))

    @cached_property
    def _pairs(self) -> frozenset[tuple[str, str | None]]:
        return frozenset(pair for each in self._manifests if not is_crd(each) for pair in _selected(each))


def _selected(data: Any) -> Iterator[tuple[str, str | None]]:
    """Yield each label by which something in a manifest selects, with None for any of its values."""
    rest = [("", data)]
    while rest:
        name, found = rest.pop()
        if isinstance(found, list):
            if name in _LABEL_LISTS:
                yield from ((str(each), None) for each in found)
            elif name == "matchExpressions":
                yield from ((str(mapping(each).get("key")), None) for each in found)
            rest += [(name, each) for each in found]
        elif isinstance(found, dict):
            if name == "matchLabels" or name.lower().endswith("selector"):
                yield from ((_PREFIX.sub("", str(key)), str(value)) for key, value in found.items())
            elif name == "subsets":  # Of an Istio DestinationRule.
                yield from ((str(key), str(value)) for key, value in mapping(found.get("labels")).items())
            rest += [(str(key), value) for key, value in found.items()]
        elif isinstance(found, str) and (name == "fieldPath" or name.lower().endswith("selector")):
            yield from ((key, None) for key in _LABELS if key in found)


def settle(
    this: Identity, old: Manifest, new: Manifest, selectors: Selectors
) -> tuple[Manifest, tuple[str, ...], bool]:
    """Return an object's old state with the noise of the new one, the keys that are noise, and whether Pods restart.

    Restarting is meant for that noise alone: what is in a Pod's template makes its controller replace the Pods.
    """
    keys: set[str] = set()
    restarts = False
    settled: Manifest = old
    for holder in _HOLDERS:
        for name in ("labels", "annotations"):
            place = (*holder, "metadata", name)
            one, other = mapping(field(old, *place)), mapping(field(new, *place))
            changed = {key for key in {*one, *other} if one.get(key) != other.get(key)}
            noise = {key for key in changed if _is_noise(name, key, [one.get(key), other.get(key)], selectors)}
            if noise and isinstance(field(new, *holder), dict) and isinstance(field(old, *holder), dict):
                keys |= noise
                restarts |= holder == _TEMPLATE and bool(sequence(field(new, *_TEMPLATE, "spec", "containers")))
                kept = {key: value for key, value in one.items() if key not in noise}
                settled = _with(settled, place, {**kept, **{key: other[key] for key in noise if key in other}})
    # What fails the sync is no noise.
    if not keys or any(True for _ in refused(this, old, new)):
        return old, (), False
    restarts = restarts and this.kind not in _KEEPING and field(settled, *_TEMPLATE) == field(new, *_TEMPLATE)
    return settled, tuple(sorted(keys)), restarts


def _is_noise(name: str, key: str, values: Collection[Any], selectors: Selectors) -> bool:
    there = [each for each in values if each is not None]
    if name == "annotations":
        return bool(_CHECKSUM.search(key)) and all(isinstance(each, str) and _HASH.fullmatch(each) for each in there)
    return key in _LABELS and not selectors.use(key, there)


def _with(data: Mapping[str, Any], place: Pointer, value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a manifest with a mapping at a place; neither it nor one that holds it stays where it is empty."""
    key = str(place[0])
    inner = _with(mapping(data.get(key)), place[1:], value) if len(place) > 1 else value
    rest = {name: each for name, each in data.items() if name != key}
    return {**rest, key: inner} if inner else rest
