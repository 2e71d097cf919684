"""What `argosy validate` and the API server say of the same mutations: `python -m tests.cluster.differential`."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster import building
from tests.cluster.control_plane import Answer, ControlPlane, running
from tests.cluster.limits import MISSED, WRONG, Limit
from tests.cluster.mutations import Mutation, all_of, mutations, valid
from tests.validating import write_files

NAMESPACE = "shop"
PAGE = Path(__file__).parents[2] / "docs/validation-limits.md"
_AT_ONCE = 4000
_TEXT = Path(__file__).with_name("limits.md")
OF_THE_SERVER = frozenset({"crd-validation", "kubernetes-schema", "kubernetes-value"})
"""The rules that say what an API server refuses; the others are about Argo CD, nodes (`image-invalid`), or advice."""


@dataclass(frozen=True)
class Verdict:
    """What both said of one manifest; nothing where it was taken."""

    mutation: Mutation
    server: str
    argosy: str


def verdicts(plane: ControlPlane, chosen: Sequence[Mutation], folder: Path) -> list[Verdict]:
    """Have both judge each manifest."""
    paths = prepared(plane)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda each: of_server(plane, paths, each), chosen))
    told = _of_argosy(chosen, folder)
    return [Verdict(*each) for each in zip(chosen, answers, told, strict=True)]


def recorded(chosen: Sequence[Mutation]) -> list[tuple[str, int, str, list[tuple[str, str, str]]]]:
    """Return what the API server says of each: name, HTTP code, message, and causes by field, reason and message."""
    with tempfile.TemporaryDirectory() as name, running(Path(name), controllers=False) as plane:
        paths = prepared(plane)
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda each: _asked(plane, paths, each), chosen))
    found = []
    for each, answer in zip(chosen, answers, strict=True):
        causes = (answer.body.get("details") or {}).get("causes") or () if answer.code >= 300 else ()
        told = [(each["field"], each["reason"], each["message"]) for each in map(_whole, causes)]
        found.append((each.name, answer.code, "" if answer.code < 300 else answer.message, told))
    return found


def _whole(cause: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(cause.get(key, "")) for key in ("field", "reason", "message")}


def prepared(plane: ControlPlane) -> dict[tuple[str, str], str]:
    """Make the namespace of all mutations, and return where to POST each kind."""
    plane.request("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    account = {"metadata": {"name": "default"}}
    plane.request("POST", f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts", account)
    return _paths(plane)


def _paths(plane: ControlPlane) -> dict[tuple[str, str], str]:
    """Return where to POST each kind."""
    found = {}
    groups = plane.request("GET", "/apis").body["groups"]
    versions = [f"/apis/{each['groupVersion']}" for group in groups for each in group["versions"]]
    for base in ("/api/v1", *versions):
        listed = plane.request("GET", base).body
        for each in listed["resources"]:
            if "/" not in each["name"] and "create" in each["verbs"]:
                where = f"/namespaces/{NAMESPACE}" if each["namespaced"] else ""
                found[listed["groupVersion"], each["kind"]] = f"{base}{where}/{each['name']}"
    return found


def _asked(plane: ControlPlane, paths: dict[tuple[str, str], str], each: Mutation) -> Answer:
    path = paths[each.manifest["apiVersion"], each.manifest["kind"]]
    return plane.request("POST", f"{path}?dryRun=All&fieldValidation=Strict", each.manifest)


def of_server(plane: ControlPlane, paths: dict[tuple[str, str], str], each: Mutation) -> str:
    """Return why the API server's dry run refuses a manifest; empty if it takes it."""
    answer = _asked(plane, paths, each)
    return "" if answer.code < 300 else answer.message or f"HTTP {answer.code}"


def _of_argosy(chosen: Sequence[Mutation], folder: Path) -> list[str]:
    found = []
    for number, batch in enumerate(batched(chosen, _AT_ONCE)):
        found += _of_batch(batch, folder / str(number))
    return found


def batched(items: Sequence[Mutation], size: int) -> Iterator[Sequence[Mutation]]:
    """Yield a sequence in parts."""
    return (items[start : start + size] for start in range(0, len(items), size))


