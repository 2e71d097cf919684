"""`argosy report --html` and `argosy serve`, as far as no browser is needed: files, places, secrets, requests."""

from __future__ import annotations

import base64
import gzip
import hashlib
import http.client
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from argosy.errors import ArgosyError
from argosy.repository.model import RevisionStyle
from argosy.web import hiding
from argosy.web import serving as web
from argosy.web.model import Page, Row, plain
from tests import shared
from tests.changing import commit, create, edit, git, model
from tests.conftest import Argosy
from tests.status.cluster import application, kubeconfig, serving
from tests.validating import write_files

SECRET = "hunter2-in-the-clear"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository in which dev runs something newer, and production something mended by hand."""

    def make(place: Path) -> None:
        root = create(place, model(("cart", "web")))
        edit(root, "environments/dev/web/deployment.yaml", "1.29.3-alpine", "1.30.0")
        edit(root, "environments/prod/cart/deployment.yaml", "1.29.3-alpine", "1.29.3-fix")
        commit(root)

    root = shared.repository("of a page", make, tmp_path / "gitops")
    monkeypatch.chdir(root)
    return root


def data(page: str) -> dict[str, Any]:
    """Return what a page shows at first."""
    found: dict[str, Any] = json.loads(re.findall(r'<script type="application/json" id="page">(.*?)</script>', page)[0])
    return found


def parts(page: str) -> list[Any]:
    """Return what a page in one file holds packed."""
    packed = re.findall(r'<script type="application/json" id="chunk-\d+">(.*?)</script>', page)
    return [json.loads(gzip.decompress(base64.b64decode(each))) for each in packed]


def test_one_file_holds_all_and_permits_its_own_script_alone(argosy: Argosy, repository: Path, tmp_path: Path) -> None:
    found = argosy("report", "--html", str(tmp_path / "out/page.html"))
    assert (found.code, found.out) == (0, "")
    assert "page.html: 3 applications," in found.err
    page = (tmp_path / "out/page.html").read_text()
    first = data(page)
    assert [each["name"] for each in first["environments"]] == ["dev", "prod", "argocd"]
    cells = {(row["name"], cell["environment"]): cell for row in first["rows"] for cell in row["cells"]}
    assert cells["web", "dev"]["version"] == "1.30.0"
    assert cells["web", "prod"]["states"] == ["behind"]
    assert cells["cart", "prod"]["states"] == ["hand"]
    tree, *details = parts(page)
    assert [each["name"] for each in tree["roots"] if each["kind"] == "Application"] == ["root"]
    web = next(each for several in details for each in several if each["name"] == "web")
    (difference,) = web["differences"]
    expected = {each["name"]: each.get("expected", False) for each in difference["keys"]}
    assert expected["Deployment/web: spec.replicas"]
    assert not expected["Deployment/web: spec.template.spec.containers.web.image"]
    # The policy names the script and the style by what they are, and nothing may be loaded.
    policy = re.findall(r'Content-Security-Policy" content="(.*?)"', page)[0].replace("&#39;", "'")
    for kind, name in (("script", "script"), ("style", "style")):
        (code,) = re.findall(rf"<{kind}>(.*?)</{kind}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}';" in policy
    assert "connect-src 'none'" in policy
    assert policy.startswith("default-src 'none'")
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", page)


def test_a_folder_has_its_parts_apart_and_drops_those_of_an_older_page(
    argosy: Argosy, repository: Path, tmp_path: Path
) -> None:
    place = tmp_path / "out"
    older = '<meta name="generator" content="argosy 1"><script>{"rows":[{"chunk":9}]}</script>'
    write_files(place, {"index.html": older, "data/7.bin": "mine", "data/9.bin": "old", "data/notes.txt": "mine"})
    assert argosy("report", "--html", str(place), "--quiet").code == 0
    assert {each.name for each in (place / "data").iterdir()} == {"0.bin", "1.bin", "7.bin", "notes.txt"}
    page = (place / "index.html").read_text()
    assert parts(page) == []
    assert "connect-src 'self'" in page.replace("&#39;", "'")
    details = json.loads(gzip.decompress((place / "data/1.bin").read_bytes()))
    assert [each["name"] for each in details] == ["cart", "root", "web"]
    # A second page takes the place of the first.
    assert argosy("report", "--html", str(place), "--quiet").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("report",), "Say what to do."),
        (("report", "a.json"), "Say what to do with the reports."),
        (("report", "--merge"), "Name them"),
        (("report", "--live", "--merge", "a.json"), "--live is for --html"),
        (("report", "--html", "p.html", "--context", "x"), "--context is for --live"),
        (("report", "--html", "site"), "is there, and no page of argosy's"),
        (("report", "--html", "a.html"), "is a folder"),
        (("report", "--html", "notes"), "is a file"),
        (("report", "--html", "parts"), "7.bin is there, and no page of argosy's"),
        (("report", "--html", "link/p.html"), "leads out of the repository"),
        (("report", "--html", "public"), "public/data cannot be written: it leads out of the repository"),
        (("report", "--html", ".git/hooks"), "it is Git's own"),
        (("serve", "--context", "x"), "--context is for --live"),
    ],
)
def test_nothing_else_is_overwritten(
    argosy: Argosy, repository: Path, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    mine = {"gitops/site/index.html": "mine", "gitops/notes": "mine", "gitops/parts/data/7.bin": "mine"}
    write_files(tmp_path, {**mine, "gitops/a.html/x": "", "gitops/public/x": "", "outside/7.bin": "mine"})
    (repository / "link").symlink_to("../outside")
    (repository / "public/data").symlink_to("../../outside")
    found = argosy(*arguments)
    assert found.code == 2
    assert said in found.err
    assert {(tmp_path / each).read_text() for each in (*mine, "outside/7.bin")} == {"mine"}
    assert len([*(tmp_path / "outside").iterdir()]) == 1


def test_no_link_of_the_repository_leads_a_page_away_wherever_argosy_was_started(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path, {"gitops/pod.yaml": "", "gitops/public/x": "", "outside/7.bin": "mine"})
    (tmp_path / "gitops/public/data").symlink_to("../../outside")
    (tmp_path / "way").symlink_to("gitops")
    monkeypatch.chdir(tmp_path)
    # Not under Git, named from outside, and by a link that is the user's own.
    for root in ("gitops", "way"):
        found = argosy("report", "--repository", root, "--html", f"{root}/public")
        assert (found.code, [each.name for each in (tmp_path / "outside").iterdir()]) == (2, ["7.bin"])
        assert "public/data cannot be written: it leads out of the repository" in found.err


def test_what_shards_found_is_shown(argosy: Argosy, repository: Path, tmp_path: Path) -> None:
    edit(repository, "environments/prod/web/service.yaml", "port: 80", "prot: 80")
    for number in ("1", "2"):
        argosy("validate", "--shard", f"{number}/2", "--report", f"json={tmp_path}/{number}.json", "--quiet")
    reports = [str(tmp_path / f"{each}.json") for each in ("1", "2")]
    found = argosy("report", "--merge", *reports, "--html", str(tmp_path / "p.html"), "--quiet")
    assert found.code == 1
    assert any("prot" in each["message"] for each in data((tmp_path / "p.html").read_text())["findings"])
    assert "prot" in found.out


def test_a_repository_of_somebody_else_and_one_without_commits(argosy: Argosy, tmp_path: Path) -> None:
    theirs = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop}\nspec:\n  project: default\n"
        "  source: {repoURL: 'https://ada:token@git.example.com/acme/gitops.git', path: apps, targetRevision: main}\n"
        "  destination: {name: eu, namespace: shop}\n"
    )
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: shop}\nspec: {containers: [{name: a, image: 'shop:1.2'}]}\n"
    files = {
        ".argosy.yaml": "repoURLs: ['https://git.example.com/acme/gitops.git']\n",
        "argocd/app.yaml": theirs,
        "apps/pod.yaml": pod,
    }
    write_files(tmp_path / "theirs", files)
    assert argosy("report", "--html", "p.html", "--repository", str(tmp_path / "theirs"), "--quiet").code == 0
    first = data(Path("p.html").read_text())
    assert [(row["name"], row["cells"][0]["version"]) for row in first["rows"]] == [("shop", "1.2")]
    assert first["clusters"][0]["name"] == "eu"
    assert "token" not in Path("p.html").read_text().replace("automountServiceAccountToken", "")
    argosy("init", "new", "--defaults", "--minimal", "--no-git", "--quiet")
    assert argosy("report", "--html", "q.html", "--repository", "new", "--quiet").code == 0
    second = data(Path("q.html").read_text())
    assert any("is unknown" in each for each in second["notes"])
    assert [each["name"] for each in second["rows"]] == ["my-app", "root"]


def test_health_is_shown_when_asked_for(
    argosy: Argosy, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.setenv("HOME", str(tmp_path))
    place = str(tmp_path / "p.html")
    with serving([application("web-prod", sync="OutOfSync", health="Degraded")]) as url:
        kubeconfig(tmp_path / "kubeconfig", url)
        assert argosy("report", "--html", place, "--live", "--quiet").code == 0
    first = data(Path(place).read_text())
    cells = {(row["name"], cell["environment"]): cell for row in first["rows"] for cell in row["cells"]}
    assert first["has_health"]
    assert {"text": "Degraded", "tone": "bad"} in cells["web", "prod"]["remarks"]
    assert {"unsynced", "unhealthy"} <= {*cells["web", "prod"]["states"]}
    assert {"text": "not there", "tone": "bad"} in cells["web", "dev"]["remarks"]
    # Without an answer there is no page that keeps it back.
    assert argosy("report", "--html", place, "--live", "--quiet").code == 2


def test_an_environment_is_read_from_its_own_branch(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = create(tmp_path / "gitops", model(("web",), revision=RevisionStyle.BRANCH))
    for name, version in (("dev", "1.30.0"), ("prod", "1.28.0")):
        git(root, "switch", "--quiet", "--create", name, "main")
        edit(root, f"environments/{name}/web/deployment.yaml", "1.29.3-alpine", version)
        commit(root)
    git(root, "switch", "--quiet", "main")
    monkeypatch.chdir(root)
    assert argosy("report", "--html", str(tmp_path / "p.html"), "--quiet").code == 0
    page = (tmp_path / "p.html").read_text()
    assert [(each["name"], each.get("revision")) for each in data(page)["environments"]][:2] == [
        ("dev", "dev"),
        ("prod", "prod"),
    ]
    (web,) = (each for several in parts(page)[1:] for each in several if each["name"] == "web")
    texts = {each["environment"]: str(each["resources"]) for each in web["applied"]}
    assert ("nginx:1.30.0" in texts["dev"], "nginx:1.28.0" in texts["prod"]) == (True, True)
    assert "1.29.3" not in texts["dev"] + texts["prod"]


@pytest.mark.parametrize(
    ("manifest", "shown"),
    [
        ({"kind": "Secret", "stringData": {"a": SECRET}}, "a: ***"),
        ({"kind": "SopsSecret", "spec": {"secretTemplates": [{"stringData": {"a": SECRET}}]}}, "***"),
        ({"kind": "ConfigMap", "data": {"dbPassword": SECRET}}, "dbPassword: ***"),
        ({"kind": "Pod", "spec": {"containers": [{"env": [{"name": "DB_PASSWORD", "value": SECRET}]}]}}, "value: ***"),
        ({"kind": "ConfigMap", "data": {"a.yaml": f"user: ada\npassword: {SECRET}\n"}}, "password: ***"),
        ({"kind": "ConfigMap", "data": {"a.json": json.dumps({"password": SECRET, "user": "ada"})}}, "ada"),
        ({"kind": "ConfigMap", "data": {"apiKey": SECRET, "AWS_SECRET_ACCESS_KEY": SECRET, "x": "y"}}, "apiKey: ***"),
        ({"kind": "Pod", "spec": {"containers": [{"env": [{"name": "API_TOKEN", "value": SECRET}]}]}}, "value: ***"),
        ({"kind": "Pod", "spec": {"args": ["--token", SECRET, f"--db-password={SECRET}", "--v"]}}, "- --v"),
        ({"kind": "Pod", "spec": {"command": ["sh", "-c", f"run --token {SECRET} --v; API_KEY={SECRET} go"]}}, "--v;"),
        ({"kind": "Pod", "spec": {"command": ["sh", "-c", f"curl -H 'Authorization: Bearer {SECRET}' x"]}}, "curl"),
        ({"kind": "Shop", "spec": {"passwords": [SECRET], "tokens": {"ada": SECRET}, "user": "ada"}}, "user: ada"),
        ({"kind": "Shop", "spec": {"deploy": [{"kind": "Secret", "stringData": {"a": SECRET}}]}}, "a: ***"),
        ({"kind": "SecretList", "items": [{"stringData": {"a": SECRET}}]}, "a: ***"),
        *(
            ({"kind": "ConfigMap", "data": {"a.conf": text}}, shown)
            for text, shown in (
                (f"db_password={SECRET}\nuser=ada\n", "user=ada"),
                (f"  client.secret = {SECRET}\nmode = open\n", "mode = open"),
                (f"password: >-\n  {SECRET}\n\n  {SECRET}\nuser: ada\n", "user: ada"),
                (f"- password: '{SECRET}\n    {SECRET}'\n  user: ada\n", "user: ada"),
                (f"passwords:\n- {SECRET}\n- name: ada\n  password: {SECRET}\nuser: bob\n", "name: ada"),
                (f"tokens:\n  ada: {SECRET}\nuser: bob\n", "user: bob"),
                (f"db: {{user: ada, password: {SECRET}, port: 1}}\n", "port: 1"),
                (f"db: {{passwords: [{SECRET}, {SECRET}], port: 1}}\n", "port: 1"),
                (f"args:\n- --token\n- {SECRET}\n- --v\n", "- --v"),
                (f"args: [--token, {SECRET}, --v]\n", ", --v]"),
                (json.dumps({"a": json.dumps({"token": f'"{SECRET}', "user": "ada"})}), "ada"),
                (json.dumps({"tokens": [SECRET], "user": "ada"}, indent=2), "ada"),
                (f"Server=db;Password={SECRET};Port=1\n", "Port=1"),
                (f"one\u2028password: {SECRET}\u2028two\n", "two"),
            )
        ),
        ({"kind": "ConfigMap", "data": {"url": f"postgres://ada:{SECRET}@db.acme.dev/shop"}}, "url: ***"),
        ({"kind": "ConfigMap", "data": {"k": f"-----BEGIN RSA PRIVATE KEY-----\n{'QUJD' * 16}\n{SECRET}\n"}}, "***"),
    ],
)
def test_nothing_secret_can_be_read(manifest: dict[str, Any], shown: str) -> None:
    (written,) = hiding.texts([{"apiVersion": "v1", "metadata": {"name": "shop"}, **manifest}])
    assert SECRET not in written
    assert "QUJD" not in written
    assert shown in written.replace("'***'", "***").replace('"***"', "***")
    assert "name: shop" in written


def test_what_is_no_secret_can_be_read() -> None:
    data = {"passwordPolicy": "strict", "mode": "open", "list": "a\nb\n", "existingSecret": "db", "maxTokens": 9}
    texts = {
        "a.yaml": "key: a\nsecretName: b\npassword: ${DB_PASSWORD}\ntoken:\n  ttl: 3h\n",
        "b": "--no-token-cache a",
    }
    spec = {
        "automountServiceAccountToken": False,
        "env": [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"key": "a"}}}],
    }
    store = {"data": [{"secretKey": "password", "remoteRef": {"key": "shop"}}]}
    (written,) = hiding.texts([{"kind": "ConfigMap", "data": {**data, **texts}, "spec": spec, "store": store}])
    assert "***" not in written
    assert yaml.safe_load(written) == {"kind": "ConfigMap", "data": {**data, **texts}, "spec": spec, "store": store}


def test_other_peoples_text_is_written_out_and_what_is_as_usual_left_out() -> None:
    shown = plain(Page("a\u202e\x1b[31m", "1", rows=[Row("https://ada:x@acme.example/a")]))
    assert shown == {"title": "a\\u202e\\u001b[31m", "version": "1", "rows": [{"name": "https://acme.example/a"}]}


def asked(address: str, method: str = "GET", path: str = "/", **headers: str) -> http.client.HTTPResponse:
    """Return the answer to a request."""
    name = address.removeprefix("http://").rstrip("/")
    connection = http.client.HTTPConnection(name, timeout=30)
    connection.putrequest(method, path, skip_host="Host" in headers)
    for key, value in headers.items():
        connection.putheader(key, value)
    connection.endheaders()
    answer = connection.getresponse()
    answer.content = answer.read()  # type: ignore[attr-defined]
    connection.close()
    return answer


def test_who_is_answered() -> None:
    shown = web.Shown({"index.html": b"<p>page</p>", "data/0.bin": b"part"})
    with web.listening(shown, 0) as address:
        port = address.rstrip("/").rpartition(":")[2]
        found = asked(address)
        assert (found.status, found.content) == (200, b"<p>page</p>")  # type: ignore[attr-defined]
        assert found.headers["Content-Type"] == "text/html; charset=utf-8"
        assert found.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in found.headers
        assert "frame-ancestors 'none'" in found.headers["Content-Security-Policy"]
        head = asked(address, "HEAD")
        assert (head.status, head.headers["Content-Length"], head.content) == (200, "11", b"")  # type: ignore[attr-defined]
        assert asked(address, path="/data/0.bin?x=1").content == b"part"  # type: ignore[attr-defined]
        assert asked(address, Host=f"localhost:{port}").status == 200
        for host in (f"evil.example:{port}", f"127.0.0.1:{port}.evil.example", "127.0.0.1", "localhost", ""):
            assert asked(address, Host=host).status == 421, host
        for path in ("/../pyproject.toml", "//etc/passwd", "/data/", "/%69ndex.html", "/data/../index.html"):
            assert asked(address, path=path).status == 404, path
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
            refused = asked(address, method)
            assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD"), method
        assert not shown.asked.is_set()
        before = asked(address, path="/version").content  # type: ignore[attr-defined]
        assert shown.asked.is_set()
        shown.files = {"index.html": b"<p>other</p>"}
        assert asked(address, path="/version").content != before  # type: ignore[attr-defined]
        with pytest.raises(ArgosyError, match="cannot be listened on"), web.listening(shown, int(port)):
            pass


def test_what_counts_as_a_change(repository: Path, tmp_path: Path) -> None:
    states = [web.state(repository)]
    assert web.state(repository) == states[0]
    for change in (
        lambda: edit(repository, "environments/dev/web/deployment.yaml", "1.30.0", "1.31.0-rc"),
        lambda: commit(repository),
        lambda: git(repository, "branch", "other"),
        lambda: git(repository, "switch", "--quiet", "other"),
        lambda: write_files(repository, {"new.yaml": ""}),
        (repository / "new.yaml").unlink,
    ):
        change()
        states.append(web.state(repository))
    assert len({*states[:-1]}) == len(states) - 1
    write_files(repository, {"server.key": "ignored"})
    assert web.state(repository) == states[-1]
    write_files(tmp_path / "plain", {"a/b.yaml": "a: 1\n"})
    one = web.state(tmp_path / "plain")
    write_files(tmp_path / "plain", {"a/b.yaml": "a: 12\n"})
    assert web.state(tmp_path / "plain") != one


@pytest.mark.parametrize("error", [ArgosyError("`git ls-files -z` failed."), FileNotFoundError(2, "No such file", "a")])
def test_a_repository_that_cannot_be_read_for_a_while_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    shown, told = web.Shown({"index.html": b"1"}), list[str]()
    states: Iterator[str | Exception] = iter([error, error, "changed", EndError()])

    def state(_: Path) -> str:
        shown.asked.set()
        if isinstance(found := next(states), Exception):
            raise found
        return found

    monkeypatch.setattr(web, "state", state)
    shown.asked.set()
    with pytest.raises(EndError):
        web.follow(tmp_path, "", shown, lambda: {"index.html": b"2"}, lambda each: told.append(each.message))
    assert (len(told), shown.files["index.html"]) == (1, b"2")


def test_a_file_that_goes_while_a_page_is_made_leaves_the_last(tmp_path: Path) -> None:
    shown, told = web.Shown({"index.html": b"1"}), list[str]()
    makes = iter([FileNotFoundError(2, "No such file", "a"), EndError()])

    def make() -> web.Files:
        write_files(tmp_path, {f"{len(told)}.yaml": ""})
        shown.asked.set()
        raise next(makes)

    shown.asked.set()
    with pytest.raises(EndError):
        web.follow(tmp_path, "", shown, make, lambda error: told.append(error.message))
    assert (told, shown.files["index.html"]) == (["The page cannot be made anew: [Errno 2] No such file: 'a'."], b"1")


class EndError(Exception):
    """What ends the following in a test."""


def test_a_page_that_cannot_be_made_leaves_the_last(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.yaml": ""})
    shown, told = web.Shown({"index.html": b"1"}), list[str]()
    makes = iter([ArgosyError("It is broken."), {"index.html": b"2"}, EndError()])

    def make() -> web.Files:
        made = next(makes)
        write_files(tmp_path, {f"{len(told)}-{len(shown.files['index.html'])}-{made!r}.yaml".replace("/", ""): ""})
        shown.asked.set()
        if isinstance(made, Exception):
            raise made
        return made  # type: ignore[return-value]

    shown.asked.set()
    with pytest.raises(EndError):
        web.follow(tmp_path, "", shown, make, lambda error: told.append(error.message))
    assert (told, shown.files["index.html"]) == (["It is broken."], b"2")
