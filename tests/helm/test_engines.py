"""Helm renders and lints real charts, through helm_python and through the official binary."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from argosy import engines
from argosy.errors import ToolError
from argosy.helm import Helm, Message, Release, engine
from argosy.helm.binary import Binary
from tests.helm.releases import ECHO_CHART, SCHEMA, chart, faults, library


class TestEngine:
    def test_loading_the_module_does_not_load_helm(self) -> None:
        code = "import sys, argosy.helm; sys.exit('helm_python' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

    def test_no_such_binary(self, tmp_path: Path) -> None:
        with pytest.raises(ToolError, match="is not an executable"):
            engines.naming("helm", tmp_path / "helm", "--helm").__enter__()

    def test_binary_where_the_package_has_no_build(self, binary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "helm_python", None)
        monkeypatch.setenv("PATH", str(binary.parent))
        assert engine().go_templates(["{{ .a }}"], [{"a": "b"}]) == [["b"]]

    def test_the_binary_does_everything_without_the_package(
        self, binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "helm_python", None)
        folder = chart(tmp_path / "web", {"templates/a.yaml": 'a: {{ required "Set x." .Values.x }}\n'})
        (tmp_path / "dev.yaml").write_text("x: 1\n")
        release = Release(folder, "r", values=[tmp_path / "dev.yaml"])
        assert [each.text for each in Binary(binary).render(release).manifests] == ["a: 1\n"]
        assert not [each for each in Binary(binary).lint(release) if "Set x." in each.text]

    def test_neither(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "helm_python", None)
        monkeypatch.setenv("PATH", "")
        with pytest.raises(ToolError, match="Helm not found") as caught:
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

    def test_a_separator_whose_line_goes_on_separates_as_well(self, helm: Helm, tmp_path: Path) -> None:
        text = "kind: A\n---\n{{- if true }}\n# Often so.\nkind: B\n{{- end }}\n"
        (manifest,) = helm.render(Release(chart(tmp_path / "web", {"templates/all.yaml": text}), "r")).manifests
        assert [each["kind"] for each in yaml.safe_load_all(manifest.text)] == ["A", "B"]

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

    def test_subcharts_that_have_definitions_alone(self, helm: Helm, tmp_path: Path) -> None:
        extra = "dependencies: [{name: sub, version: 1.0.0, condition: 'sub.enabled,crds.create', tags: [all]}]\n"
        values = "crds: {create: true}\ntags: {all: false}\n"
        folder = chart(tmp_path / "web", {"values.yaml": values}, extra=extra)
        chart(folder / "charts/sub", {"crds/c.yaml": "kind: C\n"}, "sub")

        def paths(**values: object) -> list[str]:
            return [manifest.path for manifest in helm.render(Release(folder, "r", inline=values)).manifests]

        assert paths() == ["charts/sub/crds/c.yaml"]
        assert paths(crds={"create": False}, tags={"all": True}) == []
        assert paths(sub={"enabled": False}) == []
        assert paths(crds={"create": "no boolean"}) == []
        assert paths(crds={"create": "no boolean"}, tags={"all": True}) == ["charts/sub/crds/c.yaml"]

    def test_library_chart(self, helm: Helm, tmp_path: Path) -> None:
        folder = chart(tmp_path / "web", {}, extra="type: library\n")
        assert faults(helm, Release(folder, "r")) == [("A library chart cannot be deployed.", "web/Chart.yaml", None)]

    def test_files_are_read_anew(self, helm: Helm, tmp_path: Path) -> None:
        folder = chart(tmp_path / "web", {"templates/a.yaml": "a: 1\n"})
        assert [each.text.strip() for each in helm.render(Release(folder, "r")).manifests] == ["a: 1"]
        (folder / "templates/a.yaml").write_text("a: 2\n")
        assert [each.text.strip() for each in helm.render(Release(folder, "r")).manifests] == ["a: 2"]

    def test_a_test_with_a_date_that_there_is_not_is_skipped(self, helm: Helm, tmp_path: Path) -> None:
        note = "kind: A\nmetadata: {name: a, annotations: {helm.sh/hook: test, made: 2026-13-01}}\n"
        release = Release(chart(tmp_path / "web", {"templates/a.yaml": note}), "r", skip_tests=True)
        assert not helm.render(release).manifests

    def test_threads(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        helm, release = library(monkeypatch), Release(chart(tmp_path / "web", ECHO_CHART), "r")
        with ThreadPoolExecutor(4) as pool:
            texts = set(pool.map(lambda _: helm.render(release).manifests[0].text, range(100)))
        assert len(texts) == 1


class TestCapabilities:
    FILES = {"templates/a.yaml": "version: {{ .Capabilities.KubeVersion }}\nhas: {{ .Capabilities.APIVersions.Has \"x/v1\" }}\n"}  # noqa: E501, RUF012  # fmt: skip

    def test_the_library_says_what_it_cannot_honour(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        release = Release(chart(tmp_path / "web", self.FILES), "r", kube_version="1.30", api_versions=["x/v1"])
        (message,) = library(monkeypatch).render(release).messages
        assert message.severity == "warning"
        assert "for Kubernetes 1.36 with x/v1 (kubeVersion 1.30 not supported)" in message.text

    ASKING = """
