"""What guards the namespaces: it is valid, applies to its own environment alone, and lets a new application work."""

from __future__ import annotations

import functools
import ipaddress
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import copier
import plumbum
import pytest
import yaml

from argosy.findings import Report, Status
from argosy.repository.model import (
    WRITTEN_HERE,
    Application,
    ArgocdStyle,
    CiHost,
    Format,
    ImageSigning,
    PodSecurity,
    Production,
    Repository,
    Secrets,
    SecretStore,
    Settings,
    chain,
)
from argosy.rules.placeholders import PLACEHOLDER
from argosy.template import creation
from argosy.template.rendering import File
from argosy.validation import pipeline
from tests import goldens
from tests.templates.conftest import Document

ROOT = Path(__file__).parents[2]
ALL_ON = Production(
    secrets=Secrets.EXTERNAL_SECRETS, image_signing=ImageSigning.KEYLESS, network_policies=True, quotas=True
)
CHAIN = (("dev", ""), ("prod", ""))


@functools.cache
def repository(
    production: Production = ALL_ON,
    *,
    url: str = goldens.URL,
    style: ArgocdStyle = ArgocdStyle.APPLICATIONS,
    shared: bool = False,
    ci: CiHost = CiHost.NONE,
    names: tuple[tuple[str, str], ...] = CHAIN,
    forms: tuple[Format, ...] = WRITTEN_HERE,
) -> Repository:
    """Return a repository with an application of each format, whose environments enforce `restricted`."""
    settings = Settings("gitops", url, style, ci=ci, production=production)
    environments = tuple(
        replace(each, pod_security=PodSecurity.RESTRICTED, namespace=f"all-of-{each.name}" if shared else "")
        for each in chain(names, settings.revision)
    )
    applications = tuple(Application(f"my-{form}", form) for form in forms)
    return goldens.permitted(Repository(settings, environments).with_applications(applications))


def written(folder: Path, model: Repository) -> Path:
    """Write a repository's files."""
    creation.write(folder, rendered(model))
    return folder


@functools.cache
def rendered(model: Repository) -> Mapping[str, File]:
    """Return a repository's files, which several tests look at."""
    return goldens.tree(model)


def documents(folder: Path, path: str) -> list[Document]:
    """Return the documents of a file."""
    return list(yaml.safe_load_all((folder / path).read_text(encoding="utf-8")))


def errors_of(report: Report) -> list[tuple[str, str]]:
    """Return the rules that were broken, and what each says, but for what is still to be filled in."""
    return [(each.rule, each.message) for each in report.findings if each.rule != PLACEHOLDER.id]


@pytest.mark.parametrize(
    ("store", "style", "shared"),
    [
        (SecretStore.AWS, ArgocdStyle.APPLICATIONS, False),
        (SecretStore.GCP, ArgocdStyle.APPLICATIONSET, False),
        (SecretStore.AZURE, ArgocdStyle.APPLICATIONS, True),
        (SecretStore.VAULT, ArgocdStyle.APPLICATIONSET, True),
    ],
)
def test_everything_on_is_valid(store: SecretStore, style: ArgocdStyle, shared: bool, tmp_path: Path) -> None:
    folder = written(tmp_path, repository(replace(ALL_ON, secret_store=store), style=style, shared=shared))
    report = pipeline.validate(folder)
    assert errors_of(report) == []
    skipped = {each.path for each in report.outcomes if each.status is Status.SKIPPED}
    assert all(path.startswith("argocd/install") for path in skipped)


def test_nothing_is_laid_out_that_is_off(tmp_path: Path) -> None:
    folder = written(tmp_path, repository(Production()))
    assert not (folder / "platform").exists()
    assert not list((folder / "environments").rglob("externalsecret.yaml"))


