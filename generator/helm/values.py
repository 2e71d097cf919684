"""Values, merged as Helm merges them."""

from __future__ import annotations

import re
from itertools import zip_longest
from pathlib import Path
from typing import Any

from generator.errors import Fault, RenderError
from generator.helm.faults import invalid_yaml
from generator.helm.release import Release


def values_of(release: Release) -> dict[str, Any]:
    """Return everything that overrides the chart's own values, merged by helm_python; raise RenderError."""
    from helm_python import (  # noqa: PLC0415
        HelmValuesError,
        parse_set_file,
        parse_set_string,
        parse_set_string_values,
        values_from_yaml,
    )

    merged: Any = {}
    for file in release.values:
        try:
            merged = _merge(merged, values_from_yaml(existing(file).read_text(encoding="utf-8")))
        except (HelmValuesError, UnicodeDecodeError) as error:
            raise RenderError([invalid_yaml(str(error), file)]) from error
    inline = values_from_yaml(release.inline) if isinstance(release.inline, str) else release.inline
    merged = _merge(merged, inline)
    # As Helm does, whatever their order: --set, then --set-string, then --set-file.
    for parameter in sorted(release.parameters, key=lambda parameter: parameter.force_string):
        parse = parse_set_string_values if parameter.force_string else parse_set_string
        given = parse(assignment(parameter.name, parameter.value))
        merged = _merge(merged, given, by_index="[" in parameter.name)
    for name, file in release.file_parameters:
        merged = _merge(merged, parse_set_file(assignment(name, str(existing(file)))), by_index="[" in name)
    return dict(merged)


def assignment(name: str, value: str) -> str:
    """Return a `--set` expression; a comma of the value is the value's own, unless it is a list in braces."""
    if not (value.startswith("{") and value.endswith("}")):
        value = re.sub(r"(?<!\\),", r"\\,", value)
    return f"{name}={value}"


def existing(file: Path) -> Path:
    """Return a values file; raise RenderError if it is not there."""
    if not file.is_file():
        raise RenderError([Fault("This values file does not exist.", file, hint="Create it, or name another.")])
    return file


def _merge(below: Any, above: Any, *, by_index: bool = False) -> Any:
    """Return `below` with `above` laid over it; a null stays, so that Helm deletes the chart's own value.

    With `by_index`, lists are merged by position: helm_python pads `a[1]=x` with nulls up to the position meant.
    """
    if isinstance(below, dict) and isinstance(above, dict):
        return {**below, **{key: _merge(below.get(key), value, by_index=by_index) for key, value in above.items()}}
    if by_index and isinstance(below, list) and isinstance(above, list):
        pairs = zip_longest(below, above)
        return [old if new is None else _merge(old, new, by_index=True) for old, new in pairs]
    return above
