"""What a chart's schema refuses is told where it was set."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from argosy.errors import RenderError
from argosy.helm import Helm, Release, lintable
from argosy.helm.release import Parameter
from tests.helm.releases import SCHEMA, chart, faults


class TestSchemaFaults:
    def release(self, tmp_path: Path, text: str, **more: Any) -> Release:
        folder = chart(tmp_path / "web", {"values.schema.json": json.dumps(SCHEMA), "values.yaml": "name: x\n"})
        (tmp_path / "dev.yaml").write_text(text)
        return Release(folder, "r", values=[tmp_path / "dev.yaml"], **more)

    def test_each_violation_at_its_line(self, helm: Helm, tmp_path: Path) -> None:
        text = "replicaCount: one\nimage:\n  tga: 1\n  tag: 2\nhosts:\n- port: 1\n- port: x\nreplicas: 1\n"
        assert sorted(faults(helm, self.release(tmp_path, text)), key=lambda fault: fault[2] or 0) == [
            ("The chart's schema rejects the value “replicaCount”: got string, want integer.", "dev.yaml", 1),
            ("Unknown value “image.tga”.", "dev.yaml", 3),
            ("The chart's schema rejects the value “image.tag”: got number, want string.", "dev.yaml", 4),
            ("The chart's schema rejects the value “hosts[1].port”: got string, want integer.", "dev.yaml", 7),
            ("Unknown value “replicas”.", "dev.yaml", 8),
        ]

    def test_close_names_are_proposed(self, helm: Helm, tmp_path: Path) -> None:
        with pytest.raises(RenderError) as caught:
            helm.render(self.release(tmp_path, "image: {tga: x}\nzzz: 1\n"))
        hints = {fault.message: fault.hint for fault in caught.value.faults}
        assert hints == {
            "Unknown value “image.tga”.": "Did you mean “tag”?",
            "Unknown value “zzz”.": "The chart knows name, replicaCount, image, hosts.",
        }

    def test_what_lacks_quotes_is_quoted_as_it_is_written(self, helm: Helm, tmp_path: Path) -> None:
        def hints(text: str, **more: Any) -> list[str]:
            with pytest.raises(RenderError) as caught:
                helm.render(self.release(tmp_path, text, **more))
            return [fault.hint for fault in caught.value.faults]

        assert hints("image: {tag: 1.10}\n") == ['Put it in quotes: "1.10".']
        assert hints("image: {tag: 0755}\n") == ['Put it in quotes: "0755".']
        assert hints("image: {tag: yes}\n") == ['Put it in quotes: "yes".']
        assert hints("replicaCount: '3'\n") == ["Write 3 without quotes."]
        assert hints("replicaCount: three\n") == hints("image: {tag: [1]}\n") == [""]
        # Of what an Application sets, only the text tells how it is written.
        assert hints("", inline="image: {tag: 1.10}\n") == ['Put it in quotes: "1.10".']
        assert hints("", inline={"image": {"tag": 1.1}}) == ["Put it in quotes."]
        assert hints("", inline={"image": {"tag": 1.1}}, parameters=[Parameter("image.tag", "1")]) == [
            "Set forceString: true for this parameter."
        ]

    def test_required_value(self, helm: Helm, tmp_path: Path) -> None:
        assert faults(helm, self.release(tmp_path, "name: null\n")) == [
            ("The chart requires the value “name”.", "dev.yaml", None)
        ]

    def test_values_of_the_application_have_no_file(self, helm: Helm, tmp_path: Path) -> None:
        release = self.release(tmp_path, "image: {tag: x}\n", inline={"image": {"tag": 1}})
        assert faults(helm, release) == [
            ("The chart's schema rejects the value “image.tag”: got number, want string.", "", None)
        ]

    def test_skipped_validation(self, helm: Helm, tmp_path: Path) -> None:
        release = self.release(tmp_path, "replicas: 1\n", skip_schema_validation=True)
        assert not helm.render(release).manifests
        with lintable(release) as sound:
            assert "“replicas”" not in str(helm.lint(sound))
        with lintable(replace(release, skip_schema_validation=False)) as judged:
            assert "“replicas”" in str(helm.lint(judged))
