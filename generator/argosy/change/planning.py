"""A change of a repository: model before, model after, two pristine trees of the pieces that differ, one merge.

All commands that change a repository come through here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from argosy import git
from argosy.change import edits, merge
from argosy.change.merge import Plan
from argosy.documents import encrypted, plain
from argosy.errors import ArgosyError, UsageError
from argosy.git import objects
from argosy.git.objects import EXECUTABLE, SYMLINK, Blob, Files
from argosy.git.repository import Entry
from argosy.names import joined
from argosy.repository import layout
from argosy.repository.model import Environment, Format, Permitted, PodSecurity, Production, Repository, Settings
from argosy.template import rendering, versions
from argosy.template.rendering import Tree


@dataclass(frozen=True, slots=True)
class Change:
    """What a command wants: the models, and what happens to files that people wrote."""

    before: Repository
    after: Repository
    copies: Mapping[str, str] = field(default_factory=dict)
    """Folders or files that take over what another holds, whoever wrote it: new -> old."""
    removed: Sequence[str] = ()
    """Folders and files that go, edited or not."""
    made: frozenset[str] = frozenset()
    """Files below `copies` that are generated all the same."""
    written: Mapping[str, bytes | Blob] = field(default_factory=dict)
    """Files that get a content of their own; where that alone is given, they keep their mode."""
    from_version: str = ""
    """The template's version that rendered what is there; empty: the current one."""
    to_version: str = ""
    asked: frozenset[str] = frozenset()
    """Files in which the user asked for this change: they stay as they are."""
    is_update: bool = False
    """Whether what an earlier update left behind is brought up to date as well."""
    only: Callable[[str], bool] | None = None
    """The files that are brought up to date, where not all are: then no newer version is recorded."""


Settle = Callable[[Path, Change, Plan], Repository]
"""Gives the model after a change, with its projects kept to what is used, from what the change does to the files."""


def plan(root: Path, change: Change, settle: Settle | None = None) -> Plan:
    """Return the merge that brings a change into the repository at a root.

    `settle` sees the merge first, and may change what the projects of the model after it permit.
    """
    from argosy.change import installation, origin  # noqa: PLC0415

    edits.refuse_mixed_teams(change.after)
    present = change.from_version or versions.current().version
    wanted = change.to_version or versions.current().version
    earlier = origin.had_earlier(root, present) if change.is_update else ()
    whole = present != wanted or bool(earlier)
    with (
        versions.checkout(present) as old,
        versions.checkout(wanted) if present != wanted else nullcontext(old) as new,
    ):
        _refuse_unknown(change, new)
        copied = {place for each in change.copies.values() if (place := layout.environment_of(each))}
        before = rendered(change.before, change.after, old, copied, whole=whole)
        is_same = new == old and change.before == change.after
        after = before if is_same else rendered(change.after, change.before, new, copied, whole=whole)
        change = installation.renewed(root, change, before, after)
        moved = _moved_folders(change.after, versions.moves(old, new)) if whole else {}
        if change.only and not any(map(change.only, {*before, *after})):
            raise UsageError(
                "The template has none of that.", "Name an application, an environment, a file or a folder."
            )
        known = [*versions.notes(old, new), *_back_elsewhere(root, before, after)] if present != wanted else []
        left = origin.left_behind(root, change.before, earlier, before)
        base = {path: blob for path, blob in {**as_files(before), **left}.items() if blob}
        made = _merged(root, change, base, after, moved, going=not whole)
        settled = settle(root, change, made) if settle else change.after
        if settled != change.after:
            # Projects are files of an environment: the pieces that differ between the two models hold them all.
            after = {**after, **rendered(settled, change.after, new)}
            made = _merged(root, replace(change, after=settled), base, after, moved, going=not whole)
    is_newer = present != wanted or change.before.settings.layers != change.after.settings.layers
    notes = tuple(known) if present != wanted and not change.only else ()
    return replace(made, left_behind=frozenset(left), kept=made.kept if is_newer else frozenset(), notes=notes)


