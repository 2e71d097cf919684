"""GitHub: github.com, Enterprise Cloud and Enterprise Server.

https://docs.github.com/rest/pulls/pulls, /rest/pulls/review-requests, /rest/issues/comments, /rest/issues/labels,
/rest/commits/commits, /rest/repos/rules, /rest/branches/branch-protection
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from argosy.hosting.host import Comment, Host, Labelled, Proposal, Request, encoded, number_of_event
from argosy.hosting.protection import Protection, together


class GitHub(Host):
    """A repository on GitHub."""

    kind = "github"
    name = "GitHub"
    domains: ClassVar[tuple[str, ...]] = ("github.com",)
    parts: ClassVar[tuple[str, ...]] = ("github",)
    body_limit = 65_536 - 256
    title_limit = 256
    variables: ClassVar[tuple[str, ...]] = ("GH_TOKEN", "GITHUB_TOKEN")
    enterprise_variables: ClassVar[tuple[str, ...]] = ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")
    """Those of Enterprise Server, as gh has them: a token of github.com goes nowhere else."""
    scopes = "write access to contents and pull requests (a classic token: the scope repo)"
    rights = "read access to metadata and administration (a classic token: the scope repo)"
    making = "the scope repo, or, fine-grained, read and write access to administration and contents"
    rules_file = "protection/github-ruleset.json"
    codeowners: ClassVar[tuple[str, ...]] = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
    headers: ClassVar[Mapping[str, str]] = {
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    advice: ClassVar[Mapping[str, str]] = {
        "not permitted to create": "Allow it in the repository's settings: Actions, General, Workflow permissions, "
        "“Allow GitHub Actions to create and approve pull requests”.",
        "no commits between": "The branch has no commits that its base lacks. Push its commits first.",
        "head: invalid": "The branch is not on GitHub: push it first.",
        "base: invalid": "There is no such branch on GitHub to merge into: push it first, or name another.",
        "saml": "Authorise the token for the organization's single sign-on: the token's page, Configure SSO.",
    }
    page_size: ClassVar[Mapping[str, str]] = {"per_page": "100"}

    @classmethod
    def is_shared(cls, host: str) -> bool:
        """Return whether it is github.com, or a tenant of Enterprise Cloud."""
        return super().is_shared(host) or host.split(":", maxsplit=1)[0].endswith(".ghe.com")

    @classmethod
    def api_of(cls, host: str, web: str) -> str:
        """Return the address of the API, which Enterprise Server has below its own."""
        return f"https://api.{host}" if cls.is_shared(host) else f"{web}/api/v3"

    @property
    def token_variables(self) -> Sequence[str]:
        """Where the token is looked for, in gh's order; on a runner, the job's token is for the runner's server."""
        own = self.variables if self.is_shared(urlsplit(self.web).netloc) else self.enterprise_variables
        server = self._environment.get("GITHUB_SERVER_URL", "").rstrip("/").lower()
        if server:
            others = tuple(each for each in own if each not in self.variables)
            own = (*self.variables, *others) if server == self.web.lower() else others
        return ("ARGOSY_TOKEN", *own)

    def current_request(self, environment: Mapping[str, str]) -> int | None:
        """Return the number of the pull request that a workflow runs for, or None."""
        return number_of_event(environment)

    def protection(self, branch: str) -> Protection:
        """Return what the rulesets and the branch protection enforce; only administrators see the latter."""
        doing = f"see how {branch} of {self.project} is protected"
        with self._reading(doing):
            name = quote(branch, safe="")
            rules = list(self._client.pages(f"{self._project}/rules/branches/{name}", doing, self.page_size))
            known = sorted({each["ruleset_id"] for each in rules if "ruleset_id" in each})
            bound = {each: self._binds_everyone(each, doing) for each in known}
            found = of_github(rules, bound)
            there = self._answer(f"{self._project}/branches/{name}", doing, 404)
            if there is None or not there["protected"]:
                return found
            return self._with_older(found, f"{self._project}/branches/{name}/protection", doing)

    def merged_with(self, commit: str) -> Sequence[str]:
        """Return the texts of the merged pull requests of a commit, which has to be on the default branch."""
        doing = self._looking_for(commit)
        found = self._client.pages(f"{self._project}/commits/{commit}/pulls", doing, self.page_size)
        with self._reading(doing):
            return [each["body"] or "" for each in found if each["merged_at"]]

    def _looking_for(self, commit: str) -> str:
        return f"look for the {self.request} of the commit {commit[:12]} in {self.project}"

    def _binds_everyone(self, ruleset: int, doing: str) -> bool | None:
        """Return whether a ruleset exempts nobody, which only those who may write it are told."""
        told = self._answer(f"{self._project}/rulesets/{ruleset}", doing, 403, 404) or {}
        return not told["bypass_actors"] if "bypass_actors" in told else None

    def _with_older(self, found: Protection, path: str, doing: str) -> Protection:
        from argosy.hosting.client import RefusedError  # noqa: PLC0415

        try:
            return together([found, of_github_branch(self._client.call("GET", path, doing))])
        except RefusedError as error:
            if "not protected" in error.said.casefold():
                return found
            if error.status in {403, 404}:
                return found.perhaps()
            raise

    def _make(self, branch: str) -> None:
        owner, name = self.project.split("/")
        path = "/user/repos" if owner.casefold() == self._owner.casefold() else f"/orgs/{quote(owner)}/repos"
        self._client.call("POST", path, f"make {self.project}", body=self._new(name, branch))

    def _new(self, name: str, branch: str) -> Mapping[str, Any]:  # noqa: ARG002
        # What is pushed first becomes the default branch.
        return {"name": name, "private": True}

    def _protections(self, document: Any) -> Iterator[tuple[str, str, str, Any]]:
        yield "branches", "POST", "/rulesets", document

    def _find(self, proposal: Proposal) -> Request | None:
        doing = f"list the pull requests of {self.project}"
        for found in self._client.pages(f"{self._project}/pulls", doing, self._open_ones(proposal)):
            with self._reading(doing):
                head, base = found["head"], found["base"]
                # A fork that was deleted is null.
                same = (head["repo"] or {}).get("id") == base["repo"]["id"]
                if same and head["ref"] == proposal.branch and base["ref"] == proposal.base:
                    return request_of(found)
        return None

    def _open_ones(self, proposal: Proposal) -> Mapping[str, str]:
        owner = self.project.split("/")[0]
        return {"state": "open", "head": f"{owner}:{proposal.branch}", "base": proposal.base, **self.page_size}

    def _create(self, proposal: Proposal) -> Request:
        doing = f"open a pull request for {proposal.branch} in {self.project}"
        body = {"head": proposal.branch, "base": proposal.base, **self._content(proposal), **self._draft(proposal)}
        made = self._client.call("POST", f"{self._project}/pulls", doing, body=body)
        with self._reading(doing):
            return request_of(made)

    def _draft(self, proposal: Proposal) -> Mapping[str, bool]:
        return {"draft": True} if proposal.draft else {}

    def _update(self, request: Request, proposal: Proposal) -> Request:
        doing = f"update the pull request {request.number} of {self.project}"
        path = f"{self._project}/pulls/{request.number}"
        made = self._client.call("PATCH", path, doing, body=self._content(proposal))
        with self._reading(doing):
            return request_of(made)

    def _content(self, proposal: Proposal) -> Mapping[str, str]:
        return {"title": proposal.title, "body": proposal.body}

    def _add_labels(self, request: Request, labels: Sequence[str]) -> Iterable[str]:
        # GitHub makes the labels that are not there.
        self._post_labels(request, labels)
        return ()

    def _labelled(self, label: str, doing: str) -> Iterator[Labelled]:
        for found in self._client.pages(f"{self._project}/pulls", doing, {"state": "open", **self.page_size}):
            if label in {each["name"] for each in found["labels"]}:
                yield Labelled(found["number"], found["html_url"], datetime.fromisoformat(found["updated_at"]))

    def _remove_label(self, number: int, label: str, doing: str) -> None:
        self._client.call("DELETE", f"{self._project}/issues/{number}/labels/{quote(label, safe='')}", doing)

    def _post_labels(self, request: Request, labels: Sequence[object]) -> set[str]:
        """Add labels; return all that the pull request has then."""
        doing = f"label the pull request {request.number} of {self.project}"
        path = f"{self._project}/issues/{request.number}/labels"
        there = self._client.call("POST", path, doing, body={"labels": list(labels)})
        with self._reading(doing):
            return {str(each["name"]) for each in there}

    def _add_reviewers(self, request: Request, proposal: Proposal, names: Sequence[str]) -> Iterator[str]:  # noqa: ARG002
        organization = self.project.split("/")[0]
        foreign = [name for name in names if "/" in name and not _belongs(name, organization)]
        yield from (f"@{name} was not asked for a review, not being a team of {organization}." for name in foreign)
        reviewed = self._reviewed(request)
        asked = [name for name in names if name not in foreign and name.casefold() not in reviewed]
        if asked:
            yield from self._asked(asked, lambda some: self._request_reviews(request, some))

    def _reviewed(self, request: Request) -> set[str]:
        """Return who gave a review: asking them again would take it back."""
        doing = f"list the reviews of the pull request {request.number} of {self.project}"
        path = f"{self._project}/pulls/{request.number}/reviews"
        reviews = self._client.pages(path, doing, self.page_size)
        with self._reading(doing):
            return {review["user"]["login"].casefold() for review in reviews if review["user"]}

    def _request_reviews(self, request: Request, names: Sequence[str]) -> None:
        self._client.call(
            "POST",
            f"{self._project}/pulls/{request.number}/requested_reviewers",
            f"ask for reviews of the pull request {request.number} of {self.project}",
            body={
                "reviewers": [name for name in names if "/" not in name],
                "team_reviewers": [name.split("/", 1)[1] for name in names if "/" in name],
            },
        )

    def _comments(self, number: int) -> Iterator[Comment]:
        doing = f"read the comments on the pull request {number} of {self.project}"
        for comment in self._client.pages(f"{self._project}/issues/{number}/comments", doing, self.page_size):
            with self._reading(doing):
                read = _comment(comment)
            yield read

    def _is_own(self, comment: Comment) -> bool:
        # The token of a workflow, or of a GitHub App, is not told whose it is. No person's name has brackets.
        return comment.author == self._owner if self._owner else comment.author.endswith("[bot]")

    @cached_property
    def _owner(self) -> str:
        doing = "see whose the token is"
        with self._reading(doing):
            return str((self._answer("/user", doing, 403, 404) or {"login": ""})["login"])

    def _add_comment(self, number: int, text: str) -> Comment:
        doing = f"comment on the pull request {number} of {self.project}"
        made = self._client.call("POST", f"{self._project}/issues/{number}/comments", doing, body={"body": text})
        with self._reading(doing):
            return _comment(made)

    def _edit_comment(self, number: int, comment: Comment, text: str) -> Comment:
        doing = f"update a comment on the pull request {number} of {self.project}"
        made = self._client.call("PATCH", f"{self._project}/issues/comments/{comment.id}", doing, body={"body": text})
        with self._reading(doing):
            return _comment(made)

    def _page(self, proposal: Proposal) -> str:
        query = {"quick_pull": "1", **self._content(proposal), "labels": ",".join(proposal.labels)}
        return f"{self.web}/{self.project}/compare/{quote(proposal.base)}...{quote(proposal.branch)}?{encoded(query)}"

    @property
    def _project(self) -> str:
        return f"/repos/{quote(self.project)}"


