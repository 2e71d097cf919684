"""The CI of a generated repository: what its files say, and what its scripts do when bash runs them."""

from __future__ import annotations

import json
import re
import subprocess
import sysconfig
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from yamllint import linter  # type: ignore[import-untyped]
from yamllint.config import YamlLintConfig  # type: ignore[import-untyped]

from argosy.cli import diff, promote, report, update
from argosy.hosting import host_of
from argosy.repository import store
from argosy.repository.model import CiHost, RevisionStyle
from argosy.schemas.store import file_schema
from tests import goldens
from tests.changing import commit, create, edit, git, model
from tests.conftest import Argosy
from tests.templates.pipelines import (
    ARGOSY,
    TOKEN,
    WEB,
    Clone,
    Done,
    Script,
    bitbucket,
    cloned,
    documents,
    github,
    gitlab,
    history,
    real_argosy,
    texts,
    yamllint,
)
from tests.templates.renovate import Found, watched

ROOT = Path(__file__).parents[2]
OWN = [*(ROOT / ".github/workflows").iterdir(), ROOT / "action.yml"]
"""The workflows of argosy itself, and the action that it is."""
HOSTS = (CiHost.GITHUB, CiHost.GITLAB, CiHost.BITBUCKET)
INSTALL = (
    "-m pip install --no-compile --only-binary :all: --require-hashes --requirement tools/argosy-dependencies.txt\n"
    f"-m pip install --no-compile --no-deps --no-build-isolation {goldens.RELEASED.replace(' @ ', '@')}\n-m pip check\n"
)
PUSHER = {"GITLAB_USER_NAME": "Grace Hopper", "GITLAB_USER_EMAIL": "grace@example.com"}
EXPRESSIONS = {
    "secrets.ARGOSY_TOKEN || github.token": TOKEN,
    "secrets.ARGOSY_TOKEN": TOKEN,
    "github.token": TOKEN,
    "github.actor": "grace",
    "github.actor_id": "7",
}
MAY_COMMENT = (
    "github.event.pull_request.head.repo.full_name == github.repository && "
    "github.event.pull_request.user.login != 'dependabot[bot]'"
)
RUN = {
    "GITHUB_SERVER_URL": WEB.removesuffix("/acme/gitops"),
    "GITHUB_REPOSITORY": "acme/gitops",
    "GITHUB_RUN_ID": "7",
    "CI_JOB_URL": f"{WEB}/-/jobs/7",
    "BITBUCKET_REPO_FULL_NAME": "acme/gitops",
    "BITBUCKET_BUILD_NUMBER": "7",
}
"""Where a run is, as each host says it."""
REQUEST = ("--pull-request", "--yes", "--leave", "**")
OPENED = "https://git.example.com/acme/gitops/pulls/1\n"


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the repository that a host keeps."""
    return history(tmp_path_factory.mktemp("host") / "history")


@pytest.fixture
def clone(bare: Path, tmp_path: Path) -> Clone:
    """Return a clone on main, as a host makes one for a job."""
    return cloned(bare, tmp_path, like=bare.with_name("clone"))


def on_github(
    clone: Clone, name: str, values: Mapping[str, str], given: Mapping[str, str] | None = None, **choices: Any
) -> Done:
    """Run a workflow's steps, and return what the last did."""
    *before, last = [clone.run(each, given or {}) for each in github(name, {**EXPRESSIONS, **values}, **choices)]
    assert [each.code for each in before] == [0]
    # The token is handed to the step that needs it, and no other one.
    assert not any(TOKEN in each.environment.values() for each in before)
    return last


def on_gitlab(
    clone: Clone, name: str, given: Mapping[str, str], inputs: Mapping[str, str] | None = None, **choices: Any
) -> Done:
    """Run a job, in a clone on no branch."""
    clone.git("switch", "--quiet", "--detach")
    clone.git("remote", "set-url", "origin", WEB.replace("://", "://ci:job-token@") + ".git")
    server = {"CI_PROJECT_URL": WEB, "CI_SERVER_PROTOCOL": "https", "CI_PROJECT_DIR": str(clone.folder)}
    return clone.run(gitlab(name, inputs or {}, **choices), {"CI_COMMIT_BRANCH": "main", **server, **PUSHER, **given})


def on_bitbucket(clone: Clone, name: str, given: Mapping[str, str], **choices: Any) -> Done:
    """Run a step, in a clone with an identity, and with main's own branch alone."""
    with (clone.folder / ".git/config").open("a") as config:
        config.write("[user]\nname = bitbucket-pipelines\nemail = commits-noreply@bitbucket.org\n")
    clone.git("branch", "--remotes", "--delete", "origin/prod")
    return clone.run(bitbucket(name, **choices), given)


def promoted(clone: Clone, host: CiHost, applications: str) -> Done:
    """Run the promotion that someone starts by hand."""
    if host is CiHost.GITHUB:
        inputs = {"inputs.applications": applications, "inputs.from": "dev", "inputs.to": "prod"}
        return on_github(clone, "promote", inputs)
    if host is CiHost.GITLAB:
        inputs = {"applications": applications, "from": "dev", "to": "prod"}
        return on_gitlab(clone, "promote", {"ARGOSY_TOKEN": TOKEN}, inputs)
    given = {"APPLICATIONS": applications, "FROM": "dev", "TO": "prod"}
    return on_bitbucket(clone, "Promote", {"ARGOSY_TOKEN": TOKEN, **given})


@pytest.mark.parametrize("host", HOSTS)
class TestPromote:
    @pytest.mark.parametrize(
        ("written", "names"),
        [
            ("", ["--all"]),
            (" ", ["--all"]),
            ("web", ["--", "web"]),
            ("web api", ["--", "web", "api"]),
            (" web,  api, ", ["--", "web", "api"]),
        ],
    )
    def test_which_applications(self, clone: Clone, host: CiHost, written: str, names: list[str]) -> None:
        done = promoted(clone, host, written)
        assert (done.code, done.output) == (0, OPENED)
        assert done.arguments == ["promote", "--from", "dev", "--to", "prod", *REQUEST, *names]
        assert clone.recorded("installed") in {INSTALL, ""}

    def test_it_pushes_in_the_name_of_the_one_who_started_it(self, clone: Clone, host: CiHost) -> None:
        assert promoted(clone, host, "").code == 0
        pushed = clone.git("--git-dir", str(clone.remote), "log", "-1", "--format=%an %ae|%cn", "promotion")
        assert pushed == {
            CiHost.GITHUB: "grace 7+grace@users.noreply.github.com|github-actions[bot]",
            CiHost.GITLAB: "Grace Hopper grace@example.com|argosy",
            CiHost.BITBUCKET: "bitbucket-pipelines commits-noreply@bitbucket.org|bitbucket-pipelines",
        }.get(host)
        assert clone.git("rev-parse", "HEAD~1") == clone.git("rev-parse", "origin/main")
        assert clone.git("rev-parse", "origin/prod")

    def test_the_token_is_at_hand_and_written_nowhere(self, clone: Clone, host: CiHost) -> None:
        done = promoted(clone, host, "web")
        assert done.environment["ARGOSY_TOKEN"] == TOKEN
        assert TOKEN not in done.output
        assert TOKEN not in (clone.folder / ".git/config").read_text()


