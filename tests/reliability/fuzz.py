"""Fuzz: bytes, YAML nodes, links and Git's own files of a repository are mutated, and argosy meets what comes out."""

from __future__ import annotations

import os
import random
import re
import stat
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.changing import files, git
from tests.reliability.repositories import create, difference, state
from tests.reliability.trials import Stand
from tests.reliability.words import HOSTILE, command_line

CANARY = "canary-6f1d2"
"""What stands outside of the repository alone."""
_WORDS = """
web dev staging prod shop qa HEAD main HEAD~1 helm manifests replicas=3 autoSync=false environment application
repository team=a namespace=live cluster=east repoURL=https://h/x.git quotas=true reloader applications
environments/dev argocd **
image.tag dev=nginx:1.2 nginx work
"""
LIKELY = _WORDS.split()
"""What a command line may well have in its places."""
CLASSES: Mapping[str, str] = {
    "settings": r"\.argosy\.yaml|\.copier-answers\.yml|.*/(environment|application)\.yaml",
    "Applications": r"argocd/.*",
    "chart": r"applications/.*",
    "values": r"environments/.*",
    "any": r".*",
}
SETTINGS = """\
host: {kind: gitea, web: 'https://git.example.com'}
ignore:
- {rule: image-tag, path: 'environments/**', reason: It is tried out.}
"""
_LOOKS = (
    ("validate", "--output", "json"),
    ("validate",),
    ("status", "--files"),
    ("status",),
    ("diff", "--against", "HEAD"),
    ("diff", "--between", "dev", "prod"),
    ("render", "web", "prod"),
    ("doctor", "--offline"),
    ("history", "web"),
    ("components",),
    ("promote", "--all", "--to", "staging", "--dry-run"),
)
CHANGES = (
    ("add", "app", "shop"),
    ("add", "env", "qa"),
    ("add", "component", "reloader"),
    ("remove", "app", "web", "--yes"),
    ("rename", "env", "prod", "live", "--yes"),
    ("set", "environment", "dev", "replicas=4"),
    ("apply", "--yes"),
    ("convert", "web", "--to", "kustomize", "--yes"),
    ("update",),
    ("promote", "web", "--to", "staging", "--yes"),
    ("rollback", "web", "staging", "--yes"),
    ("abort",),
)


def trial(stand: Stand, chance: random.Random) -> None:
    """Mutate a repository at a few places, and run a few commands on it."""
    made = create(chance, stand.folder / "gitops")
    outside = stand.folder / "outside"
    outside.mkdir()
    (outside / "secret.yaml").write_text(f"token: {CANARY}\n")
    (made.root / ".argosy.yaml").write_text(SETTINGS)
    git(made.root, "add", "--all")
    git(made.root, "commit", "--quiet", "--message", "Settings")
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
        if chance.random() < 0.1:
            _damage_git(stand, chance, made.root)
        else:
            _mutate(stand, chance, made.root, outside / "secret.yaml")
        stand.counts["mutations"] += 1
    if chance.random() < 0.5:
        for command in (("add", "--all"), ("commit", "--quiet", "--no-verify", "--message", "Mutate")):
            subprocess.run(["git", *command], cwd=made.root, capture_output=True, check=False)
    for _ in range(chance.randrange(1, 4)):
        line = chance.choice((chance.choice(_LOOKS), chance.choice(CHANGES), command_line(chance, LIKELY)))
        _look(stand, made.root, line)


def _look(stand: Stand, root: Path, line: tuple[str, ...]) -> None:
    """Run a command, which tells nothing of what is outside, and leaves all as it was where it refuses."""
    before = _state(root)
    ended = stand.run(*line, at=root)
    if CANARY in ended.out + ended.err:
        stand.fault("leaked", "what is outside of the repository is shown")
    # What the command line says may be said again: who wrote it is no stranger.
    if (found := re.search("[\x00-\x08\x0b-\x1f\x7f\x9b]", ended.out + ended.err)) and found[0] not in " ".join(line):
        around = (ended.out + ended.err)[max(found.start() - 60, 0) : found.end() + 20]
        stand.fault("wrong", f"a terminal would obey {around!r}")
    if before and ended.code == 2 and (after := _state(root)) != before:
        stand.fault("wrong", f"refused, and written all the same: {difference(before, after or before)}")


