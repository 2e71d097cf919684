"""`argosy help`: the pages, what leads to them, and that nothing leads to a page that is not there."""

from __future__ import annotations

import ast
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import argosy as package
from argosy import pages
from argosy.cli import COMMANDS
from argosy.rules import catalogue
from tests import goldens
from tests.cli import walking
from tests.conftest import Argosy, Process

SOURCE = Path(package.__file__).parent
ROOT = SOURCE.parents[1]


def test_the_list_the_page_and_a_misspelt_one(argosy: Argosy) -> None:
    listed = argosy("help").out
    assert re.search(r"(?m)^promote +Promote, and roll back$", listed)
    assert [line.split()[0] for line in listed.splitlines()] == list(pages.topics())
    shown = argosy("help", "promote")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith("Usage: argosy promote ")
    assert "\n# Promote, and roll back\n" in shown.out
    assert "<!--" not in shown.out
    assert "images/" not in argosy("help", "page").out
    # Links lead to commands, and what is in code stays what it is.
    assert "(argosy help " in shown.out
    assert not re.search(r"\]\([^)]*\.md", shown.out)
    assert argosy("help", "add").out.startswith("Usage: argosy add ")
    wrong = argosy("help", "promte")
    assert (wrong.code, "Did you mean “promote”?" in wrong.err) == (2, True)


def test_a_shell_completes_topics(process: Process) -> None:
    env = {"_ARGOSY_COMPLETE": "bash_complete", "COMP_WORDS": "argosy help pro", "COMP_CWORD": "2"}
    topics = ("programs", "projects", "promote", "protection", "production", "promotion")
    assert process(env=env).out.split() == [f"plain,{each}" for each in topics]


def test_a_terminal_gets_a_pager_and_a_pipe_none(tmp_path: Path) -> None:
    pager = tmp_path / "pager"
    pager.write_text("#!/bin/sh\necho PAGED\ncat\n")
    pager.chmod(0o755)
    environment = {**os.environ, "PAGER": str(pager), "TERM": "xterm"}
    command = [sys.executable, "-m", "argosy", "help", "init"]
    piped = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    assert "# Start a repository" in piped
    leader, follower = pty.openpty()
    with subprocess.Popen(command, env=environment, stdin=follower, stdout=follower, stderr=follower):
        os.close(follower)
        shown = b""
        while part := _read(leader):
            shown += part
    os.close(leader)
    assert shown.startswith(b"PAGED\r\nUsage: argosy init")


def _read(leader: int) -> bytes:
    try:
        return os.read(leader, 65536)
    except OSError:  # The other end is closed.
        return b""


def texts() -> Iterator[tuple[str, str]]:
    """Yield what users read: the code's strings, the data's and the pages' text, and what is generated."""
    for path in sorted(SOURCE.rglob("*.py")):
        code = path.read_text(encoding="utf-8")
        # The words by which something is referred to; no line is broken within one.
        if not re.search(r"help|rules|docs/|README", code):
            continue
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node.value
    for path in sorted((SOURCE / "catalogue").rglob("*.yaml")):
        yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
    for name, page in pages.topics().items():
        yield name, page.read_text(encoding="utf-8")
    known: set[bytes] = set()
    for name in goldens.NAMES:
        for made, file in goldens.made(name).items():
            if file.content not in known:
                yield f"{name}/{made}", file.content.decode()
            known.add(file.content)


def test_whatever_argosy_refers_to_is_there() -> None:
    known, rules = {*pages.topics(), *COMMANDS, "TOPIC", "TOPIC`"}, {each.id for each in catalogue.ordered()}
    for where, text in texts():
        for topic in re.findall(r"argosy help ([a-z][a-z-]*)", text):
            assert topic in known, f"{where}: argosy help {topic}"
        for rule in re.findall(r"argosy rules ([a-z]+-[a-z-]+)", text):
            assert rule in rules or (where, rule) == ("extensions", "acme-owner"), f"{where}: argosy rules {rule}"
        # Nobody who installed argosy has its docs/; a repository's own are its runbooks.
        for page in re.findall(r"argosy's (docs/\S+)|(?<!hack/)(docs/how-to/\S+)", text):
            pytest.fail(f"{where}: {page} is not where argosy is installed: name argosy help TOPIC")
        for heading in re.findall(r"README\.md says under “([^”]+)”", text):
            assert any(
                f"\n## {heading}\n" in goldens.made(name)["README.md"].content.decode() for name in goldens.NAMES
            )


def test_each_generated_file_names_files_that_are_there() -> None:
    for name in goldens.NAMES:
        made = goldens.made(name)
        for path, file in made.items():
            for link in re.findall(r"(?<!\w)(?:docs/runbooks/[\w-]+\.md|README\.md)", file.content.decode()):
                assert link in made, f"{name}/{path}: {link}"
            if path.endswith(".md"):
                for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", file.content.decode()):
                    assert os.path.normpath(f"{Path(path).parent}/{link}") in made, f"{name}/{path}: {link}"


def test_the_reference_has_every_command_however_deep() -> None:
    headings = re.findall(r"(?m)^## `(argosy .*)`$", pages.topics()["reference"].read_text(encoding="utf-8"))
    assert {each.command_path for each in walking.commands()} <= {*headings}


def test_the_pages_links_lead_to_pages_and_headings() -> None:
    def anchors(text: str) -> set[str]:
        code = re.sub(r"(?ms)^```.*?^```$", "", text)
        return {
            re.sub(r"[^\w -]", "", title.lower()).strip().replace(" ", "-")
            for title in re.findall(r"(?m)^#+ (.*)$", code)
        }

    for page in [*pages.topics().values(), ROOT / "README.md", ROOT / "docs" / "architecture.md"]:
        text = page.read_text(encoding="utf-8")
        for path, anchor in re.findall(r"\]\(([^)#:{}]*)(?:#([^)]*))?\)", re.sub(r"(?s)<!--.*?-->", "", text)):
            target = (page.parent / path) if path else page
            assert target.exists(), f"{page.name}: {path}"
            if anchor and target.name != "rules.md":
                assert anchor in anchors(target.read_text(encoding="utf-8")), f"{page.name}: {path}#{anchor}"
