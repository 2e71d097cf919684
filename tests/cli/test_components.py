"""`argosy add component`, `remove component` and `components`, as people meet them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from argosy.repository.model import ArgocdStyle, Format, RevisionStyle
from tests import shared
from tests.changing import commit, create, edit, git, model, state
from tests.conftest import Argosy, in_process
from tests.vendor import CLUSTER_ROLE, Vendor, vendor

CHART = "platform/prod/gizmo/chart"
VALUES = "platform/prod/gizmo/values.yaml"
APPLICATION = "argocd/prod/components/gizmo.yaml"
NOT_FOR_USERS = {
    "ci/test-values.yaml": "key: |\n  -----BEGIN RSA PRIVATE KEY-----\n  MIIEpAIBAAKCAQEA\n",
    "values.yaml": "replicas: 1\nreplicas: 1\n",
    "templates/role.yaml": "x: 1\n---\n{{- if .Values.role }}\n# Only if asked for.\n" + CLUSTER_ROLE + "{{- end }}\n",
}
"""What argosy finds in charts of one's own."""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return a small repository of two environments that share a cluster, which is where one is."""
    root = create(tmp_path / "gitops")
    monkeypatch.chdir(root)
    return root


@pytest.fixture(scope="module")
def gizmo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vendor]:
    """Return a vendor with two versions of its chart: the second deploys a ClusterRole, and has a file less."""
    with vendor(tmp_path_factory.mktemp("charts")) as found:
        found.publish("1.0.0", {**NOT_FOR_USERS, "templates/role.yaml": "", "OWNERS": "them\n"})
        found.publish("1.1.0", {"templates/role.yaml": CLUSTER_ROLE})
        yield found


@pytest.fixture
def vendored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy, gizmo: Vendor) -> Path:
    """Return a repository whose own catalogue has the gizmo, which is installed with its chart."""

    def make(place: Path) -> None:
        create(place)
        commit(place, dict(gizmo.entry()))
        result = in_process("add", "component", "gizmo", "--vendor", "--commit", "--repository", str(place))
        assert result.code == 0, result.out + result.err

    # The vendor's address, which is in it, is another one in each process.
    root = shared.repository(f"with the gizmo of {gizmo.url}", make, tmp_path / "vendored")
    monkeypatch.chdir(root)
    return root


def document(path: str) -> dict[str, dict[str, object]]:
    found = yaml.safe_load(Path(path).read_text())
    assert isinstance(found, dict)
    return found


