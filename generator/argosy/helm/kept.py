"""What Helm answered before: the same, as long as a chart leaves nothing to chance or to the clock."""

from __future__ import annotations

import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from argosy import cache, paths
from argosy.cache import Inputs
from argosy.helm.release import Release


def answer(release: Release, chart: Path, facts: Any, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what Helm answers about a chart's folder, which is a release's or a copy of it, with the release's values.

    `facts` tell which Helm is asked what; None where that cannot be told. An answer with an error is not kept.
    """
    given = [
        facts,
        release.chart.name,
        release.name,
        release.namespace,
        release.inline,
        [(each.name, each.value, each.force_string) for each in release.parameters],
        [name for name, _ in release.file_parameters],
        release.kube_version,
        [*release.api_versions],
        [release.skip_crds, release.skip_tests, release.skip_schema_validation],
    ]

    def made_from() -> Inputs | None:
        digest = _about(chart).digest
        others = [("", file) for file in (*release.values, *(file for _, file in release.file_parameters))]
        return cache.inputs([given, digest], others) if digest else None

    def is_lasting(made: dict[str, Any], inputs: Inputs) -> bool:
        if made.keys() & {"error", "odd", "file"}:
            return False
        # Helm may have seen another chart than the one that was there before.
        paths.see_anew(("chart", chart))
        if (found := _held(chart)) is None:
            return False
        paths.once(("chart", chart), lambda: _About.of(found))
        written = [json.dumps(release.inline).encode(), *(each.value.encode() for each in release.parameters)]
        return not leaves_to_chance([*found.contents, *inputs.contents, *written])

    if facts is None:
        return ask()
    return cache.remembered(made_from, ask, is_lasting, (chart, release.chart, release.within))


def informed(release: Release, chart: Path) -> Release:
    """Return a release with the cluster's API versions, where its chart's folder asks for some and it has no others."""
    if release.api_versions or not asks_for_apis(chart):
        return release
    return replace(release, api_versions=tuple(release.served()))


def asks_for_apis(chart: Path) -> bool:
    """Return whether a chart's folder, with what it has of others, may ask for the API versions of a cluster."""
    return _about(chart).asks


class _About(NamedTuple):
    """What has to be known of a chart's folder."""

    digest: str
    """Empty where it cannot be told."""
    asks: bool

    @staticmethod
    def of(held: Inputs | None) -> _About:
        if held is None:
            return _About("", True)
        return _About(held.digest, any(map(_asks, held.contents)))


def _about(chart: Path) -> _About:
    return paths.once(("chart", chart), lambda: _About.of(_held(chart)))


def _asks(text: bytes) -> bool:
    if not text.startswith(_GZIP):
        return b"APIVersions" in text
    return _archive_asks(text) if len(text) < _SMALL else _archive_asks.__wrapped__(text)


@lru_cache(maxsize=128)
def _archive_asks(archive: bytes) -> bool:
    try:
        return any(b"APIVersions" in each for each in _unpacked([archive]))
    except (OSError, EOFError, ValueError, zlib.error):
        return True


def _held(chart: Path) -> Inputs | None:
    """Return what a chart's folder holds; None where that cannot be told."""
    try:
        found = [*cache.below(chart)]
    except OSError:
        return None
    folders = [path for path, _, is_folder in found if is_folder]
    return cache.inputs(folders, [(path, place) for path, place, is_folder in found if not is_folder])


_CHANCE = re.compile(
    rb"\b(?:rand\w+|shuffle|uuid\w*|gen(?:CA|PrivateKey|S)\w*|htpasswd|bcrypt|encrypt\w*"
    rb"|now|ago|(?:must_?|html|to|\w+_)?[dD]ate\w*|mustToDate|unixEpoch|durationRound"
    # What they give has no order, or is another machine's business.
    rb"|keys|values|lookup|getHostByName)\b"
)
"""The functions that need not give the same twice."""
_COMMENT = re.compile(rb"-?\s*/\*")
_MOST_ACTIONS = 100_000
_GZIP = b"\x1f\x8b\x08"
_MOST = 100 * 1024 * 1024
"""Bytes of archives, unpacked."""


def leaves_to_chance(texts: Sequence[bytes]) -> bool:
    """Return whether the texts of a chart and its values may call for what is another each time.

    Templates stand between `{{` and `}}`, in values too. Where these are put together, any word may become a call.
    """
    try:
        plain = [*_unpacked(texts)]
    except (OSError, EOFError, ValueError, zlib.error):
        return True
    found = [_seen(text) if len(text) < _SMALL else _seen.__wrapped__(text) for text in plain]
    is_unclear = any(unclear for unclear, _, _ in found)
    return any(anywhere if is_unclear else in_action for _, in_action, anywhere in found)


_SMALL = 64 * 1024


@lru_cache(maxsize=2048)
def _seen(text: bytes) -> tuple[bool, bool, bool]:
    """Return whether a text's actions cannot be told apart, and whether one of them, or any word, is of chance."""
    actions = [*_actions(text)]
    in_action = any(map(_CHANCE.search, filter(None, actions)))
    return None in actions, in_action, _CHANCE.search(text) is not None


def _actions(text: bytes) -> Iterator[bytes | None]:
    """Yield what stands between `{{` and `}}`, or a little more, without comments; None where a `{{` is within one."""
    if text.count(b"{{") > _MOST_ACTIONS:
        yield None
        return
    for piece in text.split(b"{{")[1:]:
        # A `}}` may stand in a text of the action.
        action, end, _ = piece.rpartition(b"}}")
        if not end:
            yield None
        elif not _COMMENT.match(action):
            yield action


def _unpacked(texts: Sequence[bytes]) -> Iterator[bytes]:
    """Yield the texts, archives unpacked; raise ValueError for what holds another archive, or is too much."""
    left = _MOST
    for text in texts:
        if not text.startswith(_GZIP):
            yield text
            continue
        with gzip.open(io.BytesIO(text)) as archive:
            plain = archive.read(left + 1)
        left -= len(plain)
        if left < 0 or _GZIP in plain:
            raise ValueError("too much, or an archive in an archive")
        yield plain
