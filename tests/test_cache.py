"""The cache: found by content alone, never believed when it is damaged, never a reason to fail."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy import cache
from argosy.errors import UsageError
from argosy.supervisor import StoppedError
from tests.conftest import NO_PRIVILEGES, SMALL_FILES, Argosy, Process


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of this test's cache."""
    monkeypatch.setenv("ARGOSY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Work:
    """Work whose result is the number of times that it was done."""

    def __init__(self) -> None:
        self.done = 0

    def __call__(self) -> Any:
        self.done += 1
        return {"done": self.done}


def remembered(work: Callable[[], Any], *facts: Any, lasting: bool = True, places: Any = ()) -> Any:
    return cache.remembered(lambda: cache.inputs(facts, ()), work, lambda *_: lasting, places)


def cache_file(digest: str) -> Path:
    return Path(os.environ["ARGOSY_CACHE"], digest[:2], digest[2:])


def kept(place: Path) -> list[Path]:
    return [path for path in place.rglob("*") if path.is_file()]


def test_found_again() -> None:
    work = Work()
    assert [remembered(work, fact)["done"] for fact in "aab"] == [1, 1, 2]


def test_not_kept_where_it_does_not_last(place: Path) -> None:
    work = Work()
    remembered(work, lasting=False)
    cache.remembered(lambda: cache.inputs("a", ()), lambda: f"{place}/x", lambda *_: True, [place])
    assert not kept(place)


def test_not_kept_where_the_inputs_changed_meanwhile(tmp_path: Path, place: Path) -> None:
    file = tmp_path / "file"
    file.write_text("before")

    def work() -> str:
        file.write_text("after")
        return "made of neither"

    cache.remembered(lambda: cache.inputs("", [("file", file)]), work, lambda *_: True, ())
    assert not kept(place)


@pytest.mark.parametrize("damage", [lambda _: b"", lambda all_: all_[:-1], lambda all_: all_[:40] + b"x" + all_[41:]])
def test_what_is_damaged_is_made_anew(place: Path, damage: Callable[[bytes], bytes]) -> None:
    work = Work()
    remembered(work)
    (file,) = kept(place)
    file.write_bytes(damage(file.read_bytes()))
    assert [remembered(work), remembered(work)] == [{"done": 2}, {"done": 2}]


def test_one_result_in_the_place_of_another_is_not_believed(place: Path) -> None:
    work = Work()
    remembered(work, "a")
    (one,) = kept(place)
    remembered(work, "b")
    (other,) = {*kept(place)} - {one}
    other.write_bytes(one.read_bytes())
    assert remembered(work, "b") == {"done": 3}


def test_what_a_command_had_to_stop_it_does_not_try_again(tmp_path: Path) -> None:
    file, tries = tmp_path / "file", []

    def ask() -> None:
        def stop() -> None:
            tries.append(file.read_text())
            raise StoppedError("It did not end.", "Look for a loop.")

        with pytest.raises(StoppedError, match="It did not end") as caught:
            cache.remembered(lambda: cache.inputs("a", [("file", file)]), stop, lambda *_: True, ())
        assert caught.value.hint == "Look for a loop."

    file.write_text("1")
    with cache.one_command():
        ask()
        ask()
        file.write_text("2")
        ask()
        file.write_text("1")
        ask()
        assert tries == ["1", "2"]
        cache.try_again()
        ask()
    ask()
    ask()
    assert tries == ["1", "2", "1", "1", "1"]


def test_off(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    work = Work()
    with cache.off():
        remembered(work)
    monkeypatch.setenv("ARGOSY_CACHE", "")
    remembered(work)
    assert work.done == 2
    assert not place.exists()


@pytest.mark.parametrize(
    ("variables", "where"),
    [
        ({"XDG_CACHE_HOME": "{0}/x"}, "x/argosy"),
        ({"HOME": "{0}/h"}, "h/.cache/argosy"),
        ({"HOME": "{0}/h", "XDG_CACHE_HOME": "relative"}, "h/.cache/argosy"),
    ],
)
def test_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variables: dict[str, str], where: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ARGOSY_CACHE")
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(tmp_path))
    remembered(Work())
    assert kept(tmp_path / where) == kept(tmp_path) != []


def test_no_relative_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGOSY_CACHE", "here")
    with pytest.raises(UsageError, match="no absolute path"):
        remembered(Work())


def test_nobody_else_reads_it(place: Path) -> None:
    remembered(Work())
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept(place)} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (place, *place.iterdir())} == {0o700}


def test_a_folder_that_others_may_write_to_is_not_used(place: Path) -> None:
    place.mkdir()
    place.chmod(0o777)
    work = Work()
    assert [remembered(work), remembered(work)] == [{"done": 1}, {"done": 2}]


