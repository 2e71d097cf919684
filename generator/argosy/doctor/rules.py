"""Which of validation's rules belong to which check; every other error keeps a sync from succeeding."""

from __future__ import annotations

from argosy.findings import Finding, Severity

URL = ("repository-foreign",)
REVISION = ("revision-unknown",)
"""Found in local branches; the doctor asks the remote."""
PATHS = ("path-missing", "value-file-missing", "symlink-escapes")
GENERATE_PATHS = ("generate-paths-missing",)
STALE = ("same-repository-twice",)
PROJECT = (
    *("project-unknown", "project-denies-source", "project-denies-destination", "project-denies-kind"),
    *("project-duplicate", "project-role-invalid"),
)
VALUES = ("missing-value-files-ignored", "source-overridden", "source-kinds-mixed", "release-name-invalid")
LINT = ("helm-lint",)
RENDER = ("helm-render", "kustomize-build", "rendered-yaml")
LIKENESS = ("render-differs",)
AUTOMATED = ("automated-empty",)
IGNORED = ("autoscaler-fights-self-heal", "ignore-differences-incomplete", "never-synced")
WINDOWS = ("sync-window-invalid",)
DELETION = ("preserve-misplaced", "applicationset-empty")
SILENT = ("folder-not-deployed", "source-ignored", "namespace-metadata-ignored")
"""Warnings of what is in Git and not deployed."""
ADVICE = (
    *("helm-advice", "image-tag", "project-permits-everything", "project-permits-more", "missing-key-silent"),
    *("credential-in-environment", "credential-in-git", "secret-in-git", "suppression", "promotes-from-unknown"),
)
"""What prevents no deployment: `argosy validate` reports it."""
ELSEWHERE = frozenset(
    {
        *(*URL, *REVISION, *PATHS, *GENERATE_PATHS, *STALE, *PROJECT, *VALUES, *LINT, *RENDER, *LIKENESS, *AUTOMATED),
        *(*IGNORED, *WINDOWS, *DELETION, *ADVICE),
    }
)
"""What the check of the manifests leaves to other checks."""


def is_of_project(finding: Finding) -> bool:
    """Return whether a finding is that an AppProject does not permit what it should."""
    return finding.rule in PROJECT or (finding.rule.startswith("project-") and finding.severity is Severity.ERROR)


def is_of_manifests(finding: Finding) -> bool:
    """Return whether something would not be deployed, for a reason that no other check reports."""
    if is_of_project(finding) or finding.rule in ELSEWHERE:
        return False
    return finding.severity is Severity.ERROR or finding.rule in SILENT
