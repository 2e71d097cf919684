"""A kubectl that is played: it asks a server of this process what the real one asks it, and prints what that prints.

A process of kubectl takes 60 ms of CPU, most of it to start, and a story asks it a dozen times. What is not known here
is the real kubectl's, and `test_played.py` compares the two.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest

from argosy.kubernetes import cluster, kubectl
from tests import shared
from tests.loopback import answered

Object = dict[str, Any]
_FLAGS = {
    *("--all-namespaces", "--force-conflicts", "--ignore-not-found", "--minify", "--no-headers", "--server-side"),
}
"""The options that take no value."""
_KEYS = '{{range $key, $_ := .data}}{{$key}}{{"\\n"}}{{end}}'
_CURRENT = "{.current-context}{'\\n'}{.clusters[0].cluster.server}"


class UnknownError(Exception):
    """Something that is left to the real kubectl."""


class _RefusalError(Exception):
    """What a server refuses, as kubectl says it."""

    def __init__(self, status: Object) -> None:
        super().__init__(f"Error from server ({status['reason']}): {status['message']}")
        self.status = status


def instead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have argosy ask the played kubectl wherever it would start the one that it brings along."""
    monkeypatch.setattr(kubectl, "subprocess", SimpleNamespace(**{**vars(subprocess), "run": _run}))


