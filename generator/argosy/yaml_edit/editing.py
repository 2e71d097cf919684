"""Bring values of one YAML text into another, which keeps its comments, its order and its way of quoting.

A text is changed only where the value stands: nothing is written anew. Afterwards it is read again, and what came out
is compared with what was meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from argosy.errors import ArgosyError
from argosy.yaml_edit import documents, keys, places, writing
from argosy.yaml_edit.keys import Path, Text
from argosy.yaml_edit.places import Collection, line_end, line_start, newline, next_line, span
from argosy.yaml_edit.writing import Body, Shape

_BYTE_ORDER_MARK = "\ufeff"
_COMMA = re.compile(r"((?:[ \t\r\n]|#[^\n]*)*),[ \t]*")
_COMMENT = re.compile(r"[ \t]+#.*")
_ANCHOR = re.compile(r"&\S+[ \t]+")


class _UneditableError(Exception):
    """Report a place that cannot be edited."""


def take(target: str, source: str, addresses: Sequence[tuple[str, Path]], file: str = "") -> str:
    """Return the target's text with the source's values at addresses, or without what the source does not have.

    An address is a document's scope and a path; the file's name tells whether both are values of Helm.
    Raise ArgosyError where the text cannot be edited in place.
    """
    before, model = (each.removeprefix(_BYTE_ORDER_MARK) for each in (target, source))
    is_values = keys.is_values(file)
    first, theirs, wrong = Text(before, is_values), Text(model, is_values), None
    ours = first
    waiting = [*addresses]
    for last in (False, True):  # What stands elsewhere, as `*name` does, changes with that.
        for address in [*waiting]:
            try:
                text = _take(ours, theirs, *address, last=last)
                ours = Text(text, is_values) if text != ours.content else ours
                waiting.remove(address)
            except (yaml.YAMLError, RecursionError, _UneditableError) as error:
                if last or isinstance(error, RecursionError):
                    raise _refusal(first, file, *address) from error
    if addresses:
        try:
            wrong = next(_wrong([first, theirs, ours], addresses), None)
        except (yaml.YAMLError, RecursionError):
            wrong = addresses[0]
    if wrong is not None:
        raise _refusal(first, file, *wrong, together=wrong not in addresses)
    return target[: len(target) - len(before)] + ours.content


def put(content: str, other: str, address: tuple[str, Path], text: str, file: str = "") -> str:
    """Return a text with another value at an address at which it has a scalar; `other` is what it is taken into.

    Raise ArgosyError where the text cannot be edited in place.
    """
    before = content.removeprefix(_BYTE_ORDER_MARK)
    texts = [Text(each, keys.is_values(file)) for each in (before, other.removeprefix(_BYTE_ORDER_MARK))]
    try:
        node, its = (each.documents.get(address[0]) for each in texts)
        for name in address[1]:
            found = keys.entries(node, its) or [{}, {}]
            node, its = (each[name].value if name in each else None for each in found)
        if not isinstance(node, yaml.ScalarNode) or keys.same(keys.value(node), text):
            return content
        place = span(before, node)
        # Others refer to it: `*name` becomes what this becomes.
        anchor = _ANCHOR.match(before, place.start, place.stop)
        made = f"{before[: place.start]}{anchor[0] if anchor else ''}{writing.quoted(text)}{before[place.stop :]}"
        _ = Text(made, keys.is_values(file)).documents
    except (yaml.YAMLError, RecursionError) as error:
        raise _refusal(texts[1], file, *address) from error
    return content[: len(content) - len(before)] + made


def _take(ours: Text, theirs: Text, scope: str, path: Path, *, last: bool) -> str:
    """Return a text with one value taken over; what refers to another value is `last`, when that may have changed."""
    node, other = ours.documents.get(scope), theirs.documents.get(scope)
    if not path:
        return documents.take(ours.content, node, theirs.content, other)
    mine: Collection | None = None
    its: Collection | None = None
    missing = 0
    for depth, name in enumerate(path):
        found = keys.entries(node, other)
        if node is None or found is None:
            raise _UneditableError
        if places.is_alias(ours.content, node):
            if keys.same(_at(node, other, path[depth:]), _at(other, node, path[depth:])):
                return ours.content
            raise _UneditableError
        before = path[depth - 1] if depth else ""
        mine = Collection(ours.content, node, found[0], mine, before)
        its = Collection(theirs.content, other, found[1], its, before) if other is not None else None
        node, other = (each[name].value if name in each else None for each in found)
        if node is None:
            return _insert(mine, its, path[depth:]) if its and other is not None else ours.content
        if not last and places.is_alias(ours.content, node):
            raise _UneditableError
        missing += other is None
        if depth == len(path) - 1:
            return _replace(mine, its, name) if its and other is not None else _delete(mine, name, missing - 1)
    return ours.content


def _at(node: yaml.Node | None, other: yaml.Node | None, path: Path) -> Any:
    """Return the value at a path below a node, by the names that it has where another node is compared with it."""
    for name in path:
        node, other = (each[name].value if name in each else None for each in keys.entries(node, other) or [{}, {}])
    return keys.value(node)


# One value instead of another


def _replace(mine: Collection, its: Collection, name: str) -> str:
    old, new = mine.entries[name].value, its.entries[name].value
    content, place = mine.content, span(mine.content, old)
    if keys.same(keys.value(old), keys.value(new)):
        return content
    texts = content[place], its.content[span(its.content, new)]
    if _is_in_line(old, texts[0]) and _is_in_line(new, texts[1]):
        written = writing.flow(its.content, new) if mine.in_flow or texts[1][:1] in {"&", "*"} else texts[1]
        if isinstance(old, yaml.ScalarNode) and isinstance(new, yaml.ScalarNode) and written == texts[1] != "":
            written = writing.scalar((old, texts[0]), (new, written))
        # Others refer to it: `*name` becomes what this becomes.
        anchor = _ANCHOR.match(texts[0])
        return _set(mine, name, f"{anchor[0]}{written}" if anchor and written else written)
    if mine.in_flow:
        return _set(mine, name, writing.flow(its.content, new))
    return _lay(mine, name, writing.body(its, name, mine.column(name), newline(content)))


def _is_in_line(node: yaml.Node, text: str) -> bool:
    return not places.is_block(node) and not places.is_block_scalar(node) and "\n" not in text


def _set(mine: Collection, name: str, written: str) -> str:
    """Put a text in the place of a value."""
    content, place = mine.content, span(mine.content, mine.entries[name].value)
    head, tail = content[: place.start], content[place.stop :]
    if not written:
        return head.rstrip(" ") + tail
    return head + (" " if head.endswith((":", "-")) else "") + written + tail


def _lay(mine: Collection, name: str, new: Body) -> str:
    """Put a value of any shape in the place of one of any shape, outside of braces and brackets."""
    content, entry = mine.content, mine.entries[name]
    place = span(content, entry.value)
    end = line_end(content, place.stop)
    if entry.key is None:
        return _lay_item(mine, name, new)
    colon = mine.colon(name)
    first_line = line_end(content, colon) if colon is not None else 0
    in_first_line = place.start <= first_line
    if colon is None or (in_first_line and places.is_block(entry.value)):
        raise _UneditableError
    tail = "" if places.is_block(entry.value) else content[place.stop : end].rstrip()
    if not in_first_line:
        head = content[colon:first_line].rstrip()
        above = content[first_line : line_start(content, place.start)]
        if new.shape is Shape.BLOCK and not tail:
            return content[:colon] + head + above + new.text + _rest(content, end)
        above = above.removesuffix("\n").removesuffix("\r")
        if new.shape is not Shape.INLINE:
            above = re.sub(r"\n[ \t]+#", "\n" + " " * mine.column(name) + "#", above)
        return content[:colon] + _laid(new, head + tail, newline(content)) + above + _rest(content, end)
    if places.is_block_scalar(entry.value):
        comment = _COMMENT.search(content, place.start, line_end(content, place.start))
        tail, end = comment[0] if comment else "", place.stop
    return content[:colon] + _laid(new, tail, newline(content)) + _rest(content, end)


def _rest(content: str, end: int) -> str:
    """Return what follows the end of a line: at least a line break, which a text below a `|` needs."""
    return content[end:] or newline(content)


def _laid(new: Body, comment: str, newline: str) -> str:
    """Return a value's text behind a colon, with a comment in the same line."""
    if new.shape is Shape.BLOCK:
        return f"{comment}{newline}{new.text}"
    if new.shape is Shape.INLINE:
        return f" {new.text}{comment}"
    header, below, lines = new.text.partition(newline)
    return f" {header}{comment}{below}{lines}"


