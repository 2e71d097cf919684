"""Rules of an Application's sources, as far as no schema tells them."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from pathlib import Path, PurePosixPath

from argosy.argocd.hydration import Destination, destination
from argosy.argocd.matching import glob_matches
from argosy.argocd.sources import KUSTOMIZATIONS, Kind, resolve
from argosy.argocd.urls import normal_url
from argosy.argocd.versions import numbers
from argosy.argocd.view import ArgoApplication, View, key
from argosy.documents import Pointer, is_manifest
from argosy.documents.fields import JSON, field, group_and_kind, mapping, sequence, text
from argosy.findings import Problem, Severity
from argosy.names import joined
from argosy.paths import astray
from argosy.rules.examples import APPLICATION, CHART, CONFIG_MAP, DEPLOYED, DESTINATION, REPOSITORY, SOURCE, VALUES
from argosy.rules.registry import Scope, rule

REFERENCE = re.compile(r"[a-zA-Z0-9_-]+")
RELEASE_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
LONGEST_RELEASE_NAME = 53

_HELM = (
    APPLICATION
    + DESTINATION
    + f"  source:\n    repoURL: {REPOSITORY}\n    targetRevision: main\n    path: charts/my-app\n"
)
_CHART_SOURCE = "    - {repoURL: https://charts.example.com, chart: nginx, targetRevision: 1.2.3}\n"


@rule(
    "ref-of-single-source",
    Severity.WARNING,
    Scope.APPLICATION,
    "A value file begins with a `$` that refers to nothing.",
    explanation="Only an entry of `sources` can refer to another one's `ref`. In a single `source`, and where no entry "
    "has that `ref`, Argo CD takes `$name` for an environment variable of the build, which is empty unless it is one "
    "of `ARGOCD_…`: `$values/dev.yaml` is `/dev.yaml` of the source's own repository. What another repository should "
    "give is then read from this one, or is not found.",
    bad=CHART + VALUES + _HELM + "    helm: {valueFiles: [$values/environments/dev/my-app/values.yaml]}\n",
    good=CHART + VALUES + _HELM + "    helm: {valueFiles: [/environments/dev/my-app/values.yaml]}\n",
)
def ref_of_single_source(application: ArgoApplication, view: View) -> Iterator[Problem]:
    """Find value files that are read, but not from where their `$` seems to say."""
    references = {text(source.get("ref")) for _, source in application.sources} - {""}
    for source in resolve(application, view):
        missing = {miss.at for miss in source.misses}
        for index, name in enumerate(sequence(field(source.spec, "helm", "valueFiles"))):
            reference, _, rest = text(name).removeprefix("$").partition("/")
            is_variable = reference.strip("{}").startswith("ARGOCD_")
            if not text(name).startswith("$") or not rest or is_variable:
                continue
            at = (*source.at, "helm", "valueFiles", index)
            if (reference not in references or "sources" not in source.at) and at not in missing:
                yield Problem(
                    f"No source has the ref “{reference}”: Argo CD reads /{rest} of {source.spec.get('repoURL')}.",
                    application.at(*at),
                    f"Write /{rest} if that is meant, or add a source with ref: {reference} to sources.",
                )


def _git_sources(application: ArgoApplication) -> Iterator[tuple[Pointer, Mapping[str, JSON]]]:
    for at, source in application.sources:
        if not source.get("chart") and text(source.get("repoURL")):
            yield at, source


@rule(
    "source-missing",
    Severity.ERROR,
    Scope.APPLICATION,
    "An Application has no source, or an incomplete one.",
    explanation="A source needs a repository and a `path` (in a Git repository) or a `chart` (in a Helm repository). "
    "One of several `sources` may have a `ref` instead. Argo CD rejects anything else with an InvalidSpecError.",
    bad=APPLICATION + DESTINATION + f"  source: {{repoURL: {REPOSITORY}, targetRevision: main}}\n",
    good=DEPLOYED,
)
def source_missing(application: ArgoApplication, _repository: View) -> Iterator[Problem]:
    """Find Applications and sources with nothing to deploy."""
    # Without a spec the schema says more: what is missing, and where it was put instead.
    has_spec = any(value is not None for value in application.spec.values())
    if has_spec and not application.sources and "sourceHydrator" not in application.spec:
        yield Problem(
            "The Application has no source.",
            application.at("spec"),
            "Add spec.source with repoURL, targetRevision and path (or chart).",
        )
    enough = ("path", "chart", "ref") if sequence(application.spec.get("sources")) else ("path", "chart")
    for at, source in application.sources:
        if source.get("repoURL") == "":
            yield Problem("The source's repoURL is empty.", application.at(*at, "repoURL"), "Set it.")
        if not any(source.get(each) for each in enough):
            lone = bool(source.get("ref"))
            yield Problem(
                "The only source has a ref, so no other source can use it."
                if lone
                else "The source has a repository, but no path or chart.",
                application.at(*at),
                "Add it to spec.sources beside the source that uses the ref."
                if lone
                else f"Add {' or '.join(enough)}. The root of a Git repository is `path: .`.",
            )


_MALFORMED = (
    (
        re.compile(r"[\w.-]+@[\w.-]+/[^:]+"),
        "has no “:” after the host, so Git takes it for a path",
        r"([\w.-]+@[\w.-]+)/",
        r"\1:",
    ),
    (
        re.compile(r"ssh://[^/:\[]+:(?!\d+(/|$)).*"),
        "has a “:” where a port is expected",
        r"(ssh://[^/:\[]+):/?",
        r"\1/",
    ),
    (re.compile(r"(?!oci:)[\w.-]+\.[a-z]{2,}/[\w./-]+"), "has no scheme, so Git takes it for a path", "^", "https://"),
)
"""Forms of URLs that no Git can read: what is wrong, and how to write it instead."""


@rule(
    "repository-url-invalid",
    Severity.ERROR,
    Scope.APPLICATION,
    "The URL of a Git repository is malformed.",
    explanation="Git knows `https://host/team/repository.git`, `ssh://git@host/team/repository.git` and "
    "`git@host:team/repository.git`. It takes anything else for a folder, and the Application shows a ComparisonError.",
    bad=CONFIG_MAP + APPLICATION + SOURCE.replace("https://git.example.com", "git@git.example.com") + DESTINATION,
    good=CONFIG_MAP + APPLICATION + SOURCE.replace("https://git.example.com/", "git@git.example.com:") + DESTINATION,
)
def repository_url_invalid(application: ArgoApplication, _repository: View) -> Iterator[Problem]:
    """Find URLs that Git takes for something else."""
    for at, source in _git_sources(application):
        url = text(source["repoURL"]).strip()
        for form, why, old, new in _MALFORMED:
            if form.fullmatch(url):
                hint = f"Write {re.sub(old, new, url, count=1)}."
                yield Problem(f"“{url}” {why}.", application.at(*at, "repoURL"), hint, cause=url)


@rule(
    "chart-without-revision",
    Severity.ERROR,
    Scope.APPLICATION,
    "A chart of a Helm repository has no targetRevision.",
    explanation="For a Git source, `targetRevision` defaults to HEAD. For a chart there is no default: Argo CD "
    "rejects the Application with an InvalidSpecError.",
    bad=APPLICATION + DESTINATION + "  source: {repoURL: https://charts.example.com, chart: nginx}\n",
    good=APPLICATION
    + DESTINATION
    + "  source: {repoURL: https://charts.example.com, chart: nginx, targetRevision: 1.2.3}\n",
)
def chart_without_revision(application: ArgoApplication, _repository: View) -> Iterator[Problem]:
    """Find charts without a version."""
    for at, source in application.sources:
        if source.get("chart") and not source.get("targetRevision"):
            yield Problem(
                f"The chart “{source['chart']}” has no targetRevision.",
                application.at(*at, "chart"),
                "Set targetRevision to a version of the chart, such as 1.2.3.",
            )


@rule(
    "chart-version-range",
    Severity.WARNING,
    Scope.APPLICATION,
    "A chart's targetRevision is a range of versions.",
    explanation="Argo CD takes the newest version that fits, so a release of the vendor's reaches the cluster without "
    "a commit here: nobody reviews it, it is in no history, and reverting a commit does not take it back. Renovate "
    "proposes new versions as pull requests.",
    bad=APPLICATION
    + DESTINATION
    + "  source: {repoURL: https://charts.example.com, chart: nginx, targetRevision: 1.*}\n",
    good=APPLICATION
    + DESTINATION
    + "  source: {repoURL: https://charts.example.com, chart: nginx, targetRevision: 1.2.3}\n",
)
def chart_version_range(application: ArgoApplication, _repository: View) -> Iterator[Problem]:
    """Find charts whose version changes by itself."""
    for at, source in application.sources:
        revision = text(source.get("targetRevision"))
        if source.get("chart") and _RANGE.search(revision):
            yield Problem(
                f"The chart “{source['chart']}” is deployed in any version that fits {revision}.",
                application.at(*at, "targetRevision"),
                "Set targetRevision to one version of the chart, such as 1.2.3.",
            )


_RANGE = re.compile(r"[*^~<>=|, ]|^v?\d+(?:\.(?:\d+|[xX]))?$|\.[xX]$|^[xX]$")


@rule(
    "source-ignored",
    Severity.WARNING,
    Scope.APPLICATION,
    "An Application has a source that another one of its fields hides.",
    explanation="If `sources` is not empty, Argo CD silently ignores `source`, and with a `sourceHydrator` both. "
    "Changes to what is ignored have no effect.",
    bad=DEPLOYED + "  sources:\n" + _CHART_SOURCE,
    good=CONFIG_MAP + APPLICATION + DESTINATION + "  sources:\n" + _CHART_SOURCE,
)
def source_ignored(application: ArgoApplication, _repository: View) -> Iterator[Problem]:
    """Find a source that `sources` or a hydrator hides."""
    hydrator, several = mapping(application.spec.get("sourceHydrator")), sequence(application.spec.get("sources"))
    for name in ("source", "sources"):
        winner = "sourceHydrator" if hydrator else "sources" if several and name == "source" else ""
        if winner and application.spec.get(name):
            yield Problem(
                f"Argo CD ignores spec.{name}, because spec.{winner} is set.",
                application.at("spec", name),
                f"Remove spec.{name}, or move it into spec.{winner}{'.drySource' if hydrator else ''}.",
            )


def _hydrating(branch: str = "environments/dev", path: str = "my-app") -> str:
    return (
        CONFIG_MAP
        + APPLICATION
        + DESTINATION
        + f"""\
  sourceHydrator:
    drySource: {{repoURL: {REPOSITORY}, path: apps/my-app, targetRevision: main}}
    syncSource: {{targetBranch: {branch}, path: {path}}}