def test_plain_copier_lays_out_the_same(tmp_path: Path) -> None:
    template, made = tmp_path / "template", tmp_path / "made"
    shutil.copytree(ROOT / "templates", template / "templates")
    shutil.copy(ROOT / "copier.yml", template)
    data = {"secrets": "external-secrets", "image_signing": "key", "network_policies": True, "quotas": True}
    with plumbum.local.env(PATH=""):  # It would ask git, of each file, about an index that a new folder has not.
        copier.run_copy(str(template), made, data=data, defaults=True, quiet=True, settings=copier.Settings())
    policies = {each.name for each in (made / "platform/prod/policies").iterdir()}
    assert policies == {"secret-store.yaml", "image-signing.yaml", "namespace-my-app.yaml"}
    assert not [each for each in made.iterdir() if "partials" in each.name]


# The Application that applies them


@pytest.mark.parametrize(
    ("production", "cluster_kinds", "kinds"),
    [
        (ALL_ON, {"ClusterSecretStore", "ImageValidatingPolicy"}, {"LimitRange", "NetworkPolicy", "ResourceQuota"}),
        (Production(secrets=Secrets.EXTERNAL_SECRETS), {"ClusterSecretStore"}, set()),
        (Production(image_signing=ImageSigning.KEY), {"ImageValidatingPolicy"}, set()),
        (Production(network_policies=True), set(), {"NetworkPolicy"}),
        (Production(quotas=True), set(), {"LimitRange", "ResourceQuota"}),
    ],
)
def test_the_project_permits_what_is_on(
    production: Production, cluster_kinds: set[str], kinds: set[str], tmp_path: Path
) -> None:
    folder = written(tmp_path, repository(production))
    project, application = documents(folder, "argocd/prod/platform.yaml")
    assert {each["kind"] for each in project["spec"]["clusterResourceWhitelist"]} == cluster_kinds
    assert {each["kind"] for each in project["spec"]["namespaceResourceWhitelist"]} == kinds
    deployed = {
        each["kind"]
        for path in (folder / application["spec"]["source"]["path"]).iterdir()
        for each in yaml.safe_load_all(path.read_text(encoding="utf-8"))
    }
    assert deployed == cluster_kinds | kinds
    assert application["spec"]["syncPolicy"]["retry"]["limit"] < 0


@pytest.mark.parametrize("style", list(ArgocdStyle))
def test_pods_below_the_level_are_found(style: ArgocdStyle, tmp_path: Path) -> None:
    folder = written(tmp_path, repository(style=style, forms=(Format.HELM,)))
    values = folder / "environments/prod/my-helm/values.yaml"
    values.write_text(values.read_text(encoding="utf-8") + "\nsecurityContext: null\n", encoding="utf-8")
    report = pipeline.validate(folder)
    found = {(each.rule, each.environment) for each in report.findings if each.rule != PLACEHOLDER.id}
    assert found == {("pod-security-breach", "prod")}


# Secrets


@pytest.mark.parametrize(
    ("shared", "namespace", "admitted"),
    [
        (False, "web-prod", True),
        (False, "a-b-prod", True),
        (False, "web-dev", False),
        (False, "prod", False),
        (False, "web-prod-eu", False),
        (True, "all-of-prod", True),
        (True, "web-prod", False),
    ],
)
def test_a_store_is_for_its_environment(shared: bool, namespace: str, admitted: bool, tmp_path: Path) -> None:
    folder = written(tmp_path, repository(shared=shared))
    (store,) = documents(folder, "platform/prod/policies/secret-store.yaml")
    assert store["metadata"]["name"] == "prod"
    (condition,) = store["spec"]["conditions"]
    by_pattern = any(re.search(pattern, namespace) for pattern in condition.get("namespaceRegexes", []))
    assert (by_pattern or namespace in condition.get("namespaces", [])) is admitted


