"""Argo CD itself, as a repository installs and watches it: Kustomize builds it over a stand-in of its manifests."""

from __future__ import annotations

import csv
import fnmatch
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from argosy import kustomize
from argosy.argocd import installed as pins
from argosy.argocd.inventory import take
from argosy.bootstrap import installation
from argosy.doctor import webhooks
from argosy.findings import Finding, Report, Status
from argosy.repository.model import (
    Application,
    ArgocdStyle,
    CiHost,
    Notifier,
    Production,
    Repository,
    Secrets,
    SecretStore,
    Settings,
    Sso,
    chain,
)
from argosy.rules.placeholders import PLACEHOLDER
from argosy.rules.resources import EXCLUDED
from argosy.template import rendering
from argosy.validation import pipeline
from tests.templates.renovate import Found, watched
from tests.upstream.releases import pinned
from tests.validating import write_files

Manifest = dict[str, Any]
ALL = Production(
    high_availability=True,
    sso=Sso.GITHUB,
    notifications=tuple(Notifier),
    monitoring=True,
    webhook=True,
    shards=3,
    self_managed=True,
    secrets=Secrets.EXTERNAL_SECRETS,
    network_policies=True,
)
URL = "https://github.com/acme/gitops.git"
REMOTE = f"https://raw.githubusercontent.com/argoproj/argo-cd/{pinned()}/manifests/"

OWN = ("argocd/install", "argocd/platform.yaml", "argocd/root.yaml", "platform/argocd")

METRICS: Mapping[str, set[str]] = {
    "argocd_app_info": {"namespace", "name", "project", "autosync_enabled", "dest_server", "dest_namespace"}
    | {"sync_status", "health_status", "operation", "repo"},
    "argocd_app_reconcile_bucket": {"namespace", "dest_server", "le"},
    "argocd_app_sync_total": {"namespace", "name", "project", "dest_server", "phase", "dry_run"},
    "argocd_cluster_api_resource_objects": {"server"},
    "argocd_cluster_connection_status": {"server", "k8s_version"},
    "argocd_git_fetch_fail_total": {"repo", "revision"},
    "argocd_git_lsremote_fail_total": {"repo", "revision"},
    "argocd_git_request_duration_seconds_bucket": {"repo", "request_type", "le"},
    "argocd_git_request_total": {"repo", "request_type"},
    "argocd_info": {"version"},
    "argocd_notifications_deliveries_total": {"trigger", "service", "succeeded"},
    "argocd_repo_pending_request_total": {"repo"},
}
"""What Argo CD 3.5 exposes, with the labels.

Sources: controller/metrics, reposerver/metrics and server/metrics of Argo CD, pkg/controller/metrics.go of
argoproj/notifications-engine.
"""


def render(production: Production, **settings: Any) -> dict[str, str]:
    """Return the files of a repository with three applications, two of them of a team."""
    return {**_rendered(production, tuple(settings.items()))}


@cache
def _rendered(production: Production, settings: tuple[tuple[str, Any], ...]) -> Mapping[str, str]:
    made = replace(Settings("gitops", URL, production=production), **dict(settings))
    bare = Repository(made, chain((("dev", ""), ("prod", "")), made.revision))
    teams = (("api", 'Team "x", y'), ("web", "payments"), ("worker", ""))
    repository = bare.with_applications(tuple(Application(name, team=team) for name, team in teams))
    return {path: file.content.decode() for path, file in rendering.render(repository).items()}


def documents(text: str) -> list[Manifest]:
    return [each for each in yaml.safe_load_all(text) if each]


