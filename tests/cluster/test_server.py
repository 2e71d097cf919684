"""`argosy validate --server` beside a real API server: what it refuses is found at its line, and it stays as it was."""

from __future__ import annotations

import json
from pathlib import Path

from argosy.rules.examples import APPLICATION, DESTINATION, SOURCE
from argosy.rules.registry import RULES, files_of
from tests.cluster.control_plane import READER, ControlPlane
from tests.conftest import Argosy
from tests.validating import write_files

ALL = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
spec:
  selector:
    matchLabels: {app: shop}
  template:
    metadata:
      labels: {app: shop}
    spec:
      containers:
        - name: shop
          image: nginx:1.29.3-alpine
          envFrom:
            - prefix: "a=b"
              configMapRef: {name: shop}
---
apiVersion: v1
kind: Secret
metadata:
  name: hidden
data:
  password: Z2VoZWlt!
---
apiVersion: v1
kind: Service
metadata:
  name: shop
spec:
  ports:
    - port: 80
  clusterIP: 192.0.2.10
  clusterIPs:
    - 192.0.2.10
"""


def test_the_example_of_the_rule(plane: ControlPlane, argosy: Argosy, tmp_path: Path) -> None:
    rule = RULES["server-refused"]
    for text, count in ((rule.bad, 1), (rule.good, 0)):
        write_files(tmp_path, files_of(text))
        report = json.loads(argosy(*_VALIDATE, str(plane.kubeconfig())).out)
        found = [each for each in report["findings"] if each["rule"] == rule.id]
        assert [each["message"].partition(":")[0] for each in found] == ["spec.clusterIPs"] * count
    assert report["notes"] == ["The API server of context real took 1 manifests in a dry run, and refused 0."]


_VALIDATE = ("validate", "--server", "--output", "json", "--kubeconfig")


def test_what_is_refused_is_found_at_its_line(plane: ControlPlane, argosy: Argosy, tmp_path: Path) -> None:
    files = {**files_of(APPLICATION + SOURCE + DESTINATION), "apps/my-app/all.yaml": ALL}
    write_files(tmp_path, files)
    before = _deployments(plane)
    done = argosy(*_VALIDATE, str(plane.kubeconfig()))
    report = json.loads(done.out)
    told = [each["line"] for each in report["findings"] if each["rule"] == "server-refused"]
    # The namespace is not there yet. What argosy finds by itself is told once.
    assert told == [34], report["findings"]
    assert {each["line"] for each in report["findings"] if each["rule"] == "kubernetes-schema"} == {16, 24}
    assert "geheim" not in done.out
    assert "Z2VoZWlt" not in done.out
    assert plane.request("GET", "/api/v1/namespaces/my-app").code == 404
    assert _deployments(plane) == before


def _deployments(plane: ControlPlane) -> set[str]:
    """Return what is in the cluster, of other tests too."""
    return {each["metadata"]["uid"] for each in plane.request("GET", "/apis/apps/v1/deployments").body["items"]}


def test_a_field_that_cannot_be_changed(plane: ControlPlane, argosy: Argosy, tmp_path: Path) -> None:
    claim = {
        **{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept"}},
        **{"immutable": True, "data": {"a": "b"}},
    }
    assert plane.request("POST", "/api/v1/namespaces/default/configmaps", claim).code == 201
    changed = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept, namespace: default}\nimmutable: true\ndata:\n  a: c\n"
    )
    write_files(tmp_path, {"config.yaml": changed})
    found = json.loads(argosy(*_VALIDATE, str(plane.kubeconfig())).out)["findings"]
    assert [(each["rule"], each["line"]) for each in found] == [("server-refused", 5)]
    assert "immutable" in found[0]["message"]
    assert plane.request("GET", "/api/v1/namespaces/default/configmaps/kept").body["data"] == {"a": "b"}


def test_who_may_only_read_learns_which_kinds_are_there(plane: ControlPlane, argosy: Argosy, tmp_path: Path) -> None:
    unknown = "apiVersion: example.test/v1\nkind: Bar\nmetadata: {name: bar}\n"
    write_files(tmp_path, {"a.yaml": RULES["server-refused"].bad, "bar.yaml": unknown})
    report = json.loads(argosy(*_VALIDATE, str(plane.kubeconfig(READER))).out)
    assert [each["path"] for each in report["findings"] if each["rule"] == "server-refused"] == ["bar.yaml"]
    assert "permission to create and patch" in report["notes"][1]
