"""ValidatingAdmissionPolicies: which objects they are asked about, and what they say of them."""

from __future__ import annotations

import copy
import math
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from argosy import supervisor
from argosy.cel import engine
from argosy.documents import Document
from argosy.documents.fields import JSON, field, group_and_kind, mapping, sequence, text
from argosy.documents.lines import shortened
from argosy.kubernetes.pods import pod_specs
from argosy.kubernetes.selectors import selects

GROUP = "admissionregistration.k8s.io"
VARIABLES = ("object", "oldObject", "request", "params", "namespaceObject", "variables", "authorizer")
"""What the expressions of a policy may name."""
_SECRETS = frozenset({"Secret", "SecretList", "SopsSecret", "SopsSecretList"})
_LONGEST = 200
"""How much of an expression a message quotes."""
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

    def __init__(self, resources: Sequence[Resource], deadline: float = math.inf) -> None:
        """Take everything that is deployed there, and when, by the monotonic clock, no more is asked."""
        self._resources = resources
        self._deadline = deadline
        self._has_stopped = False

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
        yield from dict.fromkeys(found for _, found in self.ask(resource, self._bound))

    def ask(self, resource: Resource, policies: Sequence[Bound]) -> Iterator[tuple[Bound, Refusal | Unknown]]:
        """Yield what policies say against an object that is new."""
        if group_and_kind(resource.document.data)[0] == GROUP:
            return  # Policies are not asked about each other.
        if not isinstance(field(resource.document.data, "metadata"), dict | None):
            return  # Nor about what the API server cannot read.
        cases: list[_Case] = []
        filled = cache(lambda: self._given(resource))
        holds_secret = cache(lambda: holds_secrets(filled()))
        for bound in policies:
            if time.monotonic() > self._deadline:
                yield (
                    bound,
                    Unknown(bound.policy, f"all policies took more than {supervisor.limits().seconds:g} seconds"),
                )
                continue
            try:
                for given in self._given_besides(bound, resource):
                    cases.append(_Case(bound, filled(), given, holds_secret() or holds_secrets(given)))
            except _UnknownError as error:
                yield bound, Unknown(bound.policy, str(error))
        meant: list[_Case] = []
        for case, values in zip(cases, self._values([each.conditions for each in cases]), strict=True):
            try:
                if (refusal := case.unmet(values)) is None:
                    meant.append(case)
                elif refusal.message:
                    yield case.bound, refusal
            except _UnknownError as error:
                yield case.bound, Unknown(case.bound.policy, str(error))
        broken: list[tuple[_Case, _Broken]] = []
        for case, values in zip(meant, self._values([each.validations for each in meant]), strict=True):
            found = case.broken(values)
            broken += [(case, each) for each in found if isinstance(each, _Broken)]
            yield from ((case.bound, each) for each in found if isinstance(each, Unknown))
        for (case, each), values in zip(
            broken, self._values([case.message_of(each) for case, each in broken]), strict=True
        ):
            yield case.bound, case.refusal(each, values)

    def _given_besides(self, bound: Bound, resource: Resource) -> Iterator[Mapping[str, Any]]:
        """Yield what the expressions of a policy may name besides, for each of its parameters, if it is about it."""
        spec, binding = bound.spec, bound.binding
        constraints = mapping(spec.get("matchConstraints"))
        narrower = mapping(binding.get("matchResources"))
        if not self._matches(constraints, resource) or (narrower and not self._matches(narrower, resource, bare=True)):
            return
        for params in self._params(spec, binding, resource):
            yield {"params": params, **(bound.own or {}), "variables": {}}

    def _values(self, questions: Sequence[engine.Question]) -> Sequence[Sequence[Any]]:
        """Return what questions about one object give; they are asked at once, until one of them stops the engine."""
        names = list(dict.fromkeys([*VARIABLES, *(name for each in questions for name in each.given)]))
        if not self._has_stopped:
            found = engine.values(questions, names)
            outcomes = [each for values in found for each in values]
            is_stopped = bool(outcomes) and all(
                isinstance(each, engine.UnknownError) and not each.is_of_data for each in outcomes
            )
            if not is_stopped or len(questions) < 2:
                return found
            self._has_stopped = True
        return [engine.values([each], names)[0] for each in questions]

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


