"""What guards namespaces: Pod Security, quotas, limits and secret stores, as Kubernetes would judge them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.argocd.view import ArgoApplication, View, key
from argosy.documents import Document
from argosy.findings import Report
from argosy.kubernetes.pod_security import breaches
from argosy.rules import namespaces, secrets
from argosy.rules.registry import RULES, Rule, Scope
from argosy.rules.secrets import secret_in_git
from argosy.schemas.store import without_nulls
from tests.validating import Validate, rules_of

EVERYTHING = View(root=None)  # type: ignore[arg-type]  # These rules look at one document alone.
APPLICATION = """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, namespace: argocd}
spec:
  project: default
  source: {repoURL: https://git.example.com/team/gitops.git, targetRevision: main, path: apps/web}
  destination: {server: https://kubernetes.default.svc, namespace: web}
  syncPolicy:
    syncOptions: [CreateNamespace=true]
"""


def container(**fields: Any) -> dict[str, Any]:
    """Return a container."""
    return {"name": "web", "image": "nginx:1.29", **fields}


SECURE = {
    "allowPrivilegeEscalation": False,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """Return a pod."""
    return {"spec": {"containers": list(containers) or [container(securityContext=SECURE)], **spec}}


@pytest.mark.parametrize("level", ["privileged", "baseline", "restricted"])
def test_a_pod_that_says_all_that_is_wanted_keeps_every_level(level: str) -> None:
    assert list(breaches(pod(), level, 37)) == []


def test_a_pod_that_says_nothing_keeps_baseline_and_not_restricted() -> None:
    bare = pod(container())
    assert list(breaches(bare, "baseline", 37)) == []
    assert {each.at[-1] for each in breaches(bare, "restricted", 37)} == {
        "runAsNonRoot",
        "allowPrivilegeEscalation",
        "drop",
        "type",
    }


@pytest.mark.parametrize(
    ("broken", "field"),
    [
        (pod(hostNetwork=True), "hostNetwork"),
        (pod(hostPID=True), "hostPID"),
        (pod(volumes=[{"name": "node", "hostPath": {"path": "/"}}]), "hostPath"),
        (pod(container(securityContext={"privileged": True})), "privileged"),
        (pod(container(securityContext={"capabilities": {"add": ["SYS_ADMIN"]}})), 0),
        (pod(container(ports=[{"containerPort": 80, "hostPort": 80}])), "hostPort"),
        (pod(container(securityContext={"procMount": "Unmasked"})), "procMount"),
        (pod(container(livenessProbe={"httpGet": {"host": "10.0.0.1", "port": 80}})), "host"),
        (pod(securityContext={"seccompProfile": {"type": "Unconfined"}}), "type"),
        (pod(securityContext={"seLinuxOptions": {"user": "root"}}), "user"),
        (pod(securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}), "name"),
        (pod(securityContext={"windowsOptions": {"hostProcess": True}}), "hostProcess"),
        (pod(initContainers=[container(securityContext={"privileged": True})]), "privileged"),
    ],
)
def test_what_baseline_forbids(broken: dict[str, Any], field: str) -> None:
    assert [each.at[-1] for each in breaches(broken, "baseline", 37)] == [field]
    assert list(breaches(broken, "privileged", 37)) == []


@pytest.mark.parametrize(
    ("name", "since"), [("net.ipv4.ip_unprivileged_port_start", 25), ("net.ipv4.tcp_rmem", 32), ("kernel.msgmax", 99)]
)
def test_sysctls_are_safe_from_a_version_on(name: str, since: int) -> None:
    tuned = pod(securityContext={"sysctls": [{"name": name, "value": "0"}]})
    assert [bool(list(breaches(tuned, "baseline", minor))) for minor in (since - 1, since)] == [True, since == 99] or (
        since == 25
    )


def test_a_pod_with_users_of_its_own_may_be_root_from_135_on() -> None:
    rootly = {**SECURE, "runAsNonRoot": False, "runAsUser": 0}
    own = pod(container(securityContext=rootly), hostUsers=False)
    assert {each.at[-1] for each in breaches(own, "restricted", 34)} == {"runAsNonRoot", "runAsUser"}
    assert list(breaches(own, "restricted", 35)) == []


# In a repository


def deployment(spec: dict[str, Any] | None = None, replicas: int | None = 1, **fields: Any) -> str:
    """Return a Deployment with one container, as YAML."""
    labels = {"app": "web"}
    made = {"containers": [container(**fields)], **(spec or {})}
    template = {"metadata": {"labels": labels}, "spec": made}
    body: dict[str, Any] = {"selector": {"matchLabels": labels}, "template": template}
    if replicas is not None:
        body["replicas"] = replicas
    return manifest("apps/v1", "Deployment", "web", spec=body)


def manifest(version: str, kind: str, name: str, **rest: Any) -> str:
    """Return a manifest as YAML."""
    return yaml.safe_dump({"apiVersion": version, "kind": kind, "metadata": {"name": name}, **rest})


def quota(**hard: str) -> str:
    """Return a ResourceQuota, with _ for the dot of its keys."""
    return manifest("v1", "ResourceQuota", "web", spec={"hard": {key.replace("_", "."): hard[key] for key in hard}})


def limit_range(**bounds: dict[str, str]) -> str:
    """Return a LimitRange of containers."""
    return manifest("v1", "LimitRange", "web", spec={"limits": [{"type": "Container", **bounds}]})


def autoscaler(least: int, most: int) -> str:
    """Return a HorizontalPodAutoscaler of the Deployment."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"scaleTargetRef": target, "minReplicas": least, "maxReplicas": most}
    return manifest("autoscaling/v2", "HorizontalPodAutoscaler", "web", spec=spec)


HALF: dict[str, Any] = {"resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}}}


def judge(validate: Validate, *manifests: str) -> Report:
    """Validate what an Application deploys."""
    return validate({"argocd/web.yaml": APPLICATION, "apps/web/all.yaml": "---\n".join(manifests)})


def messages(report: Report, rule: str) -> list[str]:
    """Return what findings of a rule say."""
    return [each.message for each in report.findings if each.rule == rule]


@pytest.mark.parametrize(
    ("replicas", "cpu", "fits"),
    [(3, "2", True), (3, "1999m", False), (1, "1", True), (1, "999m", False)],
)
def test_a_rollout_needs_one_more_pod_than_there_are(replicas: int, cpu: str, fits: bool, validate: Validate) -> None:
    report = judge(validate, deployment(replicas=replicas, **HALF), quota(requests_cpu=cpu))
    assert bool(messages(report, "quota-exceeded")) is not fits


@pytest.mark.parametrize("unavailable", [1, "25%", "50%"])
def test_a_rollout_that_may_take_a_pod_away_first_needs_none(unavailable: int | str, validate: Validate) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": unavailable}}
    written = yaml.safe_load(deployment(replicas=4, **HALF))
    written["spec"]["strategy"] = strategy
    assert not messages(judge(validate, yaml.safe_dump(written), quota(requests_cpu="2")), "quota-exceeded")


@pytest.mark.parametrize(
    ("key", "allowed", "said"),
    [
        ("pods", "3", "needs 4 pods, but its quota allows 3"),
        ("cpu", "1", "needs 2 cpu, but its quota allows 1"),
        ("requests_memory", "1Gi", "needs 2Gi requests.memory, but its quota allows 1Gi"),
        ("limits_memory", "3500Mi", "needs 4Gi limits.memory, but its quota allows 3500Mi"),
    ],
)
def test_a_quota_says_how_much_is_needed(key: str, allowed: str, said: str, validate: Validate) -> None:
    (message,) = messages(judge(validate, deployment(replicas=3, **HALF), quota(**{key: allowed})), "quota-exceeded")
    assert said in message
    assert "3 × " in message
    assert "1 more during a rollout of Deployment/web" in message


def test_an_autoscaler_counts_with_its_fewest_and_its_most(validate: Validate) -> None:
    report = judge(validate, deployment(replicas=None, **HALF), autoscaler(2, 10), quota(requests_cpu="1500m"))
    assert not messages(report, "quota-exceeded")
    (message,) = messages(report, "quota-blocks-scaling")
    assert "needs 5 requests.cpu, but its quota allows 1500m" in message


def test_init_containers_count_where_they_take_more_and_sidecars_always(validate: Validate) -> None:
    spec = {
        "initContainers": [
            {**container(resources={"requests": {"cpu": 3}}), "name": "migrate"},
            {**container(resources={"requests": {"cpu": 1}}), "name": "proxy", "restartPolicy": "Always"},
        ]
    }
    report = judge(validate, deployment(spec, resources={"requests": {"cpu": 1}}), quota(requests_cpu="5"))
    (message,) = messages(report, "quota-exceeded")
    assert "needs 6 requests.cpu" in message
    assert "1 × 3 for" in message


def test_a_quota_of_some_pods_is_left_alone(validate: Validate) -> None:
    some = yaml.safe_load(quota(pods="0"))
    some["spec"]["scopes"] = ["BestEffort"]
    assert not messages(judge(validate, deployment(**HALF), yaml.safe_dump(some)), "quota-exceeded")


@pytest.mark.parametrize(
    ("resources", "missing"),
    [
        ({}, True),
        ({"requests": {"memory": "1Gi"}}, True),
        ({"limits": {"memory": "1Gi"}}, False),
    ],
)
def test_a_quota_wants_what_it_counts(resources: dict[str, Any], missing: bool, validate: Validate) -> None:
    report = judge(validate, deployment(resources=resources), quota(limits_memory="8Gi", requests_memory="8Gi"))
    assert bool(messages(report, "quota-needs-resources")) is missing


def test_a_limit_range_fills_in_what_is_missing(validate: Validate) -> None:
    filled = limit_range(default={"memory": "1Gi"}, defaultRequest={"cpu": "1"})
    report = judge(validate, deployment(replicas=2), filled, quota(limits_memory="2Gi", requests_cpu="9"))
    assert rules_of(report) & {"quota-needs-resources", "quota-exceeded"} == {"quota-exceeded"}


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ({"max": {"memory": "512Mi"}}, "allows at most 512Mi"),
        ({"min": {"cpu": "1"}}, "requires at least 1"),
        ({"max": {"memory": "1Gi"}, "min": {"cpu": "500m"}}, ""),
    ],
)
def test_a_limit_range_bounds_containers(bounds: dict[str, Any], said: str, validate: Validate) -> None:
    found = messages(judge(validate, deployment(**HALF), limit_range(**bounds)), "limit-range-exceeded")
    assert len(found) == bool(said)
    assert all(said in message for message in found)


@pytest.mark.parametrize(
    ("resources", "meant"),
    [
        ({"requests": {"cpu": 500}}, "500m"),
        ({"limits": {"memory": "512m"}}, "512Mi"),
        ({"requests": {"memory": 512}}, "512Mi"),
        ({"requests": {"cpu": "500m", "memory": "512Mi"}}, ""),
        ({"requests": {"cpu": 0, "memory": 0}}, ""),
        ({"requests": {"nvidia.com/gpu": 100}}, ""),
    ],
)
def test_quantities_with_the_wrong_unit(resources: dict[str, Any], meant: str, validate: Validate) -> None:
    hints = [
        each.hint for each in judge(validate, deployment(resources=resources)).findings if each.rule[:8] == "unlikely"
    ]
    assert hints == ([f"Did you mean {meant}?"] if meant else [])


def test_what_another_namespace_has_does_not_count(validate: Validate) -> None:
    elsewhere = yaml.safe_load(quota(pods="1"))
    elsewhere["metadata"]["namespace"] = "other"
    assert not messages(judge(validate, deployment(replicas=5, **HALF), yaml.safe_dump(elsewhere)), "quota-exceeded")


def test_the_level_may_come_from_a_namespace_that_is_deployed(validate: Validate) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    namespace = yaml.safe_dump({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "web", "labels": labels}})
    assert "pod-security-breach" in rules_of(judge(validate, namespace, deployment(**HALF)))


