"""Who promoted what, and when."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.promotion import trailers
from argosy.promotion.history import History, Place
from argosy.promotion.trailers import Kind, Step
from tests.changing import git
from tests.promoting import message

ID = "1a2b3c4d5e6f7a8b9c0d1a2b3c4d5e6f7a8b9c0d"
UP = Step(Kind.PROMOTION, "web", "dev", "prod", ID)
BACK = Step(Kind.ROLLBACK, "web", "", "prod", ID)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with one commit."""
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    say(tmp_path, "First")
    return tmp_path


def say(root: Path, text: str) -> str:
    git(root, "commit", "--quiet", "--allow-empty", "--message", text)
    return git(root, "rev-parse", "HEAD").strip()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Nothing of the kind", []),
        (f"Promote\n\n{UP.trailer}\n", [UP]),
        (f"Promote\r\n\r\n{UP.trailer}\r\n{BACK.trailer}\r\n", [UP, BACK]),
        (f"Release (#7)\n\n* Promote\n\n  {UP.trailer}\n\n* {BACK.trailer}\n", [UP, BACK]),
        (f"> {UP.trailer}\n> {UP.trailer}\n", [UP]),
        (f"It said\n\n> {UP.trailer}\n\nand broke the shop.\n", []),
        (f"It said\n\n    {UP.trailer}\n\nand broke the shop.\n", []),
        (f"It said\n\n> {UP.trailer}\n\nso it goes.\n\n{BACK.trailer}\n", [BACK]),
        (f"This reverts commit {ID}.\n\n> {UP.trailer}\n", []),
        (f"* * Promote\n\n    {UP.trailer}\n", [UP]),
        ("Argosy-Promotion: web dev -> prod\n", [Step(Kind.PROMOTION, "web", "dev", "prod")]),
        ("Argosy-Rollback: web prod\n", [Step(Kind.ROLLBACK, "web", "", "prod")]),
        ("The line Argosy-Promotion: web dev -> prod is left in\n", []),
        ("  config.X: a -> Argosy-Promotion: web dev -> prod\n", []),
        ("Argosy-Promotion: web dev prod\nArgosy-Promotion:\nArgosy-Rollback: web\n", []),
        ("Argosy-Promotion: web dev -> prod and more\n", []),
    ],
)
def test_what_a_message_tells(text: str, found: list[Step]) -> None:
    assert trailers.steps(text) == found


@pytest.mark.parametrize("step", [UP, BACK, Step(Kind.PROMOTION, "web", "dev", "prod")])
def test_a_trailer_is_read_again(step: Step) -> None:
    assert trailers.steps(f"Subject\n\n{step.trailer}\n") == [step]


def test_records(repository: Path) -> None:
    commits = [say(repository, f"Über web\n\n{each.trailer}") for each in (UP, BACK)]
    git(repository, "config", "log.showSignature", "true")
    git(repository, "config", "log.follow", "true")
    git(repository, "config", "i18n.logOutputEncoding", "ISO-8859-1")
    newest, oldest = trailers.records(repository)
    assert ([newest.step, oldest.step], [oldest.commit, newest.commit]) == ([BACK, UP], commits)
    assert (newest.parent, newest.who, newest.subject) == (oldest.commit, "Ada <ada@example.com>", "Über web")
    assert newest.when >= oldest.when
    assert newest.when.tzinfo
    assert trailers.records(repository, f"{oldest.commit}..HEAD") == [newest]
    assert not History(repository).records(Place("HEAD", "web", "dev"))


def test_a_chain_in_one_commit(repository: Path) -> None:
    further = Step(Kind.PROMOTION, "web", "prod", "east")
    say(repository, f"Promote\n\n{UP.trailer}\n{further.trailer}")
    assert [each.step for each in trailers.records(repository)] == [further, UP]


def test_a_merge_that_says_it_again(repository: Path) -> None:
    git(repository, "switch", "--quiet", "--create", "branch")
    made = say(repository, f"Promote\n\n{UP.trailer}")
    git(repository, "switch", "--quiet", "main")
    git(repository, "merge", "--quiet", "--no-ff", "--message", f"Merge\n\n{UP.trailer}", "branch")
    assert [each.commit for each in trailers.records(repository)] == [made]
    again = say(repository, f"Promote\n\n{UP.trailer}")
    assert [each.commit for each in trailers.records(repository)] == [again, made]
    assert message(repository).endswith(UP.trailer)


def test_a_merge_that_alone_says_it(repository: Path) -> None:
    git(repository, "switch", "--quiet", "--create", "branch")
    say(repository, "Without a word")
    git(repository, "switch", "--quiet", "main")
    git(repository, "merge", "--quiet", "--no-ff", "--message", f"Merge\n\n{UP.trailer}", "branch")
    (record,) = trailers.records(repository)
    assert record.parent == git(repository, "rev-parse", "HEAD^1").strip()


class TestReverted:
    """What was reverted is in force no more, whether git made the commit or a host did, until that is reverted."""

    def standing(self, root: Path) -> list[str]:
        tip = git(root, "rev-parse", "HEAD").strip()
        return [each.subject for each in History(root).in_force(Place(tip, "web", "prod"))]

    def change(self, root: Path, number: int) -> str:
        """Promote, with a file, without which git finds nothing to revert."""
        (root / f"{number}").write_text("")
        git(root, "add", ".")
        return say(root, f"{number}\n\n{UP.trailer}")

    def test_by_git(self, repository: Path) -> None:
        commits = [self.change(repository, number) for number in (1, 2)]
        git(repository, "revert", "--no-edit", commits[0])
        assert self.standing(repository) == ["2"]
        told = {each.commit: each.reverted for each in trailers.records(repository)}
        assert told == {commits[0]: git(repository, "rev-parse", "HEAD").strip(), commits[1]: ""}
        git(repository, "revert", "--no-edit", "HEAD")
        assert self.standing(repository) == ["2", "1"]

    @pytest.mark.parametrize(
        "by", ["git", "a host that tells the merge alone", "a host that tells what it leads back to"]
    )
    def test_a_merge_with_all_that_came_with_it(self, repository: Path, by: str) -> None:
        self.change(repository, 1)
        git(repository, "switch", "--quiet", "--create", "branch")
        self.change(repository, 2)
        self.change(repository, 3)
        git(repository, "switch", "--quiet", "main")
        said = f"Merge\n\n{UP.trailer}" if by == "a host that tells the merge alone" else "Merge"
        git(repository, "merge", "--quiet", "--no-ff", "--message", said, "branch")
        merge = git(repository, "rev-parse", "HEAD").strip()
        assert self.standing(repository) == ["3", "2", "1"]
        if by == "git":
            git(repository, "revert", "--no-edit", "--mainline", "1", "HEAD")
        elif by == "a host that tells the merge alone":
            say(repository, f'Revert "Merge"\n\nThis reverts commit {merge}.')
        else:
            onto = git(repository, "rev-parse", "HEAD^1").strip()
            say(repository, f"Revert\n\nThis reverts commit {merge}, reversing\nchanges made to {onto}.")
        assert self.standing(repository) == ["1"]
