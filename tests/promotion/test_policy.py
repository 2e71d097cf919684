"""What moves by default, and how an application's own settings change that."""

from __future__ import annotations

import pytest

from argosy.errors import ArgosyError
from argosy.promotion import deployment
from argosy.promotion.policy import DEFAULTS, Pattern, Policy, Treatment, matches_any, value_of
from argosy.yaml_edit.keys import Key

DEPLOYMENT = "spec.template.spec.containers.web"
SOURCE = "spec.source"


def key(text: str, file: str = "values.yaml", scope: str = "") -> Key:
    return Key(file, scope, tuple(name.replace("+", ".") for name in text.split(".") if name))


def treatment(text: str, file: str = "values.yaml", scope: str = "") -> str:
    return Policy().treatment_of(key(text, file, scope)).value


PROMOTED = [
    *("image", "image.repository", "image.tag", "image.digest", "sidecar.image.tag", "proxyImage.tag", "imageTag"),
    *("controllers.main.containers.main.image.tag", "metrics.image.digest", "test.image", "cluster.image.tag"),
    *("extraContainers.proxy.image", "initContainers.migrate.image", "imageRepository", "sidecar.imageDigest"),
]
PINNED = [
    *("replicaCount", "replica.replicaCount", "controllers.main.replicas", "image.pullPolicy", "imagePullSecrets"),
    *(
        "resources.limits.memory",
        "controllers.main.containers.main.resources",
        "master.resourcesPreset",
        "hpa.maxReplicas",
    ),
    *("autoscaling.minReplicas", "podDisruptionBudget.maxUnavailable", "pdb.create", "primary.persistence.size"),
    *("persistence.enabled", "persistence.data.storageClass", "persistence.data.existingClaim", "global.storageClass"),
    *("ingress.hosts", "ingress.hosts.web+example+com.paths", "ingress.main.hosts", "ingress.hostname", "ingress.tls"),
    *("ingress.className", "ingress.annotations.cert-manager+io/cluster-issuer", "httpRoute.parentRefs"),
    *("route.main.hostnames", "service.annotations", "service.nodePort", "service.loadBalancerSourceRanges"),
    *("nodeSelector", "affinity", "tolerations", "topologySpreadConstraints", "priorityClassName", "cluster", "region"),
    *("commonLabels.environment", "podLabels.environment", "serviceMonitor.labels", "serviceMonitor.namespace"),
    *("auth.existingSecret", "auth.existingSecretPasswordKey", "auth.password", "auth.replicationPassword"),
    *("externalSecret.storeRef", "externalSecret.extract", "externalSecret.data.DATABASE_URL.remoteRef"),
    *("env.PASSWORD.valueFrom.secretKeyRef", "volumes.tls.secret.secretName", "serviceAccount.annotations"),
    *("image.pullSecrets", "image.pullSecret", "proxyImage.pullPolicy", "proxyImage.pullSecrets"),
    *("proxyImage.pullSecret", "autoscaling", "hpa.metrics", "keda.triggers", "persistence.data.accessModes"),
    *("volumes.data.persistentVolumeClaim.claimName", "global.defaultStorageClass", "ingress.main.host"),
    *("ingress.extraHosts", "ingress.extraTls", "ingress.main.ingressClassName", "service.nodePorts.http"),
    *("httpRoute.hostnames", "route.main.parentRefs", "clusterName", "global.environment"),
    *("envFrom.web.secretRef", "extraEnvVarsSecret"),
]
SETTINGS = [
    *("config.LOG_LEVEL", "env.LOG_LEVEL.value", "command", "args", "containerPort", "service.type", "service.port"),
    *("readinessProbe.httpGet.path", "strategy", "securityContext", "scratch.paths", "networkPolicy.from", "envFrom"),
    *(
        "image.registry",
        "sidecarImage.registry",
        "ingress.hostPath",
        "environment",
        "environment.LOG_LEVEL",
        "ui.message",
    ),
    *("persistence.config.globalMounts", "redis.tag", "serviceAccount.name", "externalSecret.refreshInterval", "extra"),
    *("externalSecret.data.DATABASE_URL", "podAnnotations", "lifecycle", "terminationGracePeriodSeconds", "logLevel"),
]
ASKED = [
    "ingress.enabled",
    "ingress.main.enabled",
    "httpRoute.enabled",
    "externalSecret.enabled",
    "serviceMonitor.enabled",
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [(text, "promote") for text in PROMOTED]
    + [(text, "pinned") for text in PINNED]
    + [(text, "setting") for text in SETTINGS]
    + [(text, "ask") for text in ASKED],
)
def test_values_of_charts(text: str, expected: str) -> None:
    assert treatment(text) == expected
    # The same where an Application holds them.
    assert treatment(f"{SOURCE}.helm.valuesObject.{text}", "Application.yaml", "Application") == expected


