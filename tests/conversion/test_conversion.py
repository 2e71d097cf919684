"""An application comes out of a conversion with the same meaning, in all directions, whatever people wrote."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from argosy import conversion, documents, helm
from argosy.change import merge, planning, privileges
from argosy.conversion import Conversion, deployed, writing
from argosy.conversion.deployed import Deployed
from argosy.difference.manifest_text import as_yaml
from argosy.errors import ArgosyError
from argosy.git import asked_once
from argosy.helm.release import Release
from argosy.kubernetes.manifests import identity
from argosy.repository import store
from argosy.repository.model import WRITTEN_HERE, ArgocdStyle, Format
from argosy.validation import pipeline
from argosy.yaml_edit.writing import quoted
from tests import changing, goldens
from tests.changing import commit, edit
from tests.promoting import encrypted

DIGEST = "sha256:" + "ab" * 32
PAGE = "Hello {{ .Name }}\nyes: 0755\n"
BOTH = (("dev", ""), ("prod", ""))
DIRECTIONS = [(one, other) for one in WRITTEN_HERE for other in WRITTEN_HERE if one is not other]
CONFIG_MAP = f"""\
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  PORT: "80"
  "ON": "yes"
  page.tmpl: |
    {PAGE.splitlines()[0]}
    {PAGE.splitlines()[1]}
"""
CONTAINER = """\
          envFrom:
            - configMapRef: {name: settings}
          env:
            - name: WORKERS
              value: "4"
"""
ALLOWED = '    - {group: "", kind: ConfigMap}\n'
HAND_WRITTEN = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: my-nginx
  labels:
    app: my-nginx
spec:
  replicas: 3
  selector:
    matchLabels:
      app: my-nginx
  template:
    metadata:
      labels:
        app: my-nginx
    spec:
      containers:
        - name: nginx
          image: nginx:1.22.1-alpine # Prod specific image
          ports:
            - containerPort: 80
---
apiVersion: v1
kind: Service
metadata:
  name: my-nginx-service
spec:
  selector:
    app: my-nginx
  ports:
    - protocol: TCP
      port: 80
      targetPort: 80
  type: ClusterIP
"""
INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: public
spec:
  rules:
    - host: shop.acme.io
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: my-nginx-service
                port:
                  number: 80
"""


def edit_helm(root: Path) -> None:
    values = "environments/prod/my-app/values.yaml"
    edit(root, values, '  tag: "1.22.1-alpine"\n', f'  tag: "1.22.1-alpine"\n  digest: {DIGEST}\n')
    edit(root, values, "type: ClusterIP", "type: LoadBalancer")
    container = "".join(line.removeprefix("          ") for line in CONTAINER.splitlines(keepends=True))
    manifest = yaml.safe_load(CONFIG_MAP.replace("{{", "{{`{{`}}"))
    extra = yaml.safe_dump({"resources": {"limits": {"memory": "512Mi"}}, "extraManifests": [manifest]})
    (root / values).write_text((root / values).read_text() + container + extra)


def edit_kustomize(root: Path) -> None:
    overlay = "environments/prod/my-app"
    edit(root, f"{overlay}/kustomization.yaml", "my-app/base\n", "my-app/base\n  - settings.yaml\n")
    edit(root, f"{overlay}/kustomization.yaml", '-alpine"\n', f'-alpine"\n    digest: {DIGEST}\n')
    with (root / overlay / "kustomization.yaml").open("a") as file:
        file.write(
            "  - target: {kind: Service}\n    patch: |\n      - {op: replace, path: /spec/type, value: LoadBalancer}\n"
        )
    edit(root, f"{overlay}/patch.yaml", "256Mi\n", f"512Mi\n{CONTAINER}")
    (root / overlay / "settings.yaml").write_text(CONFIG_MAP)
    edit_project(root)


def edit_manifests(root: Path) -> None:
    folder = "environments/prod/my-app"
    edit(root, f"{folder}/deployment.yaml", '-alpine"\n', f'-alpine@{DIGEST}"\n{CONTAINER}')
    edit(root, f"{folder}/deployment.yaml", "              memory: 256Mi\n", "              memory: 512Mi\n")
    edit(root, f"{folder}/service.yaml", "type: ClusterIP", "type: LoadBalancer")
    (root / folder / "settings.yaml").write_text(CONFIG_MAP)
    edit_project(root)


def edit_project(root: Path, allowed: str = ALLOWED) -> None:
    project, list_of_kinds = root / "argocd/prod/project.yaml", "  namespaceResourceWhitelist:\n"
    assert list_of_kinds in project.read_text()
    project.write_text(project.read_text().replace(list_of_kinds, list_of_kinds + allowed))


EDITS: Mapping[Format, Callable[[Path], None]] = {
    Format.HELM: edit_helm,
    Format.KUSTOMIZE: edit_kustomize,
    Format.MANIFESTS: edit_manifests,
}


def create(folder: Path, form: Format, argocd: ArgocdStyle = ArgocdStyle.APPLICATIONS) -> Path:
    return changing.create(folder / "gitops", goldens.repository(form, argocd, environments=BOTH))


def convert(root: Path, form: Format, *, is_judged: bool = False) -> Conversion:
    """Convert the application, commit, and return what was known of it before.

    What the AppProjects permit follows only where what comes of it is judged.
    """
    with asked_once():
        stored = store.load(root)
        made = conversion.convert(root, stored, "my-app", form)
        assert made is not None
        versioned = replace(made.change, from_version=stored.version, to_version=stored.version)
        plan = planning.plan(root, versioned, *([privileges.kept] if is_judged else []))
        assert not plan.conflicts
        merge.write(plan)
    commit(root)
    assert store.load(root).repository.application("my-app").format is form
    return made


@asked_once()
def proposed(root: Path, form: Format) -> Conversion | None:
    """Return how the application would be converted."""
    return conversion.convert(root, store.load(root), "my-app", form)


@asked_once()
def deploys(root: Path) -> Mapping[str, Deployed]:
    """Return what is committed for each environment."""
    return deployed.of_commit(root, "my-app")


@asked_once()
def findings(root: Path) -> list[str]:
    """Return what validation finds, but for what the application's own author left out."""
    found = pipeline.validate(root).findings
    return [f"{each.path}: {each.message}" for each in found if each.rule != "missing-resources"]


