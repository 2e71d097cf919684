"""The operators that have schemas: a sample of each is right, and one mistake in it is found with its place."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from argosy.schemas import bundled
from argosy.schemas.store import SchemaStore, without_nulls

STORE = SchemaStore("1.37")
LICENCES = {"Apache-2.0", "MIT", "MPL-2.0"}

SAMPLES = [
    (
        "{apiVersion: autoscaling.k8s.io/v1, kind: VerticalPodAutoscaler, spec: {targetRef: {apiVersion: apps/v1, "
        "kind: Deployment, name: web}, updatePolicy: {updateMode: Initial}, resourcePolicy: {containerPolicies: "
        "[{containerName: '*', maxAllowed: {cpu: 2, memory: 1Gi}}]}}}",
        {"updatePolicy": {"updateMode": "Always"}},
        'spec.updatePolicy.updateMode: "Always" is not allowed',
    ),
    (
        "{apiVersion: route.openshift.io/v1, kind: Route, spec: {host: a.example.com, to: {kind: Service, name: web, "
        "weight: 100}, port: {targetPort: http}, tls: {termination: edge, insecureEdgeTerminationPolicy: Redirect}}}",
        {"tls": {"termination": "Edge"}},
        'spec.tls.termination: "Edge" is not allowed',
    ),
    (
        "{apiVersion: image.openshift.io/v1, kind: ImageStream, spec: {lookupPolicy: {local: true}, tags: [{name: '1', "
        "from: {kind: DockerImage, name: 'quay.io/a/b:1'}, importPolicy: {scheduled: true}}]}}",
        {"tags": [{"name": 1}]},
        "spec.tags[0].name: must be text, not 1",
    ),
    ("{apiVersion: user.openshift.io/v1, kind: Group, users: [alice]}", {"a": 1}, 'unknown field "spec"'),
    (
        "{apiVersion: operators.coreos.com/v1alpha1, kind: Subscription, spec: {channel: stable, name: a, "
        "source: redhat-operators, sourceNamespace: openshift-marketplace, installPlanApproval: Manual}}",
        {"sourceNamespace": None},
        'spec: the required field "sourceNamespace" is missing',
    ),
    (
        "{apiVersion: operators.coreos.com/v1, kind: OperatorGroup, spec: {targetNamespaces: [a]}}",
        {"targetNamespace": ["a"]},
        'spec: unknown field "targetNamespace"',
    ),
    (
        "{apiVersion: operators.coreos.com/v1alpha1, kind: CatalogSource, spec: {sourceType: grpc, image: 'a.io/b:1'}}",
        {"image": 1},
        "spec.image: must be text",
    ),
    (
        "{apiVersion: kafka.strimzi.io/v1, kind: KafkaTopic, spec: {partitions: 3, replicas: 3, config: {a: 1}}}",
        {"partitions": 0},
        "spec.partitions: must be at least 1",
    ),
    (
        "{apiVersion: kafka.strimzi.io/v1beta2, kind: KafkaUser, spec: {authentication: {type: tls}}}",
        {"authentication": {"type": "mtls"}},
        'spec.authentication.type: "mtls" is not allowed',
    ),
    (
        "{apiVersion: tekton.dev/v1, kind: Task, spec: {params: [{name: a, type: string, default: b}], steps: "
        "[{image: 'alpine:3', script: echo}]}}",
        {"steps": [{"images": "alpine:3"}]},
        'spec.steps[0]: unknown field "images"',
    ),
    (
        "{apiVersion: kueue.x-k8s.io/v1beta2, kind: LocalQueue, spec: {clusterQueue: team}}",
        {"stopPolicy": "Stop"},
        'spec.stopPolicy: "Stop" is not allowed',
    ),
    (
        "{apiVersion: postgresql.cnpg.io/v1, kind: Cluster, spec: {instances: 3, storage: {size: 10Gi}, bootstrap: "
        "{initdb: {database: app, owner: app}}, backup: {retentionPolicy: 30d}}}",
        {"instances": "3"},
        'spec.instances: must be an integer, not the text "3"',
    ),
    (
        "{apiVersion: snapshot.storage.k8s.io/v1, kind: VolumeSnapshot, spec: {volumeSnapshotClassName: csi, source: "
        "{persistentVolumeClaimName: data}}}",
        {"source": None},
        'spec: the required field "source" is missing',
    ),
    (
        "{apiVersion: argoproj.io/v1alpha1, kind: CronWorkflow, spec: {schedules: ['0 3 * * *'], workflowSpec: "
        "{entrypoint: main, templates: [{name: main, container: {image: 'alpine:3', command: [echo]}}]}}}",
        {"workflowSpec": {"entrypoints": "main"}},
        'spec.workflowSpec: unknown field "entrypoints"',
    ),
    ("{apiVersion: argoproj.io/v1alpha1, kind: Sensor, spec: {dependencies: []}}", [], "spec: must be a mapping"),
    (
        "{apiVersion: networking.istio.io/v1, kind: VirtualService, spec: {hosts: [web], http: [{route: [{destination: "
        "{host: web, port: {number: 80}}, weight: 100}], retries: {attempts: 3, perTryTimeout: 2s}}]}}",
        {"http": [{"routes": []}]},
        'spec.http[0]: unknown field "routes"',
    ),
    (
        "{apiVersion: security.istio.io/v1, kind: PeerAuthentication, spec: {mtls: {mode: STRICT}}}",
        {"mtls": {"mode": "strict"}},
        'spec.mtls.mode: "strict" is not allowed',
    ),
    (
        "{apiVersion: policy.linkerd.io/v1beta3, kind: Server, spec: {port: http, podSelector: {matchLabels: {a: b}}, "
        "proxyProtocol: HTTP/2}}",
        {"podSelector": {"matchLabel": {}}},
        'spec.podSelector: unknown field "matchLabel"',
    ),
    (
        "{apiVersion: traefik.io/v1alpha1, kind: IngressRoute, spec: {entryPoints: [websecure], routes: [{kind: Rule, "
        "match: Host(`a`), services: [{name: web, port: 80}]}]}}",
        {"routes": [{"kind": "Rule"}]},
        'spec.routes[0]: the required field "match" is missing',
    ),
    (
        "{apiVersion: longhorn.io/v1beta2, kind: RecurringJob, spec: {name: a, task: backup, cron: '0 3 * * *', "
        "retain: 7, concurrency: 2, groups: [default]}}",
        {"task": "backups"},
        'spec.task: "backups" is not allowed',
    ),
    (
        "{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, spec: {addresses: [10.0.0.1-10.0.0.9]}}",
        {"addresses": None},
        'spec: the required field "addresses" is missing',
    ),
    (
        "{apiVersion: pkg.crossplane.io/v1, kind: Provider, spec: {package: 'xpkg.crossplane.io/a/b:v1'}}",
        {"packages": "a"},
        'spec: unknown field "packages"',
    ),
    (
        "{apiVersion: cluster.x-k8s.io/v1beta2, kind: MachineHealthCheck, spec: {clusterName: a, selector: "
        "{matchLabels: {a: b}}}}",
        {"selector": {"matchLabel": {}}},
        'spec.selector: unknown field "matchLabel"',
    ),
    (
        "{apiVersion: source.toolkit.fluxcd.io/v1, kind: GitRepository, spec: {url: 'https://a.example.com/b', "
        "interval: 5m, ref: {branch: main}}}",
        {"interval": "5 minutes"},
        "spec.interval: ",
    ),
    (
        "{apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization, spec: {interval: 10m, path: ./a, prune: "
        "true, sourceRef: {kind: GitRepository, name: a}}}",
        {"prune": None},
        'spec: the required field "prune" is missing',
    ),
    (
        "{apiVersion: helm.toolkit.fluxcd.io/v2beta2, kind: HelmRelease, spec: {interval: 1m, chart: {spec: {chart: a, "
        "sourceRef: {kind: HelmRepository, name: a}}}, values: {a: 1}}}",
        {"chart": {"spec": {"chart": "a"}}},
        'spec.chart.spec: the required field "sourceRef" is missing',
    ),
    (
        "{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, spec: {scaleTargetRef: {name: web}, maxReplicaCount: 9, "
        "triggers: [{type: cron, metadata: {timezone: UTC, start: 0 6 * * *, desiredReplicas: '3'}}]}}",
        {"triggers": [{"type": "cron", "metadata": {"desiredReplicas": 3}}]},
        "spec.triggers[0].metadata.desiredReplicas: must be text, not 3",
    ),
    (
        "{apiVersion: opentelemetry.io/v1beta1, kind: OpenTelemetryCollector, spec: {mode: deployment, config: "
        "{receivers: {otlp: {protocols: {grpc: {}}}}, exporters: {debug: {}}, service: {pipelines: {}}}}}",
        {"mode": "Deployment"},
        'spec.mode: "Deployment" is not allowed',
    ),
    (
        "{apiVersion: grafana.integreatly.org/v1beta1, kind: GrafanaDatasource, spec: {instanceSelector: {matchLabels: "
        "{a: b}}, datasource: {name: a, type: prometheus, access: proxy, url: 'http://a:9090'}}}",
        {"datasource": {"uuid": "a"}},
        'spec.datasource: unknown field "uuid"',
    ),
]


def violations(document: dict[str, Any]) -> list[str]:
    schema = STORE.for_manifest(document["apiVersion"], document["kind"])
    assert schema, "there is a schema"
    return [each.message for each in schema.violations(without_nulls(document))]


@pytest.mark.parametrize(
    ("sample", "change", "message"), SAMPLES, ids=[each[0].partition(", spec")[0][1:] for each in SAMPLES]
)
def test_a_sample_is_right_and_a_mistake_in_it_is_found(sample: str, change: Any, message: str) -> None:
    document = yaml.safe_load(sample) | {"metadata": {"name": "a"}}
    assert violations(document) == []
    spec = document.get("spec", {}) | change if isinstance(change, dict) else change
    assert message in str(violations(document | {"spec": spec}))


def test_defaults_are_there_before_a_form_is_chosen() -> None:
    """An address without a type is one of type IPAddress, which alone keeps it from fitting both of two forms."""
    listener = {"name": "http", "port": 80, "protocol": "HTTP"}
    gateway: dict[str, Any] = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "a"},
        "spec": {"gatewayClassName": "a", "addresses": [{"value": "192.0.2.1"}], "listeners": [listener]},
    }
    assert violations(gateway) == []
    gateway["spec"]["addresses"][0]["value"] = "none"
    assert len(violations(gateway)) == 1


def test_each_operator_says_where_it_comes_from() -> None:
    origins = json.loads((bundled.CRDS / "origins.json").read_bytes())
    folders = {path.name for path in bundled.CRDS.iterdir() if path.is_dir()}
    assert {each["name"] for each in origins} == folders
    for each in origins:
        assert each["licence"] in LICENCES
        assert each["repository"].startswith("https://github.com/")
        assert all(each["releases"].values()), each["name"]
