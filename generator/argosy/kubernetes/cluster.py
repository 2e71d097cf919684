"""A cluster, asked and changed with kubectl. What does not change meanwhile is asked once; a refusal is kept too."""

from __future__ import annotations

import json
import re
import shlex
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeVar, cast

from argosy.documents.fields import field as at
from argosy.documents.fields import group_of, sequence, text
from argosy.errors import ToolError, UsageError
from argosy.kubernetes import kubectl, manifests
from argosy.kubernetes.kubectl import KubectlError, Reason
from argosy.kubernetes.manifests import Manifest, Reference

T = TypeVar("T")
NAMESPACE = "argocd"
"""Where Argo CD runs, unless something else is said."""
APPLICATIONS = "applications.argoproj.io"
PROJECTS = "appprojects.argoproj.io"
APPLICATION_SETS = "applicationsets.argoproj.io"


_SECRETS = (
    r'{range .items[*]}{.metadata.name}{"\t"}{.metadata.labels.argocd\.argoproj\.io/secret-type}{"\t"}{.data.url}'
    r'{"\t"}{.data.server}{"\t"}{.data.name}{"\t"}{.metadata.labels}{"\n"}{end}'
)
"""What argosy asks of Argo CD's Secrets, without their passwords."""
_APPLYING = 600
"""How many seconds many objects may take together."""


class Credential(NamedTuple):
    """What Argo CD logs in to something with, without that itself."""

    secret: str
    purpose: str
    url: str
    server: str
    name: str
    labels: Mapping[str, str]


class Access(NamedTuple):
    """Something that is done to a resource."""

    verb: str
    group: str
    resource: str
    """The plural, such as deployments."""
    namespace: str
    """Empty for a resource without one."""


class Kind(NamedTuple):
    """A kind that a cluster has."""

    plural: str
    namespaced: bool


