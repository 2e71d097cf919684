"""The schemas of files that are no manifests, found by their paths: argosy's own, and those of CI and the like."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from functools import cache as once
from pathlib import Path
from typing import Any

import jsonschema_rs

from argosy import cache
from argosy.schemas import bundled
from argosy.schemas.schema import CompiledSchema, Schema
from argosy.schemas.violations import Violation

_OWN_FILES = (
    (r"environments/[^/]+/environment\.yaml", "files.json#/$defs/environment"),
    (r"clusters\.yaml", "files.json#/$defs/clusters"),
    (r"environments/[^/]+/[^/]+/source\.yaml", "files.json#/$defs/source"),
    (r"applications/[^/]+/application\.yaml", "files.json#/$defs/application"),
    (r"teams/[^/]+/team\.yaml", "files.json#/$defs/team"),
    (r"environments/[^/]+/[^/]+/chart-version\.yaml", "files.json#/$defs/chartVersion"),
    (r"\.copier-answers\.yml", "files.json#/$defs/answers"),
    (r"\.copier-answers\.[^/]+\.yml", "files.json#/$defs/layerAnswers"),
    (r"\.argosy\.yaml", "files.json#/$defs/configuration"),
    (r"\.argosy-baseline\.yaml", "files.json#/$defs/baseline"),
    (r"\.argosy-lock\.yaml", "files.json#/$defs/lock"),
    (r"catalogue/[^/]+/component\.yaml", "files.json#/$defs/component"),
    (r"(.*/)?Chart\.yaml", "files.json#/$defs/chart"),
    (r"\.pre-commit-config\.yaml", "files.json#/$defs/preCommit"),
    (r"protection/github-ruleset\.json", "protection.json#/$defs/github"),
    (r"protection/gitlab\.json", "protection.json#/$defs/gitlab"),
    (r"protection/bitbucket\.json", "protection.json#/$defs/bitbucket"),
    (r"\.sops\.ya?ml", "files.json#/$defs/sops"),
    (r"\.yamllint(\.ya?ml)?", "files.json#/$defs/yamllint"),
    (r"(.*/)?(kustomization\.ya?ml|Kustomization)", "kustomize.json#/$defs/file"),
)

_DEPLOYED = {f"files.json#/$defs/{each}" for each in ("environment", "source", "application", "chartVersion", "chart")}
_DEPLOYED |= {"kustomize.json#/$defs/file"}
"""What a deployment reads, where one does."""

_VENDORED_FILES = (
    (r"\.github/workflows/[^/]+\.ya?ml", "github-workflows"),
    (r"(\.github/actions/.+/)?action\.ya?ml", "github-actions"),
    (r"\.github/dependabot\.ya?ml", "dependabot"),
    (r"\.github/ISSUE_TEMPLATE/config\.ya?ml", "github-issue-config"),
    (r"\.github/ISSUE_TEMPLATE/[^/]+\.ya?ml", "github-issue-forms"),
    (r"\.github/DISCUSSION_TEMPLATE/[^/]+\.ya?ml", "github-discussion"),
    (r"(.*/)?[^/]*\.gitlab-ci\.ya?ml", "gitlab-ci"),
    (r"bitbucket-pipelines\.ya?ml", "bitbucket-pipelines"),
    (r"(\.github/|\.gitlab/)?(renovate\.json|\.renovaterc(\.json)?)", "renovate"),
    (r"\.circleci/config\.ya?ml", "circle-ci"),
    (r"\.travis\.yml", "travis"),
    (r"\.woodpecker(\.ya?ml|/.+\.ya?ml)", "woodpecker-ci"),
    (r"\.buildkite/pipeline(\.[^/]+)?\.(ya?ml|json)", "buildkite"),
    (r"cloudbuild\.(ya?ml|json)", "cloudbuild"),
    (r"(\.mergify|\.mergify/config|\.github/mergify)\.yml", "mergify"),
    (r"\.readthedocs\.ya?ml", "readthedocs"),
    (r"[Tt]askfile(\.dist)?\.ya?ml", "taskfile"),
)


_WITH_COMMENTS = re.compile(
    r"(.*/)?(\.vscode/[^/]+|\.devcontainer/([^/]+/)?devcontainer|\.?devcontainer|[tj]sconfig([.-][^/]+)?|tslint|\.eslintrc"
    r"|\.swcrc|\.jshintrc|\.markdownlint)\.json"
)
"""Files whose tools read JSON with comments and trailing commas."""


def has_comments(path: str) -> bool:
    """Return whether a JSON file may have comments and trailing commas, by its path: its tool reads it so."""
    return _WITH_COMMENTS.fullmatch(path) is not None


def answers() -> Schema:
    """Return the schema of an answers file, the template's questions answered in YAML."""
    return bundled.schema("files.json#/$defs/answersFile")


