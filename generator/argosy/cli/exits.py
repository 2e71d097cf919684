"""What exit codes mean: the one table, of which the documentation and the tests are made."""

from __future__ import annotations

from collections.abc import Mapping

INTERRUPTED = {129: "ended by SIGHUP", 130: "interrupted by Ctrl-C", 143: "ended by SIGTERM"}
"""What any command can end with, as a shell has it."""
_CHANGES = {
    0: "done, or nothing to do",
    1: "a refusal, or findings of validation: nothing was written, unless the command says so",
    2: "wrong usage",
    3: "a person has to decide: conflicts, or keys that no policy decides on",
}
_READS = {0: "done", 1: "a refusal", 2: "wrong usage"}
_LOOKS = {0: "done", 2: "wrong usage, or it could not look: no such repository, a render that fails"}
_JUDGES = {0: "no errors", 1: "errors, or nothing to validate", 2: "wrong usage"}

EXITS: Mapping[str, Mapping[int, str]] = {
    "init": {**_CHANGES, 3: "made, but the host took less of it than was asked for"},
    "bootstrap": {0: "done, or nothing to do", 1: "a step failed or was refused", 2: "wrong usage"},
    **dict.fromkeys(
        ("add", "remove", "rename", "set", "apply", "convert", "template", "restore", "abort", "upgrade"), _CHANGES
    ),
    **dict.fromkeys(("promote", "rollback"), _CHANGES),
    "update": {
        **_CHANGES,
        1: f"{_CHANGES[1]}; with --check: a newer template, or files that an update left",
        2: "wrong usage; with --check: a branch is not here to look at",
    },
    "previews": {0: "done, or nothing to do", 1: "a refusal", 2: "wrong usage, or not all hosts could be asked"},
    **dict.fromkeys(("components", "settings", "history", "render", "rules", "version", "help", "completion"), _READS),
    "status": {
        0: "done; with --exit-code: nothing to promote or to decide",
        1: "with --exit-code: something to promote or to decide",
        2: "wrong usage, or it could not look: no such repository, a cluster that does not answer; with --exit-code: "
        "a history that ends too early",
    },
    **dict.fromkeys(("tree", "graph"), _LOOKS),
    "fetch": {0: "all is there", 2: "wrong usage, or something could not be fetched, or is something else"},
    "diff": {
        0: "done; with --exit-code: no difference",
        1: "with --exit-code: a difference",
        2: "wrong usage, or an Application cannot be rendered",
    },
    "validate": _JUDGES,
    "report": {0: "done; with --merge: no errors", 1: "with --merge: errors", 2: "wrong usage, or it could not look"},
    "serve": {
        0: "ended by Ctrl-C",
        1: "it cannot be served, as on a port in use",
        2: "wrong usage, or it could not look",
    },
    "mcp": {
        0: "ended by Ctrl-C, or by the end of the input",
        2: "wrong usage, a port in use, or the extra mcp is not installed",
    },
    "doctor": {0: "no problem", 1: "a problem", 2: "wrong usage, or something could not be looked at"},
}
"""By command. A command that is an extension ends as it likes."""
