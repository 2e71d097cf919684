"""A server on loopback that answers kubectl as Kubernetes' API does: discovery, lists, reviews, and refusals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.loopback import listening
from tests.upstream.releases import pinned

Object = dict[str, Any]
ARGO = "argoproj.io/v1alpha1"
CONTROLLER = "system:serviceaccount:argocd:argocd-application-controller"
_KINDS = """
v1 namespaces Namespace -
v1 pods Pod namespaced
v1 services Service namespaced
v1 serviceaccounts ServiceAccount namespaced
v1 configmaps ConfigMap namespaced
v1 secrets Secret namespaced
v1 events Event namespaced
v1 resourcequotas ResourceQuota namespaced
apps/v1 deployments Deployment namespaced
networking.k8s.io/v1 networkpolicies NetworkPolicy namespaced
policy/v1 poddisruptionbudgets PodDisruptionBudget namespaced
argoproj.io/v1alpha1 applications Application namespaced
argoproj.io/v1alpha1 applicationsets ApplicationSet namespaced
argoproj.io/v1alpha1 appprojects AppProject namespaced
authorization.k8s.io/v1 selfsubjectaccessreviews SelfSubjectAccessReview -
"""


@dataclass
class Api:
    """What the cluster has, and whom it refuses what."""

    objects: list[Object] = field(default_factory=list)
    without: set[str] = field(default_factory=set)
    """The plurals that the cluster does not know."""
    forbidden: set[tuple[str, str]] = field(default_factory=set)
    """Plurals that nobody may list, each with a namespace, or "" for everywhere at once."""
    denied: set[tuple[str, str, str]] = field(default_factory=set)
    """What Argo CD may not do: verb, plural, namespace."""
    may_impersonate: bool = True
    kubernetes: str = "1.37"
    asked: list[tuple[str, str]] = field(default_factory=list)
    """The method and the path of each request."""
    reviewed: set[str] = field(default_factory=set)
    """Whose rights were asked for."""

    @property
    def kinds(self) -> list[list[str]]:
        """Return group and version, plural, kind and scope of what the cluster knows."""
        rows = [line.split() for line in _KINDS.strip().splitlines()]
        return [row for row in rows if row[1] not in self.without]

    def get(self, url: str) -> Object:
        """Answer a GET."""
        parts = urlsplit(url)
        path = parts.path.strip("/").split("/")
        if path == ["version"]:
            return {"major": "1", "minor": self.kubernetes.partition(".")[2], "gitVersion": f"v{self.kubernetes}.0"}
        if path == ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"]}
        if path == ["apis"]:
            return self._groups()
        version = "/".join(path[1:2] if path[0] == "api" else path[1:3])
        rest = path[2:] if path[0] == "api" else path[3:]
        if not rest:
            return self._resources(version)
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        query = parse_qs(parts.query)
        selected, labelled = (query.get(each, [""])[0] for each in ("fieldSelector", "labelSelector"))
        return self._objects(version, namespace, *rest, selected=selected, labelled=labelled)

    def _groups(self) -> Object:
        names = dict.fromkeys(row[0] for row in self.kinds if "/" in row[0])
        groups = []
        for each in names:
            version = {"groupVersion": each, "version": each.partition("/")[2]}
            groups.append({"name": each.partition("/")[0], "versions": [version], "preferredVersion": version})
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}

    def _resources(self, version: str) -> Object:
        resources = [
            {
                **{"name": plural, "singularName": kind.lower(), "kind": kind, "namespaced": scope == "namespaced"},
                "verbs": ["create"] if kind.endswith("Review") else ["create", "get", "list", "patch", "delete"],
            }
            for group, plural, kind, scope in self.kinds
            if group == version
        ]
        return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources}

    def _objects(
        self, version: str, namespace: str, plural: str, name: str = "", *, selected: str, labelled: str
    ) -> Object:
        kind = next((row[2] for row in self.kinds if row[:2] == [version, plural]), "")
        if not kind:
            return status(404, "NotFound", "the server could not find the requested resource")
        if (plural, namespace) in self.forbidden:
            group = version.rpartition("/")[0].partition("/")[0]
            where = f' in the namespace "{namespace}"' if namespace else " at the cluster scope"
            told = f'{plural} is forbidden: User "ada" cannot list resource "{plural}" in API group "{group}"{where}'
            return status(403, "Forbidden", told)
        found = [
            each
            for each in self.objects
            if (each["apiVersion"], each["kind"]) == (version, kind)
            and namespace in {"", each["metadata"].get("namespace", "")}
            and name in {"", each["metadata"]["name"]}
            and (not selected or selected == f"type={each.get('type')}")
            and (not labelled or labelled in each["metadata"].get("labels", {}))
        ]
        if name:
            return found[0] if found else status(404, "NotFound", f'{plural} "{name}" not found')
        return {"kind": f"{kind}List", "apiVersion": version, "metadata": {}, "items": found}

    def post(self, url: str, body: Object, user: str) -> Object:
        """Answer a POST, of which there are only reviews."""
        if not urlsplit(url).path.endswith("/selfsubjectaccessreviews"):
            return status(405, "MethodNotAllowed", "nothing is created here")
        attributes = body["spec"]["resourceAttributes"]
        access = (attributes["verb"], attributes["resource"], attributes.get("namespace", ""))
        self.reviewed.add(user)
        return {**body, "status": {"allowed": access not in self.denied}}


def status(code: int, reason: str, message: str) -> Object:
    """Return a refusal as the API server words it."""
    head: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return {**head, "reason": reason, "code": code, "message": message}


@contextmanager
def serving(api: Api) -> Iterator[str]:
    """Yield the URL under which a cluster answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(lambda: api.get(self.path))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer(lambda: api.post(self.path, body, self.headers.get("Impersonate-User", "")), 201)

        def _answer(self, answer: Any, code: int = 200) -> None:
            api.asked.append((self.command, self.path.partition("?")[0]))
            found = answer()
            if self.headers.get("Impersonate-User") and not api.may_impersonate:
                told = 'serviceaccounts "x" is forbidden: User "ada" cannot impersonate resource "serviceaccounts"'
                found = status(403, "Forbidden", told)
            body = json.dumps(found).encode()
            self.send_response(found["code"] if found.get("kind") == "Status" else code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Say nothing."""

    with listening(Handler) as url:
        yield url


def made(api_version: str, kind: str, name: str, namespace: str = "", **fields: Any) -> Object:
    """Return an object; `metadata` adds to its metadata."""
    own = {"name": name, **({"namespace": namespace} if namespace else {}), **fields.pop("metadata", {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": own, **fields}


def pod(name: str, *, ready: bool = True, restarts: int = 0, reason: str = "", **spec: Any) -> Object:
    """Return one of Argo CD's pods."""
    container = {"restartCount": restarts, "state": {"waiting": {"reason": reason}} if reason else {"running": {}}}
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return made(
        *("v1", "Pod", f"{name}-0", "argocd"),
        metadata={"labels": {"app.kubernetes.io/name": name}},
        spec={"containers": [{"image": f"quay.io/argoproj/argocd:{pinned()}"}], **spec},
        status={"conditions": conditions, "containerStatuses": [container]},
    )


def argocd(**settings: str) -> list[Object]:
    """Return an Argo CD that runs, with settings in its argocd-cm."""
    names = ("argocd-repo-server", "argocd-application-controller", "argocd-applicationset-controller")
    secret = {"webhook.github.secret": "c2VjcmV0", "server.secretkey": "c2VjcmV0"}
    return [
        made("v1", "Namespace", "argocd", status={"phase": "Active"}),
        made("v1", "ConfigMap", "argocd-cm", "argocd", data={"url": "https://argocd.example.com", **settings}),
        made("v1", "Secret", "argocd-secret", "argocd", data=secret),
        *map(pod, names),
    ]
