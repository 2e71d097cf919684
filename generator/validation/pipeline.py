"""Validate a repository: files -> documents -> Applications -> renders -> findings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from generator import layout
from generator.helm import Fault, Helm, RenderError, engine, values_of
from generator.validation import builtin, configuration, kubernetes_values, rendering
from generator.validation.applicationsets import Expansion, RepositoryFiles, expand
from generator.validation.configuration import Configuration
from generator.validation.documents import Defect, Document, resource, suppressions
from generator.validation.finding import Finding, Outcome, Report, Status
from generator.validation.inventory import Entry, Inventory, Role, take
from generator.validation.policy import CREDENTIAL, credentials
from generator.validation.rendering import Render
from generator.validation.rules import RULES, Problem, Rule, Scope
from generator.validation.schema_store import SchemaStore, without_nulls
from generator.validation.schema_violations import Violation
from generator.validation.sources import Kind, is_here
from generator.validation.view import ArgoApplication, View, key

ARGO = "argoproj.io/"
Progress = Callable[[str, int], AbstractContextManager[Callable[[], None]]]


def _silent(description: str, total: int) -> AbstractContextManager[Callable[[], None]]:  # noqa: ARG001
    return nullcontext(lambda: None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to validate."""

    paths: Sequence[Path] = ()
    """The files and folders to report on; empty: all."""
    kubernetes_versions: Sequence[str] = ()
    """Empty: what the repository says."""
    schema_locations: Sequence[str] = ()
    helm: Path | None = None
    progress: Progress = _silent


def validate(root: Path, options: Options | None = None) -> Report:
    """Judge every YAML and JSON file below a root, and what its Applications render to."""
    return _Validation(root.resolve(), options or Options()).run()


@dataclass(frozen=True, slots=True)
class _Found:
    """A finding, and the document that it fails."""

    finding: Finding
    document: Document | None = None


