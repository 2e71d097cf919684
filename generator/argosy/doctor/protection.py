"""Whether the branches that Argo CD reads are protected on their host as the files in `protection/` say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from argosy import git, hosting
from argosy.doctor import remotes
from argosy.doctor.case import Case, check
from argosy.doctor.diagnosis import Check, Observation, ok, problem, unknown
from argosy.documents import plain
from argosy.documents.fields import text
from argosy.errors import ArgosyError, UsageError
from argosy.git import branches
from argosy.hosting import Host
from argosy.hosting.bitbucket import Bitbucket, of_bitbucket
from argosy.hosting.gitea import Gitea
from argosy.hosting.github import GitHub, of_github
from argosy.hosting.gitlab import GitLab, of_gitlab
from argosy.hosting.protection import Protection, missing
from argosy.paths import content
from argosy.repository import layout

GITHUB = GitHub.rules_file
GITLAB = GitLab.rules_file
BITBUCKET = Bitbucket.rules_file
Wanted = Mapping[str, Protection]
"""How each branch is to be protected."""


def checks(case: Case) -> Iterator[Check]:
    """Yield whether the host protects the branches, and knows the code owners."""
    yield check("branches-protected", "the host protects the branches as protection/ says", _branches(case), "")
    yield check("code-owners", "the host finds CODEOWNERS", _owners(case), "")


def _branches(case: Case) -> Iterator[Observation]:
    path, wanted = _stated(case.root)
    if wanted is None:
        yield unknown(f"{path} cannot be read: it is not what the host takes.", "Restore it from Git.")
        return
    if not path:
        yield _nothing_stated(case.root)
        return
    if not wanted:
        yield unknown(f"{path} names no branch other than by a pattern.", "Name the branches that Argo CD reads.")
        return
    names = ", ".join(wanted)
    try:
        host = _host(case.root)
        if case.choice.offline:
            seen = f"Whether {names} is protected is unknown: --offline asks no host."
            yield unknown(seen, command=case.choice.command)
        elif host.token() is None:
            variables = " or ".join(host.token_variables)
            seen = f"Whether {names} is protected is unknown: no token for {host.name}."
            yield unknown(seen, f"Set {variables} to a token with {host.rights}.", case.choice.command)
        else:
            for branch, protection in wanted.items():
                yield from _compared(host, path, branch, protection)
    except UsageError as error:
        yield unknown(error.message, error.hint)


def _compared(host: Host, path: str, branch: str, wanted: Protection) -> Iterator[Observation]:
    try:
        found = host.protection(branch)
    except ArgosyError as error:
        right = f"The token needs {host.rights}."
        yield unknown(error.message, right if getattr(error, "status", 0) == 403 else error.hint)
        return
    none: dict[str, Any] = dict.fromkeys(host.without, False)
    wanted = replace(wanted, **none)
    lacks, untold = missing(wanted, found)
    if lacks:
        what = "; ".join(lacks) if found.is_any() else "it is not protected at all"
        seen = f"On {host.name}, {branch} is not protected as {path} says: {what}."
        if isinstance(host, Gitea):
            advice = f"{host.name} does not take the file. An administrator of the repository sends it this:"
            yield problem(seen, advice, host.request_to_protect(branch, wanted, again=found.is_any()))
        else:
            advice = "Apply the file, as README.md says under “Once: protect the branches”."
            yield problem(seen, advice, _how(host, path))
    if untold:
        seen = f"{host.name} does not say about {branch}: {'; '.join(untold)}."
        yield unknown(seen, f"It has no such rule, or shows it only to a token with {host.rights}.")
    if not lacks and not untold:
        yield ok(f"On {host.name}, {branch} is protected as {path} says.")


def _how(host: Host, path: str) -> str:
    if (host.kind, path) != ("github", GITHUB):
        return ""
    return f"gh api --method POST repos/{host.project}/rulesets --input {path}"


def _owners(case: Case) -> Iterator[Observation]:
    path, wanted = _stated(case.root)
    if not path:
        yield _nothing_stated(case.root)
        return
    if wanted is not None and not any(each.code_owners for each in wanted.values()):
        yield ok(f"{path} makes no code owners approve.")
        return
    try:
        host = _host(case.root)
    except UsageError as error:
        yield unknown(error.message, error.hint)
        return
    found = next((place for place in host.codeowners if (case.root / place).is_file()), "")
    if found:
        yield ok(f"{found} is there.")
    else:
        seen = f"{host.name} finds no code owners: there is no {' or '.join(host.codeowners)}."
        yield problem(seen, "Without the file, no particular person has to approve.", "argosy status --files")


def _nothing_stated(root: Path) -> Observation:
    ci = "" if text(plain.load(root / layout.ANSWERS, root).get("ci")) in _OWN else f" ci={_ci(root)}"
    command = f"argosy set repository branchProtection=true{ci}"
    seen = "Nothing in the repository says how its branches are to be protected, so the host was not asked."
    return unknown(seen, "Generate rules for the host:", command)


def _ci(root: Path) -> str:
    """Return the CI of the repository's host: Gitea takes GitHub's."""
    try:
        kind = _host(root).kind
    except UsageError:
        return "HOST"
    return kind if kind in _OWN else "github"


def _host(root: Path) -> Host:
    """Return the host of the current branch's remote, else of another; raise UsageError where none is known."""
    urls = dict(remotes.known(root).values())
    if not urls:
        raise UsageError("The repository has no remote, so no host was asked.", "Add it: git remote add origin URL.")
    settings = plain.load(root / layout.CONFIGURATION, root).get("host")
    url = urls.get(branches.remote_name(root, git.branch(root))) or next(iter(urls.values()))
    return hosting.host_of(url, settings if isinstance(settings, dict) else {})


def _stated(root: Path) -> tuple[str, Wanted | None]:
    """Return the file that says how branches are to be protected, and what it says; None where it cannot be read."""
    for path, read in _READERS.items():
        if (root / path).is_file():
            try:
                return path, read(json.loads(content(root / path, root)), root)
            except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
                return path, None
    return "", {}


def _of_github(document: Any, root: Path) -> Wanted:
    default = str(plain.load(root / layout.ANSWERS, root).get("branch", "main"))
    names = ["refs/heads/" + default if each == "~DEFAULT_BRANCH" else each for each in _refs(document)]
    wanted = of_github(document["rules"], {0: not document.get("bypass_actors")})
    return {each.removeprefix("refs/heads/"): wanted for each in _plain(names)}


def _refs(document: Any) -> Iterable[str]:
    return [str(each) for each in document["conditions"]["ref_name"]["include"]]


def _of_gitlab(document: Any, _: Path) -> Wanted:
    names = _plain(str(each["name"]) for each in document["protected_branches"])
    return {each: of_gitlab(document, each) for each in names}


def _of_bitbucket(document: Any, _: Path) -> Wanted:
    names = _plain(str(each["pattern"]) for each in document)
    return {each: of_bitbucket(document, each) for each in names}


def _plain(names: Iterable[str]) -> list[str]:
    """Return each name once, without patterns."""
    return [each for each in dict.fromkeys(names) if not set("*?[~").intersection(each)]


_OWN = ("github", "gitlab", "bitbucket")
"""The hosts that take a file."""
_READERS: Mapping[str, Callable[[Any, Path], Wanted]] = {
    GITHUB: _of_github,
    GITLAB: _of_gitlab,
    BITBUCKET: _of_bitbucket,
}
