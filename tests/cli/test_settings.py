"""`argosy settings`, and the words and the completion of `argosy set`, as people meet them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.shell_completion import ShellComplete

from argosy.argocd import versions as releases
from argosy.change import edits
from argosy.cli import argosy as command
from argosy.repository import switches
from argosy.repository.model import KUBERNETES, Format
from argosy.schemas import builtin_kinds
from argosy.template import effects, rendering, versions
from tests import goldens
from tests import test_production as production
from tests.changing import create, git
from tests.conftest import Argosy

LONG = {"env": "environment", "app": "application"}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return a small repository, which is where one is."""
    root = create(tmp_path / "gitops")
    monkeypatch.chdir(root)
    return root


def listed(argosy: Argosy, *words: str) -> dict[str, dict[str, Any]]:
    """Return the settings that JSON lists, by their key."""
    result = argosy("settings", *words, "--output", "json")
    assert result.code == 0, result.err
    return {each["key"]: each for told in json.loads(result.out)["settings"] for each in told["settings"]}


def test_the_quotas_of_a_team_are_settings(argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(create(tmp_path / "gitops", goldens.model("teams")))
    found = listed(argosy, "team", "payments")
    assert {key: each["value"] for key, each in found.items()} == {
        **{"ssoGroup": "", "prod.requests.cpu": "16", "prod.max.memory": "16Gi", "prod.count/jobs.batch": "5"}
    }
    one = argosy("settings", "team", "payments", "prod.requests.cpu")
    assert "value      16\n" in one.out
    assert "argosy set team payments prod.requests.cpu=…" in one.out
    assert "argosy set team NAME ENV.requests.cpu=4" in argosy("settings", "team", "search").err


@pytest.mark.usefixtures("repository")
def test_the_settings_of_the_repository_an_env_and_an_app(argosy: Argosy) -> None:
    assert argosy("set", "repository", "secrets=sops", "notifications=slack,email", "--commit").code == 0
    found = listed(argosy, "repository")
    assert {*found} == {*switches.OF_REPOSITORY}
    assert {key: found["secrets"][key] for key in ("value", "default", "allowed")} == {
        **{"value": "sops", "default": "none"},
        "allowed": ["none", "external-secrets", "sealed-secrets", "sops"],
    }
    assert (found["notifications"]["value"], found["notifications"]["several"]) == (["slack", "email"], True)
    assert found["monitoring"]["allowed"] == [False, True]
    assert found["repoURL"]["meaning"] == "Under which URL does Argo CD clone it?"
    assert listed(argosy, "env", "prod")["podSecurity"]["allowed"] == ["", "privileged", "baseline", "restricted"]
    everything = json.loads(argosy("settings", "--output", "json").out)["settings"]
    assert [(each["of"], each["name"]) for each in everything] == [
        *[("repository", "gitops"), ("env", "dev"), ("env", "prod"), ("app", "web")]
    ]


@pytest.mark.usefixtures("repository")
def test_as_text(argosy: Argosy) -> None:
    lines = argosy("settings", "env", "prod").out.splitlines()
    assert lines[0].split() == ["env", "prod", "value", "can", "be", "default", "files", "that", "follow"]
    assert [line.split()[:5] for line in lines if line.startswith("autoSync")] == [
        ["autoSync", "true", "false,", "true", "true"]
    ]
    one = argosy("settings", "environment", "prod", "autoSync").out
    assert one.startswith("autoSync: Whether Argo CD syncs its Applications by itself.\n")
    assert "\nfiles      argocd/ENV/APP.yaml\n" in one
    assert one.endswith("\nargosy set env prod autoSync=…\n")


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("settings", "environmnt"), "Did you mean “environment”? `argosy settings` lists them all."),
        (("settings", "env"), "Write argosy settings env NAME [KEY]."),
        (("settings", "env", "prd"), "Did you mean “prod”?"),
        (("settings", "repository", "ssso"), "Did you mean “sso”? `argosy settings repository` lists them all."),
        (("set", "repository", "sso=gitub"), "Did you mean “github”? `argosy settings repository` lists them all."),
        (("set", "env", "prod", "promotes=dev"), "`argosy settings env prod` lists them all."),
        (("set", "app", "web", "teem=a"), "Did you mean “team”? `argosy settings app web` lists them all."),
    ],
)
def test_what_is_misspelt_names_the_nearest(argosy: Argosy, words: tuple[str, ...], said: str) -> None:
    result = argosy(*words)
    assert (result.code, said in result.err) == (2, True), result.err


def test_init_names_the_nearest_switch(argosy: Argosy, tmp_path: Path) -> None:
    result = argosy("init", str(tmp_path / "gitops"), "--defaults", "--set", "monitorin=true")
    assert (result.code, "Did you mean “monitoring”?" in result.err) == (2, True)


def test_the_long_words_are_aliases_everywhere(argosy: Argosy, repository: Path) -> None:
    for short, long in LONG.items():
        for verb in ("add", "remove", "rename"):
            told = argosy(verb, short, "--help").out.replace(f" {short} ", f" {long} ", 1)
            assert argosy(verb, long, "--help").out == told
    assert argosy("set", "environment", "prod", "replicas=4", "--commit").code == 0
    assert argosy("set", "application", "web", "team=shop", "--commit").code == 0
    assert argosy("rename", "application", "web", "site", "--commit", "--yes").code == 0
    assert git(repository, "log", "--format=%s", "-3").splitlines() == [
        "Rename the application web to site",
        "Set team=shop of application web",
        "Set replicas=4 of environment prod",
    ]


