"""Rules of how Applications and resources are synced: options, retries, waves and hooks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from argosy.argocd.matching import GO_DURATION, HOOK, HOOKS, applied, listed, sync_options
from argosy.argocd.view import ArgoApplication, View
from argosy.documents import Document, Pointer
from argosy.documents.fields import JSON, annotations_of, field, group_and_kind, mapping, text
from argosy.findings import Problem, Severity
from argosy.names import did_you_mean, one_of
from argosy.rules.examples import DEPLOYED
from argosy.rules.registry import Scope, rule
from argosy.schemas import bundled
from argosy.schemas.violations import path_of

SYNC_OPTIONS = "argocd.argoproj.io/sync-options"
SYNC_WAVE = "argocd.argoproj.io/sync-wave"
HOOK_DELETE_POLICY = "argocd.argoproj.io/hook-delete-policy"

_BOOLEAN = ("true", "false")
_CONFIRMED = (*_BOOLEAN, "confirm")
_EVERYWHERE = {
    "Delete": _CONFIRMED,
    "Prune": _CONFIRMED,
    "PruneLast": _BOOLEAN,
    "Replace": _BOOLEAN,
    "ServerSideApply": _BOOLEAN,
    "SkipDryRunOnMissingResource": _BOOLEAN,
    "Validate": _BOOLEAN,
}
APPLICATION_OPTIONS: Mapping[str, tuple[str, ...]] = {
    **_EVERYWHERE,
    "ApplyOutOfSyncOnly": _BOOLEAN,
    "ClientSideApplyMigration": _BOOLEAN,
    "CreateNamespace": _BOOLEAN,
    "FailOnSharedResource": _BOOLEAN,
    "PrunePropagationPolicy": ("foreground", "background", "orphan"),
    "RespectIgnoreDifferences": _BOOLEAN,
}
"""What an Application's syncOptions may say. Source: Argo CD's controller/sync.go, gitops-engine/pkg/sync/common."""
RESOURCE_OPTIONS: Mapping[str, tuple[str, ...]] = {**_EVERYWHERE, "Force": _BOOLEAN}
"""What a resource's annotation may say. Source: Argo CD's gitops-engine/pkg/sync/sync_context.go."""

HOOK_DELETE_POLICIES = ("HookSucceeded", "HookFailed", "BeforeHookCreation")


def _annotated(line: str) -> str:
    return DEPLOYED.replace("metadata: {name: my-app}\n", f"metadata: {{name: my-app, annotations: {{{line}}}}}\n")


def _option_problem(option: str, known: Mapping[str, tuple[str, ...]]) -> tuple[str, str] | None:
    """Return what is wrong with a sync option, and the next step."""
    name, equals, value = option.partition("=")
    if value in known.get(name, ()):
        return None
    spellings = {f"{each}={one}": (each, one) for each, values in known.items() for one in values}
    flat = {_flat(spelling): spelling for spelling in spellings}
    if same := flat.get(_flat(option)):
        return f"Argo CD ignores the sync option “{option}”: the spelling must be exact.", f"Write “{same}”."
    elsewhere = RESOURCE_OPTIONS if known is APPLICATION_OPTIONS else APPLICATION_OPTIONS
    if value in elsewhere.get(name, ()):
        place = f"a resource's annotation {SYNC_OPTIONS}" if elsewhere is RESOURCE_OPTIONS else "the Application"
        return f"The sync option “{option}” has no effect here.", f"Move it to {place}."
    if name in known:
        said = f"has the value “{value}”" if equals else "has no value"
        return f"The sync option {name} {said} and is ignored.", f"Use {name}= with {' or '.join(known[name])}."
    hint = did_you_mean(option, spellings) or f"Argo CD knows {', '.join(sorted(known))}."
    return f"Argo CD ignores the unknown sync option “{option}”.", hint


def _flat(option: str) -> str:
    return re.sub(r"[\s_:\"'-]|=+", "", option).lower()


@rule(
    "sync-option-unknown",
    Severity.ERROR,
    Scope.APPLICATION,
    "An Application has an unknown sync option.",
    explanation="Argo CD compares sync options as exact strings, including case and spaces: `CreateNamespace=True` "
    "is not `CreateNamespace=true`. It silently ignores unknown options.",
    bad=DEPLOYED + "  syncPolicy: {syncOptions: [CreateNamespace=True]}\n",
    good=DEPLOYED + "  syncPolicy: {syncOptions: [CreateNamespace=true]}\n",
)
def sync_option_unknown(application: ArgoApplication, _repository: View) -> Iterator[Problem]:
    """Find sync options of an Application that do nothing."""
    for index, option in enumerate(sync_options(application)):
        if isinstance(option, str) and (problem := _option_problem(option, APPLICATION_OPTIONS)):
            yield Problem(problem[0], application.at("spec", "syncPolicy", "syncOptions", index), problem[1])


@rule(
    "sync-option-annotation",
    Severity.ERROR,
    Scope.DOCUMENT,
    "A resource's annotation has an unknown sync option.",
    explanation="The annotation `argocd.argoproj.io/sync-options` is a comma-separated list. Argo CD compares "
    "options as exact strings and silently ignores unknown ones. Some options, such as CreateNamespace, only work in "
    "the Application.",
    bad=_annotated(f"{SYNC_OPTIONS}: 'Prune=False'"),
    good=_annotated(f"{SYNC_OPTIONS}: 'Prune=false'"),
)
def sync_option_annotation(document: Document, _repository: View) -> Iterator[Problem]:
    """Find sync options of a resource that do nothing."""
    for option in listed(document.data, SYNC_OPTIONS):
        if problem := _option_problem(option, RESOURCE_OPTIONS):
            yield Problem(problem[0], ("metadata", "annotations", SYNC_OPTIONS), problem[1])


@rule(
    "sync-wave-invalid",
    Severity.ERROR,
    Scope.DOCUMENT,
    "A sync wave is not an integer.",
    explanation="The annotation `argocd.argoproj.io/sync-wave` is an integer, which may be negative. Argo CD "
    "silently treats anything else as wave 0. Annotations are strings, so quote the number: Kubernetes rejects an "
    "unquoted one.",
    bad=_annotated(f"{SYNC_WAVE}: first"),
    good=_annotated(f"{SYNC_WAVE}: '-1'"),
)
def sync_wave_invalid(document: Document, _repository: View) -> Iterator[Problem]:
    """Find sync waves that count as 0."""
    wave = annotations_of(document.data).get(SYNC_WAVE)
    at = ("metadata", "annotations", SYNC_WAVE)
    if isinstance(wave, int | float) and not isinstance(wave, bool):
        said = document.text_of(at) or wave
        yield Problem(f"The sync wave {said} is a number, but annotations are strings.", at, f"Quote it: '{said}'.")
    elif wave is not None and not re.fullmatch(r"[+-]?[0-9]{1,18}", text(wave), re.ASCII):
        yield Problem(
            f"The sync wave “{wave}” is not an integer and counts as 0.", at, "Write an integer, such as '5' or '-1'."
        )


@rule(
    "hook-unknown",
    Severity.ERROR,
    Scope.DOCUMENT,
    "A hook or hook delete policy is unknown to Argo CD.",
    explanation="The annotation `argocd.argoproj.io/hook` lists the phases in which a resource is applied, separated "
    "by commas. A resource with only unknown phases is never applied. An unknown delete policy is ignored, and the "
    "hook is deleted before its next run.",
    bad=_annotated(f"{HOOK}: preSync"),
    good=_annotated(f"{HOOK}: PreSync, {HOOK_DELETE_POLICY}: HookSucceeded"),
)
def hook_unknown(document: Document, _repository: View) -> Iterator[Problem]:
    """Find hooks and delete policies that Argo CD ignores."""
    for annotation, what, known in (
        (HOOK, "hook", HOOKS),
        (HOOK_DELETE_POLICY, "hook delete policy", HOOK_DELETE_POLICIES),
    ):
        for value in listed(document.data, annotation):
            if value not in known:
                yield Problem(
                    f"Argo CD ignores the unknown {what} “{value}”.",
                    ("metadata", "annotations", annotation),
                    did_you_mean(value, known) or one_of(sorted(known)),
                )


@rule(
    "automated-empty",
    Severity.WARNING,
    Scope.APPLICATION,
    "An empty `automated:` does not enable automated sync.",
    explanation="`automated:` without a value is null in YAML. The API server drops it, and the Application is only "
    "synced manually. `automated: {}` is an empty mapping and enables automated sync.",
    bad=DEPLOYED + "  syncPolicy:\n    automated:\n",
    good=DEPLOYED + "  syncPolicy:\n    automated: {}\n",
)
def automated_empty(application: ArgoApplication, _repository: View) -> Iterator[Problem]:
    """Find an `automated` that the API server drops."""
    at = application.at("spec", "syncPolicy")
    written = mapping(field(application.document.data, *at))
    if "automated" in written and written["automated"] is None:
        yield Problem(
            "`automated:` is empty, so the API server drops it and automated sync is off.",
            (*at, "automated"),
            "Write `automated: {}`, or set prune and selfHeal. Remove it for manual sync.",
        )


@rule(
    "namespace-metadata-ignored",
    Severity.WARNING,
    Scope.APPLICATION,
    "managedNamespaceMetadata without CreateNamespace=true has no effect.",
    explanation="Argo CD sets the labels and annotations of `managedNamespaceMetadata` only on namespaces that it "
    "creates, which requires the sync option `CreateNamespace=true` (argo-cd issue 20233). Otherwise it ignores them "
    "silently: a namespace that should enforce a Pod Security Standard does not.",
    bad=DEPLOYED + "  syncPolicy: {managedNamespaceMetadata: {labels: {team: web}}}\n",
    good=DEPLOYED
    + "  syncPolicy: {managedNamespaceMetadata: {labels: {team: web}}, syncOptions: [CreateNamespace=true]}\n",
)
def namespace_metadata_ignored(application: ArgoApplication, _repository: View) -> Iterator[Problem]:
    """Find namespace metadata that is never set."""
    if field(application.spec, "syncPolicy", "managedNamespaceMetadata") and (
        "CreateNamespace=true" not in sync_options(application)
    ):
        yield Problem(
            "managedNamespaceMetadata is ignored without the sync option CreateNamespace=true.",
            application.at("spec", "syncPolicy", "managedNamespaceMetadata"),
            "Add CreateNamespace=true to syncOptions, or add a Namespace manifest.",
        )


@rule(
    "label-invalid",
    Severity.ERROR,
    Scope.APPLICATION,
    "A label or annotation that Argo CD is to set has an invalid name or value.",
    explanation="A label's value has at most 63 letters, digits, `-`, `_` and `.`; the name of a label or annotation "
    "is such a text too, perhaps with a DNS name and `/` before it. Kubernetes refuses a namespace with others in "
    "`managedNamespaceMetadata`, so that the sync fails, and an Application with others that an ApplicationSet makes.",
    bad=DEPLOYED
    + "  syncPolicy: {managedNamespaceMetadata: {labels: {team: web shop}}, syncOptions: [CreateNamespace=true]}\n",
    good=DEPLOYED
    + "  syncPolicy: {managedNamespaceMetadata: {labels: {team: web-shop}}, syncOptions: [CreateNamespace=true]}\n",
)
def label_invalid(application: ArgoApplication, _repository: View) -> Iterator[Problem]:
    """Find labels and annotations of namespaces, and of what ApplicationSets make, that Kubernetes refuses."""
    places: list[Pointer] = [("spec", "syncPolicy", "managedNamespaceMetadata")]
    if application.prefix:  # What is written, its schema judges.
        places.append(("metadata",))
    for at in ((*place, kind) for place in places for kind in ("labels", "annotations")):
        texts = {name: value for name, value in mapping(field(application.manifest, *at)).items() if _is_known(value)}
        for found in bundled.schema(f"common.json#/$defs/{at[-1]}").violations(texts) if texts else ():
            own = path_of(found.at)
            is_named = found.message.startswith(f"{own}: ")  # Not where the name itself is wrong.
            message = path_of((*at, *found.at)) if is_named else path_of(at)
            message += f": {found.message.removeprefix(f'{own}: ')}."
            yield Problem(message, application.at(*at, *found.at), found.hint)


def _is_known(value: JSON) -> bool:
    return isinstance(value, str) and "{{" not in value


_GENERATED = DEPLOYED.replace("metadata: {name: my-app}\n", "metadata: {generateName: my-app-, annotations: {%s}}\n")


@rule(
    "generate-name",
    Severity.ERROR,
    Scope.APPLICATION,
    "A resource has a generateName instead of a name, and is no hook.",
    explanation="Argo CD applies resources, which needs a name: the sync fails with “cannot use generate name with "
    "apply”. Hooks are created, each time anew.",
    bad=_GENERATED % "",
    good=_GENERATED % f"{HOOK}: PostSync",
)
def generate_name(application: ArgoApplication, repository: View) -> Iterator[Problem]:
    """Find resources without a name that are applied."""
    for document in applied(application, repository):
        metadata = mapping(field(document.data, "metadata"))
        options = (*sync_options(application), *listed(document.data, SYNC_OPTIONS))
        is_hook = listed(document.data, HOOK) or listed(document.data, "helm.sh/hook")
        if metadata.get("generateName") and not (metadata.get("name") or is_hook or "Replace=true" in options):
            hint = f"Give it a name, or make it a hook by the annotation {HOOK}."
            message = "Argo CD cannot apply what has a generateName and no name."
            yield Problem(message, ("metadata", "generateName"), hint, document)


_MEGABYTES = "# file: apps/my-app/dashboards.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: dashboards\n"
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
MOST_ANNOTATED = 256 * 1024
MOST_DATA = 1024 * 1024
MOST_STORED = 3 * 512 * 1024
"""Bytes: of an object's annotations, of the data of a ConfigMap or Secret, and what etcd takes by default."""
_SMALL = 32 * 1024
"""Up to how many characters a text holds no object that is too large, whatever its form."""


