"""`argosy bootstrap` on a real API server: what Argo CD's controllers would write, `played_argocd` writes."""

from __future__ import annotations

import contextlib
import json
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from argosy.repository.model import Repository
from tests.bootstrap.argocd import VERSION, installation
from tests.bootstrap.site import with_remote
from tests.changing import git, model
from tests.cluster import kubelet
from tests.cluster.control_plane import ARGO, READER, ControlPlane, until
from tests.conftest import Argosy

DEFINITIONS = [f"{each}s.argoproj.io" for each in ("application", "applicationset", "appproject")]


@dataclass(frozen=True)
class Site:
    """A repository that is pushed, and the Argo CD that it is to be handed over to."""

    root: Path
    url: str
    install: Path
    namespace: str


@pytest.fixture
def site(plane: ControlPlane, tmp_path: Path, argosy: Argosy, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Return a site in a cluster that has no Argo CD, in whose repository one is."""
    namespace = f"argocd-{tmp_path.name[-12:].strip('-_').replace('_', '-').lower()}"
    root, url = with_remote(tmp_path, in_namespace(namespace))
    git(root, "push", "--quiet", "origin", "--all")
    monkeypatch.setenv("KUBECONFIG", str(plane.kubeconfig()))
    monkeypatch.chdir(root)
    yield Site(root, url, installation(tmp_path / "install", namespace=namespace), namespace)
    plane.request("DELETE", f"/api/v1/namespaces/{namespace}")
    plane.request("DELETE", "/apis/rbac.authorization.k8s.io/v1/clusterroles/argocd-application-controller")
    for each in DEFINITIONS:
        plane.request("DELETE", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{each}")
    until(lambda: plane.request("GET", f"/apis/{ARGO}").code == 404, "Argo CD's definitions are gone")


def in_namespace(namespace: str) -> Repository:
    """Return a model whose Argo CD is in a namespace of its own."""
    small = model()
    production = replace(small.settings.production, argocd_namespace=namespace)
    return replace(small, settings=replace(small.settings, production=production))


@contextlib.contextmanager
def played_argocd(plane: ControlPlane, **status: Any) -> Iterator[None]:
    """Have Applications get the status that the application controller writes, without a word to any repository."""
    ended, own = threading.Event(), plane.apart()
    told = {"sync": {"status": "Synced", "revision": "0" * 40}, "health": {"status": "Healthy"}, **status}

    def work() -> None:
        while not ended.wait(0.2):
            for each in own.request("GET", f"/apis/{ARGO}/applications").body.get("items", ()):
                if each.get("status") != told:
                    own.request("PUT", own.path(each), {**each, "status": told})

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def everything(plane: ControlPlane, namespace: str) -> dict[str, str]:
    """Return the version of each object that argosy might have touched."""
    found = {}
    kinds = (
        f"/apis/{ARGO}/applications",
        f"/apis/{ARGO}/appprojects",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    )
    within = (f"/api/v1/namespaces/{namespace}/{each}" for each in ("configmaps", "secrets", "serviceaccounts"))
    workloads = (f"/apis/apps/v1/namespaces/{namespace}/{each}" for each in ("deployments", "statefulsets"))
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    own = f"/api/v1/namespaces?fieldSelector=metadata.name={namespace}"
    for path in (*kinds, *within, *workloads, definitions, own):
        for each in plane.request("GET", path).body.get("items", ()):
            found[f"{path}/{each['metadata']['name']}"] = each["metadata"]["resourceVersion"]
    return found


def test_from_nothing_and_again(plane: ControlPlane, site: Site, argosy: Argosy, tmp_path: Path) -> None:
    with kubelet.running(plane), played_argocd(plane):
        first = argosy("bootstrap", "--install", str(site.install), "--yes", "--timeout", "5m")
        assert first.code == 0, first.err
        assert first.out.splitlines() == [
            f"done     Namespace {site.namespace}: created",
            "done     Argo CD's definitions: 3 created",
            "done     Argo CD's CRDs are established: ready",
            f"done     Argo CD {VERSION}: 6 created",
            "done     Argo CD is rolled out: ready",
            "done     AppProjects argocd, dev, prod: 3 created",
            "done     Application root: created",
            "done     Application root synced and healthy: ready",
        ]
        before = everything(plane, site.namespace)
        again = argosy("bootstrap", "--install", str(site.install))
        assert (again.code, {line.split()[0] for line in again.out.splitlines()}) == (0, {"there"}), again.err
        assert everything(plane, site.namespace) == before

        scale = {"spec": {"replicas": 0}}
        path = f"/apis/apps/v1/namespaces/{site.namespace}/deployments/argocd-server"
        edited = plane.request("GET", path).body
        assert plane.request("PUT", path, {**edited, "spec": {**edited["spec"], **scale["spec"]}}).code == 200
        planned = argosy("bootstrap", "--install", str(site.install), "--dry-run")
        assert f"to do    Argo CD {VERSION}: 1 of 6 objects not as wanted\n" in planned.out
        mended = argosy("bootstrap", "--install", str(site.install), "--yes")
        assert f"done     Argo CD {VERSION}: 1 changed, 5 as they were\n" in mended.out, mended.err
        assert plane.request("GET", path).body["spec"]["replicas"] == 1

    # A private repository, with an Argo CD that is there already.
    token = "ghp_" + "s3cret" * 6
    (tmp_path / "token").write_text(token + "\n")
    with kubelet.running(plane), played_argocd(plane):
        given = argosy(
            "bootstrap",
            "--install",
            str(site.install),
            "--yes",
            "--credential",
            f"file:{tmp_path / 'token'}",
            "--user",
            "ada",
        )
        assert given.code == 0, given.err
        assert "done     Secret gitops-repository, from file:" in given.out
        once_more = argosy(
            "bootstrap", "--install", str(site.install), "--credential", f"file:{tmp_path / 'token'}", "--user", "ada"
        )
        assert "there    Secret gitops-repository" in once_more.out
    secret = plane.get("v1", "Secret", "gitops-repository", site.namespace)
    assert secret["metadata"]["labels"] == {"argocd.argoproj.io/secret-type": "repository"}
    assert secret["data"].keys() == {"type", "url", "username", "password"}
    assert not any(token in text for each in (given, once_more) for text in (each.out, each.err))
    assert token not in json.dumps(secret["metadata"])


def test_killed_half_way_and_run_again(plane: ControlPlane, site: Site, argosy: Argosy) -> None:
    options = ("--install", str(site.install), "--yes")
    command = [sys.executable, "-m", "argosy", "bootstrap", *options]
    with (site.root.parent / "told").open("wb") as told:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=told, stderr=told, start_new_session=True)
        # Without a kubelet, nothing is ever rolled out.
        until(lambda: b"no Pod is ready yet" in (site.root.parent / "told").read_bytes() or process.poll(), "it waits")
        assert process.poll() is None, (site.root.parent / "told").read_text()
        process.send_signal(signal.SIGKILL)
        process.wait()
    planned = argosy("bootstrap", *options, "--dry-run", "--output", "json")
    states = {each["name"]: each["state"] for each in json.loads(planned.out)["steps"]}
    done = ("namespace", "definitions", "established", "install")
    assert states == {
        **dict.fromkeys(done, "there"),
        **dict.fromkeys(("rollout", "projects", "root", "synced"), "to do"),
    }
    with kubelet.running(plane), played_argocd(plane):
        result = argosy("bootstrap", *options, "--timeout", "5m")
    assert result.code == 0, result.err
    printed = [line.split()[0] for line in result.out.splitlines()]
    # It may be rolled out by then.
    assert (printed[:4], printed[5:]) == (["there"] * 4, ["done"] * 3)


def test_what_the_cluster_does_not_permit(
    plane: ControlPlane, site: Site, argosy: Argosy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(plane.kubeconfig(READER)))
    options = ("--install", str(site.install), "--yes", "--timeout", "40s")
    before = everything(plane, site.namespace)
    nothing = argosy("bootstrap", *options)
    assert (nothing.code, nothing.out) == (1, "")
    assert "Nothing was changed. You are not allowed to get " in nothing.err
    assert "kubectl --context real auth can-i get " in nothing.err
    assert everything(plane, site.namespace) == before

    # All that is applied, but no more: Kubernetes lets nobody grant what he does not have.
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "installer"}}
    resources = ("namespaces", "configmaps", "secrets", "serviceaccounts", "pods", "deployments", "statefulsets")
    others = ("customresourcedefinitions", "clusterroles", "applications", "appprojects", "applicationsets")
    rules = [{"apiGroups": ["*"], "resources": [*resources, *others], "verbs": ["get", "list", "create", "patch"]}]
    subject = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "reader"}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "installer"}
    binding = {**role, "kind": "ClusterRoleBinding", "roleRef": reference, "subjects": [subject]}
    plane.apply({**role, "rules": rules}, binding)
    try:
        with kubelet.running(plane), played_argocd(plane):
            some = argosy("bootstrap", *options)
    finally:
        for each in (role, binding):
            plane.request("DELETE", plane.path(each))
    assert some.code != 0
    assert "perhaps not to grant those of Argo CD's ClusterRoles" in some.err
    assert f"done     Namespace {site.namespace}: created" in some.out
    assert "is attempting to grant RBAC permissions not currently held" in some.err, some.out + some.err
    assert "The same command goes on from here: argosy bootstrap" in some.err


def test_a_root_that_is_another_repositorys(plane: ControlPlane, site: Site, argosy: Argosy) -> None:
    options = ("--install", str(site.install), "--yes", "--timeout", "5m")
    with kubelet.running(plane), played_argocd(plane):
        assert argosy("bootstrap", *options).code == 0
    root = plane.get(ARGO, "Application", "root", site.namespace)
    root["spec"]["source"] = {"repoURL": "https://example.com/other.git", "path": "apps"}
    root["metadata"]["finalizers"] = ["resources-finalizer.argocd.argoproj.io"]
    root["status"]["resources"] = [
        {"version": "v1", "kind": "ConfigMap", "namespace": site.namespace, "name": "theirs", "status": "Synced"}
    ]
    assert plane.request("PUT", plane.path(root), root).code == 200
    tracked = {"argocd.argoproj.io/tracking-id": f"root:/ConfigMap:{site.namespace}/theirs"}
    names = {"name": "theirs", "namespace": site.namespace, "annotations": tracked}
    plane.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": names, "data": {"a": "b"}})

    before = everything(plane, site.namespace)
    refused = argosy("bootstrap", *options)
    assert (refused.code, refused.out) == (1, "")
    assert "The Application root in the cluster reads apps of https://example.com/other.git." in refused.err
    assert everything(plane, site.namespace) == before
    commands = [line.strip() for line in refused.err.splitlines() if line.strip().startswith("kubectl ")]
    for each in dict.fromkeys(commands):
        subprocess.run(shlex.split(each), check=True, capture_output=True, timeout=120)
    with kubelet.running(plane), played_argocd(plane):
        result = argosy("bootstrap", *options)
    assert result.code == 0, result.err
    # What the other repository's root had deployed is still there, and nobody's: the new root prunes it not.
    theirs = plane.get("v1", "ConfigMap", "theirs", site.namespace)
    assert (theirs["data"], theirs["metadata"].get("annotations", {})) == ({"a": "b"}, {})
    assert plane.get(ARGO, "Application", "root", site.namespace)["spec"]["source"]["repoURL"] == site.url
