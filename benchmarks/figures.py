"""What is measured, and the bar that each figure is held to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

import yaml

from argosy.cli import COMPLETE
from benchmarks import index, infrastructure, peers
from benchmarks.measuring import FRESH, Command, Measured, in_turns
from benchmarks.repositories import ENVIRONMENTS, names

LOOP_APPLICATIONS = 7
"""A shell loop takes as long for each application as for the next: its time for these is scaled to all."""
KINDS = ("poddisruptionbudget-policy-v1", "serviceaccount-v1", "service-v1", "deployment-apps-v1", "pod-v1")
LOOP_BUILDS = 40
"""The same of a loop over overlays."""
LINEAR = 1.2
"""How much more the last piece may take than the first ones: 1 is linear, and the rest is the machine's noise."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: a figure run by run, and the most that its median may be."""

    figure: str
    values: Sequence[float]
    unit: str = ""
    """Empty: a ratio."""
    bar: float | None = None
    behind: str = ""
    """The times and the memory that the figure was made of."""


@dataclass(frozen=True, slots=True)
class Bench:
    """A place to work in, and how to measure there."""

    folder: Path
    runs: int
    say: Callable[[str], None]
    helm: Path | None = None
    kubeconform: Path | None = None
    of_cpu: bool = False
    """Whether seconds of CPU stand for those of the clock, which others' work slows down too."""

    def measure(self, **commands: Command) -> dict[str, Measured]:
        """Run the commands in turns."""
        measured = in_turns(commands, self.runs, self.say)
        return {name: replace(each, seconds=each.cpu) if self.of_cpu else each for name, each in measured.items()}

    def repository(self, form: str, applications: int, *, versions_ago: int = 0) -> Path:
        """Return a repository of three environments, made at the first call, by an earlier version of the template."""
        folder = self.folder / f"{form}-{applications}-{versions_ago}"
        if not folder.exists():
            self.say(f"  making {applications} applications × {len(ENVIRONMENTS)} environments, {form}")
            subprocess.run(
                [*_making(form, applications), folder, str(versions_ago)],
                check=True,
                stdout=subprocess.DEVNULL,
                cwd=peers.CHECKOUT,
            )
        return folder

    def infrastructure(self, teams: int) -> Path:
        """Return a repository that argosy did not make, made at the first call."""
        folder = self.folder / f"infrastructure-{teams}"
        if not folder.exists():
            self.say(f"  making the infrastructure of {teams} teams")
            command = [sys.executable, "-m", "benchmarks.infrastructure", str(teams)]
            subprocess.run([*command, folder], check=True, stdout=subprocess.DEVNULL, cwd=peers.CHECKOUT)
        return folder


def version(bench: Bench) -> Iterator[Row]:
    """Measure `argosy --version` beside what any Click program has to pay."""
    measured = bench.measure(
        argosy=Command([peers.script("argosy"), "--version"], bench.folder),
        click=Command([sys.executable, "-c", "import click"], bench.folder),
    )
    yield _ratio('`argosy --version` / `python -c "import click"`', measured, 2)


def completion(bench: Bench) -> Iterator[Row]:
    """Measure what a shell waits for at each Tab: names of a repository, and settings with their values."""
    root = bench.repository("helm", 100)
    lines = (
        "status ",
        "render app-0001 ",
        "remove component ",
        "rules image",
        "set env prod autoSync=",
        "diff --against ",
    )
    for line in (*lines, "doctor --context "):
        words = f"argosy {line}"
        asked = (f"{COMPLETE}=bash_complete", f"COMP_WORDS={words}", f"COMP_CWORD={words.count(' ')}")
        measured = bench.measure(argosy=Command(["env", *asked, peers.script("argosy")], root))["argosy"]
        yield Row(f"complete `{words}`", measured.seconds, "s", 0.15, _behind(measured))


