"""The API: what argosy's commands do, for programs in Python, with the same results and the same JSON.

It lies below the command line, which calls it. What is named in `__all__` is public: it keeps its meaning as
`schemaVersion` of `argosy.data` does.
"""

from __future__ import annotations

import importlib
import json
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeAlias

from argosy import data
from argosy.delivery.delivery import Delivery
from argosy.errors import ArgosyError, IncompleteError, UsageError

if TYPE_CHECKING:
    from argosy.change.requests import (
        AddApplications,
        AddChart,
        AddCluster,
        AddComponents,
        AddEnvironment,
        AddTeams,
        Remove,
        Rename,
        Request,
        Set,
    )
    from argosy.change.settings import Settings
    from argosy.delivery.changes import Changed
    from argosy.delivery.delivery import Result
    from argosy.delivery.jobs import FollowUp, Promote, Promotional, RollBack
    from argosy.delivery.promotions import Promoted
    from argosy.difference import Difference, Veil
    from argosy.findings import Finding
    from argosy.findings import Report as Validation
    from argosy.git.snapshot import Snapshot
    from argosy.repository.model import Repository as Model
    from argosy.rules.registry import Rule
    from argosy.status.report import Report as Status
    from argosy.tree import Tree
    from argosy.validation.pipeline import Options as ValidationOptions

    Written: TypeAlias = "Status | Tree | Difference | Validation | ChangeResult | Sequence[Rule] | Sequence[Settings]"

__all__ = [
    "AddApplications",
    "AddChart",
    "AddCluster",
    "AddComponents",
    "AddEnvironment",
    "AddTeams",
    "ArgosyError",
    "BranchChange",
    "ChangeResult",
    "Difference",
    "FileChange",
    "Finding",
    "FollowUp",
    "IncompleteError",
    "Model",
    "Promote",
    "Remove",
    "Rename",
    "Rendered",
    "Repository",
    "RollBack",
    "Rule",
    "Set",
    "Settings",
    "Status",
    "Tree",
    "UsageError",
    "Validation",
    "ValidationOptions",
    "open_repository",
    "rule",
    "rules",
    "schema",
    "to_data",
    "to_json",
]

_ELSEWHERE = {
    **dict.fromkeys(
        (
            *("AddApplications", "AddChart", "AddCluster", "AddComponents", "AddEnvironment", "AddTeams"),
            *("Remove", "Rename", "Set"),
        ),
        "argosy.change.requests",
    ),
    **dict.fromkeys(("FollowUp", "Promote", "RollBack"), "argosy.delivery.jobs"),
    "Difference": "argosy.difference",
    "Model": "argosy.repository.model:Repository",
    "Settings": "argosy.change.settings",
    "Finding": "argosy.findings",
    "Rule": "argosy.rules.registry",
    "Tree": "argosy.tree",
    "Status": "argosy.status.report:Report",
    "Validation": "argosy.findings:Report",
    "ValidationOptions": "argosy.validation.pipeline:Options",
}
"""Where the public names are that this module imports when they are asked for: so importing it costs nothing."""

Watch = Callable[[str, int], AbstractContextManager[Callable[[], None]]]
_ONE_AT_A_TIME = RLock()
"""What is asked of Git is remembered for the process: so calls from several threads wait for each other."""


def __getattr__(name: str) -> Any:
    """Import a public name that lies elsewhere."""
    if name not in _ELSEWHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, called = _ELSEWHERE[name].partition(":")
    return getattr(importlib.import_module(module), called or name)


def _unwatched(_: str, __: int) -> AbstractContextManager[Callable[[], None]]:
    return nullcontext(lambda: None)


@contextmanager
def _session(*roots: Path, writes: bool = False) -> Iterator[None]:
    """Ask Git each question once, and run nothing of a repository, as a command does."""
    from argosy import cache, git, programs  # noqa: PLC0415
    from argosy.cel import engine  # noqa: PLC0415

    reading = nullcontext() if writes else git.reading()
    with _ONE_AT_A_TIME, programs.distrusting(*roots), git.asked_once(), cache.one_command(), reading:
        engine.begin()
        yield


