"""What argosy and its peers say of a repository, and what that costs."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.measuring import BenchmarkError, Command, once

NOWHERE = "env GIT_ALLOW_PROTOCOL=file http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9"
"""What keeps a peer from fetching what a stranger's repository names."""
_REASONS = (
    ("not a manifest", "is not a Kubernetes manifest"),
    ("no schema", "there is no schema for"),
    ("not fetched", "not fetched|offline|--fetch"),
    ("template", r"template"),
    ("generator needs a cluster or a host", "generator|ApplicationSet"),
    ("input of a build or chart", "built|build|overlay|kustomiz|chart"),
    ("empty", "contains no document"),
    ("encrypted", "encrypted"),
    ("another tool's", "another tool|comments|tag "),
)
"""Why documents are skipped, in a few words, by what argosy says."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one program made of one repository."""

    said: str
    seconds: float = 0
    megabytes: float = 0
    """Both 0 for a program that is not here."""

    @property
    def cost(self) -> str:
        """CPU of all processes, and peak memory of the largest."""
        return f"{self.seconds:.1f} s, {self.megabytes:.0f} MB" if self.seconds else ""


@dataclass(frozen=True, slots=True)
class Judged:
    """What argosy made of one repository."""

    summary: Mapping[str, int]
    applications: Mapping[str, int]
    findings: Sequence[Mapping[str, Any]]
    skips: Mapping[str, int]
    cost: str
    peers: Mapping[str, Outcome] = field(default_factory=dict)
    note: str = ""
    """How the repository is not as it is listed."""


@dataclass(frozen=True, slots=True)
class Peers:
    """The programs that argosy is compared with, and a folder to work in."""

    folder: Path
    kubeconform: Path | None
    source_lint: Path | None

    @property
    def output(self) -> Path:
        """Where kubeconform's output goes."""
        return self.folder / "kubeconform.json"

    def judge(self, place: Path) -> Iterator[tuple[str, Outcome]]:
        """Run each of them on a repository. One that is not here says so."""
        try:
            kubeconform = f"{self._kubeconform()} -output json -summary"
        except BenchmarkError as error:
            yield "kubeconform", Outcome(f"not measured: {error}")
            yield "kustomize build \\| kubeconform", Outcome("not measured: it needs kubeconform")
        else:
            yield "kubeconform", self._summary(f"{kubeconform} . > {self.output} || test $? = 1", place, "documents")
            yield "kustomize build \\| kubeconform", self._loop(kubeconform, place)
        found = shutil.which(self.source_lint or "argocd-source-lint")
        if found is None:
            yield "argocd-source-lint", Outcome("not measured: `pip install argocd-source-lint`, or name it")
            return
        output = self.folder / "lint.json"
        line = f"{NOWHERE} {shlex.quote(str(found))} -f json -o {output} . || test $? -le 2"
        _, megabytes, cpu = once(Command(["bash", "-c", line], place))
        said = Counter(each["severity"] for each in json.loads(output.read_bytes())["findings"])
        yield "argocd-source-lint", Outcome(f"{said['error']} errors, {said['warning']} warnings", cpu, megabytes)

    def _kubeconform(self) -> str:
        program, schemas = peers.kubeconform(self.kubeconform), self.folder / "schemas"
        if not schemas.exists():
            peers.self_contained_schemas(schemas, peers.all_kinds())
        location = f"{schemas}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"
        return f"{shlex.quote(str(program))} -strict -ignore-missing-schemas -schema-location {shlex.quote(location)}"

    def _summary(self, line: str, place: Path, what: str) -> Outcome:
        _, megabytes, cpu = once(Command(["bash", "-c", line], place))
        found: Counter[str] = Counter()
        for each in _objects(self.output.read_text(encoding="utf-8")):
            found.update(each["summary"])
        bad = f"{found['invalid']} invalid, {found['errors']} unreadable, {found['skipped']} skipped"
        return Outcome(f"{found['valid']} valid, {bad} {what}", cpu, megabytes)

    def _loop(self, kubeconform: str, place: Path) -> Outcome:
        if (kubectl := shutil.which("kubectl")) is None:
            return Outcome("not measured: there is no kubectl")
        names = {"kustomization.yaml", "kustomization.yml", "Kustomization"}
        folders = sorted(Path(at) for at, _, files in os.walk(place) if names & {*files} and ".git" not in at)
        if not folders:
            return Outcome("nothing to build")
        built, failed = self.folder / "built.yaml", self.folder / "failed"
        failed.write_text("")
        (self.folder / "folders").write_text("".join(f"{each}\n" for each in folders), encoding="utf-8")
        line = (
            f'while read -r each; do if {NOWHERE} {kubectl} kustomize "$each" > {built} 2>/dev/null; '
            f'then {kubeconform} - < {built}; else echo "$each" >> {failed}; fi; done '
            f"< {self.folder / 'folders'} > {self.output}; true"
        )
        found = self._summary(line, place, "documents")
        broken = len(failed.read_text().splitlines())
        return Outcome(f"{len(folders)} builds, {broken} failed; {found.said}", found.seconds, found.megabytes)


def argosy(place: Path, folder: Path) -> Judged:
    """Run `argosy validate` on a repository."""
    report = folder / "argosy.json"
    line = (
        f"{shlex.quote(str(peers.script('argosy')))} validate --no-cache --quiet --report json={report} > {folder}/said"
    )
    _, megabytes, cpu = once(Command(["bash", "-c", f"{line} || test $? = 1"], place))
    data = json.loads(report.read_bytes())
    counting = [sys.executable, "-m", "benchmarks.corpus.applications", str(place)]
    counted = subprocess.run(counting, cwd=peers.CHECKOUT, stdout=subprocess.PIPE, check=True)
    skips = Counter(_reason(each["reason"]) for each in data["skipped"])
    return Judged(
        data["summary"],
        json.loads(counted.stdout),
        data["findings"],
        skips,
        f"{cpu:.1f} s, {megabytes:.0f} MB",
    )


def _reason(text: str) -> str:
    return next((name for name, form in _REASONS if re.search(form, text, re.IGNORECASE)), "other")


def _objects(text: str) -> Iterator[Mapping[str, Any]]:
    """Yield JSON objects that follow each other."""
    decoder, text = json.JSONDecoder(), text.strip()
    while text:
        found, end = decoder.raw_decode(text)
        yield found
        text = text[end:].strip()
