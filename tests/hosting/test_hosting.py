"""Which host a remote is on, from its name or the settings."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.errors import UsageError
from argosy.hosting import host_of


@pytest.mark.parametrize(
    ("url", "kind", "api", "web"),
    [
        ("https://github.com/a/b", "github", "https://api.github.com", "https://github.com"),
        ("git@acme.ghe.com:a/b.git", "github", "https://api.acme.ghe.com", "https://acme.ghe.com"),
        ("git@github.acme.example:a/b", "github", "https://github.acme.example/api/v3", "https://github.acme.example"),
        ("https://gitlab.com/a/b/c", "gitlab", "https://gitlab.com/api/v4", "https://gitlab.com"),
        (
            "https://gitlab.acme.example:8443/a/b",
            "gitlab",
            "https://gitlab.acme.example:8443/api/v4",
            "https://gitlab.acme.example:8443",
        ),
        ("git@bitbucket.org:a/b.git", "bitbucket", "https://api.bitbucket.org/2.0", "https://bitbucket.org"),
        ("https://codeberg.org/a/b", "gitea", "https://codeberg.org/api/v1", "https://codeberg.org"),
        (
            "http://forgejo.acme.example:3000/a/b",
            "gitea",
            "http://forgejo.acme.example:3000/api/v1",
            "http://forgejo.acme.example:3000",
        ),
        ("http://codeberg.org/a/b", "gitea", "https://codeberg.org/api/v1", "https://codeberg.org"),
        ("https://gitea.com/a/b", "gitea", "https://gitea.com/api/v1", "https://gitea.com"),
    ],
)
def test_a_name_tells_the_host(url: str, kind: str, api: str, web: str) -> None:
    host = host_of(url, {}, {})
    assert (host.kind, host.api, host.web) == (kind, api, web)


def test_settings_tell_the_host() -> None:
    settings = {"kind": "gitlab", "api": "https://api.acme.example:8443/api/v4/", "web": "https://acme.example/"}
    host = host_of("git@acme.example:a/b/c.git", settings, {})
    assert (host.kind, host.api, host.web, host.project) == (
        "gitlab",
        "https://api.acme.example:8443/api/v4",
        "https://acme.example",
        "a/b/c",
    )


def test_the_environment_tells_any_host_whatever_the_repository_says() -> None:
    there = {
        "ARGOSY_HOST_KIND": "gitlab",
        "ARGOSY_HOST_API": "http://127.0.0.1:8080/api/v4/",
        "ARGOSY_HOST_WEB": "https://code.acme.example",
    }
    for url in ("git@ssh.acme.example:a/b/c.git", "https://github.com/a/b/c"):
        host = host_of(url, {"kind": "gitea", "api": "https://thief.example", "web": "https://thief.example"}, there)
        assert (host.kind, host.api, host.web, host.project) == (
            "gitlab",
            "http://127.0.0.1:8080/api/v4",
            "https://code.acme.example",
            "a/b/c",
        )


@pytest.mark.parametrize(
    ("url", "settings"),
    [
        ("https://github.com/a/b", {"kind": "github", "api": "https://api.github.com/", "web": "https://github.com"}),
        ("git@bitbucket.org:a/b.git", {"kind": "bitbucket", "api": "https://api.bitbucket.org/2.0"}),
        ("git@acme.ghe.com:a/b.git", {"kind": "github", "api": "https://api.acme.ghe.com"}),
        ("http://git.acme.example/a/b", {"kind": "gitea", "api": "http://git.acme.example/api/v1"}),
        ("http://git.acme.example/a/b", {"kind": "gitea", "api": "https://git.acme.example/api/v1"}),
    ],
)
def test_what_is_known_may_be_said(url: str, settings: dict[str, Any]) -> None:
    assert host_of(url, settings, {}).api == settings["api"].rstrip("/")


THIEF = "https://thief.example"


@pytest.mark.parametrize(
    ("url", "settings"),
    [
        ("https://github.com/a/b", {"kind": "github", "api": THIEF}),
        ("https://github.com/a/b", {"kind": "gitea"}),
        ("https://github.com/a/b", {"web": THIEF}),
        ("https://github.com/a/b", {"api": "https://api.github.com.thief.example"}),
        ("https://github.com/a/b", {"api": "http://api.github.com"}),
        ("ssh://git@ssh.github.com:443/a/b", {"api": THIEF}),
        ("https://gitlab.com/a/b", {"api": "https://gitlab.com:8443/api/v4"}),
        ("git@bitbucket.org:a/b.git", {"api": THIEF}),
        ("https://codeberg.org/a/b", {"kind": "gitea", "web": THIEF}),
        ("git@acme.ghe.com:a/b.git", {"api": "https://api.other.ghe.com"}),
        ("http://github.com/a/b", {"api": "http://api.github.com"}),
        ("http://git.acme.example/a/b", {"kind": "gitea", "api": "http://thief.example"}),
        ("ssh://git@git.acme.example/a/b", {"kind": "gitea", "api": "http://git.acme.example/api/v1"}),
        ("https://git.acme.example/a/b", {"kind": "gitea", "api": THIEF}),
        ("https://git.acme.example/a/b", {"kind": "gitea", "api": "https://acme.example/api/v1"}),
        ("https://git.acme.example/a/b", {"kind": "gitea", "api": "https://notgit.acme.example/api/v1"}),
        ("https://git.acme.example/a/b", {"kind": "gitea", "api": "http://git.acme.example/api/v1"}),
        ("https://git.acme.example/a/b", {"kind": "gitea", "web": "https://git.acme.example.thief.example"}),
        ("https://git.acme.example/a/b", {"kind": "gitea", "web": "http://127.0.0.1"}),
        ("https://git.acme.example/a/b", {"kind": "bitbucket"}),
        ("https://git.acme.example/a/b", {"kind": "gitea", "api": f"{THIEF}/.git.acme.example"}),
        ("https://git.acme.example/a/b", {"kind": "gitea", "api": "https://git.acme.example./api/v1"}),
    ],
)
def test_a_repository_does_not_lead_the_token_away(url: str, settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        host_of(url, settings, {"ARGOSY_TOKEN": "sesame"})
    assert "ARGOSY_HOST_" in caught.value.hint
    assert "sesame" not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    "between",
    [
        "\\",
        "\\@",
        "@",
        ";",
        "?",
        "#",
        "%2f",
        "%00",
        "\t",
        "\n",
        " ",
        "\0",
        "/\\",
        "\u3002",
        "\u2100",
        "\u0456",
        ":80:",
        "[",
        "]",
    ],
)
def test_no_library_makes_another_host_of_an_address(between: str) -> None:
    remote = "https://git.acme.example/a/b"
    for key in ("api", "web"):
        with pytest.raises(UsageError, match="is wrong"):
            host_of(remote, {"kind": "gitea", key: f"{THIEF}{between}.git.acme.example/api"}, {})


@pytest.mark.parametrize(
    "url",
    [
        "https://thief.example\\.github.com/a/b",
        "https://thief.example\\.ghe.com/a/b",
        "ssh://git@thief.example\\.github.com/a/b",
        "https://thief.example%2f.github.com/a/b",
        "https://[::1/a/b",
        "https://github.com:x/a/b",
        "https://github.com/a/..",
        "git@git hub.com:a/b",
    ],
)
def test_a_remote_that_libraries_read_differently_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="is not a project on a Git host"):
        host_of(url, {}, {})


@pytest.mark.parametrize("url", ["https://acme.example/git/a/b.git", "git@acme.example:a/b.git"])
def test_a_host_may_live_below_a_path(url: str) -> None:
    host = host_of(url, {"kind": "gitea", "web": "https://acme.example/git"}, {})
    assert (host.api, host.project) == ("https://acme.example/git/api/v1", "a/b")


@pytest.mark.parametrize(
    ("url", "settings", "said"),
    [
        ("https://git.acme.example/a/b", {}, "Set `host.kind` in `.argosy.yaml`"),
        ("https://dev.azure.com/acme/x/_git/gitops", {}, "Set `host.kind` in `.argosy.yaml`"),
        ("https://bitbucket.acme.example/scm/a/b.git", {}, "Bitbucket Data Center"),
        ("https://github.com/a/b/c", {}, "has an owner and a name"),
        ("https://github.com/a/b", {"kind": "svn"}, "`host.kind` in `.argosy.yaml` is wrong: it is one of github"),
        ("https://github.com/a/b", {"kind": ["github"]}, "`host.kind` in `.argosy.yaml` is wrong"),
        ("https://github.com/a/b", {"api": "github.com"}, "`host.api` in `.argosy.yaml` is wrong"),
        ("https://github.com/a/b", {"api": "https://ada:sesame@github.com"}, "`host.api` in `.argosy.yaml` is wrong"),
        (
            "https://git.acme.example/a/b",
            {"kind": "gitea", "web": "https://[1:2]"},
            "`host.web` in `.argosy.yaml` is wrong",
        ),
        ("https://git.acme.example/a/b", {"kind": "gitea", "api": "https://git.acme.example:65536"}, "`host.api` in"),
        ("git@[1:2]:a/b", {"kind": "gitea"}, "is not a project on a Git host"),
        ("https://github.com/a/b", {"web": 7}, "`host.web` in `.argosy.yaml` is wrong"),
        ("https://github.com/a/b", {"url": "x"}, "unknown settings of the host: url"),
        ("/srv/gitops.git", {"kind": "gitea"}, "is not a project on a Git host"),
    ],
)
def test_what_cannot_be_told_is_refused(url: str, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        host_of(url, settings, {})
    shown = f"{caught.value.message} {caught.value.hint}"
    assert said in shown
    assert "sesame" not in shown
