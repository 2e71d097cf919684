"""Validation from end to end: every file is accounted for, whatever it holds and whoever made the repository."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import textwrap
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argosy import documents, helm, reporting
from argosy.argocd import deployments
from argosy.errors import ArgosyError, ToolError, UsageError
from argosy.findings import Report, Severity, Status
from argosy.repository.model import ArgocdStyle, Format
from argosy.validation import pipeline
from tests.changing import model, rendered
from tests.privileges import dropped
from tests.validating import Validate, counts, rules_of, write_files

URL = "https://git.example.com/acme/gitops.git"
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  greeting: hello\n"
POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: shop
spec:
  containers:
    - name: shop
      image: nginx:1.29.3
"""
CHART = {
    "charts/shop/Chart.yaml": "apiVersion: v2\nname: shop\ndescription: The shop\nversion: 1.0.0\n",
    "charts/shop/values.yaml": "replicas: 1\n",
    "charts/shop/templates/config-map.yaml": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: shop\ndata:\n  replicas: {{ .Values.replicas | quote }}\n"
    ),
}
WIDGETS = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: widgets.example.com
spec:
  group: example.com
  names: {kind: Widget, plural: widgets, singular: widget}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              required: [size]
              properties:
                size: {type: integer}
                colour: {type: string, enum: [red, green]}
"""
WIDGET = (
    "apiVersion: example.com/v1\nkind: Widget\nmetadata:\n  name: shop\nspec:\n  size: {size}\n  colour: {colour}\n"
)


def application(name: str, source: str, namespace: str = "shop") -> str:
    """Return an Application with a source in YAML's flow style."""
    return (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\n"
        f"metadata: {{name: {name}, namespace: argocd}}\n"
        f"spec:\n  project: default\n  source: {{repoURL: '{URL}', targetRevision: main, {source}}}\n"
        f"  destination: {{server: 'https://kubernetes.default.svc', namespace: {namespace}}}\n"
    )


def errors(report: Report) -> list[tuple[str, str, int | None]]:
    """Return rule, path and line of each error."""
    return [(each.rule, each.path, each.line) for each in report.findings if each.severity is Severity.ERROR]


def skipped(report: Report) -> dict[str, str]:
    """Return the reason of each path that was skipped."""
    return {each.path: each.reason for each in report.outcomes if each.status is Status.SKIPPED}


class TestAccounting:
    def test_every_document_passes_fails_or_is_skipped_with_a_reason(self, validate: Validate) -> None:
        report = validate(
            {
                "good.yaml": CONFIG_MAP.format(name="a") + "---\n" + CONFIG_MAP.format(name="b"),
                "bad.yml": CONFIG_MAP.format(name="A") + "---\n" + CONFIG_MAP.format(name="b"),
                "other.yaml": "just: data\n",
                "data.json": '{"some": "data"}',
                "README.md": "No YAML.",
            }
        )
        assert counts(report) == {"passed": 3, "failed": 1, "skipped": 2}
        assert set(skipped(report)) == {"other.yaml", "data.json"}
        assert all(skipped(report).values())
        assert errors(report) == [("kubernetes-value", "bad.yml", 4)]

    def test_files_without_a_document_are_skipped(self, validate: Validate) -> None:
        report = validate(
            {"empty.yaml": "", "comments.yaml": "# nothing\n", "null.json": "null", "dashes.yml": "---\n---\n"}
        )
        assert counts(report) == {"passed": 0, "failed": 0, "skipped": 4}
        assert set(skipped(report).values()) == {"it contains no document"}

    def test_a_file_that_breaks_off_fails_beside_its_good_documents(self, validate: Validate) -> None:
        report = validate({"two.yaml": CONFIG_MAP.format(name="a") + '---\nbroken: "never closed\n'})
        assert counts(report) == {"passed": 1, "failed": 1, "skipped": 0}
        assert errors(report) == [("yaml-syntax", "two.yaml", 8)]

    def test_a_suppressed_error_is_skipped_not_passed_where_nothing_could_be_read(self, validate: Validate) -> None:
        report = validate(
            {"broken.yaml": '# argosy: ignore[yaml-syntax] an example for the docs\nbroken: "never closed\n'}
        )
        assert report.findings == []
        assert skipped(report) == {"broken.yaml": "its findings are ignored, or in the baseline"}

    def test_values_that_a_render_reads_pass_and_others_are_not_reached(self, validate: Validate) -> None:
        report = validate(
            {
                **CHART,
                "values/dev.yaml": "replicas: 2\n",
                "values/old.yaml": "replicas: 3\n",
                "values/empty.yaml": "# nothing yet\n",
                "argocd/shop.yaml": application(
                    "shop", "path: charts/shop, helm: {valueFiles: [/values/dev.yaml, /values/empty.yaml]}"
                ),
            }
        )
        assert errors(report) == []
        assert skipped(report) == {}
        assert [each.path for each in report.unreached] == ["values/old.yaml"]
        assert report.renders == 1

    def test_a_chart_that_nobody_deploys_is_rendered_with_its_own_values(self, validate: Validate) -> None:
        bad = CHART["charts/shop/templates/config-map.yaml"].replace("\ndata:", "\ndta:")
        report = validate({**CHART, "charts/shop/templates/config-map.yaml": bad})
        assert [error[:2] for error in errors(report)] == [
            ("kubernetes-schema", "charts/shop/templates/config-map.yaml")
        ]

    def test_a_chart_that_cannot_be_rendered_by_itself_is_skipped(self, validate: Validate) -> None:
        needy = '{{ required "say how many" .Values.count }}'
        report = validate({**CHART, "charts/shop/templates/config-map.yaml": f"count: {needy}\n"})
        assert errors(report) == []
        assert "say how many" in skipped(report)["charts/shop"]
        assert {"charts/shop/templates/config-map.yaml", "charts/shop/values.yaml"} <= set(skipped(report))

    def test_library_charts_are_judged_with_the_charts_that_use_them(self, validate: Validate) -> None:
        library = {
            "charts/base/Chart.yaml": "apiVersion: v2\nname: base\ndescription: x\ntype: library\nversion: 1.0.0\n",
            "charts/base/templates/_names.tpl": '{{ define "base.name" }}shop{{ end }}\n',
        }
        assert "library chart" in skipped(validate(library))["charts/base"]
        chart = CHART["charts/shop/Chart.yaml"]
        using = chart + "dependencies:\n  - {name: base, version: 1.0.0, repository: 'file://../base'}\n"
        report = validate(
            {
                **library,
                **CHART,
                "charts/shop/Chart.yaml": using,
                "argocd/shop.yaml": application("shop", "path: charts/shop"),
            }
        )
        assert skipped(report) == {}

    def test_kustomize_inputs_count_where_a_build_reads_them(self, validate: Validate) -> None:
        files = {
            "base/kustomization.yaml": "resources: [config-map.yaml]\n",
            "base/config-map.yaml": CONFIG_MAP.format(name="shop"),
            "dev/kustomization.yaml": "resources: [../base]\npatches:\n  - path: patch.yaml\n",
            "dev/patch.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: shop\ndata:\n  greeting: good day\n",
        }
        report = validate(files)
        assert (counts(report), report.renders) == ({"passed": 5, "failed": 0, "skipped": 0}, 1)
        broken = validate({"dev/kustomization.yaml": files["dev/kustomization.yaml"] + "nonsense: true\n"})
        assert broken.errors
        assert "dev/patch.yaml" in skipped(broken)

    def test_what_a_build_puts_into_a_config_map_is_for_others_to_read(self, validate: Validate) -> None:
        files = {
            "users.json": '{"a": 1}\n{"b": 2}\n',
            "twice.yaml": "a: 1\na: 2\n",
            "kustomization.yaml": "configMapGenerator: [{name: x, files: [users.json, it.yaml=twice.yaml]}]\n",
        }
        report = validate(files)
        assert not report.findings
        assert skipped(report) == dict.fromkeys(
            ("users.json", "twice.yaml"), "it is put into a ConfigMap or Secret as it is"
        )
        assert rules_of(validate({**files, "app/kustomization.yaml": "resources: [../twice.yaml]\n"})) >= {
            "duplicate-key"
        }

    def test_components_are_built_with_the_overlays_that_use_them(self, validate: Validate) -> None:
        component = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamePrefix: x-\n"
        assert "Component" in skipped(validate({"tls/kustomization.yaml": component}))["tls"]
        overlay = {
            "dev/kustomization.yaml": "resources: [config-map.yaml]\ncomponents: [../tls]\n",
            "dev/config-map.yaml": CONFIG_MAP.format(name="shop"),
        }
        assert skipped(validate(overlay)) == {}

    def test_kustomizations_that_read_each_other_are_an_error(self, validate: Validate) -> None:
        report = validate(
            {"a/kustomization.yaml": "resources: [../b]\n", "b/kustomization.yaml": "resources: [../a]\n"}
        )
        assert {rule for rule, _, _ in errors(report)} == {"kustomize-build"}

    def test_nothing_is_found_in_an_empty_folder(self, validate: Validate) -> None:
        assert validate({}) == Report([], [], 0)


