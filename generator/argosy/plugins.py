"""Config management plugins: the commands that the user allows to make manifests, as Argo CD's sidecars run them.

A repository names a plugin, and never says what is run: that stands in files of the user's own, in the form of a
sidecar's plugin.yaml, with the repositories that each is for. It runs in a copy of the repository, with few variables
and no token, and within limits.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import yaml

from argosy import git, paths, programs, supervisor, temporary
from argosy.documents import plain
from argosy.documents.fields import field, mapping, sequence, text
from argosy.errors import Fault, RenderError, UsageError
from argosy.supervisor import StoppedError

_KIND = "ConfigManagementPlugin"
_MOST, _LARGEST = 200_000, 1024**3
"""How many files a copy may have, and how many bytes these in all."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin that the user allows."""

    name: str
    """What Applications call it: its name, with its version where it has one."""
    file: Path
    generate: tuple[str, ...]
    repositories: tuple[str, ...] = ()
    """The URLs of the repositories that the user allows it for."""
    init: tuple[str, ...] = ()
    file_name: str = ""
    """The pattern of files in a source's folder by which the plugin is chosen."""
    glob: str = ""
    """The same, for files however deep."""
    find: tuple[str, ...] = ()
    """The command that chooses it by printing something."""

    @property
    def discovers(self) -> bool:
        """Whether it says which folders it is for."""
        return bool(self.file_name or self.glob or self.find)

    def is_for(self, folder: Path) -> bool:
        """Return whether the names of files in a source's folder choose it."""
        if pattern := self.file_name or self.glob:
            try:
                return any(True for _ in folder.glob(pattern))
            except (ValueError, NotImplementedError, OSError):
                return False
        return False


