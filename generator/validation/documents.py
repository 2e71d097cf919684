"""Files -> documents, with the line of every field, whatever the file holds.

Nothing here raises because of what a file holds, and nothing takes more than linear time or memory: whatever is wrong
is a `Defect`, a value beside the documents that could be read.

Scalars become what the Kubernetes tools (sigs.k8s.io/yaml, so kubectl, Helm and Argo CD) make of them: `yes` and `on`
are true, `0644` is 420, `1e3` is 1000, a date and `1:30` are text, and every key is text. What JSON has no number for
(`.inf`, `1e400`) stays text. Aliases are not copied: the same Python object stands in several places.
"""

from __future__ import annotations

import codecs
import json
import math
import os
import re
import stat
import sys
from bisect import bisect_right
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
)

Pointer = tuple[str | int, ...]
"""The way to a field from the document's root: ("spec", "containers", 0, "image")."""

LARGEST_FILE = 10 * 1024 * 1024
"""Bytes."""
DEEPEST = 100
"""How many mappings and lists may stand in each other."""
LARGEST_EXPANSION = 2_000_000
"""How many characters the aliases of one text may stand for."""
MOST_DEFECTS = 100
"""How many defects of one text are told."""
MOST_DIRECTIVES = 100
"""How many lines may begin with `%`: libyaml compares each %TAG with all before it."""

SUFFIXES = (".yaml", ".yml", ".json")
SKIPPED_FOLDERS = frozenset({".git", ".terraform", ".tox", ".venv", "node_modules", "venv"})
"""Folders that hold what tools put there, never what a repository says."""


class DefectKind(StrEnum):
    """What keeps a file, or a part of it, from being read as its author meant it."""

    UNREADABLE = "unreadable"
    SYMLINK = "symlink"
    TOO_LARGE = "too-large"
    BINARY = "binary"
    ENCODING = "encoding"
    YAML_SYNTAX = "yaml-syntax"
    JSON_SYNTAX = "json-syntax"
    TABS = "tabs"
    HELM_TEMPLATE = "helm-template"
    DUPLICATE_KEY = "duplicate-key"
    KEY = "key"
    CUSTOM_TAG = "custom-tag"
    RECURSIVE_ALIAS = "recursive-alias"
    ALIAS_BOMB = "alias-bomb"
    TOO_DEEP = "too-deep"
    TOO_MANY = "too-many-defects"


@dataclass(frozen=True, slots=True)
class Defect:
    """One thing that is wrong with a text before anybody asks what it means."""

    kind: DefectKind
    message: str
    path: str
    line: int | None = None
    """1-based; None where the whole file is meant, and for rendered text."""
    column: int | None = None
    hint: str = ""
    document: int | None = None
    """The `index` of its document, for what alone keeps none from being read: `DUPLICATE_KEY`, `CUSTOM_TAG`."""


@dataclass(frozen=True, slots=True)
class File:
    """A file to read, or a path that cannot be read and why."""

    path: str
    """Relative to the root, with `/` between the parts."""
    location: Path
    defect: Defect | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The text of a file, kept so that lines can be looked up."""

    text: str
    is_json: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """One YAML or JSON document, of a file or of a render."""

    path: str
    index: int
    data: Any
    line: int = 1
    application: str = ""
    environment: str = ""
    source: Source | None = field(default=None, repr=False)
    """The text that the document stands in; None for a rendered document."""
    prefix: Pointer = ()
    """Where the document stands in its text's document: () or ("items", 3), an item of a List."""

    def line_of(self, pointer: Pointer) -> int | None:
        """Return the 1-based line of a field, or of the nearest one above it; None for a rendered document."""
        if self.source is None:
            return None
        line, value = _positions(self.source).get(self.index, (self.line, None))
        for part in (*self.prefix, *pointer):
            known: Any = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
            if value is None or part not in known:
                break
            line, value = value[part]
        return line


@dataclass(frozen=True, slots=True, eq=False)
class ParsedFile:
    """What a file holds: its documents, and what is wrong with it."""

    path: str
    text: str
    documents: tuple[Document, ...] = ()
    defects: tuple[Defect, ...] = ()


# Finding files


