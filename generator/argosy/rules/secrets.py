"""Rules of secrets: none in Git, and the stores that they come from."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache as once
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from argosy import cache
from argosy.argocd.matching import applied, namespace_of
from argosy.argocd.view import NOTIFICATIONS, SETTINGS, View
from argosy.documents import Document, Pointer
from argosy.documents.fields import field, group_and_kind, mapping, sequence, text
from argosy.findings import Problem, Severity
from argosy.kubernetes.pods import containers
from argosy.paths import content
from argosy.rules.config_maps import entries, example, read
from argosy.rules.examples import APPLICATION, DESTINATION, POD, SOURCE
from argosy.rules.registry import Scope, declare, rule
from argosy.schemas.schema import compiled

if TYPE_CHECKING:
    from detect_secrets.plugins.base import BasePlugin


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
)
"""The detectors that know a credential by its form. Those that use entropy mistake digests for secrets, and that of
Twilio's keys finds the ids of accounts and keys."""


SECRET = "secret-in-git"


@rule(
    SECRET,
    Severity.ERROR,
    Scope.DOCUMENT,
    "A Secret is committed in plain text.",
    explanation="Anyone who can read the repository, its forks or its history can read it; base64 is not encryption. "
    "Rotating the secret does not remove the old value from the history. One finding lists all keys of a Secret. Keys "
    "that hold no secret are left alone: user names, hosts and ports, certificates, ids, placeholders such as "
    "`<TOKEN>`, and configuration without a password, token or key in it.",
    bad="apiVersion: v1\nkind: Secret\nmetadata:\n  name: shop\nstringData:\n  password: hunter2\n",
    good="apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata:\n  name: shop\nspec:\n  secretStoreRef:\n"
    "    kind: ClusterSecretStore\n    name: vault\n  target:\n    name: shop\n  data:\n    - secretKey: password\n"
    "      remoteRef:\n        key: shop/password\n",
)
def secret_in_git(document: Document, view: View) -> Iterator[Problem]:
    """Find Secrets that hold data."""
    for at, secret in _secrets(document.data):
        plain = [
            (*at, part, name)
            for part in ("data", "stringData")
            for name, value in mapping(secret.get(part)).items()
            if value not in (None, "") and not _is_no_secret(secret, name, value, part)
        ]
        if plain and document.is_rendered:
            plain = [pointer for pointer in plain if not _is_made_anew(document, view, pointer[-1])]
        names = ", ".join(f"“{pointer[-1]}”" for pointer in plain)
        for pointer in plain:
            yield Problem(
                f"The Secret's key{'s' if plain[1:] else ''} {names} {'are' if plain[1:] else 'is'} committed in plain "
                "text.",
                pointer,
                "Keep it in a secret store and fetch it with an ExternalSecret, or commit it sealed (SealedSecret, "
                "SOPS). Rotate it: it stays in the history.",
                cause=f"{text(field(secret, 'metadata', 'name'))} {names}",
                in_file=True,
            )


def leaked(document: Document, view: View) -> Iterator[Problem]:
    """Find the keys of Secrets that hold a credential by its form: one is a leak also where nothing applies it."""
    for problem in secret_in_git(document, view):
        value = text(field(document.data, *problem.at))
        if any(_found(_decoded(value) if problem.at[-2] == "data" else value)):
            yield problem


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


_NO_SECRET = re.compile(
    r"(?i:.*(?:user|user-?name|host|host-?name|address|port|e-?mail|mail-?from|database|db-?name|schema|region|bucket"
    r"|endpoint|issuer|realm|scheme|protocol|(?:client|app|tenant|project|account|installation|subscription|key)-id)"
    r"|from|db|domain|ca-?cert|(?:ca|tls|client|server)-(?:crt|cert|pem)|(?:ssh-)?known-hosts)"
)
"""The names of what is no secret, their words separated by hyphens."""
_NO_SECRET_VALUE = re.compile(
    r"(?i:true|false|yes|no|none|null|\d{1,3}|your[-_ ].*|replace[-_ ]?(?:me|this|with).*|<[^<>]*>|\{\{[^{}]*\}\}"
    r"|\$\{[^{}:]*\}|\$\([^()]*\)|[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    r"|(?:-+BEGIN CERTIFICATE-+[^-]*-+END CERTIFICATE-+\s*)+",
    re.DOTALL,
)
"""Switches, placeholders, addresses of mail and certificates."""


