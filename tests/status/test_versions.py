"""Versions as files tell them."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.promotion.states import ObjectCache
from argosy.status import versions
from argosy.status.versions import Image, Version
from tests.changing import commit, git
from tests.status.stories import head

VALUES = "environments/dev/web/values.yaml"
CHART = "applications/web/charts/web"
OVERLAY = "environments/dev/web/kustomization.yaml"
BASE = "applications/web/base"
DIGEST = "sha256:" + "0123456789abcdef" * 4


def pod(*containers: str, init: str = "") -> str:
    listed = "".join(f"        - name: c{index}\n          image: {each}\n" for index, each in enumerate(containers))
    before = f"      initContainers:\n        - name: first\n          image: {init}\n" if init else ""
    head = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  template:\n    spec:\n"
    return f"{head}{before}      containers:\n{listed}"


def version(root: Path, files: dict[str, str]) -> Version:
    git(root, "init", "--quiet")
    commit(root, dict(files))
    return versions.of(ObjectCache(root).state(head(root)), "web", "dev")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("image: {repository: nginx, tag: 1.2.3}", "1.2.3"),
        ("image: {repository: nginx, tag: '1.20'}", "1.20"),
        (f"image: {{repository: nginx, digest: '{DIGEST}'}}", "sha256:0123456789ab"),
        ("image: ghcr.io/acme/web:2.0", "2.0"),
        ("image: {repository: nginx, tag: 1.2.3}\nsidecar: {image: {repository: envoy, tag: v2}}", "1.2.3 +1"),
        ("sidecar: {image: envoy:v2}\nimage: nginx:1.2.3", "1.2.3 +1"),
        ("replicaCount: 1", "9.9"),
        ("image: {repository: mirror/web}", "9.9"),
        ("{", "9.9"),
        ("image: {tag: '1'}\n---\nimage: {tag: '2'}", "2"),
    ],
)
def test_helm(tmp_path: Path, text: str, shown: str) -> None:
    chart = {f"{CHART}/Chart.yaml": "name: web\nappVersion: '7'\n", f"{CHART}/values.yaml": "image: web:9.9\n"}
    assert str(version(tmp_path, {VALUES: text, **chart})) == shown


def test_a_chart_that_is_elsewhere(tmp_path: Path) -> None:
    assert str(version(tmp_path, {VALUES: "image: {tag: '2'}\n"})) == "2"


def test_a_chart_without_a_tag_installs_what_it_is_the_version_of(tmp_path: Path) -> None:
    values = {VALUES: "replicaCount: 1\n", f"{CHART}/values.yaml": "image: {repository: web, tag: ''}\n"}
    found = version(tmp_path, {**values, f"{CHART}/Chart.yaml": "name: web\nappVersion: 7.1\n"})
    assert found.images == (Image("web", "7.1"),)


def test_the_application_s_values_go_before_the_environment_s(tmp_path: Path) -> None:
    files = {
        "environments/dev/values.yaml": "image: {repository: mirror/web, tag: '1'}\n",
        VALUES: "image: {tag: '2'}\n",
    }
    found = version(tmp_path, {**files, f"{CHART}/Chart.yaml": "name: web\n"})
    assert list(map(str, found.images)) == ["mirror/web:2"]


@pytest.mark.parametrize("sources", ["source:", "sources:\n  - repoURL: https://example.com\n    path: x\n  -"])
def test_a_remote_chart(tmp_path: Path, sources: str) -> None:
    application = f"spec:\n  {sources}\n    chart: redis\n    targetRevision: 18.1.0\n"
    found = version(tmp_path, {"argocd/dev/web.yaml": application, VALUES: "image: {tag: x}\n"})
    assert (str(found), found.chart) == ("18.1.0", "redis")


@pytest.mark.parametrize(
    ("overlay", "shown"),
    [
        ("images: [{name: web, newName: nginx, newTag: 1.2.3}]", ["nginx:1.2.3"]),
        (f"images: [{{name: web, digest: '{DIGEST}'}}]", [f"web@{DIGEST}"]),
        ("images: [{name: web, newName: mirror/web}]", ["mirror/web:0.1"]),
        ("images: [{name: other, newTag: '9'}]", ["web:0.1"]),
        ("{}", ["web:0.1"]),
        ("patches: [{path: patch.yaml}]", ["patched:1"]),
        ("patches: [{path: patch.yaml}]\nimages: [{name: patched, newTag: '2'}]", ["patched:2"]),
    ],
)
def test_kustomize(tmp_path: Path, overlay: str, shown: list[str]) -> None:
    files = {
        OVERLAY: f"resources: [../../../{BASE}]\n{overlay}\n".replace("\n{}", ""),
        "environments/dev/web/patch.yaml": pod("patched:1"),
        f"{BASE}/kustomization.yaml": "resources: [pod.yaml]\nimages: [{name: app, newName: web, newTag: '0.1'}]\n",
        f"{BASE}/pod.yaml": pod("app"),
    }
    assert list(map(str, version(tmp_path, files).images)) == shown


def test_kustomize_follows_folders_anywhere_but_not_in_circles(tmp_path: Path) -> None:
    files = {
        OVERLAY: "resources: [../../../shared/base, .]\n",
        "shared/base/kustomization.yaml": "resources: [pod.yaml, ../base]\n",
        "shared/base/pod.yaml": pod("web:3"),
    }
    assert str(version(tmp_path, files)) == "3"


def test_manifests(tmp_path: Path) -> None:
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n---\n"
    found = version(
        tmp_path, {"environments/dev/web/all.yaml": service + pod("web:1", "envoy@" + DIGEST, init="busybox")}
    )
    assert list(map(str, found.images)) == ["web:1", f"envoy@{DIGEST}", "busybox"]
    assert str(found) == "1 +2"


def test_no_image_is_no_version(tmp_path: Path) -> None:
    files = {
        "environments/dev/web/config.yaml": "kind: ConfigMap\ndata: {image: x}\n",
        "environments/dev/web/b.yaml": "{",
    }
    assert version(tmp_path, files) == Version()


def test_an_image_without_a_tag_is_the_latest(tmp_path: Path) -> None:
    assert str(version(tmp_path, {"environments/dev/web/pod.yaml": pod("localhost:5000/web")})) == "latest"
