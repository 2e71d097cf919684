"""The schemas of well-known operators: what is right passes, what is wrong is found with its place."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from argosy.schemas import bundled
from argosy.schemas.store import SchemaStore, without_nulls

STORE = SchemaStore("1.37")

GOOD = """\
apiVersion: cert-manager.io/v1
kind: Certificate
spec:
  secretName: web-tls
  duration: 2160h0m0s
  renewBefore: 360h
  dnsNames: [www.example.com, '*.example.com']
  privateKey: {algorithm: ECDSA, size: 256, rotationPolicy: Always}
  usages: [server auth, digital signature]
  secretTemplate: {labels: {team: web}}
  issuerRef: {name: letsencrypt, kind: ClusterIssuer, group: cert-manager.io}
---
apiVersion: cert-manager.io/v1
kind: ClusterIssuer
spec:
  acme:
    server: https://acme-v02.api.letsencrypt.org/directory
    email: platform@example.com
    privateKeySecretRef: {name: account}
    externalAccountBinding: {keyID: a, keySecretRef: {name: eab, key: secret}}
    solvers:
      - http01: {gatewayHTTPRoute: {parentRefs: [{name: public, namespace: gateways, kind: Gateway}]}}
      - http01: {ingress: {ingressClassName: nginx, ingressTemplate: {metadata: {annotations: {a: b}}}}}
      - selector: {dnsZones: [example.com]}
        dns01: {route53: {region: eu-west-1, auth: {kubernetes: {serviceAccountRef: {name: dns}}}}}
      - dns01: {cloudflare: {apiTokenSecretRef: {name: cloudflare, key: token}}}
      - dns01: {azureDNS: {subscriptionID: a, resourceGroupName: b, managedIdentity: {clientID: c}}}
      - dns01: {webhook: {groupName: acme.example.com, solverName: own, config: {zone: [1]}}}
---
apiVersion: cert-manager.io/v1
kind: Issuer
spec:
  vault:
    server: https://vault.example.com
    path: pki/sign/web
    auth: {kubernetes: {role: web, mountPath: /v1/auth/kubernetes, serviceAccountRef: {name: issuer}}}
---
apiVersion: cert-manager.io/v1
kind: Issuer
spec: {selfSigned: {}}
---
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
spec:
  conditions: [{namespaces: [web-dev]}]
  provider:
    aws:
      service: SecretsManager
      region: eu-west-1
      auth: {jwt: {serviceAccountRef: {name: reader, namespace: external-secrets}}}
---
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
spec:
  provider:
    gcpsm:
      projectID: acme
      auth:
        workloadIdentity: {clusterLocation: europe-west1, clusterName: dev, serviceAccountRef: {name: reader}}
---
apiVersion: external-secrets.io/v1
kind: SecretStore
spec:
  provider:
    azurekv: {vaultUrl: 'https://a.vault.azure.net', authType: WorkloadIdentity, serviceAccountRef: {name: reader}}
---
apiVersion: external-secrets.io/v1
kind: SecretStore
spec:
  provider:
    vault:
      server: https://vault.example.com
      path: secret
      version: v2
      caProvider: {type: ConfigMap, name: ca, key: ca.crt, namespace: vault}
      auth: {kubernetes: {role: web, serviceAccountRef: {name: reader}}}
---
apiVersion: external-secrets.io/v1
kind: SecretStore
spec: {provider: {gitlab: {projectID: '1', auth: {SecretRef: {accessToken: {name: gitlab, key: token}}}}}}
---
apiVersion: external-secrets.io/v1
kind: ClusterExternalSecret
spec:
  namespaceSelectors: [{matchLabels: {registry: private}}]
  refreshTime: 1h
  externalSecretSpec:
    secretStoreRef: {kind: ClusterSecretStore, name: dev}
    target: {template: {type: kubernetes.io/dockerconfigjson, data: {.dockerconfigjson: '{{ .config }}'}}}
    data: [{secretKey: config, remoteRef: {key: registry}}]
---
apiVersion: external-secrets.io/v1alpha1
kind: PushSecret
spec:
  secretStoreRefs: [{kind: ClusterSecretStore, name: dev}]
  selector: {secret: {name: web}}
  data: [{match: {secretKey: password, remoteRef: {remoteKey: apps/web, property: password}}}]
---
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
spec:
  encryptedData: {password: ENCRYPTED}
  template: {type: Opaque, metadata: {name: web, labels: {team: web}}}