# Secrets


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        ([], False),
        ([{"namespaces": ["web"]}], False),
        ([{"namespaces": ["shop"]}], True),
        ([{"namespaceRegexes": ["^we"]}], False),
        ([{"namespaceRegexes": ["-dev$"]}], True),
        ([{"namespaces": ["shop"]}, {"namespaceSelector": {"matchLabels": {"a": "b"}}}], False),
    ],
)
def test_a_store_admits_the_namespaces_of_its_conditions(
    conditions: list[dict[str, Any]], found: bool, validate: Validate
) -> None:
    provider = {"vault": {"server": "https://vault.example.com", "auth": {}}}
    store = manifest(
        "external-secrets.io/v1", "ClusterSecretStore", "dev", spec={"provider": provider, "conditions": conditions}
    )
    secret = manifest(
        "external-secrets.io/v1",
        "ExternalSecret",
        "web",
        spec={
            "secretStoreRef": {"kind": "ClusterSecretStore", "name": "dev"},
            "dataFrom": [{"extract": {"key": "web/dev"}}],
        },
    )
    report = validate(
        {"argocd/web.yaml": APPLICATION, "apps/web/secret.yaml": secret, "platform/dev/policies/store.yaml": store}
    )
    assert ("unknown-secret-store" in rules_of(report)) is found


