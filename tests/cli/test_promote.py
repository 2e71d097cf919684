"""`argosy promote`, as people meet it."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pexpect
import pytest

from argosy import hosting
from argosy.hosting import client
from argosy.repository.model import WRITTEN_HERE, ArgocdStyle, Format, RevisionStyle
from tests import changing, shared
from tests.changing import State, commit, files, git, state
from tests.conftest import Argosy, in_process
from tests.forked import Forked, Terminal
from tests.hosting.server import Server, playing
from tests.promoting import (
    NEW,
    OLD,
    clone,
    edit,
    encrypted,
    may_ask,
    message,
    on_host,
    path,
    say_host,
    start,
    text,
    with_remote,
)

SOPS_SECRET = "apiVersion: isindir.github.com/v1alpha3\nkind: SopsSecret\nmetadata:\n    name: web\n"
TO_STAGING = ("promote", "web", "--to", "staging")
UNJUDGED = ("--yes", "--commit", "--no-validate")
"""For what comes before the step that a story is about."""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return a small repository of manifests with a new image in dev, which is where one is."""
    root = start(tmp_path / "gitops", released=True)
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def promoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return the same with the promotion to staging committed."""
    root = after(TO_STAGING + UNJUDGED, tmp_path / "gitops")
    monkeypatch.chdir(root)
    return root


def after(arguments: tuple[str, ...], root: Path) -> Path:
    """Put such a repository at a place, once a command has run in it."""

    def make(place: Path) -> None:
        done = in_process(*arguments, "--repository", str(start(place, released=True)))
        assert done.code == 0, done.err

    return shared.repository(f"to promote in, after {arguments}", make, root)


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return a repository with two applications, both with a new image in dev."""
    root = start(tmp_path / "gitops", applications=("api", "web"), released=True)
    monkeypatch.chdir(root)
    return root


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, State, str]:
    """Return such a repository, with its state, that no test changes."""
    root = start(tmp_path_factory.mktemp("untouched") / "gitops", released=True)
    return root, state(root), refs(root)


def refs(root: Path) -> str:
    return git(root, "for-each-ref", "--format=%(refname) %(objectname)")