@pytest.fixture
def reloader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return a small repository in whose cluster reloader is installed, through prod."""

    def make(place: Path) -> None:
        create(place)
        result = in_process("add", "component", "reloader", "--commit", "--no-validate", "--repository", str(place))
        assert result.code == 0, result.err

    root = shared.repository("with reloader", make, tmp_path / "reloader")
    monkeypatch.chdir(root)
    return root


class TestAdd:
    def test_brings_what_it_needs_and_says_what_is_left(self, argosy: Argosy, repository: Path) -> None:
        result = argosy("add", "component", "alloy", "--commit")
        assert result.code == 0, result.out
        assert "alloy needs loki, which is added too." in result.err
        assert "Left to do:\n\nalloy: Every pod's logs" in result.err
        assert git(repository, "log", "-1", "--format=%s") == "Add alloy\n"
        assert not Path("argocd/dev/components").exists()
        project = document("argocd/prod/components/project.yaml")["spec"]
        assert project["sourceRepos"] == [
            "https://github.com/acme/gitops.git",
            *sorted({"https://grafana.github.io/helm-charts", "https://grafana-community.github.io/helm-charts"}),
        ]
        assert "is not in this repository" in argosy("validate").out

    def test_dry_run_shows_what_then_happens(self, argosy: Argosy, repository: Path) -> None:
        before = state(repository)
        dry = argosy("add", "component", "cert-manager", "--env", "dev", "--dry-run")
        assert (dry.code, state(repository)) == (0, before)
        assert argosy("add", "component", "cert-manager", "--env", "dev").code == 0
        assert git(repository, "diff", "--staged", "--no-renames") == dry.out

    @pytest.mark.parametrize(
        "layout",
        [
            (Format.KUSTOMIZE, ArgocdStyle.APPLICATIONS, RevisionStyle.TRUNK),
            (Format.HELM, ArgocdStyle.APPLICATIONSET, RevisionStyle.BRANCH),
        ],
        ids="-".join,
    )
    def test_each_layout_stays_valid(
        self,
        argosy: Argosy,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        layout: tuple[Format, ArgocdStyle, RevisionStyle],
    ) -> None:
        chosen = model(form=layout[0], argocd=layout[1], revision=layout[2])
        root = create(tmp_path / "gitops", chosen)
        monkeypatch.chdir(root)
        git(root, "branch", "prod")
        is_trunk = chosen.settings.revision is RevisionStyle.TRUNK
        for name in ("main",) if is_trunk else ("prod", "main"):
            git(root, "switch", "--quiet", name)
            assert argosy("add", "component", "cert-manager", "--quiet", "--commit").code == 0
        sources = document("argocd/prod/components/cert-manager.yaml")["spec"]["sources"]
        assert isinstance(sources, list)
        assert sources[1]["targetRevision"] == (chosen.environments[1].revision)
        if not is_trunk:
            git(root, "switch", "--quiet", "--create", "live", "prod")
            assert argosy("rename", "env", "prod", "live", "--yes", "--quiet", "--commit").code == 0
            git(root, "switch", "--quiet", "main")
        assert argosy("rename", "env", "prod", "live", "--yes", "--commit", "--no-validate").code == 0
        assert not Path("platform/prod").exists()
        assert argosy("validate", "--quiet").code == 0

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("relaoder",), "Did you mean “reloader”?"),
            (("reloader", "--env", "prd"), "Did you mean “prod”?"),
            (("reloader", "--version", "2"), "“2” is not a chart's version"),
            (("reloader", "--env", "dev", "--env", "prod"), "share the cluster"),
        ],
    )
    def test_wrong_usage_changes_nothing(
        self, argosy: Argosy, repository: Path, arguments: tuple[str, ...], message: str
    ) -> None:
        before = state(repository)
        result = argosy("add", "component", *arguments)
        assert (result.code, state(repository)) == (2, before)
        assert message in result.err

    def test_there_already(self, argosy: Argosy, reloader: Path) -> None:
        again = argosy("add", "component", "reloader", "--env", "dev")
        assert again.code == 2
        assert "in the cluster of dev already, through prod" in again.err
        assert argosy("add", "component", "reloader", "--version", "2.0.0", "--commit", "--no-validate").code == 0
        assert git(reloader, "show", "--format=%s", "--name-only").split("\n") == [
            *("Change reloader 2.0.0", "", "argocd/prod/components/reloader.yaml", ""),
        ]

    def test_an_environment_of_another_cluster(self, argosy: Argosy, reloader: Path) -> None:
        assert "component" not in argosy("add", "env", "qa", "--commit", "--no-validate").err
        result = argosy("add", "env", "west", "--cluster", "west", "--commit", "--no-validate")
        assert "argosy add component reloader --env west" in result.err
        assert argosy("add", "component", "reloader", "--commit", "--no-validate").code == 0
        before = state(reloader)
        result = argosy("set", "environment", "west", "cluster=https://kubernetes.default.svc")
        assert (result.code, state(reloader)) == (2, before)
        assert "reloader is installed through prod and through west" in result.err


class TestVendored:
    def test_is_rendered_and_nothing_is_found_that_nobody_can_mend(self, argosy: Argosy, vendored: Path) -> None:
        told = json.loads(argosy("validate", "--output", "json").out)
        assert told["findings"] == []
        assert [each for each in told["skipped"] if "platform" in str(each)] == []
        assert (vendored / CHART / "OWNERS").read_text() == "them\n"
        source = document(APPLICATION)["spec"]["source"]
        assert source == {
            "repoURL": "https://github.com/acme/gitops.git",
            "targetRevision": "main",
            "path": CHART,
            "helm": {"releaseName": "gizmo", "valueFiles": [f"/{VALUES}"]},
        }
        status = argosy("status", "--files").out
        assert "seeded          unchanged  platform/prod/gizmo/values.yaml" in status
        assert "vendor's        unchanged  platform/prod/gizmo/chart/Chart.yaml" in status

    def test_what_it_would_deploy_is_judged(self, argosy: Argosy, vendored: Path) -> None:
        edit(vendored, VALUES, "replicas: 2", "replicas: many")
        result = argosy("validate")
        assert result.code == 1
        assert f"{CHART}/templates/deployment.yaml" in result.out
        assert "kubernetes-schema" in result.out

    def test_another_version_keeps_values_and_takes_the_chart_as_a_whole(self, argosy: Argosy, vendored: Path) -> None:
        edit(vendored, VALUES, "replicas: 2", "replicas: 5")
        commit(vendored, {f"{CHART}/values.yaml": "replicas: 9\n"}, "Patch the chart")
        result = argosy("add", "component", "gizmo", "--version", "1.1.0", "--commit")
        assert result.code == 0, result.out
        assert "Patch the chart" in result.err
        assert Path(VALUES).read_text() == "replicas: 5\n"
        assert Path(CHART, "values.yaml").read_text() == "replicas: 1\n"
        assert not Path(CHART, "OWNERS").exists()
        project = document("argocd/prod/components/project.yaml")["spec"]["clusterResourceWhitelist"]
        assert {"group": "rbac.authorization.k8s.io", "kind": "ClusterRole"} in project  # type: ignore[operator]
        assert argosy("validate", "--quiet").code == 0
        assert "gizmo (1.1.0)" not in argosy("components").out
        assert "prod (1.1.0)" in argosy("components").out

    def test_and_back(self, argosy: Argosy, vendored: Path) -> None:
        edit(vendored, VALUES, "replicas: 2", "replicas: 5")
        commit(vendored)
        remote = state(vendored)[0]
        assert argosy("add", "component", "gizmo", "--no-vendor", "--commit", "--quiet").code == 0
        assert not Path(CHART).exists()
        assert Path(VALUES).read_text() == "replicas: 5\n"
        assert "sources" in document(APPLICATION)["spec"]
        assert "--no-vendor" in argosy("add", "component", "gizmo", "--vendor", "--commit").err
        assert state(vendored)[0] == remote

    def test_git_ignores_none_of_it(self, argosy: Argosy, repository: Path, gizmo: Vendor) -> None:
        commit(repository, {**gizmo.entry(), ".gitignore": "chart/\n*.yaml\n"})
        assert argosy("add", "component", "gizmo", "--vendor", "--commit", "--quiet").code == 0
        assert f"{CHART}/templates/deployment.yaml" in git(repository, "ls-files")
        assert git(repository, "status", "--porcelain") == ""

    def test_what_cannot_be_fetched_changes_nothing(self, argosy: Argosy, vendored: Path) -> None:
        before = state(vendored)
        result = argosy("add", "component", "gizmo", "--version", "9.9.9")
        assert (result.code, state(vendored)) == (1, before)
        assert "gizmo 9.9.9 of http://127.0.0.1" in result.err
        assert "Nothing was changed." in result.err

    @pytest.mark.usefixtures("vendored")
    def test_is_removed_with_its_chart(self, argosy: Argosy) -> None:
        result = argosy("remove", "component", "gizmo", "--yes", "--commit")
        assert result.code == 0
        assert "Written or edited by hand" not in result.err
        assert not Path("platform").exists()
        assert not Path("argocd/prod/components").exists()


class TestRemove:
    def test_says_what_stays_in_the_cluster(self, argosy: Argosy, repository: Path) -> None:
        assert argosy("add", "component", "cert-manager", "metrics-server", "--commit", "--no-validate").code == 0
        commit(repository, {"platform/prod/cert-manager/manifests/ours.yaml": "# ours\n"})
        result = argosy("remove", "component", "cert-manager", "metrics-server", "--yes", "--commit")
        assert result.code == 0, result.out
        told = result.err.partition("Changes: ")[0]
        assert "  platform/prod/cert-manager/manifests/ours.yaml\n" in told
        assert "values.yaml" not in told
        assert "kubectl delete namespace cert-manager" in told
        assert "namespace kube-system" not in told
        assert "--selector app.kubernetes.io/instance=cert-manager" in told

    @pytest.mark.usefixtures("repository")
    def test_the_namespace_of_argo_cd_is_not_to_be_deleted(self, argosy: Argosy) -> None:
        assert argosy("add", "component", "argocd-image-updater", "--commit", "--no-validate").code == 0
        result = argosy("remove", "component", "argocd-image-updater", "--yes", "--commit")
        assert "Argo CD lets go of argocd-image-updater-prod." in result.err
        assert "kubectl delete namespace" not in result.err

    @pytest.mark.usefixtures("repository")
    def test_what_another_environment_takes_over_is_not_to_be_deleted(self, argosy: Argosy) -> None:
        assert argosy("add", "component", "cert-manager", "--commit", "--no-validate").code == 0
        result = argosy("rename", "env", "prod", "live", "--yes", "--commit")
        assert "kubectl delete namespace web-prod" in result.err
        assert "kubectl delete namespace cert-manager" not in result.err
        assert "--selector" not in result.err

    @pytest.mark.usefixtures("repository")
    def test_with_its_environment(self, argosy: Argosy) -> None:
        assert argosy("add", "component", "reloader", "--env", "dev", "--commit", "--no-validate").code == 0
        result = argosy("remove", "env", "dev", "--yes", "--commit")
        assert "reloader-dev" in result.err
        assert "argosy add component reloader --env prod" in result.err
        assert not Path("platform").exists()
        assert argosy("add", "component", "reloader", "--env", "prod", "--commit", "--no-validate").code == 0
        assert "shares" not in argosy("remove", "env", "prod", "--yes", "--commit", "--no-validate").err

    @pytest.mark.usefixtures("reloader")
    def test_by_hand(self, argosy: Argosy) -> None:
        Path("argocd/prod/components/reloader.yaml").unlink()
        assert argosy("apply", "--commit", "--quiet").code == 0
        assert (
            "reloader"
            not in json.loads(argosy("components", "reloader", "--output", "json").out)["components"][0]["installed"]
        )


class TestList:
    def test_outside_a_repository(self, argosy: Argosy) -> None:
        result = argosy("components")
        assert result.code == 0
        assert "installed" not in result.out
        assert "cert-manager" in result.out

    @pytest.mark.usefixtures("repository")
    def test_where_each_is(self, argosy: Argosy) -> None:
        assert argosy("add", "component", "reloader", "--version", "2.0.0", "--commit", "--no-validate").code == 0
        lines = {line.split()[0]: line for line in argosy("components").out.splitlines()}
        assert "prod (2.0.0)" in lines["reloader"]
        (told,) = json.loads(argosy("components", "reloader", "--output", "json").out)["components"]
        assert told["installed"] == {"prod": {"version": "2.0.0", "vendored": False}}
        shown = argosy("components", "reloader").out
        assert "installed     prod 2.0.0" in shown
        unknown = argosy("components", "relaoder")
        assert (unknown.code, "Did you mean “reloader”?" in unknown.err) == (2, True)

    @pytest.mark.usefixtures("repository")
    def test_what_a_switch_asks_for(self, argosy: Argosy) -> None:
        result = argosy("set", "repository", "monitoring=true", "--commit", "--no-validate")
        assert "argosy add component kube-prometheus-stack" in result.err
        assert "missing: monitoring=true" in argosy("components").out


def test_other_commands_take_a_component_for_no_application(argosy: Argosy, vendored: Path) -> None:
    told = json.loads(argosy("status", "--output", "json").out)
    assert "gizmo" not in json.dumps(told["environments"])
    assert argosy("promote", "--all", "--to", "prod").code == 0
    edit(vendored, VALUES, "replicas: 2", "replicas: 3")
    diff = argosy("diff")
    assert "gizmo" in diff.out
    assert "replicas" in diff.out
    assert argosy("update").code == 0
    git(vendored, "checkout", "--quiet", ".")
    assert argosy("doctor", "--offline").code in {0, 1}


def test_a_repository_that_is_named_and_not_there_is_wrong_usage(argosy: Argosy, tmp_path: Path) -> None:
    result = argosy("components", "--repository", str(tmp_path / "typo"))
    assert (result.code, result.out) == (2, "")
    assert "is not a folder" in result.err
