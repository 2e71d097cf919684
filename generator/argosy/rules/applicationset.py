"""Rules of ApplicationSets: generators, templates, and settings that have no effect."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import yaml

from argosy.argocd.applicationsets import Flaw
from argosy.argocd.applicationsets.generators import KINDS
from argosy.argocd.matching import is_argocd
from argosy.argocd.view import CONFIG_MAPS, ArgoApplication, View, config_map_name
from argosy.documents import Document, Pointer
from argosy.documents.fields import JSON, field, mapping, sequence, text
from argosy.documents.plain import bounded
from argosy.documents.syntax import ACTIONS_ALONE, with_actions
from argosy.findings import Problem, Severity
from argosy.names import did_you_mean, joined, one_of
from argosy.rules.examples import APPLICATION_SET, CONFIG_MAP, TEMPLATE
from argosy.rules.registry import Rule, Scope, declare, rule
from argosy.schemas import argocd, bundled

_GO = "  goTemplate: true\n  goTemplateOptions: [missingkey=error]\n"
_LIST = "  generators: [{list: {elements: [{environment: dev}]}}]\n"
_SET = CONFIG_MAP + APPLICATION_SET + _GO
_MATRIX = """  generators:
    - matrix:
        generators:
          - list: {elements: [{environment: dev}]}
"""
_MERGE = """  generators:
    - merge:
        generators:
          - list: {elements: [{environment: dev}]}
          - list: {elements: [{environment: dev, replicas: 2}]}
