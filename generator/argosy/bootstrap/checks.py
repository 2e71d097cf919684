"""What is looked at in a cluster before anything is changed: versions, rights, owners, credential, other clusters."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from argosy.argocd.matching import TRACKING
from argosy.bootstrap import credential, roots
from argosy.bootstrap.finding import Finding, Level
from argosy.bootstrap.steps import Inspection
from argosy.change import clusters as declared
from argosy.documents.fields import group_of
from argosy.errors import ToolError
from argosy.kubernetes import kubectl, manifests
from argosy.kubernetes.cluster import Access, Cluster
from argosy.kubernetes.kubectl import KubectlError
from argosy.kubernetes.manifests import Manifest, counted
from argosy.repository import model
from argosy.repository.model import Environment, Repository

_VERBS = ("get", "create", "patch")
_ADMIN = Access("*", "*", "*", "")
_GRANTING = Access("escalate", "rbac.authorization.k8s.io", "clusterroles", "")


def versions(cluster: Cluster, repository: Repository) -> Iterator[Finding]:
    """Report the cluster and whether the versions match; raise KubectlError if it is unreachable."""
    version, own = cluster.versions()
    yield Finding(Level.OK, f"context {cluster.context}, {cluster.server()}: Kubernetes {version}; kubectl {own}")
    server, client = _minor(version), _minor(own)
    if abs(server - client) > 1:
        yield Finding(
            Level.WARNING,
            f"kubectl {own} is more than one minor version away from the cluster's {version}.",
            "Install a kubectl that suits it: https://kubernetes.io/releases/version-skew-policy/",
        )
    if server != _minor(repository.settings.kubernetes_version):
        yield Finding(
            Level.WARNING,
            f"The repository is validated for Kubernetes {repository.settings.kubernetes_version}, and the cluster has "
            f"{version}.",
            f"argosy validate --kubernetes-version 1.{server}",
        )


def _minor(version: str) -> int:
    digits = "".join(each for each in version.removeprefix("v").split(".")[1] if each.isdigit())
    return int(digits or 0)


def rights(cluster: Cluster, wanted: Sequence[Manifest]) -> Iterator[Finding]:
    """Report the permissions that the user lacks."""
    plurals = {**{key: kind.plural for key, kind in cluster.kinds().items()}, **_defined(wanted)}
    needed = {
        (
            group_of(each["apiVersion"]),
            plurals[each["apiVersion"], each["kind"]],
            manifests.reference(each).namespace,
        )
        for each in wanted
        if (each["apiVersion"], each["kind"]) in plurals
    }
    asked = [Access(verb, *each) for each in sorted(needed) for verb in _VERBS]
    try:
        read = [Access("list", "", each, cluster.namespace) for each in ("pods", "secrets")]
        permitted = cluster.permitted([*asked, *read, _ADMIN, _GRANTING])
    except KubectlError as error:
        yield Finding(Level.WARNING, f"Your permissions could not be checked. {error.message}", error.hint)
        return
    refused = [each for each, is_permitted in permitted.items() if not is_permitted]
    missing = [each for each in refused if each not in {_ADMIN, _GRANTING}]
    if missing:
        verbs = "; ".join(_action(each) for each in missing[:5])
        left = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        verb, group, plural, namespace = missing[0]
        where = ("--namespace", namespace) if namespace else ()
        yield Finding(
            Level.ERROR,
            f"You are not allowed to {verbs}{left}.",
            "Ask for permission, or for somebody who has it: "
            + cluster.command("auth", "can-i", verb, f"{plural}.{group}" if group else plural, *where),
        )
    elif {_ADMIN, _GRANTING} <= set(refused) and any(each["kind"] == "ClusterRole" for each in wanted):
        yield Finding(
            Level.WARNING,
            "You have the permissions to apply, but perhaps not to grant those of Argo CD's ClusterRoles: Kubernetes "
            "lets you grant only permissions that you hold yourself.",
            "If that step fails, use the context of a cluster administrator.",
        )
    else:
        yield Finding(Level.OK, "you have all the permissions needed")


def _defined(wanted: Iterable[Manifest]) -> dict[tuple[str, str], str]:
    """Return the plurals of the kinds that manifests define themselves."""
    specs = [each.get("spec", {}) for each in wanted if manifests.is_crd(each)]
    return {
        (f"{spec['group']}/{version['name']}", spec["names"]["kind"]): spec["names"]["plural"]
        for spec in specs
        for version in spec.get("versions", ())
    }


def _action(access: Access) -> str:
    verb, group, plural, namespace = access
    return f"{verb} {plural}" + (f".{group}" if group else "") + (f" in {namespace}" if namespace else "")


def access(cluster: Cluster, handover: roots.Handover, *, private: bool | None, given: bool) -> Iterator[Finding]:
    """Report whether Argo CD has a credential for a private repository."""
    url = handover.sources[0][0]
    if given or private is False:
        return
    known = [each.secret for each in cluster.secrets() if credential.covers(each.purpose, each.url, url)]
    if known:
        yield Finding(Level.OK, f"Argo CD has a credential for {url}: the Secret {known[0]}")
        return
    how = "Give it one: --credential file:KEY for SSH, --credential env:NAME for a token."
    if private:
        yield Finding(Level.ERROR, f"Argo CD cannot read {url}: it is private, and Argo CD has no credential.", how)
    else:
        yield Finding(Level.WARNING, f"If {url} is private, Argo CD has no credential for it.", how)


def clusters(
    cluster: Cluster, repository: Repository, environments: Iterable[Environment], *, single: bool
) -> Iterator[Finding]:
    """Report the environments' clusters that Argo CD does not know yet, and how to add them."""
    known = {model.IN_CLUSTER, "in-cluster"}
    for each in cluster.secrets():
        if each.purpose == "cluster":
            known |= {each.server.rstrip("/"), each.name}
    unknown: dict[str, list[Environment]] = {}
    for environment in environments:
        for place in environment.places:
            if place.rstrip("/") not in known:
                unknown.setdefault(place, []).append(environment)
    for address, theirs in unknown.items():
        named = ", ".join(each.name for each in theirs)
        if single:
            hint = (
                f"If Argo CD runs in it: argosy set env {theirs[0].name} cluster={model.IN_CLUSTER}"
                if "://" in address
                else f"If Argo CD runs in it: argocd cluster add {cluster.context} --in-cluster --name {address}"
            )
        else:
            known_as = next((each for each in repository.clusters if each.name == address), None)
            options = declared.options(known_as) if known_as else f"--name {_name(theirs[0])}"
            context = _context(cluster, address, repository.server(address))
            hint = f"Once you are logged in: argocd cluster add {context} {options}"
        yield Finding(Level.WARNING, f"Argo CD does not know the cluster {address} yet ({named}).", hint)


