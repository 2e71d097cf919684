"""`argosy validate`, as a session at a terminal."""

from __future__ import annotations

import json
import os
import shutil
import signal
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from argosy.repository.model import ArgocdStyle, Format
from argosy.schemas.store import versions
from tests import goldens
from tests.catalogue.test_own_catalogue import ENDLESS as ENDLESS_TEXT
from tests.catalogue.test_own_catalogue import ENTRY, VALUES
from tests.cel.test_engine import ENDLESS as ENDLESS_RULE
from tests.changing import create
from tests.children import PATIENCE, busy_child, gone, linux, until
from tests.conftest import Argosy, Git, Process
from tests.forked import Forked
from tests.helm.conftest import binary  # noqa: F401 - a fixture
from tests.validating import write_files

POD = (
    "apiVersion: v1\nkind: Pod\nmetadata:\n  name: shop\nspec:\n  containers:\n    - name: shop\n      image: {image}\n"
)
GOOD, UNTAGGED = POD.format(image="nginx:1.29.3"), POD.format(image="nginx")
BAD = GOOD.replace("containers", "contaners")
SUMMARY = ["documents", "passed", "failed", "skipped", "renders", "errors", "warnings", "unreached", "known"]
FINDING = {"rule", "severity", "path", "line", "message", "hint", "application", "environment", "resource", "also"}


@pytest.fixture
def gitops(tmp_path: Path) -> Path:
    """Return a folder with a new repository: Helm, two environments, and Git."""
    model = goldens.repository(Format.HELM, ArgocdStyle.APPLICATIONS, environments=(("dev", ""), ("prod", "")))
    return create(tmp_path / "gitops", model)


def test_a_new_repository_is_valid(argosy: Argosy, gitops: Path) -> None:
    result = argosy("validate", str(gitops))
    assert result.code == 0
    assert "0 errors, 0 warnings" in result.out
    assert "skipped: Remote base https://raw.githubusercontent.com/argoproj/argo-cd/" in result.out
    assert argosy("validate", str(gitops), "--strict").code == 1