"""


def _generators(document: Document, kind: str) -> Iterator[tuple[Pointer, JSON, int]]:
    """Yield each generator of a kind, nested ones included, with its place and how deep it is nested."""
    pending: list[tuple[Pointer, int]] = [(("spec", "generators"), 0)] if is_argocd(document, "ApplicationSet") else []
    while pending:
        at, depth = pending.pop()
        for index, entry in enumerate(sequence(field(document.data, *at))):
            for combining in ("matrix", "merge"):
                if isinstance(found := mapping(entry).get(combining), dict):
                    if combining == kind:
                        yield (*at, index, combining), found, depth
                    pending.append(((*at, index, combining, "generators"), depth + 1))


def _child_problems(kind: str, at: Pointer, generator: JSON, depth: int) -> Iterator[Problem]:
    """Yield what holds of the children of a matrix and of a merge alike."""
    if depth > 1:
        yield Problem(
            f"This {kind} is nested two levels deep: a matrix or merge may be nested once.",
            at,
            "Flatten it, or move it to a separate ApplicationSet.",
        )
    for index, child in enumerate(sequence(generator.get("generators"))):
        kinds = sorted({*KINDS} & {each for each in mapping(child) if isinstance(each, str)})
        if len(kinds) != 1:
            yield Problem(
                f"The child has {' and '.join(kinds) or 'no generator'}; it must have exactly one.",
                (*at, "generators", index),
                "Use a separate entry for each generator.",
            )


@rule(
    "matrix-children",
    Severity.ERROR,
    Scope.DOCUMENT,
    "A matrix generator does not have exactly two children.",
    explanation="A matrix combines the results of two child generators. One of them may be a matrix or merge itself, "
    "but no deeper. The API server accepts anything here; the ApplicationSet controller then generates no "
    "Applications.",
    bad=_SET + _MATRIX + TEMPLATE,
    good=_SET + _MATRIX + "          - list: {elements: [{team: web}]}\n" + TEMPLATE,
)
def matrix_children(document: Document, _repository: View) -> Iterator[Problem]:
    """Find matrix generators that the controller refuses."""
    for at, generator, depth in _generators(document, "matrix"):
        count = len(sequence(generator.get("generators")))
        if count != 2:
            yield Problem(
                f"The matrix has {count} {'child' if count == 1 else 'children'}; it needs exactly two.",
                (*at, "generators"),
                "Nest a second matrix for a third generator."
                if count > 2
                else "Add another, or use the generator without a matrix.",
            )
        yield from _child_problems("matrix", at, generator, depth)


@rule(
    "merge-children",
    Severity.ERROR,
    Scope.DOCUMENT,
    "A merge generator has fewer than two children, or no mergeKeys.",
    explanation="A merge overlays the results of its first child with those of the others that have the same values "
    "for `mergeKeys`. It needs at least two children and one key. The API server accepts anything here; the "
    "ApplicationSet controller then generates no Applications.",
    bad=_SET + _MERGE + "        mergeKeys: []\n" + TEMPLATE,
    good=_SET + _MERGE + "        mergeKeys: [environment]\n" + TEMPLATE,
)
def merge_children(document: Document, _repository: View) -> Iterator[Problem]:
    """Find merge generators that the controller refuses."""
    for at, generator, depth in _generators(document, "merge"):
        count = len(sequence(generator.get("generators")))
        if count < 2:
            yield Problem(
                f"The merge has {count} {'child' if count == 1 else 'children'}; it needs at least two.",
                (*at, "generators"),
                "Add another, or use the generator without a merge.",
            )
        if not sequence(generator.get("mergeKeys")):
            yield Problem(
                "The merge has no mergeKeys.",
                (*at, "mergeKeys") if "mergeKeys" in generator else at,
                "List the parameters that the children share, such as `mergeKeys: [environment]`.",
            )
        yield from _child_problems("merge", at, generator, depth)


@rule(
    "missing-key-silent",
    Severity.WARNING,
    Scope.DOCUMENT,
    "A misspelt parameter in an ApplicationSet's template is not reported.",
    explanation="A Go template renders a parameter that no generator provides as `<no value>`, unless "
    "`goTemplateOptions` contains `missingkey=error`. Without `goTemplate`, `{{x}}` stays in the Application "
    "unchanged. Either deploys something unintended.",
    bad=CONFIG_MAP + APPLICATION_SET + "  goTemplate: true\n" + _LIST + TEMPLATE,
    good=_SET + _LIST + TEMPLATE,
)
def missing_key_silent(document: Document, _repository: View) -> Iterator[Problem]:
    """Find ApplicationSets that accept unknown parameters."""
    if not is_argocd(document, "ApplicationSet"):
        return
    spec = mapping(field(document.data, "spec"))
    if spec.get("goTemplate") is True:
        if "missingkey=error" not in sequence(spec.get("goTemplateOptions")):
            yield Problem(
                "A parameter that no generator provides is rendered as “<no value>”.",
                ("spec", "goTemplateOptions") if "goTemplateOptions" in spec else ("spec", "goTemplate"),
                "Add `goTemplateOptions: [missingkey=error]`.",
            )
    elif spec.get("template") and "{{" in str(spec["template"]):
        yield Problem(
            "A parameter that no generator provides stays in the Application as {{…}}.",
            ("spec", "template"),
            "Set `goTemplate: true` and `goTemplateOptions: [missingkey=error]`, and write {{.name}} for {{name}}.",
        )


@rule(
    "preserve-misplaced",
    Severity.ERROR,
    Scope.DOCUMENT,
    "preserveResourcesOnDeletion is in the wrong place.",
    explanation="`preserveResourcesOnDeletion` belongs in the ApplicationSet's own `syncPolicy`. In the template it "
    "is not a field of an Application and is dropped, so deleting the ApplicationSet deletes its resources (argo-cd "
    "issue 18201).",
    bad=_SET + _LIST + TEMPLATE + "      syncPolicy: {preserveResourcesOnDeletion: true}\n",
    good=_SET + "  syncPolicy: {preserveResourcesOnDeletion: true}\n" + _LIST + TEMPLATE,
    instead_of="argocd-schema",
)
def preserve_misplaced(document: Document, _repository: View) -> Iterator[Problem]:
    """Find a preserveResourcesOnDeletion in a template."""
    at = ("spec", "template", "spec", "syncPolicy")
    if is_argocd(document, "ApplicationSet") and "preserveResourcesOnDeletion" in mapping(field(document.data, *at)):
        yield Problem(
            "preserveResourcesOnDeletion has no effect in the template.",
            (*at, "preserveResourcesOnDeletion"),
            "Move it to spec.syncPolicy of the ApplicationSet.",
        )


@rule(
    "patch-changes-project",
    Severity.ERROR,
    Scope.DOCUMENT,
    "A templatePatch sets the Application's project.",
    explanation="A `templatePatch` may change any field of the Application except `project`: the controller restores "
    "the template's value. The Application stays in a project with other permissions than intended.",
    bad=_SET + _LIST + TEMPLATE + "  templatePatch: |\n    spec:\n      project: '{{ .team }}'\n",
    good=_SET + _LIST + TEMPLATE + "  templatePatch: |\n    spec:\n      revisionHistoryLimit: 3\n",
)
def patch_changes_project(document: Document, _repository: View) -> Iterator[Problem]:
    """Find patches of the project."""
    patch = text(field(document.data, "spec", "templatePatch"))
    if is_argocd(document, "ApplicationSet") and _sets_project(patch):
        yield Problem(
            "The templatePatch sets spec.project, which Argo CD does not allow.",
            ("spec", "templatePatch"),
            "Set it in spec.template.spec.project, which can use parameters too.",
        )


def _sets_project(patch: str) -> bool:
    """Return whether a patch has the field spec.project, in any branch of its template."""
    without_control = ACTIONS_ALONE.sub("", patch)
    try:
        text = with_actions(without_control, "x")
        root = yaml.compose(bounded(text), yaml.CSafeLoader)
    except yaml.YAMLError:
        return False  # A template's text need not be YAML before it is rendered.
    return any(key == "project" for spec in _children(root, "spec") for key, _ in _pairs(spec))


@rule(
    "patch-invalid",
    Severity.ERROR,
    Scope.APPLICATION,
    "A templatePatch gives an Application an unknown field or a field of the wrong type.",
    explanation="The controller decodes what a `templatePatch` renders to: a value of the wrong type is an error, and "
    "the ApplicationSet makes and updates no Application; a field that an Application does not have vanishes without "
    "a word. Kubernetes does not look into it: it is text.",
    bad=_SET + _LIST + TEMPLATE + "  templatePatch: |\n    spec:\n      revisionHistoryLimit: three\n",
    good=_SET + _LIST + TEMPLATE + "  templatePatch: |\n    spec:\n      revisionHistoryLimit: 3\n",
)
def patch_invalid(application: ArgoApplication, view: View) -> Iterator[Problem]:
    """Find what patches give to Applications that these cannot have."""
    patch = text(field(application.document.data, "spec", "templatePatch")) if application.prefix else ""
    schema = (argocd.schema(*_APPLICATION, view.argocd) or bundled.for_kind(*_APPLICATION)) if patch else None
    for found in schema.violations(application.manifest) if schema else ():
        name = next((each for each in reversed(found.at) if isinstance(each, str)), "")
        is_label = "labels" in found.at or "annotations" in found.at
        made = field(application.manifest, *found.at)
        # What is wrong in the template itself, the set's own schema says.
        is_written = type(field(application.document.data, *application.prefix, *found.at)) is type(made)
        if name in patch and not (is_written or name.startswith("$") or (is_label and isinstance(made, str))):
            message = f"The templatePatch makes an Application that is wrong: {found.message}."
            yield Problem(message, ("spec", "templatePatch"), found.hint, cause=found.message)


_APPLICATION = ("argoproj.io/v1alpha1", "Application")


def _pairs(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        yield from ((str(name.value), value) for name, value in node.value)


def _children(node: yaml.Node | None, name: str) -> Iterator[yaml.Node]:
    yield from (value for key, value in _pairs(node) if key == name)


# What expanding an ApplicationSet meets


def _listed(elements: str, name: str = "{{ .environment }}") -> str:
    """Return an ApplicationSet of a list, with that parameter in its template's name."""
    generators = f"  generators:\n    - list:\n        elements: {elements}\n"
    return _SET + generators + TEMPLATE.replace("{{ .environment }}", name, 1)