@pytest.mark.parametrize("host", [CiHost.GITHUB, CiHost.BITBUCKET])
@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("* --to dev", ["*", "--to", "dev"]),
        ("web\napi", ["web", "api"]),
        ("$(touch x) `touch x`; touch x", ["$(touch", "x)", "`touch", "x`;", "touch", "x"]),
    ],
)
def test_names_are_words_and_no_code(clone: Clone, host: CiHost, written: str, names: list[str]) -> None:
    (clone.folder / "a-file").touch()
    assert promoted(clone, host, written).arguments[-len(names) - 1 :] == ["--", *names]
    assert not (clone.folder / "x").exists()


def test_gitlab_takes_no_other_names(clone: Clone) -> None:
    with pytest.raises(AssertionError):
        promoted(clone, CiHost.GITLAB, "$(touch x)")


def test_github_pushes_with_the_token_that_no_other_step_has(clone: Clone) -> None:
    assert promoted(clone, CiHost.GITHUB, "").code == 0
    assert f"username=x-access-token\npassword={TOKEN}\n" in clone.recorded("credential")


def test_gitlab_pushes_with_the_projects_token(clone: Clone) -> None:
    assert promoted(clone, CiHost.GITLAB, "").code == 0
    assert f"password={TOKEN}\n" in clone.recorded("credential")
    assert "job-token" not in clone.git("remote", "get-url", "--push", "origin")
    assert clone.git("branch", "--show-current") == "main"
    # A runner keeps the folder for the next job.
    clone.git("--git-dir", str(clone.remote), "branch", "--delete", "--force", "promotion")
    assert promoted(clone, CiHost.GITLAB, "").code == 0


class TestDiff:
    COMMENT = ("diff", "--against", "{base}", "--comment", "--artifact", "diff.md", "--artifact-url")
    MARKDOWN = ("diff", "--against", "{base}", "--output", "markdown")
    KEPT = (*MARKDOWN, "--artifact", "diff.md")

    def check(self, done: Done, arguments: tuple[str, ...], base: str) -> None:
        assert (done.code, TOKEN in done.output) == (0, False)
        assert done.arguments == [each.format(base=base) for each in arguments]

    @pytest.mark.parametrize("may_comment", ["true", "false"])
    def test_github(self, clone: Clone, may_comment: str) -> None:
        summary = clone.home / "summary.md"
        values = {"github.base_ref": "main", MAY_COMMENT: may_comment}
        here = {**RUN, "GITHUB_SERVER_URL": "https://acme.ghe.com"}
        done = on_github(clone, "diff", values, {"GITHUB_STEP_SUMMARY": str(summary), **here})
        comment = (*self.COMMENT, "https://acme.ghe.com/acme/gitops/actions/runs/7")
        self.check(done, comment if may_comment == "true" else self.MARKDOWN, "origin/main")
        kept = documents(CiHost.GITHUB)[".github/workflows/diff.yaml"]["jobs"]["diff"]["steps"][-1]
        assert kept["with"]["path"] == "diff.md"
        assert summary.exists() == (may_comment == "false")
        assert may_comment == "true" or summary.read_text() == "# What changes\n"
        assert clone.git("rev-parse", "origin/main")

    def test_where_no_artifact_is_kept_the_log_has_all(self, clone: Clone) -> None:
        """Enterprise Server, Gitea and Forgejo refuse what uploads artifacts; and the last two count runs otherwise."""
        shown = "case $* in *--artifact*) exit 9 ;; *--comment*) echo commented ;; *) echo '+ all' && exit 2 ;; esac"
        (clone.home / "bin" / "argosy").write_text(f"#!/bin/bash\n{shown}\n")
        done = on_github(clone, "diff", {"github.base_ref": "main", MAY_COMMENT: "true"}, RUN)
        assert (done.code, done.output) == (0, "+ all\ncommented\n")

    @pytest.mark.parametrize("token", [TOKEN, ""])
    @pytest.mark.parametrize("merged", ["", "0123456789abcdef"])
    def test_gitlab(self, clone: Clone, token: str, merged: str) -> None:
        base = clone.git("merge-base", "origin/change", "origin/main~1")
        request = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": base, "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": merged}
        done = on_gitlab(clone, "diff", {**request, **RUN, **({"ARGOSY_TOKEN": token} if token else {})})
        comment = (*self.COMMENT, f"{WEB}/-/jobs/7/artifacts/file/diff.md")
        self.check(done, comment if token else self.KEPT, merged or base)
        self.check_artifact(clone, done, token)

    @pytest.mark.parametrize("token", [TOKEN, ""])
    def test_bitbucket(self, clone: Clone, token: str) -> None:
        done = on_bitbucket(clone, "Diff", {"BITBUCKET_PR_DESTINATION_BRANCH": "prod", "ARGOSY_TOKEN": token, **RUN})
        comment = (*self.COMMENT, "https://bitbucket.org/acme/gitops/pipelines/results/7")
        self.check(done, comment if token else self.KEPT, "origin/prod")
        assert clone.git("rev-parse", "origin/prod")
        self.check_artifact(clone, done, token)

    def check_artifact(self, clone: Clone, done: Done, token: str) -> None:
        """Without a token, the difference is in the log and in a file."""
        artifact = clone.folder / "diff.md"
        assert artifact.exists() == (not token)
        assert token or artifact.read_text() == "# What changes\n"
        assert ("# What changes\n" in done.output, "ARGOSY_TOKEN is not set" in done.output) == (not token, not token)

    @pytest.mark.parametrize("host", [CiHost.GITLAB, CiHost.BITBUCKET])
    def test_a_failure_fails_the_job(self, clone: Clone, host: CiHost) -> None:
        (clone.home / "bin" / "argosy").write_text("#!/bin/bash\nexit 1\n")
        request = {"BITBUCKET_PR_DESTINATION_BRANCH": "prod", "CI_MERGE_REQUEST_DIFF_BASE_SHA": "0"}
        run: Callable[..., Done] = on_gitlab if host is CiHost.GITLAB else on_bitbucket
        assert run(clone, "diff" if host is CiHost.GITLAB else "Diff", request).code == 1


@cache
def flaws(path: str, text: str, hooks: str) -> Sequence[object]:
    """Return what a file's schema and yamllint find in it: most files are the same whatever is chosen."""
    schema = file_schema(path)
    assert schema is not None
    violations = [each for document in yaml.safe_load_all(text) for each in schema.violations(document)]
    return [*violations, *linter.run(text, YamlLintConfig(yamllint(hooks)), path)]


