"""What Argo CD reads of repositories of many shapes, each small enough to be counted by hand."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from argosy.findings import Report, Severity
from argosy.validation import pipeline
from tests.conftest import Git
from tests.validating import Validate, rules_of, write_files

URL = "https://git.example.com/acme/gitops.git"
BAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: BAD}\n"
"""A manifest with an error: whoever judges it finds that."""
TEMPLATE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Values.name }}}\n"


def application(name: str, path: str = "apps", more: str = "", namespace: str = "shop") -> str:
    """Return an Application of one source, with more of it in YAML's flow style."""
    return (
        f"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: {name}, namespace: argocd}}\n"
        f"spec:\n  project: default\n  source: {{repoURL: '{URL}', targetRevision: HEAD, path: {path}{more}}}\n"
        f"  destination: {{server: 'https://kubernetes.default.svc', namespace: {namespace}}}\n"
    )


def application_set(name: str, generators: str, path: str) -> str:
    """Return an ApplicationSet."""
    return (
        f"apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {{name: {name}, namespace: argocd}}\n"
        f"spec:\n  generators: {generators}\n  template:\n    metadata: {{name: '{name}-{{{{env}}}}'}}\n"
        f"    spec:\n      project: default\n      source: {{repoURL: '{URL}', targetRevision: HEAD, path: '{path}'}}\n"
        "      destination: {server: 'https://kubernetes.default.svc', namespace: shop}\n"
    )


def config_map(name: str, data: str = "{}") -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {data}\n"


def chart(folder: str, template: str) -> dict[str, str]:
    """Return a chart that renders one manifest."""
    return {
        f"{folder}/Chart.yaml": f"apiVersion: v2\nname: {folder.rpartition('/')[2]}\nversion: 1.0.0\n",
        f"{folder}/templates/one.yaml": template,
    }


RECURSING = ", directory: {recurse: true}"
DIRECTORY = {"root.yaml": application("shop"), "apps/bad.yaml": BAD}
OVERLAY = {
    "root.yaml": application("shop"),
    "apps/kustomization.yaml": "resources: [../base]\nlabels: [{pairs: {a: b}}]\n",
}
BASE = {"base/kustomization.yaml": "resources: [one.yaml]\n", "base/one.yaml": config_map("one")}
UNFINISHED = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: one}\nspec: {template: {spec: {containers: []}}}\n"
)
FINISHING = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: one}\nspec:\n  selector: {matchLabels: {app: one}}\n"
    "  template:\n    metadata: {labels: {app: one}}\n"
    "    spec: {containers: [{name: one, image: 'nginx:1.29.3'}]}\n"
)
GENERATED = f"[{{git: {{repoURL: '{URL}', revision: HEAD, directories: [{{path: 'apps/*'}}]}}}}]"
OF_CLUSTERS = "[{clusters: {}}]"
APP_OF_APPS = application("{{ .Values.name }}", "apps").replace("'", '"')

