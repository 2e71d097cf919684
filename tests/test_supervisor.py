"""Programs that never end, need too much or crash are stopped, and nothing of them is left."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from argosy import supervisor
from argosy.errors import UsageError
from tests.children import PATIENCE, gone, linux, until


def shell(script: str) -> tuple[int, str, str]:
    return supervisor.run(["sh", "-c", script])


def stopped(script: str) -> supervisor.StoppedError:
    with pytest.raises(supervisor.StoppedError) as caught:
        shell(script)
    return caught.value


def test_what_a_program_gives() -> None:
    assert shell("echo out; echo err >&2; exit 3") == (3, "out\n", "err\n")


@linux
def test_a_program_that_does_not_end_is_stopped_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARGOSY_RENDER_TIMEOUT", "0.3")
    error = stopped(f"sleep 1000 & echo $! > {tmp_path}/pid; wait")
    assert error.message == "Rendering did not end within 0.3 seconds."
    assert "ARGOSY_RENDER_TIMEOUT" in error.hint
    until(lambda: gone(int((tmp_path / "pid").read_text())))


@linux
@pytest.mark.parametrize("start", ["", "setsid "])
def test_what_it_leaves_in_the_background_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: str
) -> None:
    monkeypatch.setenv("ARGOSY_RENDER_TIMEOUT", "0.3")
    error = stopped(f"{start}sleep 30 & echo $! > {tmp_path}/pid; echo out")
    assert error.message == "Rendering did not end within 0.3 seconds."
    child = int((tmp_path / "pid").read_text())
    if start:
        os.kill(child, signal.SIGKILL)  # It left the group, but not with the stream.
    until(lambda: gone(child))


@linux
def test_what_it_leaves_in_the_background_ends_with_it() -> None:
    code, out, _ = shell("sleep 1000 > /dev/null 2>&1 & echo $!")
    assert code == 0
    until(lambda: gone(int(out)))


@linux
def test_what_it_leaves_in_the_background_is_stopped_with_all(tmp_path: Path) -> None:
    script = f"sleep 1000 & echo $! > {tmp_path}/new; mv {tmp_path}/new {tmp_path}/pid"
    errors: list[supervisor.StoppedError] = []
    asking = threading.Thread(target=lambda: errors.append(stopped(script)), daemon=True)
    asking.start()
    until((tmp_path / "pid").exists)
    stopping = threading.Thread(target=supervisor.stop_all, daemon=True)
    stopping.start()
    for each in (stopping, asking):
        each.join(PATIENCE)
    assert not stopping.is_alive()
    assert len(errors) == 1
    until(lambda: gone(int((tmp_path / "pid").read_text())))


def test_a_program_that_prints_without_end_is_stopped() -> None:
    assert stopped("yes").message == "Rendering gives more than 32 MB."


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo 'fatal error: stack overflow' >&2; echo trace >&2; exit 2", "crashed: fatal error: stack overflow."),
        ("echo 'runtime: out of memory: cannot allocate a block' >&2; exit 2", "needs more than 1024 MB of memory."),
        ("kill -KILL $$", "was killed."),
        ("kill -SEGV $$", "crashed: it does not say why."),
    ],
)
def test_a_program_that_crashes(script: str, message: str) -> None:
    assert stopped(script).message.endswith(message)


def test_tokens_are_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "hunter2")
    _, out, _ = supervisor.run([sys.executable, "-c", "import os; print(*os.environ.items())"], {"GIVEN": "given"})
    assert "hunter2" not in out
    assert "given" in out
    assert "PATH" in out


@pytest.mark.parametrize("value", ["soon", "0", "-1", "nan", "inf"])
@pytest.mark.parametrize("name", ["ARGOSY_RENDER_TIMEOUT", "ARGOSY_RENDER_MEMORY"])
def test_limits_that_cannot_be_meant(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=f"{name} is “{value}”"):
        supervisor.limits()


def test_the_usual_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGOSY_RENDER_TIMEOUT", "")
    assert supervisor.limits() == supervisor.Limits(60, 1024)