_CHANCE = re.compile(r"\b(?:rand\w+|uuidv4|gen(?:CA|PrivateKey|S)\w*|derivePassword)\b")
_ASSIGNED = re.compile(r"\$(\w+)\s*:?=")


def _is_made_anew(document: Document, view: View, key: str | int) -> bool:
    """Return whether a chart's templates make the value of a key by chance, so that Git does not have it."""
    home, found, rest = document.path.rpartition("templates/")
    if not found:
        return False
    folder = view.root / home / "templates"
    wanted = re.compile(rf"""\s*["']?{re.escape(str(key))}["']?\s*:""")
    for file in (folder / rest, *sorted(folder.glob("**/*.tpl"))):
        try:
            lines = content(file, view.root).decode(errors="replace").splitlines()
        except OSError:
            continue
        by_chance = [line for line in lines if _CHANCE.search(line) and ".Values" not in line]
        names = {name for line in by_chance for name in _ASSIGNED.findall(line)}
        own = [line for line in lines if wanted.match(line)]
        if own:
            return any(line in by_chance or any(re.search(rf"\${name}\b", line) for name in names) for line in own)
    return False


def _is_no_secret(secret: Mapping[str, Any], name: str, value: Any, part: str) -> bool:
    if not isinstance(value, str):
        return False
    is_reference = field(secret, "metadata", "name") == "argocd-secret" and _REFERENCE.fullmatch(value)
    if is_reference or _ENCRYPTED.fullmatch(value):
        return True
    held = (_decoded(value) if part == "data" else value).strip()
    if any(_found(held)):
        return False
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[_.]", "-", name)
    is_setting = name in _ARGOCD_SETTINGS and mapping(field(secret, "metadata", "labels")).get(_ARGOCD_TYPE)
    is_setting = is_setting or (secret.get("type") == "bootstrap.kubernetes.io/token" and name != "token-secret")
    is_named = _NO_SECRET.fullmatch(words) and not _HOLDS_SECRET.search(held)
    if is_setting or is_named or _NO_SECRET_VALUE.fullmatch(held):
        return True
    if _names_secret(words):
        return False
    data, wrong = read(held) if ":" in held else (None, "")
    return isinstance(data, dict | list) and not wrong and not any(_secret_in(data))


def _decoded(value: str) -> str:
    """Return what base64 stands for; the text itself where it is none, which the API server refuses."""
    try:
        return b64decode(value).decode()
    except ValueError:
        return value


def _secret_in(data: Any, *, named: bool = False) -> Iterator[str]:
    """Yield what may be secret in a configuration, however deep: what a name says so of, and what says it itself."""
    if isinstance(data, dict):
        for name, value in data.items():
            is_held = isinstance(value, dict | list)
            yield from _secret_in(
                value, named=named or bool((_HOLDERS.search if is_held else _names_secret)(str(name)))
            )
    elif isinstance(data, list):
        for each in data:
            yield from _secret_in(each, named=named)
    elif data and (named or _HOLDS_SECRET.search(str(data))) and not _NO_SECRET_VALUE.fullmatch(str(data)):
        yield str(data)


_HOLDS_SECRET = re.compile(r"(?i)(?:passw(?:or)?d|pwd|pass|secret|token|key)\s*=|/services/\w+/\w+/\w|/hooks/\w{8}")
"""What a connection string, or an address, says of a secret in it."""


_HOLDERS = re.compile(r"(?i)(?:passwords?|tokens?|secrets?|credentials?)$")
"""The names of mappings and lists of secrets."""


def _names_secret(name: str) -> bool:
    return _SECRET_SETTING.search(name) is not None and not _ABOUT_A_SECRET.search(name)


