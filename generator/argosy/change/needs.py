"""What applications need their AppProject to permit: the kinds that they deploy, as they are rendered."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from argosy.git.snapshot import Snapshot
from argosy.repository import layout
from argosy.repository.model import Kind

if TYPE_CHECKING:
    from argosy.argocd.deployed import Deployed


@dataclass(slots=True)
class Used:
    """The kinds that the applications of an AppProject deploy."""

    kinds: set[Kind] = field(default_factory=set)
    cluster_kinds: set[Kind] = field(default_factory=set)
    whole: bool = True
    """Whether these are all: rendering has not failed, and nothing was left out."""

    @property
    def all(self) -> set[Kind]:
        """Both, for a kind either has a namespace or has none."""
        return self.kinds | self.cluster_kinds

    def add(self, other: Used) -> None:
        """Take in what else is used."""
        self.kinds |= other.kinds
        self.cluster_kinds |= other.cluster_kinds
        self.whole &= other.whole


def of_state(
    state: Snapshot, applications: Collection[str] | None = None, environments: Collection[str] | None = None
) -> Mapping[str, Used]:
    """Return what applications, or all, deploy to the environments asked for, by the paths of their AppProjects."""
    from argosy.argocd.deployed import of_snapshot  # noqa: PLC0415

    return by_project(of_snapshot(state, _reading(applications, environments)).values())


def _reading(applications: Collection[str] | None, environments: Collection[str] | None) -> Callable[[str], bool]:
    def is_wanted(path: str) -> bool:
        application, environment = layout.application_of(path), layout.environment_of(path)
        return (
            is_read(path)
            and (applications is None or application is None or application in applications)
            and (environments is None or environment is None or environment in environments)
        )

    return is_wanted


def is_read(path: str) -> bool:
    """Return whether a file says what applications deploy: not components, previews and policies."""
    parts = path.split("/")
    of_others = parts[0] == layout.ARGOCD and (
        parts[1:2] == ["install"] or parts[2:3] in ([layout.COMPONENTS], [layout.PREVIEWS])
    )
    return parts[0] != layout.PLATFORM and not of_others


def by_project(deployed: Iterable[Deployed]) -> Mapping[str, Used]:
    """Return the kinds of what is deployed through AppProjects of environments and of teams, by their paths."""
    from argosy.argocd.matching import MADE_BY  # noqa: PLC0415

    found: dict[str, Used] = {}
    for each in deployed:
        spec = each.definition.get("spec")
        name = spec.get("project") if isinstance(spec, dict) else None
        if not each.environment or not isinstance(name, str):
            continue
        team = name.removeprefix(f"{each.environment}-")
        if name != each.environment and team == name:
            continue
        used = found.setdefault(layout.project(each.environment, "" if name == each.environment else team), Used())
        used.whole &= not (each.faults or each.skipped or each.unread)
        for identity in each.manifests:
            kind = Kind(identity.group, identity.kind)
            if not identity.namespace:
                used.cluster_kinds.add(kind)
                continue
            used.kinds |= {kind, *(Kind(*made) for made in MADE_BY.get((kind.group, kind.kind), ()))}
    return found


def lacking(permitted: Collection[Kind], used: Collection[Kind]) -> list[Kind]:
    """Return the kinds that are used and that no entry of a list covers; entries may be globs."""
    from argosy.argocd.matching import glob_matches  # noqa: PLC0415

    def is_covered(kind: Kind) -> bool:
        return any(
            glob_matches(each.kind, kind.kind, "/") and glob_matches(each.group, kind.group, "/") for each in permitted
        )

    return sorted(each for each in {*used} if not is_covered(each))