@dataclass
class _Validation:
    root: Path
    options: Options
    found: list[_Found] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    skipped: dict[int, str] = field(default_factory=dict)
    """Why a document was judged by nothing, by the document's identity."""

    def run(self) -> Report:
        import generator.validation.catalogue  # noqa: F401, PLC0415 - registers the rules

        configured = configuration.load(self.root)
        with self.options.progress("Reading files", 1) as advance:
            inventory = take(self.root)
            advance()
        stores = self._stores(configured, inventory)
        for entry in inventory.entries:
            self._judge_file(entry, stores)
        view, sets = self._view(inventory, configured)
        with self.options.progress("Rendering", sum(len(each.sources) for each in view.applications)) as advance:
            renders = rendering.render(view, inventory, self._helm, advance)
        view = replace(view, rendered=_by_application(renders.all))
        for render in renders.all:
            self._judge_render(render, stores)
        charts = self._judge_charts(inventory, renders)
        self._apply_rules(view, renders.all)
        findings = self._unsuppressed(inventory, configured)
        outcomes = _Outcomes(self, inventory, findings, renders, charts, sets).all()
        return self._chosen(findings, outcomes, renders)

    @property
    def _helm(self) -> Helm:
        return engine(self.options.helm)

    def _stores(self, configured: Configuration, inventory: Inventory) -> Mapping[str, SchemaStore]:
        crds = [
            document.data for document in inventory.manifests if document.data["kind"] == "CustomResourceDefinition"
        ]
        versions = self.options.kubernetes_versions or configured.kubernetes_versions
        locations = (*self.options.schema_locations, *configured.schema_locations)
        return {version: SchemaStore(version, locations, crds) for version in versions}

    # Files

    def _judge_file(self, entry: Entry, stores: Mapping[str, SchemaStore]) -> None:
        for defect in entry.parsed.defects:
            self._add_defect(defect, entry.documents)
        for line, kind in credentials(entry.parsed.text):
            self._add(
                CREDENTIAL,
                Problem(
                    f"This looks like a credential: {kind}.",
                    hint="Take it out, rotate it, and keep it in a secret store. If it is none, say so in place: "
                    "# argosy: ignore[credential-in-git] why.",
                ),
                path=entry.file.path,
                line=line,
                document=next((document for document, _ in reversed(entry.documents) if document.line <= line), None),
            )
        store = next(iter(stores.values()))
        for document, role in entry.documents:
            if role is Role.MANIFEST:
                self._judge_manifest(document, stores)
                continue
            known = store.for_file(entry.file.path)
            if known is not None:
                self._add_violations(builtin.FILE_SCHEMA, document, known.violations(without_nulls(document.data)))
            elif role is Role.OTHER:
                self.skipped[id(document)] = "it is no Kubernetes manifest, and no schema is known for it"

    def _judge_manifest(self, document: Document, stores: Mapping[str, SchemaStore]) -> None:
        data = without_nulls(document.data)
        api_version, kind = data["apiVersion"], data["kind"]
        wrong: dict[Violation, list[str]] = defaultdict(list)
        for version, store in stores.items():
            schema = store.for_manifest(api_version, kind)
            if schema is None:
                self.skipped[id(document)] = (
                    f"there is no schema for {kind} of {api_version}: keep its CustomResourceDefinition in the "
                    "repository, or name one with --schema-location"
                )
                return
            for violation in schema.violations(data):
                wrong[violation].append(version)
        rule = builtin.ARGOCD_SCHEMA if api_version.startswith(ARGO) else builtin.KUBERNETES_SCHEMA
        for violation, versions in wrong.items():
            suffix = "" if len(versions) == len(stores) else f" (Kubernetes {', '.join(versions)})"
            self._add_violations(rule, document, [replace(violation, message=violation.message + suffix)])
        named = {violation.at for violation in wrong}
        values = [each for each in kubernetes_values.violations(data) if each.at not in named]
        self._add_violations(builtin.KUBERNETES_VALUE, document, values)

    def _add_defect(self, defect: Defect, documents: Iterable[tuple[Document, Role]]) -> None:
        if defect.kind in builtin.NOT_JUDGED:
            for document, _ in documents:
                if document.index == defect.document:
                    self.skipped[id(document)] = defect.message
            if defect.document is None:
                self.outcomes.append(Outcome(defect.path, Status.SKIPPED, defect.message))
            return
        affected = next((document for document, _ in documents if document.index == defect.document), None)
        self._add(
            builtin.DEFECTS[defect.kind],
            Problem(defect.message, hint=defect.hint),
            path=defect.path,
            line=defect.line,
            document=affected,
        )
        if affected is None:
            self.outcomes.append(Outcome(defect.path, Status.FAILED))

    # Applications

    def _view(self, inventory: Inventory, configured: Configuration) -> tuple[View, Mapping[int, str]]:
        documents = inventory.manifests
        view = View(
            root=self.root,
            documents=documents,
            urls=configured.urls,
            revisions=configured.revisions,
            overlaid=frozenset(
                path.relative_to(self.root).as_posix() for path in inventory.inputs if path.is_relative_to(self.root)
            ),
            projects={_name(document): document for document in documents if _is_argo(document, "AppProject")},
            environments=_environments(inventory),
        )
        applications = [_written(document) for document in documents if _is_argo(document, "Application")]
        files = RepositoryFiles(self.root, inventory.files, lambda url: is_here(url, view))
        unknown: dict[int, str] = {}
        for document in documents:
            if not _is_argo(document, "ApplicationSet"):
                continue
            expansion = self._expand(document, files)
            applications += [builtin.named(application) for application in expansion.applications]
            if expansion.skipped:
                unknown[id(document)] = expansion.skipped
        return replace(view, applications=applications), unknown

    def _expand(self, document: Document, files: RepositoryFiles) -> Expansion:
        expansion = expand(document, files, self._helm)
        for flaw, problem in expansion.problems:
            self._add(builtin.FLAWS[flaw], problem, document=document)
        return expansion

    # Renders

    def _judge_render(self, render: Render, stores: Mapping[str, SchemaStore]) -> None:
        of = render.application
        for fault in render.faults:
            rule = builtin.HELM_RENDER if render.source.kind is Kind.HELM else builtin.KUSTOMIZE_BUILD
            self._add_fault(rule, fault, render)
        for defect in render.defects:
            self._add(
                builtin.RENDERED_YAML, Problem(defect.message, hint=defect.hint), path=defect.path, application=of
            )
        for remark in render.remarks:
            self._add(builtin.RENDER_DIFFERS, Problem(remark), path=render.path, application=of)
        if not render.written:
            for document in render.documents:
                if isinstance(document.data, dict) and "apiVersion" in document.data and "kind" in document.data:
                    self._judge_manifest(document, stores)
                else:
                    problem = Problem("What is rendered is no manifest: it has no apiVersion and kind.")
                    self._add(builtin.RENDERED_YAML, problem, document=document)

    def _add_fault(self, rule: Rule, fault: Fault, render: Render) -> None:
        path = render.path
        if fault.path is not None and fault.path.is_relative_to(self.root):
            path = fault.path.relative_to(self.root).as_posix()
        elif fault.path is not None and not fault.path.is_absolute():
            path = f"{render.path}/{fault.path.as_posix()}"
        problem = Problem(fault.message, hint=fault.hint)
        self._add(rule, problem, path=path, line=fault.line, application=render.application)

    def _judge_charts(self, inventory: Inventory, renders: rendering.Renders) -> frozenset[Path]:
        """Lint each chart, with the values of an Application that renders it; return the charts that were linted."""
        values: dict[Path, Mapping[str, Any]] = {}
        for render in renders.all:
            if render.release is not None and render.release.chart not in values:
                values[render.release.chart] = values_of(render.release)
        nested = [chart for chart in inventory.charts if "charts" not in _above(chart, inventory.charts)]
        for chart in nested:
            folder = chart.relative_to(self.root).as_posix()
            try:
                messages = self._helm.lint(chart, values.get(chart, {}))
            except RenderError as error:
                messages = []
                for fault in error.faults:
                    problem = Problem(fault.message, hint=fault.hint)
                    self._add(builtin.HELM_LINT, problem, path=f"{folder}/Chart.yaml")
            for message in messages:
                rule = builtin.HELM_LINT if message.severity == "error" else builtin.HELM_ADVICE
                if message.severity != "info":
                    path = f"{folder}/{message.path}" if (chart / message.path).is_file() else f"{folder}/Chart.yaml"
                    self._add(rule, Problem(message.text), path=path)
        return frozenset(nested)

    # Rules

    def _apply_rules(self, view: View, renders: Sequence[Render]) -> None:
        scoped: dict[Scope, list[Rule]] = defaultdict(list)
        for rule in RULES.values():
            scoped[rule.scope].append(rule)
        made = [document for render in renders if not render.written for document in render.documents]
        for document in (*view.documents, *made):
            if isinstance(document.data, dict):
                for rule in scoped[Scope.DOCUMENT]:
                    for problem in _checked(rule)(document, view):
                        self._add(rule, problem, document=document)
        for application in view.applications:
            for rule in scoped[Scope.APPLICATION]:
                for problem in _checked(rule)(application, view):
                    self._add(rule, problem, document=application.document, application=application)
        for rule in scoped[Scope.REPOSITORY]:
            for problem in _checked(rule)(view):
                self._add(rule, problem, document=problem.document)

    # Findings

    def _add_violations(self, rule: Rule, document: Document, violations: Sequence[Violation]) -> None:
        for violation in violations:
            self._add(rule, Problem(violation.message, violation.at, violation.hint), document=document)

    def _add(
        self,
        rule: Rule,
        problem: Problem,
        *,
        document: Document | None = None,
        path: str = "",
        line: int | None = None,
        application: ArgoApplication | None = None,
    ) -> None:
        about = problem.document or document
        finding = Finding(
            rule=rule.id,
            severity=rule.severity,
            message=problem.message,
            path=path or (about.path if about else "."),
            line=line if line is not None or path or about is None else about.line_of(problem.at),
            hint=problem.hint,
            application=application.application if application else about.application if about else "",
            environment=application.environment if application else about.environment if about else "",
            resource=resource(about) if about else "",
        )
        self.found.append(_Found(finding, about))

    def _unsuppressed(self, inventory: Inventory, configured: Configuration) -> list[_Found]:
        """Drop the findings that the repository asks to ignore, and find requests that ask in vain."""
        comments = {entry.file.path: suppressions(entry.parsed.text) for entry in inventory.entries}
        for path, each in ((path, each) for path, several in comments.items() for each in several):
            unknown = [rule for rule in each.rules if rule not in RULES]
            for problem in builtin.suppression_problems(each.rules, unknown, each.reason):
                self._add(builtin.SUPPRESSION, problem, path=path, line=each.line)
        for exemption in configured.exemptions:
            unknown = [] if exemption.rule in RULES else [exemption.rule]
            for problem in builtin.suppression_problems((exemption.rule,), unknown, exemption.reason):
                self._add(builtin.SUPPRESSION, problem, path=layout.CONFIGURATION)

        def is_ignored(finding: Finding) -> bool:
            return any(each.covers(finding.rule, finding.path) for each in configured.exemptions) or any(
                finding.rule in each.rules
                and each.reason
                and (each.whole_file or finding.line is None or finding.line in {each.line, each.covers})
                for each in comments.get(finding.path, ())
            )

        return [each for each in self.found if each.finding.rule == "suppression" or not is_ignored(each.finding)]

    def _chosen(self, found: Sequence[_Found], outcomes: Sequence[Outcome], renders: rendering.Renders) -> Report:
        """Make the report, of the files and folders that were asked for."""
        wanted = [_relative(path, self.root) for path in self.options.paths]

        def is_wanted(path: str) -> bool:
            return not wanted or any(each == "." or path == each or path.startswith(f"{each}/") for each in wanted)

        findings = {each.finding: None for each in found if is_wanted(each.finding.path)}
        made = sum(
            not render.written and not render.skipped and is_wanted(render.path)
            for render in renders.all
            if render.source.kind in {Kind.HELM, Kind.KUSTOMIZE}
        )
        return Report(
            findings=sorted(findings, key=lambda each: (each.path, each.line or 0, each.rule, each.environment)),
            outcomes=[outcome for outcome in outcomes if is_wanted(outcome.path)],
            renders=made,
        )


