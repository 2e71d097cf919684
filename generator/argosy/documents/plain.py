"""The mapping that a YAML text holds, for callers who leave it to Helm or Kustomize to say what is wrong with it."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import yaml

from argosy import paths
from argosy.documents.composer import LARGEST_EXPANSION, span
from argosy.documents.files import LARGEST_FILE
from argosy.documents.scalars import resolve
from argosy.documents.syntax import BEYOND_LIBYAML, DEEPEST

Text = TypeVar("Text", bound=str | bytes)


class _Loader(yaml.CSafeLoader):
    """Read scalars as Helm and Kustomize do: PyYAML fails at 2026-13-01, at any `=` and at `!!int ""`."""


def _text(loader: _Loader, node: yaml.ScalarNode) -> Any:
    return loader.construct_scalar(node)


def _resolved(loader: _Loader, node: yaml.ScalarNode) -> Any:
    return resolve(loader.construct_scalar(node))


for _tag in ("timestamp", "value"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _text)
for _tag in ("null", "bool", "int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _resolved)


_OPENING = re.compile(rb"[\[{]|[-?][ \t]")


def load(file: Path, root: Path | None = None) -> dict[str, Any]:
    """Return the mapping of a file's one document; an empty one where there is none that can be read.

    With the root of a repository that is not trusted, neither can what leaves it.
    """
    try:
        return parse(paths.content(file, root) if root else file.read_bytes())
    except OSError:
        return {}


def bounded(text: Text) -> Text:
    """Return a text that can be read without harm.

    Raise yaml.YAMLError where it is too large, is nested too deep, or has aliases that stand for too much.
    """
    content = text.encode(errors="replace") if isinstance(text, str) else text
    if len(content) > LARGEST_FILE:
        raise yaml.YAMLError(f"it has more than {LARGEST_FILE:,} bytes")
    # Each level of a block needs another column, and all of a flow one of these.
    if (
        content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        or len(_OPENING.findall(content)) > DEEPEST
        or (b"&" in content and b"*" in content)
    ):
        try:
            _refuse_bombs(text)
        except yaml.MarkedYAMLError as error:
            if error.problem == BEYOND_LIBYAML:
                error.context, error.problem = None, _TOO_DEEP
            raise
    return text


_TOO_DEEP = f"it is nested deeper than {DEEPEST} levels"


class _Anchor(NamedTuple):
    size: int
    """Characters that it stands for, its own aliases expanded."""
    height: int
    """How many mappings and lists stand in each other there."""


def _refuse_bombs(text: str | bytes) -> None:
    """Raise yaml.YAMLError where the events of a text lead too deep, in a circle, or to too much."""
    anchors: dict[str, _Anchor | None] = {}
    opened: list[_Opened] = []
    expanded = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        height = 0
        if isinstance(event, yaml.AliasEvent) and event.anchor in anchors:
            if (anchor := anchors[event.anchor]) is None:
                raise _refusal(f"the alias *{event.anchor} contains itself", event)
            expanded, height = expanded + anchor.size, anchor.height
        elif isinstance(event, yaml.CollectionStartEvent):
            opened.append(_Opened(event, expanded))
            if event.anchor:
                anchors[event.anchor] = None
        elif isinstance(event, yaml.ScalarEvent) and event.anchor:
            anchors[event.anchor] = _Anchor(span(event, event), 0)
        elif isinstance(event, yaml.CollectionEndEvent):
            ended = opened.pop()
            height = ended.height + 1
            # An anchor of the same name inside is the later one: it stays.
            if ended.start.anchor and anchors[ended.start.anchor] is None:
                size = span(ended.start, event) + expanded - ended.expanded
                anchors[ended.start.anchor] = _Anchor(size, height)
        elif isinstance(event, yaml.DocumentStartEvent):
            anchors.clear()
        if opened:
            opened[-1].height = max(opened[-1].height, height)
        if len(opened) + height > DEEPEST:
            raise _refusal(_TOO_DEEP, event)
        if expanded > LARGEST_EXPANSION:
            raise _refusal(f"its aliases expand to more than {LARGEST_EXPANSION:,} characters", event)


@dataclass(slots=True)
class _Opened:
    """A mapping or list that has not ended yet."""

    start: Any
    expanded: int
    """How many characters aliases stood for before it."""
    height: int = 0
    """How many mappings and lists stand in each other within it, so far."""


def _refusal(problem: str, event: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


def parse(text: str | bytes) -> dict[str, Any]:
    """Return the mapping of a text's one document; an empty one where there is none that can be read."""
    try:
        data = yaml.load(bounded(text), Loader=_Loader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def values(text: str | bytes) -> dict[str, Any]:
    """Return what Helm reads of a values file: its documents laid over each other; empty where they cannot be read."""
    merged: Any = {}
    try:
        for each in documents(text):
            merged = laid_over(merged, each or {})
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return merged if isinstance(merged, dict) else {}


def laid_over(below: Any, above: Any) -> Any:
    """Return data with other data laid over it: mappings key by key, all else as a whole."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return {**below, **{key: laid_over(below.get(key), value) for key, value in above.items()}}


def documents(text: str | bytes) -> Iterator[Any]:
    """Yield the documents of a text; raise yaml.YAMLError or ValueError where they cannot be read."""
    yield from yaml.load_all(bounded(text), Loader=_Loader)