def one(manifests: Any, kind: str, name: str = "my-app") -> Any:
    (found,) = (each for each in manifests if each["kind"] == kind and each["metadata"]["name"] == name)
    return found


def meanings(root: Path) -> dict[str, Any]:
    """Return what each environment's settings come to."""
    return {name: meaning(each.manifests) for name, each in deploys(root).items()}


def meaning(manifests: Any) -> dict[str, Any]:
    deployment, service = one(manifests, "Deployment"), one(manifests, "Service")
    pod = deployment["spec"]["template"]["spec"]
    return {
        "replicas": deployment["spec"].get("replicas"),
        "selector": deployment["spec"]["selector"],
        "pod": {key: value for key, value in pod.items() if key not in {"containers", "serviceAccountName"}},
        "container": pod["containers"][0],
        "service": service["spec"],
        "extra": [each["data"] for each in manifests if each["kind"] == "ConfigMap"],
    }


@pytest.mark.parametrize(("old", "new"), DIRECTIONS)
def test_what_people_edited_is_what_runs(old: Format, new: Format, tmp_path: Path) -> None:
    # An ApplicationSet finds it as well.
    is_set = (old, new) == (Format.KUSTOMIZE, Format.HELM)
    root = create(tmp_path, old, ArgocdStyle.APPLICATIONSET if is_set else ArgocdStyle.APPLICATIONS)
    EDITS[old](root)
    commit(root)
    by_hand = changing.git(root, "diff", "--name-only", "HEAD~1", "--", "environments").splitlines()
    before = meanings(root)
    assert (before["dev"]["replicas"], before["prod"]["replicas"]) == (1, 3)
    assert before["dev"]["container"]["image"] == "nginx:1.21.6-alpine"
    assert before["prod"]["container"]["image"] == f"nginx:1.22.1-alpine@{DIGEST}"
    assert before["prod"]["service"]["type"] == "LoadBalancer"
    assert before["prod"]["extra"] == [{"PORT": "80", "ON": "yes", "page.tmpl": PAGE}]

    made = convert(root, new, is_judged=True)

    assert meanings(root) == before
    assert made.unexplained == []
    assert sorted(each.path for each in made.edited) == by_hand
    assert findings(root) == []
    if new is Format.MANIFESTS:  # In dev, it is the tutorial's as it came.
        labels = {"metadata.labels[helm.sh/chart]", "metadata.labels[app.kubernetes.io/managed-by]"}
        told = {each.path for each in made.differences if each.environment == "dev"}
        assert told == (labels if old is Format.HELM else set())
        assert not any(b"namespace: my-app" in content for content in made.change.written.values())


