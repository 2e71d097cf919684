"""What can be asked of a repository: to add, remove, rename or set something. What it comes to is worked out here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

from argosy import git
from argosy.catalogue import catalogue
from argosy.change import clusters, components, edits, operations, removal, seeds
from argosy.change.components import Placed
from argosy.change.own_branches import Again, Elsewhere
from argosy.change.planning import Change
from argosy.errors import UsageError
from argosy.git import objects
from argosy.helm import fetching
from argosy.names import did_you_mean, joined
from argosy.repository import layout
from argosy.repository.model import (
    DEFAULT_IMAGE,
    DEFAULT_PORT,
    Application,
    Cluster,
    Component,
    Image,
    Repository,
    Secrets,
    Team,
    in_order,
)
from argosy.repository.previews import GitHost
from argosy.repository.store import Stored

Say = Callable[[str], None]
Removable = Literal["app", "env", "cluster", "team", "component"]
Renamable = Literal["app", "env", "cluster", "team"]
Settable = Literal["repository", "app", "env", "cluster", "team"]
_IN_FULL = {"app": "application", "env": "environment"}


def _nothing_left(is_dry: bool) -> Iterable[str]:  # noqa: ARG001
    return ()


@dataclass(frozen=True, slots=True)
class Question:
    """What a person has to agree to first."""

    told: str
    why: str = ""
    """Why it cannot go on where nobody can be asked; empty: it deletes what people wrote."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request comes to in a repository."""

    title: str
    """The commit's."""
    change: Change
    again: Again | None = None
    """Makes the same change of what environments' own branches hold."""
    takes_away: bool = False
    """Whether it is said first what it deletes, and whether that runs."""
    remarks: Sequence[str] = ()
    questions: Sequence[Question] = ()
    left: Callable[[bool], Iterable[str]] = _nothing_left
    """Give what is left to do once it is done; with True, of what was only tried."""


class Request(ABC):
    """What is asked of a repository."""

    @property
    @abstractmethod
    def words(self) -> Sequence[str]:
        """The words of the command that asks for the same: `add`, `app`, `shop`."""

    @abstractmethod
    def asked(self, root: Path, stored: Stored, say: Say) -> Asked:
        """Return what it comes to; raise UsageError or ArgosyError where it cannot be. `say` hears what takes long."""


def _check(what: str, known: Sequence[str]) -> None:
    """Raise UsageError where a word is none of those that there are."""
    if what not in known:
        raise UsageError(f"There is no “{what}”.", did_you_mean(what, known) or f"It is {joined(known, len(known))}.")


def _options(**given: str | Iterable[str]) -> Iterator[str]:
    """Yield options as a command has them, without those that are not given."""
    for name, values in given.items():
        for each in [values] if isinstance(values, str) else values:
            if each:
                yield from (f"--{name.strip('_').replace('_', '-')}", each)


