"""The reference of the API: what `docs/api.md` has of each public name, read from the source."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from argosy import api

_GROUPS = {
    "Open and look": (
        "open_repository",
        "Repository",
        "Status",
        "Tree",
        "Rendered",
        "Difference",
        "Validation",
        "Settings",
        "Model",
    ),
    "Findings and rules": ("Finding", "ValidationOptions", "rules", "rule", "Rule"),
    "Change": (
        *("AddApplications", "AddEnvironment", "AddCluster", "AddTeams", "AddChart", "AddComponents"),
        *("Remove", "Rename", "Set"),
    ),
    "Promote": ("Promote", "FollowUp", "RollBack"),
    "What comes of it": ("ChangeResult", "BranchChange", "FileChange"),
    "Programs' own words": ("to_json", "to_data", "schema"),
    "Errors": ("ArgosyError", "UsageError", "IncompleteError"),
}


def written() -> str:
    """Return the reference as Markdown."""
    known = {name for names in _GROUPS.values() for name in names}
    assert known == {*api.__all__}, known ^ {*api.__all__}
    return "\n".join(line for title, names in _GROUPS.items() for line in _group(title, names))


def _group(title: str, names: tuple[str, ...]) -> Iterator[str]:
    yield from (f"## {title}", "")
    for name in names:
        public = getattr(api, name)
        yield from (f"### `{name}`", "")
        if inspect.isclass(public):
            yield from _class(public)
        else:
            yield from ("```python", _signature(_node(public), name), "```", "", _text(public), "")


def _class(public: type) -> Iterator[str]:
    node = _node(public)
    yield from (_text(public), "")
    fields = [*_fields(public)]
    if fields:
        yield from ("| field | type | |", "| --- | --- | --- |", *fields, "")
    for method in node.body:
        if isinstance(method, ast.FunctionDef) and not method.name.startswith("_") and public is api.Repository:
            text = ast.get_docstring(method) or ""
            yield from (f"#### `Repository.{method.name}`", "", "```python", _signature(method), "```", "", text, "")
        elif isinstance(method, ast.FunctionDef) and not method.name.startswith("_") and _is_told(public, method):
            text = " ".join((ast.get_docstring(method) or "").split())
            kind = "" if _is_property(method) else "()"
            yield from (f"- `{method.name}{kind}`: {text[:1].lower()}{text[1:]}", "")


def _is_told(public: type, method: ast.FunctionDef) -> bool:
    """Return whether a method is for programs: of requests, all but their words are argosy's own."""
    requests = method.name in {"asked", "make", "named"}
    return not requests and (public.__module__ != "argosy.change.requests" or method.name == "words")


def _is_property(method: ast.FunctionDef) -> bool:
    return any(isinstance(each, ast.Name) and "property" in each.id for each in method.decorator_list)


def _fields(public: type) -> Iterator[str]:
    """Yield a row for each field, inherited ones last."""
    for each in public.__mro__[:-1]:
        if each.__module__.startswith("argosy"):
            yield from _own_fields(_node(each))


def _own_fields(node: ast.ClassDef) -> Iterator[str]:
    for one, after in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and not one.target.id.startswith("_"):
            is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            said = " ".join(str(after.value.value).split()) if is_text else ""  # type: ignore[union-attr]
            default = "" if one.value is None or "field(" in ast.unparse(one.value) else f" = {ast.unparse(one.value)}"
            kind = f"{ast.unparse(one.annotation)}{default}".replace("|", "\\|")
            yield f"| `{one.target.id}` | `{kind}` | {said} |"


def _node(public: Any) -> Any:
    source = Path(inspect.getsourcefile(public) or sys.modules[public.__module__].__file__ or "")
    tree = ast.parse(source.read_text(encoding="utf-8"))
    return next(each for each in tree.body if getattr(each, "name", "") == public.__name__)


def _signature(node: ast.FunctionDef, name: str = "") -> str:
    arguments = ast.unparse(node.args).removeprefix("self, ").removeprefix("self")
    return f"{name or node.name}({arguments}) -> {ast.unparse(node.returns) if node.returns else 'None'}"


def _text(public: Any) -> str:
    return inspect.cleandoc(public.__doc__ or "")
