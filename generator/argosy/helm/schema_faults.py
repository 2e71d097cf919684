"""Helm's list of the values that a chart's values.schema.json refuses -> where each was set, and what is meant."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from argosy.documents.fields import integer
from argosy.documents.plain import bounded
from argosy.errors import Fault
from argosy.helm.charts import metadata_of
from argosy.helm.release import Release
from argosy.names import did_you_mean
from argosy.schemas.violations import quotes

Pointer = tuple[str | int, ...]


def violations(error: str, release: Release) -> Iterator[Fault]:
    """Yield a fault for each line of Helm's list of schema violations."""
    chart, schema = "", {}
    root = str(metadata_of(release.chart).get("name", ""))
    for line in error.splitlines():
        if header := re.fullmatch(r"([^\s-].*):", line):
            chart = "" if header[1] == root else header[1]
            schema = _json(release.chart / (f"charts/{chart}" if chart else "") / "values.schema.json")
        # “anyOf failed” and the like head the list of the reasons, which say more.
        elif (found := re.fullmatch(r"\s*- at '(.*?)': (.*)", line)) and not found[2].endswith("failed"):
            pointer = tuple(_key(part) for part in found[1].split("/")[1:])
            yield from _violation(found[2], pointer, schema, release, chart)


def _violation(text: str, pointer: Pointer, schema: Any, release: Release, chart: str) -> Iterator[Fault]:
    place: Pointer = (chart, *pointer) if chart else pointer
    if unknown := re.match(r"additional propert(?:y|ies) (.*) not allowed", text):
        known = list(_properties(schema, pointer))
        for name in re.findall(r"'(.*?)'", unknown[1]):
            hint = did_you_mean(name, known) or (f"The chart knows {', '.join(known)}." if known else "")
            full = (*place, name)
            yield Fault(f"Unknown value “{_dotted(full)}”.", *_where(release, full)[:2], hint=hint)
    elif missing := re.match(r"missing propert(?:y|ies) (.*)", text):
        hint = "Set it in a values file of the environment."
        for name in re.findall(r"'(.*?)'", missing[1]):
            message = f"The chart requires the value “{_dotted((*place, name))}”."
            yield Fault(message, *_where(release, place)[:2], hint=hint)
    else:
        at = _where(release, place)
        hint = ""
        if mistyped := re.fullmatch(r"got (string|number|integer|boolean), want (.+)", text):
            hint = quotes(at.text, mistyped[2].split(" or "), are_there=mistyped[1] == "string")
            if hint and at.of_parameter:
                hint = "Set forceString: true for this parameter."
        yield Fault(f"The chart's schema rejects the value “{_dotted(place)}”: {text}.", at.file, at.line, hint)


def _key(part: str) -> str | int:
    name = part.replace("~1", "/").replace("~0", "~")
    number = integer(name) if name.isdecimal() else None
    return name if number is None else number


def _dotted(pointer: Pointer) -> str:
    """Return a value's path as Helm's users write it: `hosts[0].name`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in pointer).removeprefix(".")


def _properties(schema: Any, pointer: Pointer) -> Iterator[str]:
    """Yield the names that a schema knows at a place."""
    node, seen = schema, []
    for key in (*pointer, None):
        while isinstance(node, dict) and str(node.get("$ref", "")).startswith("#/") and node not in seen:
            seen.append(node)
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
    except (OSError, ValueError, RecursionError):
        return {}


class _Place(NamedTuple):
    """Where a value is set: no file where the Application itself does."""

    file: Path | None = None
    line: int | None = None
    text: str = ""
    """A scalar as it is written, without quotes; "" where that is not known."""
    of_parameter: bool = False


def _where(release: Release, pointer: Pointer) -> _Place:
    """Return where the value is set that counts."""
    if _dotted(pointer) in {parameter.name for parameter in release.parameters}:
        return _Place(of_parameter=True)
    if isinstance(release.inline, str):
        if pointer and (place := _place(release.inline.encode(), pointer)):
            return place._replace(line=None)
    elif pointer and (value := _at(release.inline, pointer)) is not None:
        return _Place(text=value if isinstance(value, str) else "")
    for file in (*reversed(release.values), release.chart / "values.yaml"):
        if pointer and (place := _place(_content(file), pointer)):
            return place._replace(file=file)
    return _Place(release.values[-1] if release.values else release.chart / "values.yaml")


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def _place(content: bytes, pointer: Pointer) -> _Place | None:
    """Return line and text of a value in values, None if these do not set it."""
    try:
        documents = [*yaml.compose_all(bounded(content), Loader=yaml.CSafeLoader)]
    except yaml.YAMLError:
        return None
    # Helm lays each document over the ones before it.
    return next((place for each in reversed(documents) if (place := _place_in(each, pointer))), None)


def _place_in(node: yaml.Node | None, pointer: Pointer) -> _Place | None:
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
    return _Place(line=line, text=node.value if isinstance(node, yaml.ScalarNode) else "")
