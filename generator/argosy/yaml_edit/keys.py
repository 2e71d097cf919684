"""The keys of a YAML file: what a path of names leads to.

Items of a list are named too, where all of them can be told apart: containers by their name, ports by their number,
manifests by kind and name, `KEY=value` texts by what is before the `=`. So a path means the same in two environments'
files, whatever the order.
Scalars are what the Kubernetes tools make of them: `1e3` is a number, and `"1e3"` is none.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, cast

import yaml
from yaml.composer import Composer
from yaml.events import AliasEvent

from argosy.documents.plain import bounded
from argosy.documents.scalars import resolve
from argosy.errors import ArgosyError

Path = tuple[str, ...]
NAMES = ("name", "mountPath", "containerPort", "port", "chart", "host", "key", "secretKey", "path", "topologyKey")
"""By which fields the items of a list are told apart; the first that all have, and none has twice."""


class Key(NamedTuple):
    """One setting of a deployment."""

    file: str
    """The file that holds it, relative to the deployment's folder."""
    scope: str
    """The manifest in the file, as Kind/name; empty in a file of values, or for the file as a whole."""
    path: Path
    """The names that lead to it; empty for the whole file or manifest."""

    def __str__(self) -> str:
        """Name it for people: `image.tag`, `Deployment/web: spec.replicas`."""
        written = ".".join(_quoted(each) for each in self.path)
        scope = self.scope or ("" if self.path and self.file in MAIN else self.file)
        return f"{scope}: {written}" if scope and written else scope or written


def pattern(key: Key) -> str:
    """Return the pattern that means a key and nothing else."""
    scope = key.scope or ("" if key.path and key.file in MAIN else key.file)
    written = ".".join(_quoted(each) for each in key.path)
    return f"{scope}:{written}" if scope else written


def overlap(one: Key, other: Key) -> bool:
    """Return whether two keys are the same, or one is a part of the other."""
    if one.file != other.file:
        return False
    shorter = min(len(one.path), len(other.path))
    is_whole = any(not each.scope and not each.path for each in (one, other))
    return is_whole or (one.scope == other.scope and one.path[:shorter] == other.path[:shorter])


MAIN = {"values.yaml", "kustomization.yaml"}
"""Files whose keys need no scope to be understood."""


def _quoted(name: str) -> str:
    return f'"{name}"' if "." in name or not name else name


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """What is at a key: its value, and in a mapping the key's own node."""

    value: yaml.Node
    key: yaml.Node | None = None


@dataclass(frozen=True)
class Text:
    """A YAML text."""

    content: str
    is_values: bool = False
    """Whether it is a values file of Helm, which lays each document over the ones before it."""

    @cached_property
    def documents(self) -> Mapping[str, yaml.Node]:
        """The documents by their scope; raise yaml.YAMLError where it is no YAML."""
        found: dict[str, yaml.Node] = {}
        together: yaml.Node | None = None
        loader = _Aliases if "*" in self.content else _Loader
        for node in yaml.compose_all(bounded(self.content), Loader=loader):
            if isinstance(node, yaml.ScalarNode) and value(node) is None:
                continue
            if self.is_values:
                together = node if together is None else _laid_over(together, node)
            else:
                scope = scope_of(node)
                found[scope if scope not in found else f"{scope}#{len(found)}"] = node
        found |= {"": together} if together is not None else {}
        return found or {"": self._nothing()}

    def _nothing(self) -> yaml.Node:
        """Return what stands for the mapping of a text that has none yet, at its end."""
        end = yaml.Mark("", len(self.content), 0, 0, None, 0)
        return yaml.MappingNode("tag:yaml.org,2002:map", [], end, end, flow_style=False)


def _laid_over(below: yaml.Node, above: yaml.Node) -> yaml.Node:
    """Return the mapping that two documents are together, its entries where they stand."""
    if not isinstance(below, yaml.MappingNode) or not isinstance(above, yaml.MappingNode):
        return above
    found = {_written(key): (key, each) for key, each in below.value}
    for key, each in above.value:
        known = found.get(_written(key))
        found[_written(key)] = (key, _laid_over(known[1], each) if known else each)
    listed = sorted(found.values(), key=lambda each: each[0].start_mark.index)
    return yaml.MappingNode(below.tag, listed, below.start_mark, above.end_mark, flow_style=False)


def is_values(file: str) -> bool:
    """Return whether a file is one of Helm's values, by its name."""
    name = file.rpartition("/")[2]
    return "values" in name and name.endswith((".yaml", ".yml"))


_STANDARD = "tag:yaml.org,2002:"
_PLAIN = "?"
"""YAML's own tag of a scalar without quotes, whose type is open yet."""
_RESOLVED = {_PLAIN, *(_STANDARD + name for name in ("null", "bool", "int", "float"))}


