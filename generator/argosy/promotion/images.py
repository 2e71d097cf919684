"""Which keys are parts of one image: a tag without the digest beside it would name another image."""

from __future__ import annotations

from collections.abc import Iterable

from argosy.promotion.policy import value_of
from argosy.yaml_edit.keys import Key, Path

_WHICH = {"tag", "digest", "sha", "newTag", "tagSuffix", "imageTag", "imageDigest"}
_WHERE = {"repository", "name", "newName", "image", "imageRepository"}


def groups(keys: Iterable[Key]) -> list[list[Key]]:
    """Return the keys, those of one image together."""
    found: dict[Key, list[Key]] = {}
    for key in keys:
        found.setdefault(_image(key) or key, []).append(key)
    return list(found.values())


def says_which(key: Key) -> bool:
    """Return whether a key says which image of a repository it is, and not where the repository is."""
    return bool(key.path) and _path(key)[-1] in _WHICH


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
