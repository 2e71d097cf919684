"""The operators whose kinds have schemas: where their CustomResourceDefinitions come from, and which are newer."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from argosy import temporary
from argosy.schemas import bundled
from tests.upstream import crds, openshift

ORIGINS = bundled.CRDS / "origins.json"


@dataclass(frozen=True, slots=True)
class Operator:
    """A line of `origins.json`."""

    name: str
    repository: str
    licence: str
    releases: Mapping[str, str]
    """Tags or branches, the newest release first, and the commit that each was read at; "" before it is read."""
    paths: Sequence[str]
    """Globs of the files with definitions; of two definitions of a kind, that of the earlier glob counts."""
    fills: bool = False
    """Whether its webhook fills in what is required, before the API server asks for it: then nothing is."""


def load(path: Path = ORIGINS) -> dict[str, Operator]:
    """Return the operators by name."""
    return {each["name"]: Operator(**each) for each in json.loads(path.read_bytes())}


def save(operators: Mapping[str, Operator], path: Path = ORIGINS) -> None:
    """Write the operators, a line each."""
    lines = []
    for each in sorted(operators.values(), key=lambda each: each.name):
        fields = {key: getattr(each, key) for key in each.__slots__ if getattr(each, key) is not False}
        lines.append(f"  {json.dumps(fields)}")
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


def write(operator: Operator, sources: Path | None, folder: Path = bundled.CRDS) -> Operator:
    """Write an operator's schemas, and return it with the commits that they were made from.

    `sources` has a clone for each repository, OWNER+NAME; without it, or without one there, it is cloned.
    """
    commits, releases = {}, {}
    for release in operator.releases:
        with temporary.folder("operator") as place:
            clone = _clone(operator, release, sources, place)
            commits[release] = _git(clone, "rev-parse", f"{release}^{{commit}}").decode().strip()
            found = _definitions(clone, release, operator.paths)
            releases[release] = [_optional(each) for each in found] if operator.fills else list(found)
    if not any(releases.values()):
        raise ValueError(f"{operator.name}: no file of {operator.repository} has a definition")
    crds.write(releases, folder / operator.name)
    return replace(operator, releases=commits)


def newer(operator: Operator) -> str:
    """Return the newest release that the repository has, of those that are named alike; raise where none answers."""
    url = operator.repository
    listed = _git(None, "ls-remote", "--tags", "--heads", "--refs", url).decode()
    current = next(iter(operator.releases))
    alike = re.compile(re.sub(r"\d+", r"(\\d+)", re.escape(current)))
    names = [line.partition("\t")[2].split("/", 2)[2] for line in listed.splitlines()]
    found = {name: tuple(map(int, match.groups())) for name in names if (match := alike.fullmatch(name))}
    return max([current, *found], key=lambda name: found.get(name, ()))


def _clone(operator: Operator, release: str, sources: Path | None, place: Path) -> Path:
    owner_and_name = "+".join(urlsplit(operator.repository).path.strip("/").split("/"))
    for there in (sources / owner_and_name, sources / owner_and_name / "repo") if sources else ():
        if (there / "HEAD").is_file() or (there / ".git").is_dir():
            return there
    options = ["--quiet", "--bare", "--depth=1", "--filter=blob:none", f"--branch={release}"]
    _git(None, "clone", *options, operator.repository, str(place / "clone"))
    return place / "clone"


def _definitions(clone: Path, release: str, globs: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    paths = _git(clone, "ls-tree", "-r", "--name-only", "-z", release).decode().split("\0")
    for glob in globs:
        for path in (path for path in paths if fnmatchcase(path, glob)):
            content = _git(clone, "show", f"{release}:{path}").decode()
            if path.endswith(".json"):
                yield from openshift.definitions(json.loads(content))
                continue
            if re.search(r"\{\{-? *include ", content):
                # A chart's template: only its labels and conditions are Helm's.
                content = re.sub(r"(?m)^.*\{\{.*\n", "", content)
            yield from crds.within(content)


def _optional(schema: Any) -> Any:
    if isinstance(schema, dict):
        is_list = isinstance(schema.get("required"), list)
        return {key: _optional(each) for key, each in schema.items() if not (is_list and key == "required")}
    return [_optional(each) for each in schema] if isinstance(schema, list) else schema


def _git(folder: Path | None, *arguments: str) -> bytes:
    place = ["-C", str(folder)] if folder else []
    done = subprocess.run(["git", *place, *arguments], capture_output=True, check=False)
    if done.returncode:
        raise ValueError(f"git {arguments[0]}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
