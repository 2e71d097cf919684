"""Edits of the model: each takes a repository and returns another, or raises UsageError."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from argosy.errors import UsageError
from argosy.names import did_you_mean, joined
from argosy.repository import layout, switches
from argosy.repository.model import (
    IN_CLUSTER,
    SHARED,
    Application,
    CiHost,
    Cluster,
    Component,
    Environment,
    Format,
    Permitted,
    PodSecurity,
    Repository,
    RevisionStyle,
    Settings,
    Team,
    Tenancy,
)
from argosy.repository.previews import PREVIEWS, WITHOUT_LABELS, GitHost, Previews, check_url

SWITCHED = (*switches.SWITCHES, switches.POD_SECURITY.key)
"""The keys of what production needs. The last is a setting of each environment, which all get at once."""


def environment(repository: Repository, name: str) -> Environment:
    """Return the environment of that name; raise UsageError with the nearest name if there is none."""
    found = {each.name: each for each in repository.environments}
    if name not in found:
        raise _unknown("environment", name, found)
    return found[name]


def application(repository: Repository, name: str) -> Application:
    """Return the application of that name; raise UsageError with the nearest name if there is none."""
    found = {each.name: each for each in repository.applications}
    if name not in found:
        raise _unknown("application", name, found)
    return found[name]


def cluster(repository: Repository, name: str) -> Cluster:
    """Return the cluster that is declared by that name; raise UsageError with the nearest name if there is none."""
    found = {each.name: each for each in repository.clusters}
    if name not in found:
        raise _unknown("cluster", name, found)
    return found[name]


def add_applications(
    repository: Repository, applications: Sequence[Application], environments: Collection[str] = ()
) -> Repository:
    """Return the repository with applications added to the named environments; none named: to all."""
    present = {each.name for each in repository.applications}
    for each in applications:
        if each.name in present:
            raise UsageError(
                f"There is an application “{each.name}” already.",
                "To deploy it to another environment too, copy its folder there and run `argosy apply`.",
            )
    chosen = {environment(repository, name).name for name in environments} or {
        each.name for each in repository.environments
    }
    names = {each.name for each in applications}
    changed = tuple(
        permitting_sources(
            replace(each, applications=tuple(sorted({*each.applications, *names}))), applications, repository.settings
        )
        if each.name in chosen
        else each
        for each in repository.environments
    )
    together = sorted((*repository.applications, *applications), key=lambda each: each.name)
    return replace(repository, environments=changed, applications=tuple(together)).with_shared_chart()


def permitting_sources(place: Environment, applications: Sequence[Application], settings: Settings) -> Environment:
    """Return an environment whose projects permit where applications come from that are not in this repository."""
    for each in applications:
        # A base is Kustomize's to fetch: no Application names it.
        if each.seed.origin and each.format is not Format.OVERLAY:
            team = each.team if settings.tenancy is Tenancy.TEAM else ""
            urls = [each.seed.origin.repo_url]
            place = place.permitting(permitting(place.permitted_to(team), urls, settings.repo_url), team)
    return place


def permitting(permitted: Permitted, urls: Collection[str], own: str) -> Permitted:
    """Return what is permitted, with applications from these repositories too, besides the repository's own."""
    return replace(permitted, repositories=tuple(dict.fromkeys([*permitted.repositories, *sorted({*urls} - {own})])))


def add_environment(repository: Repository, new: Environment, *, after: str = "", before: str = "") -> Repository:
    """Return the repository with an environment put into the chain of promotion; by default at its end."""
    refuse_taken("environment", new.name, {each.name for each in repository.environments})
    listed = list(repository.environments)
    if before:
        following = environment(repository, before)
        previous, place = following.promotes_from, listed.index(following)
    else:
        last = environment(repository, after) if after else (listed[-1] if listed else None)
        previous, place = (last.name, listed.index(last) + 1) if last else ("", 0)
    follows = {before} if before else {each.name for each in listed if previous and each.promotes_from == previous}
    listed = [replace(each, promotes_from=new.name) if each.name in follows else each for each in listed]
    listed.insert(place, replace(new, promotes_from=previous))
    return replace(repository, environments=tuple(listed))


def add_team(repository: Repository, new: Team) -> Repository:
    """Return the repository with a team, which has an AppProject in each environment."""
    refuse_without_teams(repository)
    refuse_taken("team", new.name, {each.name for each in repository.teams})
    return _with_teams(repository, [*repository.teams, new])


