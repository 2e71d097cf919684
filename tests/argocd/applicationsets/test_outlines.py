"""What is known of Applications whose generators ask for what is not here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from argosy import tree
from argosy.argocd import configuration, deployed, deployments
from argosy.tree import as_text
from tests.argocd.applicationsets.sets import application_set, expanded, messages
from tests.argocd.test_reach import URL, chart, config_map
from tests.validating import Validate

CLUSTERS = "clusters: {selector: {matchLabels: {env: prod}}}"
PLUGIN = "plugin: {configMapRef: {name: told}}"


@pytest.mark.parametrize(
    ("generators", "name", "go", "expected"),
    [
        # Nothing of it is known, but for what names no parameter.
        (f"- {CLUSTERS}", "shop-{{name}}", False, ["shop-{{name}}"]),
        (f"- {CLUSTERS}", '{{ printf "%s" "shop" }}-{{ .name }}', True, ["shop-{{ .name }}"]),
        # What a generator says itself is known, but for what its own parameters decide.
        ("- clusters: {values: {tier: gold, at: '{{name}}'}}", "{{values.tier}}-{{values.at}}", False,
         ["gold-{{values.at}}"]),
        ("- clusters: {values: {tier: gold, at: '{{ .name }}'}}", "{{ .values.tier }}-{{ .values.at }}", True,
         ["gold-{{ .values.at }}"]),
        # The known part of a matrix is expanded, whichever of the two it is.
        (f"- matrix: {{generators: [{{list: {{elements: [{{app: a}}, {{app: b}}]}}}}, {{{CLUSTERS}}}]}}",
         "{{app}}-{{name}}", False, ["a-{{name}}", "b-{{name}}"]),
        (f"- matrix: {{generators: [{{{CLUSTERS}}}, {{list: {{elements: [{{app: a, name: x}}, {{app: b}}]}}}}]}}",
         "{{ .app }}-{{ .name }}", True, ["a-{{ .name }}", "b-{{ .name }}"]),
        # A second child that asks for a parameter of the first is not known either.
        (f"- matrix: {{generators: [{{{CLUSTERS}}}, {{list: {{elements: [{{app: '{{{{name}}}}'}}]}}}}]}}",
         "{{app}}-{{name}}", False, ["{{app}}-{{name}}"]),
        # Of a merge the keys are known: others may be changed by what is not.
        (f"- merge: {{mergeKeys: [app], generators: [{{list: {{elements: [{{app: a, x: z}}]}}}}, {{{PLUGIN}}}]}}",
         "{{app}}-{{x}}", False, ["a-{{x}}"]),
        (f"- merge: {{mergeKeys: [app], generators: [{{{PLUGIN}}}, {{list: {{elements: [{{app: a, x: z}}]}}}}]}}",
         "{{ .app }}-x", True, ["{{ .app }}-x"]),
        # Control structures, all parameters at once, and functions that look for one.
        (f"- {CLUSTERS}", "{{ if .name }}a{{ end }}", True, ["{{ if .name }}a{{ end }}"]),
        (f"- {CLUSTERS}", '{{ if hasKey . "name" }}a{{ end }}', True, ['{{ if hasKey . "name" }}a{{ end }}']),
        (f"- {CLUSTERS}", '{{ index . "name" | replace "." "-" }}', True, ['{{ index . "name" | replace "." "-" }}']),
        # One that is filtered by what is not known may be there.
        (f"- {CLUSTERS}\n  selector: {{matchLabels: {{name: a}}}}", "{{name}}", False, ["{{name}}"]),
    ],
)  # fmt: skip
def test_names(generators: str, name: str, go: bool, expected: list[str], tmp_path: Path) -> None:
    expansion = expanded(tmp_path, application_set(generators, name.replace("'", "''"), go=go))
    assert [each.name for each in expansion.outlines] == expected
    assert [*expansion.applications, *messages(expansion)] == []
    assert " asks for " in expansion.skipped


def test_what_is_known_beside_it_is_made(tmp_path: Path) -> None:
    both = expanded(tmp_path, application_set(f"- {CLUSTERS}\n- list: {{elements: [{{name: a}}]}}"))
    assert [[each.name for each in several] for several in (both.applications, both.outlines)] == [
        ["a"],
        ["{{ .name }}"],
    ]
    empty = f"- matrix: {{generators: [{{list: {{elements: []}}}}, {{{CLUSTERS}}}]}}"
    assert [each[2] for each in messages(expanded(tmp_path, application_set(empty)))] == [
        "The generator yields nothing: its list is empty."
    ]


def test_more_sets_than_may_fail_are_tried(tmp_path: Path) -> None:
    elements = ", ".join(f"{{app: a{number}}}" for number in range(30))
    second = "{clusters: {values: {x: '{{ .app }}-{{ .name }}'}}}"
    text = f"- matrix: {{generators: [{{list: {{elements: [{elements}]}}}}, {second}]}}"
    assert len(expanded(tmp_path, application_set(text, "{{ .app }}-{{ .values.x }}")).outlines) == 30


SET = f"""\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {{name: shop, namespace: argocd}}
spec:
  generators:
    - matrix:
        generators:
          - list: {{elements: [{{app: web}}, {{app: api}}, {{app: gone}}]}}
          - clusters: {{}}
  template:
    metadata: {{name: '{{{{app}}}}-{{{{name}}}}', labels: {{app.kubernetes.io/name: '{{{{app}}}}'}}}}
    spec:
      project: '{{{{metadata.labels.team}}}}'
      source: {{repoURL: '{URL}', targetRevision: HEAD, path: 'apps/{{{{app}}}}', helm: {{valueFiles: [dev.yaml]}}}}
      destination: {{server: '{{{{server}}}}', namespace: '{{{{app}}}}'}}
      syncPolicy:
        syncOptions: [CreateNamespace=True, 'Prune={{{{prune}}}}']
        retry: {{limit: 3, backoff: {{duration: 5 minutes}}}}
