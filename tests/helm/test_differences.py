"""What a template can tell of a null, where Helm's versions differ."""

from __future__ import annotations

import pytest

from argosy.helm.differences import _is_seen, _is_several


@pytest.mark.parametrize(
    ("path", "template", "seen"),
    [
        ("a.b", "{{ toYaml .Values.a | nindent 2 }}", True),
        ("a.b", "{{ .Values.a | toYaml }}", True),
        ("a.b", "{{ range $k, $v := .Values.a }}", True),
        ("a.b", '{{ include "x" (merge .Values.a .Values.c) }}', True),
        ("a.b", "{{- with .Values.a }}\nx: {{- toYaml . | nindent 2 }}\n{{- end }}", True),
        ("a", "{{ toYaml .Values }}", True),
        ("a", '{{ hasKey .Values "a" }}', True),
        ("a.b", "{{ .Values.a.c | toYaml }}", False),
        ("a.b", "{{- with .Values.a }}\nx: {{ .b }}\n{{- end }}", False),
        ("a.b", "{{- with index $.Values.a $key }}{{ end }}", False),
        ("a.b", "{{ toJson .Values.seen }}", False),
        ("a.b", "{{ range .Values.list }}{{ .Values.a }}", False),
        ("a", "{{ with index $.Values $key }}", False),
        ("a", "{{ toYaml .Values.c }}", False),
        ("a", '{{ hasKey .Values "ab" }}', False),
        ("a", '{{ kindIs "invalid" .Values.a }}{{ .Values.a | default 1 }}', False),
    ],
)
def test_which_nulls_a_template_sees(path: str, template: str, seen: bool) -> None:
    assert _is_seen(path.split("."), [template]) is seen


@pytest.mark.parametrize(
    ("text", "several"),
    [
        ("a: 1\n---\nb: 2\n", True),
        ("---\na: 1\n---\n# b: 2\n", False),
        ("a: |\n  x\n  ---\n", False),
        ("---\na: 1\n", False),
    ],
)
def test_which_values_have_several_documents(text: str, several: bool) -> None:
    assert _is_several(text) is several
