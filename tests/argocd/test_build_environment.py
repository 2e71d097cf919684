"""Variables of a build: replaced as Go's os.Expand replaces them."""

from __future__ import annotations

import pytest

from argosy.argocd import build_environment
from tests.rules.subjects import GIT, application

VARIABLES = build_environment.of(application({"source": GIT, "destination": {"namespace": "web"}}), GIT)


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("values-$ARGOCD_APP_NAME.yaml", "values-shop.yaml"),
        ("${ARGOCD_APP_NAMESPACE}/x", "web/x"),
        ("$ARGOCD_APP_SOURCE_PATH", "apps/shop"),
        ("$nobody/x", "/x"),
        ("$my-values/x", "-values/x"),
        ("a$$b", "a$b"),
        ("$1,00 and $", ",00 and $"),
        ("${open", "open"),
        ("100 $ per", "100 $ per"),
        ("é$é", "é$é"),
    ],
)
def test_substituted(text: str, becomes: str) -> None:
    assert build_environment.substituted(text, VARIABLES) == becomes
