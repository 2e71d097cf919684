"""What of a manifest the page shows: no value of a Secret, and nothing that is called or looks like a password."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import yaml

from argosy.difference.manifest_text import MASK, Manifest, as_yaml, masked
from argosy.difference.secrecy import without_secrets
from argosy.rules.secrets import PRIVATE_KEY, credentials

_LINE = re.compile(r"(\s*(?:- )*)(?:[\"']?([\w.-]+)[\"']?(:\s+))?(.*)")


def texts(manifests: Iterable[Manifest]) -> Sequence[str]:
    """Return manifests as YAML in which nothing secret can be read."""
    written = [as_yaml(veiled(each)) for each in manifests]
    pairs = zip(written, credentials(written), strict=True)
    return [_without_lines(text, found) if found else text for text, found in pairs]


def veiled(manifest: Manifest) -> Manifest:
    """Return a manifest, or any mapping, in which nothing secret can be read that its names tell."""
    shown: Manifest = without_secrets(masked(_unsealed(manifest), None, MASK))
    return shown


def in_files(*contents: str) -> Sequence[str]:
    """Return what states of a file hold, in which nothing secret can be read.

    Where the data of one have something secret, those of all are written anew, so that they can be compared.
    """
    read = [_read(each) for each in contents]
    if any(veiled(each) != each for state in read for each in state or ()):
        contents = tuple(
            "---\n".join(as_yaml(veiled(each)) for each in state) if state is not None else text
            for state, text in zip(read, contents, strict=True)
        )
    told = [str(without_secrets(each)) for each in contents]
    pairs = zip(told, credentials(told), strict=True)
    return [_without_lines(text, found) if found else text for text, found in pairs]


def _read(content: str) -> Sequence[Manifest] | None:
    """Return the documents of a file; None of what is no YAML or JSON, such as a template."""
    try:
        held = [*yaml.load_all(content, yaml.CSafeLoader)]
    except (yaml.YAMLError, ValueError, RecursionError, TypeError):
        return None
    return [each if isinstance(each, dict) else {"": each} for each in held if each is not None]


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
