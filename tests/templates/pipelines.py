"""The scripts of a generated repository's CI, taken from its files, and run by bash in a real clone.

Three programs are not the real ones: `python`, which would install argosy from a registry, `gitleaks`, which no
registry of Python's has, and `argosy` itself, since it is the shell's part that is under test. They write down how they
were called. When it is asked for a pull request,
`argosy` commits nothing, and pushes it to the clone's origin.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from argosy.repository.model import Application, CiHost, Component, Format, Layer, PagePlace, RevisionStyle, Seed
from argosy.repository.previews import GitHost, Previews
from argosy.template import rendering
from tests import goldens
from tests.forked import Forked

TOKEN = "a-secret-token"
WEB = "https://git.example.com/acme/gitops"
PYTHON = """#!/bin/bash
printf '%s\\n' "$*" >> "$RECORD/installed"
case "$*" in *" /dev/stdin") cat >> "$RECORD/installed" ;; esac
"""
GITLEAKS = """#!/bin/bash
printf '%s\\0' "$@" > "$RECORD/gitleaks"
while [ $# -gt 1 ]; do if [ "$1" = --report-path ]; then touch "$2"; fi; shift; done
"""
ARGOSY = f"""#!/bin/bash
printf '%s\\0' "$@" > "$RECORD/arguments"
env --null > "$RECORD/environment"
case " $* " in
  *" --pull-request "*)
    git commit --quiet --allow-empty --message Promote || exit
    git push --quiet origin HEAD:refs/heads/promotion || exit
    echo "https://git.example.com/acme/gitops/pulls/1"
    printf 'url={WEB.replace("://", "://oauth2@")}.git\\n' | git credential fill > "$RECORD/credential" 2>&1
    ;;
  *" --output markdown "*)
    echo '# What changes'
    case " $* " in *" --artifact diff.md "*) echo '# What changes' > diff.md ;; esac
    ;;
esac
exit 0
"""
ASK = """
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as asked:
    asked.connect(sys.argv[1])
    socket.send_fds(asked, [b"."], [0, 1, 2])
    asked.sendall(json.dumps([sys.argv[2:], os.getcwd(), {**os.environ}]).encode())
    asked.shutdown(socket.SHUT_WR)
    sys.exit(int(asked.makefile().read()))
"""
"""What asks for a real argosy, with this program's arguments, folder, environment and streams."""

THREE = ("dev", "staging", "prod")


@cache
def real_argosy() -> str:
    """Return the argosy that is under test, where it needs no host: one that is forked for each call of a script."""
    folder = Path(tempfile.mkdtemp(prefix="asked-"))  # A socket's path has to be short.
    atexit.register(shutil.rmtree, folder)
    listening = socket.socket(socket.AF_UNIX)
    atexit.register(listening.close)
    listening.bind(str(folder / "socket"))
    listening.listen()

    def forked(asked: socket.socket) -> None:
        with asked:
            _, streams, _, _ = socket.recv_fds(asked, 1, 3)
            arguments, place, environment = json.load(asked.makefile())
            stdin, stdout, stderr = streams
            code = Forked(arguments, cwd=place, env=environment, stdin=stdin, stdout=stdout, stderr=stderr).wait()
            for each in streams:
                os.close(each)
            asked.sendall(b"%d" % code)

    def answer() -> None:
        with contextlib.suppress(OSError):  # Closed, once there are no more tests.
            while True:
                threading.Thread(target=forked, args=listening.accept()[:1], daemon=True).start()

    threading.Thread(target=answer, daemon=True).start()
    asking = shlex.join([sys.executable, "-I", "-S", "-c", ASK, str(folder / "socket")])
    return f'#!/bin/bash\nexec {asking} "$@"\n'


