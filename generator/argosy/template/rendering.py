"""Model -> pristine tree.

The template is Copier's, and `copier copy` of it gives the same tree. What it gave is kept: a command renders what is
there, which the one before it rendered as what was to be.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from argosy import cache as results
from argosy.repository import switches
from argosy.repository.model import (
    OF_LIMITS,
    OWN,
    SHARED,
    Application,
    ArgocdStyle,
    Component,
    Environment,
    Format,
    Image,
    ImageSigning,
    Kind,
    Quota,
    Repository,
    RevisionStyle,
    Secrets,
    Seed,
    Settings,
)
from argosy.template import versions as templates
from argosy.template.tree import File, Tree
from argosy.template.versions import Template

__all__ = ["File", "Tree", "answers", "everything", "known_to_layers", "render", "unknown"]


def everything(path: str) -> bool:
    """Want each file."""
    return bool(path)


def render(
    repository: Repository,
    *,
    template: Template | None = None,
    wanted: Callable[[str], bool] = everything,
    told: Any = None,
    without: Collection[str] = (),
    whole: Repository | None = None,
) -> Tree:
    """Render the pristine tree of a model, or the wanted files of it, `without` some folders at its root.

    `told` is JSON that tells what is wanted: where nothing does, the tree is not kept.

    A model with fewer applications or environments renders the pieces of these alone: no file of one application
    depends on another application. Layers may name all of them in a file of the repository's, so they are rendered from
    the `whole` model.
    """
    chosen = template or templates.current()
    data = known_to_layers(repository)

    def made() -> dict[str, tuple[str, bool]]:
        from argosy.template import copying  # noqa: PLC0415 - it takes 0.3 s, and often all is there already

        tree = copying.run(chosen, data, wanted, without)
        return {path: (each.content.decode(errors="surrogateescape"), each.executable) for path, each in tree.items()}

    if wanted is everything or told is not None:
        facts = [_renderer(), chosen.version, data, sorted(without), told]
        tree = results.remembered(lambda: results.inputs(facts, ()), made, lambda *_: True, ())
    else:
        tree = made()
    plain = {path: File(text.encode(errors="surrogateescape"), is_run) for path, (text, is_run) in tree.items()}
    return _layered(plain, whole or repository, wanted, told, [chosen.version, data, sorted(without)])


def _layered(plain: Tree, model: Repository, wanted: Callable[[str], bool], told: Any, below: Any) -> Tree:
    """Return a tree with the model's layers laid over it; `below` is JSON that tells what the tree was made from."""
    layers = model.settings.layers
    if not layers:
        return plain
    from argosy.template import layers as layering  # noqa: PLC0415

    known = known_to_layers(model)

    def made() -> dict[str, tuple[str, bool, str, str]]:
        tree = layering.laid_over(plain, layers, known, wanted)
        return {
            path: (each.content.decode(errors="surrogateescape"), each.executable, each.layer, each.template)
            for path, each in tree.items()
        }

    if wanted is everything or told is not None:
        named = [[each.name, each.source, each.version, each.answers, each.order] for each in layers]
        facts = ["layers", _renderer(), layering.source_digest(), named, known, below, told]
        tree = results.remembered(lambda: results.inputs(facts, ()), made, lambda *_: True, ())
    else:
        tree = made()
    return {
        path: File(text.encode(errors="surrogateescape"), is_run, layer, template)
        for path, (text, is_run, layer, template) in tree.items()
    }


def known_to_layers(repository: Repository) -> dict[str, Any]:
    """Return what layers may refer to: the template's answers for a model, and what follows from them."""
    given = answers(repository)
    return {**given, **_derived(repository.settings, given)}


@cache
def _renderer() -> Sequence[str]:
    """Return what decides what a template gives for a model, besides the two."""
    own = Path(__file__).with_name("copying.py").read_text(encoding="utf-8")
    return [own, *(f"{each} {version_of(each)}" for each in ("copier", "jinja2"))]


def answers(repository: Repository) -> dict[str, Any]:
    """Return the template's answers for a model, as copier.yml asks for them."""
    settings, tenants = repository.settings, _tenants(repository)
    return {
        "repository_name": settings.name,
        "repo_url": settings.repo_url,
        "argocd": settings.argocd.value,
        "revision": settings.revision.value,
        "branch": settings.branch,
        "ci": settings.ci.value,
        "minimal": settings.minimal,
        "follow_up": settings.follow_up,
        "argosy_install": settings.argosy_install,
        "format": settings.format.value,
        "chart": settings.chart,
        "tenancy": settings.tenancy.value,
        "kubernetes_version": settings.kubernetes_version,
        **switches.answers(settings.production),
        "applications": [_application(application) for application in repository.applications],
        "clusters": [
            {"name": each.name, "server": each.server, "labels": dict(label.split("=", 1) for label in each.labels)}
            for each in repository.clusters
        ],
        "environments": [
            {**_environment(repository, environment), **tenants[environment.name]}
            for environment in repository.environments
        ],
        "chart_versions": list(repository.charts),
        "teams": _teams(repository),
    }


