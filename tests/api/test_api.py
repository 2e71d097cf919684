"""The API: the results of the commands, as values and as their JSON; and that its public names are documented."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from argosy import api
from argosy.cel import engine
from tests.api import reference
from tests.changing import create, git, model, state
from tests.conftest import Argosy
from tests.hosting.server import playing
from tests.promoting import NEW, OLD, edit, on_host, path, release, start, text, with_remote

PAGE = Path(__file__).parents[2] / "docs/api.md"
HOW_TO = PAGE.parent / "how-to/programs.md"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository with a release that is in dev alone, and a file that nobody committed."""
    made = start(tmp_path / "gitops")
    release(made)
    monkeypatch.chdir(made)
    return made


def test_what_it_returns_is_what_the_commands_print(argosy: Argosy, root: Path) -> None:
    edit(root, path("dev"), NEW, "1.30.0", "Release 1.30.0")
    (root / path("prod")).write_text(text(root, path("prod")).replace(OLD, "1.31.0"))
    repository = api.open_repository("environments/dev")
    assert repository.root == root
    results: dict[tuple[str, ...], Any] = {
        ("status",): repository.status(),
        ("status", "web"): repository.status("web"),
        ("tree",): repository.tree(),
        ("tree", "web", "--env", "prod", "--no-resources"): repository.tree(["web"], ["prod"], resources=False),
        ("diff",): repository.diff(),
        ("diff", "--against", "HEAD~1", "--at", "HEAD"): api.open_repository(revision="HEAD").diff("HEAD~1"),
        ("validate",): repository.validate(),
        ("validate", path("dev")): repository.validate(paths=[path("dev")]),
        ("validate", "--changed-since", "HEAD~1"): repository.validate(since="HEAD~1"),
        ("rules",): api.rules(),
        ("settings",): repository.settings(),
        ("settings", "env", "prod", "autoSync"): repository.settings("env", "prod", "autoSync"),
        ("rules", "image-tag"): [api.rule("image-tag")],
        ("promote", "web", "--to", "staging", "--dry-run"): repository.plan(
            api.Promote(applications=["web"], to="staging")
        ),
    }
    for words, result in results.items():
        printed = json.loads(argosy(*words, "-o", "json").out)
        assert api.to_data(result) == printed, words
    assert repository.render("web", "prod").as_yaml() == argosy("render", "web", "prod").out
    assert "1.31.0" in repository.render("web", "prod").as_yaml()
    assert "1.31.0" not in api.open_repository(revision="HEAD").render("web", "prod").as_yaml()
    assert repository.diff().deployments == 3


def test_a_revision_is_read_whatever_the_work_tree_holds(root: Path) -> None:
    before = api.open_repository(revision="HEAD")
    (root / path("prod")).write_text("kind: [\n")
    (root / "argocd/prod/web.yaml").unlink()
    assert before.validate().errors == 0
    assert api.open_repository().validate().errors
    assert [each.name for each in before.tree(["web-prod"]).roots[0].all() if each.environment][-1] == "web-prod"
    with pytest.raises(api.UsageError, match="A change starts from what is checked out"):
        before.plan(api.AddTeams(names=["a"]))
    with pytest.raises(api.UsageError, match="There is no revision “nowhere”"):
        api.open_repository(revision="nowhere")


def test_a_plan_says_all_and_writes_nothing(argosy: Argosy, root: Path) -> None:
    whole = state(root)
    repository = api.open_repository()
    plan = repository.plan(api.AddEnvironment(name="qa", after="dev"))
    assert (plan.exit_code, plan.valid, plan.needs_decision) == (0, True, False)
    assert plan.command == "argosy add env qa --after dev"
    assert plan.message == "Add the environment qa"
    (there,) = plan.branches
    assert (there.branch, plan.diff) == ("main", argosy("add", "env", "qa", "--after", "dev", "--dry-run", "-q").out)
    files = {each.path: each for each in there.files}
    assert files["environments/qa/web/deployment.yaml"].before is None
    assert NEW in (files["environments/qa/web/deployment.yaml"].after or b"").decode()
    settings = "environments/staging/environment.yaml"
    assert files[settings].before == git(root, "show", f"HEAD:{settings}").encode()
    assert {each.environment for each in repository.effect(there).applications} >= {"qa"}
    assert not plan.remarks
    assert state(root) == whole
    # What a killed command left is taken back by who writes: no plan does, and nothing that goes to a branch.
    (root / ".git/argosy/writing.json").write_text("{}")
    for ask in (repository.plan, partial(repository.deliver, branch="")):
        with pytest.raises(api.ArgosyError, match="The last command was interrupted"):
            ask(api.AddEnvironment(name="qa", after="dev"))
    assert (root / ".git/argosy/writing.json").exists()


def test_what_is_wrong_with_a_plan(root: Path) -> None:
    edit(root, path("dev"), "value: info", "value: 3", "Be loud")
    plan = api.open_repository().plan(api.Promote(applications=["web"], to="staging"))
    assert (plan.exit_code, plan.needs_decision, plan.valid) == (1, False, False)
    assert plan.findings[0].path.startswith("environments/staging/web/")
    edit(root, path("staging"), OLD, "9.9.9", "By hand")
    conflict = api.open_repository().plan(api.Promote(applications=["web"], to="staging"))
    assert (conflict.exit_code, conflict.needs_decision, conflict.branches) == (3, True, ())
    assert any("--take" in each for each in conflict.remarks)
    left = api.Promote(applications=["web"], to="staging", take=["deployment.yaml:**"], leave=["**"])
    assert left.words[:4] == ("promote", "web", "--to", "staging")


