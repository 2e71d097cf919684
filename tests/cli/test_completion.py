"""Completion: what is offered after which words, and how real shells take it."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

import pexpect
import pytest
from click.shell_completion import get_completion_class

from argosy.cli import COMPLETE
from argosy.cli import argosy as program
from tests.conftest import Argosy, Git
from tests.forked import Forked

SHELLS = {
    "bash": ("--norc --noprofile -i", 'eval "$(argosy completion bash)"'),
    "zsh": ("-f -i", 'autoload -Uz compinit; compinit -u; eval "$(argosy completion zsh)"'),
    "fish": ("--no-config -i", "argosy completion fish | source"),
}
"""How each is started without a configuration, and taught."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, git: Git) -> Path:
    """Return a repository with an application, a component, a team, a cluster and a tag."""
    root = tmp_path_factory.mktemp("completion") / "gitops"
    told = "--defaults --quiet --minimal --app web-shop"
    assert Forked(["init", str(root), *told.split()], cwd=root.parent).wait() == 0
    for path, text in {
        "teams/payments/team.yaml": "{}\n",
        "clusters.yaml": "clusters: [{name: europe, server: 'https://europe.example'}]\n",
        "argocd/prod/components/cert-manager.yaml": "{}\n",
        "argocd/prod/components/project.yaml": "{}\n",
        ".copier-answers.acme.yml": "{}\n",
        "kubeconfig": "contexts: [{name: east}, {name: west}]\n",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    git(root, "tag", "v1")
    return root


def offered(line: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what is offered for the last word of a line."""
    monkeypatch.setenv(COMPLETE, "bash_complete")
    *words, incomplete = line.split(" ")
    shell = get_completion_class("bash")
    assert shell is not None
    return [each.value for each in shell(program, {}, "argosy", COMPLETE).get_completions(words, incomplete)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("promo", ["promote"]),
        ("status ", ["web-shop"]),
        ("promote --to ", ["dev", "prod"]),
        ("render web-shop p", ["prod"]),
        ("diff --between dev ", ["dev", "prod"]),
        ("diff --against ", ["main", "v1"]),
        ("remove app ", ["web-shop"]),
        ("remove application ", ["web-shop"]),
        ("rename env d", ["dev"]),
        ("remove component ", ["cert-manager"]),
        ("add component cert", ["cert-manager"]),
        ("remove team ", ["payments"]),
        ("add app x --team ", ["payments"]),
        ("remove cluster ", ["europe"]),
        ("template update ", ["acme"]),
        ("rules image-t", ["image-tag"]),
        ("doctor --context ", ["east", "west"]),
        ("validate --kubernetes-version 1.37", ["1.37"]),
        ("set app web", ["web-shop"]),
        ("set env prod autoSync=", ["autoSync=false", "autoSync=true"]),
        ("settings env prod autoS", ["autoSync"]),
        ("tree -o m", ["mermaid"]),
        ("version -o ", ["text", "json", "yaml"]),
        ("help previ", ["previews"]),
        ("completion ", ["bash", "zsh", "fish", "powershell"]),
        ("status nothing-like-it", []),
    ],
)
def test_names_are_offered(root: Path, monkeypatch: pytest.MonkeyPatch, line: str, expected: list[str]) -> None:
    monkeypatch.chdir(root / "environments")
    monkeypatch.setenv("KUBECONFIG", str(root / "kubeconfig"))
    assert offered(line, monkeypatch) == expected


def test_names_are_those_of_the_folder_that_is_named(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert offered("status ", monkeypatch) == []
    assert offered(f"status --repository {root} ", monkeypatch) == ["web-shop"]
    assert offered(f"-C {root} status ", monkeypatch) == ["web-shop"]


@pytest.mark.parametrize("text", ["contexts: 1", "{", "contexts: [x]", "\0"])
def test_a_file_that_cannot_be_read_offers_nothing(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(root)
    (tmp_path / "kubeconfig").write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    assert offered("bootstrap --context ", monkeypatch) == []


def test_every_rule_is_offered(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import argosy.rules.catalogue
    from argosy.rules.registry import RULES

    assert argosy.rules.catalogue
    monkeypatch.chdir(root)
    assert {*offered("rules ", monkeypatch)} == {*RULES}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_real_shell_completes(root: Path, tmp_path: Path, shell: str) -> None:
    if not (path := shutil.which(shell)):
        pytest.skip(f"{shell} is not here")
    options, teach = SHELLS[shell]
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin/argosy"
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m argosy "$@"\n')
    script.chmod(0o755)
    environment: dict[str, str] = {
        **os.environ,
        **{
            "PATH": f"{script.parent}{os.pathsep}{os.environ['PATH']}",
            "TERM": "dumb",
            "PS1": "$ ",
            "HOME": str(tmp_path),
        },
    }
    with (tmp_path / "log").open("wb") as log:
        terminal = pexpect.spawn(path, options.split(), env=environment, cwd=str(root), timeout=60, logfile=log)
        terminal.sendline(teach)
        terminal.sendline("echo rea''dy")
        terminal.expect("ready")
        terminal.send("echo argosy; argosy rend\t")
        terminal.expect("render ")
        terminal.send("web\t")
        terminal.expect("web-shop ")
        terminal.send("prod -o name > /dev/null; argosy set env prod autoSy\t")
        terminal.expect("nc=")
        terminal.sendcontrol("c")
        terminal.close(force=True)


@pytest.mark.parametrize("shell", [*SHELLS, "powershell"])
def test_the_script_is_printed(argosy: Argosy, shell: str) -> None:
    result = argosy("completion", shell)
    assert (result.code, COMPLETE in result.out) == (0, True)
