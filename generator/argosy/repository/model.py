"""The model of a GitOps repository: frozen values, each edit gives a new one.

A repository is what the template renders from its model, plus what people changed. Nothing here reads or writes a
file: `store` does, and `layout` names the paths.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self

from argosy.errors import UsageError
from argosy.names import did_you_mean
from argosy.repository.previews import PREVIEWS, Previews

IN_CLUSTER = "https://kubernetes.default.svc"
"""The address under which an Argo CD reaches the cluster that it runs in."""

OLDEST_MINOR = 30
"""The Helm chart's preStop.sleep needs Kubernetes 1.30."""

KUBERNETES = "1.37"
"""What manifests are checked for where nothing else is said: a version that the template's Argo CD is tested with."""
OWN, SHARED = "own", "shared"
"""Whose an application's Helm chart is: its own, or the one in `charts/app` that applications share."""
FIRST_CHART = "1.0.0"
"""The version that the shared chart begins with."""

LABEL_LENGTH = 63
RELEASE_LENGTH = 53
_YAML_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
_YAML_NUMBER = re.compile(r"[0-9]+(e[0-9]+)?|0[xob][0-9a-f]+")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}")
_IMAGE_ID = re.compile(r"[0-9a-f]{64}")
_IMAGE_PATH = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_HOST_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_IMAGE_HOST = re.compile(rf"(?:{_HOST_LABEL}(?:\.{_HOST_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?")
_LONGEST_IMAGE = 255
_HOST = r"\w(?:[\w.-]*\w)?(?::[0-9]{1,5})?"
_URL_PATH = r"[\w.~:/@!$&()+,;=%-]+"
_REPOSITORY_URL = re.compile(
    rf"(?:https?|ssh|git)://(?:[\w.~%-]+@)?{_HOST}/{_URL_PATH}|file:///{_URL_PATH}|[\w.-]+@[\w.-]+:{_URL_PATH}"
)
"""Without what an AppProject takes for a pattern: `*`, `?`, brackets, braces, a backslash."""
_CLUSTER = re.compile(
    rf"https?://{_HOST}(?:/[\w.~%/+-]*[\w~-])?|(?!.*://)[A-Za-z0-9][\w.:/@+-]*", re.ASCII | re.IGNORECASE
)
"""A server's URL or a cluster's name, in which nothing is a pattern to an AppProject."""
_ADDRESS = re.compile(r"[\w.-]+:[0-9]{1,5}(?:/.*)?|[0-9]+(?:\.[0-9]+){3}(?:/.*)?", re.ASCII)
"""Where an API server listens, without the scheme that makes a URL of it."""
_PASSWORD = re.compile(
    r"(?<=://)[^/@]*:[^/@]*@"
    # A token may stand in a user's place; who a bare user is, Bitbucket's and Azure DevOps' own URLs say.
    r"|(?i:(?<=https://)|(?<=http://))(?:(?:gh[a-z]_|github_pat_|gl[a-z]{2,}-|x-|oauth|atbb|atctt)[^/@]*|[^/@]{20,})@"
)
_UNREADABLE = "\U00010000-\U0010ffff\ud800-\udfff"
"""Emoji and the like: JSON writes each as two escapes, which no reader of YAML puts together again."""
_REVISION = re.compile(rf"(?![-/])(?!.*(?:\.\.|//|@\{{))[^\s\x00-\x1f\x7f:?\[\\\"'{_UNREADABLE}]+(?<![/.])")
_AMBIGUOUS = r"(?![yYnN]$|[0-9.]+[eE][0-9]+$|0o[0-7]+$)"
"""Text that PyYAML, with which Copier records the answers, writes without quotes, and Kubernetes' tools do not read."""
_BRANCH = re.compile(rf"{_AMBIGUOUS}(?!.*[~^*])(?!HEAD$){_REVISION.pattern}(?<!\.lock)")
_PIN = re.compile(r"v[0-9]+\.[0-9]+\.[0-9]+@[0-9a-f]{40}(?:@sha256:[0-9a-f]{64})?")
_KEY_ID = re.compile(r"[0-9A-F]{16}")
VERSION = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*)){2}")
"""A version of the shared chart: no pre-release, for a folder of that name is ready to be followed."""
_SERVER, _BELOW = r"[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]+)?", r"(?:/[\w.~+%-]+)*"
_DISTRIBUTION = r"argosy-[0-9][\w.+-]*\.(?:whl|tar\.gz)"
_FOLDERS = r"(?:\./)?(?:\.?\w[\w.+-]*/)*"
_INSTALLED = re.compile(
    rf"{_FOLDERS}(?!argosy-dependencies\.txt$)\w[\w.+-]*\.txt"
    rf"|[a-z0-9][a-z0-9.-]*(?::[0-9]+)?(?:/[a-z0-9._-]+)+(?::{_TAG.pattern})?@sha256:[0-9a-f]{{64}}"
    rf"|argosy ?@ ?https://{_SERVER}{_BELOW}/{_DISTRIBUTION}#sha256=[0-9a-f]{{64}}"
    rf"|argosy ?@ ?git\+(?:https://|ssh://git@){_SERVER}{_BELOW}@[0-9a-f]{{40}}"
    rf"|{_FOLDERS}{_DISTRIBUTION}"
    r"|argosy==[0-9][\w.+]*(?: --hash=sha256:[0-9a-f]{64}){1,2}",
    re.ASCII,
)
"""Exactly one argosy, in characters that mean nothing to a shell within quotes, and that pip takes for no option."""
INSTALLED = (
    "PATH/NAME.txt (a lock file of the repository, with argosy and all that it needs, each with its hash)",
    "HOST/…/argosy:VERSION@sha256:DIGEST (a container image)",
    "argosy @ https://HOST/…/argosy-VERSION-py3-none-any.whl#sha256=HASH",
    "argosy @ git+https://HOST/….git@COMMIT (40 digits)",
    "PATH/argosy-VERSION-py3-none-any.whl (a file of the repository)",
    "argosy==VERSION --hash=sha256:HASH",
)
_REPOSITORY_NAME = re.compile(rf"{_AMBIGUOUS}(?!\.+$)[\w.-]+", re.ASCII)

RESERVED_ENVIRONMENTS = {
    "install": "argocd/install holds Argo CD itself",
    "argocd": "the AppProject of the root Application has that name",
    "default": "Argo CD keeps an AppProject of that name",
    "platform": "the AppProject of Argo CD's own platform has that name",
    "argocd-install": "the AppProject of Argo CD's own installation has that name",
    PREVIEWS: "previews of pull requests are labelled so",
}
RESERVED_PREFIXES = ("platform-", "components-", f"{PREVIEWS}-")
"""What begins so names the AppProjects of an environment's platform and components, and of applications' previews."""
RESERVED_APPLICATIONS = {
    "project": "argocd/<environment>/project.yaml holds the environment's AppProject",
    "platform": "argocd/<environment>/platform.yaml holds the Application of the environment's policies",
    "components": "argocd/<environment>/components holds the Applications of the components",
    PREVIEWS: "argocd/<environment>/previews holds the ApplicationSets of previews",
}
RESERVED_COMPONENTS = {
    "policies": "platform/<environment>/policies holds the environment's policies",
    "project": "argocd/<environment>/components/project.yaml holds the AppProject of the components",
    "platform": "the Application of the environment's policies has that name",
}