def init(bench: Bench) -> Iterator[Row]:
    """Measure `argosy init`, which also commits and validates, beside a bare `copier copy`."""
    copy = ("copy", "--quiet", "--defaults", "--vcs-ref", "HEAD", peers.template_clone(bench.folder), FRESH)
    measured = bench.measure(
        argosy=Command([peers.script("argosy"), "init", FRESH, "--defaults"], bench.folder),
        copier=Command([peers.script("copier"), *copy], bench.folder),
    )
    yield _ratio(
        "`argosy init`, 3 environments, 1 application, validated / `copier copy` of the same template", measured, 2
    )


def kubernetes_validate(bench: Bench) -> Iterator[Row]:
    """Measure `argosy validate` beside the loop of `helm template | kubernetes-validate`."""
    checker = f"'{peers.script('kubernetes-validate')}' -k {peers.KUBERNETES} --strict -"
    yield _beside_loop(bench, "kubernetes-validate", checker, 1 / 15)


def kubeconform(bench: Bench) -> Iterator[Row]:
    """Measure `argosy validate` beside the loop of `helm template | kubeconform`."""
    yield _beside_loop(bench, "kubeconform", _kubeconform(bench, KINDS), 1 / 3)


def linearity(bench: Bench) -> Iterator[Row]:
    """Measure `argosy validate` of more and more Helm applications."""
    measured = _validated(bench, "helm", (25, 50, 100, 200))
    for size, each in measured.items():
        figure = f"`argosy validate`, {size} applications × {len(ENVIRONMENTS)}, Helm: time per application"
        yield Row(figure, _per_piece(each, size), "ms", behind=_behind(each))
    yield _growth("`argosy validate`, Helm: each application from 100 to 200 / from 25 to 100", measured)


def caching(bench: Bench) -> Iterator[Row]:
    """Measure `argosy validate` again, with nothing changed and with one application changed, and `argosy doctor`."""
    applications = 100
    folder, cache = bench.repository("helm", applications), bench.folder / "cache"
    arguments = _validate(folder).arguments
    values = f"environments/{ENVIRONMENTS[0]}/{names(1)[0]}/values.yaml"
    chart = f"applications/{names(1)[0]}/charts/{names(1)[0]}/values.yaml"
    edit = f'for file in {chart} {values}; do echo "# $(date +%s%N)" >> $file; done'
    measured = bench.measure(
        first=Command(arguments, folder, f"git reset --hard --quiet; rm -rf '{cache}'", cache),
        again=Command(arguments, folder, cache=cache),
        edited=Command(arguments, folder, edit, cache),
        doctor=Command(
            ["bash", "-c", '"$0" doctor --offline --quiet >&2 || test $? = 1', peers.script("argosy")], folder
        ),
        validate=Command(arguments, folder),
    )
    beside = f"{applications} applications × {len(ENVIRONMENTS)}, Helm"
    first = measured["first"]
    pairs = {
        f"`argosy validate` with nothing changed since / the first time, {beside}": (measured["again"], first, 1 / 5),
        f"`argosy validate` with one application changed since / the first time, {beside}": (
            measured["edited"],
            first,
            1 / 4,
        ),
        f"`argosy doctor --offline` / `argosy validate`, without a cache, {beside}": (
            measured["doctor"],
            measured["validate"],
            1.2,
        ),
    }
    for figure, (one, other, bar) in pairs.items():
        yield _ratio(figure, {"one": one, "other": other}, bar)
        cpu = [mine / its for mine, its in zip(one.cpu, other.cpu, strict=True)]
        yield Row(f"{figure}: CPU of all processes", cpu)


def manifests(bench: Bench) -> Iterator[Row]:
    """Measure `argosy validate` of more and more plain manifests, and its memory."""
    in_each = 2 * len(ENVIRONMENTS)
    measured = _validated(bench, "manifests", tuple(ceil(number / in_each) for number in (2500, 5000, 10000)))
    for size, each in measured.items():
        figure = f"`argosy validate`, {size * in_each:,} plain manifests: time per manifest"
        yield Row(figure, _per_piece(each, size * in_each), "ms", behind=_behind(each))
    yield _growth("`argosy validate`, manifests: each from 5,000 to 10,000 / from 2,500 to 5,000", measured)
    yield Row("`argosy validate`, 10,000 plain manifests: peak memory", each.megabytes, "MB", 500)


