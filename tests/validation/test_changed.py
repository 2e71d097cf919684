"""`--changed-since` judges what a change can reach: it misses nothing that is new, and tells nothing out of reach."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from argosy.errors import UsageError
from argosy.findings import Finding, Report
from argosy.validation import changed, pipeline
from argosy.validation.parts import Reached
from tests.validating import write_files
from tests.validation.test_causes import CHART, OVERLAYS, SCHEMA, URL, application, applications

SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: front}
spec:
  selector: {app: front}
  ports: [{port: 80, targetPort: http}]
"""
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: front, labels: {app: front}}
spec:
  containers:
    - name: front
      image: nginx:1.29.3
      ports: [{name: http, containerPort: 8080}]
"""
SET = f"""\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {{name: tenants, namespace: argocd}}
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - git:
        repoURL: {URL}
        revision: main
        FILES
  template:
    metadata: {{name: 'tenant-NAME', namespace: argocd}}
    spec:
      project: tenants
      source: {{repoURL: {URL}, targetRevision: main, path: charts/shop, helm: {{valueFiles: ['/FOLDER/values.yaml']}}}}
      destination: {{server: https://kubernetes.default.svc, namespace: 'tenant-NAME'}}
"""
PROJECT = f"""\
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {{name: tenants, namespace: argocd}}
spec:
  sourceRepos: ['{URL}']
  destinations: [{{server: https://kubernetes.default.svc, namespace: 'tenant-*'}}]
"""
FRONT = application("front", "path: front").replace("shop-front", "front")
BACK = application("back", "path: back").replace("shop-back", "back").replace("namespace: back", "namespace: front")
FILES = {
    **OVERLAYS,
    **CHART,
    "charts/shop/values.schema.json": SCHEMA,
    **{path.replace("argocd/", "argocd/overlay-"): text for path, text in applications("path: overlays/{env}").items()},
    "argocd/front.yaml": FRONT,
    "argocd/back.yaml": BACK,
    "argocd/project.yaml": PROJECT,
    "argocd/folders.yaml": SET.replace("FILES", "directories: [{path: tenants/*}]")
    .replace("NAME", "{{.path.basename}}")
    .replace("FOLDER", "{{.path.path}}"),
    "argocd/files.yaml": SET.replace("FILES", "files: [{path: 'customers/*.yaml'}]")
    .replace("{name: tenants, n", "{name: customers, n")
    .replace("tenant-NAME", "customer-{{.name}}")
    .replace("FOLDER", "tenants/{{.tenant}}"),
    "front/service.yaml": SERVICE,
    "back/pod.yaml": POD,
    "tenants/one/values.yaml": "replicas: 1\n",
    "tenants/two/values.yaml": "replicas: 2\n",
    "customers/a.yaml": "name: a\ntenant: one\n",
    "customers/b.yaml": "name: b\ntenant: two\n",
    "notes/list.yaml": "a: 1\n",
}
WORDS = {
    "replicas: ": "replicas: many # ",
    "app: front": "app: fornt",
    "image: nginx": "image: Nginx",
    "kind: ": "kid: ",
    "metadata": "metdata",
    "name: ": "name: shop-",
    "path: ": "path: x/",
    "one": "two",
    "namespace: ": "namespace: o",
    "{": "",
    "resources:": "resources: [] #",
    "tenant-*": "tenant-t*",
}


def repository(root: Path, files: dict[str, str]) -> None:
    """Make a repository of files, with one commit and a tag `before`."""
    write_files(root, files)
    for command in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-q", "-m", "Begin"), ("tag", "before")):
        subprocess.run(["git", *command], cwd=root, check=True)


def judged(root: Path, since: str = "") -> Report:
    """Validate all of a repository, or what changed since."""
    return pipeline.validate(root, pipeline.Options(since=changed.since(root, since) if since else None))


def known_by(findings: Iterable[Finding]) -> Counter[tuple[str, ...]]:
    """Return what findings are known by, as in a baseline: what is said of them may name another place each time."""
    places = {
        (each.rule, place.path, place.application, place.environment, place.resource)
        for each in findings
        for place in each.places
    }
    return Counter(places)


def edit(root: Path, chance: random.Random) -> str:
    """Change one file of a repository, and return what was done."""
    paths = sorted(
        str(each.relative_to(root)) for each in root.rglob("*") if each.is_file() and ".git" not in each.parts
    )
    path = chance.choice(paths)
    file, how = root / path, chance.choice(["word", "word", "word", "line", "remove", "copy", "move"])
    text = file.read_text()
    if how == "word":
        fitting = sorted(each for each in WORDS if each in text)
        word = chance.choice(fitting or [""])
        file.write_text(text.replace(word, WORDS.get(word, "x"), 1))
    elif how == "line":
        lines = text.splitlines(keepends=True)
        del lines[chance.randrange(len(lines)) :][:1]
        file.write_text("".join(lines))
    elif how == "remove":
        file.unlink()
    else:
        other = root / chance.choice(paths)
        target = other.with_name(f"other-{file.name}") if chance.random() < 0.5 else other.parent / "new" / file.name
        target.parent.mkdir(exist_ok=True)
        target.write_text(text)
        if how == "move":
            file.unlink()
    return f"{how} {path}"


def missed(root: Path, before: Report) -> set[tuple[str, ...]]:
    """Return the new findings that a validation of what changed does not have."""
    new = known_by(judged(root).findings) - known_by(before.findings)
    return set(new - known_by(judged(root, "before").findings))


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    """Return a repository, which nobody may change, and what is found in it."""
    root = tmp_path_factory.mktemp("known") / "gitops"
    repository(root, FILES)
    return root, judged(root)


@pytest.mark.parametrize("seed", range(12))
def test_no_new_finding_is_missed(seed: int, known: tuple[Path, Report], tmp_path: Path) -> None:
    chance = random.Random(seed)
    root = tmp_path / "gitops"
    source, before = known
    shutil.copytree(source, root, symlinks=True)
    done = [edit(root, chance) for _ in range(chance.choice([1, 1, 2, 3]))]
    assert not missed(root, before), done


@pytest.fixture
def gitops(tmp_path: Path) -> Path:
    """Return a repository of several kinds of Applications, with a commit that is tagged `before`."""
    repository(tmp_path / "gitops", {**FILES, "back/twice.yaml": POD, "front/twice.yaml": POD})
    return tmp_path / "gitops"


def test_a_change_reaches_what_reads_it_and_what_it_is_compared_with(gitops: Path) -> None:
    base = judged(gitops)
    twice = {each.path for each in base.findings if each.rule == "resource-twice"}
    assert twice
    # Nothing changed: nothing is judged, nor is what was wrong before.
    nothing = judged(gitops, "before")
    assert (nothing.findings, nothing.outcomes) == ([], [])
    # A file of one environment reaches what is built for it.
    (gitops / "overlays/dev/kustomization.yaml").write_text(
        "resources: [../../base]\nimages: [{name: nginx, newTag: latest}]\n"
    )
    report = judged(gitops, "before")
    assert [(each.rule, each.application) for each in report.findings] == [("image-tag", "shop")]
    assert {each.application for each in report.outcomes if each.is_rendered} == {"shop"}
    assert {each.environment for each in report.outcomes if each.is_rendered} == {"dev"}
    assert "1 of 9 Applications" in report.title
    subprocess.run(["git", "checkout", "-q", "."], cwd=gitops, check=True)
    # A base reaches all three, and a file that is gone what cannot be built without it.
    (gitops / "base/deployment.yaml").unlink()
    report = judged(gitops, "before")
    assert {each.rule for each in report.findings} == {"kustomize-build"}
    assert {each.environment for each in report.findings[0].places} >= {"dev", "staging", "prod"}
    subprocess.run(["git", "checkout", "-q", "."], cwd=gitops, check=True)
    # A pod that is gone leaves a Service of another Application without one; it is told, though not reached itself.
    (gitops / "back/pod.yaml").unlink()
    (gitops / "back/twice.yaml").unlink()
    assert ("selector-matches-nothing", "front/service.yaml") not in {(each.rule, each.path) for each in base.findings}
    told = {each.path for each in judged(gitops, "before").findings}
    assert told >= {each.path for each in judged(gitops).findings if each.path == "front/service.yaml"}


def test_what_all_is_judged_by_reaches_all(gitops: Path) -> None:
    for path, text in (
        (".argosy.yaml", "kubernetesVersions: ['1.36']\n"),
        ("crd.yaml", "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x}\n"),
        ("argocd/cm.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm}\n"),
    ):
        (gitops / path).write_text(text)
        assert judged(gitops, "before").title.endswith(": everything.")
        assert known_by(judged(gitops, "before").findings) == known_by(judged(gitops).findings)
        (gitops / path).unlink()


def test_where_git_cannot_tell_it_is_an_error(gitops: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no revision"):
        changed.since(gitops, "never")
    subprocess.run(["git", "checkout", "-q", "--orphan", "other"], cwd=gitops, check=True)
    subprocess.run(["git", "commit", "-q", "-m", "Other"], cwd=gitops, check=True)
    with pytest.raises(UsageError, match="in common"):
        changed.since(gitops, "before")
    (tmp_path / "plain").mkdir()
    with pytest.raises(UsageError, match="no Git repository"):
        changed.since(tmp_path / "plain", "before")


def test_changes_are_those_since_the_branches_parted(gitops: Path) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=gitops, check=True)

    git("checkout", "-q", "-b", "topic")
    (gitops / "notes/ours.yaml").write_text("a: 1\n")
    git("add", ".")
    git("commit", "-q", "-m", "Ours")
    git("checkout", "-q", "main")
    (gitops / "notes/theirs.yaml").write_text("a: 1\n")
    git("add", ".")
    git("commit", "-q", "-m", "Theirs")
    git("checkout", "-q", "topic")
    (gitops / "notes/list.yaml").write_text("a: 2\n")
    (gitops / "notes/new.yaml").write_text("a: 2\n")
    (gitops / "back/pod.yaml").unlink()
    found = changed.since(gitops, "main")
    assert found.paths == {"notes/ours.yaml", "notes/list.yaml", "notes/new.yaml", "back/pod.yaml"}
    assert found.before.keys() == {"notes/list.yaml", "back/pod.yaml"}
    # Below a folder, paths are its own.
    assert changed.since(gitops / "back", "main").paths == {"pod.yaml"}


def test_owners_are_compared_where_one_is_reached_or_nobody_knows() -> None:
    compared = (None, ["file a", "file b"], ["file b"], ["rule image-tag"])
    assert [Reached(frozenset({"file a"}), True).compares(each) for each in compared] == [True, True, False, True]
    assert [Reached(frozenset({"file a"}), False).compares(each) for each in compared] == [True] * 4
    assert [Reached(None, True).compares(each) for each in compared] == [True] * 4
