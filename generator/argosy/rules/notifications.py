"""Rules of notifications: the ConfigMap argocd-notifications-cm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from argosy.argocd.view import NOTIFICATIONS, View
from argosy.documents.fields import annotations_of, mapping, sequence, text
from argosy.findings import Problem, Severity
from argosy.names import did_you_mean
from argosy.rules.config_maps import entries, example, read
from argosy.rules.registry import Scope, rule

SERVICES = frozenset(
    {
        *("alertmanager", "awssqs", "email", "gcppubsub", "github", "googlechat", "grafana", "mattermost", "nats"),
        *("newrelic", "opsgenie", "pagerduty", "pagerdutyv2", "pushover", "rocketchat", "slack", "teams"),
        *("teams-workflows", "telegram", "webex", "webhook"),
    }
)
"""The types of services. Source: NewService in argoproj/notifications-engine's pkg/services/services.go."""

_SUBSCRIBE = "notifications.argoproj.io/subscribe."
_SERVICE = "  service.slack: |\n    token: $slack-token\n"
_TEMPLATE = "  template.failed: |\n    message: It failed.\n"
_TRIGGER = "  trigger.on-failed: |\n    - when: app.status.health.status == 'Degraded'\n      send: [{template}]\n"


class _Notifications(NamedTuple):
    """What all the ConfigMaps of notifications define together."""

    services: Mapping[str, str]
    """Type of each service by its name."""
    triggers: frozenset[str]
    templates: frozenset[str]


def _notifications(repository: View) -> _Notifications:
    keys = [key for document in repository.config_maps(NOTIFICATIONS) for _, key, _ in entries(document, NOTIFICATIONS)]
    parts = [key.split(".") for key in keys if key.startswith("service.")]
    return _Notifications(
        {each[-1]: each[1] for each in parts if len(each) in {2, 3}},
        frozenset(key.removeprefix("trigger.") for key in keys if key.startswith("trigger.")),
        frozenset(key.removeprefix("template.") for key in keys if key.startswith("template.")),
    )


@rule(
    "notification-unknown",
    Severity.ERROR,
    Scope.REPOSITORY,
    "A trigger, subscription or template refers to something that argocd-notifications-cm does not define.",
    explanation="Triggers send templates, and subscriptions name triggers and services. If a name is not defined, "
    "nobody is notified, which is only noticed after a failure. Checked are triggers and subscriptions in "
    "argocd-notifications-cm and, if the repository contains it, the annotations "
    "`notifications.argoproj.io/subscribe.<trigger>.<service>` of Applications and AppProjects. Where the ConfigMap "
    "is a patch of one that lies elsewhere, which may define more, it is a warning.",
    bad=example(NOTIFICATIONS, _SERVICE + _TEMPLATE + _TRIGGER.format(template="faild")),
    good=example(NOTIFICATIONS, _SERVICE + _TEMPLATE + _TRIGGER.format(template="failed")),
)
def notification_unknown(repository: View) -> Iterator[Problem]:
    """Find names of templates, triggers and services that nothing has."""
    known = _notifications(repository)
    maps = repository.config_maps(NOTIFICATIONS)
    severity = Severity.WARNING if any(each in repository.patches for each in maps) else None
    for document in maps:
        for at, key, value in entries(document, NOTIFICATIONS):
            for what, name in _named(key, value):
                if problem := _unknown(what, name, known):
                    yield Problem(f"“{key}” {problem[0]}", at, problem[1], document, severity=severity)
    if not (known.services or known.triggers):
        return
    for document in repository.documents:
        if text(document.data.get("apiVersion")).startswith("argoproj.io/"):
            for annotation in annotations_of(document.data):
                for what, name in _subscribed(annotation):
                    if problem := _unknown(what, name, known):
                        at = ("metadata", "annotations", annotation)
                        yield Problem(f"“{annotation}” {problem[0]}", at, problem[1], document, severity=severity)


def _named(key: str, value: str) -> Iterator[tuple[str, str]]:
    """Yield what an entry names, each as (template, trigger or service, its name)."""
    kind = key.partition(".")[0]
    data, _ = read(value)
    for each in sequence(data):
        if kind == "trigger":
            yield from (("template", name) for name in sequence(mapping(each).get("send")) if isinstance(name, str))
        elif kind == "defaultTriggers" and isinstance(each, str):
            yield "trigger", each
        elif key == "subscriptions":
            subscription = mapping(each)
            yield from (("trigger", name) for name in sequence(subscription.get("triggers")) if isinstance(name, str))
            recipients = [name for name in sequence(subscription.get("recipients")) if isinstance(name, str)]
            yield from (("service", recipient.partition(":")[0]) for recipient in recipients)


def _subscribed(annotation: str) -> Iterator[tuple[str, str]]:
    if annotation.startswith(_SUBSCRIBE):
        first, dot, second = annotation.removeprefix(_SUBSCRIBE).partition(".")
        if dot:
            yield "trigger", first
        yield "service", second.partition(".")[0] if dot else first


def _unknown(what: str, name: str, known: _Notifications) -> tuple[str, str] | None:
    names = {"template": known.templates, "trigger": known.triggers, "service": known.services.keys()}[what]
    if name in names:
        return None
    hint = did_you_mean(name, names) or (f"Defined: {', '.join(sorted(names))}." if names else f"Add {what}.{name}.")
    return f"refers to the {what} “{name}”, which is not defined.", hint


@rule(
    "notification-unused",
    Severity.WARNING,
    Scope.REPOSITORY,
    "A notification template has a section for a service that is not configured.",
    explanation="A template has a message for all services and sections for single ones: `slack`, `email`, or "
    "`webhook` with the service's name. A section is not sent unless argocd-notifications-cm configures its service.",
    bad=example(NOTIFICATIONS, _SERVICE + _TEMPLATE + "    email: {subject: It failed}\n"),
    good=example(NOTIFICATIONS, _SERVICE + _TEMPLATE + "    slack: {username: Argo CD}\n"),
)
def notification_unused(repository: View) -> Iterator[Problem]:
    """Find parts of templates for services that are not there."""
    known = _notifications(repository)
    types = set(known.services.values())
    for document in repository.config_maps(NOTIFICATIONS):
        for at, key, value in entries(document, NOTIFICATIONS):
            template = mapping(read(value)[0]) if key.startswith("template.") else {}
            for part, content in template.items():
                missing = [part] if part in SERVICES - types else []
                if part == "webhook":
                    hooks = {name for name, kind in known.services.items() if kind == "webhook"}
                    missing = [f"webhook.{name}" for name in mapping(content) if name not in hooks]
                for name in missing:
                    hint = f"Add service.{name}, or remove the section."
                    yield Problem(f"“{key}” has a section for {name}, which is not configured.", at, hint, document)