def test_the_repository_is_the_one_around_the_path_or_the_current_folder(
    argosy: Argosy, gitops: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (gitops / "environments/prod/my-app/values.yaml").write_text("replicas: many\n")
    assert argosy("validate", str(gitops / "environments/prod")).code == 1
    assert argosy("validate", str(gitops / "environments/dev")).code == 0
    monkeypatch.chdir(gitops / "environments")
    whole = argosy("validate")
    assert whole.code == 1
    assert (
        "environments/prod/my-app/values.yaml:1: error" in whole.out
        or "environments/prod/my-app/values.yaml" in whole.out
    )
    assert argosy("validate", "dev").code == 0
    assert argosy("validate", "dev", "--repository", str(gitops)).code == 0


def test_a_repository_within_another_or_below_a_folder_is_not_judged_from_there(
    argosy: Argosy, git: Git, gitops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another Copier template asks for its repository's name too.
    package = {"package/.copier-answers.yml": "repository_name: package\n", "package/pod.yaml": GOOD}
    write_files(tmp_path, {"clone/apps/pod.yaml": UNTAGGED, "pod.yaml": GOOD, **package})
    git(tmp_path, "init", "-q", "clone")
    above = argosy("validate", "--output", "json")
    found = [(each["rule"], each["path"]) for each in json.loads(above.out)["findings"]]
    assert (above.code, found) == (1, [("inner-repository", "clone"), ("inner-repository", "gitops")])
    assert f"argosy validate {gitops}" in above.out
    # Both by themselves are as good as ever.
    assert argosy("validate", "clone").code == argosy("validate", str(gitops)).code == 0

    shutil.rmtree(gitops / ".git")
    shutil.rmtree(tmp_path / "clone/.git")
    git(tmp_path, "init", "-q")
    assert "make it a Git repository of its own" in argosy("validate").out
    for command in (
        ("validate",),
        ("status",),
        ("doctor",),
        ("render", "my-app", "dev"),
        ("history", "my-app"),
        ("diff",),
    ):
        refused = argosy(*command, "--repository", str(gitops))
        assert (refused.code, refused.out) == (2, ""), command
        assert f"{gitops} is a folder of the Git repository {tmp_path}" in refused.err
        assert "give it a repository of its own" in refused.err
    foreign = argosy("validate", "--repository", "clone")
    assert (foreign.code, f"--repository {tmp_path}" in foreign.err) == (2, True)
    # What the outer one ignores is none of its folders.
    (tmp_path / ".gitignore").write_text("gitops/\n")
    assert argosy("validate", str(gitops)).code == 0
    # Outside of a repository, nobody is told to make one of whatever folder this is.
    monkeypatch.chdir(tmp_path / "clone")
    wrong = argosy("add", "app", "shop")
    assert "is not an argosy repository" in wrong.err
    assert "git init" not in wrong.err


def test_findings_say_where_what_and_what_to_do(argosy: Argosy, tmp_path: Path) -> None:
    write_files(tmp_path, {"apps/pod.yaml": BAD})
    result = argosy("validate", "apps")
    assert result.code == 1
    assert "apps/pod.yaml" in result.out or "pod.yaml:6" in result.out
    assert "kubernetes-schema" in result.out
    assert "Did you mean" in result.out
    assert "containers" in result.out
    assert not result.err


def test_warnings_do_not_fail(argosy: Argosy, tmp_path: Path) -> None:
    write_files(tmp_path, {"pod.yaml": UNTAGGED})
    result = argosy("validate")
    assert result.code == 0
    assert "image-tag" in result.out


def test_json(argosy: Argosy, tmp_path: Path) -> None:
    write_files(tmp_path, {"bad.yaml": BAD, "untagged.yaml": UNTAGGED, "other.yaml": "a: 1\n"})
    result = argosy("validate", "--output", "json")
    report = json.loads(result.out)
    assert result.code == 1
    assert list(report["summary"]) == SUMMARY
    assert (
        report["summary"]["documents"] == 3 == sum(report["summary"][each] for each in ("passed", "failed", "skipped"))
    )
    assert [set(finding) for finding in report["findings"]] == [FINDING] * len(report["findings"])
    assert {(each["rule"], each["severity"]) for each in report["findings"]} == {
        ("kubernetes-schema", "error"),
        ("image-tag", "warning"),
    }
    assert [each["path"] for each in report["skipped"]] == ["other.yaml"]


def test_sarif_junit_and_github(argosy: Argosy, tmp_path: Path) -> None:
    write_files(tmp_path, {"bad.yaml": BAD})
    sarif = json.loads(argosy("validate", "--output", "sarif").out)
    assert {each["ruleId"] for each in sarif["runs"][0]["results"]} == {"kubernetes-schema"}
    assert ET.fromstring(argosy("validate", "--output", "junit").out).tag == "testsuites"
    github = argosy("validate", "--output", "github")
    assert github.code == 1
    assert "::error file=bad.yaml,line=6" in github.out


def test_reports_in_files_besides_the_output(argosy: Argosy, tmp_path: Path) -> None:
    write_files(tmp_path, {"pod.yaml": BAD})
    reports = ("--report", "sarif=argosy.sarif", "--report", "junit=reports/argosy.xml", "--report", "text=said.txt")
    result = argosy("validate", "--output", "github", *reports)
    assert result.code == 1
    assert result.out.startswith("::error ")
    [run] = json.loads((tmp_path / "argosy.sarif").read_text())["runs"]
    assert {each["ruleId"] for each in run["results"]} == {"kubernetes-schema"}
    assert ET.parse(tmp_path / "reports/argosy.xml").getroot().tag == "testsuites"
    assert "kubernetes-schema" in (tmp_path / "said.txt").read_text()
    written = argosy("validate", "--output", "json", "--report", "json=report.json").out
    assert (tmp_path / "report.json").read_text() == written


@pytest.mark.parametrize("report", ["xml=a.xml", "junit", "junit=", "=a.xml"])
def test_a_report_needs_a_format_and_a_file(argosy: Argosy, tmp_path: Path, report: str) -> None:
    result = argosy("validate", "--report", report)
    assert result.code == 2
    assert "FORMAT=FILE" in result.err


def test_a_report_that_cannot_be_written(argosy: Argosy, tmp_path: Path) -> None:
    write_files(tmp_path, {"pod.yaml": GOOD})
    result = argosy("validate", "--report", "junit=pod.yaml/report.xml")
    assert result.code == 1
    assert "pod.yaml/report.xml cannot be written" in result.err


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("../victim", "it leads out of the repository"),
        (".git/description", "it is Git's own"),
        ("pod.yaml", "it is a link"),
    ],
)
def test_a_report_is_not_written_through_a_link_of_the_repository(
    argosy: Argosy, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, target: str, said: str
) -> None:
    write_files(tmp_path, {"gitops/pod.yaml": GOOD, "victim": "mine"})
    git("gitops", "init", "-q")
    place = tmp_path / "gitops" / target
    before = place.read_text()
    (tmp_path / "gitops/report.sarif").symlink_to(target)
    for folder, root in (("gitops", "."), (".", "gitops")):
        monkeypatch.chdir(tmp_path / folder)
        result = argosy("validate", "--repository", root, "--report", f"sarif={root}/report.sarif")
        assert (result.code, result.out, place.read_text()) == (2, "", before)
        assert f"report.sarif cannot be written: {said}" in result.err