def find(root: Path, paths: Sequence[Path] = (), ignored: Callable[[str], bool] | None = None) -> list[File]:
    """Return the YAML and JSON files below `root`, or of the given files and folders of it, sorted by path.

    Relative `paths` are relative to `root`; a file named there is taken whatever its name. `ignored` is asked with the
    path of each folder and file that is come across. Links to folders are not followed: a folder of the repository is
    read where it really is. Links that leave the repository, lead nowhere or go round are files with a defect.
    """
    home, base = Path(os.path.abspath(root)), Path(os.path.realpath(root))  # noqa: PTH100 - links are to stay
    found: dict[Path, File] = {}
    for given in paths or (home,):
        location = Path(os.path.normpath(home / given))
        real = Path(os.path.realpath(location))
        if not real.is_relative_to(base):
            found[location] = _linked(str(given), location, "is not inside the repository")
            continue
        if not location.is_relative_to(home):
            location = home / real.relative_to(base)
        path = location.relative_to(home).as_posix()
        if real.is_dir():
            found |= {file.location: file for file in _walk(base, location, "" if path == "." else f"{path}/", ignored)}
        else:
            found[location] = File(_printable(path), location)
    return sorted(found.values(), key=lambda file: file.path)


def _walk(base: Path, top: Path, prefix: str, ignored: Callable[[str], bool] | None) -> Iterator[File]:
    pending = [(os.fspath(top), prefix)]
    while pending:
        folder, before = pending.pop()
        try:
            for entry in os.scandir(folder):
                path = before + entry.name
                if ignored is not None and ignored(path):
                    continue
                if entry.is_symlink():
                    yield from _link(base, path, Path(entry.path))
                elif entry.is_dir():
                    if entry.name not in SKIPPED_FOLDERS:
                        pending.append((entry.path, f"{path}/"))
                elif _is_wanted(entry.name):
                    yield File(_printable(path), Path(entry.path))
        except OSError as error:
            yield _unreadable(before.rstrip("/") or ".", Path(folder), error)


def _link(base: Path, path: str, location: Path) -> Iterator[File]:
    target = Path(os.path.realpath(location))
    if location.readlink().is_absolute() or not target.is_relative_to(base):
        yield _linked(path, location, "is a link that leaves the repository")
    elif target.is_dir():
        if Path(os.path.realpath(location.parent)).is_relative_to(target):
            yield _linked(path, location, "is a link to a folder that holds it")
    elif _is_wanted(location.name):
        broken = not target.exists()
        yield _linked(path, location, "is a link that leads nowhere") if broken else File(_printable(path), location)


def _is_wanted(name: str) -> bool:
    return name.endswith(SUFFIXES) or name == "Kustomization"


def _linked(path: str, location: Path, what: str) -> File:
    path = _printable(path)
    hint = "Put the file itself there, or a relative link to a file of this repository: Argo CD follows no other."
    return File(path, location, Defect(DefectKind.SYMLINK, f"{path} {what}", path, hint=hint))


def _unreadable(path: str, location: Path, error: OSError) -> File:
    path = _printable(path)
    message = f"{path} cannot be read: {error.strerror or error}"
    hint = "Check that it is there and that you may read it."
    return File(path, location, Defect(DefectKind.UNREADABLE, message, path, hint=hint))


def _printable(path: str) -> str:
    """Return the path with what is not UTF-8 replaced, so that any report can show it."""
    return path if path.isascii() else os.fsencode(path).decode(errors="replace")


# Reading files


