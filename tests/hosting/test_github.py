"""What only GitHub does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from argosy.errors import ArgosyError
from argosy.hosting import Host
from tests.hosting.conftest import PROPOSAL, reach
from tests.hosting.server import Server, playing


@pytest.fixture
def kind() -> str:
    return "github"


@pytest.fixture
def server(kind: str) -> Iterator[Server]:
    with playing(kind) as played:
        yield played


def test_a_team_is_asked_by_its_slug(host: Host, server: Server) -> None:
    opened = host.propose(replace(PROPOSAL, reviewers=("@acme/platform", "@ada")))
    assert (opened.remarks, server.pull_requests[0].reviewers) == ((), ["ada", "acme/platform"])


def test_who_was_asked_or_gave_a_review_is_not_asked_again(host: Host, server: Server) -> None:
    server.add(PROPOSAL.branch, reviewers=["ada", "acme/platform"], reviewed=["grace"])
    host.propose(replace(PROPOSAL, reviewers=("@ada", "@Grace", "@acme/platform")))
    assert not [line for line in server.asked("POST") if line.endswith("requested_reviewers")]


@pytest.mark.parametrize(
    ("status", "message", "hint"),
    [
        (422, "No commits between main and promote/my-app-prod", "Push its commits first"),
        (403, "GitHub Actions is not permitted to create or approve pull requests.", "Workflow permissions"),
        (403, "Resource protected by organization SAML enforcement.", "single sign-on"),
    ],
)
def test_common_refusals_are_explained(server: Server, status: int, message: str, hint: str) -> None:
    errors = [{"resource": "PullRequest", "code": "custom", "message": message}]
    server.fail_next(status, body={"message": "Validation Failed", "errors": errors}, on="POST")
    with pytest.raises(ArgosyError, match=message) as caught:
        reach("github", server).propose(PROPOSAL)
    assert hint in caught.value.hint