def test_quiet_says_nothing_of_a_valid_repository(argosy: Argosy, tmp_path: Path) -> None:
    write_files(tmp_path, {"pod.yaml": GOOD})
    quiet = argosy("validate", "--quiet")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")
    assert json.loads(argosy("validate", "--quiet", "--output", "json").out)["summary"]["passed"] == 1
    write_files(tmp_path, {"pod.yaml": BAD})
    assert "kubernetes-schema" in argosy("validate", "-q").out


def test_strict_counts_skipped_documents_as_failed(argosy: Argosy, tmp_path: Path) -> None:
    write_files(tmp_path, {"pod.yaml": GOOD, "other.yaml": "a: 1\n"})
    assert argosy("validate").code == 0
    strict = argosy("validate", "--strict")
    assert strict.code == 1
    assert "--strict" in strict.out


def test_verbose_lists_every_skipped_document(argosy: Argosy, tmp_path: Path) -> None:
    write_files(tmp_path, {f"other-{number}.yaml": "a: 1\n" for number in range(20)})
    assert "other-19.yaml" in argosy("validate", "--verbose").out
    assert "more paths" in argosy("validate").out


@pytest.mark.parametrize("version", ["1.34", "v1.34", "1.34.7", "1.34,1.37", " 1.34 , v1.37.2 "])
def test_versions_of_kubernetes(argosy: Argosy, tmp_path: Path, version: str) -> None:
    write_files(tmp_path, {"pod.yaml": GOOD})
    assert argosy("validate", "--kubernetes-version", version).code == 0


def test_several_versions_are_told_apart(argosy: Argosy, tmp_path: Path) -> None:
    write_files(tmp_path, {"pod.yaml": BAD})
    assert "(Kubernetes 1.34, 1.37)" in argosy("validate", "--kubernetes-version", "1.34,1.37").out


@pytest.mark.parametrize("version", ["1.99", "1.1", "latest", "1", "1.34,"])
def test_an_unknown_version_is_wrong_usage(argosy: Argosy, tmp_path: Path, version: str) -> None:
    write_files(tmp_path, {"pod.yaml": GOOD})
    result = argosy("validate", "--kubernetes-version", version)
    assert result.code == 2
    assert versions()[0] in result.err
    assert versions()[-1] in result.err
    assert not result.out


