"""Pull requests that stand for those of a Git host, which nobody is asked for: a template has to suit each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from argosy.argocd.applicationsets.flaws import GeneratorError
from argosy.argocd.applicationsets.parameters import Parameters
from argosy.argocd.applicationsets.trees import mapping, sequence
from argosy.documents import Pointer

HOSTS = ("github", "gitlab", "gitea", "bitbucketServer", "bitbucket", "azuredevops")
"""The Git hosts whose pull requests Argo CD lists."""
WITHOUT_LABELS = ("bitbucketServer", "bitbucket")
"""Those of which it knows no labels."""


def _example(number: str, title: str, branch: str, slug: str, head: str) -> Mapping[str, str]:
    return {
        "number": number,
        "title": title,
        "branch": branch,
        "branch_slug": slug,
        "target_branch": "main",
        "target_branch_slug": "main",
        "head_sha": head,
        "head_short_sha": head[:8],
        "head_short_sha_7": head[:7],
        "author": "example",
    }


EXAMPLES: Sequence[Mapping[str, str]] = (
    # No pull request has the number 0, so that nobody takes it for one of theirs.
    _example("0", "Add an example", "feature/example", "feature-example", "0dd5cf1fb9a3c8a1e2f4b6d7980a1b2c3d4e5f60"),
    # What is awkward in a template, and happens: a colon, capital letters, and an id that begins with digits alone,
    # which YAML and Helm take for a number unless it is quoted.
    _example(
        "99999",
        'fix(deps): take "example" 2.0',
        "renovate/Example_2.x",
        "renovate-example-2-x",
        "1234567890ab12cd34ef56ab78cd90ef12ab34cd",
    ),
)


_OF_BITBUCKET = [{**each, "head_sha": each["head_sha"][:12]} for each in EXAMPLES]
"""Bitbucket Cloud tells twelve digits of a commit."""


def parameters(generator: Mapping[str, Any], at: Pointer, *, go: bool) -> list[Parameters]:
    """Return what a pull request generator gives for each example; raise GeneratorError where Argo CD refuses it.

    They pass whatever filters there are, and have the labels that are asked for.
    """
    hosts = [each for each in HOSTS if generator.get(each) is not None]
    if len(hosts) != 1:
        what = f"asks several hosts at once: {', '.join(hosts)}" if hosts else f"asks none of {', '.join(HOSTS)}"
        raise GeneratorError(f"The pull request generator {what}.", at)
    labels = [str(each) for each in sequence(mapping(generator[hosts[0]]).get("labels"))]
    examples = _OF_BITBUCKET if hosts == ["bitbucket"] else EXAMPLES
    return [{**each, **({"labels": labels} if go else {})} for each in examples]


def example_of(given: Parameters) -> Mapping[str, str]:
    """Return the example that parameters come from, {} for parameters of no pull request."""
    return next((each for each in (*EXAMPLES, *_OF_BITBUCKET) if each["head_sha"] == given.get("head_sha")), {})
