from __future__ import annotations

import functools
import http.server
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.errors import ArgosyError, UsageError
from argosy.schemas import builtin_kinds, bundled, files
from argosy.schemas.locations import SchemaLocation
from argosy.schemas.schema import Unserved
from argosy.schemas.store import SchemaStore, versions, without_nulls

STORE = SchemaStore("1.37")


def deployment(**pod: Any) -> dict[str, Any]:
    container = {"name": "web", "image": "nginx:1.29"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container | pod]}},
        },
    }


def application(**spec: Any) -> dict[str, Any]:
    source = {"repoURL": "https://github.com/acme/gitops.git", "path": "apps/web", "targetRevision": "main"}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "web-dev"},
        "spec": {"project": "dev", "destination": {"server": "https://x"}, "source": source} | spec,
    }


def application_set(*generators: Any, **spec: Any) -> dict[str, Any]:
    template = {"metadata": {"name": "{{ .name }}"}, "spec": application()["spec"]}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "metadata": {"name": "apps"},
        "spec": {"generators": list(generators), "template": template} | spec,
    }


def messages(manifest: dict[str, Any], store: SchemaStore = STORE) -> list[str]:
    schema = store.for_manifest(manifest["apiVersion"], manifest["kind"])
    assert schema is not None
    return [violation.message for violation in schema.violations(without_nulls(manifest))]


def test_versions_go_from_the_oldest_to_the_newest() -> None:
    assert versions()[0] == "1.25"
    assert versions()[-1] == "1.37"
    assert SchemaStore("v1.30.2").kubernetes_version == "1.30"
    with pytest.raises(UsageError, match=r"1\.99"):
        SchemaStore("1.99")


@pytest.mark.parametrize("version", ["1.25", "1.31", "1.37"])
def test_every_built_in_kind_compiles(version: str) -> None:
    kubernetes = builtin_kinds.kubernetes(version)
    assert len(kubernetes.kinds) > 100
    groups = {api_version.rpartition("/")[0] for api_version, _ in kubernetes.kinds}
    assert groups <= builtin_kinds.BUILT_IN_GROUPS
    for api_version, kind in kubernetes.kinds:
        schema = kubernetes.schema(api_version, kind)
        assert schema is not None
        assert schema.violations({"apiVersion": api_version, "kind": kind, "nonsense": 1}), kind


@pytest.mark.parametrize("name_of_file", ["kubernetes-server.json", "kubernetes-constraints.json"])
def test_every_constraint_is_upon_a_field_that_there_is(name_of_file: str) -> None:
    constraints = json.loads((bundled.FOLDER / name_of_file).read_bytes())["types"]
    raw = json.loads((bundled.KUBERNETES / "1.37.json").read_bytes())["$defs"]
    missing = [
        f"{name}.{field}"
        for name in constraints
        for field in constraints[name]
        if field not in raw[name.partition(".of.")[0]]["properties"]
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("change", "message", "hint"),
    [
        ({"imagePullPolcy": "Always"}, '[0]: unknown field "imagePullPolcy"', "Did you mean “imagePullPolicy”?"),
        (
            {"imagePullPolicy": "always"},
            '.imagePullPolicy: "always" is not allowed; use one of Always, IfNotPresent',
            "Did you mean “Always”?",
        ),
        ({"image": 1}, ".image: must be text, not 1", 'Put it in quotes: "1".'),
        (
            {"ports": [{"containerPort": "80"}]},
            'containerPort: must be an integer, not the text "80"',
            "Write 80 without quotes.",
        ),
        ({"ports": [{"containerPort": 80000}]}, "containerPort: must be at most 65535, not 80000", ""),
        ({"ports": [{}]}, 'ports[0]: the required field "containerPort" is missing', ""),
        (
            {"resources": {"limits": {"memory": "512MB"}}},
            'limits.memory: must be a quantity such as 500m, 128Mi or 2Gi, not "512MB"',
            "",
        ),
        ({"resources": {"limits": {"cpu": True}}}, "limits.cpu: must be text or a number, not true", ""),
        (
            {"livenessProbe": {"httpGet": {"port": 0}}},
            "httpGet.port: must be a port from 1 to 65535, or a port's name, not 0",
            "",
        ),
        ({"stdin": "true"}, '.stdin: must be true or false, not the text "true"', "Write true without quotes."),
        ({"args": [7, None]}, ".args[0]: must be text, not 7", 'Put it in quotes: "7".'),
        ({"name": "Web"}, ".name: must be made of lower-case letters", ""),
    ],
)
def test_a_built_in_kind_is_explained(change: dict[str, Any], message: str, hint: str) -> None:
    schema = STORE.for_manifest("apps/v1", "Deployment")
    assert schema is not None
    assert schema.violations(deployment()) == []
    (violation,) = schema.violations(deployment(**change))
    assert message in violation.message
    assert violation.message.startswith("spec.template.spec.containers[0]")
    assert violation.hint == hint


