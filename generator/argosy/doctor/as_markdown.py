"""A diagnosis as Markdown, for an issue or a chat: a task list by symptom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from argosy.doctor.as_text import alike
from argosy.doctor.diagnosis import Check, Diagnosis, Observation, State
from argosy.reporting.wording import code, in_markdown, number

_SIGNS = {State.OK: "[x]", State.PROBLEM: "[ ] **problem**", State.UNKNOWN: "[ ] *unknown*"}


def format_diagnosis(diagnosis: Diagnosis) -> str:
    """Return a heading with the counts, and a list for each symptom; what is all right is not explained."""
    counts = f"{diagnosis.count(State.OK)} ok, {diagnosis.count(State.UNKNOWN)} unknown"
    lines = [
        f"### {number(len(diagnosis.problems), 'problem')} found",
        "",
        in_markdown(f"{diagnosis.subject} {counts}."),
        "",
    ]
    for symptom in diagnosis.symptoms:
        lines += [f"**{symptom.title}**", ""]
        for checks in alike(symptom.checks):
            lines += _checks(diagnosis, checks)
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _checks(diagnosis: Diagnosis, checks: Sequence[Check]) -> Iterator[str]:
    for check in checks:
        yield f"- {_SIGNS[check.state]} {in_markdown(check.title)}"
    for each in checks[0].observations:
        if each.state is not State.OK:
            yield from _observation(diagnosis, each)


def _observation(diagnosis: Diagnosis, observation: Observation) -> Iterator[str]:
    about = diagnosis.about(observation)
    yield f"  - {f'{in_markdown(about)}: ' if about else ''}{in_markdown(f'{observation.seen} {observation.advice}')}"
    for line in observation.command.splitlines():
        yield f"    {code(line, in_table=False)}"
