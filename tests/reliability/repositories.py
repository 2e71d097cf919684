"""The repositories that trials begin with, what a person has edited in them, and the commands that change them."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from argosy.repository import layout
from argosy.repository.model import WRITTEN_HERE, ArgocdStyle, Format, RevisionStyle
from argosy.template import creation, rendering, versions
from tests import shared
from tests.changing import edit, files, git, model
from tests.promoting import release, start
from tests.reliability.trials import Stand

State = tuple[Mapping[str, tuple[int, bytes]], str, str]
MARK = re.compile(rb"# by hand \d+-\d+")
"""A comment that a person has written."""
DELIVERIES = ((), ("--commit",), ("--branch=work",))


def state(root: Path) -> State:
    """Return all that a person sees of a repository, or of the folder where none is: files, status, and every ref."""
    if not (root / ".git").exists():
        return files(root), "", ""
    status = git(root, "status", "--porcelain", "--untracked-files=all", "--ignored")
    refs = git(root, "for-each-ref", "--format=%(refname) %(objectname) %(symref)")
    return files(root), status, refs + (root / ".git/HEAD").read_text()


def difference(one: State, other: State) -> str:
    """Return where two states differ, in a line."""
    names = sorted(name for name in {*one[0], *other[0]} if one[0].get(name) != other[0].get(name))
    parts = (names[:8], *((a, b) for a, b in zip(one[1:], other[1:], strict=True) if a != b))
    return " ".join(map(repr, parts))[:1500]


def do_again(stand: Stand, root: Path, arguments: tuple[str, ...], states: tuple[State, State], code: int) -> None:
    """See that all or nothing of a command is there; where nothing is, do it again, which ends as the whole of it."""
    before, wanted = states
    now = state(root)
    if now not in states:
        stand.fault("stuck", f"neither as before nor whole: {difference(before, now)} / {difference(wanted, now)}")
    elif now == before != wanted:
        again = stand.run(*arguments, at=root)
        if (again.code, state(root)) != (code, wanted):
            stand.fault("stuck", f"the command does something else now: {again.err} {difference(wanted, state(root))}")


def kinds(chance: random.Random) -> tuple[Format, ArgocdStyle, RevisionStyle]:
    """Return how a repository is made: most often in the way that `init` proposes."""
    return (
        chance.choice(WRITTEN_HERE),
        chance.choices(list(ArgocdStyle), (3, 1))[0],
        chance.choices(list(RevisionStyle), (3, 1))[0],
    )


# What a person has edited


@dataclass
class Edits:
    """What a person has written in a repository: it is to be there afterwards, whatever argosy does."""

    root: Path
    committed: dict[str, str] = field(default_factory=dict)
    """Each mark in a committed file, and the file."""
    loose: dict[str, bytes] = field(default_factory=dict)
    """Files that are not committed, and what they hold."""
    staged: dict[str, bytes] = field(default_factory=dict)
    """What the index holds of files."""

    def make(self, chance: random.Random, *, loose: bool = True) -> None:
        """Edit as people do: committed, staged, unstaged, untracked and ignored, each by chance."""
        for number in range(chance.randrange(3)):
            self.mark(chance, number)
        if loose:
            self.write_loose(chance)

    def write_loose(self, chance: random.Random) -> None:
        """Edit as people do before they commit: staged, unstaged, untracked and ignored, each by chance."""
        if chance.random() < 0.5:
            self._write("notes/kept.txt", b"as committed\n")
            git(self.root, "add", "notes/kept.txt")
            git(self.root, "commit", "--quiet", "--message", "Notes", "--", "notes/kept.txt")
            self._write("notes/kept.txt", b"and edited\r\n\0")
        if chance.random() < 0.5:
            self._write("notes/staged.txt", b"staged\n")
            git(self.root, "add", "notes/staged.txt")
            self.staged["notes/staged.txt"] = b"staged\n"
            if chance.random() < 0.5:
                self._write("notes/staged.txt", b"edited after that\n")
        if chance.random() < 0.5:
            places = ["notes/new.txt", "applications/web/new.txt", "environments/dev/new.txt"]
            # A file of a person's is no environment: where dev was removed, argosy asks what it is.
            there = [
                each for each in places if each[0] != "e" or (self.root / layout.environment_settings("dev")).exists()
            ]
            self._write(chance.choice(there), b"new\n")
        if chance.random() < 0.5:
            (self.root / ".git/info").mkdir(exist_ok=True)
            (self.root / ".git/info/exclude").write_text("*.local\n")
            self._write(chance.choice(["my.local", "environments/dev/web/my.local", "argocd/my.local"]), b"ignored\n")

    def mark(self, chance: random.Random, number: int) -> str:
        """Commit a comment somewhere in a YAML file, and return the file."""
        paths = sorted(path for path in files(self.root) if path.endswith(".yaml") and not path.startswith("."))
        # What the template owns is what most commands change.
        owned = [path for path in paths if not layout.is_seeded(path) and "/charts/" not in path]
        chosen = chance.choice(owned if chance.random() < 0.7 else paths)
        mark = f"# by hand {number}-{chance.randrange(10**6)}"
        lines = (self.root / chosen).read_bytes().splitlines(keepends=True)
        begins = [at for at, line in enumerate(lines) if line[:1].isalpha()] + [len(lines)]
        lines.insert(chance.choice(begins), f"{mark}\n".encode())
        (self.root / chosen).write_bytes(b"".join(lines))
        git(self.root, "commit", "--quiet", "--no-verify", "--message", "By hand", "--", chosen)
        self.committed[mark] = chosen
        return chosen

    def _write(self, name: str, content: bytes) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_bytes(content)
        self.loose[name] = content

    def lost(self, *, but: Callable[[str], bool] = lambda _: False) -> list[str]:
        """Return the edits that are nowhere any more, but for committed ones in files that were to be removed."""
        found = {content for _, content in files(self.root).values()}
        found |= {each.read_bytes() for each in (self.root / ".git/argosy").glob("taken-back-*/**/*") if each.is_file()}
        text = b"\n".join(found)
        lost = [mark for mark, file in self.committed.items() if mark.encode() not in text and not but(file)]
        lost += [name for name, content in self.loose.items() if content not in found]
        for name, content in self.staged.items():
            done = subprocess.run(["git", "show", f":{name}"], cwd=self.root, capture_output=True, check=False)
            if done.stdout != content:
                lost.append(f"{name} in the index")
        return lost


# Commands


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository of a trial, and how it was made."""

    root: Path
    form: Format
    argocd: ArgocdStyle
    revision: RevisionStyle
    is_old: bool = False
    """Whether an earlier version of the template made it."""

    def copied(self, folder: Path) -> Repository:
        """Return a copy, of which git knows that no file has changed."""
        shutil.copytree(self.root, folder, symlinks=True)
        subprocess.run(["git", "update-index", "-q", "--refresh"], cwd=folder, capture_output=True, check=False)
        return replace(self, root=folder)