class _RefusedError(Exception):
    """Stop reading: `index` is the place in what is read, in characters of a text or bytes."""

    def __init__(self, kind: DefectKind, message: str, hint: str = "", index: int | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint
        self.index = index


def read(file: File, largest: int = LARGEST_FILE) -> ParsedFile:
    """Return what a file holds, JSON if its name ends in .json, else YAML; `largest` is in bytes."""
    if file.defect is not None:
        return ParsedFile(file.path, "", defects=(file.defect,))
    content = b""
    try:
        content = _bytes(file.location, largest)
        return parse(_decode(content), file.path)
    except OSError as error:
        return read(_unreadable(file.path, file.location, error))
    except _RefusedError as error:
        line = None if error.index is None else content.count(b"\n", 0, error.index) + 1
        defect = Defect(error.kind, error.message, file.path, line, hint=error.hint)
        return ParsedFile(file.path, "", defects=(defect,))


def parse(text: str, path: str) -> ParsedFile:
    """Return what a text holds, JSON if the path ends in .json, else YAML."""
    if path.endswith(".json"):
        return _parse_json(text, path)
    source = Source(text)
    composer = _Composer(text)
    documents = tuple(
        Document(path, found.index, found.data, found.line, source=source) for found in composer.documents()
    )
    defects = tuple(composer.defects_of(path))
    if any(defect.kind is DefectKind.HELM_TEMPLATE for defect in defects):
        return ParsedFile(path, text, defects=defects)
    return ParsedFile(path, text, documents, defects)


def _bytes(location: Path, largest: int) -> bytes:
    status = location.stat()
    if not stat.S_ISREG(status.st_mode):
        raise _RefusedError(DefectKind.UNREADABLE, "this is not a regular file", "Put a file there.")
    if status.st_size <= largest:
        with location.open("rb") as stream:
            content = stream.read(largest + 1)
        if len(content) <= largest:
            return content
    size = max(status.st_size, largest + 1)
    raise _RefusedError(
        DefectKind.TOO_LARGE,
        f"the file has {size:,} bytes, more than the {largest:,} that are read",
        "Kubernetes takes objects of at most 1.5 MB: split the file, or keep such data out of the repository.",
    )


_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def _decode(content: bytes) -> str:
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    if encoding.startswith("utf-8") and b"\0" in content:
        raise _RefusedError(DefectKind.BINARY, "the file holds binary data, not text", "Keep it under another suffix.")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        message = f"byte {error.start} (0x{content[error.start]:02x}) is not {encoding.removesuffix('-sig').upper()}"
        raise _RefusedError(DefectKind.ENCODING, message, "Save the file as UTF-8.", error.start) from error


# YAML

_NEXT_DOCUMENT = re.compile(r"^(?:---|\.\.\.)(?=\s|$)", re.MULTILINE)
_BREAK = re.compile(r"\r\n?|\n")
_ODD_BREAK = re.compile("[\x85\u2028\u2029]")
_DIRECTIVE = re.compile("^%", re.MULTILINE)
_ACTION = re.compile(r"\{\{[^{}]*+\}\}")
_ACTIONS_ALONE = re.compile(r"^[ \t]*+(?:\{\{[^{}]*+\}\}[ \t]*+)++$", re.MULTILINE)

_STANDARD = "tag:yaml.org,2002:"
_COLLECTIONS = frozenset({None, "!", *(_STANDARD + name for name in ("map", "seq", "set", "omap", "pairs"))})
_TEXTS = frozenset({"!", *(_STANDARD + name for name in ("str", "binary", "timestamp", "value", "merge"))})
_TYPES: dict[str, tuple[type, ...]] = {
    _STANDARD + "null": (type(None),),
    _STANDARD + "bool": (bool,),
    _STANDARD + "int": (int,),
    _STANDARD + "float": (int, float),
}

_CONSTANTS: dict[str, Any] = {"": None, "~": None}
for _words, _truth in (("null", None), ("y yes on true", True), ("n no off false", False)):
    for _word in _words.split():
        _CONSTANTS |= dict.fromkeys((_word, _word.capitalize(), _word.upper()), _truth)

_NUMBER_STARTS = frozenset("+-.0123456789")
_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_LONGEST_NUMBER = 400


class _Anchor(NamedTuple):
    value: Any
    size: int
    """Characters that it stands for, its own aliases expanded."""
    height: int
    """Mappings and lists that stand in each other below it; -1 for a scalar."""


@dataclass(frozen=True, slots=True)
class _Composed:
    index: int
    line: int
    data: Any
    offset: int


class _Composer:
    """Build the data of a text's documents from libyaml's events, in one pass.

    With `located`, each value in a mapping or list is a pair: the line of its key or item, and the value. The lines
    then come from the code that makes the data, and cannot disagree with it; that costs twice the memory, so it is done
    only when somebody asks.
    """

    def __init__(self, text: str, *, located: bool = False) -> None:
        self.text = text
        self.located = located
        self.duplicates = False
        self._template: bool | None = None
        self._noted: list[tuple[int, Defect]] = []
        self._untold = 0
        self._expanded = 0
        self._index = 0
        self._start = 0
        self._first_line = 1
        odd = not text.isascii() and _ODD_BREAK.search(text) is not None
        self._breaks = [match.end() for match in _BREAK.finditer(text)] if odd else None

    def documents(self) -> Iterator[_Composed]:
        """Yield every document that can be read; after one that cannot, go on with the next `---`."""
        if "%" in self.text and len(_DIRECTIVE.findall(self.text)) > MOST_DIRECTIVES:
            self._note(_RefusedError(DefectKind.YAML_SYNTAX, f"more than {MOST_DIRECTIVES} lines begin with “%”"), None)
            return
        for _ in range(MOST_DEFECTS):
            resume = yield from self._until_refused()
            following = None if resume is None else _NEXT_DOCUMENT.search(self.text, resume)
            if following is None:
                return
            self._first_line, self._start = self._line_at(following.start()), following.start()
            self._index += 1
        self._untold += 1

    def _until_refused(self) -> Generator[_Composed, None, int | None]:
        """Yield documents; return from where on to look for the next one, or None at the end."""
        try:
            yield from self._stream()
        except yaml.YAMLError as error:
            refused = self._syntax(error)
        except _RefusedError as error:
            refused = error
        else:
            return None
        self._note(refused, None)
        return max(refused.index or 0, self._start + 1)

    def noted(self) -> list[tuple[int, Defect]]:
        """Return what is wrong, each with its place in the text, in characters."""
        if self.duplicates and not self.located:
            again = _Composer(self.text, located=True)
            for _ in again.documents():
                pass
            return again.noted()
        noted = sorted(self._noted, key=lambda pair: pair[0])
        if self._untold:
            message = f"more is wrong than the {MOST_DEFECTS} defects that are told"
            noted.append((len(self.text), Defect(DefectKind.TOO_MANY, message, "", hint="Correct those first.")))
        return noted

    def defects_of(self, path: str) -> Iterator[Defect]:
        """Yield what is wrong; of a Helm template only that it is one."""
        noted = [defect for _, defect in self.noted()]
        template = [defect for defect in noted if defect.kind is DefectKind.HELM_TEMPLATE]
        for defect in template[:1] or noted:
            yield replace(defect, path=path)

    def _stream(self) -> Iterator[_Composed]:
        get_event: Any = yaml.CBaseLoader(self.text[self._start :]).get_event
        self._next: Callable[[], Any] = get_event
        self._next()
        while type(self._next()) is DocumentStartEvent:
            event = self._next()
            self._anchors: dict[str, _Anchor | None] = {}
            self._deepest = 0
            self._tags: set[str] = set()
            data = self._value(event, 1)
            self._next()
            if data is not None:
                yield _Composed(self._index, self._line(event), data, self._start + event.start_mark.index)
                self._index += 1

    def _value(self, event: Any, depth: int) -> Any:
        kind = type(event)
        if kind is ScalarEvent:
            untagged = _resolve(event.value) if event.implicit[0] else event.value
            value = untagged if event.tag is None else self._tagged(event)
            if event.anchor is not None:
                self._anchors[event.anchor] = _Anchor(value, _span(event, event), -1)
            return value
        if kind is AliasEvent:
            return self._alias(event, depth).value
        if depth > DEEPEST:
            self._too_deep(event)
        if depth > self._deepest:  # noqa: PLR1730 - a third of the time of max()
            self._deepest = depth
        if event.tag not in _COLLECTIONS:
            self._custom_tag(event)
        build = self._mapping if kind is MappingStartEvent else self._sequence
        if event.anchor is None:
            return build(depth)[0]
        return self._anchored(event, depth, build)

    def _anchored(self, event: Any, depth: int, build: Callable[[int], tuple[Any, Any]]) -> Any:
        self._anchors[event.anchor] = None
        expanded, deepest, self._deepest = self._expanded, self._deepest, depth
        value, end = build(depth)
        # An anchor of the same name inside is the later one: it stays.
        if self._anchors[event.anchor] is None:
            size = _span(event, end) + self._expanded - expanded
            self._anchors[event.anchor] = _Anchor(value, size, self._deepest - depth)
        self._deepest = max(deepest, self._deepest)
        return value

    def _sequence(self, depth: int) -> tuple[list[Any], Any]:
        items: list[Any] = []
        while type(event := self._next()) is not SequenceEndEvent:
            value = self._value(event, depth + 1)
            items.append((self._line(event), value) if self.located else value)
        return items, event

    def _mapping(self, depth: int) -> tuple[dict[str, Any], Any]:
        fields: dict[str, Any] = {}
        merged: list[Any] = []
        while type(event := self._next()) is not MappingEndEvent:
            if type(event) is ScalarEvent and event.value == "<<" and event.implicit[0]:
                merged += self._to_merge(event, self._value(self._next(), depth + 1))
                continue
            key = self._key(event, depth)
            value = self._value(self._next(), depth + 1)
            if key in fields:
                self._duplicate(key, fields[key], event)
            fields[key] = (self._line(event), value) if self.located else value
        # As YAML 1.1 and Kustomize have it: own keys win wherever `<<` stands, and of merged mappings the first wins.
        # kubectl and Helm differ in one case: with them, a `<<` that stands below a key wins over it.
        for mapping in merged:
            for key, value in mapping.items():
                fields.setdefault(key, value)
        return fields, event

    def _to_merge(self, event: Any, value: Any) -> list[dict[str, Any]]:
        several = isinstance(value, list)
        mappings: list[Any] = [item[1] for item in value] if several and self.located else value if several else [value]
        if not all(isinstance(mapping, dict) for mapping in mappings):
            message = "“<<” merges something that is not a mapping"
            raise self._refusal(DefectKind.YAML_SYNTAX, message, "Merge an alias of a mapping: <<: *name.", event)
        return mappings

    def _key(self, event: Any, depth: int) -> str:
        value = self._value(event, depth) if type(event) in (ScalarEvent, AliasEvent) else {}
        if isinstance(value, str):
            # The keys of a thousand manifests are a hundred words.
            return sys.intern(value)
        if value is None or isinstance(value, dict | list):
            index = self._start + event.start_mark.index
            if self.text.startswith("{{", max(index - 1, 0)):
                raise self._refusal(DefectKind.HELM_TEMPLATE, *_TEMPLATE, event)
            what = "null" if value is None else "a mapping or a list"
            hint = "Write a text as the key; quote it if it begins with “{”, “[” or “?”."
            raise self._refusal(DefectKind.KEY, f"a key is {what}; Kubernetes takes texts only", hint, event)
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value) if isinstance(value, int) else f"{value:.8g}"

    def _tagged(self, event: Any) -> Any:
        if event.tag in _TYPES:
            value = _resolve(event.value)
            if not isinstance(value, _TYPES[event.tag]):
                message = f"“{_short(event.value)}” is not what its tag {_tag(event)} says"
                raise self._refusal(DefectKind.YAML_SYNTAX, message, "Correct the value, or remove the tag.", event)
            return value
        if event.tag not in _TEXTS:
            self._custom_tag(event)
        return event.value

    def _alias(self, event: Any, depth: int) -> _Anchor:
        anchor = self._anchors.get(event.anchor)
        if anchor is None:
            if event.anchor in self._anchors:
                message = f"the alias *{event.anchor} stands inside what it stands for"
                raise self._refusal(DefectKind.RECURSIVE_ALIAS, message, "Write out what is meant.", event)
            message = f"no anchor &{event.anchor} stands before the alias *{event.anchor}"
            raise self._refusal(DefectKind.YAML_SYNTAX, message, "Anchors hold for one document only.", event)
        self._expanded += anchor.size
        if self._expanded > LARGEST_EXPANSION:
            message = f"the aliases stand for more than {LARGEST_EXPANSION:,} characters"
            raise self._refusal(DefectKind.ALIAS_BOMB, message, "Use fewer aliases of aliases.", event)
        if depth + anchor.height > DEEPEST:
            self._too_deep(event)
        self._deepest = max(self._deepest, depth + anchor.height)
        return anchor

    def _too_deep(self, event: Any) -> NoReturn:
        message = f"more than {DEEPEST} mappings and lists stand in each other"
        raise self._refusal(DefectKind.TOO_DEEP, message, "Flatten the document.", event)

    def _custom_tag(self, event: Any) -> None:
        tag = _tag(event)
        if tag not in self._tags:
            self._tags.add(tag)
            hint = "Kubernetes ignores it. If another tool reads this file, leave it out of the validation."
            refusal = self._refusal(DefectKind.CUSTOM_TAG, f"the tag {tag} is none of YAML's own", hint, event)
            self._note(refusal, self._index)

    def _duplicate(self, key: str, first: Any, event: Any) -> None:
        self.duplicates = True
        if self.located:
            message = f"the key “{_short(key)}” stands twice in one mapping, first in line {first[0]}"
            hint = "Kubernetes takes the last one and says nothing: remove one of them."
            self._note(self._refusal(DefectKind.DUPLICATE_KEY, message, hint, event), self._index)

    # Places and defects

    def _line(self, event: Any) -> int:
        if self._breaks is None:
            return int(self._first_line + event.start_mark.line)
        return self._line_at(self._start + event.start_mark.index)

    def _line_at(self, index: int) -> int:
        """Return the line as editors count: libyaml also counts the breaks that only Unicode knows."""
        if self._breaks is not None:
            return bisect_right(self._breaks, index) + 1
        return self._first_line + _count_breaks(self.text, self._start, index)

    def _refusal(self, kind: DefectKind, message: str, hint: str, event: Any) -> _RefusedError:
        return _RefusedError(kind, message, hint, self._start + event.start_mark.index)

    def _note(self, refusal: _RefusedError, document: int | None) -> None:
        if len(self._noted) == MOST_DEFECTS:
            self._untold += 1
            return
        index = refusal.index or 0
        begin = max(self.text.rfind("\n", 0, index), self.text.rfind("\r", 0, index)) + 1
        line, column = self._line_at(index), index - begin + 1
        self._noted.append(
            (index, Defect(refusal.kind, refusal.message, "", line, column, refusal.hint, document)),
        )

    def _syntax(self, error: yaml.YAMLError) -> _RefusedError:
        """Return what libyaml says, in words for people."""
        if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
            return self._unprintable(error)
        index = min(self._start + error.problem_mark.index, len(self.text))
        opened = index if error.context_mark is None else self._start + error.context_mark.index
        context, problem = str(error.context), str(error.problem)
        line = _line_around(self.text, index)
        if "\t" in line[: len(line) - len(line.lstrip())] and "flow" not in context:
            return _RefusedError(DefectKind.TABS, "the line is indented by a tab", "Indent by spaces.", index)
        if _ACTION.search(line) or self._is_template():
            return _RefusedError(DefectKind.HELM_TEMPLATE, *_TEMPLATE, index)
        message, hint = _PROBLEMS.get(problem, (problem, "Correct the YAML here."))
        if problem in _ABOUT_THE_BEGINNING:
            index = opened
        elif "flow" in context:
            message += f", in what begins in line {self._line_at(opened)}"
        return _RefusedError(DefectKind.YAML_SYNTAX, message, hint, index)

    def _unprintable(self, error: yaml.YAMLError) -> _RefusedError:
        """Return the refusal of a character; libyaml tells its place in bytes."""
        place = int(getattr(error, "position", 0) or 0)
        index = self._start + len(self.text[self._start :].encode()[:place].decode(errors="ignore"))
        character = self.text[index : index + 1]
        message = f"the character U+{ord(character):04X} cannot stand in YAML" if character else str(error)
        return _RefusedError(DefectKind.YAML_SYNTAX, message, "Remove it, or escape it in double quotes.", index)

    def _is_template(self) -> bool:
        """Tell whether the text is YAML once its `{{ … }}` actions are gone."""
        if self._template is None:
            self._template = False
            if _ACTION.search(self.text):
                probe = _Composer(_ACTION.sub("x", _ACTIONS_ALONE.sub("", self.text)))
                probe._template = False
                for _ in probe.documents():
                    pass
                self._template = all(defect.kind is DefectKind.CUSTOM_TAG for _, defect in probe._noted)
        return self._template


