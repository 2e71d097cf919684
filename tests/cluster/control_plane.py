"""A control plane on loopback: etcd, kube-apiserver and kube-controller-manager, in a folder of their own."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import requests
import yaml

from tests.cluster import building

ADMIN, READER = "admin-token", "reader-token"
ARGO = "argoproj.io/v1alpha1"
"""Argo CD's kinds have no status of their own: it is written with the rest."""
STARTS_WITHIN = 180
"""Seconds; only a control plane that never comes up takes them, and only what never happens."""


def _session() -> requests.Session:
    made = requests.Session()
    made.trust_env = False  # Tests change the environment, and threads would read it meanwhile.
    return made


@dataclass(frozen=True)
class ControlPlane:
    """A running control plane."""

    server: str
    authority: Path
    folder: Path
    session: requests.Session = field(default_factory=_session)
    kinds: dict[tuple[str, str], tuple[str, bool]] = field(default_factory=dict)
    """The plural of each kind that was asked for, and whether it has a namespace."""

    def request(self, method: str, path: str, body: object = None, *, token: str = ADMIN, patch: str = "") -> Answer:
        """Ask the API server; the body is JSON, or with `patch` an apply patch of that field manager."""
        kind = "application/apply-patch+yaml" if patch else "application/json"
        headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
        data = None if body is None else json.dumps(body)
        answer = self.session.request(
            method, self.server + path, data=data, headers=headers, verify=str(self.authority)
        )
        try:
            told = dict(answer.json())
        except ValueError:
            told = {"message": answer.text}
        return Answer(answer.status_code, told, answer.headers.get("Warning", ""))

    def apart(self) -> ControlPlane:
        """Return the same for another thread."""
        return replace(self, session=_session())

    def path(self, manifest: Mapping[str, Any]) -> str:
        """Return where an object is; raise KeyError where the API server does not know its kind."""
        version, kind = manifest["apiVersion"], manifest["kind"]
        if (version, kind) not in self.kinds:
            listed = self.request("GET", f"/apis/{version}" if "/" in version else f"/api/{version}").body
            for each in listed.get("resources", ()):
                if "/" not in each["name"]:
                    self.kinds[version, each["kind"]] = each["name"], each["namespaced"]
        plural, namespaced = self.kinds[version, kind]
        metadata = manifest["metadata"]
        where = f"/namespaces/{metadata.get('namespace', 'default')}" if namespaced else ""
        return f"/{'apis' if '/' in version else 'api'}/{version}{where}/{plural}/{metadata['name']}"

    def apply(self, *manifests: Mapping[str, Any]) -> None:
        """Apply objects, the status of each as well; raise AssertionError where one is refused."""
        for each in manifests:
            plain = {key: value for key, value in each.items() if key != "status" or each["apiVersion"] == ARGO}
            self._applied(self.path(each), plain)
            if "status" in each and each["apiVersion"] != ARGO:
                names = {name: each["metadata"][name] for name in ("name", "namespace") if name in each["metadata"]}
                head = {"apiVersion": each["apiVersion"], "kind": each["kind"], "metadata": names}
                self._applied(f"{self.path(each)}/status", {**head, "status": each["status"]})

    def _applied(self, path: str, body: object) -> None:
        answer = self.request("PATCH", f"{path}?fieldManager=test&force=true", body, patch="test")
        assert answer.code < 300, (path, answer.message)

    def get(self, api_version: str, kind: str, name: str, namespace: str = "default") -> dict[str, Any]:
        """Return an object; raise AssertionError where there is none."""
        named = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": namespace}}
        answer = self.request("GET", self.path(named))
        assert answer.code == 200, answer.message
        return answer.body

    def kubeconfig(self, token: str = ADMIN, context: str = "real") -> Path:
        """Write a kubeconfig with one context, and return it."""
        cluster = {"server": self.server, "certificate-authority": str(self.authority)}
        path = self.folder / f"{context}-{token}.yaml"
        entries = {
            "clusters": [{"name": context, "cluster": cluster}],
            "users": [{"name": context, "user": {"token": token}}],
            "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
        }
        path.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", "current-context": context, **entries}))
        return path


