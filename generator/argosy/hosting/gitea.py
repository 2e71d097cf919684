"""Gitea and Forgejo, whose API follows GitHub's; here is what differs.

https://docs.gitea.com/api, https://codeberg.org/api/swagger
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import quote

from argosy.hosting.github import GitHub, of_github, request_of
from argosy.hosting.host import Comment, Proposal, Request, encoded
from argosy.hosting.protection import Protection

_COLOUR = "#0e8a16"
_CHECK = re.compile(r".* / (.+) \(.*\)")
"""What a job is called among the checks, between the workflow's name and the event; it may be a pattern."""


class Gitea(GitHub):
    """A repository on Gitea or Forgejo."""

    kind = "gitea"
    name = "Gitea"
    domains: ClassVar[tuple[str, ...]] = ("codeberg.org",)
    parts: ClassVar[tuple[str, ...]] = ("gitea", "forgejo")
    body_limit = 65_535 - 256
    # In bytes: where a title has more, Gitea cuts it as wide as it is shown, and older versions after 252 bytes.
    title_limit = 255
    draft_prefix = "WIP: "
    variables: ClassVar[tuple[str, ...]] = ("GITEA_TOKEN", "FORGEJO_TOKEN")
    scopes = "the scopes write:repository, write:issue and read:user"
    rights = "the scope read:repository, of an administrator of the repository"
    making = "the scopes write:repository, read:user, and write:organization, or write:user for a repository of its own"
    codeowners: ClassVar[tuple[str, ...]] = (
        "CODEOWNERS",
        "docs/CODEOWNERS",
        ".gitea/CODEOWNERS",
        ".forgejo/CODEOWNERS",
    )
    headers: ClassVar[Mapping[str, str]] = {}
    advice: ClassVar[Mapping[str, str]] = {}
    page_size: ClassVar[Mapping[str, str]] = {"limit": "50"}
    without: ClassVar[frozenset[str]] = frozenset({"code_owners", "linear"})

    @classmethod
    def is_shared(cls, host: str) -> bool:
        """Return whether it is Codeberg."""
        return host.split(":", maxsplit=1)[0] in cls.domains

    @classmethod
    def api_of(cls, host: str, web: str) -> str:  # noqa: ARG003
        """Return the address of the API, which is below the web server's."""
        return f"{web}/api/v1"

    def protection(self, branch: str) -> Protection:
        """Return what the branch protection enforces, which administrators alone see in full."""
        doing = f"see how {branch} of {self.project} is protected"
        with self._reading(doing):
            there = self._branch(branch, doing)
            if not there["protected"]:
                return Protection()
            rule = quote(there.get("effective_branch_protection_name") or branch, safe="")
            found = self._answer(f"{self._project}/branch_protections/{rule}", doing, 403, 404)
            return Protection(approvals=there["required_approvals"]).perhaps() if found is None else of_gitea(found)

    def merged_with(self, commit: str) -> Sequence[str]:
        """Return the text of the pull request that was merged with a commit, on whatever branch."""
        doing = self._looking_for(commit)
        found = self._answer(f"{self._project}/commits/{commit}/pull", doing, 404)
        with self._reading(doing):
            return [found["body"]] if found and found["merged"] else []

    def _is_own(self, comment: Comment) -> bool:
        # Whoever may write may edit everyone's comments, so that a refusal tells nothing apart.
        if not self._owner:
            self._unclaimed.append(comment)
        return comment.author == self._owner

    @cached_property
    def _unclaimed(self) -> list[Comment]:
        """The comments of which a token without the scope read:user does not tell whether they are its owner's."""
        return []

    def _add_comment(self, number: int, text: str) -> Comment:
        # A comment that is made says whose the token is: then it gives way to an earlier one of the same person.
        made = super()._add_comment(number, text)
        earlier = next((each for each in self._unclaimed if each.author == made.author), None)
        if earlier is None:
            return made
        kept = self._edit_comment(number, earlier, text)
        doing = f"delete the second comment on the pull request {number} of {self.project}"
        self._client.call("DELETE", f"{self._project}/issues/comments/{made.id}", doing)
        return kept

    def _authorization(self, token: str) -> str:
        return f"token {token}"

    def _new(self, name: str, branch: str) -> Mapping[str, Any]:
        return {"name": name, "private": True, "default_branch": branch}

    def _protections(self, document: Any) -> Iterator[tuple[str, str, str, Any]]:
        wanted = of_github(document["rules"], {0: not document["bypass_actors"]})
        for reference in document["conditions"]["ref_name"]["include"]:
            name = reference.removeprefix("refs/heads/")
            yield name, "POST", "/branch_protections", {"rule_name": name, **_rule(wanted)}

    def request_to_protect(self, branch: str, wanted: Protection, *, again: bool) -> str:
        """Return the command by which an administrator has a branch protected as wanted, `again` if it is already."""
        rules = f"{self.api}{self._project}/branch_protections"
        body = _rule(wanted)
        where = f"{rules}/{quote(branch, safe='')}" if again else rules
        sent = json.dumps(body if again else {"rule_name": branch, **body})
        method = "PATCH" if again else "POST"
        return (
            f'curl --fail-with-body --header "Authorization: token $ARGOSY_TOKEN" --request {method} '
            f"--json {shlex.quote(sent)} {shlex.quote(where)}"
        )

    def _branch(self, name: str, doing: str) -> Any:
        from argosy.hosting.client import RefusedError  # noqa: PLC0415

        try:
            return self._client.call("GET", f"{self._project}/branches/{quote(name, safe='')}", doing)
        except RefusedError as error:
            self._refuse_absent(error, f"branch {name}", f"Push {name} first.")
            raise

    def _length(self, title: str) -> int:
        return len(title.encode())

    def _find(self, proposal: Proposal) -> Request | None:
        # The list leaves out which teams were asked for a review.
        found = super()._find(proposal)
        return found and self._get(found.number, f"read the pull request {found.number} of {self.project}")

    def _get(self, number: int, doing: str) -> Request:
        found = self._client.call("GET", f"{self._project}/pulls/{number}", doing)
        with self._reading(doing):
            return request_of(found)

    def _create(self, proposal: Proposal) -> Request:
        from argosy.hosting.client import RefusedError  # noqa: PLC0415

        try:
            return super()._create(proposal)
        except RefusedError as error:
            # It does not say which of the two branches is not there.
            for name in (proposal.branch, proposal.base) if error.status == 404 else ():
                self._branch(name, f"look for the branch {name} of {self.project}")
            raise

    def _comments(self, number: int) -> Iterator[Comment]:
        # Of a pull request that is not there, the comments' list answers as if the host had failed.
        self._get(number, f"find the pull request {number} of {self.project}")
        return super()._comments(number)

    def _open_ones(self, proposal: Proposal) -> Mapping[str, str]:  # noqa: ARG002
        # The list cannot be narrowed down to a branch; it is read whole.
        return {"state": "open", **self.page_size}

    def _draft(self, proposal: Proposal) -> Mapping[str, bool]:  # noqa: ARG002
        return {}

    def _add_labels(self, request: Request, labels: Sequence[str]) -> Iterable[str]:
        # By their names, those of the organization are found too. A name that is none is passed over.
        there = self._post_labels(request, labels)
        made = [self._made_label(name) for name in labels if name not in there]
        if made:
            self._post_labels(request, made)
        return ()

    def _remove_label(self, number: int, label: str, doing: str) -> None:
        # A label is told by its number there.
        path = f"{self._project}/issues/{number}/labels"
        there = self._client.call("GET", path, doing)
        with self._reading(doing):
            identities = [int(each["id"]) for each in there if each["name"] == label]
        for each in identities:
            self._client.call("DELETE", f"{path}/{each}", doing)

    def _made_label(self, name: str) -> int:
        doing = f"make the label {name}"
        body = {"name": name, "color": _COLOUR}
        made = self._client.call("POST", f"{self._project}/labels", doing, body=body)
        with self._reading(doing):
            return int(made["id"])

    def _page(self, proposal: Proposal) -> str:
        query = {"expand": "1", **self._content(proposal)}
        return f"{self.web}/{self.project}/compare/{quote(proposal.base)}...{quote(proposal.branch)}?{encoded(query)}"