SHAPES: Mapping[str, tuple[Mapping[str, str], int, Mapping[str, str], set[str]]] = {
    # files, Applications, what is not reached and why, where the error is that is found
    "a directory": (DIRECTORY | {"notes/bad.yaml": BAD}, 1, {"notes/bad.yaml": "reads it"}, {"apps/bad.yaml"}),
    "a directory's folders": (
        DIRECTORY | {"apps/below/bad.yaml": BAD}, 1, {"apps/below/bad.yaml": "reads it"}, {"apps/bad.yaml"},
    ),
    "a directory with its folders": (
        {"root.yaml": application("shop", more=RECURSING), "apps/below/bad.yaml": BAD}, 1, {}, {"apps/below/bad.yaml"},
    ),
    "a directory without some files": (
        {"root.yaml": application("shop", more=", directory: {exclude: 'b*'}"), "apps/bad.yaml": BAD,
         "apps/one.yaml": config_map("one")},
        1, {"apps/bad.yaml": "reads it"}, set(),
    ),
    "a template in a directory": (DIRECTORY | {"apps/bad.yaml": TEMPLATE}, 1, {}, {"apps/bad.yaml"}),
    "a template elsewhere": (
        OVERLAY | BASE | {"fixtures/t.yaml": TEMPLATE}, 1, {"fixtures/t.yaml": "reads it"}, set(),
    ),
    "an overlay, its base, and a patch that nothing names": (
        OVERLAY | BASE | {"base/patch.yaml": UNFINISHED, "base/bad.yaml": BAD},
        1, {"base/patch.yaml": "reads it", "base/bad.yaml": "reads it"}, set(),
    ),
    "a base that is whole when it is built": (
        OVERLAY | {
            "apps/kustomization.yaml": "resources: [../base]\npatches: [{path: p.yaml}]\n",
            "apps/p.yaml": FINISHING,
            "base/kustomization.yaml": "resources: [one.yaml]\n", "base/one.yaml": UNFINISHED,
        },
        1, {}, set(),
    ),
    "an error in a base": (OVERLAY | BASE | {"base/one.yaml": BAD}, 1, {}, {"base/one.yaml"}),
    "an overlay beside the one that is built": (
        OVERLAY | BASE | {"prod/kustomization.yaml": "resources: [../base, gone.yaml]\n"},
        1, {"prod/kustomization.yaml": "builds the kustomization"}, set(),
    ),
    "an overlay of Applications": (
        {"boot/kustomization.yaml": "resources: [apps]\n", "boot/apps/kustomization.yaml": "resources: [shop.yaml]\n",
         "boot/apps/shop.yaml": application("shop"), "apps/bad.yaml": BAD, "x/kustomization.yaml": "resources: [no]\n"},
        1, {"x/kustomization.yaml": "builds the kustomization"}, {"apps/bad.yaml"},
    ),
    "a chart, its values, and a chart that only depends": (
        {"root.yaml": application("shop", "chart", ", helm: {valueFiles: [/v/dev.yaml]}"),
         **chart("chart", TEMPLATE), "v/dev.yaml": "name: one\n", "v/prod.yaml": "name: ONE\n",
         **chart("idle", TEMPLATE)},
        1,
        {"v/prod.yaml": "reads it", "idle/Chart.yaml": "renders the chart",
         "idle/templates/one.yaml": "renders the chart"},
        set(),
    ),
    "a chart with another one": (
        {"root.yaml": application("shop", "chart"), **chart("chart", BAD), **chart("lib", "{{/* */}}"),
         "chart/Chart.yaml": "apiVersion: v2\nname: chart\nversion: 1.0.0\n"
         "dependencies: [{name: lib, version: 1.0.0, repository: 'file://../lib'}]\n"},
        1, {}, {"chart/templates/one.yaml"},
    ),
    "a chart of Applications": (
        {**chart("boot", APP_OF_APPS), "boot/values.yaml": "name: shop\n", "apps/bad.yaml": BAD},
        1, {}, {"apps/bad.yaml"},
    ),
    "Applications of Applications": (
        {"root.yaml": application("root", "one"), "one/two.yaml": application("two", "two"),
         "two/three.yaml": application("three"), "apps/bad.yaml": BAD, "four/bad.yaml": BAD},
        3, {"four/bad.yaml": "reads it"}, {"apps/bad.yaml"},
    ),
    "an Application that applies itself": (
        {"boot/root.yaml": application("root", "boot"), "boot/shop.yaml": application("shop"), "apps/bad.yaml": BAD},
        2, {}, {"apps/bad.yaml"},
    ),
    "Applications in a circle": (
        {"a/one.yaml": application("one", "b"), "b/two.yaml": application("two", "a"), "c/bad.yaml": BAD},
        2, {"c/bad.yaml": "reads it"}, set(),
    ),
    "an ApplicationSet of folders": (
        {"set.yaml": application_set("shop", GENERATED, "{{path}}").replace("{{env}}", "{{path.basename}}"),
         "apps/dev/one.yaml": config_map("one"), "apps/prod/bad.yaml": BAD, "old/bad.yaml": BAD},
        2, {"old/bad.yaml": "reads it"}, {"apps/prod/bad.yaml"},
    ),
    "an ApplicationSet of files": (
        {"set.yaml": application_set("shop", GENERATED.replace("directories: [{path: 'apps/*'}]",
                                                               "files: [{path: 'envs/*.json'}]"), "apps/{{env}}"),
         "envs/dev.json": '{"env": "dev"}', "apps/dev/bad.yaml": BAD, "envs/README.yaml": "just: data\n"},
        1, {"envs/README.yaml": "reads it"}, {"apps/dev/bad.yaml"},
    ),
    "an ApplicationSet of clusters that are not known here": (
        {"set.yaml": application_set("shop", OF_CLUSTERS, "apps/{{name}}"), "apps/dev/bad.yaml": BAD,
         "apps/prod/kustomization.yaml": "resources: [one.yaml]\n", "apps/prod/one.yaml": config_map("one"),
         **chart("apps/qa", TEMPLATE), "old/bad.yaml": BAD},
        0,
        {"old/bad.yaml": "reads it", "apps/qa/Chart.yaml": "the ApplicationSet shop may read it",
         "apps/qa/templates/one.yaml": "the ApplicationSet shop may read it"},
        {"apps/dev/bad.yaml"},
    ),
    "a broken Application": (
        {"root.yaml": application("shop").replace("project: default", 'project: "default'), "apps/bad.yaml": BAD},
        0, {"apps/bad.yaml": "reads it"}, {"root.yaml"},
    ),
    "a plugin": (
        {"root.yaml": application("shop", more=", plugin: {name: mine}"), "apps/bad.yaml": BAD}, 1, {}, set(),
    ),
    "a root that cannot be evaluated here": (
        {"root.yaml": application("root", "boot", namespace="argocd"), "boot/main.jsonnet": "[x]\n",
         "apps/bad.yaml": BAD},
        1, {}, {"boot/main.jsonnet", "apps/bad.yaml"},
    ),
    "a chart beside a root that cannot be evaluated here": (
        {"root.yaml": application("root", "boot", namespace="argocd"), "boot/main.jsonnet": "[x]\n",
         **chart("idle", BAD), "o/kustomization.yaml": "resources: [bad.yaml]\n", "o/bad.yaml": BAD},
        1, {"idle/Chart.yaml": "the Application root leads to is not known",
            "idle/templates/one.yaml": "the Application root leads to is not known"},
        {"boot/main.jsonnet", "o/bad.yaml"},
    ),
    "a root of Jsonnet": (
        {"root.yaml": application("root", "boot", namespace="argocd"), "apps/bad.yaml": BAD,
         "boot/main.jsonnet": "import '../lib/app.json'\n", "notes/bad.yaml": BAD,
         "lib/app.json": "[" + json.dumps(yaml.safe_load(application("shop"))) + "]"},
        2, {"notes/bad.yaml": "reads it"}, {"apps/bad.yaml"},
    ),
    "a root chart that cannot be rendered": (
        {"root.yaml": application("root", "boot", namespace="argocd"), **chart("boot", "{{ fail }}"),
         "apps/bad.yaml": BAD},
        1, {}, {"boot/templates/one.yaml", "apps/bad.yaml"},
    ),
    "a root of a plugin": (
        {"root.yaml": application("root", "boot", ", plugin: {name: mine}", "argocd"), "boot/x.yaml": "a: 1\n",
         "apps/bad.yaml": BAD},
        1, {}, {"apps/bad.yaml"},
    ),
    "files of tools": (
        DIRECTORY | {".pre-commit-config.yaml": "repos: 1\n", ".github/stale.yml": "daysUntilStale: 1\n"},
        1, {".github/stale.yml": "reads it"}, {"apps/bad.yaml", ".pre-commit-config.yaml"},
    ),
    "no Application": ({"a/bad.yaml": BAD, **chart("chart", BAD)}, 0, {}, {"a/bad.yaml", "chart/templates/one.yaml"}),
    "one that argosy made": (
        {".copier-answers.yml": f"repository_name: gitops\nrepo_url: {URL}\n", **DIRECTORY, "notes/bad.yaml": BAD},
        1, {}, {"apps/bad.yaml", "notes/bad.yaml"},
    ),
}  # fmt: skip