@pytest.mark.parametrize(
    ("store", "key"),
    [
        (SecretStore.AWS, "my-kustomize/prod"),
        (SecretStore.VAULT, "my-kustomize/prod"),
        (SecretStore.GCP, "my-kustomize-prod"),
        (SecretStore.AZURE, "my-kustomize-prod"),
    ],
)
def test_an_external_secret_names_a_key_that_its_store_can_have(store: SecretStore, key: str, tmp_path: Path) -> None:
    folder = written(tmp_path, repository(replace(ALL_ON, secret_store=store)))
    (secret,) = documents(folder, "environments/prod/my-kustomize/externalsecret.yaml")
    assert secret["spec"]["secretStoreRef"]["name"] == "prod"
    assert [each["extract"]["key"] for each in secret["spec"]["dataFrom"]] == [key]


def test_a_chart_fetches_its_secrets_from_the_store_of_its_environment(tmp_path: Path) -> None:
    folder = written(tmp_path, repository())
    values = folder / "environments/prod/my-helm/values.yaml"
    said = "\nexternalSecret:\n  enabled: true\n  extract: [my-helm/prod]\n"
    values.write_text(values.read_text(encoding="utf-8") + said, encoding="utf-8")
    found = {each.rule for each in pipeline.validate(folder).findings}
    assert "unknown-secret-store" not in found
    assert found <= {"project-denies-kind", PLACEHOLDER.id}  # The command that adds a kind permits it; here nobody did.


def test_each_environment_is_encrypted_with_a_key_of_its_own(tmp_path: Path) -> None:
    folder = written(tmp_path, repository(Production(secrets=Secrets.SOPS)))
    (settings,) = documents(folder, ".sops.yaml")
    path = "environments/prod/my-helm/my-helm.sops.yaml"
    (rule,) = [each for each in settings["creation_rules"] if re.search(each["path_regex"], path)]
    assert rule["age"] == "AGE-PUBLIC-KEY-OF-PROD"
    assert all(re.search(rule["encrypted_regex"], name) for name in ("data", "stringData"))


# Signatures


def signing(folder: Path, environment: str) -> dict[str, Any]:
    """Return the specification of an environment's policy of signatures."""
    (policy,) = documents(folder, f"platform/{environment}/policies/image-signing.yaml")
    return policy["spec"]  # type: ignore[no-any-return]


def test_signatures_are_enforced_in_production_and_reported_before(tmp_path: Path) -> None:
    folder = written(tmp_path, repository())
    dev, prod = signing(folder, "dev"), signing(folder, "prod")
    assert (dev["validationActions"], dev["failurePolicy"]) == (["Audit"], "Ignore")
    assert (prod["validationActions"], prod["failurePolicy"]) == (["Deny"], "Fail")
    assert prod["validationConfigurations"] == {"mutateDigest": True, "verifyDigest": True, "required": True}
    assert not dev["validationConfigurations"]["mutateDigest"]


def test_signatures_are_asked_for_in_the_environment_alone(tmp_path: Path) -> None:
    folder = written(tmp_path, repository(names=(("non-prod", ""), ("prod", ""))))
    assert [each["expression"] for each in signing(folder, "prod")["matchConditions"]] == [
        'object.metadata.namespace.endsWith("-prod")',
        '!object.metadata.namespace.endsWith("-non-prod")',
    ]
    assert [each["expression"] for each in signing(folder, "non-prod")["matchConditions"]] == [
        'object.metadata.namespace.endsWith("-non-prod")'
    ]


_WORKFLOW = "https://github.com/acme/shop/.github/workflows/build.yaml@refs/"
_PIPELINE = "https://gitlab.com/acme/shop//.gitlab-ci.yml@refs/"


