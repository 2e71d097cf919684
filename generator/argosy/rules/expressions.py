"""Rules of expressions in CEL that definitions and policies hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from argosy.argocd.view import View
from argosy.cel import engine
from argosy.documents import Document, Pointer
from argosy.documents.fields import JSON, group_and_kind, mapping, sequence
from argosy.documents.fields import field as value_at
from argosy.findings import Problem, Severity
from argosy.kubernetes.admission import VARIABLES
from argosy.rules.registry import Scope, rule
from argosy.schemas.crds import RULES

OWN_VARIABLES = (*VARIABLES, "argosy")
"""What the expressions of a policy of the repository's own may name."""
_POLICY = """
# file: policy.yaml
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: owner
spec:
  matchConstraints:
    resourceRules:
      - apiGroups: [""]
        apiVersions: [v1]
        operations: [CREATE]
        resources: [configmaps]
  validations:
    - expression: EXPRESSION
"""


@rule(
    "cel-expression",
    Severity.ERROR,
    Scope.DOCUMENT,
    "An expression in CEL that the API server cannot compile.",
    explanation="The API server rejects a CustomResourceDefinition whose rules do not compile, and a policy whose "
    "expressions do not: nothing is installed, and what is there before stays. Found are errors of syntax, and "
    "variables and functions that there are not; in policies of the repository's own also fields that none of their "
    "kinds has.",
    bad=_POLICY.replace("EXPRESSION", "has(object.metadata.labels"),
    good=_POLICY.replace("EXPRESSION", "has(object.metadata.labels)"),
)
def expression(document: Document, repository: View) -> Iterator[Problem]:
    """Find expressions that do not compile."""
    group, kind = group_and_kind(document.data)
    found: Iterator[Pointer] = iter(())
    names: Sequence[str] = VARIABLES
    if (group, kind) == ("apiextensions.k8s.io", "CustomResourceDefinition"):
        found, names = _rules_of(document.data, ()), ("self", "oldSelf")
    elif (group, kind) == ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"):
        found = of_policy(document.data, ("spec",))
        is_own = any(
            (each.document.path, each.document.index) == (document.path, document.index) for each in repository.policies
        )
        names = OWN_VARIABLES if is_own else VARIABLES
    yield from flaws(document, found, names)


def flaws(document: Document, places: Iterable[Pointer], names: Sequence[str]) -> Iterator[Problem]:
    """Yield what does not compile of the expressions in these places of a document."""
    written = [(at, each) for at in places if isinstance(each := value_at(document.data, *at), str)]
    for (at, _), flaw in zip(written, engine.flaws([each for _, each in written], names), strict=True):
        if flaw:
            shown = ".".join(str(part) for part in at)
            yield Problem(f"The expression {shown} does not compile: {flaw}.", at, "Mend the expression.")


def _rules_of(data: JSON, at: Pointer) -> Iterator[Pointer]:
    """Yield the places of the expressions of a definition's schemas."""
    if isinstance(data, dict):
        for place, _ in enumerate(sequence(data.get(RULES))):
            yield from ((*at, RULES, place, name) for name in ("rule", "messageExpression"))
        for name, each in data.items():
            if name not in {RULES, "default", "example"}:
                yield from _rules_of(each, (*at, name))
    elif isinstance(data, list):
        for place, each in enumerate(data):
            yield from _rules_of(each, (*at, place))


def of_policy(data: JSON, prefix: Pointer) -> Iterator[Pointer]:
    """Yield the places of the expressions of a policy, whose fields are at `prefix`."""
    places = {
        "validations": ("expression", "messageExpression"),
        "auditAnnotations": ("valueExpression",),
        "matchConditions": ("expression",),
        "variables": ("expression",),
    }
    for name, fields in places.items():
        for place, _ in enumerate(sequence(mapping(value_at(data, *prefix)).get(name))):
            yield from ((*prefix, name, place, each) for each in fields)