class Format(StrEnum):
    """How an application's manifests are written."""

    HELM = "helm"
    KUSTOMIZE = "kustomize"
    MANIFESTS = "manifests"
    CHART = "chart"
    """A Helm chart from elsewhere, with values here."""
    OVERLAY = "overlay"
    """A Kustomize base from elsewhere, with overlays here."""
    REMOTE = "remote"
    """All of it is elsewhere: in another Git repository, or in an OCI artifact."""


WRITTEN_HERE = (Format.HELM, Format.KUSTOMIZE, Format.MANIFESTS)
"""The formats of which the manifests, or what makes them, are in this repository."""


class ArgocdStyle(StrEnum):
    """How Argo CD learns of the applications: an Application each, or one ApplicationSet."""

    APPLICATIONS = "applications"
    APPLICATIONSET = "applicationset"


class Tenancy(StrEnum):
    """Who has an AppProject in each environment: all applications one, or each team one for its own."""

    ENVIRONMENT = "environment"
    TEAM = "team"


class RevisionStyle(StrEnum):
    """Which revision the environments follow: one trunk, or a branch each."""

    TRUNK = "trunk"
    BRANCH = "branch"


class CiHost(StrEnum):
    """Which host's CI the repository is set up for."""

    GITHUB = "github"
    GITLAB = "gitlab"
    BITBUCKET = "bitbucket"
    NONE = "none"


class Sso(StrEnum):
    """Who people log in to Argo CD with."""

    NONE = "none"
    OIDC = "oidc"
    GITHUB = "github"
    GITLAB = "gitlab"


class PagePlace(StrEnum):
    """Where CI publishes the page of a repository."""

    NONE = "none"
    ARTIFACT = "artifact"
    PAGES = "pages"


class Notifier(StrEnum):
    """Where Argo CD's notifications go."""

    SLACK = "slack"
    TEAMS = "teams"
    EMAIL = "email"
    WEBHOOK = "webhook"


class Secrets(StrEnum):
    """What brings secrets into the clusters."""

    NONE = "none"
    EXTERNAL_SECRETS = "external-secrets"
    SEALED_SECRETS = "sealed-secrets"
    SOPS = "sops"


class SecretStore(StrEnum):
    """Where the External Secrets Operator fetches secrets from."""

    AWS = "aws"
    GCP = "gcp"
    AZURE = "azure"
    VAULT = "vault"


class ImageSigning(StrEnum):
    """How the signatures of images are made, and so verified."""

    NONE = "none"
    KEYLESS = "keyless"
    KEY = "key"


class ArgocdManifests(StrEnum):
    """Where Argo CD's own manifests are when it is installed: read from their release, or kept in the repository."""

    RELEASE = "release"
    VENDORED = "vendored"


class ChartExtra(StrEnum):
    """What a Helm chart has besides what nearly every application uses."""

    EXTERNAL_SECRET = "external-secret"
    NETWORK_POLICY = "network-policy"
    ROLLOUT = "rollout"
    SERVICE_MONITOR = "service-monitor"


class PodSecurity(StrEnum):
    """A level of the Pod Security Standards; off: namespaces are not labelled."""

    OFF = ""
    PRIVILEGED = "privileged"
    BASELINE = "baseline"
    RESTRICTED = "restricted"


@dataclass(frozen=True, slots=True)
class Image:
    """A container image: `repository[:tag][@digest]`."""

    repository: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an image reference as a node does; raise UsageError with the reason where it would refuse it."""
        rest, at, digest = text.partition("@")
        host, slash, path = rest.rpartition("/")
        path, colon, tag = path.partition(":")
        repository = f"{host}{slash}{path}"
        first, has_host, remainder = repository.partition("/")
        # What looks like a host's name is one: it has a dot, a port or a capital letter, which no repository may have.
        names_host = has_host and (re.search(r"[.:A-Z]", first) or first == "localhost")
        plain = remainder if names_host else repository
        refused = {
            "it has blanks": re.search(r"\s", text),
            "it has a scheme, as a URL does": "://" in text,
            "its repository has capital letters": plain != plain.lower(),
            f"“{first}” is not a registry's host": names_host and not _IMAGE_HOST.fullmatch(first),
            f"“{plain}” is not a repository": not _IMAGE_PATH.fullmatch(plain),
            f"its repository has more than {_LONGEST_IMAGE} characters": len(plain) > _LONGEST_IMAGE,
            "its repository looks like the ID of an image": _IMAGE_ID.fullmatch(text),
            f"“{tag}” is not a tag": colon and not _TAG.fullmatch(tag),
            "its digest is not sha256: and 64 hexadecimal digits": at and not _DIGEST.fullmatch(digest),
        }
        if reason := next((reason for reason, applies in refused.items() if applies), ""):
            raise UsageError(
                f"“{text}” is not a container image: {reason}.",
                "Write it as repository:tag, for example nginx:1.29.3-alpine or ghcr.io/acme/web:2.1.0.",
            )
        return cls(repository, tag, digest)

    def __str__(self) -> str:
        return self.repository + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


DEFAULT_IMAGE = Image("nginx", "1.29.3-alpine")
DEFAULT_PORT = 80


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an application comes from that is not in this repository, in Argo CD's own terms."""

    repo_url: str
    """Of a chart in an OCI registry without `oci://`, which tells an artifact."""
    revision: str
    """A chart's version, a Git tag, branch or commit, an artifact's tag or digest."""
    chart: str = ""
    path: str = ""
    """A folder of a Git repository or an artifact; `{env}` in it stands for the environment."""

    @classmethod
    def of_chart(cls, reference: str) -> Self:
        """Read where a Helm chart is; raise UsageError for what is none of `CHARTS`."""
        if found := _GIT_REFERENCE.fullmatch(reference):
            return cls(found["url"], found["revision"] or "", path=found["path"])
        if found := _CHART_REFERENCE.fullmatch(reference):
            url = f"{found['scheme']}{found['place']}"
            if found["digest"]:
                # A chart by its digest is an artifact to Argo CD.
                return cls.of_source(reference)
            return cls(url.removeprefix("oci://"), found["version"] or "", found["chart"])
        raise UsageError(
            f"“{reference}” is not where a Helm chart is.",
            "\n    ".join(("Write own, shared, or one of these:", *CHARTS)),
        )

    @classmethod
    def of_source(cls, reference: str) -> Self:
        """Read where manifests are; raise UsageError for what is none of `SOURCES`."""
        if found := _GIT_REFERENCE.fullmatch(reference):
            return cls(found["url"], found["revision"] or "", path=found["path"])
        found = _CHART_REFERENCE.fullmatch(reference)
        if found and found["scheme"] == "oci://":
            url = f"oci://{found['place']}/{found['chart']}"
            return cls(url, found["version"] or found["digest"] or "", path=".")
        raise UsageError(f"“{reference}” is not where manifests are.", "\n    ".join(("Write one of these:", *SOURCES)))

    @classmethod
    def of_base(cls, reference: str) -> Self:
        """Read where a Kustomize base is; raise UsageError for what is none of `BASES`."""
        if found := _GIT_REFERENCE.fullmatch(reference):
            return cls(found["url"], found["revision"] or "", path=found["path"])
        raise UsageError(f"“{reference}” is not where a Kustomize base is.", f"Write {BASES[0]}.")

    @property
    def is_pinned(self) -> bool:
        """Return whether the revision is one version: a range of versions, or none, is not."""
        pinned = _VERSION if self.chart else _PINNED
        return pinned.fullmatch(self.revision) is not None


