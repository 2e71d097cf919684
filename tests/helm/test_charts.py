"""Charts are rendered with the dependencies that the repository holds."""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from argosy.errors import Fault, OfflineError, RenderError
from argosy.helm import Dependency, Helm, Release, lintable
from argosy.helm.binary import Binary
from tests.helm.releases import ECHO_CHART, chart, library


@pytest.fixture(name="own")
def _own(monkeypatch: pytest.MonkeyPatch) -> Helm:
    """Return one engine, for what argosy refuses before it asks either."""
    return library(monkeypatch)


class TestDependencies:
    def test_missing_from_the_network(self, helm: Helm, tmp_path: Path) -> None:
        def fetched(dependency: Dependency) -> Path | str:
            name, files = dependency.name, {"templates/r.yaml": "kind: R\n"}
            return chart(tmp_path / name, files, name) if is_there else "it is away"

        listed = """\
dependencies:
- {name: redis, version: 1.x, repository: 'https://charts.example.com/'}
- {name: more, version: 1.2.3, repository: 'oci://charts.example.com', condition: more.enabled}
- {name: more, version: 1.2.3, repository: 'oci://charts.example.com', alias: out, tags: [out]}
"""
        files = {"values.yaml": "more: {enabled: false}\ntags: {out: false}\n", "templates/a.yaml": "kind: A\n"}
        folder = chart(tmp_path / "web", files, extra=listed)
        (folder / "Chart.lock").write_text("dependencies: [{name: redis, version: 1.4.2}]\n")
        release = Release(folder, "r", fetched=fetched)
        is_there = False
        made = helm.render(release)
        # What its values switch off, nobody misses; a helm binary does not say what they are.
        lacking = "the dependency redis 1.4.2 of https://charts.example.com is not in charts/: it is away"
        assert made.lacking[0] == lacking
        assert len(made.lacking) == 1 or isinstance(helm, Binary)
        assert [each.path for each in made.manifests] == ["templates/a.yaml"]

        (folder / "templates/a.yaml").write_text('kind: {{ include "redis.name" . }}\n')
        with pytest.raises(OfflineError) as caught:
            helm.render(release)
        assert caught.value.faults[0] == Fault(lacking, folder / "Chart.yaml")

        (folder / "templates/a.yaml").write_text("kind: A\n")
        is_there = True
        assert {"charts/redis/templates/r.yaml", "templates/a.yaml"} == {
            each.path for each in helm.render(release).manifests
        }

    @pytest.mark.parametrize(
        ("repository", "why"),
        [
            ("", "it names no repository"),
            ("file://../nowhere", "there is no chart in ../nowhere"),
            ("charts.example.com/web", "“charts.example.com/web” is no URL of a repository"),
        ],
    )
    def test_that_nobody_can_get(self, helm: Helm, tmp_path: Path, repository: str, why: str) -> None:
        listed = (
            f"dependencies: [{{name: redis, version: 1.0.0, repository: '{repository}', condition: redis.enabled}}]\n"
        )
        folder = chart(tmp_path / "web", {"values.yaml": "redis: {enabled: false}\n"}, extra=listed)
        release = Release(folder, "r", fetched=lambda _: "it names no repository")
        with pytest.raises(RenderError) as caught:
            helm.render(release)
        assert not isinstance(caught.value, OfflineError)
        (fault,) = caught.value.faults
        assert fault.message == f"The dependency redis is not in charts/, and {why}: helm dependency build fails."
        assert fault.path == folder / "Chart.yaml"

    def test_that_has_two_aliases(self, helm: Helm, tmp_path: Path) -> None:
        listed = "".join(
            f"- {{name: lib, version: {version}, repository: 'file://../{version}', alias: {alias}}}\n"
            for alias, version in (("one", "1.0.0"), ("two", "1.0.0"), ("three", "2.0.0"))
        )
        folder = chart(tmp_path / "web", {}, extra=f"dependencies:\n{listed}")
        for version in ("1.0.0", "2.0.0"):
            about = {"Chart.yaml": f"name: lib\nversion: {version}\n"}  # As Helm 2 took it, without apiVersion.
            chart(tmp_path / version, {"templates/c.yaml": "kind: V{{ .Chart.Version }}\n", **about})
        assert sorted((each.path, each.text.strip()) for each in helm.render(Release(folder, "r")).manifests) == [
            ("charts/one/templates/c.yaml", "kind: V1.0.0"),
            ("charts/three/templates/c.yaml", "kind: V2.0.0"),
            ("charts/two/templates/c.yaml", "kind: V1.0.0"),
        ]

    def test_that_multiply_a_folder(self, helm: Helm, tmp_path: Path) -> None:
        listed = "\n".join(f"- {{name: big{n}, version: 1.0.0, repository: 'file://big'}}" for n in range(200))
        folder = chart(tmp_path / "web", ECHO_CHART, extra=f"dependencies:\n{listed}\n")
        chart(folder / "big", {}, "big")
        with (folder / "big/zeros").open("wb") as stream:
            stream.truncate(1024 * 1024)
        with pytest.raises(RenderError, match="more than 104,857,600 bytes with its dependencies"):
            helm.render(Release(folder, "r"))

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


