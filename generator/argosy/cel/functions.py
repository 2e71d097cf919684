"""The functions that Kubernetes adds to CEL, on values that are lists, maps and text here.

Of what CEL has no type for, a map stands: {"quantity": "1Gi"}, {"url": "https://a"}, {"ip": "::1"}, {"cidr": "::/0"},
{"format": "uuid"}, {"semver": "1.2.3"} and, for optional values, {"optional": [value]}.
"""

from __future__ import annotations

import ipaddress
import math
import re
import time
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

_FURTHER = (
    "allowed authorizer base64 byte check date datetime distinct dns1035LabelPrefix dns1123LabelPrefix "
    "dns1123SubdomainPrefix errored escapeKey fieldSelector first flatten format group isSemver JSONPatch "
    "jsonpatch labelSelector last lists major math minor named Object patch path range reason resource "
    "reverse semver serviceAccount sets slice sort sortBy subresource transformList transformMap "
    "transformMapEntry isLinkLocalMulticast isGlobalUnicast isInterfaceLocalMulticast cel"
)
FURTHER = frozenset(_FURTHER.split())
"""What Kubernetes knows and this does not."""
_LARGEST = 1_000_000
"""How many steps one search may take."""
SECONDS = 1.0
"""How long the searches of one evaluation may take: a loop over lists has thousands."""


def extension(cel: Any) -> Any:
    """Return the functions as an extension of the engine."""
    overloads: dict[str, list[Any]] = {}
    types = {name: getattr(cel.Type, name) for name in ("BOOL", "DYN", "DOUBLE", "INT", "LIST", "MAP", "STRING")}
    for name, parameters, is_member, gives, function in _FUNCTIONS:
        given = [types[each] for each in parameters.split()]
        identity = f"{name}_{len(overloads.get(name, ()))}_{parameters.replace(' ', '_').lower()}"
        made = cel.Overload(identity, types[gives], given, is_member, function)
        overloads.setdefault(name, []).append(made)
    return cel.CelExtension("kubernetes", [cel.FunctionDecl(name, each) for name, each in overloads.items()])


# Lists


def _sum(values: list[Any]) -> Any:
    return sum(values) if values else 0


def _extreme(choose: Callable[[Iterable[Any]], Any]) -> Callable[[list[Any]], Any]:
    def of(values: list[Any]) -> Any:
        if not values:
            raise ValueError("min and max of an empty list")
        return choose(values)

    return of


def _index(values: list[Any], wanted: Any) -> int:
    return next((place for place, each in enumerate(values) if _same(each, wanted)), -1)


def _last_index(values: list[Any], wanted: Any) -> int:
    return max((place for place, each in enumerate(values) if _same(each, wanted)), default=-1)


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _is_sorted(values: list[Any]) -> bool:
    return all(one <= other for one, other in pairwise(values))


# Regular expressions


@cache
def _pattern(pattern: str) -> tuple[re.Pattern[str], int, int]:
    """Return a pattern, how many of its repetitions have no end, and in how many ways all else may be taken.

    Raise TypeError where Go may read it otherwise. Python tries all ways to match, so that no choice may be within a
    repetition.
    """
    if re.search(r"\[\[:|\\[pPzQCx0-9]|\(\?[^:P]|\(\?P[^<]", pattern):
        raise TypeError("the pattern is not read alike everywhere")
    try:
        made = re.compile(pattern, re.ASCII)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError("the pattern is malformed") from error
    bare = re.sub(r"\\.|\[\^?\]?(\\.|[^\]])*\]", "a", pattern, flags=re.DOTALL)
    bare = re.sub(r"\(\?(:|P<\w+>)", "(", bare)
    bare = re.sub(r"([*+?}])\?", r"\1", bare)
    if _repeats_choices(bare):
        raise TypeError("the pattern repeats repetitions")
    ways = 2 ** bare.count("?") * math.prod(each.count("|") + 1 for each in re.split(r"[()]", bare))
    return made, len(re.findall(r"[*+{]", bare)), ways


