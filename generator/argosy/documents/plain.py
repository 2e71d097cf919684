"""The mapping that a YAML text holds, for callers who leave it to Helm or Kustomize to say what is wrong with it."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml

from argosy import paths

Text = TypeVar("Text", bound=str | bytes)


class _Loader(yaml.CSafeLoader):
    """Read dates and `=` as text, as Helm and Kustomize do: PyYAML fails at 2026-13-01, and at any `=`."""


def _text(loader: _Loader, node: yaml.ScalarNode) -> Any:
    return loader.construct_scalar(node)


for _tag in ("timestamp", "value"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _text)


DEEPEST = 1000
"""How deep a text may be nested: PyYAML's C code follows each level on the stack, and ends the process in the end."""
_OPENING = re.compile(rb"[\[{]|[-?][ \t]")


def load(file: Path, root: Path | None = None) -> dict[str, Any]:
    """Return the mapping of a file's one document; an empty one where there is none that can be read.

    With the root of a repository that is not trusted, neither can what leaves it.
    """
    try:
        return parse(paths.content(file, root) if root else file.read_bytes())
    except OSError:
        return {}


def shallow(text: Text) -> Text:
    """Return a text that can be read without harm; raise yaml.YAMLError where it is nested too deep."""
    content = text.encode(errors="replace") if isinstance(text, str) else text
    # Each level of a block needs another column, and all of a flow one of these.
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or len(_OPENING.findall(content)) > DEEPEST:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                mark: Any = event.start_mark
                raise yaml.MarkedYAMLError(problem=f"it is nested deeper than {DEEPEST} levels", problem_mark=mark)
    return text


def parse(text: str | bytes) -> dict[str, Any]:
    """Return the mapping of a text's one document; an empty one where there is none that can be read."""
    try:
        data = yaml.load(shallow(text), Loader=_Loader)
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
    yield from yaml.load_all(shallow(text), Loader=_Loader)
