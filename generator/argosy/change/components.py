"""What adding and removing components changes in a repository."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from argosy.catalogue import vendoring
from argosy.catalogue.catalogue import Entry, entry
from argosy.catalogue.vendoring import Needed
from argosy.change import edits
from argosy.change.planning import Change
from argosy.errors import UsageError
from argosy.repository import layout
from argosy.repository.model import (
    NAMESPACE,
    Component,
    Environment,
    ImageSigning,
    Kind,
    Permitted,
    Production,
    Repository,
    Secrets,
)

Item = TypeVar("Item", str, Kind)

Fetch = Callable[[Component], Mapping[str, bytes]]
"""Fetches a component's chart: the files of it by their path."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A component that is to be installed through an environment, or to be changed there."""

    entry: Entry
    environment: str
    because: str = ""
    """The component that needs it; empty where it was asked for."""
    present: Component | None = None
    """What is there already."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of the components that are asked for; what is left open stays as it is."""

    version: str = ""
    vendored: bool | None = None

    def __post_init__(self) -> None:
        if self.version and not _EXACT.fullmatch(self.version):
            raise UsageError(f"“{self.version}” is not a chart's version.", "Give one exactly, such as 1.19.1.")

    @property
    def changes(self) -> bool:
        """Return whether a component that is there already may become another."""
        return bool(self.version) or self.vendored is not None

    def of(self, each: Placed) -> Component:
        """Return the component as it is to be, with where its chart comes from."""
        standard = each.entry.component
        present = each.present or standard
        known = present if present.repo_url else replace(present, repo_url=standard.repo_url, chart=standard.chart)
        vendored = present.vendored if self.vendored is None else self.vendored
        version = self.version if self.version and not each.because else present.version
        return replace(known, version=version, vendored=vendored)


_EXACT = re.compile(r"v?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")


# Where


def hosts(repository: Repository) -> Sequence[Environment]:
    """Return the environment through which each cluster gets its components: the last that deploys to it."""
    last = {place: each for each in repository.environments for place in repository.servers(each)}
    return [each for each in repository.environments if each in last.values()]


def installed(repository: Repository, servers: Collection[str]) -> Mapping[str, tuple[Component, Environment]]:
    """Return the components of clusters by name, each with the environment that installs it."""
    return {
        component.name: (component, each)
        for each in repository.environments
        if not repository.servers(each).isdisjoint(servers)
        for component in each.components
    }


def place(
    repository: Repository,
    known: Mapping[str, Entry],
    names: Sequence[str],
    environments: Sequence[str] = (),
    wish: Wish | None = None,
) -> list[Placed]:
    """Return what adding components installs, and where, with what they need and is not there.

    Those that are there already are among them if the wish is for another chart of them. Raise UsageError for an
    unknown one, and for one that is there: in an environment that is named, or everywhere.
    """
    wish = wish or Wish()
    chosen = [edits.environment(repository, name) for name in environments] or hosts(repository)
    if not chosen:
        raise UsageError("There is no environment to install a component in.", "Add one: argosy add env NAME.")
    _refuse_one_cluster_twice(repository, chosen)
    wanted = [entry(known, name).name for name in dict.fromkeys(names)]
    found: list[Placed] = []
    for environment in chosen:
        there = installed(repository, repository.servers(environment))
        for each, because in _with_needs(known, wanted):
            if each.name not in there:
                found.append(Placed(each, environment.name, because))
            elif wish.changes and not because:
                component, other = there[each.name]
                found.append(Placed(each, other.name, present=component))
            elif environments and not because:
                raise _present(environment, *there[each.name])
    if not found:
        raise _present(chosen[0], *installed(repository, repository.servers(chosen[0]))[wanted[0]])
    return found


def _present(environment: Environment, component: Component, other: Environment) -> UsageError:
    name = component.name
    return UsageError(
        f"{name} {component.version} is installed in the cluster of {environment.name} already, through {other.name}.",
        f"Its values are in {layout.component_values(other.name, name)}. For its chart, say --version, --vendor or "
        "--no-vendor.",
    )


