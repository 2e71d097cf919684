"""What libyaml says of a text that is no YAML, in words for people."""

from __future__ import annotations

import re
from collections.abc import Callable

import yaml

from argosy.documents.defects import DefectKind, RefusedError
from argosy.documents.lines import Lines

DEEPEST = 100
"""How many mappings and lists may stand in each other."""
TOO_DEEP = (f"mappings and lists are nested more than {DEEPEST} levels deep", "Reduce the nesting.")
BEYOND_LIBYAML = "exceeded maximum nesting depth"
"""What libyaml says, as of 0.2.6, of a text of which it has not given an event yet that would be too deep."""
ACTION = re.compile(r"\{\{[^{}]*+\}\}")
"""What Helm replaces in a template."""
ACTIONS_ALONE = re.compile(r"^[ \t]*+(?:\{\{[^{}]*+\}\}[ \t]*+)++$", re.MULTILINE)
"""A line of actions and nothing else."""
ANY_ACTION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
"""To be looked for in what is `closed`: each `{{` without an end would be followed to the end of the text."""


def closed(text: str) -> str:
    """Return a text up to the end of its last action; "" where it has none."""
    head, end, _ = text.rpartition("}}")
    return head + end


def with_actions(text: str, made: str | Callable[[re.Match[str]], str]) -> str:
    """Return a text with each action replaced."""
    begin = closed(text)
    return ANY_ACTION.sub(made, begin) + text[len(begin) :]


TEMPLATE = (
    "this is a Helm template, not YAML: it contains “{{ … }}”",
    "Helm only renders files in a chart's templates folder. Elsewhere, quote values that begin with “{{”.",
)
DIRECTIVE = re.compile(r"^[ \t]*+</?#(?:[a-z]|--).*+$", re.MULTILINE)
"""A line of FreeMarker's, such as `<#if …>`."""
_FREEMARKER = (
    "this is a template of FreeMarker, not YAML: it contains “<#…>”",
    "Give it a name that ends in .ftl, so that nobody takes it for YAML.",
)
STATEMENT = re.compile(r"\{%[^%{}]*+%\}")
"""What a template of Jinja's decides."""
_JINJA = (
    "this is a template of Jinja, not YAML: it contains “{% … %}”",
    "Give it a name that ends in .j2, so that nobody takes it for YAML.",
)
_OPEN_QUOTE = (
    "a quoted string is not closed",
    "Close the quote. Inside single quotes, double a single quote.",
)
_ABOUT_THE_BEGINNING = frozenset(
    {"could not find expected ':'", "found unexpected end of stream", "found unexpected document indicator"}
)
_INDENTATION = "Check the indentation: keys of a mapping start in the same column."
_PROBLEMS = {
    "mapping values are not allowed in this context": (
        "“:” is not allowed here",
        "Quote a value that contains “: ”, or check the indentation.",
    ),
    "did not find expected key": ("expected a key, or the end of the mapping", _INDENTATION),
    "did not find expected '-' indicator": ("expected a list item “- …”", _INDENTATION),
    "could not find expected ':'": ("a key has no “:”", "Write “key: value”, with a space after the colon."),
    "block sequence entries are not allowed in this context": (
        "a list item “- …” is not allowed here",
        "Start the list on a new line below its key.",
    ),
    "found character that cannot start any token": ("a value cannot begin with this character", "Quote the value."),
    "did not find expected ',' or ']'": ("expected “,” or “]”", "Close the “[”, or put commas between items."),
    "did not find expected ',' or '}'": ("expected “,” or “}”", "Close the “{”, or put commas between keys."),
    "found unexpected end of stream": _OPEN_QUOTE,
    "found unexpected document indicator": _OPEN_QUOTE,
    "found unknown escape character": (
        "“\\” begins an unknown escape sequence",
        "Write “\\\\” for a backslash, or use single quotes.",
    ),
    "did not find expected <document start>": (
        "unexpected content after the end of the document",
        "Check the indentation. Separate documents with a line “---”.",
    ),
}


def refusal(error: yaml.YAMLError, lines: Lines, start: int, is_template: Callable[[], bool]) -> RefusedError:
    """Return the refusal that libyaml's error stands for; it read the text from `start` on."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return _unprintable(error, lines.text, start)
    index = min(start + error.problem_mark.index, len(lines.text))
    opened = index if error.context_mark is None else start + error.context_mark.index
    context, problem = str(error.context), str(error.problem)
    if problem == BEYOND_LIBYAML:
        return RefusedError(DefectKind.TOO_DEEP, *TOO_DEEP, opened)
    line = lines.around(index)
    if "\t" in line[: len(line) - len(line.lstrip())] and "flow" not in context:
        return RefusedError(DefectKind.TABS, "the line is indented with a tab", "Indent with spaces.", index)
    is_jinja = STATEMENT.search(line)
    if is_jinja or ACTION.search(line) or is_template():
        said = _JINJA if is_jinja else _FREEMARKER if DIRECTIVE.search(lines.text) else TEMPLATE
        return RefusedError(DefectKind.HELM_TEMPLATE, *said, index)
    message, hint = _PROBLEMS.get(problem, (problem, "Correct the YAML syntax."))
    if problem in _ABOUT_THE_BEGINNING:
        index = opened
    elif "flow" in context:
        message += f", in the block that starts in line {lines.number(opened)}"
    return RefusedError(DefectKind.YAML_SYNTAX, message, hint, index)


def _unprintable(error: yaml.YAMLError, text: str, start: int) -> RefusedError:
    """Return the refusal of a character; libyaml tells its place in bytes."""
    place = int(getattr(error, "position", 0) or 0)
    index = start + len(text[start:].encode()[:place].decode(errors="ignore"))
    character = text[index : index + 1]
    message = f"the character U+{ord(character):04X} is not allowed in YAML" if character else str(error)
    return RefusedError(DefectKind.YAML_SYNTAX, message, "Remove it, or escape it in double quotes.", index)
