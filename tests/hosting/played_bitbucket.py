"""Bitbucket Cloud, as it is played."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import ClassVar

from tests.hosting.dialect import Answer, Dialect, Handler, Misuse, Page, Posted, PullRequest, Refusal, checked, limited


class BitbucketDialect(Dialect):
    """Bitbucket Cloud."""

    prefix = "/2.0"
    size = "pagelen"
    largest = 100
    edits_all = False
    inactive: ClassVar[set[str]] = set()
    _QUERY = re.compile(r'state="OPEN" AND source\.branch\.name="(.*)" AND destination\.branch\.name="(.*)"')

    def authorizations(self) -> set[str]:
        basic = base64.b64encode(self.server.token.encode()).decode()
        return {f"Basic {basic}" if ":" in self.server.token else f"Bearer {self.server.token}"}

    def error(self, status: int) -> object:
        return {"type": "error", "error": {"message": HTTPStatus(status).phrase}}

    def exists(self) -> Answer:
        return 409, {"type": "error", "error": {"message": "There is already an open pull request."}}

    def no_branch(self) -> Answer:
        fields = {"source": ["branch not found: promote"]}
        return 400, {"type": "error", "error": {"message": "Bad request", "fields": fields}}

    def routes(self) -> Mapping[str, Handler]:
        repository = re.escape(f"/repositories/{self.server.project}")
        at = f"{repository}/pullrequests"
        workspace = self.server.project.split("/")[0]
        return {
            f"GET {repository}": lambda: self.there({"uuid": "{7}", "full_name": self.server.project}),
            f"POST {repository}": self.make_repository,
            f"POST {repository}/branch-restrictions": self.restrict,
            f"GET {repository}/branch-restrictions": self.restrictions,
            f"GET {at}": self.list_pulls,
            f"POST {at}": self.create,
            f"GET {repository}/commit/(\\w+)/pullrequests": self.pulls_of,
            f"GET {at}/(\\d+)": lambda number: (200, self.pull(self.find(number))),
            f"PUT {at}/(\\d+)": self.edit,
            "GET /user": lambda: self.whose(self.user(self.server.me)),
            f"GET /workspaces/{workspace}/members": lambda: (200, Page(self.members())),
            f"GET {at}/(\\d+)/comments": lambda number: (
                200,
                Page([self.comment(each) for each in self.posted(number)]),
            ),
            f"POST {at}/(\\d+)/comments": lambda number: (
                201,
                self.comment(self.post(number, self.raw(self.received.body))),
            ),
            f"PUT {at}/(\\d+)/comments/(\\d+)": self.edit_comment,
        }

    def with_next(self, items: Sequence[object], following: str) -> tuple[int, Mapping[str, str], object]:
        return 200, {}, {"values": list(items), **({"next": following} if following else {})}

    def make_repository(self) -> Answer:
        body = checked(self.received.body, scm=str, is_private=bool)
        if body != {"scm": "git", "is_private": True}:
            raise Misuse("another repository")
        return self.make(body)

    def taken(self) -> Answer:
        said = "Repository with this Slug and Owner already exists."
        return 400, {"type": "error", "error": {"message": said}}

    def restrict(self) -> Answer:
        kinds = {"kind": str, "branch_match_kind": str, "pattern": str, "users_": list, "groups_": list, "value_": int}
        return self.enforce("restrictions", checked(self.received.body, **kinds))

    def restrictions(self) -> Answer:
        if not self.server.is_administrator:
            raise Refusal(403, self.error(403))
        return 200, Page(self.server.protection.get("restrictions", []))

    def list_pulls(self) -> Answer:
        query = self._QUERY.fullmatch(self.received.query["q"])
        if query is None or int(self.received.query["pagelen"]) > 50:
            raise Misuse("the query")
        pulls = [dict(self.pull(each)) for each in self.open_ones(query[1], query[2])]
        for pull in pulls:
            del pull["reviewers"]
        return 200, Page(pulls)

    def pulls_of(self, commit: str) -> Answer:
        """List them in short, by the app that has to be installed; while it looks for them, there is no list."""
        if self.server.links == "none":
            raise Refusal(404, self.error(404))
        if self.server.links == "later":
            return 202, {"type": "error", "error": {"message": "Still indexing"}}
        found = [{"type": "pullrequest", "id": each.number, "title": each.title} for each in self.merged_with(commit)]
        return 200, {"values": found, "pagelen": 30, "page": 1, "size": len(found)}

    def create(self) -> Answer:
        body = checked(self.received.body, title=str, description=str, source=dict, destination=dict, draft_=bool)
        source, destination = (checked(body[end], branch=dict)["branch"] for end in ("source", "destination"))
        made = self.open(
            checked(source, name=str)["name"],
            checked(destination, name=str)["name"],
            limited(body["title"], 255),
            limited(body["description"], 32_768),
            draft=body.get("draft", False),
        )
        return 201, self.pull(made)

    def edit(self, number: str) -> Answer:
        pull, body = self.find(number), checked(self.received.body, title=str, description=str, reviewers_=list)
        known = {self.uuid(name): name for name in self.server.users}
        names = [known[checked(each, uuid=str)["uuid"]] for each in body.get("reviewers", [])]
        if pull.author in names or self.inactive & set(names):
            fields = {"reviewers": ["Malformed reviewers list"]}
            raise Refusal(400, {"type": "error", "error": {"fields": fields, "message": "reviewers: Malformed"}})
        pull.title, pull.body, pull.reviewers = limited(body["title"], 255), body["description"], names
        return 200, self.pull(pull)

    def members(self) -> list[object]:
        return [{"type": "workspace_membership", "user": self.user(name)} for name in self.server.users]

    def uuid(self, name: str) -> str:
        return f"{{0000-{self.ids(name)}}}"

    def user(self, name: str) -> Mapping[str, str]:
        names = {"nickname": name, "display_name": f"{name.title()} Example"}
        return {"uuid": self.uuid(name), "account_id": f"557058:{self.ids(name)}", **names}

    def raw(self, body: object) -> str:
        content = checked(body, content=dict)["content"]
        return limited(str(checked(content, raw=str)["raw"]), 32_768)

    def edit_comment(self, _pull: str, number: str) -> Answer:
        comment = self.find_comment(number)
        comment.body = self.raw(self.received.body)
        return 200, self.comment(comment)

    def pull(self, pull: PullRequest) -> Mapping[str, object]:
        here = {"uuid": "{7}", "full_name": self.server.project}
        there = {"uuid": "{8}", "full_name": "mallory/gitops"}
        url = f"https://bitbucket.org/{self.server.project}/pull-requests/{pull.number}"
        return {
            "id": pull.number,
            "links": {"html": {"href": url}},
            "state": "MERGED" if pull.merged else "OPEN" if pull.is_open else "DECLINED",
            "description": pull.body,
            "author": self.user(pull.author) if pull.author in self.server.users else None,
            "source": {"branch": {"name": pull.branch}, "repository": there if pull.from_fork else here},
            "destination": {"branch": {"name": pull.base}, "repository": here},
            "reviewers": [self.user(name) for name in pull.reviewers],
        }

    def comment(self, comment: Posted) -> object:
        url = f"https://bitbucket.org/{self.server.project}/pull-requests/{comment.number}#comment-{comment.id}"
        content = {"raw": "" if comment.deleted else comment.body}
        told = {"id": comment.id, "content": content, "links": {"html": {"href": url}}, "deleted": comment.deleted}
        return {**told, "user": self.user(comment.author)}
