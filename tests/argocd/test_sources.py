"""Where an Application's source leads, as Argo CD resolves it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from argosy.argocd.sources import Kind, Source, is_here, is_local, normalise, resolve
from argosy.argocd.view import ArgoApplication, View
from argosy.documents import Document
from tests.validating import write_files

URL = "https://git.example.com/acme/gitops.git"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a repository with a chart, an overlay and a folder of manifests."""
    write_files(
        tmp_path,
        {
            "charts/shop/Chart.yaml": "name: shop\n",
            "charts/shop/dev.yaml": "{}\n",
            "overlays/dev/kustomization.yaml": "{}\n",
            "plain/pod.yaml": "{}\n",
            "values/a.yaml": "{}\n",
            "values/b.yaml": "{}\n",
            "values/deep/c.yaml": "{}\n",
        },
    )
    (tmp_path / "out").symlink_to("..")
    return tmp_path


def sources(
    root: Path, *specs: Mapping[str, Any], urls: frozenset[str] = frozenset({normalise(URL)})
) -> tuple[Source, ...]:
    """Return what an Application's sources lead to; repoURL is this repository's unless they have one."""
    full = [{"repoURL": URL, "targetRevision": "main", **spec} for spec in specs]
    spec = {"source": full[0]} if len(full) == 1 else {"sources": full}
    manifest = {"metadata": {"name": "shop"}, "spec": spec}
    return resolve(ArgoApplication(manifest, Document("argocd/shop.yaml", 0, manifest)), View(root, urls=urls))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("charts/shop", Kind.HELM),
        ("charts/shop/", Kind.HELM),
        ("./charts/../charts/shop", Kind.HELM),
        ("overlays/dev", Kind.KUSTOMIZE),
        ("plain", Kind.DIRECTORY),
        (".", Kind.DIRECTORY),
        ("nowhere", Kind.MISSING),
        ("/plain", Kind.MISSING),
        ("../x", Kind.MISSING),
        ("plain/../..", Kind.MISSING),
        ("out", Kind.MISSING),
        ("plain/pod.yaml", Kind.MISSING),
        ("", Kind.MISSING),
        ("a" * 5000, Kind.MISSING),
        ("a\0b", Kind.MISSING),
        (7, Kind.MISSING),
    ],
)
def test_paths(root: Path, path: Any, kind: Kind) -> None:
    (source,) = sources(root, {"path": path})
    assert source.kind is kind
    assert (source.folder is None) == (kind is Kind.MISSING)


@pytest.mark.parametrize("tool", ["helm", "kustomize"])
def test_settings_of_a_tool_decide_which_it_is(root: Path, tool: str) -> None:
    assert sources(root, {"path": "plain", tool: {"version": "v3"}})[0].kind == tool
    assert sources(root, {"path": "charts/shop", "directory": {}})[0].kind is Kind.HELM
    assert sources(root, {"path": "charts/shop", "directory": {"recurse": True}})[0].kind is Kind.DIRECTORY


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (
            {"repoURL": "https://charts.example.com", "chart": "nginx", "targetRevision": "1.2.3"},
            "the chart nginx 1.2.3",
        ),
        ({"repoURL": "https://git.example.com/acme/other.git", "path": "elsewhere"}, "another repository"),
        ({"path": "plain", "plugin": {"name": "cdk8s"}}, "cdk8s"),
        ({"path": "plain", "plugin": {}}, "discovery"),
    ],
)
def test_what_is_not_here_says_why(root: Path, spec: Mapping[str, Any], reason: str) -> None:
    (source,) = sources(root, spec)
    assert source.kind in {Kind.REMOTE, Kind.PLUGIN}
    assert reason in source.reason


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("dev.yaml", ["charts/shop/dev.yaml"]),
        ("../../values/a.yaml", ["values/a.yaml"]),
        ("/values/a.yaml", ["values/a.yaml"]),
        ("$nothing/values/a.yaml", ["values/a.yaml"]),
        ("/values/${NOBODY}a.yaml", ["values/a.yaml"]),
        ("/values/*.yaml", ["values/a.yaml", "values/b.yaml"]),
        ("/values/**/*.yaml", ["values/a.yaml", "values/b.yaml", "values/deep/c.yaml"]),
        ("https://example.com/values.yaml", []),
    ],
)
def test_value_files(root: Path, name: str, found: list[str]) -> None:
    (source,) = sources(root, {"path": "charts/shop", "helm": {"valueFiles": [name]}})
    assert [file.relative_to(root).as_posix() for file in source.value_files] == found
    assert source.misses == ()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("prod.yaml", "no such file"),
        ("../../../values/a.yaml", "out of the repository"),
        ("/../x.yaml", "out of the repository"),
        ("/values/x*.yaml", "no such file"),
        ("/values", "no such file"),
        ("$values/values/none.yaml", "no source has the ref"),
        ("/values/[.yaml", "no such file"),
        ("a\0b", "no such file"),
        ("b" * 5000, "no such file"),
    ],
)
def test_value_files_that_are_not_there(root: Path, name: str, reason: str) -> None:
    (source,) = sources(root, {"path": "charts/shop", "helm": {"valueFiles": [name]}})
    (miss,) = source.misses
    assert reason in miss.reason
    assert miss.at == ("spec", "source", "helm", "valueFiles", 0)


