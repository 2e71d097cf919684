"""Whatever a repository's files hold, loading them gives documents, lines and defects: never an exception."""

import json
import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from argosy.documents import Document, items, parse, rendered, resource, suppressions
from tests.documents.texts import load, only

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
MANIFEST = st.dictionaries(st.text(), JSON, max_size=4)


def pointers(data: object) -> list[tuple[str | int, ...]]:
    pairs = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [(), *((key, *rest) for key, below in pairs for rest in pointers(below))]


def lines_are_in_the_text(document: Document, text: str) -> bool:
    lines = [document.line_of(pointer) or 0 for pointer in pointers(document.data)]
    return all(1 <= line <= len(re.split(r"\r\n?|\n", text)) for line in lines)


@given(MANIFEST, st.booleans())
def test_json_is_loaded_as_it_was_dumped(data: dict[str, object], ascii_only: bool) -> None:
    text = json.dumps(data, indent=1, ensure_ascii=ascii_only)
    document = only(parse(text, "a.json"))
    assert document.data == data
    assert lines_are_in_the_text(document, text)


@given(MANIFEST, st.booleans(), st.sampled_from(["\n", "\r\n"]))
def test_yaml_is_loaded_as_it_was_dumped(data: dict[str, object], flow: bool, line_break: str) -> None:
    text = yaml.dump(data, Dumper=QuotingDumper, default_flow_style=flow, line_break=line_break)
    document = only(parse(text, "a.yaml"))
    assert document.data == data
    assert lines_are_in_the_text(document, text)


class QuotingDumper(yaml.SafeDumper):
    """Quote every text: PyYAML leaves plain some that are numbers to Kubernetes, such as 1e3."""


QuotingDumper.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)


WORDS = ["a", "1", "---", "...", "<<:", "&a", "*a", "{{", "}}", "!!int", "!x", "0x", "# argosy: ignore[", "kind: List"]
SPACED = [f"{word} " for word in WORDS] + [f"{word}\n" for word in WORDS]
SNIPPETS = st.lists(
    st.sampled_from([*"{}[]:-?&*!|>'\"%@`#,\n\t \r~=<\x00\x85\u2028é\ufeff", *SPACED, "- ", ": ", "\n  "]), max_size=40
).map("".join)


@given(SNIPPETS | st.text(), st.sampled_from(["a.yaml", "a.json"]))
def test_no_text_raises(text: str, path: str) -> None:
    parsed = parse(text, path)
    for document in parsed.documents:
        json.dumps(document.data, allow_nan=False)
        resource(document)
        assert all(lines_are_in_the_text(item, text) for item in items(document))
    assert all(each.path == path and each.message for each in parsed.defects)
    assert all(1 <= (each.line or 1) <= text.count("\n") + text.count("\r") + 1 for each in parsed.defects)
    rendered([(text, path)], application="", environment="")
    suppressions(text)


@given(content=st.binary() | SNIPPETS.map(str.encode) | SNIPPETS.map(lambda text: text.encode("utf-16")))
def test_no_bytes_raise(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    parsed = load(tmp_path_factory.getbasetemp(), content)
    assert all(each.message for each in parsed.defects)
