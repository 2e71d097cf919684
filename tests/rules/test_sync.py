"""Rules of sync options, waves, hooks and retries, called one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from argosy.argocd.view import ArgoApplication, View
from argosy.documents import Document
from tests.rules.subjects import application, named, problems, rendered

CASES: list[tuple[str, str, tuple[Any, ...] | None]] = [
    ("automated-empty", "{syncPolicy: {automated: }}", ("spec", "syncPolicy", "automated")),
    ("automated-empty", "{syncPolicy: {automated: {}}}", None),
    ("automated-empty", "{syncPolicy: }", None),
    (
        "namespace-metadata-ignored",
        "{syncPolicy: {managedNamespaceMetadata: {labels: {a: b}}}}",
        ("spec", "syncPolicy", "managedNamespaceMetadata"),
    ),
    (
        "namespace-metadata-ignored",
        "{syncPolicy: {managedNamespaceMetadata: {labels: {a: b}}, syncOptions: [CreateNamespace=true]}}",
        None,
    ),
    (
        "retry-invalid",
        "{syncPolicy: {retry: {limit: 1, backoff: {duration: 5 s}}}}",
        ("spec", "syncPolicy", "retry", "backoff", "duration"),
    ),
    (
        "retry-invalid",
        "{syncPolicy: {retry: {limit: 1, backoff: {maxDuration: 3min}}}}",
        ("spec", "syncPolicy", "retry", "backoff", "maxDuration"),
    ),
    (
        "retry-invalid",
        "{syncPolicy: {retry: {limit: 1, backoff: {factor: 0}}}}",
        ("spec", "syncPolicy", "retry", "backoff", "factor"),
    ),
    ("retry-invalid", "{syncPolicy: {retry: {backoff: {duration: 5s}}}}", ("spec", "syncPolicy", "retry")),
    (
        "retry-invalid",
        "{syncPolicy: {retry: {limit: -1, backoff: {duration: '5', factor: 1, maxDuration: 1h1.5m}}}}",
        None,
    ),
]


MADE = ArgoApplication(
    {
        "metadata": {"labels": {"a": "b c", "d": "e", "f": "{{ .g }}"}, "annotations": {"x/": "any text", "y": "b c"}},
        "spec": {"syncPolicy": {"managedNamespaceMetadata": {"labels": {"a b": "c", "n": 1}}}},
    },
    Document("set.yaml", 0, {}),
    ("spec", "template"),
)


def test_labels_that_argo_cd_sets(tmp_path: Path) -> None:
    found = {each.at[2:]: each.message for each in problems("label-invalid", MADE, View(tmp_path))}
    managed = ("spec", "syncPolicy", "managedNamespaceMetadata", "labels", "a b")
    assert [*found] == [managed, ("metadata", "labels", "a"), ("metadata", "annotations", "x/")]
    assert found[managed].startswith('spec.syncPolicy.managedNamespaceMetadata.labels: the name "a b" is not allowed')
    assert found["metadata", "labels", "a"].startswith("metadata.labels.a: must be made of letters")


def test_a_name_is_generated_for_hooks_alone(tmp_path: Path) -> None:
    def job(**annotations: str) -> Document:
        return Document("a.yaml", 0, {"metadata": {"generateName": "a-", "annotations": annotations}})

    made = [job(), job(**{"argocd.argoproj.io/hook": "Sync"}), job(**{"helm.sh/hook": "pre-install"})]
    made += [job(**{"argocd.argoproj.io/sync-options": "Replace=true"}), named("ConfigMap", "a", generateName="b-")]
    subject = application()
    assert [each.document for each in problems("generate-name", subject, rendered(tmp_path, (subject, made)))] == made[
        :1
    ]


@pytest.mark.parametrize(
    ("data", "options", "said"),
    [
        ({"data": {"a": "x" * 261_000}}, [], ""),
        ({"data": {"a": "x" * 262_200}}, [], "With all of it noted in an annotation, the annotations have 262,3"),
        ({"data": {"a": "<" * 50_000}}, [], "With all of it noted in an annotation, the annotations have 300,"),
        ({"data": {"a": "x" * 262_200}}, ["ServerSideApply=true"], ""),
        ({"data": {"a": "x" * 524_288, "b": "x" * 524_289}}, ["ServerSideApply=true"], "The data have 1,048,577 bytes"),
        ({"binaryData": {"a": "x" * 1_398_000}}, ["ServerSideApply=true"], ""),
        ({"spec": ["x" * 1_600_000]}, ["ServerSideApply=true"], "The object has 1,600,"),
        ({"metadata": {"name": "shop", "annotations": {"a": "x" * 262_144}}}, [], "The annotations have 262,145 bytes"),
    ],
)
def test_size_of_a_resource(data: dict[str, Any], options: list[str], said: str, tmp_path: Path) -> None:
    subject, made = application({"syncPolicy": {"syncOptions": options}}), named("ConfigMap")
    made.data.update(data)
    found = [each.message for each in problems("object-too-large", subject, rendered(tmp_path, (subject, [made])))]
    assert len(found) == bool(said)
    assert all(each.startswith(said) for each in found)


@pytest.mark.parametrize(("rule", "spec", "at"), CASES)
def test_rule_about_an_application(rule: str, spec: str, at: tuple[Any, ...] | None, tmp_path: Path) -> None:
    found = problems(rule, application(spec), View(tmp_path))
    assert [problem.at for problem in found] == ([] if at is None else [at])


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("CreateNamespace=True", "Write “CreateNamespace=true”"),
        ("createNamespace=true", "Write “CreateNamespace=true”"),
        ("CreateNamespace = true", "Write “CreateNamespace=true”"),
        ("CreateNamespace: true", "Write “CreateNamespace=true”"),
        (" PruneLast=true", "Write “PruneLast=true”"),
        ("CreateNamespaces=true", "Did you mean “CreateNamespace=true”?"),
        ("Prune=confirmed", "Use Prune= with true or false or confirm."),
        ("ServerSideApply", "Use ServerSideApply= with true or false."),
        ("PrunePropagationPolicy=back", "Use PrunePropagationPolicy= with foreground or background or orphan."),
        ("Force=true", "a resource's annotation"),
        ("what", "Argo CD knows ApplyOutOfSyncOnly, "),
    ],
)
def test_unknown_sync_option_names_the_next_step(option: str, said: str, tmp_path: Path) -> None:
    [found] = problems(
        "sync-option-unknown", application({"syncPolicy": {"syncOptions": ["Replace=true", option]}}), View(tmp_path)
    )
    assert found.at == ("spec", "syncPolicy", "syncOptions", 1)
    assert said in found.hint


@pytest.mark.parametrize(
    "option",
    [
        *("CreateNamespace=true", "Prune=confirm", "Delete=false", "Validate=false", "ClientSideApplyMigration=false"),
        *("PrunePropagationPolicy=orphan", "SkipDryRunOnMissingResource=true", "FailOnSharedResource=true"),
    ],
)
def test_known_sync_option(option: str, tmp_path: Path) -> None:
    assert not problems("sync-option-unknown", application({"syncPolicy": {"syncOptions": [option]}}), View(tmp_path))


def test_place_within_an_application_set(tmp_path: Path) -> None:
    data = {"spec": {"template": {"spec": {"syncPolicy": {"automated": None}}}}}
    made = ArgoApplication({"metadata": {"name": "a"}}, Document("set.yaml", 0, data), ("spec", "template"))
    [found] = problems("automated-empty", made, View(tmp_path))
    assert found.at == ("spec", "template", "spec", "syncPolicy", "automated")


DOCUMENT_CASES = [
    ("sync-wave-invalid", {"argocd.argoproj.io/sync-wave": "1.5"}, "Write an integer"),
    ("sync-wave-invalid", {"argocd.argoproj.io/sync-wave": ""}, "Write an integer"),
    ("sync-wave-invalid", {"argocd.argoproj.io/sync-wave": 5}, "Quote it"),
    ("sync-wave-invalid", {"argocd.argoproj.io/sync-wave": "-5"}, None),
    ("sync-wave-invalid", {}, None),
    ("sync-option-annotation", {"argocd.argoproj.io/sync-options": "Prune=false,Replace=True"}, "“Replace=true”"),
    ("sync-option-annotation", {"argocd.argoproj.io/sync-options": "CreateNamespace=true"}, "the Application"),
    ("sync-option-annotation", {"argocd.argoproj.io/sync-options": "Force=true, Replace=true,"}, None),
    ("hook-unknown", {"argocd.argoproj.io/hook": "PreSync,Postsync"}, "“PostSync”"),
    ("hook-unknown", {"argocd.argoproj.io/hook": "before"}, "PostDelete, PostSync"),
    ("hook-unknown", {"argocd.argoproj.io/hook-delete-policy": "hook-succeeded"}, "“HookSucceeded”"),
    ("hook-unknown", {"argocd.argoproj.io/hook": "PreDelete, PostDelete"}, None),
]


@pytest.mark.parametrize(("rule", "annotations", "hint"), DOCUMENT_CASES)
def test_rule_about_annotations(rule: str, annotations: dict[str, Any], hint: str | None, tmp_path: Path) -> None:
    document = named("ConfigMap")
    document.data["metadata"]["annotations"] = annotations
    found = problems(rule, document, View(tmp_path))
    assert len(found) == (hint is not None)
    assert all(hint is not None and hint in problem.hint for problem in found)
