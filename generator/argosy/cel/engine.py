"""Compile and evaluate an expression: its value, the error that the API server would see too, or why it is unknown."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from argosy import supervisor
from argosy.cel import functions

_SYNTAX = re.compile(r"Syntax error: ([^\n]*)")
_UNDECLARED = re.compile(r"undeclared reference to '([^']+)' \(in container ''\)\n \| (.*)\n \| (\.*)\^")
_OF_DATA = re.compile(
    r"NOT_FOUND: Key not found in map : (?P<key>.*)|UNKNOWN: (?P<index>Index error: .*)|OUT_OF_RANGE: (?P<range>.*)"
    r"|INVALID_ARGUMENT: (?P<value>divide by zero|modulus by zero|cannot convert .*)",
    re.DOTALL,
)
"""What the data make of an expression there as here; all else may be a limit of the engine."""
_LONGEST = 200
_MAKES_LISTS = re.compile(r"\.\s*(map|filter)\s*\(")
_MOST_ITEMS = 1000
"""How many items a list may have of which another is made: the engine keeps a copy for each item that it adds."""


class FlawError(ValueError):
    """Report that no API server takes an expression."""


class UnknownError(ValueError):
    """Report that it is not known here what an expression gives."""


class DataError(ValueError):
    """Report that an expression fails on what it is given, as it does in the API server."""

    def __init__(self, message: str, *, is_absent: bool) -> None:
        super().__init__(message)
        self.is_absent = is_absent
        """Whether it asks for a field that is not there."""


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """A compiled expression."""

    text: str
    compiled: Any

    def value(self, given: Mapping[str, Any]) -> Any:
        """Return what it gives for the values of its variables; raise DataError or UnknownError."""
        if _Spent.seconds > supervisor.limits().seconds:
            raise UnknownError(f"all rules in CEL took more than {supervisor.limits().seconds:g} seconds")
        if _MAKES_LISTS.search(self.text) and _may_be_long(self.text, given):
            raise UnknownError(f"it makes lists of more than {_MOST_ITEMS} items")
        began = time.monotonic()
        functions.Clock.end = began + functions.SECONDS
        try:
            found = self.compiled.eval(data=given)
            kind, value = found.type().name(), found.plain_value()
        except (RuntimeError, TypeError, ValueError, OverflowError) as error:
            raise UnknownError(_short(str(error))) from error
        finally:
            _Spent.seconds += time.monotonic() - began
        if kind.upper() != "ERROR":
            return value
        said = _OF_DATA.fullmatch(str(value))
        if not said:
            raise UnknownError(_short(str(value)))
        is_absent = said["key"] is not None
        raise DataError(
            _short(f"no such key: {said['key']}" if is_absent else said[said.lastgroup or 0]), is_absent=is_absent
        )


def _may_be_long(text: str, given: Mapping[str, Any]) -> bool:
    splits = bool(re.search(r"\b(split|findAll)\b", text))
    if len(text) > 4 * _MOST_ITEMS or (splits and re.search(r"\+|\b(replace|join|format)\b", text)):
        return True
    return _largest(given, splits=splits) > _MOST_ITEMS


def _largest(value: Any, *, splits: bool) -> int:
    """Return how many items the longest list has in a value, or may have that a text is split into."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return max([len(value), *(_largest(each, splits=splits) for each in inner)])
    return len(value) if splits and isinstance(value, str) else 0


class _Spent:
    """How long evaluating took so far: the engine bounds each loop, and nothing the number of expressions."""

    seconds = 0.0


@cache
def compiled(text: str, *variables: str) -> Expression | FlawError | UnknownError:
    """Return an expression over variables ready to be evaluated, or why it cannot be."""
    try:
        return Expression(text, _environment(variables).compile(text))
    except ImportError:
        return UnknownError("there is no engine for CEL on this platform")
    except (RuntimeError, ValueError) as error:
        return _reason(str(error), text)


def _reason(said: str, text: str) -> FlawError | UnknownError:
    if syntax := _SYNTAX.search(said):
        return FlawError(_short(syntax[1]))
    undeclared = [(name, line[len(before) :]) for name, line, before in _UNDECLARED.findall(said)]
    # What the engine lacks and Kubernetes has is not wrong, nor is what a loop over two variables binds.
    further = {part for name, _ in undeclared for part in name.split(".")} & functions.FURTHER
    if undeclared and not further and not _OF_TWO.search(text):
        name, rest = undeclared[0]
        called = re.match(r"[\w.]*\s*\(", rest)
        return FlawError(
            f"there is no {'function' if called else 'variable'} “{name if called else name.partition('.')[0]}”"
        )
    return UnknownError(_short(said.partition("\n")[0].removeprefix("INVALID_ARGUMENT: ERROR: ")))


_OF_TWO = re.compile(r"\.\s*(all|exists|existsOne|exists_one)\s*\(\s*\w+\s*,\s*\w+\s*,")


@cache
def _environment(variables: tuple[str, ...]) -> Any:
    # Most repositories have no rule that is asked.
    from cel_expr_python import cel  # noqa: PLC0415
    from cel_expr_python.ext import ext_bindings, ext_optional, ext_strings  # noqa: PLC0415

    own = [ext_bindings.ExtBindings(), ext_optional.ExtOptional(), ext_strings.ExtStrings()]
    return cel.NewEnv(variables=dict.fromkeys(variables, cel.Type.DYN), extensions=[*own, functions.extension(cel)])


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
