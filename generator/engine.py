"""Model -> pristine tree: the only module that imports copier.

The template is Copier's, and `copier copy` of it gives the same tree. Copier itself needs 8 ms for each file, most of
it for work that is the same every time: it compiles each part of each path anew, computes the answers again for each
string, and starts git for each file. `_Worker` does these once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jinja2
from copier._jinja_ext import get_yield_context
from copier._main import Worker
from copier._settings import SettingsModel
from copier.errors import CopierError

from generator import template as templates
from generator import temporary
from generator.errors import ArgosyError
from generator.model import Application, ArgocdStyle, Environment, Format, Image, Repository, Settings
from generator.template import Template


@dataclass(frozen=True, slots=True)
class File:
    """A file of a tree: its bytes, and whether it can be run."""

    content: bytes
    executable: bool = False


Tree = Mapping[str, File]
"""A tree in memory: path, relative with `/` between the parts -> file."""


def everything(path: str) -> bool:
    """Want each file."""
    return bool(path)


def render(
    repository: Repository, *, template: Template | None = None, wanted: Callable[[str], bool] = everything
) -> Tree:
    """Render the pristine tree of a model, or the wanted files of it.

    A model with fewer applications or environments renders the pieces of these alone: no file of one application
    depends on another application.
    """
    chosen = template or templates.current()
    with temporary.folder("render") as folder:
        destination = folder / "tree"
        try:
            given = answers(repository)
            data = {**given, **_derived(repository.settings, given["applications"])}
            with _Worker(chosen, wanted, destination, data) as worker:
                worker.run_copy()
                return dict(sorted(worker.rendered.items()))
        except (CopierError, jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise ArgosyError(f"The template could not be rendered: {error}") from error


def answers(repository: Repository) -> dict[str, Any]:
    """Return the template's answers for a model, as copier.yml asks for them."""
    settings = repository.settings
    return {
        "repository_name": settings.name,
        "repo_url": settings.repo_url,
        "argocd": settings.argocd.value,
        "revision": settings.revision.value,
        "branch": settings.branch,
        "ci": settings.ci.value,
        "follow_up": settings.follow_up,
        "format": settings.format.value,
        "kubernetes_version": settings.kubernetes_version,
        "applications": [_application(application) for application in repository.applications],
        "environments": [_environment(environment) for environment in repository.environments],
    }


def _derived(settings: Settings, applications: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what copier.yml would derive: Copier has each of these lists parsed as YAML, which takes long."""
    return {
        **{f"{form}_applications": [each for each in applications if each["format"] == form] for form in Format},
        "argocd_applications": applications if settings.argocd is ArgocdStyle.APPLICATIONS else [],
    }


def _application(application: Application) -> dict[str, Any]:
    return {
        "name": application.name,
        "format": application.format.value,
        "team": application.team,
        "port": application.seed.port,
        "image": _image(application.seed.image),
        "images": {environment: _image(image) for environment, image in application.seed.images},
    }


def _image(image: Image) -> dict[str, str]:
    return {"repository": image.repository, "tag": image.tag, "digest": image.digest}


def _environment(environment: Environment) -> dict[str, Any]:
    return {
        "name": environment.name,
        "cluster": environment.cluster,
        "revision": environment.revision,
        "auto_sync": environment.auto_sync,
        "promotes_from": environment.promotes_from,
        "namespace": environment.namespace,
        "replicas": environment.replicas,
        "applications": list(environment.applications),
    }


class _Worker(Worker):
    """Copier's worker, without its repeated work, and with a say in which files it renders."""

    def __init__(
        self, chosen: Template, wanted: Callable[[str], bool], destination: Path, data: dict[str, Any]
    ) -> None:
        super().__init__(
            src_path=str(chosen.root),
            dst_path=destination,
            data=data,
            settings=SettingsModel(),
            defaults=True,
            quiet=True,
        )
        self._version = chosen.version
        self._wanted = wanted
        self._asked = False
        self._context: Any = None
        self._compiled: dict[str, jinja2.Template] = {}
        self.rendered: dict[str, File] = {}

    @cached_property
    def template(self) -> Any:
        """The template's folder as it is: Copier would clone a checkout, and leave out what is not committed yet."""
        found = super().template
        vars(found)["vcs"] = None
        return found

    def _answers_to_remember(self) -> Mapping[str, Any]:
        recorded = {key: value for key, value in super()._answers_to_remember().items() if not key.startswith("_")}
        return {"_commit": self._version, "_src_path": templates.URL, **recorded}

    def _render_context(self) -> Any:
        # The answers stay as they are once the questions are done, which is when Copier begins to render.
        if not self._asked:
            return super()._render_context()
        if self._context is None:
            self._context = super()._render_context()
        return self._context

    def _ask(self) -> None:
        super()._ask()
        _ = self.answers_relpath  # Computing it spoils the context that it is given.
        self._asked = True

    @cached_property
    def answers_relpath(self) -> Path:
        """The answers file's path, computed once."""
        return super().answers_relpath

    def _render_string(self, string: str, extra_context: dict[str, Any] | None = None) -> str:
        if string not in self._compiled:
            self._compiled[string] = self.jinja_env.from_string(string)
        self._forget_loop()
        return self._compiled[string].render(**self._render_context(), **(extra_context or {}))

    def _render_file(self, src_relpath: Path, dst_relpath: Path, extra_context: dict[str, Any] | None = None) -> None:
        self._forget_loop()
        source = self.template.local_abspath / src_relpath
        if source.name.endswith(self.template.templates_suffix):
            text = self.jinja_env.get_template(src_relpath.as_posix())
            content = text.render(**self._render_context(), **(extra_context or {})).encode()
        else:
            content = source.read_bytes()
        self.rendered[dst_relpath.as_posix()] = File(content, bool(source.stat().st_mode & 0o100))

    def _render_folder(self, dst_relpath: Path) -> None:
        """Do nothing: files are kept in memory."""

    def _forget_loop(self) -> None:
        # A path's loop is a state of the environment, which compiling the next path or file would reset.
        loop = get_yield_context(self.jinja_env)
        loop.yield_name = loop.yield_iterable = None

    @cached_property
    def match_exclude(self) -> Callable[[Path], bool]:
        excluded = super().match_exclude
        return lambda path: excluded(path) or not self._wanted(path.as_posix())
