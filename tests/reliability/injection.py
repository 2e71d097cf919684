"""Injection: hostile names and values, by every option and answer, are refused, or come out as what they are."""

from __future__ import annotations

import json
import random
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from argosy.kubernetes import kubectl
from argosy.repository import switches
from argosy.repository.model import WRITTEN_HERE, ArgocdStyle, CiHost, RevisionStyle
from tests import changing
from tests.changing import files, git, model
from tests.reliability.repositories import difference, state
from tests.reliability.trials import Stand
from tests.reliability.words import hostile

SAMPLE = "q7sample"
"""A harmless value: what comes of it is what comes of a hostile one, but for the value itself."""
_URLS = ("https://q7sample.example.com/acme/gitops.git", "git@q7sample:acme/gitops.git", "ssh://git@h/q7sample.git")
_WRITING = (
    *"""
add app q7sample
add app shop --team q7sample
add app shop --image q7sample
add app shop --image nginx:q7sample
add app shop --image nginx@sha256:q7sample
add app shop --image q7sample/x:1
add app shop --image dev=q7sample
add app shop --port q7sample
add app shop --env q7sample
add app shop --format q7sample
add env q7sample
add env qa --cluster q7sample
add env qa --cluster https://q7sample:6443
add env qa --after q7sample
add env qa --from q7sample
add env qa --revision q7sample
add component q7sample
add component reloader --version q7sample
add component reloader --version 1.2.3+q7sample
rename app web q7sample
rename app q7sample shop
rename env prod q7sample
remove app q7sample --yes
remove env q7sample --yes
convert q7sample --to helm
convert web --to q7sample
set environment dev cluster=q7sample --yes
set environment dev cluster=https://q7sample --yes
set environment dev revision=q7sample --yes
set environment dev namespace=q7sample --yes
set environment dev replicas=q7sample
set environment dev podSecurity=q7sample
set environment dev promotesFrom=q7sample
set environment dev q7sample=1
set environment dev replicas=7 --message q7sample
set environment q7sample replicas=1
set application web team=q7sample
set application web q7sample=a
set repository q7sample=true
set repository name=q7sample --yes
set repository branch=q7sample --yes
set repository kubernetesVersion=q7sample --yes
set repository ci=q7sample --yes
set repository argosyInstall=q7sample --yes
set repository argosyInstall=argosy==q7sample --yes
set repository argosyInstall=tools/q7sample.whl --yes
promote q7sample --to prod --yes
promote web --to q7sample --yes
promote web --to prod --take q7sample --yes
rollback web q7sample --yes
rollback web prod --to q7sample --yes
update --to q7sample
apply --since q7sample --yes
""".strip().splitlines(),
    *(f"set repository {key}={SAMPLE} --yes" for key in switches.SWITCHES),
    *(f"set repository repoURL={url} --yes" for url in (SAMPLE, *_URLS)),
)
_READING = """
render q7sample dev
render web q7sample
render web dev --at q7sample
diff --against q7sample
diff --at q7sample
diff --env q7sample
history q7sample
history web q7sample
status q7sample
doctor q7sample --offline
doctor --offline --env q7sample
rules q7sample
components q7sample
validate q7sample
validate --kubernetes-version q7sample
set environment dev replicas=5 --branch=q7sample
q7sample
""".strip().splitlines()
_INITS = (
    *(("--repo-url", each) for each in (SAMPLE, *_URLS)),
    *(("--env", each) for each in (SAMPLE, f"dev={SAMPLE}", f"dev=https://{SAMPLE}")),
    *(("--image", each) for each in (SAMPLE, f"nginx:{SAMPLE}", f"{SAMPLE}/nginx", f"dev=nginx:{SAMPLE}")),
    *(("--set", f"{key}={SAMPLE}") for key in switches.SWITCHES),
    *(("--app", SAMPLE), ("--kubernetes-version", SAMPLE), ("--port", SAMPLE), ("--set", f"{SAMPLE}=true")),
)
_NAMES = ("repository_name", "repo_url", "branch", "kubernetes_version", "ci", "argosy_install", "format")
_ANSWERS: tuple[dict[str, Any], ...] = (
    *({key: SAMPLE} for key in (*_NAMES, SAMPLE)),
    *({"repo_url": url} for url in _URLS),
    {"signature_keys": [SAMPLE]},
    {"environments": [{"name": SAMPLE}]},
    {"environments": [{"name": "dev", "destination": {"name": SAMPLE}}]},
    {"environments": [{"name": "dev", "destination": {"server": SAMPLE}}]},
    {"environments": [{"name": "dev", "revision": SAMPLE}]},
    {"environments": [{"name": "dev", "namespace": SAMPLE}]},
    {"applications": [{"name": SAMPLE}]},
    {"applications": [{"name": "web", "team": SAMPLE}]},
    {"applications": [{"name": "web", "image": SAMPLE}]},
    {"applications": [{"name": "web", "image": f"nginx:{SAMPLE}"}]},
)


