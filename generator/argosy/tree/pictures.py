"""What is drawn of a repository: what leads to what, promotion, who deploys where, waves, and what needs what."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from argosy.argocd import matching, projects, waves
from argosy.argocd.deployments import Deployments
from argosy.argocd.view import ArgoApplication
from argosy.documents import items
from argosy.documents.fields import field as at
from argosy.documents.fields import group_and_kind, mapping, text
from argosy.graph import Arrow, Box, Graph
from argosy.kubernetes import references
from argosy.kubernetes.pods import pod_specs
from argosy.kubernetes.selectors import selects
from argosy.names import joined
from argosy.reporting.wording import number
from argosy.tree import APPLICATION, Node, Tree

_MOST_NAMES = 8
"""How many names a box lists, before it counts the others."""


class Picture(StrEnum):
    """What is drawn."""

    PROMOTION = "promotion"
    CLUSTERS = "clusters"
    WAVES = "waves"
    DEPENDENCIES = "dependencies"


@dataclass
class _Drawing:
    """A graph that grows: each box once, by what it stands for."""

    title: str
    boxes: dict[object, Box] = field(default_factory=dict)
    arrows: dict[tuple[int, int], str] = field(default_factory=dict)
    places: dict[object, int] = field(default_factory=dict)

    def box(self, key: object, box: Box) -> int:
        """Add a box, unless it is there, and return its place."""
        self.boxes.setdefault(key, box)
        return self.places.setdefault(key, len(self.places))

    def arrow(self, source: int, target: int, label: str = "") -> None:
        """Add an arrow, unless it is there."""
        self.arrows.setdefault((source, target), label)

    @property
    def graph(self) -> Graph:
        return Graph([*self.boxes.values()], [Arrow(*ends, said) for ends, said in self.arrows.items()], self.title)


@dataclass(frozen=True, slots=True)
class Scope:
    """What is drawn of a repository; nothing named: all."""

    applications: Collection[str] = ()
    environments: Collection[str] = ()

    def chosen(self, found: Deployments) -> Sequence[ArgoApplication]:
        """Return the Applications that are meant, by the name of the application or of the Application."""
        return [
            each
            for each in found.view.applications
            if (not self.applications or {each.name, each.application} & {*self.applications})
            and (not self.environments or each.environment in self.environments)
        ]


def draw(picture: Picture, found: Deployments, scope: Scope = Scope()) -> Graph:
    """Return a picture of what was found."""
    makers: Mapping[Picture, Callable[[Deployments, Scope], Graph]] = {
        Picture.PROMOTION: _promotion,
        Picture.CLUSTERS: _clusters,
        Picture.WAVES: _waves,
        Picture.DEPENDENCIES: _dependencies,
    }
    return makers[picture](found, scope)


def of_tree(tree: Tree) -> Graph:
    """Return what leads to what: each node once, also where it is shown again."""
    boxes: list[Box] = []
    arrows: list[Arrow] = []
    known: dict[tuple[str, str], int] = {}
    waiting: list[tuple[int | None, Node]] = [(None, root) for root in reversed(tree.roots)]
    while waiting:
        parent, node = waiting.pop()
        this = known.get((node.name, node.path)) if node.is_repeated else None
        if this is None:
            this = len(boxes)
            reason = "? " + node.reason.split("\n")[0] if node.reason else ""
            boxes.append(Box([*filter(None, (node.title, node.where, reason))], is_dashed=bool(node.reason)))
            if node.kind == APPLICATION:
                known[node.name, node.path] = this
        if parent is not None:
            arrows.append(Arrow(parent, this))
        waiting += [(this, child) for child in reversed(node.children)]
    return Graph(boxes, arrows, "What leads to what")


def _promotion(found: Deployments, scope: Scope) -> Graph:
    """Return the environments, what is in them, and the way of a release from one to the next."""
    drawing = _Drawing("How releases are promoted")
    chosen = scope.chosen(found)
    by_environment: dict[str, list[ArgoApplication]] = defaultdict(list)
    for each in chosen:
        by_environment[each.environment].append(each)
    settings = found.view.environments
    names = [each for each in settings if not scope.environments or each in scope.environments]
    for name in names if settings else filter(None, by_environment):
        here = by_environment.get(name, [])
        where = dict.fromkeys(_where(each, found) for each in here)
        applications = number(len({each.application for each in here}), "application")
        follows = text(at(settings[name].data, "revision")) if name in settings else ""
        lines = [
            name,
            applications,
            *([joined([*where], 3)] if where else []),
            *([f"follows {follows}"] * bool(follows)),
        ]
        drawing.box(name, Box(lines))
    for name in names:
        source = text(at(settings[name].data, "promotesFrom"))
        if source in drawing.places:
            drawing.arrow(drawing.places[source], drawing.places[name])
    return drawing.graph


def _clusters(found: Deployments, scope: Scope) -> Graph:
    """Return AppProjects, their Applications, and the clusters that these deploy to."""
    drawing = _Drawing("Projects, Applications and clusters")
    for each in scope.chosen(found):
        name = projects.project_name(each)
        is_known = found.view.project_of(each, name) is not None or name == "default"
        project = drawing.box(("project", name), Box(["AppProject", name], is_dashed=not is_known))
        version = ", ".join(dict.fromkeys(text(source.get("targetRevision")) for _, source in each.sources))
        lines = [each.name, matching.namespace_of(each) or "no namespace", *([version] if version else [])]
        this = drawing.box(each, Box(lines, each.environment))
        place = _where(each, found)
        drawing.arrow(project, this)
        drawing.arrow(this, drawing.box(("cluster", place), Box(["cluster", place])))
    return drawing.graph


def _where(application: ArgoApplication, found: Deployments) -> str:
    server, name = matching.cluster(application, found.view)
    return name or server or "unknown"


def _waves(found: Deployments, scope: Scope) -> Graph:
    """Return what each Application applies, one wave after the other, and which of that are Applications in turn."""
    drawing = _Drawing("Sync phases and waves")
    known = {each.name: each for each in found.view.applications}
    for application in scope.chosen(found):
        applied: dict[tuple[int, int], list[str]] = defaultdict(list)
        made: dict[tuple[int, int], list[ArgoApplication]] = defaultdict(list)
        for document in matching.applied(application, found.view):
            for each in items(document):
                name = text(at(each.data, "metadata", "name"))
                when = (waves.PHASES.index(waves.phase(each.data)), waves.wave(each.data))
                applied[when].append(f"{text(mapping(each.data).get('kind'))} {name}")
                if group_and_kind(each.data) == ("argoproj.io", "Application") and name in known:
                    made[when].append(known[name])
        before = drawing.box(application, Box([application.name, application.environment or "Application"]))
        for when, names in sorted(applied.items()):
            step = drawing.box((application, when), Box([_when(*when), *_few(names)], application.name))
            drawing.arrow(before, step)
            for child in made[when]:
                drawing.arrow(step, drawing.box(child, Box([child.name, child.environment or "Application"])))
            before = step
    return drawing.graph


def _when(phase: int, wave: int) -> str:
    return f"{waves.PHASES[phase]}, wave {wave}"


def _few(names: Sequence[str]) -> list[str]:
    more = len(names) - _MOST_NAMES
    return [*names[:_MOST_NAMES], *([f"and {more} more"] if more > 0 else [])]


def _dependencies(found: Deployments, scope: Scope) -> Graph:
    """Return what the resources of each Application need: by name, by labels, and what controllers make for them."""
    drawing = _Drawing("What needs what")
    for application in scope.chosen(found):
        manifests = [
            (group_and_kind(each.data), text(at(each.data, "metadata", "name")), each.data)
            for document in matching.applied(application, found.view)
            for each in items(document)
        ]
        needed = Counter(this for (_, kind), name, data in manifests for this in _needs(kind, name, data, manifests))
        for (_, kind), name, data in manifests:
            needs = list(dict.fromkeys(_needs(kind, name, data, manifests)))
            if not (needs or (kind, name) in needed or scope.applications):
                continue
            this = drawing.box((application, kind, name), Box([f"{kind} {name}"], application.name))
            for other in needs:
                declared = _declaring(other, manifests)
                of, called = declared or other
                box = Box([f"{of} {called}"], application.name, is_dashed=declared is None)
                drawing.arrow(this, drawing.box((application, of, called), box))
    return drawing.graph


_Manifests = Sequence[tuple[tuple[str, str], str, object]]


def _needs(kind: str, name: str, data: object, manifests: _Manifests) -> Iterator[tuple[str, str]]:
    """Yield the kind and name of what an object refers to, or selects."""
    yield from ((of, called) for _, of, called in references.needed(data) if (of, called) != (kind, name))
    _, selector = references.selector(data)
    for (_, other), called, each in manifests if selector else ():
        labels = [mapping(at(each, *place[:-1], "metadata", "labels")) for place, _ in pod_specs(each)]
        if any(selects(selector, found) for found in labels):
            yield other, called


def _declaring(needed: tuple[str, str], manifests: _Manifests) -> tuple[str, str] | None:
    """Return what an Application applies for something that is needed: itself, or what a controller makes it of."""
    for (group, kind), name, data in manifests:
        if (kind, name) == needed or needed in references.made_of(group, kind, name, data):
            return kind, name
    return None
