"""Which warnings of the upgrade guides are about a repository: what of them can be seen in Git, and where."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from argosy.argocd.deployments import Deployments
from argosy.argocd.matching import IN_CLUSTER_NAME, IN_CLUSTER_SERVER, is_argocd
from argosy.argocd.sources import Kind
from argosy.argocd.view import ACCESS, ArgoApplication, View
from argosy.documents import Document, Pointer
from argosy.documents.fields import JSON, field, group_and_kind, mapping, sequence, text
from argosy.rules.resources import EXCLUDED

Places = Iterable[str]
Check = Callable[[Deployments], Places]


def _at(document: Document, *pointer: str | int) -> str:
    return f"{document.path}:{document.line_of(pointer) or document.line}"


def _all(found: Deployments) -> Iterator[Document]:
    """Yield every manifest that is written, and that an Application renders, once."""
    seen = set()
    for each in chain(found.view.documents, (each for render in found.renders for each in render.documents)):
        if isinstance(each.data, dict) and id(each) not in seen:
            seen.add(id(each))
            yield each


def _of_kind(found: Deployments, *kinds: str) -> Iterator[Document]:
    return (each for each in _all(found) if each.data.get("kind") in kinds)


def _sources(found: Deployments) -> Iterator[tuple[ArgoApplication, Pointer, Mapping[str, Any]]]:
    for application in found.view.applications:
        for at, source in application.sources:
            yield application, at, source


def _place(application: ArgoApplication, *pointer: str | int) -> str:
    return f"{_at(application.document, *application.at(*pointer))} ({application.name})"


def _setting(found: Deployments, key: str) -> str:
    return "\n".join(found.view.settings.values(key))


def _policies(view: View) -> Iterator[tuple[str, list[str]]]:
    """Yield each policy of argocd-rbac-cm, with its place."""
    for document in view.config_maps(ACCESS):
        for key, value in mapping(field(document.data, "data")).items():
            if key == "policy.csv" or (key.startswith("policy.") and key.endswith(".csv")):
                for line in text(value).splitlines():
                    parts = [part.strip() for part in line.split(",")]
                    if len(parts) > 2 and parts[0] in {"p", "g"}:
                        yield _at(document, "data", key), parts


def _rbac_subresources(found: Deployments) -> Places:
    if _setting(found, "server.rbac.disableApplicationFineGrainedRBACInheritance") == "false":
        return
    for place, (kind, *rest) in _policies(found.view):
        if kind == "p" and rest[1] == "applications" and rest[2:3] and rest[2] in {"update", "delete"}:
            yield f"{place}: {', '.join([kind, *rest])}"


def _rbac_logs(found: Deployments) -> Places:
    maps = found.view.config_maps(ACCESS)
    if _setting(found, "server.rbac.log.enforce.enable") == "true":
        return
    defaults = {text(field(each.data, "data", "policy.default")) for each in maps}
    logged = {rest[0] for _, (kind, *rest) in _policies(found.view) if kind == "p" and rest[1] in {"logs", "*"}}
    if defaults & {"role:readonly", "role:admin"}:
        return
    for place, (kind, *rest) in _policies(found.view):
        sees = kind == "p" and rest[1] == "applications" and rest[2:3] and rest[2] in {"get", "*"}
        if sees and rest[0] not in logged:
            yield f"{place}: {rest[0]} may get applications, and no logs"


def _resource_exclusions(found: Deployments) -> Places:
    for each in _all(found):
        group, kind = group_and_kind(each.data)
        if group in EXCLUDED and (not EXCLUDED[group] or kind in EXCLUDED[group]):
            yield f"{_at(each)} ({kind})"


def _dex_subject(found: Deployments) -> Places:
    for place, parts in _policies(found.view):
        with_padding = f"{parts[1]}{'=' * (-len(parts[1]) % 4)}"
        try:
            decoded = base64.b64decode(with_padding, validate=True) if len(parts[1]) > 15 else b""
        except (binascii.Error, ValueError):
            continue
        if decoded.startswith(b"\n"):
            yield f"{place}: {parts[1]}"


def _legacy_repositories(found: Deployments) -> Places:
    for key in ("repositories", "repository.credentials", "helm.repositories"):
        if _setting(found, key):
            yield f"argocd-cm: {key}"


def _nested_selectors(found: Deployments) -> Places:
    for each in _of_kind(found, "ApplicationSet"):
        spec = mapping(each.data.get("spec"))
        if spec.get("applyNestedSelectors") is not True:
            for index, generator in enumerate(sequence(spec.get("generators"))):
                if any(_selected(generator, 0)):
                    yield _at(each, "spec", "generators", index)


def _selected(generator: JSON, depth: int) -> Iterator[bool]:
    if depth > 1 and mapping(generator).get("selector"):
        yield True
    for name in ("matrix", "merge"):
        for inner in sequence(field(generator, name, "generators")):
            yield from _selected(inner, depth + 1)


def _helm_nulls(found: Deployments) -> Places:
    for render in found.renders:
        for file in render.source.values if render.source.kind is Kind.HELM else ():
            for document in found.inventory.at(file):
                if any(_nulls(document.data, 0)):
                    yield document.path


def _nulls(values: JSON, depth: int) -> Iterator[bool]:
    for value in mapping(values).values() if depth < 20 else ():
        if value is None:
            yield True
        else:
            yield from _nulls(value, depth + 1)


def _tracking(found: Deployments) -> Places:
    if _setting(found, "application.resourceTrackingMethod") in {"", "label"} and found.view.applications:
        yield "application.resourceTrackingMethod is not set to annotation"


def _out_of_sync_only(found: Deployments) -> Places:
    if _setting(found, "application.resourceTrackingMethod") in {"", "label"}:
        for each in found.view.applications:
            if "ApplyOutOfSyncOnly=true" in sequence(field(each.spec, "syncPolicy", "syncOptions")):
                yield _place(each, "spec", "syncPolicy", "syncOptions")


def _in_cluster(found: Deployments) -> Places:
    if _setting(found, "cluster.inClusterEnabled") == "false":
        for each in found.view.applications:
            destination = mapping(each.spec.get("destination"))
            if destination.get("server") == IN_CLUSTER_SERVER or destination.get("name") == IN_CLUSTER_NAME:
                yield _place(each, "spec", "destination")


def _empty_variables(found: Deployments) -> Places:
    for application, at, source in _sources(found):
        for index, variable in enumerate(sequence(field(source, "plugin", "env"))):
            if mapping(variable).get("value") == "":
                yield _place(application, *at, "plugin", "env", index)


def _preserve_unknown_fields(found: Deployments) -> Places:
    for each in _of_kind(found, "CustomResourceDefinition"):
        if field(each.data, "spec", "preserveUnknownFields") is False:
            yield _at(each, "spec", "preserveUnknownFields")


def _pkce(found: Deployments) -> Places:
    if re.search(r"enablePKCEAuthentication\"?: *true", _setting(found, "oidc.config")):
        yield "argocd-cm: oidc.config"


def _hydrated(found: Deployments) -> Iterator[tuple[ArgoApplication, Mapping[str, Any]]]:
    for each in found.view.applications:
        if isinstance(hydrator := each.spec.get("sourceHydrator"), dict) and hydrator:
            yield each, hydrator


def _hydration_root(found: Deployments) -> Places:
    for application, hydrator in _hydrated(found):
        if text(field(hydrator, "syncSource", "path")).strip("/") in {"", "."}:
            yield _place(application, "spec", "sourceHydrator", "syncSource")


def _hydration(found: Deployments) -> Places:
    return (_place(application, "spec", "sourceHydrator") for application, _ in _hydrated(found))


def _source_kustomize_version(found: Deployments) -> Places:
    for entry in found.inventory.entries:
        if re.search(r"(?:^|/)\.argocd-source(?:-[^/]*)?\.yaml$", entry.file.path):
            for document, _ in entry.documents:
                if field(document.data, "kustomize", "version"):
                    yield _at(document, "kustomize", "version")


def _cronjobs(found: Deployments) -> Places:
    for each in _of_kind(found, "CronJob"):
        notes = mapping(field(each.data, "metadata", "annotations"))
        if notes.get("argocd.argoproj.io/ignore-healthcheck") != "true":
            yield f"{_at(each)} ({field(each.data, 'metadata', 'name')})"


def _server_side_apply(found: Deployments) -> Places:
    paths = {each.document.path.rpartition("/")[0] for each in found.view.installs}
    for application, _, source in _sources(found):
        installs = text(source.get("path")) in paths or text(source.get("chart")).endswith("argo-cd")
        has_option = "ServerSideApply=true" in sequence(field(application.spec, "syncPolicy", "syncOptions"))
        if installs and not has_option:
            yield _place(application, "spec", "syncPolicy")


def _kustomize_charts(found: Deployments) -> Places:
    for entry in found.inventory.entries:
        for document, _ in entry.documents:
            if field(document.data, "helmCharts") and field(document.data, "namespace"):
                yield _at(document, "helmCharts")


def _cluster_version(found: Deployments) -> Places:
    label = "argocd.argoproj.io/kubernetes-version"
    for each in _of_kind(found, "ApplicationSet"):
        if label in str(field(each.data, "spec", "generators")):
            yield _at(each, "spec", "generators")


def _plain_http(found: Deployments) -> Places:
    for each in _of_kind(found, "Secret"):
        data = mapping(each.data.get("stringData"))
        is_oci = data.get("enableOCI") == "true" or "oci" in {data.get("type"), text(data.get("url")).partition(":")[0]}
        if is_oci and data.get("insecureOCIForceHttp") != "true" and data.get("insecure") == "true":
            yield _at(each, "stringData")


def _helm_version(found: Deployments) -> Places:
    for application, at, source in _sources(found):
        if field(source, "helm", "version"):
            yield _place(application, *at, "helm", "version")


def _impersonation(found: Deployments) -> Places:
    if _setting(found, "application.sync.impersonation.enabled") == "true":
        for each in found.view.documents:
            if is_argocd(each, "AppProject") and field(each.data, "spec", "destinationServiceAccounts"):
                yield _at(each, "spec", "destinationServiceAccounts")


def _signature_keys(found: Deployments) -> Places:
    for each in found.view.documents:
        if is_argocd(each, "AppProject") and field(each.data, "spec", "signatureKeys"):
            yield _at(each, "spec", "signatureKeys")


def _written(*words: str) -> Check:
    """Return what finds words in the files of the repository."""
    pattern = re.compile("|".join(rf"(?<![\w-]){re.escape(each)}(?![\w-])" for each in words))

    def search(found: Deployments) -> Places:
        for entry in found.inventory.entries:
            if match := pattern.search(entry.parsed.text):
                yield f"{entry.file.path}:{entry.parsed.text.count(chr(10), 0, match.start()) + 1}"

    return search


CHECKS: Mapping[str, Check] = {
    "rbac-subresources": _rbac_subresources,
    "rbac-logs": _rbac_logs,
    "resource-exclusions": _resource_exclusions,
    "legacy-metrics": _written(
        *(f"argocd_app_{each}" for each in ("sync_status", "health_status", "created_time")),
        "ARGOCD_LEGACY_CONTROLLER_METRICS",
    ),
    "dex-subject": _dex_subject,
    "legacy-repositories": _legacy_repositories,
    "nested-selectors": _nested_selectors,
    "helm-nulls": _helm_nulls,
    "tracking": _tracking,
    "tracking-out-of-sync-only": _out_of_sync_only,
    "in-cluster-disabled": _in_cluster,
    "plugin-empty-variables": _empty_variables,
    "preserve-unknown-fields": _preserve_unknown_fields,
    "pkce": _pkce,
    "hydration-root": _hydration_root,
    "source-kustomize-version": _source_kustomize_version,
    "cronjob-health": _cronjobs,
    "server-side-apply": _server_side_apply,
    "hydration-notes": _hydration,
    "hydration-cleaning": _hydration,
    "server-side-timeout": _written("ARGOCD_K8S_TCP_TIMEOUT"),
    "self-heal-cooldown": _written(
        "--self-heal-backoff-cooldown-seconds", "controller.self.heal.backoff.cooldown.seconds"
    ),
    "kustomize-helm-namespace": _kustomize_charts,
    "cluster-version": _cluster_version,
    "plain-http-oci": _plain_http,
    "helm-version-ignored": _helm_version,
    "impersonation": _impersonation,
    "signature-keys": _signature_keys,
    "strict-tls": _written(
        "--repo-server-strict-tls", "server.repo.server.strict.tls", "controller.repo.server.strict.tls"
    ),
    "otlp-headers": _written("ARGOCD_REPO_OTLP_HEADERS"),
}
"""What finds where a warning is about a repository, by its id. Of the others, Git does not tell."""
