"""Charts that are kept in the repository: fetched from a real chart repository and a real registry, on loopback."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from argosy.catalogue import vendoring
from argosy.catalogue.vendoring import Needed
from argosy.errors import ArgosyError
from argosy.helm import fetching
from argosy.repository.model import Component, Kind
from tests.loopback import listening
from tests.vendor import CLUSTER_ROLE, Vendor, vendor


@pytest.fixture(scope="module")
def gizmo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vendor]:
    """Return a vendor with one version of its chart."""
    with vendor(tmp_path_factory.mktemp("charts")) as found:
        odd: dict[str, str | bytes] = {
            "logo.png": b"\x89PNG\r\n\x00\xff",
            "docs/windows.txt": b"a\r\nb\r\n",
            ".helmignore": "*.bak\n",
            "x.bak": "",
        }
        found.publish("1.0.0", odd)
        yield found


def component(repository: str, version: str = "1.0.0") -> Component:
    return Component("gizmo", repository, "gizmo", version, "gizmo")


@pytest.mark.parametrize("place", ["url", "registry"])
def test_all_files_of_a_chart_are_fetched_as_they_are(gizmo: Vendor, place: str) -> None:
    found = fetching.fetch(component(getattr(gizmo, place)))
    assert {*found} == {
        *(".helmignore", "Chart.yaml", "docs/windows.txt", "logo.png", "templates/deployment.yaml", "values.yaml")
    }
    assert found["logo.png"] == b"\x89PNG\r\n\x00\xff"
    assert found["docs/windows.txt"] == b"a\r\nb\r\n"


def test_a_link_leads_nowhere(tmp_path: Path) -> None:
    with vendor(tmp_path) as other:
        archive = other.publish("1.0.0")
        with tarfile.open(archive) as opened:
            held = [(each, opened.extractfile(each)) for each in opened.getmembers()]
            contents = [(each, file.read() if file else b"") for each, file in held]
        link = tarfile.TarInfo("gizmo/passwd")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        with tarfile.open(archive, "w:gz") as written:
            for each, content in (*contents, (link, b"")):
                written.addfile(each, io.BytesIO(content))
        assert fetching.fetch(component(other.registry)).get("passwd", b"") == b""


class _Odd(BaseHTTPRequestHandler):
    """Answers with an index whose chart breaks off, or with nothing that is meant."""

    def do_GET(self) -> None:
        index = (
            b"apiVersion: v1\nentries:\n  gizmo:\n  - {apiVersion: v2, name: gizmo, version: 1.0.0, urls: [x.tgz]}\n"
        )
        if self.path.startswith("/denied"):
            self.send_error(401)
        elif self.path.endswith("index.yaml"):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>" if self.path.startswith("/page") else index)
        else:
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"\x1f\x8b\x08half")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize(
    ("path", "message"),
    [("/half", "unexpected EOF"), ("/page", "cannot unmarshal"), ("/denied", "401 Unauthorized")],
)
def test_odd_answers_are_told(path: str, message: str) -> None:
    with listening(_Odd) as url, pytest.raises(ArgosyError, match=f"gizmo 1.0.0 of {url}{path} could not") as error:
        fetching.fetch(component(f"{url}{path}"))
    assert message in error.value.message
    assert "Nothing was changed" in error.value.hint


def test_what_is_not_there_is_told(gizmo: Vendor) -> None:
    with pytest.raises(ArgosyError, match=r'version "2\.0\.0" not found'):
        fetching.fetch(component(gizmo.url, "2.0.0"))
    with pytest.raises(ArgosyError, match="not found"):
        fetching.fetch(component(gizmo.registry, "2.0.0"))
    with pytest.raises(ArgosyError, match="no such host"):
        fetching.fetch(component("https://charts.invalid"))
    with pytest.raises(ArgosyError, match="tls"):
        fetching.fetch(component(gizmo.url.replace("http:", "https:")))


ISSUER = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.example.com}
spec: {group: example.com, names: {kind: Gadget}, scope: Cluster}
"""


def test_a_chart_tells_by_itself_what_it_needs() -> None:
    chart = {
        "Chart.yaml": b"apiVersion: v2\nname: gizmo\nversion: 1.0.0\n",
        "crds/gadget.yaml": ISSUER.encode(),
        "templates/gadget.yaml": b"apiVersion: example.com/v1\nkind: Gadget\nmetadata: {name: a}\n",
        "templates/role.yaml": f"{{{{- if .Values.role }}}}\n{CLUSTER_ROLE}{{{{- end }}}}\n".encode(),
        "templates/elsewhere.yaml": b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: kube-system}\n",
    }
    custom = {Kind("apiextensions.k8s.io", "CustomResourceDefinition"), Kind("example.com", "Gadget")}
    role = Kind("rbac.authorization.k8s.io", "ClusterRole")
    assert vendoring.needed(component("x/y"), chart, b"role: false\n") == Needed(custom, {"kube-system"})
    assert vendoring.needed(component("x/y"), chart, b"role: true\n") == Needed({*custom, role}, {"kube-system"})


@pytest.mark.parametrize("values", [b"role: [", b"role: \xff", b"- 1\n"])
def test_what_cannot_be_rendered_is_left_to_validation(values: bytes) -> None:
    assert vendoring.needed(component("x/y"), {"Chart.yaml": b"name: gizmo\n"}, values) == Needed()
