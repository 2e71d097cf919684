"""What a promotion is merged against."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.errors import ArgosyError
from argosy.git import asked_once
from argosy.git.objects import Blob
from argosy.git.snapshot import Snapshot
from argosy.promotion import deployment, lines, promoting, trailers
from argosy.promotion.history import Baseline, Comparison, Edge, History, Place
from argosy.promotion.states import State
from tests.changing import git

FOLDER = "environments/prod/web"
OTHERS = ("environment.yaml", "api/values.yaml", "jobs/values.yaml")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with two environments."""
    root = tmp_path / "gitops"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    put(root, {f"environments/{name}/web/values.yaml": "a: 1\n" for name in ("dev", "prod")})
    return root


def put(root: Path, files: dict[str, str | None], message: str = "Edit") -> str:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).unlink() if content is None else (root / path).write_text(content)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(root, "rev-parse", "HEAD").strip()


def compared(root: Path, source: str = "dev", tips: tuple[str, str] = ("HEAD", "HEAD")) -> Comparison:
    with asked_once():
        states = tuple(Snapshot.of(root, each) for each in tips)
        (found,) = History(root).compare([Edge("web", source, "prod", (states[0], states[1]))])
    if isinstance(found, ArgosyError):
        raise found
    return found


def found(root: Path) -> tuple[str, str, str]:
    made = compared(root).baseline
    return made.source, made.target, made.since


def test_without_a_promotion_it_is_where_the_folder_came(repository: Path) -> None:
    first = git(repository, "rev-parse", "HEAD").strip()
    put(repository, {f"{FOLDER}/more.yaml": "b: 1\n"})
    assert found(repository) == (first, first, "web came to prod")
    put(repository, {f"{FOLDER}/values.yaml": None, f"{FOLDER}/more.yaml": None, f"{FOLDER}/new.yaml": "c: 1\n"})
    assert found(repository)[0] == first
    put(repository, {f"{FOLDER}/new.yaml": None})
    back = put(repository, {f"{FOLDER}/values.yaml": "a: 2\n"})
    assert found(repository)[0] == back


def test_after_a_promotion(repository: Path) -> None:
    source = put(repository, {"environments/dev/web/values.yaml": "a: 2\n"})
    made = put(repository, {f"{FOLDER}/values.yaml": "a: 2\n"}, f"Go\n\nArgosy-Promotion: web dev -> prod {source}")
    put(repository, {"environments/dev/web/values.yaml": "a: 3\n"})
    assert found(repository) == (source, made, "the last promotion")
    assert compared(repository, "staging").baseline.source == made


@pytest.mark.parametrize("origin", ["", "f" * 40])
def test_an_origin_that_is_not_known(repository: Path, origin: str) -> None:
    made = put(repository, {f"{FOLDER}/values.yaml": "a: 2\n"}, f"Go\n\nArgosy-Promotion: web dev -> prod {origin}")
    assert found(repository) == (made, made, "the last promotion")


def test_an_origin_on_another_branch(repository: Path) -> None:
    fork = git(repository, "rev-parse", "HEAD").strip()
    git(repository, "branch", "dev")
    put(repository, {f"{FOLDER}/values.yaml": "a: 2\n"}, "Go\n\nArgosy-Promotion: web dev -> prod")
    git(repository, "switch", "--quiet", "dev")
    there = put(repository, {"environments/dev/web/values.yaml": "a: 3\n"})
    made = compared(repository, tips=(there, "main"))
    assert (made.baseline.source, made.start is None) == (fork, False)


def test_after_a_rollback(repository: Path) -> None:
    first = git(repository, "rev-parse", "HEAD").strip()
    source = put(repository, {"environments/dev/web/values.yaml": "a: 2\n"})
    one = put(repository, {f"{FOLDER}/values.yaml": "a: 2\n"}, f"Go\n\nArgosy-Promotion: web dev -> prod {source}")
    put(repository, {f"{FOLDER}/values.yaml": "a: 3\n"}, f"Go\n\nArgosy-Promotion: web dev -> prod {one}")
    back = put(repository, {f"{FOLDER}/values.yaml": "a: 2\n"}, f"Back\n\nArgosy-Rollback: web prod {one}")
    assert found(repository) == (source, back, "the last rollback")
    back = put(repository, {f"{FOLDER}/values.yaml": "a: 1\n"}, f"Back\n\nArgosy-Rollback: web prod {source}")
    assert found(repository) == (first, back, "the last rollback")


