"""Two states of what is deployed -> what differs between them."""

from __future__ import annotations

import difflib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from argosy.argocd.deployed import Deployed
from argosy.difference.highlights import highlights
from argosy.difference.manifest_text import MASKED_AFTER, MASKED_BEFORE, as_yaml, masked
from argosy.difference.noise import Noise, Selectors, settle
from argosy.difference.risks import Risk, risks
from argosy.kubernetes.manifests import Identity, Manifest, identity
from argosy.schemas.store import without_nulls


class Kind(StrEnum):
    """What became of a resource."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    MOVED = "moved"
    """To another namespace."""


class Status(StrEnum):
    """What became of an Application."""

    APPEARS = "appears"
    VANISHES = "vanishes"
    CHANGES = "changes"


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """A resource that is not the same in both states."""

    identity: Identity
    kind: Kind
    lines: tuple[str, ...]
    """A unified diff of it as YAML with sorted keys, a line each."""
    folded: tuple[str, ...]
    """The same without noise; empty where there is nothing else."""
    noise: tuple[str, ...] = ()
    """The labels and annotations whose change is noise."""
    restarts: bool = False
    """Whether Pods restart for its noise alone."""

    @property
    def is_noise(self) -> bool:
        """Return whether nothing changes but noise."""
        return not self.folded

    def shown(self, noise: Noise) -> tuple[str, ...]:
        """Return the diff with noise or without."""
        return self.lines if noise is Noise.SHOW else self.folded


@dataclass(frozen=True, slots=True)
class ApplicationChange:
    """An Application of which something is not the same in both states."""

    application: str
    app: str
    environment: str
    namespace: str
    status: Status
    resources: tuple[ResourceChange, ...]
    """The Application itself first."""
    note: str = ""
    """What becomes of the resources of one that vanishes."""
    highlights: tuple[str, ...] = ()
    """What matters most, the most important first, such as `image 1.4.2 → 1.5.0`; no value that may be secret."""

    def count(self, kind: Kind) -> int:
        """Return how many resources were added, changed or removed."""
        return sum(each.kind is kind for each in self.resources)


@dataclass(frozen=True, slots=True)
class Unknown:
    """An Application whose manifests, or some of them, are unknown."""

    application: str
    app: str
    environment: str
    message: str
    side: str = ""
    """Which state it fails in, “before” or “after”; empty where that is unknown in both."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs between two states of what is deployed."""

    applications: tuple[ApplicationChange, ...] = ()
    """By environment and name."""
    risks: tuple[Risk, ...] = ()
    faults: tuple[Unknown, ...] = ()
    skipped: tuple[Unknown, ...] = ()
    rendered: int = 0
    """How many Applications were rendered, but for those that only declare others."""
    deployments: int = 0
    """How many folders deploy an application to an environment, in one of the states; counted by `argosy.api`."""

    def of(self, status: Status) -> list[ApplicationChange]:
        """Return the Applications that appear, vanish or change."""
        return [each for each in self.applications if each.status is status]


Veil = Callable[[Manifest], Manifest]
"""Gives what of a manifest is shown, besides that no Secret is."""


def _as_it_is(manifest: Manifest) -> Manifest:
    return manifest


def compare(before: Mapping[str, Deployed], after: Mapping[str, Deployed], veil: Veil = _as_it_is) -> Difference:
    """Compare what is deployed, by the names of Applications."""
    pairs = sorted(
        ((before.get(name), after.get(name)) for name in {*before, *after}),
        key=lambda pair: _order(pair[1] or pair[0]),
    )
    states = [each for state in (before, after) for each in state.values()]
    selectors = Selectors(manifest for each in states for manifest in each.manifests.values())
    changes = [change for pair in pairs if (change := _application(*pair, (before, after), selectors, veil))]
    present = [each for pair in pairs for each in pair if each]
    projects = {
        this.name: manifest
        for each in after.values()
        for this, manifest in each.manifests.items()
        if (this.group, this.kind) == ("argoproj.io", "AppProject")
    }
    return Difference(
        tuple(changes),
        tuple(risk for pair in pairs if _is_known(*pair, before, after) for risk in risks(*pair, projects)),
        tuple(_faults("before", before)) + tuple(_faults("after", after)),
        tuple(dict.fromkeys(_unknown(each, each.skipped) for each in present if each.skipped)),
        len({each.application for each in present if not (each.declares or each.unread)}),
    )


def _order(deployed: Deployed | None) -> tuple[str, str]:
    return (deployed.environment, deployed.application) if deployed else ("", "")


def _faults(side: str, state: Mapping[str, Deployed]) -> Iterator[Unknown]:
    for each in sorted(state.values(), key=_order):
        for fault in dict.fromkeys(each.faults):
            yield _unknown(each, fault, side)


def _unknown(deployed: Deployed, message: str, side: str = "") -> Unknown:
    return Unknown(deployed.application, deployed.app, deployed.environment, message, side)


