"""Charts of applications, as people meet them: one each, or one that they share, in versions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from argosy.argocd import deployed
from argosy.git import asked_once
from argosy.repository.model import SHARED, Application, ArgocdStyle, Format, RevisionStyle
from tests import goldens
from tests.changing import commit, create, edit, git
from tests.conftest import Argosy

STYLES = pytest.mark.parametrize("argocd", ArgocdStyle)
TWO = (("dev", ""), ("prod", ""))
UNJUDGED = ("--commit", "--quiet", "--no-validate")
"""For steps whose outcome the next ones show, or one validation of all of them."""


def shared(
    folder: Path, argocd: ArgocdStyle = ArgocdStyle.APPLICATIONS, *, applications: tuple[str, ...] = ("my-app",)
) -> Path:
    """Return a repository with the shared chart, three environments and the application my-app."""
    made = goldens.repository(Format.HELM, argocd, chart=SHARED)
    others = tuple(Application(each, Format.HELM, chart=SHARED) for each in applications if each != "my-app")
    return create(folder / "gitops", goldens.permitted(made.with_applications(others)) if others else made)


def owned(folder: Path, argocd: ArgocdStyle = ArgocdStyle.APPLICATIONS) -> Path:
    """Return one with the chart of my-app's own, and two environments."""
    return create(folder / "gitops", goldens.repository(Format.HELM, argocd, environments=TWO))


def manifests() -> dict[str, str]:
    """Return what each Application applies, as JSON, of the state where one is."""
    with asked_once():
        found = deployed.of_work_tree(Path.cwd())
    assert not [each.faults for each in found.values() if each.faults or each.skipped]
    return {
        name: json.dumps([*each.manifests.values()], indent=1, sort_keys=True)
        for name, each in found.items()
        if name != "root"
    }


def without_chart_label(rendered: dict[str, str]) -> dict[str, list[str]]:
    """Return what is deployed without the label that names chart and version."""
    return {
        each: [line for line in text.splitlines() if "helm.sh/chart" not in line] for each, text in rendered.items()
    }


