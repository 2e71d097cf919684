"""argosy's data beside what they are about: Argo CD's definitions and versions, operators' definitions, charts."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from argosy.catalogue import catalogue
from argosy.schemas import bundled
from argosy.schemas.argocd import SINCE
from tests import goldens
from tests.upstream import argocd, components, crds, kubernetes, operators, releases
from tests.validating import write_files
from tests.vendor import CHART, CLUSTER_ROLE


def definition(kind: str, spec: dict[str, Any], group: str = "argoproj.io", **version: Any) -> dict[str, Any]:
    """Return the CustomResourceDefinition of a kind with a spec."""
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    versions = [{"name": "v1alpha1", "served": True, "schema": schema, **version}]
    names = {"kind": kind, "plural": f"{kind.lower()}s"}
    return {
        **{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"},
        **{"metadata": {"name": kind.lower()}, "spec": {"group": group, "names": names, "versions": versions}},
    }


def fields(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": [*required], "properties": properties}


TEXT = {"type": "string"}


def test_the_definitions_of_kubernetes_are_those_of_its_release() -> None:
    written = {each.name: each.read_text(encoding="ascii") for each in bundled.KUBERNETES.iterdir()}
    assert written == kubernetes.texts(), "run `python -m tests.upstream kubernetes`, and look at the difference"


SOURCE = {"$ref": "#/$defs/source"}


class TestArgoCD:
    OURS: ClassVar = {
        "argosy:/argocd.json": {
            "$defs": {
                "Application": {"properties": {"spec": {"$ref": "#/$defs/spec"}}},
                "AppProject": {"properties": {"spec": {"$ref": "more.json#/$defs/project"}}},
                "ApplicationSet": {"properties": {"spec": {"type": "object"}}},
                "spec": fields(source=SOURCE, sources={"type": "array", "items": SOURCE}),
                "source": fields(path=TEXT, kind={"enum": ["a", "b"]}, count={"type": ["integer", "string"]}),
            }
        },
        "argosy:/more.json": {"$defs": {"project": {"allOf": [fields("name", name=TEXT), fields(roles={})]}}},
    }

    def differences(self, source: dict[str, Any], project: dict[str, Any]) -> list[str]:
        given = [
            definition("Application", fields(source=source, sources={"type": "array", "items": source})),
            definition("AppProject", project),
            definition("ApplicationSet", fields(open=TEXT)),
            definition("Application", fields(other=TEXT), group="acme.example"),
        ]
        return argocd.differences(given, self.OURS)

    def test_what_is_the_same(self) -> None:
        count = {"x-kubernetes-int-or-string": True}
        source = fields(path=TEXT, kind={"type": "string", "enum": ["b", "a"]}, count=count)
        assert self.differences(source, fields("name", name=TEXT, roles=fields(any=TEXT))) == []

    def test_fields_are_compared_both_ways_and_what_is_shared_is_said_once(self) -> None:
        source = fields("path", path={"type": "integer"}, kind={"enum": ["a", "c"]}, recurse={"type": "boolean"})
        assert self.differences(source, fields(name=TEXT, roles={}, sync=fields())) == [
            "Application spec.source: add “recurse” (boolean)",
            "Application spec.source: remove “count”, which Argo CD does not have",
            "Application spec.source: require “path”",
            "Application spec.source.kind: is one of a or c, not of a or b",
            "Application spec.source.path: is integer, not string",
            "AppProject spec: add “sync” (object)",
        ]

    def test_a_kind_without_a_definition_is_named(self) -> None:
        assert argocd.differences([definition("AppProject", fields(name=TEXT, roles={}))], self.OURS) == [
            "Application: no CustomResourceDefinition was given",
            "ApplicationSet: no CustomResourceDefinition was given",
        ]

    def test_the_version_that_a_field_came_with_is_compared(self) -> None:
        def release(source: dict[str, Any], project: dict[str, Any]) -> list[dict[str, Any]]:
            return [definition("Application", fields(source=source)), definition("AppProject", project)]

        since = {**TEXT, SINCE: "9.2"}
        ours = {
            "argosy:/argocd.json": {
                "$defs": {
                    "Application": {
                        "properties": {"spec": fields(source=fields(path=TEXT, ref={**since}, late={**since}))}
                    },
                    "AppProject": {
                        "properties": {"spec": fields(old={**since}, group=fields(name={**TEXT}), next=since)}
                    },
                }
            }
        }
        known = {
            "9.1": release(fields(path=TEXT), fields(old=TEXT)),
            "9.2": release(fields(path=TEXT, ref=TEXT), fields(old=TEXT, group=fields(name=TEXT))),
            "9.3": release(fields(path=TEXT, ref=TEXT, late=TEXT), fields(group=fields(name=TEXT))),
        }
        assert argocd.changed(known, ours) == [
            "AppProject.spec.old: “x-since” is “”, not “9.2”",
            "AppProject.spec.group: “x-since” is “9.2”, not “”",
            "Application.spec.source.late: “x-since” is “9.3”, not “9.2”",
            "AppProject.spec.old: Argo CD 9.3 has it no more",
        ]
        assert argocd.changed({}, ours) == []

    def test_releases_are_read_from_a_clone(self, tmp_path: Path) -> None:
        crd = tmp_path / "manifests" / "crds" / "application-crd.yaml"
        crd.parent.mkdir(parents=True)
        for tag in ("v2.13.9", "v3.4.0", "v3.4.1-rc1", "v3.4.2", "v3.5.0"):
            crd.write_text(yaml.safe_dump(definition("Application", fields(**{tag[1:]: TEXT}))))
            for command in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", tag), ("tag", tag)):
                subprocess.run(["git", *command], cwd=tmp_path, check=True)
        found = argocd.releases(tmp_path)
        assert [*found] == ["3.4", "3.5"]
        assert "3.4.2" in str(found["3.4"])
        assert argocd.releases(tmp_path / "manifests" / "none") == {}


def checkout(folder: Path, version: str, **changed: str) -> Path:
    """Lay out what is read of a checkout of Argo CD."""
    files = {
        "VERSION": f"{version}\n",
        "hack/tool-versions.sh": "HELM_VERSION=4.9.1\nKUSTOMIZE_VERSION=5.9.0\n",
        "docs/operator-manual/tested-kubernetes-versions.md": "| 9.7 | v1.41, v1.40 |\n| 9.6 | v1.40, v1.39, v1.38 |\n",
        "docs/operator-manual/argocd-cm.yaml": "data:\n"
        "  timeout.reconciliation: 150s\n"
        "  timeout.reconciliation.jitter: 70s\n",
        **changed,
    }
    write_files(folder, files)
    return folder


def test_a_new_version_is_said_to_be_one(tmp_path: Path) -> None:
    found = list(releases.differences(checkout(tmp_path, "9.6.2")))
    assert found == [
        f"copier.yml: argocd_version is {releases.pinned()}, and this is v9.6.2: write it, then `make golden docs`",
        'argocd/versions.json: write “9.6”: {"helm": "4.9.1", "kustomize": "5.9.0", "kubernetes": ["1.38", "1.40"], '
        '"polling": 150, "jitter": 70}',
    ]


def test_a_version_that_is_known_is_compared(tmp_path: Path) -> None:
    wanted = releases.shipped(checkout(tmp_path / "argo-cd", "9.6.2"), "9.6")
    facts = tmp_path / "facts.json"
    (tmp_path / "copier.yml").write_text("argocd_version: {default: v9.6.2}\n")
    facts.write_text(json.dumps({"9.6": wanted | {"charts": []}}))
    assert list(releases.differences(tmp_path / "argo-cd", tmp_path, facts)) == []
    facts.write_text(json.dumps({"9.6": wanted | {"helm": "3.0.0"}}))
    (found,) = releases.differences(tmp_path / "argo-cd", tmp_path, facts)
    assert '"helm": "4.9.1"' in found.partition(", not ")[0]
    assert '"helm": "3.0.0"' in found.partition(", not ")[2]


def test_a_version_is_written_beside_those_that_are_known(tmp_path: Path) -> None:
    facts = tmp_path / "versions.json"
    facts.write_text(releases.FACTS.read_text())
    tools = "helm4_version=4.9.1\nkustomize5_version=5.9.0\n"
    made = checkout(tmp_path / "argo-cd", "9.6.2", **{"hack/tool-versions.sh": tools})
    assert releases.write(made, facts) == "9.6"
    assert list(releases.differences(made, facts=facts))[1:] == []
    before, after = (file.read_text().splitlines() for file in (releases.FACTS, facts))
    assert after[: len(before) - 2] == before[:-2]
    assert json.loads(facts.read_text())["9.6"]["charts"] == []
    assert json.loads(facts.read_text())["9.6"]["helm"] == "4.9.1"


def test_nothing_but_the_template_names_the_version_that_is_installed() -> None:
    """A new version is one line; tests and tables take it from there, and `make docs` writes what argosy prints."""
    folders = ("generator", "templates", "tests", "docs")
    paths = [path for folder in folders for path in (releases.ROOT / folder).rglob("*") if path.is_file()]
    pinned = releases.pinned().encode()
    pasted = re.compile(rb"\]\]\] -->.*?<!-- \[\[\[end\]\]\] -->", re.DOTALL)
    named = [path for path in paths if path.suffix != ".pyc" and pinned in pasted.sub(b"", path.read_bytes())]
    assert [path for path in named if not path.is_relative_to(goldens.FOLDER)] == []


class TestSchemas:
    SHARED = fields(
        first={**TEXT, "description": "One."}, second={**TEXT, "enum": ["a", "b"]}, third={"type": "integer"}
    )

    def written(self, folder: Path, *definitions: dict[str, Any]) -> dict[str, Any]:
        source = folder / "definitions/nested/all.yaml"
        source.parent.mkdir(parents=True)
        source.write_text(yaml.safe_dump_all([{"kind": "ConfigMap"}, *definitions]))
        paths = crds.write({"v2": crds.read([folder / "definitions"])}, folder / "made")
        return {path.name: json.loads(path.read_text()) for path in paths}

    def test_a_file_for_each_version_with_shared_parts_once(self, tmp_path: Path) -> None:
        gizmo = definition("Gizmo", fields("one", one=self.SHARED, two=self.SHARED), "acme.example")
        widget = definition("Widget", fields(one=self.SHARED), "acme.example", served=False)
        (name,) = found = self.written(tmp_path, gizmo, widget)
        assert name == "acme.example_v1alpha1.json"
        kinds = found[name]["$defs"]
        (part,) = kinds.keys() - {"Gizmo", "Widget"}
        assert {"$ref": f"#/$defs/{part}"} == kinds["Widget"]["properties"]["spec"]["properties"]["one"]
        assert kinds[part]["properties"]["second"] == {"enum": ["a", "b"], "type": "string"}
        assert kinds[part]["additionalProperties"] is False
        assert "description" not in json.dumps(found)

    def test_the_text_is_the_same_each_time(self, tmp_path: Path) -> None:
        gizmo = definition("Gizmo", fields(one=self.SHARED, two=self.SHARED), "acme.example")
        self.written(tmp_path / "a", gizmo)
        self.written(tmp_path / "b", gizmo)
        name = "made/acme.example_v1alpha1.json"
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()

    def test_of_older_releases_there_is_what_the_newest_has_no_more(self, tmp_path: Path) -> None:
        old = definition("Gizmo", fields(one=TEXT), "acme.example", name="v1alpha1")
        new = definition("Gizmo", fields(two=TEXT), "acme.example", name="v1")
        crds.write(
            {"v2": [new], "v1": [old, definition("Gizmo", fields(), "acme.example", name="v1")]}, tmp_path / "acme"
        )
        found = {path.stem: json.loads(path.read_text())["$defs"] for path in (tmp_path / "acme").iterdir()}
        assert found["acme.example_v1alpha1"]["Gizmo"]["x-gone"] == "acme v2"
        assert "x-gone" not in found["acme.example_v1"]["Gizmo"]
        assert "two" in found["acme.example_v1"]["Gizmo"]["properties"]["spec"]["properties"]

    def test_what_either_release_takes_of_a_kind_is_taken(self, tmp_path: Path) -> None:
        new = fields("one", "two", one=TEXT, two={**TEXT, "enum": ["a"]})
        old = fields("two", gone=TEXT, two={**TEXT, "enum": ["b"]})
        releases = {"v2": [definition("Gizmo", new, "acme.example")], "v1": [definition("Gizmo", old, "acme.example")]}
        (path,) = crds.write(releases, tmp_path / "acme")
        gizmo = json.loads(path.read_text())["$defs"]["Gizmo"]
        assert "x-gone" not in gizmo
        spec = gizmo["properties"]["spec"]
        assert (sorted(spec["properties"]), spec["required"]) == (["gone", "one", "two"], ["two"])
        assert spec["properties"]["two"]["enum"] == ["a", "b"]

    def test_an_operator_is_read_from_a_clone_at_its_release(self, tmp_path: Path) -> None:
        clone, made = tmp_path / "sources/acme+gizmo", tmp_path / "made"
        labelled = yaml.safe_dump(definition("Gizmo", fields(one=TEXT), "acme.example"))
        template = labelled.replace("metadata:", 'metadata:\n  labels: {{- include "labels" . }}', 1)
        write_files(clone, {"crds/gizmo.yaml": template, "crds/other.yaml": "kind: ConfigMap\n"})
        for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message=a"], ["tag", "v1.9.0"]):
            subprocess.run(["git", *arguments], cwd=clone, check=True)
        gizmo = operators.Operator("gizmo", "https://git.example/acme/gizmo", "MIT", {"v1.9.0": ""}, ["crds/*.yaml"])
        written = operators.write(gizmo, tmp_path / "sources", made)
        assert len(written.releases["v1.9.0"]) == 40
        assert (made / "gizmo/acme.example_v1alpha1.json").is_file()
        operators.save({"gizmo": written}, tmp_path / "origins.json")
        assert operators.load(tmp_path / "origins.json") == {"gizmo": written}
        subprocess.run(["git", "tag", "v1.10.0"], cwd=clone, check=True)
        assert operators.newer(replace(written, repository=str(clone))) == "v1.10.0"

    def test_those_that_argosy_has_compile_and_name_their_version(self) -> None:
        files = sorted(bundled.CRDS.glob("*/*.json"))
        assert len(files) > 100
        for path in files:
            group, _, version = path.stem.partition("_")
            document = json.loads(path.read_bytes())
            assert document["$id"] == f"argosy:/crds/{path.parent.name}/{path.name}"
            for kind in (each for each in document["$defs"] if each[:1].isupper()):
                assert bundled.for_kind(f"{group}/{version}", kind), (path.name, kind)


class TestComponents:
    COMPONENT = """\
