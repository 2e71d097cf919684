"""The rules of the repository's own policies: one for each."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import islice

from argosy import supervisor
from argosy.argocd.inventory import everything
from argosy.argocd.matching import cluster, glob_matches
from argosy.argocd.policies import Policy
from argosy.argocd.view import View
from argosy.documents import Document, Pointer
from argosy.documents.fields import field as value_at
from argosy.documents.fields import group_and_kind, mapping, sequence, text
from argosy.documents.lines import shortened
from argosy.findings import Problem, Severity
from argosy.kubernetes import scopes
from argosy.kubernetes.admission import Admission, Bound, Refusal, Resource, Unknown
from argosy.kubernetes.expression_fields import Fields
from argosy.names import did_you_mean
from argosy.rules.admission import Deployed, clusters, defined_plurals
from argosy.rules.examples import REPLICATED
from argosy.rules.expressions import OWN_VARIABLES, flaws, of_policy
from argosy.rules.registry import RULES, Rule, Scope, declare
from argosy.schemas import builtin_kinds

_EXAMPLE = """
# file: .argosy.yaml
policies:
  - name: few-replicas
    matchConstraints:
      resourceRules:
        - apiGroups: [apps]
          apiVersions: [v1]
          operations: [CREATE, UPDATE]
          resources: [deployments]
    validations:
      - expression: object.spec.replicas <= 5
        message: no more than five replicas
"""

POLICY = declare(
    "policy",
    Severity.ERROR,
    "A manifest that a policy of the repository's own refuses.",
    explanation="`.argosy.yaml` has policies, or names files with ValidatingAdmissionPolicies that no cluster has to "
    "have: expressions in CEL that manifests have to fulfil, also those that are rendered from charts and overlays. "
    "Each policy is a rule of its own, `policy/NAME`, with the severity that it says; "
    "`argosy help policies` shows how they are written.",
    bad=_EXAMPLE + REPLICATED.replace("REPLICAS", "9"),
    good=_EXAMPLE + REPLICATED.replace("REPLICAS", "3"),
)
_PATH = re.compile(r"\bobject((?:\.\w+)+)(?![\w(])")
"""Fields of the object that an expression names one below the other."""
_GLOB = re.compile(r"[*?\[\]{}]")
_DEEPEST = 100
"""How many paths of an expression are looked at, each how deep."""


def rules_of(policies: Iterable[Policy]) -> Iterator[Rule]:
    """Yield a rule for each policy."""
    for policy in policies:
        validations = [*map(mapping, sequence(policy.spec.get("validations")))]
        messages = [text(each.get("message")) for each in validations]
        asked = "\n".join(" ".join(text(each.get("expression")).split()) for each in validations)

        where = f"{policy.document.path}:{policy.document.line_of(policy.at)}"

        def check(view: View, policy: Policy = policy) -> Iterator[Problem]:
            for resource, refusal in _asked(view)[0].get(policy.id, ()):
                yield _problem(policy, resource, refusal)

        yield Rule(
            policy.id,
            policy.severity or Severity.ERROR,
            Scope.REPOSITORY,
            " ".join(f"{each.rstrip('.')}." for each in messages if each) or f"The policy {policy.name}.",
            f"A policy of this repository, in {where}. It asks:\n\n{asked}",
            *("", ""),
            check,
        )


def flawed(policies: Iterable[Policy], kubernetes: str) -> Iterator[tuple[Rule, Problem]]:
    """Yield what does not compile, and what names a field that this version of Kubernetes does not have.

    What does not compile in files is found as in all that have policies.
    """
    rule = RULES["cel-expression"]
    for policy in policies:
        document, inline = policy.document, policy.at != ("spec",)
        for problem in flaws(document, of_policy(document.data, policy.at), OWN_VARIABLES) if inline else ():
            yield rule, replace(problem, document=document)
        for place, found in Fields(kubernetes, policy.spec).unknown():
            at = (*policy.at, *place)
            shown = ".".join(map(str, at))
            message = f"The expression {shown} names {found.path}, which none of the kinds has that it is about."
            yield rule, Problem(message, at, did_you_mean(found.name, found.known), document)


def unfitting(repository: View, kubernetes: str) -> Iterator[Problem]:
    """Yield what policies are about that is not there; where no document is named it is in `.argosy.yaml`."""
    there = {
        "environments": {*repository.environments, *(each.environment for each in repository.applications)},
        "applications": {
            *repository.application_settings,
            *(each.application or each.name for each in repository.applications),
        },
    }
    is_whole = repository.wanted is everything
    for at, match in {policy.entry: policy.match for policy in repository.policies}.items() if is_whole else ():
        for name, known in there.items():
            globs = [*map(text, sequence(match.get(name)))]
            is_any = any(glob_matches(each, value) for each in globs for value in known)
            for place, each in enumerate(globs):
                # One of several globs may be about what comes later.
                if each not in known and not (is_any and _GLOB.search(each)):
                    message = f"A policy asks about the {name} “{shortened(each)}”, of which there are none here."
                    hint = did_you_mean(each, known)
                    yield Problem(message, (*at, "match", name, place), hint, severity=Severity.WARNING)
    plurals = _plurals(repository, kubernetes) if repository.policies else {}
    singular = {kind.lower(): name for kinds in plurals.values() for kind, name in kinds.items()}
    every = {*singular.values(), *defined_plurals(repository).values()}
    for policy in repository.policies:
        rules = sequence(mapping(policy.spec.get("matchConstraints")).get("resourceRules"))
        for place, rule in enumerate(map(mapping, rules)):
            groups = [*map(text, sequence(rule.get("apiGroups")))]
            known = {name for group in groups for name in plurals.get(group, {}).values()}
            for index, each in enumerate(map(text, sequence(rule.get("resources")))):
                resource = each.partition("/")[0]
                # Of what no group is named for, only the name of a kind is surely none of a resource.
                is_known = resource in every or resource not in singular
                if all(group in plurals for group in groups):
                    is_known = resource in known
                if resource != "*" and not is_known:
                    at = (*policy.at, "matchConstraints", "resourceRules", place, "resources", index)
                    message = (
                        f"A policy asks about the resources “{shortened(each)}”, which these API groups do not have."
                    )
                    hint = did_you_mean(resource, known or every)
                    yield Problem(message, at, hint, policy.document, severity=Severity.WARNING)


def _plurals(repository: View, kubernetes: str) -> Mapping[str, Mapping[str, str]]:
    """Return what the API calls the kinds of the groups that Kubernetes itself serves, for each group."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for api_version, kind in builtin_kinds.kubernetes(kubernetes).kinds:
        found[api_version.rpartition("/")[0]][kind] = scopes.plural(kind)
    for (group, kind), name in defined_plurals(repository).items():
        if group in found:
            found[group][kind] = name
    return found


