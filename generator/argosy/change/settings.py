"""The settings of a repository: what they are set to, what they can be, and the files that follow from each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from argosy.change import edits
from argosy.errors import UsageError
from argosy.names import did_you_mean, joined
from argosy.repository import switches
from argosy.repository.model import Repository
from argosy.repository.switches import Setting
from argosy.template import effects


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a repository, or of an environment, an application, a cluster or a team in it."""

    of: str
    """repository, env, app, cluster or team."""
    name: str
    """Empty: of the repository."""
    values: Sequence[tuple[Setting, Any]]
    """Each with what it is set to."""
    repository: str
    """The repository's name."""

    def data(self) -> dict[str, Any]:
        """Return them as data."""
        settings = [
            {
                **{"key": each.key, "value": each.plain(value), "default": each.plain(each.default)},
                **{"allowed": [each.plain(each.read(text)) for text in each.values], "several": each.several},
                **{"meaning": effects.meaning(self.of, each), "files": effects.files(self.of, each)},
            }
            for each, value in self.values
        ]
        return {"of": self.of, "name": self.name or self.repository, "settings": settings}


def find(model: Repository, of: str = "", name: str = "", key: str = "") -> Sequence[Settings]:
    """Return settings: one, those of something, or without `of` those of everything; raise UsageError for none such."""
    if of and of not in switches.SETTINGS:
        hint = did_you_mean(of, switches.SETTINGS) or f"These have: {joined([*switches.SETTINGS])}."
        raise UsageError(f"“{of}” has no settings.", hint)
    if of:
        return [Settings(of, name, _values(model, of, name, key), model.settings.name)]
    return [Settings(*each, _values(model, *each, ""), model.settings.name) for each in _everything(model)]


def _everything(model: Repository) -> Iterator[tuple[str, str]]:
    yield "repository", ""
    yield from (("env", each.name) for each in model.environments)
    yield from (("app", each.name) for each in model.applications)
    yield from (("cluster", each.name) for each in model.clusters)
    yield from (("team", each.name) for each in model.teams)


def _values(model: Repository, what: str, name: str, key: str) -> list[tuple[Setting, Any]]:
    """Return settings with their values."""
    of = f"{what} {name}".strip()
    values = edits.values(model, what, name)
    quotas = _quotas(model, name) if what == "team" else {}
    if key in quotas:
        return [quotas[key]]
    chosen = [switches.setting(of, key)] if key else switches.SETTINGS[what].values()
    return [*((each, values[each.field]) for each in chosen), *(() if key else quotas.values())]


def _quotas(model: Repository, name: str) -> dict[str, tuple[Setting, str]]:
    """Return what each namespace of a team may use, by ENV.LIMIT, where that is other than usual."""
    return {
        (key := f"{place}.{limit}"): (Setting(key, "quotas", str, ""), quantity)
        for place, quota in edits.team(model, name).quotas
        for limit, quantity in quota
    }
