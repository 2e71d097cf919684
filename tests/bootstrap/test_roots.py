"""The root Application, for all environments and for one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from argosy.bootstrap import roots
from argosy.errors import ArgosyError
from argosy.repository import store
from argosy.repository.model import ArgocdStyle, Repository, Seed
from tests import goldens
from tests.changing import create, edit, model


def made(folder: Path, style: ArgocdStyle = ArgocdStyle.APPLICATIONS) -> tuple[Path, Repository]:
    root = create(folder / "gitops", model(argocd=style))
    return root, store.load(root).repository


def names(handover: roots.Handover) -> tuple[list[str], list[str]]:
    projects, given = handover.projects, handover.roots
    return [each["metadata"]["name"] for each in projects], [
        f"{each['kind']} {each['metadata']['name']}" for each in given
    ]


@pytest.mark.parametrize("style", ArgocdStyle)
def test_all_environments(tmp_path: Path, style: ArgocdStyle) -> None:
    root, repository = made(tmp_path, style)
    handover = roots.of(root, repository, None)
    assert names(handover) == (["argocd", "dev", "prod"], ["Application root"])
    assert handover.sources == [("https://github.com/acme/gitops.git", "main", "argocd")]


def test_the_projects_of_teams(tmp_path: Path) -> None:
    root = create(tmp_path / "gitops", goldens.model("teams"))
    repository = store.load(root).repository
    assert repository == without_seeds(goldens.model("teams"))
    own = ["prod", "prod-payments", "prod-search"]
    assert names(roots.of(root, repository, repository.environments[1]))[0] == ["argocd", *own]
    assert roots.paths_of_projects(repository, repository.environments[1:]) == [
        *("argocd/prod/project.yaml", "argocd/prod/teams/payments.yaml", "argocd/prod/teams/search.yaml")
    ]


def without_seeds(repository: Repository) -> Repository:
    """Return a model as folders tell it, which do not say what applications began with."""
    return replace(repository, applications=tuple(replace(each, seed=Seed()) for each in repository.applications))


def test_one_environment_leaves_the_others_out(tmp_path: Path) -> None:
    root, repository = made(tmp_path, ArgocdStyle.APPLICATIONSET)
    before = (root / "argocd/root.yaml").read_text()
    handover = roots.of(root, repository, repository.environments[1])
    assert names(handover) == (["argocd", "prod"], ["Application root", "ApplicationSet applications"])
    assert handover.sources[0][2] == "argocd"
    assert handover.roots[0]["spec"]["source"]["directory"]["include"] == "{platform.yaml,prod/*}"
    assert [each.name for each in handover.environments] == ["prod"]
    assert (root / "argocd/root.yaml").read_text() == before


def test_an_application_set_that_reads_other_files(tmp_path: Path) -> None:
    root, repository = made(tmp_path, ArgocdStyle.APPLICATIONSET)
    edit(root, "argocd/applicationset.yaml", "environments/*/environment.yaml", "clusters/*/environment.yaml")
    with pytest.raises(ArgosyError, match="cannot be limited to the environment prod"):
        roots.of(root, repository, repository.environments[1])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "argocd/root.yaml is missing"),
        ("kind: [", "is not valid YAML"),
        ("kind: Application\n", "without apiVersion"),
        ("", "holds no Application"),
    ],
)
def test_a_root_that_is_none(tmp_path: Path, text: str | None, told: str) -> None:
    root, repository = made(tmp_path)
    (root / "argocd/root.yaml").unlink() if text is None else (root / "argocd/root.yaml").write_text(text)
    with pytest.raises(ArgosyError, match=told):
        roots.of(root, repository, None)
