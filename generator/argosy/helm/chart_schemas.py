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
from typing import Any, BinaryIO, cast
from urllib.parse import urljoin

from argosy.errors import Fault, OfflineError, RenderError
from argosy.paths import beginning

_NAME = "values.schema.json"
_REFERRING = frozenset({"$ref", "$dynamicRef", "$recursiveRef", "$schema"})
_KNOWN = re.compile(
    r"https?://json-schema\.org/(draft-0[467]/schema|schema|draft/20(19-09|20-12)/(schema|meta/[\w-]+))#?"
)
"""What Helm has within itself; without a draft, it is the newest."""
_LARGEST_SCHEMA = 10 * 1024 * 1024
_MOST_UNPACKED = 100 * 1024 * 1024
"""Bytes that the archives of a chart may unpack to, those in each other together: as many as Helm unpacks of one."""
_MOST_MEMBERS = 20_000
"""How many files the archives of a chart may hold."""
_DEEPEST = 8
"""How many archives may lie in each other."""


def refuse_references(chart: Path, files: Iterable[Path]) -> None:
    """Raise an error where a schema among the files of a chart, or in its archives, refers to what is not in itself.

    It is a RenderError for what lies in a file, and an OfflineError for what lies in the network.
    """
    strays: list[Fault] = []
    remote: list[Fault] = []
    budget = _Budget()
    for file in files:
        for name, content in _schemas(file, chart, budget):
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


class _Budget:
    """How many bytes and files may still be unpacked."""

    def __init__(self) -> None:
        self.left = _MOST_UNPACKED
        self.members = _MOST_MEMBERS

    def unpacked(self, archive: bytes) -> BinaryIO:
        """Return what an archive unpacks to, as a stream that raises ValueError where that is too much."""
        stream, budget = gzip.GzipFile(fileobj=io.BytesIO(archive)), self

        class Reader(io.RawIOBase):
            def read(self, size: int = -1, /) -> bytes:
                # Headers count too: tarfile reads as much of one as its size says.
                content = stream.read(size)
                budget.left -= len(content)
                if budget.left < 0:
                    raise ValueError(f"what the chart's archives hold unpacks to more than {_MOST_UNPACKED:,} bytes")
                return content

        return cast(BinaryIO, Reader())


def _schemas(file: Path, chart: Path, budget: _Budget) -> Iterator[tuple[str, bytes]]:
    """Yield the schemas that a file of a chart is or holds: what messages call it, and its content."""
    if file.name == _NAME:
        yield _NAME, beginning(file, _LARGEST_SCHEMA)
    elif file.name.endswith(".tgz") and "charts" in file.relative_to(chart).parts:
        try:
            yield from _archived(file.read_bytes(), file.name, budget)
        except (OSError, EOFError, ValueError, zlib.error, tarfile.TarError) as error:
            raise RenderError([Fault(f"Cannot read the archive: {error}.", file)]) from error


def _archived(archive: bytes, name: str, budget: _Budget, depth: int = 1) -> Iterator[tuple[str, bytes]]:
    if depth > _DEEPEST:
        raise ValueError(f"archives are nested more than {_DEEPEST} levels deep")
    with tarfile.open(fileobj=budget.unpacked(archive), mode="r|") as tar:
        for member in tar:
            budget.members -= 1
            if budget.members < 0:
                raise ValueError(f"the chart's archives hold more than {_MOST_MEMBERS:,} files")
            if member.issparse():
                raise ValueError(f"{member.name} is a sparse file, which may be of any size")
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
                yield from _archived(content, posixpath.basename(path), budget, depth + 1)