@cache
def texts(
    ci: CiHost,
    revision: RevisionStyle = RevisionStyle.TRUNK,
    *,
    follow_up: bool = True,
    environments: tuple[str, ...] = THREE,
    argosy_install: str = goldens.RELEASED,
    components: bool = False,
    previews: bool = False,
    page: str = "none",
    layers: tuple[Layer, ...] = (),
) -> Mapping[str, str]:
    """Return the files of a new repository, with a component in each environment where that is wanted."""
    chained = tuple((name, "") for name in environments)
    model = goldens.repository(
        Format.MANIFESTS,
        revision=revision,
        ci=ci,
        environments=chained,
        seed=Seed(),
        follow_up=follow_up,
        argosy_install=argosy_install,
    )
    if components:
        component = Component("cert-manager", "https://charts.example.com", "cert-manager", "1.0.0", "cert-manager")
        model = replace(
            model, environments=tuple(replace(each, components=(component,)) for each in model.environments)
        )
    if previews:
        ending = Previews("https://github.com/acme/web", environments[0], GitHost.GITHUB, preview_ttl="7d")
        model = model.with_applications((Application("web", previews=ending),))
    production = replace(model.settings.production, page=PagePlace(page))
    model = replace(model, settings=replace(model.settings, layers=layers, production=production))
    return {path: file.content.decode() for path, file in rendering.render(model).items()}


def yamllint(hooks: str) -> str:
    """Return the configuration that pre-commit gives to yamllint."""
    (hook,) = (each for part in yaml.safe_load(hooks)["repos"] for each in part["hooks"] if each["id"] == "yamllint")
    return str(hook["args"][-1])


@cache
def documents(ci: CiHost, **choices: Any) -> Mapping[str, Any]:
    """Return the files of a new repository that its CI reads, by what they are called: path -> last document."""
    pattern = r"\.github/workflows/.*|\.gitlab-ci\.yml|bitbucket-pipelines\.yml"
    return {
        path: list(yaml.load_all(text, yaml.CBaseLoader))[-1]
        for path, text in texts(ci, **choices).items()
        if re.fullmatch(pattern, path)
    }


@dataclass(frozen=True, slots=True)
class Script:
    """What a job runs: commands, the variables that its file gives them, and the shell as the host starts it."""

    commands: Sequence[str]
    variables: Mapping[str, str]
    options: str


def github(name: str, values: Mapping[str, str], **choices: Any) -> Iterator[Script]:
    """Yield the steps of a workflow's job of its name; the values are those of its expressions."""
    job = documents(CiHost.GITHUB, **choices)[f".github/workflows/{name}.yaml"]["jobs"][name]
    for step in job["steps"]:
        if "run" in step:
            variables = {key: _evaluated(written, values) for key, written in step.get("env", {}).items()}
            yield Script([step["run"]], variables, "-e")


