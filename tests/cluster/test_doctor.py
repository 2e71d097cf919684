"""`argosy doctor` and `argosy status --live` on a real API server, in whose cluster much is wrong: `situations.py`."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from argosy.argocd import configuration, deployments
from tests.bootstrap.argocd import manifests
from tests.changing import commit, edit, git, model
from tests.cluster import kubelet
from tests.cluster.control_plane import ARGO, READER, ControlPlane, until
from tests.cluster.situations import ALL, LONG_AGO, POLICY, Object, Situation, made
from tests.conftest import Argosy
from tests.doctor.stories import cloned, now

WELL = "well"
"""The application of which nothing is wrong."""
BINDING = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "argocd"}}


@dataclass(frozen=True)
class World:
    """A repository, and the cluster in which its Applications are."""

    root: Path
    before: str
    """The commit before the last."""
    revision: str

    def filled(self, text: str, name: str = "") -> str:
        """Return what a situation says, with what it names."""
        known = {"name": name, "before": self.before, "revision": self.revision}
        known |= {"old": self.before[:7], "new": self.revision[:7]}
        for key, value in known.items():
            text = text.replace(f"{{{key}}}", value)
        return text


@pytest.fixture(scope="module")
def world(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Return a cluster in which each situation is, each with an application of its own."""
    folder = tmp_path_factory.mktemp("world")
    root = cloned(folder, model((WELL, *sorted(each.name for each in ALL)), ("dev",)))
    for each in ALL:
        if each.in_git[0]:
            edit(root, f"argocd/dev/{each.name}.yaml", *each.in_git)
    commit(root, {path: text for each in ALL for path, text in each.files.items() if each.name != "stale"})
    before = git(root, "rev-parse", "HEAD").strip()
    commit(root, {path: text for each in ALL for path, text in each.files.items() if each.name == "stale"})
    git(root, "push", "--quiet", "origin", "main")
    found = World(root, before, git(root, "rev-parse", "HEAD").strip())
    with kubelet.running(plane), ExitStack() as stack:
        stack.callback(remove, plane)
        install(plane)
        break_all(plane, found)
        yield found


def install(plane: ControlPlane) -> None:
    """Install Argo CD, which runs nothing."""
    plane.apply(made("v1", "Namespace", "argocd"))
    for each in manifests():
        if each["kind"] not in {"CustomResourceDefinition", "ClusterRole"}:
            each["metadata"]["namespace"] = "argocd"
        if each["kind"] == "ConfigMap":
            each["data"] = {"url": "https://argocd.example.com", "timeout.reconciliation": "3600s"}
        plane.apply(each)
    until(lambda: plane.request("GET", f"/apis/{ARGO}/applications").code == 200, "Applications are known")
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "argocd-application-controller"}
    account = {"kind": "ServiceAccount", "name": "default", "namespace": "argocd"}
    plane.apply({**BINDING, "roleRef": role, "subjects": [account]})
    keys = {"server.secretkey": "c2VjcmV0", "webhook.github.secret": "c2VjcmV0"}
    plane.apply(made("v1", "Secret", "argocd-secret", metadata={"namespace": "argocd"}, data=keys))


def break_all(plane: ControlPlane, world: World) -> None:
    """Put each situation into the cluster, and wait until Kubernetes' controllers have looked at it."""
    view = deployments.find(world.root, configuration.load(world.root)).view
    plane.apply(*(copy.deepcopy(each.data) for each in view.projects.values()))
    by_name = {each.name: each for each in ALL}
    plane.apply(*POLICY, made("v1", "Namespace", "policy-dev"))
    pod = made("v1", "Pod", "it", spec={"containers": [{"name": "it", "image": "it:latest"}]})
    pods = "/api/v1/namespaces/policy-dev/pods?dryRun=All"
    until(lambda: "Pin the image." in plane.request("POST", pods, pod).message, "the policy refuses")
    for application in view.applications:
        situation = by_name.get(application.application)
        namespace = application.spec["destination"]["namespace"]
        if situation is None or situation.labels is not None:
            labels = situation.labels if situation else {}
            plane.apply(made("v1", "Namespace", namespace, metadata={"labels": dict(labels or {})}))
        there = copy.deepcopy(dict(application.manifest))
        there["status"] = json.loads(world.filled(json.dumps({**healthy(), **(situation.status if situation else {})})))
        if situation:
            situation.change(there)
            for one in situation.objects:
                plane.apply({**one, "metadata": {**one["metadata"], "namespace": namespace}})
        plane.apply(there)
        if situation and situation.deleted:
            gone = there if situation.deleted == "Application" else made("v1", "Namespace", namespace)
            plane.request("DELETE", plane.path(gone))
    for situation in ALL:
        if situation.awaited:
            until(partial(is_said, plane, situation), f"{situation.name}: {situation.awaited}")
    server = partial(plane.get, "apps/v1", "Deployment", "argocd-repo-server", "argocd")
    until(lambda: server()["status"].get("readyReplicas"), "Argo CD is rolled out")


