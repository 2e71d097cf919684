"""How branches are protected: read from each host, and compared with what is wanted."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.errors import ArgosyError
from argosy.hosting import Host
from argosy.hosting.protection import PIPELINE, Protection, is_like, missing
from tests.hosting.conftest import reach
from tests.hosting.server import Server

PULL_REQUEST = {
    "required_approving_review_count": 1,
    "dismiss_stale_reviews_on_push": True,
    "require_code_owner_review": True,
    "require_last_push_approval": True,
    "required_review_thread_resolution": True,
}
RULES = [
    {"type": "deletion", "ruleset_id": 1},
    {"type": "non_fast_forward", "ruleset_id": 1},
    {"type": "required_linear_history", "ruleset_id": 1},
    {"type": "required_signatures", "ruleset_id": 1},
    {"type": "pull_request", "parameters": PULL_REQUEST, "ruleset_id": 1},
    {
        "type": "required_status_checks",
        "parameters": {
            "strict_required_status_checks_policy": False,
            "required_status_checks": [{"context": "validate"}, {"context": "diff"}],
        },
        "ruleset_id": 2,
    },
]
OLDER = {
    "required_status_checks": {"strict": False, "contexts": ["validate", "diff"], "checks": []},
    "required_pull_request_reviews": {
        "dismiss_stale_reviews": True,
        "require_code_owner_reviews": True,
        "required_approving_review_count": 1,
    },
    "required_signatures": {"enabled": True},
    "enforce_admins": {"enabled": True},
    "required_linear_history": {"enabled": True},
    "allow_force_pushes": {"enabled": False},
    "allow_deletions": {"enabled": False},
}
LEVELS = [{"id": 1, "access_level": 0, "access_level_description": "No one", "user_id": None, "group_id": None}]
GITLAB = {
    "project": {"only_allow_merge_if_pipeline_succeeds": True, "merge_method": "ff"},
    "protected_branches": [
        {
            "id": 1,
            "name": "main",
            "push_access_levels": LEVELS,
            "merge_access_levels": [{"access_level": 30}],
            "allow_force_push": False,
            "code_owner_approval_required": True,
        }
    ],
    "approvals": {"reset_approvals_on_push": True, "merge_requests_author_approval": False},
    "approval_rules": [{"id": 1, "rule_type": "any_approver", "approvals_required": 1, "protected_branches": []}],
    "push_rule": {"id": 1, "reject_unsigned_commits": True, "prevent_secrets": True},
}
BITBUCKET: list[dict[str, Any]] = [
    {"id": number, "branch_match_kind": "glob", "pattern": "main", "users": [], "groups": [], **rule}
    for number, rule in enumerate[dict[str, Any]](
        [
            {"kind": "push"},
            {"kind": "force"},
            {"kind": "delete"},
            {"kind": "require_approvals_to_merge", "value": 1},
            {"kind": "require_passing_builds_to_merge", "value": 1},
            {"kind": "reset_pullrequest_approvals_on_change"},
            {"kind": "enforce_merge_checks"},
        ]
    )
]
GITEA = {
    "rule_name": "main",
    "enable_push": False,
    "enable_push_whitelist": False,
    "enable_force_push": False,
    "required_approvals": 1,
    "enable_status_check": False,
    "dismiss_stale_approvals": True,
    "require_signed_commits": True,
    "block_admin_merge_override": True,
}
STRICT: dict[str, dict[str, Any]] = {
    "github": {"rules": RULES},
    "gitlab": GITLAB,
    "bitbucket": {"restrictions": BITBUCKET},
    "gitea": GITEA,
}
WANTED = Protection(
    pull_request=True,
    approvals=1,
    code_owners=True,
    fresh_approvals=True,
    enforced=True,
    everyone=True,
    no_force_push=True,
    no_deletion=True,
    linear=True,
    signed=True,
)


def test_nothing_is_missing(kind: str, host: Host, server: Server) -> None:
    server.protection = STRICT[kind]
    lacks, untold = missing(WANTED, host.protection("main"))
    linear, signed = "whether history has to be linear", "whether commits have to be signed"
    assert lacks == []
    owners = "whether code owners have to approve"
    assert untold == {"bitbucket": [owners, linear, signed], "gitea": [owners, linear]}.get(kind, [])


def test_nothing_is_protected(kind: str, host: Host, server: Server) -> None:
    server.protection = {"project": {"only_allow_merge_if_pipeline_succeeds": False, "merge_method": "merge"}}
    if kind == "gitea":
        server.protection = {}
    found = host.protection("main")
    assert not found.is_any() or kind in {"gitlab", "bitbucket"}
    assert missing(WANTED, found)[0][:1] == ["changes come without a pull request"]
    assert found.no_force_push is False


def test_a_branch_whose_name_has_a_slash(kind: str, host: Host, server: Server) -> None:
    host.protection("release/1.0")
    if kind in {"github", "gitea"}:
        assert all("release%2F1.0" in line for line in server.asked())


def test_the_checks(kind: str, host: Host, server: Server) -> None:
    server.protection = STRICT[kind]
    named = {"github": frozenset({"validate", "diff"}), "gitea": frozenset()}
    assert host.protection("main").checks == named.get(kind, frozenset({PIPELINE}))


def test_what_an_administrator_alone_may_see(kind: str, host: Host, server: Server) -> None:
    server.protection = STRICT[kind] if kind != "github" else {"older": OLDER}
    server.is_administrator = False
    if kind == "bitbucket":
        with pytest.raises(ArgosyError, match="403"):
            host.protection("main")
        return
    lacks, untold = missing(WANTED, host.protection("main"))
    assert (lacks, bool(untold)) == ([], True)


def test_a_token_that_is_wrong(kind: str, server: Server) -> None:
    server.token = "another"
    host = reach(kind, server)
    server.token = "right"
    with pytest.raises(ArgosyError, match="401"):
        host.protection("main")


class TestGitHub:
    @pytest.fixture
    def kind(self) -> str:
        return "github"

    def test_the_older_rules(self, host: Host, server: Server) -> None:
        server.protection = {"older": OLDER}
        assert missing(WANTED, host.protection("main")) == ([], [])

    def test_both_kinds_of_rules_count_together(self, host: Host, server: Server) -> None:
        server.protection = {
            "rules": RULES[:4],
            "older": {**OLDER, "allow_force_pushes": {"enabled": True}, "required_linear_history": {"enabled": False}},
        }
        assert missing(WANTED, host.protection("main")) == ([], [])

    def test_somebody_may_bypass_a_ruleset(self, host: Host, server: Server) -> None:
        actor = {"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"}
        server.protection = {"rules": RULES, "bypass_actors": {2: [actor]}}
        assert missing(WANTED, host.protection("main")) == (["administrators or others are exempt"], [])
        # What another ruleset, or a branch protection, enforces as well binds everyone all the same.
        server.protection["rules"] = [*RULES, {**RULES[-1], "ruleset_id": 3}]
        assert missing(WANTED, host.protection("main")) == ([], [])
        server.protection |= {"rules": RULES, "older": OLDER}
        assert missing(WANTED, host.protection("main")) == ([], [])
        server.protection["older"] = {**OLDER, "enforce_admins": {"enabled": False}}
        assert missing(WANTED, host.protection("main")) == (["administrators or others are exempt"], [])

    def test_who_may_bypass_a_branch_protection(self, host: Host, server: Server) -> None:
        reviews = OLDER["required_pull_request_reviews"]
        for weaker in (
            {"enforce_admins": {"enabled": False}},
            {"required_pull_request_reviews": {**reviews, "bypass_pull_request_allowances": {"users": [{"id": 1}]}}},  # type: ignore[dict-item]
        ):
            server.protection = {"older": {**OLDER, **weaker}}
            assert missing(WANTED, host.protection("main")) == (["administrators or others are exempt"], [])

    def test_who_may_bypass_it_is_not_told_to_everyone(self, host: Host, server: Server) -> None:
        server.protection = {"rules": RULES}
        server.is_administrator = False
        assert missing(WANTED, host.protection("main"))[1] == ["whether somebody is exempt"]

    def test_a_branch_that_is_not_there(self, host: Host, server: Server) -> None:
        server.branches = set()
        assert not host.protection("main").is_any()

    def test_what_is_missing(self, host: Host, server: Server) -> None:
        weaker = {**PULL_REQUEST, "require_code_owner_review": False}
        server.protection = {"rules": [{"type": "pull_request", "parameters": weaker}]}
        lacks, untold = missing(
            Protection(approvals=2, code_owners=True, no_force_push=True, checks=frozenset({"validate"})),
            host.protection("main"),
        )
        assert untold == []
        assert lacks == [
            "too few have to approve (1 of 2)",
            "code owners need not approve",
            "checks need not pass (validate)",
            "force push is allowed",
        ]


class TestGitLab:
    @pytest.fixture
    def kind(self) -> str:
        return "gitlab"

    @pytest.mark.parametrize(
        "level",
        [
            {"access_level": 40, "user_id": None, "group_id": None},
            {"access_level": None, "user_id": 7},
            {"access_level": 40, "deploy_key_id": 1},
        ],
    )
    def test_someone_may_push(self, host: Host, server: Server, level: dict[str, object]) -> None:
        branch = {**GITLAB["protected_branches"][0], "push_access_levels": [*LEVELS, level]}  # type: ignore[index]
        server.protection = {**GITLAB, "protected_branches": [branch]}
        assert host.protection("main").pull_request is False

    def test_without_a_licence(self, host: Host, server: Server) -> None:
        server.protection = {key: GITLAB[key] for key in ("project", "protected_branches")}
        lacks, untold = missing(WANTED, host.protection("main"))
        assert lacks == []
        assert untold == [
            "how many have to approve",
            "whether a push takes approvals back",
            "whether commits have to be signed",
        ]

    def test_push_rules_that_nobody_made(self, host: Host, server: Server) -> None:
        server.protection = {**GITLAB, "push_rule": None}
        assert host.protection("main").signed is False

    def test_rules_of_other_branches_do_not_count(self, host: Host, server: Server) -> None:
        rule = {"rule_type": "regular", "approvals_required": 2, "protected_branches": [{"name": "release/*"}]}
        server.protection = {**GITLAB, "approval_rules": [rule]}
        assert [host.protection(each).approvals for each in ("main", "release/1.0")] == [0, 2]


class TestBitbucket:
    @pytest.fixture
    def kind(self) -> str:
        return "bitbucket"

    def test_someone_may_push(self, host: Host, server: Server) -> None:
        server.protection = {"restrictions": [{**BITBUCKET[0], "users": [{"uuid": "{1}"}]}]}
        assert host.protection("main").pull_request is False

    def test_merge_checks_that_are_shown_alone(self, host: Host, server: Server) -> None:
        server.protection = {"restrictions": BITBUCKET[:-1]}
        lacks, _ = missing(WANTED, host.protection("main"))
        assert lacks == ["what a pull request lacks is shown, but it can be merged"]

    def test_restrictions_by_the_branching_model_may_add_what_is_missing(self, host: Host, server: Server) -> None:
        model = {"kind": "push", "branch_match_kind": "branching_model", "branch_type": "production", "pattern": ""}
        server.protection = {"restrictions": [*BITBUCKET[1:], model]}
        found = host.protection("main")
        assert (found.pull_request, found.no_force_push) == (None, True)


class TestGitea:
    @pytest.fixture
    def kind(self) -> str:
        return "gitea"

    def test_a_list_of_who_may_push(self, host: Host, server: Server) -> None:
        server.protection = {**GITEA, "enable_push": True, "enable_push_whitelist": True}
        assert host.protection("main").pull_request is True
        server.protection["push_whitelist_teams"] = ["platform"]
        assert host.protection("main").pull_request is False

    @pytest.mark.parametrize(
        ("key", "everyone"),
        [("block_admin_merge_override", True), ("apply_to_admins", True), ("of_another_time", False)],
    )
    def test_whether_administrators_are_bound(self, host: Host, server: Server, key: str, everyone: bool) -> None:
        there = {name: value for name, value in GITEA.items() if name != "block_admin_merge_override"}
        server.protection = {**there, key: True}
        assert host.protection("main").everyone is everyone

    @pytest.mark.parametrize(
        ("contexts", "checks"),
        [
            (["validate / validate (pull_request)", "* / diff (*)"], {"validate", "diff"}),
            (["ci/build"], {"ci/build"}),
            ([], set()),
            (["*"], None),
        ],
    )
    def test_the_names_of_checks(
        self, host: Host, server: Server, contexts: list[str], checks: set[str] | None
    ) -> None:
        server.protection = {**GITEA, "enable_status_check": True, "status_check_contexts": contexts}
        assert host.protection("main").checks == checks


@pytest.mark.parametrize(
    ("pattern", "branch", "is_about"),
    [
        ("main", "main", True),
        ("main", "maintenance", False),
        ("release/*", "release/1.0", True),
        ("*", "a/b", True),
        ("release.1", "release-1", False),
    ],
)
def test_patterns(pattern: str, branch: str, is_about: bool) -> None:
    assert is_like(pattern, branch) is is_about