def infrastructures(bench: Bench) -> Iterator[Row]:
    """Measure `argosy validate` of more and more of what others made, beside a loop of builds, and `tree`."""
    sizes = [ceil(documents / infrastructure.DOCUMENTS) for documents in (5000, 10000, 17000)]
    folders = {size: bench.infrastructure(size) for size in sizes}
    largest = sizes[-1]
    kubeconform = _kubeconform(bench, infrastructure.KINDS)
    loop = f"""
        for overlay in $(ls -d services/*/overlays/* | head --lines {LOOP_BUILDS}); do
            '{peers.script("kubectl")}' kustomize $overlay | {kubeconform}
        done"""
    commands = {str(size): _validate(folder) for size, folder in folders.items()}
    commands |= {
        "loop": Command(["bash", "-euo", "pipefail", "-c", loop], folders[largest]),
        "tree": Command([peers.script("argosy"), "tree", "--quiet"], folders[largest]),
    }
    measured = bench.measure(**commands)
    validated = {size: measured[str(size)] for size in sizes}
    for size, each in validated.items():
        documents = size * infrastructure.DOCUMENTS
        figure = f"`argosy validate`, {documents:,} documents that others made: time per document"
        yield Row(figure, _per_piece(each, documents), "ms", behind=_behind(each))
    yield _growth("`argosy validate`, others' documents: each from 10,000 to 17,000 / from 5,000 to 10,000", validated)
    applications = largest * infrastructure.APPLICATIONS
    what = f"{largest * infrastructure.DOCUMENTS:,} documents and {applications:,} Applications that others made"
    yield Row(f"`argosy validate`, {what}: peak memory", validated[largest].megabytes, "MB", 500)
    builds = largest * infrastructure.BUILDS
    cpu = [
        mine / (its * builds / LOOP_BUILDS)
        for mine, its in zip(validated[largest].cpu, measured["loop"].cpu, strict=True)
    ]
    yield Row(
        f"the same / a loop of `kubectl kustomize … \\| kubeconform` (measured on {LOOP_BUILDS} builds, scaled to "
        f"{builds:,}): CPU of all processes",
        cpu,
        bar=1 / 3,
    )
    yield Row(f"`argosy tree`, {what}", measured["tree"].seconds, "s", behind=_behind(measured["tree"]))


def installing(bench: Bench) -> Iterator[Row]:
    """Measure what a job of a generated repository's CI takes to install argosy, from downloads that are kept."""
    folder, wheels, cache = (bench.folder / name for name in ("installing", "wheels", "downloads"))
    argosy = peers.script("argosy")
    wanted = f"argosyInstall={index.built(peers.CHECKOUT, wheels)}"
    subprocess.run([argosy, "init", folder, "--defaults", "--quiet", "--no-git", "--set", wanted], check=True)
    index.downloaded(folder / "tools/argosy-dependencies.txt", wheels)
    workflow = yaml.safe_load((folder / ".github/workflows/validate.yaml").read_text(encoding="utf-8"))
    steps = {each.get("name"): each.get("run") for each in workflow["jobs"]["validate"]["steps"]}
    environment = bench.folder / "python"
    fresh = f"rm -rf '{environment}'; '{sys.executable}' -m venv --upgrade-deps '{environment}'"
    with index.serving(wheels) as url:
        # pip keeps what it has over HTTPS, or from a host that it is told to trust.
        given = [
            "PIP_TRUSTED_HOST=127.0.0.1",
            f"PATH={environment}/bin:{os.environ['PATH']}",
            f"PIP_CACHE_DIR={cache}",
            f"PIP_INDEX_URL={url}",
            "PIP_FIND_LINKS=",
        ]
        script = ["bash", "-e", "-o", "pipefail", "-c", steps["Install argosy"]]
        measured = bench.measure(installed=Command(["env", *given, *script], folder, fresh))["installed"]
    figure = "installing argosy in a job, from downloads that are kept"
    yield Row(figure, measured.seconds, "s", 10, _behind(measured))
    yield Row(f"{figure}: CPU of all processes", measured.cpu, "s")


