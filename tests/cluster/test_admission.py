"""What argosy writes to guard namespaces, as the real admission plugins judge by it: the good Pod, and each bad one."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from argosy.argocd.matching import applied, namespace_of
from argosy.kubernetes.pods import pod_specs
from argosy.repository.model import WRITTEN_HERE
from argosy.validation import pipeline
from tests import goldens
from tests.cluster.control_plane import ControlPlane
from tests.cluster.situations import Object, made
from tests.cluster.test_rendered import write
from tests.test_production import model as switched

GUARDS = {"LimitRange", "ResourceQuota"}
PREVIEW = "applications/search/previews/limits.yaml"
SWITCHED = {"podSecurity": "true", "quotas": "true", "networkPolicies": "true"}
Change = Callable[[Object], object]


@dataclass(frozen=True)
class Guarded:
    """Namespaces as argosy has them, and the Pods that are deployed to each."""

    pods: dict[str, list[Object]]
    quotas: dict[str, Object]


@pytest.fixture(scope="module")
def guarded(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Return the namespaces of a repository of each format in which all of this is switched on."""
    found = Guarded({}, {})
    for form in WRITTEN_HERE:
        root = tmp_path_factory.mktemp(form)
        write(goldens.tree(switched(SWITCHED, form)), root)
        view = pipeline.look(root, pipeline.Options()).view
        guards = []
        for application in view.applications:
            documents = [each.data for each in applied(application, view)]
            guards += [each for each in documents if each["kind"] in GUARDS]
            if application.application == "web":
                namespace = f"{namespace_of(application)}-{form}"
                policy = application.spec["syncPolicy"]["managedNamespaceMetadata"]
                account = made("v1", "ServiceAccount", "default", metadata={"namespace": namespace})
                plane.apply(made("v1", "Namespace", namespace, metadata=dict(policy)), account)
                specs = (pod for each in documents for _, pod in pod_specs(each))
                found.pods[namespace] = [pod_of(each, namespace) for each in specs]
        for each in guards:
            metadata = {**each["metadata"], "namespace": f"{each['metadata']['namespace']}-{form}"}
            guard(plane, {**each, "metadata": metadata}, found)
    yield found
    for namespace in found.pods:
        plane.request("DELETE", f"/api/v1/namespaces/{namespace}")


def guard(plane: ControlPlane, each: Object, found: Guarded) -> None:
    """Apply a quota or limits; a quota as it is once it was counted."""
    if each["kind"] == "ResourceQuota":
        hard = each["spec"]["hard"]
        each = {**each, "status": {"hard": hard, "used": dict.fromkeys(hard, "0")}}
        found.quotas[each["metadata"]["namespace"]] = each
    plane.apply(each)


def pod_of(spec: dict[str, Any], namespace: str) -> Object:
    """Return the Pod that a workload makes."""
    account = {"serviceAccountName": "default", "automountServiceAccountToken": False}
    return made("v1", "Pod", "it", metadata={"namespace": namespace}, spec={**copy.deepcopy(spec), **account})


def told(plane: ControlPlane, pod: Object) -> str:
    """Return why the API server refuses a Pod; empty if it takes it."""
    answer = plane.request("POST", f"{plane.path(pod).rpartition('/')[0]}?dryRun=All", pod)
    return "" if answer.code < 300 else answer.message


def test_what_is_deployed_is_let_in(plane: ControlPlane, guarded: Guarded) -> None:
    assert len(guarded.pods) == len(guarded.quotas) == 2 * len(WRITTEN_HERE)
    assert all(guarded.pods.values()), "a namespace of which nothing is known"
    assert [(name, why) for name, pods in guarded.pods.items() for each in pods if (why := told(plane, each))] == []


def _container(**values: Any) -> Change:
    def change(pod: Object) -> None:
        for each in pod["spec"]["containers"]:
            for name, value in values.items():
                each[name] = {**each.get(name, {}), **value}

    return change


def _host_path(pod: Object) -> None:
    pod["spec"]["volumes"] = [*pod["spec"].get("volumes", ()), {"name": "host", "hostPath": {"path": "/"}}]


def _host_network(pod: Object) -> None:
    pod["spec"].update(hostNetwork=True)
    pod["spec"].get("securityContext", {}).pop("sysctls", None)


_LARGE, _MUCH = "maximum memory usage per Container is ", "exceeded quota: namespace, requested: requests.cpu=9"
_HOST = "host namespaces (hostNetwork=true)"
BAD: dict[str, tuple[Change, str, str]] = {
    "privileged": (
        _container(securityContext={"privileged": True, "allowPrivilegeEscalation": True}),
        'violates PodSecurity "baseline:v1.',
        'violates PodSecurity "restricted:v1.',
    ),
    "root": (_container(securityContext={"runAsNonRoot": False, "runAsUser": 0}), "", "runAsUser=0"),
    "of the host": (_host_network, _HOST, _HOST),
    "hostPath": (_host_path, 'hostPath volumes (volume "host")', "restricted volume types"),
    "too large": (_container(resources={"limits": {"memory": "100Gi"}}), _LARGE, _LARGE),
    "too much": (_container(resources={"requests": {"cpu": "9"}}), _MUCH, _MUCH),
}
"""How a Pod is made bad, and what refuses it in dev and in production; nothing where it may run."""


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_to_run_is_refused(plane: ControlPlane, guarded: Guarded, name: str) -> None:
    change, in_dev, in_production = BAD[name]
    wrong = []
    for namespace, (pod, *_) in guarded.pods.items():
        bad = copy.deepcopy(pod)
        change(bad)
        said, why = told(plane, bad), in_dev if "-dev-" in namespace else in_production
        if why not in said or bool(why) != bool(said):
            wrong.append((namespace, said))
    assert wrong == []


def test_what_says_nothing_gets_the_defaults(plane: ControlPlane, guarded: Guarded) -> None:
    pod = copy.deepcopy(guarded.pods["web-prod-helm"][0])
    for each in pod["spec"]["containers"]:
        each.pop("resources", None)
    answer = plane.request("POST", f"{plane.path(pod).rpartition('/')[0]}?dryRun=All", pod)
    assert answer.code == 201, answer.message
    limits = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}}
    assert [each["resources"] for each in answer.body["spec"]["containers"]] == [limits]


def test_a_preview_stays_small(plane: ControlPlane, tmp_path: Path) -> None:
    tree, namespace = goldens.tree(goldens.production()), {"namespace": "search-pr-1"}
    plane.apply(made("v1", "Namespace", "search-pr-1"), made("v1", "ServiceAccount", "default", metadata=namespace))
    for each in yaml.safe_load_all(tree[PREVIEW].content):
        guard(plane, {**each, "metadata": {**each["metadata"], **namespace}}, Guarded({}, {}))
    try:
        container = {"name": "web", "image": "ghcr.io/acme/search:1"}
        assert told(plane, pod_of({"containers": [container]}, "search-pr-1")) == ""
        large = {**container, "resources": {"limits": {"memory": "3Gi"}}}
        assert "maximum memory usage per Container is 2Gi" in told(
            plane, pod_of({"containers": [large]}, "search-pr-1")
        )
        port = {"type": "LoadBalancer", "ports": [{"port": 80}]}
        service = made("v1", "Service", "web", metadata=namespace, spec=port)
        answer = plane.request("POST", f"{plane.path(service).rpartition('/')[0]}?dryRun=All", service)
        assert "exceeded quota: preview, requested: services.loadbalancers=1" in answer.message
    finally:
        plane.request("DELETE", "/api/v1/namespaces/search-pr-1")