class TestTheStory:
    """An image, a setting, what belongs to the environment, and what someone has to decide."""

    @pytest.mark.parametrize("form", WRITTEN_HERE)
    def test_each_format(self, argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Format) -> None:
        """Of an ApplicationSet; what is encrypted is of Applications, in each format too."""
        root = start(tmp_path / "gitops", form, environments=("dev", "prod"), argocd=ArgocdStyle.APPLICATIONSET)
        monkeypatch.chdir(root)
        setting = {Format.KUSTOMIZE: "environments/{}/web/patch.yaml"}.get(form, path("{}", form))
        before = {file: text(root, file) for file in {path("prod", form), setting.format("prod")}}
        pinned = {Format.HELM: "replicaCount: ", Format.KUSTOMIZE: "count: ", Format.MANIFESTS: "replicas: "}[form]
        for file, old, new in (
            (setting.format("dev"), ": info  # quiet", ": debug  # loud"),
            (path("dev", form), f"{pinned}1", f"{pinned}2"),
            (path("dev", form), OLD, NEW),
        ):
            changing.edit(root, file, old, new)
        commit(root)

        result = argosy("promote", "web", "--to", "prod", "--commit", "--yes")
        assert result.code == 0, result.err
        for file, was in before.items():
            assert text(root, file) == was.replace(OLD, NEW).replace(": info  # quiet", ": debug  # quiet")
        assert f"{pinned}3" in text(root, path("prod", form))
        for line in (NEW, "promoted", "pinned", "belongs to prod", "prod: web-prod", "Deployment/web"):
            assert line in result.out
        assert message(root).startswith("Promote web from dev to prod\n\nweb, dev to prod:\n")
        assert message(root).endswith(f"Argosy-Promotion: web dev -> prod {git(root, 'rev-parse', 'HEAD^').strip()}")
        assert git(root, "status", "--porcelain") == ""

        again = argosy("promote", "web", "--to", "prod")
        assert (again.code, "Nothing to promote" in again.err) == (0, True)

        back = argosy("rollback", "web", "prod", "--commit", "--yes")
        assert (back.code, "restored" in back.out) == (0, True), back.err
        assert {file: text(root, file) for file in before} == before

    def test_a_new_key_asks(self, argosy: Argosy, repository: Path) -> None:
        edit(
            repository,
            path("dev"),
            "      enableServiceLinks: false\n",
            "      enableServiceLinks: false\n      hostIPC: false\n",
        )
        before = state(repository)
        result = argosy(*TO_STAGING, "--yes", "--commit")
        assert (result.code, state(repository)) == (3, before)
        assert "undecided" in result.out
        assert "--take 'Deployment/web:spec.template.spec.hostIPC'" in result.err
        left = argosy(*TO_STAGING, "--dry-run", "--leave", "**.hostIPC")
        assert (left.code, "left as chosen" in left.out) == (0, True)
        for taken in ("Deployment/web:spec.template.spec.hostIPC", "hostIPC"):
            result = argosy(*TO_STAGING, "--dry-run", "--take", taken)
            assert result.code == (2 if taken == "hostIPC" else 0), result.err
        assert "“hostIPC” matches no key that differs." in result.err
        assert argosy(*TO_STAGING, "--take", "**", "--yes", "--commit").code == 0
        assert "hostIPC: false" in text(repository, path("staging"))

    def test_a_hand_edit_is_a_conflict(self, argosy: Argosy, repository: Path) -> None:
        edit(repository, path("staging"), OLD, "1.29.2-alpine", "A hotfix")
        before = state(repository), refs(repository)
        result = argosy(*TO_STAGING, "--yes", "--commit")
        assert (result.code, (state(repository), refs(repository))) == (3, before)
        assert "set by hand in staging since web came to staging, and changed in dev" in result.out
        assert "Nothing was written" in result.err
        assert argosy(*TO_STAGING, "--yes", "--commit", "--take", "**.image").code == 0
        assert text(repository, path("staging")).count(NEW) == 1

    @pytest.mark.usefixtures("repository")
    def test_a_pinned_key_cannot_be_taken(self, argosy: Argosy) -> None:
        result = argosy(*TO_STAGING, "--take", "**.replicas")
        assert (result.code, "belongs to staging" in result.err, "application.yaml" in result.err) == (2, True, True)

    def test_what_is_left_once_is_not_asked_again(self, argosy: Argosy, repository: Path) -> None:
        edit(
            repository,
            path("dev"),
            "      enableServiceLinks: false\n",
            "      enableServiceLinks: false\n      hostIPC: false\n",
        )
        assert argosy(*TO_STAGING, *UNJUDGED, "--leave", "**").code == 0
        edit(repository, path("dev"), NEW, "1.29.5-alpine")
        result = argosy(*TO_STAGING, "--yes", "--commit")
        assert result.code == 0, result.out
        assert "hostIPC" not in text(repository, path("staging"))

    def test_nothing_moves_and_something_is_open(self, argosy: Argosy, promoted: Path) -> None:
        edit(promoted, path("dev"), "  replicas: 1\n", "  replicas: 1\n  paused: false\n")
        before = state(promoted)
        everything = ("promote", "--all", "--to", "staging", "--yes", "--commit", "--leave", "**")
        result = argosy(*everything)
        assert (result.code, state(promoted)) == (3, before)
        assert "left 1 key that nobody has decided on" in result.err
        assert "web in staging: Deployment/web: spec.paused (left as chosen; new in dev)" in result.err
        assert argosy(*everything, "--allow-open").code == 0
        # Someone looked at this very key, and decided.
        assert argosy(*everything, "--leave", "**.paused").code == 0
        told = json.loads(argosy(*everything, "--output", "json").out)["promotions"][0]["moves"][0]["keys"]
        assert {each["key"]: each["open"] for each in told} == {
            "Deployment/web: spec.paused": True,
            "Deployment/web: spec.replicas": False,
        }

    def test_the_policy(self, argosy: Argosy, repository: Path) -> None:
        settings = "applications/web/application.yaml"
        edit(repository, path("dev"), "value: info", "value: debug")
        (repository / settings).write_text(
            text(repository, settings) + "promotion:\n  pinned: ['Deployment:**.env.LOG_LEVEL']\n"
        )
        refused = argosy(*TO_STAGING)
        assert (refused.code, f"{settings} has uncommitted changes" in refused.err) == (1, True)
        commit(repository)
        result = argosy(*TO_STAGING, "--dry-run")
        assert "(application.yaml: Deployment:**.env.LOG_LEVEL)" in result.out

    def test_a_wide_pattern_in_the_policy_pins_what_moves_by_default(self, argosy: Argosy, repository: Path) -> None:
        settings = "applications/web/application.yaml"
        edit(repository, path("dev"), "value: info", "value: debug")
        pinned = "promotion:\n  pinned: ['**']\n  promote: ['**.env.LOG_LEVEL']\n"
        commit(repository, {settings: text(repository, settings) + pinned})
        before = text(repository, path("staging"))
        assert OLD in before
        result = argosy(*TO_STAGING, "--yes", "--commit")
        assert result.code == 0, result.err
        assert text(repository, path("staging")) == before.replace("value: info", "value: debug")
        assert "(application.yaml: **)" in result.out

    def test_what_does_not_validate_is_refused(self, argosy: Argosy, repository: Path) -> None:
        edit(repository, path("dev"), "terminationGracePeriodSeconds: 30", "terminationGracePeriodSeconds: thirty")
        before = state(repository), refs(repository)
        for options in ((), ("--branch",)):
            result = argosy(*TO_STAGING, "--yes", *options)
            assert (result.code, (state(repository), refs(repository))) == (1, before)
            assert "Nothing was written: the result would not be valid." in result.err
            assert "thirty" in result.err
        assert argosy(*TO_STAGING, "--yes", "--no-validate", "--commit").code == 0
        assert "thirty" in text(repository, path("staging"))

    def test_a_dry_run_writes_nothing(self, argosy: Argosy, repository: Path) -> None:
        def everything() -> tuple[Any, ...]:
            objects = sorted(each.name for each in (repository / ".git/objects").rglob("*"))
            return state(repository), refs(repository), objects, (repository / ".git/MERGE_MSG").exists()

        before = everything()
        result = argosy(*TO_STAGING, "--dry-run")
        assert (result.code, everything()) == (0, before)
        assert f"+      - image: nginx:{NEW}" in result.out or f"+        image: nginx:{NEW}" in result.out

    def test_json(self, argosy: Argosy, repository: Path) -> None:
        told = json.loads(argosy(*TO_STAGING, "--output", "json", "--dry-run").out)
        assert told["dryRun"] is True
        (promotion,) = told["promotions"]
        (move,) = promotion["moves"]
        assert {key: move[key] for key in ("application", "kind", "from", "to", "files")} == {
            "application": "web",
            "kind": "promotion",
            "from": "dev",
            "to": "staging",
            "files": [path("staging")],
        }
        (image,) = [each for each in move["keys"] if each["verdict"] == "promoted"]
        assert (image["before"], image["after"]) == (f"nginx:{OLD}", f"nginx:{NEW}")
        assert image["key"] == "Deployment/web: spec.template.spec.containers.web.image"
        assert promotion["valid"] is True
        assert [each["application"] for each in promotion["difference"]["applications"]] == ["web-staging"]
        written = json.loads(argosy(*TO_STAGING, "--output", "json", "--yes", "--commit").out)["promotions"][0]
        assert (written["committed"], written["commit"]) == (True, git(repository, "rev-parse", "HEAD").strip())
        nothing = argosy(*TO_STAGING, "--output", "json", "--yes", "--commit")
        assert (nothing.code, json.loads(nothing.out)["promotions"][0]["moves"][0]["files"]) == (0, [])

    def test_values_of_secrets_are_not_shown(self, argosy: Argosy, repository: Path) -> None:
        secret = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: key\nstringData:\n  key: {}\n"
        for environment in ("dev", "staging"):
            commit(repository, {f"environments/{environment}/web/secret.yaml": secret.format("sesame")})
        settings = "applications/web/application.yaml"
        commit(repository, {settings: text(repository, settings) + "promotion:\n  promote: ['Secret:']\n"})
        edit(repository, "environments/dev/web/secret.yaml", "sesame", "hunter2")
        for arguments in (("--dry-run",), ("--dry-run", "--output", "json"), ("--yes", "--commit")):
            result = argosy(*TO_STAGING, "--no-validate", "--take", "**", *arguments)
            assert result.code == 0, result.err
            for value in ("sesame", "hunter2", "aHVudGVyMg"):
                assert value not in result.out + result.err
        assert "***" in message(repository)
        assert "hunter2" not in message(repository)
        assert "hunter2" in text(repository, "environments/staging/web/secret.yaml")

    @pytest.mark.parametrize("form", WRITTEN_HERE)
    def test_what_is_encrypted_stays_byte_for_byte(
        self, argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Format
    ) -> None:
        root = start(tmp_path / "gitops", form, environments=("dev", "prod"))
        monkeypatch.chdir(root)
        settings = "applications/web/application.yaml"
        policy = "promotion: {promote: ['**', 'secret.sops.yaml:', 'SopsSecret:']}\n"
        begun: dict[str, str | bytes | None] = {settings: text(root, settings) + policy}
        heads = {"secret.sops.yaml": "", "operator.yaml": SOPS_SECRET, "both.yaml": f"{encrypted('{}')}---\n"}
        for environment in ("dev", "prod"):
            files = {file: encrypted(environment, head) for file, head in heads.items()}
            files["vault.txt"] = f"$ANSIBLE_VAULT;1.1;AES256\n{environment}\n"
            begun |= {f"environments/{environment}/web/{file}": content for file, content in files.items()}
        commit(root, begun)
        before = {file: (root / "environments/prod/web" / file).read_bytes() for file in files}
        changing.edit(root, path("dev", form), OLD, NEW)
        anew = {file: encrypted("dev", head, when=2) for file, head in heads.items()}
        anew["vault.txt"] = "$ANSIBLE_VAULT;1.1;AES256\nnew\n"
        commit(root, {f"environments/dev/web/{file}": content for file, content in anew.items()})

        def now() -> dict[str, bytes]:
            return {file: (root / "environments/prod/web" / file).read_bytes() for file in before}

        go = ("--to", "prod", "--commit", "--yes", "--no-validate")
        for key in ("secret.sops.yaml", "operator.yaml", "vault.txt"):
            refused = argosy("promote", "web", *go, "--take", key)
            assert (refused.code, f"“{key}” is encrypted for prod, so it cannot be taken" in refused.err) == (2, True)
        refused = argosy("promote", "web", *go, "--take", "secret.sops.yaml:config.PASSWORD")
        expected = "is in secret.sops.yaml, which is encrypted for prod, so it cannot be taken"
        assert (refused.code, expected in refused.err) == (2, True), refused.err
        result = argosy("promote", "--all", *go, "--leave", "**", "--take", "**")
        assert (result.code, now()) == (0, before), result.err
        assert NEW in text(root, path("prod", form))
        assert result.out.count("encrypted for prod") == len(before)
        assert "ENC[" not in result.out
        assert argosy("rollback", "web", "prod", "--commit", "--yes", "--no-validate").code == 0
        assert now() == before
        assert OLD in text(root, path("prod", form))