_SEGMENT = r"[\w.~+-]+"
_CHART_REFERENCE = re.compile(
    rf"(?P<scheme>oci://|https://|http://(?=localhost[:/]|127\.0\.0\.1[:/]))(?P<place>{_HOST}(?:/{_SEGMENT})*)"
    rf"/(?P<chart>{_SEGMENT})(?::(?P<version>[\w.+-]+)|@(?P<digest>{_DIGEST.pattern}))?",
    re.ASCII,
)
_GIT_REFERENCE = re.compile(
    rf"(?P<url>(?:https://|ssh://(?:[\w.-]+@)?|http://(?=localhost[:/]|127\.0\.0\.1[:/])){_HOST}(?:/{_SEGMENT})+"
    rf"|[\w.-]+@[\w.-]+:{_SEGMENT}(?:/{_SEGMENT})*)//(?P<path>(?:{{env}}|[\w./~+-])+)(?:\?ref=(?P<revision>[\w./+-]+))?",
    re.ASCII,
)
_PINNED = re.compile(r"(?!HEAD$)(?!-)[\w./:+-]+", re.ASCII)
_VERSION = re.compile(r"v?\d+\.\d+\.\d+(?:[-+][\w.+-]+)?", re.ASCII)
CHARTS = (
    "oci://REGISTRY/PATH/CHART:VERSION",
    "https://HOST/PATH/CHART:VERSION (a Helm repository's URL, and in it a chart)",
    "https://HOST/REPOSITORY.git//PATH?ref=REVISION (a folder of a Git repository)",
)
SOURCES = (
    "https://HOST/REPOSITORY.git//PATH?ref=REVISION (a folder of a Git repository; {env} in it is the environment)",
    "oci://REGISTRY/PATH:TAG or oci://REGISTRY/PATH@DIGEST (an OCI artifact)",
)
BASES = ("https://HOST/REPOSITORY.git//PATH?ref=REVISION",)


@dataclass(frozen=True, slots=True)
class Seed:
    """What a new application starts with; from then on its values files say it."""

    image: Image = DEFAULT_IMAGE
    port: int = DEFAULT_PORT
    images: tuple[tuple[str, Image], ...] = ()
    """Images of single environments: (environment, image)."""
    origin: Origin | None = None
    """Of the formats that are not written here; afterwards each environment's `source.yaml` says it."""
    revisions: tuple[tuple[str, str], ...] = ()
    """Its revisions in single environments: (environment, revision)."""

    def image_in(self, environment: str) -> Image:
        """Return the image that the application starts with in an environment."""
        return dict(self.images).get(environment, self.image)


@dataclass(frozen=True, slots=True)
class Application:
    """An application: a folder below `applications/`."""

    name: str
    format: Format = Format.HELM
    team: str = ""
    seed: Seed = field(default_factory=Seed)
    chart: str = OWN
    """Whose chart it is, `OWN` or `SHARED`, where its format is Helm."""
    previews: Previews = field(default_factory=Previews)
    """For which pull requests it has previews."""
    vendored: bool = False
    """Whether its own chart is a copy of one from elsewhere, which the template does not keep up to date."""

    def __post_init__(self) -> None:
        check_name("application", self.name, RELEASE_LENGTH, RESERVED_APPLICATIONS)
        if self.name[0].isdigit():
            raise UsageError(
                f"“{self.name}” cannot name an application: a Kubernetes Service's name begins with a letter.",
                f"Try “app-{self.name}”.",
            )
        if not self.team.isprintable() or re.search(f"[{_UNREADABLE}]", self.team):
            raise UsageError(
                f"The team of the application {self.name} is not one line of text without emoji.", "Give its name."
            )
        if not 1 <= self.seed.port <= 65535:
            raise UsageError(f"{self.seed.port} is not a port.", "Ports go from 1 to 65535.")
        check_chart(self.chart)
        if self.chart != OWN and self.format is not Format.HELM:
            raise UsageError(
                f"The application {self.name} has no chart: its format is {self.format}.",
                "Leave --chart out, or choose the format helm.",
            )
        if self.vendored and (self.chart, self.format) != (OWN, Format.HELM):
            raise UsageError(
                f"The application {self.name} has no chart of its own, so none can be vendored.",
                "Leave vendored out, or have the format helm and no chart: shared.",
            )
        if self.previews:
            self._check_previews()

    def _check_previews(self) -> None:
        """Raise UsageError where Argo CD could not give a preview of the application its image, or its host."""
        if self.format is Format.MANIFESTS:
            raise UsageError(
                f"{self.name} cannot have previews: Argo CD deploys plain manifests as they are, with the image that "
                "they have.",
                f"Of an overlay Argo CD sets it: argosy convert {self.name} --to kustomize. Or end them: argosy set "
                f"app {self.name} previews=",
            )
        if self.format is Format.REMOTE:
            raise UsageError(
                f"{self.name} cannot have previews: what it is made from is elsewhere, and nothing here says how its "
                "image is set there.",
                "Have previews where its manifests are, or deploy it as a chart (add app --chart) or on a base "
                "(add app --base).",
            )
        if self.format is Format.OVERLAY and not self.previews.preview_image:
            raise UsageError(
                f"Nothing here says which image of {self.name} is that of a pull request: its base is elsewhere.",
                "Name it as the base does: previewImage=registry.example.com/acme/web",
            )
        if self.format is Format.CHART and self.previews.preview_domain:
            raise UsageError(
                f"Nothing here says which value of the chart of {self.name} is its host.",
                "Leave previewDomain out: kubectl port-forward reaches a preview.",
            )


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """A kind of Kubernetes resource, of whatever version: group "" is the core's."""

    group: str
    kind: str

    def __str__(self) -> str:
        return f"{self.group}/{self.kind}" if self.group else self.kind


NAMESPACE = Kind("", "Namespace")
"""What `CreateNamespace=true` makes."""

