"""Whatever `argosy init` is asked for, what it makes is valid, and passes the checks of the tools that will read it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import combinations, product
from pathlib import Path

import pytest
from yamllint import linter  # type: ignore[import-untyped]
from yamllint.config import YamlLintConfig  # type: ignore[import-untyped]

from argosy import kustomize
from argosy.findings import Status
from argosy.helm import Release
from argosy.helm import engine as helm
from argosy.repository.model import OWN, SHARED, WRITTEN_HERE, ArgocdStyle, CiHost, Format, RevisionStyle
from argosy.template import creation, rendering
from argosy.validation import pipeline
from tests import covering, goldens
from tests.templates.pipelines import yamllint

CHOICES: Mapping[str, Sequence[str]] = {
    "format": [*WRITTEN_HERE, SHARED],
    "argocd": [*ArgocdStyle],
    "revision": [*RevisionStyle],
    "ci": [*CiHost],
}
"""All that is asked for; of the formats also Helm's with the chart that applications share."""
READ = ("format", "argocd", "revision")
"""The choices that Argo CD sees; the host reads files of its own beside them."""
_READ = [
    {**dict(zip(READ, each, strict=True)), "ci": CHOICES["ci"][number % len(CiHost)]}
    for number, each in enumerate(product(*(CHOICES[name] for name in READ)))
]
CASES = [tuple(case[name] for name in CHOICES) for case in covering.cases(CHOICES, _READ)]
"""All that Argo CD may see, and each part of it with each host."""
INSTALL = "argocd/install"
SETTINGS = ("environment.yaml", "application.yaml")

Texts = Mapping[str, str]


@cache
def texts(form: str, argocd: str, revision: str, ci: str) -> Texts:
    """Return the text of each file of a new repository."""
    styles = (ArgocdStyle(argocd), RevisionStyle(revision), CiHost(ci))
    is_shared = form == SHARED
    model = goldens.repository(Format.HELM if is_shared else Format(form), *styles, chart=SHARED if is_shared else OWN)
    return {path: file.content.decode() for path, file in rendering.render(model).items()}


@pytest.fixture(params=CASES, ids="-".join)
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a new repository of each case."""
    write(tmp_path, texts(*request.param))
    return tmp_path


def write(folder: Path, files: Texts) -> None:
    """Write files below a folder."""
    creation.write(folder, {path: rendering.File(text.encode(), False) for path, text in files.items()})


def test_all_that_argo_cd_may_see_is_a_case_and_so_are_any_two_choices() -> None:
    assert {case[: len(READ)] for case in CASES} == {*product(*(CHOICES[name] for name in READ))}
    for one, other in combinations(range(len(CHOICES)), 2):
        first, second = ([*CHOICES.values()][each] for each in (one, other))
        assert {(case[one], case[other]) for case in CASES} == {*product(first, second)}


def test_it_is_valid(repository: Path) -> None:
    report = pipeline.validate(repository)
    assert report.findings == []
    assert report.count(Status.FAILED) == 0
    skipped = {outcome.path: outcome.reason for outcome in report.outcomes if outcome.status is Status.SKIPPED}
    assert set(skipped) == {INSTALL}
    assert "was not fetched (offline)" in skipped[INSTALL]


def different(prefixes: tuple[str, ...], *forms: str) -> Iterator[Texts]:
    """Yield the files below some folders of each case, each set of them that differs from the others once."""
    seen = set()
    for case in CASES:
        if case[0] in forms:
            tree = texts(*case).items()
            chosen = {path: text for path, text in tree if path.startswith(prefixes) and not path.endswith(SETTINGS)}
            if (identity := frozenset(chosen.items())) not in seen:
                seen.add(identity)
                yield chosen


def test_charts_lint_strictly_with_the_values_of_each_environment(tmp_path: Path) -> None:
    trees = list(different(("applications/", "charts/", "environments/"), Format.HELM, SHARED))
    assert trees
    for number, tree in enumerate(trees):
        folder = tmp_path / str(number)
        write(folder, tree)
        (chart,) = (path.parent for path in folder.rglob("Chart.yaml"))
        environments = sorted(folder.glob("environments/*"))
        assert len(environments) == 3
        for environment in environments:
            values = (environment / "values.yaml", environment / "my-app" / "values.yaml")
            messages = helm().lint(Release(chart, "my-app", values=values))
            assert [message for message in messages if message.severity != "info"] == []


def test_overlays_build(tmp_path: Path) -> None:
    trees = list(different(("applications/", "environments/"), Format.KUSTOMIZE))
    assert trees
    for number, tree in enumerate(trees):
        folder = tmp_path / str(number)
        write(folder, tree)
        overlays = sorted(path.parent for path in folder.glob("environments/*/*/kustomization.yaml"))
        assert len(overlays) == 3
        assert all(kustomize.build(overlay, folder).count("kind: Deployment") == 1 for overlay in overlays)


def test_yamllint_has_no_remark() -> None:
    checked: set[tuple[str, str, str]] = set()
    for tree in (texts(*each) for each in CASES):
        configured = yamllint(tree[".pre-commit-config.yaml"])
        settings = YamlLintConfig(configured)
        for path, text in tree.items():
            asked = path, text, configured
            if asked in checked or not settings.is_yaml_file(path) or settings.is_file_ignored(path):
                continue
            checked.add(asked)
            assert [f"{path}:{problem}" for problem in linter.run(text, settings, path)] == []
    assert len(checked) > 80


def test_yamllint_as_pre_commit_runs_it(tmp_path: Path) -> None:
    files = texts(Format.HELM, ArgocdStyle.APPLICATIONSET, RevisionStyle.BRANCH, CiHost.GITLAB)
    write(tmp_path, files)
    configured = ["--config-data", yamllint(files[".pre-commit-config.yaml"])]
    command = [sys.executable, "-m", "yamllint", "--strict", *configured, "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
