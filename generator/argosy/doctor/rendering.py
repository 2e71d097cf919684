"""Why manifests cannot be generated: the same charts and overlays, rendered here with each environment's values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from argosy.argocd.sources import Kind
from argosy.doctor import rules
from argosy.doctor.case import Case, check
from argosy.doctor.complaints import TITLES, Topic, complaints, render_command
from argosy.doctor.diagnosis import Check, Observation, ok, unknown
from argosy.reporting.wording import number


def checks(case: Case) -> Iterator[Check]:
    """Yield the checks, as the guide's: lint, render with the environment's values, and what Argo CD says."""
    charts = any(source.kind is Kind.HELM for each in case.applications for source in case.sources(each))
    fine = "`helm lint --strict` has no complaint." if charts else "No chart is in this repository."
    yield check("lint", "the charts are in order", case.of_rules(*rules.LINT), fine)
    values = case.of_rules("value-file-missing", *rules.VALUES)
    yield check(
        "values", "the values files are those that are meant", values, "Each is there, and nothing overrides it."
    )
    yield check(
        "render", "everything renders with its environment's values", _rendered(case), "Nothing is to be rendered."
    )
    same = "Nothing depends on what only Argo CD or the cluster knows."
    yield check("likeness", "what is rendered here is what Argo CD renders", case.of_rules(*rules.LIKENESS), same)
    found = case.of_live(partial(complaints, topic=Topic.RENDER))
    yield check("generation", TITLES[Topic.RENDER], found, "No such error.")


def _rendered(case: Case) -> Iterator[Observation]:
    for found in case.of_rules(*rules.RENDER):
        applications = [each for each in case.applications if each.name in found.applications]
        command = render_command(case, applications[0]) if applications else ""
        yield replace(found, command=command)
    kinds = {Kind.HELM: "chart", Kind.KUSTOMIZE: "overlay"}
    for render in case.renders:
        about = (render.application.name,) if render.application else ()
        if render.skipped:
            yield unknown(
                f"Not rendered here: {render.skipped}.",
                "Only Argo CD knows: see the live checks.",
                applications=about,
            )
        elif render.source.kind in kinds and not render.faults and not render.defects:
            yield ok(f"{render.path}: {number(len(render.documents), 'manifest')}.", applications=about)
