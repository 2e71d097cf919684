"""The template's versions: in a checkout, and in what is built from it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy import cache, git, pages
from argosy.cli import manual
from argosy.errors import ArgosyError
from argosy.git import command as commands
from argosy.template import versions as template
from tests import shared
from tests.conftest import Git

ROOT = Path(__file__).parents[2]
WITH_HISTORY = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="an unpacked sdist has no history to build from")
EDITOR = "templates/.gitignore"
OLDER = "# An older version of this file.\n"
TREES: st.SearchStrategy[Any] = st.recursive(
    st.tuples(st.binary(max_size=9), st.booleans()),
    lambda children: st.dictionaries(st.sampled_from(["a", "a-b", "a.b", "a0", "b", ".x", "é", "z z"]), children),
    max_leaves=8,
)


class TestTreeId:
    @given(st.dictionaries(st.sampled_from(["a", "a-b", "a.b", "a0", "b", "é"]), TREES, max_size=5))
    @settings(max_examples=20, deadline=None)
    def test_it_is_gits(self, tmp_path_factory: pytest.TempPathFactory, git: Git, tree: Mapping[str, Any]) -> None:
        folder = tmp_path_factory.mktemp("tree")
        lay(folder, tree)
        expected = template.tree_id(folder)
        git(folder, "init", "--quiet")
        git(folder, "add", "--all", "--force")
        assert git(folder, "write-tree").strip() == expected

    def test_the_current_version_is_the_id_of_the_template_alone(self, git: Git, tmp_path: Path) -> None:
        copy_template(tmp_path)
        git(tmp_path, "init", "--quiet")
        git(tmp_path, "add", "--all")
        assert git(tmp_path, "write-tree").strip() == template.current().version


def lay(folder: Path, tree: Mapping[str, Any]) -> None:
    folder.mkdir(exist_ok=True)
    for name, entry in tree.items():
        if isinstance(entry, dict):
            lay(folder / name, entry)
        else:
            content, executable = entry
            (folder / name).write_bytes(content)
            (folder / name).chmod(0o755 if executable else 0o644)


def copy_template(folder: Path) -> None:
    shutil.copy(ROOT / "copier.yml", folder)
    shutil.copytree(ROOT / "templates", folder / "templates")


def test_what_moves_between_two_versions_moves_back_in_reverse(tmp_path: Path) -> None:
    def version(name: str, *moved: str) -> template.Template:
        places = [{"from": each, "to": f"{each}-moved"} for each in moved]
        (tmp_path / name).mkdir()
        (tmp_path / name / "copier.yml").write_text(json.dumps({"_moves": places} if places else {}))
        return template.Template(tmp_path / name, name)

    first, second, third = version("first"), version("second", "a"), version("third", "a", "b", "c")
    assert template.moves(first, second) == [("a", "a-moved")]
    assert template.moves(second, third) == [("b", "b-moved"), ("c", "c-moved")]
    assert template.moves(third, first) == [("c-moved", "c"), ("b-moved", "b"), ("a-moved", "a")]
    assert template.moves(third, third) == []


class TestHistory:
    @pytest.fixture
    def checkout(self, tmp_path: Path, git: Git) -> Path:
        """Return a checkout with two versions of the template, and commits that touch other files alone."""
        return shared.repository("template's history", lambda place: history(place, git), tmp_path / "checkout")

    def versions(self, git: Git, repository: Path) -> list[str]:
        return git(repository, "log", "--format=%T", "history").split()

    def test_it_is_of_the_template_alone(self, checkout: Path, git: Git, tmp_path: Path) -> None:
        assert template.write_history(checkout, tmp_path / "history")
        newest, older = self.versions(git, tmp_path / "history")
        assert newest == template.tree_id(checkout, template.PARTS)
        assert git(tmp_path / "history", "show", f"{older}:{EDITOR}") == OLDER
        assert git(tmp_path / "history", "ls-tree", "--name-only", "history").split() == ["copier.yml", "templates"]

    def test_twice_it_is_the_same(self, checkout: Path, git: Git, tmp_path: Path) -> None:
        heads = set()
        for name in ("one", "two"):
            template.write_history(checkout, tmp_path / name)
            heads.add(git(tmp_path / name, "rev-parse", "history"))
        assert len(heads) == 1

    def test_on_no_branch(self, checkout: Path, git: Git, tmp_path: Path) -> None:
        git(checkout, "checkout", "--quiet", "--detach")
        git(checkout, "branch", "--quiet", "--delete", "--force", "main")
        assert template.write_history(checkout, tmp_path / "history")
        assert len(self.versions(git, tmp_path / "history")) == 2

    def test_merges(self, checkout: Path, git: Git, tmp_path: Path) -> None:
        git(checkout, "checkout", "--quiet", "-b", "side", "HEAD~2")
        (checkout / "templates/side.txt").touch()
        git(checkout, "add", "--all")
        git(checkout, "commit", "--quiet", "--message", "Add a file")
        git(checkout, "checkout", "--quiet", "main")
        git(checkout, "merge", "--quiet", "--no-ff", "--message", "Merge", "side")
        git(checkout, "tag", "v1")
        assert template.write_history(checkout, tmp_path / "history")
        found = self.versions(git, tmp_path / "history")
        assert found[0] == template.tree_id(checkout, template.PARTS)
        assert len(set(found)) == 4

    @pytest.mark.parametrize("what", ["archive", "shallow", "nothing committed", "without the template", "subfolder"])
    def test_there_is_none(self, checkout: Path, git: Git, tmp_path: Path, what: str) -> None:
        place = tmp_path / "place"
        if what == "archive":
            shutil.copytree(checkout, place, ignore=shutil.ignore_patterns(".git"))
        elif what == "shallow":
            git(tmp_path, "clone", "--quiet", "--depth=1", checkout.as_uri(), "place")
        elif what == "subfolder":
            shutil.move(checkout, tmp_path / "outer")
            git(tmp_path / "outer", "mv", "templates", "copier.yml", "code")
            place = tmp_path / "outer" / "code"
        else:
            git(tmp_path, "init", "--quiet", "place")
            if what == "without the template":
                git(place, "commit", "--quiet", "--allow-empty", "--message", "Begin")
        assert not template.write_history(place, tmp_path / "history")


class TestThisInstallation:
    def test_the_current_version_comes_first(self) -> None:
        assert template.versions()[0] == template.current().version

    def test_the_current_version_needs_no_history(self) -> None:
        with template.checkout(template.current().version) as current:
            assert current == template.current()

    @WITH_HISTORY
    def test_an_earlier_version_is_the_same_from_the_cache(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
        asked = list[str]()

        def counted(folder: Path, *arguments: str, **options: Any) -> str:
            asked.append(arguments[0])
            return commands.run(folder, *arguments, **options)

        monkeypatch.setattr(git, "run", counted)
        with cache.off():
            known = template.versions()
        assert "fast-export" in asked
        for each in (known[1], known[-1]):
            for kept in (cache.off, nullcontext, nullcontext):
                with kept(), template.checkout(each) as found:
                    assert (found.version, template.tree_id(found.root)) == (each, each)
        asked.clear()
        assert template.versions() == known
        with template.checkout(known[-1]):
            assert asked == []

    @pytest.mark.parametrize("version", ["0" * 40, "", "main", "--help"])
    def test_an_unknown_version(self, version: str) -> None:
        with pytest.raises(ArgosyError, match="does not know the template's version"), template.checkout(version):
            pass


def history(folder: Path, git: Git) -> Path:
    """Make a checkout with two versions of the template, and commits that touch other files alone."""
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    copy_template(folder)
    newest = (folder / EDITOR).read_text()
    (folder / "code").mkdir()
    for number, text in enumerate((OLDER, OLDER, newest, newest)):
        (folder / EDITOR).write_text(text)
        (folder / "code" / "module.py").write_text(f"number = {number}\n")
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", f"Commit {number}")
    return folder


LOOK = """\
import json, sys
from argosy import pages
from argosy.template import rendering as engine, versions as template
from argosy.repository.model import Application, Repository, RevisionStyle, Settings, chain
settings = Settings("gitops", "https://github.com/acme/gitops.git")
model = Repository(settings, chain((("dev", ""),), RevisionStyle.TRUNK)).with_applications((Application("web"),))
versions = template.versions()
older = {}
for version in versions[1:]:
    with template.checkout(version) as found:
        older[version] = (found.root / "templates/.gitignore").read_text()