"""
    )


@rule(
    "hydrator-destination",
    Severity.ERROR,
    Scope.APPLICATION,
    "A source hydrator writes to a place that it cannot, or where others write.",
    explanation="Argo CD renders `drySource`, and commits the manifests to `syncSource.path` on "
    "`hydrateTo.targetBranch`, else on `syncSource.targetBranch`. It refuses the repository's root. Two Applications "
    "with one folder on one branch overwrite each other: Argo CD hydrates neither, nor any other Application from the "
    "same branch to the same branch. A warning: the branch is the one that the dry source is read from, so that each "
    "hydration is a new commit to hydrate, or `hydrateTo` is the branch of `syncSource`, so that nothing waits for a "
    "merge.",
    bad=_hydrating(path="./"),
    good=_hydrating(),
)
def hydrator_destination(application: ArgoApplication, view: View) -> Iterator[Problem]:
    """Find places that cannot be hydrated to."""
    made = destination(application)
    if made is None:
        return
    hydrator, at = mapping(application.spec["sourceHydrator"]), ("spec", "sourceHydrator")
    dry, target = mapping(hydrator.get("drySource")), mapping(hydrator.get("hydrateTo"))
    path = text(field(hydrator, "syncSource", "path"))
    there = application.at(*at, "syncSource", "path")
    if made.folder.startswith("../") or made.folder == "..":
        yield Problem(f"{path} is outside the repository.", there, "Name a folder in it.")
    elif made.folder in {".", "/"} and path not in {".", "/"}:  # Which the schema refuses.
        yield Problem(f"{path} is the root of the repository.", there, "Name a folder in it.")
    others = [each for each in _hydrated(view).get(made, ()) if each is not application]
    others = [each for each in others if view.places_of(each) & view.places_of(application)]
    if others:
        names = joined(sorted({each.name for each in others}))
        message = f"{names} hydrate{'s' if len(others) == 1 else ''} to {path} on {made.branch} too."
        yield Problem(message, there, "Give each Application a folder of its own.")
    branch = application.at(*at, *(("hydrateTo",) if target else ("syncSource",)), "targetBranch")
    if made.branch == text(dry.get("targetRevision")) and made.url == normal_url(text(dry.get("repoURL"))):
        yield Problem(
            f"The manifests are committed to {made.branch}, the branch that they are made from.",
            branch,
            "Name another branch: each commit there is one to hydrate.",
            severity=Severity.WARNING,
        )
    if target and made.branch == text(field(hydrator, "syncSource", "targetBranch")):
        yield Problem(
            f"hydrateTo is {made.branch}, the branch of syncSource: nothing waits for a merge.",
            branch,
            "Remove hydrateTo, or name another branch.",
            severity=Severity.WARNING,
        )


@lru_cache(maxsize=1)
def _hydrated(view: View) -> Mapping[Destination, Sequence[ArgoApplication]]:
    """Return the Applications that are hydrated, by where to."""
    found: dict[Destination, list[ArgoApplication]] = {}
    for each in view.applications:
        if (made := destination(each)) is not None:
            found.setdefault(made, []).append(each)
    return found


@rule(
    "ref-invalid",
    Severity.ERROR,
    Scope.APPLICATION,
    "A source has an invalid ref or name.",
    explanation="A `ref` lets another source read value files as `$ref/path`. It consists of letters, digits, `-` "
    "and `_` and must be unique. A source with a `chart` cannot have one, because it is not a Git repository. The "
    "`name` of a source must be unique too. Argo CD rejects the Application otherwise.",
    bad=CONFIG_MAP
    + APPLICATION
    + DESTINATION
    + "  sources:\n"
    + _CHART_SOURCE
    + f"    - {{repoURL: {REPOSITORY}, targetRevision: main, ref: my.values}}\n",
    good=CONFIG_MAP
    + APPLICATION
    + DESTINATION
    + "  sources:\n"
    + _CHART_SOURCE
    + f"    - {{repoURL: {REPOSITORY}, targetRevision: main, ref: values}}\n",
)
def ref_invalid(application: ArgoApplication, _repository: View) -> Iterator[Problem]:
    """Find refs of the wrong form, refs of charts, and refs and names that stand twice."""
    seen: Counter[tuple[str, str]] = Counter()
    for at, source in application.sources:
        reference = text(source.get("ref"))
        if reference and not REFERENCE.fullmatch(reference):
            yield Problem(
                f"The ref “{reference}” is invalid.",
                application.at(*at, "ref"),
                "Use only letters, digits, - and _. The $ belongs where the ref is used.",
            )
        if reference and source.get("chart"):
            yield Problem(
                f"The source has the ref “{reference}” and a chart: only a Git source can have a ref.",
                application.at(*at, "ref"),
                "Remove the ref, or move it to the Git source with the files.",
            )
        for name in ("ref", "name"):
            value = text(source.get(name))
            seen[name, value] += bool(value)
            if seen[name, value] > 1:
                yield Problem(
                    f"Two sources have the {name} “{value}”.",
                    application.at(*at, name),
                    f"Use a different {name} for each.",
                )


@rule(
    "source-kinds-mixed",
    Severity.ERROR,
    Scope.APPLICATION,
    "A source has settings for more than one tool.",
    explanation="`helm`, `kustomize`, `directory` and `plugin` select the tool that generates the manifests. Argo CD "
    "rejects a source with more than one with “multiple application sources defined”.",
    bad=CHART + _HELM + "    helm: {releaseName: web}\n    kustomize: {namePrefix: dev-}\n",
    good=CHART + _HELM + "    helm: {releaseName: web}\n",
)
def source_kinds_mixed(application: ArgoApplication, _repository: View) -> Iterator[Problem]:
    """Find sources with settings of several tools."""
    for at, source in application.sources:
        # Argo CD drops settings that set nothing before it counts.
        tools = [
            tool
            for tool in ("helm", "kustomize", "directory", "plugin")
            if any(mapping(source.get(tool)).values()) or (tool == "plugin" and isinstance(source.get(tool), dict))
        ]
        if len(tools) > 1:
            yield Problem(
                f"The source has settings for {' and '.join(tools)}: a source can use only one tool.",
                application.at(*at, tools[1]),
                f"Keep one of {', '.join(tools)}, or split the source.",
            )


@rule(
    "release-name-invalid",
    Severity.ERROR,
    Scope.APPLICATION,
    "A Helm release's name is too long or invalid.",
    explanation="The release is named by `helm.releaseName`, or else by the Application. Helm accepts at most 53 "
    "lower-case characters; rendering a longer one fails. Charts append to the name, so keep it short.",
    bad=CHART + _HELM + "    helm: {releaseName: My_App}\n",
    good=CHART + _HELM + "    helm: {releaseName: my-app}\n",
)
def release_name_invalid(application: ArgoApplication, repository: View) -> Iterator[Problem]:
    """Find Helm releases whose name Helm would refuse."""
    for source in resolve(application, repository):
        if source.kind is not Kind.HELM and not source.spec.get("chart"):
            continue
        own = text(field(source.spec, "helm", "releaseName"))
        name = own or application.name
        at = application.at(*source.at, "helm", "releaseName") if own else application.at("metadata", "name")
        if len(name) > LONGEST_RELEASE_NAME:
            yield Problem(
                f"The Helm release “{name}” has {len(name)} characters; the maximum is {LONGEST_RELEASE_NAME}.",
                at,
                "Shorten it." if own else "Set a shorter helm.releaseName, or rename the Application.",
            )
        elif own and not RELEASE_NAME.fullmatch(own):
            yield Problem(
                f"“{own}” is not a valid name of a Helm release.",
                at,
                "Use lower-case letters, digits, - and ., and begin and end with a letter or digit.",
            )


_KUSTOMIZED = (
    DEPLOYED.replace("path: apps/my-app}", "path: apps/my-app, kustomize: {kubeVersion: %s}}")
    + "# file: apps/my-app/kustomization.yaml\nresources: [config-map.yaml]\n"
)


@rule(
    "tool-version-invalid",
    Severity.ERROR,
    Scope.APPLICATION,
    "A source asks for a version of Helm, Kustomize or Kubernetes that Argo CD cannot give.",
    explanation="`helm.version` is `v3`, or `v4` from Argo CD 3.5 on, and says nothing more. `kustomize.version` is "
    "one that argocd-cm registers (`kustomize.path.<version>`); judged where the repository has argocd-cm. "
    "`kubeVersion` is two or more numbers, such as 1.31. With anything else, the Application shows a ComparisonError.",
    bad=_KUSTOMIZED % "v1",
    good=_KUSTOMIZED % "v1.31",
)
def tool_version_invalid(application: ArgoApplication, view: View) -> Iterator[Problem]:
    """Find versions of tools that Argo CD does not have or cannot read."""
    for at, source in application.sources:
        for tool in ("helm", "kustomize"):
            wanted = text(field(source, tool, "kubeVersion"))
            if wanted and not _KUBERNETES.match(wanted):
                hint = "Write numbers with dots between, such as 1.31 or v1.31.2."
                place = application.at(*at, tool, "kubeVersion")
                yield Problem(f"“{wanted}” is not a version of Kubernetes.", place, hint)
        helm, kustomize = text(field(source, "helm", "version")), text(field(source, "kustomize", "version"))
        of_helm = ("v3", "v4") if (numbers(view.argocd) or (9,)) >= (3, 5) else ("v3",)
        if helm and helm not in of_helm:
            place = application.at(*at, "helm", "version")
            hint = f"Remove it: {' and '.join(of_helm)} mean Argo CD's own."
            yield Problem(f"Argo CD has no Helm “{helm}”.", place, hint)
        keys = (f"kustomize.path.{kustomize}", f"kustomize.version.{kustomize}")
        if kustomize and view.settings.data and not any(view.settings.values(each) for each in keys):
            hint = f"Remove it for Argo CD's own Kustomize, or mount that one and set {keys[0]} in argocd-cm."
            place = application.at(*at, "kustomize", "version")
            yield Problem(f"argocd-cm registers no Kustomize “{kustomize}”.", place, hint, cause=kustomize)


_KUBERNETES = re.compile(r"\s*v?(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+(?![0-9])")
"""What apimachinery's ParseGeneric reads; what follows counts for nothing."""