def test_every_error_is_reported_with_its_place() -> None:
    manifest = deployment()
    manifest["spec"] |= {"replicas": "three", "strategy": {"type": "Rolling"}, "foo": 1}
    del manifest["spec"]["selector"]
    schema = STORE.for_manifest("apps/v1", "Deployment")
    assert schema is not None
    found = {violation.at: violation.message for violation in schema.violations(manifest)}
    assert found == {
        ("spec",): 'spec: the required field "selector" is missing',
        ("spec", "replicas"): 'spec.replicas: must be an integer, not the text "three"',
        (
            "spec",
            "strategy",
            "type",
        ): 'spec.strategy.type: "Rolling" is not allowed; use one of Recreate, RollingUpdate',
        ("spec", "foo"): 'spec: unknown field "foo"',
    }


def test_nulls_are_dropped_as_an_api_server_drops_them() -> None:
    manifest = deployment(resources=None)
    manifest["metadata"] = {"generateName": "web-", "labels": None, "creationTimestamp": None}
    manifest["status"] = None
    assert messages(manifest) == []
    assert without_nulls({"a": None, "b": [None, {"c": None}]}) == {"b": [None, {}]}


@pytest.mark.parametrize(
    ("api_version", "kind", "message", "hint"),
    [
        ("batch/v1beta1", "CronJob", '"batch/v1beta1" of CronJob is not served by Kubernetes 1.37', "Use batch/v1."),
        ("extensions/v1beta1", "Ingress", "not served", "Use networking.k8s.io/v1."),
        ("policy/v1beta1", "PodDisruptionBudget", "not served", "Use policy/v1."),
        ("autoscaling/v2beta2", "HorizontalPodAutoscaler", "not served", "Use autoscaling/v2."),
        ("argoproj.io/v1beta1", "Application", "is not served by Argo CD", "Use argoproj.io/v1alpha1."),
        ("argoproj.io/v1", "AppProject", '"argoproj.io/v1" of AppProject is not served', "Use argoproj.io/v1alpha1."),
        ("policy/v1beta1", "PodSecurityPolicy", '"policy/v1beta1" is not served', "has no kind PodSecurityPolicy"),
        ("apps/v1", "Deploymnet", 'has no kind "Deploymnet" in apps/v1', "Did you mean “Deployment”?"),
        ("v1", "Deployment", '"v1" of Deployment', "Use apps/v1."),
    ],
)
def test_a_kind_that_cannot_exist_is_said(api_version: str, kind: str, message: str, hint: str) -> None:
    schema = STORE.for_manifest(api_version, kind)
    assert isinstance(schema, Unserved)
    (violation,) = schema.violations({})
    assert message in violation.message
    assert hint in violation.hint


def test_an_older_version_serves_other_kinds() -> None:
    old = SchemaStore("1.25").for_manifest("autoscaling/v2beta2", "HorizontalPodAutoscaler")
    assert old is not None
    assert not isinstance(old, Unserved)


@pytest.mark.parametrize(
    ("api_version", "kind"), [("acme.io/v1", "Widget"), ("argoproj.io/v1alpha1", "Wrokflow"), ("v1", "List")]
)
def test_a_kind_that_nothing_knows_has_no_schema(api_version: str, kind: str) -> None:
    assert STORE.for_manifest(api_version, kind) is None


