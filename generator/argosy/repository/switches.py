"""The settings of the model, read from its classes: each one's key on the command line, its field, what it can be.

A switch is a setting of `model.Production`, which is an answer to a question of the template as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from enum import StrEnum
from typing import Any, get_args, get_origin, get_type_hints

from argosy.errors import UsageError
from argosy.names import did_you_mean
from argosy.repository.model import Application, Cluster, Environment, Production, Settings, Team
from argosy.repository.previews import Previews


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting: its key on the command line, and its field, which mostly is the template's question."""

    key: str
    field: str
    kind: type
    """bool, int, str or an enumeration: of each value, where it is a list."""
    default: Any
    several: bool = False
    """Whether it is a list of values, on the command line separated by commas."""
    among: tuple[str, ...] = ()
    """What it can be, where its kind does not say that."""
    upper: bool = False
    """Whether its letters are capital ones, however they are written."""

    @property
    def values(self) -> tuple[str, ...]:
        """What it can be, off first; empty where that is open."""
        if self.among:
            return self.among
        if issubclass(self.kind, StrEnum):
            return tuple(each.value or "off" for each in self.kind)
        return ("false", "true") if self.kind is bool else ()

    def read(self, text: str) -> Any:
        """Return the value that a text on the command line means; raise UsageError if it is none."""
        if self.several:
            parts = [part.strip() for part in text.split(",") if part.strip() and text != "none"]
            if twice := next((each for each in parts if parts.count(each) > 1), ""):
                raise UsageError(f"{self.key} names {twice} twice.", "Name each once.")
            return tuple(self._one(part) for part in parts)
        return self._one(text)

    def _one(self, text: str) -> Any:
        if self.values and text not in self.values:
            hint = f"It is {' or '.join(self.values)}. {did_you_mean(text, self.values)}".strip()
            raise UsageError(f"{self.key} cannot be “{text}”.", hint)
        if self.kind is bool:
            return text == "true"
        if self.kind is not int:
            plain = "" if self.values and text == "off" else text
            return self.kind(plain.upper() if self.upper else plain)
        if not text.isdecimal():
            raise UsageError(f"{self.key} cannot be “{text}”.", "It is a number.")
        return int(text)

    def shown(self, value: object) -> str:
        """Return a value as the command line writes it."""
        if isinstance(value, tuple):
            return ",".join(map(str, value)) or "none"
        if isinstance(value, bool):
            return str(value).lower()
        return str(value) or ("off" if self.values else "")

    def plain(self, value: object) -> Any:
        """Return a value as an answer has it."""
        if isinstance(value, tuple):
            return [str(each) for each in value]
        return str(value) if isinstance(value, StrEnum) else value

    def from_answer(self, value: Any) -> Any:
        """Return the value that an answer of the right shape means."""
        return tuple(map(self.kind, value)) if self.several else self.kind(value)


def _of(model: type, names: Iterable[str] = ()) -> dict[str, Setting]:
    """Return the settings that are fields of a class of the model, or those of that name, by their key."""
    hints, found = get_type_hints(model), {}
    for each in fields(model):
        several = get_origin(hints[each.name]) is tuple
        if not names or each.name in names:
            key = re.sub(r"_(url|ttl|\w)", lambda part: part[1].upper(), each.name)
            kind = get_args(hints[each.name])[0] if several else hints[each.name]
            default = "" if each.default is MISSING else each.default
            said = each.metadata
            found[key] = Setting(
                key, each.name, kind, default, several, said.get("among", ()), said.get("upper", False)
            )
    return found


SWITCHES = _of(Production)
"""All switches by their key."""
OF_ENV = _of(
    Environment,
    (
        "cluster",
        "clusters",
        "rollout",
        "revision",
        "auto_sync",
        "promotes_from",
        "namespace",
        "replicas",
        "pod_security",
    ),
)
"""The settings of an environment. What else it has is folders."""
PREVIEWS = _of(Previews)
"""The settings of an application's previews."""
OF_APP = {**_of(Application, ("team",)), **PREVIEWS}
"""The settings of an application."""
OF_CLUSTER = _of(Cluster, ("server", "labels"))
"""The settings of a cluster."""
OF_TEAM = _of(Team, ("sso_group",))
"""The settings of a team, besides its quotas."""
POD_SECURITY = Setting("podSecurity", "pod_security", bool, default=False)
"""All environments' at once, the strictest where releases end."""
OF_REPOSITORY = {
    **_of(Settings, [each.name for each in fields(Settings) if each.name not in {"production", "layers"}]),
    **SWITCHES,
    POD_SECURITY.key: POD_SECURITY,
}
"""The settings of the repository. Layers come and go by commands of their own."""
SETTINGS = {
    "repository": OF_REPOSITORY,
    "env": OF_ENV,
    "app": OF_APP,
    "cluster": OF_CLUSTER,
    "team": OF_TEAM,
}
"""All settings, by the word for what they are of."""


def setting(of: str, key: str) -> Setting:
    """Return the setting of a key; raise UsageError, with the nearest one, where there is none.

    `of` is the word that the settings are of, with a name after it where there are several.
    """
    known = SETTINGS[of.partition(" ")[0]]
    if key not in known:
        hint = did_you_mean(key, known) or f"The settings are {', '.join(known)}."
        raise UsageError(f"“{key}” is not a setting of {of}.", f"{hint} {_more(of)}")
    return known[key]


def read(of: str, values: Mapping[str, str]) -> dict[str, Any]:
    """Return the values that texts on the command line mean, by their field; raise UsageError for what is none."""
    meant = {}
    for key, text in values.items():
        known = setting(of, key)
        try:
            meant[known.field] = known.read(text)
        except UsageError as error:
            error.hint = f"{error.hint} {_more(of)}"
            raise
    return meant


def _more(of: str) -> str:
    return f"`argosy settings {of}` lists them all."


def all_on(production: Production) -> Production:
    """Return the switches with all on that need no choice."""
    on: dict[str, Any] = {each.field: True for each in SWITCHES.values() if each.kind is bool}
    return replace(production, **on)


def shown(production: Production) -> list[str]:
    """Return what is switched on, as on the command line."""
    changed = [each for each in SWITCHES.values() if getattr(production, each.field) != each.default]
    return [f"{each.key}={each.shown(getattr(production, each.field))}" for each in changed]


def answers(production: Production) -> dict[str, Any]:
    """Return the answers to the template's questions, as plain values."""
    return {each.field: each.plain(getattr(production, each.field)) for each in SWITCHES.values()}


def from_answers(found: Mapping[str, Any]) -> Production:
    """Return the switches that answers hold; what they leave out is off. Their shape has been checked by a schema."""
    known = [each for each in SWITCHES.values() if each.field in found]
    return Production(**{each.field: each.from_answer(found[each.field]) for each in known})
