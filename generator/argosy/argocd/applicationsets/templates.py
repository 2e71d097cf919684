"""The templates of an ApplicationSet, rendered with sets of parameters: Go templates by Helm, others here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from argosy.argocd.applicationsets.flaws import GeneratorError
from argosy.argocd.applicationsets.go_templates import DEFINITIONS, GoTemplate
from argosy.argocd.applicationsets.parameters import UNKNOWN, Parameters
from argosy.argocd.applicationsets.trees import find, mapping, rebuilt, sequence, strings
from argosy.documents import Pointer
from argosy.documents.lines import shortened
from argosy.documents.syntax import ANY_ACTION, closed, with_actions
from argosy.findings import Problem
from argosy.helm import GoTemplateError, Helm

_MOST_FAILURES = 20
"""After how many sets of parameters that fail no more are looked for: each takes several renders."""
_LARGEST = 100_000_000
"""How many characters the templates and what they give may have, for all sets of parameters."""

_SHORTEST = 50
"""As how many characters a text counts at least, for what it takes to make."""
_MOST_APART = 1000
"""For how many sets of parameters the actions of a text are rendered one by one."""
_OF_SEVERAL = re.compile(r"\{\{-|-\}\}|\{\{\s*(if|range|with|end|else|define|template|block|break|continue)\b|:=")
"""What makes the actions of a Go template depend on each other."""
_ALL = re.compile(r"(?<![\w)\"'`.])[.$](?![\w.])")
"""All parameters at once, as in `index . "name"`: what is not known of them cannot be told."""


def _too_much(at: Pointer) -> GeneratorError:
    return GeneratorError(f"Its templates give more than {_LARGEST:,} characters.", at, "Use several ApplicationSets.")


@dataclass(frozen=True, slots=True)
class _Failure:
    """A template that failed for one set of parameters."""

    text: str
    message: str


@dataclass
class Templates:
    """The templates of one ApplicationSet; `report` takes what is wrong with them."""

    spec: Mapping[str, Any]
    """The ApplicationSet's."""
    helm: Helm
    report: Callable[[Problem], None]
    suspects: set[str] = field(default_factory=set)
    """Templates that failed before, to be tried first when a batch fails."""
    failed: int = 0
    """How many sets of parameters were found so far with which a template fails."""

    def __post_init__(self) -> None:
        self.go = self.spec.get("goTemplate") is True
        self.strict = self.go and "missingkey=error" in sequence(self.spec.get("goTemplateOptions"))

    def substitute(self, tree: Any, sets: Sequence[Parameters], at: Pointer) -> list[Any]:
        """Return the tree once a set of parameters, its strings and keys rendered; None where a template fails."""
        found = list(strings(tree))
        texts = list(dict.fromkeys(text for text in found if "{{" in text))
        if max(sum(map(len, found)), len(found) * _SHORTEST) * len(sets) > _LARGEST:
            raise _too_much(at)
        self.failed = 0
        rows = self._rows(texts, sets, self.strict) if texts else [{}] * len(sets)
        self._report_failures(tree, rows, at)
        return [None if isinstance(row, _Failure) else rebuilt(tree, row) for row in rows]

    def attempt(self, text: str, parameters: Parameters) -> str | None:
        """Return a text rendered with a set of parameters, None where they do not suffice for it."""
        self.failed = 0  # Of these, any number may fail.
        row = self._rows([text], [parameters], strict=True)[0]
        return None if isinstance(row, _Failure) else row[text]

    def partly(self, tree: Any, sets: Sequence[Parameters]) -> list[Any]:
        """Return the tree once a set of parameters, the texts rendered that these suffice for, others as they are."""
        texts = list(dict.fromkeys(text for text in strings(tree) if "{{" in text))
        known = [{name: value for name, value in each.items() if name != UNKNOWN} for each in sets]
        rows: list[dict[str, str]] = [{} for _ in sets]
        if not sets or max(sum(map(len, texts)), len(texts) * _SHORTEST) * len(sets) > _LARGEST:
            return [tree] * len(sets)
        for text in texts:
            for row, made in zip(rows, self._partly(text, known), strict=True):
                row[text] = made
        return [rebuilt(tree, row) for row in rows]

    def _partly(self, text: str, sets: Sequence[Parameters]) -> list[str]:
        if not self.go or self._suffices(text, sets[0]):
            self.failed = 0
            rows = self._rows([text], sets, strict=True)
            return [text if isinstance(row, _Failure) else row[text] for row in rows]
        if _OF_SEVERAL.search(text) or len(sets) > _MOST_APART:
            return [text] * len(sets)
        parts = {each.group() for each in ANY_ACTION.finditer(closed(text))} - {text}
        made = [(part, self._partly(part, sets)) for part in parts]
        return [_acted(text, {part: several[place] for part, several in made}) for place in range(len(sets))]

    def _suffices(self, text: str, parameters: Parameters) -> bool:
        """Return whether a set of parameters is enough for a Go template, whatever else there may be."""
        return _ALL.search(text) is None and self.attempt(text, parameters) is not None

    def _report_failures(self, tree: Any, rows: Sequence[_Failure | Mapping[str, str]], at: Pointer) -> None:
        failures = [row for row in rows if isinstance(row, _Failure)]
        for failure in dict.fromkeys(failures):
            some = "" if len(rows) == 1 else f" with {failures.count(failure)} of {len(rows)} sets of parameters"
            where = self._place(tree, failure.text, at)
            self.report(Problem(f"The template {_quoted(failure.text)} fails{some}: {failure.message}.", where))
        if isinstance(tree, dict) and "template" in tree:
            self._report_missing(tree, [row for row in rows if not isinstance(row, _Failure)], at)

    def _report_missing(self, tree: Any, rows: Sequence[Mapping[str, str]], at: Pointer) -> None:
        """Report the parameters of an Application's template that no generator gives, and that Argo CD lets pass."""
        for text, name in sorted({each for row in rows for each in (_without_value if self.go else _leftovers)(row)}):
            if self.go:
                message = f"The template {_quoted(text)} gives “<no value>”: no generator gives what it names."
                hint = "Set goTemplateOptions: [missingkey=error], and Argo CD refuses what is missing."
            else:
                message = f"No generator gives the parameter “{name}”: Argo CD leaves {{{{{name}}}}} as it is."
                hint = "Without goTemplate: true, names are written without a dot." if name.startswith(".") else ""
            self.report(Problem(message, self._place(tree, text, at), hint))

    def _place(self, tree: Any, text: str, at: Pointer) -> Pointer:
        """Return where in the document a template text stands."""
        found = find(tree, text)
        if not found or found[0] not in ("template", "patch"):
            return (*at, *(found or ()))
        if found[0] == "patch":
            return ("spec", "templatePatch")
        own = find(mapping(self.spec.get("template")), text)
        return (*at, *found) if own is None else ("spec", "template", *own)

    def _rows(
        self, texts: Sequence[str], sets: Sequence[Parameters], strict: bool
    ) -> list[_Failure | Mapping[str, str]]:
        """Return what each text becomes with each set of parameters, or the first failure with that set."""
        if not self.go:
            # Argo CD replaces nothing in a text of which no line has a whole action.
            kept = {text: text for text in texts if not _has_action(text)}
            replaced = [text for text in texts if text not in kept]
            rows: list[_Failure | Mapping[str, str]] = []
            size = 0
            for each in sets:
                row = _fast(replaced, each)
                rows.append({**row, **kept} if isinstance(row, Mapping) else row)
                size += sum(map(len, row.values())) if isinstance(row, dict) else 0
                if size > _LARGEST:
                    raise _too_much(("spec", "template"))
            return rows
        rewritten = []
        for text in texts:
            try:
                rewritten.append(GoTemplate(text, strict).rewritten())
            except ValueError as error:
                return [_Failure(text, str(error))] * len(sets)
        try:
            made = self.helm.go_templates(rewritten, sets, DEFINITIONS)
        except GoTemplateError as error:
            return self._isolated(texts, sets, strict, error)
        return [dict(zip(texts, row, strict=True)) for row in made]

    def _isolated(
        self, texts: Sequence[str], sets: Sequence[Parameters], strict: bool, error: GoTemplateError
    ) -> list[_Failure | Mapping[str, str]]:
        """Find out which texts fail with which sets, since Helm gives nothing at all once one does."""
        failure = _Failure(texts[max(error.text, 0)], error.faults[0].message)
        known = error.text >= 0 or len(texts) == 1
        if error.parsing and known:
            return [failure] * len(sets)
        if self.failed > _MOST_FAILURES:
            message = f"The template {_quoted(failure.text)} fails with more than {_MOST_FAILURES} sets of parameters"
            raise GeneratorError(f"{message}: {failure.message}.", ("spec", "template"))
        if len(sets) > 1:
            half = len(sets) // 2
            return self._rows(texts, sets[:half], strict) + self._rows(texts, sets[half:], strict)
        self.failed += 1
        if known:
            self.suspects.add(failure.text)
            return [failure]
        for text in sorted(texts, key=lambda text: text not in self.suspects):
            if isinstance(row := self._rows([text], sets, strict)[0], _Failure):
                return [row]
        return [failure]


