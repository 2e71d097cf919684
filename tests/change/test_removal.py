"""What makes Argo CD delete more than a file, and how that is taken out."""

from __future__ import annotations

import pytest
import yaml

from argosy.change.removal import made_safe

FINALIZER = "resources-finalizer.argocd.argoproj.io"
APPLICATION = """\
# ours
kind: Application
metadata:
  name: "web"  # quoted
  finalizers:
    - {}
spec: {{}}
"""
SET = "kind: ApplicationSet\nspec:\n  template:\n    metadata: {{name: x}}\n{}"


@pytest.mark.parametrize("finalizer", [FINALIZER, f"{FINALIZER}/background", f"{FINALIZER}/foreground"])
def test_the_finalizer_goes_alone(finalizer: str) -> None:
    made = made_safe(APPLICATION.format(finalizer).encode())
    assert made is not None
    assert made.decode() == '# ours\nkind: Application\nmetadata:\n  name: "web"  # quoted\nspec: {}\n'
    both = made_safe(APPLICATION.format(f"{finalizer}\n    - mine.example.com/x").encode())
    assert yaml.safe_load(both or b"")["metadata"]["finalizers"] == ["mine.example.com/x"]


def test_what_people_wrote_stays_as_they_wrote_it() -> None:
    folded = "    one: >-\n      a\n      b\n    two: plain\n      words\n    three: 'in\n      quotes'\n"
    text = APPLICATION.format(FINALIZER).replace("  finalizers:", f"  annotations:\n{folded}  finalizers:")
    assert made_safe(text.encode()) == text.replace(f"  finalizers:\n    - {FINALIZER}\n", "").encode()


@pytest.mark.parametrize(
    "policy",
    ["", "  syncPolicy: {}\n", "  syncPolicy:\n    preserveResourcesOnDeletion: false\n    applicationsSync: sync\n"],
)
def test_a_set_preserves(policy: str) -> None:
    made = yaml.safe_load(made_safe(SET.format(policy).encode()) or b"")
    assert made["spec"]["syncPolicy"]["preserveResourcesOnDeletion"] is True


def test_one_of_several_documents() -> None:
    text = f"kind: ConfigMap\n---\n{APPLICATION.format(FINALIZER)}"
    made = list(yaml.safe_load_all(made_safe(text.encode()) or b""))
    assert [each["kind"] for each in made] == ["ConfigMap", "Application"]
    assert "finalizers" not in made[1]["metadata"]


@pytest.mark.parametrize(
    "text",
    [
        APPLICATION.format("mine.example.com/x"),
        SET.format("  syncPolicy:\n    preserveResourcesOnDeletion: true\n"),
        f"# {FINALIZER}\nkind: Application\nmetadata: {{}}\n",
        f"kind: Application\nmetadata: {{finalizers: [{FINALIZER}\n",
        f"kind: Application\nmetadata: [{FINALIZER}]\n",
        f"- {FINALIZER}\n",
        "kind: ApplicationSet\nspec: []\n",
        "kind: AppProject\n",
        "",
    ],
)
def test_what_is_safe_or_cannot_be_read(text: str) -> None:
    assert made_safe(text.encode()) is None
