"""Rules of manifests: rendered at all, valid, and of the schema of their kind. The pipeline makes the findings."""

from __future__ import annotations

from argosy.findings import Severity
from argosy.rules.examples import GREETING
from argosy.rules.registry import declare

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
    "A manifest does not fit Kubernetes' schema of its kind.",
    explanation="The API server refuses a manifest with a wrong type or a missing field, and drops an unknown field "
    "silently or refuses it, depending on how it is applied. Checked for each Kubernetes version that the repository "
    "names. Custom resources are checked against the CustomResourceDefinitions of the repository and against "
    "--schema-location.",
    bad=_DEPLOYMENT.format(replicas='"three"', port=80),
    good=_DEPLOYMENT.format(replicas=3, port=80),
)
KUBERNETES_VALUE = declare(
    "kubernetes-value",
    Severity.ERROR,
    "A manifest has a value that the API server refuses although its type is right.",
    explanation="The schemas that Kubernetes publishes leave much to the API server's own code: names, ports, "
    "quantities, selectors that must match labels, values of which only a few are allowed.",
    bad=_DEPLOYMENT.format(replicas=3, port=8080).replace(
        "matchLabels:\n      app: shop", "matchLabels:\n      app: web"
    ),
    good=_DEPLOYMENT.format(replicas=3, port=8080),
)
ARGOCD_SCHEMA = declare(
    "argocd-schema",
    Severity.ERROR,
    "An Application, AppProject or ApplicationSet has a field that Argo CD does not know, or of the wrong type.",
    explanation="Argo CD's CustomResourceDefinitions prune unknown fields without a word: a misspelt field has no "
    "effect.",
    bad=_APPLICATION.replace("targetRevision", "targetRevison") + _CHART + _GOOD_TEMPLATE,
    good=_APPLICATION + _CHART + _GOOD_TEMPLATE,
)

HELM_RENDER = declare(
    "helm-render",
    Severity.ERROR,
    "A Helm chart cannot be rendered with an Application's values.",
    explanation="Argo CD renders the chart with the same values and fails the same way: the Application shows a "
    "ComparisonError, and nothing of the commit is deployed.",
    bad=_APPLICATION + _CHART + _TEMPLATE.format(greeting='{{ required "greeting is needed" .Values.greetings }}'),
    good=_APPLICATION + _CHART + _GOOD_TEMPLATE,
)
HELM_LINT = declare(
    "helm-lint",
    Severity.ERROR,
    "`helm lint --strict` refuses a chart.",
    explanation="Each chart is linted with the values of an Application that renders it. A chart that no Application "
    "can render is not linted: the rule helm-render says why.",
    bad=_APPLICATION + _CHART + _GOOD_TEMPLATE + "# file: apps/shop/templates/values.md\nThe shop's values.\n",
    good=_APPLICATION + _CHART + _GOOD_TEMPLATE,
)
HELM_ADVICE = declare(
    "helm-advice",
    Severity.WARNING,
    "`helm lint` has a remark about a chart.",
    explanation="What Helm reports as a warning; with `helm lint --strict` it is an error.",
    bad=_APPLICATION + _CHART.replace("# file: apps/shop/values.yaml\ngreeting: hello\n", ""),
    good=_APPLICATION + _CHART + _GOOD_TEMPLATE,
)
KUSTOMIZE_BUILD = declare(
    "kustomize-build",
    Severity.ERROR,
    "An overlay cannot be built.",
    explanation="Argo CD builds it with the same Kustomize and fails the same way. Every kustomization of the "
    "repository is built, whether an Application names it or another kustomization does.",
    bad="# file: apps/shop/kustomization.yaml\nresources:\n  - config-map.yaml\n  - servce.yaml\n"
    "# file: apps/shop/config-map.yaml\n" + GREETING.format(greeting="hello"),
    good="# file: apps/shop/kustomization.yaml\nresources:\n  - config-map.yaml\n"
    "# file: apps/shop/config-map.yaml\n" + GREETING.format(greeting="hello"),
)
OF_ENGINES = frozenset({HELM_RENDER.id, HELM_LINT.id, KUSTOMIZE_BUILD.id})
"""The rules of what Helm and Kustomize refuse."""

RENDERED_YAML = declare(
    "rendered-yaml",
    Severity.ERROR,
    "What a chart or overlay renders to is no valid manifest.",
    explanation="A template gave text that is no YAML, has a key twice, or is no Kubernetes object. Quoting is the "
    "usual cause: pass text through `quote`, and blocks through `toYaml` and `nindent`.",
    bad=_APPLICATION + _CHART + _TEMPLATE.format(greeting="{{ .Values.greeting }}\n  greeting: again"),
    good=_APPLICATION + _CHART + _GOOD_TEMPLATE,
)
RENDER_DIFFERS = declare(
    "render-differs",
    Severity.WARNING,
    "A chart was rendered, but not just as Argo CD would.",
    explanation="The Helm library within argosy takes no kubeVersion and no apiVersions: a chart that asks for the "
    "cluster's capabilities may render otherwise in Argo CD. With a helm binary on PATH, or --helm, argosy hands them "
    "over.",
    bad=_APPLICATION.replace("    path: apps/shop", "    path: apps/shop\n    helm:\n      kubeVersion: 1.31.0")
    + _CHART
    + _TEMPLATE.format(greeting="{{ .Capabilities.KubeVersion.Version | quote }}"),
    good=_APPLICATION + _CHART + _GOOD_TEMPLATE,
)
