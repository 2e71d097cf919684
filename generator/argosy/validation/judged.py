"""What was judged of a repository, or of a part of it, before it becomes a report: parts are put together here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

from argosy.documents.fields import JSON
from argosy.engines import Engine
from argosy.errors import UsageError
from argosy.findings import Finding, Outcome, Place, Report, Severity, Status, Unreached
from argosy.rules.files import BASELINE_STALE, OF_FILES
from argosy.rules.images import VERSION_UNQUOTED
from argosy.rules.manifests import OF_ENGINES
from argosy.rules.registry import known
from argosy.schemas import bundled
from argosy.validation.baseline import Baseline, Entry, Key, way_of
from argosy.validation.causes import Found, fold

_SAID_BEFORE = OF_ENGINES | OF_FILES | {"file-schema", "placeholder", "credential-in-git"}
"""The rules that, at the line of a value, say more of it than that it lacks quotes."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found in a part of a repository, and the outcomes of its documents, by their places in the whole."""

    state: str
    """A digest of all that was judged, and how: parts of one repository share it."""
    found: Sequence[Found]
    outcomes: Mapping[int, Outcome]
    """As if nothing were wrong."""
    renders: int
    unreached: Mapping[int, Unreached]
    unrooted: Mapping[int, str]
    baseline: Baseline | None = None
    seen: frozenset[Key] = frozenset()
    """The entries of the baseline that would have been found, if they were still there."""
    is_all: bool = True
    """Whether it is all that the baseline may know of."""
    title: str = ""
    """What is told of it above the counts; nothing of a whole repository."""
    notes: Sequence[str] = ()
    """What is told of what a cluster was asked."""
    shard: tuple[int, int] | None = None
    """Which part it is, and of how many; None for one that is not to be put together with others."""
    engines: Sequence[Engine] = ()
    """What rendered anything."""

    def report(self) -> Report:
        """Return the report of it."""
        found = _once_said(self.found)
        new, known = self.baseline.apart(found) if self.baseline else (found, [])
        errors = [each for each in new if each.finding.severity is Severity.ERROR]
        failed = {place for each in errors for place in each.fails}
        # Where nothing but a finding has the path.
        extra = sorted({each.finding.path for each in errors if each.is_extra and each.is_own})
        outcomes = [
            replace(each, status=Status.FAILED, reason="") if place in failed else each
            for place, each in sorted(self.outcomes.items())
        ]
        return Report(
            findings=[*fold(each for each in new if each.is_own), *self._stale(found)],
            outcomes=[*outcomes, *(Outcome(path, Status.FAILED) for path in extra)],
            renders=self.renders,
            unreached=tuple(each for _, each in sorted(self.unreached.items())),
            unrooted=tuple(each for _, each in sorted(self.unrooted.items())),
            known=fold(each for each in known if each.is_own) if self.baseline else None,
            title=self.title,
            notes=self.notes,
            engines=tuple(self.engines),
            part=self._part() if self.shard else None,
        )

    def _stale(self, found: Sequence[Found]) -> Sequence[Finding]:
        """Return the entries of the baseline that nothing matches, where everything was judged."""
        if self.baseline is None or not self.is_all:
            return ()
        rule = BASELINE_STALE
        return [
            Finding(rule.id, rule.severity, problem.message, self.baseline.path, line, problem.hint)
            for line, problem in self.baseline.stale(found, self.seen.__contains__)
        ]

    def _part(self) -> JSON:
        """Return all of it as JSON, so that it can be put together with others."""
        known, entries = self.baseline, self.baseline.entries.values() if self.baseline else ()
        index, count = self.shard or (1, 1)
        return {
            "index": index,
            "of": count,
            "state": self.state,
            "renders": self.renders,
            "found": [_written(each) for each in self.found],
            "outcomes": {str(place): asdict(each) for place, each in sorted(self.outcomes.items())},
            "unreached": {str(place): asdict(each) for place, each in sorted(self.unreached.items())},
            "unrooted": {str(place): each for place, each in sorted(self.unrooted.items())},
            "engines": [each.as_json for each in self.engines],
            "baseline": known and {"path": known.path, "entries": [*map(self._entry, entries)]},
        }

    def _entry(self, entry: Entry) -> JSON:
        expires = entry.expires and entry.expires.isoformat()
        own = {"count": entry.count, "reason": entry.reason, "expires": expires, "line": entry.line}
        return {**own, "key": list(entry.key), "seen": entry.key in self.seen}


