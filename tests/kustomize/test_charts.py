"""The charts that kustomizations inflate, by the program that Kustomize takes for Helm."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from argosy import kustomize, programs
from argosy.errors import OfflineError, RenderError
from argosy.helm import worker, workers
from argosy.helm.program import REFUSED, program
from tests.helm.conftest import binary  # noqa: F401 - a fixture
from tests.validating import write_files

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no shell runs the program")
CHART = {
    "web/charts/page/Chart.yaml": "apiVersion: v2\nname: page\nversion: 1.0.0\n",
    "web/charts/page/values.yaml": "colour: blue\n",
    "web/charts/page/red, green.yaml": "colour: red\n",
    "web/charts/page/templates/page.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Release.Name }}'}\n"
    "data: {colour: '{{ .Values.colour }}', namespace: '{{ .Release.Namespace }}'}\n",
    "web/charts/page/templates/hook.yaml": "apiVersion: v1\nkind: ConfigMap\n"
    "metadata: {name: '{{ .Release.Name }}-hook', annotations: {helm.sh/hook: test}}\n",
}
ASKING = {
    "web/charts/page/templates/asks.yaml": "apiVersion: v1\nkind: ConfigMap\n"
    "metadata: {name: '{{ .Release.Name }}-asks'}\n"
    "data: {version: '{{ .Capabilities.KubeVersion.Version }}', has: '{{ .Capabilities.APIVersions.Has \"a/v1\" }}'}\n",
}
EVERYTHING = (
    "helmGlobals: {configHome: ../../../nowhere}\n"
    "helmCharts:\n- {name: page, releaseName: home, namespace: pages, kubeVersion: '1.30', apiVersions: [a/v1], "
    "valuesFile: 'charts/page/red, green.yaml', additionalValuesFiles: ['charts/page/red, green.yaml'], "
    "valuesInline: {more: 1}, valuesMerge: merge, includeCRDs: true, skipTests: true, debug: true, devel: true}\n"
    "- {name: page, nameTemplate: made}\n- {name: page}\n"
)


def build(root: Path, kustomization: str) -> dict[str, dict[str, str]]:
    write_files(root, {"web/kustomization.yaml": kustomization})
    text = kustomize.build(root / "web", root, None, ["--enable-helm"])
    return {each["metadata"]["name"]: each.get("data") for each in yaml.safe_load_all(text)}


PATHS = ("helm_python", "helm", "both")


@pytest.fixture(params=PATHS)
def on_path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have helm_python, a helm on the PATH, or both."""
    found = None if request.param == "helm_python" else str(request.getfixturevalue("binary"))
    find = programs.find
    mine = found and Path(found)
    monkeypatch.setattr(programs, "find", lambda name: mine if name == "helm" else find(name))
    if request.param == "helm":
        monkeypatch.setattr(workers, "package", lambda: None)
    return str(request.param)


def test_everything_that_a_kustomization_may_say_of_a_chart(tmp_path: Path, on_path: str) -> None:
    write_files(tmp_path, CHART | ({} if on_path == "helm_python" else ASKING))
    found = build(tmp_path, EVERYTHING)
    assert found["home"] == {"colour": "red", "namespace": "pages"}
    assert found.get("home-asks") == (None if on_path == "helm_python" else {"version": "v1.30", "has": "true"})
    assert {each for each in found if not each.endswith("-asks")} == {
        *("home", "made", "made-hook", "release-name", "release-name-hook")
    }


def test_what_a_kustomization_names_of_a_chart_is_no_part_less_of_it(tmp_path: Path) -> None:
    write_files(tmp_path, CHART)
    files = "configMapGenerator: [{name: files, files: [charts/page/values.yaml]}]\n"
    assert build(tmp_path, f"{files}helmCharts: [{{name: page, releaseName: home}}]\n")["home"]["colour"] == "blue"


@pytest.mark.parametrize(
    ("chart", "message", "line"),
    [
        ("releaseName: Home", "“Home” is not a valid releaseName of a chart in helmCharts.", 2),
        ("version: 1.0", "The version of a chart in helmCharts has to be a text.", 2),
        ("postRenderer: x", "“postRenderer” is no field of a chart of helmCharts.", 2),
    ],
)
def test_file_line_and_cause(tmp_path: Path, chart: str, message: str, line: int) -> None:
    write_files(tmp_path, CHART)
    with pytest.raises(RenderError) as caught:
        build(tmp_path, f"helmCharts:\n- {{name: page, {chart}}}\n")
    [fault] = caught.value.faults
    assert (fault.message, fault.path, fault.line) == (message, tmp_path / "web/kustomization.yaml", line)
    assert fault.hint


