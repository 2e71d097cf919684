"""What charts are told of the API versions of the cluster that they are deployed to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from argosy.argocd import configuration, deployments
from argosy.argocd.capabilities import Capabilities
from argosy.documents.fields import field

_APPLICATION = """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: {name}, namespace: argocd}}
spec:
  project: default
  source: {{repoURL: https://example.com/{repository}, path: {path}, targetRevision: HEAD{more}}}
  destination: {{server: {server}, namespace: shop}}
"""
_HERE, _THERE = "https://kubernetes.default.svc", "https://other.example.com"
_ASKING = """
apiVersion: v1
kind: ConfigMap
metadata: {name: asks}
data:
  policy: {{ .Capabilities.APIVersions.Has "policy/v1/PodDisruptionBudget" | quote }}
  review: {{ .Capabilities.APIVersions.Has "authentication.k8s.io/v1/TokenReview" | quote }}
  monitor: {{ .Capabilities.APIVersions.Has "monitoring.coreos.com/v1/ServiceMonitor" | quote }}
  widget: {{ .Capabilities.APIVersions.Has "example.com/v1" | quote }}
  old: {{ .Capabilities.APIVersions.Has "example.com/v1alpha1/Widget" | quote }}
  metrics: {{ .Capabilities.APIVersions.Has "metrics.example.com/v1" | quote }}
"""
_DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: {{ "Widget" }}, listKind: WidgetList}
  versions: [{name: v1, served: true, storage: true}, {name: v1alpha1, served: false, storage: false}]
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.metrics.example.com}
spec: {group: metrics.example.com, version: v1, groupPriorityMinimum: 100, versionPriority: 100}
"""


def _application(name: str, path: str, server: str = _HERE, more: str = "", repository: str = "shop") -> str:
    return _APPLICATION.format(name=name, path=path, server=server, more=more, repository=repository)


def _answers(root: Path, files: dict[str, str]) -> dict[str, dict[str, str]]:
    """Return what the chart `asks` found, by the Application."""
    everything = {
        "asks/Chart.yaml": "apiVersion: v2\nname: asks\nversion: 1.0.0\n",
        "asks/templates/asks.yaml": _ASKING,
        ".argosy.yaml": "repoURLs: [https://example.com/shop]\nkubernetesVersions: ['1.37']\n",
        **files,
    }
    for path, text in everything.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    found = deployments.find(root, configuration.load(root))
    assert [fault.message for render in found.renders for fault in render.faults] == []
    assert not [remark for render in found.renders for remark in render.remarks]
    return {
        render.application.name: document.data["data"]
        for render in found.renders
        for document in render.documents
        if render.application and field(document.data, "metadata", "name") == "asks"
    }


def _true(answers: dict[str, str]) -> set[str]:
    return {key for key, value in answers.items() if value == "true"}


def test_a_chart_finds_what_its_own_cluster_has(tmp_path: Path) -> None:
    found = _answers(
        tmp_path,
        {
            "apps/here.yaml": _application("here", "asks"),
            "apps/there.yaml": _application("there", "asks", _THERE),
            "apps/said.yaml": _application("said", "asks", more=", helm: {apiVersions: [example.com/v1alpha1/Widget]}"),
            "apps/widgets.yaml": _application("widgets", "widgets"),
            "widgets/Chart.yaml": "apiVersion: v2\nname: widgets\nversion: 1.0.0\n",
            "widgets/templates/definition.yaml": _DEFINITION,
            "apps/monitor.yaml": _application("monitor", "monitor", _THERE),
            "monitor/monitor.yaml": "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: m}\n",
        },
    )
    assert _true(found["here"]) == {"policy", "widget", "metrics"}
    assert _true(found["there"]) == {"policy", "monitor"}
    assert _true(found["said"]) == {"old"}


def test_a_chart_that_kustomize_inflates_finds_what_its_own_cluster_has(tmp_path: Path) -> None:
    said = ", kustomize: {apiVersions: [example.com/v1alpha1/Widget]}"
    found = _answers(
        tmp_path,
        {
            "config/argocd-cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm, namespace: argocd}\n"
            "data: {kustomize.buildOptions: --enable-helm --load-restrictor=LoadRestrictionsNone}\n",
            "apps/here.yaml": _application("here", "overlay"),
            "apps/there.yaml": _application("there", "overlay", _THERE),
            "apps/said.yaml": _application("said", "overlay", more=said),
            "asks/values.yaml": "{}\n",
            "overlay/kustomization.yaml": "helmGlobals: {chartHome: ..}\nhelmCharts: [{name: asks}]\n",
            "apps/widgets.yaml": _application("widgets", "widgets"),
            "widgets/Chart.yaml": "apiVersion: v2\nname: widgets\nversion: 1.0.0\n",
            "widgets/templates/definition.yaml": _DEFINITION,
        },
    )
    assert _true(found["here"]) == {"policy", "widget", "metrics"}
    assert _true(found["there"]) == {"policy"}
    assert _true(found["said"]) == {"old"}


def test_an_operator_that_is_not_fetched_brings_what_it_is_known_for(tmp_path: Path) -> None:
    operator = _application("operator", "''", repository="charts", more=", chart: kube-prometheus-stack")
    found = _answers(tmp_path, {"apps/here.yaml": _application("here", "asks"), "apps/operator.yaml": operator})
    assert _true(found["here"]) == {"policy", "monitor"}


@pytest.mark.parametrize(
    ("versions", "has", "has_not"),
    [
        (["1.37"], ["apps/v1", "apps/v1/Deployment", "v1", "v1/Pod"], ["v1/ComponentStatus", "v1/Binding"]),
        (["1.25"], ["autoscaling/v2beta2/HorizontalPodAutoscaler"], ["batch/v1beta1/CronJob"]),
        (["1.25", "1.37"], ["apps/v1/Deployment"], ["autoscaling/v2beta2", "resource.k8s.io/v1"]),
        ([], [], ["apps/v1"]),
        (["0.1"], [], ["apps/v1"]),
    ],
)
def test_what_kubernetes_serves(versions: Sequence[str], has: Sequence[str], has_not: Sequence[str]) -> None:
    known = {*Capabilities(versions).of({})}
    assert known.issuperset(has)
    assert known.isdisjoint(has_not)
