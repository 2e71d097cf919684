"""The tools: what an agent can ask for, how, and what it is answered. Which protocol brings it is no matter here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from argosy import api, reporting
from argosy.change import requests
from argosy.delivery.jobs import Promotional
from argosy.difference.formats import Noise, OutputFormat, format_difference
from argosy.documents.lines import shortened
from argosy.errors import UsageError
from argosy.mcp import hiding, limits, resources
from argosy.repository.model import WRITTEN_HERE
from argosy.schemas.schema import CompiledSchema, compiled
from argosy.status import as_text as status_text
from argosy.tree import as_text as tree_text
from argosy.web import hiding as manifests

Arguments = Mapping[str, Any]
JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool answers."""

    text: str
    """For people, and for agents that read nothing else."""
    data: JSON | None = None
    """The same as data, of the tool's kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """Something that can be asked for."""

    name: str
    title: str
    description: str
    properties: Mapping[str, JSON] = field(default_factory=dict)
    required: Sequence[str] = ()
    kind: str = ""
    """The kind of the data, whose schema is published; empty: there is text alone."""
    run: Callable[[api.Repository, Arguments], Answer]
    changes: bool = False
    """Whether it makes branches. None writes into the work tree."""

    @property
    def input_schema(self) -> JSON:
        """The JSON Schema of its arguments."""
        return {
            "type": "object",
            "properties": dict(self.properties),
            "required": [*self.required],
            "additionalProperties": False,
        }

    @property
    def output_schema(self) -> JSON | None:
        """The JSON Schema of its data."""
        return dict(api.schema(self.kind)) if self.kind else None

    def call(self, repository: api.Repository, arguments: Arguments) -> Answer:
        """Run it; raise UsageError where the arguments are not what they should be."""
        for each in _judge(self.name).violations(dict(arguments)):
            raise UsageError(f"{each.message}.", each.hint)
        return self.run(replace(repository, hides=True), arguments)


def _text(told: str) -> JSON:
    # No line break and no option: what git, or a file of one line, would take for something else.
    pattern = r"^([^\x00-\x1f\x7f-][^\x00-\x1f\x7f]*)?$"
    return {"type": "string", "description": told, "maxLength": 500, "pattern": pattern}


def _texts(told: str) -> JSON:
    return {"type": "array", "description": told, "items": _text(""), "maxItems": 100}


def _choice(told: str, *values: str) -> JSON:
    return {"type": "string", "description": told, "enum": [*values]}


def _truth(told: str, *, default: bool) -> JSON:
    return {"type": "boolean", "description": told, "default": default}


_PAGING = {
    "limit": {
        "type": "integer",
        "description": "At most so many items of each list; what is left out is counted in `leftOut`.",
        "minimum": 1,
        "maximum": 500,
        "default": limits.ITEMS,
    },
    "offset": {
        "type": "integer",
        "description": "How many items of the main list to skip, to go on where the last answer ended.",
        "minimum": 0,
        "default": 0,
    },
}
_REVISION = _text("A commit, branch or tag to look at, instead of the work tree.")
_APPLICATIONS = _texts("Only these applications.")
_ENVIRONMENTS = _texts("Only these environments.")


def _paged(document: JSON, main: str, given: Arguments) -> JSON:
    paged: JSON = limits.data(document, main, limit=given.get("limit", limits.ITEMS), offset=given.get("offset", 0))
    return paged


def _at(repository: api.Repository, given: Arguments) -> api.Repository:
    return replace(repository, revision=given.get("revision", ""))


def _status(repository: api.Repository, given: Arguments) -> Answer:
    found = repository.status(given.get("application", ""))
    told = status_text.detail(found) if found.application else status_text.overview(found)
    return Answer(told, _paged(api.to_data(found), "applications", given))


def _tree(repository: api.Repository, given: Arguments) -> Answer:
    names, places = given.get("applications", ()), given.get("environments", ())
    found = _at(repository, given).tree(names, places, resources=given.get("resources", False))
    return Answer(tree_text.format_tree(found), _paged(api.to_data(found), "roots", given))


def _render(repository: api.Repository, given: Arguments) -> Answer:
    found = _at(repository, given).render(given["application"], given["environment"], cluster=given.get("cluster", ""))
    wanted = given.get("kinds", ())
    chosen = [each for each in found.manifests if not wanted or each.get("kind") in wanted]
    offset = given.get("offset", 0)
    shown = chosen[offset : offset + given.get("limit", limits.ITEMS)]
    head = [*found.notes, f"{len(shown)} of {len(found.manifests)} manifests, from {offset} on; secrets are ***."]
    written = "".join(f"---\n{each}" for each in manifests.texts(shown))
    return Answer("".join(f"# {each}\n" for each in head) + written)


def _diff(repository: api.Repository, given: Arguments) -> Answer:
    found = hiding.of_difference(
        _at(repository, given).diff(
            given.get("against", ""),
            applications=given.get("applications", ()),
            environments=given.get("environments", ()),
        )
    )
    told = format_difference(found, OutputFormat.TEXT, noise=Noise.FOLD)
    return Answer(told, _paged(api.to_data(found), "applications", given))


def _validate(repository: api.Repository, given: Arguments) -> Answer:
    found = _at(repository, given).validate(paths=given.get("paths", ()), since=given.get("since", ""))
    if severity := given.get("severity"):
        found = replace(found, findings=[each for each in found.findings if each.severity == severity])
    if rule := given.get("rule"):
        wanted = api.rule(rule, repository).id
        found = replace(found, findings=[each for each in found.findings if each.rule == wanted])
    told = reporting.format_report(found, reporting.OutputFormat.TEXT, reporting.Options(version=""))
    return Answer(told, _paged(api.to_data(found), "findings", given))


def _list_rules(repository: api.Repository, given: Arguments) -> Answer:
    word = given.get("search", "").lower()
    found = [each for each in api.rules(repository) if word in f"{each.id} {each.summary} {each.explanation}".lower()]
    offset, limit = given.get("offset", 0), given.get("limit", limits.ITEMS)
    shown = found[offset : offset + limit]
    left = len(found) - offset - len(shown)
    lines = [f"{each.id} ({each.severity}): {each.summary}" for each in shown]
    more = [f"… {left} more: offset {offset + limit}."] if left > 0 else []
    return Answer("\n".join([f"{len(found)} rules.", *lines, *more]))


def _explain_rule(repository: api.Repository, given: Arguments) -> Answer:
    rule = api.rule(given["id"], repository)
    return Answer(resources.of_rule(rule), api.to_data([rule]))


def _settings(repository: api.Repository, given: Arguments) -> Answer:
    found = repository.settings(given.get("of", "repository"), given.get("name", ""), given.get("key", ""))
    lines = [
        f"{setting.key} = {setting.shown(value)}" + (f" ({', '.join(setting.values)})" if setting.values else "")
        for part in found
        for setting, value in part.values
    ]
    return Answer("\n".join(lines), _paged(api.to_data(found), "settings", given))


# Changes


_CHANGES: Mapping[str, JSON] = {
    "action": _choice("What to do.", "add_application", "add_environment", "add_component", "remove", "rename", "set"),
    "what": _choice(
        "Of what, for remove (not repository), rename (not repository or component) and set (not component).",
        *("app", "env", "component", "cluster", "team", "repository"),
    ),
    "names": _texts(
        "What to add, remove, rename or set, by name: one environment, cluster or team; applications and components "
        "may be several to add or remove. Not for set repository."
    ),
    "new_name": _text("For rename: the new name."),
    "values": {
        "type": "object",
        "description": "For set: the settings by key, as the tool settings lists them, each as text: true, 3, a,b.",
        "additionalProperties": _text(""),
        "maxProperties": 50,
    },
    "image": _text("For add_application: the container image, with its tag."),
    "port": {
        "type": "integer",
        "description": "For add_application: the port that it listens on.",
        "minimum": 1,
        "maximum": 65535,
    },
    "format": _choice("For add_application: how it is written; the repository's default if left out.", *WRITTEN_HERE),
    "team": _text("For add_application: who owns it."),
    "environments": _texts("For add_application, add_component and remove component: where; everywhere if left out."),
    "after": _text("For add_environment: the environment that it promotes from; the last if left out."),
    "before": _text("For add_environment: the environment that promotes from it."),
    "copy_from": _text("For add_environment: whose applications and values it has; those of `after` if left out."),
    "clusters": _texts("For add_environment: its clusters, by name, or one API server's URL."),
    "version": _text("For add_component: the chart's version; the catalogue's if left out."),
}
_PROMOTIONS: Mapping[str, JSON] = {
    "applications": _texts("What to promote; every application that both environments deploy if left out."),
    "to": _text("The environment that it is promoted to."),
    "from": _text("The environment that it is promoted from; the one before `to` if left out."),
    "chain": _truth("Promote through all the environments up to `to`.", default=False),
    "take": _texts("Keys that take the source's value where someone has to decide: values.yaml:replicas, or **."),
    "leave": _texts("Keys that stay as they are; ** for all that are open."),
}
_BRANCH: Mapping[str, JSON] = {
    "branch": _text("The new branch's name; one of argosy's if left out."),
    "message": _text("The commit's message, and the pull request's title; one of argosy's if left out."),
    "pull_request": _truth("Push the branch and open a pull request, or update it.", default=False),
}


def _request(given: Arguments) -> requests.Request:
    """Return what is asked for; raise UsageError where something is missing."""
    action, names = given["action"], given.get("names", ())
    if not names and not (action == "set" and given.get("what") == "repository"):
        raise UsageError(f"{action} needs names.", "Say which.")
    if action in {"remove", "rename", "set"} and "what" not in given:
        raise UsageError(f"{action} needs what.", "It is app, env, component, cluster, team or repository.")
    name = names[0] if names else ""
    if action not in {"add_application", "add_component", "remove"} and len(names) > 1:
        raise UsageError(f"{action} is for one at a time.", "Give one name.")
    made: requests.Request
    if action == "add_application":
        known = ("image", "port", "format", "team", "environments")
        made = api.AddApplications(names=names, **{key: given[key] for key in known if key in given})
    elif action == "add_environment":
        made = api.AddEnvironment(
            name=name,
            after=given.get("after", ""),
            before=given.get("before", ""),
            source=given.get("copy_from", ""),
            clusters=given.get("clusters", ()),
        )
    elif action == "add_component":
        places, version = given.get("environments", ()), given.get("version", "")
        made = api.AddComponents(names=names, environments=places, version=version)
    elif action == "remove":
        made = api.Remove(what=given["what"], names=names, environments=given.get("environments", ()))
    elif action == "rename":
        if not given.get("new_name"):
            raise UsageError("rename needs new_name.", "Say what it is called from now on.")
        made = api.Rename(what=given["what"], old=name, new=given["new_name"])
    else:
        if not given.get("values"):
            raise UsageError("set needs values.", "Give settings by their keys: the tool settings lists them.")
        made = api.Set(what=given["what"], name=name, values=given["values"])
    return made


def _promotion(given: Arguments) -> Promotional:
    return api.Promote(
        applications=given.get("applications", ()),
        to=given["to"],
        source=given.get("from", ""),
        chain=given.get("chain", False),
        take=given.get("take", ()),
        leave=given.get("leave", ()),
    )


def _planned(wanted: Callable[[Arguments], requests.Request | Promotional]) -> Callable[..., Answer]:
    def run(repository: api.Repository, given: Arguments) -> Answer:
        return _told(repository, repository.plan(wanted(given)), given, effect=given.get("effect", True))

    return run


def _proposed(wanted: Callable[[Arguments], requests.Request | Promotional]) -> Callable[..., Answer]:
    def run(repository: api.Repository, given: Arguments) -> Answer:
        made = repository.deliver(
            wanted(given),
            branch=given.get("branch", ""),
            pull_request=given.get("pull_request", False),
            message=given.get("message"),
        )
        return _told(repository, made, given, effect=False)

    return run


def _told(repository: api.Repository, result: api.ChangeResult, given: Arguments, *, effect: bool) -> Answer:
    """Return what came of a change: in data the command's, and besides the command itself, the message and the diff."""
    offset, limit = given.get("offset", 0), given.get("limit", limits.ITEMS)
    page = slice(offset, offset + limit) if result.kind == "Change" else slice(None)
    diffs = [(each.branch, hiding.diff(each, page)) for each in result.branches]
    diff = "".join(f"# On the branch {name}:\n{each}" if len(diffs) > 1 else each for name, each in diffs)
    document = {
        **api.to_data(result),
        "command": result.command,
        "commitMessage": result.message,
        "remarks": [*result.remarks],
        "findings": [
            {"rule": each.rule, "path": each.path, "line": each.line, "message": each.message, "hint": each.hint}
            for each in result.findings
        ],
        "diff": diff,
    }
    lines = [_verdict(result), f"Command: {result.command}"]
    lines += [f"Commit message: {result.message}"] if result.message else []
    for promotion in document.get("promotions", ()):
        promotion["difference"] = hiding.of_document(promotion["difference"])
        lines += [*_keys(promotion)]
    lines += [each.strip("\n") for each in result.remarks]
    lines += [f"{each.path}:{each.line or 1}: {each.severity}: {each.message}" for each in result.findings]
    lines += _effects(repository, result) if effect else ()
    return Answer("\n".join([*lines, "", diff]), _paged(document, "files", given))