def create(chance: random.Random, folder: Path, *, old: bool = False) -> Repository:
    """Put a repository with the application web into a folder: as `init` makes it, or as an old template did."""
    form, argocd, revision = kinds(chance)
    if not old:
        return Repository(start(folder, form, argocd=argocd, revision=revision), form, argocd, revision)
    version = chance.choice(versions.versions()[1:])

    def make(place: Path) -> None:
        with versions.checkout(version) as known:
            made = model(("web",), ("dev", "staging", "prod"), form=form, argocd=argocd, revision=revision)
            creation.create(place, rendering.render(made, template=known), branch="main")
        for each in ("dev", "staging", "prod") if revision is RevisionStyle.BRANCH else ():
            git(place, "branch", each)

    root = shared.repository(f"{version} {form} {argocd} {revision}", make, folder, loose=True)
    return Repository(root, form, argocd, revision, is_old=True)


@dataclass(frozen=True, slots=True)
class Command:
    """A command that changes a repository, and what gives it something to do."""

    arguments: tuple[str, ...]
    prepare: Callable[[Repository, Stand], object] = lambda *_: None
    removes: tuple[str, ...] = ()
    """The ends of the folders and files that it takes away with all that is in them."""
    is_delivered: bool = True
    """Whether it takes --commit and --branch."""

    def takes_away(self, file: str) -> bool:
        """Return whether a file is meant to go."""
        return any(f"/{each}/" in f"/{file}/" for each in self.removes)


def _release(made: Repository, _: Stand) -> None:
    """Deploy a new image to dev, and go where it is promoted to."""
    for branch in ("dev", "staging") if made.revision is RevisionStyle.BRANCH else ("main",):
        git(made.root, "switch", "--quiet", branch)
        if branch != "staging":
            release(made.root, form=made.form)


def _promote(made: Repository, stand: Stand) -> None:
    _release(made, stand)
    stand.run(*COMMANDS["promote"].arguments, "--commit", at=made.root)


def _edit_settings(made: Repository, _: Stand) -> None:
    edit(made.root, "environments/prod/environment.yaml", "autoSync: true", "autoSync: false")


def _leave_conflicts(made: Repository, stand: Stand) -> None:
    """Edit by hand what a setting says too, and change the setting."""
    named = 'server: "https://kubernetes.default.svc"'
    edit(made.root, "argocd/prod/project.yaml", named, "server: https://ours.example.com")
    git(made.root, "commit", "--quiet", "--message", "By hand", "--", "argocd/prod/project.yaml")
    stand.run("set", "environment", "prod", "cluster=east", "--yes", at=made.root)


COMMANDS: Mapping[str, Command] = {
    "add app": Command(("add", "app", "shop")),
    "add env": Command(("add", "env", "qa", "--after", "dev")),
    "add component": Command(("add", "component", "reloader", "--env", "prod")),
    "remove app": Command(("remove", "app", "web", "--yes"), removes=("web", "web.yaml")),
    "remove env": Command(("remove", "env", "staging", "--yes"), removes=("staging",)),
    "rename app": Command(("rename", "app", "web", "site", "--yes")),
    "rename env": Command(("rename", "env", "staging", "test", "--yes")),
    "set environment": Command(("set", "environment", "prod", "replicas=4", "autoSync=false", "--yes")),
    "set application": Command(("set", "application", "web", "team=payments")),
    "set repository": Command(("set", "repository", "networkPolicies=true", "quotas=true", "--yes")),
    "apply": Command(("apply", "--yes"), _edit_settings),
    "convert to helm": Command(("convert", "web", "--yes", "--to", "helm"), removes=("web",)),
    "convert to manifests": Command(("convert", "web", "--yes", "--to", "manifests"), removes=("web",)),
    "promote": Command(("promote", "web", "--to", "staging", "--yes"), _release),
    "rollback": Command(("rollback", "web", "staging", "--yes"), _promote),
    "update": Command(("update",)),
    "init": Command(
        ("init", ".", "--repo-url", "https://github.com/acme/gitops.git", "--defaults", "--app", "web"),
        is_delivered=False,
    ),
    "abort": Command(("abort",), _leave_conflicts, is_delivered=False),
}
