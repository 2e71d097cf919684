"""An application comes to its first next environment with a promotion."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from argosy.repository.model import Format
from argosy.template import versions
from tests.conftest import Argosy, Git
from tests.promoting import message, path, start, text

SETTINGS = """
config:
  LOG_LEVEL: debug
env:
  DB: db.dev.internal
resources: {limits: {memory: 64Mi}}
ingress:
  hosts: [{host: api.dev.example.com}]
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository with web everywhere, which is where one is."""
    root = start(tmp_path / "gitops", Format.HELM)
    monkeypatch.chdir(root)
    return root


def added(argosy: Argosy, *arguments: str) -> None:
    made = argosy("add", "app", "api", "--env", "dev", "--image", "ghcr.io/acme/api:2.0", "--commit", *arguments)
    assert made.code == 0, made.err


def test_to_a_repository_that_copier_made(argosy: Argosy, git: Git, repository: Path) -> None:
    added(argosy)
    answers, known = repository / ".copier-answers.yml", versions.current().version
    answers.write_text(answers.read_text().replace(known, "v1.2.0"))
    git(repository, "commit", "--quiet", "--all", "--message", "Say where it is from")
    made = argosy("promote", "api", "--to", "staging", "--yes", "--commit", "--leave", "**", "--no-validate")
    assert made.code == 0, made.err
    assert known in git(repository, "show", "HEAD:.copier-answers.yml")


def test_what_people_set_comes_along_and_the_rest_is_what_the_environment_says(
    argosy: Argosy, git: Git, repository: Path
) -> None:
    added(argosy, "--port", "9000")
    values = repository / path("dev", Format.HELM, "api")
    values.write_text(values.read_text() + SETTINGS)
    (repository / "environments/dev/api/notes.txt").write_text("Read me\n")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "Configure api")

    everything = argosy("promote", "--all", "--to", "staging", "--dry-run")
    assert "Not in staging yet, and so left out: api." in everything.err + everything.out
    assert "argosy promote api --from dev --to staging brings it there." in everything.err + everything.out

    asked = argosy("promote", "api", "--to", "staging", "--yes", "--commit")
    assert asked.code == 3
    assert not (repository / "environments/staging/api").exists()
    verdicts = {line.split()[0]: line for line in asked.out.splitlines() if line}
    assert "ingress.hosts" in verdicts
    assert "staging needs a value of its own" in verdicts["resources"]
    assert "it names dev; staging needs a value of its own" in verdicts["env"]
    assert "comes with api" in verdicts["config"]

    made = argosy("promote", "api", "--to", "staging", "--yes", "--commit", "--leave", "**", "--take", "resources")
    assert made.code == 0, made.err
    assert message(repository).splitlines()[-1].startswith("Argosy-Promotion: api dev -> staging ")
    found = yaml.safe_load(text(repository, path("staging", Format.HELM, "api")))
    assert found["image"] == {"repository": "ghcr.io/acme/api", "tag": "2.0", "pullPolicy": "IfNotPresent"}
    assert (found["service"]["port"], found["replicaCount"]) == (9000, 2)
    assert (found["config"], found["resources"]) == ({"LOG_LEVEL": "debug"}, {"limits": {"memory": "64Mi"}})
    assert not {"env", "ingress"} & found.keys()
    assert text(repository, "environments/staging/api/notes.txt") == "Read me\n"
    assert 'name: "api-staging"' in text(repository, "argocd/staging/api.yaml")

    # It is an application like any other from then on.
    assert argosy("apply", "--dry-run").out.count("staging") == 0
    values.write_text(values.read_text().replace('"2.0"', '"2.1"'))
    git(repository, "commit", "--quiet", "--all", "--message", "Release")
    again = argosy("promote", "api", "--to", "staging", "--yes", "--commit", "--no-validate")
    assert again.code == 0, again.err + again.out
    assert "2.1" in argosy("history", "api", "staging", "--limit", "1").out


def test_several_at_once_beside_one_that_is_there(argosy: Argosy, git: Git, repository: Path) -> None:
    added(argosy)
    made = argosy("add", "app", "jobs", "--env", "dev", "--format", "kustomize", "--commit")
    assert made.code == 0, made.err
    made = argosy("promote", "web", "api", "jobs", "--to", "staging", "--yes", "--commit")
    assert made.code == 0, made.err
    # Each is told of, also what is as the template wrote it.
    told = [each.split()[1] for each in message(repository).splitlines() if each.startswith("Argosy-Promotion: ")]
    assert told == ["api", "jobs"]
    assert "promotion  dev   staging" in argosy("history", "jobs", "staging").out
    changed = git(repository, "show", "--name-only", "--format=", "HEAD").split()
    assert {each.rpartition("/")[0] for each in changed} == {
        *("argocd/staging", "environments/staging/api", "environments/staging/jobs")
    }
    assert argosy("validate", "--quiet").code == 0
    gone = argosy("promote", "jobs", "--to", "prod", "--from", "dev", "--dry-run")
    assert gone.code == 0, gone.err
