"""PATH leads into a repository, and nothing there is run."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

import argosy as package
from argosy import engines, extensions, plugins, programs
from argosy.errors import ArgosyError, RenderError
from argosy.helm import fetching
from argosy.kubernetes import kubectl
from argosy.plugins import Plugin
from argosy.remote import registry
from tests.conftest import Argosy, Git

SHIM = '#!/bin/sh\ntouch "{0}"\nexec "{1}" "$@"\n'


def asked_by_kubectl() -> object:
    """Have the user's kubectl start a program by its name, as a kubeconfig has it log in."""
    return subprocess.run(["sh", "-c", "gke-auth"], env=kubectl._environment(), check=False)


def shown() -> None:
    """Have a library start a program by its name, as Click does a pager."""
    with programs.alone():
        subprocess.run(["sh", "-c", "less --version"], check=False)


RUNS: Mapping[str, Callable[[], object]] = {
    "kubectl": lambda: kubectl.run("version", "--client"),
    "helm": lambda: fetching._pull_by_binary("web", "http://127.0.0.1:9", "1.0.0", Path("charts"), {}),
    "kustomize": lambda: engines.chosen(engines.KUSTOMIZE, "5.0.0", lambda: "4.0.0"),
    "jsonnet": lambda: plugins._run(["jsonnet", "x"], Path.cwd(), {}),
    "docker-credential-acme": lambda: registry._of_helper("acme", "registry.example.com"),
    "gke-auth": asked_by_kubectl,
    "argosy-greet": lambda: [subprocess.run([each], check=False) for each in extensions.commands().values()],
    "less": shown,
}
UNTOLD = {"gke-auth", "argosy-greet", "less"}
"""What others look for, and what is no command then."""


@pytest.fixture
def gitops(tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "gitops"
    (root / "apps").mkdir(parents=True)
    (root / "bin").mkdir()
    (root / "apps/a.yaml").write_text("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n")
    git(root, "init", "-q")
    (tmp_path / "link").symlink_to(root)
    (tmp_path / "links").symlink_to(root / "bin")
    (root / "out").symlink_to(tmp_path / "outside")
    (tmp_path / "outside").mkdir()
    monkeypatch.setattr(programs, "_distrusted", set())
    monkeypatch.setattr(programs, "_passed_over", {})
    return root


def put(folder: Path, name: str, marker: Path) -> None:
    (folder / name).write_text(SHIM.format(marker, shutil.which(name) or shutil.which("true")))
    (folder / name).chmod(0o755)


WAYS = {
    "itself": ("gitops/bin", "gitops/bin"),
    "relatively": ("gitops/bin", "bin"),
    "as the current folder": ("gitops", ""),
    "by a link to the repository": ("gitops/bin", "link/bin"),
    "by a link to the folder": ("gitops/bin", "links"),
    "by a link of the repository that leads out": ("outside", "link/out"),
}
"""Where the program is, and what PATH begins with."""


def lead(tmp_path: Path, way: str, name: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    place, entry = WAYS[way]
    put(tmp_path / place, name, tmp_path / "ran")
    entry = str(tmp_path / entry) if "/" in entry or entry == "links" else entry
    monkeypatch.setenv("PATH", os.pathsep.join((entry, os.environ["PATH"])))
    return tmp_path / "ran"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", RUNS)
def test_no_program_of_the_repository_is_run(
    gitops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, way: str
) -> None:
    monkeypatch.chdir(gitops)
    marker = lead(tmp_path, way, name, monkeypatch)
    with suppress(ArgosyError, RenderError):  # There may be no other here.
        RUNS[name]()
    assert not marker.exists()
    if name not in UNTOLD:
        assert Path(programs.passed_over()[name]).resolve().name == name


@pytest.mark.parametrize("way", [each for each in WAYS if WAYS[each][1] not in {"", "bin"}])
@pytest.mark.parametrize("command", ["validate", "doctor --offline"])
def test_nor_of_one_that_is_looked_at_from_elsewhere(
    argosy: Argosy, gitops: Path, monkeypatch: pytest.MonkeyPatch, command: str, way: str
) -> None:
    tmp_path = gitops.parent
    marker = lead(tmp_path, way, "git", monkeypatch)
    said = argosy(*command.split(), "--repository", str(gitops)).err
    assert not marker.exists()
    assert "git is not run: no program of a repository is." in said
    assert not programs._distrusted
    assert not programs.passed_over()


def test_of_a_subfolder_the_whole_repository_is_distrusted(
    gitops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead(tmp_path, "itself", "helm", monkeypatch)
    own = shutil.which("helm", path=os.pathsep.join(os.environ["PATH"].split(os.pathsep)[1:]))
    monkeypatch.chdir(tmp_path)
    assert programs.find("helm") == gitops / "bin/helm"
    programs.distrust(gitops / "apps")
    assert programs.find("helm") == (Path(own) if own else None)


def test_a_repository_further_out_that_holds_the_home_is_the_user_s(
    gitops: Path, tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "-q")
    monkeypatch.chdir(gitops)
    put(tmp_path / "outside", "mine", tmp_path / "ran")
    monkeypatch.setenv("PATH", str(tmp_path / "outside"))
    assert programs.find("mine") is None
    monkeypatch.setenv("HOME", str(tmp_path))
    assert programs.find("mine") == tmp_path / "outside/mine"
    monkeypatch.setenv("HOME", str(gitops))
    monkeypatch.setenv("PATH", str(gitops / "bin"))
    put(gitops / "bin", "mine", tmp_path / "ran")
    assert programs.find("mine") is None


def test_a_plugin_s_path_in_the_repository_is_refused(gitops: Path, tmp_path: Path) -> None:
    put(gitops / "bin", "mine", tmp_path / "ran")
    with pytest.raises(RenderError, match="neither a program on the PATH nor"):
        plugins.generate(Plugin("x", tmp_path, (str(gitops / "bin/mine"),)), gitops, gitops / "apps", {}, gitops)
    assert not (tmp_path / "ran").exists()


def test_every_program_is_looked_for_in_one_place() -> None:
    for file in Path(package.__file__).parent.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        if "subprocess" not in text and "shutil" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            assert called != "shutil.which" or file.name == "programs.py", file
            if called in {"subprocess.run", "subprocess.Popen"}:
                assert isinstance(node, ast.Call)
                first = node.args[0]
                word = first.elts[0] if isinstance(first, ast.List) else first
                assert not isinstance(word, ast.Constant | ast.JoinedStr), file
                # An extension is the user's program, and has the user's PATH.
                is_extension = file.match("cli/__init__.py")
                assert is_extension or any(each.arg == "env" for each in node.keywords), file
