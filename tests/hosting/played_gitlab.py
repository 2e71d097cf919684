"""GitLab, as it is played."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import quote

from tests.hosting.dialect import Answer, Dialect, Handler, Misuse, Page, Posted, PullRequest, Refusal, checked, limited


class GitLabDialect(Dialect):
    """GitLab."""

    prefix = "/api/v4"
    size = "per_page"
    largest = 100
    reviewers_allowed = 2

    def authorizations(self) -> set[str]:
        return {f"Bearer {self.server.token}"}

    def error(self, status: int) -> object:
        return {"message": f"{status} {HTTPStatus(status).phrase}"}

    def exists(self) -> Answer:
        return 409, {"message": ["Another open merge request already exists for this source branch: !1"]}

    def no_branch(self) -> Answer:
        return 400, {"message": {"source_branch": ["does not exist"]}}

    def routes(self) -> Mapping[str, Handler]:
        project = re.escape(f"/projects/{quote(self.server.project, safe='')}")
        at = f"{project}/merge_requests"
        rules = self.server.protection
        return {
            f"GET {project}": lambda: (200, {"id": 7, **rules.get("project", {})}),
            f"GET {project}/protected_branches": lambda: (200, Page(rules.get("protected_branches", []))),
            f"GET {project}/(approvals|approval_rules|push_rule)": self.premium,
            f"GET {at}": self.list_requests,
            f"POST {at}": self.create,
            f"GET {project}/repository/commits/(\\w+)/merge_requests": lambda commit: (
                200,
                Page([self.request(each) for each in self.merged_with(commit)]),
            ),
            f"PUT {at}/(\\d+)": self.edit,
            "GET /users": self.find_users,
            "GET /user": lambda: self.whose({"id": 1, "username": self.server.me}),
            f"GET {at}/(\\d+)/notes": lambda number: (
                200,
                Page([self.note(each) for each in self.posted(number)]),
            ),
            f"POST {at}/(\\d+)/notes": lambda number: (
                201,
                self.note(self.post(number, checked(self.received.body, body=str)["body"])),
            ),
            f"PUT {at}/(\\d+)/notes/(\\d+)": self.edit_note,
        }

    def premium(self, name: str) -> Answer:
        """Answer what a project without a licence, or a token without the role, is refused."""
        if not self.server.is_administrator or name not in self.server.protection:
            status = 404 if self.server.is_administrator else 403
            raise Refusal(status, self.error(status))
        return 200, self.server.protection[name]

    def list_requests(self) -> Answer:
        query = self.received.query
        if query["state"] != "opened":
            raise Misuse("the query")
        found = self.open_ones(query["source_branch"], query["target_branch"])
        return 200, Page([self.request(each) for each in found])

    def create(self) -> Answer:
        body = checked(self.received.body, source_branch=str, target_branch=str, title=str, description=str)
        title = limited(body["title"], 255)
        made = self.open(body["source_branch"], body["target_branch"], title, limited(body["description"], 1_048_576))
        return 201, self.request(made)

    def edit(self, number: str) -> Answer:
        request = self.find(number)
        body = checked(self.received.body, title_=str, description_=str, add_labels_=str, reviewer_ids_=list)
        request.title = limited(body.get("title", request.title), 255)
        request.body = body.get("description", request.body)
        labels = body.get("add_labels", "")
        request.labels = list(dict.fromkeys([*request.labels, *(labels.split(",") if labels else [])]))
        if "reviewer_ids" in body:
            known = {self.ids(name): name for name in self.server.users}
            request.reviewers = [known[each] for each in body["reviewer_ids"]][: self.reviewers_allowed]
        return 200, self.request(request)

    def find_users(self) -> Answer:
        names = [name for name in self.server.users if name.casefold() == self.received.query["username"].casefold()]
        return 200, [{"id": self.ids(name), "username": name} for name in names]

    def edit_note(self, _request: str, number: str) -> Answer:
        note = self.find_comment(number)
        note.body = checked(self.received.body, body=str)["body"]
        return 200, self.note(note)

    def request(self, request: PullRequest) -> object:
        return {
            "iid": request.number,
            "web_url": f"https://git.acme.example/{self.server.project}/-/merge_requests/{request.number}",
            "author": {"username": request.author},
            "state": "merged" if request.merged else "opened",
            "description": request.body or None,
            "source_project_id": 8 if request.from_fork else 7,
            "target_project_id": 7,
            "reviewers": [{"id": self.ids(name), "username": name} for name in request.reviewers],
        }

    def note(self, note: Posted) -> object:
        return {"id": note.id, "body": note.body, "system": False, "author": {"username": note.author}}
