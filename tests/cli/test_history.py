"""`argosy history`, as people meet it."""

from __future__ import annotations

import json
from pathlib import Path

import pexpect
import pytest

from argosy.repository.model import Format, RevisionStyle
from argosy.template import creation
from tests.changing import create, edit, git, model, rendered
from tests.conftest import Argosy
from tests.forked import Terminal
from tests.status.stories import NEW, OLD, bump, head, path, promoted, rolled_back


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return a small repository, which is where one is."""
    root = create(tmp_path / "gitops", model(form=Format.HELM))
    monkeypatch.chdir(root)
    return root


def listed(argosy: Argosy, *arguments: str) -> list[dict[str, object]]:
    found = json.loads(argosy("history", "web", "--output", "json", *arguments).out)
    assert found["application"] == "web"
    history: list[dict[str, object]] = found["history"]
    return history


def test_nothing_was_promoted_yet(argosy: Argosy, repository: Path) -> None:
    result = argosy("history", "web", "prod")
    assert (result.code, result.out) == (0, "")
    assert "web was not promoted to prod yet" in result.err
    assert listed(argosy) == []


def test_a_promotion_and_its_rollback(argosy: Argosy, repository: Path) -> None:
    before = head(repository)
    origin = bump(repository, path("dev", Format.HELM))
    there = promoted(repository, path("prod", Format.HELM), ("dev", "prod"))
    back = rolled_back(repository, path("prod", Format.HELM), "prod", before)
    newest, oldest = listed(argosy)
    assert (newest["kind"], newest["from"], newest["to"], newest["version"]) == ("rollback", None, "prod", OLD)
    assert (newest["commit"], newest["origin"], newest["rolledBack"]) == (back, before, False)
    assert (oldest["kind"], oldest["from"], oldest["to"], oldest["version"]) == ("promotion", "dev", "prod", NEW)
    assert (oldest["commit"], oldest["origin"], oldest["rolledBack"]) == (there, origin, True)
    assert oldest["who"] == "Ada <ada@example.com>"
    assert [each["commit"] for each in listed(argosy, "--limit", "1")] == [back]
    text = argosy("history", "web").out.splitlines()
    assert "Ada <ada@example.com>" in text[1]
    assert text[2].endswith(f"{there[:7]}  rolled back since")
    assert (
        f"| dev | prod | {NEW} | Ada &lt;ada@&ZeroWidthSpace;example.com&gt; | {there[:7]} |"
        in argosy("history", "web", "--output", "markdown").out
    )


def test_a_clone_that_ends_too_early(
    argosy: Argosy, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for old, new in ((OLD, NEW), (NEW, "1.31.0")):
        bump(repository, path("dev", Format.HELM), old, new)
        newest = promoted(repository, path("prod", Format.HELM), ("dev", "prod"), old=old, new=new)
    git(tmp_path, "clone", "--quiet", "--depth=2", f"file://{repository}", "shallow")
    monkeypatch.chdir(tmp_path / "shallow")
    cut = argosy("history", "web", "prod")
    assert (cut.code, newest[:7] in cut.out) == (1, True)
    assert "does not reach back to when environments/prod/web came" in cut.err
    assert "git fetch --unshallow" in cut.err
    # What was asked for is there.
    assert argosy("history", "web", "prod", "--limit", "1").code == 0
    assert "does not reach back" in argosy("rollback", "web", "prod", "--steps", "2", "--dry-run").err
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repository}", "shallower")
    monkeypatch.chdir(tmp_path / "shallower")
    git(tmp_path / "shallower", "commit", "--quiet", "--allow-empty", "--message", "Only this")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{tmp_path / 'shallower'}", "shallowest")
    monkeypatch.chdir(tmp_path / "shallowest")
    assert argosy("history", "web").code == argosy("rollback", "web", "prod", "--dry-run").code == 1
    status = argosy("status")
    assert (status.code, "git fetch --unshallow" in status.out) == (0, True)
    assert argosy("status", "--exit-code").code == 2


def test_on_a_terminal_the_rest_of_a_history_is_fetched(repository: Path, tmp_path: Path) -> None:
    bump(repository, path("dev", Format.HELM))
    newest = promoted(repository, path("prod", Format.HELM), ("dev", "prod"))
    git(tmp_path, "clone", "--quiet", "--depth=2", f"file://{repository}", "shallow")
    for answer, codes in (("n", 1), ("y", 0)):
        terminal = Terminal(["history", "web", "prod"], tmp_path / "shallow")
        terminal.expect("Fetch the whole history now.*: ")
        terminal.sendline(answer)
        terminal.expect(pexpect.EOF)
        terminal.close()
        assert (terminal.exitstatus, newest[:7] in str(terminal.before)) == (codes, answer == "y")
    assert git(tmp_path / "shallow", "rev-parse", "--is-shallow-repository") == "false\n"


def test_one_environment_alone(argosy: Argosy, repository: Path) -> None:
    bump(repository, path("dev", Format.HELM))
    promoted(repository, path("prod", Format.HELM), ("dev", "prod"))
    assert len(listed(argosy, "prod")) == 1
    assert listed(argosy, "dev") == []


def test_the_branches_are_told_together(argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "gitops"
    chain = ("dev", "staging", "prod")
    repository = model(environments=chain, revision=RevisionStyle.BRANCH)
    creation.create(root, rendered(repository), branch="main", branches=chain)
    monkeypatch.chdir(root)
    git(root, "switch", "--quiet", "dev")
    origin = bump(root, path("dev"))
    expected: list[str] = []
    for minute, (source, target) in enumerate((("dev", "staging"), ("staging", "prod"))):
        git(root, "switch", "--quiet", target)
        monkeypatch.setenv("GIT_AUTHOR_DATE", f"2030-01-01T00:0{minute}:00Z")
        origin = promoted(root, path(target), (source, target), origin=origin)
        expected.insert(0, origin)
    edit(root, "README.md", "# gitops", "# Ours")
    git(root, "switch", "--quiet", "--force", "dev")
    git(root, "merge", "--quiet", "--no-edit", "--strategy=ours", "prod")
    assert [each["commit"] for each in listed(argosy)] == expected
    assert [each["version"] for each in listed(argosy)] == [NEW, NEW]
    assert [each["commit"] for each in listed(argosy, "prod")] == expected[:1]


@pytest.mark.parametrize(("names", "nearest"), [(("wep",), "web"), (("web", "prd"), "prod")])
def test_unknown_names(argosy: Argosy, repository: Path, names: tuple[str, ...], nearest: str) -> None:
    result = argosy("history", *names)
    assert result.code == 2
    assert f"“{nearest}”" in result.err