def _run(command: Sequence[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
    own = kubectl.bundled()
    if own and Path(command[0]).resolve() == Path(own).resolve():
        with suppress(UnknownError, OSError):
            return _built(command, options) if command[1] == "kustomize" else answer(command, options.get("input"))
    return subprocess.run(command, **options)  # noqa: PLW1510


def _built(command: Sequence[str], options: Mapping[str, Any]) -> subprocess.CompletedProcess[bytes]:
    """Return what the real kubectl builds of a folder, which it is asked once: of the same files comes the same."""
    folder = Path(command[2])
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
    if any(sign in text for text in files.values() for sign in (b"../", b"://")):  # It reads more than these.
        raise UnknownError

    def build() -> tuple[int, bytes, bytes]:
        done = subprocess.run(command, **options)  # noqa: PLW1510
        return done.returncode, done.stdout, done.stderr

    return subprocess.CompletedProcess(command, *shared.value(f"kubectl kustomize {files}", build))


def answer(command: Sequence[str], stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """Return what kubectl prints, and its exit code; raise an error where that is not known here."""
    words, options = _read(command[1:])
    form = KNOWN.get(shape(command[1:]))
    if form is None or options.get("--output", "json") not in _OUTPUTS:
        raise UnknownError
    printed, errors = "", list[_RefusalError | str]()
    for each in form(_Call(words[1:], options, stdin or b"")):
        if isinstance(each, _RefusalError):
            errors.append(each)
        else:
            printed += each
    said = "".join(f"{each}\n" for each in errors)
    return subprocess.CompletedProcess(command, 1 if errors else 0, printed.encode(), said.encode())


def shape(arguments: Sequence[str]) -> tuple[str, ...]:
    """Return a command with the names of its options, whose order says nothing."""
    words, options = _read(arguments)
    return (words[0], *sorted(options.keys() - {"--context", "--request-timeout"}))


def _read(arguments: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    words, options, left = list[str](), dict[str, str](), [*arguments]
    while left:
        word = left.pop(0)
        name, equals, value = word.partition("=")
        if not word.startswith("--"):
            words.append(word)
        else:
            options[name] = value if equals or name in _FLAGS else left.pop(0)
    return words, options


_Printed = Iterator["str | _RefusalError"]
_RESOURCES: dict[tuple[str, str], list[Object]] = {}
"""What servers have said of their kinds, as kubectl keeps it in the home."""


@dataclass(frozen=True)
class _Call:
    """A call of kubectl, and the server that it reaches."""

    words: Sequence[str]
    options: Mapping[str, str]
    stdin: bytes

    @cached_property
    def configuration(self) -> Object:
        """The kubeconfig, as tests write it."""
        found: Object = json.loads(Path(os.environ["KUBECONFIG"]).read_bytes())
        return found

    @cached_property
    def context(self) -> str:
        """The name of the context that is meant."""
        name = self.options.get("--context", "") or self.configuration["current-context"]
        if name not in {each["name"] for each in self.configuration["contexts"]}:
            raise UnknownError
        return str(name)

    @cached_property
    def server(self) -> str:
        """The URL of the server."""
        contexts = {each["name"]: each["context"]["cluster"] for each in self.configuration["contexts"]}
        servers = {each["name"]: each["cluster"]["server"] for each in self.configuration["clusters"]}
        return str(servers[contexts[self.context]])

    def ask(self, path: str, method: str = "GET", body: Object | None = None, **query: str) -> Object:
        """Ask the server, and return its answer; raise _RefusalError."""
        limit = {key: self.options[f"--request-{key}"] for key in ("timeout",) if f"--request-{key}" in self.options}
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if "--as" in self.options:
            headers["Impersonate-User"] = self.options["--as"]
        target = f"{path}?{urlencode(sorted({**query, **limit}.items()))}"
        sent = json.dumps(body, sort_keys=True).encode() if body else b""
        found: Object = json.loads(answered(self.server, method, target, headers, sent))
        if found.get("kind") == "Status" and found.get("status") == "Failure":
            raise _RefusalError(found)
        return found

    def discovered(self, *, anew: bool = False) -> list[Object]:
        """Return the kinds that the server has, each with its group and version."""
        key = (os.environ["HOME"], self.server)
        if anew or key not in _RESOURCES:
            try:
                _RESOURCES[key] = [*self._discover()]
            except _RefusalError:
                raise UnknownError from None
        return _RESOURCES[key]

    def _discover(self) -> Iterator[Object]:
        versions = [("/api/v1", "", "v1")] if self.ask("/api") else []
        for group in self.ask("/apis")["groups"]:
            preferred = group["preferredVersion"]
            versions.append((f"/apis/{preferred['groupVersion']}", group["name"], preferred["version"]))
        for base, name, version in versions:
            for each in self.ask(base)["resources"]:
                if "/" not in each["name"] and each["verbs"]:
                    yield {**each, "base": base, "group": name, "version": version}

    def resource(self, is_meant: Callable[[Object], bool]) -> Object | None:
        """Return the kind that is meant; None where the server has none such."""
        for anew in (False, True):
            for each in self.discovered(anew=anew):
                if is_meant(each):
                    return each
        return None

    def named(self, name: str) -> Object:
        """Return the kind that has a name, such as `pods` or `deployments.apps`; raise _AbsentError."""
        plural, _, group = name.partition(".")
        found = self.resource(
            lambda each: plural in {each["name"], each["singularName"]} and group in {"", each["group"]}
        )
        if found is None:
            where = f' in group "{group}"' if group else ""
            raise _AbsentError(f'error: the server doesn\'t have a resource type "{plural}"{where}')
        return found

    def of_manifest(self, manifest: Object) -> Object:
        """Return the kind of a manifest."""
        group, _, version = manifest["apiVersion"].rpartition("/")
        wanted = group, version, manifest["kind"]
        found = self.resource(lambda each: (each["group"], each["version"], each["kind"]) == wanted)
        if found is None:
            raise UnknownError
        return found

    def path(self, resource: Object, namespace: str, name: str = "") -> str:
        """Return the path of objects, or of one."""
        within = f"/namespaces/{namespace}" if resource["namespaced"] and namespace else ""
        return f"{resource['base']}{within}/{resource['name']}{f'/{name}' if name else ''}"

    def one(self, resource: Object, namespace: str, name: str) -> Iterator[Object | _RefusalError]:
        """Yield an object, or why there is none, unless that is not to matter."""
        try:
            yield self.ask(self.path(resource, namespace, name))
        except _RefusalError as refusal:
            if refusal.status["code"] == 404 and resource["namespaced"]:
                try:
                    self.ask(f"/api/v1/namespaces/{namespace}")
                except _RefusalError as lost:
                    refusal = lost
            if refusal.status["code"] != 404 or "--ignore-not-found" not in self.options:
                yield refusal

    def manifests(self) -> list[Object]:
        """Return the objects of the standard input."""
        return [json.loads(line) for line in self.stdin.splitlines()]


class _AbsentError(_RefusalError):
    """A kind that a server does not have."""

    def __init__(self, message: str) -> None:
        Exception.__init__(self, message)


def _get(call: _Call) -> _Printed:
    """Print objects as they are."""
    kinds, *names = call.words if "--filename" not in call.options else [""]
    found: list[Object | _RefusalError] = []
    if "--filename" in call.options:
        for each in call.manifests():
            found += call.one(call.of_manifest(each), each["metadata"].get("namespace", ""), each["metadata"]["name"])
    else:
        try:
            resources = [call.named(each) for each in kinds.split(",")]
        except _AbsentError as absent:
            yield absent
            return
        namespace = call.options.get("--namespace", "")
        if not (namespace or "--all-namespaces" in call.options) and any(each["namespaced"] for each in resources):
            raise UnknownError
        for resource in resources:
            for name in names:
                found += call.one(resource, namespace, name)
            if not names:
                found += _list(call, resource, namespace)
    objects = [each for each in found if not isinstance(each, _RefusalError)]
    yield from (each for each in found if isinstance(each, _RefusalError))
    is_one = len(names) == 1 and "," not in kinds
    if is_one and not objects:
        return
    if objects or "--ignore-not-found" not in call.options:
        listed = {"apiVersion": "v1", "items": objects, "kind": "List", "metadata": {"resourceVersion": ""}}
        yield _OUTPUTS[call.options["--output"]](objects[0] if is_one else listed)


def _list(call: _Call, resource: Object, namespace: str) -> Iterator[Object | _RefusalError]:
    selectors = {"fieldSelector": "--field-selector", "labelSelector": "--selector"}
    query = {name: call.options[option] for name, option in selectors.items() if option in call.options}
    try:
        listed = call.ask(call.path(resource, namespace), "GET", None, limit="500", **query)
    except _RefusalError as refusal:
        yield refusal
        return
    for each in listed["items"]:
        yield {"apiVersion": listed["apiVersion"], "kind": listed["kind"].removesuffix("List"), **each}


def _json(found: object) -> str:
    """Return JSON as Go writes it for people."""
    text = json.dumps(found, indent=4, ensure_ascii=False, sort_keys=True)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return f"{text}\n"


def _credentials(listed: Object) -> str:
    """Return what argosy asks of Argo CD's Secrets."""

    def row(secret: Object) -> Iterable[str]:
        labels, data = secret["metadata"].get("labels"), secret.get("data", {})
        yield secret["metadata"]["name"]
        yield (labels or {}).get("argocd.argoproj.io/secret-type", "")
        yield from (data.get(key, "") for key in ("url", "server", "name"))
        yield json.dumps(labels, sort_keys=True, separators=(",", ":")) if labels is not None else ""

    return "".join("\t".join(row(each)) + "\n" for each in listed["items"])


_OUTPUTS: Mapping[str, Callable[[Object], str]] = {
    "json": _json,
    f"go-template={_KEYS}": lambda found: "".join(f"{each}\n" for each in sorted(found.get("data", {}))),
    f"jsonpath={cluster._SECRETS}": _credentials,
    f"jsonpath={_CURRENT}": str,
}


def _apply(call: _Call) -> _Printed:
    """Have the server apply manifests."""
    dry = {"dryRun": "All"} if "--dry-run" in call.options else {}
    query = {**dry, "fieldManager": "kubectl", "fieldValidation": "Strict", "force": "true"}
    wanted = call.manifests()
    kinds = [call.of_manifest(each) for each in wanted]  # All of them, before anything is changed.
    if any(
        kind["namespaced"] and not each["metadata"].get("namespace") for kind, each in zip(kinds, wanted, strict=True)
    ):
        raise UnknownError
    applied, refused = [], []
    for kind, each in zip(kinds, wanted, strict=True):
        place = call.path(kind, each["metadata"].get("namespace", ""), each["metadata"]["name"])
        try:
            applied.append(call.ask(place, "PATCH", each, **query))
        except _RefusalError as refusal:
            refused.append(refusal)
    if refused:
        yield from refused
    elif len(applied) == 1:
        yield _json(applied[0])
    else:
        items = _json(applied).rstrip("\n").replace("\n", "\n    ")
        yield f'{{\n    "kind": "List",\n    "apiVersion": "v1",\n    "metadata": {{}},\n    "items": {items}\n}}\n'


def _create(call: _Call) -> _Printed:
    """Have the server answer reviews of what somebody may do."""
    reviews = call.manifests()
    if {each["kind"] for each in reviews} != {"SelfSubjectAccessReview"}:
        raise UnknownError
    for each in reviews:
        place = call.path(call.of_manifest(each), "")
        try:
            yield _json(call.ask(place, "POST", each, fieldManager="kubectl-create", fieldValidation="Ignore"))
        except _RefusalError as refusal:
            status = {**refusal.status, "message": f'error when creating "STDIN": {refusal.status["message"]}'}
            yield _RefusalError(status)


def _api_resources(call: _Call) -> _Printed:
    """List the kinds, by their groups."""
    found = sorted(call.discovered(anew=True), key=lambda each: (each["group"], each["name"]))
    rows = [
        (
            *(each["name"], ",".join(each.get("shortNames", ()))),
            *(f"{each['group']}/{each['version']}".removeprefix("/"), str(each["namespaced"]).lower(), each["kind"]),
        )
        for each in found
    ]
    widths = [max(6, *(len(row[column]) + 3 for row in rows if row[column]), 0) for column in range(4)]
    for *row, kind in rows:
        yield "".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + f"{kind}\n"


def _version(call: _Call) -> _Printed:
    """Print kubectl's own version, and the server's."""
    told = call.ask("/version")
    names = (
        "major",
        "minor",
        "gitVersion",
        "gitCommit",
        "gitTreeState",
        "buildDate",
        "goVersion",
        "compiler",
        "platform",
    )
    own = json.loads(shared.value("kubectl version", _own_version))
    yield json.dumps({**own, "serverVersion": {each: told.get(each, "") for each in names}}, indent=2) + "\n"


def _own_version() -> str:
    command = [str(kubectl.bundled()), "version", "--client", "--output=json"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _config(call: _Call) -> _Printed:
    """Print the current context and its server."""
    yield f"{call.context}\n{call.server}"


_OF_FILE = ("--filename", "--force-conflicts", "--output", "--server-side")
KNOWN: Mapping[tuple[str, ...], Callable[[_Call], _Printed]] = {
    ("config", "--minify", "--output"): _config,
    ("version", "--output"): _version,
    ("api-resources", "--no-headers"): _api_resources,
    ("create", "--filename", "--output", "--validate"): _create,
    ("create", "--as", "--filename", "--output", "--validate"): _create,
    ("apply", *_OF_FILE): _apply,
    ("apply", "--dry-run", *_OF_FILE): _apply,
    ("get", "--filename", "--ignore-not-found", "--output"): _get,
    ("get", "--ignore-not-found", "--output"): _get,
    ("get", "--all-namespaces", "--output"): _get,
    ("get", "--all-namespaces", "--field-selector", "--output"): _get,
    ("get", "--all-namespaces", "--ignore-not-found", "--output", "--selector"): _get,
    ("get", "--namespace", "--output"): _get,
    ("get", "--field-selector", "--namespace", "--output"): _get,
    ("get", "--ignore-not-found", "--namespace", "--output"): _get,
    ("get", "--namespace", "--output", "--selector"): _get,
}
"""What is known, by its `shape`."""