def declared(kind: str) -> Schema:
    """Return the schema of a list that `.argosy.yaml` takes from a file: clusters, or what a generator gives."""
    name = "declaredClusters" if kind == "clusters" else f"outputOf{kind[:1].upper()}{kind[1:]}"
    return bundled.schema(f"files.json#/$defs/{name}")


def file_schema(path: str) -> Schema | None:
    """Return the schema of a file that is no manifest, by its path from the root; None if none is known."""
    if not _any().fullmatch(path):
        return None
    for pattern, reference in _OWN_FILES:
        if re.fullmatch(pattern, path):
            return bundled.schema(reference)
    for pattern, name in _VENDORED_FILES:
        if re.fullmatch(pattern, path):
            return _vendored_schema(name)
    return None


@once
def _any() -> re.Pattern[str]:
    """Return what any of the files matches: most of a repository's match none, and one by one that takes long."""
    return re.compile("|".join(f"(?:{pattern})" for pattern, _ in (*_OWN_FILES, *_VENDORED_FILES)))


def is_of_tools(path: str) -> bool:
    """Return whether a file is one of those of CI, Git hosts and checks, which no deployment reads."""
    return _TOOLS.fullmatch(path) is not None


def is_of_argosy(path: str) -> bool:
    """Return whether a file is one of those of tools, or of argosy's own settings."""
    return is_of_tools(path) or _OF_ARGOSY.fullmatch(path) is not None


_SETTINGS = [each for each in _OWN_FILES if each[1] in _DEPLOYED and not each[0].startswith("(.*/)?")]
_OF_ARGOSY = re.compile("|".join(f"(?:{pattern})" for pattern, _ in _SETTINGS))
_TOOLS = re.compile(
    "|".join(f"(?:{pattern})" for pattern, reference in (*_OWN_FILES, *_VENDORED_FILES) if reference not in _DEPLOYED)
)


@once
def _vendored_schema(name: str) -> Schema:
    schema = _Vendored(name)
    return _WorkflowSchema(schema) if name == "github-workflows" else schema


@dataclass(frozen=True, slots=True, eq=False)
class _Vendored:
    """A schema of check-jsonschema's, which takes longer to compile than anything to judge: no file is judged twice."""

    name: str

    def violations(self, data: Any) -> list[Violation]:
        found: list[Violation] = []

        def is_valid() -> bool:
            found.extend(_compiled(self.name).violations(data))
            return not found

        def made_from() -> cache.Inputs | None:
            return cache.inputs([_judge(), self.name], texts=map(repr, [data]))

        cache.remembered(made_from, is_valid, lambda valid, _: valid, ())
        return found


@once
def _judge() -> str:
    """Return what decides what is wrong with a file, besides the file and the name of its schema."""
    return cache.maker(Path(__file__).parent.glob("*.py"), "check-jsonschema", "jsonschema-rs")


@once
def _compiled(name: str) -> Schema:
    folder = bundled.package_folder("check_jsonschema") / "builtin_schemas" / "vendor"
    document = json.loads((folder / f"{name}.json").read_bytes())
    uri = document.setdefault("$id", f"argosy:/{name}.json").rstrip("#")
    validator = jsonschema_rs.validator_for(document, offline=True)
    return CompiledSchema(validator, {uri: document})


@dataclass(frozen=True, slots=True, eq=False)
class _WorkflowSchema:
    """GitHub's workflows, whose key `on` is the boolean true by YAML 1.1."""

    schema: Schema

    def violations(self, data: Any) -> list[Violation]:
        if not isinstance(data, dict) or "on" in data or not {True, "true"} & data.keys():
            return self.schema.violations(data)
        renamed = {"on" if key is True or key == "true" else key: value for key, value in data.items()}
        return [
            replace(found, at=("true", *found.at[1:])) if found.at[:1] == ("on",) else found
            for found in self.schema.violations(renamed)
        ]
