"""Hosts that answer with anything but their API: each is an error that says so, and no call lasts forever."""

from __future__ import annotations

import gc
import gzip
import json
import socket
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

import pytest

from argosy.errors import ArgosyError
from argosy.hosting import client, host_of
from tests.hosting.conftest import WEB

TOKEN = "sesame-open-4711"
# urllib3 leaves the connection of an answer with two lengths to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module", autouse=True)
def _collected() -> Iterator[None]:
    """Have that done before another file's tests, and look at nothing that was there before."""
    gc.freeze()
    yield
    with warnings.catch_warnings(action="ignore"):
        gc.collect()


def answer(body: str | bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    """Return what a server sends; of the headers' names, `_` stands for a dash."""
    content = body.encode() if isinstance(body, str) else body
    named = {"Content-Type": "application/json", "Content-Length": str(len(content)), "Connection": "close"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in named.items() if value != "none")]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content


def redirect(place: str) -> bytes:
    return answer(status="302 Found", Location=place)


def limited(wait: str) -> bytes:
    return answer("{}", "429 Too Many Requests", Retry_After=wait)


UNEXPECTED = "returned an unexpected response"
# Those that are large are made where they are sent, and not by each worker.
BAD: Mapping[str, tuple[bytes | Callable[[], bytes], str]] = {
    "deep-list": (answer("[" * 100_000 + "]" * 100_000), UNEXPECTED),
    "deep-object": (answer('{"a":' * 100_000 + "1" + "}" * 100_000), UNEXPECTED),
    "deep-error": (answer('{"message":' * 100_000 + "1" + "}" * 100_000, "422 No"), "answered 422 No"),
    "nested-error": (answer('{"message":' * 900 + '"x"' + "}" * 900, "422 No"), "answered 422 No"),
    "html": (answer("<html>", Content_Type="text/html"), UNEXPECTED),
    "text": (answer("hello", Content_Type="text/plain"), UNEXPECTED),
    "latin-1": (answer(b'["\xff\xfe"]'), UNEXPECTED),
    "unknown-charset": (answer(b"\xff[]", Content_Type="application/json; charset=klingon"), UNEXPECTED),
    "no-content": (answer(status="204 No Content"), UNEXPECTED),
    "empty": (answer(), UNEXPECTED),
    "null": (answer("null"), UNEXPECTED),
    "number": (answer("7"), UNEXPECTED),
    "long-number": (answer("9" * 10_000), UNEXPECTED),
    "no-number": (answer('[{"id": Infinity}]'), UNEXPECTED),
    "texts": (answer('["a"]'), UNEXPECTED),
    "no-gzip": (answer("[]", Content_Encoding="gzip"), "no answer"),
    "half-a-gzip": (answer(gzip.compress(b"[]" * 999)[:20], Content_Encoding="gzip"), UNEXPECTED),
    "bomb": (lambda: answer(gzip.compress(b"[" + b" " * 50_000_000 + b"]", 1), Content_Encoding="gzip"), UNEXPECTED),
    "large": (lambda: answer(b'["' + b"x" * 17_000_000 + b'"]'), UNEXPECTED),
    "no-chunks": (answer("zz\r\nabc\r\n0\r\n\r\n", Transfer_Encoding="chunked", Content_Length="none"), "no answer"),
    "half-a-chunk": (answer("ff\r\nabc", Transfer_Encoding="chunked", Content_Length="none"), "no answer"),
    "half-a-body": (answer("[", Content_Length="100"), "no answer"),
    "negative-length": (answer("[]", Content_Length="-5"), UNEXPECTED),
    "two-lengths": (answer("[]", content_length="3"), "no answer"),
    "no-http": (b"garbage\r\n\r\n", "no answer"),
    "no-status": (answer(status="abc x"), "no answer"),
    "small-status": (answer(status="99 x"), "no answer"),
    "large-status": (answer(status="999 x"), UNEXPECTED),
    "continue-forever": (b"HTTP/1.1 100 Continue\r\n\r\n" * 200, "no answer"),
    "many-headers": (answer("[]", **{f"X_{number}": "y" for number in range(200)}), "no answer"),
    "long-header": (answer("[]", X="y" * 70_000), "no answer"),
    "hang-up": (b"", "no answer"),
    "redirect-to-nowhere": (answer(status="302 Found"), UNEXPECTED),
    "redirect-to-itself": (redirect(""), "answered 302"),
    "redirect-to-half-an-address": (redirect("http://[::1"), UNEXPECTED),
    "redirect-to-no-port": (redirect("http://127.0.0.1:abc/"), "sends on to http://127.0.0.1"),
    "redirect-to-a-large-port": (redirect("http://127.0.0.1:99999999/"), "sends on to http://127.0.0.1"),
    "redirect-to-bytes": (redirect("http://b\xc3\xbccher.example/\xff"), "sends on to http://b"),
    "redirect-to-a-program": (redirect("javascript:alert(1)"), "sends on to javascript:"),
    "redirect-to-a-file": (redirect("file:///etc/passwd"), "sends on to file:"),
    "redirect-without-scheme": (redirect("//thief.example/x"), "sends on to http://thief.example"),
    "redirect-by-backslash": (redirect("https://thief.example\\@127.0.0.1/"), "sends on to https://"),
    "redirect-with-a-login": (redirect("https://ada:pw@127.0.0.1/"), "sends on to https://127"),
    "wait-in-words": (limited("soon"), "answered 429"),
    "wait-for-a-past-date": (limited("Wed, 21 Oct 2015 07:28:00 GMT"), "answered 429"),
    "wait-for-a-far-date": (limited("Wed, 21 Oct 2199 07:28:00 GMT"), "answered 429"),
    "wait-for-no-date": (limited("Wed, 99 Foo 20x5 07:28:00 GMT"), "answered 429"),
    "wait-for-less-than-nothing": (limited("-5"), "answered 429"),
    "wait-forever": (limited("9" * 400), "answered 429"),
    "wait-longer-than-python-reads": (limited("9" * 5000), "answered 429"),
    "wait-for-a-fraction": (answer("{}", "503 Busy", Retry_After="1.5"), "answered 503 Busy"),
    "half-a-link": (answer("[]", Link="<" * 999), UNEXPECTED),
}


