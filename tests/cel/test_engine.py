"""Expressions in CEL, as Kubernetes evaluates them: each value here is what its own libraries give."""

from __future__ import annotations

import os
import signal
import sys
from threading import Thread
from typing import Any

import pytest

from argosy import supervisor
from argosy.cel import engine
from argosy.cel.engine import DataError, Question, UnknownError
from tests.children import children, linux, until

_GROWN = ".replace('a', 'aaaaaaaaaa')" * 6
_TURNED = ".replace('a', 'b').replace('b', 'a')" * 10
ENDLESS = f"self.l.exists(each, size(self.s{_GROWN}{_TURNED}) < 0)"
"""A rule that takes minutes, of few steps."""


@pytest.fixture(autouse=True)
def _new_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("seconds", "stops"):
        monkeypatch.setattr(engine._Run, name, 0)


def value(text: str, **given: Any) -> Any:
    return engine.values([Question([text], given)], [*given])[0][0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1, 2, 3].isSorted() && !['b', 'a'].isSorted()", True),
        ("[1, 2].sum() == 3 && [3, 1].min() == 1 && [3, 1].max() == 3", True),
        ("[1, 2, 1].lastIndexOf(1) == 2 && ['a'].indexOf('b') == -1", True),
        ("'abc 123'.find('[0-9]+') == '123' && 'abc'.find('[0-9]+') == ''", True),
        ("'1 a 2'.findAll('[0-9]+') == ['1', '2'] && '1 a 2'.findAll('[0-9]+', 1) == ['1']", True),
        (
            "isURL('https://a') && isURL('/a/b') && isURL('http://a:99999') && !isURL('a/b') && !isURL('http://a b')",
            True,
        ),
        ("url('https://u@a.b:80/x%20y?z=1&z=2').getHost()", "a.b:80"),
        ("url('https://[::1]:80/x').getHostname() + url('https://[::1]:80/x').getPort()", "::180"),
        ("url('HTTPS://a/x%20y').getScheme() + url('https://a/x%20y').getEscapedPath()", "https/x%20y"),
        ("url('https://a?z=1&z=2').getQuery()['z']", ["1", "2"]),
        ("quantity('1Gi').isGreaterThan(quantity('1G')) && quantity('0.5').compareTo(quantity('500m')) == 0", True),
        (
            "quantity('1000m') == quantity('1') && quantity('50k').add(20).sub(quantity('20')).asInteger() == 50000",
            True,
        ),
        ("isQuantity('1e3') && isQuantity('.5') && isQuantity('1E') && !isQuantity('1K') && !isQuantity('1 Gi')", True),
        ("quantity('1.5').isInteger() || quantity('50.5').asApproximateFloat() != 50.5", False),
        ("isIP('127.0.0.1') && !isIP('::ffff:1.2.3.4') && !isIP('01.2.3.4') && !isIP('fe80::1%eth0')", True),
        ("ip('::1').family() == 6 && ip('::1').isLoopback() && !ip.isCanonical('2001:DB8::1')", True),
        ("string(ip('2001:DB8::1')) + string(cidr('10.0.0.1/8').masked())", "2001:db8::110.0.0.0/8"),
        ("cidr('10.0.0.0/8').containsIP('10.1.1.1') && !cidr('10.0.0.0/8').containsIP('::1')", True),
        ("cidr('10.0.0.1/8').containsCIDR('10.1.0.0/16') && cidr('10.0.0.1/8').prefixLength() == 8", True),
        ("isCIDR('10.0.0.1/8') && !isCIDR('10.0.0.0/08') && !isCIDR('10.0.0.0')", True),
        ("format.dns1123Label().validate('Abc').hasValue() && !format.uri().validate('http://a').hasValue()", True),
        ("format.qualifiedName().validate('a_b/c').hasValue() && !format.labelValue().validate('').hasValue()", True),
        ("self.?a.orValue(2) + self.?b[?0].orValue(3)", 5),
        ("'héé'.size() == 3 && 'a,b'.split(',').size() == 2 && 'Ab'.lowerAscii() == 'ab'", True),
        ("[{}, {'a': 1}].exists(x, x.a == 1)", True),
    ],
)
def test_what_kubernetes_gives(text: str, expected: Any) -> None:
    assert value(text, self={}) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("self.all(x", "missing ')' at '<EOF>'"),
        ("sefl.x == 1", "there is no variable “sefl”"),
        ("self.fnd('x') == 1", "there is no function “fnd”"),
    ],
)
def test_what_no_api_server_takes(text: str, message: str) -> None:
    assert message in str(engine.flaws([text], ["self"])[0])


@pytest.mark.parametrize(
    "text",
    ["semver('1.2.3').major() == 1", "[1, 2].all(i, v, v > i)", "sets.contains([1], [1])", "[1].sortBy(x, -x) == [1]"],
)
def test_what_only_kubernetes_knows_is_no_flaw(text: str) -> None:
    assert engine.flaws([text], ["self"]) == [None]
    assert isinstance(value(text, self={}), UnknownError)


@pytest.mark.parametrize(
    ("text", "message", "is_absent"),
    [
        ("self.x > 1", 'no such key: "x"', True),
        ("self.a[3] == 1", "Index error", False),
        ("1 / self.zero == 1", "divide by zero", False),
        ("quantity(self.text).isInteger()", "the text is no quantity", False),
    ],
)
def test_what_fails_on_the_data_fails_there_too(text: str, message: str, is_absent: bool) -> None:
    found = value(text, self={"a": [1], "zero": 0, "text": "text"})
    assert isinstance(found, DataError)
    assert (str(found), found.is_absent) == (message, is_absent)


