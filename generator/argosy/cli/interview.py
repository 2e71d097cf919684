"""Questions on a terminal, one after the other, with a way back.

Whoever asks runs from the beginning after each step back: an answer that is known is given again without a question, so
that what depends on it, later defaults and later questions, follows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import click

from argosy.errors import ArgosyError, UsageError

Answer = TypeVar("Answer")

Question = tuple[str, str]
"""What is asked, and what explains it."""

EXPLAIN, BACK = "?", "<"


class _BackError(Exception):
    """Raised out of a question to which an earlier one is preferred."""


class Interview:
    """The answers that were given, by their question's key, as they were typed."""

    def __init__(self, *, asks: bool) -> None:
        self.asks = asks
        self.answers: dict[str, str] = {}
        self._before: dict[str, str] = {}

    def run(self, story: Callable[[], Answer]) -> Answer:
        """Return what a story of questions ends with, told again after each step back.

        An error that no single answer is to blame for is shown, and the last question asked again.
        """
        if self.asks:
            click.echo(f"Enter takes what is in brackets. {EXPLAIN} explains a question, {BACK} goes back.", err=True)
        while True:
            try:
                return story()
            except _BackError:
                self._step_back()
            except UsageError as error:
                if not self.answers:
                    raise
                click.echo(f"Error: {error.message} {error.hint}", err=True)
                self._step_back()

    def ask(
        self,
        key: str,
        question: Question,
        default: str,
        convert: Callable[[str], Answer],
        *,
        shown: Mapping[str, str] | None = None,
    ) -> Answer:
        """Return the answer to a question: the one that was given, the default where nobody is asked, or a new one.

        `shown` says how defaults are shown that are not shown as they are.
        """
        if not self.asks:
            return convert(default)
        if key in self.answers:
            return convert(self.answers[key])
        while True:
            proposed = self._before.get(key, default)
            ending = f" [{(shown or {}).get(proposed, proposed)}]: "
            written = click.prompt(
                question[0], proposed, err=True, value_proc=str.strip, show_default=False, prompt_suffix=ending
            )
            if written == EXPLAIN:
                click.echo(f"  {question[1]}", err=True)
                continue
            if written == BACK:
                if self.answers:
                    raise _BackError
                click.echo("  This is the first question.", err=True)
                continue
            try:
                answer = convert(written)
            except (ArgosyError, click.UsageError) as error:
                hint = getattr(error, "hint", "")
                click.echo(f"Error: {error.message} {hint}".rstrip(), err=True)
                continue
            self.answers[key] = written
            return answer

    def confirm(self, key: str, question: Question, *, default: bool = False) -> bool:
        """Return whether a question is answered with yes."""
        said = {"y": True, "yes": True, "n": False, "no": False}

        def convert(written: str) -> bool:
            if written.lower() not in said:
                raise click.UsageError(f"“{written}” is neither y nor n.")
            return said[written.lower()]

        return self.ask(key, question, "y" if default else "n", convert, shown={"y": "Y/n", "n": "y/N"})

    def _step_back(self) -> None:
        key, written = self.answers.popitem()
        self._before[key] = written
