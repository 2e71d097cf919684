"""Jsonnet as Argo CD evaluates it: what is imported from where, what is wrong at which line, and what it may take."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from argosy import jsonnet
from argosy.errors import OfflineError, RenderError
from argosy.jsonnet import Arguments, worker
from tests.validating import write_files

LOOP = "local f(x) = if x > 1e12 then x else f(x + 1) tailstrict; f(0)"
GROWING = "local f(x) = if std.length(x) > 1e12 then x else f(x + x) tailstrict; f('aaaaaaaa')"


def evaluate(root: Path, files: Mapping[str, str], given: Arguments | None = None) -> Any:
    """Return what the first of some files evaluates to."""
    write_files(root, files)
    return jsonnet.evaluate(root / next(iter(files)), root, given or Arguments())


def test_imports_and_arguments_are_those_of_argo_cd(tmp_path: Path) -> None:
    files = {
        "apps/deep/a.jsonnet": "function(name, count) [name, count, std.extVar('text'), std.extVar('code').x,\n"
        "  import 'both', import 'one', import \"beside\", importstr '../words.txt', importbin '../words.txt',\n"
        "  std.thisFile]",
        "apps/deep/beside": "(import 'one') + 1",
        "apps/both": "'of the source'",
        "one/both": "'of the first library'",
        "two/both": "'of the last library'",
        "one/one": "1",
        "apps/words.txt": "hi",
    }
    folders = [tmp_path / each for each in ("apps", "one", "two")]
    given = Arguments(folders, {"text": "1"}, {"code": "{x: 1 + 1}"}, {"name": "shop"}, {"count": "1 + 2"})
    found = evaluate(tmp_path, files, given)
    assert found[:4] == ["shop", 3, "1", 2]
    assert found[4:] == ["of the last library", 1, 2, "hi", [104, 105], "apps/deep/a.jsonnet"]
    names = {
        each.relative_to(tmp_path).as_posix()
        for each in jsonnet.read_by(tmp_path / next(iter(files)), tmp_path, folders)
    }
    assert names == {"two/both", "one/one", "apps/deep/beside", "apps/words.txt"}
    # A result is kept, and made anew where an import changes, or another one comes before it.
    (tmp_path / "one/one").write_text("5")
    (tmp_path / "apps/deep/both").write_text("'beside the file'")
    assert evaluate(tmp_path, {next(iter(files)): files["apps/deep/a.jsonnet"]}, given)[4:7] == [
        "beside the file",
        5,
        6,
    ]


@pytest.mark.parametrize(
    ("files", "where", "message"),
    [
        ({"a.jsonnet": "{\n  a: 1,\n  a: 2,\n}"}, "a.jsonnet:3", "not valid Jsonnet: Duplicate field: a."),
        ({"a.jsonnet": "{"}, "a.jsonnet:1", "not valid Jsonnet: Unexpected: end of file while"),
        ({"a.jsonnet": "import 'b'", "b": "\n{ x: y }"}, "b:2", "Unknown variable: y."),
        ({"a.jsonnet": "(import 'b').x", "b": "{\n  x: error 'two\\nlines',\n}"}, "b:2", "evaluated: two\nlines."),
        ({"a.jsonnet": "\nstd.extVar('env')"}, "a.jsonnet:2", "evaluated: Undefined external variable: env."),
        ({"a.jsonnet": "function(env) env"}, "a.jsonnet", "evaluated: Missing argument: env."),
        ({"a.jsonnet": "[1,\n import 'gone']"}, "a.jsonnet:2", "evaluated: “gone” cannot be imported: there is"),
        ({"a.jsonnet": "importstr '../x'"}, "a.jsonnet:1", "it leads out of the repository."),
        ({"a.jsonnet": "importstr '/etc/hostname'"}, "a.jsonnet:1", "it leads out of the repository."),
        ({"a.jsonnet": "importstr '.git/config'", ".git/config": "x"}, "a.jsonnet:1", "it is Git's own"),
        ({"a.jsonnet": "importstr '.'"}, "a.jsonnet:1", "Is a directory."),
        ({"a.jsonnet": "import 'a.jsonnet'"}, "a.jsonnet:1", "evaluated: max stack frames exceeded."),
        ({"a.jsonnet": "std.repeat('[', 1000)"}, "", ""),
    ],
)  # fmt: skip
def test_an_error_is_told_at_its_line(tmp_path: Path, files: dict[str, str], where: str, message: str) -> None:
    if not where:
        assert evaluate(tmp_path, files) == "[" * 1000
        return
    with pytest.raises(RenderError) as raised:
        evaluate(tmp_path, files)
    (fault,) = raised.value.faults
    assert fault.path
    place = fault.path.relative_to(tmp_path).as_posix()
    assert (f"{place}:{fault.line}" if fault.line else place) == where
    assert message in fault.message


def test_what_the_importer_refuses_is_told_whatever_lies_behind_it_in_memory(tmp_path: Path) -> None:
    engine = pytest.importorskip("_gojsonnet")
    options: dict[str, dict[str, str]] = {each: {} for each in ("ext_vars", "ext_codes", "tla_vars", "tla_codes")}
    located = 0
    for length in range(100):
        name = "gone" + "x" * length
        write_files(tmp_path, {"a.jsonnet": f"[1,\n import '{name}']"})
        answered = worker.answer(engine, {"root": str(tmp_path), "file": "a.jsonnet", "libraries": [], **options})
        first, *others = answered["error"].split("\n")
        assert first == f"RUNTIME ERROR: importer error: “{name}” cannot be imported: there is no such file"
        # Where what lies behind it is no text, the engine says nothing at all, so not where it was.
        assert not others or others[0].startswith("\ta.jsonnet:2:")
        located += bool(others)
    assert located > 50
    assert (
        worker._said(RuntimeError(""), ["one", "“other” is gone"]) == "RUNTIME ERROR: importer error: “other” is gone"
    )


@pytest.mark.parametrize(("text", "reason"), [(LOOP, "did not end within 0.2 seconds"), (GROWING, "MB")])
def test_who_takes_too_much_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, reason: str) -> None:
    monkeypatch.setenv("ARGOSY_RENDER_TIMEOUT", "0.2" if text is LOOP else "60")
    # How fast a loop grows is the engine's business.
    monkeypatch.setenv("ARGOSY_RENDER_MEMORY", "8000" if text is LOOP else "300")
    with pytest.raises(RenderError, match=reason) as raised:
        evaluate(tmp_path, {"a.jsonnet": text})
    assert raised.value.faults[0].stopped


def test_a_platform_without_jsonnet_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonnet, "_engine", lambda: None)
    with pytest.raises(OfflineError, match="gojsonnet has no build for this platform"):
        evaluate(tmp_path, {"a.jsonnet": "1"})