"""
FILES = {
    "set.yaml": SET,
    **chart("apps/web", config_map("{{ .Release.Name }}", "{a: {{ .Values.a }}}")),
    "apps/web/dev.yaml": "a: one\n",
    **chart("apps/api", config_map("{{ .Values.name }}")),
    "apps/api/dev.yaml": "name: API\n",
}


def found(validate: Validate, files: Mapping[str, str]) -> list[tuple[str, str, int | None]]:
    return sorted((each.rule, each.path, each.line) for each in validate(files).findings if each.severity == "error")


def test_what_names_no_parameter_is_judged_and_rendered(validate: Validate, tmp_path: Path) -> None:
    expected = [
        ("kubernetes-value", "apps/api/templates/one.yaml", None),
        ("path-missing", "set.yaml", 14),
        ("retry-invalid", "set.yaml", 18),
        ("sync-option-unknown", "set.yaml", 17),
    ]
    assert found(validate, FILES) == expected
    here = deployments.find(tmp_path, configuration.load(tmp_path))
    assert [each.name for each in here.outlines] == ["web-{{name}}", "api-{{name}}", "gone-{{name}}"]
    assert here.view.applications == []
    # Of the charts, only what is given is read; the set says why there is no more.
    shown = as_text.format_tree(tree.of(here))
    assert "ApplicationSet shop  set.yaml\n? its generator `clusters` asks for " in shown
    assert "├── Application web-{{name}} ({{server}}/web)\n│   └── ConfigMap web-example\n" in shown
    assert "unreached: " not in shown
    # Nothing of it counts as deployed.
    assert [*deployed.of_folder(tmp_path)] == ["ApplicationSet shop"]
    # What a patch changes that nobody knows may be right.
    patch = (
        "  templatePatch: |\n    spec:\n      source: {path: '{{name}}'}\n      syncPolicy: {syncOptions: [{{x}}]}\n"
    )
    patched = SET.replace("  template:\n", f"{patch}  template:\n")
    assert [rule for rule, *_ in found(validate, {"set.yaml": patched})] == ["retry-invalid"]


def test_what_depends_on_a_parameter_is_left_open(validate: Validate) -> None:
    project = (
        "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: team, namespace: argocd}\n"
        "spec: {sourceRepos: ['https://git.example.com/**'], destinations: [{namespace: shop, name: in-cluster}]}\n"
    )
    known = (
        SET.replace("'{{metadata.labels.team}}'", "team")
        .replace("CreateNamespace=True, ", "")
        .replace("        retry: {limit: 3, backoff: {duration: 5 minutes}}\n", "")
        .replace("{app: api}, {app: gone}", "{app: shop}")
    )
    # Whether the project permits the destination, its server says; where a file is, the repository.
    open_source = known.replace(f"'{URL}'", "'{{url}}'").replace("dev.yaml", "$values/gone.yaml, gone.yaml")
    assert found(validate, {"project.yaml": project, "set.yaml": open_source}) == []
    denied = known.replace("'{{server}}'", "https://kubernetes.default.svc")
    assert [rule for rule, *_ in found(validate, {**FILES, "set.yaml": denied})] == [
        "path-missing",
        "project-denies-destination",
    ]
