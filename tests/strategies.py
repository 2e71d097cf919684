"""Models of small repositories, as Hypothesis draws them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
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


# Each strategy is made once: to make and to check one takes longer than to draw from it.
_SOME_NAMES = st.lists(NAMES, max_size=3, unique=True)
_ENVIRONMENTS = st.lists(NAMES, min_size=1, max_size=3, unique=True)
_FORMATS = st.sampled_from(WRITTEN_HERE)
_CHART_OF_HELM = st.sampled_from([OWN, SHARED])
_CLUSTERS = st.just("") | CLUSTERS | st.just("https://eu.example.com:6443")
_NAMESPACES = st.just("") | NAMES
_REPLICAS = st.integers(0, 5)
_VERSIONS = st.sampled_from(["1.0.0", "1.9.0", "1.10.0"])


@st.composite
def repositories(draw: st.DrawFn) -> Repository:
    """Draw a repository of one to three environments, and up to three applications that some of these deploy."""
    settings = draw(SETTINGS)
    names = draw(_ENVIRONMENTS)
    environments = chain(tuple((name, draw(_CLUSTERS)) for name in names), settings.revision, settings.branch)
    applications = [
        Application(
            *(name, form := draw(_FORMATS), draw(TEXTS)),
            *(_seed(draw, names), draw(_CHART_OF_HELM) if form is Format.HELM else OWN, _previews(draw, form, names)),
        )
        for name in sorted(draw(_SOME_NAMES))
    ]
    deployed = tuple(
        replace(
            environment,
            applications=tuple(sorted(applications[each].name for each in draw(_chosen(len(applications))))),
            auto_sync=draw(st.booleans()),
            namespace=draw(_NAMESPACES),
            replicas=draw(_REPLICAS),
        )
        for environment in environments
    )
    shared = [each.name for each in applications if each.chart == SHARED]
    following = tuple(
        replace(each, chart_versions=tuple((name, draw(_VERSIONS)) for name in each.applications if name in shared))
        for each in deployed
    )
    charts = ("1.0.0", "1.9.0", "1.10.0") if shared else ()
    return Repository(settings, following, tuple(applications), charts=charts)


@cache
def _chosen(count: int) -> st.SearchStrategy[set[int]]:
    """Return sets of the places of so many things."""
    return st.sets(st.sampled_from(range(count))) if count else st.just(set[int]())


@cache
def _place(count: int) -> st.SearchStrategy[int]:
    return st.sampled_from(range(count))


_SOME_PREVIEWS = st.just(Previews()) | st.builds(
    Previews,
    st.sampled_from(["https://github.com/acme/web", "git@git.example.com:acme/web.git"]),
    preview_host=st.sampled_from([GitHost.GITHUB, GitHost.GITLAB, GitHost.GITEA]),
    preview_label=st.sampled_from(["preview", "is it: a 'label'?"]),
    preview_tag=st.sampled_from(["{{ .head_sha }}", "pr-{{.number}}-{{ .head_short_sha_7 }}"]),
    preview_domain=st.sampled_from(["", "preview.example.com"]),
    preview_secret=st.sampled_from(["", "previews"]),
)


def _previews(draw: st.DrawFn, form: Format, environments: list[str]) -> Previews:
    if form not in {Format.HELM, Format.KUSTOMIZE}:
        return Previews()
    found = draw(_SOME_PREVIEWS)
    return replace(found, preview_env=environments[draw(_place(len(environments)))]) if found else found


_PORTS = st.integers(1, 65535)
_OTHER_IMAGES = st.lists(st.tuples(st.integers(0, 2), IMAGES), max_size=2, unique_by=lambda each: each[0])


def _seed(draw: st.DrawFn, environments: list[str]) -> Seed:
    others = ((environments[place], image) for place, image in draw(_OTHER_IMAGES) if place < len(environments))
    return Seed(draw(IMAGES), draw(_PORTS), tuple(others))