@dataclass(eq=False)
class Cluster:
    """A cluster, as a context of the kubeconfig reaches it; every method raises ToolError where kubectl fails."""

    context: str
    """Empty: the current one."""
    namespace: str = NAMESPACE
    """Where Argo CD runs."""
    _answers: dict[object, Any] = field(default_factory=dict)
    _locks: dict[object, threading.Lock] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, context: str, namespace: str = NAMESPACE) -> Cluster:
        """Return the cluster of a context, "" for the one that is current now; raise UsageError where there is none."""
        cluster = cls(context)
        cluster.check()
        # By its name: somebody may switch to another context while argosy is at work.
        name, _ = cluster._configured()
        return cls(name, namespace, _answers=cluster._answers)

    def kubectl(self, namespace: str = "") -> str:
        """Return how to call kubectl to ask the same cluster."""
        options = (("context", self.context), ("namespace", namespace))
        return " ".join(("kubectl", *(f"--{name} {shlex.quote(value)}" for name, value in options if value)))

    def command(self, *arguments: str) -> str:
        """Return the kubectl command that a person would type."""
        return f"{self.kubectl()} {shlex.join(arguments)}"

    def check(self) -> None:
        """Raise UsageError unless the kubeconfig has the context."""
        try:
            self.server()
        except KubectlError as error:
            message = (
                f"The kubeconfig has no context “{self.context}”." if self.context else "No cluster is configured."
            )
            hint = "`kubectl config get-contexts` lists the contexts: name one with --context."
            raise UsageError(message, hint) from error

    def server(self) -> str:
        """Return the URL under which the context reaches the cluster."""
        _, server = self._configured()
        return server

    def _configured(self) -> tuple[str, str]:
        """Return the context's name and its cluster's URL."""

        def read() -> tuple[str, str]:
            form = "--output=jsonpath={.current-context}{'\\n'}{.clusters[0].cluster.server}"
            name, server = self._run("config", "view", "--minify", form).split("\n")
            return name, server.strip()

        return self._once("configured", read)

    def prefetch(self, namespaces: Iterable[str]) -> None:
        """Ask for what checks will want, all at once; who wants it then gets the answer or the refusal."""
        asked: list[Callable[[], object]] = [self.applications, self.projects, self.kinds, self.namespaces]
        asked += [self.settings, self.secret_keys, self.pods, self.application_sets]
        asked += [lambda: self.quotas(()), lambda: self.warnings(())]
        wanted: list[Callable[[], object]] = []
        with ThreadPoolExecutor(max_workers=6) as pool:
            list(pool.map(_without_refusal, asked))
            for each in namespaces:
                wanted += [partial(self.quotas, (each,)), partial(self.warnings, (each,)), partial(self.pods, each)]
            list(pool.map(_without_refusal, wanted))

    # Argo CD

    def applications(self) -> Mapping[tuple[str, str], Manifest]:
        """Return the Applications by namespace and name."""
        return {_named(each): each for each in self._listed(APPLICATIONS)}

    def projects(self) -> Mapping[tuple[str, str], Manifest]:
        """Return the AppProjects by namespace and name."""
        return {_named(each): each for each in self._listed(PROJECTS)}

    def application_sets(self) -> Mapping[tuple[str, str], Manifest]:
        """Return the ApplicationSets by namespace and name."""
        return {_named(each): each for each in self._listed(APPLICATION_SETS)}

    def settings(self, name: str = "argocd-cm") -> Mapping[str, str]:
        """Return the settings in argocd-cm, or another ConfigMap of Argo CD's; none where it is not there."""
        found = self._one("configmap", name)
        data = found.get("data") if found else None
        return {str(key): str(value) for key, value in data.items()} if isinstance(data, dict) else {}

    def secret_keys(self) -> frozenset[str] | None:
        """Return the keys of argocd-secret, of which no value is looked at; None where it is not there."""
        form = '--output=go-template={{range $key, $_ := .data}}{{$key}}{{"\\n"}}{{end}}'
        arguments = ("get", "secret", "argocd-secret", "--namespace", self.namespace)
        try:
            return self._once("keys", lambda: frozenset(self._run(*arguments, form).split()))
        except KubectlError as error:
            if error.reason is Reason.ABSENT:
                return None
            raise

    def pods(self, namespace: str = "") -> Sequence[Manifest]:
        """Return the pods of a namespace; by default those of Argo CD's."""
        return self._listed("pods", namespace or self.namespace)

    def running(self) -> str:
        """Return the version of Argo CD that its pods run, such as 3.5.1; nothing where their image does not say."""
        for each in self.pods():
            for container in sequence(at(each, "spec", "containers")):
                if found := re.search(r"/argocd:v?(\d+\.\d+\.\d+)", text(at(container, "image"))):
                    return found[1]
        return ""

    def secrets(self) -> Sequence[Credential]:
        """Return what Argo CD's Secrets of repositories and clusters are for."""

        def read() -> Sequence[Credential]:
            listed = self._run(
                *("get", "secrets", "--namespace", self.namespace, "--selector", "argocd.argoproj.io/secret-type"),
                *("--output", f"jsonpath={_SECRETS}"),
            )
            rows = (line.split("\t") for line in listed.splitlines())
            return [
                Credential(secret, purpose, _decoded(url), _decoded(server), _decoded(name), json.loads(labels or "{}"))
                for secret, purpose, url, server, name, labels in (row for row in rows if len(row) == 6)
            ]

        return self._once("secrets", read)

    # What is deployed to

    def versions(self) -> tuple[str, str]:
        """Return the versions of the cluster and of kubectl, such as `v1.36.2`; empty where one is not said."""
        printed = self._once("version", lambda: self._run("version", "--output=json"))
        answer = next(iter(manifests.documents(printed)), None)
        return text(at(answer, "serverVersion", "gitVersion")), text(at(answer, "clientVersion", "gitVersion"))

    def namespaces(self) -> Mapping[str, Manifest]:
        """Return the namespaces by name."""
        return {_named(each)[1]: each for each in self._listed("namespaces")}

    def quotas(self, namespaces: Collection[str]) -> Sequence[Manifest]:
        """Return the ResourceQuotas of namespaces."""
        return self._within("resourcequotas", namespaces)

    def warnings(self, namespaces: Collection[str]) -> Sequence[Manifest]:
        """Return the events of namespaces that warn, as long as the cluster keeps them."""
        return self._within("events", namespaces, "--field-selector=type=Warning")

    def kinds(self) -> Mapping[tuple[str, str], Kind]:
        """Return the kinds that the cluster has, by apiVersion and kind; asked again after `forget`."""

        def read() -> Mapping[tuple[str, str], Kind]:
            # An aggregated API that is down makes kubectl fail, after it has listed all others.
            rows = (line.split() for line in self._run("api-resources", "--no-headers", partial=True).splitlines())
            return {(row[-3], row[-1]): Kind(row[0], row[-2] == "true") for row in rows if len(row) >= 4}

        return self._once("kinds", read)

    def plurals(self) -> Mapping[tuple[str, str], str]:
        """Return the plural of each kind that the cluster has, by group and kind."""
        return {(group_of(version), kind): each.plural for (version, kind), each in self.kinds().items()}

    def knows(self, manifest: Manifest) -> bool:
        """Return whether the cluster has a manifest's kind."""
        return (manifest["apiVersion"], manifest["kind"]) in self.kinds()

    def forget(self) -> None:
        """Ask for the kinds again, since definitions were added."""
        with self._lock:
            self._answers.pop("kinds", None)

    def permitted(self, asked: Sequence[Access], user: str = "") -> Mapping[Access, bool]:
        """Return what somebody may do, by default the user of the context, as `kubectl auth can-i` says it."""

        def read() -> Mapping[Access, bool]:
            head = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
            attributes = [{key: value for key, value in each._asdict().items() if value} for each in asked]
            reviews = [{**head, "spec": {"resourceAttributes": each}} for each in attributes]
            options = ("--validate=false", "--output=json", *((f"--as={user}",) if user else ()))
            printed = self._run("create", "--filename=-", *options, stdin=manifests.listed(reviews))
            answers = manifests.parse(printed)
            return {each: at(answer, "status", "allowed") is True for each, answer in zip(asked, answers, strict=True)}

        return self._once((user, tuple(asked)), read) if asked else {}

    # Objects

    def get(self, *arguments: str) -> list[Manifest]:
        """Return the objects that `kubectl get` finds now."""
        return manifests.parse(self.run("get", *arguments, "--ignore-not-found", "--output", "json"))

    def present(self, wanted: Sequence[Manifest]) -> Mapping[Reference, Manifest]:
        """Return those of the objects that exist; none of a kind that the cluster does not have does."""
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

    def run(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl on the cluster."""
        return kubectl.run(*arguments, context=self.context, stdin=stdin, seconds=_APPLYING)

    # Asking

    def _within(self, resource: str, namespaces: Collection[str], *options: str) -> Sequence[Manifest]:
        """Return the objects of namespaces: asked for at once where that is permitted, else namespace by namespace."""
        try:
            everywhere = self._listed(resource, "", *options)
        except KubectlError as error:
            if error.reason is not Reason.FORBIDDEN or not namespaces:
                raise
            return [each for namespace in namespaces for each in self._listed(resource, namespace, *options)]
        return [each for each in everywhere if not namespaces or _named(each)[0] in namespaces]

    def _listed(self, resource: str, namespace: str = "", *options: str) -> Sequence[Manifest]:
        where = ("--namespace", namespace) if namespace else ("--all-namespaces",)

        def read() -> Sequence[Manifest]:
            printed = self._run("get", resource, *where, *options, "--output=json")
            return [
                each
                for document in manifests.documents(printed)
                for each in sequence(at(document, "items"))
                if isinstance(each, dict)
            ]

        return self._once((resource, namespace), read)

    def _one(self, resource: str, name: str) -> Manifest | None:
        def read() -> Manifest | None:
            arguments = ("get", resource, name, "--namespace", self.namespace, "--ignore-not-found", "--output=json")
            printed = self._run(*arguments)
            return next((each for each in manifests.documents(printed) if isinstance(each, dict)), None)

        return self._once((resource, self.namespace, name), read)

    def _run(self, *arguments: str, stdin: str | None = None, partial: bool = False) -> str:
        return kubectl.run(*arguments, context=self.context, stdin=stdin, partial=partial)

    def _once(self, key: object, read: Callable[[], T]) -> T:
        """Return what was read under a key, or raise what was raised then; others who want the same wait for it."""
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._answers:
                try:
                    self._answers[key] = read()
                except ToolError as error:
                    self._answers[key] = error
                except ValueError:
                    self._answers[key] = ToolError("kubectl returned an unexpected response (not JSON).")
        answer = self._answers[key]
        if isinstance(answer, ToolError):
            raise answer
        return cast(T, answer)


def _without_refusal(ask: Callable[[], object]) -> None:
    try:
        ask()
    except ToolError:
        return


def _named(data: Manifest) -> tuple[str, str]:
    return text(at(data, "metadata", "namespace")), text(at(data, "metadata", "name"))


def _decoded(text: str) -> str:
    import base64  # noqa: PLC0415
    import binascii  # noqa: PLC0415

    try:
        return base64.b64decode(text, validate=True).decode(errors="replace")
    except binascii.Error:
        return ""
