"""Policies of a repository's own: what they say, of what, and where."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from argosy.cel import engine
from argosy.cli import completing
from argosy.findings import Report, Severity
from tests.conftest import Argosy
from tests.validating import Validate

PAGE = Path(__file__).parents[2] / "docs/how-to/policies.md"
BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHOWN = {
    each["name"]: each
    for block in BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    for each in yaml.safe_load(block)["policies"]
    if "name" in each
}
RULE = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: shop\n  labels: {team: a}\ndata:\n  a: '9'\n"
APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop-ENV, namespace: argocd, labels: {app.kubernetes.io/name: shop, environment: ENV}}
spec:
  project: default
  source: {repoURL: 'https://git.example.com/a.git', path: PATH, targetRevision: main}
  destination: {server: 'https://ENV.example.com', namespace: shop-ENV}
"""
CHART = {
    "charts/shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
    "charts/shop/templates/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: shop\ndata: {a: '9'}\n",
}
OVERLAY = {
    "charts/shop/kustomization.yaml": "resources: [map.yaml]\nnamePrefix: my-\n",
    "charts/shop/map.yaml": MAP,
}


def policy(expression: str, *, name: str = "mine", message: str = "no", **more: Any) -> dict[str, Any]:
    """Return a policy of one expression over everything."""
    asked = {"expression": expression, **({"message": message} if message else {})}
    return {"name": name, "matchConstraints": {"resourceRules": [RULE]}, "validations": [asked], **more}


def configured(*policies: dict[str, Any], **more: Any) -> dict[str, str]:
    """Return the configuration that has some policies."""
    return {".argosy.yaml": yaml.safe_dump({"policies": [*policies], **more}, sort_keys=False)}


def deployed(path: str = "charts/shop", environments: tuple[str, ...] = ("dev", "prod")) -> dict[str, str]:
    """Return an Application for each environment."""
    made = {each: APPLICATION.replace("PATH", path).replace("ENV", each) for each in environments}
    return {f"argocd/{name}.yaml": text for name, text in made.items()}


def said(report: Report) -> list[str]:
    """Return what policies say."""
    found = [each for each in report.findings if each.rule.startswith("policy/")]
    return [f"{each.path}:{each.line or ''} {each.severity} {each.message} [{each.rule}]" for each in found]


def workload(image: str, **container: Any) -> str:
    made = {"name": "shop", "image": image, **container}
    return yaml.safe_dump(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "shop", "labels": {"team": "a"} if image != "nobody's" else {}},
            "spec": {
                "selector": {"matchLabels": {"app": "shop"}},
                "template": {"metadata": {"labels": {"app": "shop"}}, "spec": {"containers": [made]}},
            },
        }
    )


SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {type: LoadBalancer, ports: [{port: 80}], selector: {app: a}}
"""
ENOUGH = {"resources": {"limits": {"memory": "1Gi"}, "requests": {"cpu": "1"}}}


@pytest.mark.parametrize(
    ("name", "bad", "good", "message"),
    [
        ("no-latest", workload("nginx"), workload("localhost:5000/nginx:1.2"), "no tag, or latest: nginx"),
        ("no-latest", workload("a/b:latest"), workload("a/b@sha256:" + "0" * 64), "no tag, or latest: a/b:latest"),
        ("team-label", workload("nobody's"), workload("nginx"), "the label team says whose it is"),
        (
            "limits-in-production",
            workload("a:1", resources={"limits": {"cpu": "1"}}),
            workload("a:1", **ENOUGH),
            "each container has a memory limit and a cpu request",
        ),
        (
            "allowed-registries",
            workload("docker.io/nginx:1"),
            workload("ghcr.io/acme/shop:1"),
            "not from registry.example.com/ or ghcr.io/acme/: docker.io/nginx:1",
        ),
        (
            "no-load-balancer",
            SERVICE,
            SERVICE.replace("LoadBalancer", "ClusterIP"),
            "addresses cost money outside of production, an Ingress will do",
        ),
    ],
)
def test_the_page_shows_policies_that_work(name: str, bad: str, good: str, message: str, validate: Validate) -> None:
    files = {**configured(SHOWN[name]), **deployed("plain")}
    report = validate({**files, "plain/it.yaml": bad})
    found = [each for each in report.findings if each.rule == f"policy/{name}"]
    assert [message in each.message for each in found] == [True]
    (only,) = found
    told = {each.environment for each in only.places} - {""}
    expected = {"limits-in-production": {"prod"}, "no-load-balancer": {"dev"}}.get(name, told)
    assert (told or expected, only.severity) == (expected, SHOWN[name].get("severity", "error"))
    assert said(validate({**files, "plain/it.yaml": good})) == []
    assert "cel-expression" not in {each.rule for each in report.findings}
    assert not [each for each in report.outcomes if each.path == ".argosy.yaml" and each.reason]


def test_each_policy_of_the_page_is_shown_to_work() -> None:
    assert [*SHOWN] == ["no-latest", "team-label", "limits-in-production", "allowed-registries", "no-load-balancer"]


@pytest.mark.parametrize("source", [CHART, OVERLAY, {"charts/shop/map.yaml": MAP}], ids=["chart", "overlay", "plain"])
def test_what_is_rendered_is_asked_for_each_environment(source: dict[str, str], validate: Validate) -> None:
    whose = "[argosy.application, argosy.environment, argosy.cluster, object.metadata.namespace].join(' ')"
    told = policy("object.kind != 'ConfigMap' || object.data.a == '1'", match={"environments": ["pr*"]})
    told["validations"][0] = {"expression": told["validations"][0]["expression"], "messageExpression": whose}
    report = validate({**configured(told), **deployed(), **source})
    is_chart, is_plain = source is CHART, "charts/shop/kustomization.yaml" not in source
    path = "charts/shop/templates/map.yaml" if is_chart else "charts/shop/map.yaml"
    name = "shop" if is_chart or is_plain else "my-shop"
    message = f"The policy mine refuses ConfigMap {name}: shop prod https://prod.example.com shop-prod."
    line = "" if is_chart else "7"  # Of `object.data.a`: a template has no lines that are known.
    assert said(report) == [f"{path}:{line} error {message} [policy/mine]"]
    (found,) = [each for each in report.findings if each.rule == "policy/mine"]
    assert {each.environment for each in found.places} <= {"", "prod"}


@pytest.mark.parametrize("source", [CHART, OVERLAY], ids=["chart", "overlay"])
def test_policies_of_the_cluster_are_asked_of_what_is_rendered(source: dict[str, str], validate: Validate) -> None:
    deployment = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "p"},
        "spec": {
            "matchConstraints": {"resourceRules": [{**RULE, "resources": ["configmaps"]}]},
            "validations": [{"expression": "object.data.a != '9'", "message": "no"}],
        },
    }
    binding = {
        **{"apiVersion": deployment["apiVersion"], "kind": "ValidatingAdmissionPolicyBinding"},
        **{"metadata": {"name": "p"}, "spec": {"policyName": "p", "validationActions": ["Deny"]}},
    }
    policies = APPLICATION.replace("shop-ENV", "guard").replace("ENV", "prod").replace("PATH", "guard")
    guarded = {"guard/p.yaml": yaml.safe_dump_all([deployment, binding]), "argocd/guard.yaml": policies}
    report = validate({**guarded, **deployed(), **source})
    found = [each for each in report.findings if each.rule == "admission-policy"]
    assert {place.environment for each in found for place in each.places} - {""} == {"prod"}
    assert len(found) == 1


@pytest.mark.parametrize(
    ("match", "count"),
    [
        ({"applications": ["sh*"]}, 1),
        ({"applications": ["other", "shop"], "environments": ["dev"]}, 1),
        ({"applications": ["shop-*"]}, 0),
        ({"clusters": ["https://prod.*"]}, 1),
        ({"clusters": ["in-cluster"]}, 0),
        ({"namespaces": ["shop-{dev,prod}"]}, 1),
        ({"namespaces": ["kube-*"]}, 0),
    ],
)
def test_globs_say_what_is_asked(match: dict[str, list[str]], count: int, validate: Validate) -> None:
    told = policy("object.kind != 'ConfigMap'", match=match)
    assert len(said(validate({**configured(told), **deployed(), "charts/shop/map.yaml": MAP}))) == count


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (policy("object.data.b == '1'"), 'refuses ConfigMap shop: its expression fails: no such key: "b".'),
        (policy("object.data.b == '1'", failurePolicy="Ignore"), ""),
        (policy("object.data.a == params.a", params={"a": "1"}), "refuses ConfigMap shop: no."),
        (policy("object.data.a == params.a", params={"a": "9"}), ""),
        (policy("false", message="", severity="warning"), "warns of ConfigMap shop: an expression does not"),
        (policy("false", matchConditions=[{"name": "a", "expression": "object.data.a == '1'"}]), ""),
        (policy("variables.a != '9'", variables=[{"name": "a", "expression": "object.data.a"}]), "refuses"),
    ],
)  # fmt: skip
def test_what_a_policy_says(told: dict[str, Any], message: str, validate: Validate) -> None:
    found = said(validate({**configured(told), "map.yaml": MAP}))
    assert len(found) == bool(message)
    assert all(message in each for each in found)


def test_what_is_wrong_with_a_policy_is_an_error_at_its_line(validate: Validate) -> None:
    text = """\
