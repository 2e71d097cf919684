"""The words that commands share, such as `env` and `app`, and how shells complete what follows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

import click
from click.shell_completion import CompletionItem

from argosy.errors import UsageError

if TYPE_CHECKING:
    from argosy.change.requests import Settable
    from argosy.repository.switches import Setting

ALIASES = {"environment": "env", "application": "app"}
"""The long words, each with the one that is written everywhere."""


class Group(click.Group):
    """A group whose commands are found by their long words too."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command."""
        return super().get_command(ctx, ALIASES.get(cmd_name, cmd_name))


def what(word: str) -> Settable:
    """Return the word for what has settings; raise UsageError, with the nearest one, where nothing is called so."""
    from argosy.names import did_you_mean  # noqa: PLC0415
    from argosy.repository.switches import SETTINGS  # noqa: PLC0415

    short = ALIASES.get(word, word)
    if short not in SETTINGS:
        hint = (
            "It is repository, env NAME, app NAME, cluster NAME or team NAME. "
            f"{did_you_mean(word, [*SETTINGS, *ALIASES])}".strip()
        )
        raise UsageError(f"“{word}” has no settings.", f"{hint} `argosy settings` lists them all.")
    return cast("Settable", short)


def of_set(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return what may follow the words of `argosy set`: what, which, KEY=VALUE, KEY=VALUE …"""
    return [CompletionItem(each) for each in _following(ctx, incomplete)]


def of_settings(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return what may follow the words of `argosy settings`: what, which, one key."""
    words: Sequence[str] = ctx.params.get("words") or ()
    known, names = _known(words)
    found = [*known] if known and not words[1 + names :] else [] if known else _first(ctx, words)
    return [CompletionItem(each) for each in found if each.startswith(incomplete)]


def _following(ctx: click.Context, incomplete: str) -> Iterator[str]:
    words: Sequence[str] = ctx.params.get("words") or ()
    known, names = _known(words)
    if not known:
        yield from (each for each in _first(ctx, words) if each.startswith(incomplete))
        return
    # Some shells take `KEY=VALUE` for three words, and replace the last one alone.
    before = words[1 + names :]
    split = before[-2] if before[-1:] == ("=",) and len(before) > 1 else "".join(before[-1:])
    if split in known:
        yield from _values(known[split], incomplete)
        return
    key, equals, value = incomplete.partition("=")
    if equals and key in known:
        yield from (f"{key}={each}" for each in _values(known[key], value))
        return
    for each in known.values():
        if each.key.startswith(incomplete):
            yield from (f"{each.key}={value}" for value in each.values or ("",))


def _values(setting: Setting, begun: str) -> Iterator[str]:
    """Yield the values of a setting that go on from what is there; of a list, with those before the last comma."""
    before, comma, last = begun.rpartition(",") if setting.several else ("", "", begun)
    had = before.split(",")
    yield from (f"{before}{comma}{each}" for each in setting.values if each.startswith(last) and each not in had)


def _known(words: Sequence[str]) -> tuple[dict[str, Setting], int]:
    """Return the settings that words are about, none as long as they do not say it, and how many names they have."""
    from argosy.repository.switches import SETTINGS  # noqa: PLC0415

    short = ALIASES.get(words[0], words[0]) if words else ""
    names = int(short in SETTINGS and short != "repository")
    return (SETTINGS.get(short, {}), names) if len(words) > names else ({}, 0)


def _first(ctx: click.Context, words: Sequence[str]) -> Sequence[str]:
    """Return what the first words may be: what, and which of them there are here."""
    from argosy.cli import completing  # noqa: PLC0415
    from argosy.repository.switches import SETTINGS  # noqa: PLC0415

    if not words:
        return [*SETTINGS]
    known = {"app": completing.applications, "env": completing.environments, "team": completing.teams}
    names = {**known, "cluster": completing.clusters}.get(ALIASES.get(words[0], words[0]))
    return completing.found(ctx, names) if names else []
