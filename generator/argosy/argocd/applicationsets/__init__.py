"""ApplicationSets: a document -> the Applications that Argo CD would make of it from the working tree.

Follows Argo CD's applicationset/generators, applicationset/utils and applicationset/controllers/template.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from argosy.argocd.applicationsets.applications import application, filled
from argosy.argocd.applicationsets.flaws import MOST, Flaw, GeneratorError, ReportedError, SkipError
from argosy.argocd.applicationsets.generators import KINDS, Generators, kind_of
from argosy.argocd.applicationsets.parameters import UNKNOWN, Parameters
from argosy.argocd.applicationsets.pull_requests import EXAMPLES, example_of
from argosy.argocd.applicationsets.repository_files import RepositoryFiles
from argosy.argocd.applicationsets.templates import Templates
from argosy.argocd.applicationsets.trees import mapping, sequence
from argosy.argocd.view import ArgoApplication
from argosy.documents import Document, Pointer
from argosy.findings import Problem
from argosy.helm import Helm, RenderError

__all__ = ["MOST", "Expansion", "Flaw", "RepositoryFiles", "expand", "is_second"]


@dataclass(frozen=True, slots=True)
class Expansion:
    """What became of an ApplicationSet."""

    applications: Sequence[ArgoApplication] = ()
    outlines: Sequence[ArgoApplication] = ()
    """What is known of the others: texts that name what is unknown here are as the template has them."""
    problems: Sequence[tuple[Flaw, Problem]] = ()
    skipped: str = ""
    """Why some of its Applications, or all, are unknown here."""
    files: frozenset[str] = frozenset()
    """The files that its generators read."""

    @property
    def stands_for_others(self) -> bool:
        """Whether some of its Applications are examples: Argo CD makes others like them."""
        return any(each.pull_request for each in self.applications)


def expand(document: Document, repository: RepositoryFiles, helm: Helm) -> Expansion:
    """Return the Applications of an ApplicationSet, and what is wrong with it."""
    return _Expander(document, repository, helm).expand()


def is_second(application: ArgoApplication) -> bool:
    """Return whether an Application is made for another example of a pull request than the first."""
    return bool(application.pull_request) and application.pull_request["number"] != EXAMPLES[0]["number"]


class _Expander:
    """One expansion, and the problems that were found on the way."""

    def __init__(self, document: Document, repository: RepositoryFiles, helm: Helm) -> None:
        self.document = document
        self.spec = mapping(mapping(document.data).get("spec"))
        self.problems: list[tuple[Flaw, Problem]] = []
        self.templates = Templates(self.spec, helm, lambda problem: self.problems.append((Flaw.TEMPLATE, problem)))
        name = mapping(mapping(document.data).get("metadata")).get("name")
        self.generators = Generators(repository, self.templates, str(name or ""))

    def expand(self) -> Expansion:
        """Expand every generator on its own, as far as each goes."""
        applications: list[ArgoApplication] = []
        outlines: list[ArgoApplication] = []
        skipped: dict[str, None] = {}
        for index, generator in enumerate(sequence(self.spec.get("generators"))):
            at: Pointer = ("spec", "generators", index)
            try:
                made = self._applications(mapping(generator), at)
                skipped |= dict.fromkeys(each.outlined for each in made if each.outlined)
                outlines += [each for each in made if each.outlined]
                applications += [each for each in made if not each.outlined]
                if len(applications) > MOST:
                    raise GeneratorError(f"The generators yield more than {MOST:,} Applications.", at)
            except ReportedError:
                continue
            except SkipError as reason:
                skipped[str(reason)] = None
            except GeneratorError as error:
                self.problems.append((Flaw.GENERATOR, error.problem))
            except RenderError as error:
                # Helm had to be stopped, and the other generators have the same templates.
                self.problems.append((Flaw.TEMPLATE, Problem(error.message, ("spec", "template"), error.hint)))
                break
        self._refuse_duplicates(applications)
        read = frozenset(self.generators.read)
        return Expansion(applications, outlines, self.problems, "; ".join(skipped), read)

    def _applications(self, generator: Mapping[str, Any], at: Pointer) -> list[ArgoApplication]:
        kind = kind_of(generator, at)
        sets = self.generators.generate(generator, at, [{}])[0]
        if not sets:
            self._report_empty(at)
            return []
        template = filled(mapping(mapping(generator[kind]).get("template")), mapping(self.spec.get("template")))
        patch = self.spec.get("templatePatch")
        whole = {"template": template, "patch": patch}
        outlines = self._outlines(whole, [each for each in sets if UNKNOWN in each])
        sets = [each for each in sets if UNKNOWN not in each]
        if not sets:
            return outlines
        rows = self.templates.substitute(whole, sets, (*at, kind))
        made = [(self._application(row), each) for row, each in zip(rows, sets, strict=True) if row is not None]
        return [
            ArgoApplication(manifest, self.document, ("spec", "template"), pull_request=example_of(each))
            for manifest, each in made
            if manifest is not None
        ] + outlines

    def _outlines(self, whole: Mapping[str, Any], sets: Sequence[Parameters]) -> list[ArgoApplication]:
        """Return what is known of the Applications for sets of parameters that lack some."""
        made: dict[str, ArgoApplication] = {}
        for row, each in zip(self.templates.partly(whole, sets), sets, strict=True):
            patch = row["patch"]
            is_known = isinstance(patch, str) and "{{" not in patch
            manifest = self._application({**row, "patch": patch if is_known else None})
            if manifest is not None:
                outline = ArgoApplication(manifest, self.document, ("spec", "template"), outlined=each[UNKNOWN])
                made.setdefault(json.dumps(manifest, sort_keys=True, default=str), outline)
        return [*made.values()]

    def _application(self, row: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return an Application out of its rendered template and patch, None where the patch cannot be applied."""
        try:
            return application(
                row["template"],
                row["patch"] if isinstance(row["patch"], str) else None,
                namespace=mapping(mapping(self.document.data).get("metadata")).get("namespace"),
                preserve_resources=bool(mapping(self.spec.get("syncPolicy")).get("preserveResourcesOnDeletion")),
            )
        except ValueError as error:
            problem = (Flaw.TEMPLATE, Problem(str(error), ("spec", "templatePatch")))
            if problem not in self.problems:
                self.problems.append(problem)
            return None

    def _report_empty(self, at: Pointer) -> None:
        inside = [place for place, count in self.generators.yields.items() if place[: len(at)] == at and not count]
        deepest = max(inside, key=len, default=at)
        if "pullRequest" in self._generator(deepest):
            raise SkipError("its `selector` lets no example of a pull request through")
        message = f"The generator yields nothing: {self._described(deepest)}."
        hint = "Argo CD deletes the Applications that an ApplicationSet no longer yields."
        self.problems.append((Flaw.EMPTY, Problem(message, deepest, hint)))

    def _generator(self, at: Pointer) -> Mapping[str, Any]:
        generator: Any = self.document.data
        for key in at:
            generator = generator[key]
        return mapping(generator)

    def _described(self, at: Pointer) -> str:
        generator = self._generator(at)
        git = mapping(generator.get("git"))
        patterns = [
            str(each.get("path"))
            for each in (*sequence(git.get("directories")), *sequence(git.get("files")))
            if isinstance(each, dict) and not each.get("exclude")
        ]
        if patterns:
            return f"no {'folder' if git.get('directories') else 'file'} matches {', '.join(patterns)}"
        if "clusters" in mapping(generator):
            return "no cluster that is declared has the labels of its selector"
        return f"its {next(iter(key for key in KINDS if key in generator), 'generator')} is empty"

    def _refuse_duplicates(self, applications: Sequence[ArgoApplication]) -> None:
        counted = Counter(application.name for application in applications)
        for name, count in sorted(each for each in counted.items() if each[1] > 1):
            message = f"{count} Applications are named “{name}”."
            hint = "Make spec.template.metadata.name differ: Argo CD refuses the whole ApplicationSet otherwise."
            self.problems.append((Flaw.DUPLICATE, Problem(message, ("spec", "template", "metadata", "name"), hint)))