def rendering(bench: Bench) -> Iterator[Row]:
    """Measure the engine's `render` of a large repository, with the start of Python and Copier."""
    making = _making("helm", 200)
    files = int(subprocess.run(making, check=True, stdout=subprocess.PIPE, cwd=peers.CHECKOUT).stdout)
    measured = bench.measure(render=Command(making, peers.CHECKOUT))["render"]
    figure = f"`engine.render`, 200 applications × {len(ENVIRONMENTS)}, {files:,} files: time per file"
    yield Row(figure, _per_piece(measured, files), "ms", 1, _behind(measured))


def layers(bench: Bench) -> Iterator[Row]:
    """Measure `render` with a layer that extends a file and adds one for each application, beside the same without."""
    style, cache = bench.folder / "style", bench.folder / "layers"
    app = style / "t/applications/{% yield app from applications %}{{ app.name }}{% endyield %}"
    deployed = style / "t/argocd/{% yield env from environments %}{{ env.name }}{% endyield %}"
    for folder in (app, deployed):
        folder.mkdir(parents=True, exist_ok=True)
    (style / "copier.yml").write_text("_subdirectory: t\ncost_centre: 42\n", encoding="utf-8")
    (app / "SUPPORT.md.jinja").write_text("{{ app.name }} {{ cost_centre }}\n", encoding="utf-8")
    label = "{{ below | replace('  labels:\\n', '  labels:\\n    cost-centre: ' ~ cost_centre ~ '\\n', 1) }}"
    name = "{% yield app from argocd_applications %}{{ app.name }}.yaml{% endyield %}.jinja"
    (deployed / name).write_text(label, encoding="utf-8")
    for size in (1, 200):
        commands = {
            which: Command([*_making("helm", size), "--layer", *source], peers.CHECKOUT, cache=cache)
            for which, source in (("layered", [style]), ("plain", []))
        }
        figure = f"`engine.render`, {size} × {len(ENVIRONMENTS)} Applications, with a layer / without"
        yield _ratio(figure, bench.measure(**commands), 2)


def adding(bench: Bench) -> Iterator[Row]:
    """Measure `argosy add app` in a large repository beside an empty one, and `argosy add env` in larger ones."""
    large, empty = (_changing(bench.repository("helm", size), "add", "app", "another", "--quiet") for size in (1000, 0))
    measured = bench.measure(large=large, empty=empty)
    yield _ratio("`argosy add app`, 1,000 applications × 3 environments / an empty repository", measured, 1.5)
    sizes = (75, 150, 300)
    commands = {
        str(size): _changing(bench.repository("helm", size), "add", "env", "another", "--quiet") for size in sizes
    }
    alone = _changing(bench.repository("helm", 300), "add", "env", "another", "--quiet", "--no-validate")
    *validated, unvalidated = bench.measure(**commands, alone=alone).values()
    by_size = dict(zip(sizes, validated, strict=True))
    yield Row(
        "`argosy add env --no-validate`, 300 applications: time per application", _per_piece(unvalidated, 300), "ms", 10
    )
    yield Row("`argosy add env`, 300 applications: time per application", _per_piece(by_size[300], 300), "ms", 10)
    yield _growth("`argosy add env`: each application from 150 to 300 / from 75 to 150", by_size)


