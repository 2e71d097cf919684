"""Applications that come from elsewhere: laid out, fetched, validated, shown and promoted."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from yamllint import linter  # type: ignore[import-untyped]
from yamllint.config import YamlLintConfig  # type: ignore[import-untyped]

from tests import shared
from tests.changing import git
from tests.conftest import Argosy, Git, in_process
from tests.elsewhere import GitServer, Registry, git_server, registry
from tests.templates.pipelines import yamllint
from tests.templates.renovate import Found, watched
from tests.upstream.releases import pinned
from tests.vendor import Vendor, vendor

URL = "https://git.example.com/acme/gitops.git"
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: site}
spec:
  selector: {matchLabels: {app: site}}
  template:
    metadata: {labels: {app: site}}
    spec:
      containers: [{name: site, image: "registry.example.com/site:VERSION"}]
"""
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: gizmo}\n"
SCHEMA = '{"type": "object", "properties": {"replicas": {"type": "integer"}}}'


@pytest.fixture(scope="module")
def gizmo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vendor]:
    """Return a vendor with two versions of its chart, which say what values they take."""
    with vendor(tmp_path_factory.mktemp("charts")) as found:
        for version in ("1.0.0", "1.1.0"):
            found.publish(version, {"values.schema.json": SCHEMA, "templates/map.yaml": CONFIG_MAP})
        yield found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    """Return a host of Git repositories."""
    with git_server(tmp_path_factory.mktemp("repositories")) as found:
        yield found


@pytest.fixture
def artifacts() -> Iterator[Registry]:
    """Return a registry of artifacts."""
    with registry() as found:
        yield found


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGOSY_CACHE", str(tmp_path / "cache"))


Begin = Callable[..., None]


