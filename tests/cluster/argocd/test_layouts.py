"""Each layout that `argosy init` offers, from nothing to Synced and Healthy, and back, by the real Argo CD."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest
import yaml

from argosy.kubernetes import kubectl
from argosy.repository.model import WRITTEN_HERE, ArgocdStyle
from tests.cluster.argocd.running import NAMESPACE, REFRESH, ArgoCD, state
from tests.cluster.control_plane import ADMIN
from tests.conftest import Argosy, Git
from tests.elsewhere import GitServer

_FAR = "https://localhost:{port}"
"""The cluster under another URL, which makes it another one to Argo CD."""
_WELL = "Synced, Healthy | operation Succeeded: successfully synced"
"""That, and no condition before it."""
_NO_FINALIZERS = '[{"op": "remove", "path": "/metadata/finalizers"}]'
LAYOUTS: Mapping[str, tuple[Sequence[str], Sequence[Sequence[str]]]] = {
    **{
        f"{form}-{style}": (("--format", str(form), "--argocd", str(style)), ())
        for form, style in product(WRITTEN_HERE, ArgocdStyle)
    },
    "branches": (("--format", "kustomize", "--argocd", "applicationset", "--revision", "branch"), ()),
    "shared-chart": (("--chart", "shared", "--argocd", "applicationset"), ()),
    "minimal": (("--minimal",), ()),
    "teams": (
        (),
        (
            ("set", "repository", "tenancy=team", "--yes"),
            ("add", "team", "payments"),
            ("set", "app", "my-app", "team=payments", "--yes"),
        ),
    ),
    "clusters": (
        ("--argocd", "applicationset"),
        (("add", "cluster", "far", "--server", _FAR), ("set", "env", "prod", "cluster=far", "--yes")),
    ),
}
"""What `argosy init` is told, and the commands that come after it."""


@dataclass
class Site:
    """A repository that is pushed to a host, and what Argo CD has made of it."""

    argosy: Argosy
    git: Git
    argocd: ArgoCD
    root: Path

    def push(self) -> None:
        """Push all branches, and have Argo CD look."""
        self.git(self.root, "push", "--quiet", "--all", "--force", "origin")
        self.argocd.refresh()

    def remove(self, application: str, *, pushes: bool = True) -> str:
        """Have argosy remove an application, push what it commits, and return what it says."""
        done = self.argosy("remove", "app", application, "--yes", "--commit")
        assert done.code == 0, done.out + done.err
        if pushes:
            self.push()
        return done.out + done.err

    def workloads(self) -> dict[str, str]:
        """Return the Deployments that are not Argo CD's, with what each is known by."""
        listed = self.argocd.plane.request("GET", "/apis/apps/v1/deployments").body["items"]
        metadata = [each["metadata"] for each in listed if each["metadata"]["namespace"] != NAMESPACE]
        return {f"{each['namespace']}/{each['name']}": each["uid"] for each in metadata}

    def finalizers(self, application: str) -> list[str]:
        """Return the finalizers that an Application has in the cluster."""
        return list(self.argocd.listed()[application]["metadata"].get("finalizers") or ())

    def settled(self, names: Sequence[str]) -> None:
        """Wait until these Applications are all that there are, Synced and Healthy, and none was asked to look."""

        def well() -> bool:
            there = self.argocd.listed()
            return sorted(there) == sorted(names) and all(
                state(each).startswith(_WELL) and REFRESH not in (each["metadata"].get("annotations") or {})
                for each in there.values()
            )

        self.argocd.until(well, f"{', '.join(names)} Synced and Healthy")