def _name(environment: Environment) -> str:
    return environment.name if environment.cluster_is_url else environment.cluster


def _context(cluster: Cluster, address: str, wanted: str) -> str:
    """Return the kubeconfig's context for a cluster, by its name or its server, or a word in its place."""
    view = json.loads(kubectl.run("config", "view", "--output", "json"))
    servers = {each["name"]: each["cluster"].get("server", "").rstrip("/") for each in view.get("clusters") or ()}
    contexts = {each["name"]: servers.get(each["context"].get("cluster", "")) for each in view.get("contexts") or ()}
    if address in contexts:
        return address
    return next((name for name, server in contexts.items() if server == wanted and name != cluster.context), "CONTEXT")


def takeover(seen: Inspection, handover: roots.Handover, installed: Sequence[Manifest]) -> Iterator[Finding]:
    """Report what this would take over from another owner, or make Argo CD delete."""
    there = seen.present([*handover.roots, *[each for each in installed if each["kind"] == "Deployment"]])
    for wanted in handover.roots:
        found = there.get(manifests.reference(wanted))
        if found is None or wanted["kind"] != "Application":
            continue
        before, after = _read(found), _read(wanted)
        name = wanted["metadata"]["name"]
        if before != after and not _is_within(before, after):
            yield Finding(
                Level.ERROR,
                f"The Application {name} in the cluster reads {before.shown()}. If it read {after.shown()} instead, "
                "Argo CD would delete what only the former has.",
                f"Deleting the old {name} first does not help: Argo CD tracks resources by the Application's "
                "name. To keep what the old one deployed, run these in this order, then argosy bootstrap again. "
                "Resources that both have are managed by this repository from then on."
                + "".join(f"\n    {command}" for command in _let_go(seen.cluster, found)),
            )
    released = {each["metadata"].get("annotations", {}).get("meta.helm.sh/release-name", "") for each in there.values()}
    if released - {""}:
        yield Finding(
            Level.ERROR,
            f"Argo CD was installed by Helm, as the release {min(released - {''})}.",
            "Helm and argosy would undo each other's changes. To hand the repository over to it as it is: argosy "
            "bootstrap --no-install. For argosy to install it, uninstall the release first, and keep its CRDs.",
        )


