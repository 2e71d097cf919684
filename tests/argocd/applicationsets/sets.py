"""ApplicationSets and repositories to expand."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

from argosy.argocd.applicationsets import Expansion, Flaw, RepositoryFiles, expand
from argosy.argocd.clusters import Clusters
from argosy.documents import parse
from argosy.helm import engine

URL = "https://github.com/acme/gitops.git"


REPOSITORY_SET = r"""
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata:
  name: gitops
  namespace: argocd
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  syncPolicy:
    preserveResourcesOnDeletion: true
  generators:
    - matrix:
        generators:
          - matrix:
              generators:
                - git:
                    repoURL: https://github.com/acme/gitops.git
                    revision: main
                    pathParamPrefix: env
                    files:
                      - path: environments/*/environment.yaml
                      # In Argo CD's default globbing `*` crosses `/`.
                      - path: environments/*/*/environment.yaml
                        exclude: true
                - git:
                    repoURL: https://github.com/acme/gitops.git
                    revision: "{{ .revision }}"
                    pathParamPrefix: app
                    directories:
                      - path: environments/{{ .env.path.basename }}/*
          - git:
              repoURL: https://github.com/acme/gitops.git
              revision: "{{ .revision }}"
              pathParamPrefix: settings
              files:
                - path: applications/{{ .app.path.basename }}/application.yaml
  template:
    metadata:
      name: "{{ .app.path.basename }}-{{ .env.path.basename }}"
      labels:
        app.kubernetes.io/name: "{{ .app.path.basename }}"
        environment: "{{ .env.path.basename }}"
      annotations:
        argocd.argoproj.io/manifest-generate-paths: "/applications/{{ .app.path.basename }};\
          /environments/{{ .env.path.basename }}/values.yaml;/{{ .app.path.path }}"
    spec:
      project: "{{ .env.path.basename }}"
      source:
        repoURL: https://github.com/acme/gitops.git
        targetRevision: "{{ .revision }}"
        path: >-
          {{ if eq .format "helm" -}}
          applications/{{ .app.path.basename }}/charts/{{ .app.path.basename }}
          {{- else -}}
          {{ .app.path.path }}
          {{- end }}
      destination:
        server: '{{ get .destination "server" }}'
        name: '{{ get .destination "name" }}'
        namespace: >-
          {{ get . "namespace" | default (printf "%s-%s" .app.path.basename .env.path.basename) }}
  templatePatch: |
    spec:
      {{- if eq .format "helm" }}
      source:
        helm:
          releaseName: {{ .app.path.basename }}
          valueFiles:
            - /environments/{{ .env.path.basename }}/values.yaml
            - /{{ .app.path.path }}/values.yaml
      {{- end }}
      syncPolicy:
        {{- if .autoSync }}
        automated:
          prune: true
          selfHeal: true
        {{- end }}
        syncOptions:
          - CreateNamespace=true
"""


IN_CLUSTER = "destination: {server: https://kubernetes.default.svc}\n"


REPOSITORY = {
    "environments/dev/environment.yaml": IN_CLUSTER + 'revision: main\nautoSync: true\npromotesFrom: ""\n',
    "environments/dev/values.yaml": "",
    "environments/dev/web/values.yaml": "",
    "environments/dev/web/environment.yaml": "not: an environment\n",
    "environments/dev/api/kustomization.yaml": "",
    "environments/dev/.hidden/x.yaml": "",
    "environments/prod/environment.yaml": (
        "destination: {name: far}\nrevision: release\nautoSync: false\nnamespace: all\n"
    ),
    "environments/prod/web/values.yaml": "",
    "applications/web/application.yaml": "format: helm\nteam: a\n",
    "applications/web/charts/web/Chart.yaml": "",
    "applications/api/application.yaml": "format: kustomize\nteam: b\n",
}


def files(root: Path, content: Mapping[str, str], clusters: Clusters | None = None) -> RepositoryFiles:
    for path, text in content.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return RepositoryFiles(root, sorted(content), lambda url: url == URL, clusters or Clusters())


def expanded(
    root: Path, text: str, content: Mapping[str, str] | None = None, clusters: Clusters | None = None
) -> Expansion:
    document = parse(textwrap.dedent(text), "set.yaml").documents[0]
    return expand(document, files(root, content or {}, clusters), engine())


def application_set(generators: str, name: str = "{{ .name }}", *, go: bool = True, extra: str = "") -> str:
    """Return an ApplicationSet with those generators, whose Applications have just a name."""
    return (
        f"metadata: {{name: s}}\nspec:\n  goTemplate: {str(go).lower()}\n"
        + ("  goTemplateOptions: [missingkey=error]\n" if go else "")
        + "  generators:\n"
        + textwrap.indent(textwrap.dedent(generators).strip("\n"), "    ")
        + f"\n  template:\n    metadata:\n      name: '{name}'\n"
        + textwrap.indent(textwrap.dedent(extra), "    ")
    )


def names(expansion: Expansion) -> list[str]:
    assert not expansion.problems
    assert not expansion.skipped
    return [application.name for application in expansion.applications]


def messages(expansion: Expansion) -> list[tuple[Flaw, tuple[str | int, ...], str]]:
    return [(flaw, problem.at, problem.message) for flaw, problem in expansion.problems]


def git(kind: str, *paths: str, **more: str) -> str:
    """Return a Git generator; a path that begins with `!` is excluded."""
    items = [f"{{path: '{path.removeprefix('!')}', exclude: {str(path[0] == '!').lower()}}}" for path in paths]
    rest = "".join(f", {key}: {value}" for key, value in more.items())
    return f"{{git: {{repoURL: '{URL}', revision: main, {kind}: [{', '.join(items)}]{rest}}}}}"
