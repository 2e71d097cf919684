"""Rules in CEL of a definition, on objects: what the API server rejects is found with its place and reason."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from argosy.kubernetes.custom_rules import CustomRules, Unknown
from argosy.schemas.crds import schemas_of
from argosy.schemas.definition import Definition

SPEC = """
type: object
x-kubernetes-validations:
  - {rule: self.replicas <= self.most, messageExpression: "'at most ' + string(self.most)", fieldPath: .replicas}
  - {rule: self.replicas == oldSelf.replicas, message: never changes}
  - {rule: '!oldSelf.hasValue() || self == oldSelf.value()', optionalOldSelf: true}
  - {rule: 'self.share < 2.5', message: too much}
  - {rule: 'has(self.list__dash__of) == has(self.__namespace__)', message: both or none}
properties:
  replicas: {type: integer, default: 1}
  most: {type: integer, default: 5}
  share: {type: number, default: 1}
  list-of:
    type: array
    items:
      type: object
      x-kubernetes-validations: [{rule: self.name != 'x', message: "x is\\n  taken"}]
      properties: {name: {type: string}}
  namespace: {type: string}
  labels: {type: object, additionalProperties: {type: string, x-kubernetes-validations: [{rule: self != ''}]}}
  since: {type: string, format: date-time}
"""


def judged(spec: dict[str, Any], **changed: Any) -> list[str]:
    schema = {"type": "object", "properties": {"spec": yaml.safe_load(SPEC) | changed}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    ((*_, made),) = schemas_of({"spec": {"group": "a.example", "names": {"kind": "A"}, "versions": [version]}})
    return [
        f"unknown: {each.reason}" if isinstance(each, Unknown) else each.message
        for each in CustomRules(Definition(made, {})).judge({"kind": "A", "metadata": {"name": "a"}, "spec": spec})
    ]


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ({}, []),
        ({"replicas": 6}, ["spec.replicas: at most 5"]),
        ({"share": 3}, ["spec: too much"]),
        ({"namespace": "a"}, ["spec: both or none"]),
        ({"namespace": "a", "list-of": [{"name": "a"}, {"name": "x"}]}, ["spec.list-of[1]: x is taken"]),
        ({"namespace": "a", "list-of": [{}]}, ['spec.list-of[0]: a rule of the definition fails: no such key: "name"']),
        ({"labels": {"a": "b", "c": ""}}, ["spec.labels.c: breaks a rule of its definition"]),
    ],
)
def test_objects(spec: dict[str, Any], found: list[str]) -> None:
    assert judged(spec) == found


def test_what_cannot_be_evaluated_is_unknown() -> None:
    rules = [{"rule": "self.since < timestamp('2030-01-01T00:00:00Z')"}, {"rule": "sets.contains([1], [1])"}, {}, 1]
    found = judged({"since": "2026-01-01T00:00:00Z"}, **{"x-kubernetes-validations": rules})
    assert len(found) == 4
    assert all(each.startswith("unknown: ") for each in found)
