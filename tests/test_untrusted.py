"""Repositories of strangers: CI judges them with its tokens at hand, and none of these gets out."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from argosy.repository.model import Format
from tests import shared
from tests.changing import commit, create, edit, git, model
from tests.conftest import Result
from tests.forked import Forked
from tests.loopback import listening, refusing

CANARY = "canary-6f1d2"
URL = "https://git.example.com/acme/gitops.git"
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shown}\ndata:\n  shown: %s\n"
CHART = {
    "Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
    "values.yaml": "{}\n",
    "ok.txt": "ok",
    "templates/config-map.yaml": CONFIG_MAP % '{{ printf "%s %s" (toJson .Values) (.Files.Get "f.txt") | quote }}',
}
OVERLAY = {"config-map.yaml": CONFIG_MAP % "ok"}
SHOWN = "{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'shown' }, data: { shown: %s } }\n"
GENERATOR = "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: made}\n"
INFLATOR = "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: made}\n"


@dataclass(frozen=True)
class Attack:
    """A folder of a repository, and the source of the Application that deploys it."""

    files: Mapping[str, str | bytes]
    """Relative to the folder; `SECRET`, `OUTSIDE` and `SERVER` stand for what is out of bounds."""
    links: Mapping[str, str] = field(default_factory=dict)
    source: Mapping[str, Any] = field(default_factory=dict)
    is_remote: bool = False
    """Whether it asks for the network alone: then it is skipped, with the reason."""
    is_left_out: bool = False
    """Whether what asks is left out, and the rest rendered, with a warning."""


def chart(
    files: Mapping[str, str | bytes] | None = None, links: Mapping[str, str] | None = None, **helm: Any
) -> Attack:
    return Attack({**CHART, **(files or {})}, links or {}, {"helm": helm} if helm else {})


def schema(text: str, *, is_left_out: bool = False) -> Attack:
    return Attack({**CHART, "values.schema.json": text}, is_left_out=is_left_out)


def overlay(
    kustomization: str,
    files: Mapping[str, str] | None = None,
    links: Mapping[str, str] | None = None,
    *,
    is_remote: bool = False,
    **kustomize: Any,
) -> Attack:
    source = {"kustomize": kustomize} if kustomize else {}
    return Attack({**OVERLAY, "kustomization.yaml": kustomization, **(files or {})}, links or {}, source, is_remote)


def inflated(chart: str, *, more: str = "", files: Mapping[str, str] | None = None, is_remote: bool = False) -> Attack:
    """Return an overlay that inflates a good chart, but for what is said of it."""
    here = {f"charts/web/{path}": text for path, text in CHART.items()}
    return overlay(f"helmCharts: [{{name: web, {chart}}}]\n{more}", {**here, **(files or {})}, is_remote=is_remote)


def archived(text: str) -> bytes:
    """Return a chart's archive with a schema."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in (
            ("sub/Chart.yaml", CHART["Chart.yaml"].replace("web", "sub")),
            ("sub/./x/../values.schema.json", text),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content.encode()))
    return buffer.getvalue()


def evaluated(text: str, links: Mapping[str, str] | None = None, **jsonnet: Any) -> Attack:
    return Attack({"a.jsonnet": SHOWN % text}, links or {}, {"directory": {"jsonnet": jsonnet}} if jsonnet else {})


