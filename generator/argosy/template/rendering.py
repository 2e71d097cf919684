"""Model -> pristine tree: the only module that imports copier.

The template is Copier's, and `copier copy` of it gives the same tree. Copier itself needs 8 ms for each file, most of
it for work that is the same every time: it compiles each part of each path anew, computes the answers again for each
string, and starts git for each file. `_Worker` does these once.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jinja2
from copier._jinja_ext import get_yield_context
from copier._main import Worker
from copier._settings import SettingsModel
from copier.errors import CopierError

from argosy import temporary
from argosy.errors import ArgosyError
from argosy.repository import switches
from argosy.repository.model import (
    Application,
    ArgocdStyle,
    Component,
    Environment,
    Format,
    Image,
    ImageSigning,
    Kind,
    Repository,
    Secrets,
    Settings,
)
from argosy.template import versions as templates
from argosy.template.versions import Template


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
    repository: Repository,
    *,
    template: Template | None = None,
    wanted: Callable[[str], bool] = everything,
    without: Collection[str] = (),
) -> Tree:
    """Render the pristine tree of a model, or the wanted files of it, `without` some folders at its root.

    A model with fewer applications or environments renders the pieces of these alone: no file of one application
    depends on another application.
    """
    chosen = template or templates.current()
    with temporary.folder("render") as folder:
        destination = folder / "tree"
        try:
            given = answers(repository)
            data = {**given, **_derived(repository.settings, given)}
            with _Worker(chosen, wanted, without, destination, data) as worker:
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
        "argosy_install": settings.argosy_install,
        "format": settings.format.value,
        "kubernetes_version": settings.kubernetes_version,
        **switches.answers(settings.production),
        "applications": [_application(application) for application in repository.applications],
        "environments": [
            _environment(environment, production=repository.is_production(environment))
            for environment in repository.environments
        ],
        "teams": [
            {
                "name": team,
                "applications": [name for name, _ in owned],
                "environments": {name: list(places) for name, places in owned},
            }
            for team, owned in repository.by_team()
        ],
    }


def _derived(settings: Settings, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what copier.yml would derive: Copier has each of these lists parsed as YAML, which takes long."""
    applications, environments, production = given["applications"], given["environments"], settings.production
    with_components = [each for each in environments if each["components"]]
    stored = production.secrets is Secrets.EXTERNAL_SECRETS
    signed = production.image_signing is not ImageSigning.NONE
    guarded = production.network_policies or production.quotas
    return {
        **{f"{form}_applications": [each for each in applications if each["format"] == form] for form in Format},
        "argocd_applications": applications if settings.argocd is ArgocdStyle.APPLICATIONS else [],
        "component_environments": with_components,
        "component_files": [
            {"environment": each, "component": component}
            for each in with_components
            for component in each["components"]
        ],
        "store_environments": environments if stored else [],
        "signed_environments": environments if signed else [],
        "guarded_environments": environments if guarded else [],
        "guarded_applications": applications if guarded else [],
        "platform_environments": [
            each
            for each in environments
            if stored or signed or (guarded and (each["applications"] or each["namespace"]))
        ],
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


def _environment(environment: Environment, *, production: bool) -> dict[str, Any]:
    permitted, of_components = environment.permitted, environment.components_permitted
    return {
        "name": environment.name,
        "cluster": environment.cluster,
        "revision": environment.revision,
        "auto_sync": environment.auto_sync,
        "promotes_from": environment.promotes_from,
        "namespace": environment.namespace,
        "replicas": environment.replicas,
        "applications": list(environment.applications),
        "production": production,
        "pod_security": environment.pod_security.value,
        "components": [_component(component) for component in environment.components],
        "kinds": _kinds(permitted.kinds),
        "cluster_kinds": _kinds(permitted.cluster_kinds),
        "component_kinds": _kinds(of_components.cluster_kinds),
        "component_namespaces": None if of_components.namespaces is None else list(of_components.namespaces),
    }


def _kinds(kinds: Sequence[Kind] | None) -> list[dict[str, str]] | None:
    return None if kinds is None else [{"group": each.group, "kind": each.kind} for each in kinds]


def _component(component: Component) -> dict[str, Any]:
    return {
        "name": component.name,
        "repo_url": component.repo_url,
        "chart": component.chart,
        "version": component.version,
        "namespace": component.namespace,
        "wave": component.wave,
        "server_side": component.server_side,
        "vendored": component.vendored,
        "manifests": component.manifests,
        "pod_security": component.pod_security.value,
        "ignored": json.loads(component.ignored or "[]"),
    }


_COMPILED: dict[Hashable, Any] = {}
"""Jinja's code of each text: a command renders twice, before and after, and compiling takes most of the time."""


_CONFIGURATIONS: dict[str, Any] = {}
"""What `copier.yml` holds, by the template's version: Copier reads it with PyYAML's slow loader."""


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
        self._version = chosen.version
        self._wanted = wanted
        self._without = without
        self._asked = False
        self._context: Any = None
        self._compiled: dict[str, jinja2.Template] = {}
        self.rendered: dict[str, File] = {}

    @cached_property
    def template(self) -> Any:
        """The template's folder as it is: Copier would clone a checkout, and leave out what is not committed yet."""
        found = super().template
        vars(found)["vcs"] = None
        if self._version not in _CONFIGURATIONS:
            _CONFIGURATIONS[self._version] = found._raw_config
        vars(found)["_raw_config"] = copy.deepcopy(_CONFIGURATIONS[self._version])
        return found

    @cached_property
    def jinja_env(self) -> Any:
        """Copier's environment, which compiles no text that this process has compiled before."""
        environment = super().jinja_env
        compiled = environment.compile
        syntax = repr(self.template.envops)

        def once(source: Any, name: str | None = None, filename: str | None = None, *rest: Any, **more: Any) -> Any:
            known = (syntax, source, name, filename, rest, tuple(more.items()))
            if not isinstance(source, str):
                return compiled(source, name, filename, *rest, **more)
            if known not in _COMPILED:
                _COMPILED[known] = compiled(source, name, filename, *rest, **more)
            return _COMPILED[known]

        vars(environment)["compile"] = once
        return environment

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

    def _render_path(self, relpath: Path) -> Iterable[tuple[Path, Any]]:
        # For each application, each path would be rendered only to be left out.
        return () if relpath.parts[0] in self._without else super()._render_path(relpath)

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
