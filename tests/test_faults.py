"""All or nothing: a command is killed, a disk is full, a hook refuses, another process is at work."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import filelock
import pytest

from argosy.delivery import changes
from tests.changing import State, commit, create, edit, git, model, state
from tests.children import until
from tests.conftest import NO_PRIVILEGES, SMALL_FILES, Argosy, Process
from tests.forked import Forked
from tests.killing import FULL, kill_each_step

ADD = ("add", "env", "qa", "--after", "dev", "--quiet")
WRITE = (*ADD, "--no-validate")
"""The same where nothing is asked of when, or with what, it is judged."""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return a small repository, which is where one is."""
    root = create(tmp_path / "gitops", model(("api", "web")))
    monkeypatch.chdir(root)
    return root


def finished(argosy: Argosy, repository: Path) -> State:
    """Return the state after WRITE, and go back to the one before it."""
    assert argosy(*WRITE).code == 0
    after = state(repository)
    git(repository, "reset", "--quiet", "--hard")
    return after


def test_killed_at_any_moment(argosy: Argosy, repository: Path) -> None:
    before, after = state(repository), finished(argosy, repository)
    for delay in random.Random(0).sample(range(80), 2):
        _kill(repository, ADD, delay / 1000)
        lock = repository / ".git/index.lock"
        if lock.exists():
            result = argosy("abort")
            assert result.code == 1
            assert "remove that file" in result.err
            lock.unlink()
        result = argosy(*WRITE)
        if "were undone" in result.err:
            assert state(repository) == before
            assert argosy(*WRITE).code == 0
        else:
            assert result.code == 0 or "already" in result.err
        assert state(repository) == after
        git(repository, "reset", "--quiet", "--hard")


@pytest.mark.skipif(sys.platform == "win32", reason="a process is forked for each step")
@pytest.mark.parametrize("how", ["SIGKILL", FULL])
def test_stopped_at_its_steps(repository: Path, how: str) -> None:
    """A few of the steps; `kill_each_step` takes all of them, and any command."""
    arguments = ("set", "environment", "prod", "autoSync=false", "--commit", "--no-validate", "--quiet")
    assert kill_each_step(arguments, how, repository, most=3) == []


def _kill(repository: Path, arguments: tuple[str, ...], delay: float) -> None:
    """Run argosy, and kill it and its children a moment after it began to write."""
    running = Forked(arguments, cwd=repository, start_new_session=True)
    folder = repository / ".git/argosy"
    while running.poll() is None and not list(folder.glob("writing.*")):
        time.sleep(0.001)
    time.sleep(delay)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
    running.wait()


def test_killed_between_writing_and_the_commit(argosy: Argosy, repository: Path) -> None:
    _hook(repository, "pre-commit", "kill -9 0")
    before = state(repository)
    for undone_by in (("abort",), WRITE):
        assert Forked([*WRITE, "--commit"], cwd=repository, start_new_session=True).wait() == -signal.SIGKILL
        (repository / ".git/index.lock").unlink(missing_ok=True)
        assert state(repository) != before
        result = argosy(*undone_by)
        assert (result.code == 0) is (undone_by == ("abort",)), result.err
        assert state(repository) == before
    (repository / ".git/hooks/pre-commit").unlink()
    assert argosy(*WRITE, "--commit").code == 0


def _hook(repository: Path, name: str, script: str) -> None:
    hook = repository / ".git/hooks" / name
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{script}\n")
    hook.chmod(0o755)


def test_git_fails_at_each_call(argosy: Argosy, process: Process, repository: Path, tmp_path: Path) -> None:
    """Each git process that writes fails once: the first, the second, … until there is none to fail."""
    before = state(repository)
    calls, wrapper = tmp_path / "calls", tmp_path / "bin/git"
    wrapper.parent.mkdir()
    real = subprocess.run(["which", "git"], check=True, capture_output=True, text=True).stdout.strip()
    path = f"{wrapper.parent}{os.pathsep}{os.environ['PATH']}"
    for call in itertools.count(1):
        wrapper.write_text(f"""#!/bin/sh
case "$*" in *update-index*|*checkout-index*|*fast-import*|commit*)
  echo x >> "{calls}"
  if [ "$(wc -l < "{calls}")" -eq {call} ]; then echo "fatal: out of luck" >&2; exit 128; fi;;
esac
exec {real} "$@"
""")
        wrapper.chmod(0o755)
        calls.write_text("")
        result = process(*WRITE, "--commit", cwd=repository, env={"PATH": path})
        assert argosy("abort").code == 1
        assert git(repository, "status", "--porcelain") == ""
        if len(calls.read_text().splitlines()) < call:
            break
        assert "out of luck" in result.err
        assert (result.code, state(repository)) == (1, before), call
    assert (result.code, call) == (0, 5), result.err


