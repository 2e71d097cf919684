"""Promotions and rollbacks: what holds for all of them, and cases at the edges."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argosy.errors import ArgosyError, UsageError
from argosy.git import asked_once, branches
from argosy.git.objects import SYMLINK, Blob
from argosy.git.snapshot import Snapshot, Written
from argosy.promotion import promoting, report
from argosy.promotion.decision import Choices, Verdict
from argosy.promotion.history import History, Place
from argosy.promotion.promoting import Answers, Promotion
from argosy.repository.model import Repository
from tests.changing import git, model
from tests.promoting import encrypted

ENVIRONMENTS = ("dev", "staging", "prod")
LINES = {
    "replicaCount": r"^(replicaCount:) (\S+)",
    "image.tag": r"^(  tag:) (\S+)",
    "config.A": r"^(  A:) (\S+)",
    "config.B": r"^(  B:) (\S+)",
}
TEXT = """\
# What web has of its own in {0}.
replicaCount: 1   # how many in {0}

image:
  tag: 'one'      # tested in {0}
config:
  A: one          # A of {0}
  B: "one"
# The end of {0}.
"""
TAKE, LEAVE, NOTHING = Choices(take=("**",)), Choices(leave=("**",)), Choices()


def values(environment: str) -> str:
    return f"environments/{environment}/web/values.yaml"


@dataclass
class Session:
    """A repository without a work tree, and what it was when something was promoted to or rolled back in a place."""

    root: Path
    known: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    files: dict[str, Blob | None] = field(default_factory=dict)
    """What was committed, by path."""
    tip: str = ""
    number: int = 0
    """How many commits there are."""

    def __post_init__(self) -> None:
        git(self.root, "init", "--quiet", "--initial-branch=main")
        self.commit({}, "First")
        self.commit(
            {values(name): Blob("100644", TEXT.format(name).encode()) for name in ENVIRONMENTS}
            | {"applications/web/application.yaml": Blob("100644", b"format: helm\n")}
        )
        self.known = {name: self.leaves(name) for name in ENVIRONMENTS}

    @property
    def head(self) -> Snapshot:
        return Snapshot(self.root, self.tip)

    def commit(self, written: Written, message: str = "Edit") -> None:
        self.number += 1
        who = f"Ada <ada@example.com> {1_700_000_000 + self.number} +0000"
        above = f"from {self.tip}\n" if self.tip else ""
        head = f"commit refs/heads/main\nmark :1\ncommitter {who}\ndata {len(message.encode())}\n{message}\n{above}"
        stream = [head.encode()]
        for path, blob in written.items():
            if blob is None:
                stream.append(f"D {path}\n".encode())
            else:
                head = f"M {blob.mode} inline {path}\ndata {len(blob.content)}\n"
                stream.append(head.encode() + blob.content + b"\n")
        stream.append(b"\nget-mark :1\n")
        command = ["git", "fast-import", "--quiet"]
        made = subprocess.run(command, cwd=self.root, input=b"".join(stream), stdout=subprocess.PIPE, check=True)
        self.tip = made.stdout.decode().strip()
        self.files |= written

    def text(self, environment: str) -> str:
        found = self.files[values(environment)]
        return found.content.decode() if found else ""

    def write(self, environment: str, text: str) -> None:
        self.commit({values(environment): Blob("100644", text.encode())})

    def leaves(self, environment: str) -> Mapping[str, Any]:
        data = yaml.safe_load(self.text(environment))
        config = {f"config.{name}": value for name, value in (data.get("config") or {}).items()}
        return {"replicaCount": data["replicaCount"], "image.tag": data["image"]["tag"], **config}

    def promotion(self, source: str, target: str, choices: Choices = NOTHING) -> Promotion:
        with asked_once():
            return promoting.promote(
                ["web"], (source, target), (self.head, self.head), Answers(choices), History(self.root)
            )

    def rollback(self, environment: str, choices: Choices = NOTHING) -> Promotion:
        with asked_once():
            history, place = History(self.root), Place(self.head.commit, "web", environment)
            goal = promoting.goal(history, place)
            return promoting.roll_back(place, self.head, goal, Answers(choices), history)

    def keep(self, made: Promotion) -> None:
        self.commit(made.written, report.message(made))
        for step in made.steps:
            self.known[step.target] = self.leaves(step.target)


@pytest.fixture
def history(tmp_path: Path) -> Session:
    """Return a repository in which nothing was promoted yet."""
    return Session(tmp_path)


LEGS = st.sampled_from([("dev", "staging"), ("staging", "prod")])
CHOICES = st.sampled_from([NOTHING, TAKE, LEAVE])
EDIT = st.tuples(
    st.just("edit"),
    st.sampled_from(ENVIRONMENTS),
    st.sampled_from([*LINES, "config.B"]),
    st.sampled_from(["two", "three", ""]),
)
STEPS = st.one_of(
    EDIT,
    EDIT,
    st.tuples(st.just("promote"), LEGS, CHOICES, st.booleans()),
    st.tuples(st.just("roll back"), st.sampled_from(["staging", "prod"]), CHOICES),
)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(STEPS, min_size=5, max_size=9))
def test_what_holds(steps: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        history = Session(Path(folder))
        for what, *arguments in steps:
            ACTIONS[what](history, *arguments)


def edit_by_hand(history: Session, environment: str, key: str, value: str) -> None:
    text = history.text(environment)
    if key == "replicaCount":
        value = str(len(value) + 1)
    if key == "config.B" and not re.search(LINES[key], text, re.MULTILINE):
        made = text.replace("# The end", f"  B: {value or 'one'}\n# The end")
    elif key == "config.B" and not value:
        made = re.sub(r"^  B:.*\n", "", text, flags=re.MULTILINE)
    else:
        made = re.sub(LINES[key], rf"\1 {value or 'one'}", text, flags=re.MULTILINE)
    if made != text:
        history.write(environment, made)


def promote(history: Session, leg: tuple[str, str], choices: Choices, and_back: bool) -> None:
    source, target = leg
    text, before = history.text(target), history.leaves(target)
    made = history.promotion(source, target, choices)
    assert made.is_open <= (choices is NOTHING)
    if made.is_open or not made.steps:
        return
    by_hand = {key for key in {*before, *history.known[target]} if before.get(key) != history.known[target].get(key)}
    history.keep(made)
    after, wanted = history.leaves(target), history.leaves(source)
    moved = {".".join(each.key.path) for each in made.moves[0].decisions if each.verdict is Verdict.PROMOTED}

    assert after["replicaCount"] == before["replicaCount"]
    for key in {*before, *after, *wanted}:
        is_moved = key in moved or key.partition(".")[0] in moved
        assert after.get(key) == (wanted if is_moved else before).get(key), key
        if choices is not TAKE and key in by_hand:
            assert after.get(key) == before.get(key), f"{key} was set by hand"
    if "image.tag" not in by_hand:
        assert after["image.tag"] == wanted["image.tag"]
    comments = re.findall(r"#.*", text)
    assert [each for each in comments if each not in history.text(target)] == []
    assert not history.promotion(source, target, choices).written
    if and_back:
        undone = history.rollback(target)
        assert not undone.is_open
        history.keep(undone)
        assert history.text(target) == text


def roll_back(history: Session, environment: str, choices: Choices) -> None:
    try:
        made = history.rollback(environment, choices)
    except UsageError:
        return  # There is nothing to roll back.
    before = history.leaves(environment)
    by_hand = {key for key in before if before.get(key) != history.known[environment].get(key)}
    if made.is_open or not made.steps:
        return
    history.keep(made)
    after = history.leaves(environment)
    assert after["replicaCount"] == before["replicaCount"]
    if choices is not TAKE:
        assert {key: after.get(key) for key in by_hand} == {key: before.get(key) for key in by_hand}


ACTIONS: Mapping[str, Callable[..., None]] = {"edit": edit_by_hand, "promote": promote, "roll back": roll_back}


def put(history: Session, environment: str, name: str, blob: Blob | None) -> None:
    history.commit({f"environments/{environment}/web/{name}": blob})


def test_what_both_were_given_by_hand_is_no_conflict(history: Session) -> None:
    for name in ("dev", "staging"):
        edit_by_hand(history, name, "config.A", "two")
    edit_by_hand(history, "dev", "config.A", "three")
    made = history.promotion("dev", "staging")
    assert not made.is_open
    history.keep(made)
    assert history.leaves("staging")["config.A"] == "three"


class TestFiles:
    def test_a_script_stays_one(self, history: Session) -> None:
        put(history, "dev", "scripts/run.sh", Blob("100755", b"#!/bin/sh\n"))
        made = history.promotion("dev", "staging", TAKE)
        assert made.written == {"environments/staging/web/scripts/run.sh": Blob("100755", b"#!/bin/sh\n")}
        history.keep(made)
        assert history.rollback("staging").written == {"environments/staging/web/scripts/run.sh": None}
        history.keep(history.rollback("staging"))
        put(history, "dev", "scripts/run.sh", None)
        assert not history.promotion("dev", "staging").moves[0].decisions

    def test_a_file_that_went_comes_back_as_it_was(self, history: Session) -> None:
        for name in ("dev", "staging"):
            put(history, name, "run.sh", Blob("100755", b"#!/bin/sh\n"))
        put(history, "dev", "run.sh", None)
        history.keep(history.promotion("dev", "staging", TAKE))
        assert "environments/staging/web/run.sh" not in history.head.paths()
        assert history.rollback("staging").written == {
            "environments/staging/web/run.sh": Blob("100755", b"#!/bin/sh\n")
        }

    def test_links_are_left_alone(self, history: Session) -> None:
        put(history, "dev", "link.yaml", Blob(SYMLINK, b"values.yaml"))
        assert not history.promotion("dev", "staging").moves[0].decisions
        put(history, "dev", "link.yaml", Blob("100644", b"a: 1\n"))
        put(history, "staging", "link.yaml", Blob(SYMLINK, b"values.yaml"))
        with pytest.raises(ArgosyError, match=r"environments/staging/web/link.yaml is a symbolic link"):
            history.promotion("dev", "staging", TAKE)

    def test_what_a_link_leads_to_is_promoted_and_rolled_back(self, history: Session) -> None:
        for name in ("dev", "staging"):
            shared = Blob("100644", history.text(name).encode())
            history.commit(
                {
                    f"environments/{name}/web/values.yaml": Blob(SYMLINK, f"../../../shared/{name}.yaml".encode()),
                    f"shared/{name}.yaml": shared,
                }
            )
        history.commit({"shared/dev.yaml": Blob("100644", shared.content.replace(b"one", b"two"))})
        made = history.promotion("dev", "staging")
        assert list(made.written) == ["shared/staging.yaml"]
        history.commit(made.written, report.message(made))
        assert history.head.read("shared/staging.yaml") == shared.content.replace(b"one", b"two")
        undone = history.rollback("staging")
        history.commit(undone.written, report.message(undone))
        assert history.head.read("shared/staging.yaml") == shared.content
        # What prod has as well would change there too.
        put(history, "prod", "values.yaml", Blob(SYMLINK, b"../../../shared/staging.yaml"))
        with pytest.raises(ArgosyError, match=r"which is also prod's \(environments/prod/web/values\.yaml\)"):
            history.promotion("dev", "staging")

    @pytest.mark.parametrize(
        ("place", "link", "reader"),
        [
            ("applications/web/charts/web/values.yaml", "", "that of all environments (applications/web/charts"),
            ("environments/staging/values.yaml", "", "that of all applications in staging (environments"),
            ("environments/staging/api/values.yaml", "", "api's (environments/staging/api/values.yaml)"),
            ("environments/staging/common.yaml", "environments/staging/api/values.yaml", "api's (environments/staging"),
            ("shared/staging.yaml", "applications/web/base/values.yaml", "that of all environments (applications/web"),
            ("environments/staging/common.yaml", "", ""),
            ("environments/staging/shared/common.yaml", "", ""),
        ],
    )
    def test_a_link_to_what_others_read_is_refused(self, history: Session, place: str, link: str, reader: str) -> None:
        leads = Blob(SYMLINK, f"../../../{place}".encode())
        put(history, "staging", "values.yaml", leads)
        history.commit(
            {
                place: Blob("100644", TEXT.encode()),
                "applications/api/application.yaml": Blob("100644", b"format: helm\n"),
                **({link: leads} if link else {}),
            }
        )
        edit_by_hand(history, "dev", "image.tag", "two")
        if not reader:
            assert list(history.promotion("dev", "staging", TAKE).written) == [place]
            return
        with pytest.raises(ArgosyError, match=re.escape(f"link to {place}, which is also {reader}")):
            history.promotion("dev", "staging", TAKE)

    def test_what_an_earlier_promotion_broke_is_restored_as_a_whole(self, history: Session) -> None:
        file, whole = "environments/staging/web/secret.yaml", Blob("100644", encrypted("staging").encode())
        broken = Blob("100644", whole.content.replace(b"2026-03-01", b"2026-03-02"))
        put(history, "staging", "secret.yaml", whole)
        edit_by_hand(history, "dev", "image.tag", "two")
        made = history.promotion("dev", "staging")
        history.commit({**made.written, file: broken}, report.message(made))
        assert history.rollback("staging").written[file] == whole
        assert file not in history.rollback("staging", Choices(leave=("secret.yaml",))).written

    def test_what_is_no_text(self, history: Session) -> None:
        for name in ("dev", "staging"):
            put(history, name, "logo.png", Blob("100644", b"\x89PNG\0"))
        put(history, "dev", "logo.png", Blob("100644", b"\x89PNG\0\xff"))
        made = history.promotion("dev", "staging", TAKE)
        assert made.written["environments/staging/web/logo.png"] == Blob("100644", b"\x89PNG\0\xff")

    def test_line_endings(self, history: Session) -> None:
        before = history.text("staging").replace("\n", "\r\n")
        history.write("staging", before)
        edit_by_hand(history, "dev", "image.tag", "two")
        history.keep(history.promotion("dev", "staging"))
        assert history.text("staging") == before.replace("tag: 'one'", "tag: 'two'")
        history.keep(history.rollback("staging"))
        assert history.text("staging") == before


def test_what_all_environments_share_is_not_merged_where_it_is_encrypted(history: Session) -> None:
    file = "applications/web/secret.yaml"
    history.commit({file: Blob("100644", encrypted("all").encode())})
    git(history.root, "branch", "dev")
    for branch, old, new in (("main", b"age1all", b"age1prod"), ("dev", b"3.9.1", b"3.9.2")):
        content = encrypted("all").encode().replace(old, new)
        made = branches.commit(Snapshot.of(history.root, branch), {file: Blob("100644", content)}, "Encrypt anew")
        git(history.root, "update-ref", f"refs/heads/{branch}", made)
    states = Snapshot.of(history.root, "dev"), Snapshot.of(history.root, "main")
    found = {
        taken: promoting.promote(["web"], ("dev", "prod"), states, Answers(choices), History(history.root))
        for taken, choices in ((False, NOTHING), (True, TAKE))
    }
    assert [each.verdict for each in found[False].moves[0].open] == [Verdict.CONFLICT]
    assert found[True].written[file] == Blob("100644", encrypted("all").replace("3.9.1", "3.9.2").encode())


class TestTheWay:
    @pytest.fixture
    def chain(self) -> Repository:
        """Return a repository of four environments."""
        return model(environments=("dev", "qa", "staging", "prod"))

    @pytest.mark.parametrize(
        ("target", "source", "chained", "way"),
        [
            ("qa", "", False, "dev-qa"),
            ("prod", "", False, "staging-prod"),
            ("prod", "dev", False, "dev-prod"),
            ("dev", "prod", False, "prod-dev"),
            ("prod", "", True, "dev-qa qa-staging staging-prod"),
            ("prod", "qa", True, "qa-staging staging-prod"),
            ("qa", "dev", True, "dev-qa"),
        ],
    )
    def test_route(self, chain: Repository, target: str, source: str, chained: bool, way: str) -> None:
        found = promoting.route(chain, target, source, chained=chained)
        assert " ".join("-".join(leg) for leg in found) == way

    @pytest.mark.parametrize(
        ("target", "source", "chained"),
        [
            ("dev", "", False),
            ("qa", "qa", False),
            ("qa", "prod", True),
            ("nowhere", "", False),
            ("qa", "nowhere", False),
        ],
    )
    def test_no_route(self, chain: Repository, target: str, source: str, chained: bool) -> None:
        with pytest.raises(UsageError):
            promoting.route(chain, target, source, chained=chained)

    def test_a_circle(self, chain: Repository) -> None:
        first, *others = chain.environments
        circle = replace(chain, environments=(replace(first, promotes_from="prod"), *others))
        assert len(promoting.route(circle, "prod", chained=True)) == 3


def test_answers() -> None:
    answers = Answers(Choices(("a",), ("b",)), {("web", "prod"): Choices(("c",), ())})
    assert answers.of("web", "prod") == Choices(("a", "c"), ("b",))
    assert answers.of("web", "dev") == Choices(("a",), ("b",))