class TestManifests:
    def test_lists_are_judged_item_by_item(self, validate: Validate) -> None:
        good, bad = (yaml.safe_load(CONFIG_MAP.format(name=name)) for name in ("a", "B"))
        report = validate({"list.yaml": yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [good, bad]})})
        assert counts(report) == {"passed": 1, "failed": 1, "skipped": 0}
        assert [finding.resource for finding in report.findings] == ["ConfigMap/B"]

    def test_generate_name_stands_for_a_name(self, validate: Validate) -> None:
        job = POD.replace("  name: shop\nspec", "  generateName: shop-\nspec").replace("image", "image")
        assert validate({"pod.yaml": job}).findings == []

    def test_all_errors_of_a_manifest_are_told_with_line_and_path(self, validate: Validate) -> None:
        text = POD.replace("      image: nginx:1.29.3\n", "      imagePullPolicy: Sometimes\n      prots: []\n")
        report = validate({"pod.yaml": text})
        found = {(each.line, each.message.partition(":")[0]) for each in report.findings}
        assert found == {
            (7, "spec.containers[0]"),
            (8, "spec.containers[0].imagePullPolicy"),
            (9, "spec.containers[0]"),
        }
        assert any("Always, IfNotPresent, Never" in each.message for each in report.findings)

    def test_what_lacks_quotes_is_quoted_as_its_file_has_it(self, validate: Validate) -> None:
        report = validate(
            {
                "a.yaml": CONFIG_MAP.format(name="a").replace("hello", "&old 0755") + "  again: *old\n  on: yes\n",
                "kustomization.yaml": "resources: [a.yaml]\nimages: [{name: shop, newTag: 1.10}]\n",
                ".copier-answers.yml": "repository_name: 1.20\n",
                # The chart loses the quotes that its values have.
                **CHART,
                "charts/shop/values.yaml": "replicas: '1_000'\n",
                "charts/shop/templates/config-map.yaml": CONFIG_MAP.format(name="b").replace(
                    "hello", "{{ .Values.replicas }}"
                ),
                "b.json": '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b"}, "data": {"a": 1.50}}',
            }
        )
        said = {(each.message, each.hint) for each in report.findings if each.rule.endswith("-schema")}
        assert said == {
            ("data.greeting: must be text, not 0755, which YAML reads as 493", 'Put it in quotes: "0755".'),
            ("data.again: must be text, not 0755, which YAML reads as 493", 'Put it in quotes: "0755".'),
            ("data.true: must be text, not yes, which YAML reads as true", 'Put it in quotes: "yes".'),
            ("images[0].newTag: must be text, not 1.10, which YAML reads as 1.1", 'Put it in quotes: "1.10".'),
            ("data.greeting: must be text, not 1_000, which YAML reads as 1000", 'Put it in quotes: "1_000".'),
            ("repository_name: must be text, not 1.20, which YAML reads as 1.2", 'Put it in quotes: "1.20".'),
            ("data.a: must be text, not 1.50, which YAML reads as 1.5", 'Put it in quotes: "1.50".'),
        }

    def test_custom_resources_are_judged_by_the_definitions_of_the_repository(self, validate: Validate) -> None:
        files = {"crd.yaml": WIDGETS, "good.yaml": WIDGET.format(size=1, colour="red")}
        assert counts(validate(files)) == {"passed": 2, "failed": 0, "skipped": 0}
        report = validate({"bad.yaml": WIDGET.format(size="big", colour="blue")})
        assert [(path, line) for _, path, line in errors(report)] == [("bad.yaml", 6), ("bad.yaml", 7)]
        assert any("red, green" in each.message for each in report.findings)

    @pytest.mark.parametrize("place", ["charts/shop/crds/widgets.yaml", "charts/shop/templates/widgets.yaml"])
    def test_definitions_of_charts_count_too(self, validate: Validate, place: str) -> None:
        report = validate({**CHART, place: WIDGETS, "bad.yaml": WIDGET.format(size="big", colour="red")})
        assert errors(report) == [("kubernetes-schema", "bad.yaml", 6)]

    def test_unknown_custom_resources_are_skipped(self, validate: Validate) -> None:
        report = validate({"widget.yaml": WIDGET.format(size=1, colour="red")})
        assert "add its CustomResourceDefinition" in skipped(report)["widget.yaml"]

    @pytest.mark.parametrize(
        "location", ["schemas", "schemas/{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json"]
    )
    def test_schema_locations(self, validate: Validate, tmp_path: Path, location: str) -> None:
        schema = {"type": "object", "properties": {"spec": {"properties": {"size": {"type": "integer"}}}}}
        files = {
            "schemas/example.com/widget_v1.json": json.dumps(schema),
            "widget.yaml": WIDGET.format(size="big", colour="red"),
        }
        report = validate(files, schema_locations=[str(tmp_path / location)])
        assert errors(report) == [("kubernetes-schema", "widget.yaml", 6)]
        own = validate({".argosy.yaml": f"schemaLocations: ['{location}']\n"})
        assert ("kubernetes-schema", "widget.yaml", 6) in errors(own)

    def test_several_versions_of_kubernetes(self, validate: Validate) -> None:
        cron_job = (
            "apiVersion: batch/v1beta1\nkind: CronJob\nmetadata:\n  name: shop\nspec:\n  schedule: '@daily'\n"
            "  jobTemplate:\n    spec:\n      template:\n        spec:\n          restartPolicy: Never\n"
            "          containers:\n            - name: shop\n              image: nginx:1.29.3\n"
        )
        assert errors(validate({"job.yaml": cron_job}, kubernetes_versions=["1.25"])) != []
        report = validate({}, kubernetes_versions=["v1.34", "1.37.2", "1.37"])
        assert {each.message.rpartition("(")[2] for each in report.findings} == {"Kubernetes 1.34)", "Kubernetes 1.37)"}

    def test_a_field_that_one_version_knows(self, validate: Validate) -> None:
        deployment = POD.replace(
            "      image:", "      restartPolicyRules: []\n      restartPolicy: Never\n      image:"
        )
        old = validate({"pod.yaml": deployment}, kubernetes_versions=["1.27", "1.37"])
        assert old.findings
        assert all("(Kubernetes 1.27)" in each.message for each in old.findings)

    def test_unknown_version(self, validate: Validate) -> None:
        with pytest.raises(UsageError, match=r"1\.99"):
            validate({"pod.yaml": POD}, kubernetes_versions=["1.99"])

    def test_a_key_of_a_secret_that_is_no_name(self, validate: Validate) -> None:
        secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: web, namespace: web}\nstringData: {a b: hunter2}\n"
        said = [each.message for each in validate({"secret.yaml": secret}).findings]
        assert [each for each in said if each.startswith('stringData: the name "a b" is not allowed: ')]
        assert "hunter2" not in "".join(said)

    @pytest.mark.parametrize(
        ("version", "api", "message"),
        [
            (
                "1.36",
                "v1beta1",
                "is not served from Kubernetes 1.37 on.",
            ),
            (
                "1.31",
                "v1beta1",
                "is not served from Kubernetes 1.37 on.",
            ),
            ("1.37", "v1", ""),
        ],
    )
    def test_what_the_next_kubernetes_does_not_serve(
        self, version: str, api: str, message: str, validate: Validate
    ) -> None:
        one = f"apiVersion: storage.k8s.io/{api}\nkind: VolumeAttributesClass\nmetadata: {{name: fast}}\n"
        found = validate({"a.yaml": one + "driverName: x\n"}, kubernetes_versions=[version]).findings
        assert [(each.rule, each.severity, each.message, each.line) for each in found] == (
            [("api-deprecated", Severity.WARNING, f"storage.k8s.io/{api} of VolumeAttributesClass {message}", 1)]
            if message
            else []
        )

    def test_what_an_operator_does_not_serve_any_more(self, validate: Validate) -> None:
        pool = "apiVersion: {}\nkind: {}\nmetadata: {{name: a}}\nspec: {}\n"
        schema = "schema: {openAPIV3Schema: {type: object}}"
        versions = [
            f"{{name: v1, served: true, storage: true, {schema}}}",
            f"{{name: v1beta1, served: true, storage: false, deprecated: true, {schema}}}",
        ]
        names = "group: acme.example, scope: Namespaced, names: {kind: Gizmo, plural: gizmos}"
        found = validate(
            {
                "a.yaml": pool.format("kafka.strimzi.io/v1beta2", "KafkaTopic", "{partitions: 3}"),
                "b.yaml": pool.format(
                    "metallb.io/v1beta1", "BGPPeer", "{myASN: 1, peerASN: 2, peerAddress: 192.0.2.1}"
                ),
                "c.yaml": pool.format("kafka.strimzi.io/v1", "KafkaTopic", "{partitions: 3}"),
                "d.yaml": "apiVersion: acme.example/v1beta1\nkind: Gizmo\nmetadata: {name: a}\n",
                "crd.yaml": pool.format(
                    "apiextensions.k8s.io/v1", "CustomResourceDefinition", f"{{{names}, versions: ["
                )
                .replace("{name: a}", "{name: gizmos.acme.example}")
                .replace("versions: [", f"versions: [{', '.join(versions)}]}}"),
            }
        ).findings
        assert [(each.rule, each.path, each.message, each.hint) for each in found] == [
            (
                "api-deprecated",
                "a.yaml",
                "kafka.strimzi.io/v1beta2 of KafkaTopic is not served any more by strimzi 1.2.0.",
                "Version v1beta2 of the KafkaTopic API is deprecated. Please use the v1 version instead.",
            ),
            (
                "api-deprecated",
                "b.yaml",
                "metallb.io/v1beta1 of BGPPeer is deprecated, its CustomResourceDefinition says.",
                "v1beta1 is deprecated, please use v1beta2.",
            ),
            (
                "api-deprecated",
                "d.yaml",
                "acme.example/v1beta1 of Gizmo is deprecated, its CustomResourceDefinition says.",
                "Use acme.example/v1.",
            ),
        ]

    def test_helm_says_nothing_of_dependencies_that_argocd_builds(self, validate: Validate) -> None:
        chart = (
            "apiVersion: v2\nname: shop\ndescription: x\nicon: https://x.org\nversion: 1.0.0\n"
            "dependencies: [{name: redis, version: 1.2.3, repository: 'https://charts.example.com'}]\n"
        )
        report = validate({"shop/Chart.yaml": chart, "shop/values.yaml": "{}\n"})
        assert "helm-advice" not in rules_of(report)
        report = validate({"shop/Chart.yaml": chart.replace("dependencies", "annotations: {}\n#")})
        assert "helm-advice" in rules_of(report)

    def test_a_key_that_is_there_twice_with_one_value(self, validate: Validate) -> None:
        report = validate({"a.yaml": "a: 1\na: 1\n", "a.json": '{"a": 1,\n"a": 1}'})
        found = [(each.rule, each.severity, each.path, each.line) for each in report.findings]
        assert found == [("duplicate-key", "warning", each, 2) for each in ("a.json", "a.yaml")]
        assert report.count(Status.FAILED) == 0

    def test_what_other_tools_read_is_skipped_with_the_reason(self, validate: Validate) -> None:
        report = validate(
            {
                ".vscode/settings.json": "{\n// comment\n}\n",
                "web/tsconfig.build.json": "{\n// comment\n}\n",
                "keys.json": b"\0GITCRYPT\0\x12\xff\xf9",
                "data.json": "{\n// comment\n}\n",
            }
        )
        assert errors(report) == [("json-syntax", "data.json", 2)]
        reasons = {each.path: each.reason for each in report.outcomes if each.status is Status.SKIPPED}
        assert reasons["keys.json"] == "the file is encrypted with git-crypt"
        assert reasons[".vscode/settings.json"] == reasons["web/tsconfig.build.json"]
        assert reasons["web/tsconfig.build.json"] == "it is JSON with comments, for a tool that reads it so"

    def test_duplicate_keys_yaml_and_json(self, validate: Validate) -> None:
        report = validate({"a.yaml": "a: 1\na: 2\n", "a.json": '{"a": 1,\n"a": 2}', "b.json": "{'a': 1}"})
        assert errors(report) == [
            ("duplicate-key", "a.json", 2),
            ("duplicate-key", "a.yaml", 2),
            ("json-syntax", "b.json", 1),
        ]