_TEMPLATE = (
    "this is a template: its “{{ … }}” keep it from being YAML",
    "Helm renders templates only in a chart's templates folder. Elsewhere, quote a value that begins with “{{”.",
)
_OPEN_QUOTE = (
    "a quoted text begins here and never ends",
    "Close the quote; within single quotes, write a single quote twice.",
)
_ABOUT_THE_BEGINNING = frozenset(
    {"could not find expected ':'", "found unexpected end of stream", "found unexpected document indicator"}
)
_INDENTATION = "Check the indentation: what belongs together begins in the same column."
_PROBLEMS = {
    "mapping values are not allowed in this context": (
        "a “:” stands where no key can be",
        "Quote a value that holds “: ”, or check the indentation.",
    ),
    "did not find expected key": ("a key, or the end of the mapping, was expected here", _INDENTATION),
    "did not find expected '-' indicator": ("an item “- …” of the list was expected here", _INDENTATION),
    "could not find expected ':'": ("a key has no “:”", "Write “key: value”, with a space after the colon."),
    "block sequence entries are not allowed in this context": (
        "an item “- …” stands where no list can be",
        "Begin a list in a line of its own, below its key.",
    ),
    "found character that cannot start any token": ("no value can begin with this character", "Quote the value."),
    "did not find expected ',' or ']'": ("“,” or “]” was expected here", "Close the “[”, or put commas between items."),
    "did not find expected ',' or '}'": ("“,” or “}” was expected here", "Close the “{”, or put commas between keys."),
    "found unexpected end of stream": _OPEN_QUOTE,
    "found unexpected document indicator": _OPEN_QUOTE,
    "found unknown escape character": (
        "a “\\” begins no escape that YAML knows",
        "Write “\\\\” for a backslash, or use single quotes.",
    ),
    "did not find expected <document start>": (
        "something stands here after the end of the document",
        "Check the indentation; a new document begins after a line “---”.",
    ),
}


