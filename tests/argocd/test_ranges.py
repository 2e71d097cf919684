"""Ranges of versions: what Masterminds' semver 3.4, which Argo CD uses, says of the same ranges and tags."""

from __future__ import annotations

import pytest

from argosy.argocd import ranges

TAGS = ["v0.0.1", "0.2.3", "v0.3.0", "1.0.0", "v1.1.0-rc.1", "1.2.3", "v1.10.0", "2.0.0-alpha", "2.0.0", "v3"]


@pytest.mark.parametrize(
    "revision", ["main", "v1.0.0", "1", "1.2", "release-1.*", "refs/tags/1.*", "HEAD", "1.x.x.x", ""]
)
def test_what_is_no_range(revision: str) -> None:
    assert ranges.parse(revision) is None


@pytest.mark.parametrize(
    ("revision", "admitted"),
    [
        ("1.*", "1.0.0 1.2.3 v1.10.0"),
        ("*", "v0.0.1 0.2.3 v0.3.0 1.0.0 1.2.3 v1.10.0 2.0.0 v3"),
        ("x", "v0.0.1 0.2.3 v0.3.0 1.0.0 1.2.3 v1.10.0 2.0.0 v3"),
        ("^1", "1.0.0 1.2.3 v1.10.0"),
        ("^1.2", "1.2.3 v1.10.0"),
        ("^0", "v0.0.1 0.2.3 v0.3.0"),
        ("^0.2", "0.2.3"),
        ("^0.0.1", "v0.0.1"),
        ("^0.0", "v0.0.1"),
        ("~1", "1.0.0 1.2.3 v1.10.0"),
        ("~1.2", "1.2.3"),
        ("~>1.2.0", "1.2.3"),
        (">1", "2.0.0 v3"),
        (">1.2", "v1.10.0 2.0.0 v3"),
        (">1.2.3", "v1.10.0 2.0.0 v3"),
        (">=1.0 <2", "1.0.0 1.2.3 v1.10.0"),
        (">= 1.0, < 2.0", "1.0.0 1.2.3 v1.10.0"),
        ("<1", "v0.0.1 0.2.3 v0.3.0"),
        ("<=1", "v0.0.1 0.2.3 v0.3.0 1.0.0 1.2.3 v1.10.0"),
        ("<=1.2", "v0.0.1 0.2.3 v0.3.0 1.0.0 1.2.3"),
        ("<=1.2.3", "v0.0.1 0.2.3 v0.3.0 1.0.0 1.2.3"),
        ("!=1.2.3", "v0.0.1 0.2.3 v0.3.0 1.0.0 v1.10.0 2.0.0 v3"),
        ("!=1", "v0.0.1 0.2.3 v0.3.0 2.0.0 v3"),
        ("!=1.2", "v0.0.1 0.2.3 v0.3.0 1.0.0 v1.10.0 2.0.0 v3"),
        ("1.0 - 1.2.3", "1.0.0 1.2.3"),
        ("=2.x", "2.0.0"),
        (">=1.1.0-0 <1.2", "v1.1.0-rc.1"),
        (">=2.0.0-0", "2.0.0-alpha 2.0.0 v3"),
        ("^1 || ~3", "1.0.0 1.2.3 v1.10.0 v3"),
        ("1.2.x", "1.2.3"),
        ("9.*", ""),
        ("=>2", "2.0.0 v3"),
        ("<0.0.1", ""),
    ],
)
def test_which_tags_are_in_a_range(revision: str, admitted: str) -> None:
    admit = ranges.parse(revision)
    assert admit is not None
    assert [each for each in TAGS if admit([each])] == admitted.split()


def test_what_is_long_ends() -> None:
    """A stranger's revision takes time as it is long, never that times itself."""
    gaps, digits, blanks = "1" + "       1" * 400 + "!", "1" * 100_000, " " * 100_000
    assert [
        each for each in (gaps, f"{digits} !", f"{blanks}!", "1" + " - 1" * 20_000, digits) if ranges.parse(each)
    ] == []


def test_long_ranges_and_tags() -> None:
    blanks, digits = " " * 100_000, "1" * 5000
    admit = ranges.parse(f"{blanks}>={blanks}1{blanks},{blanks}<2{blanks}||{blanks}3-0{blanks}-{blanks}4{blanks}")
    assert admit
    assert [each for each in [*TAGS, digits, f"3.0.0-{digits}"] if admit([each])] == [
        *("1.0.0", "1.2.3", "v1.10.0", "v3"),
        f"3.0.0-{digits}",
    ]
