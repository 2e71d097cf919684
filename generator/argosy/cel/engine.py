"""Ask what expressions give: a value, the error that the API server would see too, or why it is unknown.

One process answers all questions of a run, each within limits of time and memory.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

from argosy import supervisor

_WORKER = Path(__file__).with_name("worker.py")
_ENGINE = "cel_expr_python.cel"
_MOST_STOPS = 3
"""How many processes may be stopped or crash until no more is asked."""


class FlawError(ValueError):
    """Report that no API server takes an expression."""


class UnknownError(ValueError):
    """Report that it is not known here what an expression gives."""

    def __init__(self, message: str, *, is_of_data: bool = False) -> None:
        super().__init__(message)
        self.is_of_data = is_of_data
        """Whether it may have to do with what the expression is given."""


class DataError(ValueError):
    """Report that an expression fails on what it is given, as it does in the API server."""

    def __init__(self, message: str, *, is_absent: bool) -> None:
        super().__init__(message)
        self.is_absent = is_absent
        """Whether it asks for a field that is not there."""


@dataclass(frozen=True, slots=True)
class Question:
    """Expressions that are evaluated on the same values."""

    texts: Sequence[str]
    given: Mapping[str, Any]
    variables: Sequence[tuple[str, str]] = ()
    """Names and expressions, each of which is known to those after it as `variables.name`."""
    shared: Mapping[str, Any] = field(default_factory=dict)
    """Values that other questions have as well, as the very same mapping: they are handed over once."""


def values(questions: Sequence[Question], names: Sequence[str]) -> list[list[Any]]:
    """Return for each question what its variables give, then its texts: a value, or the error why there is none.

    The names are those that expressions may use. Where JSON has nothing for a value it is None, as is a variable's.
    What stops the engine leaves all these questions without an answer.
    """
    posed = [each for each in questions if each.texts or each.variables]
    shared = {id(each.shared): each.shared for each in posed}
    places = {key: place for place, key in enumerate(shared)}
    asked = [
        {"texts": each.texts, "given": each.given, "variables": each.variables, "shared": places[id(each.shared)]}
        for each in posed
    ]
    counts = [len(each.variables) + len(each.texts) for each in questions]
    task = {"names": [*names], "questions": asked, "shared": [*shared.values()]}
    found = iter(_outcomes(task, sum(counts)) if asked else ())
    return [[_value(each) for each in islice(found, count)] for count in counts]


def flaws(texts: Sequence[str], names: Sequence[str]) -> list[FlawError | None]:
    """Return for each expression over some names what is wrong with it, None where an API server may take it."""
    found = _outcomes({"names": [*names], "texts": texts}, len(texts)) if texts else []
    return [FlawError(each["flaw"]) if "flaw" in each else None for each in found]


def _value(outcome: Mapping[str, Any]) -> Any:
    if "value" in outcome:
        return outcome["value"]
    if "data" in outcome:
        return DataError(outcome["data"], is_absent=outcome["is_absent"])
    if "flaw" in outcome:
        return FlawError(outcome["flaw"])
    return UnknownError(outcome["unknown"], is_of_data=outcome.get("of_data", False))


class _Run:
    """What the questions of this command took so far."""

    alone = threading.Lock()
    seconds = 0.0
    stops = 0
    reason = ""
    """Why the last process was stopped."""


def begin() -> None:
    """Forget what the questions took so far: each command, and each call of a program that goes on, has its own."""
    with _Run.alone:
        _Run.seconds, _Run.stops, _Run.reason = 0.0, 0, ""


def _outcomes(asked: Mapping[str, Any], count: int) -> Sequence[Mapping[str, Any]]:
    """Return the outcome of each of so many expressions."""
    with _Run.alone:
        found = _asked(asked)
    return [found] * count if isinstance(found, dict) else found


def _asked(asked: Mapping[str, Any]) -> Any:
    """Return the answer to a question, or the one outcome of all that it asks."""
    limits = supervisor.limits()
    if not _is_there():
        return {"unknown": "there is no engine for CEL on this platform"}
    if _Run.seconds > limits.seconds:
        return {"unknown": f"all rules in CEL took more than {limits.seconds:g} seconds"}
    if _Run.stops >= _MOST_STOPS:
        return {"unknown": f"the engine was stopped {_MOST_STOPS} times, at last because of this: {_Run.reason}"}
    try:
        line = json.dumps({**asked, "seconds": limits.seconds}).encode() + b"\n"
    except (RecursionError, TypeError, ValueError) as error:
        return {"unknown": f"the engine cannot be given the object: {error}"}
    began = time.monotonic()
    try:
        worker = supervisor.python(str(_WORKER), "argosy", _ENGINE, work="Evaluating CEL")
        seconds, found = json.loads(worker.ask(line))
    except supervisor.StoppedError as error:
        _Run.stops += 1
        _Run.seconds += time.monotonic() - began
        _Run.reason = error.message.rstrip(".")
        return {"unknown": _Run.reason}
    _Run.seconds += seconds
    return found


@cache
def _is_there() -> bool:
    try:
        return find_spec(_ENGINE) is not None
    except ImportError:
        return False
