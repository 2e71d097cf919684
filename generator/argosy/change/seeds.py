"""What an application begins with: what is written for it here, or where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from argosy import remote
from argosy.errors import UsageError
from argosy.repository.model import OWN, SHARED, Format, Image, Origin, Seed


def read_chart(given: str | None) -> tuple[str | None, str | None]:
    """Return whose chart `--chart` says it is, or else where one from elsewhere is."""
    return (given, None) if given in {OWN, SHARED} else (None, given)


def seed(
    image: tuple[Image, int, Sequence[tuple[str, Image]]],
    form: str | None,
    places: tuple[str | None, str | None, str | None],
    versions: Sequence[tuple[str, str]],
) -> tuple[Format | None, Seed]:
    """Return an application's format, None where nothing says it, and what it starts with.

    `places` are where its chart, its base, or all of it is. Raise UsageError where options contradict each other, or
    what is elsewhere has no version.
    """
    given = [each for each in places if each]
    if not given:
        if versions:
            raise UsageError(
                "--version is the version of what comes from elsewhere.", "Give --chart, --base or --source too."
            )
        return Format(form) if form else None, Seed(image[0], image[1], tuple(image[2]))
    if form or len(given) > 1:
        raise UsageError("--chart, --base, --source and --format each say how an application is written.", "Give one.")
    (where,), by_environment = given, dict(versions)
    readers = {Format.CHART: Origin.of_chart, Format.OVERLAY: Origin.of_base, Format.REMOTE: Origin.of_source}
    chosen = next(each for each, place in zip(readers, places, strict=True) if place)
    origin = readers[chosen](where)
    revision = by_environment.pop("", "")
    if revision and origin.revision:
        raise UsageError(f"{where} has a version, and --version gives {revision}.", "Give one of them.")
    made = replace(origin, revision=revision or origin.revision)
    for each in (made.revision, *by_environment.values()):
        if not replace(made, revision=each).is_pinned:
            raise UsageError(
                f"“{each}” is not one version of {where}." if each else f"{where} has no version.",
                "Give a version, a Git tag or commit, or a digest: --version 1.2.3. A range or HEAD changes by itself.",
            )
    return chosen, Seed(origin=made, revisions=tuple(by_environment.items()))


def to_permit(seed: Seed) -> str:
    """Return what is left to do for applications from elsewhere; nothing where they were looked at."""
    origin, others = seed.origin, [version for _, version in seed.revisions]
    if origin is None:
        return ""
    spec = {"repoURL": origin.repo_url, "chart": origin.chart}
    pins = [remote.of_source({**spec, "targetRevision": each}) for each in (origin.revision, *others)]
    if all(remote.folder(each) for each in pins if each):
        return ""
    return (
        "Nobody has looked at what comes from elsewhere, so the AppProjects do not permit its kinds yet:\n"
        "  argosy fetch && argosy apply"
    )
