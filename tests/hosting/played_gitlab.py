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
            f"GET {project}": lambda: self.there({"id": 7, **rules.get("project", {})}),
            "POST /projects": self.make_project,
            f"GET /namespaces/{re.escape(quote(self.server.project.rpartition('/')[0], safe=''))}": lambda: (
                200,
                {"id": 3},
            ),
            "GET /namespaces/.*": lambda: (404, {"message": "404 Namespace Not Found"}),
            f"PUT {project}": self.set_up,
            f"DELETE {project}/protected_branches/([^/]+)": self.unprotect,
            f"POST {project}/protected_branches": self.protect_branch,
            f"POST {project}/(approvals|approval_rules|push_rule)": self.set_premium,
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

    def make_project(self) -> Answer:
        body = checked(self.received.body, name=str, path=str, namespace_id=int, visibility=str)
        if body["namespace_id"] != 3 or body["visibility"] != "private":
            raise Misuse("another project")
        # A project's default branch is protected from the first push on.
        self.server.protection["protected_branches"] = [{"name": "main"}]
        return self.make(body)

    def taken(self) -> Answer:
        return 400, {"message": {"path": ["has already been taken"], "name": ["has already been taken"]}}

    def set_up(self) -> Answer:
        flags = ("only_allow_merge_if_pipeline_succeeds", "only_allow_merge_if_all_discussions_are_resolved")
        kinds = dict.fromkeys((*flags, "allow_merge_on_skipped_pipeline"), bool)
        return 200, self.enforce("project", checked(self.received.body, merge_method=str, **kinds))[1]

    def unprotect(self, name: str) -> Answer:
        rules = self.server.protection["protected_branches"]
        if name not in [each["name"] for each in rules]:
            raise Refusal(404, self.error(404))
        self.server.protection["protected_branches"] = [each for each in rules if each["name"] != name]
        return 204, None

    def protect_branch(self) -> Answer:
        levels = dict.fromkeys(("push_access_level", "merge_access_level", "unprotect_access_level"), int)
        flags = {"allow_force_push": bool, "code_owner_approval_required": bool}
        body = checked(self.received.body, name=str, **levels, **flags)
        if body["name"] in [each["name"] for each in self.server.protection["protected_branches"]]:
            raise Refusal(409, {"message": f"Protected branch '{body['name']}' already exists"})
        return self.enforce("protected_branches", body)

    def set_premium(self, name: str) -> Answer:
        if not self.server.has_premium:
            raise Refusal(404, self.error(404))
        return self.enforce(name, self.received.body)

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
        if "labels" in query:
            found = [each for each in self.server.pull_requests if each.is_open and query["labels"] in each.labels]
        else:
            found = self.open_ones(query["source_branch"], query["target_branch"])
        return 200, Page([self.request(each) for each in found])

    def create(self) -> Answer:
        body = checked(self.received.body, source_branch=str, target_branch=str, title=str, description=str)
        title = limited(body["title"], 255)
        made = self.open(body["source_branch"], body["target_branch"], title, limited(body["description"], 1_048_576))
        return 201, self.request(made)

    def edit(self, number: str) -> Answer:
        request = self.find(number)
        body = checked(
            self.received.body, title_=str, description_=str, add_labels_=str, remove_labels_=str, reviewer_ids_=list
        )
        request.title = limited(body.get("title", request.title), 255)
        request.body = body.get("description", request.body)
        labels = body.get("add_labels", "")
        request.labels = list(dict.fromkeys([*request.labels, *(labels.split(",") if labels else [])]))
        request.labels = [each for each in request.labels if each not in body.get("remove_labels", "").split(",")]
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
            "labels": request.labels,
            "updated_at": request.updated,
            "source_project_id": 8 if request.from_fork else 7,
            "target_project_id": 7,
            "reviewers": [{"id": self.ids(name), "username": name} for name in request.reviewers],
        }

    def note(self, note: Posted) -> object:
        return {"id": note.id, "body": note.body, "system": False, "author": {"username": note.author}}
