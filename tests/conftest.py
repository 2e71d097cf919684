"""What every test stands on: a home of its own, git's configuration with it, and ways to run argosy."""

from __future__ import annotations

import functools
import gc
import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import hypothesis
import pytest
import yaml

from argosy import programs
from argosy.cli import main
from tests import compiled, shared  # noqa: F401 - compiles once
from tests.forked import Forked
from tests.printed import _documents_are_as_their_schemas_say  # noqa: F401 - a fixture
from tests.shared import IDENTITY
from tests.validating import validate  # noqa: F401 - a fixture

# A busy machine makes any example slow: how fast something is, benchmarks tell. The same examples each time: what is
# right today fails for nobody tomorrow by chance. HYPOTHESIS=search looks for others.
hypothesis.settings.register_profile("argosy", deadline=None, derandomize=True)
hypothesis.settings.register_profile("search", deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS", "argosy"))

SMALL_FILES = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0}))"
"""A prelude under which no file can grow beyond that many bytes, as on a disk that is full."""
NO_PRIVILEGES = """
import ctypes, os
if os.geteuid() == 0:  # Root may do all, but without CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH only what others may.
    system, whose, sets = ctypes.CDLL(None), (ctypes.c_uint32 * 2)(0x20080522), (ctypes.c_uint32 * 6)()
    assert system.prctl(24, 1, 0, 0, 0) == system.prctl(24, 2, 0, 0, 0) == system.capget(whose, sets) == 0
    sets[:3] = [each & ~0b110 for each in sets[:3]]
    assert system.capset(whose, sets) == 0
"""
"""A prelude under which permissions hold for root as well."""
# A shell starts what it puts into the background deaf to Ctrl-C, and so would be every process that a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # By nohup.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Containers often forbid bytecode, and then each worker and each of hundreds of processes compiles all of argosy anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Tests read YAML with these two, and Copier, whose trees argosy's are compared with; argosy has loaders of its own. In
# Python, reading was a twelfth of the tests' time.
yaml.safe_load = functools.partial(yaml.load, Loader=yaml.CSafeLoader)
yaml.safe_load_all = functools.partial(yaml.load_all, Loader=yaml.CSafeLoader)

_OF_PYTHON = ("PYTHON", "LC_", "LANG")
"""What the variables begin with that Python heeds when it starts."""
_MEMORY, _ROOM = Path("/dev/shm"), 4 * 1024**3


@dataclass(frozen=True, slots=True)
class Result:
    """What a command left on the terminal."""

    code: int
    out: str
    err: str


class Argosy(Protocol):
    """Run argosy with arguments."""

    def __call__(self, *arguments: str) -> Result:
        """Return what it printed, and its exit code."""


class Process(Protocol):
    """Run argosy with arguments in a process of its own."""

    def __call__(
        self, *arguments: str, env: Mapping[str, str] | None = None, prelude: str = "", **options: Any
    ) -> Result:
        """Return what it printed, and its exit code.

        `env` adds to the environment, the Python code of `prelude` runs before argosy in the same process, and the
        options are Forked's. With variables that Python heeds when it starts, it is started, and not forked.
        """


class Git(Protocol):
    """Run git in a folder."""

    def __call__(self, folder: Path | str, *arguments: str) -> str:
        """Return what it printed."""


@pytest.hookimpl(wrapper=True)
def pytest_cmdline_main() -> Iterator[None]:
    """Have what is made once for all the workers of a run, in memory where that has room."""
    has_room = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM
    if "TMPDIR" not in os.environ and has_room:
        # A tenth of the tests' time went into folders on a disk that nobody will read.
        os.environ["TMPDIR"], tempfile.tempdir = str(_MEMORY), None
    with shared.session():
        return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Have a worker more than processors: each waits for git and the like for a tenth of the time."""
    usable = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return usable + 1


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Let the garbage collector look neither often nor at what stays until the end: another tenth of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """Look for garbage once: pytest looks five times at all that was made, which takes a second and a half."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _other_tests_repositories_are_forgotten() -> Iterator[None]:
    """Look for programs in what this test distrusts alone: each is compared with all that are not trusted."""
    with programs.looking():
        yield


@pytest.fixture(scope="session", autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the machine's own configuration, of git above all, out of the tests."""
    # One cache for all processes of the session: the folder above is theirs, where there are several.
    base = tmp_path_factory.getbasetemp()
    above = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with shared.home(tmp_path_factory.mktemp("home"), above / "cache"):
        yield


@pytest.fixture
def git_configuration(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the user's git configuration: a file of this test's own, with an identity in it."""
    path = tmp_path_factory.mktemp("configuration") / "gitconfig"
    path.write_text(IDENTITY)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(path))
    return path


@pytest.fixture(scope="session")
def git() -> Git:
    """Return what runs git, and fails when git does."""

    def run(folder: Path | str, *arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout

    return run


def in_process(*arguments: str) -> Result:
    """Run argosy in this process, with neither a terminal nor anything to read."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    handlers = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["argosy", *arguments])
        patch.setattr(sys, "stdin", io.StringIO())
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        with pytest.raises(SystemExit) as end:
            main()
    for each, handler in handlers.items():
        signal.signal(each, handler)
    texts = (stream.buffer.getvalue().decode() for stream in (out, err))
    return Result(end.value.code if isinstance(end.value.code, int) else 0, *texts)


@pytest.fixture
def argosy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Argosy:
    """Return what runs argosy in this process, in a new folder, with neither a terminal nor anything to read."""
    monkeypatch.chdir(tmp_path)
    return in_process


@pytest.fixture
def process(tmp_path: Path) -> Process:
    """Return what runs argosy in a process of its own, in a new folder, without a terminal."""

    def run(*arguments: str, env: Mapping[str, str] | None = None, prelude: str = "", **options: Any) -> Result:
        options = {"cwd": tmp_path, **options, "env": {**os.environ, **(env or {})}}
        known = {*(env or {})} - {"PYTHONDONTWRITEBYTECODE"}
        if sys.platform == "win32" or any(name.startswith(_OF_PYTHON) for name in known):
            start = "import os, sys\nos.execv(sys.executable, [sys.executable, '-m', 'argosy', *sys.argv[1:]])"
            command = [sys.executable, *(("-c", f"{prelude}\n{start}") if prelude else ("-m", "argosy")), *arguments]
            pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
            chosen = {**pipes, **options}
            done = subprocess.run(command, check=False, **chosen)
            out, err = ((each or b"").decode("utf-8", "replace") for each in (done.stdout, done.stderr))
            return Result(done.returncode, out, err)
        running = Forked(arguments, prelude=prelude, **options)
        out, err = running.communicate()
        return Result(running.wait(), out, err)

    return run
