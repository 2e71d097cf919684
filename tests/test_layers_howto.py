"""docs/how-to/layers.md, run as it stands: whoever follows it gets what it says."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from argosy.template import versions
from tests.changing import commit, git
from tests.conftest import Argosy

PAGE = Path(__file__).parents[1] / "docs/how-to/layers.md"
SECTION = re.compile(r"^## (.*)\n", re.MULTILINE)
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEREDOC = re.compile(r"<<'EOF'$")


@pytest.fixture
def template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a checkout of the built-in template, which is all that argosy knows of it in the test."""
    root, source = tmp_path / "argosy", Path(versions.__file__).parents[3]
    root.mkdir()
    shutil.copy(source / "copier.yml", root)
    shutil.copytree(source / "templates", root / "templates")
    git(root, "init", "--quiet", "--initial-branch=main")
    commit(root, message="As it is")
    monkeypatch.setattr(versions, "_CHECKOUT", root)
    versions.current.cache_clear()
    yield root
    versions.current.cache_clear()


def sections() -> dict[str, str]:
    """Return the commands of each section of the page."""
    _, *parts = SECTION.split(PAGE.read_text())
    return {title: "".join(BLOCK.findall(text)) for title, text in zip(parts[::2], parts[1::2], strict=True)}


def run(argosy: Argosy, script: str) -> str:
    """Run commands, argosy's in this process, and return what these print."""
    said, shell, inside = "", "", False
    for line in [*script.splitlines(), "argosy"]:
        inside = (inside or bool(HEREDOC.search(line))) and line != "EOF"
        if inside or not line.startswith("argosy"):
            shell += f"{line}\n"
            continue
        # The folder that a shell ends in, the next one begins in.
        done = subprocess.run(["bash", "-euc", f"{shell}\npwd"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, (shell, done.stderr)
        out, _, folder = done.stdout.rstrip("\n").rpartition("\n")
        os.chdir(folder)
        said, shell = f"{said}{out}\n", ""
        command, _, other = line.partition("#")[0].partition("||")
        if arguments := shlex.split(command)[1:]:
            result = argosy(*arguments)
            assert result.code == 0 or other, (line, result.err)
            said += f"$ {command}\n{result.out}{result.err}"
    return said


def test_the_page_does_what_it_says(tmp_path: Path, argosy: Argosy, template: Path) -> None:
    (tmp_path / "work").mkdir()
    os.chdir(tmp_path / "work")
    page = sections()
    run(argosy, page["Make one, in ten minutes"])
    said = run(argosy, page["Begin a repository with it"])
    assert "Valid" in said
    assert "applications/shop/SUPPORT.md  (layer acme v1.0.0)" in said
    root = tmp_path / "work/gitops"
    assert (root / ".gitlab-ci.yml").is_file()
    assert "- argosy template fetch\n    - argosy update --pull-request\n" in (root / ".gitlab-ci.yml").read_text()
    assert not (root / "renovate.json").exists()
    chart = root / "applications/worker/charts/worker"
    assert {each.name for each in (chart / "templates").iterdir()} == {"deployment.yaml", "service.yaml"}
    labels = yaml.safe_load((root / "argocd/qa/worker.yaml").read_text())["metadata"]["labels"]
    assert labels["acme.example/cost-centre"] == "42"
    manifests = [*yaml.safe_load_all(argosy("render", "worker", "qa").out)]
    assert {each["kind"] for each in manifests} >= {"Deployment", "Service"}
    assert all(each["metadata"]["labels"]["acme.example/cost-centre"] == "42" for each in manifests)
    assert (root / "applications/worker/SUPPORT.md").read_text().startswith("# Support of worker\n")

    editor = template / "templates/.gitattributes"
    editor.write_text(editor.read_text() + "\n# Newer.\n")
    commit(template, message="A newer version")
    versions.current.cache_clear()
    said = run(argosy, page["Newer versions"])
    assert "There is a newer template" in said
    assert "There is a newer version of the layer acme v1.0.0: v1.1.0." in said
    assert (root / ".gitattributes").read_text().endswith("# Newer.\n")
    assert (root / "HELP.md").is_file()
    support = (root / "applications/shop/SUPPORT.md").read_text()
    assert support == "# Who supports shop\n\nCost centre 42. Call 4712 at night.\n"
    assert "cpu: 200m" in (root / "applications/shop/charts/shop/values.yaml").read_text()
    answers = yaml.safe_load((root / ".copier-answers.acme.yml").read_text())
    assert answers["_commit"].startswith("v1.1.0-0-g")
    assert git(root, "status", "--porcelain") == ""

    said = run(argosy, page["Regenerate some of it"])
    assert "edited here" in said
    assert "Call 4711" in (root / "applications/shop/SUPPORT.md").read_text()
    last = said.rpartition("$ argosy diff --template shop")[2]
    assert "values.yaml" in last
    assert "SUPPORT.md" not in last
