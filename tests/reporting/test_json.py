from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from argosy.findings import Finding, Outcome, Place, Report, Severity, Status
from argosy.reporting import Options, OutputFormat, format_report


def test_what_a_terminal_obeys_is_harmless_to_who_prints_a_message() -> None:
    finding = Finding("duplicate-key", Severity.ERROR, "a \x1b[2J twice", "a.yaml", hint="Next\u202e.\nThen.")
    assert (finding.message, finding.hint) == (r"a \u001b[2J twice", "Next\\u202e.\nThen.")


def test_the_whole_report(options: Options) -> None:
    findings = [
        Finding(
            "memory-limit",
            Severity.WARNING,
            "no limit",
            "b.yaml",
            None,
            "",
            "my-app",
            "dev",
            "Deployment/web",
            also=(Place("b.yaml", None, "my-app", "prod", "Deployment/web"),),
        ),
        Finding("duplicate-key", Severity.ERROR, 'twice: "é"', "a.yaml", 9, "Remove one."),
    ]
    known = [Finding("image-tag", Severity.WARNING, "no tag", "c.yaml", 3, known="a sandbox")]
    outcomes = [
        Outcome("b.yaml", Status.PASSED, "", "my-app", "dev"),
        Outcome("b.yaml", Status.SKIPPED, "no schema", "my-app", "dev"),
        Outcome("a.yaml", Status.FAILED),
    ]

    assert (
        format_report(Report(findings, outcomes, renders=1, known=known), OutputFormat.JSON, options)
        == """\
{
  "schemaVersion": 1,
  "kind": "Validation",
  "summary": {
    "documents": 3,
    "passed": 1,
    "failed": 1,
    "skipped": 1,
    "renders": 1,
    "errors": 1,
    "warnings": 1,
    "unreached": 0,
    "known": 1
  },
  "findings": [
    {
      "rule": "duplicate-key",
      "severity": "error",
      "path": "a.yaml",
      "line": 9,
      "message": "twice: \\"\\u00e9\\"",
      "hint": "Remove one.",
      "application": "",
      "environment": "",
      "resource": "",
      "also": []
    },
    {
      "rule": "memory-limit",
      "severity": "warning",
      "path": "b.yaml",
      "line": null,
      "message": "no limit",
      "hint": "",
      "application": "my-app",
      "environment": "dev",
      "resource": "Deployment/web",
      "also": [
        {
          "path": "b.yaml",
          "line": null,
          "application": "my-app",
          "environment": "prod",
          "resource": "Deployment/web"
        }
      ]
    }
  ],
  "known": [
    {
      "rule": "image-tag",
      "severity": "warning",
      "path": "c.yaml",
      "line": 3,
      "message": "no tag",
      "hint": "",
      "application": "",
      "environment": "",
      "resource": "",
      "also": [],
      "reason": "a sandbox"
    }
  ],
  "skipped": [
    {
      "path": "b.yaml",
      "reason": "no schema",
      "application": "my-app",
      "environment": "dev"
    }
  ],
  "unrooted": [],
  "engines": []
}
"""
    )


def test_an_empty_report_has_empty_lists(options: Options) -> None:
    assert format_report(Report([], [], renders=0), OutputFormat.JSON, options).endswith(
        '"findings": [],\n  "known": [],\n  "skipped": [],\n  "unrooted": [],\n  "engines": []\n}\n'
    )


def test_machines_do_not_wait_for_rich() -> None:
    imports = "import sys, argosy.reporting.as_json, argosy.reporting.progress; sys.exit('rich' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", imports], cwd=Path(__file__).parents[2], check=False).returncode == 0
