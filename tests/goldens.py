"""The golden trees: what `argosy init` writes for a few sets of answers. `make golden` writes them anew."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from argosy.catalogue import catalogue
from argosy.change import components, edits, privileges
from argosy.repository import switches
from argosy.repository.model import (
    Application,
    ArgocdStyle,
    CiHost,
    Component,
    Format,
    Image,
    ImageSigning,
    Notifier,
    Production,
    Repository,
    RevisionStyle,
    Secrets,
    Seed,
    Settings,
    Sso,
    chain,
)
from argosy.template import creation, rendering, versions
from argosy.template.rendering import File

FOLDER = Path(__file__).parent / "golden"
URL = "https://github.com/acme/gitops.git"
THREE = (("dev", ""), ("staging", ""), ("prod", ""))
RELEASED = "argosy @ https://example.com/argosy/argosy-0.1.0-py3-none-any.whl#sha256=" + "01" * 32
GUIDE = Seed(
    Image("nginx", "1.21.6-alpine"), 80, (("prod", Image("nginx", "1.22.1-alpine")),)
)  # What the tutorial deploys: an older nginx in production than in development.


def repositories() -> dict[str, Repository]:
    """Return the model of each golden tree by its name."""
    combinations = {
        "helm": (Format.HELM, ArgocdStyle.APPLICATIONS, RevisionStyle.TRUNK, CiHost.GITHUB),
        "helm-applicationset": (Format.HELM, ArgocdStyle.APPLICATIONSET, RevisionStyle.BRANCH, CiHost.GITLAB),
        "kustomize": (Format.KUSTOMIZE, ArgocdStyle.APPLICATIONS, RevisionStyle.BRANCH, CiHost.BITBUCKET),
        "kustomize-applicationset": (Format.KUSTOMIZE, ArgocdStyle.APPLICATIONSET, RevisionStyle.TRUNK, CiHost.NONE),
        "manifests": (Format.MANIFESTS, ArgocdStyle.APPLICATIONS, RevisionStyle.TRUNK, CiHost.GITLAB),
        "manifests-applicationset": (Format.MANIFESTS, ArgocdStyle.APPLICATIONSET, RevisionStyle.BRANCH, CiHost.GITHUB),
    }
    follow = {"helm", "helm-applicationset", "kustomize"}
    installs = {
        "helm": RELEASED,
        "helm-applicationset": "argosy==0.1.0 --hash=sha256:" + "01" * 32,
        "kustomize": "argosy @ git+https://git.example.com/acme/argosy.git@" + "01" * 20,
        "kustomize-applicationset": "tools/argosy-0.1.0-py3-none-any.whl",
    }
    made = {
        name: repository(*choices, follow_up=name in follow, argosy_install=installs.get(name, ""))
        for name, choices in combinations.items()
    }
    return {**made, "clusters": _clusters(), "production": production()}


@cache
def repository(
    form: Format,
    argocd: ArgocdStyle = ArgocdStyle.APPLICATIONS,
    revision: RevisionStyle = RevisionStyle.TRUNK,
    ci: CiHost = CiHost.NONE,
    *,
    environments: tuple[tuple[str, str], ...] = THREE,
    seed: Seed = GUIDE,
    follow_up: bool = False,
    argosy_install: str = "",
) -> Repository:
    """Return a repository with one application, as `argosy init` makes it."""
    settings = Settings("gitops", URL, argocd, revision, ci, form, follow_up=follow_up, argosy_install=argosy_install)
    bare = Repository(settings, chain(environments, revision))
    return privileges.of_new(bare.with_applications((Application("my-app", form, seed=seed),)))


def _clusters() -> Repository:
    """Return a repository with several clusters, and applications of all formats."""
    settings = Settings("platform", "git@gitlab.example.com:acme/platform/gitops.git", ci=CiHost.GITLAB)
    environments = chain((("test", ""), ("eu", "https://eu.example.com:6443"), ("us", "us-1")), settings.revision)
    bare = Repository(settings, environments).with_applications(
        (
            Application("api", Format.HELM, seed=Seed(Image.parse("ghcr.io/acme/api:2.1.0"), 8080)),
            Application(
                "jobs", Format.KUSTOMIZE, seed=Seed(Image("ghcr.io/acme/jobs", digest=f"sha256:{'ab' * 32}"), 9000)
            ),
            Application("site", Format.MANIFESTS),
        )
    )
    return privileges.of_new(bare)


@cache
def production() -> Repository:
    """Return a repository with all switched on, three environments in two clusters, five applications, components."""
    switched = Production(
        sso=Sso.GITHUB,
        notifications=tuple(Notifier),
        shards=3,
        secrets=Secrets.EXTERNAL_SECRETS,
        image_signing=ImageSigning.KEYLESS,
        signature_keys=("0123456789ABCDEF",),
    )
    settings = Settings(
        *("platform", URL),
        ci=CiHost.GITHUB,
        follow_up=True,
        production=switches.all_on(switched),
        argosy_install=RELEASED,
    )
    environments = chain(
        (("dev", "https://test.example.com"), ("staging", "https://test.example.com"), ("prod", "")), settings.revision
    )
    bare = Repository(settings, environments).with_applications(
        (
            Application("checkout", Format.HELM, "payments", Seed(Image.parse("ghcr.io/acme/checkout:2.1.0"), 8080)),
            Application("ledger", Format.KUSTOMIZE, "payments", Seed(Image.parse("ghcr.io/acme/ledger:1.4.2"), 8080)),
            Application("search", Format.HELM, "discovery", Seed(Image.parse("ghcr.io/acme/search:3.0.1"), 9200)),
            Application("site", Format.MANIFESTS, "web", Seed(Image.parse("ghcr.io/acme/site:7.2.0"))),
            Application("status", Format.HELM, "web"),
        )
    )
    secured = privileges.of_new(edits.with_pod_security(bare, on=True))
    known = catalogue.load()
    placed = components.place(secured, known, [*known], ())
    return components.add(secured, placed, fetch=_refuse, held=lambda _: None).after


def _refuse(component: Component) -> Mapping[str, bytes]:
    raise AssertionError(f"The chart of {component.name} is not kept in the repository.")


def tree(model: Repository) -> Mapping[str, File]:
    """Return the files of a repository that argosy has made: the template's, and those of its components."""
    known = catalogue.load()
    rendered = {**rendering.render(model)}
    for environment in model.environments:
        for component in environment.components:
            texts = known[component.name].files(model, environment)
            rendered |= {path: File(text) for path, text in texts.items()}
    return dict(sorted(rendered.items()))


def files(rendered: Mapping[str, File]) -> dict[str, File]:
    """Return a tree with the template's version replaced, which is another one after each change of the template."""
    version = versions.current().version.encode()
    return {path: File(file.content.replace(version, b"VERSION"), file.executable) for path, file in rendered.items()}


def committed(name: str) -> dict[str, File]:
    """Return a golden tree as it is committed."""
    return read(FOLDER / name)


def read(folder: Path) -> dict[str, File]:
    """Return the files below a folder, but for git's own."""
    return {
        path.relative_to(folder).as_posix(): File(path.read_bytes(), bool(path.stat().st_mode & 0o100))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


def write() -> Iterator[str]:
    """Write all golden trees, and yield their names."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name, model in repositories().items():
        creation.write(FOLDER / name, files(tree(model)))
        yield name


if __name__ == "__main__":
    print(*write(), sep="\n")