@dataclass(frozen=True, slots=True)
class Rendered:
    """What Argo CD would apply for an application in an environment."""

    manifests: Sequence[Mapping[str, Any]]
    """In that order; Secrets as they are, but of a repository that hides them."""
    notes: Sequence[str] = ()
    """What to know of the engines that rendered them."""

    def as_yaml(self) -> str:
        """Return the manifests as YAML, a document each."""
        from argosy.difference.manifest_text import as_yaml  # noqa: PLC0415

        return "".join(f"---\n{as_yaml(each)}" for each in self.manifests)


@dataclass(frozen=True, slots=True)
class FileChange:
    """What becomes of a file."""

    path: str
    before: bytes | None
    """What it holds now; None of a new one."""
    after: bytes | None
    """None of a deleted one; of one in conflict, what the template has."""


@dataclass(frozen=True, slots=True)
class BranchChange:
    """What a change does on one branch."""

    branch: str
    """The branch that it is for; empty where none is checked out."""
    message: str
    """The commit's."""
    files: tuple[FileChange, ...]
    diff: str
    """All of it as a unified diff."""
    states: tuple[Snapshot, Snapshot] = field(repr=False)
    """Before and after, for `Repository.effect`."""


@dataclass(frozen=True, slots=True)
class ChangeResult:
    """What came of a change or a promotion: planned, or delivered."""

    command: str
    """The command line that asks for the same."""
    exit_code: int
    """As of the command: 0 done or to be done, 1 refused, 3 a person has to decide."""
    branches: tuple[BranchChange, ...]
    """The branch that it is for, and the environments' own. Nothing: there is nothing to change."""
    remarks: tuple[str, ...]
    """What the command says beside it."""
    findings: tuple[Finding, ...]
    """What validation finds wrong with the outcome."""
    valid: bool | None
    """None where it was not judged."""
    kind: str
    """The schema of `document`: Change or Promotions."""
    document: Mapping[str, Any]
    """What the command prints as JSON."""

    @property
    def diff(self) -> str:
        """The unified diff, of several branches each below a line that names it."""
        if len(self.branches) == 1:
            return self.branches[0].diff
        return "".join(f"# On the branch {each.branch}:\n{each.diff}" for each in self.branches)

    @property
    def message(self) -> str:
        """The first commit's message."""
        return self.branches[0].message if self.branches else ""

    @property
    def needs_decision(self) -> bool:
        """Whether a person has to decide first: there are conflicts, or keys that no policy decides on."""
        return self.exit_code == 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Collecting(Delivery):
    """A delivery whose remarks and results are collected, and to which nobody says no."""

    words: Sequence[str] = ()
    veiled: Veil | None = None
    told: list[str] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    found: list[Finding] = field(default_factory=list)

    @property
    def command(self) -> str:
        return shlex.join(["argosy", *self.words])

    @property
    def veil(self) -> Veil | None:
        return self.veiled

    def say(self, text: str) -> None:
        self.told.append(text)

    def result(self, result: Result) -> None:
        self.results.append(result)

    def judged(self, report: Validation, *, in_tree: bool) -> None:  # noqa: ARG002
        self.found.extend(report.findings)


