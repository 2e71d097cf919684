"""What only Bitbucket does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.hosting.conftest import PROPOSAL, reach
from tests.hosting.played_bitbucket import BitbucketDialect
from tests.hosting.server import playing


def test_an_api_token_goes_with_its_address() -> None:
    with playing("bitbucket") as server:
        server.token = "ada@acme.example:sesame"
        assert reach("bitbucket", server, "BITBUCKET_TOKEN").propose(PROPOSAL).created


@pytest.mark.parametrize("owner", ["@ada", "@Ada Example", "@557058:1001", "@{0000-1001}"])
def test_members_are_found_by_each_of_their_names(owner: str) -> None:
    with playing("bitbucket") as server:
        reach("bitbucket", server).propose(replace(PROPOSAL, reviewers=(owner,)))
        assert server.pull_requests[0].reviewers == ["ada"]


def test_a_reviewer_whom_bitbucket_does_not_take_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BitbucketDialect, "inactive", {"ada"})
    with playing("bitbucket") as server:
        opened = reach("bitbucket", server).propose(PROPOSAL)
        assert server.pull_requests[0].reviewers == ["grace"]
        assert opened.remarks[1].startswith("@ada was not asked for a review: ")


def test_html_that_bitbucket_shows_as_text_is_taken_out_but_not_of_code() -> None:
    code = "```diff\n-<!-- old -->\n+<details>\n```\n"
    body = f"<!-- argosy -->\nTable\n\n<details open>\n<summary>my-app-prod</summary>\n\n{code}\n</details>\n"
    with playing("bitbucket") as server:
        host = reach("bitbucket", server)
        host.propose(replace(PROPOSAL, body=body))
        assert server.pull_requests[0].body == f"Table\n\n**my-app-prod**\n\n{code}\n"
        host.comment(1, "argosy-diff", body)
        assert server.comments[0].body == f"[//]: # (argosy-diff)\n\nTable\n\n**my-app-prod**\n\n{code}\n"


def test_a_comment_that_was_deleted_is_made_anew() -> None:
    with playing("bitbucket") as server:
        server.add()
        host = reach("bitbucket", server)
        host.comment(1, "argosy-diff", "First.")
        server.comments[0].deleted = True
        host.comment(1, "argosy-diff", "Second.")
        assert [comment.deleted for comment in server.comments] == [True, False]
