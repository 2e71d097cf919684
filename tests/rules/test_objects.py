"""What the objects of a namespace refer to: a name, a label, a port or a key that nothing there has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from argosy.argocd.view import View, key
from argosy.documents import Document
from argosy.rules.objects import _example
from argosy.rules.registry import files_of
from tests.rules.subjects import IN_CLUSTER, application, manifest, named, problems, rendered
from tests.validating import Validate

RULES = ("selector-matches-nothing", "port-unknown", "reference-dangling", "key-unknown")


def workload(pod: str, kind: str = "apps/v1:Deployment", labels: str = "{app: shop}") -> Document:
    """Return a workload by the specification of its pods."""
    version, _, kind = kind.rpartition(":")
    template = {"metadata": {"labels": yaml.safe_load(labels)}, "spec": {"containers": [{}], **yaml.safe_load(pod)}}
    inside = {"jobTemplate": {"spec": {"template": template}}} if kind == "CronJob" else {"template": template}
    return Document("a.yaml", 0, {"apiVersion": version, "kind": kind, "metadata": {"name": "shop"}, "spec": inside})


def service(spec: str, name: str = "shop") -> Document:
    return manifest(f"{{apiVersion: v1, kind: Service, metadata: {{name: {name}}}, spec: {spec}}}")


def backend(port: str, name: str = "shop") -> Document:
    rules = f"[{{http: {{paths: [{{path: /, backend: {{service: {{name: {name}, port: {port}}}}}}}]}}}}]"
    return manifest(
        f"{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{name: shop}}, spec: {{rules: {rules}}}}}"
    )


def route(reference: str) -> Document:
    spec = f"{{rules: [{{backendRefs: [{reference}]}}]}}"
    return manifest(
        f"{{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {{name: shop}}, spec: {spec}}}"
    )


def selecting(kind: str, selector: str) -> Document:
    field = "podSelector" if kind.endswith("NetworkPolicy") else "selector"
    document = named(kind)
    document.data["spec"] = {field: yaml.safe_load(selector)}
    return document


def scaler(kind: str, target: str) -> Document:
    document = named(kind)
    document.data["spec"] = {"scaleTargetRef": yaml.safe_load(target)}
    return document


def made_by(kind: str, spec: str) -> Document:
    document = named(kind, "other")
    document.data["spec"] = yaml.safe_load(spec)
    return document


BUDGET = "policy/v1:PodDisruptionBudget"
SOPS = "isindir.github.com/v1alpha3:SopsSecret"
SELECTOR = ("spec", "selector")
TARGET = ("spec", "scaleTargetRef", "name")
POD = ("spec", "template", "spec")
BACKEND = ("spec", "rules", 0, "http", "paths", 0, "backend", "service")
PODS = workload("{containers: [{ports: [{name: http, containerPort: 8080}]}]}")
WEB = service("{selector: {app: shop}, ports: [{name: web, port: 80, targetPort: http}]}")
SECRET = "{volumes: [{secret: {secretName: shop}}]}"
CONFIG = manifest("{apiVersion: v1, kind: ConfigMap, metadata: {name: config}, data: {greeting: hello}}")
GREETING = "{containers: [{env: [{valueFrom: {configMapKeyRef: %s}}]}]}"


@pytest.mark.parametrize(
    ("objects", "rule", "at"),
    [
        # Selectors
        ([PODS, WEB], "", ()),
        ([PODS, service("{selector: {app: web}, ports: [{port: 80}]}")], "selector-matches-nothing", SELECTOR),
        ([PODS, service("{type: ExternalName, externalName: a.org, selector: {app: x}}")], "", ()),
        ([PODS, service("{ports: [{port: 80}]}")], "", ()),
        (
            [PODS, selecting(BUDGET, "{matchLabels: {app: web}}")],
            "selector-matches-nothing",
            SELECTOR,
        ),
        (
            [PODS, selecting("networking.k8s.io/v1:NetworkPolicy", "{matchLabels: {app: web}}")],
            "selector-matches-nothing",
            ("spec", "podSelector"),
        ),
        ([PODS, selecting("networking.k8s.io/v1:NetworkPolicy", "{}")], "", ()),
        (
            [
                PODS,
                selecting(BUDGET, "{matchExpressions: [{key: app, operator: In, values: [shop]}]}"),
            ],
            "",
            (),
        ),
        (
            [PODS, selecting(BUDGET, "{matchExpressions: [{key: app, operator: DoesNotExist}]}")],
            "selector-matches-nothing",
            SELECTOR,
        ),
        ([workload("{}", "batch/v1:CronJob"), service("{selector: {app: shop}, ports: [{port: 80}]}")], "", ()),
        ([named("postgresql.cnpg.io/v1:Cluster"), service("{selector: {app: db}, ports: [{port: 80}]}")], "", ()),
        # Ports
        (
            [PODS, service("{selector: {app: shop}, ports: [{port: 80, targetPort: htpp}]}")],
            "port-unknown",
            ("spec", "ports", 0, "targetPort"),
        ),
        ([PODS, service("{selector: {app: shop}, ports: [{port: 80, targetPort: 9090}]}")], "", ()),
        ([PODS, WEB, backend("{number: 80}")], "", ()),
        ([PODS, WEB, backend("{name: web}")], "", ()),
        ([PODS, WEB, backend("{name: use-annotation}")], "", ()),
        (
            [PODS, WEB, backend("{number: 8080}")],
            "port-unknown",
            BACKEND,
        ),
        ([PODS, WEB, backend("{name: wbe}")], "port-unknown", BACKEND),
        ([PODS, WEB, route("{name: shop, port: 81}")], "port-unknown", ("spec", "rules", 0, "backendRefs", 0)),
        ([PODS, WEB, route("{name: shop, port: 80}")], "", ()),
        # The schemas say what is wrong with these.
        (
            [PODS, service("{selector: {app: shop}, ports: [{port: [80]}]}"), backend("{number: {a: 1}}")],
            "port-unknown",
            BACKEND,
        ),
        # Names
        (
            [PODS, WEB, backend("{number: 80}", "web")],
            "reference-dangling",
            (*BACKEND, "name"),
        ),
        ([PODS, route("{name: web, port: 80, namespace: other}")], "", ()),
        ([workload("{serviceAccountName: shop}")], "reference-dangling", (*POD, "serviceAccountName")),
        ([workload("{serviceAccountName: shop}"), named("ServiceAccount")], "", ()),
        ([workload("{serviceAccountName: default}")], "", ()),
        (
            [workload("{volumes: [{persistentVolumeClaim: {claimName: shop}}]}")],
            "reference-dangling",
            (*POD, "volumes", 0, "persistentVolumeClaim", "claimName"),
        ),
        (
            [workload("{volumes: [{projected: {sources: [{configMap: {name: shop}}]}}]}")],
            "reference-dangling",
            (*POD, "volumes", 0, "projected", "sources", 0, "configMap"),
        ),
        ([workload("{volumes: [{configMap: {name: kube-root-ca.crt}}]}")], "", ()),
        ([workload("{volumes: [{configMap: {name: shop, optional: true}}]}")], "", ()),
        ([workload("{volumes: [{secret: {secretName: argocd-redis}}]}")], "", ()),
        (
            [workload("{containers: [{envFrom: [{secretRef: {name: shop}}]}]}")],
            "reference-dangling",
            (*POD, "containers", 0, "envFrom", 0, "secretRef", "name"),
        ),
        ([workload(SECRET)], "reference-dangling", (*POD, "volumes", 0, "secret")),
        ([workload(SECRET), made_by("external-secrets.io/v1:ExternalSecret", "{target: {name: shop}}")], "", ()),
        ([workload(SECRET), named("bitnami.com/v1alpha1:SealedSecret")], "", ()),
        ([workload(SECRET), made_by("cert-manager.io/v1:Certificate", "{secretName: shop}")], "", ()),
        ([workload(SECRET), made_by(SOPS, "{secretTemplates: [{name: shop}]}")], "", ()),
        ([workload(SECRET), named("secrets.hashicorp.com/v1beta1:VaultStaticSecret")], "", ()),
        (
            [PODS, scaler("autoscaling/v2:HorizontalPodAutoscaler", "{kind: Deployment, name: web}")],
            "reference-dangling",
            TARGET,
        ),
        ([PODS, scaler("keda.sh/v1alpha1:ScaledObject", "{name: web}")], "reference-dangling", TARGET),
        ([PODS, scaler("keda.sh/v1alpha1:ScaledObject", "{name: shop}")], "", ()),
        # Keys
        ([CONFIG, workload(GREETING % "{name: config, key: greeting}")], "", ()),
        ([CONFIG, workload(GREETING % "{name: config, key: farewell, optional: true}")], "", ()),
        (
            [CONFIG, workload(GREETING % "{name: config, key: farewell}")],
            "key-unknown",
            (*POD, "containers", 0, "env", 0, "valueFrom", "configMapKeyRef", "key"),
        ),
    ],
)
def test_what_objects_refer_to(objects: list[Document], rule: str, at: tuple[Any, ...], tmp_path: Path) -> None:
    view = rendered(tmp_path, (application(), objects))
    found = {each: [problem.at for problem in problems(each, None, view)] for each in RULES}
    assert {each: places for each, places in found.items() if places} == ({rule: [at]} if rule else {})


def test_what_another_application_deploys_to_the_namespace_is_there(tmp_path: Path) -> None:
    pods, web = (application(), [PODS]), (application(name="web"), [WEB])
    elsewhere = (application({"destination": {**IN_CLUSTER, "namespace": "other"}}, name="web"), [WEB])
    assert not problems("selector-matches-nothing", None, rendered(tmp_path, pods, web))
    assert problems("selector-matches-nothing", None, rendered(tmp_path, pods, elsewhere))


def test_nothing_is_said_of_a_namespace_that_is_not_wholly_known(tmp_path: Path) -> None:
    one = application()
    view = View(
        tmp_path, applications=[one], rendered={key(one): [workload(SECRET), WEB]}, partial=frozenset({key(one)})
    )
    assert not [each for rule in RULES for each in problems(rule, None, view)]


def test_what_is_missing_in_several_workloads_is_one_finding_and_says_where_it_is_written(validate: Validate) -> None:
    files = files_of(_example(config="settings"))
    files["apps/my-app/second.yaml"] = files["apps/my-app/deployment.yaml"].replace(
        "{name: my-app}", "{name: second}", 1
    )
    files["elsewhere.yaml"] = files["apps/my-app/config-map.yaml"].replace("my-app", "settings")
    [found] = [each for each in validate(files).findings if each.rule == "reference-dangling"]
    assert [each.path for each in found.places] == ["apps/my-app/deployment.yaml", "apps/my-app/second.yaml"]
    assert found.hint == "elsewhere.yaml declares it, and no Application deploys that to this namespace."