def _is_known(
    old: Deployed | None, new: Deployed | None, before: Mapping[str, Deployed], after: Mapping[str, Deployed]
) -> bool:
    """Return whether an Application can be compared: it is not missing just because what declares it fails."""
    if old and new:
        return bool(old.definition and new.definition)
    one, other = (old, after) if old else (new, before)
    if one is None or not one.definition:
        return False
    failing = [name for name, each in other.items() if each.faults]
    return not any(state[name].declares for state in (before, after) for name in failing if name in state)


def _application(
    old: Deployed | None,
    new: Deployed | None,
    states: tuple[Mapping[str, Deployed], Mapping[str, Deployed]],
    selectors: Selectors,
    veil: Veil,
) -> ApplicationChange | None:
    if not _is_known(old, new, *states):
        return None
    one, other = _resources(old), _resources(new)
    if any(each and (each.faults or each.unread) for each in (old, new)):
        one, other = _definition(old), _definition(new)
    status = Status.CHANGES if old and new else Status.VANISHES if old else Status.APPEARS
    moved = _moved(one, other)
    pairs = ((this, moved.get(this, this)) for this in {**one, **other} if this not in moved.values())
    found = [
        (change, this, that)
        for was, now in pairs
        for this, that in [(one.get(was), other.get(now))]
        if (change := _resource(now, this, that, selectors, veil))
    ]
    shown = new or old
    if shown is None or not found:
        return None
    note = _fate(old) if old and not new else ""
    changes = tuple(change for change, _, _ in found)
    real = [(change.identity, this, that) for change, this, that in found if not change.is_noise]
    restarting = [str(change.identity) for change in changes if change.restarts]
    return ApplicationChange(
        shown.application,
        shown.app,
        shown.environment,
        shown.namespace,
        status,
        changes,
        note,
        tuple(highlights(real, shown.definition, restarting)),
    )


def _moved(one: Mapping[Identity, Manifest], other: Mapping[Identity, Manifest]) -> Mapping[Identity, Identity]:
    """Return the resources that are in another namespace than before: old -> new."""
    gone: dict[Identity, list[Identity]] = defaultdict(list)
    for this in one.keys() - other.keys():
        gone[this._replace(namespace="")].append(this)
    found: dict[Identity, list[Identity]] = defaultdict(list)
    for this in other.keys() - one.keys():
        found[this._replace(namespace="")].append(this)
    return {gone[name][0]: found[name][0] for name in gone if len(gone[name]) == len(found[name]) == 1}


def _definition(deployed: Deployed | None) -> dict[Identity, Manifest]:
    return {identity(deployed.definition): deployed.definition} if deployed else {}


def _resources(deployed: Deployed | None) -> dict[Identity, Manifest]:
    return {**_definition(deployed), **dict(sorted(deployed.manifests.items()))} if deployed else {}


def _fate(deployed: Deployed) -> str:
    if deployed.cascades:
        return "Argo CD deletes its resources, too: it has a resources finalizer."
    return "Its resources stay in the cluster, unmanaged: it has no resources finalizer."


def _resource(
    this: Identity, old: Manifest | None, new: Manifest | None, selectors: Selectors, veil: Veil
) -> ResourceChange | None:
    if _canonical(old) == _canonical(new):
        return None
    lines = _diff(this, old, new, veil) or ("@@ What changes is secret. @@",)
    if old is None or new is None:
        return ResourceChange(this, Kind.ADDED if old is None else Kind.REMOVED, lines, lines)
    kind = Kind.CHANGED if identity(old).namespace == identity(new).namespace else Kind.MOVED
    settled, keys, restarts = settle(this, old, new, selectors)
    return ResourceChange(this, kind, lines, _diff(this, settled, new, veil) if keys else lines, keys, restarts)


def _diff(this: Identity, old: Manifest | None, new: Manifest | None, veil: Veil) -> tuple[str, ...]:
    one = _lines(old, new, MASKED_BEFORE, veil)
    other = _lines(new, old, MASKED_AFTER, veil)
    before, after = ("/dev/null" if manifest is None else str(this) for manifest in (old, new))
    return tuple(difflib.unified_diff(one, other, before, after, n=3, lineterm=""))


def _canonical(manifest: Manifest | None) -> str:
    """Return what two manifests share that are the same to Kubernetes: 1, 1.0 and true are not."""
    return json.dumps(without_nulls(manifest), sort_keys=True, default=str)


def _lines(manifest: Manifest | None, other: Manifest | None, changed: str, veil: Veil) -> list[str]:
    if manifest is None:
        return []
    shown = masked(without_nulls(manifest), other, changed)
    # Of a Secret, all is masked, and it is said what changes.
    shown = shown if manifest.get("kind") == "Secret" else veil(shown)
    return as_yaml(shown, sort_keys=True).splitlines()
