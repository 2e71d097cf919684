"""Edits of the model."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from argosy.change import edits
from argosy.errors import UsageError
from argosy.repository.model import (
    Application,
    CiHost,
    Environment,
    Kind,
    Permitted,
    Repository,
    RevisionStyle,
    Team,
)
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


def by_team(*names: str) -> Repository:
    """Return the small repository in which teams have projects of their own, and the first one owns web."""
    owned = edits.set_application(model(), "web", {"team": names[0]}) if names else model()
    made = edits.set_repository(owned, {"tenancy": "team", "quotas": "true"})
    for name in names[1:]:
        made = edits.add_team(made, Team(name))
    return made


class TestTeams:
    def test_those_that_applications_name_are_there_from_the_beginning(self) -> None:
        made = by_team("payments", "search")
        assert [(each.name, each.namespaces) for each in made.projects()] == [
            *[("dev", ()), ("dev-payments", ("web-dev",)), ("dev-search", ())],
            *[("prod", ()), ("prod-payments", ("web-prod",)), ("prod-search", ())],
        ]
        back = edits.set_repository(made, {"tenancy": "environment"})
        assert ([(each.name, each.namespaces) for each in back.projects()], back.teams) == (
            [("dev", None), ("prod", None)],
            (),
        )

    def test_a_rename_takes_all_along(self) -> None:
        made = edits.set_team(by_team("payments"), "payments", {"ssoGroup": "acme:pay", "prod.pods": "50"})
        permitted = Permitted((Kind("", "Pod"),))
        made = edits.replaced(made, made.environments[0].permitting(permitted, "payments"))
        renamed = edits.rename_team(edits.rename_environment(made, "prod", "live"), "payments", "money")
        assert renamed.teams == (Team("money", "acme:pay", (("live", (("pods", "50"),)),)),)
        assert (renamed.applications[0].team, renamed.environments[0].permitted_to("money")) == ("money", permitted)
        assert edits.remove_environment(renamed, "live").teams == (Team("money", "acme:pay"),)
        assert edits.set_team(renamed, "money", {"live.pods": ""}).teams == (Team("money", "acme:pay"),)

    @pytest.mark.parametrize(
        ("edit", "told"),
        [
            (lambda: edits.add_team(model(), Team("payments")), "are those of environments"),
            (lambda: edits.add_team(by_team("payments"), Team("payments")), "already"),
            (lambda: edits.set_application(by_team("payments"), "web", {"team": "paymens"}), "no team “paymens”"),
            (lambda: edits.set_team(by_team("payments"), "payment", {"ssoGroup": "x"}), "no team “payment”"),
            (lambda: edits.set_team(by_team("payments"), "payments", {"prd.pods": "5"}), "no environment “prd”"),
            (lambda: edits.set_team(by_team("payments"), "payments", {"prod.pod": "5"}), "“pod” is not a limit"),
            (lambda: edits.set_team(by_team("payments"), "payments", {"prod.pods": "a"}), "“a” is not a quantity"),
            (lambda: edits.remove_team(by_team("payments"), "payments"), "payments owns web"),
            (lambda: Team("Payments Team"), "cannot name a team"),
            (lambda: Team("payments", 'a"b'), "cannot be the group"),
        ],
    )
    def test_what_no_team_can_be_or_have(self, edit: Callable[[], object], told: str) -> None:
        with pytest.raises(UsageError, match=told):
            edit()

    def test_quotas_that_are_switched_off(self) -> None:
        off = edits.set_repository(by_team("payments"), {"quotas": "false"})
        with pytest.raises(UsageError, match="Quotas are switched off"):
            edits.set_team(off, "payments", {"prod.pods": "5"})

    def test_what_two_teams_cannot_share(self) -> None:
        two = edits.add_applications(by_team("payments", "search"), [Application("find", team="search")])
        edits.refuse_mixed_teams(two)
        with pytest.raises(
            UsageError, match="of the team payments and of the team search would share the namespace one"
        ):
            edits.refuse_mixed_teams(edits.set_environment(two, "dev", {"namespace": "one"}))
        longer = edits.add_environment(by_team("payments"), Environment("dev-payments"))
        with pytest.raises(
            UsageError, match="The AppProject dev-payments would be that of the team payments in dev, and"
        ):
            edits.refuse_mixed_teams(longer)
        with pytest.raises(UsageError, match="components-payments would be that of the components of payments, and of"):
            edits.refuse_mixed_teams(
                edits.add_environment(
                    edits.add_environment(by_team("payments"), Environment("components")), Environment("payments")
                )
            )
