"""Fetch an OCI artifact from its registry, as Argo CD takes it: one layer, which is a tar archive."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import IO
from urllib.error import HTTPError
from urllib.parse import urlencode

from argosy import programs
from argosy.documents.fields import mapping, sequence
from argosy.errors import ArgosyError
from argosy.helm import fetching
from argosy.remote import web
from argosy.remote.held import Held, refuse_more
from argosy.remote.pins import Pin

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_LAYERS = (
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
)
"""The layers that Argo CD takes; the last one has the chart in a folder of its name."""
_REFERENCE = re.compile(r"oci://(?P<host>\w[\w.-]*(?::\d+)?)/(?P<path>\w[\w.-]*(?:/\w[\w.-]*)*)", re.ASCII)
_REVISION = re.compile(r"[\w][\w.+-]{0,127}|sha256:[0-9a-f]{64}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_HINT = "Check the address, the version and the network: docker login or helm registry login tell who you are."
_MOST_TOLD = 4 * 1024 * 1024
"""Bytes of a manifest, or of a token's answer."""
_FAILURES = (EOFError, KeyError, TypeError, RecursionError, zlib.error, tarfile.TarError)
"""What comes of an answer that is cut short, or is none of JSON or an archive."""


def files(pin: Pin, seconds: float, largest: int) -> tuple[Mapping[str, Held], str]:
    """Return the files of an artifact, and its digest.

    Raise ArgosyError where it cannot be fetched, or is none that Argo CD takes.
    """
    reference = _REFERENCE.fullmatch(pin.url)
    if reference is None or not _REVISION.fullmatch(pin.revision):
        raise ArgosyError(f"{pin} names no artifact.", "Write oci://REGISTRY/PATH, and a tag or a digest.")
    asked = _Registry(pin, reference["host"], reference["path"], monotonic() + seconds)
    with web.failing(asked.failed, *_FAILURES):
        return asked.files(largest)


