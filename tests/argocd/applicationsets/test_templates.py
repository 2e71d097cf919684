"""Templates are rendered as Argo CD renders them, and what is wrong with them is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.argocd.applicationsets import Flaw
from tests.argocd.applicationsets.sets import application_set, expanded, messages, names


class TestTemplates:
    LIST = "- list: {elements: [{name: a, m: {k: v}, flag: false, none: null}]}"

    @pytest.mark.parametrize(
        ("template", "expected"),
        [
            ("{{ .m.k }}", "v"),
            ("{{ $.m.k }}{{ with .m }}{{ .k }}{{ $.name }}{{ end }}", "vva"),
            ("{{ $x := .m }}{{ $x.k }}{{ (.m).k }}{{ (index . \"m\").k }}", "vvv"),
            ("{{ if .flag }}{{ .absent }}{{ else }}off{{ end }}", "off"),
            ("{{ get .m \"absent\" | default \"d\" }}{{ dig \"m\" \"z\" \"e\" . }}", "de"),
            ("{{ range $k, $v := .m }}{{ $k }}={{ $v }}{{ end }}", "k=v"),
            ("{{/* .absent }} */}}{{ print `}}.absent` }}", "}}.absent"),
            ("{{- \" A_b..\" | normalize -}}{{ normalize \"C D\" }}", "a-bc-d"),
            ("{{ .flag }}", "false"),
        ],
    )  # fmt: skip
    def test_go_template(self, tmp_path: Path, template: str, expected: str) -> None:
        text = application_set(self.LIST, template.replace("'", "''"))
        assert names(expanded(tmp_path, text)) == [expected]

    @pytest.mark.parametrize(
        ("template", "message"),
        [
            ("{{ .absent }}", 'map has no entry for key "absent"'),
            ("{{ .m.absent | upper }}", 'map has no entry for key "absent"'),
            ("{{ if .absent }}{{ end }}", 'map has no entry for key "absent"'),
            ("{{ with .m }}{{ .name }}{{ end }}", 'map has no entry for key "name"'),
            ("{{ tpl .name . }}", 'function "tpl" not defined'),
            ("{{ nonsense }}", 'function "nonsense" not defined'),
            ("{{ if }}", "missing value for if"),
            ('{{ fail "no" }}', "no"),
        ],
    )
    def test_failures_name_the_field(self, tmp_path: Path, template: str, message: str) -> None:
        text = application_set(self.LIST, template)
        assert messages(expanded(tmp_path, text)) == [
            (Flaw.TEMPLATE, ("spec", "template", "metadata", "name"), f"The template “{template}” fails: {message}.")
        ]

    def test_without_missingkey_error_no_value_is_reported(self, tmp_path: Path) -> None:
        text = application_set(self.LIST, "{{ .absent }}").replace("missingkey=error", "missingkey=default")
        expansion = expanded(tmp_path, text)
        assert expansion.applications[0].name == "<no value>"
        assert messages(expansion)[0][:2] == (Flaw.TEMPLATE, ("spec", "template", "metadata", "name"))

    @pytest.mark.parametrize(
        ("template", "expected"),
        [
            ("{{ }}-{{name}}", "{{ }}-a"),
            ("{{{name}}}-{{ {{name}}", "{{{name}}}-{{ {{name}}"),
            # Only where some line has a whole action, another one may span several.
            (r"{{\nname}}", "{{\nname}}"),
            (r"{{name}}-{{\nname}}", "a-a"),
        ],
    )
    def test_without_go_template(self, tmp_path: Path, template: str, expected: str) -> None:
        text = application_set("- list: {elements: [{name: a, '': x}]}", go=False).replace(
            "'{{ .name }}'", f'"{template}"'
        )
        assert [each.name for each in expanded(tmp_path, text).applications] == [expected]

    def test_without_go_template_unknown_parameters_stay(self, tmp_path: Path) -> None:
        text = application_set("- list: {elements: [{name: a}]}", "{{name}}-{{ .name }}", go=False)
        expansion = expanded(tmp_path, text)
        assert expansion.applications[0].name == "a-{{ .name }}"
        assert messages(expansion) == [
            (
                Flaw.TEMPLATE,
                ("spec", "template", "metadata", "name"),
                "No generator gives the parameter “.name”: Argo CD leaves {{.name}} as it is.",
            )
        ]

    def test_keys_are_rendered_and_other_values_are_not(self, tmp_path: Path) -> None:
        extra = """
              labels: {'{{ .name }}/x': z}
            spec: {revisionHistoryLimit: 3, info: [{name: i, value: '{{ .m.k }}'}]}
        """
        (application,) = expanded(tmp_path, application_set(self.LIST, extra=extra)).applications
        assert application.metadata["labels"] == {"a/x": "z"}
        assert application.spec == {"revisionHistoryLimit": 3, "info": [{"name": "i", "value": "v"}]}

    def test_generator_template_comes_first(self, tmp_path: Path) -> None:
        text = application_set(
            """
            - list:
                elements: [{name: a}]
                template: {metadata: {labels: {from: generator}}, spec: {project: own, destination: {}}}
            """,
            extra="""
              labels: {from: set, also: set}
            spec: {project: base, destination: {name: x}}
            """,
        )
        (application,) = expanded(tmp_path, text).applications
        assert application.metadata["labels"] == {"from": "generator", "also": "set"}
        assert application.spec == {"project": "own", "destination": {"name": "x"}}

    def test_what_does_not_end_is_one_problem(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        endless = "{{ .name }}" + "{{ range until 1000 }}" * 4 + "{{ end }}" * 4
        lists = "- list: {elements: [{name: a}, {name: b}]}\n- list: {elements: [{name: c}]}\n"
        monkeypatch.setenv("ARGOSY_RENDER_TIMEOUT", "0.1")
        expansion = expanded(tmp_path, application_set(lists, endless))
        expected = (Flaw.TEMPLATE, ("spec", "template"), "Rendering did not end within 0.1 seconds.")
        assert messages(expansion) == [expected]
        assert not expansion.applications
