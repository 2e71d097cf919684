"""Helm's errors, made readable: the file, the line and the cause, out of a chain of texts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from argosy.errors import Fault, RenderError
from argosy.helm.charts import metadata_of
from argosy.helm.release import Message, Release, Severity
from argosy.helm.schema_faults import violations
from argosy.supervisor import StoppedError

_WORD = r"[^\s:()\"]"
# A word is looked at from its beginning alone, or one that a stranger makes long takes as long as it is, squared.
_POSITION = re.compile(rf"(?<!{_WORD})(?={_WORD}+?/(?:templates|charts)/{_WORD})({_WORD}++):(\d{{1,9}})(?!\d)(?::\d+)?")
_YAML_LINE = re.compile(r"yaml: (?:line (\d{1,9}): )?(.*)", re.DOTALL)
_NOISE = re.compile(r"error calling \w+:\s*|template: | associated with template \"gotpl\"")


def faults(error: str, release: Release) -> list[Fault]:
    """Return what is wrong with a release, out of the error that Helm gives for it."""
    if "meet the specifications of the schema" in error:
        unusable = f"The chart's schema is invalid: {error.strip().splitlines()[-1].strip()}."
        return list(violations(error, release)) or [Fault(unusable, release.chart / "values.schema.json")]
    if unreadable := re.match(r"cannot load (\S+): ", error):
        return [invalid_yaml(error[unreadable.end() :], release.chart / unreadable[1])]
    place, line, message = cause(error)
    hint = "Set the value, or add a default to the chart's values.yaml." if "nil pointer" in message else ""
    return [Fault(message, release.chart / (in_chart(place) if place else "Chart.yaml"), line, hint)]


def stopped(error: StoppedError, release: Release | None = None) -> RenderError:
    """Return that Helm was stopped, as an error about a release."""
    path = release.chart / "Chart.yaml" if release else None
    return RenderError([Fault(error.message, path, hint=error.hint, stopped=True)])


def cause(error: str) -> tuple[str, int | None, str]:
    """Return the template's name, the line and the message of the last link of Helm's chain of errors."""
    if said := re.match(r"(?:execution|parse) error at \((.+?):(\d{1,9})(?::\d+)?\): (.*)", error, flags=re.DOTALL):
        return said[1], int(said[2]), said[3].strip()
    if broken := re.match(r"YAML parse error on (\S+): (.*)", error, flags=re.DOTALL):
        return broken[1], None, f"It renders to invalid YAML: {_yaml_message(broken[2])}."
    positions = list(_POSITION.finditer(error))
    if not positions:
        return "", None, " ".join(error.split())
    tail = error[positions[-1].end() :]
    expression, end, reason = tail.partition("at <")[2].partition(">:")
    message = f"{expression}: {reason.lstrip()}" if end else tail.lstrip(": ")
    return positions[-1][1], int(positions[-1][2]), " ".join(_NOISE.sub("", message).split())


def invalid_yaml(error: str, file: Path) -> Fault:
    """Return Helm's error about a YAML file of the user's."""
    found = _YAML_LINE.search(error)
    if "cannot unmarshal" in error and not found:
        return Fault("The values are not a mapping.", file, 1)
    message = found[2].strip() if found else " ".join(error.split())
    return Fault(f"This is not valid YAML: {message}.", file, int(found[1]) if found and found[1] else None)


def _yaml_message(error: str) -> str:
    found = _YAML_LINE.search(error)
    return f"line {found[1]}: {found[2].strip()}" if found and found[1] else " ".join(error.split())


def lint_messages(release: Release, found: Iterable[tuple[Severity, str, str]]) -> list[Message]:
    """Return what Helm's linter says (severity, path, text) with the cause alone, a message a violation, none twice."""
    messages: dict[Message, None] = {}
    for severity, path, text in found:
        if "- at '" in text:
            whole = text if "meet the spec" in text else f"{metadata_of(release.chart).get('name')}:\n{text}"
            for fault in violations(whole, release):
                messages[Message(severity, "values.yaml", " ".join(filter(None, (fault.message, fault.hint))))] = None
            continue
        place, line, message = cause(text.strip())
        where = f"{in_chart(place)}:{line}" if place and line else in_chart(place)
        relative = "Chart.yaml" if not path or Path(path) == release.chart else path
        messages[Message(severity, where or relative, message)] = None
    return list(messages)


def in_chart(path: str) -> str:
    """Return a template's path below the chart's folder: Helm puts the chart's name before it."""
    return path.partition("/")[2]
