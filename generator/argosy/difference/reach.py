"""Which files must be read so that everything a change can reach is rendered, and nothing else.

The layout says it: files of an application reach this application, those of an environment what runs in it. Where
people have a file read another one across these borders, such as an overlay the overlay of another environment, the
paths that are written in the file say it.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import compress

from argosy import git, kustomize
from argosy.argocd.deployed import Wanted, above
from argosy.argocd.inventory import everything, reached_by
from argosy.documents.syntax import with_actions
from argosy.git import objects
from argosy.git.objects import SYMLINK, Blob
from argosy.git.snapshot import Snapshot
from argosy.repository import layout

_FOLDERS = frozenset({layout.APPLICATIONS, layout.ENVIRONMENTS, layout.ARGOCD, layout.PLATFORM})
_API, _KIND = r"argoproj\.io/v1alpha1", r"kind['\"]?: *['\"]?Application"
"""What the text of Applications and ApplicationSets has, be it a template of them."""
_BUILDS = frozenset({*kustomize.NAMES, "Chart.yaml"})
_IMPORTING = (".jsonnet", ".libsonnet")
_WORD = re.compile(r"[^\s\"'`,;=\[\](){}|<>&]+")
_PATH = re.compile(r"\bpath['\"]?:[ \t]*(?:[>|]-?\s+)?['\"]?([^\s'\",}]+)")
_SCHEME = re.compile(r"^(?:file://|\$[\w-]+(?=/))")


def reached(before: Snapshot, after: Snapshot, changed: Collection[str], chosen: Wanted = everything) -> Wanted:
    """Return which files of two states are to be read, given those that are not the same in both.

    `chosen` says which files, of those that belong to an application, are of one that is asked for.
    """
    known = _with_folders(path for state in (before, after) for path in state.paths())
    live = {_reaching(path, known) for path in changed if not _is_inert(path)}
    is_foreign = any(map(_is_foreign, live))
    if is_foreign and chosen is everything:
        return everything
    readers = [*_readers(after, known), *_readers(before, known, changed)]
    affected = _affected(set(changed), readers)
    by_layout = everything if is_foreign else _by_layout(live | {each.path for each in affected})
    # Of what an ApplicationSet makes, those that are reached are enough, unless it changes itself.
    live |= {each.path for each in affected if each.builds}
    return _with_named(lambda path: by_layout(path) and chosen(path), {*filter(chosen, live)}, readers)


def of(applications: Collection[str], environments: Collection[str]) -> Wanted:
    """Return which files are of these applications and environments, none named: of all; or of the whole repository."""
    if not applications and not environments:
        return everything

    def is_chosen(path: str) -> bool:
        application = layout.application_of(path) or layout.component_of(path)
        environment = layout.environment_of(path)
        return application is None or (
            (not applications or application in applications)
            and (not environments or environment is None or environment in environments)
        )

    return is_chosen


def needed(state: Snapshot, application: str, environment: str) -> Wanted:
    """Return which files of a state are to be read to render an application in an environment."""
    own = f"{layout.deployment(environment, application)}/{layout.VALUES}"
    return _with_named(_by_layout({own}), set(), [*_readers(state, _with_folders(state.paths()))])


def _with_named(by_layout: Wanted, live: Set[str], readers: Sequence[_Reader]) -> Wanted:
    """Return which files are reached, be it since one that is reached names them."""
    named, patterns = _named(
        lambda path: path in live or (layout.application_of(path) is not None and by_layout(path)), readers
    )

    def is_wanted(path: str) -> bool:
        return by_layout(path) or not named.isdisjoint((path, *above(path))) or any(p.match(path) for p in patterns)

    return is_wanted


def _is_inert(path: str) -> bool:
    """Return whether no Application is rendered from a file, unless one names it."""
    first, *more = path.split("/")
    if first == layout.ARGOCD and more:
        return path.endswith("/project.yaml") or more[0] == "install" or path == layout.ROOT_APPLICATION
    return not more or first.startswith(".")


def _reaching(path: str, known: Set[str]) -> str:
    """Return a file, or of a folder that is no application's, but beside those that are, what may reach as much."""
    first, *more = path.split("/")
    application = layout.application_of(path)
    if application is None or first == layout.ARGOCD or layout.application_settings(application) in known:
        return path
    return layout.environment_settings(more[0]) if first == layout.ENVIRONMENTS else layout.APPLICATION_SET


def _is_foreign(path: str) -> bool:
    """Return whether a file may reach anything: the ApplicationSet, and what is none of the layout's."""
    return path == layout.APPLICATION_SET or path.partition("/")[0] not in _FOLDERS