def updating(bench: Bench) -> Iterator[Row]:
    """Measure `argosy update` over three versions of the template, with and without edits, beside `copier update`."""
    some, all_ = 20, 200
    plain = bench.repository("helm", all_, versions_ago=peers.VERSIONS)
    edited = bench.folder / "edited"
    edit = "git ls-files '*.yaml' | awk 'NR % 100 == 0' | xargs sed -i '1i # edited'"
    commit = "git -c user.name=b -c user.email=b@localhost commit --quiet --all --message edited"
    subprocess.run(["bash", "-euc", f"cp -r '{plain}' '{edited}'; cd '{edited}'; {edit}; {commit}"], check=True)
    template, answers, copied = (
        peers.template_versions(bench.folder),
        bench.folder / "answers.yml",
        bench.folder / "copied",
    )
    answers.write_text(_answers(some), encoding="utf-8")
    copier = peers.script("copier")
    data = ("--defaults", "--quiet", "--data-file", answers)
    subprocess.run([copier, "copy", *data, "--vcs-ref", "v1", template, copied], check=True)
    subprocess.run(["bash", "-euc", f"git init --quiet; git add --all; {commit}"], cwd=copied, check=True)
    reset = "git reset --hard --quiet; git clean -fdq"
    measured = bench.measure(
        argosy=_changing(plain, "update", "--quiet", "--no-validate"),
        validated=_changing(plain, "update", "--quiet"),
        edited=_changing(edited, "update", "--quiet", "--no-validate"),
        copier=Command([copier, "update", *data, "--vcs-ref", "v2"], copied, reset),
    )
    copiers = measured["copier"]
    scaled = Measured(tuple(seconds * all_ / some for seconds in copiers.seconds), copiers.megabytes)
    beside = f"{all_} applications × 3 / `copier update` (measured on {some}, scaled to {all_})"
    yield _ratio(f"`argosy update --no-validate`, {beside}", {"argosy": measured["argosy"], "copier": scaled}, 1 / 10)
    yield _ratio(f"`argosy update`, {beside}", {"argosy": measured["validated"], "copier": scaled}, 1 / 10)
    both = {"edited": measured["edited"], "plain": measured["argosy"]}
    yield _ratio("`argosy update --no-validate` with 1 % of the files edited / with none", both, 2)


def promoting(bench: Bench) -> Iterator[Row]:
    """Measure `argosy promote`, `diff` and `status` with 300 applications, of which three have a new image."""
    some, all_ = 1, 300
    folders = {size: bench.repository("helm", size) for size in (some, all_)}
    for size, folder in folders.items():
        _release(folder, names(min(size, 3)))
    wanted = ("promote", names(1)[0], "--to", "staging", "--yes", "--quiet")
    measured = bench.measure(
        **{str(size): _changing(folders[size], *wanted) for size in (all_, some)},
        diff=_changing(folders[all_], "diff", "--against", "HEAD~1", "--quiet"),
        status=Command([peers.script("argosy"), "status"], folders[all_]),
    )
    both = {size: measured[size] for size in (str(all_), str(some))}
    yield _ratio(f"`argosy promote` of one application in {all_} × 3 / in a repository of one", both, 1.3)
    subprocess.run(["git", "reset", "--hard", "--quiet"], cwd=folders[all_], check=True)
    told = subprocess.run(
        [peers.script("argosy"), "diff", "--against", "HEAD~1", "--output", "json", "--quiet"],
        cwd=folders[all_],
        check=True,
        stdout=subprocess.PIPE,
    )
    yield Row(
        f"`argosy diff --against` of a commit that changes 3 of {all_} applications in dev: Applications rendered",
        [json.loads(told.stdout)["rendered"]],
        "renders",
        3,
        _behind(measured["diff"]),
    )
    status = measured["status"]
    yield Row(f"`argosy status` of {all_} × 3: CPU of all processes", status.cpu, "s", 1, _behind(status))


def _release(folder: Path, applications: Sequence[str]) -> None:
    """Commit a new image of applications in dev, once."""
    files = " ".join(f"environments/dev/{name}/values.yaml" for name in applications)
    commit = "git -c user.name=b -c user.email=b@localhost commit --quiet --message released -- "
    edit = f"grep -q 1.30.0 {files.split()[0]} || {{ sed -i.old s/1.29.3-alpine/1.30.0/ {files}; {commit} {files}; }}"
    subprocess.run(["bash", "-euc", f"{edit}; git clean -fdq"], cwd=folder, check=True)


def _changing(folder: Path, *arguments: str) -> Command:
    """Return a command that changes a repository, which is taken back to its commit before each run."""
    return Command([peers.script("argosy"), *arguments], folder, "git reset --hard --quiet; git clean -fdq")


def _answers(applications: int) -> str:
    """Return the answers of `repositories.make` as `copier copy` takes them: JSON is YAML."""
    image = {"repository": "nginx", "tag": "1.29.3-alpine", "digest": ""}
    listed = [
        {"name": name, "format": "helm", "team": "", "port": 80, "image": image, "images": {}}
        for name in names(applications)
    ]
    return json.dumps(
        {"repository_name": "gitops", "repo_url": "https://github.com/acme/gitops.git", "applications": listed}
    )


