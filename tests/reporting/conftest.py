"""A small report that has everything which the formats treat differently, and the rules that it names."""

from __future__ import annotations

import pytest

from argosy.findings import Finding, Outcome, Place, Report, Severity, Status
from argosy.reporting import Options
from argosy.rules.registry import RULES, Rule, Scope

TEMPLATES = "applications/my-app/charts/my-app/templates"
RULES_OF_THE_REPORT = {
    "duplicate-key": Rule(
        "duplicate-key",
        Severity.ERROR,
        Scope.PIPELINE,
        "Keys are unique",
        explanation="The last one wins.",
        bad="a: 1\na: 2\n",
        good="a: 2\n",
    ),
    "memory-limit": Rule(
        "memory-limit",
        Severity.WARNING,
        Scope.DOCUMENT,
        "Containers have a memory limit",
        explanation="Without one, a container takes the memory of its node.",
        bad="limits: {}\n",
        good="limits: {memory: 1Gi}\n",
    ),
    "render-failed": Rule(
        "render-failed",
        Severity.ERROR,
        Scope.PIPELINE,
        "Applications render",
        explanation="Argo CD could not render it either.",
        bad="a: {{ b }\n",
        good="a: {{ b }}\n",
    ),
}


@pytest.fixture(autouse=True)
def _rules(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, rule in RULES_OF_THE_REPORT.items():
        monkeypatch.setitem(RULES, name, rule)


@pytest.fixture
def options() -> Options:
    return Options(version="1.2.3")


@pytest.fixture
def report() -> Report:
    template = f"{TEMPLATES}/deployment.yaml"
    no_limit = Finding(
        "memory-limit",
        Severity.WARNING,
        "the container web has no memory limit",
        template,
        hint="Set resources.limits.memory.",
        application="my-app",
        environment="dev",
        resource="Deployment/my-app",
        also=(Place(template, None, "my-app", "prod", "Deployment/my-app"),),
    )
    findings = [
        no_limit,
        Finding(
            "render-failed",
            Severity.ERROR,
            "Helm failed:\nno template <b>",
            "environments/staging/my-app",
            application="my-app",
            environment="staging",
        ),
        Finding(
            "duplicate-key",
            Severity.ERROR,
            'the key "replicas" is there twice',
            "environments/dev/values: 50%, é.yaml",
            9,
            hint="Remove one of them.",
            resource="Service/web",
        ),
    ]
    rendered = [
        Outcome(f"{TEMPLATES}/{name}.yaml", status, reason, "my-app", environment, is_rendered=True)
        for environment in ("dev", "prod")
        for name, status, reason in (
            ("deployment", Status.PASSED, ""),
            ("certificate", Status.SKIPPED, "no schema for cert-manager.io/v1 Certificate"),
        )
    ]
    written = [
        Outcome("environments/dev/values: 50%, é.yaml", Status.PASSED),
        Outcome("environments/dev/values: 50%, é.yaml", Status.FAILED),
        Outcome("argocd/root.yaml", Status.PASSED),
    ]
    return Report(findings, [*rendered, *written], renders=2)