GIT = {"git": {"repoURL": "https://x", "revision": "main", "directories": [{"path": "apps/*"}]}}
LIST = {"list": {"elements": [{"name": "dev"}]}}


@pytest.mark.parametrize(
    "manifest",
    [
        application(),
        application(syncPolicy={"automated": {"enabled": True}, "retry": {"limit": 3, "backoff": {"factor": 2}}}),
        application(
            sourceHydrator={
                "drySource": {"repoURL": "https://x", "path": "a", "targetRevision": "main"},
                "syncSource": {"targetBranch": "env/dev", "path": "dev"},
            }
        ),
        application_set(GIT, goTemplate=True, goTemplateOptions=["missingkey=error"]),
        application_set(
            {"matrix": {"generators": [GIT, {"merge": {"generators": [LIST, LIST], "mergeKeys": ["name"]}}]}}
        ),
        application_set({"clusters": {"selector": {"matchLabels": {"env": "{{ .env }}"}}}}),
    ],
)
def test_argo_cds_kinds_pass(manifest: dict[str, Any]) -> None:
    assert messages(manifest) == []


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (application(sourse={}), 'spec: unknown field "sourse"'),
        ({**application(), "metadata": {"annotations": {"a b": ""}}}, 'metadata.annotations: the name "a b" is not'),
        (application(project=None), 'spec: the required field "project" is missing'),
        (application(syncPolicy={"automated": {"prune": "{{ .prune }}"}}), "automated.prune: must be true or false"),
        (application(syncPolicy={"syncOptions": "CreateNamespace=true"}), "syncOptions: must be a list"),
        (application(sources=[{"path": "a"}]), 'spec.sources[0]: the required field "repoURL" is missing'),
        (application_set(LIST, syncPolicy={"applicationsSync": "none"}), "use one of create-only"),
        (application_set({}), "spec.generators[0]: set at least one of"),
        (
            application_set({"matrix": {"generators": [GIT, {"matrix": {"generators": [LIST, {"gitt": {}}]}}]}}),
            'matrix.generators[1].matrix.generators[1]: unknown field "gitt"',
        ),
    ],
)
def test_argo_cds_kinds_are_strict(manifest: dict[str, Any], message: str) -> None:
    (found,) = messages(manifest)
    assert message in found


