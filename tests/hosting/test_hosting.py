"""Which host a remote is on, from its name or the settings."""

from __future__ import annotations

from typing import Any

import pytest

from generator.errors import UsageError
from generator.hosting import host_of


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
        ("http://forgejo.acme.example/a/b", "gitea", "https://forgejo.acme.example/api/v1", ""),
        ("https://gitea.com/a/b", "gitea", "https://gitea.com/api/v1", "https://gitea.com"),
    ],
)
def test_a_name_tells_the_host(url: str, kind: str, api: str, web: str) -> None:
    host = host_of(url, {}, {})
    assert (host.kind, host.api, host.web) == (kind, api, web or "https://forgejo.acme.example")


def test_settings_tell_the_host() -> None:
    settings = {"kind": "gitlab", "api": "http://127.0.0.1:8080/api/v4/", "web": "https://code.acme.example/"}
    host = host_of("git@ssh.acme.example:a/b/c.git", settings, {})
    assert (host.kind, host.api, host.web, host.project) == (
        "gitlab",
        "http://127.0.0.1:8080/api/v4",
        "https://code.acme.example",
        "a/b/c",
    )


@pytest.mark.parametrize("url", ["https://acme.example/git/a/b.git", "git@acme.example:a/b.git"])
def test_a_host_may_live_below_a_path(url: str) -> None:
    host = host_of(url, {"kind": "gitea", "web": "https://acme.example/git"}, {})
    assert (host.api, host.project) == ("https://acme.example/git/api/v1", "a/b")


@pytest.mark.parametrize(
    ("url", "settings", "said"),
    [
        ("https://git.acme.example/a/b", {}, "`.argosy.yaml` as `host.kind`"),
        ("https://dev.azure.com/acme/x/_git/gitops", {}, "`.argosy.yaml` as `host.kind`"),
        ("https://bitbucket.acme.example/scm/a/b.git", {}, "Bitbucket Data Center"),
        ("https://github.com/a/b/c", {}, "has an owner and a name"),
        ("https://github.com/a/b", {"kind": "svn"}, "`host.kind` in `.argosy.yaml` is wrong: it is one of github"),
        ("https://github.com/a/b", {"kind": ["github"]}, "`host.kind` in `.argosy.yaml` is wrong"),
        ("https://github.com/a/b", {"api": "github.com"}, "`host.api` in `.argosy.yaml` is wrong"),
        ("https://github.com/a/b", {"api": "https://ada:sesame@github.com"}, "`host.api` in `.argosy.yaml` is wrong"),
        ("https://github.com/a/b", {"web": 7}, "`host.web` in `.argosy.yaml` is wrong"),
        ("https://github.com/a/b", {"url": "x"}, "unknown settings of the host: url"),
        ("/srv/gitops.git", {"kind": "gitea"}, "is no project on a host"),
    ],
)
def test_what_cannot_be_told_is_refused(url: str, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        host_of(url, settings, {})
    shown = f"{caught.value.message} {caught.value.hint}"
    assert said in shown
    assert "sesame" not in shown
