"""`argosy tree` of a small repository that has what leads somewhere, what does not, and what is not known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from argosy import tree
from argosy.argocd import configuration, deployments
from argosy.graph import format_graph
from argosy.tree import Tree, as_json, as_text, pictures
from tests.argocd.test_reach import BAD, OF_CLUSTERS, application, application_set, chart, config_map
from tests.conftest import Argosy
from tests.validating import write_files

LABELS = "labels: {app.kubernetes.io/name: shop, environment: '{{env}}'}"
LIST = "[{list: {elements: [{env: dev}, {env: prod}]}}]"
FILES = {
    "argocd/root.yaml": application("root", "argocd", namespace="argocd"),
    "argocd/shop.yaml": application_set("shop", LIST, "apps/{{env}}").replace("name: 'shop", f"{LABELS}, name: 'shop"),
    "argocd/teams.yaml": application_set("teams", OF_CLUSTERS, "teams/{{name}}"),
    "apps/dev/one.yaml": config_map("one"),
    "apps/prod/one.yaml": config_map("one").replace("}", ", namespace: own}", 1),
    "boot/kustomization.yaml": "resources: [vendor.yaml]\n",
    "boot/vendor.yaml": application('vendor"s', "apps/none"),
    "teams/a/bad.yaml": BAD,
    **chart("idle", BAD),
    "notes.yaml": "just: data\n",
}  # fmt: skip
TEXT = """\
Kustomization boot  boot
└── Application vendor"s (in-cluster/shop)  boot/vendor.yaml
    ? apps/none: there is no such folder
Application root (in-cluster/argocd)  argocd/root.yaml
├── ApplicationSet shop
│   ├── Application shop-dev (dev, in-cluster/shop)
│   │   └── ConfigMap one
│   └── Application shop-prod (prod, in-cluster/shop)
│       └── ConfigMap one (own)
└── ApplicationSet teams  argocd/teams.yaml
    ? its generator `clusters` asks for the clusters that Argo CD knows, which `clusters` can declare in .argosy.yaml
    └── Application teams-{{env}} (in-cluster/shop)

unreached: no Application reads it (1 file)
    notes.yaml

unreached: no Application renders the chart (2 files)
    idle/Chart.yaml
    idle/templates/one.yaml

2 roots, 2 ApplicationSets, 4 Applications; 2 unresolved, 3 files unreached
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    write_files(tmp_path, FILES)
    return tmp_path


@pytest.fixture
def grown(repository: Path) -> Tree:
    return tree.of(deployments.find(repository, configuration.load(repository)))


def test_as_text(grown: Tree) -> None:
    assert as_text.format_tree(grown) == TEXT


def test_as_json(grown: Tree) -> None:
    made = json.loads(as_json.format_tree(grown))
    boot, root = made["roots"]
    assert (boot["kind"], boot["name"]) == ("Kustomization", "boot")
    shop, teams = root["children"]
    assert [(each["name"], each["environment"], each["cluster"]) for each in shop["children"]] == [
        ("shop-dev", "dev", "in-cluster"),
        ("shop-prod", "prod", "in-cluster"),
    ]
    assert [each["kind"] for each in shop["children"][0]["children"]] == ["ConfigMap"]
    assert [each["name"] for each in made["unresolved"]] == ['vendor"s', "teams"]
    assert made["unresolved"][1]["reason"] == teams["reason"]
    assert [each["path"] for each in made["unreached"]] == ["idle/Chart.yaml", "idle/templates/one.yaml", "notes.yaml"]


def test_a_login_of_a_cluster_is_shown_by_none(tmp_path: Path) -> None:
    server = "https://grace:s3cret@europe.example"
    at_home = application("shop").replace("https://kubernetes.default.svc", server)
    declared = f"clusters: [{{name: europe, server: '{server}'}}]\n"
    write_files(tmp_path, {"root.yaml": at_home, "apps/one.yaml": config_map("one"), "clusters.yaml": declared})
    write_files(tmp_path, {".argosy.yaml": f"clusters: [{{server: '{server}'}}]\n"})
    shown = tree.of(deployments.find(tmp_path, configuration.load(tmp_path)))
    for text in (as_text.format_tree(shown), as_json.format_tree(shown)):
        assert "https://europe.example" in text
        assert "s3cret" not in text


def test_pictures_have_each_node_once_and_show_other_peoples_text_as_it_is(grown: Tree) -> None:
    drawn = pictures.of_tree(grown)
    mermaid, dot = format_graph(drawn, "mermaid"), format_graph(drawn, "dot")
    for picture, arrow, name in ((mermaid, "-->", "vendor#34;s"), (dot, "->", 'vendor\\"s')):
        assert picture.count("Application root") == 1
        # Each but the two roots has one that leads to it.
        assert picture.count(f" {arrow} ") == 8
        assert picture.count(name) == 1
    assert mermaid.startswith("flowchart LR\n")
    assert mermaid.count(" unresolved\n") == 1
    assert dot.count("style=dashed") == 2


def test_of_some_applications_what_leads_to_them_is_left(
    argosy: Argosy, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    found = argosy("tree", "shop", "--env", "prod", "--no-resources", "--quiet")
    assert (found.code, found.err) == (0, "")
    assert found.out == (
        "Application root (in-cluster/argocd)  argocd/root.yaml\n"
        "└── ApplicationSet shop\n"
        "    └── Application shop-prod (prod, in-cluster/shop)\n\n"
        "1 root, 1 ApplicationSet, 2 Applications; 0 unresolved, 0 files unreached\n"
    )
    assert argosy("tree", "nobody", "--quiet").code == 2


def test_what_two_roots_lead_to_is_shown_once(tmp_path: Path) -> None:
    roots = {f"{each}/root.yaml": application(f"root-{each}", "shared", namespace="argocd") for each in ("a", "b")}
    write_files(tmp_path, {**roots, "shared/shop.yaml": application("shop"), "apps/one.yaml": config_map("one")})
    shown = tree.of(deployments.find(tmp_path, configuration.load(tmp_path)))
    assert as_text.format_tree(shown).partition("\n\n")[0] == (
        "Application root-a (in-cluster/argocd)  a/root.yaml\n"
        "└── Application shop (in-cluster/shop)\n"
        "    └── ConfigMap one\n"
        "Application root-b (in-cluster/argocd)  b/root.yaml\n"
        "└── Application shop (in-cluster/shop) (see above)"
    )
    dot = format_graph(pictures.of_tree(shown), "dot")
    assert (dot.count("n2 ["), dot.count(" -> n1;")) == (1, 2)


def test_a_set_that_an_overlay_gives_says_why_it_is_not_all_known(tmp_path: Path) -> None:
    files = {
        "boot/kustomization.yaml": "resources: [hosts.yaml]\n",
        "boot/hosts.yaml": application_set("hosts", "[{scmProvider: {}}]", "{{path}}"),
    }
    write_files(tmp_path, files)
    shown = as_text.format_tree(tree.of(deployments.find(tmp_path, configuration.load(tmp_path))))
    assert "└── ApplicationSet hosts  boot/kustomization.yaml\n    ? its generator `scmProvider` asks for " in shown
