"""Manifests as YAML text, which every reader of Kubernetes' takes for the same data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from argosy import terminal
from argosy.documents.scalars import resolve

Manifest = Mapping[str, Any]
MASK = "***"
MASKED_BEFORE, MASKED_AFTER = "*** (as it was)", "*** (changed)"
_OPEN_FIELDS = {"apiVersion", "kind", "metadata", "type", "immutable"}
"""The fields of a Secret that hold none; a misspelt one may."""
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_WIDEST = 1_000_000
_ESCAPED = re.compile(f"[{terminal.UNSEEN}]|#(?=#\\[|#vso\\[|#teamcity\\[)")
"""What is obeyed, and YAML does not escape by itself."""


class _Dumper(yaml.CSafeDumper):
    """Writes the same object each time it comes, and text of several lines as such."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """Write no anchors."""
        return True


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else '"' if resolve(text) != text or text.lower() in {"y", "n"} else None
    # In quotes, what a terminal or a CI server obeys can be escaped.
    style = '"' if terminal.is_obeyed(text) else style
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def as_yaml(manifest: Manifest, *, sort_keys: bool = False) -> str:
    """Return a manifest as YAML."""
    written: str = yaml.dump(
        manifest, Dumper=_Dumper, sort_keys=sort_keys, allow_unicode=True, width=_WIDEST, default_flow_style=False
    )
    return _ESCAPED.sub(_escape, written)


def _escape(match: re.Match[str]) -> str:
    number = ord(match[0])
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def masked(manifest: Manifest, other: Manifest | None, changed: str) -> Manifest:
    """Return a manifest in which no value of a Secret can be read; those that are not the other's are `changed`."""
    if manifest.get("kind") != "Secret":
        return manifest
    hidden: dict[str, Any] = {}
    for field in manifest.keys() - _OPEN_FIELDS:
        values, others = manifest.get(field), (other or {}).get(field)
        if isinstance(values, dict):
            others = others if isinstance(others, dict) else values
            hidden[field] = {
                key: changed if key in others and others[key] != value else MASK for key, value in values.items()
            }
        elif values is not None:
            hidden[field] = changed if other is not None and others != values else MASK
    metadata = manifest.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if isinstance(metadata, dict) and isinstance(annotations, dict) and _LAST_APPLIED in annotations:
        hidden["metadata"] = {**metadata, "annotations": {**annotations, _LAST_APPLIED: MASK}}
    return {**manifest, **hidden}
