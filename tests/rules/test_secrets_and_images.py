"""What must not stand in Git, and images that do not say what they are."""

from __future__ import annotations

import pytest
import yaml

from argosy.argocd.view import View
from argosy.documents import Document
from argosy.kubernetes.pods import images
from argosy.rules.secrets_and_images import credential_in_environment, credentials, image_tag, secret_in_git
from tests.validating import Validate, rules_of

PRIVATE_KEY = "-----BEGIN RSA PRIVATE KEY-----"
EVERYTHING = View(root=None)  # type: ignore[arg-type]  # These rules look at one document alone.


def document(data: object) -> Document:
    """Return a manifest."""
    return Document("manifest.yaml", 0, data)


def pod(**container: object) -> Document:
    """Return a Pod with one container."""
    return document({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "shop", **container}]}})


@pytest.mark.parametrize(
    "image",
    ["nginx:1.29", "nginx@sha256:" + "0" * 64, "registry:5000/nginx:1", "nginx:latest@sha256:" + "0" * 64, "", None, 7],
)
def test_images_that_say_what_they_are(image: object) -> None:
    assert list(image_tag(pod(image=image), EVERYTHING)) == []


@pytest.mark.parametrize(
    "image", ["nginx", "nginx:latest", "registry:5000/nginx", "nginx:", "ghcr.io/acme/shop:latest"]
)
def test_images_that_do_not(image: str) -> None:
    (problem,) = image_tag(pod(image=image), EVERYTHING)
    assert problem.at == ("spec", "containers", 0, "image")
    assert "latest" in problem.message


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("Pod", ("spec",)),
        ("Deployment", ("spec", "template", "spec")),
        ("Job", ("spec", "template", "spec")),
        ("CronJob", ("spec", "jobTemplate", "spec", "template", "spec")),
    ],
)
def test_images_of_every_workload_are_seen(kind: str, path: tuple[str, ...]) -> None:
    inner: object = {"initContainers": [{"image": "a"}], "containers": [{"image": "b"}, "junk", {}]}
    for part in reversed(path):
        inner = {part: inner}
    data = {"kind": kind, **inner}  # type: ignore[dict-item]
    assert [image for _, image in images(data)] == ["a", "b"]


@pytest.mark.parametrize("field", ["data", "stringData"])
def test_secrets_with_data(field: str) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", field: {"password": "aHVudGVyMg==", "empty": "", "odd": [1]}}
    assert [problem.at for problem in secret_in_git(document(secret), EVERYTHING)] == [
        (field, "password"),
        (field, "odd"),
    ]


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
    lines = ("nothing: here", f"token: {token}", "url: https://ada:hunter2secret@example.com/", f"key: {PRIVATE_KEY}")
    assert sorted({line for line, _ in credentials("\n".join(lines))}) == [2, 3, 4]


@pytest.mark.parametrize(
    "line",
    [
        "digest: sha256:" + "ab" * 32,
        "checksum: " + "0f" * 20,
        "url: https://example.com/a?b=c",
        "token: ghp_" + "a1B2" * 9 + " # pragma: allowlist secret",
        "uuid: 123e4567-e89b-12d3-a456-426614174000",
    ],
)
def test_what_only_looks_random_is_no_credential(line: str) -> None:
    assert list(credentials(line)) == []


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