def _teams(repository: Repository) -> list[dict[str, Any]]:
    """Return each team that owns applications, or has AppProjects of its own, by name."""
    owned, settings = (
        {name: dict(each) for name, each in repository.by_team()},
        {each.name: each for each in repository.teams},
    )
    return [
        {
            "name": name,
            "applications": [*owned.get(name, {})],
            "environments": {each: list(places) for each, places in owned.get(name, {}).items()},
            "own_projects": name in settings,
            "sso_group": settings[name].sso_group if name in settings else "",
            "quotas": {place: dict(each) for place, each in settings[name].quotas} if name in settings else {},
        }
        for name in sorted({*owned, *settings} - {""})
    ]


def _tenants(repository: Repository) -> dict[str, dict[str, Any]]:
    """Return the namespaces of each environment's AppProject, the teams' own, and what these may use, by namespace."""
    teams, found = {each.name: each for each in repository.teams}, dict[str, dict[str, Any]]()
    for each in repository.projects():
        place, namespaces = each.environment.name, None if each.namespaces is None else list(each.namespaces)
        if not each.team:
            found[place] = {"namespaces": namespaces, "team_projects": [], "team_quotas": {}}
            continue
        project = {
            "name": each.name,
            "team": each.team,
            "sso_group": teams[each.team].sso_group,
            "namespaces": namespaces,
            "kinds": _kinds(each.permitted.kinds),
            "cluster_kinds": _kinds(each.permitted.cluster_kinds),
            "source_repos": list(each.permitted.repositories),
        }
        found[place]["team_projects"].append(project)
        if quota := teams[each.team].quota(place):
            found[place]["team_quotas"] |= {name: _quota(quota) for name in namespaces or ()}
    return found


def _quota(quota: Quota) -> dict[str, Any]:
    """Return what of a quota a ResourceQuota says, and what a LimitRange does."""
    limits: dict[str, dict[str, str]] = {}
    for key, quantity in quota:
        if key in OF_LIMITS:
            what, _, resource = key.partition(".")
            limits.setdefault(what, {})[resource] = quantity
    return {"hard": {key: each for key, each in quota if key not in OF_LIMITS}, "limits": limits}


def _followed(repository: Repository, environment: Environment) -> dict[str, str]:
    """Return which version of the shared chart an environment's applications follow, of those that use it."""
    shared = {each.name for each in repository.applications if each.chart == SHARED}
    return {each: repository.followed(environment, each) for each in environment.applications if each in shared}


def _is_answer(question: Mapping[str, Any] | None, value: Any) -> bool:
    """Return whether a question takes a value; there may be none."""
    if question is None or "choices" not in question:
        return question is not None
    offered = question["choices"]
    values = offered.values() if isinstance(offered, dict) else offered
    return all(each in values for each in (value if isinstance(value, list) else [value]))


_DERIVED = {
    "teams",
    "production",
    "charts",
    "chart_versions",
    "kinds",
    "cluster_kinds",
    "source_repos",
    "steps",
    "overrides",
    "listed",
    "component_kinds",
    "component_namespaces",
    "preview_api",
    "preview_owner",
    "preview_repo",
    "namespaces",
    "team_projects",
    "team_quotas",
}
"""What nobody sets: it follows from what is set, or is read from the projects."""


def unknown(repository: Repository, before: Repository, template: Template) -> list[str]:
    """Return the settings that a model has anew and that a version of the template has no question for."""
    questions = templates.questions(template)
    now, then = answers(repository), answers(before)
    found = [key for key in now if now[key] != then[key] and not _is_answer(questions.get(key), now[key])]
    for several in ("applications", "environments"):
        known = re.findall(r"^ *(?:- )?(\w+):", questions[several]["default"], re.MULTILINE)
        had = {each["name"]: each for each in then[several]}
        for each in now[several]:
            previous = had.get(each["name"], {})
            found += [key for key, value in each.items() if key not in known and value and value != previous.get(key)]
    return [
        re.sub("_(url|ttl|.)", lambda found: found[1].upper(), key)
        for key in dict.fromkeys(found)
        if key not in _DERIVED
    ]


