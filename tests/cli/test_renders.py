"""No command renders anything twice: what reaches Helm and Kustomize is counted, the cache left out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from argosy import supervisor
from argosy.helm import workers
from argosy.repository.model import Application, Format
from tests import goldens, shared
from tests.changing import create, files, model
from tests.conftest import Argosy
from tests.promoting import NEW, OLD, edit, path, start

Engines = Counter[tuple[str, ...]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Engines:
    """Count what Helm and Kustomize are asked: for which application or folder, and what they answer."""
    counted: Engines = Counter()
    ask, run = workers.ask, supervisor.run

    def ask_and_count(task: str, **arguments: Any) -> dict[str, Any]:
        answer = ask(task, **arguments)
        if task in {"render", "lint"}:
            chart = Path(arguments["chart"]).name
            about = (str(arguments.get(each, "")) for each in ("name", "namespace"))
            counted[task, chart, *about, json.dumps(answer)] += 1
        return answer

    def run_and_count(command: Sequence[str], *more: Any) -> tuple[int, str, str]:
        if "kustomize" not in command:
            return run(command, *more)
        # Each is counted, and that of the same files done once for all tests: Kustomize takes long to start.
        folder = Path(command[-1])
        base = folder.parents[2] / "applications" / folder.name
        known = f"built {command[1:-1]} {folder.parts[-3:]} {files(folder)} {files(base)}"
        done = shared.value(known, lambda: run(command, *more))
        counted["build", *folder.parts[-3:], done[1]] += 1
        return done

    monkeypatch.setattr(workers, "ask", ask_and_count)
    monkeypatch.setattr(supervisor, "run", run_and_count)
    return counted


def mixed(folder: Path, environments: tuple[str, ...]) -> Path:
    """Make a repository in which web has a chart, and api is built by Kustomize; return its root."""
    bare = model((), environments, form=Format.HELM)
    both = (Application("api", Format.KUSTOMIZE), Application("web", Format.HELM))
    return create(folder, goldens.permitted(bare.with_applications(both)))


FILES = {"values.yaml": "web", "kustomization.yaml": "api"}
"""The files that name an image, and whose."""


def release(root: Path) -> None:
    for file, name in FILES.items():
        edit(root, f"environments/dev/{name}/{file}", OLD, NEW)


def change(root: Path) -> None:
    for file, name in FILES.items():
        path = root / "environments/dev" / name / file
        path.write_text(path.read_text().replace(OLD, NEW))


def nothing(root: Path) -> None:
    pass


Prepare = Callable[[Path], None]
COMMANDS: Mapping[str, tuple[Prepare, tuple[str, ...], int, int]] = {
    "validate": (nothing, ("validate",), 2, 2),
    "doctor": (nothing, ("doctor", "--offline"), 2, 2),
    "doctor-helm": (nothing, ("doctor", "web", "--offline"), 2, 0),
    "doctor-kustomize": (nothing, ("doctor", "api", "--offline"), 0, 2),
    "render-helm": (nothing, ("render", "web", "dev"), 1, 0),
    "render-kustomize": (nothing, ("render", "api", "dev"), 0, 1),
    "diff": (change, ("diff",), 2, 2),
    "diff-between": (release, ("diff", "--between", "dev", "prod"), 2, 2),
    "status": (release, ("status",), 0, 0),
    "promote": (release, ("promote", "--all", "--to", "prod", "--yes", "--commit"), 2, 2),
    "promote-chain": (release, ("promote", "--all", "--to", "prod", "--chain", "--yes", "--commit"), 4, 4),
    "add-app-helm": (nothing, ("add", "app", "shop", "--format", "helm"), 2, 0),
    "add-app-kustomize": (nothing, ("add", "app", "shop", "--format", "kustomize"), 0, 2),
    "add-env": (nothing, ("add", "env", "qa", "--after", "dev"), 1, 1),
    "remove-app": (nothing, ("remove", "app", "api", "--yes", "--commit"), 0, 0),
    "rename-helm": (nothing, ("rename", "app", "web", "shop", "--yes"), 2, 0),
    "rename-kustomize": (nothing, ("rename", "app", "api", "shop", "--yes"), 0, 2),
    "set": (nothing, ("set", "application", "api", "team=shop"), 0, 0),
    "apply": (nothing, ("apply",), 0, 0),
    "convert-helm": (nothing, ("convert", "web", "--to", "manifests", "--yes"), 2, 0),
    "convert-kustomize": (nothing, ("convert", "api", "--to", "manifests", "--yes"), 0, 2),
}
"""What comes before each, and how often it asks Helm and Kustomize at least."""


@pytest.mark.parametrize("which", COMMANDS)
def test_nothing_is_rendered_twice(argosy: Argosy, tmp_path: Path, asked: Engines, which: str) -> None:
    prepare, arguments, charts, kustomizations = COMMANDS[which]
    root = mixed(tmp_path / "gitops", ("dev", *(("staging",) if "--chain" in arguments else ()), "prod"))
    prepare(root)
    asked.clear()
    place = (str(root),) if which == "validate" else ("--repository", str(root))
    done = argosy(*arguments, *place, *(() if which == "status" else ("--no-cache",)))
    assert done.code in {0, 1}, done.err
    assert not repeated(asked)
    assert sum(key[0] == "render" for key in asked) >= charts
    assert sum(key[0] == "build" for key in asked) >= kustomizations


def repeated(asked: Engines) -> Mapping[tuple[str, ...], int]:
    """Return what was asked more than once, without the answers."""
    return {key[:-1]: number for key, number in asked.items() if number > 1}


def test_nor_by_init(argosy: Argosy, asked: Engines) -> None:
    assert argosy("init", "gitops", "--defaults", "--no-cache").code == 0
    assert not repeated(asked)
    assert asked


def test_nor_what_had_to_be_stopped(argosy: Argosy, tmp_path: Path) -> None:
    helm, started = tmp_path / "helm", tmp_path / "started"
    stopped = f'*) echo "$1" >> {started}; kill -9 $$ ;;'
    helm.write_text(f'#!/bin/sh\ncase "$1" in version) echo v3.19.0 ;; {stopped} esac\n')
    helm.chmod(0o755)
    root = start(tmp_path / "gitops", Format.HELM)
    edit(root, path("dev", Format.HELM), OLD, NEW)
    promoted = argosy("promote", "web", "--to", "staging", "--yes", "--repository", str(root), "--helm", str(helm))
    assert promoted.code == 1
    assert "before the change: applications/web/charts/web/Chart.yaml: The engine was killed." in promoted.out
    assert "after the change: applications/web/charts/web/Chart.yaml: The engine was killed." in promoted.out
    assert "error: The engine was killed. [helm-render]" in promoted.err
    # Once before and once after; the validation of what comes after would have it stopped again.
    assert started.read_text() == "template\n" * 2
