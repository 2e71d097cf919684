"""A server on loopback that answers kubectl as Kubernetes' API does, and remembers what was applied.

Discovery, OpenAPI, server-side apply with dry runs, lists with label selectors, access reviews; and what a cluster's
controllers make of it: definitions become established, workloads ready, Applications synced.
"""

from __future__ import annotations

import copy
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from tests.loopback import listening

Object = dict[str, Any]


class Resource(NamedTuple):
    """A kind of objects."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """The group and the version, as manifests have them."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def base(self) -> str:
        """The path below which its group and version are."""
        return f"/apis/{self.api_version}" if self.group else f"/api/{self.version}"


_RBAC = "rbac.authorization.k8s.io"
BUILT_IN = (
    Resource("", "v1", "namespaces", "Namespace", namespaced=False),
    Resource("", "v1", "configmaps", "ConfigMap"),
    Resource("", "v1", "events", "Event"),
    Resource("", "v1", "pods", "Pod"),
    Resource("", "v1", "resourcequotas", "ResourceQuota"),
    Resource("", "v1", "secrets", "Secret"),
    Resource("", "v1", "services", "Service"),
    Resource("", "v1", "serviceaccounts", "ServiceAccount"),
    Resource("apps", "v1", "daemonsets", "DaemonSet"),
    Resource("apps", "v1", "deployments", "Deployment"),
    Resource("apps", "v1", "statefulsets", "StatefulSet"),
    Resource("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy"),
    Resource("storage.k8s.io", "v1", "storageclasses", "StorageClass", namespaced=False),
    Resource(_RBAC, "v1", "clusterroles", "ClusterRole", namespaced=False),
    Resource(_RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False),
    Resource(_RBAC, "v1", "roles", "Role"),
    Resource(_RBAC, "v1", "rolebindings", "RoleBinding"),
    Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False),
    Resource("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", namespaced=False),
)
SYNCED: Object = {"sync": {"status": "Synced"}, "health": {"status": "Healthy"}}
_SCALE = {
    "singularName": "",
    "namespaced": True,
    "group": "autoscaling",
    "version": "v1",
    "kind": "Scale",
    "verbs": ["get", "patch"],
}
_READY = {
    "Deployment": ("replicas", "updatedReplicas", "availableReplicas", "readyReplicas"),
    "StatefulSet": ("replicas", "updatedReplicas", "readyReplicas"),
    "DaemonSet": ("desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable"),
}


