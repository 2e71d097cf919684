"""Build etcd, kube-apiserver and kube-controller-manager from their Go modules: `python -m tests.cluster.building`.

The binaries lie outside the tree, in a folder named after all that they are built from.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
PROGRAMS = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
}


def folder() -> Path:
    """Return where the programs are, or will be."""
    known = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in ("go.mod", "go.sum"))).hexdigest()[:16]
    # Tests have a home of their own, and it takes minutes to build.
    return Path(pwd.getpwuid(os.getuid()).pw_dir, ".cache/argosy-cluster", known)


def version() -> str:
    """Return the version of Kubernetes that is built, such as `1.37.2`."""
    required = next(line for line in (HERE / "go.mod").read_text().splitlines() if "k8s.io/kubernetes v" in line)
    return required.split()[1].removeprefix("v")


def build() -> Path:
    """Build what is not there yet and return the folder; raise SystemExit with what is missing, or what failed."""
    into = folder()
    missing = [name for name in PROGRAMS if not (into / name).exists()]
    if not missing:
        return into
    go = shutil.which("go")
    if go is None:
        sys.exit("There is no `go`, which builds the API server. Install Go 1.26 or newer: https://go.dev/doc/install")
    into.mkdir(parents=True, exist_ok=True)
    flags = ["-trimpath", "-ldflags", f"-s -w -X k8s.io/component-base/version.gitVersion=v{version()}"]
    for name in missing:
        begun = time.monotonic()
        print(f"Building {name} …", file=sys.stderr, flush=True)
        command: list[str | Path] = [go, "build", "-mod=readonly", *flags, "-o", into / f"{name}.new", PROGRAMS[name]]
        done = subprocess.run(command, cwd=HERE, env={**os.environ, "CGO_ENABLED": "0"}, check=False)
        if done.returncode:
            sys.exit(f"{name} could not be built: see above. Go asks its module proxy (go env GOPROXY).")
        (into / f"{name}.new").replace(into / name)
        print(f"Built {name} in {time.monotonic() - begun:.0f} s.", file=sys.stderr)
    return into


if __name__ == "__main__":
    print(build())
