"""Say what a promotion or a rollback does: as a table for people, as Markdown, as data, and in a commit's message."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import accumulate, takewhile
from typing import Any

from argosy.difference.manifest_text import MASK
from argosy.difference.secrecy import without_secrets
from argosy.promotion import policy
from argosy.promotion.decision import ABSENT, Decision, Verdict
from argosy.promotion.promoting import Move, Promotion, Widened
from argosy.promotion.trailers import Kind, Step
from argosy.reporting.wording import code, in_markdown
from argosy.terminal import printable
from argosy.yaml_edit.keys import Key

LONGEST = 48
"""How many characters of a value are shown."""
LONGEST_TITLE = 72
"""How many characters a commit's first line should have."""
_STYLES = {
    Verdict.PROMOTED: "green",
    Verdict.CONFLICT: "bold red",
    Verdict.UNDECIDED: "bold yellow",
    Verdict.PINNED: "dim",
    Verdict.KEPT: "dim",
    Verdict.LEFT: "dim",
}


def shown(value: Any, longest: int = LONGEST) -> str:
    """Return a value in one short line."""
    if value is ABSENT:
        return "–"
    if isinstance(value, bytes):
        return f"a file of {len(value):,} bytes"
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False, default=str)
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def pair(decision: Decision) -> tuple[str, str]:
    """Return the target's and the source's value as they are shown: 1 and "1" apart, though both are written so."""
    values = [hidden(decision, each) for each in (decision.target, decision.source)]
    target, source = map(shown, values)
    if target == source and not target.endswith("…") and type(values[0]) is not type(values[1]):
        target, source = (json.dumps(each, ensure_ascii=False, default=str) for each in values)
    return target, source


def hidden(decision: Decision, value: Any) -> Any:
    """Return a value, but nothing of a Secret, nor of what makes one, such as a password, nor what is encrypted."""
    if decision.encrypted and value is not ABSENT:
        return "encrypted"
    key = decision.key
    is_secret = any(each.partition("/")[0] == "Secret" for each in (key.scope, *key.path))
    secret = is_secret or "secretGenerator" in key.path or "stringData" in key.path
    return "***" if secret and value is not ABSENT else _without_passwords(key, value)


def _without_passwords(key: Key, value: Any) -> Any:
    if isinstance(value, dict):
        value = {
            name: _without_passwords(key._replace(path=(*key.path, str(name))), each) for name, each in value.items()
        }
    elif isinstance(value, list):
        value = [_without_passwords(key, each) for each in value]
    elif policy.is_password(key) and value not in (ABSENT, None, ""):
        return MASK
    # A variable's value lies below its name.
    names = [each for each in key.path if each != "value"]
    return without_secrets(value, names[-1] if names else "")


def title(steps: Sequence[Step]) -> str:
    """Return what steps do, in one line of at most 72 characters where names allow it."""
    if not steps:
        return "Nothing to promote"
    names = list(dict.fromkeys(each.application for each in steps))
    ends = list(dict.fromkeys((each.source, each.target) for each in steps))
    # trailers.of_title reads it again: of a pull request that is squashed, some hosts keep the title alone.
    way = ", ".join(f"from {source} to {target}" for source, target in ends)
    for _, middle in ends[:-1]:
        way = way.replace(f" to {middle}, from {middle} to ", f" over {middle} to ")
    back = steps[0].kind is Kind.ROLLBACK
    listed = " and ".join(names)
    for what in (listed if len(names) < 3 else "", f"{len(names)} applications"):
        line = f"Roll {what} back in {ends[0][1]}" if back else f"Promote {what} {way}"
        if what and (len(line) <= LONGEST_TITLE or len(names) == 1):
            break
    return line


def message(promotion: Promotion, subject: str = "") -> str:
    """Return a commit's message: what is done, the keys that move, and the trailers that tell it to argosy."""
    lines = [subject.strip() or title(promotion.steps)]
    for move in promotion.moves:
        moved = [each for each in move.decisions if each.verdict is Verdict.PROMOTED]
        if moved:
            lines += ["", f"{heading(move)}:", *(_change(each) for each in moved)]
    if promotion.projects:
        lines += ["", *projects(promotion).splitlines()]
    return "\n".join([*lines, "", *(each.trailer for each in promotion.steps), ""])


def projects(promotion: Promotion) -> str:
    """Return which AppProjects have to permit more, a line each."""
    return "".join(f"{each.path} will also permit {kinds(each)}.\n" for each in promotion.projects)


def kinds(project: Widened) -> str:
    """Return the kinds that an AppProject has to permit."""
    return " and ".join(map(str, project.kinds))