def test_there_and_back(tmp_path: Path) -> None:
    root = create(tmp_path, Format.HELM)
    edit_helm(root)
    with (root / "environments/dev/my-app/values.yaml").open("a") as values_of_dev:
        values_of_dev.write("autoscaling: {enabled: true}\n")
    commit(root)
    before = deploys(root)["prod"]
    for form in (Format.KUSTOMIZE, Format.HELM):
        convert(root, form)
        found = deploys(root)
        # Who else scales keeps scaling.
        assert "replicas" not in one(found["dev"].manifests, "Deployment")["spec"]
        assert one(found["dev"].manifests, "HorizontalPodAutoscaler")["spec"]["maxReplicas"] == 10
    after = found["prod"]
    assert sorted(map(identity, after.manifests)) == sorted(map(identity, before.manifests))
    for kind in ("Deployment", "Service", "ServiceAccount", "PodDisruptionBudget"):
        assert one(after.manifests, kind) == one(before.manifests, kind)
    values = yaml.safe_load((root / "environments/prod/my-app/values.yaml").read_text())
    assert values["env"] == [{"name": "WORKERS", "value": "4"}]
    assert "serviceAccount" not in values


@pytest.mark.parametrize("new", [Format.HELM, Format.KUSTOMIZE])
def test_manifests_written_by_hand(new: Format, tmp_path: Path) -> None:
    root = create(tmp_path, Format.MANIFESTS)
    for name in ("dev", "prod"):
        folder = f"environments/{name}/my-app"
        commit(root, {f"{folder}/service.yaml": None, f"{folder}/deployment.yaml": HAND_WRITTEN})
    commit(root, {"environments/prod/my-app/ingress.yaml": INGRESS})
    edit_project(root, "    - {group: networking.k8s.io, kind: Ingress}\n")
    commit(root)

    made = convert(root, new, is_judged=True)

    after = deploys(root)["prod"].manifests
    pod = one(after, "Deployment")["spec"]["template"]
    assert pod["metadata"]["labels"]["app"] == "my-nginx"
    assert pod["spec"]["containers"][0]["image"] == "nginx:1.22.1-alpine"
    assert not pod["spec"].get("securityContext")
    assert not pod["spec"]["containers"][0].get("readinessProbe")
    path = one(after, "Ingress", "public")["spec"]["rules"][0]["http"]["paths"][0]
    assert path["backend"]["service"]["name"] == "my-app"
    reasons = {each.path: each.why for each in made.differences if each.resource == "Deployment/my-app"}
    assert "prunes my-nginx" in reasons["metadata.name"]
    assert made.unexplained == []
    # A chart lies elsewhere, and in dev nothing keeps its name; an overlay takes the place of the manifests.
    gone = "my-app-dev no longer renders Deployment my-nginx and Service my-nginx-service, nor anything else that it"
    found = findings(root)
    assert len(found) == (new is Format.HELM)
    assert all(each.startswith(f"argocd/dev/my-app.yaml: {gone}") for each in found)


def test_a_changed_selector_is_told(tmp_path: Path) -> None:
    root = create(tmp_path, Format.MANIFESTS)
    text = HAND_WRITTEN.replace("name: my-nginx\n", "name: my-app\n").replace("my-nginx-service", "my-app")
    commit(root, {"environments/prod/my-app/service.yaml": None, "environments/prod/my-app/deployment.yaml": text})
    made = proposed(root, Format.KUSTOMIZE)
    assert made is not None
    (why,) = (each.why for each in made.differences if each.path == "spec.selector" and each.resource[:3] == "Dep")
    assert "once this is merged" in why
    assert "kubectl delete deployment my-app --namespace my-app-prod --cascade=orphan; then argocd app sync" in why
    assert "sync my-app-prod; once the new Pods are ready, delete the old ReplicaSet" in why


def test_what_a_chart_of_ones_own_renders_is_carried_over(tmp_path: Path) -> None:
    root = create(tmp_path, Format.HELM)
    hook = "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {{ .Release.Name }}-migrate\n"
    hook += '  annotations: {helm.sh/hook: pre-upgrade}\nspec: {note: "{{ "{{" }} .x }}"}\n'
    values = (root / "environments/prod/my-app/values.yaml").read_text()
    commit(
        root,
        {
            "applications/my-app/charts/my-app/templates/job.yaml": hook,
            "environments/prod/my-app/values.yaml": f"{values}fullnameOverride: my-nginx\n",
        },
    )
    job = one(deploys(root)["prod"].manifests, "Job", "my-app-migrate")
    for form in (Format.KUSTOMIZE, Format.HELM):
        convert(root, form)
        manifests = deploys(root)["prod"].manifests
        assert one(manifests, "Job", "my-app-migrate")["spec"]["note"] == job["spec"]["note"] == "{{ .x }}"
        assert [each["metadata"]["name"] for each in manifests if each["kind"] == "PodDisruptionBudget"] == ["my-nginx"]


