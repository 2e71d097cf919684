"""Charts of Applications that somebody applies by hand, with a values file for each environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from argosy import tree
from argosy.argocd import configuration, deployed, deployments
from argosy.argocd.variants import Named
from argosy.findings import Severity
from argosy.tree import as_text
from argosy.validation import pipeline
from tests.argocd.test_reach import BAD, application, broken, chart, config_map
from tests.validating import Validate, write_files

ENABLED = (
    '{{ if index .Values "applications" "shop" }}\n'
    + application("shop", "apps/shop", ", helm: {valueFiles: [values.yaml, 'values-{{ .Values.name }}.yaml']}")
    + "{{ end }}\n"
)
OF_SWITCHES = {
    **chart("environments", ENABLED),
    "environments/values.yaml": "applications: {shop: false}\n",
    "environments/values-dev.yaml": "name: dev\napplications: {shop: true}\n",
    "environments/values-prod.yaml": "name: prod\napplications: {shop: true}\n",
    "environments/values-lab.yaml": "name: lab\n",
    "environments/values-example.yaml": "name: EXAMPLE\napplications: {shop: true}\n",
    **chart("apps/shop", config_map("{{ .Values.name }}")),
    "apps/shop/values.yaml": "name: shop\n",
    "apps/shop/values-dev.yaml": "name: DEV\n",
    "apps/shop/values-prod.yaml": "name: prod\n",
}
"""The chart has a switch for each Application: one that each environment turns."""

LISTED = """\
{{ $versions := .Files.Get (printf "versions/%s.yaml" .Values.environment) | fromYaml }}
{{ range .Values.applications }}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: {{ .name }}, namespace: argocd}
spec:
  project: default
  source:
    repoURL: https://git.example.com/acme/gitops.git
    targetRevision: HEAD
    path: charts/{{ .name }}
    helm:
      values: |
        version: {{ get $versions .name | quote }}
        {{- toYaml .helmValues | nindent 8 }}
  destination: {server: https://kubernetes.default.svc, namespace: {{ .name }}}
{{ end }}
"""
OF_A_LIST = {
    **chart("argocd/root", LISTED),
    "argocd/root/values.yaml": "environment: ''\napplications: []\n",
    "argocd/root/versions/dev.yaml": "shop: '2'\napi: '2'\n",
    "argocd/root/versions/prod.yaml": "shop: '1'\n",
    "argocd/environments/values-dev.yaml": "environment: dev\napplications:\n"
    "  - {name: shop, helmValues: {name: shop-dev}}\n  - {name: api, helmValues: {name: API}}\n",
    "argocd/environments/values-prod.yaml": "environment: prod\napplications:\n"
    "  - {name: shop, helmValues: {name: shop-prod}}\n",
    "argocd/environments/other.yaml": "unknown: to the chart\n",
    **chart("charts/shop", config_map("{{ .Values.name }}-{{ .Values.version }}")),
    **chart("charts/api", config_map("{{ .Values.name }}-{{ .Values.version }}")),
}
"""The chart makes an Application of each item, with values of its own and the version that a file beside it says."""


def variants_of(root: Path, files: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the Applications of each root, a chart's with its environment."""
    write_files(root, files)
    found = tree.of(deployments.find(root, configuration.load(root)), resources=False)
    return {f"{each.name} ({each.environment})": [below.name for below in each.children] for each in found.roots}


def test_each_environment_is_a_root_with_an_argo_cd_of_its_own(validate: Validate, tmp_path: Path) -> None:
    report = validate(OF_SWITCHES)
    found = deployments.find(tmp_path, configuration.load(tmp_path))
    assert [(each.name, each.environment) for each in found.view.applications] == [("shop", "dev"), ("shop", "prod")]
    # The name is the same in both, as each has its cluster; what is wrong in one is said of that one.
    wrong = [each for each in report.findings if each.severity is Severity.ERROR]
    assert [(each.rule, each.environment) for each in wrong] == [("kubernetes-value", "dev")]
    assert [each.path for each in report.unreached] == []
    assert "Chart environments (dev)  environments\n└── Application shop (dev, in-cluster/shop)\n" in (
        as_text.format_tree(tree.of(found, resources=False))
    )
    # What each applies is told apart.
    assert {name: [one.name for one in each.manifests] for name, each in deployed.of_folder(tmp_path).items()} == {
        "shop (dev)": ["DEV"],
        "shop (prod)": ["prod"],
    }


def test_a_list_of_applications_with_values_in_each_item(validate: Validate, tmp_path: Path) -> None:
    report = validate(OF_A_LIST)
    assert broken(report) == {"charts/api/templates/one.yaml"}
    assert {each.path for each in report.unreached} == {"argocd/environments/other.yaml"}
    assert variants_of(tmp_path, {}) == {"argocd/root (dev)": ["shop", "api"], "argocd/root (prod)": ["shop"]}
    rendered = deployments.find(tmp_path, configuration.load(tmp_path)).view.rendered.values()
    names = [each.data["metadata"]["name"] for several in rendered for each in several]
    assert sorted(names) == ["API-2", "shop-dev-2", "shop-prod-1"]


BESIDE = {each: text for each, text in OF_SWITCHES.items() if not each.startswith("environments/values-")}
DEV, PROD = "name: dev\napplications: {shop: true}\n", "name: prod\napplications: {shop: true}\n"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        # By their names, in folders of environments.
        ({"environments/env/dev.yaml": DEV, "environments/env/notes.yaml": "a: b\n"}, {"dev": ["shop"]}),
        ({"environments/values.dev.yaml": DEV, "environments/prod-values.yaml": PROD}, {"dev", "prod"}),
        ({"environments/envs/dev/values.yaml": DEV, "env/prod/values.yaml": PROD, "env/values.yaml": PROD,
          "env/x/values.yaml": "a: b\n"}, {"dev", "prod"}),
        # By a script: of a variable stands each file that there is, with what is the same for all.
        (
            {"bin/up.sh": "helm template root ./environments \\\n  -f config/all.yaml \\\n"
             "  --values config/${ENV}/apps.yaml | kubectl apply -f -\n",
             "config/all.yaml": "applications: {shop: true}\n", "config/dev/apps.yaml": "name: dev\n",
             "config/prod/apps.yaml": "name: prod\n"},
            {"dev": ["shop"], "prod": ["shop"]},
        ),
        ({"Makefile": "up:\n\targocd app create root --path environments --values config/$(ENV).yaml\n",
          "environments/config/dev.yaml": DEV}, {"dev"}),
        # Of two variables the first one tells, and of two that touch, both together.
        ({"up.sh": "helm template root environments -f config/$ENV/a-${REGION}.yaml\n", "config/dev/a-eu.yaml": DEV,
          "config/dev/b-eu.yaml": DEV, "config/a-eu.yaml": DEV}, {"dev"}),
        ({"up.sh": "helm template root environments -f config/$REGION$ENV.yaml\n", "config/eu-dev.yaml": DEV,
          "config/deep/er.yaml": DEV}, {"eu-dev"}),
        # Two blocks of a page have nothing to do with each other.
        (
            {
                "README.md": "```yaml\npath: environments\nvalueFiles: [../config/dev.yaml]\n```\n"
                "```yaml\npath: elsewhere\nvalueFiles: [../config/other.yaml]\n```\n",
                "config/dev.yaml": DEV,
                "config/other.yaml": DEV,
            },
            {"dev"},
        ),
        ({"README.md": "    helm install root environments -f config/dev.yaml\n", "config/dev.yaml": DEV}, {"dev"}),
        ({"main.tf": 'path = "environments"\nhelm = { valueFiles = ["config/${var.env}.yaml"] }\n',
          "environments/config/dev.yaml": DEV}, {"dev"}),
        # Of another chart, and of files that are not there, nothing is known.
        ({"bin/up.sh": "helm template x ./apps/shop -f config/dev.yaml\nhelm template x environments -f gone.yaml\n",
          "config/dev.yaml": DEV}, {""}),
        # By an ApplicationSet whose parameters are not known here.
        (
            {"set.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: all}\nspec:\n"
             "  generators: [{clusters: {}}]\n  template:\n    metadata: {name: 'root-{{name}}'}\n    spec:\n"
             "      project: default\n      source:\n        repoURL: https://git.example.com/acme/gitops.git\n"
             "        path: environments\n        helm:\n          valueFiles:\n            - config/{{name}}.yaml\n"
             "      destination: {server: '{{server}}', namespace: argocd}\n",
             "environments/config/dev.yaml": DEV},
            {"dev"},
        ),
        # By .argosy.yaml, which then alone counts.
        ({".argosy.yaml": "variants: {environments: {dev: [x/a.yaml, x/b.yaml]}}\n", "x/a.yaml": "name: dev\n",
          "x/b.yaml": "applications: {shop: true}\n", "environments/values-prod.yaml": PROD}, {"dev": ["shop"]}),
    ],
)  # fmt: skip
def test_who_says_what_the_values_are(
    files: Mapping[str, str], expected: Mapping[str, list[str]] | set[str], tmp_path: Path
) -> None:
    found = variants_of(tmp_path, {**BESIDE, **files})
    of_chart = {name: below for name, below in found.items() if name.startswith("environments")}
    names = {f"environments ({each})" for each in expected}
    assert of_chart.keys() == names
    if isinstance(expected, dict):
        assert [*of_chart.values()] == [*expected.values()]