@dataclass(frozen=True, slots=True)
class Repository:
    """A GitOps repository on this machine, as its work tree is, or as it was at a revision. Files are read anew by
    each call.
    """

    root: Path
    revision: str = ""
    """A commit, branch or tag; empty: the work tree."""
    watch: Watch = field(default=_unwatched, repr=False)
    """Hears how far long steps are: called with what is done and how many steps it has."""
    hides: bool = False
    """Whether manifests and differences show nothing that is called, or looks like, a password, a token or a key.
    What Secrets hold, differences never show.
    """

    def status(self, application: str = "", *, live: bool = False, context: str = "") -> Status:
        """Return what is deployed where, and how far behind it is: of all applications, or of one in detail.

        Each environment is read from its own branch, whatever the revision. `live` asks Argo CD in the cluster of a
        kubeconfig's context.
        """
        from argosy.change import edits, origin, own_branches  # noqa: PLC0415
        from argosy.repository import store  # noqa: PLC0415
        from argosy.status import live as cluster  # noqa: PLC0415
        from argosy.status import survey  # noqa: PLC0415
        from argosy.status.report import Report, Template  # noqa: PLC0415
        from argosy.template import versions  # noqa: PLC0415

        root = self.root
        with _session(root):
            stored = store.load(root)
            if application:
                edits.application(stored.repository, application)
            found = survey.of(root, stored.repository, application)
            asked = cluster.of(stored.repository, found.deployments, context) if live else None
            newest = versions.current().version
            behind, unseen = own_branches.behind(root, stored.repository, newest)
            try:
                shown = Template(origin.version(root, stored), newest, behind=behind, unseen=unseen)
            except ArgosyError as error:
                shown = Template(stored.version, newest, error.hint, behind, unseen)
            return Report(root, found, shown, asked, application)

    def settings(self, of: str = "", name: str = "", key: str = "") -> Sequence[Settings]:
        """Return settings, what they can be and the files that follow: one, those of something, or all there are.

        `of` is repository, env, app, cluster or team, and `name` which.
        """
        from argosy.change import settings  # noqa: PLC0415

        return settings.find(self.model(), of, name, key)

    def model(self) -> Model:
        """Return what the repository is made of: its settings, environments, applications, clusters and teams."""
        from argosy.repository import store  # noqa: PLC0415

        root = self.root
        with _session(root):
            return (store.load_at(root, self.revision) if self.revision else store.load(root)).repository

    def tree(
        self, applications: Sequence[str] = (), environments: Sequence[str] = (), *, resources: bool = True
    ) -> Tree:
        """Return what leads to what: roots, ApplicationSets, Applications and what these render, or not.

        With applications, by the name of the application or of the Application, only what leads to these.
        """
        from argosy import tree  # noqa: PLC0415
        from argosy.argocd import configuration, deployments  # noqa: PLC0415

        with _session(self.root), self._files() as folder:
            found = deployments.find(folder, configuration.load(folder, self.root), progress=self.watch)
            made = tree.of(found, resources=resources)
            if applications or environments:
                made = tree.only(made, applications, environments)
                if not made.roots:
                    named = ", ".join((*applications, *environments))
                    raise UsageError(f"No Application is meant by {named}.", "Run argosy tree.")
            return made

    def render(self, application: str, environment: str, *, cluster: str = "") -> Rendered:
        """Return the manifests that Argo CD would apply for an application in an environment, or in one cluster of it.

        The environment `previews` is an example of a pull request's preview.
        """
        from argosy import difference, git  # noqa: PLC0415
        from argosy.change import edits  # noqa: PLC0415
        from argosy.names import joined  # noqa: PLC0415
        from argosy.repository.previews import PREVIEWS  # noqa: PLC0415

        root = self.root
        with _session(root):
            known = self.model()
            previews = edits.application(known, application).previews
            is_preview = previews and environment == PREVIEWS
            place = edits.environment(known, previews.preview_env if previews and is_preview else environment)
            if cluster and cluster not in place.places:
                hint = f"It is in {joined(place.places)}."
                raise UsageError(f"{environment} is not in the cluster “{cluster}”.", hint)
            here = git.branch(root)
            notes = []
            if not self.revision and here and place.revision != here:
                told = f"{environment} follows the branch {place.revision}; this is {here}."
                notes.append(f"{told} To render that branch: --at {place.revision}.")
            found = difference.of_application(root, self.revision or None, application, environment)
            meant = [each for each in found if not cluster or each.cluster in {cluster, known.server(cluster)}]
            notes += dict.fromkeys(engine.note for each in meant for engine in each.engines if engine.note)
            veil = self._veil or (lambda manifest: manifest)
            return Rendered([veil(manifest) for each in meant for manifest in each.manifests.values()], notes)

    def diff(
        self, against: str = "", *, applications: Sequence[str] = (), environments: Sequence[str] = ()
    ) -> Difference:
        """Return what changes in each cluster, compared with the last commit, or with where another branch was left.

        Values of Secrets are in none of it.
        """
        from argosy import difference  # noqa: PLC0415
        from argosy.repository import layout  # noqa: PLC0415

        with _session(self.root):
            sides = self._sides(against)
            _check_names(self.root, sides, applications, environments)
            scope = difference.Scope(applications, environments, _own_branch(self.root, against), self._veil)
            deployments = {
                (layout.environment_of(path), application)
                for side in sides
                for path in side.paths(layout.ENVIRONMENTS)
                if (application := layout.application_of(path)) is not None
            }
            return replace(difference.between(*sides, scope, self.watch), deployments=len(deployments))

    def effect(self, change: BranchChange) -> Difference:
        """Return what a planned change does in each cluster once it is on its branch."""
        from argosy import difference  # noqa: PLC0415

        with _session(self.root):
            return difference.between(*change.states, difference.Scope(veil=self._veil), self.watch)

    def validate(
        self, options: ValidationOptions | None = None, *, paths: Sequence[str | Path] = (), since: str = ""
    ) -> Validation:
        """Check offline that Argo CD and Kubernetes will accept it: findings with their places, and outcomes.

        Only what paths hold, or what the changes since a revision can reach, if that is given. The repository's
        baseline counts.
        """
        from argosy.change import layering  # noqa: PLC0415
        from argosy.validation import baseline, changed, pipeline  # noqa: PLC0415

        root = self.root
        with _session(root):
            chosen = options or pipeline.Options(progress=self.watch)
            if paths:
                chosen = replace(chosen, paths=[*chosen.paths, *(_within(root, each) for each in paths)])
            if self.revision:
                if paths or since:
                    raise UsageError("At a revision, all of it is validated.", "Leave out paths and since.")
                return layering.told(root, pipeline.of_state(self._state(), chosen))
            if since:
                chosen = replace(chosen, since=changed.since(root, since))
            if chosen.baseline is None:
                chosen = replace(chosen, baseline=baseline.find(root))
            return layering.told(root, pipeline.validate(root, chosen))

    def plan(self, wanted: Request | Promotional) -> ChangeResult:
        """Return what a change or a promotion would do, judged, and write nothing.

        Only what is committed counts, on each environment's own branch if it has one. Raise ArgosyError or UsageError
        where it cannot be.
        """
        from argosy.delivery import judging  # noqa: PLC0415

        self._refuse_revision()
        self._refuse_interrupted()
        given = _Collecting(repository=self.root, dry_run=True, words=wanted.words, veiled=self._veil)
        with _session(self.root):
            code, result = _granted(given, wanted)
            branches = _branches(result)
            valid = _validity(result)
            if valid is None and branches and code == 0:
                # All of it, since each finding counts.
                judged = [judging.is_valid(given, each.states[1], each.states[1].written) for each in branches]
                valid, code = all(judged), 0 if all(judged) else 1
            return _concluded(given, code, result, branches, valid)

    def deliver(
        self,
        wanted: Request | Promotional,
        *,
        commit: bool = False,
        branch: str | None = None,
        pull_request: bool = False,
        message: str | None = None,
        validate: bool = True,
    ) -> ChangeResult:
        """Make a change or a promotion: in the work tree, as a commit, on a new branch, or as a pull request.

        A branch "" gets a name of argosy's. What it takes away or moves counts as confirmed. Nothing is written that
        is refused; what is in the work tree and not valid can be undone with `argosy abort`.
        """
        self._refuse_revision()
        if branch is not None or pull_request:
            self._refuse_interrupted()
        given = _Collecting(
            repository=self.root,
            commit=commit,
            branch=branch,
            pull_request=pull_request,
            message=message,
            validate=validate,
            words=wanted.words,
            veiled=self._veil,
        )
        with _session(self.root, writes=True):
            code, result = _granted(given, wanted)
            return _concluded(given, code, result, _branches(result), _validity(result))

    @property
    def _veil(self) -> Veil | None:
        if not self.hides:
            return None
        from argosy.web.hiding import veiled  # noqa: PLC0415

        return veiled

    def _refuse_revision(self) -> None:
        if self.revision:
            raise UsageError("A change starts from what is checked out.", "Open the repository without a revision.")

    def _refuse_interrupted(self) -> None:
        """Raise ArgosyError where a command was killed: the next one takes back what it wrote, in the work tree."""
        from argosy.change import merge  # noqa: PLC0415

        with _session(self.root):
            is_open = merge.Journal(self.root).is_open
        if is_open:
            raise ArgosyError(
                "The last command was interrupted, and what it wrote is still there.", "Take it back: argosy abort."
            )

    def _state(self) -> Snapshot:
        from argosy import difference  # noqa: PLC0415
        from argosy.git.snapshot import Snapshot  # noqa: PLC0415

        return Snapshot.of(self.root, self.revision) if self.revision else difference.work_tree(self.root)

    def _sides(self, against: str) -> tuple[Snapshot, Snapshot]:
        from argosy import difference  # noqa: PLC0415

        root, after = self.root, self._state()
        before = difference.merge_base(root, against, self.revision or "HEAD") if against else difference.head(root)
        return before, after

    @contextmanager
    def _files(self) -> Iterator[Path]:
        """Yield a folder with the files as they are at the revision."""
        from argosy import temporary  # noqa: PLC0415
        from argosy.argocd import deployed, inventory  # noqa: PLC0415

        if not self.revision:
            yield self.root
            return
        with temporary.folder("state") as folder:
            deployed.write(folder, *self._state().measured(inventory.everything))
            yield folder