def _refuse_unknown(change: Change, template: versions.Template) -> None:
    """Raise ArgosyError where an earlier version of the template cannot render what a change sets, or an update has."""
    if template == versions.current():
        return
    before = change.before
    if change.is_update:  # All that is switched on would be new to it.
        # What the charts have is no setting that an earlier version lacks: they had all of it.
        production = Production(chart_extras=change.after.settings.production.chart_extras)
        settings = Settings(before.settings.name, before.settings.repo_url, production=production)
        bare = (replace(each, components=(), pod_security=PodSecurity.OFF) for each in before.environments)
        before = replace(before, settings=settings, environments=tuple(bare))
    if unknown := rendering.unknown(change.after, before, template):
        raise ArgosyError(
            f"The template's version {template.version[:12]} does not know {' or '.join(unknown)}.",
            "This repository has that: remove it first, or name a later version."
            if change.is_update
            else "Take over the newest template first: argosy update --commit.",
        )


def _merged(root: Path, change: Change, before: Files, tree: Tree, moved: Mapping[str, str], *, going: bool) -> Plan:
    """Return the merge of two pristine trees, with what the change says of files that people wrote."""
    entries = objects.entries(root, objects.head(root))
    wanted = change.only or rendering.everything
    before = {path: blob for path, blob in before.items() if wanted(path)}
    after = {path: blob for path, blob in as_files(tree).items() if wanted(path)}
    if layout.ANSWERS in before:
        before[layout.ANSWERS] = _as_recorded(root, before[layout.ANSWERS], entries)
    # The answers to layers are a part of the model, whoever wrote them: they are what the change starts from.
    before |= objects.blobs(root, entries, [path for path in before if layout.layer_of(path)])
    if going:
        _set_in_place(root, before, after, entries)
    moves = _move(before, after, moved, entries)
    decided = _take_over(root, change, before, after, entries)
    _refuse_collisions({path: tree[path] for path in after.keys() - before.keys() - decided if path in tree}, entries)
    theirs = _seeded_to_keep(root, before, after, entries, going=going)
    # What a newer version takes the place of is followed still, and nobody's to change any more.
    stays = [layout.shared_chart(each) for each in {*change.before.charts} & {*change.after.charts}]
    if change.before.newest_chart != change.after.newest_chart:
        theirs |= {path for path in {*before, *after} if objects.is_within(path, stays)}
    kept = frozenset(path for path in theirs & before.keys() & after.keys() if before[path] != after[path])
    for path in (theirs - {*decided, *moves.values()}) | change.asked:
        before.pop(path, None)
        after.pop(path, None)
    made = merge.plan(root, before, after, moves)
    merge.refuse_obstacles(made)
    _refuse_remains(root, change)
    return replace(made, kept=kept)


def _refuse_collisions(new: Tree, entries: Mapping[str, Entry]) -> None:
    """Raise ArgosyError where a file that a layer would add is there already, and is somebody's."""
    for path, file in sorted(new.items()):
        held = entries.get(path)
        if file.layer and held and held.blob != objects.blob_id(file.content, held.blob):
            raise ArgosyError(
                f"Layer {file.layer}, {file.template}:1: it gives {path}, which is a file of this repository already.",
                "Move yours elsewhere and commit, or have the layer leave that file out.",
            )


_RECORD = re.compile(rb"(?:^_(?:commit|src_path):.*\n(?: .*\n)*)+", re.MULTILINE)
"""Where an answers file says which version of which template rendered the repository."""


def _as_recorded(root: Path, pristine: Blob, entries: Mapping[str, Entry]) -> Blob:
    """Return the answers with the record that is committed: Copier writes another one, which gives way to argosy's."""
    committed = objects.blobs(root, entries, [layout.ANSWERS])
    found = _RECORD.search(committed[layout.ANSWERS].content) if committed else None
    record = found[0].replace(b"\r\n", b"\n") if found else b""
    return Blob(pristine.mode, _RECORD.sub(lambda _: record, pristine.content, count=1))


# What is rendered


def render(
    repository: Repository,
    other: Repository,
    version: versions.Template,
    copied: Collection[str] = (),
    *,
    whole: bool = False,
) -> Files:
    """Return what `rendered` does, as Git holds it."""
    return as_files(rendered(repository, other, version, copied, whole=whole))


