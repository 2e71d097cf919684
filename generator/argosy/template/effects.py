"""What a setting means, and which files follow from it: as copier.yml, the schema and the template's files say it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from argosy.repository.switches import POD_SECURITY, Setting
from argosy.template import versions

_MARKS = re.compile(r"\[\[.*?\]\]|\[%.*?%\]", re.DOTALL)
_STRINGS = re.compile(r"'[^']*'|\"[^\"]*\"")
_PARTIALS = "[# partials #]"
_PARTS = {
    r"\[% yield .*?%\](.*?)\[% endyield %\]": r"\1",
    r"\[% if .*?%\](.*?)\[% endif %\]": r"\1",
    r"\[\[ (?:env|each\.environment)\.name[^\]]*\]\]": "ENV",
    r"\[\[ app\.name[^\]]*\]\]": "APP",
    r"\[\[ each\.component\.name \]\]": "COMPONENT",
    r"\[\[ (?:each\.project\.team|team\.name) \]\]": "TEAM",
    r"\[\[ _copier_conf\.answers_file \]\]": ".copier-answers.yml",
    r"\.jinja$": "",
}
"""What the paths of the template have in place of names."""
_CHARTS = ("applications/APP/charts/APP", "charts/app/VERSION")
"""Where a chart is: an application's own, or the one that several share."""
_GIVEN = {"applications", "environments"}
"""What argosy hands over, rather than have it derived."""


def meaning(what: str, setting: Setting) -> str:
    """Return what a setting of the repository, an env, an app, a cluster or a team means: a sentence or a question."""
    if what == "repository" and setting != POD_SECURITY:
        return str(_questions()[_question(setting)]["help"])
    several = {"repository": "environments", "env": "environments", "app": "applications"}.get(what, f"{what}s")
    return str(_properties(several)[setting.field]["description"])


@cache  # Each app has the same settings.
def files(what: str, setting: Setting) -> Sequence[str]:
    """Return the paths that are rendered differently where a setting changes.

    They have ENV, APP and COMPONENT for names, and VERSION for that of the chart that applications share.
    """
    if what == "repository" and setting != POD_SECURITY:
        names = _derived({_question(setting)})
        used = re.compile(rf"(?<![\w.])(?:{'|'.join(sorted(names))})(?![\w=])")
        found = {path for path, text in _bare().items() if used.search(text)}
    else:
        # Argo CD has servers and labels of its own.
        holder = "cluster" if what == "cluster" else ""
        used = re.compile(rf"{holder}\.{setting.field}\b" + ("" if holder else rf"|(['\"]){setting.field}\1"))
        derived = _derived({name for name, default in _defaults().items() if used.search(default)})
        also = re.compile(rf"(?<![\w.])(?:{'|'.join(sorted(derived)) or '(?!)'})(?![\w=])")
        found = {path for path, text in _texts().items() if used.search(text) or also.search(_bare()[path])}
    partials = {path for path in found if path.startswith(_PARTIALS)}
    found |= {path for path, text in _texts().items() if any(f"templates/{partial}" in text for partial in partials)}
    return sorted({plain for path in found - partials if not path.startswith(_PARTIALS) for plain in _plain(path)})


def _question(setting: Setting) -> str:
    return "repository_name" if setting.field == "name" else setting.field


@cache
def _questions() -> Mapping[str, Any]:
    return versions.questions(versions.current())


@cache
def _defaults() -> Mapping[str, str]:
    """Return what copier.yml derives, with the text that it is derived by."""
    asked = {key: each for key, each in _questions().items() if isinstance(each, dict)}
    return {
        key: str(each.get("default", ""))
        for key, each in asked.items()
        if each.get("when") is False and key not in _GIVEN
    }


def _derived(names: set[str]) -> set[str]:
    """Return names with all that is derived from them, and so on."""
    found, before = set(names), set[str]()
    while found != before:
        before = set(found)
        used = re.compile(rf"(?<![\w.])(?:{'|'.join(sorted(found)) or '(?!)'})(?![\w=])")
        found |= {name for name, default in _defaults().items() if used.search(_STRINGS.sub('""', default))}
    return found


@cache
def _texts() -> Mapping[str, str]:
    """Return each file's path in the template, with what its path and its text leave to Jinja."""
    root = versions.current().root / "templates"
    return {path: "\n".join(_MARKS.findall(f"{path}\n{text}")) for path, text in _read(root)}


@cache
def _bare() -> Mapping[str, str]:
    """Return the same without what strings hold."""
    return {path: _STRINGS.sub('""', text) for path, text in _texts().items()}


def _read(root: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(root.rglob("*")):
        if path.is_file():
            is_rendered = path.suffix == ".jinja"
            yield path.relative_to(root).as_posix(), path.read_text(encoding="utf-8") if is_rendered else ""


def _plain(path: str) -> list[str]:
    for pattern, text in _PARTS.items():
        # One is within another: `[% yield … %][% if … %]…`.
        path = re.sub(pattern, text, path)
    path = re.sub(r"\[\[ (\w+) \]\]", lambda found: _literal(found[1]), path)
    return sorted({path.replace("[[ each.folder ]]", folder) for folder in _CHARTS})


def _literal(name: str) -> str:
    """Return the name that a derived file or folder has where it is there."""
    return next((found[1:-1] for found in _STRINGS.findall(_defaults().get(name, "")) if found[1:-1]), name)


@cache
def _properties(several: str) -> Mapping[str, Any]:
    from argosy.schemas import bundled  # noqa: PLC0415

    of_file = bundled.by_uri()["argosy:/files.json"]["$defs"]["answersFile"]["properties"][several]
    found: Mapping[str, Any] = of_file["items"].get("anyOf", [of_file["items"]])[-1]["properties"]
    return found
