"""Go templates are rendered in batches."""

from __future__ import annotations

import pytest

from argosy.helm import GoTemplateError, Helm


class TestGoTemplates:
    def test_rows(self, helm: Helm) -> None:
        texts = ["{{ .x }}", '{{ include "up" $.y }}\n  "<&>: {{ .z }}']
        rows = helm.go_templates(
            texts, [{"x": 1, "y": "a"}, {"x": "é", "y": "b"}], '{{ define "up" }}{{ upper . }}{{ end }}'
        )
        assert rows == [["1", 'A\n  "<&>: <no value>'], ["é", 'B\n  "<&>: <no value>']]

    def test_nothing(self, helm: Helm) -> None:
        assert helm.go_templates(["x"], []) == []

    @pytest.mark.parametrize(
        ("text", "index", "parsing", "message"),
        [
            ("{{ .x.y.z }}", 1, False, ".x.y.z: can't evaluate field y in type interface {}"),
            ("{{ nonsense }}", 1, True, 'function "nonsense" not defined'),
            ('{{ fail "said" }}', -1, False, "said"),
        ],
    )
    def test_failures(self, helm: Helm, text: str, index: int, parsing: bool, message: str) -> None:
        with pytest.raises(GoTemplateError) as caught:
            helm.go_templates(["fine", text], [{"x": 1}])
        assert (caught.value.text, caught.value.parsing, str(caught.value)) == (index, parsing, message)
