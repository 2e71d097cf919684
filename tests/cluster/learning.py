"""Learn from the API server's verdicts what it asks of single fields: `python -m tests.cluster.learning [VERDICTS]`.

A field's constraint is the strictest of the known ones that takes every value which the server took, wherever the field
stands; its enumerations are those that the server lists. Only what the server says of that very field counts.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

from argosy.schemas import bundled
from tests.cluster import building, differential, mutations
from tests.cluster.mutations import Place

INTO = bundled.FOLDER / "kubernetes-server.json"
_WIDTH = 120
_COMMON = "common.json#/$defs/"
_SUPPORTED = re.compile(r'Unsupported value: .*?: supported values: ("[^"]*"(?:, "[^"]*")*)$')
FORMATS: Mapping[str, str] = {
    "a lowercase RFC 1123 label must": "dnsLabel",
    "a lowercase RFC 1123 subdomain must": "dnsSubdomain",
    "lower case alphanumeric characters, '-' or '.', and must start": "dnsName",
    "a lowercase RFC 1123 label must consist": "dnsLabelPrefix",
    "alphanumeric characters, '_', '-' or '.'": "dnsSearch",
    "a wildcard DNS-1123 subdomain must": "dnsWildcard",
    "should be a domain with at least three segments": "dnsThreeSegments",
    "may have mixed case": "kindName",
    "must be a domain-prefixed path": "domainPath",
    "must be a fully qualified domain and path": "domainPath",
    "must be a simple json path": "jsonPath",
    "a valid HTTP header must": "httpHeader",
    "characters and match regex": "sysctl",
    "is the only allowed URL scheme": "httpsUrl",
    "must be a valid CEL identifier": "celName",
    "a valid environment variable name must": "variableName",
    "may not contain '/'": "pathSegment",
    "must start with a '/'": "absolutePath",
    "a DNS-1035 label must": "dns1035Label",
    "name part must": "qualifiedName",
    "prefix part must": "qualifiedName",
    "a qualified name must": "qualifiedName",
    "a valid label key must": "qualifiedName",
    "a valid label must": "labelValue",
    "a valid config key must": "dataKey",
    "must be an absolute path": "absolutePath",
    "must be a valid IP address": "ip",
    "must be a valid CIDR value": "cidr",
    "must contain only alpha-numeric characters (a-z, 0-9), and hyphens": "portName",
    "must contain at least one letter": "portName",
    "must be no more than 15 characters": "portName",
    "a valid percent string must": "percent",
    "must not contain '..'": "inside",
    "parsing time": "time",
}
"""What a message of the server begins with, and the format that it describes."""
_BOUNDS: Mapping[str, Mapping[str, int]] = {
    "must be greater than or equal to 0": {"minimum": 0},
    "must be greater than 0": {"minimum": 1},
    "must be between 1 and 65535, inclusive ": {"minimum": 0, "maximum": 65535},
    "must be between 1 and 65535, inclusive": {"minimum": 1, "maximum": 65535},
    "must be between 0 and 65535, inclusive": {"minimum": 0, "maximum": 65535},
    "must be between 1 and 100, inclusive": {"minimum": 1, "maximum": 100},
    "must be between 1 and 2147483647, inclusive": {"minimum": 1},
}
_BY_KIND = {Place("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", each) for each in ("name", "generateName")}
"""What the object's kind decides, and not the field's type."""
_UNCHECKED = ("spec", "template", "spec")
"""Where the server checks next to nothing of a StatefulSet: its Pods are refused later, one by one."""
Verdict = tuple[str, int, str, list[tuple[str, str, str]]]
"""A mutation's name, the HTTP code, the message, and the causes: field, reason, message."""