def test_names_with_variables_are_compared_so_many_times_in_all_and_each_once() -> None:
    compared = list[str]()

    class Counted(str):
        __slots__ = ()

        def startswith(self, *given: Any) -> bool:
            compared.append(self)
            return super().startswith(*given)

    files = [Counted(f"config/{each:03}.yaml") for each in range(100)]
    names = Named([*files, Counted("other/dev.yaml")], left=10_000)
    for _ in range(3):
        assert len(names.by("config/$ENV.yaml", ".")) == len(files)
    # And the first one behind them.
    assert len(compared) == len(files) + 1
    for each in range(1000):
        names.by(f"$X{each}$Y.yaml", "config")
    assert len(compared) <= 10_000
    assert names.by("config/001.yaml", ".") == ()


def test_an_application_that_names_the_values_is_the_truth(validate: Validate, tmp_path: Path) -> None:
    root = application("root", "environments", ", helm: {valueFiles: [values-prod.yaml]}", namespace="argocd")
    report = validate(OF_SWITCHES | {"root.yaml": root, ".argosy.yaml": "variants: {environments: {dev: []}}\n"})
    assert broken(report) == set()
    assert [(each.rule, each.line) for each in report.findings if each.path == ".argosy.yaml"] == [("file-schema", 1)]
    assert variants_of(tmp_path, {}) == {"root ()": ["shop"]}
    # A chart that has its own Application in it is first applied by hand.
    itself = application("root", "environments", ", helm: {valueFiles: ['values-{{ .Values.name }}.yaml']}")
    (tmp_path / "root.yaml").unlink()
    write_files(tmp_path, {"environments/templates/root.yaml": itself, ".argosy.yaml": "{}\n"})
    assert variants_of(tmp_path, {})["environments (dev)"] == ["shop", "root"]


