"""Data -> YAML text as a person would write it, which every reader of Kubernetes' takes for the same data."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.representer import RoundTripRepresenter
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

_AMBIGUOUS = re.compile(
    r"|~|y|n|yes|no|on|off|true|false|null|[-+]?\.(inf|nan)|[-+]?[.\d][-+.:,_\da-fxo]*|\d{4}-\d\d?-\d\d?.*",
    re.IGNORECASE,
)
"""Text that YAML 1.1 or 1.2 might read as a number, a truth value, a date or nothing."""


class _Representer(RoundTripRepresenter):
    """Writes null as `null`, so that it is seen."""


_Representer.add_representer(
    type(None), lambda representer, _: representer.represent_scalar("tag:yaml.org,2002:null", "null")
)


def _yaml() -> YAML:
    yaml = YAML()
    yaml.Representer = _Representer
    yaml.preserve_quotes = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 4096
    return yaml


def load(text: bytes) -> CommentedMap:
    """Return the mapping that a text holds, with its comments and its order."""
    found = _yaml().load(text)
    return found if isinstance(found, CommentedMap) else CommentedMap()


def dump(data: Mapping[str, Any]) -> bytes:
    """Return data as YAML: plain data, or what `load` returned with edits."""
    written = io.BytesIO()
    _yaml().dump(data if isinstance(data, CommentedMap) else plain(data), written)
    return written.getvalue()


def manifest(data: Mapping[str, Any]) -> bytes:
    """Return a manifest as YAML."""
    return dump(ordered(data))


def ordered(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a manifest that begins with what it is and what it is called."""
    metadata = {key: data["metadata"][key] for key in sorted(data["metadata"], key=lambda key: key != "name")}
    return {"apiVersion": data["apiVersion"], "kind": data["kind"], "metadata": metadata} | {
        key: value for key, value in data.items() if key != "metadata"
    }


def append(sequence: CommentedSeq, items: Iterable[Any]) -> None:
    """Put items at the end of what `load` returned, before the empty lines that follow it."""
    last = len(sequence) - 1
    sequence.extend(plain(each) for each in items)
    if last in sequence.ca.items and len(sequence) > last + 1:
        sequence.ca.items[len(sequence) - 1] = sequence.ca.items.pop(last)


def plain(value: Any) -> Any:
    """Return data of its own, with those texts quoted that a reader might take for something else."""
    if isinstance(value, dict):
        return {plain(key): plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    if not isinstance(value, str):
        return value
    if "\n" in value and _is_literal(value):
        return LiteralScalarString(value)
    # In other quotes some characters that nobody sees, such as U+0085, would be folded into spaces.
    return DoubleQuotedScalarString(value) if not value.isprintable() or _AMBIGUOUS.fullmatch(value) else value


def merge(into: Any, changes: Mapping[str, Any]) -> None:
    """Put values into what `load` returned: mappings are merged, everything else is replaced."""
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = plain(value)


def _is_literal(text: str) -> bool:
    """Return whether a text can stand in a block as it is."""
    return not text.startswith((" ", "\n")) and all(
        line.isprintable() and line == line.rstrip() for line in text.split("\n")
    )