def _shared_with_reference(
    application: ArgoApplication,
) -> Iterator[tuple[Pointer, Mapping[str, JSON], Mapping[str, JSON]]]:
    """Yield each two sources of one Git repository of which one reads files of the other, or another one of both."""
    read = [_read_references(source) for _, source in application.sources]
    for (_, first), (at, second) in combinations(_git_sources(application), 2):
        if normal_url(text(first.get("repoURL"))) == normal_url(text(second.get("repoURL"))):
            one, other = text(first.get("ref")), text(second.get("ref"))
            is_read = one in _read_references(second) or other in _read_references(first)
            if is_read or any({one, other} <= each for each in read):
                yield at, first, second


def _read_references(source: Mapping[str, JSON]) -> frozenset[str]:
    """Return the refs of which a source reads files."""
    helm = mapping(source.get("helm"))
    files = [*sequence(helm.get("valueFiles")), *(field(each, "path") for each in sequence(helm.get("fileParameters")))]
    return frozenset(each[1:].partition("/")[0] for each in map(text, files) if each.startswith("$"))


def _revision(source: Mapping[str, JSON]) -> str:
    return str(source.get("targetRevision") or "HEAD")


@rule(
    "same-repository-twice",
    Severity.WARNING,
    Scope.APPLICATION,
    "Two sources of an Application are the same repository, to read its value files.",
    explanation="Argo CD resolves the revision of each source separately. If a commit is pushed in between, the two "
    "differ; Argo CD rejects this, and may then sync a much older revision (argo-cd issue 29716). One source is "
    "enough: a value file with a leading `/` is read from the repository's root.",
    bad=CHART
    + VALUES
    + APPLICATION
    + DESTINATION
    + f"""  sources:
    - repoURL: {REPOSITORY}
      targetRevision: main
      path: charts/my-app
      helm: {{valueFiles: [$values/environments/dev/my-app/values.yaml]}}
    - {{repoURL: {REPOSITORY}, targetRevision: main, ref: values}}
""",
    good=CHART + VALUES + _HELM + "    helm: {valueFiles: [/environments/dev/my-app/values.yaml]}\n",
)
def same_repository_twice(application: ArgoApplication, _repository: View) -> Iterator[Problem]:
    """Find a source that refers to its own repository through another source."""
    for at, first, second in _shared_with_reference(application):
        if _revision(first) == _revision(second):
            name = first.get("ref") or second.get("ref")
            yield Problem(
                f"Two sources are the repository {second['repoURL']}: a commit between their reads can sync an old "
                "revision.",
                application.at(*at, "repoURL"),
                f"Use one source, and value files with a leading / instead of ${name}/.",
            )


