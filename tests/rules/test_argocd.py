"""The rules for Argo CD's own kinds, called one by one with Applications, documents and repositories."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argosy.argocd.matching import glob_matches, normal_url
from argosy.argocd.view import ArgoApplication, View, key
from argosy.documents import Document
from argosy.findings import Problem
from argosy.rules import argocd
from argosy.rules.permissions import destination_permitted, kind_permitted, source_permitted
from argosy.rules.projects import cron_fault
from argosy.rules.registry import RULES, Rule, Scope, files_of
from argosy.schemas.store import without_nulls

REPOSITORY = "https://git.example.com/team/gitops.git"
IN_CLUSTER = {"server": "https://kubernetes.default.svc", "namespace": "shop"}
GIT = {"repoURL": REPOSITORY, "path": "apps/shop", "targetRevision": "main"}
CHART = {"repoURL": "https://charts.example.com", "chart": "nginx", "targetRevision": "1.2.3"}
VALUES = {"repoURL": REPOSITORY, "targetRevision": "main", "ref": "values"}
OURS = [
    rule
    for rule in RULES.values()
    if rule.check and rule.check.__module__ in {f"argosy.rules.{name}" for name in argocd.__all__}
]


def application(
    spec: str | Mapping[str, Any] = "{}",
    name: str = "shop",
    annotations: Mapping[str, str] | None = None,
    path: str = "argocd/shop.yaml",
) -> ArgoApplication:
    """Return an Application of a good specification, with the fields of `spec` set in it."""
    given_spec = yaml.safe_load(spec) if isinstance(spec, str) else spec
    defaults: dict[str, Any] = {"project": "default", "destination": IN_CLUSTER}
    if not {"source", "sources", "sourceHydrator"} & set(given_spec):
        defaults["source"] = GIT
    data = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": "argocd", "annotations": dict(annotations or {})},
        "spec": {**defaults, **given_spec},
    }
    return ArgoApplication(without_nulls(copy.deepcopy(data)), Document(path, 0, data))


def manifest(text: str, path: str = "apps/shop/manifest.yaml") -> Document:
    """Return a manifest of YAML text."""
    return Document(path, 0, yaml.safe_load(text))


def named(kind: str, name: str = "shop", **metadata: str) -> Document:
    """Return a manifest of `[apiVersion:]Kind`, v1 by default, without a specification."""
    version, _, kind = kind.rpartition(":")
    return Document(
        "apps/shop/manifest.yaml",
        0,
        {"apiVersion": version or "v1", "kind": kind, "metadata": {"name": name, **metadata}},
    )


def rendered(root: Path, *deployed: tuple[ArgoApplication, list[Document]], **view: Any) -> View:
    """Return a repository whose Applications render to those manifests."""
    return View(
        root, applications=[each for each, _ in deployed], rendered={key(each): made for each, made in deployed}, **view
    )


def problems(rule: str, subject: ArgoApplication | Document | None, repository: View) -> list[Problem]:
    """Return what a rule says."""
    check = RULES[rule].check
    assert check is not None
    return list(check(repository) if subject is None else check(subject, repository))


def project(spec: str, name: str = "team") -> Document:
    """Return an AppProject."""
    return Document(
        "argocd/project.yaml",
        0,
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AppProject",
            "metadata": {"name": name},
            "spec": yaml.safe_load(spec),
        },
    )


def application_set(spec: str) -> Document:
    """Return an ApplicationSet."""
    return Document(
        "argocd/set.yaml",
        0,
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "ApplicationSet",
            "metadata": {"name": "set"},
            "spec": yaml.safe_load(spec),
        },
    )


# Rules about one Application

APPLICATION_CASES: list[tuple[str, str, tuple[Any, ...] | None]] = [
    ("source-missing", "{sources: []}", ("spec",)),
    ("source-missing", "{source: {repoURL: x}}", ("spec", "source")),
    ("source-missing", "{source: {repoURL: x, path: ''}}", ("spec", "source")),
    ("source-missing", "{source: {repoURL: '', path: a}}", ("spec", "source", "repoURL")),
    ("source-missing", "{source: {repoURL: x, ref: values}}", ("spec", "source")),
    ("source-missing", "{sources: [], source: {repoURL: x, ref: values}}", ("spec", "source")),
    ("source-missing", "{sources: [{repoURL: x, ref: values}]}", None),
    ("source-missing", "{sourceHydrator: {drySource: {repoURL: x, path: a, targetRevision: main}}}", None),
    ("source-missing", "{}", None),
    ("chart-without-revision", "{source: {repoURL: x, chart: nginx}}", ("spec", "source", "chart")),
    ("chart-without-revision", "{source: {repoURL: x, chart: nginx, targetRevision: ''}}", ("spec", "source", "chart")),
    ("chart-without-revision", "{source: {repoURL: x, chart: nginx, targetRevision: 1.0.0}}", None),
    ("chart-without-revision", "{source: {repoURL: x, path: nginx}}", None),
    ("source-ignored", "{source: {repoURL: x, path: a}, sources: [{repoURL: x, path: b}]}", ("spec", "source")),
    ("source-ignored", "{source: {repoURL: x, path: a}, sources: []}", None),
    ("ref-invalid", "{sources: [{repoURL: x, ref: $values}]}", ("spec", "sources", 0, "ref")),
    ("ref-invalid", "{sources: [{repoURL: x, ref: a}, {repoURL: y, ref: a}]}", ("spec", "sources", 1, "ref")),
    (
        "ref-invalid",
        "{sources: [{repoURL: x, path: a, name: a}, {repoURL: y, path: a, name: a}]}",
        ("spec", "sources", 1, "name"),
    ),
    ("ref-invalid", "{sources: [{repoURL: x, chart: c, ref: a}]}", ("spec", "sources", 0, "ref")),
    ("ref-invalid", "{sources: [{repoURL: x, ref: my_values-1}, {repoURL: x, path: a}, {repoURL: x, path: b}]}", None),
    (
        "source-kinds-mixed",
        "{source: {path: a, helm: {releaseName: a}, directory: {recurse: true}}}",
        ("spec", "source", "directory"),
    ),
    ("source-kinds-mixed", "{source: {path: a, kustomize: {namePrefix: a}, plugin: {}}}", ("spec", "source", "plugin")),
    ("source-kinds-mixed", "{source: {path: a, helm: {}, kustomize: {namePrefix: a}}}", None),
    ("source-kinds-mixed", "{source: {path: a, directory: {recurse: false}, helm: {releaseName: a}}}", None),
    (
        "release-name-invalid",
        f"{{source: {{chart: c, helm: {{releaseName: {'a' * 54}}}}}}}",
        ("spec", "source", "helm", "releaseName"),
    ),
    (
        "release-name-invalid",
        "{source: {chart: c, helm: {releaseName: a_b}}}",
        ("spec", "source", "helm", "releaseName"),
    ),
    ("release-name-invalid", f"{{source: {{chart: c, helm: {{releaseName: {'a' * 53}}}}}}}", None),
    ("release-name-invalid", "{source: {repoURL: x, path: apps/shop}}", None),
    (
        "missing-value-files-ignored",
        "{source: {path: a, helm: {ignoreMissingValueFiles: true}}}",
        ("spec", "source", "helm", "ignoreMissingValueFiles"),
    ),
    ("missing-value-files-ignored", "{source: {path: a, helm: {ignoreMissingValueFiles: false}}}", None),
    ("destination-ambiguous", "{destination: {server: x, name: y}}", ("spec", "destination")),
    ("destination-ambiguous", "{destination: {namespace: y}}", ("spec", "destination")),
    ("destination-ambiguous", "{destination: {name: y}}", None),
    ("name-invalid", "{destination: {name: y, namespace: a.b}}", ("spec", "destination", "namespace")),
    ("name-invalid", f"{{destination: {{name: y, namespace: {'a' * 64}}}}}", ("spec", "destination", "namespace")),
    ("name-invalid", f"{{destination: {{name: y, namespace: {'a' * 63}}}}}", None),
    ("automated-empty", "{syncPolicy: {automated: }}", ("spec", "syncPolicy", "automated")),
    ("automated-empty", "{syncPolicy: {automated: {}}}", None),
    ("automated-empty", "{syncPolicy: }", None),
    (
        "namespace-metadata-ignored",
        "{syncPolicy: {managedNamespaceMetadata: {labels: {a: b}}}}",
        ("spec", "syncPolicy", "managedNamespaceMetadata"),
    ),
    (
        "namespace-metadata-ignored",
        "{syncPolicy: {managedNamespaceMetadata: {labels: {a: b}}, syncOptions: [CreateNamespace=true]}}",
        None,
    ),
    (
        "retry-invalid",
        "{syncPolicy: {retry: {limit: 1, backoff: {duration: 5 s}}}}",
        ("spec", "syncPolicy", "retry", "backoff", "duration"),
    ),
    (
        "retry-invalid",
        "{syncPolicy: {retry: {limit: 1, backoff: {maxDuration: 3min}}}}",
        ("spec", "syncPolicy", "retry", "backoff", "maxDuration"),
    ),
    (
        "retry-invalid",
        "{syncPolicy: {retry: {limit: 1, backoff: {factor: 0}}}}",
        ("spec", "syncPolicy", "retry", "backoff", "factor"),
    ),
    ("retry-invalid", "{syncPolicy: {retry: {backoff: {duration: 5s}}}}", ("spec", "syncPolicy", "retry")),
    (
        "retry-invalid",
        "{syncPolicy: {retry: {limit: -1, backoff: {duration: '5', factor: 1, maxDuration: 1h1.5m}}}}",
        None,
    ),
    ("ignore-differences-incomplete", "{ignoreDifferences: [{kind: Service}]}", ("spec", "ignoreDifferences", 0)),
    (
        "ignore-differences-incomplete",
        "{ignoreDifferences: [{kind: Deployment, jsonPointers: [/spec]}]}",
        ("spec", "ignoreDifferences", 0),
    ),
    (
        "ignore-differences-incomplete",
        "{ignoreDifferences: [{kind: Service, jsonPointers: [.spec.ports]}]}",
        ("spec", "ignoreDifferences", 0, "jsonPointers", 0),
    ),
    (
        "ignore-differences-incomplete",
        "{ignoreDifferences: [{group: apps, kind: Deployment, jqPathExpressions: [.spec]}]}",
        None,
    ),
    (
        "ignore-differences-incomplete",
        "{ignoreDifferences: [{group: '*', kind: '*', managedFieldsManagers: [hpa]}]}",
        None,
    ),
]


@pytest.mark.parametrize(("rule", "spec", "at"), APPLICATION_CASES)
def test_rule_about_an_application(rule: str, spec: str, at: tuple[Any, ...] | None, tmp_path: Path) -> None:
    found = problems(rule, application(spec), View(tmp_path))
    assert [problem.at for problem in found] == ([] if at is None else [at])


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("CreateNamespace=True", "Write “CreateNamespace=true”"),
        ("createNamespace=true", "Write “CreateNamespace=true”"),
        ("CreateNamespace = true", "Write “CreateNamespace=true”"),
        ("CreateNamespace: true", "Write “CreateNamespace=true”"),
        (" PruneLast=true", "Write “PruneLast=true”"),
        ("CreateNamespaces=true", "Did you mean “CreateNamespace=true”?"),
        ("Prune=confirmed", "Write Prune= and true or false or confirm."),
        ("ServerSideApply", "Write ServerSideApply= and true or false."),
        ("PrunePropagationPolicy=back", "Write PrunePropagationPolicy= and foreground or background or orphan."),
        ("Force=true", "a resource's annotation"),
        ("what", "Argo CD knows ApplyOutOfSyncOnly, "),
    ],
)
def test_unknown_sync_option_names_the_next_step(option: str, said: str, tmp_path: Path) -> None:
    [found] = problems(
        "sync-option-unknown", application({"syncPolicy": {"syncOptions": ["Replace=true", option]}}), View(tmp_path)
    )
    assert found.at == ("spec", "syncPolicy", "syncOptions", 1)
    assert said in found.hint


@pytest.mark.parametrize(
    "option",
    [
        *("CreateNamespace=true", "Prune=confirm", "Delete=false", "Validate=false", "ClientSideApplyMigration=false"),
        *("PrunePropagationPolicy=orphan", "SkipDryRunOnMissingResource=true", "FailOnSharedResource=true"),
    ],
)
def test_known_sync_option(option: str, tmp_path: Path) -> None:
    assert not problems("sync-option-unknown", application({"syncPolicy": {"syncOptions": [option]}}), View(tmp_path))


def test_name_of_an_application(tmp_path: Path) -> None:
    assert problems("name-invalid", application(name="Shop"), View(tmp_path))[0].at == ("metadata", "name")
    assert not problems("name-invalid", application(name="shop.dev-1"), View(tmp_path))


def test_release_is_named_as_the_application(tmp_path: Path) -> None:
    long = application({"source": CHART}, name="a" * 54)
    assert problems("release-name-invalid", long, View(tmp_path))[0].at == ("metadata", "name")
    short = application({"source": {**CHART, "helm": {"releaseName": "a"}}}, name="a" * 54)
    assert not problems("release-name-invalid", short, View(tmp_path))


def test_place_within_an_application_set(tmp_path: Path) -> None:
    data = {"spec": {"template": {"spec": {"syncPolicy": {"automated": None}}}}}
    made = ArgoApplication({"metadata": {"name": "a"}}, Document("set.yaml", 0, data), ("spec", "template"))
    [found] = problems("automated-empty", made, View(tmp_path))
    assert found.at == ("spec", "template", "spec", "syncPolicy", "automated")


@pytest.mark.parametrize(
    ("sources", "broken"),
    [
        ([GIT, VALUES], "same-repository-twice"),
        ([GIT, {**VALUES, "repoURL": "https://GIT.example.com/team/gitops"}], "same-repository-twice"),
        ([GIT, {**VALUES, "targetRevision": "v1"}], "same-repository-two-revisions"),
        ([{**GIT, "targetRevision": "HEAD"}, {"repoURL": REPOSITORY, "ref": "values"}], "same-repository-twice"),
        ([GIT, {**GIT, "path": "apps/other", "targetRevision": "v1"}], ""),
        ([CHART, VALUES], ""),
        ([GIT, {**VALUES, "repoURL": "https://git.example.com/other"}], ""),
    ],
)
def test_sources_of_one_repository(sources: list[dict[str, str]], broken: str, tmp_path: Path) -> None:
    both = application({"sources": sources})
    rules = ("same-repository-twice", "same-repository-two-revisions")
    assert [rule for rule in rules if problems(rule, both, View(tmp_path))] == ([broken] if broken else [])


# Rules that read the working tree

PATHS = "argocd.argoproj.io/manifest-generate-paths"


def write(root: Path, *paths: str) -> None:
    """Make files, each with just enough in it."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        content = "resources: [../../base]\n" if path.startswith("overlays/") else "a: b\n"
        (root / path).write_text(content, encoding="utf-8")