_GOOD_SET = _listed("[{environment: dev}, {environment: prod}]")

FLAWS: dict[Flaw, Rule] = {
    Flaw.GENERATOR: declare(
        "applicationset-generator",
        Severity.ERROR,
        "An ApplicationSet has an invalid generator.",
        explanation="One unknown or incomplete generator stops the whole ApplicationSet: it creates and updates no "
        "Application.",
        bad=_listed("[{environment: dev}]").replace(
            "- list:\n        elements: [{environment: dev}]", "- matrix:\n        generators: []"
        ),
        good=_GOOD_SET,
        instead_of="argocd-schema",
    ),
    Flaw.EMPTY: declare(
        "applicationset-empty",
        Severity.WARNING,
        "A generator of an ApplicationSet yields nothing.",
        explanation="Argo CD deletes Applications that a generator no longer yields, together with their resources "
        "(argo-cd issues 16721, 20848). The usual reason for an empty generator is a path that does not match.",
        bad=_listed("[]"),
        good=_GOOD_SET,
    ),
    Flaw.TEMPLATE: declare(
        "applicationset-template",
        Severity.ERROR,
        "A template of an ApplicationSet fails, or uses a parameter that no generator provides.",
        explanation="With `missingkey=error` Argo CD reports an error. Without it, the Application contains `<no "
        "value>` or the unreplaced braces.",
        bad=_listed("[{environment: dev}]", "{{ .env }}"),
        good=_GOOD_SET,
    ),
    Flaw.DUPLICATE: declare(
        "applicationset-duplicate",
        Severity.ERROR,
        "An ApplicationSet generates two Applications with the same name.",
        explanation="Argo CD then makes none of that name, and keeps one that is there as it is.",
        bad=_listed("[{environment: dev}, {environment: dev}]"),
        good=_GOOD_SET,
    ),
}


