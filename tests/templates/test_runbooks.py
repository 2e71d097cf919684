"""The runbooks of a generated repository: every command in them is one that exists, with options that exist."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import PurePosixPath

import click
import pytest
import yaml

from generator import edits, engine, kubectl
from generator.cli import argosy
from generator.model import (
    ArgocdStyle,
    CiHost,
    Notifier,
    Production,
    Repository,
    RevisionStyle,
    Secrets,
    SecretStore,
    Sso,
)
from tests.changing import model

EVERYTHING = Production(
    high_availability=True,
    sso=Sso.OIDC,
    notifications=(Notifier.SLACK,),
    monitoring=True,
    webhook=True,
    shards=2,
    self_managed=True,
    secrets=Secrets.EXTERNAL_SECRETS,
    sync_windows=True,
    signature_keys=("0123456789ABCDEF",),
    branch_protection=True,
)
CASES: Mapping[str, tuple[Production, CiHost, ArgocdStyle, RevisionStyle, str]] = {
    "nothing": (Production(), CiHost.NONE, ArgocdStyle.APPLICATIONS, RevisionStyle.TRUNK, ""),
    "everything": (EVERYTHING, CiHost.GITHUB, ArgocdStyle.APPLICATIONSET, RevisionStyle.BRANCH, "prod-eu"),
    "sealed": (
        replace(EVERYTHING, secrets=Secrets.SEALED_SECRETS, sso=Sso.GITLAB, high_availability=False),
        *(CiHost.GITLAB, ArgocdStyle.APPLICATIONS, RevisionStyle.TRUNK, "https://203.0.113.7:6443"),
    ),
    "sops": (
        replace(EVERYTHING, secrets=Secrets.SOPS, sso=Sso.GITHUB, self_managed=False),
        *(CiHost.BITBUCKET, ArgocdStyle.APPLICATIONS, RevisionStyle.BRANCH, ""),
    ),
    **{
        store.value: (
            replace(EVERYTHING, secret_store=store),
            *(CiHost.NONE, ArgocdStyle.APPLICATIONS, RevisionStyle.TRUNK, "prod-eu"),
        )
        for store in SecretStore
    },
}
ARGOCD = {
    "account bcrypt": set(),
    "account update-password": {"--account"},
    "admin cluster stats": {"--namespace"},
    "admin export": {"--namespace", "--out"},
    "admin import": set(),
    "admin initial-password": {"--namespace", "--context"},
    "admin notifications template get": set(),
    "admin settings rbac can": {"--policy-file"},
    "app diff": set(),
    "app get": {"--refresh", "--show-operation"},
    "app history": set(),
    "app list": set(),
    "app resources": set(),
    "app rollback": set(),
    "app sync": set(),
    "app terminate-op": set(),
    "app wait": {"--sync", "--health", "--timeout"},
    "cert list": set(),
    "cluster add": {"--name"},
    "cluster list": set(),
    "cluster rm": set(),
    "cluster rotate-auth": set(),
    "gpg add": {"--from"},
    "gpg list": set(),
    "login": {"--sso"},
    "proj get": set(),
    "proj role list": set(),
    "proj windows list": set(),
    "repo list": {"--refresh"},
}
"""The commands of Argo CD's own tool that are used, with the options: docs/user-guide/commands in its repository."""
FENCE = re.compile(r"^( *)```sh\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:argosy|kubectl|argocd) [^`]+)`")


def repository(case: str) -> Repository:
    """Return a repository of dev and prod, the latter in a cluster of its own where the case has one."""
    production, ci, argocd, revision, cluster = CASES[case]
    made = model(ci=ci, argocd=argocd, revision=revision)
    settings = replace(made.settings, production=production)
    dev, prod = made.environments
    return replace(made, settings=settings, environments=(dev, replace(prod, cluster=cluster) if cluster else prod))


@cache
def rendered(case: str) -> Mapping[str, str]:
    """Return the pages, and what else the tests look at."""
    wanted = ("docs/runbooks/", "README.md", "platform/argocd/monitoring.yaml")
    tree = engine.render(repository(case), wanted=lambda path: path.startswith(wanted) or path in {"docs", "platform"})
    return {path: file.content.decode() for path, file in tree.items() if path.startswith(wanted)}


def pages(case: str) -> Mapping[str, str]:
    """Return the pages by their path."""
    return {path: text for path, text in rendered(case).items() if path.endswith(".md")}


def scripts(text: str) -> list[str]:
    """Return the shell's blocks of a page, and the commands within its sentences."""
    blocks = [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in FENCE.findall(text)]
    return [*blocks, *INLINE.findall(FENCE.sub("", text))]


