"""What matters most of what an Application changes, as a line of a few words each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from argosy.argocd.deployed import sources
from argosy.argocd.matching import listed
from argosy.difference.risks import SYNC_OPTIONS
from argosy.documents import Pointer
from argosy.documents.fields import field, mapping, sequence
from argosy.kubernetes import pods
from argosy.kubernetes.manifests import Identity, Manifest

Changed = tuple[Identity, Manifest | None, Manifest | None]
"""An object before and after; None where there is none."""

_MOST = 3
"""So many names of a kind are listed; of more, it is said how many."""
_LONGEST = 48
_FIELDS: Mapping[str, Sequence[tuple[str, Pointer]]] = {
    "Deployment": [("replicas", ("spec", "replicas"))],
    "StatefulSet": [("replicas", ("spec", "replicas"))],
    "Rollout": [("replicas", ("spec", "replicas"))],
    "HorizontalPodAutoscaler": [
        ("minReplicas", ("spec", "minReplicas")),
        ("maxReplicas", ("spec", "maxReplicas")),
    ],
    "CronJob": [("schedule", ("spec", "schedule"))],
    "Service": [("type", ("spec", "type"))],
    "PersistentVolumeClaim": [("storage", ("spec", "resources", "requests", "storage"))],
}
_FIRST = ("version", "image", "replicas", "minReplicas", "maxReplicas", "type", "storage", "schedule")
"""What comes before what is removed; all else comes after."""


class _Fact(NamedTuple):
    """That a value is another one."""

    label: str
    subject: str
    """What has it, which is named where several have other values."""
    value: str


def highlights(changed: Sequence[Changed], definition: Manifest, restarting: Sequence[str]) -> Iterator[str]:
    """Yield what matters of an Application's changes that are more than noise, the most important first.

    Of ConfigMaps, Secrets and variables there are only the names of keys. `restarting` names what restarts for noise.
    """
    facts: dict[str, list[_Fact]] = defaultdict(list)
    names: dict[str, list[str]] = defaultdict(list)
    others: list[str] = []
    moved: dict[Any, list[str]] = defaultdict(list)
    for this, old, new in changed:
        if old is None or new is None:
            continue
        its_facts, its_names = [*_facts(this, old, new)], [*_names(this, old, new)]
        for fact in its_facts:
            facts[fact.label].append(fact)
        for label, name in its_names:
            names[label].append(name)
        if (there := field(new, "metadata", "namespace")) != field(old, "metadata", "namespace"):
            moved[there].append(str(this))
        elif not (its_facts or its_names or [*_images(old)] != [*_images(new)] or _hosts(old) != _hosts(new)):
            others.append(str(this))
    facts["image"] = [*_image_facts(changed)]
    for label in _FIRST:
        yield from _told(facts.pop(label, []))
    yield from _removed(changed, definition)
    yield from (f"{_list(each)} to namespace {namespace or 'none'}" for namespace, each in moved.items())
    yield from _host_words(changed)
    for each in facts.values():
        yield from _told(each)
    yield from (f"{label} {_list(dict.fromkeys(each))}" for label, each in names.items())
    if added := [str(this) for this, old, _ in changed if old is None and not _is_application(this)]:
        yield f"+ {_list(added)}"
    if restarting:
        yield f"{_list(restarting)} {'restarts' if len(restarting) == 1 else 'restart'}"
    if others:
        yield f"other changes of {_list(others)}"


def fitted(items: Sequence[str], width: int) -> str:
    """Return items on one line, as many as fit, and how many more there are."""
    line = ""
    for index, item in enumerate(items):
        longer = f"{line}; {item}" if line else item
        rest = f"; +{len(items) - index - 1} more" if index + 1 < len(items) else ""
        if len(longer) + len(rest) > width:
            more = f"; +{len(items) - index} more" if line else ""
            return line + more if line else _cut(item, width - len(rest)) + rest
        line = longer
    return line


def _told(facts: Iterable[_Fact]) -> Iterator[str]:
    """Yield facts of one label: without what has them where it is the same for all."""
    unlike = [*dict.fromkeys(facts)]
    if len({each.value for each in unlike}) == 1:
        yield f"{unlike[0].label} {unlike[0].value}"
    else:
        yield from (f"{each.label} {each.subject} {each.value}" for each in unlike)


def _facts(this: Identity, old: Manifest, new: Manifest) -> Iterator[_Fact]:
    for label, place in _FIELDS.get(this.kind, ()):
        yield from _fact(label, this.name, field(old, *place), field(new, *place))
    if _is_application(this):
        for one, other in zip(sources(old), sources(new), strict=False):
            subject = str(other.get("chart") or other.get("path") or this.name)
            yield from _fact("version", subject, one.get("targetRevision"), other.get("targetRevision"))
    before = {each.get("name"): each for _, each in pods.containers(old)}
    for _, container in pods.containers(new):
        one = before.get(container.get("name"), {})
        for name in ("cpu", "memory"):
            for group in ("requests", "limits"):
                values = (field(each, "resources", group, name) for each in (one, container))
                yield from _fact(f"{name} {group[:-1]}", str(container.get("name")), *values)
        for name in ("command", "args"):
            if one and one.get(name) != container.get(name):
                yield _Fact(name, str(container.get("name")), "changed")


def _fact(label: str, subject: str, old: Any, new: Any) -> Iterator[_Fact]:
    if old != new and not any(isinstance(each, dict | list) for each in (old, new)):
        one, other = ("none" if each is None else _cut(str(each)) for each in (old, new))
        yield _Fact(label, subject, f"{one} → {other}")


def _names(this: Identity, old: Manifest, new: Manifest) -> Iterator[tuple[str, str]]:
    """Yield what has keys, and a key that is not the same: `+` is new, `-` is gone."""
    if this.kind in {"ConfigMap", "Secret"} and not this.group:
        label = "config" if this.kind == "ConfigMap" else f"Secret {this.name}"
        for part in ("data", "binaryData", "stringData"):
            yield from ((label, each) for each in _keys(mapping(old.get(part)), mapping(new.get(part))))
    before = {each.get("name"): each for _, each in pods.containers(old)}
    for _, container in pods.containers(new):
        one, other = (
            {each.get("name"): each for each in map(mapping, sequence(side.get("env")))}
            for side in (before.get(container.get("name"), {}), container)
        )
        yield from (("env", each) for each in _keys(one, other))


def _keys(old: Mapping[Any, Any], new: Mapping[Any, Any]) -> Iterator[str]:
    for key in dict.fromkeys([*old, *new]):
        if key not in old or key not in new or old[key] != new[key]:
            yield ("" if key in old and key in new else "+" if key in new else "-") + str(key)


def _images(manifest: Manifest | None) -> Iterator[tuple[str, str]]:
    """Yield the repository of each image, and its tag and digest."""
    for _, image in pods.images(manifest):
        name, at, digest = image.partition("@")
        repository, colon, tag = name.rpartition(":")
        if not colon or "/" in tag:
            repository, tag = name, ""
        short = f"@{digest[:19]}" if at else ""
        yield repository, f"{tag}{short}" or "latest"


def _image_facts(changed: Sequence[Changed]) -> Iterator[_Fact]:
    """Yield which images run instead of others, in all of an Application: objects may have other names than before."""
    before, after = (dict.fromkeys(pair for each in side for pair in _images(each)) for side in _sides(changed))
    gone, come = ([pair for pair in one if pair not in other] for one, other in ((before, after), (after, before)))
    if len(gone) == len(come) == 1 and gone[0][0] != come[0][0]:
        yield _Fact("image", "", " → ".join(_cut(":".join(each)) for each in (gone[0], come[0])))
        return
    for repository in dict.fromkeys(name for name, _ in (*come, *gone)):
        one, other = ([tag for name, tag in pairs if name == repository] for pairs in (gone, come))
        name = repository.rpartition("/")[2]
        told = " → ".join(filter(None, (", ".join(map(_cut, one)), ", ".join(map(_cut, other)))))
        if one and other:
            yield _Fact("image", name, told)
        else:
            yield _Fact("image", "", f"{'+' if other else '-'}{name}:{told}")


def _sides(changed: Sequence[Changed]) -> tuple[list[Manifest | None], list[Manifest | None]]:
    return [old for _, old, _ in changed], [new for _, _, new in changed]


def _hosts(manifest: Manifest | None) -> list[str]:
    spec = mapping(field(manifest, "spec"))
    named = [mapping(each).get("host") for each in sequence(spec.get("rules"))]
    listening = [mapping(each).get("hostname") for each in sequence(spec.get("listeners"))]
    found = [*named, *sequence(spec.get("hostnames")), *listening]
    return [each for each in dict.fromkeys(filter(None, found)) if isinstance(each, str)]


def _host_words(changed: Sequence[Changed]) -> Iterator[str]:
    before, after = (dict.fromkeys(host for each in side for host in _hosts(each)) for side in _sides(changed))
    gone, come = [each for each in before if each not in after], [each for each in after if each not in before]
    if len(gone) == len(come) == 1:
        yield f"host {_cut(gone[0])} → {_cut(come[0])}"
    elif gone or come:
        yield f"host {_list([*(f'+{each}' for each in come), *(f'-{each}' for each in gone)])}"


def _removed(changed: Sequence[Changed], definition: Manifest) -> Iterator[str]:
    """Yield what is no longer deployed, and what becomes of it in the cluster where the Application stays."""
    goes = any(_is_application(this) and new is None for this, _, new in changed)
    automated = field(definition, "spec", "syncPolicy", "automated")
    prunes = field(automated, "prune") is True and field(automated, "enabled") is not False
    fates: dict[str, list[str]] = defaultdict(list)
    for this, old, new in changed:
        if old is not None and new is None and not _is_application(this):
            is_pruned = prunes and "Prune=false" not in listed(old, SYNC_OPTIONS)
            fates["pruned" if is_pruned else "not pruned"].append(str(this))
    # Of one that goes itself, its note says what becomes of them.
    yield from (f"- {_list(each)}" + (f" ({fate})" if not goes else "") for fate, each in fates.items())


def _is_application(this: Identity) -> bool:
    return (this.group, this.kind) == ("argoproj.io", "Application")


def _list(names: Iterable[str]) -> str:
    """Return a few names; of many, the first and how many more."""
    whole = [_cut(each) for each in names]
    return ", ".join(whole[:_MOST]) + (f" (+{len(whole) - _MOST})" if len(whole) > _MOST else "")


def _cut(text: str, width: int = _LONGEST) -> str:
    shown = " ".join(text.split())
    return shown if len(shown) <= width else f"{shown[: max(width - 1, 0)]}…"
