"""Connections that argosy opens itself trust the system's certificates, and those that the environment names."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import trustme

from argosy import tls
from argosy.errors import ArgosyError, UsageError
from argosy.hosting.client import Access, Client
from argosy.schemas.locations import SchemaLocation
from tests.loopback import listening


class _Server(BaseHTTPRequestHandler):
    connections: list[object] = []  # noqa: RUF012 - of all of its instances

    def setup(self) -> None:
        self.connections.append(self.client_address)
        super().setup()

    def do_GET(self) -> None:
        content = json.dumps({"path": self.path}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _ask_host(url: str) -> object:
    return Client(Access(url, "acme/gitops", "sesame", "ARGOSY_TOKEN", "Bearer sesame", "all")).call("GET", "/", "ask")


def _read_schema(url: str) -> object:
    return SchemaLocation.parse(f"{url}/{{{{ .ResourceKind }}}}.json").find("1.37", "acme.example/v1", "Gizmo")


ASK = pytest.mark.parametrize("ask", [_ask_host, _read_schema])
VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, "SSL_CERT_DIR", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> Path:
    """Return the file with the authority's certificate."""
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return tmp_path / "ca.pem"


@pytest.fixture
def url(authority: trustme.CA) -> Iterator[str]:
    """Return the URL of a server with a certificate of the authority's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with listening(_Server, context) as found:
        yield found


@ASK
def test_a_certificate_of_nobody_that_is_known_is_refused(ask: Callable[[str], object], url: str) -> None:
    with pytest.raises(ArgosyError, match="certificate"):
        ask(url)


def test_a_certificate_that_cannot_be_checked_has_its_own_advice(url: str) -> None:
    _Server.connections.clear()
    with pytest.raises(ArgosyError) as caught:
        _ask_host(url)
    assert "REQUESTS_CA_BUNDLE" in caught.value.hint
    # It would not be another one if it were asked for again.
    assert len(_Server.connections) == 1


@ASK
@pytest.mark.parametrize("variable", VARIABLES)
def test_a_bundle_that_the_environment_names_is_trusted(
    ask: Callable[[str], object], variable: str, url: str, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(bundle))
    assert ask(url)


@ASK
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system's store is no folder")
def test_the_systems_store_is_trusted(
    ask: Callable[[str], object], url: str, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # OpenSSL's name for the folder of the system's store; the requests library by itself does not look there.
    store = tmp_path / "certs"
    store.mkdir()
    (store / "company.pem").write_bytes(bundle.read_bytes())
    subprocess.run(["openssl", "rehash", store], check=True)
    monkeypatch.setenv("SSL_CERT_DIR", str(store))
    assert ask(url)


@ASK
def test_one_bundle_does_not_put_the_others_out_of_force(
    ask: Callable[[str], object], url: str, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "other.pem"))
    assert ask(url)


@ASK
def test_a_proxy_that_signs_with_the_companys_authority(
    ask: Callable[[str], object], url: str, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    with listening(_Proxy) as proxy:
        monkeypatch.setenv("https_proxy", proxy)
        _Proxy.asked.clear()
        assert ask(url)
    assert set(_Proxy.asked) == {url.removeprefix("https://")}


class _Proxy(BaseHTTPRequestHandler):
    asked: list[str] = []  # noqa: RUF012 - what any of its instances was asked

    def do_CONNECT(self) -> None:
        self.asked.append(self.path)
        host, _, port = self.path.partition(":")
        with socket.create_connection((host, int(port))) as server:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_pass_on, args=(server, self.connection))
            back.start()
            _pass_on(self.connection, server)
            back.join()
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    try:
        while content := source.recv(1 << 16):
            target.sendall(content)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_bundle_that_cannot_be_read_is_named(variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty.pem").touch()
    for name in ("missing.pem", "empty.pem"):
        monkeypatch.setenv(variable, str(tmp_path / name))
        with pytest.raises(UsageError, match=rf"{variable} names .*{name}"):
            tls.context()


def test_nothing_of_it_is_loaded_before_a_connection() -> None:
    code = "import sys, argosy.cli, argosy.hosting, argosy.tls; print({'truststore', 'ssl'} & sys.modules.keys())"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "set()\n"