policies:
  - name: syntax
    matchConstraints:
      resourceRules: [{apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*"]}]
    validations:
      - expression: object.data.a ==
  - name: unknown
    matchConstraints:
      resourceRules: [{apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*"]}]
    variables:
      - {name: a, expression: objekt.data}
    validations:
      - expression: oneOf(object.data.a)
        mesage: a
  - name: syntax
    validations: []
  - path: ../elsewhere
  - path: none.yaml
"""
    report = validate({".argosy.yaml": text, "map.yaml": MAP})
    found = {(each.line, each.rule, each.message) for each in report.findings if each.path == ".argosy.yaml"}
    lines = sorted((line, rule) for line, rule, _ in found)
    assert lines == [
        (6, "cel-expression"),
        (11, "cel-expression"),
        (13, "cel-expression"),
        (14, "file-schema"),
        (15, "file-schema"),
        (15, "file-schema"),
        (16, "file-schema"),
        (17, "file-schema"),
        (18, "file-schema"),
    ]
    told = " ".join(message for _, _, message in found)
    assert "there is no variable “objekt”" in told
    assert "There are two policies “syntax”." in told
    assert "There is no ValidatingAdmissionPolicy in “../elsewhere”." in told


WORKLOADS = {**RULE, "apiGroups": ["apps"], "resources": ["deployments", "statefulsets"]}


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ("object.spec.replcas <= 5", "object.spec.replcas"),
        ("has(object.spec.template.spec.conatiners)", "object.spec.template.spec.conatiners"),
        ("object.spec.template.spec.containers.all(c, has(c.resorces))", "c.resorces"),
        ("object.spec.template.spec.containers.exists(c, c.ports.all(p, p.prot == 'a'))", "p.prot"),
        ("variables.pod.containers.all(c, c.imag != '')", "c.imag"),
        ("variables.pod.contaners.size() > 0", "variables.pod.contaners"),
        ("object.spec.?replcas.orValue(1) == 1", "object.spec.replcas"),
        # What one of the kinds has, labels and other maps, texts, what is not known, and what is bound anew.
        ("object.spec.serviceName == '' || object.spec.strategy.type == ''", ""),
        ("object.metadata.labels.whatever == 'object.spec.replcas'", ""),
        ("object.spec.template.spec.nodeSelector.all(k, k.startsWith('a'))", ""),
        ("object.spec.template.spec.containers.map(c, c.image).all(c, c.whatever)", ""),
        ("object.spec.template.spec.containers.all(c, true) && params.list.all(c, c.whatever)", ""),
        ("object.spec.template.spec.containers[0].whatever == ''", ""),
        ("variables.other.whatever == request.name", ""),
        ("object.spec.template.spec.volumes.all(v, !has(v.hostPath) || v.hostPath.path != '/')", ""),
    ],
)
def test_a_field_that_none_of_the_kinds_has_is_an_error(asked: str, path: str, validate: Validate) -> None:
    variables = [
        {"name": "pod", "expression": "object.spec.template.spec"},
        {"name": "other", "expression": "object.spec.replicas > 1 ? object : object"},
    ]
    told = policy(asked, variables=variables, params={"list": []}, matchConstraints={"resourceRules": [WORKLOADS]})
    found = [each for each in validate(configured(told)).findings if each.rule == "cel-expression"]
    assert [f"names {path}, which" in each.message for each in found] == ([True] if path else [])
    assert [each.path for each in found] == [".argosy.yaml"] * bool(path)


def test_of_kinds_that_are_not_known_no_field_is(validate: Validate) -> None:
    for resources in (["deployments", "widgets"], ["*"]):
        told = policy(
            "object.spec.replcas > 1", matchConstraints={"resourceRules": [{**WORKLOADS, "resources": resources}]}
        )
        assert [each for each in validate(configured(told)).findings if each.rule == "cel-expression"] == []


ADMISSION = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: NAME}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: ["v1"], operations: [CREATE], resources: [configmaps]}]
  validations:
    - expression: EXPRESSION
"""
BINDING = """\
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: NAME}
spec:
  policyName: NAME
  validationActions: [ACTION]
  matchResources: {objectSelector: {matchLabels: {team: TEAM}}}
"""


def named(text: str, **values: str) -> str:
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def test_files_have_policies_that_no_cluster_has(validate: Validate) -> None:
    message, asked = "ConfigMap shop: an expression does not hold:", "object.data.a == '1' || argosy.cluster == ''"
    files = {
        "policies/all.yaml": named(ADMISSION, NAME="all", EXPRESSION=asked),
        "policies/deep/one.yaml": named(ADMISSION + BINDING, NAME="one", EXPRESSION="'false'", ACTION="Warn", TEAM="a"),
        "policies/other.yaml": named(
            ADMISSION + BINDING, NAME="other", EXPRESSION="'false'", ACTION="Deny", TEAM="b"
        ),
        "policies/readme.txt": "not YAML",
        "charts/shop/map.yaml": MAP,
        **deployed(),
    }  # fmt: skip
    report = validate({**files, **configured({"path": "policies"})})
    assert sorted(said(report), reverse=True) == [
        f"charts/shop/map.yaml:7 error The policy all refuses {message} {asked}. [policy/all]",
        f"charts/shop/map.yaml:4 warning The policy one warns of {message} false. [policy/one]",
    ]
    assert "cel-expression" not in {each.rule for each in report.findings}, "argosy is known there"
    report = validate({**files, **configured({"path": "policies/all.yaml", "severity": "warning"})})
    assert [each.severity for each in report.findings if each.rule == "policy/all"] == [Severity.WARNING]


def test_what_cannot_be_known_here_is_skipped_with_the_reason(validate: Validate) -> None:
    report = validate({**configured(policy("request.userInfo.username == 'a'", message="")), "map.yaml": MAP})
    assert ["its expression fails" in each for each in said(report)] == [True]  # No server fills it in.
    report = validate(
        {**configured(policy("authorizer.group('').resource('pods').check('get').allowed()")), "map.yaml": MAP}
    )
    assert said(report) == []
    (reason,) = [each.reason for each in report.outcomes if each.path == ".argosy.yaml"]
    assert "its policy mine is not judged on some manifests" in reason


def test_an_expression_without_end_ends(validate: Validate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine._Run, "stops", 0)
    monkeypatch.setattr(engine._Run, "seconds", 0.0)
    monkeypatch.setenv("ARGOSY_RENDER_TIMEOUT", "2")
    loops = (
        "object.data.l.all(A, object.data.l.all(B, object.data.l.all(C, object.data.l.all(D, A + B + C + D != 'x'))))"
    )
    data = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\ndata:\n  l: [" + ",".join(["a"] * 400) + "]\n"
    report = validate({**configured(policy(loops), policy("false", name="other")), "map.yaml": data})
    assert [each.rpartition(" ")[2] for each in said(report)] == ["[policy/other]"]
    assert any("its policy mine is not judged" in each.reason for each in report.outcomes)


def test_findings_are_ignored_and_known_as_those_of_any_rule(validate: Validate, argosy: Argosy) -> None:
    told = policy("object.data.a == '1'")
    files = {"map.yaml": MAP.replace("a: '9'", "a: '9'  # argosy: ignore[policy/mine] it is old")}
    assert said(validate({**configured(told), **files})) == []
    whole = {"map.yaml": "# argosy: ignore[policy/mine] it is a vendor's\n" + MAP}
    assert said(validate({**configured(told), **whole})) == []
    report = validate({**configured(told), "map.yaml": files["map.yaml"].replace("policy/mine", "policy")})
    assert sorted(each.rule for each in report.findings) == ["policy/mine", "suppression"]
    unknown = validate({**configured(told), "map.yaml": MAP + "  # argosy: ignore[policy/other] why\n"})
    assert {each.rule for each in unknown.findings} == {"suppression", "policy/mine"}
    exempt = {"ignore": [{"rule": "policy/mine", "reason": "old", "paths": ["map.yaml"]}]}
    assert said(validate({**configured(told, **exempt), "map.yaml": MAP})) == []


def test_reports_and_the_baseline_name_the_policy(argosy: Argosy, tmp_path: Path) -> None:
    for name, text in {**configured(policy("object.data.a == '1'", message="a is 1")), "map.yaml": MAP}.items():
        (tmp_path / "gitops").mkdir(exist_ok=True)
        (tmp_path / "gitops" / name).write_text(text)
    root = str(tmp_path / "gitops")
    found = json.loads(argosy("validate", "--repository", root, "-o", "json").out)["findings"]
    assert [each["rule"] for each in found] == ["policy/mine"]
    log = json.loads(argosy("validate", "--repository", root, "-o", "sarif").out)["runs"][0]
    assert [each["id"] for each in log["tool"]["driver"]["rules"]] == ["policy/mine"]
    assert log["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] == 7
    assert argosy("validate", "--repository", root, "--update-baseline").code == 0
    assert "rule: policy/mine" in (tmp_path / "gitops/.argosy-baseline.yaml").read_text()
    assert argosy("validate", "--repository", root).code == 0


def test_they_are_listed_and_completed(argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".argosy.yaml").write_text(configured(policy("object.data.a == '1'", message="a is 1"))[".argosy.yaml"])
    monkeypatch.chdir(tmp_path)
    assert "policy/mine" in argosy("rules", "-o", "name").out.split()
    told = argosy("rules", "policy/mine").out
    assert all(each in told for each in ("policy/mine (error)", "a is 1.", ".argosy.yaml:2", "object.data.a == '1'"))
    assert "policy/mine" in completing.rules(tmp_path)
    (tmp_path / ".argosy.yaml").unlink()
    assert "There is no rule “policy/mine”" in argosy("rules", "policy/mine").err


SECRETS = """\
apiVersion: v1
kind: Secret
metadata: {name: s, namespace: default}
stringData: &data {token: hunter2}
---
apiVersion: v1
kind: List
items: [{apiVersion: v1, kind: Secret, metadata: {name: t, namespace: default}, stringData: *data}]
---
apiVersion: isindir.github.com/v1alpha3
kind: SopsSecret
metadata: {name: u, namespace: default}
spec: {secretTemplates: [{name: a, stringData: *data}]}
"""


def test_no_value_of_a_secret_is_told(validate: Validate) -> None:
    token = "(has(object.spec) ? object.spec.secretTemplates[0] : object).stringData.token"
    asked = [f"{{'a': true}}[{token}]", f"'a'.matches({token} + '(((')", f"'a'.find({token} + '(((') == ''"]
    policies = [policy(each, name=f"v{place}") for place, each in enumerate(asked)]
    for place, each in enumerate(asked):
        variables = [{"name": "v", "expression": each}]
        conditions = [{"name": "v", "expression": each}]
        policies += [policy("variables.v", name=f"w{place}", variables=variables)]
        policies += [policy("false", name=f"c{place}", matchConditions=conditions)]
    told = policy("false", name="told")
    told["validations"] = [{"expression": "false", "messageExpression": f"'it is ' + {token}", "message": "no"}]
    of_params = policy("false", name="of-params")
    of_params["paramKind"] = {"apiVersion": "v1", "kind": "Secret"}
    of_params["validations"] = [{"expression": "false", "messageExpression": "'it is ' + params.stringData.token"}]
    kind = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": "p"}}
    spec = {name: each for name, each in of_params.items() if name != "name"}
    bound = {"policyName": "p", "validationActions": ["Deny"], "paramRef": {"name": "s", "namespace": "default"}}
    cluster = [
        {**kind, "kind": "ValidatingAdmissionPolicy", "spec": spec},
        {**kind, "kind": "ValidatingAdmissionPolicyBinding", "spec": bound},
    ]
    files = {"s.yaml": SECRETS, "map.yaml": MAP, "p.yaml": yaml.safe_dump_all(cluster)}
    report = validate({**configured(*policies, told), **files})
    shown = [each.message for each in report.findings] + [each.reason for each in report.outcomes]
    assert [each for each in shown if "hunter2" in each] == []
    found = {each.rule for each in report.findings}
    assert {"policy/told", "policy/v0", "policy/c0", "admission-policy"} <= found, "all of them were asked"


def test_a_long_path_costs_nothing_and_a_long_expression_is_shortened(validate: Validate) -> None:
    path = "object.data" + ".a" * 40_000
    (found,) = said(validate({**configured(policy(f"false && '{path}' == ''", message="")), "map.yaml": MAP}))
    assert found.startswith("map.yaml:7 error"), "the deepest field that there is"
    assert len(found) < 400


def test_policies_in_files_have_parameters_that_are_in_the_repository(validate: Validate) -> None:
    asked = named(ADMISSION, NAME="most", EXPRESSION="object.data.a == params.data.b")
    bound = named(BINDING.rpartition("  matchResources")[0], NAME="most", ACTION="Deny")
    asked = asked.replace("spec:", "spec:\n  paramKind: {apiVersion: v1, kind: ConfigMap}")
    bound += "  paramRef: {name: most, namespace: default}\n"
    limits = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: most, namespace: default}\ndata: {a: '9', b: '9'}\n"
    for value, count in (("'9'", 0), ("'1'", 1)):
        files = {"p/p.yaml": asked + bound, "map.yaml": MAP.replace("'9'", value), "most.yaml": limits}
        report = validate({**configured({"path": "p"}), **files})
        assert len(said(report)) == count
        assert not [each.reason for each in report.outcomes if "not judged" in each.reason]


def test_all_are_asked_at_once_and_have_one_limit(validate: Validate, monkeypatch: pytest.MonkeyPatch) -> None:
    policies = [policy("object.data.a == '1'", name=f"p{place}") for place in range(30)]
    asked: list[bool] = []
    answer = engine._asked

    def counted(task: Any) -> Any:
        asked.append("questions" in task)
        return answer(task)

    monkeypatch.setattr(engine, "_asked", counted)
    assert len(said(validate({**configured(*policies), "map.yaml": MAP}))) == 30
    assert sum(asked) < 5
    hours = iter([*[0.0] * 10, *[3600.0] * 1000])
    monkeypatch.setattr("argosy.kubernetes.admission.time", SimpleNamespace(monotonic=lambda: next(hours)))
    monkeypatch.setattr("argosy.rules.policies.time", SimpleNamespace(monotonic=lambda: 0.0))
    report = validate({**configured(*policies), "map.yaml": MAP})
    assert len(said(report)) == 10
    assert ["took more than 60 seconds" in each.reason for each in report.outcomes if each.reason] == [True]


def test_what_no_manifest_is_asked_is_told_at_its_line(validate: Validate) -> None:
    rules = [
        {**RULE, "operations": ["UPDATE"]},
        {**RULE, "resources": ["deployment"]},
        {**RULE, "apiGroups": ["apps"], "resources": ["deploymets", "deployments/scale", "*"]},
        {**RULE, "apiGroups": ["apps", "acme.io"], "resources": ["widgets"]},
        {**RULE, "resources": ["widgets", "services"]},
    ]
    told = policy("true", matchConstraints={"resourceRules": rules})
    told["match"] = {"environments": ["prodd", "dev", "stage-*"], "applications": ["s*"]}
    bad = policy("false", name="x,file=evil::y")
    of_update = named(ADMISSION, NAME="late", EXPRESSION="'false'").replace("CREATE", "UPDATE")
    files = {**configured(told, bad, {"path": "p.yaml"}), **deployed(), "charts/shop/map.yaml": MAP}
    report = validate({**files, "p.yaml": of_update})
    found = [each for each in report.findings if each.path == ".argosy.yaml"]
    lines = files[".argosy.yaml"].splitlines()
    assert sorted((lines[each.line - 1].strip(), each.severity, each.hint) for each in found if each.line) == [
        ("- deployment", "warning", "Did you mean “deployments”?"),
        ("- deploymets", "warning", "Did you mean “deployments”?"),
        ("- name: x,file=evil::y", "error", ""),
        ("- prodd", "warning", "Did you mean “prod”?"),
        ("operations:", "error", "Add CREATE to the operations."),
    ]
    assert not [each for each in report.findings if each.rule.startswith("policy/x")]
    assert ["is about no CREATE" in each.reason for each in report.outcomes if each.path == "p.yaml"] == [True]