def _refuse_one_cluster_twice(repository: Repository, chosen: Sequence[Environment]) -> None:
    seen: dict[str, str] = {}
    for each in chosen:
        for place in each.places:
            if (other := seen.setdefault(repository.server(place), each.name)) != each.name:
                raise UsageError(
                    f"{other} and {each.name} share the cluster {place}, which needs a component once.",
                    "Name one of the two.",
                )


def _with_needs(known: Mapping[str, Entry], names: Iterable[str]) -> Iterator[tuple[Entry, str]]:
    """Yield components and what they need, in turn, each with the one that needs it; "" where it was asked for."""
    pending = [(entry(known, name), "") for name in names]
    seen: set[str] = set()
    while pending:
        each, because = pending.pop(0)
        if each.name not in seen:
            seen.add(each.name)
            yield each, because
            pending += [(entry(known, need), each.name) for need in each.needs]


# Changes


def add(
    repository: Repository,
    placed: Sequence[Placed],
    wish: Wish | None = None,
    *,
    fetch: Fetch,
    held: Callable[[str], bytes | None],
) -> Change:
    """Return the change that installs components, or changes the charts of those that are there.

    The charts of those that are to be vendored are fetched. `held` gives what a path holds today: values and custom
    resources that are there stay. Raise ArgosyError where a chart cannot be fetched.
    """
    wish, after, written, removed = wish or Wish(), repository, dict[str, bytes](), list[str]()
    charts: dict[Component, Mapping[str, bytes]] = {}
    for each in placed:
        component, place = wish.of(each), each.environment
        needed = Needed({*each.entry.cluster_kinds}, {component.namespace, *each.entry.namespaces})
        texts = {} if each.present else dict(each.entry.files(repository, edits.environment(repository, place)))
        written |= {path: text for path, text in texts.items() if held(path) is None}
        folder = layout.component_chart(place, component.name)
        if each.present:
            after = edits.remove_component(after, place, component.name)
            removed += [folder] if each.present.vendored else []
        if component.vendored:
            chart = charts[component] = charts.get(component) or fetch(component)
            written |= {f"{folder}/{path}": content for path, content in chart.items()}
            path = layout.component_values(place, component.name)
            needed = needed.joined(vendoring.needed(component, chart, held(path) or texts.get(path, b"")))
            component = replace(component, repo_url="")
        after = edits.add_component(after, place, component)
        after = _permitting(after, place, needed)
    return Change(repository, after, written=written, removed=removed)


def remove(
    repository: Repository, known: Mapping[str, Entry], names: Sequence[str], environments: Sequence[str]
) -> Change:
    """Return the change that removes components with all that is in their folders; no environment named: everywhere.

    Raise UsageError for one that is not installed, and for one that another component needs.
    """
    chosen = [edits.environment(repository, name) for name in environments] or [
        each for each in repository.environments if {*names} & {component.name for component in each.components}
    ]
    if not chosen:
        listed = sorted({component.name for each in repository.environments for component in each.components})
        raise UsageError(
            f"{', '.join(names)}: not installed anywhere.", f"Installed: {', '.join(listed) or 'nothing'}."
        )
    after, removed = repository, list[str]()
    for environment in chosen:
        there = [each.name for each in environment.components]
        gone = [name for name in dict.fromkeys(names) if name in there or environments]
        _refuse_needed(known, environment, gone)
        for name in gone:
            after = edits.remove_component(after, environment.name, name)
            removed += [layout.component(environment.name, name), layout.component_application(environment.name, name)]
        after = _narrowed(after, environment.name, known, gone)
    return Change(repository, after, removed=removed)


def _refuse_needed(known: Mapping[str, Entry], environment: Environment, gone: Collection[str]) -> None:
    for each in environment.components:
        needed = set(known[each.name].needs if each.name in known else ()) & {*gone}
        if each.name not in gone and needed:
            raise UsageError(
                f"{each.name} needs {', '.join(sorted(needed))} in {environment.name}.", "Remove both, or none."
            )