def updated(clone: Clone, host: CiHost, token: str = TOKEN, **choices: Any) -> Done:
    """Run the weekly update."""
    if host is CiHost.GITHUB:
        given = {"GITHUB_STEP_SUMMARY": str(clone.home / "summary.md")}
        return on_github(clone, "update", {"secrets.ARGOSY_TOKEN": token}, given, **choices)
    with_token = {"ARGOSY_TOKEN": token} if token else {}
    run: Callable[..., Done] = on_gitlab if host is CiHost.GITLAB else on_bitbucket
    return run(clone, "update" if host is CiHost.GITLAB else "Update", with_token, **choices)


class TestUpdate:
    @pytest.mark.parametrize("host", HOSTS)
    def test_it_opens_a_pull_request(self, clone: Clone, host: CiHost) -> None:
        done = updated(clone, host)
        assert (done.code, done.output) == (0, OPENED)
        assert done.arguments == ["update", "--pull-request"]
        assert clone.recorded("installed") in {INSTALL, ""}
        assert clone.git("--git-dir", str(clone.remote), "branch", "--list", "promotion")
        if host is CiHost.GITHUB:
            assert (clone.home / "summary.md").read_text() == f"```\n{OPENED}```\n"
            assert f"password={TOKEN}\n" in clone.recorded("credential")

    @pytest.mark.parametrize("host", HOSTS)
    def test_a_conflict_fails_the_job_and_is_told(self, clone: Clone, host: CiHost) -> None:
        (clone.home / "bin" / "argosy").write_text("#!/bin/bash\necho 'In conflict: README.md' >&2\nexit 3\n")
        done = updated(clone, host)
        assert (done.code, done.output) == (3, "In conflict: README.md\n")
        if host is CiHost.GITHUB:
            assert (clone.home / "summary.md").read_text() == "```\nIn conflict: README.md\n```\n"

    def test_without_a_token_github_says_what_there_is(self, clone: Clone) -> None:
        (clone.home / "bin" / "argosy").write_text("#!/bin/bash\necho +new\necho 'added  x.yaml' >&2\n" + ARGOSY)
        done = updated(clone, CiHost.GITHUB, token="")
        missing = "The secret ARGOSY_TOKEN is not set, so nothing was written: run argosy update yourself.\n"
        assert (done.code, done.output) == (0, f"added  x.yaml\n{missing}")
        assert done.arguments == ["update", "--dry-run"]
        assert missing in (clone.home / "summary.md").read_text()

    @pytest.mark.parametrize("code", [1, 2, 3])
    def test_without_a_token_a_failure_is_one_too(self, clone: Clone, code: int) -> None:
        (clone.home / "bin" / "argosy").write_text(f"#!/bin/bash\necho 'Error: no.' >&2\nexit {code}\n")
        done = updated(clone, CiHost.GITHUB, token="")
        assert (done.code, done.output.splitlines()[0]) == (code, "Error: no.")

    @pytest.mark.parametrize("host", [CiHost.GITLAB, CiHost.BITBUCKET])
    def test_without_a_token_the_others_fail(self, clone: Clone, host: CiHost) -> None:
        done = updated(clone, host, token="")
        assert done.code != 0
        assert "ARGOSY_TOKEN: is not set for this pipeline" in done.output

    @pytest.mark.parametrize("host", HOSTS)
    def test_a_repository_of_the_newest_template(self, tmp_path: Path, host: CiHost) -> None:
        source = create(tmp_path / "source", model(ci=host))
        git(source, "branch", "prod")
        clone = cloned(source / ".git", tmp_path, real_argosy())
        done = updated(clone, host)
        assert (done.code, done.output) == (0, "Nothing to change.\n")

    @pytest.mark.parametrize("host", HOSTS)
    def test_layers_are_brought_to_the_machine_before(
        self, argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: CiHost
    ) -> None:
        layer = tmp_path / "acme"
        (layer / "t").mkdir(parents=True)
        (layer / "copier.yml").write_text("_subdirectory: t\n_answers_file: .copier-answers.acme.yml\n")
        (layer / "t" / "SUPPORT.md").write_text("Ask us.\n")
        source = create(tmp_path / "source", model(ci=host))
        monkeypatch.chdir(source)
        assert argosy("template", "add", str(layer), "--commit", "--quiet").code == 0
        git(source, "branch", "prod")
        layers = store.load(source).repository.settings.layers
        done = updated(cloned(source / ".git", tmp_path, real_argosy()), host, layers=layers)
        assert (done.code, done.output.splitlines()[-1]) == (0, "Nothing to change."), done.output

    def test_when_it_runs(self) -> None:
        found = documents(CiHost.GITHUB)[".github/workflows/update.yaml"]
        assert found["on"]["schedule"] == [{"cron": "17 4 * * 1"}]
        assert found["concurrency"] == {"group": "update"}
        rules = documents(CiHost.GITLAB)[".gitlab-ci.yml"]["update"]["rules"]
        assert rules == [{"if": '$CI_PIPELINE_SOURCE == "schedule" && $CI_COMMIT_BRANCH == "main"'}]
        custom = documents(CiHost.BITBUCKET)["bitbucket-pipelines.yml"]["pipelines"]["custom"]
        assert [each["step"]["name"] for each in custom["update"]] == ["Update"]


class TestPreviews:
    def ended(self, clone: Clone, host: CiHost, token: str) -> Done:
        """Run the daily look for previews that end."""
        if host is CiHost.GITHUB:
            return on_github(clone, "previews", {"secrets.PREVIEWS_TOKEN": token}, previews=True)
        given = {"PREVIEWS_TOKEN": token} if token else {}
        if host is CiHost.GITLAB:
            return on_gitlab(clone, "previews", given, previews=True)
        return on_bitbucket(clone, "Previews", given, previews=True)

    @pytest.mark.parametrize("host", HOSTS)
    def test_they_end_with_a_token_of_their_own(self, clone: Clone, host: CiHost) -> None:
        done = self.ended(clone, host, TOKEN)
        assert (done.code, done.arguments) == (0, ["previews", "expire"])
        assert done.environment["ARGOSY_TOKEN"] == TOKEN
        assert "previews" not in str(documents(host)), "where none end by themselves, there is no job"

    @pytest.mark.parametrize("host", HOSTS)
    def test_without_a_token_the_job_fails(self, clone: Clone, host: CiHost) -> None:
        refused = self.ended(clone, host, "")
        assert refused.code != 0
        assert "is not set" in refused.output

    def test_when_they_do(self) -> None:
        found = documents(CiHost.GITHUB, previews=True)[".github/workflows/previews.yaml"]
        assert found["on"]["schedule"] == [{"cron": "27 3 * * *"}]
        assert found["jobs"]["previews"]["permissions"] == {"contents": "read"}
        jobs = documents(CiHost.GITLAB, previews=True)[".gitlab-ci.yml"]
        schedule = '$CI_PIPELINE_SOURCE == "schedule" && $CI_COMMIT_BRANCH == "main"'
        assert jobs["previews"]["rules"] == [{"if": schedule}]
        assert jobs["update"]["rules"] == [{"if": f'{schedule} && $PREVIEWS != "only"'}]


