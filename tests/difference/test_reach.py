"""Only what a change can reach is rendered, and all of it, whatever people have read what."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from argosy import difference
from argosy.difference import Difference
from argosy.git import asked_once
from argosy.repository.model import WRITTEN_HERE, ArgocdStyle, Format
from tests.changing import commit, create, edit, git, model

TAG = "1.29.3-alpine"
SET = """\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata:
  name: more
  namespace: argocd
spec:
  generators:
    - list:
        elements:
          - {name: one, revision: main}
          - {name: two, revision: main}
  template:
    metadata:
      name: "{{name}}"
    spec:
      project: default
      source:
        repoURL: https://github.com/acme/gitops.git
        targetRevision: "{{revision}}"
        path: "environments/dev/{{name}}"
      destination:
        server: https://kubernetes.default.svc
        namespace: more
"""
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {}\ndata:\n  key: a\n"
PARENT = """\
{{- range .Values.children }}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: {{ .name }}
  namespace: argocd
spec:
  project: default
  source:
    repoURL: https://github.com/acme/gitops.git
    targetRevision: main
    path: {{ .path }}
  destination:
    server: https://kubernetes.default.svc
    namespace: {{ .name }}
{{- end }}
"""


def compared(root: Path) -> Difference:
    """Compare the work tree with the commit."""
    with asked_once():
        return difference.between(difference.head(root), difference.work_tree(root))


def names(found: Difference) -> set[str]:
    assert not found.faults
    return {each.application for each in found.applications}


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Return a repository of many applications of all formats."""
    made = model(tuple(f"app-{number:02}" for number in range(6)))
    mixed = tuple(
        dataclasses.replace(each, format=WRITTEN_HERE[number % 3]) for number, each in enumerate(made.applications)
    )
    bare = dataclasses.replace(
        made,
        applications=(),
        environments=tuple(dataclasses.replace(each, applications=()) for each in made.environments),
    )
    return create(tmp_path / "gitops", bare.with_applications(mixed))


def test_three_of_many(many: Path) -> None:
    edit(many, "environments/dev/app-00/values.yaml", TAG, "2")
    edit(many, "environments/dev/app-01/kustomization.yaml", TAG, "2")
    edit(many, "environments/prod/app-02/deployment.yaml", TAG, "2")
    found = compared(many)
    assert names(found) == {"app-00-dev", "app-01-dev", "app-02-prod"}
    assert found.rendered == 3


def test_files_of_an_application_reach_all_its_environments(many: Path) -> None:
    edit(many, "applications/app-00/charts/app-00/values.yaml", "revisionHistoryLimit: 3", "revisionHistoryLimit: 4")
    found = compared(many)
    assert (names(found), found.rendered) == ({"app-00-dev", "app-00-prod"}, 2)


def test_files_of_an_environment_reach_what_runs_in_it(many: Path) -> None:
    path = many / "environments/dev/values.yaml"
    path.write_text(path.read_text() + "\npriorityClassName: high\n")
    found = compared(many)
    assert names(found) == {f"app-{number:02}-dev" for number in range(0, 6, 3)}
    assert found.rendered == 6


def test_what_nothing_is_rendered_from_reaches_nothing(many: Path) -> None:
    for path in ("README.md", "CODEOWNERS", ".github/workflows/x.yaml", ".argosy.yaml", "argocd/x.md"):
        (many / path).parent.mkdir(parents=True, exist_ok=True)
        (many / path).write_text("# More\n")
    found = compared(many)
    assert (names(found), found.rendered) == (set(), 0)


def test_a_folder_that_is_not_of_the_layout_reaches_everything(many: Path) -> None:
    (many / "common").mkdir()
    (many / "common/values.yaml").write_text("a: b\n")
    assert compared(many).rendered == 12


def test_nothing_changed(many: Path) -> None:
    assert compared(many) == Difference()


def test_a_file_at_the_root_reaches_what_names_it(tmp_path: Path) -> None:
    root = create(tmp_path / "gitops", model(("shop", "web"), form=Format.HELM))
    own = "        - /environments/dev/web/values.yaml\n"
    edit(root, "argocd/dev/web.yaml", own, f"        - /all.yaml\n{own}")
    commit(root, {"all.yaml": "priorityClassName: low\n"})
    edit(root, "all.yaml", "low", "high")
    found = compared(root)
    assert (names(found), found.rendered) == ({"web-dev"}, 1)


def test_values_that_an_edited_application_set_reads_from_a_shared_folder(tmp_path: Path) -> None:
    root = create(tmp_path / "gitops", model(("shop", "web"), form=Format.HELM, argocd=ArgocdStyle.APPLICATIONSET))
    own = "            - /{{ .app.path.path }}/values.yaml\n"
    shared = "            - /environments/{{ .env.path.basename }}/common/values.yaml\n"
    edit(root, "argocd/applicationset.yaml", own, shared + own)
    paths = [f"environments/{environment}/common/values.yaml" for environment in ("dev", "prod")]
    commit(root, dict.fromkeys(paths, "priorityClassName: low\n"))
    edit(root, paths[0], "low", "high")
    found = compared(root)
    assert (names(found), found.rendered) == ({"shop-dev", "web-dev"}, 2)
    git(root, "checkout", "--quiet", ".")
    edit(root, "environments/prod/web/values.yaml", TAG, "2")
    found = compared(root)
    assert (names(found), found.rendered) == ({"web-prod"}, 1)


