"""The build environment: the variables that Argo CD puts into what an Application gives its tools."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from argosy.argocd.view import ArgoApplication
from argosy.documents.fields import field, text

REVISION = "0" * 40
"""What stands for the commit that Argo CD renders: a render is the same for every commit that has the same files."""
_REFERENCE = re.compile(r"\$(?:\{([^}\n]*)\}|(\{)|([*#$@!?0-9-])|([A-Za-z_][A-Za-z0-9_]*))")


def of(application: ArgoApplication, source: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the variables for one source of an Application."""
    return {
        "ARGOCD_APP_NAME": application.name,
        "ARGOCD_APP_NAMESPACE": text(field(application.spec, "destination", "namespace")),
        "ARGOCD_APP_PROJECT_NAME": text(application.spec.get("project")),
        "ARGOCD_APP_REVISION": REVISION,
        "ARGOCD_APP_REVISION_SHORT": REVISION[:7],
        "ARGOCD_APP_REVISION_SHORT_8": REVISION[:8],
        "ARGOCD_APP_SOURCE_REPO_URL": text(source.get("repoURL")),
        "ARGOCD_APP_SOURCE_PATH": text(source.get("path")),
        "ARGOCD_APP_SOURCE_TARGET_REVISION": text(source.get("targetRevision")),
    }


def substituted(value: str, variables: Mapping[str, str]) -> str:
    """Return a text with `$NAME` and `${NAME}` replaced, as Go's os.Expand does: `$$` is `$`, what is unknown empty."""

    def replaced(match: re.Match[str]) -> str:
        name = next(filter(None, match.groups()), "")
        return "$" if name == "$" else variables.get(name, "")

    return _REFERENCE.sub(replaced, value)
