"""What every command has in common: -o, -C, variables, colours, and errors as data."""

from __future__ import annotations

import importlib
import json
import os
import re
import shlex
from collections.abc import Iterator
from functools import partial
from io import StringIO
from pathlib import Path

import click
import pytest
import yaml

from argosy import pages, terminal
from argosy.cli import COMMANDS
from argosy.cli import argosy as program
from argosy.cli.examples import EXAMPLES
from argosy.cli.exits import EXITS, INTERRUPTED
from argosy.errors import ArgosyError
from argosy.repository.model import Format
from tests.changing import create, model
from tests.cli import walking
from tests.conftest import Argosy, Process

SHARED = {"--helm": "ARGOSY_HELM", "--kustomize": "ARGOSY_KUSTOMIZE"}
"""The options that mean the same everywhere, and their variables."""
ALONE = {"ARGOSY_CACHE", "ARGOSY_HOST_API", "ARGOSY_HOST_KIND", "ARGOSY_HOST_WEB", "ARGOSY_RENDER_MEMORY"} | {
    "ARGOSY_RENDER_TIMEOUT",
    "ARGOSY_TOKEN",
}
"""The variables that are no option's."""
ON_THE_LINE = {"--yes", "--dry-run", "--check", "--allow-open", "--force", "--allow-changes"}
"""What decides whether something is asked or written: the line alone says it."""


@pytest.fixture
def root(tmp_path: Path, argosy: Argosy) -> Path:
    """Return a small repository in the folder that one is in."""
    return create(tmp_path / "gitops", model(form=Format.HELM))


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
        ("status", "web dev"),
        ("status --files", "README.md"),
        ("tree", "web-prod"),
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
    assert (told.code, "web" in told.out) == (0, True)
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
            if long in SHARED:
                assert option.envvar == SHARED[long]
                continue
            assert option.envvar == f"{words}_{long[2:].upper().replace('-', '_')}"
            assert re.fullmatch("[A-Z_0-9]+", option.envvar)
            seen.add(option.envvar)
    assert not seen & ALONE
    page = pages.topics()["environment"].read_text(encoding="utf-8")
    assert {*ALONE, *SHARED.values()} <= {*re.findall(r"`(ARGOSY_\w+)`", page)}


