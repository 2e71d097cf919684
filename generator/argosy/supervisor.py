"""Run the engines on what strangers write: each with limits of time and memory, and none outliving argosy."""

from __future__ import annotations

import atexit
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import IO, Any, TypeVar
from weakref import WeakSet

from argosy import programs, signals
from argosy.errors import ToolError, UsageError

if sys.platform == "linux":
    import resource

Number = TypeVar("Number", int, float)

TIMEOUT, MEMORY = "ARGOSY_RENDER_TIMEOUT", "ARGOSY_RENDER_MEMORY"
"""The variables that set the limits. A repository cannot: it may be a stranger's."""
LARGEST = 32 * 1024 * 1024
"""How many bytes one render may give."""
_MOST_SAID = 256 * 1024
"""How many bytes of what a program says on standard error are kept."""
_PASSED = re.compile(
    r"PATH|HOME|USER|LOGNAME|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|TEMP|TMP|XDG_\w+|LD_LIBRARY_PATH|DYLD_\w+|HELM_C_LIB"
    r"|SYSTEMROOT|SYSTEMDRIVE|WINDIR|COMSPEC|PATHEXT|USERPROFILE|APPDATA|LOCALAPPDATA|PROGRAMDATA"
)
"""The variables that an engine gets. No token is among them, whatever a file may make an engine print."""
_CRASH = re.compile(r"^(?:(?:runtime|runtime/cgo|fatal error|panic|SIG[A-Z]+): |unexpected fault ).*", re.MULTILINE)
_OUT_OF_MEMORY = re.compile(r"out of memory|cannot allocate|pthread_create failed|bad_alloc")


class StoppedError(ToolError):
    """Report that an engine reached a limit, or crashed."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one piece of work may take."""

    seconds: float
    megabytes: int
    work: str = "Rendering"
    """What is limited, as a sentence begins with it."""


def limits() -> Limits:
    """Return the limits that the environment sets, or the usual ones; raise UsageError where it sets nonsense."""
    return Limits(_number(TIMEOUT, float, 60.0, "seconds"), _number(MEMORY, int, 1024, "megabytes"))


def _number(name: str, kind: Callable[[str], Number], usual: Number, unit: str) -> Number:
    text = os.environ.get(name, "").strip()
    with suppress(ValueError):
        if not text:
            return usual
        if 0 < (number := kind(text)) <= threading.TIMEOUT_MAX:
            return number
    raise UsageError(f"{name} is “{text}”, which is no number of {unit}.", f"Give a number above 0, such as {usual:g}.")