def rendered(
    repository: Repository,
    other: Repository,
    version: versions.Template,
    copied: Collection[str] = (),
    *,
    whole: bool = False,
) -> Tree:
    """Render the pieces of a model that may differ from another model's: with 1,000 applications, most do not.

    `whole`: render all of it, since the other model is rendered by another version of the template. The files of the
    environments in `copied` are rendered too.
    """
    if whole:
        return rendering.render(repository, template=version)
    applications, environments = _differing(repository, other)
    places = {*environments, *copied}
    names = applications | {
        name for each in repository.environments if each.name in places for name in each.applications
    }
    scope = reduced(
        repository,
        names,
        {each.name: names if each.name in places else applications for each in repository.environments},
    )

    charts = {each.name: each.chart for each in other.applications}
    # What is in the shared chart follows from switches and components, too.
    of_charts = (
        (repository.settings, repository.has_rollouts) != (other.settings, other.has_rollouts)
        or repository.charts != other.charts
        or any(charts.get(each.name, each.chart) != each.chart for each in repository.applications)
    )

    def is_wanted(path: str) -> bool:
        application = layout.application_of(path)
        if path.startswith(f"{layout.CHARTS}/"):
            return of_charts
        if application is None or application in applications:
            return True
        return application in names and layout.environment_of(path) in places

    without = () if applications else (layout.APPLICATIONS,)
    told = [sorted(applications), sorted(names), sorted(places), of_charts]
    return rendering.render(scope, template=version, wanted=is_wanted, told=told, without=without, whole=repository)


def as_files(tree: Tree) -> Files:
    """Return a rendered tree as Git holds it."""
    return {path: Blob(EXECUTABLE if file.executable else "100644", file.content) for path, file in tree.items()}


def changed_applications(one: Repository, other: Repository) -> frozenset[str]:
    """Return the applications any of whose files may differ."""
    applications, environments = _differing(one, other)
    places = [each for each in (*one.environments, *other.environments) if each.name in environments]
    return applications.union(*(each.applications for each in places))


def _differing(one: Repository, other: Repository) -> tuple[frozenset[str], frozenset[str]]:
    """Return the applications and the environments that differ by themselves; all, where the repository itself does.

    No file of an application depends on another application, and none in an environment on another environment.
    """
    if one.settings != other.settings or one.has_rollouts != other.has_rollouts:
        both = (*one.applications, *other.applications), (*one.environments, *other.environments)
        return frozenset(each.name for each in both[0]), frozenset(each.name for each in both[1])
    settings = {each.name: _itself(one, each) for each in one.environments}
    others = {each.name: _itself(other, each) for each in other.environments}
    environments = {name for name in {*settings, *others} if settings.get(name) != others.get(name)}
    applications = {each.name for each in {*one.applications} ^ {*other.applications}}
    places = {each.name: frozenset(each.applications) for each in other.environments}
    for each in one.environments:
        applications |= places.get(each.name, frozenset(each.applications)) ^ frozenset(each.applications)
    versions = {each.name: each.chart_versions for each in other.environments}
    for each in one.environments:
        applications |= {name for name, _ in {*each.chart_versions} ^ {*versions.get(each.name, each.chart_versions)}}
    sources = {each.name: _sources_of(each) for each in other.environments}
    for each in one.environments:
        if sources.get(each.name, _sources_of(each)) != _sources_of(each):
            # The project of a chart's previews permits where it comes from.
            applications |= {app.name for app in one.previewed(each) if app.format is Format.CHART}
    changed = {each.name for each in {*one.teams} ^ {*other.teams}}
    applications |= {each.name for model in (one, other) for each in model.applications if each.team in changed}
    return frozenset(applications), frozenset(environments)


def _sources_of(environment: Environment) -> tuple[tuple[str, ...], ...]:
    """Return the repositories that the projects of an environment permit."""
    return (environment.permitted.repositories, *(each.repositories for _, each in environment.teams_permitted))


def _itself(repository: Repository, environment: Environment) -> tuple[Environment, bool, tuple[str, ...]]:
    """Return what an environment's applications depend on: its settings, whether releases end there, and its steps."""
    nothing = Permitted()
    none = {"applications": (), "chart_versions": (), "components": (), "teams_permitted": ()}
    settings = replace(environment, **none, permitted=nothing, components_permitted=nothing)  # type: ignore[arg-type]
    return settings, repository.is_production(environment), repository.steps(environment)