@rule(
    "same-repository-two-revisions",
    Severity.ERROR,
    Scope.APPLICATION,
    "An Application refers to files of its own repository at another revision.",
    explanation="The repo server checks out a repository at one revision at a time. A source that reads `$ref` files "
    "from the same repository at another revision fails with “cannot reference a different revision of the same "
    "repository” (argo-cd issues 12159 and 25605).",
    bad=CHART
    + VALUES
    + APPLICATION
    + DESTINATION
    + f"""  sources:
    - repoURL: {REPOSITORY}
      targetRevision: v1.0.0
      path: charts/my-app
      helm: {{valueFiles: [$values/environments/dev/my-app/values.yaml]}}
    - {{repoURL: {REPOSITORY}, targetRevision: main, ref: values}}
""",
    good=CHART + VALUES + _HELM + "    helm: {valueFiles: [/environments/dev/my-app/values.yaml]}\n",
)
def same_repository_two_revisions(application: ArgoApplication, _repository: View) -> Iterator[Problem]:
    """Find references to another revision of one repository."""
    for at, first, second in _shared_with_reference(application):
        if _revision(first) != _revision(second):
            yield Problem(
                f"Two sources are one repository at the revisions “{_revision(first)}” and “{_revision(second)}”: "
                "Argo CD does not support that.",
                application.at(*at, "targetRevision" if "targetRevision" in second else "repoURL"),
                "Use one source, or publish the chart to a Helm or OCI repository and pin its version there.",
            )


