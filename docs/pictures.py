"""The pictures of the pages, made anew by `make docs`."""

from __future__ import annotations

import io
from html import escape
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.sessions import Session, shortened
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


def terminal() -> str:
    """Return a session in a terminal as SVG: two mistakes that are found, and a promotion."""
    session = Session(CLICOLOR_FORCE="1", COLUMNS=str(COLUMNS), TERM="xterm-256color")
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for command in _BEFORE:
        session.printed(command)
    for command, *kept in _SHOWN:
        console.print(Text.assemble(("$ ", "bright_black"), (command, "bold")))
        printed = session.printed(command)
        if kept:
            console.print(Text.from_ansi(shortened(printed, kept)))
    return console.export_svg(title="argosy", code_format=_FRAME, unique_id="terminal")


def promotion() -> str:
    """Return the way of a release from environment to environment, as `argosy graph` draws it."""
    session = Session()
    session.printed(_LAID_OUT.replace("--env prod", "--env staging --env prod"))
    session.printed("cd gitops")
    return session.printed("argosy graph promotion")


COLUMNS = 104
_LAID_OUT = (
    "argosy init gitops --quiet --defaults --env dev --env prod --app shop --image ghcr.io/acme/shop:1.4.2 --port 8080"
    " --repo-url https://github.com/acme/gitops.git"
)
_BEFORE = (
    _LAID_OUT,
    "cd gitops",
    "perl -pi -e 's/replicaCount: 3/replicaCount: three/' environments/prod/shop/values.yaml",
    "perl -pi -e 's/CreateNamespace=true/CreateNamespace=True/' argocd/dev/shop.yaml",
)
_SHOWN = (
    ("argosy validate", "shop in", "error", "spelling", "null or", "[", "Write", "Fix the errors"),
    ("git restore .",),
    ("perl -pi -e 's/1.4.2/1.5.0/' environments/dev/shop/values.yaml",),
    ("git commit --quiet --all --message 'Run shop 1.5.0 in dev'",),
    ("argosy promote shop --to prod --commit --yes", "shop, dev", "verdict", "image", "replicaCount"),
    ("argosy status", "application", "shop", "deployments"),
)
_FRAME = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="argosy in a terminal">
<style>
.{unique_id}-matrix {{ font: {char_height}px/{line_height}px ui-monospace, Menlo, Consolas, monospace }}
.{unique_id}-title {{ font: bold 18px system-ui, sans-serif }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""Rich's own frame asks a server for a font."""
