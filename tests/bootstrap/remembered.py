"""The real kubectl, asked each question once: where a server answers its requests as it did before, so does kubectl."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from argosy.kubernetes.kubectl import KubectlError, Reason
from tests.bootstrap.apiserver import ApiServer, Exchange

_ALONE = {"config", "kustomize"}
"""What asks no server."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the server told kubectl, and what that said then."""

    exchanges: Sequence[Exchange]
    printed: str
    failed: tuple[str, str, Reason] | None


_KEPT: dict[object, list[_Kept]] = {}


def remembering(cluster: ApiServer, place: Path, run: Callable[..., str]) -> Callable[..., str]:
    """Return what runs kubectl, but for a question that it was asked before, and that changes nothing.

    The settings are to be the same then, and the server is asked all that kubectl asked it: where one of its answers
    is another, kubectl runs. What lies in the `place` is not told from what lay in another test's.
    """

    def known(text: str) -> str:
        return text.replace(str(place), "<place>").replace(cluster.url, "<server>")

    def here(text: str) -> str:
        return text.replace("<place>", str(place)).replace("<server>", cluster.url)

    def is_said_again(then: Exchange) -> bool:
        now = cluster.told(then.method, here(then.target), here(then.body))
        return (now.code, known(now.answer)) == (then.code, then.answer)

    def ask(*arguments: str, **options: Any) -> str:
        configuration = Path(os.environ["KUBECONFIG"])
        if not (cluster.serves and configuration.is_file() and _changes_nothing(arguments, str(options.get("stdin")))):
            return run(*arguments, **options)
        told = {name: value for name, value in sorted(os.environ.items()) if name.startswith("KUBE")}
        read = _texts(Path(arguments[1])) if arguments[0] == "kustomize" else configuration.read_text()
        question = shutil.which("kubectl"), known(repr((arguments, sorted(options.items()), told, read)))
        for kept in _KEPT.setdefault(question, []):
            if all(is_said_again(each) for each in kept.exchanges):
                break
        else:
            cluster.heard.clear()
            try:
                printed, failed = known(run(*arguments, **options)), None
            except KubectlError as error:
                printed, failed = "", (known(error.message), known(error.hint), error.reason)
            heard = [
                Exchange(each.method, known(each.target), known(each.body), each.code, known(each.answer))
                for each in cluster.heard
            ]
            kept = _Kept(heard, printed, failed)
            if heard or arguments[0] in _ALONE:  # What reached no server may reach one the next time.
                _KEPT[question].append(kept)
        if kept.failed:
            message, hint, reason = kept.failed
            raise KubectlError(here(message), here(hint), reason)
        return here(kept.printed)

    return ask


def _changes_nothing(arguments: Sequence[str], stdin: str) -> bool:
    match arguments[0]:
        case "apply":
            return "--dry-run=server" in arguments
        case "create":
            return '"SelfSubjectAccessReview"' in stdin
        case "kustomize":
            return not any("../" in text or "://" in text for text in _texts(Path(arguments[1])).values())
        case command:
            return command in {"api-resources", "config", "get", "version"}


def _texts(folder: Path) -> dict[str, str]:
    """Return the files of a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()
    }