def open_repository(path: str | Path = ".", revision: str = "", *, watch: Watch = _unwatched) -> Repository:
    """Return the repository around a path, or with that root; raise UsageError where there is none, or no revision."""
    from argosy.git.snapshot import Snapshot  # noqa: PLC0415
    from argosy.repository.root import root_of  # noqa: PLC0415

    with _session():
        root = root_of(None, [Path(path)])
        if revision:
            Snapshot.of(root, revision)
    return Repository(root, revision, watch)


def rules(repository: Repository | None = None) -> Sequence[Rule]:
    """Return the rules of validation, those of installed packages too, in the order of their documentation.

    With a repository, the rules of its own policies come after them, as far as these can be read.
    """
    from argosy.argocd import configuration  # noqa: PLC0415
    from argosy.rules import catalogue, policies  # noqa: PLC0415

    catalogue.extend()
    found = [*catalogue.ordered()]
    with suppress(ArgosyError):  # Validation says what is wrong with them.
        found += policies.rules_of(configuration.own_policies(repository.root).all) if repository else ()
    return found


def rule(rule_id: str, repository: Repository | None = None) -> Rule:
    """Return a rule, which explains itself, with a wrong and a right example; raise UsageError if there is none."""
    from argosy.names import did_you_mean  # noqa: PLC0415

    known = {each.id: each for each in rules(repository)}
    if rule_id not in known:
        hint = did_you_mean(rule_id, known) or "`argosy rules` lists them."
        raise UsageError(f"There is no rule “{rule_id}”.", hint)
    return known[rule_id]


