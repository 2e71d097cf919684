"""What Helm and Kustomize render has a path, and no lines."""

from argosy.documents import DefectKind, rendered


def test_rendered_documents_have_the_path_that_is_given_and_no_lines() -> None:
    text = "---\n# nothing\n---\nkind: A\non: yes\n---\nkind: B\nnote: |\n  # no comment\n"
    documents, defects = rendered([(text, "env/dev")], application="web", environment="dev")
    assert [(each.path, each.data) for each in documents] == [
        ("env/dev", {"kind": "A", "true": True}),
        ("env/dev", {"kind": "B", "note": "# no comment\n"}),
    ]
    assert {(each.application, each.environment, each.line_of(("kind",))) for each in documents} == {
        ("web", "dev", None)
    }
    assert defects == []


def test_rendered_defects_quote_the_text_and_hide_no_other_document() -> None:
    text = "---\n# Source: c/bad.yaml\nkind: A: B\n---\n# Source: c/twice.yaml\na: 1\na: 2\n"
    documents, defects = rendered([(text, "env/dev")], application="web", environment="dev")
    assert [each.data for each in documents] == [{"a": 2}]
    assert [(each.kind, each.path, each.line) for each in defects] == [
        (DefectKind.YAML_SYNTAX, "env/dev", None),
        (DefectKind.DUPLICATE_KEY, "env/dev", None),
    ]
    assert "line 3 of the rendered text: “kind: A: B”" in defects[0].message
