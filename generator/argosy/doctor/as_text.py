"""A diagnosis as text: a checklist by symptom, problems loudest, and at the end what to do first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.text import Text

from argosy.doctor.diagnosis import Check, Diagnosis, Observation, State
from argosy.reporting import console
from argosy.reporting.wording import number
from argosy.terminal import printable

_STYLES = {State.OK: "green", State.PROBLEM: "bold red", State.UNKNOWN: "yellow"}
_WORDS = {State.OK: "ok", State.PROBLEM: "PROBLEM", State.UNKNOWN: "unknown"}
_INDENT = " " * 11
_MOST = 5
"""How many things that are all right a check lists before it counts the others."""


def format_diagnosis(diagnosis: Diagnosis, *, colour: bool = False) -> str:
    """Return a block for each symptom, and the summary."""
    blocks: list[Text] = [Text(printable(diagnosis.subject)), Text()]
    for index, symptom in enumerate(diagnosis.symptoms, 1):
        blocks.append(Text(f"{index}. {symptom.title}", "bold"))
        for checks in alike(symptom.checks):
            blocks += _checks(diagnosis, checks)
        blocks.append(Text())
    return console.written([*blocks, *_summary(diagnosis)], colour=colour)


def alike(checks: Sequence[Check]) -> Iterator[Sequence[Check]]:
    """Yield each check by itself, but those in a row that are unknown for one and the same reason together."""

    def reason(check: Check) -> object:
        is_blind = all(each.state is State.UNKNOWN for each in check.observations)
        return tuple(check.observations) if is_blind else check.id

    for _, group in groupby(checks, key=reason):
        yield list(group)


def _checks(diagnosis: Diagnosis, checks: Sequence[Check]) -> Iterator[Text]:
    observations = checks[0].observations
    for check in checks:
        line = Text.assemble("  ", (f"{_WORDS[check.state]:9}", _STYLES[check.state]), printable(check.title))
        if check.state is State.OK and len(observations) == 1 and not observations[0].command:
            line.append(Text(f" – {_seen(diagnosis, observations[0])} {observations[0].advice}", "dim"))
            yield line
            return
        yield line
    state = checks[0].state
    fine = [each for each in observations if each.state is State.OK]
    for each in [*(each for each in observations if each.state is not State.OK), *fine[:_MOST]]:
        yield from _observation(diagnosis, each, state)
    if len(fine) > _MOST:
        yield Text(f"{_INDENT}and {len(fine) - _MOST} more that are all right.", "dim")


def _observation(diagnosis: Diagnosis, observation: Observation, worst: State) -> Iterator[Text]:
    style = "dim" if observation.state is State.OK else ""
    # Beside something worse, each line says which it is.
    sign = f"{_WORDS[observation.state]}: " if observation.state is not worst else ""
    yield Text(f"{_INDENT}{sign}{_seen(diagnosis, observation)}", style)
    if observation.advice:
        yield Text(_INDENT + printable(observation.advice), style)
    for line in observation.command.splitlines():
        yield Text(f"{_INDENT}$ {printable(line)}", style or "cyan")


def _seen(diagnosis: Diagnosis, observation: Observation) -> str:
    about = diagnosis.about(observation)
    return printable(f"{about}: {observation.seen}" if about else observation.seen)


def _summary(diagnosis: Diagnosis) -> Iterator[Text]:
    problems = diagnosis.problems
    rest = f"{number(diagnosis.count(State.OK), 'check')} ok, {diagnosis.count(State.UNKNOWN)} unknown."
    if not problems:
        yield Text(f"No problem found: {rest}", "green")
        return
    yield Text(f"{number(len(problems), 'problem')} found; {rest} Begin with:", "bold red")
    yield from _observation(diagnosis, diagnosis.first, State.PROBLEM)
