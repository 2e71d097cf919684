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


OWN, WEB_OWN = "git.acme.example", "https://git.acme.example/acme/web"
SHARED = "https://gitlab.com/stranger/web"


@pytest.mark.parametrize(
    ("url", "remote", "environment", "api", "token"),
    [
        (WEB_OWN, f"git@{OWN}:acme/gitops.git", {}, f"https://{OWN}", "any"),
        (WEB_OWN, "", {"ARGOSY_HOST_WEB": f"https://{OWN}"}, f"https://{OWN}", "any"),
        (f"http://{OWN}/acme/web", f"http://{OWN}/acme/gitops", {}, f"http://{OWN}", "any"),
        (
            f"http://{OWN}/acme/web",
            f"https://{OWN}/acme/x",
            {"ARGOSY_HOST_WEB": f"http://{OWN}"},
            f"http://{OWN}",
            "any",
        ),
        # As anybody may write it, and nobody has it: whose host that is, its own variable knows.
        (SHARED, "https://gitlab.com/acme/gitops", {}, "https://gitlab.com", "any"),
        (SHARED, "", {"GITLAB_TOKEN": "own"}, "https://gitlab.com", "own"),
        (SHARED, "https://github.com/acme/gitops", {"GITLAB_TOKEN": "own"}, "https://gitlab.com", "own"),
        (SHARED, f"https://{OWN}/acme/gitops", {"ARGOSY_HOST_WEB": "https://gitlab.com"}, "https://gitlab.com", "any"),
    ],
)
def test_a_token_goes_to_the_host_that_it_is_for(
    url: str, remote: str, environment: dict[str, str], api: str, token: str
) -> None:
    asked = Code(url, "gitlab", "preview", ("web",), timedelta(days=7))
    host = expiry.host_of(asked, remote, {"ARGOSY_TOKEN": "any", **environment})
    assert (host.api, host.token()) == (f"{api}/api/v4", token)


@pytest.mark.parametrize(
    ("url", "remote", "environment", "said", "do"),
    [
        (WEB_OWN, "https://github.com/acme/gitops.git", {}, "your token", f"=https://{OWN}"),
        (WEB_OWN, "", {"ARGOSY_HOST_WEB": "https://acme.example"}, "your token", f"=https://{OWN}"),
        (f"https://{OWN}:8443/acme/web", f"git@{OWN}:acme/gitops.git", {}, "your token", f"=https://{OWN}:8443"),
        ("http://gitlab.com/acme/web", "", {}, "in the clear", "Write https:// in previews."),
        (f"http://{OWN}/acme/web", f"https://{OWN}/acme/gitops", {}, "in the clear", f"ARGOSY_HOST_WEB=http://{OWN}"),
        (f"http://{OWN}/acme/web", f"git@{OWN}:acme/gitops", {}, "in the clear", f"ARGOSY_HOST_WEB=http://{OWN}"),
        (SHARED, "https://github.com/acme/gitops", {}, "does not get ARGOSY_TOKEN", "Set GITLAB_TOKEN. If"),
        # Of a kind that this clone's own host may be as well.
        (
            SHARED,
            f"https://{OWN}/acme/gitops",
            {"GITLAB_TOKEN": "x"},
            "your token",
            "ARGOSY_HOST_WEB=https://gitlab.com",
        ),
    ],
)
def test_a_repository_does_not_say_where_the_token_goes(
    url: str, remote: str, environment: dict[str, str], said: str, do: str
) -> None:
    asked = Code(url, "gitlab", "preview", ("web",), timedelta(days=7))
    with pytest.raises(UsageError) as refused:
        expiry.host_of(asked, remote, {"ARGOSY_TOKEN": "any", **environment})
    assert said in refused.value.message
    assert do in refused.value.hint
