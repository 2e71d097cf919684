"""The build environment: the variables that Argo CD puts into what an Application gives its tools."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from argosy.argocd.view import ArgoApplication
from argosy.documents.fields import field, mapping, sequence, text

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


def of_plugin(application: ArgoApplication, source: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the variables that a config management plugin gets: the build environment, and what its source sets.

    What a cluster is, its version and APIs, is unknown here, and empty.
    """
    known = {**of(application, source), "KUBE_VERSION": "", "KUBE_API_VERSIONS": ""}
    plugin = mapping(source.get("plugin"))
    given = [mapping(each) for each in sequence(plugin.get("env"))]
    named = {f"ARGOCD_ENV_{text(each.get('name'))}": substituted(text(each.get("value")), known) for each in given}
    parameters = [mapping(each) for each in sequence(plugin.get("parameters"))]
    typed = [{name: each[name] for name in ("name", "string", "map", "array") if name in each} for each in parameters]
    as_json = json.dumps(typed or None, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    for sign in "<>&":  # As Go writes JSON.
        as_json = as_json.replace(sign, f"\\u{ord(sign):04x}")
    listed: dict[str, str] = {}
    for each in parameters:
        name = f"PARAM_{_escaped(text(each.get('name')))}"
        if isinstance(each.get("string"), str):
            listed[name] = text(each["string"])
        listed |= {f"{name}_{_escaped(key)}": text(value) for key, value in mapping(each.get("map")).items()}
        listed |= {f"{name}_{index}": text(value) for index, value in enumerate(sequence(each.get("array")))}
    return {**known, **named, "ARGOCD_APP_PARAMETERS": as_json, **listed}


def _escaped(name: str) -> str:
    return re.sub(r"[^A-Z0-9_]", "_", name.upper())


def substituted(value: str, variables: Mapping[str, str]) -> str:
    """Return a text with `$NAME` and `${NAME}` replaced, as Go's os.Expand does: `$$` is `$`, what is unknown empty."""

    def replaced(match: re.Match[str]) -> str:
        name = next(filter(None, match.groups()), "")
        return "$" if name == "$" else variables.get(name, "")

    return _REFERENCE.sub(replaced, value)
