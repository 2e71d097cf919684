"""How each Git host notifies Argo CD of a push: `webhooks.json`, read and typed.

Source: `docs/operator-manual/webhook.md` in Argo CD's repository.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Webhook:
    """How a host notifies Argo CD of a push."""

    host: str
    keys: Sequence[str]
    """The keys of argocd-secret that hold what the host signs with."""
    settings: str
    """Where it is configured, with `{host}` and `{project}`."""
    how: str


@cache
def _data() -> Any:
    return json.loads(Path(__file__).with_name("webhooks.json").read_text(encoding="utf-8"))


def webhook(host: str) -> Webhook | None:
    """Return how the host of that name, such as github.com, announces pushes; None for a kind that is not known."""
    for each in _data()["webhooks"]:
        if any(name in host for name in each["names"]):
            return Webhook(each["host"], each["keys"], each["settings"], each["how"])
    return None
