"""A chart from elsewhere takes the place of one that is here, and comes here, where that deploys the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests import shared
from tests.changing import commit, edit, git, state
from tests.conftest import Argosy
from tests.elsewhere import git_server
from tests.templates.renovate import watched
from tests.vendor import Vendor, vendor


@pytest.fixture
def gizmo(tmp_path: Path) -> Iterator[Vendor]:
    """Return who publishes charts, under the name of gizmo."""
    (tmp_path / "published").mkdir()
    with vendor(tmp_path / "published") as found:
        yield found


@pytest.fixture(autouse=True)
def _nothing_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGOSY_CACHE", str(shared.cache_of_results(tmp_path / "cache")))


def begin(argosy: Argosy, monkeypatch: pytest.MonkeyPatch, *more: str) -> Path:
    """Make a repository with an application shop, go there, and return its root."""
    given = ("--defaults", "--repo-url", "https://git.example.com/acme/gitops.git", "--ci", "none")
    made = argosy("init", "gitops", *given, "--env", "dev", "--env", "prod", "--app", "shop", *more)
    assert made.code == 0, made.err
    monkeypatch.chdir("gitops")
    return Path.cwd()


def chart_in(folder: str, name: str, version: str) -> Mapping[str, str]:
    """Return the files of a chart that lies in a folder, as it is published under a name and version."""
    files = {
        each.relative_to(folder).as_posix(): each.read_text() for each in Path(folder).rglob("*") if each.is_file()
    }
    about = re.sub(r"(?m)^version: .*$", f"version: {version}", files["Chart.yaml"])
    return {**files, "Chart.yaml": re.sub(r"(?m)^name: .*$", f"name: {name}", about)}


def rendered(argosy: Argosy, *labels: str) -> str:
    """Return what the application deploys, without what tells of its chart."""
    text = "".join(argosy("render", "shop", each).out for each in ("dev", "prod"))
    return re.sub(r"(?m)^ *helm\.sh/chart: .*\n|^# .*\n", "", text)


def is_valid(argosy: Argosy) -> bool:
    """Return whether all is valid, and nothing of the application was skipped."""
    found = argosy("validate")
    assert found.code == 0, found.out
    assert "; 0 errors, 0 warnings" in found.out, found.out
    return "gizmo" not in found.out


@pytest.mark.parametrize("how", ["own registry applications", "shared url applicationset"])
def test_a_chart_is_published_and_comes_back(  # noqa: PLR0915 - one story
    argosy: Argosy, gizmo: Vendor, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    chart, place, style = how.split()
    more = ("--app", "other") if chart == "shared" else ()
    root = begin(argosy, monkeypatch, "--chart", chart, "--argocd", style, *more)
    folder = "applications/shop/charts/shop" if chart == "own" else "charts/app/1.0.0"
    edit(root, "environments/prod/shop/values.yaml", "replicaCount: 3", "replicaCount: 5  # for the sale")
    edit(root, "environments/prod/values.yaml", "commonLabels:\n", "commonLabels:\n  tier: gold\n")
    commit(root)
    for version in ("1.0.0", "1.1.0"):
        files = {**chart_in(folder, "gizmo", version), "LICENSE": "Free.\n", "NOTICE": "Ours.\n"}
        gizmo.publish(version, files)
    reference = f"oci://{gizmo.registry}/gizmo" if place == "registry" else f"{gizmo.url}/gizmo"
    wanted = ("convert", "shop", "--chart", reference, "--version", "1.0.0")
    deployed, before = rendered(argosy), state(root)

    # Nobody knows what it deploys until it was fetched.
    unseen = argosy(*wanted, "--commit", "--yes")
    assert (unseen.code, state(root)) == (1, before)
    assert "Nothing tells what the chart gizmo 1.0.0 of" in unseen.err
    assert "with --fetch" in unseen.err

    published = argosy(*wanted, "--fetch", "--commit", "--yes")
    assert published.code == 0, published.err + published.out
    assert "metadata.labels[helm.sh/chart]" in published.err
    assert "rolls out" not in published.err
    assert rendered(argosy) == deployed
    assert Path(folder).exists() is (chart == "shared"), "new applications are to have it"
    values = Path("environments/prod/shop/values.yaml").read_text()
    assert "replicaCount: 5  # for the sale" in values
    assert "tier: gold" in values
    assert "# What shop has of its own in prod. The chart's own values.yaml has every value there is." in values
    assert Path("environments/prod/values.yaml").exists() is bool(more), "it goes with the last chart that reads it"
    assert is_valid(argosy)
    assert "Nothing to change" in argosy(*wanted).err
    tracked = {path: Path(path).read_text() for path in git(root, "ls-files").splitlines()}
    assert {"environments/dev/shop/source.yaml", "environments/prod/shop/source.yaml"} <= {
        each.path for each in watched(tracked)
    }

    if chart == "own":
        is_deployed_as_any(argosy, root)
    back = argosy("convert", "shop", "--chart", "own", "--commit", "--yes")
    assert back.code == 0, back.err
    assert "Nothing changes in what is deployed." in back.err
    assert rendered(argosy) == deployed
    assert Path("applications/shop/charts/shop/LICENSE").read_text() == "Free.\n"
    assert Path("applications/shop/charts/shop/NOTICE").read_text() == "Ours.\n"
    assert "vendored: true" in Path("applications/shop/application.yaml").read_text()
    assert "applications/shop/charts/" in Path(".pre-commit-config.yaml").read_text()
    assert "gizmo" not in "".join(each.read_text() for each in Path("argocd").rglob("*.yaml"))
    assert is_valid(argosy)
    assert "Nothing to change" in argosy("convert", "shop", "--chart", "own").err
    assert argosy("update", "--check").code == 0
    edit(root, "applications/shop/application.yaml", "vendored: true", "vendored: false")
    assert "and the chart is still the same" in argosy("apply").err
    git(root, "restore", "applications")
    if chart == "shared":
        return
    assert argosy("add", "env", "qa", "--after", "dev", "--commit", "--no-validate").code == 0

    # What it shares, it shares once it deploys the same as well.
    shared = argosy("convert", "shop", "--chart", "shared", "--commit", "--yes")
    assert shared.code == 0, shared.err
    assert rendered(argosy) == deployed
    assert not Path("applications/shop/charts").exists()
    assert "vendored" not in Path("applications/shop/application.yaml").read_text()


def is_deployed_as_any(argosy: Argosy, root: Path) -> None:
    """Deploy, promote and roll back a chart's new version, as of any that comes from elsewhere."""
    edit(root, "environments/dev/shop/source.yaml", "1.0.0", "1.1.0")
    commit(root)
    assert re.search(r"shop .*1\.1\.0 .*1\.0\.0", argosy("status").out)
    promoted = argosy("promote", "shop", "--to", "prod", "--commit", "--yes", "--fetch")
    assert promoted.code == 0, promoted.err
    assert argosy("rollback", "shop", "prod", "--commit", "--yes", "--no-validate").code == 0

    # One chart here is one for all environments.
    uneven = argosy("convert", "shop", "--chart", "own")
    assert "shop has different versions of its chart: 1.1.0 in dev and 1.0.0 in prod" in uneven.err
    edit(root, "environments/dev/shop/source.yaml", "1.1.0", "1.0.0")
    commit(root)


