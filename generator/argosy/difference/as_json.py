"""A difference as JSON, for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from argosy import data
from argosy.difference.comparison import ApplicationChange, Difference, Unknown
from argosy.difference.risks import Risk


def format_difference(difference: Difference) -> str:
    """Return a difference as one JSON object."""
    return data.written("Difference", document(difference))


def document(difference: Difference) -> Mapping[str, Any]:
    """Return what JSON has: `rendered` (a count), `applications`, `warnings`, `faults` and `skipped` (lists).

    An application has `application` (the name of the Argo CD Application), `app`, `environment`, `namespace`, `status`
    (appears, vanishes or changes), `note`, `highlights` (what matters, a few words each) and `resources`, each with
    `group`, `kind`, `namespace`, `name`, `change` (added, changed, removed or moved), `diff`, which is unified and has
    all, `isNoise` (whether only labels change that say which chart and version it is of), `noise` (such labels and
    annotations) and `restarts` (whether Pods restart for these alone). Warnings have a `resource` and a `message`.
    Faults say why an Application cannot be rendered, with the `side` on which (before or after); skipped ones why none
    of it, or not all, can be known here.
    """
    return {
        "rendered": difference.rendered,
        "applications": [_application(each) for each in difference.applications],
        "warnings": [{**_place(each), "resource": each.resource, "message": each.message} for each in difference.risks],
        "faults": [{**_place(each), "side": each.side, "message": each.message} for each in difference.faults],
        "skipped": [{**_place(each), "message": each.message} for each in difference.skipped],
    }


def _place(of: ApplicationChange | Risk | Unknown) -> dict[str, Any]:
    return {"application": of.application, "app": of.app, "environment": of.environment}


def _application(change: ApplicationChange) -> dict[str, Any]:
    return {
        **_place(change),
        "namespace": change.namespace,
        "status": change.status.value,
        "note": change.note,
        "highlights": list(change.highlights),
        "resources": [
            {
                "group": each.identity.group,
                "kind": each.identity.kind,
                "namespace": each.identity.namespace,
                "name": each.identity.name,
                "change": each.kind.value,
                "diff": "\n".join(each.lines) + "\n",
                "isNoise": each.is_noise,
                "noise": list(each.noise),
                "restarts": each.restarts,
            }
            for each in change.resources
        ],
    }