def _large(**metadata: str) -> str:
    said = f"  annotations: {{{SYNC_OPTIONS}: ServerSideApply=true}}\n" if metadata else ""
    return DEPLOYED + _MEGABYTES + said + f"data:\n  all.json: {'0123456789abcdef' * 16640}\n"


@rule(
    "object-too-large",
    Severity.ERROR,
    Scope.APPLICATION,
    "A resource is larger than what Kubernetes takes.",
    explanation="Without `ServerSideApply=true`, Argo CD notes the whole resource in an annotation of it, and all "
    "annotations of an object have at most 262,144 bytes: the sync fails with “metadata.annotations: Too long”, as it "
    "does for large CustomResourceDefinitions. In any case, the data of a ConfigMap or Secret have at most 1 MiB, and "
    "etcd takes objects of at most 1.5 MiB.",
    bad=_large(),
    good=_large(option="ServerSideApply=true"),
)
def object_too_large(application: ArgoApplication, repository: View) -> Iterator[Problem]:
    """Find resources that the API server refuses for their size."""
    for document in applied(application, repository):
        if document.source is not None and len(document.source.text) < _SMALL:
            continue
        if problem := _too_large(document, (*sync_options(application), *listed(document.data, SYNC_OPTIONS))):
            yield replace(problem, document=document)


