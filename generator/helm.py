"""Helm: chart and values -> manifests. The only module that runs Helm.

Helm runs in this process, through helm_python, which is loaded when the first engine is made. Where that package has no
build, or a binary is asked for, the `helm` program does the same. Nothing is kept between calls, so that an engine
may be shared by threads and always sees the files as they are.
"""

from __future__ import annotations

import difflib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal, Protocol

import yaml

from generator.errors import ToolError

Pointer = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """One reason why an engine gave no manifests."""

    message: str
    path: Path | None = None
    """The file to mend, where it is known: a template, a values file, a kustomization."""
    line: int | None = None
    hint: str = ""

    def __str__(self) -> str:
        place = "" if self.path is None else f"{self.path}:{self.line}: " if self.line else f"{self.path}: "
        return place + self.message


class RenderError(ToolError):
    """Report that an engine refused its input; each fault stands for itself."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)), next((fault.hint for fault in faults if fault.hint), ""))
        self.faults = tuple(faults)


class OfflineError(RenderError):
    """Report input that needs the network: what cannot be judged here, rather than what is wrong."""


class GoTemplateError(RenderError):
    """Report a Go template that failed; `text` is its place among the texts, -1 where Helm does not tell."""

    def __init__(self, text: int, fault: Fault, *, parsing: bool) -> None:
        super().__init__([fault])
        self.text = text
        self.parsing = parsing
        """Whether the template failed to parse, and so fails with any parameters."""


@dataclass(frozen=True, slots=True)
class Message:
    """What Helm, or this module on its behalf, remarks about a chart; `path` is relative to the chart."""

    severity: Literal["error", "warning", "info"]
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A single value, as of `helm --set`: the name is a path such as `image.tag` or `hosts[0].name`."""

    name: str
    value: str
    force_string: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """A chart and everything that decides what it renders to, with Argo CD's names and precedence.

    Later values win: the chart's own, `values` in order, `inline`, `parameters`, `file_parameters`.
    """

    chart: Path
    name: str
    namespace: str = ""
    values: Sequence[Path] = ()
    inline: str | Mapping[str, Any] = ""
    """The Application's valuesObject, or the YAML text of its values."""
    parameters: Sequence[Parameter] = ()
    file_parameters: Sequence[tuple[str, Path]] = ()
    kube_version: str = ""
    api_versions: Sequence[str] = ()
    skip_crds: bool = False
    skip_tests: bool = False
    skip_schema_validation: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one template renders to: a YAML stream. `path` is relative to the chart, with `/` between the parts."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """A release's manifests, and what has to be said about them."""

    manifests: Sequence[Manifest]
    messages: Sequence[Message] = ()


class Helm(Protocol):
    """An engine: helm_python or a binary."""

    def render(self, release: Release) -> Rendered:
        """Render a release as Argo CD does, CRDs and test hooks included unless skipped; raise RenderError."""

    def lint(self, chart: Path, values: Mapping[str, Any]) -> list[Message]:
        """Return what `helm lint` has to say about a chart."""

    def go_templates(
        self, texts: Sequence[str], parameter_sets: Sequence[Mapping[str, Any]], definitions: str = ""
    ) -> list[list[str]]:
        """Render each Go template with each set of parameters as `.` and `$`: a row a set; raise GoTemplateError.

        `definitions` holds `{{ define }}`s that the templates may include. A missing key renders as `<no value>`.
        """


def engine(binary: Path | None = None) -> Helm:
    """Return the engine of this machine, or that binary; raise ToolError where there is none."""
    if binary is not None:
        if not (found := shutil.which(binary)):
            raise ToolError(f"{binary} is no program that can be run.", "Give the path of a helm binary.")
        return _Binary(Path(found))
    on_path = shutil.which("helm")
    try:
        import helm_python  # noqa: F401, PLC0415 - 0.1 s that only those who render should pay
    except ImportError:
        if on_path:
            return _Binary(Path(on_path))
        raise ToolError(
            "Helm is missing: the package helm-python-sdk has no build for this platform, and no helm is on the PATH.",
            "Install Helm 3.14 or newer: https://helm.sh/docs/intro/install/",
        ) from None
    return _Library(Path(on_path) if on_path else None)