def reduced(repository: Repository, names: Collection[str], there: Mapping[str, Collection[str]]) -> Repository:
    """Return the model with these applications, of the others one of each format and chart, and all with previews.

    In each environment it has those that are wanted `there`, and of the others one of each too.

    What the repository and its environments hold depends on which formats there are, not on which applications. Those
    with previews are named, in who may see them and in which namespaces get secrets; those with a vendored chart, in
    what is not linted.
    """
    formats = {
        each.name: (each.format, each.chart, each.name if each.previews or each.vendored else "")
        for each in repository.applications
    }
    kept = {*names, *{form: name for name, form in formats.items()}.values()}
    environments = []
    for each in repository.environments:
        standing = {formats[name]: name for name in reversed(each.applications) if name in formats}
        chosen = {name for name in each.applications if name in there[each.name]} | set(standing.values())
        kept |= chosen
        environments.append(replace(each, applications=tuple(name for name in each.applications if name in chosen)))
    applications = tuple(each for each in repository.applications if each.name in kept)
    return replace(repository, environments=tuple(environments), applications=applications, owned=repository.by_team())


# What people wrote


def _seeded_to_keep(
    root: Path, before: Files, after: Files, entries: Mapping[str, Entry], *, going: bool
) -> frozenset[str]:
    """Return the files that were written once and are the user's since.

    As long as nobody edited it, CODEOWNERS follows the teams and the template. So do, with `going`, those whose reason
    to be is gone: they go with it.
    """
    seeded = {path for path in {*before, *after} if layout.is_seeded(path)}
    following = {path for path in seeded & before.keys() if path in layout.CODEOWNERS or (going and path not in after)}
    ours = objects.blobs(root, entries, following)
    return frozenset(
        path
        for path in seeded
        if (path in before or path in entries) and (path not in following or ours.get(path) != before[path])
    )


def _set_in_place(root: Path, before: dict[str, Blob], after: dict[str, Blob], entries: Mapping[str, Entry]) -> None:
    """Let settings that people wrote in another way than the template does become what they are to be, in that way.

    A merge of lines would find nothing of the template's in them to change, and leave them as they were.
    """
    from argosy.yaml_edit import editing  # noqa: PLC0415

    changed = [
        each for each in before.keys() & after.keys() if layout.is_settings(each) and before[each] != after[each]
    ]
    for path, written in objects.blobs(root, entries, changed).items():
        if written.content in {before[path].content, after[path].content} or written.mode == SYMLINK:
            continue
        try:
            old, new = (plain.parse(each[path].content) for each in (before, after))
            made = editing.take(written.content.decode(), after[path].content.decode(), [*_unlike(old, new)], path)
        except (ArgosyError, ValueError, yaml.YAMLError):
            continue  # The merge shows what is in the way.
        before[path], after[path] = written, Blob(written.mode, made.encode())


