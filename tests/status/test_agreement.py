"""`argosy status` says what `argosy promote` would do: for every history, application and environment."""

from __future__ import annotations

import itertools
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argosy.errors import ArgosyError
from argosy.git import asked_once
from argosy.git.snapshot import Snapshot
from argosy.promotion import ends, promoting, report
from argosy.promotion.decision import Choices, Verdict
from argosy.promotion.ends import Places
from argosy.promotion.history import History, Place
from argosy.promotion.promoting import Answers, Promotion
from argosy.repository.model import Repository, RevisionStyle
from argosy.status import survey
from tests.changing import git, model

APPLICATIONS = ("api", "web")
CHAIN = ("dev", "staging", "prod")
LEGS = tuple(itertools.pairwise(CHAIN))
VALUES = "replicaCount: 1\nimage:\n  tag: 'one'\nconfig:\n  A: one\n  B: one\n"
CHART = "applications/{}/charts/{}/Chart.yaml"
TAKE, LEAVE = Choices(take=("**",)), Choices(leave=("**",))
REMOTE = "kind: Application\nspec: {{source: {{chart: web, repoURL: https://example.com, targetRevision: {}}}}}\n"


@dataclass
class Story:
    """A repository without a work tree, in which people promote, edit, revert and merge."""

    root: Path
    style: RevisionStyle
    files: dict[str, dict[str, str]] = field(default_factory=dict)
    """What each branch holds, by path."""
    tips: dict[str, str] = field(default_factory=dict)
    """The commit that each branch is at."""
    number: int = 0
    """How many commits there are."""
    checked: int = 0
    """How many there were at the last check."""

    def __post_init__(self) -> None:
        git(self.root, "init", "--quiet", "--initial-branch=main")
        first = {f"applications/{name}/application.yaml": "format: helm\n" for name in APPLICATIONS}
        first |= {CHART.format(name, name): "name: x\nversion: 1.0.0\n" for name in APPLICATIONS}
        for name, environment in itertools.product(APPLICATIONS, CHAIN):
            first[f"environments/{environment}/{name}/values.yaml"] = VALUES
        first |= {f"argocd/{name}/web.yaml": REMOTE.format(1) for name in CHAIN}
        self.commit(("main", *(CHAIN if self.style is RevisionStyle.BRANCH else ())), first, "First")

    @property
    def repository(self) -> Repository:
        return model(APPLICATIONS, CHAIN, revision=self.style)

    def branch(self, environment: str) -> str:
        return environment if self.style is RevisionStyle.BRANCH else "main"

    def commit(self, branches: str | Sequence[str], files: Mapping[str, str], message: str, *parents: str) -> str:
        """Commit all the files of a branch, or of several that are at one commit, and return the commit."""
        branch, *others = [branches] if isinstance(branches, str) else branches
        above = parents or ((self.tips[branch],) if self.tips else ())
        self.number += 1
        when = f"{1_700_000_000 + self.number} +0000"
        stream = [f"commit refs/heads/{branch}\nmark :1\ncommitter Ada <ada@example.com> {when}\n"]
        stream.append(f"data {len(message.encode())}\n{message}\n")
        stream += [f"{'merge' if place else 'from'} {each}\n" for place, each in enumerate(above)]
        stream.append("deleteall\n")
        stream += [f"M 100644 inline {path}\ndata {len(text.encode())}\n{text}\n" for path, text in files.items()]
        stream += [f"\nreset refs/heads/{each}\nfrom :1\n" for each in others]
        command, given = ["git", "fast-import", "--quiet", "--force"], "".join([*stream, "\nget-mark :1\n"])
        told = subprocess.run(command, cwd=self.root, input=given.encode(), stdout=subprocess.PIPE, check=True).stdout
        made = told.decode().strip()
        for each in (branch, *others):
            self.files[each], self.tips[each] = dict(files), made
        return made

    # What people do

    def edit(self, application: str, environment: str, key: str, value: str) -> None:
        branch = self.branch(environment)
        path = f"environments/{environment}/{application}/values.yaml"
        files = dict(self.files[branch])
        if key == "chart":
            files[CHART.format(application, application)] = f"name: x\nversion: {value}\n"
        elif key == "application":
            files[f"argocd/{environment}/web.yaml"] = REMOTE.format(value)
        elif key == "more":
            files[path.replace("values", "more")] = f"a: {value}\n"
        elif key == "gone":
            for each in [each for each in files if each.startswith(path.rpartition("/")[0])]:
                del files[each]
        else:
            text = files.get(path, VALUES)
            files[path] = re.sub(rf"^( *{key}:) .*$", rf"\1 {value}", text, flags=re.MULTILINE)
        self.commit(branch, files, f"Edit {application} in {environment}")

    def promote(self, application: str, leg: tuple[str, str], choices: Choices, beside: bool) -> None:
        """Promote as argosy does; `beside`: on a branch that is merged after another commit."""
        with asked_once():
            made = self.promotion(self.places, application, leg, choices)
        if not isinstance(made, Promotion) or made.is_open or not made.steps:
            return
        branch = self.branch(leg[1])
        self.bring(branch, made, report.message(made), beside=beside)

    def bring(self, branch: str, made: Promotion, message: str, *, beside: bool = False) -> None:
        fork, files = self.tips[branch], dict(self.files[branch])
        written = {path: blob.content.decode() for path, blob in made.written.items() if blob is not None}
        gone = {path for path, blob in made.written.items() if blob is None}
        after = {path: text for path, text in (files | written).items() if path not in gone}
        if not beside:
            self.commit(branch, after, message)
            return
        topic = self.commit("topic", after, message, fork)
        there = self.commit(branch, files | {"README.md": str(len(files))}, "Meanwhile")
        self.commit(branch, after | {"README.md": str(len(files))}, "Merge topic", there, topic)

    def roll_back(self, application: str, environment: str, choices: Choices) -> None:
        history, place = History(self.root), Place(self.tips[self.branch(environment)], application, environment)
        own = self.style is RevisionStyle.BRANCH
        with asked_once():
            try:
                goal = promoting.goal(history, place)
            except ArgosyError:
                return
            target = Snapshot(self.root, place.tip)
            made = promoting.roll_back(place, target, goal, Answers(choices), history, own_branch=own)
        if not made.is_open and made.steps:
            self.bring(self.branch(environment), made, report.message(made))

    def revert(self, environment: str, back: int, says: bool) -> None:
        """Revert one of the last commits of a branch, by a commit that says which one, or does not."""
        branch = self.branch(environment)
        line = git(self.root, "rev-list", "--first-parent", branch).split()
        if len(line) < back + 2:
            return
        commit = line[back]
        changed = git(self.root, "diff-tree", "-r", "--name-only", "--no-renames", f"{commit}^1", commit).split()
        files = dict(self.files[branch])
        old = Snapshot(self.root, line[back + 1]).files()
        for path in changed:
            files.pop(path, None)
            if path in old:
                files[path] = old[path].content.decode()
        self.commit(branch, files, f'Revert "x"\n\nThis reverts commit {commit}.' if says else "As it was before")

    def merge(self, leg: tuple[str, str]) -> None:
        """Merge the source's branch into the target's, as if it were one."""
        if self.style is RevisionStyle.BRANCH:
            source, target = leg
            theirs = {each: text for each, text in self.files[source].items() if f"/{target}/" not in each}
            ours = {each: text for each, text in self.files[target].items() if f"/{target}/" in each}
            self.commit(target, theirs | ours, "Merge", self.tips[target], self.tips[source])

    # What is said of it

    @property
    def places(self) -> Places:
        return Places(self.root, self.repository, History(self.root))

    def promotion(
        self, places: Places, application: str, leg: tuple[str, str], choices: Choices
    ) -> Promotion | ArgosyError | None:
        """Return what a promotion would do, None where one of the environments does not deploy the application."""
        found = places.ends(*leg)
        if application not in ends.applications(places, found, *leg, [])[0]:
            return None
        now = (found.source, found.target)
        try:
            return promoting.promote([application], leg, now, Answers(choices), places.history)
        except ArgosyError as error:
            return error

    def check(self) -> None:
        if self.checked == self.number:  # Of the same commits, both say the same again.
            return
        self.checked = self.number
        matrix = survey.of(self.root, self.repository)
        places = self.places
        for application, leg in itertools.product(APPLICATIONS, LEGS):
            made = self.promotion(places, application, leg, Choices())
            deployment = matrix.deployments.get((application, leg[1]))
            lag = deployment.lag if deployment else None
            assert (lag is None) is (made is None)
            if lag is None or made is None:
                continue
            if isinstance(made, ArgosyError):
                assert lag.unknown.startswith(made.message)
                continue
            promoted = {path for path in made.moves[0].written if path.startswith("applications/")}
            assert {*lag.files} == promoted
            files = {Path(each).relative_to(f"applications/{application}").as_posix() for each in promoted}
            decided = [
                (each.key, each.verdict, each.why, each.source, each.target)
                for each in made.moves[0].decisions
                if not (each.key.file in files and not each.key.path)
            ]
            assert [(each.key, each.verdict, each.why, each.source, each.target) for each in lag.decisions] == decided
            assert len(lag.moving) == sum(verdict is Verdict.PROMOTED for _, verdict, *_ in decided)


