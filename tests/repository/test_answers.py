"""An answers file and the model that it describes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from argosy.change import privileges
from argosy.errors import UsageError
from argosy.repository import answers
from argosy.repository.model import Application, Image, Repository, RevisionStyle, Seed, Settings, chain
from argosy.template import rendering
from tests.conftest import Argosy
from tests.strategies import repositories

SETTINGS = Settings("gitops", "https://github.com/acme/gitops.git")
CHAINED = chain((("dev", ""), ("prod", "")), RevisionStyle.TRUNK)
DEFAULT = Application("web", team="ops", seed=Seed(Image("nginx", "1"), 80, (("dev", Image("nginx", "2")),)))


# Each example runs in the same folder, and writes what it reads.
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(repositories())
def test_the_full_form_is_the_model(argosy: Argosy, model: Repository) -> None:
    # A new repository has the first version of the shared chart alone.
    followed = tuple(replace(each, chart_versions=()) for each in model.environments)
    model = replace(model, environments=followed, charts=()).with_shared_chart()
    Path("answers.yaml").write_text(json.dumps(rendering.answers(model), ensure_ascii=False), encoding="utf-8")
    result = argosy("init", "gitops", "--answers", "answers.yaml", "--dry-run", "--output", "json")
    assert result.err == ""
    assert json.loads(result.out)["files"] == {
        path: file.content.decode() for path, file in rendering.render(privileges.of_new(model)).items()
    }


def test_what_a_file_says(tmp_path: Path) -> None:
    path = tmp_path / "answers.yaml"
    path.write_text(
        "_commit: abc\n_src_path: https://x.org/y.git\nci: none\nkubernetes_version: 1.30\n"
        "environments: [dev, {name: prod}]\n"
    )
    assert answers.read(path) == answers.Answers(
        {"ci": "none", "kubernetes_version": "1.30"}, ({"name": "dev"}, {"name": "prod"}), None
    )


def test_an_empty_list_is_an_answer(tmp_path: Path) -> None:
    path = tmp_path / "answers.yaml"
    path.write_text("{applications: [], environments: []}")
    assert answers.read(path) == answers.Answers({}, (), ())


@pytest.mark.parametrize(("text", "follow_up"), [("follow_up: true", True), ("follow_up: false", False), ("{}", None)])
def test_yes_or_no_or_nothing(tmp_path: Path, text: str, follow_up: bool | None) -> None:
    (tmp_path / "answers.yaml").write_text(text)
    assert answers.read(tmp_path / "answers.yaml") == answers.Answers(follow_up=follow_up)


@pytest.mark.parametrize("written", ["nginx:1", {"repository": "nginx", "tag": "1"}])
def test_an_image_has_two_forms(written: object) -> None:
    part = {"name": "web", "image": written, "images": {"prod": written}}
    assert answers.application(part, DEFAULT, SETTINGS).seed == Seed(
        Image("nginx", "1"), 80, (("prod", Image("nginx", "1")),)
    )


def test_what_is_left_out_is_the_default() -> None:
    assert answers.application({"name": "web"}, DEFAULT, SETTINGS) == DEFAULT
    assert answers.environments(({"name": "dev"}, {"name": "prod"}), CHAINED) == CHAINED


@pytest.mark.parametrize("origin", ["prod", "live", "dev"])
def test_promotion_goes_forward(origin: str) -> None:
    parts = ({"name": "dev", "promotes_from": origin}, {"name": "prod"})
    with pytest.raises(UsageError, match=f"promotes from “{origin}”, which is not an environment before it"):
        answers.environments(parts, CHAINED)


def test_promotion_may_branch() -> None:
    chained = chain((("dev", ""), ("eu", ""), ("us", "")), RevisionStyle.TRUNK)
    parts = ({"name": "dev"}, {"name": "eu", "promotes_from": "dev"}, {"name": "us", "promotes_from": "dev"})
    assert [each.promotes_from for each in answers.environments(parts, chained)] == ["", "dev", "dev"]
