"""A chart's values.schema.json, which Helm validates by after it has fetched or read whatever the schema refers to."""

from __future__ import annotations

import gzip
import io
import json
import posixpath
import re
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from argosy.errors import Fault, OfflineError, RenderError

_NAME = "values.schema.json"
_REFERRING = frozenset({"$ref", "$dynamicRef", "$recursiveRef", "$schema"})
_KNOWN = re.compile(r"https?://json-schema\.org/(draft-0[467]/schema|draft/20(19-09|20-12)/(schema|meta/[\w-]+))#?")
"""What Helm has within itself."""
_LARGEST_SCHEMA = 10 * 1024 * 1024
_LARGEST_ARCHIVE = 100 * 1024 * 1024
"""Bytes, unpacked: as many as Helm unpacks."""
_DEEPEST = 8
"""How many archives may lie in each other."""


def refuse_references(chart: Path, files: Iterable[Path]) -> None:
    """Raise an error where a schema among the files of a chart, or in its archives, refers to what is not in itself.

    It is a RenderError for what lies in a file, and an OfflineError for what lies in the network.
    """
    strays: list[Fault] = []
    remote: list[Fault] = []
    for file in files:
        for name, content in _schemas(file, chart):
            try:
                base, references = _referring(content)
            except (ValueError, RecursionError) as error:
                why = "it is nested too deeply" if isinstance(error, RecursionError) else error
                raise RenderError([Fault(f"{name} cannot be read as JSON: {why}.", file)]) from error
            for reference in references:
                if _is_remote(base, reference):
                    remote.append(
                        Fault(f"{name} refers to {reference}, which was not fetched (offline).", file, hint=_BUNDLE)
                    )
                else:
                    strays.append(Fault(f"{name} refers to {reference}, another file.", file, hint=_BUNDLE))
    if strays:
        raise RenderError(strays)
    if remote:
        raise OfflineError(remote)


def _is_remote(base: str, reference: str) -> bool:
    try:
        return re.match(r"https?:", urljoin(base, reference), re.IGNORECASE) is not None
    except ValueError:  # It is no URL.
        return False


_BUNDLE = (
    "Move the definition into the schema's `$defs` and refer to it as `#/$defs/…`, "
    "or set `helm.skipSchemaValidation` in the Application."
)


def _references(schema: Any) -> Iterator[str]:
    """Yield each reference that does not lead to a place in the schema itself."""
    pending = [schema]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending += node
        for key, value in node.items() if isinstance(node, dict) else ():
            if key not in _REFERRING or not isinstance(value, str):
                pending.append(value)
            elif not (value == "" or value.startswith(("#", "urn:")) or _KNOWN.fullmatch(value)):
                yield value


@lru_cache(maxsize=32)
def _referring(content: bytes) -> tuple[str, Sequence[str]]:
    """Return a schema's own address and what it refers to; raise ValueError or RecursionError where it is no JSON.

    Environments share a chart, and charts a schema.
    """
    schema = _parsed(content)
    base = next((schema[key] for key in ("$id", "id") if isinstance(schema.get(key), str)), "")
    return base, tuple(dict.fromkeys(_references(schema)))


def _parsed(content: bytes) -> dict[str, Any]:
    """Return a schema as Helm reads it; raise an error for one that it may read, and this may not."""
    if len(content) > _LARGEST_SCHEMA:
        raise ValueError(f"it has more than {_LARGEST_SCHEMA:,} bytes")
    text = content.decode("utf-8", errors="replace").removeprefix("\ufeff")
    schema = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    return schema if isinstance(schema, dict) else {"allOf": schema}


def _schemas(file: Path, chart: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the schemas that a file of a chart is or holds: what messages call it, and its content."""
    if file.name == _NAME:
        with file.open("rb") as stream:
            yield _NAME, stream.read(_LARGEST_SCHEMA + 1)
    elif file.suffix == ".tgz" and "charts" in file.relative_to(chart).parts:
        try:
            yield from _archived(file.read_bytes(), file.name)
        except (OSError, EOFError, ValueError, zlib.error, tarfile.TarError) as error:
            raise RenderError([Fault(f"Cannot read the archive: {error}.", file)]) from error


def _archived(archive: bytes, name: str, depth: int = 1) -> Iterator[tuple[str, bytes]]:
    if depth > _DEEPEST:
        raise ValueError(f"archives are nested more than {_DEEPEST} levels deep")
    unpacked = 0
    with gzip.open(io.BytesIO(archive)) as plain, tarfile.open(fileobj=plain, mode="r|") as tar:
        for member in tar:
            unpacked += member.size
            if unpacked > _LARGEST_ARCHIVE:
                raise ValueError(f"it unpacks to more than {_LARGEST_ARCHIVE:,} bytes")
            if {"path", "size"} & tar.pax_headers.keys():
                raise ValueError("a global header renames its files")
            path = posixpath.normpath(member.name.replace("\\", "/"))
            is_schema = posixpath.basename(path) == _NAME
            if not (is_schema or ("/charts/" in path and path.endswith(".tgz"))) or member.issym() or member.islnk():
                continue
            content = stream.read() if (stream := tar.extractfile(member)) else b""
            if is_schema:
                yield f"{path} of {name}", content
            else:
                yield from _archived(content, posixpath.basename(path), depth + 1)