def test_missing_value_files_may_be_ignored_but_not_wrong_ones(root: Path) -> None:
    helm = {"ignoreMissingValueFiles": True, "valueFiles": ["x.yaml", "../../../x.yaml"]}
    (source,) = sources(root, {"path": "charts/shop", "helm": helm})
    assert [miss.path for miss in source.misses] == ["../../../x.yaml"]


def test_references_lead_from_the_root_of_the_other_source(root: Path) -> None:
    chart = {"path": "charts/shop", "helm": {"valueFiles": ["$values/values/a.yaml"]}}
    first, second = sources(root, chart, {"ref": "values"})
    assert [file.name for file in first.value_files] == ["a.yaml"]
    assert second.kind is Kind.VALUES
    elsewhere, _ = sources(root, chart, {"ref": "values", "repoURL": "https://git.example.com/acme/other"})
    assert (elsewhere.value_files, elsewhere.misses) == ((), ())
    wrong, _ = sources(root, {"path": "charts/shop", "helm": {"valueFiles": ["$values/x.yaml"]}}, {"ref": "vals"})
    assert "$vals" in wrong.misses[0].reason


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example.com/acme/gitops.git",
        "https://git.example.com/acme/gitops",
        "https://GIT.example.com/Acme/gitops/",
        "git@git.example.com:acme/gitops.git",
        "ssh://git@git.example.com/acme/gitops.git",
        "https://ada@git.example.com/acme/gitops.git",
    ],
)
def test_spellings_of_one_url(root: Path, url: str) -> None:
    assert is_here(url, View(root, urls=frozenset({normalise(URL)})))


@pytest.mark.parametrize(
    ("url", "expected"),
    [("/srv/x", True), ("../x", True), ("file:///srv/x", True), ("a/b:c", True), ("git@h:x", False), ("h:x", False)],
)
def test_a_path_of_this_machine_is_no_url_that_argo_cd_reads(url: str, expected: bool) -> None:
    assert is_local(url) is expected
    assert not is_local(URL)


def test_every_url_is_here_where_nothing_tells_the_repositorys_own(root: Path) -> None:
    assert is_here("https://example.com/x", View(root))
    assert not is_here("https://git.example.com/acme/gitops-two", View(root, urls=frozenset({normalise(URL)})))


@pytest.mark.parametrize(
    ("path", "file", "reason"),
    [
        ("dev.yaml", "charts/shop/dev.yaml", ""),
        ("../../values/a.yaml", "values/a.yaml", ""),
        ("/values/a.yaml", "values/a.yaml", ""),
        ("*.yaml", "", "no such file"),
        ("../../../x.yaml", "", "out of the repository"),
        ("/proc/self/environ", "", "no such file"),
        ("../../out/x.yaml", "", "out of the repository"),
        ("/.git/config", "", "Git's own"),
    ],
)
def test_files_of_parameters(root: Path, path: str, file: str, reason: str) -> None:
    (source,) = sources(root, {"path": "charts/shop", "helm": {"fileParameters": [{"name": "a.b", "path": path}]}})
    assert [(name, each.relative_to(root).as_posix()) for name, each in source.file_parameters] == (
        [("a.b", file)] if file else []
    )
    assert [miss.at for miss in source.misses] == (
        [("spec", "source", "helm", "fileParameters", 0, "path")] if reason else []
    )
    assert all(reason in miss.reason for miss in source.misses)


def test_a_submodule_that_is_not_checked_out_is_elsewhere(root: Path) -> None:
    (root / ".gitmodules").write_text('[submodule "x"]\n\tpath = "charts/own"\n\turl = https://example.com/own.git\n')
    said = "charts/own is a Git submodule, another repository, whose files are not here: git submodule update --init "
    said += "brings them"
    for checked_out in (False, True):  # A clone has an empty folder, a commit's files none at all.
        if checked_out:
            (root / "charts/own").mkdir()
        (source,) = sources(root, {"path": "charts/own/shop", "helm": {"valueFiles": ["/values/a.yaml"]}})
        assert (source.kind, source.reason, source.misses) == (Kind.REMOTE, said, ())
    (root / "charts/own/shop").mkdir()
    (root / "charts/own/shop/Chart.yaml").write_text("")
    (source,) = sources(root, {"path": "charts/own/shop"})
    assert source.kind is Kind.HELM


def test_patterns_that_can_be_read_in_many_ways(root: Path) -> None:
    write_files(root, {f"{'a/' * 30}v.yaml": "a: 1\n"})
    names = ["/" + "**/" * 30 + "x.yaml", "/a/" + "**/*/" * 12 + "v.yaml"]
    nothing, found = (sources(root, {"path": "charts/shop", "helm": {"valueFiles": [name]}})[0] for name in names)
    assert [miss.reason for miss in nothing.misses] == ["there is no such file"]
    assert [file.name for file in found.value_files] == ["v.yaml"]


def test_a_repository_that_is_called_like_this_one_and_more_is_another(root: Path) -> None:
    """One of a name that is nearly this one's is a mistake, of which there is a rule."""
    names = ("gitops-secrets", "gitopps")
    kinds = [
        sources(root, {"repoURL": f"https://git.example.com/acme/{name}", "path": "charts/shop"})[0].kind
        for name in names
    ]
    assert kinds == [Kind.REMOTE, Kind.HELM]
