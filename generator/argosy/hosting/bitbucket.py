"""Bitbucket Cloud.

https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pullrequests/, api-group-workspaces/,
api-group-branch-restrictions/
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import quote

from argosy.errors import UsageError
from argosy.hosting.host import Comment, Host, Labelled, Proposal, Request, encoded
from argosy.hosting.protection import Protection, is_like, pipeline_check

_FENCED = re.compile(r"^(?P<fence>`{3,}|~{3,}).*?(?:^(?P=fence)[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_HIDDEN = re.compile(r"<!--.*?-->\n?", re.DOTALL)


class Bitbucket(Host):
    """A repository on Bitbucket Cloud."""

    kind = "bitbucket"
    name = "Bitbucket"
    domains: ClassVar[tuple[str, ...]] = ("bitbucket.org",)
    token_user = "x-token-auth"
    body_limit = 32_768 - 256
    title_limit = 255
    variables: ClassVar[tuple[str, ...]] = ("BITBUCKET_TOKEN",)
    scopes = (
        "pullrequest:write, and account to find reviewers "
        "(an access token, or, for an API token, your e-mail address, a colon and the token)"
    )
    rights = "repository:admin (an access token), or admin:repository:bitbucket (an API token, after e-mail and colon)"
    making = "repository:admin (an access token of the workspace), or admin:repository:bitbucket (an API token)"
    rules_file = "protection/bitbucket.json"
    codeowners: ClassVar[tuple[str, ...]] = (".bitbucket/CODEOWNERS", "CODEOWNERS")
    advice: ClassVar[Mapping[str, str]] = {
        "no changes to be pulled": "The branch has no commits that its base lacks. Push the branch first.",
        "branch not found": "The branch is not on Bitbucket: push it first.",
    }

    @classmethod
    def api_of(cls, host: str, web: str) -> str:  # noqa: ARG003
        """Return the address of the API; raise UsageError for another host than Bitbucket Cloud."""
        if not cls.is_shared(host):
            raise UsageError(
                f"The remote is on {host}, and Bitbucket Cloud is bitbucket.org.",
                "Correct the remote's URL, or the kind of host. "
                "To use it all the same, set ARGOSY_HOST_API in the environment.",
            )
        return "https://api.bitbucket.org/2.0"

    def current_request(self, environment: Mapping[str, str]) -> int | None:
        """Return the number of the pull request that a pipeline runs for, or None."""
        number = environment.get("BITBUCKET_PR_ID", "")
        return int(number) if number.isdecimal() else None

    def protection(self, branch: str) -> Protection:
        """Return what the branch restrictions enforce, which administrators alone see."""
        doing = f"see how {branch} of {self.project} is protected"
        path = f"{self._project}/branch-restrictions"
        with self._reading(doing):
            return of_bitbucket(list(self._client.pages(path, doing, {"pagelen": "100"})), branch)

    def _authorization(self, token: str) -> str:
        if ":" in token:
            return f"Basic {base64.b64encode(token.encode()).decode()}"
        return f"Bearer {token}"

    def _hidden(self, marker: str) -> str:
        # Bitbucket shows HTML comments; a link's definition that nobody uses is shown nowhere.
        return f"[//]: # ({marker})"

    def merged_with(self, commit: str) -> Sequence[str]:
        """Return the texts of the merged pull requests of a commit, where the app of these links is installed.

        As long as Bitbucket looks for them, and without the app, there are none.
        """
        doing = f"look for the pull request of the commit {commit[:12]} in {self.project}"
        found = self._answer(f"{self._project}/commit/{commit}/pullrequests", doing, 404)
        with self._reading(doing):
            numbers = [each["id"] for each in (found or {}).get("values", ())]
            whole = [self._client.call("GET", f"{self._path}/{each}", doing) for each in numbers]
            return [each["description"] or "" for each in whole if each["state"] == "MERGED"]

    def _make(self, branch: str) -> None:  # noqa: ARG002 - what is pushed first becomes the main branch
        body = {"scm": "git", "is_private": True}
        self._client.call("POST", self._project, f"make {self.project}", body=body)

    def _protections(self, document: Any) -> Iterator[tuple[str, str, str, Any]]:
        for restriction in document:
            yield restriction["pattern"], "POST", "/branch-restrictions", restriction

    def _find(self, proposal: Proposal) -> Request | None:
        doing = f"list the pull requests of {self.project}"
        # JSON's strings are written as the query language's.
        source, base = json.dumps(proposal.branch), json.dumps(proposal.base)
        asked = f'state="OPEN" AND source.branch.name={source} AND destination.branch.name={base}'
        for found in self._client.pages(self._path, doing, {"q": asked, "pagelen": "50"}):
            with self._reading(doing):
                # A fork that was deleted is null.
                if (found["source"]["repository"] or {}).get("uuid") == found["destination"]["repository"]["uuid"]:
                    return self._get(found["id"])
        return None

    def _get(self, number: int) -> Request:
        # The list leaves the reviewers out.
        doing = f"read the pull request {number} of {self.project}"
        found = self._client.call("GET", f"{self._path}/{number}", doing)
        with self._reading(doing):
            return _request(found)

    def _create(self, proposal: Proposal) -> Request:
        doing = f"open a pull request for {proposal.branch} in {self.project}"
        branches = {
            "source": {"branch": {"name": proposal.branch}},
            "destination": {"branch": {"name": proposal.base}},
        }
        draft = {"draft": True} if proposal.draft else {}
        made = self._client.call("POST", self._path, doing, body={**_content(proposal), **branches, **draft})
        with self._reading(doing):
            return _request(made)

    def _update(self, request: Request, proposal: Proposal) -> Request:
        return self._put(request, proposal, ())

    def _put(self, request: Request, proposal: Proposal, new: Sequence[str]) -> Request:
        doing = f"update the pull request {request.number} of {self.project}"
        # Reviewers that are not named are taken away.
        reviewers = [{"uuid": uuid} for uuid in dict.fromkeys([*request.reviewers.values(), *new])]
        body = {**_content(proposal), "reviewers": reviewers}
        made = self._client.call("PUT", f"{self._path}/{request.number}", doing, body=body)
        with self._reading(doing):
            return _request(made)

    def _add_labels(self, request: Request, labels: Sequence[str]) -> Iterable[str]:  # noqa: ARG002
        return (f"The labels {', '.join(labels)} were left out: Bitbucket has none.",)

    def _labelled(self, label: str, doing: str) -> Iterator[Labelled]:  # noqa: ARG002
        raise UsageError(f"Bitbucket has no labels, so no pull request of {self.project} has one.")

    def _remove_label(self, number: int, label: str, doing: str) -> None: ...

    def _add_reviewers(self, request: Request, proposal: Proposal, names: Sequence[str]) -> Iterator[str]:
        members = self._members(names)
        unknown = [name for name in names if name.casefold() not in members]
        yield from (f"@{name} was not asked for a review, not being a member of the workspace." for name in unknown)
        known = [name for name in names if name not in unknown]

        def ask(some: Sequence[str]) -> Request:
            return self._put(request, proposal, [members[name.casefold()] for name in some])

        if known:
            yield from self._asked(known, ask)

    def _members(self, names: Sequence[str]) -> Mapping[str, str]:
        """Return the UUIDs of a workspace's members by each of their names that is asked for."""
        workspace = self.project.split("/")[0]
        doing = f"list the members of {workspace}"
        wanted = {name.casefold() for name in names}
        members: dict[str, str] = {}
        for member in self._client.pages(f"/workspaces/{quote(workspace)}/members", doing, {"pagelen": "100"}):
            with self._reading(doing):
                user = member["user"]
                called = {str(user.get(key)).casefold() for key in ("nickname", "display_name", "account_id", "uuid")}
                members |= dict.fromkeys(called & wanted, user["uuid"])
        return members

    def _comments(self, number: int) -> Iterator[Comment]:
        doing = f"read the comments on the pull request {number} of {self.project}"
        for comment in self._client.pages(f"{self._path}/{number}/comments", doing, {"pagelen": "100"}):
            with self._reading(doing):
                read = None if comment.get("deleted") else _comment(comment)
            if read:
                yield read

    def _is_own(self, comment: Comment) -> bool:
        # A repository's access token is not told whose it is; nobody may edit what somebody else wrote.
        return not self._owner or comment.author == self._owner

    @cached_property
    def _owner(self) -> str:
        doing = "see whose the token is"
        with self._reading(doing):
            return str((self._answer("/user", doing, 401, 403, 404) or {"uuid": ""})["uuid"])

    def _add_comment(self, number: int, text: str) -> Comment:
        return self._write_comment("POST", number, "", text)

    def _edit_comment(self, number: int, comment: Comment, text: str) -> Comment:
        return self._write_comment("PUT", number, f"/{comment.id}", text)

    def _write_comment(self, method: str, number: int, end: str, text: str) -> Comment:
        doing = f"comment on the pull request {number} of {self.project}"
        body = {"content": {"raw": _shown(text)}}
        made = self._client.call(method, f"{self._path}/{number}/comments{end}", doing, body=body)
        with self._reading(doing):
            return _comment(made)

    def _page(self, proposal: Proposal) -> str:
        query = {"source": proposal.branch, "dest": proposal.base}
        return f"{self.web}/{self.project}/pull-requests/new?{encoded(query)}"

    @property
    def _project(self) -> str:
        return f"/repositories/{quote(self.project)}"

    @property
    def _path(self) -> str:
        return f"{self._project}/pullrequests"


