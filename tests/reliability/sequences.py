"""Sequences: commands in any order, with a person's edits between them; nothing is lost or broken by any."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field

from argosy.change import planning
from argosy.repository import layout, store
from argosy.repository import model as models
from argosy.repository.model import WRITTEN_HERE, RevisionStyle
from argosy.template import rendering, versions
from tests.changing import files, git
from tests.promoting import MAIN
from tests.reliability.repositories import MARK, Edits, Repository, State, create, difference, state
from tests.reliability.trials import Stand

APPLICATIONS = ("api", "jobs", "shop", "web")
ENVIRONMENTS = ("dev", "live", "prod", "qa", "staging")
COMPONENTS = ("reloader", "metrics-server")
SWITCHES = (
    "networkPolicies=true",
    "networkPolicies=false",
    "quotas=true",
    "monitoring=true",
    "quotas=false",
    "followUp=true",
)


def trial(stand: Stand, chance: random.Random, steps: range = range(5, 16)) -> None:
    """Change a repository by some commands, with edits between them."""
    made = create(chance, stand.folder / "gitops", old=chance.random() < 0.25)
    session = Session(stand, chance, made, Edits(made.root))
    if made.is_old:
        session.errors = session.validate()
    for _ in range(chance.choice(steps)):
        if stand.faults:
            return
        if chance.random() < 0.35:
            session.edit()
        else:
            session.command()
    session.end()


@dataclass
class Session:
    """A repository that commands and a person change in turn."""

    stand: Stand
    chance: random.Random
    made: Repository
    edits: Edits
    errors: set[str] = field(default_factory=set)
    """What was wrong from the start: nothing, unless an old template made it."""
    promoted: set[str] = field(default_factory=set)
    """Where something was promoted to, and perhaps taken back."""
    number: int = 0

    @property
    def model(self) -> models.Repository:
        """What argosy reads of the repository."""
        return store.load(self.made.root).repository

    # A person

    def edit(self) -> None:
        """Write a comment, a file, a new image or a setting, as people do."""
        kind = self.chance.choice(("comment", "comment", "files", "image", "setting"))
        self.number += 1
        if kind == "comment":
            self.stand.step(f"comment in {self.edits.mark(self.chance, self.number)}")
        elif kind == "files" and not self.edits.loose:
            self.edits.write_loose(self.chance)
            self.stand.step(f"edited {', '.join(self.edits.loose)}")
        elif kind == "image":
            self._release()
        elif kind == "setting":
            environment = self.chance.choice(self.model.environments).name
            path = f"{layout.ENVIRONMENTS}/{environment}/environment.yaml"
            text = (self.made.root / path).read_text()
            now = "true" if "autoSync: true" in text else "false"
            then = "false" if now == "true" else "true"
            (self.made.root / path).write_text(text.replace(f"autoSync: {now}", f"autoSync: {then}"))
            self.stand.step(f"autoSync: {then} in {path}")
            self._carry_out(("apply", "--yes"), lambda _: False)

    def _release(self) -> None:
        """Deploy a new image somewhere, as CI does."""
        places = [*self.made.root.glob(f"{layout.ENVIRONMENTS}/*/*/*.yaml")]
        named = [place for place in sorted(places) if place.name in MAIN.values() and b"1.29." in place.read_bytes()]
        if not named or self.made.revision is RevisionStyle.BRANCH:
            return
        chosen = self.chance.choice(named)
        text = chosen.read_text()
        at, tag = text.index("1.29."), f"1.29.{self.number + 10}"
        end = text.index("-alpine", at) if "-alpine" in text[at : at + 20] else at + 6
        chosen.write_text(f"{text[:at]}{tag}{text[end:]}")
        path = str(chosen.relative_to(self.made.root))
        git(self.made.root, "commit", "--quiet", "--message", "Release", "--", path)
        self.stand.step(f"released {tag} in {path}")

    # argosy

    def command(self) -> None:
        """Run a command that the repository as it is has a meaning for, and see what holds after each."""
        current, chance = self.model, self.chance
        applications = [each.name for each in current.applications]
        environments = [each.name for each in current.environments]
        others = [each for each in APPLICATIONS if each not in applications]
        free = [each for each in ENVIRONMENTS if each not in environments]
        one, place = chance.choice(applications or ["web"]), chance.choice(environments)
        component = chance.choice(COMPONENTS)
        installed = {each.name for environment in current.environments for each in environment.components}
        setting = chance.choice(("replicas=4", "autoSync=false", "autoSync=true", "namespace=shared", "namespace="))
        possible: list[tuple[str, ...]] = [
            *(("add", "app", each, "--format", chance.choice(WRITTEN_HERE)) for each in others[:1]),
            *(("add", "env", each, chance.choice(("--after", "--before")), place) for each in free[:1]),
            ("add", "component", component, "--env", place),
            *(("remove", "component", each, "--yes") for each in sorted(installed)),
            *([("remove", "app", one, "--yes")] if len(applications) > 1 else []),
            *([("remove", "env", place, "--yes")] if len(environments) > 1 else []),
            *(("rename", "app", one, each, "--yes") for each in others[:1]),
            *(("rename", "env", place, each, "--yes") for each in free[:1]),
            ("set", "environment", place, setting, "--yes"),
            ("set", "application", one, f"team={chance.choice(('a', 'b'))}"),
            ("set", "repository", chance.choice(SWITCHES), "--yes"),
            ("convert", one, "--to", chance.choice(WRITTEN_HERE), "--yes"),
            ("apply", "--yes"),
            ("update",),
        ]
        if len(environments) > 1 and current.settings.revision is RevisionStyle.TRUNK:
            possible += [("promote", one, "--to", place, "--yes")] * 2
            possible += [("rollback", one, place, "--yes")] * (place in self.promoted)
        line = chance.choice(possible)

        def goes(path: str) -> bool:
            """Return whether what stands in a file goes with what the command takes away."""
            if line[:2] == ("remove", "env"):
                return any(path.startswith(f"{top}/{place}/") for top in ("environments", "argocd", "platform"))
            named = line[2] if line[0] == "remove" else line[1] if line[0] == "convert" else ""
            manifest = f"/{named}.yaml" if line[0] == "remove" else "//"
            return bool(named) and (f"/{named}/" in path or path.endswith(manifest))

        self._carry_out(line, goes)

    def _carry_out(self, line: tuple[str, ...], goes: Callable[[str], bool]) -> None:
        root, chance = self.made.root, self.chance
        commits = chance.random() < 0.7 or self.made.revision is RevisionStyle.BRANCH
        before, tree = state(root), git(root, "rev-parse", "HEAD^{tree}")
        head = git(root, "rev-parse", "HEAD").strip()
        places = {mark: self._places(mark) for mark in self.edits.committed}
        loose = {path for path in self.edits.loose if goes(path)}
        if chance.random() < 0.2:
            self.stand.run(*line, "--dry-run", at=root)
            if state(root) != before:
                self.stand.fault("wrong", f"--dry-run writes: {difference(before, state(root))}")
        # What an earlier template makes of a change is written only where it is valid: "argosy update first".
        is_newest = line[0] == "update" or store.load(root).version == versions.current().version
        unjudged = chance.random() < 0.5 and is_newest
        options = [*(["--commit"] if commits else []), *(["--no-validate"] if unjudged else [])]
        ended = self.stand.run(*line, *options, at=root)
        if line[0] == "promote":
            self.promoted.add(line[3])
        self.stand.counts[f"exit code {ended.code}"] += 1
        if ended.code:
            self._take_back(before)
            if line[0] == "apply":
                git(root, "checkout", "--quiet", "--", f"{layout.ENVIRONMENTS}/*/environment.yaml")
            return
        for mark, where in places.items():
            if where and all(goes(path) for path in where):
                del self.edits.committed[mark]
        if lost := self.edits.lost():
            self.stand.fault("lost", f"{', '.join(lost)}{' (in what was removed)' if loose else ''}")
        if not commits:
            self._commit(before)
        elif dirty := self._dirty():
            self.stand.fault("wrong", f"not committed: {dirty}")
        after = git(root, "rev-parse", "HEAD").strip()
        # git reverts nothing while something is staged, and of several branches one alone. What `apply` commits of a
        # person's new files would go.
        if (
            after != head
            and not self.edits.staged
            and not {*git(root, "diff", "--name-only", "-z", head, after).split("\0")} & {*self.edits.loose}
            and self.made.revision is RevisionStyle.TRUNK
            and chance.random() < 0.25
            and git(root, "rev-parse", "HEAD~1").strip() == head
        ):
            self._revert(tree)
        if chance.random() < 0.4:
            self._check()

    def _take_back(self, before: State) -> None:
        """See that a refusal wrote nothing, or that `abort` takes back what it left."""
        if state(self.made.root) != before:
            self.stand.run("abort", at=self.made.root)
            if (now := state(self.made.root)) != before:
                self.stand.fault("stuck", f"abort leaves {difference(before, now)}")

    def _places(self, mark: str) -> list[str]:
        return [path for path, (_, content) in files(self.made.root).items() if mark.encode() in content]

    def _dirty(self) -> list[str]:
        """Return what git lists besides the person's own files."""
        listed = git(self.made.root, "status", "--porcelain", "-z", "--untracked-files=all").split("\0")
        return [each for each in listed if each and not any(path in each for path in self.edits.loose)]

    def _commit(self, before: State) -> None:
        """Commit what a command wrote, as a person does after a look at it, or take it back."""
        root = self.made.root

        def listed(*options: str) -> list[str]:
            names = git(root, "diff", *options, "--name-only", "--no-renames", "-z").split("\0")
            return [name for name in names if name and name not in self.edits.loose]

        # What `apply` is run for stays as the person left it.
        if unseen := [name for name in listed() if not name.endswith("environment.yaml")]:
            self.stand.fault("wrong", f"not in the index: {unseen}")
        touched = listed("HEAD")
        if self.chance.random() < 0.15 and touched:
            staged = listed("--cached")
            if staged:
                git(root, "restore", "--staged", "--worktree", "--source=HEAD", "--", *staged)
            if state(root)[0] != before[0]:
                self.stand.fault("wrong", f"git restore leaves {difference(before, state(root))}")
            if edited := sorted({*touched} - {*staged}):
                git(root, "restore", "--", *edited)
        elif touched:
            git(root, "commit", "--quiet", "--no-verify", "--message", "What argosy wrote", "--", *touched)

    def _revert(self, tree: str) -> None:
        """Take the last commit back with git, and perhaps make it again so."""
        root = self.made.root
        for wanted in (tree, git(root, "rev-parse", "HEAD^{tree}")):
            self.stand.step("git revert HEAD")
            git(root, "revert", "--no-edit", "HEAD")
            if git(root, "rev-parse", "HEAD^{tree}") != wanted:
                self.stand.fault("wrong", "git revert gives another tree")
            if self.chance.random() < 0.5:
                return

    # What holds

    def validate(self) -> set[str]:
        """Return the errors that validation finds, each as one text."""
        ended = self.stand.run("validate", "--output", "json", at=self.made.root)
        try:
            found = json.loads(ended.out)["findings"]
        except (ValueError, KeyError):
            self.stand.fault("wrong", f"validate gives no JSON: {ended.err[-500:]}")
            return set()
        return {f"{each['path']}: {each['rule']}: {each['message']}" for each in found if each["severity"] == "error"}

    def _check(self) -> None:
        if new := self.validate() - self.errors:
            self.stand.fault("wrong", f"not valid any more: {sorted(new)[:5]}")

    def end(self) -> None:
        """See that the repository is valid and, where nobody edited, what the newest template makes of its model."""
        if self.stand.faults:
            return
        root = self.made.root
        subprocess.run(["git", "fsck", "--strict"], cwd=root, check=True, capture_output=True)
        before = state(root)
        ended = self.stand.run("update", "--commit", "--no-validate", at=root)
        if ended.code == 3:  # A comment lies in what changed.
            self._take_back(before)
        elif ended.code:
            self.stand.fault("wrong", f"update: {ended.err[-800:]}")
        self._check()
        if ended.code:
            return
        wanted = planning.as_files(rendering.render(self.model))
        found = files(root)
        for path, blob in wanted.items():
            content = found.get(path, (0, None))[1]
            if layout.is_seeded(path) or (content and MARK.search(content)):
                continue
            if content != blob.content:
                self.stand.fault("wrong", f"{path} is {'gone' if content is None else 'not'} what the template renders")