def _lay_item(mine: Collection, name: str, new: Body) -> str:
    content, old = mine.content, mine.entries[name].value
    place, start = span(content, old), mine.start(name)
    end = line_end(content, place.stop)
    comment = "" if places.is_block(old) else content[place.stop : end].strip()
    column = mine.column(name)
    above = f"{comment}{newline(content)}{' ' * column}" if comment else ""
    text = new.text[column + 1 :] if new.shape is Shape.BLOCK else f" {new.text}"
    return f"{content[:start]}{above}-{text}{_rest(content, end)}"


# A new entry


def _insert(mine: Collection, its: Collection, path: Path) -> str:
    content, name = mine.content, path[0]
    if not mine.entries:
        return _fill(mine, its, path)
    order = list(its.entries)
    earlier = [each for each in order[: order.index(name)] if each in mine.entries]
    if mine.in_flow:
        written = _known(writing.entry_in_flow(its, path))
        place = mine.stop(earlier[-1]) if earlier else mine.start(next(iter(mine.entries)))
        return content[:place] + (f", {written}" if earlier else f"{written}, ") + content[place:]
    first = next(iter(mine.entries))
    column = mine.column(first)
    written = _known(writing.entry(its, path, column, newline(content)))
    margin = " " * column
    if not earlier:
        above = _above(mine, first)
        if above is not None:
            return content[:above] + written + newline(content) + margin + content[above:]
    end = _below(mine, earlier[-1] if earlier else first)
    return content[:end] + newline(content) + margin + written + _rest(content, end)


