"""What ValidatingAdmissionPolicies of a repository say of its manifests."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from argosy import supervisor
from argosy.cel import engine
from argosy.findings import Report
from tests.children import linux
from tests.validating import Validate

RULE = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop, namespace: dev, labels: {team: shop}}\ndata: {a: '9'}\n"
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: dev, labels: {tier: low}}\n"


def policy(
    expression: str, *, binding: dict[str, Any] | None = None, rule: dict[str, Any] | None = None, **spec: Any
) -> str:
    """Return a policy of one expression, and its binding."""
    constraints = {"resourceRules": [RULE | (rule or {})], **spec.pop("constraints", {})}
    made = {"matchConstraints": constraints, "validations": [{"expression": expression, "message": "no"}], **spec}
    bound = {"policyName": "p", "validationActions": ["Deny"], **(binding or {})}
    group = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": "p"}}
    return yaml.safe_dump_all(
        [
            {**group, "kind": "ValidatingAdmissionPolicy", "spec": made},
            {**group, "kind": "ValidatingAdmissionPolicyBinding", "spec": bound},
        ]
    )


def said(report: Report) -> list[str]:
    return [f"{each.severity} {each.message}" for each in report.findings if each.rule == "admission-policy"]


def not_judged(report: Report) -> list[str]:
    return [each.reason for each in report.outcomes if each.path == "policy.yaml" and each.reason]


REFUSED = "error The ValidatingAdmissionPolicy p refuses ConfigMap shop: no."
WARNED = "warning The ValidatingAdmissionPolicy p warns of ConfigMap shop: no."
FAILS = REFUSED.replace("no.", 'its expression fails: no such key: "owner".')
LOW: dict[str, Any] = {"namespaceSelector": {"matchLabels": {"tier": "low"}}}
SECRET: dict[str, Any] = {"paramKind": {"apiVersion": "v1", "kind": "Secret"}, "binding": {"paramRef": {"name": "x"}}}


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (policy("object.data.a == '9'"), []),
        (policy("object.data.a == '1'"), [REFUSED]),
        (policy("false", binding={"validationActions": ["Warn", "Audit"]}), [WARNED]),
        (policy("false", rule={"operations": ["DELETE"]}), []),
        (policy("false", rule={"resources": ["secrets"]}), []),
        (policy("false", rule={"resources": ["*"], "apiGroups": ["*"], "scope": "Namespaced"}), [REFUSED]),
        (policy("false", rule={"resourceNames": ["other"]}), []),
        (policy("false", constraints={"objectSelector": {"matchLabels": {"team": "web"}}}), []),
        (policy("false", constraints=LOW), [REFUSED]),
        (policy("false", constraints={"namespaceSelector": {"matchLabels": {"tier": "top"}}}), []),
        (policy("false", constraints={"excludeResourceRules": [RULE]}), []),
        (policy("false", binding={"matchResources": {"objectSelector": {"matchLabels": {"team": "web"}}}}), []),
        (policy("false", matchConditions=[{"name": "a", "expression": "object.metadata.name != 'shop'"}]), []),
        (policy("variables.count < 9", variables=[{"name": "count", "expression": "int(object.data.a)"}]), [REFUSED]),
        (policy("namespaceObject.metadata.labels.tier == 'low' && request.operation == 'CREATE'"), []),
        (policy("object.metadata.labels.owner == 'a'"), [FAILS]),
        (policy("object.metadata.labels.owner == 'a'", failurePolicy="Ignore"), []),
        (
            policy("false", validations=[{"expression": "false", "messageExpression": "'not ' + object.data.a"}]),
            [REFUSED.replace("no.", "not 9.")],
        ),
    ],
)  # fmt: skip
def test_what_a_policy_says(made: str, found: list[str], validate: Validate) -> None:
    report = validate({"policy.yaml": made, "map.yaml": MAP, "namespace.yaml": NAMESPACE})
    assert (said(report), not_judged(report)) == (found, [])


def test_metadata_of_any_shape(validate: Validate) -> None:
    """What has none is judged, what the API server cannot read is not."""
    maps = "---\n".join(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {each}\n" for each in ("", "text", "[a]", "1"))
    found = said(validate({"policy.yaml": policy("false"), "maps.yaml": maps}))
    assert found == ["error The ValidatingAdmissionPolicy p refuses ConfigMap : no."]


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (policy("request.userInfo.username == 'a'"), 'no such key: "userInfo"'),
        (policy("authorizer.group('').resource('pods').check('get').allowed()"), "undeclared reference"),
        (policy("false", constraints=LOW), "the labels of the namespace dev"),
        (policy("false", **SECRET), "its parameters, Secret x"),
    ],
)  # fmt: skip
def test_what_is_not_known_here_is_not_judged(made: str, reason: str, validate: Validate) -> None:
    report = validate({"policy.yaml": made, "map.yaml": MAP})
    assert said(report) == []
    assert reason in str(not_judged(report))


def test_parameters_and_defaults(validate: Validate) -> None:
    deployment = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: dev}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: shop, image: 'nginx:1.29.3'}]}
"""
    most = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: most, namespace: dev}\ndata: {replicas: '0'}\n"
    made = policy(
        "object.spec.replicas <= int(params.data.replicas) && object.spec.template.spec.restartPolicy == 'Always'",
        rule={"apiGroups": ["apps"], "resources": ["deployments"]},
        paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
        binding={"paramRef": {"name": "most", "parameterNotFoundAction": "Deny"}},
    )
    found = validate({"policy.yaml": made, "map.yaml": most, "deployment.yaml": deployment})
    assert said(found) == ["error The ValidatingAdmissionPolicy p refuses Deployment shop: no."]
    assert (
        said(validate({"policy.yaml": made, "map.yaml": most.replace("'0'", "'1'"), "deployment.yaml": deployment}))
        == []
    )


@linux
def test_a_policy_that_would_take_all_memory_is_not_judged_and_the_others_are(
    validate: Validate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine._Run, "stops", 0)
    monkeypatch.setenv("ARGOSY_RENDER_MEMORY", "200")
    supervisor.stop_all()
    doubled = [{"name": f"v{each + 1}", "expression": f"variables.v{each} + variables.v{each}"} for each in range(40)]
    variables = [{"name": "v0", "expression": "'abcdefgh'"}, *doubled]
    other = policy("false").replace("name: p", "name: q").replace("policyName: p", "policyName: q")
    made = policy("size(variables.v40) < 0", variables=variables)
    report = validate({"policy.yaml": made, "other.yaml": other, "map.yaml": MAP})
    assert said(report) == [REFUSED.replace("Policy p", "Policy q")]
    (reason,) = not_judged(report)
    assert "memory" in reason  # Of the engine, or of what hands its values over.


def test_policies_of_another_cluster_say_nothing(validate: Validate) -> None:
    application = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: NAME, namespace: argocd}
spec:
  project: default
  source: {repoURL: 'https://git.example.com/a.git', path: NAME, targetRevision: main}
  destination: {server: 'https://SERVER', namespace: dev}
"""

    def report(server: str) -> Report:
        return validate(
            {
                "apps/policies.yaml": application.replace("NAME", "policies").replace("SERVER", "one.example.com"),
                "apps/shop.yaml": application.replace("NAME", "shop").replace("SERVER", server),
                "policies/policy.yaml": policy("false"),
                "shop/map.yaml": MAP,
            }
        )

    assert said(report("one.example.com")) == [REFUSED]
    assert said(report("two.example.com")) == []
