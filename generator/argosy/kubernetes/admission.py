"""ValidatingAdmissionPolicies: which objects they are asked about, and what they say of them."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from argosy.cel import engine
from argosy.documents import Document
from argosy.documents.fields import JSON, field, group_and_kind, mapping, sequence, text
from argosy.kubernetes.pods import pod_specs
from argosy.kubernetes.selectors import selects

GROUP = "admissionregistration.k8s.io"
VARIABLES = ("object", "oldObject", "request", "params", "namespaceObject", "variables", "authorizer")
"""What the expressions of a policy may name."""
_NAME_LABEL = "kubernetes.io/metadata.name"


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """An object as it is deployed to a cluster."""

    document: Document
    namespace: str
    """Empty where its kind belongs to none."""
    plural: str
    """What the API calls its kind: `deployments`."""

    @property
    def labels(self) -> Mapping[str, JSON]:
        """Its labels."""
        return mapping(field(self.document.data, "metadata", "labels"))


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a policy says against an object."""

    policy: Document
    message: str
    is_denied: bool
    """Whether the object is refused; otherwise it is let in with a warning, or a note in the audit log."""
    expression: str = ""
    """What does not hold."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Why a policy says nothing of an object here."""

    policy: Document
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """A policy as it is in force by one binding."""

    policy: Document
    spec: Mapping[str, Any]
    binding: Mapping[str, Any]
    own: Mapping[str, Any] | None = None
    """What the expressions of a policy of the repository's own may name besides; None: the API server asks it.

    What is its own is asked of manifests as they are written: no server fills in more than is known here.
    """


class _UnknownError(Exception):
    """Report that it is not known here what a policy says."""


