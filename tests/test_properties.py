"""What holds for every sequence of commands: the tree is the model's, edits survive, what is shown is what happens."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argosy.change import edits, merge, operations, planning, privileges
from argosy.change.planning import Change
from argosy.findings import Severity
from argosy.git import asked_once, objects
from argosy.repository import store
from argosy.repository.model import WRITTEN_HERE, Application, ArgocdStyle, Format, Repository
from argosy.template import rendering
from argosy.template import versions as template
from argosy.validation import pipeline
from tests.changing import create, files, git, model, rendered, state

APPLICATIONS = ("api", "jobs", "shop")
ENVIRONMENTS = ("dev", "prod", "qa")

Step = tuple[str, int, int]
steps = st.lists(
    st.tuples(
        st.sampled_from(["add app", "add env", "remove app", "remove env", "rename app", "rename env", "set", "edit"]),
        st.integers(0, 11),
        st.integers(0, 11),
    ),
    min_size=1,
    max_size=6,
)
few = settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
folders = itertools.count()


def empty(form: Format = Format.MANIFESTS, style: ArgocdStyle = ArgocdStyle.APPLICATIONS) -> Repository:
    return model(("web",), ("dev",), form=form, argocd=style)


@dataclass
class Session:
    """A repository that is changed command by command."""

    root: Path
    marks: dict[str, set[str]] = field(default_factory=dict)
    """What was written by hand: mark -> files that hold it."""

    @property
    def model(self) -> Repository:
        return store.load(self.root).repository

    def carry_out(self, change: Change) -> bool:
        """Plan twice, write, compare with what was planned, and commit; go back where there are conflicts."""
        before = state(self.root)
        version = template.current().version
        with asked_once():
            dry = planning.plan(self.root, change, privileges.kept)
            shown, kinds = dry.diff(), [(each.path, each.kind) for each in dry.changes]
        assert state(self.root) == before
        with asked_once():
            plan = planning.plan(self.root, change, privileges.kept)
            assert [(each.path, each.kind) for each in plan.changes] == kinds
            merge.write(plan)
        if plan.conflicts:
            self.check_marks()
            assert merge.Journal(self.root).abort()
            assert state(self.root) == before
            return False
        assert git(self.root, "diff", "--cached", "--no-renames") == shown
        assert git(self.root, "diff", "--name-only") == ""
        git(self.root, "commit", "--quiet", "--allow-empty", "--message", "Step")
        assert git(self.root, "status", "--porcelain") == ""
        assert version == template.current().version
        return True

    def is_up_to_date(self) -> bool:
        """Return whether the same model and version change nothing."""
        current, version = self.model, template.current().version
        same = Change(current, current, from_version=version, to_version=version)
        return not planning.plan(self.root, same).changes

    def check_marks(self) -> None:
        """Find each mark somewhere in the tree."""
        text = b"\n".join(content for _, content in files(self.root).values()).decode(errors="replace")
        assert not [mark for mark in self.marks if mark not in text]

    def forget(self, *removed: str) -> None:
        """Forget the marks of files that are about to be removed on purpose."""
        for mark in list(self.marks):
            held = [path for path, (_, content) in files(self.root).items() if mark.encode() in content]
            if all(objects.is_within(path, removed) for path in held):
                del self.marks[mark]


def perform(session: Session, step: Step) -> None:
    """Do what a step stands for in the repository as it is; nothing where it cannot be meant."""
    kind, first, second = step
    current = session.model
    applications = [each.name for each in current.applications]
    environments = [each.name for each in current.environments]
    if kind == "edit":
        _edit(session, first, second)
        return
    if kind == "set":
        values = [{"autoSync": "false"}, {"autoSync": "true"}, {"namespace": "shared"}, {"namespace": ""}][second % 4]
        after = edits.set_environment(current, environments[first % len(environments)], values)
        session.carry_out(Change(current, after))
        return
    what = kind.split()[1]
    present, possible = (applications, APPLICATIONS) if what == "app" else (environments, ENVIRONMENTS)
    fresh = [name for name in possible if name not in present]
    if (kind.startswith(("add", "rename")) and not fresh) or (kind.startswith("remove") and len(present) == 1):
        return
    change = _change(current, kind, present[first % len(present)], fresh[second % len(fresh)] if fresh else "", second)
    if kind.startswith("remove"):
        session.forget(*change.removed)
    session.carry_out(change)


def _change(current: Repository, kind: str, name: str, fresh: str, number: int) -> Change:
    environments = [each.name for each in current.environments]
    if kind == "add app":
        form = WRITTEN_HERE[number % 3]
        places = environments[: number % len(environments) + 1]
        return operations.add_applications(current, [Application(fresh, form)], places)
    if kind == "add env":
        return operations.add_environment(current, fresh, source=name, after=name if number % 2 else "")
    if kind == "remove app":
        return operations.remove_applications(current, [name])
    if kind == "remove env":
        return operations.remove_environment(current, name)
    if kind == "rename app":
        return operations.rename_application(current, name, fresh)
    return operations.rename_environment(current, name, fresh)


def _edit(session: Session, first: int, second: int) -> None:
    """Write a comment into a file."""
    paths = sorted(path for path in files(session.root) if path.endswith(".yaml") and not path.startswith("."))
    path = paths[(first * 12 + second) % len(paths)]
    mark = f"# by hand {len(session.marks)}-{first}-{second}"
    lines = (session.root / path).read_text().splitlines(keepends=True)
    place = next((at for at in range(second % len(lines), len(lines)) if lines[at][:1].isalpha()), len(lines))
    lines.insert(place, f"{mark}\n")
    (session.root / path).write_text("".join(lines))
    session.marks[mark] = {path}
    git(session.root, "commit", "--quiet", "--all", "--message", "By hand")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for repositories, one an example."""
    return tmp_path_factory.mktemp("repositories")


