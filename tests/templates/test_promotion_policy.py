"""An application's policy of promotion: the example in its settings, and what else reads them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from argosy.promotion.policy import Policy, Treatment
from argosy.repository import layout
from argosy.repository.model import WRITTEN_HERE, ArgocdStyle, Format
from argosy.schemas.store import file_schema
from argosy.template import creation, rendering
from argosy.validation import pipeline
from argosy.yaml_edit.keys import Key
from tests import goldens
from tests.argocd.applicationsets.sets import expanded, names

SETTINGS = layout.application_settings("my-app")
ENV = ("spec", "template", "spec", "containers", "my-app", "env")
MEANT = {
    Format.HELM: (
        Key("values.yaml", "", ("config", "FEATURES")),
        Key("values.yaml", "", ("config", "LOG_LEVEL")),
        Key("values.yaml", "", ("service", "port")),
    ),
    Format.KUSTOMIZE: (
        Key("patch.yaml", "Deployment/my-app", (*ENV, "FEATURES", "value")),
        Key("patch.yaml", "Deployment/my-app", (*ENV, "LOG_LEVEL", "value")),
        Key("kustomization.yaml", "", ("configMapGenerator", "settings", "literals")),
    ),
    Format.MANIFESTS: (
        Key("deployment.yaml", "Deployment/my-app", (*ENV, "FEATURES", "value")),
        Key("deployment.yaml", "Deployment/my-app", (*ENV, "LOG_LEVEL", "value")),
        Key("service.yaml", "Service/my-app", ("spec", "ports", "http", "port")),
    ),
}
"""The keys that the examples speak of: to promote, pinned, to ask about."""


def texts(form: Format, argocd: ArgocdStyle = ArgocdStyle.APPLICATIONS) -> dict[str, str]:
    tree = rendering.render(goldens.repository(form, argocd))
    return {path: file.content.decode() for path, file in tree.items()}


def with_the_example(settings: str) -> str:
    """Return an application's settings with the commented section made one that counts."""
    before, start, section = settings.partition("# promotion:\n")
    return before + re.sub(r"^# ?", "", start + section, flags=re.MULTILINE)


@pytest.mark.parametrize(("form", "keys"), MEANT.items())
def test_the_example_counts_once_it_is_no_comment(form: Format, keys: tuple[Key, ...]) -> None:
    written = texts(form)[SETTINGS]
    assert "promotion" not in yaml.safe_load(written)
    found = yaml.safe_load(with_the_example(written))
    schema = file_schema(SETTINGS)
    assert schema is not None
    assert schema.violations(found) == []
    policy = Policy.of(with_the_example(written).encode())
    assert [policy.treatment_of(key) for key in keys] == [Treatment.PROMOTE, Treatment.PINNED, Treatment.ASK]
    assert {Policy.of(written.encode()).treatment_of(key) for key in keys} == {Treatment.SETTING}


@pytest.mark.parametrize("form", WRITTEN_HERE)
def test_the_applicationset_makes_the_same_applications(form: Format, tmp_path: Path) -> None:
    before = texts(form, ArgocdStyle.APPLICATIONSET)
    after = {**before, SETTINGS: with_the_example(before[SETTINGS])}
    made = [
        expanded(tmp_path / name, files[layout.APPLICATION_SET], files)
        for name, files in (("before", before), ("after", after))
    ]
    assert names(made[1]) == ["my-app-dev", "my-app-prod", "my-app-staging"]
    assert [each.spec for each in made[1].applications] == [each.spec for each in made[0].applications]


@pytest.mark.parametrize("style", ArgocdStyle)
def test_the_repository_stays_valid(style: ArgocdStyle, tmp_path: Path) -> None:
    files = texts(Format.HELM, style)
    files[SETTINGS] = with_the_example(files[SETTINGS])
    creation.write(tmp_path, {path: rendering.File(text.encode()) for path, text in files.items()})
    assert pipeline.validate(tmp_path).findings == []