class TestPage:
    """A page of what is deployed where, on the host's Pages or as an artifact."""

    @pytest.mark.parametrize("page", ["artifact", "pages"])
    @pytest.mark.parametrize("host", HOSTS)
    def test_it_is_written_to_where_the_host_takes_it_from(self, clone: Clone, host: CiHost, page: str) -> None:
        if host is CiHost.GITHUB:
            done = on_github(clone, "page", {}, page=page)
            steps = documents(host, page=page)[".github/workflows/page.yaml"]["jobs"]["page"]["steps"]
            taken = steps[-1]["with"]["path"]
        elif host is CiHost.GITLAB:
            name = "pages" if page == "pages" else "page"  # The former's name is what publishes it.
            done = on_gitlab(clone, name, {}, page=page)
            (taken,) = documents(host, page=page)[".gitlab-ci.yml"][name]["artifacts"]["paths"]
        else:
            done = on_bitbucket(clone, "Page", {}, page=page)
            steps = documents(host, page=page)["bitbucket-pipelines.yml"]["definitions"]["steps"]
            (taken,) = next(each["step"]["artifacts"] for each in steps if each["step"]["name"] == "Page")
        assert (done.code, done.arguments) == (0, ["report", "--html", taken])
        assert TOKEN not in done.environment.values()
        assert taken in {CiHost.GITLAB: {"public", "page.html"}}.get(host, {"page", "page.html"})
        with report.command.make_context("report", [*done.arguments[1:]]) as context:
            assert context.params["page"] == Path(taken)
        assert "report --html" not in str(documents(host)), "where it is off, there is no job"

    @pytest.mark.parametrize("host", HOSTS)
    @pytest.mark.parametrize("revision", RevisionStyle)
    def test_the_hosts_schema_and_yamllint(self, host: CiHost, revision: RevisionStyle) -> None:
        for page in ("artifact", "pages"):
            written = texts(host, revision, page=page)
            for path in documents(host, revision=revision, page=page):
                assert flaws(path, written[path], written[".pre-commit-config.yaml"]) == []

    def test_it_is_published_by_a_job_that_runs_nothing_else(self) -> None:
        found = documents(CiHost.GITHUB, page="pages")[".github/workflows/page.yaml"]
        assert (found["permissions"], found["jobs"]["page"]["permissions"]) == ({}, {"contents": "read"})
        publish = found["jobs"]["publish"]
        assert publish["permissions"] == {"pages": "write", "id-token": "write"}
        assert (publish["needs"], ["run" in each for each in publish["steps"]]) == ("page", [False])
        assert [*documents(CiHost.GITHUB, page="artifact")[".github/workflows/page.yaml"]["jobs"]] == ["page"]

    @pytest.mark.parametrize(("host", "file"), [(CiHost.GITLAB, ".gitlab-ci.yml"), (CiHost.GITHUB, "page.yaml")])
    def test_the_whole_history_is_there(self, host: CiHost, file: str) -> None:
        found = next(each for path, each in documents(host, page="pages").items() if path.endswith(file))
        if host is CiHost.GITLAB:
            assert found["pages"]["variables"]["GIT_DEPTH"] == "0"
            assert {"if": '$CI_COMMIT_BRANCH == "main"'} in found["pages"]["rules"]
        else:
            checkout = found["jobs"]["page"]["steps"][0]["with"]
            assert (checkout["fetch-depth"], checkout["persist-credentials"], checkout["ref"]) == ("0", "false", "main")


class TestValidate:
    def run(self, clone: Clone, host: CiHost) -> tuple[Done, str]:
        """Run the job, and return the report that the host reads."""
        if host is CiHost.GITHUB:
            done = on_github(clone, "validate", {})
            steps = documents(host)[".github/workflows/validate.yaml"]["jobs"]["validate"]["steps"]
            return done, steps[-1]["with"]["sarif_file"]
        if host is CiHost.GITLAB:
            done = on_gitlab(clone, "validate", {})
            return done, documents(host)[".gitlab-ci.yml"]["validate"]["artifacts"]["reports"]["junit"]
        # Bitbucket looks for reports below test-results by itself.
        return on_bitbucket(clone, "Validate", {}), "test-results/argosy.xml"

    @pytest.mark.parametrize("host", HOSTS)
    def test_the_hosts_view(self, tmp_path: Path, host: CiHost) -> None:
        source = create(tmp_path / "source", model(ci=host))
        git(source, "branch", "prod")
        edit(source, "environments/dev/web/deployment.yaml", "  replicas: ", "  replica: ")
        commit(source)
        clone = cloned(source / ".git", tmp_path, real_argosy())
        done, report = self.run(clone, host)
        assert done.code == 1, done.output
        assert "kubernetes-schema" in done.output
        written = (clone.folder / report).read_text()
        assert "environments/dev/web/deployment.yaml" in written
        assert written.startswith("{" if host is CiHost.GITHUB else "<?xml")

    def test_code_scanning_gets_it_also_where_validation_fails_and_fails_nothing(self) -> None:
        *_, upload = documents(CiHost.GITHUB)[".github/workflows/validate.yaml"]["jobs"]["validate"]["steps"]
        assert upload["uses"].startswith("github/codeql-action/upload-sarif@")
        assert "!cancelled() && (!github.event.repository.private || " in upload["if"]
        assert upload["continue-on-error"] == "true"


class TestSecrets:
    SCAN = ("git", "--redact", "--verbose", "--no-banner")

    @pytest.mark.parametrize(("host", "report"), [(CiHost.GITLAB, ""), (CiHost.BITBUCKET, "test-results/")])
    def test_the_scan_and_its_report(self, clone: Clone, host: CiHost, report: str) -> None:
        # A branch that is checked out brings what it wants.
        elsewhere = clone.home / "elsewhere"
        elsewhere.mkdir()
        (clone.folder / (report.rstrip("/") or "gitleaks.xml")).symlink_to(
            elsewhere / "hit" if not report else elsewhere
        )
        done = on_gitlab(clone, "secrets", {}) if host is CiHost.GITLAB else on_bitbucket(clone, "Secrets", {})
        wanted = (*self.SCAN, "--report-format", "junit", "--report-path", f"{report}gitleaks.xml")
        assert done.code == 0, done.output
        assert clone.recorded("gitleaks").split("\0")[:-1] == [*wanted]
        assert (clone.folder / f"{report}gitleaks.xml").is_file()
        assert not any(elsewhere.iterdir())

    def test_github(self) -> None:
        job = documents(CiHost.GITHUB)[".github/workflows/validate.yaml"]["jobs"]["secrets"]
        assert job["steps"][-1]["with"]["args"].split() == [*self.SCAN]

    def test_the_whole_history_is_there(self) -> None:
        job = documents(CiHost.GITHUB)[".github/workflows/validate.yaml"]["jobs"]["secrets"]
        assert job["steps"][0]["with"]["fetch-depth"] == "0"
        assert documents(CiHost.GITLAB)[".gitlab-ci.yml"]["secrets"]["variables"]["GIT_DEPTH"] == "0"
        steps = documents(CiHost.BITBUCKET)["bitbucket-pipelines.yml"]["definitions"]["steps"]
        assert [each["step"]["clone"]["depth"] for each in steps if each["step"]["name"] == "Secrets"] == ["full"]


