"""Which keys are parts of one image: a tag without the digest beside it would name another image.

And where an image comes from: an environment can have a registry of its own, to which only tags and digests move.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from argosy.promotion.policy import value_of
from argosy.yaml_edit.keys import Key, Path

_WHICH = {"tag", "digest", "sha", "newTag", "tagSuffix", "imageTag", "imageDigest"}
_TEXT = "image"
_WHERE = {"repository", "name", "newName", _TEXT, "imageRepository"}


def groups(keys: Iterable[Key]) -> list[list[Key]]:
    """Return the keys, those of one image together."""
    found: dict[Key, list[Key]] = {}
    for key in keys:
        found.setdefault(_image(key) or key, []).append(key)
    return list(found.values())


def says_which(key: Key) -> bool:
    """Return whether a key says which image of a repository it is, and not where the repository is."""
    return bool(key.path) and _path(key)[-1] in _WHICH


def says_where(key: Key) -> bool:
    """Return whether a key says where an image's repository is, and nothing else."""
    return _image(key) is not None and _path(key)[-1] in _WHERE - {_TEXT}


def home(key: Key, value: Any) -> Any:
    """Return the repository that a key's value names; None where it names none."""
    if says_where(key):
        return value
    is_text = isinstance(value, str) and bool(key.path) and _path(key)[-1].lower().endswith(_TEXT)
    return value[: _end(value)] if is_text else None


def same_name(one: Any, other: Any) -> bool:
    """Return whether two repositories have an image of the same name, be it at other registries."""
    return str(one).rpartition("/")[2] == str(other).rpartition("/")[2]


def at(key: Key, value: Any, repository: Any) -> Any:
    """Return a key's value with another repository in it; what names none stays."""
    if says_where(key):
        return repository
    return value if home(key, value) is None else f"{repository}{value[_end(value) :]}"


def _end(reference: str) -> int:
    """Return where the repository ends in `repository[:tag][@digest]`."""
    name = reference.partition("@")[0]
    tag = name.find(":", name.rfind("/") + 1)
    return tag if tag >= 0 else len(name)


def _image(key: Key) -> Key | None:
    """Return the key of the image that a key is a part of; None if it is part of none."""
    path = _path(key)
    if not path or path[-1] not in _WHICH | _WHERE:
        return None
    *above, name = path
    if name.startswith("image"):
        return key._replace(path=(*above, "image"))
    is_image = bool(above) and above[-1].lower().endswith("image")
    return key._replace(path=tuple(above)) if is_image or above[-2:-1] == ["images"] else None


def _path(key: Key) -> Path:
    return (value_of(key) or key).path
