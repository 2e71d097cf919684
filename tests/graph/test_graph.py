"""Graphs: any is laid out from left to right, and drawn with other people's text as text."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.graph import Arrow, Box, Graph, GraphFormat, format_graph, layout
from tests.conftest import Argosy
from tests.validating import write_files

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</title><script>alert(1)</script> \"'&`]]>\x1b[31m\u202e\n%%{init}"


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    count = draw(st.integers(1, 8))
    boxes = [Box([draw(st.text(max_size=70)), "below"], draw(st.sampled_from(["", "a", "b"]))) for _ in range(count)]
    ends = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))
    return Graph(boxes, [Arrow(*each, draw(st.text(max_size=5))) for each in draw(st.lists(ends, max_size=12))])


@given(graphs())
def test_each_box_stands_once_and_arrows_lead_from_column_to_column(graph: Graph) -> None:
    laid = layout.of(graph)
    column = {each: number for number, boxes in enumerate(laid.columns) for each in boxes}
    assert sorted(each for boxes in laid.columns for each in boxes) == sorted(column)
    assert {*range(len(graph.boxes))} <= column.keys()
    for arrow, path in zip(graph.arrows, laid.paths, strict=True):
        assert (path[0], path[-1]) == (arrow.source, arrow.target)
        steps = {column[other] - column[one] for one, other in pairwise(path)}
        assert steps <= {1} or steps <= {-1} or arrow.source == arrow.target
    drawn = ElementTree.fromstring(format_graph(graph, "svg"))
    assert len(drawn.findall(f".//{SVG}g")) == len(graph.boxes)


def test_a_chain_that_is_a_tree_goes_to_the_right_and_a_circle_back() -> None:
    boxes = [Box([name]) for name in "abc"]
    laid = layout.of(Graph(boxes, [Arrow(0, 1), Arrow(1, 2), Arrow(0, 2), Arrow(2, 0)]))
    assert [[each for each in column if each < 3] for column in laid.columns] == [[0], [1], [2]]
    # What passes a column bends there.
    assert [len(path) for path in laid.paths] == [2, 2, 3, 3]


@pytest.mark.parametrize("form", GraphFormat)
def test_urls_name_no_user_also_where_they_are_cut_off(form: GraphFormat) -> None:
    url = f"https://ada:hunter2{'x' * 70}@k8s.example.com"
    written = format_graph(Graph([Box(["cluster", url], url), Box(["b"])], [Arrow(0, 1, url)], url), form)
    assert "hunter2" not in written
    assert "k8s.example.com" in written.replace("#46;", ".")


@pytest.mark.parametrize("form", GraphFormat)
def test_other_peoples_text_is_text(form: GraphFormat) -> None:
    graph = Graph([Box([HOSTILE, HOSTILE], HOSTILE), Box(["b"])], [Arrow(0, 1, HOSTILE)], HOSTILE)
    written = format_graph(graph, form)
    assert "\x1b" not in written
    assert "\u202e" not in written
    if form is GraphFormat.SVG:
        drawn = ElementTree.fromstring(written)
        assert {each.tag for each in drawn.iter()} == {
            SVG + name for name in ["svg", "title", "style", "rect", "path", "text", "g"]
        }
        assert all(not name.startswith("on") and "href" not in name for each in drawn.iter() for name in each.attrib)
    else:
        # One line for each thing that is drawn: nothing ends a label before its time.
        assert len(written.splitlines()) <= 11


APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: %s, namespace: argocd, labels: {app.kubernetes.io/name: shop, environment: dev}%s}
spec:
  project: dev
  source: {repoURL: https://git.example.com/acme/gitops.git, targetRevision: main, path: %s}
  destination: {server: https://kubernetes.default.svc, namespace: %s}
"""
OBJECTS = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers:
        - name: shop
          image: nginx:1
          envFrom: [{configMapRef: {name: shop}}, {secretRef: {name: token}}, {secretRef: {name: gone}}]
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: shop}}
---
{apiVersion: v1, kind: Service, metadata: {name: shop}, spec: {selector: {app: shop}}}
---
{apiVersion: external-secrets.io/v1, kind: ExternalSecret, metadata: {name: vault}, spec: {target: {name: token}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, annotations: {argocd.argoproj.io/hook: PreSync, argocd.argoproj.io/sync-wave: "-2"}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: warm, annotations: {helm.sh/hook: "post-install,post-upgrade", helm.sh/hook-weight: "3"}}
"""
FILES = {
    ".copier-answers.yml": "repo_url: https://git.example.com/acme/gitops.git\n",
    "root.yaml": APPLICATION % ("root", "", "argocd", "argocd"),
    "argocd/shop.yaml": APPLICATION
    % ("shop-dev", ", annotations: {argocd.argoproj.io/sync-wave: '5'}", "apps", "shop"),
    "apps/all.yaml": OBJECTS,
}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_files(tmp_path, FILES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def drawn(argosy: Argosy, *arguments: str) -> tuple[dict[str, list[str]], set[tuple[str, str]]]:
    """Return the boxes by their first line, and the arrows between them, as Mermaid has them."""
    found = argosy("graph", *arguments, "--output", "mermaid", "--quiet")
    assert (found.code, found.err) == (0, "")
    boxes, arrows = {}, set()
    for line in map(str.strip, found.out.splitlines()):
        if '["' in line and not line.startswith("subgraph"):
            number, _, label = line.removesuffix('"]').partition('["')
            boxes[number] = label.split("<br>")
        elif " --> " in line:
            one, other = line.split(" --> ")
            arrows.add((one, other))
    name = {number: " ".join(lines[:1]) for number, lines in boxes.items()}
    return {lines[0]: lines[1:] for lines in boxes.values()}, {(name[one], name[other]) for one, other in arrows}


def test_what_needs_what_by_name_by_labels_and_by_what_controllers_make(argosy: Argosy, repository: Path) -> None:
    _, arrows = drawn(argosy, "dependencies")
    assert arrows == {
        ("Deployment shop", "ConfigMap shop"),
        ("Deployment shop", "ExternalSecret vault"),
        ("Deployment shop", "Secret gone"),
        ("Service shop", "Deployment shop"),
    }
    boxes, _ = drawn(argosy, "dependencies", "shop-dev")
    assert boxes.keys() >= {"Job migrate", "Job warm"}
    assert argosy("graph", "dependencies", "--output", "dot", "-q").out.count("style=dashed") == 1


def test_waves_follow_each_other_by_phase_and_lead_to_what_they_apply(argosy: Argosy, repository: Path) -> None:
    boxes, arrows = drawn(argosy, "waves")
    assert arrows == {
        ("root", "Sync, wave 5"),
        ("Sync, wave 5", "shop-dev"),
        ("shop-dev", "PreSync, wave -2"),
        ("PreSync, wave -2", "Sync, wave 0"),
        ("Sync, wave 0", "PostSync, wave 3"),
    }
    assert boxes["PostSync, wave 3"] == ["Job warm"]
    (root,) = json.loads(argosy("tree", "--output", "json", "--quiet").out)["roots"]
    resources = {each["name"]: (each["phase"], each["wave"]) for each in root["children"][0]["children"]}
    assert (root["children"][0]["wave"], resources["migrate"], resources["vault"]) == (5, ("PreSync", -2), ("Sync", 0))


def test_projects_applications_and_clusters(argosy: Argosy, repository: Path) -> None:
    boxes, arrows = drawn(argosy, "clusters", "--env", "dev")
    assert boxes["shop-dev"] == ["shop", "main"]
    assert ("AppProject", "shop-dev") in arrows
    assert ("shop-dev", "cluster") in arrows
    # Nothing declares the project.
    assert "style=dashed" in argosy("graph", "clusters", "--output", "dot", "-q").out


def test_promotion_of_a_new_repository(argosy: Argosy, tmp_path: Path) -> None:
    argosy("init", str(tmp_path / "gitops"), "--defaults", "--no-git", "--quiet")
    _, arrows = drawn(argosy, "promotion", "--repository", str(tmp_path / "gitops"))
    assert arrows == {("dev", "staging"), ("staging", "prod")}
    picture = argosy("graph", "promotion", "--repository", str(tmp_path / "gitops"), "--quiet").out
    assert ElementTree.fromstring(picture).get("aria-label") == "How releases are promoted"
    whole = argosy("tree", "--output", "svg", "--repository", str(tmp_path / "gitops"), "--quiet").out
    assert "Application my-app-dev" in {each.text for each in ElementTree.fromstring(whole).iter(f"{SVG}text")}


def test_nobody_is_meant(argosy: Argosy, repository: Path) -> None:
    found = argosy("graph", "waves", "nobody", "--quiet")
    assert (found.code, found.out) == (2, "")
    assert "No Application is meant by nobody." in found.err


def test_graphviz_and_a_parser_of_xml_read_what_is_drawn(argosy: Argosy, repository: Path) -> None:
    for picture in ("promotion", "clusters", "waves", "dependencies"):
        ElementTree.fromstring(argosy("graph", picture, "--quiet").out)
        dot = argosy("graph", picture, "--output", "dot", "--quiet").out
        assert dot.count("{") == dot.count("}")
