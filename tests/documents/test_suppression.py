"""Comments ask to ignore findings."""

from argosy.documents import Suppression, suppressions


def test_suppressions_say_what_they_are_about() -> None:
    text = """\
# argosy: ignore[no-limits] a reason
---
kind: A  # argosy: ignore[one, two]
# argosy: ignore[three] because: of [this]
# another comment

spec: 1
url: x#argosy: ignore[none]
  {{- /* argosy: ignore[four] in a template */ -}}
name: {{ .x }}
other: 1 # argosy: ignore
# argosy: ignoring[five]
# argosy: ignore[last]
"""
    assert suppressions(text) == [
        Suppression(1, ("no-limits",), "a reason", alone=True, whole_file=True, covers=2),
        Suppression(3, ("one", "two"), "", alone=False, whole_file=False, covers=3),
        Suppression(4, ("three",), "because: of [this]", alone=True, whole_file=False, covers=7),
        Suppression(9, ("four",), "in a template", alone=True, whole_file=False, covers=10),
        Suppression(11, (), "", alone=False, whole_file=False, covers=11),
        Suppression(13, ("last",), "", alone=True, whole_file=False, covers=None),
    ]


def test_a_comment_after_the_document_marker_is_still_about_the_whole_file() -> None:
    [found] = suppressions("%YAML 1.1\n---\n# argosy: ignore[a]\nkind: A\n")
    assert (found.whole_file, found.covers) == (True, 4)
