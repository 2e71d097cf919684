"""Findings as SARIF 2.1.0, for code scanning.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import sha256
from urllib.parse import quote

from argosy.documents.fields import JSON
from argosy.findings import Finding, Place, Report
from argosy.reporting.grouping import full_message, ordered, others
from argosy.reporting.options import Options
from argosy.rules.registry import Rule, known

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def format_report(report: Report, options: Options) -> str:
    """Return a report as a SARIF log of one run, which describes the rules that were broken.

    A finding has a logical location for each render that has it, and a related location for each other place.
    """
    rules = sorted({finding.rule for finding in (*report.findings, *(report.known or ()))})
    log = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "argosy",
                        "version": options.version,
                        "rules": [_rule(each) for each in map(known, rules) if each],
                    }
                },
                "results": list(_results(report, rules)),
            }
        ],
    }
    return json.dumps(log, indent=2) + "\n"


def _rule(rule: Rule) -> JSON:
    examples = {"Wrong": rule.bad.strip("\n"), "Right": rule.good.strip("\n")}
    text = [f"{title}:\n\n{example}" for title, example in examples.items()]
    markdown = [f"{title}:\n\n```yaml\n{example}\n```" for title, example in examples.items()]
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.explanation},
        "help": {
            "text": "\n\n".join([rule.explanation, *text]),
            "markdown": "\n\n".join([rule.explanation, *markdown]),
        },
        "defaultConfiguration": {"level": rule.severity},
    }


def _results(report: Report, rules: list[str]) -> Iterator[JSON]:
    seen: Counter[str] = Counter()
    for finding in ordered((*report.findings, *(report.known or ()))):
        identity = "\0".join((finding.rule, finding.path, finding.message)).encode(errors="replace")
        fingerprint = sha256(identity).hexdigest()
        seen[fingerprint] += 1
        yield {
            "ruleId": finding.rule,
            "ruleIndex": rules.index(finding.rule),
            "level": finding.severity,
            "message": {"text": full_message(finding)},
            "locations": [_location(finding, finding.places)],
            **_related(finding),
            # Without the line, so that it survives moved lines. Not under GitHub's key `primaryLocationLineHash`:
            # GitHub's uploader computes that one, and warns of every result that brings another.
            "partialFingerprints": {"argosy/v1": f"{fingerprint}:{seen[fingerprint]}"},
            **({} if report.known is None else _baseline(finding)),
        }


def _baseline(finding: Finding) -> JSON:
    """Return what SARIF says of a finding where there is a baseline: of one, both fields are in every result."""
    if finding.known is None:
        return {"baselineState": "new", "suppressions": []}
    why = {"justification": finding.known} if finding.known else {}
    return {"baselineState": "unchanged", "suppressions": [{"kind": "external", "status": "accepted", **why}]}


def _related(finding: Finding) -> JSON:
    related = [_location(each, (each,)) for each in others(finding)]
    numbered = [{"id": number, **each} for number, each in enumerate(related)]
    return {"relatedLocations": numbered} if numbered else {}


def _location(at: Finding | Place, named: Iterable[Place]) -> JSON:
    location: JSON = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(at.path, errors="replace"), "uriBaseId": "%SRCROOT%"},
            # GitHub asks for a line: the first one stands for the file.
            "region": {"startLine": at.line or 1},
        }
    }
    names = {name: place for place in named if (name := _qualified_name(place))}
    if names:
        location["logicalLocations"] = [_logical_location(name, place) for name, place in names.items()]
    return location


def _qualified_name(place: Place) -> str:
    return "/".join(filter(None, (place.application, place.environment, place.resource)))


def _logical_location(name: str, place: Place) -> JSON:
    short = place.resource or place.environment or place.application
    kind = {"kind": "resource"} if place.resource else {}
    return {"name": short, "fullyQualifiedName": name, **kind}