def named(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    [found] = [each for each in manifests if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


def _policy(name: str, *ports: int) -> Manifest:
    ingress = [{"from": [{"namespaceSelector": {}}], "ports": [{"port": port}]} for port in ports]
    spec = {"podSelector": {"matchLabels": {"app.kubernetes.io/name": name}}, "ingress": ingress or [{}]}
    metadata = {"name": f"{name}-network-policy"}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


def _definition(kind: str) -> Manifest:
    plural = f"{kind.lower()}s"
    anything = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1alpha1", "served": True, "storage": True, "schema": anything}
    names = {"kind": kind, "plural": plural}
    return {
        **{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"},
        "metadata": {"name": f"{plural}.argoproj.io"},
        "spec": {"group": "argoproj.io", "names": names, "scope": "Namespaced", "versions": [version]},
    }


def stand_in(*, high_availability: bool) -> list[Manifest]:
    """Return, of Argo CD 3.5's install.yaml, the objects that patches can be about; none of them says a namespace."""

    def core(kind: str, name: str, **data: str) -> Manifest:
        return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **({"data": data} if data else {})}

    controller = "argocd-application-controller"
    password = {"secretKeyRef": {"name": "argocd-redis", "key": "auth"}}
    env = [{"name": "REDIS_PASSWORD", "valueFrom": password}, {"name": "ARGOCD_CONTROLLER_REPLICAS", "value": "1"}]
    container = {"name": controller, "image": f"quay.io/argoproj/argocd:{pinned()}", "env": env}
    labels = {"app.kubernetes.io/name": controller}
    redis = {"redis.server": "argocd-redis-ha-haproxy:6379"} if high_availability else {}
    policies = [
        *(_policy(controller, 8082), _policy("argocd-applicationset-controller", 8080)),
        *(_policy("argocd-dex-server", 5556, 5558), _policy("argocd-notifications-controller", 9001)),
        *(_policy("argocd-repo-server", 8081, 8084), _policy("argocd-server")),
        _policy("argocd-redis-ha-proxy", 6379, 9101) if high_availability else _policy("argocd-redis", 6379),
    ]
    return [
        *map(_definition, ("Application", "ApplicationSet", "AppProject")),
        core("ConfigMap", "argocd-cm", **{"resource.customizations.ignoreResourceUpdates.all": "jsonPointers: []\n"}),
        core("ConfigMap", "argocd-cmd-params-cm", **redis),
        core("ConfigMap", "argocd-notifications-cm"),
        core("ConfigMap", "argocd-rbac-cm"),
        core("Secret", "argocd-notifications-secret"),
        core("Secret", "argocd-secret"),
        {
            **{"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": controller}},
            "spec": {
                **{"replicas": 1, "serviceName": controller, "selector": {"matchLabels": labels}},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            },
        },
        *policies,
    ]


def installed(folder: Path, files: Mapping[str, str]) -> Path:
    """Write argocd/install with the stand-in in the place of Argo CD's manifests, and return it."""
    kustomization = files["argocd/install/kustomization.yaml"]
    remote = re.search(
        r"https://raw\.githubusercontent\.com/argoproj/argo-cd/[^/]+/manifests/(ha/)?install.yaml", kustomization
    )
    assert remote
    install = {path: text for path, text in files.items() if path.startswith("argocd/install/")}
    base = yaml.safe_dump_all(stand_in(high_availability=bool(remote[1])))
    patched = kustomization.replace(remote[0], "base.yaml")
    write_files(folder, {**install, "argocd/install/base.yaml": base, "argocd/install/kustomization.yaml": patched})
    return folder / "argocd/install"


def built(folder: Path, files: Mapping[str, str]) -> list[Manifest]:
    return documents(kustomize.build(installed(folder, files), folder))


def setting(manifests: list[Manifest], name: str) -> dict[str, str]:
    data: dict[str, str] = named(manifests, "ConfigMap", name).get("data", {})
    return data


SWITCHES = [
    pytest.param(Production(), id="none"),
    pytest.param(ALL, id="all"),
    pytest.param(Production(high_availability=True), id="high_availability"),
    pytest.param(Production(monitoring=True), id="monitoring"),
    pytest.param(Production(webhook=True), id="webhook"),
    pytest.param(Production(self_managed=True), id="self_managed"),
    pytest.param(Production(network_policies=True), id="network_policies"),
    pytest.param(Production(network_policies=True, high_availability=True), id="network_policies-ha"),
    pytest.param(Production(shards=2), id="shards"),
    *(pytest.param(Production(sso=sso), id=f"sso-{sso}") for sso in Sso),
    *(pytest.param(Production(notifications=(each,)), id=f"notifications-{each}") for each in Notifier),
]
STORES = [
    pytest.param(replace(ALL, secret_store=store, high_availability=False), id=f"secrets-{store}")
    for store in SecretStore
]
"""Of which no file of the installation speaks."""


@pytest.mark.parametrize("production", SWITCHES)
def test_patches_land_on_their_objects(production: Production, tmp_path: Path) -> None:
    files = render(production)
    manifests = built(tmp_path, files)
    known = {
        (each["kind"], each["metadata"]["name"]) for each in stand_in(high_availability=production.high_availability)
    }
    new = {("NetworkPolicy", "default-deny"), ("NetworkPolicy", "egress")} if production.network_policies else set()
    assert {(each["kind"], each["metadata"]["name"]) for each in manifests} == known | new
    assert all(each["metadata"]["namespace"] == "argocd" for each in manifests if not each["kind"].startswith("Custom"))
    named_by_it = set(
        re.findall(r"- path: (\S+)|^  - ([a-z-]+\.yaml)", files["argocd/install/kustomization.yaml"], re.M)
    )
    there = {path.rpartition("/")[2] for path in files if path.startswith("argocd/install/")}
    assert {first or second for first, second in named_by_it} == there - {"kustomization.yaml"}


def flaws(report: Report) -> list[Finding]:
    """Return what is found in the files of the installation, but for what is still to be filled in."""
    return [each for each in report.findings if each.path.startswith(OWN) and each.rule != PLACEHOLDER.id]


@pytest.mark.parametrize("production", [*SWITCHES, *STORES])
def test_all_of_it_validates(production: Production, tmp_path: Path) -> None:
    files = render(production)
    write_files(tmp_path, files)
    if production.secret_store is not ALL.secret_store:
        other = render(replace(production, secret_store=ALL.secret_store))
        assert [path for path in files if path.startswith("argocd/install/") and files[path] != other[path]] == []
    report = pipeline.validate(tmp_path)
    assert flaws(report) == []
    skipped = {each.path for each in report.outcomes if each.status is Status.SKIPPED and each.path.startswith(OWN)}
    assert skipped == {"argocd/install"}


@pytest.mark.parametrize(
    ("argocd", "url", "ci"),
    [
        (ArgocdStyle.APPLICATIONS, "git@gitlab.com:acme/sub/gitops.git", CiHost.GITLAB),
        (ArgocdStyle.APPLICATIONSET, "https://git.example.com/gitops", CiHost.NONE),
        (ArgocdStyle.APPLICATIONSET, URL, CiHost.GITHUB),
        (ArgocdStyle.APPLICATIONS, "ssh://git@bitbucket.org/acme/gitops.git", CiHost.BITBUCKET),
    ],
)
def test_every_host_and_style_validates(argocd: ArgocdStyle, url: str, ci: CiHost, tmp_path: Path) -> None:
    sso = Sso.GITLAB if "gitlab" in url else Sso.OIDC
    write_files(tmp_path, render(replace(ALL, sso=sso), argocd=argocd, repo_url=url, ci=ci))
    assert flaws(pipeline.validate(tmp_path)) == []


# Settings


def test_defaults_of_argo_cd_stay(tmp_path: Path) -> None:
    manifests = built(tmp_path, render(ALL))
    assert "resource.customizations.ignoreResourceUpdates.all" in setting(manifests, "argocd-cm")
    assert setting(manifests, "argocd-cmd-params-cm")["redis.server"] == "argocd-redis-ha-haproxy:6379"


def test_what_argo_cd_excludes_by_default_stays_excluded(tmp_path: Path) -> None:
    listed = yaml.safe_load(
        setting(built(tmp_path, render(Production(monitoring=True))), "argocd-cm")["resource.exclusions"]
    )
    excluded = {(group, kind) for each in listed for group in each["apiGroups"] for kind in each["kinds"]}
    in_code = {("", "Event"), ("events.k8s.io", ""), ("metrics.k8s.io", "")}
    assert {(group, kind) for group, kinds in EXCLUDED.items() for kind in kinds or {""}} - in_code <= excluded


def test_bootstrap_and_doctor_read_what_is_installed(tmp_path: Path) -> None:
    for production in (Production(), ALL):
        files = render(production)
        root = tmp_path / str(production.high_availability)
        write_files(root, files)
        assert pins.of(pins.find(take(root))) == pinned()[1:]
        folder = installed(root / "installed", files)
        arranged = installation.arranged(folder, installation.build(folder), None)
        assert arranged.setting("argocd-cm", "admin.enabled") == ("false" if production.sso is not Sso.NONE else "")
        assert arranged.setting("argocd-cmd-params-cm", "server.insecure") == ""
        assert [each["metadata"]["name"] for each in arranged.workloads] == ["argocd-application-controller"]


def test_shards_are_told_to_controller_and_clusters(tmp_path: Path) -> None:
    manifests = built(tmp_path, render(Production(shards=4)))
    spec = named(manifests, "StatefulSet", "argocd-application-controller")["spec"]
    [container] = spec["template"]["spec"]["containers"]
    assert spec["replicas"] == 4
    assert {"name": "ARGOCD_CONTROLLER_REPLICAS", "value": "4"} in container["env"]
    assert len(container["env"]) == 2
    assert setting(manifests, "argocd-cmd-params-cm")["controller.sharding.algorithm"] == "consistent-hashing"


@pytest.mark.parametrize(
    ("ci", "url", "keys"),
    [
        (CiHost.GITHUB, URL, {"webhook.github.secret": "$argocd-webhook:github"}),
        (CiHost.GITLAB, "https://git.acme.com/a/b", {"webhook.gitlab.secret": "$argocd-webhook:gitlab"}),
        (CiHost.BITBUCKET, "git@bitbucket.org:a/b.git", {"webhook.bitbucket.uuid": "$argocd-webhook:bitbucket"}),
        (
            CiHost.BITBUCKET,
            "https://git.acme.com/scm/a/b.git",
            {"webhook.bitbucketserver.secret": "$argocd-webhook:bitbucketserver"},
        ),
        (CiHost.NONE, "git@gitlab.com:a/b.git", {"webhook.gitlab.secret": "$argocd-webhook:gitlab"}),
        (CiHost.NONE, "https://codeberg.org/a/b", {"webhook.gogs.secret": "$argocd-webhook:gogs"}),
    ],
)
def test_webhook_secret_is_a_reference(ci: CiHost, url: str, keys: dict[str, str], tmp_path: Path) -> None:
    secret = named(built(tmp_path, render(Production(webhook=True), ci=ci, repo_url=url)), "Secret", "argocd-secret")
    assert secret["stringData"] == keys


def test_webhook_of_an_unknown_host_is_one_of_those_that_argo_cd_knows(tmp_path: Path) -> None:
    files = render(Production(webhook=True), ci=CiHost.NONE, repo_url="https://git.acme.com/a/b")
    keys = named(built(tmp_path, files), "Secret", "argocd-secret")["stringData"]
    data = json.loads(Path(webhooks.__file__).with_name("webhooks.json").read_text())
    assert set(keys) == {key for each in data["webhooks"] for key in each["keys"]}
    assert all(value.startswith("$argocd-webhook:") for value in keys.values())


def test_login_goes_by_references(tmp_path: Path) -> None:
    for sso, key in ((Sso.OIDC, "oidc.config"), (Sso.GITHUB, "dex.config"), (Sso.GITLAB, "dex.config")):
        data = setting(built(tmp_path / sso, render(Production(sso=sso))), "argocd-cm")
        assert data["admin.enabled"] == "false"
        assert data["url"].startswith("https://")
        config = yaml.safe_load(data[key])
        client = config["connectors"][0]["config"] if "connectors" in config else config
        assert (client["clientID"], client["clientSecret"]) == ("$argocd-sso:clientID", "$argocd-sso:clientSecret")
    assert "admin.enabled" not in setting(built(tmp_path / "none", render(Production())), "argocd-cm")


# Who may do what


class Policy:
    """Decides as Argo CD does: by all roles of a group, deny by default; no line here denies."""

    def __init__(self, text: str) -> None:
        lines = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
        self.lines = [next(csv.reader([line], skipinitialspace=True)) for line in lines]

    def roles(self, subject: str) -> set[str]:
        found = {subject}
        for _ in self.lines:
            found |= {line[2] for line in self.lines if line[0] == "g" and line[1] in found}
        return found

    def permits(self, subject: str, resource: str, action: str, target: str) -> bool:
        roles = self.roles(subject)
        return "role:admin" in roles or any(
            line[1] in roles
            and all(map(fnmatch.fnmatchcase, (resource, action, target), line[2:5]))
            and line[5] == "allow"
            for line in self.lines
            if line[0] == "p"
        )


@pytest.mark.parametrize(
    ("sso", "prefix"), [(Sso.NONE, ""), (Sso.OIDC, ""), (Sso.GITHUB, "acme:"), (Sso.GITLAB, "acme/")]
)
def test_production_is_the_platform_teams(sso: Sso, prefix: str, tmp_path: Path) -> None:
    data = setting(built(tmp_path, render(Production(sso=sso))), "argocd-rbac-cm")
    assert data["policy.default"] == ""
    policy = Policy(data["policy.csv"])
    developers, payments, other = f"{prefix}developers", f"{prefix}payments", f'{prefix}Team "x", y'
    for subject, application, may_dev, may_prod in (
        (f"{prefix}platform", "web", "get sync", "get sync"),
        (developers, "web", "get sync", "get"),
        (payments, "web", "get sync", "get"),
        (payments, "api", "", ""),
        (other, "api", "get sync", "get"),
        (other, "web", "", ""),
        ("anybody", "web", "", ""),
    ):
        for action, (env, may) in itertools.product(("get", "sync"), (("dev", may_dev), ("prod", may_prod))):
            permitted = policy.permits(subject, "applications", action, f"{env}/{application}-{env}")
            assert permitted == (action in may.split()), (subject, action, env)
    assert policy.permits(payments, "logs", "get", "prod/web-prod")
    assert not policy.permits(developers, "applications", "delete", "dev/web-dev")
    assert not policy.permits(developers, "exec", "create", "dev/web-dev")


# Notifications


@pytest.mark.parametrize("notifier", Notifier)
def test_notifications_go_where_they_are_wanted(notifier: Notifier, tmp_path: Path) -> None:
    data = setting(built(tmp_path, render(Production(notifications=(notifier,)))), "argocd-notifications-cm")
    [service] = [key for key in data if key.startswith("service.")]
    assert set(re.findall(r"\$[\w-]+", data[service]))
    [subscription] = yaml.safe_load(data["subscriptions"])
    [recipient] = subscription["recipients"]
    assert recipient.partition(":")[0] == service.rpartition(".")[2]
    assert {f"trigger.{each}" for each in subscription["triggers"]} == {
        key for key in data if key.startswith("trigger.")
    }
    for template in (yaml.safe_load(text) for key, text in data.items() if key.startswith("template.")):
        assert set(template) == {"message", service.split(".")[1]}
        assert "argocdUrl" in template["message"]
        assert "Environment: {{ $environment }}" in template["message"]


def test_bodies_are_json_whatever_a_message_holds(tmp_path: Path) -> None:
    data = setting(built(tmp_path, render(ALL)), "argocd-notifications-cm")
    templates = [yaml.safe_load(text) for key, text in data.items() if key.startswith("template.")]
    for text in (
        *(each["webhook"]["oncall"]["body"] for each in templates),
        *(each["slack"]["attachments"] for each in templates),
        *(each["teams-workflows"]["potentialAction"] for each in templates),
    ):
        # What toJson writes is a value of its own; within a string stand addresses alone.
        filled = re.sub(r"\{\{ with .*?\{\{ end \}\}|\{\{[^}]*toJson \}\}", '"text"', text)
        json.loads(re.sub(r"\{\{ [.\w]+ \}\}", "x", filled))


# Argo CD's own Applications


def test_platform_is_there_for_what_needs_it() -> None:
    def kinds(production: Production) -> list[tuple[str, str]]:
        found = documents(render(production).get("argocd/platform.yaml", ""))
        return [(each["kind"], each["metadata"]["name"]) for each in found]

    platform = [("AppProject", "platform"), ("Application", "platform-argocd")]
    itself = [("AppProject", "argocd-install"), ("Application", "argocd")]
    assert kinds(Production()) == []
    assert kinds(Production(monitoring=True)) == platform
    assert kinds(Production(secrets=Secrets.EXTERNAL_SECRETS)) == platform
    assert kinds(Production(secrets=Secrets.SOPS)) == []
    assert kinds(Production(self_managed=True)) == itself
    assert kinds(ALL) == platform + itself


def test_platform_permits_what_it_deploys_and_no_more() -> None:
    cluster_wide = {"ClusterSecretStore"}
    for production in (Production(monitoring=True), Production(secrets=Secrets.EXTERNAL_SECRETS), ALL):
        files = render(production)
        spec = named(documents(files["argocd/platform.yaml"]), "AppProject", "platform")["spec"]
        permitted = [each["kind"] for each in (*spec["clusterResourceWhitelist"], *spec["namespaceResourceWhitelist"])]
        deployed = [
            each for path, text in files.items() if path.startswith("platform/argocd/") for each in documents(text)
        ]
        assert set(permitted) == {each["kind"] for each in deployed}
        assert {each["kind"] for each in spec["clusterResourceWhitelist"]} <= cluster_wide


def test_argo_cd_permits_itself_what_its_manifests_hold(tmp_path: Path) -> None:
    files = render(ALL)
    spec = named(documents(files["argocd/platform.yaml"]), "AppProject", "argocd-install")["spec"]
    permitted = {each["kind"] for each in (*spec["clusterResourceWhitelist"], *spec["namespaceResourceWhitelist"])}
    assert {each["kind"] for each in built(tmp_path, files)} <= permitted


def test_no_sync_deletes_the_definitions(tmp_path: Path) -> None:
    manifests = built(tmp_path, render(Production(self_managed=True)))
    definitions = [each["metadata"] for each in manifests if each["kind"] == "CustomResourceDefinition"]
    assert [each["annotations"]["argocd.argoproj.io/sync-options"] for each in definitions] == [
        "Prune=false,Delete=false"
    ] * 3
    application = named(documents(render(ALL)["argocd/platform.yaml"]), "Application", "argocd")
    assert "finalizers" not in application["metadata"]
    [ignored] = application["spec"]["ignoreDifferences"]
    assert not any("webhook" in each for each in ignored["jsonPointers"])


@pytest.mark.parametrize("argocd", ArgocdStyle)
@pytest.mark.parametrize("production", [Production(), Production(monitoring=True), ALL])
def test_root_may_declare_what_there_is_to_declare(argocd: ArgocdStyle, production: Production) -> None:
    files = render(production, argocd=argocd)
    spec = named(documents(files["argocd/root.yaml"]), "AppProject", "argocd")["spec"]
    declared = {
        each["kind"]
        for path, text in files.items()
        if path.startswith("argocd/") and not path.startswith(("argocd/install/", "argocd/root.yaml"))
        for each in documents(text)
    }
    permitted = {each["kind"] for each in spec["namespaceResourceWhitelist"]}
    # Both ways to declare applications: a commit that changes between them is neither synced nor pruned otherwise.
    assert declared <= permitted == {"AppProject", "Application", "ApplicationSet"}


def test_root_and_platform_are_tried_until_what_they_need_is_there(tmp_path: Path) -> None:
    files = render(ALL)
    for path, name in (("argocd/root.yaml", "root"), ("argocd/platform.yaml", "platform-argocd")):
        retry = named(documents(files[path]), "Application", name)["spec"]["syncPolicy"]["retry"]
        assert (retry["limit"], retry["refresh"]) == (-1, True)
    # What such a limit ends is tried no more, however many retries are left. Without the key there is none.
    assert "controller.sync.timeout.seconds" not in setting(built(tmp_path, files), "argocd-cmd-params-cm")


def test_signed_commits_alone_change_argo_cd() -> None:
    keys = ("0123456789ABCDEF", "5BFF29094B0EFC34")
    files = render(replace(ALL, signature_keys=keys))
    for path in ("argocd/platform.yaml", "argocd/root.yaml"):
        for project in (each for each in documents(files[path]) if each["kind"] == "AppProject"):
            (policy,) = project["spec"]["sourceIntegrity"]["git"]["policies"]
            assert policy == {"repos": [{"url": "*"}], "gpg": {"mode": "head", "keys": list(keys)}}
            assert "signatureKeys" not in project["spec"]


@pytest.mark.parametrize(("version", "field"), [("v3.4.12", "signatureKeys"), ("v3.5.0", "sourceIntegrity")])
def test_projects_ask_for_signatures_as_the_pinned_argo_cd_reads_them(version: str, field: str) -> None:
    key = "0123456789ABCDEF"
    files = render(replace(ALL, signature_keys=(key,), argocd_pin=f"{version}@{'a' * 40}"))
    made = [each for path in files if path.startswith("argocd/") for each in documents(files[path])]
    projects = [each["spec"] for each in made if each["kind"] == "AppProject"]
    assert projects
    asked = [{name for name in ("signatureKeys", "sourceIntegrity") if key in str(each.get(name))} for each in projects]
    assert asked == [{field}] * len(projects)
    if field == "signatureKeys":
        assert all(each[field] == [{"keyID": key}] for each in projects)


def test_argo_cd_in_a_namespace_of_its_own_and_pinned(tmp_path: Path) -> None:
    commit, digest = "a" * 40, "sha256:" + "b" * 64
    namespace = "openshift-gitops"
    files = render(replace(ALL, argocd_namespace=namespace, argocd_pin=f"v3.6.2@{commit}@{digest}"))
    for path, file in files.items():
        if path.startswith("argocd/") and not path.startswith("argocd/install/"):
            assert {each["metadata"]["namespace"] for each in documents(file)} == {namespace}, path
    (base,) = [each for each in documents(files["argocd/install/kustomization.yaml"])[0]["resources"] if "://" in each]
    assert base == f"https://raw.githubusercontent.com/argoproj/argo-cd/{commit}/manifests/ha/install.yaml"
    made = built(tmp_path, files)
    controller = named(made, "StatefulSet", "argocd-application-controller")
    assert controller["metadata"]["namespace"] == namespace
    images = {each["image"] for each in controller["spec"]["template"]["spec"]["containers"]}
    assert images == {f"quay.io/argoproj/argocd:v3.6.2@{digest}"}
    path = "argocd/install/kustomization.yaml"
    assert watched(files) == [Found(path, "github-releases", "argoproj/argo-cd", "v3.6.2", commit)]
    write_files(tmp_path / "repository", {pins.INSTALL: files[pins.INSTALL]})
    assert pins.of(pins.find(take(tmp_path / "repository"))) == "3.6.2"


# Network


@pytest.mark.parametrize("high_availability", [False, True])
def test_no_port_is_open_to_everybody(high_availability: bool, tmp_path: Path) -> None:
    production = Production(network_policies=True, high_availability=high_availability)
    policies = [each for each in built(tmp_path, render(production)) if each["kind"] == "NetworkPolicy"]
    deny = named(policies, "NetworkPolicy", "default-deny")["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    metrics = {"8080", "8082", "8083", "8084", "9001", "5558", *(["9101"] if high_availability else [])}
    monitored = set()
    for policy in policies:
        for rule in policy["spec"].get("ingress", ()):
            assert rule, policy["metadata"]["name"]
            for peer in rule["from"]:
                # The stand-in's own parts have no Pods to name.
                ports = {str(port["port"]) for port in rule["ports"]}
                if peer.get("namespaceSelector") == {}:
                    assert ports <= {"5556", "6379", "8081"}
                elif "matchLabels" in peer["namespaceSelector"]:
                    monitored |= ports
    assert monitored == metrics


def test_applicationsets_webhook_is_reached_from_the_gateway(tmp_path: Path) -> None:
    production = Production(network_policies=True, webhook=True)
    for argocd, ports in ((ArgocdStyle.APPLICATIONS, [8080]), (ArgocdStyle.APPLICATIONSET, [8080, 7000])):
        manifests = built(tmp_path / argocd, render(production, argocd=argocd))
        policy = named(manifests, "NetworkPolicy", "argocd-applicationset-controller-network-policy")
        assert [rule["ports"][0]["port"] for rule in policy["spec"]["ingress"]] == ports


# Monitoring


def monitoring(**switches: Any) -> list[Manifest]:
    return documents(render(Production(monitoring=True, **switches))["platform/argocd/monitoring.yaml"])


def dashboard(manifests: list[Manifest]) -> Any:
    config = named(manifests, "ConfigMap", "argocd-dashboard")
    assert config["metadata"]["labels"] == {"grafana_dashboard": "1"}
    return json.loads(config["data"]["argocd.json"])


def expressions(manifests: list[Manifest]) -> Iterator[str]:
    for group in named(manifests, "PrometheusRule", "argocd")["spec"]["groups"]:
        yield from (each["expr"] for each in group["rules"])
    for panel in dashboard(manifests)["panels"]:
        yield from (each["expr"] for each in panel["targets"])


def test_every_expression_is_about_what_argo_cd_exposes() -> None:
    found = list(expressions(monitoring(notifications=(Notifier.SLACK,))))
    assert len(found) > 20
    for expression in found:
        names = re.findall(r"\b(argocd_\w+)(?:\{([^}]*)\})?", expression)
        assert names, expression
        known: set[str] = set()
        for name, selectors in names:
            assert name in METRICS, expression
            known |= METRICS[name]
            assert set(re.findall(r"(\w+)[=!]", selectors)) <= METRICS[name], expression
        grouped = {label.strip() for labels in re.findall(r"by \(([^)]*)\)", expression) for label in labels.split(",")}
        assert grouped <= known, expression
        assert expression.count("(") == expression.count(")")


def test_legends_name_labels_that_are_there() -> None:
    for panel in dashboard(monitoring())["panels"]:
        for target in panel["targets"]:
            grouped = re.findall(r"by \(([^)]*)\)", target["expr"])
            kept = {label.strip() for labels in grouped for label in labels.split(",")}
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= kept


def test_panels_do_not_overlap() -> None:
    cells: set[tuple[int, int]] = set()
    panels = dashboard(monitoring())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for position in (panel["gridPos"] for panel in panels):
        columns = range(position["x"], position["x"] + position["w"])
        own = set(itertools.product(columns, range(position["y"], position["y"] + position["h"])))
        assert columns.stop <= 24
        assert not own & cells
        cells |= own


def test_alerts_lead_to_their_runbook() -> None:
    files = render(Production(monitoring=True, notifications=(Notifier.SLACK,)))
    rules = [
        rule
        for group in named(documents(files["platform/argocd/monitoring.yaml"]), "PrometheusRule", "argocd")["spec"][
            "groups"
        ]
        for rule in group["rules"]
    ]
    explained = re.findall(r"^## (ArgoCD\w+)$", files["docs/runbooks/alerts.md"], re.MULTILINE)
    assert sorted(rule["alert"] for rule in rules) == sorted(explained)
    for rule in rules:
        assert re.fullmatch(r"critical|warning|info|\{\{ if match .*\}\}", rule["labels"]["severity"])
        where = f"https://github.com/acme/gitops/blob/main/docs/runbooks/alerts.md#{rule['alert'].lower()}"
        assert rule["annotations"]["runbook_url"] == where


@pytest.mark.parametrize(
    ("url", "ci", "begin"),
    [
        ("git@gitlab.com:acme/sub/gitops.git", CiHost.GITLAB, "https://gitlab.com/acme/sub/gitops/-/blob/main/docs/"),
        (
            "ssh://git@bitbucket.org:22/acme/gitops.git",
            CiHost.BITBUCKET,
            "https://bitbucket.org/acme/gitops/src/main/docs/",
        ),
    ],
)
def test_runbooks_are_found_on_every_host(url: str, ci: CiHost, begin: str) -> None:
    text = render(Production(monitoring=True), repo_url=url, ci=ci)["platform/argocd/monitoring.yaml"]
    urls = re.findall(r"runbook_url: (\S+)", text)
    assert urls
    assert all(each.startswith(begin) for each in urls)


def test_labels_of_metrics_win_over_those_of_what_is_scraped() -> None:
    # Prometheus would call the label service of argocd_notifications_deliveries_total exported_service.
    endpoints = named(monitoring(high_availability=True), "ServiceMonitor", "argocd")["spec"]["endpoints"]
    assert [each["honorLabels"] for each in endpoints] == [True, True]


def test_services_that_are_not_there_are_not_scraped() -> None:
    def services(**switches: Any) -> set[str]:
        spec = named(monitoring(**switches), "ServiceMonitor", "argocd")["spec"]
        return set(spec["selector"]["matchExpressions"][0]["values"])

    bare = services()
    assert services(high_availability=True) - bare == {"argocd-redis-ha-haproxy"}
    assert services(sso=Sso.GITHUB) - bare == {"argocd-dex-server"}
    assert services(sso=Sso.OIDC) == bare


# Secrets


@pytest.mark.parametrize("store", SecretStore)
def test_secrets_come_by_identity(store: SecretStore) -> None:
    found = documents(render(replace(ALL, secret_store=store))["platform/argocd/secrets.yaml"])
    [cluster_store] = [each for each in found if each["kind"] == "ClusterSecretStore"]
    assert cluster_store["spec"]["conditions"] == [{"namespaces": ["argocd"]}]
    assert "secretRef" not in json.dumps(cluster_store)
    secrets = {each["metadata"]["name"]: each["spec"] for each in found if each["kind"] == "ExternalSecret"}
    assert all(each["secretStoreRef"]["name"] == "argocd" for each in secrets.values())
    labels = {
        name: spec["target"].get("template", {}).get("metadata", {}).get("labels") for name, spec in secrets.items()
    }
    assert labels == {
        "argocd-repository": {"argocd.argoproj.io/secret-type": "repo-creds"},
        "argocd-webhook": {"app.kubernetes.io/part-of": "argocd"},
        "argocd-sso": {"app.kubernetes.io/part-of": "argocd"},
        "argocd-notifications-secret": None,
    }
    assert secrets["argocd-notifications-secret"]["target"]["creationPolicy"] == "Merge"
    fetched = [
        *(each["extract"] for spec in secrets.values() for each in spec.get("dataFrom", ())),
        *(each["remoteRef"] for spec in secrets.values() for each in spec.get("data", ())),
    ]
    defaults = {"conversionStrategy": "Default", "decodingStrategy": "None", "metadataPolicy": "None"}
    assert all(defaults.items() <= each.items() for each in fetched)


@pytest.mark.parametrize(
    ("url", "prefix", "keys"),
    [
        (URL, "https://github.com/acme", {"username", "password"}),
        ("git@gitlab.com:acme/sub/gitops.git", "git@gitlab.com:acme/sub", {"sshPrivateKey"}),
        ("ssh://git@git.acme.com:2222/gitops.git", "ssh://git@git.acme.com:2222", {"sshPrivateKey"}),
    ],
)
def test_repository_credential_is_for_the_urls_beside_it(url: str, prefix: str, keys: set[str]) -> None:
    files = render(Production(secrets=Secrets.EXTERNAL_SECRETS), repo_url=url)
    [secret] = [each for each in documents(files["platform/argocd/secrets.yaml"]) if each["kind"] == "ExternalSecret"]
    data = secret["spec"]["target"]["template"]["data"]
    assert data["url"] == prefix
    assert data.keys() - {"type", "url"} == keys == {each["secretKey"] for each in secret["spec"]["data"]}
