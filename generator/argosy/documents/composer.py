"""A YAML text -> the data of its documents, from libyaml's events, in one pass and with limits."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
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

from argosy.documents import syntax
from argosy.documents.defects import Defect, DefectKind, RefusedError
from argosy.documents.lines import Lines, shortened
from argosy.documents.scalars import resolve
from argosy.documents.syntax import DEEPEST

LARGEST_EXPANSION = 2_000_000
"""How many characters the aliases of one text may stand for."""
MOST_DEFECTS = 100
"""How many defects of one text are reported."""
MOST_DIRECTIVES = 100
"""How many lines may begin with `%`: libyaml compares each %TAG with all before it."""

_OF_TEMPLATES = {DefectKind.CUSTOM_TAG, DefectKind.DUPLICATE_KEY, DefectKind.REPEATED_KEY}
"""What is no mistake in a template: of the two branches of a condition, one stays."""
_NEXT_DOCUMENT = re.compile(r"^(?:---|\.\.\.)(?=\s|$)", re.MULTILINE)
_DIRECTIVE = re.compile("^%", re.MULTILINE)

_STANDARD = "tag:yaml.org,2002:"
_COLLECTIONS = frozenset({None, "!", *(_STANDARD + name for name in ("map", "seq", "set", "omap", "pairs"))})
_TEXTS = frozenset({"!", *(_STANDARD + name for name in ("str", "binary", "timestamp", "value", "merge"))})
_TYPES: dict[str, tuple[type, ...]] = {
    _STANDARD + "null": (type(None),),
    _STANDARD + "bool": (bool,),
    _STANDARD + "int": (int,),
    _STANDARD + "float": (int, float),
}


class _Anchor(NamedTuple):
    value: Any
    size: int
    """Characters that it stands for, its own aliases expanded."""
    height: int
    """Mappings and lists that stand in each other below it; -1 for a scalar."""
    text: str = ""
    """A scalar as it is written."""


class Located(NamedTuple):
    """A value of a mapping or list, and where it stands."""

    line: int
    """Of its key or item."""
    value: Any
    text: str
    """A scalar as it is written, without quotes; "" for a mapping or list."""


@dataclass(frozen=True, slots=True)
class Composed:
    """The data of one document, and where it stands."""

    index: int
    line: int
    data: Any


class Composer:
    """Build the data of a text's documents from libyaml's events, in one pass.

    With `located`, each value in a mapping or list is `Located`. The places then come from the code that makes the
    data, and cannot disagree with it; that costs twice the memory, so it is done only when somebody asks.
    """

    def __init__(self, text: str, *, located: bool = False) -> None:
        self.text = text
        self.located = located
        self.duplicates = False
        self._template: bool | None = None
        self._noted: list[tuple[int, Defect]] = []
        self._unreported = 0
        self._expanded = 0
        self._index = 0
        self._start = 0
        self._first_line = 1
        self._lines = Lines(text)

    def documents(self) -> Iterator[Composed]:
        """Yield every document that can be read; after one that cannot, go on with the next `---`."""
        if "%" in self.text and len(_DIRECTIVE.findall(self.text)) > MOST_DIRECTIVES:
            self._note(RefusedError(DefectKind.YAML_SYNTAX, f"more than {MOST_DIRECTIVES} lines begin with “%”"), None)
            return
        for _ in range(MOST_DEFECTS):
            resume = yield from self._until_refused()
            following = None if resume is None else _NEXT_DOCUMENT.search(self.text, resume)
            if following is None:
                return
            self._first_line, self._start = self._lines.number(following.start()), following.start()
            self._index += 1
        self._unreported += 1

    def _until_refused(self) -> Generator[Composed, None, int | None]:
        """Yield documents; return from where on to look for the next one, or None at the end."""
        try:
            yield from self._stream()
        except yaml.YAMLError as error:
            refused = syntax.refusal(error, self._lines, self._start, self._is_template)
        except RefusedError as error:
            refused = error
        else:
            return None
        self._note(refused, None)
        return max(refused.index or 0, self._start + 1)

    def noted(self) -> list[tuple[int, Defect]]:
        """Return what is wrong, each with its place in the text, in characters."""
        if self.duplicates and not self.located:
            again = Composer(self.text, located=True)
            for _ in again.documents():
                pass
            return again.noted()
        noted = sorted(self._noted, key=lambda pair: pair[0])
        if self._unreported:
            message = f"more than {MOST_DEFECTS} errors"
            noted.append((len(self.text), Defect(DefectKind.TOO_MANY, message, "", hint="Correct those first.")))
        return noted

    def defects(self) -> Sequence[Defect]:
        """Return what is wrong; of a Helm template only that it is one."""
        noted = [defect for _, defect in self.noted()]
        template = [defect for defect in noted if defect.kind is DefectKind.HELM_TEMPLATE]
        return template[:1] or noted

    def _stream(self) -> Iterator[Composed]:
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
                yield Composed(self._index, self._line(event), data)
                self._index += 1

    def _value(self, event: Any, depth: int) -> Any:
        kind = type(event)
        if kind is ScalarEvent:
            untagged = resolve(event.value) if event.implicit[0] else event.value
            value = untagged if event.tag is None else self._tagged(event)
            if event.anchor is not None:
                self._anchors[event.anchor] = _Anchor(value, span(event, event), -1, event.value)
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
            size = span(event, end) + self._expanded - expanded
            self._anchors[event.anchor] = _Anchor(value, size, self._deepest - depth)
        self._deepest = max(deepest, self._deepest)
        return value

    def _sequence(self, depth: int) -> tuple[list[Any], Any]:
        items: list[Any] = []
        while type(event := self._next()) is not SequenceEndEvent:
            value = self._value(event, depth + 1)
            items.append(self._located(event, event, value) if self.located else value)
        return items, event

    def _mapping(self, depth: int) -> tuple[dict[str, Any], Any]:
        fields: dict[str, Any] = {}
        merged: list[Any] = []
        while type(event := self._next()) is not MappingEndEvent:
            if type(event) is ScalarEvent and event.value == "<<" and event.implicit[0]:
                merged += self._to_merge(event, self._value(self._next(), depth + 1))
                continue
            key = self._key(event, depth)
            of_value = self._next()
            value = self._value(of_value, depth + 1)
            if key in fields:
                self._duplicate(key, fields[key], value, event)
            fields[key] = self._located(event, of_value, value) if self.located else value
        # As YAML 1.1 and Kustomize have it: own keys win wherever `<<` stands, and of merged mappings the first wins.
        # kubectl and Helm differ in one case: with them, a `<<` that stands below a key wins over it.
        for mapping in merged:
            for key, value in mapping.items():
                fields.setdefault(key, value)
        return fields, event

    def _to_merge(self, event: Any, value: Any) -> list[dict[str, Any]]:
        several = isinstance(value, list)
        mappings: list[Any] = (
            [item.value for item in value] if several and self.located else value if several else [value]
        )
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
                raise self._refusal(DefectKind.HELM_TEMPLATE, *syntax.TEMPLATE, event)
            what = "null" if value is None else "a mapping or a list"
            hint = "Use a string as the key, and quote it if it begins with “{”, “[” or “?”."
            raise self._refusal(DefectKind.KEY, f"a key is {what}; Kubernetes accepts only strings", hint, event)
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value) if isinstance(value, int) else f"{value:.8g}"

    def _tagged(self, event: Any) -> Any:
        if event.tag in _TYPES:
            value = resolve(event.value)
            if not isinstance(value, _TYPES[event.tag]):
                message = f"“{shortened(event.value)}” does not match its tag {_tag(event)}"
                raise self._refusal(DefectKind.YAML_SYNTAX, message, "Correct the value, or remove the tag.", event)
            return value
        if event.tag not in _TEXTS:
            self._custom_tag(event)
        return event.value

    def _alias(self, event: Any, depth: int) -> _Anchor:
        anchor = self._anchors.get(event.anchor)
        if anchor is None:
            if event.anchor in self._anchors:
                message = f"the alias *{event.anchor} contains itself"
                raise self._refusal(DefectKind.RECURSIVE_ALIAS, message, "Write out what is meant.", event)
            message = f"the alias *{event.anchor} has no anchor &{event.anchor} before it"
            raise self._refusal(DefectKind.YAML_SYNTAX, message, "Anchors are valid within one document only.", event)
        self._expanded += anchor.size
        if self._expanded > LARGEST_EXPANSION:
            message = f"the aliases expand to more than {LARGEST_EXPANSION:,} characters"
            raise self._refusal(DefectKind.ALIAS_BOMB, message, "Use fewer aliases of aliases.", event)
        if depth + anchor.height > DEEPEST:
            self._too_deep(event)
        self._deepest = max(self._deepest, depth + anchor.height)
        return anchor

    def _too_deep(self, event: Any) -> NoReturn:
        raise self._refusal(DefectKind.TOO_DEEP, *syntax.TOO_DEEP, event)

    def _custom_tag(self, event: Any) -> None:
        tag = _tag(event)
        if tag not in self._tags:
            self._tags.add(tag)
            hint = "Kubernetes ignores it. If another tool reads this file, exclude it from validation."
            refusal = self._refusal(DefectKind.CUSTOM_TAG, f"the tag {tag} is not a standard YAML tag", hint, event)
            self._note(refusal, self._index)

    def _duplicate(self, key: str, first: Any, again: Any, event: Any) -> None:
        self.duplicates = True
        if self.located:
            same = _text(first.value) == _text(again)
            kind = DefectKind.REPEATED_KEY if same else DefectKind.DUPLICATE_KEY
            message = f"duplicate key “{shortened(key)}”, first defined in line {first.line}"
            hint = "Kubernetes silently uses the last one. Remove one of them."
            if same:
                message += ", with the same value"
                hint = "Remove one of them: strict parsers, such as Kustomize's, refuse the file."
            self._note(self._refusal(kind, message, hint, event), self._index)

    # Places and defects

    def _located(self, begin: Any, event: Any, value: Any) -> Located:
        text = event.value if type(event) is ScalarEvent else ""
        if type(event) is AliasEvent and (anchor := self._anchors[str(event.anchor)]):
            text = anchor.text
        return Located(self._line(begin), value, text)

    def _line(self, event: Any) -> int:
        if self._lines.are_libyamls:
            return int(self._first_line + event.start_mark.line)
        return self._lines.number(self._start + event.start_mark.index)

    def _refusal(self, kind: DefectKind, message: str, hint: str, event: Any) -> RefusedError:
        return RefusedError(kind, message, hint, self._start + event.start_mark.index)

    def _note(self, refusal: RefusedError, document: int | None) -> None:
        if len(self._noted) == MOST_DEFECTS:
            self._unreported += 1
            return
        index = refusal.index or 0
        line, column = self._lines.number(index), self._lines.column(index)
        self._noted.append((index, Defect(refusal.kind, refusal.message, "", line, column, refusal.hint, document)))

    def _is_template(self) -> bool:
        """Return whether the text is YAML once its `{{ … }}` actions, or FreeMarker's lines, are gone."""
        if self._template is None:
            self._template = False
            plain = syntax.DIRECTIVE.sub("", syntax.ACTION.sub("x", syntax.ACTIONS_ALONE.sub("", self.text)))
            if plain != self.text:
                probe = Composer(plain)
                probe._template = False
                for _ in probe.documents():
                    pass
                self._template = all(defect.kind in _OF_TEMPLATES for _, defect in probe._noted)
        return self._template


def _text(value: Any) -> str:
    """Return a value, located or not, as a text: 1 and true are not the same, though they are equal in Python."""
    return json.dumps(_unlocated(value), sort_keys=True)


def _unlocated(value: Any) -> Any:
    value = value.value if isinstance(value, Located) else value
    if isinstance(value, dict):
        return {key: _unlocated(each) for key, each in value.items()}
    return [_unlocated(each) for each in value] if isinstance(value, list) else value


def span(start: Any, end: Any) -> int:
    """Return how many characters there are from the beginning of an event to the end of another."""
    return int(end.end_mark.index - start.start_mark.index)


def _tag(event: Any) -> str:
    tag = str(event.tag)
    return shortened("!!" + tag.removeprefix(_STANDARD) if tag.startswith(_STANDARD) else tag)