@pytest.mark.parametrize(
    ("source", "declared", "hint"),
    [
        ({"path": "charts/shop"}, "", "Add it: “.”."),
        ({"path": "charts/shop"}, ".", None),
        ({"path": "charts/shop"}, "/charts", None),
        ({"path": "charts/shop"}, "/charts/*", None),
        ({"path": "charts/shop"}, "/environments", "Write “.”."),
        ({"path": "charts/shop", "helm": {"valueFiles": ["/env/dev.yaml"]}}, ".", "Write “.;/env/dev.yaml”."),
        ({"path": "charts/shop", "helm": {"valueFiles": ["/env/dev.yaml"]}}, ".;/env", None),
        ({"path": "charts/shop", "helm": {"valueFiles": ["../../env/dev.yaml"]}}, ". ; ../../env/dev.yaml", None),
        ({"path": "charts/shop", "helm": {"valueFiles": ["dev.yaml"]}}, ".", None),
        ({"path": "overlays/dev"}, ".", "Write “.;/base”."),
        ({"path": "overlays/dev"}, ".;/base", None),
    ],
)
def test_generate_paths(source: dict[str, Any], declared: str, hint: str | None, tmp_path: Path) -> None:
    write(tmp_path, "charts/shop/Chart.yaml", "charts/shop/dev.yaml", "env/dev.yaml")
    write(tmp_path, "overlays/dev/kustomization.yaml", "base/kustomization.yaml")
    one = application({"source": {"repoURL": REPOSITORY, **source}}, annotations={PATHS: declared})
    two = application(name="two")
    found = problems("generate-paths-missing", one, View(tmp_path, applications=[one, two]))
    assert [problem.hint for problem in found] == ([] if hint is None else [hint])


