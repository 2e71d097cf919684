"""What is encrypted belongs to those whom it is encrypted for, as one piece: no part of it fits anywhere else.

SOPS authenticates a file as a whole, its `sops` block included: with one character changed, it cannot be decrypted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from argosy.documents.plain import bounded

SEALED = "encryptedData"
"""The key below which Sealed Secrets, and charts' values for them, have what is encrypted."""
_BEGINNING = (
    r"\$ANSIBLE_VAULT;|age-encryption\.org/|-----BEGIN (?:AGE ENCRYPTED FILE|PGP MESSAGE)-----|ENC\[AES256_GCM,"
    r"|Ag[A-D][A-Za-z0-9+/]{600,}=*$"
)
"""How text begins that is encrypted: by Ansible, age, GnuPG, SOPS, or kubeseal with a key of 4,096 bits."""
_FILE = re.compile(rf"\0GITCRYPT\0|\s*(?:{_BEGINNING})".encode())
_TEXT = re.compile(rf"(?:![\w-]+ )?(?:[\w./-]+=)?\s*(?:{_BEGINNING})")
"""A value; perhaps with a tag, as in `!vault`, or with a name, as in `PASSWORD=ENC[…]`."""
_LINES = re.compile(rb"^sops_mac=|^\[sops\]\s", re.MULTILINE)
"""What SOPS adds to a file of `NAME=value` lines, and to one with sections."""


def is_file(content: bytes) -> bool:
    """Return whether a file is encrypted as a whole: all its documents, where it is YAML."""
    if _FILE.match(content) or _LINES.search(content):
        return True
    documents = _documents(content)
    return bool(documents) and all(map(has_sops, documents))


def is_in(content: bytes) -> bool:
    """Return whether a file is encrypted as a whole, or a document in it is."""
    return is_file(content) or any(map(has_sops, _documents(content)))


def has_sops(document: Any) -> bool:
    """Return whether a document has what SOPS needs to decrypt it."""
    block = document.get("sops") if isinstance(document, Mapping) else None
    return isinstance(block, Mapping) and bool({"mac", "lastmodified"} & block.keys())


def holds(data: Any) -> bool:
    """Return whether something in a value is encrypted."""
    if isinstance(data, Mapping):
        return has_sops(data) or any((name == SEALED and each) or holds(each) for name, each in data.items())
    if isinstance(data, list):
        return any(map(holds, data))
    return isinstance(data, str) and _TEXT.match(data) is not None


def _documents(content: bytes) -> list[Any]:
    """Return a file's documents where one may be of SOPS; none where it is no YAML."""
    if b"sops" not in content:
        return []
    try:
        # SOPS indents JSON with tabs, which YAML does not have.
        if content.lstrip().startswith(b"{"):
            return [json.loads(content)]
        loaded = yaml.load_all(bounded(content.decode("utf-8-sig")), Loader=yaml.CBaseLoader)
        return [each for each in loaded if each not in (None, "")]
    except (ValueError, RecursionError, yaml.YAMLError):
        return []
