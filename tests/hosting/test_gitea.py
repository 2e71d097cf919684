"""What only Gitea and Forgejo do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from argosy.errors import ArgosyError
from tests.hosting.conftest import PROPOSAL, reach
from tests.hosting.server import playing


def test_labels_that_are_missing_are_made() -> None:
    with playing("gitea") as server:
        server.labels = {"other": 1, "prod": 2}
        reach("gitea", server).propose(PROPOSAL)
        assert set(server.labels) == {"other", "prod", "promotion"}
        assert server.pull_requests[0].labels == ["prod", "promotion"]


def test_labels_of_the_organization_are_not_made_again() -> None:
    with playing("gitea") as server:
        server.labels_of_organization = {"promotion": 1}
        assert reach("gitea", server).propose(PROPOSAL).remarks == ()
        assert set(server.labels) == {"prod"}
        assert server.pull_requests[0].labels == ["promotion", "prod"]


@pytest.mark.parametrize("title", ["word " * 100, "発" * 300, "é" * 128, "x" * 254 + "é", "x" * 255])
def test_a_title_is_cut_before_gitea_cuts_it(title: str) -> None:
    with playing("gitea") as server:
        reach("gitea", server).propose(replace(PROPOSAL, title=title, labels=(), reviewers=(), draft=True))
        sent = server.requests[-1].body["title"]
        assert (server.pull_requests[0].title, sent[:9]) == (sent, f"WIP: {title[:4]}")


@pytest.mark.parametrize(("there", "missing"), [({"main"}, "promote/my-app-prod"), ({"promote/my-app-prod"}, "main")])
def test_the_branch_that_is_missing_is_named(there: set[str], missing: str) -> None:
    with playing("gitea") as server:
        server.branches = there
        with pytest.raises(ArgosyError, match=f"There is no branch {missing} in acme/gitops on Gitea") as caught:
            reach("gitea", server).propose(PROPOSAL)
        assert caught.value.hint == f"Push {missing} first."


def test_a_branch_that_is_missing_is_told_from_a_project_that_is_not_seen() -> None:
    with playing("gitea") as server:
        server.branches = set()
        with pytest.raises(ArgosyError, match="There is no branch main in acme/gitops"):
            reach("gitea", server).protection("main")
        server.fail_next(404, times=2)
        with pytest.raises(ArgosyError, match="404") as caught:
            reach("gitea", server).protection("main")
        assert "There is no project acme/gitops, or the token in ARGOSY_TOKEN cannot see it." in caught.value.hint


def test_a_team_is_asked_and_not_asked_again() -> None:
    proposal = replace(PROPOSAL, labels=(), reviewers=("@acme/platform",))
    with playing("gitea") as server:
        host = reach("gitea", server)
        assert host.propose(proposal).remarks == host.propose(proposal).remarks == ()
        assert server.pull_requests[0].reviewers == ["acme/platform"]
        assert len([line for line in server.asked("POST") if line.endswith("requested_reviewers")]) == 1
