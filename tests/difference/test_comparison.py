"""What differs between two states, and how it is written."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from argosy.difference import Deployed, Difference, compare
from argosy.difference.formats import OutputFormat, format_difference
from argosy.difference.manifest_text import as_yaml
from argosy.documents import parse
from argosy.kubernetes.manifests import Manifest, by_identity

DESTINATION = {"server": "https://kubernetes.default.svc", "namespace": "web"}


def deployed(*manifests: Manifest, name: str = "web-prod", **values: Any) -> Mapping[str, Deployed]:
    """Return a state with one Application."""
    definition = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, **values.pop("metadata", {})},
        "spec": {"destination": values.pop("destination", DESTINATION)},
    }
    return {name: Deployed(name, "web", "prod", "web", by_identity(manifests), definition=definition, **values)}


def resource(kind: str = "ConfigMap", name: str = "web", api: str = "v1", **fields: Any) -> dict[str, Any]:
    """Return a manifest."""
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, **fields.pop("metadata", {})}, **fields}


def diffs(found: Difference) -> dict[str, list[str]]:
    return {str(each.identity): [*each.lines] for change in found.applications for each in change.resources}


def test_a_difference_has_context_and_sorted_keys() -> None:
    one = resource(data={"z": "1", "a": "1", "m": "text\nof\nlines\n"})
    other = resource(data={"m": "text\nof two\nlines\n", "a": "1", "z": "1"})
    assert diffs(compare(deployed(one), deployed(other))) == {
        "ConfigMap/web": [
            "--- ConfigMap/web",
            "+++ ConfigMap/web",
            "@@ -3,7 +3,7 @@",
            '   a: "1"',
            "   m: |",
            "     text",
            "-    of",
            "+    of two",
            "     lines",
            '   z: "1"',
            " kind: ConfigMap",
        ]
    }


@pytest.mark.parametrize(("one", "other"), [(1, True), (1, 1.0), ("1", 1), ([], {}), ([1, 2], [2, 1]), ("", None)])
def test_values_of_other_types_are_others(one: Any, other: Any) -> None:
    assert diffs(compare(deployed(resource(spec={"a": one})), deployed(resource(spec={"a": other}))))


def test_nulls_and_order_are_no_difference() -> None:
    one = resource(data={"a": "1", "b": "2"})
    other = {**{key: one[key] for key in reversed(one)}, "status": None, "data": {"b": "2", "a": "1", "c": None}}
    assert compare(deployed(one), deployed(other)).applications == ()


def test_resources_are_told_apart_by_group_kind_namespace_and_name() -> None:
    one = [resource(), resource(api="example.com/v1"), resource(metadata={"namespace": "other"}), resource("Secret")]
    found = compare(deployed(*one), deployed(*one[:1]))
    (change,) = found.applications
    assert [(each.identity.group, each.identity.kind, each.identity.namespace) for each in change.resources] == [
        ("", "ConfigMap", "other"),
        ("", "Secret", ""),
        ("example.com", "ConfigMap", ""),
    ]


def test_another_version_of_an_api_is_a_change() -> None:
    found = compare(deployed(resource(api="example.com/v1beta1")), deployed(resource(api="example.com/v1")))
    assert "+apiVersion: example.com/v1" in diffs(found)["ConfigMap/web"]


def test_resources_without_a_name_and_those_that_come_twice() -> None:
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"generateName": "run-"}, "spec": {"a": 1}}
    twice = [job, {**job, "spec": {"a": 2}}]
    assert list(diffs(compare(deployed(job), deployed(*twice)))) == ["Job/run- (2)"]
    assert compare(deployed(*twice), deployed(*twice)).applications == ()


@pytest.mark.parametrize(
    ("kind", "api", "warned"),
    [
        ("PersistentVolumeClaim", "v1", True),
        ("PersistentVolume", "v1", True),
        ("Namespace", "v1", True),
        ("StatefulSet", "apps/v1", True),
        ("CustomResourceDefinition", "apiextensions.k8s.io/v1", True),
        ("Deployment", "apps/v1", False),
        ("Namespace", "example.com/v1", False),
    ],
)
def test_what_deletes_data(kind: str, api: str, warned: bool) -> None:
    gone = resource(kind, api=api)
    assert bool(compare(deployed(gone), deployed()).risks) is warned
    kept = resource(kind, api=api, metadata={"annotations": {"argocd.argoproj.io/sync-options": "A=b, Prune=false"}})
    assert not compare(deployed(kept), deployed()).risks


def test_a_custom_resource_definition_outlives_its_application() -> None:
    finalizers = {"finalizers": ["resources-finalizer.argocd.argoproj.io/background"]}
    crd = resource("CustomResourceDefinition", api="apiextensions.k8s.io/v1")
    kept = resource("Namespace", "kept", metadata={"annotations": {"helm.sh/resource-policy": "keep"}})
    found = compare(deployed(crd, kept, resource("Namespace"), metadata=finalizers), {})
    assert [each.resource for each in found.risks] == ["Namespace/web"]


def test_hooks_and_what_is_replaced_may_change_as_they_like() -> None:
    one, other = ({"template": {"a": number}} for number in (1, 2))
    for noted, warned in (
        ({}, True),
        ({"argocd.argoproj.io/hook": "PreSync"}, False),
        ({"helm.sh/hook": "pre-upgrade"}, False),
        ({"argocd.argoproj.io/sync-options": "Replace=true"}, False),
    ):
        jobs = [resource("Job", api="batch/v1", spec=each, metadata={"annotations": noted}) for each in (one, other)]
        assert bool(compare(deployed(jobs[0]), deployed(jobs[1])).risks) is warned


def test_a_secret_that_is_no_mapping_is_masked_too() -> None:
    found = compare(deployed(resource("Secret", data="hunter1")), deployed(resource("Secret", data=["hunter2"])))
    assert "hunter" not in format_difference(found, OutputFormat.JSON)
    assert found.applications


def test_a_fault_hides_the_resources_but_not_the_rest() -> None:
    broken = deployed(faults=["values.yaml:3: no"])
    found = compare({**deployed(resource()), **deployed(name="b")}, {**broken, **deployed(resource(), name="b")})
    assert [(each.application, each.side) for each in found.faults] == [("web-prod", "after")]
    assert [each.application for each in found.applications] == ["b"]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    ["```\n````", "</details>", "@all", "a|b"]
)
STATES = st.dictionaries(
    st.sampled_from(["a-dev", "b-prod", "c`|<b>\n@all"]),
    st.dictionaries(TEXTS, TEXTS, max_size=12),
    max_size=3,
)


def state(data: Mapping[str, Mapping[str, str]]) -> dict[str, Deployed]:
    found: dict[str, Deployed] = {}
    for name, values in data.items():
        found |= deployed(resource(data=dict(values)), resource("StatefulSet", api="apps/v1"), name=name)
    return found


@given(STATES, STATES, st.none() | st.integers(0, 3000))
def test_markdown_is_whole_however_it_is_cut(
    before: Mapping[str, Mapping[str, str]], after: Mapping[str, Mapping[str, str]], limit: int | None
) -> None:
    found = compare(state(before), state(after))
    text = format_difference(found, OutputFormat.MARKDOWN, limit=limit)
    assert text == format_difference(compare(state(before), state(after)), OutputFormat.MARKDOWN, limit=limit)
    assert limit is None or len(text) <= limit
    outside, fence = [], ""
    for line in text.split("\n"):
        opened = re.fullmatch("(`{3,})diff", line)
        if not fence and opened:
            fence = opened[1]
        elif fence and re.fullmatch(f" {{0,3}}{fence}`*", line):
            fence = ""
        elif not fence:
            outside.append(line)
    assert not fence
    rest = "\n".join(outside)
    assert rest.count("<details>") == rest.count("</details>") == rest.count("<summary>") == rest.count("</summary>")
    assert not re.search("@all", re.sub("(`+)c.*?\\1", "", rest))
    if limit is None:
        assert text.count("```diff") >= len(found.applications)
        assert "too much for one comment" not in text
    elif limit > 400 and len(format_difference(found, OutputFormat.MARKDOWN)) > limit:
        assert "too much for one comment" in text


def test_objects_are_cut_whole_and_counted() -> None:
    long = resource(data={f"k{number:03}": "v" for number in range(100)})
    found = compare({}, {**deployed(long, resource(name="short")), **deployed(name="b")})
    cut = format_difference(found, OutputFormat.MARKDOWN, limit=1500, link="https://ci.example.com/1) [x](y")
    assert "_1 object more: too much for one comment, so follow the link above._" in cut
    assert "[The whole difference](https://ci.example.com/1%29%20%5Bx%5D%28y)" in cut
    assert "+  name: short" in cut
    assert "k000" not in cut
    assert cut.index("`b`") < cut.index("<details>")
    whole = format_difference(found, OutputFormat.MARKDOWN, link="javascript:alert(1)")
    assert all(each in whole for each in ("+  k000: v", "+  k099: v"))
    assert "javascript" not in whole


@given(STATES, STATES)
def test_json_and_text_are_the_same_each_time(
    before: Mapping[str, Mapping[str, str]], after: Mapping[str, Mapping[str, str]]
) -> None:
    found = compare(state(before), state(after))
    document = json.loads(format_difference(found, OutputFormat.JSON))
    assert set(document) == {"schemaVersion", "kind", "rendered", "applications", "warnings", "faults", "skipped"}
    text = format_difference(found, OutputFormat.TEXT)
    assert all(character.isprintable() or character in "\n\t" or ord(character) > 0x9F for character in text)
    assert format_difference(found, OutputFormat.TEXT, colour=True).replace("\x1b[0m", "").count("\x1b[") > 0


@given(st.dictionaries(TEXTS, TEXTS | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.lists(TEXTS)))
def test_yaml_is_the_same_data(data: dict[str, Any]) -> None:
    text = as_yaml(data)
    assert yaml.safe_load(text) == data
    (document,) = parse(text, "x.yaml").documents
    assert document.data == data


# What moves


def _moved(**project: Any) -> Difference:
    """Return the difference when an Application with a claim goes to the namespace team; its project may be known."""
    claim = ("PersistentVolumeClaim", "data")
    one = deployed(*(resource(kind, name, metadata={"namespace": "web"}) for kind, name in (claim, ("ConfigMap", "a"))))
    (other,) = deployed(
        *(resource(kind, name, metadata={"namespace": "team"}) for kind, name in (claim, ("ConfigMap", "a"))),
        destination={**DESTINATION, "namespace": "team"},
    ).values()
    permits = resource("AppProject", "default", "argoproj.io/v1alpha1", spec=project)
    root = deployed(permits, name="root") if project else {}
    return compare({**one, **root}, {"web-prod": replace(other, namespace="team"), **root})


def test_what_goes_to_another_namespace_is_moved() -> None:
    found = _moved()
    assert diffs(found)["ConfigMap/a"][-2:] == ["-  namespace: web", "+  namespace: team"]
    (change,) = found.applications
    assert [(str(each.identity), each.identity.namespace, each.kind) for each in change.resources] == [
        ("Application/web-prod", "", "changed"),
        ("ConfigMap/a", "team", "moved"),
        ("PersistentVolumeClaim/data", "team", "moved"),
    ]
    assert "| added | changed | removed | moved |" in format_difference(found, OutputFormat.MARKDOWN)
    assert "resources: 1 changed, 2 moved." in format_difference(found, OutputFormat.TEXT)


@pytest.mark.parametrize(
    ("destinations", "fates"),
    [
        (
            [{**DESTINATION, "namespace": "*"}],
            ["Argo CD deletes, volumes included", "PersistentVolumeClaim/data would be deleted"],
        ),
        ([{**DESTINATION, "namespace": "team"}], ["stays there, in no Application. Volumes do not come along."]),
        (
            None,
            ["Argo CD deletes if the AppProject default permits that namespace", "PersistentVolumeClaim/data would"],
        ),
    ],
)
def test_what_becomes_of_the_old_place_the_project_says(
    destinations: list[dict[str, str]] | None, fates: list[str]
) -> None:
    told = [each.message for each in _moved(**({"destinations": destinations} if destinations else {})).risks]
    assert told[0].startswith("It deploys to the namespace team: what it deployed to web ")
    assert len(told) == len(fates)
    assert all(fate in each for fate, each in zip(fates, told, strict=True))


def test_another_project_and_another_release() -> None:
    helm = {"path": "chart", "helm": {"releaseName": "web"}}
    one, other = deployed(resource()), deployed(resource())
    for state, project, release in ((one, "dev", "web"), (other, "prod", "shop")):
        spec = state["web-prod"].definition["spec"]
        spec |= {"project": project, "source": {**helm, "helm": {"releaseName": release}}}
    assert [each.message.partition(":")[0] for each in compare(one, other).risks] == [
        "It belongs to the project prod instead of dev",
        "Its Helm release is shop instead of web",
    ]
