"""Each kind of host: one pull request for a branch, one comment for a purpose, whatever the host's faults."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from argosy.errors import ArgosyError, UsageError
from argosy.hosting import Host, host_of
from tests.hosting.conftest import PROPOSAL, WEB, reach
from tests.hosting.dialect import ME
from tests.hosting.server import Server, playing

PLAIN = replace(PROPOSAL, labels=(), reviewers=())
MAKES = {
    "github": "POST /repos/acme/gitops/pulls",
    "gitea": "POST /repos/acme/gitops/pulls",
    "gitlab": "POST /projects/acme%2Fgitops/merge_requests",
    "bitbucket": "POST /repositories/acme/gitops/pullrequests",
}


def test_a_pull_request_is_opened(host: Host, server: Server, kind: str) -> None:
    opened = host.propose(PROPOSAL)
    (pull,) = server.pull_requests
    assert (opened.number, opened.created, opened.url.rstrip("/").endswith("/1")) == (1, True, True)
    assert (pull.branch, pull.base, pull.title) == (PROPOSAL.branch, "main", PROPOSAL.title)
    assert pull.body == PROPOSAL.body
    assert pull.reviewers == ["ada", "grace"]
    if kind == "bitbucket":
        assert opened.remarks == ("The labels promotion, prod were left out: Bitbucket has none.",)
    else:
        assert (pull.labels, opened.remarks) == (["promotion", "prod"], ())


def test_running_it_again_updates_the_pull_request(host: Host, server: Server, kind: str) -> None:
    first = host.propose(PROPOSAL)
    again = host.propose(replace(PROPOSAL, title="New", body="New.", labels=("late",), reviewers=("@ada",)))
    (pull,) = server.pull_requests
    assert (again.number, again.url, again.created) == (first.number, first.url, False)
    assert (pull.title, pull.body) == ("New", "New.")
    assert pull.reviewers == ["ada", "grace"]
    assert pull.labels == ([] if kind == "bitbucket" else ["promotion", "prod", "late"])


def test_pull_requests_of_forks_and_other_branches_are_left_alone(host: Host, server: Server) -> None:
    fork = server.add(PROPOSAL.branch, from_fork=True)
    closed = server.add(PROPOSAL.branch, is_open=False)
    other_base = server.add(PROPOSAL.branch, base="staging")
    other_branch = server.add("promote/my-app")
    assert host.propose(PLAIN) == replace(host.propose(PLAIN), created=True)
    assert len(server.pull_requests) == 5
    assert {each.title for each in (fork, closed, other_base, other_branch)} == {"Old"}


def test_what_a_commit_was_merged_with(host: Host, server: Server, kind: str) -> None:
    one, two = "1" * 40, "2" * 40
    server.add(body="What it tells.\n", is_open=False, merged=one)
    server.add("other")
    assert (host.merged_with(one), host.merged_with(two)) == (["What it tells.\n"], [])
    # GitHub knows those of its default branch alone.
    server.add("third", "staging", body="Elsewhere.", is_open=False, merged=two)
    assert host.merged_with(two) == ([] if kind == "github" else ["Elsewhere."])
    for server.links in ("none", "later") if kind == "bitbucket" else ():
        assert host.merged_with(one) == []
    server.fail_next(403)
    with pytest.raises(ArgosyError, match=r"look for the (pull|merge) request of the commit 111111111111"):
        host.merged_with(one)


def test_lists_are_read_page_after_page(host: Host, server: Server) -> None:
    server.page_size = 1
    for number in range(3):
        server.add(PROPOSAL.branch if number == 2 else f"other-{number}", from_fork=number == 1)
    assert not host.propose(PROPOSAL).created
    for number in range(3):
        host.comment(3, f"purpose-{number}", "First.")
    host.comment(3, "purpose-2", "Second.")
    assert [comment.body.split("\n")[-1] for comment in server.comments] == ["First.", "First.", "Second."]


@pytest.mark.parametrize("owner", ["@nobody", "@acme/nobodies", "@elsewhere/team", "mail@example.com", "@@maintainer"])
def test_a_reviewer_whom_the_host_does_not_know_is_left_out(host: Host, server: Server, owner: str) -> None:
    opened = host.propose(replace(PROPOSAL, labels=(), reviewers=("@ada", owner)))
    (remark,) = opened.remarks
    assert remark.startswith(f"{owner} was not asked for a review")
    assert server.pull_requests[0].reviewers == ["ada"]


def test_the_author_is_left_out(host: Host, server: Server) -> None:
    opened = host.propose(replace(PROPOSAL, labels=(), reviewers=(f"@{ME}", "@ada")))
    assert opened.remarks == (f"@{ME} was not asked for a review, being the author.",)
    assert server.pull_requests[0].reviewers == ["ada"]


def test_labels_and_reviewers_never_stop_a_promotion(host: Host, server: Server, kind: str) -> None:
    part = {"gitlab": "PUT ", "bitbucket": "/members", "github": "/1/", "gitea": "/1/"}[kind]
    server.fail_next(403, on=part, times=9)
    opened = host.propose(PROPOSAL)
    assert opened.created
    assert [remark.split(" ")[0] for remark in opened.remarks] == ["The", "No"]
    assert all("403" in remark for remark in opened.remarks if "Bitbucket has none" not in remark)


def test_a_long_title_is_cut(host: Host, server: Server) -> None:
    host.propose(replace(PLAIN, title="word " * 100, body="x" * host.body_limit))
    title = server.pull_requests[0].title
    assert (len(title) <= host.title_limit, title[:9], title[-1]) == (True, "word word", "…")
    host.comment(1, "argosy-diff", "x" * host.body_limit)


def test_a_draft_is_marked_as_one(host: Host, server: Server, kind: str) -> None:
    host.propose(replace(PLAIN, draft=True))
    prefix = {"gitlab": "Draft: ", "gitea": "WIP: "}.get(kind, "")
    assert server.pull_requests[0].title == prefix + PROPOSAL.title
    assert server.pull_requests[0].draft is not bool(prefix)


def test_the_comment_is_made_once_and_updated(host: Host, server: Server) -> None:
    server.add()
    first = host.comment(1, "argosy-diff", "Old.")
    other = host.comment(1, "argosy-status", "Other.")
    again = host.comment(1, "argosy-diff", "New.")
    assert (first, first != other) == (again, True)
    bodies = [comment.body for comment in server.comments]
    assert [body.split("\n", 1)[1] for body in bodies] == ["\nNew.", "\nOther."]
    assert all("argosy-" in body.split("\n")[0] for body in bodies)


def test_a_comment_that_quotes_the_marker_is_left_alone(host: Host, server: Server) -> None:
    server.add()
    host.comment(1, "argosy-diff", "Ours.")
    server.comments[0].body = f"Look:\n> {server.comments[0].body}"
    host.comment(1, "argosy-diff", "Ours.")
    assert len(server.comments) == 2


@pytest.mark.parametrize("anonymous", [False, True])
def test_a_comment_of_somebody_else_is_left_alone(host: Host, server: Server, kind: str, anonymous: bool) -> None:
    server.add()
    host.comment(1, "argosy-diff", "Ours.")
    theirs = server.comments[0]
    theirs.author = "ada"
    was = theirs.body
    server.is_anonymous = anonymous
    if kind == "github" and anonymous:
        server.me = "github-actions[bot]"
    if kind == "gitlab" and anonymous:
        with pytest.raises(ArgosyError, match="Could not see whose the token is") as caught:
            reach(kind, server).comment(1, "argosy-diff", "New.")
        assert host.scopes in caught.value.hint
        return
    for text in ("New.", "Newer."):
        reach(kind, server).comment(1, "argosy-diff", text)
    assert [each.author for each in server.comments] == ["ada", server.me]
    assert (theirs.body, server.comments[1].body.split("\n")[-1]) == (was, "Newer.")


def test_a_pull_request_that_is_not_there(host: Host, server: Server) -> None:
    with pytest.raises(ArgosyError, match=r"There is no (pull|merge) request 7 in acme/gitops on "):
        host.comment(7, "argosy-diff", "Hello.")
    server.fail_next(404, times=2)
    with pytest.raises(ArgosyError, match="404") as caught:
        host.comment(7, "argosy-diff", "Hello.")
    assert "There is no project acme/gitops" in caught.value.hint


def test_a_comment_that_is_deleted_meanwhile_is_made_again(host: Host, server: Server) -> None:
    server.add()
    host.comment(1, "argosy-diff", "Old.")
    server.fail_next(404, on="/comments/101")
    server.fail_next(404, on="/notes/101")
    host.comment(1, "argosy-diff", "New.")
    assert [each.body.split("\n")[-1] for each in server.comments] == ["Old.", "New."]


@pytest.mark.parametrize("after", [False, True])
def test_a_connection_that_dies_makes_no_second_pull_request(
    host: Host, server: Server, kind: str, after: bool
) -> None:
    server.die_next(on=MAKES[kind], after=after)
    opened = host.propose(PROPOSAL)
    assert (opened.number, opened.created, len(server.pull_requests)) == (1, True, 1)
    assert server.asked("POST").count(MAKES[kind]) == (1 if after else 2)


@pytest.mark.parametrize("after", [False, True])
def test_a_connection_that_dies_makes_no_second_comment(host: Host, server: Server, after: bool) -> None:
    server.add()
    server.die_next(on="POST", after=after)
    host.comment(1, "argosy-diff", "Once.")
    assert len(server.comments) == 1


def test_a_fault_while_opening_makes_no_second_pull_request(host: Host, server: Server, kind: str) -> None:
    server.fail_next(502, body="<html>Bad gateway</html>", on=MAKES[kind])
    assert host.propose(PLAIN).created
    assert len(server.pull_requests) == 1


def test_a_host_that_stays_at_fault_is_reported(host: Host, server: Server, kind: str) -> None:
    server.fail_next(500, on=MAKES[kind], times=2)
    with pytest.raises(ArgosyError, match=r"Could not open a .* request for promote/my-app-prod .* 500") as caught:
        host.propose(PLAIN)
    assert "The host failed" in caught.value.hint
    assert server.asked("POST") == [MAKES[kind]] * 2


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_connection_that_dies_and_a_passing_fault_are_tried_again(host: Host, server: Server, status: int) -> None:
    server.die_next(on="GET")
    server.fail_next(status, on="GET")
    assert host.propose(PLAIN).created
    assert len(server.asked("GET")) == 3


def test_a_fault_that_does_not_pass_is_not_tried_again(host: Host, server: Server) -> None:
    server.fail_next(501, on="GET")
    with pytest.raises(ArgosyError, match="501"):
        host.propose(PLAIN)
    assert len(server.requests) == 1


def test_a_pull_request_that_somebody_opens_meanwhile_is_updated(host: Host, server: Server, kind: str) -> None:
    theirs = server.add(PROPOSAL.branch)
    empty: object = {"values": []} if kind == "bitbucket" else []
    server.fail_next(200, body=empty, on="GET")
    assert not host.propose(PLAIN).created
    assert theirs.title == PROPOSAL.title


def test_too_many_requests_are_waited_for(host: Host, server: Server, kind: str) -> None:
    server.fail_next(429, {"Retry-After": "0"}, on="GET")
    server.fail_next(429, {"Retry-After": "0"}, on=MAKES[kind])
    assert host.propose(PLAIN).created
    assert server.asked("POST") == [MAKES[kind]] * 2


def test_a_wait_that_is_too_long_is_reported(host: Host, server: Server) -> None:
    server.fail_next(429, {"Retry-After": "3600"})
    with pytest.raises(ArgosyError, match="429") as caught:
        host.propose(PROPOSAL)
    assert "Retry-After: 3600" in caught.value.hint
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (401, "The token in ARGOSY_TOKEN is wrong, has expired"),
        (403, "The token in ARGOSY_TOKEN does not allow it. It needs "),
        (404, "There is no project acme/gitops, or the token in ARGOSY_TOKEN cannot see it."),
        (409, "no other pull request"),
        (422, "no other pull request"),
    ],
)
def test_a_refusal_says_what_to_do(host: Host, server: Server, status: int, hint: str) -> None:
    server.fail_next(status)
    with pytest.raises(ArgosyError, match=f"Could not list the .* of acme/gitops: 127.0.0.1:.* {status}") as caught:
        host.propose(PROPOSAL)
    assert (caught.value.exit_code, hint in caught.value.hint) == (1, True)


def test_a_wrong_token_is_said_to_be_one(kind: str, server: Server) -> None:
    host = reach(kind, server)
    server.token = "another-token"
    with pytest.raises(ArgosyError, match="401") as caught:
        host.propose(PROPOSAL)
    assert host.scopes in caught.value.hint


def test_a_branch_that_is_not_pushed_is_said_to_be(host: Host, server: Server) -> None:
    server.branches = set()
    with pytest.raises(ArgosyError, match=r"Could not open|There is no branch") as caught:
        host.propose(PROPOSAL)
    assert "push" in caught.value.hint.casefold()
    assert not server.pull_requests


@pytest.mark.parametrize("body", ["<html>Log in</html>", "[]", "{}", "[{}]", '{"values": [{}]}', "null", '"no"'])
def test_an_answer_that_is_not_the_apis_is_reported(host: Host, server: Server, body: str) -> None:
    document = body if body.startswith("<") else json.loads(body)
    server.fail_next(200, body=document, times=9)
    with pytest.raises(ArgosyError, match="returned an unexpected response") as caught:
        host.propose(PROPOSAL)
    assert "ARGOSY_HOST_API" in caught.value.hint


def test_no_token_is_a_mistake_of_usage(kind: str, server: Server) -> None:
    host = host_of(f"{WEB[kind]}/acme/gitops", {}, {"ARGOSY_HOST_API": server.url})
    assert host.token() is None
    with pytest.raises(UsageError, match=r"No token for 127\.0\.0\.1") as caught:
        host.propose(PROPOSAL)
    assert all(variable in caught.value.hint for variable in ("ARGOSY_TOKEN", *host.variables))


def test_the_token_comes_from_argosys_variable_first(kind: str, server: Server) -> None:
    for variable in reach(kind, server).variables:
        assert reach(kind, server, variable).propose(PLAIN).number == 1
        both = {variable: "another", "ARGOSY_TOKEN": f"{server.token}\n"}
        assert host_of(f"{WEB[kind]}/acme/gitops", {}, both).token() == server.token


def test_a_token_that_cannot_be_one_is_not_shown(kind: str, server: Server) -> None:
    host = host_of(f"{WEB[kind]}/acme/gitops", {}, {"ARGOSY_TOKEN": "open\nsesame"})
    with pytest.raises(UsageError, match="What ARGOSY_TOKEN holds cannot be a token") as caught:
        host.propose(PROPOSAL)
    assert "sesame" not in repr(caught.value) + caught.value.hint


@pytest.mark.parametrize("variables", [{"ARGOSY_TOKEN": ""}, {}])
def test_the_page_to_open_needs_no_token(kind: str, variables: dict[str, str]) -> None:
    host = host_of(f"{WEB[kind]}/acme/gitops", {}, variables)
    url = host.url_to_open(replace(PROPOSAL, body=f"{PROPOSAL.body}ä & <!-- x -->\n" + "A long line.\n" * 1000))
    assert url.startswith(f"{WEB[kind]}/acme/gitops/")
    assert len(url) <= 6000
    whole = url + str(parse_qs(urlsplit(url).query))
    assert PROPOSAL.branch in whole
    if kind != "bitbucket":
        assert all(part in whole for part in (PROPOSAL.title, "| image | 1 | 2 |", "A long line.", "…"))


@pytest.mark.parametrize(
    ("kinds", "environment", "number"),
    [
        ("github gitea", {"GITHUB_REF": "refs/pull/12/merge"}, 12),
        ("github gitea", {"GITHUB_REF": "refs/pull/12/head"}, 12),
        ("github gitea", {"GITHUB_REF": "refs/heads/main", "GITHUB_EVENT_PATH": "EVENT"}, 34),
        ("github gitea", {"GITHUB_REF": "refs/heads/main"}, None),
        ("github gitea", {"GITHUB_EVENT_PATH": "/nowhere"}, None),
        ("gitlab", {"CI_MERGE_REQUEST_IID": "5"}, 5),
        ("gitlab", {"CI_MERGE_REQUEST_ID": "5"}, None),
        ("bitbucket", {"BITBUCKET_PR_ID": "6"}, 6),
        ("bitbucket", {}, None),
    ],
)
def test_the_pull_request_of_a_ci_job(
    tmp_path: Path, kinds: str, environment: dict[str, str], number: int | None
) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 34}}))
    environment = {name: value.replace("EVENT", str(event)) for name, value in environment.items()}
    for kind in kinds.split():
        assert host_of(f"{WEB[kind]}/acme/gitops", {}).current_request(environment) == number


@pytest.mark.parametrize("event", ["{}", "[]", '{"pull_request": null}', "no JSON"])
def test_an_event_of_another_kind_is_no_pull_request(tmp_path: Path, event: str) -> None:
    path = tmp_path / "event.json"
    path.write_text(event)
    assert host_of("https://github.com/a/b", {}).current_request({"GITHUB_EVENT_PATH": str(path)}) is None


def test_nested_groups_and_names_with_dots(kind: str) -> None:
    project = "acme/platform/git.ops" if kind == "gitlab" else "acme/git.ops"
    with playing(kind, project) as server:
        assert reach(kind, server).propose(PROPOSAL).created


@pytest.mark.parametrize(
    ("url", "environment", "token"),
    [
        ("https://github.com/acme/gitops", {"GH_TOKEN": "a", "GITHUB_TOKEN": "b"}, "a"),
        ("https://acme.ghe.com/acme/gitops", {"GH_TOKEN": "a", "GITHUB_TOKEN": "b"}, "a"),
        ("https://github.com/acme/gitops", {"GITHUB_TOKEN": "b", "GH_ENTERPRISE_TOKEN": "c"}, "b"),
        ("https://github.com/acme/gitops", {"GH_ENTERPRISE_TOKEN": "c"}, None),
        ("https://github.acme.example/acme/gitops", {"GH_TOKEN": "a", "GITHUB_TOKEN": "b"}, None),
        (
            "https://github.acme.example/acme/gitops",
            {"GH_TOKEN": "a", "GITHUB_ENTERPRISE_TOKEN": "d", "GH_ENTERPRISE_TOKEN": "c"},
            "c",
        ),
        # A job's own token is for the server whose runner it runs on.
        (
            "https://github.acme.example/acme/gitops",
            {"GITHUB_TOKEN": "b", "GITHUB_SERVER_URL": "https://github.acme.example"},
            "b",
        ),
        (
            "https://github.com/acme/gitops",
            {"GITHUB_TOKEN": "b", "GITHUB_SERVER_URL": "https://github.acme.example"},
            None,
        ),
        ("https://github.com/acme/gitops", {"GITHUB_TOKEN": "b", "GITHUB_SERVER_URL": "https://github.com"}, "b"),
        ("https://github.acme.example/acme/gitops", {"ARGOSY_TOKEN": "e", "GH_ENTERPRISE_TOKEN": "c"}, "e"),
    ],
)
def test_a_token_goes_to_the_host_that_it_is_for(url: str, environment: dict[str, str], token: str | None) -> None:
    assert host_of(url, {}, environment).token() == token
