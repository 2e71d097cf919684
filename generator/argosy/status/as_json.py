"""The status as JSON, for programs; no key ever changes its meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from argosy import data
from argosy.promotion.trailers import Record
from argosy.status import report as wording
from argosy.status.matrix import Column, Deployment, Lag
from argosy.status.promotions import Promoted
from argosy.status.report import Report, Template
from argosy.status.versions import Version

if TYPE_CHECKING:
    from argosy.status.live import Live


def overview(report: Report) -> str:
    """Return the environments, and the applications with what each environment has of them."""
    return data.written("Status", _overview(report))


def _overview(report: Report) -> dict[str, Any]:
    return {
        "template": template(report.template),
        "environments": [_column(report, each) for each in report.matrix.columns],
        "applications": [
            {"name": name, "environments": [_deployment(report, each) for each in _of(report, name)]}
            for name in report.matrix.applications
        ],
        "notes": list(wording.notes(report.matrix)),
    }


def detail(report: Report) -> str:
    """Return the same of one application alone, and every key that differs between two environments."""
    from argosy.promotion import report as promotion_report  # noqa: PLC0415

    told = _overview(report)
    for found, (_, promotion) in zip(told["applications"][0]["environments"], wording.moves(report), strict=True):
        moved = promotion_report.as_data(promotion)
        found["keys"] = moved[0]["keys"] if moved else []
    return data.written("Status", told)


def history(application: str, promotions: Sequence[Promoted]) -> str:
    """Return the promotions and rollbacks."""
    listed = [
        {
            **_record(each.record),
            "to": each.record.step.target,
            **_version(each.version),
            "subject": each.record.subject,
            "rolledBack": each.rolled_back,
            "reverted": each.reverted,
        }
        for each in promotions
    ]
    return data.written("History", {"application": application, "history": listed})


def template(found: Template) -> dict[str, Any]:
    """Return the template's versions, and those of branches that have another than the newest or are not here."""
    branches = [{"branch": branch, "recorded": version} for branch, version in found.behind.items()]
    return {
        "version": found.version,
        "newest": found.newest,
        "note": found.note,
        "branches": branches,
        "unseenBranches": [*found.unseen],
    }


def _column(report: Report, column: Column) -> dict[str, Any]:
    name = column.environment.name
    return {
        "name": name,
        "applications": sorted(each for each, environment in report.matrix.deployments if environment == name),
        "promotesFrom": column.environment.promotes_from,
        "revision": column.tip.name,
        "commit": column.tip.commit or None,
        "uncommitted": column.edited,
    }


def _of(report: Report, application: str) -> list[Deployment]:
    deployments = report.matrix.deployments
    names = (each.environment.name for each in report.matrix.columns)
    return [deployments[application, name] for name in names if (application, name) in deployments]


def _deployment(report: Report, deployment: Deployment) -> dict[str, Any]:
    live = {}
    if report.live is not None:
        live = {"live": _live(report.live.get((deployment.application, deployment.environment)))}
    return {
        "environment": deployment.environment,
        **_version(deployment.version),
        "behind": _lag(deployment.lag) if deployment.lag else None,
        "last": _record(deployment.last) if deployment.last else None,
        **live,
    }


def _version(version: Version) -> dict[str, Any]:
    chart = {"name": version.chart, "version": version.chart_version} if version.chart else None
    return {"version": str(version) or None, "images": list(map(str, version.images)), "chart": chart}


def _lag(lag: Lag) -> dict[str, Any]:
    return {
        "from": lag.source,
        "moving": [str(each.key) for each in lag.moving],
        "files": list(lag.files),
        "setByHand": [str(each.key) for each in lag.drifted],
        "undecided": [str(each.key) for each in lag.undecided],
        "commits": lag.commits,
        "since": lag.since.isoformat() if lag.since else None,
        "unknown": lag.unknown or None,
    }


def _record(record: Record) -> dict[str, Any]:
    return {
        "kind": record.step.kind.value,
        "when": record.when.isoformat(),
        "who": record.who,
        "from": record.step.source or None,
        "origin": record.step.origin or None,
        "commit": record.commit,
    }


def _live(live: Live | None) -> dict[str, str] | None:
    if live is None:
        return None
    names = ("namespace", "sync", "health", "revision", "message")
    return {name: getattr(live, name) for name in names}
