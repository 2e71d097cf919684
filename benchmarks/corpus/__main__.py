"""`python -m benchmarks.corpus [NAME]...`: judge public repositories, and print the tables of docs/corpus.md."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import click

from benchmarks.corpus import repositories, running, triage
from benchmarks.corpus.repositories import Repository
from benchmarks.corpus.running import Judged
from benchmarks.measuring import BenchmarkError, MissingError
from benchmarks.peers import CHECKOUT

PAGE = CHECKOUT / "docs" / "corpus.md"
BEGIN, END = "<!-- begin: python -m benchmarks.corpus --write -->\n", "<!-- end -->\n"


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--from", "source", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--kubeconform", type=click.Path(path_type=Path), envvar="ARGOSY_TEST_KUBECONFORM", show_envvar=True)
@click.option("--source-lint", type=click.Path(path_type=Path), help="argocd-source-lint, where PATH has none.")
@click.option("--write", is_flag=True, help="Replace the tables in docs/corpus.md; only with all repositories.")
def main(
    names: tuple[str, ...], source: Path | None, kubeconform: Path | None, source_lint: Path | None, write: bool
) -> None:
    """Judge the repositories of these names, or all, with argosy and its peers.

    They are fetched at the listed commits, or taken from the folder --from, which has them as owner+name, bare or not.
    """
    if write and names:
        raise click.UsageError("--write replaces the whole tables: leave the names out.")
    chosen = [each for each in repositories.listed() if not names or each.name in names]
    if unknown := set(names) - {each.name for each in chosen}:
        raise click.UsageError(f"Not in the list: {', '.join(sorted(unknown))}.")
    found: dict[Repository, Judged | str] = {}
    with tempfile.TemporaryDirectory(prefix="argosy-corpus-") as name:
        folder = Path(name)
        others = running.Peers(folder, kubeconform, source_lint)
        for each in chosen:
            click.echo(each.name, err=True)
            try:
                place, odd = repositories.take(each, source, folder / "taken")
                judged = running.argosy(place, folder)
                found[each] = replace(judged, peers=dict(others.judge(place)), note=odd)
            except MissingError as error:
                found[each] = f"not measured: {error}"
            except BenchmarkError as error:
                raise click.ClickException(f"{each.name}: {error}") from error
    table = "\n".join(_tables(found)) + "\n"
    if write:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}{table}{END}{rest.partition(END)[2]}", encoding="utf-8")
    click.echo(table, nl=False)


def _tables(found: Mapping[Repository, Judged | str]) -> Iterator[str]:
    judged = {each: one for each, one in found.items() if isinstance(one, Judged)}
    yield "| repository | documents | Applications | rendered | errors | warnings | skipped | CPU, memory |"
    yield "|---|---|---|---|---|---|---|---|"
    for each, one in found.items():
        if isinstance(one, str):
            yield f"| {each.name} | {one} | | | | | | |"
            continue
        summary, applications = one.summary, one.applications
        skips = ", ".join(f"{number} {reason}" for reason, number in sorted(one.skips.items()))
        note = f" ({one.note})" if one.note else ""
        yield (
            f"| {each.name} `{each.commit[:10]}`{note} | {summary['documents']} | {applications['found']} | "
            f"{applications['rendered']} | {summary['errors']} | {summary['warnings']} | {skips} | {one.cost} |"
        )
    yield ""
    yield "| errors of | all | real | judged alone | of the copy | false | not triaged | rules |"
    yield "|---|---|---|---|---|---|---|---|"
    known, total = triage.verdicts(), Counter[str]()
    for each, one in judged.items():
        counted, left = triage.count(one.findings, known.get(each.name, ()))
        total += counted
        rules = Counter(finding["rule"] for finding in one.findings if finding["severity"] == "error")
        kinds = ", ".join(f"{rule} {number}" for rule, number in rules.most_common())
        yield f"| {each.name} | {_counts(counted)} | {kinds} |"
        for finding in left:
            place = f"{finding['path']}:{finding['line'] or ''}"
            click.echo(f"  not triaged: {each.name}: {place} {finding['rule']}: {finding['message']}", err=True)
    yield f"| all | {_counts(total)} | |"
    yield ""
    names = list(dict.fromkeys(name for one in judged.values() for name in one.peers))
    yield f"| beside | argosy | {' | '.join(names)} |"
    yield "|---" * (len(names) + 2) + "|"
    for each, one in judged.items():
        cells = [" · ".join(filter(None, (one.peers[name].said, one.peers[name].cost))) for name in names]
        yield f"| {each.name} | {one.cost} | {' | '.join(cells)} |"


def _counts(counted: Counter[str]) -> str:
    return " | ".join(str(number) for number in (counted.total(), *(counted[each] for each in (*triage.VERDICTS, ""))))


if __name__ == "__main__":
    main()