BASELINE = frozenset(
    Kind(group, kind)
    for group, kinds in {
        "": ("ConfigMap", "Pod", "Secret", "Service", "ServiceAccount"),
        "apps": ("Deployment", "ReplicaSet"),
        "autoscaling": ("HorizontalPodAutoscaler",),
        "batch": ("CronJob", "Job"),
        "external-secrets.io": ("ExternalSecret",),
        "gateway.networking.k8s.io": ("HTTPRoute",),
        "monitoring.coreos.com": ("ServiceMonitor",),
        "networking.k8s.io": ("Ingress",),
        "policy": ("PodDisruptionBudget",),
    }.items()
    for kind in kinds
)
"""Kinds that are harmless in an application's own namespace. Secrets are what ExternalSecrets become."""


@dataclass(frozen=True, slots=True)
class Permitted:
    """What an AppProject permits, besides what follows from its environment.

    None: the project does not say, or in words that the template has none for; then it is left as it is.
    """

    kinds: tuple[Kind, ...] | None = None
    cluster_kinds: tuple[Kind, ...] | None = None
    namespaces: tuple[str, ...] | None = None
    repositories: tuple[str, ...] = ()
    """Where applications may come from besides this repository: URLs, as an AppProject has them."""


@dataclass(frozen=True, slots=True)
class Component:
    """Something that a cluster needs, installed from a vendor's chart."""

    name: str
    repo_url: str
    """Of the chart's repository, as Argo CD takes it: of an OCI registry without `oci://`. Empty where vendored."""
    chart: str
    version: str
    namespace: str
    wave: int = 0
    server_side: bool = False
    vendored: bool = False
    """Whether the chart lies in this repository."""
    manifests: bool = False
    """Whether custom resources of it do."""
    pod_security: PodSecurity = PodSecurity.OFF
    ignored: str = ""
    """The Application's `ignoreDifferences`, as JSON; empty for none."""

    def __post_init__(self) -> None:
        check_name("component", self.name, RELEASE_LENGTH, RESERVED_COMPONENTS)
        check_name("namespace", self.namespace, LABEL_LENGTH, {})


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that environments name: where it is, and by which labels it is chosen."""

    name: str
    """What Argo CD calls it, too."""
    server: str = ""
    """The URL of its API server."""
    labels: tuple[str, ...] = ()
    """Each `KEY=VALUE`, as the Secret that tells Argo CD of it has them."""

    def __post_init__(self) -> None:
        check_name("cluster", self.name, LABEL_LENGTH, {"in-cluster": "Argo CD calls the one so that it runs in"})
        if _PASSWORD.search(self.server) or "@" in self.server.partition("://")[2].partition("/")[0]:
            raise UsageError(
                f"The server of the cluster {self.name} is given with a user or a password: it would be committed.",
                "Leave that out: what Argo CD logs in with is in the cluster's Secret (argosy help clusters).",
            )
        if "://" not in self.server or not _CLUSTER.fullmatch(self.server):
            raise UsageError(
                f"“{self.server}” is not where an API server is (cluster {self.name}).",
                f"Give its URL, such as https://{self.name}.example.com:6443, without a / at its end.",
            )
        for label in self.labels:
            key, equals, value = label.partition("=")
            prefix, slash, name = key.rpartition("/")
            is_key = _LABEL_NAME.fullmatch(name) and (not slash or _LABEL_PREFIX.fullmatch(prefix))
            if not equals or not is_key or not (not value or _LABEL_NAME.fullmatch(value)):
                raise UsageError(
                    f"“{label}” is not a label (cluster {self.name}).",
                    "Write KEY=VALUE as Kubernetes takes it, for example region=eu.",
                )
            if key in _CLUSTER_LABELS:
                raise UsageError(
                    f"The label {key} is not yours to set (cluster {self.name}): {_CLUSTER_LABELS[key]}.",
                    "Choose another key, for example region.",
                )
        _refuse_twice(f"label of the cluster {self.name}", [each.partition("=")[0] for each in self.labels])

    @property
    def label_of(self) -> dict[str, str]:
        """Its labels, with the one that every cluster has."""
        return {"cluster": self.name, **dict(each.split("=", 1) for each in self.labels)}


_LABEL_NAME = re.compile(r"[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?", re.ASCII)
_LABEL_PREFIX = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_CLUSTER_LABELS = {
    "cluster": "it is the cluster's name",
    "argocd.argoproj.io/secret-type": "Argo CD tells by it that a Secret is a cluster's",
}


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment: a folder below `environments/`, and the applications that it has a folder for."""

    name: str
    cluster: str = IN_CLUSTER
    """A server's URL, or the name under which Argo CD knows the cluster; of several clusters, the first."""
    clusters: tuple[str, ...] = ()
    """The names of several clusters that it is in, in the order of its rollout; empty where it is in one."""
    rollout: str = ""
    """The label by which its clusters are rolled out to one after the other; empty: all at once."""
    overrides: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Which applications have something of their own in which of its clusters."""
    revision: str = "main"
    auto_sync: bool = True
    promotes_from: str = ""
    namespace: str = ""
    """One namespace for all applications; empty: `<application>-<environment>` each."""
    replicas: int = 1
    """With how many replicas a new application starts."""
    applications: tuple[str, ...] = ()
    chart_versions: tuple[tuple[str, str], ...] = ()
    """Which version of the shared chart applications follow: (application, version). Others follow the newest."""
    teams_permitted: tuple[tuple[str, Permitted], ...] = ()
    """What the AppProjects of teams permit: (team, what), by name."""
    pod_security: PodSecurity = PodSecurity.OFF
    """The level that the applications' namespaces enforce."""
    components: tuple[Component, ...] = ()
    """What is installed through this environment into its cluster, by name."""
    permitted: Permitted = Permitted()
    """What the AppProject of the applications permits: of those that no project of a team has."""
    components_permitted: Permitted = Permitted()
    """What the AppProject of the components permits."""

    def __post_init__(self) -> None:
        check_name("environment", self.name, LABEL_LENGTH - 2, RESERVED_ENVIRONMENTS)
        if self.name.startswith(RESERVED_PREFIXES):
            raise UsageError(
                f"“{self.name}” cannot name an environment: AppProjects of other environments may be called so.",
                f"Choose a name that does not begin with {' or '.join(RESERVED_PREFIXES)}.",
            )
        _refuse_twice(f"cluster of the environment {self.name}", list(self.clusters))
        if self.rollout and not self.clusters:
            raise UsageError(
                f"The environment {self.name} has one cluster, which needs no order of rollout.",
                f"First name several: argosy set env {self.name} clusters=…",
            )
        if self.rollout in {"environment", "app.kubernetes.io/name"}:
            raise UsageError(
                f"The environment {self.name} cannot be rolled out to by {self.rollout}: its Applications have "
                "that label for something else.",
                "Name another label of the clusters, or cluster, for one after the other.",
            )
        if _ADDRESS.fullmatch(self.cluster):
            raise UsageError(
                f"“{self.cluster}” is an address without a scheme, no cluster's URL or name (environment {self.name}).",
                f"Write https://{self.cluster}.",
            )
        if not _CLUSTER.fullmatch(self.cluster):
            bare = self.cluster.rstrip("/")
            raise UsageError(
                f"“{self.cluster}” is not a cluster (environment {self.name}).",
                f"Write {bare}, without the / at its end."
                if _CLUSTER.fullmatch(bare)
                else f"Give the API server's URL, such as {IN_CLUSTER}, or the name that Argo CD knows the cluster by: "
                "letters, digits and “.-_:/@+”. AppProjects take brackets and the like for patterns.",
            )
        if not _REVISION.fullmatch(self.revision):
            raise UsageError(
                f"“{self.revision}” is not a revision (environment {self.name}).",
                "Name a branch, a tag or a commit, for example main or v1.2.0.",
            )
        if self.namespace:
            check_name("namespace", self.namespace, LABEL_LENGTH, {})

    @property
    def cluster_is_url(self) -> bool:
        """Return whether `cluster` is a server's URL rather than a name."""
        return "://" in self.cluster

    @property
    def places(self) -> tuple[str, ...]:
        """The clusters that it is in."""
        return self.clusters or (self.cluster,)

    def in_clusters(self, *clusters: str) -> Self:
        """Return the environment in one cluster, or in several."""
        several = clusters if len(clusters) > 1 else ()
        return replace(self, cluster=clusters[0], clusters=several, rollout=self.rollout if several else "")

    def deployed_as(self, application: str) -> tuple[str, ...]:
        """Return the names of the Argo CD Applications of an application or a component: one for each cluster."""
        name = f"{application}-{self.name}"
        return tuple(f"{name}-{each}" for each in self.clusters) or (name,)

    def namespace_of(self, application: str) -> str:
        """Return the namespace that an application is deployed to."""
        return self.namespace or f"{application}-{self.name}"

    def permitted_to(self, team: str) -> Permitted:
        """Return what the AppProject of a team permits here, or that of the environment to those of no team."""
        return dict(self.teams_permitted).get(team, Permitted()) if team else self.permitted

    def permitting(self, permitted: Permitted, team: str = "") -> Self:
        """Return the environment in which the AppProject of a team, or its own, permits something else."""
        if not team:
            return replace(self, permitted=permitted)
        return replace(
            self,
            teams_permitted=tuple(
                sorted({**dict(self.teams_permitted), team: permitted}.items(), key=lambda each: each[0])
            ),
        )

    def following(self, application: str, version: str) -> Self:
        """Return the environment in which an application follows a version of the shared chart."""
        return replace(self, chart_versions=tuple(sorted({**dict(self.chart_versions), application: version}.items())))