def _let_go(cluster: Cluster, application: Manifest) -> Iterator[str]:
    """Yield the commands that delete an Application and orphan what it deployed."""
    metadata, label = application["metadata"], _label(cluster)
    of_argocd = ("--namespace", cluster.namespace)
    if metadata.get("finalizers"):
        patch = '[{"op": "remove", "path": "/metadata/finalizers"}]'
        yield cluster.command(
            *("patch", "applications.argoproj.io", metadata["name"], *of_argocd, "--type=json", f"--patch={patch}")
        )
    yield cluster.command("delete", "applications.argoproj.io", metadata["name"], *of_argocd)
    made: dict[str, list[str]] = {}
    for each in (application.get("status") or {}).get("resources") or ():
        kind = ".".join(filter(None, (each["kind"].lower(), each.get("group"))))
        made.setdefault(each.get("namespace", ""), []).append(f"{kind}/{each['name']}")
    for namespace, names in sorted(made.items()):
        where = ("--namespace", namespace) if namespace else ()
        yield cluster.command("annotate", *where, *sorted(names), f"{TRACKING}-")
        if label:
            yield cluster.command("label", *where, *sorted(names), f"{label}-")


def _label(cluster: Cluster) -> str:
    """Return the label by which Argo CD tracks what it deploys; empty where it does so by the annotation alone."""
    settings = cluster.settings()
    major = int(cluster.running().partition(".")[0] or 3)
    if settings.get("application.resourceTrackingMethod", "annotation" if major > 2 else "label") != "label":
        return ""
    return settings.get("application.instanceLabelKey", "app.kubernetes.io/instance")


class _Read(NamedTuple):
    """What a root Application reads."""

    url: str
    path: str
    included: str
    """Which of the path's files; empty for all."""

    def shown(self) -> str:
        return f"{self.path}{f' ({self.included})' if self.included else ''} of {self.url}"


def _read(application: Manifest) -> _Read:
    url, _, path = roots.source(application)
    source = (application.get("spec") or {}).get("source") or {}
    return _Read(url, path, str((source.get("directory") or {}).get("include", "")))


def _is_within(before: _Read, after: _Read) -> bool:
    """Return whether everything that was read still is."""
    path = after.path.rstrip("/") + "/"
    folder = before.path.removeprefix(path)
    below = before.path.startswith(path) and (not after.included or f"{folder}/*" in after.included)
    return before.url == after.url and (below or (before.path == after.path and not after.included))


def deferred(unknown: Sequence[Manifest]) -> Iterator[Finding]:
    """Report the manifests of kinds that the cluster does not have yet."""
    if unknown:
        kinds = ", ".join(sorted({each["kind"] for each in unknown}))
        yield Finding(
            Level.WARNING,
            f"{counted(len(unknown), 'object')} of the installation cannot be applied yet: the cluster has no {kinds}.",
            "Install the operators that bring these kinds, then run argosy bootstrap again.",
        )


def unreachable(error: ToolError) -> Finding:
    """Report that the cluster could not be asked."""
    return Finding(Level.ERROR, error.message, error.hint)