_SECRET_SETTING = re.compile(
    r"(?i)secret|pass(?:w|phrase|es$|$)|pwd|token|bindpw|credential|auth|hook|key|api_?url|connection|dsn|private"
)
"""What is in the names of secrets in the configuration of any tool: rather one too many."""
_ABOUT_A_SECRET = re.compile(
    r"(?i)(?:file|path|dir|name|ref|ttl|expiry|duration|timeout|policy|type|enabled|length|algorithm|usage|mode|method"
    r"|header|ids?)$"
)


CREDENTIAL = declare(
    "credential-in-git",
    Severity.ERROR,
    "A file contains what looks like a credential.",
    explanation="Tokens, private keys and passwords in URLs are recognised by their format. Anyone who can read the "
    "repository, its forks or its history can use them.",
    bad="# file: values.yaml\ndatabase: postgres://shop:hunter2secret@db.example.com/shop\n",
    good="# file: values.yaml\ndatabase: postgres://db.example.com/shop\n",
)


def credentials(texts: Sequence[str]) -> Sequence[Sequence[tuple[int, str]]]:
    """Return the line and the kind of each credential in several texts, which are looked at once."""

    def found() -> Any:
        return [[*_found(text)] for text in texts]

    kept = cache.remembered(lambda: cache.inputs([_finder(), len(texts)], texts=texts), found, lambda *_: True, ())
    return [[(number, kind) for number, kind in each] for each in kept]


@once
def _finder() -> str:
    """Return what decides what is found in a text, besides the text."""
    return cache.maker([Path(__file__)], "detect-secrets")


