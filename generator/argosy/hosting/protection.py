"""How a branch is protected, in the same words for every host: what is asked for, what is there, what is missing."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

PIPELINE = "the pipeline"
"""The one check of hosts that do not name checks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """What a host enforces on a branch; None: the host has no such rule, or does not say."""

    pull_request: bool | None = False
    approvals: int | None = 0
    code_owners: bool | None = False
    fresh_approvals: bool | None = False
    """Whether a push takes approvals back."""
    enforced: bool | None = False
    """Whether a pull request that lacks something cannot be merged, rather than shows it."""
    checks: frozenset[str] | None = frozenset()
    no_force_push: bool | None = False
    no_deletion: bool | None = False
    linear: bool | None = False
    signed: bool | None = False

    def __or__(self, other: Protection) -> Protection:
        """Return what two rules enforce together."""
        return Protection(
            **{each.name: _stricter(getattr(self, each.name), getattr(other, each.name)) for each in fields(Protection)}
        )

    def is_any(self) -> bool:
        """Return whether anything is enforced, or may be."""
        return any(
            getattr(self, each.name) not in (False, 0, frozenset()) for each in fields(self) if each.name != "enforced"
        )

    def perhaps(self) -> Protection:
        """Return the same where other rules may be that are not seen: what is missing is not known to be missing."""
        return replace(self, **{each.name: getattr(self, each.name) or None for each in fields(Protection)})


def _stricter(one: Any, other: Any) -> Any:
    if one is None or other is None:
        return one or other or None
    return one | other if isinstance(one, frozenset) else max(one, other)


_WORDS: Mapping[str, tuple[str, str]] = {
    "pull_request": ("changes come without a pull request", "whether changes need a pull request"),
    "approvals": ("too few have to approve", "how many have to approve"),
    "code_owners": ("code owners need not approve", "whether code owners have to approve"),
    "fresh_approvals": ("approvals outlast a push", "whether a push takes approvals back"),
    "enforced": ("what a pull request lacks is shown, but it can be merged", "whether checks of a merge are enforced"),
    "checks": ("checks need not pass", "which checks have to pass"),
    "no_force_push": ("force push is allowed", "whether force push is denied"),
    "no_deletion": ("it can be deleted", "whether it can be deleted"),
    "linear": ("history need not be linear", "whether history has to be linear"),
    "signed": ("commits need not be signed", "whether commits have to be signed"),
}
"""Of each rule: what it means that it is missing, and what is unknown where the host does not say."""


def missing(wanted: Protection, found: Protection) -> tuple[list[str], list[str]]:
    """Return what is missing, and what the host does not say, of what is wanted; each as part of a sentence."""
    lacks, untold = [], []
    for name, (is_missing, is_unknown) in _WORDS.items():
        want, have = getattr(wanted, name), getattr(found, name)
        if not want:
            continue
        if have is None:
            untold.append(is_unknown)
        elif isinstance(want, frozenset):
            if rest := sorted(want - have):
                lacks.append(f"{is_missing} ({', '.join(rest)})")
        elif have < want:
            lacks.append(f"{is_missing} ({have} of {want})" if name == "approvals" else is_missing)
    return lacks, untold


def of_github(rules: Iterable[Mapping[str, Any]]) -> Protection:
    """Return what the rules of rulesets enforce, as GitHub's API writes them.

    https://docs.github.com/rest/repos/rules
    """
    found = Protection(enforced=True)
    for rule in rules:
        given = rule.get("parameters") or {}
        match rule["type"]:
            case "pull_request":
                found |= Protection(
                    pull_request=True,
                    approvals=int(given.get("required_approving_review_count", 0)),
                    code_owners=bool(given.get("require_code_owner_review")),
                    fresh_approvals=bool(given.get("dismiss_stale_reviews_on_push")),
                )
            case "required_status_checks":
                found |= Protection(checks=frozenset(each["context"] for each in given["required_status_checks"]))
            case "non_fast_forward":
                found |= Protection(no_force_push=True)
            case "deletion":
                found |= Protection(no_deletion=True)
            case "required_linear_history":
                found |= Protection(linear=True)
            case "required_signatures":
                found |= Protection(signed=True)
    return found


def of_github_branch(document: Mapping[str, Any]) -> Protection:
    """Return what a branch protection enforces, GitHub's older kind of rule.

    https://docs.github.com/rest/branches/branch-protection
    """

    def on(key: str) -> bool:
        return bool((document.get(key) or {}).get("enabled"))

    reviews = document.get("required_pull_request_reviews")
    given = reviews or {}
    return Protection(
        pull_request=reviews is not None,
        approvals=int(given.get("required_approving_review_count", 0)),
        code_owners=bool(given.get("require_code_owner_reviews")),
        fresh_approvals=bool(given.get("dismiss_stale_reviews")),
        enforced=True,
        checks=frozenset((document.get("required_status_checks") or {}).get("contexts") or ()),
        no_force_push=not on("allow_force_pushes"),
        no_deletion=not on("allow_deletions"),
        linear=on("required_linear_history"),
        signed=on("required_signatures"),
    )