@pytest.mark.parametrize("host", HOSTS)
def test_follow_up(clone: Clone, host: CiHost) -> None:
    before = clone.git("rev-parse", "HEAD^1")
    if host is CiHost.GITHUB:
        done = on_github(clone, "follow-up", {"github.event.before": before})
    elif host is CiHost.GITLAB:
        done = on_gitlab(clone, "follow-up", {"ARGOSY_TOKEN": TOKEN, "CI_COMMIT_BEFORE_SHA": before})
    else:
        done = on_bitbucket(clone, "Follow up", {"ARGOSY_TOKEN": TOKEN})
    assert (done.code, done.output) == (0, OPENED)
    assert done.arguments == ["promote", "--follow-up", before, *REQUEST]


def test_nothing_follows_the_first_commit_on_bitbucket(clone: Clone) -> None:
    clone.git("switch", "--quiet", "prod")
    done = on_bitbucket(clone, "Follow up", {"ARGOSY_TOKEN": TOKEN})
    assert (done.code, done.arguments) == (0, [])


@pytest.mark.parametrize("name", ["promote", "follow-up"])
@pytest.mark.parametrize("host", [CiHost.GITLAB, CiHost.BITBUCKET])
def test_without_a_token_nothing_is_promoted(clone: Clone, host: CiHost, name: str) -> None:
    if host is CiHost.GITLAB:
        done = on_gitlab(clone, name, {"CI_COMMIT_BEFORE_SHA": "1"})
    else:
        done = on_bitbucket(clone, name.replace("-", " ").capitalize(), {"FROM": "dev", "TO": "prod"})
    assert done.code != 0
    assert "ARGOSY_TOKEN: is not set for this pipeline" in done.output
    assert done.arguments == []


def test_argosy_takes_what_it_is_given(clone: Clone) -> None:
    called = [promoted(clone, CiHost.GITHUB, each).arguments for each in ("", "web api")]
    called.append(on_github(clone, "follow-up", {"github.event.before": "1"}).arguments)
    called.append(updated(clone, CiHost.GITHUB).arguments)
    called += [[each.format(base="main") for each in asked] for asked in ((*TestDiff.COMMENT, WEB), TestDiff.MARKDOWN)]
    for name, *arguments in called:
        command = {"diff": diff, "promote": promote, "update": update}[name].command
        with command.make_context(name, arguments) as context:
            assert context.params