@dataclass(frozen=True, slots=True)
class _Library:
    """helm_python, and the binary for what helm_python cannot do: other cluster versions and APIs."""

    binary: Path | None

    def render(self, release: Release) -> Rendered:
        from helm_python import Chart, HelmError  # noqa: PLC0415

        with _complete(release) as folder:
            try:
                with Chart.load(folder) as chart:
                    _refuse_library_chart(chart.metadata, release)
                    asks = _asks_for_cluster(folder, chart.metadata, chart.templates)
                    if asks and self.binary:
                        return _Binary(self.binary).render(release)
                    texts = chart.render(
                        values_of(release), name=release.name, namespace=release.namespace or "default"
                    )
                    crds = () if release.skip_crds else _crds(chart.metadata, chart.crds, texts)
            except HelmError as error:
                raise RenderError(_faults(str(error), release)) from error
        manifests = [Manifest(_in_chart(path), text) for path, text in (*crds, *texts.items())]
        return Rendered(_shipped(manifests, release.skip_tests), _dishonoured(release) if asks else ())

    def lint(self, chart: Path, values: Mapping[str, Any]) -> list[Message]:
        from helm_python import lint  # noqa: PLC0415

        with _muted():
            report = lint(chart, dict(values), strict=True)
        severities: dict[int, Literal["error", "warning", "info"]] = {1: "info", 2: "warning"}
        return _readable(
            chart,
            [(severities.get(each["severity"], "error"), each["path"], each["error"]) for each in report["messages"]],
        )

    def go_templates(
        self, texts: Sequence[str], parameter_sets: Sequence[Mapping[str, Any]], definitions: str = ""
    ) -> list[list[str]]:
        from helm_python import Chart, HelmError  # noqa: PLC0415

        try:
            with Chart.load_archive(_template_chart(texts, definitions)) as chart:
                rendered = chart.render({"sets": list(parameter_sets)}, name="templates")
        except HelmError as error:
            raise _template_error(str(error)) from error
        return _rows(rendered[f"{_TEMPLATES}/main.yaml"])


@dataclass(frozen=True, slots=True)
class _Binary:
    """The `helm` program."""

    program: Path

    def render(self, release: Release) -> Rendered:
        with _complete(release) as folder, tempfile.TemporaryDirectory() as scratch:
            _refuse_library_chart(_metadata(folder), release)
            code, out, err = self._run("template", release.name, str(folder), *_arguments(release, Path(scratch)))
        if code:
            raise RenderError(_faults(err.removeprefix("Error: "), release))
        manifests: dict[str, list[str]] = {}
        for part in re.split(r"^---\n(?=# Source: )", out, flags=re.MULTILINE):
            source, _, text = part.partition("\n")
            if source.startswith("# Source: "):
                manifests.setdefault(_in_chart(source.removeprefix("# Source: ")), []).append(text)
        shipped = [Manifest(path, "---\n".join(texts)) for path, texts in manifests.items()]
        return Rendered(_shipped(shipped, skip_tests=False))

    def lint(self, chart: Path, values: Mapping[str, Any]) -> list[Message]:
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch, "values.json")
            file.write_text(json.dumps(values))
            _, out, _ = self._run("lint", "--strict", str(chart), "--values", str(file))
        severities: dict[str, Literal["error", "warning", "info"]] = {
            "INFO": "info", "WARNING": "warning", "ERROR": "error",
        }  # fmt: skip
        found = re.findall(
            r"^\[(INFO|WARNING|ERROR)\] (.*?): (.*?)(?=^\[(?:INFO|WARNING|ERROR)\] |^\d+ chart\(s\)|\Z)",
            out,
            flags=re.MULTILINE | re.DOTALL,
        )
        return _readable(chart, [(severities[severity], path, text) for severity, path, text in found])

    def go_templates(
        self, texts: Sequence[str], parameter_sets: Sequence[Mapping[str, Any]], definitions: str = ""
    ) -> list[list[str]]:
        with tempfile.TemporaryDirectory() as scratch:
            chart, values = Path(scratch, "templates.tgz"), Path(scratch, "values.json")
            chart.write_bytes(_template_chart(texts, definitions))
            values.write_text(json.dumps({"sets": list(parameter_sets)}))
            code, out, err = self._run("template", "templates", str(chart), "--values", str(values))
        if code:
            raise _template_error(err.removeprefix("Error: "))
        return _rows(out)

    def _run(self, *arguments: str) -> tuple[int, str, str]:
        try:
            done = subprocess.run(
                [str(self.program), *arguments], check=False, capture_output=True, text=True, encoding="utf-8"
            )
        except OSError as error:
            raise ToolError(f"{self.program} does not run: {error.strerror}.", "Give another helm binary.") from error
        return done.returncode, done.stdout, done.stderr.replace("\nUse --debug flag to render out invalid YAML\n", "")


