"""`argosy template`: organisations' templates as layers over the built-in one."""

from __future__ import annotations

import json
import shutil
import socket
from base64 import b64encode
from collections.abc import Mapping
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import yaml

from argosy.change import layering
from argosy.repository.model import RevisionStyle
from argosy.template import fetching, layers, sandbox, versions
from tests import shared
from tests.changing import commit, create, edit, git, model
from tests.conftest import Argosy
from tests.loopback import listening

APP = "applications/[% yield app from applications %][[ app.name ]][% endyield %]"
OF_CATALOGUE = """\
_envops: {block_start_string: "[%", block_end_string: "%]", variable_start_string: "[[", variable_end_string: "]]",
  comment_start_string: "[#", comment_end_string: "#]"}
_answers_file: .copier-answers.acme.yml
"""
DEFINITION = f"""\
{OF_CATALOGUE}_subdirectory: t
_leave_out: [renov*.json]
team:
  help: Who is called?
  default: "[[ repository_name ]] people"
tier:
  type: str
  default: gold
  choices: {{Gold: gold, Silver: silver}}
night:
  type: bool
  default: false
number:
  type: int
  when: "[[ night ]]"
  default: 4711
"""
FILES = {
    "copier.yml": DEFINITION,
    f"t/{APP}/SUPPORT.md.jinja": "[[ app.name ]]: [[ team ]], [[ tier ]][% if night %], [[ number ]][% endif %]\n",
    "t/docs/applications.md.jinja": "[[ applications | map(attribute='name') | join(', ') ]]\n",
    "t/README.md.jinja": "[[ below | replace('# gitops', '# Our gitops') ]]\nAsk us.\n",
    "t/plain.txt": "[[ as it is ]]\n",
}


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    """Return a layer of one version."""
    root = tmp_path / "acme"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    release(root, "v1.0.0", FILES)
    return root


