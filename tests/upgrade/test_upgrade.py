"""Stories of upgrades: what is shown, and what is written where."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests import goldens
from tests.argocd.test_installed import OWN, PLACES, RAW, WORKLOAD
from tests.argocd.test_settings import CHART, application
from tests.conftest import Argosy
from tests.test_engines import CHART as NULLS
from tests.validating import write_files

Made = Callable[[Mapping[str, str]], Path]
CRD = "\n---\nkind: CustomResourceDefinition\nmetadata:\n  name: applications.argoproj.io\n"


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Return what commits files to a new repository."""

    def make(files: Mapping[str, str]) -> Path:
        root = tmp_path / "repository"
        write_files(root, files)
        for command in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-q", "-m", "Begin")):
            subprocess.run(["git", *command], cwd=root, check=True)
        return root

    return make


def upgraded(argosy: Argosy, root: Path, *arguments: str) -> dict[str, object]:
    """Upgrade, and return what JSON says."""
    result = argosy("upgrade", *arguments, "--repository", str(root), "--output", "json", "--quiet")
    assert result.code == 0, result.err
    found: dict[str, object] = json.loads(result.out)
    return found


WRITTEN = {
    "manifests": ("3.5.1", f"{RAW}/v3.5.1/manifests/ha/install.yaml"),
    "a base of Git": ("3.5.1", "manifests?ref=v3.5.1"),
    "a release's asset": ("3.6.0", "download/v3.6.0/install.yaml"),
    "an image": ("3.5.1", "newTag: v3.5.1"),
    "an image in a workload": ("3.5.1", "image: quay.io/argoproj/argocd:v3.5.1"),
    "a chart of an Application": ("3.4", '"targetRevision": "10.1.1"'),
    "a chart of an ApplicationSet": ("3.3.2", '"targetRevision": "9.5.11"'),
    "a chart in a chart": ("3.1", "version: 9.0.6}"),
    "a chart of Kustomize": ("3.0", "version: 8.2.7"),
    "argocd-operator": ("3.5.1", "spec: {version: v3.5.1}"),
    "said": ("3.6.0", "argocdVersion: '3.6'"),
}


@pytest.mark.parametrize("place", WRITTEN)
def test_each_place_is_written(argosy: Argosy, made: Made, place: str) -> None:
    files, _, where = PLACES[place]
    root = made(files)
    version, line = WRITTEN[place]
    path, _, number = where.partition(":")
    before = (root / path).read_text().splitlines()
    found = upgraded(argosy, root, "argocd", version)
    after = (root / path).read_text().splitlines()
    assert found["files"] == [path]
    assert line in after[int(number) - 1]
    assert [place for place, pair in enumerate(zip(before, after, strict=True), 1) if len({*pair}) > 1] == [int(number)]


@pytest.mark.parametrize(
    ("files", "arguments", "message"),
    [
        ({"cm.yaml": "a: 1\n"}, ("3.5.1",), "No place is found that pins the version of Argo CD."),
        (PLACES["manifests"][0], ("3.5",), f"{OWN}:3 pins a whole version of Argo CD, and 3.5 is none."),
        (PLACES["manifests"][0], ("9.1.0",), "Nothing is known of Argo CD 9.1.0."),
        (PLACES["manifests"][0], ("newest",), "“newest” is not a version of Argo CD."),
        (PLACES["a chart of an Application"][0], ("3.6",), "its version for Argo CD 3.6 is not known here."),
        (PLACES["a chart's copy"][0], ("3.6.0",), "cd/Chart.yaml:4 is a copy of the chart argo-cd."),
        (PLACES["a copy"][0], ("3.5.1",), "/v3.5.1/manifests/install.yaml was not fetched."),
        ({"cd/i.yaml": WORKLOAD + CRD}, ("3.5.1",), "/v3.5.1/manifests/install.yaml was not fetched."),
        (
            {OWN: "images:\n- name: quay.io/argoproj/argocd\n  newTag: v3.4.1\n  digest: sha256:1\n"},
            ("3.5.1",),
            f"{OWN}:3 is pinned by a commit or a digest too",
        ),
    ],
)
def test_what_cannot_be_written_is_told_before_anything_is(
    argosy: Argosy, made: Made, files: Mapping[str, str], arguments: tuple[str, ...], message: str
) -> None:
    root = made(files)
    result = argosy("upgrade", "argocd", *arguments, "--repository", str(root))
    assert result.code in {1, 2}
    assert message in result.err
    assert subprocess.run(["git", "status", "--short"], cwd=root, capture_output=True, check=True).stdout == b""


