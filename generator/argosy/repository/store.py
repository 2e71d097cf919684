"""Tree -> model: the folders below `applications/` and `environments/` are the list, their settings the details."""

from __future__ import annotations

import fnmatch
import json
import os
import posixpath
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from argosy import git, temporary
from argosy.errors import ArgosyError, UsageError
from argosy.git import objects
from argosy.git.snapshot import Snapshot
from argosy.paths import astray, unchanged
from argosy.repository import argocd_files, layout, switches
from argosy.repository.model import (
    KUBERNETES,
    LAYER_VERSION,
    OWN,
    SHARED,
    Application,
    ArgocdStyle,
    ChartExtra,
    CiHost,
    Cluster,
    Environment,
    Format,
    Layer,
    PodSecurity,
    Repository,
    RevisionStyle,
    Settings,
    Team,
    Tenancy,
    in_order,
    laid,
)
from argosy.repository.previews import Previews


@dataclass(frozen=True, slots=True)
class Stored:
    """A repository as its folders tell it, and the template's version that rendered it."""

    repository: Repository
    version: str


@unchanged()
def load(root: Path, only: Collection[str] | None = None) -> Stored:
    """Read the model of the repository at a root; raise ArgosyError with file and line where its settings are wrong.

    With `only`, of all applications these alone are read, which is quick where there are many.
    """
    check(root)
    answers = _settings(root, layout.ANSWERS)
    names = _applications(root)
    applications = [_application(root, name) for name in names if only is None or name in only]
    with _blaming(layout.ANSWERS):
        settings = Settings(
            name=str(answers.get("repository_name", root.name)),
            repo_url=str(answers.get("repo_url", "")),
            argocd=ArgocdStyle(answers.get("argocd", ArgocdStyle.APPLICATIONS)),
            revision=RevisionStyle(answers.get("revision", RevisionStyle.TRUNK)),
            ci=CiHost(answers.get("ci", CiHost.NONE)),
            format=Format(answers.get("format", Format.HELM)),
            chart=str(answers.get("chart", OWN)),
            kubernetes_version=str(answers.get("kubernetes_version", KUBERNETES)),
            branch=str(answers.get("branch", "main")),
            minimal=bool(answers.get("minimal", False)),
            follow_up=bool(answers.get("follow_up", False)),
            argosy_install=str(answers.get("argosy_install", "")),
            # Before there was a choice, the charts had all of it.
            production=switches.from_answers({"chart_extras": [*ChartExtra], **answers}),
            layers=laid(_layers(root)),
            tenancy=Tenancy(answers.get("tenancy", Tenancy.ENVIRONMENT)),
        )
    by_team = settings.tenancy is Tenancy.TEAM
    teams = tuple(_team(root, name) for name in (_teams(root) if by_team else ()))
    shared = frozenset(each.name for each in applications if each.chart == SHARED)
    environments = [
        replace(
            _environment(root, name, frozenset(names), shared, settings.argocd),
            permitted=argocd_files.permitted(root, name, by_team=by_team),
            teams_permitted=tuple(
                (each.name, argocd_files.permitted(root, name, each.name, by_team=True)) for each in teams
            ),
        )
        for name in _environments(root)
    ]
    charts = in_order(_folders(root, layout.SHARED_CHART))
    clusters = tuple(_clusters(root))
    ordered = tuple(promotion_order(environments))
    with _blaming(layout.CLUSTERS if clusters else layout.ENVIRONMENTS):
        repository = Repository(settings, ordered, tuple(applications), teams=teams, charts=charts, clusters=clusters)
    return Stored(repository, str(answers.get("_commit", "")))


def names(root: Path, what: str) -> list[str]:
    """Return the names of the environments ("env"), applications ("app"), clusters ("cluster") or teams ("team")."""
    if what == "cluster":
        return [each.name for each in _clusters(root)]
    if what == "env":
        return _environments(root)
    return _applications(root) if what == "app" else _teams(root) if what == "team" else []


def is_repository(root: Path) -> bool:
    """Return whether a folder is the root of a repository of argosy's."""
    return (root / layout.ANSWERS).is_file()


def check(root: Path) -> None:
    """Raise ArgosyError unless a folder is the root of a repository of argosy's."""
    if not is_repository(root):
        raise ArgosyError(
            f"{root} is not an argosy repository: it has no {layout.ANSWERS}.",
            "Go to a repository that `argosy init` made, or name it with --repository.",
        )


