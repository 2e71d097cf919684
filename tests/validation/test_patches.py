"""Patches whose base is not in the repository."""

from __future__ import annotations

import pytest
import yaml

from argosy.findings import Severity
from tests.rules.subjects import config_map
from tests.validating import Validate, counts, rules_of

KUSTOMIZATION = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: argocd
resources:
  - https://raw.githubusercontent.com/argoproj/argo-cd/v3.4.1/manifests/install.yaml
patches:
  - path: patch.yaml
"""


def test_patch_of_a_remote_base_is_judged_for_what_it_says(validate: Validate) -> None:
    patch = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: argocd-application-controller}
spec:
  replicas: two
  template:
    spec:
      containers:
        - name: argocd-application-controller
          $patch: merge
          environment: []
"""
    report = validate({"install/kustomization.yaml": KUSTOMIZATION, "install/patch.yaml": patch})
    found = [(each.rule, each.path, each.line) for each in report.findings]
    assert found == [("kubernetes-schema", "install/patch.yaml", 5), ("kubernetes-schema", "install/patch.yaml", 11)]
    assert counts(report) == {"passed": 1, "failed": 1, "skipped": 1}
    [skipped] = [each for each in report.outcomes if each.status == "skipped"]
    assert skipped.path == "install"
    assert skipped.reason.startswith("Remote base https://")


def test_the_kind_of_a_patch_means_nothing_where_the_kustomization_names_one(validate: Validate) -> None:
    patch = "apiVersion: apps/v1\nkind: any\nmetadata: {name: any}\nspec: {template: {spec: {priorityClassName: x}}}\n"
    targeted = KUSTOMIZATION + "    target: {kind: Deployment}\n"
    assert validate({"install/kustomization.yaml": targeted, "install/patch.yaml": patch}).findings == []
    report = validate({"install/kustomization.yaml": KUSTOMIZATION, "install/patch.yaml": patch})
    assert rules_of(report) == {"kubernetes-schema"}


def test_a_patch_of_notifications_may_name_what_its_base_defines(validate: Validate) -> None:
    patch = config_map("argocd-notifications-cm", {"trigger.on-sync": "- when: 'true'\n  send: [app-sync]\n"})
    report = validate({"install/kustomization.yaml": KUSTOMIZATION, "install/patch.yaml": patch})
    assert [(each.rule, each.severity) for each in report.findings] == [("notification-unknown", Severity.WARNING)]


def test_good_patch_of_a_remote_base_passes(validate: Validate) -> None:
    patch = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: a}\nspec: {replicas: 2}\n"
    report = validate({"install/kustomization.yaml": KUSTOMIZATION, "install/patch.yaml": patch})
    assert report.findings == []
    assert counts(report) == {"passed": 2, "failed": 0, "skipped": 1}


@pytest.mark.parametrize(
    ("value", "rules"),
    [("$argocd-webhook:github", set()), ("hunter2", {"secret-in-git"})],
)
def test_secret_in_a_patch(value: str, rules: set[str], validate: Validate) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "argocd-secret"}}
    patch = yaml.safe_dump({**secret, "stringData": {"webhook.github.secret": value}})
    report = validate({"install/kustomization.yaml": KUSTOMIZATION, "install/patch.yaml": patch})
    assert rules_of(report) == rules


def test_patch_of_a_base_that_is_here_is_judged_by_its_build_and_found_where_it_is_written(validate: Validate) -> None:
    base = config_map("argocd-rbac-cm", {})
    patch = config_map("argocd-rbac-cm", {"policy.csv": "nonsense"})
    kustomization = KUSTOMIZATION.replace(
        "https://raw.githubusercontent.com/argoproj/argo-cd/v3.4.1/manifests/install.yaml", "base.yaml"
    )
    files = {"a/kustomization.yaml": kustomization, "a/base.yaml": base, "a/patch.yaml": patch}
    report = validate(files)
    assert [each.path for each in report.findings] == ["a/patch.yaml"]


def test_patch_that_is_no_manifest_stays_skipped(validate: Validate) -> None:
    patch = "- op: add\n  path: /data/x\n  value: y\n"
    report = validate({"install/kustomization.yaml": KUSTOMIZATION, "install/patch.yaml": patch})
    assert {each.path for each in report.outcomes if each.status == "skipped"} == {"install", "install/patch.yaml"}