def refuse_without_teams(repository: Repository) -> None:
    """Raise UsageError where teams have no AppProjects of their own."""
    if not repository.is_by_team:
        raise UsageError(
            "The AppProjects are those of environments: no team has one of its own.",
            "To give each team its own: argosy set repository tenancy=team",
        )


def team(repository: Repository, name: str) -> Team:
    """Return the team of that name; raise UsageError with the nearest name if there is none."""
    refuse_without_teams(repository)
    found = {each.name: each for each in repository.teams}
    if name not in found:
        raise _unknown("team", name, found)
    return found[name]


def remove_team(repository: Repository, name: str) -> Repository:
    """Return the repository without a team, which owns no application any more."""
    gone = team(repository, name)
    if owned := [each.name for each in repository.applications if each.team == name]:
        raise UsageError(
            f"{name} owns {joined(owned)}.",
            f"Give {'it' if len(owned) == 1 else 'them'} to another team first: argosy set app {owned[0]} team=…",
        )
    environments = tuple(
        replace(each, teams_permitted=tuple(pair for pair in each.teams_permitted if pair[0] != name))
        for each in repository.environments
    )
    return replace(
        repository, environments=environments, teams=tuple(each for each in repository.teams if each != gone)
    )


def rename_team(repository: Repository, old: str, new: str) -> Repository:
    """Return the repository with a team renamed, and with it the AppProjects and the applications that it has."""
    renamed = replace(team(repository, old), name=new)
    refuse_taken("team", new, {each.name for each in repository.teams})
    environments = tuple(
        replace(
            each,
            teams_permitted=tuple(
                sorted(((new if name == old else name, what) for name, what in each.teams_permitted), key=_name)
            ),
        )
        for each in repository.environments
    )
    applications = tuple(replace(each, team=new) if each.team == old else each for each in repository.applications)
    changed = replace(repository, environments=environments, applications=applications)
    return _with_teams(changed, [renamed if each.name == old else each for each in repository.teams])


def set_team(repository: Repository, name: str, values: Mapping[str, str]) -> Repository:
    """Return the repository with settings of a team changed.

    `dev.requests.cpu=4` limits what each of its namespaces in dev may use; nothing after the = lets it be as usual.
    """
    current = team(repository, name)
    limits = {key: value for key, value in values.items() if "." in key}
    if limits and not repository.settings.production.quotas:
        raise UsageError("Quotas are switched off.", "First switch them on: argosy set repository quotas=true")
    quotas = {place: dict(quota) for place, quota in current.quotas}
    for key, value in limits.items():
        place, _, limit = key.partition(".")
        quotas.setdefault(environment(repository, place).name, {})[limit] = value
    kept = tuple((place, tuple((key, each) for key, each in quota.items() if each)) for place, quota in quotas.items())
    others = switches.read(f"team {name}", {key: value for key, value in values.items() if key not in limits})
    changed = replace(current, quotas=tuple(each for each in kept if each[1]), **others)
    return _with_teams(repository, [changed if each.name == name else each for each in repository.teams])


def _with_teams(repository: Repository, teams: Sequence[Team]) -> Repository:
    return replace(repository, teams=tuple(sorted(teams, key=lambda each: each.name)))


def _name(pair: tuple[str, Any]) -> str:
    return pair[0]


def refuse_mixed_teams(repository: Repository) -> None:
    """Raise UsageError where an application's team is none that there is, or two teams would share something."""
    if not repository.is_by_team:
        return
    known = [each.name for each in repository.teams]
    for each in repository.applications:
        if each.team and each.team not in known:
            raise UsageError(
                f"{layout.application_settings(each.name)}: there is no team “{each.team}”.",
                f"{did_you_mean(each.team, known)} To add it: argosy add team {each.team}".strip(),
            )
    projects: dict[str, str] = {
        f"{of}-{each.name}": f"the {of} of {each.name}"
        for of in (layout.PLATFORM, layout.COMPONENTS)
        for each in repository.environments
    }
    projects |= {f"{PREVIEWS}-{each.name}": f"the previews of {each.name}" for each in repository.applications}
    for project in repository.projects():
        whose = f"the team {project.team} in {project.environment.name}" if project.team else project.environment.name
        if project.name in projects:
            raise UsageError(
                f"The AppProject {project.name} would be that of {projects[project.name]}, and of {whose}.",
                "Rename one of them.",
            )
        projects[project.name] = whose
    places: dict[tuple[str, str], str] = {}
    for environment, each in repository.deployments():
        place = environment.cluster, environment.namespace_of(each.name)
        if places.setdefault(place, each.team) != each.team:
            one, other = (f"the team {name}" if name else "no team" for name in sorted({places[place], each.team}))
            raise UsageError(
                f"Applications of {one} and of {other} would share the namespace {place[1]} ({environment.name}).",
                f"Give each application a namespace of its own: take `namespace` out of "
                f"{layout.environment_settings(environment.name)}, and argosy apply."
                if environment.namespace
                else "Rename an application or an environment.",
            )


