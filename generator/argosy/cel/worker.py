"""The process that evaluates CEL: it answers each line of standard input with a line, both of them JSON.

It is started by its path, with what to import from where. What strangers write decides how much time and memory it
takes, which the engine does not bound.
"""

from __future__ import annotations

import json
import re
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

_SYNTAX = re.compile(r"Syntax error: ([^\n]*)")
_UNDECLARED = re.compile(r"undeclared reference to '([^']+)' \(in container ''\)\n \| (.*)\n \| (\.*)\^")
_OF_DATA = re.compile(
    r"NOT_FOUND: Key not found in map : (?P<key>.*)|UNKNOWN: (?P<index>Index error: .*)|OUT_OF_RANGE: (?P<range>.*)"
    r"|INVALID_ARGUMENT: (?P<value>divide by zero|modulus by zero|cannot convert .*)",
    re.DOTALL,
)
"""What the data make of an expression there as here; all else may be a limit of the engine."""
_STATUS = re.compile(r"([A-Z]+(?:_[A-Z]+)*): ")
_PLAIN = re.compile(
    r"(?:divide|modulus) by zero$|cannot convert \w+ to \w+$|\w+ overflow$|double out of \w+ range$"
    r"|Index error: expected \w+ type, got \w+$|the (?:text|pattern|value|format) [a-zA-Z ]+$"
    r"|the searches take too long$|min and max of an empty list$|versions are not compared here$"
    r"|optional\.none\(\) dereference$|No matching overloads found : [^\"':]*$|Applying SELECT to non-message type$"
    r"|Type conversion error from '\w+' to '\w+'$|String to \w+ conversion failed$|invalid regular expression(?=:)"
    r"|Index error(?=:)|unsupported operand type\(s\) for \S{1,3}: '\w+' and '\w+'$"
)
"""What reasons say that quote nothing of the data: any other may hold what nobody should read."""
_OF_TWO = re.compile(r"\.\s*(all|exists|existsOne|exists_one)\s*\(\s*\w+\s*,\s*\w+\s*,")
_VARIABLE = re.compile(r"\bvariables\.(\w+)")
_LONGEST = 200
_MAKES_LISTS = re.compile(r"\.\s*(map|filter)\s*\(")
_MOST_ITEMS = 1000
"""How many items a list may have of which another is made: the engine keeps a copy for each item that it adds."""

Outcome = Mapping[str, Any]
"""One of: {"value": …}, {"data": why it fails on the data, "is_absent": …}, {"flaw": …}, {"unknown": …}.

The last has "of_data" where it may have to do with the data."""


def _answer(task: Mapping[str, Any]) -> Sequence[Outcome]:
    """Return the outcome of each variable and expression of all questions; of expressions alone none but flaws."""
    names = tuple(task["names"])
    if "texts" in task:
        return [made if isinstance(made, dict) else {} for made in (_compiled(each, names) for each in task["texts"])]
    return [
        each
        for question in task["questions"]
        for each in _outcomes(
            names, question["texts"], {**task["shared"][question["shared"]], **question["given"]}, question["variables"]
        )
    ]


def _outcomes(
    names: tuple[str, ...], texts: Sequence[str], given: Mapping[str, Any], variables: Sequence[tuple[str, str]]
) -> Iterator[Outcome]:
    failed: dict[str, Outcome] = {}

    def found(text: str) -> tuple[Outcome, Any]:
        named = _VARIABLE.findall(text) if failed else ()
        cause = next((failed[each] for each in named if each in failed), None)
        return (cause, None) if cause else _evaluated(text, names, given)

    for name, text in variables:
        outcome, value = found(text)
        if "value" in outcome:
            given["variables"][name] = value
            yield {"value": None}
        else:
            # What uses it is not known either, for the same reason.
            failed[name] = {"unknown": next(iter(outcome.values())), "of_data": "flaw" not in outcome}
            yield failed[name]
    for text in texts:
        yield found(text)[0]


