"""The baseline: findings that a repository had before, which do not fail it, each known by its object, not its line."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any, NamedTuple

from argosy import temporary
from argosy.argocd import configuration
from argosy.documents import File, parse, read
from argosy.documents.fields import mapping, sequence
from argosy.documents.lines import BREAK
from argosy.errors import UsageError
from argosy.findings import Finding, Problem
from argosy.names import did_you_mean
from argosy.paths import astray
from argosy.repository import layout
from argosy.rules.files import OF_FILES
from argosy.rules.manifests import OF_ENGINES
from argosy.rules.registry import RULES, known
from argosy.rules.secrets import credentials
from argosy.schemas import bundled
from argosy.schemas.violations import path_of
from argosy.validation.causes import Found
from argosy.yaml_edit.writing import written

_FIELDS = ("rule", "path", "resource", "field", "application", "environment", "count", "reason", "expires")
_HEAD = """\
# What argosy validate found here before: it does not fail for it again. An entry may have a reason, and a date from
# which on it fails all the same (expires: 2030-01-31). Renew the list with argosy validate --update-baseline.
"""


class Key(NamedTuple):
    """What a finding is known by: it stays the same when lines above it come and go."""

    path: str
    rule: str
    resource: str
    """`Kind/name`, empty where the finding is of no object."""
    field: str
    """Empty for the whole object or file."""
    application: str
    environment: str
    """Of what an Application renders, since its values may be wrong in one environment alone; empty for a file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A finding that is known."""

    key: Key
    count: int = 1
    """How many findings it stands for: not all of one rule can be told apart by their place."""
    reason: str = ""
    expires: date | None = None
    """The last day on which it is known."""
    line: int | None = None
    text: str = ""
    """As it is written, with the comments above it; empty for a new one."""

    @property
    def comments(self) -> str:
        """The lines of comments above the entry."""
        lines = _lines(self.text)
        return "".join(lines[: next((at for at, each in enumerate(lines) if each.lstrip().startswith("-")), 0)])


@dataclass(frozen=True)
class Baseline:
    """The findings that are known, and the file that lists them."""

    file: Path
    path: str
    """As messages have it: relative to the repository where it is in there."""
    entries: Mapping[Key, Entry] = field(default_factory=dict)
    head: str = _HEAD
    """What is written above the list."""
    indent: str = "  "
    today: date = field(default_factory=date.today)

    def apart(self, found: Iterable[Found]) -> tuple[list[Found], list[Found]]:
        """Return what is new, and what is known, with its reason."""
        new: list[Found] = []
        known: list[Found] = []
        for key, several in _by_key(found).items():
            entry = self.entries.get(key)
            why = self._why_not(entry, _count(several)) if entry else ""
            if entry is not None and not why:
                known += (replace(each, finding=replace(each.finding, known=entry.reason)) for each in several)
            else:
                new += (replace(each, finding=_hinting(each.finding, why)) for each in several)
        return new, known

    def _why_not(self, entry: Entry, count: int) -> str:
        """Return why findings are not known although there is an entry for them; empty where they are."""
        if entry.expires is not None and entry.expires < self.today:
            return f"It was known until {entry.expires}: its entry in {self.path}:{entry.line} expired."
        if count > entry.count:
            return f"There are {count} of these, and {self.path}:{entry.line} knows {entry.count}."
        return ""

    def stale(self, found: Iterable[Found], is_judged: Callable[[Key], bool]) -> Iterator[tuple[int | None, Problem]]:
        """Yield the entries that nothing matches, or less than they say, with their lines."""
        there = _by_key(found)
        hint = "Remove it: argosy validate --update-baseline removes all such entries."
        for key, entry in self.entries.items():
            where = " ".join(filter(None, (key.path, *key[2:])))
            if not known(key.rule):
                meant = did_you_mean(key.rule, RULES) or hint
                yield entry.line, Problem(f"There is no rule “{key.rule}”.", hint=meant)
            elif key not in there and is_judged(key):
                yield entry.line, Problem(f"{key.rule} is not found any more at {where}.", hint=hint)
            elif key in there and (count := _count(there[key])) < entry.count:
                message = f"{key.rule} is found {count} times at {where}, and no more {entry.count} times."
                yield entry.line, Problem(message, hint="argosy validate --update-baseline lowers the count.")

    def renewed(self, found: Iterable[Found], is_judged: Callable[[Key], bool]) -> Baseline:
        """Return the baseline of what is found: what stays keeps reason and date, what is new has neither."""
        there = {key: _count(several) for key, several in _by_key(found).items()}
        unknown = {key for key in self.entries.keys() - there.keys() if known(key.rule) and not is_judged(key)}
        entries = {key: entry for key, entry in self.entries.items() if key in there or key in unknown}
        for key, count in there.items():
            entry = entries.get(key, Entry(key))
            entries[key] = replace(entry, count=count, text=entry.text if entry.count == count else entry.comments)
        made = replace(self, entries=dict(sorted(entries.items())))
        try:
            again = _parsed(made.text, self)
        except UsageError:
            again = self
        if [*map(_values, again.entries.values())] == [*map(_values, made.entries.values())]:
            return again
        # What refers to another entry, such as an alias, cannot be moved as it is written.
        plain = {key: replace(entry, text="") for key, entry in made.entries.items()}
        return _parsed(replace(made, entries=plain, head=_HEAD, indent="  ").text, self)

    @property
    def text(self) -> str:
        """The file's text: what was there before is as it was, comments included."""
        entries = "".join(self._written(entry) for entry in self.entries.values())
        return self.head + (f"findings:\n{entries}" if entries else "findings: []\n")

    def _written(self, entry: Entry) -> str:
        if entry.text != entry.comments:
            return entry.text
        values = _values(entry)
        own = [name for name in _FIELDS if values[name]]
        said = {name: written(value) if isinstance(value, str) else value for name, value in values.items()}
        lines = [f"{self.indent}{'  ' if at else '- '}{name}: {said[name]}\n" for at, name in enumerate(own)]
        return entry.comments + "".join(lines)

    def write(self) -> None:
        """Write the file as a whole, or not at all."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write(self.file, self.text.encode())


def find(root: Path, named: Path | None = None, *, is_made: bool = False) -> Baseline | None:
    """Return the baseline that the command line, else `.argosy.yaml` names, else the one that is there, if any.

    One that is to be made need not be there. Raise UsageError where it cannot be read, with file and line.
    """
    root = root.resolve()
    configured = configuration.baseline(root)
    # A link is refused below, and not followed here.
    file = named.absolute().parent.resolve() / named.name if named else root / (configured or layout.BASELINE)
    file = Path(os.path.normpath(file))
    path = file.relative_to(root).as_posix() if file.is_relative_to(root) else str(file)
    where = "" if named or not configured else f" It is set in {layout.CONFIGURATION}."
    if not (named or file.is_relative_to(root)):
        raise UsageError(f"The baseline {configured} is not in the repository.{where}", "Name a file in it.")
    if file.is_relative_to(root) and (why := astray(file, root)):
        raise UsageError(f"The baseline {path} cannot be read: {why}.{where}", "Name a file in the repository.")
    if file.suffix not in {".yaml", ".yml"}:
        raise UsageError(
            f"The baseline {path} is not a YAML file by its name.{where}", "Name it with .yaml at the end."
        )
    empty = Baseline(file, path)
    if not file.exists():
        if is_made:
            return empty
        if named or configured:
            raise UsageError(f"There is no baseline {path}.{where}", "argosy validate --update-baseline writes it.")
        return None
    parsed = read(File(path, file))
    if parsed.defects:
        defect = parsed.defects[0]
        place = path if defect.line is None else f"{path}:{defect.line}"
        raise UsageError(f"{place}: {defect.message}", defect.hint or _MEND)
    return _parsed(parsed.text, empty)


_MEND = "Fix it, or write it anew: remove it, and run argosy validate --update-baseline."


def _parsed(text: str, empty: Baseline) -> Baseline:
    """Return the baseline that a text is; raise UsageError for one that is none."""
    path = empty.path
    documents = parse(text, path).documents
    if len(documents) != 1:
        where = f"{path}:{documents[1].line}: a second document begins" if documents else f"{path}:1: it is empty"
        raise UsageError(f"{where}; a baseline is one document, with the list `findings`.", _MEND)
    document = documents[0]
    for wrong in bundled.schema("files.json#/$defs/baseline").violations(document.data):
        raise UsageError(f"{path}:{document.line_of(wrong.at)}: {wrong.message}", wrong.hint or _MEND)
    entries: dict[Key, Entry] = {}
    starts = [document.line_of(("findings", at)) or 1 for at, _ in enumerate(document.data["findings"])]
    head, *texts = _cut(text, starts)
    for at, (data, line, own) in enumerate(zip(document.data["findings"], starts, texts, strict=True)):
        key = Key(*(data.get(name, "") for name in Key._fields))
        if key in entries:
            raise UsageError(f"{path}:{line}: the same entry is in line {entries[key].line}.", "Remove one of them.")
        expires = _date(data, f"{path}:{document.line_of(('findings', at, 'expires'))}")
        entries[key] = Entry(key, data.get("count", 1), data.get("reason", ""), expires, line, own)
    first = _lines(text)[starts[0] - 1] if any(texts) else empty.indent
    return replace(empty, entries=entries, head=head, indent=first[: len(first) - len(first.lstrip())])


def _cut(text: str, starts: Sequence[int]) -> list[str]:
    """Return the comments above a list, and each item's text with those above it; nothing for items in flow."""
    lines = _lines(text)
    places = [start - 1 for start in starts]
    head = "".join(takewhile(lambda line: line.startswith(("#", "---")) or not line.strip(), lines))
    if len(set(places)) < len(places) or not all(lines[place].lstrip().startswith("- ") for place in places):
        return [head, *("" for _ in starts)]
    for at, place in enumerate(places):
        # What is indented more may be text of several lines that looks like a comment.
        mark = lines[place].partition("-")[0] + "#"
        above = takewhile(lambda line, mark=mark: line.startswith(mark), reversed(lines[:place]))  # type: ignore[misc]
        places[at] -= sum(1 for _ in above)
    return [head, *("".join(lines[begin:end]) for begin, end in pairwise([*places, len(lines)]))]