def test_what_was_not_used_for_longest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "LARGEST", 256 * 200)  # Three results a folder.
    digests = {number: made.digest for number in range(2000) if (made := cache.inputs([number], ()))}
    together = [number for number, digest in digests.items() if digest.startswith("00")][:4]
    work = Work()
    for age, number in enumerate(together[:3]):
        remembered(work, number)
        os.utime(cache_file(digests[number]), (age, age))
    for number in (together[0], together[3], together[0], together[1]):
        remembered(work, number)
    # The first was used again, so that the second had to give way to the fourth.
    assert work.done == 5


def test_what_is_too_large_is_not_kept(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "LARGEST", 256 * 300)
    remembered(lambda: os.urandom(1000).hex())
    assert not kept(place)


def test_threads_and_processes_at_once(place: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = [*threads.map(lambda number: remembered(lambda: "x" * 10_000, number % 5), range(200))]
    assert found == ["x" * 10_000] * 200
    assert len(kept(place)) == 5


# A list of parts and where one ends has to be told from another's.
@given(
    st.lists(st.tuples(st.text("ab/", max_size=3), st.binary(max_size=3)), max_size=3),
    st.lists(st.tuples(st.text("ab/", max_size=3), st.binary(max_size=3)), max_size=3),
)
def test_digests_tell_apart(
    tmp_path_factory: pytest.TempPathFactory, one: list[tuple[str, bytes]], other: list[tuple[str, bytes]]
) -> None:
    folder = tmp_path_factory.mktemp("files")

    def digest(parts: list[tuple[str, bytes]]) -> str:
        files = []
        for number, (name, content) in enumerate(parts):
            (folder / str(number)).write_bytes(content)
            files.append((name, folder / str(number)))
        made = cache.inputs([], files)
        assert made
        return made.digest

    assert (digest(one) == digest(other)) == (one == other)


CHART = {
    "chart/Chart.yaml": "apiVersion: v2\nname: chart\nversion: 1.0.0\n",
    "chart/templates/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: x}\n",
    "chart/values.yaml": "a: secret-word\n",
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for path, text in CHART.items():
        (tmp_path / "repository" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "repository" / path).write_text(text)
    return tmp_path / "repository"


@pytest.mark.parametrize(
    "prelude",
    [
        pytest.param(SMALL_FILES.format(0), id="full-disk"),
        pytest.param(f"{NO_PRIVILEGES}\nos.chmod(os.environ['HOME'], 0o500)", id="read-only-home"),
    ],
)
def test_no_cache_is_no_reason_to_fail(process: Process, repository: Path, tmp_path: Path, prelude: str) -> None:
    (tmp_path / "home").mkdir()
    env = {"HOME": str(tmp_path / "home")}
    if "chmod" in prelude:
        env["XDG_CACHE_HOME"] = str(tmp_path / "home")
    start = f"import os\nos.environ.pop('ARGOSY_CACHE', None)\n{prelude}"
    done = process("validate", str(repository), env=env, prelude=start)
    (tmp_path / "home").chmod(0o700)
    assert done.code == 0
    assert "in 1 render)" in done.out
    assert not kept(tmp_path / "home")


def test_no_cache_option(process: Process, repository: Path, place: Path) -> None:
    assert process("validate", "--no-cache", str(repository)).code == 0
    assert not place.exists()
    assert process("validate", str(repository)).code == 0
    assert kept(place)


def test_what_is_found_is_found_again(argosy: Argosy, repository: Path) -> None:
    """With a cache, without one, and with one of another state of the repository, validation says the same."""
    faults = {
        "a/twice.yaml": "a: 1\na: 2\n",
        "a/list.yaml": "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, spec: {containers: 1}}\n",
        "a/token.yaml": "# argosy: ignore[file-schema] it is none\ntoken: https://a:hunter2secret@example.com\n",
        "templates/pod.yaml": "apiVersion: v1\nkind: Pod\nspec: {x: {{ .Values.x }}, x: 2}\n",
    }
    for path, text in faults.items():
        (repository / path).parent.mkdir(exist_ok=True)
        (repository / path).write_text(text)
    validate = ("validate", "--output", "json", "--strict", str(repository))

    def said() -> set[str]:
        return {argosy(*validate, *more).out for more in ((), (), ("--no-cache",))}

    [before] = said()
    assert before.count('"rule"') > 3
    (repository / "a/twice.yaml").write_text("a: 1\nb: 2\n")
    [after] = said()
    assert after != before
    (repository / "a/twice.yaml").write_text(faults["a/twice.yaml"])
    assert said() == {before}


def test_a_command_holds_no_more_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_MOST_HELD", 5)
    first, second = Work(), Work()
    with cache.off(), cache.one_command():
        for _ in range(2):
            remembered(first, "first")
            remembered(second, "second")
    assert (first.done, second.done) == (1, 2)
