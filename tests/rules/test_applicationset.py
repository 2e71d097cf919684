"""Rules of ApplicationSets, called one by one."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.argocd.view import View
from tests.rules.subjects import TWO, application_set, problems

NESTED = f"generators: [{{matrix: {{{TWO}}}}}, {{list: {{}}}}]"
DEEP = f"generators: [{{matrix: {{{NESTED}}}}}, {{list: {{}}}}]"
SET_CASES = [
    ("matrix-children", "{generators: [{matrix: {generators: [{git: {}}]}}]}", 1),
    ("matrix-children", "{generators: [{matrix: {generators: [{git: {}}, {list: {}}, {list: {}}]}}]}", 1),
    ("matrix-children", "{generators: [{matrix: {generators: [{git: {}}, {git: {}, list: {}}]}}]}", 1),
    ("matrix-children", f"{{generators: [{{merge: {{generators: [{{matrix: {{{TWO}}}}}, {{list: {{}}}}]}}}}]}}", 0),
    ("matrix-children", f"{{generators: [{{matrix: {{{DEEP}}}}}]}}", 1),
    ("matrix-children", f"{{generators: [{{matrix: {{{TWO}}}}}]}}", 0),
    ("merge-children", "{generators: [{merge: {mergeKeys: [a], generators: [{list: {}}]}}]}", 1),
    ("merge-children", f"{{generators: [{{merge: {{{TWO}}}}}]}}", 1),
    ("merge-children", f"{{generators: [{{merge: {{mergeKeys: [a], {TWO}}}}}]}}", 0),
    ("missing-key-silent", "{goTemplate: true, template: {}}", 1),
    ("missing-key-silent", "{goTemplate: true, goTemplateOptions: [missingkey=zero]}", 1),
    ("missing-key-silent", "{template: {metadata: {name: '{{x}}'}}}", 1),
    ("missing-key-silent", "{template: {metadata: {name: x}}}", 0),
    ("missing-key-silent", "{goTemplate: true, goTemplateOptions: [missingkey=error]}", 0),
    ("preserve-misplaced", "{template: {spec: {syncPolicy: {preserveResourcesOnDeletion: true}}}}", 1),
    ("preserve-misplaced", "{syncPolicy: {preserveResourcesOnDeletion: true}}", 0),
    ("patch-changes-project", r'{templatePatch: "spec:\n  project: {{.team}}\n"}', 1),
    ("patch-changes-project", r'{templatePatch: "{\"spec\": {\"project\": \"a\"}}"}', 1),
    ("patch-changes-project", r'{templatePatch: "spec:\n  {{- if .a }}\n  project: a\n  {{- end }}\n  x: y\n"}', 1),
    ("patch-changes-project", r'{templatePatch: "metadata:\n  labels:\n    project: {{.a}}\nspec:\n  a: b"}', 0),
    ("patch-changes-project", r'{templatePatch: "{{ range .a }}: ["}', 0),
]


@pytest.mark.parametrize(("rule", "spec", "count"), SET_CASES)
def test_rule_about_an_application_set(rule: str, spec: str, count: int, tmp_path: Path) -> None:
    assert len(problems(rule, application_set(spec), View(tmp_path))) == count