def _by_environment(one: str, others: Mapping[str, str]) -> list[str]:
    return [*([one] if one else []), *(f"{environment}={value}" for environment, value in others.items())]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddApplications(Request):
    """Add applications: their folders, values for each environment, and Applications.

    With `chart` (a reference), `base` or `source`, what they are made from stays where it is.
    """

    names: Sequence[str]
    image: str = ""
    """A container image; empty: an example's."""
    images: Mapping[str, str] = field(default_factory=dict)
    """The image in an environment, where it has another one."""
    port: int = DEFAULT_PORT
    format: str = ""
    """helm, kustomize or manifests; empty: the repository's."""
    chart: str = ""
    """own, shared, or where the Helm chart is: oci://…, https://REPOSITORY/CHART, https://GIT//PATH."""
    base: str = ""
    """Where a Kustomize base is: https://GIT//PATH."""
    source: str = ""
    """Where all of it is: https://GIT//PATH, in which {env} is the environment, or oci://REGISTRY/PATH."""
    version: str = ""
    """The version of what comes from elsewhere."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """The version in an environment, where it has another one."""
    environments: Sequence[str] = ()
    """Where they run; empty: everywhere."""
    team: str = ""

    @property
    def words(self) -> Sequence[str]:
        """The words of the command that asks for the same."""
        return (
            *("add", "app", *self.names),
            *_options(image=_by_environment(self.image, self.images)),
            *_options(port="" if self.port == DEFAULT_PORT else str(self.port)),
            *_options(format=self.format, chart=self.chart, base=self.base, source=self.source),
            *_options(version=_by_environment(self.version, self.versions), env=self.environments, team=self.team),
        )

    def asked(self, root: Path, stored: Stored, say: Say) -> Asked:  # noqa: ARG002
        """Return what it comes to."""
        current = stored.repository
        whose, where = seeds.read_chart(self.chart or None)
        image = Image.parse(self.image) if self.image else DEFAULT_IMAGE
        images = [(environment, Image.parse(each)) for environment, each in self.images.items()]
        versions = [*([("", self.version)] if self.version else []), *self.versions.items()]
        chosen, seed = seeds.seed(
            (image, self.port, images), self.format or None, (where, self.base or None, self.source or None), versions
        )
        written = chosen or current.settings.format
        chart = whose or current.settings.chart_of(written)
        made = [Application(name, written, self.team, seed, chart) for name in self.names]

        def again(there: Elsewhere) -> Change | None:
            known = {each.name for each in there.repository.environments}
            wanted = [name for name in self.environments if name in known]
            there_alone = replace(
                seed,
                images=tuple((name, image) for name, image in seed.images if name in known),
                revisions=tuple((name, version) for name, version in seed.revisions if name in known),
            )
            these = [replace(each, seed=there_alone) for each in made]
            is_wanted = wanted or not self.environments
            return operations.add_applications(there.repository, these, wanted) if is_wanted else None

        def left(is_dry: bool) -> Iterator[str]:
            if seed.origin and not is_dry and (told := seeds.to_permit(seed)):
                yield told

        change = operations.add_applications(current, made, self.environments)
        return Asked(f"Add {', '.join(self.names)}", change, again, left=left)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddEnvironment(Request):
    """Add an environment, with the applications and current values of another."""

    name: str
    after: str = ""
    """The environment that it promotes from; empty: the last."""
    before: str = ""
    """The environment that promotes from it."""
    source: str = ""
    """Whose applications and values it takes over; empty: those of `after`."""
    clusters: Sequence[str] = ()
    """A cluster's name, or the URL of its API server; several of declared ones. Empty: those of `source`."""
    revision: str = ""
    """The revision that it follows; empty: as the others."""
    auto_sync: bool = True

    @property
    def words(self) -> Sequence[str]:
        """The words of the command that asks for the same."""
        return (
            *("add", "env", self.name),
            *_options(after=self.after, before=self.before, from_=self.source, cluster=self.clusters),
            *_options(revision=self.revision),
            *([] if self.auto_sync else ["--no-auto-sync"]),
        )

    def asked(self, root: Path, stored: Stored, say: Say) -> Asked:  # noqa: ARG002
        """Return what it comes to."""

        def made(current: Repository) -> Change:
            return operations.add_environment(
                current,
                self.name,
                after=self.after,
                before=self.before,
                source=self.source,
                clusters=self.clusters,
                revision=self.revision,
                auto_sync=self.auto_sync,
            )

        change = made(stored.repository)

        def left(is_dry: bool) -> Iterator[str]:
            if not is_dry:
                yield "Its values are copies. Check hosts and other values that two environments must not share."
            if lacking := " ".join(components.lacking(change.after, self.name)):
                yield (f"Other clusters have what its cluster lacks: argosy add component {lacking} --env {self.name}")

        return Asked(f"Add the environment {self.name}", change, lambda there: made(there.repository), left=left)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCluster(Request):
    """Declare a cluster, which environments may name from then on."""

    name: str
    server: str
    """Where its API server is."""
    labels: Sequence[str] = ()
    """What it is chosen by, each KEY=VALUE."""

    @property
    def words(self) -> Sequence[str]:
        """The words of the command that asks for the same."""
        return ("add", "cluster", self.name, *_options(server=self.server, label=self.labels))

    def asked(self, root: Path, stored: Stored, say: Say) -> Asked:  # noqa: ARG002
        """Return what it comes to."""
        new = Cluster(self.name, self.server, tuple(self.labels))
        change = Change(stored.repository, clusters.add(stored.repository, new))

        def left(is_dry: bool) -> Iterator[str]:
            if not is_dry:
                yield clusters.registration(change.after, new)

        return Asked(f"Add the cluster {self.name}", change, left=left)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddTeams(Request):
    """Add teams, each with an AppProject in every environment."""

    names: Sequence[str]
    sso_group: str = ""
    """The group of those who log in as it; empty: as the team is called."""

    @property
    def words(self) -> Sequence[str]:
        """The words of the command that asks for the same."""
        return ("add", "team", *self.names, *_options(sso_group=self.sso_group))

    def asked(self, root: Path, stored: Stored, say: Say) -> Asked:  # noqa: ARG002
        """Return what it comes to."""

        def made(current: Repository) -> Change:
            after = current
            for name in self.names:
                after = edits.add_team(after, Team(name, self.sso_group))
            return Change(current, after)

        title = f"Add the team{'s' if len(self.names) > 1 else ''} {', '.join(self.names)}"
        return Asked(title, made(stored.repository), lambda there: made(there.repository))