class TestWhoDecides:
    def test_nobody_is_here(self, argosy: Argosy, repository: Path) -> None:
        before = state(repository)
        result = argosy(*TO_STAGING)
        assert (result.code, "Confirm with --yes" in result.err, state(repository)) == (2, True, before)

    def test_on_a_terminal(self, two: Path) -> None:
        for name in ("api", "web"):
            edit(two, path("dev", application=name), "  replicas: 1\n", "  replicas: 1\n  paused: false\n")
        terminal = Terminal(["promote", "--all", "--to", "staging", "--commit"], two)
        terminal.expect("api, dev to staging: Deployment/api: spec.paused is –, and would become false.*take.*leave.*:")
        terminal.sendline("take")
        terminal.expect("web, dev to staging: Deployment/web: spec.paused .*:")
        terminal.sendline("leave")
        terminal.expect("Continue")
        terminal.sendline("y")
        terminal.expect(pexpect.EOF)
        terminal.close()
        assert terminal.exitstatus == 0, terminal.before
        assert "paused" in text(two, path("staging", application="api"))
        assert "paused" not in text(two, path("staging"))
        assert NEW in text(two, path("staging"))

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("promote",), "--to ENV"),
            (("promote", "--to", "staging"), "or use --all"),
            (("promote", "web", "--all", "--to", "staging"), "--all already means every"),
            (("promote", "wbe", "--to", "staging"), "web"),
            (("promote", "web", "--to", "stagign"), "staging"),
            (("promote", "web", "--to", "dev"), "promotesFrom"),
            (("promote", "web", "--from", "dev", "--to", "dev"), "itself"),
            (("promote", "web", "--from", "prod", "--to", "staging", "--chain"), "on the way to staging"),
            ((*TO_STAGING, "--dry-run", "--commit"), "--dry-run"),
            ((*TO_STAGING, "--branch", "--commit"), "Give one of"),
            ((*TO_STAGING, "--message", "x"), "--message is for a commit"),
            ((*TO_STAGING, "--take", "nonsense"), "matches no key that differs"),
            ((*TO_STAGING, "--branch", "name"), "no application"),
            ((*TO_STAGING, "--yes", "--branch=a..b"), "is not a branch"),
            (("promote", "web", "--follow-up", "HEAD"), "Leave the other options out"),
            (("promote", "--follow-up", "1234567"), "no commit “1234567”"),
        ],
    )
    def test_wrong_usage(
        self,
        argosy: Argosy,
        untouched: tuple[Path, State, str],
        monkeypatch: pytest.MonkeyPatch,
        arguments: tuple[str, ...],
        said: str,
    ) -> None:
        root, *before = untouched
        monkeypatch.chdir(root)
        result = argosy(*arguments)
        assert result.code == 2, result.err
        assert said in result.err
        assert "Traceback" not in result.err
        assert [state(root), refs(root)] == before

    def test_an_application_that_is_not_everywhere(self, argosy: Argosy, two: Path) -> None:
        git(two, "rm", "-r", "--quiet", "environments/staging/api", "argocd/staging/api.yaml")
        commit(two)
        result = argosy("promote", "api", "--to", "staging", "--dry-run")
        assert (result.code, "api-staging in staging appears" in result.out) == (0, True)
        result = argosy("promote", "--all", "--to", "staging", "--yes", "--commit")
        assert (result.code, "Not in staging yet, and so left out: api." in result.out + result.err) == (0, True)
        assert message(two).startswith("Promote web from dev to staging")
        result = argosy("promote", "api", "--from", "staging", "--to", "prod", "--dry-run")
        assert (result.code, "api is not deployed to staging" in result.err) == (2, True)

    def test_without_a_repository(self, argosy: Argosy, tmp_path: Path, repository: Path) -> None:
        (repository / ".git").rename(tmp_path / "git")
        for arguments in (TO_STAGING, ("rollback", "web", "staging")):
            result = argosy(*arguments)
            assert (result.code, "not under Git, or has no commit" in result.err) == (1, True)

    def test_before_the_first_commit(self, argosy: Argosy, repository: Path) -> None:
        git(repository, "switch", "--quiet", "--orphan", "empty")
        git(repository, "checkout", "main", "--", ".")
        for arguments in (TO_STAGING, ("rollback", "web", "staging")):
            assert "has no commit yet" in argosy(*arguments).err