def test_a_copy_of_the_manifests_is_renewed(argosy: Argosy, made: Made, tmp_path: Path) -> None:
    root = made(dict(PLACES["a copy"][0]) | {"argocd/install/install.yaml": WORKLOAD})
    new = tmp_path / "new.yaml"
    new.write_text(WORKLOAD.replace("v3.3.2", "v3.5.1"))
    found = upgraded(argosy, root, "argocd", "3.5.1", "--from", str(new), "--commit")
    assert found["files"] == [
        f"argocd/install/{each}" for each in ("install.yaml", "install.yaml.sha256", "kustomization.yaml")
    ]
    assert (root / "argocd/install/install.yaml").read_text() == new.read_text()
    assert f"{RAW}/v3.5.1/manifests/install.yaml" in (root / "argocd/install/install.yaml.sha256").read_text()
    wrong = argosy("upgrade", "argocd", "3.6.0", "--from", str(new), "--repository", str(root))
    assert "does not install Argo CD 3.6.0" in wrong.err


def test_what_an_upgrade_shows(argosy: Argosy, made: Made) -> None:
    files = {**NULLS, OWN: f"resources: ['{RAW}/v2.14.3/manifests/install.yaml']\n"}
    root = made(files)
    shown = argosy("upgrade", "argocd", "3.5.1", "--dry-run", "--repository", str(root)).out
    assert "Argo CD 2.14.3 -> 3.5.1" in shown
    assert "2.14-3.0, 3.0-3.1, 3.1-3.2, 3.2-3.3, 3.3-3.4 and 3.4-3.5" in shown
    assert "Argo CD 3.5 is tested with Kubernetes 1.33 to 1.36, and not with 1.37." in shown
    assert "Resources are tracked by annotation, not by label." in shown
    assert "Argo CD has helm 3.16.3 before and 4.2.1 after; rendered here with Helm 4.2" in shown
    assert "-resources: ['" in shown
    assert "Argo CD's own manifests were not rendered, so what changes in them is not among the differences" in shown
    assert (root / OWN).read_text() == files[OWN]
    down = argosy("upgrade", "argocd", "2.14.1", "--dry-run", "--repository", str(root)).out
    assert "guide for the way down" not in down
    (root / OWN).write_text(files[OWN].replace("2.14.3", "3.5.1"))
    subprocess.run(["git", "commit", "-qam", "Newer"], cwd=root, check=True)
    down = argosy("upgrade", "argocd", "3.4.1", "--dry-run", "--repository", str(root)).out
    assert "Argo CD has no guide for the way down" in down


def test_an_upgrade_on_a_branch_leaves_the_work_tree(argosy: Argosy, made: Made) -> None:
    root = made(PLACES["manifests"][0])
    found = upgraded(argosy, root, "argocd", "3.5.1", "--branch")
    assert found["branch"] == "argosy/upgrade-argocd-3.5.1"
    shown = subprocess.run(["git", "show", f"{found['branch']}:{OWN}"], cwd=root, capture_output=True, check=True)
    assert b"v3.5.1" in shown.stdout
    assert "v3.4.1" in (root / OWN).read_text()


