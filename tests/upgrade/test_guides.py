"""What the upgrade guides warn of is found where it is about a repository, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from argosy.argocd import configuration, deployments, versions
from argosy.errors import UsageError
from argosy.upgrade import guides
from argosy.upgrade.checks import CHECKS
from tests.argocd.test_settings import CONFIG_MAP, application
from tests.validating import write_files

CM, RBAC = (CONFIG_MAP.replace("NAME", name) + "data:\n" for name in ("argocd-cm", "argocd-rbac-cm"))
POLICY = "  policy.csv: |\n    p, role:dev, applications, {}, */*, allow\n"
APP = application({"path": "apps"})
CM_MANIFEST = {"apps/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"}
HYDRATED = APP.partition("  source:")[0] + (
    "  sourceHydrator: {drySource: {repoURL: https://git.example.com/acme/gitops.git, path: apps, "
    "targetRevision: main}, "
    "syncSource: {targetBranch: env, path: PATH}}\n"
)
SET = (
    "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: a}\nspec:\n  generators:\n"
    "  - matrix: {generators: [{list: {elements: []}}, {merge: {mergeKeys: [a], generators: [{list: {elements: []}, "
    "SELECTOR}, {list: {elements: []}}]}}]}\n  template: {metadata: {name: a}, spec: {}}\n"
)
CLUSTERS = SET.partition("  - matrix")[0] + (
    "  - clusters: {selector: {matchLabels: {argocd.argoproj.io/kubernetes-version: '1.30'}}}\n"
    "  template: {metadata: {name: a}, spec: {}}\n"
)
DEFINITION = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec: "
PROJECT = "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: a, namespace: argocd}\nspec:\n  "
SECRET = "apiVersion: v1\nkind: Secret\nstringData: {type: oci, "
SUBJECT = "ChdleGFtcGxlQGFyZ29wcm9qLmlvEgJkZXhfY29ubl9pZA"
ABOUT: Mapping[str, tuple[Mapping[str, str], Mapping[str, str]]] = {
    "rbac-subresources": (
        {"rbac.yaml": RBAC + POLICY.format("update")},
        {"rbac.yaml": RBAC + POLICY.format("update/*")},
    ),
    "rbac-logs": (
        {"rbac.yaml": RBAC + POLICY.format("get")},
        {"rbac.yaml": RBAC + POLICY.format("get") + "    p, role:dev, logs, get, */*, allow\n"},
    ),
    "resource-exclusions": ({"a.yaml": "apiVersion: v1\nkind: Endpoints\nmetadata: {name: a}\n"}, CM_MANIFEST),
    "legacy-metrics": ({"a.yaml": "expr: argocd_app_sync_status > 0\n"}, {"a.yaml": "expr: argocd_app_info > 0\n"}),
    "dex-subject": (
        {"rbac.yaml": RBAC + f"  policy.csv: |\n    g, {SUBJECT}, role:a\n"},
        {"rbac.yaml": RBAC + "  policy.csv: |\n    g, someone-with-a-long-name@example.com, role:a\n"},
    ),
    "legacy-repositories": ({"cm.yaml": CM + "  repositories: '[]'\n"}, {"cm.yaml": CM + "  url: a\n"}),
    "nested-selectors": (
        {"set.yaml": SET.replace("SELECTOR", "selector: {matchLabels: {a: b}}")},
        {"set.yaml": SET.replace(", SELECTOR", "")},
    ),
    "tracking": (
        {"app.yaml": APP},
        {"app.yaml": APP, "cm.yaml": CM + "  application.resourceTrackingMethod: annotation\n"},
    ),
    "tracking-out-of-sync-only": (
        {"app.yaml": APP + "  syncPolicy: {syncOptions: [ApplyOutOfSyncOnly=true]}\n"},
        {"app.yaml": APP},
    ),
    "in-cluster-disabled": (
        {"app.yaml": APP, "cm.yaml": CM + "  cluster.inClusterEnabled: 'false'\n"},
        {"app.yaml": APP},
    ),
    "plugin-empty-variables": (
        {"app.yaml": application({"path": "apps", "plugin": {"env": [{"name": "A", "value": ""}]}})},
        {"app.yaml": application({"path": "apps", "plugin": {"env": [{"name": "A", "value": "1"}]}})},
    ),
    "preserve-unknown-fields": (
        {"a.yaml": DEFINITION + "{preserveUnknownFields: false}\n"},
        {"a.yaml": DEFINITION + "{}\n"},
    ),
    "pkce": (
        {"cm.yaml": CM + "  oidc.config: |\n    enablePKCEAuthentication: true\n"},
        {"cm.yaml": CM + "  oidc.config: a\n"},
    ),
    "hydration-root": ({"app.yaml": HYDRATED.replace("PATH", ".")}, {"app.yaml": HYDRATED.replace("PATH", "apps/a")}),
    "hydration-notes": ({"app.yaml": HYDRATED.replace("PATH", "a")}, {"app.yaml": APP}),
    "source-kustomize-version": (
        {"apps/.argocd-source.yaml": "kustomize: {version: v4.5.7}\n"},
        {"apps/.argocd-source.yaml": "kustomize: {images: []}\n"},
    ),
    "cronjob-health": (
        {"a.yaml": "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\n"},
        {
            "a.yaml": "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a, annotations: "
            "{argocd.argoproj.io/ignore-healthcheck: 'true'}}\n"
        },
    ),
    "server-side-apply": (
        {"app.yaml": application({"chart": "argo-cd", "targetRevision": "9.1.0"})},
        {
            "app.yaml": application({"chart": "argo-cd", "targetRevision": "9.1.0"})
            + "  syncPolicy: {syncOptions: [ServerSideApply=true]}\n"
        },
    ),
    "kustomize-helm-namespace": (
        {"a/kustomization.yaml": "namespace: a\nhelmCharts: [{name: a}]\n"},
        {"a/kustomization.yaml": "helmCharts: [{name: a}]\n"},
    ),
    "cluster-version": ({"set.yaml": CLUSTERS}, {"set.yaml": SET.replace(", SELECTOR", "")}),
    "plain-http-oci": (
        {"a.yaml": SECRET + "insecure: 'true'}\n"},
        {"a.yaml": SECRET + "insecure: 'true', insecureOCIForceHttp: 'true'}\n"},
    ),
    "helm-version-ignored": ({"app.yaml": application({"path": "apps", "helm": {"version": "v3"}})}, {"app.yaml": APP}),
    "impersonation": (
        {
            "cm.yaml": CM + "  application.sync.impersonation.enabled: 'true'\n",
            "a.yaml": PROJECT + "destinationServiceAccounts: [{server: a, defaultServiceAccount: b}]\n",
        },
        {"a.yaml": PROJECT + "destinationServiceAccounts: [{server: a, defaultServiceAccount: b}]\n"},
    ),
    "signature-keys": ({"a.yaml": PROJECT + "signatureKeys: [{keyID: A}]\n"}, {"a.yaml": PROJECT + "roles: []\n"}),
    "strict-tls": ({"a.yaml": "data: {server.repo.server.strict.tls: 'true'}\n"}, {"a.yaml": "data: {}\n"}),
    "otlp-headers": (
        {"a.yaml": "env: [{name: ARGOCD_REPO_OTLP_HEADERS}]\n"},
        {"a.yaml": "env: [{name: ARGOCD_REPO_SERVER_OTLP_HEADERS}]\n"},
    ),
}


@pytest.mark.parametrize("which", ABOUT)
def test_a_warning_is_about_what_it_is_about(tmp_path: Path, which: str) -> None:
    for name, files in zip(("about", "other"), ABOUT[which], strict=True):
        write_files(tmp_path / name, {**CM_MANIFEST, **files})
    found = {
        name: [*CHECKS[which](deployments.find(tmp_path / name, configuration.load(tmp_path / name)))]
        for name in ("about", "other")
    }
    assert found["about"]
    assert found["other"] == []


def test_every_check_is_of_a_warning_and_each_warning_has_one_name() -> None:
    names = [each.id for notices in guides.steps().values() for each in notices]
    assert len(names) == len({*names})
    assert CHECKS.keys() <= {*names}
    assert {step.split("-")[1] for step in guides.steps()} == versions.known().keys() - {"2.14"}


def test_which_guides_count() -> None:
    assert guides.between("3.3.1", "3.5.0") == ["3.3-3.4", "3.4-3.5"]
    assert guides.between("3.5.0", "3.4.1") == ["3.4-3.5"]
    assert guides.between("3.5.0", "3.5.1") == []
    with pytest.raises(UsageError, match=r"Nothing is known of an upgrade of Argo CD from 2\.9"):
        guides.between("2.9.1", "3.5.1")