@dataclass(frozen=True, slots=True, kw_only=True)
class AddChart(Request):
    """Add a version of the chart that applications share, as a copy of the newest."""

    version: str = ""
    """Empty: the next minor one."""

    @property
    def words(self) -> Sequence[str]:
        """The words of the command that asks for the same."""
        return ("add", "chart", *([self.version] if self.version else []))

    def asked(self, root: Path, stored: Stored, say: Say) -> Asked:  # noqa: ARG002
        """Return what it comes to: to the environments' own branches it comes with those that follow it."""
        change = operations.add_chart(stored.repository, self.version)
        made = change.after.newest_chart

        def left(is_dry: bool) -> Iterator[str]:
            if not is_dry:
                known = stored.repository.environments
                first = known[0].name if known else "ENV"
                yield f"Nothing follows it yet. To begin: argosy set env {first} chartVersion={made}"

        return Asked(f"Add version {made} of the shared chart", change, left=left)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddComponents(Request):
    """Add components from the catalogue, with what they need: their Applications, values and custom resources.

    One that is there already keeps its values and custom resources.
    """

    names: Sequence[str]
    environments: Sequence[str] = ()
    """Whose cluster gets them; empty: each cluster, by its last environment."""
    version: str = ""
    """The chart's; empty: the catalogue's."""
    vendor: bool | None = None
    """Whether the charts are kept in the repository, for which they are fetched."""

    @property
    def words(self) -> Sequence[str]:
        """The words of the command that asks for the same."""
        vendor = {None: [], True: ["--vendor"], False: ["--no-vendor"]}[self.vendor]
        return ("add", "component", *self.names, *_options(env=self.environments, version=self.version), *vendor)

    def asked(self, root: Path, stored: Stored, say: Say) -> Asked:
        """Return what it comes to."""
        wish = components.Wish(self.version, self.vendor)
        known = catalogue.load(root)
        charts: dict[Component, Mapping[str, bytes]] = {}

        def placed(current: Repository) -> Sequence[Placed]:
            return components.place(current, known, self.names, self.environments, wish)

        def fetched(wanted: Component) -> Mapping[str, bytes]:
            if wanted not in charts:
                say(f"Fetching the chart {wanted.chart} {wanted.version} of {wanted.repo_url}.")
                charts[wanted] = fetching.fetch(wanted)
            return charts[wanted]

        def made(there: Path, current: Repository, these: Sequence[Placed]) -> Change:
            entries = objects.entries(there, "HEAD")

            def held(path: str) -> bytes | None:
                found = objects.blobs(there, entries, [path]).get(path)
                return found.content if found else None

            return components.add(current, these, wish, fetch=fetched, held=held)

        these = placed(stored.repository)
        for each in these:
            if each.because:
                say(f"{each.because} needs {each.entry.name}, which is added too.")
        change = made(root, stored.repository, these)

        def left(is_dry: bool) -> Iterator[str]:  # noqa: ARG001
            if self.vendor:
                yield "To let Argo CD fetch these charts again, use --no-vendor."
            notes = {each.entry.name: each.entry.notes for each in these if each.entry.notes and not each.present}
            if notes:
                yield "\n\n".join(["\nLeft to do:", *(f"{name}: {text}" for name, text in notes.items())])

        added = any(not each.present and not each.because for each in these)
        version = f" {self.version}" if self.version else ""
        return Asked(
            f"{'Add' if added else 'Change'} {', '.join(self.names)}{version}",
            change,
            lambda there: made(there.root, there.repository, placed(there.repository)),
            remarks=[told for folder in change.removed if (told := _edits_of(root, folder))],
            left=left,
        )


