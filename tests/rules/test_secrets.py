"""Secrets in Git, and what only looks like one."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import yaml

from argosy.argocd.view import View
from argosy.documents import Document
from argosy.rules import secrets
from argosy.rules.secrets import credential_in_environment, credentials, secret_in_git
from tests.rules.subjects import config_map
from tests.validating import Validate, rules_of

PRIVATE_KEY = "-----BEGIN RSA PRIVATE KEY-----"
BODY = "MIIEpAIBAAKCAQEAt3UoGl0xLYEdN" * 3
AWS_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYrandoms0me"
EVERYTHING = View(root=None)  # type: ignore[arg-type]  # These rules look at one document alone.


def document(data: object) -> Document:
    """Return a manifest."""
    return Document("manifest.yaml", 0, data)


def pod(**container: object) -> Document:
    """Return a Pod with one container."""
    return document({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "shop", **container}]}})


def test_every_detector_is_there() -> None:
    """Forks of detect-secrets have the same name when imported, and fewer detectors."""
    assert {type(each).__name__ for each in secrets._plugins()} == {*secrets._DETECTORS}


@pytest.mark.parametrize("field", ["data", "stringData"])
def test_secrets_with_data(field: str) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", field: {"password": "aHVudGVyMg==", "empty": "", "odd": [1]}}
    found = list(secret_in_git(document(secret), EVERYTHING))
    assert [problem.at for problem in found] == [(field, "password"), (field, "odd")]
    assert {problem.message for problem in found} == {
        "The Secret's keys “password”, “odd” are committed in plain text."
    }


def test_a_secret_is_one_finding_and_each_of_its_keys_can_be_ignored(validate: Validate) -> None:
    head = "apiVersion: v1\nkind: Secret\nmetadata: {name: shop}\nstringData:\n"
    ignored = "  pin: abcd # argosy: ignore[secret-in-git] of a doll's house\n"
    report = validate({"a.yaml": f"{head}{ignored}  password: hunter2\n  token: hunter3\n", "b.yaml": head + ignored})
    [found] = [each for each in report.findings if each.rule == "secret-in-git"]
    assert [(each.path, each.line) for each in found.places] == [("a.yaml", 6), ("a.yaml", 7)]


def test_what_a_chart_makes_by_chance_is_not_in_git(validate: Validate) -> None:
    template = """\
{{- $made := randAlphaNum 24 }}
apiVersion: v1
kind: Secret
metadata: {name: shop}
stringData:
  password: {{ $made | quote }}
  token: "{{ randAlphaNum 16 | lower }}"
  session-key: {{ .Values.session | default (randAlphaNum 20) }}
  signing-key: hunter2-and-more
