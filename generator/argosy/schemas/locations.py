"""`--schema-location`: where further JSON schemas of Kubernetes kinds lie, in a folder or under a URL."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from argosy import tls
from argosy.errors import ArgosyError, UsageError
from argosy.paths import astray

_FOLDER_LAYOUTS = (
    "{{ .ResourceKind }}{{ .KindSuffix }}.json",
    "{{ .Group }}/{{ .ResourceKind }}_{{ .ResourceAPIVersion }}.json",
)
_VARIABLE = re.compile(r"\{\{-?\s*\.?(\w*)\s*-?\}\}")
_VARIABLES = (
    "Group", "KindSuffix", "NormalizedKubernetesVersion", "ResourceAPIVersion", "ResourceKind", "StrictSuffix",
)  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_SECONDS = 20


@dataclass(frozen=True, slots=True)
class SchemaLocation:
    """A folder, or a template of paths or URLs in kubeconform's notation."""

    templates: tuple[str, ...]
    base: str
    """The URI that all of it begins with: what a schema refers to has to lie there too."""

    @classmethod
    def parse(cls, text: str, root: Path | None = None) -> SchemaLocation:
        """Read a location: PATH, file:// or http(s):// URL, with or without `{{ .ResourceKind }}` and the like.

        One that a repository names, given the repository's root, is a path of it, and nothing else.
        Raise UsageError if it names a variable that there is not, or a folder that is not there.
        """
        location = text.strip()
        if root:
            reason = "it is a URL" if "://" in location else astray(root / location, root)
            if reason:
                raise UsageError(
                    f"The repository's schema location “{text}” cannot be used: {reason}.",
                    "Keep the schemas in the repository, or name the location with --schema-location.",
                )
            location = str(root / location)
        scheme = location.partition("://")[0] if "://" in location else ""
        if not location or scheme not in {"", "file", "http", "https"}:
            raise UsageError(f"“{text}” is not a schema location.", "Give a folder, or a file:// or http(s):// URL.")
        unknown = [name for name in _VARIABLE.findall(location) if name not in _VARIABLES]
        if unknown:
            raise UsageError(
                f"The schema location “{text}” names “{unknown[0]}”, which is not known.",
                f"Use {', '.join('{{ .' + name + ' }}' for name in _VARIABLES)}.",
            )
        if not scheme:
            location = _as_uri(location)
        if _VARIABLE.search(location) or location.endswith(".json"):
            return cls((location,), _as_uri(str(root)) if root else _base(location))
        if location.startswith("file:") and not _path(location).is_dir():
            raise UsageError(f"The schema location “{text}” is not a folder.", "Give a folder that is there.")
        folder = location.rstrip("/")
        return cls(
            tuple(f"{folder}/{each}" for each in _FOLDER_LAYOUTS), _as_uri(str(root)) if root else _base(f"{folder}/")
        )

    def find(self, kubernetes_version: str, api_version: str, kind: str) -> tuple[str, Any] | None:
        """Return a kind's schema with the URI that it came from; None if it is not there.

        Raise ArgosyError if the location cannot be read or what lies there is not JSON.
        """
        first, _, last = api_version.partition("/")
        if not all(_NAME.fullmatch(each) for each in (kind, first, last or first)):
            return None
        suffix = f"-{first.split('.')[0]}-{last}" if last else f"-{first}"
        values = {
            "Group": first,
            "KindSuffix": suffix.lower(),
            "NormalizedKubernetesVersion": f"v{kubernetes_version}.0",
            "ResourceAPIVersion": last or first,
            "ResourceKind": kind.lower(),
            "StrictSuffix": "-strict",
        }
        for template in self.templates:
            uri = _VARIABLE.sub(lambda variable: values[variable[1]], template).replace(" ", "%20")
            schema = self.read(uri)
            if schema is not None:
                return uri, schema
        return None

    def read(self, uri: str) -> Any:
        """Return the JSON that lies under a URI, None if nothing does; raise ArgosyError if it is not the location's.

        A schema says what it refers to, and may come from a repository: it is to lead neither to another file of this
        machine nor into the network.
        """
        if self.base.startswith("file:"):
            is_own = uri.startswith("file:") and not astray(_path(uri), _path(self.base))
        else:
            is_own = urlsplit(uri)[:2] == urlsplit(self.base)[:2]
        if not is_own:
            raise ArgosyError(
                f"The schema {uri} is not read: it is not below {self.base}.",
                "Keep what a schema refers to beside it.",
            )
        return _read(uri)


def _base(location: str) -> str:
    """Return what a location begins with: the folder before its first variable; of a URL, all is of one host."""
    return _VARIABLE.split(location, maxsplit=1)[0].rpartition("/")[0] + "/"


def _read(uri: str) -> Any:
    """Return the JSON that lies under a file or http(s) URI; None if nothing does."""
    if not uri.startswith(("file:", "http://", "https://")):
        raise ArgosyError(f"The schema {uri} cannot be read.", "A schema may refer to files and http(s) URLs alone.")
    from http.client import HTTPException  # noqa: PLC0415
    from urllib.error import HTTPError  # noqa: PLC0415 - few validations read a location, and HTTP is slow to import
    from urllib.request import urlopen  # noqa: PLC0415

    try:
        if uri.startswith("file:"):
            return json.loads(_path(uri).read_bytes())
        with urlopen(uri, timeout=_SECONDS, context=tls.context()) as answer:
            return json.loads(answer.read())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except HTTPError as error:
        if error.code == 404:
            return None
        raise ArgosyError(f"The schema {uri} cannot be fetched: HTTP {error.code} {error.reason}.") from error
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise ArgosyError(f"The schema {uri} cannot be read: {reason}.", "Check the schema location.") from error
    except (ValueError, RecursionError) as error:
        raise ArgosyError(f"The schema {uri} is not JSON: {error}.", "Check the schema location.") from error


def _as_uri(path: str) -> str:
    """Return an absolute file URI of a path that may hold variables, whose braces and spaces stay as they are."""
    try:
        absolute = Path(path).expanduser().absolute().as_posix()
    except RuntimeError as error:
        raise UsageError(f"{path}: there is no such home directory.", f"Write ./{path}.") from error
    return "file://" + quote(absolute if absolute.startswith("/") else f"/{absolute}", safe="/{} :")


def _path(uri: str) -> Path:
    from urllib.request import url2pathname  # noqa: PLC0415

    return Path(url2pathname(urlsplit(uri).path))
