"""Who owns what, and what the host is told to enforce: files of a generated repository that the host reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import yaml

from argosy.hosting import host_of
from argosy.hosting.codeowners import owners
from argosy.repository.model import Application, CiHost, Production, Repository, RevisionStyle
from argosy.schemas import bundled
from argosy.template import rendering
from argosy.template.rendering import Tree
from tests.changing import model

HOSTS = (CiHost.GITHUB, CiHost.GITLAB, CiHost.BITBUCKET)
URLS = {
    host: f"https://{name}/acme/gitops.git"
    for host, name in zip(HOSTS, ("github.com", "gitlab.com", "bitbucket.org"), strict=True)
}
PLATFORM, DEVELOPERS, PAYMENTS = "@acme/platform", "@acme/developers", "@acme/payments-team"

# What the hosts' APIs take: https://github.com/github/rest-api-description (repository-rule-*),
# https://docs.gitlab.com/api/projects/, /protected_branches/, /merge_request_approvals/, /project_push_rules/,
# https://developer.atlassian.com/cloud/bitbucket/rest/api-group-branch-restrictions/
GITHUB_RULES: Mapping[str, set[str]] = {
    "deletion": set(),
    "non_fast_forward": set(),
    "required_linear_history": set(),
    "required_signatures": set(),
    "pull_request": {
        *("dismiss_stale_reviews_on_push", "require_code_owner_review", "require_last_push_approval"),
        *("required_approving_review_count", "required_review_thread_resolution"),
    },
    "required_status_checks": {"required_status_checks", "strict_required_status_checks_policy"},
}
GITLAB_FIELDS: Mapping[str, set[str]] = {
    "project": {
        *("only_allow_merge_if_pipeline_succeeds", "allow_merge_on_skipped_pipeline", "merge_method"),
        "only_allow_merge_if_all_discussions_are_resolved",
    },
    "protected_branches": {
        *("name", "push_access_level", "merge_access_level", "unprotect_access_level", "allow_force_push"),
        "code_owner_approval_required",
    },
    "approvals": {
        *("merge_requests_author_approval", "merge_requests_disable_committers_approval", "reset_approvals_on_push"),
        "disable_overriding_approvers_per_merge_request",
    },
    "approval_rules": {"name", "rule_type", "approvals_required"},
    "push_rule": {"prevent_secrets", "deny_delete_tag", "reject_unsigned_commits"},
}
BITBUCKET_KINDS = {
    *("push", "force", "delete", "require_approvals_to_merge", "require_passing_builds_to_merge"),
    *("require_no_changes_requested", "require_tasks_to_be_completed", "reset_pullrequest_approvals_on_change"),
    "enforce_merge_checks",
}


def repository(ci: CiHost, revision: RevisionStyle = RevisionStyle.TRUNK, *, signed: bool = False) -> Repository:
    """Return a repository with an application that a team has, and one that nobody has."""
    made = model((), ("dev", "staging", "prod"), ci=ci, revision=revision)
    keys = ("0123456789ABCDEF",) if signed else ()
    settings = replace(
        made.settings,
        repo_url=URLS.get(ci, made.settings.repo_url),
        production=Production(branch_protection=True, signature_keys=keys),
    )
    form = made.settings.format
    applications = (Application("shop", form, "Payments Team"), Application("web", form))
    return replace(made, settings=settings).with_applications(applications)


@cache
def tree(ci: CiHost, revision: RevisionStyle = RevisionStyle.TRUNK, *, signed: bool = False) -> Tree:
    """Return what is laid out."""
    return rendering.render(repository(ci, revision, signed=signed))


def codeowners(ci: CiHost) -> str:
    """Return the file that the host reads first of those that are there."""
    host = host_of(URLS.get(ci, URLS[CiHost.GITHUB]), {})
    found = tree(ci)
    return next(found[place].content.decode() for place in host.codeowners if place in found)


@pytest.mark.parametrize("ci", CiHost)
class TestCodeowners:
    @pytest.mark.parametrize(
        ("path", "expected"),
        [
            ("README.md", [PLATFORM]),
            (".copier-answers.yml", [PLATFORM]),
            ("argocd/dev/shop.yaml", [PLATFORM]),
            ("argocd/install/kustomization.yaml", [PLATFORM]),
            ("platform/dev/cert-manager/values.yaml", [PLATFORM]),
            ("platform/dev/policies/namespace-shop.yaml", [PLATFORM]),
            ("protection/github-ruleset.json", [PLATFORM]),
            ("docs/runbooks/break-glass.md", [PLATFORM]),
            (".github/workflows/validate.yaml", [PLATFORM]),
            (".gitlab-ci.yml", [PLATFORM]),
            ("bitbucket-pipelines.yml", [PLATFORM]),
            ("CODEOWNERS", [PLATFORM]),
            (".bitbucket/CODEOWNERS", [PLATFORM]),
            ("applications/shop/application.yaml", [PAYMENTS]),
            ("applications/shop/charts/shop/templates/deployment.yaml", [PAYMENTS]),
            ("environments/dev/shop/values.yaml", [PAYMENTS]),
            ("environments/staging/shop/values.yaml", [PAYMENTS]),
            ("applications/web/application.yaml", [DEVELOPERS]),
            ("environments/dev/web/deployment.yaml", [DEVELOPERS]),
            ("environments/dev/environment.yaml", [DEVELOPERS]),
            ("environments/prod/web/deployment.yaml", [PLATFORM]),
            ("environments/prod/environment.yaml", [PLATFORM]),
        ],
    )
    def test_who_owns_what(self, ci: CiHost, path: str, expected: list[str]) -> None:
        assert owners(codeowners(ci), [path]) == tuple(expected)

    def test_production_is_the_platform_teams(self, ci: CiHost) -> None:
        # On GitLab each section has to approve.
        expected = (PAYMENTS, PLATFORM) if ci is CiHost.GITLAB else (PLATFORM,)
        assert owners(codeowners(ci), ["environments/prod/shop/values.yaml"]) == expected

    def test_it_lies_where_the_host_looks_and_nowhere_else(self, ci: CiHost) -> None:
        places = [path for path in tree(ci) if path.endswith("CODEOWNERS")]
        assert places == [".bitbucket/CODEOWNERS" if ci is CiHost.BITBUCKET else "CODEOWNERS"]

    def test_every_line_is_one_that_the_host_reads(self, ci: CiHost) -> None:
        for line in filter(None, codeowners(ci).splitlines()):
            if line.startswith("#"):
                # GitLab takes those who are named in a comment for owners.
                assert "@" not in line
            elif line.startswith("["):
                assert (ci, line) == (CiHost.GITLAB, "[Production]")
            else:
                pattern, *names = line.split(" ")
                assert pattern == "*" or pattern.startswith("/")
                assert not set(pattern) & set("!?[]{}\\")
                assert names
                assert all(name.startswith("@acme/") for name in names)


def test_on_gitlab_production_needs_both() -> None:
    _, production = codeowners(CiHost.GITLAB).split("[Production]\n")
    assert owners(production, ["environments/prod/shop/values.yaml"]) == (PLATFORM,)
    assert owners(production, ["environments/dev/shop/values.yaml"]) == ()


def protection(ci: CiHost, revision: RevisionStyle = RevisionStyle.TRUNK, *, signed: bool = False) -> Any:
    """Return the one file of protection/."""
    ((_, file),) = [each for each in tree(ci, revision, signed=signed).items() if each[0].startswith("protection/")]
    return json.loads(file.content)


@pytest.mark.parametrize("ci", HOSTS)
@pytest.mark.parametrize("signed", [False, True])
def test_they_are_what_validation_takes(ci: CiHost, *, signed: bool) -> None:
    schema = bundled.schema(f"protection.json#/$defs/{ci.value}")
    assert list(schema.violations(protection(ci, RevisionStyle.BRANCH, signed=signed))) == []
    assert list(schema.violations({"rules": []}))


def test_github_s_ruleset() -> None:
    ruleset = protection(CiHost.GITHUB, signed=True)
    assert ruleset.keys() == {"name", "target", "enforcement", "bypass_actors", "conditions", "rules"}
    assert (ruleset["target"], ruleset["enforcement"], ruleset["bypass_actors"]) == ("branch", "active", [])
    assert ruleset["conditions"] == {"ref_name": {"include": ["refs/heads/main"], "exclude": []}}
    for rule in ruleset["rules"]:
        assert rule.keys() <= {"type", "parameters"}
        assert rule.get("parameters", {}).keys() == GITHUB_RULES[rule["type"]]
    assert {rule["type"] for rule in ruleset["rules"]} == GITHUB_RULES.keys()
    assert "required_signatures" not in {rule["type"] for rule in protection(CiHost.GITHUB)["rules"]}


def test_the_checks_are_the_jobs_that_run_for_a_pull_request() -> None:
    jobs = set()
    for path, file in tree(CiHost.GITHUB).items():
        workflow = yaml.load(file.content, yaml.CBaseLoader) if path.startswith(".github/workflows/") else {}
        if "pull_request" in workflow.get("on", {}):
            jobs |= {job.get("name", id) for id, job in workflow["jobs"].items()}
    rules = {rule["type"]: rule.get("parameters") for rule in protection(CiHost.GITHUB)["rules"]}
    assert {check["context"] for check in rules["required_status_checks"]["required_status_checks"]} == jobs


def test_gitlab_s_settings() -> None:
    for signed in (True, False):
        found = protection(CiHost.GITLAB, signed=signed)
        assert found.keys() == GITLAB_FIELDS.keys()
        for section, fields in GITLAB_FIELDS.items():
            for each in found[section] if isinstance(found[section], list) else [found[section]]:
                assert each.keys() == fields
        assert found["push_rule"]["reject_unsigned_commits"] is signed


def test_bitbucket_s_restrictions() -> None:
    found = protection(CiHost.BITBUCKET)
    assert {each["kind"] for each in found} == BITBUCKET_KINDS
    assert len(found) == len(BITBUCKET_KINDS)
    for each in found:
        assert (each["branch_match_kind"], each["pattern"]) == ("glob", "main")
        more = {"users", "groups"} if each["kind"] == "push" else set()
        more |= {"value"} if each["kind"].startswith(("require_approvals", "require_passing")) else set()
        assert each.keys() == {"kind", "branch_match_kind", "pattern"} | more


def test_each_environment_s_branch_is_protected() -> None:
    names = ["main", "dev", "staging", "prod"]
    github = protection(CiHost.GITHUB, RevisionStyle.BRANCH)
    assert github["conditions"]["ref_name"]["include"] == [f"refs/heads/{name}" for name in names]
    gitlab = protection(CiHost.GITLAB, RevisionStyle.BRANCH)
    assert [each["name"] for each in gitlab["protected_branches"]] == names
    bitbucket = protection(CiHost.BITBUCKET, RevisionStyle.BRANCH)
    assert list(dict.fromkeys(each["pattern"] for each in bitbucket)) == names


@pytest.mark.parametrize("ci", CiHost)
def test_no_file_where_it_is_not_wanted(ci: CiHost) -> None:
    files = rendering.render(model(ci=ci), wanted=lambda path: path.startswith("protection"))
    assert not files
    assert sum(path.startswith("protection/") for path in tree(ci)) == (ci in HOSTS)
