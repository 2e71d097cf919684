"""Fields hold what people wrote, such as numbers without end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from argosy.argocd import waves
from argosy.documents.fields import integer, mapping, sequence, text
from argosy.helm import faults, go_templates
from argosy.kubernetes import dry_run
from argosy.kustomize import overrides
from argosy.promotion import trailers
from argosy.rules.project import cron_fault
from argosy.template import fetching

ENDLESS = "9" * 5000
"""More digits than Python reads of a number."""


@pytest.mark.parametrize(
    ("written", "number"),
    [
        *[("5", 5), ("-1", -1), ("+2", 2), ("007", 7), ("0" * 5000 + "3", 3), ("-" + "0" * 30, 0)],
        *[(str(2**63 - 1), 2**63 - 1), (str(-(2**63)), -(2**63)), (str(2**63), None), (ENDLESS, None)],
        *[("", None), ("+", None), ("1.0", None), (" 1", None), ("1\n", None), ("1_0", None), ("\u0663", None)],
    ],
)
def test_what_go_takes_for_an_integer(written: str, number: int | None) -> None:
    assert integer(written) == number


def test_a_wave_that_is_no_integer_leaves_the_weight_of_the_hook() -> None:
    annotations = {"argocd.argoproj.io/sync-wave": ENDLESS, "helm.sh/hook-weight": "-3"}
    assert waves.wave({"metadata": {"annotations": annotations}}) == -3
    assert waves.wave({"metadata": {"annotations": {"argocd.argoproj.io/sync-wave": ENDLESS}}}) == 0


def test_a_number_without_end_is_text_wherever_it_is(tmp_path: Path) -> None:
    assert cron_fault(f"{ENDLESS} * * * *").startswith("“999")
    assert cron_fault(f"*/{ENDLESS} * * * *").endswith("is not a step (the minute is 0 to 59)")
    assert overrides._count(ENDLESS) == ENDLESS
    assert overrides._count("3") == 3
    assert trailers.of_title(f"Promote {ENDLESS} applications from dev to prod", [("prod", "web")]) == []
    assert fetching._numbers(f"v1.{ENDLESS}") < fetching._numbers("v0.0.1")
    for error in ("parse error at (web/templates/a.yaml:{}): gone", "template: web/templates/a.yaml:{}:3: gone"):
        assert faults.cause(error.format(ENDLESS))[2].endswith("gone")
    assert faults.invalid_yaml(f"yaml: line {ENDLESS}: gone", tmp_path).line is None
    assert go_templates.failure(f"parse error at ({go_templates._TEMPLATES}/_{ENDLESS}.tpl:1): gone").text == -1


@pytest.mark.parametrize(
    ("name", "pointer"),
    [
        ('.spec[name="a"].image', ("spec", 1, "image")),
        ('.spec[name="x\\"b"].image', ("spec", 0, "image")),
        ('.spec[name="a\\x00b"].image', ("spec", 'name="a\\x00b"', "image")),
        ('.spec[name="a].image', ("spec", 'name="a', "image")),
        ("spec[1].image", ("spec", 1, "image")),
        (f"spec[{ENDLESS}].image", ("spec", ENDLESS, "image")),
        ("spec[-7].image", ("spec", "-7", "image")),
    ],
)
def test_a_field_that_a_server_names(name: str, pointer: tuple[str | int, ...]) -> None:
    assert dry_run.pointer(name, {"spec": [{"name": 'x"b'}, {"name": "a"}]}) == pointer


def test_what_has_another_shape_is_taken_for_empty() -> None:
    shapes: list[Any] = [{"a": 1}, [1], "a", 1, None]
    assert [*map(mapping, shapes)] == [{"a": 1}, {}, {}, {}, {}]
    assert [*map(sequence, shapes)] == [(), [1], (), (), ()]
    assert [*map(text, shapes)] == ["", "", "a", "", ""]
