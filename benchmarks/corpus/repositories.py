"""Where the repositories of the corpus come from: a folder that has them, or their host."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measuring import MissingError

LIST = Path(__file__).parent / "repositories.txt"


@dataclass(frozen=True, slots=True)
class Repository:
    """A public repository of others, at the commit that was triaged."""

    name: str
    """owner/name, as GitHub has it."""
    commit: str

    @property
    def folder(self) -> str:
        """The name of its folder."""
        return self.name.replace("/", "+")


def listed() -> tuple[Repository, ...]:
    """Return the corpus: a line `owner/name commit` each."""
    lines = LIST.read_text(encoding="utf-8").split("\n")
    return tuple(Repository(*line.split()) for line in lines if line)


def take(repository: Repository, source: Path | None, into: Path) -> tuple[Path, str]:
    """Check a repository's commit out below a folder; return where, and what is not as listed.

    The source is a folder that has repositories by their names, bare or not; without one, they are fetched. Raise
    MissingError where it cannot be had.
    """
    place = into / repository.folder
    if source is None:
        url, revision = f"https://github.com/{repository.name}.git", repository.commit
        _git("init", "--quiet", place)
        _git("-C", place, "remote", "add", "origin", url)
        _git("-C", place, "fetch", "--quiet", "--depth", "1", "origin", revision)
    else:
        found = next((each for each in _places(repository, source) if each.is_dir()), None)
        if found is None:
            raise MissingError(f"{source} has no {repository.folder}")
        _git("clone", "--quiet", "--no-checkout", found, place)
        _git("-C", place, "remote", "set-url", "origin", f"https://github.com/{repository.name}.git")
        known = _is_done("-C", place, "cat-file", "-e", repository.commit)
        revision = repository.commit if known else "HEAD"
    whole = _is_done("-C", place, "checkout", "--quiet", "--force", revision)
    said = [] if revision == repository.commit else ["another commit than the listed one"]
    return place, ", ".join(said if whole else [*said, "some of its files are missing"])


def _places(repository: Repository, source: Path) -> Iterator[Path]:
    for name in (repository.folder, repository.name):
        yield from (source / name / "repo", source / name, source / f"{name}.git")


def _is_done(*arguments: str | Path) -> bool:
    return subprocess.run(["git", *arguments], check=False, stderr=subprocess.DEVNULL).returncode == 0


def _git(*arguments: str | Path) -> None:
    done = subprocess.run(["git", *arguments], check=False, stderr=subprocess.PIPE)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or [f"git ended with {done.returncode}"]
        raise MissingError(next((line for line in said if line.startswith("fatal: ")), said[-1]))