def remove_applications(repository: Repository, names: Collection[str]) -> Repository:
    """Return the repository without applications, and without the shared chart where nothing uses it any more."""
    gone = {application(repository, name).name for name in names}
    return without_unused_chart(
        replace(
            repository,
            environments=tuple(
                replace(
                    each,
                    applications=tuple(name for name in each.applications if name not in gone),
                    chart_versions=tuple(pair for pair in each.chart_versions if pair[0] not in gone),
                    overrides=tuple(pair for pair in each.overrides if pair[0] not in gone),
                )
                for each in repository.environments
            ),
            applications=tuple(each for each in repository.applications if each.name not in gone),
        )
    )


def without_unused_chart(repository: Repository) -> Repository:
    """Return the repository without the shared chart, if no application uses it, and none will by default."""
    return repository if repository.shares_chart else replace(repository, charts=())


def remove_environment(repository: Repository, name: str) -> Repository:
    """Return the repository without an environment: what promoted from it promotes from where it did."""
    gone = environment(repository, name)
    for each in repository.previewed(gone):
        raise UsageError(
            f"The previews of {each.name} have the values of {name}.",
            f"Give them another environment's: argosy set app {each.name} previewEnv=ENV. Or end them: previews=",
        )
    left = tuple(
        replace(each, promotes_from=gone.promotes_from) if each.promotes_from == name else each
        for each in repository.environments
        if each.name != name
    )
    return with_quotas(replace(repository, environments=left), {name: ()})


def with_quotas(repository: Repository, places: Mapping[str, tuple[str, ...]]) -> Repository:
    """Return the repository in which the teams' quotas of an environment are those of others that it is mapped to."""

    def moved(each: Team) -> Team:
        pairs = ((new, quota) for place, quota in each.quotas for new in places.get(place, (place,)))
        return replace(each, quotas=tuple(pairs))

    return replace(repository, teams=tuple(map(moved, repository.teams)))


def rename_application(repository: Repository, old: str, new: str) -> Repository:
    """Return the repository with an application renamed."""
    refuse_taken("application", new, {each.name for each in repository.applications})
    renamed = replace(application(repository, old), name=new)
    environments = tuple(
        replace(
            each,
            applications=tuple(sorted(new if name == old else name for name in each.applications)),
            chart_versions=tuple(sorted((new if name == old else name, it) for name, it in each.chart_versions)),
            overrides=tuple(sorted((new if name == old else name, it) for name, it in each.overrides)),
        )
        for each in repository.environments
    )
    applications = [renamed if each.name == old else each for each in repository.applications]
    return replace(
        repository, environments=environments, applications=tuple(sorted(applications, key=lambda each: each.name))
    )


def rename_environment(repository: Repository, old: str, new: str) -> Repository:
    """Return the repository with an environment renamed; its branch follows where each environment has its own."""
    environment(repository, old)
    refuse_taken("environment", new, {each.name for each in repository.environments})
    branches = repository.settings.revision is RevisionStyle.BRANCH

    def renamed(each: Environment) -> Environment:
        if each.name == old:
            return replace(each, name=new, revision=new if branches and each.revision == old else each.revision)
        return replace(each, promotes_from=new) if each.promotes_from == old else each

    applications = tuple(
        replace(each, previews=replace(each.previews, preview_env=new)) if each.previews.preview_env == old else each
        for each in repository.applications
    )
    environments = tuple(renamed(each) for each in repository.environments)
    changed = replace(repository, environments=environments, applications=applications)
    return with_quotas(changed, {old: (new,)})


def with_chart_versions(repository: Repository) -> Repository:
    """Return the repository in which each environment says which version of the shared chart is followed."""

    def said(place: Environment) -> Environment:
        pairs = ((name, repository.followed(place, name)) for name in _sharing(repository, place))
        return replace(place, chart_versions=tuple(pairs))

    return replace(repository, environments=tuple(map(said, repository.environments)))


