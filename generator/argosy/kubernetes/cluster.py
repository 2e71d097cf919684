"""What a cluster tells through kubectl: each thing is asked once, and a refusal is kept as the answer that it is."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar, cast

from argosy.documents.fields import field as at
from argosy.documents.fields import text
from argosy.errors import ToolError, UsageError
from argosy.kubernetes import kubectl
from argosy.kubernetes.kubectl import KubectlError

T = TypeVar("T")
Object = Mapping[str, Any]
APPLICATIONS = "applications.argoproj.io"
PROJECTS = "appprojects.argoproj.io"
APPLICATION_SETS = "applicationsets.argoproj.io"


class Reason(StrEnum):
    """Why a cluster does not tell something."""

    FORBIDDEN = "forbidden"
    ABSENT = "absent"
    OTHER = "other"


class RefusalError(ToolError):
    """Report what a cluster does not tell, and why; the hint may be a command."""

    def __init__(self, message: str, hint: str = "", reason: Reason = Reason.OTHER) -> None:
        super().__init__(message, hint)
        self.reason = reason


class Access(NamedTuple):
    """Something that is done to a resource."""

    verb: str
    group: str
    resource: str
    """The plural, such as deployments."""
    namespace: str
    """Empty for a resource without one."""


@dataclass
class Cluster:
    """A cluster, as one of the kubeconfig's contexts leads to it; every method raises ToolError where it is refused."""

    context: str
    """Empty: the current one."""
    namespace: str = "argocd"
    """Where Argo CD runs."""
    _answers: dict[object, Any] = field(default_factory=dict)
    _locks: dict[object, threading.Lock] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def kubectl(self, namespace: str = "") -> str:
        """Return how to call kubectl to ask the same cluster."""
        options = (("context", self.context), ("namespace", namespace))
        return " ".join(("kubectl", *(f"--{name} {value}" for name, value in options if value)))

    def check(self) -> None:
        """Raise UsageError unless the kubeconfig has the context."""
        try:
            self.server()
        except RefusalError as error:
            message = (
                f"The kubeconfig has no context “{self.context}”." if self.context else "No cluster is configured."
            )
            hint = "`kubectl config get-contexts` lists those that there are: name one with --context."
            raise UsageError(message, hint) from error

    def server(self) -> str:
        """Return the URL under which the context reaches the cluster."""
        form = "--output=jsonpath={.clusters[0].cluster.server}"
        return self._once("server", lambda: self._run("config", "view", "--minify", form).strip())

    def prefetch(self, namespaces: Iterable[str]) -> None:
        """Ask for what checks will want, all at once; a refusal is told to whoever wants it."""
        asked: list[Callable[[], object]] = [self.applications, self.projects, self.kinds, self.namespaces]
        asked += [self.settings, self.secret_keys, self.pods, self.application_sets]
        asked += [lambda: self.quotas(()), lambda: self.warnings(())]
        with ThreadPoolExecutor(max_workers=6) as pool:
            list(pool.map(_without_refusal, asked))
            wanted = [(this, (each,)) for each in namespaces for this in (self.quotas, self.warnings)]
            list(pool.map(lambda pair: _without_refusal(lambda: pair[0](pair[1])), wanted))

    # Argo CD

    def applications(self) -> Mapping[tuple[str, str], Object]:
        """Return the Applications by namespace and name."""
        return {_named(each): each for each in self._listed(APPLICATIONS)}

    def projects(self) -> Mapping[tuple[str, str], Object]:
        """Return the AppProjects by namespace and name."""
        return {_named(each): each for each in self._listed(PROJECTS)}

    def application_sets(self) -> Mapping[tuple[str, str], Object]:
        """Return the ApplicationSets by namespace and name."""
        return {_named(each): each for each in self._listed(APPLICATION_SETS)}

    def settings(self) -> Mapping[str, str]:
        """Return the settings in argocd-cm, none where it is not there."""
        found = self._one("configmap", "argocd-cm")
        data = found.get("data") if found else None
        return {str(key): str(value) for key, value in data.items()} if isinstance(data, dict) else {}

    def secret_keys(self) -> frozenset[str] | None:
        """Return the keys of argocd-secret, of which no value is looked at; None where it is not there."""
        form = '--output=go-template={{range $key, $_ := .data}}{{$key}}{{"\\n"}}{{end}}'
        arguments = ("get", "secret", "argocd-secret", "--namespace", self.namespace)
        try:
            return self._once("keys", lambda: frozenset(self._run(*arguments, form).split()))
        except RefusalError as error:
            if error.reason is Reason.ABSENT:
                return None
            raise

    def pods(self) -> Sequence[Object]:
        """Return the pods of Argo CD's namespace."""
        return self._listed("pods", self.namespace)

    def running(self) -> str:
        """Return the version of Argo CD that its pods run, such as 3.5.1; nothing where their image does not say."""
        for each in self.pods():
            for container in at(each, "spec", "containers") or ():
                if found := re.search(r"/argocd:v?(\d+\.\d+\.\d+)", text(at(container, "image"))):
                    return found[1]
        return ""

    # What is deployed to

    def version(self) -> str:
        """Return the version of Kubernetes that the cluster runs, such as v1.36.2."""
        printed = self._once("version", lambda: self._run("version", "--output=json"))
        return text(at(json.loads(printed), "serverVersion", "gitVersion"))

    def namespaces(self) -> Mapping[str, Object]:
        """Return the namespaces by name."""
        return {_named(each)[1]: each for each in self._listed("namespaces")}

    def quotas(self, namespaces: Collection[str]) -> Sequence[Object]:
        """Return the ResourceQuotas of namespaces."""
        return self._within("resourcequotas", namespaces)

    def warnings(self, namespaces: Collection[str]) -> Sequence[Object]:
        """Return the events of namespaces that warn, as long as the cluster keeps them."""
        return self._within("events", namespaces, "--field-selector=type=Warning")

    def kinds(self) -> Mapping[tuple[str, str], str]:
        """Return the plural of each kind that the cluster knows, by group and kind."""

        def read() -> Mapping[tuple[str, str], str]:
            # Where the API of one group does not answer, kubectl lists the others, and fails.
            rows = (line.split() for line in self._run("api-resources", "--no-headers", partial=True).splitlines())
            return {(_group(row[-3]), row[-1]): row[0] for row in rows if len(row) >= 4}

        return self._once("kinds", read)

    def permitted(self, asked: Sequence[Access], user: str) -> Mapping[Access, bool]:
        """Return what a user may do, as `kubectl auth can-i --as` tells it, in one process for all."""
        if not asked:
            return {}
        return self._once((user, tuple(asked)), lambda: dict(self._reviews(asked, user)))

    def _reviews(self, asked: Sequence[Access], user: str) -> Iterator[tuple[Access, bool]]:
        items = [
            {
                **{"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"},
                "spec": {"resourceAttributes": {key: value for key, value in each._asdict().items() if value}},
            }
            for each in asked
        ]
        body = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        options = ("--validate=false", "--output=json", f"--as={user}")
        printed = self._run("create", "--filename=-", *options, stdin=body)
        for review in _documents(printed):
            attributes = at(review, "spec", "resourceAttributes") or {}
            access = Access(*(text(attributes.get(name)) for name in Access._fields))
            yield access, at(review, "status", "allowed") is True

    # Asking

    def _within(self, resource: str, namespaces: Collection[str], *options: str) -> Sequence[Object]:
        """Return the objects of namespaces: asked for at once where that is permitted, else namespace by namespace."""
        try:
            everywhere = self._listed(resource, "", *options)
        except RefusalError as error:
            if error.reason is not Reason.FORBIDDEN or not namespaces:
                raise
            return [each for namespace in namespaces for each in self._listed(resource, namespace, *options)]
        return [each for each in everywhere if not namespaces or _named(each)[0] in namespaces]

    def _listed(self, resource: str, namespace: str = "", *options: str) -> Sequence[Object]:
        where = ("--namespace", namespace) if namespace else ("--all-namespaces",)

        def read() -> Sequence[Object]:
            printed = self._run("get", resource, *where, *options, "--output=json")
            items = json.loads(printed).get("items")
            return [each for each in items if isinstance(each, dict)] if isinstance(items, list) else []

        return self._once((resource, namespace), read)

    def _one(self, resource: str, name: str) -> Object | None:
        def read() -> Object | None:
            arguments = ("get", resource, name, "--namespace", self.namespace, "--ignore-not-found", "--output=json")
            printed = self._run(*arguments)
            return json.loads(printed) if printed.strip() else None

        return self._once((resource, self.namespace, name), read)

    def _run(self, *arguments: str, stdin: str | None = None, partial: bool = False) -> str:
        try:
            return kubectl.run(*arguments, context=self.context, stdin=stdin, partial=partial)
        except KubectlError as error:
            raise _explained(error, arguments) from error

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
                    self._answers[key] = ToolError("kubectl's answer is not the JSON that it was asked for.")
        answer = self._answers[key]
        if isinstance(answer, ToolError):
            raise answer
        return cast(T, answer)


