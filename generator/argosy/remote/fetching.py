"""Fetch what is pinned, over the network: the one place that does, and only when somebody asks for it.

What a repository names is a stranger's word. So only TLS and SSH are spoken, but to this machine; credentials go where
the user's own git, Helm and Docker would send them; and what comes back is bounded, and unpacked below its own folder.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from time import monotonic
from urllib.parse import urljoin, urlsplit

from argosy import git, temporary
from argosy.documents.fields import mapping, sequence, text
from argosy.documents.files import LARGEST_FILE
from argosy.documents.plain import parse
from argosy.errors import ArgosyError, UsageError
from argosy.git.objects import EXECUTABLE, SYMLINK
from argosy.git.snapshot import Snapshot
from argosy.helm import fetching as helm
from argosy.remote import held, web
from argosy.remote.held import Held
from argosy.remote.locking import Locked, compare
from argosy.remote.pins import Kind, Pin

SECONDS = 300.0
"""How long one pin may take."""
_HERE = re.compile(r"http://(?:localhost|127\.0\.0\.1|\[::1\])[:/]", re.IGNORECASE)
_GIT_URL = re.compile(r"(?:https|ssh)://[^/\s]|[\w.-]+@[\w.-]+:(?!:)\S", re.IGNORECASE)
_REVISION = re.compile(r"(?![-.])(?!.*\.\.)[\w./+@-]+", re.ASCII)
_COMMIT = re.compile("[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REGISTRY = re.compile(r"\w[\w.-]*(?::\d+)?(?:/\w[\w.-]*)*", re.ASCII)
_CHART = re.compile(r"\w[\w.-]*(?:/\w[\w.-]*)*", re.ASCII)
_VERSION = re.compile(r"[\w.+*^~<>=| ,-]+", re.ASCII)
_HINT = "Check the address, the version and the network; the credentials are those that git, Helm and Docker have."


def fetch(pin: Pin, locked: Locked | None = None) -> Path:
    """Fetch what is pinned and keep it; return its folder, or raise ArgosyError where that is not to be.

    Raise LockError where it is something else than what is locked.
    """
    refuse(pin)
    by_kind = {Kind.CHART: _chart, Kind.GIT: _git, Kind.OCI: _artifact, Kind.FILE: _file}
    files, resolved = by_kind[pin.kind](pin, locked.resolved if locked else "")
    compare(pin, held.digest_of(files), locked)
    return held.keep(pin, files, resolved)


Brought = tuple[Mapping[str, Held], str]
"""Files, and what the revision of their pin means."""


def refuse(pin: Pin) -> None:
    """Raise UsageError for what is not fetched, whoever asks: another address, or no one revision."""
    if re.search(r"://[^/@]*:[^/@]*@", pin.url):
        raise UsageError(
            "A URL with a password is not fetched.", "Take it out of the repository, and give it to git or Helm."
        )
    if pin.kind is Kind.CHART:
        url = _repository(pin)
        if not (url.startswith("https://") or _HERE.match(url) or _REGISTRY.fullmatch(url)):
            raise _refused(pin)
        if not _CHART.fullmatch(pin.chart):
            raise UsageError(f"“{pin.chart}” is not fetched: it is no name of a chart.", "Give its name.")
        if not _VERSION.fullmatch(pin.revision) or pin.revision.startswith("-"):
            raise UsageError(f"“{pin.revision}” is no version of a chart.", "Give one version, such as 1.2.3.")
    if pin.kind is Kind.FILE and not web.is_safe(pin.url):
        raise _refused(pin)
    if pin.kind is Kind.GIT:
        if not (_GIT_URL.match(pin.url) or _HERE.match(pin.url)):
            raise _refused(pin)
        if not _REVISION.fullmatch(pin.revision):
            raise UsageError(f"“{pin.revision}” is not fetched: it is no one revision.", "Name a tag or a commit.")


def _repository(pin: Pin) -> str:
    """Return where a chart comes from; raise UsageError for a name that the user's Helm does not know."""
    if not pin.url.startswith("@"):
        return pin.url
    found = next((each.url for each in helm.known() if each.name == pin.url[1:]), "")
    if not found:
        raise UsageError(
            f"{pin} is not fetched: your Helm knows no repository “{pin.url[1:]}”.",
            f"Run `helm repo add {pin.url[1:]} URL`, or give the URL in Chart.yaml.",
        )
    return found.removeprefix("oci://")


