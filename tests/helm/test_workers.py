"""Helm works in processes of its own: they give what it gives, and end where it would not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from argosy.errors import Fault, RenderError
from argosy.helm import GoTemplateError, Helm, Manifest, Release
from argosy.helm.binary import Binary
from tests.children import linux
from tests.helm.releases import ECHO_CHART, chart, library

AGAIN = "{{ range until 1000 }}" * 4 + "{{ end }}" * 4
ENDLESS = {"templates/a.yaml": AGAIN}
GROWING = {"templates/a.yaml": '{{ $x := repeat 1000000 "x" }}{{ range until 20 }}{{ $x = cat $x $x }}{{ end }}'}


@pytest.fixture(name="own")
def _own(monkeypatch: pytest.MonkeyPatch) -> Helm:
    """Return the library's engine, without a binary to fall back on."""
    return library(monkeypatch)


def fault(helm: Helm, folder: Path) -> Fault:
    with pytest.raises(RenderError) as caught:
        helm.render(Release(folder, "r"))
    (found,) = caught.value.faults
    assert found.path == folder / "Chart.yaml"
    return found


def test_a_worker_gives_what_helm_gives(own: Helm) -> None:
    from helm_python import Chart

    folder = Path(__file__).parents[1] / "golden/helm/applications/my-app/charts/my-app"
    values = {"config": {"NOTE": "“é”\u2028<&>"}, "replicaCount": 3, "extraPorts": [{"name": "a", "port": 1}]}
    with Chart.load(folder) as loaded:
        texts = loaded.render(values, name="r", namespace="n")
    expected = [Manifest(path.partition("/")[2], text) for path, text in texts.items() if "kind:" in text]
    assert expected
    assert own.render(Release(folder, "r", "n", inline=values)).manifests == expected


def test_helm_is_not_loaded_into_the_process_that_asks(tmp_path: Path) -> None:
    folder = chart(tmp_path / "web", ECHO_CHART)
    code = "import sys; from pathlib import Path; from argosy.helm import Release, engine\n"
    code += "engine().render(Release(Path(sys.argv[1]), 'r')); sys.exit('helm_python' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code, folder], check=False).returncode == 0


def test_what_lies_in_the_current_folder_is_not_imported(tmp_path: Path) -> None:
    folder = chart(tmp_path / "web", ECHO_CHART)
    for name in ("helm_python", "json", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("import os; os.abort()\n")
    code = "import sys; from pathlib import Path; from argosy.helm import Release, engine\n"
    code += "print(engine().render(Release(Path(sys.argv[1]), 'r')).manifests[0].text)"
    done = subprocess.run([sys.executable, "-P", "-c", code, folder], cwd=tmp_path, check=True, capture_output=True)
    assert json.loads(done.stdout) == {"own": {"a": 1, "b": 2}}


class TestLimits:
    def test_a_chart_that_does_not_end(self, own: Helm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = chart(tmp_path / "web", ENDLESS)
        monkeypatch.setenv("ARGOSY_RENDER_TIMEOUT", "0.3")
        found = fault(own, folder)
        assert found.message == "Rendering did not end within 0.3 seconds."
        assert found.stopped
        monkeypatch.delenv("ARGOSY_RENDER_TIMEOUT")
        assert own.render(Release(chart(tmp_path / "other", ECHO_CHART), "r")).manifests

    def test_the_binary_has_the_same_limit(self, binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ARGOSY_RENDER_TIMEOUT", "0.3")
        assert fault(Binary(binary), chart(tmp_path / "web", ENDLESS)).message.startswith("Rendering did not end")

    @linux
    def test_a_chart_that_needs_too_much(self, tmp_path: Path) -> None:
        folder = chart(tmp_path / "web", GROWING)
        code = "import sys; from pathlib import Path; from argosy.helm import Release, engine\n"
        code += "engine().render(Release(Path(sys.argv[1]), 'r'))"
        limited = {**os.environ, "ARGOSY_RENDER_MEMORY": "384"}
        command = [sys.executable, "-c", code, str(folder)]
        done = subprocess.run(command, env=limited, check=False, capture_output=True, text=True)
        assert "Rendering needs more than 384 MB of memory." in done.stderr

    def test_go_templates_that_do_not_end(self, own: Helm, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ARGOSY_RENDER_TIMEOUT", "0.3")
        with pytest.raises(RenderError) as caught:
            own.go_templates(["fine", AGAIN], [{}])
        assert not isinstance(caught.value, GoTemplateError)
