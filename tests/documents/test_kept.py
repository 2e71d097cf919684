"""What texts hold is kept by what they are: found again, it is what it was."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy import documents
from argosy.documents import File, ParsedFile, parse, read_all, together
from argosy.documents.kept import Form, Held
from tests.documents.test_properties import SNIPPETS

ODD = "a: &a [1, 1.0, yes, ~, 1e400, 0644, '\\ud83d']\nb: *a\na: !x {<<: {c: 1}}\n---\n{{ x }}\n---\nkind: List\n"


@pytest.fixture(autouse=True)
def place(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of this test's cache."""
    place = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("ARGOSY_CACHE", str(place))
    return place


@pytest.fixture
def composed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the texts that are composed from now on."""
    texts: list[str] = []
    compose = documents._compose

    def noted(form: Form, text: str) -> Held:
        texts.append(text)
        return compose(form, text)

    monkeypatch.setattr(documents, "_compose", noted)
    return texts


def written(root: Path, texts: dict[str, str]) -> list[File]:
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode())
    return [File(path, root / path) for path in sorted(texts)]


def facts(parsed: ParsedFile) -> str:
    """Return all that a file holds as one text, in which 1, 1.0 and true differ."""
    found = [(each.path, each.index, each.line, each.data, each.line_of(("a", 0))) for each in parsed.documents]
    return repr((parsed.path, parsed.text, found, parsed.defects))


@settings(max_examples=30)
@given(st.lists(SNIPPETS | st.text() | st.just(ODD), min_size=1, max_size=3), st.sampled_from(["yaml", "json"]))
def test_found_again_it_is_the_same(tmp_path_factory: pytest.TempPathFactory, texts: list[str], suffix: str) -> None:
    readable = {f"{number}.{suffix}": text.encode(errors="replace").decode() for number, text in enumerate(texts)}
    files = written(tmp_path_factory.mktemp("files"), readable)
    for _ in ("made", "found"):
        for file, parsed in zip(files, read_all(files), strict=True):
            if parsed.text == readable[file.path]:  # Not what holds binary data.
                assert facts(parsed) == facts(parse(parsed.text, file.path))


def test_what_changed_is_composed_anew(tmp_path: Path, composed: list[str]) -> None:
    texts = {f"environments/dev/{name}/values.yaml": f"name: {name}\n" for name in "abc"}
    [*read_all(written(tmp_path, texts))]
    assert composed == ["name: a\n", "name: b\n", "name: c\n"]
    changed = texts | {"environments/dev/b/values.yaml": "name: d\n"}
    found = [*read_all(written(tmp_path, changed))]
    assert composed[3:] == ["name: d\n"]
    assert [each.documents[0].data["name"] for each in found] == ["a", "d", "c"]


def test_what_is_damaged_is_composed_anew(tmp_path: Path, place: Path, composed: list[str]) -> None:
    files = written(tmp_path, {"a.yaml": ODD})
    before = [facts(each) for each in read_all(files)]
    for file in (each for each in place.rglob("*") if each.is_file()):
        file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert [facts(each) for each in read_all(files)] == before
    assert len(composed) == 2


def test_what_may_change_together_is_together() -> None:
    paths = ["a.yaml", *(f"x/{number:03}.yaml" for number in range(40)), "x/y/z/a/b.yaml", "x/y/z/c.yaml"]
    assert [len(near) for near in together(paths, lambda path: path)] == [1, 32, 8, 2]