@pytest.mark.parametrize(
    "text",
    [
        "self.many.all(x, self.many.all(y, self.many.all(z, x + y + z >= 0)))",
        "self.long.find('(a+)+b') == ''",
        "self.long.find('a*a*a*b') == ''",
        "self.text.startsWith(self.many)",
        "self.many.map(x, x + 1).size() > 0",
        "self.long.split('').map(x, x + 'b').size() > 0",
    ],
)
def test_what_would_never_end_or_is_of_another_type_is_unknown(text: str) -> None:
    assert isinstance(value(text, self={"many": list(range(1001)), "long": "a" * 5000, "text": "a"}), UnknownError)


@pytest.mark.parametrize("pattern", ["^(aa?)*b", "^((a*)a*)*b", "^(?:a|a)*b", "^(?P<x>a{0,9})+b"])
def test_a_pattern_that_repeats_choices_is_not_tried(pattern: str) -> None:
    assert "repeats repetitions" in str(value("self.find(p) == ''", self="a" * 40, p=pattern))
    assert value(f"self.find('{pattern[1:]}'.replace('b', 'c')) == ''", self="")


def test_a_pattern_whose_choices_are_many_is_not_tried() -> None:
    assert "too long to search" in str(value("self.find(p) == ''", self="a" * 30, p="a?" * 30 + "a" * 30))
    assert value("self.find('^(?:https?|ftp)://[a-z]+?$') == self", self="https://a") is True


def doubled(times: int) -> str:
    bound = "".join(f"cel.bind(v{each + 1}, v{each} + v{each}, " for each in range(times))
    return f"cel.bind(v0, self, {bound}size(v{times}) > 0" + ")" * (times + 1)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux alone")
def test_an_engine_that_is_stopped_is_started_again_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGOSY_RENDER_MEMORY", "200")
    supervisor.stop_all()
    for _ in range(3):
        assert str(value(doubled(26), self="abcdefgh")) == "Evaluating CEL needs more than 200 MB of memory"
        if engine._Run.stops < 3:
            assert value("self == 'a'", self="a") is True
    assert "was stopped 3 times" in str(value("self == 'a'", self="a"))


def test_what_does_not_end_is_stopped_and_all_have_one_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGOSY_RENDER_TIMEOUT", "0.2")
    supervisor.stop_all()
    assert str(value(ENDLESS, self={"l": [*range(1000)], "s": "a"})) == "Evaluating CEL did not end within 0.2 seconds"
    assert "all rules in CEL took more than 0.2 seconds" in str(value("self == 'a'", self="a"))


@linux
def test_an_engine_that_is_killed_is_a_reason_and_the_next_question_has_another() -> None:
    supervisor.stop_all()
    assert value("self == 'a'", self="a") is True
    known = supervisor.python(str(engine._WORKER), "argosy", engine._ENGINE)._process.pid

    def seconds() -> float:
        return dict(children(os.getpid())).get(known, 0)

    begun = seconds()

    def kill() -> None:
        until(lambda: seconds() > begun + 0.1)
        os.kill(known, signal.SIGKILL)

    killing = Thread(target=kill)
    killing.start()
    found = value(ENDLESS, self={"l": [*range(1000)], "s": "a"})
    killing.join()
    assert str(found) == "The engine was killed"
    assert value("self == 'a'", self="a") is True


def test_what_cannot_be_given_to_the_engine_is_unknown() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert isinstance(value("self == self", self=deep), UnknownError)
    assert value("self == 'a'", self="a") is True


def test_a_value_that_no_json_has_is_none_and_variables_keep_theirs() -> None:
    variables = [("bytes", "b'a'"), ("map", "{1: 'a'}"), ("bad", "nothing.x")]
    asked = Question(["variables.map", "variables.map[1] == 'a'", "[b'a']"], {"variables": {}}, variables)
    (first, second, bad, *found), rest = engine.values([asked, Question([], {})], ["variables"])
    assert (first, second, found, rest) == (None, None, [None, True, [None]], [])
    assert "nothing" in str(bad)


def test_reasons_quote_nothing_of_the_data() -> None:
    calls = ("int", "duration", "quantity", "url", "ip", "cidr", "'x'.find", "'x'.matches")
    of_token = [
        "{'a': 1}[T]",
        "self.map[self.a + T]",
        "[1][self.number]",
        "self[self.number]",
        "(T + '%z').format([1])",
    ]
    texts = [*(f"{each}(T + '(((')" for each in calls), *of_token, "'x'.find('[[:' + T)", "'x'.find('(a+)+' + T)"]
    texts = [each.replace("T", "self.token") for each in texts]
    given = {"self": {"token": "hunter2", "number": 777, "a": "a", "map": {}}}
    variables = [(f"v{place}", each) for place, each in enumerate(texts)]
    asked = Question([*texts, *(f"variables.{name}" for name, _ in variables)], {**given, "variables": {}}, variables)
    [found] = engine.values([asked], ["self", "variables"])
    assert [each for each in found if not isinstance(each, DataError | UnknownError)] == []
    assert [str(each) for each in found if "hunter2" in str(each) or "777" in str(each)] == []