def _repeats_choices(bare: str) -> bool:
    """Return whether a group is repeated that holds a repetition, or an alternative."""
    chosen = [False]
    for place, each in enumerate(bare):
        if each == "(":
            chosen.append(False)
        elif each == ")":
            is_chosen = chosen.pop()
            if is_chosen and bare[place + 1 : place + 2] in {"*", "+", "{"}:
                return True
            chosen[-1] |= is_chosen
        else:
            chosen[-1] |= each in "*+?{|"
    return False


class Clock:
    """When the searches of an evaluation have to end."""

    end = math.inf


def _matches(text: str, pattern: str) -> Iterable[str]:
    if time.monotonic() > Clock.end:
        raise TypeError("the searches take too long")
    made, repetitions, ways = _pattern(pattern)
    if ways * (len(text) + 1) ** (repetitions + 1) > _LARGEST or (text.endswith("\n") and "$" in pattern):
        raise TypeError("the text is too long to search")
    return (match[0] for match in made.finditer(text))


def _find(text: str, pattern: str) -> str:
    return next(iter(_matches(text, pattern)), "")


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    found = [*_matches(text, pattern)]
    return found if limit < 0 else found[:limit]


# URLs


def _split(text: str) -> Any:
    """Return the parts of an absolute URI, or of an absolute path, as Go's url.ParseRequestURI takes them."""
    parts = urlsplit(text)
    is_wrong = re.search(r"[\x00-\x20\x7f]", text) or re.search(r"%(?![0-9A-Fa-f]{2})", text.partition("?")[0])
    if is_wrong or not (text.startswith("/") or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:.", text)):
        raise ValueError("the text is no URL")
    if not re.fullmatch(r"(\[[^\]]*\]|[^:\[\]]*)(:\d*)?", _host(parts)):
        raise ValueError("the text is no URL")
    return parts


def _url(text: str) -> dict[str, str]:
    _split(text)
    return {"url": text}


def _host(parts: Any) -> str:
    return str(parts.netloc.rpartition("@")[2])


def _of_url(read: Callable[[Any], Any]) -> Callable[[Mapping[str, str]], Any]:
    return lambda url: read(_split(_tagged(url, "url")))


# Quantities

_SUFFIXES = {"n": -3, "u": -2, "m": -1, "": 0, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_QUANTITY = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+))([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d{1,3})?")


def _number(text: str) -> Decimal:
    found = _QUANTITY.fullmatch(text)
    if not found:
        raise ValueError("the text is no quantity")
    value, suffix = Decimal(found[1]), found[2] or ""
    if suffix in _BINARY:
        return value * Decimal(1024) ** _BINARY[suffix]
    if suffix in _SUFFIXES:
        return value * Decimal(1000) ** _SUFFIXES[suffix]
    return value * Decimal(10) ** int(suffix[1:])


def _quantity(text: str) -> dict[str, str]:
    return {"quantity": f"{_number(text).normalize():f}"}


def _amount(value: Any) -> Decimal:
    return Decimal(value) if isinstance(value, int) else _number(_tagged(value, "quantity"))


def _compared(one: Mapping[str, str], other: Mapping[str, str]) -> int:
    if "semver" in one:
        raise TypeError("versions are not compared here")
    first, second = _amount(one), _amount(other)
    return (first > second) - (first < second)


def _is_integer(value: Mapping[str, str]) -> bool:
    amount = _amount(value)
    return amount == amount.to_integral_value() and -(2**63) <= amount < 2**63


def _as_integer(value: Mapping[str, str]) -> int:
    if not _is_integer(value):
        raise ValueError("cannot convert value to integer")
    return int(_amount(value))


# Addresses


def _address(text: str) -> Any:
    try:
        found = ipaddress.ip_address(text)
    except ValueError as error:
        raise ValueError("the text is no IP address") from error
    if "%" in text or (found.version == 6 and found.ipv4_mapped):
        raise ValueError("the text is no IP address")
    return found


def _ip(text: str) -> dict[str, str]:
    return {"ip": str(_address(text))}


def _network(text: str) -> Any:
    if not re.fullmatch(r"[^/]+/(0|[1-9]\d{0,2})", text):
        raise ValueError("the text is no CIDR")
    _address(text.partition("/")[0])
    return ipaddress.ip_interface(text)


def _cidr(text: str) -> dict[str, str]:
    _network(text)
    return {"cidr": text}


def _of_ip(read: Callable[[Any], Any]) -> Callable[[Mapping[str, str]], Any]:
    return lambda value: read(_address(_tagged(value, "ip")))


def _of_cidr(read: Callable[[Any], Any]) -> Callable[[Mapping[str, str]], Any]:
    return lambda value: read(_network(_tagged(value, "cidr")))


def _contains_ip(value: Mapping[str, str], other: Any) -> bool:
    address = _address(other if isinstance(other, str) else _tagged(other, "ip"))
    return address in _network(_tagged(value, "cidr")).network


def _contains_cidr(value: Mapping[str, str], other: Any) -> bool:
    inner = _network(other if isinstance(other, str) else _tagged(other, "cidr")).network
    outer = _network(_tagged(value, "cidr")).network
    return bool(inner.version == outer.version and inner.subnet_of(outer))


def _is(make: Callable[[str], Any]) -> Callable[[str], bool]:
    def of(text: str) -> bool:
        try:
            make(text)
        except (ValueError, InvalidOperation):
            return False
        return True

    return of


# Formats

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)"


