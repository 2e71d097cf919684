"""The texts of a catalogue, rendered by Jinja within its sandbox: a repository's own in a process of their own.

That process is this file, started by its path: it answers each line of standard input with a line, both of them JSON.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Mapping
from typing import Any


class RefusedError(Exception):
    """Report a text that cannot be rendered, and the line that is to blame."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def rendered(text: str, known: Mapping[str, Any]) -> str:
    """Return what a text gives, which reaches nothing but what it is given; raise RefusedError where it fails."""
    import jinja2.sandbox  # noqa: PLC0415

    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        block_start_string="[%",
        block_end_string="%]",
        variable_start_string="[[",
        variable_end_string="]]",
        comment_start_string="[#",
        comment_end_string="#]",
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,
    )
    try:
        return environment.from_string(text).render(known)
    except MemoryError:
        raise
    except Exception as error:
        raise RefusedError(str(error), _line(error)) from error


def _line(error: Exception) -> int:
    """Return the line of a text in which it failed: what is rendered stands as `<template>` in the traceback."""
    found = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<template>"]
    line: int | None = getattr(error, "lineno", None) or (found[-1] if found else None)
    return line or 1


def rendered_apart(text: str, known: Mapping[str, Any]) -> str:
    """Return what a stranger's text gives, within limits of time and memory.

    Raise RefusedError where it fails, StoppedError where it reaches a limit.
    """
    from argosy import supervisor  # noqa: PLC0415

    program = supervisor.python(__file__, "jinja2", "markupsafe")
    answer = json.loads(program.ask(json.dumps([text, known]).encode() + b"\n"))
    if "error" in answer:
        raise RefusedError(answer["error"], answer["line"])
    return str(answer["text"])


def _answer(text: str, known: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return {"text": rendered(text, known)}
    except RefusedError as error:
        return {"error": str(error), "line": error.line}


if __name__ == "__main__":
    sys.path += sys.argv[1:]
    for _line_asked in sys.stdin:
        print(json.dumps(_answer(*json.loads(_line_asked))), flush=True)