@pytest.mark.parametrize("depth", [1, 2])
def test_a_shallow_clone(repository: Path, tmp_path: Path, depth: int) -> None:
    source = put(repository, {"environments/dev/web/values.yaml": "a: 2\n"})
    put(repository, {f"{FOLDER}/values.yaml": "a: 2\n"}, f"Go\n\nArgosy-Promotion: web dev -> prod {source}")
    if depth == 2:
        put(repository, {"README.md": "More\n"})
    git(tmp_path, "clone", "--quiet", f"--depth={depth}", f"file://{repository}", "shallow")
    with pytest.raises(ArgosyError, match="does not reach back") as raised:
        found(tmp_path / "shallow")
    assert "--unshallow" in raised.value.hint


@pytest.mark.parametrize(
    ("tells", "is_promotion"), [("Promotion: web dev ->", True), ("Rollback: web", False), ("", False)]
)
def test_what_a_promotion_left_different_is_meant_to_be(repository: Path, tells: str, is_promotion: bool) -> None:
    put(repository, {f"{FOLDER}/values.yaml": "a: 2\n"}, f"Change\n\nArgosy-{tells} prod" if tells else "Edit")
    record = next(iter(trailers.records(repository)), None)
    assert (record is None) is (not tells)
    assert Baseline("", "", "", record).is_promotion is is_promotion


def promote_to_prod(root: Path, application: str, value: int) -> str:
    source = put(root, {f"environments/dev/{application}/values.yaml": f"a: {value}\nb: 1\n"})
    said = f"Go\n\nArgosy-Promotion: {application} dev -> prod {source}"
    return put(root, {f"environments/prod/{application}/values.yaml": f"a: {value}\nb: 1\n"}, said)


def rename(root: Path, old: str, new: str) -> None:
    for environment in ("dev", "prod"):
        git(root, "mv", f"environments/{environment}/{old}", f"environments/{environment}/{new}")
    put(root, {})


def told(root: Path, application: str) -> list[str]:
    with asked_once():
        tip = Snapshot.of(root, "HEAD").commit
        return [each.commit for each in History(root).in_force(Place(tip, application, "prod"))]


def test_a_renamed_application_keeps_its_history(repository: Path) -> None:
    one, two = (promote_to_prod(repository, "web", value) for value in (2, 3))
    rename(repository, "web", "shop")
    rename(repository, "shop", "store")
    assert told(repository, "store") == [two, one]
    states = (Snapshot.of(repository, "HEAD"),) * 2
    (found,) = History(repository).compare([Edge("store", "dev", "prod", states)])
    assert isinstance(found, Comparison)
    assert (found.baseline.target, found.baseline.places) == (two, (("web", "dev"), ("web", "prod")))
    assert [each["values.yaml"] for each in found.sides] == [b"a: 3\nb: 1\n"] * 4
    three = promote_to_prod(repository, "store", 4)
    assert told(repository, "store") == [three, two, one]
    place = Place(Snapshot.of(repository, "HEAD").commit, "store", "prod")
    history = History(repository)
    goal = promoting.goal(history, place, steps=2)
    made = promoting.roll_back(place, Snapshot.of(repository, "HEAD"), goal, promoting.Answers(), history)
    assert made.written == {"environments/prod/store/values.yaml": Blob("100644", b"a: 2\nb: 1\n")}
    # What has the former name now is another application, and has its own history.
    put(repository, {f"environments/{name}/web/values.yaml": "a: 9\n" for name in ("dev", "prod")})
    assert (told(repository, "web"), told(repository, "store")) == ([], [three, two, one])
    four = promote_to_prod(repository, "web", 8)
    assert told(repository, "web") == [four]


def test_a_renamed_environment_keeps_its_history(repository: Path) -> None:
    # Many applications have the same files.
    put(repository, {f"environments/{name}/{other}": "a: 1\n" for name in ("dev", "prod") for other in OTHERS})
    one = promote_to_prod(repository, "web", 2)
    for old, new in (("dev", "development"), ("prod", "production")):
        git(repository, "mv", f"environments/{old}", f"environments/{new}")
        put(repository, {})
    tip = Snapshot.of(repository, "HEAD")
    history, place = History(repository), Place(tip.commit, "web", "production")
    assert [each.commit for each in history.in_force(place)] == [one]
    (found,) = history.compare([Edge("web", "development", "production", (tip, tip))])
    assert isinstance(found, Comparison)
    assert (found.baseline.target, found.baseline.places) == (one, (("web", "dev"), ("web", "prod")))
    assert [each["values.yaml"] for each in found.sides] == [b"a: 2\nb: 1\n"] * 4
    (found,) = history.compare([Edge("api", "development", "production", (tip, tip))])
    assert isinstance(found, Comparison)
    assert [each["values.yaml"] for each in found.sides] == [b"a: 1\n"] * 4
    made = promoting.roll_back(place, tip, promoting.goal(history, place), promoting.Answers(), history)
    assert made.written == {"environments/production/web/values.yaml": Blob("100644", b"a: 1\n")}


