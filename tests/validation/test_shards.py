"""The shards of a repository, put together, say what one validation of it says, to the byte."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from argosy.errors import UsageError
from argosy.findings import Report, Status
from argosy.reporting import Options, OutputFormat, format_report
from argosy.rules import catalogue
from argosy.rules.registry import Scope, files_of
from argosy.validation import baseline, judged, pipeline
from argosy.validation.parts import Shard, of_file
from tests.validating import write_files
from tests.validation.test_causes import CHART, DEPLOYMENT, OVERLAYS, SCHEMA, application, applications

SHOWN = Options(version="1.0.0", verbose=True)
BASE = DEPLOYMENT.replace("Always", "Sometimes").replace("nginx:1.29.3", "nginx")
UNREAD = {"base/extra.yaml": "a: [\n", "base/kustomization.yaml": "resources: [deployment.yaml, extra.yaml]\n"}
KNOWN = """\
findings:
  - {rule: image-tag, path: base/deployment.yaml, resource: Deployment/shop, field: spec.template.spec.containers.shop.image, count: 9}
  - {rule: image-tag, path: base/gone.yaml, resource: Deployment/shop}
  - {rule: resource-twice, path: base/deployment.yaml, resource: Deployment/shop, field: metadata.name, expires: 2020-01-01}
