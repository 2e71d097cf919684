"""Rules in CEL that a CustomResourceDefinition has for its objects: `x-kubernetes-validations`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
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
        yield from self._judge(self.definition.schema, self.definition.defaulted(data), ())

    def _judge(self, given: Any, data: Any, at: tuple[str | int, ...]) -> Iterator[Violation | Unknown]:
        schema = self.definition.resolved(given)
        if not self._has_rules(schema):
            return
        rules = [mapping(each) for each in sequence(schema.get(RULES))]
        value = self._value(schema, data) if rules and data is not None else None
        for rule in rules if data is not None else ():
            yield from _judged(rule, value, at)
        if isinstance(data, dict):
            properties, more = schema.get("properties", {}), schema.get("additionalProperties")
            for name, each in data.items():
                yield from self._judge(properties.get(name, more), each, (*at, name))
        elif isinstance(data, list):
            for place, each in enumerate(data):
                yield from self._judge(schema.get("items"), each, (*at, place))

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


def _judged(rule: Mapping[str, Any], value: Any, at: tuple[str | int, ...]) -> Iterator[Violation | Unknown]:
    written = text(rule.get("rule"))
    if re.search(r"\boldSelf\b", written):
        if rule.get("optionalOldSelf") is not True:
            return
        written = f"cel.bind(oldSelf, optional.none(), {written}\n)"
    expression = engine.compiled(written, "self")
    if not isinstance(expression, engine.Expression):
        yield Unknown(str(expression))
        return
    shown = f"The rule is `{_short(text(rule.get('rule')))}`."
    try:
        if expression.value({"self": value}) is not True:
            yield violation((*at, *_place(text(rule.get("fieldPath")))), _message(rule, value), shown)
    except engine.DataError as error:
        yield violation(at, f"a rule of the definition fails: {error}", shown)
    except engine.UnknownError as error:
        yield Unknown(str(error))


def _message(rule: Mapping[str, Any], value: Any) -> str:
    found: Any = ""
    expression = engine.compiled(text(rule.get("messageExpression")), "self") if rule.get("messageExpression") else None
    if isinstance(expression, engine.Expression):
        try:
            found = expression.value({"self": value})
        except (engine.DataError, engine.UnknownError):
            found = ""
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
