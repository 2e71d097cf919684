"""Kustomize builds of real folders, by the kubectl that the package carries."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argosy import cache, kustomize
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

    @pytest.mark.parametrize(
        ("image", "expected"),
        [("nginx=*:2", "h:5000/n:2"), ("nginx=mine:*", "mine:1.0"), ("other=*:2", "h:5000/n:1.0")],
    )
    def test_an_asterisk_preserves_what_the_kustomization_says(self, tree: Any, image: str, expected: str) -> None:
        folder = tree(dev("resources: [../base]\nimages: [{name: nginx, newName: 'h:5000/n', newTag: '1.0'}]\n"))
        built = yaml.safe_load(build(folder, {"images": [image]}))
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
            ("resources:\n- ../empty\n", ("dev/kustomization.yaml", 2), "“../empty” contains no kustomization."),
            (
                "configMapGenerator: [{name: a, files: [k=gone]}]\n",
                ("dev/kustomization.yaml", 1),
                "“gone” does not exist.",
            ),
            (
                "resources: [../base]\nreplica: 2\n",
                ("dev/kustomization.yaml", 2),
                'Not a valid kustomization: unknown field "replica".',
            ),
            ("resources: [../broken]\n", ("broken/bad.yaml", 1), "This is not valid YAML: "),
            ("resources: [\n", ("dev/kustomization.yaml", 2), "Not a valid kustomization: "),
            (
                "resources: [../base, ../base]\n",
                ("dev/kustomization.yaml", None),
                "Kustomize build failed: may not add resource with an already registered id: "
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
        (fault,) = refused(tmp_path / "dev", {"namePrefix": "x"}).faults
        assert (fault.path, fault.message) == (tmp_path / "dev", "This folder contains no kustomization.")
        assert fault.hint == "Name a folder with one of kustomization.yaml, kustomization.yml, Kustomization."


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
        assert fault.message == f"Remote base {entry} was not fetched (offline)"

    @pytest.mark.parametrize(
        ("named", "why"),
        [
            ("generators: [{entry}]\n", "leads out of the repository"),
            ("patches: [{{path: '{entry}'}}]\n", "is read from elsewhere"),
            ("configMapGenerator: [{{name: a, files: ['key={entry}']}}]\n", "is read from elsewhere"),
        ],
    )
    def test_what_was_fetched_as_a_base_is_nothing_else(self, tree: Any, tmp_path: Path, named: str, why: str) -> None:
        entry = "https://git.example.com/acme/base.git//deploy"
        folder = tree(dev(named.format(entry=entry)))
        (tmp_path / "secret").write_text("sesame")
        tree(
            {
                "fetched/deploy/kustomization.yaml": "resources: [generator.yaml]\n",
                "fetched/deploy/generator.yaml": "apiVersion: builtin\nkind: ConfigMapGenerator\n"
                "metadata: {name: stolen}\n"
                f"files: ['{tmp_path / 'secret'}']\n",
            },
        )
        with pytest.raises(RenderError) as caught:
            kustomize.build(
                folder, tmp_path, fetched=lambda _: kustomize.Remote(tmp_path / "fetched", tmp_path / "fetched/deploy")
            )
        assert why in str(caught.value)

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
        monkeypatch.setenv("ARGOSY_RENDER_TIMEOUT", "0.3")
        (fault,) = refused(tmp_path / "a29").faults
        assert fault.message == "Rendering did not end within 0.3 seconds."
        assert fault.path == tmp_path / "a29/kustomization.yaml"
        monkeypatch.delenv("ARGOSY_RENDER_TIMEOUT")
        assert build(tmp_path / "dev")


TEXTS: Mapping[str, tuple[str | None, ...]] = {
    "base/kustomization.yaml": ("resources: [deployment.yaml]\n", "resources: [other.yaml]\nnamePrefix: a-\n", None),
    "base/Kustomization": ("resources: [other.yaml]\n", None),
    "base/other.yaml": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n",
        "@deployment.yaml",
        "@../dev/x",
        None,
    ),
    "dev/kustomization.yaml": (
        "resources: [../base]\n",
        "resources: [../base, x]\nconfigMapGenerator: [{name: c, files: [k=text], envs: [env]}]\n",
        "resources: [x]\npatches: [{path: patch.yaml}]\n",
        "resources: [../base]\ntransformers: [prefix.yaml]\n",
        "resources: [../base]\nbuildMetadata: [originAnnotations]\n",
    ),
    "dev/kustomization.yml": ("resources: [x]\n", None),
    "dev/x": (DEPLOYMENT, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n", "@../base/deployment.yaml", None),
    "dev/patch.yaml": (
        "[{op: add, path: /metadata/labels, value: {a: b}}]\n",
        DEPLOYMENT.replace("replicas: 1", "replicas: 2"),
    ),
    "dev/prefix.yaml": (
        "{apiVersion: builtin, kind: PrefixTransformer, metadata: {name: p}, prefix: b-,\n"
        "fieldSpecs: [{path: metadata/name}]}",
        None,
    ),
    "dev/text": ("one", "two", None),
    "dev/env": ("A=1\n", "LANG\n", "A=1\nLANG=2\n", None),
}
EDITS = st.sampled_from([(path, text) for path, texts in TEXTS.items() for text in texts])
OVERRIDES = st.sampled_from([{}, {"namePrefix": "c-"}, {"images": ["nginx:2"]}, {"commonLabels": {"a": "b"}}])


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    edits=st.lists(EDITS, max_size=8), overrides=st.lists(OVERRIDES, min_size=1, max_size=2), lang=st.sampled_from("ab")
)
def test_kept_as_without(
    tree: Any, tmp_path: Path, edits: list[tuple[str, str | None]], overrides: list[Any], lang: str
) -> None:
    for name in ("base", "dev"):
        shutil.rmtree(tmp_path / name, ignore_errors=True)
    folder = tree({path: texts[0] for path, texts in TEXTS.items() if texts[0] and "Kustomization" not in path})
    (folder / "kustomization.yml").unlink()
    for path, text in edits:
        (tmp_path / path).unlink(missing_ok=True)
        if text is not None and text.startswith("@"):
            (tmp_path / path).symlink_to(text[1:])
        elif text is not None:
            (tmp_path / path).write_text(text)

    def said(each: Any) -> Any:
        try:
            return build(folder, each)
        except RenderError as error:
            return type(error), error.faults

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANG", lang)
        for each in overrides:
            with cache.off():
                without = said(each)
            assert said(each) == without
            assert isinstance(without, tuple) or said(each) == without


def test_a_link_is_not_the_file_that_it_leads_to(tree: Any) -> None:
    folder = tree(dev("resources: [x]\n") | {"dev/x": DEPLOYMENT})
    assert build(folder) == build(folder)
    (folder / "x").unlink()
    (folder / "x").symlink_to("../base/deployment.yaml")
    assert refused(folder).faults  # It leads out of the folder.


def test_what_generators_name_is_not_kept(tree: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGOSY_CACHE", str(tmp_path / "cache"))
    settings = "{apiVersion: builtin, kind: ConfigMapGenerator, metadata: {name: c}, files: [text]}"
    folder = tree(dev("resources: [../base]\ngenerators: [map.yaml]\n") | {"dev/map.yaml": settings, "dev/text": "one"})
    assert "one" in build(folder)
    assert not (tmp_path / "cache").exists()
    (folder / "kustomization.yaml").write_text("resources: [../base]\n")
    assert build(folder) == build(folder)
    assert len([path for path in (tmp_path / "cache").rglob("*") if path.is_file()]) == 1
