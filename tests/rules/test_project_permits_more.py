"""The rule of projects that permit more than is used: what counts as used, and which projects can be judged."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from argosy.findings import Finding, Severity
from tests.validating import Validate

URL = "https://git.example.com/team/gitops.git"
RULE = "project-permits-more"
Found = Callable[..., list[Finding]]


def project(spec: str, name: str = "team") -> dict[str, str]:
    """Return an AppProject's file; lists that it does not name permit what the Application uses."""
    text = f"apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {{name: {name}, namespace: argocd}}\nspec:\n"
    used = {
        "sourceRepos": f"['{URL}']",
        "destinations": "[{server: https://kubernetes.default.svc, namespace: shop}]",
        "namespaceResourceWhitelist": "[{group: '', kind: ConfigMap}]",
    }
    lines = [f"  {key}: {value}\n" for key, value in used.items() if f"{key}:" not in spec]
    return {f"argocd/{name}-project.yaml": text + "".join(lines) + "".join(f"  {each}\n" for each in spec.splitlines())}


def application(
    name: str = "shop",
    *,
    of: str = "team",
    namespace: str = "shop",
    source: str = f"{{repoURL: '{URL}', targetRevision: main, path: apps/shop}}",
    options: str = "",
    cluster: str = "server: https://kubernetes.default.svc",
) -> dict[str, str]:
    """Return an Application's file."""
    text = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\n"
        f"metadata: {{name: {name}, namespace: argocd}}\n"
        f"spec:\n  project: {of}\n  source: {source}\n  destination: {{{cluster}, namespace: {namespace}}}\n"
    )
    return {f"argocd/{name}.yaml": text + (f"  syncPolicy: {{syncOptions: [{options}]}}\n" if options else "")}


def manifest(kind: str = "ConfigMap", api: str = "v1", more: str = "", app: str = "shop") -> dict[str, str]:
    """Return a file of what an Application deploys."""
    text = f"apiVersion: {api}\nkind: {kind}\nmetadata: {{name: {app}-{kind.lower()}}}\n{more}"
    return {f"apps/{app}/{kind.lower()}.yaml": text}


@pytest.fixture
def found(validate: Validate) -> Found:
    """Return what gives the findings of the rule."""

    def run(*files: dict[str, str], **options: object) -> list[Finding]:
        together = {path: text for each in files for path, text in each.items()}
        return [each for each in validate(together, **options).findings if each.rule == RULE]

    return run


USED = [
    "namespaceResourceWhitelist: [{group: '', kind: ConfigMap}]",
    "namespaceResourceWhitelist: [{group: '*', kind: ConfigMap}]",
    "sourceRepos: ['https://git.example.com/team/*']",
    "destinations: [{server: https://kubernetes.default.svc, namespace: 'sh*'}]",
    "clusterResourceWhitelist: []",
    "orphanedResources: {warn: true}",
    "roles: [{name: viewer}]",
]


@pytest.mark.parametrize("spec", USED)
def test_what_is_used_is_no_finding(found: Found, spec: str) -> None:
    assert found(project(spec), application(), manifest()) == []


MORE = [
    ("namespaceResourceWhitelist: [{group: '', kind: ConfigMap}, {group: '', kind: Secret}]", "the kind Secret"),
    ("namespaceResourceWhitelist: [{group: apps, kind: '*'}, {group: '', kind: ConfigMap}]", "the kind apps/*"),
    ("namespaceResourceWhitelist: [{group: '*', kind: '*'}]", "every kind"),
    ("clusterResourceWhitelist: [{group: '', kind: Namespace}]", "the kind Namespace"),
    ("sourceRepos: ['*']", "every repository"),
    (f"sourceRepos: ['{URL}', 'https://git.example.com/other/*']", "https://git.example.com/other/*"),
    (
        f"sourceRepos: ['{URL}', '!https://git.example.com/secret']",
        "every repository except https://git.example.com/secret",
    ),
    ("destinations: [{server: '*', namespace: shop}]", "every cluster"),
    (
        "destinations: [{server: '!https://eu.example.com', namespace: shop}]",
        "every cluster except https://eu.example.com",
    ),
    ("destinations: [{name: in-cluster, namespace: '!kube-*'}]", "every namespace except kube-*"),
    ("destinations: [{server: https://kubernetes.default.svc, namespace: '*'}]", "every namespace"),
    (
        "destinations: [{name: in-cluster, namespace: shop}, {name: in-cluster, namespace: kube-system}]",
        "“kube-system” of in-cluster",
    ),
]


