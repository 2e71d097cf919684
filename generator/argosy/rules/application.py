"""Rules of an Application: its name, destination, differences, and the paths that it is generated from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from argosy import kustomize
from argosy.argocd import directory, jq
from argosy.argocd.matching import (
    DNS_LABEL,
    DNS_SUBDOMAIN,
    applied,
    glob_matches,
    is_argocd,
    namespace_of,
    sync_options,
)
from argosy.argocd.sources import Kind, Source, resolve
from argosy.argocd.urls import normal_url
from argosy.argocd.view import ArgoApplication, View
from argosy.documents import Document, Pointer
from argosy.documents.fields import JSON, annotations_of, field, group_and_kind, mapping, sequence, text
from argosy.findings import Problem, Severity
from argosy.rules.examples import APPLICATION, CONFIG_MAP, DEPLOYED, DESTINATION, SOURCE
from argosy.rules.registry import Scope, rule

GENERATE_PATHS = "argocd.argoproj.io/manifest-generate-paths"
_AUTOSCALED = """
# file: apps/my-app/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: my-app}
spec:
  replicas: 2
  selector: {matchLabels: {app: my-app}}
  template:
    metadata: {labels: {app: my-app}}
    spec: {containers: [{name: my-app, image: 'nginx:1.29.1'}]}
