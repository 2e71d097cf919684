"""The mapping that a YAML text holds, for callers who leave it to Helm or Kustomize to say what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml


class _Loader(yaml.CSafeLoader):
    """Read dates as text, as Helm and Kustomize do: PyYAML fails at 2026-13-01."""


def _text(loader: _Loader, node: yaml.ScalarNode) -> Any:
    return loader.construct_scalar(node)


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _text)


def load(file: Path) -> dict[str, Any]:
    """Return the mapping of a file's one document; an empty one where there is none that can be read."""
    try:
        return parse(file.read_bytes())
    except OSError:
        return {}


def parse(text: str | bytes) -> dict[str, Any]:
    """Return the mapping of a text's one document; an empty one where there is none that can be read."""
    try:
        data = yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def documents(text: str) -> Iterator[Any]:
    """Yield the documents of a text; raise yaml.YAMLError or ValueError where they cannot be read."""
    yield from yaml.load_all(text, Loader=_Loader)
