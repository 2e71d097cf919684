"""`--schema-location`: where further JSON schemas of Kubernetes kinds lie, in a folder or under a URL."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from generator.errors import ArgosyError, UsageError

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

    @classmethod
    def parse(cls, text: str) -> SchemaLocation:
        """Read a location: PATH, file:// or http(s):// URL, with or without `{{ .ResourceKind }}` and the like.

        Raise UsageError if it names a variable that there is not, or a folder that is not there.
        """
        location = text.strip()
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
            return cls((location,))
        if location.startswith("file:") and not _path(location).is_dir():
            raise UsageError(f"The schema location “{text}” is not a folder.", "Give a folder that is there.")
        return cls(tuple(f"{location.rstrip('/')}/{layout}" for layout in _FOLDER_LAYOUTS))

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
            schema = read(uri)
            if schema is not None:
                return uri, schema
        return None


def read(uri: str) -> Any:
    """Return the JSON that lies under a file or http(s) URI; None if nothing does."""
    if not uri.startswith(("file:", "http://", "https://")):
        raise ArgosyError(f"The schema {uri} cannot be read.", "A schema may refer to files and http(s) URLs alone.")
    from urllib.error import HTTPError  # noqa: PLC0415 - few validations read a location, and HTTP is slow to import
    from urllib.request import urlopen  # noqa: PLC0415

    try:
        if uri.startswith("file:"):
            return json.loads(_path(uri).read_bytes())
        with urlopen(uri, timeout=_SECONDS) as answer:
            return json.loads(answer.read())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except HTTPError as error:
        if error.code == 404:
            return None
        raise ArgosyError(f"The schema {uri} cannot be fetched: HTTP {error.code} {error.reason}.") from error
    except OSError as error:
        reason = getattr(error, "reason", None) or error.strerror or error
        raise ArgosyError(f"The schema {uri} cannot be read: {reason}.", "Check the schema location.") from error
    except (ValueError, RecursionError) as error:
        raise ArgosyError(f"The schema {uri} is not JSON: {error}.", "Check the schema location.") from error


def _as_uri(path: str) -> str:
    """Return an absolute file URI of a path that may hold variables, whose braces and spaces stay as they are."""
    absolute = Path(path).expanduser().absolute().as_posix()
    return "file://" + quote(absolute if absolute.startswith("/") else f"/{absolute}", safe="/{} :")


def _path(uri: str) -> Path:
    from urllib.request import url2pathname  # noqa: PLC0415

    return Path(url2pathname(urlsplit(uri).path))