def learn(verdicts: Iterable[Verdict]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return type -> field -> keywords, as `kubernetes-constraints.json` has them."""
    taken: dict[Place, list[Any]] = defaultdict(list)
    refused: dict[Place, list[str]] = defaultdict(list)
    denied: dict[Place, list[Any]] = defaultdict(list)
    known = mutations.all_of()
    for name, code, message, causes in verdicts:
        each = known.get(name)
        if each is None or each.place is None:
            continue
        if code < 300:
            if each.manifest["kind"] == "StatefulSet" and each.path[:3] == _UNCHECKED:
                continue
            taken[each.place].append(each.value)
            continue
        at = ".".join(map(str, each.path))
        own = [
            told for field, _, told in causes if re.sub(r"\[(\d+)\]", r".\1", field or "") == at or _names(told, each)
        ]
        own += [message] if "parsing time" in message else []
        refused[each.place] += own
        denied[each.place] += [each.value] if own else []
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for place in sorted({*refused} - _BY_KIND):
        keywords = _strictest(taken[place], denied[place], refused[place])
        if keywords:
            field = found.setdefault(place.type, {}).setdefault(place.field, {})
            field.update({place.position: keywords} if place.position else keywords)
    return found


def _names(told: str, mutation: mutations.Mutation) -> bool:
    """Return whether the server names the value that was changed: not every field is told as it is written."""
    text = mutation.value
    return isinstance(text, str) and bool(text) and f"alue: {json.dumps(text, ensure_ascii=False)}: " in told


def _strictest(taken: list[Any], denied: list[Any], messages: list[str]) -> dict[str, Any]:
    """Return the candidate that refuses most of what was refused, of those that take all that was taken."""
    fits = [
        each
        for each in _candidates(messages, denied)
        if all(_takes(each, value) for value in taken if value is not None)
    ]
    found = max(fits, key=lambda each: sum(not _takes(each, value) for value in denied), default={})
    return found if any(not _takes(found, value) for value in denied) else {}


def _candidates(messages: list[str], values: list[Any]) -> Iterator[dict[str, Any]]:
    """Yield what the messages may mean, the strictest first."""
    listed = {value for each in messages if (match := _SUPPORTED.search(each)) for value in json.loads(f"[{match[1]}]")}
    if listed and any(isinstance(each, str) for each in values):
        yield {"enum": sorted(listed)}
        yield {"enum": ["", *sorted(listed - {""})]}
    told = [each.partition(": ")[2].rpartition('": ')[2] or each for each in messages]
    for begins, name in FORMATS.items():
        if any(begins in each for each in messages):
            yield {"$ref": f"{_COMMON}{name}"}
            yield {"anyOf": [{"const": ""}, {"$ref": f"{_COMMON}{name}"}]}
    for begins, bounds in _BOUNDS.items():
        if any(begins.strip() in each for each in told):
            yield dict(bounds)
    if any(each.startswith("Required value") for each in messages):
        yield {"minLength": 1}
        yield {"minItems": 1}


@cache
def _validator(keywords: str) -> Any:
    registry = jsonschema_rs.Registry([("argosy:/common.json", bundled.by_uri()["argosy:/common.json"])])
    return jsonschema_rs.validator_for(json.loads(keywords), registry=registry, validate_formats=True)


def _takes(keywords: Mapping[str, Any], value: Any) -> bool:
    """Return whether keywords take a value; what is of another type has another error."""
    return bool(_validator(json.dumps(keywords).replace("common.json#", "argosy:/common.json#")).is_valid(value))


def _written(types: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Return the file: a line for a type, or one for each of its fields."""
    blocks = []
    for name, fields in types.items():
        rows = [
            f"{json.dumps(field)}: {json.dumps(keywords, ensure_ascii=False)}" for field, keywords in fields.items()
        ]
        line = f"    {json.dumps(name)}: {{{', '.join(rows)}}}"
        block = f"    {json.dumps(name)}: {{\n      " + ",\n      ".join(rows) + "\n    }"
        blocks.append(line if len(line) < _WIDTH else block)
    description = (
        f"What the API server of Kubernetes {building.version()} answered about single fields: "
        "type -> field -> keywords. Made by: python -m tests.cluster.learning."
    )
    text = f'{{\n  "description": {json.dumps(description)},\n  "types": {{\n'
    return text + ",\n".join(blocks) + "\n  }\n}\n"


def main() -> None:
    """Ask the API server about all mutations, keep its verdicts in a file if one is given, and write what they say."""
    kept = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    if kept is None or not kept.exists():
        found = differential.recorded(list(mutations.all_of().values()))
        if kept:
            kept.write_text("".join(f"{json.dumps(each)}\n" for each in found), encoding="utf-8")
    else:
        found = [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]
    INTO.write_text(_written(learn(found)), encoding="utf-8")


if __name__ == "__main__":
    main()