@pytest.mark.parametrize(
    ("api_version", "kind", "spec", "messages_"),
    [
        ("argoproj.io/v1alpha1", "AppProject", {"destinations": [{"server": "*"}], "sourceRepos": ["*"]}, []),
        ("argoproj.io/v1alpha1", "AppProject", {"clusterResourceWhitelist": [{"group": "*"}]}, ["kind"]),
        ("gateway.networking.k8s.io/v1", "HTTPRoute", {"rules": [{"backendRefs": [{"name": "a", "port": 80}]}]}, []),
        ("gateway.networking.k8s.io/v1", "HTTPRoute", {"rules": [{"backendRef": []}]}, ['"backendRef"']),
        ("gateway.networking.k8s.io/v1beta1", "GatewayClass", {"controllerName": "acme"}, ["controllerName"]),
        (
            "monitoring.coreos.com/v1",
            "ServiceMonitor",
            {"selector": {}, "endpoints": [{"interval": "30 s"}]},
            ["interval"],
        ),
        ("monitoring.coreos.com/v1", "PodMonitor", {"selector": {}, "podMetricsEndpoints": [{"portNumber": 1}]}, []),
        (
            "monitoring.coreos.com/v1",
            "PrometheusRule",
            {"groups": [{"name": "a", "rules": [{"expr": 1, "for": "5m"}]}]},
            [],
        ),
        ("external-secrets.io/v1", "ExternalSecret", {"data": [{"secretKey": "a"}]}, ["remoteRef"]),
        (
            "external-secrets.io/v1beta1",
            "SecretStore",
            {"provider": {"fake": {"data": []}, "kubernetes": {}}},
            ["set at most one field"],
        ),
        ("external-secrets.io/v1", "ClusterSecretStore", {"provider": {"vault": {"server": "https://x"}}}, []),
    ],
)
def test_custom_resources_in_common_use(api_version: str, kind: str, spec: Any, messages_: list[str]) -> None:
    found = messages({"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}, "spec": spec})
    assert len(found) == len(messages_)
    assert all(part in message for part, message in zip(messages_, found, strict=True))


@pytest.mark.parametrize(
    ("path", "good", "bad", "message"),
    [
        (
            "environments/dev/environment.yaml",
            {"destination": {"name": "in-cluster"}, "revision": "main", "autoSync": True, "promotesFrom": ""},
            {"destination": {"name": "a", "server": "b"}, "revision": "main", "autoSync": True, "promotesFrom": ""},
            "destination: set at most one of server, name",
        ),
        ("applications/web/application.yaml", {"format": "helm", "team": ""}, {"format": "Helm"}, "use one of helm"),
        (
            "applications/web/application.yaml",
            {
                "format": "helm",
                "promotion": {"promote": ["image", "config.*"], "pinned": [], "ask": ["Deployment:spec"]},
            },
            {"format": "helm", "promotion": {"pin": ["replicaCount"]}},
            'promotion: unknown field "pin"',
        ),
        (
            "applications/web/application.yaml",
            {"format": "helm", "promotion": {}},
            {"format": "helm", "promotion": {"pinned": ["a", "b", "a"]}},
            "promotion.pinned",
        ),
        (
            "applications/web/application.yaml",
            {"format": "helm"},
            {"format": "helm", "promotion": {"ask": [""]}},
            "promotion.ask[0]: must not be empty",
        ),
        (
            "applications/web/application.yaml",
            {"format": "helm"},
            {"format": "helm", "promotion": {"promote": "image"}},
            "promotion.promote: must be a list",
        ),
        (
            ".argosy.yaml",
            {"host": {"kind": "github", "api": "https://git.acme.example/api/v3", "web": "https://git.acme.example"}},
            {"host": {"api": "https://git.acme.example/api/v3"}},
            'host: the required field "kind" is missing',
        ),
        (
            ".argosy.yaml",
            {"host": {"kind": "gitea", "api": "https://git.acme.example:3000/api/v1"}},
            {"host": {"kind": "forgejo"}},
            "use one of github, gitlab, bitbucket, gitea",
        ),
        (
            ".argosy.yaml",
            {"promotion": {"labels": ["promotion", "needs review"]}},
            {"host": {"kind": "gitea", "api": "http://git.acme.example"}},
            "host.api: must be a URL such as https://git.acme.example",
        ),
        (
            ".argosy.yaml",
            {"promotion": {}},
            {"promotion": {"label": "promotion"}},
            'promotion: unknown field "label"',
        ),
        (
            ".copier-answers.yml",
            {"follow_up": True},
            {"follow_up": "yes"},
            "follow_up: must be true or false",
        ),
        (
            ".copier-answers.yml",
            {"_commit": "v1", "kubernetes_version": "1.37"},
            {"kubernetes_version": 1.37},
            "kubernetes_version: must be text, not 1.37",
        ),
        (
            ".argosy.yaml",
            {"ignore": [{"rule": "a", "reason": "b"}]},
            {"ignore": [{"rule": "a", "reason": ""}]},
            "ignore[0].reason: must not be empty",
        ),
        (
            "applications/web/charts/web/Chart.yaml",
            {"apiVersion": "v2", "name": "web", "version": "0.1.0"},
            {"apiVersion": "v2", "name": "web", "version": "one"},
            "version: must be a semantic version",
        ),
        (
            ".pre-commit-config.yaml",
            {"repos": [{"repo": "local", "hooks": [{"id": "a"}]}]},
            {"repos": [{"repo": "https://x", "hooks": [{"id": "a"}]}]},
            'repos[0]: the required field "rev" is missing',
        ),
        ("environments/dev/web/kustomization.yaml", {"resources": ["a.yaml"]}, {"resource": []}, "unknown field"),
        (
            "base/kustomization.yml",
            {"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component"},
            {"images": [{"name": "a", "newTag": 1.2}]},
            "images[0].newTag: must be text, not 1.2",
        ),
        (
            ".github/workflows/ci.yml",
            {True: "push", "jobs": {"a": {"runs-on": "x", "steps": [{"run": "make"}]}}},
            {"on": "push", "jobs": {"a": {"runs-on": "x", "stepps": []}}},
            "stepps",
        ),
        (".gitlab-ci.yml", {"check": {"script": ["make"]}}, {"check": {"script": 1}}, "check.script: must be"),
        (
            "bitbucket-pipelines.yml",
            {"pipelines": {"default": [{"step": {"script": ["make"]}}]}},
            {"pipelines": {"default": [{"stp": 1}]}},
            "pipelines.default[0]",
        ),
        ("renovate.json", {"extends": ["config:recommended"]}, {"extends": 4}, "extends: must be"),
        (".github/dependabot.yml", {"version": 2, "updates": []}, {"version": 2, "update": []}, "update"),
    ],
)
def test_files_that_are_no_manifests(path: str, good: Any, bad: Any, message: str) -> None:
    schema = STORE.for_file(path)
    assert schema is not None
    assert schema.violations(good) == []
    assert any(message in violation.message for violation in schema.violations(bad))


@pytest.mark.parametrize("key", ["on", "true", True])
def test_a_workflows_trigger_may_be_read_as_true(key: Any) -> None:
    schema = STORE.for_file(".github/workflows/ci.yaml")
    assert schema is not None
    jobs = {"a": {"runs-on": "x", "steps": [{"run": "make"}]}}
    assert schema.violations({key: {"push": {"branches": ["main"]}}, "jobs": jobs}) == []
    (violation,) = schema.violations({key: {"push": {"branches": 1}}, "jobs": jobs})
    assert violation.at == (str(key).lower(), "push", "branches")
    assert violation.message == "on.push.branches: must be a list, not 1"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"repo_url": "https://x", "kubernetes_version": 1.37, "environments": ["dev", {"name": "prod"}]}, ""),
        ({"applications": ["web", {"name": "api", "image": "nginx:1", "images": {"dev": {"repository": "x"}}}]}, ""),
        ({"enviroments": []}, 'unknown field "enviroments"'),
        ({"environments": [{"name": "dev", "replicas": "1"}]}, "environments[0].replicas: must be an integer"),
        ({"applications": [{"nam": "web"}]}, 'applications[0]: the required field "name" is missing'),
        ([], "must be a mapping, not a list"),
    ],
)
def test_an_answers_file(data: Any, message: str) -> None:
    found = files.answers().violations(data)
    assert found == [] if not message else any(message in violation.message for violation in found)


