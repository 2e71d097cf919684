"""Previews of pull requests, as people switch them on: what they are, and that other commands keep them right."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import yaml

from argosy.repository.model import SHARED, Application, ArgocdStyle, Format, Repository
from argosy.validation import pipeline
from tests import goldens
from tests.changing import commit, create, edit, files, model
from tests.conftest import Argosy
from tests.hosting.server import playing

CODE = "previews=https://github.com/acme/web"
FILE = "argocd/dev/previews/web.yaml"


def of(form: Format, style: ArgocdStyle = ArgocdStyle.APPLICATIONS, chart: str = "own") -> Repository:
    bare = model((), form=form, argocd=style)
    return goldens.permitted(bare.with_applications((Application("web", form, chart=chart),)))


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argosy: Argosy) -> Path:
    """Return a repository whose only application has a chart, which is where one is."""
    root = create(tmp_path / "gitops", model(form=Format.HELM))
    monkeypatch.chdir(root)
    return root


@pytest.mark.parametrize(
    ("form", "style", "chart"),
    [
        (Format.HELM, ArgocdStyle.APPLICATIONS, "own"),
        (Format.HELM, ArgocdStyle.APPLICATIONSET, SHARED),
        (Format.KUSTOMIZE, ArgocdStyle.APPLICATIONSET, "own"),
    ],
)
def test_what_a_preview_is(argosy: Argosy, form: Format, style: ArgocdStyle, chart: str) -> None:
    root = create(Path.cwd() / "gitops", of(form, style, chart))
    os.chdir(root)
    if form is Format.HELM:
        edit(
            root,
            "environments/dev/web/values.yaml",
            "service:",
            "ingress: {enabled: true, hosts: [{host: web.dev}, {host: www.dev}], tls: [{secretName: web}]}\nservice:",
        )
    else:
        ingress = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec:\n"
        ingress += "  tls: [{secretName: web}]\n  rules:\n    - host: www.dev\n"
        backend = "{service: {name: web, port: {name: http}}}"
        paths = f"      http: {{paths: [{{path: /, pathType: Prefix, backend: {backend}}}]}}\n"
        ingress += f"{paths}    - host: web.dev\n{paths}"
        edit(root, "applications/web/base/kustomization.yaml", "  - service.yaml", "  - service.yaml\n  - ingress.yaml")
        (root / "applications/web/base/ingress.yaml").write_text(ingress)
    commit(root)
    done(argosy, "set", "app", "web", CODE, "previewDomain=preview.example.com")
    assert not pipeline.validate(root).findings
    made = [*yaml.safe_load_all(argosy("render", "web", "previews").out)]
    found = {each["kind"]: each for each in made}
    assert found["Namespace"]["metadata"]["name"] == "web-pr-0"
    assert {each["metadata"]["namespace"] for each in made if each["kind"] != "Namespace"} == {"web-pr-0"}
    spec = found["Deployment"]["spec"]
    assert spec["replicas"] == 1
    (container,) = spec["template"]["spec"]["containers"]
    assert container["image"] == "nginx:0dd5cf1fb9a3c8a1e2f4b6d7980a1b2c3d4e5f60"
    (rule,) = found["Ingress"]["spec"]["rules"]
    assert (rule["host"], [*rule["http"]]) == ("web-pr-0.preview.example.com", ["paths"])
    assert not found["Ingress"]["spec"].get("tls")
    assert {"ResourceQuota", "LimitRange"} <= {*found}
    # dev's host is dev's.
    done(argosy, "set", "app", "web", "previewDomain=")
    assert "kind: Ingress" not in argosy("render", "web", "previews").out


def done(argosy: Argosy, *words: str) -> str:
    """Return what a command that commits says."""
    result = argosy(*words, "--commit", "--no-validate")
    assert result.code == 0, result.err
    return result.err


def test_other_commands_keep_them_right(argosy: Argosy, repository: Path) -> None:
    before = files(repository)
    said = done(argosy, "set", "app", "web", CODE)
    assert "kubectl --namespace argocd create secret generic previews --from-literal=token=TOKEN" in said
    assert argosy("update").err.startswith("Nothing to change.")
    done(argosy, "set", "env", "dev", "podSecurity=baseline")
    assert "pod-security.kubernetes.io~1enforce" in (repository / FILE).read_text()
    done(argosy, "set", "env", "dev", "podSecurity=off")

    done(argosy, "rename", "env", "dev", "test", "--yes")
    done(argosy, "rename", "app", "web", "shop", "--yes")
    moved = repository / "argocd/test/previews/shop.yaml"
    text = moved.read_text()
    assert {"shop-pr-*", "/environments/test/shop/values.yaml"} <= {*text.replace('"', " ").replace("- ", " ").split()}
    assert "web-pr" not in text
    assert "dev" not in text
    assert {each.name for each in (repository / "applications/shop/previews").iterdir()} == {
        *("kustomization.yaml", "limits.yaml", "namespace.yaml")
    }
    assert argosy("update").err.startswith("Nothing to change.")

    gone = argosy("remove", "env", "test", "--yes")
    assert (gone.code, "The previews of shop have the values of test." in gone.err) == (2, True)
    refused = argosy("convert", "shop", "--to", "manifests")
    assert (refused.code, "shop cannot have previews" in refused.err) == (2, True)

    done(argosy, "rename", "app", "shop", "web", "--yes")
    done(argosy, "rename", "env", "test", "dev", "--yes")
    done(argosy, "set", "app", "web", "previews=")
    assert files(repository) == before
    done(argosy, "set", "app", "web", CODE)
    done(argosy, "remove", "app", "web", "--yes")
    assert not [path for path in files(repository) if "/previews/" in path]


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (["previewLabel=x"], "web has no previews yet."),
        ([CODE, "previewEnv=prod"], "prod is where releases end"),
        ([CODE, "previewEnv=qa"], "There is no environment “qa”."),
        (["previews=https://git.acme.io/acme/web"], "Nothing tells what kind of Git host"),
        (["previews=https://bitbucket.org/acme/web"], "Argo CD knows neither labels nor forks"),
        (["previews=https://TOKEN@github.com/acme/web"], "previews has a URL with a password, a token"),
        (["previews=https://github.com/acme"], "previews cannot be “https://github.com/acme”"),
        (["previews=https://github.com/acme/web/pull/3"], "previews cannot be “https://github.com/acme/web/pull/3”"),
    ],
)
def test_refused(argosy: Argosy, settings: list[str], told: str) -> None:
    refused = argosy("set", "app", "web", *settings)
    assert (refused.code, told in refused.err) == (2, True), refused.err
    assert "TOKEN" not in refused.err


def test_where_its_environment_no_longer_has_it(argosy: Argosy, repository: Path) -> None:
    done(argosy, "set", "app", "web", CODE)
    shutil.rmtree(repository / "environments/dev/web")
    commit(repository)
    told = argosy("validate").out
    settings = (repository / "applications/web/application.yaml").read_text().splitlines()
    line = next(number for number, each in enumerate(settings, 1) if each.startswith("previewEnv:"))
    assert f"applications/web/application.yaml:{line}: warning: web is not deployed to dev" in told
    assert "argosy set app web previewEnv=ENV" in told


@pytest.mark.usefixtures("repository")
def test_who_sees_them_and_gets_secrets(argosy: Argosy) -> None:
    done(argosy, "add", "app", "site", "--team", "shop")
    done(argosy, "set", "repository", "sso=oidc", "secrets=external-secrets", "secretStore=aws")
    for name in ("web", "site"):
        done(argosy, "set", "app", name, f"previews=https://github.com/acme/{name}")
    policy = Path("argocd/install/argocd-rbac-cm.yaml").read_text()
    for what in ("applications, get", "logs, get", "applications, sync"):
        for who, name in (("developer", "web"), ("developer", "site"), ("team-shop", "site")):
            assert f"p, role:{who}, {what}, previews-{name}/*, allow" in policy
    store = yaml.safe_load(Path("platform/dev/policies/secret-store.yaml").read_text())
    assert store["spec"]["conditions"][1]["namespaceRegexes"] == ["^site-pr-[0-9]+$", "^web-pr-[0-9]+$"]


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        (
            "https://gitlab.acme.io/acme/sub/web",
            {"gitlab": {"project": "acme/sub/web", "api": "https://gitlab.acme.io"}},
        ),
        ("https://codeberg.org/acme/web", {"gitea": {"owner": "acme", "repo": "web", "api": "https://codeberg.org"}}),
        ("https://bitbucket.org/acme/web", {"bitbucket": {"owner": "acme", "repo": "web"}}),
        (
            "https://bitbucket.acme.io/scm/acme/web.git",
            {"bitbucketServer": {"project": "acme", "repo": "web", "api": "https://bitbucket.acme.io"}},
        ),
    ],
)
def test_each_host(argosy: Argosy, repository: Path, url: str, asked: dict[str, dict[str, str]]) -> None:
    forks = ["previewForks=true"] if "bitbucket" in url else []
    said = done(argosy, "set", "app", "web", f"previews={url}", *forks)
    assert ("${BITBUCKET_COMMIT::12}" in said) is ("bitbucket" in asked)
    _, generated = yaml.safe_load_all((repository / FILE).read_text())
    (generator,) = generated["spec"]["generators"]
    ((host, expected),) = asked.items()
    found = generator["pullRequest"][host]
    assert {key: found.get(key) for key in expected} == expected
    if host == "bitbucket":  # It tells twelve digits of a commit.
        assert "nginx:0dd5cf1fb9a3\n" in argosy("render", "web", "previews").out.replace('"', "")
    token = found["bearerToken"]["tokenRef"] if forks else found["tokenRef"]
    assert token == {"secretName": "previews", "key": "token"}
    assert found.get("labels", []) == ([] if forks else ["preview"])
    assert (found.get("pullRequestState") == "opened") is (host == "gitlab")


def test_they_end_when_nobody_touches_their_pull_request(
    argosy: Argosy, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for given, told in {
        "previewTTL=soon": "Give a number of hours, days or weeks",
        "previewTTL=7d previewLabel= previewForks=true": "Without previewLabel nothing ends a preview",
    }.items():
        assert told in argosy("set", "app", "web", CODE, *given.split()).err
    for ci in ("github", "none"):
        done(argosy, "set", "repository", f"ci={ci}", "--commit")
        done(argosy, "set", "app", "web", CODE, "previewTTL=7d", "--commit")
        assert (repository / ".github/workflows/previews.yaml").exists() is (ci == "github")
    assert "previewTTL: 7d" in (repository / "applications/web/application.yaml").read_text().replace('"', "")
    with playing("github", project="acme/web") as server:
        old = server.add(labels=["preview"], updated="2020-01-01T00:00:00Z")
        fresh = server.add(labels=["preview"], updated="2999-01-01T00:00:00Z")
        for name, value in {**server.environment, "no_proxy": "127.0.0.1"}.items():
            monkeypatch.setenv(name, value)
        tried = argosy("previews", "expire", "--dry-run")
        assert tried.code == 0, tried.err
        assert tried.out.startswith("Would end: https://")
        assert (old.labels, fresh.labels) == (["preview"], ["preview"])
        ended = argosy("previews", "expire", "web", "--output", "json")
        assert ended.code == 0, ended.err
        (row,) = json.loads(ended.out)["ended"]
        assert (row["apps"], row["number"], row["updated"]) == (["web"], old.number, "2020-01-01T00:00:00+00:00")
        assert (old.labels, fresh.labels) == ([], ["preview"])
        assert server.token not in tried.out + tried.err + ended.out + ended.err
        assert "No preview is to end." in argosy("previews", "expire").err
        server.fail_next(403, times=9)
        refused = argosy("previews", "expire")
        assert refused.code == 2
    monkeypatch.delenv("ARGOSY_TOKEN")
    assert argosy("previews", "expire").code == 2
    done(argosy, "set", "app", "web", "previewTTL=", "--commit")
    assert argosy("previews", "expire").code == 0
