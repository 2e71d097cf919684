"""The one family of errors that argosy raises on purpose.

Every error carries the exit code of the process that it ends, and one message that says what is wrong and, in
`hint`, what to do next. `generator.cli.main` is the one place that turns them, and the errors of libraries, into exits.
"""


class ArgosyError(Exception):
    """Report a refusal: nothing was written, exit code 1."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(ArgosyError):
    """Report input that cannot be meant: nothing was written, exit code 2."""

    exit_code = 2


class ToolError(ArgosyError):
    """Report a tool (git, Helm, Kustomize) that is missing or failed."""
