"""GitLab: gitlab.com and self-managed.

https://docs.gitlab.com/api/merge_requests/, /api/notes/, /api/users/, /api/protected_branches/,
/api/merge_request_approvals/, /api/project_push_rules/, /api/projects/, /api/commits/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import quote

from argosy.errors import ArgosyError
from argosy.hosting.host import Comment, Host, Labelled, Proposal, Request, encoded
from argosy.hosting.protection import Protection, is_like, pipeline_check


class GitLab(Host):
    """A project on GitLab; its pull requests are merge requests."""

    kind = "gitlab"
    name = "GitLab"
    domains: ClassVar[tuple[str, ...]] = ("gitlab.com",)
    parts: ClassVar[tuple[str, ...]] = ("gitlab",)
    body_limit = 1_000_000
    title_limit = 255
    request = "merge request"
    draft_prefix = "Draft: "
    variables: ClassVar[tuple[str, ...]] = ("GITLAB_TOKEN",)
    scopes = "the scope api, and the role Developer or more"
    rights = "the scope read_api, and the role Maintainer"
    making = "the scope api, a role in the group that may create projects, and the role Maintainer in the project"
    rules_file = "protection/gitlab.json"
    codeowners: ClassVar[tuple[str, ...]] = ("CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
    advice: ClassVar[Mapping[str, str]] = {
        "source branch": "Push the branch first, and close the other merge request of that branch, if there is one.",
        "source_branch": "The branch is not on GitLab: push it first.",
        "target_branch": "There is no such branch on GitLab to merge into: push it first, or name another.",
    }

    @classmethod
    def api_of(cls, host: str, web: str) -> str:  # noqa: ARG003
        """Return the address of the API, which is below the web server's."""
        return f"{web}/api/v4"

    def current_request(self, environment: Mapping[str, str]) -> int | None:
        """Return the number (iid) of the merge request that a pipeline runs for, or None."""
        number = environment.get("CI_MERGE_REQUEST_IID", "")
        return int(number) if number.isdecimal() else None

    def protection(self, branch: str) -> Protection:
        """Return what the project enforces; approvals and push rules belong to GitLab Premium, and to maintainers."""
        doing = f"see how {branch} of {self.project} is protected"
        project = self._project
        with self._reading(doing):
            found = {
                "project": self._client.call("GET", project, doing),
                "protected_branches": list(
                    self._client.pages(f"{project}/protected_branches", doing, {"per_page": "100"})
                ),
                "approvals": self._answer(f"{project}/approvals", doing, 401, 403, 404),
                "approval_rules": self._answer(f"{project}/approval_rules", doing, 401, 403, 404),
                "push_rule": self._answer(f"{project}/push_rule", doing, 401, 403, 404),
            }
            return of_gitlab(found, branch)

    def merged_with(self, commit: str) -> Sequence[str]:
        """Return the texts of the merge requests that were merged with a commit, on whatever branch."""
        doing = f"look for the merge request of the commit {commit[:12]} in {self.project}"
        path = f"{self._project}/repository/commits/{commit}/merge_requests"
        found = self._client.pages(path, doing, {"per_page": "100"})
        with self._reading(doing):
            return [each["description"] or "" for each in found if each["state"] == "merged"]

    def _make(self, branch: str) -> None:  # noqa: ARG002 - what is pushed first becomes the default branch
        group, _, name = self.project.rpartition("/")
        doing = f"make {self.project}"
        found = self._answer(f"/namespaces/{quote(group, safe='')}", doing, 404)
        if found is None:
            raise ArgosyError(f"There is no group or user {group} on GitLab that the token may see.", "Make it first.")
        with self._reading(doing):
            body = {"name": name, "path": name, "namespace_id": found["id"], "visibility": "private"}
        self._client.call("POST", "/projects", doing, body=body)

    def _protections(self, document: Any) -> Iterator[tuple[str, str, str, Any]]:
        yield "merging", "PUT", "", document["project"]
        for rule in document["protected_branches"]:
            # A new project's default branch is protected from the first push on, and a rule cannot be made twice.
            yield rule["name"], "DELETE", f"/protected_branches/{quote(rule['name'], safe='')}", None
            yield rule["name"], "POST", "/protected_branches", rule
        yield "approvals", "POST", "/approvals", document["approvals"]
        for rule in document["approval_rules"]:
            yield "approvals", "POST", "/approval_rules", rule
        yield "pushes", "POST", "/push_rule", document["push_rule"]

    def _find(self, proposal: Proposal) -> Request | None:
        doing = f"list the merge requests of {self.project}"
        branches = {"source_branch": proposal.branch, "target_branch": proposal.base}
        query = {"state": "opened", **branches, "per_page": "100"}
        for found in self._client.pages(self._path, doing, query):
            with self._reading(doing):
                if found["source_project_id"] == found["target_project_id"]:
                    return _request(found)
        return None

    def _create(self, proposal: Proposal) -> Request:
        doing = f"open a merge request for {proposal.branch} in {self.project}"
        branches = {"source_branch": proposal.branch, "target_branch": proposal.base}
        made = self._client.call("POST", self._path, doing, body={**branches, **self._content(proposal)})
        with self._reading(doing):
            return _request(made)

    def _update(self, request: Request, proposal: Proposal) -> Request:
        return self._put(request, self._content(proposal))

    def _content(self, proposal: Proposal) -> Mapping[str, str]:
        return {"title": proposal.title, "description": proposal.body}

    def _add_labels(self, request: Request, labels: Sequence[str]) -> Iterable[str]:
        self._put(request, {"add_labels": ",".join(labels)})
        return ()

    def _labelled(self, label: str, doing: str) -> Iterator[Labelled]:
        query = {"state": "opened", "labels": label, "per_page": "100"}
        for found in self._client.pages(self._path, doing, query):
            yield Labelled(found["iid"], found["web_url"], datetime.fromisoformat(found["updated_at"]))

    def _remove_label(self, number: int, label: str, doing: str) -> None:
        self._client.call("PUT", f"{self._path}/{number}", doing, body={"remove_labels": label})

    def _add_reviewers(self, request: Request, proposal: Proposal, names: Sequence[str]) -> Iterator[str]:  # noqa: ARG002
        identities = {}
        for name in names:
            identity = None if "/" in name else self._identity(name)
            if identity is None:
                yield f"@{name} was not asked for a review, not being a user: GitLab cannot ask groups."
            else:
                identities[name] = identity
        if not identities:
            return
        before = list(request.reviewers.values())
        asked = self._put(request, {"reviewer_ids": list(dict.fromkeys([*before, *identities.values()]))})
        for name in identities:
            if name.casefold() not in asked.reviewers:
                yield f"@{name} was not asked for a review: the project's plan or members do not allow it."

    def _identity(self, name: str) -> int | None:
        doing = f"look for the user {name}"
        found = self._client.call("GET", "/users", doing, query={"username": name})
        with self._reading(doing):
            return next((int(user["id"]) for user in found), None)

    def _put(self, request: Request, body: Mapping[str, object]) -> Request:
        doing = f"update the merge request {request.number} of {self.project}"
        made = self._client.call("PUT", f"{self._path}/{request.number}", doing, body=body)
        with self._reading(doing):
            return _request(made)

    def _comments(self, number: int) -> Iterator[Comment]:
        doing = f"read the comments on the merge request {number} of {self.project}"
        for note in self._client.pages(f"{self._path}/{number}/notes", doing, {"per_page": "100"}):
            with self._reading(doing):
                read = self._comment(number, note)
            yield read

    @cached_property
    def _owner(self) -> str:
        doing = "see whose the token is"
        with self._reading(doing):
            return str(self._client.call("GET", "/user", doing)["username"])

    def _add_comment(self, number: int, text: str) -> Comment:
        doing = f"comment on the merge request {number} of {self.project}"
        made = self._client.call("POST", f"{self._path}/{number}/notes", doing, body={"body": text})
        with self._reading(doing):
            return self._comment(number, made)

    def _edit_comment(self, number: int, comment: Comment, text: str) -> Comment:
        doing = f"update a comment on the merge request {number} of {self.project}"
        path = f"{self._path}/{number}/notes/{comment.id}"
        made = self._client.call("PUT", path, doing, body={"body": text})
        with self._reading(doing):
            return self._comment(number, made)

    def _comment(self, number: int, note: Mapping[str, Any]) -> Comment:
        url = f"{self.web}/{self.project}/-/merge_requests/{number}#note_{note['id']}"
        return Comment(note["id"], note["body"], url, (note["author"] or {}).get("username", ""))

    def _page(self, proposal: Proposal) -> str:
        content = {"source_branch": proposal.branch, "target_branch": proposal.base, **self._content(proposal)}
        query = {f"merge_request[{key}]": value for key, value in content.items()}
        return f"{self.web}/{self.project}/-/merge_requests/new?{encoded(query)}"

    @property
    def _project(self) -> str:
        return f"/projects/{quote(self.project, safe='')}"

    @property
    def _path(self) -> str:
        return f"{self._project}/merge_requests"


def _request(found: Mapping[str, Any]) -> Request:
    reviewers = {user["username"].casefold(): user["id"] for user in found.get("reviewers") or ()}
    return Request(found["iid"], found["web_url"], (found["author"] or {}).get("username", ""), reviewers)


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
        everyone=True,
        checks=pipeline_check(project.get("only_allow_merge_if_pipeline_succeeds")),
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