def of_gitlab(document: Mapping[str, Any], branch: str) -> Protection:
    """Return what a project's settings enforce: an object of what GitLab's API has, None what it does not say.

    `project`, `protected_branches`, `approvals`, `approval_rules` and `push_rule`, as in protection/gitlab.json and
    as https://docs.gitlab.com/api/protected_branches/ and the pages beside it have them.
    """
    rules = [each for each in document["protected_branches"] if is_like(each["name"], branch)]
    project, pushed = document["project"], document["push_rule"]
    approvals, needed = document["approvals"], document["approval_rules"]
    return Protection(
        pull_request=bool(rules) and all(_nobody_pushes(each) for each in rules),
        approvals=None if needed is None else _approvals(needed, branch),
        code_owners=any(each.get("code_owner_approval_required") for each in rules),
        fresh_approvals=None if approvals is None else bool(approvals.get("reset_approvals_on_push")),
        enforced=True,
        checks=_pipeline(project.get("only_allow_merge_if_pipeline_succeeds")),
        no_force_push=bool(rules) and not any(each.get("allow_force_push") for each in rules),
        no_deletion=bool(rules),
        linear=None if "merge_method" not in project else project["merge_method"] == "ff",
        signed=None if pushed is None else bool(pushed.get("reject_unsigned_commits")),
    )


def _nobody_pushes(rule: Mapping[str, Any]) -> bool:
    # Written as a level, and returned as a list of levels, users, groups and deploy keys.
    if "push_access_level" in rule:
        return bool(rule["push_access_level"] == 0)
    levels = rule["push_access_levels"]
    others = ("user_id", "group_id", "deploy_key_id")
    return all(each.get("access_level") == 0 and not any(each.get(key) for key in others) for each in levels)


def _approvals(rules: Iterable[Mapping[str, Any]], branch: str) -> int:
    def is_about(rule: Mapping[str, Any]) -> bool:
        named = rule.get("protected_branches") or ()
        return not named or any(is_like(each["name"], branch) for each in named)

    counts = (int(each["approvals_required"]) for each in rules if is_about(each))
    return max(counts, default=0)


def _pipeline(succeeds: bool | None) -> frozenset[str] | None:
    if succeeds is None:
        return None
    return frozenset({PIPELINE}) if succeeds else frozenset()


def of_bitbucket(restrictions: Collection[Mapping[str, Any]], branch: str) -> Protection:
    """Return what branch restrictions enforce; Bitbucket has none of code owners, linear history and signatures.

    https://developer.atlassian.com/cloud/bitbucket/rest/api-group-branch-restrictions/
    """
    about = {
        each["kind"]: each
        for each in restrictions
        if each.get("branch_match_kind", "glob") == "glob" and is_like(each["pattern"], branch)
    }

    def value(kind: str) -> int:
        return int((about.get(kind) or {}).get("value") or 0)

    push = about.get("push")
    found = Protection(
        pull_request=push is not None and not push.get("users") and not push.get("groups"),
        approvals=value("require_approvals_to_merge"),
        code_owners=None,
        fresh_approvals=bool(
            about.keys() & {"reset_pullrequest_approvals_on_change", "smart_reset_pullrequest_approvals"}
        ),
        enforced="enforce_merge_checks" in about,
        checks=_pipeline(value("require_passing_builds_to_merge") > 0),
        no_force_push="force" in about,
        no_deletion="delete" in about,
        linear=None,
        signed=None,
    )
    # Which branches the others are about, the branching model says.
    is_plain = all(each.get("branch_match_kind", "glob") == "glob" for each in restrictions)
    return found if is_plain else found.perhaps()


def of_gitea(document: Mapping[str, Any]) -> Protection:
    """Return what a branch protection of Gitea or Forgejo enforces; neither has a rule for linear history.

    https://docs.gitea.com/api, `BranchProtection`; older versions leave out what they do not have.
    """

    def setting(key: str) -> bool | None:
        return bool(document[key]) if key in document else None

    who = ("push_whitelist_usernames", "push_whitelist_teams", "push_whitelist_deploy_keys")
    listed = document.get("enable_push_whitelist") and not any(document.get(key) for key in who)
    may_push = document["enable_push"] and not listed
    return Protection(
        pull_request=not may_push,
        approvals=int(document["required_approvals"]),
        code_owners=setting("block_on_codeowner_reviews"),
        fresh_approvals=setting("dismiss_stale_approvals"),
        enforced=True,
        # Their names are patterns, and have the workflow's name in front.
        checks=None if document["enable_status_check"] else frozenset(),
        no_force_push=not document.get("enable_force_push", False),
        no_deletion=True,
        linear=None,
        signed=setting("require_signed_commits"),
    )


def is_like(pattern: str, branch: str) -> bool:
    """Return whether a rule is about a branch: `*` matches any text, slashes too."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), branch) is not None