def healthy() -> Object:
    """Return the status of an Application of which all is well."""
    operation = {"phase": "Succeeded", "startedAt": LONG_AGO, "finishedAt": LONG_AGO, "message": "successfully synced"}
    return {
        "sync": {"status": "Synced", "revision": "{revision}"},
        "health": {"status": "Healthy"},
        "reconciledAt": now(),
        "operationState": {**operation, "syncResult": {"revision": "{revision}"}},
    }


def is_said(plane: ControlPlane, situation: Situation) -> bool:
    """Return whether events, Pods or the namespace itself tell what is awaited."""
    paths = (f"/api/v1/namespaces/{situation.name}-dev{each}" for each in ("", "/events", "/pods"))
    return any(situation.awaited in json.dumps(plane.request("GET", each).body).replace('\\"', '"') for each in paths)


def remove(plane: ControlPlane) -> None:
    """Remove Argo CD, whatever holds its Applications."""
    for each in plane.request("GET", f"/apis/{ARGO}/applications").body.get("items", ()):
        plane.request("PUT", plane.path(each), {**each, "metadata": {**each["metadata"], "finalizers": []}})
    for each in manifests():
        if each["kind"] == "CustomResourceDefinition":
            plane.request("DELETE", plane.path(each))
    for each in (BINDING, *POLICY):
        plane.request("DELETE", plane.path(each))
    plane.request("DELETE", "/api/v1/namespaces/argocd")
    until(lambda: plane.request("GET", f"/apis/{ARGO}").code == 404, "Argo CD's definitions are gone")


@pytest.fixture
def doctor(plane: ControlPlane, world: World, argosy: Argosy, monkeypatch: pytest.MonkeyPatch) -> Argosy:
    """Return what runs the doctor in the repository."""
    monkeypatch.setenv("KUBECONFIG", str(plane.kubeconfig()))
    monkeypatch.chdir(world.root)
    return lambda *arguments: argosy("doctor", *arguments, "--context", "real")


@pytest.mark.parametrize("situation", ALL, ids=lambda each: each.name)
def test_it_begins_with_the_cause(doctor: Argosy, world: World, situation: Situation) -> None:
    result = doctor(situation.name, "--env", "dev")
    assert result.code == 1, result.out + result.err
    _, _, first = result.out.partition("Begin with:\n")
    assert world.filled(situation.seen, situation.name) in first.splitlines()[0], result.out
    commands = [line.strip() for line in first.splitlines() if line.strip().startswith("$ ")]
    assert any(world.filled(situation.command, situation.name) in each for each in commands), first


def test_all_is_well(doctor: Argosy, world: World) -> None:
    result = doctor(WELL, "--env", "dev")
    assert result.code == 0, result.out
    assert "No problem found: " in result.out


def test_argo_cd_may_not_deploy(doctor: Argosy, plane: ControlPlane) -> None:
    bound = plane.request("GET", plane.path(BINDING)).body
    plane.request("DELETE", plane.path(BINDING))
    try:
        result = doctor(WELL, "--env", "dev")
    finally:
        plane.apply({**BINDING, "roleRef": bound["roleRef"], "subjects": bound["subjects"]})
    _, _, first = result.out.partition("Begin with:\n")
    assert (
        "system:serviceaccount:argocd:default may not, in the cluster: get, list, create, patch, delete name" in first
    )
    assert "default may not, in the namespace well-dev: get, list, create, patch, delete services; " in result.out
    assert "auth can-i get" in first


def test_the_application_controller_does_not_run(doctor: Argosy, plane: ControlPlane) -> None:
    scale(plane, 0)
    try:
        result = doctor("unseen", "--env", "dev")
    finally:
        scale(plane, 1)
    _, _, first = result.out.partition("Begin with:\n")
    assert "There is no pod of argocd-application-controller in the namespace argocd." in first


def scale(plane: ControlPlane, replicas: int) -> None:
    """Have so many application controllers run."""
    controller = plane.get("apps/v1", "StatefulSet", "argocd-application-controller", "argocd")
    controller["spec"]["replicas"] = replicas
    assert plane.request("PUT", plane.path(controller), controller).code == 200
    pods = "/api/v1/namespaces/argocd/pods?labelSelector=app.kubernetes.io/name=argocd-application-controller"
    until(lambda: len(plane.request("GET", pods).body["items"]) == replicas, "its Pods are as many")


def test_somebody_may_see_nothing(doctor: Argosy, plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(plane.kubeconfig(READER)))
    result = doctor(WELL, "--env", "dev")
    assert result.code == 2, result.out
    assert "Cannot list applications in context real: forbidden." in result.out
    assert "kubectl auth can-i list applications.argoproj.io --all-namespaces" in result.out


def test_status_tells_the_same(
    plane: ControlPlane, world: World, argosy: Argosy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(plane.kubeconfig()))
    monkeypatch.chdir(world.root)
    result = argosy("status", "--live", "--context", "real", "--output", "json")
    assert result.out, result.err
    found: dict[str, Any] = {each["name"]: each for each in json.loads(result.out)["applications"]}
    wrong = []
    for each in ALL:
        (live,) = (one["live"] for one in found[each.name]["environments"])
        if (live["sync"], live["health"]) != each.live[:2] or each.live[2] not in live["message"]:
            wrong.append((each.name, live))
    assert wrong == []