summary: Makes gizmos.
chart: {repository: 'https://charts.example', name: gizmo, version: 1.0.0}
namespace: gizmo
wave: -10
"""

    def compared(self, folder: Path, more: str, chart: dict[str, str]) -> components.Comparison:
        write_files(folder / "repository", {"catalogue/gizmo/component.yaml": self.COMPONENT + more})
        about = "apiVersion: v2\nname: gizmo\nversion: 1.0.0\n"
        write_files(folder / "charts/gizmo", {"Chart.yaml": about, **CHART, **chart} if chart else {})
        entry = catalogue.load(folder / "repository")["gizmo"]
        return components.compare({"gizmo": entry}, folder / "charts")

    def test_what_is_the_same(self, tmp_path: Path) -> None:
        role = "clusterKinds: [{group: rbac.authorization.k8s.io, kind: ClusterRole}]\nnamespaces: [kube-system]\n"
        elsewhere = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: kube-system}\n"
        chart = {"templates/role.yaml": CLUSTER_ROLE, "templates/map.yaml": elsewhere}
        found = self.compared(tmp_path, role, chart)
        assert (found.differences, found.not_compared, found.compared) == ([], [], ["gizmo"])

    def test_what_to_change(self, tmp_path: Path) -> None:
        gizmo = definition("Gizmo", fields(), "acme.example")
        gizmo["spec"]["scope"] = "Namespaced"
        said = "crds: [{group: acme.example, kind: Widget}]\nnamespaces: [kube-system]\n"
        found = self.compared(tmp_path, said, {"crds/gizmo.yaml": yaml.safe_dump(gizmo)})
        assert found.differences == [
            "gizmo: crds: add {group: acme.example, kind: Gizmo}",
            "gizmo: crds: remove {group: acme.example, kind: Widget}, which the chart does not have",
            "gizmo: clusterKinds: add {group: apiextensions.k8s.io, kind: CustomResourceDefinition}",
            "gizmo: namespaces: remove kube-system, which the chart does not have",
        ]

    @pytest.mark.parametrize(
        ("chart", "reason"),
        [
            ({}, "There is no chart in "),
            ({"Chart.yaml": "apiVersion: v2\nname: gizmo\nversion: 0.9.0\n"}, "is 0.9.0, and the catalogue has 1.0.0"),
            ({"templates/broken.yaml": '{{ fail "no" }}'}, "no"),
        ],
    )
    def test_what_is_not_compared_is_named(self, tmp_path: Path, chart: dict[str, str], reason: str) -> None:
        found = self.compared(tmp_path, "", chart)
        assert found.compared == found.differences == []
        (line,) = found.not_compared
        assert line.startswith("gizmo: ")
        assert reason in line

    def test_definitions_that_something_else_brings_are_named(self, tmp_path: Path) -> None:
        found = self.compared(tmp_path, "crds: [{group: acme.example, kind: Widget}]\n", {"NOTES.txt": ""})
        assert found.not_compared == ["gizmo: crds: the chart has none, so something else brings them"]


def test_the_exit_code_says_what_was_not_compared(tmp_path: Path) -> None:
    (tmp_path / "charts").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.upstream", "check", "--charts", tmp_path / "charts"],
        cwd=releases.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:2] == [
        "not compared  Argo CD: name it, as in ARGOCD=../argo-cd",
        "not compared  operators' releases: ask for them, as in OPERATORS=1",
    ]
    assert len(lines) == 2 + len(catalogue.load())
    assert done.stderr == f"0 components compared, 0 to change, {len(lines)} not compared.\n"
