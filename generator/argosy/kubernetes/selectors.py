"""Label selectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from argosy.documents.fields import JSON, mapping, sequence, text


def selects(selector: Mapping[str, Any], labels: Mapping[str, JSON]) -> bool:
    """Return whether a label selector, of equal labels and expressions, matches labels."""
    if any(labels.get(name) != value for name, value in mapping(selector.get("matchLabels")).items()):
        return False
    for each in map(mapping, sequence(selector.get("matchExpressions"))):
        value, values = labels.get(text(each.get("key"))), sequence(each.get("values"))
        fits = {
            "In": value in values,
            "NotIn": value not in values,
            "Exists": value is not None,
            "DoesNotExist": value is None,
        }
        if not fits.get(text(each.get("operator")), True):
            return False
    return True