def release(root: Path, tag: str, files: Mapping[str, str | bytes | None]) -> None:
    commit(root, dict(files), tag)
    git(root, "tag", tag)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return a repository of two applications, which is where one is."""
    root = shared.repository("layers", lambda place: create(place, model(("shop", "web"))), tmp_path / "gitops")
    monkeypatch.chdir(root)
    return root


def read(root: Path, path: str) -> str:
    return (root / path).read_text()


def test_a_layer_is_added_and_every_command_renders_it(argosy: Argosy, repository: Path, layer: Path) -> None:
    result = argosy("template", "add", str(layer), "--set", "tier=silver", "--commit")
    assert result.code == 0, result.err
    assert yaml.safe_load(read(repository, ".copier-answers.acme.yml")) == {
        "_commit": f"v1.0.0-0-g{git(layer, 'rev-parse', 'HEAD').strip()}",
        "_src_path": str(layer),
        "night": False,
        "team": "gitops people",
        "tier": "silver",
    }
    assert read(repository, "applications/shop/SUPPORT.md") == "shop: gitops people, silver\n"
    assert read(repository, "docs/applications.md") == "shop, web\n"
    assert read(repository, "README.md").startswith("# Our gitops\n")
    assert read(repository, "plain.txt") == "[[ as it is ]]\n"
    assert not (repository / "renovate.json").exists()
    assert (repository / ".gitignore").exists()

    assert argosy("add", "app", "api", "--commit").code == 0
    assert read(repository, "applications/api/SUPPORT.md") == "api: gitops people, silver\n"
    assert read(repository, "docs/applications.md") == "api, shop, web\n"
    assert argosy("rename", "app", "api", "core", "--yes", "--commit", "--no-validate").code == 0
    assert read(repository, "applications/core/SUPPORT.md") == "core: gitops people, silver\n"
    assert argosy("remove", "app", "core", "--yes", "--commit", "--no-validate").code == 0
    assert read(repository, "docs/applications.md") == "shop, web\n"

    listed = json.loads(argosy("status", "--files", "--output", "json").out)["files"]
    by_layer = {each["path"] for each in listed if each.get("layer") == "acme v1.0.0"}
    assert by_layer == {
        *(".copier-answers.acme.yml", "README.md", "docs/applications.md", "plain.txt"),
        *("applications/shop/SUPPORT.md", "applications/web/SUPPORT.md"),
    }
    assert {each["state"] for each in listed} == {"unchanged"}

    edit(repository, ".copier-answers.acme.yml", "night: false", "night: true")
    assert argosy("apply", "--commit", "--no-validate").code == 0
    assert read(repository, "applications/web/SUPPORT.md") == "web: gitops people, silver, 4711\n"

    before = {path: blob for path, blob in tree(repository, "HEAD").items() if path not in by_layer}
    assert argosy("template", "remove", "acme", "--commit", "--no-validate").code == 0
    after = tree(repository, "HEAD")
    assert before.items() <= after.items()
    assert after == tree(repository, git(repository, "rev-list", "--max-parents=0", "HEAD").strip())


def tree(root: Path, revision: str) -> dict[str, str]:
    """Return what is committed: path -> mode and blob."""
    listed = git(root, "ls-tree", "-r", revision).splitlines()
    return {path: told for told, path in (line.split("\t") for line in listed)}


def test_a_newer_layer_is_merged_over_edits(argosy: Argosy, repository: Path, layer: Path) -> None:
    assert argosy("template", "add", str(layer), "--commit", "--no-validate").code == 0
    edit(repository, "README.md", "Ask us.", "Ask us by mail.")
    commit(repository)
    edit(layer, "t/README.md.jinja", "# Our gitops", "# Their gitops")
    release(layer, "v1.1.0", {"t/NEW.md": "New.\n", "t/plain.txt": None})
    assert argosy("update", "--check").code == 0, "nobody has fetched it yet"
    assert argosy("template", "fetch").err == f"Fetched acme v1.0.0 of {layer}; the newest is v1.1.0.\n"
    assert "v1.0.0" in argosy("template", "list").out
    assert json.loads(argosy("template", "list", "--output", "json").out)["layers"][0]["newest"] == "v1.1.0"
    assert json.loads(argosy("update", "--check", "--output", "json").out)["layers"] == {"acme": ["v1.0.0", "v1.1.0"]}
    assert argosy("update", "--only", "NEW.md", "--commit", "--no-validate").code == 0
    assert read(repository, "NEW.md") == "New.\n"
    assert (repository / "plain.txt").exists()
    assert "v1.0.0" in argosy("template", "list").out
    assert argosy("update", "--commit").code == 0
    assert read(repository, "README.md").startswith("# Their gitops\n")
    assert read(repository, "README.md").endswith("Ask us by mail.\n")
    assert not (repository / "plain.txt").exists()
    assert argosy("template", "update", "acme", "--to", "v1.0.0", "--commit", "--no-validate").code == 0
    assert (repository / "plain.txt").exists()
    assert argosy("template", "update", "--commit", "--branch=x").code == 2
    assert argosy("template", "update", "--branch=x").code == 0
    assert "NEW.md" in tree(repository, "x")


def test_two_layers_that_write_the_same_lie_in_an_order(
    argosy: Argosy, repository: Path, layer: Path, tmp_path: Path
) -> None:
    team = tmp_path / "team"
    team.mkdir()
    git(team, "init", "--quiet", "--initial-branch=main")
    definition = OF_CATALOGUE.replace("acme", "a-team")
    begun = {
        "copier.yml": f"{definition}_leave_out: [plain.txt]\n",
        "README.md.jinja": "[[ below ]]The team.\n",
        f"{APP}/SUPPORT.md": "Call the team.\n\n\n\nAt any time.\n",
        "plain.txt": "Plain.\n",
    }
    release(team, "v1.0.0", begun)
    assert argosy("template", "add", str(layer), "--commit", "--no-validate").code == 0
    added = argosy("template", "add", str(team), "--commit")
    assert added.code == 0, added.err
    assert "README.md is what a-team writes: acme and a-team have it. argosy template order" in added.err

    # Whoever is added later lies over the others, whatever it is called, and is given what they made.
    assert read(repository, "README.md").endswith("Ask us.\nThe team.\n")
    assert read(repository, "applications/shop/SUPPORT.md").startswith("Call the team.\n")
    assert read(repository, "plain.txt") == "Plain.\n"
    assert [line.split()[0] for line in argosy("template", "list").out.splitlines()] == ["acme", "a-team"]
    listed = json.loads(argosy("status", "--files", "--output", "json").out)["files"]
    assert {each["path"]: each.get("layer") for each in listed}["README.md"] == "a-team v1.0.0"
    assert {each["state"] for each in listed} == {"unchanged"}

    # People's edits are kept, whichever of the two is newer; a layer that is written over has nothing to merge.
    edit(repository, "applications/shop/SUPPORT.md", "Call the team.", "Call the team, please.")
    edit(repository, "README.md", "Ask us.", "Ask us, please.")
    edit(repository, "docs/applications.md", "shop, web", "shop, web\n\n\nOurs.")
    commit(repository)
    release(team, "v1.1.0", {f"{APP}/SUPPORT.md": begun[f"{APP}/SUPPORT.md"].replace("At any", "At what")})
    docs = FILES["t/docs/applications.md.jinja"]
    release(
        layer,
        "v1.1.0",
        {f"t/{APP}/SUPPORT.md.jinja": "Written over.\n", "t/docs/applications.md.jinja": f"All:\n\n\n{docs}"},
    )
    newer = argosy("template", "update", "--commit")
    assert newer.code == 0, newer.err
    assert read(repository, "applications/shop/SUPPORT.md") == "Call the team, please.\n\n\n\nAt what time.\n"
    assert read(repository, "applications/web/SUPPORT.md") == "Call the team.\n\n\n\nAt what time.\n"
    assert read(repository, "docs/applications.md") == "All:\n\n\nshop, web\n\n\nOurs.\n"

    # In another order another one wins; without it, the other is there again.
    assert argosy("template", "order", "acme").code == 2
    reordered = argosy("template", "order", "a-team", "acme")
    assert reordered.code == 3, "people's edits are of what goes"
    assert "edit these files (git diff shows the markers), then git add. Then git commit." in reordered.err
    assert argosy("abort").code == 0
    gone = argosy("template", "remove", "acme")
    assert gone.code == 3
    assert "docs/applications.md  (edited here, and gone from the template)" in gone.err
    assert "git add keeps a file that one side took away, git rm takes it away" in gone.err
    assert argosy("abort").code == 0
    edited = ("README.md", "applications/shop/SUPPORT.md", "docs/applications.md")
    assert argosy("restore", *edited, "--yes", "--commit", "--no-validate").code == 0
    assert argosy("template", "order", "a-team", "acme", "--commit", "--no-validate").code == 0
    assert [line.split()[0] for line in argosy("template", "list").out.splitlines()] == ["a-team", "acme"]
    assert read(repository, "applications/web/SUPPORT.md") == "Written over.\n"
    assert read(repository, "README.md").endswith("The team.\n\nAsk us.\n")
    assert argosy("template", "remove", "acme", "--commit", "--no-validate").code == 0
    assert read(repository, "applications/web/SUPPORT.md") == "Call the team.\n\n\n\nAt what time.\n"
    assert argosy("update", "--check").code == 0


def test_what_a_linked_folder_holds_is_not_shown(argosy: Argosy, repository: Path, tmp_path: Path) -> None:
    shutil.move(repository / "docs", tmp_path / "docs")
    edit(tmp_path, "docs/runbooks/README.md", "#", "sesame #")
    (repository / "docs").symlink_to(tmp_path / "docs")
    commit(repository)
    shown = argosy("diff", "--template")
    assert ("docs/runbooks/README.md" in shown.out, "sesame" in shown.out) == (True, False)


def test_validate_knows_whose_file_is_wrong(argosy: Argosy, repository: Path, layer: Path) -> None:
    wrong = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: 3\n"
    release(layer, "v1.1.0", {"t/argocd/[[ team | length ]].yaml": wrong})
    assert argosy("template", "add", str(layer), "--no-validate", "--commit").code == 0
    commit(repository, {"mine.yaml": wrong})
    told = json.loads(argosy("validate", "--output", "json").out)["findings"]
    hints = {each["path"]: each["hint"] for each in told}
    of_layer = "The layer acme v1.1.0 writes this file (t/argocd/[[ team | length ]].yaml): fix it there as well."
    assert of_layer in hints["argocd/13.yaml"]
    assert "layer" not in hints["mine.yaml"]


def test_files_go_back_to_what_the_template_says(argosy: Argosy, repository: Path, layer: Path) -> None:
    assert argosy("template", "add", str(layer), "--commit", "--no-validate").code == 0
    edit(repository, "README.md", "Ask us.", "Ask nobody.")
    (repository / ".gitattributes").unlink()
    commit(repository, {"environments/dev/web/mine.yaml": "{}\n"}, message="Ours")
    told = json.loads(argosy("diff", "--template", "--output", "json").out)["files"]
    why = {each["path"]: (each["layer"], each["why"][:13]) for each in told}
    assert why == {"README.md": ("acme v1.0.0", "edited here: "), ".gitattributes": (None, "deleted here:")}
    assert "+Ask nobody." in argosy("diff", "--template", "README.md").out
    assert argosy("diff", "--template", "--exit-code", "shop").code == 0
    assert argosy("diff", "--template", "--exit-code").code == 1
    assert argosy("restore", "README.md").code == 2, "nobody can confirm it"
    assert argosy("restore", "README.md", ".gitattributes", "--yes", "--commit").code == 0
    assert json.loads(argosy("diff", "--template", "--output", "json").out)["files"] == []
    assert "Did you mean “README.md”" in argosy("restore", "READM.md", "--yes").err

    values = "environments/dev/web/deployment.yaml"
    edit(repository, values, "replicas: 1", "replicas: 3")
    assert "not committed" in argosy("restore", values, "--yes").err
    commit(repository)
    assert argosy("restore", "dev", "--yes", "--commit", "--no-validate").code == 0
    assert "replicas: 3" in read(repository, values), "a seeded file is named itself"
    assert argosy("restore", values, "--yes", "--commit", "--no-validate").code == 0
    assert "replicas: 1" in read(repository, values)


REFUSED: list[tuple[dict[str, str | bytes], str, str]] = [
    ({"copier.yml": f"{DEFINITION}_tasks: [ls]\n"}, "copier.yml:20", "_tasks would run commands"),
    ({"copier.yml": f"{DEFINITION}_jinja_extensions: [x.Y]\n"}, "copier.yml:20", "would run code of its own"),
    ({"copier.yml": f"{DEFINITION}_migrations: []\n"}, "copier.yml:20", "_migrations would run commands"),
    ({"copier.yml": f"{DEFINITION}pin: {{type: str, secret: true}}\n"}, "copier.yml:20", "asks for a secret"),
    ({"copier.yml": f"{DEFINITION}_leave_outt: []\n"}, "copier.yml:20", "Did you mean “_leave_out”"),
    ({"copier.yml": f"{DEFINITION}size: {{type: int, default: x}}\n"}, "copier.yml:20", "“x” is no answer to size"),
    ({"copier.yml": '_envops: {block_start_string: "", block_end_string: 3}\n'}, "copier.yml:1", ""),
    ({"copier.yml": f"{DEFINITION}a: {{type: [x], default: 1}}\n"}, "copier.yml:20", ""),
    ({"copier.yml": f"{DEFINITION}a: !include b.yml\n"}, "copier.yml:20", ""),
    ({"t/x.md.jinja": "one\n[[ nothing ]]\n"}, "t/x.md.jinja:2", "asks for what is not there: 'nothing'"),
    ({"t/x.md.jinja": "one\n\n[% if %]\n"}, "t/x.md.jinja:3", ""),
    ({"t/x.md.jinja": "[% include 'no.txt' %]"}, "t/x.md.jinja:1", "which the layer does not have"),
    ({"t/x.md.jinja": "[[ '/etc' | fileglob ]]"}, "t/x.md.jinja:1", "fileglob"),
    ({"t/x.md.jinja": "a\n[[ ''.__class__.__mro__ ]]"}, "t/x.md.jinja:2", "unsafe"),
    ({"t/[[ '..' ]]/x.md": ""}, "t/[[ '..' ]]/x.md:1", "no path within the repository"),
    (
        {"copier.yml": DEFINITION.replace('"[[ repository_name ]] people"', "/tmp"), "t/[[ team ]]/x.md": ""},
        "t/[[ team ]]/x.md:1",
        "no path within the repository",
    ),
    ({"t/[[ '.GIT' ]]/config": ""}, "t/[[ '.GIT' ]]/config:1", "no path within the repository"),
    ({f"t/{APP}/application.yaml": ""}, f"t/{APP}/application.yaml:1", "which argosy itself writes and reads"),
    ({"t/[[ 'mine.md' ]]": "Theirs.\n"}, "t/[[ 'mine.md' ]]:1", "is a file of this repository already"),
    ({"t/x.md.jinja": b"\xff"}, "t/x.md.jinja:1", "not valid UTF-8"),
    ({"t/x.md.jinja": "[[ '\\ud800' ]]"}, "t/x.md.jinja:1", "half a surrogate pair"),
    (
        {"copier.yml": f"{DEFINITION}half: {{type: str, default: \"[[ '\\\\ud800' ]]\"}}\n", "t/[[ half ]].md": ""},
        "t/[[ half ]].md:1",
        "no path within the repository",
    ),
]
"""What a layer has, the place that is named, and why."""


def test_what_argosy_does_not_take_is_refused_with_its_place(argosy: Argosy, repository: Path, tmp_path: Path) -> None:
    commit(repository, {"mine.md": "Mine.\n"})
    for number, (files, place, said) in enumerate(REFUSED):
        layer = tmp_path / f"{number}/acme"  # A folder needs no commit, and is read and asked as a repository is.
        for path, content in {**FILES, **files}.items():
            written = layer / path
            written.parent.mkdir(parents=True, exist_ok=True)
            written.write_bytes(content if isinstance(content, bytes) else content.encode())
        result = argosy("template", "add", str(layer), "--commit")
        assert result.code == 1, place
        assert f"Error: Layer acme {versions.tree_id(layer)[:12]}, {place}: " in result.err
        assert said in result.err
    assert git(repository, "status", "--porcelain") == ""
    assert not (repository / ".copier-answers.acme.yml").exists()


def test_limits_hold_and_links_are_refused(
    argosy: Argosy, repository: Path, layer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARGOSY_RENDER_TIMEOUT", "0.2")
    endless = "[% for a in range(99999) %][% for b in range(99999) %][% endfor %][% endfor %]"
    release(layer, "v2.0.0", {"t/x.md.jinja": endless})
    result = argosy("template", "add", str(layer))
    assert (result.code, "did not end within 0.2 seconds" in result.err) == (1, True)
    monkeypatch.undo()
    (layer / "t/x.md.jinja").unlink()
    (layer / "t/link").symlink_to("/etc/passwd")
    release(layer, "v3.0.0", {})
    assert "t/link of" in (told := argosy("template", "add", str(layer), "--repository", str(repository)).err)
    assert "it is a symbolic link" in told


def test_a_strangers_repository_fetches_nothing(
    argosy: Argosy, repository: Path, layer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever clones it decides on its layers' sources: until then, only what renders the template is refused."""
    assert argosy("template", "add", str(layer), "--commit", "--no-validate").code == 0
    monkeypatch.setenv("ARGOSY_CACHE", str(tmp_path / "other"))

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket")

    monkeypatch.setattr(socket, "socket", refuse)
    moved = layer.rename(tmp_path / "elsewhere")
    for reading in (("validate",), ("status",), ("diff",), ("render", "web", "dev"), ("template", "list")):
        assert argosy(*reading).code == 0, reading
    for asked in (("status", "--files"), ("add", "env", "qa"), ("update",), ("diff", "--template")):
        result = argosy(*asked)
        assert result.code in {1, 2}
        assert f"The layer acme v1.0.0 is not on this machine: {layer}" in result.err
        assert "argosy template fetch" in result.err
    assert "could not be fetched" in argosy("template", "fetch").err
    moved.rename(layer)
    assert argosy("template", "fetch").code == 0
    assert argosy("status", "--files").code == 0
    layer.rename(moved)
    assert argosy("add", "env", "qa", "--commit", "--no-validate").code == 0, "it works offline once it was fetched"


