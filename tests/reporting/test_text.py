from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest

from argosy.findings import Finding, Outcome, Place, Report, Severity, Status, Unreached
from argosy.reporting import Options, OutputFormat, format_report

CLOSING = "7 documents (3 written, 4 rendered in 2 renders): 4 passed, 1 failed, 2 skipped; 2 errors, 1 warning"


def text(report: Report, options: Options) -> str:
    return format_report(report, OutputFormat.TEXT, options)


def test_the_whole_report(report: Report, options: Options) -> None:
    assert (
        text(report, options)
        == f"""\
environments/dev/values: 50%, é.yaml:9: error: the key "replicas" is there twice [duplicate-key]
    Remove one of them.

my-app in dev, prod:
applications/my-app/charts/my-app/templates/deployment.yaml: warning: the container web has no memory limit \
(Deployment/my-app) [memory-limit]
    Set resources.limits.memory.

my-app in staging:
environments/staging/my-app: error: Helm failed: [render-failed]
    no template <b>

application  environment  documents  passed  failed  skipped  errors  warnings
my-app       dev                  2       1       0        1       0         1
my-app       prod                 2       1       0        1       0         1
my-app       staging              0       0       0        0       1         0

skipped: no schema for cert-manager.io/v1 Certificate (2 documents)
    applications/my-app/charts/my-app/templates/certificate.yaml (my-app in dev, prod)

{CLOSING}
Validation failed. Fix the errors above.
"""
    )


def test_written_files_alone_need_no_table(options: Options) -> None:
    report = Report([], [Outcome("argocd/root.yaml", Status.PASSED)], renders=0)

    assert text(report, options) == (
        "1 document (1 written, 0 rendered in 0 renders): 1 passed, 0 failed, 0 skipped; 0 errors, 0 warnings\nValid.\n"
    )


@pytest.mark.parametrize(
    ("statuses", "strict", "last"),
    [
        ([], False, "No documents found."),
        ([Status.PASSED], True, "Valid."),
        (
            [Status.PASSED, Status.SKIPPED],
            False,
            "Valid. 1 document was not checked (listed above).",
        ),
        (
            [Status.SKIPPED, Status.SKIPPED],
            True,
            "Validation failed: --strict counts 2 skipped documents as failed (listed above).",
        ),
        ([Status.SKIPPED, Status.FAILED], True, "Validation failed. Fix the errors above."),
    ],
)
def test_the_last_word_says_what_the_counts_mean(
    statuses: list[Status], strict: bool, last: str, options: Options
) -> None:
    report = Report([], [Outcome(f"{at}.yaml", status) for at, status in enumerate(statuses)], renders=0)

    assert text(report, replace(options, strict=strict)).splitlines()[-1] == last


def test_skipped_documents_are_listed_by_reason_and_the_first_few_of_each(options: Options) -> None:
    outcomes = [Outcome(f"{at}.yaml", Status.SKIPPED, "no schema") for at in range(5)]
    report = Report([], [*outcomes, Outcome("0.yaml", Status.SKIPPED, "a template")], renders=0)

    brief = text(report, options)
    verbose = text(report, replace(options, verbose=True))

    assert brief.startswith(
        "skipped: a template (1 document)\n    0.yaml\n\n"
        "skipped: no schema (5 documents)\n    0.yaml\n    1.yaml\n    2.yaml\n    and 2 more paths\n\n"
    )
    assert "    3.yaml\n    4.yaml\n\n" in verbose
    assert "more" not in verbose


def test_what_nothing_leads_to_is_counted_and_listed_if_asked_for(options: Options) -> None:
    passed = Outcome("argocd/root.yaml", Status.PASSED)
    left_out = (Unreached("b.yaml", "no Application reads it", 2), Unreached("a.yaml", "no Application reads it", 1))
    report = Report([], [passed], 0, left_out, ("fixtures/app.yaml",))

    assert text(report, options) == (
        "No root leads to the Applications in fixtures/app.yaml: they were checked all the same.\n\n"
        "3 documents that nothing leads to were not checked: --verbose lists them, --unreached checks them.\n\n"
        "1 document (1 written, 0 rendered in 0 renders): 1 passed, 0 failed, 0 skipped; 0 errors, 0 warnings; "
        "3 documents unreached\nValid.\n"
    )
    assert "\nunreached: no Application reads it (3 documents)\n    a.yaml\n    b.yaml\n" in text(
        report, replace(options, verbose=True)
    )
    assert text(replace(report, outcomes=[]), options).endswith(
        "\nNothing was checked: nothing leads to any document.\n"
    )