def _has_action(text: str) -> bool:
    return any("}}" in line.partition("{{")[2] for line in text.split("\n"))


def _fast(texts: Sequence[str], parameters: Parameters) -> _Failure | Mapping[str, str]:
    """Return the texts with each `{{name}}` replaced that is a parameter, the others left alone."""

    def replaced(tag: re.Match[str]) -> str:
        name = tag[1].strip()
        value = parameters.get(name) if name else None
        return value if isinstance(value, str) else tag[0]

    for text in texts:
        if "{{" in (left := with_actions(text, "")) and left != text:
            return _Failure(text, "a {{ has no }} after it")
    return {text: with_actions(text, replaced) for text in texts}


def _acted(text: str, made: Mapping[str, str]) -> str:
    return with_actions(text, lambda action: made.get(action[0], action[0]))


def _leftovers(row: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the parameters that were not replaced, each with its template."""
    for template, text in row.items():
        given = set(ANY_ACTION.findall(closed(template)))
        yield from (
            (template, name.strip()) for name in ANY_ACTION.findall(closed(text)) if name in given and name.strip()
        )


def _without_value(row: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the Go templates that named a missing parameter."""
    yield from ((template, "") for template, text in row.items() if "<no value>" in text)


def _quoted(text: str) -> str:
    return f"“{shortened(' '.join(text.split()))}”"