_FULL = f"{SMALL_FILES}\nos.environ['PYTHONDONTWRITEBYTECODE'] = '1'  # Python itself would leave half of its bytecode."


@pytest.mark.parametrize("limit", [200, 3_000])
def test_a_full_disk(argosy: Argosy, process: Process, repository: Path, limit: int) -> None:
    before = state(repository)
    result = process(*ADD, cwd=repository, prelude=_FULL.format(limit))
    (repository / ".git/index.lock").unlink(missing_ok=True)
    if result.code:
        argosy("abort")
        assert state(repository) == before
        assert argosy(*ADD).code == 0


def test_taking_back_needs_no_space(argosy: Argosy, process: Process, repository: Path) -> None:
    """A disk that is full is played by a limit of what a file may grow to, and its last bytes by what argosy holds."""
    before = state(repository)
    _hook(repository, "pre-commit", "kill -9 0")
    arguments = ("set", "environment", "prod", "replicas=7", "--commit")
    Forked(arguments, cwd=repository, start_new_session=True).wait()
    held = (repository / ".git/argosy/reserve").stat().st_size
    touched = json.loads((repository / ".git/argosy/writing.json").read_text())["touched"]
    index = (repository / ".git/index").stat().st_size
    assert held > index + sum(len(before[0][path][1]) for path in touched)
    (repository / ".git/index.lock").unlink(missing_ok=True)
    assert argosy("abort").code == 0
    assert state(repository) == before
    assert not (repository / ".git/argosy/reserve").exists()


