"""A layer's questions, paths and texts, rendered by Jinja within its sandbox in a process of their own.

That process is this file, started by its path: it answers each line of standard input with a line, both of them JSON.
First comes a layer with what it may refer to, which gives its answers and its paths; then which of these to render.
"""

from __future__ import annotations

import json
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jinja2


_FILTERS = (
    *("b64decode", "b64encode", "bool", "combine", "dict2items", "extract", "flatten", "from_json", "from_yaml"),
    *("items2dict", "mandatory", "quote", "regex_escape", "regex_findall", "regex_replace", "regex_search", "ternary"),
    *("to_json", "to_nice_json", "to_nice_yaml", "to_yaml", "to_uuid", "type_debug"),
)
"""What Copier's users have beside Jinja's own filters, as far as it reads no file, no clock and no dice."""
_MOST_PATHS = 100_000
_MOST_TEXT = 128 * 1024 * 1024
"""How many characters all the files of a layer may have together."""


class RefusedError(Exception):
    """Report what cannot be rendered, and the place that is to blame."""

    def __init__(self, message: str, file: str, line: int) -> None:
        super().__init__(message)
        self.file = file
        self.line = line


class Rendering:
    """A layer that is being rendered in a process of its own, within limits of time and memory.

    Each method raises RefusedError where the layer fails, StoppedError where it reaches a limit.
    """

    def __init__(self, layer: Mapping[str, Any]) -> None:
        """Begin with a layer: its texts, its questions, the answers to them, and what it may refer to.

        `files` are the texts that others can include, `templates` those that give files, as path -> text in place of
        their suffix's; `questions` are pairs of name and details, `lines` where each is asked.
        """
        from argosy import supervisor  # noqa: PLC0415

        self._program = supervisor.python(__file__, "jinja2", "markupsafe", "jinja2_ansible_filters", "yaml")
        found = self._ask({"begin": layer})
        self.answers: Mapping[str, Any] = found["answers"]
        """The answers to the layer's questions, those that the person is asked alone."""
        self.asked: Sequence[Mapping[str, Any]] = found["asked"]
        """What the person is asked: each question's name, help, default and choices."""
        self.paths: Sequence[tuple[str, str]] = [(path, template) for path, template in found["paths"]]
        """Each path that a template gives, and the template."""

    def texts(self, numbers: Sequence[int], below: Mapping[str, str]) -> Mapping[int, str]:
        """Return what the paths of these numbers hold; `below` is what each path holds without the layer."""
        from argosy.supervisor import limits  # noqa: PLC0415

        found: dict[int, str] = {}
        left, size = limits().seconds, 0
        for start in range(0, len(numbers), 500):
            some = numbers[start : start + 500]
            known = {self.paths[each][0]: below[self.paths[each][0]] for each in some if self.paths[each][0] in below}
            before = time.monotonic()
            answer = self._ask({"render": some, "below": known})
            left -= time.monotonic() - before
            size += sum(map(len, answer["texts"]))
            if left < 0 or size > _MOST_TEXT:
                what = "take longer than one render may" if left < 0 else f"give more than {_MOST_TEXT >> 20} MB"
                raise RefusedError(f"all its files together {what}", self.paths[some[-1]][1], 1)
            found |= zip(some, answer["texts"], strict=True)
        return found

    def _ask(self, request: Mapping[str, Any]) -> Any:
        answer = json.loads(self._program.ask(json.dumps(request).encode() + b"\n"))
        if "error" in answer:
            raise RefusedError(answer["error"], answer["file"], answer["line"])
        return answer


