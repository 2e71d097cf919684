"""Rules of what the objects in a namespace refer to: pods by labels, ports, and other objects by name."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from argosy.argocd.matching import applied, cluster, namespace_of
from argosy.argocd.view import View, key
from argosy.documents import Document, Pointer
from argosy.documents.fields import JSON, group_and_kind, mapping, sequence, text
from argosy.documents.fields import field as value_at
from argosy.findings import Problem, Severity
from argosy.kubernetes import references
from argosy.kubernetes.pods import containers, pod_specs
from argosy.kubernetes.selectors import selects
from argosy.names import did_you_mean
from argosy.rules.examples import APPLICATION, DESTINATION, SOURCE
from argosy.rules.registry import Scope, rule
from argosy.schemas.builtin_kinds import BUILT_IN_GROUPS

_OF_PODS = frozenset(
    {"argoproj.io", "bitnami.com", "cert-manager.io", "cilium.io", "external-secrets.io", "gateway.networking.k8s.io"}
    | {"isindir.github.com", "keda.sh", "kyverno.io", "networking.istio.io", "policies.kyverno.io", "security.istio.io"}
    | {"traefik.containo.us", "traefik.io", "trust.cert-manager.io"}
)
"""The groups of custom resources of which controllers make no pods, services or volumes."""
_MONITORS = frozenset({"PodMonitor", "PrometheusRule", "Probe", "ServiceMonitor"})
_EVERYWHERE = frozenset(
    {("ConfigMap", "kube-root-ca.crt"), ("ConfigMap", "openshift-service-ca.crt")}
    | {("Secret", "argocd-redis"), ("Secret", "argocd-initial-admin-secret")}
)
"""What every namespace has, and what Argo CD makes for itself in its own."""


@dataclass
class _Namespace:
    """What Applications deploy to one namespace of one cluster."""

    objects: dict[tuple[str, str], list[Document]] = field(default_factory=lambda: defaultdict(list))
    """By kind and name, also what controllers make of an object."""
    pods: list[tuple[Mapping[str, JSON], Document, Pointer]] = field(default_factory=list)
    """The labels of the pods of each workload, and where their specification is."""
    documents: list[Document] = field(default_factory=list)
    is_partial: bool = False
    """Whether some of what is deployed there is unknown."""
    has_operators: bool = False
    """Whether custom resources are there of which controllers may make anything."""

    def has(self, kind: str, name: str) -> bool:
        """Return whether an object is there, or may be."""
        return self.is_partial or (kind, name) in self.objects or (kind, name) in _EVERYWHERE

    def selected(self, selector: Mapping[str, JSON]) -> Sequence[tuple[Document, Pointer]]:
        """Return the pods whose labels a label selector matches."""
        return [(document, at) for labels, document, at in self.pods if selects(selector, labels)]


@lru_cache(maxsize=1)  # One validation looks at one View.
def _namespaces(view: View) -> Sequence[_Namespace]:
    found: dict[tuple[str, str], _Namespace] = defaultdict(_Namespace)
    for application in view.applications:
        server, name = cluster(application, view)
        where, default = server or name or "", namespace_of(application)
        found[where, default].is_partial |= key(application) in view.partial
        for document in applied(application, view):
            namespace = found[where, text(value_at(document.data, "metadata", "namespace")) or default]
            namespace.documents.append(document)
            _add(namespace, document)
    return [*found.values()]


def _add(namespace: _Namespace, document: Document) -> None:
    group, kind = group_and_kind(document.data)
    name = text(value_at(document.data, "metadata", "name"))
    namespace.objects[kind, name].append(document)
    for made in references.made_of(group, kind, name, document.data):
        namespace.objects[made].append(document)
    if group not in BUILT_IN_GROUPS | _OF_PODS and kind not in _MONITORS:
        namespace.has_operators = True
    for at, _ in pod_specs(document.data):
        labels = value_at(document.data, *at[:-1], "metadata", "labels")
        namespace.pods.append((mapping(labels), document, at))


def _app(document: str) -> str:
    return APPLICATION + SOURCE + DESTINATION + document


_DEPLOYMENT = """
# file: apps/my-app/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: my-app}
spec:
  selector: {matchLabels: {app: my-app}}
  template:
    metadata: {labels: {app: my-app}}
    spec:
      containers:
        - name: my-app
          image: nginx:1.29.3-alpine
          ports: [{name: http, containerPort: 8080}]
          envFrom: [{configMapRef: {name: CONFIG}}]
