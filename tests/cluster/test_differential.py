"""`argosy validate` beside the API server's dry run: `docs/validation-limits.md` has the figures and the reasons."""

from __future__ import annotations

from pathlib import Path

from tests.cluster import differential
from tests.cluster.control_plane import ControlPlane
from tests.cluster.mutations import Mutation, mutations, valid

SHARE = 0.97
"""Of what the API server refuses, what argosy has to find."""


def test_both_judge_mutations_alike(plane: ControlPlane, tmp_path: Path) -> None:
    as_they_are = [Mutation(f"{each['kind']} {each['metadata']['name']}", each) for each in valid()]
    found = differential.verdicts(plane, [*as_they_are, *mutations(3000)], tmp_path)
    untouched = found[: len(as_they_are)]
    assert [(each.mutation.name, each.server, each.argosy) for each in untouched if each.server or each.argosy] == []
    assert differential.unlisted(found) == [], differential.table(differential.unlisted(found))
    refused = [each for each in found if each.server]
    assert len(refused) > 600
    assert sum(bool(each.argosy) for each in refused) >= SHARE * len(refused), differential.table(found)
