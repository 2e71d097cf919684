"""Argo CD's controllers as processes, beside a control plane, and what they say of Applications."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from argosy.kubernetes import kubectl
from tests.cluster import kubelet
from tests.cluster.argocd import building
from tests.cluster.argocd.building import Programs
from tests.cluster.control_plane import ControlPlane, ended, free_ports

NAMESPACE = "argocd"
REFRESH = "argocd.argoproj.io/refresh"
_API = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}"
_WITHIN = 180
"""Seconds, after which what is waited for is given up; only what never comes takes them."""


@dataclass(frozen=True)
class ArgoCD:
    """A running Argo CD, which keeps what it has in a cluster and in a folder."""

    plane: ControlPlane
    folder: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """Run kubectl as an administrator, and return what it prints."""
        command = [kubectl.find(), f"--kubeconfig={self.plane.kubeconfig()}", *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def apply(self, manifests: Iterable[Mapping[str, Any]]) -> None:
        """Apply manifests to Argo CD's namespace, as `argosy bootstrap` does."""
        text = yaml.safe_dump_all(manifests)
        options = ("--server-side", "--force-conflicts", f"--namespace={NAMESPACE}", "--filename=-")
        self.kubectl("apply", *options, stdin=text)

    def listed(self, kind: str = "applications") -> dict[str, dict[str, Any]]:
        """Return the objects of one of Argo CD's kinds, by name."""
        answer = self.plane.request("GET", f"{_API}/{kind}")
        assert answer.code == 200, answer.message
        return {each["metadata"]["name"]: each for each in answer.body["items"]}

    def refresh(self) -> None:
        """Have Argo CD look at Git now, as a webhook would."""
        for kind, key, value in (
            ("applicationsets", "argocd.argoproj.io/application-set-refresh", "true"),
            ("applications", REFRESH, "normal"),
        ):
            for name in self.listed(kind):
                try:
                    self.kubectl("annotate", "--overwrite", f"--namespace={NAMESPACE}", kind, name, f"{key}={value}")
                except AssertionError:
                    if name in self.listed(kind):  # Else it went meanwhile, as it should.
                        raise

    def until(self, holds: Callable[[], object], what: str) -> None:
        """Wait until something holds; fail with what was waited for, and what all Applications say."""
        end = time.monotonic() + _WITHIN
        while time.monotonic() < end:
            for name, process in self.processes.items():
                log = (self.folder / f"{name}.log").read_text(errors="replace")
                assert process.poll() is None, f"{name} has ended:\n{log[-3000:]}"
            if holds():
                return
            time.sleep(0.5)
        there = _serves(self.plane, 3)
        told = "\n".join(f"{name}: {state(each)}" for name, each in (self.listed() if there else {}).items())
        raise AssertionError(f"{what}: not within {_WITHIN} s.\n{told}")


def state(application: Mapping[str, Any]) -> str:
    """Return what Argo CD says of an Application, in a line."""
    status = application.get("status") or {}
    sync, health = (status.get(key, {}).get("status", "?") for key in ("sync", "health"))
    operation = status.get("operationState") or {}
    said = [f"{each['type']}: {each['message']}" for each in status.get("conditions") or ()]
    if operation:
        said.append(f"operation {operation['phase']}: {operation.get('message', '')}")
    return " | ".join((f"{sync}, {health}", *said))


@contextlib.contextmanager
def running(folder: Path, plane: ControlPlane) -> Iterator[ArgoCD]:
    """Install Argo CD's objects into a cluster, start its controllers as processes, and stop them."""
    programs = building.programs()
    argocd = ArgoCD(plane, folder)
    _install(argocd, programs)
    ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
    environment = _environment(folder, programs, plane)
    with contextlib.ExitStack() as stack:
        for name, (program, options) in _commands(folder, programs, ports).items():
            log = stack.enter_context((folder / f"{name}.log").open("wb"))
            process = subprocess.Popen(
                [name, *options],
                executable=program,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                env=environment,
            )
            stack.callback(ended, process)
            argocd.processes[name] = process
        stack.enter_context(kubelet.running(plane))
        yield argocd