def _state(root: Path) -> Any:
    try:
        return state(root)
    except (OSError, ValueError, subprocess.CalledProcessError):
        return None  # Git itself cannot read it any more, or HEAD is no text.


# Mutations


def _mutate(stand: Stand, chance: random.Random, root: Path, secret: Path) -> None:
    pattern = CLASSES[chance.choice(list(CLASSES))]
    paths = [
        path
        for path in sorted(files(root))
        if re.fullmatch(pattern, path) and stat.S_ISREG((root / path).lstat().st_mode)
    ]
    if not paths:
        return
    path = chance.choice(paths)
    file = root / path
    if chance.random() < 0.12:
        _replace(stand, chance, file, secret)
        return
    content = file.read_bytes()
    is_tree = path.endswith((".yaml", ".yml", ".json")) and b"{{" not in content
    changed = _nodes(chance, content) if is_tree and chance.random() < 0.6 else mutated(chance, content)
    file.write_bytes(changed)
    stand.step(f"mutated {path}: {_shown(content, changed)}")


def _common(one: bytes, other: bytes) -> int:
    """Return how many bytes two contents have in common at their beginning."""
    shorter = min(len(one), len(other))
    return next((place for place in range(shorter) if one[place] != other[place]), shorter)


def _shown(before: bytes, after: bytes) -> str:
    """Return the part in which two contents differ."""
    start = _common(before, after)
    end = _common(before[start:][::-1], after[start:][::-1])
    return f"{before[start : len(before) - end][:200]!r} -> {after[start : len(after) - end][:200]!r}"


def _replace(stand: Stand, chance: random.Random, file: Path, secret: Path) -> None:
    """Put something else in a file's place, or name it otherwise."""
    kind = chance.choice(("link", "above", "device", "round", "folder", "pipe", "gone", "name", "chart"))
    stand.step(f"replaced {file}: {kind}")
    content = file.read_bytes()
    file.unlink()
    if kind in {"link", "above", "device", "round"}:
        above = os.path.relpath(secret, file.parent)
        file.symlink_to({"above": above, "device": "/dev/zero", "link": str(secret)}.get(kind) or file.name)
    elif kind == "folder":
        file.mkdir()
        (file / "x.yaml").write_bytes(content)
    elif kind == "pipe":
        os.mkfifo(file)
    elif kind == "name":
        names = [
            b"\xff\xfe.yaml",
            b"a\nb.yaml",
            b"\x1b[31m.yaml",
            b"-x.yaml",
            b" .yaml",
            b"{{a}}.yaml",
            b"x" * 250 + b".yaml",
        ]
        Path(os.fsdecode(os.fsencode(file.parent) + b"/" + chance.choice(names))).write_bytes(content)
    elif kind == "chart":
        file.parent.joinpath("Chart.yaml").write_text(chance.choice(HOSTILE))


