"""Rules of manifests: rendered at all, valid, and of the schema of their kind. The pipeline makes the findings."""

from __future__ import annotations

import re

from argosy.findings import Problem, Severity
from argosy.rules.examples import GREETING, REPOSITORY, SERVICE
from argosy.rules.registry import declare
from argosy.schemas.builtin_kinds import kubernetes

_APPLICATION = """\
# file: argocd/shop-dev.yaml
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: shop-dev
  namespace: argocd
spec:
  project: default
  source:
    repoURL: https://git.example.com/acme/gitops.git
    targetRevision: main
    path: apps/shop
  destination:
    server: https://kubernetes.default.svc
    namespace: shop-dev
"""
_CHART = """\
# file: apps/shop/Chart.yaml
apiVersion: v2
name: shop
description: The shop
icon: https://example.com/shop.svg
version: 1.0.0
# file: apps/shop/values.yaml
greeting: hello
"""
_TEMPLATE = """\
# file: apps/shop/templates/config-map.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: shop
data:
  greeting: {greeting}
"""
_JSONNET = """\
# file: apps/shop/config-map.jsonnet
local greeting = 'hello';
{{
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {{ name: 'shop' }},
  data: {{ greeting: {data} }},
}}
"""
_GOOD_TEMPLATE = _TEMPLATE.format(greeting="{{ .Values.greeting | quote }}")
_DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
spec:
  replicas: {replicas}
  selector:
    matchLabels:
      app: shop
  template:
    metadata:
      labels:
        app: shop
    spec:
      containers:
        - name: shop
          image: nginx:1.29.3-alpine
          ports:
            - containerPort: {port}
"""


KUBERNETES_SCHEMA = declare(
    "kubernetes-schema",
    Severity.ERROR,
    "A manifest does not match the schema of its kind.",
    explanation="The API server rejects a manifest with a wrong type or a missing field. It drops or rejects an "
    "unknown field, depending on how it is applied. Manifests are checked for each Kubernetes version that the "
    "repository lists. Custom resources are checked against the CustomResourceDefinitions of the repository and "
    "against --schema-location.",
    bad=_DEPLOYMENT.format(replicas='"three"', port=80),
    good=_DEPLOYMENT.format(replicas=3, port=80),
)
KUBERNETES_VALUE = declare(
    "kubernetes-value",
    Severity.ERROR,
    "A manifest has a value that the API server rejects.",
    explanation="Kubernetes' published schemas omit many checks of the API server: names, ports, quantities, "
    "selectors that must match labels, enumerated values. What it takes with a warning is one: an environment variable "
    "that is there twice.",
    bad=_DEPLOYMENT.format(replicas=3, port=8080).replace(
        "matchLabels:\n      app: shop", "matchLabels:\n      app: web"
    ),
    good=_DEPLOYMENT.format(replicas=3, port=8080),
)
ARGOCD_SCHEMA = declare(
    "argocd-schema",
    Severity.ERROR,
    "An Application, AppProject or ApplicationSet has an unknown field or a field of the wrong type.",
    explanation="Argo CD's CustomResourceDefinitions prune unknown fields silently, so a misspelt field has no effect. "
    "The fields are those of the Argo CD that the repository installs, else of the newest that is "
    "known: in an older one, a field that came later has no effect either. Only `argoproj.io/v1alpha1` is served.",
    bad=_APPLICATION.replace("targetRevision", "targetRevison") + _CHART + _GOOD_TEMPLATE,
    good=_APPLICATION + _CHART + _GOOD_TEMPLATE,
)

_GIZMO = """
# file: crd.yaml
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: gizmos.acme.example
spec:
  group: acme.example
  scope: Namespaced
  names:
    kind: Gizmo
    plural: gizmos
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties:
                replicas:
                  type: integer
                most:
                  type: integer
                  default: 5
              x-kubernetes-validations:
                - rule: self.replicas <= self.most
                  message: replicas may not be more than most
# file: gizmo.yaml
apiVersion: acme.example/v1
kind: Gizmo
metadata:
  name: shop
spec:
  replicas: {replicas}
