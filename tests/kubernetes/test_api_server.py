from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.kubernetes.api_server import cron_problem, quantity, violations
from argosy.schemas.store import SchemaStore, without_nulls


def manifest(kind: str, api_version: str = "v1", name: str = "web", **fields: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **fields}


def pod(**spec: Any) -> dict[str, Any]:
    return manifest("Pod", spec={"containers": [{"name": "web", "image": "nginx"}]} | spec)


def container(**fields: Any) -> dict[str, Any]:
    return pod(containers=[{"name": "web", "image": "nginx"} | fields])


def workload(kind: str = "Deployment", labels: Any = None, selector: Any = None, **spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": labels or {"app": "web"}}, "spec": pod()["spec"]}
    chosen = {"matchLabels": {"app": "web"}} if selector is None else selector
    return manifest(kind, "apps/v1", spec={"selector": chosen, "template": template} | spec)


def job(**spec: Any) -> dict[str, Any]:
    return manifest("Job", "batch/v1", spec={"template": {"spec": pod(**spec)["spec"]}})


def service(*ports: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return manifest("Service", spec={"ports": list(ports), "selector": {"app": "web"}} | spec)


def cron_job(schedule: str) -> dict[str, Any]:
    template = {"spec": job(restartPolicy="Never")["spec"]}
    return manifest("CronJob", "batch/v1", spec={"schedule": schedule, "jobTemplate": template})


def autoscaler(**spec: Any) -> dict[str, Any]:
    target = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}
    return manifest("HorizontalPodAutoscaler", "autoscaling/v2", spec=target | spec)


def ingress(path: dict[str, Any]) -> dict[str, Any]:
    return manifest("Ingress", "networking.k8s.io/v1", spec={"rules": [{"http": {"paths": [path]}}]})


def binding(scope: str, **subject: Any) -> dict[str, Any]:
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": f"{scope}Role", "name": "r"}
    subjects = [{"kind": "ServiceAccount", "name": "a"} | subject]
    return manifest(f"{scope}RoleBinding", "rbac.authorization.k8s.io/v1", "system:a", roleRef=role, subjects=subjects)


BACKEND = {"service": {"name": "web", "port": {"number": 80}}}
EXPRESSIONS = [
    {"key": "app", "operator": "In", "values": ["web"]},
    {"key": "tier", "operator": "DoesNotExist"},
    {"key": "app", "operator": "NotIn", "values": ["db"]},
    {"key": "app", "operator": "Exists"},
]
GOOD = [
    pod(),
    pod(volumes=[{"name": "a", "emptyDir": {}}, {"name": "b"}], initContainers=[{"name": "init", "image": "i"}]),
    container(livenessProbe={"exec": {"command": ["true"]}}, env=[{"name": "A", "value": "1"}]),
    container(resources={"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"cpu": 0.5, "memory": "1025Mi"}}),
    workload(),
    workload(selector={"matchExpressions": EXPRESSIONS}),
    workload(strategy={"type": "Recreate"}),
    job(restartPolicy="OnFailure"),
    service({"port": 80}),
    service({"port": 53, "name": "a"}, {"port": 53, "name": "b", "protocol": "UDP"}),
    service(type="ExternalName", externalName="example.com"),
    service(clusterIP="None"),
    cron_job("*/5 0-6,12 1 JAN-mar ?"),
    autoscaler(minReplicas=2, maxReplicas=2),
    manifest("PodDisruptionBudget", "policy/v1", spec={"minAvailable": 1}),
    ingress({"path": "/", "pathType": "Prefix", "backend": BACKEND}),
    binding("Cluster", namespace="a"),
    binding(""),
    manifest("Namespace"),
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "web-"}},
]


@pytest.mark.parametrize("good", GOOD, ids=lambda good: good["kind"])
def test_what_an_api_server_takes_passes(good: dict[str, Any]) -> None:
    assert violations(good) == []
    schema = SchemaStore("1.37").for_manifest(good["apiVersion"], good["kind"])
    assert schema is not None
    assert schema.violations(good) == []


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"apiVersion": "v1", "kind": "ConfigMap"}, 'metadata: the required field "name" is missing'),
        (manifest("ConfigMap", name="My_Map"), "metadata.name: must be made of lower-case letters"),
        (manifest("ConfigMap", name="a" * 254), "metadata.name: has 254 characters, at most 253 are possible"),
        (manifest("Service", name="1web", spec={"ports": [{"port": 1}]}), "metadata.name: must be made of"),
        (manifest("Namespace", name="a.b"), "metadata.name: must be made of"),
        (manifest("Application", "argoproj.io/v1alpha1", "Web"), "metadata.name: must be made of"),
        (manifest("Role", "rbac.authorization.k8s.io/v1", "a/b"), "metadata.name: must be made of neither"),
        (pod() | {"metadata": {"name": "a", "namespace": "My"}}, "metadata.namespace: must be made of"),
        (container(image=None), 'spec.containers[0]: the required field "image" is missing'),
        (container(env=[{"name": "A"}, {"name": "A"}]), 'containers[0].env: the variable "A" is there twice'),
        (container(ports=[{"name": "a"}] * 3), 'the port "a" is there 3 times'),
        (
            container(volumeMounts=[{"name": "data", "mountPath": "/a"}]),
            'volumeMounts[0].name: the pod has no volume "data"',
        ),
        (container(livenessProbe={"periodSeconds": 1}), "livenessProbe: set exactly one of exec, grpc, httpGet"),
        (container(readinessProbe={"exec": {}, "grpc": {}}), "readinessProbe: set exactly one of"),
        (
            container(resources={"requests": {"memory": "2Gi"}, "limits": {"memory": "2G"}}),
            'the request "2Gi" is more than the limit "2G"',
        ),
        (pod(volumes=[{"name": "a"}, {"name": "a"}]), 'the volume "a" is there twice'),
        (pod(volumes=[{"name": "a", "emptyDir": {}, "secret": {}}]), "one source, not several: emptyDir, secret"),
        (pod(initContainers=[{"name": "web", "image": "i"}]), 'the container "web" is there twice'),
        (workload(labels={"app": "db"}), 'does not match the labels of the pod template: app: "web"'),
        (workload(selector={}), "spec.selector: must not be empty"),
        (
            workload(labels={"tier": "a", "app": "web"}, selector={"matchExpressions": EXPRESSIONS}),
            "pod template: tier",
        ),
        (workload(strategy={"type": "Recreate", "rollingUpdate": {}}), "not allowed with the type Recreate"),
        (workload(strategy={"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}}), "may not both be 0"),
        (job(), '"Always" is the default, which is not allowed here; use OnFailure or Never'),
        (job(restartPolicy="Always"), '"Always" is not allowed here'),
        (
            service({"port": 80}, {"port": 81, "name": "a"}),
            "spec.ports[0]: a port needs a name where there are several",
        ),
        (service({"port": 80, "name": "a"}, {"port": 80, "name": "b"}), 'the port "80/TCP" is there twice'),
        (service({"port": 80, "nodePort": 30000}), "spec.ports[0].nodePort: is not allowed"),
        (service(), 'spec: the required field "ports" is missing'),
        (service(type="ExternalName"), 'the field "externalName" is missing'),
        (cron_job("61 * * * *"), '"61 * * * *" has "61" as its minute, which goes from 0 to 59'),
        (autoscaler(minReplicas=5, maxReplicas=3), "spec.maxReplicas: 3 is less than minReplicas, which is 5"),
        (
            manifest("PodDisruptionBudget", "policy/v1", spec={"minAvailable": 1, "maxUnavailable": 1}),
            "may not be set together",
        ),
        (ingress({"path": "api", "pathType": "Prefix", "backend": BACKEND}), 'must begin with "/"'),
        (ingress({"path": "/", "pathType": "Prefix", "backend": {}}), "set exactly one of service, resource"),
        (manifest("Ingress", "networking.k8s.io/v1", spec={}), "one of rules, defaultBackend must be set"),
        (binding("Cluster"), 'subjects[0]: the field "namespace" is missing'),
    ],
)
def test_what_an_api_server_refuses_is_said(bad: dict[str, Any], message: str) -> None:
    (violation,) = violations(bad)
    assert message in violation.message


def test_a_variable_that_is_there_twice_is_taken_with_a_warning() -> None:
    found = violations(container(env=[{"name": "A"}, {"name": "A"}], ports=[{"name": "a"}, {"name": "a"}]))
    assert {each.at[-1]: each.is_accepted for each in found} == {"env": True, "ports": False}


def test_a_stateful_sets_claims_are_volumes() -> None:
    mounts = [{"name": "data", "mountPath": "/data"}]
    claims = [{"metadata": {"name": "data"}}]
    stateful = workload("StatefulSet", volumeClaimTemplates=claims)
    stateful["spec"]["template"]["spec"] = container(volumeMounts=mounts)["spec"]
    assert violations(stateful) == []


def test_foreign_kinds_are_judged_by_their_name_alone() -> None:
    assert violations(manifest("Deployment", "acme.io/v1", spec={"template": {"spec": {"containers": [{}]}}})) == []
    assert violations({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}) == []


@pytest.mark.parametrize(
    ("text", "number"),
    [("500m", "0.5"), ("1Ki", "1024"), ("1.5G", "1.5e9"), ("1e3", "1000"), (".5", "0.5"), (2, "2"), (0.25, "0.25")],
)
def test_quantities(text: Any, number: str) -> None:
    assert quantity(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "1 Gi", "1KB", "1K", "Gi", "1e", True, None, []])