class TestApplications:
    def test_findings_of_a_render_name_application_environment_and_template(self, validate: Validate) -> None:
        labelled = application("shop-dev", "path: charts/shop").replace(
            "namespace: argocd}", "namespace: argocd, labels: {app.kubernetes.io/name: shop, environment: dev}}"
        )
        bad = CHART["charts/shop/templates/config-map.yaml"].replace("\ndata:", "\ndta:")
        report = validate({**CHART, "charts/shop/templates/config-map.yaml": bad, "argocd/shop.yaml": labelled})
        (finding,) = report.findings
        assert (finding.application, finding.environment) == ("shop", "dev")
        assert (finding.path, finding.resource) == ("charts/shop/templates/config-map.yaml", "ConfigMap/shop")

    def test_several_sources_and_values_of_a_ref(self, validate: Validate) -> None:
        sources = (
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop, namespace: argocd}\n"
            "spec:\n  project: default\n  destination: {server: 'https://kubernetes.default.svc', namespace: shop}\n"
            "  sources:\n"
            f"    - {{repoURL: '{URL}', targetRevision: main, path: charts/shop, helm: {{valueFiles: [$v/a.yaml]}}}}\n"
            f"    - {{repoURL: '{URL}', targetRevision: main, ref: v}}\n"
            f"    - {{repoURL: '{URL}', targetRevision: main, path: plain}}\n"
            "    - {repoURL: 'https://charts.example.com', chart: nginx, targetRevision: 1.2.3}\n"
        )
        files = {**CHART, "a.yaml": "replicas: 2\n", "plain/pod.yaml": POD.replace("nginx:1.29.3", "nginx")}
        report = validate({**files, "argocd/shop.yaml": sources})
        assert rules_of(report) == {"same-repository-twice", "image-tag"}
        assert "the chart nginx 1.2.3" in skipped(report)["argocd/shop.yaml"]
        assert report.renders == 1

    def test_applications_of_a_set_are_judged_like_written_ones(self, validate: Validate) -> None:
        set_of = (
            "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: shop, namespace: argocd}\n"
            "spec:\n  goTemplate: true\n  goTemplateOptions: [missingkey=error]\n"
            "  generators: [{list: {elements: [{path: charts/shop}, {path: charts/shp}]}}]\n"
            "  template:\n    metadata: {name: 'shop-{{ .path | base }}'}\n    spec:\n      project: default\n"
            f"      source: {{repoURL: '{URL}', targetRevision: main, path: '{{{{ .path }}}}'}}\n"
            "      destination: {server: 'https://kubernetes.default.svc', namespace: 'shop-{{ .path | base }}'}\n"
        )
        report = validate({**CHART, "set.yaml": set_of})
        assert errors(report) == [("path-missing", "set.yaml", 12)]
        assert report.renders == 1

    def test_an_application_without_a_spec_is_told_once(self, validate: Validate) -> None:
        head = "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: apps}\nspec:\n"
        elements = "  generators: [{list: {elements: [{name: a}]}}]\n"
        report = validate({"set.yaml": head + elements + "  template:\n    metadata: {name: '{{name}}'}\n"})
        assert [each.message for each in report.findings if each.severity is Severity.ERROR] == [
            'spec.template: the required field "spec" is missing'
        ]

    def test_previews_of_pull_requests_are_judged_by_examples_of_them(self, validate: Validate) -> None:
        preview = f"""
            apiVersion: argoproj.io/v1alpha1
            kind: ApplicationSet
            metadata: {{name: web, namespace: argocd}}
            spec:
              goTemplate: true
              goTemplateOptions: [missingkey=error]
              generators:
                - pullRequest:
                    github: {{owner: acme, repo: web, labels: [preview]}}
              template:
                metadata: {{name: "web-{{{{ .number }}}}"}}
                spec:
                  project: default
                  source:
                    repoURL: {URL}
                    path: web
                    helm: {{parameters: [{{name: tag, value: "{{{{ .head_short_sha }}}}"}}]}}
                  destination: {{server: https://kubernetes.default.svc, namespace: "web-{{{{ .number }}}}"}}
        """
        chart = {
            "web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
            "web/values.yaml": "tag: x\n",
            "web/templates/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n"
            "data: {tag: {{ .Values.tag }}}\n",
        }
        report = validate({"set.yaml": textwrap.dedent(preview), **chart})
        # Of one commit in forty, the id begins with eight digits: unless it is quoted, it becomes a number.
        (found,) = [each for each in report.findings if each.severity is Severity.ERROR]
        assert (found.application, found.path) == ("web-99999", "web/templates/map.yaml")
        assert "tag" in found.message
        quoted = chart["web/templates/map.yaml"].replace("{{ .Values.tag }}", "{{ .Values.tag | quote }}")
        assert not errors(validate({"web/templates/map.yaml": quoted}))

    def test_applications_that_a_chart_renders_are_judged_and_rendered(self, validate: Validate) -> None:
        template = application("shop-{{ . }}", "path: 'apps/{{ . }}'", "shop-{{ . }}")
        files = {
            "root/Chart.yaml": "apiVersion: v2\nname: root\ndescription: All\nversion: 1.0.0\n",
            "root/values.yaml": "environments: [dev, prod]\n",
            "root/templates/applications.yaml": "{{- range .Values.environments }}\n---\n" + template + "{{- end }}\n",
            "apps/dev/kustomization.yaml": "resources: [pod.yaml]\n",
            "apps/dev/pod.yaml": POD.replace("containers", "contaners"),
            "argocd/root.yaml": application("root", "path: root", "argocd"),
        }
        report = validate(files)
        found = {
            (finding.rule, each.path, each.application)
            for finding in report.findings
            for each in finding.places
            if finding.severity is Severity.ERROR
        }
        assert ("path-missing", "root/templates/applications.yaml", "shop-prod") in found
        assert ("kubernetes-schema", "apps/dev/kustomization.yaml", "shop-dev") in found
        assert report.renders == 2

    def test_an_application_that_renders_itself_ends(self, validate: Validate) -> None:
        root = application("root", "path: root", "argocd")
        chart = {
            "root/Chart.yaml": "apiVersion: v2\nname: root\ndescription: All\nversion: 1.0.0\n",
            "root/values.yaml": "{}\n",
            "root/templates/root.yaml": root,
        }
        report = validate({**chart, "argocd/root.yaml": root})
        assert errors(report) == []
        assert report.renders == 1

    def test_overlaid_applications_are_judged_as_the_overlay_makes_them(self, validate: Validate) -> None:
        files = {
            "apps/shop/pod.yaml": POD,
            "base/kustomization.yaml": "resources: [shop.yaml]\n",
            "base/shop.yaml": application("shop", "path: REPLACED"),
            "dev/kustomization.yaml": "resources: [../base]\nnameSuffix: -dev\npatches:\n"
            "  - target: {kind: Application}\n"
            '    patch: \'[{"op": "replace", "path": "/spec/source/path", "value": "apps/shop"}]\'\n',
        }
        assert errors(validate(files)) == []
        wrong = validate({"dev/kustomization.yaml": files["dev/kustomization.yaml"].replace("apps/shop", "apps/shp")})
        assert [error[:2] for error in errors(wrong)] == [("path-missing", "dev/kustomization.yaml")]

    def test_applications_that_an_overlay_takes_as_they_are_keep_their_lines(self, validate: Validate) -> None:
        files = {
            "argocd/kustomization.yaml": "resources: [shop.yaml]\n",
            "argocd/shop.yaml": application("shop", "path: nowhere"),
        }
        assert errors(validate(files)) == [("path-missing", "argocd/shop.yaml", 6)]
        unbuilt = validate({"argocd/kustomization.yaml": "resources: [shop.yaml, https://example.com/x?ref=v1]\n"})
        assert errors(unbuilt) == [("path-missing", "argocd/shop.yaml", 6)]

    def test_projects_may_be_rendered(self, validate: Validate) -> None:
        project = (
            "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: team, namespace: argocd}\n"
            f"spec: {{sourceRepos: ['{URL}'], destinations: [{{server: '*', namespace: other}}]}}\n"
        )
        files = {
            "argocd/kustomization.yaml": "resources: [project.yaml]\nnamespace: argocd\n",
            "argocd/project.yaml": project,
            "shop.yaml": application("shop", "path: apps").replace("project: default", "project: team"),
            "apps/config-map.yaml": CONFIG_MAP.format(name="shop"),
        }
        assert "project-denies-destination" in rules_of(validate(files))


