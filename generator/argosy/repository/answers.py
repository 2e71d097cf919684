"""Read an answers file: the template's questions, answered in YAML.

The file is the one that `copier copy --data-file` takes. argosy fills in what a short form leaves out: an environment
or an application may be a name alone, and an image may be written as in a manifest.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from argosy.errors import UsageError
from argosy.repository import switches
from argosy.repository.model import (
    WRITTEN_HERE,
    Application,
    Cluster,
    Environment,
    Format,
    Image,
    Origin,
    PodSecurity,
    Production,
    Settings,
)
from argosy.repository.previews import Previews

_COPIERS = ("_commit", "_src_path")
"""What Copier records beside the answers: a repository's own answers file answers for another one too."""
_SWITCHES = {each.field for each in switches.SWITCHES.values()}


@dataclass(frozen=True, slots=True)
class Answers:
    """What an answers file says: settings by their question's name, and the parts where it names them."""

    settings: Mapping[str, str] = field(default_factory=dict)
    environments: tuple[Mapping[str, Any], ...] | None = None
    applications: tuple[Mapping[str, Any], ...] | None = None
    clusters: tuple[Cluster, ...] = ()
    follow_up: bool | None = None
    minimal: bool = False
    production: Production | None = None
    """What is switched on for production; None where the file has nothing of it."""
    of_layers: Mapping[str, Any] = field(default_factory=dict)
    """The answers to questions of layers."""


def read(path: Path | None, defaults: Mapping[str, Any] | None = None, asked: Collection[str] = ()) -> Answers:
    """Read an answers file; raise UsageError with each wrong key or type, and its line.

    `asked` are the questions of layers, and `defaults` what these answer themselves where the file does not.
    """
    data = {**(defaults or {}), **(_read(path, asked) if path else {})}
    of_layers = {key: data.pop(key) for key in asked if key in data}
    return Answers(
        # 1.30 without quotes is the number 1.3.
        settings={
            key: value if isinstance(value, str) else f"{value:.2f}"
            for key, value in data.items()
            if isinstance(value, str | int | float) and not isinstance(value, bool) and key not in _SWITCHES
        },
        environments=_parts(data, "environments"),
        applications=_parts(data, "applications"),
        clusters=tuple(sorted(map(_cluster, data.get("clusters", ())), key=lambda each: each.name)),
        follow_up=data.get("follow_up"),
        minimal=bool(data.get("minimal")),
        production=switches.from_answers(data) if _SWITCHES & data.keys() else None,
        of_layers=of_layers,
    )