def _edits_of(root: Path, chart: str) -> str:
    """Say which commits since a chart came changed it: another chart takes its place."""
    came = git.run(root, "log", "-1", "--format=%H", "--", f"{chart}/Chart.yaml").strip()
    made = git.run(root, "log", "--format=  %h %s", f"{came}..HEAD", "--", chart) if came else ""
    return f"These edits of {chart} end here. They stay in Git's history:\n{made.rstrip()}" if made else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove(Request):
    """Remove applications, components, an environment, a cluster or a team: also what people wrote there."""

    what: Removable
    names: Sequence[str]
    """Several of applications and components alone."""
    environments: Sequence[str] = ()
    """Where components go; empty: everywhere."""

    def __post_init__(self) -> None:
        _check(self.what, get_args(Removable))
        if not self.names or (len(self.names) > 1 and self.what not in {"app", "component"}):
            raise UsageError("Nothing is named." if not self.names else "Several are named.", "Name one.")

    @property
    def words(self) -> Sequence[str]:
        """The words of the command that asks for the same."""
        return ("remove", self.what, *self.names, *_options(env=self.environments))

    def asked(self, root: Path, stored: Stored, say: Say) -> Asked:
        """Return what it comes to."""
        name = self.names[0]
        if self.what == "cluster":
            return self._cluster(stored, name)

        def made(there: Path, current: Repository) -> Change:
            if self.what == "app":
                return operations.remove_applications(current, self.names)
            if self.what == "env":
                return operations.remove_environment(current, name)
            if self.what == "team":
                return operations.remove_team(current, name)
            return components.remove(current, catalogue.load(there), self.names, self.environments)

        def again(there: Elsewhere) -> Change | None:
            if self.what != "app":
                return made(there.root, there.repository)
            known = [name for name in self.names if name in {each.name for each in there.repository.applications}]
            return operations.remove_applications(there.repository, known) if known else None

        def left(is_dry: bool) -> Iterator[str]:
            places = layout.cluster_deployments("*", "*")
            stay = sorted(each for name in self.names for each in root.glob(f"{places}/{name}"))
            if self.what == "app" and stay and not is_dry:
                listed = " ".join(each.relative_to(root).as_posix() for each in stay)
                yield f"Of clusters that their environment left before, these are still there: git rm -r {listed}"

        change = made(root, stored.repository)
        if self.what == "env" and (told := components.orphaned(stored.repository, name))[0]:
            orphaned, heir = told
            say(
                f"The cluster that it shares with {heir} has {', '.join(orphaned)} through it. Once it is removed: "
                f"argosy add component {' '.join(orphaned)} --env {heir}. Their values are in Git's history then."
            )
        called = f"the {in_full(self.what)} {name}" if self.what in {"env", "team"} else ", ".join(self.names)
        return Asked(f"Remove {called}", change, again, takes_away=True, left=left)

    def _cluster(self, stored: Stored, name: str) -> Asked:
        change = Change(stored.repository, clusters.remove(stored.repository, name))

        def left(is_dry: bool) -> Iterator[str]:
            declared = change.before.settings.production.secrets is Secrets.EXTERNAL_SECRETS
            if not is_dry and not declared:
                yield f"To have Argo CD forget it: argocd cluster rm {name}"

        return Asked(f"Remove the cluster {name}", change, left=left)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename(Request):
    """Rename an application, an environment, a cluster or a team, with all that names it."""

    what: Renamable
    old: str
    new: str

    def __post_init__(self) -> None:
        _check(self.what, get_args(Renamable))

    @property
    def words(self) -> Sequence[str]:
        """The words of the command that asks for the same."""
        return ("rename", self.what, self.old, self.new)

    def asked(self, root: Path, stored: Stored, say: Say) -> Asked:  # noqa: ARG002
        """Return what it comes to."""
        declared = stored.repository.clusters

        def made(there: Repository) -> Change:
            if self.what == "cluster":
                # Of clusters the default branch alone is read.
                return operations.rename_cluster(replace(there, clusters=declared), self.old, self.new)
            rename = {
                "app": operations.rename_application,
                "env": operations.rename_environment,
                "team": operations.rename_team,
            }[self.what]
            return rename(there, self.old, self.new)

        def left(is_dry: bool) -> Iterator[str]:
            if self.what == "cluster" and not is_dry:
                yield clusters_renamed(stored.repository, self.old, self.new)

        change = made(stored.repository)
        is_cluster = self.what == "cluster"
        told = "" if is_cluster else removal.reassigned(change)
        return Asked(
            f"Rename the {in_full(self.what)} {self.old} to {self.new}",
            change,
            lambda there: made(there.repository),
            takes_away=not is_cluster,
            remarks=[told] if told else (),
            left=left,
        )