@rule(
    "missing-value-files-ignored",
    Severity.WARNING,
    Scope.APPLICATION,
    "Missing value files are ignored.",
    explanation="With `ignoreMissingValueFiles: true`, a misspelt path or a moved file is not an error: the release "
    "is deployed with the chart's defaults (argo-cd issues 7767 and 16423). Production then runs with demo settings.",
    bad=CHART + _HELM + "    helm: {valueFiles: [/environments/dev/values.yaml], ignoreMissingValueFiles: true}\n",
    good=CHART + VALUES + _HELM + "    helm: {valueFiles: [/environments/dev/my-app/values.yaml]}\n",
)
def missing_value_files_ignored(application: ArgoApplication, _repository: View) -> Iterator[Problem]:
    """Find sources that do without their value files."""
    for at, source in application.sources:
        if field(source, "helm", "ignoreMissingValueFiles") is True:
            yield Problem(
                "ignoreMissingValueFiles hides a wrong path and deploys the chart's defaults.",
                application.at(*at, "helm", "ignoreMissingValueFiles"),
                "Remove it, and list only value files that exist; an empty file is fine.",
            )


@rule(
    "directory-swallows",
    Severity.ERROR,
    Scope.APPLICATION,
    "A recursive directory source includes a chart, an overlay or a values file.",
    explanation="With `directory.recurse: true`, Argo CD applies every YAML and JSON file below the path, including "
    "those of charts and overlays. Helm templates are not YAML and a kustomization is not a cluster resource, so the "
    "sync fails (argo-cd issues 10648 and 21228). `include` and `exclude` are globs relative to the source's path; "
    "`*` also matches `/`, and `{a,b}` are alternatives.",
    bad=CHART + DEPLOYED.replace("path: apps/my-app}", "path: ., directory: {recurse: true}}"),
    good=CHART
    + DEPLOYED.replace("path: apps/my-app}", "path: ., directory: {recurse: true, exclude: '{charts/*,argocd/*}'}}"),
)
def directory_swallows(application: ArgoApplication, repository: View) -> Iterator[Problem]:
    """Find files below a recursive directory source that are no manifests."""
    for source in resolve(application, repository):
        directory = mapping(source.spec.get("directory"))
        if source.folder is None or source.kind is not Kind.DIRECTORY or directory.get("recurse") is not True:
            continue
        swallowed = sorted(
            _swallowed(source.folder, repository.root, text(directory.get("include")), text(directory.get("exclude")))
        )
        if swallowed:
            yield Problem(
                f"The directory source “{source.spec['path']}” includes “{swallowed[0]}”"
                + (f" and {len(swallowed) - 1} more" if swallowed[1:] else "")
                + ", which Argo CD would apply as manifests.",
                application.at(*source.at, "directory", "recurse"),
                f"Exclude them with `exclude: '{_exclusion(swallowed)}'`, or move them elsewhere.",
            )


