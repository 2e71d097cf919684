"""What of a manifest the page shows: no value of a Secret, and nothing that is called or looks like a password."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from argosy.difference.manifest_text import MASK, Manifest, as_yaml, masked
from argosy.promotion import policy
from argosy.rules.secrets import PRIVATE_KEY, credentials
from argosy.yaml_edit.keys import Key

_LINE = re.compile(r"(\s*(?:- )*)(?:[\"']?([\w.-]+)[\"']?(:\s+))?(.*)")
_IN_JSON = re.compile(r"(\\?[\"'])([\w.-]+)\1(\s*:\s*)(\\?[\"'])((?:(?!\4).)+)\4")
"""A name and its text in JSON, which may stand in a text of YAML itself."""


def texts(manifests: Iterable[Manifest]) -> Sequence[str]:
    """Return manifests as YAML in which nothing secret can be read."""
    written = [as_yaml(_without_passwords(masked(_unsealed(each), None, MASK))) for each in manifests]
    pairs = zip(written, credentials(written), strict=True)
    return [_without_lines(text, found) if found or "assw" in text else text for text, found in pairs]


def _unsealed(manifest: Manifest) -> Manifest:
    """Return a manifest; what the SOPS operator makes Secrets of is one."""
    return {**manifest, "kind": "Secret"} if manifest.get("kind") == "SopsSecret" else manifest


def _without_lines(text: str, found: Sequence[tuple[int, str]]) -> str:
    """Return a text without the credentials that were found at its lines, and what names say is a password."""
    kinds = dict(found)
    lines, in_key = [], False
    for number, line in enumerate(text.splitlines(), 1):
        in_key = in_key or kinds.get(number) == PRIVATE_KEY
        indent, name, colon, value = match.groups() if (match := _LINE.fullmatch(line)) else ("", None, None, line)
        is_password = name and _is_password(name) and value and value[0] not in "|>"
        if in_key or number in kinds or is_password:
            lines.append(f"{indent}{name}{colon}{MASK}" if name else f"{indent}{MASK}")
        else:
            lines.append(_IN_JSON.sub(_hidden_pair, line) if "assw" in line else line)
        in_key = in_key and "-----END" not in line
    return "\n".join(lines) + "\n"


def _hidden_pair(match: re.Match[str]) -> str:
    quote, name, colon, other, _ = match.groups()
    return f"{quote}{name}{quote}{colon}{other}{MASK}{other}" if _is_password(name) else match[0]


def _without_passwords(data: Any) -> Any:
    if isinstance(data, dict):
        # A variable of a container or a parameter of a chart has its name in a field.
        is_named = isinstance(data.get("name"), str) and _is_password(data["name"])

        def is_told(name: str, value: Any) -> bool:
            is_secret = _is_password(name) or (is_named and name == "value")
            return not is_secret or value == "" or not isinstance(value, str | int)

        return {name: _without_passwords(each) if is_told(str(name), each) else MASK for name, each in data.items()}
    return [_without_passwords(each) for each in data] if isinstance(data, list) else data


@lru_cache(maxsize=4096)
def _is_password(name: str) -> bool:
    """Return whether promotion takes a name for a password's, however its words are joined: DB_PASSWORD, dbPassword."""
    last = re.split(r"[._-]|(?<=[a-z0-9])(?=[A-Z])", name)[-1].lower()
    return policy.is_password(Key("", "", (last,)))
