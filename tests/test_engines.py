"""Helm and Kustomize are those of the repository's Argo CD, as far as the user has them; never the repository's own."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from argosy import engines, programs
from argosy.cli import argosy as group
from argosy.helm import workers
from argosy.kustomize import command
from tests import goldens
from tests.conftest import Argosy
from tests.validating import write_files

APPLICATION = (
    "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop, namespace: argocd}\nspec:\n"
    "  project: default\n  destination: {server: https://kubernetes.default.svc, namespace: shop}\n"
    "  source: {repoURL: https://git.example.com/acme/gitops.git, targetRevision: main, path: PATH}\n"
)
CHART = {
    "chart/Chart.yaml": "apiVersion: v2\nname: chart\nversion: 1.0.0\n",
    "chart/values.yaml": "seen: {gone: null, kept: 1}\nunseen: null\nscalar: {inner: null}\n",
    "chart/templates/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\ndata:\n"
    "  all: {{ toJson .Values.seen | quote }}\n  one: {{ .Values.unseen | quote }}{{ .Values.scalar.inner }}\n",
    "shop.yaml": APPLICATION.replace("PATH", "chart"),
}
OVERLAY = {
    "overlay/kustomization.yaml": "resources: [map.yaml]\n",
    "overlay/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\n",
    "shop.yaml": APPLICATION.replace("PATH", "overlay"),
}
SCRIPT = """#!/bin/sh
test "$1" = version && echo "{version}" && exit
echo "$HELM_PLUGINS $HELM_CONFIG_HOME $TOKEN" >> {log}
printf -- '---\\n# Source: chart/templates/map.yaml\\napiVersion: v1\\nkind: ConfigMap\\nmetadata: {{name: BY}}\\n'
"""


def program(file: Path, version: str) -> Path:
    """Write a program that says which version it is, and renders a ConfigMap `by`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(SCRIPT.format(version=version, log=file.with_suffix(".log")).replace("BY", "by"))
    file.chmod(0o755)
    return file


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Ask each program anew, and trust what other tests' repositories have."""
    engines._described.cache_clear()
    with programs.looking():
        yield


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository whose Argo CD has Helm 3.19 and Kustomize 5.8, beside a folder on PATH."""
    root = tmp_path / "repository"
    write_files(root, CHART | {".argosy.yaml": "argocdVersion: '3.4'\n"})
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return root


def validated(argosy: Argosy, root: Path, *arguments: str) -> tuple[dict[str, str], list[str]]:
    """Return what rendered the charts, and what may render differently."""
    found = json.loads(argosy("validate", str(root), "--output", "json", *arguments).out)
    told = [each["message"] for each in found["findings"] if each["rule"] == "render-differs"]
    (engine,) = [each for each in found["engines"] if each["tool"] == "helm"]
    return engine, told


@pytest.mark.parametrize(
    ("tool", "one", "other", "same"),
    [
        ("helm", "3.16.3", "3.19.4", True),
        ("helm", "4.2.1", "4.3.1", True),
        ("helm", "4.1.4", "4.2.1", False),
        ("helm", "3.19.4", "4.1.4", False),
        ("helm", "", "4.2.1", False),
        ("kustomize", "5.8.1", "v5.8.3", True),
        ("kustomize", "5.7.0", "5.8.1", False),
    ],
)
def test_which_versions_render_the_same(tool: str, one: str, other: str, same: bool) -> None:
    assert engines.alike(tool, one, other) is engines.alike(tool, other, one) is same


def test_what_argosy_brings_is_what_it_says() -> None:
    assert workers.helm() == workers.ask("version")["version"]
    own = command._own()
    command._own.cache_clear()
    command._KUSTOMIZES, kept = {}, command._KUSTOMIZES
    try:
        assert command._own() == own
    finally:
        command._KUSTOMIZES = kept


def test_a_helm_on_path_that_alone_is_like_argo_cd_s_renders(
    argosy: Argosy, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "secret")
    own, told = validated(argosy, repository)
    assert (own["origin"], own["wanted"]) == ("built in", "3.19.4")
    assert told == [
        "The chart's own values have null where a template can see it: seen.gone. Helm 3.19.4, which Argo CD has, "
        f"keeps it; Helm {workers.helm()}, which rendered it here, takes it for no value."
    ]
    said = argosy("validate", str(repository)).out
    assert f"Rendered with Helm {workers.helm()} (built in); Argo CD has 3.19.4. Install helm 3.19 on PATH" in said
    helm = program(tmp_path / "bin/helm", "v3.18.0")
    found, told = validated(argosy, repository)
    assert (found["origin"], found["version"], found["program"], told) == ("PATH", "3.18.0", str(helm), [])
    assert "Rendered with Helm 3.18.0 (PATH)." in argosy("validate", str(repository)).out
    plugins, home, *token = (tmp_path / "bin/helm.log").read_text().splitlines()[0].split()
    assert not token
    assert not Path(home).exists()
    assert Path(plugins).is_relative_to(home)
    # Argo CD 3.5 has one like argosy's own: no other is asked.
    (repository / ".argosy.yaml").write_text("argocdVersion: '3.5'\n")
    assert validated(argosy, repository)[0]["origin"] == "built in"
    assert "Rendered" not in argosy("validate", str(repository)).out
    assert "Rendered with Helm" in argosy("validate", str(repository), "--verbose").out


def test_a_program_that_is_changed_renders_anew(argosy: Argosy, repository: Path, tmp_path: Path) -> None:
    helm = program(tmp_path / "bin/helm", "v3.18.0")
    first, _ = validated(argosy, repository)
    helm.write_text(helm.read_text().replace("name: by", "name: other"))
    engines._described.cache_clear()
    second, _ = validated(argosy, repository)
    assert (first["version"], first["digest"] != second["digest"]) == (second["version"], True)
    assert len((tmp_path / "bin/helm.log").read_text().splitlines()) >= 2


@pytest.mark.parametrize("where", ["a folder of the repository", "a link into it", "the current folder"])
def test_no_repository_brings_its_own_helm(
    argosy: Argosy, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    helm = program(repository / "tools/helm", "v3.19.4")
    entry = str(helm.parent)
    if where == "a link into it":
        (tmp_path / "links").mkdir()
        (tmp_path / "links/helm").symlink_to(helm)
        entry = str(tmp_path / "links")
    elif where == "the current folder":
        monkeypatch.chdir(helm.parent)
        entry = "."
    monkeypatch.setenv("PATH", f"{entry}{os.pathsep}{os.environ['PATH']}")
    assert validated(argosy, repository)[0]["origin"] == "built in"
    assert not helm.with_suffix(".log").exists()


def test_the_user_s_word_counts_before_all_others(
    argosy: Argosy, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin/helm", "v3.19.4")
    monkeypatch.setenv("ARGOSY_HELM", str(program(tmp_path / "other/helm", "v4.1.4")))
    found, told = validated(argosy, repository)
    assert (found["origin"], found["version"], told) == ("ARGOSY_HELM", "4.1.4", [])
    named = str(program(tmp_path / "third/helm", "v4.3.1"))
    found, told = validated(argosy, repository, "--helm", named)
    assert (found["origin"], found["program"], len(told)) == ("--helm", named, 1)
    write_files(repository, OVERLAY)
    kustomize = program(tmp_path / "other/kustomize", "v5.4.3")
    report = json.loads(argosy("validate", str(repository), "--output", "json", "--kustomize", str(kustomize)).out)
    (used,) = [each for each in report["engines"] if each["tool"] == "kustomize"]
    assert (used["version"], used["origin"], used["wanted"]) == ("5.4.3", "--kustomize", "5.8.1")


def test_documents_of_a_values_file(argosy: Argosy, repository: Path) -> None:
    write_files(
        repository, {"chart/values.yaml": "scalar: {}\n", "chart/several.yaml": "---\n# one\na: 2\n---\na: 3\n"}
    )
    source = "targetRevision: main, path: chart, helm: {valueFiles: [several.yaml], values: 'a: 1'}"
    text = CHART["shop.yaml"].replace("targetRevision: main, path: chart", source)
    (repository / "shop.yaml").write_text(text)
    _, (told,) = validated(argosy, repository)
    assert told.startswith("The values file several.yaml has several documents. Helm 4")
    assert told.endswith("Helm 3.19.4, which Argo CD has, reads the first alone.")


def test_render_says_what_rendered(argosy: Argosy, tmp_path: Path) -> None:
    gitops = tmp_path / "gitops"
    assert argosy("init", str(gitops), "--minimal", "--defaults", "--repo-url", goldens.URL).code == 0
    (gitops / ".argosy.yaml").write_text("argocdVersion: '3.4'\n")
    result = argosy("render", "my-app", "dev", "--repository", str(gitops))
    assert result.code == 0
    assert "Argo CD has 3.19.4" in result.err
    assert "Argo CD has" not in argosy("render", "my-app", "dev", "--repository", str(gitops), "--quiet").err


RENDERING_NOTHING = {
    *("abort", "bootstrap", "completion", "components", "fetch", "help", "history", "previews expire", "report"),
    *("restore", "rules", "settings", "status", "template fetch", "template list", "version"),
}
"""The commands that render nothing of a repository; bootstrap builds what it installs by the user's kubectl."""


def commands(above: click.Group, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its name."""
    context = click.Context(above)
    for each in above.list_commands(context):
        found = above.get_command(context, each)
        assert found
        if isinstance(found, click.Group):
            yield from commands(found, f"{name}{each} ")
        else:
            yield f"{name}{each}", found


def test_every_command_that_renders_takes_engines() -> None:
    without = set()
    for name, each in commands(group):
        options = {option for parameter in each.params for option in parameter.opts}
        wanted = {"--helm", "--kustomize", "--no-cache"}
        if not wanted <= options:
            assert not wanted & options, name
            without.add(name)
    assert without == without & RENDERING_NOTHING
