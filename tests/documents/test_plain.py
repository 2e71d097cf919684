"""A mapping is read where there is one; what else a file holds is for others to judge."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

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


@pytest.mark.parametrize("text", ["[" * 200_000, "{a: " * 200_000, "- " * 200_000])
def test_what_is_nested_without_end_is_read_as_nothing(text: str) -> None:
    assert parse(text) == {}
    with pytest.raises(yaml.YAMLError, match="nested deeper than 1000"):
        list(documents(text))
