"""For which pull requests there are previews: where Argo CD finds them, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.errors import UsageError
from argosy.repository.model import Application, Format
from argosy.repository.previews import GitHost, Previews

CODE = "https://github.com/acme/web"


@pytest.mark.parametrize(
    ("url", "host", "place"),
    [
        (CODE, GitHost.GITHUB, ("", "acme", "web")),
        ("git@github.com:acme/web.git", GitHost.GITHUB, ("", "acme", "web")),
        ("https://ghe.acme.io:8443/acme/web/", GitHost.GITHUB, ("https://ghe.acme.io:8443", "acme", "web")),
        ("https://gitlab.com/acme/sub/web.git", GitHost.GITLAB, ("", "acme/sub", "web")),
        ("ssh://git@git.acme.io:2222/acme/web.git", GitHost.GITLAB, ("https://git.acme.io", "acme", "web")),
        ("http://gitea.local:3000/acme/web", GitHost.GITEA, ("http://gitea.local:3000", "acme", "web")),
        ("https://bb.acme.io/scm/shop/web.git", GitHost.BITBUCKET_SERVER, ("https://bb.acme.io", "shop", "web")),
        ("https://bb.acme.io/projects/SHOP/repos/web", GitHost.BITBUCKET_SERVER, ("https://bb.acme.io", "SHOP", "web")),
        ("https://bitbucket.org/acme/web", GitHost.BITBUCKET, ("", "acme", "web")),
    ],
)
def test_where_pull_requests_are(url: str, host: GitHost, place: tuple[str, str, str]) -> None:
    is_bitbucket = "bitbucket" in host
    label = "" if is_bitbucket else "preview"
    assert Previews(url, "dev", host, preview_label=label, preview_forks=is_bitbucket).place == place


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"previews": "acme/web"}, "previews cannot be “acme/web”"),
        ({"previews": "https://github.com/web"}, "previews cannot be “https://github.com/web”"),
        ({"previews": "https://ada:secret@github.com/acme/web"}, "previews has a URL with a password"),
        ({"previews": "https://secret@github.com/acme/web"}, "previews has a URL with a password, a token"),
        ({"previews": "https://github.com/acme/web/pull/3"}, "previews cannot be “https://github.com/acme/web/pull/3”"),
        (
            {"previews": "https://gitlab.com/acme/web/-/merge_requests", "preview_host": GitHost.GITLAB},
            "previews cannot be “https://gitlab.com/acme/web/-/merge_requests”",
        ),
        ({"preview_tag": "pr-{{ .number }}"}, "previewTag cannot be “pr-{{ .number }}”"),
        ({"preview_tag": "{{ .head_sha | upper }}"}, "previewTag cannot be “{{ .head_sha | upper }}”"),
        ({"preview_domain": "*.example.com"}, "previewDomain cannot be “*.example.com”"),
        ({"preview_label": "{{ .x }}"}, "previewLabel cannot be “{{ .x }}”"),
        ({"preview_label": "a,b"}, "previewLabel cannot be “a,b”"),
        ({"preview_label": ""}, "Without previewLabel each pull request has a preview, a fork's too"),
        ({"preview_host": GitHost.BITBUCKET}, "Argo CD knows no labels of bitbucket's pull requests"),
        ({"preview_host": GitHost.BITBUCKET, "preview_label": ""}, "Argo CD knows neither labels nor forks"),
    ],
)
def test_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError) as refused:
        Previews(**{"previews": CODE, "preview_env": "dev", "preview_host": GitHost.GITHUB, **given})
    assert refused.value.message.startswith(told)
    assert refused.value.hint
    assert "secret@" not in str(refused.value)


@pytest.mark.parametrize(
    ("form", "given", "told"),
    [
        (Format.MANIFESTS, {}, "Argo CD deploys plain manifests as they are"),
        (Format.REMOTE, {}, "nothing here says how its image is set there"),
        (Format.OVERLAY, {}, "Nothing here says which image of web is that of a pull request"),
        (
            Format.CHART,
            {"preview_domain": "example.com"},
            "Nothing here says which value of the chart of web is its host",
        ),
    ],
)
def test_applications_that_cannot_have_previews(form: Format, given: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError) as refused:
        Application("web", form, previews=Previews(CODE, "dev", GitHost.GITHUB, **given))
    assert told in refused.value.message
    assert refused.value.hint
