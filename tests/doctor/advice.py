"""Carry out what the doctor advises, command by command, in clusters that have what it looked at."""

from __future__ import annotations

import copy
import os
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from argosy.cli import argosy
from argosy.schemas import bundled
from tests.bootstrap.apiserver import BUILT_IN, ApiServer, serving
from tests.bootstrap.argocd import manifests
from tests.doctor.cluster import Object
from tests.doctor.stories import Told
from tests.status.cluster import kubeconfig
from tests.templates.test_runbooks import ARGOCD, parsed

_READS = {"api-resources", "auth", "describe", "diff", "get", "logs", "version"}
_WRITES = {"annotate", "apply", "create", "delete", "patch"}
_PLURALS = {each.kind: each.plural for each in BUILT_IN}
_ELSEWHERE = {"git", "helm"}


def advised(told: Told) -> Iterator[str]:
    """Yield each command that the doctor gives, once."""
    checks = (check for symptom in told.data["symptoms"] for check in symptom["checks"])
    commands = (each["command"] for check in checks for each in check["observations"])
    yield from dict.fromkeys(line for command in commands for line in command.splitlines())


def carry_out(told: Told, objects: Sequence[Object], folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Run what kubectl is advised to do, each time in a cluster of these objects; return the commands that write.

    The commands of other tools are parsed. What is written has to be what Argo CD takes.
    """
    written = []
    with serving(ApiServer()) as server, monkeypatch.context() as patch:
        kubeconfig(folder / "advice", server.url)
        patch.setenv("KUBECONFIG", str(folder / "advice"))
        patch.setenv("PATH", f"{os.environ['PATH']}{os.pathsep}{os.defpath}")
        for command in advised(told):
            words = shlex.split(command)
            if words[0] == "argosy":
                parsed(argosy, words[1:])
            elif words[0] == "argocd":
                assert any(" ".join(words[1:]).startswith(each) for each in ARGOCD), command
            elif words[0] != "kubectl":
                assert words[0] in _ELSEWHERE, command
            else:
                server.objects, server.written = _laid_out(objects), []
                _run(command)
                verb = next(each for each in words if each in _READS | _WRITES)
                if verb in _WRITES and "--kustomize" not in words:
                    assert server.written, command
                    written.append(command)
                _judge(server, _laid_out(objects))
    return written


def _laid_out(objects: Sequence[Object]) -> dict[tuple[str, str, str], Object]:
    found = {}
    installed = [copy.deepcopy(each) for each in manifests()]
    for each in installed:
        if each["kind"] not in {"CustomResourceDefinition", "ClusterRole"}:
            each["metadata"]["namespace"] = "argocd"
    for each in (*installed, *copy.deepcopy([*objects])):
        each["metadata"].setdefault("generation", 1)
        if each["kind"] == "Event":
            each.setdefault("lastTimestamp", None)  # As the API server has it.
        plural = _PLURALS.get(each["kind"], f"{each['kind'].lower()}s")
        found[plural, each["metadata"].get("namespace", ""), each["metadata"]["name"]] = each
    return found


def _run(command: str) -> None:
    if " can-i " in command or " --kustomize " in command:
        command += " --help"  # One asks in protobuf, the other fetches from the network: the options are read first.
    shell = ("bash", "-o", "pipefail", "-c", command)
    alone = {**os.environ, "GOMAXPROCS": "1", "GOGC": "off"}  # Each is gone before it would be worth it.
    done = subprocess.run(shell, check=False, capture_output=True, text=True, env=alone)
    # What differs is an answer.
    is_answer = done.returncode == 0 or (" diff " in command and done.returncode == 1 and not done.stderr)
    assert is_answer, (command, done.stderr)


def _judge(server: ApiServer, before: Mapping[tuple[str, str, str], Object]) -> None:
    """Fail where what was written is not as Argo CD's definitions want it."""
    for key, each in server.objects.items():
        schema = bundled.for_kind(each["apiVersion"], each["kind"])
        if schema and each != before.get(key):
            wrong = [f"{one.at}: {one.message}" for one in schema.violations(each)]
            assert not wrong, wrong
