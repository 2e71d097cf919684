"""What is reported: the matrix, what a cluster says of it, and which version of the template the repository has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from argosy.git.snapshot import Snapshot
from argosy.names import joined
from argosy.promotion.trailers import Kind, Record, Step
from argosy.reporting.wording import number
from argosy.repository import layout
from argosy.status.matrix import Column, Deployment, Lag, Matrix

if TYPE_CHECKING:
    from argosy.promotion.promoting import Promotion
    from argosy.status.live import Applications, Live


class Tone(StrEnum):
    """What a phrase means to a person."""

    PLAIN = ""
    GOOD = "green"
    NOTICE = "yellow"
    BAD = "red"
    FAINT = "dim"


Phrase = tuple[str, Tone]


@dataclass(frozen=True, slots=True)
class Template:
    """The template's version that rendered a repository, and the newest one."""

    version: str
    newest: str
    hint: str = ""
    """Of a version that this argosy does not know: what to do."""
    behind: Mapping[str, str] = field(default_factory=dict)
    """The environments' own branches that another version rendered than the newest, each with its own."""
    unseen: Sequence[str] = ()
    """Those that this clone does not have."""

    @property
    def note(self) -> str:
        """What there is to say of the version."""
        if self.hint:
            return f"unknown to this argosy. {self.hint}"
        if self.version != self.newest:
            return "not the newest: see argosy update --dry-run"
        if self.behind:
            return f"the newest, but not on {joined([*self.behind], 8)}: see argosy update --dry-run"
        if self.unseen:
            return f"the newest; not in this clone: {joined(self.unseen, 8)}"
        return "the newest"

    def __str__(self) -> str:
        return f"Template: {self.version[:12] or 'no version'}, {self.note}"


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that `argosy status` shows."""

    root: Path
    matrix: Matrix
    template: Template
    live: Applications | None = None
    application: str = ""
    """The one that is reported in detail; empty for all of them."""


ABSENT: Phrase = ("–", Tone.FAINT)
UNREAD: Phrase = ("unknown", Tone.NOTICE)


def phrases(report: Report, application: str, environment: str) -> list[Phrase]:
    """Return what is said of an application in an environment."""
    found = report.matrix.deployments.get((application, environment))
    if found is None:
        return [UNREAD if environment in {each.name for each in report.matrix.unread} else ABSENT]
    told = [(version(found), Tone.PLAIN), *(of_lag(found.lag) if found.lag else ())]
    return [*told, *(of_live(report.live.get((application, environment))) if report.live is not None else ())]


def version(deployment: Deployment) -> str:
    """Return a deployment's version."""
    return str(deployment.version) or "no image"


def of_lag(lag: Lag) -> Iterator[Phrase]:
    """Yield what is said of a deployment that something is promoted to."""
    if lag.unknown:
        yield "behind by an unknown number of keys", Tone.NOTICE
    if lag.size:
        charts = {folder for each in lag.files if (folder := layout.chart_of(each))}
        files = [each for each in lag.files if not layout.chart_of(each)]
        kinds = [(len(lag.moving), "key"), (len(charts), "chart"), (len(files), "file")]
        what = joined([number(count, kind) for count, kind in kinds if count])
        since = f", {number(lag.commits, 'commit')} since {lag.since:%Y-%m-%d}" if lag.since else ""
        yield f"{what} behind {lag.source}{since}", Tone.NOTICE
    if lag.drifted:
        yield f"{len(lag.drifted)} set by hand", Tone.BAD
    if lag.undecided:
        yield f"{len(lag.undecided)} undecided", Tone.NOTICE


_TONES = {"Synced": Tone.GOOD, "Healthy": Tone.GOOD, "Degraded": Tone.BAD, "Missing": Tone.BAD}