def test_generate_paths_of_the_only_application(tmp_path: Path) -> None:
    only, chart = application(), application({"source": CHART}, name="chart")
    assert not problems("generate-paths-missing", only, View(tmp_path, applications=[only, chart]))


@pytest.mark.parametrize(
    ("directory", "exclude"),
    [
        ({"recurse": True}, "{charts/shop/*,deep/er/*}"),
        ({"recurse": True, "exclude": "charts/*"}, "deep/er/*"),
        ({"recurse": True, "exclude": "{charts/*,*/kustomization.yaml}"}, None),
        ({"recurse": True, "include": "*.json"}, None),
        ({"recurse": True, "include": "deep/*"}, "deep/er/*"),
        ({"recurse": False}, None),
        ({}, None),
    ],
)
def test_directory_source(directory: dict[str, Any], exclude: str | None, tmp_path: Path) -> None:
    write(tmp_path, "all/service.yaml", "all/charts/shop/Chart.yaml", "all/charts/shop/values.yaml")
    write(tmp_path, "all/deep/er/kustomization.yaml")
    (tmp_path / "all/deep/values.yaml").write_text("# +argocd:skip-file-rendering\n", encoding="utf-8")
    source = {"repoURL": REPOSITORY, "path": "all", "directory": directory}
    found = problems("directory-swallows", application({"source": source}), View(tmp_path))
    assert [problem.hint for problem in found] == (
        [] if exclude is None else [f"Leave them out with `exclude: '{exclude}'`, or move them elsewhere."]
    )


