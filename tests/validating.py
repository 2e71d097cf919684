"""Small repositories to validate."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from argosy.findings import Report, Status
from argosy.rules.registry import files_of
from argosy.validation import baseline, pipeline

_LINK = re.compile(r"^# link: (\S+) -> (\S+)$", re.MULTILINE)
_BRANCH = re.compile(r"^# git: (\S+)$", re.MULTILINE)
_EDITED = re.compile(r"^# edited: (\S+) (\S+) (\S+)$", re.MULTILINE)
_GONE = re.compile(r"^# gone: (\S+)$", re.MULTILINE)
_OTHER = re.compile(r"^# branch: (\S+)(?: without (\S+))?$", re.MULTILINE)

Validate = Callable[..., Report]


def write_files(root: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files below a folder."""
    for path, content in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())


def write_example(root: Path, example: str) -> None:
    """Make the repository that a rule's example describes: files, symbolic links, Git's branch."""
    write_files(root, files_of(example))
    for path, target in _LINK.findall(example):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).symlink_to(target)
    for path, old, new in _EDITED.findall(example):
        text = (root / path).read_text()
        for content, commands in ((text.replace(new, old), (("init", "-q", "-b", "main"),)), (text, ())):
            (root / path).write_text(content)
            for command in (*commands, ("add", "."), ("commit", "-q", "-m", "Edit")):
                subprocess.run(["git", *command], cwd=root, check=True)
    for branch in _BRANCH.findall(example):
        for command in (("init", "-q", "-b", branch), ("add", "."), ("commit", "-q", "-m", "Begin")):
            subprocess.run(["git", *command], cwd=root, check=True)
        for other, path in _OTHER.findall(example):
            subprocess.run(["git", "switch", "-q", "-c", other], cwd=root, check=True)
            if path:
                subprocess.run(["git", "rm", "-q", "-r", path], cwd=root, check=True)
                subprocess.run(["git", "commit", "-q", "-m", "Leave it out"], cwd=root, check=True)
            subprocess.run(["git", "switch", "-q", branch], cwd=root, check=True)
        for path in _GONE.findall(example):
            subprocess.run(["git", "rm", "-q", "-r", path], cwd=root, check=True)
            subprocess.run(["git", "commit", "-q", "-m", "Leave it out"], cwd=root, check=True)


@pytest.fixture
def validate(tmp_path: Path) -> Validate:
    """Return what validates the files that it is given, an example's text or path -> content, in a new folder."""

    def run(files: str | Mapping[str, str | bytes], **options: object) -> Report:
        if isinstance(files, str):
            write_example(tmp_path, files)
        else:
            write_files(tmp_path, files)
        chosen = pipeline.Options(**options, baseline=baseline.find(tmp_path))  # type: ignore[arg-type]
        return pipeline.validate(tmp_path, chosen)

    return run


def counts(report: Report) -> dict[str, int]:
    """Return how many documents of each status there are."""
    return {status.value: report.count(status) for status in Status}


def rules_of(report: Report) -> set[str]:
    """Return the ids of the rules that a report has findings of."""
    return {finding.rule for finding in report.findings}
