"""Rules of Argo CD's settings: the ConfigMaps argocd-cm and argocd-notifications-cm."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from argosy import kustomize, paths
from argosy.argocd import jq
from argosy.argocd.view import NOTIFICATIONS, SETTINGS, View
from argosy.documents import Document
from argosy.documents.fields import sequence, text
from argosy.findings import Problem, Severity
from argosy.names import did_you_mean, one_of
from argosy.repository import layout
from argosy.repository.installation import Copy, named
from argosy.rules.config_maps import entries, example, read
from argosy.rules.notifications import SERVICES
from argosy.rules.registry import Scope, rule

_GLOBS = {"apiGroups", "kinds", "clusters"}
_IGNORED = {"jsonPointers", "jqPathExpressions", "managedFieldsManagers"}
_CONDITION = {"when", "send", "oncePer", "description"}
_SUBSCRIPTION = {"recipients", "triggers", "selector"}
_UNKNOWN = "unknown field"
_NO_POINTER = "a JSON pointer does not begin with “/”, so it matches no field"
_Fault = tuple[str, str] | None
"""What is wrong with an entry, and the next step; None where nothing is."""
_EXCLUSIONS = example(SETTINGS, "  resource.exclusions: |\n    {value}\n")


@rule(
    "argocd-setting-invalid",
    Severity.ERROR,
    Scope.DOCUMENT,
    "A setting in argocd-cm or argocd-notifications-cm has an invalid format.",
    explanation="Many settings are YAML in a string, which no Kubernetes schema validates: exclusions, "
    "customizations, login, services, triggers, templates and subscriptions. If Argo CD cannot parse one, it stops, "
    "logs an error, or treats the setting as empty. An unknown field of notifications is ignored: a warning. Two "
    "settings for one version of Kustomize stop all Applications.",
    bad=_EXCLUSIONS.format(value="- apiGroup: cilium.io"),
    good=_EXCLUSIONS.format(value="- apiGroups: [cilium.io]"),
)
def argocd_setting_invalid(document: Document, _repository: View) -> Iterator[Problem]:
    """Find settings that are not of their form."""
    registered: dict[str, str] = {}
    for at, key, value in entries(document, SETTINGS):
        found = _KUSTOMIZE.fullmatch(key)
        if found and (other := registered.setdefault(found[1], key)) != key:
            message = f"{key} and {other} register the same version of Kustomize: Argo CD then renders no Application."
            yield Problem(message, at, f"Remove {key if key.startswith('kustomize.version') else other}.")
        if fault := _setting_fault(key, value):
            severity = Severity.WARNING if fault[0].startswith(_NO_POINTER) else None
            yield Problem(f"{key} is invalid: {fault[0]}.", at, fault[1], severity=severity)
    for at, key, value in entries(document, NOTIFICATIONS):
        if fault := _notification_fault(key, value):
            # The engine of notifications leaves out what it does not know, and takes the rest.
            severity = Severity.WARNING if fault[0].startswith(_UNKNOWN) else None
            yield Problem(f"{key} is invalid: {fault[0]}.", at, fault[1], severity=severity)


_KUSTOMIZE = re.compile(r"kustomize\.(?:path|version)\.(.*)", re.DOTALL)
"""The settings that register a version of Kustomize. Source: addKustomizeVersion in util/settings/settings.go."""


def _setting_fault(key: str, value: str) -> _Fault:
    """Return what is wrong with an entry of argocd-cm, and the next step. Source: util/settings/settings.go."""
    if key.startswith("resource.customizations."):
        return _customization_fault(key, value)
    if not value.strip():
        return None  # Argo CD takes it as if it were not there.
    if key in {"resource.exclusions", "resource.inclusions"}:
        return _list_fault(value, _GLOBS, "- apiGroups: [cilium.io]\n  kinds: [CiliumIdentity]")
    return _mapping_fault(value) if key in {"dex.config", "oidc.config"} else None


def _customization_fault(key: str, value: str) -> _Fault:
    _, _, kind, *rest = key.split(".", 3)
    if kind not in _CUSTOMIZATIONS:
        return f"“{kind}” is not a customization", did_you_mean(kind, _CUSTOMIZATIONS) or one_of(_CUSTOMIZATIONS)
    if not rest or rest[0].count("_") > 1:
        return "its key does not end with <group>_<Kind>", f"Write resource.customizations.{kind}.apps_Deployment."
    return _CUSTOMIZATIONS[kind](value)


def _notification_fault(key: str, value: str) -> _Fault:
    """Return what is wrong with an entry of argocd-notifications-cm.

    Source: ParseConfig in argoproj/notifications-engine's pkg/api/config.go.
    """
    kind, _, name = key.partition(".")
    if kind == "service":
        service, _, rest = name.partition(".")
        if service not in SERVICES:
            known = sorted(SERVICES)
            return f"“{service}” is not a service of Argo CD", did_you_mean(service, known) or one_of(known)
        return ("its name has a dot", f"Write service.{service}.<name>.") if "." in rest else _mapping_fault(value)
    judge = {
        "trigger": lambda: _list_fault(value, _CONDITION, "- when: …\n  send: [template]"),
        "template": lambda: _mapping_fault(value, {"message", *SERVICES}),
        "subscriptions": lambda: _list_fault(value, _SUBSCRIPTION, "- recipients: [slack:channel]\n  triggers: […]"),
    }.get(kind)
    return judge() if judge else None


def _mapping_fault(value: str, known: Iterable[str] = ()) -> _Fault:
    data, why = read(value)
    if why or not isinstance(data, dict):
        return why or "it is not a mapping", "Write YAML of the form “name: value”."
    names = sorted(known)
    unknown = [str(each) for each in data if names and each not in names]
    return (f"{_UNKNOWN} “{unknown[0]}”", did_you_mean(unknown[0], names) or one_of(names)) if unknown else None


def _list_fault(value: str, known: Iterable[str], example: str) -> _Fault:
    data, why = read(value)
    hint = f"Write YAML such as “{' '.join(example.split())}”."
    if why or not isinstance(data, list) or not all(isinstance(each, dict) for each in data):
        return why or "it is not a list of mappings", hint
    names = sorted(known)
    for each in data:
        for name, content in each.items():
            if name not in names:
                return f"{_UNKNOWN} “{name}”", did_you_mean(str(name), names) or one_of(names)
            if name in _GLOBS and not (isinstance(content, list) and all(isinstance(one, str) for one in content)):
                return f"{name} is not a list of names", hint
    return None


def _ignored_fault(value: str) -> _Fault:
    """Return what is wrong with fields to ignore: an expression that is no jq is an error of every Application."""
    data, _ = read(value)
    if fault := _mapping_fault(value, _IGNORED):
        return fault
    for path in map(text, sequence(data.get("jqPathExpressions"))):
        if why := jq.fault(path):
            return f"“{path}” is not a path in jq: {why}", "Argo CD compares no Application before this is corrected."
    for pointer in map(text, sequence(data.get("jsonPointers"))):
        if not pointer.startswith("/"):
            return f"{_NO_POINTER}: “{pointer}”", f"Write “/{pointer.lstrip('.').replace('.', '/')}”."
    return None


def _lua_fault(value: str) -> _Fault:
    return None if value.strip() else ("it is empty", "Write a Lua script that returns a status.")


def _switch_fault(value: str) -> _Fault:
    right = value.strip() in {"true", "false"}
    return None if right else (f"“{value.strip()}” is neither true nor false", "Write 'true' or 'false'.")


_CUSTOMIZATIONS: Mapping[str, Callable[[str], _Fault]] = {
    "actions": _mapping_fault,
    "health": _lua_fault,
    "ignoreDifferences": _ignored_fault,
    "ignoreResourceUpdates": _ignored_fault,
    "knownTypeFields": lambda value: _list_fault(value, {"field", "type"}, "- field: spec\n  type: core/v1/PodSpec"),
    "useOpenLibs": _switch_fault,
}
"""What each kind of customization has to be, by the part of its key after `resource.customizations`."""


_PATCH = example("argocd-cmd-params-cm", '  server.insecure: "true"\n')


@rule(
    "install-file-unused",
    Severity.ERROR,
    Scope.REPOSITORY,
    "A file of Argo CD's installation is in no kustomization.",
    explanation="`argosy bootstrap`, or Argo CD itself, applies what argocd/install/kustomization.yaml names. A file "
    "beside it that it does not name has no effect, such as one that was kept when an update took its line away.",
    bad="# file: argocd/install/kustomization.yaml\nresources: []\n" + _PATCH,
    good="# file: argocd/install/kustomization.yaml\nresources: [argocd-cmd-params-cm.yaml]\n" + _PATCH,
)
def install_file_unused(view: View) -> Iterator[Problem]:
    """Find manifests beside the kustomization of Argo CD's installation that it does not read."""
    folder = view.root / layout.INSTALL
    if kustomize.kustomization(folder) is None:
        return
    read = kustomize.inputs(folder, view.root.resolve())
    for document in (*view.documents, *view.patches):
        above, _, name = document.path.rpartition("/")
        if document.index == 0 and above == layout.INSTALL and (folder / name).resolve() not in read:
            yield Problem(
                f"Nothing applies {document.path}: {layout.INSTALL}/kustomization.yaml does not name it.",
                hint=f"Name it there, such as below patches: `- path: {name}`. Or remove it.",
                document=document,
            )


