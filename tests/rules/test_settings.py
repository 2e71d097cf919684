"""Rules of Argo CD's own settings, and of patches whose base lies elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import yaml

from argosy.findings import Report
from tests.validating import Validate, counts, rules_of

KUSTOMIZATION = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: argocd
resources:
  - https://raw.githubusercontent.com/argoproj/argo-cd/v3.5.1/manifests/install.yaml
patches:
  - path: patch.yaml
"""
PROJECT = """\
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: dev, namespace: argocd}
spec: {sourceRepos: []}
"""


def config_map(name: str, data: Mapping[str, str]) -> str:
    """Return one of Argo CD's ConfigMaps."""
    return yaml.safe_dump({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": dict(data)})


def messages(report: Report, rule: str) -> list[str]:
    """Return the messages of a rule's findings, with their hints."""
    return [f"{each.message} {each.hint}" for each in report.findings if each.rule == rule]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("p, role:x, applications, sync, dev/*", "has 5 fields"),
        ("g, role:x", "has 2 fields"),
        ("x, role:x, y", "begins with “x”"),
        ('p, role:"x", applications, get, dev/*, allow', "has a quote within a field"),
        ('p, "role:x, applications, get, dev/*, allow', "has a quote within a field"),
        ("p, role:x, aplications, get, dev/*, allow", "Did you mean “applications”?"),
        ("p, role:x, applications, rollback, dev/*, allow", "“rollback”, which cannot be done with applications"),
        ("p, role:x, logs, sync, dev/*, allow", "“sync”, which cannot be done with logs"),
        ("p, role:x, applications, sync/apps, dev/*, allow", "“sync/apps”"),
        ("p, role:x, applications, get, dev/*, permit", "ends with “permit”"),
    ],
)
def test_lines_that_argo_cd_does_not_read(line: str, expected: str, validate: Validate) -> None:
    report = validate({"access.yaml": config_map("argocd-rbac-cm", {"policy.csv": f"# Who\n\n{line}\n"})})
    [message] = messages(report, "rbac-policy-invalid")
    assert expected in message


@pytest.mark.parametrize(
    "line",
    [
        "p, role:x, applications, *, */*, allow",
        "p, role:x, *, *, *, allow",
        "p, role:x, applications, update/*, dev/*, deny",
        "p, role:x, applications, action/apps/Deployment/restart, dev/*, allow",
        'p, role:x, applications, "{get,sync}", dev/*, allow',
        "p, role:x, extensions, invoke, httpbin, allow",
        "p, role:x, clusters, get, https://dev.example.com, allow",
        'p, "role:x, y", applications, get, dev/*, allow',
        "p,role:x,applications,get,dev/app,allow",
        "g, acme:team, role:admin",
    ],
)
def test_lines_that_argo_cd_reads(line: str, validate: Validate) -> None:
    files = {"access.yaml": config_map("argocd-rbac-cm", {"policy.csv": line}), "project.yaml": PROJECT}
    assert not {"rbac-policy-invalid", "rbac-policy-unknown", "rbac-default-open"} & rules_of(validate(files))


def test_regular_expressions_are_not_taken_for_globs(validate: Validate) -> None:
    data = {"policy.matchMode": "regex", "policy.csv": "p, role:x, app.*, (get|sync), dev/.*, allow"}
    assert not rules_of(validate({"access.yaml": config_map("argocd-rbac-cm", data), "project.yaml": PROJECT}))


def test_roles_and_projects_that_nothing_defines(validate: Validate) -> None:
    lines = "p, role:dev, applications, get, prd/*, allow\ng, acme:team, role:devs\ng, acme:other, role:readonly"
    files = {"access.yaml": config_map("argocd-rbac-cm", {"policy.csv": lines}), "project.yaml": PROJECT}
    found = messages(validate(files), "rbac-policy-unknown")
    assert len(found) == 2
    assert any("“prd”" in each and "dev" in each for each in found)
    assert any("role:devs" in each and "Did you mean “role:dev”?" in each for each in found)


def test_lines_of_several_keys_belong_together(validate: Validate) -> None:
    data = {"policy.csv": "g, acme:team, role:dev", "policy.dev.csv": "p, role:dev, applications, get, dev/*, allow"}
    assert not rules_of(validate({"access.yaml": config_map("argocd-rbac-cm", data), "project.yaml": PROJECT}))


def test_projects_of_another_repository_are_not_known(validate: Validate) -> None:
    data = {"policy.csv": "p, role:dev, applications, get, elsewhere/*, allow"}
    assert not rules_of(validate({"access.yaml": config_map("argocd-rbac-cm", data)}))


