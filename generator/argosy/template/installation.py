"""Which argosy a new repository installs, where nobody says it: the one that lays it out, exactly."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.metadata import Distribution, distribution
from pathlib import Path

from argosy import programs, temporary
from argosy.repository.model import is_installed
from argosy.template import versions
from argosy.template.rendering import File

LOCK = "tools/argosy.txt"
SOURCE = "tools/argosy.in"


@dataclass(frozen=True, slots=True)
class Installation:
    """A value of `argosyInstall`, and the files that it needs; or why there is none."""

    setting: str = ""
    files: Mapping[str, File] = field(default_factory=dict)
    reason: str = ""


def of_running(running: Distribution | None = None) -> Installation:
    """Return how to install the argosy that runs, as pip noted where it had it from; ask its index where it was one.

    https://packaging.python.org/en/latest/specifications/direct-url/
    """
    running = running or distribution("argosy")
    noted = running.read_text("direct_url.json")
    if noted is None:
        return _of_index(running)
    source = json.loads(noted)
    commit = source.get("vcs_info", {}).get("commit_id", "")
    archive = source.get("archive_info", {})
    digest = archive.get("hashes", {}).get("sha256") or archive.get("hash", "").removeprefix("sha256=")
    setting = f"argosy @ git+{source['url']}@{commit}" if commit else f"argosy @ {source['url']}#sha256={digest}"
    if is_installed(setting):
        return Installation(setting)
    where = "a folder" if "dir_info" in source else "where others cannot find it"
    return Installation(reason=f"The argosy that runs was installed from {where}.")


def _of_index(running: Distribution) -> Installation:
    """Return a lock file of the release that runs, if pip's index has that very release."""
    with temporary.folder("release") as folder:
        command = ["download", "--quiet", "--no-input", "--retries", "0", "--timeout", "15", "--no-deps"]
        wanted = ["--only-binary", ":all:", "--dest", str(folder), f"argosy=={running.version}"]
        done = subprocess.run(
            [sys.executable, "-P", "-m", "pip", *command, *wanted],
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, "PATH": programs.path()},
        )
        found = next(folder.glob("*.whl"), None)
        if done.returncode or found is None:
            said = (done.stderr.strip().splitlines() or ["it gave no wheel"])[-1]
            return Installation(reason=f"pip could not fetch argosy {running.version}: {said.removeprefix('ERROR: ')}")
        if _contents(found) != _record(running.read_text("RECORD") or ""):
            return Installation(reason=f"pip's index has another argosy {running.version} than the one that runs.")
        line = f"argosy=={running.version} \\\n    --hash=sha256:{sha256(found.read_bytes()).hexdigest()}\n"
    files = {SOURCE: f"argosy=={running.version}\n", LOCK: _HEADER + _with(line, dependencies())}
    return Installation(LOCK, {path: File(text.encode()) for path, text in files.items()})


_HEADER = f"""\
# What installs argosy. Renovate keeps it; by hand, after a change of {SOURCE}:
#
#    uv pip compile --generate-hashes --output-file={LOCK} --python-version=3.11 --universal {SOURCE}
"""
"""As Renovate reads it: the command after four blanks, with an equals sign before each value."""


def dependencies() -> str:
    """Return what argosy depends on, in the versions that it was tested with, as a requirements file."""
    template = versions.current().root / "templates" / "tools" / "[[ argosy_dependencies_file ]]"
    return re.sub(r"(?m)^# .*\n", "", template.read_text(encoding="utf-8"))


def _with(line: str, others: str) -> str:
    listed = re.split(r"(?m)^(?=\S)", others)
    return "".join(sorted([line, *listed]))


def _contents(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        name = next(each for each in archive.namelist() if each.endswith(".dist-info/RECORD"))
        return _record(archive.read(name).decode())


def _record(text: str) -> set[str]:
    """Return the lines of a RECORD that are about the package itself, with the hash of each file."""
    return {line for line in text.splitlines() if line.startswith("argosy/") and ",sha256=" in line}
