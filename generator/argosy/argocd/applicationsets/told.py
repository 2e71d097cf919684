"""Parameters out of what a generator is told from outside of Git, as `.argosy.yaml` declares it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from argosy.argocd.applicationsets.parameters import Parameters, flattened, normalized, printed
from argosy.argocd.applicationsets.trees import mapping, sequence
from argosy.argocd.clusters import Clusters

_COMMIT = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""What stands for a commit that nobody declares, since it changes with each push."""
_LONGEST_SLUG = 50


def slug(name: str) -> str:
    """Return the slug of a branch, as Argo CD makes it."""
    plain = name.strip().replace("_", "-").replace("&", "and").replace("@", "at")
    plain = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode().lower()
    made = re.sub(r"-+", "-", re.sub(r"[^a-z0-9-]", "-", plain)).strip("-")
    if len(made) <= _LONGEST_SLUG:
        return made
    return made[: _LONGEST_SLUG + 1].rpartition("-")[0] or made[:_LONGEST_SLUG]


def of_plugin(outputs: Sequence[Any], generator: Mapping[str, Any], *, go: bool) -> list[Parameters]:
    """Return what a plugin answers, with what it was asked for."""
    asked = {"input": {"parameters": mapping(mapping(generator.get("input")).get("parameters"))}}
    return [{**(each if go else dict(flattened(each))), "generator": asked} for each in outputs]


def of_repositories(outputs: Sequence[Any]) -> list[Parameters]:
    """Return the parameters of a Git host's repositories."""
    return [
        {
            **{key: printed(each.get(key, "")) for key in ("organization", "repository", "url", "branch")},
            "repository_id": each.get("repository_id"),
            **_commit(each, "sha"),
            "labels": ",".join(map(printed, sequence(each.get("labels")))),
            "branchNormalized": normalized(printed(each.get("branch", ""))),
        }
        for each in outputs
    ]


def of_pull_requests(outputs: Sequence[Any], *, go: bool) -> list[Parameters]:
    """Return the parameters of pull requests."""
    made = []
    for each in outputs:
        branch, target = str(each.get("branch", "")), str(each.get("target_branch", "main"))
        made.append(
            {
                "number": printed(each.get("number", "")),
                "title": str(each.get("title", "")),
                **{"branch": branch, "branch_slug": slug(branch)},
                **{"target_branch": target, "target_branch_slug": slug(target)},
                **_commit(each, "head_sha"),
                "author": str(each.get("author", "")),
                **({"labels": [str(label) for label in sequence(each.get("labels"))]} if go else {}),
            }
        )
    return made


def of_decisions(outputs: Sequence[Any], clusters: Clusters) -> list[Parameters]:
    """Return the parameters of the clusters that a resource in the cluster decides on."""
    made = []
    for each in outputs:
        name = printed(each.get("name", ""))
        server, _ = clusters.both(None, name)
        made.append({"name": name, "server": server or "", **{key: printed(value) for key, value in each.items()}})
    return made


def _commit(each: Mapping[str, Any], key: str) -> dict[str, str]:
    commit, start = str(each.get(key) or _COMMIT), key.removesuffix("sha")
    return {key: commit, f"{start}short_sha": commit[:8], f"{start}short_sha_7": commit[:7]}
