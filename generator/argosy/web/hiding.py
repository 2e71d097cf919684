"""What of a manifest the page shows: no value of a Secret, and nothing that is called or looks like a password."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from argosy.difference.manifest_text import MASK, Manifest, as_yaml, masked
from argosy.difference.secrecy import without_secrets
from argosy.rules.secrets import PRIVATE_KEY, credentials

_LINE = re.compile(r"(\s*(?:- )*)(?:[\"']?([\w.-]+)[\"']?(:\s+))?(.*)")


def texts(manifests: Iterable[Manifest]) -> Sequence[str]:
    """Return manifests as YAML in which nothing secret can be read."""
    written = [as_yaml(without_secrets(masked(_unsealed(each), None, MASK))) for each in manifests]
    pairs = zip(written, credentials(written), strict=True)
    return [_without_lines(text, found) if found else text for text, found in pairs]


def _unsealed(data: Any, kind: str = "") -> Any:
    """Return data whose Secrets, wherever they stand, hold no value; what the SOPS operator makes Secrets of is one."""
    if isinstance(data, list):
        return [_unsealed(each, kind) for each in data]
    if not isinstance(data, dict):
        return data
    kind = data.get("kind", kind)
    if kind == "SopsSecret" or (kind == "Secret" and (not data.keys().isdisjoint({"data", "stringData"}))):
        return {**masked({**data, "kind": "Secret"}, None, MASK), **({"kind": kind} if "kind" in data else {})}
    return {name: _unsealed(each, "Secret" * (kind == "SecretList")) for name, each in data.items()}


def _without_lines(text: str, found: Sequence[tuple[int, str]]) -> str:
    """Return a text without the credentials that were found at its lines."""
    kinds = dict(found)
    lines, in_key = [], False
    for number, line in enumerate(text.splitlines(), 1):
        in_key = in_key or kinds.get(number) == PRIVATE_KEY
        match = _LINE.fullmatch(line) if in_key or number in kinds else None
        indent, name, colon = match.groups()[:3] if match else ("", None, None)
        lines.append((f"{indent}{name}{colon}{MASK}" if name else f"{indent}{MASK}") if match else line)
        in_key = in_key and "-----END" not in line
    return "\n".join(lines) + "\n"
