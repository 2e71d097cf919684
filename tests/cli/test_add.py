"""`argosy add`, as people meet it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from argosy.repository.model import WRITTEN_HERE, ArgocdStyle, Format, RevisionStyle
from tests import changing
from tests.changing import commit, create, edit, git, model, state
from tests.conftest import Argosy


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return a small repository, which is where one is."""
    root = create(tmp_path / "gitops")
    monkeypatch.chdir(root)
    return root


class TestApplication:
    def test_with_everything_said(self, argosy: Argosy, repository: Path) -> None:
        result = argosy(
            *("add", "app", "shop", "api", "--env", "prod", "--team", "payments", "--port", "8080", "--format", "helm"),
            *("--image", "ghcr.io/acme/shop:2.0.0", "--image", "prod=ghcr.io/acme/shop:1.9.0", "--commit"),
        )
        assert result.code == 0, result.err
        assert git(repository, "log", "-1", "--format=%s") == "Add shop, api\n"
        assert git(repository, "status", "--porcelain") == ""
        values = yaml.safe_load(Path("environments/prod/shop/values.yaml").read_text())
        assert (values["image"]["repository"], values["image"]["tag"]) == ("ghcr.io/acme/shop", "1.9.0")
        assert not Path("environments/dev/shop").exists()
        assert yaml.safe_load(Path("applications/api/application.yaml").read_text())["team"] == "payments"

    def test_report_and_next_step(self, argosy: Argosy, repository: Path) -> None:
        result = argosy("add", "app", "shop")
        assert (result.code, result.out) == (0, "")
        assert "new           argocd/dev/shop.yaml" in result.err
        assert "git commit keeps it" in result.err
        assert set(git(repository, "status", "--porcelain").split()[::2]) == {"A"}
        assert argosy("add", "app", "shop").code == 2

    @pytest.mark.parametrize("style", list(ArgocdStyle))
    def test_each_format_and_style_is_valid(
        self, argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, style: ArgocdStyle
    ) -> None:
        create(tmp_path / "gitops", model(argocd=style))
        monkeypatch.chdir(tmp_path / "gitops")
        assert argosy("add", "app", "shop", "--format", "helm", "--no-validate", "--commit").code == 0
        assert argosy("add", "app", "api", "--format", "kustomize", "--no-validate", "--commit").code == 0
        # With it, each application of the three formats is judged, in each environment.
        assert argosy("add", "env", "qa", "--after", "dev", "--quiet", "--commit").code == 0
        assert argosy("remove", "app", "web", "--yes", "--quiet", "--commit").code == 0

    def test_wrong_usage_changes_nothing(self, argosy: Argosy, repository: Path) -> None:
        before = state(repository)
        for arguments, message in (
            (("web",), "There is an application “web” already."),
            (("shop", "shop"), "given twice"),
            (("Shop",), "Try “shop”"),
            (("1shop",), "begins with a letter"),
            (("shop", "--env", "prd"), "Did you mean “prod”?"),
            (("shop", "--image", "prd=nginx:1"), "Did you mean “prod”?"),
            (("shop", "--env", "dev", "--image", "prod=nginx:1"), "not deployed to prod"),
            (("shop", "--message", "x"), "Add --commit, --branch"),
            (("shop", "--dry-run", "--commit"), "Give one of them"),
        ):
            result = argosy("add", "app", *arguments)
            assert (result.code, message in result.err) == (2, True), (arguments, result.err)
            assert state(repository) == before, arguments

    def test_dry_run_shows_what_then_happens(self, argosy: Argosy, repository: Path) -> None:
        before = state(repository)
        dry = argosy("add", "app", "shop", "--dry-run")
        assert (dry.code, state(repository)) == (0, before)
        assert "Would change" in dry.err
        assert argosy("add", "app", "shop").code == 0
        assert git(repository, "diff", "--staged", "--no-renames") == dry.out

    def test_json_is_all_there_is(self, argosy: Argosy, repository: Path) -> None:
        dry = json.loads(argosy("add", "app", "shop", "--dry-run", "--output", "json").out)
        done = json.loads(argosy("add", "app", "shop", "--output", "json", "--commit", "-m", "Shop").out)
        assert dry["files"] == done["files"]
        assert {each["kind"] for each in done["files"]} == {"new"}
        assert (done["valid"], done["committed"], done["dryRun"]) == (True, True, False)
        assert (dry["valid"], dry["committed"], dry["dryRun"]) == (None, False, True)
        assert "+kind: Deployment" in dry["diff"]
        assert git(repository, "log", "-1", "--format=%s") == "Shop\n"

    def test_findings_keep_the_change_from_being_committed(self, argosy: Argosy, repository: Path) -> None:
        commit(repository, {"environments/dev/broken.yaml": "apiVersion: v1\nkind: Service\nspec: []\n"})
        before = state(repository)
        result = argosy("add", "app", "shop", "--commit", "--output", "json")
        assert result.code == 1
        told = json.loads(result.out)
        assert (told["valid"], told["committed"]) == (False, False)
        assert "not committed" in result.err
        assert argosy("abort").code == 0
        assert state(repository) == before
        unjudged = argosy("add", "app", "shop", "--commit", "--no-validate", "--output", "json")
        told = json.loads(unjudged.out)
        assert (unjudged.code, told["valid"], told["committed"]) == (0, None, True)


