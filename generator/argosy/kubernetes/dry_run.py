"""Ask an API server what it says of manifests, by its own dry run: it validates and admits, and changes nothing."""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from argosy import temporary
from argosy.documents import Pointer
from argosy.documents.fields import JSON, group_of, integer, mapping, sequence, text
from argosy.documents.fields import field as at
from argosy.errors import IncompleteError, ToolError
from argosy.kubernetes import kubectl

_AT_ONCE = 8
"""How many objects are asked about at a time: few for a cluster, and enough not to wait for the network."""
_DISCOVERY = ", ".join(
    f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList" for version in ("v2", "v2beta1")
)
_QUERY = "dryRun=All&fieldManager=argosy"
_PLACE = "default"
"""The namespace that each cluster has, in which an object is tried whose own is not there yet."""


class Outcome(StrEnum):
    """What came out of asking about a manifest."""

    TAKEN = "taken"
    REFUSED = "refused"
    UNSERVED = "unserved"
    """The server has no such kind."""
    FORBIDDEN = "forbidden"
    """Nobody may ask, by this kubeconfig."""
    UNANSWERED = "unanswered"


class Refusal(NamedTuple):
    """One thing that the server does not like."""

    at: Pointer
    field: str
    """The field as the server names it; empty where it names none."""
    message: str


class Verdict(NamedTuple):
    """What the server says of a manifest."""

    outcome: Outcome
    refusals: Sequence[Refusal] = ()
    why: str = ""
    """Why nobody knows, where it was not answered."""


class Resource(NamedTuple):
    """Where the server has a kind."""

    base: str
    """The path of its group and version."""
    plural: str
    is_namespaced: bool
    verbs: frozenset[str]


@dataclass(frozen=True)
class Access:
    """Which cluster is asked, by which kubeconfig."""

    context: str = ""
    """Empty: the kubeconfig's current one."""
    kubeconfig: Path | None = None

    @property
    def options(self) -> Sequence[str]:
        """The options of kubectl that choose it."""
        chosen = [f"--kubeconfig={self.kubeconfig}"] if self.kubeconfig else []
        return [*chosen, *([f"--context={self.context}"] if self.context else [])]

    def described(self) -> tuple[str, str]:
        """Return the context's name and the URL of its API server; raise ToolError where there is none."""
        form = "--output=jsonpath={.current-context}{'\\n'}{.clusters[0].cluster.server}"
        name, _, url = kubectl.run("config", "view", "--minify", form, *self.options).partition("\n")
        return self.context or name, url.strip().rstrip("/")


@contextmanager
def asking(access: Access) -> Iterator[Server]:
    """Yield the API server of a context; raise IncompleteError where there is none, or it does not answer."""
    with ExitStack() as stack:
        try:
            name, url = access.described()
            # The whole path of a socket has at most a hundred characters.
            folder = stack.enter_context(temporary.folder("kubectl"))
            server = Server(stack.enter_context(kubectl.proxy(folder, *access.options)), name, url)
            stack.callback(server.close)
            server.check()
        except ToolError as error:
            raise IncompleteError(error.message, error.hint) from error
        yield server


