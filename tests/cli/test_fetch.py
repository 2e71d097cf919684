"""A repository that argosy did not make is judged with all that it takes from elsewhere, once that was fetched."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.conftest import Argosy
from tests.elsewhere import GitServer, git_server, registry
from tests.vendor import CHART, Vendor, vendor

HERE = "https://git.example.com/acme/gitops.git"
NAME, GIVEN = "metadata: {name: gizmo}", "metadata: {name: '{{ .Values.name }}'}"

SET = """\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: teams, namespace: argocd}
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators: [{git: {repoURL: 'TEAMS', revision: HEAD, directories: [{path: teams/*}]}}]
  template:
    metadata: {name: 'team-{{ .path.basename }}'}
    spec:
      project: default
      source: {repoURL: 'TEAMS', targetRevision: HEAD, path: '{{ .path.path }}'}
      destination: {server: https://kubernetes.default.svc, namespace: '{{ .path.basename }}'}
"""


@pytest.fixture(autouse=True)
def _own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGOSY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HELM_REPOSITORY_CONFIG", str(tmp_path / "repositories.yaml"))


@pytest.fixture
def root(argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the repository, and go there."""
    assert argosy
    (tmp_path / "gitops").mkdir()
    monkeypatch.chdir(tmp_path / "gitops")
    return tmp_path / "gitops"


@pytest.fixture(scope="module")
def gizmo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vendor]:
    """Return a vendor with two versions of its chart."""
    with vendor(tmp_path_factory.mktemp("charts")) as found:
        for version in ("1.0.0", "1.1.0"):
            found.publish(
                version, {"templates/deployment.yaml": CHART["templates/deployment.yaml"].replace(NAME, GIVEN)}
            )
        yield found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    """Return a host of Git repositories."""
    with git_server(tmp_path_factory.mktemp("repositories")) as found:
        yield found


def application(name: str, *sources: str) -> str:
    """Return an Application with sources, each in YAML's short form."""
    return f"""\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: {name}, namespace: argocd}}
spec:
  project: default
  destination: {{server: https://kubernetes.default.svc, namespace: {name}}}
  sources: [{", ".join(sources)}]
"""


def write(folder: Path, files: Mapping[str, str]) -> None:
    for path, text in {".argosy.yaml": f"repoURLs: ['{HERE}']\n", **files}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def test_the_charts_that_a_chart_depends_on_are_fetched(argosy: Argosy, root: Path, gizmo: Vendor) -> None:
    (root.parent / "repositories.yaml").write_text(f"repositories: [{{name: vendor, url: '{gizmo.url}'}}]\n")
    dependencies = f"""\
dependencies:
- {{name: gizmo, version: 1.0.x, repository: '{gizmo.url}', alias: one}}
- {{name: gizmo, version: ~1.1.0, repository: 'oci://{gizmo.registry}', alias: two}}
- {{name: gizmo, version: 1.1.0, repository: 'alias:vendor', alias: three}}
- {{name: base, version: 1.0.0, repository: 'file://../base', alias: four}}
"""
    write(
        root,
        {
            "web/Chart.yaml": f"apiVersion: v2\nname: web\nversion: 1.0.0\n{dependencies}",
            "web/values.yaml": "".join(f"{each}: {{name: {each}}}\n" for each in ("one", "two", "three")),
            "web/templates/own.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own}\n",
            "base/Chart.yaml": "name: base\nversion: 1.0.0\n",
            "base/templates/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: base}\n",
            "argocd/web.yaml": application("web", f"{{repoURL: {HERE}, path: web}}"),
        },
    )
    unseen = argosy("validate")
    assert unseen.code == 0, unseen.out
    for each in (f"1.0.x of {gizmo.url}", f"~1.1.0 of oci://{gizmo.registry}", "1.1.0 of alias:vendor"):
        said = f"the dependency gizmo {each} is not in charts/: it was not fetched (argosy fetch brings it)"
        assert said in unseen.out
    # What is here is judged all the same, and what lacks is said once.
    assert unseen.out.count("is not in charts/") == 3
    assert re.search(r"^web +3 +2 +0 +1 ", unseen.out, re.MULTILINE)

    assert argosy("fetch").code == 0
    seen = argosy("validate")
    assert re.search(r"^web +5 +5 +0 +0 ", seen.out, re.MULTILINE), seen.out
    assert argosy("fetch", "--output", "json").out.count('"fetched": true') == 2, "ranges may mean other versions"


def test_what_kustomizations_and_values_take_from_elsewhere_is_fetched(
    argosy: Argosy, root: Path, gizmo: Vendor, server: GitServer
) -> None:
    config_map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\n"
    server.commit(
        "deep",
        {"deep.yaml": config_map.replace("NAME", "deep"), "kustomization.yaml": "resources: [deep.yaml]\n"},
        "v1",
    )
    base = f"resources: ['{server.url}/deep.git?ref=v1', ../more]\nnamePrefix: base-\n"
    more = {"more/kustomization.yaml": "resources: [more.yaml]\n", "more/more.yaml": config_map.replace("NAME", "more")}
    server.commit("bases", {"base/kustomization.yaml": base, **more}, "v1")
    server.commit("teams", {f"teams/{each}/map.yaml": config_map.replace("NAME", each) for each in ("red", "blue")})
    server.commit("values", {"env/prod.yaml": "name: of-values\nreplicas: 3\n"}, "v1")
    gizmo.folder.joinpath("more.yaml").write_text("replicas: 4\n")
    cm = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm, namespace: argocd}\n"
    chart = f"{{name: gizmo, version: 1.0.0, repo: '{gizmo.url}', releaseName: one, valuesFile: gizmo.yaml}}"
    helm = f"helm: {{valueFiles: [$other/env/prod.yaml, '{gizmo.url}/more.yaml']}}"
    write(
        root,
        {
            "argocd/teams.yaml": SET.replace("TEAMS", f"{server.url}/teams.git"),
            "argocd/cm.yaml": f"{cm}data: {{kustomize.buildOptions: --enable-helm}}\n",
            "argocd/bases.yaml": application("bases", f"{{repoURL: {HERE}, path: bases}}"),
            "bases/kustomization.yaml": f"resources: ['{server.url}/bases.git//base?ref=v1']\n",
            "argocd/charts.yaml": application("charts", f"{{repoURL: {HERE}, path: charts}}"),
            "charts/kustomization.yaml": f"helmCharts: [{chart}]\nnamespace: charts\n",
            "charts/gizmo.yaml": "name: of-kustomize\nreplicas: 2\n",
            "argocd/values.yaml": application(
                "values",
                f"{{repoURL: '{gizmo.url}', chart: gizmo, targetRevision: 1.1.0, {helm}}}",
                f"{{repoURL: '{server.url}/values.git', targetRevision: v1, ref: other}}",
            ),
        },
    )
    write(root, {"argocd/plain.yaml": application("plain", "{repoURL: 'http://git.example.com/a.git', path: a}")})
    assert "list it under repoURLs in .argosy.yaml (1 document)" in argosy("validate").out
    (root / "argocd/plain.yaml").unlink()
    unseen = argosy("validate")
    assert unseen.code == 0, unseen.out
    for each in (
        f"Remote base {server.url}/bases.git//base?ref=v1 was not fetched (argosy fetch brings it)",
        f"its Git generator reads another repository, {server.url}/teams.git: it was not fetched (argosy fetch",
        f"the chart gizmo 1.0.0 of {gizmo.url} is not here: it was not fetched (argosy fetch brings it)",
        f"the chart gizmo 1.1.0 of {gizmo.url} is not in this repository: it was not fetched (argosy fetch brings it)",
    ):
        assert each in unseen.out

    fetched = argosy("fetch")
    assert fetched.code == 0, fetched.err
    seen = argosy("validate")
    assert seen.code == 0, seen.out
    assert "skipped:" not in seen.out
    for name, count in (("bases", 2), ("charts", 1), ("values", 1), ("team-red", 1)):
        assert re.search(rf"^{name} +{count} +{count} +0 +0 ", seen.out, re.MULTILINE), seen.out
    tree = argosy("tree").out
    for name in ("base-deep", "base-more", "of-kustomize", "of-values"):
        assert name in tree


def test_what_is_locked_is_verified_on_each_fetch(
    argosy: Argosy, root: Path, monkeypatch: pytest.MonkeyPatch, gizmo: Vendor, server: GitServer
) -> None:
    def config_map(value: int) -> dict[str, str]:
        return {
            "map.yaml": f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: of-main}}\ndata: {{value: '{value}'}}\n"
        }

    def digests(text: str) -> list[str]:
        return re.findall("sha256:[0-9a-f]{64}", text)

    with registry() as artifacts:
        first = server.commit("moving", config_map(1))
        digest = artifacts.push("acme/maps", "1.0.0", {"map.yaml": config_map(1)["map.yaml"].replace("main", "oci")})
        write(
            root,
            {
                "argocd/main.yaml": application(
                    "main", f"{{repoURL: '{server.url}/moving.git', path: ., targetRevision: main}}"
                ),
                "argocd/oci.yaml": application(
                    "oci", f"{{repoURL: 'oci://{artifacts.host}/acme/maps', path: ., targetRevision: 1.0.0}}"
                ),
                "argocd/chart.yaml": application(
                    "chart", f"{{repoURL: '{gizmo.url}', chart: gizmo, targetRevision: 1.1.x}}"
                ),
            },
        )
        locked = argosy("fetch", "--lock")
        assert locked.code == 0, locked.err
        lock = root / ".argosy-lock.yaml"
        written = lock.read_text()
        assert locked.err.endswith(".argosy-lock.yaml: 3 locked. Commit it.\n")
        for each in (first, digest, "1.1.0"):
            assert f'resolved: "{each}"' in written
        assert "file-schema" not in argosy("validate").out

        # A branch moves on, and an empty cache is filled with what is locked all the same.
        server.commit("moving", config_map(2))
        assert argosy("fetch").code == 0
        monkeypatch.setenv("ARGOSY_CACHE", str(root.parent / "another"))
        assert "skipped: " in argosy("validate", "--offline").out
        assert {*digests(argosy("fetch", "--output", "json").out)} == {*digests(written)} - {digest}
        assert argosy("fetch", "--lock").code == 0
        assert [a == b for a, b in zip(digests(written), digests(lock.read_text()), strict=True)].count(False) == 1

        # A tag that means something else is an error that names both, for whoever fetches; nothing of it is kept.
        artifacts.answers.clear()
        artifacts.push("acme/maps", "1.0.0", {"map.yaml": config_map(3)["map.yaml"].replace("main", "oci")})
        lock.write_text(re.sub(f' *resolved: "{digest}"\n', "", lock.read_text()))
        monkeypatch.setenv("ARGOSY_CACHE", str(root.parent / "third"))
        brought = meant = ""
        for command in (("fetch",), ("validate", "--fetch")):
            refused = argosy(*command)
            assert refused.code == 2
            said = re.search(r"acme/maps at 1\.0\.0 is (\S+) now, but \.argosy-lock\.yaml has (\S+)\.", refused.err)
            assert said
            brought, meant = said.groups()
            assert meant in digests(written)
            assert brought not in digests(written)
        assert "oci://" in argosy("validate").out
        assert argosy("validate", "--fetch", "--offline").code == 2
        renewed = argosy("fetch", "--lock")
        assert renewed.code == 0
        assert f"{meant[:19]} -> {brought[:19]}" in renewed.err


def test_the_lock_is_written_to_the_repository_alone(argosy: Argosy, root: Path, gizmo: Vendor) -> None:
    write(
        root,
        {"argocd/chart.yaml": application("chart", f"{{repoURL: '{gizmo.url}', chart: gizmo, targetRevision: 1.0.0}}")},
    )
    victim, lock = root.parent / "victim", root / ".argosy-lock.yaml"
    victim.write_text("mine")
    # Each name that a draft might have.
    for each in (".argosy-lock.yaml.new", ".argosy-lock.yaml.tmp", ".argosy-lock.yaml~"):
        (root / each).symlink_to("../victim")
    before = {path.name for path in root.iterdir()}
    assert argosy("fetch", "--lock").code == 0
    assert "sha256:" in lock.read_text()
    assert {path.name for path in root.iterdir()} == {*before, lock.name}

    # What is no file of the repository's stays, and is said before anything is fetched.
    lock.unlink()
    os.mkfifo(lock)
    for reason in ("it is neither a file nor a folder", "it is a folder", "it leads out of the repository"):
        said = argosy("fetch", "--lock", "--again")
        assert (said.code, said.out) == (2, "")
        assert f".argosy-lock.yaml cannot be written: {reason}." in said.err
        assert "Fetching" not in said.err
        if reason == "it is a folder":
            lock.rmdir()
            lock.symlink_to("../victim")
        elif "folder" in reason:
            lock.unlink()
            lock.mkdir()
    assert victim.read_text() == "mine"
    assert {path.name for path in root.iterdir()} == {*before, lock.name}