_COPIED = "# file: argocd/install/kustomization.yaml\nresources:\n  - install.yaml # https://argocd.example.com/install.yaml\n"
_HOLDS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-tls-certs-cm, namespace: argocd}\n"


def _copy(digest: str) -> str:
    note = str(Copy("https://argocd.example.com/install.yaml", digest))
    return f"{_COPIED}# file: {layout.INSTALL_MANIFESTS}\n{_HOLDS}# file: {layout.INSTALL_DIGEST}\n{note}"


@rule(
    "install-manifests-changed",
    Severity.ERROR,
    Scope.REPOSITORY,
    "The copy of Argo CD's manifests is not what was fetched.",
    explanation="With `argocdManifests=vendored`, argocd/install/install.yaml is a copy of what Argo CD released, with "
    "its digest beside it. An edit of the copy would be lost with the next update, and a copy that is from elsewhere "
    "than the kustomization says installs another version.",
    bad=_copy("0" * 64),
    good=_copy(Copy.of("", _HOLDS.encode()).digest),
)
def install_manifests_changed(view: View) -> Iterator[Problem]:
    """Compare the copy of Argo CD's manifests with its digest, and with what the kustomization says of it."""
    try:
        url = named(paths.content(view.root / layout.INSTALL / "kustomization.yaml", view.root))
        held = paths.content(view.root / layout.INSTALL_MANIFESTS, view.root)
    except OSError:
        return  # What a kustomization names and is not there, its build reports.
    document = next((each for each in (*view.documents, *view.patches) if each.path == layout.INSTALL_MANIFESTS), None)
    if not url or document is None:
        return
    try:
        note = Copy.read(paths.content(view.root / layout.INSTALL_DIGEST, view.root))
    except OSError:
        note = None
    if note is None or Copy.of(note.url, held) != note:
        yield Problem(
            f"{layout.INSTALL_MANIFESTS} is not what {layout.INSTALL_DIGEST} has the digest of.",
            hint="Bring both back from Git, and put what you changed into a patch that the kustomization lists.",
            document=document,
        )
    elif note.url != url:
        yield Problem(
            f"{layout.INSTALL_MANIFESTS} is from {note.url}, and the kustomization says {url}.",
            hint="argosy update --fetch, or argosy set repository argocdPin=… --fetch, changes both together.",
            document=document,
        )