class RefusalError(Exception):
    """An answer that is no success."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason = code, reason


class Exchange(NamedTuple):
    """A request, and what the server answered."""

    method: str
    target: str
    body: str
    """JSON, empty where there is none."""
    code: int
    answer: str


@dataclass
class ApiServer:
    """A cluster: what is in it, what goes wrong in it, and what was asked of it."""

    url: str = ""
    version: str = "v1.37.1"
    objects: dict[tuple[str, str, str], Object] = field(default_factory=dict)
    """By plural, namespace and name."""
    forbidden: set[tuple[str, str]] = field(default_factory=set)
    """Verbs with plurals that end in 403, although a review allows them."""
    denied: set[tuple[str, str]] = field(default_factory=set)
    """Verbs with plurals that a review denies; `("*", "*")` for being an administrator."""
    never_established: set[str] = field(default_factory=set)
    never_ready: Mapping[str, Object] = field(default_factory=dict)
    """Workloads by name, with the status of their Pod."""
    application: Object = field(default_factory=lambda: dict(SYNCED))
    """The status that Argo CD gives to Applications."""
    written: list[str] = field(default_factory=list)
    """What was changed: `PATCH deployments/argocd-server`."""
    on_write: Callable[[str], None] = lambda _: None
    lock: Any = field(default_factory=threading.RLock)
    counter: int = 0
    heard: list[Exchange] = field(default_factory=list)

    def resources(self) -> list[Resource]:
        """Return the kinds that there are, with those of definitions."""
        defined = [each["spec"] for key, each in self.objects.items() if key[0] == "customresourcedefinitions"]
        return [
            *BUILT_IN,
            *(
                Resource(
                    spec["group"],
                    one["name"],
                    spec["names"]["plural"],
                    spec["names"]["kind"],
                    spec["scope"] == "Namespaced",
                )
                for spec in defined
                for one in spec["versions"]
            ),
        ]

    def get(self, plural: str, name: str, namespace: str = "argocd") -> Object:
        """Return an object."""
        return self.objects[plural, namespace, name]

    def told(self, method: str, target: str, body: str) -> Exchange:
        """Answer a request, whether or not it is granted."""
        code = 200
        try:
            with self.lock:
                answer = self.answer(method, target, json.loads(body) if body else None)
                # Who watches is told of no change, and that this was all.
                written = "" if "watch" in parse_qs(urlsplit(target).query) else json.dumps(answer)
        except RefusalError as refused:
            code = refused.code
            status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code}
            written = json.dumps({**status, "reason": refused.reason, "message": str(refused)})
        return Exchange(method, target, body, code, written)

    def answer(self, method: str, target: str, body: Object | None) -> Object:
        """Answer a request; raise RefusalError."""
        parts = urlsplit(target)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if method == "GET" and (known := self._about(parts.path)) is not None:
            return known
        of_scale, of_log = (parts.path.endswith(each) for each in ("/scale", "/log"))
        path = parts.path.rpartition("/")[0] if of_scale or of_log else parts.path
        resource, namespace, name = self._resolved(path)
        verb = {"GET": "get" if name else "list", "PATCH": "patch", "POST": "create", "DELETE": "delete"}[method]
        if (verb, resource.plural) in self.forbidden:
            place = f' in the namespace "{namespace}"' if namespace else ""
            raise RefusalError(
                403,
                "Forbidden",
                f'{resource.plural}.{resource.group} "{name}" is forbidden: User "ada" cannot {verb} resource '
                f'"{resource.plural}" in API group "{resource.group}"{place}',
            )
        if resource.kind == "SelfSubjectAccessReview":
            return self._reviewed(body or {})
        if of_scale:
            return self._scaled(resource, namespace, name, body)
        if method == "GET":
            return self._read(resource, namespace, name, query)
        if method == "DELETE":
            return self._deleted(resource, namespace, name)
        if method == "POST":
            name = str((body or {})["metadata"]["name"])
            if (resource.plural, namespace, name) in self.objects:
                raise RefusalError(409, "AlreadyExists", f'{resource.plural} "{name}" already exists')
        return self._applied(resource, namespace, name, body or {}, query)

    def _about(self, path: str) -> Object | None:
        """Answer what is asked of the server itself rather than of its objects; None where nothing is."""
        groups: dict[str, list[Resource]] = {}
        for each in self.resources():
            groups.setdefault(each.base, []).append(each)
        major, minor = self.version.removeprefix("v").split(".")[:2]
        urls = {each[1:]: {"serverRelativeURL": f"/openapi/v3{each}?hash={len(groups)}"} for each in groups}
        known: dict[str, Object] = {
            "/readyz": {},
            "/version": {"major": major, "minor": minor, "gitVersion": self.version, "platform": "linux/amd64"},
            "/api": {"kind": "APIVersions", "versions": ["v1"]},
            "/apis": self._groups(),
            "/openapi/v3": {"paths": urls},
            **{f"/openapi/v3{base}": _openapi(each) for base, each in groups.items()},
            **{
                base: {
                    **{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": each[0].api_version},
                    "resources": [
                        *map(_discovered, each),
                        *(_SCALE | {"name": f"{one.plural}/scale"} for one in each if one.kind in _READY),
                    ],
                }
                for base, each in groups.items()
            },
        }
        return known.get(path)

    def _groups(self) -> Object:
        versions = {each.group: each.version for each in self.resources() if each.group}
        preferred = {group: {"groupVersion": f"{group}/{one}", "version": one} for group, one in versions.items()}
        listed = [{"name": group, "versions": [one], "preferredVersion": one} for group, one in preferred.items()]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}

    def _resolved(self, path: str) -> tuple[Resource, str, str]:
        found = re.fullmatch(
            r"(?P<base>/api/v1|/apis/[^/]+/[^/]+)(?:/namespaces/(?P<namespace>[^/]+))?/(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?",
            path,
        )
        own = re.fullmatch(r"/api/v1/namespaces/([^/]+)", path)
        base, plural = ("/api/v1", "namespaces") if own else (found["base"], found["plural"]) if found else ("", "")
        for each in self.resources():
            if (each.base, each.plural) == (base, plural):
                named = own[1] if own else (found["name"] if found else "") or ""
                return each, "" if own or not found else found["namespace"] or "", named
        raise RefusalError(404, "NotFound", "the server could not find the requested resource")

    def _reviewed(self, review: Object) -> Object:
        attributes = review["spec"]["resourceAttributes"]
        verb, plural = attributes["verb"], attributes["resource"]
        denied = {(verb, plural), ("*", plural)} & self.denied if plural != "*" else {("*", "*")} & self.denied
        return {**review, "metadata": {}, "status": {"allowed": not denied}}

    def _read(self, resource: Resource, namespace: str, name: str, query: Mapping[str, str]) -> Object:
        if name:
            if (resource.plural, namespace, name) not in self.objects:
                raise RefusalError(404, "NotFound", f'{resource.plural} "{name}" not found')
            return self.objects[resource.plural, namespace, name]
        items = [
            each
            for (plural, where, _), each in sorted(self.objects.items())
            if plural == resource.plural
            and namespace in {"", where}
            and _selected(each["metadata"].get("labels", {}), query.get("labelSelector", ""))
            and _selected(_fields(each), query.get("fieldSelector", ""))
        ]
        listed = {"kind": f"{resource.kind}List", "apiVersion": resource.api_version, "metadata": {}}
        return {**listed, "items": items}

    def _applied(self, resource: Resource, namespace: str, name: str, body: Object, query: Mapping[str, str]) -> Object:
        if resource.namespaced and ("namespaces", "", namespace) not in self.objects:
            raise RefusalError(404, "NotFound", f'namespaces "{namespace}" not found')
        key = (resource.plural, namespace, name)
        before = self.objects.get(key)
        after: Object = _patched(before or {}, body) if isinstance(body, list) else _merged(before or {}, body)
        metadata = after.setdefault("metadata", {})
        if before is None:
            metadata |= {"uid": f"uid-{name}", "generation": 1}
        elif before.get("spec") != after.get("spec"):
            metadata["generation"] = before["metadata"]["generation"] + 1
        if after == before:
            return after
        if "dryRun" not in query:
            self.counter += 1
            metadata["resourceVersion"] = str(self.counter)
            self.written.append(f"PATCH {resource.plural}/{name}")
            self.on_write(self.written[-1])
            self.objects[key] = after
            self.settle(resource.kind, after)
        return after

    def _scaled(self, resource: Resource, namespace: str, name: str, body: Object | None) -> Object:
        """Return how many replicas a workload is to have, after a change of it if there is one."""
        if body:
            self._applied(resource, namespace, name, {"spec": {"replicas": body["spec"]["replicas"]}}, {})
        found = self._read(resource, namespace, name, {})
        return {
            **{"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {"name": name, "namespace": namespace}},
            "spec": {"replicas": found["spec"]["replicas"]},
        }

    def _deleted(self, resource: Resource, namespace: str, name: str) -> Object:
        found = self._read(resource, namespace, name, {})
        self.written.append(f"DELETE {resource.plural}/{name}")
        self.on_write(self.written[-1])
        if found["metadata"].get("finalizers"):
            found["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        else:
            del self.objects[resource.plural, namespace, name]
        return found

    def settle(self, kind: str, made: Object) -> None:
        """Do what the controllers of a cluster do."""
        name = made["metadata"]["name"]
        if kind == "CustomResourceDefinition":
            late = name in self.never_established
            condition = {"type": "Established", "status": "False" if late else "True"}
            told = {"reason": "NotAccepted", "message": "the names are taken"} if late else {}
            made["status"] = {"conditions": [{**condition, **told}]}
        elif kind in _READY:
            self._rolled_out(kind, name, made)
        elif kind == "Application":
            made["metadata"].get("annotations", {}).pop("argocd.argoproj.io/refresh", None)
            made["status"] = copy.deepcopy(self.application)

    def _rolled_out(self, kind: str, name: str, made: Object) -> None:
        key = ("pods", "argocd", f"{name}-0")
        stuck = self.never_ready.get(name)
        replicas = 0 if stuck is not None else made["spec"].get("replicas", 1)
        counts = dict.fromkeys(_READY[kind], replicas) | {"observedGeneration": made["metadata"]["generation"]}
        made["status"] = counts | {"desiredNumberScheduled": 1} if kind == "DaemonSet" else counts
        if stuck is None:
            self.objects.pop(key, None)
            return
        labels = made["spec"]["selector"]["matchLabels"]
        metadata = {"name": key[2], "namespace": "argocd", "labels": labels}
        if stuck:
            self.objects[key] = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": stuck}
        else:
            message = "exceeded quota: small"
            made["status"]["conditions"] = [{"type": "ReplicaFailure", "status": "True", "message": message}]


def _discovered(resource: Resource) -> Object:
    return {
        **{"name": resource.plural, "singularName": resource.kind.lower(), "namespaced": resource.namespaced},
        **{"kind": resource.kind, "verbs": ["create", "delete", "get", "list", "patch", "watch"]},
        **({"shortNames": ["cm"]} if resource.plural == "configmaps" else {}),
    }


def _openapi(resources: list[Resource]) -> Object:
    """Return what kubectl looks for: that the server checks fields itself."""
    parameters = [{"name": each, "in": "query", "schema": {"type": "string"}} for each in ("dryRun", "fieldValidation")]
    return {
        **{"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "v1.37.1"}},
        "paths": {
            f"{each.base}/{'namespaces/{namespace}/' if each.namespaced else ''}{each.plural}/{{name}}": {
                "patch": {
                    "x-kubernetes-group-version-kind": {
                        **{"group": each.group, "version": each.version, "kind": each.kind}
                    },
                    "parameters": parameters,
                    "responses": {},
                }
            }
            for each in resources
        },
    }


def _patched(before: Object, operations: list[Object]) -> Object:
    """Return an object with parts of it removed or replaced, as a JSON Patch says."""
    after = copy.deepcopy(before)
    for each in operations:
        *above, last = each["path"].strip("/").split("/")
        part = after
        for name in above:
            part = part[name]
        assert last in part
        assert each["op"] in {"remove", "replace"}
        if each["op"] == "remove":
            del part[last]
        else:
            part[last] = each["value"]
    return after


def _merged(before: Any, applied: Any) -> Any:
    if not (isinstance(before, dict) and isinstance(applied, dict)):
        return copy.deepcopy(applied)
    merged = copy.deepcopy(before)
    for key, value in applied.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(before.get(key), value)
    return merged


def _fields(item: Object, above: str = "") -> Object:
    """Return what a selector of fields asks for: each field by its path."""
    inner = (_fields(value, f"{above}{key}.") for key, value in item.items() if isinstance(value, dict))
    return {
        **{f"{above}{key}": value for key, value in item.items()},
        **dict(each for one in inner for each in one.items()),
    }


def _selected(held: Object, selector: str) -> bool:
    """Return whether labels or fields are as a selector says."""
    return all(
        held.get(key) == value if equals else key in held
        for key, equals, value in (each.partition("=") for each in filter(None, selector.split(",")))
    )


_MAGIC = b"k8s\0"
"""What bodies in protobuf begin with, as `kubectl create` sends them."""


def _read(body: bytes) -> Object:
    """Return what a body says: of one in protobuf, which kind of object it is, and its name."""
    if not body.startswith(_MAGIC):
        found: Object = json.loads(body)
        return found
    whole = _parts(body.removeprefix(_MAGIC))
    kind, metadata = _parts(whole[1]), _parts(_parts(whole[2])[1])
    named = {name: metadata.get(number, b"").decode() for name, number in (("name", 1), ("namespace", 3))}
    return {"apiVersion": kind[1].decode(), "kind": kind[2].decode(), "metadata": named}


def _parts(message: bytes) -> dict[int, bytes]:
    """Return the fields of a message that have a length, by their numbers."""
    found, place = {}, 0

    def number() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = message[place]
            place, value, shift = place + 1, value | (byte & 0x7F) << shift, shift + 7
            if byte < 0x80:
                return value

    while place < len(message):
        field, form = divmod(number(), 8)
        length = number()
        if form == 2:
            found[field], place = message[place : place + length], place + length
    return found


def _handler(cluster: ApiServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # Head and body leave together, or each answer waits for an acknowledgement of its head.

        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            told = cluster.told(self.command, self.path, json.dumps(_read(body)) if body else "")
            cluster.heard.append(told)
            written = told.answer.encode()
            self.send_response(told.code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(written)))
            self.end_headers()
            self.wfile.write(written)

        do_GET = do_PATCH = do_POST = do_DELETE = _handle  # noqa: N815

        def log_message(self, format: str, *arguments: Any) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def serving(cluster: ApiServer) -> Iterator[ApiServer]:
    """Have a cluster answer, until the block ends."""
    with listening(_handler(cluster)) as cluster.url:
        yield cluster
