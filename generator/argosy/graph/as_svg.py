"""A graph as an SVG picture, light and dark, of text that can be searched and read aloud."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from argosy.graph import Box, Graph, layout
from argosy.terminal import printable

_LETTER, _LINE, _SIDE, _TOP = 7.25, 16, 10, 8
"""How wide a letter of 12 px is in a font of equal widths, how high a line, and what is free around a box's text."""
_BETWEEN_COLUMNS, _BETWEEN_BOXES, _MARGIN = 64, 14, 12
_LONGEST = 60
"""How many letters of a line are shown; all of them are in the box's title."""
_TINTS = 6
STYLE = """
.argosy-graph text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:var(--ink)}
.argosy-graph text.title{font-weight:600}
.argosy-graph rect.box{fill:var(--box);stroke:var(--line)}
.argosy-graph rect.dashed{stroke-dasharray:5 4}
.argosy-graph rect.paper{fill:var(--paper)}
.argosy-graph path.arrow{fill:none;stroke:var(--line);stroke-width:1.2}
.argosy-graph path.head{fill:var(--line)}
.argosy-graph .tint0{fill:#0969da}.argosy-graph .tint1{fill:#1a7f37}.argosy-graph .tint2{fill:#9a6700}
.argosy-graph .tint3{fill:#8250df}.argosy-graph .tint4{fill:#cf222e}.argosy-graph .tint5{fill:#0f766e}
"""
_LIGHT, _DARK = (
    "--ink:#1c2128;--paper:#fff;--box:#f6f8fa;--line:#57606a",
    "--ink:#e6edf3;--paper:#0d1117;--box:#161b22;--line:#9198a1",
)


def format_graph(graph: Graph) -> str:
    """Return a picture that stands alone: its colours follow whether its reader prefers light or dark."""
    dark = f"@media (prefers-color-scheme:dark){{.argosy-graph{{{_DARK}}}}}"
    return drawn(graph, style=f"<style>.argosy-graph{{{_LIGHT}}}{STYLE}{dark}</style>") + "\n"


@dataclass(frozen=True, slots=True)
class _Place:
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


def drawn(graph: Graph, *, style: str = "") -> str:
    """Return the picture as an element, for a page that has `STYLE` or its own colours."""
    laid = layout.of(graph)
    places = _places(graph, laid.columns)
    width = max((each.x + each.width for each in places.values()), default=0) + _MARGIN
    height = max((each.y + each.height for each in places.values()), default=0) + _MARGIN
    groups = {group: number for number, group in enumerate(dict.fromkeys(each.group for each in graph.boxes))}
    title = _escaped(graph.title or "Graph")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="argosy-graph" role="img" aria-label="{title}" '
        f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}">',
        f"<title>{title}</title>{style}",
        '<rect class="paper" width="100%" height="100%"/>',
    ]
    for arrow, path in zip(graph.arrows, laid.paths, strict=True):
        parts.append(_arrow([places[each] for each in path], arrow.label))
    for number, box in enumerate(graph.boxes):
        parts.append(_box(box, places[number], groups[box.group] % _TINTS if box.group else None))
    return "\n".join([*parts, "</svg>"])


def _places(graph: Graph, columns: Sequence[Sequence[int]]) -> Mapping[int, _Place]:
    """Return where boxes and bends are; each column is centred beside the highest one."""
    sizes = {
        number: (
            max(_width(_shortened(line)) for line in _lines(box)) * _LETTER + 2 * _SIDE,
            len(_lines(box)) * _LINE + 2 * _TOP,
        )
        for number, box in enumerate(graph.boxes)
    }
    heights = [
        sum(sizes.get(each, (0, 0))[1] + _BETWEEN_BOXES for each in column) - _BETWEEN_BOXES for column in columns
    ]
    labels = max((_width(_shortened(each.label)) * _LETTER for each in graph.arrows), default=0)
    places, x = dict[int, _Place](), float(_MARGIN)
    for column, high in zip(columns, heights, strict=True):
        widest = max(sizes.get(each, (0, 0))[0] for each in column)
        y = _MARGIN + (max(heights) - high) / 2
        for each in column:
            width, height = (widest, sizes[each][1]) if each in sizes else (widest, 0.0)
            places[each] = _Place(x, y, width, height)
            y += height + _BETWEEN_BOXES
        x += widest + _BETWEEN_COLUMNS + labels
    return places


def _arrow(path: Sequence[_Place], label: str) -> str:
    if path[0].x > path[-1].x:  # It goes back, from the left of one box to the right of another.
        path = [_Place(each.x + each.width, each.y, -each.width, each.height) for each in path]
    start = path[0]
    drawn = [f"M{start.x + start.width:.1f} {start.middle:.1f}"]
    for one, other in pairwise(path):
        left, right = one.x + one.width, other.x
        if left != right and other is path[-1]:
            right -= 6 if right > left else -6
        half = (left + right) / 2
        drawn.append(f"C{half:.1f} {one.middle:.1f} {half:.1f} {other.middle:.1f} {right:.1f} {other.middle:.1f}")
        if other is not path[-1]:
            drawn.append(f"L{other.x + other.width:.1f} {other.middle:.1f}")
    end = path[-1]
    back = -1 if end.width < 0 else 1
    head = f"M{end.x:.1f} {end.middle:.1f}l{-7 * back} -4v8z"
    told = ""
    if label:
        x, y = (start.x + start.width + path[1].x) / 2, (start.middle + path[1].middle) / 2 - 5
        told = f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{_escaped(_shortened(label))}</text>'
    return f'<path class="arrow" d="{"".join(drawn)}"/><path class="head" d="{head}"/>{told}'


def _box(box: Box, place: _Place, tint: int | None) -> str:
    lines = [
        f'<text class="{"line" if number else "title"}" x="{place.x + _SIDE:.1f}" '
        f'y="{place.y + _TOP + number * _LINE + 12:.1f}">{_escaped(_shortened(line))}</text>'
        for number, line in enumerate(_lines(box))
    ]
    stripe = "" if tint is None else _rectangle(f"tint{tint}", replace(place, width=4))
    said = _escaped("\n".join(_lines(box)))
    shape = _rectangle("box dashed" if box.is_dashed else "box", place)
    return f"<g><title>{said}</title>{shape}{stripe}{''.join(lines)}</g>"


def _lines(box: Box) -> Sequence[str]:
    return (*box.lines, box.group) if box.group else box.lines


def _rectangle(name: str, place: _Place) -> str:
    size = f'width="{place.width:.1f}" height="{place.height:.1f}"'
    return f'<rect class="{name}" x="{place.x:.1f}" y="{place.y:.1f}" {size} rx="3"/>'


def _shortened(line: str) -> str:
    shown = " ".join(printable(line).split())
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


def _escaped(text: str) -> str:
    return html.escape(printable(text))