def _too_large(document: Document, options: Sequence[JSON]) -> Problem | None:
    data, annotations = document.data, annotations_of(document.data)
    annotated = sum(len(f"{name}{value}".encode()) for name, value in annotations.items() if name != _LAST_APPLIED)
    whole = len(json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=str).encode(errors="replace"))
    if annotated > MOST_ANNOTATED:
        message = f"The annotations have {annotated:,} bytes; the maximum is {MOST_ANNOTATED:,}."
        return Problem(message, ("metadata", "annotations"), "Move what is in them to a ConfigMap or a file.")
    if group_and_kind(data) in {("", "ConfigMap"), ("", "Secret")} and (held := _held(data)) > MOST_DATA:
        hint = "Split it, or keep the data elsewhere."
        return Problem(f"The data have {held:,} bytes; the maximum is {MOST_DATA:,}.", ("data",), hint)
    if whole > MOST_STORED:
        return Problem(f"The object has {whole:,} bytes; etcd takes at most {MOST_STORED:,}.", (), "Split it.")
    if "ServerSideApply=true" in options or "Replace=true" in options:
        return None
    # Go writes these as \u003c.
    noted = whole + 5 * sum(str(data).count(each) for each in "<>&") + annotated + len(_LAST_APPLIED)
    if noted <= MOST_ANNOTATED:
        return None
    message = f"With all of it noted in an annotation, the annotations have {noted:,} bytes; the maximum is "
    hint = f"Add the annotation {SYNC_OPTIONS}: ServerSideApply=true, or that option to the Application."
    return Problem(f"{message}{MOST_ANNOTATED:,}.", (), hint)


