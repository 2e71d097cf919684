"""What only GitLab does."""

from __future__ import annotations

from dataclasses import replace

from tests.hosting.conftest import PROPOSAL, reach
from tests.hosting.server import playing


def test_groups_are_left_out() -> None:
    with playing("gitlab") as server:
        opened = reach("gitlab", server).propose(replace(PROPOSAL, reviewers=("@acme", "@acme/platform", "@ada")))
        assert opened.remarks == tuple(
            f"{group} was not asked for a review, not being a user: GitLab cannot ask groups."
            for group in ("@acme", "@acme/platform")
        )
        assert server.pull_requests[0].reviewers == ["ada"]


def test_reviewers_whom_the_plan_does_not_allow_are_told() -> None:
    with playing("gitlab") as server:
        server.users.append("linus")
        opened = reach("gitlab", server).propose(replace(PROPOSAL, reviewers=("@ada", "@grace", "@linus")))
        (remark,) = opened.remarks
        assert remark.startswith("@linus was not asked for a review: the project's plan")
