"""Small repositories with one thing about each that Argo CD has an answer to, and the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import yaml

SERVER = "https://kubernetes.default.svc"
API = "argoproj.io/v1alpha1"


class Answer(StrEnum):
    """What becomes of a case."""

    DEPLOYS = "deploys what it says"
    WARNS = "deploys, and warns"
    LESS = "Synced, with nothing or less than it says"
    STAYS = "stays OutOfSync, without a word"
    FAILS = "fails"


@dataclass(frozen=True)
class Case:
    """A repository with one Application, what Argo CD says of it, and the rules of argosy that say the same."""

    name: str
    answer: Answer
    says: str = ""
    """A part of Argo CD's message."""
    rules: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    source: Mapping[str, Any] = field(default_factory=dict)
    spec: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    apps: tuple[Mapping[str, Any], ...] | None = None
    """What root deploys besides the Application, in its place if that is `only`."""
    only: bool = False
    unlike: str = ""
    """Why argosy says otherwise, where it does on purpose."""

    def repository(self, url: str) -> dict[str, str]:
        """Return the files of the repository that lies at a URL."""
        own = [] if self.only else [application(self.name, url, self.source, self.spec, self.metadata)]
        more = yaml.safe_dump_all([*own, *(self.apps or ())]).replace("THEURL", url).replace("THENAME", self.name)
        root = application(f"{self.name}-root", url, {"path": "apps"}, {"destination": _to("argocd")})
        files = {"root.yaml": yaml.safe_dump(root), "apps/apps.yaml": more}
        return files | {
            path: text.replace("THEURL", url).replace("THENAME", self.name) for path, text in self.files.items()
        }


def application(
    name: str,
    url: str,
    source: Mapping[str, Any] = {},
    spec: Mapping[str, Any] = {},
    metadata: Mapping[str, Any] = {},
) -> dict[str, Any]:
    """Return an Application that deploys a folder to a namespace of its name, but for what is given."""
    synced = {"automated": {"prune": True, "selfHeal": True}, "syncOptions": ["CreateNamespace=true"]}
    base = {
        "project": "default",
        "source": {"repoURL": url, "targetRevision": "main", "path": "manifests", **source},
        "destination": _to(name),
        "syncPolicy": synced,
    }
    merged = {key: value for key, value in {**base, **spec}.items() if value is not None}
    return {
        "apiVersion": API,
        "kind": "Application",
        "metadata": {"name": name, "namespace": "argocd", **metadata},
        "spec": merged,
    }


def _to(namespace: str) -> dict[str, str]:
    return {"server": SERVER, "namespace": namespace}


def config_map(name: str = "settings", data: str = "x", **metadata: Any) -> str:
    """Return the text of a ConfigMap."""
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}, "data": {"key": data}}
    return yaml.safe_dump(made)


def chart(template: str, values: str = "{}\n", more: str = "", **files: str) -> dict[str, str]:
    """Return the files of a chart with one template."""
    made = {
        "chart/Chart.yaml": f"apiVersion: v2\nname: small\nversion: 1.0.0\n{more}",
        "chart/values.yaml": values,
        "chart/templates/one.yaml": template,
    }
    return made | files


def project(**spec: Any) -> dict[str, Any]:
    """Return an AppProject of the case's name that permits all, but for what is given."""
    everything = [{"group": "*", "kind": "*"}]
    base = {
        "sourceRepos": ["*"],
        "destinations": [{"server": "*", "namespace": "*"}],
        "clusterResourceWhitelist": everything,
    }
    metadata = {"name": "THENAME", "namespace": "argocd"}
    return {"apiVersion": API, "kind": "AppProject", "metadata": metadata, "spec": {**base, **spec}}


def application_set(template: Mapping[str, Any] = {}, **spec: Any) -> dict[str, Any]:
    """Return an ApplicationSet of the case's name that generates the Application of that name."""
    made = application("THENAME", "THEURL")
    generated = {"metadata": {"name": "THENAME"}, "spec": made["spec"], **template}
    base = {"goTemplate": True, "generators": [{"list": {"elements": [{"env": "dev"}]}}], "template": generated}
    metadata = {"name": "THENAME", "namespace": "argocd"}
    return {"apiVersion": API, "kind": "ApplicationSet", "metadata": metadata, "spec": {**base, **spec}}


ONE = {"manifests/one.yaml": config_map()}
CHART = chart(config_map("{{ .Release.Name }}"))
OF_CHART = {"path": "chart"}
_GENERATED = "apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: task-, %s}\n"


_TEST = "apiVersion: nobody.example.com/v1\nkind: Nobody\nmetadata: {name: nobody, annotations: {helm.sh/hook: test}}\n"


