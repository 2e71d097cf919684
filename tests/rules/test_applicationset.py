"""Rules of ApplicationSets, called one by one."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.argocd.view import View
from tests.rules.subjects import TWO, application_set, messages, problems
from tests.validating import Validate

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
    ("rollout-ignored", "{strategy: {type: RollingSync}}", 1),
    ("rollout-ignored", "{strategy: {type: RollingSync, rollingSync: {steps: []}}}", 1),
    ("rollout-ignored", "{strategy: {type: rollingSync, deletionOrder: Backwards}}", 2),
    ("rollout-ignored", "{strategy: {rollingSync: {steps: [{}]}}}", 1),
    ("rollout-ignored", "{strategy: {type: RollingSync, rollingSync: {steps: [{maxUpdate: half}]}}}", 1),
    ("rollout-ignored", "{strategy: {type: RollingSync, rollingSync: {steps: [{maxUpdate: 25%}, {maxUpdate: 0}]}}}", 0),
    ("rollout-ignored", "{strategy: {type: AllAtOnce, deletionOrder: Reverse}}", 0),
    (
        "rollout-ignored",
        "{strategy: {type: RollingSync, rollingSync: {steps: [{matchExpressions: [{key: a, operator: Exists}]}]}}}",
        1,
    ),
    ("patch-changes-project", r'{templatePatch: "spec:\n  project: {{.team}}\n"}', 1),
    ("patch-changes-project", r'{templatePatch: "{\"spec\": {\"project\": \"a\"}}"}', 1),
    ("patch-changes-project", r'{templatePatch: "spec:\n  {{- if .a }}\n  project: a\n  {{- end }}\n  x: y\n"}', 1),
    ("patch-changes-project", r'{templatePatch: "metadata:\n  labels:\n    project: {{.a}}\nspec:\n  a: b"}', 0),
    ("patch-changes-project", r'{templatePatch: "{{ range .a }}: ["}', 0),
]


@pytest.mark.parametrize(("rule", "spec", "count"), SET_CASES)
def test_rule_about_an_application_set(rule: str, spec: str, count: int, tmp_path: Path) -> None:
    assert len(problems(rule, application_set(spec), View(tmp_path))) == count


SET = """\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: shop, namespace: argocd}
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators: [{list: {elements: [{env: dev}, {env: qa}, {env: prod}]}}]
%s
  template:
    metadata: {name: 'shop-{{ .env }}', labels: {env: '{{ .env }}'}}
    spec:
      project: default
      source: {repoURL: https://git.example.com/team/gitops.git, targetRevision: main, path: shop}
      destination: {name: in-cluster, namespace: shop}
"""
MANIFEST = {"shop/config-map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\n"}
STEPS = "  strategy: {type: RollingSync, rollingSync: {steps: [%s]}}"
STEP = "{matchExpressions: [{key: %s, operator: %s, values: [%s]}]}"


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([("env", "In", "dev, qa"), ("env", "In", "prod")], []),
        ([("env", "In", "dev"), ("env", "NotIn", "dev")], []),
        ([("tier", "NotIn", "dev")], []),
        ([("env", "In", "dev"), ("env", "In", "stage")], ["No Application of the set is in this step.", "shop-qa and"]),
        ([("env", "In", "dev, qa")], ["shop-prod is in no step, and not synced automatically."]),
        ([("tier", "In", "dev")], ["No Application of the set is in this step."]),
    ],
)
def test_steps_and_the_applications_in_them(
    steps: list[tuple[str, str, str]], said: list[str], validate: Validate
) -> None:
    report = validate({"argocd/set.yaml": SET % (STEPS % ", ".join(STEP % each for each in steps)), **MANIFEST})
    found = messages(report, "rollout-ignored")
    assert len(found) == len(said)
    assert all(message.startswith(each) for message, each in zip(found, said, strict=True))


def test_what_a_patch_makes_is_judged_once_for_all(validate: Validate) -> None:
    patch = """\
  templatePatch: |
    metadata: {annotations: {note: "{{ .env }}"}}
    spec:
      {{- if ne .env "dev" }}
      syncPolicy: {automated: {prune: "yes"}, retri: {limit: 3}}
      {{- end }}
      source: {targetRevision: 1.0}
      revisionHistoryLimit: 3"""
    found = messages(validate({"argocd/set.yaml": SET % patch, **MANIFEST}), "patch-invalid")
    assert [each.partition("wrong: ")[2].partition(" ")[0] for each in sorted(found)] == [
        "spec.source.targetRevision:",
        "spec.syncPolicy.automated.prune:",
        "spec.syncPolicy:",
    ]
