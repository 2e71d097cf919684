"""Preview environments: for which pull requests of its code an application has one, and what each is like."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from urllib.parse import unquote, urlsplit

from argosy.errors import UsageError

PREVIEWS = "previews"
"""The environment that previews are labelled with: none that anything promotes to or from."""


class GitHost(StrEnum):
    """Whose pull requests Argo CD lists, as its generator calls it."""

    OFF = ""
    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"
    BITBUCKET = "bitbucket"
    BITBUCKET_SERVER = "bitbucketServer"


WITHOUT_LABELS = (GitHost.BITBUCKET, GitHost.BITBUCKET_SERVER)
"""Those whose pull requests Argo CD knows no labels of."""
_SHARED = {GitHost.GITHUB: "github.com", GitHost.GITLAB: "gitlab.com", GitHost.BITBUCKET: "bitbucket.org"}
"""The hosts whose API is known without an address."""
_URL = re.compile(r"(?:https?|ssh)://[\w.~:/@%+-]+|[\w.-]+@[\w.-]+:[\w./~+-]+", re.ASCII)
_LOGIN = re.compile(r"(?i)https?://[^/@]*@|://[^/@]*:[^/@]*@")
_TAG = re.compile(
    r"(?:[\w.-]|\{\{ ?\.(?:head_sha|head_short_sha|head_short_sha_7|number|branch_slug) ?\}\})+", re.ASCII
)
_HEAD = re.compile(r"\{\{ ?\.head_")
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_TAKES = re.compile(r"[\w./:\[\]-]+", re.ASCII)
_TTL = re.compile(r"([1-9][0-9]{0,3})([hdw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
_SECRET = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Previews:
    """For which pull requests there are previews, and what they are like. Each field is a setting of an application."""

    previews: str = ""
    """The repository of the application's code, for whose pull requests there are previews; empty: there are none."""
    preview_env: str = ""
    """The environment whose cluster and values they have."""
    preview_host: GitHost = GitHost.OFF
    """The kind of host that the code is on."""
    preview_label: str = "preview"
    """The label that a pull request needs; empty: none."""
    preview_forks: bool = False
    """Whether a pull request of a fork may have one without anybody's label."""
    preview_tag: str = "{{ .head_sha }}"
    """The tag of the image that CI makes of a pull request, in which its commit is filled in."""
    preview_image: str = ""
    """What takes the tag: an image's name of Kustomize's, or a value of a chart from elsewhere."""
    preview_domain: str = ""
    """The domain below which each preview has a host; empty: none has one."""
    preview_ttl: str = ""
    """After how long without a change of its pull request one ends, such as 7d; empty: with the pull request alone."""
    preview_secret: str = "previews"
    """The Secret beside Argo CD with the token that lists the pull requests; empty: anybody may list them."""

    def __bool__(self) -> bool:
        return bool(self.previews)

    def __post_init__(self) -> None:
        checks = (
            ("previewTag", self.preview_tag, _is_tag(self.preview_tag), _TAG_HINT),
            ("previewDomain", self.preview_domain, not self.preview_domain or _DOMAIN.fullmatch(self.preview_domain),
             "Give a domain in small letters, such as preview.example.com."),
            ("previewImage", self.preview_image, not self.preview_image or _TAKES.fullmatch(self.preview_image),
             "Give an image's name, such as ghcr.io/acme/web, or a value of the chart, such as image.tag."),
            ("previewSecret", self.preview_secret, not self.preview_secret or _SECRET.fullmatch(self.preview_secret),
             "Give the name of a Secret, such as previews."),
            ("previewTTL", self.preview_ttl, not self.preview_ttl or _TTL.fullmatch(self.preview_ttl),
             "Give a number of hours, days or weeks: 36h, 7d or 2w."),
            ("previewLabel", self.preview_label, _is_label(self.preview_label),
             "Give one label of the host, such as preview. With a comma, GitLab takes it for two."),
        )  # fmt: skip
        for key, value, is_valid, hint in checks:
            if not is_valid:
                raise UsageError(f"{key} cannot be “{value}”.", hint)
        if not self:
            return
        check_url(self.previews, self.preview_host)
        if self.preview_host in WITHOUT_LABELS and self.preview_label:
            raise UsageError(
                f"Argo CD knows no labels of {self.preview_host}'s pull requests, and would make no preview.",
                "Leave it out: previewLabel=",
            )
        if self.preview_host in WITHOUT_LABELS and not self.preview_forks:
            raise UsageError(
                f"Argo CD knows neither labels nor forks of {self.preview_host}'s pull requests, so that each would "
                "have a preview, whoever opens it.",
                "If nobody outside may fork the repository or open pull requests, say so: previewForks=true",
            )
        if self.preview_ttl and not self.preview_label:
            raise UsageError(
                "Without previewLabel nothing ends a preview before its pull request: Argo CD knows no dates, and "
                "argosy takes the label off.",
                "Have a label: previewLabel=preview. Or leave it out: previewTTL=",
            )
        if not self.preview_label and not self.preview_forks:
            raise UsageError(
                "Without previewLabel each pull request has a preview, a fork's too: Argo CD cannot tell these.",
                "Have a label, which only members can give: previewLabel=preview. Or allow it: previewForks=true",
            )

    @property
    def ttl(self) -> timedelta | None:
        """After how long without a change a preview ends; None: never."""
        found = _TTL.fullmatch(self.preview_ttl)
        return timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None

    @property
    def token(self) -> str:
        """The Secret that Argo CD lists the pull requests with; empty for none."""
        return self.preview_secret if self else ""

    @property
    def place(self) -> tuple[str, str, str]:
        """The address of the host's API, empty where Argo CD knows it; the owner, group or project; the repository."""
        host, names = _parts(self.previews, self.preview_host)
        scheme = "http" if self.previews.startswith("http://") else "https"
        api = "" if _SHARED.get(self.preview_host) == host else f"{scheme}://{host}"
        return api, "/".join(names[:-1]), names[-1]


