"""The golden trees: what `argosy init` writes for a few sets of answers. `make golden` writes them anew.

One tree is kept whole, `helm/`. Of the others there is what a person has to look at: the files that differ from
it, and in `NAME.absent` the paths that they lack. The largest is a list, `production.sha256`, with the hash of
each file, and some files in full. So each byte of each file shows, and none is to be read twice.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import yaml

from argosy.catalogue import catalogue
from argosy.change import components, edits, privileges
from argosy.repository import switches
from argosy.repository.installation import Copy, named
from argosy.repository.layout import INSTALL_DIGEST, INSTALL_MANIFESTS
from argosy.repository.model import (
    OWN,
    SHARED,
    Application,
    ArgocdManifests,
    ArgocdStyle,
    CiHost,
    Cluster,
    Component,
    Format,
    Image,
    ImageSigning,
    Notifier,
    PagePlace,
    Production,
    Repository,
    RevisionStyle,
    Secrets,
    Seed,
    Settings,
    Sso,
    Team,
    Tenancy,
    chain,
)
from argosy.template import creation, rendering, versions
from argosy.template.rendering import File
from tests import shared

FOLDER = Path(__file__).parent / "golden"
NAMES = (
    *("helm", "helm-applicationset", "kustomize", "kustomize-applicationset", "manifests", "manifests-applicationset"),
    *("helm-shared", "clusters", "teams", "minimal", "production"),
)
WHOLE = "helm"
"""The tree that all the others are told by their difference to."""
HASHED = "production"
IN_FULL = (
    "AGENTS.md",
    ".github/workflows/page.yaml",
    *("CODEOWNERS", "protection/github-ruleset.json", "argocd/platform.yaml", "argocd/install/kustomization.yaml"),
    *(f"argocd/install/argocd-{name}-cm.yaml" for name in ("cmd-params", "notifications", "rbac")),
    *(f"argocd/install/{name}.yaml" for name in ("argocd-cm", "application-controller", "network-policies")),
    *(f"argocd/prod/{name}.yaml" for name in ("project", "checkout", "components/project", "components/cert-manager")),
    *(f"platform/argocd/{name}.yaml" for name in ("monitoring", "secrets")),
    *(f"platform/prod/policies/{name}.yaml" for name in ("image-signing", "namespace-checkout", "secret-store")),
    *("environments/prod/ledger/externalsecret.yaml", "argocd/dev/previews/search.yaml"),
)
"""What of the hashed tree is there to be read as well."""
URL = "https://github.com/acme/gitops.git"
THREE = (("dev", ""), ("staging", ""), ("prod", ""))
RELEASED = "argosy @ https://example.com/argosy/argosy-0.1.0-py3-none-any.whl#sha256=" + "01" * 32
GUIDE = Seed(
    Image("nginx", "1.21.6-alpine"), 80, (("prod", Image("nginx", "1.22.1-alpine")),)
)  # What the tutorial deploys: an older nginx in production than in development.


@cache
def model(name: str) -> Repository:
    """Return the model of a golden tree."""
    if name == "clusters":
        return _clusters()
    if name == HASHED:
        return production()
    if name == "teams":
        return _teams()
    if name == "minimal":
        settings = Settings("gitops", URL, ci=CiHost.NONE, minimal=True)
        bare = Repository(settings, chain((("dev", ""), ("prod", "")), settings.revision))
        return permitted(bare.with_applications((Application("my-app", seed=GUIDE),)))
    combinations = {
        "helm": (Format.HELM, ArgocdStyle.APPLICATIONS, RevisionStyle.TRUNK, CiHost.GITHUB),
        "helm-applicationset": (Format.HELM, ArgocdStyle.APPLICATIONSET, RevisionStyle.BRANCH, CiHost.GITLAB),
        "helm-shared": (Format.HELM, ArgocdStyle.APPLICATIONSET, RevisionStyle.TRUNK, CiHost.GITHUB),
        "kustomize": (Format.KUSTOMIZE, ArgocdStyle.APPLICATIONS, RevisionStyle.BRANCH, CiHost.BITBUCKET),
        "kustomize-applicationset": (Format.KUSTOMIZE, ArgocdStyle.APPLICATIONSET, RevisionStyle.TRUNK, CiHost.NONE),
        "manifests": (Format.MANIFESTS, ArgocdStyle.APPLICATIONS, RevisionStyle.TRUNK, CiHost.GITLAB),
        "manifests-applicationset": (Format.MANIFESTS, ArgocdStyle.APPLICATIONSET, RevisionStyle.BRANCH, CiHost.GITHUB),
    }
    follow = {"helm", "helm-shared", "helm-applicationset", "kustomize"}
    installs = {
        "helm": RELEASED,
        "helm-shared": RELEASED,
        "helm-applicationset": "argosy==0.1.0 --hash=sha256:" + "01" * 32,
        "kustomize": "argosy @ git+https://git.example.com/acme/argosy.git@" + "01" * 20,
        "kustomize-applicationset": "tools/argosy-0.1.0-py3-none-any.whl",
        "manifests": f"registry.example.com/acme/argosy:0.1.0@sha256:{'01' * 32}",
        "manifests-applicationset": "tools/argosy.txt",
    }
    chart = SHARED if name == "helm-shared" else OWN
    return repository(*combinations[name], follow_up=name in follow, argosy_install=installs.get(name, ""), chart=chart)


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
    chart: str = OWN,
) -> Repository:
    """Return a repository with one application, as `argosy init` makes it."""
    settings = Settings(
        *("gitops", URL, argocd, revision, ci, form), follow_up=follow_up, argosy_install=argosy_install, chart=chart
    )
    bare = Repository(settings, chain(environments, revision))
    return permitted(bare.with_applications((Application("my-app", form, "", seed, settings.chart_of(form)),)))


def _clusters() -> Repository:
    """Return a repository with several clusters, and applications of all formats."""
    settings = Settings("platform", "git@gitlab.example.com:acme/platform/gitops.git", ci=CiHost.GITLAB)
    test, eu, us = chain((("test", ""), ("eu", "https://eu.example.com:6443"), ("us", "us-1")), settings.revision)
    clusters = (
        Cluster("eu", "https://eu.example.com:6443", ("region=eu",)),
        Cluster("us-1", "https://us-1.example.com", ("region=us", "zone=east")),
        Cluster("us-2", "https://us-2.example.com", ("region=us", "zone=west")),
    )
    environments = (test, eu, replace(us.in_clusters("us-1", "us-2"), rollout="zone"))
    bare = Repository(settings, environments, clusters=clusters).with_applications(
        (
            Application("api", Format.HELM, seed=Seed(Image.parse("ghcr.io/acme/api:2.1.0"), 8080)),
            Application(
                "jobs", Format.KUSTOMIZE, seed=Seed(Image("ghcr.io/acme/jobs", digest=f"sha256:{'ab' * 32}"), 9000)
            ),
            Application("site", Format.MANIFESTS),
        )
    )
    return permitted(bare)


def _teams() -> Repository:
    """Return a repository in which teams have projects of their own, and one what it may use."""
    switched = Production(sso=Sso.GITHUB, quotas=True)
    settings = Settings("gitops", URL, ci=CiHost.NONE, production=switched, tenancy=Tenancy.TEAM)
    teams = (
        Team(
            "payments", quotas=(("prod", (("requests.cpu", "16"), ("max.memory", "16Gi"), ("count/jobs.batch", "5"))),)
        ),
        Team("search", "acme:search-and-find"),
    )
    bare = Repository(settings, chain((("dev", ""), ("prod", "")), settings.revision), teams=teams)
    owned = (Application("find", Format.KUSTOMIZE, "search"), Application("ledger", Format.MANIFESTS, "payments"))
    return permitted(bare.with_applications((*owned, Application("my-app", seed=GUIDE))))


def permitted(bare: Repository) -> Repository:
    """Return a model with what its applications deploy permitted, which is rendered once for all workers."""
    return shared.value(f"permitted {bare!r}", lambda: privileges.of_new(bare))


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
        page=PagePlace.PAGES,
        agents=True,
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
    code = {"previews": "https://github.com/acme/search", "previewDomain": "preview.example.com", "previewTTL": "7d"}
    secured = permitted(edits.with_pod_security(edits.set_application(bare, "search", code), on=True))
    known = catalogue.load()
    placed = components.place(secured, known, [*known], ())
    return components.add(secured, placed, fetch=refuse, held=lambda _: None).after


def refuse(component: Component) -> Mapping[str, bytes]:
    """Fail: what the golden trees have needs no chart to be fetched."""
    raise AssertionError(f"The chart of {component.name} is not kept in the repository.")


def tree(repository: Repository) -> Mapping[str, File]:
    """Return the files of a repository that argosy has made: the template's, and those of its components."""
    known = catalogue.load()
    rendered = {**rendering.render(repository)}
    for environment in repository.environments:
        for component in environment.components:
            texts = known[component.name].files(repository, environment)
            rendered |= {path: File(text) for path, text in texts.items()}
    if repository.settings.production.argocd_manifests is ArgocdManifests.VENDORED:
        from tests.templates.test_install import stand_in

        url = named(rendered["argocd/install/kustomization.yaml"].content)
        text = yaml.safe_dump_all(stand_in(high_availability="/ha/" in url)).encode()
        rendered |= {INSTALL_MANIFESTS: File(text), INSTALL_DIGEST: File(str(Copy.of(url, text)).encode())}
    return dict(sorted(rendered.items()))