def _lines(text: str) -> list[str]:
    """Return the lines of a text, each with its end."""
    ends = [*(match.end() for match in BREAK.finditer(text)), len(text)]
    lines = [text[begin:end] for begin, end in pairwise([0, *ends])]
    return [*lines[:-1], *([f"{lines[-1]}\n"] if lines[-1] else [])]


def _values(entry: Entry) -> dict[str, Any]:
    """Return what an entry says, by the names of the fields; nothing where a field is not needed."""
    count = entry.count if entry.count > 1 else None
    return {**entry.key._asdict(), "count": count, "reason": entry.reason, "expires": entry.expires}


def _date(data: Mapping[str, Any], where: str) -> date | None:
    try:
        return date.fromisoformat(data["expires"]) if "expires" in data else None
    except ValueError as error:
        raise UsageError(f"{where}: “{data['expires']}” is no date.", "Write it as 2030-01-31.") from error


# What is found, by what it is known by


def _by_key(found: Iterable[Found]) -> dict[Key, list[Found]]:
    """Return findings by what they are known by: what an engine says of a file that is wrong, by that file."""
    causes: dict[object, list[Found]] = defaultdict(list)
    for each in found:
        causes[each.cause].append(each)
    keys: dict[Key, list[Found]] = defaultdict(list)
    for several in causes.values():
        of_file = next((each for each in several if each.finding.rule in OF_FILES), None)
        for each in several:
            keys[_key(of_file if of_file and each.finding.rule in OF_ENGINES else each)].append(each)
    return keys


