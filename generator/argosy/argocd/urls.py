"""Git URLs as Argo CD compares them."""

from __future__ import annotations

import re

_SSH_URL = re.compile(r"(ssh://)?([^/:]*?)@[^@]+")


def normal_url(url: str) -> str:
    """Return a Git URL as Argo CD compares it: in lower case, without `.git` and `ssh://`.

    Source: NormalizeGitURL in Argo CD's util/git.
    """
    url = url.strip().lower()
    if _SSH_URL.fullmatch(url) and not url.startswith("ssh://"):
        url = url.replace(":", "/", 1)
    return url.removesuffix(".git").removeprefix("ssh://")
