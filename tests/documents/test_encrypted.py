"""What is taken for encrypted, and what is not."""

from __future__ import annotations

import json

import pytest

from argosy.documents import encrypted
from tests import promoting

SOPS = promoting.encrypted("prod")
JSON = json.dumps({"data": "ENC[AES256_GCM,data:x]", "sops": {"lastmodified": "x", "mac": "y"}}, indent="\t")
PLAIN = "config: {A: b}\n"


@pytest.mark.parametrize(
    ("content", "whole", "partly"),
    [
        (SOPS, True, True),
        (f"---\n{SOPS}---\n# Nothing\n---\n{SOPS}", True, True),
        (f"\ufeff{SOPS}", True, True),
        (JSON, True, True),
        ("A=ENC[AES256_GCM,data:x]\nsops_mac=ENC[AES256_GCM,data:x]\n", True, True),
        ("[a]\nb = c\n\n[sops]\nmac = x\n", True, True),
        ("\0GITCRYPT\0\1\2", True, True),
        ("$ANSIBLE_VAULT;1.1;AES256\n6162\n", True, True),
        ("age-encryption.org/v1\n-> X25519 x\n", True, True),
        ("-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n", True, True),
        ("-----BEGIN PGP MESSAGE-----\n\nx\n", True, True),
        (f"{PLAIN}---\n{SOPS}", False, True),
        (PLAIN, False, False),
        ("", False, False),
        # What a chart that is called so is given.
        ("sops: {image: x, version: 3.9.1}\n", False, False),
        ("sops: [mac]\n", False, False),
        ("config: |\n  sops_mac=x\n", False, False),
        ("sops: {{ x }}\n", False, False),
        ("{sops", False, False),
    ],
)
def test_files(content: str, whole: bool, partly: bool) -> None:
    assert (encrypted.is_file(content.encode()), encrypted.is_in(content.encode())) == (whole, partly)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("ENC[AES256_GCM,data:x]", True),
        ("PASSWORD=ENC[AES256_GCM,data:x]", True),
        ("!vault $ANSIBLE_VAULT;1.1;AES256\n6162\n", True),
        ("AgB" + "y" * 700 + "==", True),
        ({"shop": {"encryptedData": {"password": "x"}}}, True),
        ({"list": ["a", "ENC[AES256_GCM,data:x]"]}, True),
        ({"sops": {"mac": "x"}}, True),
        ({"encryptedData": {}}, False),
        ("AgB", False),
        ("see $ANSIBLE_VAULT;", False),
        (3, False),
        (None, False),
    ],
)
def test_values(data: object, expected: bool) -> None:
    assert encrypted.holds(data) is expected
