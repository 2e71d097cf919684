"""Environments with branches of their own: no command on the default branch lets their Applications lead nowhere."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from argosy.repository.model import ArgocdStyle, Format, RevisionStyle
from tests.changing import commit, create, edit, git, model, state
from tests.conftest import Argosy
from tests.promoting import clone, with_remote

ADD = ("add", "app", "shop", "--quiet")
RENAME = ("rename", "app", "web", "shop", "--yes")
CONVERT = ("convert", "web", "--to", "kustomize", "--yes")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy, request: pytest.FixtureRequest) -> Path:
    """Return a repository with a branch for each environment, which is where one is; the parameter is its style."""
    style = getattr(request, "param", ArgocdStyle.APPLICATIONS)
    made = create(tmp_path / "gitops", model(form=Format.HELM, argocd=style, revision=RevisionStyle.BRANCH))
    for name in ("dev", "prod"):
        git(made, "branch", name)
    monkeypatch.chdir(made)
    return made


def follow(argosy: Argosy, root: Path, told: str, bare: Path | None = None) -> None:
    """Do what a message says, line by line; after each push, nothing that Argo CD reads of the remote leads nowhere."""
    for line in (line.strip() for line in told.splitlines() if line.startswith("  ")):
        if line.startswith("argosy "):
            result = argosy(*shlex.split(line)[1:], "--no-validate")
            assert result.code == 0, (line, result.err + result.out)
        elif line.startswith("git push") and bare:
            git(root, *shlex.split(line)[1:])
            check(bare)
        elif line.startswith("git ") and not line.startswith("git push"):
            subprocess.run(line, shell=True, cwd=root, check=True, capture_output=True)


def check(bare: Path) -> None:
    """Check that all paths are there which the Applications of the default branch name."""
    for name in ("dev", "prod"):
        spec = yaml.safe_load(git(bare, "show", f"main:argocd/{name}/web.yaml"))["spec"]
        source = spec["source"]
        files = [f"{source['path']}/{'Chart.yaml' if 'helm' in source else 'kustomization.yaml'}"]
        files += [each.removeprefix("/") for each in source.get("helm", {}).get("valueFiles", ())]
        for path in files:
            git(bare, "cat-file", "-e", f"{source['targetRevision']}:{path}")


def lost(argosy: Argosy, root: Path) -> list[str]:
    """Return what validation says of Applications whose branches lack something."""
    found = json.loads(argosy("validate", str(root), "--output", "json").out)
    return [each["message"] for each in found["findings"] if each["rule"] == "branch-lacks-path"]


@pytest.mark.parametrize("root", ArgocdStyle, indirect=True)
@pytest.mark.parametrize(
    ("arguments", "lacking"),
    [
        (ADD, "applications/shop/charts/shop/Chart.yaml"),
        (RENAME, "applications/shop/charts/shop/Chart.yaml"),
        (CONVERT, "environments/dev/web/kustomization.yaml"),
        (("convert", "web", "--to", "manifests", "--yes"), "environments/dev/web/deployment.yaml"),
        (("rename", "env", "prod", "live", "--yes"), "which does not exist"),
        (("set", "repository", "quotas=true"), "platform/dev/policies"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_would_lead_nowhere_is_refused(
    argosy: Argosy, root: Path, arguments: tuple[str, ...], lacking: str
) -> None:
    before = state(root)
    result = argosy(*arguments, "--commit")
    assert (result.code, state(root)) == (1, before)
    for said in (" follows the branch ", lacking, "git switch main", f"{shlex.join(('argosy', *arguments))} --commit"):
        assert said in result.err


@pytest.mark.parametrize(
    ("root", "arguments"),
    [
        (ArgocdStyle.APPLICATIONS, CONVERT),
        (ArgocdStyle.APPLICATIONS, ("rename", "env", "prod", "live", "--yes")),
        (ArgocdStyle.APPLICATIONSET, ADD),
    ],
    indirect=["root"],
)
def test_the_way_by_hand(argosy: Argosy, root: Path, arguments: tuple[str, ...]) -> None:
    bare = with_remote(root)
    refused = argosy(*arguments)
    assert refused.code == 1
    before = state(root)
    follow(argosy, root, refused.err.partition("Error: ")[2], bare if arguments is CONVERT else None)
    assert git(root, "branch", "--show-current") == "main\n"
    assert state(root) != before
    assert git(root, "status", "--porcelain") == ""


def test_what_changes_nothing_there_goes_through(argosy: Argosy, root: Path) -> None:
    for arguments in (
        ("set", "environment", "prod", "replicas=4"),
        ("add", "env", "qa"),
        ("set", "environment", "qa", "revision=v1.2.0"),
        ("remove", "app", "web", "--yes"),
    ):
        result = argosy(*arguments, "--commit", "--no-validate")
        assert result.code == 0, result.err


def test_a_branch_that_this_clone_does_not_know(argosy: Argosy, root: Path) -> None:
    git(root, "branch", "--delete", "--force", "prod")
    result = argosy(*ADD)
    assert (result.code, "git fetch origin prod" in result.err) == (1, True)


@pytest.mark.parametrize("tagged", [True, False])
def test_a_tag_stays_as_it_is(argosy: Argosy, root: Path, tagged: bool) -> None:
    git(root, "tag", "v1.0.0")
    revision = "v1.0.0" if tagged else git(root, "rev-parse", "HEAD").strip()
    assert argosy("set", "environment", "prod", f"revision={revision}", "--commit", "--no-validate").code == 0
    assert argosy(*ADD, "--env", "prod", "--commit", "--no-validate").code == 0
    assert lost(argosy, root) == []


def test_a_branch_from_an_environments_own(argosy: Argosy, root: Path) -> None:
    commit(root, {"README.md": "More, on the default branch\n"})
    for name, code in (("prod", 0), ("main", 1)):
        git(root, "switch", "--quiet", "--create", f"on-{name}", name)
        assert argosy(*ADD, "--no-validate").code == code
        git(root, "reset", "--quiet", "--hard")


def test_branches_that_are_not_there_yet(argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = create(tmp_path / "gitops")
    monkeypatch.chdir(root)
    arguments = ("set", "repository", "revision=branch")
    refused = argosy(*arguments)
    assert (refused.code, "git branch dev main" in refused.err) == (1, True)
    follow(argosy, root, refused.err)
    assert 'targetRevision: "prod"' in (root / "argocd/prod/web.yaml").read_text()


class TestValidate:
    def test_what_a_branch_lacks(self, argosy: Argosy, root: Path, tmp_path: Path) -> None:
        bare = with_remote(root)
        git(root, "switch", "--quiet", "prod")
        git(root, "rm", "--quiet", "-r", "applications/web/charts", "environments/prod/web")
        commit(root)
        git(root, "push", "--quiet", "origin", "prod")
        git(root, "switch", "--quiet", "main")
        expected = [
            "The branch “prod” does not have applications/web/charts/web/Chart.yaml.",
            "The branch “prod” does not have environments/prod/web/values.yaml.",
        ]
        assert lost(argosy, root) == expected
        assert lost(argosy, clone(bare, tmp_path / "clone")) == expected
        git(tmp_path, "clone", "--quiet", "--single-branch", str(bare), "single")
        assert lost(argosy, tmp_path / "single") == []
        # What is written of Applications on an environment's own branch, nobody reads.
        git(root, "switch", "--quiet", "dev")
        assert lost(argosy, root) == []

    def test_what_is_rendered_in_another_way(self, argosy: Argosy, root: Path) -> None:
        commit(root, {"environments/prod/web/service.yaml": "kind: List\napiVersion: v1\nitems: []\n"})
        git(root, "branch", "--force", "prod")
        git(root, "switch", "--quiet", "prod")
        commit(root, {"environments/prod/web/kustomization.yaml": "resources: [service.yaml]\n"})
        git(root, "switch", "--quiet", "main")
        edit(root, "argocd/prod/web.yaml", "path: applications/web/charts/web", "path: environments/prod/web")
        written = (root / "argocd/prod/web.yaml").read_text()
        head, _, tail = written.partition("    helm:\n")
        (root / "argocd/prod/web.yaml").write_text(head + tail[tail.index("  destination:") :])
        (found,) = lost(argosy, root)
        assert found.startswith("The branch “prod” has environments/prod/web/kustomization.yaml, so it is rendered")