def test_wrong_usage(argosy: Argosy, tmp_path: Path) -> None:
    write_files(tmp_path, {"here/pod.yaml": GOOD, "there/pod.yaml": GOOD})
    for arguments in (
        ["nowhere"],
        ["--repository", "nowhere"],
        ["there", "--repository", "here"],
        ["--schema-location", "nowhere"],
        ["--schema-location", "ftp://example.com"],
        ["--schema-location", "x/{{.Nonsense}}.json"],
        ["--output", "xml"],
    ):
        result = argosy("validate", *arguments)
        assert result.code == 2, arguments
        assert result.err, arguments
        assert not result.out, arguments


def test_a_path_elsewhere_is_refused_with_a_reason(argosy: Argosy, tmp_path: Path) -> None:
    write_files(tmp_path, {"here/pod.yaml": GOOD, "there/pod.yaml": GOOD})
    assert f"there is not in {tmp_path / 'here'}" in argosy("validate", "there", "--repository", "here").err


@pytest.mark.parametrize("output", ["text", "json"])
def test_nothing_to_validate_does_not_look_like_success(argosy: Argosy, tmp_path: Path, output: str) -> None:
    write_files(tmp_path, {"empty/README.md": "Nothing."})
    result = argosy("validate", "empty", "--output", output)
    assert result.code == 1
    assert "No YAML or JSON file was found" in result.err
    if output == "json":
        assert json.loads(result.out)["summary"]["documents"] == 0


def test_a_folder_that_is_no_repository(process: Process, tmp_path: Path) -> None:
    write_files(tmp_path, {"foreign/a/pod.yaml": GOOD, "foreign/docker-compose.yml": "services: {}\n"})
    result = process("validate", "foreign", env={"PATH": "/nonexistent", "GIT_CEILING_DIRECTORIES": str(tmp_path)})
    assert result.code == 0
    assert "1 passed, 0 failed, 1 skipped" in result.out
    assert not result.err


def test_git_and_its_ignored_files(argosy: Argosy, tmp_path: Path, git: Git) -> None:
    write_files(tmp_path, {"pod.yaml": GOOD, ".gitignore": "build/\n", "build/bad.yaml": BAD, "deep/er/pod.yaml": BAD})
    assert json.loads(argosy("validate", "--output", "json").out)["summary"]["failed"] == 2
    git(tmp_path, "init", "-q")
    summary = json.loads(argosy("validate", "deep", "--output", "json").out)
    assert [each["path"] for each in summary["findings"]] == ["deep/er/pod.yaml"] * len(summary["findings"])
    assert json.loads(argosy("validate", "--output", "json").out)["summary"]["failed"] == 1


def test_a_folder_of_ignored_files_deploys_nothing(argosy: Argosy, gitops: Path, git: Git) -> None:
    git(gitops, "init", "-q")
    left = gitops / "environments/dev/gone"
    left.mkdir()
    (left / "mine.local").write_text("left behind\n")
    (gitops / ".gitignore").write_text("*.local\n")
    told = argosy("validate", str(gitops))
    assert told.code == 0, told.out
    (left / "values.yaml").write_text("{}\n")
    told = argosy("validate", str(gitops))
    assert (told.code, "application-unknown" in told.out) == (1, True)


def test_findings_can_be_ignored_in_place_and_for_the_repository(argosy: Argosy, tmp_path: Path) -> None:
    write_files(tmp_path, {"pod.yaml": UNTAGGED})
    write_files(tmp_path, {"pod.yaml": UNTAGGED.replace("nginx\n", "nginx  # argosy: ignore[image-tag] a sandbox\n")})
    assert "0 warnings" in argosy("validate").out
    write_files(tmp_path, {"pod.yaml": UNTAGGED, ".argosy.yaml": "ignore:\n  - {rule: image-tag, reason: a sandbox}\n"})
    assert "0 warnings" in argosy("validate").out
    write_files(tmp_path, {".argosy.yaml": "ignore:\n  - {rule: image-tags, reason: a sandbox}\n"})
    assert "There is no rule “image-tags”" in argosy("validate").out


