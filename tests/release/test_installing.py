"""The ways to get argosy that this repository has: the action, the GitLab job, the hook, the image, a release."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from release.__main__ import DEPENDENCIES, ROOT

HASH = "--hash=sha256:" + "0" * 64
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
PYTHON = """#!/bin/bash
printf '%s\\n' "$*" >> "$RECORD/python"
if [ "$2" = venv ]; then mkdir -p "$3/bin" && cp "$0" "${0%/*}/argosy" "$3/bin"; fi
case "$*" in *"/argosy.txt") cat "${!#}" >> "$RECORD/python" ;; esac
"""
ARGOSY = """#!/bin/bash
printf '%s\\0' "$@" > "$RECORD/arguments"
printf '%s' "$ARGOSY_VALIDATE_OUTPUT" > "$RECORD/output"
exit "${ARGOSY_EXIT:-0}"
"""
HOSTILE = "--strict $(touch hit) `touch hit` ; touch hit # ${HOME} *\n'a b' \\"
"""What a shell would obey, were it part of the script."""
WORDS = HOSTILE.split()


@dataclass
class Runner:
    """A runner of GitHub's, on which Python and argosy write down how they are called."""

    home: Path
    outputs: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("record", "workspace", "programs", "temp"):
            (self.home / name).mkdir()
        for name, text in (("python", PYTHON), ("argosy", ARGOSY)):
            (self.home / "programs" / name).write_text(text)
            (self.home / "programs" / name).chmod(0o755)
        self.outputs["steps.python.outputs.python-path"] = str(self.home / "programs/python")

    def action(self, inputs: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run the action's scripts until one fails, and return what the last one did."""
        given = {key: spec["default"] for key, spec in ACTION["inputs"].items()} | dict(inputs)
        values = {f"inputs.{key}": value for key, value in given.items()}
        for step in (each for each in ACTION["runs"]["steps"] if "run" in each):
            known = {**values, **self.outputs}
            env = {
                key: known.get(text.removeprefix("${{ ").removesuffix(" }}"), text) for key, text in step["env"].items()
            }
            done = self.bash(step["run"], {**env, "GITHUB_OUTPUT": str(self.home / "outputs")})
            if done.returncode:
                break
            written = self.home / "outputs"
            for line in written.read_text().splitlines() if written.exists() else ():
                name, _, value = line.partition("=")
                self.outputs[f"steps.{step['id']}.outputs.{name}"] = value
            written.unlink(missing_ok=True)
        return done

    def bash(self, script: str, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run a script as a runner does."""
        own = {
            "RECORD": str(self.home / "record"),
            "RUNNER_TEMP": str(self.home / "temp"),
            "GITHUB_ACTION_PATH": str(ROOT),
        }
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.home / "workspace",
            env={"PATH": os.environ["PATH"], "HOME": str(self.home), **own, **variables},
            check=False,
            capture_output=True,
            text=True,
        )

    def recorded(self, name: str) -> str:
        """Return what a program wrote down; empty where it was not called."""
        file = self.home / "record" / name
        return file.read_text() if file.exists() else ""


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """Return a runner on which nothing has run."""
    return Runner(tmp_path)


class TestAction:
    def test_by_default_it_validates_with_the_argosy_of_its_own_commit(self, runner: Runner) -> None:
        done = runner.action({})
        assert (done.returncode, done.stderr) == (0, "")
        assert runner.recorded("arguments") == "validate\0"
        assert runner.recorded("output") == "github"
        dependencies = runner.home / "temp/argosy-dependencies.txt"
        assert runner.recorded("python").splitlines() == [
            f"-m venv {runner.home}/temp/argosy",
            f"-m pip install --quiet --no-compile --only-binary :all: --require-hashes --requirement {dependencies}",
            f"-m pip install --quiet --no-compile --no-deps --no-build-isolation {ROOT}",
            "-m pip check",
        ]
        assert dependencies.read_bytes() == (ROOT / DEPENDENCIES).read_bytes()

    @pytest.mark.parametrize("version", ["0.2.0", f"0.2.0rc1 {HASH}"])
    def test_a_release_is_the_one_that_is_named(self, runner: Runner, version: str) -> None:
        assert runner.action({"command": "diff", "version": version}).returncode == 0
        install, named = runner.recorded("python").splitlines()[2:4]
        assert install.startswith("-m pip install --quiet --no-compile --no-deps --only-binary :all: --requirement ")
        assert named == f"argosy=={version}"

    def test_arguments_are_words_and_no_shell_s(self, runner: Runner) -> None:
        assert runner.action({"command": "promote", "args": HOSTILE}).returncode == 0
        assert runner.recorded("arguments").split("\0")[:-1] == ["promote", *WORDS]
        assert not (runner.home / "workspace" / "hit").exists()

    @pytest.mark.parametrize(
        ("inputs", "said"),
        [
            ({"command": "validate; touch hit"}, "The input “command” is none of validate, diff and promote."),
            ({"command": ""}, "The input “command” is none of"),
            ({"version": "0.2.0 --index-url=https://evil.example"}, "The input “version” is no version"),
            ({"version": "0.2.0\nevil"}, "The input “version” is no version"),
            ({"version": ">=0.1"}, "The input “version” is no version"),
        ],
    )
    def test_what_it_does_not_know_runs_nothing(self, runner: Runner, inputs: Mapping[str, str], said: str) -> None:
        done = runner.action(inputs)
        assert done.returncode == 2
        assert said in done.stdout
        assert not any((runner.home / "record").iterdir())

    def test_it_fails_as_argosy_does(self, runner: Runner) -> None:
        (runner.home / "programs/argosy").write_text(ARGOSY.replace(":-0", ":-4"))
        assert runner.action({}).returncode == 4

    def test_no_script_holds_an_expression(self) -> None:
        assert not any("${{" in each.get("run", "") for each in ACTION["runs"]["steps"])


def test_the_gitlab_job_takes_arguments_as_words(runner: Runner) -> None:
    header, jobs = yaml.safe_load_all((ROOT / "ci/gitlab/argosy.yml").read_text(encoding="utf-8"))
    inputs = header["spec"]["inputs"]
    assert re.search(inputs["image"]["regex"], "ghcr.io/acme/argosy:0.2.0@sha256:" + "0" * 64)
    assert not re.search(inputs["image"]["regex"], "ghcr.io/acme/argosy:0.2.0")
    job = jobs["argosy-$[[ inputs.command ]]"]
    assert not any("$[[" in line for line in job["script"])
    done = runner.bash(
        "\n".join(job["script"]),
        {"PATH": f"{runner.home}/programs:{os.environ['PATH']}", "COMMAND": "diff", "ARGS": HOSTILE},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert runner.recorded("arguments").split("\0")[:-1] == ["diff", *WORDS]
    # GitLab itself holds the command to one of these.
    assert inputs["command"]["options"] == ["validate", "diff", "promote"]


def test_pre_commit_asks_argosy_once_for_all_files() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert (hook["id"], hook["entry"], hook["language"]) == ("argosy-validate", "argosy validate", "python")
    assert hook["pass_filenames"] is False


def test_only_the_job_that_publishes_may() -> None:
    text = (ROOT / ".github/workflows/release.yaml").read_text(encoding="utf-8")
    workflow: dict[str, Any] = yaml.load(text, yaml.CBaseLoader)
    assert workflow["permissions"] == {}
    assert workflow["on"] == {"push": {"tags": ["v*"]}}
    proof = {"attestations": "write", "id-token": "write"}
    assert {name: job["permissions"] for name, job in workflow["jobs"].items()} == {
        "test": {"contents": "read"},
        "build": {"contents": "read"},
        "attest": proof,
        "pypi": {"id-token": "write"},
        "image": {**proof, "packages": "write"},
        "github": {"contents": "write"},
    }
    needs = {name: job.get("needs") for name, job in workflow["jobs"].items()}
    assert needs == {
        "test": None,
        "build": "test",
        "attest": "build",
        "pypi": "attest",
        "image": "attest",
        "github": ["pypi", "image"],
    }
    for job in workflow["jobs"].values():
        for step in job.get("steps", ()):
            assert "${{" not in step.get("run", "")


def test_the_image_takes_what_a_release_makes_and_runs_as_nobody_s_root() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"(?m)^#.*\n", "", text).replace("\\\n", " ").splitlines()
    instructions = [line.split(maxsplit=1) for line in lines if line.strip()]
    copied = [shlex.split(each) for name, each in instructions if name == "COPY"]
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert copied[0][:-1] == [line.removeprefix("!") for line in ignored if line.startswith("!")]
    names = [name for name, _ in instructions]
    assert [each for name, each in instructions if name == "USER"] == ["1001"]
    assert names.index("USER") > max(at for at, name in enumerate(names) if name == "RUN")
    # One Python in both stages: the environment of the first is copied into the second.
    assert len({each.split()[0] for name, each in instructions if name == "FROM"}) == 1
