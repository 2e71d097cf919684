"""Kustomize builds of real folders, by the kubectl that the package carries."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from argosy import kustomize
from argosy.errors import OfflineError, RenderError

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "nginx:1"}]}
"""


def build(folder: Path, overrides: Mapping[str, Any] | None = None) -> str:
    return kustomize.build(folder, folder.parent, overrides)


BASE = {"base/kustomization.yaml": "resources: [deployment.yaml]\n", "base/deployment.yaml": DEPLOYMENT}


@pytest.fixture
def tree(tmp_path: Path) -> Any:
    """Return a function that writes files beside a base, and gives the folder `dev`."""

    def write(files: Mapping[str, str]) -> Path:
        for path, text in {**BASE, **files}.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        return tmp_path / "dev"

    return write


def dev(kustomization: str) -> dict[str, str]:
    return {"dev/kustomization.yaml": kustomization}


def refused(folder: Path, overrides: Mapping[str, Any] | None = None) -> RenderError:
    with pytest.raises(RenderError) as caught:
        build(folder, overrides)
    return caught.value


class TestBuild:
    def test_overlay(self, tree: Any) -> None:
        folder = tree(dev("resources: [../base]\nnamePrefix: dev-\n"))
        assert yaml.safe_load(build(folder))["metadata"]["name"] == "dev-web"

    def test_threads(self, tree: Any) -> None:
        folder = tree(dev("resources: [../base]\n"))
        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(build, [folder] * 4, [{"namePrefix": f"p{index}-"} for index in range(4)]))
        assert [yaml.safe_load(text)["metadata"]["name"] for text in results] == [
            "p0-web",
            "p1-web",
            "p2-web",
            "p3-web",
        ]


