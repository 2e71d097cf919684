"""What applications come from: a Git server and a registry of artifacts on loopback, as strict as the real ones."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.loopback import listening

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass(slots=True)
class GitServer:
    """A host of Git repositories that anybody may fetch from, or with a password alone."""

    url: str
    folder: Path
    password: str = ""
    asked: list[str] = field(default_factory=list)

    def commit(self, name: str, files: Mapping[str, str], tag: str = "") -> str:
        """Commit files to a repository, in place of what it holds, tag them, and return the commit."""
        work, bare = self.folder / f"work-{name}", self.folder / f"{name}.git"
        if not bare.exists():
            _git(self.folder, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
            _git(bare, "config", "uploadpack.allowAnySHA1InWant", "true")
            _git(self.folder, "init", "--quiet", "--initial-branch=main", str(work))
        _git(work, "rm", "-r", "--quiet", "--ignore-unmatch", ".")
        for path, content in files.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_text(content)
        _git(work, "add", "--all")
        _git(work, "commit", "--quiet", "--allow-empty", "--message", tag or "More")
        if tag:
            _git(work, "tag", tag)
        _git(work, "push", "--quiet", "--tags", str(bare), "HEAD:refs/heads/main")
        return _git(work, "rev-parse", "HEAD").strip()


def _git(folder: Path, *arguments: str) -> str:
    told = {"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.com"}
    told |= {"GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.com"}
    return subprocess.run(
        ["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True, env=os.environ | told
    ).stdout


@contextmanager
def git_server(folder: Path, password: str = "") -> Iterator[GitServer]:
    """Yield a host of Git repositories, which git's own http-backend serves, until the block ends."""
    server = GitServer("", folder, password)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            server.asked.append(self.path)
            wanted = "Basic " + base64.b64encode(f"ada:{server.password}".encode()).decode()
            if server.password and self.headers.get("Authorization") != wanted:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="git"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            told = {
                "GIT_PROJECT_ROOT": str(folder),
                "GIT_HTTP_EXPORT_ALL": "1",
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            }
            made = subprocess.run(
                ["git", "-c", "safe.bareRepository=all", "http-backend"],
                input=body,
                capture_output=True,
                check=False,
                env=os.environ | told,
            ).stdout
            head, _, content = made.partition(b"\r\n\r\n")
            lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
            self.send_response(int(lines.pop("Status", "200").split()[0]))
            for name, value in lines.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with listening(Handler) as url:
        server.url = url
        yield server


@dataclass(slots=True)
class Registry:
    """A registry of artifacts, which gives a token to who knows its password."""

    host: str
    password: str = ""
    elsewhere: str = ""
    """Where it has its blobs, if not itself: another server's URL."""
    answers: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Each path that was asked for, with the authorization that came with it."""

    def push(self, name: str, tag: str, files: Mapping[str, str | tarfile.TarInfo], kind: str = LAYER) -> str:
        """Push an artifact of these files, or members of its archive, and return its digest."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for path, content in files.items():
                if isinstance(content, tarfile.TarInfo):
                    archive.addfile(content)
                    continue
                member = tarfile.TarInfo(path)
                member.size = len(content.encode())
                archive.addfile(member, io.BytesIO(content.encode()))
        layer = packed.getvalue()
        told = {"mediaType": kind, "digest": digest(layer), "size": len(layer)}
        empty = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(b"{}"), "size": 2}
        manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": empty, "layers": [told]}).encode()
        for reference in (tag, digest(manifest)):
            self.answers[f"/v2/{name}/manifests/{reference}"] = (MANIFEST, manifest)
        self.answers[f"/v2/{name}/blobs/{digest(layer)}"] = ("application/octet-stream", layer)
        return digest(manifest)


def digest(content: bytes) -> str:
    """Return what a registry calls a content."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@contextmanager
def registry(password: str = "") -> Iterator[Registry]:
    """Yield a registry that holds nothing yet, until the block ends."""
    held = Registry("", password)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given = self.headers.get("Authorization", "")
            held.asked.append((self.path, given))
            basic = "Basic " + base64.b64encode(f"ada:{held.password}".encode()).decode()
            if self.path.startswith("/token"):
                self._answer(200 if given == basic else 401, "application/json", b'{"token": "let-in"}')
                return
            if held.password and given != "Bearer let-in":
                self.send_response(401)
                realm = f'Bearer realm="http://{held.host}/token",service="{held.host}",scope="repository:x:pull"'
                self.send_header("WWW-Authenticate", realm)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if held.elsewhere and "/blobs/" in self.path:
                self.send_response(307)
                self.send_header("Location", f"{held.elsewhere}{self.path}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            found = held.answers.get(self.path)
            wanted = self.headers.get("Accept", "")
            if found and found[0] == MANIFEST and MANIFEST not in wanted:
                found = None
            self._answer(200 if found else 404, *(found or ("text/plain", b"")))

        def _answer(self, code: int, kind: str, content: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with listening(Handler) as url:
        held.host = url.removeprefix("http://")
        yield held
