"""The tutorial's example comes out with the tutorial's meaning, in each format and both of Argo CD's styles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from argosy.argocd import configuration, deployments
from argosy.argocd.view import ArgoApplication
from argosy.repository.model import WRITTEN_HERE, ArgocdStyle, Format
from argosy.template import creation, rendering
from tests import goldens

DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "spec": {
        "template": {"spec": {"containers": [{"ports": [{"containerPort": 80}]}]}},
    },
}
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "spec": {"ports": [{"protocol": "TCP", "port": 80}], "type": "ClusterIP"},
}
STORY = {"dev": (1, "nginx:1.21.6-alpine"), "prod": (3, "nginx:1.22.1-alpine")}
FORMATS = pytest.mark.parametrize("form", WRITTEN_HERE)
STYLES = pytest.mark.parametrize("argocd", list(ArgocdStyle))


@FORMATS
@STYLES
@pytest.mark.parametrize("environment", STORY)
def test_the_application_is_the_tutorials(form: Format, argocd: ArgocdStyle, environment: str, tmp_path: Path) -> None:
    application, _ = deployed(tmp_path, form, argocd)[environment]
    assert application.manifest["apiVersion"] == "argoproj.io/v1alpha1"
    assert application.metadata["name"] == f"my-app-{environment}"
    assert application.metadata["namespace"] == "argocd"
    spec = application.spec
    assert spec["source"]["repoURL"] == goldens.URL
    assert spec["source"]["targetRevision"] == "main"
    assert spec["destination"] == {
        "server": "https://kubernetes.default.svc",
        "namespace": f"my-app-{environment}",
    }
    assert spec["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True}
    assert "CreateNamespace=true" in spec["syncPolicy"]["syncOptions"]


@FORMATS
@STYLES
@pytest.mark.parametrize("environment", STORY)
def test_what_is_rendered_is_the_tutorials(form: Format, argocd: ArgocdStyle, environment: str, tmp_path: Path) -> None:
    replicas, image = STORY[environment]
    _, documents = deployed(tmp_path, form, argocd)[environment]
    deployment, service = (one(documents, kind) for kind in ("Deployment", "Service"))
    assert covers(deployment, DEPLOYMENT)
    assert deployment["spec"]["replicas"] == replicas
    assert [each["image"] for each in deployment["spec"]["template"]["spec"]["containers"]] == [image]
    assert covers(service, SERVICE)
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert service["spec"]["selector"].items() <= labels.items()
    assert resolved_port(service, deployment) == 80
    assert {document["metadata"]["name"] for document in (deployment, service)} == {"my-app"}


def deployed(
    folder: Path, form: Format, argocd: ArgocdStyle
) -> dict[str, tuple[ArgoApplication, Sequence[Mapping[str, Any]]]]:
    """Lay the tutorial's repository out, and return each environment's Application with what it renders to."""
    creation.write(folder, tree(form, argocd))
    deployed = deployments.find(folder, configuration.load(folder))
    assert not deployed.problems
    return {
        str(render.application.spec["project"]): (render.application, [each.data for each in render.documents])
        for render in deployed.renders
        if render.application is not None and render.application.name != "root"
    }


@cache
def tree(form: Format, argocd: ArgocdStyle) -> rendering.Tree:
    return rendering.render(goldens.repository(form, argocd, environments=(("dev", ""), ("prod", ""))))


def one(documents: Sequence[Mapping[str, Any]], kind: str) -> Mapping[str, Any]:
    (found,) = (document for document in documents if document["kind"] == kind)
    return found


def covers(actual: Any, wanted: Any) -> bool:
    """Return whether all that is wanted is there, whatever else is."""
    if isinstance(wanted, dict):
        return all(key in actual and covers(actual[key], value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return all(any(covers(each, value) for each in actual) for value in wanted)
    return bool(actual == wanted)


def resolved_port(service: Mapping[str, Any], deployment: Mapping[str, Any]) -> int:
    """Return the container's port that the Service leads to."""
    target = service["spec"]["ports"][0]["targetPort"]
    ports = deployment["spec"]["template"]["spec"]["containers"][0]["ports"]
    return next(int(port["containerPort"]) for port in ports if target in {port["containerPort"], port.get("name")})
