"""What the folders say: the model."""

from __future__ import annotations

from itertools import cycle, product
from pathlib import Path

import pytest

from argosy.errors import ArgosyError
from argosy.repository import store
from argosy.repository.model import ArgocdStyle, CiHost, Environment, Format, RevisionStyle
from argosy.template import versions
from tests.changing import commit, create, edit, model


# A format is said by each application, the styles by the answers: neither is read with the other.
@pytest.mark.parametrize(("form", "styles"), [*zip(Format, cycle(product(RevisionStyle, ArgocdStyle)), strict=False)])
def test_what_was_written_is_read(tmp_path: Path, form: Format, styles: tuple[RevisionStyle, ArgocdStyle]) -> None:
    environments = ("dev", "1st", "prod")
    wanted = model(("api", "web"), environments, form=form, revision=styles[0], argocd=styles[1])
    root = create(tmp_path / "gitops", wanted)
    assert store.load(root) == store.Stored(wanted, versions.current().version)
    assert store.load_at(root, "HEAD") == store.load(root)


def test_a_setting_that_is_younger_than_the_repository(tmp_path: Path) -> None:
    root = create(tmp_path / "gitops", hosted := model(ci=CiHost.GITHUB, follow_up=True))
    assert store.load(root).repository == hosted
    edit(root, ".copier-answers.yml", "follow_up: true\n", "")
    assert store.load(root).repository == model(ci=CiHost.GITHUB)


def test_folders_are_the_list(tmp_path: Path) -> None:
    root = create(tmp_path / "gitops")
    (root / "environments/empty/web").mkdir(parents=True)
    (root / "environments/.hidden").mkdir()
    (root / "environments/dev/notes").mkdir()
    (root / "applications/no-settings").mkdir()
    (root / ".git/info/exclude").write_text("*.local\n")
    for left in ("environments/gone/web", "environments/dev/old", "applications/gone"):
        (root / left).mkdir(parents=True)
        (root / left / "mine.local").write_text("what git ignores stays behind\n")
    (root / ".git/info/exclude").write_text("*.local\n/environments/scratch/\n")
    (root / "environments/scratch").mkdir()
    (root / "environments/scratch/notes.yaml").write_text("what: is tried out\n")
    assert store.load(root).repository == model()
    (root / "environments/dev/web").rename(root / "environments/dev/elsewhere")
    (root / "environments/dev/web/templates").mkdir(parents=True)  # As Git leaves behind what it removed.
    assert [each.applications for each in store.load(root).repository.environments] == [(), ("web",)]
    assert store.load_at(root, "HEAD").repository == model()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", ""),
        ("b a", "a b"),
        ("prod<dev dev", "dev prod"),
        ("prod<qa qa<dev dev", "dev qa prod"),
        ("a z<a b y<b", "a z b y"),
        ("z<a y<a x<y a", "a y x z"),
        ("prod<gone dev", "dev prod"),
        ("a<b b<a", "a b"),
        ("c<c b", "b c"),
        ("first b<c c<b d<c", "first b c d"),
    ],
)
def test_promotion_order(given: str, expected: str) -> None:
    parts = [each.partition("<") for each in given.split()]
    made = [Environment(f"e-{name}", promotes_from=f"e-{origin}" if origin else "") for name, _, origin in parts]
    assert [each.name.removeprefix("e-") for each in store.promotion_order(made)] == expected.split()


def test_what_a_user_asks_for(tmp_path: Path) -> None:
    root = create(tmp_path / "gitops")
    for path in ("README.md", "environments/dev/environment.yaml", ".copier-answers.yml"):
        (root / path).write_text((root / path).read_text() + "# edited\n")
    (root / "environments/dev/web/new.yaml").write_text("")
    (root / "notes.txt").write_text("")
    (root / "environments/prod/web/service.yaml").unlink()
    assert store.asked(root) == {
        ".copier-answers.yml",
        "environments/dev/environment.yaml",
        "environments/dev/web/new.yaml",
        "environments/prod/web/service.yaml",
    }


def test_no_model_there(tmp_path: Path) -> None:
    root = create(tmp_path / "gitops")
    commit(root, {".copier-answers.yml": None})
    with pytest.raises(ArgosyError, match=f"{root} is not an argosy repository"):
        store.load(root)
    with pytest.raises(ArgosyError, match=f"At HEAD: {root} is not an argosy repository"):
        store.load_at(root, "HEAD")
    assert store.load_at(root, "HEAD~1").repository == model()
