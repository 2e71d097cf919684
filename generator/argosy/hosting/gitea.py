"""Gitea and Forgejo, whose API follows GitHub's; here is what differs.

https://docs.gitea.com/api, https://codeberg.org/api/swagger
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar
from urllib.parse import quote

from argosy.hosting.github import GitHub
from argosy.hosting.host import Proposal, Request, encoded
from argosy.hosting.protection import Protection, of_gitea

_COLOUR = "#0e8a16"


class Gitea(GitHub):
    """A repository on Gitea or Forgejo."""

    kind = "gitea"
    name = "Gitea"
    body_limit = 65_535 - 256
    title_limit = 255
    variables: ClassVar[tuple[str, ...]] = ("GITEA_TOKEN", "FORGEJO_TOKEN")
    scopes = "the scopes write:repository and write:issue"
    rights = "the scope read:repository, of an administrator of the repository"
    codeowners: ClassVar[tuple[str, ...]] = (
        "CODEOWNERS",
        "docs/CODEOWNERS",
        ".gitea/CODEOWNERS",
        ".forgejo/CODEOWNERS",
    )
    headers: ClassVar[Mapping[str, str]] = {}
    advice: ClassVar[Mapping[str, str]] = {
        "does not exist": "Push the branch first, and check that the branch to merge into is there.",
    }
    page_size: ClassVar[Mapping[str, str]] = {"limit": "50"}

    def protection(self, branch: str) -> Protection:
        """Return what the branch protection enforces, which administrators alone see in full."""
        doing = f"see how {branch} of {self.project} is protected"
        with self._reading(doing):
            there = self._client.call("GET", f"{self._path}/branches/{quote(branch, safe='')}", doing)
            if not there["protected"]:
                return Protection()
            rule = quote(there.get("effective_branch_protection_name") or branch, safe="")
            found = self._told(f"{self._path}/branch_protections/{rule}", doing, 403, 404)
            return Protection(approvals=there["required_approvals"]).perhaps() if found is None else of_gitea(found)

    def _authorization(self, token: str) -> str:
        return f"token {token}"

    def _open_ones(self, proposal: Proposal) -> Mapping[str, str]:  # noqa: ARG002
        # The list cannot be narrowed down to a branch; it is read whole.
        return {"state": "open", **self.page_size}

    def _draft(self, proposal: Proposal) -> Mapping[str, bool]:  # noqa: ARG002
        return {}

    def _content(self, proposal: Proposal) -> Mapping[str, str]:
        title = f"WIP: {proposal.title}"[: self.title_limit] if proposal.draft else proposal.title
        return {"title": title, "body": proposal.body}

    def _add_labels(self, request: Request, labels: Sequence[str]) -> Iterable[str]:
        doing = f"label the pull request {request.number} of {self.project}"
        path = f"{self._path}/labels"
        with self._reading(doing):
            known = {each["name"]: each["id"] for each in self._client.pages(path, doing, self.page_size)}
            for name in labels:
                if name not in known:
                    body = {"name": name, "color": _COLOUR}
                    known[name] = self._client.call("POST", path, f"make the label {name}", body=body)["id"]
        self._post_labels(request, [known[name] for name in labels])
        return ()

    def _page(self, proposal: Proposal) -> str:
        query = {"expand": "1", **self._content(proposal)}
        return f"{self.web}/{self.project}/compare/{quote(proposal.base)}...{quote(proposal.branch)}?{encoded(query)}"