def bad(name: str) -> tuple[bytes, str]:
    """Return what such a host sends, and what is said of it."""
    sent, said = BAD[name]
    return sent() if callable(sent) else sent, said


@contextmanager
def serving(sent: bytes, *, drips: bool = False) -> Iterator[str]:
    """Answer each connection with the same bytes, whatever it asks, and `drips` with one more at a time without end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ended = threading.Event()

        def talk(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                asked = b""
                while b"\r\n\r\n" not in asked and (more := connection.recv(65536)):
                    asked += more
                connection.sendall(sent)
                while drips and not ended.wait(0.01):
                    connection.sendall(b"x")
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass

        def listen() -> None:
            with suppress(OSError):
                while True:
                    connection = server.accept()[0]
                    threading.Thread(target=talk, args=(connection,), daemon=True).start()

        threading.Thread(target=listen, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            ended.set()
            server.shutdown(socket.SHUT_RDWR)


def refusal(url: str, kind: str = "github") -> str:
    """Return what is said where a host is asked to comment."""
    host = host_of(f"{WEB[kind]}/acme/gitops", {}, {"ARGOSY_TOKEN": TOKEN, "ARGOSY_HOST_API": url})
    with pytest.raises(ArgosyError) as caught:
        host.comment(1, "argosy-diff", "Hello.")
    shown = f"{caught.value.message} {caught.value.hint}"
    assert TOKEN not in shown + "".join(traceback.format_exception(caught.value))
    assert "ada:pw" not in shown
    return shown


@pytest.mark.parametrize("name", BAD)
def test_a_bad_host_is_an_error_that_says_so(name: str) -> None:
    sent, said = bad(name)
    with serving(sent) as url:
        shown = refusal(url)
    assert said in shown


@pytest.mark.parametrize("sent", [b"HTTP/1.1 200 OK\r\nX: ", answer(Content_Length="9999999")], ids=["headers", "body"])
def test_an_answer_that_drips_is_given_up(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "LONGEST", 0.3)
    with serving(sent, drips=True) as url:
        assert "takes longer than" in refusal(url)


@pytest.mark.parametrize("kind", ["github", "bitbucket"])
def test_pages_have_an_end(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MOST_PAGES", 5)
    pages = {
        "github": answer("[]", Link='<https://x/?page=2>; rel="next"'),
        "bitbucket": answer(json.dumps({"values": [], "next": "https://x/?page=2"})),
    }
    with serving(pages[kind]) as url:
        assert "more than 5 pages" in refusal(url, kind)


@pytest.mark.parametrize("following", [7, "http://[x", ["a"], {"a": 1}])
def test_a_next_page_that_is_no_address(following: object) -> None:
    with serving(answer(json.dumps({"values": [], "next": following}))) as url:
        assert UNEXPECTED in refusal(url, "bitbucket")