class _Layer:
    """A layer within the process that renders it."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = given
        self.environment = _environment(given["files"], given["envops"])
        self.answers, self.asked, hidden = self._answered()
        own = {**self.answers, **hidden}
        self.known = {**given["known"], **own, "_copier_answers": self.answers, **given["copier"]}
        self.paths: list[tuple[str, str, Mapping[str, Any]]] = []
        is_open = any("default" not in each for each in self.asked)
        for template in () if is_open else given["templates"]:
            place = given["places"][template]
            for path, loop in self._paths(place.split("/"), (), {}, template):
                self.paths.append((path, template, loop))
                if len(self.paths) > _MOST_PATHS:
                    raise RefusedError(f"It gives more than {_MOST_PATHS:,} files.", template, 1)

    def _answered(self) -> tuple[dict[str, Any], list[Mapping[str, Any]], dict[str, Any]]:
        """Return the answers, what is asked, and what is computed: questions whose `when` is false."""
        answers, asked, hidden = dict[str, Any](), list[Mapping[str, Any]](), dict[str, Any]()
        for name, details in self.given["questions"]:
            known = {**self.given["known"], **answers, **hidden}
            line = self.given["lines"][name]

            def filled(text: Any, known: Mapping[str, Any] = known, line: int = line) -> Any:
                if not isinstance(text, str):
                    return text
                return self._rendered(lambda: self.environment.from_string(text), known, self.given["file"], line)

            kind = details.get("type") or ("yaml" if "default" not in details else _kind_of(details["default"]))
            is_asked = self._cast("bool", filled(details.get("when", True)), name, line)
            choices = [filled(each) for each in self._choices(details.get("choices"), filled, name, line)]
            if is_asked and name in self.given["answers"]:
                value = self.given["answers"][name]
            elif "default" in details:
                value = filled(details["default"])
            elif is_asked:
                asked.append({"name": name, "help": filled(details.get("help", name)), "choices": choices})
                continue
            else:
                continue
            several = bool(details.get("multiselect"))
            if several and isinstance(value, str) and not value.startswith("["):
                value = [each.strip() for each in value.split(",") if each.strip()]
            value = self._cast("yaml" if several else kind, value, name, line)
            chosen = value if several and isinstance(value, list) else [value]
            if choices and is_asked and (wrong := [each for each in chosen if each not in choices]):
                listed = ", ".join(map(str, choices))
                raise RefusedError(f"“{wrong[0]}” is no choice of {name}, which has {listed}", self.given["file"], line)
            (answers if is_asked else hidden)[name] = value
            if is_asked:
                if said := filled(str(details.get("validator", "")), {**known, name: value}).strip():
                    raise RefusedError(f"“{value}” is no answer to {name}: {said}", self.given["file"], line)
                more = {"help": filled(details.get("help", name)), "default": value, "choices": choices}
                asked.append({"name": name, **more})
        return answers, asked, hidden

    def _choices(self, listed: Any, filled: Callable[[Any], Any], name: str, line: int) -> Sequence[Any]:
        """Return the values of a question's choices: a list of values or of pairs, a mapping, or a text of one."""
        if isinstance(listed, str):
            listed = self._cast("yaml", filled(listed), name, line)
        if isinstance(listed, dict):
            return [each.get("value") if isinstance(each, dict) else each for each in listed.values()]
        pairs = listed if isinstance(listed, list) else ()
        return [each[1] if isinstance(each, list) and len(each) == 2 else each for each in pairs]

    def _cast(self, kind: str, value: Any, name: str, line: int) -> Any:
        """Return a value as its question's type has it; raise RefusedError where it is none."""
        import yaml  # noqa: PLC0415

        try:
            if kind not in _CASTS:
                raise RefusedError(f"{name} is of the type {kind}, which there is not", self.given["file"], line)
            return _CASTS[kind](value)
        except (ValueError, TypeError, KeyError, yaml.YAMLError) as error:
            message = f"“{value}” is no answer to {name}, which is of the type {kind}"
            raise RefusedError(message, self.given["file"], line) from error

    def _paths(
        self, parts: Sequence[str], above: tuple[str, ...], loop: Mapping[str, Any], template: str
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield each path that a template's path stands for, with the values of its loops."""
        if not parts:
            yield "/".join(above), loop
            return
        first, *rest = parts
        turns = [loop]
        if found := self._loops.fullmatch(first):
            first = found["before"] + found["body"] + found["after"]
            known = {**self.known, **loop}

            def values() -> list[Any]:
                expression: Any = self.environment.compile_expression(found["values"], undefined_to_none=False)
                return list(expression(known))

            turns = [{**loop, found["name"]: each} for each in self._tried(values, template, 1)]
        for turn in turns:
            part = self._filled_part(first, {**self.known, **turn}, template)
            if part:
                yield from self._paths(rest, (*above, part), turn, template)

    @property
    def _loops(self) -> re.Pattern[str]:
        """What a part of a path with one of Copier's loops is like: `yield NAME from VALUES`."""
        begin, end = (re.escape(getattr(self.environment, f"block_{each}_string")) for each in ("start", "end"))
        return re.compile(
            rf"(?P<before>.*){begin}[-+]?\s*yield\s+(?P<name>[A-Za-z_]\w*)\s+from\s+(?P<values>.+?)\s*[-+]?{end}"
            rf"(?P<body>.*){begin}[-+]?\s*endyield\s*[-+]?{end}(?P<after>.*)",
            re.DOTALL,
        )

    def _filled_part(self, text: str, known: Mapping[str, Any], template: str) -> str:
        if not any(
            getattr(self.environment, f"{each}_start_string") in text for each in ("block", "variable", "comment")
        ):
            return text
        return self._rendered(lambda: _compiled(self.environment, text), known, template, 1)

    def text(self, number: int, below: Mapping[str, str]) -> str:
        """Return what a path holds; `below` is what paths hold without the layer."""
        path, template, loop = self.paths[number]
        more = {"below": below[path]} if path in below else {}
        known = {**self.known, **loop, **more, "_copier_conf": self.given["copier"]["_copier_conf"]}
        return self._rendered(lambda: self.environment.get_template(template), known, template)

    def _rendered(
        self, compiled: Callable[[], jinja2.Template], known: Mapping[str, Any], file: str, line: int = 0
    ) -> str:
        return str(self._tried(lambda: compiled().render(known), file, line))

    def _tried(self, what: Callable[[], Any], file: str, line: int) -> Any:
        """Return what is asked for; raise RefusedError with its place, of which `line` is known unless it is 0."""
        try:
            return what()
        except MemoryError:
            raise
        except Exception as error:
            if line:
                raise RefusedError(_said(error), file, line) from error
            raise RefusedError(_said(error), *self._place(error, file)) from error

    def _place(self, error: Exception, file: str) -> tuple[str, int]:
        """Return the file and line in which a text failed: an included one is the last of the traceback's."""
        frames = [each for each in traceback.extract_tb(error.__traceback__) if each.filename in self.given["files"]]
        if line := getattr(error, "lineno", None):
            return getattr(error, "filename", None) or getattr(error, "name", None) or file, line
        return (frames[-1].filename, frames[-1].lineno or 1) if frames else (file, 1)


def _said(error: Exception) -> str:
    from jinja2 import TemplateNotFound, UndefinedError  # noqa: PLC0415

    if isinstance(error, TemplateNotFound):
        return f"it includes “{error}”, which the layer does not have"
    if isinstance(error, UndefinedError):
        return f"it asks for what is not there: {error}"
    return str(error) or type(error).__name__


def _compiled(environment: jinja2.Environment, text: str) -> jinja2.Template:
    """Return a part of a path, compiled once: it is filled in for each application of each environment."""
    known = _COMPILED.setdefault(id(environment), {})
    if text not in known:
        known[text] = environment.from_string(text)
    return known[text]


_COMPILED: dict[int, dict[str, jinja2.Template]] = {}


def _environment(files: Mapping[str, str], envops: Mapping[str, Any]) -> jinja2.Environment:
    import jinja2.sandbox  # noqa: PLC0415
    from jinja2_ansible_filters.core_filters import FilterModule  # type: ignore[import-untyped]  # noqa: PLC0415

    def source(name: str) -> tuple[str, str, Callable[[], bool]] | None:
        # The name is what tracebacks show.
        return (files[name], name, lambda: True) if name in files else None

    _COMPILED.clear()
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        **{"keep_trailing_newline": True, **envops},
        loader=jinja2.FunctionLoader(source),
        undefined=jinja2.StrictUndefined,
        autoescape=False,
    )
    more = FilterModule().filters()
    environment.filters |= {name: more[name] for name in _FILTERS if name in more}
    for table, name in ((environment.filters, "random"), (environment.globals, "lipsum")):
        del table[name]  # The same model has to give the same tree.
    return environment


