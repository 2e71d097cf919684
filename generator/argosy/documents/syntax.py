"""What libyaml says of a text that is no YAML, in words for people."""

from __future__ import annotations

import re
from collections.abc import Callable

import yaml

from argosy.documents.defects import DefectKind, RefusedError
from argosy.documents.lines import Lines

ACTION = re.compile(r"\{\{[^{}]*+\}\}")
"""What Helm replaces in a template."""
TEMPLATE = (
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


def refusal(error: yaml.YAMLError, lines: Lines, start: int, is_template: Callable[[], bool]) -> RefusedError:
    """Return the refusal that libyaml's error stands for; it read the text from `start` on."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return _unprintable(error, lines.text, start)
    index = min(start + error.problem_mark.index, len(lines.text))
    opened = index if error.context_mark is None else start + error.context_mark.index
    context, problem = str(error.context), str(error.problem)
    line = lines.around(index)
    if "\t" in line[: len(line) - len(line.lstrip())] and "flow" not in context:
        return RefusedError(DefectKind.TABS, "the line is indented by a tab", "Indent by spaces.", index)
    if ACTION.search(line) or is_template():
        return RefusedError(DefectKind.HELM_TEMPLATE, *TEMPLATE, index)
    message, hint = _PROBLEMS.get(problem, (problem, "Correct the YAML here."))
    if problem in _ABOUT_THE_BEGINNING:
        index = opened
    elif "flow" in context:
        message += f", in what begins in line {lines.number(opened)}"
    return RefusedError(DefectKind.YAML_SYNTAX, message, hint, index)


def _unprintable(error: yaml.YAMLError, text: str, start: int) -> RefusedError:
    """Return the refusal of a character; libyaml tells its place in bytes."""
    place = int(getattr(error, "position", 0) or 0)
    index = start + len(text[start:].encode()[:place].decode(errors="ignore"))
    character = text[index : index + 1]
    message = f"the character U+{ord(character):04X} cannot stand in YAML" if character else str(error)
    return RefusedError(DefectKind.YAML_SYNTAX, message, "Remove it, or escape it in double quotes.", index)