SELECTED = {
    **CHART,
    "values/dev.yaml": "replicas: 2\n",
    "values/prod.yaml": "replicas: 2\n",
    "argocd/dev.yaml": application("dev", "path: charts/shop, helm: {valueFiles: [/values/dev.yaml]}", "dev"),
    "argocd/prod.yaml": application("prod", "path: charts/shop, helm: {valueFiles: [/values/prod.yaml]}", "prod"),
    "apps/bad.yaml": CONFIG_MAP.format(name="BAD"),
    "charts/shop/templates/bad.yaml": "{{ if gt (int .Values.replicas) 5 }}\napiVersion: v1\nkind: ConfgMap\n"
    "metadata:\n  name: shop\n{{ end }}\n",
}


class TestSelection:
    def test_findings_elsewhere_are_not_told(self, validate: Validate, tmp_path: Path) -> None:
        assert errors(validate(SELECTED, unreached=True)) == [("kubernetes-value", "apps/bad.yaml", 4)]
        report = validate({}, paths=[tmp_path / "argocd" / "dev.yaml"])
        assert errors(report) == []
        assert {each.path for each in report.outcomes} | {each.path for each in report.findings} == {
            "argocd/dev.yaml",
            "values/dev.yaml",
            *(path for path in SELECTED if path.startswith("charts/")),
        }

    def test_what_is_rendered_from_a_file_belongs_to_it(self, validate: Validate, tmp_path: Path) -> None:
        report = validate({**SELECTED, "values/prod.yaml": "replicas: 9\n"}, paths=[tmp_path / "values" / "prod.yaml"])
        assert {(each.rule, each.path, each.application) for each in report.findings} == {
            ("kubernetes-schema", "charts/shop/templates/bad.yaml", "prod")
        }
        assert report.renders == 1
        assert validate({}, paths=[tmp_path / "values" / "dev.yaml"]).findings == []

    def test_an_application_is_judged_with_all_that_it_renders_to(self, validate: Validate, tmp_path: Path) -> None:
        files = {
            **SELECTED,
            "charts/shop/templates/broken.yaml": '{{ if eq .Release.Name "prod" }}{{ fail "no" }}{{ end }}\n',
            "argocd/plain.yaml": application("plain", "path: apps"),
            "argocd/built.yaml": application("built", "path: overlay"),
            "overlay/kustomization.yaml": "resources: [../base]\n",
            "base/kustomization.yaml": "resources: [bad.yaml]\n",
            "base/bad.yaml": CONFIG_MAP.format(name="WORSE"),
        }

        def found(*paths: str) -> list[tuple[str, str, str]]:
            report = validate(files, paths=[tmp_path / path for path in paths])
            found = [each for each in report.findings if each.severity is Severity.ERROR]
            return [(each.rule, each.path, each.application) for each in found]

        in_chart = ("helm-render", "charts/shop/templates/broken.yaml", "prod")
        assert found("argocd/prod.yaml") == found("charts/shop/templates/broken.yaml") == [in_chart]
        assert found("argocd/dev.yaml") == found("values/dev.yaml") == []
        assert found("argocd/plain.yaml") == [("kubernetes-value", "apps/bad.yaml", "")]
        assert [(rule, path) for rule, path, _ in found("argocd/built.yaml")] == [("kubernetes-value", "base/bad.yaml")]
        assert {path for _, path, _ in found("argocd")} == {
            "charts/shop/templates/broken.yaml",
            "apps/bad.yaml",
            "base/bad.yaml",
        }