def test_stores_that_nobody_declares_are_not_judged(validate: Validate) -> None:
    secret = {"secretStoreRef": {"name": "vault"}, "dataFrom": [{"extract": {"key": "web"}}]}
    report = judge(validate, manifest("external-secrets.io/v1", "ExternalSecret", "web", spec=secret))
    assert "unknown-secret-store" not in rules_of(report)


ENCRYPTED = "ENC[AES256_GCM,data:aGVsbG8=,iv:bm9uY2U=,tag:dGFn,type:str]"
TEMPLATES = {"apiVersion": "isindir.github.com/v1alpha3", "kind": "SopsSecret"}


def sops(value: str) -> dict[str, Any]:
    """Return a SopsSecret of one value."""
    return {**TEMPLATES, "spec": {"secretTemplates": [{"name": "web", "stringData": {"password": value}}]}}


# Whatever is written

OURS = [
    rule for rule in RULES.values() if rule.check and rule.check.__module__ in {namespaces.__name__, secrets.__name__}
]
STORE = {
    "apiVersion": "external-secrets.io/v1",
    "kind": "ClusterSecretStore",
    "metadata": {"name": "dev"},
    "spec": {"provider": {"vault": {}}, "conditions": [{"namespaces": ["web"], "namespaceRegexes": ["-dev$"]}]},
}
FETCHED = {
    "apiVersion": "external-secrets.io/v1",
    "kind": "ExternalSecret",
    "metadata": {"name": "web"},
    "spec": {"secretStoreRef": {"kind": "ClusterSecretStore", "name": "dev"}},
}
ENFORCING = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {
        "name": "web",
        "labels": {
            "pod-security.kubernetes.io/enforce": "restricted",
            "pod-security.kubernetes.io/enforce-version": "v1.37",
        },
    },
}
FULL = deployment(
    {
        "volumes": [{"name": "a", "hostPath": {}}],
        "securityContext": {
            "sysctls": [{"name": "a"}],
            "seLinuxOptions": {"type": "a"},
            "seccompProfile": {"type": ""},
        },
        "initContainers": [container(restartPolicy="Always")],
        "overhead": {"cpu": "1"},
    },
    securityContext={"capabilities": {"add": ["A"], "drop": ["ALL"]}, "windowsOptions": {"hostProcess": True}},
    ports=[{"hostPort": 1}],
    lifecycle={"preStop": {"httpGet": {"host": "a"}}},
    **HALF,
)
WRITTEN = [yaml.safe_load(each) for each in (FULL, autoscaler(1, 2), quota(pods="1", cpu="1"))]
SHAPES: list[dict[str, Any]] = [
    *WRITTEN,
    yaml.safe_load(limit_range(max={"cpu": "1"}, default={"cpu": "1"}, min={"memory": "1Gi"})),
    yaml.safe_load(APPLICATION),
    {"destination": {"server": "https://kubernetes.default.svc"}, "promotesFrom": "dev"},
    STORE,
    FETCHED,
    ENFORCING,
    sops("hunter2"),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.sampled_from(["1e999999", "1e-999999", "50%"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)


def places(data: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the place of every value."""
    yield at
    inner: Any = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for step, value in inner:
        yield from places(value, (*at, step))


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_no_shape_of_data_raises(data: st.DataObject) -> None:
    shapes = copy.deepcopy(SHAPES)
    shape = data.draw(st.sampled_from(shapes))
    at = data.draw(st.sampled_from([place for place in places(shape) if place and place[-1] not in {"kind"}]))
    target: Any = shape
    for step in at[:-1]:
        target = target[step]
    target[at[-1]] = data.draw(JSON)
    for rule in OURS:
        for problem in _problems(rule, [Document("manifest.yaml", 0, each) for each in shapes]):
            assert problem.message
    assert all(each.message for each in secret_in_git(Document("manifest.yaml", 0, shapes[-1]), EVERYTHING))


def _problems(rule: Rule, documents: list[Document]) -> Iterator[Any]:
    application = ArgoApplication(without_nulls(documents[4].data), documents[4])
    manifests = [each for index, each in enumerate(documents) if index != 5]
    view = View(
        root=Path(),
        documents=manifests,
        applications=[application],
        rendered={key(application): manifests},
        environments={"prod": documents[5], "default": documents[5]},
    )
    assert rule.check is not None
    if rule.scope is Scope.REPOSITORY:
        yield from rule.check(view)
    elif rule.scope is Scope.APPLICATION:
        yield from rule.check(application, view)
    else:
        for document in manifests:
            yield from rule.check(document, view)
