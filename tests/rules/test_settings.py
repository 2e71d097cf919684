"""Rules of what is within argocd-cm and argocd-notifications-cm."""

from __future__ import annotations

import pytest

from tests.rules.subjects import config_map, messages
from tests.validating import Validate


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
        ("argocd-cm", "resource.customizations.ignoreDifferences.all", "jqPathExpressions: ['.spec[']"),
        ("argocd-cm", "resource.customizations.ignoreResourceUpdates.apps_Deployment", "jqPathExpressions: [.a-b]"),
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
    assert message.startswith(f"{key} is invalid: ")
    assert message.endswith((".", "”", "?", "'"))


def test_a_version_of_kustomize_is_registered_once(validate: Validate) -> None:
    settings = {"kustomize.version.v5.0.0": "/a", "kustomize.path.v5.0.0": "/b", "kustomize.path.v5.1.0": "/c"}
    [message] = messages(validate({"settings.yaml": config_map("argocd-cm", settings)}), "argocd-setting-invalid")
    assert message.startswith("kustomize.version.v5.0.0 and kustomize.path.v5.0.0 register the same version")
