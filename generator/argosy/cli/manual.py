"""Manual pages, one for each command, as `man` reads them: made of the help, the examples and the exit codes."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence

import click

from argosy.cli import argosy
from argosy.cli.examples import EXAMPLES
from argosy.cli.exits import EXITS, INTERRUPTED

_VARIABLES = {
    "ARGOSY_CACHE": "The folder of what was rendered and fetched; empty: none is kept.",
    "ARGOSY_TOKEN": "The token for the host of the repository.",
    "KUBECONFIG": "Clusters, as kubectl has it.",
    "NO_COLOR": "No colours.",
}
"""What argosy reads besides the variables of its options."""
_WIDTH = 72


def pages(version: str, date: str) -> Mapping[str, str]:
    """Return the pages, by their files' names: argosy.1, argosy-add.1, argosy-add-app.1 and so on."""
    root = click.Context(argosy, info_name="argosy", **argosy.context_settings)
    return {f"{_file(each)}.1": _page(each, version, date) for each in _all(root)}


def _all(context: click.Context) -> Iterator[click.Context]:
    yield context
    for each in _below(context):
        yield from _all(each)


def _below(context: click.Context) -> Iterator[click.Context]:
    group = context.command
    if not isinstance(group, click.Group):
        return
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command and not command.hidden:
            yield click.Context(command, info_name=name, parent=context)


def _page(context: click.Context, version: str, date: str) -> str:
    command, path = context.command, context.command_path
    usage = " ".join(command.collect_usage_pieces(context))
    top = path.split()[1:2]
    lines = [
        f'.TH "{_file(context).upper()}" "1" "{date}" "argosy {version}" "argosy"',
        *_section("Name", [f"{_roff(_file(context))} \\- {_roff(command.get_short_help_str(1000).rstrip('.'))}"]),
        *_section("Synopsis", [f"\\fB{_roff(path)}\\fR {_roff(usage)}"]),
        *_section("Description", _paragraphs(command.help or "")),
        *_section("Options", _options(context)),
        *_section("Commands", _commands(context)),
        *_section("Examples", _examples(path)),
        *_section("Exit status", _items({**EXITS[top[0]], **INTERRUPTED} if top else {0: "done", 2: "wrong usage"})),
        *_section("Environment", _environment(context)),
        *_section("See also", [",\n".join(_see_also(context)), f".PP\n\\fBargosy help {' '.join(top)}\\fR".rstrip()]),
    ]
    return "\n".join(lines) + "\n"


def _section(title: str, lines: Sequence[str]) -> Sequence[str]:
    return [f'.SH "{title.upper()}"', *lines] if lines else ()


def _paragraphs(text: str) -> Sequence[str]:
    """Return the paragraphs of a help; one that begins with \\b keeps its lines."""
    found: list[str] = []
    for each in re.split(r"\n\s*\n", textwrap.dedent(text.partition("\f")[0]).strip()):
        is_kept, words = each.startswith("\b"), each.removeprefix("\b").strip("\n")
        kept = [".nf", *map(_roff, words.splitlines()), ".fi"]
        found += [*([".PP"] if found else ()), *(kept if is_kept else [_filled(words)])]
    return found


def _options(context: click.Context) -> Sequence[str]:
    found: list[str] = []
    for each in context.command.get_params(context):
        record = each.get_help_record(context) if isinstance(each, click.Option) else None
        if record:
            names = re.sub(r"(?<![\w-])--?[\w-]+", lambda name: f"\\fB{_roff(name[0])}\\fR", record[0])
            found += [".TP", names, _filled(record[1])]
    return found


def _commands(context: click.Context) -> Sequence[str]:
    summaries = {f"\\fB{_roff(_file(each))}\\fR(1)": each.command.get_short_help_str(1000) for each in _below(context)}
    return [line for name, says in summaries.items() for line in (".TP", name, _filled(says))]


def _examples(path: str) -> Sequence[str]:
    written = EXAMPLES.get(path.partition(" ")[2], "")
    lines = [_roff(line.strip()) for line in written.splitlines()]
    return [".nf", *lines, ".fi"] if lines else []


def _environment(context: click.Context) -> Sequence[str]:
    named = {
        each.envvar: f"As {max(each.opts, key=len)}."
        for each in context.command.get_params(context)
        if isinstance(each, click.Option) and isinstance(each.envvar, str) and not each.hidden
    }
    return _items({**named, **_VARIABLES})


def _see_also(context: click.Context) -> Iterator[str]:
    parent = context.parent
    near = [parent, *(each for each in _below(parent) if each.info_name != context.info_name)] if parent else ()
    siblings = near[:1] if parent and parent.parent is None else near
    for each in (*siblings, *_below(context)):
        yield f"\\fB{_roff(_file(each))}\\fR(1)"


def _items(items: Mapping[str, str] | Mapping[int, str]) -> Sequence[str]:
    return [line for name, says in items.items() for line in (".TP", f"\\fB{_roff(str(name))}\\fR", _filled(says))]


def _file(context: click.Context) -> str:
    return context.command_path.replace(" ", "-")


def _roff(text: str) -> str:
    """Return a line as roff writes it: nothing in it is a request, and a hyphen is what is typed."""
    plain = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return re.sub(r"^(?=\.)", r"\\&", plain)


def _filled(text: str) -> str:
    """Return a paragraph in short lines, as tools that check pages want them."""
    lines = textwrap.wrap(" ".join(text.split()), _WIDTH, break_long_words=False, break_on_hyphens=False)
    return "\n".join(map(_roff, lines))
