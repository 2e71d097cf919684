"""Build Argo CD, Helm and Kustomize from their Go modules: `python -m tests.cluster.argocd.building`.

`ARGOCD_BIN`, `HELM_BIN` and `KUSTOMIZE_BIN` name binaries that are there already. What is built lies outside the tree,
in a folder named after all that it is built from.
"""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
_MODULE = "github.com/argoproj/argo-cd/v3"
SHIPPED = {"helm": "helm.sh/helm/v4/cmd/helm@v4.2.1", "kustomize": "sigs.k8s.io/kustomize/kustomize/v5@v5.8.1"}
"""What Argo CD's image of that version has beside it."""
RELEASE = ("manifests/install.yaml", "hack/gpg-wrapper.sh", "hack/git-verify-wrapper.sh")
_NO_GO = (
    "There is no `go`, which builds Argo CD. Install Go 1.26 or newer (https://go.dev/doc/install), or name what is\
 built already: ARGOCD_BIN=… HELM_BIN=… KUSTOMIZE_BIN=… ARGOCD_RELEASE=…"
)


@dataclass(frozen=True)
class Programs:
    """What Argo CD consists of outside of a cluster."""

    argocd: Path
    helm: Path
    kustomize: Path
    redis: Path
    release: Path
    """What its release has beside it: `install.yaml`, and the scripts that it verifies commits with."""


def folder() -> Path:
    """Return where the programs are, or will be."""
    texts = [(HERE / name).read_bytes() for name in ("go.mod", "go.sum")]
    known = hashlib.sha256(b"".join((*texts, repr(SHIPPED).encode()))).hexdigest()[:16]
    # Tests have a home of their own, and it takes minutes to build.
    return Path(pwd.getpwuid(os.getuid()).pw_dir, ".cache/argosy-argocd", known)


def version() -> str:
    """Return the version of Argo CD that is built, such as `3.5.1`."""
    required = next(line for line in (HERE / "go.mod").read_text().splitlines() if f"{_MODULE} v" in line)
    return required.partition(f"{_MODULE} v")[2].split()[0]


def programs() -> Programs:
    """Return the programs; raise AssertionError with what is missing."""
    into = folder()
    redis = shutil.which("redis-server")
    assert redis, "There is no redis-server, which Argo CD keeps its cache in: apt install redis-server."
    found = Programs(
        Path(os.environ.get("ARGOCD_BIN") or into / "argocd"),
        Path(os.environ.get("HELM_BIN") or into / "helm"),
        Path(os.environ.get("KUSTOMIZE_BIN") or into / "kustomize"),
        Path(redis),
        Path(os.environ.get("ARGOCD_RELEASE") or into / "release"),
    )
    missing = [str(each) for each in (found.argocd, found.helm, found.kustomize, found.release) if not each.exists()]
    assert not missing, f"Missing: {', '.join(missing)}. Run `make argocd` first: it takes minutes, once."
    return found


def build() -> Path:
    """Build what is not there yet and return the folder; raise SystemExit with what is missing, or what failed."""
    into = folder()
    into.mkdir(parents=True, exist_ok=True)
    if not (into / "release").exists() and "ARGOCD_RELEASE" not in os.environ:
        _copy_release(into)
    if not (into / "argocd").exists() and "ARGOCD_BIN" not in os.environ:
        named = f"-X {_MODULE}/common.version={version()}"
        flags = ["-mod=readonly", "-trimpath", "-ldflags", f"-s -w {named}"]
        _go(["build", *flags, "-o", str(into / "argocd.new"), f"{_MODULE}/cmd"], "Argo CD", {"CGO_ENABLED": "0"})
        (into / "argocd.new").replace(into / "argocd")
    for name, module in SHIPPED.items():
        if not (into / name).exists() and f"{name.upper()}_BIN" not in os.environ:
            _go(["install", "-trimpath", module], name, {"CGO_ENABLED": "0", "GOBIN": str(into)})
    return into


def _copy_release(into: Path) -> None:
    told = json.loads(_go(["mod", "download", "-json", f"{_MODULE}@v{version()}"], "Argo CD's source", {}))
    staged = into / "release.new"
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir()
    for path in RELEASE:
        # Without the permissions of the module cache, where nothing may be written or removed.
        made = staged / Path(path).name
        made.write_bytes(Path(told["Dir"], path).read_bytes())
        made.chmod(0o755)
    staged.rename(into / "release")


def _go(arguments: Sequence[str], what: str, environment: Mapping[str, str]) -> str:
    go = shutil.which("go")
    if go is None:
        sys.exit(_NO_GO)
    begun = time.monotonic()
    print(f"Making {what} …", file=sys.stderr, flush=True)
    done = subprocess.run(
        [go, *arguments], cwd=HERE, env={**os.environ, **environment}, check=False, stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        sys.exit(f"{what} could not be made: see above. Go asks its module proxy (go env GOPROXY).\n{done.stdout}")
    print(f"Made {what} in {time.monotonic() - begun:.0f} s.", file=sys.stderr)
    return done.stdout


if __name__ == "__main__":
    print(build())