_PORTS = ("redis", "repo", "repo-metrics", "controller-metrics", "sets-metrics", "sets-probe", "sets-webhook")


def _commands(folder: Path, programs: Programs, ports: Mapping[str, int]) -> Mapping[str, tuple[Path, tuple[str, ...]]]:
    def at(name: str) -> str:
        return f"127.0.0.1:{ports[name]}"

    cache = ("--redis", at("redis"))
    return {
        "redis-server": (
            programs.redis,
            (*("--port", str(ports["redis"]), "--bind", "127.0.0.1"), *("--save", "", "--dir", str(folder))),
        ),
        "argocd-repo-server": (
            programs.argocd,
            (
                *("--address", "127.0.0.1", "--port", str(ports["repo"]), *cache),
                *("--metrics-address", "127.0.0.1", "--metrics-port", str(ports["repo-metrics"])),
            ),
        ),
        "argocd-application-controller": (
            programs.argocd,
            (
                *("--namespace", NAMESPACE, "--repo-server", at("repo"), *cache),
                *("--metrics-port", str(ports["controller-metrics"]), "--repo-error-grace-period-seconds", "0"),
            ),
        ),
        "argocd-applicationset-controller": (
            programs.argocd,
            (
                *("--namespace", NAMESPACE, "--argocd-repo-server", at("repo"), "--enable-progressive-syncs"),
                *("--metrics-addr", at("sets-metrics"), "--probe-addr", at("sets-probe")),
                *("--webhook-addr", at("sets-webhook")),
            ),
        ),
    }


def _environment(folder: Path, programs: Programs, plane: ControlPlane) -> dict[str, str]:
    """Return what all of them are told: which cluster is theirs, where their tools are, and folders of their own."""
    tools = folder / "tools"
    tools.mkdir()
    (tools / "helm").symlink_to(programs.helm)
    (tools / "kustomize").symlink_to(programs.kustomize)
    (tools / "argocd").symlink_to(programs.argocd)
    for script in programs.release.glob("*.sh"):
        (tools / script.name).symlink_to(script)
    (folder / "tmp").mkdir()
    for name in ("tls", "ssh", "plugins", "gpg"):
        (folder / name).mkdir()
    return {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "HOME": str(folder),
        "TMPDIR": str(folder / "tmp"),
        "KUBECONFIG": str(plane.kubeconfig()),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "ARGOCD_FAKE_IN_CLUSTER": "true",
        "ARGOCD_GPG_ENABLED": "false",
        "ARGOCD_TLS_DATA_PATH": str(folder / "tls"),
        "ARGOCD_SSH_DATA_PATH": str(folder / "ssh"),
        "ARGOCD_GNUPGHOME": str(folder / "gpg"),
        "ARGOCD_PLUGINSOCKFILEPATH": str(folder / "plugins"),
    }


def _install(argocd: ArgoCD, programs: Programs) -> None:
    """Apply what the release's install.yaml has, definitions first, and the project that its API server makes."""
    text = (programs.release / "install.yaml").read_text()
    manifests: list[Mapping[str, Any]] = list(yaml.safe_load_all(text))
    definitions = [each for each in manifests if each["kind"] == "CustomResourceDefinition"]
    argocd.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}, *definitions])
    argocd.until(lambda: _serves(argocd.plane, len(definitions)), "Argo CD's kinds are served")
    everything = {"group": "*", "kind": "*"}
    project = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": "default", "namespace": NAMESPACE},
        "spec": {
            "sourceRepos": ["*"],
            "destinations": [{"server": "*", "namespace": "*"}],
            "clusterResourceWhitelist": [everything],
        },
    }
    argocd.apply([*(each for each in manifests if each not in definitions), project])
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "argocd-secret", "namespace": NAMESPACE}}
    argocd.apply([{**secret, "stringData": {"server.secretkey": "0123456789abcdef"}}])


def _serves(plane: ControlPlane, kinds: int) -> bool:
    listed = plane.request("GET", "/apis/argoproj.io/v1alpha1").body.get("resources") or ()
    return len([each for each in listed if "/" not in each["name"]]) == kinds