def _keys(promotion: JSON) -> Iterator[str]:
    """Yield the keys that a promotion decides on, each with its verdict."""
    for move in promotion["moves"]:
        yield f"{move['application']}, {move['from']} to {move['to']}:"
        for key in move["keys"]:
            values = f"{shortened(str(key['before']))} -> {shortened(str(key['source']))}"
            yield f"  {key['verdict']}: {key['file']}:{key['key']}: {values} ({key['why']})"


def _verdict(result: api.ChangeResult) -> str:
    if result.needs_decision:
        return "A person has to decide first: nothing was written."
    if result.exit_code:
        return "Refused: nothing was written, since the result would not be valid."
    if not result.branches:
        return "There is nothing to change."
    made = (result.document, *result.document.get("promotions", ()))
    places = [each["branch"] for each in made if each.get("branch")]
    if not result.document.get("dryRun"):
        return f"Committed on {', '.join(places) or 'a branch'}. The work tree is as it was."
    count = sum(len(each.files) for each in result.branches)
    judged = ", and the result is valid" if result.valid else ""
    return f"A plan; nothing was written. {count} files would change{judged}."


def _effects(repository: api.Repository, result: api.ChangeResult) -> Iterator[str]:
    """Yield what matters of what a change does in the clusters."""
    yield "In the clusters:"
    for branch in result.branches:
        found = repository.effect(branch)
        for each in found.applications:
            yield f"  {each.application} {each.status}: {shortened('; '.join(each.highlights) or each.note, 300)}"
        yield from (f"  warning: {each.resource}: {each.message}" for each in found.risks)
        yield from (f"  not known: {each.application}: {shortened(each.message, 300)}" for each in found.faults)


