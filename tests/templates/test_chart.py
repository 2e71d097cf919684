"""The manifests of applications, in the three formats, judged by what they mean."""

from __future__ import annotations

import functools
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import helm_python
import pytest
import yaml
from yamllint import linter  # type: ignore[import-untyped]
from yamllint.config import YamlLintConfig  # type: ignore[import-untyped]

from argosy.kubernetes import kubectl
from argosy.schemas import bundled

Document = dict[str, Any]
Values = dict[str, Any]
Errors = Callable[[Document, str], list[str]]
Render = Callable[..., Path]

ENVIRONMENTS = {
    "dev": (1, "nginx:1.23.0-alpine"),
    "staging": (2, "nginx:1.24.0-alpine"),
    "prod": (3, "nginx:1.24.0-alpine"),
}
FORMATS = ("helm", "kustomize", "manifests")
VERSIONS = ("1.31", "1.37")
CUSTOM = {"HTTPRoute", "PodMonitor", "Rollout", "ServiceMonitor", "ExternalSecret"}
DIGEST = f"sha256:{'0' * 64}"
SELECTOR = {"app.kubernetes.io/name": "helm", "app.kubernetes.io/instance": "helm"}

STORE = {"storeRef": {"name": "vault"}}
ON: dict[str, Values] = {
    "ConfigMap": {"config": {"LOG_LEVEL": "info", "LIMIT": 1000000, "DEBUG": False, "NOTHING": None}},
    "ExternalSecret": {"externalSecret": {"enabled": True, **STORE, "extract": ["apps/web"]}},
    "HTTPRoute": {"httpRoute": {"enabled": True, "parentRefs": [{"name": "public"}], "hostnames": ["a.example"]}},
    "HorizontalPodAutoscaler": {"autoscaling": {"enabled": True, "targetMemoryUtilizationPercentage": 70}},
    "Ingress": {"ingress": {"enabled": True, "hosts": [{"host": "a.example"}]}},
    "NetworkPolicy": {"networkPolicy": {"enabled": True, "restrictEgress": True}},
    "PodDisruptionBudget": {"podDisruptionBudget": {"enabled": True}},
    "ServiceAccount": {"serviceAccount": {"create": True}},
    "ServiceMonitor": {"serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}}},
}
OFF: Values = {
    "podDisruptionBudget": {"enabled": False},
    "serviceAccount": {"create": False},
}
FULL: Values = {
    "replicaCount": 2,
    "image": {"digest": DIGEST, "pullPolicy": "Always"},
    "imagePullSecrets": [{"name": "registry"}],
    "command": ["serve"],
    "args": ["--verbose"],
    "containerPort": 8080,
    "extraPorts": [{"name": "metrics", "port": 9090}],
    "env": [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
    "envFrom": [{"secretRef": {"name": "database"}}],
    "commonLabels": {"environment": "dev", "app.kubernetes.io/name": "other"},
    "commonAnnotations": {"example.com/owner": "platform"},
    "deploymentAnnotations": {"reloader.stakater.com/auto": "true"},
    "podLabels": {"tier": "web", "app.kubernetes.io/instance": "other"},
    "podAnnotations": {"example.com/scrape": "no"},
    "service": {"type": "LoadBalancer", "port": 8000, "loadBalancerClass": "a.example/internal"}
    | {"loadBalancerSourceRanges": ["10.0.0.0/8"], "externalTrafficPolicy": "Local", "nodePort": 30080},
    "startupProbe": {"httpGet": {"path": "/healthz", "port": "http"}},
    "readinessProbe": {"exec": {"command": ["true"]}},
    "livenessProbe": None,
    "strategy": {"type": "Recreate"},
    "lifecycle": {"preStop": {"exec": {"command": ["sleep", "10"]}}},
    "scratch": {"paths": ["/tmp"], "sizeLimit": None},
    "volumes": [{"name": "data", "emptyDir": {}}],
    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    "initContainers": [{"name": "first", "image": "busybox:1.37.0"}],
    "extraContainers": [{"name": "beside", "image": "busybox:1.37.0"}],
    "nodeSelector": {"kubernetes.io/arch": "amd64"},
    "tolerations": [{"operator": "Exists"}],
    "affinity": {"podAntiAffinity": {}},
    "priorityClassName": "high",
    "extraManifests": [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-object"}},
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-text\n",
    ],
    "global": {"region": "north"},
}
ROLLOUTS: dict[str, Values] = {
    "canary by pods": {"rollout": {"enabled": True}},
    "canary by weights": {"rollout": {"enabled": True}, **ON["HTTPRoute"]},
    "blue-green": {"rollout": {"enabled": True, "strategy": "blueGreen", "options": {"autoPromotionEnabled": False}}},
    "everything": {key: value for values in ON.values() for key, value in values.items()}
    | {"rollout": {"enabled": True, "options": {"analysis": {"templates": [{"templateName": "errors"}]}}}},
}
VARIANTS: dict[str, Values] = {"defaults": {}, "off": OFF, "full": FULL, **ON, **ROLLOUTS}


@pytest.fixture(scope="session")
def folder(tree: Path) -> Path:
    return tree / "applications/helm/charts/helm"


@pytest.fixture(scope="session")
def chart(folder: Path) -> helm_python.Chart:
    return helm_python.Chart.load(folder)


def manifests(chart: helm_python.Chart, values: Values) -> list[Document]:
    texts = chart.render(values, name="helm", namespace="helm-dev")
    return [
        document
        for path, text in texts.items()
        if not path.endswith(".txt")
        for document in yaml.safe_load_all(text)
        if document
    ]


def only(documents: list[Document], kind: str) -> Document:
    (found,) = (document for document in documents if document["kind"] == kind)
    return found


def container(documents: list[Document]) -> Document:
    found: Document = only(documents, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    return found


def environment_values(tree: Path, environment: str) -> Values:
    paths = (tree / "environments" / environment / "values.yaml", tree / f"environments/{environment}/helm/values.yaml")
    shared, own = (yaml.safe_load(path.read_text()) for path in paths)
    return {**shared, **own}


def deployed(tree: Path, chart: helm_python.Chart, format: str, environment: str) -> list[Document]:
    """Return what the application of a format comes to in an environment."""
    if format == "helm":
        return manifests(chart, environment_values(tree, environment))
    place = tree / "environments" / environment / format
    if format == "manifests":
        return [yaml.safe_load(path.read_text()) for path in sorted(place.glob("*.yaml"))]
    return list(yaml.safe_load_all(built(place)))


@functools.cache
def built(place: Path) -> str:
    """Return what Kustomize makes of an overlay, which nobody changes."""
    kustomize = [str(kubectl.bundled()), "kustomize", str(place)]
    return subprocess.run(kustomize, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("variant", VARIANTS)
def test_chart_lints_strictly(folder: Path, variant: str) -> None:
    report = helm_python.lint(folder, VARIANTS[variant], strict=True)
    assert [message for message in report["messages"] if message["severity"] > 1] == []
    assert report["errors"] == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_chart_lints_strictly_with_the_values_of_an_environment(tree: Path, folder: Path, environment: str) -> None:
    report = helm_python.lint(folder, environment_values(tree, environment), strict=True)
    assert [message for message in report["messages"] if message["severity"] > 1] == []


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_kubernetes_takes_what_the_chart_renders(
    chart: helm_python.Chart, errors: Errors, variant: str, version: str
) -> None:
    documents = [each for each in manifests(chart, VARIANTS[variant]) if each["kind"] not in CUSTOM]
    assert {each["kind"]: found for each in documents if (found := errors(each, version))} == {}


def test_without_switches_there_are_a_deployment_and_a_service(chart: helm_python.Chart) -> None:
    assert sorted(each["kind"] for each in manifests(chart, OFF)) == ["Deployment", "Service"]


@pytest.mark.parametrize("kind", ON)
def test_a_switch_adds_its_kind_alone(chart: helm_python.Chart, kind: str) -> None:
    documents = manifests(chart, OFF | ON[kind])
    assert sorted(each["kind"] for each in documents) == sorted(["Deployment", "Service", kind])


@pytest.mark.parametrize("variant", VARIANTS)
def test_custom_resources_keep_their_schemas(chart: helm_python.Chart, variant: str) -> None:
    for document in manifests(chart, VARIANTS[variant]):
        if document["kind"] in CUSTOM:
            schema = bundled.for_kind(document["apiVersion"], document["kind"])
            assert schema
            assert schema.violations(document) == []


@pytest.mark.parametrize("variant", VARIANTS)
def test_everything_is_named_after_the_release(chart: helm_python.Chart, variant: str) -> None:
    names = {each["metadata"]["name"] for each in manifests(chart, VARIANTS[variant])}
    assert names <= {"helm", "helm-object", "helm-text", "helm-canary", "helm-preview"}


def test_the_name_can_be_overridden(chart: helm_python.Chart) -> None:
    documents = manifests(chart, {"fullnameOverride": "shop"})
    assert {each["metadata"]["name"] for each in documents} == {"shop"}


@pytest.mark.parametrize("variant", VARIANTS)
def test_selectors_never_change_and_select_the_pods_alone(chart: helm_python.Chart, variant: str) -> None:
    documents = manifests(chart, VARIANTS[variant])
    deployment = only(documents, "Rollout" if variant in ROLLOUTS else "Deployment")
    assert deployment["spec"]["selector"] == {"matchLabels": SELECTOR}
    assert all(each["spec"]["selector"] == SELECTOR for each in documents if each["kind"] == "Service")
    assert deployment["spec"]["template"]["metadata"]["labels"].items() >= SELECTOR.items()


def test_labels_and_annotations_reach_their_places(chart: helm_python.Chart) -> None:
    deployment = only(manifests(chart, FULL), "Deployment")
    assert deployment["metadata"]["labels"] == SELECTOR | {
        "app.kubernetes.io/version": "1.29.3-alpine",
        "app.kubernetes.io/managed-by": "Helm",
        "helm.sh/chart": "helm-0.1.0",
        "environment": "dev",
    }
    assert deployment["metadata"]["annotations"] == FULL["commonAnnotations"] | FULL["deploymentAnnotations"]
    pod = deployment["spec"]["template"]["metadata"]
    assert pod["labels"] == SELECTOR | {
        "app.kubernetes.io/version": "1.29.3-alpine",
        "environment": "dev",
        "tier": "web",
    }
    assert pod["annotations"] == FULL["commonAnnotations"] | FULL["podAnnotations"]


@pytest.mark.parametrize(
    ("values", "replicas"),
    [({}, 1), ({"replicaCount": 0}, 0), ({"replicaCount": None}, None), (ON["HorizontalPodAutoscaler"], None)],
)
def test_who_scales_says_how_many_replicas(chart: helm_python.Chart, values: Values, replicas: int | None) -> None:
    assert only(manifests(chart, values), "Deployment")["spec"].get("replicas") == replicas


@pytest.mark.parametrize(
    ("image", "reference"),
    [
        ({}, "nginx:1.29.3-alpine"),
        ({"digest": DIGEST}, f"nginx:1.29.3-alpine@{DIGEST}"),
        ({"repository": "localhost:5000/acme/web", "tag": "", "digest": DIGEST}, f"localhost:5000/acme/web@{DIGEST}"),
        ({"repository": "ghcr.io/acme/web", "tag": "1.10"}, "ghcr.io/acme/web:1.10"),
    ],
)
def test_image_reference(chart: helm_python.Chart, image: Values, reference: str) -> None:
    assert container(manifests(chart, {"image": image}))["image"] == reference


def test_a_tag_becomes_a_label_that_kubernetes_takes(chart: helm_python.Chart) -> None:
    labels = only(manifests(chart, {"image": {"tag": f"_{'a' * 61}-b"}}), "Deployment")["metadata"]["labels"]
    assert labels["app.kubernetes.io/version"] == "a" * 61


@pytest.mark.parametrize(
    ("probe", "handler"),
    [
        ({}, {"tcpSocket": {"port": "http"}}),
        ({"httpGet": {"path": "/up", "port": "http"}}, {"httpGet": {"path": "/up", "port": "http"}}),
        ({"exec": {"command": ["true"]}}, {"exec": {"command": ["true"]}}),
    ],
)
def test_a_probe_has_exactly_one_handler(chart: helm_python.Chart, probe: Values, handler: Values) -> None:
    found = container(manifests(chart, {"readinessProbe": probe}))["readinessProbe"]
    assert found == {"periodSeconds": 5, "failureThreshold": 2, **handler}


def test_a_handler_of_ones_own_replaces_the_default(chart: helm_python.Chart) -> None:
    documents = manifests(chart, FULL)
    assert container(documents)["lifecycle"] == FULL["lifecycle"]
    assert only(documents, "Deployment")["spec"]["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize("kind", ["ConfigMap", "ExternalSecret"])
def test_changed_settings_reach_and_restart_the_pods(chart: helm_python.Chart, kind: str) -> None:
    key, value = next(iter(ON[kind].items()))
    other = {"LOG_LEVEL": "debug"} if kind == "ConfigMap" else {**value, "extract": ["apps/other"]}
    before, after = (manifests(chart, values) for values in (ON[kind], {key: other}))
    reference = "configMapRef" if kind == "ConfigMap" else "secretRef"
    assert container(before)["envFrom"] == [{reference: {"name": "helm"}}]
    pods = (only(each, "Deployment")["spec"]["template"] for each in (before, after))
    first, second = (pod["metadata"]["annotations"] for pod in pods)
    assert first.keys() == second.keys()
    assert first != second


def test_settings_are_text(chart: helm_python.Chart) -> None:
    data = only(manifests(chart, ON["ConfigMap"]), "ConfigMap")["data"]
    assert data == {"LOG_LEVEL": "info", "LIMIT": "1000000", "DEBUG": "false"}


def test_routes_lead_to_the_service(chart: helm_python.Chart) -> None:
    backend = {"group": "", "kind": "Service", "name": "helm", "port": 80, "weight": 1}
    everything = [{"path": {"type": "PathPrefix", "value": "/"}}]
    route = only(manifests(chart, ON["HTTPRoute"]), "HTTPRoute")
    assert route["spec"]["rules"] == [{"matches": everything, "backendRefs": [backend]}]
    redirect = {"filters": [{"type": "RequestRedirect", "requestRedirect": {"scheme": "https"}}]}
    values = {"httpRoute": ON["HTTPRoute"]["httpRoute"] | {"rules": [redirect]}}
    assert only(manifests(chart, values), "HTTPRoute")["spec"]["rules"] == [{"matches": everything, **redirect}]
    ingress = only(manifests(chart, ON["Ingress"]), "Ingress")["spec"]["rules"][0]
    assert ingress["http"]["paths"][0]["backend"] == {"service": {"name": "helm", "port": {"name": "http"}}}


@pytest.mark.parametrize("variant", ROLLOUTS)
def test_a_rollout_runs_the_pods_that_the_deployment_would(
    chart: helm_python.Chart, errors: Errors, variant: str
) -> None:
    values = ROLLOUTS[variant]
    documents, before = manifests(chart, values), manifests(chart, values | {"rollout": {"enabled": False}})
    rollout, deployment = only(documents, "Rollout"), only(before, "Deployment")
    (strategy,) = rollout["spec"].pop("strategy").values()
    assert deployment["spec"].pop("strategy")["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert rollout | {"apiVersion": "apps/v1", "kind": "Deployment"} == deployment
    assert errors(deployment, VERSIONS[-1]) == []
    services = {each["metadata"]["name"] for each in documents if each["kind"] == "Service"}
    named = {strategy[key] for key in strategy if key.endswith("Service")}
    assert services == named | {"helm"}


@pytest.mark.parametrize(
    ("values", "kind"),
    [({}, "Deployment"), (ROLLOUTS["canary by pods"], "Rollout"), (ROLLOUTS["blue-green"], "Rollout")],
)
def test_the_autoscaler_scales_what_runs_the_pods(chart: helm_python.Chart, values: Values, kind: str) -> None:
    documents = manifests(chart, values | ON["HorizontalPodAutoscaler"])
    target = only(documents, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    workload = only(documents, kind)
    assert target == {key: workload[key] for key in ("apiVersion", "kind")} | {"name": "helm"}
    assert "replicas" not in workload["spec"]


def test_a_canary_shares_out_requests_by_the_weights_of_the_route(chart: helm_python.Chart) -> None:
    documents = manifests(chart, ROLLOUTS["canary by weights"])
    canary = only(documents, "Rollout")["spec"]["strategy"]["canary"]
    assert canary["trafficRouting"] == {
        "plugins": {"argoproj-labs/gatewayAPI": {"httpRoute": "helm", "namespace": "helm-dev"}}
    }
    assert (canary["stableService"], canary["canaryService"]) == ("helm", "helm-canary")
    (rule,) = only(documents, "HTTPRoute")["spec"]["rules"]
    assert {each["name"]: each["weight"] for each in rule["backendRefs"]} == {"helm": 100, "helm-canary": 0}
    by_pods = only(manifests(chart, ROLLOUTS["canary by pods"]), "Rollout")["spec"]["strategy"]["canary"]
    assert by_pods == {"steps": canary["steps"], "maxSurge": 1, "maxUnavailable": 0}


def test_only_one_service_is_seen_from_outside(chart: helm_python.Chart) -> None:
    values = {"service": {"type": "NodePort", "nodePort": 30080, "annotations": {"a": "b"}}}
    documents = manifests(chart, ROLLOUTS["blue-green"] | values)
    preview = next(each for each in documents if each["metadata"]["name"] == "helm-preview")
    assert preview["spec"]["type"] == "ClusterIP"
    assert "annotations" not in preview["metadata"]
    assert "nodePort" not in preview["spec"]["ports"][0]


def test_each_pod_is_measured_once(chart: helm_python.Chart) -> None:
    kinds = [
        {each["kind"] for each in manifests(chart, values | ON["ServiceMonitor"])} & {"PodMonitor", "ServiceMonitor"}
        for values in ({}, ROLLOUTS["canary by pods"], ROLLOUTS["blue-green"], ROLLOUTS["canary by weights"])
    ]
    assert kinds == [{"ServiceMonitor"}, {"ServiceMonitor"}, {"PodMonitor"}, {"PodMonitor"}]


def test_a_spread_constraint_of_ones_own_keeps_its_selector(chart: helm_python.Chart) -> None:
    mine = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    selector = {"labelSelector": {"matchExpressions": [{"key": "tier", "operator": "Exists"}]}}
    values = {"topologySpreadConstraints": [mine, mine | selector]}
    spec = only(manifests(chart, values), "Deployment")["spec"]["template"]["spec"]
    assert spec["topologySpreadConstraints"] == [mine | {"labelSelector": {"matchLabels": SELECTOR}}, mine | selector]


@pytest.mark.parametrize("format", FORMATS)
def test_pods_keep_the_restricted_standard(tree: Path, chart: helm_python.Chart, format: str) -> None:
    documents = deployed(tree, chart, format, "dev")
    for pod in [only(documents, "Deployment")["spec"]["template"]["spec"]]:
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        safe = {"net.ipv4.ip_unprivileged_port_start"}
        assert {each["name"] for each in pod["securityContext"].get("sysctls", [])} <= safe
        assert all(volume.keys() == {"name", "emptyDir"} for volume in pod.get("volumes", []))
        for each in pod["containers"]:
            assert each["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"replicacount": 2}, "'replicacount' not allowed"),
        ({"image": {"tagg": "1"}}, "'tagg' not allowed"),
        ({"replicaCount": "2"}, "/replicaCount"),
        ({"replicaCount": -1}, "/replicaCount"),
        ({"image": {"tag": 1.29}}, "/image/tag"),
        ({"image": {"digest": "sha256:1"}}, "/image/digest"),
        ({"image": {"pullPolicy": "Sometimes"}}, "/image/pullPolicy"),
        ({"image": None}, "'image'"),
        ({"image": {"tag": ""}}, "image.tag and image.digest are both empty"),
        ({"service": {"type": "Clusterip"}}, "/service/type"),
        ({"service": {"port": 70000}}, "/service/port"),
        ({"service": {"port": None}}, "'port'"),
        ({"ingress": {"enabled": "yes"}}, "/ingress/enabled"),
        ({"ingress": {"enabled": True}}, "/ingress/hosts"),
        ({"httpRoute": {"enabled": True}}, "/httpRoute/parentRefs"),
        ({"externalSecret": {"enabled": True}}, "/externalSecret/storeRef/name"),
        ({"externalSecret": {"enabled": True, **STORE}}, "/externalSecret/extract"),
        ({"podDisruptionBudget": {"maxUnavailable": 0}}, "/podDisruptionBudget/maxUnavailable"),
        ({"autoscaling": {"enabled": True, "minReplicas": 11}}, "autoscaling.minReplicas (11)"),
        ({"rollout": {"enabled": True, "strategy": "bluegreen"}}, "/rollout/strategy"),
        ({"rollout": {"enabled": True, "steps": [{"setWeight": 1, "pause": {}}]}}, "/rollout/steps/0"),
        ({"rollout": {"enabled": True}, "fullnameOverride": "a" * 56}, "/fullnameOverride"),
        ({"resources": {"limits": {"memory": "1 GB"}}}, "/resources/limits/memory"),
        ({"scratch": {"paths": ["/tmp/../etc"]}}, "/scratch/paths/0"),
        ({"env": [{"name": "PORT", "value": 80}]}, "/env/0/value"),
        ({"podAnnotations": {"a": True}}, "/podAnnotations/a"),
        ({"livenessProbe": {"period": 3}}, "'period' not allowed"),
    ],
)
def test_wrong_values_are_refused_by_name(chart: helm_python.Chart, values: Values, told: str) -> None:
    with pytest.raises(helm_python.HelmError) as refusal:
        manifests(chart, values)
    assert told in str(refusal.value)


def test_every_value_may_be_absent_but_image_and_port(chart: helm_python.Chart, errors: Errors) -> None:
    optional = [key for key in chart.values if key not in {"image", "service"}]
    least = {"image": dict.fromkeys(chart.values["image"]) | {"repository": "nginx", "tag": "1"}}
    least["service"] = dict.fromkeys(chart.values["service"]) | {"port": 80}
    for values in ({key: None} for key in optional):
        assert manifests(chart, values)
    for document in manifests(chart, dict.fromkeys(optional) | least):
        assert errors(document, VERSIONS[-1]) == []


@pytest.mark.parametrize("kind", sorted(ON.keys() - {"ConfigMap"}))
def test_a_switch_needs_only_what_the_schema_asks_for(chart: helm_python.Chart, kind: str) -> None:
    key, value = next(iter(ON[kind].items()))
    required = {"enabled", "create", "parentRefs", "hosts", "storeRef", "extract", "maxReplicas", "image"}
    absent = {each: None for each in chart.values[key] if each not in required and each not in value}
    assert only(manifests(chart, OFF | {key: absent | value}), kind)


def test_schema_and_defaults_describe_the_same_values(folder: Path) -> None:
    schema = json.loads((folder / "values.schema.json").read_text())["properties"]
    defaults = yaml.safe_load((folder / "values.yaml").read_text())
    assert schema.keys() - {"global"} == defaults.keys()


def test_the_chart_needs_nothing_of_a_cluster(folder: Path) -> None:
    texts = [path.read_text() for path in (folder / "templates").rglob("*.*")]
    assert not any(word in text for text in texts for word in (".Capabilities", "lookup"))


def test_the_chart_depends_on_the_name_alone(render: Render, tree: Path) -> None:
    image = {"repository": "ghcr.io/acme/web", "tag": "2", "digest": DIGEST}
    other = render("helm", team="web", port=9000, image=image, images={})
    place = Path("applications/helm/charts/helm")
    first, second = (
        {path.relative_to(root / place): path.read_bytes() for path in (root / place).rglob("*") if path.is_file()}
        for root in (tree, other)
    )
    assert first == second


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_each_format_means_what_the_guide_means(
    tree: Path, chart: helm_python.Chart, errors: Errors, format: str, environment: str
) -> None:
    replicas, image = ENVIRONMENTS[environment]
    documents = deployed(tree, chart, format, environment)
    deployment, service = only(documents, "Deployment"), only(documents, "Service")
    assert deployment["metadata"]["name"] == service["metadata"]["name"] == format
    assert deployment["spec"]["replicas"] == replicas
    assert container(documents)["image"] == image
    assert container(documents)["ports"] == [{"name": "http", "containerPort": 80, "protocol": "TCP"}]
    assert service["spec"]["type"] == "ClusterIP"
    assert service["spec"]["ports"] == [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}]
    for version in VERSIONS:
        assert [found for each in documents for found in errors(each, version)] == []


def test_the_formats_deploy_the_same_pods(tree: Path, chart: helm_python.Chart) -> None:
    def spec(format: str) -> Any:
        documents = deployed(tree, chart, format, "prod")
        deployment, service = only(documents, "Deployment")["spec"], only(documents, "Service")["spec"]
        deployment["template"].pop("metadata")
        deployment["template"]["spec"].pop("serviceAccountName", None)
        return json.loads(json.dumps([deployment, service]).replace(f'"{format}"', '"web"'))

    assert spec("helm") == spec("kustomize") == spec("manifests")


@pytest.mark.parametrize(
    ("tag", "digest", "reference"),
    [("", "", ":latest"), ("1.10", "", ":1.10"), ("1.10", DIGEST, f":1.10@{DIGEST}"), ("", DIGEST, f"@{DIGEST}")],
    ids=["neither", "tag", "both", "digest"],
)
def test_each_format_takes_tags_and_digests(render: Render, tag: str, digest: str, reference: str) -> None:
    repository = "localhost:5000/acme/web"
    image = {"repository": repository, "tag": tag, "digest": digest}
    tree = render(*FORMATS, port=8080, image=image, images={})
    chart = helm_python.Chart.load(tree / "applications/helm/charts/helm")
    for format in FORMATS:
        documents = deployed(tree, chart, format, "dev")
        assert container(documents)["image"] == repository + reference
        assert container(documents)["ports"][0]["containerPort"] == 8080
        assert only(documents, "Service")["spec"]["ports"][0]["port"] == 8080


def test_application_settings_are_read_as_they_were_given(render: Render) -> None:
    team = 'the "A" team: é'
    settings = (render("helm", team=team) / "applications/helm/application.yaml").read_text()
    assert yaml.safe_load(settings) == {"format": "helm", "team": team}


def test_yaml_is_clean(tree: Path) -> None:
    config = YamlLintConfig("{extends: default, rules: {line-length: {max: 120}, document-start: disable}}")
    paths = [
        path
        for folder in ("applications", "environments")
        for path in (tree / folder).rglob("*.yaml")
        if path.parent.name not in {"templates", "tests"} and path.name != "environment.yaml"
    ]
    assert len(paths) > 20
    assert [(path, each) for path in paths for each in linter.run(path.read_text(), config, str(path))] == []
