"""Compare the schemas of Argo CD's kinds, which are written by hand, with the definitions of an Argo CD."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from argosy.documents.fields import mapping, sequence
from argosy.schemas import bundled
from argosy.schemas.argocd import SINCE
from tests.upstream import crds

KINDS = ("AppProject", "Application", "ApplicationSet")
FILE = "argosy:/argocd.json"


class _Part(NamedTuple):
    """A part of a schema, and where references from it start."""

    schema: Mapping[str, Any]
    base: str


def differences(definitions: Iterable[Mapping[str, Any]], documents: Mapping[str, Any] | None = None) -> list[str]:
    """Return what to change in the schemas of Argo CD's kinds; `documents` are the schema files by URI.

    What several fields share by reference is said once. Only `spec` is compared: nobody writes a status.
    """
    documents = documents or bundled.by_uri()
    found: dict[tuple[int, str], str] = {}
    seen = set()
    for definition in definitions:
        spec = mapping(definition.get("spec"))
        kind = mapping(spec.get("names")).get("kind")
        if spec.get("group") != "argoproj.io" or kind not in KINDS:
            continue
        seen.add(kind)
        if kind not in documents[FILE]["$defs"]:
            found[0, kind] = f"{kind}: add the kind"
            continue
        for version in sequence(spec.get("versions")):
            theirs = mapping(version["schema"]["openAPIV3Schema"]["properties"]["spec"])
            ours = [_Part(documents[FILE]["$defs"][kind]["properties"]["spec"], FILE)]
            for key, message in _compared(f"{kind} spec", theirs, ours, documents):
                found.setdefault(key, message)
    missing = [f"{kind}: no CustomResourceDefinition was given" for kind in KINDS if kind not in seen]
    return [*found.values(), *missing]


def releases(checkout: Path, oldest: tuple[int, int] = (2, 14)) -> dict[str, list[Mapping[str, Any]]]:
    """Return the definitions of each minor version's last release in a clone of Argo CD, by it, the oldest first."""
    last: dict[tuple[int, int], tuple[int, str]] = {}
    for tag in _git(checkout, "tag", "--list", "v*").splitlines():
        if found := re.fullmatch(r"v(\d+)\.(\d+)\.(\d+)", tag):
            major, minor, patch = map(int, found.groups())
            last[major, minor] = max(last.get((major, minor), (-1, "")), (patch, tag))
    made = {}
    for number, (_, tag) in sorted(last.items()):
        if number >= oldest:
            files = _git(checkout, "ls-tree", "-r", "--name-only", tag, "manifests/crds/").splitlines()
            texts = [_git(checkout, "show", f"{tag}:{file}") for file in files if file.endswith("-crd.yaml")]
            made[".".join(map(str, number))] = [each for text in texts for each in crds.within(text)]
    return made


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, check=False, encoding="utf-8")
    return done.stdout if done.returncode == 0 else ""


def changed(
    releases: Mapping[str, Iterable[Mapping[str, Any]]], documents: Mapping[str, Any] | None = None
) -> list[str]:
    """Return what to change in what the schemas say of the version that each field came with.

    `releases` are the definitions by minor version, the oldest first: what that has, every version does. What only a
    version newer than these has is left as it is.
    """
    documents = documents or bundled.by_uri()
    came: dict[int, tuple[str, str, str, bool]] = {}
    before = set[tuple[str, ...]]()
    gone: dict[str, None] = {}
    for minor, definitions in releases.items():
        now = set()
        for at, schema in _of_release(definitions, documents):
            now.add(at)
            is_within_new = at[2:-1] != () and at[:-1] not in before
            came.setdefault(id(schema), (minor, schema.get(SINCE, ""), ".".join(at), is_within_new))
        gone.update(dict.fromkeys(f"{'.'.join(at)}: Argo CD {minor} has it no more" for at in sorted(before - now)))
        before = now
    oldest = next(iter(releases), "")
    wrong = [
        f"{at}: “{SINCE}” is “{'' if minor == oldest else minor}”, not “{said}”"
        for minor, said, at, is_within_new in came.values()
        if said != ("" if minor == oldest else minor) and (said or not is_within_new)
    ]
    return [*wrong, *gone]