"""
CUSTOM_RULE = declare(
    "crd-validation",
    Severity.ERROR,
    "A custom resource breaks a rule in CEL of its CustomResourceDefinition.",
    explanation="The API server evaluates `x-kubernetes-validations` after it has filled in defaults, and rejects an "
    "object for which one does not hold. Rules that compare with what was there before (`oldSelf`) are not asked. "
    "Where argosy cannot evaluate a rule, the manifest is skipped, with the reason.",
    bad=_GIZMO.replace("{replicas}", "9"),
    good=_GIZMO.replace("{replicas}", "3"),
)

_DEVICES = "apiVersion: resource.k8s.io/{version}\nkind: DeviceClass\nmetadata:\n  name: gpu\nspec: {{}}\n"
API_DEPRECATED = declare(
    "api-deprecated",
    Severity.WARNING,
    "An API version that a newer Kubernetes does not serve.",
    explanation="Kubernetes stops serving alpha and beta versions of an API, soon after it has a stable one. With the "
    "upgrade of the cluster, the manifest is refused. Compared are all Kubernetes versions that are newer than the "
    "repository's and known here, and the stable versions that the repository's Kubernetes already serves. Of an "
    "operator's kinds, its CustomResourceDefinition says it: that of the repository, or of the operator's newest "
    "release known here.",
    bad=_DEVICES.format(version="v1beta1"),
    good=_DEVICES.format(version="v1"),
)


def deprecated(version: str, api_version: str, kind: str) -> Problem | None:
    """Return what is wrong with a kind's API version, of those that a version of Kubernetes serves."""
    gone, stable = kubernetes(version).ends(api_version, kind)
    if not (gone or stable):
        return None
    when = f"is not served from Kubernetes {gone} on" if gone else "is deprecated, and will not be served for long"
    hint = f"Use {stable}, which Kubernetes {version} serves already." if stable else "See its deprecation guide."
    return Problem(f"{api_version} of {kind} {when}.", ("apiVersion",), hint)


def deprecated_resource(api_version: str, kind: str, ends: tuple[str, str]) -> Problem:
    """Return what is wrong with a custom resource's API version, by the release that lacks it and what is said."""
    gone, said = ends
    if gone:
        when, hint = f"is not served any more by {gone}", "Use a newer version, before the operator is upgraded."
    else:
        when, hint = "is deprecated, its CustomResourceDefinition says", f"Use {said}."
    if " " in said:
        hint = said if said.endswith((".", "!")) else f"{said}."
    return Problem(f"{api_version} of {kind} {when}.", ("apiVersion",), hint if said or gone else "")


HELM_RENDER = declare(
    "helm-render",
    Severity.ERROR,
    "A Helm chart cannot be rendered with an Application's values.",
    explanation="Argo CD renders the chart with the same values and fails in the same way: the Application shows a "
    "ComparisonError, and the commit is not deployed.",
    bad=_APPLICATION + _CHART + _TEMPLATE.format(greeting='{{ required "greeting is needed" .Values.greetings }}'),
    good=_APPLICATION + _CHART + _GOOD_TEMPLATE,
)
_MADE = f"# file: .copier-answers.yml\nrepository_name: gitops\nrepo_url: {REPOSITORY}\nbranch: main\n"
HELM_LINT = declare(
    "helm-lint",
    Severity.ERROR,
    "`helm lint --strict` reports an error.",
    explanation="Each chart is linted with the values of an Application that renders it. A chart that no Application "
    "can render is not linted: the rule helm-render reports why. In a repository that argosy did not make "
    "it is a warning, since Argo CD does not lint.",
    bad=_MADE + _APPLICATION + _CHART + _GOOD_TEMPLATE + "# file: apps/shop/templates/values.md\nThe shop's values.\n",
    good=_MADE + _APPLICATION + _CHART + _GOOD_TEMPLATE,
)
HELM_ADVICE = declare(
    "helm-advice",
    Severity.WARNING,
    "`helm lint` reports a warning.",
    explanation="`helm lint --strict` treats it as an error.",
    bad=_APPLICATION + _CHART.replace("# file: apps/shop/values.yaml\ngreeting: hello\n", ""),
    good=_APPLICATION + _CHART + _GOOD_TEMPLATE,
)
_OF_DEPENDENCIES = re.compile(r"chart directory is missing these dependencies: .*|directory does not exist")


def is_advice(error: str) -> bool:
    """Return whether Helm's linter calls an error what renders: a chart without apiVersion is of Helm 2 to Helm."""
    return error.startswith("apiVersion is required")