"""  # noqa: E501


MANY = 4
"""Shards of a repository in which nearly all that is compared is apart."""


def _of_many_rules() -> dict[str, str]:
    """Return the bad examples of rules as one repository, in which each Application reads its own folder.

    A rule of one document asks nothing of another: some of those are enough.
    """
    found: dict[str, str] = {}
    alone = [rule.id for rule in catalogue.ordered() if rule.scope is Scope.DOCUMENT]
    for rule in catalogue.ordered():
        if "# link:" in rule.bad or "# git:" in rule.bad or "# edited:" in rule.bad or rule.id in alone[5:]:
            continue
        # What two files or Applications have to do with each other shows where they are apart.
        moved = [_moved(rule.bad, f"{rule.id}{number}") for number in range(9)]
        apart = max(moved, key=_apart)
        found |= apart
    return found


def _moved(example: str, folder: str) -> dict[str, str]:
    return {
        f"{folder}/{path}": re.sub(r"path: (apps|charts)/", rf"path: {folder}/\1/", text)
        for path, text in files_of(example).items()
        if not path.startswith((".", "environments/", "platform/", "catalogue/", "applications/"))
    }


def _apart(files: Mapping[str, str]) -> int:
    """Return in how many shards the files and the Applications of an example are."""
    owners = [of_file(path) for path in files]
    for path, text in files.items():
        names = re.findall(r"(?s)kind: Application\n.*?name: (\S+?)[,}\n]", text)
        owners += [f"application {path}:{index}:{name}" for index, name in enumerate(names)]
    return len({index for index in range(1, MANY + 1) if any(map(Shard(index, MANY).has, owners))})


REPOSITORIES: Mapping[str, Mapping[str, str]] = {
    "a base in three overlays": {
        **OVERLAYS,
        **applications("path: overlays/{env}"),
        "base/deployment.yaml": BASE,
        ".argosy-baseline.yaml": KNOWN,
        "notes/unreached.yaml": "a: 1\n",
    },
    "a base that cannot be read": {**OVERLAYS, **UNREAD, **applications("path: overlays/{env}")},
    "a chart and its schema": {
        **CHART,
        "charts/shop/values.schema.json": SCHEMA,
        "charts/shop/values.yaml": "replicas: 1\nversion: 1.10\n",
        **applications("path: charts/shop, helm: {{valueFiles: [/values-{env}.yaml]}}"),
        **{f"values-{each}.yaml": "replicas: many\n" for each in ("dev", "prod")},
        ".argosy.yaml": "ignore: [{rule: helm-advice, reason: a test}, {rule: nothing, reason: none}]\n",
    },
    "Applications out of a chart": {
        **CHART,
        "charts/shop/templates/bad.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bad}\ndta: {}\n",
        "apps/Chart.yaml": "apiVersion: v2\nname: apps\nversion: 1.0.0\n",
        "apps/templates/apps.yaml": '{{- range list "a" "b" "c" "d" }}\n---\n'
        + application("N", "path: charts/shop").replace("shop-N", "{{ . }}").replace("environment: N", "environment: x")
        + "{{- end }}\n",
        "argocd/root.yaml": application("root", "path: apps").replace("shop-root'", "argocd'"),
    },
    "many rules": _of_many_rules(),
}


def shards(root: Path, count: int) -> Iterator[tuple[str, Report]]:
    """Yield the report of each shard."""
    for index in range(1, count + 1):
        chosen = pipeline.Options(part=Shard(index, count), baseline=baseline.find(root))
        yield f"{index}.json", pipeline.validate(root, chosen)


def as_read(report: Report) -> object:
    """Return the part of a report that merging reads, as it is in a file."""
    return json.loads(format_report(report, OutputFormat.JSON, SHOWN))["shard"]


@pytest.mark.parametrize("name", REPOSITORIES)
def test_shards_together_are_the_whole(name: str, tmp_path: Path) -> None:
    write_files(tmp_path, REPOSITORIES[name])
    whole = pipeline.validate(tmp_path, pipeline.Options(baseline=baseline.find(tmp_path)))
    assert whole.findings
    expected = {form: format_report(whole, form, SHOWN) for form in OutputFormat}
    # One, fewer than there are Applications, and more.
    for count in (MANY,) if name == "many rules" else (1, 2, 5):
        found = dict(shards(tmp_path, count))
        merged = judged.together({name: as_read(each) for name, each in found.items()}).report()
        for form, text in expected.items():
            assert format_report(merged, form, SHOWN) == text
        # Each document is in one of them, and so is what compares several.
        documents = [len(each.outcomes) for each in found.values()]
        assert sum(documents) == len(whole.outcomes)
        assert sum(each.count(Status.PASSED) for each in found.values()) >= whole.count(Status.PASSED)
        if name == "many rules":
            assert max(documents) < len(whole.outcomes)


def test_what_is_no_shard_or_not_of_the_same_state_is_refused(tmp_path: Path) -> None:
    write_files(tmp_path, REPOSITORIES["a base in three overlays"])
    one, two, three = ((name, as_read(report)) for name, report in shards(tmp_path, 3))
    (tmp_path / "base/deployment.yaml").write_text(DEPLOYMENT)
    other = ("other.json", as_read(dict(shards(tmp_path, 3))["3.json"]))
    for parts, message in (
        ([one, two], "Shard 3 of 3 is missing."),
        ([one, two, three, ("again.json", two[1])], "again.json and 2.json are both shard 2 of 3."),
        ([one, two, other], "other.json and 1.json are not shards of one validation."),
        ([one, ("odd.json", {})], 'odd.json is no report of a shard: the required field "index" is missing.'),
    ):
        with pytest.raises(UsageError) as refused:
            judged.together(dict(parts))
        assert refused.value.message == message
        assert refused.value.hint


def test_a_report_that_somebody_made_up_is_refused_whatever_is_in_it(tmp_path: Path) -> None:
    write_files(tmp_path, REPOSITORIES["a base in three overlays"])
    ((_, report),) = shards(tmp_path, 1)
    for change, message in (
        ({"of": 10**12}, "Shard 2 of 1000000000000 is missing."),
        ({"index": 0}, "x.json is no report of a shard: index: must be at least 1, not 0."),
        ({"found/0/message": 5}, "x.json is no report of a shard: found[0].message: must be text, not 5."),
        ({"found/0/line": "5"}, "found[0].line: must be"),
        ({"found/0/also": [{"path": "a"}]}, 'found[0].also[0]: the required field "line" is missing.'),
        (
            {"found/0/rule": "of-tomorrow"},
            "x.json has a finding of the rule “of-tomorrow”, which argosy does not have.",
        ),
        ({"outcomes": {"first": {}}}, "x.json is no report of a shard: outcomes.first: "),
        ({"outcomes": []}, "x.json is no report of a shard: outcomes: must be a mapping, not "),
        ({"baseline/entries/0/expires": "soon"}, "x.json is no report of a shard: Invalid isoformat string: 'soon'."),
        ({"baseline/entries/0/key": ["path"]}, "x.json is no report of a shard: baseline.entries[0].key: "),
        ({"layers": {"a.yaml": 5}}, "x.json is no report of a shard: layers"),
    ):
        part = as_read(report)
        for where, value in change.items():
            *above, last = [int(each) if each.isdecimal() else each for each in where.split("/")]
            holder: Any = part
            for each in above:
                holder = holder[each]
            holder[last] = value
        with pytest.raises(UsageError) as refused:
            judged.together({"x.json": part})
        assert message in refused.value.message