def _of_batch(chosen: Sequence[Mutation], folder: Path) -> list[str]:
    folder.mkdir()
    write_files(folder, {f"{number:05}.json": json.dumps(each.manifest) for number, each in enumerate(chosen)})
    command = [sys.executable, "-m", "argosy", "validate", "--output", "json", "--no-cache", str(folder)]
    done = subprocess.run(command, capture_output=True, check=False)
    found: dict[str, str] = {}
    for finding in json.loads(done.stdout)["findings"]:
        if finding["severity"] == "error" and finding["rule"] in OF_THE_SERVER:
            for path in [finding["path"], *(each["path"] for each in finding.get("places", ()))]:
                found.setdefault(path, f"{finding['rule']}: {finding['message']}")
    return [found.get(f"{number:05}.json", "") for number in range(len(chosen))]


def table(found: Iterable[Verdict]) -> str:
    """Return how often who said what, by kind, and each disagreement."""
    found = list(found)
    refused = [each for each in found if each.server]
    taken = [each for each in found if not each.server]
    missed, wrong = [each for each in refused if not each.argosy], [each for each in taken if each.argosy]
    share = 100 * (1 - len(missed) / max(1, len(refused)))
    lines = [
        f"{len(found)} mutations: the API server refuses {len(refused)}, of which argosy finds {share:.1f} %; "
        f"it takes {len(taken)}, of which argosy refuses {len(wrong)}.",
        *(f"missed  {each.mutation.name}\n          {each.server}" for each in missed),
        *(f"wrong   {each.mutation.name}\n          {each.argosy}" for each in wrong),
    ]
    return "\n".join(lines)


def unlisted(found: Iterable[Verdict]) -> list[Verdict]:
    """Return the disagreements that `limits.py` gives no reason for."""
    return [each for each in found if bool(each.server) != bool(each.argosy) and reason(each) is None]


def reason(each: Verdict) -> Limit | None:
    """Return the known reason why the two disagree."""
    limits, told = (MISSED, each.server) if each.server else (WRONG, f"{each.mutation.name}: {each.argosy}")
    return next((limit for limit in limits if limit.fits(told)), None)


def page(found: Sequence[Verdict]) -> str:
    """Return `docs/validation-limits.md`."""
    refused, taken = [each for each in found if each.server], [each for each in found if not each.server]
    missed, wrong = [each for each in refused if not each.argosy], [each for each in taken if each.argosy]
    share = 100 * (1 - len(missed) / len(refused))
    return _TEXT.read_text(encoding="utf-8").format(
        version=building.version(),
        count=f"{len(found):,}",
        refused=f"{len(refused):,}",
        share=f"{share:.1f}",
        taken=f"{len(taken):,}",
        wrong=len(wrong),
        missed="\n".join(_rows(missed, MISSED)),
        refused_on_purpose="\n".join(_rows(wrong, WRONG)),
    )


def _rows(found: Sequence[Verdict], limits: Sequence[Limit]) -> Iterator[str]:
    counts = Counter(reason(each) for each in found)
    for limit in sorted(limits, key=lambda each: -counts[each]):
        yield f"| {limit.about} | {counts[limit]} | {limit.reason} |"


def main() -> None:
    """Judge mutations, and print what the two disagree on, or write the page about it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--write", action="store_true", help="Judge all, and write docs/validation-limits.md.")
    options = parser.parse_args()
    chosen = list(all_of().values()) if options.write else mutations(options.count)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "plane").mkdir()
        (folder / "files").mkdir()
        with running(folder / "plane", controllers=False) as plane:
            as_they_are = [Mutation(f"{each['kind']} {each['metadata']['name']}", each) for each in valid()]
            found = verdicts(plane, [*as_they_are, *chosen], folder / "files")
        if not options.write:
            print(table(found))
        elif new := unlisted(found):
            sys.exit(f"Give a reason in limits.py for each of these, or mend it.\n{table(new)}")
        else:
            PAGE.write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    main()
