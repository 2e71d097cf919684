"""A mapping is read where there is one; what else a file holds is for others to judge."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

import argosy
from argosy.documents.plain import documents, load, parse


def test_a_mapping_is_read(tmp_path: Path) -> None:
    (tmp_path / "Chart.yaml").write_text("name: café\nversion: 1.0.0\n", encoding="utf-8")
    assert load(tmp_path / "Chart.yaml") == {"name": "café", "version": "1.0.0"}


def test_dates_are_text() -> None:
    assert parse("is: 2026-01-01\nis no date: 2026-13-01\n") == {"is": "2026-01-01", "is no date": "2026-13-01"}


def test_an_equals_sign_is_text() -> None:
    """The Prometheus operator's definitions have one, without quotes."""
    assert list(documents("enum:\n- '!='\n- =\n")) == [{"enum": ["!=", "="]}]


@pytest.mark.parametrize(
    "text",
    ["", "[a]", "a: [", "a: b: c", b"a: \xff", "a: 1\n---\nb: 2\n", "[" * 5000, "? [a]\n: b"],
)
def test_what_is_no_mapping_is_an_empty_one(text: str | bytes) -> None:
    assert parse(text) == {}


def test_a_file_that_is_not_there_is_an_empty_mapping(tmp_path: Path) -> None:
    assert load(tmp_path / "Chart.yaml") == {}
    assert load(tmp_path) == {}


def test_scalars_are_what_they_are_for_kubernetes_tools() -> None:
    odd = "a: !!int ''\nb: !!bool maybe\nc: !!float x\nd: 1:30\ne: 0755\nf: 1.0\n"
    assert parse(odd) == {"a": None, "b": "maybe", "c": "x", "d": "1:30", "e": 493, "f": 1}
    long = "9" * 5000
    assert parse(f"a: {long}\nb: 1{':0' * 100_000}\n")["a"] == long


def _nested(levels: int, form: str) -> str:
    return "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {form.format(f'*a{n - 1}')}\n" for n in range(1, levels))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (_nested(9, "[{0},{0},{0},{0},{0},{0},{0},{0},{0},{0}]"), "aliases expand to more than 2,000,000"),
        (_nested(9, "{{<<: [{0},{0},{0},{0},{0},{0},{0},{0},{0},{0}]}}"), "aliases expand to more than 2,000,000"),
        (_nested(200, "[{0}]"), "nested deeper than 100"),
        ("a: &a\n  b: [*a]\n", r"the alias \*a contains itself"),
        (f"a: {'x' * 11_000_000}\n", "more than 10,485,760 bytes"),
    ],
    ids=["laughs", "merges", "deep", "round", "large"],
)
def test_what_grows_without_end_is_read_as_nothing(text: str, why: str) -> None:
    assert parse(text) == {}
    with pytest.raises(yaml.YAMLError, match=why):
        list(documents(text))


def test_aliases_are_followed() -> None:
    assert parse("a: &a {b: &b [1]}\nc: {<<: *a, d: *b}\ne: *a\n")["c"] == {"b": [1], "d": [1]}


@pytest.mark.parametrize("text", ["[" * 200_000, "{a: " * 200_000, "- " * 200_000])
def test_what_is_nested_without_end_is_read_as_nothing(text: str) -> None:
    assert parse(text) == {}
    with pytest.raises(yaml.YAMLError, match="nested deeper than 100"):
        list(documents(text))


def test_every_reader_bounds_what_it_reads() -> None:
    """PyYAML follows each level on the stack, and gives aliases to whoever walks over them one by one."""
    source = Path(argosy.__file__).parent
    read = re.compile(
        r"\byaml\.(?:safe_)?(?:load|compose|scan|parse)(?:_all)?\((?!(?:plain\.)?bounded\()(?!text, Loader)"
    )
    found = {path.name: read.findall(path.read_text("utf-8")) for path in source.rglob("*.py")}
    assert {name: each for name, each in found.items() if each} == {}