@dataclass(frozen=True, slots=True)
class Production:
    """What a repository has switched on for production. Each field is a question of the template."""

    high_availability: bool = False
    sso: Sso = Sso.NONE
    notifications: tuple[Notifier, ...] = ()
    monitoring: bool = False
    webhook: bool = False
    shards: int = 1
    """Among how many application controllers Argo CD divides the clusters."""
    argocd_namespace: str = "argocd"
    argocd_pin: str = ""
    """VERSION@COMMIT[@DIGEST] of the Argo CD that is installed; empty: the release that the template names."""
    argocd_manifests: ArgocdManifests = ArgocdManifests.RELEASE
    self_managed: bool = False
    """Whether an Application keeps Argo CD itself as the repository has it."""
    secrets: Secrets = Secrets.NONE
    secret_store: SecretStore = SecretStore.AWS
    image_signing: ImageSigning = ImageSigning.NONE
    network_policies: bool = False
    quotas: bool = False
    sync_windows: bool = False
    signature_keys: tuple[str, ...] = field(default=(), metadata={"upper": True})
    """The ids of the GPG keys one of which must have signed a commit that is synced; none: any commit is."""
    branch_protection: bool = False
    page: PagePlace = PagePlace.NONE
    agents: bool = False
    """Whether AGENTS.md tells agents that write code how the repository is changed."""
    least_privilege: bool = False
    """Whether projects outside production, too, permit no more than what is used."""
    chart_extras: tuple[ChartExtra, ...] = ()
    """What the Helm charts have, besides what belongs to something else that is switched on."""

    def __post_init__(self) -> None:
        if self.shards < 1:
            raise UsageError(f"{self.shards} is not a number of shards.", "One controller is the least.")
        check_name("namespace", self.argocd_namespace, LABEL_LENGTH, {})
        if self.argocd_pin and not _PIN.fullmatch(self.argocd_pin):
            raise UsageError(
                f"“{self.argocd_pin}” does not pin Argo CD.",
                "Write VERSION@COMMIT or VERSION@COMMIT@DIGEST: a release, such as v3.6.0, with what `git ls-remote "
                "https://github.com/argoproj/argo-cd 'v3.6.0^{}'` prints; the digest is the image's, sha256:….",
            )
        for key in self.signature_keys:
            if not _KEY_ID.fullmatch(key):
                raise UsageError(
                    f"“{key}” is not the id of a GPG key.",
                    "Give its last 16 hexadecimal digits: gpg --list-keys --keyid-format long shows them.",
                )


@dataclass(frozen=True, slots=True)
class Layer:
    """An organisation's template, laid over the built-in one: what Copier records of it, and the answers to it."""

    name: str
    source: str
    """Where Git has it from: a URL, or a folder of this machine."""
    version: str
    """As `git describe --long` writes it, with the whole id: v1.2.0-0-g3f…; the id alone where it has no tag."""
    answers: str = "{}"
    """What its own questions are answered with, as JSON with its keys sorted."""
    order: int = 0
    """Where it lies among the layers: of two that write a file, the one with the larger number wins."""

    def __post_init__(self) -> None:
        if not _LAYER.fullmatch(self.name):
            raise UsageError(
                f"“{self.name}” cannot name a layer.", "Use lower-case letters, digits and “-”, for example acme."
            )
        check_layer_source(self.source)
        if not LAYER_VERSION.fullmatch(self.version):
            raise UsageError(
                f"“{self.version}” does not name one commit of the layer {self.name}, with its whole id.",
                f"Restore it from Git, or take the layer anew: argosy template add {self.source}",
            )

    @property
    def commit(self) -> str:
        """The id of the commit, or of the tree of a folder that is no Git repository."""
        return self.version.rpartition("-g")[2]

    @property
    def label(self) -> str:
        """What people call the version: its tag, or the beginning of its id."""
        tag, has_tag, id = self.version.rpartition("-g")
        return tag.removesuffix("-0") if has_tag else id[:12]

    def __str__(self) -> str:
        """Return name and version, as messages say them."""
        return f"{self.name} {self.label}"


