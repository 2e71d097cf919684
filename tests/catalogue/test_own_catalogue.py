"""A catalogue of the repository's own: it wins over argosy's, and its mistakes are found with file and line."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from argosy.catalogue import catalogue, sandbox
from argosy.errors import ArgosyError
from argosy.findings import Status
from argosy.validation.pipeline import validate
from tests.changing import model
from tests.children import children, linux
from tests.vendor import Vendor

ENTRY = Vendor("https://charts.example.com", Path()).entry()
COMPONENT, VALUES = ENTRY


def written(root: Path, files: Mapping[str, str | bytes]) -> Path:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def changed(path: str, old: str, new: str) -> dict[str, str]:
    assert old in ENTRY[path]
    return {**ENTRY, path: ENTRY[path].replace(old, new)}


def test_it_wins_over_argosys(tmp_path: Path) -> None:
    files = {path.replace("gizmo/", "reloader/"): text for path, text in ENTRY.items()}
    known = catalogue.load(written(tmp_path, files))
    assert (known["reloader"].summary, known["reloader"].own) == ("Makes gizmos.", True)
    assert not known["loki"].own
    assert catalogue.load()["reloader"].summary != "Makes gizmos."


def test_texts_know_environment_and_repository(tmp_path: Path) -> None:
    text = "[# none sees this #]\na: [[ repository.name ]]-[[ environment.name ]]\nb: {{ .Values.x }}\n"
    entry = catalogue.load(written(tmp_path, {**ENTRY, "catalogue/gizmo/manifests/x.yaml": text}))["gizmo"]
    repository = model(environments=("dev", "prod"))
    before, last = (dict(entry.files(repository, each)) for each in repository.environments)
    assert before["platform/dev/gizmo/values.yaml"] == b"replicas: 1\n"
    assert last["platform/prod/gizmo/values.yaml"] == b"replicas: 2\n"
    assert last["platform/prod/gizmo/manifests/x.yaml"] == b"a: gitops-prod\nb: {{ .Values.x }}\n"


def test_without_values_there_is_a_file_for_them(tmp_path: Path) -> None:
    entry = catalogue.load(written(tmp_path, {COMPONENT: ENTRY[COMPONENT]}))["gizmo"]
    repository = model()
    (text,) = entry.files(repository, repository.environments[0]).values()
    assert text.endswith(b"\n{}\n")


MISTAKES = [
    (changed(COMPONENT, "wave: -10", "wave: soon"), f"{COMPONENT}:4", "file-schema"),
    (changed(COMPONENT, "version: 1.0.0", "version: ^1.0"), f"{COMPONENT}:2", "file-schema"),
    (changed(COMPONENT, "namespace: gizmo", "namespace: Gizmo"), f"{COMPONENT}:3", "file-schema"),
    (changed(COMPONENT, "summary: Makes gizmos.", "summary: [Makes"), f"{COMPONENT}:2", "yaml-syntax"),
    (changed(COMPONENT, "wave: -10", "wave: -10\nneeds:\n  - loky"), f"{COMPONENT}:6", "catalogue-entry"),
    (changed(VALUES, "environment", "enviroment"), f"{VALUES}:1", "catalogue-entry"),
    (changed(VALUES, "replicas", "a: 1\n[% if x %]\nreplicas"), f"{VALUES}:3", "catalogue-entry"),
    (changed(VALUES, "replicas", "a: {b\nreplicas"), f"{VALUES}:1", "catalogue-entry"),
    (
        {path.replace("gizmo/", "Gizmo/"): text for path, text in ENTRY.items()},
        "Gizmo/component.yaml:1",
        "catalogue-entry",
    ),
    ({**ENTRY, VALUES: b"replicas: \xff\n"}, f"{VALUES}:1", ""),
]


@pytest.mark.parametrize(("files", "place", "rule"), MISTAKES, ids=range(len(MISTAKES)))
def test_mistakes_are_found(tmp_path: Path, files: Mapping[str, str | bytes], place: str, rule: str) -> None:
    report = validate(written(tmp_path, files))
    found = [(f"{each.path}:{each.line}", each.rule) for each in report.findings]
    assert any(where.endswith(place) and (not rule or each == rule) for where, each in found), found


@pytest.mark.parametrize(("files", "place", "rule"), MISTAKES[:5], ids=range(5))
def test_no_command_works_with_mistakes(tmp_path: Path, files: Mapping[str, str], place: str, rule: str) -> None:
    with pytest.raises(ArgosyError, match=rf"^{place}: \S"):
        catalogue.load(written(tmp_path, files))


def test_a_text_that_cannot_be_rendered_is_told(tmp_path: Path) -> None:
    repository = model()
    entry = catalogue.load(written(tmp_path, changed(VALUES, "environment", "enviroment")))["gizmo"]
    with pytest.raises(ArgosyError, match=rf"^{VALUES}:1: 'enviroment' is undefined"):
        entry.files(repository, repository.environments[0])


def test_texts_are_no_manifests(tmp_path: Path) -> None:
    text = "apiVersion: v1\nkind: Service\nspec: [[ environment.name ]]\n"
    report = validate(written(tmp_path, {**ENTRY, "catalogue/gizmo/manifests/service.yaml": text}))
    assert {each.path: each.status for each in report.outcomes} == {
        COMPONENT: Status.PASSED,
        VALUES: Status.PASSED,
        "catalogue/gizmo/manifests/service.yaml": Status.PASSED,
    }


def test_renovate_knows_each_version_of_argosys_catalogue() -> None:
    root = Path(__file__).parents[2]
    managers = json.loads((root / "renovate.json").read_text())["customManagers"]
    for name, entry in catalogue.load().items():
        path = entry.folder / "component.yaml"
        found: dict[str, dict[str, str]] = {}
        for manager in managers:
            (files,), (pattern,) = manager["managerFilePatterns"], manager["matchStrings"]
            assert re.search(files.strip("/"), path.relative_to(root).as_posix())
            match = re.search(pattern.replace("(?<", "(?P<"), path.read_text())
            found |= {manager["datasourceTemplate"]: match.groupdict()} if match else {}
        component = entry.component
        oci = "://" not in component.repo_url
        place = {"registry" if oci else "registryUrl": component.repo_url}
        expected = {**place, "depName": component.chart, "currentValue": component.version}
        assert found == {"docker" if oci else "helm": expected}, name


def test_texts_reach_nothing_but_what_they_know(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("token: sesame\n")
    texts = {
        "class.yaml": "a: [[ ''.__class__.__mro__[1].__subclasses__() ]]\n",
        "globals.yaml": "a: [[ cycler.__init__.__globals__.os.environ ]]\n",
        "long.yaml": "[% for each in range(10 ** 9) %]a[% endfor %]\n",
        "zero.yaml": "a: [[ 1 / 0 ]]\n",
    }
    root = tmp_path / "gitops"
    written(root, {**ENTRY, **{f"catalogue/gizmo/manifests/{name}": text for name, text in texts.items()}})
    (root / "catalogue/gizmo/manifests/link.yaml").symlink_to("../../../../secret.yaml")
    (root / "catalogue/thief").symlink_to("../..")
    found = {each.path.rpartition("/")[2] for each in catalogue.mistakes(root)}
    assert found == texts.keys()
    for name in texts:
        (root / "catalogue/gizmo/manifests" / name).unlink()
    entry = catalogue.load(root)["gizmo"]
    assert not any(b"sesame" in text for text in entry.files(model(), model().environments[0]).values())


LAUGHS = "a0: &a0 [0]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
ENDLESS = "[% for a in range(99999) %][% for b in range(99999) %][% endfor %][% endfor %]\n"


@linux
def test_texts_that_never_end_or_need_too_much_are_one_finding_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {
        "large.yaml": ("a: [[ 'x' * 10 ** 10 ]]\n", "needs more than 1024 MB of memory"),
        "long.yaml": ("a: [[ 'x' * 4 * 10 ** 7 ]]\n", "gives more than 32 MB"),
        "laughs.yaml": (LAUGHS, "not YAML: its aliases expand to more than"),
    }
    written(tmp_path, {**ENTRY, **{f"catalogue/gizmo/manifests/{name}": text for name, (text, _) in texts.items()}})
    found = {each.path.rpartition("/")[2]: each.message for each in catalogue.mistakes(tmp_path)}
    assert found.keys() == texts.keys()
    assert [name for name, (_, why) in texts.items() if why not in found[name]] == [], found
    entry = catalogue.load(written(tmp_path, {VALUES: ENDLESS}))["gizmo"]
    monkeypatch.setenv("ARGOSY_RENDER_TIMEOUT", "0.1")
    with pytest.raises(ArgosyError, match=rf"^{VALUES}: Rendering did not end within 0.1 seconds"):
        entry.files(model(), model().environments[0])
    written(tmp_path, {f"catalogue/gizmo/manifests/{name}": ENDLESS for name in texts})
    told = [each.message for each in catalogue.mistakes(tmp_path)]
    assert [each.startswith("It was not rendered: ") for each in told] == [False, True, True, True], told


@linux
def test_texts_are_rendered_without_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "sesame")
    assert sandbox.rendered_apart("[[ a ]]", {"a": 1}) == "1"
    environments = [Path(f"/proc/{pid}/environ") for pid, _ in children(os.getpid())]
    assert environments
    assert not any(b"sesame" in each.read_bytes() for each in environments)
