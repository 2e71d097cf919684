"""What is wrong once is one finding, which lists every place in which it shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from argosy.findings import Finding, Report, Severity, Status
from argosy.reporting import Options, OutputFormat, format_report
from argosy.reporting.verdict import closing_line
from tests.validating import Validate, rules_of

URL = "https://git.example.com/acme/gitops.git"
ENVIRONMENTS = ("dev", "staging", "prod")
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers:
        - name: shop
          image: nginx:1.29.3
          imagePullPolicy: Always
"""
OVERLAYS = {
    "base/kustomization.yaml": "resources: [deployment.yaml]\n",
    "base/deployment.yaml": DEPLOYMENT,
    **{
        f"overlays/{each}/kustomization.yaml": f"resources: [../../base]\nnamePrefix: {each}-\n"
        for each in ENVIRONMENTS
    },
}
CHART = {
    "charts/shop/Chart.yaml": "apiVersion: v2\nname: shop\ndescription: x\nicon: https://x.org\nversion: 1.0.0\n",
    "charts/shop/values.yaml": "replicas: 1\n",
    "charts/shop/templates/config-map.yaml": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: shop\ndata:\n  replicas: {{ .Values.replicas | quote }}\n"
    ),
}
SCHEMA = json.dumps({"type": "object", "additionalProperties": False, "properties": {"replicas": {"type": "integer"}}})


def application(environment: str, source: str, project: str = "default") -> str:
    """Return an Application of an environment."""
    return (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\n"
        f"metadata:\n  name: shop-{environment}\n  namespace: argocd\n"
        f"  labels: {{app.kubernetes.io/name: shop, environment: {environment}}}\n"
        f"  annotations: {{argocd.argoproj.io/manifest-generate-paths: /}}\n"
        f"spec:\n  project: {project}\n  source: {{repoURL: '{URL}', targetRevision: main, {source}}}\n"
        f"  destination: {{server: 'https://kubernetes.default.svc', namespace: shop-{environment}}}\n"
    )


def applications(source: str, project: str = "default") -> dict[str, str]:
    """Return an Application of each environment; `{env}` stands for its name."""
    return {f"argocd/{each}.yaml": application(each, source.format(env=each), project) for each in ENVIRONMENTS}


def only(report: Report, rule: str = "") -> Finding:
    """Return the only finding, or the only one of a rule."""
    found = [each for each in report.findings if rule in {"", each.rule}]
    assert len(found) == 1, [(each.rule, each.path, each.line, each.message) for each in found]
    return found[0]


def renders(finding: Finding) -> set[tuple[str, str]]:
    """Return the renders in which a finding shows."""
    return {(each.application, each.environment) for each in finding.places if each.application}


ALL = {("shop", each) for each in ENVIRONMENTS}


def test_a_manifest_of_a_base_and_what_overlays_make_of_it(validate: Validate) -> None:
    wrong = DEPLOYMENT.replace("Always", "Sometimes")
    report = validate({**OVERLAYS, **applications("path: overlays/{env}"), "base/deployment.yaml": wrong})
    found = only(report)
    assert (found.rule, found.path, found.line, found.application) == (
        "kubernetes-schema",
        "base/deployment.yaml",
        12,
        "",
    )
    assert renders(found) == ALL
    assert {each.path for each in found.also} == {f"overlays/{each}/kustomization.yaml" for each in ENVIRONMENTS}
    assert report.errors == 1
    assert report.count(Status.FAILED) == 4


def test_what_only_the_overlays_show_is_found_at_the_base(validate: Validate) -> None:
    untagged = DEPLOYMENT.replace("nginx:1.29.3", "nginx")
    found = only(validate({**OVERLAYS, **applications("path: overlays/{env}"), "base/deployment.yaml": untagged}))
    assert (found.rule, found.path, found.line) == ("image-tag", "base/deployment.yaml", 11)
    assert renders(found) == ALL


