"""Repositories with remotes, and clusters that have what they say: where the tests of the doctor begin."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from argosy.argocd import configuration, deployments
from argosy.repository.model import Format, Repository
from tests import shared
from tests.changing import commit, create, edit, git, model
from tests.conftest import Argosy
from tests.doctor.cluster import Api, Object, argocd, made, serving
from tests.status.cluster import kubeconfig

URL = "https://github.com/acme/gitops.git"


def cloned(folder: Path, repository: Repository | None = None) -> Path:
    """Return a repository that is pushed to a bare one, which git takes for the one on GitHub."""
    chosen = repository or model(form=Format.HELM)
    root, bare = folder / "gitops", folder / "github.git"

    def make(place: Path) -> None:
        create(place, chosen)
        git(place, "clone", "--quiet", "--bare", "--no-local", "--template=", str(place), f"{place}/.git/github.git")
        git(place, "remote", "add", "origin", f"{place}/.git/github.git")
        git(place, "fetch", "--quiet", "origin")
        git(place, "remote", "set-url", "origin", URL)

    shared.repository(f"cloned {chosen!r}", make, root)
    (root / ".git/github.git").rename(bare)
    # Where Argo CD reads, and where git reads instead.
    with (root / ".git/config").open("a") as config:
        config.write(f'[url "{bare.as_uri()}"]\n\tinsteadOf = {URL}\n')
    return root


def pushed(root: Path, path: str, old: str, new: str) -> None:
    """Edit a file, and push it."""
    edit(root, path, old, new)
    commit(root)
    git(root, "push", "--quiet", "origin", "main")


@dataclass(frozen=True, slots=True)
class Told:
    """What the doctor has said as JSON."""

    code: int
    data: Any

    def check(self, id: str) -> Any:
        """Return a check."""
        return next(each for symptom in self.data["symptoms"] for each in symptom["checks"] if each["id"] == id)

    def state(self, id: str) -> str:
        """Return what a check has come to."""
        return str(self.check(id)["state"])

    def of(self, id: str, state: str) -> Any:
        """Return the only observation of a check in a state."""
        (found,) = (each for each in self.check(id)["observations"] if each["state"] == state)
        return found

    def problems(self) -> list[str]:
        """Return the ids of the checks that found a problem."""
        checks = (each for symptom in self.data["symptoms"] for each in symptom["checks"])
        return [each["id"] for each in checks if each["state"] == "problem"]


def doctor(argosy: Argosy, *arguments: str) -> Told:
    """Return what the doctor says."""
    result = argosy("doctor", *arguments, "--output", "json", "--quiet")
    assert result.out, result.err
    return Told(result.code, json.loads(result.out))


def deployed(root: Path) -> list[Object]:
    """Return a cluster in which everything is as Git says, and Argo CD has just looked."""
    found = deployments.find(root, configuration.load(root))
    revision = git(root, "rev-parse", "HEAD").strip()
    there = argocd()
    for application in found.view.applications:
        status = {
            "sync": {"status": "Synced", "revision": revision},
            "health": {"status": "Healthy"},
            "reconciledAt": now(),
            "operationState": {"phase": "Succeeded", "syncResult": {"revision": revision}},
        }
        there.append({**copy.deepcopy(dict(application.manifest)), "status": status})
        there.append(made("v1", "Namespace", application.spec["destination"]["namespace"], status={"phase": "Active"}))
    there += [copy.deepcopy(document.data) for document in found.view.projects.values()]
    return there


def now() -> str:
    """Return the time as Kubernetes writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def one(api: Api, kind: str, name: str) -> Object:
    """Return an object of a cluster, to be changed."""
    return next(each for each in api.objects if (each["kind"], each["metadata"]["name"]) == (kind, name))


@contextmanager
def reached(api: Api, folder: Path) -> Iterator[Api]:
    """Have a cluster answer, and the kubeconfig lead to it."""
    with serving(api) as url:
        kubeconfig(folder / "kubeconfig", url)
        yield api