def test_requests_are_the_commands_that_they_name(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each request does what its words do as a command."""
    root = create(tmp_path / "gitops", model(("web",), ("dev", "prod")))
    monkeypatch.chdir(root)
    repository = api.open_repository()
    for request in (
        api.AddApplications(names=["shop"], image="ghcr.io/acme/shop:1", port=8080, environments=["dev"], team=""),
        api.AddCluster(name="eu", server="https://eu.example.com", labels=["region=eu"]),
        api.Rename(what="app", old="web", new="site"),
        api.Rename(what="env", old="dev", new="qa"),
        api.Remove(what="app", names=["web"]),
        api.Remove(what="env", names=["dev"]),
        api.Set(what="env", name="prod", values={"autoSync": "false"}),
        api.Set(what="repository", values={"quotas": "true"}),
        api.AddComponents(names=["metrics-server"], environments=["dev"]),
    ):
        plan = repository.plan(request)
        assert plan.diff == argosy(*request.words, "--dry-run", "--quiet", "--no-validate").out, request
        assert plan.diff, request
    for wrong in (
        lambda: api.Set(what="envs", name="prod", values={}),  # type: ignore[arg-type]
        lambda: api.Remove(what="env", names=["dev", "prod"]),
        lambda: repository.plan(api.Set(what="env", name="prd", values={"autoSync": "false"})),
        lambda: api.rule("image-tags"),
        lambda: repository.settings("envs"),
        lambda: api.schema("Statuses"),
        lambda: repository.validate(paths=["../.."]),
    ):
        with pytest.raises(api.UsageError):
            wrong()


def test_it_delivers(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = api.open_repository()
    whole = state(root)
    kept = repository.deliver(api.Promote(applications=["web"], to="staging"), branch="", message="Ship it")
    (made,) = kept.document["promotions"]
    assert state(root)[0] == whole[0]
    assert (kept.exit_code, git(root, "log", "-1", "--format=%s", made["branch"])) == (0, "Ship it\n")
    assert git(root, "diff", "main", made["branch"], "--", path("staging")).count(NEW) == 1
    committed = repository.deliver(api.Set(what="env", name="dev", values={"autoSync": "false"}), commit=True)
    assert (committed.document["committed"], committed.valid) == (True, True)
    written = repository.deliver(api.Set(what="env", name="dev", values={"autoSync": "true"}))
    assert (written.document["committed"], written.diff.count("\n+") > 0) == (False, True)
    git(root, "reset", "--quiet", "--hard")
    bare = with_remote(root)
    with playing("github", "acme/gitops") as server:
        on_host(root, "github", server, monkeypatch)
        opened = repository.deliver(api.Remove(what="app", names=["web"]), pull_request=True)
    assert opened.document["pullRequest"]["created"]
    assert [each.base for each in server.pull_requests] == ["main"]
    assert "Made by `argosy remove app web`" in server.pull_requests[0].body
    assert bare


def test_what_one_call_takes_is_none_of_the_next_one_s(tmp_path: Path) -> None:
    """A program that goes on, such as the server of agents, has policies judged however much others took before."""
    rule = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}
    said = {"expression": "false", "message": "no"}
    policy = {"name": "mine", "matchConstraints": {"resourceRules": [rule]}, "validations": [said]}
    (tmp_path / ".argosy.yaml").write_text(json.dumps({"policies": [policy]}))
    (tmp_path / "map.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n")
    git(tmp_path, "init", "--quiet")
    engine._Run.stops, engine._Run.seconds = 3, 1e9
    found = api.open_repository(tmp_path).validate().findings
    assert "policy/mine" in {each.rule for each in found}


def test_threads_wait_for_each_other(root: Path) -> None:
    repository = api.open_repository()
    with ThreadPoolExecutor(4) as pool:
        found = [each.result() for each in [pool.submit(repository.status) for _ in range(4)]]
    assert len({api.to_json(each) for each in found}) == 1


def test_importing_it_costs_nothing() -> None:
    """As `argosy --version` must not get slower: only what is asked for is imported."""
    told = "import sys; before = {*sys.modules}; import argosy.api; print(*(sys.modules.keys() - before))"
    loaded = subprocess.run([sys.executable, "-c", told], check=True, capture_output=True, text=True).stdout.split()
    others = [each for each in loaded if each.partition(".")[0] not in sys.stdlib_module_names]
    assert {each.partition(".")[0] for each in others} == {"argosy"}
    assert len(others) <= 8, others


def test_each_public_name_is_documented() -> None:
    """docs/api.md has what `make docs` writes: a name, or a signature, that changed is not there before that is run."""
    page = PAGE.read_text(encoding="utf-8")
    assert reference.written() in page
    for name in api.__all__:
        assert getattr(api, name)
        assert f"`{name}`" in page
    assert api.__all__ == sorted(api.__all__)


def test_the_how_to_does_what_it_says(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    programs = re.findall(r"(?ms)^```python\n(.*?)^```$", HOW_TO.read_text(encoding="utf-8"))
    outputs = re.findall(r"(?ms)^```text\n(.*?)^```$", HOW_TO.read_text(encoding="utf-8"))
    names: dict[str, object] = {}
    for program, output in zip(programs, outputs, strict=True):
        exec(program, names)
        assert capsys.readouterr().out == output
