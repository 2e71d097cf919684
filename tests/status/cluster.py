"""A server on loopback that answers kubectl as Kubernetes' API does, with Argo CD's Applications in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from tests.loopback import listening

GROUP = "argoproj.io/v1alpha1"
_CORE = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "v1", "resources": []}
_VERSION = {"groupVersion": GROUP, "version": "v1alpha1"}
_GROUPS = [{"name": "argoproj.io", "versions": [_VERSION], "preferredVersion": _VERSION}]
_APPLICATIONS = {
    **{"name": "applications", "singularName": "application", "namespaced": True, "kind": "Application"},
    "verbs": ["get", "list"],
}


def application(name: str, *, namespace: str = "argocd", sync: str = "Synced", **more: Any) -> dict[str, Any]:
    """Return an Application as a cluster has it; `health`, `revision` and other parts of its status by their name."""
    health, revision = more.pop("health", "Healthy"), more.pop("revision", "0123456789abcdef")
    spec = more.pop("spec", {})
    status = {"sync": {"status": sync, "revision": revision}, "health": {"status": health}, **more}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": GROUP, "kind": "Application", "metadata": metadata, "spec": spec, "status": status}


@contextmanager
def serving(applications: Sequence[Any] | None = (), *, refused: bool = False) -> Iterator[str]:
    """Yield the URL of a cluster; with None, it knows no Applications, and `refused` lets nobody list them."""
    listed = {"kind": "ApplicationList", "apiVersion": GROUP, "metadata": {}, "items": list(applications or ())}
    denied = {
        **{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403},
        "message": 'applications.argoproj.io is forbidden: User "ada" cannot list resource "applications"',
    }
    answers: dict[str, Any] = {
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/api/v1": _CORE,
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [] if applications is None else _GROUPS},
        f"/apis/{GROUP}": {"kind": "APIResourceList", "groupVersion": GROUP, "resources": [_APPLICATIONS]},
        f"/apis/{GROUP}/applications": denied if refused else listed,
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = answers.get(self.path.partition("?")[0])
            body = json.dumps(found or {"kind": "Status", "code": 404}).encode()
            self.send_response(found.get("code", 200) if found else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Say nothing."""

    with listening(Handler) as url:
        yield url


def kubeconfig(path: Path, url: str, context: str = "test", current: str = "test") -> Path:
    """Write a kubeconfig with one context, and return its path."""
    content = {
        **{"apiVersion": "v1", "kind": "Config", "current-context": current},
        "clusters": [{"name": "here", "cluster": {"server": url}}],
        "users": [{"name": "ada", "user": {}}],
        "contexts": [{"name": context, "context": {"cluster": "here", "user": "ada"}}],
    }
    path.write_text(json.dumps(content))
    return path
