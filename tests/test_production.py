"""What production needs: each switch alone and any two of them together give a valid repository."""

from __future__ import annotations

import fnmatch
import itertools
import shlex
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from argosy.catalogue import catalogue
from argosy.change import edits
from argosy.cli import argosy
from argosy.findings import Report, Status
from argosy.repository.model import Application, Format, Repository, Secrets, Settings, chain
from argosy.rules.placeholders import PLACEHOLDER
from argosy.template import creation, rendering
from argosy.validation import pipeline
from tests import covering, goldens
from tests.templates.test_runbooks import parsed

DOCS = Path(__file__).parents[1] / "docs"
INSTALL = "argocd/install"
MORE = "project-permits-more"

Item = Mapping[str, Any]

VALUES: Mapping[str, tuple[str, ...]] = {
    "sso": ("oidc", "github", "gitlab"),
    "notifications": ("slack", "teams", "email", "webhook", "slack,teams,email,webhook"),
    "shards": ("3",),
    "argocdNamespace": ("openshift-gitops",),
    "argocdPin": (f"v3.6.0@{'a' * 40}@sha256:{'b' * 64}",),
    "argocdManifests": ("vendored",),
    "secrets": ("external-secrets", "sealed-secrets", "sops"),
    "secretStore": ("gcp", "azure", "vault"),
    "imageSigning": ("keyless", "key"),
    "signatureKeys": ("0123456789ABCDEF",),
    "page": ("artifact", "pages"),
    "chartExtras": ("external-secret,network-policy,rollout,service-monitor", "rollout"),
}
"""What a switch can be turned to that is more than on or off."""
KEYS = edits.SWITCHED
ALONE = [{key: value} for key in KEYS for value in VALUES.get(key, ("true",)) if key != "secretStore"] + [
    {"secrets": "external-secrets", "secretStore": value} for value in VALUES["secretStore"]
]
OFF = ""
CHOICES = {key: (OFF, *VALUES.get(key, ("true",))) for key in KEYS if key != "secretStore"}
TOGETHER = [{key: value for key, value in case.items() if value != OFF} for case in covering.cases(CHOICES)]
"""Cases in which any two switches are turned to any two of their values, off among them."""


@cache
def plain(form: Format) -> Repository:
    """Return a repository with two environments and an application."""
    settings = Settings("gitops", goldens.URL)
    bare = Repository(settings, chain((("dev", ""), ("prod", "")), settings.revision))
    return goldens.permitted(bare.with_applications((Application("web", form, "shop"),)))


def model(turned: Mapping[str, str], form: Format = Format.HELM) -> Repository:
    """Return a repository with two environments and an application, and some switches turned."""
    made = edits.set_repository(plain(form), turned)
    production = made.settings.production
    return goldens.permitted(made) if production.secrets is not Secrets.NONE or production.least_privilege else made


@cache
def switched_off() -> rendering.Tree:
    """Return the files of the repository with nothing switched on."""
    return rendering.render(model({}))


def validated(folder: Path, repository: Repository) -> Report:
    """Return what validation says of a repository."""
    creation.write(folder, goldens.tree(repository))
    return pipeline.validate(folder)


def named(turned: Mapping[str, str]) -> str:
    """Return what a case is called."""
    return " ".join(f"{key}={value}" for key, value in turned.items())


@pytest.mark.parametrize("turned", [*ALONE, *TOGETHER], ids=named)
def test_whatever_is_switched_on_is_valid(turned: Mapping[str, str], tmp_path: Path) -> None:
    refuse_flaws(validated(tmp_path, model(turned)))


def test_any_two_values_of_any_two_switches_are_turned_together() -> None:
    turned = [covering.pairs({**dict.fromkeys(CHOICES, OFF), **case}) for case in TOGETHER]
    for one, other in itertools.combinations(sorted(CHOICES), 2):
        for pair in itertools.product(CHOICES[one], CHOICES[other]):
            assert any(((one, pair[0]), (other, pair[1])) in each for each in turned), (one, other, pair)