@rule(
    "directory-glob-lines",
    Severity.ERROR,
    Scope.APPLICATION,
    "A directory source's `include` or `exclude` has several lines.",
    explanation="Each of them is one glob. Lines are no list of globs: a line break is a part of the glob, and no path "
    "has one, so `exclude` leaves nothing out and `include` takes nothing in. Several globs are written as `{a,b}`. "
    "What `|` begins ends with a line break, too.",
    bad=DEPLOYED.replace("path: apps/my-app}", 'path: apps/my-app, directory: {exclude: "drafts/*\\n*.json\\n"}}'),
    good=DEPLOYED.replace("path: apps/my-app}", "path: apps/my-app, directory: {exclude: '{drafts/*,*.json}'}}"),
)
def directory_glob_lines(application: ArgoApplication, _repository: View) -> Iterator[Problem]:
    """Find globs of directory sources that no path can match, since they have line breaks."""
    for at, source in application.sources:
        for name in ("include", "exclude"):
            glob = text(field(source, "directory", name))
            if "\n" in glob:
                lines = [line.strip() for line in glob.split("\n") if line.strip()]
                one = lines[0] if len(lines) == 1 else f"{{{','.join(lines)}}}"
                effect = "leaves nothing out" if name == "exclude" else "takes nothing in"
                yield Problem(
                    f"The {name} has a line break, which no path has, so it {effect}.",
                    application.at(*at, "directory", name),
                    f"Write it as one glob: {name}: '{one}'." if lines else f"Remove {name}.",
                    cause=glob,
                )


