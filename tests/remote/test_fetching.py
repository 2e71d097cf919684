"""What is fetched, from whom, with whose credentials, and what is refused: a stranger's repository names it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from argosy import remote
from argosy.errors import ArgosyError
from argosy.remote import Pin, fetching, held
from argosy.remote.held import Held
from tests.elsewhere import LAYER, GitServer, Registry, git_server, registry
from tests.loopback import listening, refusing
from tests.vendor import vendor


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a cache folder of the test's own, and have no login but what the test makes."""
    monkeypatch.setenv("ARGOSY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.delenv("HELM_REGISTRY_CONFIG", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    """Return a host of Git repositories."""
    (tmp_path / "host").mkdir()
    with git_server(tmp_path / "host") as found:
        yield found


@pytest.fixture
def artifacts() -> Iterator[Registry]:
    """Return a registry of artifacts that wants a password."""
    with registry("secret") as found:
        yield found


def log_in(artifacts: Registry, folder: Path) -> None:
    login = base64.b64encode(f"ada:{artifacts.password}".encode()).decode()
    (folder / "docker").mkdir(exist_ok=True)
    (folder / "docker/config.json").write_text(json.dumps({"auths": {artifacts.host: {"auth": login}}}))


def contents(pin: Pin) -> dict[str, str]:
    folder = remote.folder(pin)
    assert folder
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()
    }


REFUSED = [
    *[
        Pin(url, "main")
        for url in ("http://git.example.com/a.git", "file:///etc", "/etc", "ext::sh -c id", "git://a/b")
    ],
    *[Pin(url, "main") for url in ("--upload-pack=id", "https://ada:secret@git.example.com/a.git", "a@b::c")],
    *[Pin("https://git.example.com/a.git", each) for each in ("--upload-pack=id", "a b", "a..b", "main:refs/heads/x")],
    *[
        Pin(url, "1.0.0", "web")
        for url in ("http://charts.example.com", "file:///etc", "-x", "https://a:b@c.example.com")
    ],
    *[
        Pin("https://charts.example.com", version, chart)
        for version, chart in (("--debug", "web"), ("1.0.0", "--debug"))
    ],
    *[
        Pin(url, "1")
        for url in ("oci://", "oci://registry.example.com", "oci://a:b@registry.example.com/x", "oci://a/../b")
    ],
    Pin("oci://registry.example.com/x", "../../x"),
    *[Pin(url, "") for url in ("http://example.com/a.yaml", "file:///etc/a.yaml", "https://a:b@example.com/a.yaml")],
]


@pytest.mark.parametrize("pin", REFUSED, ids=str)
def test_what_a_stranger_may_not_have_fetched_is_refused_unasked(pin: Pin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("argosy.git.run", lambda *_, **__: pytest.fail("git was started"))
    monkeypatch.setattr("argosy.helm.fetching.files", lambda *_: pytest.fail("Helm was started"))
    with pytest.raises(ArgosyError):
        fetching.fetch(pin)
    assert remote.folder(pin) is None


def test_nothing_is_fetched_unless_that_is_asked_for(server: GitServer) -> None:
    server.commit("web", {"a.yaml": "a: 1\n"}, "v1.0.0")
    pin = Pin(f"{server.url}/web.git", "v1.0.0")
    assert remote.folder(pin) is None
    assert not server.asked
    told: list[Pin] = []
    with remote.fetching_what_lacks(told.append) as fetched:
        assert remote.folder(pin)
        assert remote.folder(pin)
    assert (told, fetched.new, fetched.failed) == ([pin], {pin}, {})
    asked = len(server.asked)
    with remote.fetching_what_lacks(told.append):
        assert contents(pin) == {"a.yaml": "a: 1\n"}
    assert len(server.asked) == asked


def test_a_branch_is_fetched_again_where_that_is_wanted(server: GitServer) -> None:
    pin = Pin(f"{server.url}/web.git", "main")
    for number in (1, 2):
        server.commit("web", {"a.yaml": f"a: {number}\n"})
        with remote.fetching_what_lacks(is_wanted=lambda each: not each.is_fixed):
            assert remote.folder(pin)
        assert contents(pin) == {"a.yaml": f"a: {number}\n"}
    server.url = "gone"
    assert contents(pin) == {"a.yaml": "a: 2\n"}


def test_git_logs_in_as_the_user_does(server: GitServer, git_configuration: Path) -> None:
    server.commit("web", {"a.yaml": "a: 1\n"}, "v1.0.0")
    server.password = "secret"
    pin = Pin(f"{server.url}/web.git", "v1.0.0")
    with pytest.raises(ArgosyError, match="could not be fetched"):
        fetching.fetch(pin)
    helper = '"!f() { echo username=ada; echo password=secret; }; f"'
    git_configuration.write_text(f'{git_configuration.read_text()}[credential "{server.url}"]\n  helper = {helper}\n')
    fetching.fetch(pin)
    assert contents(pin) == {"a.yaml": "a: 1\n"}


def test_a_link_that_leads_out_of_a_repository_keeps_it_out(server: GitServer, cache: Path) -> None:
    server.commit("web", {"a.yaml": "a: 1\n"})
    work = server.folder / "work-web"
    (work / "in.yaml").symlink_to("a.yaml")
    server.commit("web", {"b.yaml": "b: 1\n"}, "v1.0.0")
    for target in ("/etc/passwd", "../../x"):
        (work / "out.yaml").unlink(missing_ok=True)
        (work / "out.yaml").symlink_to(target)
        # What a commit of the tests' takes away, this one keeps.
        commit = _commit_all(server, work)
        with pytest.raises(ArgosyError, match=r"symbolic link out\.yaml"):
            fetching.fetch(Pin(f"{server.url}/web.git", commit))
    assert not [*(cache / "sources").glob("draft-*")]


def _commit_all(server: GitServer, work: Path) -> str:
    def git(*arguments: str) -> str:
        named = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        return subprocess.run(
            ["git", "-C", str(work), *named, *arguments], check=True, capture_output=True, text=True
        ).stdout.strip()

    git("add", "--all")
    git("commit", "--quiet", "--message", "Lead out")
    git("push", "--quiet", str(server.folder / "web.git"), "HEAD:refs/heads/main")
    return git("rev-parse", "HEAD")


def test_an_artifact_comes_to_who_is_logged_in(artifacts: Registry, tmp_path: Path) -> None:
    digest = artifacts.push("acme/web", "1.0.0", {"./a/b.yaml": "b: 1\n"})
    pin = Pin(f"oci://{artifacts.host}/acme/web", "1.0.0")
    with pytest.raises(ArgosyError, match="401"):
        fetching.fetch(pin)
    log_in(artifacts, tmp_path)
    for each in (pin, Pin(pin.url, digest)):
        fetching.fetch(each)
        assert contents(each) == {"a/b.yaml": "b: 1\n"}


def test_nobody_else_gets_the_token(artifacts: Registry, tmp_path: Path) -> None:
    artifacts.push("acme/web", "1.0.0", {"a.yaml": "a: 1\n"})
    log_in(artifacts, tmp_path)
    with registry() as other:
        other.answers = artifacts.answers
        artifacts.elsewhere = f"http://{other.host}"
        pin = Pin(f"oci://{artifacts.host}/acme/web", "1.0.0")
        fetching.fetch(pin)
        assert contents(pin) == {"a.yaml": "a: 1\n"}
        assert [authorization for _, authorization in other.asked] == [""]
    artifacts.elsewhere = "http://registry.example.com"
    with pytest.raises(ArgosyError, match="which is not https"):
        fetching.fetch(Pin(pin.url, "1.0.0"))


def _member(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


HOSTILE: dict[str, dict[str, str | tarfile.TarInfo]] = {
    "up": {"../../x": "a"},
    "root": {"/x": "a"},
    "git": {".git/config": "[core]\n"},
    "link": {"x": _member("x", tarfile.SYMTYPE, "/etc/passwd")},
    "hard": {"x": _member("x", tarfile.LNKTYPE, "/etc/passwd")},
    "device": {"x": _member("x", tarfile.CHRTYPE)},
    "through": {"a": _member("a", tarfile.SYMTYPE, ".."), "a/x": _member("a/x", tarfile.SYMTYPE, "/etc/passwd")},
    "case": {"A": _member("A", tarfile.SYMTYPE, "."), "a/x": "a"},
}


@pytest.mark.parametrize("tag", HOSTILE)
def test_an_artifact_is_unpacked_below_its_own_folder(
    artifacts: Registry, tmp_path: Path, cache: Path, tag: str
) -> None:
    artifacts.password = ""
    artifacts.push("acme/web", tag, HOSTILE[tag])
    with pytest.raises(ArgosyError):
        fetching.fetch(Pin(f"oci://{artifacts.host}/acme/web", tag))
    assert not [path for path in tmp_path.rglob("x") if path.is_file() or path.is_symlink()]
    assert not [*(cache / "sources").glob("draft-*")]


def test_what_a_registry_gives_is_what_was_pinned(artifacts: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    artifacts.password = ""
    pin = Pin(f"oci://{artifacts.host}/acme/web", artifacts.push("acme/web", "1", {"a.yaml": "a: 1\n"}))
    kept = dict(artifacts.answers)
    other = artifacts.push("acme/web", "2", {"a.yaml": "a: 2\n"})
    path = "/v2/acme/web/manifests/"
    artifacts.answers = {**kept, f"{path}{pin.revision}": artifacts.answers[f"{path}{other}"]}
    with pytest.raises(ArgosyError, match="something else"):
        fetching.fetch(pin)
    blob = next(each for each in kept if "/blobs/" in each)
    for content, said in ((b"x", "something else"), (b"x" * 1000, "more than the")):
        artifacts.answers = {**kept, blob: ("application/octet-stream", content)}
        with pytest.raises(ArgosyError, match=said):
            fetching.fetch(pin)
    for content in (b"<html>", b"[]", b'{"layers": [{}]}', b'{"layers": 1}', b"\xff", b"[" * 100_000):
        artifacts.answers = {f"{path}1": (kept[f"{path}1"][0], content)}
        with pytest.raises(ArgosyError):
            fetching.fetch(Pin(pin.url, "1"))
    artifacts.push("acme/web", "3", {"a.yaml": "a: 1\n"}, "text/plain")
    with pytest.raises(ArgosyError, match="one layer"):
        fetching.fetch(Pin(pin.url, "3"))
    artifacts.push("acme/web", "4", {"a.yaml": "0" * 1_000_000}, LAYER)
    monkeypatch.setattr(held, "MOST_BYTES", 100_000)
    with pytest.raises(ArgosyError, match="MB unpacked"):
        fetching.fetch(Pin(pin.url, "4"))


@pytest.mark.parametrize("name", ["a b", "../../x", "sha256:", f"sha256:{'0' * 63}/", "sha512:0"])
def test_a_layer_without_a_digest_is_not_asked_for(artifacts: Registry, name: str) -> None:
    artifacts.password = ""
    artifacts.push("acme/web", "1", {"a.yaml": "a: 1\n"})
    path = "/v2/acme/web/manifests/1"
    kind, content = artifacts.answers[path]
    manifest = json.loads(content)
    manifest["layers"][0]["digest"] = name
    artifacts.answers[path] = (kind, json.dumps(manifest).encode())
    with pytest.raises(ArgosyError, match="none of SHA-256"):
        fetching.fetch(Pin(f"oci://{artifacts.host}/acme/web", "1"))
    assert [asked for asked, _ in artifacts.asked] == [path]


@pytest.mark.parametrize("said", [b"not HTTP\r\n\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{"])
def test_what_is_no_http_is_no_artifact(said: bytes) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.wfile.write(said)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with listening(Handler) as url:
        pin = Pin(f"oci://{url.removeprefix('http://')}/acme/web", "1")
        with pytest.raises(ArgosyError, match="could not be fetched"):
            fetching.fetch(pin)


def test_a_git_url_that_is_another_machines_is_not_reached_by_a_redirection(server: GitServer) -> None:
    asked: list[str] = []
    with listening(refusing(asked)) as url, pytest.raises(ArgosyError, match="could not be fetched"):
        fetching.fetch(Pin(f"{url}/web.git", "main"))
    assert asked
    assert not server.asked


def test_a_file_alone_is_fetched_within_the_same_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302 if self.path.startswith("/moved") else 200)
            self.send_header("Location", "http://other.example/a.yaml")
            self.end_headers()
            self.wfile.write(b"a: 1\n")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with listening(Handler) as url:
        pin = Pin(f"{url}/v1.2.3/a.yaml", "")
        fetching.fetch(pin)
        assert contents(pin) == {"a.yaml": "a: 1\n"}
        with pytest.raises(ArgosyError, match="it leads to http://other"):
            fetching.fetch(Pin(f"{url}/moved/a.yaml", ""))
        monkeypatch.setattr(held, "MOST_BYTES", 4)
        with pytest.raises(ArgosyError, match="sends more than the 4 bytes"):
            fetching.fetch(Pin(f"{url}/a.yaml", ""))
    with pytest.raises(ArgosyError, match="could not be fetched"):
        fetching.fetch(Pin(f"{url}/a.yaml", ""))
    assert pin.is_fixed
    assert not Pin(f"{url}/main/a.yaml", "").is_fixed


@pytest.mark.parametrize("head", ["HTTP/1.1 200 OK\r\nX: ", "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"])
def test_a_server_that_drips_is_given_up(head: str, monkeypatch: pytest.MonkeyPatch) -> None:
    gone, in_vain = threading.Event(), []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.wfile.write(head.encode())
            with suppress(OSError):
                for _ in range(2000):
                    self.wfile.write(b"x")
                    if gone.wait(0.01):
                        return
                in_vain.append(self.path)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    monkeypatch.setattr(fetching, "SECONDS", 0.3)
    with listening(Handler) as url:
        with pytest.raises(ArgosyError, match="it takes too long"):
            fetching.fetch(Pin(f"{url}/a.yaml", ""))
        gone.set()
    assert not in_vain


def test_an_answer_that_is_cut_short_is_none() -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na: 1\n")
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with listening(Handler) as url, pytest.raises(ArgosyError, match="sends less than it says"):
        fetching.fetch(Pin(f"{url}/a.yaml", ""))


def test_more_than_one_pin_may_bring_is_refused_before_it_is_read(
    server: GitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = server.commit("web", {f"{number}.yaml": "a: 1\n" for number in range(9)})
    for name, most in (("MOST_FILES", 8), ("MOST_BYTES", 44)):
        with monkeypatch.context() as patch:
            patch.setattr(held, name, most)
            patch.setattr(held, "keep", lambda *_: pytest.fail("it was read"))
            with pytest.raises(ArgosyError, match="holds more than"):
                fetching.fetch(Pin(f"{server.url}/web.git", commit))


def test_what_was_not_used_for_longest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "_LARGEST", 25)
    pins = [Pin(f"https://git.example.com/{number}.git", "v1.0.0") for number in range(3)]
    for age, pin in zip((30, 10, 20), pins, strict=True):
        place = held.keep(pin, {"a": Held(pin.url[24:25].encode() * 10)})
        os.utime(place, (1_000_000 - age, 1_000_000 - age))
    newest = Pin("https://git.example.com/new.git", "v1.0.0")
    held.keep(newest, {"a": Held(b"n" * 10)})
    assert [held.folder(each) is not None for each in (*pins, newest)] == [False, True, False, True]


INSTALL = "https://raw.githubusercontent.com/argoproj/argo-cd/v3.6.0/manifests/install.yaml"


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ("https://github.com/acme/bases//web?ref=v1", (Pin("https://github.com/acme/bases", "v1"), "web")),
        ("https://github.com/acme/bases.git//web?ref=v1", (Pin("https://github.com/acme/bases.git", "v1"), "web")),
        (
            "https://git.example.com/acme/bases.git/web?ref=v1",
            (Pin("https://git.example.com/acme/bases.git", "v1"), "web"),
        ),
        ("https://github.com/acme/bases/web/x?ref=v1", (Pin("https://github.com/acme/bases", "v1"), "web/x")),
        ("github.com/acme/bases//web?ref=v1", (Pin("https://github.com/acme/bases", "v1"), "web")),
        ("git@github.com:acme/bases.git//web?ref=v1", (Pin("git@github.com:acme/bases.git", "v1"), "web")),
        (
            "ssh://git@git.example.com/acme/b.git?timeout=9s&ref=v1",
            (Pin("ssh://git@git.example.com/acme/b.git", "v1"), ""),
        ),
        ("https://git.example.com/acme/bases.git//web", (Pin("https://git.example.com/acme/bases.git", "HEAD"), "web")),
        (INSTALL, (Pin(INSTALL, ""), "install.yaml")),
        ("https://example.com/a.yaml", (Pin("https://example.com/a.yaml", ""), "a.yaml")),
        ("https://example.com/a", None),
    ],
)
def test_a_base_is_found_where_kustomize_finds_it(entry: str, found: tuple[Pin, str] | None) -> None:
    assert remote.of_base(entry) == found


def test_a_chart_repository_knows_who_asks_by_helms_own_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given = self.headers.get("Authorization", "")
            asked.append((self.path, given))
            wanted = "Basic " + base64.b64encode(b"ada:secret").decode()
            is_let_in = self.path.startswith("/open") or given == wanted
            file = tmp_path / "charts" / self.path.rpartition("/")[2]
            content = file.read_bytes() if is_let_in else b""
            self.send_response(200 if is_let_in else 401)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    monkeypatch.setenv("HELM_REPOSITORY_CONFIG", str(tmp_path / "repositories.yaml"))
    with vendor(tmp_path / "charts") as published, listening(Handler) as url, listening(Handler) as other:
        (tmp_path / "charts").mkdir()
        published.publish("1.0.0")
        pin = Pin(f"{url}/closed", "1.0.0", "gizmo")
        with pytest.raises(ArgosyError, match="could not be fetched"):
            fetching.fetch(pin)
        login = f"name: own, url: '{url}/closed/', username: ada, password: secret"
        (tmp_path / "repositories.yaml").write_text(f"repositories: [{{{login}}}]\n")
        for each in (pin, Pin("@own", "1.0.0", "gizmo")):
            fetching.fetch(each)
            assert contents(each)["Chart.yaml"].startswith("apiVersion: v2")
        # Where the index leads to another host, Helm would tell that the password.
        index = tmp_path / "charts/index.yaml"
        index.write_text(index.read_text().replace("- gizmo-1.0.0.tgz", f"- {other}/open/gizmo-1.0.0.tgz"))
        asked.clear()
        with pytest.raises(ArgosyError, match="which is not to know your login"):
            fetching.fetch(pin)
        assert [path for path, _ in asked] == ["/closed/index.yaml"]
        with pytest.raises(ArgosyError, match="your Helm knows no repository “gone”"):
            fetching.fetch(Pin("@gone", "1.0.0", "gizmo"))


def test_where_an_index_leads_no_plugin_and_no_plain_http_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    plugin = tmp_path / "plugins/thief"
    plugin.mkdir(parents=True)
    (plugin / "plugin.yaml").write_text(
        "name: thief\nversion: 0.1.0\nusage: x\ndescription: x\ncommand: 'true'\n"
        "downloaders: [{command: take.sh, protocols: [thief]}]\n"
    )
    (plugin / "take.sh").write_text(f"#!/bin/sh\nenv > {tmp_path}/taken\n")
    (plugin / "take.sh").chmod(0o755)
    asked: list[str] = []
    with vendor(tmp_path / "charts") as published, listening(refusing(asked)) as proxy:
        (tmp_path / "charts").mkdir()
        published.publish("1.0.0")
        index = tmp_path / "charts/index.yaml"
        written = index.read_text()
        told = {"HELM_PLUGINS": str(plugin.parent), "ARGOSY_TOKEN": "secret", "NO_PROXY": "", "no_proxy": ""}
        for name, value in {**told, "http_proxy": proxy, "HTTP_PROXY": proxy}.items():
            monkeypatch.setenv(name, value)
        pin = Pin(published.url, "1.0.0", "gizmo")
        for led, said in (
            ("thief://x/gizmo-1.0.0.tgz", r'scheme "thief" not supported\.'),
            (
                "http://charts.example.com/x.tgz",
                r"it leads to http://charts\.example\.com/x\.tgz, which is not https\.",
            ),
        ):
            index.write_text(written.replace("- gizmo-1.0.0.tgz", f"- {led}"))
            with pytest.raises(ArgosyError, match=said):
                fetching.fetch(pin)
        index.write_text(written)
        fetching.fetch(pin)
        assert "Chart.yaml" in contents(pin)
    assert not asked
    assert not (tmp_path / "taken").exists()
    assert capfd.readouterr() == ("", "")
