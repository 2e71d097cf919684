"""The version of Argo CD is found wherever a repository pins it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from argosy.argocd import installed, versions
from argosy.argocd.inventory import take
from tests.argocd.test_settings import CHART, application
from tests.validating import Validate, write_files

OWN = "argocd/install/kustomization.yaml"
RAW = "https://raw.githubusercontent.com/argoproj/argo-cd"
NOTED = "resources:\n  - install.yaml # "
WORKLOAD = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: argocd-server\n"
    "  labels: {app.kubernetes.io/part-of: argocd}\nspec:\n  template:\n    spec:\n      containers:\n"
    "        - name: server\n          image: quay.io/argoproj/argocd:v3.3.2\n"
)
UMBRELLA = "apiVersion: v2\nname: argocd\nversion: 1.0.0\ndependencies:\n  - {name: argo-cd, version: 8.2.7}\n"
SET = (
    "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: argocd}\n"
    f"spec: {{generators: [], template: {{spec: {{source: {json.dumps(CHART)}}}}}}}\n"
)
PLACES: Mapping[str, tuple[Mapping[str, str], str, str]] = {
    "manifests": ({OWN: f"resources:\n- ns.yaml\n- {RAW}/v3.4.1/manifests/ha/install.yaml\n"}, "3.4.1", f"{OWN}:3"),
    "a base of Git": (
        {"cd/kustomization.yaml": "resources: ['https://github.com/argoproj/argo-cd//manifests?ref=v3.4.7']\n"},
        "3.4.7",
        "cd/kustomization.yaml:1",
    ),
    "a release's asset": (
        {OWN: "resources:\n- https://github.com/argoproj/argo-cd/releases/download/v3.5.0-rc1/install.yaml\n"},
        "3.5.0",
        f"{OWN}:2",
    ),
    "a copy": ({OWN: f"{NOTED}{RAW}/v3.0.5/manifests/install.yaml\n"}, "3.0.5", f"{OWN}:2"),
    "an image": (
        {"cd/kustomization.yaml": "images:\n- name: quay.io/argoproj/argocd\n  newTag: v3.1.4\n"},
        "3.1.4",
        "cd/kustomization.yaml:3",
    ),
    "an image in a workload": ({"cd/install.yaml": WORKLOAD}, "3.3.2", "cd/install.yaml:11"),
    "a chart of an Application": ({"cd.yaml": application(CHART)}, "3.2", "cd.yaml:7"),
    "a chart of an ApplicationSet": ({"cd.yaml": SET}, "3.2", "cd.yaml:4"),
    "a chart in a chart": ({"cd/Chart.yaml": UMBRELLA}, "3.0", "cd/Chart.yaml:5"),
    "a chart's copy": (
        {"cd/Chart.yaml": "apiVersion: v2\nname: argo-cd\nversion: 99.0.0\nappVersion: v3.5.1\n"},
        "3.5.1",
        "cd/Chart.yaml:4",
    ),
    "a chart of Kustomize": (
        {"cd/kustomization.yaml": "helmCharts:\n- name: argo-cd\n  version: 7.8.0\n"},
        "2.14",
        "cd/kustomization.yaml:3",
    ),
    "argocd-operator": (
        {"cd.yaml": "apiVersion: argoproj.io/v1beta1\nkind: ArgoCD\nmetadata: {name: a}\nspec: {version: v2.14.3}\n"},
        "2.14.3",
        "cd.yaml:4",
    ),
    "said": ({".argosy.yaml": "argocdVersion: '3.5'\n", "cd/install.yaml": WORKLOAD}, "3.5", ".argosy.yaml:1"),
    "its own place": ({OWN: f"resources: ['{RAW}/v3.6.0/x']\n", "cd/install.yaml": WORKLOAD}, "3.6.0", f"{OWN}:1"),
}


@pytest.mark.parametrize("place", PLACES)
def test_which_argo_cd_a_repository_installs(tmp_path: Path, place: str) -> None:
    files, version, where = PLACES[place]
    write_files(tmp_path, files)
    (found,) = installed.find(take(tmp_path))
    assert (installed.of([found]), str(found)) == (version, where)


@pytest.mark.parametrize(
    "files",
    [
        {OWN: f"resources: ['{RAW}/stable/manifests/install.yaml', install.yaml]\n"},
        {"cd.yaml": application({**CHART, "targetRevision": "9.*"})},
        {"cd.yaml": application({**CHART, "targetRevision": "999.0.0"})},
        {"cd.yaml": application({**CHART, "chart": "argo-workflows"})},
        {"cli.yaml": WORKLOAD.replace("part-of: argocd", "part-of: shop")},
        {OWN: f"resources: [{'argoproj/argo-cd/' * 20_000}]\n"},
        {OWN: "images: [3, {name: 4}]\nresources: {}\nhelmCharts: [argo-cd]\n", ".argosy.yaml": "argocdVersion: [3]\n"},
    ],
)
def test_what_says_no_version_of_argo_cd_says_none(tmp_path: Path, files: Mapping[str, str]) -> None:
    write_files(tmp_path, files)
    assert installed.find(take(tmp_path)) == []


def test_several_places_agree_or_say_nothing(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.yaml": application({**CHART, "targetRevision": "9.5.1"}), "b.yaml": WORKLOAD})
    assert installed.of(installed.find(take(tmp_path))) == "3.3.2"
    write_files(tmp_path, {"c.yaml": WORKLOAD.replace("3.3.2", "3.3.1")})
    assert installed.of(installed.find(take(tmp_path))) == "3.3"
    write_files(tmp_path, {"d.yaml": WORKLOAD.replace("3.3.2", "3.4.1")})
    assert installed.of(installed.find(take(tmp_path))) == ""


def test_a_version_that_is_none_is_refused(validate: Validate) -> None:
    (found,) = validate({".argosy.yaml": "argocdVersion: newest\n"}).findings
    assert (found.rule, found.line) == ("file-schema", 1)
    assert 'a version in quotes, such as "3.5" or "3.5.1"' in found.message


def test_the_charts_of_a_version_are_after_those_of_the_one_before() -> None:
    ranges = [each.charts for each in versions.known().values() if each.charts]
    flat = [versions.numbers(each) for pair in ranges for each in pair]
    assert flat == sorted(flat)
    assert all(
        versions.of_chart(last) is each for each in versions.known().values() if each.charts for last in each.charts
    )


@pytest.mark.parametrize("number", ["9" * 5000, "1." * 5000])
def test_a_number_without_end_is_no_version(tmp_path: Path, number: str) -> None:
    write_files(
        tmp_path,
        {
            OWN: f"resources: ['{RAW}/v1.{number}.1/manifests/install.yaml', '{'argoproj/argo-cd/' * 4000}']\n",
            "cd.yaml": application({**CHART, "targetRevision": f"9.{number}.1"}),
            "b.yaml": WORKLOAD.replace("3.3.2", f"3.{number}.2"),
            ".argosy.yaml": f"argocdVersion: '3.{number}'\n",
        },
    )
    found = installed.find(take(tmp_path))
    assert {each.version for each in found} <= {"1.1.1"}
    assert versions.numbers(f"3.{number}") == ()
