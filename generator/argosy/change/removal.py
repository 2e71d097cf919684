"""What a removal takes away, and a move leaves behind: files that people edited, and what runs in a cluster."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from argosy.argocd.applicationsets.applications import CASCADE
from argosy.change import merge, ownership
from argosy.change.merge import Kind, Plan
from argosy.change.ownership import FileStatus, Owner, State
from argosy.change.planning import Change
from argosy.documents.fields import field, sequence, text
from argosy.documents.plain import bounded
from argosy.errors import ArgosyError
from argosy.git import objects
from argosy.kubernetes import manifests
from argosy.names import joined
from argosy.repository import layout
from argosy.repository.model import IN_CLUSTER, ArgocdStyle, Repository, RevisionStyle, project_name
from argosy.repository.store import Stored
from argosy.yaml_edit import editing, keys


@dataclass(frozen=True, slots=True)
class Removal:
    """What is known of a removal before it happens."""

    change: Change
    paths: Sequence[str]
    edited: Sequence[FileStatus]
    running: Sequence[tuple[str, str]]
    """(Application, namespace) of what is deployed; no namespace where other things are in it."""
    components: Sequence[str]
    """The components that a cluster has no more."""
    cascading: Mapping[str, bytes]
    """The files by which Argo CD would delete what runs, too: path -> the file made safe."""
    endangered: Collection[str]
    """The Applications whose workloads it would delete by these files."""

    @property
    def first(self) -> Change:
        """The step before the removal: nothing cascades any more."""
        return Change(self.change.before, self.change.before, written=self.cascading)

    def told(self) -> str:
        """Return what to know before the removal, for people."""
        moved = bool(self.change.copies)
        lines = [f"{len(self.paths)} files {'are moved, with their edits' if moved else 'are deleted'}."]
        if self.edited and not moved:
            lines.append("Written or edited by hand, and afterwards only in Git's history:")
            lines += [f"  {each.path}" for each in self.edited]
        if self.running:
            lines += self._running()
        return "\n".join([*lines, *self._branches()])

    def _running(self) -> list[str]:
        endangered, others = (
            [n for n, _ in self.running if (n in self.endangered) is wanted] for wanted in (True, False)
        )
        sequence = []
        if self.cascading:
            sequence += [
                f"Argo CD would delete what {', '.join(endangered) or 'they'} deployed, volumes included, because of a "
                "finalizer, or an ApplicationSet that preserves nothing, in:",
                *(f"  {path}" for path in self.cascading),
                "So this takes two commits. The first makes these files safe: push it alone, and wait until Argo CD "
                "has synced the root Application. The second removes.",
            ]
        if others:
            sequence.append(
                f"When this is merged, Argo CD lets go of {', '.join(others)}. What they deployed, volumes included, "
                "keeps running until an Application of the same name takes it back, and deletes what Git does not have "
                "then."
            )
        spaces = sorted({namespace for _, namespace in self.running if namespace})
        return [
            *sequence,
            *(["Once nothing needs them any more, and not before, delete what they ran:"] if spaces else []),
            *(f"  kubectl delete namespace {each}" for each in spaces),
            *self._components(),
        ]

    def _components(self) -> list[str]:
        """Return what of components is outside of namespaces, and how to find it."""
        if not self.components:
            return []
        return [
            "What components have outside of namespaces stays as well, and a webhook that nothing answers bars what it "
            "watches. Most charts label theirs:",
            *(f"  kubectl get {_WIDE} --selector app.kubernetes.io/instance={each}" for each in self.components),
        ]

    def _branches(self) -> list[str]:
        before, after = self.change.before, self.change.after
        left = {each.revision for each in after.environments} | {before.settings.branch}
        gone = [each.revision for each in before.environments if each.revision not in left]
        if before.settings.revision is not RevisionStyle.BRANCH:
            return []
        return [f"Nothing follows the branch {each} then; delete it yourself." for each in gone]


def look(root: Path, stored: Stored, change: Change) -> Removal:
    """Return what a removal would take away."""
    entries = objects.entries(root, "HEAD")
    paths = [path for path in entries if objects.is_within(path, change.removed)]
    running, components = _running(change)
    by_set = change.before.settings.argocd is ArgocdStyle.APPLICATIONSET
    judged = [path for path in entries if objects.is_within(path, (layout.ARGOCD,))] if by_set and running else paths
    # Previews are to be deleted with what they run.
    of_argocd = [path for path in judged if objects.is_within(path, (layout.ARGOCD,)) and not layout.is_previews(path)]
    held = objects.blobs(root, entries, of_argocd)
    going = set(paths)
    edited = [
        each
        for each in ownership.files(root, stored, going.__contains__)
        if each.state is State.EDITED or (each.owner is Owner.USER and each.state is State.UNCHANGED)
    ]
    safe = {path: made for path, blob in held.items() if (made := made_safe(blob.content)) is not None}
    own = {path: list(_declared(blob.content)) for path, blob in held.items()} if safe else {}
    endangered = {name for path in safe for kind, name, cascades in own[path] if kind == "Application" and cascades}
    if any(kind == "ApplicationSet" for path in safe for kind, _, _ in own[path]):
        # It makes all that no file declares.
        endangered |= {name for name, _ in running} - {
            name for each in own.values() for kind, name, _ in each if kind == "Application"
        }
    return Removal(change, paths, edited, running, components, safe, endangered)


def _declared(content: bytes) -> Iterator[tuple[str, str, bool]]:
    """Yield the kind and name of each manifest in a file, and whether it has the finalizer; nothing of what is none."""
    with contextlib.suppress(ArgosyError):
        for each in manifests.read(content.decode(errors="replace"), ""):
            finalizers = sequence(field(each, "metadata", "finalizers"))
            yield each["kind"], each["metadata"]["name"], any(text(one).startswith(CASCADE) for one in finalizers)


_KEPT = frozenset({"argocd", "default", "kube-node-lease", "kube-public", "kube-system"})
"""The namespaces that a cluster cannot do without, whatever a component had in them."""
_WIDE = "crd,clusterrole,clusterrolebinding,mutatingwebhookconfiguration,validatingwebhookconfiguration"


def _kept(change: Change) -> frozenset[str]:
    return _KEPT | {change.before.settings.production.argocd_namespace}


def _running(change: Change) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the Applications that go, each with the namespace that nothing else is in, and the components that do."""
    left, standing = {*_applications(change.after)}, {each[1:] for each in _applications(change.after)}
    kept = _kept(change)
    running = [
        (name, "" if (cluster, namespace) in standing or namespace in kept else namespace)
        for name, cluster, namespace in _applications(change.before)
        if (name, cluster, namespace) not in left
    ]
    before, after = (
        {
            (place, component.name)
            for each in model.environments
            for component in each.components
            for place in model.servers(each)
        }
        for model in (change.before, change.after)
    )
    return running, sorted({name for _, name in before - after})


