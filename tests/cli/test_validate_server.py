"""`argosy validate --server` beside a played API server, through kubectl: what is asked, told, and left alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from argosy.kubernetes import dry_run
from argosy.kubernetes.dry_run import Outcome
from argosy.rules.examples import DEPLOYED
from argosy.rules.registry import files_of
from tests.bootstrap.apiserver import ApiServer, serving
from tests.conftest import Argosy
from tests.status.cluster import kubeconfig
from tests.validating import write_files

CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: foos.example.test}
spec:
  group: example.test
  scope: Namespaced
  names: {kind: Foo, plural: foos, singular: foo, listKind: FooList}
  versions:
    - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
---
apiVersion: example.test/v1
kind: Foo
metadata: {name: own}
"""
BAR = "apiVersion: example.test/v1\nkind: Bar\nmetadata: {name: bar}\n"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: hidden}\nstringData: {password: geheim}\n"


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    """Have a cluster answer whose namespace `default` alone is there."""
    with serving(ApiServer()) as server:
        server.objects["namespaces", "", "default"] = {"metadata": {"name": "default"}}
        kubeconfig(tmp_path.parent / f"{tmp_path.name}-config", server.url)
        monkeypatch.setenv("KUBECONFIG", str(tmp_path.parent / f"{tmp_path.name}-config"))
        yield server


def asked(argosy: Argosy, *arguments: str) -> tuple[int, list[tuple[str, str, int | None, str]], list[str]]:
    """Return the exit code, what the server refuses, and the notes."""
    done = argosy("validate", "--server", "--output", "json", *arguments)
    report = json.loads(done.out)
    found = [each for each in report["findings"] if each["rule"] == "server-refused"]
    return (
        done.code,
        [(each["severity"], each["path"], each["line"], each["message"]) for each in found],
        report["notes"],
    )


def test_what_the_cluster_lacks_is_found_and_nothing_is_written(
    cluster: ApiServer, argosy: Argosy, tmp_path: Path
) -> None:
    write_files(tmp_path, {**files_of(DEPLOYED), "apps/my-app/crd.yaml": CRD, "apps/my-app/bar.yaml": BAR})
    code, found, notes = asked(argosy)
    assert code == 1
    assert found == [
        ("error", "apps/my-app/bar.yaml", 2, "The API server of context test has no Bar of example.test/v1.")
    ]
    assert notes == [
        "The API server of context test took 2 manifests in a dry run, and refused 0.",
        "Not asked about: 2 manifests of kinds that come with Argo CD or with this repository (Application and Foo).",
    ]
    assert cluster.written == []
    assert all("dryRun=All" in each.target for each in cluster.heard if each.method != "GET")


def test_who_may_not_is_told_once(cluster: ApiServer, argosy: Argosy, tmp_path: Path) -> None:
    cluster.forbidden = {("patch", "configmaps"), ("patch", "secrets")}
    write_files(tmp_path, {**files_of(DEPLOYED), "apps/my-app/secret.yaml": SECRET})
    _, found, notes = asked(argosy)
    assert found == []
    assert [each for each in notes if "ConfigMap and Secret" in each and "permission to create and patch" in each]


def test_other_clusters_are_asked_about_only_by_their_environment(
    cluster: ApiServer, argosy: Argosy, tmp_path: Path
) -> None:
    elsewhere = DEPLOYED.replace("https://kubernetes.default.svc", "https://prod.example.test")
    labelled = elsewhere.replace("namespace: argocd}", "namespace: argocd, labels: {environment: prod}}")
    write_files(tmp_path, files_of(labelled))
    _, _, notes = asked(argosy)
    assert notes[-1] == "Not asked about: 1 Applications, which deploy to https://prod.example.test."
    _, _, notes = asked(argosy, "--env", "prod")
    assert notes == ["The API server of context test took 1 manifests in a dry run, and refused 0."]
    refused = argosy("validate", "--server", "--env", "qa")
    assert (refused.code, "There is prod." in refused.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--context", "blue"), "No cluster is asked without --server."),
        (("--server", "--shard", "1/2"), "A cluster is asked about the whole repository."),
        (("--server", "--context", "nope"), "no such context"),
    ],
)
def test_wrong_usage(argosy: Argosy, cluster: ApiServer, arguments: tuple[str, ...], told: str) -> None:
    done = argosy("validate", *arguments)
    assert (done.code, told in done.err) == (2, True), done.err