@dataclass
class _Outcomes:
    """What became of each document: nothing is left out."""

    validation: _Validation
    inventory: Inventory
    findings: Sequence[_Found]
    renders: rendering.Renders
    charts: frozenset[Path]
    sets: Mapping[int, str]

    def __post_init__(self) -> None:
        errors = [each for each in self.findings if each.finding.severity == "error"]
        self.failed = {id(each.document) for each in errors if each.document is not None}
        self.failed_paths = {each.finding.path for each in errors}

    def all(self) -> list[Outcome]:
        """Return an outcome for each document, written and rendered, and for each source that was not rendered."""
        suppressed = {each.finding.path for each in self.validation.found} - self.failed_paths
        listed = [
            outcome
            for outcome in self.validation.outcomes
            if outcome.status is not Status.FAILED or outcome.path not in suppressed
        ]
        for entry in self.inventory.entries:
            listed += self._of_file(entry)
        for render in self.renders.all:
            listed += self._of_render(render)
        return listed

    def _of_file(self, entry: Entry) -> Iterator[Outcome]:
        path = entry.file.path
        if entry.chart is not None:
            failed = path in self.failed_paths
            if entry.documents or not entry.parsed.defects:
                yield Outcome(path, Status.FAILED if failed else Status.PASSED)
            return
        for document, role in entry.documents:
            reason = self.validation.skipped.get(id(document), "") or self.sets.get(id(document), "")
            if role is Role.OTHER and reason and self._is_used(entry):
                reason = ""
            if role is Role.KUSTOMIZE_INPUT:
                reason = self._unbuilt(entry.file.location.resolve())
            if id(document) in self.failed or (role is not Role.MANIFEST and path in self.failed_paths):
                yield Outcome(path, Status.FAILED)
            else:
                yield Outcome(path, Status.SKIPPED if reason else Status.PASSED, reason)

    def _is_used(self, entry: Entry) -> bool:
        """Tell whether a render read the file as its values."""
        location = entry.file.location.resolve()
        return location in self._values

    @property
    def _values(self) -> frozenset[Path]:
        if not hasattr(self, "_read"):
            self._read = frozenset(
                file.resolve()
                for render in self.renders.all
                if not render.skipped
                for file in render.source.value_files
            )
        return self._read

    def _unbuilt(self, location: Path) -> str:
        """Return why no build judged a Kustomize input, or nothing."""
        folders = self.inventory.inputs.get(location, ())
        skipped = {render.source.folder: render.skipped for render in self.renders.all if render.skipped}
        reasons = [skipped[folder] for folder in folders if folder in skipped]
        return reasons[0] if folders and len(reasons) == len(folders) else ""

    def _of_render(self, render: Render) -> Iterator[Outcome]:
        application = render.application.application if render.application else ""
        environment = render.application.environment if render.application else ""
        if render.skipped:
            path = render.path if render.source.folder or not render.application else render.application.document.path
            yield Outcome(path, Status.SKIPPED, render.skipped, application, environment)
        if render.faults:
            yield Outcome(render.path, Status.FAILED, "", application, environment)
        for document in () if render.written else render.documents:
            reason = self.validation.skipped.get(id(document), "")
            status = Status.FAILED if id(document) in self.failed else Status.SKIPPED if reason else Status.PASSED
            yield Outcome(document.path, status, reason, application, environment)


