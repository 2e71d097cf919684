"""The tutorial's fourth step: change the image in dev, see it, promote it to prod, see it, roll it back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from argosy.repository.model import ArgocdStyle, Format, RevisionStyle
from tests.conftest import Argosy, Git

OLD, NEW, PRODS = "1.21.6-alpine", "1.23.0-alpine", "1.22.1-alpine"
IMAGE_FILES = {Format.HELM: "values.yaml", Format.KUSTOMIZE: "kustomization.yaml", Format.MANIFESTS: "deployment.yaml"}


@pytest.fixture(
    params=[
        (Format.HELM, ArgocdStyle.APPLICATIONSET, RevisionStyle.BRANCH),
        (Format.HELM, ArgocdStyle.APPLICATIONS, RevisionStyle.TRUNK),
        (Format.KUSTOMIZE, ArgocdStyle.APPLICATIONS, RevisionStyle.BRANCH),
        (Format.MANIFESTS, ArgocdStyle.APPLICATIONSET, RevisionStyle.TRUNK),
    ],
    ids="-".join,
)
def story(request: pytest.FixtureRequest, tmp_path: Path, argosy: Argosy, git: Git) -> _Story:
    return _Story(tmp_path, request.param, argosy, git)


def test_a_new_image_goes_to_prod_and_back(story: _Story, argosy: Argosy, git: Git) -> None:
    story.start()
    assert story.running("dev") == (1, f"nginx:{OLD}")
    assert story.running("prod") == (3, f"nginx:{PRODS}")

    file = story.repository / "environments/dev/my-app" / IMAGE_FILES[story.form]
    story.switch("dev")
    file.write_text(file.read_text().replace(OLD, NEW))
    seen = argosy("diff", "--repository", str(story.repository))
    assert seen.code == 0, seen.err
    assert f"nginx:{OLD}" in seen.out
    assert f"nginx:{NEW}" in seen.out
    assert "prod" not in seen.out
    git(story.repository, "commit", "--all", "--message", f"feat: Update Nginx image to {NEW} in dev")
    story.push()
    assert story.running("dev") == (1, f"nginx:{NEW}")
    assert story.running("prod") == (3, f"nginx:{PRODS}")

    story.switch("prod")
    before = story.folder("prod")
    promoted = argosy(
        *("promote", "my-app", "--from", "dev", "--to", "prod", "--yes", "--commit"),
        *("--repository", str(story.repository)),
    )
    assert promoted.code == 0, promoted.err + promoted.out
    assert "pinned" in promoted.out
    story.push()
    assert story.running("prod") == (3, f"nginx:{NEW}")
    changed = git(story.repository, "diff", "--numstat", "HEAD~1", "--", "environments/prod")
    assert changed.split()[:2] == ["1", "1"], changed

    again = argosy("promote", "my-app", "--to", "prod", "--from", "dev", "--yes", "--repository", str(story.repository))
    assert again.code == 0
    assert "Nothing to promote" in again.err

    back = argosy("rollback", "my-app", "prod", "--yes", "--commit", "--repository", str(story.repository))
    assert back.code == 0, back.err
    story.push()
    assert story.running("prod") == (3, f"nginx:{PRODS}")
    assert story.folder("prod") == before
    assert story.running("dev") == (1, f"nginx:{NEW}")
    told = argosy("history", "my-app", "prod", "--output", "json", "--repository", str(story.repository))
    assert told.code == 0, told.err
    assert [each["kind"] for each in yaml.safe_load(told.out)["history"]] == ["rollback", "promotion"]


class _Story:
    """A clone, and the bare repository that Argo CD would read."""

    def __init__(
        self, folder: Path, layout: tuple[Format, ArgocdStyle, RevisionStyle], argosy: Argosy, git: Git
    ) -> None:
        self.repository, self.remote = folder / "multi-env-gitops", folder / "remote.git"
        (self.form, self.style, self.revision), self.argosy, self.git = layout, argosy, git

    def start(self) -> None:
        """Lay the repository out, and push all its branches."""
        made = self.argosy(
            *("init", str(self.repository), "--defaults", "--repo-url", self.remote.as_uri()),
            *("--env", "dev", "--env", "prod", "--app", "my-app"),
            *("--format", self.form.value, "--argocd", self.style.value),
            *("--image", f"dev=nginx:{OLD}", "--image", f"prod=nginx:{PRODS}", "--revision", self.revision.value),
        )
        assert made.code == 0, made.err + made.out
        self.git(self.repository.parent, "init", "--quiet", "--bare", str(self.remote))
        self.git(self.repository, "remote", "add", "origin", self.remote.as_uri())
        self.git(self.repository, "push", "--quiet", "--all", "origin")

    def switch(self, environment: str) -> None:
        """Check out the branch that an environment follows."""
        if self.revision is RevisionStyle.BRANCH:
            self.git(self.repository, "switch", "--quiet", environment)

    def push(self) -> None:
        """Push what is checked out."""
        self.git(self.repository, "push", "--quiet", "origin", "HEAD")

    def running(self, environment: str) -> tuple[int, str]:
        """Return replicas and image of the Deployment that Argo CD takes from the remote."""
        branch = environment if self.revision is RevisionStyle.BRANCH else "main"
        made = self.argosy(
            "render", "my-app", environment, "--at", f"origin/{branch}", "--repository", str(self.repository)
        )
        assert made.code == 0, made.err
        manifests: list[Mapping[str, Any]] = list(yaml.safe_load_all(made.out))
        (deployment,) = (each for each in manifests if each["kind"] == "Deployment")
        assert deployment["metadata"]["namespace"] == f"my-app-{environment}"
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        return deployment["spec"]["replicas"], container["image"]

    def folder(self, environment: str) -> dict[str, bytes]:
        """Return the files of the deployment."""
        root = self.repository / "environments" / environment / "my-app"
        return {path.name: path.read_bytes() for path in root.iterdir()}