ATTACKS: Mapping[str, Attack] = {
    "jsonnet-absolute": evaluated("importstr 'SECRET'"),
    "jsonnet-above": evaluated("importstr '../../../secret.yaml'"),
    "jsonnet-binary": evaluated("std.toString(importbin '../../../secret.yaml')"),
    "jsonnet-link": evaluated("importstr 'l'", {"l": "SECRET"}),
    "jsonnet-of-git": evaluated("importstr '../../.git/config'"),
    "jsonnet-of-the-machine": evaluated("importstr '/proc/self/environ'"),
    "jsonnet-library": evaluated("importstr 'secret.yaml'", libs=["../"]),
    "jsonnet-library-link": evaluated(
        "importstr 'config-map.yaml'", {"l": "OUTSIDE"}, libs=["hostile/jsonnet-library-link/l"]
    ),
    "jsonnet-argument": evaluated(
        "std.extVar('a')", extVars=[{"name": "a", "value": "importstr 'SECRET'", "code": True}]
    ),
    "jsonnet-without-end": evaluated("local f(x) = if x > 1e12 then x else f(x + 1) tailstrict; '' + f(0)"),
    "jsonnet-itself": Attack({}, {"a.jsonnet": "SECRET"}),
    "file-parameter-absolute": chart(fileParameters=[{"name": "a", "path": "SECRET"}]),
    "file-parameter-above": chart(fileParameters=[{"name": "a", "path": "../../../secret.yaml"}]),
    "file-parameter-of-git": chart(fileParameters=[{"name": "a", "path": "/.git/config"}]),
    "file-parameter-hidden": chart(fileParameters=[{"name": "a=SECRET,b", "path": "ok.txt"}]),
    "file-parameter-link": chart({}, {"l.txt": "SECRET"}, fileParameters=[{"name": "a", "path": "l.txt"}]),
    "value-file-above": chart(valueFiles=["../../../secret.yaml"]),
    "value-file-of-git": chart(valueFiles=["/.git/config"]),
    "value-file-link": chart({}, {"v.yaml": "../../../secret.yaml"}, valueFiles=["v.yaml"]),
    "value-file-glob": chart({}, {"vs": "OUTSIDE"}, valueFiles=["vs/*.yaml"]),
    "chart-file": chart({}, {"f.txt": "SECRET"}),
    "chart-file-of-git": chart({}, {"f.txt": "../../.git/config"}),
    "chart-template": chart({}, {"templates/x.yaml": "../../../../outside/config-map.yaml"}),
    "chart-folder": chart({}, {"templates/more": "OUTSIDE"}),
    "chart-values": Attack({k: v for k, v in CHART.items() if k != "values.yaml"}, {"values.yaml": "SECRET"}),
    "chart-ignore": chart({}, {".helmignore": "SECRET"}),
    "chart-subchart": chart({}, {"charts/sub": "../../../../outside/chart"}),
    "chart-there-and-back": chart({}, {"f.txt": "../../../gitops/hostile/chart-file/ok.txt"}),
    "chart-over-a-link": chart({}, {"more": "../chart-over-a-link-target"}),
    "chart-over-a-link-target": chart({}, {"f.txt": "SECRET"}),
    "chart-round": chart({}, {"templates/round": "../templates"}),
    "chart-device": chart({}, {"templates/zero.yaml": "/dev/zero"}),
    "chart-dependency": chart(
        {
            "Chart.yaml": CHART["Chart.yaml"]
            + "dependencies: [{name: sub, repository: 'file://../../../outside/chart'}]\n"
        }
    ),
    "chart-dependency-name": chart(
        {
            "Chart.yaml": CHART["Chart.yaml"]
            + "dependencies: [{name: ../../../../../../../../OUTSIDE/new, repository: 'file://sub'}]\n"
        }
        | {f"sub/{path}": text for path, text in CHART.items()}
    ),
    "chart-dependency-on-itself": chart(
        {"Chart.yaml": CHART["Chart.yaml"] + "dependencies: [{name: sub, repository: 'file://.'}]\n"}
    ),
    "release-name": chart(releaseName="--post-renderer=SECRET"),
    "schema-file": schema('{"$ref": "file://SECRET"}'),
    "schema-relative": schema('{"properties": {"a": {"$ref": "../..SECRET"}}}'),
    "schema-http": schema('{"$ref": "SERVER/schema"}', is_left_out=True),
    "schema-capitals": schema('{"$ref": "HTTP://HOST/schema"}', is_left_out=True),
    "schema-metaschema": schema('{"$schema": "SERVER/schema"}', is_left_out=True),
    "schema-base": schema('{"$id": "SERVER/x/", "properties": {"a": {"$ref": "y"}}}', is_left_out=True),
    "schema-in-an-archive": Attack(
        {**CHART, "charts/sub-1.0.0.tgz": archived('{"$ref": "http://127.0.0.1:9/schema"}')}, is_remote=True
    ),
    "schema-deep": schema('{"not":' * 50_000 + "1" + "}" * 50_000),
    "build-file": overlay("resources: [l.yaml]\n", {}, {"l.yaml": "../../../outside/config-map.yaml"}),
    "build-base": overlay("resources: [../../../outside/base]\n"),
    "build-base-by-link": overlay("resources: [base]\n", {}, {"base": "OUTSIDE/base"}),
    "build-in-capitals": overlay("RESOURCES: [../../../outside/base]\n"),
    "build-with-a-tag": overlay("resources: !any [../../../outside/base]\n"),
    "build-with-a-query": overlay("resources: ['x?ref=/../../../../outside/base']\n"),
    "build-itself": Attack(OVERLAY, {"kustomization.yaml": "../../../outside/base/kustomization.yaml"}),
    "build-component": overlay("resources: [config-map.yaml]\n", components=["../../../outside/base"]),
    "build-patch": overlay("resources: [config-map.yaml]\n", {}, {"p.yaml": "SECRET"}, patches=[{"path": "p.yaml"}]),
    "build-generator": overlay("configMapGenerator: [{name: a, files: [l]}]\n", {}, {"l": "SECRET"}),
    "build-settings-of-git": overlay("generators: [g.yaml]\n", {"g.yaml": GENERATOR + "files: [../../.git/config]\n"}),
    "build-deep": overlay("resources: " + "[" * 200_000),
    "build-http": overlay("resources: ['SERVER/x']\n", is_remote=True),
    "build-http-that-is-a-file": overlay(
        "resources: ['SERVER/x']\n", {"http:/HOST/x": CONFIG_MAP % "ok"}, is_remote=True
    ),
    "build-http-crd": overlay("resources: [config-map.yaml]\nCRDs: ['SERVER/x']\n", is_remote=True),
    "build-http-settings": overlay(
        "generators: [g.yaml]\n", {"g.yaml": GENERATOR + "FILES: [a=SERVER/x]\n"}, is_remote=True
    ),
    "build-http-inline": overlay(
        "transformers:\n- |-\n  apiVersion: builtin\n  kind: PatchTransformer\n  path: SERVER/x\n", is_remote=True
    ),
    "build-http-in-a-folder": overlay(
        "generators: [g]\n",
        {"g/kustomization.yaml": "resources: [g.yaml]\n", "g/g.yaml": GENERATOR + "files: [a=SERVER/x]\n"},
        is_remote=True,
    ),
    "build-made-settings": overlay(
        "generators: [g]\n",
        {
            "g/kustomization.yaml": "resources: [g.yaml]\npatches:\n- target: {kind: ConfigMapGenerator}\n"
            "  patch: '[{op: add, path: /files, value: [a=SERVER/x]}]'\n",
            "g/g.yaml": GENERATOR,
        },
    ),
    "build-http-patch": overlay(
        "resources: [config-map.yaml]\n",
        is_remote=True,
        patches=[{"path": "SERVER/x", "target": {"kind": "ConfigMap"}}],
    ),
    # Charts are enabled for the whole of the repository, and one good chart lets Kustomize start Helm.
    "inflated-release-name": inflated("releaseName: -fSECRET"),
    "inflated-post-renderer": inflated("releaseName: --post-renderer=SECRET"),
    "inflated-in-capitals": inflated("releaseName: web, RELEASENAME: -fSECRET"),
    "inflated-namespace": inflated("namespace: -fSECRET"),
    "inflated-kube-version": inflated("kubeVersion: --post-renderer=SECRET"),
    "inflated-api-version": inflated("apiVersions: [v1, -fSECRET]"),
    "inflated-name-template": inflated("nameTemplate: -fSECRET"),
    "inflated-environment": inflated("nameTemplate: '{{ env `GITHUB_TOKEN` | lower }}'", is_remote=True),
    "inflated-values": inflated("valuesFile: ../../../outside/values.yaml"),
    "inflated-values-of-an-absolute-path": inflated("additionalValuesFiles: [OUTSIDE/values.yaml]"),
    "inflated-chart": inflated("releaseName: web}, {name: ../../../../outside/chart, releaseName: a"),
    "inflated-version": inflated(
        "releaseName: web}, {name: chart, repo: 'SERVER', version: 1/../../../../../../outside, releaseName: a"
    ),
    "inflated-home": inflated("releaseName: web", more="helmGlobals: {chartHome: ../../../outside}\n"),
    "inflated-in-other-letters": inflated(
        "releaseName: web", more="HELMCHARTS: [{name: ../../../../outside/chart, releaseName: a}]\n"
    ),
    "inflated-by-the-old-field": inflated(
        "releaseName: web",
        more="helmChartInflationGenerator: [{chartName: ../../../../outside/chart, releaseName: a}]\n",
        is_remote=True,
    ),
    "inflated-by-a-generator": inflated(
        "releaseName: web",
        more="generators: [g.yaml]\n",
        files={"g.yaml": INFLATOR + "name: chart\nchartHome: ../../../outside\n"},
        is_remote=True,
    ),
    "inflated-by-a-generator-of-values": inflated(
        "releaseName: web",
        more="generators: [g.yaml]\n",
        files={"g.yaml": INFLATOR + "name: web\nvaluesFile: ../../../outside/values.yaml\n"},
    ),
    "inflated-by-an-inline-generator": inflated(
        "releaseName: web",
        more="generators: ['--- {apiVersion: builtin, kind: HelmChartInflationGenerator, metadata: {name: a}, "
        "name: chart, chartHome: ../../../outside}']\n",
        is_remote=True,
    ),
    "inflated-of-parts": inflated(
        "releaseName: web",
        more="configMapGenerator: [{name: a, files: [charts/web/Chart.yaml, charts/web/values.schema.json]}]\n",
        files={"charts/web/values.schema.json": '{"$ref": "file://SECRET"}'},
    ),
    "build-base-in-braces": overlay("resources: ['{b']\n", {}, {"{b": "OUTSIDE/base"}),
    "directory-file": Attack({"ok.yaml": CONFIG_MAP % "ok"}, {"l.yaml": "../../../outside/config-map.yaml"}),
    "directory": Attack({}, {"l": "OUTSIDE"}, {"path": "hostile/directory/l"}),
}
SET = """\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: hostile-set, namespace: argocd}
spec:
  goTemplate: true
  generators: [{git: {repoURL: %s, revision: main, files: [{path: hostile/set/*.yaml}]}}]
  template:
    metadata: {name: 'set-{{ .token }}'}
    spec:
      project: default
      source: {repoURL: %s, targetRevision: main, path: hostile/nowhere}
      destination: {server: 'https://kubernetes.default.svc', namespace: set}
"""