"""
_CONFIG = """
# file: apps/my-app/config-map.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: my-app}
data: {greeting: hello}
"""
_SERVICE = """
# file: apps/my-app/service.yaml
apiVersion: v1
kind: Service
metadata: {name: my-app}
spec:
  selector: {app: APP}
  ports: [{port: 80, targetPort: PORT}]
"""


def _example(app: str = "my-app", port: str = "http", config: str = "my-app") -> str:
    service = _SERVICE.replace("APP", app).replace("PORT", port)
    return _app(_DEPLOYMENT.replace("CONFIG", config) + _CONFIG + service)


@rule(
    "selector-matches-nothing",
    Severity.WARNING,
    Scope.REPOSITORY,
    "A selector matches none of the pods that are deployed to its namespace.",
    explanation="A Service without pods has no endpoints, and a PodDisruptionBudget or NetworkPolicy without pods does "
    "nothing. Compared are the labels of all pods that Applications of this repository deploy to the same namespace. "
    "Pods may come from elsewhere, so it is a warning; where custom resources are deployed of which controllers may "
    "make pods, or where a part of the namespace cannot be rendered here, nothing is said.",
    bad=_example(app="my-ap"),
    good=_example(),
)
def selector_matches_nothing(view: View) -> Iterator[Problem]:
    """Find selectors of Services, budgets and policies that no pod's labels fit."""
    for namespace in _namespaces(view):
        if namespace.is_partial or namespace.has_operators:
            continue
        for document in namespace.documents:
            at, selector = references.selector(document.data)
            if selector and not namespace.selected(selector):
                labels = ", ".join(f"{name}: {value}" for name, value in mapping(selector.get("matchLabels")).items())
                yield Problem(
                    f"The selector “{labels or 'matchExpressions'}” matches no pod of the namespace.",
                    at,
                    "Compare it with spec.template.metadata.labels of the workload.",
                    document,
                )


@rule(
    "port-unknown",
    Severity.ERROR,
    Scope.REPOSITORY,
    "A Service, Ingress or HTTPRoute refers to a port that its target does not have.",
    explanation="A `targetPort` that is a name must be the name of a container's port in the pods that the Service "
    "selects; otherwise the Service has no endpoints for it. A backend's port must be one of the Service's. Only ports "
    "of pods and Services that are deployed to the same namespace are compared.",
    bad=_example(port="htpp"),
    good=_example(),
)
def port_unknown(view: View) -> Iterator[Problem]:
    """Find names and numbers of ports that the pods and Services here do not have."""
    for namespace in _namespaces(view):
        for document in namespace.documents:
            if group_and_kind(document.data) == ("", "Service"):
                yield from _target_ports(document, namespace)
            for at, backend in references.backends(document.data):
                services = namespace.objects.get(("Service", text(backend.get("name"))), ())
                ports = [mapping(each) for one in services for each in sequence(value_at(one.data, "spec", "ports"))]
                numbers = [each.get("port") for each in ports]
                names = [text(each.get("name")) for each in ports if each.get("name")]
                port, name = backend.get("number"), text(backend.get("port"))
                known = port in numbers if port else name in (*names, "use-annotation")
                if ports and (port or name) and not known:
                    hint = did_you_mean(name, names) if name else ""
                    have = ", ".join(str(each) for each in (*names, *sorted({*map(str, numbers)})))
                    yield Problem(
                        f"The Service “{backend['name']}” has no port “{port or name}”.",
                        at,
                        hint or f"It has {have}.",
                        document,
                    )


def _target_ports(document: Document, namespace: _Namespace) -> Iterator[Problem]:
    _, selector = references.selector(document.data)
    # Other pods, which are not known here, may have it.
    pods = namespace.selected(selector) if selector and not namespace.is_partial else ()
    names = {
        text(value_at(port, "name"))
        for each, at in pods
        for group in ("initContainers", "containers")
        for container in sequence(value_at(each.data, *at, group))
        for port in sequence(value_at(container, "ports"))
    }
    for index, port in enumerate(sequence(value_at(document.data, "spec", "ports"))):
        target = value_at(port, "targetPort")
        if pods and isinstance(target, str) and target and not target.isdecimal() and target not in names:
            known = sorted(filter(None, names))
            yield Problem(
                f"No container of the selected pods has a port named “{target}”.",
                ("spec", "ports", index, "targetPort"),
                did_you_mean(target, known) or (f"Named are {', '.join(known)}." if known else "Name the port there."),
                document,
            )


