"""The credential with which Argo CD reads a private repository: a Secret, made of what never is on a command line."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from argosy import hosting
from argosy.errors import UsageError
from argosy.kubernetes.cluster import NAMESPACE
from argosy.kubernetes.manifests import Manifest

SECRET = "gitops-repository"


@dataclass(frozen=True, slots=True)
class Credential:
    """A token for HTTPS, or a private key for SSH."""

    source: str
    """Where it comes from, as it was asked for: `env:NAME` or `file:PATH`."""
    text: str = field(repr=False)
    user: str = ""

    @classmethod
    def read(cls, source: str, user: str) -> Credential:
        """Read a credential from `env:NAME` or `file:PATH`; raise UsageError where nothing is there."""
        kind, _, name = source.partition(":")
        if kind == "env" and name:
            text = os.environ.get(name, "")
            if not text.strip():
                raise UsageError(f"The environment variable {name} is not set, or empty.", f"export {name}=…")
        elif kind == "file" and name:
            try:
                text = Path(name).expanduser().read_text(encoding="utf-8")
            except (OSError, ValueError, RuntimeError) as error:
                home = "there is no such home directory" if isinstance(error, RuntimeError) else ""
                reason = error.strerror if isinstance(error, OSError) else home or "not a text file"
                raise UsageError(
                    f"{name} cannot be read: {reason}.", "Name a file with a token or an SSH key."
                ) from error
        else:
            # The value may be the secret itself, so it is not repeated.
            raise UsageError(
                "--credential does not say where the credential is.",
                "Write env:NAME for an environment variable, or file:PATH. Never the credential itself: others see it "
                "in the list of processes, and it stays in the shell's history.",
            )
        return cls(source, text, user)

    def secret(self, url: str, namespace: str = NAMESPACE) -> Manifest:
        """Return the Secret that gives the credential to Argo CD; raise UsageError where it does not suit the URL."""
        data = {"type": "git", "url": url}
        is_key = self.text.lstrip().startswith("-----BEGIN")
        if "://" not in url or url.startswith("ssh://"):
            if not is_key:
                raise UsageError(
                    f"{self.source} holds no private key, and {url} is read by SSH.",
                    "Name a file with a key that has no passphrase: ssh-keygen -t ed25519 -N '' -f KEY. KEY.pub is for "
                    "the repository's deploy keys.",
                )
            data["sshPrivateKey"] = self.text.strip() + "\n"
        elif is_key:
            raise UsageError(
                f"{self.source} holds a private key, and {url} is read by HTTPS.",
                "Name a token, or give the repository an SSH URL: argosy set repository repoURL=git@….",
            )
        else:
            data |= {
                "username": self.user or hosting.token_user(urlsplit(url).hostname or ""),
                "password": self.text.strip(),
            }
        return {
            **{"apiVersion": "v1", "kind": "Secret", "type": "Opaque"},
            "metadata": {
                **{"name": SECRET, "namespace": namespace},
                "labels": {"argocd.argoproj.io/secret-type": "repository"},
            },
            "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
        }

    def hidden(self, text: str) -> str:
        """Return a text without the credential, in whatever form."""
        for secret in (self.text, self.text.strip()):
            for form in (secret, base64.b64encode(secret.encode()).decode()):
                text = text.replace(form, "…") if form else text
        return text


def covers(purpose: str, known: str, url: str) -> bool:
    """Return whether one of Argo CD's Secrets, a `repository` or `repo-creds`, applies to a repository."""
    if purpose == "repository":
        return _plain(known) == _plain(url)
    return purpose == "repo-creds" and bool(known) and url.startswith(known)


def _plain(url: str) -> str:
    return url.lower().rstrip("/").removesuffix(".git")
