"""When Argo CD applies what an Application renders: by phase, and within it by wave.

Source: Argo CD's gitops-engine/pkg/sync/syncwaves/waves.go and gitops-engine/pkg/sync/hook.
"""

from __future__ import annotations

from argosy.argocd.matching import HOOK, HOOK_PHASES, listed
from argosy.documents.fields import JSON, annotations_of, integer, text

PHASES = ("PreSync", "Sync", "PostSync", "SyncFail", "PreDelete", "PostDelete")
"""In the order in which they come; the last three come in other cases."""
_OF_HELM = {f"{when}-{what}": phase for when, phase in (("pre", "PreSync"), ("post", "PostSync")) for what in
            ("install", "upgrade")} | {"pre-delete": "PreDelete", "post-delete": "PostDelete"}  # fmt: skip


def phase(data: JSON) -> str:
    """Return the first phase in which a manifest is applied; hooks of Helm count where there are none of Argo CD."""
    own = [each for each in listed(data, HOOK) if each in HOOK_PHASES]
    of_helm = [_OF_HELM[each] for each in listed(data, "helm.sh/hook") if each in _OF_HELM]
    return min(own or of_helm or ["Sync"], key=PHASES.index)


def wave(data: JSON) -> int:
    """Return the wave of a manifest: its annotation, or else the weight of a hook of Helm, or else 0."""
    annotations = annotations_of(data)
    for name in ("argocd.argoproj.io/sync-wave", "helm.sh/hook-weight"):
        if (found := integer(text(annotations.get(name)))) is not None:
            return found
    return 0
