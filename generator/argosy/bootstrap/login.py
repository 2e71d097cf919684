"""How a person gets into the Argo CD that was installed."""

from __future__ import annotations

from dataclasses import dataclass

from argosy.bootstrap.installation import Installation
from argosy.kubernetes.cluster import Cluster

_PASSWORD = "argocd-initial-admin-secret"


@dataclass(frozen=True, slots=True)
class Login:
    """The commands, each "" where it is of no use."""

    forward: str
    url: str
    user: str
    password: str
    forget: str
    """Deletes the first password, once it was changed."""


def of_existing(cluster: Cluster, server: str) -> Login:
    """Return how to reach the Argo CD that was there; how to log in, who installed it knows."""
    forward = cluster.command("port-forward", "--namespace", cluster.namespace, f"deployment/{server}", "8080:8080")
    return Login(forward, "https://localhost:8080", "", "", "") if server else Login("", "", "", "", "")


def of(cluster: Cluster, installed: Installation) -> Login:
    """Return how to log in; as admin, unless the installation has switched that off."""
    insecure = installed.setting("argocd-cmd-params-cm", "server.insecure") == "true"
    ports, scheme = ("8080:80", "http") if insecure else ("8080:443", "https")
    within = ("--namespace", cluster.namespace)
    forward = cluster.command("port-forward", *within, "service/argocd-server", ports)
    url = f"{scheme}://localhost:8080"
    if installed.setting("argocd-cm", "admin.enabled") == "false":
        return Login(forward, url, "", "", "")
    shown = cluster.command("get", "secret", _PASSWORD, *within, "--output", "jsonpath={.data.password}")
    return Login(
        forward, url, "admin", f"{shown} | base64 --decode", cluster.command("delete", "secret", _PASSWORD, *within)
    )
