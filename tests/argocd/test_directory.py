"""What a directory source takes, the Jsonnet in it above all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from argosy.argocd.build_environment import substituted
from argosy.findings import Severity
from tests.conftest import Argosy, Git
from tests.validating import Validate, counts, rules_of, write_files

URL = "https://git.example.com/acme/gitops.git"
LIBRARY = "{ of(kind, name):: { apiVersion: 'v1', kind: kind, metadata: { name: name } } }\n"


def application(name: str, path: str, **directory: Any) -> str:
    """Return an Application of a directory source, as JSON has it."""
    manifest = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": "argocd"},
        "spec": {
            "project": "default",
            "source": {"repoURL": URL, "targetRevision": "HEAD", "path": path, "directory": directory},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "argocd"},
        },
    }
    return json.dumps(manifest)


SHOP: Mapping[str, str] = {
    "root.json": application("root", "boot"),
    # An Application that Jsonnet gives is one like any other.
    "boot/apps.jsonnet": "local app = import 'app.libsonnet';\n[app('shop', 'shop/config'), null]\n",
    "boot/app.libsonnet": f"""\
function(name, path) {{
  apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', metadata: {{ name: name, namespace: 'argocd' }},
  spec: {{
    project: 'default',
    source: {{
      repoURL: '{URL}', targetRevision: 'HEAD', path: path,
      directory: {{ recurse: true, exclude: 'skip*', jsonnet: {{
        libs: ['lib'], extVars: [{{ name: 'env', value: '${{ARGOCD_APP_NAME}}-x' }}],
        tlas: [{{ name: 'count', value: '1 + 1', code: true }}, {{ name: 'greeting', value: 'hi' }}],
      }} }},
    }},
    destination: {{ server: 'https://kubernetes.default.svc', namespace: 'shop' }},
  }},
}}
""",
    "shop/config/deep/made.jsonnet": "local make = import 'make.libsonnet';\nfunction(count, greeting)\n"
    "  make.of('ConfigMap', std.extVar('env')) { data: { greeting: greeting, count: COUNT } }\n",
    "shop/config/skipped.jsonnet": "{",
    "shop/config/left.jsonnet": "// +argocd:skip-file-rendering\n{",
    "lib/make.libsonnet": LIBRARY,
    "lib/unused.libsonnet": "{",
}


def test_the_jsonnet_of_a_directory_is_evaluated_and_judged(validate: Validate, argosy: Argosy, git: Git) -> None:
    report = validate(
        {**SHOP, "shop/config/deep/made.jsonnet": SHOP["shop/config/deep/made.jsonnet"].replace("COUNT", "count")}
    )
    (wrong,) = (each for each in report.findings if each.severity is Severity.ERROR)
    assert (wrong.path, wrong.rule) == ("shop/config/deep/made.jsonnet", "kubernetes-schema")
    assert "data.count: must be text, not 2" in wrong.message
    assert wrong.application == "shop"
    # The root, what it gives, and what that gives.
    assert counts(report) == {"passed": 2, "failed": 1, "skipped": 0}
    assert report.renders == 2
    good = SHOP["shop/config/deep/made.jsonnet"].replace("COUNT", "'' + count")
    assert rules_of(validate({"shop/config/deep/made.jsonnet": good})) == {"generate-paths-missing"}

    tree = argosy("tree", "--output", "json").out
    assert '"ConfigMap"' in tree
    assert "shop-x" in tree
    assert json.loads(tree)["unresolved"] == []
    for command in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-q", "-m", "Begin")):
        git(Path(), *command)
    write_files(Path(), {"lib/make.libsonnet": LIBRARY.replace("name: name", "name: name, labels: { a: 'b' }")})
    difference = json.loads(argosy("diff", "--output", "json").out)
    assert [each["application"] for each in difference["applications"]] == ["shop"]
    # A library is read by who imports it.
    assert counts(validate({}, paths=[Path("lib/make.libsonnet").resolve()]))["passed"] == 1


def test_a_secret_that_several_files_import_is_one_finding(validate: Validate) -> None:
    secret = (
        "{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'shop', namespace: 'shop' },"
        " stringData: { password: 'hunter2' } }\n"
    )
    found = validate(
        {
            **{f"{each}.json": application(each, each, jsonnet={"libs": ["lib"]}) for each in ("dev", "prod")},
            **{f"{each}.jsonnet": "import 'shop.libsonnet'\n" for each in ("dev/a", "prod/a", "prod/b")},
            "lib/shop.libsonnet": secret,
            # Those that are written out are to be mended one by one.
            **{f"{each}.json": application(each, each) for each in ("lab", "qa")},
            **{f"{each}/a.jsonnet": secret for each in ("lab", "qa")},
        }
    ).findings
    places = [[place.path for place in each.places] for each in found if each.rule == "secret-in-git"]
    assert places == [["dev/a.jsonnet", "prod/a.jsonnet", "prod/b.jsonnet"], ["lab/a.jsonnet"], ["qa/a.jsonnet"]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "{ a: { kind: 'ConfigMap' }, b: 1 }",
            "This evaluates to an object without kind (a, b), which is no manifest.",
        ),
        ("[{ kind: 'Pod' }, [1]]", "This evaluates to a list whose item 1 is a list, which is no manifest."),
        ("std.manifestYamlDoc({})", "This evaluates to a text, which is no manifest."),
        ("{}", "This evaluates to an empty object, which is no manifest."),
        ("{ a: 1", "This is not valid Jsonnet: Expected a comma before next field."),
    ],
)
def test_what_is_no_manifest_is_an_error(validate: Validate, text: str, message: str) -> None:
    report = validate({"root.json": application("root", "boot"), "boot/a.jsonnet": text, "boot/b.jsonnet": "null"})
    (found,) = report.findings
    assert (found.path, found.line, found.rule) == ("boot/a.jsonnet", 1, "jsonnet-evaluate")
    assert found.message == message


def test_a_library_outside_the_repository_is_refused(validate: Validate) -> None:
    root = application("root", "boot", jsonnet={"libs": ["lib", "../lib"]})
    (found,) = validate({"root.json": root, "boot/a.jsonnet": "[]"}).findings
    assert "The library ../lib is outside the repository" in found.message


def test_paths_of_generation_cover_what_is_imported(validate: Validate) -> None:
    def declared(paths: str) -> str:
        manifest = json.loads(application("root", "boot", jsonnet={"libs": ["lib"]}))
        manifest["metadata"]["annotations"] = {"argocd.argoproj.io/manifest-generate-paths": paths}
        return json.dumps(manifest)

    files = {
        "other.json": application("other", "other"),
        "other/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n",
        "boot/a.jsonnet": "(import 'make.libsonnet').of('ConfigMap', 'one')\n",
        "lib/make.libsonnet": LIBRARY,
    }

    def missed(paths: str) -> list[str]:
        found = validate({**files, "root.json": declared(paths)}).findings
        return [each.hint for each in found if each.rule == "generate-paths-missing" and each.path == "root.json"]

    assert missed(".") == ["Write “.;/lib”."]
    assert missed(".;/lib") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a $NAME-${NAME}", "a shop-shop"), ("$$NAME ${$}", "$NAME $"), ("$x${x}$1a ${NAME $", "a NAME $"), ("${}", "")],
)
def test_the_build_environment_is_put_in_as_go_does(text: str, expected: str) -> None:
    assert substituted(text, {"NAME": "shop"}) == expected
