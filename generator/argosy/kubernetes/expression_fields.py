"""The fields that a policy's expressions name, held against the schemas of the kinds that it is about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from argosy.documents.fields import JSON, mapping, sequence, text
from argosy.kubernetes.scopes import plural
from argosy.schemas.builtin_kinds import kubernetes

_STRING = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"")
_NAME = r"[A-Za-z_]\w*"
_CHAIN = re.compile(
    rf"(?<![\w.)\]?])(?P<base>{_NAME})(?P<chain>(?:\s*\.\s*\??\s*{_NAME})+)(?P<call>\s*\()?"
    rf"|\.\s*{_NAME}(?P<other>\s*\()"
)
_BOUND = re.compile(rf"\s*(?P<one>{_NAME})\s*,(?:\s*(?P<two>{_NAME})\s*,)?")
_OF_ITEMS = frozenset({"all", "exists", "exists_one", "filter", "map"})

Types = Sequence[Mapping[str, Any]]
"""The schemas of what a name may stand for, one for each kind; none where it is not known what it is."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A field that none of the kinds has."""

    path: str
    name: str
    known: Sequence[str]


@dataclass
class Fields:
    """What a policy's expressions may name."""

    version: str
    """Of Kubernetes."""
    spec: Mapping[str, JSON]
    variables: dict[str, Types] = field(default_factory=dict)

    def unknown(self) -> Iterator[tuple[tuple[str | int, ...], Unknown]]:
        """Yield the fields that there are not, with the place of the expression among the policy's fields."""
        kinds = [*self._kinds()]
        for name, value in (("matchConditions", "expression"), ("variables", "expression"), ("validations", "")):
            for place, each in enumerate(map(mapping, sequence(self.spec.get(name)))) if kinds else ():
                for key in (value,) if value else ("expression", "messageExpression"):
                    bound: dict[str, Types] = {"object": kinds}
                    for found in self._read(text(each.get(key)), bound):
                        yield (name, place, key), found
                if name == "variables":
                    whole = re.fullmatch(rf"\s*object((?:\s*\.\s*{_NAME})+)\s*", text(each.get("expression")))
                    parts = re.findall(_NAME, whole[1]) if whole else []
                    types = self._below(kinds, parts) if parts else ()
                    self.variables[text(each.get("name"))] = () if isinstance(types, Unknown) else types

    def _kinds(self) -> Iterator[Mapping[str, Any]]:
        """Yield the schemas of the built-in kinds that it is about; none where it may be about others as well."""
        known = kubernetes(self.version)
        types = known.documents[known.uri]["$defs"]
        found = []
        for rule in map(mapping, sequence(mapping(self.spec.get("matchConstraints")).get("resourceRules"))):
            for resource in sequence(rule.get("resources")):
                matched = [
                    types[name]
                    for (api_version, kind), name in known.kinds.items()
                    if plural(kind) == resource
                    and api_version.rpartition("/")[0] in sequence(rule.get("apiGroups"))
                    and {api_version.rpartition("/")[2], "*"} & {*map(text, sequence(rule.get("apiVersions")))}
                ]
                if not matched:
                    return
                found += matched
        yield from found

    def _read(self, expression: str, bound: dict[str, Types]) -> Iterator[Unknown]:
        plain = _STRING.sub("''", expression)
        for found in _CHAIN.finditer(plain):
            parts = re.findall(_NAME, found["chain"] or "")
            is_call = bool(found["call"] or found["other"])
            method = parts.pop() if found["call"] else ""
            types = self._named(found["base"] or "", parts, bound)
            if isinstance(types, Unknown):
                yield types
                types = ()
            if is_call and (names := _BOUND.match(plain, found.end())):
                items = [self._resolved(each).get("items", {}) for each in types] if method in _OF_ITEMS else []
                bound[names["one"]] = items if all(items) and not names["two"] else ()
                bound[names["two"] or ""] = ()

    def _named(self, base: str, parts: list[str], bound: Mapping[str, Types]) -> Types | Unknown:
        if base == "variables" and parts:
            return self._below(self.variables.get(parts[0], ()), parts[1:], f"variables.{parts[0]}")
        return self._below(bound.get(base, ()), parts, base)

    def _below(self, types: Types, parts: Sequence[str], path: str = "object") -> Types | Unknown:
        for part in parts:
            resolved = [self._resolved(each) for each in types]
            closed = [each for each in resolved if "properties" in each and each.get("additionalProperties") is False]
            inner = [each["properties"][part] for each in closed if part in each["properties"]]
            path += f".{part}"
            if resolved and not inner and len(closed) == len(resolved):
                return Unknown(path, part, [*dict.fromkeys(name for each in closed for name in each["properties"])])
            types = inner if len(closed) == len(resolved) else ()
        return types

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        known = kubernetes(self.version)
        while str(schema.get("$ref", "")).startswith("#/$defs/"):
            schema = known.documents[known.uri]["$defs"].get(schema["$ref"].removeprefix("#/$defs/"), {})
        return schema