def _resolve(text: str) -> Any:
    """Return what a plain scalar means."""
    return _number(text) if text[:1] in _NUMBER_STARTS else _CONSTANTS.get(text, text)


def _number(text: str) -> int | float | str:
    """Return the number that the text is for the Kubernetes tools, whole ones as int, or the text."""
    digits = text if text[0] == "." else text.replace("_", "")
    if len(digits) > _LONGEST_NUMBER:
        return text
    if _INTEGER.fullmatch(digits):
        sign, bare = (-1 if digits[0] == "-" else 1), digits.lstrip("+-").lower()
        octal = len(bare) > 1 and bare[0] == "0" and bare[1].isdigit()
        value = sign * int(bare, 8 if octal else 0)
        if -(2**63) <= value < 2**63:
            return value
    if not _FLOAT.fullmatch(digits):
        return text
    real = float(digits)
    if not math.isfinite(real):
        return text
    return int(real) if real.is_integer() and abs(real) < 2**63 else real


def _span(start: Any, end: Any) -> int:
    return int(end.end_mark.index - start.start_mark.index)


def _tag(event: Any) -> str:
    tag = str(event.tag)
    return _short("!!" + tag.removeprefix(_STANDARD) if tag.startswith(_STANDARD) else tag)


def _count_breaks(text: str, begin: int, end: int) -> int:
    count = text.count("\n", begin, end)
    return count + text.count("\r", begin, end) - text.count("\r\n", begin, end) if "\r" in text else count


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"