@pytest.mark.parametrize(("spec", "what"), MORE)
def test_what_is_not_used_is_a_warning_with_its_place(found: Found, spec: str, what: str) -> None:
    [finding] = found(project(spec), application(), manifest())
    assert (finding.severity, finding.path) == (Severity.WARNING, "argocd/team-project.yaml")
    assert what in finding.message
    assert finding.hint


def test_controllers_make_what_comes_with_them(found: Found) -> None:
    spec = "spec: {selector: {matchLabels: {app: shop}}, template: {metadata: {labels: {app: shop}}, spec: {}}}\n"
    kinds = "{group: apps, kind: Deployment}, {group: apps, kind: ReplicaSet}, {group: '', kind: Pod}"
    deployment = manifest("Deployment", "apps/v1", spec)
    assert found(project(f"namespaceResourceWhitelist: [{kinds}]"), application(), deployment) == []
    without = dict.fromkeys(deployment, "# Gone.\n")
    messages = [each.message for each in found(project(f"namespaceResourceWhitelist: [{kinds}]"), manifest(), without)]
    assert [each.partition("the kind ")[2].partition(",")[0] for each in messages] == [
        "apps/Deployment",
        "apps/ReplicaSet",
        "Pod",
    ]


def test_a_namespace_that_is_created_is_used(found: Found) -> None:
    spec = "clusterResourceWhitelist: [{group: '', kind: Namespace}]"
    assert found(project(spec), application(options="CreateNamespace=true"), manifest()) == []


OTHER = manifest(app="other")


@pytest.mark.parametrize(
    ("namespace", "cluster", "too_wide"),
    [
        ("my-shop", "server: https://kubernetes.default.svc", True),
        ("my-shop", "name: in-cluster", True),
        ("my-shop", "server: https://eu.example.com", False),
        ("my-stop", "server: https://kubernetes.default.svc", False),
        ("shop", "server: https://kubernetes.default.svc", False),
    ],
)
def test_a_pattern_that_reaches_into_another_project(
    found: Found, namespace: str, cluster: str, *, too_wide: bool
) -> None:
    source = f"{{repoURL: '{URL}', targetRevision: main, path: apps/other}}"
    other = application("other", of="default", namespace=namespace, source=source, cluster=cluster)
    spec = "destinations: [{server: https://kubernetes.default.svc, namespace: '*shop'}]"
    messages = [each.message for each in found(project(spec), application(), manifest(), other, OTHER)]
    assert messages == (
        [
            "The AppProject “team” permits the namespaces “*shop”, including “my-shop”, which the project “default” "
            "deploys to."
        ]
        if too_wide
        else []
    )


def test_where_an_application_deploys_nothing_nobody_is_reached_into(found: Found) -> None:
    policy = "metadata: {name: other, namespace: shop}\n"
    other = {"apps/other/policy.yaml": f"apiVersion: v1\nkind: ConfigMap\n{policy}"}
    source = f"{{repoURL: '{URL}', targetRevision: main, path: apps/other}}"
    spec = "destinations: [{server: https://kubernetes.default.svc, namespace: '*shop'}]"
    beside = application("other", of="default", namespace="a-shop", source=source)
    assert found(project(spec), application(), manifest(), beside, other) == []