@dataclass(frozen=True)
class Site:
    """A hostile repository, what lies around it, and what was asked of the network."""

    root: Path
    requests: list[str]
    runs: Mapping[str, Result]


def application(name: str, source: Mapping[str, Any]) -> str:
    whole = {"repoURL": URL, "targetRevision": "main", "path": f"hostile/{name}", **source}
    destination = {"server": "https://kubernetes.default.svc", "namespace": "hostile"}
    manifest = {
        **{"apiVersion": "argoproj.io/v1alpha1", "kind": "Application"},
        "metadata": {"name": name, "namespace": "argocd"},
        "spec": {"project": "default", "source": whole, "destination": destination},
    }
    return yaml.safe_dump(manifest)


def outside(folder: Path) -> None:
    """Write what is none of the repository's business."""
    files = {
        "secret.yaml": f"token: {CANARY}\n",
        "outside/config-map.yaml": CONFIG_MAP % CANARY,
        "outside/values.yaml": f"token: {CANARY}\n",
        "outside/base/kustomization.yaml": "resources: [config-map.yaml]\n",
        "outside/base/config-map.yaml": CONFIG_MAP % CANARY,
        "outside/chart/Chart.yaml": CHART["Chart.yaml"].replace("web", "sub"),
        "outside/chart/templates/config-map.yaml": CONFIG_MAP % CANARY,
    }
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def plant(root: Path, server: str, names: Collection[str] = ATTACKS.keys()) -> None:
    """Write attacks into a repository."""
    folder = root.parent
    meant = {"SECRET": f"{folder}/secret.yaml", "OUTSIDE": f"{folder}/outside", "SERVER": server, "HOST": server[7:]}

    def filled(text: str) -> str:
        for name, value in meant.items():
            text = text.replace(name, value)
        return text

    for name in names:
        attack = ATTACKS[name]
        for path, content in attack.files.items():
            file = root / "hostile" / name / filled(path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(filled(content).encode() if isinstance(content, str) else content)
        for path, target in attack.links.items():
            (root / "hostile" / name / path).parent.mkdir(parents=True, exist_ok=True)
            (root / "hostile" / name / path).symlink_to(filled(target))
        (root / f"argocd/{name}.yaml").write_text(filled(application(name, attack.source)))
    settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm, namespace: argocd}\n"
    (root / "argocd/argocd-cm.yaml").write_text(settings + "data: {kustomize.buildOptions: --enable-helm}\n")
    (root / "applications/web/charts/web/extra.txt").symlink_to("/proc/self/environ")
    edit(root, "environments/dev/web/values.yaml", "tag:", "tag: newer #")
    (root / "hostile/set").mkdir()
    (root / "hostile/set/l.yaml").symlink_to("../../../secret.yaml")
    (root / "argocd/hostile-set.yaml").write_text(SET % (URL, URL))


