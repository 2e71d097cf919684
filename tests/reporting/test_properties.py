"""What holds for every report, whatever other people's text is in it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict, replace
from xml.etree.ElementTree import fromstring

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argosy.findings import Finding, Outcome, Place, Report, Severity, Status
from argosy.reporting import Options, OutputFormat, format_report, is_valid

OPTIONS = Options(version="1")
TEXT = st.text(st.characters(), max_size=20)
"""Any characters, lone surrogates as well: a JSON string can hold them."""
PATHS = st.sampled_from(["a.yaml", "b/c.yaml"]) | TEXT
RENDERS = st.sampled_from([("", ""), ("web", "dev"), ("web", "prod")])

places = st.builds(
    lambda path, line, render, resource: Place(path, line, render[0], render[1], resource),
    PATHS,
    st.none() | st.integers(1, 9),
    RENDERS,
    TEXT,
)
findings = st.builds(
    lambda rule, severity, message, path, line, hint, render, resource, also: Finding(
        rule, severity, message, path, line, hint, render[0], render[1], resource, tuple(also)
    ),
    st.sampled_from(["duplicate-key", "memory-limit"]),
    st.sampled_from(Severity),
    TEXT,
    PATHS,
    st.none() | st.integers(1, 9),
    TEXT,
    RENDERS,
    TEXT,
    st.lists(places, max_size=3),
)
outcomes = st.builds(
    lambda path, status, reason, render: Outcome(path, status, reason, render[0], render[1]),
    PATHS,
    st.sampled_from(Status),
    TEXT,
    RENDERS,
)
reports = st.builds(Report, st.lists(findings, max_size=6), st.lists(outcomes, max_size=6), st.integers(0, 3))

for_every_report: Callable[[Callable[..., None]], Callable[..., None]] = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)


@for_every_report
@given(reports)
def test_json_says_everything(report: Report) -> None:
    document = json.loads(format_report(report, OutputFormat.JSON, OPTIONS))

    def key(finding: dict[str, object]) -> str:
        return json.dumps(finding, sort_keys=True)

    said = [{name: value for name, value in asdict(each).items() if name != "known"} for each in report.findings]
    assert sorted(document["findings"], key=key) == sorted(json.loads(json.dumps(said)), key=key)
    assert len(document["skipped"]) == document["summary"]["skipped"] == report.count(Status.SKIPPED)


@for_every_report
@given(reports)
def test_sarif_locates_every_finding(report: Report) -> None:
    (run,) = json.loads(format_report(report, OutputFormat.SARIF, OPTIONS))["runs"]

    results = run["results"]
    marks = [result["partialFingerprints"]["argosy/v1"] for result in results]
    assert {result["ruleId"] for result in results} == {finding.rule for finding in report.findings}
    assert all(run["tool"]["driver"]["rules"][each["ruleIndex"]]["id"] == each["ruleId"] for each in results)
    assert all(each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].isascii() for each in results)
    assert len(set(marks)) == len(marks)


@for_every_report
@given(reports)
def test_junit_is_xml_that_counts_right(report: Report) -> None:
    root = fromstring(format_report(report, OutputFormat.JUNIT, OPTIONS))

    for element in (root, *root):
        for attribute, tag in {"tests": "testcase", "failures": "failure", "skipped": "skipped"}.items():
            assert element.get(attribute) == str(len(list(element.iter(tag))))
    assert root.get("skipped") == str(report.count(Status.SKIPPED))
    assert (root.get("failures") == "0") == is_valid(report, strict=False)
    assert len(list(root.iter("testcase"))) >= len(report.outcomes)


@for_every_report
@given(reports)
def test_github_reads_one_command_from_each_annotation(report: Report) -> None:
    *commands, _closing, _verdict = format_report(report, OutputFormat.GITHUB, OPTIONS).removesuffix("\n").split("\n")

    assert all(re.fullmatch(r"::(error|warning) file=[^,:]*(,line=\d)?,title=[a-z-]+::.*", each) for each in commands)
    assert len(commands) == len(report.findings)


@for_every_report
@given(reports)
def test_text_has_no_character_that_a_terminal_obeys(report: Report) -> None:
    text = format_report(report, OutputFormat.TEXT, OPTIONS)

    assert re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text) is None
    text.encode()


@for_every_report
@given(reports, st.data())
def test_the_order_of_the_findings_makes_no_difference(report: Report, data: st.DataObject) -> None:
    shuffled = replace(report, findings=data.draw(st.permutations(report.findings)))

    for each in OutputFormat:
        assert format_report(shuffled, each, OPTIONS) == format_report(report, each, OPTIONS), each
