"""ApplicationSets: a document -> the Applications that Argo CD would make of it from the working tree.

Follows Argo CD's applicationset/generators, applicationset/utils and applicationset/controllers/template. Go templates
run in Helm's engine, whose functions are almost the same; `_GoTemplate` makes up for the rest.
"""

from __future__ import annotations

import fnmatch
import json
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from generator.helm import GoTemplateError, Helm
from generator.validation.documents import Document, Pointer, parse
from generator.validation.rules import Problem
from generator.validation.view import ArgoApplication

Parameters = dict[str, Any]

FINALIZER = "resources-finalizer.argocd.argoproj.io"


class Flaw(StrEnum):
    """What kind of thing is wrong with an ApplicationSet."""

    GENERATOR = "generator"
    """A generator that Argo CD refuses."""
    EMPTY = "empty"
    """A generator that yields nothing: Argo CD would delete the Applications that it once yielded."""
    TEMPLATE = "template"
    """A template that fails, or names a parameter that no generator gives."""
    DUPLICATE = "duplicate"
    """Two Applications of one name: Argo CD then makes none at all."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """What became of an ApplicationSet."""

    applications: Sequence[ArgoApplication] = ()
    problems: Sequence[tuple[Flaw, Problem]] = ()
    skipped: str = ""
    """Why some of its Applications, or all, are unknown here."""


@dataclass(frozen=True)
class RepositoryFiles:
    """The files that Git generators read: the working tree, whatever revision they ask for."""

    root: Path
    files: Sequence[str]
    """Relative to the root, with `/` between the parts."""
    is_this_repository: Callable[[str], bool]
    """Tells whether a repoURL is this repository's own."""

    @cached_property
    def directories(self) -> Sequence[str]:
        """Every folder that a Git directory generator sees, in its order: no hidden ones."""
        found = {parent for file in self.files for parent in _parents(file)}
        return sorted(
            (folder for folder in found if not any(part.startswith(".") for part in folder.split("/"))),
            key=lambda folder: folder.split("/"),
        )

    def in_directories(self, pattern: str) -> list[str]:
        """Return the folders that a pattern of Go's path.Match means: `*` does not cross `/`."""
        parts = [re.compile(fnmatch.translate(part.replace("[^", "[!"))) for part in pattern.split("/")]
        return [
            folder
            for folder in self.directories
            if len(names := folder.split("/")) == len(parts)
            and all(part.match(name) for part, name in zip(parts, names, strict=True))
        ]

    def in_files(self, pattern: str) -> list[str]:
        """Return the files that a pathspec of `git ls-files` means: `*` does cross `/`, a folder means all in it."""
        if not re.search(r"[*?\[]", pattern):
            folder = pattern.rstrip("/") + "/"
            return [file for file in self.files if file == pattern or file.startswith(folder)]
        matches = re.compile(fnmatch.translate(pattern.replace("[^", "[!"))).match
        return [file for file in self.files if matches(file)]


def expand(document: Document, repository: RepositoryFiles, helm: Helm) -> Expansion:
    """Return the Applications of an ApplicationSet, and what is wrong with it."""
    return _Expander(document, repository, helm).expand()


class _SkipError(Exception):
    """Say why a generator cannot be evaluated here."""


class _ReportedError(Exception):
    """Leave a generator whose templates fail, for which there are problems already."""


class _GeneratorError(Exception):
    """Say what Argo CD refuses a generator for."""

    def __init__(self, message: str, at: Pointer, hint: str = "") -> None:
        super().__init__(message)
        self.problem = Problem(message, at, hint)


@dataclass(frozen=True, slots=True)
class _Failure:
    """A template that failed for one set of parameters."""

    text: str
    message: str


_UNKNOWN_HERE = {
    "clusters": "the clusters that Argo CD knows",
    "clusterDecisionResource": "a resource of the cluster",
    "scmProvider": "the repositories of a Git host",
    "pullRequest": "the pull requests of a Git host",
    "plugin": "what a plugin says",
}
_KINDS = ("list", "git", "matrix", "merge", *_UNKNOWN_HERE)


