"""What only Gitea and Forgejo do."""

from __future__ import annotations

from dataclasses import replace

from tests.hosting.conftest import PROPOSAL, reach
from tests.hosting.server import playing


def test_labels_that_are_missing_are_made() -> None:
    with playing("gitea") as server:
        server.labels = {"other": 1, "prod": 2}
        reach("gitea", server).propose(PROPOSAL)
        assert set(server.labels) == {"other", "prod", "promotion"}
        assert server.pull_requests[0].labels == ["promotion", "prod"]


def test_a_team_is_asked_and_not_asked_again() -> None:
    proposal = replace(PROPOSAL, labels=(), reviewers=("@acme/platform",))
    with playing("gitea") as server:
        host = reach("gitea", server)
        assert host.propose(proposal).remarks == host.propose(proposal).remarks == ()
        assert server.pull_requests[0].reviewers == ["acme/platform"]
        assert len([line for line in server.asked("POST") if line.endswith("requested_reviewers")]) == 1
