"""The manual pages: one for each command, which tell what its help does, and which man reads without a complaint."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import pytest

from argosy.cli import argosy, manual
from argosy.cli.examples import EXAMPLES


@functools.cache
def pages() -> Mapping[str, str]:
    """Return all pages of a version."""
    return manual.pages("1.2.3", "2026-11-30")


def commands(context: click.Context) -> Iterator[click.Context]:
    """Yield a command, and all below it."""
    yield context
    if isinstance(group := context.command, click.Group):
        for name in group.list_commands(context):
            below = group.get_command(context, name)
            assert below
            yield from commands(click.Context(below, info_name=name, parent=context))


ALL = [*commands(click.Context(argosy, info_name="argosy", **argosy.context_settings))]


def plain(page: str) -> str:
    """Return a page's text without roff's own marks, in one line."""
    text = re.sub(r"(?m)^\.\w+ ?|\\f[BRI]|\\&", "", page)
    return " ".join(text.replace("\\-", "-").replace("\\(aq", "'").replace("\\(ga", "`").replace("\\e", "\\").split())


def test_each_command_has_one() -> None:
    assert {*pages()} == {f"{each.command_path.replace(' ', '-')}.1" for each in ALL}
    assert {"argosy.1", "argosy-add.1", "argosy-add-app.1"} < {*pages()}


@pytest.mark.parametrize("context", ALL, ids=lambda each: str(each.command_path))
def test_a_page_tells_what_the_help_does(context: click.Context) -> None:
    page = pages()[f"{context.command_path.replace(' ', '-')}.1"]
    told = plain(page)
    assert " ".join((context.command.help or "").replace("\b", "").split()) in told
    for each in context.command.get_params(context):
        record = each.get_help_record(context)
        assert record is None or (record[0] in told and " ".join(record[1].split()) in told)
        if isinstance(each, click.Option) and isinstance(each.envvar, str):
            assert each.envvar in page
    for line in EXAMPLES.get(context.command_path.removeprefix("argosy "), "").splitlines():
        assert " ".join(line.split()) in told
    assert re.findall(r'^\.SH "(.*)"$', page, re.MULTILINE)[:3] == ["NAME", "SYNOPSIS", "DESCRIPTION"]
    assert '"1" "2026-11-30" "argosy 1.2.3"' in page
    named = re.findall(r"\\fB(\S+)\\fR\(1\)", page)
    assert {f"{each.replace(chr(92), '')}.1" for each in named} <= {*pages()}, "a page that there is not"


def test_the_same_each_time() -> None:
    assert manual.pages("1.2.3", "2026-11-30") == pages()


@pytest.mark.skipif(not shutil.which("mandoc"), reason="mandoc is not installed")
def test_mandoc_reads_them(tmp_path: Path) -> None:
    for name, text in pages().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["mandoc", "-Tlint", "-Wwarning", *sorted(map(str, tmp_path.iterdir()))],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.returncode) == ("", 0)