def test_another_chart_deploys_the_same_with_values_of_its_own(
    argosy: Argosy, gizmo: Vendor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = begin(argosy, monkeypatch, "--chart", "shared")
    files = dict(chart_in("charts/app/1.0.0", "gizmo", "2.0.0"))
    files["templates/deployment.yaml"] = files["templates/deployment.yaml"].replace(
        ".Values.replicaCount", ".Values.pods"
    )
    files["values.yaml"] = files["values.yaml"].replace("replicaCount:", "pods:")
    schema = json.loads(files["values.schema.json"])
    del schema["properties"]["replicaCount"]
    schema["properties"]["pods"] = {"type": "integer"}
    files["values.schema.json"] = json.dumps({**schema, "additionalProperties": False})
    gizmo.publish("2.0.0", files)
    wanted = ("convert", "shop", "--chart", f"{gizmo.url}/gizmo:2.0.0", "--fetch", "--yes")
    before = state(root)

    # The chart itself says which values it does not take.
    refused = argosy(*wanted)
    assert (refused.code, state(root)) == (1, before)
    assert "replicaCount" in refused.err
    for number, place in enumerate(("dev", "prod")):
        own = Path(f"environments/{place}/shop/values.yaml").read_text()
        (tmp_path / f"{place}.yaml").write_text(
            re.sub("replicaCount: .*", f"pods: {1 + number}\ncommonLabels: {{environment: {place}}}", own)
        )
    adapted = [part for place in ("dev", "prod") for part in ("--values", f"{place}={tmp_path}/{place}.yaml")]
    unequal = argosy(*wanted, *adapted)
    assert (unequal.code, state(root)) == (1, before)
    assert "would not deploy what it does today" in unequal.err
    assert "spec.replicas of Deployment/shop (prod): 3 -> 2" in unequal.err
    assert "--values ENV=FILE" in unequal.err
    (tmp_path / "prod.yaml").write_text((tmp_path / "prod.yaml").read_text().replace("pods: 2", "pods: 3"))
    done = argosy(*wanted, *adapted, "--commit")
    assert done.code == 0, done.err
    assert Path("environments/prod/shop/values.yaml").read_text() == (tmp_path / "prod.yaml").read_text()
    assert "Convert shop to http://" in git(root, "log", "-1", "--format=%s")


def test_a_chart_moves_to_a_git_repository(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gizmo: Vendor
) -> None:
    root = begin(argosy, monkeypatch, "--revision", "branch", "--chart", "shared")
    files = chart_in("charts/app/1.0.0", "gizmo", "1.0.0")
    gizmo.publish("1.0.0", files)
    (tmp_path / "repositories").mkdir()
    with git_server(tmp_path / "repositories") as server:
        server.commit(
            "charts", {"LICENSE": "Free.\n", **{f"charts/app/1.0.0/{path}": text for path, text in files.items()}}, "v1"
        )
        reference = f"{server.url}/charts.git//charts/app/1.0.0?ref=v1"
        published = f"{gizmo.url}/gizmo:1.0.0"
        moved = argosy("convert", "shop", "--chart", published, "--fetch", "--commit", "--yes", "--no-validate")
        assert moved.code == 0, moved.err
        again = argosy("convert", "shop", "--chart", reference, "--fetch", "--commit", "--yes")
        assert again.code == 0, again.err
        for branch in ("dev", "prod"):
            source = git(root, "show", f"{branch}:environments/{branch}/shop/source.yaml")
            assert 'path: "charts/app/1.0.0"' in source
            assert "gizmo" not in source
        project = Path("argocd/prod/project.yaml").read_text()
        assert server.url in project
        assert gizmo.url not in project
        shared = argosy("convert", "shop", "--chart", "shared", "--dry-run")
        assert shared.code == 0, shared.err
        assert "gizmo-1.0.0 -> app-1.0.0" in shared.err
        back = argosy("convert", "shop", "--chart", "own", "--commit", "--yes")
        assert back.code == 0, back.err
        assert git(root, "show", "prod:applications/shop/charts/shop/LICENSE") == "Free.\n"
