"""The rules whose findings the pipeline itself makes: what it meets when it reads, judges and renders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from argosy.argocd.applicationsets import Flaw
from argosy.documents import ESCAPES, Defect, DefectKind
from argosy.findings import Problem, Severity
from argosy.paths import astray
from argosy.rules.registry import Rule, declare

_CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: shop\ndata:\n  greeting: {greeting}\n"
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

UNREADABLE = declare(
    "file-unreadable",
    Severity.ERROR,
    "A file cannot be read.",
    explanation="A file without permission to read it, a link to nothing or in a circle, or a file that is too large "
    "to be a manifest cannot be judged, and Argo CD could not read it either.",
    bad="# link: apps/shop.yaml -> nowhere.yaml\n",
    good="# file: apps/shop.yaml\n" + _CONFIG_MAP.format(greeting="hello"),
)
ENCODING = declare(
    "file-encoding",
    Severity.ERROR,
    "A YAML or JSON file is no text in UTF-8.",
    explanation="YAML and JSON are text in UTF-8. A file in another encoding, or a binary one, reads differently on "
    "each machine or not at all. Tools on Windows often write UTF-16 or a legacy encoding.",
    bad="# file: apps/shop.yaml\n" + _CONFIG_MAP.format(greeting='"\0"'),
    good="# file: apps/shop.yaml\n" + _CONFIG_MAP.format(greeting="grüezi"),
)
SYMLINK_ESCAPES = declare(
    "symlink-escapes",
    Severity.ERROR,
    "A symbolic link is absolute, or leads out of the repository.",
    explanation="Argo CD refuses to render anything of a repository in which one symbolic link, wherever it stands, "
    "is absolute or leads out of it: every Application fails. Links that Git ignores are not in Argo CD's clone. "
    "argosy reads nothing that such a link leads to, nor what is in `.git`, and renders nothing that needs it.",
    bad="# link: docs/outside -> /etc\n",
    good="# link: docs/inside -> ../apps\n# file: apps/shop.yaml\n" + _CONFIG_MAP.format(greeting="hello"),
)
YAML_SYNTAX = declare(
    "yaml-syntax",
    Severity.ERROR,
    "A file is not the YAML that its name promises.",
    explanation="Nothing of a document that cannot be parsed reaches the cluster. Argo CD fails on it, or ignores the "
    "file if it does not look like a manifest.",
    bad=_CONFIG_MAP.format(greeting='"hello'),
    good=_CONFIG_MAP.format(greeting='"hello"'),
)
JSON_SYNTAX = declare(
    "json-syntax",
    Severity.ERROR,
    "A file is not the JSON that its name promises.",
    explanation="JSON has no comments, no trailing commas and no single quotes.",
    bad='# file: manifest.json\n{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shop"},}\n',
    good='# file: manifest.json\n{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shop"}}\n',
)
DUPLICATE_KEY = declare(
    "duplicate-key",
    Severity.ERROR,
    "A mapping has the same key twice.",
    explanation="Most YAML readers take the last of the two without a word: one of the two settings has no effect. "
    "Kustomize and strict readers refuse the file.",
    bad=_CONFIG_MAP.format(greeting="hello") + "  greeting: good morning\n",
    good=_CONFIG_MAP.format(greeting="hello") + "  farewell: goodbye\n",
)
YAML_LIMIT = declare(
    "yaml-limit",
    Severity.ERROR,
    "A file's aliases or nesting go beyond what a manifest needs.",
    explanation="Aliases that stand for each other multiply: a few lines become gigabytes in every tool that expands "
    "them. Aliases that contain themselves, and very deep nesting, end the same way. Kubernetes refuses such "
    "documents.",
    bad="a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    + "".join(
        f"{letter}: &{letter} [{', '.join(['*' + before] * 10)}]\n"
        for before, letter in zip("abcdefg", "bcdefgh", strict=True)
    ),
    good="# file: values.yaml\nbase: &base\n  team: shop\nother:\n  <<: *base\n",
)

DEFECTS: dict[DefectKind, Rule] = {
    DefectKind.UNREADABLE: UNREADABLE,
    DefectKind.SYMLINK: UNREADABLE,
    DefectKind.TOO_LARGE: UNREADABLE,
    DefectKind.BINARY: ENCODING,
    DefectKind.ENCODING: ENCODING,
    DefectKind.YAML_SYNTAX: YAML_SYNTAX,
    DefectKind.TABS: YAML_SYNTAX,
    DefectKind.KEY: YAML_SYNTAX,
    DefectKind.TOO_MANY: YAML_SYNTAX,
    DefectKind.JSON_SYNTAX: JSON_SYNTAX,
    DefectKind.DUPLICATE_KEY: DUPLICATE_KEY,
    DefectKind.RECURSIVE_ALIAS: YAML_LIMIT,
    DefectKind.ALIAS_BOMB: YAML_LIMIT,
    DefectKind.TOO_DEEP: YAML_LIMIT,
}


def rule_of(defect: Defect, location: Path, root: Path) -> Rule:
    """Return the rule that a defect breaks."""
    if defect.kind is DefectKind.SYMLINK and location.is_symlink() and astray(location, root) in ESCAPES:
        return SYMLINK_ESCAPES
    return DEFECTS[defect.kind]


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
FILE_SCHEMA = declare(
    "file-schema",
    Severity.ERROR,
    "A file that a tool reads does not fit the tool's schema.",
    explanation="Kustomizations, Chart.yaml, argosy's own settings, and the files of CI and Renovate have a schema of "
    "their own. The tool refuses what does not fit, or ignores it.",
    bad="# file: environments/dev/environment.yaml\ndestination:\n  server: https://kubernetes.default.svc\nrevision: "
    "main\n"
    'autoSync: "yes"\npromotesFrom: ""\n',
    good="# file: environments/dev/environment.yaml\ndestination:\n  server: https://kubernetes.default.svc\nrevision: "
    "main\n"
    'autoSync: true\npromotesFrom: ""\n',
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
    explanation="Each chart is linted with the values of an Application that renders it.",
    bad=_APPLICATION + _CHART.replace("version: 1.0.0", "version: one") + _GOOD_TEMPLATE,
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
_CATALOGUE = """\
# file: catalogue/descheduler/component.yaml
summary: Evicts pods that would be placed elsewhere today.
chart: {repository: 'https://kubernetes-sigs.github.io/descheduler', name: descheduler, version: 0.34.0}
namespace: kube-system
wave: -30
# file: catalogue/descheduler/values.yaml
"""
CATALOGUE_ENTRY = declare(
    "catalogue-entry",
    Severity.ERROR,
    "A component of the repository's own catalogue cannot be added.",
    explanation="Its texts are Jinja with the marks [[ ]], [% %] and [# #], and know `environment` and `repository`; "
    "its folder names the component, and what it needs is in the catalogue too.",
    bad=_CATALOGUE + "replicas: [[ 2 if enviroment.production else 1 ]]\n",
    good=_CATALOGUE + "replicas: [[ 2 if environment.production else 1 ]]\n",
)
KUSTOMIZE_BUILD = declare(
    "kustomize-build",
    Severity.ERROR,
    "An overlay cannot be built.",
    explanation="Argo CD builds it with the same Kustomize and fails the same way. Every kustomization of the "
    "repository is built, whether an Application names it or another kustomization does.",
    bad="# file: apps/shop/kustomization.yaml\nresources:\n  - config-map.yaml\n  - servce.yaml\n"
    "# file: apps/shop/config-map.yaml\n" + _CONFIG_MAP.format(greeting="hello"),
    good="# file: apps/shop/kustomization.yaml\nresources:\n  - config-map.yaml\n"
    "# file: apps/shop/config-map.yaml\n" + _CONFIG_MAP.format(greeting="hello"),
)
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

_SET = """\
# file: argocd/applicationset.yaml
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata:
  name: shop
  namespace: argocd
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - list:
        elements: {elements}
  template:
    metadata:
      name: shop-{name}
    spec:
      project: default
      source:
        repoURL: https://git.example.com/acme/gitops.git
        targetRevision: main
        path: apps/shop
      destination:
        server: https://kubernetes.default.svc
        namespace: "shop-{name}"