def judged(data: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """Return what is wrong with other defaults for the template's questions: each question, and why."""
    from argosy.schemas import store  # noqa: PLC0415

    return [(str(each.at[0]) if each.at else "", each.message) for each in store.answers().violations(dict(data))]


def _read(path: Path, asked: Collection[str]) -> Mapping[str, Any]:
    from argosy import documents  # noqa: PLC0415
    from argosy.schemas import store  # noqa: PLC0415
    from argosy.schemas.violations import as_written  # noqa: PLC0415

    parsed = documents.read(documents.File(str(path), path))
    for defect in parsed.defects:
        raise UsageError(f"{path}:{defect.line or 1}: {defect.message}", defect.hint)
    if len(parsed.documents) != 1:
        raise UsageError(f"{path} has {len(parsed.documents) or 'no'} YAML documents.", "An answers file has one.")
    document = parsed.documents[0]
    data = document.data
    if isinstance(data, dict):
        data = {key: value for key, value in data.items() if key not in _COPIERS}
    own = {key: value for key, value in data.items() if key not in asked} if isinstance(data, dict) else data
    wrong = as_written(store.answers().violations(own), document)
    if lines := sorted((document.line_of(each.at) or 1, each.message, each.hint) for each in wrong):
        raise UsageError(
            "\n".join(f"{path}:{line}: {message}{'. ' + hint if hint else ''}" for line, message, hint in lines),
            "`argosy help init` shows an answers file.",
        )
    found: Mapping[str, Any] = data
    return found


_DERIVED = {
    "production",
    "steps",
    "overrides",
    "listed",
    "kinds",
    "cluster_kinds",
    "component_kinds",
    "component_namespaces",
    "charts",
    "source_repos",
    "namespaces",
    "team_projects",
    "team_quotas",
}
"""What an environment's answers say only to the template."""


def written(answers: Mapping[str, Any]) -> str:
    """Return an answers file that has these answers, as the template takes them."""
    import yaml  # noqa: PLC0415

    listed = [{key: value for key, value in each.items() if key not in _DERIVED} for each in answers["environments"]]
    known = {key: value for key, value in answers.items() if key not in {"teams", "chart_versions"}}
    # No chart that a new repository has is a copy of another.
    derived = {"preview_api", "preview_owner", "preview_repo", "vendored"}
    of_apps = [{key: value for key, value in each.items() if key not in derived} for each in answers["applications"]]
    return yaml.safe_dump(
        {**known, "applications": of_apps, "environments": listed}, sort_keys=False, allow_unicode=True
    )


def environments(parts: tuple[Mapping[str, Any], ...], chained: tuple[Environment, ...]) -> tuple[Environment, ...]:
    """Return the environments that an answers file describes: what it leaves out comes from `chained`, name by name.

    Raise UsageError where one promotes from what is no environment before it, or deploys an application that is not
    among the ones in `chained`.
    """
    for position, (part, default) in enumerate(zip(parts, chained, strict=True)):
        before, origin = [other["name"] for other in parts[:position]], part.get("promotes_from")
        if origin and origin not in before:
            raise UsageError(
                f"The environment {part['name']} promotes from “{origin}”, which is not an environment before it.",
                f"Before it: {', '.join(before) or 'none'}.",
            )
        unknown = [name for name in part.get("applications", ()) if name not in default.applications]
        if unknown:
            raise UsageError(
                f"The environment {part['name']} deploys “{unknown[0]}”, and there is no application of that name.",
                f"The applications are {', '.join(default.applications) or 'none'}.",
            )
    fields = ("cluster", "revision", "auto_sync", "promotes_from", "namespace", "replicas")
    found = (
        Environment(
            name=default.name,
            **{key: part.get(key, getattr(default, key)) for key in fields},
            applications=tuple(sorted(set(part.get("applications", default.applications)))),
            pod_security=PodSecurity(part.get("pod_security", default.pod_security)),
            permitted=default.permitted,
            teams_permitted=default.teams_permitted,
        )
        for part, default in zip(parts, chained, strict=True)
    )
    return tuple(
        replace(each.in_clusters(*part.get("clusters") or (each.cluster,)), rollout=part.get("rollout", ""))
        for part, each in zip(parts, found, strict=True)
    )


def application(part: Mapping[str, Any], default: Application, settings: Settings) -> Application:
    """Return the application that an answers file describes: what it leaves out comes from `default`.

    Whose chart it has, `settings` say for its format.
    """
    images, form = part.get("images", {}), Format(part.get("format", default.format))
    origin, revisions = _origin(part) if "origin" in part else (default.seed.origin, default.seed.revisions)
    if (form in WRITTEN_HERE) is not (origin is None):
        raise UsageError(
            f"The application {part['name']} is {form}, {'which is written here' if origin else 'and has no origin'}.",
            "chart, overlay and remote have an origin, which says where they come from; other formats have none.",
        )
    return Application(
        name=part["name"],
        format=form,
        chart=part.get("chart") or settings.chart_of(form),
        team=part.get("team", default.team),
        previews=_previews(part),
        seed=replace(
            default.seed,
            image=_image(part["image"]) if "image" in part else default.seed.image,
            port=part.get("port", default.seed.port),
            images=tuple((name, _image(image)) for name, image in images.items()) or default.seed.images,
            origin=origin,
            revisions=revisions,
        ),
    )


def _previews(part: Mapping[str, Any]) -> Previews:
    """Return the previews that an application has, and the default ones that it says nothing of."""
    said = [each for each in switches.PREVIEWS.values() if each.field in part] if part.get("previews") else []
    return Previews(**{each.field: each.from_answer(part[each.field]) for each in said})


def _origin(part: Mapping[str, Any]) -> tuple[Origin | None, tuple[tuple[str, str], ...]]:
    """Return where an application comes from, and the versions that environments have of their own."""
    if part["origin"] is None:
        return None, ()
    said = dict(part["origin"])
    revisions = tuple(said.pop("revisions", {}).items())
    origin = Origin(**said)
    for revision in (origin.revision, *(each for _, each in revisions)):
        if not replace(origin, revision=revision).is_pinned:
            raise UsageError(
                f"“{revision}” is not one version of {origin.repo_url} (application {part['name']}).",
                "Give a version, a Git tag or commit, or a digest: a range or HEAD changes by itself.",
            )
    return origin, revisions


def _cluster(part: Mapping[str, Any]) -> Cluster:
    return Cluster(
        part["name"], part["server"], tuple(f"{key}={value}" for key, value in part.get("labels", {}).items())
    )


def _image(written: str | Mapping[str, str]) -> Image:
    if isinstance(written, str):
        return Image.parse(written)
    return Image.parse(str(Image(written["repository"], written.get("tag", ""), written.get("digest", ""))))


def _parts(data: Mapping[str, Any], key: str) -> tuple[Mapping[str, Any], ...] | None:
    if key not in data:
        return None
    return tuple({"name": part} if isinstance(part, str) else part for part in data[key])