def laid(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """Return layers as they lie, the lowest first; those of one number by name."""
    return tuple(sorted(layers, key=lambda each: (each.order, each.name)))


_LAYER = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
LAYER_VERSION = re.compile(r"(?:[^\s~^:?*\[\\-][^\s~^:?*\[\\]{0,200}-[0-9]+-g)?[0-9a-f]{40}(?:[0-9a-f]{24})?")
"""What a layer's answers have as `_commit`; other templates' have a tag alone, or the beginning of an id."""
_LAYER_SOURCE = re.compile(
    r"(?:https?|ssh|file)://[^\s\x00-\x1f:-][^\s\x00-\x1f]*|(?:[\w.-]+@)?[\w][\w.-]+:(?![:/\\])[^\s\x00-\x1f:-][^\s\x00-\x1f]*"
    r"|/[^\x00-\x1f]+|[A-Za-z]:[\\/][^\x00-\x1f]+"
)


def check_layer_source(source: str) -> None:
    """Raise UsageError unless a layer can be fetched from there, and anybody may read it."""
    if _PASSWORD.search(source):
        raise UsageError(
            f"The layer's source {without_password(source)} is given with a password or a token, which would be "
            "committed.",
            "Leave it out: Git has credentials of its own (git help credentials).",
        )
    if not _LAYER_SOURCE.fullmatch(source):
        raise UsageError(
            f"“{source}” is no source of a layer.",
            "Give a Git repository, https://git.example.com/acme/layer.git or git@git.example.com:acme/layer.git, or a "
            "folder.",
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """The repository's own settings: what Copier records as answers."""

    name: str
    repo_url: str
    argocd: ArgocdStyle = ArgocdStyle.APPLICATIONS
    revision: RevisionStyle = RevisionStyle.TRUNK
    ci: CiHost = CiHost.GITHUB
    format: Format = field(default=Format.HELM, metadata={"among": WRITTEN_HERE})
    kubernetes_version: str = KUBERNETES
    branch: str = "main"
    follow_up: bool = False
    """Whether CI opens a pull request to the next environment when a promotion is merged."""
    minimal: bool = False
    """Whether there is only what nothing else can do without."""
    argosy_install: str = ""
    """What CI installs, or the image that it runs in: see `INSTALLED`; nothing: its jobs fail and say so."""
    production: Production = field(default_factory=Production)
    layers: tuple[Layer, ...] = ()
    """What is laid over the built-in template, each over those before it."""
    chart: str = field(default=OWN, metadata={"among": (OWN, SHARED)})
    """Whose chart new applications in Helm's format have."""
    tenancy: Tenancy = Tenancy.ENVIRONMENT
    """Whether each team has AppProjects of its own."""

    def chart_of(self, form: Format) -> str:
        """Return whose chart a new application of a format has."""
        return self.chart if form is Format.HELM else OWN

    def __post_init__(self) -> None:
        if not _REPOSITORY_NAME.fullmatch(self.name):
            raise UsageError(
                f"“{self.name}” cannot name a repository.",
                "Use letters, digits, “.”, “_” and “-”, and more than a y, an n or a number: for example gitops.",
            )
        check_repository_url(self.repo_url)
        check_chart(self.chart)
        if not _BRANCH.fullmatch(self.branch):
            raise UsageError(f"“{self.branch}” is not a branch.", "Name it as Git does, for example main or trunk.")
        if self.format not in WRITTEN_HERE:
            raise UsageError(
                f"Applications are not written as “{self.format}” by default: that needs to know from where.",
                f"Choose {', '.join(WRITTEN_HERE)}, and give argosy add app --chart, --base or --source.",
            )
        if not re.fullmatch(r"1\.[0-9]{2}", self.kubernetes_version):
            raise UsageError(
                f"“{self.kubernetes_version}” is not a Kubernetes version.", "Give major and minor, for example 1.37."
            )
        if int(self.kubernetes_version[2:]) < OLDEST_MINOR:
            raise UsageError(
                f"Kubernetes {self.kubernetes_version} is older than what the template's manifests need.",
                f"Give 1.{OLDEST_MINOR} or newer.",
            )
        if self.argosy_install and not is_installed(self.argosy_install):
            raise UsageError(
                f"“{self.argosy_install}” does not name one argosy alone, which is what CI may install.",
                "\n    ".join(("It is one of these:", *INSTALLED)),
            )
        if self.follow_up and self.ci is CiHost.NONE:
            raise UsageError(
                "CI opens the pull request that follows a promotion, and there is no CI.",
                "Choose a CI host, or switch the follow-up off.",
            )

    @property
    def argosy_file(self) -> str:
        """The file of the repository that argosy is installed from; empty where it comes from elsewhere."""
        is_file = self.argosy_install.endswith((".txt", ".whl", ".tar.gz"))
        return self.argosy_install.removeprefix("./") if is_file else ""


Owned = tuple[tuple[str, tuple[tuple[str, tuple[str, ...]], ...]], ...]
"""Each team with its applications, and the environments that each of these is deployed to: sorted by team and name.

Those that no team owns come first, as the team "".
"""
Quota = tuple[tuple[str, str], ...]
"""Names of a ResourceQuota's `hard`, and of a LimitRange's containers such as `max.memory`, each with a quantity."""
OF_QUOTAS = (
    *("pods", "requests.cpu", "requests.memory", "limits.memory", "persistentvolumeclaims", "requests.storage"),
    *("services.loadbalancers", "configmaps", "cpu", "ephemeral-storage", "limits.cpu", "limits.ephemeral-storage"),
    *("memory", "replicationcontrollers", "requests.ephemeral-storage", "resourcequotas", "secrets", "services"),
    "services.nodeports",
)
"""What a ResourceQuota can limit, besides names such as `count/jobs.batch`: first what the template limits."""
OF_LIMITS = tuple(
    f"{what}.{each}"
    for what in ("defaultRequest", "default", "max", "min")
    for each in ("cpu", "memory", "ephemeral-storage")
)
"""What a LimitRange says of containers: `max.memory` is the most memory that one may ask for."""
_QUOTA = re.compile(r"[a-z0-9][a-z0-9.-]*/[a-z0-9][a-z0-9.-]*")
_QUANTITY = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:m|k|Ki|[MGTPE]i?)?")


_GROUPS = {"platform": "Argo CD's administrators", "developers": "the developers of all teams"}


@dataclass(frozen=True, slots=True)
class Team:
    """A team with AppProjects of its own, where tenancy is by team: a file below `teams/`."""

    name: str
    sso_group: str = ""
    """The group of those who log in as it; empty: the one that the team's name gives."""
    quotas: tuple[tuple[str, Quota], ...] = ()
    """What each of its namespaces may use, where that is other than usual: by environment."""

    def __post_init__(self) -> None:
        check_name("team", self.name, LABEL_LENGTH, {})
        group = self.sso_group
        if (group or self.name) in _GROUPS:
            raise UsageError(
                f"The group “{group or self.name}” is that of {_GROUPS[group or self.name]} (team {self.name}).",
                "Choose another name for the team, or give it a group of its own: ssoGroup=GROUP.",
            )
        if not group.isprintable() or re.search(f'["{_UNREADABLE}]', group) or group.strip() != group:
            raise UsageError(
                f"“{group}” cannot be the group of the team {self.name}.",
                "Give the name that people log in with, in one line, without quotes and surrounding spaces.",
            )
        for environment, quota in self.quotas:
            for name, quantity in quota:
                known = (*OF_QUOTAS, *OF_LIMITS)
                if name not in known and not _QUOTA.fullmatch(name):
                    raise UsageError(
                        f"“{name}” is not a limit of a namespace (team {self.name}, {environment}).",
                        did_you_mean(name, known) or f"Give {', '.join(known)}, or count/KIND.GROUP.",
                    )
                if not _QUANTITY.fullmatch(quantity):
                    raise UsageError(
                        f"“{quantity}” is not a quantity (team {self.name}, {environment}: {name}).",
                        "Write 4, 500m or 8Gi.",
                    )

    def quota(self, environment: str) -> Quota:
        """Return what each of its namespaces in an environment may use, where that is other than usual."""
        return dict(self.quotas).get(environment, ())


@dataclass(frozen=True, slots=True)
class Project:
    """An AppProject of applications: an environment's, or a team's in an environment."""

    environment: Environment
    team: str
    """Empty for the environment's own."""
    namespaces: tuple[str, ...] | None
    """Those that its applications deploy to; None: all that are named after the environment."""

    @property
    def name(self) -> str:
        """Return how Argo CD knows it."""
        return project_name(self.environment.name, self.team)

    @property
    def permitted(self) -> Permitted:
        """Return what it permits."""
        return self.environment.permitted_to(self.team)


def project_name(environment: str, team: str = "") -> str:
    """Return the name of the AppProject of an environment, or of a team in it."""
    return f"{environment}-{team}" if team else environment


@dataclass(frozen=True, slots=True)
class Repository:
    """A whole repository: settings, environments in promotion order, applications by name."""

    settings: Settings
    environments: tuple[Environment, ...] = ()
    applications: tuple[Application, ...] = ()
    owned: Owned | None = None
    """What each team owns, where `applications` are not all that there are; None: `applications` tell."""
    teams: tuple[Team, ...] = ()
    """The teams that can have AppProjects of their own, by name."""
    charts: tuple[str, ...] = ()
    """The versions of the shared chart that there are, the oldest first: the template keeps the newest."""
    clusters: tuple[Cluster, ...] = ()
    """The clusters that are declared, by name. An environment with one cluster may name another that Argo CD knows."""

    def __post_init__(self) -> None:
        self._refuse_clusters()
        _refuse_twice("environment", [environment.name for environment in self.environments])
        _refuse_twice("application", [application.name for application in self.applications])
        seen: dict[str, tuple[str, str]] = {}
        for environment, application in self.deployments():
            own = f"{application.name}-{environment.name}"
            # The ApplicationSet of several is called as the one would be.
            for name in (own, *environment.deployed_as(application.name)) if environment.clusters else (own,):
                if name in seen:
                    raise UsageError(
                        f"The Application name “{name}” would belong to two: {seen[name][0]} in {seen[name][1]}, and "
                        f"{application.name} in {environment.name}.",
                        "Rename one of the applications or environments.",
                    )
                seen[name] = (application.name, environment.name)
            if not environment.namespace and len(own) > LABEL_LENGTH:
                raise UsageError(
                    f"“{own}” cannot name a namespace: it has {len(own)} characters, at most {LABEL_LENGTH} are "
                    "possible.",
                    f"Shorten the name of the application {application.name} or of the environment {environment.name}.",
                )

        for environment in self.environments:
            _refuse_twice("component", [component.name for component in environment.components])
            for component in environment.components:
                for name in environment.deployed_as(component.name):
                    if name in seen:
                        raise UsageError(
                            f"The Application name “{name}” would belong to two: {seen[name][0]} in {seen[name][1]}, "
                            f"and the component {component.name} in {environment.name}.",
                            "Rename an application or an environment.",
                        )
                    seen[name] = (component.name, environment.name)

    def _refuse_clusters(self) -> None:
        """Raise UsageError where two clusters are one, or one is called as what is another's."""
        _refuse_twice("cluster", [each.name for each in self.clusters])
        _refuse_twice("cluster's server", [each.server for each in self.clusters])
        named = {each.name: each for each in self.clusters}
        for each in self.environments:
            self._refuse_several(each, named)
            other = named.get(each.name)
            elsewhere = each.cluster not in {IN_CLUSTER, "in-cluster"} and not each.clusters
            if other and elsewhere and self.server(each.cluster) != other.server:
                # What tells Argo CD of the two would have one name.
                raise UsageError(
                    f"The cluster {other.name} is called as the environment {each.name}, which is in another cluster: "
                    f"{each.cluster}.",
                    f"Rename one of the two, or declare that one and name it: argosy set env {each.name} cluster=NAME",
                )

    def _refuse_several(self, environment: Environment, named: Mapping[str, Cluster]) -> None:
        """Raise UsageError where an environment cannot be in its several clusters, or not in that order."""
        # On an environment's own branch nothing is declared.
        for each in environment.clusters if named else ():
            if each not in named:
                raise UsageError(
                    f"{environment.name} is in the cluster {each}, which is not declared.",
                    f"Declare it: argosy add cluster {each} --server URL",
                )
            if environment.rollout and environment.rollout not in named[each].label_of:
                raise UsageError(
                    f"{environment.name} is rolled out to by {environment.rollout}, a label that {each} does not have.",
                    f"Label it: argosy set cluster {each} labels={environment.rollout}=…",
                )
        if not environment.clusters:
            return
        if "clusters" in environment.applications:
            raise UsageError(
                f"The application clusters is in {environment.name}, where that folder holds what clusters have of "
                "their own.",
                "Rename it: argosy rename app clusters …",
            )
        applications = {each.name: each for each in self.applications}
        sharing = [
            name for name in environment.applications if name in applications and applications[name].chart == SHARED
        ]
        if sharing and self.settings.argocd is ArgocdStyle.APPLICATIONS:
            raise UsageError(
                f"{sharing[0]} follows the shared chart in {environment.name}, in a version that its Application says: "
                "with several clusters there is one for each.",
                f"argosy convert {sharing[0]} --chart own, or argosy set repository argocd=applicationset.",
            )

    def steps(self, environment: Environment) -> tuple[str, ...]:
        """Return the values of the label by which an environment is rolled out to, in order; none where it is not."""
        if not environment.rollout or not environment.auto_sync or not self.clusters:
            return ()
        named = {each.name: each for each in self.clusters}
        return tuple(dict.fromkeys(named[each].label_of[environment.rollout] for each in environment.clusters))

    def servers(self, environment: Environment) -> frozenset[str]:
        """Return where an environment's clusters are."""
        return frozenset(map(self.server, environment.places))

    def server(self, cluster: str) -> str:
        """Return where a cluster is, as it is declared; else what an environment calls it."""
        bare = cluster.rstrip("/")
        return next((each.server for each in self.clusters if each.name == cluster), bare)

    def by_team(self) -> Owned:
        """Return what each team owns."""
        if self.owned is not None:
            return self.owned
        found: dict[str, dict[str, tuple[str, ...]]] = {}
        deployed = {each.name: frozenset(each.applications) for each in self.environments}
        for application in sorted(self.applications, key=lambda each: each.name):
            places = tuple(place for place, names in deployed.items() if application.name in names)
            found.setdefault(application.team, {})[application.name] = places
        return tuple((team, tuple(owned.items())) for team, owned in sorted(found.items()))

    def previewed(self, environment: Environment) -> tuple[Application, ...]:
        """Return the applications whose previews have the values of an environment."""
        return tuple(
            each
            for each in self.applications
            if each.previews and each.previews.preview_env == environment.name and each.name in environment.applications
        )

    @property
    def is_by_team(self) -> bool:
        """Whether each team has AppProjects of its own."""
        return self.settings.tenancy is Tenancy.TEAM

    def projects(self) -> Iterator[Project]:
        """Yield the AppProject of each environment, and where each team has one of its own, those after it."""
        if not self.is_by_team:
            yield from (Project(each, "", None) for each in self.environments)
            return
        owned = {team: dict(applications) for team, applications in self.by_team()}
        for environment in self.environments:
            for team in ("", *(each.name for each in self.teams)):
                names = [name for name, places in owned.get(team, {}).items() if environment.name in places]
                yield Project(environment, team, tuple(sorted({*map(environment.namespace_of, names)})))

    def tenant(self, application: Application) -> str:
        """Return the team whose AppProjects an application has; "" where it has those of the environments."""
        return application.team if self.is_by_team else ""

    def baseline(self, environment: Environment) -> frozenset[Kind]:
        """Return the kinds that an environment's project permits whether they are used or not: none in production."""
        exact = self.settings.production.least_privilege or self.is_production(environment)
        return frozenset() if exact else BASELINE

    @property
    def has_rollouts(self) -> bool:
        """Return whether an environment brings Argo Rollouts: charts and Applications of all environments know it."""
        return any(each.name == "argo-rollouts" for environment in self.environments for each in environment.components)

    def is_production(self, environment: Environment) -> bool:
        """Return whether releases end in an environment: nothing promotes from it."""
        return all(each.promotes_from != environment.name for each in self.environments)

    @property
    def newest_chart(self) -> str:
        """The version of the shared chart that new applications follow."""
        return self.charts[-1] if self.charts else FIRST_CHART

    def application(self, name: str) -> Application:
        """Return the application of that name; raise KeyError if there is none."""
        return next((found for found in self.applications if found.name == name), None) or _missing(name)

    def deployments(self) -> Iterator[tuple[Environment, Application]]:
        """Yield each environment with each application that it deploys."""
        applications = {application.name: application for application in self.applications}
        for environment in self.environments:
            for name in environment.applications:
                if name in applications:
                    yield environment, applications[name]

    def with_applications(self, applications: tuple[Application, ...]) -> Self:
        """Return the repository with these applications added to every environment."""
        names = tuple(application.name for application in applications)
        environments = tuple(
            replace(environment, applications=tuple(sorted({*environment.applications, *names})))
            for environment in self.environments
        )
        together = sorted((*self.applications, *applications), key=lambda application: application.name)
        return replace(self, environments=environments, applications=tuple(together)).with_shared_chart()

    def followed(self, environment: Environment, application: str) -> str:
        """Return which version of the shared chart an application follows in an environment."""
        return dict(environment.chart_versions).get(application, self.newest_chart)

    @property
    def shares_chart(self) -> bool:
        """Whether an application uses the shared chart, or new ones will."""
        default = self.settings.chart_of(self.settings.format)
        return SHARED in {default, *(each.chart for each in self.applications)}

    def with_shared_chart(self) -> Self:
        """Return the repository with the shared chart, if it is used and not there yet."""
        return replace(self, charts=(FIRST_CHART,)) if self.shares_chart and not self.charts else self


def chain(names: tuple[tuple[str, str], ...], revision: RevisionStyle, branch: str = "main") -> tuple[Environment, ...]:
    """Return environments that promote from one to the next, given as (name, cluster) with "" for this cluster.

    The first starts its applications with one replica, the last with three, those between with two.
    """
    _refuse_twice("environment", [name for name, _ in names])
    last = len(names) - 1
    return tuple(
        Environment(
            name=name,
            cluster=cluster or IN_CLUSTER,
            revision=name if revision is RevisionStyle.BRANCH else branch,
            promotes_from=names[index - 1][0] if index else "",
            replicas=1 if index == 0 else 3 if index == last else 2,
        )
        for index, (name, cluster) in enumerate(names)
    )


def check_name(what: str, name: str, longest: int, reserved: dict[str, str]) -> None:
    """Raise UsageError unless Kubernetes takes the name as a DNS label of at most `longest` characters."""
    refused = f"“{name}” cannot name {'an' if what[0] in 'aeiou' else 'a'} {what}"
    if name in reserved:
        raise UsageError(f"{refused}: {reserved[name]}.", "Choose another name.")
    if len(name) > longest:
        raise UsageError(
            f"{refused}: it has {len(name)} characters, at most {longest} are possible.",
            "Choose a shorter name: Helm releases have at most 53 characters, namespaces 63."
            if what in {"application", "component"}
            else "Choose a shorter name: it becomes a part of namespaces, which have at most 63 characters.",
        )
    if name in _YAML_WORDS or _YAML_NUMBER.fullmatch(name):
        raise UsageError(
            f"{refused}: YAML does not read it as a string.",
            f"Try “{what[:3]}-{name}”.",
        )
    if not _LABEL.fullmatch(name):
        proposal = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        raise UsageError(
            f"{refused}: Kubernetes takes lower-case letters, digits and “-”, with a letter or digit at both ends.",
            f"Try “{proposal}”." if proposal else "Choose another name.",
        )


def is_installed(setting: str) -> bool:
    """Return whether a text names exactly one argosy, so that CI may install it."""
    return _INSTALLED.fullmatch(setting) is not None


def check_chart(chart: str) -> None:
    """Raise UsageError unless an application's chart can be that."""
    if chart not in {OWN, SHARED}:
        raise UsageError(f"The chart cannot be “{chart}”.", f"It is {OWN} or {SHARED}.")


def in_order(versions: Iterable[str]) -> tuple[str, ...]:
    """Return the versions among texts, the oldest first: three numbers with dots between them."""
    found = (each for each in versions if VERSION.fullmatch(each))
    return tuple(sorted(found, key=lambda each: [int(number) for number in each.split(".")]))


def check_repository_url(url: str) -> None:
    """Raise UsageError unless Argo CD can clone the URL, and anybody may read it."""
    if _PASSWORD.search(url):
        raise UsageError(
            f"The repository URL {without_password(url)} is given with a password or a token: it would be committed.",
            "Leave it out, and give it to Argo CD as a repository credential.",
        )
    if not _REPOSITORY_URL.fullmatch(url):
        raise UsageError(
            f"“{url}” is not a repository URL.",
            "Argo CD clones it, so give it in full: https://github.com/acme/gitops.git or "
            "git@github.com:acme/gitops.git. AppProjects take “*”, “?”, brackets and the like for patterns.",
        )


def without_password(url: str) -> str:
    """Return a URL without its user and password, if it has a password or what may be a token."""
    return _PASSWORD.sub("", url)


def _refuse_twice(what: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"The {what} “{name}” is given twice.", "Name each once.")


def _missing(name: str) -> Application:
    raise KeyError(name)
