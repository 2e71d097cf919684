"""Who owns which file, and what became of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.change import ownership
from argosy.change.ownership import FileStatus, Owner, State
from argosy.repository import layout, store
from argosy.repository.model import WRITTEN_HERE, ArgocdStyle, CiHost, Format
from tests.changing import commit, create, edit, git, model


@pytest.mark.parametrize("style", list(ArgocdStyle))
@pytest.mark.parametrize("form", WRITTEN_HERE)
def test_nobody_has_edited_a_new_repository(tmp_path: Path, form: Format, style: ArgocdStyle) -> None:
    root = create(tmp_path / "gitops", model(form=form, argocd=style))
    found = ownership.files(root, store.load(root))
    assert {each.state for each in found} == {State.UNCHANGED}
    assert {each.owner for each in found} == {Owner.TEMPLATE, Owner.SEEDED}
    assert [each.path for each in found] == sorted(git(root, "ls-files").split())


@pytest.mark.parametrize("ci", list(CiHost))
def test_nobody_has_edited_new_code_owners_of_any_host(tmp_path: Path, ci: CiHost) -> None:
    root = create(tmp_path / "gitops", model(ci=ci))
    [found] = ownership.files(root, store.load(root), layout.CODEOWNERS.__contains__)
    assert (found.owner, found.state) == (Owner.SEEDED, State.UNCHANGED)


def test_a_seeded_file_is_compared_with_what_it_was_when_it_came(tmp_path: Path) -> None:
    root = create(tmp_path / "gitops")
    path = "environments/dev/web/deployment.yaml"

    def state() -> State:
        [found] = ownership.files(root, store.load(root), path.__eq__)
        assert found == FileStatus(path, Owner.SEEDED, found.state)
        return found.state

    edit(root, path, "replicas: 1", "replicas: 4")
    assert state() is State.EDITED
    commit(root)
    assert state() is State.EDITED
    text = (root / path).read_text()
    commit(root, {path: None})
    assert state() is State.DELETED
    commit(root, {path: text})
    assert state() is State.UNCHANGED


def test_an_executable_bit_is_an_edit(tmp_path: Path) -> None:
    root = create(tmp_path / "gitops")
    (root / "README.md").chmod(0o755)
    [found] = ownership.files(root, store.load(root), "README.md".__eq__)
    assert found.state is State.EDITED
