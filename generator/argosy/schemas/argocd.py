"""The schemas of Argo CD's own kinds, with the fields of the version that a repository installs.

`data/argocd.json` has those of the newest version that is known; `x-since` beside a field is the minor version that it
came with, where that is newer than the oldest one compared. `make check-upstream` compares both.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from argosy.schemas import bundled
from argosy.schemas.schema import CompiledSchema, Unserved, compiled

GROUP, VERSION, SINCE = "argoproj.io", "v1alpha1", "x-since"
KINDS = frozenset({"AppProject", "Application", "ApplicationSet"})
_FILE = "argosy:/argocd.json"


def schema(api_version: str, kind: str, installed: str) -> CompiledSchema | None:
    """Return the schema of one of Argo CD's kinds as a version such as 3.5.1 has it; None for any other kind."""
    found = re.match(r"(\d{1,9})\.(\d{1,9})\.", f"{installed}.")
    if kind not in KINDS or api_version != f"{GROUP}/{VERSION}" or not found:
        return None
    return _compiled(kind, (int(found[1]), int(found[2])))


def unserved(api_version: str, kind: str) -> Unserved | None:
    """Return the answer for one of Argo CD's kinds of a version that it does not serve; None for any other."""
    group, _, version = api_version.partition("/")
    if group != GROUP or kind not in KINDS or version == VERSION:
        return None
    return Unserved(f'"{api_version}" of {kind} is not served by Argo CD', f"Use {GROUP}/{VERSION}.")


@cache
def _compiled(kind: str, version: tuple[int, int]) -> CompiledSchema:
    documents = {**bundled.by_uri(), _FILE: _as_of(bundled.by_uri()[_FILE], version)}
    return compiled({"$ref": f"{_FILE}#/$defs/{kind}"}, documents)


def _as_of(schema: Any, version: tuple[int, int]) -> Any:
    """Return a schema that refuses the fields that came later."""
    if isinstance(schema, list):
        return [_as_of(each, version) for each in schema]
    if not isinstance(schema, dict):
        return schema
    since = schema.get(SINCE)
    if isinstance(since, str) and tuple(map(int, since.split("."))) > version:
        own = ".".join(map(str, version))
        said = f"Argo CD {own}, which this repository installs, has no such field: it came with {since}"
        return {"not": {}, "x-refused": said, "x-hint": f"Remove it, or install Argo CD {since}."}
    return {key: _as_of(each, version) for key, each in schema.items()}
