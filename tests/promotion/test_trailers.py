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
    newest, oldest = trailers.records(repository)
    assert ([newest.step, oldest.step], [oldest.commit, newest.commit]) == ([BACK, UP], commits)
    assert (newest.parent, newest.who, newest.subject) == (oldest.commit, "Ada <ada@example.com>", "Über web")
    assert newest.when >= oldest.when
    assert newest.when.tzinfo
    assert trailers.records(repository, f"{oldest.commit}..HEAD") == [newest]
    assert History(repository).records(Place("HEAD", "web", "dev")) == ()


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
