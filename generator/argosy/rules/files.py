"""Rules of files: readable, valid, and of the schema of the tool that reads them. The pipeline makes the findings."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from argosy.documents import ESCAPES, Defect, DefectKind, Document, ParsedFile
from argosy.documents.fields import JSON, sequence
from argosy.findings import Problem, Severity
from argosy.paths import astray
from argosy.rules.examples import DEPLOYED, GREETING
from argosy.rules.registry import POLICY, Rule, declare

UNREADABLE = declare(
    "file-unreadable",
    Severity.ERROR,
    "A file cannot be read.",
    explanation="The file lacks read permission, is a broken or circular symbolic link, or is too large for a "
    "manifest. It cannot be checked, and Argo CD could not read it either.",
    bad="# link: apps/shop.yaml -> nowhere.yaml\n",
    good="# file: apps/shop.yaml\n" + GREETING.format(greeting="hello"),
)
ENCODING = declare(
    "file-encoding",
    Severity.ERROR,
    "A YAML or JSON file is not valid UTF-8.",
    explanation="YAML and JSON files must be UTF-8. Tools on Windows often write UTF-16 or a legacy encoding, which "
    "other tools misread or reject.",
    bad="# file: apps/shop.yaml\n" + GREETING.format(greeting='"\0"'),
    good="# file: apps/shop.yaml\n" + GREETING.format(greeting="grüezi"),
)
SYMLINK_ESCAPES = declare(
    "symlink-escapes",
    Severity.ERROR,
    "A symbolic link is absolute, or points outside the repository.",
    explanation="If any symbolic link in the repository is absolute or points outside it, Argo CD refuses to render "
    "the whole repository, and every Application fails. Links that Git ignores are not in Argo CD's clone. argosy "
    "does not follow such links or links into `.git`, and does not render what needs them.",
    bad="# link: docs/outside -> /etc\n",
    good="# link: docs/inside -> ../apps\n# file: apps/shop.yaml\n" + GREETING.format(greeting="hello"),
)
INNER_REPOSITORY = declare(
    "inner-repository",
    Severity.ERROR,
    "A folder is a repository of its own.",
    explanation="Argo CD reads paths from the root of the repository that it clones. A folder with the answers of "
    "`argosy init`, or a clone below a folder that is not under Git, is checked from its own root: from another one, "
    "its paths would lead nowhere. Nothing in it is checked here.",
    bad="# file: gitops/.copier-answers.yml\nrepository_name: gitops\n"
    "repo_url: https://git.example.com/team/gitops.git\n",
    good="# file: apps/shop.yaml\n" + GREETING.format(greeting="hello"),
)


def inner_repository(folder: str, root: Path) -> Problem:
    """Return what is wrong with a folder that is a repository of its own."""
    message = f"{folder} is a repository of its own, whose paths are relative to it: nothing in it was checked."
    hint = f"Validate it by itself: argosy validate {shlex.quote(str(root / folder))}."
    if (root / ".git").exists() and not (root / folder / ".git").exists():
        hint = "Argo CD would read its paths from the root of this one: make it a Git repository of its own."
    return Problem(message, hint=hint)


YAML_SYNTAX = declare(
    "yaml-syntax",
    Severity.ERROR,
    "A file is not valid YAML.",
    explanation="A document that cannot be parsed is not deployed. Argo CD reports an error, or ignores the file if "
    "it does not look like a manifest.",
    bad=GREETING.format(greeting='"hello'),
    good=GREETING.format(greeting='"hello"'),
)
TEMPLATE_APPLIED = declare(
    "template-applied",
    Severity.ERROR,
    "A template is in a folder that Argo CD applies as it is.",
    explanation="A directory source takes every YAML and JSON file for manifests, and renders nothing. A file that "
    "looks like a manifest (`apiVersion:`, `kind:`, `metadata:`), but is no YAML because of its `{{ }}`, makes the "
    "whole Application fail with a ComparisonError.",
    bad=DEPLOYED + "# file: apps/my-app/second.yaml\n" + GREETING.format(greeting="{{ .Values.greeting }}"),
    good=DEPLOYED + "# file: apps/my-app/second.yaml\n" + GREETING.format(greeting='"{{ .Values.greeting }}"'),
)
TEMPLATE_HINT = "Leave it out by directory.exclude, or move it: into a chart's templates, if Helm is to render it."
DIRECTORY_DOCUMENT = declare(
    "directory-document",
    Severity.ERROR,
    "A directory source takes a file that holds something else than manifests.",
    explanation="Argo CD takes each document of a YAML file, and each JSON file, for a manifest: an object with a "
    "`kind`. Any other JSON file, and any other document in a YAML file that has a manifest before it or looks like "
    "one (`apiVersion:`, `kind:`, `metadata:`), makes the whole Application fail with a ComparisonError: of the root "
    "Application, nothing is synced any more. What has a kind and no `apiVersion` fails when it is synced. Other YAML "
    "files are ignored.",
    bad=DEPLOYED + '# file: apps/my-app/features.json\n["search", "cart"]\n',
    good=DEPLOYED.replace("path: apps/my-app}", "path: apps/my-app, directory: {exclude: features.json}}")
    + '# file: apps/my-app/features.json\n["search", "cart"]\n',
)


def not_manifests(file: ParsedFile) -> Iterator[tuple[Document, Problem]]:
    """Yield what of a directory source's file makes Argo CD fail.

    Source: getObjsFromYAMLOrJSON and EachListItem, in Argo CD's reposerver/repository and in apimachinery.
    """
    is_json = file.path.endswith(".json")
    if "+argocd:skip-file-rendering" in file.text or not (is_json or file.path.endswith((".yaml", ".yml"))):
        return
    if is_json and file.text.strip() == "null":
        hint = "Make it a manifest, move the file to another folder, or leave it out by directory.exclude."
        yield Document(file.path, 0, None), Problem("Argo CD takes this for a manifest, and it is null.", hint=hint)
    looks_so = is_json or all(each in file.text for each in ("apiVersion:", "kind:", "metadata:"))
    for document in file.documents:
        if why := _no_manifest(document.data):
            if looks_so:
                hint = "Make it a manifest, move the file to another folder, or leave it out by directory.exclude."
                yield document, Problem(f"Argo CD takes this for a manifest, and it {why}.", hint=hint)
            return  # What looks like no manifest, Argo CD ignores from here on.
        looks_so = True
        if not document.data.get("apiVersion"):
            yield document, Problem("Argo CD takes this for a manifest, and it has no apiVersion.", ("kind",))
        for index, item in enumerate(sequence(document.data.get("items"))):
            if why := _no_manifest(item):
                message = f"Argo CD takes each of the items for a manifest, and this one {why}."
                yield document, Problem(message, ("items", index), "Remove it, or make it a manifest.")


def _no_manifest(data: JSON) -> str:
    """Return why a document is no manifest; "" for one that is."""
    if not isinstance(data, dict):
        return f"is {_TYPES.get(type(data), 'a number')}"
    return "" if isinstance(data.get("kind"), str) and data["kind"] else "has no kind"


_TYPES = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
JSON_SYNTAX = declare(
    "json-syntax",
    Severity.ERROR,
    "A file is not valid JSON.",
    explanation="JSON has no comments, no trailing commas and no single quotes.",
    bad='# file: manifest.json\n{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shop"},}\n',
    good='# file: manifest.json\n{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shop"}}\n',
)
DUPLICATE_KEY = declare(
    "duplicate-key",
    Severity.ERROR,
    "A mapping contains the same key twice.",
    explanation="Most YAML parsers silently use the last value, so one of the two has no effect. Kustomize and "
    "strict parsers reject the file. With the same value both times it is a warning.",
    bad=GREETING.format(greeting="hello") + "  greeting: good morning\n",
    good=GREETING.format(greeting="hello") + "  farewell: goodbye\n",
)
YAML_LIMIT = declare(
    "yaml-limit",
    Severity.ERROR,
    "A file's aliases or nesting exceed the limits.",
    explanation="Nested aliases multiply: a few lines expand to gigabytes. Aliases that contain themselves and very "
    "deep nesting have the same effect. Kubernetes rejects such documents.",
    bad="a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    + "".join(
        f"{letter}: &{letter} [{', '.join(['*' + before] * 10)}]\n"
        for before, letter in zip("abcdefg", "bcdefgh", strict=True)
    ),
    good="# file: values.yaml\nbase: &base\n  team: shop\nother:\n  <<: *base\n",
)

DEFECTS: dict[DefectKind, Rule] = {
    DefectKind.UNREADABLE: UNREADABLE,
    DefectKind.SYMLINK: UNREADABLE,
    DefectKind.TOO_LARGE: UNREADABLE,
    DefectKind.BINARY: ENCODING,
    DefectKind.ENCODING: ENCODING,
    DefectKind.YAML_SYNTAX: YAML_SYNTAX,
    DefectKind.TABS: YAML_SYNTAX,
    DefectKind.KEY: YAML_SYNTAX,
    DefectKind.TOO_MANY: YAML_SYNTAX,
    DefectKind.JSON_SYNTAX: JSON_SYNTAX,
    DefectKind.DUPLICATE_KEY: DUPLICATE_KEY,
    DefectKind.REPEATED_KEY: DUPLICATE_KEY,
    DefectKind.RECURSIVE_ALIAS: YAML_LIMIT,
    DefectKind.ALIAS_BOMB: YAML_LIMIT,
    DefectKind.TOO_DEEP: YAML_LIMIT,
}


SEVERITIES = {DefectKind.REPEATED_KEY: Severity.WARNING}
"""How bad those defects are that are not as bad as others of their rule."""

OF_FILES = frozenset({SYMLINK_ESCAPES.id, *(rule.id for rule in DEFECTS.values())})
"""The rules of files that cannot be read or parsed: whatever reads them fails as well."""


def rule_of(defect: Defect, location: Path, root: Path) -> Rule:
    """Return the rule that a defect breaks."""
    if defect.kind is DefectKind.SYMLINK and location.is_symlink() and astray(location, root) in ESCAPES:
        return SYMLINK_ESCAPES
    return DEFECTS[defect.kind]


FILE_SCHEMA = declare(
    "file-schema",
    Severity.ERROR,
    "A configuration file does not match its schema.",
    explanation="Kustomizations, Chart.yaml, argosy's settings, and files of CI and Renovate are checked against "
    "their schemas. The tool rejects or ignores what does not match.",
    bad="# file: environments/dev/environment.yaml\ndestination:\n  server: https://kubernetes.default.svc\nrevision: "
    "main\n"
    'autoSync: "yes"\npromotesFrom: ""\n',
    good="# file: environments/dev/environment.yaml\ndestination:\n  server: https://kubernetes.default.svc\nrevision: "
    "main\n"
    'autoSync: true\npromotesFrom: ""\n',
)

SUPPRESSION = declare(
    "suppression",
    Severity.ERROR,
    "A comment or setting that ignores findings has no rule, an unknown rule, or no reason.",
    explanation="`# argosy: ignore[rule-id] reason` ignores a rule on its own line, on the next line if the comment "
    "is alone on its line, or in the whole file if it is at the top. `.argosy.yaml` ignores a rule for the "
    "repository. Both require the rule's id and a reason.",
    bad="# file: apps/pod.yaml\napiVersion: v1\nkind: Pod\nmetadata:\n  name: shop\nspec:\n  containers:\n    - name: "
    "shop\n"
    "      image: nginx # argosy: ignore[image-tag]\n",
    good="# file: apps/pod.yaml\napiVersion: v1\nkind: Pod\nmetadata:\n  name: shop\nspec:\n  containers:\n    - name: "
    "shop\n"
    "      image: nginx # argosy: ignore[image-tag] the sandbox follows the newest on purpose\n",
)

BASELINE_STALE = declare(
    "baseline-stale",
    Severity.WARNING,
    "An entry of the baseline matches no finding.",
    explanation="The baseline lists findings that do not fail `argosy validate`. An entry that nothing matches any "
    "more, because somebody fixed what was wrong, would let it come back unnoticed. `argosy validate "
    "--update-baseline` removes such entries, and keeps the others with their reasons and dates. What was not checked "
    "this time is left alone.",
    bad="# file: .argosy-baseline.yaml\nfindings:\n  - rule: yaml-syntax\n    path: apps/shop.yaml\n"
    "# file: apps/shop.yaml\n" + GREETING.format(greeting="hello"),
    good="# file: .argosy-baseline.yaml\nfindings: []\n# file: apps/shop.yaml\n" + GREETING.format(greeting="hello"),
)


def suppression_problems(rules: Sequence[str], unknown: Sequence[str], reason: str) -> Iterator[Problem]:
    """Yield what is wrong with a request to ignore findings."""
    if not any(rules):
        yield Problem("No rule is given.", hint="Write # argosy: ignore[rule-id] reason.")
    for name in filter(None, unknown):
        hint = "Write policy/NAME." if name == POLICY else "`argosy rules` lists them."
        yield Problem(f"There is no rule “{name}”.", hint=hint)
    if any(rules) and not reason:
        yield Problem("No reason is given, so no rule is ignored.", hint="Write the reason after the bracket.")