def broken(report: Report) -> set[str]:
    return {each.path for each in report.findings if each.severity is Severity.ERROR}


@pytest.mark.parametrize("shape", SHAPES)
def test_what_a_root_leads_to_is_judged_and_the_rest_is_counted(shape: str, tmp_path: Path) -> None:
    files, applications, unreached, wrong = SHAPES[shape]
    write_files(tmp_path, files)
    found = pipeline.look(tmp_path, pipeline.Options())
    report = pipeline.check(found, pipeline.Options())
    assert len(found.view.applications) == applications
    assert {each.path for each in report.unreached} == unreached.keys()
    assert all(unreached[each.path] in each.reason for each in report.unreached)
    assert broken(report) - {".copier-answers.yml"} == wrong
    # Each file is accounted for, once.
    judged = {each.path for each in report.outcomes if not each.is_rendered}
    assert judged | unreached.keys() == {each for each in files if not each.endswith(".jsonnet")}
    assert not judged & unreached.keys()


def test_what_is_not_reached_is_judged_if_asked_for(validate: Validate, tmp_path: Path) -> None:
    files = DIRECTORY | {"notes/bad.yaml": BAD, **chart("idle", BAD)}
    assert broken(validate(files)) == {"apps/bad.yaml"}
    assert broken(validate({}, unreached=True)) == {"apps/bad.yaml", "notes/bad.yaml", "idle/templates/one.yaml"}
    assert broken(validate({}, paths=[tmp_path / "notes"])) == {"notes/bad.yaml"}
    assert broken(validate({}, paths=[tmp_path / "idle"])) == {"idle/templates/one.yaml"}
    # Who names the root names no place in it.
    assert broken(validate({}, paths=[tmp_path])) == {"apps/bad.yaml"}