def _arguments(release: Release, scratch: Path) -> Iterator[str]:
    """Yield `helm template`'s arguments for a release, as Argo CD gives them; `scratch` takes the inline values."""
    yield from ("--namespace", release.namespace or "default")
    for file in release.values:
        yield from ("--values", str(_existing(file)))
    if release.inline:
        inline = scratch / "inline.yaml"
        inline.write_text(release.inline if isinstance(release.inline, str) else json.dumps(release.inline))
        yield from ("--values", str(inline))
    for parameter in release.parameters:
        yield from ("--set-string" if parameter.force_string else "--set", _assignment(parameter.name, parameter.value))
    for name, file in release.file_parameters:
        yield from ("--set-file", _assignment(name, str(_existing(file))))
    if release.kube_version:
        yield from ("--kube-version", release.kube_version)
    for version in release.api_versions:
        yield from ("--api-versions", version)
    flags = {
        "--include-crds": not release.skip_crds,
        "--skip-tests": release.skip_tests,
        "--skip-schema-validation": release.skip_schema_validation,
    }
    yield from (flag for flag, on in flags.items() if on)


def _assignment(name: str, value: str) -> str:
    """Return a `--set` expression; a comma of the value is the value's own, unless it is a list in braces."""
    if not (value.startswith("{") and value.endswith("}")):
        value = re.sub(r"(?<!\\),", r"\\,", value)
    return f"{name}={value}"


# Values, merged as Helm merges them


def values_of(release: Release) -> dict[str, Any]:
    """Return everything that overrides the chart's own values, merged."""
    from helm_python import (  # noqa: PLC0415
        HelmValuesError,
        parse_set_file,
        parse_set_string,
        parse_set_string_values,
        values_from_yaml,
    )

    merged: Any = {}
    for file in release.values:
        try:
            merged = _merge(merged, values_from_yaml(_existing(file).read_text(encoding="utf-8")))
        except (HelmValuesError, UnicodeDecodeError) as error:
            raise RenderError([_yaml_fault(str(error), file)]) from error
    inline = values_from_yaml(release.inline) if isinstance(release.inline, str) else release.inline
    merged = _merge(merged, inline)
    # As Helm does, whatever their order: --set, then --set-string, then --set-file.
    for parameter in sorted(release.parameters, key=lambda parameter: parameter.force_string):
        parse = parse_set_string_values if parameter.force_string else parse_set_string
        given = parse(_assignment(parameter.name, parameter.value))
        merged = _merge(merged, given, by_index="[" in parameter.name)
    for name, file in release.file_parameters:
        merged = _merge(merged, parse_set_file(_assignment(name, str(_existing(file)))), by_index="[" in name)
    return dict(merged)