def test_a_tools_file_that_is_valid_is_not_judged_again(monkeypatch: pytest.MonkeyPatch) -> None:
    schema = STORE.for_file("renovate.json")
    assert schema is not None
    good, bad = {"extends": ["config:recommended"], "labels": ["judged-once"]}, {"labels": 4}
    assert schema.violations(good) == []
    assert [each.message for _ in range(2) for each in schema.violations(bad)] == ["labels: must be a list, not 4"] * 2
    monkeypatch.setattr(files, "_compiled", lambda name: pytest.fail(f"{name} is compiled again"))
    assert schema.violations(good) == []
    with pytest.raises(pytest.fail.Exception):
        schema.violations({**good, "labels": ["another"]})


def test_every_vendored_schema_compiles_without_the_network() -> None:
    for _, name in files._VENDORED_FILES:
        assert files._vendored_schema(name).violations([]), name
    assert "check_jsonschema" not in sys.modules


@pytest.mark.parametrize("path", ["values.yaml", "environments/dev/web/environment.yaml", "a/.argosy.yaml", ""])
def test_other_files_have_no_schema(path: str) -> None:
    assert STORE.for_file(path) is None


def crd(schema: dict[str, Any], version: str = "v1", **extra: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "spec": {
            "group": "acme.io",
            "names": {"kind": "Widget", "plural": "widgets"},
            "versions": [{"name": version, "served": True, "schema": {"openAPIV3Schema": schema}} | extra],
        },
    }


def widget(spec: Any) -> dict[str, Any]:
    return {"apiVersion": "acme.io/v1", "kind": "Widget", "metadata": {"name": "a"}, "spec": spec}


