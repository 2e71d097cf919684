"""A diagnosis as JSON, for programs; no key ever changes its meaning."""

from __future__ import annotations

from typing import Any

from argosy import data
from argosy.doctor.diagnosis import Check, Diagnosis, State


def format_diagnosis(diagnosis: Diagnosis) -> str:
    """Return every symptom with every check and every observation."""
    document = {
        "subject": diagnosis.subject,
        "summary": {
            "problems": len(diagnosis.problems),
            "checks": {state.value: diagnosis.count(state) for state in State},
        },
        "symptoms": [
            {"id": each.id, "title": each.title, "checks": [_check(check) for check in each.checks]}
            for each in diagnosis.symptoms
        ],
    }
    return data.written("Diagnosis", document)


def _check(check: Check) -> dict[str, Any]:
    observations = [
        {
            "state": each.state.value,
            "seen": each.seen,
            "advice": each.advice,
            "command": each.command,
            "applications": list(each.applications),
        }
        for each in check.observations
    ]
    return {"id": check.id, "title": check.title, "state": check.state.value, "observations": observations}
