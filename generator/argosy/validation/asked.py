"""Ask an API server about what is deployed to its cluster, and tell what it refuses."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from argosy.argocd.deployments import Deployments
from argosy.argocd.matching import IN_CLUSTER_SERVER, applied, cluster, namespace_of, sync_options
from argosy.argocd.reach import is_argocds
from argosy.argocd.view import ArgoApplication
from argosy.documents import Document, is_manifest
from argosy.documents.fields import annotations_of, field, group_and_kind, text
from argosy.errors import UsageError
from argosy.findings import Problem, Severity
from argosy.kubernetes.dry_run import Outcome, Server, Verdict
from argosy.names import joined

_FEW = 5
"""How many reasons are told."""


class _Asked(NamedTuple):
    """A manifest that is deployed to a namespace, be it by an Application or by hand."""

    document: Document
    namespace: str
    application: ArgoApplication | None = None

    @property
    def options(self) -> Collection[str]:
        """The sync options of the manifest, and of what applies it."""
        own = text(annotations_of(self.document.data).get("argocd.argoproj.io/sync-options"))
        given = sync_options(self.application) if self.application else ()
        return {*(each.strip() for each in own.split(",")), *map(text, given)}


@dataclass
class Answers:
    """What the server of a cluster says of what is deployed to it."""

    server: Server
    deployed: Deployments
    definitions: Sequence[Mapping[str, Any]]
    """The CustomResourceDefinitions of the repository."""
    environments: Sequence[str] = ()
    """Those whose Applications are asked about; empty: all whose cluster this may be."""

    def problems(self) -> Iterator[tuple[Document, Problem]]:
        """Yield what the server refuses."""
        for each, verdict in self._verdicts:
            document = each.document
            if verdict.outcome is Outcome.UNSERVED and self._is_missed(each):
                yield document, self._unserved(document)
            for refusal in verdict.refusals:
                where = f"{refusal.field}: " if refusal.field else ""
                message = refusal.message[:1].lower() + refusal.message[1:] if where else refusal.message
                hint = f"The API server of context {self.server.context} refuses it in a dry run."
                yield document, Problem(f"{where}{message}.".replace("..", "."), refusal.at, hint)

    def _unserved(self, document: Document) -> Problem:
        version, kind = document.data["apiVersion"], document.data["kind"]
        # What is not here may install it.
        is_known = not any(render.skipped for render in self.deployed.renders)
        return Problem(
            f"The API server of context {self.server.context} has no {kind} of {version}.",
            ("kind",),
            "Install what brings its CustomResourceDefinition, or correct apiVersion and kind.",
            severity=None if is_known else Severity.WARNING,
        )

    def _is_missed(self, each: _Asked) -> bool:
        """Return whether the server should have a kind that it has not."""
        is_own = group_and_kind(each.document.data) in self._defined
        # Argo CD may be in another cluster than what it deploys.
        return not (is_own or is_argocds(each.document) or "SkipDryRunOnMissingResource=true" in each.options)

    @cached_property
    def _defined(self) -> frozenset[tuple[str, str]]:
        return frozenset(
            (text(field(each, "spec", "group")), text(field(each, "spec", "names", "kind")))
            for each in self.definitions
        )

    @property
    def notes(self) -> Sequence[str]:
        """What is to be told of all this besides: how much was asked, and what was not."""
        context, by_outcome = self.server.context, defaultdict[Outcome, list[_Asked]](list)
        for each, verdict in self._verdicts:
            by_outcome[verdict.outcome].append(each)
        taken, refused = len(by_outcome[Outcome.TAKEN]), len(by_outcome[Outcome.REFUSED])
        told = [f"The API server of context {context} took {taken} manifests in a dry run, and refused {refused}."]
        if waiting := [each for each in by_outcome[Outcome.UNSERVED] if not self._is_missed(each)]:
            those = f"{_number(waiting)} of kinds that come with Argo CD or with this repository ({_kinds(waiting)})"
            told.append(f"Not asked about: {those}.")
        if forbidden := by_outcome[Outcome.FORBIDDEN]:
            told.append(
                f"Asked about nothing but their kinds: {_number(forbidden)} ({_kinds(forbidden)}). A dry run needs the "
                "permission to create and patch, which this kubeconfig does not give."
            )
        why = Counter(verdict.why for _, verdict in self._verdicts if verdict.outcome is Outcome.UNANSWERED)
        told += [f"Not answered: {count} times “{reason}”." for reason, count in why.most_common(_FEW)]
        if self._elsewhere:
            clusters = joined(sorted(set(self._elsewhere)), _FEW)
            told.append(f"Not asked about: {len(self._elsewhere)} Applications, which deploy to {clusters}.")
        return told

    @cached_property
    def _verdicts(self) -> Sequence[tuple[_Asked, Verdict]]:
        asked = [each for each in self._asked() if "sops" not in each.document.data]
        alike: dict[str, list[_Asked]] = {}
        for each in asked:
            data = each.document.data
            namespace = text(field(data, "metadata", "namespace")) or each.namespace or "default"
            known = json.dumps([data, namespace, "Validate=false" in each.options], sort_keys=True, default=str)
            alike.setdefault(known, []).append(each._replace(namespace=namespace))
        firsts = [several[0] for several in alike.values()]
        given = [(each.document.data, each.namespace, "Validate=false" not in each.options) for each in firsts]
        verdicts = self.server.verdicts(given)
        return [(each, said) for said, several in zip(verdicts, alike.values(), strict=True) for each in several]

    def _asked(self) -> Iterator[_Asked]:
        view, chosen = self.deployed.view, self._chosen
        for application in chosen:
            for document in applied(application, view):
                if is_manifest(document.data):
                    yield _Asked(document, namespace_of(application), application)
        if self.environments:
            return
        for root in self.deployed.reach.roots:
            documents = root.render.documents if root.render else root.documents
            yield from (_Asked(each, "") for each in documents if is_manifest(each.data))
        if not view.applications:
            judged = (each for each in view.documents if self.deployed.reach.judges(each.path))
            yield from (_Asked(each, "") for each in judged if each.path not in view.overlaid)
            rest = (each for render in self.deployed.renders if not render.variant for each in render.documents)
            yield from (_Asked(each, "") for each in rest if is_manifest(each.data))

    @cached_property
    def _chosen(self) -> Sequence[ArgoApplication]:
        """The Applications that deploy to the cluster, as far as that is known."""
        applications = self.deployed.view.applications
        if not self.environments:
            return [each for each in applications if not self._other_cluster(each)]
        known = {each.environment for each in applications}
        if unknown := [each for each in self.environments if each not in known]:
            there = ", ".join(sorted(filter(None, known))) or "none"
            raise UsageError(f"No Application is in the environment {unknown[0]}.", f"There is {there}.")
        return [each for each in applications if each.environment in self.environments]

    def _other_cluster(self, application: ArgoApplication) -> str:
        """Return the URL of an Application's cluster, where it is another one than the server's; else nothing."""
        url = text(cluster(application, self.deployed.view)[0])
        return url if url not in {"", IN_CLUSTER_SERVER, self.server.url} else ""

    @cached_property
    def _elsewhere(self) -> Sequence[str]:
        applications = () if self.environments else self.deployed.view.applications
        return [*filter(None, map(self._other_cluster, applications))]


def _number(asked: Sequence[_Asked]) -> str:
    return f"{len(asked)} manifest{'' if len(asked) == 1 else 's'}"


def _kinds(asked: Sequence[_Asked]) -> str:
    return joined(sorted({text(each.document.data["kind"]) for each in asked}), _FEW)