@pytest.mark.parametrize("renamed", ["application", "environment"])
def test_a_rollback_to_a_commit_before_a_rename(repository: Path, renamed: str) -> None:
    one = promote_to_prod(repository, "web", 2)
    if renamed == "application":
        rename(repository, "web", "shop")
        two, application, environment = promote_to_prod(repository, "shop", 3), "shop", "prod"
    else:
        put(repository, {"environments/prod/environment.yaml": "a: 1\n"})
        git(repository, "mv", "environments/prod", "environments/production")
        put(repository, {})
        application, environment = "web", "production"
        said = f"Go\n\nArgosy-Promotion: web dev -> production {one}"
        two = put(repository, {"environments/production/web/values.yaml": "a: 3\nb: 1\n"}, said)
    tip = Snapshot.of(repository, "HEAD")
    history, place = History(repository), Place(two, application, environment)
    goal = promoting.goal(history, place, to=one)
    assert [each.commit for each in goal.undone] == [two]
    made = promoting.roll_back(place, tip, goal, promoting.Answers(), history)
    values = f"environments/{environment}/{application}/values.yaml"
    assert made.written == {values: Blob("100644", b"a: 2\nb: 1\n")}


def test_a_rollback_that_only_a_title_tells_of_holds_after_a_rename(repository: Path) -> None:
    put(repository, {"environments/prod/environment.yaml": "a: 1\n"})
    for title, value in (("Promote web from dev to prod (#1)", 2), ("Promote web from dev to prod (#2)", 3)):
        put(repository, {f"{FOLDER}/values.yaml": f"a: {value}\n"}, title)
    put(repository, {f"{FOLDER}/values.yaml": "a: 2\n"}, "Roll web back in prod (#3)")
    before = told(repository, "web")
    assert len(before) == 1
    git(repository, "mv", "environments/prod", "environments/production")
    tip = put(repository, {})
    assert [each.commit for each in History(repository).in_force(Place(tip, "web", "production"))] == before


def test_an_application_that_is_added_again_begins_anew(repository: Path) -> None:
    promote_to_prod(repository, "web", 2)
    put(repository, {f"environments/{name}/web/values.yaml": None for name in ("dev", "prod")})
    put(repository, {f"environments/{name}/web/values.yaml": "other: x\n" for name in ("dev", "prod")})
    assert told(repository, "web") == []
    assert found(repository) == (*(Snapshot.of(repository, "HEAD").commit,) * 2, "web came to prod")
    # A promotion that was made on a branch, and came with a merge.
    git(repository, "switch", "--quiet", "--create", "topic")
    made = promote_to_prod(repository, "web", 3)
    git(repository, "switch", "--quiet", "main")
    git(repository, "merge", "--quiet", "--no-ff", "topic")
    assert told(repository, "web") == [made]


def test_an_application_that_is_added_again_as_it_was_begins_anew_too(repository: Path) -> None:
    made = promote_to_prod(repository, "web", 2)
    held = (repository / FOLDER / "values.yaml").read_text()
    for message, kept in (
        ("Bring web back", [made]),
        ("Catch up\n\nArgosy-Change: Add shop, web", []),
        ("Add web (#2)", []),
    ):
        put(repository, {f"{FOLDER}/values.yaml": None})
        put(repository, {f"{FOLDER}/values.yaml": held}, message)
        assert told(repository, "web") == kept


@pytest.mark.parametrize("promoted", [True, False])
def test_an_application_that_comes_back_as_it_was_goes_on(repository: Path, promoted: bool) -> None:
    put(repository, {"environments/dev/web/values.yaml": "a: 1\nb: 1\n", f"{FOLDER}/values.yaml": "a: 1\nb: 1\n"})
    start = found(repository)
    one = promote_to_prod(repository, "web", 2) if promoted else ""
    put(repository, {"environments/dev/web/values.yaml": "a: 3\nb: 1\n"})
    before = compared(repository)
    git(repository, "rm", "-r", "--quiet", FOLDER)
    put(repository, {}, "Remove web from prod")
    git(repository, "revert", "--no-edit", "HEAD")
    after = compared(repository)
    assert (after.baseline, after.sides) == (before.baseline, before.sides)
    assert told(repository, "web") == [one] * promoted
    assert promoted or found(repository) == start
    # And back to a name that it had before.
    rename(repository, "web", "shop")
    two = promote_to_prod(repository, "shop", 4)
    rename(repository, "shop", "web")
    assert told(repository, "web") == [two, one][: 1 + promoted]


