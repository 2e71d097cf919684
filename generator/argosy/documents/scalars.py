"""Plain scalars -> data, as the Kubernetes tools (sigs.k8s.io/yaml, so kubectl, Helm and Argo CD) read them."""

from __future__ import annotations

import math
import re
from typing import Any

_CONSTANTS: dict[str, Any] = {"": None, "~": None}
for _words, _truth in (("null", None), ("y yes on true", True), ("n no off false", False)):
    for _word in _words.split():
        _CONSTANTS |= dict.fromkeys((_word, _word.capitalize(), _word.upper()), _truth)

_NUMBER_STARTS = frozenset("+-.0123456789")
_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_LONGEST_NUMBER = 400


def resolve(text: str) -> Any:
    """Return what a plain scalar means."""
    return number(text) if text[:1] in _NUMBER_STARTS else _CONSTANTS.get(text, text)


def number(text: str) -> int | float | str:
    """Return the number that the text is for the Kubernetes tools, whole ones as int, or the text."""
    digits = text if text[0] == "." else text.replace("_", "")
    if len(digits) > _LONGEST_NUMBER:
        return text
    if _INTEGER.fullmatch(digits):
        sign, bare = (-1 if digits[0] == "-" else 1), digits.lstrip("+-").lower()
        octal = len(bare) > 1 and bare[0] == "0" and bare[1].isdigit()
        value = sign * int(bare, 8 if octal else 0)
        if -(2**63) <= value < 2**63:
            return value
    if not _FLOAT.fullmatch(digits):
        return text
    real = float(digits)
    if not math.isfinite(real):
        return text
    return int(real) if real.is_integer() and abs(real) < 2**63 else real