_STEPS = (
    "  strategy:\n    type: RollingSync\n    rollingSync:\n      steps:\n"
    "        - matchExpressions: [{key: environment, operator: In, values: [%s]}]\n"
)
_LABELLED = TEMPLATE.replace("namespace: argocd}", "namespace: argocd, labels: {environment: '{{ .environment }}'}}", 1)
_STRATEGIES = ("AllAtOnce", "RollingSync")
_ORDERS = ("AllAtOnce", "Reverse")
_OPERATORS = ("In", "NotIn")


@rule(
    "rollout-ignored",
    Severity.ERROR,
    Scope.DOCUMENT,
    "An ApplicationSet's strategy, or a step of it, has no effect.",
    explanation="Argo CD knows the strategies `AllAtOnce` and `RollingSync`, the latter with `rollingSync.steps`, and "
    "the operators `In` and `NotIn`: it ignores others without a word, and all Applications are synced at once. A step "
    "that no Application is in does nothing, and an Application in no step is synced by hand only: warnings.",
    bad=_SET + _LIST + _STEPS.replace("operator: In", "operator: Exists") % "dev" + _LABELLED,
    good=_SET + _LIST + _STEPS % "dev" + _LABELLED,
)
def rollout_ignored(document: Document, view: View) -> Iterator[Problem]:
    """Find strategies that the controller ignores, and steps that select nothing."""
    strategy = mapping(field(document.data, "spec", "strategy")) if is_argocd(document, "ApplicationSet") else {}
    at, kind, order = ("spec", "strategy"), text(strategy.get("type")), text(strategy.get("deletionOrder"))
    if kind and kind not in _STRATEGIES:
        hint = did_you_mean(kind, _STRATEGIES) or one_of(_STRATEGIES)
        yield Problem(f"Argo CD ignores the unknown strategy “{kind}”.", (*at, "type"), hint)
    if order and order not in _ORDERS:
        hint = did_you_mean(order, _ORDERS) or one_of(_ORDERS)
        yield Problem(f"Argo CD ignores the unknown deletionOrder “{order}”.", (*at, "deletionOrder"), hint)
    steps = sequence(field(strategy, "rollingSync", "steps"))
    if steps and kind in {"", "AllAtOnce"}:
        yield Problem("Argo CD ignores the steps of another strategy than RollingSync.", at, "Set type: RollingSync.")
    elif kind == "RollingSync" and not steps:
        yield Problem("The strategy RollingSync has no steps, so all are synced at once.", at, "Add rollingSync.steps.")
    if kind != "RollingSync" or not steps:
        return
    for index, step in enumerate(map(mapping, steps)):
        there = (*at, "rollingSync", "steps", index)
        for place, each in enumerate(map(mapping, sequence(step.get("matchExpressions")))):
            if each.get("operator") not in _OPERATORS:
                message = f"Argo CD does not know the operator “{text(each.get('operator'))}”: nothing is selected."
                yield Problem(message, (*there, "matchExpressions", place, "operator"), one_of(_OPERATORS))
        most = step.get("maxUpdate")
        if isinstance(most, str) and "{{" not in most and not re.fullmatch(r"[0-9]+%", most):
            yield Problem(f"Argo CD ignores the maxUpdate “{most}”.", (*there, "maxUpdate"), "Write 1 or 25%.")
    yield from _selected(document, steps, view)


