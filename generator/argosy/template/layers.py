"""Layers: an organisation's templates over the built-in one, in Copier's own format.

A layer is kept in the user's cache by the commit that it is of, and is rendered from the same model. Nothing here asks
the network: `fetching` brings a layer, where a user says so.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import yaml

from argosy import cache as results
from argosy.errors import ArgosyError
from argosy.paths import is_of_git
from argosy.repository import layout
from argosy.repository.model import Layer
from argosy.supervisor import StoppedError
from argosy.template import definition, sandbox
from argosy.template.definition import Definition
from argosy.template.tree import File, Tree

SHELF = "layers"
"""Where the cache has the layers."""
_NEVER = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")


@dataclass(frozen=True)
class Pack:
    """The files of a layer at a commit."""

    label: str
    """What messages call it."""
    files: Mapping[str, File]
    _read: list[Definition] = field(default_factory=list)

    @property
    def definition(self) -> Definition:
        """What its copier.yml says; raise ArgosyError with its place where argosy does not take that."""
        if not self._read:
            self._read.append(definition.read(self.label, self.files))
        return self._read[0]

    def refused(self, file: str, line: int, message: str, hint: str = "") -> ArgosyError:
        """Return the error for something in a file of the layer."""
        return definition.refused(self.label, file, line, message, hint)

    def as_bytes(self) -> bytes:
        """Return what the cache keeps."""
        listed = {path: [base64.b64encode(each.content).decode(), each.executable] for path, each in self.files.items()}
        return json.dumps(listed).encode()


def key(source: str, commit: str) -> str:
    """Return what the cache has a layer's commit by; without a commit, what is known of the source."""
    return hashlib.sha256(f"{source}\0{commit}".encode()).hexdigest()


def pack(layer: Layer) -> Pack:
    """Return a layer's files out of the cache; raise ArgosyError with how to bring them where they are not there."""
    content = results.kept(SHELF, key(layer.source, layer.commit))
    if content is None:
        raise ArgosyError(
            f"The layer {layer} is not on this machine: {layer.source}",
            "Only you can say whether to trust that source. If you do, bring it: argosy template fetch",
        )
    return _unpacked(content, str(layer))


def has(layer: Layer) -> bool:
    """Return whether a layer is in the cache."""
    return results.kept(SHELF, key(layer.source, layer.commit)) is not None


def newest(source: str) -> str:
    """Return the newest version of a source that was fetched; "" where none is known."""
    found = results.kept(SHELF, key(source, ""))
    version = found.decode() if found else ""
    return version if version and results.kept(SHELF, key(source, version.rpartition("-g")[2])) is not None else ""


@cache
def _unpacked(content: bytes, label: str) -> Pack:
    listed = json.loads(content)
    return Pack(label, {path: File(base64.b64decode(text), is_run) for path, (text, is_run) in listed.items()})


# What it renders to


def begun(of: Pack, layer: Layer, known: Mapping[str, Any]) -> sandbox.Rendering:
    """Return a layer that is being rendered, with its answers; raise ArgosyError with the place where it fails."""
    said = of.definition
    templates, files = {}, {}
    for path in of.files:
        if not path.startswith(said.folder):
            continue
        inner = path.removeprefix(said.folder)
        if path in definition.NAMES or _is_within(inner, said.exclude):
            continue
        templates[path] = inner.removesuffix(said.suffix)
    for path in of.files:
        if path.endswith(said.suffix):
            try:
                files[path] = of.files[path].content.decode()
            except UnicodeDecodeError as error:
                raise of.refused(path, 1, "it is not valid UTF-8") from error
    name = layout.layer_answers(layer.name)
    given = {
        "file": said.file,
        "files": files,
        "templates": list(templates),
        "places": templates,
        "questions": list(said.questions.items()),
        "lines": said.lines,
        "envops": said.envops,
        "answers": json.loads(layer.answers),
        "known": known,
        "copier": {"_copier_conf": {"answers_file": name, "src_path": layer.source}},
    }
    return _tried(of, lambda: sandbox.Rendering(given))


Made = TypeVar("Made")


def _tried(of: Pack, what: Callable[[], Made]) -> Made:
    try:
        return what()
    except sandbox.RefusedError as error:
        raise of.refused(error.file, error.line, str(error)) from error
    except StoppedError as error:
        raise ArgosyError(f"Layer {of.label}: {error.message}", error.hint) from error