class TestBesideOtherChanges:
    def test_other_files_stay_as_they_are(self, argosy: Argosy, repository: Path) -> None:
        edit(repository, "README.md", "# gitops", "# Ours")
        (repository / "staged.txt").write_text("staged\n")
        (repository / "untracked.txt").write_text("untracked\n")
        git(repository, "add", "staged.txt")
        assert argosy("add", "app", "shop", "--commit", "--quiet").code == 0
        assert git(repository, "status", "--porcelain") == " M README.md\nA  staged.txt\n?? untracked.txt\n"

    @pytest.mark.parametrize("staged", [True, False])
    def test_files_that_it_would_touch(self, argosy: Argosy, repository: Path, *, staged: bool) -> None:
        edit(repository, "README.md", "# gitops", "# Ours")
        if staged:
            git(repository, "add", "README.md")
        before = state(repository)
        result = argosy("add", "env", "qa")
        assert result.code == 1
        assert "uncommitted changes:\n  README.md" in result.err
        assert state(repository) == before

    @pytest.mark.parametrize("ignored", [True, False])
    def test_untracked_files_in_the_way(self, argosy: Argosy, repository: Path, *, ignored: bool) -> None:
        if ignored:
            (repository / ".git/info/exclude").write_text("argocd/dev/\n")
        (repository / "argocd/dev/shop.yaml").write_text("mine: true\n")
        result = argosy("add", "app", "shop")
        assert result.code == 1
        assert "argocd/dev/shop.yaml" in result.err
        assert (repository / "argocd/dev/shop.yaml").read_text() == "mine: true\n"

    def test_something_else_than_a_folder_in_the_way(self, argosy: Argosy, repository: Path) -> None:
        (repository / "elsewhere").mkdir()
        commit(repository, {"elsewhere/x": "", "applications/api": "a file\n"})
        (repository / "applications/shop").symlink_to("../elsewhere")
        commit(repository)
        for name in ("shop", "api"):
            before = state(repository)
            result = argosy("add", "app", name)
            assert result.code == 1
            assert f"applications/{name} is not a folder" in result.err
            assert state(repository) == before