@pytest.fixture(scope="module")
def site() -> Site:
    """Run every command once in a repository with every attack, for all of the tests and their workers."""
    place = shared.folder("attacked", attack)
    requests, runs = json.loads((place / "told.json").read_text())
    return Site(place / "site/gitops", requests, {name: Result(**result) for name, result in runs.items()})


def attack(place: Path) -> None:
    """Make the repository, run the commands, and note what they gave."""
    folder = place / "site"
    folder.mkdir(parents=True)
    outside(folder)
    root = create(folder / "gitops", model(form=Format.HELM))
    git(root, "remote", "add", "origin", URL)
    git(root, "config", f"http.{URL}.extraheader", f"AUTHORIZATION: basic {CANARY}")
    requests: list[str] = []

    with listening(refusing(requests)) as server, pytest.MonkeyPatch.context() as patch:
        for name in ("NO_PROXY", "no_proxy"):
            patch.setenv(name, "127.0.0.1")
        patch.setenv("GITHUB_TOKEN", CANARY)
        patch.setenv("ARGOSY_RENDER_MEMORY", "300")  # One of the attacks takes what it gets.
        plant(root, server)
        commit(root, message="Attack")
        with ThreadPoolExecutor(2) as pool:
            results = [*pool.map(lambda arguments: asdict(run(root, *arguments)), COMMANDS.values())]
    (place / "told.json").write_text(json.dumps([requests, dict(zip(COMMANDS, results, strict=True))]))