# Rules about one manifest

DOCUMENT_CASES = [
    ("sync-wave-invalid", {"argocd.argoproj.io/sync-wave": "1.5"}, "Write an integer"),
    ("sync-wave-invalid", {"argocd.argoproj.io/sync-wave": ""}, "Write an integer"),
    ("sync-wave-invalid", {"argocd.argoproj.io/sync-wave": 5}, "Quote it"),
    ("sync-wave-invalid", {"argocd.argoproj.io/sync-wave": "-5"}, None),
    ("sync-wave-invalid", {}, None),
    ("sync-option-annotation", {"argocd.argoproj.io/sync-options": "Prune=false,Replace=True"}, "“Replace=true”"),
    ("sync-option-annotation", {"argocd.argoproj.io/sync-options": "CreateNamespace=true"}, "the Application"),
    ("sync-option-annotation", {"argocd.argoproj.io/sync-options": "Force=true, Replace=true,"}, None),
    ("hook-unknown", {"argocd.argoproj.io/hook": "PreSync,Postsync"}, "“PostSync”"),
    ("hook-unknown", {"argocd.argoproj.io/hook": "before"}, "PostDelete, PostSync"),
    ("hook-unknown", {"argocd.argoproj.io/hook-delete-policy": "hook-succeeded"}, "“HookSucceeded”"),
    ("hook-unknown", {"argocd.argoproj.io/hook": "PreDelete, PostDelete"}, None),
]


