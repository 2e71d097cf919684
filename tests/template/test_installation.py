"""Which argosy a new repository installs: the one that lays it out, as pip noted where it had it from."""

from __future__ import annotations

import base64
import hashlib
import json
import zipfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

import pytest

from argosy.template import installation
from tests.conftest import Argosy
from tests.loopback import listening

HASH = "0123456789abcdef" * 4


def running(folder: Path, source: object = None, text: str = "VERSION = 1\n") -> tuple[Distribution, Path]:
    """Lay out an installed argosy of version 7.8.9, and the wheel that it was installed from."""
    name, info = "argosy-7.8.9-py3-none-any.whl", "argosy-7.8.9.dist-info"
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
    files = {
        "argosy/__init__.py": text,
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: argosy\nVersion: 7.8.9\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = f"argosy/__init__.py,sha256={digest},{len(text)}\n{info}/METADATA,,\n{info}/RECORD,,\n"
    (folder / "site" / info).mkdir(parents=True)
    (folder / "index" / "argosy").mkdir(parents=True)
    with zipfile.ZipFile(folder / "index" / "argosy" / name, "w") as wheel:
        for path, content in files.items():
            wheel.writestr(path, content)
    for path, content in files.items():
        (folder / "site" / path).parent.mkdir(exist_ok=True)
        (folder / "site" / path).write_text(content)
    if source is not None:
        (folder / "site" / info / "direct_url.json").write_text(json.dumps(source))
    return Distribution.at(folder / "site" / info), folder / "index" / "argosy" / name


@pytest.mark.parametrize(
    ("source", "setting"),
    [
        (
            {"url": "https://x.org/argosy.git", "vcs_info": {"vcs": "git", "commit_id": HASH[:40]}},
            f"argosy @ git+https://x.org/argosy.git@{HASH[:40]}",
        ),
        (
            {"url": "https://x.org/argosy-7.8.9-py3-none-any.whl", "archive_info": {"hashes": {"sha256": HASH}}},
            f"argosy @ https://x.org/argosy-7.8.9-py3-none-any.whl#sha256={HASH}",
        ),
        (
            {"url": "https://x.org/argosy-7.8.9-py3-none-any.whl", "archive_info": {"hash": f"sha256={HASH}"}},
            f"argosy @ https://x.org/argosy-7.8.9-py3-none-any.whl#sha256={HASH}",
        ),
        ({"url": "https://x.org/argosy-7.8.9-py3-none-any.whl", "archive_info": {}}, ""),
        ({"url": "https://ada:secret@x.org/a.git", "vcs_info": {"vcs": "git", "commit_id": HASH[:40]}}, ""),
        ({"url": "file:///home/ada/argosy", "dir_info": {"editable": True}}, ""),
        ({"url": "file:///home/ada/argosy-7.8.9-py3-none-any.whl", "archive_info": {"hashes": {"sha256": HASH}}}, ""),
    ],
)
def test_what_pip_noted(tmp_path: Path, source: object, setting: str) -> None:
    found = installation.of_running(running(tmp_path, source)[0])
    assert (found.setting, bool(found.reason), found.files) == (setting, not setting, {})
    assert "secret" not in found.reason


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Serve `index/` as pip's package index."""

    class Files(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(tmp_path / "index"))

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with listening(Files) as url:
        monkeypatch.setenv("PIP_INDEX_URL", url)
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        yield


@pytest.mark.usefixtures("index")
def test_a_release_of_an_index_becomes_a_lock_file(tmp_path: Path) -> None:
    release, wheel = running(tmp_path)
    found = installation.of_running(release)
    assert (found.setting, found.reason) == ("tools/argosy.txt", "")
    assert found.files["tools/argosy.in"].content == b"argosy==7.8.9\n"
    lock = found.files["tools/argosy.txt"].content.decode()
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert f"\nargosy==7.8.9 \\\n    --hash=sha256:{digest}\nattrs==" in lock
    assert "\n#    uv pip compile --generate-hashes --output-file=tools/argosy.txt " in lock
    # The index has been taken over: the same name and version, and other code.
    running(tmp_path / "other", text="VERSION = 2\n")
    (tmp_path / "other/index/argosy" / wheel.name).rename(wheel)
    taken = installation.of_running(release)
    assert (taken.setting, taken.files) == ("", {})
    assert taken.reason == "pip's index has another argosy 7.8.9 than the one that runs."
    wheel.unlink()
    gone = installation.of_running(release)
    assert gone.setting == ""
    assert gone.reason.startswith("pip could not fetch argosy 7.8.9: ")


@pytest.mark.usefixtures("index")
def test_a_new_repository_has_the_lock_file_also_from_its_answers(
    argosy: Argosy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, _ = running(tmp_path)
    monkeypatch.setattr(installation, "distribution", lambda _: release)
    small = ("--defaults", "--app", "", "--env", "dev", "--quiet")
    assert argosy("init", "one", *small, "--save-answers", "answers.yaml").code == 0
    two = argosy("init", "two", "--answers", "answers.yaml", "--defaults")
    assert (two.code, "argosy is installed from" in two.err, "argosyInstall" in two.err) == (0, False, False)
    for folder in ("one", "two"):
        assert {path.name for path in (Path(folder) / "tools").iterdir()} == {"argosy.in", "argosy.txt"}
        assert "--requirement tools/argosy.txt" in (Path(folder) / "README.md").read_text()
    # What the answers name and nobody has is said.
    monkeypatch.setattr(installation, "distribution", distribution)
    three = argosy("init", "three", "--answers", "answers.yaml", "--defaults")
    assert "argosy is installed from tools/argosy.txt, which is not there" in three.err
    assert "installed from a folder" in three.err