@dataclass(eq=False)
class Server:
    """An API server, asked through kubectl."""

    place: Path
    context: str
    url: str
    _own: threading.local = field(default_factory=threading.local)
    _opened: list[_Connection] = field(default_factory=list)

    def close(self) -> None:
        """Close what threads have left open."""
        for each in self._opened:
            each.close()

    def check(self) -> None:
        """Raise ToolError unless the server answers, and knows who asks."""
        code, body = self._ask("GET", "/version")
        if code == http.HTTPStatus.UNAUTHORIZED:
            message, hint = "not logged in", "Log in to the cluster again."
        elif code in {http.HTTPStatus.OK, http.HTTPStatus.FORBIDDEN}:
            return
        else:
            message, hint = _said(body) or f"HTTP {code}", "Check that it is running: `kubectl cluster-info`."
        raise ToolError(f"The API server of context {self.context} does not answer: {message}.", hint)

    @cached_property
    def kinds(self) -> Mapping[tuple[str, str], Resource]:
        """What the server has, by apiVersion and kind."""
        found: dict[tuple[str, str], Resource] = {}
        for root in ("/api", "/apis"):
            code, body = self._ask("GET", root, accept=_DISCOVERY)
            if code != http.HTTPStatus.OK:
                raise ToolError(
                    f"Cannot list the kinds in context {self.context}: {_said(body) or f'HTTP {code}'}.",
                    "kubectl api-resources",
                )
            if at(body, "kind") == "APIGroupDiscoveryList":
                found.update(_discovered(body))
                continue
            listed = [text(each) for each in sequence(at(body, "versions"))]
            versions = (each for group in sequence(at(body, "groups")) for each in sequence(at(group, "versions")))
            listed += [text(at(each, "groupVersion")) for each in versions]
            for version in listed:
                _, resources = self._ask("GET", f"{root}/{version}")
                found.update(_listed(resources, version))
        return found

    def verdicts(self, manifests: Sequence[tuple[Mapping[str, Any], str, bool]]) -> list[Verdict]:
        """Return what the server says of manifests, each with the namespace it is for, and whether it is validated."""
        self.kinds  # noqa: B018 - asked once, before all at once do
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            try:
                return [*pool.map(lambda each: self._verdict(*each), manifests)]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _verdict(self, manifest: Mapping[str, Any], namespace: str, is_validated: bool) -> Verdict:
        resource = self.kinds.get((text(manifest.get("apiVersion")), text(manifest.get("kind"))))
        if resource is None:
            return Verdict(Outcome.UNSERVED)
        if not resource.verbs & {"create", "patch"}:
            return Verdict(Outcome.UNANSWERED, why=f"{manifest['kind']} can be neither created nor patched")
        name = text(at(manifest, "metadata", "name"))
        strict = "Strict" if is_validated else "Ignore"
        if name and is_validated and "patch" in resource.verbs:
            path = f"{_path(resource, namespace)}/{quote(name, safe='')}?{_QUERY}&force=true&fieldValidation={strict}"
            code, body = self._ask("PATCH", path, _in(manifest, resource, namespace), "application/apply-patch+yaml")
        else:
            code, body = self._create(manifest, resource, namespace, strict)
        lacks_namespace = code == http.HTTPStatus.NOT_FOUND and _said(body).startswith("namespaces ")
        if lacks_namespace and namespace != _PLACE:
            # What Argo CD makes first is not there yet: admission there is unknown, and the object itself is not.
            code, body = self._create(manifest, resource, _PLACE, strict)
            if code not in _INVALID and not http.HTTPStatus.OK <= code < http.HTTPStatus.MULTIPLE_CHOICES:
                return Verdict(Outcome.UNANSWERED, why=f"the namespace {namespace} is not there yet")
        return judged(code, body, manifest)

    def _create(
        self, manifest: Mapping[str, Any], resource: Resource, namespace: str, strict: str
    ) -> tuple[int, Mapping[str, Any]]:
        path = f"{_path(resource, namespace)}?{_QUERY}&fieldValidation={strict}"
        code, body = self._ask("POST", path, _in(manifest, resource, namespace))
        # One of that name is there, which was looked at before the object itself was not.
        return (http.HTTPStatus.OK if code == http.HTTPStatus.CONFLICT else code), body

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        form: str = "application/json",
        accept: str = "",
    ) -> tuple[int, Mapping[str, Any]]:
        """Return the HTTP code and what the server says; 0 where there was no answer."""
        headers = {"Accept": ", ".join(filter(None, (accept, "application/json"))), "Content-Type": form}
        for _ in range(2):  # The server may have ended a connection that is kept.
            connection = getattr(self._own, "connection", None)
            if connection is None:
                connection = self._own.connection = _Connection(self.place)
                self._opened.append(connection)
            try:
                connection.request(method, path, None if body is None else json.dumps(body), headers)
                answer = connection.getresponse()
                said = answer.read()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                self._own.connection = None
                code, said = 0, str(error).encode()
                continue
            code = answer.status
            break
        try:
            found = json.loads(said)
        except ValueError:
            found = None
        return code, found if isinstance(found, dict) else {"message": said.decode(errors="replace").strip()}


class _Connection(http.client.HTTPConnection):
    """A connection to a socket in a folder."""

    def __init__(self, place: Path) -> None:
        super().__init__("localhost", timeout=kubectl.TIMEOUT)
        self._place = place

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._place))


def _discovered(body: JSON) -> Iterator[tuple[tuple[str, str], Resource]]:
    """Yield the kinds of an APIGroupDiscoveryList."""
    for group in sequence(at(body, "items")):
        name = text(at(group, "metadata", "name"))
        for version in sequence(at(group, "versions")):
            served = "/".join(filter(None, (name, text(at(version, "version")))))
            for each in sequence(at(version, "resources")):
                kind, verbs = text(at(each, "responseKind", "kind")), frozenset(map(text, sequence(at(each, "verbs"))))
                yield (
                    (served, kind),
                    Resource(_base(served), text(at(each, "resource")), at(each, "scope") == "Namespaced", verbs),
                )


def _listed(body: JSON, version: str) -> Iterator[tuple[tuple[str, str], Resource]]:
    """Yield the kinds of an APIResourceList, of servers that do not have them all at once."""
    for each in sequence(at(body, "resources")):
        if "/" not in text(at(each, "name")):
            verbs = frozenset(map(text, sequence(at(each, "verbs"))))
            plural = text(at(each, "name"))
            yield (
                (version, text(at(each, "kind"))),
                Resource(_base(version), plural, bool(at(each, "namespaced")), verbs),
            )


