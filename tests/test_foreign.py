"""Small repositories of others, one for each shape: what argosy finds in them is what was counted by hand."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import Argosy, Git

SHAPES = Path(__file__).parent / "foreign"
URL = "https://git.example.com/acme/platform.git"


@pytest.mark.parametrize("shape", sorted(each.name for each in SHAPES.iterdir()))
def test_what_was_counted_by_hand(
    shape: str, argosy: Argosy, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = yaml.safe_load((SHAPES / shape / "expected.yaml").read_text())
    shutil.copytree(SHAPES / shape / "repository", tmp_path / shape)
    monkeypatch.chdir(tmp_path / shape)
    git(".", "init", "-q", "-b", "main")
    git(".", "remote", "add", "origin", URL)
    tree = json.loads(argosy("tree", "--output", "json").out)
    report = json.loads(argosy("validate", "--output", "json", "--verbose").out)
    assert {
        "tree": grown(tree["roots"]),
        "unreached": sorted(each["path"] for each in tree["unreached"]),
        **{severity: by_rule(report["findings"], severity) for severity in ("error", "warning")},
    } == {
        "tree": filled(expected.get("tree", {})),
        "unreached": sorted(expected.get("unreached", ())),
        "error": expected.get("errors", {}),
        "warning": expected.get("warnings", {}),
    }
    for what, found in (
        ("unresolved", [(f"{each['kind']} {each['name']}", each["reason"]) for each in tree["unresolved"]]),
        ("skipped", [(each["path"], each["reason"]) for each in report["skipped"]]),
    ):
        wanted = expected.get(what, {})
        assert sorted({name for name, _ in found}) == sorted(wanted), found
        assert [(name, reason) for name, reason in found if wanted[name] not in reason] == []


def grown(nodes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what leads to what by its kind and name, and its path where several files have these."""
    files: dict[str, set[str]] = defaultdict(set)
    for each in nodes:
        files[f"{each['kind']} {each['name']}"].add(each["path"])
    found: dict[str, Any] = {}
    for each in nodes:
        title = f"{each['kind']} {each['name']}"
        found.setdefault(title if len(files[title]) == 1 else f"{title} ({each['path']})", grown(each["children"]))
    return found


def filled(tree: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return an expected tree with what leads to nothing as `grown` has it."""
    return {title: filled(children) for title, children in (tree or {}).items()}


def by_rule(findings: Sequence[Mapping[str, Any]], severity: str) -> dict[str, list[str]]:
    """Return the files of the findings of a severity, by their rules; without advice that holds of nearly every one."""
    found: dict[str, list[str]] = defaultdict(list)
    for each in findings:
        if each["severity"] == severity and each["rule"] != "generate-paths-missing":
            found[each["rule"]].append(each["path"])
    return {rule: sorted(paths) for rule, paths in found.items()}
