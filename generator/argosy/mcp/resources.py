"""The resources: what an agent can read without asking for anything to be worked out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from argosy import api, pages
from argosy.errors import UsageError
from argosy.names import did_you_mean

SCHEME = "argosy://"
MARKDOWN, JSON = "text/markdown", "application/json"


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that can be read; of a template, `{…}` in its address stands for a name."""

    uri: str
    name: str
    description: str
    mime_type: str


TEMPLATES = (
    Resource(f"{SCHEME}rules/{{id}}", "rule", "A rule of validation, with a wrong and a right example.", MARKDOWN),
    Resource(f"{SCHEME}schemas/{{kind}}", "schema", "The JSON Schema of a kind of data: Status, Validation.", JSON),
)


def listed() -> Iterator[Resource]:
    """Yield what there is to read, but for what the templates stand for."""
    yield Resource(f"{SCHEME}repository", "repository", "Environments, applications, clusters and teams.", JSON)
    yield Resource(f"{SCHEME}settings", "settings", "All settings: values, what they can be, files that follow.", JSON)
    yield Resource(f"{SCHEME}rules", "rules", "All rules of validation, a line each.", MARKDOWN)
    for topic, page in pages.topics().items():
        yield Resource(f"{SCHEME}docs/{topic}", topic, pages.title(page), MARKDOWN)


def read(repository: api.Repository, uri: str) -> tuple[str, str]:
    """Return what is at an address, and its type; raise UsageError where there is nothing."""
    place, _, name = uri.removeprefix(SCHEME).partition("/")
    if not uri.startswith(SCHEME):
        place = ""
    if (place, name) == ("repository", ""):
        return json.dumps(_of_model(repository.model()), indent=2), JSON
    if (place, name) == ("settings", ""):
        return api.to_json(repository.settings()), JSON
    if (place, name) == ("rules", ""):
        return "".join(f"- `{each.id}` ({each.severity}): {each.summary}\n" for each in api.rules(repository)), MARKDOWN
    if place == "rules" and name:
        return of_rule(api.rule(name, repository)), MARKDOWN
    if place == "schemas" and name:
        return json.dumps(api.schema(name), indent=2), JSON
    if place == "docs" and name in pages.topics():
        return pages.plain(pages.topics()[name]), MARKDOWN
    known = [each.uri for each in listed()]
    raise UsageError(f"There is no resource “{uri}”.", did_you_mean(uri, known) or "List the resources to see them.")


def of_rule(rule: api.Rule) -> str:
    """Return the page of a rule; a policy of the repository's own has no examples."""
    shown = f"# {rule.id}\n\n{rule.severity}: {rule.summary}\n\n{rule.explanation}\n"
    if not rule.bad:
        return shown
    return f"{shown}\nWrong:\n\n```yaml\n{rule.bad.strip()}\n```\n\nRight:\n\n```yaml\n{rule.good.strip()}\n```\n"


def _of_model(model: api.Model) -> dict[str, object]:
    """Return what the repository is made of."""
    settings = model.settings
    return {
        "name": settings.name,
        "repoURL": settings.repo_url,
        "environments": [
            {
                "name": each.name,
                "promotesFrom": each.promotes_from or None,
                "revision": each.revision,
                "clusters": [*each.places],
                "autoSync": each.auto_sync,
                "applications": [*each.applications],
                "components": [component.name for component in each.components],
            }
            for each in model.environments
        ],
        "applications": [
            {"name": each.name, "format": each.format.value, "team": each.team or None} for each in model.applications
        ],
        "clusters": [{"name": each.name, "server": each.server} for each in model.clusters],
        "teams": [each.name for each in model.teams],
    }
