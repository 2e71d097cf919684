"""The fields that Argo CD's kinds have in the version that a repository installs."""

from __future__ import annotations

import pytest

from tests.rules.subjects import messages
from tests.validating import Validate

APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argocd}
spec:
  project: default
  source:
    repoURL: https://git.example.com/team/gitops.git
    path: shop
    tagPrefix: shop/
    directory: {disableExtensionFilter: true}
  destination: {name: in-cluster, namespace: shop}
"""


@pytest.mark.parametrize(
    ("version", "unknown"),
    [
        ("", []),
        ("3.6", []),
        ("9.0.0", []),
        ("3.5.1", ["directory.disableExtensionFilter: Argo CD 3.5, which this repository installs, has no such field"]),
        ("3.4.7", ["disableExtensionFilter: Argo CD 3.4", "tagPrefix: Argo CD 3.4, which this repository installs"]),
    ],
)
def test_a_field_of_a_newer_argo_cd_is_an_error(version: str, unknown: list[str], validate: Validate) -> None:
    report = validate(
        {
            "argocd/shop.yaml": APPLICATION,
            "shop/config-map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\n",
            ".argosy.yaml": f"argocdVersion: '{version}'\n" if version else "repoURLs: []\n",
        }
    )
    found = messages(report, "argocd-schema")
    assert len(found) == len(unknown)
    for each in unknown:
        assert any(each in said and "or install Argo CD 3." in said for said in found)
