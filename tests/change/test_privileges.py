"""AppProjects permit what applications deploy, and no more: each command keeps them so."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy import temporary
from argosy.change import privileges
from argosy.findings import Severity
from argosy.git import asked_once
from argosy.repository.model import (
    WRITTEN_HERE,
    Application,
    ArgocdStyle,
    Format,
    Repository,
    RevisionStyle,
    Settings,
    chain,
)
from argosy.template import creation, rendering, versions
from argosy.validation import pipeline
from tests.changing import commit, create, edit, files, git, model, state
from tests.conftest import Argosy

CONFIG = "# config:\n#   LOG_LEVEL: info\n"
CONFIGURED = "config:\n  LOG_LEVEL: info\n"
POLICY = "networkPolicy:\n  enabled: true\n"
MANIFEST = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own}\ndata: {greeting: hello}\n"
OWN = "    - {group: batch, kind: CronJob}\n"
"""What somebody permits on purpose: nothing deploys it."""
LISTED = "  namespaceResourceWhitelist:\n"


def values(environment: str) -> str:
    return f"environments/{environment}/web/values.yaml"


def project(environment: str) -> str:
    return f"argocd/{environment}/project.yaml"


def kinds(root: Path, environment: str, revision: str = "") -> list[str]:
    """Return what the project of an environment permits with a namespace."""
    path = project(environment)
    text = git(root, "show", f"{revision}:{path}") if revision else (root / path).read_text()
    return [each["kind"] for each in yaml.safe_load(text)["spec"]["namespaceResourceWhitelist"]]


def spec(root: Path, place: str) -> dict[str, Any]:
    """Return what the project of an environment or a team says."""
    path = f"argocd/{place}.yaml" if "/" in place else project(place)
    said: dict[str, Any] = yaml.safe_load((root / path).read_text())["spec"]
    return said


@asked_once()
def found(root: Path) -> list[str]:
    """Return what is wrong with the projects of a repository, in which nothing else is."""
    told = pipeline.validate(root).findings
    projects = [each for each in told if each.rule.startswith("project-")]
    assert not [each for each in told if each.severity is Severity.ERROR and each not in projects]
    return [str(each) for each in projects]


def started(folder: Path, monkeypatch: pytest.MonkeyPatch, repository: Repository | None = None) -> Path:
    root = create(folder, repository or model(form=Format.HELM))
    monkeypatch.chdir(root)
    return root


def run(argosy: Argosy, *arguments: str) -> None:
    result = argosy(*arguments)
    assert result.code == 0, result.out + result.err


@pytest.mark.parametrize(
    ("form", "style"), [(Format.HELM, ArgocdStyle.APPLICATIONS), (Format.KUSTOMIZE, ArgocdStyle.APPLICATIONSET)]
)
def test_each_command_keeps_projects_to_what_is_used(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Format, style: ArgocdStyle
) -> None:
    root = started(tmp_path / "gitops", monkeypatch, model(form=form, argocd=style))
    assert found(root) == []
    commands = [
        ("add", "app", "shop", "--format", "manifests" if form is Format.HELM else "helm"),
        ("add", "env", "staging", "--after", "dev"),
        ("convert", "web", "--to", "manifests"),
        ("remove", "app", "shop", "--yes"),
    ]
    if form is Format.HELM:  # Where something is called, or goes, no style decides.
        commands[2:2] = [("set", "environment", "staging", "namespace=shared", "--yes")]
        commands[4:] = [("rename", "app", "shop", "store", "--yes"), ("remove", "app", "store", "--yes")]
    for command in commands:
        run(argosy, *command, "--commit", "--no-validate")
        assert found(root) == [], command


def test_what_somebody_permits_on_purpose_survives(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = started(tmp_path / "gitops", monkeypatch)
    text = (root / project("prod")).read_text()
    commit(root, {project("prod"): text.replace(LISTED, f"{LISTED}    # For the nightly export.\n{OWN}", 1)})
    for command in (
        ("add", "app", "shop", "--format", "manifests"),
        ("set", "environment", "prod", "autoSync=false"),
        ("apply",),
        ("remove", "app", "shop", "--yes"),
    ):
        run(argosy, *command, "--commit", "--no-validate")
        assert "CronJob" in kinds(root, "prod"), command
    assert "# For the nightly export.\n" in (root / project("prod")).read_text()
    [told] = found(root)
    assert "batch/CronJob" in told


def test_what_was_added_at_the_end_stays_there(argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = started(tmp_path / "gitops", monkeypatch)
    file = root / project("prod")
    commit(root, {project("prod"): file.read_text() + OWN.replace("CronJob", "Job")})
    commit(root, {values("prod"): (root / values("prod")).read_text().replace(CONFIG, CONFIGURED)})
    run(argosy, "apply", "--commit")
    assert kinds(root, "prod")[0] == "ConfigMap"
    assert file.read_text().endswith(OWN.replace("CronJob", "Job"))


def test_a_removal_takes_back_what_nothing_else_uses(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = started(tmp_path / "gitops", monkeypatch, model(form=Format.MANIFESTS))
    before = state(root)[0]
    run(argosy, "add", "app", "shop", "--format", "helm", "--commit", "--no-validate")
    assert "ServiceAccount" in kinds(root, "prod")
    run(argosy, "add", "app", "third", "--format", "helm", "--commit", "--no-validate")
    run(argosy, "remove", "app", "shop", "--yes", "--commit", "--no-validate")
    assert "ServiceAccount" in kinds(root, "prod")
    run(argosy, "remove", "app", "third", "--yes", "--commit", "--no-validate")
    after = state(root)[0]
    assert {path for path in {*before, *after} if before.get(path) != after.get(path)} <= {"README.md"}


def test_a_list_that_somebody_deleted_stays_away(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = started(tmp_path / "gitops", monkeypatch, model(form=Format.MANIFESTS))
    commit(root, {project("prod"): (root / project("prod")).read_text().partition(LISTED)[0]})
    run(argosy, "add", "app", "shop", "--format", "helm", "--commit")
    assert "namespaceResourceWhitelist" not in (root / project("prod")).read_text()
    assert "ServiceAccount" in kinds(root, "dev")
    run(argosy, "apply", "--least-privilege")
    assert state(root)[1] == ""


# By hand


def test_a_first_edit_outside_production_needs_no_other_project(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = model(form=Format.HELM)
    production = replace(exact.settings.production, least_privilege=False)
    root = started(
        tmp_path / "gitops",
        monkeypatch,
        privileges.of_new(replace(exact, settings=replace(exact.settings, production=production))),
    )
    used = kinds(root, "prod")
    assert {*used} < {*kinds(root, "dev")}
    for environment in ("dev", "prod"):
        edit(root, values(environment), CONFIG, CONFIGURED + "autoscaling:\n  enabled: true\n")
    commit(root)
    assert [("project-denies-kind" in each, "“prod”" in each) for each in found(root)] == [(True, True)] * 2
    run(argosy, "apply", "--commit")
    assert kinds(root, "prod") == sorted([*used, "ConfigMap", "HorizontalPodAutoscaler"], key=kinds(root, "dev").index)
    run(argosy, "set", "repository", "leastPrivilege=true", "--commit", "--no-validate")
    assert kinds(root, "dev") == kinds(root, "prod")
    assert found(root) == []
    run(argosy, "set", "repository", "leastPrivilege=false", "--commit", "--no-validate")
    assert "CronJob" in kinds(root, "dev")
    assert "CronJob" not in kinds(root, "prod")
    assert found(root) == []
    run(argosy, "add", "env", "live", "--commit", "--no-validate")
    assert ("CronJob" in kinds(root, "prod"), "CronJob" in kinds(root, "live")) == (True, False)
    run(argosy, "remove", "env", "live", "--yes", "--commit", "--no-validate")
    assert "CronJob" not in kinds(root, "prod")
    run(argosy, "remove", "env", "prod", "--yes", "--commit", "--no-validate")  # It has an application, as dev has.
    assert {"Deployment", "ConfigMap"} < {*kinds(root, "dev")}
    assert "CronJob" not in kinds(root, "dev")
    assert found(root) == []


@pytest.mark.parametrize("committed", [True, False])
def test_apply_permits_what_was_switched_on_by_hand(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, committed: bool
) -> None:
    root = started(tmp_path / "gitops", monkeypatch)
    edit(root, values("prod"), CONFIG, CONFIGURED)
    if committed:
        commit(root)
    [told] = found(root)
    assert "does not permit the kind ConfigMap" in told
    assert argosy("apply", "--dry-run").out.count(", kind: ConfigMap}\n") == 1
    run(argosy, "apply")
    assert "ConfigMap" in kinds(root, "prod")
    assert "ConfigMap" not in kinds(root, "dev")
    assert found(root) == []
    commit(root)
    assert "Nothing to change" in argosy("apply").err


def test_apply_permits_a_manifest_beside_an_overlay(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = started(tmp_path / "gitops", monkeypatch, model(form=Format.KUSTOMIZE))
    account = "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: web\nautomountServiceAccountToken: false\n"
    (root / "environments/dev/web/account.yaml").write_text(account)
    edit(root, "environments/dev/web/kustomization.yaml", "resources:\n", "resources:\n  - account.yaml\n")
    run(argosy, "apply", "--commit")
    assert "ServiceAccount" in kinds(root, "dev")
    assert found(root) == []


def test_apply_permits_what_a_component_of_kustomize_brings(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = started(tmp_path / "gitops", monkeypatch, model(form=Format.KUSTOMIZE))
    folder = root / "applications/web/components/account"
    folder.mkdir(parents=True)
    (folder / "kustomization.yaml").write_text(
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources:\n  - account.yaml\n"
    )
    (folder / "account.yaml").write_text("apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: web\n")
    with (root / "environments/dev/web/kustomization.yaml").open("a") as file:
        file.write("components:\n  - ../../../applications/web/components/account\n")
    commit(root)
    run(argosy, "apply", "--commit", "--no-validate")
    assert "ServiceAccount" in kinds(root, "dev")


def test_apply_narrows_when_it_is_asked_to(argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = started(tmp_path / "gitops", monkeypatch)
    as_it_was = kinds(root, "prod")
    edit(root, values("prod"), CONFIG, CONFIGURED)
    run(argosy, "apply", "--commit")
    edit(root, values("prod"), CONFIGURED, CONFIG)
    commit(root)
    assert "Nothing to change" in argosy("apply").err
    assert len(found(root)) == 1
    run(argosy, "apply", "--least-privilege", "--commit", "--no-validate")
    assert kinds(root, "prod") == as_it_was
    assert found(root) == []


def test_apply_takes_back_what_went_with_a_folder(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = started(tmp_path / "gitops", monkeypatch, model(form=Format.MANIFESTS))
    run(argosy, "add", "app", "shop", "--format", "helm", "--commit", "--no-validate")
    shutil.rmtree(root / "environments/prod/shop")
    run(argosy, "apply", "--commit", "--no-validate")
    assert "ServiceAccount" not in kinds(root, "prod")
    assert "ServiceAccount" in kinds(root, "dev")
    assert found(root) == []


def test_nobody_knows_what_cannot_be_rendered_needs(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = started(tmp_path / "gitops", monkeypatch)
    commit(root, {values("dev"): "image: [\n"})
    before = state(root)
    result = argosy("apply", "--least-privilege")
    assert (result.code, state(root)) == (1, before)
    assert "Not all that dev deploys can be rendered" in result.err


def test_a_project_that_somebody_is_editing_is_left_to_them(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = started(tmp_path / "gitops", monkeypatch)
    edit(root, project("prod"), LISTED, LISTED + OWN)
    run(argosy, "apply")
    edit(root, values("prod"), CONFIG, CONFIGURED)
    before = state(root)
    result = argosy("apply")
    assert (result.code, state(root)) == (1, before)
    assert project("prod") in result.err
    commit(root)
    run(argosy, "apply", "--commit")
    assert {"ConfigMap", "CronJob"} <= {*kinds(root, "prod")}


def test_two_teams_permit_different_kinds(argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = started(tmp_path / "gitops", monkeypatch)
    run(argosy, "add", "app", "shop", "--format", "helm", "--commit", "--no-validate")
    git(root, "switch", "--quiet", "--create", "other")
    with (root / "environments/prod/shop/values.yaml").open("a") as file:
        file.write(POLICY)
    run(argosy, "apply", "--commit", "--no-validate")
    commit(root)
    git(root, "switch", "--quiet", "main")
    edit(root, values("prod"), CONFIG, CONFIGURED)
    commit(root)
    run(argosy, "apply", "--commit", "--no-validate")
    git(root, "merge", "--quiet", "other", "--message", "Together")
    assert {"ConfigMap", "NetworkPolicy"} <= {*kinds(root, "prod")}
    assert found(root) == []


@pytest.mark.parametrize("style", list(ArgocdStyle))
def test_each_team_has_projects_of_its_own(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, style: ArgocdStyle
) -> None:
    begun = model(("shop", "web"), argocd=style)
    begun = replace(begun, applications=tuple(replace(each, team="payments") for each in begun.applications))
    root = started(tmp_path / "gitops", monkeypatch, begun)
    commit(root, {"environments/prod/shop/config.yaml": MANIFEST})
    run(argosy, "apply", "--commit", "--no-validate")
    before = files(root)
    told = argosy("set", "repository", "tenancy=team", "--commit")
    assert (told.code, "\n  web-prod: prod -> prod-payments\n" in told.err) == (0, True), told.out + told.err
    assert spec(root, "prod")["destinations"] == spec(root, "prod")["namespaceResourceWhitelist"] == []
    assert spec(root, "prod")["clusterResourceWhitelist"] == []

    run(argosy, "add", "team", "search", "--sso-group", "acme:search", "--commit", "--no-validate")
    assert spec(root, "prod/teams/search")["roles"][0]["groups"] == ["acme:search"]
    told = argosy("set", "app", "shop", "team=search", "--commit", "--no-validate")
    assert (told.code, "\n  shop-prod: prod-payments -> prod-search\n" in told.err) == (0, True), told.out + told.err
    for team, name, has in (("payments", "web", False), ("search", "shop", True)):
        project = spec(root, f"prod/teams/{team}")
        assert [each["namespace"] for each in project["destinations"]] == [f"{name}-prod"]
        assert project["clusterResourceWhitelist"] == [{"group": "", "kind": "Namespace", "name": f"{name}-prod"}]
        assert ({"group": "", "kind": "ConfigMap"} in project["namespaceResourceWhitelist"]) is has
    assert found(root) == []
    if style is ArgocdStyle.APPLICATIONS:
        back_to_one_project(argosy, root, before)


def back_to_one_project(argosy: Argosy, root: Path, before: dict[str, tuple[int, bytes]]) -> None:
    """Take back team after team what a repository has for teams: the files of projects alone change."""
    edit(root, "argocd/prod/teams/search.yaml", "spec:\n", "spec:  # ours\n")
    commit(root)
    run(argosy, "rename", "team", "search", "find", "--yes", "--commit", "--no-validate")
    assert (root / "argocd/prod/teams/find.yaml").read_text().count("# ours") == 1
    refused = argosy("remove", "team", "find", "--yes")
    assert (refused.code, "find owns shop" in refused.err) == (2, True)
    run(argosy, "set", "app", "shop", "team=payments", "--commit", "--no-validate")
    run(argosy, "remove", "team", "find", "--yes", "--commit", "--no-validate")
    assert found(root) == []
    run(argosy, "set", "team", "payments", "ssoGroup=acme:pay", "--commit", "--no-validate")
    asked = argosy("set", "repository", "tenancy=environment", "--commit", "--no-validate")
    assert (asked.code, "\n  payments: ssoGroup=acme:pay\n" in asked.err) == (2, True), asked.err
    run(argosy, "set", "repository", "tenancy=environment", "--yes", "--commit", "--no-validate")
    assert files(root) == before


def test_a_project_comes_with_an_application_from_elsewhere(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = started(tmp_path / "gitops", monkeypatch, model())
    run(argosy, "set", "repository", "tenancy=team", "--commit", "--no-validate")
    run(argosy, "add", "team", "payments", "search", "--commit", "--no-validate")
    chart = "https://charts.example.com/stable/redis:1.2.3"
    run(argosy, "add", "app", "cache", "--chart", chart, "--team", "payments", "--commit", "--no-validate")
    own = "https://github.com/acme/gitops.git"
    assert spec(root, "prod/teams/payments")["sourceRepos"] == [own, "https://charts.example.com/stable"]
    assert spec(root, "prod")["sourceRepos"] == [own]
    run(argosy, "set", "app", "cache", "team=search", "--commit", "--no-validate")
    assert spec(root, "prod/teams/payments")["sourceRepos"] == [own]
    assert spec(root, "prod/teams/search")["sourceRepos"] == [own, "https://charts.example.com/stable"]
    assert 'project: "prod-search"' in (root / "argocd/prod/cache.yaml").read_text()


def test_apply_knows_what_an_environments_own_branch_deploys(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = started(tmp_path / "gitops", monkeypatch, model(form=Format.HELM, revision=RevisionStyle.BRANCH))
    git(root, "branch", "dev")
    git(root, "switch", "--quiet", "--create", "prod")
    edit(root, values("prod"), CONFIG, CONFIGURED)
    commit(root)
    git(root, "switch", "--quiet", "main")
    run(argosy, "apply", "--commit")
    assert "ConfigMap" in kinds(root, "prod")
    assert "ConfigMap" not in kinds(root, "dev")
    assert found(root) == []
    run(argosy, "apply", "--least-privilege")
    assert state(root)[1] == ""


# Templates before this one


STATIC = """\
  namespaceResourceWhitelist:
    - group: ""
      kind: ConfigMap
    - group: ""
      kind: Service
    - group: ""
      kind: ServiceAccount
    - group: apps
      kind: Deployment
    - group: networking.k8s.io
      kind: Ingress
    - group: policy
      kind: PodDisruptionBudget
