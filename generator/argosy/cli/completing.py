"""What shells complete: the names that a repository, a cluster or argosy itself has, by what an option asks for.

It is asked at each Tab, so nothing is loaded that folders and a few lines of text do not need.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from argosy.errors import ArgosyError
from argosy.repository import layout

Names = Callable[[Path], Iterable[str]]


def _below(folder: str, settings: str) -> Names:
    def names(root: Path) -> Iterator[str]:
        yield from (each.parent.name for each in (root / folder).glob(f"*/{settings}"))

    return names


applications = _below(layout.APPLICATIONS, layout.APPLICATION_SETTINGS)
environments = _below(layout.ENVIRONMENTS, layout.ENVIRONMENT_SETTINGS)
teams = _below(layout.TEAMS, layout.TEAM_SETTINGS)


def clusters(root: Path) -> Iterator[str]:
    """Yield the clusters that are declared."""
    from argosy.repository import store  # noqa: PLC0415

    yield from store.names(root, "cluster")


def layers(root: Path) -> Iterator[str]:
    """Yield the layers over the built-in template."""
    yield from filter(None, (layout.layer_of(each.name) for each in root.glob(layout.layer_answers("*"))))


def components(root: Path) -> Iterator[str]:
    """Yield the catalogue: argosy's own, and the repository's."""
    own = Path(__file__).parents[1] / "catalogue/components"
    yield from (
        each.parent.name for folder in (own, root / layout.CATALOGUE) for each in folder.glob("*/component.yaml")
    )


def installed(root: Path) -> Iterator[str]:
    """Yield the components that some environment has."""
    found = root.glob(layout.component_application("*", "*"))
    yield from (each.stem for each in found if each.name != Path(layout.components_project("*")).name)


def rules(root: Path) -> Iterator[str]:
    """Yield the ids of the rules, as they stand in the source: to import them all takes far longer."""
    from argosy import paths  # noqa: PLC0415

    own = root / layout.CONFIGURATION
    if own.is_file() and not paths.astray(own, root) and b"policies:" in (content := own.read_bytes()):
        from argosy.documents import plain  # noqa: PLC0415

        listed = plain.parse(content).get("policies")
        names = (each.get("name") for each in listed if isinstance(each, dict)) if isinstance(listed, list) else ()
        yield from (f"policy/{each}" for each in names if each)
    for file in (Path(__file__).parents[1] / "rules").glob("*.py"):
        yield from _RULE.findall(file.read_text(encoding="utf-8"))


_RULE = re.compile(r'(?:(?:@rule|\bdeclare)\(\s*|^SECRET = )"([a-z0-9-]+)"', re.MULTILINE)


def contexts(_: Path) -> Iterator[str]:
    """Yield the contexts of the kubeconfig."""
    from argosy.documents import plain  # noqa: PLC0415

    given = os.environ.get("KUBECONFIG", "") or str(Path("~/.kube/config").expanduser())
    for file in filter(os.path.isfile, given.split(os.pathsep)):
        known = plain.parse(Path(file).read_bytes()).get("contexts") or ()
        yield from (str(each["name"]) for each in known)


def revisions(root: Path) -> Iterator[str]:
    """Yield branches and tags."""
    from argosy import git  # noqa: PLC0415

    places = ("refs/heads", "refs/tags", "refs/remotes")
    yield from filter(None, git.run(root, "for-each-ref", "--format=%(refname:short)", *places).split("\n"))


def kubernetes(_: Path) -> Iterator[str]:
    """Yield the versions of Kubernetes whose schemas are here."""
    # Not asked of the room that knows them, which would load all schemas' library.
    yield from (each.stem for each in (Path(__file__).parents[1] / "schemas/data/kubernetes").glob("*.json"))


def _places(root: Path) -> Iterator[str]:
    yield from applications(root)
    yield from environments(root)


_BY_WORD: dict[str, Names] = {
    "APP": applications,
    "ENV": environments,
    "ENV ENV": environments,
    "CLUSTER": clusters,
    "TEAM": teams,
    "REVISION": revisions,
    "REF": revisions,
    "REV": revisions,
    "COMMIT": revisions,
    "ID": rules,
    "1.NN": kubernetes,
    "1.NN,1.NN": kubernetes,
    "PATH|APP|ENV": _places,
}
"""What the word means that a value has in the help."""
_NAMED: dict[str, Names] = {
    **{f"{verb} app": applications for verb in ("remove", "rename")},
    **{f"{verb} env": environments for verb in ("remove", "rename")},
    **{f"{verb} cluster": clusters for verb in ("remove", "rename")},
    **{f"{verb} team": teams for verb in ("remove", "rename")},
    **{f"template {verb}": layers for verb in ("remove", "order", "fetch", "update")},
    **dict.fromkeys(("bootstrap", "status", "doctor"), contexts),
    "add component": components,
    "remove component": installed,
    "components": components,
}
"""What it means where it is no more than a name, by the command that asks for it."""
_NAMES = {"name", "names", "old", "context"}
"""What such a parameter is called."""


def attach(command: click.Command, path: str) -> None:
    """Have a command, and those below it, complete what their options and arguments ask for."""
    for name, below in command.commands.items() if isinstance(command, click.Group) else ():
        attach(below, f"{path} {name}")
    for each in command.params:
        word = re.sub(r"\[|\]|\.\.\.", "", each.metavar or (each.name or "").upper())
        names = _NAMED.get(path) if each.name in _NAMES else _BY_WORD.get(word)
        if names and isinstance(each.type, click.types.StringParamType):
            each.shell_complete = _completed(names)  # type: ignore[method-assign, assignment]


def _completed(names: Names) -> Callable[[click.Context, str], list[CompletionItem]]:
    def complete(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(each) for each in found(ctx, names) if each.startswith(incomplete)]

    return complete


def found(ctx: click.Context, names: Names) -> Sequence[str]:
    """Return the names there are, each once; none where nothing can tell, since nobody asked for an error."""
    from argosy.repository.root import root_of  # noqa: PLC0415

    try:
        return sorted({*names(root_of(ctx.params.get("repository")))})
    except (ArgosyError, OSError, ValueError, TypeError, KeyError):
        return []
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "yaml":
            raise
        return []
