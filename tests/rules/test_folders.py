"""What lies in a source's folder and is not deployed: said with the reason, and nothing of what is meant so."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from argosy.rules.examples import APPLICATION, DESTINATION, GREETING, REPOSITORY
from argosy.rules.registry import files_of
from tests.validating import Validate, rules_of

A, B = "apps/shop/a.yaml", "apps/shop/b.yaml"
MANIFEST = GREETING.format(greeting="hello")
OTHER = MANIFEST.replace("name: shop", "name: other")
CHART = "apiVersion: v2\nname: shop\nversion: 1.0.0\n"
GUARDED = "{{- if .Values.enabled }}\n" + MANIFEST + "{{- end }}\n"


def repository(files: Mapping[str, str], **directory: object) -> dict[str, str]:
    """Return files with an Application that deploys apps/shop."""
    options = f", directory: {directory}" if directory else ""
    source = f"  source: {{repoURL: {REPOSITORY}, targetRevision: main, path: apps/shop{options}}}\n"
    return {**files_of(APPLICATION + source.replace("True", "true") + DESTINATION), **files}


NOTHING: list[tuple[dict[str, str], dict[str, object], str]] = [
    ({A: MANIFEST}, {"include": "./*.yaml"}, "a.yaml (include is “./*.yaml”)"),
    ({A: MANIFEST}, {"include": "apps/shop/*"}, "a.yaml (include is “apps/shop/*”)"),
    ({A: MANIFEST}, {"include": "*.yml"}, "a.yaml (include is “*.yml”)"),
    ({A: MANIFEST, B: OTHER}, {"exclude": "*"}, "a.yaml and b.yaml (exclude is “*”)"),
    ({"apps/shop/deep/a.yaml": MANIFEST}, {}, "deep/a.yaml (recurse is not set)"),
    ({"apps/shop/a.YAML": MANIFEST}, {}, "a.YAML (Argo CD reads no .YAML)"),
    ({A: "apiVersion: v1\nmetadata: {name: a}\n"}, {}, "a.yaml (without a kind)"),
    ({A: "# +argocd:skip-file-rendering\n" + MANIFEST}, {}, "a.yaml (for +argocd:skip-file-rendering)"),
    ({A: MANIFEST, "apps/shop/kustomization.yaml": "resources: []\n"}, {}, "a.yaml (not named in kustomization.yaml)"),
    ({A: MANIFEST, "apps/shop/Kustomization": "resources: []\n"}, {}, "a.yaml (not named in Kustomization)"),
    ({A: MANIFEST, "apps/shop/Chart.yaml": CHART}, {}, "a.yaml (Chart.yaml makes the folder a chart"),
    ({"apps/shop/Chart.yaml": CHART}, {}, "the chart has no templates"),
    ({"apps/shop/kustomization.yaml": "resources: []\n"}, {}, "the kustomization names no resources"),
    ({"apps/shop/README.md": "Later.\n"}, {}, "no file that Argo CD reads"),
    ({A: "# Nothing yet.\n"}, {}, "renders no manifest from apps/shop."),
]


@pytest.mark.parametrize(("files", "directory", "why"), NOTHING, ids=[why for *_, why in NOTHING])
def test_an_application_that_deploys_nothing_says_why(
    files: dict[str, str], directory: dict[str, object], why: str, validate: Validate
) -> None:
    found = [each for each in validate(repository(files, **directory)).findings if each.rule == "renders-nothing"]
    assert [why in each.message for each in found] == [True], found


LEFT: list[tuple[dict[str, str], dict[str, object], str]] = [
    ({B: OTHER}, {"include": "{a.yaml, b.yaml}"}, "b.yaml"),
    ({"apps/shop/deep/b.yaml": OTHER}, {"recurse": True, "include": "**/*.yaml"}, "a.yaml"),
    ({"apps/shop/deep/b.yaml": OTHER, "apps/shop/deep/c.yml": MANIFEST}, {}, "deep/b.yaml and deep/c.yml"),
    ({"apps/shop/b.YML": OTHER}, {}, "b.YML"),
    ({B: "apiVersion: v1\nmetadata: {name: b}\n"}, {}, "b.yaml"),
    ({B: OTHER, "apps/shop/kustomization.yaml": "resources: [a.yaml]\n"}, {}, "b.yaml"),
    ({B: OTHER, "apps/shop/Chart.yaml": CHART, "apps/shop/templates/c.yaml": MANIFEST}, {}, "a.yaml and b.yaml"),
]


@pytest.mark.parametrize(("files", "directory", "left"), LEFT, ids=[str(each[1] or [*each[0]][-1]) for each in LEFT])
def test_files_beside_what_is_deployed_are_named(
    files: dict[str, str], directory: dict[str, object], left: str, validate: Validate
) -> None:
    found = validate(repository({A: MANIFEST, **files}, **directory)).findings
    assert [f"leaves out {left} (" in each.message for each in found if each.rule == "manifests-left-out"] == [True]


QUIET: list[tuple[str, dict[str, str], dict[str, object]]] = [
    ("kept empty", {"apps/shop/.gitkeep": ""}, {}),
    (
        "switched off",
        {
            "apps/shop/Chart.yaml": CHART,
            "apps/shop/values.yaml": "enabled: false\n",
            "apps/shop/templates/a.yaml": GUARDED,
        },
        {},
    ),
    (
        "a hook alone",
        {A: MANIFEST.replace("name: shop\n", "name: shop\n  annotations: {helm.sh/hook: pre-install}\n")},
        {},
    ),
    ("left out by exclude", {A: MANIFEST, B: OTHER}, {"exclude": "b.yaml"}),
    ("not included", {A: MANIFEST, B: OTHER}, {"include": "a.*"}),
    ("marked", {A: MANIFEST, B: "# +argocd:skip-file-rendering\n" + OTHER}, {}),
    (
        "named by a comment",
        {A: MANIFEST, B: OTHER, "apps/shop/kustomization.yaml": "resources: [a.yaml]\n# - b.yaml\n"},
        {},
    ),
    ("an example", {A: MANIFEST, "apps/shop/examples/b.yaml": OTHER, "apps/shop/c.disabled.yaml": OTHER}, {}),
    ("values beside", {A: MANIFEST, "apps/shop/values.yaml": "a: 1\n"}, {}),
    ("for a tool", {A: MANIFEST, "apps/shop/deep/skaffold.yaml": "apiVersion: skaffold/v4\nkind: Config\n"}, {}),
    (
        "read by templates",
        {"apps/shop/Chart.yaml": CHART, B: OTHER, "apps/shop/templates/a.yaml": '{{ .Files.Get "b.yaml" }}\n'},
        {},
    ),
    ("an alternative that nothing closes", {A: MANIFEST}, {"include": "{a.yaml"}),
    (
        "deployed by another Application",
        {
            A: MANIFEST,
            "apps/shop/deep/b.yaml": OTHER,
            "argocd/deep.yaml": repository({})["argocd/my-app.yaml"]
            .replace("name: my-app", "name: deep")
            .replace("path: apps/shop", "path: apps/shop/deep"),
        },
        {},
    ),
]


@pytest.mark.parametrize(("files", "directory"), [each[1:] for each in QUIET], ids=[each[0] for each in QUIET])
def test_what_is_meant_so_is_no_finding(
    files: dict[str, str], directory: dict[str, object], validate: Validate
) -> None:
    assert not {"renders-nothing", "manifests-left-out"} & rules_of(validate(repository(files, **directory)))


def test_a_marked_file_is_not_judged(validate: Validate) -> None:
    marked = "# +argocd:skip-file-rendering\n" + OTHER.replace("data:", "dta:")
    report = validate(repository({A: MANIFEST, B: marked}))
    assert "kubernetes-schema" not in rules_of(report)
    assert [(each.path, each.reason) for each in report.unreached] == [(B, "it says +argocd:skip-file-rendering")]


@pytest.mark.parametrize(
    ("file", "kind"),
    [("Chart.yaml", "chart"), ("OldChart.yaml", "chart"), ("kustomization.yml", "kustomization"), ("chart.yaml", "")],
)
def test_what_tells_the_kind_of_a_source(file: str, kind: str, validate: Validate) -> None:
    text = "resources: [a.yaml]\n" if kind == "kustomization" else CHART
    report = validate(repository({A: MANIFEST, f"apps/shop/{file}": text}))
    messages = [each.message for each in report.findings if each.rule in {"renders-nothing", "helm-render"}]
    assert len(messages) == (kind == "chart"), messages
    assert report.renders == bool(kind)


def test_a_kustomization_wins_over_a_chart_and_empty_settings_over_nothing(validate: Validate) -> None:
    kustomization = "resources: [a.yaml]\n"
    files = repository({A: MANIFEST, "apps/shop/Chart.yaml": CHART, "apps/shop/kustomization.yaml": kustomization})
    assert "renders-nothing" not in rules_of(validate(files))


def test_settings_that_set_nothing_choose_no_tool(validate: Validate) -> None:
    files = repository({A: MANIFEST})
    files["argocd/my-app.yaml"] = files["argocd/my-app.yaml"].replace("shop}", "shop, helm: {releaseName: ''}}")
    assert "helm-render" not in rules_of(validate(files))