def _of_release(
    definitions: Iterable[Mapping[str, Any]], documents: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    for definition in definitions:
        kind = definition["spec"]["names"]["kind"]
        for version in definition["spec"]["versions"] if kind in KINDS else ():
            theirs = mapping(version["schema"]["openAPIV3Schema"]["properties"]["spec"])
            ours = _Part(documents[FILE]["$defs"][kind]["properties"]["spec"], FILE)
            yield from _fields((kind, "spec"), theirs, [ours], documents)


def _fields(
    at: tuple[str, ...], theirs: Mapping[str, Any], ours: Sequence[_Part], documents: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Yield each field of a definition that ours has too, with ours."""
    parts = [each for one in ours for each in _parts(one, documents)]
    for key in ("items", "additionalProperties"):
        if isinstance(theirs.get(key), dict):
            inner = [_Part(part.schema[key], part.base) for part in parts if isinstance(part.schema.get(key), dict)]
            yield from _fields(at, theirs[key], inner, documents)
    for name, schema in mapping(theirs.get("properties")).items():
        own = [
            _Part(part.schema["properties"][name], part.base)
            for part in parts
            if name in mapping(part.schema.get("properties"))
        ]
        for each in own:
            yield (*at, name), each.schema
        yield from _fields((*at, name), schema, own, documents) if own else ()


def _compared(
    at: str, theirs: Mapping[str, Any], ours: Sequence[_Part], documents: Mapping[str, Any]
) -> Iterator[tuple[tuple[int, str], str]]:
    """Yield what differs at a field, under what tells it from what another way to the same part of ours finds."""
    parts = [each for one in ours for each in _parts(one, documents)]
    owner = id(parts[0].schema) if parts else 0
    types = {name for part in parts for name in _listed(part.schema.get("type"))}
    wanted = {"integer", "string"} if theirs.get("x-kubernetes-int-or-string") else {*_listed(theirs.get("type"))}
    if types and wanted and types != wanted:
        yield (owner, "type"), f"{at}: is {_or(wanted)}, not {_or(types)}"
    words = {word for part in parts for word in (*part.schema.get("enum", ()), *_listed(part.schema.get("const")))}
    if theirs.get("enum") and words and {*theirs["enum"]} != words:
        yield (owner, "enum"), f"{at}: is one of {_or(theirs['enum'])}, not of {_or(words)}"
    for key, mark in (("items", "[]"), ("additionalProperties", ".*")):
        if isinstance(theirs.get(key), dict):
            inner = [_Part(part.schema[key], part.base) for part in parts if isinstance(part.schema.get(key), dict)]
            yield from _compared(f"{at}{mark}", theirs[key], inner, documents) if inner else ()
    fields: dict[str, list[_Part]] = {}
    for part in parts:
        for name, schema in mapping(part.schema.get("properties")).items():
            fields.setdefault(name, []).append(_Part(schema, part.base))
    known = mapping(theirs.get("properties"))
    if not known or not fields:
        return  # One of the two leaves the field open.
    for name in sorted(known.keys() - fields.keys()):
        yield (owner, name), f"{at}: add “{name}” ({_or(_listed(known[name].get('type'))) or 'anything'})"
    for name in sorted(fields.keys() - known.keys()):
        yield (owner, name), f"{at}: remove “{name}”, which Argo CD does not have"
    required = {name for part in parts for name in part.schema.get("required", ())}
    for name in sorted({*theirs.get("required", ())} - required):
        yield (owner, f"{name} required"), f"{at}: require “{name}”"
    for name in sorted(known.keys() & fields.keys()):
        yield from _compared(f"{at}.{name}", known[name], fields[name], documents)


def _parts(part: _Part, documents: Mapping[str, Any]) -> Iterator[_Part]:
    """Yield a schema with what it refers to and what it is made of."""
    schema, base = part
    if "$ref" in schema:
        file, _, pointer = schema["$ref"].partition("#")
        uri = f"argosy:/{file.removeprefix('argosy:/')}" if file else base
        found = documents[uri]
        for step in pointer.strip("/").split("/"):
            found = found[step]
        yield from _parts(_Part(found, uri), documents)
    for key in ("allOf", "anyOf", "oneOf"):
        for each in sequence(schema.get(key)):
            yield from _parts(_Part(each, base), documents)
    yield part


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _or(words: Iterable[Any]) -> str:
    return " or ".join(sorted(map(str, words)))