@pytest.fixture(params=LAYOUTS)
def site(  # noqa: PLR0917 - fixtures
    request: pytest.FixtureRequest,
    tmp_path: Path,
    argocd: ArgoCD,
    host: GitServer,
    argosy: Argosy,
    git: Git,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Site]:
    """Lay out a repository, push it, and take all of it out of the cluster in the end."""
    name = str(request.param)
    host.commit(name, {})
    url, root = f"{host.url}/{name}.git", tmp_path / name
    options = ("--repo-url", url, "--defaults", "--ci", "none", "--app", "my-app", "--app", "other")
    port = argocd.plane.server.rpartition(":")[2]
    chosen, more = LAYOUTS[name]
    made = argosy("init", str(root), *options, *chosen)
    assert made.code == 0, made.err
    for command in more:
        where = ("--repository", str(root), "--commit")
        done = argosy(*(each.format(port=port) for each in command), *where)
        assert done.code == 0, done.out + done.err
    git(root, "remote", "add", "origin", url)
    git(root, "remote", "set-url", "--push", "origin", str(host.folder / f"{name}.git"))
    git(root, "push", "--quiet", "--all", "--force", "origin")
    monkeypatch.chdir(root)
    monkeypatch.setenv("KUBECONFIG", str(argocd.plane.kubeconfig()))
    monkeypatch.setenv("PATH", f"{Path(kubectl.find()).parent}{os.pathsep}{os.environ['PATH']}")
    argocd.apply([_cluster_secret(_FAR.format(port=port))])
    yield Site(argosy, git, argocd, root)
    _clear(argocd)


def _cluster_secret(server: str) -> dict[str, object]:
    """Return what `argocd cluster add` would write."""
    config = json.dumps({"bearerToken": ADMIN, "tlsClientConfig": {"insecure": True}})
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "far", "labels": {"argocd.argoproj.io/secret-type": "cluster", "cluster": "far"}},
        "stringData": {"name": "far", "server": server, "config": config},
    }


def _clear(argocd: ArgoCD) -> None:
    """Take out of the cluster what a layout put into it, whether it is well or not."""
    within = f"--namespace={NAMESPACE}"
    argocd.kubectl("delete", within, "--ignore-not-found", "--cascade=orphan", "applications", "root")
    for name, each in argocd.listed().items():
        if each["metadata"].get("finalizers"):
            argocd.kubectl("patch", within, "applications", name, "--type=json", f"--patch={_NO_FINALIZERS}")
    for kind in ("applicationsets", "applications"):
        argocd.kubectl("delete", within, "--all", "--cascade=orphan", kind)
    made = [each for each in argocd.listed("appprojects") if each != "default"]
    argocd.kubectl("delete", within, "appprojects", *made)
    listed = argocd.kubectl("get", "namespaces", "--output=name").split()
    kept = {f"namespace/{each}" for each in ("default", NAMESPACE)}
    gone = [each for each in listed if each not in kept and not each.startswith("namespace/kube-")]
    if gone:
        argocd.kubectl("delete", "--wait=true", *gone)


def test_it_is_deployed_and_a_removal_keeps_what_runs(site: Site) -> None:
    """From nothing to Synced; then an application goes, and one with a finalizer, and what they deployed stays."""
    begun = time.monotonic()
    done = site.argosy("bootstrap", "--no-install", "--yes")
    assert done.code == 0, done.out + done.err
    environments = ["dev", "prod"] if site.root.name == "minimal" else ["dev", "staging", "prod"]
    kept = ["root", *(f"my-app-{env}" for env in environments)]
    site.settled([*kept, *(f"other-{env}" for env in environments)])
    print(f"{site.root.name}: {time.monotonic() - begun:.0f} s")
    before = site.workloads()
    assert len(before) == 2 * len(environments)
    site.remove("other")
    site.settled(kept)
    assert site.workloads() == before
    written = site.root / "argocd/dev/my-app.yaml"
    if written.exists():
        application = yaml.safe_load(written.read_text())
        application["metadata"]["finalizers"] = ["resources-finalizer.argocd.argoproj.io"]
        written.write_text(yaml.safe_dump(application))
        site.git(site.root, "commit", "--quiet", "--all", "--message", "Delete with it what it deploys")
        site.push()
        site.argocd.until(lambda: site.finalizers("my-app-dev"), "the finalizer is in the cluster")
        told = site.remove("my-app", pushes=False)
        assert "push the first alone" in told
        site.git(site.root, "push", "--quiet", "origin", "HEAD~1:refs/heads/main")
        site.argocd.refresh()
        site.argocd.until(lambda: not site.finalizers("my-app-dev"), "the finalizer is gone from the cluster")
        site.settled(kept)
        site.push()
    else:
        site.remove("my-app")
    site.settled(["root"])
    assert site.workloads() == before