@rule(
    "reference-dangling",
    Severity.WARNING,
    Scope.REPOSITORY,
    "An object refers to another one that is not deployed to its namespace.",
    explanation="A pod whose ConfigMap, Secret, PersistentVolumeClaim or ServiceAccount does not exist does not start, "
    "an Ingress or HTTPRoute whose Service does not exist answers with an error, and an autoscaler without its target "
    "scales nothing. What Applications of this repository deploy to the same namespace counts, and the Secrets that "
    "ExternalSecrets, SealedSecrets, SopsSecrets and Certificates become. The object may come from elsewhere, so it is "
    "a warning. Nothing is said where a part of the namespace cannot be rendered here, nor of what controllers may "
    "make of custom resources there. Optional references count for nothing.",
    bad=_example(config="my-ap"),
    good=_example(),
)
def reference_dangling(view: View) -> Iterator[Problem]:
    """Find names of objects that nothing here deploys."""
    written: dict[tuple[str, str], str] = {}
    for each in view.documents:
        group, kind_ = group_and_kind(each.data)
        name_ = text(value_at(each.data, "metadata", "name"))
        written |= dict.fromkeys([(kind_, name_), *references.made_of(group, kind_, name_, each.data)], each.path)
    for namespace in _namespaces(view):
        for document in () if namespace.is_partial else namespace.documents:
            said: set[tuple[str, str]] = set()
            for at, kind, name in references.needed(document.data):
                may_be_made = namespace.has_operators and kind in {
                    "ConfigMap",
                    "PersistentVolumeClaim",
                    "Secret",
                    "Service",
                }
                if (kind, name) in said or may_be_made or namespace.has(kind, name):
                    continue
                said.add((kind, name))
                yield Problem(
                    f"Nothing here deploys the {kind} “{name}” to the namespace.",
                    at,
                    f"{written[kind, name]} declares it, and no Application deploys that to this namespace."
                    if (kind, name) in written
                    else "Correct the name or add it, unless it comes from elsewhere.",
                    document,
                    cause=f"{kind} {name}",
                )


@rule(
    "key-unknown",
    Severity.ERROR,
    Scope.REPOSITORY,
    "A container reads a key that its ConfigMap or Secret does not have.",
    explanation="The container does not start: `CreateContainerConfigError`. Only ConfigMaps and Secrets that are "
    "deployed to the same namespace as manifests are compared, and optional references count for nothing.",
    bad=_example().replace(
        "envFrom: [{configMapRef: {name: my-app}}]",
        "env: [{name: GREETING, valueFrom: {configMapKeyRef: {name: my-app, key: greting}}}]",
    ),
    good=_example().replace(
        "envFrom: [{configMapRef: {name: my-app}}]",
        "env: [{name: GREETING, valueFrom: {configMapKeyRef: {name: my-app, key: greeting}}}]",
    ),
)
def key_unknown(view: View) -> Iterator[Problem]:
    """Find keys that are in none of the ConfigMaps and Secrets of that name."""
    for namespace in _namespaces(view):
        for document in namespace.documents:
            for at, container in containers(document.data):
                for index, variable in enumerate(sequence(container.get("env"))):
                    for each, kind in references.KEYS.items():
                        reference = mapping(value_at(variable, "valueFrom", each))
                        keys = _keys(namespace, kind, text(reference.get("name")))
                        wanted = text(reference.get("key"))
                        if keys and wanted and wanted not in keys and reference.get("optional") is not True:
                            yield Problem(
                                f"The {kind} “{reference['name']}” has no key “{wanted}”.",
                                (*at, "env", index, "valueFrom", each, "key"),
                                did_you_mean(wanted, sorted(keys)) or f"It has {', '.join(sorted(keys))}.",
                                document,
                            )


_FILLS = re.compile(r"inject|generat|replicat|reflect")


def _is_filled(document: Document) -> bool:
    """Return whether a controller adds keys to a ConfigMap or Secret, as its annotations or labels say."""
    metadata = mapping(document.data.get("metadata"))
    names = (*mapping(metadata.get("annotations")), *mapping(metadata.get("labels")))
    return any(_FILLS.search(each) for each in names) or document.data.get("type") == _TOKEN


_TOKEN = "kubernetes.io/service-account-token"


def _keys(namespace: _Namespace, kind: str, name: str) -> frozenset[str]:
    """Return the keys of a ConfigMap or Secret, empty where not all that makes it is a manifest here."""
    found = namespace.objects.get((kind, name), ())
    if any(value_at(each.data, "kind") != kind or _is_filled(each) for each in found):
        return frozenset()
    return frozenset(
        key_
        for each in found
        for part in ("data", "stringData", "binaryData")
        for key_ in mapping(value_at(each.data, part))
    )