def _evaluated(text: str, names: tuple[str, ...], given: Mapping[str, Any]) -> tuple[Outcome, Any]:
    """Return what an expression gives, as JSON has it, and as the engine has it."""
    from argosy.cel import functions  # noqa: PLC0415 - its folder is known by now

    compiled = _compiled(text, names)
    if isinstance(compiled, dict):
        return compiled, None
    if _MAKES_LISTS.search(text) and _may_be_long(text, given):
        return {"unknown": f"it makes lists of more than {_MOST_ITEMS} items"}, None
    functions.Clock.end = time.monotonic() + functions.SECONDS
    try:
        found = compiled.eval(data=given)
        kind, value = found.type().name(), found.plain_value()
    except (RuntimeError, TypeError, ValueError, OverflowError, RecursionError) as error:
        is_large = str(error).startswith("Unable to convert function return value")
        said = "its value does not fit into memory" if is_large else _plain(str(error))
        return {"unknown": said, "of_data": True}, None
    if kind.upper() != "ERROR":
        # Times and bytes are of use to other expressions alone.
        return {"value": value if isinstance(value, bool | int | float | str | list) else None}, value
    return _failed(str(value), text), None


def _failed(reason: str, text: str) -> Outcome:
    """Return the outcome of an expression that fails."""
    said = _OF_DATA.fullmatch(reason)
    if not said:
        return {"unknown": _plain(reason), "of_data": True}
    if (key := said["key"]) is None:
        return {"data": _plain(said[said.lastgroup or 0]), "is_absent": False}
    # A key that the expression does not name comes from the data.
    is_named = re.search(rf"(?<!\w){re.escape(key.strip(chr(34)))}(?!\w)", text)
    return {"data": _short(f"no such key: {key}") if is_named else "no such key", "is_absent": True}


def _plain(reason: str) -> str:
    """Return why an expression fails, without what may be a part of the data."""
    status = _STATUS.match(reason)
    found = _PLAIN.match(reason, status.end() if status else 0)
    return _short(found[0]) if found else f"the engine says {status[1] if status else 'nothing more'}"


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


@cache
def _compiled(text: str, names: tuple[str, ...]) -> Any:
    """Return an expression ready to be evaluated, or the outcome where it cannot be."""
    try:
        return _environment(names).compile(text)
    except (RuntimeError, ValueError) as error:
        return _reason(str(error), text)


def _reason(said: str, text: str) -> Outcome:
    from argosy.cel import functions  # noqa: PLC0415

    if syntax := _SYNTAX.search(said):
        return {"flaw": _short(syntax[1])}
    undeclared = [(name, line[len(before) :]) for name, line, before in _UNDECLARED.findall(said)]
    # What the engine lacks and Kubernetes has is not wrong, nor is what a loop over two variables binds.
    further = {part for name, _ in undeclared for part in name.split(".")} & functions.FURTHER
    if undeclared and not further and not _OF_TWO.search(text):
        name, rest = undeclared[0]
        called = re.match(r"[\w.]*\s*\(", rest)
        what = f"function “{name}”" if called else f"variable “{name.partition('.')[0]}”"
        return {"flaw": f"there is no {what}"}
    return {"unknown": _short(said.partition("\n")[0].removeprefix("INVALID_ARGUMENT: ERROR: "))}


@cache
def _environment(names: tuple[str, ...]) -> Any:
    from cel_expr_python import cel  # noqa: PLC0415
    from cel_expr_python.ext import ext_bindings, ext_optional, ext_strings  # noqa: PLC0415

    from argosy.cel import functions  # noqa: PLC0415

    own = [ext_bindings.ExtBindings(), ext_optional.ExtOptional(), ext_strings.ExtStrings()]
    return cel.NewEnv(variables=dict.fromkeys(names, cel.Type.DYN), extensions=[*own, functions.extension(cel)])


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


def _line(asked: str) -> str:
    """Return how many seconds an answer took, and the answer, or the one outcome of all that is asked."""
    began = time.monotonic()
    try:
        task = json.loads(asked)
        _end_after(task["seconds"] + 1)
        found = json.dumps(_answer(task), default=lambda _: None)  # What no JSON has is told to nobody.
    except (RecursionError, TypeError, ValueError) as error:
        found = json.dumps({"unknown": _short(str(error))})
    _end_after(0)
    return f"[{time.monotonic() - began}, {found}]"


def _end_after(seconds: float) -> None:
    """End this process after some seconds, of 0 never: an argosy that was killed stops it no more."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, min(seconds, 10**8))


if __name__ == "__main__":
    sys.path += sys.argv[1:]
    for _asked in sys.stdin:
        print(_line(_asked), flush=True)