def _merge(below: Any, above: Any, *, by_index: bool = False) -> Any:
    """Return `below` with `above` laid over it; a null stays, so that Helm deletes the chart's own value.

    With `by_index`, lists are merged by position: helm_python pads `a[1]=x` with nulls up to the position meant.
    """
    if isinstance(below, dict) and isinstance(above, dict):
        return {**below, **{key: _merge(below.get(key), value, by_index=by_index) for key, value in above.items()}}
    if by_index and isinstance(below, list) and isinstance(above, list):
        pairs = zip_longest(below, above)
        return [old if new is None else _merge(old, new, by_index=True) for old, new in pairs]
    return above


def _existing(file: Path) -> Path:
    if not file.is_file():
        raise RenderError([Fault("This values file does not exist.", file, hint="Create it, or name another.")])
    return file


# The chart: what Helm needs before it can render


@contextmanager
def _complete(release: Release) -> Iterator[Path]:
    """Yield the chart's folder, or a copy with what Argo CD would add or ignore: local dependencies, schemas."""
    missing = _missing_dependencies(release.chart)
    if not missing and not release.skip_schema_validation:
        yield release.chart
        return
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, release.chart.name)
        _copy(release.chart, copy, ignore=("values.schema.json",) if release.skip_schema_validation else ())
        yield copy


def _copy(chart: Path, copy: Path, ignore: Sequence[str]) -> None:
    """Copy a chart and, into its charts/, the dependencies that other folders of the repository hold."""
    shutil.copytree(chart, copy, ignore=shutil.ignore_patterns(*ignore))
    remote = []
    for dependency in _missing_dependencies(chart):
        repository = str(dependency.get("repository") or "")
        folder = chart / repository.removeprefix("file://")
        if repository.startswith("file://") and (folder / "Chart.yaml").is_file():
            _copy(folder, copy / "charts" / str(dependency.get("name")), ignore)
        else:
            remote.append(f"{dependency.get('name')} {dependency.get('version', '')}".strip())
    if remote:
        raise OfflineError(
            [
                Fault(
                    f"The chart cannot be rendered offline: charts/ lacks its dependencies {', '.join(remote)}.",
                    chart / "Chart.yaml",
                    hint=f"Run `helm dependency update {chart}` and commit charts/.",
                )
            ]
        )


def _missing_dependencies(chart: Path) -> list[Mapping[str, Any]]:
    """Return the dependencies that Chart.yaml (or an old requirements.yaml) declares and charts/ lacks."""
    declared: list[Any] = []
    for name in ("Chart.yaml", "requirements.yaml"):
        listed = _metadata(chart, name).get("dependencies")
        declared += listed if isinstance(listed, list) else []
    if not declared:
        return []
    there = {_metadata(folder.parent).get("name") for folder in (chart / "charts").glob("*/Chart.yaml")}
    archives = [archive.name for archive in (chart / "charts").glob("*.tgz")]
    return [
        each
        for each in declared
        if isinstance(each, dict)
        and each.get("name") not in there
        and not any(re.match(rf"{re.escape(str(each.get('name')))}-v?\d", archive) for archive in archives)
    ]


def _metadata(chart: Path, name: str = "Chart.yaml") -> Mapping[str, Any]:
    """Return a chart's Chart.yaml; nothing where it cannot be read, for Helm says why."""
    try:
        data = yaml.load((chart / name).read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, yaml.YAMLError, UnicodeDecodeError):
        return {}
    return data if isinstance(data, dict) else {}


def _refuse_library_chart(metadata: Mapping[str, Any], release: Release) -> None:
    if metadata.get("type") == "library":
        raise RenderError(
            [
                Fault(
                    "A library chart renders nothing of its own.",
                    release.chart / "Chart.yaml",
                    hint="Let an application's chart depend on it, or make it `type: application`.",
                )
            ]
        )


def _asks_for_cluster(folder: Path, metadata: Mapping[str, Any], templates: Sequence[Mapping[str, str]]) -> bool:
    """Tell whether a render depends on the cluster's version or APIs, subcharts included."""
    if metadata.get("kubeVersion") or any(".Capabilities" in template["data"] for template in templates):
        return True
    for file in (folder / "charts").rglob("*"):
        if file.suffix == ".tgz" and tarfile.is_tarfile(file):
            with tarfile.open(file) as archive:
                members = [archive.extractfile(member) for member in archive if "/templates/" in member.name]
                if any(b".Capabilities" in member.read() for member in members if member):
                    return True
        elif "templates" in file.parts and file.is_file() and b".Capabilities" in file.read_bytes():
            return True
    return False


