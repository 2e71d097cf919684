"""Charts are rendered with the dependencies that the repository holds."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from generator.errors import Fault, OfflineError
from generator.helm import (
    Helm,
    Release,
)
from tests.helm.releases import ECHO_CHART, chart


class TestDependencies:
    def test_missing_from_the_network(self, helm: Helm, tmp_path: Path) -> None:
        extra = "dependencies: [{name: redis, version: 1.2.3, repository: 'https://charts.example.com'}]\n"
        with pytest.raises(OfflineError) as caught:
            helm.render(Release(chart(tmp_path / "web", ECHO_CHART, extra=extra), "r"))
        assert caught.value.faults[0] == Fault(
            "The chart cannot be rendered offline: charts/ lacks its dependencies redis 1.2.3.",
            tmp_path / "web/Chart.yaml",
            hint=f"Run `helm dependency update {tmp_path / 'web'}` and commit charts/.",
        )

    def test_of_another_folder(self, helm: Helm, tmp_path: Path) -> None:
        extra = "dependencies: [{{name: {name}, version: 1.0.0, repository: 'file://../{name}'}}]\n"
        folder = chart(tmp_path / "web", {}, extra=extra.format(name="common"))
        chart(tmp_path / "common", {"templates/c.yaml": "kind: C\n"}, "common", extra.format(name="deep"))
        chart(tmp_path / "deep", {"templates/d.yaml": "kind: D\n"}, "deep")
        assert sorted(manifest.path for manifest in helm.render(Release(folder, "r")).manifests) == [
            "charts/common/charts/deep/templates/d.yaml",
            "charts/common/templates/c.yaml",
        ]
        assert not (folder / "charts").exists()

    def test_vendored_as_an_archive(self, helm: Helm, tmp_path: Path) -> None:
        extra = "dependencies: [{name: redis, version: 1.0.0, repository: 'https://charts.example.com'}]\n"
        folder = chart(tmp_path / "web", {}, extra=extra)
        chart(tmp_path / "redis", {"templates/r.yaml": "kind: R\n"}, "redis")
        (folder / "charts").mkdir()
        with tarfile.open(folder / "charts/redis-1.0.0.tgz", "w:gz") as archive:
            archive.add(tmp_path / "redis", "redis")
        assert [each.path for each in helm.render(Release(folder, "r")).manifests] == ["charts/redis/templates/r.yaml"]
