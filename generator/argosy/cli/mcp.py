"""`argosy mcp`."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import click

from argosy.cli import options
from argosy.errors import UsageError
from argosy.repository.root import root_of

TOKEN = "ARGOSY_MCP_TOKEN"
_PORT = 8098


@click.command("mcp", cls=options.LookingCommand)
@click.option(
    "--allow-changes",
    is_flag=True,
    allow_from_autoenv=False,
    help="Offer tools that make a branch or a pull request. None writes into the work tree.",
)
@click.option(
    "--http",
    "port",
    type=click.IntRange(0, 65535),
    is_flag=False,
    flag_value=_PORT,
    metavar="[=PORT]",
    help=f"Listen on 127.0.0.1 instead of standard input; 0 for any port that is free.  [default: {_PORT}]",
)
@options.repository
@options.rendering
def command(*, repository: Path | None, allow_changes: bool, port: int | None) -> int:
    """Let an agent look at a repository and plan changes of it, by the Model Context Protocol.

    It is started by the agent's program, speaks on standard input and output, and ends with the input. It looks at this
    repository alone, offline, runs nothing of it, and shows no secrets. Plans write nothing. With --http it answers who
    asks on this machine; with --allow-changes, or where ARGOSY_MCP_TOKEN is set, who sends the token.
    """
    root = root_of(repository).resolve()
    try:
        from argosy.mcp import server  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("argosy"):
            raise
        hint = "pip install 'argosy[mcp]', or for one run: uvx --from 'argosy[mcp]' argosy mcp"
        raise UsageError(
            "argosy mcp needs the SDK of the Model Context Protocol, an extra: install argosy[mcp].", hint
        ) from error
    from argosy import git  # noqa: PLC0415
    from argosy.api import Repository  # noqa: PLC0415

    def ready(address: str, token: str) -> None:
        click.echo(f"{address}\nCtrl-C ends it.", err=True)
        if token and not os.environ.get(TOKEN):
            click.echo(f"Send with each request: Authorization: Bearer {token}", err=True)

    looked_at, token = Repository(root), os.environ.get(TOKEN, "")
    with suppress(KeyboardInterrupt), git.asked_anew():
        if port is None:
            server.serve(looked_at, changes=allow_changes)
        else:
            server.listen(looked_at, port, changes=allow_changes, token=token, ready=ready)
    return 0