def test_a_pull_request_brings_nothing_but_the_upgrade(argosy: Argosy, made: Made, tmp_path: Path) -> None:
    root = made(PLACES["manifests"][0])
    for command in ("clone --quiet --bare . ../remote.git", "remote add origin ../remote.git"):
        subprocess.run(["git", *command.split()], cwd=root, check=True)
    subprocess.run(["git", "commit", "--quiet", "--allow-empty", "--message", "Mine"], cwd=root, check=True)
    refused = argosy("upgrade", "argocd", "3.5.1", "--pull-request", "--repository", str(root))
    assert refused.code == 1
    assert "main has commits that origin has not" in refused.err
    assert refused.out == "", "nothing is rehearsed that may not be offered"
    branches = subprocess.run(["git", "branch", "--list"], cwd=tmp_path / "remote.git", capture_output=True, check=True)
    assert branches.stdout == b"* main\n"


def test_where_argo_cd_deploys_itself_its_manifests_are_compared(argosy: Argosy, made: Made) -> None:
    own = application({"repoURL": "https://git.example/cd.git", "path": "cd"})
    files = {"argocd.yaml": own, "cd/install.yaml": WORKLOAD.replace("v3.3.2", "v3.4.1")}
    root = made(files)
    subprocess.run(["git", "remote", "add", "origin", "https://git.example/cd.git"], cwd=root, check=True)
    shown = argosy("upgrade", "argocd", "3.5.1", "--dry-run", "--repository", str(root)).out
    assert "image: quay.io/argoproj/argocd:v3.5.1" in shown
    assert "were not rendered" not in shown


HPA = (
    "apiVersion: autoscaling/v2beta2\nkind: HorizontalPodAutoscaler\nmetadata: {name: shop, namespace: shop}\nspec:\n"
    "  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: shop}\n  maxReplicas: 3\n"
)


def test_another_kubernetes_tells_what_is_no_longer_served(argosy: Argosy, made: Made) -> None:
    calls = "on: push\njobs: {a: {steps: [{run: argosy validate --kubernetes-version 1.25}]}}\n"
    root = made(
        {
            ".argosy.yaml": 'kubernetesVersions:\n  - "1.25"\nargocdVersion: "3.5"\n',
            ".github/workflows/check.yml": calls,
            "apps/hpa.yaml": HPA,
            "apps.yaml": application({"path": "apps"}),
        }
    )
    refused = argosy("upgrade", "kubernetes", "1.36", "--repository", str(root), "--commit")
    assert refused.code == 1
    assert "Found after, and not before:\n  apps/hpa.yaml:1: error: " in refused.out
    assert "Nothing was written" in refused.err
    found = argosy("upgrade", "kubernetes", "1.36", "--repository", str(root), "--commit", "--no-validate")
    assert found.code == 0
    assert (root / ".argosy.yaml").read_text() == 'kubernetesVersions: ["1.36"]\nargocdVersion: "3.5"\n'
    assert "--kubernetes-version 1.36}" in (root / ".github/workflows/check.yml").read_text()
    log = subprocess.run(["git", "log", "-1", "--format=%s"], cwd=root, capture_output=True, check=True).stdout
    assert log == b"Upgrade Kubernetes to 1.36\n"
    newer = argosy("upgrade", "kubernetes", "1.37", "--repository", str(root), "--dry-run", "--no-validate")
    assert "Argo CD 3.5 is tested with Kubernetes 1.33 to 1.36, and not with 1.37." in newer.out


def test_argosys_own_repository_gets_all_that_follows_from_kubernetes(argosy: Argosy, tmp_path: Path) -> None:
    root = tmp_path / "gitops"
    assert argosy("init", str(root), "--minimal", "--defaults", "--repo-url", goldens.URL).code == 0
    found = upgraded(argosy, root, "kubernetes", "1.36", "--commit")
    assert ".copier-answers.yml" in found["files"]  # type: ignore[operator]
    assert "kubernetes_version: '1.36'" in (root / ".copier-answers.yml").read_text()
    assert argosy("apply", "--check", "--repository", str(root)).code in {0, 2}


def test_the_chart_s_version_may_be_named(argosy: Argosy, made: Made) -> None:
    root = made({"cd.yaml": application(CHART)})
    upgraded(argosy, root, "argocd", "3.6", "--chart-version", "11.0.0")
    assert '"targetRevision": "11.0.0"' in (root / "cd.yaml").read_text()