@pytest.mark.parametrize(("rule", "annotations", "hint"), DOCUMENT_CASES)
def test_rule_about_annotations(rule: str, annotations: dict[str, Any], hint: str | None, tmp_path: Path) -> None:
    document = named("ConfigMap")
    document.data["metadata"]["annotations"] = annotations
    found = problems(rule, document, View(tmp_path))
    assert len(found) == (hint is not None)
    assert all(hint is not None and hint in problem.hint for problem in found)


POLICY = "{roles: [{name: ci, policies: ['%s']}]}"
WINDOW = "{syncWindows: [{kind: allow, schedule: '0 1 * * *', duration: 1h, applications: ['*'], %s}]}"
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
    ],
)
def test_bad_schedule(schedule: str) -> None:
    assert cron_fault(schedule)


TWO = "generators: [{list: {elements: []}}, {list: {elements: []}}]"
NESTED = f"generators: [{{matrix: {{{TWO}}}}}, {{list: {{}}}}]"
DEEP = f"generators: [{{matrix: {{{NESTED}}}}}, {{list: {{}}}}]"
SET_CASES = [
    ("matrix-children", "{generators: [{matrix: {generators: [{git: {}}]}}]}", 1),
    ("matrix-children", "{generators: [{matrix: {generators: [{git: {}}, {list: {}}, {list: {}}]}}]}", 1),
    ("matrix-children", "{generators: [{matrix: {generators: [{git: {}}, {git: {}, list: {}}]}}]}", 1),
    ("matrix-children", f"{{generators: [{{merge: {{generators: [{{matrix: {{{TWO}}}}}, {{list: {{}}}}]}}}}]}}", 0),
    ("matrix-children", f"{{generators: [{{matrix: {{{DEEP}}}}}]}}", 1),
    ("matrix-children", f"{{generators: [{{matrix: {{{TWO}}}}}]}}", 0),
    ("merge-children", "{generators: [{merge: {mergeKeys: [a], generators: [{list: {}}]}}]}", 1),
    ("merge-children", f"{{generators: [{{merge: {{{TWO}}}}}]}}", 1),
    ("merge-children", f"{{generators: [{{merge: {{mergeKeys: [a], {TWO}}}}}]}}", 0),
    ("missing-key-silent", "{goTemplate: true, template: {}}", 1),
    ("missing-key-silent", "{goTemplate: true, goTemplateOptions: [missingkey=zero]}", 1),
    ("missing-key-silent", "{template: {metadata: {name: '{{x}}'}}}", 1),
    ("missing-key-silent", "{template: {metadata: {name: x}}}", 0),
    ("missing-key-silent", "{goTemplate: true, goTemplateOptions: [missingkey=error]}", 0),
    ("preserve-misplaced", "{template: {spec: {syncPolicy: {preserveResourcesOnDeletion: true}}}}", 1),
    ("preserve-misplaced", "{syncPolicy: {preserveResourcesOnDeletion: true}}", 0),
    ("patch-changes-project", r'{templatePatch: "spec:\n  project: {{.team}}\n"}', 1),
    ("patch-changes-project", r'{templatePatch: "{\"spec\": {\"project\": \"a\"}}"}', 1),
    ("patch-changes-project", r'{templatePatch: "spec:\n  {{- if .a }}\n  project: a\n  {{- end }}\n  x: y\n"}', 1),
    ("patch-changes-project", r'{templatePatch: "metadata:\n  labels:\n    project: {{.a}}\nspec:\n  a: b"}', 0),
    ("patch-changes-project", r'{templatePatch: "{{ range .a }}: ["}', 0),
]


@pytest.mark.parametrize(("rule", "spec", "count"), SET_CASES)
def test_rule_about_an_application_set(rule: str, spec: str, count: int, tmp_path: Path) -> None:
    assert len(problems(rule, application_set(spec), View(tmp_path))) == count


# Rules about what is rendered

AUTOSCALER = manifest(
    """
    apiVersion: autoscaling/v2
    kind: HorizontalPodAutoscaler
    metadata: {name: shop}
    spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: shop}}
    """
)
KEDA = manifest(
    "{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {name: x}, spec: {scaleTargetRef: {name: shop}}}"
)
DEPLOYMENT = manifest("{apiVersion: apps/v1, kind: Deployment, metadata: {name: shop}, spec: {replicas: 2}}")
SCALED = manifest("{apiVersion: apps/v1, kind: Deployment, metadata: {name: shop}, spec: {}}")
HEALS = "automated: {selfHeal: true}"
IGNORED = "ignoreDifferences: [{group: apps, kind: Deployment, jsonPointers: [/spec/replicas]}]"