def _checked(rule: Rule) -> Callable[..., Iterator[Problem]]:
    if rule.check is None:
        raise TypeError(f"the rule {rule.id} has no function")
    return rule.check


def _by_application(renders: Sequence[Render]) -> dict[str, Sequence[Document]]:
    made: dict[str, list[Document]] = defaultdict(list)
    for render in renders:
        if render.application is not None:
            made[key(render.application)] += render.documents
    return dict(made)


def _is_argo(document: Document, kind: str) -> bool:
    return document.data["kind"] == kind and document.data["apiVersion"].startswith(ARGO)


def _name(document: Document) -> str:
    metadata = document.data.get("metadata")
    return str(metadata.get("name", "")) if isinstance(metadata, dict) else ""


def _written(document: Document) -> ArgoApplication:
    return builtin.named(ArgoApplication(without_nulls(document.data), document))


def _environments(inventory: Inventory) -> dict[str, Document]:
    found = {}
    for entry in inventory.entries:
        parts = PurePosixPath(entry.file.path).parts
        if len(parts) == 3 and parts[0] == layout.ENVIRONMENTS and parts[2] == layout.ENVIRONMENT_SETTINGS:
            for document, _ in entry.documents[:1]:
                found[parts[1]] = document
    return found


def _above(chart: Path, charts: Sequence[Path]) -> tuple[str, ...]:
    """Return the folders between a chart and the chart that it lies in, if it lies in one."""
    parents = [each for each in charts if each != chart and chart.is_relative_to(each)]
    return chart.relative_to(parents[0]).parts if parents else ()


def _relative(path: Path, root: Path) -> str:
    resolved = path.resolve()
    return resolved.relative_to(root).as_posix() if resolved.is_relative_to(root) else str(resolved)