def test_findings_can_be_ignored_in_a_template(argosy: Argosy, gitops: Path) -> None:
    template = gitops / "applications/my-app/charts/my-app/templates/service.yaml"
    written = template.read_text()
    template.write_text(written + "---\n" + UNTAGGED)
    found = json.loads(argosy("validate", str(gitops), "--output", "json").out)["findings"]
    (untagged,) = [each for each in found if each["rule"] == "image-tag"]
    places = [untagged, *untagged["also"]]
    assert [(each["application"], each["environment"]) for each in places] == [("my-app", "dev"), ("my-app", "prod")]
    template.write_text("{{/* argosy: ignore[image-tag] a sandbox */}}\n" + template.read_text())
    again = json.loads(argosy("validate", str(gitops), "--output", "json").out)["findings"]
    assert [each for each in again if each["rule"] == "image-tag"] == []


def test_a_helm_binary_says_the_same(argosy: Argosy, gitops: Path, binary: Path) -> None:  # noqa: F811
    (gitops / "environments/prod/my-app/values.yaml").write_text("replicaCount: many\nnonsense: true\n")
    own, foreign = (
        json.loads(argosy("validate", str(gitops), "--output", "json", *arguments).out)
        for arguments in ([], ["--helm", str(binary)])
    )
    assert own["summary"]["errors"] > 0
    (built_in, _), (named, _) = own.pop("engines"), foreign.pop("engines")
    assert own == foreign
    assert (built_in["origin"], built_in["program"], built_in["digest"]) == ("built in", None, "")
    assert (named["origin"], named["program"], len(named["digest"])) == ("--helm", str(binary), 64)


@pytest.mark.parametrize("name", ["nowhere/helm", "."])
def test_a_wrong_helm_binary_is_refused(argosy: Argosy, gitops: Path, name: str) -> None:
    result = argosy("validate", str(gitops), "--helm", name)
    assert result.code in {1, 2}
    assert "helm" in result.err
    assert not result.out


def test_a_program_that_is_no_helm_is_told(argosy: Argosy, gitops: Path) -> None:
    refused = argosy("validate", str(gitops), "--helm", shutil.which("false") or "false")
    assert refused.code == 1


def test_a_reader_that_goes_away_ends_it_quietly(process: Process, tmp_path: Path) -> None:
    write_files(tmp_path, {"bad.yaml": BAD})
    reader, writer = os.pipe()
    os.close(reader)
    result = process("validate", str(tmp_path), stdout=writer)
    os.close(writer)
    assert (result.code, result.err) == (1, "")


Start = Callable[..., Forked]
ENDLESS = {
    "base/Chart.yaml": "apiVersion: v2\nname: base\nversion: 1.0.0\n",
    "base/templates/_again.tpl": '{{ define "again" }}' + "{{ range until 1000 }}" * 4 + "{{ end }}" * 5,
    # Its dependency lies elsewhere, so that a copy is rendered.
    "web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n"
    "dependencies: [{name: base, version: 1.0.0, repository: 'file://../base'}]\n",
    "web/templates/pod.yaml": '{{ include "again" . }}\n',
    "other/Chart.yaml": "apiVersion: v2\nname: other\nversion: 1.0.0\n",
    "other/templates/pod.yaml": GOOD,
}


