"""Go templates, rendered as the templates of a chart that is made in memory."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Sequence

from argosy.errors import Fault, RenderError
from argosy.helm.faults import cause

_TEMPLATES = "templates/templates"
_MAIN = """\
texts:
{{- range $set := .Values.sets }}
- [{{ range $index, $file := list %s }}{{ if $index }}, {{ end }}{{ include $file $set | toJson }}{{ end }}]
{{- end }}
"""
MAIN = f"{_TEMPLATES}/main.yaml"
"""The one template of the chart that renders to anything."""


class GoTemplateError(RenderError):
    """Report a Go template that failed; `text` is its place among the texts, -1 where Helm does not tell."""

    def __init__(self, text: int, fault: Fault, *, parsing: bool) -> None:
        super().__init__([fault])
        self.text = text
        self.parsing = parsing
        """Whether the template failed to parse, and so fails with any parameters."""


def archive(texts: Sequence[str], definitions: str) -> bytes:
    """Return a chart archive that renders every text, each a file of its own, with every set of `.Values.sets`."""
    names = [f"{_TEMPLATES}/_{index}.tpl" for index in range(len(texts))]
    files = {
        "templates/Chart.yaml": "apiVersion: v2\nname: templates\nversion: 1.0.0\n",
        MAIN: _MAIN % " ".join(json.dumps(name) for name in names),
        f"{_TEMPLATES}/_definitions.tpl": definitions,
        **dict(zip(names, texts, strict=True)),
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as tar:
        for name, text in files.items():
            data = text.encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def rows(rendered: str) -> list[list[str]]:
    """Return what the chart's one manifest says: a row for each set, a text for each template."""
    return [json.loads(line[2:]) for line in rendered.splitlines() if line.startswith("- [")]


def failure(error: str) -> GoTemplateError:
    """Return Helm's error about the chart as one about a template."""
    numbers = re.findall(rf"{_TEMPLATES}/_(\d{{1,9}})\.tpl", error)
    message = cause(error)[2]
    return GoTemplateError(int(numbers[-1]) if numbers else -1, Fault(message), parsing=error.startswith("parse error"))
