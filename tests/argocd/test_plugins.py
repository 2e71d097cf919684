"""Config management plugins: the user says what is run, the repository only what for."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from argosy import plugins
from argosy.argocd import build_environment, deployed
from argosy.errors import UsageError
from argosy.git.snapshot import Snapshot
from tests.children import linux
from tests.rules.subjects import application
from tests.validating import Validate, counts, write_files

URL = "https://git.example.com/team/gitops.git"
GENERATE = """\
test "$PWD" != "$WHERE" && cat > made <<END
apiVersion: v1
kind: ConfigMap
metadata: {name: $ARGOCD_APP_NAME}
data: {more: "$ARGOCD_ENV_MORE", token: "$GITHUB_TOKEN", count: $PARAM_COUNT, list: "$(cat ready ../base/x)"}
END
cat made
"""


def allow(place: Path, name: str = "mine", repositories: object = (URL,), **spec: Any) -> Path:
    """Write a plugin of the user's, for some repositories."""
    said = list(repositories) if isinstance(repositories, tuple) else repositories
    data = {
        "argosy": {"repositories": said},
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ConfigManagementPlugin",
        "metadata": {"name": name},
    }
    generate = {"command": ["sh", "-c"], "args": [GENERATE]}
    place.mkdir(parents=True, exist_ok=True)
    file = place / f"{name}.yaml"
    file.write_text(yaml.safe_dump({**data, "spec": {"generate": generate, **spec}}))
    return file


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, check=True)


@pytest.fixture
def clone(tmp_path: Path) -> None:
    """Make the repository a clone."""
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "remote", "add", "origin", URL)


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the user's plugins."""
    home = tmp_path_factory.mktemp("config")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    monkeypatch.setenv("GITHUB_TOKEN", "canary")
    return home / "argosy/plugins"


def written(plugin: object) -> dict[str, str]:
    spec = dict(application({"source": {"repoURL": URL, "path": "apps/shop", "targetRevision": "main"}}).manifest)
    spec["spec"]["source"].update({"plugin": plugin} if plugin is not None else {})
    return {
        "argocd/shop.yaml": yaml.safe_dump(spec),
        "apps/shop/in.txt": "x",
        "apps/shop/a.yaml": "a: 1\n",
        "apps/base/x": "b",
    }


def test_what_the_user_allows_makes_the_manifests(validate: Validate, place: Path, tmp_path: Path) -> None:
    plugin = {
        "name": "mine-v1",
        "env": [{"name": "MORE", "value": "$ARGOCD_APP_SOURCE_PATH"}],
        "parameters": [{"name": "count", "string": "1"}],
    }
    report = validate(written(plugin))
    told = {each.reason for each in report.outcomes if each.reason}
    makes = "the plugin mine-v1 makes its manifests: "
    assert told == {f"{makes}to have it run here, put its plugin.yaml into {place}, and name this repository there"}
    # A repository cannot allow it, nor can who else may write to the folder.
    allow(tmp_path / ".config/argosy/plugins", version="v1")
    file = allow(place, version="v1", init={"command": ["sh", "-c", "echo -n ready-; cp in.txt ready"]})
    file.chmod(0o666)
    assert {each.reason for each in validate({}).outcomes if each.reason} >= told
    file.chmod(0o600)
    # The user has it, but not for this repository, whose URL in a file or in Git says nothing until both agree.
    step = f"it runs here once the repository has a remote, and {file} names that in argosy.repositories"
    assert {each.reason for each in validate({}).outcomes if each.reason} >= {makes + step}
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "remote", "add", "origin", "git@git.example.com:team/gitops.git")
    git(tmp_path, "remote", "add", "stranger", "https://me:canary@git.example.com/stranger/gitops")
    step = f"to have it run here, add git.example.com/stranger/gitops to argosy.repositories in {file}"
    assert {each.reason for each in validate({}).outcomes if each.reason} >= {makes + step}
    git(tmp_path, "remote", "remove", "stranger")
    report = validate({})
    (wrong,) = (each for each in report.findings if each.rule == "kubernetes-schema")
    assert (wrong.path, wrong.application) == ("apps/shop", "shop")
    assert "data.count: must be text, not 1" in wrong.message
    assert not [each.reason for each in report.outcomes if each.reason and each.path.startswith("apps")]
    assert report.renders == 1
    # It worked on a copy, and what it wrote is gone.
    assert sorted(each.name for each in (tmp_path / "apps/shop").iterdir()) == ["a.yaml", "in.txt"]