class TestOverrides:
    """What `spec.source.kustomize` of an Application sets."""

    def test_everything(self, tree: Any) -> None:
        folder = tree(
            {
                **dev("resources: [../base]\nnamePrefix: old-\nimages: [{name: nginx, newTag: '9', newName: other}]\n"),
                "extra/kustomization.yaml": "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\n"
                "commonAnnotations: {from: component}\n",
            }
        )
        before = {path: path.read_bytes() for path in folder.parent.rglob("*") if path.is_file()}
        built = yaml.safe_load(
            build(
                folder,
                {
                    "namePrefix": "new-",
                    "nameSuffix": "-x",
                    "namespace": "here",
                    "images": ["nginx=registry.example:5000/nginx:2"],
                    "replicas": [{"name": "web", "count": "4"}],
                    "commonLabels": {"team": "a"},
                    "labelWithoutSelector": True,
                    "labelIncludeTemplates": True,
                    "commonAnnotations": {"note": "b"},
                    "patches": [
                        {"target": {"kind": "Deployment"}, "patch": "- {op: add, path: /spec/paused, value: true}"}
                    ],
                    "components": ["../extra", "../absent"],
                    "ignoreMissingComponents": True,
                },
            )
        )
        assert built["metadata"] == {
            "name": "new-web-x",
            "namespace": "here",
            "labels": {"team": "a"},
            "annotations": {"note": "b", "from": "component"},
        }
        assert built["spec"]["replicas"] == 4
        assert built["spec"]["paused"] is True
        assert built["spec"]["selector"] == {"matchLabels": {"app": "web"}}
        assert built["spec"]["template"]["metadata"]["labels"] == {"app": "web", "team": "a"}
        assert built["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.example:5000/nginx:2"
        assert {path: path.read_bytes() for path in folder.parent.rglob("*") if path.is_file()} == before

    @pytest.mark.parametrize(
        ("image", "expected"),
        [
            ("nginx:2", "nginx:2"),
            ("nginx=mine", "mine:1"),
            (f"nginx@sha256:{'a' * 64}", f"nginx@sha256:{'a' * 64}"),
            (f"nginx=h:5000/n:3@sha256:{'a' * 64}", f"h:5000/n:3@sha256:{'a' * 64}"),
        ],
    )
    def test_images(self, tree: Any, image: str, expected: str) -> None:
        built = yaml.safe_load(build(tree(dev("resources: [../base]\n")), {"images": [image]}))
        assert built["spec"]["template"]["spec"]["containers"][0]["image"] == expected

    def test_label_that_is_there(self, tree: Any) -> None:
        folder = tree(dev("resources: [../base]\ncommonLabels: {team: a}\n"))
        assert str(refused(folder, {"commonLabels": {"team": "b"}})).endswith("commonLabels has team already.")
        forced = build(folder, {"commonLabels": {"team": "b"}, "forceCommonLabels": True})
        assert yaml.safe_load(forced)["metadata"]["labels"] == {"team": "b"}

    def test_what_kustomize_refuses_is_left_for_it_to_refuse(self, tree: Any) -> None:
        folder = tree(dev("resources: [../base]\n"))
        assert "replicas.count" in str(refused(folder, {"replicas": [{"name": "web", "count": "many"}]}))
        assert refused(folder, {"replicas": [{"count": 2}]}).faults
        assert build(folder, {"commonLabels": ["a"], "images": "nginx:2"}) == build(folder)

    def test_missing_component(self, tree: Any) -> None:
        error = refused(tree(dev("resources: [../base]\n")), {"components": ["../absent"]})
        assert error.faults[0].message == "“../absent” does not exist."


class TestFaults:
    @pytest.mark.parametrize("overrides", [None, {"namePrefix": "x-"}])
    @pytest.mark.parametrize(
        ("kustomization", "place", "message"),
        [
            ("resources:\n- ../base\n- gone.yaml\n", ("dev/kustomization.yaml", 3), "“gone.yaml” does not exist."),
            ("resources:\n- ../empty\n", ("dev/kustomization.yaml", 2), "“../empty” holds no kustomization."),
            (
                "configMapGenerator: [{name: a, files: [k=gone]}]\n",
                ("dev/kustomization.yaml", 1),
                "“gone” does not exist.",
            ),
            (
                "resources: [../base]\nreplica: 2\n",
                ("dev/kustomization.yaml", 2),
                'This is no kustomization: unknown field "replica".',
            ),
            ("resources: [../broken]\n", ("broken/bad.yaml", 1), "This is not valid YAML: "),
            ("resources: [\n", ("dev/kustomization.yaml", 2), "This is no kustomization: "),
            (
                "resources: [../base, ../base]\n",
                ("dev/kustomization.yaml", None),
                "Kustomize cannot build it: may not add resource with an already registered id: "
                "Deployment.v1.apps/web.[noNs].",
            ),
            (
                "helmCharts: [{name: x, repo: 'https://charts.example.com', version: 1.0.0}]\n",
                ("dev/kustomization.yaml", 1),
                "helmCharts need `--enable-helm`, which Argo CD does not pass by default.",
            ),
        ],
    )
    def test_file_line_and_cause(
        self, tree: Any, overrides: Any, kustomization: str, place: tuple[str, int | None], message: str
    ) -> None:
        broken = {"broken/kustomization.yaml": "resources: [bad.yaml]\n", "broken/bad.yaml": "a: [\n", "empty/x": ""}
        folder = tree({**dev(kustomization), **broken})
        (fault,) = refused(folder, overrides).faults
        assert (fault.path, fault.line) == (folder.parent / place[0], place[1])
        assert fault.message.startswith(message)

    def test_folder_without_kustomization(self, tree: Any, tmp_path: Path) -> None:
        tree({"dev/deployment.yaml": DEPLOYMENT})
        assert refused(tmp_path / "dev", {"namePrefix": "x"}).faults[0].path == tmp_path / "dev"


class TestRemote:
    @pytest.mark.parametrize(
        "entry",
        [
            "https://example.com/all.yaml",
            "https://github.com/acme/base//deploy?ref=v1",
            "github.com/acme/base?ref=v1",
            "git@github.com:acme/base.git",
            "ssh://git@example.com/acme/base",
            "git::https://example.com/acme/base",
            "example.com/acme/base.git?ref=main",
        ],
    )
    def test_remote_bases_are_not_fetched(self, tree: Any, entry: str) -> None:
        folder = tree({**dev("resources: [../mid]\n"), "mid/kustomization.yaml": f"resources:\n- {entry}\n"})
        with pytest.raises(OfflineError) as caught:
            build(folder)
        (fault,) = caught.value.faults
        assert (fault.path, fault.line) == (folder.parent / "mid/kustomization.yaml", 2)
        assert fault.message == f"“{entry}” lies elsewhere, and cannot be built offline."

    def test_local_bases_are_not_remote(self, tree: Any) -> None:
        error = refused(tree(dev("resources: [../base, gone.yaml]\n")))
        assert not isinstance(error, OfflineError)
        assert [fault.message for fault in error.faults] == ["“gone.yaml” does not exist."]


def test_inputs_are_everything_that_a_build_reads(tree: Any) -> None:
    folder = tree(
        {
            "dev/kustomization.yaml": """\
resources: [../base, service.yaml]
components: [../component]
patches:
- path: patch.yaml
- patch: "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}}"
configMapGenerator:
- {name: a, files: [key=a.txt, b.txt], envs: [c.env]}
replacements: [{path: replacement.yaml}]
""",
            "component/kustomization.yml": "kind: Component\n",
            **dict.fromkeys([f"dev/{name}" for name in ("service.yaml", "patch.yaml", "replacement.yaml")], "{}"),
            **dict.fromkeys([f"dev/{name}" for name in ("a.txt", "b.txt", "c.env", "unread.yaml")], ""),
        }
    )
    assert {path.relative_to(folder.parent).as_posix() for path in kustomize.inputs(folder, folder.parent)} == {
        "base/deployment.yaml",
        "base/kustomization.yaml",
        "component/kustomization.yml",
        "dev/a.txt",
        "dev/b.txt",
        "dev/c.env",
        "dev/kustomization.yaml",
        "dev/patch.yaml",
        "dev/replacement.yaml",
        "dev/service.yaml",
    }


class TestLimits:
    def test_bases_that_double_at_each_level(self, tree: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        levels = {
            f"{name}{level}/kustomization.yaml": f"namePrefix: {name}-\nresources: [{below}]\n"
            for level in range(1, 30)
            for below in [f"../a{level - 1}, ../b{level - 1}" if level > 1 else "../base"]
            for name in "ab"
        }
        tree({**dev("resources: [../base]\n"), **levels})
        monkeypatch.setenv("ARGOSY_RENDER_TIMEOUT", "1")
        (fault,) = refused(tmp_path / "a29").faults
        assert fault.message == "Rendering did not end within 1 seconds."
        assert fault.path == tmp_path / "a29/kustomization.yaml"
        assert build(tmp_path / "dev")