def _explained(error: KubectlError, arguments: Sequence[str]) -> RefusalError:
    """Return a refusal with what is missing, and how to ask for it."""
    said, resource = error.message, arguments[1]
    if "cannot impersonate" in said:
        message = "You may not impersonate Argo CD's service account, so what it may do is not seen."
        return RefusalError(message, "kubectl auth can-i impersonate serviceaccounts", Reason.FORBIDDEN)
    if "(Forbidden)" in said:
        named = len(arguments) > 2 and not arguments[2].startswith("-")
        verb, what = ("get", f"{resource}/{arguments[2]}") if named else ("list", resource)
        namespace = arguments[arguments.index("--namespace") + 1] if "--namespace" in arguments else ""
        where = f" in the namespace {namespace}" if namespace else " in all namespaces"
        scope = f" --namespace {namespace}" if namespace else " --all-namespaces"
        message = f"You may not {verb} {what}{where}, so nothing of it is seen."
        return RefusalError(message, f"kubectl auth can-i {verb} {what}{scope}", Reason.FORBIDDEN)
    if "doesn't have a resource type" in said:
        message = (
            f"The cluster knows no {resource}: Argo CD is not installed there, or it is another cluster's context."
        )
        return RefusalError(message, "argosy bootstrap")
    return RefusalError(error.message, error.hint, Reason.ABSENT if "(NotFound)" in said else Reason.OTHER)


def _without_refusal(ask: Callable[[], object]) -> None:
    try:
        ask()
    except ToolError:
        return


def _named(data: Object) -> tuple[str, str]:
    return text(at(data, "metadata", "namespace")), text(at(data, "metadata", "name"))


def _group(api_version: str) -> str:
    group, slash, _ = api_version.partition("/")
    return group if slash else ""


def _documents(printed: str) -> Iterator[Object]:
    """Yield the JSON documents that kubectl prints one after the other."""
    decoder, place = json.JSONDecoder(), 0
    while place < len(printed):
        found, end = decoder.raw_decode(printed, place)
        if isinstance(found, dict):
            yield from found.get("items", []) if found.get("kind") == "List" else [found]
        while end < len(printed) and printed[end].isspace():
            end += 1
        place = end
