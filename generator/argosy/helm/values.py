"""What overrides a chart's own values, in Helm's words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from argosy.errors import Fault, RenderError
from argosy.helm.release import Release


def assignments(release: Release) -> Iterator[tuple[str, str]]:
    """Yield the flags that set a release's parameters, each with its expression."""
    for parameter in release.parameters:
        yield "--set-string" if parameter.force_string else "--set", _assignment(parameter.name, parameter.value)
    for name, file in release.file_parameters:
        yield "--set-file", _assignment(name, str(existing(file)))


def _assignment(name: str, value: str) -> str:
    """Return a `--set` expression; a comma of the value is the value's own, unless it is a list in braces."""
    if not (value.startswith("{") and value.endswith("}")):
        value = re.sub(r"(?<!\\),", r"\\,", value)
    return f"{name}={value}"


def existing(file: Path) -> Path:
    """Return a values file; raise RenderError if it is not there."""
    if not file.is_file():
        raise RenderError([Fault("This values file does not exist.", file, hint="Create it, or use another.")])
    return file