class TestSuppression:
    def test_in_place(self, validate: Validate) -> None:
        line = "      image: nginx  # argosy: ignore[image-tag] follows the newest\n"
        assert validate({"pod.yaml": POD.replace("      image: nginx:1.29.3\n", line)}).findings == []

    def test_of_a_whole_file(self, validate: Validate) -> None:
        text = "# argosy: ignore[image-tag] a sandbox\n" + POD.replace("nginx:1.29.3", "nginx")
        assert validate({"pod.yaml": text}).findings == []

    def test_in_a_helm_template(self, validate: Validate) -> None:
        template = POD.replace("nginx:1.29.3", "nginx")
        assert rules_of(validate({**CHART, "charts/shop/templates/pod.yaml": template})) == {"image-tag"}
        ignoring = "{{/* argosy: ignore[image-tag] a sandbox */}}\n" + template
        assert validate({"charts/shop/templates/pod.yaml": ignoring}).findings == []

    def test_for_the_repository(self, validate: Validate) -> None:
        untagged = POD.replace("nginx:1.29.3", "nginx")
        settings = "ignore:\n  - rule: image-tag\n    reason: a sandbox\n    paths: ['sandbox/*']\n"
        report = validate({"sandbox/pod.yaml": untagged, "prod/pod.yaml": untagged, ".argosy.yaml": settings})
        assert [(each.rule, each.path) for each in report.findings] == [("image-tag", "prod/pod.yaml")]

    @pytest.mark.parametrize(
        "comment",
        [
            "# argosy: ignore[image-tag]",
            "# argosy: ignore[image-tga] why",
            "# argosy: ignore",
            "# argosy: ignore[] why",
        ],
    )
    def test_in_vain(self, validate: Validate, comment: str) -> None:
        report = validate({"pod.yaml": POD.replace("nginx:1.29.3", f"nginx  {comment}")})
        assert rules_of(report) == {"image-tag", "suppression"}
        assert counts(report)["failed"] == 1

    def test_in_vain_for_the_repository(self, validate: Validate) -> None:
        report = validate({"pod.yaml": POD, ".argosy.yaml": "ignore:\n  - rule: image-tga\n    reason: why\n"})
        assert [(each.rule, each.path) for each in report.findings] == [("suppression", ".argosy.yaml")]


