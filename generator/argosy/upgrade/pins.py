"""The places that pin a version, written for another one: Argo CD's, and the Kubernetes that a repository is for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from argosy.argocd import versions
from argosy.argocd.installed import Install, Way
from argosy.documents import parse
from argosy.documents.fields import field, mapping, sequence, text
from argosy.errors import ArgosyError, UsageError
from argosy.git.objects import Blob
from argosy.git.snapshot import Snapshot
from argosy.repository import installation, layout

RELEASES = "https://raw.githubusercontent.com/argoproj/argo-cd/v{}/manifests/{}install.yaml"
Manifests = Callable[[str], bytes]
"""Gives Argo CD's manifests that a URL names; raises ArgosyError where they are not here."""


def of_argocd(
    state: Snapshot, installs: Sequence[Install], version: str, chart: str, manifests: Manifests
) -> Mapping[str, Blob]:
    """Return the files that pin Argo CD's version, with another one.

    Raise UsageError where no place pins one, ArgosyError where one cannot be changed without more than is here.
    """
    if not installs:
        raise UsageError(
            "No place is found that pins the version of Argo CD.",
            f'If it is installed from elsewhere, say which it is in {layout.CONFIGURATION}: argocdVersion: "3.5".',
        )
    by_file: dict[str, list[Install]] = {}
    for each in installs:
        by_file.setdefault(each.document.path, []).append(each)
    written: dict[str, Blob] = {}
    for path, several in by_file.items():
        written |= _file(_blob(state, path), path, several, _Target(version, chart, manifests))
    return {path: blob for path, blob in written.items() if state.read(path) != blob.content}


class _Target:
    def __init__(self, version: str, chart: str, manifests: Manifests) -> None:
        self.version, self.chart, self.manifests = version, chart, manifests

    def exact(self, where: Install) -> str:
        """Return the whole version; raise UsageError where only its minor one is given."""
        if self.version.count(".") != 2:
            raise UsageError(
                f"{where} pins a whole version of Argo CD, and {self.version} is none.", "Give one, such as 3.5.1."
            )
        return self.version

    def of_chart(self, where: Install) -> str:
        """Return the version of the chart argo-cd; raise UsageError where none is known."""
        if self.chart:
            return self.chart
        known = versions.version(self.version)
        if known is None or known.charts is None:
            raise UsageError(
                f"{where} installs the chart argo-cd, and its version for Argo CD {self.version} is not known here.",
                "Name it with --chart-version. helm search repo argo/argo-cd --versions lists them.",
            )
        return known.charts[1]


def _file(blob: Blob, path: str, several: Sequence[Install], target: _Target) -> Mapping[str, Blob]:
    content = blob.content.decode()
    is_whole = any(each.way is Way.IMAGE for each in several) and re.search(
        r"^ *name: \"?applications\.argoproj\.io\"?$", content, re.MULTILINE
    )
    if is_whole:
        ha = "ha/" if "argocd-redis-ha" in content else ""
        return {path: Blob(blob.mode, target.manifests(RELEASES.format(target.exact(several[0]), ha)))}
    lines = content.splitlines(keepends=True)
    others: dict[str, Blob] = {}
    for each in several:
        _refuse_digests(each, lines)
        if each.way is Way.CHART and each.at == ("appVersion",):
            raise ArgosyError(
                f"{each} is a copy of the chart argo-cd.", "Replace its folder with the chart of the new version."
            )
        new = target.of_chart(each) if each.way is Way.CHART else target.version
        if each.way not in {Way.CHART, Way.DECLARED}:
            new = target.exact(each)
        if each.way is Way.DECLARED and each.pin.count(".") == 1:
            new = versions.minor(new)
        line = lines[each.line - 1]
        old = each.pin.removeprefix("v")
        if len(re.findall(rf"(?<![\d.]){re.escape(old)}(?![\d.])", line)) == 0:
            raise ArgosyError(f"{each} does not show the version {old} that it pins.", "Write it in one line.")
        lines[each.line - 1] = re.sub(rf"(?<![\d.]){re.escape(old)}(?![\d.])(?:-rc\d+)?", new, line)
        if each.way is Way.COPY:
            folder = path.rpartition("/")[0]
            url = installation.named("".join(lines).encode())
            made = target.manifests(url)
            others[f"{folder}/install.yaml"] = Blob(blob.mode, made)
            others[f"{folder}/install.yaml.sha256"] = Blob(blob.mode, str(installation.Copy.of(url, made)).encode())
    return {**others, path: Blob(blob.mode, "".join(lines).encode())}


def _refuse_digests(install: Install, lines: Sequence[str]) -> None:
    """Raise ArgosyError where a digest or a commit pins as well, which only Git or the registry tells."""
    data = install.document.data
    images = [each for each in map(mapping, sequence(field(data, "images"))) if each.get("digest")]
    commits = [
        each
        for each in map(text, sequence(field(data, "resources")))
        if "argoproj/argo-cd" in each and re.search(r"\b[0-9a-f]{40}\b", each)
    ]
    if (install.way is Way.IMAGE and (images or commits)) or "@sha256:" in lines[install.line - 1]:
        raise ArgosyError(
            f"{install} is pinned by a commit or a digest too, which only the release tells.",
            "Write commit, tag and digest of the new release there, or let Renovate do it, and see: argosy diff.",
        )


def _blob(state: Snapshot, path: str) -> Blob:
    found = state.files(path).get(path)
    if found is None:
        raise ArgosyError(f"{path} is not committed.", "Commit it first.")
    return found


_FLAG = re.compile(r"(--kubernetes-version[= ]+[\"']?)((?:1\.\d+,?)+)")
_CALLERS = re.compile(
    r"(?:^|/)(?:\.github/workflows/[^/]+|\.gitlab-ci\.yml|bitbucket-pipelines\.yml|Makefile|[^/]+\.sh)$"
)


def of_kubernetes(state: Snapshot, version: str) -> Mapping[str, Blob]:
    """Return the files that say which Kubernetes manifests are checked for, with another version.

    It takes the place of all older ones.
    """
    written = {}
    for path, blob in state.chosen(lambda path: path == layout.CONFIGURATION or bool(_CALLERS.search(path))).items():
        try:
            content = blob.content.decode()
        except UnicodeDecodeError:
            continue
        changed = _configured(content, version) if path == layout.CONFIGURATION else _called(content, version)
        if changed != content:
            written[path] = Blob(blob.mode, changed.encode())
    return written


def _renewed(listed: Sequence[str], version: str) -> list[str]:
    numbers = versions.numbers(version)
    return [*dict.fromkeys([version, *(each for each in listed if versions.numbers(each) > numbers)])]


def _called(content: str, version: str) -> str:
    return _FLAG.sub(lambda found: found[1] + ",".join(_renewed(found[2].strip(",").split(","), version)), content)


def _configured(content: str, version: str) -> str:
    for document in parse(content, layout.CONFIGURATION).documents[:1]:
        listed = [text(each) for each in sequence(field(document.data, "kubernetesVersions"))]
        if listed:
            block = re.compile(r"^kubernetesVersions:[^\n]*\n(?:[ \t]*-[^\n]*\n|[ \t]+[^\n]*\n)*", re.MULTILINE)
            made = ", ".join(f'"{each}"' for each in _renewed(listed, version))
            return block.sub(f"kubernetesVersions: [{made}]\n", f"{content.rstrip()}\n", count=1)
    return content
