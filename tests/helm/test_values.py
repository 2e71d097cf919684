"""Values are merged as Helm and Argo CD merge them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from argosy.errors import RenderError
from argosy.helm import Helm, Parameter, Release
from tests.helm.releases import ECHO, ECHO_CHART, chart, faults, library, values


class TestValues:
    """Argo CD's precedence."""

    def test_precedence(self, helm: Helm, tmp_path: Path) -> None:
        folder = chart(tmp_path / "web", ECHO_CHART)
        (tmp_path / "one.yaml").write_text("m: {file: 1, both: 1}\nl: [1, 2]\nkept: one\n")
        (tmp_path / "two.yaml").write_text("m: {both: 2, inline: 2}\nl: [3]\nown: {a: null}\n")
        (tmp_path / "text").write_text("content")
        release = Release(
            folder,
            "r",
            values=[tmp_path / "one.yaml", tmp_path / "two.yaml"],
            inline={"m": {"inline": 3, "parameter": 3}},
            parameters=[
                Parameter("m.parameter", "true"),
                Parameter("s", "1", force_string=True),
                Parameter("c", "a,b"),
            ],
            file_parameters=[("f", tmp_path / "text")],
        )
        assert values(helm, release) == {
            "own": {"b": 2},
            "m": {"file": 1, "both": 2, "inline": 3, "parameter": True},
            "l": [3],
            "kept": "one",
            "s": "1",
            "c": "a,b",
            "f": "content",
        }

    @pytest.mark.parametrize(
        ("name", "value", "expected"),
        [
            ("l[1]", "x", {"l": [{"a": 1, "b": 2}, "x", "three"]}),
            ("l[0].a", "9", {"l": [{"a": 9, "b": 2}, "two", "three"]}),
            ("l", "{1,2}", {"l": [1, 2]}),
            (r"m.dotted\.key", "v", {"m": {"dotted.key": "v"}}),
            ("l", "null", {"l": None}),
        ],
    )
    def test_parameters(self, helm: Helm, tmp_path: Path, name: str, value: str, expected: Mapping[str, Any]) -> None:
        folder = chart(tmp_path / "web", {"templates/echo.yaml": ECHO})
        release = Release(folder, "r", inline="l: [{a: 1, b: 2}, two, three]", parameters=[Parameter(name, value)])
        assert values(helm, release) == {"l": [{"a": 1, "b": 2}, "two", "three"], **expected}

    @pytest.mark.parametrize(
        "text",
        [
            "a: 1\nm: {x: 1, y: [1]}\n---\nm: {z: 2, y: [2]}\n---\na: 3\n",
            "---\na: 1\n---  # more\r\n# nothing\n---\nm: {x: 1}\n",
            "a: {x: 1}\n---\na: text\n---\na: {y: 1}\n",
            "a: 1\n...\nb: 2\n---\nc: 3\n",
            "a: |\n  ---\n  x\n",
            "a: 1\n--- {b: 2}\n",
            "a: 1\n---\n[b]\n",
            "a: 1\n---\nb: [\n",
            "a: &x 1\n---\nb: *x\n",
        ],
    )
    def test_documents_are_merged_as_a_charts_own_are(self, helm: Helm, tmp_path: Path, text: str) -> None:
        """Helm itself reads the chart's own values: it judges what argosy makes of a file beside it."""

        def outcome(release: Release) -> Any:
            try:
                return values(helm, release)
            except RenderError:
                return "refused"

        (tmp_path / "more.yaml").write_bytes(text.encode())
        own = chart(tmp_path / "own", {"templates/echo.yaml": ECHO, "values.yaml": text})
        other = chart(tmp_path / "other", {"templates/echo.yaml": ECHO})
        expected = outcome(Release(own, "r"))
        assert outcome(Release(other, "r", values=[tmp_path / "more.yaml"])) == expected
        assert outcome(Release(other, "r", inline=text)) == expected

    def test_a_file_with_a_comma_in_its_name_is_one_file(self, helm: Helm, tmp_path: Path) -> None:
        folder = chart(tmp_path / "web", ECHO_CHART)
        odd = tmp_path / f'a "b",{tmp_path}/secret.yaml'
        odd.parent.mkdir(parents=True)
        odd.write_text("own: {c: 3}\n")
        (tmp_path / 'a "b"').write_text("read: 1\n")
        (tmp_path / "secret.yaml").write_text("secret: 1\n")
        assert values(helm, Release(folder, "r", values=[odd])) == {"own": {"a": 1, "b": 2, "c": 3}}

    def test_missing_and_broken_files(self, helm: Helm, tmp_path: Path) -> None:
        folder = chart(tmp_path / "web", ECHO_CHART)
        gone = Release(folder, "r", values=[tmp_path / "gone.yaml"])
        assert faults(helm, gone) == [("This values file does not exist.", "gone.yaml", None)]

    def test_broken_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "bad.yaml").write_text("a: 1\nb: [\n")
        release = Release(chart(tmp_path / "web", ECHO_CHART), "r", values=[tmp_path / "bad.yaml"])
        ((message, path, line),) = faults(library(monkeypatch), release)
        assert message.startswith("This is not valid YAML: ")
        assert (path, line) == ("bad.yaml", 2)
