"""Findings as SARIF 2.1.0, for code scanning.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from urllib.parse import quote

from argosy.documents.fields import JSON
from argosy.findings import Finding, Report
from argosy.reporting.grouping import JoinedFinding, join
from argosy.reporting.options import Options
from argosy.rules.registry import RULES, Rule

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def format_report(report: Report, options: Options) -> str:
    """Return a report as a SARIF log of one run, which describes the rules that were broken.

    A finding that several renders share is one result with a logical location for each of them.
    """
    rules = sorted({finding.rule for finding in report.findings})
    log = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "argosy",
                        "version": options.version,
                        "rules": [_rule(RULES[rule]) for rule in rules],
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
    for item in join(report.findings):
        finding = item.finding
        identity = "\0".join((finding.rule, finding.path, finding.message)).encode(errors="replace")
        fingerprint = sha256(identity).hexdigest()
        seen[fingerprint] += 1
        yield {
            "ruleId": finding.rule,
            "ruleIndex": rules.index(finding.rule),
            "level": finding.severity,
            "message": {"text": item.full_message},
            "locations": [_location(item)],
            # Without the line, so that it survives moved lines. Not under GitHub's key `primaryLocationLineHash`:
            # GitHub's uploader computes that one, and warns of every result that brings another.
            "partialFingerprints": {"argosy/v1": f"{fingerprint}:{seen[fingerprint]}"},
        }


def _location(item: JoinedFinding) -> JSON:
    location: JSON = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(item.finding.path, errors="replace"), "uriBaseId": "%SRCROOT%"},
            # GitHub asks for a line: the first one stands for the file.
            "region": {"startLine": item.finding.line or 1},
        }
    }
    names = {name: finding for finding in item.occurrences if (name := _qualified_name(finding))}
    if names:
        location["logicalLocations"] = [_logical_location(name, finding) for name, finding in names.items()]
    return location


def _qualified_name(finding: Finding) -> str:
    return "/".join(filter(None, (finding.application, finding.environment, finding.resource)))


def _logical_location(name: str, finding: Finding) -> JSON:
    short = finding.resource or finding.environment or finding.application
    kind = {"kind": "resource"} if finding.resource else {}
    return {"name": short, "fullyQualifiedName": name, **kind}
