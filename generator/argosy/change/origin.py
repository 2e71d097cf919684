"""Which version of the template a repository, and each of its files, is from: as recorded, or as its files tell."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from argosy import git
from argosy.change import planning
from argosy.errors import ArgosyError
from argosy.git import objects
from argosy.git.objects import Blob
from argosy.repository import layout, store
from argosy.repository.model import Repository
from argosy.repository.store import Stored
from argosy.template import rendering, versions
from argosy.template.tree import Tree

_TREE = re.compile(r"[0-9a-f]{40}")
_RECORDED = re.compile(rb"^_commit: (\S+)\r?$", re.MULTILINE)


def recorded(answers: bytes) -> str:
    """Return the version that a repository's answers name; "" if they name none."""
    found = _RECORDED.search(answers)
    return found[1].decode(errors="replace") if found else ""


def version(root: Path, stored: Stored) -> str:
    """Return the version of the template that rendered a repository; raise ArgosyError where this argosy has none.

    argosy records the version itself. `copier copy` records a tag or a commit of where it had the template from, or
    nothing: then it is the version that renders the most of the template's files as they came with that record, and
    asks the same.
    """
    told = stored.version
    if told == versions.current().version:
        return told
    try:
        return versions.known(told)
    except ArgosyError:
        if _TREE.fullmatch(told) or not git.at(root).head:
            raise
    asked = ("log", "-1", "--format=%H", "-G^_(commit|src_path):", "--", layout.ANSWERS)
    came = git.run(root, *asked).strip()
    if not came:
        raise versions.unknown(told)
    model, entries = _without_layers(store.load_at(root, came).repository), objects.entries(root, came)
    answered = _questions(objects.blobs(root, entries, [layout.ANSWERS])[layout.ANSWERS].content)
    best, found = 0, ""
    with versions.checkouts() as each:
        for template in each:
            rendered = rendering.render(model, template=template, wanted=_is_compared, told="version and answers")
            same = sum(
                _questions(file.content) == answered
                if path == layout.ANSWERS
                else path in entries and entries[path].blob == objects.blob_id(file.content, came)
                for path, file in rendered.items()
            )
            if 2 * same - len(rendered) > best:
                best, found = 2 * same - len(rendered), template.version
            if same == len(rendered):
                break
    if not found:
        raise versions.unknown(told)
    return found


def _without_layers(repository: Repository) -> Repository:
    return replace(repository, settings=replace(repository.settings, layers=()))


def _is_compared(path: str) -> bool:
    return path == layout.ANSWERS or _is_telling(path)


def _questions(answers: bytes) -> frozenset[bytes]:
    """Return the questions that an answers file answers, without what Copier records besides."""
    return frozenset(_QUESTION.findall(answers))


_QUESTION = re.compile(rb"^([a-z]\w*):", re.MULTILINE)


def _is_telling(path: str) -> bool:
    """Return whether a file tells the version: it follows the template, and the version is not written in it."""
    return not store.is_answers(path) and (path in layout.CODEOWNERS or not layout.is_seeded(path))


def left_behind(
    root: Path,
    repository: Repository,
    earlier: Sequence[str],
    pristine: Tree,
    looked_at: Callable[[str], bool] = rendering.everything,
) -> Mapping[str, Blob | None]:
    """Return the files that are as an earlier version gave them, and that nobody made so: path -> what is committed.

    None stands for a file that never came. `earlier` are the versions that the repository had; `pristine` is what the
    recorded one renders of what is looked at. What layers wrote is none of it.
    """
    if not earlier:
        return {}
    head = objects.head(root)
    entries = objects.entries(root, head)
    of_layers = {path for path, file in pristine.items() if file.layer}

    def is_asked(path: str) -> bool:
        return _is_telling(path) and path not in of_layers

    wanted = {path: objects.blob_id(file.content, head) for path, file in pristine.items() if is_asked(path)}
    ours = {path: entry.blob for path, entry in entries.items() if is_asked(path) and looked_at(path)}
    asked = {path for path in {*wanted, *ours} if wanted.get(path) != ours.get(path)}
    names = {name for path in asked if (name := layout.application_of(path))}
    bare = _without_layers(repository)
    few = planning.reduced(bare, names, {each.name: names for each in repository.environments})
    found: set[str] = set()
    for each in earlier:
        with versions.checkout(each) as template:
            files = rendering.render(few, template=template, wanted=asked.__contains__, told=sorted(asked))
        then = {path: objects.blob_id(file.content, head) for path, file in files.items()}
        found |= {path for path in asked if then.get(path) == ours.get(path)}
    found -= _decided(root, found, wanted, ours)
    held = objects.blobs(root, entries, found)
    return {path: held.get(path) for path in sorted(found)}


def had_earlier(root: Path, version: str) -> Sequence[str]:
    """Return the other versions that a repository has had, newest first, as far as its history goes back."""
    if not git.at(root).head:
        return ()
    blobs = [blob for _, blob in _had(root, [layout.ANSWERS]) if blob.strip("0")]
    answers = objects.contents(root, blobs)
    had = [each for each in dict.fromkeys(recorded(answers[blob]) for blob in blobs) if each not in {"", version}]
    known = versions.versions() if had else ()
    return [each for each in had if each in known]


def _had(root: Path, paths: Collection[str]) -> Sequence[tuple[str, str]]:
    """Return what the history made of files, newest first: path and blob, which is all zeros where one went."""
    asked = ("-c", "log.follow=false", "log", "--format=", "--raw", "--no-abbrev")
    few = sorted(paths) if len(paths) <= objects.FEW else ()
    listed = git.run(root, "--literal-pathspecs", *asked, "--no-renames", "-m", "-z", "--", *few)
    fields = listed.split("\0")
    heads = (head.lstrip("\n").split(" ") for head in fields[::2])
    return [(path, head[3]) for head, path in zip(heads, fields[1::2], strict=False)]


def _decided(root: Path, paths: Collection[str], wanted: Mapping[str, str], ours: Mapping[str, str]) -> set[str]:
    """Return the files that somebody wants as they are: they were as they are to be, or were there, and are not now."""
    had = {*_had(root, paths)} if paths else set[tuple[str, str]]()
    came = {path for path, _ in had}
    nothing = "0" * len(git.at(root).head)
    return {path for path in paths if (path, wanted.get(path, nothing)) in had or (path in came and path not in ours)}