@dataclass(slots=True)
class _Registry:
    pin: Pin
    host: str
    path: str
    end: float
    """When all has to be done."""
    authorization: str = field(default="", repr=False)

    def failed(self, why: str) -> ArgosyError:
        return ArgosyError(f"{self.pin} could not be fetched: {why.rstrip('.')}.", _HINT)

    def files(self, largest: int) -> tuple[Mapping[str, Held], str]:
        read = self._read(f"manifests/{self.pin.revision.replace('+', '_')}", _MOST_TOLD)
        if ":" in self.pin.revision:
            self._check(read, self.pin.revision)
        layers = [mapping(each) for each in sequence(mapping(json.loads(read)).get("layers"))]
        if len(layers) != 1 or layers[0].get("mediaType") not in _LAYERS:
            raise self.failed("Argo CD takes an artifact with one layer, a tar archive, and this is none")
        kind, digest, size = str(layers[0]["mediaType"]), str(layers[0]["digest"]), int(str(layers[0]["size"]))
        if not _DIGEST.fullmatch(digest):
            raise self.failed(f"its layer has the digest “{digest[:100]}”, which is none of SHA-256")
        refuse_more(self.pin, 1, size)
        content = self._read(f"blobs/{digest}", size)
        self._check(content, digest)
        with tempfile.TemporaryFile() as archive:
            self._unpack(content, archive, largest)
            with tarfile.open(fileobj=archive, mode="r:") as opened:
                found = dict(self._members(opened))
        if kind.endswith("chart.content.v1.tar+gzip"):
            found = {path.partition("/")[2]: each for path, each in found.items() if "/" in path}
        return found, f"sha256:{hashlib.sha256(read).hexdigest()}"

    def _unpack(self, content: bytes, archive: IO[bytes], largest: int) -> None:
        """Write what a layer is, unpacked, as far as it is not too much."""
        if not content.startswith(b"\x1f\x8b"):
            archive.write(content)
        else:
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
                left = largest
                while part := packed.read(1024 * 1024):
                    left -= len(part)
                    if left < 0:
                        raise self.failed(f"it has more than {largest // 1024**2} MB unpacked")
                    archive.write(part)
        archive.seek(0)

    def _members(self, opened: tarfile.TarFile) -> list[tuple[str, Held]]:
        found: list[tuple[str, Held]] = []
        size = 0
        for each in opened:
            size += each.size  # Before it is read: a sparse file is as large as it says.
            refuse_more(self.pin, len(found), size)
            path = re.sub(r"^(?:\./)+", "", each.name)
            if each.issym():
                found.append((path, Held(os.fsencode(each.linkname), is_link=True)))
            elif each.isfile():
                held = opened.extractfile(each)
                found.append((path, Held(held.read() if held else b"", bool(each.mode & 0o100))))
            elif not each.isdir():
                raise self.failed(f"{each.name} is neither a file nor a folder")
        return found

    def _check(self, content: bytes, digest: str) -> None:
        if f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
            raise self.failed(f"the registry gave something else than {digest}")

    def _read(self, what: str, largest: int) -> bytes:
        """Return what the registry holds; it may want to know who asks."""
        scheme = "http" if web.HERE.fullmatch(self.host) else "https"
        url = f"{scheme}://{self.host}/v2/{self.path}/{what}"
        try:
            return self._get(url, largest, self.authorization)
        except HTTPError as error:
            challenge = error.headers.get("WWW-Authenticate", "")
            if error.code != 401 or self.authorization:
                raise
        self.authorization = self._authorized(challenge)
        return self._get(url, largest, self.authorization)

    def _get(self, url: str, largest: int, authorization: str) -> bytes:
        return web.get(url, largest, self.end, self.failed, authorization=authorization, accepted=f"{_MANIFEST}, */*")

    def _authorized(self, challenge: str) -> str:
        """Return what a registry asks for: who this is, or a token that its own server gives for that."""
        known = _login(self.host)
        if challenge.lower().startswith("basic"):
            if not known:
                raise self.failed(f"{self.host} asks who you are")
            return known
        told = dict(_CHALLENGE.findall(challenge))
        realm = told.get("realm", "")
        if not challenge.lower().startswith("bearer") or not web.is_safe(realm):
            raise self.failed(f"{self.host} asks for a login that is not known: {challenge[:100]}")
        asked = {"scope": f"repository:{self.path}:pull", **({"service": told["service"]} if "service" in told else {})}
        url = f"{realm}{'&' if '?' in realm else '?'}{urlencode(asked)}"
        given = mapping(json.loads(self._get(url, _MOST_TOLD, known)))
        return f"Bearer {given.get('token') or given['access_token']}"


def _login(host: str) -> str:
    """Return how the user logs in to a registry, as Docker or Helm keep it; "" where they keep nothing."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - it may be nobody's
    docker = Path(os.environ.get("DOCKER_CONFIG") or home / ".docker") / "config.json"
    named = os.environ.get("HELM_REGISTRY_CONFIG")
    of_helm = Path(named) if named else fetching.home() / "registry/config.json"
    for file in (of_helm, docker):
        try:
            said = json.loads(file.read_bytes())
            kept = (said.get("auths") or {}).get(host) or {}
            if auth := str(kept.get("auth") or ""):
                return f"Basic {auth}"
            helper = (said.get("credHelpers") or {}).get(host) or said.get("credsStore")
        except (OSError, ValueError, AttributeError):
            continue
        if helper and (found := _of_helper(str(helper), host)):
            return found
    return ""


def _of_helper(helper: str, host: str) -> str:
    """Return how the user logs in, as a program of Docker's keeps it: the user's own configuration names it."""
    if not re.fullmatch(r"[\w.-]+", helper):
        return ""
    try:
        if not (program := programs.find(f"docker-credential-{helper}")):
            return ""
        said = subprocess.run(
            [str(program), "get"],
            input=host.encode(),
            capture_output=True,
            timeout=web.PATIENCE,
            check=True,
            env={**os.environ, "PATH": programs.path()},
        ).stdout
        kept = json.loads(said)
        return "Basic " + base64.b64encode(f"{kept['Username']}:{kept['Secret']}".encode()).decode()
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return ""
