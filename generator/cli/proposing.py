"""Promotions on branches of their own, and the pull requests for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.errors import ArgosyError, UsageError

if TYPE_CHECKING:
    from generator.cli.promoting import Job, Manner, Outcome
    from generator.hosting import Host, Proposal
    from generator.promotion.promoting import Promotion


def propose(manner: Manner, todo: Sequence[tuple[Job, Outcome]]) -> None:
    """Commit each promotion on a branch of its own; push it and open a pull request if that is wanted."""
    made: dict[str, str] = {}
    done: list[str] = []
    for number, (job, outcome) in enumerate(todo):
        name = manner.branch or job.branch
        if manner.branch and len(todo) > 1:
            name = f"{manner.branch}-{number + 1}"
        job_now = replace(job, promotion=_with_origins(job.promotion, made))
        try:
            commit = (_push if manner.pull_request else _keep)(manner, job_now, name, outcome)
        except KeyboardInterrupt:
            before = f"before {name} was done; {', '.join(done)} is" if done else f"while {name} was being made"
            raise ArgosyError(f"Interrupted {before}.", "Run this command again: it goes on from there.") from None
        done.append(name)
        outcome.told |= {"branch": name, "commit": commit}
        made |= {step.target: commit for step in job.promotion.steps}


def _with_origins(promotion: Promotion, made: dict[str, str]) -> Promotion:
    """Name the commits that the steps of a chain start from, which were made just before."""
    moves = [
        move if move.step.origin else replace(move, step=replace(move.step, origin=made.get(move.step.source, "")))
        for move in promotion.moves
    ]
    return replace(promotion, moves=moves)


def _keep(manner: Manner, job: Job, name: str, outcome: Outcome) -> str:
    """Commit on a branch of this clone."""
    from generator import branches, snapshot  # noqa: PLC0415

    branches.check_name(manner.root, name)
    present = snapshot.resolve(manner.root, f"refs/heads/{name}")
    commit = _commit(manner, job, name, present)
    if commit != present:
        branches.put(manner.root, name, commit, present)
    manner.say(f"Committed on the branch {name}; your work tree is as it was. git show {name} shows it.")
    try:
        remote = branches.remote_of(manner.root)
        host = _host(manner.root, remote)
    except ArgosyError:
        return commit  # There is nowhere to push to yet, or nothing known of it.
    url = host.url_to_open(_proposal(manner, job, name, outcome, host))
    manner.say(f"Next: git push {remote} {name}, and open a pull request:")
    outcome.told["url"] = url
    manner.show(url)
    return commit


def _push(manner: Manner, job: Job, name: str, outcome: Outcome) -> str:
    """Push the branch, and open or update its pull request."""
    from generator import branches  # noqa: PLC0415

    branches.check_name(manner.root, name)
    remote = branches.remote_of(manner.root)
    host = _host(manner.root, remote)
    has_token = host.token() is not None
    present = branches.remote_tip(manner.root, remote, name)
    commit = _commit(manner, job, name, present)
    if commit != present:
        branches.push(manner.root, remote, commit, name, present)
    proposal = _proposal(manner, job, name, outcome, host)
    if not has_token:
        url = host.url_to_open(proposal)
        outcome.told["url"] = url
        variables = " or ".join(("ARGOSY_TOKEN", *host.variables))
        manner.say(f"Pushed the branch {name}. Without a token in {variables}, open the pull request yourself:")
        manner.show(url)
        return commit
    try:
        opened = host.propose(proposal)
    except ArgosyError as error:
        go_on = f"The branch {name} is pushed already: run this command again, or open the pull request yourself."
        raise ArgosyError(error.message, f"{error.hint}\n  {go_on}".strip()) from error
    outcome.told["pullRequest"] = {"number": opened.number, "url": opened.url, "created": opened.created}
    for remark in opened.remarks:
        manner.say(remark)
    manner.say("Opened:" if opened.created else "Updated:")
    manner.show(opened.url)
    return commit


def _commit(manner: Manner, job: Job, name: str, present: str) -> str:
    """Return the commit with a promotion: the present one of its branch where that is it; refuse to lose another."""
    from generator import branches, git  # noqa: PLC0415
    from generator.promotion import history, report  # noqa: PLC0415

    promotion, root = job.promotion, manner.root
    if present:
        others = git.run(root, "rev-list", present, f"^{promotion.before.commit}").split()
        told = git.run(root, "log", "-1", "--format=%B", present)
        same = {replace(each, origin="") for each in history.steps(told)} == {
            replace(each, origin="") for each in promotion.steps
        }
        if others and not (same and len(others) == 1):
            raise ArgosyError(
                f"The branch {name} is there already, and holds commits that are not this promotion's.",
                "Merge or delete it first, or name another with --branch.",
            )
    commit = branches.commit(promotion.before, promotion.written, report.message(promotion, manner.message or ""))
    if present and _signature(root, commit) == _signature(root, present):
        return present
    return commit


def _signature(root: Path, commit: str) -> str:
    from generator import git  # noqa: PLC0415

    return git.run(root, "-c", "log.showSignature=false", "log", "-1", "--format=%T %P%n%B", commit)


def _host(root: Path, remote: str) -> Host:
    """Return the host of a remote, as the first of its URLs tells that names a project."""
    from generator import branches, hosting  # noqa: PLC0415

    urls = branches.urls_of(root, remote)
    return hosting.host_of(next(filter(_names_project, urls), urls[0]), _configured(root, "host"))


def _names_project(url: str) -> bool:
    from generator.hosting import remote  # noqa: PLC0415

    try:
        remote.parse(url)
    except UsageError:
        return False
    return True


def _configured(root: Path, key: str) -> dict[str, Any]:
    """Return what .argosy.yaml says below a key."""
    from generator import layout, yaml_mapping  # noqa: PLC0415

    found = yaml_mapping.load(root / layout.CONFIGURATION).get(key)
    return found if isinstance(found, dict) else {}


def _proposal(manner: Manner, job: Job, name: str, outcome: Outcome, host: Host) -> Proposal:
    from generator.hosting import Proposal, codeowners  # noqa: PLC0415
    from generator.promotion import report  # noqa: PLC0415

    promotion = job.promotion
    labels = _configured(manner.root, "promotion").get("labels")
    owned = next((text for place in host.codeowners if (text := promotion.before.read(place)) is not None), b"")
    return Proposal(
        branch=name,
        base=job.base,
        title=(manner.message or report.title(promotion.steps)).partition("\n")[0],
        body=_body(promotion, outcome, host.body_limit),
        labels=tuple(map(str, labels)) if isinstance(labels, list) else ("promotion",),
        reviewers=codeowners.owners(owned.decode(errors="replace"), promotion.written),
    )


def _body(promotion: Promotion, outcome: Outcome, limit: int) -> str:
    """Return the table, the rendered difference and the trailers, in at most so many characters."""
    from generator.difference.formats import OutputFormat, format_difference  # noqa: PLC0415
    from generator.promotion import report  # noqa: PLC0415

    # Hosts can make the message of a merge from this text: then the last lines are its trailers.
    trailers = "\n".join(each.trailer for each in promotion.steps)
    end = f"\n\n{trailers}\n" if len(trailers) < limit // 3 else "\n"
    table = report.as_markdown(promotion, (limit - len(end)) // 2)
    rendered = ""
    if outcome.difference is not None:
        room = limit - len(end) - len(table) - 1
        rendered = format_difference(outcome.difference, OutputFormat.MARKDOWN, limit=room)
    return f"{table}\n{rendered}{end}"