def _sharing(repository: Repository, place: Environment) -> list[str]:
    """Return the applications of an environment that use the shared chart."""
    return [each.name for each in repository.applications if each.chart == SHARED and each.name in place.applications]


def _following(repository: Repository, current: Environment, key: str, version: str) -> Environment:
    """Return an environment in which applications follow a version of the shared chart: one, or all that use it."""
    name, sharing = key.rpartition(".")[0], _sharing(repository, current)
    if not sharing or (name and application(repository, name).name not in sharing):
        raise UsageError(
            f"{name or 'No application'} {'does not use' if name else 'uses'} the shared chart in {current.name}.",
            f"argosy convert {name or 'APP'} --chart shared changes that.",
        )
    if version not in repository.charts:
        raise UsageError(
            f"There is no version {version} of the shared chart, but {joined(repository.charts)}.",
            f"To make one: argosy add chart {version}",
        )
    for each in [name] if name else sharing:
        current = current.following(each, version)
    return current


def set_environment(repository: Repository, name: str, values: Mapping[str, str]) -> Repository:
    """Return the repository with settings of an environment changed: `autoSync=false`, `cluster=…` and the like.

    `chartVersion=…` is of all applications with the shared chart, `shop.chartVersion=…` of one.
    """
    current = environment(repository, name)
    versions = {key: value for key, value in values.items() if key.rpartition(".")[2] == "chartVersion"}
    for key, value in versions.items():
        current = _following(repository, current, key, value)
    others = {key: value for key, value in values.items() if key not in versions}
    read = switches.read(f"env {name}", others)
    if any(key in read and not read[key] for key in ("cluster", "clusters")):
        raise UsageError(f"“” is not a cluster (environment {name}).", "Name one that is declared, or give its URL.")
    placed = in_clusters(repository, current, read.pop("cluster", ""), read.pop("clusters", ()))
    changed = replace(placed, **read)
    _refuse_circle(repository, changed)
    if changed.places != current.places:
        _refuse_components_twice(repository, changed)
    return replaced(repository, changed)


def in_clusters(repository: Repository, current: Environment, one: str, several: Sequence[str]) -> Environment:
    """Return an environment in another cluster, or in several; unchanged where none is named."""
    if one and several:
        raise UsageError("cluster and clusters say where an environment is.", "Give one of them.")
    chosen = tuple(several) or ((one,) if one else current.places)
    for each in chosen if chosen != current.places else ():
        refuse_unknown_cluster(repository, each)
    if len(chosen) > 1 and (unknown := [each for each in chosen if "://" in each or each == "in-cluster"]):
        raise UsageError(
            f"Of several clusters each is declared, with its labels, and {unknown[0]} is not.",
            f"Declare it: argosy add cluster NAME --server {unknown[0] if '://' in unknown[0] else IN_CLUSTER}",
        )
    return current.in_clusters(*chosen)


def refuse_unknown_cluster(repository: Repository, named: str) -> None:
    """Raise UsageError where clusters are declared, and a name is none of theirs."""
    if repository.clusters and "://" not in named and named != "in-cluster":
        try:
            cluster(repository, named)
        except UsageError as error:
            error.hint = f"{error.hint} To declare it: argosy add cluster {named} --server URL"
            raise


def _refuse_components_twice(repository: Repository, changed: Environment) -> None:
    """Raise UsageError where an environment would bring a component to a cluster that has it."""
    there = {
        component.name: each.name
        for each in repository.environments
        if repository.servers(each) & repository.servers(changed) and each.name != changed.name
        for component in each.components
    }
    for component in changed.components:
        if component.name in there:
            raise UsageError(
                f"{component.name} is installed through {there[component.name]} and through {changed.name}, which "
                f"would share the cluster {joined(changed.places)}.",
                f"First remove one of the two: argosy remove component {component.name} --env {changed.name}",
            )


def _refuse_circle(repository: Repository, changed: Environment) -> None:
    """Raise UsageError where an environment would promote from nothing that there is, or in the end from itself."""
    origin, seen = changed.promotes_from, [changed.name]
    while origin:
        if origin in seen:
            raise UsageError(
                f"{' ← '.join([*seen, origin])}: that is a circle, and releases would come from nowhere.",
                "Name an environment that does not promote from this one.",
            )
        seen.append(origin)
        origin = environment(repository, origin).promotes_from


