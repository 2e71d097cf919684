"""A large repository that argosy did not make: one root, and what teams deploy in three ways.

`python -m benchmarks.infrastructure TEAMS FOLDER` writes it, the same bytes each time, and prints how many documents
`argosy validate` counts in it: 29 a team, and five Applications.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

URL = "https://git.example.com/acme/infrastructure.git"
DOCUMENTS, APPLICATIONS, BUILDS = 29, 5, 2
"""What there is of each team."""
KINDS = ("deployment-apps-v1", "service-v1", "configmap-v1")
"""The kinds that its builds give, by the names of their schemas."""

_CONTAINER = """      containers:
        - name: {name}
          image: {image}
          ports:
            - {{name: http, containerPort: 8080}}
          resources:
            requests: {{cpu: 50m, memory: 64Mi}}
            limits: {{memory: 128Mi}}
"""
_DEPLOYMENT = (
    """apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  labels: {{app: {name}}}
spec:
  selector:
    matchLabels: {{app: {name}}}
  template:
    metadata:
      labels: {{app: {name}}}
    spec:
"""
    + _CONTAINER
)
_SERVICE = """apiVersion: v1
kind: Service
metadata:
  name: {name}
spec:
  selector: {{app: {name}}}
  ports:
    - {{name: http, port: 80, targetPort: http}}
"""
_CONFIG = """apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
data:
  owner: {name}
"""
_ACCOUNT = """apiVersion: v1
kind: ServiceAccount
metadata:
  name: {name}
"""
_APPLICATION = f"""apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: {{name}}
  namespace: argocd
spec:
  project: default
  source:
    repoURL: {URL}
    targetRevision: main
    path: {{path}}{{source}}
  destination:
    server: https://kubernetes.default.svc
    namespace: {{name}}
"""
_SET = f"""apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata:
  name: services
  namespace: argocd
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - git:
        repoURL: {URL}
        revision: main
        directories:
          - path: services/*/overlays/*
  template:
    metadata:
      name: '{{{{ index .path.segments 1 }}}}-{{{{ .path.basename }}}}'
    spec:
      project: default
      source:
        repoURL: {URL}
        targetRevision: main
        path: '{{{{ .path.path }}}}'
      destination:
        server: https://kubernetes.default.svc
        namespace: '{{{{ index .path.segments 1 }}}}-{{{{ .path.basename }}}}'
"""
_CHART = {
    "Chart.yaml": "apiVersion: v2\nname: worker\nversion: 1.0.0\n",
    "values.yaml": "image: ''\nreplicas: 1\n",
    "templates/deployment.yaml": _DEPLOYMENT.format(name="{{ .Release.Name }}", image="{{ .Values.image }}").replace(
        "spec:\n  selector", "spec:\n  replicas: {{ .Values.replicas }}\n  selector"
    ),
    "templates/service.yaml": _SERVICE.format(name="{{ .Release.Name }}"),
    "templates/config.yaml": _CONFIG.format(name="{{ .Release.Name }}"),
}


def team(name: str) -> dict[str, str]:
    """Return what a team has: a service with two overlays, two folders of manifests, and a release of the chart."""
    service, release = f"services/{name}", f"release-{name}"
    files = {
        f"{service}/base/kustomization.yaml": "resources: [deployment.yaml, service.yaml, config.yaml]\n",
        f"{service}/base/deployment.yaml": _DEPLOYMENT.format(name=name, image=name),
        f"{service}/base/service.yaml": _SERVICE.format(name=name),
        f"{service}/base/config.yaml": _CONFIG.format(name=name),
        f"argocd/releases/{name}.yaml": _APPLICATION.format(
            name=release, path="charts/worker", source=f"\n    helm: {{valueFiles: [/values/{name}.yaml]}}"
        ),
        f"values/{name}.yaml": f"image: ghcr.io/acme/{name}:1.0.0\nreplicas: 2\n",
    }
    for environment in ("dev", "prod"):
        overlay = f"{service}/overlays/{environment}"
        files[f"{overlay}/kustomization.yaml"] = (
            f"namespace: {name}-{environment}\nresources: [../../base]\npatches: [{{path: replicas.yaml}}]\n"
            f"images: [{{name: {name}, newName: ghcr.io/acme/{name}, newTag: 1.0.0}}]\n"
        )
        files[f"{overlay}/replicas.yaml"] = (
            f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec: {{replicas: 3}}\n"
        )
    for number in range(2):
        own = f"{name}-{number}"
        files[f"argocd/plain/{own}.yaml"] = _APPLICATION.format(name=own, path=f"plain/{own}", source="")
        files |= {
            f"plain/{own}/{kind}.yaml": text.format(name=own, image=f"ghcr.io/acme/{own}:1.0.0")
            for kind, text in (
                ("deployment", _DEPLOYMENT),
                ("service", _SERVICE),
                ("config", _CONFIG),
                ("account", _ACCOUNT),
            )
        }
    return files


def make(teams: int, folder: Path) -> None:
    """Write and commit the repository of some teams."""
    root = _APPLICATION.format(name="root", path="argocd", source="\n    directory: {recurse: true}")
    files = {"root.yaml": root.replace("namespace: root", "namespace: argocd"), "argocd/services.yaml": _SET}
    files |= {f"charts/worker/{path}": text for path, text in _CHART.items()}
    for number in range(teams):
        files |= team(f"team-{number:04}")
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    git = ("git", "-c", "user.name=benchmarks", "-c", "user.email=benchmarks@localhost")
    for command in (
        ("init", "--quiet", "--initial-branch", "main"),
        ("remote", "add", "origin", URL),
        ("add", "--all"),
        ("commit", "--quiet", "--message", "Begin"),
    ):
        subprocess.run([*git, *command], cwd=folder, check=True)


if __name__ == "__main__":
    make(int(sys.argv[1]), Path(sys.argv[2]))
    print(int(sys.argv[1]) * DOCUMENTS)