@pytest.mark.parametrize(
    ("spec", "made", "broken"),
    [
        (f"{{syncPolicy: {{{HEALS}}}}}", [AUTOSCALER, DEPLOYMENT], True),
        (f"{{syncPolicy: {{{HEALS}}}}}", [KEDA, DEPLOYMENT], True),
        (f"{{syncPolicy: {{{HEALS}}}, {IGNORED}}}", [AUTOSCALER, DEPLOYMENT], True),
        (f"{{syncPolicy: {{{HEALS}, syncOptions: [RespectIgnoreDifferences=true]}}}}", [AUTOSCALER, DEPLOYMENT], True),
        (
            f"{{syncPolicy: {{{HEALS}, syncOptions: [RespectIgnoreDifferences=true]}}, "
            f"{IGNORED.replace('group: apps, ', '')}}}",
            [AUTOSCALER, DEPLOYMENT],
            True,
        ),
        (
            f"{{syncPolicy: {{{HEALS}, syncOptions: [RespectIgnoreDifferences=true]}}, {IGNORED}}}",
            [AUTOSCALER, DEPLOYMENT],
            False,
        ),
        (f"{{syncPolicy: {{{HEALS}}}}}", [AUTOSCALER, SCALED], False),
        (f"{{syncPolicy: {{{HEALS}}}}}", [DEPLOYMENT], False),
        ("{syncPolicy: {automated: {}}}", [AUTOSCALER, DEPLOYMENT], False),
        ("{syncPolicy: {automated: {selfHeal: true, enabled: false}}}", [AUTOSCALER, DEPLOYMENT], False),
    ],
)
def test_autoscaler(spec: str, made: list[Document], broken: bool, tmp_path: Path) -> None:
    one = application(spec)
    found = problems("autoscaler-fights-self-heal", one, rendered(tmp_path, (one, made)))
    assert bool(found) is broken


def test_one_name_in_two_files(tmp_path: Path) -> None:
    one, two, other = application(), application(path="b.yaml"), application(name="other", path="c.yaml")
    [found] = problems("application-name-twice", None, View(tmp_path, applications=[one, other, two]))
    assert found.document is two.document
    assert "argocd/shop.yaml" in found.message


def test_one_name_twice_in_a_set(tmp_path: Path) -> None:
    data = {"metadata": {"name": "shop"}}
    document = Document("set.yaml", 0, {})
    made = [ArgoApplication(dict(data), document, ("spec", "template")) for _ in range(2)]
    [found] = problems("application-name-twice", None, View(tmp_path, applications=made))
    assert found.at == ("spec", "template", "metadata", "name")
    assert "by this ApplicationSet" in found.message


@pytest.mark.parametrize(
    ("destination", "first", "second", "broken"),
    [
        (IN_CLUSTER, named("Service"), named("Service", namespace="shop"), True),
        ({"name": "in-cluster", "namespace": "shop"}, named("Service"), named("Service"), True),
        ({**IN_CLUSTER, "namespace": "other"}, named("Service"), named("Service"), False),
        ({**IN_CLUSTER, "namespace": "other"}, named("Namespace"), named("Namespace"), True),
        ({"name": "prod", "namespace": "shop"}, named("Service"), named("Service"), False),
        (IN_CLUSTER, named("Service"), named("Secret"), False),
        (IN_CLUSTER, named("Service"), named("example.com/v1:Service"), False),
    ],
)
def test_one_resource_in_two_applications(
    destination: dict[str, str], first: Document, second: Document, broken: bool, tmp_path: Path
) -> None:
    one, two = application(), application({"destination": destination}, name="two")
    found = problems("resource-twice", None, rendered(tmp_path, (one, [first]), (two, [second])))
    assert [problem.document for problem in found] == ([second] if broken else [])


def test_one_resource_twice_in_an_application(tmp_path: Path) -> None:
    one = application()
    first, second, third = named("Service"), named("Service"), named("Service", name="other")
    [found] = problems("resource-twice", None, rendered(tmp_path, (one, [first, second, third])))
    assert found.document is second


@pytest.mark.parametrize(
    ("annotations", "applied"),
    [
        ({}, True),
        ({"helm.sh/hook": "test"}, False),
        ({"helm.sh/hook": "test-success, pre-install"}, True),
        ({"helm.sh/hook": "crd-install"}, True),
        ({"helm.sh/hook": "pre-install", "argocd.argoproj.io/hook": "Skip"}, False),
        ({"argocd.argoproj.io/hook": "PreSync"}, True),
        ({"argocd.argoproj.io/hook": "Skip"}, False),
        ({"argocd.argoproj.io/hook": "presync"}, False),
    ],
)
def test_hooks_that_are_never_applied(annotations: dict[str, str], applied: bool, tmp_path: Path) -> None:
    pods = [named("Pod"), named("Pod")]
    for pod in pods:
        pod.data["metadata"]["annotations"] = annotations
    found = problems("resource-twice", None, rendered(tmp_path, (application(), pods)))
    assert bool(found) is applied


def test_one_file_in_two_applications(tmp_path: Path) -> None:
    service = named("Service")
    deployed = [(application(name=name), [service]) for name in ("one", "two")]
    assert len(problems("resource-twice", None, rendered(tmp_path, *deployed))) == 1


def test_scope_of_a_custom_kind(tmp_path: Path) -> None:
    definition = manifest(
        "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, "
        "spec: {group: example.com, scope: Cluster, names: {kind: Tenant}}}"
    )
    one, two = application(), application({"destination": {**IN_CLUSTER, "namespace": "other"}}, name="two")
    deployed = [(each, [named("example.com/v1:Tenant")]) for each in (one, two)]
    assert not problems("resource-twice", None, rendered(tmp_path, *deployed))
    assert problems("resource-twice", None, rendered(tmp_path, *deployed, documents=[definition]))


