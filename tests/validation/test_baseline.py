"""The baseline: what a repository had before does not fail it, and only what is new does."""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ET
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.conftest import Argosy
from tests.validating import write_files
from tests.validation.test_causes import CHART, DEPLOYMENT, OVERLAYS, application, applications

BASELINE = ".argosy-baseline.yaml"
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: shop}
spec:
  containers:
    - name: shop
      image: nginx
  contaners: []
"""
SECRET = "hunter2-is-no-number"


def report(argosy: Argosy, *arguments: str) -> tuple[int, list[tuple[str, str]], int]:
    """Return the exit code, rule and path of what is found, and how much is known."""
    done = argosy("validate", "--output", "json", *arguments)
    told = json.loads(done.out)
    assert told["summary"]["known"] == len(told["known"])
    return done.code, sorted((each["rule"], each["path"]) for each in told["findings"]), len(told["known"])


def test_only_what_is_new_fails(argosy: Argosy, tmp_path: Path) -> None:
    write_files(tmp_path, {"apps/pod.yaml": POD})
    assert argosy("validate").code == 1
    made = argosy("validate", "--update-baseline")
    assert (made.code, made.err) == (0, f"{BASELINE}: 2 added, 0 removed, 0 kept.\n")
    assert "0 errors, 0 warnings; 2 known, in the baseline\nValid.\n" in made.out
    head, _, entries = (tmp_path / BASELINE).read_text().partition("findings:\n")
    assert entries == (
        "  - rule: image-tag\n    path: apps/pod.yaml\n    resource: Pod/shop\n    field: spec.containers.shop.image\n"
        "  - rule: kubernetes-schema\n    path: apps/pod.yaml\n    resource: Pod/shop\n    field: spec.contaners\n"
    )
    # An edit above it, another container before it, and a reason, a date and a comment beside it.
    first = "    - {name: first, image: 'nginx:1.29.3'}\n"
    edited = "# One\n# more\n---\n" + POD.replace("    - name", first + "    - name")
    own = entries.replace("image\n", "image\n    reason: a sandbox # for now\n    expires: 2999-12-31\n\n", 1)
    own = own.replace("  - rule: kub", "  # Who did this?\n  - rule: kub")
    write_files(tmp_path, {"apps/pod.yaml": edited, BASELINE: head + "findings:\n" + own})
    assert report(argosy) == (0, [], 2)
    assert "apps/pod.yaml:11: a sandbox: The image" in argosy("validate", "--verbose").out
    # The same mistake in another object, and one more in this one, are new.
    write_files(tmp_path, {"apps/other.yaml": POD.replace("shop", "web"), "apps/pod.yaml": edited + "  volums: []\n"})
    new = ("kubernetes-schema", "apps/pod.yaml")
    other = [("image-tag", "apps/other.yaml"), ("kubernetes-schema", "apps/other.yaml")]
    assert report(argosy) == (1, [*other, new], 2)
    (tmp_path / "apps/other.yaml").unlink()
    # What is fixed is told, with its line, and goes; the rest stays as it was written.
    write_files(tmp_path, {"apps/pod.yaml": edited.replace("  contaners: []\n", "")})
    line = (head + "findings:\n" + own).split("\n").index("  - rule: kubernetes-schema") + 1
    told = argosy("validate")
    assert told.code == 0
    assert f"{BASELINE}:{line}: warning: kubernetes-schema is not found any more at apps/pod.yaml Pod/shop" in told.out
    assert argosy("validate", "--update-baseline").err == f"{BASELINE}: 0 added, 1 removed, 1 kept.\n"
    kept = (tmp_path / BASELINE).read_text()
    assert kept == head + "findings:\n" + own[: own.index("  # Who")]
    assert argosy("validate", "--update-baseline", "--quiet").err == ""
    assert (tmp_path / BASELINE).read_text() == kept
    # A repository without sins, and one that sins again.
    write_files(
        tmp_path, {"apps/pod.yaml": edited.replace("  contaners: []\n", "").replace("nginx\n", "nginx:1.29.3\n")}
    )
    argosy("validate", "--update-baseline")
    assert (tmp_path / BASELINE).read_text() == head + "findings: []\n"
    write_files(tmp_path, {"apps/pod.yaml": POD})
    argosy("validate", "--update-baseline")
    assert (tmp_path / BASELINE).read_text() == head + "findings:\n" + entries


def test_it_is_written_over_no_link(argosy: Argosy, tmp_path: Path) -> None:
    write_files(tmp_path, {"gitops/pod.yaml": POD, "victim": "mine"})
    (tmp_path / "gitops" / f"{BASELINE}.new").symlink_to("../victim")
    argosy("validate", "--repository", "gitops", "--update-baseline")
    assert "rule: image-tag" in (tmp_path / "gitops" / BASELINE).read_text()
    assert (tmp_path / "victim").read_text() == "mine"
    assert len([*(tmp_path / "gitops").iterdir()]) == 3


@pytest.mark.parametrize(("days", "code"), [(0, 0), (-1, 1)])
def test_after_its_date_a_finding_fails_again(argosy: Argosy, tmp_path: Path, days: int, code: int) -> None:
    write_files(tmp_path, {"pod.yaml": POD})
    argosy("validate", "--update-baseline")
    until = date.today() + timedelta(days=days)
    text = (tmp_path / BASELINE).read_text() + f"    expires: {until}\n"
    write_files(tmp_path, {BASELINE: text})
    done = argosy("validate")
    assert done.code == code
    assert (f"It was known until {until}: its entry in {BASELINE}:8 expired." in done.out) == bool(code)
    # No update gives it more time.
    assert argosy("validate", "--update-baseline").code == code
    assert (tmp_path / BASELINE).read_text() == text


def test_more_of_the_same_in_one_place_is_new(argosy: Argosy, tmp_path: Path) -> None:
    twice = "a: {x: 1, x: 2}\nb: {x: 1, x: 2}\n"
    write_files(tmp_path, {"values.yaml": twice})
    argosy("validate", "--update-baseline")
    assert (tmp_path / BASELINE).read_text().endswith("  - rule: duplicate-key\n    path: values.yaml\n    count: 2\n")
    write_files(tmp_path, {"values.yaml": twice + "c: {x: 1, x: 2}\n"})
    done = argosy("validate")
    assert (done.code, done.out.count(f"There are 3 of these, and {BASELINE}:4 knows 2.")) == (1, 3)
    write_files(tmp_path, {"values.yaml": twice.replace("b: {x: 1, x: 2}\n", "")})
    assert "duplicate-key is found 1 times at values.yaml, and no more 2 times." in argosy("validate").out
    argosy("validate", "--update-baseline")
    assert report(argosy) == (0, [], 1)
    assert "count" not in (tmp_path / BASELINE).read_text()


def test_a_cause_stays_known_wherever_it_shows(argosy: Argosy, tmp_path: Path) -> None:
    wrong = DEPLOYMENT.replace("Always", "Sometimes")
    files = {**OVERLAYS, **applications("path: overlays/{env}"), "base/deployment.yaml": wrong}
    broken = {**files, "base/config.yaml": "a: [\n", "base/kustomization.yaml": "resources: [deployment.yaml]\n"}
    write_files(tmp_path, broken)
    argosy("validate", "--update-baseline", "--unreached")
    assert report(argosy, "--unreached") == (0, [], 2)
    # What was not checked is not called fixed, and stays.
    assert report(argosy) == (0, [], 1)
    before = (tmp_path / BASELINE).read_text()
    argosy("validate", "--update-baseline")
    assert (tmp_path / BASELINE).read_text() == before
    # Another environment with the same base has nothing new, but its Application may.
    source = "path: overlays/qa, helm: {valueFiles: [x.yaml]}"
    write_files(
        tmp_path,
        {
            "overlays/qa/kustomization.yaml": "resources: [../../base]\nnamePrefix: qa-\n",
            "argocd/qa.yaml": application("qa", source),
        },
    )
    code, found, known = report(argosy)
    assert (code, known) == (1, 1)
    assert {path for _, path in found} == {"argocd/qa.yaml"}


def test_what_is_not_rendered_any_more_is_not_called_fixed(argosy: Argosy, tmp_path: Path) -> None:
    template = "charts/shop/templates/config-map.yaml"
    bad = CHART[template].replace("\ndata:", "\ndta:")
    write_files(tmp_path, {**CHART, **applications("path: charts/shop"), template: bad})
    argosy("validate", "--update-baseline")
    before = (tmp_path / BASELINE).read_text()
    assert report(argosy) == (0, [], 1)
    write_files(tmp_path, {"charts/shop/templates/fails.yaml": '{{ fail "no" }}\n'})
    code, found, _ = report(argosy)
    assert (code, [rule for rule, _ in found]) == (1, ["helm-render"])
    argosy("validate", "--update-baseline")
    assert before.partition("findings:\n")[2] in (tmp_path / BASELINE).read_text()


def test_the_same_mistake_in_the_values_of_another_environment_is_new(argosy: Argosy, tmp_path: Path) -> None:
    template = "charts/shop/templates/config-map.yaml"
    bad = CHART[template] + "{{ if eq (int .Values.replicas) 2 }}dta: {}{{ end }}\n"
    sources = {each: f"path: charts/shop, helm: {{valuesObject: {{replicas: {each}}}}}" for each in (1, 2)}
    dev = {"argocd/dev.yaml": application("dev", sources[2])}
    write_files(
        tmp_path, {**CHART, **applications(sources[1].replace("{", "{{").replace("}", "}}")), **dev, template: bad}
    )
    argosy("validate", "--update-baseline")
    assert report(argosy) == (0, [], 1)
    assert (tmp_path / BASELINE).read_text().endswith("    field: dta\n    application: shop\n    environment: dev\n")
    write_files(tmp_path, {"argocd/prod.yaml": application("prod", sources[2])})
    assert report(argosy) == (1, [("kubernetes-schema", template)], 1)


def test_nothing_that_files_hold_is_in_it(argosy: Argosy, tmp_path: Path) -> None:
    secret = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: db}}\nstringData: {{password: {SECRET}}}\n"
    pod = POD.replace("contaners: []", f"hostNetwork: {SECRET}").replace(
        "image: nginx", f"image: '{SECRET}:{SECRET}:x'"
    )
    token = "ghp_" + "a1B2" * 9
    named = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {token}}}\nstringData: {{'https://a:b1c2d3e4@x.io': z}}\n"
    write_files(tmp_path, {"pod.yaml": pod, "secret.yaml": secret, "named.yaml": named})
    argosy("validate", "--update-baseline")
    text = (tmp_path / BASELINE).read_text()
    assert token not in text
    assert "b1c2d3e4" not in text
    assert argosy("validate").code == 0
    assert "secret-in-git" in text
    assert "spec.hostNetwork" in text
    assert SECRET not in text


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("findings:\n  - rule: [\n", f"{BASELINE}:3: "),
        ("findings:\n  - rule: image-tag\n", f"{BASELINE}:2: findings[0]: "),
        ("findings:\n  - rule: a\n    path: b\n    reson: c\n", f"{BASELINE}:4: "),
        ("findings:\n  - rule: a\n    path: b\n    expires: soon\n", f"{BASELINE}:4: findings[0].expires"),
        ("findings:\n  - rule: a\n    path: b\n    expires: 2027-02-30\n", f"{BASELINE}:4: “2027-02-30” is no date."),
        (
            "findings:\n  - {rule: a, path: b}\n  - {rule: a, path: b, reason: c}\n",
            f"{BASELINE}:3: the same entry is in line 2",
        ),
        ("findings: []\n---\nfindings: []\n", f"{BASELINE}:3: a second document begins"),
        ("", f"{BASELINE}:1: it is empty"),
        ("<<<<<<< ours\nfindings: []\n", f"{BASELINE}:"),
    ],
)
def test_a_baseline_that_is_none_is_told_before_anything(argosy: Argosy, tmp_path: Path, text: str, error: str) -> None:
    write_files(tmp_path, {"pod.yaml": POD, BASELINE: text})
    for arguments in ((), ("--update-baseline",)):
        done = argosy("validate", *arguments)
        assert (done.code, done.out) == (2, "")
        assert error in done.err
    assert (tmp_path / BASELINE).read_text() == text


def test_where_it_is(argosy: Argosy, tmp_path: Path) -> None:
    write_files(tmp_path, {"pod.yaml": POD, ".argosy.yaml": "baseline: checks/known.yml\n"})
    missing = argosy("validate")
    assert (missing.code, missing.out) == (2, "")
    assert "There is no baseline checks/known.yml. It is set in .argosy.yaml." in missing.err
    argosy("validate", "--update-baseline")
    # The file is one of argosy's by its use, so that nobody asks for its schema.
    assert report(argosy, "--strict") == (0, [], 2)
    (tmp_path / "checks/known.yml").rename(tmp_path / "mine.yaml")
    assert report(argosy, "--baseline", "mine.yaml") == (0, [], 2)
    assert argosy("validate", "--baseline", "gone.yaml").code == 2
    assert argosy("validate", "--update-baseline", "pod.yaml").code == 2
    outside = tmp_path.parent / f"{tmp_path.name}-outside.yaml"
    outside.write_text("findings: []\n")
    (tmp_path / "link.yaml").symlink_to(os.path.relpath(outside, tmp_path))
    for named in (f"../{outside.name}", str(outside), "link.yaml", ".git/x.yaml", "known.json"):
        write_files(tmp_path, {".argosy.yaml": f"baseline: {named}\n"})
        refused = argosy("validate", "--update-baseline")
        assert (refused.code, refused.out, "set in .argosy.yaml" in refused.err) == (2, "", True), named
    assert outside.read_text() == "findings: []\n"


def test_an_entry_that_refers_to_another_is_kept_with_what_it_says(argosy: Argosy, tmp_path: Path) -> None:
    flow = (
        "findings: [{rule: kubernetes-schema, path: pod.yaml, resource: Pod/shop, field: spec.contaners,"
        " reason: &why 'y'}, {rule: gone, path: x, reason: *why},"
        " {rule: image-tag, path: pod.yaml, resource: Pod/shop, field: spec.containers.shop.image, reason: *why}]\n"
    )
    write_files(tmp_path, {"pod.yaml": POD, BASELINE: flow})
    assert "There is no rule “gone”." in argosy("validate").out
    assert argosy("validate", "--update-baseline").err == f"{BASELINE}: 0 added, 1 removed, 2 kept.\n"
    block = "findings:\n  - rule: image-tag\n    path: pod.yaml\n    resource: Pod/shop\n"
    assert block in (tmp_path / BASELINE).read_text()
    assert {each["reason"] for each in json.loads(argosy("validate", "--output", "json").out)["known"]} == {"y"}
    text = (tmp_path / BASELINE).read_text().replace('reason: "y"', "reason: &a\n      y is\n      # it\n", 1)
    write_files(tmp_path, {BASELINE: text.replace('reason: "y"', "reason: *a")})
    write_files(tmp_path, {"pod.yaml": POD.replace("image: nginx", "image: nginx:1.29.3")})
    assert argosy("validate", "--update-baseline").code == 0
    assert [each["reason"] for each in json.loads(argosy("validate", "--output", "json").out)["known"]] == ["y is"]


def test_every_format_has_them_apart(argosy: Argosy, tmp_path: Path) -> None:
    write_files(tmp_path, {"pod.yaml": POD})
    argosy("validate", "--update-baseline")
    write_files(tmp_path, {BASELINE: (tmp_path / BASELINE).read_text() + "    reason: an old sin\n"})
    write_files(tmp_path, {"new.yaml": POD.replace("nginx", "nginx:1.29.3").replace("shop", "web")})
    results = json.loads(argosy("validate", "--output", "sarif").out)["runs"][0]["results"]
    states = {
        (each["ruleId"], each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]): (
            each["baselineState"],
            [suppression.get("justification") for suppression in each["suppressions"]],
        )
        for each in results
    }
    assert states == {
        ("kubernetes-schema", "new.yaml"): ("new", []),
        ("kubernetes-schema", "pod.yaml"): ("unchanged", ["an old sin"]),
        ("image-tag", "pod.yaml"): ("unchanged", [None]),
    }
    github = argosy("validate", "--output", "github").out
    assert github.count("::error") == 1
    assert "::error file=new.yaml" in github
    assert "1 error, 0 warnings; 2 known, in the baseline" in github
    suites = ET.fromstring(argosy("validate", "--output", "junit").out)
    cases = {each.get("name"): each for each in suites.iter("testcase")}
    assert suites.get("failures") == "1"
    assert cases["new.yaml"].find("failure") is not None
    assert "Known, in the baseline: pod.yaml:8: error" in (cases["pod.yaml"].findtext("system-out") or "")
