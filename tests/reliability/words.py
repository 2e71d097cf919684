"""Words that trip programs over: what shells, YAML, templates, patterns, paths and terminals read as more than text."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import click

from argosy.cli import argosy

_SPELT = """
$(touch pwned)|`touch pwned`|; touch pwned;|& touch pwned|&& touch pwned|${HOME}|$IFS|'|"|\\
a: b|- a|#c| #c|{a: b}|[a]|&a|*a|!!python/name:os.system|>-|? a|@a|%a|---|...|!x y|a: {b
yes|null|~|1e3|0755|0x1F|1_000|12:30:45|2024-01-01|.inf|=|<<|True|-0|.nan
{{ .Values.a }}|{{ fail `x` }}|{{|}}|{%|%}|{{- toYaml . }}|{{/* a|[[ 1 ]]|[[|[% raw %]|[#|%]
.*|(a+)+$|[|(?P<a>|^$|**|*|?|\\d
../x|/x|a/b|a//b|.|..|.git|a/../b|-x|--x|con|a.lock|a\\b|HEAD|@{u}|a..b
é|e\u0301|日本|\u202eabc|\ufeff|\u2028|\u00a0|\u0085|🙂|İ|ß|٣|\ud7ff|\ue000|\ufffe
\x01|\x07|\x1b[31m|\x1b]0;x\x07|\r|\t|\x7f|\x9b31m| |  a|a |0|-1|65536|a-|-a|A|a_b|a.b|1a
https://u:p@h/x|https://h/x y|file:///etc/passwd|ext::sh -c touch% pwned|git@h:a/b;c|https://h/'x'|javascript:a
%s|%n|{0}|{}|f'{1}'|<script>a</script>|[a](b)|::error::a|##vso[a]
"""
HOSTILE: Sequence[str] = (
    *(word for line in _SPELT.strip("\n").split("\n") for word in line.split("|")),
    *("", "|", "| touch pwned", "\n", "a\nb: c", "a" * 63, "a" * 64, "a" * 254, "x" * 5000, "9" * 40, "\x00"),
)
"""Each alone, and two joined."""
_APART = {
    "--live",
    "--context",
    "--pull-request",
    "--comment",
    "--repository",
    "--helm",
    "--schema-location",
    "--report",
}
"""Options that lead out of the repository, where a command line may go as it likes."""


def hostile(chance: random.Random) -> str:
    """Return a hostile word, one that holds no NUL, which no command line can."""
    word = chance.choice(HOSTILE)
    if chance.random() < 0.4:
        word += chance.choice(HOSTILE)
    if chance.random() < 0.3:
        word = f"a{word}b"
    return word.replace("\x00", "\x01")


def commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield each command that changes nothing outside of a repository: the words that call it, and what it takes."""

    def of(group: click.Group, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            if isinstance(command, click.Group):
                yield from of(command, (*above, name))
            elif command and name not in {"bootstrap", "init"}:
                yield (*above, name), command

    yield from of(argosy, ())


def command_line(chance: random.Random, likely: Sequence[str]) -> tuple[str, ...]:
    """Return a command line that argosy has a command for, with likely and with hostile words."""

    def word(kind: object = None) -> str:
        if isinstance(kind, click.Choice) and chance.random() < 0.8:
            return str(chance.choice([*kind.choices]))
        if isinstance(kind, click.IntRange) and chance.random() < 0.8:
            return str(chance.randrange(100))
        return chance.choice(likely) if chance.random() < 0.7 else hostile(chance)

    words, command = chance.choice([*commands()])
    line: list[str] = []
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            line += [word(parameter.type) for _ in range(chance.randrange(1, 3) if parameter.nargs == -1 else 1)]
        elif chance.random() < 0.15 and not _APART & {*parameter.opts}:
            line += _option(chance, parameter, word)
    if words[0] in {"remove", "set", "rename", "apply", "convert", "promote", "rollback"} and chance.random() < 0.8:
        line.append("--yes")
    return *words, *line


def _option(chance: random.Random, parameter: click.Parameter, word: Any) -> list[str]:
    name = chance.choice([*parameter.opts, *parameter.secondary_opts])
    if getattr(parameter, "is_flag", False):
        return [name]
    if "--branch" in parameter.opts:
        return [f"--branch={word()}"]
    return [name, *(word(parameter.type) for _ in range(max(parameter.nargs, 1)))]
