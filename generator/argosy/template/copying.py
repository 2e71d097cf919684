"""Copier, without the work that is the same every time: the only module that imports it.

Copier itself needs 8 ms for each file: it compiles each part of each path anew, copies the answers for each string,
parses each answer as YAML, looks at each file's place, and starts git. `_Worker` does these once, or not at all, and
what a version of the template holds is read once for all that a process renders from it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any, TypeAlias

import jinja2
from copier._jinja_ext import get_yield_context
from copier._main import Worker
from copier._settings import SettingsModel
from copier._types import MISSING
from copier._user_data import AnswersMap, Question
from copier.errors import CopierError

from argosy import temporary
from argosy.errors import ArgosyError
from argosy.template import versions
from argosy.template.tree import File
from argosy.template.versions import Template


def run(
    chosen: Template, data: Mapping[str, Any], wanted: Callable[[str], bool], without: Collection[str]
) -> dict[str, File]:
    """Return what a template gives for the answers: path -> file. Raise ArgosyError where it cannot be rendered."""
    with temporary.folder("render") as folder:
        try:
            with _Worker(chosen, wanted, without, folder / "tree", dict(data)) as worker:
                worker.run_copy()
                return dict(sorted(worker.rendered.items()))
        except (CopierError, jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise ArgosyError(f"The template could not be rendered: {error}") from error


_MODELS = 4
"""Of how many models is known what follows from their answers: a command renders one before and one after."""
_COMPILED: dict[Hashable, Any] = {}
"""Jinja's code of each text: a command renders twice, before and after, and compiling takes most of the time."""


@dataclass(frozen=True, slots=True)
class _Source:
    """A file of a template."""

    name: str
    """What Jinja finds it by."""
    content: bytes | None
    """None for one that is filled in."""
    executable: bool


@dataclass(frozen=True, slots=True)
class _Plain:
    """A text that is the same whatever is filled in: Jinja would copy all the answers to give it."""

    text: str

    def render(self, *_: object, **__: object) -> str:
        """Return the text."""
        return self.text


_Sources: TypeAlias = dict[str, "_Source | _Sources"]
"""A folder of a template: the parts of paths as they are written -> files and folders."""


class _Read:
    """What was read of a template, which the first worker fills: the tree of a version never changes."""

    template: Any = None
    environment: Any = None
    sources: _Sources | None = None

    def __init__(self) -> None:
        self.asked: dict[str, tuple[AnswersMap, dict[str, Any], Path]] = {}
        """What follows from a model's answers, of the last few."""


@lru_cache(maxsize=4)
def _read(root: Path, version: str) -> _Read:  # noqa: ARG001 - the rest of it is read from there
    """Return what was read of a template in a folder; a command has two at a time."""
    return _Read()


