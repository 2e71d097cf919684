"""How Argo CD compares values: globs and URLs."""

from __future__ import annotations

import pytest

from argosy.argocd import versions, waves
from argosy.argocd.matching import glob_error, glob_matches
from argosy.argocd.urls import normal_url
from argosy.schemas import argocd


@pytest.mark.parametrize(
    ("pattern", "value", "separator", "matches"),
    [
        ("*", "a/b", "", True),
        ("*", "a/b", "/", False),
        ("a?c", "abc", "", True),
        ("{a,b}/*.yaml", "b/c/d.yaml", "", True),
        ("{a,{b,c}}", "c", "", True),
        ("{a,b", "b", "", True),
        ("{a,{b,c", "c", "", True),
        ("a}", "a}", "", True),
        ("[^a]", "^", "", True),
        ("[^a]", "b", "", False),
        ("[-a]", "-", "", True),
        ("[ab-d]", "c", "", False),
        (r"[\]a]", "]", "", True),
        ("[!!]", "!", "", False),
        ("a\\", "a", "", True),
        ("[!a-c]x", "dx", "", True),
        ("[!a-c]x", "ax", "", False),
        (r"\*", "*", "", True),
        (r"\*", "a", "", False),
        ("a,b", "a,b", "", True),
        ("a.b", "axb", "", False),
        ("[z-a]", "b", "", False),
        ("[a-cx]", "b", "", False),
        ("[", "[", "", False),
    ],
)
def test_glob(pattern: str, value: str, separator: str, matches: bool) -> None:
    assert glob_matches(pattern, value, separator) is matches


@pytest.mark.parametrize("pattern", ["[z-a]", "[a-zA-Z]", "[", "a[", "[]", "[!]", "[!]a]b[", "{a,[b-}"])
def test_what_is_no_glob_says_why(pattern: str) -> None:
    assert glob_error(pattern)
    assert not glob_matches(pattern, pattern)


@pytest.mark.parametrize("pattern", ["{a", "[a-c]", "[!abc]", "*", "[^a]", "plain", "{[a-c],b}"])
def test_what_is_a_glob_says_nothing(pattern: str) -> None:
    assert not glob_error(pattern)


@pytest.mark.parametrize("part", ["*a", "**a", "{a,}", "{*,b}a", "{{a,aa},a}"])
def test_a_glob_ends_however_many_ways_there_are(part: str) -> None:
    """A stranger writes globs of any length, and files that they nearly match."""
    assert not glob_matches(part * 40 + "b", "a" * 80, "/")
    assert glob_matches(part * 40 + "*b", "a" * 40 + "b", "/")


def test_a_glob_is_nested_however_deeply() -> None:
    assert glob_error("{" * 3000) == ""
    assert glob_matches("{" * 2000 + "*" + "}" * 2000, "a")
    assert glob_error("*" * 5001).startswith("it has more than 5,000 characters")
    assert not glob_matches("*", "a" * 5000)


def test_urls_of_one_repository() -> None:
    spellings = ["git@host.com:Team/Repo.git", "ssh://git@host.com/team/repo", " git@HOST.com:team/repo"]
    assert {normal_url(each) for each in spellings} == {"git@host.com/team/repo"}


def test_numbers_longer_than_python_reads() -> None:
    """More than 4,300 digits are no number to Argo CD either, which counts in 64 bits."""
    digits = "1" * 5000
    assert waves.wave({"metadata": {"annotations": {"argocd.argoproj.io/sync-wave": f"-{digits}"}}}) == 0
    assert versions.numbers(f"v3.{digits}.1") == ()
    assert argocd.schema("argoproj.io/v1alpha1", "Application", f"3.{digits}.1") is None