def test_a_worker_with_a_sidecar(tmp_path: Path) -> None:
    root = create(tmp_path, Format.MANIFESTS)
    sidecar = "        - {name: proxy, image: envoy:1.30, ports: [{containerPort: 9901}]}\n      volumes:\n"
    edit(root, "environments/prod/my-app/deployment.yaml", "      volumes:\n", sidecar)
    commit(root, {"environments/prod/my-app/service.yaml": None})
    convert(root, Format.KUSTOMIZE)
    manifests = deploys(root)["prod"].manifests
    assert [each["kind"] for each in manifests] == ["Deployment"]
    containers = manifests[0]["spec"]["template"]["spec"]["containers"]
    assert sorted(each["name"] for each in containers) == ["my-app", "proxy"]
    made = convert(root, Format.HELM)
    assert ("Service/my-app", "the chart adds a Service") in {(each.resource, each.why) for each in made.differences}
    manifests = deploys(root)["prod"].manifests
    assert {each["image"] for each in one(manifests, "Deployment")["spec"]["template"]["spec"]["containers"]} == {
        "nginx:1.22.1-alpine",
        "envoy:1.30",
    }


def test_what_the_chart_cannot_say_is_told(tmp_path: Path) -> None:
    root = create(tmp_path, Format.KUSTOMIZE)
    edit(root, "environments/prod/my-app/patch.yaml", "    spec:\n", "    spec:\n      hostNetwork: true\n")
    commit(root)
    made = proposed(root, Format.HELM)
    assert made is not None
    assert [(each.environment, each.path, each.before, each.after) for each in made.unexplained] == [
        ("prod", "spec.template.spec.hostNetwork", True, None)
    ]


def test_what_runs_no_deployment_becomes_manifests_alone(tmp_path: Path) -> None:
    root = create(tmp_path, Format.MANIFESTS)
    edit(root, "environments/prod/my-app/deployment.yaml", "kind: Deployment", "kind: StatefulSet")
    commit(root)
    with pytest.raises(ArgosyError, match="What my-app runs in prod is not one Deployment"):
        proposed(root, Format.HELM)


def test_a_port_that_is_a_text_is_refused(tmp_path: Path) -> None:
    root = create(tmp_path, Format.MANIFESTS)
    edit(root, "environments/prod/my-app/service.yaml", "      port: 80\n", "      port: web\n")
    commit(root)
    with pytest.raises(ArgosyError, match="prod: The port “web” of my-app is not a number"):
        proposed(root, Format.HELM)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"argocd/prod/my-app.yaml": None}, "No Argo CD Application deploys my-app to prod"),
        ({"environments/prod/my-app/.argocd-source.yaml": "kustomize: {}\n"}, "Argo CD changes the source"),
        ({"environments/prod/my-app/patch.yaml": "kind: ["}, "cannot be rendered"),
    ],
)
def test_what_cannot_be_known_is_refused(files: dict[str, str | bytes | None], message: str, tmp_path: Path) -> None:
    root = create(tmp_path, Format.KUSTOMIZE)
    commit(root, files)
    with pytest.raises(ArgosyError, match=message):
        proposed(root, Format.HELM)


def test_what_is_encrypted_is_refused_where_it_would_be_written_anew(tmp_path: Path) -> None:
    root = create(tmp_path, Format.KUSTOMIZE)
    secret = encrypted("prod", "apiVersion: v1\nkind: Secret\nmetadata:\n  name: my-app\n")
    commit(root, {"environments/prod/my-app/secret.yaml": secret})
    # What no build reads stays where it is.
    assert proposed(root, Format.HELM)
    edit(root, "environments/prod/my-app/kustomization.yaml", "my-app/base\n", "my-app/base\n  - secret.yaml\n")
    commit(root)
    with pytest.raises(ArgosyError, match=r"secret\.yaml is encrypted as a whole"):
        proposed(root, Format.HELM)