def _is_qualified(text: str) -> bool:
    prefix, slash, name = text.rpartition("/")
    is_named = bool(re.fullmatch(_QUALIFIED, name)) and len(name) <= 63
    return is_named and (not slash or _FORMATS["dns1123Subdomain"](prefix))


_FORMATS: Mapping[str, Callable[[str], bool]] = {
    "dns1123Label": lambda text: len(text) <= 63 and bool(re.fullmatch(_LABEL, text)),
    "dns1123Subdomain": lambda text: len(text) <= 253 and bool(re.fullmatch(rf"{_LABEL}(\.{_LABEL})*", text)),
    "dns1035Label": lambda text: len(text) <= 63 and bool(re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", text)),
    "labelValue": lambda text: not text or (len(text) <= 63 and bool(re.fullmatch(_QUALIFIED, text))),
    "qualifiedName": _is_qualified,
    "uuid": lambda text: bool(re.fullmatch(r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}", text)),
    "uri": _is(_split),
}


def _validated(value: Mapping[str, str], text: str) -> dict[str, list[Any]]:
    judge = _FORMATS.get(_tagged(value, "format"))
    if judge is None:
        raise TypeError("the format is not known here")
    return {"optional": [] if judge(text) else [[f"is no {value['format']}"]]}


def _optional(value: Mapping[str, Any]) -> list[Any]:
    return list(_tagged(value, "optional"))


def _first(value: Mapping[str, Any]) -> Any:
    found = _optional(value)
    if not found:
        raise ValueError("optional.none() dereference")
    return found[0]


def _tagged(value: Any, tag: str) -> Any:
    if not isinstance(value, Mapping) or value.keys() != {tag}:
        raise TypeError(f"the value is no {tag}")
    return value[tag]


def _text(value: Mapping[str, str]) -> str:
    if value.keys() in ({"ip"}, {"cidr"}, {"url"}):
        return next(iter(value.values()))
    raise TypeError("the value has no text")


_FUNCTIONS: list[tuple[str, str, bool, str, Callable[..., Any]]] = [
    ("isSorted", "LIST", True, "BOOL", _is_sorted),
    ("sum", "LIST", True, "DYN", _sum),
    ("min", "LIST", True, "DYN", _extreme(min)),
    ("max", "LIST", True, "DYN", _extreme(max)),
    ("indexOf", "LIST DYN", True, "INT", _index),
    ("lastIndexOf", "LIST DYN", True, "INT", _last_index),
    ("find", "STRING STRING", True, "STRING", _find),
    ("findAll", "STRING STRING", True, "LIST", _find_all),
    ("findAll", "STRING STRING INT", True, "LIST", _find_all),
    ("url", "STRING", False, "DYN", _url),
    ("isURL", "STRING", False, "BOOL", _is(_split)),
    ("getScheme", "MAP", True, "STRING", _of_url(lambda parts: parts.scheme)),
    ("getHost", "MAP", True, "STRING", _of_url(_host)),
    ("getHostname", "MAP", True, "STRING", _of_url(lambda parts: re.sub(r":\d*$", "", _host(parts)).strip("[]"))),
    (
        "getPort",
        "MAP",
        True,
        "STRING",
        _of_url(lambda parts: re.sub(r".*?(?::(\d*))?$", r"\1", _host(parts).rpartition("]")[2])),
    ),
    ("getEscapedPath", "MAP", True, "STRING", _of_url(lambda parts: parts.path)),
    ("getQuery", "MAP", True, "DYN", _of_url(lambda parts: parse_qs(parts.query, keep_blank_values=True))),
    ("quantity", "STRING", False, "DYN", _quantity),
    ("isQuantity", "STRING", False, "BOOL", _is(_number)),
    ("sign", "MAP", True, "INT", lambda value: int(math.copysign(1, _amount(value))) if _amount(value) else 0),
    ("add", "MAP DYN", True, "DYN", lambda one, other: _quantity(f"{_amount(one) + _amount(other):f}")),
    ("sub", "MAP DYN", True, "DYN", lambda one, other: _quantity(f"{_amount(one) - _amount(other):f}")),
    ("isLessThan", "MAP MAP", True, "BOOL", lambda one, other: _compared(one, other) < 0),
    ("isGreaterThan", "MAP MAP", True, "BOOL", lambda one, other: _compared(one, other) > 0),
    ("compareTo", "MAP MAP", True, "INT", _compared),
    ("isInteger", "MAP", True, "BOOL", _is_integer),
    ("asInteger", "MAP", True, "INT", _as_integer),
    ("asApproximateFloat", "MAP", True, "DOUBLE", lambda value: float(_amount(value))),
    ("ip", "STRING", False, "DYN", _ip),
    ("isIP", "STRING", False, "BOOL", _is(_address)),
    ("ip.isCanonical", "STRING", False, "BOOL", lambda text: str(_address(text)) == text),
    ("family", "MAP", True, "INT", _of_ip(lambda address: address.version)),
    ("isUnspecified", "MAP", True, "BOOL", _of_ip(lambda address: address.is_unspecified)),
    ("isLoopback", "MAP", True, "BOOL", _of_ip(lambda address: address.is_loopback)),
    ("isLinkLocalUnicast", "MAP", True, "BOOL", _of_ip(lambda address: address.is_link_local)),
    ("cidr", "STRING", False, "DYN", _cidr),
    ("isCIDR", "STRING", False, "BOOL", _is(_network)),
    ("containsIP", "MAP DYN", True, "BOOL", _contains_ip),
    ("containsCIDR", "MAP DYN", True, "BOOL", _contains_cidr),
    ("prefixLength", "MAP", True, "INT", _of_cidr(lambda each: each.network.prefixlen)),
    ("masked", "MAP", True, "DYN", _of_cidr(lambda each: {"cidr": str(each.network)})),
    ("ip", "MAP", True, "DYN", _of_cidr(lambda each: {"ip": str(each.ip)})),
    ("string", "MAP", False, "STRING", _text),
    *[(f"format.{name}", "", False, "DYN", lambda name=name: {"format": name}) for name in _FORMATS],
    ("validate", "MAP STRING", True, "DYN", _validated),
    ("hasValue", "MAP", True, "BOOL", lambda value: bool(_optional(value))),
    ("value", "MAP", True, "DYN", _first),
    ("orValue", "MAP DYN", True, "DYN", lambda value, other: [*_optional(value), other][0]),
]
"""Name, types of the parameters, whether it is called on the first, type of the result, and what it does."""