KUSTOMIZATIONS = [
    *[("images.web.newTag", "promote"), ("images.web", "promote"), ("helmCharts.redis.version", "promote")],
    *[("replicas.web.count", "pinned"), ("labels", "pinned"), ("namespace", "pinned"), ("namePrefix", "pinned")],
    *[("commonLabels.team", "pinned"), ("secretGenerator.key.literals", "pinned"), ("patches", "ask")],
    *[("nameSuffix", "pinned"), ("commonAnnotations.team", "pinned"), ("patchesStrategicMerge", "ask")],
    ("patchesJson6902", "ask"),
    *[("resources.https://example+com/a//b", "promote"), ("components.https://example+com/a//b", "promote")],
    *[("resources", "ask"), ("components", "ask"), ("patches.patch+yaml.target", "ask")],
    *[("configMapGenerator.web.literals.LOG_LEVEL", "setting"), ("configMapGenerator.web.files", "setting")],
]


@pytest.mark.parametrize("file", ["kustomization.yaml", "kustomization.yml", "Kustomization", "sub/kustomization.yaml"])
@pytest.mark.parametrize(("text", "expected"), KUSTOMIZATIONS)
def test_kustomizations(file: str, text: str, expected: str) -> None:
    assert treatment(text, file) == expected


MANIFESTS = [
    *[
        ("Deployment/web", f"{DEPLOYMENT}.image", "promote"),
        ("Deployment/web", f"{DEPLOYMENT}.env.A.value", "setting"),
    ],
    *[
        ("Deployment/web", f"{DEPLOYMENT}.resources.requests", "pinned"),
        ("Deployment/web", "spec.replicas", "pinned"),
    ],
    *[("Deployment/web", f"{DEPLOYMENT}.imagePullPolicy", "pinned"), ("Deployment/web", "", "setting")],
    *[("StatefulSet/db", "spec.volumeClaimTemplates", "pinned"), ("ConfigMap/web", "data.LOG_LEVEL", "setting")],
    *[("Ingress/web", "spec.rules", "pinned"), ("Ingress/web", "metadata.annotations.a", "pinned")],
    *[("HTTPRoute/web", "spec.hostnames", "pinned"), ("HTTPRoute/web", "spec.rules", "setting")],
    *[("HorizontalPodAutoscaler/web", "", "pinned"), ("PersistentVolumeClaim/web", "spec.x", "pinned")],
    *[("Secret/web", "data.x", "pinned"), ("ServiceAccount/web", "metadata.annotations", "pinned")],
    *[("ExternalSecret/web", "", "setting"), ("ExternalSecret/web", "spec.secretStoreRef.name", "pinned")],
    *[("ExternalSecret/web", "spec.data.URL.remoteRef", "pinned"), ("Service/web", "metadata.namespace", "pinned")],
    *[
        ("Deployment/web", "metadata.labels.environment", "pinned"),
        ("Deployment/web", "metadata.labels.x", "setting"),
    ],
    *[("Certificate/web", "spec.dnsNames", "pinned"), ("NetworkPolicy/web", "spec.ingress", "setting")],
    *[("Certificate/web", "spec.issuerRef", "pinned"), ("Service/web", "metadata.annotations.a", "pinned")],
    *[("Ingress/web", "spec.tls", "pinned"), ("Ingress/web", "spec.ingressClassName", "pinned")],
    *[("HTTPRoute/web", "spec.parentRefs", "pinned"), ("ExternalSecret/web", "spec.dataFrom", "pinned")],
    *[("VirtualService/web", "spec.hosts", "pinned"), ("VirtualService/web", "spec.gateways", "pinned")],
    *[("VerticalPodAutoscaler/web", "spec.x", "pinned"), ("ScaledObject/web", "spec.x", "pinned")],
    *[("PodDisruptionBudget/web", "spec.x", "pinned"), ("ResourceQuota/web", "spec.hard", "pinned")],
    *[("LimitRange/web", "spec.limits", "pinned"), ("SealedSecret/web", "spec.x", "pinned")],
    *[("SecretStore/web", "spec.provider", "pinned"), ("VirtualService/web", "spec.http", "setting")],
    ("Deployment/web", "spec.template.spec.initContainers.migrate.resources.limits", "pinned"),
]