def test_the_line_is_read_for_all_applications_at_once(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("web", "api", "jobs", "cart")
    put(repository, {f"environments/{to}/{name}/values.yaml": "a: 1\n" for name in names for to in ("dev", "prod")})
    put(repository, {f"environments/prod/{name}/values.yaml": "a: 2\n" for name in names})
    reads, read = list[str](), lines.read

    def counted(root: Path, tip: str, *folders: str) -> lines.Line:
        reads.append(tip)
        return read(root, tip, *folders)

    monkeypatch.setattr(lines, "read", counted)
    history, tip = History(repository), Snapshot.of(repository, "HEAD")
    found = history.compare([Edge(name, "dev", "prod", (tip, tip)) for name in names])
    assert [[both[1] for both in history.later(each)] for each in found if isinstance(each, Comparison)] == [
        [{"values.yaml": b"a: 2\n"}]
    ] * len(names)
    assert len(reads) <= 2


def state_of(repository: Path, revision: str = "HEAD") -> State:
    return History(repository).state(Snapshot.of(repository, revision))


def test_links_are_followed_within_the_repository(repository: Path) -> None:
    def link(name: str, to: str) -> None:
        (repository / FOLDER / name).symlink_to(to)

    put(repository, {f"{FOLDER}/.keep": "", "shared/prod/values.yaml": "s: 1\n"})
    (repository / FOLDER / "values.yaml").unlink()
    (repository / "linked").symlink_to("shared")
    link("values.yaml", "../../../linked/prod/values.yaml")
    link("outside.yaml", "../../../../elsewhere.yaml")
    link("folder", "../../../shared")
    link("again.yaml", ".keep")
    put(repository, {})
    before = {".keep": b"", "values.yaml": b"s: 1\n"}
    assert deployment.files(state_of(repository), "web", "prod", present=True) == before
    # What it was at another commit is what it led to there.
    then = Snapshot.of(repository, "HEAD").commit
    put(repository, {"shared/prod/values.yaml": "s: 2\n"})
    history = History(repository)
    units = deployment.units("web", "prod")
    assert deployment.files(history.units({(then, unit) for unit in units})[then], "web", "prod") == before
    assert state_of(repository).read(f"{FOLDER}/values.yaml") == b"s: 2\n"
    # Only of values and kustomizations tools know the names.
    (repository / FOLDER / "values.yaml").unlink()
    link("values.yaml", "../../../../values.yaml")
    put(repository, {})
    assert "values.yaml" not in deployment.files(state_of(repository), "web", "prod")
    with pytest.raises(ArgosyError, match=r"^environments/prod/web/values\.yaml is a symbolic link to \.\./"):
        deployment.files(state_of(repository), "web", "prod", present=True)


def test_files(repository: Path) -> None:
    (repository / FOLDER / "link.yaml").symlink_to("values.yaml")
    (repository / FOLDER / "below").mkdir()
    put(repository, {f"{FOLDER}/below/more.yaml": "b: 1\n", "environments/prod/webber/values.yaml": "c: 1\n"})
    state = state_of(repository)
    assert deployment.files(state, "web", "prod") == {"values.yaml": b"a: 1\n", "below/more.yaml": b"b: 1\n"}
    assert deployment.modes(state, "web", "prod")["link.yaml"] == "120000"


@pytest.mark.parametrize(
    ("source", "remote"),
    [
        ("source: {chart: nginx, repoURL: 'https://charts.example.com', targetRevision: 1.0.0}", True),
        ("sources: [{path: a}, {chart: nginx}]", True),
        ("source: {path: environments/prod/web}", False),
        ("source: 3", False),
    ],
)
def test_a_remote_chart(repository: Path, source: str, remote: bool) -> None:
    application = f"kind: Application\nspec:\n  {source}\n".encode()
    state = state_of(repository).with_files({"argocd/prod/web.yaml": Blob("100644", application)})
    held = deployment.files(state, "web", "prod")
    assert (held.get("Application.yaml") == application) is remote
    assert deployment.path_of("Application.yaml", "web", "prod") == "argocd/prod/web.yaml"


def test_what_is_in_force(repository: Path) -> None:
    def promote(number: int) -> str:
        return put(repository, {}, f"{number}\n\nArgosy-Promotion: web dev -> prod")

    def back(to: str) -> None:
        put(repository, {}, f"Back\n\nArgosy-Rollback: web prod {to}")

    def standing() -> list[str]:
        tip = git(repository, "rev-parse", "HEAD").strip()
        return [each.subject for each in History(repository).in_force(Place(tip, "web", "prod"))]

    start = git(repository, "rev-parse", "HEAD").strip()
    first = promote(1)
    promote(2)
    assert standing() == ["2", "1"]
    back(first)
    assert standing() == ["1"]
    promote(3)
    assert standing() == ["3", "1"]
    back(start)
    assert standing() == []
    promote(4)
    assert standing() == ["4"]