class TestRendersThatDoNotEnd:
    @pytest.fixture(autouse=True)
    def _charts(self, tmp_path: Path) -> None:
        write_files(tmp_path / "gitops", ENDLESS)

    @pytest.fixture
    def start(self, tmp_path: Path) -> Iterator[Start]:
        """Yield what starts an argosy whose renders have all the time in the world."""
        (tmp_path / "temporary").mkdir()
        environment = {**os.environ, "ARGOSY_RENDER_TIMEOUT": "1000000", "TMPDIR": str(tmp_path / "temporary")}
        started: list[Forked] = []

        def run(*arguments: str, **variables: str) -> Forked:
            started.append(Forked(["validate", "gitops", *arguments], cwd=tmp_path, env=environment | variables))
            return started[-1]

        yield run
        for each in started:
            each.kill()
            each.communicate()

    def test_are_findings_and_the_others_are_judged(self, argosy: Argosy, process: Process, tmp_path: Path) -> None:
        # On a busy machine a chart takes as long as is given here: what the other one gives is known before.
        write_files(tmp_path / "known", {path: text for path, text in ENDLESS.items() if path.startswith("base/")})
        argosy("validate", "known")
        result = process("validate", "gitops", "--output", "json", env={"ARGOSY_RENDER_TIMEOUT": "1"})
        (finding,) = json.loads(result.out)["findings"]
        assert (finding["rule"], finding["path"]) == ("helm-render", "web/Chart.yaml")
        assert finding["message"] == "Rendering did not end within 1 seconds."
        assert "ARGOSY_RENDER_TIMEOUT" in finding["hint"]
        assert json.loads(result.out)["summary"]["renders"] == 2

    def test_a_limit_that_cannot_be_meant_is_wrong_usage(self, process: Process) -> None:
        result = process("validate", "gitops", env={"ARGOSY_RENDER_TIMEOUT": "a minute"})
        assert result.code == 2
        assert "ARGOSY_RENDER_TIMEOUT is “a minute”, which is no number of seconds." in result.err

    @linux
    @pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
    def test_a_signal_ends_them(self, tmp_path: Path, start: Start, name: str, code: int) -> None:
        running = start()
        worker = busy_child(running.pid)
        until(lambda: list((tmp_path / "temporary").iterdir()))
        running.send_signal(signal.Signals[name])
        out, err = running.communicate(timeout=PATIENCE)
        assert (running.returncode, out) == (code, "")
        assert ("Interrupted." in err) == (name == "SIGINT")
        assert "Traceback" not in err
        until(lambda: gone(worker))
        assert not list((tmp_path / "temporary").iterdir())

    @linux
    def test_a_signal_ends_a_text_of_the_catalogue(self, tmp_path: Path, start: Start) -> None:
        shutil.rmtree(tmp_path / "gitops")
        write_files(tmp_path / "gitops", {**ENTRY, VALUES: ENDLESS_TEXT})
        running = start()
        worker = busy_child(running.pid)
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=PATIENCE)
        assert running.returncode == 143
        until(lambda: gone(worker))

    @linux
    @pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGKILL"])
    def test_a_signal_ends_a_rule_in_cel(self, tmp_path: Path, start: Start, name: str) -> None:
        schema = {
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": True,
            "x-kubernetes-validations": [{"rule": ENDLESS_RULE}],
        }
        version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
        spec = {"group": "shop.example.com", "scope": "Namespaced", "names": {"kind": "Shop", "plural": "shops"}}
        definition = {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "shops.shop.example.com"},
            "spec": {**spec, "versions": [version]},
        }
        shop = {"apiVersion": "shop.example.com/v1", "kind": "Shop", "metadata": {"name": "a", "namespace": "dev"}}
        files = yaml.safe_dump_all([definition, {**shop, "l": [*range(1000)], "s": "a"}])
        shutil.rmtree(tmp_path / "gitops")
        write_files(tmp_path / "gitops", {"shop.yaml": files})
        # Whoever is killed stops nothing: the worker does so itself when its time is over. Where the machine is so busy
        # that this comes before the signal, it gets more.
        for limit in ("1", "10", "100") if name == "SIGKILL" else ("1000000",):
            running = start(ARGOSY_RENDER_TIMEOUT=limit)
            worker = busy_child(running.pid)
            running.send_signal(signal.Signals[name])
            running.communicate(timeout=PATIENCE)
            if running.returncode != 1:
                break
        assert running.returncode == {"SIGTERM": 143, "SIGINT": 130, "SIGKILL": -9}[name]
        until(lambda: gone(worker))

    @linux
    def test_a_signal_that_the_system_gives_to_another_thread_ends_argosy_as_well(self, start: Start) -> None:
        running = start()
        worker = busy_child(running.pid)
        another = max(int(each.name) for each in Path(f"/proc/{running.pid}/task").iterdir())
        os.kill(another, signal.SIGTERM)
        running.communicate(timeout=PATIENCE)
        assert running.returncode == 143
        until(lambda: gone(worker))

    @linux
    def test_they_end_with_an_argosy_that_is_killed(self, start: Start) -> None:
        running = start()
        worker = busy_child(running.pid)
        running.kill()
        until(lambda: gone(worker))

    @linux
    def test_one_that_is_killed_is_a_finding(self, start: Start) -> None:
        running = start("--output", "json")
        os.kill(busy_child(running.pid), signal.SIGKILL)
        out, _ = running.communicate(timeout=PATIENCE)
        assert [each["message"] for each in json.loads(out)["findings"]] == ["The engine was killed."]

    @linux
    @pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
    def test_a_signal_ends_a_helm_binary_and_what_it_started(self, tmp_path: Path, start: Start, name: str) -> None:
        pid = tmp_path / "pid"
        (tmp_path / "helm").write_text(f"#!/bin/sh\nsleep 1000000 &\necho $! > {pid}.new\nmv {pid}.new {pid}\nwait\n")
        (tmp_path / "helm").chmod(0o755)
        running = start("--helm", str(tmp_path / "helm"))
        until(pid.exists)
        running.send_signal(signal.Signals[name])
        running.communicate(timeout=PATIENCE)
        until(lambda: gone(int(pid.read_text())))


