"""What the tests of commands that change a repository share: repositories to change, and what is in them."""

from __future__ import annotations

import functools
import hashlib
import os
import stat
import subprocess
import zlib
from dataclasses import replace
from pathlib import Path

from argosy.repository.model import (
    WRITTEN_HERE,
    Application,
    ArgocdStyle,
    ChartExtra,
    CiHost,
    Format,
    Production,
    Repository,
    RevisionStyle,
    Settings,
    chain,
)
from argosy.template import creation, rendering
from tests import goldens, shared

_render = rendering.render
"""The real one, whatever a test puts in its place."""
State = tuple[dict[str, tuple[int, bytes]], str, str]


@functools.cache
def model(
    applications: tuple[str, ...] = ("web",),
    environments: tuple[str, ...] = ("dev", "prod"),
    *,
    form: Format = Format.MANIFESTS,
    argocd: ArgocdStyle = ArgocdStyle.APPLICATIONS,
    revision: RevisionStyle = RevisionStyle.TRUNK,
    ci: CiHost = CiHost.NONE,
    follow_up: bool = False,
) -> Repository:
    """Return the model of a small repository, quickly rendered and validated."""
    url = "https://github.com/acme/gitops.git"
    production = Production(least_privilege=True, chart_extras=(*ChartExtra,))
    new = form if form in WRITTEN_HERE else Format.HELM
    settings = Settings("gitops", url, argocd, revision, ci, new, follow_up=follow_up, production=production)
    bare = Repository(settings, chain(tuple((name, "") for name in environments), revision))
    made = bare.with_applications(tuple(Application(name, form) for name in sorted(applications)))
    # By least privilege, all of its projects permit the same: one of each format is rendered.
    alone = Settings("gitops", url, ci=CiHost.NONE, format=new, production=production)
    single = Repository(alone, chain((("dev", ""),), RevisionStyle.TRUNK))
    if applications:
        single = single.with_applications((Application("web", form),))
    permitted = goldens.permitted(single).environments[0].permitted
    return replace(made, environments=tuple(each.permitting(permitted) for each in made.environments))


@functools.cache
def rendered(repository: Repository) -> rendering.Tree:
    """Return the files of a repository, which are rendered once for all workers."""
    return shared.value(f"rendered {repository!r}", lambda: {**_render(repository)})


def create(folder: Path, repository: Repository | None = None) -> Path:
    """Put a repository into a new folder, committed, and return its root: a copy of one that all workers share."""
    chosen = repository or model()

    def make(place: Path) -> None:
        creation.create(place, rendered(chosen), branch="main")

    return shared.repository(f"repository {chosen!r}", make, folder)


def git(folder: Path, *arguments: str) -> str:
    """Run git, and return what it printed."""
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def commit(folder: Path, files: dict[str, str | bytes | None] | None = None, message: str = "Edit") -> None:
    """Write files, None for one that goes, and commit all there is."""
    for path, content in (files or {}).items():
        if content is None:
            (folder / path).unlink()
        else:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content.encode() if isinstance(content, str) else content)
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--allow-empty", "--no-verify", "--message", message)


def edit(folder: Path, path: str, old: str, new: str) -> None:
    """Replace a text in a file, where it must stand."""
    text = (folder / path).read_bytes().decode()
    assert old in text, f"{path} has no {old}"
    (folder / path).write_bytes(text.replace(old, new).encode())


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return the files below a folder but for git's own: path -> whether it can be run, or is a link, and content."""
    found = {}
    for above, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != ".git"]
        for name in [*names, *(each for each in folders if Path(above, each).is_symlink())]:
            path = Path(above, name)
            if name == ".git":
                continue
            kind = stat.S_IFMT(path.lstat().st_mode) | path.lstat().st_mode & 0o100
            # Of a pipe or a device there is no content to read, or no end of it.
            content = (
                str(path.readlink()).encode() if path.is_symlink() else path.read_bytes() if path.is_file() else b""
            )
            found[path.relative_to(folder).as_posix()] = (kind, content)
    return found


def state(folder: Path) -> State:
    """Return all that a person sees of a repository: its files, what git says of them, and the commit."""
    told = git(folder, "status", "--porcelain=v2", "--branch", "--no-ahead-behind", "--untracked-files=all")
    head, *lines = told.splitlines(keepends=True)
    status = "".join(line for line in lines if not line.startswith("# "))
    return files(folder), status, head.removeprefix("# branch.oid ")


def raw_tree(*entries: tuple[str, str, str]) -> bytes:
    """Return a tree of modes, names and ids as it is stored."""
    return b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(blob) for mode, name, blob in entries)


def stored(root: Path, content: bytes, kind: str = "tree") -> str:
    """Store an object, whatever it holds, as Git would, and return its id."""
    whole = f"{kind} {len(content)}\0".encode() + content
    name = hashlib.sha1(whole, usedforsecurity=False).hexdigest()
    place = root / ".git/objects" / name[:2] / name[2:]
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(zlib.compress(whole))
    return name
