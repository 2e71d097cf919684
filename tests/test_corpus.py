"""Errors on public repositories: what was found out is of a repository that is listed, and of a rule that exists."""

from __future__ import annotations

import fnmatch
import re

import argosy.rules.catalogue  # noqa: F401 - registers the rules
from argosy.rules.registry import RULES
from benchmarks.corpus import repositories, triage


def test_verdicts_are_of_repositories_and_rules_that_exist() -> None:
    listed = {each.name: each.commit for each in repositories.listed()}
    assert all(re.fullmatch("[0-9a-f]{40}", commit) for commit in listed.values())
    known = triage.verdicts()
    assert known.keys() <= listed.keys()
    for each in (verdict for several in known.values() for verdict in several):
        assert fnmatch.filter(RULES, each.rule), each
        assert each.verdict in triage.VERDICTS, each
        assert each.why, each


def test_an_error_that_nobody_looked_at_is_left() -> None:
    known = [triage.Verdict("kubernetes-*", "apps/*", "real", "x"), triage.Verdict("*", "apps/a.yaml", "false", "y")]
    errors = [
        {"severity": "error", "rule": rule, "path": path}
        for rule, path in (("kubernetes-schema", "apps/a.yaml"), ("image-tag", "apps/a.yaml"), ("image-tag", "b.yaml"))
    ]
    counted, left = triage.count([*errors, {"severity": "warning", "rule": "image-tag", "path": "c.yaml"}], known)
    assert counted == {"real": 1, "false": 1, "": 1}
    assert left == errors[2:]