class _Loader(yaml.CBaseLoader):
    """Leave the type of plain scalars open."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:  # noqa: ARG002 - its caller is PyYAML
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else _STANDARD + "str"
        return _STANDARD + ("map" if kind is yaml.MappingNode else "seq")


class _Aliases(Composer, _Loader):
    """Give aliases nodes of their own, which know where they stand."""

    def __init__(self, stream: str) -> None:
        _Loader.__init__(self, stream)
        Composer.__init__(self)

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        node = super().compose_node(parent, index)
        if isinstance(event, AliasEvent):
            node = copy.copy(cast(yaml.Node, node))
            node.start_mark, node.end_mark = event.start_mark, event.end_mark
        return node


def scope_of(node: yaml.Node) -> str:
    """Return Kind/name of a manifest, or its Kind where it has no name; "" for what is none, or a kustomization."""
    fields = _of_mapping(node)
    kind = _text_at(fields, "kind")
    name = _text_at(_of_mapping(fields["metadata"].value), "name") if "metadata" in fields else None
    if kind is None or kind in {"Kustomization", "Component"}:
        return ""
    # Each environment's Application has a name of its own.
    return kind if name is None or kind == "Application" else f"{kind}/{name}"


def _text_at(fields: Mapping[str, Entry], name: str) -> str | None:
    found = fields[name].value if name in fields else None
    return found.value if isinstance(found, yaml.ScalarNode) and found.value else None


def value(node: yaml.Node | None) -> Any:
    """Return the data of a node, merge keys left as they are written."""
    if isinstance(node, yaml.MappingNode):
        return {_written(key): value(each) for key, each in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [value(item) for item in node.value]
    if node is None:
        return None
    if node.tag in _RESOLVED:
        return resolve(node.value)
    return node.value if node.tag.startswith(_STANDARD) else f"{node.tag} {node.value}"


def same(one: Any, other: Any) -> bool:
    """Return whether two values are the same to Kubernetes: 1, "1" and true are three."""
    return _canonical(one) == _canonical(other)


def alike(one: yaml.Node | None, other: yaml.Node | None) -> bool:
    """Return whether two nodes are written alike, key by key, so that their values are surely the same.

    It is quick, and says no of many that are the same all the same.
    """
    if one is None or other is None or one.tag != other.tag or type(one) is not type(other):
        return False
    if isinstance(one, yaml.ScalarNode) and isinstance(other, yaml.ScalarNode):
        return bool(one.value == other.value and one.style == other.style)
    if len(one.value) != len(other.value):
        return False
    if isinstance(one, yaml.SequenceNode):
        return all(map(alike, one.value, other.value))
    return all(
        alike(key, its_key) and alike(value, its_value)
        for (key, value), (its_key, its_value) in zip(one.value, other.value, strict=True)
    )


def _canonical(data: Any) -> str:
    return json.dumps(data, sort_keys=True, default=repr)


def entries(*nodes: yaml.Node | None) -> list[dict[str, Entry]] | None:
    """Return the entries of several versions of one collection by their names; None where they cannot be told apart.

    Of None, there are no entries.
    """
    present = [each for each in nodes if each is not None]
    if all(isinstance(each, yaml.MappingNode) for each in present):
        return [_of_mapping(each) for each in nodes]
    if not all(isinstance(each, yaml.SequenceNode) for each in present):
        return None
    for name in _NAMERS:
        if all(_tells_apart(each.value, name) for each in present):
            return [{name(item) or "": Entry(item) for item in each.value} if each else {} for each in nodes]
    return None


def _of_mapping(node: yaml.Node | None) -> dict[str, Entry]:
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {_written(key): Entry(each, key) for key, each in node.value}


def _written(key: yaml.Node) -> str:
    return key.value if isinstance(key, yaml.ScalarNode) else str(value(key))


_Namer = Callable[[yaml.Node], str | None]


def _tells_apart(items: Sequence[yaml.Node], namer: _Namer) -> bool:
    names = [namer(each) for each in items]
    return None not in names and len(set(names)) == len(names)


def _by_field(field: str) -> _Namer:
    return lambda item: _text_at(_of_mapping(item), field)


def _by_source(item: yaml.Node) -> str | None:
    """Return the name of an Application's source: its chart, its reference as Argo CD writes it, or its path."""
    fields = _of_mapping(item)
    if "repoURL" not in fields:
        return None
    reference = _text_at(fields, "ref")
    return _text_at(fields, "chart") or (f"${reference}" if reference else _text_at(fields, "path"))


def _by_reference(item: yaml.Node) -> str | None:
    """Return what an item of envFrom refers to."""
    for kind, entry in _of_mapping(item).items():
        name = _text_at(_of_mapping(entry.value), "name") if kind.endswith("Ref") else None
        if name is not None:
            return f"{kind}/{name}"
    return None


def _by_manifest(item: yaml.Node) -> str | None:
    """Return Kind/name of a manifest that is a value, as in a chart's extraManifests."""
    scope = scope_of(item)
    return scope if "/" in scope else None


def _by_assignment(item: yaml.Node) -> str | None:
    found = re.match(r"([\w./-]+)=", item.value) if isinstance(item, yaml.ScalarNode) else None
    return found[1] if found else None


_BASE = re.compile(r"(\S+?(?:://|:|/)\S+?)\?(?:\S*&)?(?:ref|version)=\S+")


def _by_base(item: yaml.Node) -> str | None:
    """Return which base of another repository a kustomization names, whatever its revision."""
    found = _BASE.fullmatch(item.value) if isinstance(item, yaml.ScalarNode) else None
    return found[1] if found else None


_NAMERS: Sequence[_Namer] = (_by_source, *map(_by_field, NAMES), _by_manifest, _by_reference, _by_base, _by_assignment)


@lru_cache(maxsize=64)
def read(content: bytes, file: str = "") -> Text | None:
    """Return a file as YAML, None where it is none, or holds no mapping."""
    try:
        text = Text(content.decode("utf-8-sig"), is_values(file))
        documents = text.documents
    except (UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError, ArgosyError):
        return None
    if not all(isinstance(each, yaml.MappingNode | yaml.SequenceNode) for each in documents.values()):
        return None
    return text
