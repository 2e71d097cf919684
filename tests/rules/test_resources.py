"""Rules of the resources that Applications deploy together."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.documents import Document
from tests.rules.subjects import IN_CLUSTER, application, manifest, named, problems, rendered


@pytest.mark.parametrize(
    ("destination", "first", "second", "broken"),
    [
        (IN_CLUSTER, named("Service"), named("Service", namespace="shop"), True),
        ({"name": "in-cluster", "namespace": "shop"}, named("Service"), named("Service"), True),
        ({**IN_CLUSTER, "namespace": "other"}, named("Service"), named("Service"), False),
        ({**IN_CLUSTER, "namespace": "other"}, named("Namespace"), named("Namespace"), True),
        ({"name": "prod", "namespace": "shop"}, named("Service"), named("Service"), False),
        (IN_CLUSTER, named("Service"), named("Secret"), False),
        (IN_CLUSTER, named("Service"), named("example.com/v1:Service"), False),
    ],
)
def test_one_resource_in_two_applications(
    destination: dict[str, str], first: Document, second: Document, broken: bool, tmp_path: Path
) -> None:
    one, two = application(), application({"destination": destination}, name="two")
    found = problems("resource-twice", None, rendered(tmp_path, (one, [first]), (two, [second])))
    assert [problem.document for problem in found] == ([second] if broken else [])


def test_applications_of_one_name_are_one(tmp_path: Path) -> None:
    one, two = application(), application(path="argocd/disabled/shop.yaml")
    assert not problems("resource-twice", None, rendered(tmp_path, (one, [named("Pod")]), (two, [named("Pod")])))


def test_one_resource_twice_in_an_application(tmp_path: Path) -> None:
    one = application()
    first, second, third = named("Service"), named("Service"), named("Service", name="other")
    [found] = problems("resource-twice", None, rendered(tmp_path, (one, [first, second, third])))
    assert found.document is second


@pytest.mark.parametrize(
    ("annotations", "applied"),
    [
        ({}, True),
        ({"helm.sh/hook": "test"}, False),
        ({"helm.sh/hook": "test-success, pre-install"}, True),
        ({"helm.sh/hook": "crd-install"}, True),
        ({"helm.sh/hook": "pre-install", "argocd.argoproj.io/hook": "Skip"}, False),
        ({"argocd.argoproj.io/hook": "PreSync"}, True),
        ({"argocd.argoproj.io/hook": "Skip"}, False),
        ({"argocd.argoproj.io/hook": "presync"}, False),
    ],
)
def test_hooks_that_are_never_applied(annotations: dict[str, str], applied: bool, tmp_path: Path) -> None:
    pods = [named("Pod"), named("Pod")]
    for pod in pods:
        pod.data["metadata"]["annotations"] = annotations
    found = problems("resource-twice", None, rendered(tmp_path, (application(), pods)))
    assert bool(found) is applied


def test_one_file_in_two_applications(tmp_path: Path) -> None:
    service = named("Service")
    deployed = [(application(name=name), [service]) for name in ("one", "two")]
    assert len(problems("resource-twice", None, rendered(tmp_path, *deployed))) == 1


def test_scope_of_a_custom_kind(tmp_path: Path) -> None:
    definition = manifest(
        "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, "
        "spec: {group: example.com, scope: Cluster, names: {kind: Tenant}}}"
    )
    one, two = application(), application({"destination": {**IN_CLUSTER, "namespace": "other"}}, name="two")
    deployed = [(each, [named("example.com/v1:Tenant")]) for each in (one, two)]
    assert not problems("resource-twice", None, rendered(tmp_path, *deployed))
    assert problems("resource-twice", None, rendered(tmp_path, *deployed, documents=[definition]))


@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        ("Endpoints", True),
        ("discovery.k8s.io/v1:EndpointSlice", True),
        ("coordination.k8s.io/v1:Lease", True),
        ("events.k8s.io/v1:Event", True),
        ("cert-manager.io/v1:CertificateRequest", True),
        ("wgpolicyk8s.io/v1alpha2:PolicyReport", True),
        ("cert-manager.io/v1:Certificate", False),
        ("Service", False),
        ("example.com/v1:Lease", False),
    ],
)
def test_excluded_kind(kind: str, broken: bool, tmp_path: Path) -> None:
    document = named(kind)
    found = problems("never-synced", None, rendered(tmp_path, (application(), [document])))
    assert [problem.document for problem in found] == ([document] if broken else [])