---
apiVersion: kyverno.io/v1
kind: ClusterPolicy
spec:
  background: false
  webhookConfiguration: {failurePolicy: Fail, timeoutSeconds: 30}
  rules:
    - name: keyless
      match: {any: [{resources: {kinds: [Pod], namespaces: [web-*]}}]}
      exclude: {any: [{subjects: [{kind: ServiceAccount, name: a, namespace: b}]}]}
      verifyImages:
        - imageReferences: ['ghcr.io/acme/*']
          failureAction: Enforce
          mutateDigest: true
          attestors:
            - count: 1
              entries:
                - keyless:
                    issuer: https://token.actions.githubusercontent.com
                    subjectRegExp: https://github\\.com/acme/.+
                    rekor: {url: 'https://rekor.sigstore.dev'}
    - name: keys
      match: {resources: {kinds: [Pod]}}
      verifyImages:
        - {imageReferences: ['*'], attestors: [{entries: [{keys: {publicKeys: '-----BEGIN PUBLIC KEY-----'}}]}]}
---
apiVersion: kyverno.io/v1
kind: Policy
spec:
  rules:
    - name: validate
      match: {any: [{resources: {kinds: [Deployment], selector: {matchLabels: {app: 'web*'}}}}]}
      preconditions: {all: [{key: '{{ request.operation }}', operator: In, value: [CREATE]}]}
      validate: {failureAction: Audit, message: No., pattern: {spec: {replicas: '>1'}}}
    - name: deny
      match: {any: [{resources: {kinds: [Pod]}}]}
      context: [{name: list, configMap: {name: list, namespace: kyverno}}]
      validate: {deny: {conditions: {any: [{key: '{{ list }}', operator: Equals, value: a}]}}}
    - name: standard
      match: {any: [{resources: {kinds: [Pod]}}]}
      validate: {podSecurity: {level: restricted, version: latest}}
    - name: mutate
      match: {any: [{resources: {kinds: [Pod]}}]}
      mutate: {patchStrategicMerge: {metadata: {labels: {+(team): web}}}}
    - name: generate
      match: {any: [{resources: {kinds: [Namespace]}}]}
      generate: {apiVersion: v1, kind: ConfigMap, name: a, namespace: b, synchronize: true, data: {data: {a: b}}}
---
apiVersion: policies.kyverno.io/v1
kind: ImageValidatingPolicy
spec:
  validationActions: [Deny]
  matchConstraints:
    resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [pods]}]
  matchImageReferences: [{glob: 'ghcr.io/acme/*'}]
  attestors: [{name: cosign, cosign: {keyless: {identities: [{issuer: a, subjectRegExp: b}]}}}]
  validations: [{expression: 'true', message: Not signed.}]
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyProxy
spec:
  provider:
    type: Kubernetes
    kubernetes:
      envoyDeployment: {replicas: 2, container: {resources: {limits: {memory: 1Gi}}}, pod: {labels: {a: b}}}
      envoyPDB: {minAvailable: 1}
      envoyService: {type: LoadBalancer, externalTrafficPolicy: Local}
  telemetry: {accessLog: {settings: [{format: {type: JSON, json: {a: b}}, sinks: [{type: File, file: {path: /a}}]}]}}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: ClientTrafficPolicy
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: public, sectionName: https}]
  tls: {minVersion: '1.2'}
  timeout: {http: {requestReceivedTimeout: 10s}}
  clientIPDetection: {xForwardedFor: {numTrustedHops: 1}}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: BackendTrafficPolicy
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: web}]
  retry: {numRetries: 3, retryOn: {triggers: [5xx], httpStatusCodes: [503]}}
  rateLimit: {type: Local, local: {rules: [{limit: {requests: 10, unit: Second}}]}}
  loadBalancer: {type: ConsistentHash, consistentHash: {type: SourceIP}}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: SecurityPolicy
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: web}]
  cors: {allowOrigins: ['https://*.example.com'], allowMethods: [GET], maxAge: 1h}
  jwt: {providers: [{name: a, remoteJWKS: {uri: 'https://a.example/jwks'}, claimToHeaders: [{claim: sub, header: x}]}]}
  oidc: {provider: {issuer: 'https://a.example'}, clientID: a, clientSecret: {name: oidc}}
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: 'nginx:1', readinessProbe: {httpGet: {port: http}}}]}
  strategy:
    canary:
      stableService: web
      canaryService: web-canary
      maxSurge: 25%
      trafficRouting:
        plugins: {argoproj-labs/gatewayAPI: {httpRoute: web, namespace: web-dev}, other/one: {anything: 1}}
        managedRoutes: [{name: header}]
      analysis: {templates: [{templateName: errors, clusterScope: true}], args: [{name: service, value: web}]}
      steps:
        - setWeight: 10
        - pause: {}
        - pause: {duration: 5m}
        - pause: {duration: 60}
        - setHeaderRoute: {name: header, match: [{headerName: x, headerValue: {exact: 'yes'}}]}
        - analysis: {templates: [{templateName: errors}]}
        - setCanaryScale: {weight: 25}
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
spec:
  workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web, scaleDown: progressively}
  strategy: {blueGreen: {activeService: web, previewService: web-preview, autoPromotionEnabled: false}}