@pytest.mark.parametrize("host", HOSTS)
def test_the_difference_of_a_real_change(tmp_path: Path, host: CiHost) -> None:
    source = create(tmp_path / "source", model(ci=host))
    git(source, "branch", "prod")
    edit(source, "environments/dev/web/deployment.yaml", "image: ", "image: ghcr.io/acme/")
    commit(source)
    clone = cloned(source / ".git", tmp_path, real_argosy())
    if host is CiHost.GITHUB:
        values = {"github.base_ref": "prod", MAY_COMMENT: "false"}
        done = on_github(clone, "diff", values, {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")})
        said = (tmp_path / "summary.md").read_text()
    elif host is CiHost.GITLAB:
        base = clone.git("rev-parse", "HEAD~1")
        done = on_gitlab(clone, "diff", {"CI_MERGE_REQUEST_DIFF_BASE_SHA": base})
        said = (clone.folder / "diff.md").read_text()
    else:
        done = on_bitbucket(clone, "Diff", {"BITBUCKET_PR_DESTINATION_BRANCH": "prod"})
        said = (clone.folder / "diff.md").read_text()
    assert done.code == 0, done.output
    assert "web-dev" in said
    assert "web-prod" not in said
    assert re.search(r"(?m)^\+ +(- )?image: \"?ghcr.io/acme/", said)
    if host is not CiHost.GITHUB:
        (clone.folder / "diff.md").unlink()
        (clone.folder / "diff.md").symlink_to(tmp_path / "hit")
        run: Callable[..., Done] = on_gitlab if host is CiHost.GITLAB else on_bitbucket
        given = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": "HEAD~1", "BITBUCKET_PR_DESTINATION_BRANCH": "prod"}
        refused = run(clone, "diff" if host is CiHost.GITLAB else "Diff", given)
        assert (refused.code, "is a symbolic link" in refused.output) == (2, True)
        assert not (tmp_path / "hit").exists(), "a branch can bring a link of this name"


def every_script(host: CiHost, token: str, **choices: Any) -> Iterator[tuple[str, Script]]:
    """Yield each script of a host's CI by its job's name, as someone with or without a token runs it."""
    if host is CiHost.GITHUB:
        chosen = {"inputs.applications": "", "inputs.from": "dev", "inputs.to": "prod", "github.base_ref": "main"}
        values = {**EXPRESSIONS, **chosen, "secrets.ARGOSY_TOKEN": token, MAY_COMMENT: str(bool(token)).lower()}
        for name in jobs():
            if name != "secrets":
                yield from ((name, each) for each in github(name, {**values, "github.event.before": "1"}, **choices))
    elif host is CiHost.GITLAB:
        for name, job in documents(host)[".gitlab-ci.yml"].items():
            if "script" in job:
                yield name, gitlab(name, {}, **choices)
    else:
        for each in documents(host)["bitbucket-pipelines.yml"]["definitions"]["steps"]:
            yield each["step"]["name"], bitbucket(each["step"]["name"], **choices)


def given_to_all(clone: Clone, token: str = TOKEN) -> dict[str, str]:
    """Return the variables that the jobs of any host get."""
    return {
        **{"GITHUB_STEP_SUMMARY": str(clone.home / "summary.md"), "BITBUCKET_PR_DESTINATION_BRANCH": "main"},
        **{"CI_COMMIT_BRANCH": "main", "CI_COMMIT_BEFORE_SHA": "1", "CI_MERGE_REQUEST_DIFF_BASE_SHA": "1"},
        **{"CI_PROJECT_URL": WEB, "CI_SERVER_PROTOCOL": "https", "CI_PROJECT_DIR": str(clone.folder)},
        **{"FROM": "dev", "TO": "prod", **PUSHER, **RUN, **({"ARGOSY_TOKEN": token} if token else {})},
    }


@pytest.mark.parametrize("program", ["argosy", "git", "gitleaks", "python"])
@pytest.mark.parametrize("token", [TOKEN, ""])
@pytest.mark.parametrize("host", HOSTS)
def test_no_script_outlives_a_failure(clone: Clone, host: CiHost, token: str, program: str) -> None:
    failed = set()
    scripts = {repr(script): (name, script) for name, script in every_script(host, token)}  # Many are the same.
    for code in (1, 2) if program == "argosy" else (1,):  # What only argosy's own code means, they ask.
        failing = clone.home / "bin" / program
        failing.write_text(f'#!/bin/bash\ntouch "$RECORD/failed"\necho It failed.\nexit {code}\n')
        failing.chmod(0o755)
        for name, script in scripts.values():
            done = clone.run(script, given_to_all(clone, token))
            if (clone.home / "record" / "failed").exists():
                failed.add(name)
                assert done.code != 0, f"{name}: {done.output}"
    assert failed or (host, program) == (CiHost.GITHUB, "gitleaks") or (program == "git" and not token)


HASH = "0123456789abcdef" * 4
LOCKED = "-m pip install --no-compile --only-binary :all: --require-hashes --requirement"
DEPENDENCIES = f"{LOCKED} tools/argosy-dependencies.txt"
BUILT = "-m pip install --no-compile --no-deps --no-build-isolation"
CHECKED = "-m pip check"
IMAGE = f"registry.example.com:5000/acme/argosy:0.1.0@sha256:{HASH}"
INSTALLED = {
    f"argosy @ https://example.com/argosy-0.1.0-py3-none-any.whl#sha256={HASH}": [
        DEPENDENCIES,
        f"{BUILT} argosy@https://example.com/argosy-0.1.0-py3-none-any.whl#sha256={HASH}",
        CHECKED,
    ],
    f"argosy @ git+https://example.com/acme/argosy.git@{HASH[:40]}": [
        DEPENDENCIES,
        f"{BUILT} argosy@git+https://example.com/acme/argosy.git@{HASH[:40]}",
        CHECKED,
    ],
    "tools/argosy-0.1.0-py3-none-any.whl": [DEPENDENCIES, f"{BUILT} tools/argosy-0.1.0-py3-none-any.whl", CHECKED],
    f"argosy==0.1.0 --hash=sha256:{HASH}": [
        DEPENDENCIES,
        "-m pip install --no-compile --only-binary :all: --no-deps --require-hashes --requirement /dev/stdin",
        f"argosy==0.1.0 --hash=sha256:{HASH}",
        CHECKED,
    ],
    ".ci/argosy.txt": [f"{LOCKED} .ci/argosy.txt"],
}


@pytest.mark.parametrize("host", HOSTS)
class TestInstall:
    @pytest.mark.parametrize("setting", INSTALLED)
    def test_what_is_set_is_installed(self, clone: Clone, host: CiHost, setting: str) -> None:
        scripts = [script for _, script in every_script(host, TOKEN, argosy_install=setting)]
        installing = [each for each in scripts if "pip install" in "".join(each.commands)]
        assert len(installing) == len({name for name, _ in every_script(host, TOKEN)} - {"secrets", "Secrets"})
        # They do it in the same words: one run is enough. What comes after it in a job is not what is looked at.
        assert len({each.commands[0] for each in installing}) == 1
        only = Script(installing[0].commands[:1], installing[0].variables, installing[0].options)
        assert clone.run(only, given_to_all(clone)).code == 0
        assert clone.recorded("installed").splitlines() == INSTALLED[setting]

    def test_an_image_is_what_jobs_run_in(self, host: CiHost) -> None:
        files = texts(host, argosy_install=IMAGE)
        assert not [path for path, text in files.items() if re.search(r"\bpip\b", text) and path != "renovate.json"]
        found = documents(host, argosy_install=IMAGE)
        if host is CiHost.GITHUB:
            listed = {name: job for each in found.values() for name, job in each["jobs"].items()}
            assert {name for name, job in listed.items() if "container" not in job} == {"secrets"}
            assert {job["container"]["image"] for job in listed.values() if "container" in job} == {IMAGE}
            assert {job["defaults"]["run"]["shell"] for job in listed.values() if "container" in job} == {"bash"}
        elif host is CiHost.GITLAB:
            assert found[".gitlab-ci.yml"][".argosy"]["image"] == {"name": IMAGE, "entrypoint": [""]}
        else:
            assert found["bitbucket-pipelines.yml"]["image"] == IMAGE
        paths = (".copier-answers.yml", ".pre-commit-config.yaml", "README.md")
        image = ("docker", "registry.example.com:5000/acme/argosy", "0.1.0", f"sha256:{HASH}")
        assert [each for each in watched(files) if each.datasource == "docker"] == [
            Found(each, *image) for each in paths
        ]

    def test_where_nothing_is_set_nothing_is_run(self, clone: Clone, host: CiHost) -> None:
        scripts: dict[str, Script] = {}
        for name, script in every_script(host, TOKEN, argosy_install=""):
            scripts.setdefault(name, script)
        for name in scripts.keys() - {"secrets", "Secrets"}:
            done = clone.run(scripts[name], given_to_all(clone))
            assert (done.code, done.arguments, clone.recorded("installed")) == (1, [], ""), name
            assert done.output.count("\n") == 1
            assert "Set it with argosy set repository argosyInstall=" in done.output

    def test_before_each_commit(self, host: CiHost) -> None:
        for setting in (*INSTALLED, "", IMAGE):
            hooks = yaml.safe_load(texts(host, argosy_install=setting)[".pre-commit-config.yaml"])["repos"]
            [hook] = hooks[-1]["hooks"]
            # pre-commit hands no hashes to pip.
            assert "additional_dependencies" not in hook
            wanted = ("docker_image", f"{IMAGE} argosy validate") if setting == IMAGE else ("system", "argosy validate")
            assert (hook["language"], hook["entry"]) == wanted

    def test_caches_are_kept_until_what_is_installed_changes(self, host: CiHost) -> None:
        for setting in INSTALLED:
            lock = ".ci/argosy.txt" if setting.endswith(".txt") else "tools/argosy-dependencies.txt"
            assert (lock == setting) != (lock in texts(host, argosy_install=setting))
            found = documents(host, argosy_install=setting)
            named = {
                text
                for each in parts(list(found.values()))
                for text in (
                    each.get("cache-dependency-path"),
                    *(each["key"]["files"] if "files" in (each.get("key") or ()) else ()),
                )
                if text
            }
            assert named == {lock}
            self.check_where(host, found)

    def check_where(self, host: CiHost, found: Mapping[str, Any]) -> None:
        """What is kept is what pip reads, and it is there before pip installs anything."""
        if host is CiHost.GITHUB:
            for name, job in ((name, job) for each in found.values() for name, job in each["jobs"].items()):
                steps = [
                    ("setup-python@" in each.get("uses", ""), "pip install" in each.get("run", ""))
                    for each in job["steps"]
                ]
                installs = [place for place, (_, is_pip) in enumerate(steps) if is_pip]
                assert not installs or steps[installs[0] - 1][0], name
                assert all(
                    each["with"]["cache"] == "pip" for each in job["steps"] if "setup-python@" in each.get("uses", "")
                )
        elif host is CiHost.GITLAB:
            job = found[".gitlab-ci.yml"][".argosy"]
            assert job["cache"]["paths"] == [".cache/pip"], "GitLab keeps nothing outside of the clone"
            assert job["variables"]["PIP_CACHE_DIR"] == "$CI_PROJECT_DIR/.cache/pip"
        else:
            definitions = found["bitbucket-pipelines.yml"]["definitions"]
            assert definitions["caches"]["argosy"]["path"] == "~/.cache/pip", "where pip has it"
            for step in (each["step"] for each in definitions["steps"]):
                assert ("pip install" in str(step["script"])) == (step.get("caches") == ["argosy"]), step["name"]


def test_renovate_keeps_a_lock_file() -> None:
    rules = json.loads(texts(CiHost.GITHUB, argosy_install="./tools/argosy.txt")["renovate.json"])
    assert rules["pip-compile"] == {"managerFilePatterns": [r"/^tools/argosy\.txt$/"]}
    assert any("pip-compile" in each.get("matchManagers", ()) for each in rules["packageRules"])
    assert "pip-compile" not in texts(CiHost.GITHUB)["renovate.json"]


def test_no_file_installs_what_is_not_exact() -> None:
    hashed = r"[^\n]* --require-hashes --requirement "
    alone = (
        r"( --no-compile)? --no-deps --no-build-isolation \\\n *"
        r'"(argosy@\S+#sha256=[0-9a-f]{64}|argosy@git\+\S+@[0-9a-f]{40}|\S+/argosy-\S+\.whl)"'
    )
    for name in goldens.NAMES:
        for path, file in goldens.made(name).items():
            text = file.content.decode()
            for found in re.finditer(r"(pip|pipx|uv|uvx|tool) (install|run)\b", text):
                rest = text[found.end() :]
                assert re.match(f"{hashed}|{alone}", rest), f"{name}/{path}: {text[found.start() :][:80]}"


def test_the_dependencies_are_those_that_are_tested() -> None:
    """`make lock` writes both lists."""
    root = Path(__file__).parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text())
    tested = {Requirement(line) for line in (root / "constraints.txt").read_text().splitlines()}
    lock = texts(CiHost.GITHUB)["tools/argosy-dependencies.txt"]
    listed = re.findall(r"(?m)^(\w[^\\\n]*) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", lock)
    assert len(listed) == len(re.findall(r"(?m)^\w", lock)) > 20
    found = {Requirement(each.strip()) for each, _ in listed}
    assert {(each.name, each.specifier) for each in found} <= {(each.name, each.specifier) for each in tested}
    names = {canonicalize_name(each.name) for each in found}
    needed = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    assert {canonicalize_name(Requirement(each).name) for each in needed} <= names


# What the files say


def parts(data: Any) -> Iterator[dict[str, Any]]:
    """Yield each mapping of a document."""
    if isinstance(data, dict):
        yield data
        for each in data.values():
            yield from parts(each)
    elif isinstance(data, list):
        for each in data:
            yield from parts(each)


def jobs() -> dict[str, Any]:
    """Return the jobs of all workflows by name."""
    return {name: job for each in documents(CiHost.GITHUB).values() for name, job in each["jobs"].items()}


class TestGithub:
    def test_each_workflow_may_do_what_it_needs(self) -> None:
        assert {str(each["permissions"]) for each in documents(CiHost.GITHUB).values()} == {"{}"}
        writing = {"contents": "write", "pull-requests": "write"}
        assert {name: job["permissions"] for name, job in jobs().items()} == {
            "validate": {"contents": "read", "actions": "read", "security-events": "write"},
            "secrets": {"contents": "read"},
            "diff": {"contents": "read", "pull-requests": "write"},
            "promote": writing,
            "follow-up": writing,
            "update": {"contents": "read"},
        }

    def test_no_clone_keeps_a_token(self) -> None:
        for name, job in jobs().items():
            checkout, *others = job["steps"]
            assert checkout["uses"].startswith("actions/checkout@"), name
            assert checkout["with"]["persist-credentials"] == "false", name
            assert not any("checkout" in each.get("uses", "") for each in others), name

    def test_gitea_and_forgejo_which_run_them_too_find_the_token(self) -> None:
        for each in parts(list(documents(CiHost.GITHUB).values())):
            for name, value in each.get("env", {}).items():
                if "github.token" in value or "secrets." in value:
                    host = host_of("https://gitea.acme.example/a/b", {}, {name: TOKEN})
                    assert host.token() == TOKEN, name

    def test_no_script_holds_an_expression(self) -> None:
        for each in parts(list(documents(CiHost.GITHUB).values())):
            assert "${{" not in each.get("run", "")

    @pytest.mark.parametrize("name", ["promote", "follow-up", "diff", "update"])
    def test_every_branch_is_fetched(self, name: str) -> None:
        assert jobs()[name]["steps"][0]["with"]["fetch-depth"] == "0"

    def test_every_action_is_pinned_to_a_commit(self) -> None:
        used = actions(text for page in ("artifact", "pages") for text in texts(CiHost.GITHUB, page=page).values())
        assert len(used) == 7
        image = r"docker://[a-z.]+(/[a-z]+)+:v[\d.]+@sha256:[0-9a-f]{64}"
        action = r"[a-z]+(/[a-z-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+"
        own = {each for each in actions(each.read_text() for each in OWN) if not each.startswith("$/")}
        assert all(re.fullmatch(f"{image}|{action}", each) for each in used | own), used | own
        # Argosy's own CI runs what that of generated repositories runs.
        names = {each.partition("@")[0] for each in used}
        assert {each for each in own if each.partition("@")[0] in names} <= used

    @pytest.mark.parametrize("revision", RevisionStyle)
    def test_zizmor_finds_nothing(self, tmp_path: Path, revision: RevisionStyle) -> None:
        # An action is only seen under its own name.
        places = ("own/action.yml" if each.name == "action.yml" else f"workflows/own-{each.name}" for each in OWN)
        own = {f".github/{place}": each.read_text() for place, each in zip(places, OWN, strict=True)}
        for path, text in {**texts(CiHost.GITHUB, revision, previews=True, page="pages"), **own}.items():
            if path.startswith(".github/"):
                (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / path).write_text(text)
        zizmor = Path(sysconfig.get_path("scripts")) / "zizmor"
        linted = [str(zizmor), "--offline", "--no-config", "--quiet", "."]
        done = subprocess.run(linted, cwd=tmp_path, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    def test_a_promotion_starts_from_the_default_branch(self) -> None:
        promote = documents(CiHost.GITHUB)[".github/workflows/promote.yaml"]
        assert promote["jobs"]["promote"]["steps"][0]["with"]["ref"] == "main"
        inputs = promote["on"]["workflow_dispatch"]["inputs"]
        assert {name: (each.get("options"), each.get("default")) for name, each in inputs.items()} == {
            "applications": (None, None),
            "from": (["dev", "staging", "prod"], "dev"),
            "to": (["dev", "staging", "prod"], "staging"),
        }


def actions(workflows: Iterable[str]) -> set[str]:
    """Return what workflows use."""
    lines = [line.strip() for text in workflows for line in text.splitlines()]
    return {line.split("uses: ")[1] for line in lines if re.match("(- )?uses: ", line)}


@pytest.mark.parametrize("host", HOSTS)
def test_every_job_has_an_end(host: CiHost) -> None:
    found = documents(host)
    held = {
        CiHost.GITHUB: lambda: list(jobs().values()),
        CiHost.GITLAB: lambda: [found[".gitlab-ci.yml"][name] for name in (".argosy", "secrets")],
        CiHost.BITBUCKET: lambda: [each["step"] for each in found["bitbucket-pipelines.yml"]["definitions"]["steps"]],
    }[host]()
    key = {CiHost.GITHUB: "timeout-minutes", CiHost.GITLAB: "timeout", CiHost.BITBUCKET: "max-time"}[host]
    assert {re.match("[0-9]+", job[key])[0] for job in held} <= {"15", "30"}  # type: ignore[index]
    if host is CiHost.GITLAB:
        named = {name for name, each in found[".gitlab-ci.yml"].items() if each.get("extends") == ".argosy"}
        assert named == {"validate", "diff", ".merge-request"}


@pytest.mark.parametrize("host", HOSTS)
class TestWhatThereIs:
    def said(self, host: CiHost, **choices: Any) -> str:
        return "\n".join(f"{path}\n{texts(host, **choices)[path]}" for path in documents(host, **choices))

    def test_no_follow_up_unless_asked_for(self, host: CiHost) -> None:
        assert "--follow-up" in self.said(host)
        assert "--follow-up" not in self.said(host, follow_up=False)
        assert "argosy promote --from" in self.said(host, follow_up=False)

    def test_nothing_follows_a_promotion_to_the_last_environment(self, host: CiHost) -> None:
        said = self.said(host, environments=("dev", "prod"))
        assert "--follow-up" not in said
        assert "argosy promote --from" in said

    def test_one_environment_has_nothing_to_promote(self, host: CiHost) -> None:
        said = self.said(host, environments=("only",))
        assert "argosy promote" not in said
        assert "argosy diff" in said

    @pytest.mark.parametrize(("style", "branch"), [(RevisionStyle.TRUNK, "main"), (RevisionStyle.BRANCH, "staging")])
    def test_where_a_follow_up_starts(self, host: CiHost, style: RevisionStyle, branch: str) -> None:
        found = documents(host, revision=style)
        if host is CiHost.GITHUB:
            starts = found[".github/workflows/follow-up.yaml"]["on"]["push"]["branches"]
        elif host is CiHost.GITLAB:
            rules = found[".gitlab-ci.yml"]["follow-up"]["rules"]
            starts = [re.findall('CI_COMMIT_BRANCH == "(.*?)"', each["if"])[0] for each in rules]
        else:
            branches = found["bitbucket-pipelines.yml"]["pipelines"]["branches"]
            starts = [name for name, steps in branches.items() if len(steps) == 2]
            assert [branches[name][-1]["step"]["name"] for name in starts] == ["Follow up"]
        assert starts == [branch]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("revision", RevisionStyle)
@pytest.mark.parametrize("environments", [("only",), ("dev", "prod"), ("dev", "staging", "prod")], ids=len)
def test_the_hosts_schema_and_yamllint(host: CiHost, revision: RevisionStyle, environments: tuple[str, ...]) -> None:
    choices: dict[str, Any] = {"revision": revision, "environments": environments, "previews": True}
    written = texts(host, **choices)
    for path in documents(host, **choices):
        assert flaws(path, written[path], written[".pre-commit-config.yaml"]) == []


class TestRenovate:
    def rules(self, **choices: Any) -> Mapping[str, Mapping[str, Any]]:
        """Return the rules by the files that they are for."""
        found = json.loads(texts(CiHost.GITHUB, **choices)["renovate.json"])
        return {file: rule for rule in found["packageRules"] for file in rule.get("matchFileNames", ())}

    @pytest.mark.parametrize("environments", [("only",), ("dev", "prod"), ("dev", "staging", "prod")], ids=len)
    def test_its_schema(self, environments: tuple[str, ...]) -> None:
        schema = file_schema("renovate.json")
        assert schema is not None
        assert schema.violations(json.loads(texts(CiHost.GITHUB, environments=environments)["renovate.json"])) == []

    def test_components_reach_one_environment_after_the_other(self) -> None:
        assert not any("components" in file for file in self.rules())
        rules = self.rules(components=True)
        found = [rules[f"argocd/{name}/components/**"] for name in ("dev", "staging", "prod")]
        assert [each.get("minimumReleaseAge") for each in found] == [None, "7 days", "14 days"]
        assert [each["additionalBranchPrefix"] for each in found] == ["dev-", "staging-", "prod-"]
        assert [rules[f"platform/{name}/**"] for name in ("dev", "staging", "prod")] == found

    def test_what_is_promoted_is_updated_in_the_first_environment_alone(self) -> None:
        rules = self.rules()
        for file in ("environments/{}/**", "argocd/{}/*.yaml"):
            assert file.format("dev") not in rules
            assert [rules[file.format(name)]["enabled"] for name in ("staging", "prod")] == [False, False]

    @pytest.mark.parametrize("ci", CiHost)
    def test_it_speaks_of_what_there_is(self, ci: CiHost) -> None:
        found = json.loads(texts(ci, follow_up=False)["renovate.json"])
        managers = {CiHost.GITHUB: "github-actions", CiHost.GITLAB: "gitlabci", CiHost.BITBUCKET: "bitbucket-pipelines"}
        named = {each for rule in found["packageRules"] for each in rule.get("matchManagers", ())}
        assert named == {"pre-commit", *([managers[ci]] if ci in managers else [])}
        assert ("helpers:pinGitHubActionDigests" in found["extends"]) is (ci is CiHost.GITHUB)
        assert ("kubernetes" in found, "helm-values" in found) == (True, False)

    def test_argo_cd_is_found(self) -> None:
        (found,) = watched(texts(CiHost.GITHUB))
        assert found[:3] == ("argocd/install/kustomization.yaml", "github-releases", "argoproj/argo-cd")
        assert re.fullmatch(r"v\d+\.\d+\.\d+", found.value)


def test_no_ci_no_files() -> None:
    assert documents(CiHost.NONE, follow_up=False) == {}
