"""What `.argosy.yaml` declares of what Argo CD knows and Git does not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from argosy import tree
from argosy.argocd import configuration, deployments
from argosy.tree import as_text
from tests.argocd.test_reach import URL, broken, config_map
from tests.validating import Validate, write_files


def application_set(generators: str, name: str, *, go: bool = True, path: str = "apps") -> str:
    return (
        "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: all, namespace: argocd}\n"
        f"spec:\n  goTemplate: {str(go).lower()}\n"
        + ("  goTemplateOptions: [missingkey=error]\n" if go else "")
        + f"  generators: {generators}\n  template:\n    metadata: {{name: '{name}'}}\n    spec:\n"
        f"      project: default\n      source: {{repoURL: '{URL}', targetRevision: HEAD, path: '{path}'}}\n"
        "      destination: {name: in-cluster, namespace: shop}\n"
    )


def made(root: Path, files: Mapping[str, str]) -> tuple[list[str], str]:
    """Return the names of what is made of the files, and why others are not known."""
    write_files(root, {"apps/one.yaml": config_map("one"), **files})
    found = deployments.find(root, configuration.load(root))
    return [each.name for each in found.view.applications], "; ".join(reason for _, reason in found.unknown)


CLUSTERS = """\
clusters:
  - {name: Eu_1, server: 'https://eu1.example.com', labels: {region: eu},
     annotations: {owner: ada}, values: {tier: gold}}
  - {name: us1, server: 'https://us1.example.com', labels: {region: us}, project: us}
