"""Templates, compiled once for all the trees that Copier renders in a process, which took two thirds of its time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jinja2

_COMPILED: dict[Any, Any] = {}
_compile: Callable[..., Any] = jinja2.Environment.compile


def _once(self: jinja2.Environment, source: Any, name: Any = None, filename: Any = None, *rest: Any) -> Any:
    if not isinstance(source, str):
        return _compile(self, source, name, filename, *rest)
    known = (self.lexer, type(self), *self.extensions, source, name, *rest)
    if known not in _COMPILED:
        _COMPILED[known] = _compile(self, source, name, None, *rest)
    else:
        self.preprocess(source, name, filename)  # Copier's extension begins a path there.
    return _COMPILED[known]


jinja2.Environment.compile = _once  # type: ignore[assignment, method-assign]
