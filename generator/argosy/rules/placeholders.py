"""The rule of placeholders: what the template and the catalogue cannot know, and somebody has to fill in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from argosy.documents import Document, Pointer
from argosy.documents.document import Source
from argosy.findings import Problem, Severity
from argosy.rules.config_maps import example
from argosy.rules.registry import declare


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A text that stands for what only the repository's people know."""

    text: str
    pattern: str
    meaning: str
    """What it stands for."""


PLACEHOLDERS = (
    Placeholder("your-org", r"(?<![\w.-])your-org(?![\w.-])", "the owner of the repository on its host"),
    Placeholder("argocd.example.com", r"(?<![\w.-])argocd\.example\.com(?![\w.-])", "the address of Argo CD"),
    Placeholder("login.example.com", r"(?<![\w.-])login\.example\.com(?![\w.-])", "the issuer of the single sign-on"),
    Placeholder("smtp.example.com", r"(?<![\w.-])smtp\.example\.com(?![\w.-])", "the mail server"),
    Placeholder("argocd@example.com", r"(?<![\w.-])argocd@example\.com(?![\w.-])", "who mails come from"),
    Placeholder("vault.example.com", r"(?<![\w.-])vault\.example\.com(?![\w.-])", "the address of Vault"),
    Placeholder("VAULT", r"https://VAULT-[\w-]+\.vault\.azure\.net", "the name of a vault of Azure's"),
    Placeholder("111122223333", r"(?<!\d)111122223333(?!\d)", "the ID of an AWS account"),
    Placeholder("example.com", r"example\.com", "a DNS zone"),
)
_ADDRESS = "  url: https://{host}\n"

PLACEHOLDER = declare(
    "placeholder",
    Severity.WARNING,
    "A placeholder is not filled in yet.",
    explanation="`argosy init` and the components write placeholders where only you know what belongs there: "
    + ", ".join(f"`{each.text}` for {each.meaning}" for each in PLACEHOLDERS)
    + ". One finding lists all the places of a placeholder. A value such as `<TOKEN>`, `{{ token }}` or `${TOKEN}` "
    "that Kubernetes would refuse is one too, unless an Application deploys it as it is: that is an error.",
    bad=example("argocd-cm", _ADDRESS.format(host="argocd.example.com")),
    good=example("argocd-cm", _ADDRESS.format(host="argocd.acme.io")),
)


def problems(document: Document) -> Iterator[Problem]:
    """Find placeholders in the values of a document."""
    for placeholder, pointer in find(document):
        message = f"“{placeholder.text}” is a placeholder for {placeholder.meaning}."
        is_owner = placeholder.text == "your-org"
        hint = "Fill it in: argosy set repository repoURL=URL, and in CODEOWNERS." if is_owner else "Fill it in."
        yield Problem(message, pointer, hint, cause=placeholder.text)


_TO_FILL_IN = re.compile(r"<[A-Za-z][\w .:/-]*>|\{\{[^{}]*\}\}|\$\{[^{}]+\}")
"""What people, and scripts before `kubectl apply`, write a value for."""


def to_fill_in(value: object) -> Problem | None:
    """Return what is wrong with a value that is not valid yet, since a placeholder stands in it; None without one."""
    found = _TO_FILL_IN.search(value) if isinstance(value, str) else None
    if found is None:
        return None
    hint = "Fill it in before it is applied: as it is, Kubernetes refuses it."
    return Problem(f"“{found[0]}” is a placeholder, and the value is not valid until it is filled in.", hint=hint)


def find(document: Document) -> Iterator[tuple[Placeholder, Pointer]]:
    """Yield each placeholder in the values of a document, with its place; comments count for nothing."""
    if document.source is None or not _mentions_any(document.source):
        return
    pending: list[tuple[Pointer, object]] = [((), document.data)]
    while pending:
        pointer, value = pending.pop()
        if isinstance(value, dict):
            pending += [((*pointer, key), each) for key, each in value.items()]
        elif isinstance(value, list):
            pending += [((*pointer, index), each) for index, each in enumerate(value)]
        elif isinstance(value, str | int):
            text = str(value)
            for each in PLACEHOLDERS:
                # A domain of which others are parts is meant where it stands alone.
                matches = re.fullmatch if each.text == "example.com" else re.search
                if each.text in text and matches(each.pattern, text):
                    yield each, pointer


@lru_cache(maxsize=4)
def _mentions_any(source: Source) -> bool:
    """Return whether a text may hold a placeholder; asked once of a file with hundreds of documents."""
    return any(each.text in source.text for each in PLACEHOLDERS)