class Admission:
    """The policies that are deployed to a cluster, with what they need."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        """Take everything that is deployed there."""
        self._resources = resources

    @cached_property
    def _bound(self) -> Sequence[Bound]:
        """Each policy that is deployed, with each of its bindings."""
        policies, bindings = {}, []
        for each in self._resources:
            group, kind = group_and_kind(each.document.data)
            if (group, kind) == (GROUP, "ValidatingAdmissionPolicy"):
                policies[text(field(each.document.data, "metadata", "name"))] = each.document
            elif (group, kind) == (GROUP, "ValidatingAdmissionPolicyBinding"):
                bindings.append(mapping(field(each.document.data, "spec")))
        named = [(policies.get(text(each.get("policyName"))), each) for each in bindings]
        return [Bound(policy, mapping(field(policy.data, "spec")), binding) for policy, binding in named if policy]

    def judge(self, resource: Resource) -> Iterator[Refusal | Unknown]:
        """Yield what the policies that are deployed say against an object that is new, each once."""
        yield from self.ask(resource, self._bound)

    def ask(self, resource: Resource, policies: Sequence[Bound]) -> Iterator[Refusal | Unknown]:
        """Yield what policies say against an object that is new, each once."""
        if group_and_kind(resource.document.data)[0] == GROUP:
            return  # Policies are not asked about each other.
        if not isinstance(field(resource.document.data, "metadata"), dict | None):
            return  # Nor about what the API server cannot read.
        found: dict[Refusal | Unknown, None] = {}
        filled = cache(lambda: self._given(resource))
        for each in policies:
            try:
                found.update(dict.fromkeys(self._judged(each, resource, filled)))
            except _UnknownError as error:
                found[Unknown(each.policy, str(error))] = None
        yield from found

    def _judged(self, bound: Bound, resource: Resource, filled: Callable[[], Mapping[str, Any]]) -> Iterator[Refusal]:
        spec, binding = bound.spec, bound.binding
        constraints = mapping(spec.get("matchConstraints"))
        narrower = mapping(binding.get("matchResources"))
        if not self._matches(constraints, resource) or (narrower and not self._matches(narrower, resource, bare=True)):
            return
        actions = sequence(binding.get("validationActions"))
        own = bound.own or {}
        for params in self._params(spec, binding, resource):
            given = {**filled(), "params": params, **own, "variables": {}}
            names = (*VARIABLES, *(own.keys() - {*VARIABLES}))
            conditions = _expressions(spec.get("matchConditions"))
            [found] = engine.values([engine.Question(conditions, given)], names)
            if not all(_known(*each) is True for each in zip(conditions, found, strict=True)):
                continue
            for expression, message in _broken(spec, given, names, is_final=bound.own is not None):
                yield Refusal(bound.policy, message, "Deny" in actions, expression)

    def _matches(self, constraints: Mapping[str, Any], resource: Resource, *, bare: bool = False) -> bool:
        """Return whether an object is meant; a binding's constraints may name no resources, which is all of them."""
        rules, excluded = constraints.get("resourceRules"), constraints.get("excludeResourceRules")
        if not (bare and not rules) and not any(_is_meant(mapping(each), resource) for each in sequence(rules)):
            return False
        if any(_is_meant(mapping(each), resource) for each in sequence(excluded)):
            return False
        if not selects(mapping(constraints.get("objectSelector")), resource.labels):
            return False
        selector = mapping(constraints.get("namespaceSelector"))
        is_namespace = group_and_kind(resource.document.data) == ("", "Namespace")
        if not any(selector.values()) or not (resource.namespace or is_namespace):
            return True
        return selects(selector, resource.labels if is_namespace else self._labels_of(resource.namespace, selector))

    def _labels_of(self, name: str, selector: Mapping[str, Any]) -> Mapping[str, JSON]:
        """Return a namespace's labels, of which every one has its name; raise where others matter and are unknown."""
        known = self._namespaces.get(name)
        keys = {*mapping(selector.get("matchLabels"))}
        keys |= {text(mapping(each).get("key")) for each in sequence(selector.get("matchExpressions"))}
        if known is None and keys - {_NAME_LABEL}:
            raise _UnknownError(f"the labels of the namespace {name or 'that is not named'} are not in the repository")
        return {**(known.labels if known else {}), _NAME_LABEL: name}

    @cached_property
    def _namespaces(self) -> Mapping[str, Resource]:
        made = [each for each in self._resources if group_and_kind(each.document.data) == ("", "Namespace")]
        return {text(field(each.document.data, "metadata", "name")): each for each in made}

    def _params(
        self, spec: Mapping[str, Any], binding: Mapping[str, Any], resource: Resource
    ) -> Sequence[Mapping[str, JSON] | None]:
        """Return the objects that a binding gives to its policy as parameters, one of nothing where it needs none."""
        kind = mapping(spec.get("paramKind"))
        if not kind:
            return [None]
        reference = mapping(binding.get("paramRef"))
        name, selector = text(reference.get("name")), reference.get("selector")
        namespace = text(reference.get("namespace")) or resource.namespace
        found = [
            mapping(each.document.data)
            for each in self._resources
            if all(field(each.document.data, key) == kind.get(key) for key in ("apiVersion", "kind"))
            and each.namespace in {"", namespace}
            and (not name or field(each.document.data, "metadata", "name") == name)
            and (selector is None or selects(mapping(selector), each.labels))
        ]
        if not found or not (name or selector is not None):
            raise _UnknownError(
                f"its parameters, {text(kind.get('kind'))} {name}".rstrip() + ", are not in the repository"
            )
        return found

    def _given(self, resource: Resource) -> dict[str, Any]:
        data = _filled(resource)
        group, kind = group_and_kind(resource.document.data)
        version = text(field(resource.document.data, "apiVersion")).rpartition("/")[2]
        names = {"name": text(field(data, "metadata", "name")), "namespace": resource.namespace, "operation": "CREATE"}
        of_kind = {"group": group, "version": version, "kind": kind}
        of_resource = {"group": group, "version": version, "resource": resource.plural}
        request = {**names, "kind": of_kind, "resource": of_resource, "requestKind": of_kind, "dryRun": False}
        given = {"object": data, "oldObject": None, "request": {**request, "requestResource": of_resource}}
        if not resource.namespace:
            return {**given, "namespaceObject": None}
        known = self._namespaces.get(resource.namespace)
        if known is None:
            return given
        labels = {**known.labels, _NAME_LABEL: resource.namespace}
        metadata = {**mapping(field(known.document.data, "metadata")), "labels": labels}
        return {**given, "namespaceObject": {**mapping(known.document.data), "metadata": metadata}}


def _broken(
    spec: Mapping[str, Any], given: Mapping[str, Any], names: Sequence[str], *, is_final: bool
) -> Iterator[tuple[str, str]]:
    """Yield the expressions and messages of the validations that do not hold.

    Where the object is final, what it lacks it will lack: otherwise the API server may fill in more.
    """
    made = [*map(mapping, sequence(spec.get("variables")))]
    variables = [(text(each.get("name")), text(each.get("expression"))) for each in made]
    validations = _expressions(spec.get("validations"))
    [found] = engine.values([engine.Question(validations, given, variables)], names)
    judged = zip(sequence(spec.get("validations")), validations, found[len(variables) :], strict=True)
    for each, written, value in judged:
        try:
            if is_final and isinstance(value, engine.DataError):
                raise value
            if _known(written, value, raises=True) is True:
                continue
            said = _said(mapping(each), given, variables, names)
        except engine.DataError as error:
            if spec.get("failurePolicy", "Fail") != "Fail":
                continue
            said = "its expression fails" + ("" if given["object"].get("kind") == "Secret" else f": {error}")
        yield written, said or "an expression does not hold: " + " ".join(written.split())