def _key(found: Found) -> Key:
    finding = found.finding
    at = found.way if found.way is not None else way_of(found)
    named = map(_plain, (finding.resource, at, finding.application, finding.environment))
    return Key(finding.path, finding.rule, *named)


@lru_cache(maxsize=10_000)
def _plain(name: str) -> str:
    """Return a name, or its digest where it holds what looks like a credential: the list is committed."""
    return f"sha256:{hashlib.sha256(name.encode()).hexdigest()[:16]}" if credentials([name])[0] else name


def way_of(found: Found) -> str:
    """Return the way to a field, with the names of a list's items where they have such, since their places change."""
    way: list[str | int] = []
    value: Any = found.document.data if found.document else None
    for part in found.at if found.document else ():
        if isinstance(part, int):
            names = [mapping(each).get("name") for each in sequence(value)]
            name = names[part] if part < len(names) else None
            way.append(name if isinstance(name, str) and name and names.count(name) == 1 else part)
            value = value[part] if part < len(names) else None
        else:
            way.append(part)
            value = mapping(value).get(part)
    return path_of(way)


def _count(several: Collection[Found]) -> int:
    return len({each.cause for each in several})


def _hinting(finding: Finding, why: str) -> Finding:
    return replace(finding, hint=f"{finding.hint} {why}".strip())
