"""Validate a repository: files -> documents -> Applications -> renders -> findings."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from argosy import temporary
from argosy.argocd import configuration, deployments, former, rendering
from argosy.argocd.applicationsets import Flaw
from argosy.argocd.configuration import Configuration
from argosy.argocd.declared import Given
from argosy.argocd.deployed import write
from argosy.argocd.deployments import Deployments
from argosy.argocd.inventory import Entry, Inventory, Role, is_answers, reached_by
from argosy.argocd.reach import is_within
from argosy.argocd.rendering import Progress, Render, silent
from argosy.argocd.sources import Kind
from argosy.argocd.view import ArgoApplication, View
from argosy.documents import (
    Defect,
    DefectKind,
    Document,
    Pointer,
    encrypted,
    fields,
    is_manifest,
    resource,
    suppressions,
    together,
    vault,
)
from argosy.documents.defects import NOT_JUDGED
from argosy.documents.fields import JSON, group_and_kind
from argosy.documents.lines import shortened
from argosy.engines import Engine
from argosy.errors import UsageError
from argosy.findings import Finding, Outcome, Place, Problem, Report, Severity
from argosy.git.snapshot import Snapshot
from argosy.helm import Fault, Helm, Message, OfflineError, Release, RenderError, lintable
from argosy.kubernetes import api_server
from argosy.kubernetes.custom_rules import CustomRules, Unknown
from argosy.paths import holds, told_from, unchanged
from argosy.repository import layout
from argosy.rules import (
    admission,
    applicationset,
    components,
    files,
    images,
    manifests,
    placeholders,
    policies,
)
from argosy.rules.registry import POLICY, RULES, Rule, Scope, known
from argosy.rules.secrets import CREDENTIAL, SECRET, credentials, leaked
from argosy.schemas.builtin_kinds import BUILT_IN_GROUPS
from argosy.schemas.files import declared, file_schema, has_comments
from argosy.schemas.locations import SchemaLocation
from argosy.schemas.schema import Schema
from argosy.schemas.store import Definition, SchemaStore, without_nulls
from argosy.schemas.violations import Violation, as_written
from argosy.validation import baseline, changed
from argosy.validation.baseline import Baseline, Key
from argosy.validation.causes import Found, Origins, cause_of, with_echoes
from argosy.validation.changed import Change
from argosy.validation.judged import Judged
from argosy.validation.outcomes import Outcomes, Selection, identity
from argosy.validation.parts import Part, of_application, of_file, of_render, of_rule

if TYPE_CHECKING:
    from argosy.kubernetes.dry_run import Server

ARGO = deployments.ARGO


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to validate."""

    paths: Sequence[Path] = ()
    """The files and folders to report on, and what is rendered from them; empty: all."""
    kubernetes_versions: Sequence[str] = ()
    """Empty: what the repository says."""
    schema_locations: Sequence[str] = ()
    unreached: bool = False
    """Whether to check what nothing leads to, as well."""
    changed: frozenset[str] = frozenset()
    """The files that changed since all was valid: only what they reach is checked. Empty: everything is."""
    progress: Progress = silent
    part: Part = field(default_factory=Part)
    """What is judged: all, or a shard of it."""
    since: Change | None = None
    """Since when: only what changed, and what that can reach, is judged."""
    baseline: Baseline | None = None
    """What does not count, since it is known."""
    server: Server | None = None
    """The API server that is asked as well, by its dry run."""
    environments: Sequence[str] = ()
    """Whose Applications it is asked about; empty: all that may be deployed to its cluster."""
    repository: Path | None = None
    """The repository that the files are a state of, where they were written elsewhere: its branches are what counts."""


def validate(root: Path, options: Options | None = None) -> Report:
    """Check every YAML and JSON file below a root, and what its Applications render to."""
    chosen = options or Options()
    with unchanged():
        return check(look(root, chosen), chosen)


def of_state(state: Snapshot, options: Options | None = None) -> Report:
    """Check a state that no work tree holds; of the files that the options say have changed, what these reach."""
    chosen = options or Options()
    with temporary.folder("validate") as folder:
        write(folder, *state.measured(reached_by(chosen.changed)))
        found = replace(chosen, repository=state.root, baseline=baseline.find(folder))
        return validate(folder, found)


def look(root: Path, options: Options) -> Deployments:
    """Find and render what is to be checked."""
    root = root.resolve()
    configured = configuration.load(root, options.repository)
    # Report an unknown version or location before anything takes time.
    _stores(root, configured, options, ())
    # Who names a place asks about it, whatever leads there; who names the root asks about the repository.
    named = options.paths and root not in {path.resolve() for path in options.paths}
    is_whole = bool(options.unreached or named or options.changed)
    wanted = reached_by(options.changed)
    if options.kubernetes_versions:
        configured = replace(configured, kubernetes_versions=tuple(options.kubernetes_versions))
    return deployments.find(root, configured, wanted, options.progress, is_whole=is_whole)


def check(deployed: Deployments, options: Options) -> Report:
    """Check what was found."""
    with unchanged():
        validation = _Validation(deployed, options)
        validation.judge()
        return validation.judged(options.baseline).report()


def renew(root: Path, options: Options) -> tuple[Report, Baseline]:
    """Check a repository, and return the report by the baseline that it has from now on, and that baseline."""
    if options.baseline is None:
        raise ValueError("there is no baseline to renew")
    with unchanged():
        validation = _Validation(look(root, options), options)
        validation.judge()
        baseline = options.baseline.renewed(validation.settled, validation.is_judged)
        return validation.judged(baseline).report(), baseline