def _found(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the kind of each credential in a text."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        for kind in _kinds(line) if len(line) > 15 else ():
            # Its first line alone stands in every chart's comments.
            if kind != PRIVATE_KEY or _KEY.search("\n".join(lines[number : number + 6])[:_LONGEST]):
                yield number + 1, kind


PRIVATE_KEY = "Private Key"
_KEY = re.compile(r"(?:BEGIN [A-Z0-9 ]*PRIVATE KEY|PuTTY-User-Key-File)(?:(?!-----END).)*?[A-Za-z0-9+/]{40}", re.DOTALL)
"""A private key's beginning, and what it begins."""
_PLACEHOLDER = re.compile(
    r"(?i)x{8}|\*{3}|example|your[-_ ]|[<>{}%]|\$|\.\.\.|^(?:user(?:name)?|pass(?:word|wd)?|pwd|secret|token)$"
)
"""What stands in a credential's place where documentation shows its form."""
_NAME = re.compile(r"[a-z]{2,}(?:[_-][a-z]{2,})+")
"""Words, which are a name as long as a credential: chance gives digits too."""


@lru_cache(maxsize=1 << 17)
def _kinds(line: str) -> tuple[str, ...]:
    # Charts that one template made have most of their lines in common.
    if "pragma: allowlist secret" in line:
        return ()
    if len(line) > _LONGEST:
        pieces = (line[start : start + _LONGEST] for start in range(0, len(line), _LONGEST - _OVERLAP))
        return tuple(dict.fromkeys(kind for piece in pieces for kind in _kinds(piece)))
    return tuple(
        plugin.secret_type
        for plugin in _plugins()
        if any(not (_PLACEHOLDER.search(each) or _NAME.fullmatch(each)) for each in plugin.analyze_string(line))
    )


_LONGEST = 4000
"""Up to how many characters a line is looked at as a whole: the patterns take the square of that, or more."""
_OVERLAP = 1000
"""How many characters two pieces of a longer line share, as many as a credential may have."""


_AWS_SECRET = re.compile(
    r"(?i:(?:aws.{0,20}?(?:key|pwd|pw|password|pass|token)|secret[_-]?access[_-]?key).{0,3}?\s*[=:]\s*[\"']?)"
    r"((?=[^\"'\s]*[a-z])(?=[^\"'\s]*[A-Z])[0-9a-zA-Z/+]{40})(?![0-9a-zA-Z/+=])"
)
"""A secret key of AWS, by the name of what it is given to: it has no form of its own."""


@once
def _plugins() -> tuple[BasePlugin, ...]:
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class  # noqa: PLC0415
    from detect_secrets.plugins.artifactory import ArtifactoryDetector  # noqa: PLC0415
    from detect_secrets.plugins.aws import AWSKeyDetector  # noqa: PLC0415
    from detect_secrets.plugins.npm import NpmDetector  # noqa: PLC0415

    found: Mapping[str, Callable[[], BasePlugin]] = get_mapping_from_secret_type_to_class()
    plugins = tuple(make() for make in found.values() if make.__name__ in _DETECTORS)
    for each in plugins:
        if isinstance(each, AWSKeyDetector):
            # Its own also finds the ids of keys.
            each.denylist = [_AWS_SECRET]  # type: ignore[assignment]
        elif isinstance(each, ArtifactoryDetector):
            # Its own also takes each long word in capitals that begins with AP for an encrypted password.
            each.denylist = each.denylist[:1]
        elif isinstance(each, NpmDetector):
            # Its own begins with `//.+`, which takes the square of a line's length.
            each.denylist = [re.compile(r"/:_authToken=\s*+(?:npm_.|[A-Fa-f0-9-]{36})")]
    return plugins


@rule(
    "credential-in-environment",
    Severity.WARNING,
    Scope.DOCUMENT,
    "An environment variable or ConfigMap contains a password or token in plain text.",
    explanation="The name of the variable or key suggests a credential. Its value is committed to Git, and anyone "
    "who may read pods or ConfigMaps in the cluster can read it. Store it in a Secret and refer to that.",
    bad=POD.format(image="nginx:1.29.3-alpine") + "      env:\n        - name: DB_PASSWORD\n          value: hunter2\n",
    good=POD.format(image="nginx:1.29.3-alpine") + "      env:\n        - name: DB_PASSWORD\n          valueFrom:\n"
    "            secretKeyRef:\n              name: shop\n              key: password\n",
)
def credential_in_environment(document: Document, view: View) -> Iterator[Problem]:  # noqa: ARG001
    """Find plain values whose names say that they are secret."""
    for pointer, name, value in _plain_values(document.data):
        if _SECRET_NAME.search(name) and value and not _HARMLESS.fullmatch(value):
            yield Problem(
                f"“{name}” looks like a credential in plain text.",
                pointer,
                "Refer to a Secret (valueFrom.secretKeyRef), and keep the Secret out of Git.",
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


_SECRET_KEY = re.compile(r"(?:secret|password|token|bindPW|privateKey|apiKey|signingKey)s?$", re.IGNORECASE)
_LOGIN = example(
    SETTINGS,
    "  oidc.config: |\n    name: Login\n    issuer: https://login.example.com\n    clientID: argocd\n"
    "    clientSecret: {secret}\n",
)


@rule(
    "argocd-secret-in-plain",
    Severity.ERROR,
    Scope.DOCUMENT,
    "A ConfigMap of Argo CD contains a secret in plain text.",
    explanation="Anyone who can read the repository, or ConfigMaps in the namespace argocd, can read it. In "
    "argocd-cm, Argo CD replaces `$name:key` with the key of a Secret labelled `app.kubernetes.io/part-of: argocd`, "
    "and `$key` with a key of argocd-secret. In argocd-notifications-cm, `$key` is a key of "
    "argocd-notifications-secret.",
    bad=_LOGIN.format(secret="hunter2"),
    good=_LOGIN.format(secret="$argocd-sso:clientSecret"),
)
def argocd_secret_in_plain(document: Document, _repository: View) -> Iterator[Problem]:
    """Find secrets that are no references."""
    for name, keys, reference in (
        (SETTINGS, ("dex.config", "oidc.config"), "$argocd-sso:clientSecret"),
        (NOTIFICATIONS, ("service.",), "$slack-token"),
    ):
        for at, key, value in entries(document, name):
            for secret in _plain(read(value)[0]) if key.startswith(keys) else ():
                yield Problem(
                    f"The {secret} in {key} is committed in plain text.",
                    at,
                    f"Refer to a Secret's key, as in “{secret}: {reference}”, and rotate it: it stays in the history.",
                )


def _plain(data: Any) -> Iterator[str]:
    """Yield the name of each secret that is written out, however deep."""
    if isinstance(data, list):
        for each in data:
            yield from _plain(each)
    for name, value in data.items() if isinstance(data, dict) else ():
        if isinstance(value, dict | list):
            yield from _plain(value)
        elif isinstance(value, str) and value and _SECRET_KEY.search(str(name)) and not value.startswith("$"):
            yield str(name)


# Secret stores


def _external_secret(store: str) -> str:
    return f"""
# file: apps/my-app/external-secret.yaml
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {{name: my-app}}
spec:
  secretStoreRef: {{kind: ClusterSecretStore, name: {store}}}
  target: {{name: my-app}}
  dataFrom: [{{extract: {{key: my-app/dev}}}}]
# file: platform/store.yaml
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {{name: dev}}
spec:
  provider:
    vault:
      server: https://vault.example.com:8200
      auth: {{kubernetes: {{mountPath: kubernetes, role: dev}}}}
"""


@rule(
    "unknown-secret-store",
    Severity.WARNING,
    Scope.REPOSITORY,
    "An ExternalSecret refers to a store that does not exist, or that its namespace may not use.",
    explanation="The External Secrets Operator then creates no Secret, and pods that use it do not start. This is "
    "only checked if the repository contains stores, because others may be created elsewhere.",
    bad=_external_secret("prod") + APPLICATION + SOURCE + DESTINATION,
    good=_external_secret("dev") + APPLICATION + SOURCE + DESTINATION,
)
def unknown_secret_store(repository: View) -> Iterator[Problem]:
    """Find references to secret stores that are not there, or not for this namespace."""
    stores = _stores(repository)
    for application in repository.applications if stores else ():
        for document in applied(application, repository):
            if group_and_kind(document.data) != ("external-secrets.io", "ExternalSecret"):
                continue
            at = ("spec", "secretStoreRef")
            kind = text(field(document.data, *at, "kind")) or "SecretStore"
            name = text(field(document.data, *at, "name"))
            namespace = text(field(document.data, "metadata", "namespace")) or namespace_of(application)
            store = stores.get((kind, name))
            if name and store is None:
                known = sorted(each for own, each in stores if own == kind)
                yield Problem(
                    f"The {kind} “{name}” does not exist in this repository.",
                    (*at, "name"),
                    f"There are {', '.join(known)}." if known else f"There is no {kind}.",
                    document,
                    cause=f"{kind} {name}",
                )
            elif store is not None and not _admits(store, namespace):
                yield Problem(
                    f"The {kind} “{name}” does not allow the namespace {namespace}: see its conditions.",
                    (*at, "name"),
                    "Use another store, or add the namespace to the store's conditions.",
                    document,
                )


def _stores(repository: View) -> Mapping[tuple[str, str], Document]:
    made = (document for documents in repository.rendered.values() for document in documents)
    return {
        (text(document.data["kind"]), text(field(document.data, "metadata", "name"))): document
        for document in (*repository.documents, *made)
        if group_and_kind(document.data)[0] == "external-secrets.io"
        and field(document.data, "kind") in ("ClusterSecretStore", "SecretStore")
    }


def _admits(store: Document, namespace: str) -> bool:
    """Return whether a store's conditions let a namespace in; what its labels decide is not known here."""
    conditions = [mapping(each) for each in sequence(field(store.data, "spec", "conditions"))]
    if not conditions or not namespace or field(store.data, "kind") != "ClusterSecretStore":
        return True
    return any(
        "namespaceSelector" in each
        or namespace in sequence(each.get("namespaces"))
        or any(_searches(pattern, namespace) for pattern in sequence(each.get("namespaceRegexes")))
        for each in conditions
    )


def _searches(pattern: object, namespace: str) -> bool:
    """Return whether a pattern of Go's is found in a namespace; also where it is none, which others judge."""
    try:
        return not compiled({"pattern": text(pattern)}, {}, of_crd=True).violations(namespace)
    except ValueError:
        return True