def _derived(settings: Settings, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what copier.yml would derive: Copier has each of these lists parsed as YAML, which takes long."""
    applications, environments, production = given["applications"], given["environments"], settings.production
    elsewhere = {Format.CHART.value, Format.REMOTE.value}
    with_components = [each for each in environments if each["components"]]
    stored = production.secrets is Secrets.EXTERNAL_SECRETS
    signed = production.image_signing is not ImageSigning.NONE
    guarded = production.network_policies or production.quotas
    targets = [each for each in environments if each["promotes_from"]]
    sources = {each["promotes_from"] for each in environments}
    between = [each for each in targets if each["name"] in sources] if settings.follow_up else []
    branches = [each["revision"] if settings.revision is RevisionStyle.BRANCH else settings.branch for each in between]
    return {
        "layers": [each.name for each in settings.layers],
        **{f"{form}_applications": [each for each in applications if each["format"] == form] for form in Format},
        "argocd_applications": [
            each for each in applications if any(each["name"] in place["listed"] for place in environments)
        ],
        "previewed_applications": [each for each in applications if each["previews"]],
        "elsewhere_applications": [each for each in applications if each["format"] in elsewhere],
        "charts": [
            *(
                _chart(f"applications/{each['name']}/charts/{each['name']}", each["name"], "0.1.0")
                for each in applications
                if each["format"] == Format.HELM and not each["chart"] and not each["vendored"]
            ),
            *(_chart(f"charts/app/{version}", "app", version) for version in given["chart_versions"][-1:]),
        ],
        "project_teams": [each for each in given["teams"] if each["own_projects"]],
        "team_projects": [
            {"environment": each, "project": project} for each in environments for project in each["team_projects"]
        ],
        "promotion_targets": targets,
        # As Jinja's `unique`, which does not tell upper from lower case.
        "follow_up_branches": [*{each.lower(): each for each in reversed(branches)}.values()][::-1],
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
        "chart": application.chart if application.chart != OWN else "",
        "vendored": application.vendored,
        "team": application.team,
        "port": application.seed.port,
        "image": _image(application.seed.image),
        "images": {environment: _image(image) for environment, image in application.seed.images},
        "origin": _origin(application.seed),
        **_previews(application),
    }


def _previews(application: Application) -> dict[str, Any]:
    """Return the settings of an application's previews, and where Argo CD finds the pull requests: all, or nothing."""
    previews = application.previews
    fields = [each.field for each in switches.PREVIEWS.values()]
    if not previews:
        # What an earlier version of the template does not know, an application without previews does not say.
        return dict.fromkeys((*fields, "preview_api", "preview_owner", "preview_repo"), "") | {"preview_forks": False}
    found = {each.field: each.plain(getattr(previews, each.field)) for each in switches.PREVIEWS.values()}
    api, owner, repo = previews.place
    return {**found, "preview_api": api, "preview_owner": owner, "preview_repo": repo}


def _origin(seed: Seed) -> dict[str, Any] | None:
    """Return where an application comes from; None where that is this repository."""
    if seed.origin is None:
        return None
    found = {"repo_url": seed.origin.repo_url, "chart": seed.origin.chart, "path": seed.origin.path}
    return {**found, "revision": seed.origin.revision, "revisions": dict(seed.revisions)}


def _chart(folder: str, name: str, version: str) -> dict[str, str]:
    return {"folder": folder, "name": name, "version": version}


def _image(image: Image) -> dict[str, str]:
    return {"repository": image.repository, "tag": image.tag, "digest": image.digest}


def _listed(repository: Repository, environment: Environment) -> list[str]:
    """Return the applications of an environment that have a file of their own below `argocd/`."""
    if environment.clusters or repository.settings.argocd is ArgocdStyle.APPLICATIONS:
        return list(environment.applications)
    elsewhere = {each.name for each in repository.applications if each.format in {Format.CHART, Format.REMOTE}}
    return [each for each in environment.applications if each in elsewhere]


def _environment(repository: Repository, environment: Environment) -> dict[str, Any]:
    permitted, of_components = environment.permitted, environment.components_permitted
    return {
        "name": environment.name,
        "cluster": environment.cluster,
        "clusters": list(environment.clusters),
        "rollout": environment.rollout,
        "steps": list(repository.steps(environment)),
        "overrides": {name: list(places) for name, places in environment.overrides},
        "listed": _listed(repository, environment),
        "revision": environment.revision,
        "auto_sync": environment.auto_sync,
        "promotes_from": environment.promotes_from,
        "namespace": environment.namespace,
        "replicas": environment.replicas,
        "applications": list(environment.applications),
        "charts": _followed(repository, environment),
        "production": repository.is_production(environment),
        "pod_security": environment.pod_security.value,
        "components": [_component(component) for component in environment.components],
        "kinds": _kinds(permitted.kinds),
        "cluster_kinds": _kinds(permitted.cluster_kinds),
        "source_repos": list(permitted.repositories),
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