def test_a_leak_is_found_wherever_it_is(validate: Validate) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: one}\ndata: {password: TOKEN}\n"
    example = secret.replace("TOKEN", "c3VwZXJzZWNyZXQ=")
    secret = secret.replace("TOKEN", base64.b64encode(b"ghp_" + b"a1B2" * 9).decode())
    key = "key: AKIAIOSFODNN7RANDOMS\ntoken: ghp_" + "a1B2" * 9 + "\n"
    files = DIRECTORY | {
        "notes/secret.yaml": secret,
        "notes/token.yaml": key,
        "notes/example.yaml": example,
        **chart("idle", secret),
    }
    assert broken(validate(files)) == {"apps/bad.yaml", "notes/secret.yaml", "notes/token.yaml"}
    files["notes/secret.yaml"] = secret[:-1] + "  # argosy: ignore[secret-in-git] a sandbox\n"
    assert broken(validate(files)) == {"apps/bad.yaml", "notes/token.yaml"}


CLUSTERS = {
    f"{cluster}/{file}": text.replace("CLUSTER", cluster)
    for cluster in ("one", "two")
    for file, text in {
        "root.yaml": application("root", "CLUSTER/apps"),
        "project.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: team}\nspec:\n"
        f"  sourceRepos: ['{URL}']\n  destinations: [{{namespace: CLUSTER, name: in-cluster}}]\n",
        "apps/shop.yaml": application("shop", "CLUSTER/shop", namespace="CLUSTER").replace("default", "team", 1),
        "shop/one.yaml": config_map("one"),
        "shop/tools.yaml": config_map("two").replace("}", ", namespace: kube-system}", 1),
    }.items()
}
"""A root for each of two clusters, with an Argo CD each."""


