from __future__ import annotations

from argosy.findings import Finding, Report, Severity
from argosy.reporting import Options, OutputFormat, format_report


def test_the_whole_report(report: Report, options: Options) -> None:
    assert (
        format_report(report, OutputFormat.GITHUB, options)
        == """\
::warning file=applications/my-app/charts/my-app/templates/deployment.yaml,title=memory-limit::\
the container web has no memory limit%0ASet resources.limits.memory.%0AFound in my-app in dev, prod.
::error file=environments/dev/values%3A 50%25%2C é.yaml,line=9,title=duplicate-key::\
the key "replicas" is there twice%0ARemove one of them.
::error file=environments/staging/my-app,title=render-failed::\
Helm failed:%0Ano template <b>%0AFound in my-app in staging.
7 documents (3 written, 4 rendered in 2 renders): 4 passed, 1 failed, 2 skipped; 2 errors, 1 warning
Validation failed. Fix the errors above.
"""
    )


def test_no_text_can_end_its_command_or_begin_another(options: Options) -> None:
    finding = Finding("duplicate-key", Severity.ERROR, "100%0A\r\n::stop-commands::x\ry", "a\nb,line=1::c.yaml")

    first, *others = format_report(Report([finding], [], renders=0), OutputFormat.GITHUB, options).splitlines()

    assert first == (
        "::error file=a%0Ab%2Cline=1%3A%3Ac.yaml,title=duplicate-key::100%250A%0A::stop-commands::x\\u000dy"
    )
    assert not any(line.startswith("::") for line in others)
