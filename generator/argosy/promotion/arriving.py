"""Applications that come to an environment with their first promotion to it.

The template writes their files there, from what the environment's own settings say. The source's are merged into these
like those of any promotion, compared with what the template wrote for the source: what people set there comes along,
and what belongs to an environment is asked about, for nobody has said it of this one yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from argosy.change import edits, ownership, planning
from argosy.change.planning import Change
from argosy.errors import ArgosyError
from argosy.git import branches, objects
from argosy.git.objects import Files
from argosy.git.snapshot import Snapshot, Written
from argosy.promotion import deployment, promoting
from argosy.promotion.decision import Decision, Names, Sides, Verdict, decide, has_name, value_at
from argosy.promotion.deployment import Texts
from argosy.promotion.history import History, Place
from argosy.promotion.policy import Policy, Treatment
from argosy.promotion.promoting import Answers, Move
from argosy.promotion.states import State
from argosy.promotion.trailers import Kind, Step
from argosy.repository import layout
from argosy.repository.model import ArgocdStyle, Repository
from argosy.template import versions
from argosy.yaml_edit import keys


def arrive(
    applications: Sequence[str],
    environments: tuple[str, str],
    now: tuple[Snapshot, Snapshot],
    answers: Answers,
    history: History,
) -> list[Move]:
    """Return the moves that bring applications to an environment that does not deploy them yet.

    `environments` and `now` are of source and target. From another state than the target's, what is the source's own
    comes along, and so do the files of the application itself. Raise ArgosyError for one that has
    another name there.
    """
    carried = {}
    if now[0] != now[1]:
        _refuse_renamed(applications, environments, now, history)
        carried = {name: _carried(name, environments, now, answers, history) for name in applications}
    brought = {path: blob for each in carried.values() for path, blob in each.written.items()}
    source = history.state(now[0])
    versions = _followed(source, applications, environments[0])
    planned, pristine = _planned(now[1].with_files(brought), versions, environments[1], is_rendered=True)
    target = history.state(now[1].with_files({**brought, **planned}))
    of_template = State(history.cache, {}).with_files(pristine)
    moves, rest = [], dict(planned)
    for name in applications:
        was, now_there = (deployment.files(each, name, environments[0]) for each in (of_template, source))
        here = deployment.files(target, name, environments[1])
        sides = Sides(was, now_there, here, here)
        policy, choices = promoting.policy_of(target, name), answers.of(name, environments[1])
        decisions = [choices.applied(each) for each in _decided(name, sides, policy, environments)]
        modes = deployment.modes(source, name, environments[0])
        written = promoting.written_by(decisions, sides, name, environments[1], target, modes=modes)
        step = Step(Kind.PROMOTION, name, *environments, now[0].commit if not now[0].written else "")
        folder, argocd = deployment.units(name, environments[1])
        own = {path: rest.pop(path) for path in [*rest] if path == argocd or path.startswith(f"{folder}/")}
        if name in carried:
            decisions, own = [*decisions, *carried[name].decisions], {**carried[name].written, **own}
        moves.append(Move(step, decisions, {**own, **written}))
    # What all of them share comes with the first one.
    moves[0] = replace(moves[0], written={**rest, **moves[0].written})
    return moves


def unannounced(names: Sequence[str], environment: str, style: ArgocdStyle, default: Snapshot) -> list[str]:
    """Return which applications of an environment with a branch the default branch does not tell Argo CD of."""
    by_set = style is ArgocdStyle.APPLICATIONSET
    place = layout.deployment if by_set else layout.argocd_application
    units = {name: place(environment, name) for name in names}
    held = [*default.paths(*units.values())] if units else []
    return [name for name, unit in units.items() if not any(objects.is_within(path, [unit]) for path in held)]


def announced(names: Sequence[str], environment: str, target: Snapshot, default: Snapshot) -> Written:
    """Return what the default branch gets, from which Argo CD reads the Applications of an environment with a branch.

    `target` is the state that the environment's branch comes to.
    """
    unknown = [name for name in names if not any(default.paths(layout.application_settings(name)))]
    brought = target.files(*map(layout.application, unknown)) if unknown else {}
    planned, _ = _planned(default.with_files(brought), _followed(target, names, environment), environment)
    # Nobody reads it there, but it says what is deployed.
    folders = [layout.deployment(environment, name) for name in names]
    rest = {path: blob for path, blob in planned.items() if not objects.is_within(path, folders)}
    return {**brought, **rest, **target.files(*folders)}


def _refuse_renamed(
    applications: Sequence[str], environments: tuple[str, str], now: tuple[Snapshot, Snapshot], history: History
) -> None:
    """Raise ArgosyError for an application that was renamed on one of two branches alone: it would run there twice."""
    source, target = (set(history.state(state).deployed(name)) for state, name in zip(now, environments, strict=True))
    alone = target - source
    for here, names, others in ((0, applications, alone), (1, sorted(alone), {*applications})):
        renamed, behind = environments[here], environments[1 - here]
        for name in names:
            former = [each.application for each in history.former(Place(now[here].commit, name, renamed))]
            if old := next((each for each in former if each in others), ""):
                raise ArgosyError(
                    f"{old} was renamed {name} in {renamed}, and {behind} still deploys it as {old}.",
                    f"Bring the rename to {behind}'s branch first: merge it, or git switch to that branch, and "
                    f"argosy rename app {old} {name} --commit.",
                )


def _carried(
    name: str, environments: tuple[str, str], now: tuple[Snapshot, Snapshot], answers: Answers, history: History
) -> promoting.Carried:
    """Return what comes along from the source's branch: the application itself, and what the source has of it."""
    choices = answers.of(name, environments[1])
    chart = [*filter(None, [deployment.shared_chart(now[0], name, environments[0])])]
    found = promoting.brought(name, now, chart, choices, history)
    units = deployment.units(name, environments[0])
    return replace(found, written={**found.written, **now[0].files(*units)})


