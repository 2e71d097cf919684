"""Differences are those between both states rendered whole, by the official tools."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argosy import difference
from argosy.git import asked_once
from argosy.repository.model import WRITTEN_HERE, ArgocdStyle, Format
from tests import goldens
from tests.changing import commit, create, git, model
from tests.difference import oracle

TAG = "1.29.3-alpine"
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {}\ndata:\n  key: a\n"
COMMON = "applications/common/base"
Edit = tuple[str, Callable[[str], str | None]]
"""A path, and what becomes of the text there; nothing where it is new, None where it goes."""


def rewritten(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text, f"There is no {old!r} any more: name something else to change."
        return text.replace(old, new)

    return change


def gone(_: str) -> None:
    return None


EDITS: Mapping[Format, list[Edit]] = {
    Format.HELM: [
        ("environments/dev/web/values.yaml", rewritten(TAG, "2")),
        ("environments/prod/web/values.yaml", rewritten("replicaCount: 3", "replicaCount: 4")),
        ("environments/dev/shop/values.yaml", rewritten(TAG, "3")),
        ("environments/dev/values.yaml", lambda text: text + "\npriorityClassName: high\n"),
        ("environments/dev/common/values.yaml", rewritten("LEVEL: info", "LEVEL: debug")),
        ("applications/shop/charts/shop/values.yaml", rewritten("revisionHistoryLimit: 3", "revisionHistoryLimit: 5")),
        ("applications/web/charts/web/templates/service.yaml", gone),
        ("applications/web/charts/web/templates/new.yaml", lambda _: CONFIG_MAP.format("new")),
        ("applications/web/charts/web/README.md", lambda _: "Web\n"),
    ],
    Format.KUSTOMIZE: [
        ("environments/dev/web/kustomization.yaml", rewritten(TAG, "2")),
        ("environments/prod/web/kustomization.yaml", rewritten("count: 3", "count: 4")),
        ("environments/dev/shop/kustomization.yaml", rewritten(TAG, "3")),
        ("environments/dev/shop/patch.yaml", rewritten("64Mi", "65Mi")),
        ("applications/web/base/deployment.yaml", rewritten("maxSurge: 1", "maxSurge: 2")),
        (f"{COMMON}/config.yaml", rewritten("key: a", "key: b")),
        (f"{COMMON}/unused.yaml", lambda _: CONFIG_MAP.format("unused")),
        ("environments/prod/web/extra.yaml", rewritten("key: a", "key: c")),
    ],
    Format.MANIFESTS: [
        ("environments/dev/web/deployment.yaml", rewritten(TAG, "2")),
        ("environments/prod/web/deployment.yaml", rewritten("replicas: 3", "replicas: 4")),
        ("environments/dev/shop/service.yaml", gone),
        ("environments/dev/shop/new.yaml", lambda _: CONFIG_MAP.format("new")),
        ("environments/prod/shop/deployment.yaml", rewritten("\n", "\n\n")),
    ],
}
ANYWHERE: list[Edit] = [
    ("README.md", lambda text: f"{text}\nMore.\n"),
    ("CODEOWNERS", gone),
    ("environments/staging/README.md", lambda _: "Soon\n"),
    ("argocd/prod/project.yaml", rewritten("kind: Deployment}", "kind: StatefulSet}")),
]


def entangled(root: Path, form: Format, style: ArgocdStyle) -> Path:
    """Return a repository in which applications read each other's files, as people have them do."""
    create(root, model(("shop", "web"), form=form, argocd=style))
    if form is Format.HELM:
        link = root / "environments/prod/shop/values.yaml"
        link.unlink()
        link.symlink_to("../../dev/shop/values.yaml")
        (root / "environments/dev/common").mkdir()
        (root / "environments/dev/common/values.yaml").write_text("config:\n  LEVEL: info\n")
        own = "        - /environments/dev/web/values.yaml\n"
        application = root / "argocd/dev/web.yaml"
        if application.exists():
            more = own.replace("web/", "common/") + own
            application.write_text(application.read_text().replace(own, more))
    if form is Format.KUSTOMIZE:
        (root / COMMON).mkdir(parents=True)
        (root / COMMON / "config.yaml").write_text(CONFIG_MAP.format("common"))
        (root / COMMON / "kustomization.yaml").write_text("resources: [config.yaml]\n")
        _refer(root, "environments/dev/shop", f"../../../{COMMON}")
        _refer(root, "environments/prod/web", "extra.yaml")
        _refer(root, "environments/prod/shop", "../../dev/web")
        (root / "environments/prod/web/extra.yaml").write_text(CONFIG_MAP.format("extra"))
    commit(root)
    return root


def _refer(root: Path, folder: str, target: str) -> None:
    file = root / folder / "kustomization.yaml"
    text = file.read_text()
    assert "resources:\n" in text
    file.write_text(text.replace("resources:\n", f"resources:\n  - {target}\n"))


@pytest.mark.parametrize("name", [name for name in goldens.NAMES if name != goldens.HASHED])
def test_a_whole_repository_is_rendered_as_by_the_tools(name: str, tmp_path: Path, binary: Path) -> None:
    root = create(tmp_path / "gitops", goldens.model(name))
    expected = oracle.deployed(root, binary)
    assert expected
    with asked_once():
        found = difference.of_work_tree(root)
    assert {application: state(found[application]) for application in expected} == expected
    assert {each.application for each in found.values() if not each.skipped} == {*expected, "root"}


def state(deployed: difference.Deployed) -> dict[oracle.Resource, str]:
    """Return what is deployed as the oracle has it."""
    assert not deployed.faults
    return {
        (this.group, this.kind, this.namespace, this.name): json.dumps(manifest, sort_keys=True)
        for this, manifest in deployed.manifests.items()
    }


@pytest.fixture(scope="module", params=[(form, style) for form in WRITTEN_HERE for style in ArgocdStyle], ids="-".join)
def repository(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, binary: Path
) -> tuple[Path, oracle.State, list[Edit]]:
    """Return a repository with what it deploys, and what people may do to it."""
    form, style = request.param
    root = entangled(tmp_path_factory.mktemp("agreement") / "gitops", form, style)
    edits = [*EDITS[form], *ANYWHERE]
    if style is ArgocdStyle.APPLICATIONS:
        edits += [("argocd/prod/shop.yaml", gone), ("argocd/dev/web.yaml", rewritten("web-dev", "elsewhere"))]
    return root, oracle.deployed(root, binary), edits


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_differences_are_those_of_both_sides_rendered_whole(
    repository: tuple[Path, oracle.State, list[Edit]], binary: Path, data: st.DataObject
) -> None:
    root, before, edits = repository
    git(root, "checkout", "--quiet", ".")
    git(root, "clean", "-dfq")
    chosen = data.draw(st.lists(st.sampled_from(edits), min_size=1, max_size=3, unique_by=lambda edit: edit[0]))
    for path, change in chosen:
        _apply(root / path, change)
    expected = oracle.changes(before, oracle.deployed(root, binary))
    with asked_once():
        found = difference.between(difference.head(root), difference.work_tree(root))
    assert not found.faults
    told = {
        (each.application, tuple(resource.identity[:4]), resource.kind.value)
        for each in found.applications
        for resource in each.resources
        if resource.identity.group != "argoproj.io"
    }
    assert told == expected
    assert found.rendered >= len({name for name, _, _ in expected})


def _apply(path: Path, change: Callable[[str], str | None]) -> None:
    text = change(path.read_text() if path.exists() else "")
    if text is None:
        path.unlink()
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
