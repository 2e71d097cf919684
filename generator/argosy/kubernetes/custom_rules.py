"""Rules in CEL that a CustomResourceDefinition has for its objects: `x-kubernetes-validations`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from argosy.cel import engine
from argosy.documents.fields import mapping, sequence, text
from argosy.schemas.crds import FORMAT, RULES
from argosy.schemas.definition import Definition
from argosy.schemas.violations import Violation, violation

_KEYWORDS = (
    "as break const continue else false for function if import in let loop namespace null package return true var "
    "void while"
)
_RESERVED = frozenset(_KEYWORDS.split())
_ESCAPES = (("__", "__underscores__"), (".", "__dot__"), ("-", "__dash__"), ("/", "__slash__"))
_LONGEST = 160
_NAMES = ("self",)
"""What the rules may name."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Why a rule says nothing of an object here."""

    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class CustomRules:
    """The rules of one definition."""

    definition: Definition
    _ruled: dict[int, bool] = field(default_factory=dict)
    """Whether there are rules in a schema, by its identity."""

    def judge(self, data: Any) -> Iterator[Violation | Unknown]:
        """Yield what rules say of an object that matches the schema, and which of them say nothing.

        Rules of a transition, which compare with what was there before, hold for an object that is new.
        """
        asked = [*self._asked(self.definition.schema, self.definition.defaulted(data), ())]
        questions = [engine.Question([written for _, written in each.rules], {"self": each.value}) for each in asked]
        for each, found in zip(asked, engine.values(questions, _NAMES), strict=True):
            yield from _judged(each, found)

    def _asked(self, given: Any, data: Any, at: tuple[str | int, ...]) -> Iterator[_Asked]:
        schema = self.definition.resolved(given)
        if data is None or not self._has_rules(schema):
            return
        if rules := [
            (rule, written)
            for rule in map(mapping, sequence(schema.get(RULES)))
            if (written := _text(rule)) is not None
        ]:
            yield _Asked(rules, self._value(schema, data), at)
        if isinstance(data, dict):
            properties, more = schema.get("properties", {}), schema.get("additionalProperties")
            for name, each in data.items():
                yield from self._asked(properties.get(name, more), each, (*at, name))
        elif isinstance(data, list):
            for place, each in enumerate(data):
                yield from self._asked(schema.get("items"), each, (*at, place))

    def _has_rules(self, schema: Mapping[str, Any]) -> bool:
        if id(schema) not in self._ruled:
            self._ruled[id(schema)] = False  # A schema may refer to itself.
            inner = [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]
            found = RULES in schema or any(self._has_rules(self.definition.resolved(each)) for each in inner)
            self._ruled[id(schema)] = found
        return self._ruled[id(schema)]

    def _value(self, given: Any, data: Any) -> Any:
        """Return the value that a rule sees: fields by names that CEL can write, numbers as they are typed."""
        schema = self.definition.resolved(given)
        if isinstance(data, dict):
            properties, more = schema.get("properties", {}), schema.get("additionalProperties")
            return {
                _name(name) if name in properties else name: self._value(properties.get(name, more), each)
                for name, each in data.items()
            }
        if isinstance(data, list):
            return [self._value(schema.get("items"), each) for each in data]
        if FORMAT in schema and isinstance(data, str):
            return {schema[FORMAT]: data}  # CEL has a type of its own for it, which the engine cannot be given.
        return float(data) if schema.get("type") == "number" and type(data) is int else data


@dataclass(frozen=True, slots=True)
class _Asked:
    """A value of an object that rules are about."""

    rules: Sequence[tuple[Mapping[str, Any], str]]
    """The rules, each with its expression."""
    value: Any
    at: tuple[str | int, ...]


def _judged(asked: _Asked, found: Sequence[Any]) -> Iterator[Violation | Unknown]:
    for (rule, _), each in zip(asked.rules, found, strict=True):
        shown = f"The rule is `{_short(text(rule.get('rule')))}`."
        if isinstance(each, engine.DataError):
            yield violation(asked.at, f"a rule of the definition fails: {each}", shown)
        elif isinstance(each, ValueError):
            yield Unknown(str(each))
        elif each is not True:
            at = (*asked.at, *_place(text(rule.get("fieldPath"))))
            yield violation(at, _message(rule, asked.value), shown)


def _text(rule: Mapping[str, Any]) -> str | None:
    """Return the expression that a rule has for an object that is new, None where it has none."""
    written = text(rule.get("rule"))
    if not re.search(r"\boldSelf\b", written):
        return written
    if rule.get("optionalOldSelf") is not True:
        return None
    return f"cel.bind(oldSelf, optional.none(), {written}\n)"


def _message(rule: Mapping[str, Any], value: Any) -> str:
    written = text(rule.get("messageExpression"))
    found = engine.values([engine.Question([written], {"self": value})], _NAMES)[0][0] if written else ""
    said = found if isinstance(found, str) and found.strip() else text(rule.get("message"))
    return " ".join(said.split()) or "breaks a rule of its definition"


def _place(path: str) -> tuple[str, ...]:
    """Return the place that a `fieldPath` such as `.spec.x['a.b']` names."""
    return tuple(bare or quoted for bare, quoted in re.findall(r"\.([A-Za-z_]\w*)|\['([^']*)'\]", path))


def _name(name: str) -> str:
    if name in _RESERVED:
        return f"__{name}__"
    for each, escaped in _ESCAPES:
        name = name.replace(each, escaped)
    return name


def _short(expression: str) -> str:
    line = " ".join(expression.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