def test_what_an_overlay_does_itself_is_found_there(validate: Validate) -> None:
    tagged = OVERLAYS["overlays/prod/kustomization.yaml"] + "images: [{name: nginx, newTag: latest}]\n"
    files = {**OVERLAYS, **applications("path: overlays/{env}"), "overlays/prod/kustomization.yaml": tagged}
    found = only(validate(files))
    assert (found.rule, found.path) == ("image-tag", "overlays/prod/kustomization.yaml")
    assert renders(found) == {("shop", "prod")}


@pytest.mark.parametrize(
    ("path", "comment"),
    [
        ("base/deployment.yaml", "nginx # argosy: ignore[image-tag] a sandbox"),
        ("overlays/dev/kustomization.yaml", "nginx"),
    ],
)
def test_a_place_is_ignored_by_itself_and_a_cause_where_it_is_found(
    validate: Validate, path: str, comment: str
) -> None:
    files = {**OVERLAYS, **applications("path: overlays/{env}")}
    files["base/deployment.yaml"] = DEPLOYMENT.replace("nginx:1.29.3", comment)
    ignored = {".argosy.yaml": f"ignore: [{{rule: image-tag, reason: a sandbox, paths: [{path}]}}]\n"}
    report = validate({**files, **(ignored if path.startswith("overlays") else {})})
    if path.startswith("base"):
        assert report.findings == []
    else:
        assert renders(only(report)) == ALL - {("shop", "dev")}


def test_a_patch_that_fits_no_base_in_any_overlay(validate: Validate) -> None:
    patch = "patches: [{patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}}'}]\n"
    files = {path: text + (patch if path.startswith("overlays") else "") for path, text in OVERLAYS.items()}
    found = only(validate({**files, **applications("path: overlays/{env}")}))
    assert found.rule == "kustomize-build"
    assert renders(found) == ALL


def test_a_file_of_a_base_that_is_no_yaml(validate: Validate) -> None:
    files = {**OVERLAYS, **applications("path: overlays/{env}"), "base/deployment.yaml": DEPLOYMENT + "  bad: [\n"}
    found = only(validate(files))
    assert (found.rule, found.path) == ("yaml-syntax", "base/deployment.yaml")
    assert renders(found) == ALL


def test_a_template_of_a_chart_in_each_application(validate: Validate) -> None:
    bad = CHART["charts/shop/templates/config-map.yaml"].replace("\ndata:", "\ndta:")
    report = validate({**CHART, **applications("path: charts/shop"), "charts/shop/templates/config-map.yaml": bad})
    found = only(report)
    assert (found.rule, found.path) == ("kubernetes-schema", "charts/shop/templates/config-map.yaml")
    assert renders(found) == ALL
    assert (report.errors, report.count(Status.FAILED)) == (1, 4)


def test_a_template_that_names_its_namespace_in_each_application(validate: Validate) -> None:
    named = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Release.Name }}_x'}\n"
    report = validate({**CHART, **applications("path: charts/shop"), "charts/shop/templates/x.yaml": named})
    assert renders(only(report, "kubernetes-value")) == ALL


def test_a_value_that_the_schema_of_a_chart_does_not_know(validate: Validate) -> None:
    files = {**CHART, "charts/shop/values.schema.json": SCHEMA, "charts/shop/values.yaml": "replicas: 1\nreplcas: 2\n"}
    found = only(validate({**files, **applications("path: charts/shop")}))
    assert (found.rule, found.path, found.line) == ("helm-render", "charts/shop/values.yaml", 2)
    assert renders(found) == ALL


def test_a_template_that_fails_and_what_the_linter_says_of_it(validate: Validate) -> None:
    template = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ fail "no name" }}}\n'
    report = validate({**CHART, **applications("path: charts/shop"), "charts/shop/templates/x.yaml": template})
    found = only(report)
    assert (found.rule, found.path, found.line) == ("helm-render", "charts/shop/templates/x.yaml", 3)
    assert renders(found) == ALL