def _unlike(old: Mapping[str, Any], new: Mapping[str, Any], *above: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the addresses of what differs in two texts of one document."""
    for key in sorted({*old, *new}):
        one, other = old.get(key), new.get(key)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _unlike(one, other, *above, key)
        elif one != other:
            yield "", (*above, key)


def _take_over(
    root: Path, change: Change, before: dict[str, Blob], after: dict[str, Blob], entries: Mapping[str, Entry]
) -> set[str]:
    """Let new paths take over what old ones hold, with the lines readdressed that the template wrote; remove others.

    Return the paths that this decides.
    """
    sources = {new: old for new, old in _sources(change.copies, entries) if new not in change.made}
    gone = [path for path in entries if path not in change.written and objects.is_within(path, change.removed)]
    for path in [path for path in after if objects.is_within(path, change.removed)]:
        del after[path]
    merge.refuse_submodules({path: entries[path] for path in (*sources.values(), *gone)})
    held = objects.blobs(root, entries, (*sources.values(), *gone, *change.written))
    for path, content in change.written.items():
        before.pop(path, None)
        if path in held:
            before[path] = held[path]
        mode = held[path].mode if path in held else "100644"
        after[path] = content if isinstance(content, Blob) else Blob(mode, content)
    for new, old in sources.items():
        pristine, wanted = before.get(old), after.get(new)
        after[new] = readdress(held[old], pristine, wanted) if pristine and wanted else held[old]
    for new in [path for path in after if objects.is_within(path, change.copies)]:
        if new not in sources and new not in before and new not in change.made:
            del after[new]  # Its counterpart was deleted by hand, and stays deleted.
    for path in gone:
        before[path] = held[path]
        after.pop(path, None)
    return {*sources, *gone, *change.written}


def _sources(copies: Mapping[str, str], paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each new path with the one whose content it takes over: the most specific folder decides."""
    places: dict[str, list[str]] = {}
    for new, old in copies.items():
        places.setdefault(old, []).append(new)
    for path in paths:
        old = objects.nearest(path, places)
        yield from ((new + path.removeprefix(old), path) for new in places.get(old, ()))


def readdress(written: Blob, pristine: Blob, wanted: Blob) -> Blob:
    """Return what a person wrote, with those lines replaced in which the template names the old place and still stand.

    `pristine` and `wanted` are what the template gives for the old and the new place. What is encrypted stays as it
    is.
    """
    if written.content == pristine.content:
        return Blob(written.mode, wanted.content)
    old, new = pristine.content.splitlines(), wanted.content.splitlines()
    if written.mode == SYMLINK or len(old) != len(new) or encrypted.is_in(written.content):
        return written
    lines = {before: after for before, after in zip(old, new, strict=True) if before != after}
    made = bytearray()
    for line in written.content.splitlines(keepends=True):
        bare = line.rstrip(b"\r\n")
        made += lines.get(bare, bare) + line.removeprefix(bare)
    return Blob(written.mode, bytes(made))


def _refuse_remains(root: Path, change: Change) -> None:
    """Raise ArgosyError where a folder that goes holds files that Git does not track, and so would stay."""
    folders = [each for each in change.removed if (root / each).is_dir()]
    if not folders:
        return
    others = (path for path, letters in git.at(root).status.items() if letters in {"??", "!!"})
    remains = [path for path in others if objects.is_within(path.rstrip("/"), folders)]
    if remains:
        shown = "\n".join(f"  {path}" for path in remains[:10])
        raise ArgosyError(
            f"These files are untracked, and would be left behind in deleted folders:\n{shown}",
            "Commit them, move them elsewhere or delete them.",
        )


# What a new version of the template moves


def _moved_folders(repository: Repository, patterns: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return the files and folders that moved, for each application and environment: old -> new."""
    applications = [each.name for each in repository.applications]
    environments = [each.name for each in repository.environments]
    found = {}
    for old, new in patterns:
        for application in applications if "{application}" in old else [""]:
            for environment in environments if "{environment}" in old else [""]:
                place = {"application": application, "environment": environment}
                found[old.format(**place)] = new.format(**place)
    return found


_KIND = re.compile(rb"^kind: (\w+)", re.MULTILINE)


def _back_elsewhere(root: Path, before: Tree, after: Tree) -> Iterator[str]:
    """Yield of each manifest that a person deleted which other file of a newer version brings its kind again."""
    there = objects.entries(root, objects.head(root))
    for path in sorted(before.keys() - after.keys() - there.keys()):
        folder = path.rpartition("/")[0]
        others = [each for each in after if each.startswith(f"{folder}/")]
        for kind in sorted(_kinds(before, path)):
            if new := sorted(each for each in others if kind in _kinds(after, each) - _kinds(before, each)):
                yield (
                    f"{path} was deleted here, and this template has its {kind} in {joined(new)}: "
                    "if it is to stay away, switch it off in the values, or take it out there."
                )


def _kinds(tree: Tree, path: str) -> set[str]:
    return {each.decode() for each in _KIND.findall(tree[path].content)} if path in tree else set()


def _move(
    before: dict[str, Blob], after: dict[str, Blob], folders: Mapping[str, str], entries: Mapping[str, Entry]
) -> dict[str, str]:
    """Move the pristine files to where the new version has them, and return which of the user's files follow them.

    Where both places hold something, someone wrote the new one: then nothing moves.
    """
    if not folders:
        return {}
    active = {_folder_of(path, folders) for path in before.keys() - after.keys()} - {""}
    moves = {}
    for path in {*before, *entries}:
        folder = _folder_of(path, folders)
        if folder not in active or path in after:
            continue
        target = _followed(path, folders)
        if target in before or (path in entries and target in entries):
            continue
        if path in before:
            before[target] = before.pop(path)
        if path in entries:
            moves[path] = target
        if target in before and layout.is_seeded(target):
            after[target] = before[target]  # It moves, and keeps what it holds.
    return moves


def _folder_of(path: str, folders: Mapping[str, str]) -> str:
    """Return the moved folder that a path is in, or ""."""
    parts = path.split("/")
    return next((each for end in range(len(parts), 0, -1) if (each := "/".join(parts[:end])) in folders), "")


def _followed(path: str, folders: Mapping[str, str]) -> str:
    """Return where a path is after all the moves, each version's in turn."""
    for _ in folders:
        folder = _folder_of(path, folders)
        if not folder:
            break
        path = folders[folder] + path.removeprefix(folder)
    return path