a: {{ .Capabilities.APIVersions.Has "x/v1/Y" }}
b: {{ "apps/v1" | $.Capabilities.APIVersions.Has }}
c: {{ if not (.Capabilities.APIVersions.Has "gone/v1") }}none{{ end }}
d: {{ with .Release }}{{ $.Capabilities.APIVersions.Has (printf "x/v1/%s" "Y") }}{{ end }}
e: {{ $known := .Capabilities }}{{ $known.APIVersions.Has "x/v1/Y" }}
f: {{ include "asks" (dict "root" .) }}
"""

    @pytest.mark.parametrize("of_binary", [False, True])
    def test_api_versions_are_there(
        self, tmp_path: Path, binary: Path, monkeypatch: pytest.MonkeyPatch, of_binary: bool
    ) -> None:
        part = '{{ define "asks" }}{{ .root.Capabilities.APIVersions.Has "x/v1/Y" }}{{ end }}'
        folder = chart(tmp_path / "web", {"templates/a.yaml": self.ASKING, "templates/_p.tpl": part})
        helm = Binary(binary) if of_binary else library(monkeypatch)
        rendered = helm.render(Release(folder, "r", api_versions=["x/v1/Y"]))
        assert yaml.safe_load(rendered.manifests[0].text) == {
            **dict.fromkeys("abdef", True),
            "c": "none",
        }
        without = helm.render(Release(folder, "r"))
        assert yaml.safe_load(without.manifests[0].text) == {
            **{"a": False, "b": True, "c": "none", "d": False, "e": False, "f": False}
        }

    def test_subcharts_are_told_of_api_versions(self, tmp_path: Path, helm: Helm) -> None:
        asking = 'kind: Asked\nknown: {{ .Capabilities.APIVersions.Has "x/v1/Y" }}\n'
        folder = chart(tmp_path / "web", {"templates/a.yaml": "a: 1\n"})
        for place, name in ((folder / "charts/plain", "plain"), (tmp_path / "packed", "packed")):
            head = f"apiVersion: v2\nname: {name}\nversion: 1.0.0\n"
            chart(place, {"Chart.yaml": head, "templates/a.yaml": asking})
        with tarfile.open(folder / "charts/packed-1.0.0.tgz", "w:gz") as archive:
            archive.add(tmp_path / "packed", "packed")
        assert {each.path: yaml.safe_load(each.text) for each in helm.render(Release(folder, "r")).manifests} == {
            "templates/a.yaml": {"a": 1},
            "charts/plain/templates/a.yaml": {"kind": "Asked", "known": False},
            "charts/packed/templates/a.yaml": {"kind": "Asked", "known": False},
        }
        rendered = helm.render(Release(folder, "r", served=lambda: ["x/v1/Y"]))
        assert [yaml.safe_load(each.text).get("known") for each in rendered.manifests].count(True) == 2
        assert rendered.asks
        assert not rendered.messages

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
        found = helm.lint(Release(chart(tmp_path / "web", files), "web"))
        assert Message("info", "Chart.yaml", "icon is recommended") in found
        assert [(each.severity, each.path) for each in found if each.severity == "error"] == [
            ("error", "templates/b.yaml")
        ]
        assert capfd.readouterr() == ("", "")

    def test_schema_violations_are_told_once(self, helm: Helm, tmp_path: Path) -> None:
        files = {"values.schema.json": json.dumps(SCHEMA), "templates/a.yaml": "", "values.yaml": "name: x\n"}
        found = helm.lint(Release(chart(tmp_path / "web", files), "web", inline={"image": {"tga": "x"}}))
        assert [each for each in found if each.severity == "error"] == [
            Message("error", "values.yaml", "Unknown value “image.tga”. Did you mean “tag”?")
        ]

    def test_template_that_fails(self, helm: Helm, tmp_path: Path) -> None:
        files = {"templates/a.yaml": "\nx: {{ .Values.a.b }}\n", "values.yaml": "{}\n"}
        found = helm.lint(Release(chart(tmp_path / "web", files), "web"))
        assert Message("error", "templates/a.yaml:2", ".Values.a.b: nil pointer evaluating interface {}.b") in found


def test_both_engines_render_helms_own_chart_alike(
    binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run([binary, "create", "web"], cwd=tmp_path, check=True, capture_output=True)
    release = Release(
        tmp_path / "web", "r", "n", inline={"ingress": {"enabled": True}, "autoscaling": {"enabled": True}}
    )

    def rendered(helm: Helm) -> dict[str, Any]:
        return {each.path: yaml.safe_load(each.text) for each in helm.render(release).manifests}

    assert rendered(library(monkeypatch)) == rendered(Binary(binary))
    release = Release(tmp_path / "web", "web")
    assert Binary(binary).lint(release) == library(monkeypatch).lint(release)