@pytest.mark.parametrize(
    ("ci", "url", "issuer", "subjects"),
    [
        (
            CiHost.GITHUB,
            "git@github.com:acme/gitops.git",
            "https://token.actions.githubusercontent.com",
            (
                [f"{_WORKFLOW}heads/main", f"{_WORKFLOW}tags/v1"],
                [
                    f"{_WORKFLOW}pull/1/merge",
                    f"{_WORKFLOW}tags/v1".replace("acme", "acme-evil"),
                    f"x{_WORKFLOW}tags/v1",
                ],
            ),
        ),
        (
            CiHost.GITLAB,
            "https://gitlab.com/acme/platform/gitops.git",
            "https://gitlab.com",
            (
                [f"{_PIPELINE}heads/main", f"{_PIPELINE}tags/v1"],
                [f"{_PIPELINE}heads/feature", f"{_PIPELINE}heads/main".replace("acme", "evil")],
            ),
        ),
        (
            CiHost.GITLAB,
            "https://git.example.com/acme/gitops.git",
            "https://git.example.com",
            ([f"{_PIPELINE}heads/main".replace("gitlab.com", "git.example.com")], [f"{_PIPELINE}heads/main"]),
        ),
        (
            CiHost.BITBUCKET,
            "git@bitbucket.org:acme/gitops.git",
            "https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc",
            (["{0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0}:{f0e9d8c7-b6a5-9483-7261-504f3e2d1c0b}"], ["https://x.com/acme"]),
        ),
    ],
)
def test_keyless_signatures_come_from_the_owners_ci(
    ci: CiHost, url: str, issuer: str, subjects: tuple[list[str], list[str]], tmp_path: Path
) -> None:
    folder = written(tmp_path, repository(Production(image_signing=ImageSigning.KEYLESS), url=url, ci=ci))
    (attestor,) = signing(folder, "prod")["attestors"]
    (identity,) = attestor["cosign"]["keyless"]["identities"]
    assert identity["issuer"] == issuer
    assert all(re.search(identity["subjectRegExp"], subject) for subject in subjects[0])
    assert not any(re.search(identity["subjectRegExp"], subject) for subject in subjects[1])


# The network


Peer = Mapping[str, str]
"""A pod's labels, with its namespace under the key that Kubernetes itself labels namespaces with."""
NAMESPACE = "kubernetes.io/metadata.name"


def selects(selector: Mapping[str, Any], labels: Peer) -> bool:
    """Return whether a label selector takes something with these labels."""
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()) and all(
        each["operator"] == "In" and labels.get(each["key"]) in each["values"]
        for each in selector.get("matchExpressions", [])
    )


def is_allowed(policies: list[Document], direction: str, peer: Peer | str, port: str | int, own: str) -> bool:
    """Return whether policies let pods of their namespace talk with a pod or an address, as Kubernetes reads them."""

    def meets(each: Mapping[str, Any]) -> bool:
        if isinstance(peer, str):
            address = ipaddress.ip_address(peer)
            block = each.get("ipBlock")
            return (
                block is not None
                and address in ipaddress.ip_network(block["cidr"])
                and not any(address in ipaddress.ip_network(cut) for cut in block.get("except", []))
            )
        there = selects(each["namespaceSelector"], peer) if "namespaceSelector" in each else peer[NAMESPACE] == own
        return "ipBlock" not in each and there and selects(each.get("podSelector", {}), peer)

    return any(
        any(meets(each) for each in rule["from" if direction == "ingress" else "to"])
        and ("ports" not in rule or port in [each["port"] for each in rule["ports"]])
        for policy in policies
        for rule in policy["spec"].get(direction, [])
    )


@pytest.fixture
def policies(tmp_path: Path) -> list[Document]:
    """Return the NetworkPolicies of an application's namespace."""
    folder = written(tmp_path, repository())
    made = documents(folder, "platform/prod/policies/namespace-my-helm.yaml")
    return [each for each in made if each["kind"] == "NetworkPolicy"]