class TestCompletion:
    """What shells offer."""

    @pytest.fixture
    def offered(self, repository: Path) -> Callable[..., list[str]]:  # noqa: ARG002 - it is where one is
        """Return what a shell is offered after words, the last of which is begun."""

        def ask(*words: str) -> list[str]:

            complete = ShellComplete(command, {}, "argosy", "_ARGOSY_COMPLETE")
            return [each.value for each in complete.get_completions([*words[:-1]], words[-1])]

        return ask

    def test_words_keys_and_values(self, offered: Callable[..., list[str]]) -> None:
        assert offered("set", "") == ["repository", "env", "app", "cluster", "team"]
        assert offered("set", "env", "") == ["dev", "prod"]
        assert offered("set", "application", "") == ["web"]
        assert offered("set", "env", "prod", "auto") == ["autoSync=false", "autoSync=true"]
        assert offered("set", "env", "prod", "autoSync=false", "na") == ["namespace="]
        assert offered("set", "repository", "secretStore=g") == ["secretStore=gcp"]
        assert offered("set", "repository", "notifications=slack,") == [
            *[f"notifications=slack,{each}" for each in ("teams", "email", "webhook")]
        ]
        assert offered("settings", "env", "prod", "pod") == ["podSecurity"]

    def test_bash_takes_key_and_value_apart(self, offered: Callable[..., list[str]]) -> None:
        assert offered("set", "env", "prod", "autoSync", "=") == ["false", "true"]
        assert offered("set", "env", "prod", "autoSync", "=", "f") == ["false"]
        assert offered("set", "env", "prod", "autoSync", "=", "false", "repl") == ["replicas="]

    @pytest.mark.parametrize("shell", ["bash", "zsh"])
    def test_no_blank_follows_a_key(self, argosy: Argosy, shell: str) -> None:
        assert {"bash": "compopt -o nospace", "zsh": "-S ''"}[shell] in argosy("completion", shell).out


class TestOneSource:
    """The keys are the model's fields; what else tells of them agrees."""

    @pytest.mark.parametrize("setting", switches.OF_REPOSITORY.values(), ids=lambda each: str(each.key))
    def test_the_template_asks_for_the_same(self, setting: switches.Setting) -> None:
        if setting == switches.POD_SECURITY:
            return
        question = versions.questions(versions.current())[
            "repository_name" if setting.field == "name" else setting.field
        ]
        choices = question.get("choices", ())
        assert [*(choices.values() if isinstance(choices, dict) else choices)] == [
            *(setting.values if setting.kind is not bool else ())
        ]
        if setting.field not in {"name", "repo_url"}:
            assert question["default"] == setting.plain(setting.default)

    def test_the_schema_knows_the_same_values(self) -> None:
        path = Path(effects.__file__).parents[1] / "schemas" / "data" / "files.json"
        known = yaml.safe_load(path.read_text())["$defs"]["answersFile"]["properties"]
        for what, several in (("repository", ""), ("env", "environments"), ("app", "applications")):
            properties = known[several]["items"]["anyOf"][1]["properties"] if several else known
            for each in switches.SETTINGS[what].values():
                if each in {switches.POD_SECURITY, switches.OF_REPOSITORY["name"]} or each.kind is bool:
                    continue
                schema = properties[each.field]
                enum = (schema["items"] if each.several else schema).get("enum", ())
                assert [value or "off" for value in enum] == [*each.values], each.key

    def test_the_defaults_agree(self) -> None:
        """Argo CD, the Kubernetes that manifests are checked for, and what is known of both."""
        questions = versions.questions(versions.current())
        pinned = questions["argocd_version"]["default"].removeprefix("v")
        known = releases.version(pinned)
        assert known == releases.newest()
        oldest, newest = (tuple(map(int, each.split("."))) for each in known.kubernetes)
        assert oldest <= tuple(map(int, KUBERNETES.split("."))) <= newest
        assert questions["kubernetes_version"]["default"] == KUBERNETES
        assert KUBERNETES in builtin_kinds.versions()

    def test_the_files_that_follow_are_those_that_change(self) -> None:
        off = rendering.render(production.model({}))
        store = {"secrets": "external-secrets"}
        stored = rendering.render(production.model(store))
        for key, setting in switches.SWITCHES.items():
            before, also = (stored, store) if key == "secretStore" else (off, {})
            after = rendering.render(production.model({**also, key: production.VALUES.get(key, ("true",))[-1]}))
            assert changed(before, after) - {".copier-answers.yml", *effects.files("repository", setting)} == set(), key

    def test_what_every_form_of_an_application_says_of_an_env(self) -> None:
        for form in Format:
            one = production.model({}, form)
            other = edits.set_environment(one, "prod", {"replicas": "7", "cluster": "east", "podSecurity": "baseline"})
            keys = ("replicas", "cluster", "podSecurity")
            told = {path for key in keys for path in effects.files("env", switches.OF_ENV[key])}
            assert changed(rendering.render(one), rendering.render(other)) - told == set()


def changed(before: rendering.Tree, after: rendering.Tree) -> set[str]:
    """Return the paths that differ, with ENV and APP for names."""
    paths = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    return {re.sub(r"\bweb\b", "APP", re.sub(r"\b(dev|prod)\b", "ENV", path)) for path in paths}
