"""The process that evaluates Jsonnet: it answers each line of standard input with a line, both of them JSON.

It is started by its path, with what to import from where. What a file imports is read here, and only within the root.
"""

from __future__ import annotations

import importlib
import json
import os
import posixpath
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any


class NotFoundError(Exception):
    """Report a file that cannot be imported."""


def _importer(
    root: Path, folders: Sequence[str], read: list[str], refused: list[str]
) -> Callable[[str, str], tuple[str, bytes]]:
    """Return the function that finds what is imported: beside the file, then in the folders, the last one first."""
    from argosy.paths import OUTSIDE, astray, content  # noqa: PLC0415 - its folder is known by now

    def found(folder: str, name: str) -> tuple[str, bytes]:
        try:
            return looked_for(folder, name)
        except NotFoundError as error:
            refused.append(str(error))
            raise

    def looked_for(folder: str, name: str) -> tuple[str, bytes]:
        for place in (folder, *reversed(folders)):
            path = Path(os.path.normpath(root / place / name))
            if reason := OUTSIDE if posixpath.isabs(name) else astray(path, root):
                raise NotFoundError(f"“{name}” cannot be imported: {reason}")
            try:
                held = content(path, root)
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                raise NotFoundError(
                    f"“{name}” cannot be imported: {getattr(error, 'strerror', '') or error}"
                ) from error
            read.append(path.relative_to(root).as_posix())
            return read[-1], held
        raise NotFoundError(f"“{name}” cannot be imported: there is no such file")

    return found


def answer(engine: Any, task: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a file evaluates to, or what is wrong, and which files were read."""
    root, file = Path(task["root"]), task["file"]
    read, refused = list[str](), list[str]()
    importer = _importer(root, task["libraries"], read, refused)
    variables = {each: task[each] for each in ("ext_vars", "ext_codes", "tla_vars", "tla_codes")}
    try:
        _, text = importer("", file)
        read.clear()
        made = engine.evaluate_snippet(file, text.decode("utf-8", "replace"), import_callback=importer, **variables)
    except (RuntimeError, UnicodeDecodeError, NotFoundError) as error:
        return {"error": _said(error, refused), "read": read}
    return {"text": made, "read": sorted(set(read))}


def _said(error: Exception, refused: Sequence[str]) -> str:
    """Return what an error says."""
    text = error.object.decode("utf-8", "replace") if isinstance(error, UnicodeDecodeError) else str(error)
    for each in refused:
        # go-jsonnet takes what an importer raises for text that ends with a NUL, and goes on into what lies behind it.
        text = re.sub(rf"({re.escape(each)}).*?(?=\n\t|\Z)", r"\1", text, count=1, flags=re.DOTALL)
    # Where that is no UTF-8, nothing is left of it all.
    return text or "\n".join(f"RUNTIME ERROR: importer error: {each}" for each in refused[-1:])


if __name__ == "__main__":
    sys.path += sys.argv[2:]
    _engine = importlib.import_module(sys.argv[1])
    for _asked in sys.stdin:
        print(json.dumps(answer(_engine, json.loads(_asked))), flush=True)