---
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
spec:
  args: [{name: service}, {name: token, valueFrom: {secretKeyRef: {name: token, key: token}}}]
  metrics:
    - name: errors
      interval: 1m
      count: 5
      failureLimit: 1
      successCondition: result[0] < 0.01
      provider: {prometheus: {address: 'http://prometheus:9090', query: up, headers: [{key: a, value: b}]}}
    - {name: ready, provider: {web: {url: 'http://web/ready', jsonPath: '{$.ok}'}}}
    - {name: smoke, provider: {job: {spec: {template: {spec: {containers: [], restartPolicy: Never}}}}}}
---
apiVersion: argoproj.io/v1alpha1
kind: ClusterAnalysisTemplate
spec: {metrics: [{name: errors, provider: {datadog: {apiVersion: v2, query: a, interval: 5m}}}]}
---
apiVersion: argoproj.io/v1alpha1
kind: Experiment
spec:
  duration: 10m
  templates:
    - name: a
      selector: {matchLabels: {app: web}}
      template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: 'nginx:1'}]}}
  analyses: [{name: errors, templateName: errors}]
"""
KINDS = {
    "argoproj.io": "AnalysisTemplate ClusterAnalysisTemplate Experiment Rollout",
    "bitnami.com": "SealedSecret",
    "cert-manager.io": "Certificate ClusterIssuer Issuer",
    "external-secrets.io": "ClusterExternalSecret ClusterSecretStore PushSecret SecretStore",
    "gateway.envoyproxy.io": "BackendTrafficPolicy ClientTrafficPolicy EnvoyProxy SecurityPolicy",
    "kyverno.io": "ClusterPolicy Policy",
    "policies.kyverno.io": "ImageValidatingPolicy",
}


def documents() -> list[dict[str, Any]]:
    encrypted = GOOD.replace("ENCRYPTED", "Ag" * 360)
    return [{**each, "metadata": {"name": "a"}} for each in yaml.safe_load_all(encrypted)]


def messages(document: dict[str, Any]) -> list[str]:
    schema = STORE.for_manifest(document["apiVersion"], document["kind"])
    assert schema
    return [violation.message for violation in schema.violations(without_nulls(document))]


def nested(value: Any) -> list[dict[str, Any]]:
    """Return each mapping in a value, itself included."""
    if isinstance(value, dict):
        return [value, *(found for each in value.values() for found in nested(each))]
    return [found for each in value for found in nested(each)] if isinstance(value, list) else []


def test_each_kind_has_an_example() -> None:
    shown = {(each["apiVersion"].rpartition("/")[0], each["kind"]) for each in documents()}
    assert shown == {(group, kind) for group, kinds in KINDS.items() for kind in kinds.split()}


@pytest.mark.parametrize("document", documents(), ids=lambda each: each["kind"])
def test_what_is_right_passes(document: dict[str, Any]) -> None:
    assert messages(document) == []


@pytest.mark.parametrize("document", documents(), ids=lambda each: each["kind"])
def test_an_unknown_field_is_found_at_the_top_of_the_spec(document: dict[str, Any]) -> None:
    document = document | {"spec": document["spec"] | {"nonsense": 1}}
    found = messages(document)
    assert any(message.startswith(("spec: unknown field", "spec: set at most")) for message in found)


def test_an_unknown_field_is_found_at_nearly_every_level() -> None:
    unseen = seen = 0
    for document in documents():
        for mapping in nested(document["spec"]):
            mapping["nonsenseField"] = {"a": [1]}
            found = bool(messages(document))
            seen, unseen = seen + found, unseen + (not found)
            del mapping["nonsenseField"]
    assert seen > 6 * unseen > 0


def changed(kind: str, path: str, value: Any) -> dict[str, Any]:
    """Return the first example of a kind with another value at a path such as `acme.solvers.0.http01`."""
    document = next(each for each in documents() if each["kind"] == kind)
    *parents, last = path.split(".")
    place: Any = document["spec"]
    for parent in parents:
        place = place[int(parent)] if isinstance(place, list) else place[parent]
    place[last] = value
    return document


@pytest.mark.parametrize(
    ("kind", "path", "value", "message"),
    [
        ("Certificate", "issuerRef", None, 'spec: the required field "issuerRef" is missing'),
        ("Certificate", "duration", "90d", 'spec.duration: must be a duration such as 2160h or 90m, not "90d"'),
        ("Certificate", "dnsName", ["a"], 'spec: unknown field "dnsName"'),
        ("ClusterIssuer", "ca", {"secretName": "a"}, "spec: set at most one of acme, ca"),
        ("ClusterIssuer", "acme.solvers.0.http01.ingress", {}, "spec.acme.solvers[0].http01: set at most one"),
        ("ClusterIssuer", "acme.solvers.2.dns01.route53.regoin", "a", 'dns01.route53: unknown field "regoin"'),
        ("ClusterSecretStore", "provider.aws.service", "SecretManager", "use one of SecretsManager"),
        ("ClusterSecretStore", "provider.aws.auth.jwt.serviceAccount", {}, 'jwt: unknown field "serviceAccount"'),
        ("ClusterSecretStore", "provider.fake", {"data": []}, "spec.provider: set at most one"),
        ("ClusterSecretStore", "provider", {"gcpms": {}}, 'spec.provider: unknown field "gcpms"'),
        ("ClusterExternalSecret", "externalSecretSpec.target.templates", {}, 'target: unknown field "templates"'),
        ("PushSecret", "selector", None, 'spec: the required field "selector" is missing'),
        ("SealedSecret", "encryptedData.password", "hunter2", "must be what `kubeseal` encrypted, in base64"),
        ("ClusterPolicy", "rules.0.verifyImages.0.failureAction", "enforce", "use one of Audit, Enforce"),
        (
            "ClusterPolicy",
            "rules.0.verifyImages.0.attestors.0.entries.0.keyless.subjectRegexp",
            "a",
            'spec.rules[0].verifyImages[0].attestors[0].entries[0].keyless: unknown field "subjectRegexp"',
        ),
        ("ClusterPolicy", "rules.0.match", None, 'spec.rules[0]: the required field "match" is missing'),
        ("Policy", "rules.0.preconditions.all", [{"key": "a", "operator": "Is"}], "preconditions.all[0].operator"),
        ("ImageValidatingPolicy", "validationActions", ["Enforce"], "use one of Deny, Audit, Warn"),
        ("EnvoyProxy", "provider.kubernetes.envoyDeployment.replica", 2, 'envoyDeployment: unknown field "replica"'),
        ("ClientTrafficPolicy", "tls.minVersion", 1.2, "spec.tls.minVersion"),
        ("BackendTrafficPolicy", "rateLimit.local.rules.0.limit.unit", "s", "use one of Second, Minute"),
        ("SecurityPolicy", "oidc.clientSecret", None, 'spec.oidc: the required field "clientSecret" is missing'),
        ("Rollout", "strategy.blueGreen", {"activeService": "a"}, "spec.strategy: set at most one"),
        ("Rollout", "strategy.canary.steps.0.pause", {}, "spec.strategy.canary.steps[0]: set at most one"),
        ("Rollout", "strategy.canary.steps.2.pause.duration", "5 min", "must be seconds, or a duration such as 10m"),
        ("Rollout", "template", None, 'one of the fields "template", "workloadRef" must be set'),
        (
            "Rollout",
            "strategy.canary.trafficRouting.plugins.argoproj-labs/gatewayAPI.httproute",
            "a",
            'unknown field "httproute"',
        ),
        ("AnalysisTemplate", "metrics.0.provider.web", {"url": "a"}, "spec.metrics[0].provider: set at most one"),
        ("AnalysisTemplate", "metrics.0.successCriteria", "a", 'spec.metrics[0]: unknown field "successCriteria"'),
        ("Experiment", "templates.0.selector", None, 'spec.templates[0]: the required field "selector" is missing'),
    ],
)
def test_what_is_wrong_is_found_with_its_place(kind: str, path: str, value: Any, message: str) -> None:
    (found,) = messages(changed(kind, path, value))
    assert message in found


def test_a_kind_is_judged_by_its_own_version() -> None:
    assert bundled.for_kind("kyverno.io/v1", "ClusterPolicy")
    assert bundled.for_kind("kyverno.io/v9", "ClusterPolicy") is None
    assert bundled.for_kind("cert-manager.io/v1", "issuerSpec") is None
