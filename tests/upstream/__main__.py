"""`make check-upstream` and `make schemas`: argosy's data beside what they are about."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from argosy.catalogue import catalogue
from argosy.schemas import bundled
from tests.upstream import argocd, components, crds, releases

DIFFERENT, NOT_COMPARED = 1, 3


def main() -> int:
    """Write schemas, or compare, and return the exit code: 0 where all was compared and nothing is to be changed."""
    parser = argparse.ArgumentParser(prog="python -m tests.upstream", description=__doc__)
    jobs = parser.add_subparsers(dest="job", required=True)
    check = jobs.add_parser("check", help="compare Argo CD's schemas and versions, and the catalogue with its charts")
    check.add_argument("--argocd", type=Path, help="a checkout of Argo CD, or a folder or file with its definitions")
    check.add_argument("--charts", type=Path, help="a folder with a chart for each component; else they are fetched")
    write = jobs.add_parser("schemas", help="write the schemas of operators' kinds")
    write.add_argument("crds", type=Path, nargs="+", help="files and folders with CustomResourceDefinitions")
    options = parser.parse_args()
    return _write(options.crds) if options.job == "schemas" else _check(options.argocd, options.charts)


def _write(places: list[Path]) -> int:
    written = {path.name for path in crds.write(crds.read(places))}
    for path in sorted(bundled.CRDS.glob("*.json")):
        print(f"{'written' if path.name in written else 'kept   '} {path.name}")
    return 0 if written else NOT_COMPARED


def _check(checkout: Path | None, charts: Path | None) -> int:
    found = components.compare(catalogue.load(), charts)
    differences, not_compared = found.differences, found.not_compared
    if checkout is None:
        not_compared.insert(0, "Argo CD: name it, as in ARGOCD=../argo-cd")
    else:
        definitions = checkout / "manifests" / "crds"
        is_checkout = (checkout / "VERSION").is_file()
        differences += [
            f"schemas/data/argocd.json: {each}"
            for each in argocd.differences(crds.read([definitions if is_checkout else checkout]))
        ]
        if is_checkout:
            differences += releases.differences(checkout)
        else:
            not_compared.insert(0, f"Argo CD's versions of tools: {checkout} is not a checkout of its repository")
    for each in differences:
        print(f"change        {each}")
    for each in not_compared:
        print(f"not compared  {each}")
    counts = (
        f"{len(found.compared)} components compared, {len(differences)} to change, {len(not_compared)} not compared."
    )
    print(counts, file=sys.stderr)
    return DIFFERENT if differences else NOT_COMPARED if not_compared else 0


if __name__ == "__main__":
    sys.exit(main())
