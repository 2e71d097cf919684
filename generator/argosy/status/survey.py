"""Look at a whole repository with a few git processes, however many applications it has."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from argosy.errors import ArgosyError
from argosy.promotion import deployment, promoting
from argosy.promotion.decision import Verdict, differing
from argosy.promotion.ends import Places
from argosy.promotion.history import Comparison, Edge, History, Place
from argosy.promotion.policy import Treatment
from argosy.repository import layout, store
from argosy.repository.model import Repository
from argosy.status import versions
from argosy.status.matrix import Column, Deployment, Lag, Matrix
from argosy.yaml_edit.keys import overlap


def of(root: Path, repository: Repository, only: str = "") -> Matrix:
    """Return the status of a repository, or of one application of it; raise ArgosyError where nothing is committed."""
    with _without_garbage_collection():
        places = Places(root, repository, History(root))
        edited = _edited(root)
        columns = [Column(each, places.tip(each), each.name in edited) for each in repository.environments]
        state = places.history.cache.state
        where = {
            (name, each.environment.name): Place(each.tip.commit, name, each.environment.name)
            for each in columns
            if each.tip.commit
            for name in state(each.tip.commit).deployed(each.environment.name)
            if only in {"", name}
        }
        edges = [*_edges(places, where)]
        _read(places.history, where.values(), edges)
        held = places.history.held(where.values())
        lags = {(edge.application, edge.target): lag for edge, lag in _lags(places.history, edges)}
        found = {
            key: Deployment(*key, versions.of(state(place.tip), *key), next(iter(held[place]), None), lags.get(key))
            for key, place in where.items()
        }
    names = {only} if only else {each.name for each in repository.applications} | {name for name, _ in found}
    return Matrix(columns, sorted(names), found)


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Look for no garbage: among so many YAML nodes, none of which is any, that takes half of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _edited(root: Path) -> frozenset[str]:
    """Return the environments of which the work tree has changes that are not committed."""
    paths = store.uncommitted(root, layout.ENVIRONMENTS, layout.ARGOCD)
    return frozenset(found for path in paths if (found := layout.environment_of(path)))


def _edges(places: Places, deployed: Collection[tuple[str, str]]) -> Iterator[Edge]:
    """Yield what a promotion could promote, in the states in which it would be read."""
    for environment in places.repository.environments:
        source, target = environment.promotes_from, environment.name
        names = [name for name, place in deployed if place == target and (name, source) in deployed]
        if names:
            ends = places.ends(source, target)
            here, there = (places.history.state(each) for each in (ends.source, ends.target))
            both = {*here.deployed(source)} & {*there.deployed(target)}
            yield from (Edge(name, source, target, (ends.source, ends.target)) for name in names if name in both)


def _read(history: History, places: Collection[Place], edges: Collection[Edge]) -> None:
    """Read at once what is asked of each deployment below."""
    tips = dict.fromkeys([*(each.tip for each in places), *(end.commit for each in edges for end in each.now)])
    # On a trunk, all environments have the same chart or base.
    folders = [layout.ENVIRONMENTS, layout.ARGOCD, *([layout.APPLICATIONS] if len(tips) > 1 else [])]
    for tip in tips:
        history.line(tip, *folders)
    history.cache.load(
        blob
        for each in places
        for blob in versions.looked_at(
            history.cache.state(each.tip), *versions.places(each.application, each.environment)
        )
    )


def _lags(history: History, edges: list[Edge]) -> Iterator[tuple[Edge, Lag]]:
    """Yield what a promotion would do now, for each application that could be promoted."""
    for edge, found in zip(edges, history.compare(edges), strict=True):
        try:
            if isinstance(found, ArgosyError):
                raise found
            yield edge, _lag(history, found)
        except ArgosyError as error:
            yield edge, Lag(edge.source, unknown=f"{error.message} {error.hint}".strip())


def _lag(history: History, found: Comparison) -> Lag:
    edge, sides = found.edge, found.sides
    decisions, carried = promoting.decided(found), promoting.carried_over(found)
    policy = promoting.policy_of(found.now[1], edge.application)
    staying = {Verdict.CONFLICT, Verdict.KEPT}
    equal = [
        each for each in decisions if each.verdict in staying and policy.treatment_of(each.key) is Treatment.PROMOTE
    ]
    changed = differing(sides.target_before, sides.target) if equal else []

    def units(application: str, environment: str) -> Iterator[str]:
        folder, argocd = deployment.units(application, environment)
        yield folder
        if {deployment.APPLICATION, deployment.SHARING} & {*sides.source, *sides.target}:
            yield argocd
        if found.start:
            yield layout.application(application)

    line = history.line(edge.now[0].commit)
    commits = history.since(edge.places[0], found.baseline.source, units)
    return Lag(
        edge.source,
        decisions=[*decisions, *(each for each in carried.decisions if each.verdict is not Verdict.PROMOTED)],
        drifted=[each for each in equal if any(overlap(each.key, key) for key in changed)],
        files=[*carried.written],
        commits=len(commits),
        since=line.time(commits[-1]) if commits else None,
    )