"""


@pytest.fixture
def first_version(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a version of the template whose projects permit the same kinds whatever is deployed."""
    root = tmp_path_factory.mktemp("history")
    source = Path(versions.__file__).parents[3]
    shutil.copy(source / "copier.yml", root)
    shutil.copytree(source / "templates", root / "templates")
    [file] = root.glob("templates/argocd/*/project.yaml.jinja")
    present = file.read_text()
    file.write_text(present[: present.index("[% if own.kinds is not none %]")] + STATIC)
    git(root, "init", "--quiet", "--initial-branch=main")
    commit(root, message="Static")
    file.write_text(present)
    commit(root, message="Derived")
    monkeypatch.setattr(versions, "_CHECKOUT", root)
    versions.current.cache_clear()
    return versions.versions()[-1]


def test_an_update_keeps_what_an_older_template_permitted(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first_version: str
) -> None:
    try:
        with versions.checkout(first_version) as old:
            tree = rendering.render(model(form=Format.HELM), template=old)
        creation.create(tmp_path / "gitops", tree, branch="main")
        root = tmp_path / "gitops"
        monkeypatch.chdir(root)
        run(argosy, "update", "--commit")
        permitted = kinds(root, "prod")
        assert {"ConfigMap", "Ingress", "Deployment"} <= {*permitted}
        run(argosy, "apply", "--least-privilege", "--commit", "--no-validate")
        assert found(root) == []
        assert {"Deployment", "ReplicaSet", "Pod"} <= {*kinds(root, "prod")}
        assert "Ingress" not in kinds(root, "prod")
    finally:
        versions.current.cache_clear()


# Whatever is deployed


@settings(max_examples=6, deadline=None)
@given(
    forms=st.lists(st.sampled_from(WRITTEN_HERE), min_size=1, max_size=3),
    style=st.sampled_from(ArgocdStyle),
    shared=st.booleans(),
)
def test_a_new_repository_permits_exactly_what_it_deploys(
    forms: list[Format], style: ArgocdStyle, *, shared: bool
) -> None:
    dev, prod = chain((("dev", ""), ("prod", "")), RevisionStyle.TRUNK)
    environments = (dev, replace(prod, namespace="shared" if shared else ""))
    bare = Repository(Settings("gitops", "https://github.com/acme/gitops.git", style), environments)
    whole = bare.with_applications(tuple(Application(f"app{number}", form) for number, form in enumerate(forms)))
    with temporary.folder("property") as folder:
        creation.write(folder, rendering.render(privileges.of_new(whole)))
        assert found(folder) == []