class TestForeignFolders:
    def test_helm_templates_outside_a_chart(self, validate: Validate) -> None:
        report = validate({"snippets/pod.yaml": "{{- if .Values.x }}\nkind: Pod\n{{- end }}\n"})
        assert report.findings == []
        assert "template" in skipped(report)["snippets/pod.yaml"]

    def test_custom_tags(self, validate: Validate) -> None:
        report = validate({"cloudformation.yaml": "Resources:\n  Name: !Sub '${AWS::StackName}'\n"})
        assert report.findings == []
        assert "!Sub" in skipped(report)["cloudformation.yaml"]

    def test_anchors_and_merge_keys(self, validate: Validate) -> None:
        text = (
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  labels: &labels {app: shop}\ndata: *labels\n"
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  <<: {namespace: x}\n  name: b\n"
        )
        assert counts(validate({"a.yaml": text})) == {"passed": 2, "failed": 0, "skipped": 0}

    def test_what_cannot_be_read_is_an_error(self, validate: Validate) -> None:
        bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
            f"{letter}: &{letter} [{','.join([f'*{before}'] * 10)}]\n"
            for before, letter in zip("abcdefg", "bcdefgh", strict=True)
        )
        report = validate(
            {
                "binary.yaml": b"\x00\x01\x02",
                "latin.yaml": "grüezi: ja\n".encode("latin-1"),
                "utf16.yaml": "a: ü\n".encode("utf-16"),
                "tabs.yaml": "a:\n\tb: 1\n",
                "bomb.yaml": bomb,
                "deep.json": "[" * 5000 + "]" * 5000,
                "circle.yaml": "a: &a [*a]\n",
            }
        )
        assert {path: rule for rule, path, _ in errors(report)} == {
            "binary.yaml": "file-encoding",
            "bomb.yaml": "yaml-limit",
            "circle.yaml": "yaml-limit",
            "deep.json": "yaml-limit",
            "latin.yaml": "file-encoding",
            "tabs.yaml": "yaml-syntax",
        }
        assert set(skipped(report)) == {"utf16.yaml"}
        assert counts(report)["failed"] == 6

    def test_fifty_megabytes_are_refused_not_read(self, validate: Validate, tmp_path: Path) -> None:
        with (tmp_path / "large.yaml").open("wb") as file:
            file.truncate(50 * 1024 * 1024)
        assert errors(validate({})) == [("file-unreadable", "large.yaml", None)]

    def test_links(self, validate: Validate, tmp_path: Path) -> None:
        write_files(tmp_path, {"a/pod.yaml": POD})
        for path, target in (
            ("a/round", ".."), ("a/self.yaml", "self.yaml"), ("a/gone.yaml", "nowhere.yaml"),
            ("a/good.yaml", "pod.yaml"), ("b", "a"), ("etc", "/etc"), ("up.yaml", "../../x.yaml"),
            (".venv/lib", "/usr/lib"),
        ):  # fmt: skip
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).symlink_to(target)
        found = {path: rule for rule, path, _ in errors(validate({}))}
        assert found == {
            "a/round": "file-unreadable",
            "a/self.yaml": "file-unreadable",
            "a/gone.yaml": "file-unreadable",
            "etc": "symlink-escapes",
            "up.yaml": "symlink-escapes",
        }

    @pytest.mark.parametrize(
        "closed", ["charts", "charts/shop", "charts/shop/Chart.yaml", "argocd", "values", "values/dev.yaml"]
    )
    @pytest.mark.parametrize("mode", [0, 0o444])
    def test_what_may_not_be_read(self, closed: str, mode: int) -> None:
        # pytest's own folders are closed to others: the reason has to be this file or folder.
        with tempfile.TemporaryDirectory() as name:
            root = Path(name)
            root.chmod(0o755)
            write_files(root, SELECTED)
            pipeline.validate(root)
            (root / closed).chmod(mode)
            with dropped():
                report = pipeline.validate(root)
            (root / closed).chmod(0o755)
        assert mode or closed in {path for rule, path, _ in errors(report) if rule == "file-unreadable"}
        assert report.outcomes

    def test_a_folder_named_like_a_file_and_a_pipe(self, validate: Validate, tmp_path: Path) -> None:
        (tmp_path / "folder.yaml").mkdir()
        os.mkfifo(tmp_path / "pipe.yaml")
        assert errors(validate({"folder.yaml/pod.yaml": POD})) == [("file-unreadable", "pipe.yaml", None)]

    def test_what_git_ignores_is_not_read(self, validate: Validate, tmp_path: Path) -> None:
        subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
        ignored = {".gitignore": "/build/\n*.local.yaml\n", "build/x.yaml": ": :", "a.local.yaml": ": :"}
        (tmp_path / "build").mkdir()
        (tmp_path / "build" / "link").symlink_to("/etc")
        assert counts(validate({**ignored, "pod.yaml": POD})) == {"passed": 1, "failed": 0, "skipped": 0}

    def test_answers_of_another_template_are_skipped(self, validate: Validate) -> None:
        report = validate({".copier-answers.yml": "_src_path: gh:acme/python\nproject_name: shop\n", "pod.yaml": POD})
        assert report.findings == []
        assert set(skipped(report)) == {".copier-answers.yml"}

    def test_without_charts_no_helm_is_needed(self, validate: Validate, monkeypatch: pytest.MonkeyPatch) -> None:
        def missing(binary: Path | None = None) -> None:
            raise ToolError("Helm is missing.")

        monkeypatch.setattr(helm, "engine", missing)
        assert validate({"pod.yaml": POD, "argocd/shop.yaml": application("shop", "path: .")}).errors == 0
        with pytest.raises(ToolError):
            validate(CHART, unreached=True)