@pytest.mark.parametrize(("scope", "text", "expected"), MANIFESTS)
def test_manifests_and_patches(scope: str, text: str, expected: str) -> None:
    assert treatment(text, "web.yaml", scope) == expected


APPLICATIONS = [
    *[(f"{SOURCE}.targetRevision", "promote"), (f"{SOURCE}.chart", "setting"), (f"{SOURCE}.repoURL", "setting")],
    *[("spec.sources.redis.targetRevision", "promote"), ("spec.sources.redis.repoURL", "setting")],
    # A reference to Git follows the environment's own branch.
    *[("spec.sources.$values.targetRevision", "pinned"), ("spec.sources.deploy/web.targetRevision", "pinned")],
    *[("spec.sources.$values.repoURL", "pinned"), ("spec.sources.deploy/web.repoURL", "pinned")],
    *[(f"{SOURCE}.helm.valuesObject", "pinned"), (f"{SOURCE}.helm.parameters", "pinned")],
    *[("metadata.name", "pinned"), ("spec.destination.namespace", "pinned"), ("spec.project", "pinned")],
    *[(f"{SOURCE}.helm.releaseName", "pinned"), (f"{SOURCE}.helm.valueFiles", "pinned")],
    *[(f"{SOURCE}.helm.values", "ask"), ("spec.sources.redis.helm.values", "ask")],
    *[(f"{SOURCE}.helm.parameters.image+tag.value", "promote"), (f"{SOURCE}.helm.parameters.image+tag", "promote")],
    *[(f"{SOURCE}.helm.parameters.replicaCount.value", "pinned"), ("spec.syncPolicy", "pinned")],
    *[
        ("spec.sources.redis.helm.valuesObject.image.tag", "promote"),
        (f"{SOURCE}.helm.parameters.x.value", "setting"),
    ],
]


@pytest.mark.parametrize(("text", "expected"), APPLICATIONS)
def test_applications_of_remote_charts(text: str, expected: str) -> None:
    assert treatment(text, "Application.yaml", "Application") == expected


def test_what_differs_between_any_two_applications_is_not_told() -> None:
    def silent(text: str) -> bool:
        pattern = Policy().pattern_of(key(text, "Application.yaml", "Application"))
        return pattern is not None and pattern.is_silent

    assert silent("metadata.name")
    assert not silent(f"{SOURCE}.targetRevision")
    assert not silent(f"{SOURCE}.helm.valuesObject.replicaCount")


SHARING = [("spec.source.path", "promote"), ("spec.source.targetRevision", "pinned"), ("metadata.name", "pinned")]
"""Of the Application of the shared chart."""
FILES = [
    ("chartVersion", "chart-version.yaml", "promote"),
    *[
        ("dependencies.redis.version", "Chart.yaml", "promote"),
        ("dependencies.redis.repository", "Chart.yaml", "setting"),
    ],
    *[("version", "Chart.yaml", "promote"), ("targetRevision", "source.yaml", "promote")],
    ("repoURL", "source.yaml", "setting"),
    *[("appVersion", "Chart.yaml", "promote"), ("dependencies.redis", "Chart.yaml", "setting")],
    *[("digest", "Chart.lock", "promote"), ("dependencies.redis.version", "Chart.lock", "promote")],
    *[("", "charts/redis-20.1.0.tgz", "promote"), ("", "app.properties", "setting")],
]


@pytest.mark.parametrize(("text", "file", "expected"), FILES)
def test_umbrella_charts_and_other_files(text: str, file: str, expected: str) -> None:
    assert treatment(text, file) == expected


@pytest.mark.parametrize(("text", "expected"), SHARING)
def test_of_an_application_with_the_shared_chart_its_version_moves_alone(text: str, expected: str) -> None:
    assert treatment(text, deployment.SHARING, "Application") == expected


def test_each_default_decides_on_an_example() -> None:
    examples = [
        *(key(text) for text in (*PROMOTED, *PINNED, *SETTINGS, *ASKED)),
        *(key(text, "kustomization.yaml") for text, _ in KUSTOMIZATIONS),
        *(key(text, "web.yaml", scope) for scope, text, _ in MANIFESTS),
        *(key(text, "Application.yaml", "Application") for text, _ in APPLICATIONS),
        *(key(text, deployment.SHARING, "Application") for text, _ in SHARING),
        *(key(text, file) for text, file, _ in FILES),
    ]
    deciding = {Policy().pattern_of(each) for each in examples}
    assert [each.text for each in DEFAULTS if each not in deciding] == []


