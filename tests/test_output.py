"""What a stranger's repository makes argosy print: no terminal, no CI server and no page of a host obeys any of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from argosy.repository.model import Format
from tests.changing import commit, create, edit, git, model
from tests.conftest import Argosy

EVIL = "\x1b]52;c;aGk=\x07\x9b2J\u202e\r::error::x ##vso[task.complete]"
OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]"
    "|^\\s*::|##\\[|##vso\\[|##teamcity\\[|section_(start|end):\\d",
    re.MULTILINE,
)
CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: shown}
data:
  evil: %s
  lines: |
    one
    ::error::two
    ##[group]three
"""
COMMANDS = [
    ("validate",),
    ("validate", "--output", "json"),
    ("validate", "--output", "sarif"),
    ("validate", "--output", "junit"),
    ("diff", "--against", "HEAD~2"),
    ("diff", "--against", "HEAD~2", "--output", "markdown"),
    ("diff", "--against", "HEAD~2", "--output", "json"),
    ("diff", "--between", "dev", "prod"),
    ("render", "web", "dev"),
    ("render", "web", "dev", "--output", "json"),
    ("status",),
    ("status", "web"),
    ("status", "--output", "markdown"),
    ("status", "--files"),
    ("history", "web"),
    ("history", "web", "--output", "markdown"),
    ("doctor", "--offline"),
    ("doctor", "--offline", "--output", "markdown"),
    ("promote", "web", "--from", "dev", "--to", "prod", "--dry-run"),
    ("promote", "web", "--from", "dev", "--to", "prod", "--dry-run", "--output", "json"),
    ("remove", "app", "web", "--dry-run"),
    ("render", "web", EVIL),
    ("status", f"a{EVIL}"),
    ("diff", "--against", f"a{EVIL}"),
    (f"a{EVIL}",),
]


@pytest.fixture
def hostile(tmp_path: Path, argosy: Argosy, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository in which whatever is shown is hostile."""
    root = create(tmp_path / "gitops", model(form=Format.MANIFESTS))
    quoted = json.dumps(EVIL)
    commit(root, {"environments/dev/web/shown.yaml": CONFIG_MAP % quoted})
    git(root, "-c", f"user.name=Ada{EVIL}", "commit", "--quiet", "--allow-empty", "--message", f"Promote {EVIL}")
    deployment = next((root / "environments/dev/web").glob("*eployment.yaml"))
    text = deployment.read_text()
    deployment.write_text(re.sub(r"image: (.*)", lambda _: f"image: {quoted}", text))
    broken, unknown = f"argocd/dev/a{EVIL.replace('/', '')}.yaml", CONFIG_MAP.replace("ConfigMap", quoted) % quoted
    commit(root, {broken: "kind: [\n", "argocd/x.yaml": unknown})
    monkeypatch.chdir(root)
    return root


def test_nothing_that_is_printed_is_obeyed(hostile: Path, argosy: Argosy) -> None:
    for command in COMMANDS:
        result = argosy(*command)
        assert "Traceback" not in result.err, command
        found = OBEYED.search(f"{result.out}\n{result.err}")
        assert not found, (command, found)


def test_what_is_printed_for_programs_says_the_same(hostile: Path, argosy: Argosy) -> None:
    as_yaml = yaml.safe_load_all(argosy("render", "web", "dev").out)
    as_json = json.loads(argosy("render", "web", "dev", "--output", "json").out)["items"]
    for manifests in (list(as_yaml), as_json):
        shown = next(each for each in manifests if each["metadata"]["name"] == "shown")
        assert shown["data"] == {"evil": EVIL, "lines": "one\n::error::two\n##[group]three\n"}


def test_annotations_are_only_those_that_argosy_means(hostile: Path, argosy: Argosy) -> None:
    lines = argosy("validate", "--output", "github").out.splitlines()
    commands = [line for line in lines if line.lstrip().startswith("::")]
    assert commands
    assert all(re.match("::(error|warning) file=[^:]+::", line) for line in commands)
    assert not OBEYED.search("\n".join(line.removeprefix("::") for line in lines))


CANARY = "canary6f1d2"
SECRETS = f"""\
apiVersion: v1
kind: Secret
metadata:
  name: one
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{{"stringData":{{"a":"{CANARY}"}}}}'
stringData: {{a: {CANARY}, b: 6012}}
stringdata: {{a: {CANARY}}}
data: {{c: {CANARY}}}
---
apiVersion: v2
kind: Secret
metadata: {{name: two}}
stringData: {CANARY}
---
apiVersion: v1
kind: List
items: [{{apiVersion: v1, kind: Secret, metadata: {{name: three}}, data: {CANARY}}}]
---
apiVersion: v1
kind: SecretList
items: [{{metadata: {{name: four}}, stringData: {{a: {CANARY}, d: 6012}}}}]
---
apiVersion: v1
kind: Secret
metadata: {{name: repository, labels: {{argocd.argoproj.io/secret-type: repository}}}}
stringData: {{url: "https://ada:{CANARY}@git.example.com/a/b", password: {CANARY}}}
"""
OPEN = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: open}}\ndata: {{a: open-{CANARY}}}\n"


def test_what_a_secret_holds_is_not_shown(tmp_path: Path, argosy: Argosy, monkeypatch: pytest.MonkeyPatch) -> None:
    root = create(tmp_path / "gitops", model(form=Format.MANIFESTS))
    commit(root, {"environments/dev/web/secrets.yaml": SECRETS, "environments/dev/web/open.yaml": OPEN})
    monkeypatch.chdir(root)
    for command in COMMANDS:
        if command[0] not in {"render", "remove"}:  # Which print manifests and files as they are.
            command = tuple("HEAD~1" if each == "HEAD~2" else each for each in command)  # noqa: PLW2901
            result = argosy(*command)
            shown = (result.out + result.err).replace(f"open-{CANARY}", "")
            assert CANARY not in shown, command
            assert "6012" not in shown, command
    assert f"open-{CANARY}" in argosy("diff", "--against", "HEAD~1").out


def test_doctor_shows_no_login_of_a_url(tmp_path: Path, argosy: Argosy, monkeypatch: pytest.MonkeyPatch) -> None:
    root = create(tmp_path / "gitops", model(form=Format.MANIFESTS))
    git(root, "remote", "add", "origin", f"https://x-access-token:{CANARY}@git.example.invalid/acme/gitops.git")
    edit(root, "argocd/prod/web.yaml", "https://github.com", f"https://{CANARY}@git.example.invalid")
    monkeypatch.chdir(root)
    for form in ("text", "json", "markdown"):
        result = argosy("doctor", "--offline", "--output", form)
        assert "git.example.invalid" in result.out
        assert CANARY not in result.out + result.err
