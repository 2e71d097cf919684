"""What a removal takes away: files that people edited, and what runs in a cluster."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator import layout, merge, objects, ownership
from generator.changes import Change, is_below
from generator.errors import ArgosyError
from generator.merge import Kind, Plan
from generator.model import ArgocdStyle, Repository, RevisionStyle
from generator.ownership import FileStatus, Owner, State
from generator.store import Stored

FINALIZER = "resources-finalizer.argocd.argoproj.io"


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

    @property
    def first(self) -> Change:
        """The step before the removal: nothing cascades any more."""
        return Change(self.change.before, self.change.before, written=self.cascading)

    def told(self) -> str:
        """Return what to know before the removal, for people."""
        moved = bool(self.change.copies)
        lines = [f"{len(self.paths)} files {'move, with what was edited in them' if moved else 'go'}."]
        if self.edited and not moved:
            lines.append("Written or edited by hand, and in Git's history alone from then on:")
            lines += [f"  {each.path}" for each in self.edited]
        if self.running:
            lines += self._running()
        return "\n".join([*lines, *self._branches()])

    def _running(self) -> list[str]:
        names = ", ".join(name for name, _ in self.running)
        if self.cascading:
            sequence = [
                f"Argo CD would delete what {names} run, volumes included, because of a finalizer in:",
                *(f"  {path}" for path in self.cascading),
                "So this takes two commits. The first makes these files safe: push it alone, and wait until Argo CD "
                "has synced the root Application. The second removes.",
            ]
        else:
            sequence = [
                f"When this is merged, Argo CD lets go of {names}. What they deployed, volumes included, keeps running."
            ]
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
        made = {each.revision for each in after.environments} - {each.revision for each in before.environments}
        return [
            *(f"Nothing follows the branch {each} then; delete it yourself." for each in gone),
            *(f"Make the branch {each}, and push it." for each in sorted(made)),
        ]


def look(root: Path, stored: Stored, change: Change) -> Removal:
    """Return what a removal would take away."""
    entries = objects.entries(root, "HEAD")
    paths = [path for path in entries if any(is_below(path, each) for each in change.removed)]
    running, components = _running(change)
    by_set = change.before.settings.argocd is ArgocdStyle.APPLICATIONSET
    judged = [path for path in entries if is_below(path, layout.ARGOCD)] if by_set and running else paths
    held = objects.blobs(root, entries, [path for path in judged if is_below(path, layout.ARGOCD)])
    going = set(paths)
    edited = [
        each
        for each in ownership.files(root, stored, going.__contains__)
        if each.state is State.EDITED or (each.owner is Owner.USER and each.state is State.UNCHANGED)
    ]
    safe = {path: made for path, blob in held.items() if (made := made_safe(blob.content)) is not None}
    return Removal(change, paths, edited, running, components, safe)


_KEPT = frozenset({"argocd", "default", "kube-node-lease", "kube-public", "kube-system"})
"""The namespaces that a cluster cannot do without, whatever a component had in them."""
_WIDE = "crd,clusterrole,clusterrolebinding,mutatingwebhookconfiguration,validatingwebhookconfiguration"


def _running(change: Change) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the Applications that go, each with the namespace that nothing else is in, and the components that do."""
    left, standing = {*_applications(change.after)}, {each[1:] for each in _applications(change.after)}
    running = [
        (name, "" if (cluster, namespace) in standing or namespace in _KEPT else namespace)
        for name, cluster, namespace in _applications(change.before)
        if (name, cluster, namespace) not in left
    ]
    before, after = (
        {(each.cluster, component.name) for each in model.environments for component in each.components}
        for model in (change.before, change.after)
    )
    return running, sorted({name for _, name in before - after})


def _applications(repository: Repository) -> Iterator[tuple[str, str, str]]:
    """Yield the name, the cluster and the namespace of each Application."""
    for environment, each in repository.deployments():
        yield f"{each.name}-{environment.name}", environment.cluster, environment.namespace_of(each.name)
    for environment in repository.environments:
        for component in environment.components:
            yield f"{component.name}-{environment.name}", environment.cluster, component.namespace


def refuse_cascade(plan: Plan) -> None:
    """Raise ArgosyError where a plan deletes a file whose deletion makes Argo CD delete what runs."""
    entries = objects.entries(plan.root, plan.head)
    for path, blob in objects.blobs(plan.root, entries, [each.path for each in plan.changes if _goes(each)]).items():
        if made_safe(blob.content) is not None:
            raise ArgosyError(
                f"{path} would go, and Argo CD would delete what it deployed with it.",
                f"First take the finalizer {FINALIZER} out of it, or let an ApplicationSet "
                "preserveResourcesOnDeletion; push that, wait until Argo CD has synced it, and run this command again.",
            )


def _goes(change: merge.Change) -> bool:
    """Tell whether a file goes, or would but for what someone wrote in it."""
    refused = change.kind is Kind.CONFLICTING and all(side.stage != 3 for side in change.sides)
    return is_below(change.path, layout.ARGOCD) and (change.kind is Kind.DELETED or refused)


def made_safe(text: bytes) -> bytes | None:
    """Return a manifest file that, once synced, lets Argo CD delete its Applications without what they deployed.

    Return None where it is so already, or the file cannot be read: validation says why.
    """
    if FINALIZER.encode() not in text and b"ApplicationSet" not in text:
        return None
    from ruamel.yaml import YAML  # noqa: PLC0415
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 4096
    try:
        documents = list(yaml.load_all(text))
    except YAMLError:
        return None
    needed = [_make_safe(each) for each in documents if isinstance(each, dict)]
    if not any(needed):
        return None
    written = io.BytesIO()
    yaml.dump_all(documents, written)
    return written.getvalue()


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
    left = [each for each in metadata["finalizers"] if not str(each).startswith(FINALIZER)]
    if len(left) == len(metadata["finalizers"]):
        return False
    metadata["finalizers"] = left
    if not left:
        del metadata["finalizers"]
    return True
