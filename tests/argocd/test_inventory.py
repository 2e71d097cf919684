"""Which files a change reaches."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from argosy.argocd import deployed
from argosy.argocd.inventory import reached_by, take
from argosy.errors import ArgosyError
from argosy.git.objects import Blob
from argosy.git.snapshot import Snapshot
from argosy.repository.model import Application, Repository
from argosy.template import creation, rendering
from argosy.validation import pipeline
from tests import changing, goldens

ANOTHER = "applications/web/application.yaml"
OF_COMPONENTS = "argocd/dev/components/project.yaml"
POLICIES = ["argocd/dev/platform.yaml", "platform/dev/policies/namespace-web.yaml"]


@pytest.mark.parametrize(
    ("changed", "reached", "left"),
    [
        ([], [ANOTHER, "environments/dev/web/values.yaml", "README.md"], []),
        ([".copier-answers.yml"], [ANOTHER, "argocd/dev/web.yaml"], []),
        (["argocd/applicationset.yaml"], [ANOTHER, "argocd/dev/web.yaml"], []),
        (
            ["applications/web/charts/web/values.yaml"],
            [ANOTHER, "environments/dev/web/values.yaml", "argocd/prod/web.yaml", "environments/dev/environment.yaml"],
            ["applications/api/application.yaml", "environments/dev/api/values.yaml", "argocd/dev/api.yaml"],
        ),
        (
            ["environments/dev/web/values.yaml"],
            [ANOTHER, "argocd/dev/web.yaml", "argocd/dev/project.yaml"],
            ["environments/prod/web/values.yaml", "argocd/dev/api.yaml", "applications/api/application.yaml"],
        ),
        (
            ["environments/dev/environment.yaml"],
            [ANOTHER, "argocd/dev/web.yaml", "environments/dev/api/values.yaml"],
            ["argocd/prod/web.yaml", "environments/prod/web/values.yaml"],
        ),
        (
            ["platform/dev/loki/values.yaml"],
            [OF_COMPONENTS, "argocd/dev/components/loki.yaml", "platform/dev/loki/chart/Chart.yaml"],
            ["platform/dev/alloy/values.yaml", "argocd/prod/components/loki.yaml", ANOTHER, "argocd/dev/web.yaml"],
        ),
        (
            [OF_COMPONENTS],
            ["argocd/dev/components/loki.yaml", "platform/dev/alloy/values.yaml", "argocd/dev/project.yaml"],
            ["argocd/dev/web.yaml", "environments/dev/web/values.yaml", "platform/prod/loki/values.yaml", ANOTHER],
        ),
        (
            ["environments/dev/environment.yaml"],
            ["argocd/dev/components/loki.yaml", "platform/dev/loki/values.yaml"],
            ["platform/prod/loki/values.yaml"],
        ),
        (["catalogue/loki/values.yaml"], ["README.md"], [ANOTHER, "platform/dev/loki/values.yaml"]),
        (["README.md"], ["environments/dev/environment.yaml"], [ANOTHER, "argocd/dev/web.yaml", *POLICIES]),
        (["environments/prod/web/values.yaml"], ["argocd/prod/platform.yaml"], POLICIES),
        (["environments/dev/api/values.yaml"], POLICIES, ["argocd/prod/platform.yaml"]),
        (["applications/web/application.yaml"], POLICIES, []),
        (["argocd/dev/platform.yaml"], POLICIES, ["argocd/prod/platform.yaml"]),
    ],
)
def test_a_change_reaches_what_may_come_out_otherwise(changed: list[str], reached: list[str], left: list[str]) -> None:
    is_reached = reached_by(changed)
    assert [path for path in reached if not is_reached(path)] == []
    assert [path for path in left if is_reached(path)] == []


@pytest.mark.parametrize("name", ["helm", "kustomize", "manifests", "helm-applicationset"])
def test_the_reached_part_of_a_valid_repository_is_valid(name: str, tmp_path: Path) -> None:
    model = goldens.model(name)
    added = Application("web", model.settings.format)
    whole = Repository(model.settings, model.environments, model.applications).with_applications((added,))
    creation.write(tmp_path, rendering.render(whole))
    for changed in ("environments/dev/web/values.yaml", "applications/web/application.yaml", "README.md"):
        report = pipeline.validate(tmp_path, pipeline.Options(changed=frozenset([changed])))
        assert not report.findings
        assert {outcome.application for outcome in report.outcomes} <= {"", "web"}


def test_the_reached_part_of_a_valid_state_is_valid(tmp_path: Path) -> None:
    begun = changing.model(("api", "web"))
    begun = replace(begun, settings=replace(begun.settings, production=replace(begun.settings.production, quotas=True)))
    state = Snapshot.of(changing.create(tmp_path / "gitops", begun), "HEAD")
    for changed in ("environments/dev/web/deployment.yaml", "applications/web/application.yaml", "README.md"):
        assert not pipeline.of_state(state, pipeline.Options(changed=frozenset([changed]))).findings


def test_folders_can_be_nested_as_deep_as_a_path_is_long(tmp_path: Path) -> None:
    place = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("d", dir_fd=place)
        above, place = place, os.open("d", os.O_RDONLY, dir_fd=place)
        os.close(above)
    os.close(os.open("a.yaml", os.O_CREAT | os.O_WRONLY, dir_fd=place))
    os.close(place)
    try:
        assert len(take(tmp_path).entries) == 1
    finally:
        subprocess.run(["rm", "-r", "d"], cwd=tmp_path, check=True)  # Python cannot.
    with pytest.raises(ArgosyError, match="lies more than 200 folders deep"):
        deployed.write(tmp_path, {f"{'d/' * 1200}a.yaml": Blob("100644", b"")}, {})
