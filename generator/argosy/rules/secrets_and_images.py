"""Rules of good practice: no secrets in Git, and images that say what they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from argosy.argocd.view import View
from argosy.documents import Document, Pointer
from argosy.findings import Problem, Severity
from argosy.kubernetes.pods import containers, images
from argosy.rules.registry import Scope, declare, rule

if TYPE_CHECKING:
    from detect_secrets.plugins.base import BasePlugin

_POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: shop
spec:
  containers:
    - name: shop
      image: {image}
"""

_DETECTORS = (
    "ArtifactoryDetector",
    "AWSKeyDetector",
    "AzureStorageKeyDetector",
    "BasicAuthDetector",
    "CloudantDetector",
    "DiscordBotTokenDetector",
    "GitHubTokenDetector",
    "GitLabTokenDetector",
    "IbmCloudIamDetector",
    "JwtTokenDetector",
    "MailchimpDetector",
    "NpmDetector",
    "OpenAIDetector",
    "PrivateKeyDetector",
    "PypiTokenDetector",
    "SendGridDetector",
    "SlackDetector",
    "SquareOAuthDetector",
    "StripeDetector",
    "TelegramBotTokenDetector",
    "TwilioKeyDetector",
)
"""The detectors that know a credential by its form. Those that judge by entropy take digests for secrets."""


@rule(
    "secret-in-git",
    Severity.ERROR,
    Scope.DOCUMENT,
    "A Secret with its data stands in Git.",
    explanation="Everyone who can read the repository, its forks and its history can read it; base64 hides nothing. "
    "Rotating it does not remove it from the history.",
    bad="apiVersion: v1\nkind: Secret\nmetadata:\n  name: shop\nstringData:\n  password: hunter2\n",
    good="apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata:\n  name: shop\nspec:\n  secretStoreRef:\n"
    "    kind: ClusterSecretStore\n    name: vault\n  target:\n    name: shop\n  data:\n    - secretKey: password\n"
    "      remoteRef:\n        key: shop/password\n",
)
def secret_in_git(document: Document, view: View) -> Iterator[Problem]:  # noqa: ARG001
    """Find Secrets that hold data."""
    for at, secret in _secrets(document.data):
        for field in ("data", "stringData"):
            values = secret.get(field)
            for name, value in values.items() if isinstance(values, dict) else ():
                if value not in (None, "") and not _is_no_secret(secret, str(name), value):
                    yield Problem(
                        f"The Secret's “{name}” stands in Git for everyone who can read the repository.",
                        (*at, field, name),
                        "Keep it in a secret store and fetch it with an ExternalSecret, or commit it sealed "
                        "(SealedSecret, SOPS); then rotate it, since the history keeps it.",
                    )


def _secrets(data: Any) -> Iterator[tuple[Pointer, dict[str, Any]]]:
    """Yield a Secret, or the Secrets that the SOPS operator makes of a SopsSecret, with their places."""
    kind, version = data.get("kind"), str(data.get("apiVersion"))
    if kind == "Secret" and version == "v1":
        yield (), data
    elif kind == "SopsSecret" and version.startswith("isindir.github.com/"):
        spec = data.get("spec")
        listed = spec.get("secretTemplates") if isinstance(spec, dict) else None
        for index, template in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(template, dict):
                yield ("spec", "secretTemplates", index), template


_ENCRYPTED = re.compile(r"ENC\[AES256_GCM,.+\]", re.DOTALL)
"""What SOPS makes of a value."""
_REFERENCE = re.compile(r"\$[\w.-]+(:[\w.-]+)?")
"""What Argo CD replaces with a key of its own Secret, or of another one: $key, $secret:key."""
_ARGOCD_TYPE = "argocd.argoproj.io/secret-type"
_ARGOCD_SETTINGS = frozenset(
    {
        *("name", "server", "namespaces", "clusterResources", "project", "shard"),
        *("url", "type", "insecure", "enableLfs", "enableOCI", "insecureOCIForceHttp", "forceHttpBasicAuth", "depth"),
        *("proxy", "noProxy", "githubAppID", "githubAppInstallationID", "githubAppEnterpriseBaseUrl", "username"),
        *("useAzureWorkloadIdentity", "tlsClientCertData"),
    }
)
"""What is no secret in Argo CD's own Secrets for clusters and repositories."""


def _is_no_secret(secret: Mapping[str, Any], name: str, value: Any) -> bool:
    if not isinstance(value, str):
        return False
    if _ENCRYPTED.fullmatch(value):
        return True
    metadata = secret.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    labels = metadata.get("labels")
    if isinstance(labels, dict) and labels.get(_ARGOCD_TYPE):
        return name in _ARGOCD_SETTINGS and not any(_kinds(value))
    return metadata.get("name") == "argocd-secret" and _REFERENCE.fullmatch(value) is not None


