"""Expressions in CEL, as Kubernetes evaluates them: each value here is what its own libraries give."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.cel import engine
from argosy.cel.engine import DataError, Expression, FlawError, UnknownError


def value(text: str, **given: Any) -> Any:
    expression = engine.compiled(text, *given)
    assert isinstance(expression, Expression), expression
    return expression.value(given)


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
    found = engine.compiled(text, "self")
    assert isinstance(found, FlawError)
    assert message in str(found)


@pytest.mark.parametrize(
    "text",
    ["semver('1.2.3').major() == 1", "[1, 2].all(i, v, v > i)", "sets.contains([1], [1])", "[1].sortBy(x, -x) == [1]"],
)
def test_what_only_kubernetes_knows_is_no_flaw(text: str) -> None:
    assert isinstance(engine.compiled(text, "self"), UnknownError)


@pytest.mark.parametrize(
    ("text", "message", "is_absent"),
    [
        ("self.x > 1", 'no such key: "x"', True),
        ("self.a[3] == 1", "Index error: index=3 size=1", False),
        ("1 / self.zero == 1", "divide by zero", False),
        ("quantity(self.text).isInteger()", "text is no quantity", False),
    ],
)
def test_what_fails_on_the_data_fails_there_too(text: str, message: str, is_absent: bool) -> None:
    with pytest.raises(DataError) as caught:
        value(text, self={"a": [1], "zero": 0, "text": "text"})
    assert (str(caught.value), caught.value.is_absent) == (message, is_absent)


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
    with pytest.raises(UnknownError):
        value(text, self={"many": list(range(1001)), "long": "a" * 5000, "text": "a"})