def test_an_application_set_with_a_list(tmp_path: Path) -> None:
    root = create(tmp_path / "gitops", model())
    folders = {f"environments/dev/{name}/config.yaml": CONFIG_MAP.format(name) for name in ("one", "two")}
    settings = {f"applications/{name}/application.yaml": "format: manifests\nteam: ''\n" for name in ("one", "two")}
    commit(root, {**folders, **settings, "argocd/more.yaml": SET})
    edit(root, "environments/dev/one/config.yaml", "key: a", "key: b")
    found = compared(root)
    assert (names(found), found.rendered) == ({"one"}, 1)
    git(root, "checkout", "--quiet", ".")
    edit(root, "argocd/more.yaml", "{name: two, revision: main}", "{name: two, revision: other}")
    found = compared(root)
    assert names(found) == {"root", "two"}
    git(root, "checkout", "--quiet", ".")
    edit(root, "argocd/more.yaml", "          - {name: two, revision: main}\n", "")
    found = compared(root)
    (change,) = found.of(difference.Status.VANISHES)
    assert [str(each.identity) for each in change.resources] == ["Application/two", "ConfigMap/two"]


def test_applications_that_a_chart_makes(tmp_path: Path) -> None:
    root = create(tmp_path / "gitops", model(("parent", "web"), form=Format.HELM))
    chart = "applications/parent/charts/parent"
    children = "children:\n  - {name: child, path: environments/dev/child}\n"
    commit(
        root,
        {
            f"{chart}/templates/children.yaml": PARENT,
            f"{chart}/values.schema.json": None,
            f"{chart}/values.yaml": (root / chart / "values.yaml").read_text() + children,
            "environments/dev/child/config.yaml": CONFIG_MAP.format("child"),
            "applications/child/application.yaml": "format: manifests\nteam: ''\n",
        },
    )
    edit(root, "environments/dev/child/config.yaml", "key: a", "key: b")
    assert names(compared(root)) == {"child"}
    git(root, "checkout", "--quiet", ".")
    edit(root, f"{chart}/values.yaml", "path: environments/dev/child", "path: environments/dev/web")
    (change,) = compared(root).applications
    assert change.application == "child"
    # Nothing of the folder that it was made from has changed.
    assert [str(each.identity) for each in change.resources] == ["Application/child", "ConfigMap/child"]


def test_an_overlay_of_the_overlay_of_an_overlay(tmp_path: Path) -> None:
    root = create(tmp_path / "gitops", model(("a", "b", "c", "d"), form=Format.KUSTOMIZE))
    for name, other in (("b", "a"), ("c", "b")):
        path = f"environments/prod/{name}/kustomization.yaml"
        edit(
            root,
            path,
            "resources:\n",
            f"resources:\n  - ../../dev/{other}\n" if other == "a" else f"resources:\n  - ../{other}\n",
        )
    commit(root)
    edit(root, "environments/dev/a/kustomization.yaml", TAG, "2")
    found = compared(root)
    assert (names(found), found.rendered) == ({"a-dev", "b-prod", "c-prod"}, 3)


def test_a_chart_of_another_application(tmp_path: Path) -> None:
    root = create(tmp_path / "gitops", model(("library", "shop", "web"), form=Format.HELM))
    dependency = (
        "dependencies:\n  - {name: library, version: 0.1.0, repository: file://../../../library/charts/library}\n"
    )
    chart = root / "applications/web/charts/web"
    (chart / "Chart.yaml").write_text((chart / "Chart.yaml").read_text() + dependency)
    (chart / "charts").mkdir()
    (chart / "charts/library").symlink_to("../../../../library/charts/library")
    (chart / "values.schema.json").unlink()
    commit(root)
    edit(root, "applications/library/charts/library/values.yaml", "revisionHistoryLimit: 3", "revisionHistoryLimit: 4")
    found = compared(root)
    assert names(found) == {"library-dev", "library-prod", "web-dev", "web-prod"}
    assert found.rendered == 4


def test_what_cannot_be_built_speaks_of_paths_in_the_repository(tmp_path: Path) -> None:
    root = create(tmp_path / "gitops", model())
    edit(root, "argocd/dev/web.yaml", "path: environments/dev/web", "path: .\n    kustomize: {namePrefix: a-}")
    commit(root)
    edit(root, "argocd/dev/web.yaml", "a-", "b-")
    faults = {each.message for each in compared(root).faults}
    assert faults == {".: This folder contains no kustomization."}
