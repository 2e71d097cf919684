"""Gitea, as it is played: what differs from GitHub."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus

from tests.hosting.dialect import Answer, Handler, Misuse, Page, PullRequest, Refusal, checked
from tests.hosting.played_github import GitHubDialect


class GiteaDialect(GitHubDialect):
    """Gitea and Forgejo."""

    prefix = "/api/v1"
    size = "limit"
    largest = 50
    title, body = 255, 65_535
    edited = 201

    def authorizations(self) -> set[str]:
        return {f"token {self.server.token}"}

    def error(self, status: int) -> object:
        says = {401: "user does not exist [uid: 0, name: ]", 403: "token does not have at least one of required scope"}
        return {"message": says.get(status) or HTTPStatus(status).phrase, "url": "https://gitea.example/api/swagger"}

    def exists(self) -> Answer:
        return 409, {"message": "pull request already exists for these targets"}

    def no_branch(self) -> Answer:
        return 404, {"message": "The target couldn't be found.", "errors": ["branch does not exist [name: promote]"]}

    def no_collaborator(self) -> Answer:
        return 404, {"message": "user does not exist"}

    def routes(self) -> Mapping[str, Handler]:
        at = re.escape(f"/repos/{self.server.project}")
        labels = {
            f"GET {at}/labels": lambda: (200, Page(self.all_labels())),
            f"POST {at}/labels": self.make_label,
        }
        return {**super().routes(), **labels}

    def protections(self, at: str) -> Mapping[str, Handler]:
        return {
            f"GET {at}/branches/([^/]+)": self.branch,
            f"GET {at}/branch_protections/([^/]+)": self.branch_protection,
        }

    def branch(self, name: str) -> Answer:
        rule = self.server.protection
        told = {"required_approvals": rule.get("required_approvals", 0), "protected": bool(rule)}
        return 200, {"name": name, "effective_branch_protection_name": rule.get("rule_name", ""), **told}

    def branch_protection(self, name: str) -> Answer:
        if not self.server.is_administrator:
            raise Refusal(403, self.error(403))
        if name != self.server.protection["rule_name"]:
            raise Refusal(404, self.error(404))
        return 200, self.server.protection

    def list_pulls(self) -> Answer:
        if not self.received.query.keys() <= {"state", "limit", "page"} or self.received.query["state"] != "open":
            raise Misuse("the query")
        return 200, Page([self.pull(each) for each in self.server.pull_requests if each.is_open])

    def all_labels(self) -> list[object]:
        return [{"id": number, "name": name} for name, number in self.server.labels.items()]

    def make_label(self) -> Answer:
        body = checked(self.received.body, name=str, color=str)
        if not re.fullmatch(r"#[0-9a-f]{6}", body["color"]) or body["name"] in self.server.labels:
            raise Misuse("the label")
        self.server.labels[body["name"]] = 500 + len(self.server.labels)
        return 201, {"id": self.server.labels[body["name"]], "name": body["name"]}

    def label_name(self, label: object) -> str:
        names = {number: name for name, number in self.server.labels.items()}
        if not isinstance(label, int) or label not in names:
            raise Misuse("Gitea's labels are numbers")
        return names[label]

    def teams(self, pull: PullRequest) -> Mapping[str, object]:
        names = [name.split("/")[1] for name in pull.reviewers if "/" in name]
        return {"requested_reviewers_teams": [{"id": 3, "name": name} for name in names]}