def test_files_that_applications_take_as_they_are_count_in_their_rows(options: Options) -> None:
    readers = (("shop", "dev"), ("shop", "prod"))
    outcomes = [
        Outcome("shop/pod.yaml", Status.FAILED, read_by=readers),
        Outcome("shop/extra.yaml", Status.PASSED, read_by=readers[:1]),
        Outcome("web/templates/pod.yaml", Status.PASSED, "", "shop", "dev", is_rendered=True),
        Outcome("argocd/root.yaml", Status.PASSED),
    ]
    report = Report([Finding("kubernetes-schema", Severity.ERROR, "no kind", "shop/pod.yaml")], outcomes, renders=1)
    rows = re.findall(r"^shop .*", text(report, options), re.MULTILINE)
    assert [row.split() for row in rows] == [
        ["shop", "dev", "3", "2", "1", "0", "1", "0"],
        ["shop", "prod", "1", "0", "1", "0", "1", "0"],
    ]


def test_of_many_renders_only_those_with_something_to_say_have_a_row(options: Options) -> None:
    outcomes = [Outcome("a", Status.PASSED, "", f"app-{at:02}", "dev") for at in range(30)]
    finding = Finding("memory-limit", Severity.WARNING, "no limit", "a", application="app-07", environment="dev")
    report = Report([finding], outcomes, renders=30)

    brief = text(report, options)
    verbose = text(report, replace(options, verbose=True))

    assert re.findall(r"^app-\d\d(?= +dev)", brief, re.MULTILINE) == ["app-07"]
    assert "29 Applications passed without a finding: --verbose lists them.\n" in brief
    assert len(re.findall(r"^app-\d\d(?= +dev)", verbose, re.MULTILINE)) == 30


def test_a_shared_finding_names_each_application_and_each_resource_once(options: Options) -> None:
    also = (
        Place("base", None, "web", "dev", "Deployment/web"),
        Place("base", None, "web", "prod", "Deployment/web"),
    )
    finding = Finding(
        "memory-limit", Severity.WARNING, "no limit", "base", None, "", "api", "dev", "Deployment/api", also
    )

    assert text(Report([finding], [], renders=3), options).startswith(
        "api in dev; web in dev, prod:\nbase: warning: no limit (Deployment/api, Deployment/web) [memory-limit]\n\n"
    )


def test_neither_the_terminal_nor_other_peoples_text_is_obeyed(
    options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = "a \x1b[2J[bold]:warning:\x07 " + "long " * 50 + "\r\nnext\u009b"
    report = Report([Finding("duplicate-key", Severity.ERROR, message, "a.yaml", 1)], [], renders=0)
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("FORCE_COLOR", "1")

    assert text(report, options).startswith(
        "a.yaml:1: error: a \\u001b[2J[bold]:warning:\\u0007 " + "long " * 50 + " [duplicate-key]\n    next\\u009b\n\n"
    )


def test_colour_changes_nothing_but_colour(report: Report, options: Options) -> None:
    coloured = text(report, replace(options, colour=True))

    assert "\x1b[1;31merror: \x1b[0m" in coloured
    assert "\x1b[1;33mwarning: \x1b[0m" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == text(report, options)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_only_a_terminal_gets_colour_and_not_against_its_users_will(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert Options.of(Terminal(), version="1").colour
    assert not Options.of(io.StringIO(), version="1").colour
    monkeypatch.setenv("TERM", "dumb")
    assert not Options.of(Terminal(), version="1").colour
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not Options.of(Terminal(), version="1").colour
