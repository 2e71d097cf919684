"""Rules of an Application's sources, called one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from argosy.argocd.settings import Settings
from argosy.argocd.view import View
from tests.rules.subjects import CHART, GIT, REPOSITORY, VALUES, application, problems

READS: dict[str, Any] = {**GIT, "helm": {"valueFiles": ["$values/shop.yaml"]}}
READS_BOTH: dict[str, Any] = {**CHART, "helm": {"valueFiles": ["$values/a.yaml", "$more/b.yaml"]}}

CASES: list[tuple[str, str, tuple[Any, ...] | None]] = [
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
    (
        "tool-version-invalid",
        "{source: {repoURL: x, path: a, helm: {version: v2}}}",
        ("spec", "source", "helm", "version"),
    ),
    ("tool-version-invalid", "{source: {repoURL: x, path: a, helm: {version: v4, kubeVersion: v1.31.2-eks}}}", None),
    (
        "tool-version-invalid",
        "{sources: [{repoURL: x, path: a, helm: {kubeVersion: latest}}]}",
        ("spec", "sources", 0, "helm", "kubeVersion"),
    ),
    (
        "tool-version-invalid",
        "{source: {repoURL: x, path: a, kustomize: {kubeVersion: '1.031'}}}",
        ("spec", "source", "kustomize", "kubeVersion"),
    ),
    ("tool-version-invalid", "{source: {repoURL: x, path: a, kustomize: {version: v4.5.7}}}", None),
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
]


@pytest.mark.parametrize(("rule", "spec", "at"), CASES)
def test_rule_about_an_application(rule: str, spec: str, at: tuple[Any, ...] | None, tmp_path: Path) -> None:
    found = problems(rule, application(spec), View(tmp_path))
    assert [problem.at for problem in found] == ([] if at is None else [at])


def test_versions_of_tools_that_an_argo_cd_has(tmp_path: Path) -> None:
    spec = "{source: {repoURL: x, path: a, helm: {version: v4}, kustomize: {version: v4.5.7}}}"
    none, older = View(tmp_path, settings=Settings([{"url": ""}])), View(tmp_path, argocd="3.4.7")
    other = View(
        tmp_path, settings=Settings([{"url": ""}, {"kustomize.path.v4.5.7": "/tools/kustomize"}]), argocd="3.5"
    )
    said = {"none": none, "older": older, "other": other}
    found = {
        name: [each.at[-2:] for each in problems("tool-version-invalid", application(spec), view)]
        for name, view in said.items()
    }
    assert found == {"none": [("kustomize", "version")], "older": [("helm", "version")], "other": []}


def test_release_is_named_as_the_application(tmp_path: Path) -> None:
    long = application({"source": CHART}, name="a" * 54)
    assert problems("release-name-invalid", long, View(tmp_path))[0].at == ("metadata", "name")
    short = application({"source": {**CHART, "helm": {"releaseName": "a"}}}, name="a" * 54)
    assert not problems("release-name-invalid", short, View(tmp_path))


@pytest.mark.parametrize(
    ("sources", "broken"),
    [
        ([READS, VALUES], "same-repository-twice"),
        ([READS, {**VALUES, "repoURL": "https://GIT.example.com/team/gitops"}], "same-repository-twice"),
        ([READS, {**VALUES, "targetRevision": "v1"}], "same-repository-two-revisions"),
        ([{**READS, "targetRevision": "HEAD"}, {"repoURL": REPOSITORY, "ref": "values"}], "same-repository-twice"),
        ([GIT, {**GIT, "path": "apps/other", "targetRevision": "v1"}], ""),
        ([GIT, {**VALUES, "targetRevision": "v1"}], ""),
        ([READS_BOTH, VALUES, {**VALUES, "ref": "more", "targetRevision": "v1"}], "same-repository-two-revisions"),
        ([CHART, VALUES], ""),
        ([READS, {**VALUES, "repoURL": "https://git.example.com/other"}], ""),
    ],
)
def test_sources_of_one_repository(sources: list[dict[str, Any]], broken: str, tmp_path: Path) -> None:
    both = application({"sources": sources})
    rules = ("same-repository-twice", "same-repository-two-revisions")
    assert [rule for rule in rules if problems(rule, both, View(tmp_path))] == ([broken] if broken else [])


def write(root: Path, *paths: str) -> None:
    """Make files, each with just enough in it."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        content = "resources: [../../base]\n" if path.startswith("overlays/") else "a: b\n"
        (root / path).write_text(content, encoding="utf-8")


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
        [] if exclude is None else [f"Exclude them with `exclude: '{exclude}'`, or move them elsewhere."]
    )


@pytest.mark.parametrize(
    ("url", "instead"),
    [
        ("git@github.com/acme/gitops", "git@github.com:acme/gitops"),
        ("ssh://git@github.com:acme/gitops.git", "ssh://git@github.com/acme/gitops.git"),
        ("github.com/acme/gitops", "https://github.com/acme/gitops"),
        ("git@github.com:acme/gitops", ""),
        ("ssh://git@github.com:2222/acme/gitops", ""),
        ("org-1234@github.com:acme/gitops.git", ""),
        ("https://ada@github.com/acme/gitops", ""),
        ("oci://ghcr.io/acme/gitops", ""),
    ],
)
def test_urls_that_git_takes_for_something_else(url: str, instead: str, tmp_path: Path) -> None:
    found = problems("repository-url-invalid", application({"source": {**GIT, "repoURL": url}}), View(tmp_path))
    assert [each.hint for each in found] == ([f"Write {instead}."] if instead else [])


def test_a_registry_of_charts_needs_no_scheme(tmp_path: Path) -> None:
    chart = {**CHART, "repoURL": "registry-1.docker.io/bitnamicharts"}
    assert not problems("repository-url-invalid", application({"source": chart}), View(tmp_path))