def _once_said(found: Sequence[Found]) -> list[Found]:
    """Return findings but for those of values without quotes of which another one says more."""
    said = {(each.finding.path, each.finding.line) for each in found if each.finding.rule in _SAID_BEFORE}
    return [
        each
        for each in found
        if each.finding.rule != VERSION_UNQUOTED.id or (each.finding.path, each.finding.line) not in said
    ]


def _written(found: Found) -> JSON:
    cause = hashlib.sha256(repr(found.cause).encode(errors="surrogatepass")).hexdigest()[:20]
    finding = asdict(found.finding)
    del finding["known"]
    return {**finding, "cause": cause, "way": way_of(found), "fails": [*found.fails], "extra": found.is_extra}


def _read(data: JSON) -> Found:
    also = tuple(Place(**each) for each in data["also"])
    names = ("rule", "message", "path", "line", "hint", "application", "environment", "resource")
    finding = Finding(severity=Severity(data["severity"]), also=also, **{name: data[name] for name in names})
    return Found(finding, data["cause"], way=data["way"], fails=tuple(data["fails"]), is_extra=data["extra"])


def together(parts: Mapping[str, JSON]) -> Judged:
    """Put the parts of a repository together, by the names of the files that they were read from.

    Raise UsageError where one is none, where one is missing or there twice, or where they are of different states.
    """
    shards: dict[int, tuple[str, Judged]] = {}
    count, state = 0, ""
    for name, data in parts.items():
        each = _judged(data, name)
        index, of = each.shard or (0, 0)
        first = next(iter(shards.values()), None)
        if first and (of, each.state) != (count, state):
            raise UsageError(
                f"{name} and {first[0]} are not shards of one validation.",
                "Take the same files, argosy, options and N for all, and write no report into the repository.",
            )
        if index in shards:
            raise UsageError(f"{name} and {shards[index][0]} are both shard {index} of {of}.", "Name each once.")
        count, state, shards[index] = of, each.state, (name, each)
    missing = next((index for index in range(1, count + 1) if index not in shards), None)
    if missing:
        raise UsageError(f"Shard {missing} of {count} is missing.", _MAKE.format(f"{missing}/{count}"))
    whole = [shards[index][1] for index in sorted(shards)]
    return Judged(
        state=state,
        found=[found for each in whole for found in each.found],
        outcomes={place: found for each in whole for place, found in each.outcomes.items()},
        renders=sum(each.renders for each in whole),
        unreached={place: found for each in whole for place, found in each.unreached.items()},
        unrooted={place: found for each in whole for place, found in each.unrooted.items()},
        baseline=whole[0].baseline,
        seen=whole[0].seen,
        engines=[*{each.tool: each for one in whole for each in one.engines}.values()],
    )


_MAKE = "Make it with argosy validate --shard {} --report json=FILE."


def _outcome(data: JSON) -> Outcome:
    readers = tuple((application, environment) for application, environment in data["read_by"])
    return Outcome(**{**data, "status": Status(data["status"]), "read_by": readers})


def _judged(data: JSON, name: str) -> Judged:
    """Return what a report says, of the file that is named; raise UsageError where it is none of a shard."""
    make = _MAKE.format("I/N")
    for wrong in bundled.schema("report.json#/$defs/shard").violations(data):
        raise UsageError(f"{name} is no report of a shard: {wrong.message}.", make)
    for each in data["found"]:
        if not known(each["rule"]):
            raise UsageError(f"{name} has a finding of the rule “{each['rule']}”, which argosy does not have.", make)
    try:
        baseline, seen = _known(data["baseline"])
    except ValueError as error:
        raise UsageError(f"{name} is no report of a shard: {error}.", make) from error
    return Judged(
        state=data["state"],
        found=[*map(_read, data["found"])],
        outcomes={int(place): _outcome(each) for place, each in data["outcomes"].items()},
        renders=int(data["renders"]),
        unreached={int(place): Unreached(**each) for place, each in data["unreached"].items()},
        unrooted={int(place): each for place, each in data["unrooted"].items()},
        baseline=baseline,
        seen=seen,
        shard=(int(data["index"]), int(data["of"])),
        engines=[*map(Engine.of_json, data["engines"])],
    )


def _known(data: JSON) -> tuple[Baseline | None, frozenset[Key]]:
    """Return the baseline, and which of its entries would have been found; raise ValueError where a date is none."""
    if data is None:
        return None, frozenset()
    entries: dict[Key, Entry] = {}
    for each in data["entries"]:
        key = Key(*each["key"])
        expires = date.fromisoformat(each["expires"]) if each["expires"] else None
        entries[key] = Entry(key, each["count"], each["reason"], expires, each["line"])
    seen = frozenset(Key(*each["key"]) for each in data["entries"] if each["seen"])
    return Baseline(Path(data["path"]), data["path"], entries), seen