@pytest.mark.usefixtures("clone")
@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (({"discover": {"fileName": "*.txt"}}, {}), ""),
        (({"discover": {"fileName": "*.txt"}}, None), ""),
        (({"discover": {"find": {"glob": "**/in.txt"}}}, {}), ""),
        (
            ({"discover": {"fileName": "*.txt"}, "repositories": (f"{URL}x",)}, {}),
            "a plugin that Argo CD chooses by discovery makes its manifests: to have it run here, add git.example.com/",
        ),
        (({"discover": {"find": {"command": ["sh", "-c", "ls in.txt"]}}}, {"name": "mine"}), ""),
        (
            ({"discover": {"find": {"command": ["true"]}}}, {"name": "mine"}),
            "its discovery does not choose this folder",
        ),
        (({"discover": {"fileName": "*.nix"}}, {"name": "mine"}), "its discovery does not choose this folder"),
        (({"discover": {"fileName": "*.nix"}}, {}), "a plugin that Argo CD chooses by discovery makes its manifests"),
        (({}, {}), "a plugin that Argo CD chooses by discovery makes its manifests"),
        (({"generate": {"command": ["sh", "-c", "echo no >&2; exit 3"]}}, {"name": "mine"}), "sh ended with 3: no"),
        (({"generate": {"command": ["./in.txt"]}}, {"name": "mine"}), "./in.txt is neither a program on the PATH nor"),
        (({"generate": {"command": ["sleep", "60"]}}, {"name": "mine"}), "did not end within 0.2 seconds"),
    ],
)
def test_a_plugin_is_chosen_as_argo_cd_does(
    validate: Validate, place: Path, monkeypatch: pytest.MonkeyPatch, case: tuple[dict[str, Any], object], reason: str
) -> None:
    spec, plugin = case
    monkeypatch.setenv("ARGOSY_RENDER_TIMEOUT", "0.2" if "within" in reason else "60")
    allow(
        place, **{"generate": {"command": ["echo", "{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}"]}, **spec}
    )
    report = validate(written(plugin))
    assert report.renders == (0 if reason else 1)
    assert any(reason in each.reason for each in report.outcomes) is True
    assert counts(report)["failed"] == 0


@pytest.mark.usefixtures("clone")
def test_what_discovers_folders_of_others_leaves_them_alone(validate: Validate, place: Path, tmp_path: Path) -> None:
    allow(place, repositories=(f"{URL}x",), discover={"fileName": "*.yaml"}, generate={"command": ["false"]})
    files = {**written(None), "apps/shop/a.yaml": "{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}\n"}
    assert "apps/shop/a.yaml" not in {each.path for each in validate(files).outcomes if each.reason}
    allow(place, discover={"fileName": "*.yaml"}, generate={"command": ["false"]})
    assert "apps/shop/a.yaml" in {each.path for each in validate({}).outcomes if each.reason}


@pytest.mark.usefixtures("clone")
def test_a_state_of_the_repository_runs_nothing_that_is_in_it(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path, {**written({"name": "mine"}), "run.sh": "#!/bin/sh\ntouch $RAN; cat made\n"})
    (tmp_path / "run.sh").chmod(0o755)
    folder = tmp_path / ".config/argosy/plugins"
    allow(folder, generate={"command": [str(tmp_path / "run.sh")]})
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "Begin")

    def reason(root: Path) -> str:
        return deployed.of_snapshot(Snapshot.of(root, "HEAD"))["shop"].skipped

    allow(place, generate={"command": [str(tmp_path / "run.sh")]})
    assert "run.sh is neither a program on the PATH nor an absolute path outside the repository" in reason(tmp_path)
    # As direnv sets it where a repository asks for that.
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    assert "put its plugin.yaml into" in reason(tmp_path)
    assert plugins.allowed(tmp_path / "apps") == {}


@linux
@pytest.mark.usefixtures("clone")
def test_what_cannot_be_copied_is_no_crash(
    validate: Validate, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import resource  # Which Windows has not.

    allow(place)
    write_files(tmp_path, {"large": b"0" * 100_000})
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, usual[1]))
    try:
        report = validate(written({"name": "mine"}))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    made = "the plugin mine made nothing here: the repository "
    assert f"{made}cannot be copied: File too large" in {each.reason for each in report.outcomes}
    monkeypatch.setattr(plugins, "_LARGEST", 99_999)
    assert f"{made}has more than 0 MB to copy" in {each.reason for each in validate({}).outcomes}
    monkeypatch.setattr(plugins, "_LARGEST", 1_000_000)
    monkeypatch.setattr(plugins, "_MOST", 2)
    assert f"{made}has too many files to copy" in {each.reason for each in validate({}).outcomes}


def test_a_file_that_is_no_plugin_is_named(place: Path, tmp_path: Path) -> None:
    file = allow(place, generate={})
    with pytest.raises(UsageError, match=r"mine.yaml: spec.generate.command is missing"):
        plugins.allowed(tmp_path)
    allow(place, repositories=URL)
    with pytest.raises(UsageError, match=r"mine.yaml: argosy.repositories is no list of URLs"):
        plugins.allowed(tmp_path)
    file.write_text("kind: [")
    with pytest.raises(UsageError, match=r"mine.yaml cannot be read"):
        plugins.allowed(tmp_path)


def test_parameters_are_passed_as_argo_cd_passes_them() -> None:
    parameters = [
        {"name": "a-b", "string": "<x>"},
        {"name": "m", "map": {"k.1": "v"}},
        {"name": "l", "array": ["one", "two"]},
    ]
    found = build_environment.of_plugin(application("{}"), {"plugin": {"parameters": parameters}})
    assert {name: found[name] for name in found if name.startswith("PARAM_")} == {
        "PARAM_A_B": "<x>",
        "PARAM_M_K_1": "v",
        "PARAM_L_0": "one",
        "PARAM_L_1": "two",
    }
    assert json.loads(found["ARGOCD_APP_PARAMETERS"]) == parameters
    assert '{"name":"a-b","string":"\\u003cx\\u003e"}' in found["ARGOCD_APP_PARAMETERS"]
    assert build_environment.of_plugin(application("{}"), {"plugin": {}})["ARGOCD_APP_PARAMETERS"] == "null"
