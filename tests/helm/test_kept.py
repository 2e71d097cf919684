"""What Helm answered before: byte for byte what it would answer now, and never what is left to chance."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argosy import cache, paths
from argosy.errors import RenderError
from argosy.helm import Helm, Parameter, Release, engine, lintable, workers
from argosy.helm.binary import Binary
from argosy.helm.kept import leaves_to_chance
from tests.helm.releases import ECHO, chart


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of this test's cache."""
    monkeypatch.setenv("ARGOSY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def kept(place: Path) -> int:
    return sum(path.is_file() for path in place.rglob("*"))


def said(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except RenderError as error:
        return type(error), error.faults


def lint(helm: Helm, release: Release) -> Any:
    with lintable(release) as sound:
        return helm.lint(sound)


NAMES = '{{ .Release.Name }}/{{ .Release.Namespace }}: {{ .Chart.Version }}, {{ .Files.Get "notes.md" | quote }}\n'
TEXTS: Mapping[str, tuple[str | None, ...]] = {
    "chart/values.yaml": ("a: 1\n", "a: 2\nb: {c: null}\n", "a: [\n", None),
    "chart/templates/echo.yaml": (ECHO, NAMES, "{{ .Values.a.b.c }}\n", "{{ randAlphaNum 9 }}: {{ now }}\n", None),
    "chart/templates/other.yaml": ('{{ include "x" . }}\n', "x: {{ tpl .Values.t . }}\n", None),
    "chart/templates/_x.tpl": ('{{ define "x" }}x: 1{{ end }}', '{{ define "x" }}x: {{ .Values.a }}{{ end }}', None),
    "chart/notes.md": ("one", "two", "on", None),
    "chart/.helmignore": ("*.md\n", "echo.yaml\n", None),
    "chart/values.schema.json": ('{"required": ["a"]}', '{"properties": {"a": {"type": "string"}}}', None),
    "chart/charts/sub/Chart.yaml": ("apiVersion: v2\nname: sub\nversion: 1.0.0\n", None),
    "chart/charts/sub/templates/a.yaml": (ECHO, "sub: true\n", None),
    "prod.yaml": ("a: 7\n", "t: '{{ .Values.a }}'\n", "t: '{{ uuidv4 }}'\n", None),
    "text": ("one", "two", None),
}
EDITS = st.sampled_from([(path, text) for path, texts in TEXTS.items() for text in texts])


def releases(folder: Path) -> st.SearchStrategy[Release]:
    return st.builds(
        Release,
        chart=st.just(folder / "chart"),
        root=st.just(folder),
        name=st.sampled_from(["web", "api"]),
        namespace=st.sampled_from(["", "prod"]),
        values=st.sampled_from([(), (folder / "prod.yaml",)]),
        inline=st.sampled_from(["", "a: 3\n", "b: 3\n"]) | st.fixed_dictionaries({"a": st.sampled_from([1, "1"])}),
        parameters=st.lists(st.builds(Parameter, st.just("a"), st.sampled_from("12"), st.booleans()), max_size=1),
        file_parameters=st.sampled_from([(), (("a", folder / "text"),)]),
        skip_tests=st.booleans(),
        skip_crds=st.booleans(),
        skip_schema_validation=st.booleans(),
    )


def test_as_without(helm: Helm, tmp_path: Path) -> None:
    """One code keeps what either engine answers: the quicker one is asked everything, and the program a part of it."""
    folder = tmp_path / "repository"

    @settings(max_examples=3 if isinstance(helm, Binary) else 40, suppress_health_check=[HealthCheck.too_slow])
    @given(edits=st.lists(EDITS, max_size=6), release=releases(folder))
    def check(edits: list[tuple[str, str | None]], release: Release) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        chart(folder / "chart", {"values.yaml": "a: 1\n", "templates/echo.yaml": ECHO})
        (folder / "prod.yaml").write_text("a: 7\n")
        (folder / "text").write_text("one")
        for path, text in edits:
            (folder / path).unlink(missing_ok=True)
            if text is not None:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_text(text)
        for work in (partial(helm.render, release), partial(lint, helm, release)):
            with cache.off():
                without = said(work)
            if not is_chance(folder):
                assert said(work) == without
                with paths.unchanged():
                    assert said(work) == without
                    # What failed is not kept, as is told below.
                    assert isinstance(without, tuple) or said(work) == without

    check()


@pytest.mark.usefixtures("place")
def test_whatever_tells_two_releases_apart_tells_what_is_kept_apart(tmp_path: Path, helm: Helm) -> None:
    files = {
        "values.yaml": "a: 1\n",
        "values.schema.json": '{"properties": {"a": {"type": "integer"}}}',
        "templates/all.yaml": f"{NAMES}echo: {ECHO}",
        "templates/test.yaml": "kind: Pod\nmetadata: {name: test, annotations: {helm.sh/hook: test}}\n",
        "crds/a.yaml": "kind: CustomResourceDefinition\n",
    }
    (tmp_path / "prod.yaml").write_text("a: 7\n")
    (tmp_path / "text").write_text("one")
    plain = Release(chart(tmp_path / "chart", files), "web", root=tmp_path, skip_schema_validation=True)
    for change in (
        {"name": "api"},
        {"namespace": "prod"},
        {"values": [tmp_path / "prod.yaml"]},
        {"inline": "a: 3\n"},
        {"inline": "a: text\n"},
        {"parameters": [Parameter("a", "5")]},
        {"parameters": [Parameter("a", "5", force_string=True)]},
        {"file_parameters": [("a", tmp_path / "text")]},
        {"file_parameters": [("b", tmp_path / "text")]},
        {"skip_tests": True},
        {"skip_crds": True},
        {"inline": "a: text\n", "skip_schema_validation": False},
    ):
        release = replace(plain, **change)
        with cache.off():
            without = said(partial(helm.render, release))
        assert without != said(partial(helm.render, plain)), change
        assert said(partial(helm.render, release)) == without, change


def is_chance(folder: Path) -> bool:
    texts = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    return any(word in text for text in texts for word in (b"randAlphaNum", b"uuidv4"))


def test_what_changes_while_helm_renders_is_not_kept(
    tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = chart(tmp_path / "chart", {"templates/a.yaml": "a: before\n"})
    ask = workers.ask

    def edited(*arguments: Any, **options: Any) -> Any:
        (folder / "templates" / "a.yaml").write_text("a: after\n")
        return ask(*arguments, **options)

    with paths.unchanged():
        engine().render(Release(folder, "known"))
        monkeypatch.setattr(workers, "ask", edited)
        for name in ("web", "web"):
            assert "after" in engine().render(Release(folder, name)).manifests[0].text
    # Of the second, nothing had changed since the first.
    assert kept(place) == 2
    monkeypatch.setattr(workers, "ask", ask)
    (folder / "templates" / "a.yaml").write_text("a: before\n")
    assert "before" in engine().render(Release(folder, "web")).manifests[0].text


CHANCE = {
    "function": ({"templates/a.yaml": "a: {{ uuidv4 }}\n"}, ""),
    "helper": ({"templates/a.yaml": '{{ include "x" . }}', "templates/_x.tpl": '{{define "x"}}a: {{now}}{{end}}'}, ""),
    "value": ({"templates/a.yaml": "a: {{ tpl .Values.t . }}\n", "values.yaml": "t: '{{ randInt 0 99999999 }}'\n"}, ""),
    "given": ({"templates/a.yaml": "a: {{ tpl .Values.t . }}\n"}, "t: '{{ randAlpha 20 }}'\n"),
    "put-together": (
        {"templates/a.yaml": 'a: {{ tpl (printf "{{ %s }}" .Values.t) . }}\n', "values.yaml": "t: uuidv4\n"},
        "",
    ),
    "brackets-in-a-text": ({"templates/a.yaml": 'a: {{ printf "}} %s" uuidv4 }}\n'}, ""),
    "certificate": ({"templates/a.yaml": 'a: {{ (genCA "a" 9).Cert | b64enc }}\n'}, ""),
    "salt": ({"templates/a.yaml": 'a: {{ htpasswd "a" "b" | quote }}\n'}, ""),
    "today": ({"templates/a.yaml": 'a: {{ date "2006" "x" | quote }}\n'}, ""),
}


@pytest.mark.parametrize("which", CHANCE)
def test_what_is_left_to_chance_is_not_kept(tmp_path: Path, place: Path, which: str) -> None:
    files, inline = CHANCE[which]
    release = Release(chart(tmp_path / "chart", files), "web", inline=inline)
    engine().render(release)
    assert kept(place) == 0


def test_nor_in_a_dependency_that_is_an_archive(tmp_path: Path, place: Path) -> None:
    dependency = chart(tmp_path / "sub", {"templates/a.yaml": "a: {{ uuidv4 }}\n"}, "sub")
    folder = chart(tmp_path / "chart", {"templates/a.yaml": "a: 1\n"})
    (folder / "charts").mkdir()
    with tarfile.open(folder / "charts" / "sub-1.0.0.tgz", "w:gz") as archive:
        archive.add(dependency, "sub")
    assert len(engine().render(Release(folder, "web")).manifests) == 2
    assert kept(place) == 0


@pytest.mark.parametrize(
    "text",
    [
        "{{/* As it is now, with a date. */}}\na: {{ .Values.a }}\n",
        "{{- /* now */ -}}\na: 1\n",
        "# now and then, see the keys\na: {{ .Values.a }}\n",
        'a: {{ derivePassword 1 "long" "a" "b" "c" }}\n',
    ],
)
def test_what_only_speaks_of_it_is_kept(tmp_path: Path, place: Path, text: str) -> None:
    release = Release(chart(tmp_path / "chart", {"templates/a.yaml": text}), "web")
    assert engine().render(release) == engine().render(release)
    assert kept(place) == 1


def test_an_archive_that_is_too_much_may_hold_anything() -> None:
    bomb = io.BytesIO()
    with gzip.open(bomb, "wb", compresslevel=1) as stream:
        for _ in range(101):
            stream.write(bytes(1024 * 1024))
    assert leaves_to_chance([bomb.getvalue()])
    assert leaves_to_chance([gzip.compress(gzip.compress(b"a"))])
    assert leaves_to_chance([gzip.compress(b"a")[:-3]])
    assert not leaves_to_chance([gzip.compress(b"a")])


def test_a_failure_is_not_kept(tmp_path: Path, helm: Helm, place: Path) -> None:
    release = Release(chart(tmp_path / "chart", {"templates/a.yaml": '{{ fail "no" }}'}), "web")
    for _ in range(2):
        with pytest.raises(RenderError, match="no"):
            helm.render(release)
    assert kept(place) == 0


def test_the_same_chart_elsewhere(tmp_path: Path, place: Path, helm: Helm) -> None:
    files = {"templates/a.yaml": "a: {{ .Values.a }}\n"}
    one, other = (chart(tmp_path / name / "web", files) for name in ("one", "other"))
    assert helm.render(Release(one, "web")) == helm.render(Release(other, "web"))
    assert kept(place) == 1


def test_a_link_out_of_the_repository_is_refused_as_ever(tmp_path: Path, place: Path, helm: Helm) -> None:
    release = Release(chart(tmp_path / "in" / "chart", {"values.yaml": "a: 1\n", "templates/a.yaml": ECHO}), "web")
    release = replace(release, root=tmp_path / "in")
    helm.render(release)
    outside = tmp_path / "outside.yaml"
    outside.write_text("a: 1\n")
    (release.chart / "values.yaml").unlink()
    (release.chart / "values.yaml").symlink_to(os.path.relpath(outside, release.chart))
    with pytest.raises(RenderError, match="leads out of the repository"):
        helm.render(release)