CREDENTIAL = declare(
    "credential-in-git",
    Severity.ERROR,
    "A file holds what looks like a credential.",
    explanation="A token, a private key or a password within a URL has the form that its issuer gives it. Everyone "
    "who can read the repository, its forks and its history can use it.",
    bad="# file: values.yaml\ndatabase: postgres://shop:hunter2secret@db.example.com/shop\n",
    good="# file: values.yaml\ndatabase: postgres://db.example.com/shop\n",
)


def credentials(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the kind of each credential in a text."""
    for number, line in enumerate(text.splitlines(), start=1):
        for kind in _kinds(line) if len(line) > 15 else ():
            yield number, kind


@lru_cache(maxsize=1 << 17)
def _kinds(line: str) -> tuple[str, ...]:
    # Charts that one template made have most of their lines in common.
    if "pragma: allowlist secret" in line:
        return ()
    return tuple(plugin.secret_type for plugin in _plugins() if any(plugin.analyze_string(line)))


@cache
def _plugins() -> tuple[BasePlugin, ...]:
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class  # noqa: PLC0415

    found: Mapping[str, Callable[[], BasePlugin]] = get_mapping_from_secret_type_to_class()
    return tuple(make() for make in found.values() if make.__name__ in _DETECTORS)


@rule(
    "credential-in-environment",
    Severity.WARNING,
    Scope.DOCUMENT,
    "An environment variable or a ConfigMap holds a password or the like as plain text.",
    explanation="A variable named like a password, token or key with its value beside it stands in Git, and in the "
    "cluster everyone who may read pods or ConfigMaps reads it. Such values belong into a Secret, which the manifest "
    "refers to.",
    bad=_POD.format(image="nginx:1.29.3-alpine")
    + "      env:\n        - name: DB_PASSWORD\n          value: hunter2\n",
    good=_POD.format(image="nginx:1.29.3-alpine") + "      env:\n        - name: DB_PASSWORD\n          valueFrom:\n"
    "            secretKeyRef:\n              name: shop\n              key: password\n",
)
def credential_in_environment(document: Document, view: View) -> Iterator[Problem]:  # noqa: ARG001
    """Find plain values whose names say that they are secret."""
    for pointer, name, value in _plain_values(document.data):
        if _SECRET_NAME.search(name) and value and not _HARMLESS.fullmatch(value):
            yield Problem(
                f"“{name}” looks like a credential, and its value stands here as plain text.",
                pointer,
                "Refer to a Secret's key (valueFrom.secretKeyRef), and keep the Secret itself out of Git.",
            )


_SECRET_NAME = re.compile(
    r"(?:^|[^a-z])(?:passwords?|passwd|pwd|passphrase|tokens?|secrets?|credentials?|(?:api|access|private|signing|encryption)[_.-]?keys?)$",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"(?i:true|false|yes|no|none|null|\d{1,3})|\$[({].*[)}]|\{\{.*\}\}|<.*>|/.*|[a-z]+:/?/[^@]*|\$\w+"
)
"""What is no credential, whatever its name: a switch, a reference to another variable, a placeholder, a path, a URL."""


def _plain_values(data: Any) -> Iterator[tuple[Pointer, str, str]]:
    """Yield the place, the name and the value of each variable of a container, and of each entry of a ConfigMap."""
    for at, container in containers(data):
        listed = container.get("env")
        for index, variable in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(variable, dict) and isinstance(variable.get("value"), str):
                yield (*at, "env", index, "value"), str(variable.get("name", "")), variable["value"]
    entries = data.get("data") if data.get("kind") == "ConfigMap" else None
    for name, value in entries.items() if isinstance(entries, dict) else ():
        if isinstance(value, str):
            yield ("data", name), name, value


@rule(
    "image-tag",
    Severity.WARNING,
    Scope.DOCUMENT,
    "An image has no tag, or the tag `latest`.",
    explanation="What runs then depends on when a node pulled the image: environments differ although Git says the "
    "same, a rollback of the commit rolls nothing back, and Argo CD sees no change when a new image is pushed.",
    bad=_POD.format(image="nginx"),
    good=_POD.format(image="nginx:1.29.3-alpine"),
)
def image_tag(document: Document, view: View) -> Iterator[Problem]:
    """Find images whose reference does not say which version it is."""
    if document.path in view.overlaid and document.source is not None:
        return  # The overlays that build it are judged instead.
    for pointer, image in images(document.data):
        name, at, _ = image.partition("@")
        _, colon, tag = name.rpartition("/")[2].partition(":")
        if at or (colon and tag not in {"", "latest"}):
            continue
        yield Problem(
            f"The image “{image}” {'has the tag “latest”' if tag else 'has no tag, which means “latest”'}.",
            pointer,
            "Name a version, or better a digest (repository:tag@sha256:…).",
        )