def test_a_variable_is_an_option_and_the_line_wins(argosy: Argosy, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    monkeypatch.setenv("ARGOSY_STATUS_OUTPUT", "name")
    assert argosy("status").out == "web dev\nweb prod\n"
    assert json.loads(argosy("status", "-o", "json").out)["kind"] == "Status"
    monkeypatch.setenv("ARGOSY_TREE_ENV", "dev prod")
    monkeypatch.setenv("ARGOSY_TREE_OUTPUT", "name")
    assert argosy("tree", "--env", "prod").out == "root\nweb-prod\n"
    assert "web-dev" in argosy("tree").out
    monkeypatch.setenv("ARGOSY_ADD_APP_QUIET", "1")
    monkeypatch.setenv("ARGOSY_ADD_APP_ENV", "dev")
    monkeypatch.setenv("ARGOSY_ADD_APP_VALIDATE", "false")
    monkeypatch.setenv("ARGOSY_ADD_APP_DRY_RUN", "1")
    assert argosy("add", "application", "shop").err == ""
    assert [each.parent.name for each in root.glob("environments/*/shop")] == ["dev"]
    monkeypatch.setenv("ARGOSY_REMOVE_APP_YES", "1")
    assert argosy("remove", "app", "shop").code == 2


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


# Help


def test_every_command_has_examples_and_each_can_be_typed(
    argosy: Argosy, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    for file in ("environments/prod/x", "shard-1.json", "shard-2.json"):
        Path(file).write_text("")
    known = {context.command_path.removeprefix("argosy "): context for context in walking.commands()}
    assert EXAMPLES.keys() == known.keys()
    for path, context in known.items():
        assert "Examples:" in context.get_help(), path
        for line in filter(lambda line: line.startswith("argosy "), map(str.strip, EXAMPLES[path].splitlines())):
            words = shlex.split(line.partition(" > ")[0].partition(" | ")[0])[1:]
            command: click.Command = program
            parent = None
            while isinstance(command, click.Group):
                name, found, words = command.resolve_command(click.Context(command, parent=parent), words)
                assert found is not None, line
                command = found
            with monkeypatch.context() as patch:
                # What it would do as it reads the line, such as fetching, is not what is asked here.
                for option in walking.options(click.Context(command)):
                    if not option.expose_value:
                        patch.setattr(option, "callback", None)
                command.make_context(name, words)


def test_help_of_a_command_is_its_options_and_its_page(argosy: Argosy) -> None:
    shown = argosy("help", "promote").out
    assert shown.index("Usage: argosy promote") < shown.index("Examples:") < shown.index("# Promote")
    assert argosy("help", "add", "environment").out.startswith("Usage: argosy add environment")
    assert argosy("help", "teams").out.startswith("# ")
    wrong = argosy("help", "add", "nothing")
    assert (wrong.code, "There is no page" in wrong.err) == (2, True)


# Exit codes


def test_every_command_says_what_it_ends_with() -> None:
    assert EXITS.keys() == COMMANDS.keys()
    errors = {each.exit_code for each in _below(ArgosyError)}
    assert errors <= {1, 2, *INTERRUPTED}
    for name, codes in EXITS.items():
        source = Path(importlib.import_module(f"argosy.cli.{name}").__file__ or "").read_text()
        returned = {int(each) for each in re.findall(r"\breturn (?:[^\n]* else )?(\d)\b", source)}
        returned |= {int(each) for each in re.findall(r"\breturn (\d) if ", source)}
        assert returned <= codes.keys(), name


def _below(kind: type[ArgosyError]) -> Iterator[type[ArgosyError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


# Extensions


ACME = """
from argosy.findings import Problem, Severity
from argosy.rules.registry import Scope, rule

@rule("acme-label", Severity.WARNING, Scope.DOCUMENT, "No owner.", explanation="Ours do.", bad="", good="")
def label(document, repository):
    if document.data.get("kind") == "Deployment":
        if document.data["metadata"]["name"] == "broken":
            raise KeyError("oops")
        yield Problem("no label acme.example/owner")

def count(report, options):
    return f"{len(report.findings)} findings by acme\\n"

def fail(report, options):
    raise RuntimeError("no ink")
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  selector: {matchLabels: {app: x}}
  template:
    metadata: {labels: {app: x}}
    spec: {containers: [{name: x, image: "nginx:1.29"}]}
"""


def test_the_documented_extension_works(process: Process, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/extensions.md").read_text()
    entries, code = (page.split(f"```{kind}\n")[1].split("```")[0] for kind in ("toml", "python"))
    named = entries.replace('[project.entry-points."', "[").replace('"]', "]").replace('"', "")
    site, root = tmp_path / "site", tmp_path / "repo"
    (site / "acme-1.0.dist-info").mkdir(parents=True)
    (site / "acme_argosy.py").write_text(code)
    (site / "acme-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (site / "acme-1.0.dist-info/entry_points.txt").write_text(named)
    (root / ".git").mkdir(parents=True)
    (root / "deployment.yaml").write_text(DEPLOYMENT.replace("NAME", "web"))
    result = process("validate", "-o", "acme-table", env={"PYTHONPATH": str(site)}, cwd=root)
    assert (result.code, "deployment.yaml\tno label acme.example/owner\n" in result.out) == (1, True)


def test_installed_packages_add_rules_and_reports(process: Process, tmp_path: Path) -> None:
    def install(folder: Path, entries: str, code: str = ACME) -> None:
        (folder / "acme-1.0.dist-info").mkdir(parents=True)
        (folder / "acme.py").write_text(code)
        (folder / "acme-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
        (folder / "acme-1.0.dist-info/entry_points.txt").write_text(entries)

    reporters = "[argosy.reporters]\ncount = acme:count\nfail = acme:fail\n"
    install(tmp_path / "site", f"[argosy.rules]\nacme = acme\n{reporters}")
    root = tmp_path / "repo"
    (root / ".git").mkdir(parents=True)
    (root / "deployment.yaml").write_text(DEPLOYMENT.replace("NAME", "web"))
    # Where Python looks for packages from its start, as with PYTHONPATH above.
    installed = f"import sys\nsys.path.insert(0, {str(tmp_path / 'site')!r})"
    run = partial(process, prelude=installed, env={"ARGOSY_CACHE": ""}, cwd=root)

    found = run("validate", "-o", "json", "--report", f"count={tmp_path / 'count.txt'}")
    listed = json.loads(found.out)["findings"]
    assert [each["severity"] for each in listed if each["rule"] == "acme-label"] == ["warning"]
    assert (tmp_path / "count.txt").read_text() == f"{len(listed)} findings by acme\n"
    failed = run("validate", "-o", "fail")
    assert (failed.code, "fail (acme:fail of the package acme) failed: RuntimeError: no ink" in failed.err) == (2, True)
    assert "acme-label" in run("rules", "acme-label").out

    run("validate", "--shard", "1/1", "--report", f"json={root.parent / 'part.json'}")
    page = ("--html", str(root.parent / "page.html"))
    merged = run("report", "--merge", str(root.parent / "part.json"), *page)
    assert "which argosy does not have" not in merged.err
    assert "acme-label" in (root.parent / "page.html").read_text()

    (root / "deployment.yaml").write_text(DEPLOYMENT.replace("NAME", "broken"))
    broken = run("validate")
    assert (broken.code, "acme (acme of the package acme) failed: KeyError: 'oops'" in broken.err) == (2, True)
    assert "pip uninstall acme" in broken.err

    # What a repository has beside its files is no package that somebody installed.
    theirs = f"import sys\nsys.path.insert(0, {str(root / 'site')!r})"
    install(root / "site", "[argosy.rules]\nacme = acme\n", f"{ACME}\nraise SystemExit(9)")
    assert process("rules", "acme-label", prelude=theirs, cwd=root).code == 2


def test_a_program_on_path_is_a_command(process: Process, root: Path, tmp_path: Path) -> None:
    def put(folder: Path, name: str) -> str:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f'#!/bin/sh\necho {folder.name} "$@"\nexit 7\n')
        (folder / name).chmod(0o755)
        return str(folder)

    mine, theirs = put(tmp_path / "mine", "argosy-greet"), put(root / "bin", "argosy-steal")
    put(tmp_path / "mine", "argosy-status")
    (tmp_path / "mine/argosy-link").symlink_to(root / "bin/argosy-steal")
    (tmp_path / "mine/argosy-data").write_text("")
    for name, text in (("plain", "echo hello"), ("gone", "#!/no/such/interpreter")):
        put(tmp_path / "mine", f"argosy-{name}")
        (tmp_path / f"mine/argosy-{name}").write_text(text)
    path = {"PATH": os.pathsep.join(("bin", ".", "", theirs, mine, os.environ["PATH"]))}

    greeted = process("greet", "--help", "--", "-x", "a b", env=path, cwd=root)
    assert (greeted.code, greeted.out) == (7, "mine --help -- -x a b\n")
    for name in ("plain", "gone"):
        assert f"{mine}/argosy-{name} cannot be run" in process(name, env=path, cwd=root).err
    assert "web" in process("status", env=path, cwd=root).out
    for name in ("steal", "link", "data"):
        assert "No such command" in process(name, env=path, cwd=root).err
    shown = process("--help", env=path, cwd=root).out
    assert [name in shown for name in ("argosy-greet", "argosy-steal", "argosy-status")] == [True, False, False]
    assert "Did you mean “greet”?" in process("gret", env=path, cwd=root).err
    # A folder of programs is the user's, even when it is the home of all repositories.
    assert process("greet", env={**path, "HOME": str(tmp_path)}, cwd=tmp_path).code == 7