@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        ("Endpoints", True),
        ("discovery.k8s.io/v1:EndpointSlice", True),
        ("coordination.k8s.io/v1:Lease", True),
        ("events.k8s.io/v1:Event", True),
        ("cert-manager.io/v1:CertificateRequest", True),
        ("wgpolicyk8s.io/v1alpha2:PolicyReport", True),
        ("cert-manager.io/v1:Certificate", False),
        ("Service", False),
        ("example.com/v1:Lease", False),
    ],
)
def test_excluded_kind(kind: str, broken: bool, tmp_path: Path) -> None:
    document = named(kind)
    found = problems("never-synced", None, rendered(tmp_path, (application(), [document])))
    assert [problem.document for problem in found] == ([document] if broken else [])


# What an AppProject permits


def test_project_that_no_file_declares(tmp_path: Path) -> None:
    ours, default = application("{project: team}"), application("{project: ''}")
    assert problems("project-unknown", ours, View(tmp_path))
    assert not problems("project-unknown", default, View(tmp_path))
    assert not problems("project-unknown", ours, View(tmp_path, projects={"team": project("{}")}))
    assert not problems("project-unknown", ours, rendered(tmp_path, (application(name="root"), [project("{}")])))


@pytest.mark.parametrize(
    ("patterns", "url", "permitted"),
    [
        (["*"], "https://host/team/a", True),
        (["https://host/*"], "https://host/team/a", False),
        (["https://host/*/*"], "https://host/team/a", True),
        (["https://host/**"], "https://host/team/a", True),
        (["https://HOST/team/a.git"], "https://host/Team/a", True),
        (["git@host:team/*"], "ssh://git@host/team/a.git", True),
        (["https://host/team/*", "!https://host/team/a"], "https://host/team/a.git", False),
        (["!https://host/team/a"], "https://host/team/b", True),
        ([], "https://host/team/a", False),
    ],
)
def test_permitted_source(patterns: list[str], url: str, permitted: bool) -> None:
    assert source_permitted(patterns, url) is permitted


@pytest.mark.parametrize(
    ("destinations", "server", "name", "namespace", "permitted"),
    [
        ([{"server": "*", "namespace": "*"}], "https://a", None, "shop", True),
        ([{"server": "https://a", "namespace": "shop-*"}], "https://a", None, "shop-dev", True),
        ([{"server": "https://a", "namespace": "shop-*"}], "https://a", None, "other", False),
        ([{"server": "https://b", "namespace": "*"}], "https://a", "a", "shop", False),
        ([{"name": "a", "namespace": "*"}], None, "a", "shop", True),
        ([{"server": "*", "namespace": "*"}], None, "a", "shop", True),
        ([{"server": "https://a", "namespace": "*"}], None, "a", "shop", None),
        ([{"server": "https://a", "namespace": "x"}], None, "a", "shop", False),
        (
            [{"server": "*", "namespace": "*"}, {"server": "*", "namespace": "!kube-*"}],
            "https://a",
            None,
            "kube-x",
            False,
        ),
        ([{"server": "*", "namespace": "*"}, {"server": "*", "namespace": "!kube-*"}], "https://a", None, "shop", True),
        (
            [{"server": "*", "namespace": "*"}, {"server": "!https://a", "namespace": "*"}],
            "https://a",
            None,
            "b",
            False,
        ),
        ([{"server": "https://a"}], "https://a", None, "shop", False),
        ([], "https://a", None, "shop", False),
    ],
)
def test_permitted_destination(
    destinations: list[Mapping[str, Any]], server: str | None, name: str | None, namespace: str, permitted: bool | None
) -> None:
    assert destination_permitted(destinations, server, name, namespace) is permitted


@pytest.mark.parametrize(
    ("spec", "group", "kind", "name", "permitted"),
    [
        ({}, "", "Namespace", "shop", False),
        ({"clusterResourceWhitelist": []}, "", "Namespace", "shop", False),
        ({"clusterResourceWhitelist": [{"group": "*", "kind": "*"}]}, "", "Namespace", "shop", True),
        (
            {"clusterResourceWhitelist": [{"group": "", "kind": "Namespace", "name": "a-*"}]},
            "",
            "Namespace",
            "b",
            False,
        ),
        (
            {"clusterResourceWhitelist": [{"group": "", "kind": "Namespace", "name": "a-*"}]},
            "",
            "Namespace",
            "a-b",
            True,
        ),
        ({}, "apps", "Deployment", None, True),
        ({"namespaceResourceWhitelist": []}, "apps", "Deployment", None, False),
        ({"namespaceResourceWhitelist": [{"group": "apps", "kind": "*"}]}, "apps", "Deployment", None, True),
        ({"namespaceResourceWhitelist": [{"group": "", "kind": "*"}]}, "apps", "Deployment", None, False),
        ({"namespaceResourceBlacklist": [{"group": "", "kind": "Secret"}]}, "", "Secret", None, False),
    ],
)
def test_permitted_kind(spec: dict[str, Any], group: str, kind: str, name: str | None, permitted: bool) -> None:
    assert kind_permitted(spec, group, kind, name) is permitted