def _stores(
    root: Path, configured: Configuration, options: Options, crds: Sequence[Mapping[str, Any]], argocd: str = ""
) -> Mapping[str, SchemaStore]:
    versions = options.kubernetes_versions or configured.kubernetes_versions
    try:
        own = [SchemaLocation.parse(each, root) for each in configured.schema_locations]
        locations: list[str | SchemaLocation] = [*options.schema_locations, *own]
        stores = [SchemaStore(version, locations, crds, argocd) for version in versions]
    except UsageError as error:
        if options.kubernetes_versions or options.schema_locations:
            raise
        where = f"It is set in {layout.CONFIGURATION} or {layout.ANSWERS}."
        raise UsageError(error.message, f"{error.hint} {where}") from error
    return {store.kubernetes_version: store for store in stores}


def _oldest(versions: Iterable[str]) -> str:
    return min(versions, key=_in_order)


def _newest(versions: Iterable[str]) -> str:
    return max(versions, key=_in_order)


def _in_order(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _with_credentials(entries: Sequence[Entry]) -> Iterator[tuple[Entry, Sequence[tuple[int, str]]]]:
    """Yield files, each with the line and the kind of what looks like a credential in it."""
    for near in together(entries, lambda entry: entry.file.path):
        yield from zip(near, credentials([each.parsed.text for each in near]), strict=True)


_LONGEST = 4000
"""How many characters of a message are told: it may quote a name of megabytes, once in each finding."""


@dataclass
class _Validation:
    deployed: Deployments
    options: Options
    found: list[Found] = field(default_factory=list)
    skipped: dict[Hashable, str] = field(default_factory=dict)
    """Why a document was not checked, by its identity; by its path for a file without documents."""
    render_of: dict[Document, Render] = field(default_factory=dict)
    """What a rendered document came from."""
    written: set[tuple[Document, str, Pointer, str]] = field(default_factory=set)
    """What is found in written documents: document, rule, field and message."""
    custom_rules: dict[Definition, CustomRules] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()
    """The files that nothing leads to."""
    notes: Sequence[str] = ()
    """What is told of what a cluster was asked."""
    needed: frozenset[str] = frozenset()
    """The files that are judged, be it for what builds make of them."""

    @cached_property
    def deployed_as_is(self) -> frozenset[Hashable]:
        """The documents that Applications deploy, by their identity: what is not filled in there is deployed so."""
        made = (each for render in self.deployed.renders if render.application for each in render.documents)
        return frozenset(map(identity, made))

    @property
    def root(self) -> Path:
        """The root of what is checked."""
        return self.deployed.view.root

    @cached_property
    def part(self) -> Part:
        """What is judged."""
        since = self.options.since
        return changed.reached(self.deployed, since) if since else self.options.part

    def judge(self) -> None:
        """Find what is wrong."""
        from argosy.rules import catalogue  # noqa: PLC0415 - registers the rules

        catalogue.extend()
        deployed, inventory = self.deployed, self.deployed.inventory
        self.origins = Origins(inventory)
        self.render_of = {
            document: render for render in deployed.renders if not render.written for document in render.documents
        }
        definitions = _definitions(inventory, deployed.renders)
        stores = _stores(self.root, deployed.configured, self.options, definitions, deployed.view.argocd)
        with self._linting(inventory, deployed.renders, deployed.helm) as linted:
            self._check_files(inventory, stores)
            for folder in inventory.inner:
                self._add(files.INNER_REPOSITORY, files.inner_repository(folder, self.root), path=folder)
            self._check_catalogue(inventory)
            for flaw, problem, document in deployed.problems:
                # Where a part of the repository is checked, a generator may find nothing in it.
                if flaw is not Flaw.EMPTY or not self.options.changed:
                    self._add(applicationset.FLAWS[flaw], problem, document=document)
            self.skipped |= {identity(document): reason for document, reason in deployed.unknown}
            for document in deployed.view.patches:
                self._check_manifest(document, stores, partly=True)
            for render in deployed.renders:
                if self.part.has(of_render(render)):
                    self._check_render(render, stores)
            self._check_roots(inventory, stores)
            self._check_versions(inventory)
            place = deployed.configured.root
            view = (
                replace(deployed.view, former=cache(partial(former.rendered, place, deployed.view)))
                if place
                else deployed.view
            )
            self._apply_rules(view, deployed.renders)
            self._add_linted(inventory, linted())
        if self.options.server:
            self._ask(self.options.server)
        for policy, reason in (*admission.not_judged(view), *policies.not_judged(view)):
            self.skipped.setdefault(identity(policy), reason)

    def _ask(self, server: Server) -> None:
        """Have an API server judge what is deployed to its cluster, and tell what argosy has not found by itself."""
        from argosy.validation.asked import Answers  # noqa: PLC0415 - sockets and TLS take a tenth of a second to import

        deployed = self.deployed
        answers = Answers(
            server, deployed, _definitions(deployed.inventory, deployed.renders), self.options.environments
        )
        known: dict[Hashable, list[Pointer]] = defaultdict(list)
        for each in self.found:
            if each.document and each.finding.rule in _OF_SCHEMAS and each.finding.severity is Severity.ERROR:
                known[identity(each.document)].append(each.at)
        for document, problem in answers.problems():
            # Of one mistake, the server may name the field, one above or below it, or none.
            if not any(_is_above(one, problem.at) or _is_above(problem.at, one) for one in known[identity(document)]):
                self._add(manifests.SERVER_REFUSED, problem, document=document)
        self.notes = answers.notes

    # Files

    def _check_files(self, inventory: Inventory, stores: Mapping[str, SchemaStore]) -> None:
        judged = [each for each in inventory.entries if self.deployed.reach.judges(each.file.path)]
        # What is wrong with a file explains what engines say of it, and what with a base what is wrong with its builds.
        for entry in judged:
            self._check_text(entry)
        inputs = {each.file.path for each in judged if each.documents and each.file.real in inventory.inputs}
        self.needed = frozenset(each.file.path for each in judged if self.has(each.file.path)) | inputs
        for entry in judged:
            if entry.file.path in self.needed and not layout.is_vendored(entry.file.path):
                self._check_file(entry, stores)
        for entry, found in _with_credentials([each for each in judged if self.has(each.file.path)]):
            if not layout.is_vendored(entry.file.path):
                self._check_credentials(entry, found)
        self.left_out = frozenset(inventory.files) - {each.file.path for each in judged}
        # A leak is one in Git, whoever reads the file; a vendor's chart is full of examples.
        unread = [each for each in inventory.entries if each.file.path in self.left_out and not each.chart]
        for entry, found in _with_credentials([each for each in unread if self.has(each.file.path)]):
            self._check_credentials(entry, found)
            for document in (document for document, _ in entry.documents if is_manifest(document.data)):
                for problem in leaked(document, self.deployed.view):
                    self._add(RULES[SECRET], problem, document=document)

    def has(self, path: str) -> bool:
        """Return whether a file is in the part that is judged."""
        return self.part.has(of_file(path))

    def _check_text(self, entry: Entry) -> None:
        # Only their vendor can fix vendored files: what they render to is checked.
        vendored = layout.is_vendored(entry.file.path)
        for defect in entry.parsed.defects:
            if not vendored or defect.kind is DefectKind.SYMLINK:
                self._add_defect(defect, entry)

    def _check_file(self, entry: Entry, stores: Mapping[str, SchemaStore]) -> None:
        for document, role in entry.documents:
            for problem in placeholders.problems(document):
                self._add(placeholders.PLACEHOLDER, problem, document=document)
            if role is Role.MANIFEST:
                if self.deployed.reach.is_readable(document.path):
                    self._check_manifest(document, stores)
                continue
            known = _file_schema(document, self.deployed.inventory.root)
            if known is not None:
                violations = as_written(known.violations(without_nulls(document.data)), document)
                self._add_violations(files.FILE_SCHEMA, document, violations)
            elif role is Role.OTHER and not self._is_setting(document.path):
                reason = "it is not a Kubernetes manifest, and its schema is unknown"
                self.skipped.setdefault(identity(document), reason)

        if entry.file.path in self.deployed.reach.applied:
            for document, problem in files.not_manifests(entry.parsed):
                self._add(files.DIRECTORY_DOCUMENT, problem, document=document)

    def _check_credentials(self, entry: Entry, found: Sequence[tuple[int, str]]) -> None:
        for line, kind in found:
            self._add(
                CREDENTIAL,
                Problem(
                    f"This looks like a credential: {kind}.",
                    hint="Remove and rotate it, and keep it in a secret store. If it is not a credential, add the "
                    "comment # argosy: ignore[credential-in-git] reason.",
                ),
                path=entry.file.path,
                line=line,
            )

    def _is_setting(self, path: str) -> bool:
        """Return whether a file is the baseline, or one that `.argosy.yaml` takes a list from."""
        is_baseline = self.options.baseline is not None and path == self.options.baseline.path
        return is_baseline or any(path == each.path for each in self.deployed.configured.declared.all)

    def _check_versions(self, inventory: Inventory) -> None:
        """Check the versions in what Helm reads as values: files of charts and of Applications, and Applications."""
        read = {file for render in self.deployed.renders for file in render.source.values}
        read |= {(chart / "values.yaml").resolve() for chart in inventory.outermost_charts}
        for entry in inventory.entries:
            values = [document for document, role in entry.documents if role in {Role.CHART, Role.OTHER}]
            for document in values if values and entry.file.real in read and self.has(entry.file.path) else ():
                for problem in images.unquoted_versions(document):
                    self._add(images.VERSION_UNQUOTED, problem, document=document)
        for application in self.deployed.view.applications:
            for problem in images.of_application(application):
                self._add(images.VERSION_UNQUOTED, problem, document=application.document, application=application)

    def _check_catalogue(self, inventory: Inventory) -> None:
        if not any(layout.is_catalogue(path) for path in inventory.files):
            return
        from argosy.catalogue import catalogue  # noqa: PLC0415

        for each in catalogue.mistakes(self.root):
            self._add(components.CATALOGUE_ENTRY, Problem(each.message, hint=each.hint), path=each.path, line=each.line)

    def _check_manifest(self, document: Document, stores: Mapping[str, SchemaStore], *, partly: bool = False) -> None:
        """Check a manifest by the schemas of its kind; of a patch, which is a part of it, what it contains."""
        data = without_nulls(_without_directives(document.data) if partly else document.data)
        api_version, kind = data["apiVersion"], data["kind"]
        wrong: dict[Violation, list[str]] = defaultdict(list)
        for version, store in stores.items():
            schema = store.for_manifest(api_version, kind)
            if schema is None:
                self.skipped[identity(document)] = (
                    f"there is no schema for {kind} of {api_version}: add its CustomResourceDefinition to the "
                    "repository, or pass --schema-location"
                )
                return
            for violation in as_written(schema.violations(data), document):
                if not (partly and violation.is_missing):
                    wrong[violation].append(version)
        rule = manifests.ARGOCD_SCHEMA if api_version.startswith(ARGO) else manifests.KUBERNETES_SCHEMA
        for violation, versions in wrong.items():
            suffix = f" (Kubernetes {', '.join(versions)})" if len(stores) > 1 else ""
            self._add_violations(rule, document, [replace(violation, message=violation.message + suffix)])
        for version in stores if api_version.partition("/")[0] in BUILT_IN_GROUPS else ():
            if deprecated := manifests.deprecated(version, api_version, kind):
                self._add(manifests.API_DEPRECATED, deprecated, document=document)
                break
        for store in stores.values():
            ends = [each.ends() for each in store.definitions(api_version, kind)]
            if ends and (end := ends[0]) and all(ends):
                problem = manifests.deprecated_resource(api_version, kind, end)
                self._add(manifests.API_DEPRECATED, problem, document=document)
                break
        named = {violation.at for violation in wrong}
        # What Kubernetes asks beyond the schemas is about whole objects.
        found = () if partly else api_server.violations(data, _oldest(stores))
        values = [each for each in found if each.at not in named]
        self._add_violations(manifests.KUBERNETES_VALUE, document, values)
        if not (partly or wrong):
            self._check_custom_rules(document, data, next(iter(stores.values())))

    def _check_custom_rules(self, document: Document, data: JSON, store: SchemaStore) -> None:
        """Check an object by the rules in CEL of its definition, of several by those that it fits best."""
        judged = []
        for definition in store.definitions(data["apiVersion"], data["kind"]):
            rules = self.custom_rules.setdefault(definition, CustomRules(definition))
            found = list(rules.judge(data))
            violations = [each for each in found if isinstance(each, Violation)]
            judged.append((violations, [each.reason for each in found if isinstance(each, Unknown)]))
        violations, unknown = min(judged, key=lambda each: len(each[0]), default=([], []))
        self._add_violations(manifests.CUSTOM_RULE, document, as_written(violations, document))
        if unknown:
            reason = f"a rule in CEL of its CustomResourceDefinition is not judged: {unknown[0]}"
            self.skipped.setdefault(identity(document), reason)

    def _add_defect(self, defect: Defect, entry: Entry) -> None:
        affected = next((document for document, _ in entry.documents if document.index == defect.document), None)
        if defect.kind is DefectKind.HELM_TEMPLATE and self.deployed.reach.applies(entry):
            problem = Problem("Argo CD applies this file as it is, and it is a template.", hint=files.TEMPLATE_HINT)
            self._add(files.TEMPLATE_APPLIED, problem, path=defect.path, line=defect.line)
            return
        is_syntax = defect.kind in _OF_SYNTAX and not self.deployed.reach.applies(entry)
        if is_syntax and entry.file.real in self.deployed.inventory.contents:
            self.skipped[identity(affected) if affected else defect.path] = _CONTENT
            return
        commented = defect.kind is DefectKind.JSON_SYNTAX and has_comments(defect.path)
        if commented or defect.kind in NOT_JUDGED:
            reason = "it is JSON with comments, for a tool that reads it so" if commented else defect.message
            self.skipped[identity(affected) if affected else defect.path] = reason
            return
        self._add(
            files.rule_of(defect, entry.file.location, self.root),
            Problem(defect.message, hint=defect.hint, severity=files.SEVERITIES.get(defect.kind)),
            path=defect.path,
            line=defect.line,
            document=affected,
        )

    def _check_roots(self, inventory: Inventory, stores: Mapping[str, SchemaStore]) -> None:
        found = inventory.at(self.root / layout.CONFIGURATION)
        for place, named in enumerate(self.deployed.configured.roots):
            if not any(is_within(path, named) for path in inventory.files):
                problem = Problem(f"“{named}” is no root: no YAML or JSON file is there.", ("roots", place))
                self._add(files.FILE_SCHEMA, problem, document=found[0])
        for chart, variants in self.deployed.configured.variants.items():
            for problem in self._wrong_variants(chart, variants):
                self._add(files.FILE_SCHEMA, problem, document=found[0])

        for given in self.deployed.configured.declared.all if found else ():
            self._check_declared(given, found[0])
        for at, message, hint in self.deployed.configured.policies.mistakes:
            self._add(files.FILE_SCHEMA, Problem(message, at, hint), document=found[0])
        for rule, problem in policies.flawed(self.deployed.configured.policies.all, _newest(stores)):
            self._add(rule, problem, document=problem.document)
        for problem in policies.unfitting(self.deployed.view, _newest(stores)) if found else ():
            self._add(files.FILE_SCHEMA, problem, document=problem.document or found[0])

    def _check_declared(self, given: Given, configuration: Document) -> None:
        """Check a list that `.argosy.yaml` takes from a file; one in it is checked with it."""
        known = ("clusters", "plugin", "scmProvider", "pullRequest", "clusterDecisionResource")
        if not given.path or given.schema not in known:
            return
        if given.document is None:
            hint = "Name a YAML or JSON file by its path from the repository's root."
            problem = Problem(f"There is nothing to read in “{given.path}”.", given.named, hint)
            self._add(files.FILE_SCHEMA, problem, document=configuration)
            return
        listed = fields.field(given.document.data, *given.prefix)
        for violation in as_written(declared(given.schema).violations(without_nulls(listed)), given.document):
            at = (*given.prefix, *violation.at)
            self._add_violations(files.FILE_SCHEMA, given.document, [replace(violation, at=at)])

    def _wrong_variants(self, chart: str, variants: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
        folder, at = self.root / chart, ("variants", chart)
        if folder not in self.deployed.inventory.charts:
            yield Problem(f"“{chart}” is no chart: there is no {chart}/Chart.yaml.", at)
            return
        for name, values in variants.items():
            for place, path in enumerate(values):
                if path not in self.deployed.inventory.files:
                    hint = "Name it by its path from the repository's root."
                    yield Problem(f"There is no values file “{path}”.", (*at, name, place), hint)
        renders = [each for each in self.deployed.renders if each.source.folder == folder]
        if user := next((each.application for each in renders if each.application), None):
            message = f"{user.name} renders the chart “{chart}”: its values count, and these variants do not."
            yield Problem(message, at, "Take them away.", severity=Severity.WARNING)

    # Renders

    def _check_render(self, render: Render, stores: Mapping[str, SchemaStore]) -> None:
        for fault in render.faults:
            rule = _ENGINES.get(render.source.kind, manifests.KUSTOMIZE_BUILD)
            self._add_fault(rule, fault, render)
        for defect in render.defects:
            problem = Problem(defect.message, hint=defect.hint)
            self._add(manifests.RENDERED_YAML, problem, path=defect.path, render=render)
        for remark in render.remarks:
            self._add(manifests.RENDER_DIFFERS, Problem(remark), path=render.path, render=render)
        for document in () if render.written else render.documents:
            if is_manifest(document.data):
                self._check_manifest(document, stores)
            else:
                problem = Problem("The output is not a manifest: it has no apiVersion and kind.")
                self._add(manifests.RENDERED_YAML, problem, document=document)

    def _add_fault(self, rule: Rule, fault: Fault, render: Render) -> None:
        path = render.path
        if fault.path is not None and fault.path.is_relative_to(self.root):
            path = fault.path.relative_to(self.root).as_posix()
        elif fault.path is not None and not fault.path.is_absolute():
            path = f"{render.path}/{fault.path.as_posix()}"
        # What Kustomize says of no file in particular, it says of each overlay of a base.
        message = told_from(self.root, fault.message)
        cause = message if rule is manifests.KUSTOMIZE_BUILD and fault.line is None else ""
        problem = Problem(message, hint=fault.hint, cause=cause)
        file = fault.about if fault.about and fault.about.is_relative_to(self.root) else None
        about = file.relative_to(self.root).as_posix() if file else ""
        self._add(rule, problem, path=path, line=fault.line, render=render, of=about)

    @contextmanager
    def _linting(
        self, inventory: Inventory, renders: Sequence[Render], helm: Helm
    ) -> Iterator[Callable[[], Iterable[tuple[Path, Sequence[Message]]]]]:
        """Lint each chart, with the values of an Application that renders it, while something else is judged."""
        releases: dict[Path, Release] = {}
        for render in renders:
            if render.release is not None:
                releases.setdefault(render.release.chart, render.release)

        def lint(chart: Path) -> list[Message]:
            release = releases.get(chart, Release(chart, chart.name, root=self.root))
            try:
                with lintable(release) as sound:
                    return helm.lint(sound)
            except OfflineError:
                return []  # The chart's render is skipped, and says why.
            except RenderError as error:
                return [Message("error", _within(fault, chart), fault.message) for fault in error.faults]

        altered = {above for path in self.options.changed for above in (self.root / path).parents}
        own = [each for each in inventory.outermost_charts if not layout.is_vendored(_path(each, self.root))]
        # What nothing can render, its renders say what is wrong with, or lacking.
        failed = {render.source.folder for render in renders if render.faults or render.skipped} - releases.keys()
        charts = [chart for chart in own if chart not in failed and (not altered or chart in altered)]
        charts = [chart for chart in charts if self.has(f"{_path(chart, self.root)}/Chart.yaml")]
        if not self.deployed.reach.is_whole:
            charts = [chart for chart in charts if chart in releases]
        with rendering.begun("Linting", lint, charts, self.options.progress) as finish:
            yield lambda: zip(charts, finish(), strict=True)

    def _add_linted(self, inventory: Inventory, linted: Iterable[tuple[Path, Sequence[Message]]]) -> None:
        for chart, messages in linted:
            folder = _path(chart, self.root)
            depends = bool(inventory.head(chart, "Chart.yaml").get("dependencies"))
            for message in messages:
                is_error = message.severity == "error" and not manifests.is_advice(message.text)
                rule = manifests.HELM_LINT if is_error else manifests.HELM_ADVICE
                # Argo CD does not lint: what it renders is judged by itself, and others' charts are as they are.
                severity = None if self.deployed.reach.is_whole else Severity.WARNING
                if message.severity != "info" and not (depends and manifests.is_of_dependencies(message.text)):
                    name, _, line = message.path.partition(":")
                    file = name if holds((chart / name).is_file) or (chart / name).is_symlink() else "Chart.yaml"
                    number = int(line) if line.isdecimal() and file == name else None
                    owner = of_file(f"{folder}/Chart.yaml")
                    problem = Problem(message.text, severity=severity)
                    self._add(rule, problem, path=f"{folder}/{file}", line=number, owner=owner)

    # Rules

    def _apply_rules(self, view: View, renders: Sequence[Render]) -> None:
        scoped: dict[Scope, list[Rule]] = defaultdict(list)
        for rule in RULES.values():
            scoped[rule.scope].append(rule)
        part = self.part
        own = [render for render in renders if not render.written and part.has(of_render(render))]
        made = [document for render in own for document in render.documents]
        # Rules may look for what a patch leaves out; of these two kinds, a part is a whole.
        data = [each for each in view.patches if each.data["kind"] in {"ConfigMap", "Secret"}]
        reach = self.deployed.reach
        written = [each for each in view.documents if each.path in self.needed and reach.is_readable(each.path)]
        for document in (*written, *made, *data):
            if is_manifest(document.data):
                for rule in scoped[Scope.DOCUMENT]:
                    for problem in _checked(rule)(document, view):
                        self._add(rule, problem, document=document)
        for application in view.applications:
            # Whichever of its files a problem is in, the part tells it that asks the Application.
            owner = self._owner_of(application.document)
            for rule in scoped[Scope.APPLICATION] if self._judges(application) else ():
                for problem in _checked(rule)(application, view):
                    self._add(rule, problem, document=application.document, application=application, owner=owner)
        self._judge_outlines([each for each in scoped[Scope.APPLICATION] if each.id in OF_TEMPLATES], view)
        for rule in (*scoped[Scope.REPOSITORY], *policies.rules_of(view.policies)):
            for problem in _checked(rule)(view) if part.has(of_rule(rule.id)) else ():
                self._add(rule, problem, document=problem.document, owner=of_rule(rule.id))

    def _judge_outlines(self, rules: Sequence[Rule], view: View) -> None:
        """Judge what is known of the Applications of which a generator's parameters are not known here."""
        told: set[tuple[str, Pointer, str]] = set()
        for outline in self.deployed.outlines:
            for rule in rules if self._judges(outline) else ():
                for problem in filter(partial(_is_known_in, outline, rule), _checked(rule)(outline, view)):
                    this = (rule.id, problem.at, problem.message)
                    if this not in told:
                        self._add(rule, problem, document=outline.document, owner=self._owner_of(outline.document))
                    told.add(this)

    # Findings

    def _add_violations(self, rule: Rule, document: Document, violations: Iterable[Violation]) -> None:
        for violation in violations:
            severity = Severity.WARNING if violation.is_accepted else None
            problem = Problem(violation.message, violation.at, violation.hint, severity=severity)
            self._add(rule, problem, document=document)

    @cached_property
    def _applied_literally(self) -> frozenset[Hashable]:
        """The documents of Applications that name Helm, Kustomize or a directory, so that no plugin is asked."""
        tools = (Kind.HELM, Kind.KUSTOMIZE, Kind.DIRECTORY)
        named = (
            each
            for each in self.deployed.renders
            if each.application and any(each.source.spec.get(kind.value) for kind in tools)
        )
        return frozenset(identity(document) for each in named for document in each.documents)

    def _made_within_argocd(self, problem: Problem, document: Document) -> str:
        """Return what makes a value within Argo CD that is wrong as it is written here; or nothing."""
        value = fields.field(document.data, *problem.at)
        if not problem.at or identity(document) in self._applied_literally:
            return ""
        if vault.holds(value, document.data):
            return "argocd-vault-plugin puts values of it in their place within Argo CD"
        if encrypted.has_sops(document.data) and (problem.at[0] == "sops" or encrypted.holds(value)):
            return "it is encrypted with SOPS, and decrypted within Argo CD"
        return ""

    def _unless_to_fill_in(self, rule: Rule, problem: Problem, document: Document) -> tuple[Rule, Problem]:
        """Return what is wrong, or only that somebody has to fill the value in before it is applied."""
        found = placeholders.to_fill_in(fields.field(document.data, *problem.at))
        # In an ApplicationSet, what looks so is a parameter.
        if not found or group_and_kind(document.data)[1] == "ApplicationSet":
            return rule, problem
        if identity(document) in self.deployed_as_is:
            return rule, problem
        return placeholders.PLACEHOLDER, replace(found, at=problem.at, document=problem.document)

    def _add(
        self,
        rule: Rule,
        problem: Problem,
        *,
        document: Document | None = None,
        path: str = "",
        line: int | None = None,
        application: ArgoApplication | None = None,
        render: Render | None = None,
        of: str = "",
        owner: str = "",
    ) -> None:
        about = problem.document or document
        if about and (reason := self._made_within_argocd(problem, about)):
            self.skipped.setdefault(identity(about), reason)
            return
        if about and problem.at and (problem.severity or rule.severity) is Severity.ERROR:
            rule, problem = self._unless_to_fill_in(rule, problem, about)
        if rule.id in FOR_AUTHORS and layout.is_vendored(path or (about.path if about else ".")):
            return
        render = render or (self.render_of.get(about) if about else None)
        application = application or (render.application if render else None)
        place = Place(
            path=path or (about.path if about else "."),
            line=line if line is not None or path or about is None else about.line_of(problem.at),
            application=application.application if application else about.application if about else "",
            environment=application.environment if application else about.environment if about else "",
            resource=shortened(resource(about), _LONGEST) if about else "",
        )
        message, hint = shortened(problem.message, _LONGEST), shortened(problem.hint, _LONGEST)
        finding = Finding(rule.id, problem.severity or rule.severity, message, place.path, hint=hint).at(place)
        if render is None and place.path in self.left_out and rule.id not in {CREDENTIAL.id, SECRET}:
            return
        if about is not None and render is None and application is None and self._is_part(about, rule):
            self.written.add((about, rule.id, problem.at, problem.message))
            return
        if about is not None and render is not None and not path:
            finding = self._at_its_origin(finding, about, render, problem)
        elif about is not None and problem.at:
            self.written.add((about, rule.id, problem.at, problem.message))
        why: Hashable = cause_of(finding, application)
        if problem.cause:
            # What several files of Jsonnet import is written once, in none of them.
            is_shared = not problem.in_file or (render is not None and bool(render.imported))
            why = (rule.id, problem.cause, *(() if is_shared else [finding.path]))
        owner = owner or (of_render(render) if render else of_file(place.path))
        is_own = self.part.has(owner)
        if rule.scope is Scope.REPOSITORY:
            compared = [about, *problem.among] if about and problem.among is not None else None
            is_own = is_own and self.part.compares(None if compared is None else [*map(self._owner_of, compared)])
        elif application is not None:
            is_own = self.part.judges(owner, of_application(application))
        self.found.append(Found(finding, why, about, render, of, problem.at, is_own=is_own))

    def _judges(self, application: ArgoApplication) -> bool:
        """Return whether an Application is in the part that is judged, or needed for it."""
        document = application.document
        return document.path in self.needed or self.part.judges(self._owner_of(document), of_application(application))

    def _owner_of(self, document: Document) -> str:
        render = self.render_of.get(document)
        return of_render(render) if render else of_file(document.path)

    def _is_part(self, document: Document, rule: Rule) -> bool:
        """Return whether what is wrong with a document counts only where a build gives it as well."""
        is_about_manifests = rule.scope is Scope.DOCUMENT or rule in _OF_MANIFESTS
        return is_about_manifests and not document.is_rendered and document.path in self.deployed.reach.through

    def _at_its_origin(self, finding: Finding, document: Document, render: Render, problem: Problem) -> Finding:
        """Return a finding of what Kustomize built at the file where it comes from, if the file has it so."""
        origin = self.origins.of(document, render, problem.at)
        if origin is None:
            return finding
        written, same = origin
        if not same and (written, finding.rule, problem.at, problem.message) not in self.written:
            return finding
        there = Place(written.path, written.line_of(problem.at), resource=resource(written))
        return replace(finding.at(there), also=finding.places)

    def _unsuppressed(self, inventory: Inventory, configured: Configuration) -> list[Found]:
        """Drop the findings that the repository ignores, and report invalid requests to ignore."""
        comments = {entry.file.path: suppressions(entry.parsed.text) for entry in inventory.entries}
        there = {*RULES, *(each.id for each in configured.policies.all)} - {POLICY}  # What it finds has ids of its own.
        for path, each in ((path, each) for path, several in comments.items() for each in several):
            unknown = [rule for rule in each.rules if rule not in there]
            for problem in files.suppression_problems(each.rules, unknown, each.reason):
                self._add(files.SUPPRESSION, problem, path=path, line=each.line)
        for exemption in configured.exemptions:
            unknown = [] if exemption.rule in there else [exemption.rule]
            for problem in files.suppression_problems((exemption.rule,), unknown, exemption.reason):
                self._add(files.SUPPRESSION, problem, path=layout.CONFIGURATION)

        def is_ignored(rule: str, place: Place) -> bool:
            return any(each.covers(rule, place.path) for each in configured.exemptions) or any(
                rule in each.rules
                and each.reason
                and (each.whole_file or place.line is None or place.line in {each.line, each.covers})
                for each in comments.get(place.path, ())
            )

        return [
            each
            for each in self.found
            if each.finding.rule == files.SUPPRESSION.id
            or not any(is_ignored(each.finding.rule, place) for place in each.finding.places)
        ]

    @cached_property
    def settled(self) -> Sequence[Found]:
        """What is found, without what the repository asks to ignore."""
        found = self._unsuppressed(self.deployed.inventory, self.deployed.configured)
        better = {(_rule(each.finding.rule).instead_of, *_field_of(each)) for each in found}
        return with_echoes([each for each in found if (each.finding.rule, *_field_of(each)) not in better])

    def is_judged(self, key: Key) -> bool:
        """Return whether what is known by a key would have been found, if it were still there."""
        rule = known(key.rule)
        if key.path in self.left_out or (rule is not None and rule.asks_cluster):
            return False
        failed = [each for each in self.deployed.renders if each.skipped or each.faults] if key.resource else []
        declared = [each.application.document for each in failed if each.application]
        if any(each.path == key.path and resource(each) == key.resource for each in declared):
            return True
        reading = Selection(self.root, [self.root / key.path], self.deployed.inventory, failed)
        return not any(reading.takes("", each) for each in failed)

    def judged(self, baseline: Baseline | None) -> Judged:
        """Return what was judged, of the files and folders that were asked for."""
        inventory, deployed, part = self.deployed.inventory, self.deployed, self.part
        renders, patches = deployed.renders, frozenset(map(identity, deployed.view.patches))
        selection = Selection(self.root, self.options.paths, inventory, renders)
        outcomes = Outcomes(inventory, renders, deployed.reach, self.settled, self.skipped, patches)
        known = set(inventory.files)
        fails: dict[int, list[int]] = defaultdict(list)
        judged: dict[int, Outcome] = {}
        for place, each in enumerate(outcomes.each()):
            path = each.outcome.path
            known.add(path)
            for error in each.errors:
                fails[id(error)].append(place)
            owner = of_render(each.render) if each.render else of_file(path)
            if part.has(owner) and selection.takes(path, each.render):
                judged[place] = each.outcome
        found = [
            replace(
                each,
                fails=tuple(fails[id(each)]),
                is_extra=each.finding.path not in known,
                is_own=selection.takes(each.finding.path, each.render),
            )
            for each in self.settled
            if each.is_own
        ]
        made = sum(
            not render.written
            and (not render.skipped or render.is_made)
            and part.has(of_render(render))
            and selection.takes(render.path, render)
            for render in renders
            if render.source.kind in _ENGINES or render.source.plugin
        )

        def is_told(path: str) -> bool:
            return self.has(path) and selection.takes(path)

        unreached = {place: each for place, each in enumerate(outcomes.unreached()) if is_told(each.path)}
        unrooted = [each.path for each in deployed.reach.roots if each.is_unrooted]
        is_all = baseline is not None and not self.options.changed and selection.takes(baseline.path)
        return Judged(
            state=self._state() if part.shard else "",
            found=found,
            outcomes=judged,
            renders=made,
            unreached=unreached,
            unrooted={place: path for place, path in enumerate(unrooted) if is_told(path)},
            baseline=baseline,
            seen=frozenset(filter(self.is_judged, baseline.entries)) if baseline and is_all else frozenset(),
            is_all=is_all and not part.title,
            title=part.title,
            notes=self.notes,
            shard=part.shard,
            engines=self.engines,
        )

    @property
    def engines(self) -> Sequence[Engine]:
        """What rendered anything."""
        kinds = {each.source.kind for each in self.deployed.renders}
        return self.deployed.view.engines.used(kinds)

    def _state(self) -> str:
        """Return a digest of all that is judged, and how."""
        chosen, digest = self.options, hashlib.sha256()
        how = (
            metadata.version("argosy"),
            chosen.kubernetes_versions,
            chosen.schema_locations,
            [each.facts for each in self.engines],
            chosen.unreached,
        )
        digest.update(repr(how).encode(errors="replace"))
        for entry in self.deployed.inventory.entries:
            digest.update(f"\0{entry.file.path}\0{entry.parsed.text}".encode(errors="surrogateescape"))
        return digest.hexdigest()


_OF_SYNTAX = frozenset(DefectKind) - {DefectKind.UNREADABLE, DefectKind.SYMLINK, DefectKind.TOO_LARGE}
_CONTENT = "it is put into a ConfigMap or Secret as it is"
"""Why what would be a mistake in a manifest is none."""


def _is_above(one: Pointer, other: Pointer) -> bool:
    return other[: len(one)] == one


def _field_of(found: Found) -> tuple[Hashable, Pointer]:
    return identity(found.document) if found.document else found.finding.path, found.at


_ENGINES = {
    Kind.HELM: manifests.HELM_RENDER,
    Kind.KUSTOMIZE: manifests.KUSTOMIZE_BUILD,
    Kind.JSONNET: manifests.JSONNET_EVALUATE,
}
"""What is wrong where one of the engines gives no manifests."""
_OF_MANIFESTS = (manifests.ARGOCD_SCHEMA, manifests.KUBERNETES_SCHEMA, manifests.KUBERNETES_VALUE)
_OF_SCHEMAS = frozenset({"crd-validation", *(each.id for each in _OF_MANIFESTS)})
"""The rules that say what the API server says."""
FOR_AUTHORS = frozenset({"missing-resources", "render-differs"})
"""The rules that only the author of a rendered chart can follow, not who vendors it."""


OF_TEMPLATES: Mapping[str, tuple[Pointer, ...]] = {
    "automated-empty": (),
    "chart-version-range": (),
    "chart-without-revision": (),
    "destination-ambiguous": (),
    "directory-swallows": (),
    "ignore-differences-incomplete": (),
    "label-invalid": (),
    "missing-value-files-ignored": (),
    "name-invalid": (),
    "namespace-metadata-ignored": (),
    "path-missing": (),
    "project-denies-destination": (("spec", "project"), ("spec", "destination")),
    "project-denies-source": (("spec", "project"),),
    "project-unknown": (),
    "ref-invalid": (),
    "repository-url-invalid": (),
    "retry-invalid": (),
    "same-repository-two-revisions": (("spec", "sources"),),
    "same-repository-twice": (("spec", "sources"),),
    "source-ignored": (),
    "source-kinds-mixed": (),
    "source-missing": (),
    "sync-option-unknown": (),
    "tool-version-invalid": (),
    "value-file-missing": (),
}
"""The rules that judge an Application by its own fields, each with those that it reads besides what it is about.

They judge the template of an ApplicationSet whose parameters are not known here, where none of these names one.
"""


def _is_known_in(outline: ArgoApplication, rule: Rule, problem: Problem) -> bool:
    """Return whether a problem is there whatever the parameters are that an outline lacks."""
    if problem.document not in {None, outline.document}:
        return False
    at = problem.at[len(outline.prefix) :]
    read = [at, *OF_TEMPLATES[rule.id]]
    for place, _ in outline.sources:
        # Whose file is missing, the repository and the folder of the source say.
        read += [(*place, "repoURL"), *([(*place, "path")] if at[: len(place)] == place else [])]
    if any("{{" in str(fields.field(outline.manifest, *each)) for each in read):
        return False
    patch = fields.text(fields.field(outline.document.data, "spec", "templatePatch"))
    keys = [re.escape(each) for each in at if isinstance(each, str) and each not in {"spec", "metadata"}]
    is_patched = all(re.search(rf"\b{each}:", patch) for each in keys)
    # What stands in place of a field's value may have any field.
    may_be_patched = any(re.search(rf"\b{each}:\s*\{{\{{", patch) for each in keys)
    return "{{" not in patch or not (is_patched or may_be_patched)


def _path(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix()


def _within(fault: Fault, chart: Path) -> str:
    """Return the file of a chart that a fault is about."""
    is_within = fault.path is not None and fault.path.is_relative_to(chart)
    return fault.path.relative_to(chart).as_posix() if fault.path and is_within else "Chart.yaml"


def _rule(id: str) -> Rule:
    rule = known(id)
    if rule is None:
        raise TypeError(f"there is no rule {id}")
    return rule


def _checked(rule: Rule) -> Callable[..., Iterator[Problem]]:
    if rule.check is None:
        raise TypeError(f"the rule {rule.id} has no function")
    return rule.check


def _without_directives(data: JSON) -> JSON:
    """Return a patch without what says how to patch, such as `$patch: delete`."""
    if isinstance(data, dict):
        return {key: _without_directives(value) for key, value in data.items() if not key.startswith("$")}
    return [_without_directives(each) for each in data] if isinstance(data, list) else data


def _definitions(inventory: Inventory, renders: Sequence[Render]) -> list[Mapping[str, Any]]:
    """Return the CustomResourceDefinitions of the repository: written, within charts, and rendered."""
    written = [document for entry in inventory.entries for document, role in entry.documents if role in _KINDS]
    made = [document for render in renders if not render.written for document in render.documents]
    return [
        document.data
        for document in (*written, *made)
        if is_manifest(document.data) and document.data["kind"] == "CustomResourceDefinition"
    ]


_KINDS = frozenset({Role.MANIFEST, Role.CHART})


def _file_schema(document: Document, root: Path) -> Schema | None:
    """Return the schema of a file that is no manifest; none where argosy's is somebody else's in that place."""
    is_foreign = (document.path == layout.ANSWERS and not is_answers(document)) or (
        document.path == layout.CLUSTERS and not holds((root / layout.ANSWERS).is_file)
    )
    return None if is_foreign else file_schema(document.path)