def test_other_applications_stay_as_they_are(tmp_path: Path) -> None:
    repository = changing.model(("my-app", "other"), form=Format.HELM)
    root = changing.create(tmp_path / "gitops", repository)
    before = changing.files(root)
    convert(root, Format.MANIFESTS, is_judged=True)
    after = changing.files(root)
    assert {path: file for path, file in after.items() if "other" in path or path.endswith("/values.yaml")} == {
        path: file
        for path, file in before.items()
        if ("other" in path or path.endswith("/values.yaml")) and "my-app" not in path
    }
    assert findings(root) == []


def test_what_it_never_used_stays(tmp_path: Path) -> None:
    root = create(tmp_path, Format.HELM)
    # It is deployed to dev alone, where it does use the values that the environment's applications share.
    gone = {"argocd/prod/my-app.yaml": None, "environments/prod/my-app/values.yaml": None}
    edit(root, "environments/dev/values.yaml", "commonLabels:\n", "commonLabels:\n  tier: web\n")
    ours = {
        "environments/prod/values.yaml": "# Ours.\nfeature: on\n",
        "environments/dev/my-app/notes.yaml": "# Ours.\nrunbook: https://wiki.example.com\n",
    }
    commit(root, {**gone, **ours})
    (root / "environments/prod/my-app").rmdir()
    made = convert(root, Format.KUSTOMIZE)
    for path, text in ours.items():
        assert (root / path).read_text() == text
    edited = {each.path for each in made.edited}
    assert "environments/dev/values.yaml" in edited
    assert edited.isdisjoint(ours)
    assert not (root / "environments/dev/values.yaml").exists()
    labels = one(deploys(root)["dev"].manifests, "Deployment")["metadata"]["labels"]
    assert labels["tier"] == "web"


def test_what_would_be_deployed_by_chance_is_refused(tmp_path: Path) -> None:
    root = create(tmp_path, Format.HELM)
    commit(root, {"environments/prod/my-app/notes.yaml": "runbook: https://wiki.example.com\n"})
    with pytest.raises(ArgosyError, match=r"environments/prod/my-app/notes\.yaml is not used today"):
        proposed(root, Format.MANIFESTS)


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
WORDS = st.sampled_from(["yes", "0755", "1e3", "0x1F", "1_0", "2026-01-01", "12:30:00", ".inf", "~", "", "- a", "a: b"])
LINES = TEXT.map(lambda text: f"{text}\n{text}\n")
DATA = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**31), 2**31)
    | TEXT
    | WORDS
    | TEXT.map(lambda text: f"{text}\n{text}\n"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT | WORDS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50)
@example({"a\x85b": "\x85", "c": ["d\u2028 e\u2029", "\ufeff"]})
@given(st.dictionaries(WORDS, DATA, min_size=1, max_size=3))
def test_what_is_written_is_read_as_it_was(data: dict[str, Any]) -> None:
    parsed = documents.parse(writing.dump(data).decode(), "file.yaml")
    assert [each.data for each in parsed.documents] == [data]
    assert yaml.safe_load(writing.dump(data)) == data


HARD = [
    *(
        "a\x85b",
        "a\u2028b",
        "a\u2029\nb",
        "\ufeffa",
        "a\tb",
        "\ta",
        "a\rb",
        "a\r\nb\r\n",
        "a \nb",
        "a\n ",
        "  a\nb",
        "\n",
        "a\n\n",
    ),
    *(
        "x" * 5000,
        "word " * 2000,
        "😀",
        "a😀\nb",
        "\x7f",
        "\x1b",
        "\ufffe",
        "\U0010ffff",
        "---",
        "a\n---\nb",
        "a\n...\n",
    ),
    *("=", "<<", "#a", "a #b", "a: b", "| ", "key: |\n  x\n", "a'b", 'a"b', "a\\nb", ""),
]


def test_helm_reads_what_is_written(tmp_path: Path) -> None:
    """Helm reads YAML in Go. All ways in which argosy writes text are given to it at once."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: chart\nversion: 1.0.0\n")
    template = "read: {{ range .Values.texts }}\n  - {{ toJson . | b64enc }}\n{{- end }}\n"
    (tmp_path / "templates/read.yaml").write_text(template)
    edited = "".join(f"  - {quoted(text)}\n" for text in HARD)
    for written in (writing.dump({"texts": HARD}), as_yaml({"texts": HARD}).encode(), f"texts:\n{edited}".encode()):
        (tmp_path / "values.yaml").write_bytes(written)
        (made,) = helm.engine().render(Release(tmp_path, "test")).manifests
        assert [json.loads(base64.b64decode(each)) for each in yaml.safe_load(made.text)["read"]] == HARD