TEAM = "sourceRepos: ['*'], destinations: [{server: '*', namespace: shop}]"


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
        ("{project: team, syncPolicy: {syncOptions: [CreateNamespace=true]}}", [], {"project-denies-kind": "creates"}),
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


def test_hydrated_source_is_denied(tmp_path: Path) -> None:
    ours = application("{project: team, sourceHydrator: {drySource: {repoURL: x, path: a, targetRevision: b}}}")
    [found] = problems(
        "project-denies-source", ours, View(tmp_path, projects={"team": project("{sourceRepos: ['y']}")})
    )
    assert found.at == ("spec", "sourceHydrator", "drySource", "repoURL")


# How values are compared


@pytest.mark.parametrize(
    ("pattern", "value", "separator", "matches"),
    [
        ("*", "a/b", "", True),
        ("*", "a/b", "/", False),
        ("a?c", "abc", "", True),
        ("{a,b}/*.yaml", "b/c/d.yaml", "", True),
        ("{a,{b,c}}", "c", "", True),
        ("{a,b", "a", "", False),
        ("[!a-c]x", "dx", "", True),
        ("[!a-c]x", "ax", "", False),
        (r"\*", "*", "", True),
        (r"\*", "a", "", False),
        ("a,b", "a,b", "", True),
        ("a.b", "axb", "", False),
        ("[z-a]", "b", "", False),
    ],
)
def test_glob(pattern: str, value: str, separator: str, matches: bool) -> None:
    assert glob_matches(pattern, value, separator) is matches


def test_urls_of_one_repository() -> None:
    spellings = ["git@host.com:Team/Repo.git", "ssh://git@host.com/team/repo", " git@HOST.com:team/repo"]
    assert {normal_url(each) for each in spellings} == {"git@host.com/team/repo"}


# All of them

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.sampled_from(["", "*", "!*", "a", "{{x}}", "/a", "shop", "true"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "name", "path"]), inner, max_size=2)
    ),
    max_leaves=4,
)
SHAPES = [
    application(
        {
            "sources": [
                {**GIT, "helm": {"valueFiles": ["a"], "releaseName": "a"}, "directory": {"recurse": True}},
                VALUES,
            ],
            "syncPolicy": {
                "automated": {"selfHeal": True},
                "syncOptions": ["CreateNamespace=true"],
                "retry": {"limit": 1, "backoff": {"duration": "5s", "factor": 2}},
                "managedNamespaceMetadata": {"labels": {"a": "b"}},
            },
            "ignoreDifferences": [{"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]}],
        },
        annotations={PATHS: "."},
    ).document,
    project(f"{{{TEAM}, clusterResourceWhitelist: [{{group: '', kind: a, name: b}}], {POLICY[1:-1] % 'p, a'}}}"),
    project(WINDOW % "timeZone: UTC"),
    application_set(f"{{generators: [{{matrix: {{{TWO}}}}}], templatePatch: 'spec: {{}}', template: {{spec: {{}}}}}}"),
    AUTOSCALER,
    DEPLOYMENT,
]


def places(data: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the place of every value."""
    yield at
    inner: Any = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for step, value in inner:
        yield from places(value, (*at, step))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_shape_of_data_raises(data: st.DataObject, tmp_path: Path) -> None:
    shape = copy.deepcopy(data.draw(st.sampled_from(SHAPES)).data)
    at = data.draw(st.sampled_from([place for place in places(shape) if place]))
    target = shape
    for step in at[:-1]:
        target = target[step]
    target[at[-1]] = data.draw(JSON)
    document = Document("manifest.yaml", 0, shape)
    odd, good = ArgoApplication(without_nulls(shape), document), application("{project: team}", name="good")
    deployed = [(odd, [document, DEPLOYMENT]), (good, [document, AUTOSCALER])]
    view = rendered(tmp_path, *deployed, documents=[document], projects={"team": document})
    subjects: dict[Scope, list[Any]] = {Scope.DOCUMENT: [document], Scope.APPLICATION: [odd, good]}
    for rule in OURS:
        for subject in subjects.get(rule.scope, [None]):
            assert all(problem.message for problem in problems(rule.id, subject, view))


@pytest.mark.parametrize("rule", OURS, ids=lambda rule: rule.id)
def test_rule_is_documented(rule: Rule) -> None:
    assert rule.summary.endswith(".")
    assert 2 <= rule.explanation.count(". ") + 1 <= 5
    assert files_of(rule.bad) != files_of(rule.good)
    for text in (*files_of(rule.bad).values(), *files_of(rule.good).values()):
        if "{{ .Values" not in text:
            assert all(isinstance(each, dict) for each in yaml.safe_load_all(text))