def _applications(repository: Repository) -> Iterator[tuple[str, str, str]]:
    """Yield the name, the cluster and the namespace of each Application."""
    return (each[1:] for each in _deployed(repository))


def _deployed(repository: Repository) -> Iterator[tuple[tuple[str, str], str, str, str]]:
    """Yield what is deployed, and where: the name, the cluster and the namespace of each Application of it."""
    deployed = [(place, each.name, place.namespace_of(each.name)) for place, each in repository.deployments()]
    deployed += [(place, each.name, each.namespace) for place in repository.environments for each in place.components]
    for environment, what, namespace in deployed:
        for name, cluster in zip(environment.deployed_as(what), environment.places, strict=True):
            yield (what, environment.name), name, repository.server(cluster), namespace


@dataclass(frozen=True, slots=True)
class Move:
    """An Application that deploys to another place than before."""

    name: str
    before: tuple[str, str]
    """The cluster and the namespace."""
    after: tuple[str, str]
    is_pruned: bool
    """Whether Argo CD deletes what it leaves: it is in a namespace that its AppProject goes on permitting."""


def moves(change: Change) -> Sequence[Move]:
    """Return the Applications that leave a place, while what they deploy goes on to be deployed to another."""
    permitted = {
        name: [environment.namespace or f"*-{environment.name}"]
        for environment, each in change.after.deployments()
        for name in environment.deployed_as(each.name)
    }
    if change.after.is_by_team:
        spaces = {project.name: [*(project.namespaces or ())] for project in change.after.projects()}
        permitted = {
            name: spaces.get(project_name(environment.name, each.team), [])
            for environment, each in change.after.deployments()
            for name in environment.deployed_as(each.name)
        }
    return [
        Move(
            name,
            left,
            next((each for each in places if each not in standing), places[0]),
            # It goes on to be, and its namespace alone differs, which is an application's: a component's never does.
            any(_is_same_cluster(left[0], each[0]) for each in places)
            and any(fnmatchcase(left[1], each) for each in permitted.get(name, ())),
        )
        for (name, left), places, standing in _leaving(change)
    ]


_Place = tuple[str, str]
"""A cluster and a namespace."""


def _leaving(change: Change) -> Iterator[tuple[tuple[str, _Place], Sequence[_Place], Sequence[_Place]]]:
    """Yield each Application with the place that it leaves, and where the same is deployed to afterwards and before."""
    before, after = (_by_deployment(each) for each in (change.before, change.after))
    for deployment in (each for each in before if each in after):
        places, standing = ([place for _, place in each[deployment]] for each in (after, before))
        for name, place in before[deployment]:
            if not any(place[1] == each[1] and _is_same_cluster(place[0], each[0]) for each in places):
                yield (name, place), places, standing


