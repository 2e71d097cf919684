"""Git remotes' URLs: which host, which project."""

from __future__ import annotations

import pytest

from argosy.errors import UsageError
from argosy.hosting.remote import Remote, parse


@pytest.mark.parametrize(
    ("url", "host", "project"),
    [
        ("https://github.com/acme/gitops.git", "github.com", "acme/gitops"),
        ("https://github.com/acme/gitops", "github.com", "acme/gitops"),
        ("https://github.com/acme/gitops.git/", "github.com", "acme/gitops"),
        ("https://GitHub.com/Acme/GitOps", "github.com", "Acme/GitOps"),
        ("https://ada@github.com/acme/gitops.git", "github.com", "acme/gitops"),
        ("https://ada:sesame@git.acme.example:8443/acme/gitops.git", "git.acme.example:8443", "acme/gitops"),
        ("http://git.acme.example/acme/gitops.git", "git.acme.example", "acme/gitops"),
        ("ssh://git@git.acme.example:2222/acme/gitops.git", "git.acme.example", "acme/gitops"),
        ("ssh://git@ssh.github.com:443/acme/gitops.git", "github.com", "acme/gitops"),
        ("git@github.com:acme/gitops.git", "github.com", "acme/gitops"),
        ("github.com:acme/gitops", "github.com", "acme/gitops"),
        ("git@git.acme.example:/acme/gitops.git", "git.acme.example", "acme/gitops"),
        ("git@gitlab.com:acme/platform/team/gitops.git", "gitlab.com", "acme/platform/team/gitops"),
        ("git@[2001:db8::1]:acme/gitops.git", "[2001:db8::1]", "acme/gitops"),
        ("https://[2001:db8::1]:3000/acme/gitops.git", "[2001:db8::1]:3000", "acme/gitops"),
        ("https://git.acme.example/acme/git%20ops", "git.acme.example", "acme/git ops"),
        ("https://git.acme.example/acme/my.git.ops.git", "git.acme.example", "acme/my.git.ops"),
    ],
)
def test_a_url_names_a_host_and_a_project(url: str, host: str, project: str) -> None:
    assert parse(url) == Remote(host, project, "http" if url.startswith("http:") else "https")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/srv/git/gitops.git",
        "../gitops.git",
        "gitops",
        "file:///srv/git/gitops.git",
        r"C:\git\gitops",
        "C:/git/gitops",
        "https://github.com/",
        "https://github.com/acme",
        "https:///acme/gitops",
        "https://github.com:port/acme/gitops",
        "git@github.com:gitops.git",
    ],
)
def test_a_url_that_names_none_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="is not a project on a Git host"):
        parse(url)


def test_a_refusal_does_not_show_the_password() -> None:
    with pytest.raises(UsageError) as caught:
        parse("https://ada:sesame@github.com/acme")
    assert "sesame" not in caught.value.message
