"""A vendor: a chart repository and an OCI registry on loopback, and the catalogue's entry of its chart."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import helm_python
import yaml

from tests.loopback import listening

CHART = {
    "values.yaml": "replicas: 1\n",
    "templates/deployment.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: gizmo}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: gizmo}}
  template:
    metadata: {labels: {app: gizmo}}
    spec:
      containers:
        - {name: gizmo, image: "registry.example.com/gizmo:{{ .Chart.Version }}"}
""",
}
CLUSTER_ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: gizmo}
rules: []
"""
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.cncf.helm.config.v1+json"
_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"


@dataclass(frozen=True, slots=True)
class Vendor:
    """A vendor who publishes the chart gizmo."""

    url: str
    folder: Path

    @property
    def registry(self) -> str:
        """Its OCI registry, as Argo CD takes it."""
        return f"{self.url.removeprefix('http://')}/charts"

    def publish(self, version: str, files: Mapping[str, str | bytes] | None = None) -> Path:
        """Publish a version of the chart, with files beside what it has anyway, and return its archive."""
        source = self.folder / f"source-{version}"
        about = f"apiVersion: v2\nname: gizmo\nversion: {version}\n"
        for path, content in {"Chart.yaml": about, **CHART, **(files or {})}.items():
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).write_bytes(content.encode() if isinstance(content, str) else content)
        made = Path(helm_python.package(source, destination=self.folder))
        helm_python.repo_index_generate(self.folder)
        return made

    def entry(self, version: str = "1.0.0", *, repository: str = "", more: str = "") -> dict[str, str]:
        """Return the files of a catalogue that has the chart."""
        return {
            "catalogue/gizmo/component.yaml": (
                "summary: Makes gizmos.\n"
                f"chart: {{repository: '{repository or self.url}', name: gizmo, version: {version}}}\n"
                f"namespace: gizmo\nwave: -10\n{more}"
            ),
            "catalogue/gizmo/values.yaml": "replicas: [[ 2 if environment.production else 1 ]]\n",
        }


@contextmanager
def vendor(folder: Path) -> Iterator[Vendor]:
    """Yield a vendor who has published nothing yet, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = _answer(folder, self.path)
            self.send_response(200 if found else 404)
            kind, content = found or ("text/plain", b"")
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with listening(Handler) as url:
        yield Vendor(url, folder)


def _answer(folder: Path, path: str) -> tuple[str, bytes] | None:
    """Return the type and content of what a path names: a file, or of a registry a manifest or a blob."""
    if path == "/v2/":
        return "application/json", b"{}"
    blobs = {}
    for archive in folder.glob("*.tgz"):
        layer, config = archive.read_bytes(), _config(archive)
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": _MANIFEST,
                "config": _descriptor(_CONFIG, config),
                "layers": [_descriptor(_LAYER, layer)],
            }
        ).encode()
        version = archive.stem.removeprefix("gizmo-")
        blobs[f"/v2/charts/gizmo/manifests/{version}"] = (_MANIFEST, manifest)
        blobs[f"/v2/charts/gizmo/manifests/{_digest(manifest)}"] = (_MANIFEST, manifest)
        blobs |= {
            f"/v2/charts/gizmo/blobs/{_digest(each)}": ("application/octet-stream", each) for each in (layer, config)
        }
    tags = [archive.stem.removeprefix("gizmo-") for archive in folder.glob("*.tgz")]
    blobs["/v2/charts/gizmo/tags/list"] = (
        "application/json",
        json.dumps({"name": "charts/gizmo", "tags": tags}).encode(),
    )
    file = folder / path.removeprefix("/")
    return blobs.get(path) or (("application/octet-stream", file.read_bytes()) if file.is_file() else None)


def _config(archive: Path) -> bytes:
    with tarfile.open(archive) as opened:
        held = opened.extractfile("gizmo/Chart.yaml")
        return json.dumps(yaml.safe_load(held.read() if held else b"")).encode()


def _descriptor(kind: str, content: bytes) -> dict[str, str | int]:
    return {"mediaType": kind, "digest": _digest(content), "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