TOOLS: Sequence[Tool] = (
    Tool(
        name="status",
        title="What is deployed where",
        description="Show the version of each application in each environment, and what is still to be promoted to it. "
        "With an application, every key that differs between environments. Reads commits alone.",
        properties={"application": _text("One application, in detail."), **_PAGING},
        kind="Status",
        run=_status,
    ),
    Tool(
        name="tree",
        title="What leads to what",
        description="Show what leads to what: roots, ApplicationSets, Argo CD Applications, with environment, cluster "
        "and namespace; and files that nothing leads to.",
        properties={
            "applications": _APPLICATIONS,
            "environments": _ENVIRONMENTS,
            "resources": _truth("Show what Applications render, too.", default=False),
            "revision": _REVISION,
            **_PAGING,
        },
        kind="Tree",
        run=_tree,
    ),
    Tool(
        name="render",
        title="Manifests that Argo CD would apply",
        description="Print the manifests that Argo CD would apply for an application in an environment, as YAML. "
        "Secrets are not shown.",
        properties={
            "application": _text("The application."),
            "environment": _text("The environment."),
            "cluster": _text("Of several clusters, this one."),
            "kinds": _texts("Only manifests of these kinds, such as Deployment."),
            "revision": _REVISION,
            **_PAGING,
        },
        required=("application", "environment"),
        run=_render,
    ),
    Tool(
        name="diff",
        title="What a change does in the clusters",
        description="Compare the manifests that Argo CD would apply: those of the work tree with those of the last "
        "commit, or with where this branch left another one. Values of Secrets are not shown.",
        properties={
            "against": _text("The branch or commit to compare with, such as main; the last commit if left out."),
            "revision": _REVISION,
            "applications": _APPLICATIONS,
            "environments": _ENVIRONMENTS,
            **_PAGING,
        },
        kind="Difference",
        run=_diff,
    ),
    Tool(
        name="validate",
        title="Will Argo CD and Kubernetes accept it?",
        description="Check the repository offline: every manifest, chart and overlay, by schemas and rules. Findings "
        "have a rule, a file, a line, a message and a hint how to fix it.",
        properties={
            "paths": _texts("Only these files and folders, from the repository's root on."),
            "since": _text("Only what changed since a commit, branch or tag, and what that can reach."),
            "revision": _REVISION,
            "severity": _choice("Only findings that are as bad.", "error", "warning"),
            "rule": _text("Only findings of this rule."),
            **_PAGING,
        },
        kind="Validation",
        run=_validate,
    ),
    Tool(
        name="list_rules",
        title="The rules of validation",
        description="List the rules of validation with a summary each.",
        properties={"search": _text("Only rules whose texts have this."), **_PAGING},
        run=_list_rules,
    ),
    Tool(
        name="explain_rule",
        title="Explain a rule",
        description="Explain a rule of validation, with a wrong and a right example.",
        properties={"id": _text("The rule's id, such as image-tag.")},
        required=("id",),
        kind="Rules",
        run=_explain_rule,
    ),
    Tool(
        name="settings",
        title="Settings and what they can be",
        description="List settings: values, what they can be, and the files that follow. plan_change with the action "
        "set changes them.",
        properties={
            "of": _choice("Of what.", "repository", "env", "app", "cluster", "team"),
            "name": _text("Which environment, application, cluster or team."),
            "key": _text("Only this setting."),
            **_PAGING,
        },
        kind="Settings",
        run=_settings,
    ),
    Tool(
        name="plan_change",
        title="Plan a change",
        description="Say what adding, removing, renaming or setting something would change: files as a diff, the "
        "commit's message, what validation finds, and what it does in the clusters. Writes nothing.",
        properties={
            **_CHANGES,
            "effect": _truth("Say what it does in the clusters, which takes longer.", default=True),
            **_PAGING,
        },
        required=("action",),
        kind="Change",
        run=_planned(_request),
    ),
    Tool(
        name="plan_promotion",
        title="Plan a promotion",
        description="Say what promoting applications to an environment would change: each key with verdict and reason, "
        "the diff, the commit's message, and what it does in the clusters. Writes nothing.",
        properties={**_PROMOTIONS, **_PAGING},
        required=("to",),
        kind="Promotions",
        run=_planned(_promotion),
    ),
    Tool(
        name="propose_change",
        title="Propose a change on a branch",
        description="Make a change as plan_change plans it, as a commit on a new branch, or as a pull request. The "
        "work tree stays as it is. Refused where it would not be valid.",
        properties={**_CHANGES, **_BRANCH, **_PAGING},
        required=("action",),
        kind="Change",
        run=_proposed(_request),
        changes=True,
    ),
    Tool(
        name="propose_promotion",
        title="Propose a promotion on a branch",
        description="Promote as plan_promotion plans it, as a commit on a new branch, or as a pull request. The work "
        "tree stays as it is. Refused where it would not be valid, or a person has to decide first.",
        properties={**_PROMOTIONS, **_BRANCH, **_PAGING},
        required=("to",),
        kind="Promotions",
        run=_proposed(_promotion),
        changes=True,
    ),
)


@cache
def _judge(name: str) -> CompiledSchema:
    return compiled(next(each for each in TOOLS if each.name == name).input_schema, {})