def of_live(live: Live | None) -> Iterator[Phrase]:
    """Yield what a cluster says of a deployment."""
    if live is None:
        yield "not there", Tone.BAD
        return
    revision = f" {live.revision[:7]}" if live.revision else ""
    yield f"{live.sync}{revision}", _TONES.get(live.sync, Tone.NOTICE)
    yield live.health, _TONES.get(live.health, Tone.NOTICE)


def of_record(record: Record) -> str:
    """Return what was promoted or rolled back, when and by whom."""
    step = record.step
    what = (
        f"promoted from {step.source}" if step.kind is Kind.PROMOTION else f"rolled back to {step.origin[:7]}".rstrip()
    )
    return f"{what} {moment(record)} by {record.who} in {record.commit[:7]}"


def moment(record: Record) -> str:
    """Return when a record was made, as a person reads it."""
    return f"{record.when:%Y-%m-%d %H:%M %z}"


def heading(column: Column) -> str:
    """Return an environment's name, with the branch that it is read from where that is not what is checked out."""
    name, revision = column.environment.name, column.tip.name
    return name if revision in {"HEAD", name} else f"{name} ({revision})"


def notes(matrix: Matrix) -> Iterator[str]:
    """Yield what to know before relying on the report."""
    for column in matrix.columns:
        if column.tip.remark:
            yield f"{column.environment.name}: {column.tip.remark}."
    if edited := [each.environment.name for each in matrix.columns if each.edited]:
        yield f"Uncommitted changes of {joined(edited)} are ignored."
    unknown = [each.lag.unknown for each in matrix.deployments.values() if each.lag and each.lag.unknown]
    if unknown:
        more = f" The same holds for {number(len(unknown) - 1, 'more deployment')}." if len(unknown) > 1 else ""
        yield f"Unknown what is still to be promoted: {unknown[0]}{more}"


def summary(matrix: Matrix) -> str:
    """Return a sentence that says how much is left to do."""
    lags = [each.lag for each in matrix.deployments.values() if each.lag]
    counts = {
        "behind": sum(bool(each.size) for each in lags),
        "set by hand": sum(bool(each.drifted) for each in lags),
        "undecided": sum(bool(each.undecided) for each in lags),
        "unknown": sum(bool(each.unknown) for each in lags),
    }
    told = [f"{count} {what}" for what, count in counts.items() if count]
    told += [f"{each.name} could not be read" for each in matrix.unread]
    return f"{number(len(matrix.deployments), 'deployment')}: {', '.join(told) or 'none behind'}."


def moves(report: Report) -> list[tuple[Deployment, Promotion]]:
    """Return the deployments of the application in detail, each with what a promotion to it would be."""
    found = []
    for column in report.matrix.columns:
        deployment = report.matrix.deployments.get((report.application, column.environment.name))
        if deployment is not None:
            found.append((deployment, _promotion(report, column, deployment)))
    return found


def facts(report: Report, deployment: Deployment) -> Iterator[str]:
    """Yield what else there is to say of a deployment: images, the last promotion, what Argo CD complains of."""
    if deployment.version.chart:
        yield f"chart: {deployment.version.chart} {deployment.version.chart_version}"
    for image in deployment.version.images:
        yield f"image: {image}"
    if deployment.last:
        yield of_record(deployment.last)
    if lag := deployment.lag:
        yield from (f"newer on {lag.source}'s branch: {path}" for path in lag.files)
    live = report.live.get((deployment.application, deployment.environment)) if report.live else None
    if live and live.message:
        yield f"Argo CD: {live.message}"


def _promotion(report: Report, column: Column, deployment: Deployment) -> Promotion:
    from argosy.promotion.promoting import Move, Promotion  # noqa: PLC0415

    before = Snapshot(report.root, column.tip.commit)
    lag = deployment.lag
    if lag is None or lag.unknown:
        return Promotion(before, [])
    step = Step(Kind.PROMOTION, deployment.application, lag.source, deployment.environment)
    return Promotion(before, [Move(step, lag.decisions)])
