"""What is no YAML, but a template, is known for one."""

import pytest

from argosy.documents import DefectKind, parse
from argosy.documents.syntax import closed, with_actions
from tests.documents.texts import defect, only


@pytest.mark.parametrize(
    "text",
    [
        "name: {{ .Release.Name }}\n",
        "image: {{ .Values.image }}:{{ .Values.tag }}\n",
        "{{- if .Values.on }}\nkind: A\n{{- end }}\n",
        "labels:\n{{ include `x` . | indent 2 }}\nname: a\n",
        "{{- range .Values.all }}\n---\nname: {{ .name }}\n{{- end }}\n",
        "{{- /* a: b: */ -}}\nkind: A\n",
        "blocks:\n  {% for each in pool %}\n  - cidr: {{ each }}\n  {% endfor %}\n",
        "kind: A\n<#if a.b??>\nname: ${a.b}\n<#else>\nname: c\n</#if>\n<#-- d -->\n",
    ],
)
def test_a_helm_template_is_known_and_gives_no_documents(text: str) -> None:
    parsed = parse(text, "templates/a.yaml")
    assert parsed.documents == ()
    assert [each.kind for each in parsed.defects] == [DefectKind.HELM_TEMPLATE]


def test_text_with_actions_that_is_yaml_is_no_template() -> None:
    text = "name: '{{ .name }}'\nurl: https://{{ .host }}/\npatch: |\n  {{- if .x }}\n  a: 1\n  {{- end }}\n"
    assert only(parse(text, "a.yaml")).data["name"] == "{{ .name }}"


def test_a_mistake_beside_quoted_actions_is_a_mistake() -> None:
    assert defect("name: '{{ .name }}'\na: b: c\n").kind is DefectKind.YAML_SYNTAX


def test_actions_are_replaced_in_linear_time() -> None:
    assert with_actions("a{{ {{ b }}c{{d}}e{{f", "-") == "a-c-e{{f"
    assert with_actions("{{ x " * 300_000, "-") == "{{ x " * 300_000
    assert closed("a}}b") == "a}}"
    assert closed("a{{b") == ""