@pytest.fixture
def begin(argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Begin:
    """Return what makes a repository with options of its own, and goes there."""

    def run(*more: str) -> None:
        def make(place: Path) -> None:
            given = ("--defaults", "--repo-url", URL, "--env", "dev", "--env", "prod", "--ci", "none")
            monkeypatch.setenv("ARGOSY_CACHE", str(place / "cache"))
            made = in_process("init", str(place / "shop"), *given, *more)
            assert made.code == 0, made.out + made.err

        if "--fetch" in more:  # What is fetched comes into the cache of this test.
            make(tmp_path)
        else:
            laid_out = shared.folder(f"laid out with {more}", make)
            for name in ("shop", "cache"):  # Which knows the repository as it is, and nothing that is fetched.
                shutil.copytree(laid_out / name, tmp_path / name, symlinks=True)
            monkeypatch.setenv("ARGOSY_CACHE", str(tmp_path / "cache"))
            git(tmp_path / "shop", "update-index", "-q", "--refresh")
        monkeypatch.chdir(tmp_path / "shop")

    return run


@pytest.mark.parametrize(("place", "style"), [("url", "applications"), ("registry", "applicationset")])
def test_a_chart_from_elsewhere_is_deployed_in_a_version_of_its_own_in_each_environment(
    argosy: Argosy, begin: Begin, gizmo: Vendor, place: str, style: str
) -> None:
    begin("--app", "own", "--argocd", style)
    reference = f"{gizmo.url}/gizmo" if place == "url" else f"oci://{gizmo.registry}/gizmo"
    added = argosy(
        "add",
        "app",
        "web",
        "--chart",
        reference,
        "--version",
        "1.0.0",
        "--version",
        "dev=1.1.0",
        "--commit",
        "--no-validate",
    )
    assert added.code == 0, added.err
    assert "argosy fetch && argosy apply" in added.err

    # Nobody has looked at the chart, and nobody says that it is valid.
    unseen = argosy("validate")
    assert unseen.code == 0
    assert re.search(
        r"skipped: the chart gizmo 1\.1\.0 of \S+ is not in this repository: it was not fetched \(argosy fetch",
        unseen.out,
    )
    assert argosy("validate", "--strict").code == 1

    fetched = argosy("fetch", "--output", "json")
    assert fetched.code == 0, fetched.err
    found = json.loads(fetched.out)["sources"]
    assert [(each["chart"], each["revision"], each["fetched"]) for each in found] == [
        ("gizmo", "1.0.0", True),
        ("gizmo", "1.1.0", True),
    ]
    assert "argosy fetch" not in argosy("fetch").err
    assert argosy("validate").code == 1, "the project does not permit what the chart deploys"
    assert argosy("apply", "--commit", "--no-validate").code == 0
    seen = argosy("validate", "--verbose")
    assert seen.code == 0, seen.out
    assert "gizmo@1.0.0/templates/deployment.yaml: warning" in seen.out
    assert "image: registry.example.com/gizmo:1.0.0" in argosy("render", "web", "prod").out
    assert re.search(r"web +1\.1\.0 +1\.0\.0", argosy("status").out)

    # The version moves as an image's tag does, and comes back.
    difference = argosy("diff", "--between", "dev", "prod", "web")
    assert "gizmo:1.1.0" in difference.out
    promoted = argosy("promote", "web", "--to", "prod", "--commit", "--yes")
    assert promoted.code == 0, promoted.err
    assert "targetRevision  1.0.0  1.1.0" in promoted.out
    assert re.search(r"web +1\.1\.0 +1\.1\.0", argosy("status").out)
    assert "1.1.0" in argosy("history", "web").out
    assert argosy("rollback", "web", "prod", "--commit", "--yes", "--no-validate").code == 0
    assert re.search(r"web +1\.1\.0 +1\.0\.0", argosy("status").out)

    # The chart says which values it takes.
    Path("environments/prod/web/values.yaml").write_text("replicas: many\n")
    wrong = argosy("validate")
    assert wrong.code == 1
    assert "replicas" in wrong.out


def test_another_repository_is_deployed_by_a_ref(argosy: Argosy, begin: Begin, git: Git, server: GitServer) -> None:
    kustomization = "resources: [../../base]\n"
    base = {"base/kustomization.yaml": "resources: [deployment.yaml]\n"}
    overlays = {f"overlays/{each}/kustomization.yaml": kustomization for each in ("dev", "prod")}
    server.commit("site", base | overlays | {"base/deployment.yaml": DEPLOYMENT.replace("VERSION", "1.0.0")}, "v1.0.0")
    newer = base | overlays | {"base/deployment.yaml": DEPLOYMENT.replace("VERSION", "2.0.0")}
    commit = server.commit("site", newer)
    reference = f"{server.url}/site.git//overlays/{{env}}?ref=v1.0.0"
    begin("--app", "site", "--source", reference, "--fetch")
    assert argosy("validate").code == 0, "what was fetched while it was laid out is permitted"
    assert f"dev={commit}" not in Path("environments/dev/site/source.yaml").read_text()
    assert 'path: "overlays/dev"' in Path("environments/dev/site/source.yaml").read_text()

    place = Path("environments/dev/site/source.yaml")
    place.write_text(place.read_text().replace("v1.0.0", commit))
    git(".", "commit", "--all", "--message", "Try the newest")
    assert "was not fetched" in argosy("validate").out
    seen = argosy("validate", "--fetch")
    assert seen.code == 0, seen.out
    assert "site.git" not in seen.out.partition("skipped:")[2]
    assert re.search(rf"site +{commit[:12]} +v1\.0\.0", argosy("status").out)
    promoted = argosy("promote", "site", "--to", "prod", "--commit", "--yes")
    assert promoted.code == 0, promoted.err
    there = Path("environments/prod/site/source.yaml").read_text()
    assert f'targetRevision: "{commit}"' in there
    assert 'path: "overlays/prod"' in there
    assert "image: registry.example.com/site:2.0.0" in argosy("render", "site", "prod").out


def test_an_artifact_is_deployed_by_a_tag_or_its_digest(argosy: Argosy, begin: Begin, artifacts: Registry) -> None:
    digest = artifacts.push("acme/site", "1.0.0", {"deployment.yaml": DEPLOYMENT.replace("VERSION", "1.0.0")})
    reference = f"oci://{artifacts.host}/acme/site"
    begin("--app", "")
    version = ("--version", "1.0.0", "--version", f"prod={digest}")
    assert (
        argosy("add", "app", "site", "--source", reference, *version, "--fetch", "--commit", "--no-validate").code == 0
    )
    seen = argosy("validate", "--verbose")
    assert seen.code == 0, seen.out
    assert "acme/site" not in seen.out.partition("skipped:")[2]
    assert "image: registry.example.com/site:1.0.0" in argosy("render", "site", "prod").out
    assert re.search(r"site +1\.0\.0 +sha256:[0-9a-f]{12}\b", argosy("status").out)


def test_a_chart_in_a_repository_gets_the_values_that_are_here(argosy: Argosy, begin: Begin, server: GitServer) -> None:
    chart = {
        "charts/web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.1.0\n",
        "charts/web/values.yaml": "text: nothing\n",
        "charts/web/templates/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
        "data: {text: {{ .Values.text }}}\n",
    }
    server.commit("charts", chart, "v0.1.0")
    begin("--app", "")
    reference = f"{server.url}/charts.git//charts/web?ref=v0.1.0"
    assert argosy("add", "app", "web", "--chart", reference, "--fetch", "--commit", "--no-validate").code == 0
    Path("environments/prod/web/values.yaml").write_text("text: here\n")
    assert "text: here" in argosy("render", "web", "prod").out
    assert "text: nothing" in argosy("render", "web", "dev").out


def test_a_base_from_elsewhere_gets_its_overlays_here(
    argosy: Argosy, begin: Begin, git: Git, server: GitServer
) -> None:
    for version in ("1.0.0", "2.0.0"):
        deployment = DEPLOYMENT.replace("VERSION", version)
        server.commit(
            "base", {"deploy/kustomization.yaml": "resources: [d.yaml]\n", "deploy/d.yaml": deployment}, version
        )
    begin("--app", "")
    options = ("--base", f"{server.url}/base.git//deploy", "--version", "1.0.0", "--version", "dev=2.0.0")
    assert argosy("add", "app", "site", *options, "--commit", "--no-validate").code == 0
    assert (
        f"Remote base {server.url}/base.git//deploy?ref=2.0.0 was not fetched (argosy fetch" in argosy("validate").out
    )
    assert argosy("fetch").code == 0
    assert argosy("apply", "--commit", "--no-validate").code == 0
    assert argosy("validate").code == 0
    overlay = Path("environments/prod/site/kustomization.yaml")
    overlay.write_text(f"{overlay.read_text()}replicas:\n  - name: site\n    count: 7\n")
    git(".", "commit", "--all", "--message", "More of it")
    assert "replicas: 7" in argosy("render", "site", "prod").out
    assert re.search(r"site +2\.0\.0 +1\.0\.0", argosy("status").out)
    assert argosy("promote", "site", "--to", "prod", "--commit", "--yes").code == 0
    assert "?ref=2.0.0" in overlay.read_text()
    assert "image: registry.example.com/site:2.0.0" in argosy("render", "site", "prod").out


def test_the_version_is_promoted_from_branch_to_branch(argosy: Argosy, begin: Begin, git: Git, gizmo: Vendor) -> None:
    begin("--app", "", "--revision", "branch")
    options = ("--chart", f"{gizmo.url}/gizmo", "--version", "1.0.0", "--version", "dev=1.1.0", "--fetch")
    assert argosy("add", "app", "web", *options, "--commit", "--no-validate").code == 0
    announced = git(".", "rev-parse", "main")
    git(".", "switch", "--quiet", "prod")
    assert argosy("promote", "web", "--to", "prod", "--commit", "--yes").code == 0
    assert 'targetRevision: "1.1.0"' in git(".", "show", "prod:environments/prod/web/source.yaml")
    assert git(".", "rev-parse", "main") == announced, "what Argo CD is told of stays as it was"


def test_what_is_removed_is_permitted_no_longer(argosy: Argosy, begin: Begin, gizmo: Vendor) -> None:
    begin("--app", "")
    project = Path("argocd/dev/project.yaml")
    before = project.read_text()
    for name in ("web", "api"):
        options = ("--chart", f"{gizmo.url}/gizmo", "--version", "1.0.0", "--fetch")
        assert argosy("add", "app", name, *options, "--commit", "--no-validate").code == 0
    assert argosy("remove", "app", "web", "--yes", "--commit").code == 0
    assert f'- "{gizmo.url}"' in project.read_text()
    assert argosy("remove", "app", "api", "--yes", "--commit").code == 0
    assert project.read_text() == before


REFUSED = {
    "--chart https://charts.example.com/web": "has no version",
    "--chart https://charts.example.com/web --version 1.*": "is not one version",
    "--chart https://charts.example.com/web:1.0.0 --version 1.0.0": "has a version",
    "--chart web --version 1.0.0": "is not where a Helm chart is",
    "--chart http://charts.example.com/web:1.0.0": "is not where a Helm chart is",
    "--source https://charts.example.com/web:1.0.0": "is not where manifests are",
    "--source https://git.example.com/a/b.git//c?ref=HEAD": "is not one version",
    "--version 1.0.0": "Give --chart, --base or --source",
    "--chart https://charts.example.com/web:1.0.0 --format helm": "Give one",
    "--chart https://charts.example.com/web:1.0.0 --version test=2.0.0": "no environment “test”",
}


def test_what_cannot_be_meant_is_refused(argosy: Argosy, begin: Begin) -> None:
    begin("--app", "")
    for options, said in REFUSED.items():
        refused = argosy("add", "app", "web", *options.split())
        assert (refused.code, said in refused.err) == (2, True), (options, refused.err)
    assert not Path("applications/web").exists()


KEPT_CURRENT = {
    "--chart https://charts.example.com/web": ("helm", "web"),
    "--chart oci://ghcr.io/acme/charts/web": ("docker", "ghcr.io/acme/charts/web"),
    "--source oci://ghcr.io/acme/web": ("docker", "ghcr.io/acme/web"),
    "--source https://git.example.com/acme/web.git//deploy": ("git-tags", "https://git.example.com/acme/web.git"),
    "--chart git@git.example.com:acme/charts.git//web": ("git-tags", "git@git.example.com:acme/charts.git"),
}


def test_renovate_sees_each_version_once_and_yamllint_has_no_remark(argosy: Argosy, begin: Begin) -> None:
    begin("--app", "")
    for number, where in enumerate(KEPT_CURRENT):
        assert (
            argosy("add", "app", f"web{number}", *where.split(), "--version", "1.2.3", "--commit", "--no-validate").code
            == 0
        )
    base = "https://git.example.com/acme/base.git//web"
    assert argosy("add", "app", "site", "--base", base, "--version", "1.2.3", "--commit", "--no-validate").code == 0
    settings = YamlLintConfig(yamllint(Path(".pre-commit-config.yaml").read_text()))
    for file in (*Path("environments").rglob("*.yaml"), *Path("argocd").rglob("*.yaml")):
        assert [f"{file}:{problem}" for problem in linter.run(file.read_text(), settings, str(file))] == []
    expected = [
        Found(f"environments/{env}/web{number}/source.yaml", *where, "1.2.3")
        for number, where in enumerate(KEPT_CURRENT.values())
        for env in ("dev", "prod")
    ]
    argo_cd = Found("argocd/install/kustomization.yaml", "github-releases", "argoproj/argo-cd", pinned())
    tracked = {path: Path(path).read_text() for path in git(Path(), "ls-files").splitlines()}
    assert watched(tracked) == sorted([*expected, argo_cd])