COMMANDS = {
    "validate": ("validate", "--output", "json"),
    "diff": ("diff", "--against", "HEAD~1", "--output", "json"),
    "render": ("render", "web", "prod"),
    "status": ("status", "--output", "json"),
    "status of files": ("status", "--files", "--output", "json"),
    "doctor": ("doctor", "--offline", "--output", "json"),
    "promote": ("promote", "web", "--from", "dev", "--to", "prod", "--dry-run", "--output", "json"),
}


def run(root: Path, *arguments: str) -> Result:
    """Run argosy in a process of its own, whose environment holds the token."""
    running = Forked(arguments, cwd=root)
    out, err = running.communicate(timeout=300)
    return Result(running.wait(), out, err)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_secret_is_told(site: Site, command: str) -> None:
    result = site.runs[command]
    assert CANARY not in result.out + result.err
    assert "Traceback" not in result.err
    expected = 0 if command.startswith("status") else 2 if command.startswith("diff") else 1
    assert result.code == expected, result.err


def test_nothing_is_asked_of_the_network(site: Site) -> None:
    assert site.requests == []


def test_nothing_is_written_outside(site: Site) -> None:
    assert not (site.root.parent / "OUTSIDE").exists()
    assert sorted(path.name for path in site.root.parent.iterdir()) == ["gitops", "outside", "secret.yaml"]
    assert not (site.root.parent / "outside/new").exists()


@pytest.mark.parametrize("name", ATTACKS)
def test_each_attack_is_found(site: Site, name: str) -> None:
    attack, report = ATTACKS[name], json.loads(site.runs["validate"].out)

    def is_about(each: Mapping[str, str]) -> bool:
        return each["application"] == name or each["path"].startswith((f"hostile/{name}/", f"argocd/{name}.yaml"))

    told = "skipped" if attack.is_remote else "findings"
    assert [each for each in report[told] if is_about(each)], [each for each in report["findings"] if name in str(each)]


@pytest.mark.parametrize("name", ATTACKS)
def test_what_an_attack_belongs_to_is_not_rendered(site: Site, name: str) -> None:
    shown = {each["application"]: each for each in json.loads(site.runs["diff"].out)["applications"]}
    kinds = {each["kind"] for each in shown[name]["resources"]} if name in shown else set()
    # What is no link there is rendered.
    assert "ConfigMap" not in kinds or name == "directory-file" or ATTACKS[name].is_left_out
