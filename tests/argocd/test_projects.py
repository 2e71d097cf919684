"""What an AppProject permits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from argosy.argocd.projects import destination_permitted, kind_permitted, source_permitted


@pytest.mark.parametrize(
    ("patterns", "url", "permitted"),
    [
        (["*"], "https://host/team/a", True),
        (["https://host/*"], "https://host/team/a", False),
        (["https://host/*/*"], "https://host/team/a", True),
        (["https://host/**"], "https://host/team/a", True),
        (["https://HOST/team/a.git"], "https://host/Team/a", True),
        (["git@host:team/*"], "ssh://git@host/team/a.git", True),
        (["https://host/team/*", "!https://host/team/a"], "https://host/team/a.git", False),
        (["!https://host/team/a"], "https://host/team/b", True),
        ([], "https://host/team/a", False),
    ],
)
def test_permitted_source(patterns: list[str], url: str, permitted: bool) -> None:
    assert source_permitted(patterns, url) is permitted


@pytest.mark.parametrize(
    ("destinations", "server", "name", "namespace", "permitted"),
    [
        ([{"server": "*", "namespace": "*"}], "https://a", None, "shop", True),
        ([{"server": "https://a", "namespace": "shop-*"}], "https://a", None, "shop-dev", True),
        ([{"server": "https://a", "namespace": "shop-*"}], "https://a", None, "other", False),
        ([{"server": "https://b", "namespace": "*"}], "https://a", "a", "shop", False),
        ([{"name": "a", "namespace": "*"}], None, "a", "shop", True),
        ([{"server": "*", "namespace": "*"}], None, "a", "shop", True),
        ([{"server": "https://a", "namespace": "*"}], None, "a", "shop", None),
        ([{"server": "https://a", "namespace": "x"}], None, "a", "shop", False),
        (
            [{"server": "*", "namespace": "*"}, {"server": "*", "namespace": "!kube-*"}],
            "https://a",
            None,
            "kube-x",
            False,
        ),
        ([{"server": "*", "namespace": "*"}, {"server": "*", "namespace": "!kube-*"}], "https://a", None, "shop", True),
        (
            [{"server": "*", "namespace": "*"}, {"server": "!https://a", "namespace": "*"}],
            "https://a",
            None,
            "b",
            False,
        ),
        ([{"server": "https://a"}], "https://a", None, "shop", False),
        ([], "https://a", None, "shop", False),
    ],
)
def test_permitted_destination(
    destinations: list[Mapping[str, Any]], server: str | None, name: str | None, namespace: str, permitted: bool | None
) -> None:
    assert destination_permitted(destinations, server, name, namespace) is permitted


@pytest.mark.parametrize(
    ("spec", "group", "kind", "name", "permitted"),
    [
        ({}, "", "Namespace", "shop", False),
        ({"clusterResourceWhitelist": []}, "", "Namespace", "shop", False),
        ({"clusterResourceWhitelist": [{"group": "*", "kind": "*"}]}, "", "Namespace", "shop", True),
        (
            {"clusterResourceWhitelist": [{"group": "", "kind": "Namespace", "name": "a-*"}]},
            "",
            "Namespace",
            "b",
            False,
        ),
        (
            {"clusterResourceWhitelist": [{"group": "", "kind": "Namespace", "name": "a-*"}]},
            "",
            "Namespace",
            "a-b",
            True,
        ),
        ({}, "apps", "Deployment", None, True),
        ({"namespaceResourceWhitelist": []}, "apps", "Deployment", None, False),
        ({"namespaceResourceWhitelist": [{"group": "apps", "kind": "*"}]}, "apps", "Deployment", None, True),
        ({"namespaceResourceWhitelist": [{"group": "", "kind": "*"}]}, "apps", "Deployment", None, False),
        ({"namespaceResourceBlacklist": [{"group": "", "kind": "Secret"}]}, "", "Secret", None, False),
    ],
)
def test_permitted_kind(spec: dict[str, Any], group: str, kind: str, name: str | None, permitted: bool) -> None:
    assert kind_permitted(spec, group, kind, name) is permitted