# Properties

GARBAGE = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.lists(
        st.sampled_from(
            ["a: ", "- ", "{", "}", "[", "]", "&a ", "*a ", "<<: ", "---\n", "...\n", "!x ", "|\n", ">\n", "'", '"',
             "\n", "\t", "  ", "# argosy: ignore[x] y", "{{ .x }}", "{{", "%TAG ! x\n", "? ", ": ", "apiVersion: v1\n",
             "kind: List\n", "items:\n", "\ufeff", "\x85", "0x", "1e999", "~", "<no value>"]
        ),
        max_size=30,
    ).map(lambda parts: "".join(parts).encode()),
)  # fmt: skip
NAMES = st.sampled_from(
    ["a.yaml", "b.yml", "c.json", "kustomization.yaml", "sub/Kustomization", "chart/Chart.yaml", "chart/values.yaml",
     "chart/templates/a.yaml", "chart/values.schema.json", "chart/crds/a.yaml", ".argosy.yaml", ".copier-answers.yml",
     "environments/dev/environment.yaml", "applications/x/application.yaml", "argocd/a.yaml", "x.txt", ".yamllint.yaml"]
)  # fmt: skip
JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from(
            [
                "",
                "x",
                "*",
                "**",
                "../..",
                "/",
                "$values/x",
                "{{ .x }}",
                "{{",
                "a" * 300,
                "[",
                "!*",
                "\0",
                "http://[::1",
                "1h",
                "p, x",
            ]
        ),
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "path", "x", "a/b"]), inner, max_size=3)
    ),
    max_leaves=4,
)


