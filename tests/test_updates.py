"""Updates from every version of the template there was: the tree is a fresh render of its model, and edits survive."""

from __future__ import annotations

import os
import subprocess
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from argosy.catalogue import catalogue
from argosy.change import components, edits, planning, privileges
from argosy.change.merge import Kind, Plan
from argosy.change.planning import Change
from argosy.documents import plain
from argosy.git import asked_once
from argosy.git.objects import Files
from argosy.repository import layout, store, switches
from argosy.repository.model import (
    WRITTEN_HERE,
    Application,
    ArgocdStyle,
    ChartExtra,
    CiHost,
    Component,
    Format,
    Production,
    Repository,
    RevisionStyle,
    Settings,
    chain,
)
from argosy.template import creation, rendering, versions
from argosy.template.rendering import File, Tree
from argosy.template.versions import Template
from tests import changing, covering, goldens
from tests.changing import commit, edit, files, git, state
from tests.conftest import Argosy

CHOICES = {
    "argocd": [*ArgocdStyle],
    "revision": [*RevisionStyle],
    "ci": [*CiHost],
    "switched": ["", "all on"],
}
CASES = covering.cases(CHOICES)
"""What a repository of each version is in turn, with an application of each format; any two choices meet."""
MARK = b"# Ours.\n"


@cache
def model(argocd: str, revision: str, ci: str, switched: str) -> Repository:
    """Return a repository with an application of each format; switched on, with a component as well."""
    host = CiHost(ci)
    settings = Settings("gitops", goldens.URL, ArgocdStyle(argocd), RevisionStyle(revision), host)
    if switched:
        settings = replace(
            settings,
            production=goldens.production().settings.production,
            argosy_install=goldens.RELEASED,
            follow_up=host is not CiHost.NONE,
        )
    bare = Repository(settings, chain((("dev", ""), ("prod", "")), settings.revision)).with_applications(
        tuple(Application(f"my-{form}", form, "shop" if switched else "") for form in WRITTEN_HERE)
    )
    if not switched:
        return bare
    secured = edits.with_pod_security(bare, on=True)
    placed = components.place(secured, catalogue.load(), ["reloader"], ["prod"])
    return components.add(secured, placed, fetch=_refuse, held=lambda _: None).after


def _refuse(component: Component) -> Mapping[str, bytes]:
    raise AssertionError(f"The chart of {component.name} is not kept in the repository.")


def after(root: Path, plan: Plan) -> dict[str, File]:
    """Return the files of a repository once a plan is written."""
    tree = {path: File(content, bool(kind & 0o100)) for path, (kind, content) in files(root).items()}
    for each in plan.touched:
        tree.pop(each.path, None)
        if each.blob:
            tree[each.path] = File(each.blob.content, each.blob.mode == "100755")
    return tree


def seeded(tree: Files) -> Files:
    """Return the files that are the user's since they were written."""
    return {path: blob for path, blob in tree.items() if layout.is_seeded(path) and path not in layout.CODEOWNERS}


def fresh(tree: Tree, folder: Path) -> Files:
    """Return what the newest template renders of the model that a tree has."""
    creation.write(folder, tree)
    return planning.as_files(rendering.render(store.load(folder).repository))


