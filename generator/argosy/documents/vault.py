"""The placeholders of argocd-vault-plugin, which puts secrets in their place when Argo CD makes the manifests.

Source: argocd-vault-plugin's docs/howitworks.md.
"""

from __future__ import annotations

import re
from typing import Any

from argosy.documents.fields import annotations_of, mapping

_INLINE = re.compile(r"<path:[^<>#]+#[^<>]+>")
"""One that says itself where the secret is."""
_NAMED = re.compile(r"<[^<>\s|]+(?: ?\|[^<>]*)?>")
"""One that names a key of the secret that the manifest's annotation is about."""
_PATH = "avp.kubernetes.io/path"
_IGNORE = "avp.kubernetes.io/ignore"


def holds(value: Any, manifest: Any) -> bool:
    """Return whether a value of a manifest is, or contains, such a placeholder."""
    annotations = annotations_of(mapping(manifest))
    if not isinstance(value, str) or str(annotations.get(_IGNORE)).lower() == "true":
        return False
    return bool(_INLINE.search(value) or (_PATH in annotations and _NAMED.search(value)))