try:
    with template.checkout("0" * 40):
        pass
except Exception as error:
    unknown = str(error)
print(json.dumps({
    "place": template.__file__,
    "versions": versions,
    "tree": template.tree_id(template.current().root, template.PARTS),
    "older": older,
    "unknown": unknown,
    "pages": [str(each) for each in pages.topics().values()],
    "files": {path: file.content.decode() for path, file in engine.render(model).items()} if sys.argv[1:] else {},
}))
"""


@dataclass(frozen=True)
class Builds:
    """What is built from a project with two versions of the template; each build is made when it is first asked for."""

    folder: Path
    git: Git

    @cached_property
    def project(self) -> Path:
        """A clone of the project, with an older version of the template in its history."""
        copied = self.folder / "project"
        kept = (
            "pyproject.toml",
            "README.md",
            "LICENSE",
            "hatch_build.py",
            "copier.yml",
            "templates",
            "generator",
            "docs",
        )
        # One version of Kubernetes' schemas is packed as all are, and in a third of the time.
        others = shutil.ignore_patterns("1.2?.json", "1.3[0-6].json")
        for name in kept:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, self._made(copied) / name, ignore=others)
            else:
                shutil.copy(ROOT / name, self._made(copied) / name)
        self.git(copied, "init", "--quiet", "--initial-branch=main")
        (copied / ".git/info/exclude").write_text("__pycache__\n")
        with (copied / ".git/config").open("a") as config:  # It is cloned once, and then it is gone.
            config.write("[core]\ncompression = 0\n[pack]\nwindow = 0\n")
        newest = (copied / EDITOR).read_text()
        for text in (OLDER, newest):
            (copied / EDITOR).write_text(text)
            self.git(copied, "add", "--all")
            self.git(copied, "commit", "--quiet", "--message", "Change the template")
        return copied

    @cached_property
    def wheel(self) -> Path:
        """The wheel that is built from the clone."""
        return self.build(self.project, "wheel")[0]

    @cached_property
    def sdist(self) -> Path:
        """The sdist that is built from the clone."""
        return self.build(self.project, "sdist")[0]

    @cached_property
    def wheel_of_sdist(self) -> Path:
        """The wheel that is built from the unpacked sdist."""
        return self.build(self.unpacked_sdist, "wheel")[0]

    @cached_property
    def unpacked_sdist(self) -> Path:
        """The folder of the unpacked sdist."""
        with tarfile.open(self.sdist) as archive:
            archive.extraction_filter = getattr(tarfile, "data_filter", None)  # As of 3.11.4.
            archive.extractall(self._made(self.folder / "unpacked"))
        place = next((self.folder / "unpacked").iterdir())
        self.compiled(place / "generator" / "argosy")
        return place

    def build(self, source: Path, kind: str) -> tuple[Path, str]:
        """Build a wheel or an sdist as pip has it built; return it, and what the build said."""
        place = self._made(self.folder / f"{source.name}-{kind}")
        command = [sys.executable, "-c", f"from hatchling import build\nbuild.build_{kind}({str(place)!r})"]
        done = subprocess.run(command, cwd=source, check=True, capture_output=True, text=True)
        (built,) = place.iterdir()
        return built, done.stdout + done.stderr

    def look(self, place: Path, *, renders: bool = True) -> Any:
        """Tell what an installation in a folder, or an unpacked sdist, knows of the template."""
        source = place / "generator" if (place / "generator").is_dir() else place
        environment = {**os.environ, "PYTHONPATH": str(source)}
        command = [sys.executable, "-c", LOOK, *(["renders"] if renders else [])]
        done = subprocess.run(command, cwd=place, env=environment, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)
        assert Path(found["place"]).is_relative_to(place)
        return found

    def installed(self, wheel: Path) -> Path:
        """Unpack a wheel as pip does."""
        place = self._made(self.folder / f"installed-{wheel.parent.name}")
        zipfile.ZipFile(wheel).extractall(place)
        self.compiled(place / "argosy")
        return place

    @staticmethod
    def files(wheel: Path) -> Mapping[str, int]:
        """Return what is in a wheel, each with its checksum, but for the list of all that."""
        with zipfile.ZipFile(wheel) as archive:
            return {each.filename: each.CRC for each in archive.infolist() if "RECORD" not in each.filename}

    @staticmethod
    def compiled(package: Path) -> None:
        """Have the modules of a package compiled, as they are here: each place would compile all of argosy anew."""
        here = ROOT / "generator" / "argosy"
        for module in package.rglob("*.py"):
            same = here / module.relative_to(package)
            assert module.read_bytes() == same.read_bytes()
            shutil.copystat(same, module)  # What is compiled is of a module of this time.
        for folder in here.rglob("__pycache__"):
            shutil.copytree(folder, package / folder.relative_to(here), dirs_exist_ok=True)

    @staticmethod
    def _made(folder: Path) -> Path:
        folder.mkdir(exist_ok=True)
        return folder


@pytest.fixture(scope="session")
def builds(tmp_path_factory: pytest.TempPathFactory, git: Git) -> Builds:
    """Return what builds wheels and sdists."""
    return Builds(tmp_path_factory.mktemp("builds"), git)


@WITH_HISTORY
class TestBuilds:
    def test_a_wheel_and_an_sdist_carry_every_version(self, builds: Builds) -> None:
        newest = template.tree_id(builds.project, template.PARTS)
        places = (builds.installed(builds.wheel), builds.unpacked_sdist)
        found = [builds.look(place) for place in places]
        for each in found:
            assert each["tree"] == newest
            assert each["versions"] == [newest, *each["older"]]
            assert list(each["older"].values()) == [OLDER]
            assert "does not know the template's version" in each["unknown"]
            assert each["files"] == found[0]["files"] != {}
        here = [str(each.relative_to(ROOT / "docs")) for each in pages.topics().values()]
        for each, root in zip(found, (places[0] / "argosy/_docs", places[1] / "docs"), strict=True):
            assert each["pages"] == [str(root / name) for name in here]

    def test_both_wheels_hold_the_same_files(self, builds: Builds) -> None:
        """So what is built from the sdist knows what the other one knows."""
        one, other = builds.files(builds.wheel), builds.files(builds.wheel_of_sdist)
        assert one == other
        assert {name.split("-")[0].split("/")[0] for name in one} == {"argosy"}

    def test_a_wheel_has_a_manual_page_for_each_command_where_man_looks(self, builds: Builds) -> None:
        place = re.compile(r"argosy-[^/]+\.data/data/share/man/man1/([^/]+)")
        with zipfile.ZipFile(builds.wheel) as wheel:
            found = {name[1]: each for each in wheel.namelist() if (name := place.fullmatch(each))}
            assert {*found} == {*manual.pages("1.0.0", "")}
            assert b'.TH "ARGOSY" "1" "' in wheel.read(found["argosy.1"])

    def test_a_shallow_clone_builds_with_the_newest_version_alone(self, builds: Builds) -> None:
        shallow = builds.folder / "shallow"
        builds.git(builds.folder, "clone", "--quiet", "--depth=1", builds.project.as_uri(), shallow.name)
        builds.compiled(shallow / "generator" / "argosy")
        wheel, said = builds.build(shallow, "wheel")
        assert "no history of the template here" in said
        # What it renders is what the wheel with the history renders.
        assert builds.files(builds.wheel).items() - builds.files(wheel).items() == {
            (name, crc) for name, crc in builds.files(builds.wheel).items() if name.endswith(template.BUNDLE)
        }
        found = builds.look(builds.installed(wheel), renders=False)
        assert found["versions"] == [template.tree_id(builds.project, template.PARTS)]
        assert "does not know the template's version" in found["unknown"]