def _followed(state: Texts, applications: Sequence[str], environment: str) -> Mapping[str, str]:
    """Return which version of the shared chart each application follows in an environment, "" for another chart."""
    return {name: deployment.shared_chart(state, name, environment).rpartition("/")[2] for name in applications}


def _planned(
    state: Snapshot, applications: Mapping[str, str], environment: str, *, is_rendered: bool = False
) -> tuple[Written, Files]:
    """Return what the template changes in a state for an environment to deploy applications, too.

    Each is given with the version of the shared chart that it follows. And, if that is wanted, what is rendered.
    """
    with branches.on_disk(state) as place:
        stored = ownership.load(place)
        before, after = stored.repository, _with(stored.repository, applications, environment)
        made = planning.plan(place, Change(before, after, from_version=stored.version, to_version=stored.version))
        if made.conflicts:
            raise ArgosyError(
                f"{made.conflicts[0]} is in the way of {next(iter(applications))} in {environment}.",
                "Move it elsewhere and commit, then promote again.",
            )
        if not is_rendered:
            return made.written, {}
        with versions.checkout(stored.version) as template:
            return made.written, planning.render(after, before, template)


def _with(repository: Repository, applications: Mapping[str, str], environment: str) -> Repository:
    """Return the model in which an environment deploys applications too, in the order in which it lists them."""
    place = edits.environment(repository, environment)
    names = {*place.applications, *applications}
    there = tuple(each.name for each in repository.applications if each.name in names)
    place = replace(place, applications=there)
    for name, version in applications.items():
        place = place.following(name, version) if version else place
    return edits.replaced(repository, place)


def _decided(name: str, sides: Sides, policy: Policy, environments: tuple[str, str]) -> Iterator[Decision]:
    """Yield the decisions on what people set in the source: it comes along, or nobody knows what it is to be here."""
    source, target = environments
    for each in decide(sides, policy, Names(source, target, f"{name} came to {source}", promoted=False)):
        if each.encrypted or each.verdict not in {Verdict.PINNED, Verdict.UNDECIDED}:
            yield each
        elif each.verdict is Verdict.PINNED:
            is_templates = keys.same(value_at(sides.source_before, each.key), each.source)
            why = f"set in {source}; {target} needs a value of its own"
            yield each if is_templates else replace(each, verdict=Verdict.UNDECIDED, why=why)
        elif has_name(each.source, source):
            yield replace(each, why=f"it names {source}; {target} needs a value of its own")
        elif policy.treatment_of(each.key) is Treatment.ASK:
            yield each
        else:
            yield replace(each, verdict=Verdict.PROMOTED, why=f"comes with {name}")
