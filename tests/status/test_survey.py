"""How far each deployment is behind, in every format, on a trunk and on branches."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.git import asked_once
from argosy.repository import store
from argosy.repository.model import WRITTEN_HERE, Format, RevisionStyle
from argosy.status import survey
from argosy.status.matrix import Lag, Matrix
from argosy.status.report import UNREAD, Report, Template, of_lag, phrases, summary
from argosy.template import creation
from tests.changing import commit, create, edit, git, model, rendered
from tests.conftest import Argosy
from tests.status.stories import NEW, OLD, bump, head, path, promoted, rolled_back

CHAIN = ("dev", "staging", "prod")


def read(root: Path) -> Matrix:
    with asked_once():
        return survey.of(root, store.load(root).repository)


def lag(root: Path, environment: str, application: str = "web") -> Lag:
    found = read(root).deployments[application, environment].lag
    assert found is not None
    return found


def versions(root: Path) -> list[str]:
    return [str(each.version) for each in read(root).deployments.values()]


def keys(lag: Lag) -> tuple[list[str], list[str], list[str]]:
    """Return the keys that would move, those set by hand, and the undecided ones."""
    parts = (lag.moving, lag.drifted, lag.undecided)
    return tuple([each.key.path[-1] for each in part] for part in parts)  # type: ignore[return-value]


@pytest.mark.parametrize("form", WRITTEN_HERE)
def test_a_version_on_its_way_to_production(form: Format, tmp_path: Path) -> None:
    root = create(tmp_path / "gitops", model(environments=CHAIN, form=form))
    assert not read(root).is_behind
    bump(root, path("dev", form))
    commit(root, {"README.md": "more"})
    assert versions(root) == [NEW, OLD, OLD]
    behind = lag(root, "staging")
    assert (len(behind.moving), behind.commits, behind.drifted, behind.undecided) == (1, 1, [], [])
    assert behind.since is not None
    assert not lag(root, "prod").size
    first = promoted(root, path("staging", form), ("dev", "staging"))
    assert versions(root) == [NEW, NEW, OLD]
    assert (lag(root, "staging").size, lag(root, "staging").commits) == (0, 0)
    assert (lag(root, "prod").size, lag(root, "prod").commits) == (1, 1)
    found = read(root).deployments["web", "staging"].last
    assert found is not None
    assert found.commit == first


def test_what_is_set_by_hand_is_no_lag(tmp_path: Path) -> None:
    form = Format.KUSTOMIZE
    root = create(tmp_path / "gitops", model(form=form))
    bump(root, path("prod", form), new="1.0.0")
    assert (lag(root, "prod").size, len(lag(root, "prod").drifted), lag(root, "prod").undecided) == (0, 1, [])
    bump(root, path("dev", form))
    assert (lag(root, "prod").size, len(lag(root, "prod").drifted), lag(root, "prod").undecided) == (0, 1, [])
    assert read(root).is_behind


def test_what_someone_has_to_decide_on_is_counted_apart(tmp_path: Path) -> None:
    root = create(tmp_path / "gitops", model(form=Format.HELM))
    edit(root, path("dev", Format.HELM), "service:", "config: {NEW: '1'}\n\nservice:")
    edit(root, path("dev", Format.HELM), OLD, NEW)
    commit(root)
    assert keys(lag(root, "prod")) == (["tag"], [], ["config"])


def test_a_rollback_is_where_the_two_met_last(tmp_path: Path) -> None:
    root = create(tmp_path / "gitops")
    before = head(root)
    bump(root, path("dev"))
    promoted(root, path("prod"), ("dev", "prod"))
    rolled_back(root, path("prod"), "prod", before)
    assert (lag(root, "prod").size, lag(root, "prod").drifted) == (1, [])
    last = read(root).deployments["web", "prod"].last
    assert last is not None
    assert last.step.kind == "rollback"


def test_a_promotion_that_was_merged(tmp_path: Path) -> None:
    root = create(tmp_path / "gitops")
    git(root, "switch", "--quiet", "--create", "topic")
    origin = bump(root, path("dev"))
    promoted(root, path("prod"), ("dev", "prod"), origin=origin)
    git(root, "switch", "--quiet", "main")
    commit(root, {"README.md": "x"})
    git(root, "merge", "--quiet", "--no-ff", "--no-edit", "topic")
    assert lag(root, "prod").size == 0
    bump(root, path("dev"), old=NEW, new="1.31.0")
    bump(root, path("dev"), old="1.31.0", new="1.32.0")
    assert lag(root, "prod").size == 1
    assert lag(root, "prod").commits == 3, "the merge is one: its branch was promoted from, and merged later"


def test_the_commit_that_was_promoted_may_be_gone(tmp_path: Path) -> None:
    root = create(tmp_path / "gitops")
    bump(root, path("dev"))
    promoted(root, path("prod"), ("dev", "prod"), origin="1234567890" * 4)
    assert lag(root, "prod").size == 0


def branches(tmp_path: Path, form: Format = Format.MANIFESTS) -> Path:
    root = tmp_path / "gitops"
    repository = model(form=form, revision=RevisionStyle.BRANCH)
    creation.create(root, rendered(repository), branch="main", branches=("dev", "prod"))
    git(root, "switch", "--quiet", "dev")
    return root


def test_each_environment_is_read_from_its_own_branch(tmp_path: Path) -> None:
    form = Format.HELM
    root = branches(tmp_path, form)
    origin = bump(root, path("dev", form))
    edit(root, path("prod", form), OLD, "9.9.9")  # Nobody deploys what dev's branch says of prod.
    commit(root)
    assert versions(root) == [NEW, OLD]
    assert (lag(root, "prod").size, lag(root, "prod").commits) == (1, 1)
    git(root, "switch", "--quiet", "prod")
    edit(root, path("dev", form), OLD, NEW)
    promoted(root, path("prod", form), ("dev", "prod"), origin=origin)
    assert versions(root) == [NEW, NEW]
    assert (lag(root, "prod").size, lag(root, "prod").commits) == (0, 0)


def test_a_branch_brings_what_the_environments_share(tmp_path: Path) -> None:
    root = branches(tmp_path, Format.HELM)
    values = "applications/web/charts/web/values.yaml"
    commit(root, {values: (root / values).read_text() + "\n# more\n"})
    # It counts once, as a file.
    assert (lag(root, "prod").files, lag(root, "prod").size, lag(root, "prod").commits) == ([values], 1, 1)
    git(root, "switch", "--quiet", "prod")
    assert lag(root, "prod").files == [values]
    commit(root, {values: (root / values).read_text() + "\n# another\n"})
    found = lag(root, "prod")
    assert ([each.key.file for each in found.undecided], found.size) == (["charts/web/values.yaml"], 0)
    commit(root, {values: (root / values).read_text().replace("# another", "# more")})
    assert (lag(root, "prod").files, lag(root, "prod").undecided) == ([], [])


def test_branches_of_origin_do(tmp_path: Path) -> None:
    bump(branches(tmp_path), path("dev"))
    git(tmp_path, "clone", "--quiet", "--branch", "dev", "gitops", "clone")
    found = read(tmp_path / "clone")
    assert [each.tip.name for each in found.columns] == ["dev", "origin/prod"]
    assert versions(tmp_path / "clone") == [NEW, OLD]


def test_a_branch_that_is_not_there(tmp_path: Path) -> None:
    root = branches(tmp_path)
    git(root, "branch", "--quiet", "--delete", "--force", "prod")
    found = read(root)
    assert "“prod”" in found.columns[1].tip.remark
    assert list(found.deployments) == [("web", "dev")]
    assert summary(found) == "1 deployment: prod could not be read."
    assert [each.name for each in found.unread] == ["prod"]
    assert phrases(Report(root, found, Template("", "")), "web", "prod") == [UNREAD]


def test_a_tag_is_a_revision_too(tmp_path: Path) -> None:
    root = create(tmp_path / "gitops")
    git(root, "tag", "v1")
    edit(root, "environments/prod/environment.yaml", 'revision: "main"', 'revision: "v1"')
    bump(root, path("prod"))
    assert versions(root) == [OLD, OLD]
    assert read(root).columns[1].tip.name == "v1"


def test_a_shallow_clone_says_that_it_cannot_tell(tmp_path: Path) -> None:
    root = create(tmp_path / "gitops")
    bump(root, path("dev"))
    git(tmp_path, "clone", "--quiet", "--depth=1", root.as_uri(), "shallow")
    assert "--unshallow" in lag(tmp_path / "shallow", "prod").unknown


@pytest.mark.parametrize("style", RevisionStyle)
def test_the_number_of_processes_does_not_grow(
    argosy: Argosy, style: RevisionStyle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts, trace = set(), tmp_path / "trace"
    for number in (1, 3):
        names = tuple(f"app-{each}" for each in range(number))
        repository = model(names, CHAIN, revision=style)
        root = tmp_path / str(number)
        on_branches = CHAIN if style is RevisionStyle.BRANCH else ()
        creation.create(root, rendered(repository), branch="main", branches=on_branches)
        for source, target in (("dev", "staging"), ("staging", "prod")):
            for name in names:
                _travel(root, style, name, source, target)
        monkeypatch.setenv("GIT_TRACE2_EVENT", str(trace))
        assert argosy("status", "--repository", str(root)).code == 0
        monkeypatch.delenv("GIT_TRACE2_EVENT")
        counts.add(trace.read_text().count('"event":"start"'))
        trace.unlink()
        assert sum(each.size for each in _lags(root)) == 0
    assert len(counts) == 1, counts


def _lags(root: Path) -> list[Lag]:
    return [each.lag for each in read(root).deployments.values() if each.lag]


def _travel(root: Path, style: RevisionStyle, name: str, source: str, target: str) -> None:
    """Bump an application in its first environment, and promote it."""
    if style is RevisionStyle.BRANCH:
        git(root, "switch", "--quiet", source)
    if source == "dev":
        bump(root, path(source, application=name))
    origin = head(root)
    if style is RevisionStyle.BRANCH:
        git(root, "switch", "--quiet", target)
    edit(root, path(target, application=name), OLD, NEW)
    commit(root, message=f"Promote\n\nArgosy-Promotion: {name} {source} -> {target} {origin}")


@pytest.mark.parametrize("style", RevisionStyle)
def test_what_was_taken_back_is_behind_again(style: RevisionStyle, tmp_path: Path) -> None:
    repository, root = model(environments=CHAIN, revision=style), tmp_path / "gitops"
    creation.create(root, rendered(repository), branch="main", branches=CHAIN if style is RevisionStyle.BRANCH else ())
    _travel(root, style, "web", "dev", "staging")
    file = path("staging")
    assert lag(root, "staging").size == 0
    promoted(root, file, ("dev", "staging"), old="replicas: 2", new="replicas: 5")
    edit(root, file, NEW, OLD)
    edit(root, file, "replicas: 5", "replicas: 2")
    commit(root, message="Without a word of what it takes back")
    behind = lag(root, "staging")
    assert (keys(behind), read(root).deployments["web", "staging"].last) == ((["image"], [], []), None)
    edit(root, file, OLD, "1.29.9-alpine")
    commit(root, message="By hand")
    assert keys(lag(root, "staging"))[1] == ["image"]


def test_a_deployment_that_came_back_starts_anew(tmp_path: Path) -> None:
    root = create(tmp_path / "gitops")
    bump(root, path("dev"))
    folder = root / "environments/prod/web"
    held = {f"environments/prod/web/{each.name}": each.read_text() for each in folder.iterdir()}
    commit(root, dict.fromkeys(held))
    assert list(read(root).deployments) == [("web", "dev")]
    commit(root, {each: text.replace(OLD, "1.0.0") for each, text in held.items()})
    assert (lag(root, "prod").size, lag(root, "prod").commits, lag(root, "prod").drifted) == (1, 0, [])


def test_a_chart_counts_once() -> None:
    files = [
        *(f"charts/app/1.1.0/{name}" for name in ("Chart.yaml", "templates/a.yaml")),
        "charts/app/1.2.0/Chart.yaml",
    ]
    own = ["applications/web/charts/web/values.yaml", "applications/web/charts/web/templates/a.yaml"]
    ((told, _),) = of_lag(Lag("dev", files=[*files, *own, "applications/web/application.yaml"]))
    assert told == "3 charts and 1 file behind dev"