@dataclass(frozen=True, slots=True)
class _Broken:
    """A validation that does not hold."""

    validation: Mapping[str, Any]
    failure: str = ""
    """Why its expression fails; empty where it gives false."""


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    """A policy that is asked about an object with parameters."""

    bound: Bound
    filled: Mapping[str, Any]
    """What all policies are given."""
    given: Mapping[str, Any]
    holds_secret: bool
    """Whether what it is given has a value of a Secret, which nothing may tell that is made of it."""

    @property
    def _is_lenient(self) -> bool:
        return bool(self.bound.spec.get("failurePolicy", "Fail") != "Fail")

    def _question(self, texts: Sequence[str], *, has_variables: bool = True) -> engine.Question:
        made = map(mapping, sequence(self.bound.spec.get("variables"))) if has_variables else ()
        variables = [(text(each.get("name")), text(each.get("expression"))) for each in made]
        return engine.Question(texts, self.given, variables, self.filled)

    @property
    def conditions(self) -> engine.Question:
        """What has to hold for it to be asked."""
        return self._question(_expressions(self.bound.spec.get("matchConditions")), has_variables=False)

    @property
    def validations(self) -> engine.Question:
        """What it asks."""
        return self._question(_expressions(self.bound.spec.get("validations")))

    def unmet(self, values: Sequence[Any]) -> Refusal | None:
        """Return the refusal where a condition fails, one without a message where one does not hold, None if all do.

        As in the API server one that is false decides, whatever the others are.
        """
        found = [*zip(sequence(self.bound.spec.get("matchConditions")), values, strict=True)]
        if any(value is False for _, value in found):
            return Refusal(self.bound.policy, "", is_denied=False)
        for each, value in found:
            written, name = text(mapping(each).get("expression")), text(mapping(each).get("name"))
            try:
                if self._known(written, value) is not True:
                    return self._refused(f"its match condition {name} must be true or false", written)
            except engine.DataError as error:
                said = "" if self._is_lenient else self._failure(f"its match condition {name} fails", error)
                return self._refused(said, written)
        return None

    def broken(self, values: Sequence[Any]) -> Sequence[_Broken | Unknown]:
        """Return the validations that do not hold, and why the others are not known where one is not."""
        found: list[_Broken | Unknown] = []
        validations = [*map(mapping, sequence(self.bound.spec.get("validations")))]
        for each, value in zip(validations, values[len(values) - len(validations) :], strict=True):
            try:
                if self._known(text(each.get("expression")), value) is not True:
                    found.append(_Broken(each))
            except engine.DataError as error:
                found += [] if self._is_lenient else [_Broken(each, self._failure("its expression fails", error))]
            except _UnknownError as error:
                return [*found, Unknown(self.bound.policy, str(error))]
        return found

    def message_of(self, broken: _Broken) -> engine.Question:
        """Return the question for the message of a validation, of no text where there is none to ask for."""
        written = text(broken.validation.get("messageExpression"))
        is_asked = written and not broken.failure and not self.holds_secret
        return self._question([written]) if is_asked else engine.Question([], {})

    def refusal(self, broken: _Broken, values: Sequence[Any]) -> Refusal:
        """Return what is said of a validation that does not hold, with the values of its message."""
        found = values[-1] if values else ""
        written = text(broken.validation.get("expression"))
        said = found if isinstance(found, str) and found.strip() else text(broken.validation.get("message"))
        said = " ".join((broken.failure or said).split())
        shown = shortened(" ".join(written.split()), _LONGEST)
        return self._refused(said or f"an expression does not hold: {shown}", written)

    def _refused(self, message: str, expression: str) -> Refusal:
        is_denied = "Deny" in sequence(self.bound.binding.get("validationActions"))
        return Refusal(self.bound.policy, message, is_denied, expression)

    def _failure(self, said: str, error: ValueError) -> str:
        return said if self.holds_secret else f"{said}: {error}"

    def _known(self, written: str, value: Any) -> Any:
        """Return the value of an expression; raise DataError where it fails in a cluster for certain.

        Where the object is final, what it lacks it will lack. Otherwise the API server may fill in a field before it
        asks; labels and annotations it does not.
        """
        if isinstance(value, engine.DataError) and (
            self.bound.own is not None or not value.is_absent or _is_of_labels(str(value), written)
        ):
            raise value
        is_of_data = isinstance(value, engine.DataError) or (
            isinstance(value, engine.UnknownError) and value.is_of_data
        )
        if is_of_data and self.holds_secret:
            raise _UnknownError("an expression fails here, and why is not told, as a Secret is in what it is given")
        if isinstance(value, ValueError):
            raise _UnknownError(str(value))
        return value


def holds_secrets(data: Any) -> bool:
    """Return whether data have a Secret, or what becomes one, whose values nothing may tell."""
    left = [data]
    while left:
        each = left.pop()
        if isinstance(each, dict):
            is_whole = "apiVersion" in each or not each.keys().isdisjoint({"data", "stringData"})
            if text(each.get("kind")) in _SECRETS and is_whole:
                return True
            left += each.values()
        elif isinstance(each, list):
            left += each
    return False


def _expressions(written: JSON) -> list[str]:
    return [text(mapping(each).get("expression")) for each in sequence(written)]


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
