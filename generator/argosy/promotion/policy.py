"""What promotion moves: a treatment for each key, from application.yaml and, after it, sensible defaults.

A pattern is `[SCOPE:]PATH`. PATH is a key's names with dots between them, and matches what is below it too; `*` stands
for any part of one name, `**` for any number of names; a name with dots in it is put in double quotes. SCOPE is a
manifest's Kind or Kind/name, or a file's name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import translate
from functools import cache, cached_property, lru_cache
from typing import NamedTuple

from argosy.documents.plain import parse
from argosy.errors import ArgosyError
from argosy.promotion.deployment import SHARING
from argosy.repository import layout
from argosy.yaml_edit.keys import Key


class Treatment(StrEnum):
    """What promotion does with a key."""

    PROMOTE = "promote"
    """It is the same in both environments afterwards."""
    PINNED = "pinned"
    """It belongs to the environment, and never moves."""
    ASK = "ask"
    """Someone has to decide."""
    SETTING = "setting"
    """A change of it moves; a key that is new, gone, or was different all along asks. So is what no pattern names."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern, and how it treats the keys that match it."""

    text: str
    treatment: Treatment
    own: bool = False
    """Whether the application's settings have it, and not the defaults."""

    def matches(self, key: Key) -> bool:
        """Return whether it matches a key, or what that is part of."""
        return any(self._length(each) >= 0 for each in _written(key))

    @property
    def is_silent(self) -> bool:
        """Return whether it is about an Application's own fields, which differ in every environment."""
        return self.text in {APPLICATION, f"{SHARING}:"}

    def weight(self, key: Key) -> tuple[bool, int, int, int]:
        """How much it counts among all that match: the application's own before defaults, then the more specific."""
        scope, names = _split(self.text)
        literal = bool(scope) + sum(name not in {"*", "**"} for name in names)
        return self.own, literal, max(map(self._length, _written(key))), len(self.text)

    def _length(self, key: _Written) -> int:
        """Return how much of a key's path it covers; -1 if it does not mean it."""
        scope, path = _compiled(self.text)
        if scope and not any(map(scope.match, key.scopes)):
            return -1
        found = path.match(key.path)
        return -1 if found is None else found.end()


class _Written(NamedTuple):
    """A key as patterns are matched with it."""

    path: str
    """Its names, each with a NUL after it."""
    scopes: Sequence[str]
    """What the scope of a pattern can call it."""


@lru_cache(maxsize=16)
def _written(key: Key) -> Sequence[_Written]:
    """Return a key as all patterns are matched with it, and as a chart's value where an Application holds it."""
    value = value_of(key)
    return [
        _Written("".join(f"{name}\0" for name in each.path), _scopes(each))
        for each in ((key,) if value is None else (key, value))
    ]


def value_of(key: Key) -> Key | None:
    """Return the chart's value that a key of an Application sets; None if it sets none."""
    if key.scope != "Application" or "helm" not in key.path[:4]:
        return None
    below = key.path[key.path.index("helm") + 1 :]
    if below[:1] == ("valuesObject",) and len(below) > 1:
        return Key("values.yaml", "", below[1:])
    if below[:1] == ("parameters",) and len(below) > 1:
        return Key("values.yaml", "", tuple(below[1].split(".")))
    return None


_NAME = re.compile(r'"([^"]*)"|([^."]+)')
_SCOPE = re.compile(r'([^":]*):(.*)', re.DOTALL)


def _split(text: str) -> tuple[str, list[str]]:
    """Return a pattern's scope, empty for any, and the names of its path."""
    scoped = _SCOPE.fullmatch(text)
    scope, path = scoped.groups() if scoped else ("", text)
    return scope, [quoted or plain for quoted, plain in _NAME.findall(path.strip())]


@lru_cache(maxsize=1024)
def _compiled(text: str) -> tuple[re.Pattern[str] | None, re.Pattern[str]]:
    scope, names = _split(text)
    parts = [r"(?:[^\0]*\0)*" if name == "**" else _one(name) + r"\0" for name in names]
    return re.compile(translate(scope)) if scope else None, re.compile("".join(parts))


def _one(name: str) -> str:
    return r"[^\0]*".join(map(re.escape, name.split("*")))


def _scopes(key: Key) -> Sequence[str]:
    file = key.file.rpartition("/")[2]
    usual = _USUAL_NAMES.get(file, file.removesuffix(".yml") + ".yaml" if file.endswith(".yml") else file)
    return (key.scope, key.scope.partition("/")[0], key.file, usual)