def _helm(**settings: Any) -> dict[str, Any]:
    return {"path": "chart", "helm": settings}


def _with(**metadata: Any) -> dict[str, Any]:
    synced = {"automated": {"prune": True, "selfHeal": True}, "syncOptions": ["CreateNamespace=true"]}
    return {"syncPolicy": {**synced, **metadata}}


def _kustomization(text: str = "resources: [one.yaml]\n") -> dict[str, str]:
    return {"manifests/kustomization.yaml": text, **ONE}


D, W, L, S, F = Answer.DEPLOYS, Answer.WARNS, Answer.LESS, Answer.STAYS, Answer.FAILS

DIRECTORIES = (
    Case("as-it-should-be", D, files=ONE),
    Case(
        "json-list",
        F,
        'Failed to unmarshal "list.json": json: cannot unmarshal array',
        files={"manifests/list.json": '[{"apiVersion": "v1", "kind": "ConfigMap"}]\n', **ONE},
        rules=("directory-document",),
    ),
    Case(
        "yaml-list",
        L,
        files={"manifests/list.yaml": "- apiVersion: v1\n  kind: ConfigMap\n", **ONE},
        unlike="Without `metadata:` in it, it is no more a manifest than any other file of YAML.",
    ),
    Case(
        "yaml-list-of-manifests",
        F,
        'Failed to unmarshal "list.yaml"',
        files={"manifests/list.yaml": "- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: x}\n", **ONE},
        rules=("directory-document",),
    ),
    Case("yaml-list-plain", D, files={"manifests/list.yaml": "- one\n- two\n", **ONE}),
    Case("yaml-scalar", D, files={"manifests/text.yaml": "just text\n", **ONE}),
    Case(
        "yaml-broken",
        D,
        files={"manifests/broken.yaml": "a: [b\n", **ONE},
        rules=("yaml-syntax",),
        unlike="What is no YAML is a mistake wherever it is.",
    ),
    Case(
        "yaml-broken-manifest",
        F,
        'Failed to unmarshal "broken.yaml"',
        files={"manifests/broken.yaml": "apiVersion: v1\nkind: X\nmetadata: [\n", **ONE},
        rules=("yaml-syntax",),
    ),
    Case(
        "json-broken",
        F,
        'Failed to unmarshal "broken.json"',
        files={"manifests/broken.json": "{", **ONE},
        rules=("json-syntax",),
    ),
    Case(
        "jsonnet-broken",
        F,
        'Failed to evaluate jsonnet "broken.jsonnet"',
        files={"manifests/broken.jsonnet": "{ apiVersion: \n", **ONE},
        rules=("jsonnet-evaluate",),
    ),
    Case(
        "jsonnet-scalar",
        F,
        'Failed to unmarshal generated json "text.jsonnet"',
        files={"manifests/text.jsonnet": '"text"\n', **ONE},
        rules=("jsonnet-evaluate",),
    ),
    Case(
        "include-nothing",
        L,
        files=ONE,
        source={"directory": {"include": "nothing*.yaml"}},
        rules=("renders-nothing",),
    ),
    Case(
        "include-broken",
        L,
        files=ONE,
        source={"directory": {"include": "[a"}},
        rules=("directory-glob-invalid",),
    ),
    Case("exclude-broken", D, files=ONE, source={"directory": {"exclude": "{a"}}),
    Case(
        "empty-folder",
        L,
        files={"manifests/README.md": "Nothing yet.\n"},
        rules=("renders-nothing",),
    ),
    Case(
        "stray-chart",
        L,
        files={"manifests/Chart.yaml": "apiVersion: v2\nname: stray\nversion: 1.0.0\n", **ONE},
        rules=("helm-advice", "renders-nothing"),
    ),
    Case(
        "stray-kustomization",
        L,
        files=_kustomization("resources: []\n"),
        rules=("renders-nothing",),
    ),
    Case(
        "no-kind",
        L,
        files={"manifests/none.yaml": "apiVersion: v1\nmetadata: {name: none}\n", **ONE},
        rules=("manifests-left-out",),
    ),
    Case(
        "no-api-version",
        F,
        "groupVersion shouldn't be empty",
        files={"manifests/none.yaml": "kind: ConfigMap\nmetadata: {name: none}\n", **ONE},
        rules=("directory-document",),
    ),
    Case(
        "no-name",
        F,
        "resource name may not be empty",
        files={"manifests/none.yaml": "apiVersion: v1\nkind: ConfigMap\ndata: {a: b}\n", **ONE},
        rules=("kubernetes-value",),
    ),
    Case(
        "generate-name",
        F,
        "cannot use generate name with apply",
        files={"manifests/pod.yaml": _GENERATED % "labels: {a: b}"},
        rules=("generate-name",),
    ),
    Case(
        "generate-name-hook",
        D,
        files={
            **ONE,
            "manifests/pod.yaml": _GENERATED % "annotations: {argocd.argoproj.io/hook: PostSync}",
        },
    ),
    Case(
        "duplicates",
        W,
        "RepeatedResourceWarning: Resource /ConfigMap/duplicates/settings appeared 2 times",
        files={"manifests/again.yaml": config_map(data="y"), **ONE},
        rules=("kubernetes-schema", "resource-twice"),
        unlike="Which of the two is applied, nobody can know.",
    ),
    Case(
        "big-config-map",
        F,
        "metadata.annotations: Too long: may not be more than 262144 bytes",
        files={"manifests/big.yaml": config_map(data="x" * 262_200)},
        rules=("object-too-large",),
    ),
    Case("big-config-map-at-the-edge", D, files={"manifests/big.yaml": config_map(data="x" * 261_500)}),
    Case(
        "big-config-map-server-side",
        D,
        files={"manifests/big.yaml": config_map(data="x" * 262_200)},
        spec=_with(syncOptions=["CreateNamespace=true", "ServerSideApply=true"]),
    ),
    Case(
        "annotation-key",
        F,
        'metadata.annotations: Invalid value: "not a key"',
        files={"manifests/one.yaml": config_map(annotations={"not a key": "x"})},
        rules=("kubernetes-schema",),
    ),
    Case(
        "label-value",
        F,
        'metadata.labels: Invalid value: "a b"',
        files={"manifests/one.yaml": config_map(labels={"team": "a b"})},
        rules=("kubernetes-schema",),
    ),
    Case(
        "annotation-number",
        F,
        "failed to set app instance tracking info on manifest",
        files={"manifests/one.yaml": config_map(annotations={"count": 5})},
        rules=("kubernetes-schema",),
    ),
    Case(
        "label-boolean",
        F,
        "cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels",
        files={"manifests/one.yaml": config_map(labels={"on": True})},
        rules=("kubernetes-schema",),
    ),
    Case(
        "unknown-field",
        S,
        files={"manifests/one.yaml": config_map() + "colour: red\n"},
        rules=("kubernetes-schema",),
    ),
    Case(
        "unknown-kind",
        F,
        'Make sure the "Thing" CRD is installed on the destination cluster',
        files={"manifests/one.yaml": "apiVersion: a.b/v1\nkind: Thing\nmetadata: {name: one}\n"},
        unlike="Its definition may be in the cluster: it is skipped, and counted so.",
    ),
    Case(
        "hook-unknown",
        L,
        files={
            "manifests/one.yaml": config_map(annotations={"argocd.argoproj.io/hook": "postsync"}),
        },
        rules=("hook-unknown",),
    ),
    Case(
        "wave-text",
        D,
        files={
            "manifests/one.yaml": config_map(annotations={"argocd.argoproj.io/sync-wave": "first"}),
        },
        rules=("sync-wave-invalid",),
        unlike="Argo CD takes it for 0.",
    ),
    Case(
        "invalid-for-server",
        F,
        'Service "a" is invalid: [spec.ports[0].port',
        files={
            "manifests/one.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 0}]}\n",
        },
        rules=("kubernetes-schema",),
    ),
    Case(
        "endpoints",
        W,
        "ExcludedResourceWarning: Resource /Endpoints ends is excluded in the settings",
        files={
            "manifests/ends.yaml": "apiVersion: v1\nkind: Endpoints\nmetadata: {name: ends}\nsubsets: []\n",
            **ONE,
        },
        rules=("never-synced",),
    ),
    Case(
        "other-namespace-absent",
        F,
        'namespaces "not-there" not found',
        files={"manifests/one.yaml": config_map(namespace="not-there")},
        unlike="The namespace may be there.",
    ),
)
APPLICATIONS = (
    Case(
        "path-absent",
        F,
        "elsewhere: app path does not exist",
        files=ONE,
        source={"path": "elsewhere"},
        rules=("path-missing",),
    ),
    Case(
        "path-is-file",
        F,
        "manifests/one.yaml: app path is not a directory",
        files=ONE,
        source={"path": "manifests/one.yaml"},
        rules=("path-missing",),
    ),
    Case(
        "jq-broken",
        F,
        "Failed to compare desired state to live state: failed to create diff normalizer",
        files=ONE,
        spec={
            "ignoreDifferences": [{"group": "", "kind": "ConfigMap", "jqPathExpressions": [".data["]}],
        },
        rules=("jq-expression",),
    ),
    Case(
        "json-pointer-broken",
        D,
        files=ONE,
        spec={
            "ignoreDifferences": [{"group": "", "kind": "ConfigMap", "jsonPointers": ["data/key"]}],
        },
        rules=("ignore-differences-incomplete",),
    ),
    Case(
        "v1beta1",
        F,
        'could not find version "v1beta1" of argoproj.io/Application',
        only=True,
        apps=({**application("THENAME", "THEURL"), "apiVersion": "argoproj.io/v1beta1"},),
        files=ONE,
        rules=("argocd-schema",),
    ),
    Case(
        "namespace-label-key",
        F,
        'Namespace namespace-label-key: Namespace "namespace-label-key" is invalid: metadata.labels',
        files=ONE,
        spec=_with(managedNamespaceMetadata={"labels": {"not a key": "x"}}),
        rules=("label-invalid",),
    ),
    Case(
        "namespace-label-value",
        F,
        'metadata.labels: Invalid value: "a b"',
        files=ONE,
        spec=_with(managedNamespaceMetadata={"labels": {"team": "a b"}}),
        rules=("label-invalid",),
    ),
    Case(
        "namespace-annotation-key",
        F,
        "metadata.annotations: Invalid value",
        files=ONE,
        spec=_with(managedNamespaceMetadata={"annotations": {"not a key": "x"}}),
        rules=("label-invalid",),
    ),
    Case(
        "revision-absent",
        F,
        "unable to resolve 'nowhere' to a commit SHA",
        files=ONE,
        source={"targetRevision": "nowhere"},
        rules=("revision-unknown",),
        unlike="It may not have been fetched: a warning.",
    ),
    Case(
        "revision-range",
        F,
        "unable to resolve '1.*' to a commit SHA",
        files=ONE,
        source={"targetRevision": "1.*"},
        rules=("revision-unknown",),
        unlike="The tag may not have been fetched: a warning.",
    ),
    Case("revision-refs-heads", D, files=ONE, source={"targetRevision": "refs/heads/main"}),
    Case("revision-head", D, files=ONE, source={"targetRevision": "HEAD"}),
    Case(
        "revision-short",
        F,
        "couldn't find remote ref abcdef1",
        files=ONE,
        source={"targetRevision": "abcdef1"},
        unlike="Which commits there are, only the host knows.",
    ),
    Case(
        "repository-absent",
        F,
        "failed to list refs: repository not found",
        files=ONE,
        source={"repoURL": "THEURL-not.git"},
        rules=("repository-foreign",),
        unlike="Which repositories there are, only the host knows: a warning, as its paths exist here.",
    ),
    Case(
        "repository-refuses",
        F,
        "connect: connection refused",
        files=ONE,
        source={"repoURL": "http://127.0.0.1:1/gitops.git"},
        rules=("repository-foreign",),
        unlike="No host is asked: a warning, as its paths exist here.",
    ),
    Case(
        "repository-unknown-host",
        F,
        "failed to list refs: ",
        files=ONE,
        source={"repoURL": "https://nowhere.invalid/gitops.git"},
        rules=("repository-foreign",),
        unlike="No host is asked: a warning, as its paths exist here.",
    ),
    Case(
        "repository-over-ssh",
        F,
        "failed to list refs: error creating SSH agent",
        files=ONE,
        source={"repoURL": "git@127.0.0.1:gitops.git"},
        rules=("repository-foreign",),
        unlike="Which credentials Argo CD has, Git does not say: a warning, as its paths exist here.",
    ),
    Case(
        "chart-repository-refuses",
        F,
        "is not a valid chart repository or cannot be reached",
        files=ONE,
        source={"repoURL": "http://127.0.0.1:1/charts", "path": "", "chart": "small", "targetRevision": "1.0.0"},
        unlike="No host is asked: the chart is skipped.",
    ),
    Case(
        "chart-of-oci-refuses",
        F,
        "invalid chart URL format: 127.0.0.1:1/charts",
        files=ONE,
        source={"repoURL": "127.0.0.1:1/charts", "path": "", "chart": "small", "targetRevision": "1.0.0"},
        unlike="No host is asked: the chart is skipped.",
    ),
    Case(
        "project-absent",
        F,
        "InvalidSpecError: Application referencing project nobody which does not exist",
        files=ONE,
        spec={"project": "nobody"},
        rules=("project-unknown",),
        unlike="The project may be in the cluster: a warning.",
    ),
    Case(
        "project-scoped-clusters",
        F,
        "do not match any of the allowed destinations in project 'project-scoped-clusters'",
        files=ONE,
        spec={"project": "THENAME"},
        apps=(project(permitOnlyProjectScopedClusters=True),),
        rules=("project-denies-destination",),
    ),
    Case(
        "window-negative",
        S,
        files=ONE,
        spec={"project": "THENAME"},
        apps=(
            project(syncWindows=[{"kind": "allow", "schedule": "* * * * *", "duration": "-1h", "applications": ["*"]}]),
        ),
        rules=("sync-window-invalid",),
    ),
    Case(
        "window-closed",
        S,
        files=ONE,
        spec={"project": "THENAME"},
        apps=(
            project(syncWindows=[{"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]}]),
        ),
        unlike="It may be meant.",
    ),
    Case(
        "window-broken",
        S,
        files=ONE,
        spec={"project": "THENAME"},
        apps=(project(syncWindows=[{"kind": "allow", "schedule": "* * *", "duration": "1h", "applications": ["*"]}]),),
        rules=("sync-window-invalid",),
    ),
    Case(
        "kind-denied",
        F,
        "resource :ConfigMap is not permitted in project kind-denied",
        files=ONE,
        spec={"project": "THENAME"},
        apps=(project(namespaceResourceBlacklist=[{"group": "", "kind": "ConfigMap"}]),),
        rules=("project-denies-kind",),
    ),
    Case(
        "namespace-denied",
        F,
        "do not match any of the allowed destinations in project 'namespace-denied'",
        files=ONE,
        spec={"project": "THENAME"},
        apps=(project(destinations=[{"server": "*", "namespace": "other"}]),),
        rules=("project-denies-destination",),
    ),
    Case(
        "namespace-kind-denied",
        F,
        "resource :Namespace is not permitted in project namespace-kind-denied",
        files=ONE,
        spec={"project": "THENAME"},
        apps=(project(clusterResourceWhitelist=[]),),
        rules=("project-denies-kind",),
    ),
    Case(
        "repository-denied",
        F,
        "repository-denied.git is not permitted in project 'repository-denied'",
        files=ONE,
        spec={"project": "THENAME"},
        apps=(project(sourceRepos=["https://example.com/*"]),),
        rules=("project-denies-source",),
    ),
    Case(
        "destination-twice",
        F,
        "application destination can't have both name and server defined",
        files=ONE,
        spec={"destination": {"server": SERVER, "name": "in-cluster"}},
        rules=("destination-ambiguous",),
    ),
    Case(
        "destination-unknown-name",
        F,
        "there are no clusters with this name: nowhere",
        files=ONE,
        spec={"destination": {"name": "nowhere", "namespace": "THENAME"}},
        unlike="Which clusters are registered, Git says only where they are declared.",
    ),
    Case(
        "destination-unknown-server",
        F,
        'cluster "https://nowhere.example.com" not found',
        files=ONE,
        spec={"destination": {"server": "https://nowhere.example.com", "namespace": "THENAME"}},
        unlike="Which clusters are registered, Git says only where they are declared.",
    ),
    Case("destination-slash", D, files=ONE, spec={"destination": {"server": f"{SERVER}/", "namespace": "THENAME"}}),
    Case(
        "no-source",
        F,
        "spec.source.repoURL and either spec.source.path or spec.source.chart are required",
        files=ONE,
        spec={"source": None},
        rules=("source-missing",),
    ),
    Case(
        "sources-empty",
        F,
        "spec.source.repoURL and either spec.source.path or spec.source.chart are required",
        files=ONE,
        spec={"source": None, "sources": []},
        rules=("source-missing",),
    ),
    Case(
        "path-and-chart",
        F,
        "error loading repo index",
        files=ONE,
        source={"chart": "small"},
        unlike="Argo CD takes the chart alone, which is skipped.",
    ),
    Case(
        "kinds-mixed",
        F,
        "multiple application sources defined: ",
        files=CHART,
        source={"path": "chart", "helm": {"releaseName": "x"}, "kustomize": {"namePrefix": "x-"}},
        rules=("source-kinds-mixed",),
    ),
    Case(
        "ref-and-path",
        D,
        files=ONE,
        spec={
            "source": None,
            "sources": [
                {"repoURL": "THEURL", "targetRevision": "main", "path": "manifests", "ref": "values"},
            ],
        },
    ),
    Case(
        "ref-invalid",
        F,
        "cannot contain any special characters except '_' and '-'",
        files=ONE,
        spec={
            "source": None,
            "sources": [
                {"repoURL": "THEURL", "targetRevision": "main", "path": "manifests", "ref": "the values"},
            ],
        },
        rules=("ref-invalid",),
    ),
    Case(
        "ref-unknown",
        F,
        "source referenced \"$other\", but no source has a 'ref' field defined",
        files=CHART,
        spec={
            "source": None,
            "sources": [
                {
                    "repoURL": "THEURL",
                    "targetRevision": "main",
                    "path": "chart",
                    "helm": {"valueFiles": ["$other/x.yaml"]},
                },
            ],
        },
        rules=("value-file-missing",),
    ),
    Case(
        "sync-option-misspelt",
        F,
        'namespaces "sync-option-misspelt" not found',
        files=ONE,
        spec={"syncPolicy": {"automated": {}, "syncOptions": ["CreateNamespace=True"]}},
        rules=("sync-option-unknown",),
    ),
    Case(
        "sync-option-unknown",
        D,
        files=ONE,
        spec=_with(syncOptions=["CreateNamespace=true", "ApplyOutOfSync=true"]),
        rules=("sync-option-unknown",),
        unlike="Argo CD does not know it, and does nothing.",
    ),
    Case(
        "automated-null",
        S,
        files=ONE,
        spec={"syncPolicy": {"automated": None}},
        rules=("automated-empty",),
    ),
    Case(
        "retry-broken",
        D,
        files=ONE,
        spec=_with(retry={"limit": 2, "backoff": {"duration": "soon"}}),
        rules=("retry-invalid",),
        unlike="Argo CD reads it once a sync has failed.",
    ),
    Case(
        "unknown-field-of-application",
        S,
        files=ONE,
        spec={"colour": "red"},
        rules=("argocd-schema",),
    ),
    Case(
        "wrong-type-in-application",
        F,
        "spec.revisionHistoryLimit in body must be of type integer",
        files=ONE,
        spec={"revisionHistoryLimit": "five"},
        rules=("argocd-schema",),
    ),
    Case("finalizer-unknown", D, files=ONE, metadata={"finalizers": ["resources"]}),
    Case(
        "application-name-invalid",
        F,
        "a lowercase RFC 1123 subdomain must consist of",
        only=True,
        files=ONE,
        apps=(application("THENAME_x", "THEURL"),),
        rules=("name-invalid",),
    ),
)
ENGINES = (
    Case("chart-as-it-should-be", D, files=CHART, source=OF_CHART),
    Case(
        "helm-version-v2",
        F,
        "helm version 'v2' is not supported",
        files=CHART,
        source=_helm(version="v2"),
        rules=("tool-version-invalid",),
    ),
    Case("helm-version-v3", D, files=CHART, source=_helm(version="v3")),
    Case("helm-version-v4", D, files=CHART, source=_helm(version="v4")),
    Case(
        "helm-kube-version-text",
        F,
        "could not parse kubernetes version newest",
        files=CHART,
        source=_helm(kubeVersion="newest"),
        rules=("tool-version-invalid",),
    ),
    Case("helm-kube-version", D, files=CHART, source=_helm(kubeVersion="1.30")),
    Case(
        "kustomize-kube-version-text",
        F,
        "could not parse kubernetes version newest",
        files=_kustomization(),
        source={"kustomize": {"kubeVersion": "newest"}},
        rules=("tool-version-invalid",),
    ),
    Case(
        "kustomize-version",
        F,
        "kustomize version v4.5.7 is not registered",
        files=_kustomization(),
        source={"kustomize": {"version": "v4.5.7"}},
        unlike="Which versions are registered, an argocd-cm says that is not in this repository.",
    ),
    Case(
        "kustomize-broken",
        F,
        "`kustomize build <path to cached source>/manifests` failed exit status 1",
        files=_kustomization("resources: [two.yaml]\n"),
        rules=("kustomize-build",),
    ),
    Case(
        "dependency-absent",
        F,
        "error building helm chart dependencies",
        source=OF_CHART,
        files=chart(
            config_map(),
            more="dependencies: [{name: sub, version: 1.0.0, repository: 'http://127.0.0.1:1/charts'}]\n",
        ),
        unlike="No host is asked: the chart is skipped.",
    ),
    Case(
        "dependency-vendored",
        D,
        source=OF_CHART,
        files=chart(
            config_map(),
            more="dependencies: [{name: sub, version: 1.0.0, repository: 'http://127.0.0.1:1/charts'}]\n",
            **{
                "chart/charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
                "chart/charts/sub/templates/sub.yaml": config_map("sub"),
            },
        ),
    ),
    Case(
        "dependency-in-file",
        D,
        source=OF_CHART,
        files=chart(
            config_map(),
            more="dependencies: [{name: sub, version: 1.0.0, repository: 'file://../sub'}]\n",
            **{
                "sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
                "sub/templates/sub.yaml": config_map("sub"),
            },
        ),
    ),
    Case(
        "capabilities-kind",
        D,
        source=OF_CHART,
        files=chart(
            '{{ if not (.Capabilities.APIVersions.Has "apps/v1/Deployment") }}{{ fail "no" }}{{ end }}\n'
            + config_map(),
        ),
    ),
    Case(
        "capabilities-version",
        D,
        source=OF_CHART,
        files=chart(
            '{{ if not (.Capabilities.APIVersions.Has "argoproj.io/v1alpha1") }}{{ fail "no" }}{{ end }}\n'
            + config_map(),
        ),
    ),
    Case(
        "schema-broken",
        F,
        "values don't meet the specifications of the schema(s)",
        source=OF_CHART,
        files=chart(
            config_map(),
            "size: big\n",
            **{"chart/values.schema.json": '{"properties": {"size": {"type": "integer"}}}\n'},
        ),
        rules=("helm-render",),
    ),
    Case(
        "schema-skipped",
        D,
        source=_helm(skipSchemaValidation=True),
        files=chart(
            config_map(),
            "size: big\n",
            **{"chart/values.schema.json": '{"properties": {"size": {"type": "integer"}}}\n'},
        ),
    ),
    Case(
        "values-of-single-source",
        D,
        source=_helm(valueFiles=["$values/environments/dev.yaml"]),
        files=chart(
            config_map(data="{{ required `none` .Values.colour }}"),
            **{"environments/dev.yaml": "colour: red\n"},
        ),
        rules=("ref-of-single-source",),
    ),
    Case(
        "values-absent",
        F,
        "dev.yaml: no such file or directory",
        source=_helm(valueFiles=["dev.yaml"]),
        files=CHART,
        rules=("value-file-missing",),
    ),
    Case(
        "values-invalid",
        F,
        "cannot unmarshal yaml document",
        source=_helm(values="a: [\n"),
        files=CHART,
        rules=("helm-render",),
    ),
    Case(
        "helm-null-removes",
        F,
        "still there",
        source=_helm(valuesObject={"a": {"b": None}}),
        files=chart(
            '{{ if hasKey .Values.a "b" }}{{ fail "still there" }}{{ end }}\n' + config_map(),
            "a: {b: 1, c: 2}\n",
        ),
        rules=("helm-render",),
    ),
    Case(
        "helm-null-in-values",
        D,
        source=_helm(values="a: {b: null}\n"),
        files=chart(
            '{{ if hasKey .Values.a "b" }}{{ fail "still there" }}{{ end }}\n' + config_map(),
            "a: {b: 1, c: 2}\n",
        ),
    ),
    Case(
        "helm-null-default",
        D,
        source=OF_CHART,
        files=chart(
            '{{ if hasKey .Values.a "b" }}{{ fail "kept" }}{{ end }}\n' + config_map(),
            "a: {b: null, c: 2}\n",
        ),
    ),
    Case(
        "skip-crds",
        D,
        source=_helm(skipCrds=True),
        files=chart(
            config_map(),
            **{"chart/crds/crd.yaml": "apiVersion: nobody.example.com/v1\nkind: Nobody\nmetadata: {name: nobody}\n"},
        ),
        rules=("helm-lint",),
    ),
    Case(
        "crds-not-skipped",
        F,
        'Make sure the "Nobody" CRD is installed',
        source=OF_CHART,
        files=chart(
            config_map(),
            **{"chart/crds/crd.yaml": "apiVersion: nobody.example.com/v1\nkind: Nobody\nmetadata: {name: nobody}\n"},
        ),
        rules=("helm-lint",),
        unlike="Its definition may be in the cluster.",
    ),
    Case(
        "skip-tests",
        D,
        source=_helm(skipTests=True),
        files=chart(
            config_map(),
            **{"chart/templates/tests/test.yaml": _TEST},
        ),
    ),
    Case(
        "helm-test-left",
        D,
        source=OF_CHART,
        files=chart(
            config_map(),
            **{"chart/templates/tests/test.yaml": _TEST},
        ),
    ),
    Case(
        "chart-renders-nothing",
        L,
        source=OF_CHART,
        files=chart("{{ if false }}\n" + config_map() + "{{ end }}\n"),
        unlike="A chart whose values switch off all that it has is left alone.",
    ),
    Case(
        "chart-renders-list",
        F,
        "YAML parse error on small/templates/one.yaml",
        source=OF_CHART,
        files=chart("- one\n- two\n"),
        rules=("rendered-yaml", "helm-lint"),
    ),
    Case(
        "chart-renders-no-kind",
        F,
        "Object 'Kind' is missing in",
        source=OF_CHART,
        files=chart("apiVersion: v1\nmetadata: {name: x}\n"),
        rules=("rendered-yaml",),
    ),
    Case(
        "chart-kube-version",
        F,
        "chart requires kubeVersion: >=2.0.0 which is incompatible with Kubernetes",
        source=OF_CHART,
        files=chart(config_map(), more="kubeVersion: '>=2.0.0'\n"),
        rules=("render-differs",),
        unlike="Which version the cluster has, Git does not say: a warning.",
    ),
    Case(
        "chart-template-fails",
        F,
        "no colour",
        source=OF_CHART,
        files=chart('{{ fail "no colour" }}\n'),
        rules=("helm-render",),
    ),
)
SETS = (
    Case("set-as-it-should-be", D, only=True, files=ONE, apps=(application_set(),)),
    Case(
        "patch-wrong-type",
        F,
        "cannot unmarshal string into Go struct field ApplicationSpec.spec.revisionHistoryLimit of type int64",
        only=True,
        files=ONE,
        apps=(
            application_set(
                templatePatch="spec: {revisionHistoryLimit: five}\n",
            ),
        ),
        rules=("patch-invalid",),
    ),
    Case(
        "patch-unknown-field",
        D,
        only=True,
        files=ONE,
        apps=(
            application_set(
                templatePatch="spec: {colour: red}\n",
            ),
        ),
        rules=("patch-invalid",),
        unlike="Argo CD drops it, so that it does nothing.",
    ),
    Case(
        "patch-not-yaml",
        F,
        "error while converting template to json",
        only=True,
        files=ONE,
        apps=(application_set(templatePatch="spec: [\n"),),
        rules=("applicationset-template",),
    ),
    Case(
        "patch-template-fails",
        F,
        "error replacing values in templatePatch",
        only=True,
        files=ONE,
        apps=(
            application_set(
                templatePatch="{{ .nothing.there }}\n",
                goTemplateOptions=["missingkey=error"],
            ),
        ),
        rules=("applicationset-template",),
    ),
    Case(
        "strategy-without-steps",
        D,
        only=True,
        files=ONE,
        apps=(
            application_set(
                strategy={"type": "RollingSync"},
            ),
        ),
        rules=("rollout-ignored",),
        unlike="Argo CD syncs all at once.",
    ),
    Case(
        "strategy-unknown",
        D,
        only=True,
        files=ONE,
        apps=(application_set(strategy={"type": "Rolling"}),),
        rules=("rollout-ignored",),
        unlike="Argo CD syncs all at once.",
    ),
    Case(
        "missing-key",
        F,
        'map has no entry for key "nothing"',
        only=True,
        files=ONE,
        apps=(
            application_set(
                {"metadata": {"name": "{{ .nothing }}"}},
                goTemplateOptions=["missingkey=error"],
            ),
        ),
        rules=("applicationset-template",),
    ),
    Case(
        "set-twice-same-name",
        F,
        "contains applications with duplicate name: set-twice-same-name",
        only=True,
        files=ONE,
        apps=(
            application_set(
                generators=[{"list": {"elements": [{"env": "dev"}, {"env": "prod"}]}}],
            ),
        ),
        rules=("applicationset-duplicate",),
    ),
    Case(
        "set-of-nothing",
        L,
        only=True,
        files=ONE,
        apps=(
            application_set(
                generators=[{"git": {"repoURL": "THEURL", "revision": "main", "directories": [{"path": "nowhere/*"}]}}],
            ),
        ),
        rules=("applicationset-empty",),
    ),
    Case(
        "set-project-absent",
        F,
        "application references project nobody which does not exist",
        only=True,
        files=ONE,
        apps=(
            application_set(
                {"spec": {**application("THENAME", "THEURL")["spec"], "project": "nobody"}},
            ),
        ),
        rules=("project-unknown",),
        unlike="The project may be in the cluster: a warning.",
    ),
    Case(
        "set-destination-absent",
        F,
        "there are no clusters with this name: nowhere",
        only=True,
        files=ONE,
        apps=(
            application_set(
                {
                    "spec": {
                        **application("THENAME", "THEURL")["spec"],
                        "destination": {"name": "nowhere", "namespace": "x"},
                    }
                },
            ),
        ),
        unlike="Which clusters are registered, Git says only where they are declared.",
    ),
    Case(
        "matrix-of-one",
        F,
        "found less than two generators, Matrix support only two",
        only=True,
        files=ONE,
        apps=(
            application_set(
                generators=[{"matrix": {"generators": [{"list": {"elements": [{"env": "dev"}]}}]}}],
            ),
        ),
        rules=("applicationset-generator", "matrix-children"),
    ),
    Case(
        "set-generator-empty",
        L,
        only=True,
        files=ONE,
        apps=(application_set(generators=[{}]),),
        rules=("applicationset-generator",),
    ),
)
ALL = (*DIRECTORIES, *APPLICATIONS, *ENGINES, *SETS)