class _Heard:
    """What a program says on a stream, heard by a thread of its own.

    Whatever the program started may hold the stream open for ever. So nobody but this thread waits for its end, and
    nobody else closes it: that blocks while it is being read.
    """

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self._stream, self._most = stream, most
        self._bytes = bytearray()
        self._lines = 0
        self._is_over = False
        self._changed = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with suppress(OSError, ValueError), self._stream:
            while chunk := os.read(self._stream.fileno(), 65536):
                with self._changed:
                    self._bytes += chunk[: self._most - len(self._bytes)]
                    self._lines += chunk.count(b"\n")
                    if self._lines or self._is_full:
                        self._changed.notify_all()
        self.give_up()

    def give_up(self) -> None:
        """Let nobody wait for more."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def line(self) -> bytes:
        """Wait for a line and return it; what there is of it where no more comes, or too much."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_over or self._lines or self._is_full)
            end = self._bytes.find(b"\n") + 1 or len(self._bytes)
            found = bytes(self._bytes[:end])
            del self._bytes[:end]
            self._lines = self._bytes.count(b"\n")
            return found

    def all(self, seconds: float | None = None) -> bytes:
        """Wait for the end, and return what was said until then, or until the time is up, or it is too much."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_over or self._is_full, seconds)
            return bytes(self._bytes)

    def clear(self) -> None:
        """Forget what was said."""
        with self._changed:
            self._bytes.clear()

    @property
    def _is_full(self) -> bool:
        return len(self._bytes) >= self._most


class Program:
    """A program that runs, and either answers lines with lines or prints something and ends."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        given: Limits | None = None,
        folder: Path | None = None,
    ) -> None:
        self._given = given
        self._limits = given or limits()
        passed = {name: value for name, value in os.environ.items() if _PASSED.fullmatch(name)}
        # The engines are written in Go, whose garbage collector is to be lazy until memory runs short.
        lazy = {"GOGC": "400", "GOMEMLIMIT": f"{self._limits.megabytes * 3 // 4}MiB"}
        self._late = False
        self._is_stopped = False
        with signals.undisturbed(), _starting:
            if threading.current_thread() in _abandoned:
                raise StoppedError("argosy was interrupted.", "Run it again.")
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**passed, **lazy, **(environment or {}), "PATH": programs.path()},
                cwd=folder,
                start_new_session=True,  # A group of its own, that Ctrl-C does not reach and that can be killed.
            )
            assert self._process.stdin
            assert self._process.stdout
            assert self._process.stderr
            self._stdin = self._process.stdin
            self._answers = _Heard(self._process.stdout, LARGEST)
            self._said = _Heard(self._process.stderr, _MOST_SAID)
            self._restrict("RLIMIT_DATA", self._limits.megabytes * 1024 * 1024)
            _running.add(self)

    @property
    def runs(self) -> bool:
        """Whether it can be asked something."""
        return self in _running and not self._has_ended

    def ask(self, line: bytes) -> bytes:
        """Return its answer to a line; stop it and raise StoppedError where it gives none."""
        answer = b""
        self._said.clear()
        with self._bounded():
            self._stdin.write(line)
            self._stdin.flush()
            answer = self._answers.line()
        if self._late or not answer.endswith(b"\n"):
            raise self._stopped(len(answer))
        return answer

    def finish(self) -> tuple[int, str, str]:
        """Return its exit code and what it printed, when it has ended; raise StoppedError where it was stopped."""
        out, code = b"", None
        # Should argosy be killed outright, this at least ends a program that never would.
        self._restrict("RLIMIT_CPU", int(self._limits.seconds + 1) * (os.cpu_count() or 1))
        with self._bounded():
            self._stdin.close()
            out = self._answers.all()
            code = self._process.wait() if len(out) < LARGEST else None
        if code is None or code < 0 or self._late or self._is_stopped:
            raise self._stopped(len(out))
        self._kill()  # What it left in the background.
        said = self._said.all(1).decode(errors="replace")
        if code and _CRASH.search(said):
            raise self._stopped(len(out))
        self.stop()
        return code, out.decode(errors="replace"), said

    def stop(self) -> None:
        """End it, and all that it started."""
        self._is_stopped = True
        self._kill()
        self._process.wait()
        _running.discard(self)
        self._answers.give_up()
        self._said.all(1)
        with suppress(OSError):
            self._stdin.close()

    @property
    def _has_ended(self) -> bool:
        """Whether it has ended; on Linux the system goes on to know it, so that its group's number is nobody else's."""
        if sys.platform != "linux":
            return self._process.poll() is not None
        try:
            return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return True

    def _kill(self) -> None:
        """Kill its group: what it started may run on where it has ended itself."""
        if self not in _running:
            return  # Its number may be another's by now.
        if sys.platform == "win32":
            self._process.kill()
        else:
            with suppress(ProcessLookupError, PermissionError):  # macOS denies it where only ended ones are left.
                os.killpg(self._process.pid, signal.SIGKILL)

    @contextmanager
    def _bounded(self) -> Iterator[None]:
        """Kill it where the block takes too long; end it where the block is interrupted."""

        def end() -> None:
            self._late = True
            self._kill()
            self._answers.give_up()

        self._limits = self._given or replace(limits(), megabytes=self._limits.megabytes)
        timer = threading.Timer(self._limits.seconds, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        except (OSError, ValueError):
            self.stop()  # It was gone, or somebody stopped it meanwhile.
        except BaseException:
            self.stop()
            raise
        finally:
            timer.cancel()

    def _restrict(self, name: str, limit: int) -> None:
        """Lower a limit of the process, which only Linux lets another process do."""
        if sys.platform == "linux":
            kind = getattr(resource, name)
            with suppress(OSError):  # It may have ended already.
                _, most = resource.prlimit(self._process.pid, kind)
                if most == resource.RLIM_INFINITY or limit < most:
                    resource.prlimit(self._process.pid, kind, (limit, limit))

    def _stopped(self, answered: int) -> StoppedError:
        """Stop it, and return why it gave no answer."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(0 if answered else 1)
        self.stop()
        said = self._said.all(0).decode(errors="replace")
        work, seconds, megabytes = self._limits.work, f"{self._limits.seconds:g}", self._limits.megabytes
        hint = "Look for a loop in it, or set {} to more than {} where argosy runs."
        if self._late:
            return StoppedError(f"{work} did not end within {seconds} seconds.", hint.format(TIMEOUT, seconds))
        if answered >= LARGEST:
            return StoppedError(f"{work} gives more than {LARGEST // 1024 // 1024} MB.", "Look for a loop in it.")
        crash = _CRASH.search(said)
        reason = crash[0] if crash else said.strip().rpartition("\n")[2]
        if _OUT_OF_MEMORY.search(reason) or reason.startswith("MemoryError"):
            return StoppedError(f"{work} needs more than {megabytes} MB of memory.", hint.format(MEMORY, megabytes))
        if self._process.returncode == -9:  # By SIGKILL, which this Python may have no name for.
            return StoppedError("The engine was killed.", "Perhaps this machine ran out of memory.")
        return StoppedError(f"The engine crashed: {reason[:200].rstrip('.') or 'it does not say why'}.")


_running: set[Program] = set()
_starting = threading.RLock()
_abandoned: WeakSet[threading.Thread] = WeakSet()
"""The threads that start no program any more, so that none runs once all are stopped."""


def run(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    given: Limits | None = None,
    folder: Path | None = None,
) -> tuple[int, str, str]:
    """Run a program to its end; return its exit code and what it printed on standard output and standard error."""
    return Program(command, environment, given, folder).finish()


@cache
def version(command: tuple[str, ...]) -> Sequence[Any] | None:
    """Return what tells a program from any other: what it says and which file it is; None where it does not say."""
    try:
        code, out, _ = run(command)
        status = Path(command[0]).stat()
    except (StoppedError, OSError):
        return None
    return None if code else [command[0], status.st_size, status.st_mtime_ns, out]


_pythons: dict[str, Program] = {}


def python(file: str, *packages: str, work: str = "") -> Program:
    """Return the process in which a file of argosy's runs, with these packages alone; a new one where it has ended.

    The work is what its limits say that they limit, where that is not rendering.
    """
    from importlib.util import find_spec  # noqa: PLC0415

    known = _pythons.get(file)
    if known is None or not known.runs:
        origins = [spec.origin for name in packages if (spec := find_spec(name)) and spec.origin]
        places = dict.fromkeys(str(Path(origin).parents[1]) for origin in origins)
        known = _pythons[file] = Program(
            [sys.executable, "-I", "-S", "-X", "utf8", file, *places],
            given=replace(limits(), work=work) if work else None,
        )
    return known


def stop_all() -> None:
    """Stop every program that runs."""
    for program in tuple(_running):
        program.stop()


def abandon(threads: Iterable[threading.Thread]) -> None:
    """Stop every program that runs, and let the threads start no other."""
    with _starting:
        _abandoned.update(threads)
    stop_all()


atexit.register(lambda: abandon(threading.enumerate()))
if sys.platform != "win32":
    os.register_at_fork(after_in_child=_running.clear)  # They are its parent's.
