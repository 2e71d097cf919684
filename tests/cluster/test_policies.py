"""What policies of a repository's own say of a manifest, and what a real API server says that has them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from argosy.validation import pipeline
from tests.cluster.control_plane import ControlPlane, until
from tests.cluster.situations import Object, made
from tests.rules.test_policies import SHOWN, configured
from tests.validating import write_files

RESOURCES = ["deployments", "cronjobs", "services"]
RULE = {"apiGroups": ["apps", "batch", ""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": RESOURCES}


def own(name: str, expression: str, message: str = "no", **more: Any) -> dict[str, Any]:
    """Return a policy of workloads and services."""
    return {
        **{"name": name, "matchConstraints": {"resourceRules": [RULE]}, **more},
        "validations": [{"expression": expression, "message": message}],
    }


# Of those that are shown, all that no cluster needs anything else for.
POLICIES = [SHOWN[each] for each in ("no-latest", "team-label", "limits-in-production")] + [
    own("filled-in", "object.kind != 'Deployment' || object.spec.replicas == 1"),
    own("type", "object.kind != 'Service' || object.spec.type != 'LoadBalancer'", failurePolicy="Ignore"),
    own("labels", "object.metadata.labels.team == 'a'"),
    own("ignored", "object.metadata.labels.owner == 'a'", failurePolicy="Ignore"),
    own("condition", "false", matchConditions=[{"name": "c", "expression": "object.kind == 'CronJob'"}]),
    own("quantity", "object.kind != 'Deployment' || quantity('1Gi').isGreaterThan(quantity('64Mi'))"),
    own("name", "object.metadata.name.matches('^[a-z]+$') && request.namespace.startsWith('policies-')"),
    own("optional", "object.metadata.?annotations[?'a'].orValue('x') == 'x'"),
]


def workload(kind: str, *images: str, labels: dict[str, str] | None = None, **container: Any) -> Object:
    """Return a Deployment or a CronJob."""
    containers = [{"name": f"c{number}", "image": each, **container} for number, each in enumerate(images)]
    pod: dict[str, Any] = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": containers}}
    metadata: dict[str, Any] = {"labels": labels} if labels else {}
    if kind == "CronJob":
        job = {"spec": {"template": {**pod, "spec": {**pod["spec"], "restartPolicy": "Never"}}}}
        return made("batch/v1", kind, "shop", metadata=metadata, spec={"schedule": "@daily", "jobTemplate": job})
    return made(
        "apps/v1", kind, "shop", metadata=metadata, spec={"selector": {"matchLabels": {"app": "a"}}, "template": pod}
    )


OBJECTS = [
    workload("Deployment", "nginx"),
    workload("Deployment", "a/b:1.2", "localhost:5000/c:latest", labels={"team": "a"}),
    workload("Deployment", f"a/b@sha256:{'0' * 64}", labels={"team": "b"}, resources={"limits": {"memory": "1Gi"}}),
    workload("Deployment", "a:1", resources={"limits": {"memory": "1Gi"}, "requests": {"cpu": "1"}}),
    workload("CronJob", "nginx", labels={"team": "a"}),
    made("v1", "Service", "shop2", spec={"type": "LoadBalancer", "ports": [{"port": 80}], "selector": {"app": "a"}}),
    made("v1", "Service", "shop", metadata={"annotations": {"a": "y"}}, spec={"ports": [{"port": 80}]}),
]
_EXPRESSION = "expression '"


@pytest.fixture(scope="module")
def policed(plane: ControlPlane) -> Iterator[ControlPlane]:
    """Return the API server with each policy in force, in a namespace of its own."""
    for each in POLICIES:
        namespace, spec = f"policies-{each['name']}", {"failurePolicy": "Fail", **each}
        selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
        spec = {key: value for key, value in spec.items() if key not in {"name", "match", "severity"}}
        in_force = {
            "policyName": each["name"],
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": selector},
        }
        group = "admissionregistration.k8s.io/v1"
        always = {"expression": "object.metadata.name != 'refused'", "message": "in force"}
        spec["validations"] = [*spec["validations"], always]
        plane.apply(
            made("v1", "Namespace", namespace),
            made(group, "ValidatingAdmissionPolicy", each["name"], spec=spec),
            made(group, "ValidatingAdmissionPolicyBinding", each["name"], spec=in_force),
        )
    for each in POLICIES:
        refused = workload("CronJob" if "matchConditions" in each else "Deployment", "a:1")
        refused["metadata"]["name"] = "refused"
        until(partial(told, plane, each, refused), f"{each['name']} is in force")
    yield plane
    for each in POLICIES:
        for kind in ("validatingadmissionpolicies", "validatingadmissionpolicybindings"):
            plane.request("DELETE", f"/apis/admissionregistration.k8s.io/v1/{kind}/{each['name']}")
        plane.request("DELETE", f"/api/v1/namespaces/policies-{each['name']}")


def told(plane: ControlPlane, policy: dict[str, Any], manifest: Object) -> str:
    """Return why an API server refuses an object for a policy; empty if it takes it."""
    one = copy.deepcopy(manifest)
    one["metadata"]["namespace"] = f"policies-{policy['name']}"
    answer = plane.request("POST", f"{plane.path(one).rpartition('/')[0]}?dryRun=All", one)
    return answer.message.partition("denied request: ")[2] if answer.code >= 300 else ""


@pytest.mark.parametrize("policy", POLICIES, ids=lambda each: str(each["name"]))
def test_an_api_server_says_the_same(policed: ControlPlane, policy: dict[str, Any], tmp_path: Path) -> None:
    without = {key: value for key, value in policy.items() if key != "match"}
    compared = []
    for number, each in enumerate(OBJECTS):
        one = copy.deepcopy(each)
        one["metadata"]["namespace"] = f"policies-{policy['name']}"
        root = tmp_path / str(number)
        write_files(root, {**configured(without), "it.yaml": yaml.safe_dump(one)})
        report = pipeline.validate(root)
        assert not [outcome for outcome in report.outcomes if "not judged" in outcome.reason], policy
        found = [each.message for each in report.findings if each.rule == f"policy/{policy['name']}"]
        said = found[0].partition(f"{one['metadata']['name']}: ")[2].rstrip(".") if found else ""
        real = told(policed, policy, each)
        if real.startswith(_EXPRESSION) and "resulted in error" in real:
            real = f"its expression fails: {real.partition('resulted in error: ')[2]}"
            real, said = (text.replace('"', "").rstrip(".") for text in (real, said))
        compared.append((number, said, real))
    assert [(number, said) for number, said, _ in compared] == [(number, real) for number, _, real in compared]