def test_shards_are_put_together_by_report(argosy: Argosy, tmp_path: Path) -> None:
    bad = {f"gitops/{each}.yaml": BAD.replace("shop", each) for each in ("api", "jobs", "shop", "web")}
    write_files(tmp_path, bad)
    whole = argosy("validate", "gitops", "--output", "sarif")
    for index in "12":
        options = ("--repository", "gitops", "--report", f"json=out/{index}.json")
        told = argosy("validate", "--shard", f"{index}/2", *options)
        assert f"Shard {index} of 2. " in told.out
    merged = argosy("report", "--merge", "out/1.json", "out/2.json", "--output", "sarif", "--report", "junit=out/j.xml")
    assert (merged.code, merged.out) == (whole.code, whole.out) == (1, whole.out)
    assert len(ET.parse(tmp_path / "out/j.xml").findall(".//failure")) == 4
    for arguments, message in (
        (("report", "--merge", "out/1.json"), "Shard 2 of 2 is missing."),
        (("report", "--merge", "out/j.xml"), "out/j.xml is no JSON."),
        (("report", "--merge", "none.json"), "none.json cannot be read"),
        (("report", "out/1.json", "out/2.json"), "Say what to do with the reports."),
        (("validate", "--shard", "3/2"), "“3/2” is not I/N"),
        (("validate", "--shard", "1/2", "gitops/api.yaml"), "A shard is of the whole repository."),
    ):
        refused = argosy(*arguments)
        assert refused.code == 2
        assert message in refused.err


def test_only_what_changed_is_judged(argosy: Argosy, gitops: Path, git: Git) -> None:
    values = gitops / "environments/dev/my-app/values.yaml"
    valid = values.read_text()
    values.write_text("replicas: many\n")
    git(gitops, "commit", "--quiet", "--all", "--message", "Break dev")
    nothing = argosy("validate", str(gitops), "--changed-since", "HEAD")
    assert nothing.code == 0
    assert "What 0 changed files reach since HEAD" in nothing.out
    whole, since = argosy("validate", str(gitops)), argosy("validate", str(gitops), "--changed-since", "HEAD~1")
    assert (whole.code, since.code) == (1, 1)
    assert "What 1 changed file reaches since HEAD~1" in since.out
    assert "environments/dev/my-app/values.yaml" in since.out
    values.write_text(valid)
    assert argosy("validate", str(gitops), "--changed-since", "HEAD~1").code == 0
    for more in (("--shard", "1/2"), ("--update-baseline",)):
        assert argosy("validate", "--changed-since", "HEAD", *more).code == 2
    refused = argosy("validate", str(gitops), "--changed-since", "nothing")
    assert (refused.code, "There is no revision “nothing”." in refused.err) == (2, True)
