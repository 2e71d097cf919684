"""What a directory source takes for manifests: what Argo CD 3.5.1's own reader says of the same files."""

from __future__ import annotations

import pytest

from argosy.documents import parse
from argosy.rules.files import not_manifests
from tests.rules.subjects import messages
from tests.validating import Validate

JSON = '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}'
YAML = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
LIST = "apiVersion: v1\nkind: List\nitems:\n"


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("a.json", JSON, ""),
        ("a.json", f'{{"apiVersion": "v1", "kind": "List", "items": [{JSON}]}}', ""),
        ("a.json", f"[{JSON}]", "is a list"),
        ("a.json", '"text"', "is a text"),
        ("a.json", "5", "is a number"),
        ("a.json", "true", "is true or false"),
        ("a.json", " null\n", "is null"),
        ("a.yaml", "null\n", ""),
        ("a.json", '{"name": "shop", "version": "1.0.0"}', "has no kind"),
        ("a.json", '{"apiVersion": "v1", "kind": 1}', "has no kind"),
        ("a.json", '{"kind": "A"}', "has no apiVersion"),
        ("a.json", '{"apiVersion": "v1", "kind": "List", "items": [{"a": 1}]}', "this one has no kind"),
        ("a.json", '{"apiVersion": "v1", "kind": "List", "items": [null]}', "this one is null"),
        ("a.json", '{"note": "+argocd:skip-file-rendering"}', ""),
        ("a.yaml", YAML, ""),
        ("a.yaml", f"---\n# nothing\n---\n{YAML}---\n", ""),
        ("a.yaml", "- a\n", ""),
        ("a.yaml", "text\n", ""),
        ("a.yaml", "a: b\n", ""),
        ("a.yaml", "[1, 2]\n", ""),
        ("a.yaml", "- op: replace\n  path: /metadata/name\n", ""),
        ("a.yaml", "- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: a}\n", "is a list"),
        ("a.yaml", "text\n# apiVersion: kind: metadata:\n", "is a text"),
        ("a.yaml", "apiVersion: v1\n# kind:\nmetadata: {name: a}\n", "has no kind"),
        ("a.yaml", f"{YAML}---\n- a\n", "is a list"),
        ("a.yaml", f"{YAML}---\na: b\n", "has no kind"),
        ("a.yaml", f"a: b\n---\n{YAML}", "has no kind"),
        ("a.yml", "kind: A\nmetadata: {name: b}\n", "has no apiVersion"),
        ("a.yaml", LIST + "  - a: b\n", "this one has no kind"),
        ("a.yaml", LIST + "  - a\n", "this one is a text"),
        ("a.yaml", LIST.replace("List", "ConfigMapList") + "  - metadata: {name: a}\n", "this one has no kind"),
        ("a.yaml", "# +argocd:skip-file-rendering\n" + YAML + "---\n- a\n", ""),
        ("Kustomization", YAML + "---\n- a\n", ""),
    ],
)
def test_what_argo_cd_takes_for_a_manifest(name: str, text: str, why: str) -> None:
    found = [problem.message for _, problem in not_manifests(parse(text, name))]
    assert len(found) == bool(why)
    assert all(each.endswith(f" {why}.") for each in found)


APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: %s, namespace: argocd}
spec:
  project: default
  source: {repoURL: https://git.example.com/team/gitops.git, path: %s}
  destination: {name: in-cluster, namespace: argocd}
"""


def test_root_fails_with_what_is_in_its_folder_and_others_do_not(validate: Validate) -> None:
    report = validate(
        {
            "root.yaml": APPLICATION % ("root", "argocd"),
            "argocd/shop.yaml": APPLICATION % ("shop", "apps/shop"),
            "argocd/notes.json": "[]",
            "argocd/drafts/notes.json": "[]",
            "apps/shop/config-map.yaml": YAML,
            "apps/shop/several.json": f"{JSON}\n{JSON}\n",
            "docs/notes.json": "[]",
        }
    )
    assert [each.path for each in report.findings if each.rule == "directory-document"] == ["argocd/notes.json"]
    (found,) = messages(report, "json-syntax")
    assert found == "there is more after the first value A JSON file holds one: make a file of each, or a List."
