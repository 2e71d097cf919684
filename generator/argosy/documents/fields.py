"""Fields of what YAML and JSON hold, whatever its shape."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

JSON = Any
"""A value as YAML and JSON have it. Documents are other people's data: their shape is checked by schemas, not types."""


def mapping(value: JSON) -> Mapping[str, JSON]:
    """Return a mapping as it is, and anything else as an empty one."""
    return value if isinstance(value, dict) else {}


def sequence(value: JSON) -> Sequence[JSON]:
    """Return a list as it is, and anything else as an empty one."""
    return value if isinstance(value, list) else ()


def text(value: JSON) -> str:
    """Return a string as it is, and anything else as an empty one."""
    return value if isinstance(value, str) else ""


_INTEGER = re.compile(r"([+-]?)0*([0-9]{1,19})")


def integer(written: str) -> int | None:
    """Return the number of 64 bits that a text is, as Go's strconv.Atoi reads it; None for any other text."""
    found = _INTEGER.fullmatch(written)
    number = int(found[1] + found[2]) if found else None
    return number if number is not None and -(2**63) <= number < 2**63 else None


def field(data: JSON, *pointer: str | int) -> JSON:
    """Return the field at `pointer`, None where there is none."""
    for step in pointer:
        if isinstance(data, dict):
            data = data.get(step)
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
        else:
            return None
    return data


def may_hold_null(data: JSON) -> bool:
    """Return whether there may be a null anywhere: to write data out takes a fifth of what it takes to walk through."""
    try:
        return "None" in repr(data)
    except (RecursionError, ValueError):  # It is too deep, or has a number of too many digits.
        return True


def group_and_kind(data: JSON) -> tuple[str, str]:
    """Return a manifest's API group, empty for the core one, and its kind."""
    # Rules ask it of each manifest, many times: calls of the functions above would double what it takes.
    if not isinstance(data, dict):
        return "", ""
    version, kind = data.get("apiVersion"), data.get("kind")
    return group_of(version) if isinstance(version, str) else "", kind if isinstance(kind, str) else ""


def group_of(api_version: str) -> str:
    """Return the group of an apiVersion, empty for the core one."""
    group, slash, _ = api_version.partition("/")
    return group if slash else ""


def annotations_of(data: JSON) -> Mapping[str, JSON]:
    """Return a manifest's annotations."""
    return mapping(field(data, "metadata", "annotations"))