def test_someone_edits_or_commits_while_a_change_is_worked_out(
    argosy: Argosy, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is asked of git is remembered, and a question to the user may wait for minutes."""
    path = repository / "environments/prod/environment.yaml"
    real = changes._list

    def meanwhile(act: Callable[[], object]) -> State:
        def listed(*arguments: Any, **options: Any) -> None:
            act()
            real(*arguments, **options)

        monkeypatch.setattr(changes, "_list", listed)
        result = argosy(*ADD)
        assert result.code == 1
        told.append(result.err)
        return state(repository)

    told: list[str] = []
    text = path.read_text()
    found, status, _ = meanwhile(lambda: path.write_text(f"{text}# ours\n"))
    assert found["environments/prod/environment.yaml"][1].decode() == f"{text}# ours\n"
    assert re.fullmatch(r"1 \.M N\.\.\. (\d+) \1 \1 (\w+) \2 environments/prod/environment\.yaml\n", status)
    commit(repository)
    assert meanwhile(lambda: commit(repository))[1] == ""
    assert "have uncommitted changes" in told[0]
    assert "Somebody else has committed meanwhile" in told[1]
    assert meanwhile(lambda: git(repository, "switch", "--quiet", "--create", "other"))[1] == ""
    assert "main was checked out, and now it is other." in told[2]


def test_someone_stages_or_switches_while_a_change_is_validated(
    argosy: Argosy, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they staged stays so, and no commit comes onto a branch that nobody asked for."""

    def while_validating(*arguments: str) -> None:
        def validate(*_: object) -> int:
            git(repository, *arguments)
            return 0

        monkeypatch.setattr(changes, "_validate", validate)

    (repository / "NOTES.md").write_text("Ours\n")
    while_validating("add", "NOTES.md")
    result = argosy(*ADD, "--commit")
    assert (result.code, git(repository, "status", "--porcelain")) == (0, "A  NOTES.md\n"), result.err
    assert "NOTES.md" not in git(repository, "show", "--name-only", "--format=")
    before = state(repository)
    while_validating("switch", "--quiet", "--create", "other")
    result = argosy("set", "environment", "prod", "replicas=7", "--commit")
    assert (result.code, state(repository)) == (1, before)
    assert "main was checked out, and now it is other." in result.err
    assert git(repository, "rev-parse", "other") == git(repository, "rev-parse", "main")


@pytest.mark.parametrize("whole", [True, False])
def test_someone_commits_while_a_change_is_committed(argosy: Argosy, repository: Path, whole: bool) -> None:
    """Their commit has what was staged by then; whatever it lacks of the change is undone."""
    paths = "" if whole else "-- environments/qa/environment.yaml"
    theirs = f"git commit --quiet --no-verify --message Theirs {paths}"
    lock = ".git/index.lock"
    _hook(
        repository, "pre-commit", f"mv {lock} aside.lock; unset GIT_INDEX_FILE; {theirs}; mv aside.lock {lock}; exit 1"
    )
    before = state(repository)[0]
    result = argosy(*WRITE, "--commit")
    assert result.code == 1
    assert "a hook, or somebody, committed" in result.err
    after, status, _ = state(repository)
    assert status == ""
    assert after.keys() - before.keys() >= {"environments/qa/environment.yaml"}
    assert ("argocd/qa/project.yaml" in after) is whole
    assert argosy("abort").code == 1


def test_what_a_hook_changed_before_it_refused_is_kept(argosy: Argosy, repository: Path) -> None:
    path = "environments/qa/environment.yaml"
    _hook(repository, "pre-commit", f"echo '# by hand' >> {path}\nexit 1")
    before = state(repository)
    result = argosy(*WRITE, "--commit")
    assert (result.code, state(repository)) == (1, before)
    (folder,) = (repository / ".git/argosy").glob("taken-back-*")
    assert f"are in {folder}." in result.err
    assert "# by hand" in (folder / path).read_text()


def test_a_folder_that_cannot_be_written(process: Process, argosy: Argosy, repository: Path) -> None:
    before = state(repository)
    folder = repository / "environments/prod"
    folder.chmod(0o555)
    result = process(*WRITE, cwd=repository, prelude=NO_PRIVILEGES)
    folder.chmod(0o755)
    assert result.code == 1
    assert "environments/prod" in result.err
    assert state(repository) == before
    assert argosy(*WRITE).code == 0


def test_a_repository_that_cannot_be_written(process: Process, repository: Path) -> None:
    git_folder = repository / ".git"
    git_folder.chmod(0o555)
    shown, refused = (process(*WRITE, *more, cwd=repository, prelude=NO_PRIVILEGES) for more in (("--dry-run",), ()))
    git_folder.chmod(0o755)
    assert (shown.code, "+++ b/environments/qa/environment.yaml" in shown.out) == (0, True), shown.err
    assert (refused.code, f"{git_folder}/argosy: Permission denied" in refused.err) == (1, True)


@pytest.mark.parametrize("hook", ["pre-commit", "commit-msg"])
def test_a_hook_that_refuses(argosy: Argosy, repository: Path, hook: str) -> None:
    _hook(repository, hook, "echo 'not on a Friday' >&2\nexit 1")
    (repository / "staged.txt").write_text("staged\n")
    git(repository, "add", "staged.txt")
    before = state(repository)
    result = argosy(*WRITE, "--commit")
    assert (result.code, state(repository)) == (1, before)
    assert "not on a Friday" in result.err
    assert "Nothing was changed" in result.err


@pytest.mark.parametrize("staged", [False, True])
def test_a_hook_that_reformats_and_adds(argosy: Argosy, repository: Path, staged: bool) -> None:
    """As lint-staged does; what it adds is in the commit, and in the index too, rather than staged as a revert."""
    hook = "for file in environments/qa/*.yaml; do echo '# formatted' >> $file; git add $file; done"
    _hook(repository, "pre-commit", f"{hook}\necho made > made.txt\ngit add made.txt")
    _hook(repository, "commit-msg", 'echo "OPS-1 $(cat $1)" > $1')
    if staged:
        (repository / "staged.txt").write_text("staged\n")
        git(repository, "add", "staged.txt")
    assert argosy(*WRITE, "--commit").code == 0
    assert git(repository, "log", "-1", "--format=%s") == "OPS-1 Add the environment qa\n"
    assert git(repository, "status", "--porcelain") == ("A  staged.txt\n" if staged else "")
    assert "# formatted" in git(repository, "show", "HEAD:environments/qa/environment.yaml")
    assert git(repository, "show", "HEAD:made.txt") == "made\n"


@pytest.mark.parametrize("delivery", ["--commit", "--branch=qa"])
def test_nobody_to_commit_as(argosy: Argosy, repository: Path, monkeypatch: pytest.MonkeyPatch, delivery: str) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    before = state(repository)
    result = argosy(*WRITE, delivery)
    assert (result.code, state(repository)) == (1, before)
    assert "git config --global user.name 'Your Name', and git config --global user.email" in result.err
    git(repository, "config", "user.name", "Ada")
    monkeypatch.setenv("EMAIL", "ada@example.com")
    assert argosy(*WRITE, delivery).code == 0


def test_a_commit_while_git_is_by_half_with_something(argosy: Argosy, repository: Path) -> None:
    commit(repository, {"notes.txt": "one\n"})
    for begin, end in (
        (("bisect", "start"), ("bisect", "reset")),
        (("revert", "--no-commit", "HEAD"), ("revert", "--abort")),
    ):
        git(repository, *begin)
        before = state(repository)
        result = argosy(*WRITE, "--commit")
        assert (result.code, state(repository)) == (1, before)
        assert f"A git {begin[0]} is under way" in result.err
        git(repository, *end)
    assert argosy(*WRITE, "--commit").code == 0


def test_apply_takes_back_what_a_hook_refuses(argosy: Argosy, repository: Path) -> None:
    script = repository / ".git/hooks/pre-commit"
    script.parent.mkdir(exist_ok=True)
    script.write_text("#!/bin/sh\nexit 1\n")
    script.chmod(0o755)
    edit(repository, "environments/prod/environment.yaml", "autoSync: true", "autoSync: false")
    for path in ("applications/shop/application.yaml", "environments/dev/shop/deployment.yaml"):
        (repository / path).parent.mkdir()
        (repository / path).write_text((repository / path.replace("shop", "web")).read_text().replace("web", "shop"))
    before = state(repository)
    assert argosy("apply", "--commit").code == 1
    assert state(repository) == before


def test_signing_without_a_key(argosy: Argosy, repository: Path) -> None:
    git(repository, "config", "commit.gpgSign", "true")
    git(repository, "config", "gpg.program", "/nowhere/gpg")
    before = state(repository)
    result = argosy(*WRITE, "--commit")
    assert (result.code, state(repository)) == (1, before)
    assert "gpg" in result.err


@pytest.mark.parametrize("command", [ADD, ("abort",), ("remove", "app", "web", "--yes")])
def test_a_lock_left_by_another_git(argosy: Argosy, repository: Path, command: tuple[str, ...]) -> None:
    lock = repository / ".git/index.lock"
    lock.touch()
    result = argosy(*command)
    assert result.code == 1
    assert f"{lock} exists" in result.err
    lock.unlink()
    assert git(repository, "status", "--porcelain") == ""


def test_two_at_once(process: Process, repository: Path) -> None:
    codes = []
    threads = [
        threading.Thread(
            target=lambda name=name: codes.append(process("add", "app", name, "--commit", cwd=repository).code)
        )
        for name in ("one", "two")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0 in codes
    assert set(codes) <= {0, 1}
    assert git(repository, "status", "--porcelain") == ""
    assert git(repository, "rev-list", "--count", "HEAD") == f"{1 + codes.count(0)}\n"


def test_a_repository_that_is_held(argosy: Argosy, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("argosy.change.locking.PATIENCE", 0.1)
    (repository / ".git/argosy").mkdir()
    with filelock.FileLock(repository / ".git/argosy/lock"):
        result = argosy(*ADD)
    assert result.code == 1
    assert "Another argosy is changing" in result.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_interrupted(argosy: Argosy, repository: Path, number: signal.Signals) -> None:
    before, after = state(repository), finished(argosy, repository)
    running = Forked(ADD, cwd=repository)
    while running.poll() is None and not (repository / ".git/argosy/writing.json").exists():
        time.sleep(0.001)
    running.send_signal(number)
    running.wait()
    assert state(repository) == (before if not (repository / "environments/qa").exists() else after)


def test_a_signal_to_argosy_alone_while_git_works(repository: Path) -> None:
    reached = repository / ".git/reached"
    _hook(repository, "pre-commit", f"touch '{reached}'; while kill -0 $PPID; do sleep 0.05; done")
    before = state(repository)
    running = Forked([*WRITE, "--commit"], cwd=repository)
    until(reached.exists)
    running.send_signal(signal.SIGTERM)
    assert running.wait() == 128 + signal.SIGTERM
    assert [path.name for path in (repository / ".git").glob("*.lock")] == []
    assert state(repository) == before


def test_committed_by_hand_after_a_kill(argosy: Argosy, repository: Path) -> None:
    _kill(repository, ADD, 0.02)
    (repository / ".git/index.lock").unlink(missing_ok=True)
    commit(repository)
    after = state(repository)
    assert argosy("abort").code == 1
    assert state(repository) == after
