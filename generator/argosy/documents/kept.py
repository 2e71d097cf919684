"""What texts hold, kept in the cache: to compose YAML takes many times as long as to find what it gave before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache as once
from itertools import groupby, islice, starmap
from pathlib import Path
from typing import Any, Literal, TypeVar

from argosy import cache
from argosy.documents.composer import Composed
from argosy.documents.defects import Defect, DefectKind

T = TypeVar("T")
Form = Literal["json", "rendered", "yaml"]
Held = tuple[Sequence[Composed], Sequence[Defect]]
"""What a text holds: the data of its documents, and what is wrong with it, of no path."""

_MOST = 32
"""How many texts are kept together."""


def together(these: Iterable[T], path: Callable[[T], str]) -> Iterator[Sequence[T]]:
    """Yield what comes sorted by path, several at once: of one application, of what runs in one environment.

    They are likely to change together, and each result in the cache is a file of its own.
    """
    for _, near in groupby(these, lambda each: path(each).split("/")[:-1][:3]):
        while some := [*islice(near, _MOST)]:
            yield some


def held(texts: Sequence[tuple[Form, str]], compose: Callable[[Form, str], Held]) -> Sequence[Held]:
    """Return what each of several texts holds, which is found together, or composed."""

    def made_from() -> cache.Inputs | None:
        forms = [form for form, _ in texts]
        return cache.inputs([_composer(), forms], texts=(text for _, text in texts))

    def made() -> Any:
        return [
            (
                [(each.index, each.line, each.data) for each in documents],
                [(each.kind, each.message, each.line, each.column, each.hint, each.document) for each in defects],
            )
            for documents, defects in starmap(compose, texts)
        ]

    found = cache.remembered(made_from, made, lambda *_: True, ())
    return [
        (
            [Composed(*each) for each in documents],
            [
                Defect(DefectKind(kind), message, "", line, column, hint, document)
                for kind, message, line, column, hint, document in defects
            ],
        )
        for documents, defects in found
    ]


@once
def _composer() -> str:
    """Return what decides what a text holds, besides the text."""
    return cache.maker(Path(__file__).parent.glob("*.py"), "PyYAML")