def _selected(document: Document, steps: Sequence[JSON], view: View) -> Iterator[Problem]:
    """Yield the steps that no Application of a set is in, and that some are in none, where all are known."""
    made = [each for each in view.applications if each.document is document]
    if not made or any(each is document for each in view.unlisted):
        return
    at, severity = ("spec", "strategy", "rollingSync", "steps"), Severity.WARNING
    in_steps = [[each.name for each in made if _is_in(each, step)] for step in steps]
    for index, names in enumerate(in_steps):
        operators = {text(mapping(each).get("operator")) for each in sequence(field(steps[index], "matchExpressions"))}
        if not names and operators <= {*_OPERATORS}:
            hint = "Compare its matchExpressions with the labels of the template."
            yield Problem("No Application of the set is in this step.", (*at, index), hint, severity=severity)
    outside = [each.name for each in made if not any(each.name in names for names in in_steps)]
    if outside and any(in_steps):
        are = "is" if len(outside) == 1 else "are"
        message = f"{joined(outside, 3)} {are} in no step, and not synced automatically."
        yield Problem(message, at, "Add a step for what is left.", severity=severity)


def _is_in(application: ArgoApplication, step: JSON) -> bool:
    """Return whether a step selects an Application. Source: buildAppDependencyList in progressive_sync.go."""
    labels = mapping(application.metadata.get("labels"))
    for each in map(mapping, sequence(field(step, "matchExpressions"))):
        value, operator = labels.get(text(each.get("key"))), each.get("operator")
        is_listed = value in sequence(each.get("values"))
        if value is None and operator == "In":
            return False
        if value is not None and (operator not in _OPERATORS or is_listed is (operator == "NotIn")):
            return False
    return True


_PARAMS = "argocd-cmd-params-cm"
_PROGRESSIVE = "applicationsetcontroller.enable.progressive.syncs"
_ROLLING = (
    _SET
    + _LIST
    + "  strategy:\n    type: RollingSync\n    rollingSync:\n      steps:\n"
    + "        - matchExpressions: [{key: environment, operator: In, values: [dev]}]\n"
    + TEMPLATE
)
_CONFIGURED = (
    "# file: argocd/install/params.yaml\napiVersion: v1\nkind: ConfigMap\n"
    "metadata: {name: argocd-cmd-params-cm}\ndata: "
)


@rule(
    "rolling-sync-off",
    Severity.WARNING,
    Scope.REPOSITORY,
    "An ApplicationSet rolls out step by step, and Argo CD's settings do not switch that on.",
    explanation="Argo CD ignores `strategy: {type: RollingSync}` until progressive syncs are switched on, and syncs "
    "all Applications at once: `applicationsetcontroller.enable.progressive.syncs` in argocd-cmd-params-cm, which the "
    "ApplicationSet controller reads when it starts. Judged where the repository has Argo CD's ConfigMaps; an argument "
    "or a variable of the controller counts, too.",
    bad=_ROLLING + _CONFIGURED + "{server.insecure: 'true'}\n",
    good=_ROLLING + _CONFIGURED + "{applicationsetcontroller.enable.progressive.syncs: 'true'}\n",
)
def rolling_sync_off(repository: View) -> Iterator[Problem]:
    """Find rollouts that Argo CD ignores."""
    rolled = [
        each
        for each in repository.documents
        if is_argocd(each, "ApplicationSet") and field(each.data, "spec", "strategy", "type") == "RollingSync"
    ]
    rendered = (each for documents in repository.rendered.values() for each in documents)
    held = [*repository.documents, *repository.patches, *rendered] if rolled else []
    maps = {name: [each for each in held if config_map_name(each) == name] for name in (_PARAMS, *CONFIG_MAPS)}
    if not any(maps.values()) or any(field(each.data, "data", _PROGRESSIVE) == "true" for each in maps[_PARAMS]):
        return
    controllers = (each for each in held if "applicationset-controller" in text(field(each.data, "metadata", "name")))
    if any("progressive" in str(each.data).lower() for each in controllers):
        return
    for document in rolled:
        message = "Argo CD ignores this order of rollout: progressive syncs are not switched on."
        hint = f'Set {_PROGRESSIVE}: "true" in {_PARAMS}.'
        yield Problem(message, ("spec", "strategy"), hint, document)