def accounted(root: Path, report: Report) -> None:
    """Assert that each file is accounted for, that errors and failures go together, and that each format writes it."""
    outcomes = Counter(outcome.path for outcome in report.outcomes)
    for file in documents.find(root):
        assert outcomes[file.path], file.path
    assert bool(report.errors) == bool(report.count(Status.FAILED))
    assert all(outcome.reason for outcome in report.outcomes if outcome.status is Status.SKIPPED)
    for form in reporting.OutputFormat:
        assert reporting.format_report(report, form, reporting.Options(version="1"))


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(files=st.dictionaries(NAMES, GARBAGE, min_size=1, max_size=4))
def test_garbage_never_crashes(files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("garbage")
    write_files(root, files)
    try:
        report = pipeline.validate(root)
    except ArgosyError as error:
        # The repository's own settings may name a version or a location that cannot be meant.
        assert ".argosy.yaml" in files or ".copier-answers.yml" in files, error  # noqa: PT017
        return
    accounted(root, report)


def test_settings_of_any_shape_are_findings(validate: Validate) -> None:
    shapes = ("a", "[a]", "3", "true", "2026-03-01", "{}")
    places = ("environments/e{}/environment.yaml", "applications/a{}/application.yaml")
    files = {place.format(number): f"{shape}\n" for number, shape in enumerate(shapes) for place in places}
    report = validate(files)
    assert {each.path for each in report.findings if each.severity is Severity.ERROR} >= files.keys()


@pytest.fixture(scope="module")
def tree(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Mapping[str, bytes]]:
    """Return the folder of a new repository, and its files: path -> content."""
    form, argocd = request.param
    files = {path: file.content for path, file in rendered(model(form=form, argocd=argocd)).items()}
    root = tmp_path_factory.mktemp("shapes")
    write_files(root, files)
    return root, files


def _places(data: Any, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    children = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [at, *(place for key, value in children for place in _places(value, (*at, key)))]


@pytest.mark.parametrize(
    "tree",
    [(Format.HELM, ArgocdStyle.APPLICATIONSET), (Format.MANIFESTS, ArgocdStyle.APPLICATIONS)],
    ids="-".join,
    indirect=True,
)
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_json_in_any_field_never_crashes(tree: tuple[Path, Mapping[str, bytes]], data: st.DataObject) -> None:
    root, files = tree
    chosen = [
        path
        for path in sorted(files)
        if path.startswith(("argocd/", "environments/")) and path.endswith((".yaml", ".yml"))
    ]
    path = data.draw(st.sampled_from(chosen))
    content = list(yaml.safe_load_all(files[path]))
    for _ in range(data.draw(st.integers(1, 3))):
        *above, last = data.draw(st.sampled_from(_places(content)[1:]))
        parent: Any = content
        for part in above:
            parent = parent[part]
        parent[last] = data.draw(JSON)
    write_files(root, {path: "---\n".join(json.dumps(each) + "\n" for each in content)})
    try:
        accounted(root, pipeline.validate(root))
    finally:
        write_files(root, {path: files[path]})


REPLICATING = """\
{{- range until 5 }}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: "{{ $.Release.Name }}-{{ . }}", namespace: argocd}
spec:
  project: default
  source: {repoURL: https://git.example.com/acme/gitops.git, targetRevision: main, path: charts/shop}
  destination: {server: https://kubernetes.default.svc, namespace: shop}
{{- end }}
"""


def test_applications_that_multiply_are_followed_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployments, "MOST", 20)
    application = yaml.safe_load(REPLICATING.partition("---")[2].partition("{{- end")[0].replace("{{", "x"))
    application["metadata"]["name"] = "shop"
    files = {**CHART, "charts/shop/templates/config-map.yaml": REPLICATING, "argocd/shop.yaml": yaml.dump(application)}
    write_files(tmp_path, files)
    found = [each for each in pipeline.validate(tmp_path).findings if "more than" in each.message]
    assert [each.message for each in found] == [
        "There are more than 20 Applications: this one and those after it are left out."
    ]


def test_names_of_any_length_are_quoted_in_part(tmp_path: Path) -> None:
    text = CONFIG_MAP.format(name=json.dumps("\n" * 300_000))
    write_files(tmp_path, {"config-map.yaml": text})
    report = pipeline.validate(tmp_path)
    assert report.findings
    assert max(len(part) for each in report.findings for part in (each.message, each.hint, each.resource)) <= 4000
    assert len(reporting.format_report(report, reporting.OutputFormat.TEXT, reporting.Options(version="1"))) < 100_000