def test_a_name_that_a_template_makes_is_not_rendered(tmp_path: Path) -> None:
    write_files(tmp_path, CHART)
    with pytest.raises(OfflineError, match="name the release by releaseName"):
        build(tmp_path, "helmCharts: [{name: page, nameTemplate: '{{ randAlpha 4 }}'}]\n")


def test_the_chart_of_a_generator_that_was_fetched_is_not_rendered(tmp_path: Path) -> None:
    generator = "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: a}\nname: page\n"
    url = "https://example.com/generator.yaml"
    kustomization = f"generators: ['{url}']\nhelmCharts: [{{name: page, releaseName: home}}]\n"
    write_files(tmp_path / "here", CHART | {"web/kustomization.yaml": kustomization})
    write_files(tmp_path / "there", {"generator.yaml": generator})
    fetched = kustomize.Remote(tmp_path / "there", tmp_path / "there/generator.yaml")
    with pytest.raises(OfflineError, match="The chart of a HelmChartInflationGenerator was not rendered"):
        kustomize.build(tmp_path / "here/web", tmp_path / "here", None, ["--enable-helm"], fetched=lambda _: fetched)


ARGUMENTS = {
    "release": ["-fSECRET", "CHART"],
    "post-renderer": ["--post-renderer=SECRET", "CHART"],
    "post-renderer behind": ["home", "CHART", "--post-renderer", "SECRET"],
    "another chart": ["home", "OUTSIDE"],
    "chart of a repository": ["home", "oci://127.0.0.1/page"],
    "values outside": ["home", "CHART", "-f", "SECRET"],
    "values above": ["home", "CHART", "-f", "CHART/../../../../../secret.yaml"],
    "values by a link": ["home", "CHART", "-f", "CHART/link.yaml"],
    "values of a URL": ["home", "CHART", "-f", "http://127.0.0.1/x"],
    "value of an option": ["home", "CHART", "--namespace", "-fSECRET"],
    "no value": ["home", "CHART", "--namespace"],
    "template of a name": ["--generate-name", "CHART", "--name-template", "{{ env `HOME` }}"],
    "both names": ["home", "CHART", "--name-template", "other"],
    "nothing": [],
}


# They are read before any Helm is asked: each is refused with one of them, in turn, and no argument with all.
@pytest.mark.parametrize(
    ("on_path", "name"),
    [
        *((PATHS[place % len(PATHS)], name) for place, name in enumerate(ARGUMENTS) if name != "nothing"),
        *((path, "nothing") for path in PATHS),
    ],
    indirect=["on_path"],
)
@pytest.mark.usefixtures("on_path")
def test_the_program_refuses_what_is_none_of_kustomizes_arguments(tmp_path: Path, name: str) -> None:
    secret, copy = tmp_path / "secret.yaml", tmp_path / "work/copy"
    write_files(
        tmp_path, {"secret.yaml": "colour: secret\n"} | {f"outside/{path}": text for path, text in CHART.items()}
    )
    write_files(copy, CHART)
    (copy / "web/charts/page/link.yaml").symlink_to(secret)
    (tmp_path / "work/tools").mkdir()
    chart = copy / "web/charts/page"
    made = program(tmp_path / "work/tools", [chart], tmp_path / "work", None).path
    meant = {"SECRET": str(secret), "CHART": str(chart), "OUTSIDE": str(tmp_path / "outside/web/charts/page")}

    def run(*arguments: str) -> tuple[int, str, str]:
        for key, value in meant.items():
            arguments = tuple(each.replace(key, value) for each in arguments)
        done = subprocess.run([made, *arguments], check=False, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    code, out, err = run("template", *ARGUMENTS[name])
    assert (code, out) == (1, "")
    assert "argosy does not pass" in err
    if name == "nothing":
        assert REFUSED in run("pull", "page")[2]
        assert run("version", "--short")[1].startswith("v")
        assert "blue" in run("template", "home", "CHART")[1]


def test_a_helm_binary_takes_a_comma_for_no_second_values_file() -> None:
    assert worker.quoted('/a, "b".yaml') == '"/a, ""b"".yaml"'