@dataclass
class _Expander:
    """One expansion: the document, and what was found on the way."""

    document: Document
    repository: RepositoryFiles
    helm: Helm
    problems: list[tuple[Flaw, Problem]] = field(default_factory=list)
    yields: dict[Pointer, int] = field(default_factory=dict)
    """How many sets of parameters each generator gave, in the order of their evaluation."""
    contents: dict[str, Any] = field(default_factory=dict)
    suspects: set[str] = field(default_factory=set)
    """Templates that failed before, to be tried first when a batch fails."""

    def __post_init__(self) -> None:
        self.spec = _mapping(_mapping(self.document.data).get("spec"))
        self.go = self.spec.get("goTemplate") is True
        self.strict = self.go and "missingkey=error" in _list(self.spec.get("goTemplateOptions"))

    def expand(self) -> Expansion:
        """Expand every generator on its own, as far as each goes."""
        applications: list[ArgoApplication] = []
        skipped: dict[str, None] = {}
        for index, generator in enumerate(_list(self.spec.get("generators"))):
            at: Pointer = ("spec", "generators", index)
            try:
                applications += self._applications(_mapping(generator), at)
            except _ReportedError:
                continue
            except _SkipError as reason:
                skipped[str(reason)] = None
            except _GeneratorError as error:
                self.problems.append((Flaw.GENERATOR, error.problem))
        self._refuse_duplicates(applications)
        return Expansion(applications, self.problems, "; ".join(skipped))

    def _applications(self, generator: Mapping[str, Any], at: Pointer) -> list[ArgoApplication]:
        kind = _kind(generator, at)
        sets = self._generate(generator, at, [{}])[0]
        if not sets:
            self._report_empty(at)
            return []
        template = _filled(_mapping(_mapping(generator[kind]).get("template")), _mapping(self.spec.get("template")))
        patch = self.spec.get("templatePatch")
        rows = self._substitute({"template": template, "patch": patch}, sets, (*at, kind))
        finished = [self._finished(row) for row in rows if row is not None]
        return [
            ArgoApplication(manifest, self.document, ("spec", "template"))
            for manifest in finished
            if manifest is not None
        ]

    def _finished(self, row: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return an Application out of its rendered template and patch, None where the patch cannot be applied."""
        metadata = dict(_mapping(row["template"].get("metadata")))
        spec = _mapping(row["template"].get("spec"))
        preserve = _mapping(self.spec.get("syncPolicy")).get("preserveResourcesOnDeletion")
        if not metadata.get("finalizers") and not preserve:
            metadata["finalizers"] = [FINALIZER]
        application: Any = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": metadata,
            "spec": spec,
        }
        if isinstance(row["patch"], str):
            patch = self._patch(row["patch"])
            if patch is None:
                return None
            application = _patched(application, patch)
            # Argo CD restores the project, lest a patch escapes from it.
            application["spec"] = {**_mapping(application.get("spec")), "project": spec.get("project")}
        namespace = _mapping(_mapping(self.document.data).get("metadata")).get("namespace")
        application["metadata"] = {**_mapping(application.get("metadata")), "namespace": namespace}
        return cast("Mapping[str, Any]", _stored(application))

    def _patch(self, text: str) -> Mapping[str, Any] | None:
        """Return a rendered templatePatch; report one that is no map of fields."""
        try:
            patch = _parse(text)
            message = "The templatePatch renders to no map of fields."
        except ValueError as error:
            patch, message = "", f"The templatePatch renders to invalid YAML: {error}."
        if patch is None or isinstance(patch, dict):
            return patch or {}
        problem = (Flaw.TEMPLATE, Problem(message, ("spec", "templatePatch")))
        if problem not in self.problems:
            self.problems.append(problem)
        return None

    def _report_empty(self, at: Pointer) -> None:
        inside = [place for place, count in self.yields.items() if place[: len(at)] == at and not count]
        deepest = max(inside, key=len, default=at)
        what = self._described(deepest)
        hint = "Argo CD deletes the Applications that an ApplicationSet no longer yields."
        self.problems.append((Flaw.EMPTY, Problem(f"The generator yields nothing: {what}.", deepest, hint)))

    def _described(self, at: Pointer) -> str:
        generator: Any = self.document.data
        for key in at:
            generator = generator[key]
        git = _mapping(_mapping(generator).get("git"))
        patterns = [
            str(each.get("path"))
            for each in (*_list(git.get("directories")), *_list(git.get("files")))
            if isinstance(each, dict) and not each.get("exclude")
        ]
        if patterns:
            return f"no {'folder' if git.get('directories') else 'file'} matches {', '.join(patterns)}"
        return f"its {next(iter(key for key in _KINDS if key in generator), 'generator')} is empty"

    def _refuse_duplicates(self, applications: Sequence[ArgoApplication]) -> None:
        names = [application.name for application in applications]
        for name in sorted({name for name in names if names.count(name) > 1}):
            message = f"{names.count(name)} Applications are named “{name}”."
            hint = "Make spec.template.metadata.name differ: Argo CD refuses the whole ApplicationSet otherwise."
            self.problems.append((Flaw.DUPLICATE, Problem(message, ("spec", "template", "metadata", "name"), hint)))

    # Generators

    def _generate(
        self, generator: Mapping[str, Any], at: Pointer, outer: Sequence[Parameters], depth: int = 0
    ) -> list[list[Parameters]]:
        """Return a generator's sets of parameters, for each set of a first child that its fields may name."""
        kind = _kind(generator, at)
        if kind in _UNKNOWN_HERE:
            raise _SkipError(f"its generator `{kind}` asks for {_UNKNOWN_HERE[kind]}")
        if kind in ("matrix", "merge") and depth > 1:
            raise _GeneratorError(f"A {kind} generator can be nested once, not twice.", at)
        evaluate = {
            "list": self._from_list,
            "git": self._from_git,
            "matrix": self._from_matrix,
            "merge": self._from_merge,
        }[kind]
        variants = self._interpolated(_mapping(generator[kind]), (*at, kind), outer)
        # The selector is the only part that Argo CD does not interpolate.
        selector = generator.get("selector")
        results = [
            [each for each in evaluate(variant, (*at, kind), depth) if selector is None or _selects(selector, each, at)]
            for variant in variants
        ]
        self.yields[at] = self.yields.get(at, 0) + sum(map(len, results))
        return results

    def _interpolated(
        self, generator: Mapping[str, Any], at: Pointer, outer: Sequence[Parameters]
    ) -> list[Mapping[str, Any]]:
        """Return the generator once for each set of parameters of the matrix's first child."""
        if not any(outer):
            return [generator] * len(outer)
        fields = {key: value for key, value in generator.items() if key not in ("template", "values")}
        variants = self._substitute(fields, outer, at)
        if None in variants:
            raise _ReportedError
        values = _mapping(generator.get("values"))
        return [
            {**cast("Parameters", variant), "values": self._resolved(values, each)}
            for variant, each in zip(variants, outer, strict=True)
        ]

    def _resolved(self, values: Mapping[str, Any], parameters: Parameters) -> Mapping[str, Any]:
        """Return `values` with those rendered that the first child's parameters suffice for."""
        resolved = dict(values)
        for key, text in values.items():
            if isinstance(text, str) and "{{" in text:
                row = self._rows([text], [parameters], strict=True)[0]
                resolved[key] = text if isinstance(row, _Failure) else row[text]
        return resolved

    def _from_list(self, generator: Mapping[str, Any], at: Pointer, _depth: int) -> list[Parameters]:
        elements = [dict(_mapping(element)) for element in _list(generator.get("elements"))]
        if not self.go:
            elements = [self._flat_element(element, (*at, "elements", i)) for i, element in enumerate(elements)]
        if text := generator.get("elementsYaml"):
            more = self._parsed(str(text), (*at, "elementsYaml"), "elementsYaml")
            if not isinstance(more, list) or not all(isinstance(element, dict) for element in more):
                raise _GeneratorError("elementsYaml is no list of maps.", (*at, "elementsYaml"))
            elements += more
        return elements

    def _flat_element(self, element: Parameters, at: Pointer) -> Parameters:
        values = element.pop("values", {})
        flat = element | {f"values.{key}": value for key, value in _mapping(values).items()}
        for key, value in flat.items():
            if not isinstance(value, str):
                hint = "Quote it, or set goTemplate: true."
                raise _GeneratorError(f"Without goTemplate, an element's “{key}” has to be a string.", at, hint)
        return flat

    def _from_git(self, generator: Mapping[str, Any], at: Pointer, _depth: int) -> list[Parameters]:
        url = str(generator.get("repoURL") or "")
        if not self.repository.is_this_repository(url):
            raise _SkipError(f"its Git generator reads another repository: {url}")
        prefix = str(generator.get("pathParamPrefix") or "")
        if directories := _list(generator.get("directories")):
            found = _matching(directories, self.repository.in_directories)
            order = {folder: place for place, folder in enumerate(self.repository.directories)}
            sets = [self._path(folder, "", prefix) for folder in sorted(found, key=order.__getitem__)]
        elif files := _list(generator.get("files")):
            sets = [
                self._content(content) | self._path(posixpath.dirname(file) or ".", posixpath.basename(file), prefix)
                for file in sorted(_matching(files, self.repository.in_files))
                for content in self._contents(file, (*at, "files"))
            ]
        else:
            raise _GeneratorError("A Git generator needs directories or files.", at)
        return self._with_values(sets, _mapping(generator.get("values")), at)

    def _path(self, folder: str, filename: str, prefix: str) -> Parameters:
        """Return the parameters that say where a folder or a file was found."""
        name = posixpath.basename(folder)
        parts = {"path": folder, "basename": name, "basenameNormalized": _normalized(name)}
        if filename:
            parts |= {"filename": filename, "filenameNormalized": _normalized(filename)}
        if self.go:
            nested: Parameters = {"path": {**parts, "segments": folder.split("/")}}
            return {prefix: nested} if prefix else nested
        start = f"{prefix}.path" if prefix else "path"
        flat = {start if key == "path" else f"{start}.{key}": value for key, value in parts.items()}
        return flat | {f"{start}[{index}]": part for index, part in enumerate(folder.split("/")) if part}

    def _content(self, content: Parameters) -> Parameters:
        return dict(content) if self.go else dict(_flattened(content))

    def _contents(self, file: str, at: Pointer) -> list[Parameters]:
        """Return the objects of a file: one, or a list of them."""
        if file not in self.contents:
            text = (self.repository.root / file).read_text(encoding="utf-8", errors="replace")
            parsed = self._parsed(text, at, file)
            self.contents[file] = parsed if isinstance(parsed, list) else [{} if parsed is None else parsed]
        if not all(isinstance(content, dict) for content in self.contents[file]):
            raise _GeneratorError(f"{file} is neither a map nor a list of maps.", at)
        return cast("list[Parameters]", self.contents[file])

    def _parsed(self, text: str, at: Pointer, what: str) -> Any:
        try:
            return _parse(text)
        except ValueError as error:
            raise _GeneratorError(f"{what} is no valid YAML: {error}.", at) from error

    def _with_values(self, sets: list[Parameters], values: Mapping[str, Any], at: Pointer) -> list[Parameters]:
        """Add a generator's `values`, which are templates over its own parameters."""
        if not values or not sets:
            return sets
        rows = self._substitute({"values": dict(values)}, sets, at)
        if None in rows:
            raise _ReportedError
        added = [cast("Parameters", row) for row in rows]
        if not self.go:
            added = [{f"values.{key}": value for key, value in row["values"].items()} for row in added]
        return [each | row for each, row in zip(sets, added, strict=True)]

    def _from_matrix(self, generator: Mapping[str, Any], at: Pointer, depth: int) -> list[Parameters]:
        children = _list(generator.get("generators"))
        if len(children) != 2:
            raise _GeneratorError(f"A matrix combines exactly two generators, and this one has {len(children)}.", at)
        places: list[Pointer] = [(*at, "generators", index) for index in range(2)]
        firsts = self._generate(_mapping(children[0]), places[0], [{}], depth + 1)[0]
        if not firsts:
            return []
        seconds = self._generate(_mapping(children[1]), places[1], firsts, depth + 1)
        pairs = [(first, second) for first, several in zip(firsts, seconds, strict=True) for second in several]
        return [_merged(second, first) if self.go else _combined(first, second, at) for first, second in pairs]

    def _from_merge(self, generator: Mapping[str, Any], at: Pointer, depth: int) -> list[Parameters]:
        children, keys = _list(generator.get("generators")), _list(generator.get("mergeKeys"))
        if len(children) < 2 or not keys:
            raise _GeneratorError("A merge needs two generators or more, and mergeKeys.", at)
        base, *above = [
            self._by_key(self._generate(_mapping(child), place, [{}], depth + 1)[0], keys, place)
            for index, child in enumerate(children)
            for place in [(*at, "generators", index)]
        ]
        for sets in above:
            for key in base.keys() & sets.keys():
                base[key] = _merged(base[key], sets[key]) if self.go else base[key] | sets[key]
        return list(base.values())

    def _by_key(self, sets: list[Parameters], keys: Sequence[Any], at: Pointer) -> dict[str, Parameters]:
        keyed: dict[str, Parameters] = {}
        for each in sets:
            key = json.dumps({str(name): each.get(str(name)) for name in keys}, sort_keys=True)
            if key in keyed:
                raise _GeneratorError(f"Two sets of parameters have the same mergeKeys: {key}.", at)
            keyed[key] = each
        return keyed

    # Templates

    def _substitute(self, tree: Any, sets: Sequence[Parameters], at: Pointer) -> list[Any]:
        """Return the tree once a set of parameters, its strings and keys rendered; None where a template fails."""
        texts = list(dict.fromkeys(text for text in _strings(tree) if "{{" in text))
        rows = self._rows(texts, sets, self.strict) if texts else [{}] * len(sets)
        self._report_failures(tree, rows, at)
        return [None if isinstance(row, _Failure) else _rebuilt(tree, row) for row in rows]

    def _report_failures(self, tree: Any, rows: Sequence[_Failure | Mapping[str, str]], at: Pointer) -> None:
        failures = [row for row in rows if isinstance(row, _Failure)]
        for failure in dict.fromkeys(failures):
            some = "" if len(rows) == 1 else f" with {failures.count(failure)} of {len(rows)} sets of parameters"
            where = self._place(tree, failure.text, at)
            problem = Problem(f"The template {_shortened(failure.text)} fails{some}: {failure.message}.", where)
            self.problems.append((Flaw.TEMPLATE, problem))
        if isinstance(tree, dict) and "template" in tree:
            given = [row for row in rows if not isinstance(row, _Failure)]
            self._report_missing(tree, given, at)

    def _report_missing(self, tree: Any, rows: Sequence[Mapping[str, str]], at: Pointer) -> None:
        """Report the parameters of an Application's template that no generator gives, and that Argo CD lets pass."""
        for text, name in sorted({each for row in rows for each in (_without_value if self.go else _leftovers)(row)}):
            if self.go:
                message = f"The template {_shortened(text)} gives “<no value>”: no generator gives what it names."
                hint = "Set goTemplateOptions: [missingkey=error], and Argo CD refuses what is missing."
            else:
                message = f"No generator gives the parameter “{name}”: Argo CD leaves {{{{{name}}}}} as it is."
                hint = "Without goTemplate: true, names are written without a dot." if name.startswith(".") else ""
            self.problems.append((Flaw.TEMPLATE, Problem(message, self._place(tree, text, at), hint)))

    def _place(self, tree: Any, text: str, at: Pointer) -> Pointer:
        """Return where in the document a template text stands."""
        found = _find(tree, text)
        if not found or found[0] not in ("template", "patch"):
            return (*at, *(found or ()))
        if found[0] == "patch":
            return ("spec", "templatePatch")
        own = _find(_mapping(self.spec.get("template")), text)
        return (*at, *found) if own is None else ("spec", "template", *own)

    def _rows(
        self, texts: Sequence[str], sets: Sequence[Parameters], strict: bool
    ) -> list[_Failure | Mapping[str, str]]:
        """Return what each text becomes with each set of parameters, or the first failure with that set."""
        if not self.go:
            return [_fast(texts, each) for each in sets]
        rewritten = []
        for text in texts:
            try:
                rewritten.append(_GoTemplate(text, strict).rewritten())
            except ValueError as error:
                return [_Failure(text, str(error))] * len(sets)
        try:
            rows = self.helm.go_templates(rewritten, sets, _DEFINITIONS)
        except GoTemplateError as error:
            return self._isolated(texts, sets, strict, error)
        return [dict(zip(texts, row, strict=True)) for row in rows]

    def _isolated(
        self, texts: Sequence[str], sets: Sequence[Parameters], strict: bool, error: GoTemplateError
    ) -> list[_Failure | Mapping[str, str]]:
        """Find out which texts fail with which sets, since Helm gives nothing at all once one does."""
        failure = _Failure(texts[max(error.text, 0)], error.faults[0].message)
        known = error.text >= 0 or len(texts) == 1
        if error.parsing and known:
            return [failure] * len(sets)
        if len(sets) > 1:
            half = len(sets) // 2
            return self._rows(texts, sets[:half], strict) + self._rows(texts, sets[half:], strict)
        if known:
            self.suspects.add(failure.text)
            return [failure]
        for text in sorted(texts, key=lambda text: text not in self.suspects):
            if isinstance(row := self._rows([text], sets, strict)[0], _Failure):
                return [row]
        return [failure]


def _kind(generator: Mapping[str, Any], at: Pointer) -> str:
    kinds = [kind for kind in _KINDS if generator.get(kind) is not None]
    if len(kinds) != 1:
        what = f"is several at once: {', '.join(kinds)}" if kinds else f"is none of {', '.join(_KINDS)}"
        raise _GeneratorError(f"The generator {what}.", at)
    return kinds[0]


def _matching(patterns: Sequence[Any], find: Callable[[str], list[str]]) -> set[str]:
    """Return what the patterns of a Git generator include; an exclude always wins, wherever it stands."""
    found: dict[bool, set[str]] = {False: set(), True: set()}
    for each in map(_mapping, patterns):
        found[each.get("exclude") is True].update(find(str(each.get("path") or "")))
    return found[False] - found[True]


def _parents(file: str) -> Iterator[str]:
    while file := posixpath.dirname(file):
        yield file


def _normalized(name: str) -> str:
    """Return a name as Argo CD's `normalize` makes it fit for DNS."""
    return re.sub(r"[^-a-z0-9.]", "-", name.lower())[:253].strip("-.")


def _merged(below: Parameters, above: Parameters) -> Parameters:
    """Return `below` with `above` laid over it, maps merged."""
    both = {
        key: _merged(below[key], value) if isinstance(below.get(key), dict) and isinstance(value, dict) else value
        for key, value in above.items()
    }
    return below | both


def _combined(first: Parameters, second: Parameters, at: Pointer) -> Parameters:
    """Return two sets of a matrix as strings; both may give a parameter only if they agree on it."""
    one, two = ({key: _printed(value) for key, value in each.items()} for each in (first, second))
    for key in one.keys() & two.keys():
        if one[key] != two[key]:
            raise _GeneratorError(f"Both generators of the matrix give “{key}”: {one[key]} and {two[key]}.", at)
    return one | two


def _flattened(value: Any, start: str = "") -> Iterator[tuple[str, str]]:
    """Yield the leaves of a tree under dotted names, printed as Go prints them."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in items:
        name = f"{start}.{key}" if start else str(key)
        if isinstance(each, dict | list):
            yield from _flattened(each, name)
        else:
            yield name, _printed(each)


def _printed(value: Any) -> str:
    """Return a value as Go's `%v` prints it; every number out of YAML is a float64."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, int | float):
        return str(value)
    number = Decimal(repr(float(value))).normalize()
    magnitude = number.adjusted()
    if -4 <= magnitude < 6:
        return f"{number:f}"
    return f"{number.scaleb(-magnitude):f}e{magnitude:+03d}"


def _selects(selector: Any, parameters: Parameters, at: Pointer) -> bool:
    """Tell whether a generator's selector lets a set of parameters through."""
    flat = dict(_flattened(parameters))
    labels, expressions = _mapping(selector).get("matchLabels"), _mapping(selector).get("matchExpressions")
    if any(flat.get(key) != str(value) for key, value in _mapping(labels).items()):
        return False
    for expression in map(_mapping, _list(expressions)):
        key, values = str(expression.get("key")), [str(value) for value in _list(expression.get("values"))]
        verdicts = {
            "In": flat.get(key) in values,
            "NotIn": flat.get(key) not in values,
            "Exists": key in flat,
            "DoesNotExist": key not in flat,
        }
        operator = str(expression.get("operator"))
        if operator not in verdicts:
            raise _GeneratorError(f"“{operator}” is no operator of a selector.", (*at, "selector"))
        if not verdicts[operator]:
            return False
    return True


# Trees


def _parse(text: str) -> Any:
    """Return the first document of a YAML text; raise ValueError where it is none."""
    parsed = parse(text, "")
    refused = [defect for defect in parsed.defects if defect.document is None]
    if refused:
        line = f"line {refused[0].line}: " if refused[0].line else ""
        raise ValueError(f"{line}{refused[0].message}")
    return parsed.documents[0].data if parsed.documents else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _strings(tree: Any) -> Iterator[str]:
    """Yield every string of a tree, keys included: Argo CD renders those too."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from (key, *_strings(value)) if isinstance(key, str) else _strings(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _strings(value)


def _rebuilt(tree: Any, texts: Mapping[str, str]) -> Any:
    if isinstance(tree, str):
        return texts.get(tree, tree)
    if isinstance(tree, dict):
        return {_rebuilt(key, texts): _rebuilt(value, texts) for key, value in tree.items()}
    return [_rebuilt(value, texts) for value in tree] if isinstance(tree, list) else tree


def _find(tree: Any, text: str) -> Pointer | None:
    """Return the way to the first string, or key, that is the text."""
    if tree == text:
        return ()
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        inside = () if key == text else _find(value, text)
        if inside is not None:
            return (key, *inside)
    return None


def _filled(own: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """Return a generator's own template with what it leaves empty taken from the ApplicationSet's."""
    filled = dict(base)
    for key, value in own.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict) and key != "valuesObject"
        filled[key] = _filled(value, base[key]) if both else value if value or key not in base else base[key]
    return filled


def _patched(original: Any, patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return a map with a strategic merge patch applied: lists are replaced, but for the finalizers."""
    directive = patch.get("$patch")
    if directive in ("replace", "delete"):
        return {key: value for key, value in patch.items() if key != "$patch"} if directive == "replace" else {}
    patched = dict(_mapping(original))
    for key, value in patch.items():
        if value is None:
            patched.pop(key, None)
        elif isinstance(value, dict):
            patched[key] = _patched(patched.get(key), value)
        elif key == "finalizers" and isinstance(value, list):
            patched[key] = [*_list(patched.get(key)), *(each for each in value if each not in _list(patched.get(key)))]
        else:
            patched[key] = value
    return patched


def _stored(tree: Any) -> Any:
    """Return a tree as Argo CD stores it: without nulls and empty strings, but for maps whose keys are the user's."""
    if isinstance(tree, dict):
        return {
            key: value if key in _FREE else _stored(value) for key, value in tree.items() if value not in (None, "")
        }
    return [_stored(value) for value in tree] if isinstance(tree, list) else tree


_FREE = frozenset({"valuesObject", "labels", "annotations", "commonLabels", "commonAnnotations"})


# Templates without goTemplate

_TAG = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


def _fast(texts: Sequence[str], parameters: Parameters) -> _Failure | Mapping[str, str]:
    """Return the texts with each `{{name}}` replaced that is a parameter, the others left alone."""

    def replaced(tag: re.Match[str]) -> str:
        value = parameters.get(tag[1].strip())
        return value if isinstance(value, str) else tag[0]

    for text in texts:
        if _TAG.search(text) and "{{" in _TAG.sub("", text):
            return _Failure(text, "a {{ has no }} after it")
    return {text: _TAG.sub(replaced, text) for text in texts}


def _leftovers(row: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the parameters that were not replaced, each with its template."""
    for template, text in row.items():
        given = set(_TAG.findall(template))
        yield from ((template, name.strip()) for name in _TAG.findall(text) if name in given and name.strip())


def _without_value(row: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the Go templates that named a missing parameter."""
    yield from ((template, "") for template, text in row.items() if "<no value>" in text)


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return f"“{line}”" if len(line) <= 60 else f"“{line[:59]}…”"


# Go templates: Argo CD's, made Helm's

_DEFINITIONS = (
    '{{ define "argocd.normalize" }}'
    '{{ regexReplaceAll "[^-a-z0-9.]" (lower .) "-" | trunc 253 | trimAll "-." }}'
    "{{ end }}"
)
_HELM_ONLY = re.compile(
    "include|tpl|required|lookup|toToml|fromToml|mustTo(?:Toml|Yaml)|toYamlPretty|fromJsonArray|getHostByName"
)
_TOKEN = re.compile(
    r"""(?P<end>\}\})
    |(?P<text>/\*.*?\*/|"(?:\\.|[^"\\])*"|`[^`]*`|'(?:\\.|[^'\\])*'|\d[\w.]*)
    |(?P<operand>\$\w*|\)|(?<![\w)])(?=\.[^\W\d]))(?P<chain>(?:\.[^\W\d]\w*)*)
    |(?P<open>\()
    |(?P<word>[^\W\d]\w*)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class _GoTemplate:
    """A Go template of Argo CD.

    Helm cannot be told `missingkey=error`. So with `strict` each field `.a` becomes an expression that fails where the
    key is missing and is the field otherwise, which leaves branches not taken and every other function as they are.
    """

    text: str
    strict: bool

    def rewritten(self) -> str:
        """Return the template for Helm; raise ValueError where Argo CD has no such function, or Helm has none."""
        output: list[str] = []
        position = 0
        while (start := self.text.find("{{", position)) >= 0:
            output.append(self.text[position : start + 2])
            action, position = self._action(start + 2)
            output.append(action)
        return "".join(output) + self.text[position:]

    def _action(self, position: int) -> tuple[str, int]:
        """Return an action rewritten, and where it ends."""
        output: list[str] = []
        opened: list[int] = []
        while token := _TOKEN.match(self.text, position):
            position = token.end()
            if token["operand"] is not None:
                start = opened.pop() if token["operand"] == ")" and opened else len(output)
                base = "".join([*output[start:], token["operand"]]) or "."
                output[start:] = [self._chain(base, token["chain"])]
                continue
            if token["open"]:
                opened.append(len(output))
            output.append(self._word(token["word"]) if token["word"] else token[0])
            if token["end"]:
                break
        return "".join(output), position

    def _chain(self, base: str, chain: str) -> str:
        """Return the fields of an operand: `.a.b` of `.`, of `$x` or of `(…)`."""
        if not self.strict:
            return f"{'' if base == '.' else base}{chain}"
        for name in chain.split(".")[1:]:
            missing = f'(fail "map has no entry for key \\"{name}\\"")'
            base = f'(and (or (hasKey {base} "{name}") {missing}) (index {base} "{name}"))'
        return base

    @staticmethod
    def _word(word: str) -> str:
        if _HELM_ONLY.fullmatch(word):
            raise ValueError(f'function "{word}" not defined')
        if word == "slugify":
            raise ValueError("slugify cannot be evaluated here; normalize can")
        return 'include "argocd.normalize"' if word == "normalize" else word
