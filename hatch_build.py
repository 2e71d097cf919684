"""Put the template with its earlier versions, and the documentation, into the wheel and the sdist."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent / "generator"))
from argosy import git, pages
from argosy.template import versions

PACKAGED = "argosy/_template"
"""Where the wheel has it; the sdist, like a checkout, below `generator/`."""


class TemplateHook(BuildHookInterface):  # type: ignore[type-arg]
    """Add the template's files, its version's name and a bundle of its history."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Tell hatchling which files to include; an editable install reads the checkout itself."""
        if version == "editable":
            return
        root = Path(self.root)
        self._folder = tempfile.TemporaryDirectory(prefix="argosy-build-")
        build = Path(self._folder.name)
        bundle = self._bundle(root, build)
        if bundle:
            top = "" if self.target_name == "wheel" else "generator/"
            build_data["force_include"][str(bundle)] = f"{top}{PACKAGED}/{versions.BUNDLE}"
        if self.target_name == "wheel":
            named = build / versions.VERSION
            named.write_text(versions.tree_id(root, versions.PARTS) + "\n", encoding="ascii")
            build_data["force_include"][str(named)] = f"{PACKAGED}/{versions.VERSION}"
            for part in versions.PARTS:
                build_data["force_include"][str(root / part)] = f"{PACKAGED}/{part}"
            for part in pages.PARTS:
                build_data["force_include"][str(root / "docs" / part)] = f"argosy/_docs/{part}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Remove what was made for the build."""
        if hasattr(self, "_folder"):
            self._folder.cleanup()

    def _bundle(self, root: Path, build: Path) -> Path | None:
        if (root / "generator" / PACKAGED / versions.BUNDLE).is_file():
            return None  # An unpacked sdist carries it within the package.
        if not versions.write_history(root, build / "history.git"):
            self.app.display_warning(
                "no history of the template here (a shallow clone or a source archive): built with the newest version "
                "alone, so `argosy update` of a repository that an earlier version made will not work"
            )
            return None
        # Of several threads each finds other deltas each time, and the wheel would never be the same twice.
        git.run(build / "history.git", "config", "pack.threads", "1")
        bundle = build / versions.BUNDLE
        git.run(build / "history.git", "bundle", "create", "--quiet", str(bundle), "refs/heads/history")
        return bundle