def writers(layers: Iterable[Layer], known: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return which of the layers that are in the cache writes a path, the last of several, and from which file."""
    found = dict[str, tuple[str, str]]()
    for layer in filter(has, layers):
        found |= {path: (str(layer), template) for path, template in begun(pack(layer), layer, known).paths}
    return found


def laid_over(
    tree: Tree, layers: Iterable[Layer], known: Mapping[str, Any], wanted: Callable[[str], bool]
) -> dict[str, File]:
    """Return a tree with layers laid over it, each over those before it, as far as that is wanted.

    `known` is what a layer may refer to: the template's answers for the whole model.
    """
    made = dict(tree)
    for layer in layers:
        of = pack(layer)
        rendering = begun(of, layer, known)
        _refuse_unanswered(of, layer, rendering)
        chosen = [number for number in _permitted(of, layer, rendering) if wanted(rendering.paths[number][0])]
        # What a layer below gives stays: it is the built-in template's files that are left out.
        for path in [path for path, file in made.items() if not file.layer and _is_left_out(path, of.definition)]:
            del made[path]
        is_asked = any(b"below" in file.content for file in of.files.values())
        below = {path: file.content.decode(errors="replace") for path, file in made.items()} if is_asked else {}
        filled = [each for each in chosen if rendering.paths[each][1].endswith(of.definition.suffix)]
        texts = _tried(of, lambda: rendering.texts(filled, below))  # noqa: B023 - it is called here
        for number in chosen:
            path, template = rendering.paths[number]
            file = of.files[template]
            try:
                content = texts[number].encode() if number in texts else file.content
            except UnicodeEncodeError as error:
                raise of.refused(template, 1, "it gives half a surrogate pair, which UTF-8 does not have") from error
            made[path] = File(content, file.executable, str(layer), template)
            for above in PurePosixPath(path).parents:
                if above.as_posix() in made:
                    raise of.refused(template, 1, f"it gives {path}, but {above} is a file, and no folder")
        if wanted(answers := layout.layer_answers(layer.name)):
            made[answers] = File(_answers_file(layer, rendering.answers), layer=str(layer))
    return dict(sorted(made.items()))


def _refuse_unanswered(of: Pack, layer: Layer, rendering: sandbox.Rendering) -> None:
    for each in rendering.asked:
        if "default" not in each:
            name, file = each["name"], layout.layer_answers(layer.name)
            raise of.refused(
                of.definition.file,
                of.definition.lines[name],
                f"it asks {name}, which {file} does not answer",
                f"Answer it: argosy template update {layer.name} --set {name}=VALUE",
            )


def _permitted(of: Pack, layer: Layer, rendering: sandbox.Rendering) -> Iterator[int]:
    """Yield the numbers of the paths that a layer gives; raise where it may not."""
    for number, (path, template) in enumerate(rendering.paths):
        if path == layout.layer_answers(layer.name):
            continue  # argosy writes it, whether or not the layer does.
        _refuse_path(of, path, template)
        yield number


def _refuse_path(of: Pack, path: str, template: str) -> None:
    """Raise ArgosyError where a layer may not write to a path."""
    parts = path.split("/")
    if (
        path.startswith("/")
        or _NEVER.search(path)
        or any(each in {"", ".", ".."} or is_of_git(each) or re.fullmatch("[A-Za-z]:.*", each) for each in parts)
    ):
        raise of.refused(template, 1, f"it gives “{path}”, which is no path within the repository")
    if path == layout.ANSWERS or layout.layer_of(path) is not None or layout.is_settings(path):
        raise of.refused(template, 1, f"it gives {path}, which argosy itself writes and reads", "Choose another path.")


def _is_left_out(path: str, said: Definition) -> bool:
    is_model = path == layout.ANSWERS or layout.layer_of(path) is not None or layout.is_settings(path)
    return not is_model and any(_matches(path, pattern) for pattern in said.leave_out)


def _matches(path: str, pattern: str) -> bool:
    """Return whether a path, or a folder that it is in, is like a pattern, in which `*` is within one part."""
    wanted, parts = pattern.strip("/").split("/"), path.split("/")
    return len(parts) >= len(wanted) and all(map(fnmatchcase, parts, wanted))


def _is_within(path: str, patterns: Iterable[str]) -> bool:
    """Return whether a path is excluded, as `.gitignore` does it: a pattern without a `/` is for each part."""
    parts = path.split("/")
    return any(
        _matches(path, each) if "/" in each.strip("/") else any(fnmatchcase(part, each) for part in parts)
        for each in patterns
    )


def _answers_file(layer: Layer, answers: Mapping[str, Any]) -> bytes:
    order = {"_order": layer.order} if layer.order else {}
    recorded = {"_commit": layer.version, **order, "_src_path": layer.source, **dict(sorted(answers.items()))}
    written = yaml.safe_dump(recorded, sort_keys=False, allow_unicode=True, width=1000)
    return f"# Written by argosy: argosy template update {layer.name} --set KEY=VALUE changes it.\n{written}".encode()


def source_digest() -> str:
    """Return what decides what a layer gives for a model, besides the two."""
    files = [Path(__file__), Path(__file__).with_name("sandbox.py")]
    return hashlib.sha256(b"".join(each.read_bytes() for each in files)).hexdigest()
