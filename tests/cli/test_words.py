"""What every command has in common: -o, -C, variables, colours, and errors as data."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path

import click
import pytest
import yaml

from argosy import terminal
from tests.cli import walking
from tests.conftest import Argosy

ALONE = {"ARGOSY_CACHE", "ARGOSY_HOST_API", "ARGOSY_HOST_KIND", "ARGOSY_HOST_WEB", "ARGOSY_RENDER_MEMORY"} | {
    "ARGOSY_RENDER_TIMEOUT",
    "ARGOSY_TOKEN",
}
"""The variables that are no option's."""
ON_THE_LINE = {"--yes", "--dry-run", "--check", "--allow-open", "--force"}
"""What decides whether something is asked or written: the line alone says it."""


@pytest.fixture
def root(tmp_path: Path, argosy: Argosy) -> Path:
    assert argosy("init", "gitops", "--defaults", "--quiet", "--minimal").code == 0
    return tmp_path / "gitops"


# -o


def test_every_output_is_short_too_and_json_is_yaml_too() -> None:
    for context in walking.commands():
        for option in walking.options(context):
            if "--output" in option.opts:
                assert "-o" in option.opts, context.command_path
                assert isinstance(option.type, click.Choice)
                assert "json" not in option.type.choices or "yaml" in option.type.choices, context.command_path


@pytest.mark.parametrize(
    "arguments", ["status", "settings repository", "rules image-tag", "components", "tree", "version", "validate"]
)
def test_yaml_is_what_json_is(argosy: Argosy, root: Path, arguments: str) -> None:
    as_json = json.loads(argosy("-C", str(root), *arguments.split(), "-o", "json").out)
    assert yaml.safe_load(argosy("-C", str(root), *arguments.split(), "-oyaml").out) == as_json
    assert as_json["schemaVersion"] == 1


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ("status", "my-app dev"),
        ("status --files", "README.md"),
        ("tree", "my-app-prod"),
        ("settings env prod", "env prod autoSync"),
        ("rules", "image-tag"),
        ("components", "cert-manager"),
    ],
)
def test_names_alone_are_for_shells(argosy: Argosy, root: Path, arguments: str, names: str) -> None:
    result = argosy("-C", str(root), *arguments.split(), "-o", "name")
    assert (result.code, names in result.out.splitlines()) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "more"),
    [("status", "image: nginx"), ("settings repository", "meaning"), ("components", "charts.jetstack.io")],
)
def test_wide_has_more(argosy: Argosy, root: Path, arguments: str, more: str) -> None:
    shown = [argosy("-C", str(root), *arguments.split(), "-o", form).out for form in ("text", "wide")]
    assert [more in each for each in shown] == [False, True]


# -C


def test_run_as_if_started_elsewhere(argosy: Argosy, root: Path, tmp_path: Path) -> None:
    told = argosy("-C", "gitops", "-C", "environments", "status")
    assert (told.code, "my-app" in told.out) == (0, True)
    assert Path.cwd() == tmp_path
    assert argosy("-C", "nowhere", "status").code == 2


# Variables


def test_every_option_is_a_variable_as_it_is_called_unless_it_is_for_the_line_alone() -> None:
    seen = set[str]()
    for context in walking.commands():
        words = context.command_path.upper().replace(" ", "_")
        for option in walking.options(context):
            long = next((each for each in option.opts if each.startswith("--")), "--help")
            if ON_THE_LINE.intersection(option.opts) or long == "--help":
                assert option.envvar is None, (context.command_path, long)
                continue
            assert option.envvar == f"{words}_{long[2:].upper().replace('-', '_')}"
            assert re.fullmatch("[A-Z_0-9]+", option.envvar)
            seen.add(option.envvar)
    assert not seen & ALONE


