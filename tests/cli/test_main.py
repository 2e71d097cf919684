"""argosy as a program: its help, its errors, and the terminals and pipes that it meets."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pytest

from argosy.cli import COMMANDS
from tests.conftest import SMALL_FILES, Argosy, Process
from tests.validating import write_files

CLICK = "import click, sys\nprint(*sys.modules, file=sys.stderr)"
LOADED = """\
import sys
sys.argv = ["argosy", *{arguments!r}]
try:
    from argosy.cli import main
    main()
except SystemExit:
    pass
print(*sorted(sys.modules), file=sys.stderr)
"""


CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Release.Name }}'}\n"
EARLY = """\
import os, runpy, signal, sys

class Finder:
    def find_spec(self, name, *_):
        if name == "argosy.cli":
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Finder())
runpy.run_module("argosy", run_name="__main__")
"""
"""Sends Ctrl-C while argosy is imported."""
LATE = """\
import atexit, os, signal, sys
from argosy.__main__ import main

def end():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(os.getpid(), number)

atexit.register(end)
sys.argv = ["argosy", "frobnicate"]
main()
"""
"""Sends signals while Python ends."""


@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("-h",)])
def test_talk_goes_to_standard_output_when_it_was_asked_for(argosy: Argosy, arguments: tuple[str, ...]) -> None:
    result = argosy(*arguments)
    assert result.code == 0
    assert result.out
    assert not result.err


def test_ctrl_c_before_anything_began() -> None:
    done = subprocess.run([sys.executable, "-c", EARLY], check=False, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")


def test_a_signal_after_all_is_done_changes_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", LATE], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, "Traceback" in done.stderr) == (2, "", False), done.stderr


def test_version(process: Process) -> None:
    assert process("--version").out == f"argosy {version('argosy')}\n"


def test_help_names_every_command(argosy: Argosy) -> None:
    shown = argosy("--help").out
    assert [name for name in COMMANDS if f"  {name} " not in shown] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_says_the_same_in_short(argosy: Argosy, command: str) -> None:
    result = argosy(command, "--help")
    assert result.code == 0
    assert f"Usage: argosy {command}" in result.out
    assert all(len(line) <= 100 for line in result.out.splitlines())


def test_nothing_asked_is_wrong_usage(argosy: Argosy) -> None:
    result = argosy()
    assert result.code == 2
    assert not result.out
    assert "Usage: argosy" in result.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("inti",), "No such command “inti”. Did you mean “init”?"),
        (("valdate", "x"), "Did you mean “validate”?"),
        (("frobnicate",), "No such command “frobnicate”."),
        (("--verison",), "--version"),
        (("init", "x", "--ap", "y"), "No such option '--ap'"),
        (("init",), "Missing argument 'DEST'"),
        (("completion", "tcsh"), "'tcsh' is not one of 'bash', 'zsh', 'fish', 'powershell'"),
    ],
)
def test_wrong_usage(argosy: Argosy, arguments: tuple[str, ...], message: str) -> None:
    result = argosy(*arguments)
    assert result.code == 2
    assert not result.out
    assert message in result.err


@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("init", "--help"), ("completion", "bash")])
def test_help_loads_nothing_but_click(arguments: tuple[str, ...]) -> None:
    loaded = modules(LOADED.format(arguments=arguments)) - modules(CLICK)
    packages = {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names
    assert packages <= {"click", "argosy"}
    commands = {name for name in COMMANDS if f"argosy.cli.{name}" in loaded}
    assert commands == {arguments[0]} & COMMANDS.keys()


def test_completion_loads_nothing_but_click() -> None:
    for words in ("argosy ", "argosy status ", "argosy diff --against ", "argosy rules "):
        completing = {"_ARGOSY_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        loaded = modules(LOADED.format(arguments=()), **completing) - modules(CLICK)
        assert {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names <= {"click", "argosy"}
        # To make its classes takes a quarter of the time.
        assert words == "argosy " or "argosy.repository.model" not in loaded, words


@cache
def modules(script: str, **environment: str) -> set[str]:
    env = {**os.environ, **environment}
    done = subprocess.run([sys.executable, "-c", script], env=env, check=True, capture_output=True, text=True)
    return set(done.stderr.split())


@pytest.mark.parametrize(
    ("words", "offered"),
    [("argosy val", {"validate"}), ("argosy init x --format ", {"helm", "kustomize", "manifests"})],
)
def test_completion_completes(process: Process, words: str, offered: set[str]) -> None:
    position = str(len(words.split(" ")) - 1)
    result = process(env={"_ARGOSY_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": position})
    assert {line.partition(",")[2] for line in result.out.splitlines()} == offered


def test_a_reader_that_goes_away(process: Process) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    result = process("init", "gitops", "--dry-run", stdout=writer)
    os.close(writer)
    assert (result.code, result.err) == (1, "")


def test_a_disk_that_is_full_of_standard_output(process: Process, tmp_path: Path) -> None:
    with (tmp_path / "diff").open("wb") as diff:
        small, buffered = SMALL_FILES.format(60_000), {"PYTHONUNBUFFERED": ""}
        result = process("init", "gitops", "--dry-run", stdout=diff, prelude=small, env=buffered)
    assert result.code == 1
    assert result.err == "Error: File too large.\n"


def test_all_streams_are_closed(tmp_path: Path) -> None:
    command = 'exec "$0" -m argosy init gitops --app "" --no-git <&- >&- 2>&-'
    done = subprocess.run(["sh", "-c", command, sys.executable], cwd=tmp_path, check=False)
    assert (tmp_path / "gitops" / "README.md").exists()
    assert done.returncode == 0


@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_a_stream_is_closed(tmp_path: Path, closed: str) -> None:
    """Helm's worker is asked through pipes, of which one then has the number of that stream."""
    chart = {"Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n", "templates/map.yaml": CONFIG_MAP}
    write_files(tmp_path, {f"charts/web/{path}": text for path, text in chart.items()})
    command = f'exec "$0" -m argosy validate charts --no-cache --report json=report.json {closed}'
    done = subprocess.run(["sh", "-c", command, sys.executable], cwd=tmp_path, check=False, capture_output=True)
    summary = json.loads((tmp_path / "report.json").read_text())["summary"]
    assert (summary["renders"], summary["errors"]) == (1, 0)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "POSIX", "PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "utf-16"},
    ],
    ids=str,
)
def test_a_terminal_that_cannot_show_everything(process: Process, environment: dict[str, str]) -> None:
    result = process("init", "gitops", "--app", "Web_Shop", env=environment)
    assert result.code == 2
    assert "Traceback" not in result.err
    assert "web-shop" in result.err.replace("\0", "")