def _content(proposal: Proposal) -> Mapping[str, str]:
    return {"title": proposal.title, "description": _shown(proposal.body)}


def _shown(markdown: str) -> str:
    """Return Markdown without the HTML that Bitbucket would show as text, outside of code."""
    parts, end = [], 0
    for fenced in _FENCED.finditer(markdown):
        parts += [_without_html(markdown[end : fenced.start()]), fenced.group()]
        end = fenced.end()
    return "".join([*parts, _without_html(markdown[end:])])


def _without_html(markdown: str) -> str:
    text = _HIDDEN.sub("", markdown)
    text = re.sub(r"<summary>(.*?)</summary>", r"**\1**", text, flags=re.DOTALL)
    return re.sub(r"</?details(?: open)?>\n?", "", text)


def _request(found: Mapping[str, Any]) -> Request:
    reviewers = {str(user.get("nickname", user["uuid"])).casefold(): user["uuid"] for user in found["reviewers"]}
    author = str((found["author"] or {}).get("nickname", ""))
    return Request(found["id"], found["links"]["html"]["href"], author, reviewers)


def _comment(found: Mapping[str, Any]) -> Comment:
    author = str((found["user"] or {}).get("uuid", ""))
    return Comment(found["id"], found["content"]["raw"], found["links"]["html"]["href"], author)


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
        everyone=True,
        checks=pipeline_check(value("require_passing_builds_to_merge") > 0),
        no_force_push="force" in about,
        no_deletion="delete" in about,
        linear=None,
        signed=None,
    )
    # Which branches the others are about, the branching model says.
    is_plain = all(each.get("branch_match_kind", "glob") == "glob" for each in restrictions)
    return found if is_plain else found.perhaps()