class TestRoots:
    def test_each_argo_cd_has_names_resources_and_projects_of_its_own(self, validate: Validate) -> None:
        report = validate(CLUSTERS)
        found = {each.rule for each in report.findings if each.severity is Severity.ERROR}
        # A project of one cluster says nothing of the other's Applications: each refuses its own alone.
        assert found == {"project-denies-destination"}
        places = {place.path for each in report.findings if each.rule in found for place in each.places}
        assert places == {"one/apps/shop.yaml", "two/apps/shop.yaml"}

    def test_a_written_project_default_says_nothing_of_another_argo_cd(self, validate: Validate) -> None:
        default = (
            "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: default}\nspec: {sourceRepos: []}\n"
        )
        both = {f"{each}/root.yaml": application("root", f"{each}/apps") for each in ("one", "two")}
        apps = {f"{each}/apps/one.yaml": config_map("one") for each in ("one", "two")}
        found = validate({**both, **apps, "one/projects/default.yaml": default}).findings
        assert {each.path for each in found if each.rule == "project-denies-source"} == {"one/root.yaml"}

    def test_a_chart_that_an_application_gives_unknown_values_is_not_judged_with_its_defaults(
        self, validate: Validate
    ) -> None:
        bad = application("shop").replace("https://kubernetes.default.svc", "")
        inner = chart("apps/inner", bad)
        assert broken(validate(inner)) == {"apps/inner/templates/one.yaml"}
        report = validate(
            inner | {"set.yaml": application_set("all", OF_CLUSTERS, "apps/inner', helm: {values: '{{env}}'}, ref: '")}
        )
        assert broken(report) == set()
        assert "apps/inner/Chart.yaml" in {each.path for each in report.unreached}

    def test_what_one_of_them_leads_to_is_compared(self, validate: Validate) -> None:
        again = {
            "one/apps/again.yaml": application("shop", "one/shop"),
            "one/apps/other.yaml": application("other", "one/shop", namespace="one"),
        }
        twice = [each for each in validate(CLUSTERS | again).findings if each.rule.endswith("-twice")]
        assert {each.path.split("/")[0] for each in twice} == {"one"}
        assert {each.rule for each in twice} == {"application-name-twice", "resource-twice"}

    def test_a_shared_folder_belongs_to_both(self, validate: Validate) -> None:
        files = {
            "one/root.yaml": application("root", "shared"),
            "two/root.yaml": application("root", "shared"),
            "shared/shop.yaml": application("shop"),
            "shared/again.yaml": application("shop"),
            "apps/one.yaml": config_map("one"),
        }
        found = [each for each in validate(files).findings if each.rule == "application-name-twice"]
        assert len(found) == 1

    def test_roots_that_are_named_are_the_only_ones(self, validate: Validate) -> None:
        files = {
            ".argosy.yaml": "roots: [boot, ns/plain.yaml, gone]\n",
            "boot/root.yaml": application("root", "apps"),
            "boot/namespace.yaml": BAD,
            "ns/plain.yaml": BAD,
            "apps/shop.yaml": application("shop", "shop"),
            "shop/one.yaml": config_map("one"),
            "fixtures/app.yaml": application("fixture", "fixtures/shop"),
            "fixtures/shop/bad.yaml": BAD,
            "notes/bad.yaml": BAD,
        }
        report = validate(files)
        assert broken(report) == {".argosy.yaml", "boot/namespace.yaml", "ns/plain.yaml", "fixtures/shop/bad.yaml"}
        assert [each.message for each in report.findings if each.path == ".argosy.yaml"] == [
            "“gone” is no root: no YAML or JSON file is there."
        ]
        assert report.unrooted == ("fixtures/app.yaml",)
        assert [each.path for each in report.unreached] == ["notes/bad.yaml"]


def test_a_repository_is_known_by_its_urls_and_not_by_a_path_of_this_machine(
    validate: Validate, git: Git, tmp_path: Path
) -> None:
    git(tmp_path, "init", "--quiet")
    remote = tmp_path / ".git" / "config"
    before = remote.read_text()

    def is_foreign(url: str, files: Mapping[str, str]) -> bool:
        remote.write_text(f'{before}[remote "origin"]\n\turl = {url}\n')
        return "repository-foreign" in rules_of(validate({**DIRECTORY, **files}))

    assert not is_foreign("ssh://git@GIT.example.com/acme/gitops", {})
    assert not is_foreign("/srv/mirrors/gitops.git", {})
    assert is_foreign("https://mirror.example.com/acme/gitops.git", {})
    equals = {".argosy.yaml": f"repoURLs: ['{URL}']\n"}
    assert not is_foreign("https://mirror.example.com/acme/gitops.git", equals)