def folder() -> Path:
    """Return where the user's plugins are, whether or not it is there."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    above = Path(base) if os.path.isabs(base) else Path(os.path.expanduser("~"), ".config")  # noqa: PTH111, PTH117
    return above / "argosy/plugins"


def allowed(work_tree: Path) -> Mapping[str, Plugin]:
    """Return the plugins that the user has, by name; none of a folder that is a repository's, or others can fill.

    The work tree is the user's own: a state of it that was written elsewhere does not tell whose the folder is. Raise
    UsageError for a file that is no plugin.
    """
    return paths.once(("plugins", work_tree), lambda: _allowed(folder(), work_tree))


def _allowed(place: Path, work_tree: Path) -> Mapping[str, Plugin]:
    try:
        if not place.is_dir() or _is_in(place, _whole(work_tree)) or not _is_own(place):
            return {}
        files = sorted((each, each.stat().st_mtime_ns) for each in place.iterdir() if each.suffix in {".yaml", ".yml"})
    except (OSError, RuntimeError):
        return {}
    return _read(tuple(files))


def _whole(work_tree: Path) -> Path:
    """Return the root of a work tree of which one folder may be all that is looked at."""
    return git.top_level(work_tree) or work_tree


def _is_in(place: Path, home: Path) -> bool:
    return place.resolve().is_relative_to(home.resolve())


def _is_own(place: Path) -> bool:
    """Return whether nobody else can write to a folder or to what is in it."""
    if sys.platform == "win32":
        return True
    found = [each.stat() for each in (place, *place.iterdir())]
    return all(each.st_uid in {os.geteuid(), 0} and not each.st_mode & 0o022 for each in found)


@lru_cache(maxsize=8)
def _read(files: tuple[tuple[Path, int], ...]) -> Mapping[str, Plugin]:
    found = [_plugin(file) for file, _ in files]
    return {each.name: each for each in reversed(found)}


def _plugin(file: Path) -> Plugin:
    try:
        data = yaml.safe_load(plain.bounded(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UsageError(f"{file} cannot be read: {error}.", "Write it as a sidecar's plugin.yaml.") from error
    repositories = field(data, "argosy", "repositories") or []
    if not isinstance(repositories, list) or not all(isinstance(each, str) for each in repositories):
        example = "argosy: {repositories: [https://github.com/acme/gitops]}"
        raise UsageError(f"{file}: argosy.repositories is no list of URLs.", f"Write it as in {example}.")
    name, version = text(field(data, "metadata", "name")), field(data, "spec", "version")
    spec = mapping(field(data, "spec"))
    made = Plugin(
        f"{name}-{version}" if version else name,
        file,
        _command(spec.get("generate")),
        tuple(repositories),
        _command(spec.get("init")),
        text(field(spec, "discover", "fileName")),
        text(field(spec, "discover", "find", "glob")),
        _command(field(spec, "discover", "find")),
    )
    lacks = {"kind": field(data, "kind") == _KIND, "metadata.name": name, "spec.generate.command": made.generate}
    for what, is_there in lacks.items():
        if not is_there:
            said = f"is not {_KIND}" if what == "kind" else "is missing"
            raise UsageError(f"{file}: {what} {said}.", "Write it as a sidecar's plugin.yaml.")
    return made


def _command(data: Any) -> tuple[str, ...]:
    given = mapping(data)
    command = [text(each) for each in sequence(given.get("command"))]
    return (*command, *(text(each) for each in sequence(given.get("args")))) if command else ()


def generate(plugin: Plugin, source: Path, root: Path, environment: Mapping[str, str], work_tree: Path) -> str:
    """Return what a plugin makes of a source's folder, as a YAML stream; raise RenderError where it fails.

    What it writes is gone afterwards: it works on a copy of the repository, without Git's own. No program is of the
    root, nor of the work tree that this may be a state of.
    """
    with temporary.folder("plugin") as scratch:
        copy = scratch.resolve()
        _copy(root, copy)
        here = copy / os.path.relpath(source, root)
        programs.distrust(root, work_tree)
        run = partial(_run, here=here, environment=environment)
        if plugin.find and not (plugin.file_name or plugin.glob):
            if not run(plugin.find).strip():
                raise RenderError([Fault("its discovery does not choose this folder")])
        elif plugin.discovers and not plugin.is_for(here):
            raise RenderError([Fault("its discovery does not choose this folder")])
        if plugin.init:
            run(plugin.init)
        return run(plugin.generate).replace(f"{copy}{os.sep}", "")


def _copy(root: Path, copy: Path) -> None:
    left = _LARGEST
    try:
        for count, (file, reason) in enumerate(paths.files(root, root)):
            if count > _MOST:
                raise RenderError([Fault("the repository has too many files to copy")])
            target = copy / file.relative_to(root)
            if not reason and file.is_file():
                left -= file.stat().st_size
                if left < 0:
                    raise RenderError([Fault(f"the repository has more than {_LARGEST // 1024**2} MB to copy")])
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, target)
    except (OSError, shutil.Error) as error:
        raise RenderError([Fault(f"the repository cannot be copied: {error.strerror or error}")]) from error


def _run(command: Sequence[str], here: Path, environment: Mapping[str, str]) -> str:
    """Run a command of the user's in a folder; the program is never one of the repository."""
    name = command[0]
    program = programs.named(name) if os.path.isabs(name) or os.path.basename(name) == name else None  # noqa: PTH117, PTH119
    if program is None or programs.is_strange(program):
        raise RenderError(
            [Fault(f"{name} is neither a program on the PATH nor an absolute path outside the repository")]
        )
    try:
        code, out, said = supervisor.run([str(program), *command[1:]], environment, folder=here)
    except StoppedError as error:
        raise RenderError([Fault(error.message.rstrip("."), hint=error.hint, stopped=True)]) from error
    except (OSError, ValueError) as error:
        raise RenderError([Fault(f"{name} cannot be run: {getattr(error, 'strerror', '') or error}")]) from error
    if code:
        last = said.strip().rpartition("\n")[2]
        raise RenderError([Fault(f"{name} ended with {code}{f': {last}' if last else ''}")])
    return out