# file: apps/my-app/autoscaler.yaml
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: my-app}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: my-app}
  minReplicas: 2
  maxReplicas: 5
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
"""
_SELF_HEALED = APPLICATION + SOURCE + DESTINATION + "  syncPolicy: {automated: {prune: true, selfHeal: true}}\n"


@rule(
    "destination-ambiguous",
    Severity.ERROR,
    Scope.APPLICATION,
    "An Application's destination has no cluster, or two.",
    explanation="A destination is a cluster's `server` or its `name`. Argo CD rejects an Application with both or "
    "neither with an InvalidSpecError.",
    bad=CONFIG_MAP
    + APPLICATION
    + SOURCE
    + "  destination: {server: https://kubernetes.default.svc, name: in-cluster, namespace: my-app}\n",
    good=DEPLOYED,
)
def destination_ambiguous(application: ArgoApplication, _repository: View) -> Iterator[Problem]:
    """Find destinations with both or neither of server and name."""
    destination = mapping(application.spec.get("destination"))
    server, name = destination.get("server"), destination.get("name")
    at = application.at("spec", "destination")
    if server and name:
        yield Problem(
            f"The destination has both the server “{server}” and the name “{name}”.", at, "Keep one of the two."
        )
    elif not server and not name and application.spec:
        yield Problem(
            "The destination has no cluster.",
            at,
            "Add `server: https://kubernetes.default.svc` for Argo CD's own cluster, or `name` with a cluster's name.",
        )


@rule(
    "name-invalid",
    Severity.ERROR,
    Scope.APPLICATION,
    "An Application's name, or its destination's namespace, is not a valid Kubernetes name.",
    explanation="An Application's name is a DNS-1123 subdomain: lower-case letters, digits, `-` and `.`, at most 253 "
    "characters. A namespace is a DNS-1123 label: no `.`, at most 63 characters. The API server rejects an invalid "
    "Application name, and the sync fails on an invalid namespace.",
    bad=DEPLOYED.replace("{name: my-app, namespace: argocd}", "{name: My_App, namespace: argocd}"),
    good=DEPLOYED,
    instead_of="kubernetes-value",
)
def name_invalid(application: ArgoApplication, _repository: View) -> Iterator[Problem]:
    """Find names that Kubernetes would refuse."""
    name, namespace = text(application.metadata.get("name")), namespace_of(application)
    if name and not DNS_SUBDOMAIN.fullmatch(name):
        yield Problem(
            f"“{name}” is not a valid name of an Application.",
            application.at("metadata", "name"),
            "Use lower-case letters, digits, - and ., and begin and end with a letter or digit.",
        )
    if namespace and not DNS_LABEL.fullmatch(namespace):
        yield Problem(
            f"“{namespace}” is not a valid name of a namespace"
            + (f": it has {len(namespace)} characters; the maximum is 63." if len(namespace) > 63 else "."),
            application.at("spec", "destination", "namespace"),
            "Use only lower-case letters, digits and -, and begin and end with a letter or digit.",
        )


@rule(
    "autoscaler-fights-self-heal",
    Severity.WARNING,
    Scope.APPLICATION,
    "An autoscaler and Argo CD both set a workload's replicas.",
    explanation="With `selfHeal`, Argo CD resets `spec.replicas` whenever the autoscaler changes it, so the workload "
    "scales up and down forever (argo-cd issues 5105 and 28590). Remove `replicas` from the manifest. Otherwise "
    "ignore the field with `ignoreDifferences` under the workload's group, and set `RespectIgnoreDifferences=true`.",
    bad=_AUTOSCALED + _SELF_HEALED,
    good=_AUTOSCALED.replace("  replicas: 2\n", "") + _SELF_HEALED,
)
def autoscaler_fights_self_heal(application: ArgoApplication, repository: View) -> Iterator[Problem]:
    """Find autoscaled workloads whose replicas Argo CD would reset."""
    automated = mapping(field(application.spec, "syncPolicy", "automated"))
    if automated.get("selfHeal") is not True or automated.get("enabled") is False:
        return
    manifests = [document.data for document in applied(application, repository)]
    targets = {target for data in manifests if (target := _scale_target(data))}
    respected = "RespectIgnoreDifferences=true" in sync_options(application)
    for data in manifests if targets else ():
        group, kind = group_and_kind(data)
        name, replicas = text(field(data, "metadata", "name")), field(data, "spec", "replicas")
        if (group, kind, name) not in targets or replicas is None:
            continue
        ignored = any(_ignores_replicas(mapping(each), data) for each in _ignored_differences(application))
        if not ignored or not respected:
            missing = ["RespectIgnoreDifferences=true in syncOptions"] if not respected else []
            if not ignored:
                missing.insert(0, f"ignoreDifferences of /spec/replicas with `group: {group}` and `kind: {kind}`")
            yield Problem(
                f"selfHeal resets {kind}/{name} to {replicas} replicas whenever its autoscaler scales it.",
                application.at("spec", "syncPolicy", "automated", "selfHeal"),
                f"Remove spec.replicas from the manifest, or add {' and '.join(missing)}.",
            )


def _scale_target(data: JSON) -> tuple[str, str, str] | None:
    """Return the group, kind and name of the workload that an autoscaler scales."""
    if group_and_kind(data) not in {("autoscaling", "HorizontalPodAutoscaler"), ("keda.sh", "ScaledObject")}:
        return None
    target = mapping(field(data, "spec", "scaleTargetRef"))
    group, slash, _ = text(target.get("apiVersion") or "apps/v1").partition("/")
    return (group if slash else ""), text(target.get("kind") or "Deployment"), text(target.get("name"))


def _ignored_differences(application: ArgoApplication) -> Iterator[Mapping[str, JSON]]:
    yield from map(mapping, sequence(application.spec.get("ignoreDifferences")))


def _ignores_replicas(entry: Mapping[str, JSON], workload: JSON) -> bool:
    group, kind = group_and_kind(workload)
    metadata = mapping(field(workload, "metadata"))
    return (
        glob_matches(text(entry.get("group")), group)
        and glob_matches(text(entry.get("kind")), kind)
        and all(
            not entry.get(each) or not metadata.get(each) or entry[each] == metadata[each]
            for each in ("name", "namespace")
        )
        and (
            any(text(each) in {"/spec", "/spec/replicas"} for each in sequence(entry.get("jsonPointers")))
            or any("replicas" in text(each) for each in sequence(entry.get("jqPathExpressions")))
            or bool(sequence(entry.get("managedFieldsManagers")))
        )
    )


@rule(
    "ignore-differences-incomplete",
    Severity.WARNING,
    Scope.APPLICATION,
    "An entry of ignoreDifferences has no effect.",
    explanation="An entry matches on `group` and `kind`, where an empty group is the core group (Service, ConfigMap, "
    "…), and must list fields: `jsonPointers`, which begin with `/`, `jqPathExpressions` or `managedFieldsManagers`. "
    "Argo CD does not report entries that match nothing, so the difference is still shown.",
    bad=DEPLOYED + "  ignoreDifferences: [{kind: Deployment, jsonPointers: [/spec/replicas]}]\n",
    good=DEPLOYED + "  ignoreDifferences: [{group: apps, kind: Deployment, jsonPointers: [/spec/replicas]}]\n",
)
def ignore_differences_incomplete(application: ArgoApplication, _repository: View) -> Iterator[Problem]:
    """Find entries of ignoreDifferences that match no resource or no field."""
    for index, entry in enumerate(_ignored_differences(application)):
        at = application.at("spec", "ignoreDifferences", index)
        kind, group = text(entry.get("kind")), text(entry.get("group"))
        if not any(entry.get(each) for each in ("jsonPointers", "jqPathExpressions", "managedFieldsManagers")):
            yield Problem(
                f"The entry for {kind or 'resources'} lists no fields to ignore.",
                at,
                "Add jsonPointers, such as /spec/replicas, or jqPathExpressions or managedFieldsManagers.",
            )
        if not group and kind in GROUPS:
            yield Problem(
                f"The entry for {kind} has no group, so it matches nothing: {kind} is in the group “{GROUPS[kind]}”.",
                at,
                f"Add `group: {GROUPS[kind]}`.",
            )
        for position, pointer in enumerate(map(text, sequence(entry.get("jsonPointers")))):
            if pointer and not pointer.startswith("/"):
                yield Problem(
                    f"“{pointer}” is not a JSON pointer, so it matches no field.",
                    (*at, "jsonPointers", position),
                    f"Use / at the start and between its parts: “/{pointer.lstrip('.').replace('.', '/')}”.",
                )


@rule(
    "jq-expression",
    Severity.ERROR,
    Scope.DOCUMENT,
    "A jq expression that Argo CD cannot read.",
    explanation="Argo CD compiles each path of `jqPathExpressions` before it compares anything: one that is no jq, or "
    "that calls a function which does not exist, is a ComparisonError, and the Application is not synced. In an "
    "ApplicationSet's `ignoreApplicationDifferences` it stops the whole set. A name with a dash needs quotes: "
    '`.metadata.annotations["a-b"]`.',
    bad=DEPLOYED + "  ignoreDifferences: [{group: apps, kind: Deployment, jqPathExpressions: ['.spec.paused-for']}]\n",
    good=DEPLOYED
    + "  ignoreDifferences: [{group: apps, kind: Deployment, jqPathExpressions: ['.spec.\"paused-for\"']}]\n",
)
def jq_expression(document: Document, _repository: View) -> Iterator[Problem]:
    """Find paths of differences that gojq refuses."""
    places: Sequence[Pointer] = ()
    if is_argocd(document, "Application"):
        places = [("spec", "ignoreDifferences")]
    elif is_argocd(document, "ApplicationSet"):
        places = [("spec", "template", "spec", "ignoreDifferences"), ("spec", "ignoreApplicationDifferences")]
    for place in places:
        for index, entry in enumerate(sequence(field(document.data, *place))):
            for position, path in enumerate(map(text, sequence(field(entry, "jqPathExpressions")))):
                if "{{" not in path and (why := jq.fault(path)):
                    at = (*place, index, "jqPathExpressions", position)
                    yield Problem(f"“{path}” is not a path in jq: {why}.", at, "Try it: jq 'del(…)' with a manifest.")


GROUPS: Mapping[str, str] = {
    kind: group
    for group, kinds in {
        "admissionregistration.k8s.io": "MutatingWebhookConfiguration ValidatingWebhookConfiguration",
        "apiextensions.k8s.io": "CustomResourceDefinition",
        "apiregistration.k8s.io": "APIService",
        "apps": "DaemonSet Deployment ReplicaSet StatefulSet",
        "argoproj.io": "AppProject Application ApplicationSet Rollout",
        "autoscaling": "HorizontalPodAutoscaler",
        "batch": "CronJob Job",
        "networking.k8s.io": "Ingress IngressClass NetworkPolicy",
        "policy": "PodDisruptionBudget",
        "rbac.authorization.k8s.io": "ClusterRole ClusterRoleBinding Role RoleBinding",
        "scheduling.k8s.io": "PriorityClass",
        "storage.k8s.io": "StorageClass",
    }.items()
    for kind in kinds.split()
}
"""The groups of kinds that people know by their kind alone."""

_SECOND = (APPLICATION + SOURCE).replace("argocd/my-app.yaml", "argocd/second.yaml")
_APART = (
    DEPLOYED + _SECOND.replace("{name: my-app", "{name: second") + DESTINATION.replace("my-app", "second")
).replace("namespace: argocd}", f"namespace: argocd, annotations: {{{GENERATE_PATHS}: .}}}}")


@rule(
    "application-name-twice",
    Severity.ERROR,
    Scope.REPOSITORY,
    "Two Applications have the same name.",
    explanation="Two files or ApplicationSets that define an Application of the same name overwrite each other: each "
    "sync undoes the other's, and pruning deletes what the other deployed (argo-cd issue 15874). Two of one "
    "ApplicationSet are for the rule applicationset-duplicate. Applications that different roots lead to, which are in "
    "different folders, may be in an Argo CD each, and are not compared.",
    bad=DEPLOYED + _SECOND + DESTINATION,
    good=_APART,
)
def application_name_twice(repository: View) -> Iterator[Problem]:
    """Find Applications that are one resource of the cluster."""
    first: dict[tuple[str, str, str], ArgoApplication] = {}
    for application in repository.applications:
        identity = resource_of(application)
        others = [first.setdefault((place, *identity), application) for place in repository.places_of(application)]
        other = next((each for each in others if each is not application and not _of_one_set(each, application)), None)
        if application.name and other is not None:
            yield Problem(
                f"The Application “{application.name}” is defined twice, here and by {_where(other)}.",
                application.at("metadata", "name"),
                "Rename or remove one of the two.",
                application.document,
                among=[other.document],
            )


def _of_one_set(one: ArgoApplication, other: ArgoApplication) -> bool:
    """Return whether one ApplicationSet makes both: twice, as the set itself is told, or once, in two renders."""
    first, second = one.document, other.document
    if first is second or not (one.prefix and other.prefix):
        return first is second
    if first.is_rendered or second.is_rendered:
        names = [[field(each.data, "metadata", part) for part in ("namespace", "name")] for each in (first, second)]
        return names[0] == names[1]
    return (first.path, first.index, first.prefix) == (second.path, second.index, second.prefix)


def resource_of(application: ArgoApplication) -> tuple[str, str]:
    """Return the namespace and the name of an Application, which make it one resource of the cluster."""
    return text(application.metadata.get("namespace")) or "argocd", application.name


def _where(application: ArgoApplication) -> str:
    made_by = " (an ApplicationSet)" if application.prefix else ""
    return f"{application.document.path}{made_by}"


@rule(
    "generate-paths-missing",
    Severity.WARNING,
    Scope.APPLICATION,
    "An Application does not declare, or not completely, which paths it is generated from.",
    explanation="In a repository with several Applications, every commit makes Argo CD regenerate all of them unless "
    "the annotation `argocd.argoproj.io/manifest-generate-paths` lists the relevant paths, separated by `;`: relative "
    "to the source's path (`.` is the path itself), or absolute from the root with a leading `/`. Argo CD does not "
    "refresh the Application for commits outside these paths, so include value files and bases in other folders "
    "(argo-cd issues 14725, 18267 and 21086).",
    bad=DEPLOYED + (APPLICATION + SOURCE).replace("my-app", "two") + DESTINATION,
    good=DEPLOYED.replace("namespace: argocd}", f"namespace: argocd, annotations: {{{GENERATE_PATHS}: .}}}}"),
)
def generate_paths_missing(application: ArgoApplication, repository: View) -> Iterator[Problem]:
    """Find Applications of a shared repository whose paths are not declared in full."""
    sources = [source for source in resolve(application, repository) if text(source.spec.get("path"))]
    if all(repository.readers[normal_url(text(source.spec.get("repoURL")))] < 2 for source in sources):
        return  # Nobody else's commits refresh it.
    declared = text(annotations_of(application.manifest).get(GENERATE_PATHS))
    if not declared.strip(" ;"):
        yield Problem(
            f"The annotation {GENERATE_PATHS} is missing: every commit to the repository refreshes this Application.",
            application.at("metadata"),
            f"Add it: “{_suggested(sources, repository.root)}”.",
        )
        return
    covered = _declared_paths(declared, sources)
    missed = [path for path, _ in _paths_read(sources, repository.root) if not _covers(covered, path)]
    if missed:
        yield Problem(
            f"The annotation {GENERATE_PATHS} does not cover “{missed[0]}”"
            + (f" and {len(missed) - 1} more" if missed[1:] else "")
            + ": Argo CD ignores commits that only change it.",
            application.at("metadata", "annotations", GENERATE_PATHS),
            f"Write “{_suggested(sources, repository.root)}”.",
        )


def _declared_paths(declared: str, sources: Iterable[Source]) -> frozenset[str]:
    items = [item.strip() for item in declared.split(";") if item.strip()]
    return frozenset(
        _normal_path(item if item.startswith("/") else f"{source.spec['path']}/{item}")
        for source in sources
        for item in items
    )


def _normal_path(path: str) -> str:
    parts: list[str] = []
    for part in path.split("/"):
        if part not in {"", ".", ".."}:
            parts.append(part)
        elif part == ".." and parts:
            parts.pop()
    return "/".join(parts)


def _covers(covered: Iterable[str], path: str) -> bool:
    return any(
        not item or path == item or path.startswith(f"{item}/") or glob_matches(item, path, "/") for item in covered
    )


def _paths_read(sources: Iterable[Source], root: Path) -> Iterator[tuple[str, str]]:
    """Yield each folder and file that a source is made from, and the path to declare for it; both from the root."""
    base = root.resolve()
    for source in sources:
        own = _normal_path(text(source.spec["path"]))
        yield own, own
        read = (*source.values, *(file.resolve() for _, file in source.file_parameters))
        if source.kind is Kind.KUSTOMIZE and source.folder:
            read = tuple(file.resolve() for file in sorted(kustomize.inputs(source.folder, root)))
        if source.kind is Kind.DIRECTORY:
            read = tuple(file.resolve() for file in directory.imported(source, root))
        for file in read:
            with suppress(ValueError):  # It lies elsewhere.
                path = file.relative_to(base)
                yield path.as_posix(), (path if source.kind is Kind.HELM else path.parent).as_posix()


def _suggested(sources: Iterable[Source], root: Path) -> str:
    own = [_normal_path(text(source.spec["path"])) for source in sources]
    outside = [declared for path, declared in _paths_read(sources, root) if not _covers(own, path)]
    return ";".join([".", *dict.fromkeys(f"/{path}" for path in outside)])
