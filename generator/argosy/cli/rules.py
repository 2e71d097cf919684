"""`argosy rules`."""

from __future__ import annotations

import contextlib

import click

from argosy.cli import options
from argosy.errors import ArgosyError


@click.command("rules")
@click.argument("rule_id", metavar="[ID]", required=False)
@options.output("text", "json", "name")
def command(rule_id: str | None, output: str) -> int:
    """List the rules of validation and the repository's own policies, or explain one."""
    from argosy import api  # noqa: PLC0415

    here = None
    with contextlib.suppress(ArgosyError):  # There need be no repository around the current folder.
        here = api.open_repository()
    rules = api.rules(here) if rule_id is None else [api.rule(rule_id, here)]
    if output == "json":
        options.show(api.to_json(rules))
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


def _indented(example: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in example.strip("\n").splitlines())