def set_application(repository: Repository, name: str, values: Mapping[str, str]) -> Repository:
    """Return the repository with settings of an application changed."""
    current = application(repository, name)
    if "format" in values:
        raise UsageError("The format is more than a setting.", f"Run `argosy convert {name} --to {values['format']}`.")
    if "chart" in values:
        raise UsageError("The chart is more than a setting.", f"Run `argosy convert {name} --chart {values['chart']}`.")
    changes = switches.read(f"app {name}", values)
    turned = {each.field: changes.pop(each.field) for each in switches.PREVIEWS.values() if each.field in changes}
    if turned:
        changes["previews"] = _previews(repository, current, turned)
    changed = replace(current, **changes)
    together = tuple(changed if each.name == name else each for each in repository.applications)
    refuse_mixed_teams(replace(repository, applications=together))
    return replace(repository, applications=together)


def _previews(repository: Repository, current: Application, turned: Mapping[str, Any]) -> Previews:
    """Return what the previews of an application are, with what is found out where it is not said."""
    if turned.get("previews") == "":
        return Previews()
    found = {each.field: getattr(current.previews, each.field) for each in switches.PREVIEWS.values()} | dict(turned)
    if not found["previews"]:
        raise UsageError(
            f"{current.name} has no previews yet.",
            "Name the repository of its code too, for whose pull requests they are: previews=https://github.com/acme/web",
        )
    check_url(found["previews"])
    deployed = [each.name for each in repository.environments if current.name in each.applications]
    if not deployed:
        raise UsageError(f"{current.name} is not deployed, and its previews have the values of an environment.")
    found["preview_env"] = found["preview_env"] or deployed[0]
    if environment(repository, found["preview_env"]).name not in deployed:
        raise UsageError(
            f"{current.name} is not deployed to {found['preview_env']}, whose values its previews would have.",
            f"It is deployed to {joined(deployed)}: previewEnv={deployed[0]}",
        )
    if repository.is_production(environment(repository, found["preview_env"])) and len(repository.environments) > 1:
        raise UsageError(
            f"{found['preview_env']} is where releases end, and previews would have its cluster, values and secrets.",
            "Name an environment that another promotes from.",
        )
    if "preview_host" not in turned and ("previews" in turned or not found["preview_host"]):
        found["preview_host"] = _git_host(found["previews"])
    elif not found["preview_host"]:
        raise UsageError("previewHost cannot be off.", "previews= ends the previews.")
    if found["preview_host"] in WITHOUT_LABELS and "preview_label" not in turned:
        found["preview_label"] = ""
    if found["preview_domain"] and current.format is Format.HELM and repository.settings.minimal:
        raise UsageError(
            "A minimal chart has no Ingress, so that previewDomain would do nothing.",
            "Take the larger one: argosy set repository minimal=false",
        )
    return Previews(**found)


def _git_host(url: str) -> GitHost:
    """Return the kind of the host of a URL, by its name; raise UsageError where that does not tell it."""
    from argosy import hosting  # noqa: PLC0415

    if re.search(r"//(?:[^@/]*@)?[^/]*bitbucket(?!\.org)", url):
        return GitHost.BITBUCKET_SERVER
    try:
        return GitHost(hosting.host_of(url, {}, {}).kind)
    except UsageError as error:
        known = ", ".join(each for each in GitHost if each)
        raise UsageError(
            f"Nothing tells what kind of Git host {url} is on, whose pull requests Argo CD is to list.",
            f"Say it: previewHost=KIND, of {known}.",
        ) from error