def test_an_application_is_a_few_small_files(argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = shared(tmp_path)  # Of an ApplicationSet, it is fewer.
    monkeypatch.chdir(root)
    assert (root / "charts/app/1.0.0/Chart.yaml").is_file()
    assert argosy("add", "app", "checkout", "--port", "8080", "--commit", "--quiet").code == 0
    added = git(root, "show", "--name-only", "--diff-filter=A", "--format=", "HEAD").split()
    assert len(added) <= 8
    assert not [path for path in added if "/templates/" in path]
    assert "containerPort: 8080" in argosy("render", "checkout", "prod").out
    # The chart stays with those that use it.
    assert argosy("remove", "app", "checkout", "--yes", *UNJUDGED).code == 0
    assert (root / "charts/app/1.0.0/Chart.yaml").is_file()


def test_switches_and_components_reach_the_shared_chart(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = shared(tmp_path)
    monkeypatch.chdir(root)
    for change, file in (
        (("set", "repository", "chartExtras=network-policy", "--yes"), "networkpolicy.yaml"),
        (("add", "component", "argo-rollouts", "--env", "dev"), "_rollout.tpl"),
    ):
        assert argosy(*change, "--commit", "--no-validate", "--quiet").code == 0
        assert (root / "charts/app/1.0.0/templates" / file).is_file()
        assert not [line for line in argosy("diff", "--template").out.splitlines() if line.startswith("# charts/")]


def test_the_shared_chart_goes_with_the_last_application_that_uses_it(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = owned(tmp_path)
    monkeypatch.chdir(root)
    assert argosy("add", "app", "one", "two", "--chart", "shared", *UNJUDGED).code == 0
    assert argosy("add", "app", "no", "--chart", "shared", "--format", "kustomize").code == 2
    # Nobody edits by hand what more than one file says.
    edit(root, "applications/one/application.yaml", "chart: shared", "#")
    refused = argosy("apply", "--dry-run")
    assert refused.code == 2
    assert "argosy convert one --chart own" in refused.err
    git(root, "restore", ".")
    assert argosy("rename", "app", "one", "first", "--yes", "--commit", "--quiet").code == 0
    assert "path: charts/app/1.0.0\n" in Path("argocd/dev/first.yaml").read_text()
    assert argosy("remove", "app", "first", "--yes", *UNJUDGED).code == 0
    assert Path("charts/app").is_dir()
    assert argosy("remove", "app", "two", "--yes", *UNJUDGED).code == 0
    assert not Path("charts").exists()
    # Where new applications are to share it, it waits for them.
    assert argosy("set", "repository", "chart=shared", *UNJUDGED).code == 0
    assert argosy("add", "app", "three", *UNJUDGED).code == 0
    assert not Path("applications/three/charts").exists()
    assert argosy("remove", "app", "three", "--yes", *UNJUDGED).code == 0
    assert Path("charts/app/1.0.0").is_dir()


def test_there_and_back_again_deploys_the_same(argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = owned(tmp_path, ArgocdStyle.APPLICATIONSET)  # The next story is of Applications.
    monkeypatch.chdir(root)
    edit(root, "environments/prod/my-app/values.yaml", "replicaCount: 3", "replicaCount: 5  # since the sale")
    commit(root)
    before, tree = manifests(), git(root, "rev-parse", "HEAD^{tree}")
    result = argosy("convert", "my-app", "--chart", "shared", "--commit")
    assert result.code == 0, result.err
    assert "Pods are replaced" not in result.err
    assert git(root, "log", "-1", "--format=%s") == "Convert my-app to the shared chart\n"
    values = Path("environments/prod/my-app/values.yaml").read_text()
    assert "replicaCount: 5  # since the sale" in values
    assert "charts/app/<version>/values.yaml" in values
    assert without_chart_label(manifests()) == without_chart_label(before)
    assert (
        argosy("convert", "my-app", "--chart", "shared").err
        == "Nothing to change: my-app has the shared chart already.\n"
    )
    result = argosy("convert", "my-app", "--chart", "own", "--commit")
    assert result.code == 0, result.err
    # The same files deploy the same.
    assert git(root, "rev-parse", "HEAD^{tree}") == tree


def test_what_was_edited_in_a_chart_comes_along(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = owned(tmp_path)
    monkeypatch.chdir(root)
    chart = "applications/my-app/charts/my-app/values.yaml"
    edit(root, chart, "revisionHistoryLimit: 3", "revisionHistoryLimit: 7")
    commit(root)
    # The shared chart has other defaults, so the values say it from now on.
    asked = argosy("convert", "my-app", "--chart", "shared", "--commit")
    assert (asked.code, chart in asked.err) == (2, True)
    assert argosy("convert", "my-app", "--chart", "shared", "--commit", "--yes").code == 0
    assert "revisionHistoryLimit: 7" in Path("environments/dev/my-app/values.yaml").read_text()
    assert "revisionHistoryLimit: 7" in argosy("render", "my-app", "dev").out
    # And what was edited in the shared one is in the copy, for nobody is asked about what is not lost.
    edit(root, "charts/app/1.0.0/values.yaml", "preStopSleepSeconds: 5", "preStopSleepSeconds: 9")
    commit(root)
    before = manifests()
    assert argosy("convert", "my-app", "--chart", "own", "--commit").code == 0
    assert without_chart_label(manifests()) == without_chart_label(before)
    assert "name: my-app\n" in Path("applications/my-app/charts/my-app/Chart.yaml").read_text()
    assert not Path("charts").exists()


@STYLES
def test_a_version_goes_from_environment_to_environment(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argocd: ArgocdStyle
) -> None:
    root = shared(tmp_path, argocd, applications=("my-app", "other"))
    monkeypatch.chdir(root)
    before = manifests()
    result = argosy("add", "chart", "--commit")
    assert (result.code, "argosy set env dev chartVersion=1.1.0" in result.err) == (0, True), result.err
    assert git(root, "show", "--format=", "--name-only").split()[0].startswith("charts/app/1.1.0/")
    assert yaml.safe_load(Path("charts/app/1.1.0/Chart.yaml").read_text())["version"] == "1.1.0"
    assert argosy("add", "chart", "1.0.5").code == 2
    edit(root, "charts/app/1.1.0/values.yaml", "revisionHistoryLimit: 3", "revisionHistoryLimit: 7")
    commit(root)
    assert manifests() == before

    def followed() -> list[str]:
        return [name for name, text in manifests().items() if '"revisionHistoryLimit": 7' in text]

    assert argosy("set", "environment", "dev", "my-app.chartVersion=1.2.0").code == 2
    assert argosy("set", "environment", "dev", "my-app.chartVersion=1.1.0", "--commit", "--quiet").code == 0
    assert followed() == ["my-app-dev"]
    result = argosy("promote", "my-app", "--to", "staging", "--commit", "--yes")
    assert result.code == 0, result.err
    assert followed() == ["my-app-dev", "my-app-staging"]
    assert "chart: charts/app 1.1.0" in argosy("status", "my-app").out
    # What belongs to the environment stays, and is not worth a word.
    assert "source.targetRevision" not in result.out + result.err
    assert argosy("rollback", "my-app", "staging", "--commit", "--yes").code == 0
    assert followed() == ["my-app-dev"]
    pinned = "promotion: {pinned: [chartVersion, spec.source.path]}\n"
    edit(root, "applications/my-app/application.yaml", "team: ", f"{pinned}team: ")
    commit(root)
    told = argosy("promote", "--all", "--to", "staging", "--dry-run")
    assert "promoted" not in told.out, told.out
    # An environment begins with what the one before it has, and a renamed application keeps what it has.
    git(root, "reset", "--hard", "--quiet", "HEAD~")
    assert argosy("add", "env", "qa", "--after", "dev", *UNJUDGED).code == 0
    assert argosy("rename", "app", "my-app", "shop", "--yes", *UNJUDGED).code == 0
    assert followed() == ["shop-dev", "shop-qa"]
    # A chart of its own is one of all environments.
    refused = argosy("convert", "shop", "--chart", "own")
    assert (refused.code, "1.1.0 in dev" in refused.err) == (1, True)
    # Where Argo CD reads the version does not change which one it is.
    to = "applications" if argocd is ArgocdStyle.APPLICATIONSET else "applicationset"
    assert argosy("set", "repository", f"argocd={to}", "--yes", "--commit", "--quiet").code == 0  # It validates all.
    assert followed() == ["shop-dev", "shop-qa"]
    assert git(root, "status", "--porcelain") == ""


def test_a_change_of_the_chart_shows_for_all_that_it_reaches(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = shared(tmp_path, applications=("my-app", "other"))
    monkeypatch.chdir(root)
    assert argosy("add", "app", "apart", "--chart", "own", *UNJUDGED).code == 0
    edit(root, "charts/app/1.0.0/values.yaml", "preStopSleepSeconds: 5", "preStopSleepSeconds: 9")
    shown = argosy("diff").out
    assert [name in shown for name in ("my-app-prod", "other-dev", "apart-dev")] == [True, True, False]


@STYLES
def test_with_a_branch_for_each_environment_the_chart_comes_along(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argocd: ArgocdStyle
) -> None:
    two = (("dev", ""), ("staging", ""))
    model = goldens.repository(Format.HELM, argocd, RevisionStyle.BRANCH, environments=two, chart=SHARED)
    root = create(tmp_path / "gitops", model)
    for each, _ in two:
        git(root, "branch", each)
    monkeypatch.chdir(root)
    assert argosy("add", "chart", *UNJUDGED).code == 0
    assert argosy("set", "environment", "dev", "chartVersion=1.1.0", *UNJUDGED).code == 0
    git(root, "switch", "--quiet", "dev")
    edit(root, "charts/app/1.1.0/values.yaml", "revisionHistoryLimit: 3", "revisionHistoryLimit: 7")
    commit(root)
    by_set = argocd is ArgocdStyle.APPLICATIONSET
    git(root, "switch", "--quiet", "staging" if by_set else "main")
    result = argosy("promote", "my-app", "--from", "dev", "--to", "staging", "--commit", "--yes")
    assert result.code == 0, result.err
    assert "revisionHistoryLimit: 7" in git(root, "show", "staging:charts/app/1.1.0/values.yaml")
    # Argo CD reads the Application from the default branch, and its revision is no other environment's.
    where = "staging:environments/staging/my-app/chart-version.yaml" if by_set else "main:argocd/staging/my-app.yaml"
    text = git(root, "show", where)
    assert "1.1.0" in text
    assert by_set or 'targetRevision: "staging"' in text
    git(root, "switch", "--quiet", "staging" if by_set else "main")
    result = argosy("rollback", "my-app", "staging", "--commit", "--yes")
    assert result.code == 0, result.err
    assert "1.0.0" in git(root, "show", where)
