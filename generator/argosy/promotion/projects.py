"""AppProjects that have to permit what comes with a promotion or a rollback: it may bring kinds that are new there.

They are widened and never narrowed: Argo CD does not remove what its project no longer permits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from argosy.change import needs
from argosy.change.needs import Used
from argosy.documents.plain import bounded
from argosy.git.objects import SYMLINK, Blob
from argosy.git.snapshot import Snapshot
from argosy.promotion.promoting import Promotion, Widened
from argosy.repository import layout
from argosy.repository.model import Kind
from argosy.yaml_edit import keys
from argosy.yaml_edit.places import line_start, newline, next_line, span

_BYTE_ORDER_MARK = "\ufeff"
_KEY = re.compile(r"( *)\w+: *")


@dataclass(frozen=True, slots=True)
class _List:
    """A list of kinds in a text."""

    node: yaml.SequenceNode
    kinds: tuple[Kind, ...]


def used(promotion: Promotion) -> Mapping[str, Used]:
    """Return the kinds that the promoted applications deploy afterwards, by the paths of the projects that they are of.

    What all environments share, such as a chart that comes along, reaches all that the branch has.
    """
    names = {each.application for each in promotion.steps}
    places = {layout.environment_of(path) for path in promotion.written}
    return needs.of_state(promotion.after, names, None if None in places else {each for each in places if each})


def widen(state: Snapshot, needed: Mapping[str, Used]) -> tuple[Widened, ...]:
    """Return the projects, by their paths, that do not permit what is needed, as they would."""
    projects = state.files(*needed) if needed else {}
    found = []
    for path, each in sorted(needed.items()):
        blob = projects.get(path)
        if blob and blob.mode != SYMLINK:
            text, added = with_kinds(blob.content.decode(errors="surrogateescape"), each)
            if added:
                found.append(Widened(path, added, Blob(blob.mode, text.encode(errors="surrogateescape"))))
    return tuple(found)


def with_kinds(text: str, used: Used) -> tuple[str, tuple[Kind, ...]]:
    """Return an AppProject's text in which what is used is permitted, and the kinds that were not.

    A list that is not there, or that cannot be read, stays as it is.
    """
    start = _BYTE_ORDER_MARK if text.startswith(_BYTE_ORDER_MARK) else ""
    edited, together = text.removeprefix(start), list[Kind]()
    for name, wanted in (
        ("namespaceResourceWhitelist", used.kinds),
        ("clusterResourceWhitelist", used.cluster_kinds),
    ):
        listed = _list(edited, name)
        missing = needs.lacking(listed.kinds, wanted) if listed else []
        for kind in missing:
            edited = _inserted(edited, name, kind)
        listed = _list(edited, name) if missing else None
        if missing and (listed is None or needs.lacking(listed.kinds, wanted)):
            return text, ()
        together += missing
    return start + edited, tuple(together)


def _list(text: str, name: str) -> _List | None:
    """Return a list of kinds of the AppProject in a text, None where there is none that can be read."""
    try:
        for node in yaml.compose_all(bounded(text), Loader=yaml.CSafeLoader):
            if isinstance(node, yaml.MappingNode) and keys.value(node).get("kind") == "AppProject":
                listed = _value(_value(node, "spec"), name)
                return _List(listed, _kinds(keys.value(listed))) if isinstance(listed, yaml.SequenceNode) else None
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    return None


def _value(node: yaml.Node | None, name: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for key, value in node.value if key.value == name), None)


def _kinds(entries: object) -> tuple[Kind, ...]:
    """Return the kinds of a list; raise ValueError where something else is in it."""
    if not isinstance(entries, list) or not all(isinstance(each, dict) and "kind" in each for each in entries):
        raise ValueError("this is no list of kinds")
    return tuple(Kind(str(each.get("group") or ""), str(each["kind"])) for each in entries)


def _inserted(text: str, name: str, kind: Kind) -> str:
    """Return a text with a kind in one of its lists: in its place where the list is sorted, else at its end."""
    listed = _list(text, name)
    if listed is None:
        return text
    group = kind.group or '""'
    node, kinds = listed.node, listed.kinds
    begin = line_start(text, node.start_mark.index)
    if not kinds and (key := _KEY.fullmatch(text[begin : node.start_mark.index])):
        # As the template writes it, so that what it changes later is no conflict.
        entry = f"{newline(text)}{key[1]}  - {{group: {group}, kind: {kind.kind}}}"
        return f"{text[: node.start_mark.index].rstrip()}{entry}{text[node.end_mark.index :]}"
    if node.flow_style or not kinds:
        end = node.end_mark.index - 1
        head = text[:end].rstrip()
        comma = " " if head.endswith(",") else ", " if kinds else ""
        return f"{head}{comma}{{group: {group}, kind: {kind.kind}}}{text[end:]}"
    place = sum(each < kind for each in kinds) if [*kinds] == sorted(kinds) else len(kinds)
    first = node.value[0].start_mark.index
    margin = text[line_start(text, first) : first]
    at = next_line(text, span(text, node.value[place - 1]).stop) if place else line_start(text, first)
    head, line = text[:at], newline(text)
    head += "" if head.endswith("\n") else line
    if getattr(node.value[0], "flow_style", False):
        return f"{head}{margin}{{group: {group}, kind: {kind.kind}}}{line}{text[at:]}"
    return f"{head}{margin}group: {group}{line}{' ' * len(margin)}kind: {kind.kind}{line}{text[at:]}"
