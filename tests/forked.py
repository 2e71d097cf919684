"""Processes of argosy, forked from one that has loaded all of it: to start Python takes longer than most commands.

Each has files, a folder, an environment and arguments as a program has them. What a test asks of Python's own start,
such as which encoding its streams have or what it imports, it asks of a program. Where libraries of the system are no
good in a fork, as on macOS, each becomes one.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import io
import json
import os
import pkgutil
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from pexpect import fdpexpect

if sys.platform != "win32":
    import fcntl
    import pty
    import termios

_ROOT = Path(__file__).parents[1]
_STAYS = sys.platform == "linux"
"""Whether what is forked goes on, instead of starting Python again."""

_ONE_STARTS_IT = threading.Lock()


class Forked:
    """An argosy that runs, or Python's `code` in its place; what it prints is heard, where no file is given for it."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        cwd: Path | str,
        env: Mapping[str, str] | None = None,
        stdin: int = subprocess.DEVNULL,
        stdout: int | IO[bytes] = subprocess.PIPE,
        stderr: int | IO[bytes] = subprocess.PIPE,
        prelude: str = "",
        code: str = "",
        start_new_session: bool = False,
        is_terminal: bool = False,
    ) -> None:
        task = {
            "arguments": [*arguments],
            "cwd": str(cwd),
            "env": {**(os.environ if env is None else env)},
            "prelude": prelude,
            "code": code,
            "session": start_new_session or is_terminal,
            "terminal": is_terminal,
        }
        self.returncode: int | None = None
        self._arguments = [*arguments]
        self._heard: list[_Heard | None] = []
        told, tell = os.pipe()
        given, mine = [stdin], [tell]
        if stdin == subprocess.DEVNULL:
            given = [os.open(os.devnull, os.O_RDONLY)]
            mine += given
        for each in (stdout, stderr):
            if each == subprocess.PIPE:
                hear, say = os.pipe()
                self._heard.append(_Heard(hear))
                mine.append(say)
            else:
                say = each if isinstance(each, int) else each.fileno()
                self._heard.append(None)
            given.append(say)
        with tempfile.TemporaryFile() as told_of:
            told_of.write(json.dumps(task).encode())
            told_of.seek(0)
            with _ONE_STARTS_IT:
                server = _server()
            socket.send_fds(server, [b"."], [*given, tell, told_of.fileno()])
        for each in mine:
            os.close(each)
        self._told = os.fdopen(told, "rb", buffering=0)
        self.pid = int(self._told.readline())

    def poll(self) -> int | None:
        """Return its exit code, None while it runs."""
        if self.returncode is None and select.select([self._told], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit code, once it has ended."""
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self._arguments, timeout or 0)
            self.returncode = os.waitstatus_to_exitcode(int(self._told.readline()))
            self._told.close()
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Return what it printed, once it has ended."""
        self.wait(timeout)
        out, err = (each.all() if each else "" for each in self._heard)
        return out, err

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it is known to have ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)


class _Heard(threading.Thread):
    """Whatever is said in a pipe, to its end."""

    def __init__(self, pipe: int) -> None:
        super().__init__(daemon=True)
        self._pipe, self._said = pipe, b""
        self.start()

    def run(self) -> None:
        """Hear it."""
        with os.fdopen(self._pipe, "rb") as stream:
            self._said = stream.read()

    def all(self) -> str:
        """Return what was said."""
        self.join()
        return self._said.decode("utf-8", "replace")


class Terminal(fdpexpect.fdspawn):  # type: ignore[type-arg]
    """An argosy on a terminal of its own, which has no colours."""

    def __init__(self, arguments: Sequence[str], cwd: Path, prelude: str = "") -> None:
        mine, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        options: dict[str, Any] = {"prelude": prelude, "env": {**os.environ, "TERM": "dumb"}, "is_terminal": True}
        self._argosy = Forked(arguments, cwd=cwd, stdin=its, stdout=its, stderr=its, **options)
        os.close(its)
        super().__init__(mine, timeout=120, encoding="utf-8")
        self.delaybeforesend = None

    def close(self) -> None:
        """Wait for its end, which has come where all that it says was heard."""
        super().close()
        self.exitstatus = self._argosy.wait()


@functools.cache
def _server() -> socket.socket:
    """Start the process that all of a worker's are forked from, which ends when this one does."""
    mine, its = socket.socketpair()
    path = os.pathsep.join(map(str, (_ROOT / "generator", _ROOT)))
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ARGOSY", "_ARGOSY"))}
    command = [sys.executable, "-m", "tests.forked", str(its.fileno())]
    server = subprocess.Popen(
        command, cwd=_ROOT, env={**environment, "PYTHONPATH": path}, pass_fds=[its.fileno()], stdin=subprocess.DEVNULL
    )
    its.close()

    def end() -> None:
        mine.close()
        server.wait()

    atexit.register(end)
    return mine


