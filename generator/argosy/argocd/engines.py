"""What renders the sources of a repository: engines like those of its Argo CD, as far as there are such."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

from argosy import helm, kustomize
from argosy.argocd.sources import Kind
from argosy.argocd.versions import Version
from argosy.engines import Engine


@dataclass(frozen=True)
class Engines:
    """The engines of one Argo CD, each looked for when it is needed."""

    argocd: Version | None = None
    """What is known of the version of Argo CD; None where the version is unknown."""

    @cached_property
    def helm(self) -> Engine:
        """What renders charts; raise ToolError where nothing does."""
        return helm.choose(self.argocd.helm if self.argocd else "")

    @cached_property
    def kustomize(self) -> Engine:
        """What builds kustomizations; raise ToolError where nothing does."""
        return kustomize.choose(self.argocd.kustomize if self.argocd else "")

    def used(self, kinds: Collection[Kind]) -> Sequence[Engine]:
        """Return what renders sources of these kinds."""
        helm = [self.helm] if Kind.HELM in kinds else []
        return [*helm, self.kustomize] if Kind.KUSTOMIZE in kinds else helm