def test_a_variable_is_an_option_and_the_line_wins(argosy: Argosy, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    monkeypatch.setenv("ARGOSY_STATUS_OUTPUT", "name")
    assert argosy("status").out == "my-app dev\nmy-app prod\n"
    assert json.loads(argosy("status", "-o", "json").out)["kind"] == "Status"
    monkeypatch.setenv("ARGOSY_TREE_ENV", "dev prod")
    monkeypatch.setenv("ARGOSY_TREE_OUTPUT", "name")
    assert argosy("tree", "--env", "prod").out == "root\nmy-app-prod\n"
    assert "my-app-dev" in argosy("tree").out
    monkeypatch.setenv("ARGOSY_ADD_APP_QUIET", "1")
    monkeypatch.setenv("ARGOSY_ADD_APP_ENV", "dev")
    monkeypatch.setenv("ARGOSY_ADD_APP_VALIDATE", "false")
    monkeypatch.setenv("ARGOSY_ADD_APP_DRY_RUN", "1")
    assert argosy("add", "application", "web").err == ""
    assert [each.parent.name for each in root.glob("environments/*/web")] == ["dev"]
    monkeypatch.setenv("ARGOSY_REMOVE_APP_YES", "1")
    assert argosy("remove", "app", "web").code == 2


def test_a_variable_that_is_wrong_is_named(argosy: Argosy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGOSY_RULES_OUTPUT", "xml")
    told = argosy("rules")
    assert (told.code, "ARGOSY_RULES_OUTPUT" in told.err) == (2, True)
    monkeypatch.setenv("ARGOSY_VERSION", "0.1.0")
    assert argosy("help").code == 0


def test_the_line_decides_whether_to_fetch(argosy: Argosy, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    both = argosy("tree", "--offline", "--fetch")
    assert (both.code, "exclude each other" in both.err) == (2, True)
    for name, option in (("FETCH", "--offline"), ("OFFLINE", "--fetch")):
        with monkeypatch.context() as patch:
            patch.setenv(f"ARGOSY_TREE_{name}", "1")
            assert argosy("tree", option).code == 0
    monkeypatch.setenv("ARGOSY_TREE_FETCH", "1")
    monkeypatch.setenv("ARGOSY_TREE_OFFLINE", "1")
    assert argosy("tree").code == 2


# Errors


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("statsu", "-o", "json"), 2, "No such command “statsu”"),
        (("status", "-ojson", "--nope"), 2, "No such option"),
        (("status", "--output=yaml"), 2, "is not an argosy repository"),
        (("validate", "--output", "json", "--shard", "9/1"), 2, "is not I/N"),
        (("validate", "nowhere", "--output", "json"), 2, "does not exist"),
        (("rules", "imagetag", "-o", "yaml"), 2, "There is no rule"),
    ],
)
def test_errors_are_data_where_data_was_asked_for(
    argosy: Argosy, arguments: tuple[str, ...], code: int, message: str
) -> None:
    result = argosy(*arguments)
    assert (result.code, result.out) == (code, "")
    error = json.loads(result.err.splitlines()[-1])
    assert (error["schemaVersion"], error["kind"], error["exitCode"]) == (1, "Error", code)
    assert message in error["message"]
    assert error["hint"]


def test_errors_are_data_where_a_variable_asks_for_data(argosy: Argosy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGOSY_TEMPLATE_LIST_OUTPUT", "json")
    assert json.loads(argosy("template", "list").err)["kind"] == "Error"
    assert argosy("template", "list", "-o", "text").err.startswith("Error: ")
    assert argosy("status", "--", "-o", "json").err.startswith("Usage: ")


# Versions


def test_the_versions_of_what_argosy_works_with(argosy: Argosy) -> None:
    told = json.loads(argosy("version", "-o", "json").out)
    engines = {each["name"]: each for each in told["engines"]}
    assert engines.keys() >= {"helm", "kustomize", "kubectl", "git", "kubernetes-schemas"}
    assert all(each["version"][0].isdigit() for each in told["engines"])
    shown = argosy("version").out
    assert re.search(rf"^argosy +{re.escape(told['argosy'])}$", shown, re.MULTILINE)
    assert f"({engines['git']['source']})" in shown


# Colours


class Stream(StringIO):
    def __init__(self, is_terminal: bool) -> None:
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal


@pytest.mark.parametrize(
    ("environment", "on_a_terminal", "in_a_file"),
    [
        ({}, True, False),
        ({"NO_COLOR": ""}, True, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"CLICOLOR": "0"}, False, False),
        ({"CLICOLOR": "1"}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"CLICOLOR_FORCE": "1"}, True, True),
        ({"CLICOLOR_FORCE": "0"}, True, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "", "CLICOLOR_FORCE": ""}, True, False),
        ({"CLICOLOR_FORCE": "1", "TERM": "dumb"}, True, True),
        ({"CLICOLOR_FORCE": "1", "CLICOLOR": "0"}, True, True),
        ({"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False, False),
    ],
)
def test_the_environment_asks_for_colours_or_forbids_them(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], on_a_terminal: bool, in_a_file: bool
) -> None:
    for name in ("NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert [terminal.has_colour(Stream(each)) for each in (True, False)] == [on_a_terminal, in_a_file]


def test_colours_that_are_forced_reach_a_pipe(argosy: Argosy, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    for form in ("status", "settings", "diff", "frobnicate", "status --repository nowhere"):
        plain = argosy(*form.split())
        with monkeypatch.context() as patch:
            patch.setenv("CLICOLOR_FORCE", "1")
            forced = argosy(*form.split())
        assert "\x1b[" not in plain.out + plain.err
        assert ("\x1b[" in forced.out + forced.err) == (form != "frobnicate"), form