def edited(tree: Files, kept: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """Yield a fourth of the template's files that are kept, each with a comment somewhere, always the same ones."""
    for path, blob in tree.items():
        chance = zlib.crc32(path.encode())
        if path in kept and chance % 4 == 0 and not layout.is_seeded(path) and not path.endswith(".json"):
            lines = blob.content.splitlines(keepends=True)
            place = chance % (len(lines) + 1)
            yield path, b"".join((*lines[:place], MARK, *lines[place:]))


def merged(folder: Path, ours: bytes, base: bytes, theirs: bytes) -> tuple[bytes, bool]:
    """Return what Git makes of a file's three states, and whether they conflict."""
    if base == theirs:
        return ours, False
    for name, content in (("yours", ours), ("base", base), ("template", theirs)):
        (folder / name).write_bytes(content)
    labels = ("-L", "yours", "-L", "base", "-L", "template")
    command = ["git", "merge-file", "--stdout", *labels, "yours", "base", "template"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    return done.stdout, done.returncode != 0


def shape(version: Template) -> tuple[set[str], Any, set[str]]:
    """Return which questions, moves and files a version has: between two of one shape Git merges texts, and no more."""
    asked, moves = questions((version.root / "copier.yml").read_bytes())
    above = len(str(version.root)) + 1
    walked = ((folder[above:], [*folders, *names]) for folder, folders, names in os.walk(version.root))
    return asked, moves, {f"{folder}/{name}" for folder, names in walked for name in names}


@cache
def questions(text: bytes) -> tuple[set[str], Any]:
    """Return the questions and the moves of a copier.yml, which many versions have in common."""
    asked = plain.parse(text)
    return {*asked}, asked.get("_moves")


def test_every_file_is_the_newest_templates_and_the_users(tmp_path: Path) -> None:
    """From each version of another shape than the next, and from every fourth, in which files are edited before."""
    marks, versions_edited = 0, list[int]()
    with versions.checkouts() as known:
        with asked_once():
            current, *older = known
        newer = shape(current)
        for number, old in enumerate(older):
            this = shape(old)
            newer, is_same = this, this == newer
            is_edited = number % 4 == 0
            if is_same and not is_edited:
                continue
            where = f"{old.version[:12]} {CASES[number % len(CASES)]}"
            root = tmp_path / old.version
            tree = rendering.render(model(**CASES[number % len(CASES)]), template=old)
            creation.create(root, tree, branch="main")
            present = store.load(root).repository
            base = planning.as_files(rendering.render(present, template=old))
            assert base == planning.as_files(tree), where
            ours, gone = dict[str, bytes](), ""
            if is_edited:
                versions_edited.append(number)
                gone = next(path for path in base if path.endswith("project.yaml"))
                ours = dict(edited(base, planning.as_files(rendering.render(present)).keys() - {gone}))
                commit(root, {**ours, gone: None})
            change = Change(present, present, from_version=old.version, to_version=current.version)
            with asked_once():
                plan = planning.plan(root, change, privileges.kept)
                found = after(root, plan)
            # What was written once stays as it is.
            whole = {**found, gone: tree[gone]} if gone else found
            wanted = {**fresh(whole, tmp_path / f"{old.version}-fresh"), **seeded(base)}
            assert found.keys() == wanted.keys() - {gone}, where
            kept = [each.path for each in plan.changes if each.kind is Kind.KEPT]
            assert kept == ([gone] if gone and base[gone] != wanted[gone] else []), where
            for path, blob in planning.as_files(found).items():
                # Whatever is between an edit of one version and the newest is also there for those of older versions.
                if path in ours:
                    expected, conflicts = merged(tmp_path, ours[path], base[path].content, wanted[path].content)
                    # Where there is a conflict in what changed a lot, git's two merges differ in the lines they show.
                    assert conflicts or blob.content == expected, f"{where}: {path}"
                    assert (MARK in blob.content) == (MARK in expected), f"{where}: {path}"
                    marks += MARK in expected
                else:
                    assert blob == wanted[path], f"{where}: {path}"
    assert len(versions_edited) > 2, "the history of the template is cut off: run this in a whole clone"
    assert {each % len(CASES) for each in versions_edited} == {*range(len(CASES))}
    assert marks > 100, marks


def test_an_old_template_does_what_is_asked_or_says_to_update_first(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "gitops"
    with versions.checkout(versions.versions()[-1]) as known:
        tree = rendering.render(model(ArgocdStyle.APPLICATIONS, RevisionStyle.TRUNK, CiHost.GITHUB, ""), template=known)
    creation.create(root, tree, branch="main")
    monkeypatch.chdir(root)
    before = state(root)
    for command, unknown in (
        ("set repository quotas=true", "quotas"),
        ("set repository followUp=true monitoring=true", "followUp or monitoring"),
        (f"set repository argosyInstall=argosy==0.1.0~--hash=sha256:{'01' * 32}", "argosyInstall"),
        ("set environment dev podSecurity=baseline", "podSecurity"),
        ("add component reloader", "components"),
    ):
        result = argosy(*(each.replace("~", " ") for each in command.split(" ")))
        assert (result.code, state(root)) == (1, before), command
        assert f"does not know {unknown}.\n  Take over the newest template first: argosy update" in result.err, command
    # Its projects permit a fixed list of kinds.
    for place in ((), ("--branch",)):
        result = argosy("convert", "my-helm", "--to", "manifests", "--yes", *place)
        assert (result.code, state(root)) == (1, before)
        assert "does not permit the kind ServiceAccount" in result.err
        assert "Nothing was written: the result would not be valid." in result.err
        assert "Take that over first: argosy update --commit.\n" in result.err
    assert argosy("set", "application", "my-helm", "team=shop", "--commit", "--quiet").code == 0
    assert argosy("update", "--commit", "--quiet").code == 0
    wanted = planning.as_files(rendering.render(store.load(root).repository))
    assert {path: content for path, (_, content) in files(root).items()} == {
        path: blob.content for path, blob in {**wanted, **seeded(planning.as_files(tree))}.items()
    }
    assert git(root, "status", "--porcelain") == ""
    assert argosy("update", "--check").code == 0
    assert argosy("convert", "my-helm", "--to", "manifests", "--yes", "--commit", "--quiet").code == 0
    assert argosy("set", "repository", "quotas=true", "--commit", "--quiet", "--no-validate").code == 0
    result = argosy("update", "--to", versions.versions()[-1])
    assert (result.code, "does not know quotas.\n  This repository has that" in result.err) == (1, True)
    assert git(root, "status", "--porcelain") == ""


def test_signature_keys_become_source_integrity_and_choices_are_kept(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, keys = tmp_path / "gitops", ("0123456789ABCDEF", "5BFF29094B0EFC34")
    chosen = Production(signature_keys=keys, self_managed=True, monitoring=True, shards=2)
    with versions.checkouts() as known:
        older = next(each for each in known if "argocd_namespace" not in versions.questions(each))
        small = changing.model()
        made = replace(small, settings=replace(small.settings, kubernetes_version="1.36", production=chosen))
        creation.create(root, rendering.render(made, template=older), branch="main")
    viewer = "        - p, proj:prod:viewer, applications, get, prod/*, allow\n"
    edit(root, "argocd/prod/project.yaml", viewer, viewer + viewer.replace("applications, get", "exec, create"))
    edit(root, "argocd/platform.yaml", "description: Argo CD itself.", "description: Argo CD, ours.")
    commit(root)
    monkeypatch.chdir(root)
    result = argosy("update", "--commit")
    assert result.code == 0, result.err
    updated = store.load(root).repository
    # Its charts had everything, so they keep it.
    kept = replace(chosen, chart_extras=(*ChartExtra,))
    assert (updated.settings.production, updated.settings.kubernetes_version) == (kept, "1.36")
    for path in ("argocd/root.yaml", "argocd/platform.yaml", "argocd/prod/project.yaml"):
        for spec in (each["spec"] for each in documents(root / path) if each["kind"] == "AppProject"):
            (policy,) = spec["sourceIntegrity"]["git"]["policies"]
            assert (policy["gpg"], "signatureKeys" in spec) == ({"mode": "head", "keys": list(keys)}, False)
    assert "proj:prod:viewer, exec, create, prod/*, allow" in (root / "argocd/prod/project.yaml").read_text()
    assert "description: Argo CD, ours." in (root / "argocd/platform.yaml").read_text()
    assert argosy("update", "--check").code == 0


def test_previews_and_charts_of_before_go_on_and_take_what_is_new(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, code = tmp_path / "gitops", {"previews": "https://github.com/acme/web"}
    made = edits.set_application(changing.model(form=Format.HELM, ci=CiHost.GITHUB), "web", code)
    with versions.checkouts() as known:
        older = next(each for each in known if "preview_ttl" not in str(versions.questions(each)["applications"]))
        creation.create(root, rendering.render(made, template=older), branch="main")
    edit(root, "applications/web/application.yaml", "previewForks: false", "previewForks: false  # ours")
    edit(root, ".pre-commit-config.yaml", "hooks:\n", "hooks:  # ours\n")
    edit(root, "applications/web/charts/web/values.yaml", "replicaCount: 1", "replicaCount: 2")
    commit(root)
    monkeypatch.chdir(root)
    unknown = argosy("set", "app", "web", "previewTTL=7d")
    assert "does not know previewTTL.\n  Take over the newest template first: argosy update" in unknown.err
    updated = argosy("update", "--commit")
    assert updated.code == 0, updated.err
    assert "platform/*/*/chart/" in (root / ".pre-commit-config.yaml").read_text()
    ending = argosy("set", "app", "web", "previewTTL=7d", "--commit")
    assert ending.code == 0, ending.err
    assert "argosy previews expire" in (root / ".github/workflows/previews.yaml").read_text()
    for path, ours in {
        "applications/web/application.yaml": "previewForks: false  # ours",
        ".pre-commit-config.yaml": "hooks:  # ours\n",
        "applications/web/charts/web/values.yaml": "replicaCount: 2",
    }.items():
        assert ours in (root / path).read_text()
    assert argosy("update", "--check").code == 0


def documents(path: Path) -> list[dict[str, Any]]:
    """Return the documents of a file."""
    return [each for each in yaml.safe_load_all(path.read_text()) if each]


def test_what_a_template_has_no_question_for(tmp_path: Path) -> None:
    everything = goldens.production()
    bare = replace(everything, settings=Settings("other", goldens.URL), environments=(), applications=())
    assert rendering.unknown(everything, bare, versions.current()) == []
    with versions.checkout(versions.versions()[-1]) as oldest:
        unknown = {*rendering.unknown(everything, bare, oldest)}
    previews = {*switches.PREVIEWS} - {"previewForks", "previewImage"}  # Which are off.
    by_default = {"secretStore", "argocdNamespace", "argocdPin", "argocdManifests", "chartExtras"}
    assert (
        unknown
        == {"followUp", "argosyInstall", "podSecurity", "components", *switches.SWITCHES, *previews} - by_default
    )
    # A question that does not take the value.
    text = (versions.current().root / "copier.yml").read_text()
    (tmp_path / "copier.yml").write_text(text.replace("    GitLab CI: gitlab\n", ""))
    hosted = replace(bare, settings=replace(bare.settings, ci=CiHost.GITLAB))
    assert rendering.unknown(hosted, bare, Template(tmp_path, "narrower")) == ["ci"]