def _belongs(team: str, organization: str) -> bool:
    return team.split("/", maxsplit=1)[0].casefold() == organization.casefold()


def request_of(found: Mapping[str, Any]) -> Request:
    """Return a pull request as GitHub and Gitea tell it."""
    users = [user["login"] for user in found.get("requested_reviewers") or ()]
    organization = found["base"]["repo"]["full_name"].split("/")[0]
    teams = [f"{organization}/{team.get('slug') or team['name']}" for team in _teams(found)]
    author = (found["user"] or {}).get("login", "")
    return Request(found["number"], found["html_url"], author, {name.casefold(): name for name in [*users, *teams]})


def _teams(found: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    # GitHub's name, and Gitea's.
    return found.get("requested_teams") or found.get("requested_reviewers_teams") or ()


def _comment(found: Mapping[str, Any]) -> Comment:
    return Comment(found["id"], found["body"] or "", found["html_url"], (found["user"] or {}).get("login", ""))


def of_github(rules: Iterable[Mapping[str, Any]], bound: Mapping[int, bool | None]) -> Protection:
    """Return what the rules of rulesets enforce, as GitHub's API writes them.

    `bound` says whether a ruleset exempts nobody, by the `ruleset_id` of its rules; of a file it is 0.
    https://docs.github.com/rest/repos/rules
    """
    return together(replace(_of_rule(each), everyone=bound.get(each.get("ruleset_id", 0))) for each in rules)


def _of_rule(rule: Mapping[str, Any]) -> Protection:
    given, found = rule.get("parameters") or {}, Protection()
    match rule["type"]:
        case "pull_request":
            found = Protection(
                pull_request=True,
                approvals=int(given.get("required_approving_review_count", 0)),
                code_owners=bool(given.get("require_code_owner_review")),
                fresh_approvals=bool(given.get("dismiss_stale_reviews_on_push")),
            )
        case "required_status_checks":
            found = Protection(checks=frozenset(each["context"] for each in given["required_status_checks"]))
        case "non_fast_forward":
            found = Protection(no_force_push=True)
        case "deletion":
            found = Protection(no_deletion=True)
        case "required_linear_history":
            found = Protection(linear=True)
        case "required_signatures":
            found = Protection(signed=True)
    return found


def of_github_branch(document: Mapping[str, Any]) -> Protection:
    """Return what a branch protection enforces, GitHub's older kind of rule.

    https://docs.github.com/rest/branches/branch-protection
    """

    def on(key: str) -> bool:
        return bool((document.get(key) or {}).get("enabled"))

    reviews = document.get("required_pull_request_reviews")
    given = reviews or {}
    exempt = (given.get("bypass_pull_request_allowances") or {}).values()
    return Protection(
        pull_request=reviews is not None,
        approvals=int(given.get("required_approving_review_count", 0)),
        code_owners=bool(given.get("require_code_owner_reviews")),
        fresh_approvals=bool(given.get("dismiss_stale_reviews")),
        enforced=True,
        everyone=on("enforce_admins") and not any(exempt),
        checks=frozenset((document.get("required_status_checks") or {}).get("contexts") or ()),
        no_force_push=not on("allow_force_pushes"),
        no_deletion=not on("allow_deletions"),
        linear=on("required_linear_history"),
        signed=on("required_signatures"),
    )
