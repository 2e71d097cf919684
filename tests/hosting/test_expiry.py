"""Previews of pull requests that nobody touched for long end on each host, and no token goes where it should not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from argosy.errors import UsageError
from argosy.hosting import Host, expiry
from argosy.hosting.expiry import Code
from argosy.repository.model import Application
from argosy.repository.previews import GitHost, Previews
from tests.hosting.conftest import WEB
from tests.hosting.server import Server

NOW = datetime(2026, 3, 9, 9, 0, tzinfo=UTC)


def code(kind: str, days: int = 7) -> Code:
    return Code(f"{WEB[kind]}/acme/gitops", kind, "preview me", ("web",), timedelta(days=days))


def test_what_nobody_touched_loses_the_label(kind: str, host: Host, server: Server) -> None:
    server.page_size = 2
    old = server.add(labels=["preview me", "bug"], updated="2026-03-02T08:59:59Z", from_fork=True)
    fresh = server.add(labels=["preview me"], updated="2026-03-02T10:00:00+01:00")
    other = server.add(labels=["preview"], updated="2020-01-01T00:00:00Z")
    server.add(labels=["preview me"], updated="2020-01-01T00:00:00Z", is_open=False)
    if kind == "bitbucket":
        with pytest.raises(UsageError, match="Bitbucket has no labels"):
            list(expiry.idle(host, code(kind), NOW))
        return
    found = list(expiry.idle(host, code(kind), NOW))
    assert [each.number for each in found] == [old.number]
    assert not {each for each in server.asked() if not each.startswith("GET")}
    for each in found:
        expiry.end(host, code(kind), each)
        host.unlabel(each.number, "preview me")  # Somebody else was quicker.
    assert [old.labels, fresh.labels, other.labels] == [["bug"], ["preview me"], ["preview"]]
    (comment,) = server.comments
    assert "Nothing changed here since 2026-03-02, so the preview of web ends." in comment.body
    assert "`preview me`" in comment.body
    assert list(expiry.idle(host, code(kind), NOW)) == []
    assert len(list(expiry.idle(host, code(kind, 1), NOW))) == 1


def app(name: str, ttl: str, label: str = "preview") -> Application:
    said = Previews("https://github.com/acme/shop", "dev", GitHost.GITHUB, label, preview_ttl=ttl)
    return Application(name, previews=said)


def test_a_label_is_of_all_that_share_it() -> None:
    (both,) = expiry.of([app("web", "7d"), app("api", "36h"), Application("plain")])
    assert (both.applications, both.ttl) == (("web", "api"), timedelta(days=7))
    (forever,) = expiry.of([app("web", "2w"), app("api", "")])
    assert forever.ttl is None
    assert len(expiry.of([app("web", "7d"), app("api", "7d", "other"), app("worker", "", "third")])) == 2


@pytest.mark.parametrize(
    ("url", "remote", "environment", "goes"),
    [
        ("https://github.com/acme/web", "", {}, True),
        ("https://git.acme.example/acme/web", "git@git.acme.example:acme/gitops.git", {}, True),
        ("https://git.acme.example/acme/web", "https://github.com/acme/gitops.git", {}, False),
        ("https://git.acme.example/acme/web", "", {"ARGOSY_HOST_WEB": "https://git.acme.example"}, True),
        ("https://git.acme.example/acme/web", "", {"ARGOSY_HOST_WEB": "https://acme.example"}, False),
        ("https://git.acme.example:8443/acme/web", "git@git.acme.example:acme/gitops.git", {}, False),
        ("http://github.com/acme/web", "", {}, False),
    ],
)
def test_a_repository_does_not_say_where_the_token_goes(
    url: str, remote: str, environment: dict[str, str], goes: bool
) -> None:
    asked = Code(url, "gitlab" if "acme.example" in url else "github", "preview", ("web",), timedelta(days=7))
    if goes:
        assert expiry.host_of(asked, remote, environment).project == "acme/web"
        return
    with pytest.raises(UsageError, match="it does not get your token"):
        expiry.host_of(asked, remote, environment)