def not_judged(repository: View) -> Sequence[tuple[Document, str]]:
    """Return what has policies that say nothing of some manifest here, with the reason."""
    names = {policy.id: policy for policy in repository.policies}
    idle = [
        (each.document, f"its policy {each.name} is about no CREATE, and each manifest is judged as a new object")
        for each in repository.policies
        if not each.is_of_creation
    ]
    return idle + [
        (each.policy, f"its policy {names[name].name} is not judged on some manifests: {each.reason}")
        for name, each in _asked(repository)[1].items()
    ]


def _problem(policy: Policy, resource: Resource, refusal: Refusal) -> Problem:
    data = resource.document.data
    kind, name = group_and_kind(data)[1], text(value_at(data, "metadata", "name"))
    severity = policy.severity or (Severity.ERROR if refusal.is_denied else Severity.WARNING)
    hint = "" if policy.at != ("spec",) else f"The policy is in {policy.document.path}."
    return Problem(
        f"The policy {policy.name} {'refuses' if severity is Severity.ERROR else 'warns of'} {kind} {name}: "
        f"{refusal.message}".rstrip(".")
        + ".",
        _place(data, refusal.expression),
        hint,
        resource.document,
        among=(),
        severity=severity,
    )


def _place(data: object, expression: str) -> Pointer:
    """Return the field that an expression is about, as deep as the manifest has it; its name where it names none."""
    deepest: Pointer = ()
    for path in _named(expression):
        value, count = data, 0
        while count < len(path) and isinstance(value, dict) and value.get(path[count]) is not None:
            value, count = value[path[count]], count + 1
        deepest = max(deepest, path[:count], key=len)
    return deepest or ("metadata", "name")


@lru_cache(maxsize=1024)
def _named(expression: str) -> Sequence[tuple[str, ...]]:
    """Return the paths below the object that an expression names, as many and as deep as manifests have them."""
    found = (tuple(each[1].split(".", _DEEPEST + 1)[1 : _DEEPEST + 1]) for each in _PATH.finditer(expression))
    return [*islice(dict.fromkeys(found), _DEEPEST)]


_Found = tuple[dict[str, list[tuple[Resource, Refusal]]], dict[str, Unknown]]


@lru_cache(maxsize=1)  # One validation looks at one View.
def _asked(repository: View) -> _Found:
    """Return what each policy says against what is deployed, by its rule, and why it says nothing of some of it."""
    refusals: dict[str, dict[tuple[int, Refusal], tuple[Resource, Refusal]]] = {}
    unknown: dict[str, Unknown] = {}
    deadline = time.monotonic() + supervisor.limits().seconds
    for deployed in clusters(repository) if repository.policies else ():
        admission = Admission([*dict.fromkeys(each.resource for each in deployed)], deadline)
        for each in deployed:
            asked = {bound: policy.id for policy, bounds in _about(each, repository) for bound in bounds}
            for bound, found in admission.ask(each.resource, [*asked]):
                if isinstance(found, Unknown):
                    unknown.setdefault(asked[bound], found)
                else:
                    key = (id(each.resource.document), found)
                    refusals.setdefault(asked[bound], {}).setdefault(key, (each.resource, found))
    return {name: [*found.values()] for name, found in refusals.items()}, unknown


def _about(deployed: Deployed, repository: View) -> Iterator[tuple[Policy, Sequence[Bound]]]:
    """Yield the policies that may be about a resource, by what they are narrowed down to, as they are in force."""
    application, resource = deployed.application, deployed.resource
    server, name = cluster(application, repository) if application else (None, None)
    known = {
        "application": application.application or application.name if application else "",
        "environment": application.environment if application else "",
        "cluster": name or server or "",
    }
    for policy in repository.policies:
        if (
            policy.is_about("applications", known["application"])
            and policy.is_about("environments", known["environment"])
            and policy.is_about("clusters", name or "", server or "")
            and policy.is_about("namespaces", resource.namespace)
        ):
            yield policy, policy.bound(known)