@pytest.mark.parametrize(
    ("form", "argocd", "ci", "namespace"),
    [
        (Format.KUSTOMIZE, "applications", "gitlab", ""),
        (Format.KUSTOMIZE, "applicationset", "bitbucket", "shared"),
        (Format.MANIFESTS, "applications", "none", "shared"),
        (Format.MANIFESTS, "applicationset", "github", ""),
        (Format.HELM, "applicationset", "gitlab", "shared"),
    ],
)
def test_all_of_it_is_valid_in_each_shape(form: Format, argocd: str, ci: str, namespace: str, tmp_path: Path) -> None:
    turned = {key: VALUES.get(key, ("true",))[-1] for key in KEYS}
    repository = model({**turned, "argocd": argocd, "ci": ci}, form)
    environments = tuple(
        replace(
            each, namespace=f"{namespace}-{each.name}" if namespace else "", cluster=f"https://{each.name}.example.com"
        )
        for each in repository.environments
    )
    refuse_flaws(validated(tmp_path, replace(repository, environments=environments)))


def test_the_repository_with_all_of_it_is_valid(tmp_path: Path) -> None:
    report = validated(tmp_path, goldens.production())
    refuse_flaws(report)
    judged = {each.application for each in report.outcomes if each.status is Status.PASSED}
    assert judged >= {"checkout", "ledger", "search", "status"}


def refuse_flaws(report: Report) -> None:
    """Fail where something is found, or where something is skipped that can be known offline."""
    # Of Argo CD itself there is a stand-in, which has few of the kinds that its project permits, and none of the pods
    # that its network policies are for.
    stands_in = {(MORE, "AppProject/argocd-install"), ("selector-matches-nothing", "NetworkPolicy")}
    found = [
        each
        for each in report.findings
        if (each.rule, each.resource) not in stands_in
        and not (each.path.startswith(INSTALL) and (each.rule, each.resource.partition("/")[0]) in stands_in)
    ]
    assert [str(each) for each in found if each.rule != PLACEHOLDER.id] == []
    skipped = [each for each in report.outcomes if each.status is Status.SKIPPED]
    elsewhere = ("was not fetched", "is not in this repository")
    assert [each for each in skipped if not any(reason in each.reason for reason in elsewhere)] == []
    assert {each.path for each in skipped if each.path.startswith(INSTALL)} <= {INSTALL}


def test_what_is_off_leaves_no_trace() -> None:
    made = switched_off()
    assert not [path for path in made if path.startswith(("platform/", "protection/"))]
    assert not [path for path in made if path.endswith("platform.yaml")]


@pytest.mark.parametrize("turned", ALONE, ids=named)
def test_what_is_switched_on_leaves_a_trace(turned: Mapping[str, str]) -> None:
    before, made = switched_off(), rendering.render(model(turned))
    assert [path for path in made if before.get(path) != made[path] and path != ".copier-answers.yml"]


PARTS = yaml.safe_load((DOCS / "production.yaml").read_text())
COMPONENTS = cache(catalogue.load)
ITEMS = [item for part in PARTS for item in part["items"]]


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: str(item["item"]))
class TestTheList:
    """docs/production.yaml, which says what is done how, tells the truth."""

    def test_it_is_done_by_a_command_or_by_the_repository(self, item: Item) -> None:
        assert {*item} <= {"item", "commands", "switches", "components", "files", "docs", "tests"}
        assert {"commands", "switches", "components", "files"} & {*item}

    def test_its_commands_are_argosys(self, item: Item) -> None:
        for command in item.get("commands", ()):
            parsed(argosy, shlex.split(command)[1:])

    def test_its_files_are_there(self, item: Item) -> None:
        paths = goldens.paths()
        for pattern in item.get("files", ()):
            assert fnmatch.filter(paths, pattern), pattern

    def test_its_switches_can_be_turned(self, item: Item) -> None:
        for pair in item.get("switches", ()):
            key, _, value = pair.partition("=")
            edits.set_repository(plain(Format.HELM), {key: value})

    def test_its_components_are_in_the_catalogue(self, item: Item) -> None:
        assert {*item.get("components", ())} <= {*COMPONENTS()}

    def test_its_pages_and_tests_are_there(self, item: Item) -> None:
        pages = [DOCS / "how-to" / f"{page}.md" for page in item["docs"]]
        tests = [DOCS.parent / path for path in item["tests"]]
        assert [path for path in (*pages, *tests) if not path.exists()] == []


def test_the_list_has_every_switch_and_every_component() -> None:
    switched = {pair.partition("=")[0] for item in ITEMS for pair in item.get("switches", ())}
    assert switched == {*KEYS}, "write it into docs/production.yaml, then run `make docs`"
    listed = {name for item in ITEMS for name in item.get("components", ())}
    assert listed == {*COMPONENTS()}, "write it into docs/production.yaml, then run `make docs`"
