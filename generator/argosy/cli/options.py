"""The options that several commands share, and the types of their values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import click

from argosy.errors import ArgosyError
from argosy.repository.model import Image

Command = TypeVar("Command", bound=Callable[..., Any])


class EnvironmentType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of Click alone
    """NAME or NAME=CLUSTER -> (name, cluster or "")."""

    name = "NAME[=CLUSTER]"

    def convert(
        self, value: str | tuple[str, str], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Split at the first `=`."""
        if isinstance(value, tuple):
            return value
        name, equals, cluster = value.partition("=")
        if not name or (equals and not cluster):
            self.fail(f"“{value}” is not NAME or NAME=CLUSTER.", param, ctx)
        return name, cluster


class ImageType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of Click alone
    """IMAGE or ENV=IMAGE -> (environment or "", image)."""

    name = "[ENV=]IMAGE"

    def convert(
        self, value: str | tuple[str, Image], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Image]:
        """Split at the `=`, which no image has."""
        if isinstance(value, tuple):
            return value
        environment, _, image = value.rpartition("=")
        try:
            return environment, Image.parse(image)
        except ArgosyError as error:
            self.fail(f"{error.message} {error.hint}", param, ctx)


class SettingType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of Click alone
    """KEY=VALUE -> (key, value)."""

    name = "KEY=VALUE"

    def convert(
        self, value: str | tuple[str, str], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Split at the first `=`."""
        if isinstance(value, tuple):
            return value
        key, equals, setting = value.partition("=")
        if not key or not equals:
            self.fail(f"“{value}” is not KEY=VALUE.", param, ctx)
        return key, setting


def choice(kind: type[StrEnum]) -> click.Choice[str]:
    """Return the type of an option whose values are an enumeration's."""
    return click.Choice([member.value for member in kind])


def output(*formats: str) -> Callable[[Command], Command]:
    """Add `--output`, with the first format as the default."""
    return click.option(
        "--output",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="How the result is written to standard output.",
    )


quiet = click.option("--quiet", "-q", is_flag=True, help="Print findings and errors alone.")

folder = click.Path(file_okay=False, path_type=Path)


def root_of(paths: Sequence[Path]) -> Path:
    """Return the root of the repository around the paths: the nearest folder with argosy's answers, or Git's."""
    from argosy import git  # noqa: PLC0415
    from argosy.repository import layout  # noqa: PLC0415

    start = (paths[0] if paths else Path.cwd()).resolve()
    folder = start if start.is_dir() else start.parent
    for above in (folder, *folder.parents):
        if (above / layout.ANSWERS).is_file() or (above / layout.CONFIGURATION).is_file():
            return above
    return git.top_level(folder) or folder