def _base(version: str) -> str:
    return f"/apis/{version}" if group_of(version) else f"/api/{version}"


def _path(resource: Resource, namespace: str) -> str:
    where = f"/namespaces/{quote(namespace, safe='')}" if resource.is_namespaced else ""
    return f"{resource.base}{where}/{resource.plural}"


def _in(manifest: Mapping[str, Any], resource: Resource, namespace: str) -> Mapping[str, Any]:
    """Return the manifest as it is applied to a namespace."""
    metadata = {key: value for key, value in mapping(manifest.get("metadata")).items() if key != "namespace"}
    return {**manifest, "metadata": {**metadata, **({"namespace": namespace} if resource.is_namespaced else {})}}


_INVALID = frozenset({http.HTTPStatus.BAD_REQUEST, http.HTTPStatus.UNPROCESSABLE_ENTITY})
_MAY_NOT = re.compile(r'cannot (?:patch|create|update|get) resource "')
"""What RBAC says, and no admission does."""
_TROUBLE = re.compile(r"failed (?:calling|to call) webhook|etcdserver|leader changed|context deadline exceeded")
"""What says of the cluster that it is not well, and nothing of the object."""
_IN_PATCH = re.compile(r"^failed to create typed patch object.*?: (?=\.|errors:)|^errors:\n", re.DOTALL)
_ENTRY = re.compile(r"^\s*(\.[^:\s]*(?:\[[^\]]*\][^:\s]*)*): (.+)$", re.MULTILINE)
"""What the server says of a field, where it does not list its causes."""
_DECODING = re.compile(r'(?:strict decoding error: |, )unknown field "([^"]+)"')


def judged(code: int, body: Mapping[str, Any], manifest: Mapping[str, Any]) -> Verdict:
    """Return what an answer means."""
    said = _said(body)
    if http.HTTPStatus.OK <= code < http.HTTPStatus.MULTIPLE_CHOICES:
        return Verdict(Outcome.TAKEN)
    if code == http.HTTPStatus.FORBIDDEN and _MAY_NOT.search(said):
        return Verdict(Outcome.FORBIDDEN, why=said)
    is_patch = said.startswith("failed to create typed patch object")
    # A value that the server cannot read at all is an error of its own, it says.
    is_unread = said.startswith("failed to convert new object")
    is_broken = code >= http.HTTPStatus.INTERNAL_SERVER_ERROR and not (is_patch or is_unread)
    if not code or code in _NOT_NOW or is_broken or _TROUBLE.search(said):
        return Verdict(Outcome.UNANSWERED, why=said or f"HTTP {code}")
    found = [(text(at(each, "field")), text(at(each, "message"))) for each in sequence(at(body, "details", "causes"))]
    if is_patch:
        found = _ENTRY.findall(_IN_PATCH.sub("", said))
    elif fields := _DECODING.findall(said):
        found = [(each, f'unknown field "{each}"') for each in fields]
    elif is_unread:
        said = said.rpartition("to proper version: ")[2]
    if manifest.get("kind") == "Secret":
        # What the server says of a value may quote it.
        found = [(name, "the server refuses this field of the Secret") for name, _ in found]
        said = "the server refuses the Secret"
    refusals = [Refusal(pointer(name, manifest), name.lstrip("."), message) for name, message in found if message]
    return Verdict(Outcome.REFUSED, [*dict.fromkeys(refusals)] or [Refusal((), "", said or f"HTTP {code}")])


_NOT_NOW = frozenset({http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.REQUEST_TIMEOUT, http.HTTPStatus.TOO_MANY_REQUESTS})
_STEP = re.compile(r"\[([^\]]*)\]|\.?([^.\[\]]+)")
_KEY = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|[^,]+)')


def pointer(name: str, manifest: JSON) -> Pointer:
    """Return the way to a field that a server names, as `spec.ports[0]`, `data[a.b]`, `.containers[name="a"]`."""
    found: list[str | int] = []
    here: Any = manifest
    for key, plain in _STEP.findall(name):
        step: str | int = plain or key
        if isinstance(here, list):
            index = integer(key) if key.isdecimal() else next(_fitting(key, here), None)
            step = key if index is None else index
        found.append(step)
        if isinstance(here, dict):
            here = here.get(str(step))
        else:
            here = here[step] if isinstance(here, list) and isinstance(step, int) and step < len(here) else None
    return tuple(found)


def _fitting(key: str, items: Sequence[JSON]) -> Iterator[int]:
    """Yield the places of the items that have the values of a key, as `name="a"`."""
    try:
        wanted = {name: json.loads(value) for name, value in _KEY.findall(key) if value.startswith('"')}
    except ValueError:  # Go quotes what is not printable as JSON does not.
        return
    yield from (place for place, each in enumerate(items) if wanted and mapping(each).items() >= wanted.items())


def _said(body: Mapping[str, Any]) -> str:
    return text(body.get("message")).rstrip(".")
