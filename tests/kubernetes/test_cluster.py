"""Clusters that answer with anything but their API: each is an error that says so, or an answer without it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from argosy.errors import ToolError
from argosy.kubernetes.cluster import Access, Cluster

ANSWERS = {
    "deep-list": b"[" * 100_000 + b"]" * 100_000,
    "deep-object": b'{"items":' * 100_000 + b"1" + b"}" * 100_000,
    "half": b'{"items": [',
    "html": b"<html>502 Bad Gateway</html>",
    "empty": b"",
    "bytes": b'{"items": ["\xff\xfe"]}',
    "number": b"7",
    "long-number": b"9" * 10_000,
    "null": b"null",
    "list": b'["a", null, 1]',
    "texts": b'{"items": ["a", null, 1, []]}',
    "no-items": b'{"kind": "List", "items": 7}',
    "no-metadata": b'{"items": [{}, {"metadata": 7}, {"metadata": {"name": 7, "namespace": []}}]}',
    "no-spec": b'{"items": [{"metadata": {"name": "a"}, "spec": {"containers": 7}}]}',
    "two": b'{"items": []}{"items": [',
    "settings": b'{"data": {"a": {"b": []}}, "metadata": []}',
    "versions": b'{"serverVersion": 7, "clientVersion": {"gitVersion": {}}}',
    "rows": b"a\tb\tc\td\te\n\t\t\n\xff\n",
}
QUESTIONS: dict[str, Callable[[Cluster], object]] = {
    "applications": Cluster.applications,
    "projects": Cluster.projects,
    "sets": Cluster.application_sets,
    "settings": Cluster.settings,
    "keys": Cluster.secret_keys,
    "pods": Cluster.pods,
    "running": Cluster.running,
    "secrets": Cluster.secrets,
    "versions": Cluster.versions,
    "namespaces": Cluster.namespaces,
    "kinds": Cluster.kinds,
    "quotas": lambda cluster: cluster.quotas(["a"]),
    "warnings": lambda cluster: cluster.warnings(["a"]),
    "permitted": lambda cluster: cluster.permitted([Access("get", "", "pods", "a")]),
    "get": lambda cluster: cluster.get("pods"),
    "apply": lambda cluster: cluster.apply([]),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_bad_answer_is_no_traceback(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "answer").write_bytes(ANSWERS[name])
    (tmp_path / "kubectl").write_text(f"#!/bin/sh\nexec cat {tmp_path}/answer\n")
    (tmp_path / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    for ask in QUESTIONS.values():
        with suppress(ToolError):
            ask(Cluster("blue"))