def test_what_no_policy_allows_is_denied(policies: list[Document]) -> None:
    (denying,) = [each for each in policies if each["metadata"]["name"] == "default-deny"]
    assert denying["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert {each["metadata"]["namespace"] for each in policies} == {"my-helm-prod"}


@pytest.mark.parametrize(
    ("direction", "peer", "port"),
    [
        ("ingress", {NAMESPACE: "ingress-nginx"}, "http"),
        ("ingress", {NAMESPACE: "envoy-gateway-system"}, "http"),
        ("ingress", {NAMESPACE: "monitoring", "app.kubernetes.io/name": "prometheus"}, "metrics"),
        ("ingress", {NAMESPACE: "my-helm-prod"}, 5432),
        ("egress", {NAMESPACE: "my-helm-prod"}, 5432),
        ("egress", {NAMESPACE: "kube-system", "k8s-app": "kube-dns"}, 53),
        ("egress", "169.254.20.10", 53),
        ("egress", "140.82.121.4", 443),
        ("egress", "2606:50c0:8000::153", 443),
    ],
)
def test_what_an_application_needs_gets_through(
    direction: str, peer: Peer | str, port: str | int, policies: list[Document]
) -> None:
    assert is_allowed(policies, direction, peer, port, "my-helm-prod")


@pytest.mark.parametrize(
    ("direction", "peer", "port"),
    [
        ("ingress", {NAMESPACE: "my-helm-dev"}, "http"),
        ("ingress", {NAMESPACE: "my-kustomize-prod"}, "http"),
        ("ingress", {NAMESPACE: "ingress-nginx"}, "metrics"),
        ("ingress", {NAMESPACE: "monitoring", "app.kubernetes.io/name": "grafana"}, "http"),
        ("egress", {NAMESPACE: "my-helm-dev"}, 80),
        ("egress", {NAMESPACE: "kube-system", "k8s-app": "kube-dns"}, 443),
        ("egress", "10.96.0.1", 443),
        ("egress", "169.254.169.254", 80),
        ("egress", "fd00::1", 443),
    ],
)
def test_nothing_else_does(direction: str, peer: Peer | str, port: str | int, policies: list[Document]) -> None:
    assert not is_allowed(policies, direction, peer, port, "my-helm-prod")


def test_the_policies_are_what_kubernetes_takes(tmp_path: Path, errors: Callable[[Document, str], list[str]]) -> None:
    folder = written(tmp_path, repository())
    for document in documents(folder, "platform/prod/policies/namespace-my-helm.yaml"):
        assert errors(document, "1.30") == errors(document, "1.37") == []


# Quotas


def scale(folder: Path, environment: str, said: str) -> Report:
    """Add to the values of the Helm application, and validate."""
    values = folder / f"environments/{environment}/my-helm/values.yaml"
    values.write_text(values.read_text(encoding="utf-8") + said, encoding="utf-8")
    return pipeline.validate(folder)


@pytest.mark.parametrize("shared", [False, True], ids=["namespaces", "one namespace"])
@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_a_new_application_fits_its_quota_scaled_up_and_while_it_is_rolled_out(
    environment: str, shared: bool, tmp_path: Path
) -> None:
    folder = written(tmp_path, repository(Production(quotas=True), shared=shared))
    report = scale(folder, environment, "\nautoscaling:\n  enabled: true\n")
    assert {each.rule for each in report.findings} <= {"project-denies-kind"}


def test_the_limit_range_fills_in_what_the_quota_counts(tmp_path: Path) -> None:
    folder = written(tmp_path, repository(Production(quotas=True)))
    assert errors_of(scale(folder, "prod", "\nresources: null\n")) == []


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ("\nautoscaling:\n  enabled: true\n  maxReplicas: 200\n", "quota-blocks-scaling"),
        ("\nresources:\n  requests: {cpu: 3}\n", "quota-exceeded"),
        ("\nresources:\n  limits: {memory: 9Gi}\n", "limit-range-exceeded"),
    ],
)
def test_what_does_not_fit_is_found(said: str, rule: str, tmp_path: Path) -> None:
    folder = written(tmp_path, repository(Production(quotas=True), forms=(Format.HELM,)))
    assert rule in {each.rule for each in scale(folder, "prod", said).findings}