NO_MANIFESTS = frozenset({"Chart.yaml", "values.yaml", *KUSTOMIZATIONS} - {"Kustomization"})
"""Files that no one writes to be applied. One named `Kustomization` has no ending that Argo CD would read."""


def _swallowed(folder: Path, root: Path, include: str, exclude: str) -> Iterator[str]:
    for path in _files_named(NO_MANIFESTS, folder):
        relative = path.relative_to(folder).as_posix()
        if (exclude and glob_matches(exclude, relative)) or (include and not glob_matches(include, relative)):
            continue
        if path.is_file() and not astray(path, root) and b"+argocd:skip-file-rendering" not in path.read_bytes():
            yield relative


def _files_named(names: frozenset[str], folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [each for each in folders if each != ".git"]
        yield from (Path(parent, name) for name in names.intersection(files))


def _exclusion(swallowed: Iterable[str]) -> str:
    folders = sorted({PurePosixPath(path).parent.as_posix() for path in swallowed})
    topmost = [each for each in folders if not any(each.startswith(f"{other}/") for other in folders if other != each)]
    globs = [_ANY_OF_THEM if each == "." else f"{each}/*" for each in topmost]
    return globs[0] if len(globs) == 1 else f"{{{','.join(globs)}}}"


_ANY_OF_THEM = "{" + ",".join(sorted(NO_MANIFESTS)) + "}"


_MOVED = APPLICATION + DESTINATION + SOURCE + CONFIG_MAP + "# file: apps/other/config-map.yaml\n"


@rule(
    "renders-nothing-of-before",
    Severity.WARNING,
    Scope.APPLICATION,
    "An Application renders nothing of what it rendered before.",
    explanation="Its source was changed, and no resource has the same kind and name as before. Argo CD prunes all that "
    "runs, with its volumes, and starts what is new beside it. The commit before is compared, or what is committed if "
    "Applications have changes that are not.",
    bad="# edited: argocd/my-app.yaml apps/other apps/my-app\n"
    + _MOVED
    + "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n",
    good="# edited: argocd/my-app.yaml apps/other apps/my-app\n"
    + _MOVED
    + "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: my-app}\n",
)
def renders_nothing_of_before(application: ArgoApplication, view: View) -> Iterator[Problem]:
    """Find Applications that render other resources, and none of those that they rendered before."""
    before = view.former().get(application.name, ())
    this = key(application)
    found = [each for each in view.rendered.get(this, ()) if is_manifest(each.data)]
    now = {(*group_and_kind(each.data), text(field(each.data, "metadata", "name"))) for each in found}
    if before and now and this not in view.partial and now.isdisjoint(before):
        gone = joined(sorted(f"{kind} {name}" for _, kind, name in before), 3)
        yield Problem(
            f"{application.name} no longer renders {gone}, nor anything else that it rendered before.",
            application.at(*application.sources[0][0]),
            "Argo CD prunes all of it. If that is meant, ignore this; if not, correct the source, or keep the names.",
        )