"""


def _set(elements: str, name: str = "{{ .env }}") -> str:
    return _SET.format(elements=elements, name=name) + _CHART + _GOOD_TEMPLATE


_GOOD_SET = _set("[{env: dev}, {env: prod}]")

FLAWS: dict[Flaw, Rule] = {
    Flaw.GENERATOR: declare(
        "applicationset-generator",
        Severity.ERROR,
        "Argo CD refuses a generator of an ApplicationSet.",
        explanation="A generator that is no list, git, matrix, merge or the like, or that lacks what it needs, stops "
        "the whole ApplicationSet: it makes no Application and updates none.",
        bad=_set("[{env: dev}]").replace(
            "- list:\n        elements: [{env: dev}]", "- matrix:\n        generators: []"
        ),
        good=_GOOD_SET,
    ),
    Flaw.EMPTY: declare(
        "applicationset-empty",
        Severity.WARNING,
        "A generator of an ApplicationSet yields nothing.",
        explanation="Argo CD deletes the Applications that a generator no longer yields, and what they deployed with "
        "them (argo-cd issues 16721, 20848). A generator that yields nothing is most often a path that does not match.",
        bad=_set("[]"),
        good=_GOOD_SET,
    ),
    Flaw.TEMPLATE: declare(
        "applicationset-template",
        Severity.ERROR,
        "A template of an ApplicationSet fails, or names a parameter that no generator gives.",
        explanation="With `missingkey=error` Argo CD stops; without it the Application gets `<no value>` or the "
        "braces as they stand.",
        bad=_set("[{env: dev}]", "{{ .environment }}"),
        good=_GOOD_SET,
    ),
    Flaw.DUPLICATE: declare(
        "applicationset-duplicate",
        Severity.ERROR,
        "An ApplicationSet makes two Applications of one name.",
        explanation="Argo CD then makes none at all.",
        bad=_set("[{env: dev}, {env: dev}]"),
        good=_GOOD_SET,
    ),
}

SUPPRESSION = declare(
    "suppression",
    Severity.ERROR,
    "A comment or setting that ignores findings names no rule, an unknown one, or no reason.",
    explanation="`# argosy: ignore[rule-id] reason` ignores a rule in its own line, or in the next if it stands "
    "alone, or in the whole file if it stands before all content. `.argosy.yaml` ignores one for the repository. Both "
    "need the rule's id and a reason, so that the next reader knows why.",
    bad="# file: apps/pod.yaml\napiVersion: v1\nkind: Pod\nmetadata:\n  name: shop\nspec:\n  containers:\n    - name: "
    "shop\n"
    "      image: nginx # argosy: ignore[image-tag]\n",
    good="# file: apps/pod.yaml\napiVersion: v1\nkind: Pod\nmetadata:\n  name: shop\nspec:\n  containers:\n    - name: "
    "shop\n"
    "      image: nginx # argosy: ignore[image-tag] the sandbox follows the newest on purpose\n",
)


def suppression_problems(rules: Sequence[str], unknown: Sequence[str], reason: str) -> Iterator[Problem]:
    """Yield what is wrong with a request to ignore findings."""
    if not any(rules):
        yield Problem("This names no rule to ignore.", hint="Write # argosy: ignore[rule-id] reason.")
    for name in filter(None, unknown):
        yield Problem(f"There is no rule “{name}” to ignore.", hint="`argosy rules` lists them.")
    if any(rules) and not reason:
        yield Problem(
            "This gives no reason to ignore a rule, and so ignores none.", hint="Say why, behind the bracket."
        )