class TestSquashes:
    """A host that squashes a pull request may keep its title alone, as Gitea's API does: that tells enough."""

    SETTING = "enableServiceLinks: {}"
    UP = ("--yes", "--branch=up", "--no-validate")

    @staticmethod
    def merged(root: Path, branch: str, said: str = "{} (#7)\n\nCo-authored-by: Ada <ada@example.com>") -> None:
        """Squash a branch into the one that is checked out."""
        title = git(root, "log", "-1", "--format=%s", branch).strip()
        git(root, "merge", "--quiet", "--squash", branch)
        git(root, "commit", "--quiet", "--message", said.format(title))

    def test_on_one_trunk(self, argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        root = after(TO_STAGING + self.UP, tmp_path / "gitops")
        monkeypatch.chdir(root)
        since = git(root, "rev-parse", "HEAD").strip()
        # What comes to dev before the merge was not promoted with it.
        edit(root, path("dev"), self.SETTING.format("false"), self.SETTING.format("true"))
        self.merged(root, "up")
        assert OLD not in text(root, path("staging"))
        told = json.loads(argosy("history", "web", "--output", "json").out)["history"]
        assert [(each["kind"], each["from"], each["to"], each["reverted"]) for each in told] == [
            ("promotion", "dev", "staging", False)
        ]
        assert argosy("promote", "--follow-up", since, *UNJUDGED).code == 0
        assert NEW in text(root, path("prod"))
        edit(root, path("staging"), NEW, "1.29.4-hotfix", "By hand")
        result = argosy(*TO_STAGING, "--yes", "--commit")
        assert result.code == 0, result.out
        assert self.SETTING.format("true") in text(root, path("staging"))
        assert "1.29.4-hotfix" in text(root, path("staging"))

    def test_a_rollback(self, argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        root = start(tmp_path / "gitops", environments=("dev", "prod"))
        monkeypatch.chdir(root)
        for before, after in pairwise((OLD, NEW, "1.29.5-alpine")):
            edit(root, path("dev"), before, after)
            assert argosy("promote", "web", "--to", "prod", *self.UP).code == 0
            self.merged(root, "up", "Merged in up (pull request #7)\n\n{}\n\nApproved-by: Ada")
            git(root, "branch", "--quiet", "-D", "up")
        assert argosy("rollback", "web", "prod", "--yes", "--branch=back", "--no-validate").code == 0
        self.merged(root, "back")
        assert NEW in text(root, path("prod"))
        told = json.loads(argosy("history", "web", "--output", "json").out)["history"]
        assert [(each["kind"], each["rolledBack"]) for each in told] == [
            ("rollback", False),
            ("promotion", True),
            ("promotion", False),
        ]
        assert argosy("rollback", "web", "prod", "--yes", "--commit").code == 0
        assert OLD in text(root, path("prod"))

    def test_with_a_branch_for_each_environment(
        self, argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        root = start(tmp_path / "gitops", environments=("dev", "prod"), revision=RevisionStyle.BRANCH, released=True)
        monkeypatch.chdir(root)
        git(root, "switch", "--quiet", "prod")
        assert argosy("promote", "web", "--to", "prod", *self.UP).code == 0
        git(root, "switch", "--quiet", "dev")
        edit(root, path("dev"), self.SETTING.format("false"), self.SETTING.format("true"))
        git(root, "switch", "--quiet", "prod")
        self.merged(root, "up")
        assert argosy("promote", "web", "--to", "prod", "--yes", "--commit").code == 0
        assert self.SETTING.format("true") in text(root, path("prod"))
        assert "promotion" in argosy("history", "web", "prod").out

    @pytest.mark.parametrize(
        "title", ["Promote web to prod", "Promote api from dev to prod", "Promote 2 applications from dev to prod"]
    )
    def test_a_title_that_the_change_does_not_bear_out(
        self, argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, title: str
    ) -> None:
        root = start(tmp_path / "gitops", environments=("dev", "prod"))
        monkeypatch.chdir(root)
        edit(root, path("prod"), OLD, NEW, title)
        assert json.loads(argosy("history", "web", "--output", "json").out)["history"] == []

    def test_a_title_that_somebody_changed(
        self, argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        root = after(TO_STAGING + self.UP, tmp_path / "gitops")
        monkeypatch.chdir(root)
        since = git(root, "rev-parse", "HEAD").strip()
        self.merged(root, "up", "March release (#7)")
        result = argosy("promote", "--follow-up", since, "--yes", "--commit")
        assert (result.code, "(March release (#7)). Its message tells of no promotion." in result.err) == (0, True)


class TestReverts:
    """What `git revert` takes back is out of the history, and so is promoted again."""

    GO = ("promote", "--all", "--to", "prod", "--yes", "--commit", "--leave", "**")

    @pytest.fixture
    def root(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Return a repository in which a promotion to prod is committed."""

        def make(place: Path) -> None:
            start(place, environments=("dev", "prod"), released=True)
            assert in_process(*self.GO, "--repository", str(place)).code == 0

        root = shared.repository("a promotion to prod", make, tmp_path / "gitops")
        monkeypatch.chdir(root)
        return root

    @staticmethod
    def message(root: Path, how: str) -> str:
        """Return how the message of a revert of HEAD says it."""
        commit, subject = git(root, "rev-parse", "HEAD").strip(), message(root).splitlines()[0]
        body = {
            "git": f"This reverts commit {commit}.",
            "short": f"This reverts commit {commit[:9]} (Promote web, 2026-03-02).",
            "squashed": f'* Revert "{subject}"\n\n  This reverts commit {commit}.\n\n* More',
            "GitHub": "Reverts acme/gitops#12",
            "GitLab": "This reverts merge request !12",
            "nothing": "",
        }
        return f'Revert "{subject}"\n\n{body[how]}'

    def revert(self, root: Path, how: str) -> None:
        """Revert HEAD, and say so in one way."""
        told = self.message(root, how)
        git(root, "revert", "--no-commit", "HEAD")
        git(root, "commit", "--quiet", "--message", told)

    @pytest.mark.parametrize("how", ["git", "short", "squashed", "GitHub", "GitLab", "nothing"])
    def test_it_is_out_of_the_history(self, argosy: Argosy, root: Path, how: str) -> None:
        self.revert(root, how)
        assert OLD in text(root, path("prod"))
        assert "reverted since" in argosy("history", "web").out

    # What was reverted is told once for all commands, by what the message says or by what the commit does.
    @pytest.mark.parametrize("how", ["git", "nothing"])
    def test_no_command_takes_it_for_promoted(self, argosy: Argosy, root: Path, how: str) -> None:
        self.revert(root, how)
        assert "1 key" in argosy("status", "web").out
        refused = argosy("rollback", "web", "prod", "--yes", "--commit")
        assert (refused.code, "no promotion of web to prod" in refused.err) == (2, True)
        planned = json.loads(argosy(*self.GO[:-4], "--dry-run", "--no-validate", "--output", "json").out)
        (move,) = planned["promotions"][0]["moves"]
        assert [each["after"] for each in move["keys"] if each["verdict"] == "promoted"] == [f"nginx:{NEW}"]

    def test_it_is_promoted_again(self, argosy: Argosy, root: Path) -> None:
        git(root, "revert", "--no-edit", "HEAD")
        assert argosy(*self.GO).code == 0
        assert NEW in text(root, path("prod"))
        assert argosy("rollback", "web", "prod", "--yes", "--commit").code == 0
        assert OLD in text(root, path("prod"))

    @pytest.mark.parametrize("how", ["git", "nothing"])
    def test_a_revert_of_a_revert(self, argosy: Argosy, root: Path, how: str) -> None:
        for _ in range(2):
            self.revert(root, how)
        assert "reverted since" not in argosy("history", "web").out
        before = state(root)
        assert (argosy(*self.GO).code, state(root)) == (0, before)
        edit(root, path("dev"), NEW, "1.29.5-alpine")
        assert argosy(*self.GO).code == 0
        assert "1.29.5-alpine" in text(root, path("prod"))

    def test_a_merge_that_is_reverted(self, argosy: Argosy, root: Path) -> None:
        edit(root, path("dev"), NEW, "1.29.5-alpine")
        assert argosy("promote", "--all", "--to", "prod", "--yes", "--branch=up", "--no-validate").code == 0
        git(root, "merge", "--quiet", "--no-ff", "--message", "Merge pull request #7", "up")
        git(root, "revert", "--no-edit", "--mainline", "1", "HEAD")
        edit(root, path("prod"), "enableServiceLinks: false", "enableServiceLinks: true", "By hand")
        told = json.loads(argosy("history", "web", "--output", "json").out)["history"]
        assert [each["reverted"] for each in told] == [True, False]
        assert argosy(*self.GO).code == 0
        assert "1.29.5-alpine" in text(root, path("prod"))
        assert "enableServiceLinks: true" in text(root, path("prod"))

    def test_what_was_set_by_hand_before_is_so_again(self, argosy: Argosy, root: Path) -> None:
        edit(root, path("prod"), NEW, "1.29.3-hotfix", "A hotfix")
        edit(root, path("dev"), NEW, "1.29.5-alpine")
        assert argosy(*self.GO, "--take", "**.image", "--no-validate").code == 0
        git(root, "revert", "--no-edit", "HEAD")
        result = argosy(*self.GO)
        assert (result.code, "conflict" in result.err or "by hand in prod" in result.out) == (3, True)
        assert "1.29.3-hotfix" in text(root, path("prod"))

    def test_a_rollback_that_is_reverted(self, argosy: Argosy, root: Path) -> None:
        assert argosy("rollback", "web", "prod", *UNJUDGED).code == 0
        git(root, "revert", "--no-edit", "HEAD")
        told = json.loads(argosy("history", "web", "--output", "json").out)["history"]
        assert [(each["kind"], each["reverted"], each["rolledBack"]) for each in told] == [
            ("rollback", True, False),
            ("promotion", False, False),
        ]
        edit(root, path("dev"), NEW, "1.29.5-alpine")
        assert argosy(*self.GO, "--no-validate").code == 0
        assert argosy("rollback", "web", "prod", "--steps", "2", "--yes", "--commit").code == 0
        assert OLD in text(root, path("prod"))

    def test_what_is_reverted_is_not_followed_up(self, argosy: Argosy, promoted: Path) -> None:
        git(promoted, "revert", "--no-edit", "HEAD")
        result = argosy("promote", "--follow-up", "HEAD~2", "--yes", "--commit")
        assert (result.code, "Nothing to follow up" in result.err) == (0, True)


class TestManyAtOnce:
    def test_all(self, argosy: Argosy, two: Path) -> None:
        result = argosy("promote", "--all", "--to", "staging", "--yes", "--commit")
        assert result.code == 0, result.err
        assert message(two).startswith("Promote api and web from dev to staging\n")
        assert message(two).count("Argosy-Promotion: ") == 2
        assert all(NEW in text(two, path("staging", application=name)) for name in ("api", "web"))

    def test_named_twice(self, argosy: Argosy, repository: Path) -> None:
        assert argosy("promote", "web", "web", "--to", "staging", "--yes", "--commit").code == 0
        assert message(repository).count("Argosy-Promotion: ") == 1

    def test_from_another_environment(self, argosy: Argosy, repository: Path) -> None:
        assert argosy("promote", "web", "--from", "dev", "--to", "prod", "--yes", "--commit").code == 0
        assert "Argosy-Promotion: web dev -> prod " in message(repository)
        assert OLD in text(repository, path("staging"))

    def test_without_where_it_promotes_from(self, argosy: Argosy, repository: Path) -> None:
        edit(repository, "environments/prod/environment.yaml", 'promotesFrom: "staging"', 'promotesFrom: ""')
        result = argosy("promote", "web", "--to", "prod")
        assert (result.code, "--from" in result.err) == (2, True)
        assert argosy("promote", "web", "--from", "dev", "--to", "prod", "--dry-run").code == 0

    def test_a_chain(self, argosy: Argosy, repository: Path) -> None:
        result = argosy("promote", "web", "--to", "prod", "--chain", "--yes", "--commit")
        assert result.code == 0, result.err
        assert [NEW in text(repository, path(name)) for name in ("staging", "prod")] == [True, True]
        head = git(repository, "rev-parse", "HEAD^").strip()
        assert message(repository).splitlines()[0] == "Promote web from dev over staging to prod"
        assert message(repository).endswith(
            f"Argosy-Promotion: web dev -> staging {head}\nArgosy-Promotion: web staging -> prod"
        )
        edit(repository, path("dev"), NEW, "1.29.5-alpine")
        assert argosy("promote", "web", "--to", "prod", "--chain", *UNJUDGED).code == 0
        assert "1.29.5-alpine" in text(repository, path("prod"))
        assert argosy("rollback", "web", "prod", "--yes", "--commit").code == 0
        assert NEW in text(repository, path("prod"))
        assert "1.29.5-alpine" in text(repository, path("staging"))

    def test_follow_up(self, argosy: Argosy, two: Path) -> None:
        since = git(two, "rev-parse", "HEAD").strip()
        assert argosy("promote", "--all", "--to", "staging", *UNJUDGED).code == 0
        assert argosy("rollback", "api", "staging", *UNJUDGED).code == 0
        result = argosy("promote", "--follow-up", since, "--yes", "--commit")
        assert (result.code, "To follow up: web from staging to prod." in result.err) == (0, True)
        assert NEW in text(two, path("prod"))
        assert OLD in text(two, path("prod", application="api"))
        for nothing in ("HEAD", "0" * 40):
            result = argosy("promote", "--follow-up", nothing, "--yes", "--commit")
            assert (result.code, "Nothing to follow up" in result.err) == (0, True)


class TestWhatIsNotCommitted:
    @pytest.mark.parametrize("file", [path("dev"), "environments/dev/web/new.yaml"])
    def test_in_the_source(self, argosy: Argosy, repository: Path, file: str) -> None:
        (repository / file).write_text((repository / file).read_text() + "\n" if file == path("dev") else "new: 1\n")
        before = state(repository)
        result = argosy(*TO_STAGING, "--yes")
        assert (result.code, state(repository)) == (1, before)
        assert f"{file} has uncommitted changes" in result.err

    def test_in_the_target(self, argosy: Argosy, repository: Path) -> None:
        (repository / path("staging")).write_text(text(repository, path("staging")) + "# mine\n")
        before = state(repository)
        result = argosy(*TO_STAGING, "--yes")
        assert (result.code, state(repository)) == (1, before)
        assert path("staging") in result.err

    def test_elsewhere(self, argosy: Argosy, repository: Path) -> None:
        (repository / "README.md").write_text("mine\n")
        (repository / "staged.txt").write_text("staged\n")
        git(repository, "add", "staged.txt")
        assert argosy(*TO_STAGING, "--yes", "--commit").code == 0
        assert git(repository, "show", "--name-only", "--format=").split() == [path("staging")]
        assert git(repository, "status", "--porcelain") == " M README.md\nA  staged.txt\n"

    def test_the_message_waits_for_the_commit(self, argosy: Argosy, two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (two / ".git/MERGE_MSG").write_text("Left over from long ago\n")
        for name in ("web", "api"):
            result = argosy("promote", name, "--to", "staging", "--yes")
            assert (result.code, "Next: git diff --staged" in result.err) == (0, True), result.err
        monkeypatch.setenv("GIT_EDITOR", "true")
        git(two, "commit")
        assert message(two).startswith("Promote web from dev to staging\n")
        for name in ("web", "api"):
            assert f"\nArgosy-Promotion: {name} dev -> staging " in message(two)
        assert argosy("rollback", "api", "staging", "--yes", "--commit").code == 0
        assert OLD in text(two, path("staging", application="api"))


class TestAllOrNothing:
    def test_a_hook_that_refuses(self, argosy: Argosy, repository: Path) -> None:
        hook = repository / ".git/hooks/pre-commit"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\necho 'not on a Friday' >&2\nexit 1\n")
        hook.chmod(0o755)
        (repository / "staged.txt").write_text("staged\n")
        git(repository, "add", "staged.txt")
        before = state(repository), refs(repository)
        result = argosy(*TO_STAGING, "--yes", "--commit")
        assert (result.code, (state(repository), refs(repository))) == (1, before)
        assert "not on a Friday" in result.err
        assert "Nothing was changed" in result.err

    def test_the_message_cannot_be_written(self, argosy: Argosy, repository: Path) -> None:
        (repository / ".git/MERGE_MSG").mkdir()
        before = state(repository)
        assert argosy(*TO_STAGING, "--yes").code == 1
        assert state(repository) == before

    @pytest.mark.parametrize("delay", [0.0, 0.01])
    def test_killed(self, argosy: Argosy, repository: Path, delay: float) -> None:
        before = state(repository)
        running = Forked([*TO_STAGING, "--yes"], cwd=repository, start_new_session=True)
        while running.poll() is None and not list((repository / ".git/argosy").glob("writing.*")):
            time.sleep(0.001)
        time.sleep(delay)
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        (repository / ".git/index.lock").unlink(missing_ok=True)
        result = argosy(*TO_STAGING, "--dry-run")
        if "were undone" in result.err:
            assert state(repository) == before
            assert argosy(*TO_STAGING, "--yes").code == 0
        assert git(repository, "diff", "--cached", "--name-only") in {"", f"{path('staging')}\n"}


class TestOnABranch:
    BRANCH = "promote/web-dev-to-staging"

    def test_the_work_tree_stays(self, argosy: Argosy, repository: Path) -> None:
        (repository / path("staging")).write_text("mine\n")
        (repository / path("dev")).write_text("mine too\n")
        (repository / "new.txt").write_text("new\n")
        git(repository, "add", "new.txt")
        before = state(repository)
        result = argosy(*TO_STAGING, "--branch", "--yes")
        assert (result.code, state(repository)) == (0, before), result.err
        assert f"{path('dev')} has uncommitted changes, which are left out." in result.err
        assert NEW in text(repository, path("staging"), self.BRANCH)
        assert git(repository, "diff", "--name-only", "main", self.BRANCH).split() == [path("staging")]
        assert git(repository, "rev-parse", f"{self.BRANCH}^") == git(repository, "rev-parse", "main")
        assert git(repository, "log", "-1", "--format=%an <%ae> %cn", self.BRANCH) == "Ada <ada@example.com> Ada\n"

    def test_again(self, argosy: Argosy, repository: Path) -> None:
        assert argosy(*TO_STAGING, "--branch", "--yes", "--no-validate").code == 0
        first = git(repository, "rev-parse", self.BRANCH)
        assert argosy(*TO_STAGING, "--branch", "--yes").code == 0
        assert git(repository, "rev-parse", self.BRANCH) == first
        edit(repository, path("dev"), NEW, "1.29.5-alpine")
        assert argosy(*TO_STAGING, "--branch", "--yes").code == 0
        assert "1.29.5-alpine" in text(repository, path("staging"), self.BRANCH)
        assert git(repository, "rev-list", "--count", f"main..{self.BRANCH}") == "1\n"

    def test_a_branch_of_someone_else(self, argosy: Argosy, repository: Path) -> None:
        git(repository, "switch", "--quiet", "--create", "mine")
        edit(repository, "README.md", "\n", "\n\n")
        git(repository, "switch", "--quiet", "main")
        before = refs(repository)
        result = argosy(*TO_STAGING, "--branch=mine", "--yes")
        assert (result.code, refs(repository)) == (1, before)
        assert "has commits that are not part of this promotion" in result.err

    def test_a_branch_that_is_checked_out(self, argosy: Argosy, repository: Path) -> None:
        git(repository, "switch", "--quiet", "--create", "mine")
        before = state(repository), refs(repository)
        result = argosy(*TO_STAGING, "--branch=mine", "--yes")
        assert (result.code, (state(repository), refs(repository))) == (2, before)
        assert "The branch mine is checked out" in result.err
        result = argosy(*TO_STAGING, "--branch=main", "--yes")
        assert (result.code, (state(repository), refs(repository))) == (2, before)
        assert "The branch main is what prod follows" in result.err

    def test_signed(self, argosy: Argosy, repository: Path, tmp_path: Path) -> None:
        signer = tmp_path / "sign"
        signer.write_text("#!/bin/sh\ncat > /dev/null\necho '[GNUPG:] SIG_CREATED ' >&2\necho 'signed by Ada'\n")
        signer.chmod(0o755)
        git(repository, "config", "gpg.program", str(signer))
        git(repository, "config", "commit.gpgSign", "true")
        git(repository, "config", "log.showSignature", "true")
        assert argosy(*TO_STAGING, "--branch", "--yes").code == 0
        assert "gpgsig signed by Ada" in git(repository, "cat-file", "commit", self.BRANCH)
        git(repository, "config", "gpg.program", "/nowhere/gpg")
        before = refs(repository)
        assert argosy(*TO_STAGING, "--branch=other", "--yes").code == 1
        assert refs(repository) == before

    def test_without_an_identity(self, argosy: Argosy, repository: Path, git_configuration: Path) -> None:
        git_configuration.write_text("")
        refused = argosy(*TO_STAGING, "--branch", "--yes")
        assert (refused.code, "git does not know whom to commit as" in refused.err) == (1, True)
        assert git(repository, "branch", "--list", self.BRANCH) == ""

    def test_a_detached_head(self, argosy: Argosy, repository: Path) -> None:
        git(repository, "checkout", "--quiet", "--detach")
        assert argosy(*TO_STAGING, "--branch", "--yes").code == 0
        assert argosy(*TO_STAGING, "--commit", "--yes").code == 0

    def test_the_page_to_open(self, argosy: Argosy, repository: Path) -> None:
        with_remote(repository)
        git(repository, "config", "remote.origin.url", "https://ada:secret@github.com/acme/gitops.git")
        result = argosy(*TO_STAGING, "--branch", "--yes")
        assert result.code == 0
        assert f"git push origin {self.BRANCH}" in result.err
        assert "https://github.com/acme/gitops/compare/" in result.out
        assert "secret" not in result.out + result.err


@pytest.fixture(params=["github"])
def kind(request: pytest.FixtureRequest) -> str:
    """Return what the host is: of test_delivery.py, each kind in turn, by the same way there."""
    return str(request.param)


@pytest.fixture
def server(kind: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Play a host."""
    monkeypatch.setattr(client, "BACKOFF", 0)
    with playing(kind) as played:
        yield played


@pytest.fixture
def bare(repository: Path, kind: str, server: Server, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the remote of the repository, on a host that is played."""
    say_host(repository, kind)
    may_ask(server, monkeypatch)
    return with_remote(repository)


REQUEST = (*TO_STAGING, "--pull-request", "--yes")


class TestAPullRequest:
    BRANCH = "promote/web-dev-to-staging"

    def test_the_host_knows_what_a_squash_promoted(
        self, argosy: Argosy, repository: Path, bare: Path, server: Server
    ) -> None:
        since = git(repository, "rev-parse", "HEAD").strip()
        assert argosy(*REQUEST, "--no-validate").code == 0
        (pull,) = server.pull_requests
        git(repository, "fetch", "--quiet", "origin")
        git(repository, "merge", "--quiet", "--squash", f"origin/{self.BRANCH}")
        git(repository, "commit", "--quiet", "--no-verify", "--message", "March release")
        git(repository, "push", "--quiet")
        pull.is_open, pull.merged, asked = False, git(repository, "rev-parse", "HEAD").strip(), len(server.requests)
        follow_up = ("promote", "--follow-up", since, "--yes")
        result = argosy(*follow_up, "--dry-run")
        assert (result.code, "Not followed up: " in result.err, len(server.requests)) == (0, True, asked)

        told, pull.body = pull.body, "Argosy-Promotion: api dev -> staging\nArgosy-Promotion: web dev -> prod\n"
        result = argosy(*follow_up, "--pull-request")
        assert (result.code, "Nothing to follow up" in result.err) == (0, True), result.err
        server.fail_next(403, on="/commits/")
        result = argosy(*follow_up, "--pull-request")
        assert (result.code, "Not followed up: " in result.err) == (0, True), result.err
        assert "look for the pull request of the commit" in result.err

        pull.body = told
        result = argosy(*follow_up, "--pull-request")
        assert (result.code, "To follow up: web from staging to prod." in result.err) == (0, True), result.err
        assert "Not followed up" not in result.err
        assert NEW in text(bare, path("prod"), "promote/web-staging-to-prod")

    @pytest.mark.parametrize(
        "kind", ["github", "bitbucket"], indirect=True
    )  # One that has labels, and one that has none.
    def test_opened_and_updated(self, argosy: Argosy, repository: Path, bare: Path, server: Server) -> None:
        commit(repository, {"CODEOWNERS": "* @ada\nenvironments/prod/ @grace\n"})
        edit(repository, ".argosy.yaml", "host:", "promotion: {labels: [release]}\nhost:")
        git(repository, "push", "--quiet")
        before = state(repository)
        result = argosy(*REQUEST, "--no-validate")
        assert (result.code, state(repository)) == (0, before), result.err
        (request,) = server.pull_requests
        assert (request.branch, request.base, request.title) == (self.BRANCH, "main", "Promote web from dev to staging")
        assert NEW in text(bare, path("staging"), self.BRANCH)
        assert request.reviewers == ["ada"]
        assert "promoted" in request.body
        assert f"nginx:{NEW}" in request.body
        assert request.body.rstrip().splitlines()[-1].startswith("Argosy-Promotion: web dev -> staging ")
        assert server.token not in result.out + result.err + request.body
        if request.labels:  # Bitbucket has none.
            assert request.labels == ["release"]

        edit(repository, path("dev"), NEW, "1.29.5-alpine")
        git(repository, "push", "--quiet")
        told = json.loads(argosy(*REQUEST, "--no-validate", "--output", "json").out)["promotions"][0]
        assert told["pullRequest"]["created"] is False
        assert len(server.pull_requests) == 1
        assert "1.29.5-alpine" in server.pull_requests[0].body
        assert "1.29.5-alpine" in text(bare, path("staging"), self.BRANCH)
        assert git(bare, "rev-list", "--count", f"main..{self.BRANCH}") == "1\n"

    def test_nothing_is_pushed_twice(self, argosy: Argosy, repository: Path, bare: Path, server: Server) -> None:
        assert argosy(*REQUEST).code == 0
        pushed = git(bare, "rev-parse", self.BRANCH)
        edit(repository, path("dev"), NEW, "1.29.5-alpine")
        result = argosy(*REQUEST)
        assert "Commits of main that are not on origin yet are left out" in result.err
        assert (git(bare, "rev-parse", self.BRANCH), len(server.pull_requests)) == (pushed, 1)

    @pytest.mark.usefixtures("repository", "server")
    def test_someone_pushed_to_the_branch(self, argosy: Argosy, bare: Path, tmp_path: Path) -> None:
        assert argosy(*REQUEST, "--no-validate").code == 0
        other = clone(bare, tmp_path / "other")
        git(other, "switch", "--quiet", self.BRANCH)
        edit(other, "README.md", "\n", "\n\n")
        git(other, "push", "--quiet")
        before = git(bare, "rev-parse", self.BRANCH)
        result = argosy(*REQUEST)
        assert (result.code, git(bare, "rev-parse", self.BRANCH)) == (1, before)
        assert "has commits that are not part of this promotion" in result.err

    @pytest.mark.usefixtures("repository", "server")
    def test_the_remote_is_ahead(self, argosy: Argosy, bare: Path, tmp_path: Path) -> None:
        other = clone(bare, tmp_path / "other")
        edit(other, path("dev"), NEW, "1.29.6-alpine")
        git(other, "push", "--quiet")
        assert argosy(*REQUEST).code == 0
        assert "1.29.6-alpine" in text(bare, path("staging"), self.BRANCH)
        assert git(bare, "rev-parse", f"{self.BRANCH}^") == git(bare, "rev-parse", "main")

    @pytest.mark.usefixtures("repository")
    def test_without_a_token(self, argosy: Argosy, bare: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("ARGOSY_TOKEN")
        result = argosy(*REQUEST)
        assert result.code == 0, result.err
        assert "https://git.example.com/acme/gitops/" in result.out
        assert "ARGOSY_TOKEN" in result.err
        assert NEW in text(bare, path("staging"), self.BRANCH)
        assert server.requests == []

    @pytest.mark.usefixtures("repository", "bare")
    def test_the_host_refuses(self, argosy: Argosy, server: Server) -> None:
        for status in (401, 429, 500):  # At once, and after it was tried again; what else may come, tests/hosting has.
            server.fail_next(status, {"Retry-After": "0"} if status == 429 else None, times=20)
            result = argosy(*REQUEST, "--no-validate")
            assert result.code == 1, (status, result.err)
            assert f"The branch {self.BRANCH} is pushed already: run this command again" in result.err
            assert server.token not in result.out + result.err
            server._faults.clear()
        assert argosy(*REQUEST).code == 0
        assert len(server.pull_requests) == 1

    @pytest.mark.parametrize("kind", ["github", "bitbucket"], indirect=True)
    @pytest.mark.usefixtures("bare")
    def test_a_huge_difference(self, argosy: Argosy, repository: Path, server: Server, kind: str) -> None:
        most = {"github": 65_536, "bitbucket": 32_768}[kind]
        long = "value " * 300
        lines = "".join(f"  key-{number}: {long}{number}\n" for number in range(most // len(long)))
        config = f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: big\ndata:\n{lines}"
        commit(repository, {f"environments/{each}/web/big.yaml": config for each in ("dev", "staging")})
        commit(repository, {"environments/dev/web/big.yaml": config.replace("value value", "another value")})
        git(repository, "push", "--quiet")
        result = argosy(*REQUEST, "--no-validate", "--take", "**")
        assert result.code == 0, result.err
        body = server.pull_requests[0].body
        assert ("so see `argosy diff`" in body, len(body) <= most) == (True, True)
        assert body.splitlines()[-1].startswith("Argosy-Promotion: web dev -> staging ")
        assert body.count("```") % 2 == 0

    def test_how_long_a_text_each_host_takes(self) -> None:
        takes = {"github": 65_536, "gitlab": 1_048_576, "bitbucket": 32_768, "gitea": 65_535}
        assert all(hosting._KINDS[kind].body_limit <= most for kind, most in takes.items())

    @pytest.mark.usefixtures("server")
    def test_a_remote_that_is_gone(self, argosy: Argosy, repository: Path, bare: Path) -> None:
        bare.rename(bare.with_suffix(".gone"))
        before = state(repository)
        result = argosy(*REQUEST)
        assert (result.code, state(repository)) == (1, before)
        assert "Nothing was changed there" in result.err

    @pytest.mark.usefixtures("bare")
    def test_interrupted(self, argosy: Argosy, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr("argosy.hosting.Host.propose", interrupt)
            result = argosy(*REQUEST, "--no-validate")
        assert (result.code, "Interrupted" in result.err, "Nothing was changed" in result.err) == (130, True, False)
        assert argosy(*REQUEST).code == 0
        assert len(server.pull_requests) == 1

    @pytest.mark.usefixtures("repository")
    def test_without_a_remote(self, argosy: Argosy) -> None:
        result = argosy(*REQUEST)
        assert (result.code, "git remote add origin URL" in result.err) == (2, True)


@pytest.fixture
def branchy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return a repository of Helm charts with a branch for each environment, on dev's, with a new image there."""
    root = start(tmp_path / "gitops", Format.HELM, revision=RevisionStyle.BRANCH, released=True)
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return the same, on staging's branch, with the promotion to it committed."""

    def make(place: Path) -> None:
        root = start(place, Format.HELM, revision=RevisionStyle.BRANCH, released=True)
        git(root, "switch", "--quiet", "staging")
        assert in_process(*TO_STAGING, *UNJUDGED, "--repository", str(root)).code == 0

    root = shared.repository("with a branch for each environment, promoted to staging", make, tmp_path / "gitops")
    monkeypatch.chdir(root)
    return root


CHART = "applications/web/charts/web/templates/service.yaml"
VALUES = path("staging", Format.HELM)


class TestABranchForEachEnvironment:
    def test_the_chart_comes_along(self, argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        style, both = RevisionStyle.BRANCH, ("api", "web")
        branchy = start(tmp_path / "gitops", Format.HELM, both, ("dev", "staging"), revision=style, released=True)
        monkeypatch.chdir(branchy)
        for name, whose in (("web", "Ours"), ("api", "Theirs")):
            chart = CHART.replace("web", name)
            changing.edit(branchy, chart, "apiVersion: v1\n", f"# {whose}\napiVersion: v1\n")
        commit(branchy)
        refused = argosy(*TO_STAGING, "--yes", "--commit")
        assert (refused.code, "git switch staging" in refused.err) == (2, True)
        git(branchy, "switch", "--quiet", "staging")
        before = files(branchy)
        result = argosy(*TO_STAGING, "--yes", "--commit")
        assert result.code == 0, result.err
        assert "changed on dev's branch" in result.out
        changed = set(git(branchy, "show", "--name-only", "--format=").split())
        assert changed == {VALUES, CHART, path("dev", Format.HELM)}
        assert text(branchy, CHART).startswith("# Ours\n") or "# Ours\napiVersion" in text(branchy, CHART)
        again = argosy(*TO_STAGING, "--yes", "--commit")
        assert (again.code, "Nothing to promote" in again.err) == (0, True)
        assert argosy("rollback", "web", "staging", "--yes", "--commit").code == 0
        assert {name: files(branchy)[name] for name in (VALUES, CHART)} == {
            name: before[name] for name in (VALUES, CHART)
        }

    def test_both_changed_the_chart(self, argosy: Argosy, branchy: Path) -> None:
        edit(branchy, CHART, "apiVersion: v1\n", "# Ours\napiVersion: v1\n")
        git(branchy, "switch", "--quiet", "staging")
        (branchy / CHART).write_text(text(branchy, CHART) + "{{/* Of staging */}}\n")
        commit(branchy)
        assert argosy(*TO_STAGING, "--yes", "--commit").code == 0
        assert "# Ours" in text(branchy, CHART)
        assert text(branchy, CHART).endswith("{{/* Of staging */}}\n")
        git(branchy, "switch", "--quiet", "dev")
        edit(branchy, CHART, "# Ours\n", "# Ours, again\n")
        git(branchy, "switch", "--quiet", "staging")
        assert argosy(*TO_STAGING, *UNJUDGED).code == 0
        assert "# Ours, again" in text(branchy, CHART)
        git(branchy, "switch", "--quiet", "dev")
        edit(branchy, CHART, "# Ours, again\n", "# Ours, once more\n")
        git(branchy, "switch", "--quiet", "staging")
        edit(branchy, CHART, "# Ours, again\n", "# Staging's\n")
        before = state(branchy)
        result = argosy(*TO_STAGING, "--yes", "--commit")
        assert (result.code, state(branchy)) == (3, before)
        assert "changed here in the same lines" in result.out

    def test_only_what_is_pinned_differs(self, argosy: Argosy, ahead: Path) -> None:
        git(ahead, "switch", "--quiet", "dev")
        edit(ahead, path("dev", Format.HELM), "replicaCount: 1", "replicaCount: 2")
        result = argosy(*TO_STAGING, "--yes", "--branch")
        assert (result.code, "Nothing to promote" in result.err) == (0, True)

    @pytest.mark.parametrize("kind", ["gitlab"], indirect=True)
    def test_a_chain_of_pull_requests(
        self, argosy: Argosy, branchy: Path, kind: str, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        edit(branchy, CHART, "apiVersion: v1\n", "# Ours\napiVersion: v1\n")
        bare = with_remote(branchy)
        on_host(branchy, kind, server, monkeypatch)
        result = argosy("promote", "web", "--to", "prod", "--chain", "--pull-request", "--yes")
        assert result.code == 0, result.err
        assert [(each.branch, each.base) for each in server.pull_requests] == [
            ("promote/web-dev-to-staging", "staging"),
            ("promote/web-staging-to-prod", "prod"),
        ] or [(each.branch, each.base) for each in server.pull_requests] == [
            ("promote/web-dev-to-staging", "staging"),
            ("promote/web-dev-to-prod", "prod"),
        ]
        for each in server.pull_requests:
            assert "# Ours" in text(bare, CHART, each.branch)
            assert NEW in text(bare, path(each.base, Format.HELM), each.branch)
            assert git(bare, "rev-list", "--count", f"{each.base}..{each.branch}") == "1\n"

    def test_a_chain_of_which_one_branch_is_left(self, argosy: Argosy, ahead: Path) -> None:
        git(ahead, "switch", "--quiet", "main")
        result = argosy("promote", "web", "--to", "prod", "--chain", "--yes", "--commit")
        assert (result.code, "git push origin prod" in result.err) == (0, True), result.err
        assert NEW in text(ahead, path("prod", Format.HELM), "prod")

    def test_a_clone_that_lacks_the_branches(
        self, argosy: Argosy, branchy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bare = with_remote(branchy)
        git(tmp_path, "clone", "--quiet", "--single-branch", "--branch", "dev", f"file://{bare}", "narrow")
        monkeypatch.chdir(tmp_path / "narrow")
        result = argosy(*TO_STAGING, "--yes", "--branch")
        assert (result.code, "There is no branch staging here" in result.err) == (1, True), result.err
        git(Path.cwd(), "config", f"url.{bare}.insteadOf", "https://github.com/acme/gitops.git")
        git(Path.cwd(), "remote", "set-url", "origin", "https://github.com/acme/gitops.git")
        result = argosy(*REQUEST)
        assert result.code == 0, result.err
        assert "https://github.com/acme/gitops/compare/staging" in result.out
        assert NEW in text(bare, VALUES, "promote/web-dev-to-staging")