def session(place: Path, form: Format, style: ArgocdStyle) -> Session:
    return Session(create(place / f"gitops-{next(folders)}", model(("web",), ("dev",), form=form, argocd=style)))


def contents(tree: rendering.Tree) -> dict[str, bytes]:
    # CODEOWNERS is the user's from the first day.
    return {path: file.content for path, file in tree.items() if path != "CODEOWNERS"}


forms, styles = st.sampled_from(WRITTEN_HERE), st.sampled_from(list(ArgocdStyle))


@few
@given(steps, forms, styles)
def test_without_edits_the_tree_is_the_models(
    place: Path, listed: list[Step], form: Format, style: ArgocdStyle
) -> None:
    made = session(place, form, style)
    for step in listed:
        if step[0] != "edit":
            perform(made, step)
            assert {
                path: content for path, (_, content) in files(made.root).items() if path != "CODEOWNERS"
            } == contents(rendered(made.model))
    assert made.is_up_to_date()
    report = pipeline.validate(made.root)
    assert report.outcomes
    assert not [each for each in report.findings if each.severity is Severity.ERROR]


@few
@given(steps, forms, styles, st.sampled_from(["app", "env"]))
def test_edits_survive_and_remove_undoes_add(
    place: Path, listed: list[Step], form: Format, style: ArgocdStyle, what: str
) -> None:
    made = session(place, form, style)
    for number, step in enumerate(listed):
        perform(made, ("edit", step[1] + number, step[2]))
        perform(made, step)
        made.check_marks()
    assert made.is_up_to_date()
    before, current = files(made.root), made.model
    if what == "app":
        added = operations.add_applications(current, [Application("fresh", other) for other in WRITTEN_HERE[:1]])
    else:
        added = operations.add_environment(current, "fresh", after=current.environments[0].name)
    if made.carry_out(added):
        removed = (
            operations.remove_applications(made.model, ["fresh"])
            if what == "app"
            else operations.remove_environment(made.model, "fresh")
        )
        assert made.carry_out(removed)
        assert files(made.root) == before


@few
@given(st.permutations(["api", "jobs", "dev", "prod", "qa"]), styles)
def test_any_order_of_adding_gives_what_init_gives(place: Path, order: list[str], style: ArgocdStyle) -> None:
    made = Session(create(place / f"gitops-{next(folders)}", model((), ("first",), argocd=style)))
    for name in order:
        current = made.model
        if name in APPLICATIONS:
            assert made.carry_out(operations.add_applications(current, [Application(name, Format.MANIFESTS)]))
            continue
        # The chain is first, dev, prod, qa, whichever comes when.
        there = [each.name for each in current.environments]
        after = [each for each in ("first", "dev", "prod", "qa") if each in there and (each < name or each == "first")][
            -1
        ]
        assert made.carry_out(operations.add_environment(current, name, after=after, source="first"))
    wanted = made.model
    assert [each.name for each in wanted.environments] == ["first", "dev", "prod", "qa"]
    assert {path: content for path, (_, content) in files(made.root).items() if path != "CODEOWNERS"} == contents(
        rendered(wanted)
    )