NAMES, PLACES, ENDS = st.sampled_from(["web", "web", "api"]), st.sampled_from(CHAIN), st.sampled_from(LEGS)
KEYS = st.sampled_from(["tag", "A", "B", "replicaCount", "chart", "application", "more", "gone"])
VERSIONS, CHOICES = st.sampled_from(["1", "2", "3"]), st.sampled_from([TAKE, TAKE, LEAVE])
STEPS = st.one_of(
    st.tuples(st.just("edit"), NAMES, PLACES, KEYS, VERSIONS),
    st.tuples(st.just("edit"), NAMES, st.just("dev"), st.just("tag"), VERSIONS),
    st.tuples(st.just("promote"), NAMES, ENDS, CHOICES, st.booleans()),
    st.tuples(st.just("promote"), NAMES, ENDS, CHOICES, st.booleans()),
    st.tuples(st.just("roll_back"), NAMES, st.sampled_from(CHAIN[1:]), CHOICES),
    st.tuples(st.just("revert"), PLACES, st.integers(0, 3), st.booleans()),
    st.tuples(st.just("merge"), ENDS),
)


@pytest.mark.parametrize("style", RevisionStyle)
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEPS, min_size=6, max_size=10))
def test_status_and_promote_agree(style: RevisionStyle, steps: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        story = Story(Path(folder), style)
        for what, *arguments in steps:
            getattr(story, what)(*arguments)
            with asked_once():
                story.check()