def _chart(pin: Pin, resolved: str) -> Brought:
    url = _repository(pin)
    version = resolved if _VERSION.fullmatch(resolved) and not resolved.startswith("-") else pin.revision
    login = next((each for each in helm.known() if each.url == url.rstrip("/") and each.user), None)
    if login:
        _refuse_other_hosts(pin, login)
    found = helm.files(url, pin.chart, version, _HINT, login)
    about = parse(found.get("Chart.yaml", b""))
    return {path: Held(content) for path, content in found.items()}, str(about.get("version") or "")


def _refuse_other_hosts(pin: Pin, login: helm.Known) -> None:
    """Raise ArgosyError where a repository's index leads to another host, which Helm would tell the login too."""

    def failed(why: str) -> ArgosyError:
        return ArgosyError(f"{pin} could not be fetched: {why.rstrip('.')}.", _HINT)

    told = "Basic " + base64.b64encode(f"{login.user}:{login.password}".encode()).decode()
    with web.failing(failed):
        read = web.get(f"{login.url}/index.yaml", LARGEST_FILE, monotonic() + SECONDS, failed, authorization=told)
    entries = sequence(mapping(parse(read).get("entries")).get(pin.chart))
    own = urlsplit(login.url)
    for url in (text(each) for entry in entries for each in sequence(mapping(entry).get("urls"))):
        led = urlsplit(urljoin(f"{login.url}/", url))
        if (led.scheme, led.netloc) != (own.scheme, own.netloc):
            raise ArgosyError(
                f"{pin} is not fetched: its index leads to {led.netloc}, which is not to know your login.",
                "Ask who publishes it for an index with relative URLs, or for a registry (oci://).",
            )


def _git(pin: Pin, resolved: str) -> Brought:
    with temporary.folder("git") as folder:
        git.run(folder, "init", "--quiet")
        allowed = {"GIT_ALLOW_PROTOCOL": "http" if _HERE.match(pin.url) else "https:ssh"}
        options = ("--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules")
        # A host need not give a commit that it is asked for by name: then the revision has to lead there.
        wanted = [*([resolved] if _COMMIT.fullmatch(resolved) else []), pin.revision]
        for revision in wanted:
            asked = (*options, "--", pin.url, revision)
            try:
                git.run(folder, "fetch", *asked, environment=allowed, seconds=SECONDS)
                break
            except ArgosyError as error:
                why = error.message.partition(": ")[2] or error.message
                if revision == wanted[-1]:
                    raise ArgosyError(f"{pin} could not be fetched: {why.rstrip('.')}.", _HINT) from error
        found = Snapshot.of(folder, "FETCH_HEAD")
        listed = git.run(
            folder, "ls-tree", "-r", "-l", "-z", "--full-tree", found.commit, largest=git.LARGEST, seconds=SECONDS
        )
        sizes = [each.partition("\t")[0].split()[3] for each in listed.split("\0") if each]
        held.refuse_more(pin, len(sizes), sum(int(each) for each in sizes if each.isdecimal()))
        files = {
            path: Held(blob.content, blob.mode == EXECUTABLE, blob.mode == SYMLINK)
            for path, blob in found.files().items()
        }
        return files, found.commit


def _artifact(pin: Pin, resolved: str) -> Brought:
    from argosy.remote.registry import files  # noqa: PLC0415

    return files(replace(pin, revision=resolved or pin.revision), SECONDS, held.MOST_BYTES)


def _file(pin: Pin, _: str) -> Brought:
    def failed(why: str) -> ArgosyError:
        return ArgosyError(f"{pin} could not be fetched: {why.rstrip('.')}.", "Check the address and the network.")

    with web.failing(failed):
        content = web.get(pin.url, held.MOST_BYTES, monotonic() + SECONDS, failed)
    return {pin.file: Held(content)}, ""


def _refused(pin: Pin) -> ArgosyError:
    own = "Where it is this repository, list it under repoURLs in .argosy.yaml."
    by_kind = {
        Kind.CHART: "Give it by https://, or by REGISTRY/PATH where a registry has it.",
        Kind.GIT: f"Give it by https://, ssh:// or git@HOST:PATH, and an artifact by oci://. {own}",
    }
    why = "its address is none of https, ssh or a registry's"
    return UsageError(f"{pin} is not fetched: {why}.", by_kind.get(pin.kind, "Give it by https://."))