class _Worker(Worker):
    """Copier's worker, without its repeated work, and with a say in which files it renders."""

    def __init__(
        self,
        chosen: Template,
        wanted: Callable[[str], bool],
        without: Collection[str],
        destination: Path,
        data: dict[str, Any],
    ) -> None:
        super().__init__(
            src_path=str(chosen.root),
            dst_path=destination,
            data=data,
            settings=SettingsModel(),
            defaults=True,
            quiet=True,
        )
        self._chosen = chosen
        self._read = _read(chosen.root, chosen.version)
        self._wanted = wanted
        self._without = without
        self._context: dict[str, Any] = {}
        self.rendered: dict[str, File] = {}

    @cached_property
    def template(self) -> Any:
        """The template's folder as it is: Copier would clone a checkout, and leave out what is not committed yet.

        Copier would read copier.yml with a parser in Python, which takes longer than all that it renders.
        """
        if self._read.template is None:
            self._read.template = super().template
            vars(self._read.template).update(vcs=None, _raw_config=versions.questions(self._chosen))
        return self._read.template

    @cached_property
    def jinja_env(self) -> Any:
        """Copier's environment, which compiles no text that this process has compiled before."""
        if self._read.environment is not None:
            return self._read.environment
        self._read.environment = environment = super().jinja_env
        environment.auto_reload = False  # The files of a version never change.
        compiled, from_string = environment.compile, environment.from_string
        syntax = repr(self.template.envops)

        def once(source: Any, name: str | None = None, filename: str | None = None, *rest: Any, **more: Any) -> Any:
            if not isinstance(source, str):
                return compiled(source, name, filename, *rest, **more)
            # Not by its file: from one version of the template to the next, most texts stay.
            known = (syntax, source, name, rest, tuple(more.items()))
            if known not in _COMPILED:
                _COMPILED[known] = compiled(source, name, None, *rest, **more)
            return _COMPILED[known]

        # Paths, types and defaults, of which most have nothing to fill in.
        strings: dict[str, jinja2.Template | _Plain] = {}

        def known(source: str, *rest: Any, **more: Any) -> jinja2.Template | _Plain:
            if rest or more:
                return from_string(source, *rest, **more)
            if source not in strings:
                is_plain = not self._marks.search(source) and not {*source} & {*"\r\n"}
                strings[source] = _Plain(source) if is_plain else from_string(source)
            return strings[source]

        # The answers: before a change and after it mostly the same, and PyYAML writes them in Python.
        as_yaml, written = environment.filters["to_nice_yaml"], dict[str, str]()

        def written_once(value: object, *rest: Any, **more: Any) -> str:
            key = repr((value, rest, more))
            if key not in written:
                written.clear()
                written[key] = as_yaml(value, *rest, **more)
            return written[key]

        environment.filters["to_nice_yaml"] = written_once
        vars(environment).update(compile=once, from_string=known)
        return environment

    @cached_property
    def _marks(self) -> re.Pattern[str]:
        """What begins something to fill in."""
        begins = ("block_start_string", "variable_start_string", "comment_start_string")
        return re.compile("|".join(re.escape(getattr(self.jinja_env, each)) for each in begins))

    def _answers_to_remember(self) -> Mapping[str, Any]:
        recorded = {key: value for key, value in super()._answers_to_remember().items() if not key.startswith("_")}
        return {"_commit": self._chosen.version, "_src_path": versions.URL, **recorded}

    def _ask(self) -> None:
        """Take the model's answers as they are: Copier would parse each one, and check again what is valid.

        A command renders pieces of the same models several times, and what follows from these is the same each time.
        """
        asked, key = self._read.asked, json.dumps(self.data)
        found = asked.get(key)
        if found is None:
            if len(asked) >= _MODELS:
                asked.clear()
            self._answer()
            found = asked[key] = self.answers, self._context, self.answers_relpath
        self.answers, self._context, vars(self)["answers_relpath"] = found

    def _answer(self) -> None:
        self.answers = AnswersMap(init=self.data, metadata=self.template.metadata, external=self._external_data())
        context = dict(super()._render_context())
        for name, details in self.template.questions_data.items():
            known = {
                "answers": self.answers,
                "context": context,
                "jinja_env": self.jinja_env,
                "settings": self.settings,
            }
            question = partial(Question, var_name=name, **known, **details)
            when = details.get("when", True)
            if not (question().get_when() if isinstance(when, str) else when):
                self.answers.hide(name)
            value = self.data[name] if name in self.data else question().get_default()
            if value is not MISSING:
                context[name] = self.answers.user[name] = value
        _ = self.answers_relpath  # Computing it spoils the context that it is given.
        # From here on nothing changes any more.
        self._context = {**self.jinja_env.globals, **super()._render_context()}

    @cached_property
    def answers_relpath(self) -> Path:
        """The answers file's path, computed once."""
        return super().answers_relpath

    def _render_template(self) -> None:
        """Render each file into memory, for each of its paths that is wanted."""
        # For each application, each path would be rendered only to be left out.
        listed = {name: each for name, each in self._sources().items() if name not in self._without}
        for path, source, loop in self._paths(listed, "", {}):
            if self._wanted(path) and not self.match_exclude(Path(path)):
                text = source.content
                if text is None:
                    text = self._filled(self.jinja_env.get_template(source.name), loop)
                self.rendered[path] = File(text, source.executable)

    def _sources(self) -> _Sources:
        """Return the template's files, by the parts of their paths: these may stand for many, or for none."""
        if self._read.sources is None:
            root, above, suffix = self.template_copy_root, self.template.local_abspath, self.template.templates_suffix
            self._read.sources = {}
            for file in sorted(file for file in root.rglob("*") if file.is_file()):
                *folders, name = file.relative_to(root).parts
                place = self._read.sources
                for each in folders:
                    place = place.setdefault(each, {})  # type: ignore[assignment]
                place[name.removesuffix(suffix)] = _Source(
                    file.relative_to(above).as_posix(),
                    None if name.endswith(suffix) else file.read_bytes(),
                    bool(file.stat().st_mode & 0o100),
                )
        return self._read.sources

    def _paths(
        self, listed: _Sources, above: str, loop: Mapping[str, Any]
    ) -> Iterator[tuple[str, _Source, Mapping[str, Any]]]:
        """Yield each path that a folder's files stand for, with the values of its loops."""
        for first, below in listed.items():
            for part, more in self._turns(first, loop):
                if isinstance(below, _Source):
                    yield f"{above}{part}", below, more
                else:
                    yield from self._paths(below, f"{above}{part}/", more)

    def _turns(self, text: str, loop: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield what a part of a path stands for, each with the values of its loops."""
        if not self._marks.search(text):
            yield text, loop
            return
        turns = [(self._part(text, loop), loop)]
        # A path's loop is a state of the environment, until another text is filled in.
        state = get_yield_context(self.jinja_env)
        if name := state.yield_name:
            each = [{**loop, name: value} for value in state.yield_iterable or ()]
            turns = [(self._part(text, more), more) for more in each]
        yield from ((part, more) for part, more in turns if part)

    def _part(self, text: str, loop: Mapping[str, Any]) -> str:
        state = get_yield_context(self.jinja_env)
        state.yield_name = state.yield_iterable = None
        return self._filled(self.jinja_env.from_string(text), loop).decode()

    def _filled(self, template: jinja2.Template, loop: Mapping[str, Any]) -> bytes:
        # As Template.render does, which copies all the answers each time, and lists the globals, which are among these.
        known = {**self._context, **loop} if loop else self._context
        context = self.jinja_env.context_class(self.jinja_env, known, template.name, template.blocks)
        text: str = self.jinja_env.concat(template.root_render_func(context))
        return text.encode()