def commands(case: str, tool: str) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield where a tool is called, and its arguments."""
    for path, text in pages(case).items():
        for line in "\n".join(scripts(text)).splitlines():
            lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
            lexer.whitespace_split = True
            words: list[str] = []
            for word in [*lexer, ";"]:
                if word and set(word) <= set("|&;<>()"):
                    if tool in words[:2]:
                        yield path, words[words.index(tool) + 1 :]
                    words = []
                else:
                    words.append(word)


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> str:
    """Return each set of switches in turn."""
    return str(request.param)


def parsed(command: click.Command, arguments: Sequence[str], parent: click.Context | None = None) -> None:
    """Have Click parse a command line, and run nothing."""
    if isinstance(command, click.Group):
        context = click.Context(command, parent)
        name, *rest = arguments
        inner = command.get_command(context, name)
        if inner is None:
            raise click.UsageError(f"No such command: {name}")
        parsed(inner, rest, context)
    else:
        command.make_context(command.name, list(arguments), parent)


@pytest.mark.parametrize("line", ["bootsrap", "doctor --contxt x", "rollback shop", "add apps shop", "diff --against"])
def test_what_does_not_exist_is_found(line: str) -> None:
    with pytest.raises(click.ClickException):
        parsed(argosy, line.split())


def test_argosy_has_every_command_and_option(case: str) -> None:
    found = list(commands(case, "argosy"))
    assert len(found) > 30
    names = {"dev", "prod", "shop"}
    for path, arguments in found:
        try:
            parsed(argosy, arguments)
        except click.ClickException as error:
            pytest.fail(f"{path}: argosy {' '.join(arguments)}: {error.format_message()}")
        for option, value in pairwise(arguments):
            assert option != "--env" or value in names, (path, arguments)


def test_what_is_to_be_set_can_be_set(case: str) -> None:
    for path, arguments in commands(case, "argosy"):
        if arguments[:1] != ["set"]:
            continue
        pairs = dict(each.split("=", 1) for each in arguments if "=" in each)
        values = {key: _plausible(value) for key, value in pairs.items()}
        if arguments[1] == "repository":
            assert edits.set_repository(repository(case), values), path
        elif arguments[1] == "environment":
            assert edits.set_environment(repository(case), arguments[2], values), path


def _plausible(value: str) -> str:
    return value.replace("$COPY", "https://git.example.com/copy.git").replace("NEWKEYID", "0123456789ABCDEF")


def test_kubectl_has_every_command_and_option() -> None:
    found = {}
    for case in CASES:
        for path, arguments in commands(case, "kubectl"):
            # A value is part of its option; a command's own words are those before the first option but --context.
            words = arguments[2:] if arguments[:1] == ["--context"] else arguments
            subcommand = words[:2] if words[0] in {"create", "config", "rollout", "top"} else words[:1]
            options = tuple(each for each in words if each.startswith("-") and each != "-")
            found[(*subcommand, *options)] = (path, arguments)
    assert len(found) > 20
    program = kubectl.bundled()
    assert program
    for path, arguments in found.values():
        # It reads the options before it prints its help.
        done = subprocess.run([program, *arguments, "--help"], check=False, capture_output=True, text=True)
        assert done.returncode == 0, f"{path}: kubectl {' '.join(arguments)}: {done.stderr}"
        assert "Usage:" in done.stdout, f"{path}: kubectl {' '.join(arguments)}"


def test_argocd_has_every_command_and_option(case: str) -> None:
    for path, arguments in commands(case, "argocd"):
        known = [name for name in ARGOCD if " ".join(arguments).startswith(name)]
        assert known, f"{path}: argocd {' '.join(arguments)}"
        options = {each for each in arguments if each.startswith("--")}
        assert options <= ARGOCD[max(known, key=len)], f"{path}: argocd {' '.join(arguments)}"


def test_bash_reads_every_script(case: str) -> None:
    text = "\n".join(script for page in pages(case).values() for script in scripts(page))
    done = subprocess.run(["bash", "-n"], input=text, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_links_lead_somewhere(case: str) -> None:
    found = pages(case)
    for path, text in found.items():
        for target in re.findall(r"\]\(([^)]+)\)", text):
            if target.startswith("https://"):
                continue
            name, _, anchor = target.partition("#")
            there = str(PurePosixPath(path).parent / name) if name else path
            assert there in found, f"{path}: {target}"
            assert not anchor or anchor in anchors(found[there]), f"{path}: {target}"


def anchors(text: str) -> set[str]:
    """Return what the headings of a page are linked to by."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_index_names_every_runbook(case: str) -> None:
    folder = "docs/runbooks/"
    names = {path.removeprefix(folder) for path in pages(case) if path.startswith(folder)} - {"README.md"}
    assert names == {
        *("alerts.md", "audit.md", "break-glass.md", "lose-a-cluster.md", "rehearse.md", "restore-argocd.md"),
        *("roll-back.md", "rotate-a-credential.md"),
    }
    assert set(re.findall(r"\((\S+\.md)\)", pages(case)[f"{folder}README.md"])) == names


def test_every_alert_has_a_section_and_leads_to_a_runbook() -> None:
    found = pages("everything")
    alerts: dict[str, str] = {}
    for document in yaml.safe_load_all(rendered("everything")["platform/argocd/monitoring.yaml"]):
        for group in document["spec"]["groups"] if document["kind"] == "PrometheusRule" else ():
            alerts |= {rule["alert"]: rule["annotations"]["runbook_url"] for rule in group["rules"]}
    sections = set(re.findall(r"^## (\w+)$", found["docs/runbooks/alerts.md"], re.MULTILINE))
    assert sections == alerts.keys()
    for alert, url in alerts.items():
        _, _, place = url.partition("/docs/runbooks/")
        name, _, anchor = place.partition("#")
        assert f"docs/runbooks/{name}" in found, alert
        assert not anchor or anchor in anchors(found[f"docs/runbooks/{name}"]), alert


def test_they_are_laid_out_with_care(case: str) -> None:
    for path, text in pages(case).items():
        assert "\n\n\n" not in text, path
        assert "[%" not in text
        assert "[[" not in text
        assert not re.search(r"[ \t]+$", text, re.MULTILINE), path
        assert not re.search(r"[^\n]\n#+ ", FENCE.sub("", text)), path
        assert text.endswith("\n")
        assert not text.endswith("\n\n")
