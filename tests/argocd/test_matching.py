"""How Argo CD compares values: globs and URLs."""

from __future__ import annotations

import pytest

from argosy.argocd.matching import glob_matches
from argosy.argocd.urls import normal_url


@pytest.mark.parametrize(
    ("pattern", "value", "separator", "matches"),
    [
        ("*", "a/b", "", True),
        ("*", "a/b", "/", False),
        ("a?c", "abc", "", True),
        ("{a,b}/*.yaml", "b/c/d.yaml", "", True),
        ("{a,{b,c}}", "c", "", True),
        ("{a,b", "a", "", False),
        ("[!a-c]x", "dx", "", True),
        ("[!a-c]x", "ax", "", False),
        (r"\*", "*", "", True),
        (r"\*", "a", "", False),
        ("a,b", "a,b", "", True),
        ("a.b", "axb", "", False),
        ("[z-a]", "b", "", False),
    ],
)
def test_glob(pattern: str, value: str, separator: str, matches: bool) -> None:
    assert glob_matches(pattern, value, separator) is matches


def test_urls_of_one_repository() -> None:
    spellings = ["git@host.com:Team/Repo.git", "ssh://git@host.com/team/repo", " git@HOST.com:team/repo"]
    assert {normal_url(each) for each in spellings} == {"git@host.com/team/repo"}
