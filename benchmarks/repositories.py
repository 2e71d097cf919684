"""The repositories that are measured, made by the engine: the same bytes each time.

It runs as a process of its own, `python -m benchmarks.repositories FORMAT APPLICATIONS [FOLDER [VERSION]]`
or `… FORMAT APPLICATIONS --layer [SOURCE]`, and prints how many files it rendered: Linux counts what a parent process
holds to the peak memory of the commands that it starts, so the one that measures has to stay small.
"""

from __future__ import annotations

import sys
from pathlib import Path

ENVIRONMENTS = ("dev", "staging", "prod")


def names(applications: int) -> list[str]:
    """Return the names of a repository's applications."""
    return [f"app-{number:04}" for number in range(applications)]


def make(form: str, applications: int, folder: Path | None, version: str) -> int:
    """Render a repository of three environments; write and commit it to a folder where one is given.

    `version` says how many versions of the template to go back.
    """
    # Whoever only wants a name should not load Copier.
    from argosy.change import privileges  # noqa: PLC0415
    from argosy.repository.model import Application, Format, Repository, Settings, chain  # noqa: PLC0415
    from argosy.template import creation, rendering, versions  # noqa: PLC0415

    settings = Settings("gitops", "https://github.com/acme/gitops.git", format=Format(form))
    environments = chain(tuple((name, "") for name in ENVIRONMENTS), settings.revision)
    added = tuple(Application(name, settings.format) for name in names(applications))
    with versions.checkout(versions.versions()[int(version)]) as known:
        model = privileges.of_new(Repository(settings, environments).with_applications(added))
        tree = rendering.render(model, template=known)
    if folder is not None:
        creation.create(folder, tree, branch=settings.branch)
    return len(tree)


def render(form: str, applications: int, source: str) -> int:
    """Render such a repository without what was rendered before, with a layer over it where one is named."""
    from argosy import cache  # noqa: PLC0415
    from argosy.change import layering  # noqa: PLC0415
    from argosy.repository.model import Application, Format, Layer, Repository, Settings, chain  # noqa: PLC0415
    from argosy.template import fetching, layers, rendering  # noqa: PLC0415

    settings = Settings("gitops", "https://github.com/acme/gitops.git", format=Format(form))
    environments = chain(tuple((name, "") for name in ENVIRONMENTS), settings.revision)
    added = tuple(Application(name, settings.format) for name in names(applications))
    model = Repository(settings, environments).with_applications(added)
    with cache.off():
        if source:
            known = layers.newest(source)
            model = layering.with_layer(model, Layer("style", source, known) if known else fetching.fetch(source))
        return len(rendering.render(model))


if __name__ == "__main__" and "--layer" in sys.argv:
    print(render(sys.argv[1], int(sys.argv[2]), "".join(sys.argv[4:])))
elif __name__ == "__main__":
    form, number, *more = sys.argv[1:]
    print(make(form, int(number), Path(more[0]) if more else None, more[1] if more[1:] else "0"))
