"""A cluster as the bootstrap needs it: one context of the kubeconfig, asked and changed with kubectl."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from argosy.errors import ToolError
from argosy.kubernetes import kubectl, manifests
from argosy.kubernetes.manifests import Manifest, Reference

NAMESPACE = "argocd"
_SECRETS = (
    r'{range .items[*]}{.metadata.name}{"\t"}{.metadata.labels.argocd\.argoproj\.io/secret-type}{"\t"}{.data.url}'
    r'{"\t"}{.data.server}{"\t"}{.data.name}{"\n"}{end}'
)
"""What argosy wants to know of Argo CD's Secrets, without their passwords."""
_LONG = 600


class Kind(NamedTuple):
    """A kind that a cluster knows."""

    plural: str
    namespaced: bool


@dataclass(frozen=True)
class Cluster:
    """A cluster: a context of the kubeconfig by its name, and the server behind it."""

    context: str
    server: str

    @classmethod
    def of(cls, context: str) -> Cluster:
        """Return the cluster of a context, "" for the current one; raise ToolError if the kubeconfig has none."""
        # The current one is held fast by its name: somebody may switch to another cluster while argosy is at work.
        answer = kubectl.run("config", "view", "--minify", "--output", "json", context=context)
        view = json.loads(answer)
        try:
            return cls(view["contexts"][0]["name"], view["clusters"][0]["cluster"]["server"])
        except (KeyError, IndexError, TypeError) as error:
            raise ToolError(
                "The kubeconfig names no cluster.",
                "Name a context with --context: `kubectl config get-contexts` lists those that there are.",
            ) from error

    def run(self, *arguments: str, stdin: str | None = None, partial: bool = False) -> str:
        """Run kubectl on the cluster."""
        return kubectl.run(*arguments, context=self.context, stdin=stdin, seconds=_LONG, partial=partial)

    def command(self, *arguments: str) -> str:
        """Return the kubectl command that a person would type."""
        return shlex.join(("kubectl", "--context", self.context, *arguments))

    def get(self, *arguments: str) -> list[Manifest]:
        """Return the objects that `kubectl get` finds."""
        return manifests.parse(self.run("get", *arguments, "--ignore-not-found", "--output", "json"))

    def present(self, wanted: Sequence[Manifest]) -> Mapping[Reference, Manifest]:
        """Return those of the objects that are there; none of a kind that the cluster does not know is."""
        known = [each for each in wanted if self.knows(each)]
        if not known:
            return {}
        options = ("--ignore-not-found", "--output", "json", "--filename", "-")
        found = manifests.parse(self.run("get", *options, stdin=manifests.listed(known)))
        return {manifests.reference(each): each for each in found}

    def apply(self, wanted: Sequence[Manifest], *, dry_run: bool = False) -> Mapping[Reference, Manifest]:
        """Apply manifests, and return what they are then; with `dry_run`, what they would be."""
        # Client-side apply keeps a copy in an annotation, which Argo CD's definitions are too large for.
        options = ["--server-side", "--force-conflicts", "--output", "json", "--filename", "-"]
        if dry_run:
            options.append("--dry-run=server")
        answer = self.run("apply", *options, stdin=manifests.listed(wanted))
        return {manifests.reference(each): each for each in manifests.parse(answer)}

    @property
    def kinds(self) -> Mapping[tuple[str, str], Kind]:
        """The kinds that the cluster knows, by apiVersion and kind; asked anew after `forget`."""
        return self._discovered

    def knows(self, manifest: Manifest) -> bool:
        """Tell whether the cluster knows a manifest's kind."""
        return (manifest["apiVersion"], manifest["kind"]) in self.kinds

    def forget(self) -> None:
        """Ask for the kinds anew, since definitions were added."""
        self.__dict__.pop("_discovered", None)

    @cached_property
    def _discovered(self) -> Mapping[tuple[str, str], Kind]:
        # An aggregated API that is down makes kubectl fail, after it told of all others.
        listed = self.run("api-resources", "--no-headers", partial=True).splitlines()
        rows = [line.split() for line in listed]
        return {(row[-3], row[-1]): Kind(row[0], row[-2] == "true") for row in rows if len(row) >= 4}

    def versions(self) -> tuple[str, str]:
        """Return the versions of the cluster and of kubectl, such as `v1.36.2`."""
        told: Mapping[str, Any] = json.loads(self.run("version", "--output", "json"))
        return str(told["serverVersion"]["gitVersion"]), str(told["clientVersion"]["gitVersion"])

    def secrets(self) -> list[Sequence[str]]:
        """Return of each of Argo CD's Secrets its name, what it is for, and the url, server and name in it."""
        listed = self.run(
            *("get", "secrets", "--namespace", NAMESPACE, "--selector", "argocd.argoproj.io/secret-type"),
            *("--output", f"jsonpath={_SECRETS}"),
        )
        rows = (line.split("\t") for line in listed.splitlines() if line.strip())
        return [(name, purpose, *map(_decoded, data)) for name, purpose, *data in rows]

    def refused(self, actions: Iterable[tuple[str, str, str, str]]) -> list[tuple[str, str, str, str]]:
        """Return those of the actions, each a verb, group, plural and namespace, that the user may not do."""
        asked = list(actions)
        reviews = [
            {
                **{"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"},
                "spec": {"resourceAttributes": {"verb": verb, "group": group, "resource": plural, "namespace": where}},
            }
            for verb, group, plural, where in asked
        ]
        options = ("--validate=false", "--output", "json", "--filename", "-")
        answers = manifests.parse(self.run("create", *options, stdin=manifests.listed(reviews)))
        return [
            action
            for action, answer in zip(asked, answers, strict=True)
            if not answer.get("status", {}).get("allowed", False)
        ]


def _decoded(text: str) -> str:
    import base64  # noqa: PLC0415
    import binascii  # noqa: PLC0415

    try:
        return base64.b64decode(text, validate=True).decode(errors="replace")
    except binascii.Error:
        return ""