def _said(
    validation: Mapping[str, Any], given: Mapping[str, Any], variables: Sequence[tuple[str, str]], names: Sequence[str]
) -> str:
    found: Any = ""
    written = text(validation.get("messageExpression"))
    # What a message is made of may be what a Secret holds.
    if written and given["object"].get("kind") != "Secret":
        found = engine.values([engine.Question([written], given, variables)], names)[0][-1]
    said = found if isinstance(found, str) and found.strip() else text(validation.get("message"))
    return " ".join(said.split())


def _expressions(written: JSON) -> list[str]:
    return [text(mapping(each).get("expression")) for each in sequence(written)]


def _known(written: str, value: Any, *, raises: bool = False) -> Any:
    """Return the value of an expression; raise DataError, if asked to, where it fails in a cluster for certain."""
    # A field may be filled in by the API server before it asks; labels and annotations are not.
    is_sure = isinstance(value, engine.DataError) and (not value.is_absent or _is_of_labels(str(value), written))
    if isinstance(value, engine.DataError) and raises and is_sure:
        raise value
    if isinstance(value, ValueError):
        raise _UnknownError(str(value))
    return value


def _is_of_labels(said: str, written: str) -> bool:
    key = said.removeprefix("no such key: ").strip('"')
    names = r"(labels|annotations)"
    return key == "labels" or bool(
        re.search(rf"\b{names}(\.{re.escape(key)}\b|\[['\"]{re.escape(key)}['\"]\])", written)
    )


def _is_meant(rule: Mapping[str, Any], resource: Resource) -> bool:
    data = resource.document.data
    version = text(field(data, "apiVersion")).rpartition("/")[2]

    def has(name: str, value: str) -> bool:
        return bool({"*", value} & {*map(text, sequence(rule.get(name)))})

    names, scope = sequence(rule.get("resourceNames")), text(rule.get("scope")) or "*"
    resources = {*map(text, sequence(rule.get("resources")))}
    return (
        has("apiGroups", group_and_kind(data)[0])
        and has("apiVersions", version)
        and has("operations", "CREATE")
        and bool({"*", "*/*", resource.plural} & resources)
        and scope in {"*", "Namespaced" if resource.namespace else "Cluster"}
        and (not names or field(data, "metadata", "name") in names)
    )


def _filled(resource: Resource) -> dict[str, Any]:
    """Return an object with what the API server fills in before it asks a policy, of what policies ask for."""
    data: dict[str, Any] = copy.deepcopy(dict(mapping(resource.document.data)))
    metadata = data["metadata"] = {**mapping(data.get("metadata"))}
    if resource.namespace:
        metadata.setdefault("namespace", resource.namespace)
    spec = data.get("spec")
    kind = group_and_kind(data)[1]
    if isinstance(spec, dict) and kind in {"Deployment", "ReplicaSet", "StatefulSet"}:
        spec.setdefault("replicas", 1)
    if isinstance(spec, dict) and kind == "Service":
        _fill(spec, type="ClusterIP", sessionAffinity="None")
        for port in sequence(spec.get("ports")):
            if isinstance(port, dict):
                _fill(port, protocol="TCP", targetPort=port.get("port"))
    for _, pod in pod_specs(data):
        if not isinstance(pod, dict):
            continue
        _fill(pod, restartPolicy="Always", dnsPolicy="ClusterFirst", schedulerName="default-scheduler")
        _fill(pod, securityContext={}, terminationGracePeriodSeconds=30)
        for container in [*sequence(pod.get("containers")), *sequence(pod.get("initContainers"))]:
            if isinstance(container, dict):
                image = text(container.get("image")).rpartition("/")[2]
                is_moving = "@" not in image and (":" not in image or image.endswith(":latest"))
                _fill(container, imagePullPolicy="Always" if is_moving else "IfNotPresent", resources={})
                _fill(container, terminationMessagePath="/dev/termination-log", terminationMessagePolicy="File")
                for port in sequence(container.get("ports")):
                    if isinstance(port, dict):
                        _fill(port, protocol="TCP")
    return data


def _fill(fields: dict[str, Any], **defaults: Any) -> None:
    for name, value in defaults.items():
        fields.setdefault(name, value)
