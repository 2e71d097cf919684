"""The switches of `model.Production`: read from answers and from the command line, and written as answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from argosy.errors import UsageError
from argosy.repository.model import ImageSigning, Notifier, Production, Secrets, SecretStore, Sso

_CHOICES: Mapping[str, type[StrEnum]] = {
    "sso": Sso,
    "secrets": Secrets,
    "secret_store": SecretStore,
    "image_signing": ImageSigning,
    "notifications": Notifier,
}


@dataclass(frozen=True, slots=True)
class Switch:
    """A switch: its field of `Production`, which is the template's question, and its key on the command line."""

    field: str
    key: str
    values: tuple[str, ...]
    """What it can be, off first; empty where that is open."""
    several: bool = False
    """Whether it is a list of values, on the command line separated by commas."""

    def read(self, text: str) -> Any:
        """Return the value that a text on the command line means; raise UsageError if it is none."""
        if self.several:
            parts = [part.strip() for part in text.split(",") if part.strip() and text != "none"]
            return tuple(dict.fromkeys(self._one(part) for part in parts))
        return self._one(text)

    def _one(self, text: str) -> Any:
        if self.values and text not in self.values:
            raise UsageError(f"{self.key} cannot be “{text}”.", f"It is {' or '.join(self.values)}.")
        if self.field in _CHOICES:
            return _CHOICES[self.field](text)
        if self.values:
            return text == "true"
        if self.several:
            return text.upper()
        if not text.isdecimal():
            raise UsageError(f"{self.key} cannot be “{text}”.", "It is a number.")
        return int(text)

    def from_answer(self, value: Any) -> Any:
        """Return the value that an answer of the right shape means."""
        meant = _CHOICES.get(self.field, lambda each: each)
        return tuple(map(meant, value)) if self.several else meant(value)


def _switch(field: str, default: object) -> Switch:
    key = re.sub(r"_(\w)", lambda found: found[1].upper(), field)
    values = ("false", "true") if isinstance(default, bool) else tuple(_CHOICES.get(field, ()))
    return Switch(field, key, values, several=isinstance(default, tuple))


SWITCHES = {
    made.key: made for made in (_switch(each.name, getattr(Production(), each.name)) for each in fields(Production))
}
"""All switches by their key."""


def changed(production: Production, values: Mapping[str, str]) -> Production:
    """Return the switches with some set as on the command line; raise UsageError for what is none, or cannot be."""
    return replace(production, **{SWITCHES[key].field: SWITCHES[key].read(text) for key, text in values.items()})


def all_on(production: Production) -> Production:
    """Return the switches with all on that need no choice."""
    return changed(production, {each.key: "true" for each in SWITCHES.values() if each.values == ("false", "true")})


def shown(production: Production) -> list[str]:
    """Return what is switched on, as on the command line."""
    default = Production()
    changed = [each for each in SWITCHES.values() if getattr(production, each.field) != getattr(default, each.field)]
    return [f"{each.key}={_text(getattr(production, each.field))}" for each in changed]


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def answers(production: Production) -> dict[str, Any]:
    """Return the answers to the template's questions, as plain values."""
    return {each.field: _plain(getattr(production, each.field)) for each in SWITCHES.values()}


def _plain(value: object) -> Any:
    if isinstance(value, tuple):
        return [str(each) for each in value]
    return str(value) if isinstance(value, StrEnum) else value


def from_answers(found: Mapping[str, Any]) -> Production:
    """Return the switches that answers hold; what they leave out is off. Their shape has been checked by a schema."""
    known = [each for each in SWITCHES.values() if each.field in found]
    return Production(**{each.field: each.from_answer(found[each.field]) for each in known})