@contextmanager
def _blaming(path: str) -> Iterator[None]:
    """Name the place to mend where the model refuses what stands there."""
    try:
        yield
    except UsageError as error:
        raise ArgosyError(f"{path}: {error.message}", error.hint) from error


def promotion_order(environments: list[Environment]) -> Iterator[Environment]:
    """Yield the environments in the order of promotion: each chain to its end, the first by name before the next.

    What promotes in a circle comes last, by name: validation reports it.
    """
    waiting = {each.name: each for each in sorted(environments, key=lambda each: each.name)}
    firsts = [each for each in waiting.values() if each.promotes_from not in waiting]
    following = [*reversed(firsts)]
    while following or waiting:
        chosen = following.pop() if following else next(iter(waiting.values()))
        if waiting.pop(chosen.name, None):
            yield chosen
            following += [each for each in reversed(waiting.values()) if each.promotes_from == chosen.name]


def _applications(root: Path) -> list[str]:
    found = _folders(root, layout.APPLICATIONS)
    return [name for name in found if (root / layout.application_settings(name)).is_file()]


def _environments(root: Path) -> list[str]:
    return _folders(root, layout.ENVIRONMENTS, layout.ENVIRONMENT_SETTINGS)


def _teams(root: Path) -> list[str]:
    return [name for name in _folders(root, layout.TEAMS) if (root / layout.team_settings(name)).is_file()]


def _team(root: Path, name: str) -> Team:
    path = layout.team_settings(name)
    data = _settings(root, path)
    quotas = data.get("quotas") or {}
    with _blaming(path):
        return Team(
            name,
            str(data.get("ssoGroup", "")),
            tuple((place, tuple((key, str(each)) for key, each in quota.items())) for place, quota in quotas.items()),
        )


def _folders(root: Path, parent: str, sure: str = "*.yaml") -> list[str]:
    """Return the folders in one of a root that hold a file which Git keeps: it leaves empty and ignored ones behind.

    Git is not asked of those that hold what makes it sure.
    """
    if not (root / parent).is_dir():
        return []
    found = (entry for entry in (root / parent).iterdir() if entry.is_dir() and not entry.name.startswith("."))
    return sorted(each.name for each in found if fnmatch.filter(os.listdir(each), sure) or git.keeps(root, each))  # noqa: PTH208


def _application(root: Path, name: str) -> Application:
    path = layout.application_settings(name)
    data = _settings(root, path)
    with _blaming(path):
        wanted = {each.field: each.from_answer(data[key]) for key, each in switches.PREVIEWS.items() if key in data}
        return Application(
            name,
            Format(data["format"]),
            str(data.get("team", "")),
            chart=str(data.get("chart", OWN)),
            vendored=bool(data.get("vendored", False)),
            previews=Previews(**wanted),
        )


def _environment(
    root: Path,
    name: str,
    applications: Collection[str],
    shared: Collection[str],
    style: ArgocdStyle,
) -> Environment:
    path = layout.environment_settings(name)
    data = _settings(root, path)
    destination, clusters = data.get("destination", {}), tuple(data.get("clusters", ()))
    deployed = tuple(each for each in _folders(root, layout.environment(name)) if each in applications)
    following = (each for each in deployed if each in shared)
    with _blaming(path):
        return Environment(
            name=name,
            cluster=str(clusters[0] if clusters else destination.get("server") or destination.get("name")),
            clusters=clusters if len(clusters) > 1 else (),
            rollout=str(data.get("rollout", "")),
            overrides=tuple(_overrides(root, name, clusters, deployed)),
            revision=str(data["revision"]),
            auto_sync=bool(data["autoSync"]),
            promotes_from=str(data["promotesFrom"]),
            namespace=str(data.get("namespace", "")),
            replicas=int(data.get("replicas", 1)),
            applications=deployed,
            chart_versions=tuple(argocd_files.chart_versions(root, name, following, style)),
            pod_security=PodSecurity(data.get("podSecurity", "")),
            components=argocd_files.components(root, name),
            components_permitted=argocd_files.components_permitted(root, name),
        )