def test_what_is_no_quantity(text: Any) -> None:
    assert quantity(text) is None
    assert quantity(10**5000) is None


@pytest.mark.parametrize("schedule", ["* * * * *", "0 9-17/2 * * mon-fri", "5/15 0 31 12 0", "@daily", "@every 1h30m"])
def test_cron_schedules(schedule: str) -> None:
    assert cron_problem(schedule) == ""


@pytest.mark.parametrize(
    "schedule",
    [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 7",
        "5-1 * * * *",
        "*/0 * * * *",
        "a * * * *",
        "@never",
        "TZ=UTC 0 0 * * *",
        "1,,2 * * * *",
        f"{'9' * 5000} * * * *",
    ],
)
def test_what_is_no_cron_schedule(schedule: str) -> None:
    assert cron_problem(schedule)


KEYS = st.sampled_from(
    ["spec", "template", "metadata", "containers", "ports", "name", "selector", "env", "rules", "volumes"]
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.just({"name": []}),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=100, deadline=None)
@given(kind=st.sampled_from(sorted({good["kind"] for good in GOOD})), fields=st.dictionaries(KEYS, JSON), other=JSON)
def test_no_data_makes_the_checks_fail(kind: str, fields: dict[str, Any], other: Any) -> None:
    violations(other)
    for violation in violations(fields | {"apiVersion": "v1", "kind": kind}):
        assert violation.message


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (container(env=[{"name": "A", "value": "a", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]),
         "spec.containers[0].env[0]: value and valueFrom may not be set together"),
        (container(volumeDevices=[{"name": "disk", "devicePath": "/dev/disk"}]),
         'spec.containers[0].volumeDevices[0].name: the pod has no volume "disk"'),
        (container(lifecycle={"preStop": {"sleep": {"seconds": 31}}}),
         "spec.containers[0].lifecycle.preStop.sleep: 31 must be from 0 to terminationGracePeriodSeconds, which is 30"),
        (container(livenessProbe={"httpGet": {"port": 80}, "successThreshold": 2}),
         "spec.containers[0].livenessProbe.successThreshold: must be at most 1, not 2"),
        (pod(tolerations=[{"operator": "Exists", "value": "a", "key": "b"}]),
         "spec.tolerations[0]: value may not be set with the operator Exists"),
        (pod(securityContext={"seccompProfile": {"type": "Localhost"}}),
         "spec.securityContext.seccompProfile: the type Localhost needs localhostProfile"),
        (service({"port": 80}, loadBalancerClass="example.com/lb"),
         "spec: loadBalancerClass needs the type LoadBalancer"),
        (service({"port": 80}, type="NodePort", clusterIP="None"),
         "spec: clusterIP may not be None with the type NodePort or LoadBalancer"),
        (autoscaler(maxReplicas=2, metrics=[{"type": "Pods"}]), "spec.metrics[0]: the type Pods needs pods"),
        (job(restartPolicy="Never") | {"spec": job(restartPolicy="Never")["spec"] | {"completionMode": "Indexed"}},
         "spec: the completionMode Indexed needs completions"),
        (manifest("LimitRange", spec={"limits": [{"type": "Container", "min": {"cpu": 2}, "max": {"cpu": 1}}]}),
         "spec.limits[0].min.cpu: 2 is more than its max, which is 1"),
        (manifest("ResourceQuota", spec={"hard": {"cores": 2}}),
         'spec.hard: the name "cores" is not allowed: must be a resource that a quota knows, such as requests.cpu, '
         "or a name with a domain before it, not \"cores\""),
        (manifest("Role", "rbac.authorization.k8s.io/v1", rules=[{"verbs": ["get"], "resources": ["pods"]}]),
         'rules[0]: the required field "apiGroups" is missing: one of apiGroups, nonResourceURLs must be set'),
        (manifest("ConfigMap", name="c") | {"metadata": {"name": "c", "finalizers": ["mine"]}},
         'metadata.finalizers[0]: must have a domain before it, such as example.com/name, not "mine"'),
    ],
)  # fmt: skip
def test_what_the_api_server_refuses_of_fields_together(wrong: dict[str, Any], message: str) -> None:
    assert message in refused(wrong)


