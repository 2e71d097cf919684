"""Credentials: where they come from, and what they become."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from argosy.bootstrap.credential import Credential, covers
from argosy.errors import UsageError

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n"
GITHUB = "https://github.com/acme/gitops.git"


def data(text: str, url: str, user: str = "") -> dict[str, str]:
    secret = Credential("env:X", text, user).secret(url)
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}


@pytest.mark.parametrize(
    ("url", "user", "expected"),
    [(GITHUB, "", "git"), (GITHUB, "ada", "ada"), ("https://bitbucket.org/acme/gitops.git", "", "x-token-auth")],
)
def test_a_token_and_its_user(url: str, user: str, expected: str) -> None:
    assert data("t0ken\n", url, user) == {"type": "git", "url": url, "username": expected, "password": "t0ken"}


@pytest.mark.parametrize("url", ["git@github.com:acme/gitops.git", "ssh://git@host:22/acme/gitops.git"])
def test_a_key(url: str) -> None:
    assert data(KEY.rstrip(), url) == {"type": "git", "url": url, "sshPrivateKey": KEY}


@pytest.mark.parametrize(("text", "url"), [("t0ken", "git@github.com:acme/gitops.git"), (KEY, GITHUB)])
def test_what_does_not_suit_the_url(text: str, url: str) -> None:
    with pytest.raises(UsageError) as refused:
        data(text, url)
    assert "t0ken" not in refused.value.message + refused.value.hint


def test_where_it_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "one")
    (tmp_path / "token").write_text("two")
    assert Credential.read("env:TOKEN", "").text == "one"
    assert Credential.read(f"file:{tmp_path / 'token'}", "").text == "two"


def test_it_is_never_shown() -> None:
    found = Credential("env:X", "t0ken\n", "")
    assert "t0ken" not in repr(found)
    encoded = base64.b64encode(b"t0ken").decode()
    assert found.hidden(f"password {encoded} is t0ken") == "password … is …"


@pytest.mark.parametrize(
    ("purpose", "known", "is_covered"),
    [
        ("repository", "https://github.com/Acme/gitops", True),
        ("repository", "https://github.com/acme", False),
        ("repo-creds", "https://github.com/acme", True),
        ("repo-creds", "https://github.com/other", False),
        ("repo-creds", "", False),
        ("cluster", GITHUB, False),
    ],
)
def test_what_a_secret_of_argo_cds_covers(purpose: str, known: str, is_covered: bool) -> None:
    assert covers(purpose, known, GITHUB) is is_covered
