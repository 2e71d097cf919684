"""Charts to render, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from argosy.errors import RenderError
from argosy.helm import Helm, Release, engine

CHART = "apiVersion: v2\nname: {name}\nversion: 1.0.0\n"


ECHO = "{{ .Values | toJson }}\n"


ECHO_CHART = {"values.yaml": "own: {a: 1, b: 2}\n", "templates/echo.yaml": ECHO}


SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "replicaCount": {"type": "integer"},
        "image": {"$ref": "#/$defs/image"},
        "hosts": {"type": "array", "items": {"type": "object", "properties": {"port": {"type": "integer"}}}},
    },
    "$defs": {"image": {"type": "object", "additionalProperties": False, "properties": {"tag": {"type": "string"}}}},
}


def library(monkeypatch: pytest.MonkeyPatch, path: str = "") -> Helm:
    monkeypatch.setenv("PATH", path)
    return engine()


def chart(folder: Path, files: Mapping[str, str], name: str = "web", extra: str = "") -> Path:
    for path, text in {"Chart.yaml": CHART.format(name=name) + extra, **files}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def values(helm: Helm, release: Release) -> Any:
    """Return the values that a chart with the template `echo.yaml` saw."""
    (manifest,) = helm.render(release).manifests
    return yaml.safe_load(manifest.text)


def faults(helm: Helm, release: Release) -> list[tuple[str, str, int | None]]:
    with pytest.raises(RenderError) as caught:
        helm.render(release)
    return [
        (fault.message, fault.path.relative_to(release.chart.parent).as_posix() if fault.path else "", fault.line)
        for fault in caught.value.faults
    ]
