"""Ask the real Argo CD about all cases at once: `python -m tests.cluster.argocd.asking [NAME …]` prints its answers."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from argosy.findings import Finding
from argosy.validation import pipeline
from tests import shared
from tests.cluster import control_plane
from tests.cluster.argocd import cases, running
from tests.cluster.argocd.cases import Answer, Case
from tests.cluster.argocd.running import ArgoCD
from tests.elsewhere import GitServer, git_server
from tests.validating import write_files

_QUIET, _WITHIN = 20, 400
"""Seconds for which nothing has to change until what is said counts, and after which it counts anyway."""


@dataclass(frozen=True)
class Told:
    """What Argo CD says of a case."""

    answer: Answer
    messages: tuple[str, ...]
    objects: Mapping[str, Mapping[str, Any]]
    """Its Applications and ApplicationSets, by kind and name."""

    def __str__(self) -> str:
        return "\n".join((f"{self.answer}", *(f"  {each}" for each in self.messages)))


def ask(argocd: ArgoCD, server: GitServer, chosen: Sequence[Case]) -> dict[str, Told]:
    """Have Argo CD deploy each case from a repository of its own, and return what it says of each in the end."""
    refused = {}
    for each in chosen:
        url = f"{server.url}/{each.name}.git"
        files = each.repository(url)
        server.commit(each.name, files)
        try:
            argocd.apply(yaml.safe_load_all(files["root.yaml"]))
        except AssertionError as error:
            refused[each.name] = str(error)
    return {each.name: _told(each, refused.get(each.name, ""), seen) for each, seen in _settled(argocd, chosen)}


def _settled(argocd: ArgoCD, chosen: Sequence[Case]) -> list[tuple[Case, dict[str, Mapping[str, Any]]]]:
    begun = changed = time.monotonic()
    before: object = None
    while True:
        seen = {
            f"{kind} {name}": each
            for kind in ("applications", "applicationsets")
            for name, each in argocd.listed(kind).items()
        }
        now = {key: _signature(each) for key, each in seen.items()}
        if now != before:
            before, changed = now, time.monotonic()
        looked = all((each.get("status") or {}) for each in seen.values())
        if (looked and time.monotonic() - changed > _QUIET) or time.monotonic() - begun > _WITHIN:
            return [(each, {key: seen[key] for key in _of(each, seen)}) for each in chosen]
        time.sleep(2)


def _of(case: Case, seen: Mapping[str, object]) -> list[str]:
    names = {case.name, f"{case.name}-root"}
    return [each for each in seen if each.partition(" ")[2] in names]


def _signature(each: Mapping[str, Any]) -> object:
    status = each.get("status") or {}
    conditions = [(one["type"], one["message"], one.get("status")) for one in status.get("conditions") or ()]
    operation = status.get("operationState") or {}
    return (
        conditions,
        status.get("sync", {}).get("status"),
        operation.get("phase"),
        bool(status.get("reconciledAt")),
    )


def _told(case: Case, refused: str, seen: Mapping[str, Mapping[str, Any]]) -> Told:
    errors: list[str] = [refused] if refused else []
    warnings: list[str] = []
    for key, each in seen.items():
        for is_error, text in _said(each):
            (errors if is_error else warnings).append(f"{key}: {text}")
    states = {key: (each.get("status") or {}).get("sync", {}).get("status", "") for key, each in seen.items()}
    own = seen.get(f"applications {case.name}", {})
    deployed = (own.get("status") or {}).get("resources") or ()
    written = sum(text.count("apiVersion:") for path, text in case.files.items() if path.startswith("manifests/"))
    if errors:
        answer = Answer.FAILS
    elif "OutOfSync" in states.values():
        answer = Answer.STAYS
    elif len(deployed) < (written or 1) and not warnings:
        answer = Answer.LESS
    else:
        answer = Answer.WARNS if warnings else Answer.DEPLOYS
    return Told(answer, (*errors, *warnings), seen)


def _said(each: Mapping[str, Any]) -> Iterator[tuple[bool, str]]:
    """Yield what an Application or ApplicationSet complains of, and whether that is an error."""
    status = each.get("status") or {}
    for one in status.get("conditions") or ():
        text = f"{one['type']}: {one['message']}"
        if "status" not in one:
            yield one["type"].endswith("Error"), text
        elif one["type"] == "ErrorOccurred" and one["status"] == "True":
            yield True, text
    operation = status.get("operationState") or {}
    if operation.get("phase") in {"Failed", "Error"}:
        yield True, f"operation {operation['phase']}: {operation.get('message', '')}"
    for one in (operation.get("syncResult") or {}).get("resources") or ():
        # Before it says so of the operation, it tries again, for minutes.
        if one.get("status") == "SyncFailed":
            yield True, f"{one['kind']} {one['name']}: {one.get('message')}"


_NOISE = {"generate-paths-missing", "missing-key-silent", "project-permits-everything", "project-permits-more"}
"""Rules of the form of an Application, which the cases are not about."""


def findings(case: Case, folder: Path) -> list[Finding]:
    """Return what argosy finds in a case, as a clone of its repository."""
    url = f"http://127.0.0.1/{case.name}.git"
    write_files(folder, case.repository(url))
    for command in (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "--all"),
        ("commit", "--quiet", "--message=Begin"),
        ("remote", "add", "origin", url),
        ("update-ref", "refs/remotes/origin/main", "HEAD"),
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)
    report = pipeline.validate(folder, pipeline.Options())
    return [each for each in report.findings if each.rule not in _NOISE]


def main() -> None:
    """Print what Argo CD says of the cases that are named, or of all."""
    chosen = [each for each in cases.ALL if each.name in sys.argv[1:] or not sys.argv[1:]]
    with tempfile.TemporaryDirectory() as name, shared.session():
        folders = [Path(name, each) for each in ("plane", "argocd", "git")]
        for each in folders:
            each.mkdir()
        with (
            control_plane.running(folders[0]) as plane,
            running.running(folders[1], plane) as argocd,
            git_server(folders[2]) as server,
        ):
            for case, told in ask(argocd, server, chosen).items():
                print(f"## {case}\n{told}", flush=True)


if __name__ == "__main__":
    main()