@pytest.mark.parametrize(
    ("default", "lines", "is_open"),
    [
        ("role:admin", "", True),
        ("role:x", "p, role:x, *, *, */*, allow", True),
        ("role:x", "g, role:x, role:y\ng, role:y, role:admin", True),
        ("role:readonly", "", False),
        ("", "p, role:x, *, *, */*, allow", False),
        ("role:x", "p, role:x, applications, get, */*, allow", False),
    ],
)
def test_default_role_that_may_everything(default: str, lines: str, is_open: bool, validate: Validate) -> None:
    data = {"policy.default": default, "policy.csv": lines}
    assert ("rbac-default-open" in rules_of(validate({"a.yaml": config_map("argocd-rbac-cm", data)}))) is is_open


NOTIFICATIONS = {
    "service.slack": "token: $slack-token",
    "service.webhook.oncall": "url: $webhook-url",
    "trigger.on-failed": "- when: app.status.health.status == 'Degraded'\n  send: [failed]",
    "template.failed": "message: It failed.",
    "subscriptions": "- recipients: ['slack:general', oncall]\n  triggers: [on-failed]",
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"trigger.on-failed": "- when: 'true'\n  send: [faild]"},
            "template “faild”, which is not defined. Did you mean",
        ),
        ({"subscriptions": "- recipients: ['slak:x']\n  triggers: [on-failed]"}, "service “slak”"),
        ({"subscriptions": "- recipients: ['webhook:x']\n  triggers: [on-failed]"}, "service “webhook”"),
        ({"subscriptions": "- recipients: ['slack:x']\n  triggers: [on-fail]"}, "trigger “on-fail”"),
        ({"defaultTriggers": "- on-fail"}, "trigger “on-fail”"),
        ({"defaultTriggers.slack": "- on-fail"}, "trigger “on-fail”"),
    ],
)
def test_names_that_no_notification_has(change: dict[str, str], expected: str, validate: Validate) -> None:
    report = validate({"told.yaml": config_map("argocd-notifications-cm", NOTIFICATIONS | change)})
    [message] = messages(report, "notification-unknown")
    assert expected in message


def test_what_is_defined_in_several_places_is_known(validate: Validate) -> None:
    parts = list(NOTIFICATIONS.items())
    files = {f"{index}.yaml": config_map("argocd-notifications-cm", dict([part])) for index, part in enumerate(parts)}
    assert "notification-unknown" not in rules_of(validate(files))


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("notifications.argoproj.io/subscribe.on-failed.slack", ""),
        ("notifications.argoproj.io/subscribe.slack", ""),
        ("notifications.argoproj.io/subscribe.on-fail.slack", "trigger “on-fail”"),
        ("notifications.argoproj.io/subscribe.on-failed.teams", "service “teams”"),
    ],
)
def test_subscriptions_of_projects(annotation: str, expected: str, validate: Validate) -> None:
    project = yaml.safe_load(PROJECT)
    project["metadata"]["annotations"] = {annotation: "general"}
    files = {"told.yaml": config_map("argocd-notifications-cm", NOTIFICATIONS), "project.yaml": yaml.safe_dump(project)}
    found = messages(validate(files), "notification-unknown")
    assert [expected in each for each in found] == [True] * bool(expected)


def test_subscriptions_where_notifications_are_configured_elsewhere(validate: Validate) -> None:
    project = yaml.safe_load(PROJECT)
    project["metadata"]["annotations"] = {"notifications.argoproj.io/subscribe.on-failed.slack": "general"}
    assert "notification-unknown" not in rules_of(validate({"project.yaml": yaml.safe_dump(project)}))


