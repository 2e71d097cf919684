"""Which layers a repository has: organisations' templates over the built-in one, added, answered anew and removed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from argosy.errors import ArgosyError, UsageError
from argosy.findings import Finding, Report
from argosy.names import did_you_mean
from argosy.repository import layout, store
from argosy.repository.model import Layer, Repository, laid
from argosy.template import layers, rendering
from argosy.template.layers import Pack


def find(repository: Repository, name: str) -> Layer:
    """Return a layer by its name; raise UsageError with the nearest one if there is none."""
    known = {each.name: each for each in repository.settings.layers}
    if name not in known:
        hint = did_you_mean(name, known) or "argosy template list shows those that there are."
        raise UsageError(f"This repository has no layer “{name}”.", hint)
    return known[name]


def with_layer(repository: Repository, layer: Layer) -> Repository:
    """Return the model with a layer, in place of the one of its name if there is one, else over all others."""
    known = {each.name: each.order for each in repository.settings.layers}
    order = known.get(layer.name, max(known.values(), default=-1) + 1)
    others = (each for each in repository.settings.layers if each.name != layer.name)
    return _with(repository, (*others, replace(layer, order=order)))


def without_layer(repository: Repository, name: str) -> Repository:
    """Return the model without a layer."""
    return _with(repository, (each for each in repository.settings.layers if each.name != name))


def ordered(repository: Repository, names: Sequence[str]) -> Repository:
    """Return the model with its layers in another order, the lowest first; raise UsageError unless each is named."""
    known = {find(repository, name).name for name in names}
    if len(known) < len(names) or known != {each.name for each in repository.settings.layers}:
        listed = " ".join(each.name for each in repository.settings.layers)
        raise UsageError("An order names each layer once.", f"There are {listed}: the last one wins.")
    return _with(repository, (replace(find(repository, name), order=place) for place, name in enumerate(names)))


def _with(repository: Repository, layers: Iterable[Layer]) -> Repository:
    return replace(repository, settings=replace(repository.settings, layers=laid(layers)))


def overlaps(repository: Repository) -> Mapping[str, Sequence[str]]:
    """Return the paths that several layers give, with their names, the one that wins last."""
    known, found = rendering.known_to_layers(repository), dict[str, list[str]]()
    for each in filter(layers.has, repository.settings.layers):
        for path in layers.writers([each], known):
            found.setdefault(path, []).append(each.name)
    return {path: names for path, names in sorted(found.items()) if len(names) > 1}


def is_here_alone(layer: Layer) -> bool:
    """Return whether a layer's source is a path of this machine, which no other one has."""
    return "://" not in layer.source and Path(layer.source).is_absolute()


Ask = Callable[[Mapping[str, Any]], Any]
"""Asks a person one question, of a name, a help, choices and perhaps a default, and returns the answer."""


def answered(repository: Repository, layer: Layer, given: Mapping[str, Any], ask: Ask | None = None) -> Layer:
    """Return a layer with all its questions answered: as given, as recorded, as a person says, or by their defaults.

    Raise UsageError where no question has such a name, or an answer is missing.
    """
    pack = layers.pack(layer)
    for name in given:
        if name not in pack.definition.questions:
            known = ", ".join(pack.definition.questions) or "none"
            raise UsageError(f"The layer {layer} asks no “{name}”.", f"Its questions: {known}.")
    answers = {**json.loads(layer.answers), **given}
    while True:
        begun = _begun(repository, layer, answers, pack)
        open_ = [each for each in begun.asked if each["name"] not in answers and (ask or "default" not in each)]
        if not open_:
            return replace(layer, answers=json.dumps(dict(sorted(begun.answers.items()))))
        if ask is None:
            listed = "\n".join(f"  {each['name']}: {each['help']}" for each in open_)
            raise UsageError(
                f"The layer {layer} asks what has no default:\n{listed}",
                "Answer each: --set NAME=VALUE, with argosy template add or update.",
            )
        answers[open_[0]["name"]] = ask(open_[0])


def _begun(repository: Repository, layer: Layer, answers: Mapping[str, Any], pack: Pack) -> Any:
    return layers.begun(pack, replace(layer, answers=json.dumps(answers)), rendering.known_to_layers(repository))


def updated(repository: Repository) -> Repository:
    """Return the model with each layer at the newest version that was fetched; raise UsageError where one asks more."""
    for layer in newer(repository):
        repository = with_layer(repository, answered(repository, layer, {}))
    return repository


def owners(root: Path) -> Mapping[str, tuple[str, str]]:
    """Return which layer writes each file that follows one, and from which of its own files.

    Of a layer that is not on this machine, or cannot be rendered, nothing is known.
    """
    if not any(map(layout.layer_of, (each.name for each in root.glob(layout.layer_answers("*"))))):
        return {}
    try:
        model = store.load(root).repository
        found = layers.writers(model.settings.layers, rendering.known_to_layers(model))
    except ArgosyError:
        return {}
    return {path: writer for path, writer in found.items() if not layout.is_seeded(path)}


def told(root: Path, report: Report, known: Mapping[str, Sequence[str]] | None = None) -> Report:
    """Return the report in which what is wrong with a layer's file says so: it comes again with the next update.

    `known` are the owners, where these were looked up.
    """
    if not (report.findings or report.known or report.part):
        return report
    writers = owners(root) if known is None else known
    part = report.part and {**report.part, "layers": writers}

    def of(finding: Finding) -> Finding:
        if finding.path not in writers:
            return finding
        layer, template = writers[finding.path]
        hint = f"The layer {layer} writes this file ({template}): fix it there as well."
        return replace(finding, hint=f"{finding.hint} {hint}".strip())

    known_too = report.known and [*map(of, report.known)]
    return replace(report, findings=[*map(of, report.findings)], known=known_too, part=part)


def newer(repository: Repository) -> Sequence[Layer]:
    """Return the layers of which a newer version was fetched, at that version."""
    found = []
    for layer in repository.settings.layers:
        version = layers.newest(layer.source)
        if version and version != layer.version:
            found.append(replace(layer, version=version))
    return found