@pytest.mark.parametrize("deployed", [True, False])
def test_a_link_out_of_a_chart(validate: Validate, tmp_path: Path, deployed: bool) -> None:
    folder = tmp_path / "charts" / "shop" / "templates"
    folder.mkdir(parents=True)
    (folder / "hosts.yaml").symlink_to("/etc/hosts")
    found = only(validate({**CHART, **(applications("path: charts/shop") if deployed else {})}))
    assert (found.rule, found.path) == ("symlink-escapes", "charts/shop/templates/hosts.yaml")
    assert renders(found) == (ALL if deployed else set())


def test_a_link_out_of_an_overlay(validate: Validate, tmp_path: Path) -> None:
    (tmp_path / "overlay").mkdir()
    (tmp_path / "overlay/hosts.yaml").symlink_to("/etc/hosts")
    found = only(validate({"overlay/kustomization.yaml": "namePrefix: a-\nresources:\n  - hosts.yaml\n"}))
    assert (found.rule, found.path) == ("symlink-escapes", "overlay/hosts.yaml")
    assert [(each.path, each.line) for each in found.also] == [("overlay/kustomization.yaml", 3)]


def test_a_file_that_is_missing(validate: Validate) -> None:
    files = {**CHART, **applications("path: charts/shop, helm: {{valueFiles: [/values/all.yaml]}}")}
    found = only(validate(files), "value-file-missing")
    assert [each.path for each in found.places] == ["argocd/dev.yaml", "argocd/prod.yaml", "argocd/staging.yaml"]
    assert all(each.line for each in found.places)


def test_files_of_one_name_that_are_missing_beside_two_charts(validate: Validate) -> None:
    other = {path.replace("shop", "web", 1): text for path, text in CHART.items()}
    report = validate(
        {
            **CHART,
            **other,
            "argocd/a.yaml": application("a", "path: charts/shop, helm: {valueFiles: [own.yaml]}"),
            "argocd/b.yaml": application("b", "path: charts/web, helm: {valueFiles: [own.yaml]}"),
        }
    )
    assert len([each for each in report.findings if each.rule == "value-file-missing"]) == 2


def test_a_project_that_is_missing_or_denies_a_kind(validate: Validate) -> None:
    files = {**OVERLAYS, **applications("path: overlays/{env}", "team")}
    missing = only(validate(files), "project-unknown")
    assert [each.path for each in missing.places] == ["argocd/dev.yaml", "argocd/prod.yaml", "argocd/staging.yaml"]
    project = (
        "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: team, namespace: argocd}\n"
        f"spec:\n  sourceRepos: ['{URL}']\n  destinations: [{{name: in-cluster, namespace: 'shop-*'}}]\n"
        "  namespaceResourceBlacklist: [{group: apps, kind: Deployment}]\n"
    )
    denied = only(validate({"argocd/team.yaml": project}), "project-denies-kind")
    assert [each.path for each in denied.places] == ["argocd/dev.yaml", "argocd/prod.yaml", "argocd/staging.yaml"]


def test_the_template_of_an_applicationset_in_each_application(validate: Validate) -> None:
    elements = ", ".join(f"{{env: {each}}}" for each in ENVIRONMENTS)
    text = (
        "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: shop, namespace: argocd}\n"
        "spec:\n  goTemplate: true\n  goTemplateOptions: [missingkey=error]\n"
        f"  generators: [list: {{elements: [{elements}]}}]\n"
        "  template:\n    metadata:\n      name: 'shop_{{ .env }}'\n"
        "      labels: {app.kubernetes.io/name: shop, environment: '{{ .env }}'}\n    spec:\n      project: default\n"
        f"      source: {{repoURL: '{URL}', targetRevision: main, path: base}}\n"
        "      destination: {name: in-cluster, namespace: 'shop-{{ .env }}'}\n"
    )
    found = only(validate({"set.yaml": text, "base/config-map.yaml": CHART["charts/shop/Chart.yaml"]}), "name-invalid")
    assert (found.path, found.line) == ("set.yaml", 10)
    assert renders(found) == ALL