def test_a_cluster_that_does_not_answer_is_an_error(cluster: ApiServer, argosy: Argosy, tmp_path: Path) -> None:
    file = tmp_path / "dead"
    kubeconfig(file, "http://127.0.0.1:9")
    done = argosy("validate", "--server", "--kubeconfig", str(file))
    assert (done.code, "does not answer" in done.err) == (2, True), done.err


POD: dict[str, Any] = {"spec": {"containers": [{"name": "a"}, {"name": "b", "ports": [{"containerPort": 1}]}]}}


@pytest.mark.parametrize(
    ("field", "way"),
    [
        ("spec.containers[1].name", ("spec", "containers", 1, "name")),
        ('.spec.containers[name="b"].imagee', ("spec", "containers", 1, "imagee")),
        ("data[a.b]", ("data", "a.b")),
        ("metadata.labels", ("metadata", "labels")),
        ("metadata.annotations[example.test/x]", ("metadata", "annotations", "example.test/x")),
    ],
)
def test_fields_are_found_by_the_names_of_servers(field: str, way: tuple[str | int, ...]) -> None:
    assert dry_run.pointer(field, POD) == way


SAID: list[tuple[int, dict[str, Any], Outcome, list[str]]] = [
    (201, {}, Outcome.TAKEN, []),
    (
        422,
        {"message": 'x "a" is invalid', "details": {"causes": [{"field": "spec.a", "message": "Required value"}]}},
        Outcome.REFUSED,
        ["spec.a"],
    ),
    (403, {"message": 'admission webhook "w" denied the request: no'}, Outcome.REFUSED, [""]),
    (
        403,
        {"message": 'x is forbidden: User "ada" cannot patch resource "x" in API group ""'},
        Outcome.FORBIDDEN,
        [],
    ),
    (500, {"message": 'Internal error occurred: failed calling webhook "w"'}, Outcome.UNANSWERED, []),
    (429, {"message": "too many requests"}, Outcome.UNANSWERED, []),
    (0, {"message": "timed out"}, Outcome.UNANSWERED, []),
    (
        500,
        {"message": "failed to create typed patch object (a/b; v1, Kind=C): .spec.foo: field not declared in schema"},
        Outcome.REFUSED,
        ["spec.foo"],
    ),
    (
        500,
        {
            "message": "failed to create typed patch object (a/b; v1, Kind=C): errors:\n"
            '  .spec.a[name="x"].b: field not declared in schema\n  .spec.foo: expected string, got 1'
        },
        Outcome.REFUSED,
        ['spec.a[name="x"].b', "spec.foo"],
    ),
]


@pytest.mark.parametrize(("code", "body", "outcome", "fields"), SAID)
def test_what_answers_mean(code: int, body: dict[str, Any], outcome: Outcome, fields: list[str]) -> None:
    verdict = dry_run.judged(code, body, {"kind": "ConfigMap"})
    assert (verdict.outcome, [each.field for each in verdict.refusals]) == (outcome, fields)


@pytest.mark.parametrize(
    "message",
    [
        "failed to create typed patch object (a/b; v1, Kind=Secret): .stringData.a: expected string, got geheim",
        "failed to convert new object (a/b; /v1, Kind=Secret) to proper version: cannot read geheim",
        'Secret "a" is invalid: data.a: Invalid value: "geheim"',
    ],
)
def test_no_value_of_a_secret_is_told(message: str) -> None:
    causes = [{"field": "data.a", "message": 'Invalid value: "geheim"'}]
    for details in ({}, {"causes": causes}):
        verdict = dry_run.judged(422, {"message": message, "details": details}, {"kind": "Secret"})
        assert verdict.outcome is Outcome.REFUSED
        assert "geheim" not in str(verdict)
