"""What was promoted before a rename, and is looked at after it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from argosy.promotion.renames import Rename
from argosy.repository.model import Format, RevisionStyle
from tests.changing import commit, git
from tests.conftest import Argosy
from tests.promoting import NEW, OLD, edit, path, release, start, text

BASE = {Format.HELM: "charts/{0}/values.yaml", Format.KUSTOMIZE: "base/service.yaml"}
"""A file of the application itself."""


@pytest.mark.parametrize(
    ("form", "style", "renamed"),
    [
        (Format.KUSTOMIZE, RevisionStyle.TRUNK, ("app", "web", "shop")),
        (Format.MANIFESTS, RevisionStyle.TRUNK, ("env", "dev", "web-dev")),
        (Format.HELM, RevisionStyle.BRANCH, ("app", "web", "shop")),
    ],
)
def test_a_rename_asks_about_nothing_that_was_promoted_before(
    argosy: Argosy, tmp_path: Path, form: Format, style: RevisionStyle, renamed: tuple[str, str, str]
) -> None:
    root, is_own = start(tmp_path / "gitops", form, revision=style), style is RevisionStyle.BRANCH
    what, _, new = renamed

    def on(environment: str) -> None:
        git(root, "switch", "--quiet", environment if is_own else "main")

    def run(*arguments: str) -> str:
        result = argosy(*arguments, "--repository", str(root))
        assert result.code == 0, result.err + result.out
        return result.out

    carry_out = ("--yes", "--commit", "--no-validate")
    on("dev")
    release(root, form=form)
    if what == "env":
        for each in ("dev", "staging", "prod"):
            note = f"kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: note-{each}\ndata: {{of: {each}}}\n"
            commit(root, {f"environments/{each}/web/note.yaml": note})
    if is_own and form in BASE:
        commit(root, {f"applications/web/{BASE[form].format('web')}": _edited(root, form)})
    on("staging")
    run("promote", "web", "--to", "staging", "--leave", "**", *carry_out)
    on("main")
    if what == "env":  # Its name is in what people wrote, too, who say so where they rename it.
        run("rename", *renamed, *carry_out)
        edit(root, f"environments/{new}/web/note.yaml", "note-dev", f"note-{new}")
        git(root, "reset", "--quiet", "--soft", "HEAD~2")
        git(root, "commit", "--quiet", "--message", "Rename dev")
    else:
        run("rename", *renamed, *carry_out)
    application, source = (new, "dev") if what == "app" else ("web", new)
    on(source)
    edit(root, path(source, form, application), NEW, "1.29.5", "Release 1.29.5")

    on("staging")
    matrix = json.loads(run("status", application, "--output", "json"))
    lags = [each["behind"] for each in matrix["applications"][0]["environments"] if each["behind"]]
    told = [(len(each["moving"]), each["setByHand"], each["commits"]) for each in lags]
    assert told == [(1, [], 1), (1, [], 2 if what == "env" else 1)]
    assert not lags[0]["undecided"]
    run("rollback", application, "staging", "--dry-run")
    run("promote", application, "--to", "staging", *carry_out)
    assert "1.29.5" in text(root, path("staging", form, application))
    assert len(json.loads(run("history", application, "--output", "json"))["history"]) == 2
    on("prod")
    run("promote", application, "--to", "prod", "--leave", "**", *carry_out)
    on("staging")
    run("rollback", application, "staging", "--steps", "2", *carry_out)
    assert OLD in text(root, path("staging", form, application))


def test_a_rename_that_one_branch_has_is_no_new_application(argosy: Argosy, tmp_path: Path) -> None:
    root = start(tmp_path / "gitops", revision=RevisionStyle.BRANCH)
    before = {each: git(root, "rev-parse", each).strip() for each in ("dev", "staging", "prod")}

    def run(*arguments: str) -> tuple[int, str]:
        result = argosy(*arguments, "--repository", str(root), "--yes", "--commit", "--no-validate")
        return result.code, result.err

    assert run("rename", "app", "web", "shop")[0] == 0
    git(root, "branch", "--force", "staging", before["staging"])
    git(root, "branch", "--force", "prod", before["prod"])
    git(root, "switch", "--quiet", "staging")
    code, told = run("promote", "shop", "--to", "staging")
    assert (code, "web was renamed shop in dev, and staging still deploys it as web" in told) == (1, True), told
    assert run("rename", "app", "web", "shop")[0] == 0
    code, told = run("promote", "shop", "--to", "staging")
    assert (code, "Nothing to promote" in told) == (0, True), told
    git(root, "branch", "--force", "dev", before["dev"])
    code, told = run("promote", "web", "--to", "staging")
    assert (code, "web was renamed shop in staging, and dev still deploys it as web" in told) == (1, True), told


def test_an_environment_has_the_name_of_the_application(argosy: Argosy, tmp_path: Path) -> None:
    root = start(tmp_path / "gitops", Format.KUSTOMIZE, environments=("web", "prod"))

    def run(*arguments: str) -> None:
        result = argosy(*arguments, "--repository", str(root), "--yes", "--commit", "--no-validate")
        assert result.code == 0, result.err + result.out

    edit(root, path("web", Format.KUSTOMIZE), OLD, NEW)
    run("promote", "web", "--to", "prod", "--leave", "**")
    run("rename", "app", "web", "shop")
    edit(root, "environments/web/shop/patch.yaml", "value: info", "value: debug")
    run("promote", "shop", "--to", "prod")  # And asks about nothing.
    assert "value: debug" in text(root, "environments/prod/shop/patch.yaml")


def _edited(root: Path, form: Format) -> str:
    return text(root, f"applications/web/{BASE[form].format('web')}") + "# ours\n"


def test_only_what_the_rename_changed_has_the_new_names() -> None:
    left = "name: shop\nimage: acme/shop:1\nteam: web\nlabel: shop-dev\nother: x\n"
    rename = Rename({"web": "shop"}, {"a.yaml": left.encode(), "charts/shop/b.yaml": b""})
    before = "name: web\r\nimage: acme/web:1\nteam: web\nlabel: web-dev\nother: web\nweb2: webs\n"
    after = "name: shop\r\nimage: acme/web:1\nteam: web\nlabel: shop-dev\nother: web\nweb2: webs\n"
    assert rename.content("a.yaml", before.encode()) == after.encode()
    assert rename.content("gone.yaml", b"\xffname: web") == b"\xffname: web"
    assert [rename.path(each) for each in ("a.yaml", "charts/web/b.yaml", "charts/web/c.yaml")] == [
        "a.yaml",
        "charts/shop/b.yaml",
        "charts/web/c.yaml",
    ]
