"""An ApplicationSet and a working tree -> Applications: real Helm runs the Go templates."""

from __future__ import annotations

from pathlib import Path

from argosy.argocd.applicationsets import Flaw
from tests.argocd.applicationsets.sets import (
    REPOSITORY,
    REPOSITORY_SET,
    URL,
    application_set,
    expanded,
    messages,
    names,
)


class TestRepositorySet:
    """The ApplicationSet that a generated repository has."""

    def test_applications(self, tmp_path: Path) -> None:
        expansion = expanded(tmp_path, REPOSITORY_SET, REPOSITORY)

        assert names(expansion) == ["api-dev", "web-dev", "web-prod"]
        api, web, prod = (application.manifest for application in expansion.applications)
        assert web == {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {
                "name": "web-dev",
                "namespace": "argocd",
                "labels": {"app.kubernetes.io/name": "web", "environment": "dev"},
                "annotations": {
                    "argocd.argoproj.io/manifest-generate-paths": (
                        "/applications/web;/environments/dev/values.yaml;/environments/dev/web"
                    )
                },
            },
            "spec": {
                "project": "dev",
                "source": {
                    "repoURL": URL,
                    "targetRevision": "main",
                    "path": "applications/web/charts/web",
                    "helm": {
                        "releaseName": "web",
                        "valueFiles": ["/environments/dev/values.yaml", "/environments/dev/web/values.yaml"],
                    },
                },
                "destination": {"server": "https://kubernetes.default.svc", "namespace": "web-dev"},
                "syncPolicy": {
                    "automated": {"prune": True, "selfHeal": True},
                    "syncOptions": ["CreateNamespace=true"],
                },
            },
        }
        assert api["spec"]["source"] == {
            "repoURL": URL,
            "targetRevision": "main",
            "path": "environments/dev/api",
        }
        assert prod["spec"]["destination"] == {"name": "far", "namespace": "all"}
        assert prod["spec"]["source"]["targetRevision"] == "release"
        assert prod["spec"]["syncPolicy"] == {"syncOptions": ["CreateNamespace=true"]}

    def test_applications_stand_in_the_template(self, tmp_path: Path) -> None:
        application = expanded(tmp_path, REPOSITORY_SET, REPOSITORY).applications[0]

        assert application.at("spec", "project") == ("spec", "template", "spec", "project")
        line = application.document.line_of(application.at("spec", "project"))
        assert line is not None
        assert REPOSITORY_SET.splitlines()[line - 1].strip().startswith("project:")

    def test_missing_setting_is_named(self, tmp_path: Path) -> None:
        broken = REPOSITORY | {"applications/api/application.yaml": "team: b\n"}
        expansion = expanded(tmp_path, REPOSITORY_SET, broken)

        assert [application.name for application in expansion.applications] == ["web-dev", "web-prod"]
        ((flaw, at, message),) = messages(expansion)
        assert (flaw, at) == (Flaw.TEMPLATE, ("spec", "template", "spec", "source", "path"))
        assert message.endswith('fails with 1 of 3 sets of parameters: map has no entry for key "format".')

    def test_no_deployment_is_empty(self, tmp_path: Path) -> None:
        only = {"environments/dev/environment.yaml": REPOSITORY["environments/dev/environment.yaml"]}
        ((flaw, at, message),) = messages(expanded(tmp_path, REPOSITORY_SET, only))

        assert flaw is Flaw.EMPTY
        assert at == ("spec", "generators", 0, "matrix", "generators", 0, "matrix", "generators", 1)
        assert message == ("The generator yields nothing: no folder matches environments/{{ .env.path.basename }}/*.")

    def test_finalizer_unless_resources_are_preserved(self, tmp_path: Path) -> None:
        text = REPOSITORY_SET.replace("preserveResourcesOnDeletion: true", "preserveResourcesOnDeletion: false")
        application = expanded(tmp_path, text, REPOSITORY).applications[0]

        assert application.metadata["finalizers"] == ["resources-finalizer.argocd.argoproj.io"]


def test_duplicate_names(tmp_path: Path) -> None:
    text = application_set("- list: {elements: [{name: a}, {name: a}]}")
    assert messages(expanded(tmp_path, text)) == [
        (Flaw.DUPLICATE, ("spec", "template", "metadata", "name"), "2 Applications are named “a”.")
    ]