def _by_deployment(repository: Repository) -> Mapping[tuple[str, str], Sequence[tuple[str, _Place]]]:
    """Return the Applications of each application or component in an environment, with their places."""
    found: dict[tuple[str, str], list[tuple[str, _Place]]] = {}
    for deployment, name, cluster, namespace in _deployed(repository):
        found.setdefault(deployment, []).append((name, (cluster, namespace)))
    return found


def _is_same_cluster(one: str, other: str) -> bool:
    own = {IN_CLUSTER, "in-cluster"}
    return one.rstrip("/") == other.rstrip("/") or {one.rstrip("/"), other.rstrip("/")} <= own


def left_behind(change: Change, moved: Sequence[Move]) -> str:
    """Return what to know before Applications move, for people."""
    pruned, left = ([each for each in moved if each.is_pruned is wanted] for wanted in (True, False))
    lines = [
        "These Applications deploy to another place, anew. Volumes, and Secrets made by hand, do not come along:",
        *(f"  {each.name}: {_place(each.before, each.after)} -> {_place(each.after, each.before)}" for each in moved),
    ]
    if pruned:
        lines.append(
            f"What {_names(pruned)} ran before, volumes included, Argo CD deletes: the AppProject goes on permitting "
            "the old namespace, and Git no longer has it there. First have Argo CD sync what is to stay with the "
            "annotation argocd.argoproj.io/sync-options: Prune=false, or copy it."
        )
    if left:
        kept, standing = _kept(change), {each[1:] for each in _applications(change.after)}
        gone = sorted({each.before for each in left} - standing)
        lines += [
            f"What {_names(left)} ran before keeps running beside it, and belongs to no Application. Where the "
            "AppProject permits the old place, now or later, Argo CD takes it back, and deletes what Git does not have "
            "there.",
            "So first copy the data, and stop what may not run twice; then merge; once all is well, delete the old:",
            *(f"  kubectl delete namespace {name}    # in {cluster}" for cluster, name in gone if name not in kept),
        ]
    return "\n".join(lines)


def _names(moved: Sequence[Move]) -> str:
    return ", ".join(each.name for each in moved)


def _place(place: tuple[str, str], other: tuple[str, str]) -> str:
    cluster, namespace = place
    return namespace if _is_same_cluster(cluster, other[0]) else f"{namespace} in {cluster}"


def handed_over(change: Change) -> str:
    """Return what to know where Argo CD learns of the applications in another way; empty where it does not."""
    style = change.after.settings.argocd
    if style is change.before.settings.argocd:
        return ""
    sequence = (
        "The ApplicationSet applications takes over the Applications that root has made, and root prunes those that it "
        "does not make."
        if style is ArgocdStyle.APPLICATIONSET
        else "Root takes over the Applications that the ApplicationSet has made, and prunes the set."
    )
    own = (
        "argosy bootstrap --env applies the set there."
        if style is ArgocdStyle.APPLICATIONSET
        else "root does not have the set there. Once this is synced, delete it; what it made stays:\n"
        "  kubectl --namespace argocd delete applicationset.argoproj.io applications --cascade=orphan"
    )
    return (
        "The Applications keep their names, and what they run goes on: as the template writes them, none has a "
        f"finalizer, so what they deploy outlives them. {sequence}\n"
        f"Where each cluster has an Argo CD of its own, {own}"
    )


def reassigned(change: Change) -> str:
    """Return what to know where Applications get another AppProject, and go on; empty where none does."""
    before, after = (
        {
            (each.name, place.name): (place.deployed_as(each.name), project_name(place.name, model.tenant(each)))
            for place, each in model.deployments()
        }
        for model in (change.before, change.after)
    )
    listed = [
        f"{name}: {project} -> {after[each][1]}"
        for each, (_, project) in before.items()
        if each in after and after[each][1] != project
        for name in after[each][0]
    ]
    if not listed:
        return ""
    more = [f"  … and {len(listed) - _LISTED} more"] if len(listed) > _LISTED else []
    by_set = change.after.settings.argocd is ArgocdStyle.APPLICATIONSET
    return "\n".join(
        [
            "These Applications get another AppProject. They keep their names, and what they run goes on:",
            *(f"  {each}" for each in listed[:_LISTED]),
            *more,
            "Let Argo CD sync first what is in Git already: a new project may not permit what it has yet to prune. "
            "Then root applies the projects (sync wave -100), the Applications after them, and prunes a team's project "
            "last. For the seconds between, an Application that its project does not permit is not synced; nothing of "
            "it is deleted.",
            *(
                ["Where each cluster has an Argo CD of its own, argosy bootstrap --env applies the set there."]
                if by_set and change.before.settings.tenancy is not change.after.settings.tenancy
                else []
            ),
        ]
    )


