"""`python -m benchmarks [NAME]...`: measure, and print the table of README.md, or write it there."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from statistics import median

import click

from benchmarks.figures import FIGURES, Bench, Row
from benchmarks.measuring import BenchmarkError, MissingError

README = Path(__file__).parent / "README.md"
BEGIN, END = "<!-- begin: python -m benchmarks --write -->\n", "<!-- end -->\n"


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1, type=click.Choice(list(FIGURES)))
@click.option("--runs", default=5, show_default=True, type=click.IntRange(1), help="Runs of each command.")
@click.option("--helm", type=click.Path(path_type=Path), envvar="ARGOSY_TEST_HELM", show_envvar=True)
@click.option("--kubeconform", type=click.Path(path_type=Path), envvar="ARGOSY_TEST_KUBECONFORM", show_envvar=True)
@click.option("--cpu", is_flag=True, help="Take the CPU time of all processes: for a machine that others use too.")
@click.option("--write", is_flag=True, help="Replace the table in benchmarks/README.md; only with all figures.")
def main(
    *, names: tuple[str, ...], runs: int, helm: Path | None, kubeconform: Path | None, cpu: bool, write: bool
) -> None:
    """Measure argosy beside its peers: the figures of these names, or all."""
    if write and (names or cpu):
        raise click.UsageError("--write replaces the whole table, of the clock: leave the names and --cpu out.")
    lines = [*_machine(runs), *(["All times are of CPU."] if cpu else []), ""]
    lines += [
        "| figure | bar | measured (median) | min–max | holds? | time and peak memory |",
        "|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory(prefix="argosy-bench-") as folder:
        bench = Bench(Path(folder), runs, lambda text: click.echo(text, err=True), helm, kubeconform, cpu)
        for name in names or FIGURES:
            click.echo(name, err=True)
            try:
                lines += [_line(row) for row in FIGURES[name](bench)]
            except MissingError as error:
                lines.append(f"| {name} | | not measured: {error} | | | |")
            except BenchmarkError as error:
                raise click.ClickException(str(error)) from error
    table = "\n".join(lines) + "\n"
    if write:
        before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
        README.write_text(f"{before}{BEGIN}{table}{END}{rest.partition(END)[2]}", encoding="utf-8")
    click.echo(table, nl=False)


def _machine(runs: int) -> Iterator[str]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    yield (
        f"argosy {version('argosy')} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"{memory:.0f} GB of memory, Python {platform.python_version()}; runs of each command: {runs}."
    )


def _line(row: Row) -> str:
    middle = median(row.values)
    bar, holds = "", ""
    if row.bar is not None:
        bar, holds = f"≤ {_number(row.bar, row.unit)}", "yes" if middle <= row.bar else "**no**"
    spread = f"{_number(min(row.values), row.unit)} – {_number(max(row.values), row.unit)}"
    return f"| {row.figure} | {bar} | {_number(middle, row.unit)} | {spread} | {holds} | {row.behind} |"


def _number(value: float, unit: str) -> str:
    """Write three digits; a ratio far below 1 as a fraction, as bars are given."""
    if unit:
        return f"{value:.3g} {unit}"
    return f"1/{1 / value:.3g}" if 0 < value < 0.5 else f"{value:.3g}"


if __name__ == "__main__":
    main()
