"""What holds for each entry of the catalogue that comes with argosy."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
import yaml
from yamllint import linter  # type: ignore[import-untyped]
from yamllint.config import YamlLintConfig  # type: ignore[import-untyped]

from argosy.catalogue import catalogue
from argosy.repository.model import Environment, Kind, Repository, Settings
from argosy.schemas.store import SchemaStore, without_nulls

CATALOGUE = catalogue.load()
STORE = SchemaStore("1.37")
NAMES = sorted(path.parent.name for path in catalogue.FOLDER.glob("*/component.yaml"))
REPOSITORY = Repository(
    Settings(name="gitops", repo_url="https://github.com/acme/gitops.git"),
    (Environment("dev"), Environment("prod", promotes_from="dev")),
)


def texts(name: str, environment: str) -> dict[str, str]:
    """Return the files of a component in an environment, by their path below the component's folder."""
    (place,) = (each for each in REPOSITORY.environments if each.name == environment)
    found = CATALOGUE[name].files(REPOSITORY, place)
    folder = f"platform/{environment}/{name}/"
    assert all(path.startswith(folder) for path in found)
    return {path.removeprefix(folder): text.decode() for path, text in found.items()}


def manifests(name: str) -> Iterator[dict[str, Any]]:
    """Yield the custom resources of a component in each environment."""
    for environment in REPOSITORY.environments:
        for path, text in texts(name, environment.name).items():
            if path.startswith("manifests/"):
                yield from filter(None, yaml.safe_load_all(text))


def kind_of(document: dict[str, Any]) -> Kind:
    return Kind(document["apiVersion"].rpartition("/")[0], document["kind"])


def test_every_folder_is_an_entry() -> None:
    folders = {path.name for path in catalogue.FOLDER.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(NAMES) == set(CATALOGUE)


@pytest.mark.parametrize("name", NAMES)
def test_an_entry_has_nothing_but_what_is_read(name: str) -> None:
    folder = catalogue.FOLDER / name
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"component.yaml", "values.yaml"} <= found
    others = found - {"component.yaml", "values.yaml"}
    assert all(path.startswith("manifests/") and path.endswith(".yaml") and path.count("/") == 1 for path in others)


@pytest.mark.parametrize("name", NAMES)
def test_a_stable_version_is_pinned(name: str) -> None:
    numbers = CATALOGUE[name].component.version.removeprefix("v").split(".")
    assert len(numbers) == 3
    assert all(number.isdecimal() for number in numbers)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_component_needs_comes_before_it(name: str) -> None:
    entry = CATALOGUE[name]
    assert all(CATALOGUE[needed].component.wave < entry.component.wave for needed in entry.needs)


def test_nothing_waits_for_what_no_application_needs() -> None:
    later = {name for name, entry in CATALOGUE.items() if entry.component.wave >= 0}
    assert later == {"alloy", "argocd-image-updater", "external-dns", "loki", "reloader", "velero"}


@pytest.mark.parametrize("name", NAMES)
def test_lists_have_an_order_and_no_doubles(name: str) -> None:
    entry = CATALOGUE[name]
    for kinds in (entry.crds, entry.cluster_kinds):
        assert all((one.group, one.kind) < (next_.group, next_.kind) for one, next_ in pairwise(kinds))
    assert entry.component.namespace not in entry.namespaces


@pytest.mark.parametrize("name", NAMES)
def test_it_is_said_what_a_component_is_for(name: str) -> None:
    summary = CATALOGUE[name].summary
    assert summary.endswith(".")
    assert "\n" not in summary
    assert len(summary) <= 110


@pytest.mark.parametrize("environment", ["dev", "prod"])
@pytest.mark.parametrize("name", NAMES)
def test_values_are_a_mapping(name: str, environment: str) -> None:
    values = yaml.safe_load(texts(name, environment)["values.yaml"])
    assert isinstance(values, dict)
    assert values


@pytest.mark.parametrize("name", NAMES)
def test_custom_resources_keep_their_schemas(name: str) -> None:
    for document in manifests(name):
        schema = STORE.for_manifest(document["apiVersion"], document["kind"])
        assert schema, f"nothing is known of {document['kind']}"
        assert schema.violations(without_nulls(document)) == []


@pytest.mark.parametrize("name", NAMES)
def test_custom_resources_come_after_the_chart(name: str) -> None:
    for document in manifests(name):
        annotations = document["metadata"]["annotations"]
        assert int(annotations["argocd.argoproj.io/sync-wave"]) > 0
        assert "SkipDryRunOnMissingResource=true" in annotations["argocd.argoproj.io/sync-options"].split(",")


@pytest.mark.parametrize("name", NAMES)
def test_custom_resources_are_permitted_where_they_go(name: str) -> None:
    entry = CATALOGUE[name]
    for document in manifests(name):
        namespace = document["metadata"].get("namespace")
        if namespace is None:
            assert kind_of(document) in entry.cluster_kinds, "neither a namespace nor among clusterKinds"
        else:
            assert namespace in {entry.component.namespace, *entry.namespaces}


CLEAN = YamlLintConfig("{extends: default, rules: {line-length: {max: 120}, document-start: disable, braces: disable}}")


@pytest.mark.parametrize("name", NAMES)
def test_yaml_is_clean(name: str) -> None:
    written = {"component.yaml": (catalogue.FOLDER / name / "component.yaml").read_text(encoding="utf-8")}
    for environment in ("dev", "prod"):
        written |= {f"{environment}/{path}": text for path, text in texts(name, environment).items()}
    assert {path: found for path, text in written.items() if (found := [*linter.run(text, CLEAN, path)])} == {}


def test_hubbles_certificates_are_made_in_the_sync_that_waits_for_them() -> None:
    # The chart makes its Job a hook of Helm after the install, which Argo CD runs once Hubble's relay is healthy.
    values = yaml.safe_load(texts("cilium", "prod")["values.yaml"])
    assert values["hubble"]["tls"]["auto"]["method"] == "cronJob"
    assert values["certgen"]["annotations"]["job"] == {"argocd.argoproj.io/hook": "Sync"}
