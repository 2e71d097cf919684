from __future__ import annotations

from xml.etree.ElementTree import fromstring

from argosy.findings import Finding, Outcome, Report, Severity, Status
from argosy.reporting import Options, OutputFormat, format_report


def test_the_whole_report(report: Report, options: Options) -> None:
    assert (
        format_report(report, OutputFormat.JUNIT, options)
        == """\
<?xml version='1.0' encoding='us-ascii'?>
<testsuites name="argosy" tests="8" failures="2" skipped="2">
  <testsuite name="repository" tests="3" failures="1" skipped="0">
    <testcase name="argocd/root.yaml" classname="repository" />
    <testcase name="environments/dev/values: 50%, &#233;.yaml (document 1)" classname="repository" />
    <testcase name="environments/dev/values: 50%, &#233;.yaml (document 2)" classname="repository">
      <failure message="the key &quot;replicas&quot; is there twice" type="duplicate-key">\
environments/dev/values: 50%, &#233;.yaml:9: error: the key "replicas" is there twice (Service/web) [duplicate-key]
Remove one of them.</failure>
    </testcase>
  </testsuite>
  <testsuite name="my-app/dev" tests="2" failures="0" skipped="1">
    <testcase name="applications/my-app/charts/my-app/templates/certificate.yaml" classname="my-app/dev">
      <skipped message="no schema for cert-manager.io/v1 Certificate" />
    </testcase>
    <testcase name="applications/my-app/charts/my-app/templates/deployment.yaml" classname="my-app/dev">
      <system-out>applications/my-app/charts/my-app/templates/deployment.yaml: warning: \
the container web has no memory limit (Deployment/my-app) [memory-limit]
Set resources.limits.memory.</system-out>
    </testcase>
  </testsuite>
  <testsuite name="my-app/prod" tests="2" failures="0" skipped="1">
    <testcase name="applications/my-app/charts/my-app/templates/certificate.yaml" classname="my-app/prod">
      <skipped message="no schema for cert-manager.io/v1 Certificate" />
    </testcase>
    <testcase name="applications/my-app/charts/my-app/templates/deployment.yaml" classname="my-app/prod">
      <system-out>applications/my-app/charts/my-app/templates/deployment.yaml: warning: \
the container web has no memory limit (Deployment/my-app) [memory-limit]
Set resources.limits.memory.</system-out>
    </testcase>
  </testsuite>
  <testsuite name="my-app/staging" tests="1" failures="1" skipped="0">
    <testcase name="environments/staging/my-app" classname="my-app/staging">
      <failure message="Helm failed:&#10;no template &lt;b&gt;" type="render-failed">\
environments/staging/my-app: error: Helm failed:
no template &lt;b&gt; [render-failed]</failure>
    </testcase>
  </testsuite>
</testsuites>
"""
    )


def test_the_first_failed_document_of_a_file_carries_its_errors(options: Options) -> None:
    findings = [Finding("duplicate-key", Severity.ERROR, f"problem {at}", "a.yaml", at) for at in (3, 1, 2)]
    outcomes = [Outcome("a.yaml", status) for status in (Status.PASSED, Status.FAILED, Status.FAILED)]

    root = fromstring(format_report(Report(findings, outcomes, renders=0), OutputFormat.JUNIT, options))

    assert [case.get("name") for case in root.iter("testcase")] == [f"a.yaml (document {at})" for at in (1, 2, 3)]
    assert [failure.get("message") for failure in root.iter("failure")] == [
        "problem 1 (and 2 more errors)",
        "See the other failures of this file.",
    ]
    assert root.attrib == {"name": "argosy", "tests": "3", "failures": "2", "skipped": "0"}


def test_errors_that_no_failed_document_explains_are_a_case_of_their_own(options: Options) -> None:
    findings = [
        Finding("duplicate-key", Severity.ERROR, "of the file", "a.yaml"),
        Finding("memory-limit", Severity.WARNING, "of no document", "b.yaml"),
    ]

    root = fromstring(
        format_report(Report(findings, [Outcome("a.yaml", Status.PASSED)], 0), OutputFormat.JUNIT, options)
    )

    assert [(case.get("name"), [child.tag for child in case]) for case in root.iter("testcase")] == [
        ("a.yaml (file)", ["failure"]),
        ("a.yaml", []),
        ("b.yaml", ["system-out"]),
    ]


def test_characters_that_xml_forbids_are_written_out(options: Options) -> None:
    finding = Finding("duplicate-key", Severity.ERROR, "a\x00b\x1bc\ud800d\uffffe]]>&", "é.yaml")

    text = format_report(Report([finding], [], renders=0), OutputFormat.JUNIT, options)

    assert text.isascii()
    assert next(fromstring(text).iter("failure")).get("message") == r"a\u0000b\u001bc\ud800d\uffffe]]>&"
