"""Rules of argocd-rbac-cm."""

from __future__ import annotations

import pytest

from tests.rules.subjects import config_map, messages
from tests.validating import Validate, rules_of

PROJECT = """\
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: dev, namespace: argocd}
spec: {sourceRepos: []}
"""


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("p, role:x, applications, sync, dev/*", "has 5 fields"),
        ("g, role:x", "has 2 fields"),
        ("x, role:x, y", "begins with “x”"),
        ('p, role:"x", applications, get, dev/*, allow', "has a quote inside a field"),
        ('p, "role:x, applications, get, dev/*, allow', "has a quote inside a field"),
        ("p, role:x, aplications, get, dev/*, allow", "Did you mean “applications”?"),
        ("p, role:x, applications, rollback, dev/*, allow", "“rollback”, which “applications” does not support"),
        ("p, role:x, logs, sync, dev/*, allow", "“sync”, which “logs” does not support"),
        ("p, role:x, applications, sync/apps, dev/*, allow", "“sync/apps”"),
        ("p, role:x, applications, get, dev/*, permit", "unknown effect “permit”"),
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