def test_a_private_layer_is_fetched_with_gits_credentials_and_by_nothing_else(
    argosy: Argosy, repository: Path, layer: Path, git_configuration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path = layer.parent
    asked: list[str] = []
    served = tmp_path / "served"
    git(tmp_path, "clone", "--quiet", "--bare", str(layer), str(served / "style.git"))
    git(served / "style.git", "--git-dir=.", "update-server-info")

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(served))

        def do_GET(self) -> None:
            asked.append(self.path)
            if self.headers["Authorization"] == f"Basic {b64encode(b'ada:secret').decode()}":
                super().do_GET()
                return
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="style"')
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with listening(Handler) as url:
        source = f"{url}/style.git"
        refused = argosy("template", "add", source)
        assert "could not be fetched" in refused.err
        assert "Git's credentials count" in refused.err
        credentials = tmp_path / "credentials"
        credentials.write_text(f"{url.replace('://', '://ada:secret@')}\n")
        git(tmp_path, "config", "--file", str(git_configuration), "credential.helper", f"store --file={credentials}")
        assert argosy("template", "add", f"{source}@v1.0.0", "--commit", "--no-validate").code == 0
        assert source in read(repository, ".copier-answers.acme.yml")
        assert "secret" not in read(repository, ".copier-answers.acme.yml")
        asked.clear()
        for offline in (("status", "--files"), ("template", "list"), ("update", "--check"), ("diff", "--template")):
            assert argosy(*offline).code == 0
        monkeypatch.setenv("ARGOSY_CACHE", str(tmp_path / "other"))
        for refusing in (("status", "--files"), ("update",), ("add", "env", "qa"), ("apply",)):
            argosy(*refusing)
        assert asked == []
        assert argosy("template", "fetch").code == 0
        assert asked


