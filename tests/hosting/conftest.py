"""A host of each kind, on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from argosy.hosting import Host, Proposal, client, host_of
from tests.hosting.server import Server, playing

WEB = {
    "github": "https://github.com",
    "gitlab": "https://gitlab.com",
    "bitbucket": "https://bitbucket.org",
    "gitea": "https://codeberg.org",
}
PROPOSAL = Proposal(
    "promote/my-app-prod",
    "main",
    "Promote my-app to prod",
    "| key | from | to |\n| --- | --- | --- |\n| image | 1 | 2 |\n",
    ("promotion", "prod"),
    ("@ada", "@Grace"),
)


@pytest.fixture(autouse=True)
def _loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a proxy of the machine's out of the way to loopback, and do not wait between attempts."""
    monkeypatch.setattr(client, "BACKOFF", 0)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")


@pytest.fixture(params=WEB)
def kind(request: pytest.FixtureRequest) -> str:
    """Return each kind of host in turn."""
    return str(request.param)


@pytest.fixture
def server(kind: str) -> Iterator[Server]:
    """Play a host."""
    with playing(kind) as played:
        yield played


@pytest.fixture
def host(kind: str, server: Server) -> Host:
    """Return the host that is played, with a token."""
    return reach(kind, server)


def reach(kind: str, server: Server, variable: str = "ARGOSY_TOKEN") -> Host:
    """Return a host that is played."""
    url = f"{WEB[kind]}/{server.project}.git"
    return host_of(url, {}, {variable: server.token, "ARGOSY_HOST_API": server.url})