def _known(written: str | None) -> str:
    if written is None:
        raise _UneditableError
    return written


def _above(mine: Collection, first: str) -> int | None:
    """Return where an entry goes before the first one and its comments; None where they may be the whole file's."""
    content, start = mine.content, mine.start(first)
    place, line = start, line_start(content, start)
    if content[line:start].strip():
        return start
    while line:
        line = line_start(content, line - 1)
        text = content[line : line_end(content, line)]
        if not text.lstrip(" ").startswith("#"):
            break
        place = line + text.index("#")
        if mine.parent is None or place - line != mine.column(first):
            return None
    return place


def _below(mine: Collection, name: str) -> int:
    """Return the end of an entry's last line, or of the comments that are indented further than it."""
    content = mine.content
    end = line_end(content, mine.stop(name))
    if places.is_block(mine.entries[name].value):
        further = re.compile(rf"(?:\r?\n[ ]{{{mine.column(name) + 1},}}#[^\r\n]*)*")
        found = further.match(content, end)
        end = found.end() if found else end
    return end


def _fill(mine: Collection, its: Collection, path: Path) -> str:
    """Put the first entry into an empty collection."""
    content, place = mine.content, span(mine.content, mine.node)
    if "#" in content[place]:
        raise _UneditableError
    if mine.parent is None:
        written = _known(writing.entry(its, path, 0, newline(content)))
        comment = content[place.stop : line_end(content, place.stop)].strip()
        head = content[: place.start]
        if comment or (head and not head.endswith("\n")):
            head += comment + newline(content)
        end = line_end(content, place.stop)
        return head + written + _rest(content, end)
    if mine.parent.in_flow:
        written = _known(writing.entry_in_flow(its, path))
        return _set(mine.parent, mine.name, f"[{written}]" if mine.is_list else f"{{{written}}}")
    column = mine.parent.column(mine.name) + 2
    written = _known(writing.entry(its, path, column, newline(content)))
    return _lay(mine.parent, mine.name, Body(" " * column + written, Shape.BLOCK))


# An entry less