def _permitting(repository: Repository, name: str, needed: Needed) -> Repository:
    """Return the repository in which the components' AppProject permits what a component deploys."""
    environment = edits.environment(repository, name)
    permitted = environment.components_permitted if len(environment.components) > 1 else Permitted(None, (), ())
    wider = replace(
        permitted,
        cluster_kinds=_union(permitted.cluster_kinds, {NAMESPACE, *needed.cluster_kinds}),
        namespaces=None if permitted.namespaces is None else _union(permitted.namespaces, needed.namespaces),
    )
    return edits.replaced(repository, replace(environment, components_permitted=wider))


def _union(present: tuple[Item, ...] | None, more: Iterable[Item]) -> tuple[Item, ...] | None:
    return None if present is None else tuple(sorted(set(present).union(more)))


def _narrowed(repository: Repository, name: str, known: Mapping[str, Entry], gone: Collection[str]) -> Repository:
    """Return the repository in which the AppProject no longer permits what only the components gone deployed."""
    environment = edits.environment(repository, name)
    left = [known[each.name] for each in environment.components if each.name in known]
    needed = {NAMESPACE, *(kind for each in left for kind in each.cluster_kinds)}
    spaces = {each.namespace for each in environment.components} | {space for each in left for space in each.namespaces}
    freed = {kind for each in gone if each in known for kind in known[each].cluster_kinds} - needed
    empty = {
        space for each in gone if each in known for space in (known[each].component.namespace, *known[each].namespaces)
    } - spaces
    permitted = environment.components_permitted
    if len(left) < len(environment.components):
        freed, empty = set(), set()  # What a component deploys that no catalogue knows is unknown.
    narrower = replace(
        permitted,
        cluster_kinds=_without(permitted.cluster_kinds, freed),
        namespaces=_without(permitted.namespaces, empty),
    )
    return edits.replaced(repository, replace(environment, components_permitted=narrower))


def _without(present: tuple[Item, ...] | None, gone: Collection[Item]) -> tuple[Item, ...] | None:
    return None if present is None else tuple(each for each in present if each not in gone)


# What the switches ask for


def asked_for(production: Production) -> Mapping[str, str]:
    """Return the components without which what is switched on has no effect, each with the setting that asks for it."""
    asked = {}
    if production.secrets is not Secrets.NONE:
        operator = "sops-secrets-operator" if production.secrets is Secrets.SOPS else production.secrets.value
        asked[operator] = f"secrets={production.secrets}"
    if production.image_signing is not ImageSigning.NONE:
        asked["kyverno"] = f"imageSigning={production.image_signing}"
    if production.monitoring:
        asked["kube-prometheus-stack"] = "monitoring=true"
    return asked


def missing(repository: Repository) -> list[str]:
    """Return what to do about each component that is asked for and that some cluster does not get from here."""
    clusters = {place for each in repository.environments for place in repository.servers(each)}
    return [
        f"{reason} takes effect with {name}: argosy add component {name}, unless it is in the clusters already."
        for name, reason in asked_for(repository.settings.production).items()
        if any(name not in installed(repository, {cluster}) for cluster in clusters)
    ]


def lacking(repository: Repository, name: str) -> list[str]:
    """Return the components that the cluster of an environment does not get from here, and others do."""
    there = installed(repository, repository.servers(edits.environment(repository, name)))
    others = {component.name for each in repository.environments for component in each.components}
    return sorted(others - there.keys())


def orphaned(repository: Repository, name: str) -> tuple[list[str], str]:
    """Return the components that go with an environment, and another that its cluster still is of; [] without one."""
    gone = edits.environment(repository, name)
    others = (each for each in repository.environments if each.name != name)
    heirs = [each.name for each in others if repository.servers(each) & repository.servers(gone)]
    return ([each.name for each in gone.components], heirs[-1]) if heirs else ([], "")