@dataclass(frozen=True)
class Answer:
    """What the API server said."""

    code: int
    body: dict[str, Any]
    warnings: str

    @property
    def message(self) -> str:
        """What is wrong, in the server's words."""
        return str(self.body.get("message", ""))


@contextlib.contextmanager
def running(folder: Path, *, controllers: bool = True) -> Iterator[ControlPlane]:
    """Start a control plane that keeps all it has in `folder`, and stop it."""
    programs = building.folder()
    if not (programs / "kube-apiserver").exists():
        raise AssertionError("The API server was not built. Run `make cluster` first: it takes minutes, once.")
    clients, peers, secure = free_ports(3)
    server, etcd = f"https://127.0.0.1:{secure}", f"http://127.0.0.1:{clients}"
    key = folder / "service-accounts.pem"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    tokens = folder / "tokens.csv"
    tokens.write_text(f"{ADMIN},admin,admin,system:masters\n{READER},reader,reader\n")
    with contextlib.ExitStack() as stack:
        for name, options in _commands(folder, etcd, peers, secure, key, tokens).items():
            if name == "kube-controller-manager":
                plane = ControlPlane(server, folder / "certificates/apiserver.crt", folder)
                _until(lambda plane=plane: plane.request("GET", "/readyz?verbose").code == 200, stack, folder)
                if not controllers:
                    break
                options = {**options, "kubeconfig": str(plane.kubeconfig())}  # noqa: PLW2901
            log = stack.enter_context((folder / f"{name}.log").open("wb"))
            command: list[str | Path] = [programs / name, *(f"--{each}={value}" for each, value in options.items())]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)
            stack.callback(ended, process)
        if controllers:
            account = "/api/v1/namespaces/default/serviceaccounts/default"
            _until(lambda: plane.request("GET", account).code == 200, stack, folder)
        yield plane


def _commands(  # noqa: PLR0917 - what the three programs share
    folder: Path, etcd: str, peers: int, secure: int, key: Path, tokens: Path
) -> Mapping[str, Mapping[str, object]]:
    peer = f"http://127.0.0.1:{peers}"
    return {
        "etcd": {
            "data-dir": folder / "etcd",
            "listen-client-urls": etcd,
            "advertise-client-urls": etcd,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"default={peer}",
            "unsafe-no-fsync": "true",
            "log-level": "warn",
        },
        "kube-apiserver": {
            "etcd-servers": etcd,
            "bind-address": "127.0.0.1",
            "secure-port": secure,
            "cert-dir": folder / "certificates",
            "service-cluster-ip-range": "10.96.0.0/16",
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": key,
            "service-account-signing-key-file": key,
            "authorization-mode": "RBAC",
            "token-auth-file": tokens,
            "allow-privileged": "true",
            "endpoint-reconciler-type": "none",
        },
        "kube-controller-manager": {
            "service-account-private-key-file": key,
            "use-service-account-credentials": "true",
            "leader-elect": "false",
            "secure-port": "0",
        },
    }


def until(holds: Callable[[], object], what: str) -> None:
    """Wait until something holds; raise AssertionError where it never does."""
    end = time.monotonic() + STARTS_WITHIN
    while not holds():
        assert time.monotonic() < end, f"It never came to that: {what}."
        time.sleep(0.2)


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _until(holds: Any, stack: contextlib.ExitStack, folder: Path) -> None:
    end = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < end:
        with contextlib.suppress(OSError, requests.RequestException):
            if holds():
                return
        time.sleep(0.2)
    logs = "".join(f"\n{each.name}:\n{each.read_text(errors='replace')[-2000:]}" for each in folder.glob("*.log"))
    raise AssertionError(f"The control plane did not come up.{logs}")


def ended(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