def _overrides(
    root: Path, environment: str, clusters: Collection[str], applications: Collection[str]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the applications that have a folder of their own in some of an environment's clusters, with these."""
    there = {each: _folders(root, layout.cluster_deployments(environment, each)) for each in clusters}
    for name in applications:
        if found := tuple(each for each in clusters if name in there[each]):
            yield name, found


def _clusters(root: Path) -> Iterator[Cluster]:
    """Yield the clusters that are declared."""
    if (root / layout.CLUSTERS).exists():
        for each in _settings(root, layout.CLUSTERS)["clusters"]:
            labels = tuple(f"{key}={value}" for key, value in (each.get("labels") or {}).items())
            with _blaming(layout.CLUSTERS):
                yield Cluster(each["name"], each["server"], labels)


def _layers(root: Path) -> Iterator[Layer]:
    """Yield the layers; answers to templates that Copier alone brings up to date name no whole commit."""
    from argosy.documents import plain  # noqa: PLC0415

    for path in sorted(path for entry in root.glob(layout.layer_answers("*")) if layout.layer_of(path := entry.name)):
        commit = plain.load(root / path, root).get("_commit")
        if isinstance(commit, str) and LAYER_VERSION.fullmatch(commit):
            answers = _settings(root, path)
            own = {key: value for key, value in sorted(answers.items()) if not key.startswith("_")}
            with _blaming(path):
                yield Layer(
                    str(layout.layer_of(path)), answers["_src_path"], commit, json.dumps(own), answers.get("_order", 0)
                )


def _settings(root: Path, path: str) -> Mapping[str, Any]:
    """Read a settings file and judge it by its schema, so that what follows may rely on its shape."""
    from argosy.documents import File, read  # noqa: PLC0415
    from argosy.schemas.store import file_schema  # noqa: PLC0415
    from argosy.schemas.violations import as_written  # noqa: PLC0415

    if not (root / path).is_file():
        if (root / path).exists():
            raise ArgosyError(f"{path} is no file that can be read.", "Put a file there: restore it from Git.")
        raise ArgosyError(
            f"{path} is missing, so nothing says what {Path(path).parent} is.",
            "Restore it from Git, or move the folder elsewhere.",
        )
    if reason := astray(root / path, root):
        raise ArgosyError(f"{path} is not read: {reason}.", "Replace it with the file itself.")
    parsed = read(File(path, root / path))
    for defect in parsed.defects:
        raise ArgosyError(f"{path}:{defect.line or 1}: {defect.message}", defect.hint)
    schema = file_schema(path)
    if len(parsed.documents) != 1 or schema is None:
        raise ArgosyError(f"{path}:1: it has {len(parsed.documents) or 'no'} YAML documents.", "It has one.")
    document = parsed.documents[0]
    for violation in as_written(schema.violations(document.data), document):
        raise ArgosyError(f"{path}:{document.line_of(violation.at) or 1}: {violation.message}", violation.hint)
    found: Mapping[str, Any] = document.data
    return found


def load_at(root: Path, revision: str) -> Stored:
    """Read the model of a repository at a revision; raise ArgosyError if there is none, or it is wrong there."""
    tree = objects.types(root, [f"{revision}^{{tree}}"])[0][0]
    if not tree:
        raise UsageError(f"There is no revision “{revision}”.", "Name a commit, a branch or a tag.")
    try:
        return load_of(Snapshot(root, tree))
    except ArgosyError as error:
        hint = f"{error.hint} Or name a later revision.".strip()
        raise ArgosyError(f"At {revision}: {error.message}", hint) from error


def load_of(state: Snapshot) -> Stored:
    """Read the model of a state of a repository; raise ArgosyError where it is wrong there."""
    follows = any(state.paths(layout.SHARED_CHART))
    held = state.chosen(
        lambda path: is_answers(path) or layout.is_settings(path) or _is_model(path) or (follows and _follows(path))
    )
    with temporary.folder("model") as folder:
        places = (layout.ENVIRONMENTS, layout.APPLICATIONS, layout.PLATFORM, layout.SHARED_CHART, layout.TEAMS)
        # What else a folder holds does not matter, but that it holds something does.
        for path in {posixpath.dirname(each): each for each in state.paths(*places)}.values():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).touch()
        for path, blob in held.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(blob.content)
        try:
            return load(folder)
        except ArgosyError as error:
            raise ArgosyError(error.message.replace(str(folder), str(state.root)), error.hint) from error