SETTINGS_FILE = b"""\
format: helm
promotion:
  promote: [config.FEATURE_X, '"a.b".c', "Deployment:spec.replicas"]
  pinned: [config, image.tag]
  ask: '**.sidecar'
"""


@pytest.mark.parametrize(
    ("text", "scope", "expected"),
    [
        *[("config.LOG_LEVEL", "", "pinned"), ("config.FEATURE_X", "", "promote"), ("image.tag", "", "pinned")],
        *[("image.repository", "", "promote"), ("a+b.c.d", "", "promote"), ("a.b.c", "", "setting")],
        *[("x.sidecar.image", "", "ask"), ("spec.replicas", "Deployment/web", "promote")],
        *[("spec.replicas", "StatefulSet/db", "pinned"), ("configuration", "", "setting")],
    ],
)
def test_an_applications_own_patterns_win(text: str, scope: str, expected: str) -> None:
    policy = Policy.of(SETTINGS_FILE)
    assert policy.treatment_of(key(text, scope=scope)) == Treatment(expected)


@pytest.mark.parametrize(
    ("own", "text", "expected"),
    [
        *[("pinned: ['**']", "image.tag", "pinned"), ("pinned: [image]", "image.registry", "pinned")],
        *[("promote: ['**']", "autoscaling.maxReplicas", "promote"), ("promote: ['*']", "image.pullPolicy", "promote")],
        *[("promote: [ingress]", "ingress.main.hosts", "promote"), ("ask: ['*.tag']", "image.tag", "ask")],
        ("pinned: ['**'], promote: [image.tag]", "image.tag", "promote"),
    ],
)
def test_however_wide_an_applications_own_pattern_is_it_wins_over_a_default(own: str, text: str, expected: str) -> None:
    assert Policy.of(f"promotion: {{{own}}}".encode()).treatment_of(key(text)) == Treatment(expected)


def test_an_applications_own_pattern_may_name_a_value_or_where_the_application_holds_it() -> None:
    found = key(f"{SOURCE}.helm.valuesObject.config.A", "Application.yaml", "Application")
    for text in ("config.A", f"Application:{SOURCE}.helm.valuesObject.config", "config", "**.A"):
        assert Policy.of(f"promotion: {{pinned: ['{text}']}}".encode()).treatment_of(found) is Treatment.PINNED
    assert value_of(found) == Key("values.yaml", "", ("config", "A"))


@pytest.mark.parametrize("settings", [None, b"", b"promotion:\n", b"format: helm\n", b"promotion: {promote: }\n", b"["])
def test_without_settings_defaults_hold(settings: bytes | None) -> None:
    assert list(Policy.of(settings).patterns) == list(DEFAULTS)


@pytest.mark.parametrize("settings", ["promotion: 5", "promotion: {promote: 5}", "promotion: {ask: [a, 5]}"])
def test_settings_that_say_nothing_are_refused(settings: str) -> None:
    with pytest.raises(ArgosyError, match=r"promotion.* in application\.yaml is not a"):
        Policy.of(settings.encode())


@pytest.mark.parametrize(
    ("pattern", "matched", "others"),
    [
        ("config", ["config", "config.A"], ["configs", "x.config", ""]),
        ("*.A", ["config.A", "config.A.b"], ["A", "x.config.A"]),
        ("**.A", ["A", "config.A", "x.y.A.b"], ["AA"]),
        ("config.LOG_*", ["config.LOG_LEVEL"], ["config.LOG", "config.x.LOG_LEVEL"]),
        ('"a.b"', ["a+b", "a+b.c"], ["a.b"]),
        ("**", ["", "a", "a.b"], []),
        ("values.yaml:", ["", "a"], []),
        ("values.yaml: a.b", ["a.b"], ["a"]),
        ("Deployment: a", [], ["a"]),
        ("a[b].c+", [], ["a", "ab"]),
    ],
)
def test_patterns(pattern: str, matched: list[str], others: list[str]) -> None:
    found = Pattern(pattern, Treatment.ASK)
    assert all(found.matches(key(each)) for each in matched)
    assert not any(found.matches(key(each)) for each in others)


@pytest.mark.parametrize(
    "found",
    [
        *[Key("app.properties", "", ()), Key("web.yaml", "Deployment/web", ("spec", "a.b")), key("image.tag")],
        *[Key("more.yaml", "", ("a", "b c")), Key("web.yaml", "ConfigMap/a.b", ("data", "x: y"))],
    ],
)
def test_a_key_is_meant_by_its_name_as_it_is_printed(found: Key) -> None:
    assert matches_any(found, [str(found)])
    assert not matches_any(found, [])