CHART = "{repoURL: 'https://charts.example.com', chart: nginx, targetRevision: 1.2.3}"
SECRET = "namespaceResourceWhitelist: [{group: '', kind: ConfigMap}, {group: '', kind: Secret}]"


def test_of_a_registrys_chart_the_kinds_are_unknown_and_the_rest_is_not(found: Found) -> None:
    spec = f"{SECRET}\nsourceRepos: ['{URL}', 'https://charts.example.com', 'https://charts.example.org']"
    [finding] = found(project(spec), application(), manifest(), application("nginx", source=CHART))
    assert "https://charts.example.org" in finding.message


def test_a_chart_may_deploy_to_namespaces_that_its_application_does_not_name(found: Found) -> None:
    spec = (
        "sourceRepos: ['https://charts.example.com']\n"
        "destinations: [{name: in-cluster, namespace: shop}, {name: in-cluster, namespace: kube-system}]"
    )
    assert found(project(spec), application("nginx", source=CHART)) == []


@pytest.mark.parametrize(
    "files",
    [
        {},
        application() | {"apps/shop/broken.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: [\n"},
        application(source=f"{{repoURL: '{URL}', targetRevision: main, path: apps/missing}}"),
    ],
    ids=["no Application", "a file that cannot be read", "a path that is not there"],
)
def test_what_is_not_known_is_not_judged(found: Found, files: dict[str, str]) -> None:
    assert found(project(SECRET), manifest(), files) == []


@pytest.mark.parametrize("templated", [True, False])
def test_applications_that_nobody_knows(found: Found, *, templated: bool) -> None:
    of = "'{{.name}}'" if templated else "team"
    files = {
        "argocd/set.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: all}\nspec:\n"
        "  goTemplate: true\n  generators: [{clusters: {}}]\n  template:\n    metadata: {name: 'shop-{{.name}}'}\n"
        f"    spec:\n      project: {of}\n      source: {{repoURL: '{URL}', path: apps/shop}}\n"
        "      destination: {server: '{{.server}}', namespace: shop}\n"
    }
    assert found(project(SECRET), application(), manifest(), files) == []
    other = project(SECRET.replace("Secret", "Service"), "second")
    known = found(project(SECRET), application(), application("b", of="second"), manifest(), files, other)
    assert [each.path for each in known] == ([] if templated else ["argocd/second-project.yaml"])


def test_what_another_revision_deploys_is_unknown(found: Found) -> None:
    root = f"{{repoURL: '{URL}', targetRevision: main, path: argocd}}"
    deployed = application("root", of="default", namespace="argocd", source=root)
    prod = application(source=f"{{repoURL: '{URL}', targetRevision: prod, path: apps/shop}}")
    assert len(found(project(SECRET), manifest(), deployed, application())) == 1
    assert found(project(SECRET), manifest(), deployed, prod) == []


def test_components_need_what_nobody_knows_offline(found: Found) -> None:
    files = project(SECRET, "components-dev")
    assert found(files, application(of="components-dev"), manifest()) == []


def test_a_part_of_the_repository_does_not_tell(found: Found) -> None:
    files = (project(SECRET), application(), manifest())
    assert len(found(*files)) == 1
    assert found(*files, changed=frozenset({"apps/shop/configmap.yaml"})) == []


def test_the_project_of_an_environment_is_narrowed_by_a_command(validate: Validate) -> None:
    [text] = project(SECRET).values()
    files = {"argocd/team/project.yaml": text, **application(), **manifest()}
    [finding] = [each for each in validate(files).findings if each.rule == RULE]
    assert "argosy apply --least-privilege" in finding.hint


def test_the_project_of_an_environment_is_widened_by_a_command(validate: Validate) -> None:
    [text] = project("namespaceResourceWhitelist: []").values()
    files = {"argocd/team/project.yaml": text, **application(), **manifest()}
    [finding] = [each for each in validate(files).findings if each.rule == "project-denies-kind"]
    assert finding.hint.startswith("Run argosy apply, or add {group: '', kind: ConfigMap}")