def test_what_the_api_server_takes() -> None:
    claim = {"metadata": {"name": "data", "labels": {"app": "no label!"}}, "spec": CLAIM}
    for taken in (
        container(args=["a", None], volumeMounts=None, imagePullPolicy=""),
        pod(terminationGracePeriodSeconds=-1),
        workload("StatefulSet", serviceName="web", volumeClaimTemplates=[claim], podManagementPolicy=""),
        manifest("LimitRange", spec={"limits": []}),
        service({"port": 80, "targetPort": 0, "protocol": ""}, clusterIP="None"),
        manifest("PodDisruptionBudget", "policy/v1", "Any name", spec={"selector": {}}),
        manifest("Namespace") | {"metadata": {"name": "a", "namespace": "Of No Use"}},
    ):
        assert refused(taken) == [], taken


def test_each_field_of_a_definition_has_a_type_but_in_alternatives() -> None:
    one_of = [{"required": ["a"], "properties": {"a": {"enum": ["x"]}}}, {"required": ["b"]}]
    fields = {"a": {"type": "string"}, "b": {"x-kubernetes-int-or-string": True}}
    spec = {"type": "object", "properties": fields, "oneOf": one_of}
    version = {"name": "v1", "served": True, "storage": True}
    names = {"plural": "widgets", "kind": "Widget"}

    def definition(properties: dict[str, Any]) -> dict[str, Any]:
        schema = {"openAPIV3Schema": {"type": "object", "properties": properties}}
        group = {"group": "example.com", "scope": "Namespaced", "names": names}
        versions = {"versions": [version | {"schema": schema}]}
        kind = "CustomResourceDefinition"
        return manifest(kind, "apiextensions.k8s.io/v1", "widgets.example.com", spec=group | versions)

    assert refused(definition({"spec": spec})) == []
    untyped = {"type": "array", "items": {"pattern": "a"}}
    (message,) = refused(definition({"spec": spec, "list": untyped}))
    assert message.endswith('openAPIV3Schema.properties.list.items: the required field "type" is missing')


def test_a_service_may_begin_with_a_digit_from_1_36_on() -> None:
    numbered = service({"port": 80}) | {"metadata": {"name": "1st"}}
    assert violations(numbered, "1.36") == []
    (old,) = violations(numbered, "1.35")
    assert "a letter first" in old.message


CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}


def refused(data: dict[str, Any]) -> list[str]:
    schema = SchemaStore("1.37").for_manifest(data["apiVersion"], data["kind"])
    assert schema is not None
    data = without_nulls(data)
    return [each.message for each in (*schema.violations(data), *violations(data, "1.37"))]


def test_what_generators_write_as_a_status_is_taken() -> None:
    """An API server leaves it out of a new object: of a definition it is a file of its own, with empty names."""
    names = {"plural": "widgets", "kind": "Widget"}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
    spec = {"group": "example.com", "scope": "Namespaced", "names": names, "versions": [version]}
    status = {"acceptedNames": {"kind": "", "plural": ""}, "conditions": [], "storedVersions": []}
    api_version = "apiextensions.k8s.io/v1"
    definition = manifest("CustomResourceDefinition", api_version, "widgets.example.com", spec=spec, status=status)
    assert refused(definition) == []