@dataclass(frozen=True, slots=True)
class _Reader:
    """A file that has others read."""

    path: str
    targets: frozenset[str]
    """The files and folders that it names."""
    patterns: tuple[re.Pattern[str], ...]
    is_open: bool
    """Whether it may name anything: a chart makes the names."""
    builds: bool
    """Whether all that it names has to be there, as for a kustomization; an Application is one of many."""

    def reads(self, paths: Collection[str], with_folders: Set[str]) -> bool:
        """Return whether it has any of the files read, which are given together with the folders that they are in."""
        return (
            self.is_open
            or not self.targets.isdisjoint(with_folders)
            or any(pattern.match(path) for pattern in self.patterns for path in paths)
        )


def _affected(changed: set[str], readers: Sequence[_Reader]) -> list[_Reader]:
    """Return what has any of the changed files read, and what has these read, and so on."""
    found: list[_Reader] = []
    waiting = [*readers]
    while True:
        paths = changed | {each.path for each in found}
        with_folders = _with_folders(paths)
        more = [each.reads(paths, with_folders) for each in waiting]
        if not any(more):
            return found
        found += compress(waiting, more)
        waiting = [each for each, is_affected in zip(waiting, more, strict=True) if not is_affected]


def _by_layout(live: Collection[str]) -> Wanted:
    if live:
        return reached_by(live)
    return lambda path: layout.application_of(path) is None and layout.component_of(path) is None


def _named(is_reached: Wanted, readers: Sequence[_Reader]) -> tuple[set[str], set[re.Pattern[str]]]:
    """Return the files, folders and patterns that those need which are reached, and those that are named there."""
    named, patterns, seen = set[str](), set[re.Pattern[str]](), set[str]()
    while found := [
        each
        for each in readers
        if each.path not in seen and (is_reached(each.path) or not named.isdisjoint(_with_folders([each.path])))
    ]:
        seen |= {each.path for each in found}
        for each in found:
            # Of a folder of Applications, those that are reached are enough.
            named |= {path for path in each.targets if each.builds or path.partition("/")[0] != layout.ARGOCD}
            patterns |= {*each.patterns}
    return named, patterns


def _with_folders(paths: Iterable[str]) -> set[str]:
    return {each for path in paths for each in (path, *above(path))}


def _readers(state: Snapshot, known: Set[str], only: Collection[str] | None = None) -> Iterator[_Reader]:
    """Yield what has others read, of some files or of all: kustomizations, charts, links, and what makes Applications.

    The layout's own ApplicationSet is none of them: the layout says what it reads.
    """
    chosen = _candidates(state) if only is None else only
    for path, blob in state.chosen(lambda path: path in chosen or (only is None and _is_build(path))).items():
        is_reader = _is_build(path) or blob.mode == SYMLINK or _makes_applications(blob.content)
        if is_reader and path != layout.APPLICATION_SET:
            yield _reader(path, blob, known)


def _candidates(state: Snapshot) -> set[str]:
    told = ("grep", "-l", "-z", "-I", "-E", "--all-match", "-e", _API, "-e", _KIND, state.commit)
    listed = git.run(state.root, *told, accepted=(0, 1)).split("\0")
    links = {path for path, entry in objects.entries(state.root, state.commit).items() if entry.mode == SYMLINK}
    return {*(line.partition(":")[2] for line in listed), *links, *state.written}


def _makes_applications(content: bytes) -> bool:
    return all(re.search(pattern.encode(), content) for pattern in (_API, _KIND))


def _reader(path: str, blob: Blob, known: Set[str]) -> _Reader:
    """Return what a file names: the words in it that are paths, seen from its folder, the root or a source's path."""
    folder, name = posixpath.dirname(path), posixpath.basename(path)
    text = with_actions(blob.content.decode(errors="surrogateescape"), "*")
    if blob.mode == SYMLINK:
        return _Reader(path, frozenset({_joined(folder, text)} & known), (), is_open=False, builds=True)
    sources = {_normal(found) for found in _PATH.findall(text)}
    words = {_SCHEME.sub("", word) for word in _WORD.findall(text)}
    if name in kustomize.NAMES or name.endswith(_IMPORTING):
        found = {_joined(folder, word) for word in words}
    else:
        paths = {word for word in words if "/" in word}
        found = sources | {_joined(each, word) for each in ("", folder, *sources) for word in paths}
    globs = {each for each in found if re.search(r"[*?]", each) and re.search(r"[\w]", each)}
    patterns = tuple(
        re.compile(f"(?:{fnmatch.translate(each)})|(?:{fnmatch.translate(f'{each}/*')})") for each in globs
    )
    is_open = "templates" in path.split("/")[:-1] and "*" in words
    return _Reader(path, frozenset(found & known - {path}), patterns, is_open, _is_build(name))


def _is_build(path: str) -> bool:
    """Return whether a file is made from all that it names."""
    return posixpath.basename(path) in _BUILDS or path.endswith(_IMPORTING)


def _normal(path: str) -> str:
    return posixpath.normpath(path.lstrip("/") or ".")


def _joined(folder: str, path: str) -> str:
    return _normal(path if path.startswith("/") else posixpath.join(folder, path))
