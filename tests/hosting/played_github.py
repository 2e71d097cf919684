"""GitHub, as it is played."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import ClassVar
from urllib.parse import unquote

from tests.hosting.dialect import (
    Answer,
    Dialect,
    Handler,
    Misuse,
    Page,
    Posted,
    PullRequest,
    Refusal,
    checked,
    limited,
)


class GitHubDialect(Dialect):
    """GitHub Enterprise Server, whose API is github.com's below a path."""

    prefix = "/api/v3"
    size = "per_page"
    largest = 100
    title, body = 256, 65_536
    edited = 200

    def authorizations(self) -> set[str]:
        return {f"Bearer {self.server.token}"}

    def error(self, status: int) -> object:
        says = {401: "Bad credentials", 403: "Resource not accessible by personal access token"}
        message = says.get(status) or HTTPStatus(status).phrase
        return {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)}

    def exists(self) -> Answer:
        return 422, self._invalid({"code": "custom", "message": "A pull request already exists for acme:promote."})

    def no_branch(self) -> Answer:
        return 422, self._invalid({"field": "head", "code": "invalid"})

    def _invalid(self, error: Mapping[str, str]) -> object:
        return {"message": "Validation Failed", "errors": [{"resource": "PullRequest", **error}]}

    def routes(self) -> Mapping[str, Handler]:
        at = re.escape(f"/repos/{self.server.project}")
        return {
            f"GET {at}": lambda: self.there({"id": 7, "full_name": self.server.project}),
            f"POST /(user|orgs/{re.escape(self.server.project.split('/')[0])})/repos": self.make_repository,
            f"GET {at}/pulls": self.list_pulls,
            f"POST {at}/pulls": self.create,
            f"GET {at}/commits/(\\w+)/pulls": self.pulls_of,
            f"PATCH {at}/pulls/(\\d+)": self.edit,
            f"GET {at}/pulls/(\\d+)/reviews": self.reviews,
            f"POST {at}/pulls/(\\d+)/requested_reviewers": self.request_reviewers,
            f"POST {at}/issues/(\\d+)/labels": self.label,
            f"DELETE {at}/issues/(\\d+)/labels/([^/]+)": self.unlabel,
            f"GET {at}/issues/(\\d+)/comments": lambda number: (
                200,
                Page([self.comment(each) for each in self.posted(number)]),
            ),
            f"POST {at}/issues/(\\d+)/comments": lambda number: (
                201,
                self.comment(self.post(number, limited(checked(self.received.body, body=str)["body"], self.body))),
            ),
            f"PATCH {at}/issues/comments/(\\d+)": self.edit_comment,
            "GET /user": lambda: self.whose({"login": self.server.me}),
            **self.protections(at),
        }

    members: ClassVar[Mapping[str, type]] = {"name": str, "private": bool}

    def make_repository(self, owner: str) -> Answer:
        body = checked(self.received.body, **self.members)
        if (owner == "user") != (self.server.project.split("/")[0] == self.server.me):
            raise Refusal(404, self.error(404))
        if f"{self.server.project.split('/')[0]}/{body['name']}" != self.server.project or not body["private"]:
            raise Misuse("another repository")
        return self.make(body)

    def taken(self) -> Answer:
        error = {"resource": "Repository", "field": "name", "message": "name already exists on this account"}
        return 422, {"message": "Repository creation failed.", "errors": [{**error, "code": "custom"}]}

    def make_ruleset(self) -> Answer:
        kinds = {
            "name": str,
            "target": str,
            "enforcement": str,
            "bypass_actors": list,
            "conditions": dict,
            "rules": list,
        }
        return self.enforce("rules", checked(self.received.body, **kinds))

    def protections(self, at: str) -> Mapping[str, Handler]:
        return {
            f"POST {at}/rulesets": self.make_ruleset,
            f"GET {at}/rules/branches/([^/]+)": lambda _: (200, Page(self.server.protection.get("rules", []))),
            f"GET {at}/rulesets/(\\d+)": self.ruleset,
            f"GET {at}/branches/([^/]+)": self.branch,
            f"GET {at}/branches/([^/]+)/protection": self.older_protection,
        }

    def branch(self, name: str) -> Answer:
        if self.server.branches is not None and name not in self.server.branches:
            raise Refusal(404, {"message": "Branch not found", "status": "404"})
        protected = any(self.server.protection.get(key) for key in ("rules", "older"))
        return 200, {"name": name, "protected": protected}

    def ruleset(self, number: str) -> Answer:
        bypass = self.server.protection.get("bypass_actors", {}).get(int(number), [])
        told = {"bypass_actors": bypass} if self.server.is_administrator else {}
        return 200, {"id": int(number), "enforcement": "active", **told}

    def older_protection(self, _: str) -> Answer:
        if not self.server.is_administrator:
            raise Refusal(403, self.error(403))
        if not self.server.protection.get("older"):
            raise Refusal(404, {"message": "Branch not protected", "status": "404"})
        return 200, self.server.protection["older"]

    def list_pulls(self) -> Answer:
        if self.received.headers.get("x-github-api-version") != "2022-11-28":
            raise Misuse("the API's version")
        if self.received.query.keys() <= {"state", "per_page", "page"}:
            return 200, Page([self.pull(each) for each in self.server.pull_requests if each.is_open])
        owner, _, branch = self.received.query["head"].partition(":")
        if owner != self.server.project.split("/")[0] or self.received.query["state"] != "open":
            raise Misuse("the query")
        return 200, Page([self.pull(each) for each in self.open_ones(branch, self.received.query["base"])])

    def pulls_of(self, commit: str) -> Answer:
        """List the merged one of a commit of the default branch, and else those that are open."""
        merged = [each for each in self.merged_with(commit) if each.base == "main"]
        return 200, Page([self.pull(each) for each in merged or self.server.pull_requests if each.is_open or merged])

    def create(self) -> Answer:
        body = checked(self.received.body, head=str, base=str, title=str, body=str, draft_=bool)
        made = self.open(
            body["head"],
            body["base"],
            limited(body["title"], self.title),
            limited(body["body"], self.body),
            draft=body.get("draft", False),
        )
        return 201, self.pull(made)

    def edit(self, number: str) -> Answer:
        pull, body = self.find(number), checked(self.received.body, title=str, body=str)
        pull.title, pull.body = limited(body["title"], self.title), limited(body["body"], self.body)
        return self.edited, self.pull(pull)

    def reviews(self, number: str) -> Answer:
        ghost = [{"id": 1, "user": None, "state": "COMMENTED"}]
        reviewed = self.find(number).reviewed
        return 200, Page([*ghost, *({"id": 2, "user": {"login": name}, "state": "APPROVED"} for name in reviewed)])

    def request_reviewers(self, number: str) -> Answer:
        pull, body = self.find(number), checked(self.received.body, reviewers=list, team_reviewers=list)
        if pull.author in body["reviewers"]:
            raise Refusal(422, {"message": "Review cannot be requested from pull request author."})
        users = [name.casefold() for name in body["reviewers"]]
        if any(name not in self.server.users for name in users) or any(
            team not in self.server.teams for team in body["team_reviewers"]
        ):
            raise Refusal(*self.no_collaborator())
        organization = self.server.project.split("/")[0]
        teams = [f"{organization}/{team}" for team in body["team_reviewers"]]
        pull.reviewers = list(dict.fromkeys([*pull.reviewers, *users, *teams]))
        return 201, self.pull(pull)

    def no_collaborator(self) -> Answer:
        return 422, {"message": "Reviews may only be requested from collaborators."}

    def label(self, number: str) -> Answer:
        pull, labels = self.find(number), checked(self.received.body, labels=list)["labels"]
        names = [self.label_name(label) for label in labels]
        pull.labels = list(dict.fromkeys([*pull.labels, *names]))
        return 200, [{"name": name} for name in pull.labels]

    def unlabel(self, number: str, name: str) -> Answer:
        pull = self.find(number)
        if unquote(name) not in pull.labels:
            raise Refusal(404, {"message": "Label does not exist", "status": "404"})
        pull.labels.remove(unquote(name))
        return 200, [{"name": each} for each in pull.labels]

    def label_name(self, label: object) -> str:
        if not isinstance(label, str):
            raise Misuse("GitHub's labels are names")
        return label

    def edit_comment(self, number: str) -> Answer:
        comment = self.find_comment(number)
        comment.body = limited(checked(self.received.body, body=str)["body"], self.body)
        return 200, self.comment(comment)

    def pull(self, pull: PullRequest) -> Mapping[str, object]:
        repository = {"id": 7, "full_name": self.server.project}
        head = {"id": 8, "full_name": "mallory/gitops"} if pull.from_fork else repository
        return {
            "number": pull.number,
            "html_url": f"https://git.acme.example/{self.server.project}/pull/{pull.number}",
            "user": {"login": pull.author},
            "head": {"ref": pull.branch, "repo": head},
            "base": {"ref": pull.base, "repo": repository},
            "title": pull.title,
            "body": pull.body or None,
            "labels": [{"id": 500 + place, "name": name} for place, name in enumerate(pull.labels)],
            "updated_at": pull.updated,
            "merged_at": "2026-03-02T09:00:00Z" if pull.merged else None,
            "merge_commit_sha": pull.merged or "f" * 40,  # Of an open one, it is that of a merge to try.
            "requested_reviewers": [{"login": name} for name in pull.reviewers if "/" not in name],
            **self.teams(pull),
        }

    def teams(self, pull: PullRequest) -> Mapping[str, object]:
        return {"requested_teams": [{"slug": name.split("/")[1]} for name in pull.reviewers if "/" in name]}

    def comment(self, comment: Posted) -> object:
        url = f"https://git.acme.example/{self.server.project}/pull/{comment.number}#issuecomment-{comment.id}"
        return {"id": comment.id, "body": comment.body, "html_url": url, "user": {"login": comment.author}}