def _kind_of(default: Any) -> str:
    """Return the type of a question that names none, by its default, as Copier has it."""
    kinds = {bool: "bool", int: "int", float: "float", str: "str"}
    return kinds.get(type(default), "yaml")


def _loaded(text: str) -> Any:
    import yaml  # noqa: PLC0415

    class Loader(yaml.SafeLoader):
        """A loader whose values JSON has too: dates stay text."""

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return yaml.load(text, Loader)


_TRUE = {
    **dict.fromkeys(("true", "yes", "y", "on", "1", "t"), True),
    **dict.fromkeys(("false", "no", "n", "off", "0", "f", "", "none", "null"), False),
}
_CASTS: Mapping[str, Callable[[Any], Any]] = {
    "str": lambda value: "" if value is None else str(value),
    "path": lambda value: "" if value is None else str(value),
    "int": int,
    "float": float,
    "bool": lambda value: _TRUE[value.strip().lower()] if isinstance(value, str) else bool(value),
    "json": lambda value: json.loads(value) if isinstance(value, str) else value,
    "yaml": lambda value: _loaded(value) if isinstance(value, str) else value,
}


_begun: list[_Layer] = []


def _answer(request: Mapping[str, Any]) -> str:
    try:
        if "begin" in request:
            _begun.clear()
            layer = _Layer(request["begin"])
            _begun.append(layer)
            paths = [each[:2] for each in layer.paths]
            return json.dumps({"answers": layer.answers, "asked": layer.asked, "paths": paths})
        return json.dumps({"texts": [_begun[0].text(each, request["below"]) for each in request["render"]]})
    except RefusedError as error:
        return json.dumps({"error": str(error), "file": error.file, "line": error.line})
    except MemoryError:
        raise
    except Exception as error:  # Settings and questions may be of any shape.
        file = request["begin"]["file"] if "begin" in request else _begun[0].given["file"]
        return json.dumps({"error": str(error) or type(error).__name__, "file": file, "line": 1})


if __name__ == "__main__":
    sys.path += sys.argv[1:]
    for _line_asked in sys.stdin:
        print(_answer(json.loads(_line_asked)), flush=True)