def _line_around(text: str, index: int) -> str:
    begin = max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1
    end = _BREAK.search(text, index)
    return text[begin : end.start() if end else len(text)]


# JSON

_SURROGATES = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")


def _parse_json(text: str, path: str) -> ParsedFile:
    duplicates = False

    def fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal duplicates
        made = dict(pairs)
        duplicates |= len(made) < len(pairs)
        return made

    try:
        data = json.loads(
            text, object_pairs_hook=fields, parse_float=_number, parse_int=_number, parse_constant=_refuse_constant
        )
        if _is_deep(data):
            raise RecursionError
    except (ValueError, RecursionError) as error:
        return ParsedFile(path, text, defects=(_json_defect(text, path, error),))
    source = Source(text, is_json=True)
    first = _count_breaks(text, 0, len(text) - len(text.lstrip())) + 1
    found = () if data is None else (Document(path, 0, data, first, source=source),)
    return ParsedFile(path, text, found, tuple(_json_duplicates(source, path)) if duplicates else ())


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _is_deep(data: Any) -> bool:
    level = [data]
    for _ in range(DEEPEST):
        level = [
            child
            for value in level
            if isinstance(value, dict | list)
            for child in (value.values() if isinstance(value, dict) else value)
        ]
    return any(isinstance(value, dict | list) for value in level)