"""
    chart = {"Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n", "values.yaml": "session: given-in-git-1\n"}
    report = validate({**{f"shop/{name}": text for name, text in chart.items()}, "shop/templates/s.yaml": template})
    [found] = [each for each in report.findings if each.rule == "secret-in-git"]
    assert found.message == "The Secret's keys “session-key”, “signing-key” are committed in plain text."


def test_of_a_bootstrap_token_one_part_is_secret(validate: Validate) -> None:
    data = "{token-id: abcdef, token-secret: 0123456789abcdef, auth-extra-groups: 'system:bootstrappers:a'}"
    head = "apiVersion: v1\nkind: Secret\nmetadata: {name: bootstrap-token-abcdef, namespace: kube-system}\n"
    report = validate({"s.yaml": f"{head}type: bootstrap.kubernetes.io/token\nstringData: {data}\n"})
    [found] = [each for each in report.findings if each.rule == "secret-in-git"]
    assert found.message == "The Secret's key “token-secret” is committed in plain text."


@pytest.mark.parametrize(
    ("key", "value", "is_secret"),
    [
        ("username", "shop", False),
        ("POSTGRES_USER", "shop", False),
        ("installationID", "49029877", False),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7RANDOMS", False),
        ("port", "5432", False),
        ("SMTP_FROM", "alerts@acme.io", False),
        ("password", "<PASSWORD>", False),
        ("password", "${PASSWORD}", False),
        ("ca.crt", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", False),
        ("prometheus.yaml", "scrape_configs:\n  - job_name: shop\n    bearer_token_file: /token\n", False),
        ("config", '{"tlsClientConfig": {"insecure": false, "caData": "TUlJ"}}', False),
        ("config", '{"bearerToken": "eyJhbGciOi", "tlsClientConfig": {"insecure": false}}', True),
        ("config", "users: [{user: {client-key-data: TUlJ}}]", True),
        ("alertmanager.yaml", "global: {slack_api_url: 'https://hooks.example.org/T1/B1/abc'}", True),
        (".dockerconfigjson", '{"auths": {"ghcr.io": {"auth": "c2hvcDpodW50ZXIy"}}}', True),
        ("WEBHOOK_URL", "https://chat.acme.io/hooks/abc", True),
        ("htpasswd", "admin:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/", True),
        ("credentials", "[default]\naws_secret_access_key = abc\n", True),
        ("database", "postgres://shop:hunter2secret@db.acme.io/shop", True),
        ("password", "changeme", True),
        ("smtp.yaml", "user: mailer\npass: hunter2", True),
        ("users.yaml", "passwords:\n  admin: hunter2", True),
        ("tokens.yaml", "tokens:\n  - hunter2", True),
        ("appsettings.json", '{"ConnectionStrings": {"Default": "Server=db;User=sa;Password=hunter2"}}', True),
        ("database", "Server=db;User=sa;Password=hunter2", True),
        ("endpoint", "https://chat.acme.io/services/T000/B000/abc", True),
        ("password", "a: hunter2", True),
        ("DB_PASSWORD", "${DB_PASSWORD:-hunter2}", True),
    ],
)
def test_keys_that_hold_a_secret(key: str, value: str, is_secret: bool) -> None:
    encoded = base64.b64encode(value.encode()).decode()
    for data in ({"stringData": {key: value}}, {"data": {key: encoded}}):
        found = list(secret_in_git(document({"apiVersion": "v1", "kind": "Secret", **data}), EVERYTHING))
        assert [each.at[-1] for each in found] == [key] * is_secret


@pytest.mark.parametrize(
    "data",
    [
        {"apiVersion": "v1", "kind": "Secret"},
        {"apiVersion": "v1", "kind": "Secret", "data": None},
        {"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "spec": {"encryptedData": {"password": "AgB"}}},
        {"apiVersion": "example.com/v1", "kind": "Secret", "data": {"a": "b"}},
    ],
)
def test_no_secrets(data: object) -> None:
    assert list(secret_in_git(document(data), EVERYTHING)) == []


@pytest.mark.parametrize(
    "name",
    [
        "PASSWORD",
        "DB_PASSWORD",
        "db-password",
        "API_KEY",
        "apikey",
        "GITHUB_TOKEN",
        "CLIENT_SECRET",
        "aws_secret_access_key",
    ],
)
def test_variables_that_hold_a_credential(name: str) -> None:
    (problem,) = credential_in_environment(
        pod(env=[{"name": "A", "value": "b"}, {"name": name, "value": "hunter2"}]), EVERYTHING
    )
    assert problem.at == ("spec", "containers", 0, "env", 1, "value")
    config_map = document({"apiVersion": "v1", "kind": "ConfigMap", "data": {name: "hunter2"}})
    assert [each.at for each in credential_in_environment(config_map, EVERYTHING)] == [("data", name)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PASSWORD", ""),
        ("PASSWORD", "$(OTHER)"),
        ("PASSWORD_FILE", "/run/secrets/password"),
        ("TOKEN", "/var/run/token"),
        ("USE_TOKEN", "true"),
        ("TOKEN_URL", "https://id.example.com/token"),
        ("AUTH_TOKEN", "https://id.example.com/token"),
        ("TOKENIZER", "fast"),
        ("KEYBOARD", "de"),
        ("MAX_TOKENS", "100"),
        ("SECRET_NAME", "shop"),
        ("PASSWORD", None),
        ("PASSWORD", 1),
    ],
)
def test_variables_that_hold_none(name: str, value: object) -> None:
    assert list(credential_in_environment(pod(env=[{"name": name, "value": value}]), EVERYTHING)) == []


def test_variables_from_a_secret_are_right() -> None:
    reference = {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "shop", "key": "password"}}}
    assert list(credential_in_environment(pod(env=[reference]), EVERYTHING)) == []


def test_credentials_are_known_by_their_form() -> None:
    token = "ghp_" + "a1B2" * 9
    lines = (
        "nothing: here",
        f"token: {token}",
        "url: https://ada:hunter2secret@example.com/",
        f"aws_secret_access_key: {AWS_SECRET}",
        f'json: "{PRIVATE_KEY}\\n{BODY}"',
        f"key: |\n  {PRIVATE_KEY}\n  {BODY}",
    )
    assert sorted({line for line, _ in credentials(["\n".join(lines)])[0]}) == [2, 3, 4, 5, 7]


@pytest.mark.parametrize(
    "line",
    [
        "digest: sha256:" + "ab" * 32,
        "checksum: " + "0f" * 20,
        "url: https://example.com/a?b=c",
        "token: ghp_" + "a1B2" * 9 + " # pragma: allowlist secret",
        "uuid: 123e4567-e89b-12d3-a456-426614174000",
        f"## key: |\n##   {PRIVATE_KEY}\n##   ...\n##   -----END RSA PRIVATE KEY-----\n## {BODY}",
        f"keyHeader: '{PRIVATE_KEY}'",
        "access_key_id: AKIAIOSFODNN7RANDOMS",
        "accountSid: ACa1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4",
        "APACHECONFIGDIRECTORY",
        "url: https://user:password@db.example.com/",
        "url: postgres://$(DB_USER):$(DB_PASSWORD)@db/shop",
        "url: https://<user>:<token>@git.acme.io/shop",
        "url: https://ada:{{ .Values.password }}@acme.io/",
        "hook: https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
        "- key: enable_aws_secrets_store_csi_driver_provider",
        "awsKeyDigest: 0123456789abcdef0123456789abcdef01234567",
    ],
)
def test_what_only_looks_random_is_no_credential(line: str) -> None:
    assert credentials([line]) == [[]]


def test_credentials_are_found_in_templates_values_and_json(validate: Validate) -> None:
    token = "ghp_" + "a1B2" * 9
    report = validate(
        {
            "chart/Chart.yaml": yaml.safe_dump({"apiVersion": "v2", "name": "chart", "version": "1.0.0"}),
            "chart/values.yaml": f"token: {token}\n",
            "chart/templates/a.yaml": f"# {{{{ .Values.x }}}}\n# {token}\n",
            "settings.json": f'{{"token": "{token}"}}',
        }
    )
    found = {(each.path, each.line) for each in report.findings if each.rule == "credential-in-git"}
    assert found == {("chart/values.yaml", 1), ("chart/templates/a.yaml", 2), ("settings.json", 1)}
    assert {"chart/values.yaml", "chart/templates/a.yaml", "settings.json"} <= {
        each.path for each in report.outcomes if each.status == "failed"
    }
    assert token not in "".join(each.message for each in report.findings)
    assert "credential-in-git" in rules_of(report)


EVERYTHING = View(root=None)  # type: ignore[arg-type]  # These rules look at one document alone.


ENCRYPTED = "ENC[AES256_GCM,data:aGVsbG8=,iv:bm9uY2U=,tag:dGFn,type:str]"
LABELLED = {"labels": {"argocd.argoproj.io/secret-type": "repository"}}
TEMPLATES = {"apiVersion": "isindir.github.com/v1alpha3", "kind": "SopsSecret"}


def sops(value: str) -> dict[str, Any]:
    """Return a SopsSecret of one value."""
    return {**TEMPLATES, "spec": {"secretTemplates": [{"name": "web", "stringData": {"password": value}}]}}


@pytest.mark.parametrize(
    ("secret", "found"),
    [
        ({"kind": "Secret", "stringData": {"password": ENCRYPTED}}, []),
        ({"kind": "Secret", "metadata": {"name": "argocd-secret"}, "stringData": {"x": "$hook:github.secret"}}, []),
        ({"kind": "Secret", "metadata": {"name": "argocd-secret"}, "stringData": {"x": "$hook"}}, []),
        ({"kind": "Secret", "metadata": {"name": "argocd-secret"}, "stringData": {"x": "hunter2"}}, ["x"]),
        ({"kind": "Secret", "metadata": {"name": "web"}, "stringData": {"x": "$hunter2"}}, ["x"]),
        ({"kind": "Secret", "metadata": LABELLED, "stringData": {"url": "https://git.example.com/a"}}, []),
        (
            {"kind": "Secret", "metadata": LABELLED, "stringData": {"url": "https://a:hunter2x@example.com/a"}},
            ["url"],
        ),
        (
            {"kind": "Secret", "metadata": LABELLED, "stringData": {"type": "git", "password": "hunter2"}},
            ["password"],
        ),
        (sops(ENCRYPTED), []),
        (sops("hunter2"), ["password"]),
    ],
)
def test_what_of_a_secret_is_plain_text(secret: dict[str, Any], found: list[str]) -> None:
    document = Document("secret.yaml", 0, {"apiVersion": "v1", **secret})
    assert [each.at[-1] for each in secret_in_git(document, EVERYTHING)] == found


@pytest.mark.parametrize(
    ("name", "key", "value", "is_plain"),
    [
        ("argocd-cm", "oidc.config", "clientSecret: hunter2", True),
        ("argocd-cm", "oidc.config", "clientSecret: $argocd-sso:clientSecret", False),
        ("argocd-cm", "oidc.config", "clientSecret: $oidc.clientSecret", False),
        ("argocd-cm", "dex.config", "connectors:\n- type: ldap\n  config: {bindPW: hunter2}", True),
        (
            "argocd-cm",
            "dex.config",
            "connectors:\n- type: github\n  config: {clientSecret: $x:y, clientID: abc}",
            False,
        ),
        ("argocd-notifications-cm", "service.slack", "token: xoxb-of-somebody", True),
        ("argocd-notifications-cm", "service.webhook.x", "url: x\nbasicAuth: {username: a, password: b}", True),
        ("argocd-notifications-cm", "service.webhook.x", "url: x\nbasicAuth: {username: a, password: $b}", False),
    ],
)
def test_secrets_in_plain(name: str, key: str, value: str, is_plain: bool, validate: Validate) -> None:
    report = validate({"settings.yaml": config_map(name, {key: value})})
    assert ("argocd-secret-in-plain" in rules_of(report)) is is_plain


def test_reference_in_another_secret_is_its_plain_text(validate: Validate) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "shop"}, "stringData": {"a": "$b:c"}}
    assert rules_of(validate({"secret.yaml": yaml.safe_dump(secret)})) == {"secret-in-git"}


def test_a_line_of_any_length_takes_its_time() -> None:
    """Each is found wherever it stands; what is long and none takes no square of its length."""
    token = "ghp_" + "a1B2" * 9
    for before in (0, 3_990, 123_456):
        assert credentials(["/" * before + f" {token} " + "x" * 100_000]) == [[(1, "GitHub Token")]]
    assert credentials(["//" * 1_000_000]) == [[]]
    npm = "//registry.npmjs.org/:_authToken=00000000-0000-0000-0000-000000000001"
    assert [kind for _, kind in credentials([npm])[0]] == ["NPM tokens"]


def test_a_pattern_of_a_namespace_is_gos() -> None:
    assert secrets._searches("^team-.*$", "team-a")
    assert not secrets._searches("^team-.*$", "shop")
    assert secrets._searches("(", "shop")
    assert not secrets._searches("^(a|a)*$", "a" * 60 + "b")