def check_url(url: str, host: GitHost = GitHost.OFF) -> None:
    """Raise UsageError unless a URL is that of a repository, as far as its host is known, and anybody may read it."""
    if _LOGIN.search(url):
        raise UsageError(
            "previews has a URL with a password, a token or a user, which would be committed.",
            "Leave it out: Argo CD has a token in the Secret that previewSecret names.",
        )
    place, names = _parts(url, host)
    kind = host or next((each for each, known in _SHARED.items() if known == place), GitHost.OFF)
    # Groups of GitLab's are in groups; elsewhere, what goes on after a repository's two names is a page of it.
    most = 2 if kind not in {GitHost.OFF, GitHost.GITLAB} else len(names)
    if not _URL.fullmatch(url) or not 2 <= len(names) <= most or "-" in names:
        raise UsageError(
            f"previews cannot be “{url}”, which is not the URL of a repository.",
            "Give that of the application's code, such as https://github.com/acme/web.",
        )


def _is_label(label: str) -> bool:
    return label.isprintable() and "{{" not in label and "," not in label


def _is_tag(tag: str) -> bool:
    return bool(_TAG.fullmatch(tag) and _HEAD.search(tag)) and tag[0] not in ".-"


_TAG_HINT = (
    "Write what CI tags the image with, and {{ .head_sha }}, {{ .head_short_sha }} (8 digits) or "
    "{{ .head_short_sha_7 }} for the commit, for example sha-{{ .head_short_sha_7 }}. A tag without it would stay the "
    "same, and nothing would roll out a new commit."
)


def _parts(url: str, kind: GitHost) -> tuple[str, Sequence[str]]:
    """Return the host, with the port of its web server, and the names in the path of a repository's URL."""
    if "://" not in url:
        host, _, path = url.rpartition("@")[2].partition(":")
        host = host.lower()
    else:
        try:
            parts = urlsplit(url)
            port = parts.port if parts.scheme != "ssh" else None
        except ValueError:
            return "", ()
        host, path = f"{parts.hostname or ''}{f':{port}' if port else ''}", parts.path
    names = [unquote(each) for each in path.removesuffix("/").removesuffix(".git").split("/") if each]
    if kind is GitHost.BITBUCKET_SERVER:
        # https://HOST/scm/PROJECT/REPOSITORY.git, https://HOST/projects/PROJECT/repos/REPOSITORY
        names = [each for each in names if each not in {"scm", "projects", "repos", "browse"}]
    return host, names