def _json_defect(text: str, path: str, error: Exception) -> Defect:
    if isinstance(error, RecursionError):
        message = f"more than {DEEPEST} objects and arrays stand in each other"
        return Defect(DefectKind.TOO_DEEP, message, path, hint="Flatten the document.")
    if not isinstance(error, json.JSONDecodeError):
        return Defect(DefectKind.JSON_SYNTAX, str(error), path, hint="Write a number that JSON has.")
    if _ACTION.search(_line_around(text, error.pos)):
        return Defect(DefectKind.HELM_TEMPLATE, _TEMPLATE[0], path, error.lineno, error.colno, _TEMPLATE[1])
    message = error.msg[0].lower() + error.msg[1:]
    hint = "JSON takes double quotes only, no comments, and no comma after the last item."
    return Defect(DefectKind.JSON_SYNTAX, message, path, error.lineno, error.colno, hint)


def _json_duplicates(source: Source, path: str) -> Iterator[Defect]:
    composer = _Composer(_yaml_of(source), located=True)
    for _ in composer.documents():
        pass
    defects = [defect for defect in composer.defects_of(path) if defect.kind is DefectKind.DUPLICATE_KEY]
    general = Defect(DefectKind.DUPLICATE_KEY, "a key stands twice in one object", path, document=0)
    yield from defects or [general]


def _yaml_of(source: Source) -> str:
    """Return the text as YAML of the same lines: YAML knows no surrogate pairs."""
    if not source.is_json or "\\u" not in source.text:
        return source.text
    return _SURROGATES.sub(lambda pair: str(json.loads(f'"{pair[0]}"')), source.text)


@lru_cache(maxsize=4)
def _positions(source: Source) -> Mapping[int, tuple[int, Any]]:
    """Return line and located data of each document. A few files are kept: findings come file by file."""
    composer = _Composer(_yaml_of(source), located=True)
    return {found.index: (found.line, found.data) for found in composer.documents()}


# Rendered text

_TEMPLATE_COMMENT = re.compile(r"^# Source: (.+)", re.MULTILINE)


