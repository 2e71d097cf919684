"""What is said of a promotion."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from argosy.git.objects import Blob
from argosy.git.snapshot import Snapshot
from argosy.promotion import report, trailers
from argosy.promotion.decision import ABSENT, Decision, Verdict
from argosy.promotion.promoting import Move, Promotion, Widened
from argosy.promotion.trailers import Kind, Step
from argosy.repository.model import Kind as ModelKind
from argosy.yaml_edit.keys import Key


def step(application: str = "web", source: str = "dev", target: str = "prod") -> Step:
    return Step(Kind.PROMOTION, application, source, target, "1a2b3c4d")


def decision(
    name: str = "image.tag", source: Any = "2", target: Any = "1", verdict: Verdict = Verdict.PROMOTED, scope: str = ""
) -> Decision:
    return Decision(Key("values.yaml", scope, tuple(name.split("."))), source, target, verdict, "because")


def promotion(*decisions: Decision, of: Step | None = None) -> Promotion:
    move = Move(of or step(), decisions, {"environments/prod/web/values.yaml": Blob("100644", b"a: 1\n")})
    return Promotion(Snapshot(Path(), "1a2b3c4d"), [move])


@pytest.mark.parametrize(
    ("steps", "title"),
    [
        ([], "Nothing to promote"),
        ([step()], "Promote web from dev to prod"),
        ([step("api"), step()], "Promote api and web from dev to prod"),
        ([step("a"), step("b"), step("c")], "Promote 3 applications from dev to prod"),
        ([step("a" * 50), step("b" * 50)], "Promote 2 applications from dev to prod"),
        ([step("a" * 50, "d" * 30)], f"Promote {'a' * 50} from {'d' * 30} to prod"),
        ([step(target="qa"), step(source="qa")], "Promote web from dev over qa to prod"),
        ([step(target="a"), step("web", "a", "b"), step("web", "b")], "Promote web from dev over a over b to prod"),
        (
            [step("api", target="qa"), step("web", "staging")],
            "Promote api and web from dev to qa, from staging to prod",
        ),
        ([Step(Kind.ROLLBACK, "web", "", "prod")], "Roll web back in prod"),
    ],
)
def test_title(steps: list[Step], title: str) -> None:
    assert report.title(steps) == title
    changed = {(each.target, each.application) for each in steps} | {("dev", "web")}
    read = trailers.of_title(f"{title} (#7)", changed)
    assert {replace(each, origin="") for each in steps} <= set(read)
    assert {(each.target, each.application) for each in read} == {(each.target, each.application) for each in steps}


def test_a_pull_request_says_what_an_app_project_then_permits() -> None:
    blob, kinds = Blob("100644", b""), (ModelKind("", "ConfigMap"), ModelKind("apps", "Deployment"))
    made = replace(promotion(decision()), projects=[Widened("argocd/prod/project.yaml", kinds, blob)])
    for limit in (10_000, 300):
        shown = report.as_markdown(made, limit)
        assert "`argocd/prod/project.yaml` will also permit ConfigMap and apps/Deployment." in shown


def test_what_is_encrypted_is_not_shown_but_that_it_is_there_is() -> None:
    encrypted = replace(decision("config.PASSWORD", "ENC[new]", ABSENT), encrypted=True)
    assert report.hidden(encrypted, encrypted.source) == "encrypted"
    assert report.hidden(encrypted, encrypted.target) is ABSENT


def test_message() -> None:
    made = promotion(decision(), decision("replicas", 1, 3, Verdict.PINNED), decision("a", None, ABSENT))
    assert report.message(made) == (
        "Promote web from dev to prod\n\nweb, dev to prod:\n  image.tag: 1 -> 2\n  a: – -> null\n\n"
        "Argosy-Promotion: web dev -> prod 1a2b3c4d\n"
    )
    assert report.message(made, " Mine\n\nText \n").startswith("Mine\n\nText\n\nweb, dev to prod:\n")
    assert trailers.steps(report.message(made)) == made.steps


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (ABSENT, "–"),
        ("", '""'),
        ("a\nb\tc", "a b c"),
        (True, "true"),
        ({"ä": [1, None]}, '{"ä": [1, null]}'),
        (b"12345", "a file of 5 bytes"),
        ("x" * 60, "x" * 47 + "…"),
    ],
)
def test_shown(value: Any, shown: str) -> None:
    assert report.shown(value) == shown


def test_what_is_a_number_and_what_is_text_is_shown_apart() -> None:
    assert report.pair(decision("a", 1, "1")) == ('"1"', "1")
    assert report.pair(decision("a", "true", True)) == ("true", '"true"')
    assert report.pair(decision("a", "1.10", "1.1")) == ("1.1", "1.10")
    assert report.pair(decision("data.key", 1, "1", scope="Secret/web")) == ("***", "***")


@pytest.mark.parametrize(
    "each",
    [
        decision("data.key", "hunter2", "sesame", scope="Secret/web"),
        decision("secretGenerator.web.literals.key", "hunter2", "sesame"),
        decision("auth.password", "hunter2", "sesame"),
        decision("auth.rootPassword.value", "hunter2", "sesame"),
        decision("spec.template.spec.containers.web.env.API_TOKEN.value", "hunter2", "sesame", scope="Deployment/web"),
        decision("extraArgs", ["--token", "hunter2"], ["--api-key=sesame"]),
        decision("settings", "user=ada\npassword=hunter2\n", "user=ada\npassword=sesame\n"),
        decision("users", [{"name": "ada", "password": "hunter2"}], {"adminPassword": "sesame"}),
        decision("spec.source.helm.valuesObject.auth.password", "hunter2", "sesame", scope="Application/web"),
    ],
)
def test_secrets(each: Decision) -> None:
    made = promotion(each)
    told = [
        report.as_text(made),
        report.message(made),
        report.as_markdown(made, 10_000),
        json.dumps(report.as_data(made)),
    ]
    for text in told:
        assert "***" in text
        assert "hunter2" not in text
        assert "sesame" not in text
    assert report.hidden(decision("a", "x", ABSENT, scope="Secret/web"), ABSENT) is ABSENT


def test_text() -> None:
    made = promotion(
        decision("replicas", 1, 3, Verdict.PINNED), decision("new", 1, ABSENT, Verdict.UNDECIDED), decision()
    )
    assert report.as_text(made) == (
        "web, dev to prod\n"
        "key        prod  dev  verdict    why\n"
        "image.tag  1     2    promoted   because\n"
        "new        –     1    undecided  because\n"
        "replicas   3     1    pinned     because\n\n"
    )
    assert "\x1b[" in report.as_text(made, colour=True)
    assert report.as_text(promotion()) == "web, dev to prod: nothing differs.\n\n"
    back = promotion(decision(), of=Step(Kind.ROLLBACK, "web", "", "prod", "1a2b3c4d"))
    assert report.as_text(back).splitlines()[:3] == [
        "web in prod",
        "key        prod  before  verdict   why",
        "image.tag  1     2       restored  because",
    ]


def test_markdown() -> None:
    made = promotion(decision("a|b", "`x`", "y|z"))
    assert report.as_markdown(made, 10_000) == (
        "### web, dev to prod\n\n| key | prod | dev | verdict | why |\n| --- | --- | --- | --- | --- |\n"
        "| `a\\|b` | `y\\|z` | `` `x` `` | **promoted** | because |\n"
    )


@pytest.mark.parametrize("limit", [100, 300, 1_000, 5_000])
def test_markdown_that_is_cut(limit: int) -> None:
    made = promotion(*(decision(f"key-{number}") for number in range(100)))
    text = report.as_markdown(made, limit)
    rows = sum(line.startswith("| `") for line in text.splitlines())
    assert len(text) <= limit
    assert text.endswith(f"… and {100 - rows} more keys, cut to fit.")


def test_data() -> None:
    made = promotion(decision("new", b"123", ABSENT), decision("kept", 1, 2, Verdict.KEPT))
    (move,) = report.as_data(made)
    keys = [{name: each[name] for name in ("key", "before", "after", "source", "verdict")} for each in move["keys"]]
    assert keys == [
        {
            "key": "new",
            "before": None,
            "after": "a file of 3 bytes",
            "source": "a file of 3 bytes",
            "verdict": "promoted",
        },
        {"key": "kept", "before": 2, "after": 2, "source": 1, "verdict": "kept"},
    ]