def schema(kind: str) -> Mapping[str, Any]:
    """Return the JSON Schema of a kind of `to_json`: Status, Validation; raise UsageError if there is none."""
    from argosy.names import did_you_mean, joined  # noqa: PLC0415
    from argosy.schemas import bundled  # noqa: PLC0415

    kinds = bundled.printed()
    if kind not in kinds:
        hint = did_you_mean(kind, kinds) or f"There are {joined([*kinds])}."
        raise UsageError(f"There is no kind “{kind}”.", hint)
    found: Mapping[str, Any] = json.loads(kinds[kind].read_bytes())
    return found


def to_json(value: Written, *, verbose: bool = False) -> str:
    """Return a result as JSON, as the command with `-o json` prints it: `schema` of its `kind` describes it.

    `verbose` lists all that a validation left out.
    """
    from argosy import difference, findings, tree  # noqa: PLC0415
    from argosy.change.settings import Settings  # noqa: PLC0415
    from argosy.status import report as status  # noqa: PLC0415

    if isinstance(value, status.Report):
        from argosy.status import as_json as of_status  # noqa: PLC0415

        made = of_status.detail(value) if value.application else of_status.overview(value)
    elif isinstance(value, tree.Tree):
        from argosy.tree import as_json as of_tree  # noqa: PLC0415

        made = of_tree.format_tree(value)
    elif isinstance(value, difference.Difference):
        from argosy.difference import as_json as of_difference  # noqa: PLC0415

        made = of_difference.format_difference(value)
    elif isinstance(value, findings.Report):
        from argosy import reporting  # noqa: PLC0415

        chosen = reporting.Options(version="", verbose=verbose)
        made = reporting.format_report(value, reporting.OutputFormat.JSON, chosen)
    elif isinstance(value, ChangeResult):
        made = data.written(value.kind, value.document)
    else:
        parts = [each.data() for each in value if isinstance(each, Settings)]
        fields = ("id", "severity", "summary", "explanation", "bad", "good")
        rows = [{name: getattr(each, name) for name in fields} for each in value if not isinstance(each, Settings)]
        made = data.written("Settings", {"settings": parts}) if parts else data.written("Rules", {"rules": rows})
    return made


def to_data(value: Written, *, verbose: bool = False) -> Any:
    """Return the same as plain data."""
    return json.loads(to_json(value, verbose=verbose))