SPEC = {
    "type": "object",
    "required": ["size", "mode", "note"],
    "properties": {
        "size": {"type": "integer", "minimum": 0, "exclusiveMinimum": True},
        "mode": {"type": "string", "default": "fast", "enum": ["fast", "safe"]},
        "note": {"type": "string", "nullable": True},
        "port": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "name": {"type": "string", "pattern": "(?i)^abc$"},
        "object": {
            "type": "object",
            "x-kubernetes-embedded-resource": True,
            "x-kubernetes-preserve-unknown-fields": True,
        },
    },
}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"size": 1, "port": "http", "free": {"a": 1}, "labels": {"a": "b"}, "name": "ABC"}, ""),
        ({"size": 1, "object": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {}}}, ""),
        ({"size": 1, "sizes": 2}, 'spec: unknown field "sizes"'),
        ({"size": 0}, "spec.size: must be more than 0, not 0"),
        ({"size": 1, "mode": "slow"}, "use one of fast, safe"),
        ({"size": 1, "port": True}, "spec.port: must be an integer or text, not true"),
        ({"size": 1, "labels": {"a": 1}}, "spec.labels.a: must be text"),
        ({"size": 1, "name": "x"}, "does not match the pattern"),
        ({"size": 1, "object": {}}, "spec.object: the required field"),
        ({}, 'spec: the required field "size" is missing'),
    ],
)
def test_a_custom_resource_definition_of_the_repository_is_strict(spec: Any, message: str) -> None:
    store = SchemaStore("1.37", crds=[crd({"type": "object", "properties": {"spec": SPEC}})])
    found = messages(widget(spec), store)
    assert found == [] if not message else any(message in each for each in found)


def test_a_custom_resource_definition_says_which_versions_are_served() -> None:
    store = SchemaStore("1.37", crds=[crd({"type": "object"}, "v2"), crd({"type": "object"}, "v1", served=False)])
    schema = store.for_manifest("acme.io/v1", "Widget")
    assert isinstance(schema, Unserved)
    assert schema.hint == "It serves v2."


def test_of_two_definitions_the_one_that_fits_counts() -> None:
    old, new = (
        {"type": "object", "properties": {"spec": {"type": "object", "properties": {name: {}}}}} for name in "ab"
    )
    store = SchemaStore("1.37", crds=[crd(old), crd(new)])
    assert messages(widget({"b": 1}), store) == []
    assert messages(widget({"c": 1}), store) != []


@pytest.mark.parametrize(
    "broken",
    [{}, {"spec": 1}, {"spec": {"versions": [1, {}]}}, crd({"properties": 1}), crd({"required": [1], "enum": 3})],
)
def test_a_malformed_definition_harms_nothing(broken: dict[str, Any]) -> None:
    SchemaStore("1.37", crds=[broken]).for_manifest("acme.io/v1", "Widget")


WIDGET = {
    "$schema": "http://json-schema.org/schema#",
    "type": "object",
    "properties": {"spec": {"$ref": "_definitions.json#/definitions/spec"}},
}
DEFINITIONS = {"definitions": {"spec": {"additionalProperties": False, "properties": {"size": {"type": "integer"}}}}}


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    folder = tmp_path / "my schemas"
    for name in ("widget-acme-v1.json", "acme.io/widget_v1.json", "v1.37.0-strict/widget.json"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(WIDGET))
        path.with_name("_definitions.json").write_text(json.dumps(DEFINITIONS))
    (folder / "broken-acme-v1.json").write_text("{")
    (folder / "dangling-acme-v1.json").write_text('{"$ref": "nowhere.json"}')
    return folder