FIGURES: Mapping[str, Callable[[Bench], Iterator[Row]]] = {
    "version": version,
    "completion": completion,
    "init": init,
    "kubernetes-validate": kubernetes_validate,
    "kubeconform": kubeconform,
    "linearity": linearity,
    "caching": caching,
    "manifests": manifests,
    "infrastructure": infrastructures,
    "installing": installing,
    "rendering": rendering,
    "layers": layers,
    "adding": adding,
    "updating": updating,
    "promoting": promoting,
}


def _kubeconform(bench: Bench, kinds: Sequence[str]) -> str:
    """Return how a loop calls kubeconform, with schemas of some kinds."""
    program = peers.kubeconform(bench.kubeconform)
    schemas = peers.self_contained_schemas(bench.folder / f"schemas-{len(kinds)}", kinds)
    return f"'{program}' -strict -schema-location '{schemas}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json'"


def _making(form: str, applications: int) -> list[str | Path]:
    return [sys.executable, "-m", "benchmarks.repositories", form, str(applications)]


def _validate(folder: Path) -> Command:
    return Command([peers.script("argosy"), "validate", "--quiet"], folder)


def _validated(bench: Bench, form: str, sizes: Sequence[int]) -> dict[int, Measured]:
    measured = bench.measure(**{str(size): _validate(bench.repository(form, size)) for size in sizes})
    return {size: measured[str(size)] for size in sizes}


def _beside_loop(bench: Bench, name: str, checker: str, bar: float) -> Row:
    """Measure `argosy validate` of 300 renders beside a shell loop over a part of them."""
    applications = 100
    folder = bench.repository("helm", applications)
    helm = peers.helm(bench.helm, bench.folder)
    loop = f"""
        for app in {" ".join(names(LOOP_APPLICATIONS))}; do
            for env in {" ".join(ENVIRONMENTS)}; do
                '{helm}' template $app applications/$app/charts/$app --namespace $app-$env \\
                    --values environments/$env/values.yaml --values environments/$env/$app/values.yaml | {checker}
            done
        done"""
    shell = Command(["bash", "-euo", "pipefail", "-c", loop], folder)
    measured = bench.measure(**{"argosy": _validate(folder), name: shell})
    scaled = Measured(
        tuple(seconds * applications / LOOP_APPLICATIONS for seconds in measured[name].seconds),
        measured[name].megabytes,
    )
    pairs = len(ENVIRONMENTS) * applications
    return _ratio(
        f"`argosy validate`, {applications} applications × {len(ENVIRONMENTS)}, Helm / a loop of "
        f"`helm template … \\| {name}` (measured on {LOOP_APPLICATIONS} × {len(ENVIRONMENTS)}, scaled to {pairs})",
        {"argosy": measured["argosy"], name: scaled},
        bar,
    )


def _ratio(figure: str, measured: Mapping[str, Measured], bar: float) -> Row:
    """Compare the first with the second, turn by turn, so that what slows a machine down for a while slows both."""
    one, other = measured.values()
    values = [mine / its for mine, its in zip(one.seconds, other.seconds, strict=True)]
    return Row(figure, values, bar=bar, behind=f"{_behind(one)} / {_behind(other)}")


def _growth(figure: str, measured: Mapping[int, Measured]) -> Row:
    """Compare what each further piece takes in the largest repository with what it takes in the smaller ones."""
    (small, first), *_, (middle, second), (large, third) = measured.items()
    values = [
        (c - b) / (large - middle) / ((b - a) / (middle - small))
        for a, b, c in zip(first.seconds, second.seconds, third.seconds, strict=True)
    ]
    return Row(figure, values, bar=LINEAR)


def _per_piece(measured: Measured, pieces: int) -> list[float]:
    return [seconds / pieces * 1000 for seconds in measured.seconds]


def _behind(measured: Measured) -> str:
    return f"{measured.median:.3g} s, {max(measured.megabytes):.0f} MB"
