"""Git generators find what Argo CD's find."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from argosy.argocd.applicationsets import Flaw, expand
from argosy.documents import parse
from argosy.helm import engine
from tests.argocd.applicationsets.sets import URL, application_set, expanded, files, git, messages, names

TREE = dict.fromkeys(
    ["apps/a/x.yaml", "apps/a/deep/x.yaml", "apps/B_c/x.yaml", "apps/old/x.yaml", ".github/x.yaml", "apps/.x/x.yaml"],
    "",
)


class TestGitDirectories:
    def test_star_stays_in_a_folder_and_exclude_wins(self, tmp_path: Path) -> None:
        text = application_set("- " + git("directories", "!apps/o*", "apps/*"), "{{ .path.basenameNormalized }}")
        assert names(expanded(tmp_path, text, TREE)) == ["b-c", "a"]

    def test_hidden_folders_are_skipped(self, tmp_path: Path) -> None:
        text = application_set("- " + git("directories", "*", "apps/.x"), "{{ .path.path }}")
        assert names(expanded(tmp_path, text, TREE)) == ["apps"]

    def test_go_parameters(self, tmp_path: Path) -> None:
        name = "{{ .app.path.path }} {{ .app.path.basename }} {{ index .app.path.segments 1 }} {{ .values.up }}"
        generator = git(
            "directories", "apps/a/*", pathParamPrefix="app", values="{up: '{{ .app.path.basename | upper }}'}"
        )
        assert names(expanded(tmp_path, application_set("- " + generator, name), TREE)) == ["apps/a/deep deep a DEEP"]

    def test_flat_parameters(self, tmp_path: Path) -> None:
        name = "{{path}} {{path.basename}} {{path[1]}} {{values.v}}"
        text = application_set(
            "- " + git("directories", "apps/a/*", values="{v: 'x-{{path.basename}}'}"), name, go=False
        )
        assert names(expanded(tmp_path, text, TREE)) == ["apps/a/deep deep a x-deep"]

    def test_no_match(self, tmp_path: Path) -> None:
        text = application_set("- " + git("directories", "nowhere/*"))
        assert messages(expanded(tmp_path, text, TREE)) == [
            (Flaw.EMPTY, ("spec", "generators", 0), "The generator yields nothing: no folder matches nowhere/*.")
        ]

    def test_another_repository_is_skipped(self, tmp_path: Path) -> None:
        text = application_set("- " + git("directories", "*").replace("acme/gitops", "acme/other"))
        expansion = expanded(tmp_path, text, TREE)
        why = "https://github.com/acme/other.git: it was not fetched (argosy fetch brings it)"
        assert expansion.skipped == f"its Git generator reads another repository, {why}"
        assert not expansion.problems


class TestGitFiles:
    def test_star_crosses_folders(self, tmp_path: Path) -> None:
        text = application_set("- " + git("files", "apps/*.json"), "{{ .path.path }}")
        content = {"apps/a.json": "{}", "apps/b/c/d.json": "{}", "apps/e.yaml": "{}"}
        assert names(expanded(tmp_path, text, content)) == ["apps", "apps/b/c"]

    def test_go_parameters(self, tmp_path: Path) -> None:
        name = "{{ .a.b }} {{ index .list 1 }} {{ with .p.path }}{{ .filename }} {{ .filenameNormalized }}{{ end }}"
        text = application_set("- " + git("files", "x/*.json", pathParamPrefix="p"), name)
        content = {"x/A_b.json": '{"a": {"b": 1}, "list": [1, 2.5]}'}
        assert names(expanded(tmp_path, text, content)) == ["1 2.5 A_b.json a-b.json"]

    def test_flat_parameters(self, tmp_path: Path) -> None:
        name = "{{a.b}} {{list.1}} {{flag}} {{none}} {{big}} {{day}} {{p.path}} {{p.path.filename}} {{p.path[0]}}"
        text = application_set("- " + git("files", "x/a.yaml", pathParamPrefix="p"), name, go=False)
        content = {"x/a.yaml": "a: {b: c}\nlist: [1, 2.5]\nflag: true\nnone: null\nbig: 12345678\nday: 2026-01-01\n"}
        assert names(expanded(tmp_path, text, content)) == ["c 2.5 true <nil> 1.2345678e+07 2026-01-01 x a.yaml x"]

    def test_list_of_objects_and_empty_file(self, tmp_path: Path) -> None:
        text = application_set("- " + git("files", "*.yaml"), '{{ get . "id" | default .path.path }}')
        content = {"a/l.yaml": "- id: one\n- id: two\n", "b/e.yaml": ""}
        assert names(expanded(tmp_path, text, content)) == ["one", "two", "b"]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("a: [", "a/x.yaml is no valid YAML: line 1: "),
            ("just text", "a/x.yaml is neither a map nor a list of maps."),
        ],
    )
    def test_unreadable(self, tmp_path: Path, content: str, message: str) -> None:
        text = application_set("- " + git("files", "a/x.yaml"))
        ((flaw, _, found),) = messages(expanded(tmp_path, text, {"a/x.yaml": content}))
        assert flaw is Flaw.GENERATOR
        assert found.startswith(message)

    def test_neither_files_nor_directories(self, tmp_path: Path) -> None:
        text = application_set(f"- git: {{repoURL: '{URL}', revision: main}}")
        assert messages(expanded(tmp_path, text))[0][2] == "A Git generator needs directories or files."

    def test_a_file_that_is_gone(self, tmp_path: Path) -> None:
        text = application_set("- " + git("files", "a.yaml"))
        repository = replace(files(tmp_path, {}), files=["a.yaml"])
        expansion = expand(parse(text, "set.yaml").documents[0], repository, engine())
        assert messages(expansion) == [
            (
                Flaw.GENERATOR,
                ("spec", "generators", 0, "git", "files"),
                "a.yaml cannot be read: No such file or directory.",
            )
        ]