class TestEnvironment:
    def test_takes_over_current_values(self, argosy: Argosy, repository: Path) -> None:
        edit(repository, "environments/dev/web/deployment.yaml", "replicas: 1", "replicas: 4  # for the load test")
        commit(repository, {"environments/dev/web/extra.yaml": "# ours, of dev\n"})
        result = argosy("add", "env", "qa", "--after", "dev", "--no-auto-sync", "--cluster", "east", "--commit")
        assert result.code == 0, result.err + result.out
        deployment = Path("environments/qa/web/deployment.yaml").read_text()
        assert "replicas: 4  # for the load test" in deployment
        assert Path("environments/qa/web/extra.yaml").read_text() == "# ours, of dev\n"
        settings = yaml.safe_load(Path("environments/qa/environment.yaml").read_text())
        assert settings["destination"] == {"name": "east"}
        assert (settings["autoSync"], settings["promotesFrom"]) == (False, "dev")
        assert yaml.safe_load(Path("environments/prod/environment.yaml").read_text())["promotesFrom"] == "qa"
        assert "| qa | `east` |" in Path("README.md").read_text()

    def test_lines_that_name_the_environment_follow(
        self, argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        root = create(tmp_path / "gitops", model(form=Format.KUSTOMIZE))
        monkeypatch.chdir(root)
        path = "environments/dev/web/kustomization.yaml"
        edit(root, path, "count: 1", "count: 2")
        commit(root, {path: (root / path).read_bytes().replace(b"\n", b"\r\n").removesuffix(b"\r\n")})
        assert argosy("add", "env", "qa", "--from", "dev", "--commit", "--quiet").code == 0
        written = (root / "environments/qa/web/kustomization.yaml").read_bytes()
        assert b'environment: "qa"' in written
        assert b"count: 2" in written
        blob = git(root, "show", "HEAD:environments/qa/web/kustomization.yaml")
        assert not blob.endswith("\n")

    @pytest.mark.usefixtures("repository")
    @pytest.mark.parametrize(
        ("place", "order", "origins"),
        [
            ((), ["dev", "prod", "qa"], ["", "dev", "prod"]),
            (("--after", "dev"), ["dev", "qa", "prod"], ["", "dev", "qa"]),
            (("--before", "prod"), ["dev", "qa", "prod"], ["", "dev", "qa"]),
            (("--before", "dev"), ["qa", "dev", "prod"], ["", "qa", "dev"]),
        ],
    )
    def test_the_chain_stays_whole(
        self, argosy: Argosy, place: tuple[str, ...], order: list[str], origins: list[str]
    ) -> None:
        assert argosy("add", "env", "qa", *place, "--commit", "--no-validate").code == 0
        told = json.loads(argosy("status", "--output", "json").out)["environments"]
        assert [each["name"] for each in told] == order
        assert [each["promotesFrom"] for each in told] == origins
        assert all(each["applications"] == ["web"] for each in told)

    def test_what_was_deleted_in_the_source_stays_away(self, argosy: Argosy, repository: Path) -> None:
        commit(repository, {"environments/dev/web/service.yaml": None})
        assert argosy("add", "env", "qa", "--after", "dev", "--dry-run").code == 0
        plan = json.loads(argosy("add", "env", "qa", "--after", "dev", "--dry-run", "--output", "json").out)
        assert "environments/qa/web/service.yaml" not in {each["path"] for each in plan["files"]}

    def test_modes_and_links_are_kept(self, argosy: Argosy, repository: Path) -> None:
        script = repository / "environments/dev/web/check.sh"
        script.write_text("#!/bin/sh\n")
        script.chmod(0o755)
        (repository / "environments/dev/web/link.txt").symlink_to("check.sh")
        commit(repository)
        assert argosy("add", "env", "qa", "--after", "dev", "--quiet").code == 0
        found = changing.files(repository / "environments/qa/web")
        assert found["check.sh"] == changing.files(repository / "environments/dev/web")["check.sh"]
        assert found["link.txt"] == changing.files(repository / "environments/dev/web")["link.txt"]

    def test_a_branch_for_each_environment(
        self, argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        root = create(tmp_path / "gitops", model(revision=RevisionStyle.BRANCH))
        for name in ("dev", "prod"):
            git(root, "branch", name)
        monkeypatch.chdir(root)
        result = argosy("add", "env", "qa", "--after", "dev")
        assert result.code == 0, result.out
        assert yaml.safe_load(Path("environments/qa/environment.yaml").read_text())["revision"] == "qa"
        assert "This does not reach qa and prod: --commit" in result.err

    def test_wrong_usage_changes_nothing(self, argosy: Argosy, repository: Path) -> None:
        before = state(repository)
        for arguments, message in (
            (("dev",), "There is an environment “dev” already."),
            (("qa", "--after", "dve"), "Did you mean “dev”?"),
            (("qa", "--from", "dve"), "Did you mean “dev”?"),
            (("qa", "--after", "dev", "--before", "prod"), "Give one of them"),
            (("install",), "argocd/install holds Argo CD itself"),
        ):
            result = argosy("add", "env", *arguments)
            assert (result.code, message in result.err) == (2, True), (arguments, result.err)
            assert state(repository) == before, arguments


@pytest.mark.parametrize(("style", "minimal"), [(ArgocdStyle.APPLICATIONS, False), (ArgocdStyle.APPLICATIONSET, True)])
def test_two_branches_that_each_add_applications_merge(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, style: ArgocdStyle, minimal: bool
) -> None:
    made = model(argocd=style)
    root = create(tmp_path / "gitops", replace(made, settings=replace(made.settings, minimal=minimal)))
    monkeypatch.chdir(root)
    for form in WRITTEN_HERE:
        git(root, "switch", "--quiet", "--create", f"add-{form}", "main")
        assert argosy("add", "app", f"shop-{form}", "--format", form.value, "--commit", "--no-validate").code == 0
    git(root, "switch", "--quiet", "--create", "add-more", "main")
    assert argosy("add", "app", "more", "--format", "helm", "--commit", "--no-validate").code == 0
    for form in WRITTEN_HERE:
        merged = subprocess.run(
            ["git", "merge", "--quiet", "--no-edit", f"add-{form}"], check=False, capture_output=True
        )
        assert merged.returncode == 0, merged.stdout
    assert argosy("validate", "--quiet").code == 0


@pytest.mark.parametrize("applications", [(), ("web",)])
def test_the_first_environment_permits_what_is_deployed_to_it(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, applications: tuple[str, ...]
) -> None:
    monkeypatch.chdir(create(tmp_path / "gitops", model(applications, ())))
    assert argosy("add", "env", "dev", "--commit", "--no-validate").code == 0
    result = argosy("add", "app", "api", "--commit")
    assert result.code == 0, result.out
    spec = yaml.safe_load(Path("argocd/dev/project.yaml").read_text())["spec"]
    assert spec["clusterResourceWhitelist"] == [{"group": "", "kind": "Namespace"}]
    assert {each["kind"] for each in spec["namespaceResourceWhitelist"]} == {
        "Deployment",
        "Pod",
        "ReplicaSet",
        "Service",
    }
