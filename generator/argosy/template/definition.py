"""What a layer's copier.yml says, as far as argosy takes it; whatever runs code is refused with its place."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from argosy import documents
from argosy.documents import Document
from argosy.errors import ArgosyError
from argosy.names import did_you_mean
from argosy.template import versions
from argosy.template.tree import Tree

NAMES = ("copier.yml", "copier.yaml")
_ANSWERS_FILE = re.compile(r"\.copier-answers\.([a-z0-9][a-z0-9-]*)\.yml")
_REFUSED = {
    "_tasks": "would run commands",
    "_migrations": "would run commands",
    "_jinja_extensions": "would run code of its own",
    "_external_data": "would read other files of the repository",
    "_secret_questions": "asks for a secret, and answers are committed",
    "_skip_if_exists": "has no meaning here: below environments/, files are written once; all others follow the layer",
}
_KNOWN = {
    *("_subdirectory", "_templates_suffix", "_envops", "_exclude", "_answers_file", "_leave_out"),
    *("_min_copier_version", "_message_before_copy", "_message_after_copy"),
    *("_message_before_update", "_message_after_update"),
}
_ENVOPS = {
    *(f"{kind}_{side}_string" for kind in ("block", "variable", "comment") for side in ("start", "end")),
    *("trim_blocks", "lstrip_blocks", "keep_trailing_newline", "line_statement_prefix", "line_comment_prefix"),
}
_COPIERS_EXCLUDE = (*NAMES, "~*", "*.py[co]", "__pycache__", ".git", ".DS_Store", ".svn")
_RESERVED = {"below", "layers", "teams"}
"""What argosy hands to a layer besides the template's answers."""


@dataclass(frozen=True, slots=True)
class Definition:
    """What a layer's copier.yml says."""

    file: str
    """Which of its two names it has."""
    name: str
    """What its answers file is called by; "" where it does not say."""
    folder: str
    """Where its templates are, with a `/` at the end; "" for its root."""
    suffix: str
    envops: Mapping[str, Any]
    exclude: Sequence[str]
    leave_out: Sequence[str]
    """What it leaves out of the trees below it: patterns of paths."""
    questions: Mapping[str, Mapping[str, Any]]
    """Its own questions."""
    lines: Mapping[str, int]
    """Where each question stands."""
    defaults: Mapping[str, Any]
    """Other defaults for the built-in template's questions."""


def refused(label: str, file: str, line: int, message: str, hint: str = "") -> ArgosyError:
    """Return the error for something in a file of a layer."""
    return ArgosyError(f"Layer {label}, {file}:{line}: {message.rstrip('.')}.", hint)


def read(label: str, files: Tree) -> Definition:
    """Return what the copier.yml among a layer's files says; raise ArgosyError with its place where it cannot be."""
    name = next((each for each in NAMES if each in files), "")
    if not name:
        raise ArgosyError(f"Layer {label} has no copier.yml, so it is no template of Copier's.")
    try:
        text = files[name].content.decode()
    except UnicodeDecodeError as error:
        raise refused(label, name, 1, "it is not valid UTF-8") from error
    parsed = documents.parse(text, name)
    for defect in parsed.defects:
        raise refused(label, name, defect.line or 1, defect.message, defect.hint)
    if len(parsed.documents) != 1 or not isinstance(parsed.documents[0].data, dict):
        raise refused(label, name, 1, "it has to be one mapping of questions and settings")
    return _Reader(label, name, parsed.documents[0]).definition(files)


@dataclass(frozen=True, slots=True)
class _Reader:
    label: str
    file: str
    document: Document

    def definition(self, files: Tree) -> Definition:
        data = self.document.data
        for setting in (each for each in data if each.startswith("_")):
            if setting in _REFUSED:
                raise self._refused(f"{setting} {_REFUSED[setting]}", "Leave it out.", setting)
            if setting not in _KNOWN:
                hint = did_you_mean(setting, _KNOWN)
                raise self._refused(f"argosy does not take the setting {setting} in a layer", hint, setting)
        folder = self._text("_subdirectory", "").strip("/")
        if folder and not any(path.startswith(f"{folder}/") for path in files):
            raise self._refused(f"the layer has no folder {folder}", "", "_subdirectory")
        answers_file = self._text("_answers_file", "")
        named = _ANSWERS_FILE.fullmatch(answers_file)
        if answers_file and not named:
            raise self._refused("a layer's answers file is called .copier-answers.NAME.yml", "", "_answers_file")
        for number, pattern in enumerate(leave_out := self._texts("_leave_out")):
            if pattern.startswith("/") or ".." in pattern.split("/"):
                raise self._refused(f"“{pattern}” is no path within the repository", "", "_leave_out", number)
        asked = {each: details for each, details in self._questions() if each not in _built_in()}
        others = {each: details for each, details in self._questions() if each in _built_in()}
        return Definition(
            file=self.file,
            name=named[1] if named else "",
            folder=f"{folder}/" if folder else "",
            suffix=self._text("_templates_suffix", ".jinja"),
            envops=self._envops(),
            exclude=self._texts("_exclude") if "_exclude" in data else () if folder else _COPIERS_EXCLUDE,
            leave_out=leave_out,
            questions=asked,
            lines={each: self._line(each) for each in (*asked, *others)},
            defaults={each: details["default"] for each, details in others.items() if "default" in details},
        )

    def _questions(self) -> Sequence[tuple[str, Mapping[str, Any]]]:
        found = []
        for each, details in self.document.data.items():
            if each.startswith("_"):
                continue
            if not each.isidentifier() or each in _RESERVED:
                raise self._refused(f"“{each}” cannot name a question", "Letters, digits and _ do.", each)
            if isinstance(details, dict) and details.get("secret"):
                raise self._refused(f"{each} {_REFUSED['_secret_questions']}", "Leave it out.", each, "secret")
            # In short, a question is its default.
            found.append((each, details if isinstance(details, dict) else {"default": details}))
        return found

    def _envops(self) -> Mapping[str, Any]:
        envops = self.document.data.get("_envops", {})
        if not isinstance(envops, dict):
            raise self._refused("_envops is a mapping", "", "_envops")
        for each in envops:
            if each not in {*_ENVOPS, "undefined"}:
                raise self._refused(f"argosy does not take {each}", did_you_mean(each, _ENVOPS), "_envops", each)
        return {each: value for each, value in envops.items() if each in _ENVOPS}

    def _text(self, setting: str, default: str) -> str:
        value = self.document.data.get(setting, default)
        if not isinstance(value, str):
            raise self._refused(f"{setting} is a text", "", setting)
        return value

    def _texts(self, setting: str) -> Sequence[str]:
        listed = self.document.data.get(setting, [])
        if not isinstance(listed, list) or not all(isinstance(each, str) and each for each in listed):
            raise self._refused(f"{setting} is a list of paths", "", setting)
        return listed

    def _refused(self, message: str, hint: str, *at: str | int) -> ArgosyError:
        return refused(self.label, self.file, self._line(*at), message, hint)

    def _line(self, *at: str | int) -> int:
        return self.document.line_of(at) or 1


@cache
def _built_in() -> frozenset[str]:
    """Return the questions of the built-in template."""
    return frozenset(each for each in versions.questions(versions.current()) if not each.startswith("_"))
