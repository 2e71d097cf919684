"""Rules of argocd-notifications-cm."""

from __future__ import annotations

import pytest
import yaml

from tests.rules.subjects import config_map, messages
from tests.validating import Validate, rules_of

PROJECT = """\
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: dev, namespace: argocd}
spec: {sourceRepos: []}
"""


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
    assert [f"has a section for {missing}," in each for each in found] == [True] * bool(missing)