def files(rendered: Mapping[str, File]) -> dict[str, File]:
    """Return a tree with the template's version replaced, which is another one after each change of the template."""
    version = versions.current().version.encode()
    return {path: File(file.content.replace(version, b"VERSION"), file.executable) for path, file in rendered.items()}


@cache
def made(name: str) -> Mapping[str, File]:
    """Return the whole of a golden tree, as the template gives it."""
    return shared.value(f"golden {name}", lambda: files(tree(model(name))))


def kept(name: str, whole: Mapping[str, File]) -> dict[str, File]:
    """Return what there is in `tests/golden` of a tree: path -> file."""
    if name == HASHED:
        lines = (
            f"{hashlib.sha256(file.content).hexdigest()} {'100755' if file.executable else '100644'} {path}\n"
            for path, file in sorted(whole.items())
        )
        texts = {f"{name}.sha256": File("".join(lines).encode(), False)}
        return texts | {f"{name}/{path}": whole[path] for path in IN_FULL if path in whole}
    other = {} if name == WHOLE else made(WHOLE)
    found = {f"{name}/{path}": file for path, file in whole.items() if other.get(path) != file}
    if absent := [path for path in other if path not in whole]:
        found[f"{name}.absent"] = File("".join(f"{path}\n" for path in sorted(absent)).encode(), False)
    return found


def committed(name: str) -> dict[str, File]:
    """Return what is committed in `tests/golden` of a tree: path -> file."""
    return {path: file for path, file in read(FOLDER).items() if re.split("[./]", path)[0] == name}


def paths() -> list[str]:
    """Return the paths of the tree that is kept as a list."""
    lines = (FOLDER / f"{HASHED}.sha256").read_text(encoding="utf-8").splitlines()
    return [line.split(" ", 2)[2] for line in lines]


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
    for name in NAMES:
        creation.write(FOLDER, kept(name, made(name)))
        yield name


if __name__ == "__main__":
    print(*write(), sep="\n")
