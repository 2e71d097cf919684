"""Rules of files: readable, valid, and of the schema of the tool that reads them. The pipeline makes the findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from argosy.documents import ESCAPES, Defect, DefectKind
from argosy.findings import Problem, Severity
from argosy.paths import astray
from argosy.rules.examples import GREETING
from argosy.rules.registry import Rule, declare

UNREADABLE = declare(
    "file-unreadable",
    Severity.ERROR,
    "A file cannot be read.",
    explanation="A file without permission to read it, a link to nothing or in a circle, or a file that is too large "
    "to be a manifest cannot be judged, and Argo CD could not read it either.",
    bad="# link: apps/shop.yaml -> nowhere.yaml\n",
    good="# file: apps/shop.yaml\n" + GREETING.format(greeting="hello"),
)
ENCODING = declare(
    "file-encoding",
    Severity.ERROR,
    "A YAML or JSON file is no text in UTF-8.",
    explanation="YAML and JSON are text in UTF-8. A file in another encoding, or a binary one, reads differently on "
    "each machine or not at all. Tools on Windows often write UTF-16 or a legacy encoding.",
    bad="# file: apps/shop.yaml\n" + GREETING.format(greeting='"\0"'),
    good="# file: apps/shop.yaml\n" + GREETING.format(greeting="grüezi"),
)
SYMLINK_ESCAPES = declare(
    "symlink-escapes",
    Severity.ERROR,
    "A symbolic link is absolute, or leads out of the repository.",
    explanation="Argo CD refuses to render anything of a repository in which one symbolic link, wherever it stands, "
    "is absolute or leads out of it: every Application fails. Links that Git ignores are not in Argo CD's clone. "
    "argosy reads nothing that such a link leads to, nor what is in `.git`, and renders nothing that needs it.",
    bad="# link: docs/outside -> /etc\n",
    good="# link: docs/inside -> ../apps\n# file: apps/shop.yaml\n" + GREETING.format(greeting="hello"),
)
YAML_SYNTAX = declare(
    "yaml-syntax",
    Severity.ERROR,
    "A file is not the YAML that its name promises.",
    explanation="Nothing of a document that cannot be parsed reaches the cluster. Argo CD fails on it, or ignores the "
    "file if it does not look like a manifest.",
    bad=GREETING.format(greeting='"hello'),
    good=GREETING.format(greeting='"hello"'),
)
JSON_SYNTAX = declare(
    "json-syntax",
    Severity.ERROR,
    "A file is not the JSON that its name promises.",
    explanation="JSON has no comments, no trailing commas and no single quotes.",
    bad='# file: manifest.json\n{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shop"},}\n',
    good='# file: manifest.json\n{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shop"}}\n',
)
DUPLICATE_KEY = declare(
    "duplicate-key",
    Severity.ERROR,
    "A mapping has the same key twice.",
    explanation="Most YAML readers take the last of the two without a word: one of the two settings has no effect. "
    "Kustomize and strict readers refuse the file.",
    bad=GREETING.format(greeting="hello") + "  greeting: good morning\n",
    good=GREETING.format(greeting="hello") + "  farewell: goodbye\n",
)
YAML_LIMIT = declare(
    "yaml-limit",
    Severity.ERROR,
    "A file's aliases or nesting go beyond what a manifest needs.",
    explanation="Aliases that stand for each other multiply: a few lines become gigabytes in every tool that expands "
    "them. Aliases that contain themselves, and very deep nesting, end the same way. Kubernetes refuses such "
    "documents.",
    bad="a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    + "".join(
        f"{letter}: &{letter} [{', '.join(['*' + before] * 10)}]\n"
        for before, letter in zip("abcdefg", "bcdefgh", strict=True)
    ),
    good="# file: values.yaml\nbase: &base\n  team: shop\nother:\n  <<: *base\n",
)

DEFECTS: dict[DefectKind, Rule] = {
    DefectKind.UNREADABLE: UNREADABLE,
    DefectKind.SYMLINK: UNREADABLE,
    DefectKind.TOO_LARGE: UNREADABLE,
    DefectKind.BINARY: ENCODING,
    DefectKind.ENCODING: ENCODING,
    DefectKind.YAML_SYNTAX: YAML_SYNTAX,
    DefectKind.TABS: YAML_SYNTAX,
    DefectKind.KEY: YAML_SYNTAX,
    DefectKind.TOO_MANY: YAML_SYNTAX,
    DefectKind.JSON_SYNTAX: JSON_SYNTAX,
    DefectKind.DUPLICATE_KEY: DUPLICATE_KEY,
    DefectKind.RECURSIVE_ALIAS: YAML_LIMIT,
    DefectKind.ALIAS_BOMB: YAML_LIMIT,
    DefectKind.TOO_DEEP: YAML_LIMIT,
}


OF_FILES = frozenset({SYMLINK_ESCAPES.id, *(rule.id for rule in DEFECTS.values())})
"""The rules of files that cannot be read or parsed: whatever reads them fails as well."""


def rule_of(defect: Defect, location: Path, root: Path) -> Rule:
    """Return the rule that a defect breaks."""
    if defect.kind is DefectKind.SYMLINK and location.is_symlink() and astray(location, root) in ESCAPES:
        return SYMLINK_ESCAPES
    return DEFECTS[defect.kind]


FILE_SCHEMA = declare(
    "file-schema",
    Severity.ERROR,
    "A file that a tool reads does not fit the tool's schema.",
    explanation="Kustomizations, Chart.yaml, argosy's own settings, and the files of CI and Renovate have a schema of "
    "their own. The tool refuses what does not fit, or ignores it.",
    bad="# file: environments/dev/environment.yaml\ndestination:\n  server: https://kubernetes.default.svc\nrevision: "
    "main\n"
    'autoSync: "yes"\npromotesFrom: ""\n',
    good="# file: environments/dev/environment.yaml\ndestination:\n  server: https://kubernetes.default.svc\nrevision: "
    "main\n"
    'autoSync: true\npromotesFrom: ""\n',
)

SUPPRESSION = declare(
    "suppression",
    Severity.ERROR,
    "A comment or setting that ignores findings names no rule, an unknown one, or no reason.",
    explanation="`# argosy: ignore[rule-id] reason` ignores a rule in its own line, or in the next if it stands "
    "alone, or in the whole file if it stands before all content. `.argosy.yaml` ignores one for the repository. Both "
    "need the rule's id and a reason, so that the next reader knows why.",
    bad="# file: apps/pod.yaml\napiVersion: v1\nkind: Pod\nmetadata:\n  name: shop\nspec:\n  containers:\n    - name: "
    "shop\n"
    "      image: nginx # argosy: ignore[image-tag]\n",
    good="# file: apps/pod.yaml\napiVersion: v1\nkind: Pod\nmetadata:\n  name: shop\nspec:\n  containers:\n    - name: "
    "shop\n"
    "      image: nginx # argosy: ignore[image-tag] the sandbox follows the newest on purpose\n",
)


def suppression_problems(rules: Sequence[str], unknown: Sequence[str], reason: str) -> Iterator[Problem]:
    """Yield what is wrong with a request to ignore findings."""
    if not any(rules):
        yield Problem("This names no rule to ignore.", hint="Write # argosy: ignore[rule-id] reason.")
    for name in filter(None, unknown):
        yield Problem(f"There is no rule “{name}” to ignore.", hint="`argosy rules` lists them.")
    if any(rules) and not reason:
        yield Problem(
            "This gives no reason to ignore a rule, and so ignores none.", hint="Say why, behind the bracket."
        )
