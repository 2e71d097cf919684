"""Edits of the model."""

from __future__ import annotations

import pytest

from argosy.change import edits
from argosy.errors import UsageError
from argosy.repository.model import Application, CiHost, Environment, Repository, RevisionStyle
from tests.changing import model


def origins(repository: Repository) -> list[tuple[str, str]]:
    return [(each.name, each.promotes_from) for each in repository.environments]


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ({}, [("dev", ""), ("prod", "dev"), ("new", "prod")]),
        ({"after": "dev"}, [("dev", ""), ("new", "dev"), ("prod", "new")]),
        ({"before": "dev"}, [("new", ""), ("dev", "new"), ("prod", "dev")]),
        ({"before": "prod"}, [("dev", ""), ("new", "dev"), ("prod", "new")]),
    ],
)
def test_an_environment_comes_into_the_chain(place: dict[str, str], expected: list[tuple[str, str]]) -> None:
    made = edits.add_environment(model(), Environment("new"), **place)
    assert origins(made) == expected
    assert edits.remove_environment(made, "new") == model()


def test_the_first_environment() -> None:
    assert origins(edits.add_environment(model(environments=()), Environment("new"))) == [("new", "")]


def test_applications_in_some_environments() -> None:
    made = edits.add_applications(model(), [Application("shop"), Application("api")], ["prod"])
    assert [each.name for each in made.applications] == ["api", "shop", "web"]
    assert [each.applications for each in made.environments] == [("web",), ("api", "shop", "web")]
    assert edits.remove_applications(made, ["api", "shop"]) == model()


def test_rename_keeps_the_rest() -> None:
    assert edits.rename_application(model(), "web", "shop") == model(("shop",))
    assert origins(edits.rename_environment(model(), "dev", "test")) == [("test", ""), ("prod", "test")]
    by_branch = model(revision=RevisionStyle.BRANCH)
    assert edits.rename_environment(by_branch, "prod", "live").environments[1].revision == "live"


def test_settings_of_the_repository() -> None:
    made = edits.set_repository(model(), {"ci": "gitlab", "branch": "trunk"})
    assert (made.settings.ci, [each.revision for each in made.environments]) == (CiHost.GITLAB, ["trunk", "trunk"])
    made = edits.set_repository(made, {"revision": "branch"})
    assert [each.revision for each in made.environments] == ["dev", "prod"]
    assert [each.revision for each in edits.set_repository(made, {"revision": "trunk"}).environments] == ["trunk"] * 2


def test_a_chain_may_be_bent_but_not_closed() -> None:
    longer = model(environments=("dev", "qa", "prod"))
    assert origins(edits.set_environment(longer, "prod", {"promotesFrom": "dev"}))[2] == ("prod", "dev")
    assert origins(edits.set_environment(longer, "prod", {"promotesFrom": ""}))[2] == ("prod", "")
    with pytest.raises(UsageError, match="dev ← prod ← qa ← dev: that is a circle"):
        edits.set_environment(longer, "dev", {"promotesFrom": "prod"})
