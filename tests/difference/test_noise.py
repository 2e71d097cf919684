"""Noise, and what matters beside it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from argosy.difference import Difference, compare
from argosy.difference.formats import Noise, OutputFormat, format_difference
from argosy.difference.highlights import fitted
from tests.difference.test_comparison import deployed, resource

CHART, VERSION, SUM = "helm.sh/chart", "app.kubernetes.io/version", "checksum/config"


def workload(kind: str = "Deployment", api: str = "apps/v1", **fields: Any) -> dict[str, Any]:
    """Return a workload with chart and version in its labels, and a checksum in its template."""
    version = fields.pop("version", "1.0.0")
    container = {"name": "app", "image": fields.pop("image", "ghcr.io/acme/web:1.4.2"), **fields.pop("container", {})}
    labels = {"app": "web", CHART: f"web-{version}", VERSION: version}
    metadata = {"labels": labels, "annotations": {SUM: fields.pop("checksum", "ab12")}}
    spec = {"template": {"metadata": metadata, "spec": {"containers": [container]}}, **fields}
    return resource(kind, api=api, metadata={"labels": labels}, spec=spec)


def text(found: Difference, noise: Noise = Noise.FOLD) -> str:
    return format_difference(found, OutputFormat.TEXT, noise=noise)


def only(found: Difference) -> Any:
    """Return the one resource that changes."""
    ((change,),) = (each.resources for each in found.applications)
    return change


def test_objects_that_change_in_labels_only_are_one_line() -> None:
    one, other = (
        deployed(
            workload(version=version, checksum=version),
            resource(metadata={"labels": {CHART: f"web-{version}"}}),
            resource("Service", metadata={"labels": {"heritage": version}}, spec={"selector": {"app": "web"}}),
        )
        for version in ("1.0.0", "1.1.0")
    )
    found = compare(one, other)
    assert text(found) == (
        "prod: web-prod: 3 objects change in labels only: app.kubernetes.io/version, checksum/config, helm.sh/chart "
        "and heritage. Deployment/web restarts.\n\n"
        "1 Application changed; resources: 3 changed; 3 of these in labels only, and Pods of 1 restart.\n"
    )
    assert text(found, Noise.HIDE).count("\n") == 1
    assert "+    helm.sh/chart: web-1.1.0" in text(found, Noise.SHOW)
    assert "-        checksum/config: 1.0.0" in text(found, Noise.SHOW)
    markdown = format_difference(found, OutputFormat.MARKDOWN)
    assert "```" not in markdown
    assert "3 objects change in labels only" in markdown
    (application,) = json.loads(format_difference(found, OutputFormat.JSON))["applications"]
    told = {each["kind"]: each for each in application["resources"]}
    assert all(each["isNoise"] for each in told.values())
    assert told["Deployment"]["restarts"]
    assert not told["Service"]["restarts"]
    assert "+  labels" not in told["Service"]["diff"]
    assert "+    heritage: 1.1.0" in told["Service"]["diff"]


def test_lines_of_noise_within_a_real_change_are_left_out() -> None:
    found = compare(
        deployed(workload()), deployed(workload(version="1.1.0", checksum="cd", image="ghcr.io/acme/web:2"))
    )
    folded = [each for each in only(found).folded if each[0] in "+-"][2:]
    assert folded == ["-      - image: ghcr.io/acme/web:1.4.2", "+      - image: ghcr.io/acme/web:2"]
    assert "\n  image 1.4.2 → 2\n" in text(found)
    assert "Not shown above: changes of app.kubernetes.io/version, checksum/config and helm.sh/chart." in text(found)
    assert "of these in labels only" not in text(found)
    assert text(found, Noise.SHOW).count("web-1.1.0") == 2


@pytest.mark.parametrize(
    "selecting",
    [
        resource("Service", "a", spec={"selector": {VERSION: "1.0.0"}}),
        resource("PodDisruptionBudget", "a", "policy/v1", spec={"selector": {"matchLabels": {VERSION: "1.1.0"}}}),
        resource(
            "NetworkPolicy", "a", spec={"podSelector": {"matchExpressions": [{"key": VERSION, "operator": "Exists"}]}}
        ),
        resource("Pod", "a", spec={"topologySpreadConstraints": [{"matchLabelKeys": [VERSION]}]}),
        resource("Pod", "a", spec={"env": [{"fieldRef": {"fieldPath": f"metadata.labels['{VERSION}']"}}]}),
        resource("CiliumNetworkPolicy", "a", spec={"endpointSelector": {"matchLabels": {f"k8s:{VERSION}": "1.0.0"}}}),
        resource("DestinationRule", "a", spec={"subsets": [{"name": "v", "labels": {VERSION: "1.1.0"}}]}),
    ],
)
def test_a_label_that_something_selects_by_is_no_noise(selecting: dict[str, Any]) -> None:
    one, other = deployed(workload()), deployed(workload(version="1.1.0"))
    elsewhere = deployed(selecting, name="other")
    assert only(compare(one, other)).is_noise
    change = only(compare({**one, **elsewhere}, {**other, **elsewhere}))
    assert (change.is_noise, change.noise) == (False, (CHART,))


def test_another_value_that_something_selects_by_leaves_it_noise() -> None:
    elsewhere = deployed(resource("Service", "a", spec={"selector": {VERSION: "7.0.0"}}), name="other")
    assert only(
        compare({**deployed(workload()), **elsewhere}, {**deployed(workload(version="1.1.0")), **elsewhere})
    ).is_noise


def test_what_is_no_noise() -> None:
    def changes(one: dict[str, Any], other: dict[str, Any]) -> bool:
        return not only(compare(deployed(one), deployed(other))).is_noise

    # A label of a Job's template makes the sync fail, and one that people gave is theirs.
    assert changes(workload("Job", "batch/v1"), workload("Job", "batch/v1", version="2"))
    assert changes(resource(metadata={"labels": {"team": "a"}}), resource(metadata={"labels": {"team": "b"}}))
    assert changes(resource(data={CHART: "a"}), resource(data={CHART: "b"}))
    sums = [resource(metadata={"annotations": {SUM: each}}) for each in ("ab", "run this: rm -r")]
    assert changes(*sums)
    assert not changes(resource(), resource(metadata={"labels": {CHART: "web-1"}}))
    assert not changes(resource(metadata={"labels": {CHART: "web-1"}}), resource())


def highlights(*sides: Any, **values: Any) -> tuple[str, ...]:
    one, other = (deployed(*side, **values) for side in sides)
    (change,) = compare(one, other).applications
    return change.highlights


def test_what_matters_comes_first() -> None:
    more = {
        "env": [{"name": "LEVEL", "value": "hunter2"}, {"name": "SAME", "value": "x"}],
        "resources": {"requests": {"cpu": "200m"}, "limits": {"memory": "1Gi"}},
        "args": ["--password=hunter2"],
    }
    less = {"env": [{"name": "SAME", "value": "x"}], "resources": {"requests": {"cpu": "100m"}}, "args": []}
    ingress = [resource("Ingress", spec={"rules": [{"host": f"{each}.example.com"}]}) for each in ("a", "b")]
    before = [
        workload(container=less, replicas=2),
        ingress[0],
        resource(data={"A": "1", "gone": "hunter2"}),
        resource("Secret", stringData={"password": "hunter1"}),
        resource("Service", "old"),
        resource("Role", "r", rules=[1]),
    ]
    after = [
        workload(container=more, replicas=3, image="ghcr.io/acme/web:1.5.0"),
        ingress[1],
        resource(data={"A": "2", "B": "hunter2"}),
        resource("Secret", stringData={"password": "hunter2", "token": "hunter3"}),
        resource("ServiceAccount", "new"),
        resource("Role", "r", rules=[2]),
    ]
    told = highlights(before, after)
    assert told == (
        "image 1.4.2 → 1.5.0",
        "replicas 2 → 3",
        "- Service/old (not pruned)",
        "host a.example.com → b.example.com",
        "cpu request 100m → 200m",
        "memory limit none → 1Gi",
        "args changed",
        "config A, -gone, +B",
        "Secret web password, +token",
        "env +LEVEL",
        "+ ServiceAccount/new",
        "other changes of Role/r",
    )
    assert not any("hunter" in each for each in told)
    (line,) = (
        each
        for each in text(compare(deployed(*before), deployed(*after))).split("\n")
        if "image 1" in each and ";" in each
    )
    assert len(line) <= 80
    assert line.endswith("; +9 more")


def test_images_of_several_workloads_and_what_is_pruned() -> None:
    one = [workload(image="a/web:1"), {**workload("StatefulSet", image="b/db:1"), "metadata": {"name": "db"}}]
    other = [workload(image="a/web:2"), {**workload("StatefulSet", image="b/db:3"), "metadata": {"name": "db"}}]
    assert highlights(one, other) == ("image web 1 → 2", "image db 1 → 3")
    assert highlights([workload(image="a/web:1")], [workload(image="c/site:1")]) == ("image a/web:1 → c/site:1",)
    state = deployed(resource())
    state["web-prod"].definition["spec"]["syncPolicy"] = {"automated": {"prune": True}}
    (change,) = compare(state, {name: replace(each, manifests={}) for name, each in state.items()}).applications
    assert change.highlights == ("- ConfigMap/web (pruned)",)


def test_a_line_has_what_fits() -> None:
    assert fitted(["a" * 10, "b" * 10, "c" * 10], 80) == f"{'a' * 10}; {'b' * 10}; {'c' * 10}"
    assert fitted(["a" * 10, "b" * 10, "c" * 10], 24) == f"{'a' * 10}; +2 more"
    assert all(len(fitted(["a" * 100, "b" * 10], width)) <= width for width in range(20, 140))
