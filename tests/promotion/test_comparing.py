"""Two environments compared: what belongs to each of them is set apart from what should be the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from argosy.repository.model import WRITTEN_HERE, Format, RevisionStyle
from tests.changing import create, git, model
from tests.conftest import Argosy

EDITS = {
    Format.HELM: (
        "values.yaml",
        [('tag: "1.29.3-alpine"', 'tag: "1.30.0"'), ("# config:\n#   LOG_LEVEL: info", "config:\n  LOG_LEVEL: debug")],
        {"image.tag", "config"},
        {"replicaCount"},
    ),
    Format.KUSTOMIZE: (
        "kustomization.yaml",
        [('newTag: "1.29.3-alpine"', 'newTag: "1.30.0"')],
        {"images.my-app.newTag"},
        {"replicas.my-app.count", "labels"},
    ),
    Format.MANIFESTS: (
        "deployment.yaml",
        [("nginx:1.29.3-alpine", "nginx:1.30.0"), ("periodSeconds: 2", "periodSeconds: 4")],
        {
            "Deployment/my-app: spec.template.spec.containers.my-app.image",
            "Deployment/my-app: spec.template.spec.containers.my-app.startupProbe.periodSeconds",
        },
        {"Deployment/my-app: spec.replicas"},
    ),
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return tmp_path / "gitops"


def start(repository: Path, form: Format = Format.HELM, revision: RevisionStyle = RevisionStyle.TRUNK) -> None:
    """Make a repository of one application."""
    create(repository, model(("my-app",), ("dev", "staging", "prod"), form=form, revision=revision))
    for environment in ("dev", "staging", "prod") if revision is RevisionStyle.BRANCH else ():
        git(repository, "branch", environment)


def compared(repository: Path, argosy: Argosy, *arguments: str) -> dict[str, Any]:
    told = argosy("diff", "--between", "dev", "prod", "--output", "json", "--repository", str(repository), *arguments)
    assert told.code == 0, told.err
    found: dict[str, Any] = json.loads(told.out)
    return found


@pytest.mark.parametrize("form", WRITTEN_HERE)
def test_what_no_policy_pins_is_set_apart(form: Format, repository: Path, argosy: Argosy) -> None:
    start(repository, form)
    assert compared(repository, argosy)["unexpected"]["applications"] == []
    name, changes, unexpected, expected = EDITS[form]
    file = repository / "environments/dev/my-app" / name
    for old, new in changes:
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))

    found = compared(repository, argosy)
    assert {each["key"] for each in found["unexpected"]["keys"]} == unexpected
    assert expected <= {each["key"] for each in found["expected"]["keys"]}
    (changed,) = found["unexpected"]["applications"]
    written = "".join(each["diff"] for each in changed["resources"])
    assert "nginx:1.30.0" in written
    assert "replicas" not in written
    (belongs,) = found["expected"]["applications"]
    written = "".join(each["diff"] for each in belongs["resources"])
    assert "-  replicas: 1\n+  replicas: 3" in written
    assert "nginx:1.29.3-alpine\n+" not in written
    assert "my-app-dev" not in written  # The namespace is no difference of what runs in it.


def test_people_read_both_parts(repository: Path, argosy: Argosy) -> None:
    start(repository)
    values = repository / "environments/dev/my-app/values.yaml"
    values.write_text(values.read_text().replace("1.29.3-alpine", "1.30.0"))
    for output in ("text", "markdown"):
        told = argosy("diff", "--between", "dev", "prod", "--output", output, "--repository", str(repository))
        assert told.code == 0
        first, second = told.out.split("Expected: what belongs to dev or to prod")
        assert "my-app image.tag: 1.30.0 in dev, 1.29.3-alpine in prod" in first
        assert "my-app replicaCount: 1 in dev, 3 in prod" in second
    told = argosy("diff", "--between", "dev", "prod", "--exit-code", "--quiet", "--repository", str(repository))
    assert told.code == 1
    told = argosy("diff", "--between", "staging", "prod", "--exit-code", "--quiet", "--repository", str(repository))
    assert told.code == 0


def test_an_application_in_one_of_them_alone_is_said(repository: Path, argosy: Argosy) -> None:
    start(repository)
    quick = ("--quiet", "--commit", "--no-validate", "--repository", str(repository))
    added = argosy("add", "app", "web", "--env", "dev", *quick)
    assert added.code == 0, added.err
    found = compared(repository, argosy)
    assert (found["onlyFrom"], found["onlyTo"]) == (["web"], [])
    told = argosy("diff", "--between", "dev", "prod", "--repository", str(repository))
    assert told.out.startswith("Only in dev: web.\n")


def test_each_environment_is_read_from_its_own_branch(repository: Path, argosy: Argosy) -> None:
    start(repository, revision=RevisionStyle.BRANCH)
    git(repository, "switch", "--quiet", "dev")
    values = repository / "environments/dev/my-app/values.yaml"
    values.write_text(values.read_text().replace("1.29.3-alpine", "1.30.0"))
    git(repository, "commit", "--quiet", "--all", "--message", "new")
    git(repository, "switch", "--quiet", "main")
    assert [each["key"] for each in compared(repository, argosy)["unexpected"]["keys"]] == ["image.tag"]
    assert compared(repository, argosy, "--at", "main")["unexpected"]["keys"] == []


def test_secrets_stay_secret(repository: Path, argosy: Argosy) -> None:
    start(repository, Format.MANIFESTS)
    for environment in ("dev", "prod"):
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "stringData": {"key": environment}}
        file = repository / "environments" / environment / "my-app/secret.yaml"
        file.write_text(json.dumps(secret).replace('"key": "', '"key": "hush-'))
    for output in ("text", "markdown", "json"):
        told = argosy("diff", "--between", "dev", "prod", "--output", output, "--repository", str(repository))
        assert told.code == 0, told.err
        assert "Secret/key" in told.out or '"Secret"' in told.out
        assert "hush" not in told.out


def test_what_cannot_be_meant_is_refused(repository: Path, argosy: Argosy) -> None:
    start(repository)
    for arguments, said in (
        (("--between", "dev", "dev"), "Both environments are the same"),
        (("--between", "dev", "nope"), "There is no environment “nope”"),
        (("--between", "dev", "prod", "--against", "main"), "--between can be combined only"),
        (("nope", "--between", "dev", "prod"), "There is no application “nope”"),
    ):
        told = argosy("diff", *arguments, "--repository", str(repository))
        assert (told.code, said in told.err) == (2, True), told.err


def test_what_cannot_be_rendered_is_an_error(repository: Path, argosy: Argosy) -> None:
    start(repository)
    values = repository / "environments/prod/my-app/values.yaml"
    values.write_text(values.read_text().replace("replicaCount: 3", "replicaCount: [3]"))
    told = argosy("diff", "--between", "dev", "prod", "--repository", str(repository))
    assert told.code == 2
    assert "my-app-prod cannot be rendered" in told.err
