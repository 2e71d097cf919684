"""What is still to be filled in is told, and nothing else that looks like it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from argosy.documents import parse
from argosy.findings import Severity
from argosy.rules.examples import DEPLOYED
from argosy.rules.placeholders import PLACEHOLDERS, find
from argosy.rules.registry import files_of
from tests.conftest import Argosy
from tests.validating import Validate, rules_of

ALL = ("--set", "secrets=external-secrets", "--set", "sso=oidc", "--set", "notifications=email")


def texts(yaml: str) -> list[str]:
    """Return the placeholders in a text."""
    return [each.text for document in parse(yaml, "a.yaml").documents for each, _ in find(document)]


def test_values_are_told_apart_from_comments_and_from_what_only_looks_like_them() -> None:
    assert texts("url: https://github.com/your-org/gitops.git  # your-org\n") == ["your-org"]
    assert texts("- https://argocd.example.com/x\n- arn:aws:iam::111122223333:role/a\n- 111122223333\n") == [
        "111122223333",
        "111122223333",
        "argocd.example.com",
    ]
    assert texts("- https://VAULT-dev.vault.azure.net\n- example.com\n") == ["example.com", "VAULT"]
    assert not texts(
        "# argocd.example.com\na: not-your-org\nb: your-organisation\nc: git.example.com\nd: my-argocd.example.com\n"
        "e: 1111222233334\nf: https://vault-dev.vault.azure.net\n"
    )


@pytest.mark.parametrize("name", ["<NAME>", "{{ name }}", "shop-${NAME}", "${app.name}shop"])
def test_a_value_to_fill_in_is_an_error_only_where_it_is_deployed(name: str, validate: Validate) -> None:
    service = f"apiVersion: v1\nkind: Service\nmetadata: {{name: '{name}'}}\nspec: {{ports: [{{port: 80}}]}}\n"
    [found] = validate({"apps/my-app/service.yaml": service}).findings
    assert (found.rule, found.severity, found.line) == ("placeholder", Severity.WARNING, 3)
    assert "kubernetes-value" in rules_of(validate(files_of(DEPLOYED)))


def test_init_ends_with_what_is_to_be_filled_in_and_validate_lists_it_place_by_place(
    argosy: Argosy, tmp_path: Path
) -> None:
    made = argosy("init", "gitops", "--defaults", "--env", "dev", "--env", "prod", *ALL)
    wanted = {"your-org", "login.example.com", "argocd.example.com", "smtp.example.com", "argocd@example.com"}
    wanted.add("111122223333")
    assert made.code == 0
    places = dict(re.findall(r"^       (\S+) +.* \((\S+:[0-9]+)\)$", made.err, flags=re.MULTILINE))
    assert places.keys() == wanted
    for text, place in places.items():
        path, _, line = place.partition(":")
        near = (tmp_path / "gitops" / path).read_text().splitlines()[int(line) - 1 :]
        assert any(text in each for each in near[:5])
    assert "0 errors, 6 warnings" in made.out

    own = argosy(
        "init", "own", "--app", "", "--env", "dev", "--repo-url", "https://github.com/acme/x.git", "--defaults"
    )
    assert "placeholder" not in own.out + own.err
    assert [each.text for each in PLACEHOLDERS if each.meaning in own.err] == []
    assert f"{Severity.WARNING.value}:" not in own.out
