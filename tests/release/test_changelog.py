"""The changelog by version: the argosy that is here has one that a release can be made of."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from release import __main__ as release
from release import changelog
from release.changelog import ReleaseError
from tests.conftest import Git

BEFORE = "# Changelog\n\nIts format.\n\n## Unreleased\n\n### Added\n\n- This.\n\n## 0.1.0 - 2026-01-31\n\n- That.\n"
DAY = date(2026, 12, 1)


class TestReleased:
    def test_what_is_unreleased_becomes_the_version_s(self) -> None:
        after = changelog.released(BEFORE, "0.2.0", DAY)
        assert after.splitlines()[4:8] == ["## Unreleased", "", "## 0.2.0 - 2026-12-01", ""]
        assert changelog.sections(after) == {"Unreleased": "", "0.2.0": "### Added\n\n- This.", "0.1.0": "- That."}
        assert changelog.notes(after, "0.2.0") == "### Added\n\n- This."
        # Nothing of what was written is lost.
        assert after.replace("\n## 0.2.0 - 2026-12-01\n", "") == BEFORE

    def test_a_version_is_released_once_and_with_something_to_say(self) -> None:
        with pytest.raises(ReleaseError, match=r"has version 0\.1\.0 already"):
            changelog.released(BEFORE, "0.1.0", DAY)
        with pytest.raises(ReleaseError, match="nothing to release"):
            changelog.released(changelog.released(BEFORE, "0.2.0", DAY), "0.3.0", DAY)


class TestNotes:
    def test_changes_that_are_not_yet_a_version_s_keep_it_from_being_published(self) -> None:
        with pytest.raises(ReleaseError, match=r"they belong to 0\.1\.0, or to a later commit"):
            changelog.notes(BEFORE, "0.1.0")
        with pytest.raises(ReleaseError, match=r"run `python -m release begin 0\.2\.0`"):
            changelog.notes(BEFORE, "0.2.0")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("## 0.1.0 - 2026-01-31", "## 0.1.0 (January)", r"write “## 0\.1\.0 \(January\)” as"),
        ("## 0.1.0 - 2026-01-31", "## Unreleased", "“Unreleased” twice"),
        ("## Unreleased", "## 0.2.0 - 2026-12-01", "does not begin with “## Unreleased”"),
    ],
)
def test_a_changelog_of_another_form(old: str, new: str, said: str) -> None:
    with pytest.raises(ReleaseError, match=said):
        changelog.sections(BEFORE.replace(old, new))


def test_ours_says_what_each_version_brings_by_kind_of_change() -> None:
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    for version, text in changelog.sections(release.CHANGELOG.read_text(encoding="utf-8")).items():
        headings = re.findall(r"(?m)^### (.*)$", text)
        assert set(headings) <= kinds, version
        assert len(headings) == len(set(headings)), version


def test_a_version_begins_in_both_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "CHANGELOG", tmp_path / "CHANGELOG.md")
    monkeypatch.setattr(release, "PROJECT", tmp_path / "pyproject.toml")
    release.CHANGELOG.write_text(BEFORE)
    release.PROJECT.write_text('[project]\nversion = "0.1.0"\n\n[tool.x]\nversion = "7"\n')
    monkeypatch.setattr("sys.argv", ["release", "begin", "two"])
    assert release.main() == 1
    assert release.CHANGELOG.read_text() == BEFORE
    monkeypatch.setattr("sys.argv", ["release", "begin", "0.2.0rc1"])
    assert release.main() == 0
    assert release.PROJECT.read_text() == '[project]\nversion = "0.2.0rc1"\n\n[tool.x]\nversion = "7"\n'
    assert changelog.sections(release.CHANGELOG.read_text())["0.2.0rc1"] == "### Added\n\n- This."


@pytest.mark.parametrize(
    ("tag", "said"),
    [("v0.2.0", "The tag is v0.2.0, and pyproject.toml says 0.1.0"), ("v0.1.0", "they belong to 0.1.0")],
)
def test_a_tag_that_is_not_this_version_s_builds_nothing(
    tag: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(release, "ROOT", tmp_path)
    monkeypatch.setattr(release, "CHANGELOG", tmp_path / "CHANGELOG.md")
    monkeypatch.setattr(release, "PROJECT", tmp_path / "pyproject.toml")
    release.CHANGELOG.write_text(BEFORE)
    release.PROJECT.write_text('[project]\nversion = "0.1.0"\ndescription = ""\n')
    monkeypatch.setattr("sys.argv", ["release", "build", "--tag", tag])
    assert release.main() == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "dist").exists()


def test_what_is_not_committed_is_not_published(tmp_path: Path, git: Git) -> None:
    git(tmp_path, "init", "--quiet")
    release._refuse_what_is_not_committed(tmp_path)
    (tmp_path / "notes of mine.txt").touch()
    with pytest.raises(ReleaseError, match=r"notes of mine\.txt.* is not as it is committed"):
        release._refuse_what_is_not_committed(tmp_path)


def test_the_formula_is_of_the_sdist_that_was_built() -> None:
    values = {
        "summary": "It starts repositories",
        "repository": "acme/argosy",
        "version": "0.2.0",
        "sdist": "argosy-0.2.0.tar.gz",
        "sha256": "0" * 64,
        "dependencies": release.DEPENDENCIES,
    }
    made = release.formula(values)
    assert '  url "https://github.com/acme/argosy/releases/download/v0.2.0/argosy-0.2.0.tar.gz"\n' in made
    assert f'  sha256 "{"0" * 64}"\n' in made
    assert not re.search(r"\{\w+\}", made)
    assert (release.ROOT / release.DEPENDENCIES).is_file()
    with pytest.raises(ReleaseError, match="summary"):
        release.formula({**values, "summary": 'It "starts"'})
