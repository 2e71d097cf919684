"""What Renovate's regex managers find: the patterns of renovate.json itself, as Renovate runs them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

_SCRIPT = """
const {managers, files} = JSON.parse(require("fs").readFileSync(0));
const found = [];
for (const manager of managers)
  for (const [path, text] of Object.entries(files))
    if (manager.managerFilePatterns.some((each) => new RegExp(each.slice(1, -1)).test(path)))
      for (const each of manager.matchStrings)
        for (const match of text.matchAll(new RegExp(each, "g"))) found.push([manager, path, match.groups]);
process.stdout.write(JSON.stringify(found));
"""
_NOT_RE2 = re.compile(r"\(\?<?[=!]|\\[1-9]|\(\?>|[*+?]\+")
"""What RE2, which Renovate runs such patterns with, does not know: looking around, references back, possessive."""


class Found(NamedTuple):
    """A dependency that Renovate watches."""

    path: str
    datasource: str
    name: str
    value: str
    digest: str = ""


def watched(files: Mapping[str, str]) -> list[Found]:
    """Return all that the managers find in a tree, each as often as it is found."""
    managers = json.loads(files["renovate.json"])["customManagers"]
    for each in managers:
        assert not [text for text in each["matchStrings"] if _NOT_RE2.search(text)]
        assert all(text[0] == text[-1] == "/" for text in each["managerFilePatterns"])
    node = shutil.which("node")
    matches = _by_node(node, managers, files) if node else [*_by_python(managers, files)]
    return sorted(_found(*each) for each in matches)


def _found(manager: Mapping[str, Any], path: str, groups: Mapping[str, str]) -> Found:
    name = manager.get("depNameTemplate", groups.get("depName", ""))
    for group, value in groups.items():
        name = name.replace(f"{{{{{{{group}}}}}}}", value)
    return Found(path, manager["datasourceTemplate"], name, groups["currentValue"], groups.get("currentDigest") or "")


def _by_node(node: str, managers: Sequence[Any], files: Mapping[str, str]) -> list[tuple[Any, str, Any]]:
    asked = json.dumps({"managers": managers, "files": files})
    done = subprocess.run([node, "-e", _SCRIPT], input=asked, capture_output=True, text=True, check=True)
    found: list[tuple[Any, str, Any]] = json.loads(done.stdout)
    return found


def _by_python(managers: Sequence[Any], files: Mapping[str, str]) -> Iterator[tuple[Any, str, Any]]:
    for manager in managers:
        for path, text in files.items():
            if any(re.search(each[1:-1], path) for each in manager["managerFilePatterns"]):
                for each in manager["matchStrings"]:
                    for match in re.finditer(each.replace("(?<", "(?P<"), text, re.ASCII):
                        yield manager, path, match.groupdict()
