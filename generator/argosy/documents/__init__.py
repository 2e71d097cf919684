"""Files -> documents, with the line of every field, whatever the file holds.

Nothing here raises because of what a file holds, and nothing takes more than linear time or memory: whatever is wrong
is a `Defect`, a value beside the documents that could be read.

Scalars become what the Kubernetes tools (sigs.k8s.io/yaml, so kubectl, Helm and Argo CD) make of them: `yes` and `on`
are true, `0644` is 420, `1e3` is 1000, a date and `1:30` are text, and every key is text. What JSON has no number for
(`.inf`, `1e400`) stays text. Aliases are not copied: the same Python object stands in several places.
"""

from __future__ import annotations

from dataclasses import replace

from argosy.documents import json_text
from argosy.documents.composer import DEEPEST, MOST_DEFECTS, Composer
from argosy.documents.defects import Defect, DefectKind
from argosy.documents.document import Document, ParsedFile, Pointer, Source, is_manifest, items, resource
from argosy.documents.files import ESCAPES, LARGEST_FILE, File, find, is_read, text_of
from argosy.documents.lines import Lines, shortened
from argosy.documents.suppression import Suppression, suppressions

__all__ = [
    "DEEPEST",
    "ESCAPES",
    "LARGEST_FILE",
    "MOST_DEFECTS",
    "Defect",
    "DefectKind",
    "Document",
    "File",
    "ParsedFile",
    "Pointer",
    "Suppression",
    "find",
    "is_manifest",
    "is_read",
    "items",
    "parse",
    "read",
    "rendered",
    "resource",
    "suppressions",
    "text_of",
]


def read(file: File, largest: int = LARGEST_FILE) -> ParsedFile:
    """Return what a file holds, JSON if its name ends in .json, else YAML; `largest` is in bytes."""
    text = text_of(file, largest)
    return ParsedFile(text.path, "", defects=(text,)) if isinstance(text, Defect) else parse(text, file.path)


def parse(text: str, path: str) -> ParsedFile:
    """Return what a text holds, JSON if the path ends in .json, else YAML."""
    if path.endswith(".json"):
        return json_text.parse(text, path)
    source = Source(text)
    composer = Composer(text)
    documents = tuple(
        Document(path, found.index, found.data, found.line, source=source) for found in composer.documents()
    )
    defects = tuple(composer.defects_of(path))
    if any(defect.kind is DefectKind.HELM_TEMPLATE for defect in defects):
        return ParsedFile(path, text, defects=defects)
    return ParsedFile(path, text, documents, defects)


def rendered(text: str, path: str, *, application: str, environment: str) -> tuple[list[Document], list[Defect]]:
    """Return the documents of what Helm or Kustomize rendered, and what is wrong with it.

    No document has lines, since the rendered text is no file; a defect quotes the text instead.
    """
    composer, lines, source = Composer(text), Lines(text), Source(text, is_rendered=True)
    documents = [
        Document(path, found.index, found.data, application=application, environment=environment, source=source)
        for found in composer.documents()
    ]
    defects = []
    for offset, defect in composer.noted():
        quoted = shortened(lines.around(offset).strip())
        message = f"{defect.message} (line {defect.line} of the rendered text: “{quoted}”)"
        defects.append(replace(defect, message=message, path=path, line=None, column=None))
    return documents, defects