def _within(root: Path, path: str | Path) -> Path:
    place = (root / path).absolute()
    if not place.resolve().is_relative_to(root.resolve()):
        raise UsageError(f"{path} is not in {root}.", "Validate each repository by itself.")
    if not place.exists():
        raise UsageError(f"There is no {path} in {root}.", "Name a file or a folder, from the root on.")
    return place


def _own_branch(root: Path, against: str) -> str:
    """Return the branch of its own that an environment follows, where that is what is compared with.

    What is merged into it reaches this environment alone, whatever else lies on it.
    """
    from argosy.documents import plain  # noqa: PLC0415
    from argosy.repository import layout, store  # noqa: PLC0415
    from argosy.repository.model import RevisionStyle  # noqa: PLC0415

    answers = plain.load(root / layout.ANSWERS, root)
    if not against or answers.get("revision") != RevisionStyle.BRANCH:
        return ""
    revisions = {each.revision for each in store.load(root, ()).repository.environments}
    return next((each for each in revisions if against == each or against.endswith(f"/{each}")), "")


def _check_names(
    root: Path, sides: tuple[Snapshot, Snapshot], applications: Sequence[str], environments: Sequence[str]
) -> None:
    """Raise UsageError with the nearest name where a name is in neither state."""
    from argosy.change import edits  # noqa: PLC0415
    from argosy.repository import layout, store  # noqa: PLC0415

    before, after = ({*side.paths()} for side in sides)
    for names, settings, find in (
        (applications, layout.application_settings, edits.application),
        (environments, layout.environment_settings, edits.environment),
    ):
        for name in names:
            if settings(name) not in before | after:
                find(store.load(root).repository, name)


# Changes


def _granted(given: _Collecting, wanted: Request | Promotional) -> tuple[int, Changed | Promoted | None]:
    """Carry out what is asked for; return the exit code, and the last result."""
    from argosy.delivery import changes, promotions  # noqa: PLC0415
    from argosy.delivery.jobs import Promotional  # noqa: PLC0415

    if isinstance(wanted, Promotional):
        code = promotions.grant(given, wanted, yes=True)
    else:
        code = changes.grant(given, wanted, yes=True)
    last: Any = given.results[-1] if given.results else None
    return code, last


def _branches(result: Changed | Promoted | None) -> tuple[BranchChange, ...]:
    from argosy.delivery.changes import Changed  # noqa: PLC0415

    if result is None:
        return ()
    if isinstance(result, Changed):
        message = result.given.message or result.title
        own = [(result.plan.branch, message, replace(result.after, written={}), result.after)]
        others = [(each.branch, message, each.start, each.after) for each in result.found]
        return tuple(_branch(*each) for each in (*own, *others) if each[3].written)
    return tuple(
        _branch(
            job.base,
            replace(job, promotion=each.promotion).message(result.given),
            each.promotion.before,
            each.promotion.after,
        )
        for job, each in zip(result.jobs, result.outcomes, strict=True)
        if each.promotion.written and not each.promotion.is_open
    )


def _branch(name: str, message: str, before: Snapshot, after: Snapshot) -> BranchChange:
    from argosy.git import objects  # noqa: PLC0415

    held = before.files(*after.written)
    there = {path: blob for path, blob in after.written.items() if blob is not None}
    files = []
    for path in sorted({*held, *there}):
        old, new = held.get(path), there.get(path)
        if old != new:
            files.append(FileChange(path, old and old.content, new and new.content))
    touched = {each.path for each in files}
    sides = [{path: blob for path, blob in side.items() if path in touched} for side in (held, there)]
    return BranchChange(name, message, tuple(files), objects.diff(*sides), (before, after))


def _validity(result: Changed | Promoted | None) -> bool | None:
    from argosy.delivery.changes import Changed  # noqa: PLC0415

    if result is None:
        return None
    if isinstance(result, Changed):
        return result.valid
    judged = [each.valid for each in result.outcomes if each.valid is not None]
    return all(judged) if judged else None


def _concluded(
    given: _Collecting,
    code: int,
    result: Changed | Promoted | None,
    branches: tuple[BranchChange, ...],
    valid: bool | None,
) -> ChangeResult:
    kind, document = (result.kind, result.document) if result else ("Change", {})
    document = {**document, "valid": valid} if kind == "Change" else document
    return ChangeResult(given.command, code, branches, tuple(given.told), tuple(given.found), valid, kind, document)
