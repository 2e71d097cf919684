"""Texts, read in one line."""

from pathlib import Path

from argosy.documents import Defect, Document, File, ParsedFile, parse, read


def only(parsed: ParsedFile) -> Document:
    assert not parsed.defects
    [document] = parsed.documents
    return document


def value(text: str) -> object:
    """Return what a text means as the value of a field."""
    return only(parse(f"field: {text}\n", "a.yaml")).data["field"]


def defect(text: str, path: str = "a.yaml") -> Defect:
    [found] = parse(text, path).defects
    return found


def load(root: Path, content: bytes, name: str = "a.yaml") -> ParsedFile:
    (root / name).write_bytes(content)
    return read(File(name, root / name))