def _delete(mine: Collection, name: str, missing: int) -> str:
    """Take an entry out.

    Of the collections around it, `missing` are not in the source: those that it leaves empty go with it.
    """
    while missing and mine.parent is not None and len(mine.entries) == 1:
        mine, name, missing = mine.parent, mine.name, missing - 1
    content = mine.content
    if mine.in_flow:
        return _delete_in_flow(mine, name)
    if len(mine.entries) == 1:
        braces = "[]" if mine.is_list else "{}"
        if mine.parent is not None:
            return _lay(mine.parent, mine.name, Body(braces, Shape.INLINE))
        place = span(content, mine.node)
        return content[: place.start] + braces + content[place.stop :]
    start, stop = mine.start(name), mine.stop(name)
    line = line_start(content, start)
    if not content[line:start].strip():
        return content[:line] + content[next_line(content, stop) :]
    # The first entry, behind the dash of a list: the next one takes its place.
    names = list(mine.entries)
    following = mine.start(names[names.index(name) + 1])
    if content[line_end(content, stop) : following].strip():
        return content[:start].rstrip(" ") + content[line_end(content, stop) :]
    return content[:start] + content[following:]


def _delete_in_flow(mine: Collection, name: str) -> str:
    content, names = mine.content, list(mine.entries)
    start, stop = mine.start(name), mine.stop(name)
    behind = _COMMA.match(content, stop)
    if behind:
        line, rest = line_start(content, start), behind[1] + content[behind.end() :]
        if not content[line:start].strip() and not rest[: line_end(rest, 0)]:
            return content[:line] + rest[next_line(rest, 0) :]
        return content[:start] + rest
    if len(names) == 1:
        return content[:start] + content[stop:]
    last = mine.stop(names[names.index(name) - 1])
    before = _COMMA.match(content, last)
    between = before[1] + content[before.end() : start] if before else ""
    return content[:last] + (between if between.strip() else "") + content[stop:]


# What came out


def _wrong(texts: Sequence[Text], addresses: Sequence[tuple[str, Path]]) -> Iterator[tuple[str, Path]]:
    """Yield the addresses that have not the source's value, and what else has not what it had.

    The texts are the one before, the source's, and the one after.
    """
    found = [_documents(each) for each in texts]
    moved = set(addresses)
    for scope in dict.fromkeys(scope for each in found for scope in each):
        for path, one, other, made in _leaves(scope, moved, *(each.get(scope) for each in found)):
            wanted = other if any((scope, path[:end]) in moved for end in range(len(path) + 1)) else one
            if not keys.same(wanted, made):
                yield scope, path


def _documents(text: Text) -> dict[str, yaml.Node]:
    return {scope: node for scope, node in text.documents.items() if node.start_mark.index < len(text.content)}


def _leaves(
    scope: str, moved: set[tuple[str, Path]], *nodes: yaml.Node | None, path: Path = ()
) -> Iterator[tuple[Path, Any, Any, Any]]:
    found = keys.entries(*nodes) if (scope, path) not in moved and any(nodes) else None
    if found is None or not any(found):
        yield path, *(keys.value(each) for each in nodes)
        return
    for name in dict.fromkeys(name for each in found for name in each):
        below = (each[name].value if name in each else None for each in found)
        yield from _leaves(scope, moved, *below, path=(*path, name))


def _refusal(text: Text, file: str, scope: str, path: Path, *, together: bool = False) -> ArgosyError:
    """Return the error about a key that cannot be changed, or not be left as it is while others change."""
    try:
        node, alias = text.documents.get(scope), ""
    except (yaml.YAMLError, RecursionError):
        node, alias = None, ""
    where = node
    for name in path:
        node = (keys.entries(node) or [{}])[0].get(name, keys.Entry(node)).value if node is not None else None
        where = node or where
        if node is not None and places.is_alias(text.content, node):
            alias = re.split(r"[\s,\]}]", text.content[node.start_mark.index :], maxsplit=1)[0]
            break
    line = f":{where.start_mark.line + 1}" if where is not None else ""
    if alias:
        why, what = f"{alias} stands there, for what other keys have too", f"Write the value itself instead of {alias}"
    elif "&" in text.content:
        why, what = "other keys may have it through an anchor", "Write these values without the anchor"
    else:
        why, what = "it is in several documents, or written in an unusual way", "Write it once, in lines of its own"
    place = f"{file}{line}: " if file else ""
    cannot = "would change as well" if together else "cannot be changed in place"
    return ArgosyError(f"{place}{keys.Key('', scope, path)} {cannot}: {why}.", f"{what}, or make the change by hand.")
