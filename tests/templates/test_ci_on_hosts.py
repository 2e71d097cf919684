"""A day of a generated repository's CI: its jobs' scripts in a clone, the real argosy, and each host's API, played."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from argosy.repository.model import CiHost
from tests.changing import commit, create, edit, git, model
from tests.hosting.server import Server, playing
from tests.templates.pipelines import TOKEN, WEB, Clone, Done, bitbucket, cloned, github, gitlab, real_argosy
from tests.templates.test_ci import EXPRESSIONS, MAY_COMMENT, PUSHER, RUN

KINDS = {"github": CiHost.GITHUB, "gitea": CiHost.GITHUB, "gitlab": CiHost.GITLAB, "bitbucket": CiHost.BITBUCKET}
"""The hosts whose API is played, and whose CI runs there: Gitea and Forgejo run GitHub's workflows."""


def given(clone: Clone, kind: str, server: Server) -> Mapping[str, str]:
    """Return the variables that a host gives to the jobs of pull request 1, and of what someone starts on main."""
    event = clone.home / "event.json"
    event.write_text(json.dumps({"number": 1, "pull_request": {"number": 1}}))
    own = {
        "github": {
            "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_REF": "refs/pull/1/merge",
        },
        "gitlab": {
            **{"CI_MERGE_REQUEST_IID": "1", "CI_MERGE_REQUEST_DIFF_BASE_SHA": clone.git("rev-parse", "origin/main")},
            **{"CI_PROJECT_URL": WEB, "CI_SERVER_PROTOCOL": "https", "CI_PROJECT_DIR": str(clone.folder)},
            **{"CI_COMMIT_BRANCH": "main", "ARGOSY_TOKEN": TOKEN, **PUSHER},
        },
        "bitbucket": {
            **{"BITBUCKET_PR_ID": "1", "BITBUCKET_PR_DESTINATION_BRANCH": "main", "ARGOSY_TOKEN": TOKEN},
        },
    }
    api = {
        "ARGOSY_HOST_API": server.url,
        "no_proxy": "127.0.0.1",
        "GITHUB_STEP_SUMMARY": str(clone.home / "summary.md"),
    }
    return {**RUN, **api, **own["github" if kind == "gitea" else kind]}


def run(clone: Clone, kind: str, name: str, server: Server) -> Done:
    """Run a job's steps, and return what the last did; each one has to succeed."""
    variables = given(clone, kind, server)
    if KINDS[kind] is CiHost.GITHUB:
        inputs = {"inputs.applications": "web", "inputs.from": "dev", "inputs.to": "prod"}
        values = {**EXPRESSIONS, **inputs, "github.base_ref": "main", MAY_COMMENT: "true"}
        scripts = list(github(name, values))
    elif KINDS[kind] is CiHost.GITLAB:
        scripts = [gitlab(name, {"to": "prod", "from": "dev", "applications": "web"} if name == "promote" else {})]
    else:
        scripts = [bitbucket(name.capitalize())]
        variables = {**variables, "APPLICATIONS": "web", "FROM": "dev", "TO": "prod"}
    done = [clone.run(each, variables) for each in scripts]
    assert [each.code for each in done] == [0] * len(done), done[-1].output
    return done[-1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_is_judged_shown_and_promoted(tmp_path: Path, kind: str) -> None:
    source = create(tmp_path / "source", model(ci=KINDS[kind]))
    commit(source, {".argosy.yaml": f"host: {{kind: {kind}, web: 'https://git.example.com'}}\n"})
    git(source, "branch", "prod")
    clone = cloned(source / ".git", tmp_path, real_argosy())
    clone.git("config", f"url.{clone.remote.parents[1].as_uri()}/.insteadOf", "https://git.example.com/")
    if kind == "bitbucket":
        clone.git("config", "user.name", "bitbucket-pipelines")
        clone.git("config", "user.email", "commits-noreply@bitbucket.org")
    clone.git("--git-dir", str(clone.remote), "config", "core.bare", "true")
    clone.git("remote", "set-url", "origin", f"{WEB}.git")
    with playing(kind) as server:
        server.token = TOKEN
        server.add("change")
        clone.git("switch", "--quiet", "--create", "change")
        edit(clone.folder, "environments/dev/web/deployment.yaml", "1.29.3-alpine", "1.29.4-alpine")
        commit(clone.folder)

        assert "Valid." in run(clone, kind, "validate", server).output
        shown = run(clone, kind, "diff", server)
        (comment,) = server.comments
        assert ("web-dev" in comment.body, "1.29.4-alpine" in comment.body, TOKEN in shown.output) == (
            True,
            True,
            False,
        )
        kept = (clone.folder / "diff.md").exists()
        assert kept == (KINDS[kind] is not CiHost.GITHUB), "a server of one's own keeps no artifact of GitHub's kind"
        assert kept or "1.29.4-alpine" in shown.output

        clone.git("push", "--quiet", "origin", "change:main")
        clone.git("switch", "--quiet", "main")
        clone.git("pull", "--quiet")
        run(clone, kind, "promote", server)
        _, opened = server.pull_requests
        assert (opened.branch, opened.base) == ("promote/web-dev-to-prod", "main")
        pushed = clone.git(
            "--git-dir", str(clone.remote), "show", f"{opened.branch}:environments/prod/web/deployment.yaml"
        )
        assert "1.29.4-alpine" in pushed
