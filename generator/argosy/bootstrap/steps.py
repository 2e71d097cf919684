"""The steps of a bootstrap: each looks at what already exists, and can be carried out any number of times."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Protocol

from argosy.bootstrap.credential import Credential
from argosy.errors import ArgosyError, ToolError
from argosy.kubernetes import manifests
from argosy.kubernetes.cluster import Cluster
from argosy.kubernetes.kubectl import KubectlError
from argosy.kubernetes.manifests import Manifest, Reference

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 3.0


class State(StrEnum):
    """How far a step is."""

    THERE = "there"
    """Nothing is left to do."""
    TO_DO = "to do"
    UNKNOWN = "unknown"
    """The cluster did not say."""
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Status:
    """A step's state, and what there is to say about it."""

    state: State
    detail: str


class Step(Protocol):
    """One step, which changes nothing where nothing is left to do."""

    @property
    def name(self) -> str:
        """One word for programs."""

    @property
    def title(self) -> str:
        """What it is about, for people."""

    @property
    def command(self) -> str:
        """The equivalent kubectl command."""

    def look(self) -> Status:
        """Return what already exists, without changes."""

    def carry_out(self) -> Status:
        """Do what is left to do: THERE where that was nothing, else DONE; raise ArgosyError where it fails."""


@dataclass(frozen=True)
class Inspection:
    """What was seen in a cluster before anything is changed: asked once for all that is wanted, not step by step."""

    cluster: Cluster
    wanted: Sequence[Manifest]

    def present(self, some: Sequence[Manifest]) -> Mapping[Reference, Manifest]:
        """Return those of some of the manifests that exist."""
        return self.cluster.present(some) if self._present is None else self._of(some, self._present)

    def after(self, some: Sequence[Manifest]) -> Mapping[Reference, Manifest]:
        """Return what the API server would make of some of the manifests, which exist."""
        return self.cluster.apply(some, dry_run=True) if self._after is None else self._of(some, self._after)

    @cached_property
    def _present(self) -> Mapping[Reference, Manifest] | None:
        try:
            return self.cluster.present(self.wanted)
        except KubectlError:
            return None  # One kind that may not be read is a matter of those alone who ask for it.

    @cached_property
    def _after(self) -> Mapping[Reference, Manifest] | None:
        there = [each for each in self.wanted if self._present and self._key(each) in self._present]
        if not there or len({*map(self._key, there)}) < len(there):
            return None  # Two steps may want the same object, and not the same of it.
        try:
            return self.cluster.apply(there, dry_run=True)
        except KubectlError:
            return None

    def _of(self, some: Sequence[Manifest], all_: Mapping[Reference, Manifest]) -> Mapping[Reference, Manifest]:
        return {key: all_[key] for each in some if (key := self._key(each)) in all_}

    def _key(self, manifest: Manifest) -> Reference:
        """Return how the cluster names a manifest: Kustomize gives a namespace to each kind that it does not know."""
        kind = self.cluster.kinds().get((manifest["apiVersion"], manifest["kind"]))
        named = manifests.reference(manifest)
        return named if kind is None or kind.namespaced else named._replace(namespace="")


@dataclass(frozen=True)
class Apply:
    """Apply manifests."""

    seen: Inspection
    name: str
    title: str
    command: str
    wanted: Sequence[Manifest]
    credential: Credential | None = None
    """What must not be repeated, whatever kubectl says of it."""

    def look(self) -> Status:
        """Compare what is there with what the API server would make of the manifests."""
        if not self.wanted:
            return Status(State.UNKNOWN, "its manifests could not be built")
        try:
            present = self.seen.present(self.wanted)
            missing = len(self.wanted) - len(present)
            if missing:
                return Status(State.TO_DO, _share(missing, len(self.wanted), "not there"))
            after = self.seen.after(self.wanted)
        except KubectlError as error:
            return Status(State.UNKNOWN, self._hidden(error.message))
        changed = [
            key for key, each in after.items() if key not in present or not manifests.is_same(present[key], each)
        ]
        if changed:
            return Status(State.TO_DO, _share(len(changed), len(self.wanted), "not as wanted"))
        return self._there()

    def carry_out(self) -> Status:
        """Apply them."""
        if not self.wanted:
            raise ArgosyError("Its manifests could not be built.")
        cluster = self.seen.cluster
        before = cluster.present(self.wanted)
        try:
            after = cluster.apply(self.wanted)
        except KubectlError as error:
            raise KubectlError(self._hidden(error.message), error.hint) from None
        new = len(after.keys() - before.keys())
        changed = sum(not manifests.is_same(before[key], each) for key, each in after.items() if key in before)
        if not (new or changed):
            return self._there()
        if len(after) == 1:
            return Status(State.DONE, "created" if new else "changed")
        same = len(after) - new - changed
        counts = ((new, "created"), (changed, "changed"), (same, "as they were"))
        return Status(State.DONE, ", ".join(f"{count} {what}" for count, what in counts if count))

    def _there(self) -> Status:
        return Status(State.THERE, "as wanted" if len(self.wanted) == 1 else f"{len(self.wanted)} objects, as wanted")

    def _hidden(self, text: str) -> str:
        return self.credential.hidden(text) if self.credential else text


def _share(part: int, whole: int, what: str) -> str:
    return what if whole == 1 else f"{part} of {whole} objects {what}"


@dataclass(frozen=True)
class Wait:
    """Wait until nothing is pending."""

    name: str
    title: str
    command: str
    probe: Callable[[], Sequence[str]]
    """Returns what is pending, and why; raises ArgosyError where no waiting helps."""
    seconds: float
    report: Callable[[str], None] = field(default=lambda _: None)
    prepare: Callable[[], None] = field(default=lambda: None)

    def look(self) -> Status:
        """Return what is pending."""
        try:
            pending = self.probe()
        except KubectlError:
            return Status(State.TO_DO, "nothing there yet")
        except ArgosyError as error:
            return Status(State.TO_DO, error.message)
        return Status(State.TO_DO, _first(pending)) if pending else Status(State.THERE, "ready")

    def carry_out(self) -> Status:
        """Wait, and report what is pending whenever that changes."""
        start = time.monotonic()
        self.prepare()
        pause, reported = _FIRST_PAUSE, ""
        while True:
            try:
                pending = self.probe()
            except KubectlError as error:  # An API server that is restarted for a moment is no reason to give up.
                pending = [error.message]
            if not pending:
                return Status(State.DONE, "ready")
            left = start + self.seconds - time.monotonic()
            if left <= 0:
                lines = "".join(f"\n  {each}" for each in pending)
                raise ToolError(f"not ready after {self.seconds:g} seconds:{lines}")
            if _first(pending) != reported:
                reported = _first(pending)
                self.report(reported)
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, _LONGEST_PAUSE)


def _first(pending: Sequence[str]) -> str:
    return pending[0] + (f", and {len(pending) - 1} more" if len(pending) > 1 else "")
