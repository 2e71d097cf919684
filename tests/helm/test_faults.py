"""Helm's errors name the file, the line and the cause."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.helm import Helm, Release
from argosy.helm.faults import cause
from tests.helm.releases import chart, faults


class TestTemplateFaults:
    @pytest.mark.parametrize(
        ("template", "message", "place", "line"),
        [
            ('a: 1\nb: {{ required "Set x." .Values.x }}\n', "Set x.", "web/templates/a.yaml", 2),
            (
                'a: {{ include "deep" . }}\n',
                ".Values.a.b.c: nil pointer evaluating interface {}.b",
                "web/templates/_p.tpl",
                2,
            ),
            ('\na: {{ include "gone" . }}\n', 'include "gone" .: no template "gone"', "web/templates/a.yaml", 2),
            ("\n\na: {{ nonsense }}\n", 'function "nonsense" not defined', "web/templates/a.yaml", 3),
        ],
    )  # fmt: skip
    def test_file_line_and_cause(  # noqa: PLR0917 - a parameter a column of the table
        self, helm: Helm, tmp_path: Path, template: str, message: str, place: str, line: int
    ) -> None:
        files = {"templates/a.yaml": template, "templates/_p.tpl": '{{ define "deep" }}\n{{ .Values.a.b.c }}{{ end }}'}
        assert faults(helm, Release(chart(tmp_path / "web", files), "r")) == [(message, place, line)]

    def test_broken_chart_yaml(self, helm: Helm, tmp_path: Path) -> None:
        ((message, path, line),) = faults(helm, Release(chart(tmp_path / "web", {}, extra="a: [\n"), "r"))
        assert message.startswith("This is not valid YAML: ")
        assert (path, line) == ("web/Chart.yaml", 4)


def test_what_is_long_is_read_once() -> None:
    """A stranger writes words of any length into a chart, and Helm quotes them."""
    word, folders, digits = "x" * 200_000, "/charts" * 30_000, "1" * 5000
    for said in (word, f"a{folders}", f"{word}/templates/a.yaml", f"web/templates/a.yaml:{digits}: no"):
        assert cause(said) == ("", None, said)
    assert cause(f"{word}/templates/a.yaml:3:4: executing at <.a>: no") == (f"{word}/templates/a.yaml", 3, ".a: no")
    many = "at < " * 100_000
    assert cause(f"web/templates/a.yaml:3: {many}") == ("web/templates/a.yaml", 3, many.strip())
    assert cause(f"execution error at (web/templates/a.yaml:{digits}): no")[1] is None
    assert cause(f"YAML parse error on web/templates/a.yaml: yaml: line {digits}: no")[1] is None
