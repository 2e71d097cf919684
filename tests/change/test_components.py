"""What adding and removing components changes in the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argosy.catalogue import catalogue
from argosy.catalogue.catalogue import Entry
from argosy.change import components, edits, merge, planning
from argosy.change.components import Wish
from argosy.change.planning import Change
from argosy.errors import UsageError
from argosy.findings import Severity
from argosy.git import asked_once
from argosy.repository import layout, store
from argosy.repository.model import Component, Environment, Kind, Repository
from argosy.validation.pipeline import Options, validate
from tests.changing import commit, create, files, model

KNOWN = catalogue.load()
ROLE = Kind("rbac.authorization.k8s.io", "ClusterRole")


def repository(*clusters: str) -> Repository:
    """Return a repository with an environment for each of these clusters."""
    bare = model(("web",), ("dev", "staging", "prod")[: len(clusters)])
    placed = zip(bare.environments, clusters, strict=True)
    return replace(bare, environments=tuple(replace(each, cluster=cluster) for each, cluster in placed))


def unfetched(component: Component) -> Mapping[str, bytes]:
    raise AssertionError(f"{component.name} is fetched")


def add(
    present: Repository,
    *names: str,
    to: tuple[str, ...] = (),
    wish: Wish | None = None,
    held: Mapping[str, bytes] | None = None,
    known: Mapping[str, Entry] = KNOWN,
) -> Change:
    placed = components.place(present, known, names, to, wish)
    return components.add(present, placed, wish, fetch=unfetched, held=(held or {}).get)


def where(change: Change) -> dict[str, list[str]]:
    return {each.name: [component.name for component in each.components] for each in change.after.environments}


def environment(change: Change, name: str) -> Environment:
    return edits.environment(change.after, name)


class TestPlace:
    @pytest.mark.parametrize(
        ("clusters", "to", "expected"),
        [
            (("a", "a", "a"), (), ["prod"]),
            (("a", "a", "b"), (), ["staging", "prod"]),
            (("a", "b", "a"), (), ["staging", "prod"]),
            (("a", "a", "a"), ("dev",), ["dev"]),
            (("a", "b", "c"), ("dev", "prod"), ["dev", "prod"]),
        ],
    )
    def test_each_cluster_has_it_once(
        self, clusters: tuple[str, ...], to: tuple[str, ...], expected: list[str]
    ) -> None:
        assert [
            name for name, there in where(add(repository(*clusters), "reloader", to=to)).items() if there
        ] == expected

    def test_what_it_needs_comes_too(self) -> None:
        present = repository("a", "b")
        placed = components.place(present, KNOWN, ["alloy"])
        assert [(each.entry.name, each.environment, each.because) for each in placed] == [
            *(("alloy", "dev", ""), ("loki", "dev", "alloy")),
            *(("alloy", "staging", ""), ("loki", "staging", "alloy")),
        ]
        with_loki = add(present, "loki", to=("dev",)).after
        assert where(add(with_loki, "alloy")) == {"dev": ["alloy", "loki"], "staging": ["alloy", "loki"]}

    def test_clusters_that_lack_it_get_it(self) -> None:
        present = add(repository("a", "b"), "reloader", to=("dev",)).after
        change = add(present, "reloader")
        assert set(change.written) == {layout.component_values("staging", "reloader")}

    def test_what_is_there_is_refused(self) -> None:
        present = add(repository("a", "a", "b"), "reloader", to=("dev",)).after
        with pytest.raises(UsageError, match="installed in the cluster of staging already, through dev"):
            add(present, "reloader", to=("staging",))
        with pytest.raises(UsageError, match="through prod"):
            add(add(present, "reloader").after, "reloader", to=("prod",))
        with pytest.raises(UsageError, match="already, through dev"):
            add(add(present, "reloader").after, "reloader")

    def test_one_cluster_twice_is_refused(self) -> None:
        with pytest.raises(UsageError, match="dev and staging share the cluster a"):
            add(repository("a", "a"), "reloader", to=("dev", "staging"))

    def test_names_are_looked_up(self) -> None:
        with pytest.raises(UsageError) as unknown:
            add(repository("a"), "relaoder")
        assert unknown.value.hint == "Did you mean “reloader”?"
        with pytest.raises(UsageError, match="no environment to install"):
            add(repository(), "reloader")


class TestAdd:
    def test_the_project_permits_what_it_deploys(self) -> None:
        permitted = environment(add(repository("a"), "reloader", "metrics-server"), "dev").components_permitted
        assert permitted.namespaces == ("kube-system", "reloader")
        assert ROLE in (permitted.cluster_kinds or ())
        assert Kind("", "Namespace") in (permitted.cluster_kinds or ())

    def test_what_is_there_stays(self) -> None:
        path = layout.component_values("dev", "reloader")
        assert path in add(repository("a"), "reloader").written
        assert path not in add(repository("a"), "reloader", held={path: b"mine: true\n"}).written

    def test_another_version(self) -> None:
        present = add(repository("a"), "alloy").after
        change = add(present, "alloy", wish=Wish("9.9.9"))
        versions = {each.name: each.version for each in environment(change, "dev").components}
        assert versions == {"alloy": "9.9.9", "loki": KNOWN["loki"].component.version}
        assert not change.written

    def test_a_changed_component_keeps_what_else_it_is(self) -> None:
        present = add(repository("a"), "reloader").after
        (component,) = present.environments[0].components
        other = replace(component, repo_url="https://mirror.example.com", namespace="ours", wave=-5)
        edited = edits.replaced(present, replace(present.environments[0], components=(other,)))
        change = add(edited, "reloader", wish=Wish("9.9.9"))
        assert environment(change, "dev").components == (replace(other, version="9.9.9"),)

    @pytest.mark.parametrize("version", ["1", "1.2", "^1.2.3", "latest", "1.2.*", ">=1.0.0"])
    def test_a_version_is_exact(self, version: str) -> None:
        with pytest.raises(UsageError, match="is not a chart's version"):
            Wish(version)


class TestRemove:
    def test_what_nothing_else_needs_is_permitted_no_more(self) -> None:
        present = add(repository("a"), "metrics-server").after
        both = add(present, "cert-manager", "reloader").after
        assert components.remove(both, KNOWN, ["cert-manager", "reloader"], []).after == present

    def test_what_another_needs_stays(self) -> None:
        present = add(repository("a"), "alloy").after
        with pytest.raises(UsageError, match="alloy needs loki in dev"):
            components.remove(present, KNOWN, ["loki"], [])
        assert where(components.remove(present, KNOWN, ["loki", "alloy"], []))["dev"] == []

    def test_what_is_not_there(self) -> None:
        present = add(repository("a", "b"), "reloader", to=("dev",)).after
        with pytest.raises(UsageError, match="loki: not installed anywhere"):
            components.remove(present, KNOWN, ["loki"], [])
        with pytest.raises(UsageError, match="no component “reloader”"):
            components.remove(present, KNOWN, ["reloader"], ["staging"])


def test_clusters_that_lack_components_are_told() -> None:
    present = add(repository("a", "b"), "reloader", "loki", to=("dev",)).after
    assert components.lacking(present, "staging") == ["loki", "reloader"]
    assert components.lacking(present, "dev") == []


def test_two_environments_of_one_component_cannot_move_into_one_cluster() -> None:
    present = add(repository("a", "b"), "reloader").after
    with pytest.raises(UsageError, match="reloader is installed through dev and through staging"):
        edits.set_environment(present, "staging", {"cluster": "a"})


# What holds for every sequence

STEPS = st.lists(
    st.tuples(st.booleans(), st.sampled_from(["alloy", "cert-manager", "loki", "metrics-server"]), st.booleans()),
    min_size=1,
    max_size=5,
)
ROOTS = iter(range(1_000_000))


def carried_out(root: Path, change: Change) -> None:
    with asked_once():
        plan = planning.plan(root, change)
        assert not plan.conflicts
        merge.write(plan)
    commit(root)


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(steps=STEPS)
def test_every_sequence_ends_valid_and_is_undone_byte_for_byte(
    steps: list[tuple[bool, str, bool]], tmp_path: Path
) -> None:
    start = repository("https://a.example.com", "https://b.example.com")
    root = create(tmp_path / str(next(ROOTS)), start)
    before = files(root)
    for adds, name, everywhere in steps:
        present = store.load(root).repository
        to = () if everywhere else (present.environments[0].name,)
        try:
            change = add(present, name, to=to) if adds else components.remove(present, KNOWN, [name], [*to])
        except UsageError:
            continue
        carried_out(root, change)
        assert store.load(root).repository == change.after
    errors = [each for each in validate(root, Options()).findings if each.severity is Severity.ERROR]
    assert errors == []
    present = store.load(root).repository
    left = sorted({each.name for environment in present.environments for each in environment.components})
    if left:
        carried_out(root, components.remove(present, KNOWN, left, []))
    assert files(root) == before
