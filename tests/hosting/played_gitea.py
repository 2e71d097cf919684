"""Gitea, as it is played: what differs from GitHub."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import ClassVar
from urllib.parse import unquote

from tests.hosting.dialect import Answer, Handler, Misuse, Page, PullRequest, Refusal, checked
from tests.hosting.played_github import GitHubDialect


class GiteaDialect(GitHubDialect):
    """Gitea and Forgejo."""

    prefix = "/api/v1"
    size = "limit"
    largest = 50
    title, body = 10_000, 65_535
    edited = 201

    def authorizations(self) -> set[str]:
        return {f"token {self.server.token}"}

    def error(self, status: int) -> object:
        says = {
            401: "user does not exist [uid: 0, name: ]",
            403: "token does not have at least one of required scope(s), required=[write:issue]",
            404: "not found",
            500: "",  # Only administrators of the site are told more.
        }
        told = {"message": says.get(status, HTTPStatus(status).phrase), "url": "https://gitea.example/api/swagger"}
        return {**told, "errors": None} if status == 404 else told

    def exists(self) -> Answer:
        told = "pull request already exists for these targets [id: 1, issue_id: 1, head_repo_id: 7, base_repo_id: 7]"
        return 409, {"message": told, "url": "https://gitea.example/api/swagger"}

    def no_branch(self) -> Answer:
        return 404, self.error(404)

    def no_collaborator(self) -> Answer:
        return 404, {"message": "User 'nobody' not exist", "url": "https://gitea.example/api/swagger", "errors": None}

    def routes(self) -> Mapping[str, Handler]:
        at = re.escape(f"/repos/{self.server.project}")
        own: dict[str, Handler] = {
            f"POST {at}/labels": self.make_label,
            f"GET {at}/commits/(\\w+)/pull": self.pull_of,
            f"GET {at}/pulls/(\\d+)": lambda number: (200, self.whole(self.find(number))),
            f"GET {at}/issues/(\\d+)/labels": lambda number: (200, self.pull(self.find(number))["labels"]),
            f"DELETE {at}/issues/(\\d+)/labels/(\\d+)": self.unlabel_by_number,
            f"GET {at}/issues/(\\d+)/comments": self.comments,
            f"DELETE {at}/issues/comments/(\\d+)": self.delete_comment,
        }
        github = {key: each for key, each in super().routes().items() if not key.startswith(f"DELETE {at}/issues")}
        return {**github, **own}

    def unlabel_by_number(self, number: str, identity: str) -> Answer:
        pull = self.find(number)
        del pull.labels[int(identity) - 500]
        return 204, None

    def comments(self, number: str) -> Answer:
        if all(each.number != int(number) for each in self.server.pull_requests):
            raise Refusal(500, self.error(500))
        return 200, Page([self.comment(each) for each in self.posted(number)])

    def pull_of(self, commit: str) -> Answer:
        for each in self.merged_with(commit):
            return 200, {**self.pull(each), "body": each.body, "merged": True}
        raise Refusal(404, self.error(404))

    def delete_comment(self, identity: str) -> Answer:
        self.server.comments.remove(next(each for each in self.server.comments if each.id == int(identity)))
        return 204, None

    def protections(self, at: str) -> Mapping[str, Handler]:
        return {
            f"POST {at}/branch_protections": self.make_rule,
            f"GET {at}/branches/([^/]+)": self.branch,
            f"GET {at}/branch_protections/([^/]+)": self.branch_protection,
        }

    members: ClassVar[Mapping[str, type]] = {"name": str, "private": bool, "default_branch": str}

    def taken(self) -> Answer:
        return 409, {"message": "The repository with the same name already exists.", "url": "https://gitea.example/api"}

    def make_rule(self) -> Answer:
        flags = ("enable_push", "dismiss_stale_approvals", "enable_force_push", "require_signed_commits")
        others = ("enable_status_check", "block_admin_merge_override", "apply_to_admins")
        kinds = {"rule_name": str, "required_approvals": int, "status_check_contexts": list}
        return self.enforce("rules", checked(self.received.body, **kinds, **dict.fromkeys((*flags, *others), bool)))

    def branch(self, name: str) -> Answer:
        if self.server.branches is not None and unquote(name) not in self.server.branches:
            raise Refusal(404, self.error(404))
        rule = self.server.protection
        told = {"required_approvals": rule.get("required_approvals", 0), "protected": bool(rule)}
        effective = rule.get("rule_name", "") if self.server.is_administrator else ""
        return 200, {"name": name, "effective_branch_protection_name": effective, **told}

    def branch_protection(self, name: str) -> Answer:
        if not self.server.is_administrator:
            says = "user should be an owner or a collaborator with admin write of a repository"
            raise Refusal(403, {"message": says, "url": "https://gitea.example/api/swagger"})
        if name != self.server.protection["rule_name"]:
            raise Refusal(404, self.error(404))
        return 200, self.server.protection

    def list_pulls(self) -> Answer:
        if not self.received.query.keys() <= {"state", "limit", "page"} or self.received.query["state"] != "open":
            raise Misuse("the query")
        return 200, Page([self.pull(each) for each in self.server.pull_requests if each.is_open])

    def create(self) -> Answer:
        status, _ = super().create()
        return status, self.whole(self.titled(self.server.pull_requests[-1]))

    def edit(self, number: str) -> Answer:
        status, _ = super().edit(number)
        return status, self.whole(self.titled(self.find(number)))

    def titled(self, pull: PullRequest) -> PullRequest:
        """Cut a title that is too long, as wide as it is shown; here, no character is wider than two."""
        if len(pull.title.encode()) > 255:
            width, kept = 0, ""
            for each in pull.title:
                width += 1 if ord(each) < 256 else 2
                if width + 3 > 255:
                    break
                kept += each
            pull.title = f"{kept}…"
        return pull

    def request_reviewers(self, number: str) -> Answer:
        status, _ = super().request_reviewers(number)
        return status, [{"id": 1, "state": "REQUEST_REVIEW"}]

    def make_label(self) -> Answer:
        body = checked(self.received.body, name=str, color=str)
        if not re.fullmatch(r"#[0-9a-f]{6}", body["color"]) or body["name"] in self.server.labels:
            raise Misuse("the label")
        self.server.labels[body["name"]] = 500 + len(self.server.labels)
        return 201, {"id": self.server.labels[body["name"]], "name": body["name"]}

    def label(self, number: str) -> Answer:
        labels = self.received.body["labels"]
        known = {**self.server.labels_of_organization, **self.server.labels}
        if {type(each) for each in labels} not in ({int}, {str}):
            raise Misuse("labels are numbers or names")
        named = [name for name, identity in known.items() if name in labels or identity in labels]
        pull = self.find(number)
        pull.labels = list(dict.fromkeys([*pull.labels, *sorted(named, key=lambda name: known[name])]))
        return 200, [{"id": known[name], "name": name} for name in pull.labels]

    def teams(self, pull: PullRequest) -> Mapping[str, object]:  # noqa: ARG002
        return {"requested_reviewers_teams": []}

    def whole(self, pull: PullRequest) -> object:
        """Return a single pull request, which has the teams, unlike one of the list."""
        names = [name.split("/")[1] for name in pull.reviewers if "/" in name]
        return {**self.pull(pull), "requested_reviewers_teams": [{"id": 3, "name": name} for name in names]}