def test_what_is_declared_wrong_is_said_at_its_line(validate: Validate) -> None:
    declared = (
        "variants:\n  environments:\n    dev:\n      - gone.yaml\n      - /etc/hostname\n      - ../../etc/hostname\n"
        "  gone: {dev: []}\n  apps/shop: [dev]\n"
    )
    report = validate(OF_SWITCHES | {".argosy.yaml": declared})
    assert [(each.line, each.message) for each in report.findings if each.path == ".argosy.yaml"] == [
        (4, "There is no values file “gone.yaml”."),
        (5, "There is no values file “etc/hostname”."),
        (6, "There is no values file “../../etc/hostname”."),
        (7, "“gone” is no chart: there is no gone/Chart.yaml."),
        (8, 'variants["apps/shop"]: must be a mapping, not a list'),
    ]


def test_what_a_guess_cannot_render_is_skipped_and_what_is_declared_fails(validate: Validate, tmp_path: Path) -> None:
    needs = '{{ required "a name" .Values.owner }}\n' + ENABLED
    report = validate(OF_SWITCHES | {"environments/templates/one.yaml": needs})
    assert broken(report) == set()
    (dev,) = [each for each in pipeline.look(tmp_path, pipeline.Options()).renders if each.variant == "dev"]
    assert "it cannot be rendered with environments/values-dev.yaml: " in dev.skipped
    declared = "variants: {environments: {dev: [environments/values-dev.yaml]}}\n"
    assert broken(validate({".argosy.yaml": declared, "notes/bad.yaml": BAD})) == {"environments/templates/one.yaml"}