def _rule(wanted: Protection) -> Mapping[str, object]:
    return {
        "enable_push": not wanted.pull_request,
        "required_approvals": wanted.approvals or 0,
        "dismiss_stale_approvals": bool(wanted.fresh_approvals),
        "enable_force_push": not wanted.no_force_push,
        "require_signed_commits": bool(wanted.signed),
        "enable_status_check": bool(wanted.checks),
        "status_check_contexts": [f"* / {each} (*)" for each in sorted(wanted.checks or ())],
        "block_admin_merge_override": bool(wanted.everyone),
        "apply_to_admins": bool(wanted.everyone),
    }


def of_gitea(document: Mapping[str, Any]) -> Protection:
    """Return what a branch protection of Gitea or Forgejo enforces; see `Gitea.without` for what neither has.

    https://docs.gitea.com/api, `BranchProtection`; older versions leave out what they do not have.
    """

    def setting(key: str) -> bool | None:
        return bool(document[key]) if key in document else None

    contexts = document.get("status_check_contexts") or []
    named = frozenset(match[1] if (match := _CHECK.fullmatch(each)) else each for each in contexts)
    who = ("push_whitelist_usernames", "push_whitelist_teams", "push_whitelist_deploy_keys")
    listed = document.get("enable_push_whitelist") and not any(document.get(key) for key in who)
    may_push = document["enable_push"] and not listed
    return Protection(
        pull_request=not may_push,
        approvals=int(document["required_approvals"]),
        code_owners=None,
        fresh_approvals=setting("dismiss_stale_approvals"),
        enforced=True,
        # Gitea's name for it, and Forgejo's. Where there is neither, administrators merge what they like.
        everyone=bool(document.get("block_admin_merge_override") or document.get("apply_to_admins")),
        checks=(None if named & {"*", "**"} else named) if document["enable_status_check"] else frozenset(),
        no_force_push=not document.get("enable_force_push", False),
        no_deletion=True,
        linear=None,
        signed=setting("require_signed_commits"),
    )