def trial(stand: Stand, chance: random.Random) -> None:
    """Give a hostile value a few times, each in a place of its own."""
    form, argocd = chance.choice(WRITTEN_HERE), chance.choice(list(ArgocdStyle))
    ci = chance.choice(list(CiHost))
    follows = ci is not CiHost.NONE
    chosen = model(
        ("web",), ("dev", "prod"), form=form, argocd=argocd, revision=RevisionStyle.TRUNK, ci=ci, follow_up=follows
    )
    root = changing.create(stand.folder / "gitops", chosen)
    for number in range(4):
        value = hostile(chance)
        kind = chance.choice(("write", "write", "write", "read", "init", "answer", "edit"))
        stand.counts["values"] += 1
        if kind == "read":
            before = state(root)
            stand.run(*_filled(chance.choice(_READING).split(" "), value), at=root)
            if {**state(root)[0]} != before[0]:
                stand.fault("wrong", f"{value!r} was written: {difference(before, state(root))}")
        elif kind == "write":
            _write(stand, root, (*chance.choice(_WRITING).split(" "), "--commit"), value)
        elif kind in {"init", "answer"}:
            _begin(stand, stand.folder / f"new-{number}", chance, value, by_answer=kind == "answer")
        else:
            _edit(stand, root, chance, value)
        for pwned in stand.folder.rglob("pwned*"):
            stand.fault("leaked", f"{value!r} was run: {pwned}")


def _filled(words: list[str] | tuple[str, ...], value: str) -> list[str]:
    return [word.replace(SAMPLE, value) for word in words]


def _write(stand: Stand, root: Path, line: tuple[str, ...], value: str) -> None:
    """Give a value to a command: nothing is written, or what is written with any other value."""
    before, head = state(root), git(root, "rev-parse", "HEAD").strip()
    ended = stand.run(*_filled(line, value), at=root)
    if ended.code:
        if state(root) != before:
            stand.fault("wrong", f"{value!r} was refused, and written: {difference(before, state(root))}")
        return
    stand.counts["accepted"] += 1
    found = files(root)
    git(root, "reset", "--quiet", "--hard", head)
    git(root, "clean", "--quiet", "-ffdx")
    sampled = stand.run(*line, at=root)
    if not sampled.code:
        _compare(stand, files(root), found, value)
    git(root, "reset", "--quiet", "--hard", head)
    git(root, "clean", "--quiet", "-ffdx")


def _begin(stand: Stand, place: Path, chance: random.Random, value: str, *, by_answer: bool) -> None:
    """Give a value to `init`, by an option or by an answer."""
    place.mkdir()
    line: tuple[str, ...] = ("init", "gitops", "--defaults", "--no-git", "--ci", chance.choice(list(CiHost)))
    answers: dict[str, Any] = {}
    if by_answer:
        answers = chance.choice(_ANSWERS)
        line = ("init", "gitops", "--no-git", "--defaults", "--answers", "../answers.yaml")
    else:
        line += chance.choice(_INITS)
    if SAMPLE not in " ".join(line) + str(answers):
        return
    trees = []
    for each in (value, SAMPLE):
        text = yaml.safe_dump(json.loads(json.dumps(answers).replace(SAMPLE, json.dumps(each)[1:-1])))
        (stand.folder / "answers.yaml").write_text(text, encoding="utf-8")
        stand.step(f"answers: {text!r}")
        ended = stand.run(*_filled(line, each), at=place)
        if ended.code:
            if (place / "gitops").exists() and ended.code != 1:
                stand.fault("wrong", f"{value!r} was refused, and written")
            return
        trees.append(files(place / "gitops"))
        (place / "gitops").rename(place / f"was-{len(trees)}")
    stand.counts["accepted"] += 1
    _compare(stand, trees[1], trees[0], value)