@pytest.mark.parametrize(
    ("template", "missing"),
    [
        ("email: {subject: x}", "email"),
        ("webhook: {pager: {method: POST}}", "webhook.pager"),
        ("webhook: {oncall: {method: POST}}", ""),
        ("slack: {username: x}", ""),
    ],
)
def test_parts_of_templates_for_services_that_are_not_there(template: str, missing: str, validate: Validate) -> None:
    data = NOTIFICATIONS | {"template.failed": f"message: x\n{template}"}
    found = messages(validate({"told.yaml": config_map("argocd-notifications-cm", data)}), "notification-unused")
    assert [f"writes to {missing}," in each for each in found] == [True] * bool(missing)


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("argocd-cm", "resource.exclusions", "apiGroups: [x]"),
        ("argocd-cm", "resource.exclusions", "- kinds: Lease"),
        ("argocd-cm", "resource.exclusions", "- kinds: [1]"),
        ("argocd-cm", "resource.inclusions", "- ['x'"),
        ("argocd-cm", "resource.customizations.healt.apps_Deployment", "return {}"),
        ("argocd-cm", "resource.customizations.health", "return {}"),
        ("argocd-cm", "resource.customizations.health.apps_v1_Deployment", "return {}"),
        ("argocd-cm", "resource.customizations.health.apps_Deployment", "  "),
        ("argocd-cm", "resource.customizations.ignoreDifferences.all", "- /spec/replicas"),
        ("argocd-cm", "resource.customizations.ignoreDifferences.all", "jsonPointer: [/spec]"),
        ("argocd-cm", "resource.customizations.knownTypeFields.x.io_X", "field: spec"),
        ("argocd-cm", "resource.customizations.useOpenLibs.x.io_X", "sometimes"),
        ("argocd-cm", "oidc.config", "just text"),
        ("argocd-cm", "dex.config", "connectors: ["),
        ("argocd-notifications-cm", "service.slak", "token: $token"),
        ("argocd-notifications-cm", "service.webhook.on.call", "url: x"),
        ("argocd-notifications-cm", "trigger.x", "when: x"),
        ("argocd-notifications-cm", "trigger.x", "- if: x"),
        ("argocd-notifications-cm", "template.x", "text: x"),
        ("argocd-notifications-cm", "subscriptions", "- recipient: slack"),
    ],
)
def test_settings_of_the_wrong_form(name: str, key: str, value: str, validate: Validate) -> None:
    [message] = messages(validate({"settings.yaml": config_map(name, {key: value})}), "argocd-setting-invalid")
    assert message.startswith(f"{key} cannot be read: ")
    assert message.endswith((".", "”", "?", "'"))


@pytest.mark.parametrize(
    ("name", "key", "value", "is_plain"),
    [
        ("argocd-cm", "oidc.config", "clientSecret: hunter2", True),
        ("argocd-cm", "oidc.config", "clientSecret: $argocd-sso:clientSecret", False),
        ("argocd-cm", "oidc.config", "clientSecret: $oidc.clientSecret", False),
        ("argocd-cm", "dex.config", "connectors:\n- type: ldap\n  config: {bindPW: hunter2}", True),
        (
            "argocd-cm",
            "dex.config",
            "connectors:\n- type: github\n  config: {clientSecret: $x:y, clientID: abc}",
            False,
        ),
        ("argocd-notifications-cm", "service.slack", "token: xoxb-of-somebody", True),
        ("argocd-notifications-cm", "service.webhook.x", "url: x\nbasicAuth: {username: a, password: b}", True),
        ("argocd-notifications-cm", "service.webhook.x", "url: x\nbasicAuth: {username: a, password: $b}", False),
    ],
)
def test_secrets_in_plain(name: str, key: str, value: str, is_plain: bool, validate: Validate) -> None:
    report = validate({"settings.yaml": config_map(name, {key: value})})
    assert ("argocd-secret-in-plain" in rules_of(report)) is is_plain


# Patches whose base lies elsewhere


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
    assert "lies elsewhere" in skipped.reason


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


def test_reference_in_another_secret_is_its_plain_text(validate: Validate) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "shop"}, "stringData": {"a": "$b:c"}}
    assert rules_of(validate({"secret.yaml": yaml.safe_dump(secret)})) == {"secret-in-git"}


def test_patch_of_a_base_that_is_here_is_judged_by_its_build_alone(validate: Validate) -> None:
    base = config_map("argocd-rbac-cm", {})
    patch = config_map("argocd-rbac-cm", {"policy.csv": "nonsense"})
    kustomization = KUSTOMIZATION.replace(
        "https://raw.githubusercontent.com/argoproj/argo-cd/v3.5.1/manifests/install.yaml", "base.yaml"
    )
    files = {"a/kustomization.yaml": kustomization, "a/base.yaml": base, "a/patch.yaml": patch}
    report = validate(files)
    assert [each.path for each in report.findings] == ["a/kustomization.yaml"]


def test_patch_that_is_no_manifest_stays_skipped(validate: Validate) -> None:
    patch = "- op: add\n  path: /data/x\n  value: y\n"
    report = validate({"install/kustomization.yaml": KUSTOMIZATION, "install/patch.yaml": patch})
    assert {each.path for each in report.outcomes if each.status == "skipped"} == {"install", "install/patch.yaml"}