def set_repository(repository: Repository, values: Mapping[str, str], teams: Collection[str] = ()) -> Repository:
    """Return the repository with its own settings changed: `repoURL=…`, `ci=gitlab` and the like.

    With tenancy by team, those that applications name are teams from then on, and `teams`.
    """
    changes = switches.read("repository", values)
    secured = changes.pop(switches.POD_SECURITY.field, None)
    turned = {each.field: changes.pop(each.field) for each in switches.SWITCHES.values() if each.field in changes}
    production = replace(repository.settings.production, **turned)
    settings = replace(repository.settings, production=production, **changes)
    if settings.minimal and not repository.settings.minimal:
        raise UsageError(
            "A repository cannot become minimal: what it has may be in use.", "Start one with argosy init --minimal."
        )
    environments = repository.environments
    if settings.revision is not repository.settings.revision:
        by_branch = settings.revision is RevisionStyle.BRANCH
        environments = tuple(
            replace(each, revision=each.name if by_branch else settings.branch) for each in environments
        )
    elif settings.branch != repository.settings.branch:
        environments = tuple(
            replace(each, revision=settings.branch) if each.revision == repository.settings.branch else each
            for each in environments
        )
    changed = replace(repository, settings=settings, environments=environments).with_shared_chart()
    if settings.tenancy is not repository.settings.tenancy:
        owners = {*teams, *(each.team for each in repository.applications if each.team)}
        names = sorted(owners) if changed.is_by_team else []
        environments = tuple(replace(each, teams_permitted=()) for each in changed.environments)
        changed = replace(changed, environments=environments, teams=tuple(map(Team, names)))
    return changed if secured is None else with_pod_security(changed, on=secured)


def values(repository: Repository, what: str, name: str) -> dict[str, Any]:
    """Return the values of the settings of the repository, of an env or of an app, by their field."""
    settings = repository.settings
    if what == "repository":
        secured = all(each.pod_security for each in repository.environments)
        found = {each.field: getattr(settings.production, each.field) for each in switches.SWITCHES.values()}
        found[switches.POD_SECURITY.field] = secured
        own = (each.field for each in switches.OF_REPOSITORY.values() if each.field not in found)
        return found | {each: getattr(settings, each) for each in own}
    find = {"env": environment, "app": application, "cluster": cluster, "team": team}[what]
    holder = find(repository, name)
    previews = holder.previews if isinstance(holder, Application) else None
    return {
        each.field: getattr(previews if key in switches.PREVIEWS else holder, each.field)
        for key, each in switches.SETTINGS[what].items()
    }


def unset(repository: Repository, has: Callable[[str], bool]) -> list[str]:
    """Return what is still to be set before all works that is laid out; `has` says whether a file is there."""
    settings = repository.settings
    if settings.argosy_file and not has(settings.argosy_file):
        return [
            f"argosy is installed from {settings.argosy_file}, which is not there: "
            "`argosy help install` says how to make it"
        ]
    if settings.ci is CiHost.NONE or settings.argosy_install:
        return []
    return [
        "CI's jobs fail until they know which argosy to install: argosy set repository argosyInstall=… "
        "(`argosy help install` lists what it can be)"
    ]


def with_pod_security(repository: Repository, *, on: bool) -> Repository:
    """Return the repository with a level of Pod Security in each environment, the strictest where releases end."""

    def level(each: Environment) -> PodSecurity:
        if not on:
            return PodSecurity.OFF
        return PodSecurity.RESTRICTED if repository.is_production(each) else PodSecurity.BASELINE

    return replace(
        repository,
        environments=tuple(replace(each, pod_security=level(each)) for each in repository.environments),
    )


def add_component(repository: Repository, environment_name: str, component: Component) -> Repository:
    """Return the repository with a component installed through an environment."""
    current = environment(repository, environment_name)
    if component.name in {each.name for each in current.components}:
        raise UsageError(f"{component.name} is in {current.name} already.", "Edit its values, or remove it first.")
    together = sorted((*current.components, component), key=lambda each: each.name)
    return replaced(repository, replace(current, components=tuple(together)))


def remove_component(repository: Repository, environment_name: str, name: str) -> Repository:
    """Return the repository without a component in an environment."""
    current = environment(repository, environment_name)
    if name not in {each.name for each in current.components}:
        raise _unknown("component", name, {each.name for each in current.components})
    left = tuple(each for each in current.components if each.name != name)
    return replaced(repository, replace(current, components=left))


def replaced(repository: Repository, changed: Environment) -> Repository:
    """Return the repository with an environment in place of the one of its name."""
    return replace(
        repository,
        environments=tuple(changed if each.name == changed.name else each for each in repository.environments),
    )


def _unknown(what: str, name: str, known: Collection[str]) -> UsageError:
    hint = did_you_mean(name, known) or f"There is {', '.join(sorted(known)) or 'none'}."
    return UsageError(f"There is no {what} “{name}”.", hint)


def refuse_taken(what: str, name: str, taken: Collection[str]) -> None:
    """Raise UsageError where there is one of that name."""
    if name in taken:
        article = "a" if what == "cluster" else "an"
        raise UsageError(f"There is {article} {what} “{name}” already.", "Choose another name.")
