"""Every rule: its bad example violates it, its good example does not, and the docs say the same."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path

import pytest
import yaml

from argosy.findings import Severity
from argosy.rules import catalogue
from argosy.rules.registry import RULES, Rule, Scope, files_of
from tests.conftest import Argosy
from tests.rules.subjects import OURS
from tests.validating import Validate, rules_of

ALL = [pytest.param(rule, id=rule.id) for rule in catalogue.ordered()]
DOCS = Path(__file__).parents[2] / "docs" / "rules.md"


@pytest.mark.parametrize("rule", ALL)
def test_bad_example_breaks_the_rule_and_fails_a_document_wherever_there_is_an_error(
    rule: Rule, validate: Validate
) -> None:
    report = validate(rule.bad)
    failed = {outcome.path for outcome in report.outcomes if outcome.status == "failed"}
    wrong = {finding.path for finding in report.findings if finding.severity is Severity.ERROR}
    assert wrong <= failed
    assert bool(wrong) == bool(failed)
    found = [finding for finding in report.findings if finding.rule.partition("/")[0] == rule.id]
    assert bool(found) != rule.asks_cluster, [(finding.rule, finding.message) for finding in report.findings]
    for finding in found:
        assert finding.severity is rule.severity
        assert finding.message.strip()
        assert finding.path
    at: dict[tuple[object, ...], set[str]] = {}
    for finding in report.findings:
        for place in finding.places:
            at.setdefault((place.path, place.line, place.resource, place.environment), set()).add(finding.rule)
    pairs = {pair for rules in at.values() for pair in combinations(sorted(rules), 2)}
    assert pairs <= BESIDE, "two rules say something of one line: declare the pair, or let one of them speak"


BESIDE = frozenset(
    {
        ("application-name-twice", "generate-paths-missing"),
        ("applicationset-duplicate", "generate-paths-missing"),
        ("applicationset-template", "patch-changes-project"),
        ("argocd-secret-in-plain", "placeholder"),
        ("helm-lint", "rendered-yaml"),
    }
)
"""The rules that may both have a finding at one line: each says something else."""


@pytest.mark.parametrize("rule", ALL)
def test_good_example_keeps_the_rule_and_has_no_errors(rule: Rule, validate: Validate) -> None:
    report = validate(rule.good)
    assert rule.id not in {each.partition("/")[0] for each in rules_of(report)}
    assert [finding for finding in report.findings if finding.severity is Severity.ERROR] == []


@pytest.mark.parametrize("rule", ALL)
def test_rule_is_told_in_full(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.id)
    assert rule.summary.endswith(".")
    assert len(rule.explanation) > 40 or rule.explanation.endswith(".")
    assert rule.bad.strip() != rule.good.strip()
    assert (rule.check is None) == (rule.scope is Scope.PIPELINE)


@pytest.mark.parametrize("rule", OURS, ids=lambda rule: rule.id)
def test_rule_is_documented(rule: Rule) -> None:
    assert rule.summary.endswith(".")
    assert 2 <= rule.explanation.count(". ") + 1 <= 5
    assert files_of(rule.bad) != files_of(rule.good)
    for text in (*files_of(rule.bad).values(), *files_of(rule.good).values()):
        if "{{ .Values" not in text:
            assert all(isinstance(each, dict) for each in yaml.safe_load_all(text))


def test_findings_point_at_the_line(validate: Validate) -> None:
    rules = [
        rule for rule in RULES.values() if rule.id in {"yaml-syntax", "duplicate-key", "image-tag", "secret-in-git"}
    ]
    lines = {}
    for rule in rules:
        report = validate(rule.bad)
        lines[rule.id] = [(each.path, each.line) for each in report.findings if each.rule == rule.id]
    assert lines == {
        "yaml-syntax": [("manifest.yaml", 6)],
        "duplicate-key": [("manifest.yaml", 7)],
        "image-tag": [("manifest.yaml", 8)],
        "secret-in-git": [("manifest.yaml", 6)],
    }


def test_docs_name_every_rule_and_no_other() -> None:
    named = re.findall(r"^## (\S+)$", DOCS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert named == [rule.id for rule in catalogue.ordered()], "run `make docs`"


def test_rules_are_listed(argosy: Argosy) -> None:
    listed = argosy("rules").out.splitlines()
    assert [line.split()[0] for line in listed] == sorted(RULES)
    as_json = json.loads(argosy("rules", "--output", "json").out)["rules"]
    assert [each["id"] for each in as_json] == sorted(RULES)
    assert set(as_json[0]) == {"id", "severity", "summary", "explanation", "bad", "good"}


@pytest.mark.parametrize("rule", ALL)
def test_rule_is_explained(rule: Rule, argosy: Argosy) -> None:
    explained = argosy("rules", rule.id)
    assert explained.code == 0
    assert explained.out.startswith(f"{rule.id} ({rule.severity})\n")
    assert rule.explanation in explained.out


def test_unknown_rule_is_answered_with_the_nearest(argosy: Argosy) -> None:
    refused = argosy("rules", "image-tags")
    assert refused.code == 2
    assert "Did you mean “image-tag”?" in refused.err
    assert argosy("rules", "qqqqqq").code == 2
