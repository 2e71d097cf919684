"""Rules of Argo CD's kinds, given data of any shape."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argosy.argocd.view import ArgoApplication
from argosy.documents import Document
from argosy.rules.registry import Scope
from argosy.schemas.store import without_nulls
from tests.rules.subjects import (
    AUTOSCALER,
    DEPLOYMENT,
    GIT,
    OURS,
    PATHS,
    POLICY,
    TEAM,
    TWO,
    VALUES,
    WINDOW,
    application,
    application_set,
    problems,
    project,
    rendered,
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.sampled_from(["", "*", "!*", "a", "{{x}}", "/a", "shop", "true"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "name", "path"]), inner, max_size=2)
    ),
    max_leaves=4,
)
SHAPES = [
    application(
        {
            "sources": [
                {**GIT, "helm": {"valueFiles": ["a"], "releaseName": "a"}, "directory": {"recurse": True}},
                VALUES,
            ],
            "syncPolicy": {
                "automated": {"selfHeal": True},
                "syncOptions": ["CreateNamespace=true"],
                "retry": {"limit": 1, "backoff": {"duration": "5s", "factor": 2}},
                "managedNamespaceMetadata": {"labels": {"a": "b"}},
            },
            "ignoreDifferences": [{"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]}],
        },
        annotations={PATHS: "."},
    ).document,
    project(f"{{{TEAM}, clusterResourceWhitelist: [{{group: '', kind: a, name: b}}], {POLICY[1:-1] % 'p, a'}}}"),
    project(WINDOW % "timeZone: UTC"),
    application_set(f"{{generators: [{{matrix: {{{TWO}}}}}], templatePatch: 'spec: {{}}', template: {{spec: {{}}}}}}"),
    AUTOSCALER,
    DEPLOYMENT,
]


def places(data: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the place of every value."""
    yield at
    inner: Any = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for step, value in inner:
        yield from places(value, (*at, step))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_shape_of_data_raises(data: st.DataObject, tmp_path: Path) -> None:
    shape = copy.deepcopy(data.draw(st.sampled_from(SHAPES)).data)
    at = data.draw(st.sampled_from([place for place in places(shape) if place]))
    target = shape
    for step in at[:-1]:
        target = target[step]
    target[at[-1]] = data.draw(JSON)
    document = Document("manifest.yaml", 0, shape)
    odd, good = ArgoApplication(without_nulls(shape), document), application("{project: team}", name="good")
    deployed = [(odd, [document, DEPLOYMENT]), (good, [document, AUTOSCALER])]
    view = rendered(tmp_path, *deployed, documents=[document], projects={"team": document})
    subjects: dict[Scope, list[Any]] = {Scope.DOCUMENT: [document], Scope.APPLICATION: [odd, good]}
    for rule in OURS:
        for subject in subjects.get(rule.scope, [None]):
            assert all(problem.message for problem in problems(rule.id, subject, view))