def _edit(stand: Stand, root: Path, chance: random.Random, value: str) -> None:
    """Write a value into a file of settings by hand, and apply it."""
    path, key = chance.choice(
        (
            ("environments/dev/environment.yaml", "revision"),
            ("environments/dev/environment.yaml", "destination"),
            ("environments/dev/environment.yaml", "promotesFrom"),
            ("environments/dev/environment.yaml", "namespace"),
            ("applications/web/application.yaml", "team"),
            ("applications/web/application.yaml", "promotion"),
            *(
                (".copier-answers.yml", key)
                for key in ("repo_url", "branch", "repository_name", "argosy_install", "_commit")
            ),
        )
    )
    settings = yaml.safe_load((root / path).read_text())
    settings[key] = {"destination": {"name": value}, "promotion": {"pinned": [value]}}.get(key, value)
    before, head = state(root), git(root, "rev-parse", "HEAD").strip()
    (root / path).write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    stand.step(f"{key} in {path}: {value!r}")
    edited = state(root)
    ended = stand.run("apply", "--yes", "--commit", at=root)
    if ended.code and state(root) != edited:
        stand.fault("wrong", f"{value!r} was refused, and written: {difference(edited, state(root))}")
    if not ended.code:
        stand.counts["accepted"] += 1
        for _ in _documents(stand, files(root)):
            pass
    stand.run("validate", at=root)
    git(root, "reset", "--quiet", "--hard", head)
    git(root, "clean", "--quiet", "-ffdx")
    assert state(root)[0] == before[0]


# What comes out


def _documents(stand: Stand, tree: dict[str, tuple[int, bytes]]) -> Iterator[tuple[str, Any]]:
    """Yield each file of a tree as what it says: YAML and JSON as values, all else as lines."""
    for path, (_, content) in tree.items():
        text = content.decode()
        try:
            if path.endswith(".json"):
                yield path, json.loads(text)
            elif path.endswith((".yaml", ".yml")) and "/templates/" not in path:
                yield path, list(yaml.safe_load_all(text))
            else:
                yield path, text.split("\n")
        except (ValueError, yaml.YAMLError) as error:
            stand.fault("wrong", f"{path} cannot be read any more: {error}")


def _compare(
    stand: Stand, sampled: dict[str, tuple[int, bytes]], found: dict[str, tuple[int, bytes]], value: str
) -> None:
    """See that a tree says of a value what another one says of a harmless one."""

    def replaced(node: Any) -> Any:
        if isinstance(node, str):
            return node.replace(SAMPLE, value)
        if isinstance(node, list):
            return [replaced(each) for each in node]
        return {replaced(key): replaced(each) for key, each in node.items()} if isinstance(node, dict) else node

    wanted = {replaced(path): replaced(node) for path, node in _documents(stand, sampled)}
    given = dict(_documents(stand, found))
    if wanted.keys() != given.keys():
        stand.fault("wrong", f"{value!r} gives other files: {sorted(wanted.keys() ^ given.keys())[:5]}")
    for path in wanted.keys() & given.keys():
        if where := _differs(wanted[path], given[path]):
            stand.fault("wrong", f"{value!r} in {path}: {where}")
        for script in _scripts(given[path]):
            if value in script and value.strip():
                _judge_script(stand, path, script, value)
    _build(stand, found)


def _differs(one: Any, other: Any, place: str = "") -> str:
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return next(filter(None, (_differs(one[key], other[key], f"{place}.{key}") for key in one)), "")
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return next(
            filter(None, (_differs(a, b, f"{place}[{n}]") for n, (a, b) in enumerate(zip(one, other, strict=True)))), ""
        )
    same = one == other and type(one) is type(other)
    return "" if same else f"{place} is {str(other)[:200]!r}, not {str(one)[:200]!r}"


def _scripts(node: Any) -> Iterator[str]:
    """Yield the shell scripts of CI's files."""
    if isinstance(node, list):
        for each in node:
            yield from _scripts(each)
    elif isinstance(node, dict):
        for key, each in node.items():
            if key in {"run", "script", "before_script"}:
                yield from (each if isinstance(each, list) else [each])
            else:
                yield from _scripts(each)


def _judge_script(stand: Stand, path: str, script: str, value: str) -> None:
    """See that a shell reads a value as one word, or as a part of one."""
    try:
        words = shlex.split(script, comments=True)
    except ValueError as error:
        words = [str(error)]
    if not any(value in word for word in words):
        stand.fault("leaked", f"{path}: a shell does not read {value!r} as text: {script[:300]!r}")


def _build(stand: Stand, tree: dict[str, tuple[int, bytes]]) -> None:
    """See that kubectl reads all that Argo CD applies."""
    folder = stand.folder / "build"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    listed: list[str] = []
    for path, (_, content) in tree.items():
        if path.startswith("argocd/") and path.endswith(".yaml") and "/install/" not in path:
            (folder / f"{len(listed)}.yaml").write_bytes(content)
            listed.append(f"{len(listed)}.yaml")
    (folder / "kustomization.yaml").write_text(yaml.safe_dump({"resources": listed}))
    if program := kubectl.bundled():
        command = [program, "kustomize", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            stand.fault("wrong", f"kubectl cannot read what was written: {done.stderr[-500:]}")