"""  # fmt: skip


@pytest.mark.parametrize(
    ("generators", "name", "go", "expected"),
    [
        ("[{clusters: {selector: {matchLabels: {region: eu}}}}]",
         "{{ .nameNormalized }}-{{ .metadata.annotations.owner }}-{{ .values.tier }}", True, ["eu-1-ada-gold"]),
        ("[{clusters: {values: {at: '{{metadata.labels.region}}'}}}]", "{{name}}-{{values.at}}", False,
         ["in-cluster-{{metadata.labels.region}}", "Eu_1-eu", "us1-us"]),
        ("[{matrix: {generators: [{list: {elements: [{app: a}, {app: b}]}}, {clusters: {selector: {matchExpressions:"
         " [{key: region, operator: Exists}]}, values: {tier: tin, app: '{{ .app }}'}}}]}}]",
         "{{ .app }}-{{ .name }}-{{ .values.tier }}{{ .project }}", True,
         ["a-Eu_1-tin", "a-us1-tinus", "b-Eu_1-tin", "b-us1-tinus"]),
    ],
)  # fmt: skip
def test_clusters(generators: str, name: str, go: bool, expected: list[str], tmp_path: Path) -> None:
    files = {"set.yaml": application_set(generators, name, go=go), ".argosy.yaml": CLUSTERS}
    assert made(tmp_path, files) == (expected, "")


def test_clusters_of_a_file_are_known_wherever_a_cluster_is_named(validate: Validate, tmp_path: Path) -> None:
    listed = CLUSTERS.removeprefix("clusters:\n").replace("Eu_1", "eu1")
    chosen = "[{clusters: {selector: {matchLabels: {region: eu}}}}]"
    app = application_set(chosen, "{{ .name }}").replace("name: in-cluster", "server: '{{ .server }}'")
    other = application_set("[{list: {elements: [{name: us2}]}}]", "{{ .name }}").replace("in-cluster", "us2")
    files = {"set.yaml": app, "other.yaml": other.replace("all", "other"), "apps/one.yaml": config_map("one")}
    report = validate({**files, ".argosy.yaml": "clusters: checks/clusters.yaml\n", "checks/clusters.yaml": listed})
    assert {(each.rule, each.path, each.hint) for each in report.findings if "cluster" in each.rule} == {
        ("cluster-unknown", "other.yaml", "Did you mean “us1”?"),
        ("cluster-unused", "checks/clusters.yaml", ""),
    }
    assert [each.path for each in report.unreached] == []
    text = as_text.format_tree(tree.of(deployments.find(tmp_path, configuration.load(tmp_path)), resources=False))
    assert "Application eu1 (eu1/shop)" in text
    assert (
        "clusters of checks/clusters.yaml\n    eu1 (https://eu1.example.com) region=eu: 1 Application\n"
        "    us1 (https://us1.example.com) region=us: 0 Applications\n"
    ) in text


TENANTS = "[{plugin: {configMapRef: {name: tenants}, input: {parameters: {tier: gold}}, values: {x: '{{ .id }}!'}}}]"
HOST = "[{scmProvider: {github: {organization: acme}, values: {x: '{{ .branchNormalized }}'}}}]"
PULLS = "[{pullRequest: {github: {owner: acme, repo: shop}}}]"
DECIDED = "[{clusterDecisionResource: {configMapRef: placement, values: {x: '{{ .name }}'}}}]"
SHOP = "{organization: acme, repository: shop, url: 'https://git.example.com/shop', branch: Feat/A_b, sha: 0a1b2c3d4e}"
PULL = "{number: 7, branch: feat/a_really+long_name_that_is_to_be_cut_where_a_word_ends_here, labels: [go]}"


@pytest.mark.parametrize(
    ("generators", "name", "declared", "expected"),
    [
        (TENANTS, "{{ .id }}-{{ .owner.team }}-{{ .values.x }}-{{ .generator.input.parameters.tier }}",
         "plugin: {tenants: [{id: 3, owner: {team: red}}]}", "3-red-3!-gold"),
        (TENANTS.replace("{{ .id }}", "{{id}}"), "{{id}}-{{owner.team}}-{{values.x}}", "plugin: {tenants: told.json}",
         "4-blue-4!"),
        (HOST, "{{ .organization }}-{{ .repository }}-{{ .short_sha_7 }}-{{ .labels }}-{{ .values.x }}",
         f"scmProvider: {{all: [{SHOP[:-1]}, labels: [go, web]}}]}}", "acme-shop-0a1b2c3-go,web-feat-a-b"),
        (HOST.replace("{{ .branchNormalized }}", "{{branch}}"), "{{repository}}-{{values.x}}{{labels}}",
         f"scmProvider: {{all: [{SHOP}]}}", "shop-Feat/A_b"),
        (PULLS, "{{ .number }}-{{ .branch_slug }}-{{ .target_branch }}-{{ index .labels 0 }}-{{ len .head_short_sha }}",
         f"pullRequest: {{all: [{PULL}]}}", "7-feat-a-really-long-name-that-is-to-be-cut-where-a-main-go-8"),
        (DECIDED, "{{ .name }}-{{ .server }}-{{ .reason }}-{{ .values.x }}",
         "clusterDecisionResource: {all: [{name: us1, reason: near}]}", "us1-https://us1.example.com-near-{{ .name }}"),
    ],
)  # fmt: skip
def test_what_generators_are_told(generators: str, name: str, declared: str, expected: str, tmp_path: Path) -> None:
    files = {
        "set.yaml": application_set(generators, name, go="{{ ." in name),
        ".argosy.yaml": f"{CLUSTERS}generators: {{{declared}}}\n",
        "told.json": '{"output": {"parameters": [{"id": "4", "owner": {"team": "blue"}}]}}',
    }
    assert made(tmp_path, files) == ([expected], "")


def test_what_nobody_declares_says_how_to_declare_it(tmp_path: Path) -> None:
    told = {TENANTS: "generators.plugin.tenants", HOST: "generators.scmProvider.all", "[{clusters: {}}]": "`clusters`"}
    for generators, place in told.items():
        names, why = made(tmp_path, {"set.yaml": application_set(generators, "x")})
        assert names == []
        assert why.endswith(f"{place} can declare in .argosy.yaml")
    # A list without an item is an answer too.
    files = {"set.yaml": application_set(TENANTS, "x"), ".argosy.yaml": "generators: {plugin: {tenants: []}}\n"}
    assert made(tmp_path, files) == ([], "")


def test_what_is_declared_wrong_is_said_at_its_line(validate: Validate) -> None:
    declared = (
        "clusters:\n  - {name: a, server: eu1.example.com}\ngenerators:\n  plugin:\n    one: told.yaml\n"
        "    two: /etc/x\n    three: gone.yaml\n  pullRequest:\n    all: [{branch: x}]\n  oci: {}\n"
    )
    report = validate({".argosy.yaml": declared, "told.yaml": "- {a: b}\n- c\n", "apps/one.yaml": config_map("one")})
    assert broken(report) == {".argosy.yaml", "told.yaml"}
    assert sorted(
        (each.path, each.line or 0, each.message) for each in report.findings if each.rule == "file-schema"
    ) == [
        (".argosy.yaml", 2, 'clusters[0].server: must be the URL of an API server, not "eu1.example.com"'),
        (".argosy.yaml", 6, "There is nothing to read in “/etc/x”."),
        (".argosy.yaml", 7, "There is nothing to read in “gone.yaml”."),
        (".argosy.yaml", 9, 'generators.pullRequest.all[0]: the required field "number" is missing'),
        (".argosy.yaml", 10, 'generators: unknown field "oci"'),
        ("told.yaml", 2, '[1]: must be a mapping, not the text "c"'),
    ]


SLUGS = "feat/a_really+long_pull_request_name_to_test_argo_slugification_and_branch_name_shortening_feature"
ONE_WORD = "feat/areallylongpullrequestnametotestargoslugificationandbranchnameshorteningfeature"


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        # What Argo CD's own tests expect of slugify.
        (f'{{{{ slugify 50 false "{SLUGS}" }}}}', "feat-a-really-long-pull-request-name-to-test-argo"),
        (f'{{{{ slugify 53 true "{SLUGS}" }}}}', "feat-a-really-long-pull-request-name-to-test-argo"),
        (f'{{{{ "{ONE_WORD}" | slugify }}}}', "feat"),
        (f'{{{{ "{ONE_WORD}" | slugify 50 false | upper }}}}', ONE_WORD[:50].replace("/", "-").upper()),
        ("{{ printf `%s-%s` (slugify .name) (slugify 3 .name) }}", "a-b-c-a-b"),
        ("x-{{ if slugify .name -}} {{ .name | slugify -}} {{ end }}-y", "x-a-b-c-y"),
    ],
)
def test_slugify(template: str, expected: str, tmp_path: Path) -> None:
    text = application_set("[{list: {elements: [{name: A_b/c}]}}]", template)
    assert made(tmp_path, {"set.yaml": text}) == ([expected], "")