def test_branches_of_environments_get_the_layer_too(
    argosy: Argosy, layer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = model(("web",), ("dev", "prod"), revision=RevisionStyle.BRANCH)
    root = tmp_path / "gitops"
    create(root, made)
    for name in ("dev", "prod"):
        git(root, "branch", name)
    monkeypatch.chdir(root)
    result = argosy("template", "add", str(layer), "--commit")
    assert result.code == 0, result.err
    for name in ("main", "dev", "prod"):
        assert "applications/web/SUPPORT.md" in tree(root, name), name


def test_sources_that_are_none(argosy: Argosy, repository: Path, layer: Path) -> None:
    assert argosy("template", "add", "ext::sh -c id").code == 2
    assert argosy("template", "add", "https://ada:pw@example.com/x.git").code == 2
    assert "pw" not in argosy("template", "add", "https://ada:pw@example.com/x.git").err
    assert argosy("template", "add", "nowhere").code == 2
    for asked in (("template", "add", "~nosuch/x"), ("init", "other", "--defaults", "--template", "~nosuch/x")):
        result = argosy(*asked)
        assert (result.code, "~nosuch/x: there is no such home directory" in result.err) == (2, True)
    assert "has no tag, branch or commit v9" in argosy("template", "add", f"{layer}@v9").err
    assert argosy("template", "add", str(layer), "--set", "nobody=1").code == 2
    assert argosy("template", "add", str(layer), "--set", "tier=tin").code == 1
    commit(repository, {".copier-answers.other.yml": "_commit: v1.0.0\n_src_path: gh:x/y\n"})
    assert argosy("template", "list").out == "", "another template of Copier's is no layer"
    assert argosy("template", "add", str(layer), "--commit", "--no-validate").code == 0
    assert "has a layer acme already" in argosy("template", "add", str(layer)).err
    assert "acme and b have it" in argosy("template", "add", str(layer), "--name", "b", "--dry-run").err
    edit(repository, ".copier-answers.acme.yml", str(layer), "ext::sh -c id")
    assert ".copier-answers.acme.yml: “ext::sh -c id” is no source of a layer" in argosy("template", "fetch").err


def test_a_folder_is_a_layer_too(argosy: Argosy, repository: Path, layer: Path, tmp_path: Path) -> None:
    folder = tmp_path / "style"
    (folder / "t").mkdir(parents=True)
    (folder / "copier.yml").write_text("_subdirectory: t\ncolour: blue\n")
    (folder / "t/colour.txt.jinja").write_text("{{ colour }} of {{ repository_name }}\n")
    assert argosy("template", "add", str(folder), "--commit").code == 0
    assert read(repository, "colour.txt") == "blue of gitops\n"
    (folder / "t/colour.txt.jinja").write_text("Very {{ colour }}\n")
    assert argosy("template", "update", "style", "--set", "colour=red", "--commit", "--no-validate").code == 0
    assert read(repository, "colour.txt") == "blue of gitops\n".replace("blue", "red"), (
        "answers alone: the same version"
    )
    assert argosy("template", "update", "style", "--commit", "--no-validate").code == 0
    assert read(repository, "colour.txt") == "Very red\n"
    assert argosy("template", "add", str(layer), "--commit", "--no-validate").code == 0, "several layers"


def test_init_with_a_layer(argosy: Argosy, layer: Path, tmp_path: Path) -> None:
    defaults = "ci: {default: none}\nnetwork_policies: {default: true}\n"
    more = f"{DEFINITION}{defaults}pays: {{type: str, help: Who pays?}}\n"
    release(layer, "v1.1.0", {"copier.yml": more})
    answers = tmp_path / "answers.yaml"
    answers.write_text("pays: '42'\nformat: manifests\n")
    asked = ("init", "gitops", "--template", f"{layer}", "--defaults", "--app", "web", "--env", "dev")
    refused = argosy(*asked)
    assert refused.code == 2
    assert "pays: Who pays?" in refused.err
    assert not Path("gitops").exists()
    result = argosy(*asked, "--answers", str(answers), "--set", "night=yes")
    assert result.code == 0, result.err
    own = yaml.safe_load(read(tmp_path, "gitops/.copier-answers.acme.yml"))
    edit(tmp_path / "gitops", ".copier-answers.acme.yml", "pays: '42'\n", "")
    git(tmp_path / "gitops", "commit", "--quiet", "--all", "--message", "Nobody pays")
    unanswered = argosy("add", "env", "qa", "--repository", "gitops")
    assert "copier.yml:22: it asks pays, which .copier-answers.acme.yml does not answer" in unanswered.err
    assert "argosy template update acme --set pays=VALUE" in unanswered.err
    assert (own["pays"], own["night"], own["number"]) == ("42", True, 4711)
    built_in = yaml.safe_load(read(tmp_path, "gitops/.copier-answers.yml"))
    assert (built_in["ci"], built_in["network_policies"], built_in["format"]) == ("none", True, "manifests")
    release(layer, "v1.2.0", {"copier.yml": f"{DEFINITION}ci: {{default: jenkins}}\n"})
    assert "Layer acme v1.2.0, copier.yml:20: " in argosy("init", "other", "--template", str(layer), "--defaults").err


def test_a_person_is_asked_what_follows_from_the_answers_before(argosy: Argosy, layer: Path) -> None:
    asked = []

    def ask(question: Mapping[str, Any]) -> Any:
        asked.append((question["name"], question["help"], question["default"], question["choices"]))
        return {"night": "yes", "number": "12"}.get(question["name"], question["default"])

    fetched = fetching.fetch(str(layer))
    answered = layering.answered(model(), fetched, {"tier": "silver"}, ask)
    assert json.loads(answered.answers) == {"night": True, "number": 12, "team": "gitops people", "tier": "silver"}
    assert asked == [
        ("team", "Who is called?", "gitops people", []),
        ("night", "night", False, []),
        ("number", "number", 4711, []),
    ]


def test_without_a_cache_there_is_nowhere_to_keep_a_layer(
    argosy: Argosy, repository: Path, layer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARGOSY_CACHE", "")
    result = argosy("template", "add", str(layer))
    assert result.code == 2
    assert "ARGOSY_CACHE is empty" in result.err


def test_the_worker_ends_with_what_it_is_given(layer: Path) -> None:
    """It reaches nothing: no clock, no dice, no files, whatever a text asks for."""
    for asked in ("[[ [1, 2] | random ]]", "[[ lipsum() ]]", "[[ 'x' | expandvars ]]", "[[ '%Y' | strftime ]]"):
        given = {
            **{"file": "copier.yml", "files": {"x": asked}, "templates": ["x"], "places": {"x": "x"}, "questions": []},
            **{"lines": {}, "answers": {}, "known": {}, "copier": {"_copier_conf": {}}},
            "envops": {"variable_start_string": "[[", "variable_end_string": "]]"},
        }
        with pytest.raises(sandbox.RefusedError):
            sandbox.Rendering(given).texts([0], {})
    assert layers.newest(str(layer)) == ""
