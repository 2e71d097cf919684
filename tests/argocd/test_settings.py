"""Argo CD's own settings are found wherever a repository has them, and count as they do for Argo CD."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from argosy.argocd import settings
from argosy.argocd.inventory import take
from argosy.argocd.settings import Settings
from argosy.argocd.view import View
from argosy.findings import Report, Severity
from tests.validating import Validate, write_files

URL = "https://git.example.com/acme/gitops.git"
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME, namespace: argocd}\n"
APPLICATION = (
    "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: NAME, namespace: argocd}\nspec:\n"
    "  project: PROJECT\n  destination: {server: https://kubernetes.default.svc, namespace: shop}\n  source: SOURCE\n"
)
CHART = {"repoURL": "https://argoproj.github.io/argo-helm", "chart": "argo-cd", "targetRevision": "9.1.0"}
OUTSIDE = {
    "base/pod.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\n",
    "overlay/kustomization.yaml": "resources: [../base/pod.yaml]\n",
}
"""A build that reads a file outside of its folder, which Kustomize refuses unless it is told not to."""


def application(source: Mapping[str, object], name: str = "argocd", project: str = "default") -> str:
    """Return an Application with a source."""
    filled = APPLICATION.replace("NAME", name).replace("PROJECT", project)
    return filled.replace("SOURCE", json.dumps({"repoURL": URL, "targetRevision": "main", **source}))


def places(key: str, value: str) -> Mapping[str, Mapping[str, str]]:
    """Return repositories that have a setting of Argo CD, each in another place."""
    data = json.dumps({key: value})
    patch = CONFIG_MAP.replace("NAME", "argocd-cm") + f"data: {data}\n"
    inline = json.dumps({"patch": patch})
    operation = json.dumps([{"op": "add", "path": f"/data/{key}", "value": value}])
    target = "target: {kind: ConfigMap, name: argocd-cm}"
    remote = "resources: ['https://example.com/argo-cd?ref=v3.5.1']\n"
    values = f"configs: {{cm: {data}}}\n"
    path = f"configs.cm.{key.replace('.', chr(92) + '.')}"
    umbrella = "apiVersion: v2\nname: argocd\nversion: 1.0.0\ndependencies:\n  - {name: argo-cd, version: 9.1.0, "
    operator = (
        f"apiVersion: argoproj.io/v1beta1\nkind: ArgoCD\nmetadata: {{name: argocd}}\nspec: {{extraConfig: {data}}}\n"
    )
    return {
        "manifest": {"argocd/cm.yaml": patch},
        "what the operator is told": {"argocd/argocd.yaml": operator},
        "patch": {"argocd/kustomization.yaml": f"{remote}patches: [{{path: cm.yaml}}]\n", "argocd/cm.yaml": patch},
        "patch in a kustomization": {"argocd/kustomization.yaml": f"{remote}patches: [{inline}]\n"},
        "merge in a kustomization": {
            "argocd/kustomization.yaml": f"{remote}patchesStrategicMerge: [{json.dumps(patch)}]\n"
        },
        "JSON patch": {
            "argocd/kustomization.yaml": f"{remote}patches: [{{path: cm.json, {target}}}]\n",
            "argocd/cm.json": operation,
        },
        "JSON patch in a kustomization": {
            "argocd/kustomization.yaml": f"{remote}patches: [{{patch: {json.dumps(operation)}, {target}}}]\n"
        },
        "chart of a kustomization": {
            "argocd/kustomization.yaml": "helmCharts: [{name: argo-cd, version: 9.1.0, valuesFile: values.yaml, "
            "repo: 'https://argoproj.github.io/argo-helm'}]\n",
            "argocd/values.yaml": values,
        },
        "generator": {
            "argocd/kustomization.yaml": f"{remote}configMapGenerator:\n  - name: argocd-cm\n    behavior: merge\n"
            f"    literals: [{json.dumps(f'{key}={value}')}]\n"
        },
        "files of a generator": {
            "argocd/kustomization.yaml": f"{remote}configMapGenerator:\n  - name: argocd-cm\n    behavior: merge\n"
            f"    files: ['{key}=option.txt', missing.txt, ../../outside.txt]\n",
            "argocd/option.txt": value,
        },
        "file of its key's name": {
            "argocd/kustomization.yaml": f"{remote}configMapGenerator: [{{name: argocd-cm, files: [in/{key}]}}]\n",
            f"argocd/in/{key}": value,
        },
        "lines of a generator": {
            "argocd/kustomization.yaml": f"{remote}configMapGenerator: [{{name: argocd-cm, envs: [a.env]}}]\n",
            "argocd/a.env": f"# {key}=no\n\n  {key}={value}\n",
        },
        "values of the chart": {
            "argocd.yaml": application({**CHART, "helm": {"valuesObject": {"configs": {"cm": {key: value}}}}})
        },
        "values as text": {"argocd.yaml": application({**CHART, "helm": {"values": values}})},
        "parameter": {"argocd.yaml": application({**CHART, "helm": {"parameters": [{"name": path, "value": value}]}})},
        "values file": {
            "argocd.yaml": application({"path": "argocd", "helm": {"valueFiles": ["/values.yaml"]}}),
            "argocd/Chart.yaml": f"{umbrella}alias: cd, repository: 'https://argoproj.github.io/argo-helm'}}\n",
            "values.yaml": f"cd: {{{values.strip()}}}\n",
        },
        "values of a chart around it": {
            "argocd.yaml": application({"path": "argocd"}),
            "argocd/Chart.yaml": f"{umbrella}repository: 'https://argoproj.github.io/argo-helm'}}\n",
            "argocd/values.yaml": f"argo-cd: {{{values.strip()}}}\n",
        },
    }


def errors(report: Report) -> set[str]:
    """Return the rules of the errors."""
    return {each.rule for each in report.findings if each.severity is Severity.ERROR}


@pytest.mark.parametrize("place", places("", ""))
def test_a_setting_is_found_wherever_it_is(tmp_path: Path, place: str) -> None:
    write_files(tmp_path, places("kustomize.buildOptions", "--enable-helm")[place])
    inventory = take(tmp_path)
    found = settings.of(inventory, View(root=tmp_path, documents=inventory.manifests))
    assert (found.values("kustomize.buildOptions"), found.build_options("")) == (["--enable-helm"], ["--enable-helm"])


def test_options_of_builds_have_a_field_of_their_own_for_the_operator(tmp_path: Path) -> None:
    spec = "spec: {kustomizeBuildOptions: --enable-helm}\n"
    write_files(
        tmp_path, {"argocd.yaml": f"apiVersion: argoproj.io/v1beta1\nkind: ArgoCD\nmetadata: {{name: argocd}}\n{spec}"}
    )
    inventory = take(tmp_path)
    found = settings.of(inventory, View(root=tmp_path, documents=inventory.manifests))
    assert found.build_options("") == ["--enable-helm"]


def test_with_its_options_a_build_reads_more_but_nothing_outside_of_the_repository(
    validate: Validate, tmp_path: Path
) -> None:
    assert "kustomize-build" in errors(validate(OUTSIDE))
    option = places("kustomize.buildOptions", "--load-restrictor LoadRestrictionsNone")
    assert "kustomize-build" not in errors(validate(option["values as text"]))
    (tmp_path.parent / "secret.yaml").write_text(CONFIG_MAP.replace("NAME", "secret"))
    free = places("kustomize.buildOptions", "--load-restrictor=LoadRestrictionsNone")["manifest"]
    found = validate({**free, "overlay/kustomization.yaml": "resources: [../../secret.yaml]\n"}, unreached=True)
    assert "kustomize-build" in errors(found)


CHART_OF_OWN = {
    "cd/Chart.yaml": "apiVersion: v2\nname: cd\nversion: 1.0.0\n",
    "cd/values.yaml": "settings: {}\n",
    "cd/templates/cm.yaml": CONFIG_MAP.replace("NAME", "argocd-cm") + "data: {{ toJson .Values.settings }}\n",
}
"""A chart that makes argocd-cm of values which nothing else knows of."""


def test_what_a_chart_makes_counts_like_what_is_written(validate: Validate) -> None:
    files = {
        **OUTSIDE,
        **CHART_OF_OWN,
        "shop.yaml": application({"path": "overlay"}, "shop"),
        "values.yaml": application({"path": "shop", "helm": {"valueFiles": ["secrets://v.yaml"]}}, "values"),
        "shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
    }

    def found(settings: Mapping[str, str]) -> set[str]:
        values = {"helm": {"valuesObject": {"settings": settings}}}
        return errors(validate({**files, "cd.yaml": application({"path": "cd", **values}, "cd")}))

    assert found({}) >= {"kustomize-build", "value-file-missing"}
    both = {
        "kustomize.buildOptions": "--load-restrictor LoadRestrictionsNone",
        "helm.valuesFileSchemes": "secrets",
    }
    assert not found(both)


def test_options_of_one_version_of_kustomize(validate: Validate) -> None:
    option = places("kustomize.buildOptions.v5.7.0", "--load-restrictor LoadRestrictionsNone")["manifest"]
    source = {"path": "overlay", "kustomize": {"version": "v5.7.0"}}
    assert "kustomize-build" not in errors(validate({**OUTSIDE, **option, "shop.yaml": application(source, "shop")}))
    other = {"path": "overlay", "kustomize": {"version": "v5.8.1"}}
    assert "kustomize-build" in errors(validate({"shop.yaml": application(other, "shop")}))


def test_helm_runs_for_kustomize_where_that_is_enabled(validate: Validate) -> None:
    chart = {"overlay/kustomization.yaml": "helmCharts: [{name: shop, repo: 'https://charts.example.com'}]\n"}
    assert "kustomize-build" in errors(validate(chart))
    report = validate(places("kustomize.buildOptions", "--enable-helm")["manifest"])
    assert not errors(report)
    told = str([each.reason for each in report.outcomes])
    assert (
        "the chart shop of https://charts.example.com is not here: it was not fetched (argosy fetch brings it)" in told
    )
    generator = "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: a}\n"
    files = {"overlay/a.yaml": f"{generator}name: shop\nrepo: https://charts.example.com\nvaluesFile: a.yaml\n"}
    report = validate({"overlay/kustomization.yaml": "generators: [a.yaml]\n", **files})
    assert not errors(report)
    assert "a HelmChartInflationGenerator was not rendered" in str([each.reason for each in report.outcomes])


def test_values_files_of_urls(validate: Validate) -> None:
    files = {
        "shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
        "a.yaml": application({"path": "shop", "helm": {"valueFiles": ["https://example.com/v.yaml"]}}, "a"),
        "b.yaml": application({"path": "shop", "helm": {"valueFiles": ["s3://v.yaml"]}}, "b"),
    }

    def refused(**more: str) -> set[str]:
        report = validate({**files, **more})
        assert "is not here: " in str([each.reason for each in report.outcomes])
        return {each.message for each in report.findings if each.rule == "value-file-missing"}

    why = "helm.valuesFileSchemes of argocd-cm does not permit “{}”."
    assert refused() == {f"The values file “s3://v.yaml” cannot be read: {why.format('s3')}"}
    manifest = places("helm.valuesFileSchemes", "s3, secrets+age-import")["manifest"]
    assert refused(**manifest) == {
        f"The values file “https://example.com/v.yaml” cannot be read: {why.format('https')}"
    }


def project(name: str, more: str, labels: str = "{}") -> str:
    """Return an AppProject."""
    metadata = f"{{name: {name}, namespace: argocd, labels: {labels}}}"
    return f"apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {metadata}\nspec: {more}\n"


def test_what_global_projects_permit_is_permitted(validate: Validate) -> None:
    role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: shop}\nrules: []\n"
    selector = "matchExpressions: [{key: team, operator: Exists}]"
    files = {
        "apps/role.yaml": role,
        "shop.yaml": application({"path": "apps"}, "shop", "team"),
        "team.yaml": project("team", "{sourceRepos: []}", "{team: shop}"),
        "global.yaml": project(
            "global",
            f"{{sourceRepos: ['{URL}'], destinations: [{{server: '*', namespace: '*'}}], "
            "clusterResourceWhitelist: [{group: '*', kind: ClusterRole}]}",
        ),
    }
    denied = {"project-denies-source", "project-denies-destination", "project-denies-kind"}
    assert denied <= errors(validate(files))
    setting = places("globalProjects", f"- {{labelSelector: {{{selector}}}, projectName: global}}")["manifest"]
    assert not denied & errors(validate(setting))
    other = {"team.yaml": project("team", "{sourceRepos: []}", "{squad: shop}")}
    assert denied <= errors(validate(other))


def test_exclusions_and_inclusions_are_read_as_argo_cd_reads_them() -> None:
    none, some = Settings(), Settings([{"resource.exclusions": "- {apiGroups: ['*.example.com'], kinds: [Widget]}\n"}])
    assert none.excludes("", "Endpoints", None) is None
    assert [some.excludes("a.example.com", kind, None) for kind in ("Widget", "Gadget")] == [True, False]
    here = Settings([{"resource.exclusions": "- {kinds: [Widget], clusters: ['https://a*']}\n"}])
    assert [here.excludes("x", "Widget", server) for server in ("https://a.example", "https://b.example", None)] == [
        True,
        False,
        False,
    ]
    only = Settings([{"resource.inclusions": "- {apiGroups: ['']}\n"}])
    assert [only.excludes(group, "Thing", None) for group in ("", "apps")] == [None, True]


def test_a_kind_that_argo_cd_excludes_is_never_synced(validate: Validate) -> None:
    endpoints = "apiVersion: v1\nkind: Endpoints\nmetadata: {name: database}\n"
    files = {
        "apps/a.yaml": endpoints,
        "apps/b.yaml": OUTSIDE["base/pod.yaml"],
        "shop.yaml": application({"path": "apps"}),
    }

    def never(**more: str) -> list[str]:
        return [each.path for each in validate({**files, **more}).findings if each.rule == "never-synced"]

    assert never() == ["apps/a.yaml"]
    assert never(**places("resource.exclusions", "- {kinds: [ConfigMap]}")["manifest"]) == ["apps/b.yaml"]


def test_a_directory_may_take_files_of_any_name(validate: Validate) -> None:
    manifests = CONFIG_MAP.replace("NAME", "shop") + "---\napiVersion: v1\nkind: Service\nmetadata: {name: [x]}\n"
    files = {"apps/shop": manifests, "apps/deeper/more": "nothing of Kubernetes'\n", "apps/a.jsonnet": "[]\n"}

    def found(**options: object) -> set[tuple[str, str]]:
        report = validate({**files, "shop.yaml": application({"path": "apps", "directory": options})})
        return {(each.path, each.rule) for each in report.findings if each.path.startswith("apps/")}

    assert found() == set()
    assert {path for path, _ in found(disableExtensionFilter=True)} == {"apps/shop"}
    assert {path for path, _ in found(disableExtensionFilter=True, recurse=True)} == {"apps/shop", "apps/deeper/more"}
    assert found(disableExtensionFilter=True, recurse=True, exclude="{shop,deeper/*}") == set()