def test_two_files_with_the_same_mistake_are_two_findings(validate: Validate) -> None:
    untagged = DEPLOYMENT.replace("nginx:1.29.3", "nginx")
    report = validate({"a.yaml": untagged, "b.yaml": untagged.replace("name: shop}", "name: web}", 1)})
    assert rules_of(report) == {"image-tag"}
    assert len(report.findings) == 2


class TestFormats:
    @pytest.fixture
    def report(self, validate: Validate) -> Report:
        wrong = DEPLOYMENT.replace("Always", "Sometimes")
        team = (
            "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: team, namespace: argocd}\n"
            "spec:\n  sourceRepos: []\n"
            "  destinations: [{server: 'https://kubernetes.default.svc', namespace: 'shop-*'}]\n"
        )
        deployed = {**OVERLAYS, **applications("path: overlays/{env}", "team")}
        return validate({**deployed, "base/deployment.yaml": wrong, "projects/team.yaml": team})

    def written(self, report: Report, form: OutputFormat) -> str:
        return format_report(report, form, Options(version="1"))

    def test_text(self, report: Report) -> None:
        text = self.written(report, OutputFormat.TEXT)
        assert "[kubernetes-schema]\n    Found in shop in dev, prod, staging.\n" in text
        assert "    Also at argocd/prod.yaml:10 and argocd/staging.yaml:10.\n" in text
        assert "2 errors, 0 warnings" in text
        assert [line.split()[-2:] for line in text.splitlines() if line.startswith("shop  ")] == [["2", "0"]] * 3

    def test_json(self, report: Report) -> None:
        data = json.loads(self.written(report, OutputFormat.JSON))
        assert data["summary"]["errors"] == len(data["findings"]) == 2
        (project,) = [each for each in data["findings"] if each["rule"] == "project-denies-source"]
        assert [(each["path"], each["line"], each["environment"]) for each in project["also"]] == [
            ("argocd/prod.yaml", 10, "prod"),
            ("argocd/staging.yaml", 10, "staging"),
        ]

    def test_sarif(self, report: Report) -> None:
        results = json.loads(self.written(report, OutputFormat.SARIF))["runs"][0]["results"]
        related = {each["ruleId"]: each.get("relatedLocations", []) for each in results}
        uris = [each["physicalLocation"]["artifactLocation"]["uri"] for each in related["project-denies-source"]]
        assert uris == ["argocd/prod.yaml", "argocd/staging.yaml"]
        assert len(results[1]["locations"][0]["logicalLocations"]) == 4

    def test_github(self, report: Report) -> None:
        lines = self.written(report, OutputFormat.GITHUB).splitlines()
        assert len([line for line in lines if line.startswith("::error")]) == 2
        assert any("Also at argocd/prod.yaml:10 and argocd/staging.yaml:10." in line for line in lines)

    def test_junit(self, report: Report) -> None:
        text = self.written(report, OutputFormat.JUNIT)
        failed = len([each for each in report.outcomes if each.status is Status.FAILED])
        # An Application's finding is of what it renders, and its file is of the repository.
        assert text.count("<failure") == failed + len(ENVIRONMENTS)


def test_severities_and_exit_codes_do_not_change(validate: Validate) -> None:
    untagged = DEPLOYMENT.replace("nginx:1.29.3", "nginx")
    report = validate({**OVERLAYS, **applications("path: overlays/{env}"), "base/deployment.yaml": untagged})
    assert {each.severity for each in report.findings} == {Severity.WARNING}
    assert (report.errors, report.warnings, report.count(Status.FAILED)) == (0, 1, 0)


def test_what_a_chart_of_no_application_renders_counts_as_rendered(validate: Validate) -> None:
    template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\n"
    chart = {"shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n", "shop/templates/a.yaml": template}
    report = validate(chart)
    assert [each.path for each in report.outcomes if each.is_rendered] == ["shop/templates/a.yaml"]
    assert "rendered in 1 render)" in closing_line(report)