_USUAL_NAMES = {"Kustomization": "kustomization.yaml"}


@dataclass(frozen=True)
class Policy:
    """The patterns that decide what moves."""

    patterns: Sequence[Pattern] = field(default_factory=lambda: DEFAULTS)

    @classmethod
    def of(cls, settings: bytes | None) -> Policy:
        """Return the policy that an application's settings ask for."""
        own = parse(settings or b"").get("promotion") or {}
        if not isinstance(own, Mapping):
            raise _wrong("promotion")
        chosen = (Treatment.PROMOTE, Treatment.PINNED, Treatment.ASK)
        patterns = [Pattern(text, each, own=True) for each in chosen for text in _texts(own, each.value)]
        return cls((*patterns, *DEFAULTS)) if patterns else _of_defaults()

    def pattern_of(self, key: Key) -> Pattern | None:
        """Return the pattern that decides on a key, None where none names it."""
        return self._found(key)

    @cached_property
    def _found(self) -> Callable[[Key], Pattern | None]:
        return cache(self._find)

    def _find(self, key: Key) -> Pattern | None:
        found = [each for each in self.patterns if each.matches(key) and (each.own or _is_meant(key, each))]
        return max(found, key=lambda each: each.weight(key), default=None)

    def treatment_of(self, key: Key) -> Treatment:
        """Return how a key is treated."""
        pattern = self.pattern_of(key)
        return pattern.treatment if pattern else Treatment.SETTING


def _is_meant(key: Key, default: Pattern) -> bool:
    """Return whether a default is about a key: what an Application hands to a chart is not one of its own fields."""
    if key.file == SHARING:
        return default.text.startswith(SHARING)
    value = value_of(key)
    if value is not None:
        return default.matches(value)
    return key.scope != "Application" or default.text.startswith(APPLICATION)


@cache
def _of_defaults() -> Policy:
    """Return one policy for all applications that say nothing, which then find a key's pattern once."""
    return Policy()


def _texts(own: Mapping[str, object], name: str) -> Sequence[str]:
    found = own.get(name) or []
    texts = [found] if isinstance(found, str) else found
    if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
        raise _wrong(f"promotion.{name}")
    return texts


def _wrong(name: str) -> ArgosyError:
    return ArgosyError(
        f"`{name}` in application.yaml is not a promotion policy.",
        "Write `promote`, `pinned` and `ask` below `promotion`, each a list of patterns such as config.LOG_LEVEL.",
    )


def matches_any(key: Key, patterns: Iterable[str]) -> bool:
    """Return whether one of the patterns matches a key."""
    return any(meant(key, each) is not None for each in patterns)


def is_password(key: Key) -> bool:
    """Return whether a key is called as passwords are, or is a part of such a one."""
    return matches_any(key, _PASSWORDS)


def meant(key: Key, text: str) -> tuple[bool, int, int, int] | None:
    """Return how much a pattern counts for a key, or its name as it is printed; None if it does not mean it."""
    pattern = Pattern(text, Treatment.ASK, own=text == str(key))
    return pattern.weight(key) if pattern.own or pattern.matches(key) else None


APPLICATION = "Application:"

