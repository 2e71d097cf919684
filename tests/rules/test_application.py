"""Rules of an Application, called one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from argosy.argocd.view import ArgoApplication, View
from argosy.documents import Document
from argosy.documents.document import Source
from tests.rules.subjects import (
    AUTOSCALER,
    CHART,
    DEPLOYMENT,
    PATHS,
    REPOSITORY,
    application,
    manifest,
    named,
    problems,
    rendered,
)

CASES: list[tuple[str, str, tuple[Any, ...] | None]] = [
    ("destination-ambiguous", "{destination: {server: x, name: y}}", ("spec", "destination")),
    ("destination-ambiguous", "{destination: {namespace: y}}", ("spec", "destination")),
    ("destination-ambiguous", "{destination: {name: y}}", None),
    ("name-invalid", "{destination: {name: y, namespace: a.b}}", ("spec", "destination", "namespace")),
    ("name-invalid", f"{{destination: {{name: y, namespace: {'a' * 64}}}}}", ("spec", "destination", "namespace")),
    ("name-invalid", f"{{destination: {{name: y, namespace: {'a' * 63}}}}}", None),
    ("ignore-differences-incomplete", "{ignoreDifferences: [{kind: Service}]}", ("spec", "ignoreDifferences", 0)),
    (
        "ignore-differences-incomplete",
        "{ignoreDifferences: [{kind: Deployment, jsonPointers: [/spec]}]}",
        ("spec", "ignoreDifferences", 0),
    ),
    (
        "ignore-differences-incomplete",
        "{ignoreDifferences: [{kind: Service, jsonPointers: [.spec.ports]}]}",
        ("spec", "ignoreDifferences", 0, "jsonPointers", 0),
    ),
    (
        "ignore-differences-incomplete",
        "{ignoreDifferences: [{group: apps, kind: Deployment, jqPathExpressions: [.spec]}]}",
        None,
    ),
    (
        "ignore-differences-incomplete",
        "{ignoreDifferences: [{group: '*', kind: '*', managedFieldsManagers: [hpa]}]}",
        None,
    ),
]


@pytest.mark.parametrize(("rule", "spec", "at"), CASES)
def test_rule_about_an_application(rule: str, spec: str, at: tuple[Any, ...] | None, tmp_path: Path) -> None:
    found = problems(rule, application(spec), View(tmp_path))
    assert [problem.at for problem in found] == ([] if at is None else [at])


def test_paths_in_jq(tmp_path: Path) -> None:
    entry = {"kind": "Service", "jqPathExpressions": [".spec.ports[]?", ".spec.[", "{{ .path }}["]}
    spec = {"template": {"spec": {"ignoreDifferences": [entry]}}, "ignoreApplicationDifferences": [entry]}
    at = ("jqPathExpressions", 1)
    for kind, data, places in (
        ("Application", {"ignoreDifferences": [entry]}, [("spec", "ignoreDifferences", 0, *at)]),
        (
            "ApplicationSet",
            spec,
            [
                ("spec", "template", "spec", "ignoreDifferences", 0, *at),
                ("spec", "ignoreApplicationDifferences", 0, *at),
            ],
        ),
        ("AppProject", {"ignoreDifferences": [entry]}, []),
    ):
        document = named(f"argoproj.io/v1alpha1:{kind}")
        document.data["spec"] = data
        assert [each.at for each in problems("jq-expression", document, View(tmp_path))] == places


def test_name_of_an_application(tmp_path: Path) -> None:
    assert problems("name-invalid", application(name="Shop"), View(tmp_path))[0].at == ("metadata", "name")
    assert not problems("name-invalid", application(name="shop.dev-1"), View(tmp_path))


def write(root: Path, *paths: str) -> None:
    """Make files, each with just enough in it."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        content = "resources: [../../base]\n" if path.startswith("overlays/") else "a: b\n"
        (root / path).write_text(content, encoding="utf-8")


@pytest.mark.parametrize(
    ("source", "declared", "hint"),
    [
        ({"path": "charts/shop"}, "", "Add it: “.”."),
        ({"path": "charts/shop"}, ".", None),
        ({"path": "charts/shop"}, "/charts", None),
        ({"path": "charts/shop"}, "/charts/*", None),
        ({"path": "charts/shop"}, "/environments", "Write “.”."),
        ({"path": "charts/shop", "helm": {"valueFiles": ["/env/dev.yaml"]}}, ".", "Write “.;/env/dev.yaml”."),
        ({"path": "charts/shop", "helm": {"valueFiles": ["/env/dev.yaml"]}}, ".;/env", None),
        ({"path": "charts/shop", "helm": {"valueFiles": ["../../env/dev.yaml"]}}, ". ; ../../env/dev.yaml", None),
        ({"path": "charts/shop", "helm": {"valueFiles": ["dev.yaml"]}}, ".", None),
        ({"path": "overlays/dev"}, ".", "Write “.;/base”."),
        ({"path": "overlays/dev"}, ".;/base", None),
    ],
)
def test_generate_paths(source: dict[str, Any], declared: str, hint: str | None, tmp_path: Path) -> None:
    write(tmp_path, "charts/shop/Chart.yaml", "charts/shop/dev.yaml", "env/dev.yaml")
    write(tmp_path, "overlays/dev/kustomization.yaml", "base/kustomization.yaml")
    one = application({"source": {"repoURL": REPOSITORY, **source}}, annotations={PATHS: declared})
    two = application(name="two")
    found = problems("generate-paths-missing", one, View(tmp_path, applications=[one, two]))
    assert [problem.hint for problem in found] == ([] if hint is None else [hint])


