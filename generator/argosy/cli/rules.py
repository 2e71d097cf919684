"""`argosy rules`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from argosy import data
from argosy.cli import options
from argosy.errors import ArgosyError, UsageError
from argosy.names import did_you_mean

if TYPE_CHECKING:
    from argosy.rules.registry import Rule


@click.command("rules")
@click.argument("rule_id", metavar="[ID]", required=False)
@options.output("text", "json", "name")
def command(rule_id: str | None, output: str) -> int:
    """List the rules of validation and the repository's own policies, or explain one."""
    from argosy.rules import catalogue  # noqa: PLC0415

    catalogue.extend()
    known = {each.id: each for each in (*catalogue.ordered(), *_own())}
    if rule_id is not None and rule_id not in known:
        hint = did_you_mean(rule_id, known) or "`argosy rules` lists them."
        raise UsageError(f"There is no rule “{rule_id}”.", hint)
    rules = [*known.values()] if rule_id is None else [known[rule_id]]
    if output == "json":
        fields = ("id", "severity", "summary", "explanation", "bad", "good")
        rows = [{name: getattr(rule, name) for name in fields} for rule in rules]
        options.show(data.written("Rules", {"rules": rows}))
    elif output == "name":
        click.echo("".join(f"{rule.id}\n" for rule in rules), nl=False)
    elif rule_id is not None:
        rule = rules[0]
        click.echo(f"{rule.id} ({rule.severity})\n\n{rule.summary}\n\n{rule.explanation}\n")
        if rule.bad:
            click.echo(f"Wrong:\n\n{_indented(rule.bad)}\n\nRight:\n\n{_indented(rule.good)}")
    else:
        from argosy.reporting import console  # noqa: PLC0415

        table = console.table("", "", "")
        table.show_header = False
        for rule in rules:
            table.add_row(rule.id, rule.severity, rule.summary)
        click.echo(console.written([table], colour=False), nl=False)
    return 0


def _own() -> Iterator[Rule]:
    """Yield the rules of the policies that the repository around the current folder has, if there is one."""
    from argosy.argocd import configuration  # noqa: PLC0415
    from argosy.rules import policies  # noqa: PLC0415

    with contextlib.suppress(ArgosyError):
        yield from policies.rules_of(configuration.own_policies(options.root_of(None)).all)


def _indented(example: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in example.strip("\n").splitlines())
