"""What is called a password, a token or a secret key: its value is shown to nobody, however it is written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from argosy.difference.manifest_text import MASK

_SECRET = re.compile(
    r"(?:(?:^|-)(?:pass|pwd)|passw(?:or)?[dt]|passwd|passphrase|secret|token|credential"
    r"|(?:api|access|secret|private|auth|account|encryption|signing|master|shared|client|license)-?key)(s?)$"
)
"""How the names of secrets end, their words separated by hyphens; rather one too many."""
_NO_SECRET = re.compile(r"(?:^|-)(?:existing|pull|max|min|automount|mount)(?:-|$)")
"""Words of names that name a Secret, or count something."""
_HOLDER = re.compile(r"(?i)(?:passwords|passwds|tokens)$")
"""The names of mappings from whom a secret belongs to."""
_MAYBE = re.compile(r"(?i)pass|pwd|secret|token|key|credential|authorization")
_PAIR = re.compile(r"(\s*+(?:- )*+)([\"']?)([\w./-]{1,200}+)\2(\s*+(?:=>|:=|[:=])\s*+)(.*)", re.DOTALL)
_FLAG = re.compile(r"\s*+(?:- )*+[\"']?(--?[\w.-]{1,100}+)[\"']?,?\s*")
_NAMED = re.compile(
    r"(?<![\w.-])(?P<dash>--?)?(?P<name>[\w.]{1,100}+(?:-[\w.]{1,100}+)*+)"
    r"(?(dash)(?:\\*[\"']?\s*+(?:=|:|,)\s*+|[\"']?\s++)|\\*[\"']?\s*+(?:=>|:=|==?|:)\s*+)"
)
"""What comes before a value in a line: of JSON, which may stand in a text itself, of a flag, an address, a setting."""
_VALUE = re.compile(
    r"(?P<quote>\\*[\"'])(?:[^\\\"']++|(?!(?P=quote))\\*+[\"']|\\++)*+(?:(?P=quote))?|\[[^\]]*\]?|\$\([^)]*\)|\$\{[^}]*\}|\{\{.*?\}\}"
    r"|[^\s,;&\"'}\])\[{][^\s,;&\"'}\])]*",
    re.DOTALL,
)
_AUTHORIZATION = re.compile(r"(?i)(authorization\W{1,5}(?:bearer|basic|token)\s+)[^\s\"',]+")
_REFERENCE = re.compile(r"[\"']?(?:\$\(\w+\)|\$\{\w+\}|\{\{[^{}\"']*\}\})[\"']?")
"""What another place puts the value into."""


@lru_cache(maxsize=4096)
def names_secret(name: str) -> bool:
    """Return whether a name is a secret's, however its words are joined: DB_PASSWORD, apiKey, auth.token."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[._/]", "-", name).lower()
    return _SECRET.search(words) is not None and not _NO_SECRET.search(words)


def without_secrets(data: Any, name: str = "") -> Any:
    """Return what a field of that name holds, without the values that names say are secrets, in texts as well."""
    if not names_secret(name):
        return _without(data)
    if isinstance(data, dict) and _HOLDER.search(name):
        return {
            of: _field(data, str(of), each) if isinstance(each, dict) else _hidden(each) for of, each in data.items()
        }
    return _hidden(data)


def _without(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: _field(data, str(name), value) for name, value in data.items()}
    if isinstance(data, list):
        # The flag before says what it is.
        flags = ["", *(each if isinstance(each, str) else "" for each in data)]
        return [
            MASK if isinstance(each, str) and _is_flag(flag) and not each.startswith("-") else _without(each)
            for flag, each in zip(flags, data, strict=False)
        ]
    return _text(data) if isinstance(data, str) else data


def _field(data: Mapping[Any, Any], name: str, value: Any) -> Any:
    # A variable of a container or a parameter of a chart has its name in a field; what ESO fetches, only the name.
    called = data.get("name") if name == "value" else "" if name == "secretKey" and "remoteRef" in data else name
    return without_secrets(value, called if isinstance(called, str) else "")


def _hidden(value: Any) -> Any:
    if isinstance(value, list):
        return [_hidden(each) if not isinstance(each, dict) else _without(each) for each in value]
    if isinstance(value, dict):
        return _without(value)
    return MASK if isinstance(value, str | int) and not isinstance(value, bool) and value != "" else value


def _is_flag(text: str) -> bool:
    return bool((match := _FLAG.fullmatch(text)) and names_secret(match[1]))


def _text(text: str) -> str:
    """Return a text of any form, read by its lines, without secrets: what a secret's name begins is left out whole."""
    if not _MAYBE.search(text):
        return text
    lines: list[str] = []
    column, below, before = 0, "", ""
    for line in text.splitlines(keepends=True):
        body = line.splitlines()[0]
        end, own = line[len(body) :], body.lstrip()
        indent = len(body) - len(own)
        if own and below and not (indent > column or (indent == column and own.startswith("- ") and below != "text")):
            below = ""
        if below == "text":
            continue
        if below == "all" and own.startswith("- "):
            below = "items"
        match = _PAIR.fullmatch(body)
        if match and names_secret(match[3]) and not _REFERENCE.fullmatch(match[5].strip()):
            is_opened = match[5].strip() in {"", "[", "{"} or match[5].startswith("#")
            below = ("all" if _HOLDER.search(match[3]) else "items") if is_opened else "text"
            column = len(match[1])
            body = body if is_opened else body[: match.start(5)] + MASK
        elif re.search(r"\w", own) and (
            below == "all"
            or (below == "items" and not (match and match[4].lstrip().startswith(":")))
            or (_is_flag(before) and not own.removeprefix("- ").lstrip("\"'").startswith("-"))
        ):
            body = body[: match.start(5)] + MASK if match and below == "all" else f"{body[:indent]}{MASK}"
        elif _MAYBE.search(body):
            body = _line(body)
        before = line.splitlines()[0]
        lines.append(body + end)
    return "".join(lines)


def _line(text: str) -> str:
    """Return a line without the values that names in it say are secrets."""
    told, at = list[str](), 0
    for match in _NAMED.finditer(text):
        value = _VALUE.match(text, match.end()) if match.start() >= at and names_secret(match["name"]) else None
        is_next = value and match["dash"] and value[0].lstrip("\\\"'").startswith("-")
        if value and not is_next and not _REFERENCE.fullmatch(value[0]):
            quote = value["quote"] or ""
            told += [text[at : value.start()], quote, MASK, quote]
            at = value.end()
    return _AUTHORIZATION.sub(rf"\1{MASK}", "".join([*told, text[at:]]))
