"""CODEOWNERS: who owns which files."""

from __future__ import annotations

import pytest

from argosy.hosting.codeowners import owners

GITHUB = r"""
# Everything, unless a later rule matches.
*                        @acme/all   ada@example.com
*.js                     @js-owner # This is an inline comment.
/build/logs/             @doctocat
docs/*                   @docs
apps/                    @octocat
/scripts/                @doctocat @octocat
**/logs                  @logs
/apps/github             @apps
/apps/nobody
/environments/prod/      @acme/sre @grace
with\ space/             @space
"""
GITLAB = """
* @default
/environments/ @platform

[Documentation][2] @docs-team @tech-lead
docs/
README.md @readme
!docs/generated/

^[Production] @sre
/environments/prod/

[documentation]
*.md
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("README.md", "@acme/all ada@example.com"),
        ("src/app.js", "@js-owner"),
        ("build/logs/a/b.txt", "@logs"),
        ("docs/start.md", "@docs"),
        ("docs/deep/trouble.md", "@acme/all ada@example.com"),
        ("lib/apps/x", "@octocat"),
        ("scripts/x.sh", "@doctocat @octocat"),
        ("lib/scripts/x.sh", "@acme/all ada@example.com"),
        ("deep/logs/x", "@logs"),
        ("apps/github/x", "@apps"),
        ("apps/nobody/x", ""),
        ("environments/prod/my-app/values.yaml", "@acme/sre @grace"),
        ("with space/x", "@space"),
    ],
)
def test_the_last_rule_that_matches_counts(path: str, expected: str) -> None:
    assert owners(GITHUB, [path]) == tuple(expected.split())


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("x", "@default"),
        ("docs/x", "@default @docs-team @tech-lead"),
        ("docs/generated/x.md", "@default"),
        ("README.md", "@default @docs-team @tech-lead"),
        ("environments/dev/x", "@platform"),
        ("environments/prod/x", "@platform @sre"),
    ],
)
def test_each_of_gitlabs_sections_counts(path: str, expected: str) -> None:
    assert owners(GITLAB, [path]) == tuple(expected.split())


def test_owners_of_several_paths_are_named_once() -> None:
    assert owners("* @a\n/b/ @b @a\n", ["x", "b/y", "z"]) == ("@a", "@b")


@pytest.mark.parametrize("text", ["", "\n# none\n", "*\n", "! @a\n", "[ @a\n", "/ @a\n", "\\ @a\n", "[]\n", "** \n"])
def test_lines_that_say_nothing_are_passed_over(text: str) -> None:
    assert owners(text + "/x @x\n", ["y"]) == ()
    assert owners(text + "/x @x\n", ["x"]) == ("@x",)


def test_a_path_of_all_characters_is_matched() -> None:
    assert owners("/ä b/*.yaml @a", ["ä b/c.yaml"]) == ()
    assert owners("/ä\\ b/*.yaml @a", ["ä b/c.yaml"]) == ("@a",)