def _held(data: JSON) -> int:
    """Return how many bytes a ConfigMap or Secret holds."""
    is_secret, texts = data.get("kind") == "Secret", [*mapping(data.get("stringData")).values()]
    encoded = [*mapping(data.get("binaryData")).values()]
    (encoded if is_secret else texts).extend(mapping(data.get("data")).values())
    return sum(len(text(each).encode()) for each in texts) + sum(len(text(each)) * 3 // 4 for each in encoded)


@rule(
    "retry-invalid",
    Severity.ERROR,
    Scope.APPLICATION,
    "A retry has an invalid limit or backoff.",
    explanation="A failed sync is retried `limit` times. A `retry` without a limit means 0 and disables the default "
    "retries of an automated sync. `duration` and `maxDuration` are Go durations (`5s`, `1m30s`) or seconds; if one "
    "is invalid, the retry fails. The wait is multiplied by `factor`, which must be at least 1.",
    bad=DEPLOYED + "  syncPolicy: {retry: {limit: 3, backoff: {duration: 5 seconds, factor: 2}}}\n",
    good=DEPLOYED + "  syncPolicy: {retry: {limit: 3, backoff: {duration: 5s, factor: 2, maxDuration: 3m}}}\n",
)
def retry_invalid(application: ArgoApplication, _repository: View) -> Iterator[Problem]:
    """Find retries that fail or never happen."""
    retry = mapping(field(application.spec, "syncPolicy", "retry"))
    backoff = mapping(retry.get("backoff"))
    at = application.at("spec", "syncPolicy", "retry")
    for name in ("duration", "maxDuration"):
        value = text(backoff.get(name))
        if value and not GO_DURATION.fullmatch(value) and not value.isdecimal():
            yield Problem(
                f"The {name} “{value}” is not a Go duration.",
                (*at, "backoff", name),
                "Write numbers with units and no spaces, such as 5s, 3m or 1h30m.",
            )
    factor = backoff.get("factor")
    if isinstance(factor, int) and factor < 1:
        yield Problem(
            f"The factor {factor} is less than 1.",
            (*at, "backoff", "factor"),
            "Use 1 for a constant wait, or 2 to double it each time.",
        )
    if backoff and "limit" not in retry:
        yield Problem("The retry has no limit, so nothing is retried.", at, "Add a limit, such as 5.")