def heading(move: Move) -> str:
    """Return which application goes where."""
    step = move.step
    return (
        f"{step.application}, {step.source} to {step.target}" if step.source else f"{step.application} in {step.target}"
    )


def _change(decision: Decision) -> str:
    target, source = pair(decision)
    return f"  {decision.key}: {target} -> {source}"


def verdict(move: Move, decision: Decision) -> str:
    """Return what is said of a decision: a rollback restores what a promotion promotes."""
    restored = move.step.kind is Kind.ROLLBACK and decision.verdict is Verdict.PROMOTED
    return "restored" if restored else decision.verdict.value


def _afterwards(decision: Decision) -> Any:
    return decision.source if decision.verdict is Verdict.PROMOTED else decision.target


def as_text(promotion: Promotion, *, colour: bool = False) -> str:
    """Return a table for each application: the keys that differ, what stands there, what comes, and why."""
    from rich.console import RenderableType  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from argosy.reporting import console  # noqa: PLC0415

    blocks: list[RenderableType] = []
    for move in promotion.moves:
        if not move.decisions:
            blocks += [Text(f"{heading(move)}: nothing differs."), Text()]
            continue
        table = console.table(*_columns(move))
        for each in _ordered(move.decisions):
            table.add_row(*(Text(printable(cell), _STYLES[each.verdict]) for cell in _cells(move, each)))
        blocks += [Text(heading(move), "bold"), table, Text()]
    return console.written(blocks, colour=colour)


def _columns(move: Move) -> tuple[str, ...]:
    return ("key", move.step.target, move.step.source or "before", "verdict", "why")


def _cells(move: Move, decision: Decision) -> tuple[str, ...]:
    target, source = pair(decision)
    return (str(decision.key), target, source, verdict(move, decision), decision.why)


def _ordered(decisions: Sequence[Decision]) -> list[Decision]:
    """Return what moves first, then what is open, then what stays."""

    def is_asked(each: Decision) -> bool:
        return each.verdict.is_open or each.postponed

    return sorted(decisions, key=lambda each: (each.verdict is not Verdict.PROMOTED, not is_asked(each)))


def as_markdown(promotion: Promotion, limit: int) -> str:
    """Return the table for a pull request, in at most so many characters: what does not fit is counted."""
    lines = [line for move in promotion.moves if move.decisions for line in _lines(move)]
    lines += [f"{code(each.path)} will also permit {kinds(each)}.\n" for each in promotion.projects]
    room = limit - sum(len(line) + 1 for line in lines)
    if room >= 0:
        return "\n".join(lines)
    left = "\n… and {} more keys, cut to fit."
    room = limit - len(left) - 8
    taken = list(takewhile(lambda size: size <= room, accumulate(len(line) + 1 for line in lines)))
    shown_keys, all_keys = (sum(map(_is_row, each)) for each in (lines[: len(taken)], lines))
    return "\n".join([*lines[: len(taken)], left.format(all_keys - shown_keys)])


def _is_row(line: str) -> bool:
    return line.startswith("| `")


def _lines(move: Move) -> Iterator[str]:
    yield from (
        f"### {in_markdown(heading(move))}",
        "",
        f"| {' | '.join(_columns(move))} |",
        "| --- | --- | --- | --- | --- |",
    )
    for each in _ordered(move.decisions):
        key, target, source, told, why = _cells(move, each)
        told = f"**{told}**" if each.verdict is Verdict.PROMOTED or each.verdict.is_open or each.postponed else told
        yield f"| {' | '.join((code(key), code(target), code(source), told, in_markdown(why)))} |"
    yield ""
    if open_still := [code(str(each.key)) for each in move.decisions if each.postponed]:
        yield from (f"Still undecided: {', '.join(open_still)}.", "")


def as_data(promotion: Promotion) -> list[dict[str, Any]]:
    """Return what is decided, for JSON."""
    return [
        {
            "application": move.step.application,
            "kind": move.step.kind.value,
            "from": move.step.source or None,
            "to": move.step.target,
            "origin": move.step.origin or None,
            "keys": [
                {
                    "key": str(each.key),
                    "file": each.key.file,
                    "before": datum(hidden(each, each.target)),
                    "after": datum(hidden(each, _afterwards(each))),
                    "source": datum(hidden(each, each.source)),
                    "verdict": verdict(move, each),
                    "open": each.verdict.is_open or each.postponed,
                    "why": each.why,
                }
                for each in move.decisions
            ],
            "files": sorted(move.written),
        }
        for move in promotion.moves
    ]


def datum(value: Any) -> Any:
    """Return a value as JSON can have it."""
    if value is ABSENT:
        return None
    return shown(value) if isinstance(value, bytes) else value