def _evaluated(written: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\$\{\{ (.*?) \}\}", lambda expression: values[expression[1]], written)


def gitlab(name: str, inputs: Mapping[str, str], **choices: Any) -> Script:
    """Return a job of a pipeline that is started with inputs."""
    header, text = texts(CiHost.GITLAB, **choices)[".gitlab-ci.yml"].split("\n---\n")
    declared = _loaded(header)["spec"]["inputs"]
    known = {key: inputs.get(key, spec["default"]) for key, spec in declared.items()}
    for key, spec in declared.items():
        assert known[key] in spec.get("options", [known[key]])
        assert re.search(spec.get("regex", ""), known[key])
    jobs = _loaded(re.sub(r"\$\[\[ inputs\.(\w+) \]\]", lambda each: known[each[1]], text))
    job = jobs[name]
    while "extends" in job:
        parent = jobs[job["extends"]]
        job = {key: value for key, value in job.items() if key != "extends"}
        job = {**parent, **job, "variables": {**parent.get("variables", {}), **job.get("variables", {})}}
    return Script([*job.get("before_script", []), *job["script"]], job["variables"], "-eo pipefail")


@cache
def _loaded(text: str) -> Mapping[str, Any]:
    """Return what a file says, which each of its jobs is looked up in."""
    found: Mapping[str, Any] = yaml.load(text, yaml.CBaseLoader)
    return found


def bitbucket(name: str, **choices: Any) -> Script:
    """Return a step."""
    steps = documents(CiHost.BITBUCKET, **choices)["bitbucket-pipelines.yml"]["definitions"]["steps"]
    (step,) = (each["step"] for each in steps if each["step"]["name"] == name)
    return Script(step["script"], {}, "-e")


@dataclass(frozen=True, slots=True)
class Done:
    """What a script did: its exit code and output, how argosy was called, and with which variables."""

    code: int
    output: str
    arguments: Sequence[str]
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Clone:
    """A clone as a CI host makes one, of a repository with a branch that is merged into main, on disk."""

    folder: Path
    home: Path

    @property
    def remote(self) -> Path:
        """The bare repository that stands where the host's would."""
        return self.home / "remote" / "acme" / "gitops.git"

    def git(self, *arguments: str) -> str:
        """Run git in the clone, and return what it printed."""
        done = subprocess.run(["git", *arguments], cwd=self.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def run(self, script: Script, given: Mapping[str, str]) -> Done:
        """Run a script with the host's own variables."""
        record = self.home / "record"
        record.mkdir(exist_ok=True)
        for leftover in record.iterdir():
            leftover.unlink()
        environment = {
            "PATH": f"{self.home / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.home),
            "GIT_CONFIG_GLOBAL": str(self.home / "gitconfig"),
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "RECORD": str(record),
            "ARGOSY_CACHE": os.environ["ARGOSY_CACHE"],
            **given,
        }
        environment |= {key: _expanded(value, environment) for key, value in script.variables.items()}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", *script.options.split(), "-c", "\n".join(script.commands)],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        seen = dict(line.split("=", 1) for line in self.recorded("environment").split("\0") if "=" in line)
        return Done(done.returncode, done.stdout, self.recorded("arguments").split("\0")[:-1], seen)

    def recorded(self, name: str) -> str:
        """Return what the programs that are not the real ones wrote down; empty where they were not called."""
        file = self.home / "record" / name
        return file.read_text() if file.exists() else ""


def _expanded(value: str, environment: Mapping[str, str]) -> str:
    return re.sub(r"\$(\w+)", lambda name: environment[name[1]], value)


def history(folder: Path) -> Path:
    """Make a bare repository with the branches main, prod and change, where change was merged into main.

    Beside it is a clone.
    """
    folder.mkdir()
    for command in (
        "init --quiet --initial-branch=main --template=",
        "commit --allow-empty --message Begin",
        "branch prod",
        "switch --create change",
        "commit --allow-empty --message Change",
        "switch main",
        "commit --allow-empty --message Meanwhile",
        "merge --no-ff --message Merge change",
        f"clone --template= --bare . {folder}/bare.git",
        f"clone --template= {(folder / 'bare.git').as_uri()} {folder}/clone",
    ):
        subprocess.run(["git", *command.split()], cwd=folder, check=True, capture_output=True)
    return folder / "bare.git"


def cloned(bare: Path, home: Path, argosy: str = ARGOSY, *, like: Path | None = None) -> Clone:
    """Clone a copy of a bare repository, which also answers at the URLs that a host's would have.

    `like` is a clone of it without files: a copy of that is the same, and sooner there.
    """
    programs = home / "bin"
    programs.mkdir()
    for name, text in (("argosy", argosy), ("python", PYTHON), ("gitleaks", GITLEAKS)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    clone = Clone(home / "clone", home)
    shutil.copytree(bare, clone.remote)
    hosted = "".join(f"insteadOf = https://{user}@git.example.com/\n" for user in ("oauth2", "ci:job-token"))
    (home / "gitconfig").write_text(f'[url "{(home / "remote").as_uri()}/"]\n{hosted}')
    if like:
        shutil.copytree(like, clone.folder)
        config = clone.folder / ".git/config"
        config.write_text(config.read_text().replace(bare.as_uri(), clone.remote.as_uri()))
    else:
        subprocess.run(["git", "clone", "--quiet", clone.remote.as_uri(), clone.folder], check=True)
    return clone
