"""Models of small repositories, as Hypothesis draws them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from argosy.errors import UsageError
from argosy.repository.model import (
    OWN,
    SHARED,
    WRITTEN_HERE,
    Application,
    ArgocdStyle,
    CiHost,
    Environment,
    Format,
    Image,
    Repository,
    RevisionStyle,
    Seed,
    Settings,
    chain,
)
from argosy.repository.previews import GitHost, Previews

LABELS = st.from_regex(r"[a-z]([-a-z0-9]{0,8}[a-z0-9])?", fullmatch=True)
TEXTS = st.text(st.characters(max_codepoint=0xFFFF).filter(str.isprintable), max_size=12)
"""One line of text, with quotes, colons, braces and whatever else YAML and Jinja could trip over."""
CLUSTERS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_@+-]{0,8}", fullmatch=True) | st.sampled_from(
    ["a.b", "1e3", "on", "0755"]
)
TAGS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,6}", fullmatch=True) | st.sampled_from(
    ["1.10", "1e3", "on", "null", "0755", "1_000", "0x1F", "2024-01-01", ""]
)
IMAGES = st.builds(
    Image,
    st.sampled_from(["nginx", "ghcr.io/acme/web", "registry.local:5000/a/b-c__d.e", "localhost/x"]),
    TAGS,
    st.sampled_from(["", "sha256:" + "0123456789abcdef" * 4]),
)


def _settings(follow_up: bool, **given: Any) -> Settings:
    return Settings(**given, follow_up=follow_up and given["ci"] is not CiHost.NONE)


SETTINGS = st.builds(
    _settings,
    follow_up=st.booleans(),
    name=st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{1,9}(?<![0-9])", fullmatch=True),
    repo_url=st.sampled_from(
        ["https://github.com/acme/gitops.git", "ssh://git@git.example.com:2222/a/b.git", "git@gitlab.com:a/b/c.git"]
    ),
    argocd=st.sampled_from(ArgocdStyle),
    revision=st.sampled_from(RevisionStyle),
    ci=st.sampled_from(CiHost),
    format=st.sampled_from(WRITTEN_HERE),
    kubernetes_version=st.sampled_from(["1.30", "1.37"]),
    branch=st.sampled_from(["main", "release/1.x"]),
)


def accepted(name: str) -> bool:
    """Return whether a name can be an application's and an environment's alike."""
    try:
        Application(name)
        Environment(name)
    except UsageError:
        return False
    return True


NAMES = LABELS.filter(accepted)


@st.composite
def repositories(draw: st.DrawFn) -> Repository:
    """Draw a repository of one to three environments, and up to three applications that some of these deploy."""
    settings = draw(SETTINGS)
    names = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    clusters = st.just("") | CLUSTERS | st.just("https://eu.example.com:6443")
    environments = chain(tuple((name, draw(clusters)) for name in names), settings.revision, settings.branch)
    applications = [
        Application(
            *(name, form := draw(st.sampled_from(WRITTEN_HERE)), draw(TEXTS)),
            *(draw(_seeds(names)), draw(_charts(form)), draw(_previews(form, names))),
        )
        for name in sorted(draw(st.lists(NAMES, max_size=3, unique=True)))
    ]
    choices = st.sets(st.sampled_from([each.name for each in applications])) if applications else st.just(set[str]())
    deployed = tuple(
        replace(
            environment,
            applications=tuple(sorted(draw(choices))),
            auto_sync=draw(st.booleans()),
            namespace=draw(st.just("") | NAMES),
            replicas=draw(st.integers(0, 5)),
        )
        for environment in environments
    )
    shared = [each.name for each in applications if each.chart == SHARED]
    versions = st.sampled_from(["1.0.0", "1.9.0", "1.10.0"])
    following = tuple(
        replace(each, chart_versions=tuple((name, draw(versions)) for name in each.applications if name in shared))
        for each in deployed
    )
    charts = ("1.0.0", "1.9.0", "1.10.0") if shared else ()
    return Repository(settings, following, tuple(applications), charts=charts)


def _previews(form: Format, environments: list[str]) -> st.SearchStrategy[Previews]:
    if form not in {Format.HELM, Format.KUSTOMIZE}:
        return st.just(Previews())
    some = st.builds(
        Previews,
        st.sampled_from(["https://github.com/acme/web", "git@git.example.com:acme/web.git"]),
        st.sampled_from(environments),
        st.sampled_from([GitHost.GITHUB, GitHost.GITLAB, GitHost.GITEA]),
        st.sampled_from(["preview", "is it: a 'label'?"]),
        preview_tag=st.sampled_from(["{{ .head_sha }}", "pr-{{.number}}-{{ .head_short_sha_7 }}"]),
        preview_domain=st.sampled_from(["", "preview.example.com"]),
        preview_secret=st.sampled_from(["", "previews"]),
    )
    return st.just(Previews()) | some


def _charts(form: Format) -> st.SearchStrategy[str]:
    return st.sampled_from([OWN, SHARED] if form is Format.HELM else [OWN])


def _seeds(environments: list[str]) -> st.SearchStrategy[Seed]:
    images = st.dictionaries(st.sampled_from(environments), IMAGES, max_size=2)
    return st.builds(Seed, IMAGES, st.integers(1, 65535), images.map(lambda each: tuple(each.items())))
