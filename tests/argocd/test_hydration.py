"""Applications with a source hydrator: what the dry source renders to is what Argo CD will commit, and apply."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from argosy.argocd.view import View
from argosy.findings import Severity
from tests.conftest import Argosy, Git
from tests.rules.subjects import application, problems
from tests.validating import Validate, counts, write_files

URL = "https://git.example.com/team/gitops.git"
SET = f"""\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {{name: shop, namespace: argocd}}
spec:
  generators: [{{list: {{elements: [{{env: dev}}, {{env: prod}}]}}}}]
  template:
    metadata: {{name: 'shop-{{{{env}}}}'}}
    spec:
      project: default
      destination: {{server: 'https://kubernetes.default.svc', namespace: 'shop-{{{{env}}}}'}}
      sourceHydrator:
        drySource:
          repoURL: {URL}
          path: apps/shop
          targetRevision: HEAD
          helm: {{valueFiles: ['{{{{env}}}}.yaml']}}
        syncSource: {{targetBranch: 'environments/{{{{env}}}}', path: PATH}}
        hydrateTo: {{targetBranch: 'environments/{{{{env}}}}-next'}}
"""
CHART = {
    "apps/shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
    "apps/shop/templates/one.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n"
    "data: {a: {{ .Values.a }}}\n",
    "apps/shop/dev.yaml": "a: text\n",
    "apps/shop/prod.yaml": "a: 1\n",
}


def test_the_dry_source_is_rendered_and_judged(validate: Validate, argosy: Argosy, git: Git) -> None:
    report = validate({"argocd/set.yaml": SET.replace("PATH", "shop"), **CHART})
    (wrong,) = (each for each in report.findings if each.severity is Severity.ERROR)
    assert (wrong.rule, wrong.path) == ("kubernetes-schema", "apps/shop/templates/one.yaml")
    assert wrong.application == "shop-prod"
    assert not report.unreached
    write_files(Path(), {"apps/shop/prod.yaml": "a: more\n"})
    assert counts(validate({})) == {"passed": 7, "failed": 0, "skipped": 0}
    assert "Application shop-dev (in-cluster/shop-dev, hydrated to environments/dev-next:shop)\n" in argosy("tree").out
    found = json.loads(argosy("tree", "--output", "json").out)
    assert [each["hydrated"] for each in found["roots"][0]["children"]] == [
        "environments/dev-next:shop",
        "environments/prod-next:shop",
    ]
    for command in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-q", "-m", "Begin")):
        git(Path(), *command)
    write_files(Path(), {"apps/shop/prod.yaml": "a: another\n"})
    changed = json.loads(argosy("diff", "--output", "json").out)["applications"]
    assert [each["application"] for each in changed] == ["shop-prod"]
    # What Argo CD would not find, it cannot hydrate.
    missing = SET.replace("PATH", "shop").replace("apps/shop", "apps/gone")
    (gone,) = (each for each in validate({"argocd/set.yaml": missing}).findings if each.rule == "path-missing")
    assert gone.line == 14


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("{targetBranch: dev, path: shop}", None),
        ("{targetBranch: dev, path: ./}", "./ is the root of the repository."),
        ("{targetBranch: dev, path: a/../..}", "a/../.. is outside the repository."),
        (
            "{targetBranch: main, path: shop}",
            "The manifests are committed to main, the branch",
        ),
        ("{targetBranch: main, path: shop, repoURL: 'https://git.example.com/team/other'}", None),
        (
            "{targetBranch: dev, path: shop}, hydrateTo: {targetBranch: dev}",
            "hydrateTo is dev, the branch",
        ),
        ("{targetBranch: next, path: other/../taken}", "one hydrates to other/../taken on next too."),
        ("{targetBranch: dev, path: taken}, hydrateTo: {targetBranch: next}", "one hydrates to taken on next too."),
    ],
)
def test_where_to_is_a_place_of_its_own(tmp_path: Path, spec: str, message: str | None) -> None:
    dry = "{repoURL: 'https://git.example.com/team/gitops', path: apps/shop, targetRevision: main}"
    this = application(f"{{sourceHydrator: {{drySource: {dry}, syncSource: {spec}}}}}")
    one = application(
        f"{{sourceHydrator: {{drySource: {dry}, syncSource: {{targetBranch: next, path: taken}}}}}}",
        name="one",
        path="one.yaml",
    )
    found = problems("hydrator-destination", this, View(tmp_path, applications=[one, this]))
    assert len(found) == (message is not None)
    assert all(each.message.startswith(message or "") for each in found)
