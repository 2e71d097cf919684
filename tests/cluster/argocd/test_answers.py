"""What Argo CD says of small repositories, and `argosy validate` beside: `cases.py` is the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.findings import Severity
from tests.cluster.argocd import asking, cases
from tests.cluster.argocd.asking import Told
from tests.cluster.argocd.cases import Answer, Case
from tests.cluster.argocd.running import ArgoCD
from tests.elsewhere import GitServer

_BY_NAME = {each.name: each for each in cases.ALL}


@pytest.fixture(scope="module")
def told(argocd: ArgoCD, host: GitServer) -> dict[str, Told]:
    """Have Argo CD answer all cases at once: each takes it as long as all of them."""
    return asking.ask(argocd, host, cases.ALL)


@pytest.mark.parametrize("name", _BY_NAME)
def test_argo_cd_says(told: dict[str, Told], name: str) -> None:
    case = _BY_NAME[name]
    assert told[name].answer == case.answer, told[name]
    assert case.says in "\n".join(told[name].messages), told[name]


@pytest.mark.parametrize("name", _BY_NAME)
def test_argosy_says_the_same(name: str, tmp_path: Path) -> None:
    case = _BY_NAME[name]
    found = asking.findings(case, tmp_path)
    assert {each.rule for each in found} == {*case.rules}, "\n".join(map(str, found))
    assert bool(agrees(case, {each.severity for each in found})) != bool(case.unlike), case.unlike


def agrees(case: Case, severities: set[Severity]) -> bool:
    """Return whether findings of these severities say what becomes of a case."""
    if case.answer is Answer.FAILS:
        return Severity.ERROR in severities
    return bool(severities) if case.answer in {Answer.LESS, Answer.STAYS} else Severity.ERROR not in severities
