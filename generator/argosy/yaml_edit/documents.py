"""Bring whole documents of one YAML text into another."""

from __future__ import annotations

import re

import yaml

from argosy.yaml_edit.places import line_start, newline, next_line, span
from argosy.yaml_edit.writing import shifted

_SEPARATOR = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_CONTENT = re.compile(r"^[ \t]*[^#\s]", re.MULTILINE)


def take(target: str, root: yaml.Node | None, source: str, model: yaml.Node | None) -> str:
    """Return the target with the source's document instead of its own; None stands for none."""
    if root is None:
        return target if model is None else _added(target, source, model)
    if model is None:
        return _without(target, root)
    place = span(target, root)
    column = place.start - line_start(target, place.start)
    return target[: place.start] + _text(source, model, column, newline(target)) + target[place.stop :]


def _text(source: str, model: yaml.Node, column: int, end: str) -> str:
    place = span(source, model)
    return shifted(source[place], column - (place.start - line_start(source, place.start)), end)


def _added(target: str, source: str, model: yaml.Node) -> str:
    end = newline(target)
    head = target if not target or target.endswith("\n") else target + end
    separator = f"---{end}" if _CONTENT.search(head) else ""
    return f"{head}{separator}{_text(source, model, 0, end)}{end}"


def _without(target: str, root: yaml.Node) -> str:
    place = span(target, root)
    separators = [found.start() for found in _SEPARATOR.finditer(target)]
    before = [each for each in separators if each <= place.start]
    after = [each for each in separators if each >= place.stop]
    if before:
        return target[: before[-1]] + (target[after[0] :] if after else "")
    head = target[: line_start(target, place.start)]
    if not after:
        return head + target[next_line(target, place.stop) :]
    rest = target[after[0] :]
    alone = rest[: next_line(rest, 0)].strip() == "---"
    return head + (rest[next_line(rest, 0) :] if alone else rest)