_LISTED = 10
"""How many Applications are named."""


def forgotten(change: Change) -> str:
    """Return what is set of teams that goes where they have AppProjects no more; empty where nothing does."""
    own = {
        each.name: [
            *([f"ssoGroup={each.sso_group}"] if each.sso_group else []),
            *(f"{place}.{key}={quantity}" for place, quota in each.quotas for key, quantity in quota),
        ]
        for each in (change.before.teams if not change.after.is_by_team else ())
    }
    listed = [f"  {name}: {', '.join(settings)}" for name, settings in own.items() if settings]
    return "\n".join(["These settings of teams go with their AppProjects:", *listed]) if listed else ""


def not_synced(plan: Plan, after: Repository) -> str:
    """Return what to do where a change touches files that Argo CD does not read from Git; empty where it does not."""
    by_hand = [layout.ROOT_APPLICATION, *([] if after.settings.production.self_managed else [layout.INSTALL])]
    paths = [each.path for each in plan.touched if objects.is_within(each.path, by_hand)]
    if not paths:
        return ""
    return f"Argo CD does not sync {joined(paths, 3)}: once this is merged, run argosy bootstrap again."


def refuse_cascade(plan: Plan) -> None:
    """Raise ArgosyError where a plan deletes a file whose deletion makes Argo CD delete what runs."""
    for path in [each.path for each in plan.changes if _goes(each)]:
        if path in plan.committed and made_safe(plan.committed[path].content) is not None:
            raise ArgosyError(
                f"{path} would be deleted, and Argo CD would delete what it deployed.",
                f"First take the finalizer {CASCADE} out of it, or let an ApplicationSet "
                "preserveResourcesOnDeletion; push that, wait until Argo CD has synced it, and run this command again.",
            )


def _goes(change: merge.Change) -> bool:
    """Return whether a file of what is to stay goes, or would but for what someone wrote in it."""
    refused = change.kind is Kind.CONFLICTING and 3 not in change.sides
    of_argocd = objects.is_within(change.path, (layout.ARGOCD,)) and not layout.is_previews(change.path)
    return of_argocd and (change.kind is Kind.DELETED or refused)


def made_safe(text: bytes) -> bytes | None:
    """Return a manifest file that, once synced, lets Argo CD delete its Applications without what they deployed.

    Return None where it is so already, or the file cannot be read: validation says why.
    """
    if CASCADE.encode() not in text and b"ApplicationSet" not in text:
        return None
    from ruamel.yaml import YAML  # noqa: PLC0415
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415
    from yaml import YAMLError as PyYAMLError  # noqa: PLC0415

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 4096
    try:
        documents = list(yaml.load_all(bounded(text)))
    except (YAMLError, PyYAMLError, ValueError):
        return None
    needed = [_make_safe(each) for each in documents if isinstance(each, dict)]
    if not any(needed):
        return None
    written = io.BytesIO()
    yaml.dump_all(documents, written)
    try:
        # What a person wrote stays as it is, but for what is to change.
        content, wanted = text.decode(), written.getvalue().decode()
        places = [(scope, path) for scope in keys.Text(wanted).documents for path in _MADE_SAFE]
        return editing.take(content, wanted, places).encode()
    except ArgosyError:
        return written.getvalue()


_MADE_SAFE = (
    ("metadata", "finalizers"),
    ("spec", "template", "metadata", "finalizers"),
    ("spec", "syncPolicy", "preserveResourcesOnDeletion"),
)


def _make_safe(manifest: dict[str, Any]) -> bool:
    """Change a manifest so that what it deploys outlives it; return whether that was needed."""
    if manifest.get("kind") == "Application":
        return _drop_finalizer(manifest)
    if manifest.get("kind") != "ApplicationSet" or not isinstance(manifest.get("spec"), dict):
        return False
    spec = manifest["spec"]
    needed = _drop_finalizer(spec["template"]) if isinstance(spec.get("template"), dict) else False
    policy = spec.setdefault("syncPolicy", {})
    if isinstance(policy, dict) and policy.get("preserveResourcesOnDeletion") is not True:
        policy["preserveResourcesOnDeletion"] = True
        return True
    return needed


def _drop_finalizer(manifest: dict[str, Any]) -> bool:
    metadata = manifest.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("finalizers"), list):
        return False
    left = [each for each in metadata["finalizers"] if not str(each).startswith(CASCADE)]
    if len(left) == len(metadata["finalizers"]):
        return False
    metadata["finalizers"] = left
    if not left:
        del metadata["finalizers"]
    return True