def _dishonoured(release: Release) -> list[Message]:
    """Say what helm_python could not take into account."""
    wanted = [f"kubeVersion {release.kube_version}"] if release.kube_version else []
    wanted += [f"apiVersions {', '.join(release.api_versions)}"] if release.api_versions else []
    asked = f" ({' and '.join(wanted)} could not be honoured)" if wanted else ""
    text = (
        f"The chart asks for the cluster's version or APIs, and was rendered for Kubernetes 1.36 without any custom "
        f"ones{asked}. Put helm on the PATH for an exact render."
    )
    return [Message("warning", "Chart.yaml", text)]


def _crds(
    metadata: Mapping[str, Any], crds: Sequence[Mapping[str, str]], rendered: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Return the chart's CRDs, path and text, without those of subcharts that a condition or tag switched off."""
    switched = {
        f"{metadata.get('name')}/charts/{each.get('alias') or each.get('name')}/"
        for each in metadata.get("dependencies") or ()
        if each.get("condition") or each.get("tags")
    }
    off = tuple(prefix for prefix in switched if not any(path.startswith(prefix) for path in rendered))
    return [(crd["filename"], crd["data"]) for crd in crds if not crd["filename"].startswith(off)]


def _shipped(manifests: Sequence[Manifest], skip_tests: bool) -> list[Manifest]:
    """Drop what is no manifest: notes, empty renders and, where asked, tests."""
    kept = [each for each in manifests if not each.path.endswith("NOTES.txt")]
    if skip_tests:
        kept = [Manifest(each.path, _without_tests(each.text)) for each in kept]
    return [each for each in kept if re.search(r"^(?!---)[ \t]*[^\s#]", each.text, flags=re.MULTILINE)]


def _without_tests(text: str) -> str:
    if "helm.sh/hook" not in text:
        return text
    parts = re.split(r"^---[ \t]*\n", text, flags=re.MULTILINE)
    return "---\n".join(part for part in parts if not _is_test(part))


def _is_test(text: str) -> bool:
    try:
        data = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError:
        return False
    metadata = data.get("metadata") if isinstance(data, dict) else None
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    hooks = str(annotations.get("helm.sh/hook", "")) if isinstance(annotations, dict) else ""
    return bool({"test", "test-success", "test-failure"} & {hook.strip() for hook in hooks.split(",")})


def _in_chart(path: str) -> str:
    """Return a template's path below the chart's folder: Helm puts the chart's name before it."""
    return path.partition("/")[2]


# Helm's errors, made readable

_POSITION = re.compile(r"([^\s:()\"]+/(?:templates|charts)/[^\s:()\"]+):(\d+)(?::\d+)?")
_YAML_LINE = re.compile(r"yaml: (?:line (\d+): )?(.*)", re.DOTALL)
_NOISE = re.compile(r"error calling \w+:\s*|template: | associated with template \"gotpl\"")


def _faults(error: str, release: Release) -> list[Fault]:
    """Return what is wrong with a release, out of Helm's error."""
    if "meet the specifications of the schema" in error:
        return list(_violations(error, release))
    if unreadable := re.match(r"cannot load (\S+): ", error):
        return [_yaml_fault(error[unreadable.end() :], release.chart / unreadable[1])]
    place, line, message = _cause(error)
    hint = "Set the value, or give it a default in the chart's values.yaml." if "nil pointer" in message else ""
    return [Fault(message, release.chart / (_in_chart(place) if place else "Chart.yaml"), line, hint)]


def _cause(error: str) -> tuple[str, int | None, str]:
    """Return the template's name, the line and the message of the last link of Helm's chain of errors."""
    if said := re.match(r"(?:execution|parse) error at \((.+?):(\d+)(?::\d+)?\): (.*)", error, flags=re.DOTALL):
        return said[1], int(said[2]), said[3].strip()
    if broken := re.match(r"YAML parse error on (\S+): (.*)", error, flags=re.DOTALL):
        return broken[1], None, f"It renders to invalid YAML: {_yaml_message(broken[2])}."
    positions = list(_POSITION.finditer(error))
    if not positions:
        return "", None, " ".join(error.split())
    tail = error[positions[-1].end() :]
    inside = re.search(r"at <(.*?)>:\s*(.*)", tail, flags=re.DOTALL)
    message = f"{inside[1]}: {inside[2]}" if inside else tail.lstrip(": ")
    return positions[-1][1], int(positions[-1][2]), " ".join(_NOISE.sub("", message).split())


def _yaml_message(error: str) -> str:
    found = _YAML_LINE.search(error)
    return f"line {found[1]}: {found[2].strip()}" if found and found[1] else " ".join(error.split())


def _yaml_fault(error: str, file: Path) -> Fault:
    found = _YAML_LINE.search(error)
    if "cannot unmarshal" in error and not found:
        return Fault("The values are no map of names to values.", file, 1)
    message = found[2].strip() if found else " ".join(error.split())
    return Fault(f"This is not valid YAML: {message}.", file, int(found[1]) if found and found[1] else None)


def _violations(error: str, release: Release) -> Iterator[Fault]:
    """Yield a fault for each line of Helm's list of schema violations."""
    chart, schema = "", {}
    root = str(_metadata(release.chart).get("name", ""))
    for line in error.splitlines():
        if header := re.fullmatch(r"([^\s-].*):", line):
            chart = "" if header[1] == root else header[1]
            schema = _json(release.chart / (f"charts/{chart}" if chart else "") / "values.schema.json")
        elif found := re.fullmatch(r"\s*- at '(.*?)': (.*)", line):
            if "failed" in found[2] and found[2].endswith("failed"):
                continue
            pointer = tuple(_key(part) for part in found[1].split("/")[1:])
            yield from _violation(found[2], pointer, schema, release, chart)


def _violation(text: str, pointer: Pointer, schema: Any, release: Release, chart: str) -> Iterator[Fault]:
    prefix: Pointer = (chart,) if chart else ()
    if unknown := re.match(r"additional propert(?:y|ies) (.*) not allowed", text):
        known = list(_properties(schema, pointer))
        for name in re.findall(r"'(.*?)'", unknown[1]):
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean “{close[0]}”?" if close else f"The chart knows {', '.join(known)}." if known else ""
            full = (*prefix, *pointer, name)
            yield Fault(f"Unknown value “{_dotted(full)}”.", *_where(release, full), hint=hint)
        return
    if missing := re.match(r"missing propert(?:y|ies) (.*)", text):
        for name in re.findall(r"'(.*?)'", missing[1]):
            yield Fault(
                f"The chart requires the value “{_dotted((*prefix, *pointer, name))}”.",
                *_where(release, (*prefix, *pointer)),
                hint="Set it in a values file of the environment.",
            )
        return
    full = (*prefix, *pointer)
    yield Fault(f"The chart refuses the value “{_dotted(full)}”: {text}.", *_where(release, full))


def _key(part: str) -> str | int:
    name = part.replace("~1", "/").replace("~0", "~")
    return int(name) if name.isdecimal() else name


def _dotted(pointer: Pointer) -> str:
    """Return a value's path as Helm's users write it: `hosts[0].name`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in pointer).removeprefix(".")


def _properties(schema: Any, pointer: Pointer) -> Iterator[str]:
    """Yield the names that a schema knows at a place."""
    node = schema
    for key in (*pointer, None):
        while isinstance(node, dict) and str(node.get("$ref", "")).startswith("#/"):
            node = _at(schema, tuple(_key(part) for part in node["$ref"].split("/")[1:]))
        if not isinstance(node, dict):
            return
        if key is not None:
            node = node.get("items") if isinstance(key, int) else (node.get("properties") or {}).get(key)
    yield from node.get("properties") or ()


def _at(data: Any, pointer: Pointer) -> Any:
    for key in pointer:
        try:
            data = data[key]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}


def _where(release: Release, pointer: Pointer) -> tuple[Path | None, int | None]:
    """Return the values file, and the line in it, that sets a value; no file where the Application itself does."""
    if pointer and isinstance(release.inline, dict) and _at(release.inline, pointer) is not None:
        return None, None
    if _dotted(pointer) in {parameter.name for parameter in release.parameters}:
        return None, None
    for file in (*reversed(release.values), release.chart / "values.yaml"):
        if pointer and (line := _line(file, pointer)):
            return file, line
    return (release.values[-1] if release.values else release.chart / "values.yaml"), None


def _line(file: Path, pointer: Pointer) -> int | None:
    """Return the line of a value in a values file, None if the file does not set it."""
    try:
        node = yaml.compose(file.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, yaml.YAMLError):
        return None
    line = None
    for key in pointer:
        if isinstance(node, yaml.MappingNode):
            found = next(((name, value) for name, value in node.value if name.value == str(key)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            found = (node.value[key], node.value[key])
        else:
            found = None
        if found is None:
            return None
        line, node = found[0].start_mark.line + 1, found[1]
    return line


def _readable(chart: Path, found: Sequence[tuple[Literal["error", "warning", "info"], str, str]]) -> list[Message]:
    """Return lint messages with the cause alone, a message a schema violation, none twice."""
    release = Release(chart, "lint")
    messages: dict[Message, None] = {}
    for severity, path, text in found:
        if "- at '" in text:
            for fault in _violations(
                text if "meet the spec" in text else f"{_metadata(chart).get('name')}:\n{text}", release
            ):
                messages[Message(severity, "values.yaml", " ".join(filter(None, (fault.message, fault.hint))))] = None
            continue
        place, line, message = _cause(text.strip())
        where = f"{_in_chart(place)}:{line}" if place and line else _in_chart(place)
        relative = "Chart.yaml" if not path or Path(path) == chart else path
        messages[Message(severity, where or relative, message)] = None
    return list(messages)


_STDERR = threading.Lock()


@contextmanager
def _muted() -> Iterator[None]:
    """Close the process's stderr for a moment: Helm's linter logs to it past every switch that helm_python has."""
    with _STDERR:
        kept = os.dup(2)
        try:
            with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - os.devnull is a name, not always a path
                os.dup2(nowhere.fileno(), 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


# Go templates, as the templates of a chart that is made in memory

_TEMPLATES = "templates/templates"
_MAIN = """\
texts:
{{- range $set := .Values.sets }}
- [{{ range $index, $file := list %s }}{{ if $index }}, {{ end }}{{ include $file $set | toJson }}{{ end }}]
{{- end }}
"""


def _template_chart(texts: Sequence[str], definitions: str) -> bytes:
    """Return a chart archive that renders every text, each a file of its own, with every set of `.Values.sets`."""
    names = [f"{_TEMPLATES}/_{index}.tpl" for index in range(len(texts))]
    files = {
        "templates/Chart.yaml": "apiVersion: v2\nname: templates\nversion: 1.0.0\n",
        f"{_TEMPLATES}/main.yaml": _MAIN % " ".join(json.dumps(name) for name in names),
        f"{_TEMPLATES}/_definitions.tpl": definitions,
        **dict(zip(names, texts, strict=True)),
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for name, text in files.items():
            data = text.encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def _rows(rendered: str) -> list[list[str]]:
    return [json.loads(line[2:]) for line in rendered.splitlines() if line.startswith("- [")]


def _template_error(error: str) -> GoTemplateError:
    numbers = re.findall(rf"{_TEMPLATES}/_(\d+)\.tpl", error)
    _, _, message = _cause(error)
    return GoTemplateError(int(numbers[-1]) if numbers else -1, Fault(message), parsing=error.startswith("parse error"))
