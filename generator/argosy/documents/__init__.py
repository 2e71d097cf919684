"""Files -> documents, with the line of every field, whatever the file holds.

Nothing here raises because of what a file holds, and nothing takes more than linear time or memory: whatever is wrong
is a `Defect`, a value beside the documents that could be read.

Scalars become what the Kubernetes tools (sigs.k8s.io/yaml, so kubectl, Helm and Argo CD) make of them: `yes` and `on`
are true, `0644` is 420, `1e3` is 1000, a date and `1:30` are text, and every key is text. What JSON has no number for
(`.inf`, `1e400`) stays text. Aliases are not copied: the same Python object stands in several places.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from argosy.documents import json_text, kept
from argosy.documents.composer import MOST_DEFECTS, Composer
from argosy.documents.defects import Defect, DefectKind
from argosy.documents.document import Document, ParsedFile, Pointer, Source, is_manifest, items, resource
from argosy.documents.files import ESCAPES, LARGEST_FILE, File, find, is_read, text_of
from argosy.documents.kept import together
from argosy.documents.lines import Lines, shortened
from argosy.documents.suppression import Suppression, suppressions
from argosy.documents.syntax import DEEPEST

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
    "read_all",
    "rendered",
    "resource",
    "suppressions",
    "text_of",
    "together",
]


def read(file: File, largest: int = LARGEST_FILE) -> ParsedFile:
    """Return what a file holds, JSON if its name ends in .json, else YAML; `largest` is in bytes."""
    text = text_of(file, largest)
    return ParsedFile(text.path, "", defects=(text,)) if isinstance(text, Defect) else parse(text, file.path)


def read_all(files: Iterable[File]) -> Iterator[ParsedFile]:
    """Yield what each of many files holds, as `read` has it; they come sorted by path."""
    for near in together(files, lambda file: file.path):
        texts = [text_of(file) for file in near]
        readable = [(_form(file.path), text) for file, text in zip(near, texts, strict=True) if isinstance(text, str)]
        held = iter(kept.held(readable, _compose))
        for file, text in zip(near, texts, strict=True):
            if isinstance(text, Defect):
                yield ParsedFile(text.path, "", defects=(text,))
            else:
                yield _parsed(text, file.path, next(held))


def parse(text: str, path: str) -> ParsedFile:
    """Return what a text holds, JSON if the path ends in .json, else YAML."""
    return _parsed(text, path, _compose(_form(path), text))


def _form(path: str) -> kept.Form:
    return "json" if path.endswith(".json") else "yaml"


def _compose(form: kept.Form, text: str) -> kept.Held:
    if form == "json":
        return json_text.compose(text)
    composer = Composer(text)
    documents = [*composer.documents()]
    if form == "rendered":
        lines = Lines(text)
        return documents, [_quoting(lines.around(offset), defect) for offset, defect in composer.noted()]
    defects = [*composer.defects()]
    return [] if any(defect.kind is DefectKind.HELM_TEMPLATE for defect in defects) else documents, defects


def _parsed(text: str, path: str, held: kept.Held) -> ParsedFile:
    source = Source(text, is_json=_form(path) == "json")
    documents = (Document(path, each.index, each.data, each.line, source=source) for each in held[0])
    return ParsedFile(path, text, tuple(documents), tuple(replace(each, path=path) for each in held[1]))


def rendered(
    texts: Sequence[tuple[str, str]], *, application: str, environment: str
) -> tuple[list[Document], list[Defect]]:
    """Return the documents of what Helm or Kustomize rendered, and what is wrong with it, of texts with their paths.

    No document has lines, since the rendered text is no file; a defect quotes the text instead.
    """
    documents: list[Document] = []
    defects: list[Defect] = []
    held = kept.held([("rendered", text) for text, _ in texts], _compose)
    for (text, path), (composed, wrong) in zip(texts, held, strict=True):
        source = Source(text, is_rendered=True)
        documents += (
            Document(path, each.index, each.data, application=application, environment=environment, source=source)
            for each in composed
        )
        defects += (replace(each, path=path) for each in wrong)
    return documents, defects


def _quoting(line: str, defect: Defect) -> Defect:
    message = f"{defect.message} (line {defect.line} of the rendered text: “{shortened(line.strip())}”)"
    return replace(defect, message=message, line=None, column=None)