def clusters_renamed(repository: Repository, old: str, new: str) -> str:
    """Say how Argo CD gets to know a cluster's new name."""
    if repository.settings.production.secrets is Secrets.EXTERNAL_SECRETS:
        return f"Copy what the store has as argocd-cluster-{old} to argocd-cluster-{new} before this is merged."
    return f"As soon as this is merged: argocd cluster set {old} --name {new} --label cluster={new}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Set(Request):
    """Change settings, and update the files that depend on them."""

    what: Settable
    name: str = ""
    """Of the application, environment, cluster or team."""
    values: Mapping[str, str]
    """By key, as text: numbers in digits, true and false, of lists the values with commas in between."""

    def __post_init__(self) -> None:
        _check(self.what, get_args(Settable))

    @property
    def words(self) -> Sequence[str]:
        """The words of the command that asks for the same."""
        name = [self.name] if self.name else []
        return ("set", self.what, *name, *(f"{key}={value}" for key, value in self.values.items()))

    def asked(self, root: Path, stored: Stored, say: Say) -> Asked:  # noqa: ARG002
        """Return what it comes to."""
        what, name = self.what, self.name

        def made(before: Repository) -> Change:
            if what == "repository":
                known = (each.team for each in stored.repository.applications if each.team)
                return Change(before, edits.set_repository(before, self.values, [*known]))
            if what == "team":
                return Change(before, edits.set_team(before, name, self.values))
            if what == "app":
                return Change(before, edits.set_application(before, name, self.values))
            if what == "cluster":
                return Change(before, clusters.change(before, name, self.values))
            # An environment's own branch may lack a version of the chart that is followed from now on.
            lacking = sorted({*self.values.values()} & {*stored.repository.charts} - {*before.charts})
            charted = replace(before, charts=in_order({*before.charts, *lacking}))
            folders = [*map(layout.shared_chart, lacking)]
            entries = objects.entries(root, "HEAD") if lacking else {}
            written = objects.blobs(root, entries, [path for path in entries if objects.is_within(path, folders)])
            return Change(before, edits.set_environment(charted, name, self.values), written=written)

        change = made(stored.repository)
        questions = []
        if moved := removal.moves(change):
            why = "This moves what is deployed, and there is no terminal to confirm it."
            questions.append(Question(removal.left_behind(change, moved), why))
        if gone := removal.forgotten(change):
            questions.append(Question(gone))
        turned = ", ".join(f"{key}={value}" for key, value in self.values.items())
        return Asked(
            f"Set {turned} of {in_full(what)} {name}".strip(),
            change,
            # Of clusters the default branch alone is read.
            None if what == "cluster" else lambda there: made(there.repository),
            remarks=[*filter(None, (removal.handed_over(change), removal.reassigned(change)))],
            questions=questions,
            left=lambda is_dry: self._left(root, change, is_dry=is_dry),
        )

    def _left(self, root: Path, change: Change, *, is_dry: bool) -> Iterator[str]:
        what, name, after = self.what, self.name, change.after
        if what == "repository":
            yield from edits.unset(after, lambda path: (root / path).is_file())
            yield from components.missing(after)
        elif what == "env" and (left := clusters.abandoned(change.before, after, name)):
            yield f"Nothing reads these any more, which are yours: git rm -r {' '.join(left)}"
        elif what == "cluster" and not is_dry:
            yield clusters.changed(after, change.before, name)
        previews = edits.application(after, name).previews if what == "app" and "previews" in self.values else None
        if previews and previews.preview_host is GitHost.BITBUCKET and ".head_sha" in previews.preview_tag:
            yield "Bitbucket tells 12 digits of a commit: have CI tag the image with ${BITBUCKET_COMMIT::12}."
        if previews and (secret := previews.token):
            yield (
                "Argo CD lists the pull requests with a token that may read them: kubectl --namespace "
                f"{after.settings.production.argocd_namespace} create secret generic {secret} "
                "--from-literal=token=TOKEN (`argosy help previews`)"
            )


def in_full(word: str) -> str:
    """Return the long word, which sentences have."""
    return _IN_FULL.get(word, word)
