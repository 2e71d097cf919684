"""What the tests of promotion share: repositories to promote in, remotes to push to, and how to run it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from argosy.repository.model import ArgocdStyle, Format, RevisionStyle
from tests import shared
from tests.changing import create, git, model
from tests.hosting.server import Server

URL = "https://git.example.com/acme/gitops.git"
OLD, NEW = "1.29.3-alpine", "1.29.4-alpine"
"""The tag that every image starts with, and the one after it."""
MAIN = {Format.HELM: "values.yaml", Format.KUSTOMIZE: "kustomization.yaml", Format.MANIFESTS: "deployment.yaml"}
"""The file that names the image."""
_VARIABLE = "          env:\n            - name: LOG_LEVEL\n              value: info  # quiet\n"
_CONTAINER = "        - name: web\n"
SETTING = {
    Format.HELM: ("values.yaml", "# config:\n#   LOG_LEVEL: info\n", "config:\n  LOG_LEVEL: info  # quiet\n"),
    Format.KUSTOMIZE: ("patch.yaml", _CONTAINER, _CONTAINER + _VARIABLE),
    Format.MANIFESTS: ("deployment.yaml", _CONTAINER + "          image", _CONTAINER + _VARIABLE + "          image"),
}
"""A setting that web has from the start, and a comment with it: its file, what stands there, and what comes."""


def start(
    folder: Path,
    form: Format = Format.MANIFESTS,
    applications: tuple[str, ...] = ("web",),
    environments: tuple[str, ...] = ("dev", "staging", "prod"),
    *,
    argocd: ArgocdStyle = ArgocdStyle.APPLICATIONS,
    revision: RevisionStyle = RevisionStyle.TRUNK,
    released: bool = False,
) -> Path:
    """Make a repository in which web has a setting everywhere, and return its root.

    With `released`, each application has a new image in dev, on its branch if it has one.
    """
    begun = model(applications, environments, form=form, argocd=argocd, revision=revision)

    def make(place: Path) -> None:
        create(place, begun)
        file, old, new = SETTING[form]
        for environment in environments if "web" in applications else ():
            path = place / "environments" / environment / "web" / file
            assert old in path.read_text()
            path.write_text(path.read_text().replace(old, new, 1))
            if form is Format.HELM:
                _permit_config_map(place / "argocd" / environment / "project.yaml")
        git(place, "commit", "--quiet", "--all", "--amend", "--no-edit")
        if revision is RevisionStyle.BRANCH:
            for environment in environments:
                git(place, "branch", environment)
            if released:
                git(place, "switch", "--quiet", environments[0])
        for each in reversed(applications) if released else ():
            release(place, form=form, application=each)

    return shared.repository(f"to promote in {begun!r}, {released}", make, folder)


def _permit_config_map(project: Path) -> None:
    listed = "  namespaceResourceWhitelist:\n"
    written = project.read_text()
    assert listed in written
    project.write_text(written.replace(listed, f'{listed}    - {{group: "", kind: ConfigMap}}\n'))


def path(environment: str, form: Format = Format.MANIFESTS, application: str = "web") -> str:
    """Return the path of the file that names an image."""
    return f"environments/{environment}/{application}/{MAIN[form]}"


def edit(root: Path, file: str, old: str, new: str, message: str = "Edit") -> None:
    """Replace a text in a file, where it must stand, and commit."""
    text = (root / file).read_bytes().decode()
    assert old in text, f"{file} has no {old}"
    (root / file).write_bytes(text.replace(old, new).encode())
    git(root, "commit", "--quiet", "--no-verify", "--message", message, "--", file)


def release(root: Path, tag: str = NEW, form: Format = Format.MANIFESTS, application: str = "web") -> None:
    """Deploy a new image to dev, on the branch that is checked out."""
    edit(root, path("dev", form, application), OLD, tag, f"Release {tag}")


def text(root: Path, file: str, revision: str = "") -> str:
    """Return a file's text, in the work tree or at a revision."""
    return git(root, "show", f"{revision}:{file}") if revision else (root / file).read_text()


def message(root: Path, revision: str = "HEAD") -> str:
    """Return a commit's message."""
    return git(root, "log", "-1", "--format=%B", revision).strip()


def with_remote(root: Path) -> Path:
    """Give a repository a remote with a host's URL, which leads to a bare repository; return that.

    All branches are pushed and followed: what a push of them would write is written here, without a process.
    """
    bare, own = root.parent / f"{root.name}.git", root / ".git"
    shutil.copytree(own / "objects", bare / "objects")
    (bare / "HEAD").write_text("ref: refs/heads/main\n")
    (bare / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n")
    told = f'[url "{bare}"]\n\tinsteadOf = {URL}\n[remote "origin"]\n\turl = {URL}\n'
    told += "\tfetch = +refs/heads/*:refs/remotes/origin/*\n"
    for line in git(root, "for-each-ref", "--format=%(objectname) %(refname:lstrip=2)", "refs/heads").splitlines():
        commit, branch = line.split(" ")
        for place in (bare / "refs/heads" / branch, own / "refs/remotes/origin" / branch):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(f"{commit}\n")
        told += f'[branch "{branch}"]\n\tremote = origin\n\tmerge = refs/heads/{branch}\n'
    with (own / "config").open("a") as config:
        config.write(told)
    return bare


def clone(bare: Path, folder: Path) -> Path:
    """Return somebody else's clone."""
    git(bare.parent, "clone", "--quiet", str(bare), str(folder))
    return folder


def on_host(root: Path, kind: str, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a repository's remote be on a host that is played, and the environment have its token."""
    say_host(root, kind)
    git(root, "push", "--quiet", "origin", "HEAD")
    may_ask(server, monkeypatch)


def say_host(root: Path, kind: str) -> None:
    """Commit which host the remote is on."""
    (root / ".argosy.yaml").write_text(f"host: {{kind: {kind}, web: 'https://git.example.com'}}\n")
    git(root, "add", ".argosy.yaml")
    git(root, "commit", "--quiet", "--message", "Say which host it is")


def may_ask(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the environment have the token of a host that is played."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)


def encrypted(environment: str, head: str = "", when: int = 1) -> str:
    """Return a YAML text as SOPS encrypts it for an environment; `head` is what comes first and is not encrypted."""
    return f"""\
{head}config:
    PASSWORD: ENC[AES256_GCM,data:{environment}{when}=,iv:b64=,tag:b64=,type:str]
    SEALED: ENC[AES256_GCM,data:{environment}=,iv:b64=,tag:b64=,type:str]
sops:
    age:
        - recipient: age1{environment}
          enc: |
            -----BEGIN AGE ENCRYPTED FILE-----
            {environment}
            -----END AGE ENCRYPTED FILE-----
    lastmodified: "2026-03-0{when}T09:00:00Z"
    mac: ENC[AES256_GCM,data:{environment}{when}=,iv:b64=,tag:b64=,type:str]
    version: 3.9.{when}
"""
