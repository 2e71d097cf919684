"""The client: it follows no redirect to another host, and nothing that it says holds the token."""

from __future__ import annotations

import base64
import socket
import subprocess
import sys
import traceback
from dataclasses import replace
from pathlib import Path

import pytest

from argosy.errors import ArgosyError
from argosy.hosting import Host, host_of
from argosy.hosting.client import Access, RefusedError
from tests.hosting.conftest import PROPOSAL, WEB, reach
from tests.hosting.server import Server, playing


def test_a_project_that_moved_is_found_on_the_same_host(host: Host, server: Server, kind: str) -> None:
    create = {"gitlab": "merge_requests", "bitbucket": "pullrequests"}.get(kind, "pulls")
    path = "/projects/acme%2Fgitops/" if kind == "gitlab" else "/repos/acme/gitops/"
    path = "/repositories/acme/gitops/" if kind == "bitbucket" else path
    server.fail_next(307, {"Location": f"{server.url}{path}{create}"}, on=f"POST {path}{create}")
    assert host.propose(PROPOSAL).created
    assert len(server.pull_requests) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_to_another_host_is_followed(host: Host, server: Server, kind: str, status: int) -> None:
    with playing(kind) as thief:
        server.fail_next(status, {"Location": f"{thief.url}/repos/acme/gitops/pulls"}, times=9)
        with pytest.raises(RefusedError, match=r"sends on to http://127\.0\.0\.1") as caught:
            host.propose(PROPOSAL)
    assert thief.requests == []
    assert "ARGOSY_HOST_API" in caught.value.hint


def test_redirects_have_an_end(host: Host, server: Server) -> None:
    server.fail_next(307, {"Location": f"{server.url}/again"}, times=9)
    with pytest.raises(RefusedError, match="307"):
        host.propose(PROPOSAL)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 409, 418, 422, 429, 500, 503])
def test_no_error_shows_the_token(kind: str, server: Server, status: int) -> None:
    server.token = "ada@acme.example:sesame"
    host = reach(kind, server)
    secrets = ["sesame", *([base64.b64encode(server.token.encode()).decode()] if kind == "bitbucket" else [])]
    server.fail_next(status, {"Retry-After": "3600"}, {"message": f"bad: {' '.join(secrets)}"}, times=9)
    with pytest.raises(ArgosyError) as caught:
        host.propose(PROPOSAL)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + caught.value.hint
    shown += repr(vars(caught.value)) + repr(host)
    assert not [secret for secret in secrets if secret in shown]


def test_a_token_at_the_end_of_a_long_answer_is_not_cut_but_hidden(host: Host, server: Server) -> None:
    for room in range(480, 500):
        server.fail_next(422, body={"message": f"{'x' * room}{server.token}"})
        with pytest.raises(RefusedError) as caught:
            host.comment(1, "argosy-diff", "Hello.")
        assert server.token[:3] not in caught.value.message


def test_what_a_client_knows_does_not_show_the_token() -> None:
    access = Access("https://h.example", "a/b", "sesame", "ARGOSY_TOKEN", "Bearer sesame", "all")
    assert "sesame" not in repr(access)


def test_a_password_in_netrc_does_not_replace_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: Host
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login mallory password wrong\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert host.propose(PROPOSAL).created


def test_a_host_that_is_not_there_is_reported(kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        api = f"http://127.0.0.1:{free.getsockname()[1]}"
    host = host_of(f"{WEB[kind]}/acme/gitops", {}, {"ARGOSY_TOKEN": "sesame", "ARGOSY_HOST_API": api})
    with pytest.raises(ArgosyError, match=r"no answer from 127\.0\.0\.1:\d+: .*[Cc]onnection refused") as caught:
        host.propose(PROPOSAL)
    assert "HTTPS_PROXY" in caught.value.hint


def test_a_host_that_hangs_up_each_time_is_reported(host: Host, server: Server) -> None:
    for _ in range(4):
        server.die_next()
    with pytest.raises(ArgosyError, match="Remote end closed connection without response"):
        host.propose(PROPOSAL)
    assert len(server.requests) == 4


def test_a_forbidden_request_that_comes_too_fast_is_tried_again(host: Host, server: Server) -> None:
    server.fail_next(403, {"Retry-After": "0"}, {"message": "You have exceeded a secondary rate limit"})
    assert host.propose(PROPOSAL).created


def test_a_limit_that_is_used_up_is_said_to_be(host: Host, server: Server) -> None:
    server.fail_next(403, {"X-RateLimit-Remaining": "0"}, {"message": "API rate limit exceeded"})
    with pytest.raises(ArgosyError, match="API rate limit exceeded") as caught:
        host.propose(PROPOSAL)
    assert "rate limit is reached" in caught.value.hint


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"message": "Not Found", "documentation_url": "https://x"}, "Not Found"),
        (
            {"message": "Validation Failed", "errors": [{"resource": "PullRequest", "field": "head", "code": "bad"}]},
            "Validation Failed; head: bad",
        ),
        ({"message": {"base": ["is taken"]}}, "base: is taken"),
        ({"message": ["one\n two", "three"]}, "one two; three"),
        ({"error": "invalid_token", "error_description": "It is revoked."}, "invalid_token; It is revoked."),
        ({"type": "error", "error": {"message": "No", "fields": {"source": ["gone"]}}}, "No; source: gone"),
        ("<html>Nginx</html>", ""),
        ([], ""),
    ],
)
def test_the_hosts_own_words_are_told(server: Server, kind: str, document: object, said: str) -> None:
    server.fail_next(418, body=document)
    with pytest.raises(RefusedError) as caught:
        reach(kind, server).comment(1, "argosy-diff", "Hello.")
    assert caught.value.said == said
    assert (f": {said}" if said else "Teapot.") in caught.value.message


def test_a_host_without_tls_that_is_asked_with_it_is_reported() -> None:
    said = r"no answer from 127\.0\.0\.1:\d+: \[SSL[^\]]*\] [^\[\]]+\.$"
    with playing("gitea") as server:
        environment = {**server.environment, "ARGOSY_HOST_API": server.url.replace("http:", "https:")}
        host = host_of("https://codeberg.org/acme/gitops", {}, environment)
        with pytest.raises(ArgosyError, match=said) as caught:
            host.propose(PROPOSAL)
    assert "give its address with http://" in caught.value.hint
    assert "certificate" not in caught.value.hint
    assert server.requests == []


def test_the_url_of_a_remote_without_tls_tells_all() -> None:
    with playing("gitea") as server:
        address = server.url.removesuffix("/api/v1")
        host = host_of(f"{address}/acme/gitops.git", {"kind": "gitea"}, {"ARGOSY_TOKEN": server.token})
        assert host.propose(replace(PROPOSAL, labels=(), reviewers=())).created


@pytest.mark.parametrize(("name", "said"), [("127.0.0.1", r"\[SSL"), ("localhost", "sends on to https://localhost")])
def test_a_host_leads_from_http_to_itself_alone(name: str, said: str) -> None:
    with playing("gitea") as server:
        server.fail_next(301, {"Location": server.url.replace("http://127.0.0.1", f"https://{name}")})
        with pytest.raises(ArgosyError, match=said):
            reach("gitea", server).comment(1, "argosy-diff", "Hello.")


def test_a_page_to_open_needs_no_http_client() -> None:
    code = "import sys, argosy.hosting; print({'requests', 'pathspec'} & sys.modules.keys())"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "set()\n"
