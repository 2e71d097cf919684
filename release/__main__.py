"""`make release`: build what is published, install it as users will, and write down what it is made of.

Nothing is published from here: `.github/workflows/release.yaml` does that with what lies in `dist/` afterwards.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import venv
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from release import changelog
from release.changelog import ReleaseError

ROOT = Path(__file__).parents[1]
CHANGELOG = ROOT / "CHANGELOG.md"
PROJECT = ROOT / "pyproject.toml"
DEPENDENCIES = "templates/tools/[[ argosy_dependencies_file ]]"
"""What argosy depends on, each with the hashes of its files: what generated repositories install."""
TOOLS = ("cyclonedx-bom==7.5.0", "twine==6.2.0")
"""What looks at a release and is no part of it, in an environment of its own."""


def main() -> int:
    """Do what the command line says, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m release", description=__doc__)
    jobs = parser.add_subparsers(dest="job", required=True)
    begin = jobs.add_parser("begin", help="write the next version into pyproject.toml and CHANGELOG.md")
    begin.add_argument("version")
    build = jobs.add_parser("build", help="build, install and try what is published, into dist/")
    build.add_argument("--tag", help="the tag that is released: it has to be the version's, and CHANGELOG.md complete")
    build.add_argument("--repository", default="argosy-gitops/argosy", help="OWNER/NAME on GitHub [%(default)s]")
    options = parser.parse_args()
    try:
        if options.job == "begin":
            _begin(options.version)
        else:
            _build(ROOT / "dist", options.tag, options.repository)
    except ReleaseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"error: {error.cmd[0]} ended with exit code {error.returncode}: what it says is above.", file=sys.stderr)
        return 1
    return 0


def _begin(version: str) -> None:
    if not re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", version):
        raise ReleaseError(
            f"“{version}” is no version: write MAJOR.MINOR.PATCH, with rc1 or the like after it at most."
        )
    text = changelog.released(CHANGELOG.read_text(encoding="utf-8"), version, datetime.now(UTC).date())
    project = PROJECT.read_text(encoding="utf-8")
    PROJECT.write_text(re.sub(r'(?m)^version = ".*"$', f'version = "{version}"', project, count=1), encoding="utf-8")
    CHANGELOG.write_text(text, encoding="utf-8")
    print(
        f"Version {version} is in pyproject.toml and CHANGELOG.md. Commit them, and tag the commit: git tag v{version}"
    )


def _build(dist: Path, tag: str | None, repository: str) -> None:
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    version = project["version"]
    notes = _notes(version, tag)
    if tag:
        _refuse_what_is_not_committed(ROOT)
    if dist.exists():
        shutil.rmtree(dist)
    dist.mkdir()
    with tempfile.TemporaryDirectory(prefix="argosy-release-") as folder:
        work = Path(folder)
        sdist, wheel = _built(dist, work)
        tools = _installed(work / "tools", *TOOLS)
        _run(tools, "-m", "twine", "check", "--strict", sdist, wheel)
        for file in (wheel, sdist):
            _say(f"installing {file.name} into an empty environment, and running the demonstration from it")
            _try(file, version, work)
        _say("writing the bill of materials, of what the wheel installs")
        bom = dist / f"argosy-{version}.cdx.json"
        _run(
            *(tools, "-m", "cyclonedx_py", "environment", "--output-reproducible", "--pyproject", PROJECT),
            *("--output-file", bom, work / wheel.suffix / "bin/python"),
        )
    values = {
        "summary": project["description"],
        "repository": repository,
        "version": version,
        "sdist": sdist.name,
        "sha256": _sha256(sdist),
        "dependencies": DEPENDENCIES,
    }
    shutil.copyfile(ROOT / DEPENDENCIES, dist / "argosy-dependencies.txt")
    (dist / "argosy.rb").write_text(formula(values), encoding="utf-8")
    (dist / "NOTES.md").write_text(f"{notes}\n", encoding="utf-8")
    sums = [f"{_sha256(file)}  {file.name}\n" for file in sorted(dist.iterdir()) if file.name != "NOTES.md"]
    (dist / "SHA256SUMS").write_text("".join(sums), encoding="ascii")
    print("".join(sums), end="")


