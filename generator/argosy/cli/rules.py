"""`argosy rules`."""

from __future__ import annotations

import click

from argosy import data
from argosy.cli import options
from argosy.errors import UsageError
from argosy.names import did_you_mean


@click.command("rules")
@click.argument("rule_id", metavar="[ID]", required=False)
@options.output("text", "json", "name")
def command(rule_id: str | None, output: str) -> int:
    """List the rules of validation, or explain one with a wrong and a right example."""
    from argosy.rules import catalogue  # noqa: PLC0415
    from argosy.rules.registry import RULES  # noqa: PLC0415

    catalogue.extend()
    rules = catalogue.ordered()
    if rule_id is not None:
        if rule_id not in RULES:
            hint = did_you_mean(rule_id, RULES) or "`argosy rules` lists them."
            raise UsageError(f"There is no rule “{rule_id}”.", hint)
        rules = [RULES[rule_id]]
    if output == "json":
        fields = ("id", "severity", "summary", "explanation", "bad", "good")
        rows = [{name: getattr(rule, name) for name in fields} for rule in rules]
        options.show(data.written("Rules", {"rules": rows}))
    elif output == "name":
        click.echo("".join(f"{rule.id}\n" for rule in rules), nl=False)
    elif rule_id is not None:
        rule = rules[0]
        click.echo(f"{rule.id} ({rule.severity})\n\n{rule.summary}\n\n{rule.explanation}\n")
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