def rendered(
    text: str, path: str, *, application: str, environment: str, source: Callable[[str], str] | None = None
) -> tuple[list[Document], list[Defect]]:
    """Return the documents of what Helm or Kustomize rendered, and what is wrong with it.

    A document's path is `source` of the template that Helm's comment `# Source: chart/templates/x.yaml` names, else
    `path`. No document has lines, since the rendered text is no file; a defect quotes the text instead.
    """
    templates = [(match.start(), match[1].strip()) for match in _TEMPLATE_COMMENT.finditer(text)] if source else []
    starts = [start for start, _ in templates]

    def path_at(offset: int) -> str:
        before = bisect_right(starts, offset)
        return source(templates[before - 1][1]) if source and before else path

    composer = _Composer(text)
    documents = [
        Document(path_at(found.offset), found.index, found.data, application=application, environment=environment)
        for found in composer.documents()
    ]
    defects = []
    for offset, defect in composer.noted():
        quoted = _short(_line_around(text, offset).strip())
        message = f"{defect.message} (line {defect.line} of the rendered text: “{quoted}”)"
        defects.append(replace(defect, message=message, path=path_at(offset), line=None, column=None))
    return documents, defects


# Manifests


def is_manifest(data: Any) -> bool:
    """Tell whether the data says of itself which Kubernetes object it is."""
    names = (data.get("apiVersion"), data.get("kind")) if isinstance(data, dict) else (None,)
    return all(isinstance(name, str) and name for name in names)


def resource(document: Document) -> str:
    """Return `Kind/name` of a manifest, as much of it as there is, or "" for anything else."""
    if not is_manifest(document.data):
        return ""
    metadata = document.data.get("metadata")
    name = (metadata.get("name") or metadata.get("generateName")) if isinstance(metadata, dict) else None
    return f"{document.data['kind']}/{name}" if isinstance(name, str) else str(document.data["kind"])


def items(document: Document) -> Iterator[Document]:
    """Yield the items of a List, of Lists in it too, each as a document of its own; or else the document itself."""
    data = document.data
    if not (is_manifest(data) and data["kind"].endswith("List") and isinstance(data.get("items"), list)):
        yield document
        return
    for index, item in enumerate(data["items"]):
        line = document.line_of(("items", index)) or document.line
        yield from items(replace(document, data=item, line=line, prefix=(*document.prefix, "items", index)))


# Suppressions

_SUPPRESSION = re.compile(
    r"(?:^|(?<=\s))(?:#|\{\{-?[ \t]*/\*)[ \t]*argosy:[ \t]*ignore\b[ \t]*(?:\[(?P<rules>[^\]]*)\])?(?P<reason>.*)"
)
_COMMENT_END = re.compile(r"\*/[ \t]*-?\}\}.*")
_COMMENT = re.compile(r"\s*(?:#|\{\{-?[ \t]*/\*.*\*/[ \t]*-?\}\}\s*$|$)")
_PREAMBLE = re.compile(r"(?:---\s*(?:#|$)|%)")


@dataclass(frozen=True, slots=True)
class Suppression:
    """A comment `# argosy: ignore[rule, rule] reason`; Helm templates may have it in `{{/* … */}}`."""

    line: int
    rules: tuple[str, ...]
    """Empty where the comment names none."""
    reason: str
    alone: bool
    """Whether nothing else stands in its line."""
    whole_file: bool
    """Whether it stands before all content of the file."""
    covers: int | None
    """The line that it is about: its own, or, if it stands alone, the next one that is no comment, if there is one."""


def suppressions(text: str) -> list[Suppression]:
    """Return the comments that ask to ignore findings; `#` begins one after a space or first in a line."""
    if "argosy:" not in text:
        return []
    found: list[Suppression] = []
    waiting: list[Suppression] = []
    whole_file = True
    for number, line in enumerate(_BREAK.split(text), 1):
        match = _SUPPRESSION.search(line) if "argosy:" in line else None
        if _COMMENT.match(line):
            waiting += [_suppression(match, number, whole_file=whole_file, covers=None)] if match else []
            continue
        whole_file &= bool(_PREAMBLE.match(line))
        found += [replace(comment, covers=number) for comment in waiting]
        waiting = []
        found += [_suppression(match, number, whole_file=False, covers=number)] if match else []
    return found + waiting


def _suppression(match: re.Match[str], number: int, *, whole_file: bool, covers: int | None) -> Suppression:
    rules = tuple(rule for each in (match["rules"] or "").split(",") if (rule := each.strip()))
    reason = _COMMENT_END.sub("", match["reason"]).strip()
    return Suppression(number, rules, reason, covers is None, whole_file, covers)
