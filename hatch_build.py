"""Put the template with its earlier versions, the documentation and the manual pages into the wheel and the sdist."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent / "generator"))
from argosy import git, pages
from argosy.cli import manual
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
            for name, text in manual.pages(self.metadata.version, self._date(root)).items():
                (build / name).write_text(text, encoding="utf-8")
                build_data["shared_data"][str(build / name)] = f"share/man/man1/{name}"

    def _date(self, root: Path) -> str:
        """Return the day of the release, or else of the build where that is to be the same again; or none."""
        log = root / "CHANGELOG.md"
        changes = log.read_text(encoding="utf-8") if log.is_file() else ""
        released = re.search(rf"^## {re.escape(self.metadata.version)} - (\S+)$", changes, re.MULTILINE)
        epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
        built = datetime.fromtimestamp(int(epoch), UTC).date().isoformat() if epoch.isdecimal() else ""
        return released[1] if released else built

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