@pytest.fixture
def server(schemas: Path) -> Iterator[str]:
    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/down"):
                self.send_error(503)
            elif self.path.startswith("/garbled"):
                self.wfile.write(b"not HTTP\r\n\r\n")
            else:
                super().do_GET()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=schemas)) as served:
        threading.Thread(target=served.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()


TEMPLATES = [
    "",
    "/",
    "/{{ .ResourceKind }}{{ .KindSuffix }}.json",
    "/{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json",
    "/{{ .NormalizedKubernetesVersion }}{{ .StrictSuffix }}/{{ .ResourceKind }}.json",
]


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("scheme", ["path", "file", "http"])
def test_a_schema_location(scheme: str, template: str, schemas: Path, server: str) -> None:
    base = {"path": str(schemas), "file": schemas.as_uri(), "http": server}[scheme]
    store = SchemaStore("1.37", locations=[base + template])
    assert messages(widget({"size": 1}), store) == []
    assert messages(widget({"sise": 1}), store) == ['spec: unknown field "sise"']
    assert store.for_manifest("acme.io/v1", "Gadget") is None
    assert store.for_manifest("../x/v1", "../Widget") is None


def test_a_location_that_fails_is_named(schemas: Path, server: str) -> None:
    with pytest.raises(ArgosyError, match="no such home directory"):
        SchemaStore("1.37", locations=["~nosuch/schemas"])
    none = (f"{server}/down", f"{server}/garbled", "http://127.0.0.1:9")
    for location, kind in (*((each, "Widget") for each in none), (server, "Broken")):
        with pytest.raises(ArgosyError, match=location):
            SchemaStore("1.37", locations=[location]).for_manifest("acme.io/v1", kind)
    with pytest.raises(ArgosyError, match=r"nowhere\.json|dangling"):
        SchemaStore("1.37", locations=[str(schemas)]).for_manifest("acme.io/v1", "Dangling")


@pytest.mark.parametrize("location", ["", "ftp://x", "no/such/folder", "{{ .Colour }}.json"])
def test_a_location_that_cannot_be_meant_is_refused(location: str) -> None:
    with pytest.raises(UsageError):
        SchemaStore("1.37", locations=[location])


@pytest.mark.parametrize("location", ["https://example.com", "file:///etc", "../schemas", "/etc", "link", ".git"])
def test_a_repository_names_no_location_but_its_own(tmp_path: Path, location: str) -> None:
    (tmp_path / "link").symlink_to("/etc")
    with pytest.raises(UsageError, match=r"^The repository.s schema location .* cannot be used") as caught:
        SchemaLocation.parse(location, tmp_path)
    assert "--schema-location" in caught.value.hint


@pytest.mark.parametrize(
    "reference", ["SERVER/widget-acme-v1.json", "file:///etc/passwd", "../secret.json", "link.json"]
)
def test_a_schema_refers_to_nothing_outside_of_its_location(schemas: Path, server: str, reference: str) -> None:
    (schemas.parent / "secret.json").write_text('{"enum": ["sesame"]}')
    (schemas / "link.json").symlink_to(schemas.parent / "secret.json")
    (schemas / "stray-acme-v1.json").write_text(json.dumps({"$ref": reference.replace("SERVER", server)}))
    with pytest.raises(ArgosyError) as caught:
        SchemaStore("1.37", locations=[str(schemas)]).for_manifest("acme.io/v1", "Stray")
    assert "sesame" not in caught.value.message


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers() | st.booleans(), inner, max_size=3)
    ),
    max_leaves=12,
)
FIELDS = st.dictionaries(st.sampled_from(["metadata", "spec", "data", "on", "jobs", "repos", "destination"]), JSON)


@settings(max_examples=60, deadline=None)
@given(data=JSON | FIELDS)
def test_no_data_makes_a_schema_fail(data: Any) -> None:
    kinds = [("v1", "Service"), ("apps/v1", "Deployment"), ("argoproj.io/v1alpha1", "ApplicationSet")]
    found = [STORE.for_manifest(*kind) for kind in kinds]
    found += [STORE.for_file(path) for path in (".github/workflows/a.yml", "Chart.yaml", "kustomization.yaml")]
    for schema in found:
        assert schema is not None
        for violation in schema.violations(without_nulls(data)):
            assert violation.message


def test_data_that_json_does_not_have() -> None:
    deep: Any = {}
    for _ in range(20_000):
        deep = {"a": deep}
    for data in (deep, "\ud800", {"spec": 10**5000}, {"spec": {1: 2}}, {"spec": {(1, 2): b"x"}}):
        schema = STORE.for_manifest("apps/v1", "Deployment")
        assert schema is not None
        assert schema.violations(without_nulls(data))