def _notes(version: str, tag: str | None) -> str:
    text = CHANGELOG.read_text(encoding="utf-8")
    if tag is None:
        known = changelog.sections(text)
        if version in known and not known[changelog.UNRELEASED]:
            return known[version]
        _say(f"this is a rehearsal: what CHANGELOG.md has as “{changelog.UNRELEASED}” is no version's yet")
        return known[changelog.UNRELEASED]
    if tag != f"v{version}":
        raise ReleaseError(
            f"The tag is {tag}, and pyproject.toml says {version}: tag the commit that says so, as v{version}."
        )
    return changelog.notes(text, version)


def _refuse_what_is_not_committed(root: Path) -> None:
    """Raise ReleaseError where the sdist, which has all that Git does not ignore, would have what the tag has not."""
    status = ["git", "status", "--porcelain", "--untracked-files=all"]
    left = subprocess.run(status, cwd=root, check=True, capture_output=True, text=True).stdout.splitlines()
    if left:
        raise ReleaseError(f"{left[0][3:]} is not as it is committed: commit it, or remove it. git status lists all.")


def _built(dist: Path, work: Path) -> tuple[Path, Path]:
    """Build the sdist, and the wheel from it, and again; raise ReleaseError where that gives other bytes."""
    # What builds is what constraints.txt names, so that it gives the same later.
    done = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, check=True, capture_output=True, text=True)
    epoch = {"SOURCE_DATE_EPOCH": done.stdout.strip()}
    for folder in (dist, work / "again"):
        _say(f"building the sdist, and the wheel from it{'' if folder == dist else ', once more'}")
        _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, environment=epoch)
    different = [each.name for each in dist.iterdir() if _sha256(each) != _sha256(work / "again" / each.name)]
    if different:
        raise ReleaseError(f"Built twice, {', '.join(different)} differs: nobody could check it. See hatch_build.py.")
    (sdist,), (wheel,) = dist.glob("*.tar.gz"), dist.glob("*.whl")
    return sdist, wheel


def _try(file: Path, version: str, work: Path) -> None:
    """Install a file as users do, with the versions that are tested, and run the demonstration with it."""
    python = _installed(work / file.suffix, "--constraint", ROOT / "constraints.txt", file)
    _run(*_pip(python), "check")
    argosy, demo = python.with_name("argosy"), work / f"demo{file.suffix}"
    said = subprocess.run([argosy, "--version"], check=True, capture_output=True, text=True, env=_bare()).stdout
    if said.strip() != f"argosy {version}":
        raise ReleaseError(f"{file.name} says it is “{said.strip()}”.")
    _run(argosy, "init", demo, "--repo-url", "https://github.com/your-org/demo-gitops.git", "--defaults")
    _run(argosy, "validate", demo)


def formula(values: Mapping[str, str]) -> str:
    """Return Homebrew's formula with its values; raise ReleaseError for one that cannot stand in a Ruby string."""
    wrong = [name for name, value in values.items() if re.search(r'["\\#\n]', value)]
    if wrong:
        raise ReleaseError(f"A string of Ruby cannot hold this {wrong[0]} as it is: {values[wrong[0]]}")
    text = (Path(__file__).parent / "homebrew.rb.in").read_text(encoding="utf-8").partition("\n")[2]
    return re.sub(r"\{(\w+)\}", lambda name: values[name[1]], text)


def _installed(folder: Path, *wanted: str | Path) -> Path:
    """Install what is wanted into a new environment, in which nothing else is, and return its Python."""
    venv.create(folder)
    python = folder / "bin" / "python"
    _run(*_pip(python), "install", "--quiet", *wanted)
    return python


def _pip(python: Path) -> Sequence[str | Path]:
    return (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python)


def _bare() -> dict[str, str]:
    """Return the environment without what would lead Python to this checkout."""
    return {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}


def _run(*command: Any, environment: Mapping[str, str] | None = None) -> None:
    words: Sequence[str] = [str(each) for each in command]
    # Elsewhere than in the checkout, from which Python would import argosy.
    subprocess.run(
        words, cwd=tempfile.gettempdir(), env={**_bare(), **(environment or {})}, stdout=sys.stderr, check=True
    )


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _say(what: str) -> None:
    print(f"release: {what} …", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
