"""What a vendored chart needs its AppProject to permit: rendered with its values, it tells by itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from argosy import temporary
from argosy.errors import RenderError
from argosy.helm import Release, engine
from argosy.repository.model import Component, Kind

if TYPE_CHECKING:
    from argosy.documents import Document


@dataclass(frozen=True, slots=True)
class Needed:
    """What a component deploys: kinds without a namespace, and the namespaces of the others."""

    cluster_kinds: Collection[Kind] = ()
    namespaces: Collection[str] = ()

    def joined(self, other: Needed) -> Needed:
        """Return both together."""
        return Needed({*self.cluster_kinds, *other.cluster_kinds}, {*self.namespaces, *other.namespaces})


def needed(component: Component, chart: Mapping[str, bytes], values: bytes) -> Needed:
    """Return what a chart deploys with values; nothing where it cannot be rendered, which validation reports."""
    with temporary.folder("chart") as folder:
        try:
            return of_documents(rendered(component, chart, values, folder), folder)
        except (RenderError, OSError, ValueError):
            return Needed()


def rendered(component: Component, chart: Mapping[str, bytes], values: bytes, folder: Path) -> list[Document]:
    """Return the manifests that a chart, written into a folder, renders to with values; raise RenderError."""
    from argosy.documents import is_manifest  # noqa: PLC0415
    from argosy.documents import rendered as read  # noqa: PLC0415

    for path, content in chart.items():
        (folder / "chart" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "chart" / path).write_bytes(content)
    (folder / "values.yaml").write_bytes(values)
    release = Release(folder / "chart", component.name, component.namespace, (folder / "values.yaml",))
    manifests = engine(None).render(release).manifests
    documents, _ = read([(each.text, each.path) for each in manifests], application="", environment="")
    return [each for each in documents if is_manifest(each.data)]


def of_documents(documents: Sequence[Document], root: Path) -> Needed:
    """Return what manifests deploy: kinds without a namespace, and the namespaces of the others."""
    from argosy.argocd.matching import is_cluster_scoped  # noqa: PLC0415
    from argosy.argocd.view import View  # noqa: PLC0415
    from argosy.documents.fields import group_and_kind  # noqa: PLC0415

    view = View(root, documents=documents)
    wide = [each for each in documents if is_cluster_scoped(each.data, view)]
    metadata = [each.data.get("metadata") for each in documents if each not in wide]
    spaces = {each.get("namespace") for each in metadata if isinstance(each, dict)}
    return Needed({Kind(*group_and_kind(each.data)) for each in wide}, {str(each) for each in spaces if each})
