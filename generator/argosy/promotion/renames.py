"""Files from before a rename, as it would have left them: keys and paths hold the names of what they belong to.

What a rename changed is read from the files that it left, whether argosy made it or a person.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

_IMAGE = re.compile(rb"""(?:image|repository|newname)\w*["']?\s*:""", re.IGNORECASE)
"""A line that says which image it is: one of another name is another image, which a change brought and no rename."""


@dataclass(frozen=True)
class Rename:
    """A rename of an application or an environment, and the files that it left in one folder, by path."""

    names: Mapping[str, str]
    """Old -> new."""
    left: Mapping[str, bytes]

    def path(self, path: str) -> str:
        """Return what a file is called afterwards."""
        return new if path not in self.left and (new := self._put(path)) in self.left else path

    def content(self, path: str, content: bytes) -> bytes:
        """Return a file with the new names in those lines that the rename left so, and no longer as they are."""
        lines, made = {*self.left.get(self.path(path), b"").splitlines()}, bytearray()
        for line in content.splitlines(keepends=True):
            bare = line.rstrip(b"\r\n")
            new = self._put(bare.decode("latin-1")).encode("latin-1")
            made += new if new in lines and bare not in lines and not _IMAGE.search(bare) else bare
            made += line.removeprefix(bare)
        return bytes(made)

    def _put(self, text: str) -> str:
        return self._word.sub(lambda match: self.names[match[0]], text)

    @cached_property
    def _word(self) -> re.Pattern[str]:
        return re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(map(re.escape, self.names))})(?![A-Za-z0-9])")
