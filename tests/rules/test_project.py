"""Rules of AppProjects, called one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from argosy.argocd import clusters
from argosy.argocd.view import View
from argosy.documents import Document
from argosy.findings import Severity
from argosy.rules.project import cron_fault
from tests.rules.subjects import POLICY, TEAM, WINDOW, application, named, problems, project, rendered
from tests.validating import Validate, rules_of

PROJECT_CASES = [
    ("project-duplicate", "{sourceRepos: [a, b, a]}", ("spec", "sourceRepos", 2)),
    ("project-duplicate", "{sourceRepos: ['!*']}", ("spec", "sourceRepos", 0)),
    ("project-duplicate", "{sourceNamespaces: [a, a]}", ("spec", "sourceNamespaces", 1)),
    (
        "project-duplicate",
        "{destinations: [{server: a, namespace: b}, {name: a, namespace: b}]}",
        ("spec", "destinations", 1),
    ),
    ("project-duplicate", "{destinations: [{server: a, namespace: '!*'}]}", ("spec", "destinations", 0)),
    ("project-duplicate", "{destinations: [{server: a, namespace: b}, {server: a, namespace: c}]}", None),
    ("project-role-invalid", "{roles: [{name: -ci}]}", ("spec", "roles", 0, "name")),
    ("project-role-invalid", "{roles: [{name: ci}, {name: ci}]}", ("spec", "roles", 1, "name")),
    (
        "project-role-invalid",
        POLICY % "p, proj:team:ci, applications, get, team/*",
        ("spec", "roles", 0, "policies", 0),
    ),
    (
        "project-role-invalid",
        POLICY % "p, proj:team:x, applications, get, team/*, allow",
        ("spec", "roles", 0, "policies", 0),
    ),
    (
        "project-role-invalid",
        POLICY % "p, proj:team:ci, projects, get, team/*, allow",
        ("spec", "roles", 0, "policies", 0),
    ),
    (
        "project-role-invalid",
        POLICY % "p, proj:team:ci, applications, read, team/*, allow",
        ("spec", "roles", 0, "policies", 0),
    ),
    (
        "project-role-invalid",
        POLICY % "p, proj:team:ci, applications, get, teams/*, allow",
        ("spec", "roles", 0, "policies", 0),
    ),
    (
        "project-role-invalid",
        POLICY % "p, proj:team:ci, applications, get, team/*, yes",
        ("spec", "roles", 0, "policies", 0),
    ),
    (
        "project-role-invalid",
        POLICY % "p, proj:team:ci, applications, action/apps/Deployment/restart, team/ns/shop, deny",
        None,
    ),
    ("project-role-invalid", "{roles: [{name: ci, groups: [a, a]}]}", ("spec", "roles", 0, "groups", 1)),
    ("project-role-invalid", "{roles: [{name: ci, groups: ['a,b']}]}", ("spec", "roles", 0, "groups", 0)),
    ("project-role-invalid", "{roles: [{name: ci, groups: ['\"a,b\"', a b]}]}", None),
    ("sync-window-invalid", WINDOW % "kind: permit", ("spec", "syncWindows", 0, "kind")),
    ("sync-window-invalid", WINDOW % "schedule: '@daily'", ("spec", "syncWindows", 0, "schedule")),
    ("sync-window-invalid", WINDOW % "duration: 1d", ("spec", "syncWindows", 0, "duration")),
    ("sync-window-invalid", WINDOW % "timeZone: Europe/Wien", ("spec", "syncWindows", 0, "timeZone")),
    ("sync-window-invalid", WINDOW % "applications: []", ("spec", "syncWindows", 0)),
    ("sync-window-invalid", WINDOW % "timeZone: Europe/Vienna", None),
    ("sync-window-invalid", WINDOW % "duration: -1h", ("spec", "syncWindows", 0, "duration")),
    ("sync-window-invalid", WINDOW % "duration: 0s", ("spec", "syncWindows", 0, "duration")),
    ("sync-window-invalid", WINDOW % "duration: 2562048h", ("spec", "syncWindows", 0, "duration")),
    ("sync-window-invalid", WINDOW % "duration: 1h0.5m", None),
    ("sync-window-invalid", WINDOW % "schedule: 0 0 30 feb *", ("spec", "syncWindows", 0, "schedule")),
    ("sync-window-invalid", WINDOW % "schedule: 0 0 31 4,6-9/3 ?", ("spec", "syncWindows", 0, "schedule")),
    ("sync-window-invalid", WINDOW % "schedule: 0 0 29-31 2 *", None),
    ("sync-window-invalid", WINDOW % "schedule: 0 0 31 4/1 *", None),
    ("sync-window-invalid", WINDOW % "schedule: 0 0 30 2 1", None),
    ("sync-window-invalid", WINDOW % f"description: {'x' * 256}", ("spec", "syncWindows", 0, "description")),
    (
        "sync-window-invalid",
        "{syncWindows: [&w {kind: deny, schedule: '* * * * *', duration: 1h, clusters: [a]}, *w]}",
        ("spec", "syncWindows", 1),
    ),
    (
        "project-permits-everything",
        "{sourceRepos: ['*'], destinations: [{name: '*', namespace: '*'}]}",
        ("spec", "sourceRepos", 0),
    ),
    (
        "project-permits-everything",
        "{sourceRepos: ['*'], clusterResourceWhitelist: [{group: '*', kind: '*'}]}",
        ("spec", "sourceRepos", 0),
    ),
    ("project-permits-everything", "{sourceRepos: ['*'], destinations: [{server: '*', namespace: shop}]}", None),
    ("project-permits-everything", "{sourceRepos: [a], destinations: [{server: '*', namespace: '*'}]}", None),
]


@pytest.mark.parametrize(("rule", "spec", "at"), PROJECT_CASES)
def test_rule_about_a_project(rule: str, spec: str, at: tuple[Any, ...] | None, tmp_path: Path) -> None:
    found = problems(rule, project(spec), View(tmp_path))
    assert [problem.at for problem in found] == ([] if at is None else [at])


@pytest.mark.parametrize(
    "schedule", ["* * * * *", "*/5 0-23/2 1,15 jan-MAR mon", "0 22 ? * 1-5", "5/10 * * * sun", "TZ=UTC 0 0 1 1 0"]
)
def test_good_schedule(schedule: str) -> None:
    assert not cron_fault(schedule)


@pytest.mark.parametrize(
    "schedule",
    [
        *("", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 *"),
        *("* * * * 7", "5-1 * * * *", "*/0 * * * *", "1-2-3 * * * *", "*/x * * * *", "-1 * * * *", "1,, * * * *"),
        "mon * * * *",
        *(f"*/{'1' * 5000} * * * *", f"{'1' * 5000} * * * *"),
    ],
    ids=lambda schedule: schedule[:20],
)
def test_bad_schedule(schedule: str) -> None:
    assert cron_fault(schedule)


def test_project_that_no_file_declares(tmp_path: Path) -> None:
    ours, default = application("{project: team}"), application("{project: ''}")
    [unknown] = problems("project-unknown", ours, View(tmp_path))
    [of_layout] = problems("project-unknown", ours, View(tmp_path, environments={"dev": project("{}")}))
    assert (unknown.severity, of_layout.severity) == (None, Severity.ERROR)
    assert not problems("project-unknown", default, View(tmp_path))
    assert not problems("project-unknown", ours, View(tmp_path, projects={"team": project("{}")}))


def test_project_that_an_overlay_names(validate: Validate) -> None:
    project = "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: web}\nspec: {sourceRepos: ['*']}\n"
    written = {
        name: yaml.safe_dump(application(spec, name).document.data)
        for name, spec in (
            ("root", "{source: {repoURL: 'https://git.example.com/a.git', path: projects}}"),
            ("shop", "{project: team-web}"),
        )
    }
    report = validate(
        {
            "root.yaml": written["root"],
            "shop.yaml": written["shop"],
            "projects/kustomization.yaml": "namePrefix: team-\nresources: [web.yaml]\n",
            "projects/web.yaml": project,
        }
    )
    assert "project-unknown" not in rules_of(report)


@pytest.mark.parametrize(
    ("spec", "made", "broken"),
    [
        ("{project: team}", [named("Service")], {}),
        ("{project: team, source: {repoURL: x, path: a}}", [], {}),
        (
            "{project: team}",
            [named("Service", namespace="kube-system")],
            {"project-denies-destination": "Service/shop"},
        ),
        ("{project: team, destination: {server: x, namespace: y}}", [], {"project-denies-destination": "“y” of x"}),
        ("{project: team}", [named("Namespace"), named("Namespace", "b")], {"project-denies-kind": "Namespace/shop"}),
        (
            "{project: team, syncPolicy: {syncOptions: [CreateNamespace=true]}}",
            [],
            {"project-denies-kind": "Namespace of CreateNamespace=true"},
        ),
        (
            "{project: team}",
            [named("rbac.authorization.k8s.io/v1:ClusterRole", namespace="kube-system")],
            {"project-denies-kind": "ClusterRole/shop"},
        ),
    ],
)
def test_what_a_project_denies(spec: str, made: list[Document], broken: dict[str, str], tmp_path: Path) -> None:
    ours = application(spec)
    view = rendered(tmp_path, (ours, made), projects={"team": project(f"{{{TEAM}}}")})
    rules = ("project-denies-source", "project-denies-destination", "project-denies-kind")
    found = {rule: [problem.message for problem in problems(rule, ours, view)] for rule in rules}
    assert {rule for rule, messages in found.items() if messages} == set(broken)
    for rule, part in broken.items():
        [message] = found[rule]
        assert part in message


@pytest.mark.parametrize(
    ("secret", "destination", "why"),
    [
        ({}, "name: in-cluster", "has no Secret"),
        ({}, "server: https://prod.example.com", ""),
        ({"server": "https://kubernetes.default.svc", "project": "team"}, "name: in-cluster", ""),
        ({"server": "https://kubernetes.default.svc"}, "name: in-cluster", "belongs to no project"),
        ({"server": "https://prod.example.com", "project": "web"}, "name: prod", "belongs to the project web"),
        ({"server": "https://prod.example.com", "project": "team"}, "server: https://prod.example.com/", ""),
        ({"server": "{{ .server }}", "project": "web"}, "name: prod", ""),
    ],
)
def test_only_clusters_of_the_project(secret: dict[str, str], destination: str, why: str, tmp_path: Path) -> None:
    owner = project("{permitOnlyProjectScopedClusters: true, destinations: [{server: '*', namespace: '*'}]}")
    made = named("Secret", "prod")
    made.data["metadata"]["labels"] = {"argocd.argoproj.io/secret-type": "cluster"}
    made.data["stringData"] = {"name": "prod" if "prod" in str(secret) else "in-cluster", **secret}
    view = View(tmp_path, projects={"team": owner}, clusters=clusters.of([made] if secret else [], None))
    subject = application(f"{{project: team, destination: {{{destination}, namespace: shop}}}}")
    found = [each.message for each in problems("project-denies-destination", subject, view)]
    assert len(found) == bool(why)
    assert all(why in each for each in found)


def test_hydrated_source_is_denied(tmp_path: Path) -> None:
    ours = application("{project: team, sourceHydrator: {drySource: {repoURL: x, path: a, targetRevision: b}}}")
    [found] = problems(
        "project-denies-source", ours, View(tmp_path, projects={"team": project("{sourceRepos: ['y']}")})
    )
    assert found.at == ("spec", "sourceHydrator", "drySource", "repoURL")
