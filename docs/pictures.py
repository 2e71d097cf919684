"""The pictures of the pages, made anew by `make docs`."""

from __future__ import annotations

from html import escape
from pathlib import Path

from tests.test_architecture import LAYERS

IMAGES = Path(__file__).parent / "images"
WIDTH, ROW = 720, 32


def write(name: str, picture: str) -> None:
    """Put a picture beside the pages, if it differs from the one that is there."""
    place = IMAGES / name
    if not place.exists() or place.read_text(encoding="utf-8") != picture:
        place.write_text(picture, encoding="utf-8")


def layers() -> str:
    """Return the layers of rooms as SVG, the command line on top."""
    rows = [" · ".join(layer.split()) for layer in LAYERS[1:]]
    drawn = [
        f'<rect x="44" y="{8 + ROW * place}" width="{WIDTH - 52}" height="{ROW - 6}" rx="5"/>'
        f'<text x="{44 + (WIDTH - 52) // 2}" y="{8 + ROW * place + 18}" text-anchor="middle">{escape(row)}</text>'
        for place, row in enumerate(rows)
    ]
    height = 10 + ROW * len(rows)
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="Layers">
<style>
svg {{ background: #fff; font: 14px system-ui, sans-serif }}
rect {{ fill: #eef1fb; stroke: #5c6bc0 }} text {{ fill: #1b1f3b }}
path {{ stroke: #5c6bc0; fill: none; stroke-width: 2 }}
@media (prefers-color-scheme: dark) {{
  svg {{ background: #1e2129 }} rect {{ fill: #2b3050; stroke: #9fa8da }} text {{ fill: #e8eaf6 }}
  path {{ stroke: #9fa8da }}
}}
</style>
<path d="M22 12V{height - 12}m-7 -9l7 9l7 -9"/>
{chr(10).join(drawn)}
</svg>
"""