def is_of_dependencies(advice: str) -> bool:
    """Return whether Helm only says that a chart's dependencies are not vendored, or that it has nothing else.

    Argo CD runs `helm dependency build` for the former.
    """
    return _OF_DEPENDENCIES.fullmatch(advice.strip()) is not None


KUSTOMIZE_BUILD = declare(
    "kustomize-build",
    Severity.ERROR,
    "An overlay cannot be built.",
    explanation="Argo CD builds it with Kustomize and fails in the same way. Every kustomization in the repository "
    "is built, whether or not an Application uses it.",
    bad="# file: apps/shop/kustomization.yaml\nresources:\n  - config-map.yaml\n  - servce.yaml\n"
    "# file: apps/shop/config-map.yaml\n" + GREETING.format(greeting="hello"),
    good="# file: apps/shop/kustomization.yaml\nresources:\n  - config-map.yaml\n"
    "# file: apps/shop/config-map.yaml\n" + GREETING.format(greeting="hello"),
)
JSONNET_EVALUATE = declare(
    "jsonnet-evaluate",
    Severity.ERROR,
    "A Jsonnet file cannot be evaluated, or gives no manifests.",
    explanation="Argo CD evaluates each `.jsonnet` file that a directory source takes, and expects one manifest or a "
    "list of manifests. Otherwise the whole Application shows a ComparisonError, and nothing of it is deployed. Name "
    "what is only imported `.libsonnet`. Imports are looked for beside the file, in `directory.jsonnet.libs` and in "
    "the source's folder, never outside the repository.",
    bad=_APPLICATION + _JSONNET.format(data="greetings"),
    good=_APPLICATION + _JSONNET.format(data="greeting"),
)
OF_ENGINES = frozenset({HELM_RENDER.id, HELM_LINT.id, KUSTOMIZE_BUILD.id, JSONNET_EVALUATE.id})
"""The rules of what Helm, Kustomize and Jsonnet refuse."""

RENDERED_YAML = declare(
    "rendered-yaml",
    Severity.ERROR,
    "A chart or overlay renders an invalid manifest.",
    explanation="The output is not YAML, has a duplicate key, or is not a Kubernetes object. The usual cause is "
    "missing quotes: use `quote` for strings, and `toYaml` and `nindent` for blocks.",
    bad=_APPLICATION + _CHART + _TEMPLATE.format(greeting="{{ .Values.greeting }}\n  greeting: again"),
    good=_APPLICATION + _CHART + _GOOD_TEMPLATE,
)
RENDER_DIFFERS = declare(
    "render-differs",
    Severity.WARNING,
    "A chart may render differently in Argo CD.",
    explanation="The built-in Helm library renders for one Kubernetes version, so a chart that checks the cluster's "
    "may render differently in Argo CD. What a chart asks of the cluster's API versions by "
    "`.Capabilities.APIVersions.Has` is answered: by `helm.apiVersions`, or else by what Kubernetes serves and "
    "what the repository installs in the cluster or has it hold; in a chart that Kustomize inflates too. Of an "
    "API that somebody else installs there, only `helm.apiVersions` tells. Helm before 4.2 treats a chart's own "
    "nulls otherwise, and Helm 3 reads only the first document of a values file: that counts where Argo CD has "
    "the one and argosy renders with the other. Install Argo CD's helm on PATH, or name it by --helm.",
    bad=_APPLICATION.replace("    path: apps/shop", "    path: apps/shop\n    helm:\n      kubeVersion: 1.31.0")
    + _CHART
    + _TEMPLATE.format(greeting="{{ .Capabilities.KubeVersion.Version | quote }}"),
    good=_APPLICATION + _CHART + _GOOD_TEMPLATE,
)

SERVER_REFUSED = declare(
    "server-refused",
    Severity.ERROR,
    "The cluster's API server refuses a manifest, or does not have its kind.",
    explanation="`argosy validate --server` has the API server of a context try out what is deployed, by a dry run "
    "that changes nothing. It knows what no schema does: the definitions and admission policies of this very cluster, "
    "quotas, and fields that cannot be changed in objects that are there. Argo CD would show the same message when it "
    "syncs.",
    bad=SERVICE + "  clusterIP: 192.0.2.10\n",
    good=SERVICE,
    asks_cluster=True,
)