_PROMOTE = (
    # Images, whole or in parts, in values and manifests alike.
    *("**.image", "**.*Image", "**.imageRepository", "**.imageTag", "**.imageDigest", "kustomization.yaml:images"),
    # Charts' versions.
    *("Chart.yaml:version", "Chart.yaml:appVersion", "Chart.yaml:dependencies.*.version", "Chart.lock:", "charts/*:"),
    *("kustomization.yaml:helmCharts.*.version",),
    "source.yaml:targetRevision",
    *(f'kustomization.yaml:{field}."*:*"' for field in ("resources", "components")),
    *(f"{SHARING}:spec.source.path", f"{layout.CHART_VERSION}:chartVersion"),
    *("Application:spec.source.targetRevision", "Application:spec.sources.*.targetRevision"),
)
_SETTING = (
    # An environment may have a registry of its own; but when an image or a chart moves house, it does everywhere.
    *("**.image.registry", "**.*Image.registry"),
    *("Application:spec.source.repoURL", "Application:spec.source.chart", "Application:spec.sources.*.repoURL"),
)
_PASSWORDS = ("**.password", "**.*Password")
_PINNED = (
    *(f"**.{image}.{part}" for image in ("image", "*Image") for part in ("pullPolicy", "pullSecrets", "pullSecret")),
    *("**.imagePullPolicy", "**.imagePullSecrets"),
    # How much of it.
    *("**.replicaCount", "**.replicas", "**.minReplicas", "**.maxReplicas", "**.autoscaling", "**.hpa", "**.keda"),
    *("**.podDisruptionBudget", "**.pdb", "**.resourcesPreset", "values*.yaml:**.resources"),
    *("**.containers.*.resources", "**.initContainers.*.resources", "**.volumeClaimTemplates"),
    *("HorizontalPodAutoscaler:", "VerticalPodAutoscaler:", "ScaledObject:", "PodDisruptionBudget:"),
    *("PersistentVolumeClaim:", "ResourceQuota:", "LimitRange:"),
    *("**.persistence.enabled", "**.persistence.**.size", "**.persistence.**.accessMode*"),
    *("**.existingClaim", "**.claimName", "**.storageClass*", "**.defaultStorageClass"),
    # How it is reached.
    *(f"**.ingress.**.{name}" for name in ("host", "hosts", "hostname", "extraHosts", "tls", "extraTls", "className")),
    *("**.ingress.**.annotations", "**.ingress.**.ingressClassName", "**.service.**.annotations"),
    *("**.nodePort", "**.nodePorts", "**.loadBalancer*"),
    *(f"**.{route}.**.{name}" for route in ("httpRoute", "route") for name in ("hostnames", "parentRefs")),
    *("HTTPRoute:spec.hostnames", "HTTPRoute:spec.parentRefs"),
    *("VirtualService:spec.hosts", "VirtualService:spec.gateways"),
    *("Ingress:spec.rules", "Ingress:spec.tls", "Ingress:spec.ingressClassName", "Ingress:metadata.annotations"),
    *("Service:metadata.annotations", "Certificate:spec.dnsNames", "Certificate:spec.issuerRef"),
    # Where it runs, and as what.
    *("**.nodeSelector", "**.affinity", "**.tolerations", "**.topologySpreadConstraints", "**.priorityClassName"),
    *("**.cluster", "**.clusterName", "**.region", "**.namespace", "**.labels.environment", "**.*Labels.environment"),
    f"{SHARING}:",
    *("global.environment", "**.serviceMonitor.**.labels", APPLICATION),
    # An Application's sources that are no charts: references to Git repositories, and folders in them.
    *(f'Application:spec.sources."{kind}".{name}' for kind in ("$*", "*/*") for name in ("targetRevision", "repoURL")),
    *(f"kustomization.yaml:{name}" for name in ("namePrefix", "nameSuffix", "labels", "replicas", "secretGenerator")),
    *("kustomization.yaml:commonLabels", "kustomization.yaml:commonAnnotations"),
    # Which secrets it is given, and who it is to the cloud.
    *("**.existingSecret*", "**.secretName", "**.secretRef", "**.secretKeyRef", "**.extraEnvVarsSecret"),
    *_PASSWORDS,
    *("**.storeRef", "**.secretStoreRef", "**.remoteRef"),
    *("**.externalSecret*.**.extract", "ExternalSecret:spec.dataFrom", "Secret:", "SealedSecret:", "SecretStore:"),
    *("**.serviceAccount.**.annotations", "ServiceAccount:metadata.annotations"),
)
_ASK = (
    # What a kustomization takes in: files that the other environment may not have.
    *(f"kustomization.yaml:{name}" for name in ("resources", "components", "patches")),
    *("kustomization.yaml:patchesStrategicMerge", "kustomization.yaml:patchesJson6902"),
    # What needs something of the environment beside it: a host, a gateway, a vault, a cluster's own kinds.
    *(f"**.{name}.**.enabled" for name in ("ingress", "httpRoute", "externalSecret*", "serviceMonitor")),
    # Values as one text.
    *("Application:spec.source.helm.values", "Application:spec.sources.*.helm.values"),
)

DEFAULTS: Sequence[Pattern] = tuple(
    Pattern(text, treatment)
    for treatment, texts in (
        (Treatment.PROMOTE, _PROMOTE),
        (Treatment.SETTING, _SETTING),
        (Treatment.PINNED, _PINNED),
        (Treatment.ASK, _ASK),
    )
    for text in texts
)
"""What holds where an application's own settings say nothing."""
