"""Compare what the catalogue says of components with their charts, rendered by Helm with the catalogue's values."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from argosy import temporary
from argosy.catalogue import vendoring
from argosy.catalogue.catalogue import Entry
from argosy.catalogue.vendoring import Needed
from argosy.documents import rendered
from argosy.documents.fields import field as at
from argosy.documents.fields import mapping, text
from argosy.documents.plain import parse
from argosy.errors import ArgosyError
from argosy.helm import fetching
from argosy.kubernetes import manifests
from argosy.repository import layout
from argosy.repository.model import Kind, Repository, RevisionStyle, Settings, chain


@dataclass
class Comparison:
    """What to change in the catalogue, and why what else was not compared."""

    differences: list[str] = field(default_factory=list)
    not_compared: list[str] = field(default_factory=list)
    compared: list[str] = field(default_factory=list)


def compare(catalogue: Mapping[str, Entry], charts: Path | None) -> Comparison:
    """Compare each component with its chart: the one in `charts`/NAME, or the one that its repository has."""
    found = Comparison()
    for entry in catalogue.values():
        try:
            needed, defined = _rendered(entry, _chart(entry, charts))
        except (ArgosyError, OSError) as error:
            found.not_compared.append(f"{entry.name}: {' '.join(str(error).split())}")
            continue
        if entry.crds and not defined:
            found.not_compared.append(f"{entry.name}: crds: the chart has none, so something else brings them")
        else:
            found.differences += _sets(f"{entry.name}: crds", entry.crds, defined)
        own = {entry.component.namespace}
        found.differences += _sets(f"{entry.name}: clusterKinds", entry.cluster_kinds, needed.cluster_kinds)
        found.differences += _sets(f"{entry.name}: namespaces", {*entry.namespaces} - own, {*needed.namespaces} - own)
        found.compared.append(entry.name)
    return found


def _chart(entry: Entry, charts: Path | None) -> Mapping[str, bytes]:
    component = entry.component
    if charts is None:
        return fetching.fetch(component)
    folder = charts / entry.name
    paths = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    if not paths:
        raise ArgosyError(f"There is no chart in {folder}.")
    chart = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    version = str(parse(chart.get("Chart.yaml", b"")).get("version", ""))
    if version.removeprefix("v") != component.version.removeprefix("v"):
        raise ArgosyError(
            f"The chart in {folder} is {version or 'of no version'}, and the catalogue has {component.version}."
        )
    return chart


def _rendered(entry: Entry, chart: Mapping[str, bytes]) -> tuple[Needed, set[Kind]]:
    """Return what a component deploys with the catalogue's values, and the kinds that it defines."""
    environments = chain((("dev", ""), ("prod", "")), RevisionStyle.TRUNK)
    repository = Repository(Settings("gitops", "https://git.example.com/gitops.git"), environments)
    needed, defined = Needed(), set[Kind]()
    for environment in environments:
        place = layout.component(environment.name, entry.name)
        files = {path.removeprefix(f"{place}/"): each for path, each in entry.files(repository, environment).items()}
        with temporary.folder("chart") as folder:
            found = vendoring.rendered(entry.component, chart, files.pop(layout.VALUES), folder)
            for path, content in files.items():
                found += rendered([(content.decode(), path)], application="", environment="")[0]
            needed = needed.joined(vendoring.of_documents(found, folder))
        crds = [each.data for each in found if manifests.is_crd(mapping(each.data))]
        defined |= {Kind(text(at(each, "spec", "group")), text(at(each, "spec", "names", "kind"))) for each in crds}
    return needed, defined


def _sets(
    key: str, said: Collection[Kind] | Collection[str], found: Collection[Kind] | Collection[str]
) -> Iterator[str]:
    """Yield what a list in `component.yaml` lacks, and what it has that the chart does not have."""
    for each in sorted({*found} - {*said}, key=str):
        yield f"{key}: add {_shown(each)}"
    for each in sorted({*said} - {*found}, key=str):
        yield f"{key}: remove {_shown(each)}, which the chart does not have"


def _shown(each: Kind | str) -> str:
    return each if isinstance(each, str) else f"{{group: {each.group}, kind: {each.kind}}}"
