"""A templatePatch changes an Application as in Argo CD."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from argosy.argocd.applicationsets import Flaw
from tests.argocd.applicationsets.sets import application_set, expanded, messages


class TestTemplatePatch:
    def patched(self, tmp_path: Path, patch: str) -> Mapping[str, Any]:
        text = application_set("- list: {elements: [{name: a, limit: 2}]}")
        text += (
            "    spec:\n      project: p\n      source: {path: x, helm: {valueFiles: [one]}}\n"
            "      destination: {name: c}\n  templatePatch: |\n" + textwrap.indent(textwrap.dedent(patch), "    ")
        )
        expansion = expanded(tmp_path, text)
        self.problems = messages(expansion)
        return expansion.applications[0].spec if expansion.applications else {}

    def test_maps_merge_and_lists_are_replaced(self, tmp_path: Path) -> None:
        spec = self.patched(
            tmp_path,
            """
            spec:
              revisionHistoryLimit: {{ .limit }}
              project: stolen
              source: {helm: {valueFiles: [two], releaseName: "{{ .name }}"}}
              destination: {name: null, server: s}
            """,
        )
        assert spec == {
            "project": "p",
            "revisionHistoryLimit": 2,
            "source": {"path": "x", "helm": {"valueFiles": ["two"], "releaseName": "a"}},
            "destination": {"server": "s"},
        }

    def test_an_empty_spec_deletes_the_spec(self, tmp_path: Path) -> None:
        assert self.patched(tmp_path, "spec:\n{{ if false }}\n  x: y\n{{ end }}") == {"project": "p"}

    def test_replace_directive(self, tmp_path: Path) -> None:
        spec = self.patched(tmp_path, "spec: {source: {$patch: replace, path: z}}")
        assert spec["source"] == {"path": "z"}

    def test_blank_patch_changes_nothing(self, tmp_path: Path) -> None:
        assert self.patched(tmp_path, "{{ if false }}x{{ end }}")["destination"] == {"name": "c"}

    @pytest.mark.parametrize(
        ("patch", "message"),
        [
            ("- {{ .name }}", "The templatePatch renders to no map of fields."),
            ("a: [", "The templatePatch renders to invalid YAML: line 1: "),
            ("{{ .zzz }}", "The template “{{ .zzz }}” fails: "),
        ],
    )
    def test_failures(self, tmp_path: Path, patch: str, message: str) -> None:
        self.patched(tmp_path, patch)
        ((flaw, at, found),) = self.problems
        assert (flaw, at) == (Flaw.TEMPLATE, ("spec", "templatePatch"))
        assert found.startswith(message)