def is_answers(path: str) -> bool:
    """Return whether a file holds the answers to the template, or to a layer."""
    return path == layout.ANSWERS or layout.layer_of(path) is not None


def _is_model(path: str) -> bool:
    """Return whether the model is read from a file that is no settings': answers, a project, a component's."""
    is_argocds = path.startswith(f"{layout.ARGOCD}/") and (layout.is_project(path) or f"/{layout.COMPONENTS}/" in path)
    is_vendored = path.startswith(f"{layout.PLATFORM}/") and path.endswith("/chart/Chart.yaml")
    return path == layout.ANSWERS or is_argocds or is_vendored


def _follows(path: str) -> bool:
    """Return whether a file says which version of the shared chart an application follows."""
    application, environment = layout.application_of(path) or "", layout.environment_of(path) or ""
    return path in {layout.argocd_application(environment, application), layout.chart_version(environment, application)}


def uncommitted(root: Path, *folders: str) -> frozenset[str]:
    """Return the files below folders, or all, that are not committed as they are, untracked ones too."""
    listed = (path for path, letters in git.at(root).status.items() if letters != "!!")
    places = tuple(f"{each.rstrip('/')}/" for each in folders)
    return frozenset(path for path in listed if not places or f"{path}/".startswith(places))


def asked(root: Path) -> frozenset[str]:
    """Return the files in which a user asks for a change: settings, and what came or went below the model's folders."""
    tracked = objects.entries(root, "HEAD")
    folders = (f"{layout.ENVIRONMENTS}/", f"{layout.APPLICATIONS}/")
    return frozenset(
        path
        for path in uncommitted(root)
        if is_setting(path) or (path.startswith(folders) and (path not in tracked or not (root / path).exists()))
    )


def is_setting(path: str) -> bool:
    """Return whether a file holds settings, of the repository, an environment, an application or a component."""
    is_component = layout.component_of(path) is not None and path.startswith(f"{layout.ARGOCD}/")
    return is_answers(path) or layout.is_settings(path) or is_component


def refuse_reformatted(root: Path, before: Repository, after: Repository) -> None:
    """Raise UsageError where the format of an application was edited, and its files are still those of the old one."""
    formats = {each.name: each.format for each in before.applications}
    for each in after.applications:
        old, new = formats.get(each.name, each.format), each.format
        sources = {Format.HELM: layout.chart(each.name), Format.KUSTOMIZE: layout.base(each.name)}
        if old is new or (root / sources[old if old in sources else new]).is_dir() is not (old in sources):
            continue
        raise UsageError(
            f"{layout.application_settings(each.name)} says {new}, and {each.name} is written for {old}: its image, "
            "its settings and what else people wrote would be lost.",
            f"Restore {old} there, and run argosy convert {each.name} --to {new}.",
        )
    vendored = {each.name: each.vendored for each in before.applications}
    for each in after.applications:
        if vendored.get(each.name, each.vendored) is not each.vendored and (root / layout.chart(each.name)).is_dir():
            raise UsageError(
                f"{layout.application_settings(each.name)} says otherwise than before whether the chart of {each.name} "
                "is a copy of one from elsewhere, and the chart is still the same.",
                f"Restore it. argosy convert {each.name} --chart … changes the chart and what is said of it.",
            )
    charts = {each.name: each.chart for each in before.applications}
    for each in after.applications:
        was, is_there = charts.get(each.name, each.chart), (root / layout.chart(each.name)).is_dir()
        if was != each.chart and is_there is (was == OWN):
            raise UsageError(
                f"{layout.application_settings(each.name)} says that {each.name} has "
                f"{'the shared chart' if each.chart == SHARED else 'a chart of its own'}, and its files say otherwise.",
                f"Restore it, and run argosy convert {each.name} --chart {each.chart}.",
            )


def refuse_foreign_charts(root: Path, repository: Repository) -> None:
    """Raise ArgosyError where the folder of an application was copied, and its chart still has the other's name."""
    for each in repository.applications:
        chart = layout.chart(each.name)
        others = _folders(root, posixpath.dirname(chart))
        if each.format is Format.HELM and others and not (root / chart).is_dir():
            found = f"{posixpath.dirname(chart)}/{others[0]}"
            raise ArgosyError(
                f"{found} is not named as its application, so Argo CD would not find it.",
                f"Rename it: mv {found} {chart}. The chart's name in its Chart.yaml changes with it.",
            )
