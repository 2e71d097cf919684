"""Fetch what is pinned, over the network: the one place that does, and only when somebody asks for it.

What a repository names is a stranger's word. So only TLS and SSH are spoken, but to this machine; credentials go where
the user's own git, Helm and Docker would send them; and what comes back is bounded, and unpacked below its own folder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from time import monotonic

from argosy import git, temporary
from argosy.documents.plain import parse
from argosy.errors import ArgosyError, UsageError
from argosy.git.objects import EXECUTABLE, SYMLINK
from argosy.git.snapshot import Snapshot
from argosy.helm import fetching as helm
from argosy.remote import held
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
    if re.search(r"://[^/@]*:[^/@]*@", pin.url):
        raise UsageError(
            "A URL with a password is not fetched.", "Take it out of the repository, and give it to git or Helm."
        )
    by_kind = {Kind.CHART: _chart, Kind.GIT: _git, Kind.OCI: _artifact, Kind.FILE: _file}
    files, resolved = by_kind[pin.kind](pin, locked.resolved if locked else "")
    compare(pin, held.digest_of(files), locked)
    return held.keep(pin, files, resolved)


Brought = tuple[Mapping[str, Held], str]
"""Files, and what the revision of their pin means."""


def _chart(pin: Pin, resolved: str) -> Brought:
    url = pin.url
    if url.startswith("@"):
        known = {each.name: each.url for each in helm.known()}
        if (url := known.get(pin.url[1:], "")) == "":
            raise UsageError(
                f"{pin} is not fetched: your Helm knows no repository “{pin.url[1:]}”.",
                f"Run `helm repo add {pin.url[1:]} URL`, or give the URL in Chart.yaml.",
            )
        url = url.removeprefix("oci://")
    is_safe = url.startswith("https://") or _HERE.match(url) or _REGISTRY.fullmatch(url)
    if not is_safe or not _CHART.fullmatch(pin.chart):
        raise _refused(pin)
    if not _VERSION.fullmatch(pin.revision) or pin.revision.startswith("-"):
        raise UsageError(f"“{pin.revision}” is no version of a chart.", "Give one version, such as 1.2.3.")
    version = resolved if _VERSION.fullmatch(resolved) and not resolved.startswith("-") else pin.revision
    found = helm.files(url, pin.chart, version, _HINT)
    about = parse(found.get("Chart.yaml", b""))
    return {path: Held(content) for path, content in found.items()}, str(about.get("version") or "")


def _git(pin: Pin, resolved: str) -> Brought:
    if not (_GIT_URL.match(pin.url) or _HERE.match(pin.url)):
        raise _refused(pin)
    if not _REVISION.fullmatch(pin.revision):
        raise UsageError(f"“{pin.revision}” is not fetched: it is no one revision.", "Name a tag or a commit.")
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
    from argosy.remote import web  # noqa: PLC0415

    if not web.is_safe(pin.url):
        raise _refused(pin)

    def failed(why: str) -> ArgosyError:
        return ArgosyError(f"{pin} could not be fetched: {why.rstrip('.')}.", "Check the address and the network.")

    with web.failing(failed):
        content = web.get(pin.url, held.MOST_BYTES, monotonic() + SECONDS, failed)
    return {pin.file: Held(content)}, ""


def _refused(pin: Pin) -> ArgosyError:
    return UsageError(
        f"{pin} is not fetched: its address is none of https, ssh or a registry's.",
        "Give it by https://, ssh:// or git@HOST:PATH; a chart in a registry is REGISTRY/PATH.",
    )
