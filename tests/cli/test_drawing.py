"""The tree that `argosy init` shows."""

from __future__ import annotations

from argosy.cli import drawing


def test_folders_come_first_and_deep_ones_are_summed_up() -> None:
    paths = ["README.md", "a/b/c/d/e.yaml", "a/b/c/d/f/g.yaml", "a/z.yaml", "b/x.yaml"]
    assert drawing.drawn("gitops", paths).splitlines() == [
        "gitops/",
        "├── a/",
        "│   ├── b/",
        "│   │   └── c/",
        "│   │       └── d/ (2 files)",
        "│   └── z.yaml",
        "├── b/",
        "│   └── x.yaml",
        "└── README.md",
    ]


def test_wide_folders_are_cut() -> None:
    drawn = drawing.drawn("gitops", [f"{number:02}.yaml" for number in range(20)]).splitlines()
    assert len(drawn) == 1 + drawing.WIDEST + 1
    assert drawn[-1] == "└── … and 8 more"