def test_generate_paths_of_the_only_application(tmp_path: Path) -> None:
    only, chart = application(), application({"source": CHART}, name="chart")
    assert not problems("generate-paths-missing", only, View(tmp_path, applications=[only, chart]))


KEDA = manifest(
    "{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {name: x}, spec: {scaleTargetRef: {name: shop}}}"
)
SCALED = manifest("{apiVersion: apps/v1, kind: Deployment, metadata: {name: shop}, spec: {}}")
HEALS = "automated: {selfHeal: true}"
IGNORED = "ignoreDifferences: [{group: apps, kind: Deployment, jsonPointers: [/spec/replicas]}]"


@pytest.mark.parametrize(
    ("spec", "made", "broken"),
    [
        (f"{{syncPolicy: {{{HEALS}}}}}", [AUTOSCALER, DEPLOYMENT], True),
        (f"{{syncPolicy: {{{HEALS}}}}}", [KEDA, DEPLOYMENT], True),
        (f"{{syncPolicy: {{{HEALS}}}, {IGNORED}}}", [AUTOSCALER, DEPLOYMENT], True),
        (f"{{syncPolicy: {{{HEALS}, syncOptions: [RespectIgnoreDifferences=true]}}}}", [AUTOSCALER, DEPLOYMENT], True),
        (
            f"{{syncPolicy: {{{HEALS}, syncOptions: [RespectIgnoreDifferences=true]}}, "
            f"{IGNORED.replace('group: apps, ', '')}}}",
            [AUTOSCALER, DEPLOYMENT],
            True,
        ),
        (
            f"{{syncPolicy: {{{HEALS}, syncOptions: [RespectIgnoreDifferences=true]}}, {IGNORED}}}",
            [AUTOSCALER, DEPLOYMENT],
            False,
        ),
        (f"{{syncPolicy: {{{HEALS}}}}}", [AUTOSCALER, SCALED], False),
        (f"{{syncPolicy: {{{HEALS}}}}}", [DEPLOYMENT], False),
        ("{syncPolicy: {automated: {}}}", [AUTOSCALER, DEPLOYMENT], False),
        ("{syncPolicy: {automated: {selfHeal: true, enabled: false}}}", [AUTOSCALER, DEPLOYMENT], False),
    ],
)
def test_autoscaler(spec: str, made: list[Document], broken: bool, tmp_path: Path) -> None:
    one = application(spec)
    found = problems("autoscaler-fights-self-heal", one, rendered(tmp_path, (one, made)))
    assert bool(found) is broken


def test_one_name_in_two_files(tmp_path: Path) -> None:
    one, two, other = application(), application(path="b.yaml"), application(name="other", path="c.yaml")
    [found] = problems("application-name-twice", None, View(tmp_path, applications=[one, other, two]))
    assert found.document is two.document
    assert "argocd/shop.yaml" in found.message


def test_one_name_twice_in_a_set_is_for_another_rule(tmp_path: Path) -> None:
    data = {"metadata": {"name": "shop"}}
    document = Document("set.yaml", 0, {})
    made = [ArgoApplication(dict(data), document, ("spec", "template")) for _ in range(2)]
    # The rule applicationset-duplicate says it.
    assert problems("application-name-twice", None, View(tmp_path, applications=made)) == []


def test_a_set_that_two_renders_have_is_one(tmp_path: Path) -> None:
    data = {"metadata": {"name": "shop"}}

    def made(path: str, name: str, source: Source | None) -> ArgoApplication:
        written = Document(path, 0, {"kind": "ApplicationSet", "metadata": {"name": name}}, source=source)
        return ArgoApplication(dict(data), written, ("spec", "template"))

    def found(*applications: ArgoApplication) -> int:
        return len(problems("application-name-twice", None, View(tmp_path, applications=applications)))

    file = Source("")
    assert not found(made("set.yaml", "all", file), made("set.yaml", "all", file))
    assert not found(made("apps", "all", None), made("apps/external", "all", None))
    assert not found(made("set.yaml", "all", file), made("apps/external", "all", None))
    assert found(made("apps", "all", None), made("apps/external", "external", None)) == 1
    assert found(made("a.yaml", "all", file), made("b.yaml", "all", file)) == 1
