"""Where two versions of Helm are known to render a release otherwise: its charts' nulls, and files of many values.

Source: what Helm 3.17, 3.19, 4.1, 4.2 and 4.3 render. Before 4.2 a chart's own null stays, and takes away what a chart
in it sets; before 4 a values file is its first document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from argosy.documents.plain import load
from argosy.engines import Engine, keeps_nulls, merges_documents
from argosy.helm.release import Message, Release

_FEW = 3
"""How many of a chart's nulls are named."""
_MOST = 1024 * 1024
"""How many characters of templates are searched."""
_DEEPEST = 8


def known(release: Release, engine: Engine) -> list[Message]:
    """Return where Argo CD's version renders a release otherwise than an engine does, as far as that is known."""
    if engine.is_like_argocds or not engine.version:
        return []
    return [Message("warning", "Chart.yaml", text) for text in _texts(release, engine)]


def _texts(release: Release, engine: Engine) -> Iterator[str]:
    theirs, ours = f"Helm {engine.wanted}, which Argo CD has,", f"Helm {engine.version}, which rendered it here,"
    if keeps_nulls(engine.version) != keeps_nulls(engine.wanted):
        keeps, drops = (theirs, ours) if keeps_nulls(engine.wanted) else (ours, theirs)
        if seen := [*_nulls(release.chart, release.of_chart)]:
            named = ", ".join(seen[:_FEW]) + (f" and {len(seen) - _FEW} more" if len(seen) > _FEW else "")
            yield (
                f"The chart's own values have null where a template can see it: {named}. {keeps} keeps it; "
                f"{drops} takes it for no value."
            )
    if merges_documents(engine.version) != merges_documents(engine.wanted):
        merges, first = (theirs, ours) if merges_documents(engine.wanted) else (ours, theirs)
        for name in _with_several_documents(release):
            yield f"{name} has several documents. {merges} lays them over each other; {first} reads the first alone."


def _with_several_documents(release: Release) -> Iterator[str]:
    texts = [(each.name, each) for each in release.values]
    for name, file in texts:
        if _is_several(file.read_text(encoding="utf-8", errors="replace")):
            yield f"The values file {name}"
    if isinstance(release.inline, str) and _is_several(release.inline):
        yield "The text of the Application's values"


def _is_several(text: str) -> bool:
    """Return whether a values file has documents that say something after the first."""
    documents = re.split(r"^---(?=\s|$)", text, flags=re.MULTILINE)
    said = [place for place, each in enumerate(documents) if re.search(r"^[ \t]*[^#\s]", each, re.MULTILINE)]
    return len(said) > 1


def _nulls(chart: Path, within: Path, depth: int = 0) -> Iterator[str]:
    """Yield the nulls in the values of a chart, and of those in it that are folders, which a template can see."""
    values, head = load(chart / "values.yaml", within), load(chart / "Chart.yaml", within)
    templates = [*_templates(chart)]
    inner = {each.name: each for each in _folders(chart / "charts")} if depth < _DEEPEST else {}
    listed = head.get("dependencies")
    aliases = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    names = {str(each.get("alias") or each.get("name")): str(each.get("name")) for each in aliases}
    names |= {each: each for each in inner if each not in names.values()}
    for path in _null_paths(values):
        if path[0] in names or path[0] == "global":
            # What it takes away there, that chart's templates see.
            if len(path) > 1:
                yield ".".join(path)
        elif _is_seen(path, templates):
            yield ".".join(path)
    for name, folder in names.items():
        if folder in inner:
            yield from (f"{name}.{each}" for each in _nulls(inner[folder], within, depth + 1))


def _folders(charts: Path) -> Sequence[Path]:
    try:
        return sorted(each for each in charts.iterdir() if (each / "Chart.yaml").is_file())
    except OSError:
        return []


def _templates(chart: Path) -> Iterator[str]:
    left = _MOST
    for file in sorted((chart / "templates").rglob("*")):
        if left > 0 and file.is_file() and file.suffix in {".yaml", ".yml", ".tpl", ".txt", ".json"}:
            text = file.read_text(encoding="utf-8", errors="replace")[:left]
            left -= len(text)
            yield text


def _null_paths(values: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in values.items() if isinstance(values, dict) and len(above) < _DEEPEST else ():
        if value is None:
            yield (*above, str(key))
        else:
            yield from _null_paths(value, (*above, str(key)))


_WHOLE = (
    r"(?:to(?:Yaml|Json|PrettyJson|RawJson|String|Toml)|range|keys|values|omit|pick|len|merge\w*|must\w+|deepCopy|tpl)"
)
"""The functions to which a null is another thing than no value, where they get the mapping that it is in."""


def _is_seen(path: Sequence[str], templates: Sequence[str]) -> bool:
    """Return whether a template may tell a null from no value: it takes the whole mapping, or asks for the key.

    That a value is null, or is none, is the same to all that takes the value alone.
    """
    above = r"\.Values" + "".join(rf"\.{re.escape(each)}" for each in path[:-1]) + r"(?![\w.])"
    within = r"[^}\n]*?" if len(path) > 1 else r"(?:[^}\n]*?[\s(])?\$?"
    seen = re.compile(
        rf"\b{_WHOLE}\b{within}{above}(?!\s+\S*\$)|{above}\s*\|\s*{_WHOLE}\b|\bhasKey\s+\$?{above}\s+\"{re.escape(path[-1])}\""
        rf"|\bwith\s+\$?{above}\s*-?}}}}(?:(?!\bend\b).){{0,400}}?\b{_WHOLE}\s+\.(?![\w.])",
        re.DOTALL,
    )
    return any(seen.search(text) for text in templates)
