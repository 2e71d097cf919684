"""Sets of parameters, merged, flattened, printed and selected as Argo CD does it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from argosy.argocd.applicationsets.flaws import GeneratorError
from argosy.argocd.applicationsets.trees import mapping, sequence
from argosy.documents import Pointer

Parameters = dict[str, Any]
UNKNOWN = "\0unknown"
"""The parameter that stands for all that a generator would give and is not known here; its value is the reason."""


def normalized(name: str) -> str:
    """Return a name as Argo CD's `normalize` makes it fit for DNS."""
    return re.sub(r"[^-a-z0-9.]", "-", name.lower())[:253].strip("-.")


def merged(below: Parameters, above: Parameters) -> Parameters:
    """Return `below` with `above` laid over it, maps merged."""
    both = {
        key: merged(below[key], value) if isinstance(below.get(key), dict) and isinstance(value, dict) else value
        for key, value in above.items()
    }
    return below | both


def combined(first: Parameters, second: Parameters, at: Pointer) -> Parameters:
    """Return two sets of a matrix as strings; both may give a parameter only if they agree on it."""
    one, two = ({key: printed(value) for key, value in each.items()} for each in (first, second))
    for key in one.keys() & two.keys():
        if one[key] != two[key]:
            raise GeneratorError(f"Both generators of the matrix give “{key}”: {one[key]} and {two[key]}.", at)
    return one | two


def flattened(value: Any, start: str = "") -> Iterator[tuple[str, str]]:
    """Yield the leaves of a tree under dotted names, printed as Go prints them."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in items:
        name = f"{start}.{key}" if start else str(key)
        if isinstance(each, dict | list):
            yield from flattened(each, name)
        else:
            yield name, printed(each)


def printed(value: Any) -> str:
    """Return a value as Go's `%v` prints it; every number out of YAML is a float64."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, int | float):
        return str(value)
    number = Decimal(repr(float(value))).normalize()
    magnitude = number.adjusted()
    if -4 <= magnitude < 6:
        return f"{number:f}"
    return f"{number.scaleb(-magnitude):f}e{magnitude:+03d}"


def selects(selector: Any, parameters: Parameters, at: Pointer) -> bool:
    """Return whether a generator's selector lets a set of parameters through."""
    flat = dict(flattened(parameters))
    labels, expressions = mapping(selector).get("matchLabels"), mapping(selector).get("matchExpressions")
    if any(flat.get(key) != str(value) for key, value in mapping(labels).items()):
        return False
    for expression in map(mapping, sequence(expressions)):
        key, values = str(expression.get("key")), [str(value) for value in sequence(expression.get("values"))]
        verdicts = {
            "In": flat.get(key) in values,
            "NotIn": flat.get(key) not in values,
            "Exists": key in flat,
            "DoesNotExist": key not in flat,
        }
        operator = str(expression.get("operator"))
        if operator not in verdicts:
            raise GeneratorError(f"“{operator}” is no operator of a selector.", (*at, "selector"))
        if not verdicts[operator]:
            return False
    return True
