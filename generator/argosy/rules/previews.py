"""Rules of previews: what Argo CD deploys for each pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from argosy import git
from argosy.argocd.view import ArgoApplication, View
from argosy.argocd.view import key as key_of
from argosy.documents.fields import JSON, field, group_and_kind, sequence, text
from argosy.findings import Problem, Severity
from argosy.kubernetes.pods import images
from argosy.paths import holds
from argosy.repository import layout
from argosy.rules.examples import APPLICATION_SET, POD, REPOSITORY
from argosy.rules.registry import Scope, rule

_PREVIEW = (
    APPLICATION_SET
    + f"""  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - pullRequest:
        github: {{owner: acme, repo: shop, labels: [preview]}}
  template:
    metadata: {{name: 'shop-pr-{{{{ .number }}}}'}}
    spec:
      project: default
      source: {{repoURL: {REPOSITORY}, targetRevision: main, path: apps/shop, KUSTOMIZE}}
      destination: {{server: https://kubernetes.default.svc, namespace: 'shop-pr-{{{{ .number }}}}'}}
# file: apps/shop/kustomization.yaml
resources: [pod.yaml]
# file: apps/shop/pod.yaml
{POD.format(image="ghcr.io/acme/shop:1.0.0")}"""
)


@rule(
    "preview-image",
    Severity.WARNING,
    Scope.APPLICATION,
    "A preview of a pull request runs none of its images.",
    explanation="A preview shows a pull request by the image that CI made of its commit, or by the manifests on its "
    "branch. If neither names the pull request, each preview shows the same as the environment that it copies. A chart "
    "ignores a value that it does not know.",
    bad=_PREVIEW.replace("KUSTOMIZE", "kustomize: {namePrefix: preview-}"),
    good=_PREVIEW.replace("KUSTOMIZE", "kustomize: {images: ['ghcr.io/acme/shop:{{ .head_sha }}']}"),
)
def preview_image(application: ArgoApplication, view: View) -> Iterator[Problem]:
    """Find previews whose images and sources are the same for each pull request."""
    marks = _marks(application)
    if not marks or key_of(application) in view.partial:
        return
    run = [image for each in view.rendered.get(key_of(application), ()) for _, image in images(each.data)]
    followed = [text(source.get("targetRevision")) for _, source in application.sources]
    if run and not any(mark in each for each in (*run, *followed) for mark in marks):
        yield Problem(
            f"None of its images names the pull request: {', '.join(sorted({*run}))}.",
            application.at("spec"),
            "Set the tag that CI gives to the image of its commit, such as {{ .head_sha }}, where the source takes it.",
        )


_INGRESS = (
    _PREVIEW.replace(
        "KUSTOMIZE",
        'kustomize: {patches: [{target: {kind: Ingress}, patch: "- HOST"}], '
        "images: ['ghcr.io/acme/shop:{{ .head_sha }}']}",
    ).replace("[pod.yaml]", "[pod.yaml, ingress.yaml]")
    + """# file: apps/shop/ingress.yaml
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop}
spec:
  rules:
    - host: shop.example.com
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}]}
"""
)


@rule(
    "preview-host",
    Severity.WARNING,
    Scope.APPLICATION,
    "A preview of a pull request has a host that is not its own.",
    explanation="Previews of all pull requests, and mostly the environment that they copy, would have one host: an "
    "ingress controller or a gateway refuses all but one, or sends people to whichever it likes. Where the paths of an "
    "Ingress or a route name the pull request, one host is enough.",
    bad=_INGRESS.replace("HOST", "{op: replace, path: /spec/rules/0/host, value: preview.example.com}"),
    good=_INGRESS.replace("HOST", "{op: replace, path: /spec/rules/0/host, value: 'pr-{{ .number }}.example.com'}"),
)
def preview_host(application: ArgoApplication, view: View) -> Iterator[Problem]:
    """Find hosts and paths of previews that are the same for each pull request."""
    marks = _marks(application)
    for each in view.rendered.get(key_of(application), ()) if marks else ():
        group, kind = group_and_kind(each.data)
        if (group, kind) == ("networking.k8s.io", "Ingress"):
            rules = _items(each.data, "spec", "rules")
            hosts = [text(field(one, "host")) for one in rules]
            hosts += [text(host) for one in _items(each.data, "spec", "tls") for host in _items(one, "hosts")]
            paths = [text(field(path, "path")) for one in rules for path in _items(one, "http", "paths")]
        elif group == "gateway.networking.k8s.io":
            rules = _items(each.data, "spec", "rules")
            hosts = [text(host) for host in _items(each.data, "spec", "hostnames")]
            paths = [text(field(match, "path", "value")) for one in rules for match in _items(one, "matches")]
        else:
            continue
        shared = sorted({host for host in hosts if host and not any(mark in host for mark in marks)})
        if shared and not any(mark in path for mark in marks for path in paths):
            yield Problem(
                f"The {kind} {text(field(each.data, 'metadata', 'name'))} of each preview has the host {shared[0]}.",
                application.at("spec"),
                "Give each a host with {{ .number }} in it, in all places (argosy: previewDomain=), or switch it off.",
            )


_SETTINGS = """\
# file: environments/dev/environment.yaml
destination: {{server: https://kubernetes.default.svc}}
revision: main
autoSync: true
promotesFrom: ""
replicas: 1
# file: environments/dev/{folder}/values.yaml
{{}}
# file: applications/{folder}/application.yaml
format: helm
# file: applications/shop/application.yaml
format: helm
previews: https://github.com/acme/shop
previewEnv: dev
previewHost: github
"""


@rule(
    "previews-not-made",
    Severity.WARNING,
    Scope.REPOSITORY,
    "An application has previews like an environment that it is not deployed to.",
    explanation="Previews have the values that `environments/<previewEnv>/<application>` holds. Without that folder "
    "there are none, and Argo CD deletes those that there were.",
    bad=_SETTINGS.format(folder="site"),
    good=_SETTINGS.format(folder="shop").replace("# file: applications/shop/application.yaml\nformat: helm\n#", "#", 1),
)
def previews_not_made(view: View) -> Iterator[Problem]:
    """Find previews whose environment does not have their application."""
    for name, document in view.application_settings.items():
        environment = text(field(document.data, "previewEnv"))
        if not environment or not text(field(document.data, "previews")):
            continue
        path = layout.deployment(environment, name)
        is_there = environment in view.environments and holds((view.root / path).is_dir)
        if view.wanted(f"{path}/") and not (is_there and git.keeps(view.root, view.root / path)):
            yield Problem(
                f"{name} is not deployed to {environment}, so that there are no previews of it.",
                ("previewEnv",),
                f"Give them the values of an environment that has it: argosy set app {name} previewEnv=ENV. Or end "
                f"them: argosy set app {name} previews=",
                document,
            )


def _items(data: JSON, *pointer: str) -> Sequence[JSON]:
    return sequence(field(data, *pointer))


def _marks(application: ArgoApplication) -> list[str]:
    """Return what tells the pull request that a preview is of from others; nothing where it is of none."""
    return [each for key, each in application.pull_request.items() if key not in _OF_MANY]


_OF_MANY = ("title", "target_branch", "target_branch_slug", "author")
"""What pull requests may have in common."""