def test_what_is_gits_own_is_not_shown_to_a_chart_beside_it(helm: Helm, tmp_path: Path) -> None:
    text = '{{ .Files.Get ".git/config" | default "nothing" }}: {{ .Files.Get "here.txt" }}\n'
    folder = chart(tmp_path / "web", {".git/config": "token", "here.txt": "here", "templates/a.yaml": text})
    (manifest,) = helm.render(Release(folder, "r", root=folder)).manifests
    assert manifest.text.strip() == "nothing: here"
    with lintable(Release(folder, "r", root=folder)) as release:
        assert not (release.chart / ".git").exists()
    assert (folder / ".git/config").exists()


class TestSchemas:
    @pytest.mark.parametrize(
        "schema",
        [
            {"$schema": "https://json-schema.org/draft/2020-12/schema", "$ref": "#/$defs/a", "$defs": {"a": {}}},
            {"$id": "https://example.com/web.json", "properties": {"$ref": {"$ref": "#"}}},
            {"$schema": "http://json-schema.org/schema#"},
            {"$schema": "http://json-schema.org/draft-07/schema#", "$ref": "http://json-schema.org/draft-07/schema#"},
        ],
    )
    def test_what_a_schema_holds_itself_is_read(self, helm: Helm, tmp_path: Path, schema: object) -> None:
        files = {**ECHO_CHART, "values.schema.json": json.dumps(schema)}
        assert helm.render(Release(chart(tmp_path / "web", files), "r")).manifests

    @pytest.mark.parametrize(
        "schema",
        [
            '{"$ref": "https://example.com/x.json"}',
            '\ufeff{"$ref": "HTTPS://example.com/x.json"}',
            '{"$id": "https://example.com/", "not": {"$ref": "x.json"}}',
        ],
    )
    def test_without_what_lies_in_the_network_values_are_not_checked(
        self, helm: Helm, tmp_path: Path, schema: str
    ) -> None:
        folder = chart(tmp_path / "web", {**ECHO_CHART, "values.schema.json": schema})
        made = helm.render(Release(folder, "r"))
        assert made.manifests
        (message,) = made.messages
        why = r"which was not fetched \(offline\)\. The values were not checked by it\."
        assert re.fullmatch(rf"values\.schema\.json refers to \S+, {why}", message.text)

    @pytest.mark.parametrize(
        "schema", ['{"$ref": "x.json"}', '{"$dynamicRef": "file:///etc/passwd"}', '{"$ref": "//[example.com"}', "{"]
    )
    def test_what_lies_elsewhere_is_not(self, helm: Helm, tmp_path: Path, schema: str) -> None:
        folder = chart(tmp_path / "web", {**ECHO_CHART, "values.schema.json": schema})
        with pytest.raises(RenderError) as caught:
            helm.render(Release(folder, "r"))
        assert not isinstance(caught.value, OfflineError)
        assert caught.value.faults[0].path == folder / "values.schema.json"
        assert helm.render(Release(folder, "r", skip_schema_validation=True)).manifests

    def test_of_an_archive_within_an_archive(self, helm: Helm, tmp_path: Path) -> None:
        inner = chart(tmp_path / "inner", {"values.schema.json": '{"$ref": "https://example.com"}'}, "inner")
        middle, outer = chart(tmp_path / "middle", {}, "middle"), chart(tmp_path / "web", ECHO_CHART)
        for source, target in ((inner, middle), (middle, outer)):
            (target / "charts").mkdir()
            with tarfile.open(target / f"charts/{source.name}-1.0.0.tgz", "w:gz") as archive:
                archive.add(source, source.name)
        with pytest.raises(OfflineError, match=r"inner/values\.schema\.json of inner-1\.0\.0\.tgz refers to"):
            helm.render(Release(outer, "r"))

    def test_of_an_archive_without_end(self, own: Helm, tmp_path: Path) -> None:
        folder = chart(tmp_path / "web", {**ECHO_CHART, "charts/README.md": ""})
        with tarfile.open(folder / "charts/bomb-1.0.0.tgz", "w:gz", compresslevel=1) as archive:
            member = tarfile.TarInfo("bomb/zeros")
            member.size = 101 * 1024 * 1024
            archive.addfile(member, _Zeros())
        with pytest.raises(RenderError, match="unpacks to more than"):
            own.render(Release(folder, "r"))

    def test_of_archives_that_multiply(self, own: Helm, tmp_path: Path) -> None:
        folder = chart(tmp_path / "web", ECHO_CHART)
        (folder / "charts").mkdir()
        content = _archive([(tarfile.TarInfo("sub/zeros"), bytes(100_000))])
        for _ in range(6):
            content = _archive([(tarfile.TarInfo(f"sub/charts/{number}.tgz"), content) for number in range(20)])
        (folder / "charts/sub-1.0.0.tgz").write_bytes(content)
        with pytest.raises(RenderError, match="unpacks to more than"):
            own.render(Release(folder, "r"))

    def test_of_an_archive_of_empty_files(self, own: Helm, tmp_path: Path) -> None:
        folder = chart(tmp_path / "web", ECHO_CHART)
        (folder / "charts").mkdir()
        with gzip.open(folder / "charts/sub-1.0.0.tgz", "wb", compresslevel=1) as stream:
            stream.write(tarfile.TarInfo("sub/empty").tobuf() * 30_000)
        with pytest.raises(RenderError, match="more than 20,000 files"):
            own.render(Release(folder, "r"))

    @pytest.mark.parametrize(
        ("kind", "why"), [(tarfile.XHDTYPE, "unpacks to more than"), (tarfile.GNUTYPE_SPARSE, "is a sparse file")]
    )
    def test_of_an_archive_whose_headers_lie(self, own: Helm, tmp_path: Path, kind: bytes, why: str) -> None:
        folder = chart(tmp_path / "web", ECHO_CHART)
        (folder / "charts").mkdir()
        member = tarfile.TarInfo("sub/values.schema.json")
        member.type, member.size = kind, 101 * 1024 * 1024
        header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
        if kind == tarfile.GNUTYPE_SPARSE:
            header[483:495] = b"%011o\0" % (8 * 1024**3 - 1)
            header[148:156] = b"%06o\0 " % (sum(header[:148]) + 8 * 32 + sum(header[156:]))
        with gzip.open(folder / "charts/sub-1.0.0.tgz", "wb", compresslevel=1) as stream:
            stream.write(bytes(header))
            stream.write(bytes(102 * 1024 * 1024))
        with pytest.raises(RenderError, match=why):
            own.render(Release(folder, "r"))

    def test_that_cannot_be_compiled(self, helm: Helm, tmp_path: Path) -> None:
        files = {**ECHO_CHART, "values.schema.json": '{"$ref": "#/nowhere"}'}
        with pytest.raises(RenderError, match="The chart's schema is invalid") as caught:
            helm.render(Release(chart(tmp_path / "web", files), "r"))
        assert caught.value.faults


def _archive(members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=9) as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


class _Zeros(io.RawIOBase):
    """Zeros without end."""

    def read(self, size: int = -1) -> bytes:
        return bytes(size)
