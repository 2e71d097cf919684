"""`make check-upstream` and `make schemas`: argosy's data beside what they are about."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from argosy.catalogue import catalogue
from tests.upstream import argocd, components, crds, kubernetes, operators, releases

DIFFERENT, NOT_COMPARED = 1, 3


def main() -> int:
    """Write schemas, or compare, and return the exit code: 0 where all was compared and nothing is to be changed."""
    parser = argparse.ArgumentParser(prog="python -m tests.upstream", description=__doc__)
    jobs = parser.add_subparsers(dest="job", required=True)
    check = jobs.add_parser("check", help="compare Argo CD's schemas and versions, and the catalogue with its charts")
    check.add_argument("--argocd", type=Path, help="a checkout of Argo CD, or a folder or file with its definitions")
    check.add_argument("--charts", type=Path, help="a folder with a chart for each component; else they are fetched")
    write = jobs.add_parser("schemas", help="write the schemas of operators' kinds")
    write.add_argument("operators", nargs="*", help="names of operators in origins.json; none: all")
    write.add_argument("--sources", type=Path, help="a folder with clones, OWNER+NAME; what is not there is cloned")
    check.add_argument("--operators", action="store_true", help="ask the operators' repositories for newer releases")
    release = jobs.add_parser("release", help="write what a version of Argo CD comes with into argocd/versions.json")
    release.add_argument("checkout", type=Path, help="a checkout of its repository")
    jobs.add_parser(
        "kubernetes", help="write the definitions of Kubernetes' own kinds, as kubernetes-validate has them"
    )
    options = parser.parse_args()
    if options.job == "kubernetes":
        print(f"written      {', '.join(kubernetes.write())}")
        return 0
    if options.job == "release":
        print(f"written      {releases.write(options.checkout)}: add its guide to upgrade/guides.json")
        return 0
    if options.job == "schemas":
        return _write(options.operators, options.sources)
    return _check(options.argocd, options.charts, asks=options.operators)


def _write(names: list[str], sources: Path | None) -> int:
    known, failed = operators.load(), False
    for name in names or list(known):
        try:
            known[name] = operators.write(known[name], sources)
            print(f"written      {name}: {', '.join(known[name].releases)}")
        except (KeyError, ValueError) as error:
            failed = True
            print(f"not written  {name}: {error}")
    operators.save(known)
    crds.write_scopes()
    return NOT_COMPARED if failed else 0


def _newer() -> tuple[list[str], list[str]]:
    """Return which operators have newer releases, and those whose repositories do not answer."""
    differences, not_compared = [], []
    for each in operators.load().values():
        try:
            release = operators.newer(each)
        except ValueError as error:
            not_compared.append(f"{each.name}: {error}")
            continue
        if release not in each.releases:
            differences.append(f"schemas/data/crds/origins.json: {each.name} has {release}: write it, `make schemas`")
    return differences, not_compared


def _check(checkout: Path | None, charts: Path | None, *, asks: bool) -> int:
    found = components.compare(catalogue.load(), charts)
    differences, not_compared = found.differences, found.not_compared
    if asks:
        newer, unanswered = _newer()
        differences += newer
        not_compared += unanswered
    else:
        not_compared.insert(0, "operators' releases: ask for them, as in OPERATORS=1")
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
            known = argocd.releases(checkout)
            differences += [f"schemas/data/argocd.json: {each}" for each in argocd.changed(known)]
            if len(known) < 2:
                not_compared.insert(0, f"the version that each field came with: {checkout} has no tags of releases")
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