def mutated(chance: random.Random, content: bytes) -> bytes:
    """Return a content with a few bytes of it changed."""
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 5))):
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.choice((1, 3, 20, 200)))
        kind = chance.randrange(7)
        if kind == 0 and data:
            data[min(at, len(data) - 1)] = chance.randrange(256)
        elif kind == 1:
            del data[at:end]
        elif kind == 2:
            data[at:at] = chance.choice(HOSTILE).encode("utf-8", "surrogatepass")
        elif kind == 3:
            data[at:at] = data[at:end] * chance.choice((1, 2, 500))
        elif kind == 4:
            del data[at:]
        elif kind == 5:
            data[at:end] = bytes(chance.randrange(256) for _ in range(end - at))
        else:
            data[at:at] = chance.choice(
                (b"\xef\xbb\xbf", b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80", b"\r", b"\0", b"\t", b"\xf4\x90\x80\x80")
            )
    return bytes(data)


class _Raw(str):
    """What is written into YAML as it is."""

    __slots__ = ()


def _nodes(chance: random.Random, content: bytes) -> bytes:
    """Return a YAML or JSON text with a node of it replaced by another kind of value."""
    try:
        documents = list(yaml.safe_load_all(content))
    except (yaml.YAMLError, ValueError):
        return mutated(chance, content)
    whole: list[Any] = documents
    holder: Any = whole
    key: Any = chance.randrange(len(documents)) if documents else None
    while key is not None and isinstance(holder[key], (dict, list)) and holder[key] and chance.random() < 0.8:
        holder = holder[key]
        key = chance.choice([*holder]) if isinstance(holder, dict) else chance.randrange(len(holder))
    if key is None:
        return mutated(chance, content)
    marker = "q7q7q7"
    value = _value(chance, holder[key])
    if isinstance(holder, dict) and chance.random() < 0.2:
        holder[marker] = holder.pop(key)
        raw = chance.choice(_TEXTS)
    elif isinstance(value, _Raw):
        holder[key], raw = marker, str(value)
    else:
        holder[key], raw = value, marker
    try:
        text = yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True)
    except (yaml.YAMLError, TypeError, ValueError):
        return mutated(chance, content)
    return text.replace(marker, raw).encode("utf-8", "surrogatepass")


_TEXTS: Sequence[str] = (
    *HOSTILE,
    "[" * 5000,
    "{a: " * 3000,
    "&a [*a]",
    "&a [1, &b [*b, *b]]",
    "!!binary x",
    "!!set {a, b}",
    "!x y",
    "{<<: {a: b}}",
    "{1: a, 1: b}",
    "{[a]: b}",
    "{null: a}",
    "{yes: a}",
    "9" * 400,
    "0x" + "f" * 400,
    "1.0e999",
    "-.inf",
    ".nan",
    "2024-99-99",
    "!!timestamp 2024-01-01",
    "[" + "a, " * 5000 + "]",
    "&a {b: 1}\nz: [*a, *a, *a]",
)


def _value(chance: random.Random, value: Any) -> Any:
    """Return another value than this one."""
    kinds: Sequence[Callable[[], Any]] = (
        lambda: None,
        lambda: chance.choice((True, False, 0, -1, 1, 2**31, 2**63, 10**30, 0.5, float("inf"), float("nan"))),
        lambda: [],
        lambda: {},
        lambda: [value],
        lambda: {"a": value},
        lambda: [value] * 300,
        lambda: str(value),
        lambda: chance.choice(HOSTILE),
        lambda: _Raw(chance.choice(_TEXTS)),
        lambda: {str(value): value},
        lambda: [None, value, {}],
    )
    return chance.choice(kinds)()


def _damage_git(stand: Stand, chance: random.Random, root: Path) -> None:
    """Change a few bytes of a file that is Git's own, or take it away."""
    found = [path for path in sorted((root / ".git").rglob("*")) if path.is_file() and "hooks" not in path.parts]
    kept = [path for path in found if chance.random() < 0.3 or "objects" not in path.parts] or found
    file = chance.choice(kept)
    content = file.read_bytes()
    file.chmod(0o644)
    if chance.random() < 0.2:
        file.unlink()
        stand.step(f"removed {file.relative_to(root)}")
        return
    # What git is configured to run is trusted: nobody but its owner can write there.
    changed = content[: chance.randrange(len(content) + 1)] if file.name == "config" else mutated(chance, content)
    file.write_bytes(changed)
    stand.step(f"damaged {file.relative_to(root)}: {_shown(content, changed)}")