def main() -> None:
    """Fork an argosy for each message, until nobody sends any more."""
    # As argosy.__main__ has it; a shell starts what it puts into the background deaf to Ctrl-C, and nohup to SIGHUP.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if _STAYS:
        _load()
    with socket.socket(fileno=int(sys.argv[1])) as asked:
        while (received := socket.recv_fds(asked, 1, 5))[0]:
            if not os.fork():
                asked.close()
                _keep(received[1])
            for each in received[1]:
                os.close(each)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass


def _load() -> None:
    import argosy

    for module in pkgutil.walk_packages(argosy.__path__, "argosy."):
        if not module.name.startswith("argosy.mcp."):  # As long as all the rest together, and of no other command.
            importlib.import_module(module.name)
    _compile()
    gc.collect()
    gc.freeze()


def _compile() -> None:
    """Compile what each that validates or renders would compile anew: schemas, detectors and templates."""
    from argosy.repository.model import KUBERNETES, WRITTEN_HERE, Application, CiHost, Repository, Settings, chain
    from argosy.rules import secrets
    from argosy.schemas.store import SchemaStore
    from argosy.template import rendering
    from tests import compiled  # noqa: F401 - it compiles once

    secrets._plugins()
    schemas = SchemaStore(KUBERNETES)
    for kind in ("v1 ConfigMap", "argoproj.io/v1alpha1 Application", "argoproj.io/v1alpha1 AppProject"):
        schemas.for_manifest(*kind.split())
    for file in (".github/workflows/any.yaml", "renovate.json"):
        schemas.for_file(file)
    settings = Settings("gitops", "https://github.com/acme/gitops.git", ci=CiHost.GITHUB)
    bare = Repository(settings, chain((("dev", ""), ("prod", "")), settings.revision))
    os.environ["ARGOSY_CACHE"] = ""
    rendering.render(bare.with_applications(tuple(Application(each.value, each) for each in WRITTEN_HERE)))
    assert threading.active_count() == 1, "A fork has none of the others."


def _keep(files: Sequence[int]) -> None:
    """Fork it, and tell which process it is, and how it has ended; neither returns."""
    *its, tell, told_of = files
    with os.fdopen(told_of, "rb") as stream:
        task = json.load(stream)
    if not (process := os.fork()):
        os.close(tell)
        _become(task, its)
    for each in its:
        os.close(each)
    os.setsid()  # A signal to the group of what it keeps is none for it.
    with contextlib.suppress(BrokenPipeError):
        os.write(tell, b"%d\n" % process)
        os.write(tell, b"%d\n" % os.waitpid(process, 0)[1])
    os._exit(0)


def _become(task: Mapping[str, Any], files: Sequence[int]) -> None:
    """Be argosy, as if it had been started."""
    said = task["arguments"]
    if task["session"]:
        os.setsid()
    if task["terminal"]:
        fcntl.ioctl(files[0], termios.TIOCSCTTY, 0)
    for number, file in enumerate(files):
        os.dup2(file, number)
    for file in {*files} - {0, 1, 2}:
        os.close(file)
    os.chdir(task["cwd"])
    os.environ.clear()
    os.environ.update(task["env"])
    time.tzset()
    tempfile.tempdir = None
    sys.dont_write_bytecode = "PYTHONDONTWRITEBYTECODE" in os.environ
    exec(task["prelude"], {})
    if not _STAYS:
        os.execv(sys.executable, [sys.executable, *(("-c", task["code"]) if task["code"] else ("-m", "argosy")), *said])
    sys.stdin = _stream(0, "r", sys.__stdin__)
    sys.stdout = _stream(1, "w", sys.__stdout__)
    sys.stderr = _stream(2, "w", sys.__stderr__)
    sys.argv = ["argosy", *said]
    if task["code"]:
        _run(task["code"])
    sys.path[:] = [task["cwd"], *(each for each in sys.path if Path(each or ".") != _ROOT)]
    from argosy.__main__ import main as argosy

    argosy()


def _run(code: str) -> None:
    """Run it as a program, which does not return."""
    ended: Any = 0
    try:
        exec(code, {"__name__": "__main__"})
    except SystemExit as end:
        ended = end.code
    except BaseException:
        ended = 1
        traceback.print_exc()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(ended if isinstance(ended, int) else 1)


def _stream(number: int, mode: str, like: Any) -> Any:
    binary = open(number, f"{mode}b", closefd=False)  # noqa: SIM115
    lines = number == 2 or binary.isatty()
    return io.TextIOWrapper(binary, like.encoding, like.errors, line_buffering=lines)


if __name__ == "__main__":
    main()
