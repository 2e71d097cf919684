"""The verdict on each key: a three-way merge of the source before and now with the target before and now."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import Any, NamedTuple

import yaml

from argosy.documents import encrypted
from argosy.errors import UsageError
from argosy.promotion import images
from argosy.promotion.policy import Pattern, Policy, Treatment, matches_any, meant
from argosy.yaml_edit import keys
from argosy.yaml_edit.keys import Key


class Absent(Enum):
    """What stands for no value at all."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT
ALL = "**"
"""The pattern that decides whatever is undecided."""


class Verdict(StrEnum):
    """What happens to a key of the target."""

    PROMOTED = "promoted"
    PINNED = "pinned"
    KEPT = "kept"
    """It differs, and nothing asks for a change."""
    LEFT = "left"
    """Someone decided that it stays."""
    UNDECIDED = "undecided"
    CONFLICT = "conflict"

    @property
    def is_open(self) -> bool:
        """Return whether someone has to decide before the promotion can go on."""
        return self in {Verdict.UNDECIDED, Verdict.CONFLICT}


@dataclass(frozen=True, slots=True)
class Decision:
    """A key that differs between source and target, and what happens to it. Files that are no YAML are bytes."""

    key: Key
    source: Any
    """The source's value; of an image that moves to the target's own repository, with that."""
    target: Any
    verdict: Verdict
    why: str
    """The reason; empty where there is nothing to tell."""
    encrypted: bool = False
    """Whether it cannot move because it, or something in it, is encrypted for one environment."""
    postponed: bool = False
    """Whether it is open still: `**` left it, and nobody decided on the key itself."""

    def is_meant(self, pattern: str) -> bool:
        """Return whether a pattern matches the key, or a key inside of it where that is encrypted as a whole."""
        keys_inside = (each for data in (self.source, self.target) for each in _inside(self.key, data))
        return matches_any(self.key, [pattern]) or (
            self.encrypted and any(matches_any(each, [pattern]) for each in keys_inside)
        )


class Sides(NamedTuple):
    """The files of a deployment, by their path in its folder: four versions."""

    source_before: Mapping[str, bytes]
    """The source when it was promoted last."""
    source: Mapping[str, bytes]
    target_before: Mapping[str, bytes]
    """The target after that promotion."""
    target: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person decided, as patterns of keys; of two that mean a key, the more specific one."""

    take: Sequence[str] = ()
    leave: Sequence[str] = ()

    def applied(self, decision: Decision) -> Decision:
        """Return the decision with the person's word in it; what is pinned never moves."""
        return self.applied_to([decision])[0]

    def applied_to(self, decisions: Sequence[Decision]) -> list[Decision]:
        """Return the decisions on keys that move together or not at all, with the person's word on any of them."""
        words = [each for one in decisions for each in self._words(one)]
        word = max(words, default=None)
        if word is None:
            return list(decisions)
        _, leaves, text = word
        return [self._left(each, text) if leaves else self._taken(each) for each in decisions]

    def _words(self, decision: Decision) -> Iterator[tuple[tuple[bool, int, int, int], bool, str]]:
        """Yield how much each pattern counts for a decision, whether it leaves the key as it is, and its text."""
        for leaves, patterns in ((True, self.leave), (False, self.take)):
            # What is decided already changes only where it is named.
            decided = Verdict.PROMOTED if leaves else Verdict.KEPT
            for text in patterns:
                weight = meant(decision.key, text)
                applies = decision.verdict.is_open or (decision.verdict is decided and text != ALL)
                if weight is not None and applies:
                    yield weight, leaves, text

    @staticmethod
    def _left(decision: Decision, pattern: str) -> Decision:
        if not decision.verdict.is_open and decision.verdict is not Verdict.PROMOTED:
            return decision
        why = f"left as chosen; {decision.why}"
        return replace(decision, verdict=Verdict.LEFT, why=why, postponed=decision.verdict.is_open and pattern == ALL)

    @staticmethod
    def _taken(decision: Decision) -> Decision:
        if not decision.verdict.is_open and decision.verdict is not Verdict.KEPT:
            return decision
        return replace(decision, verdict=Verdict.PROMOTED, why="taken as chosen")

    def check(self, decisions: Collection[Decision]) -> None:
        """Raise UsageError for a pattern that matches no key that differs, or takes what never moves."""
        for pattern in (each for each in (*self.take, *self.leave) if each != ALL and decisions):
            if not any(each.is_meant(pattern) for each in decisions):
                known = ", ".join(dict.fromkeys(str(each.key) for each in [*decisions][:8]))
                raise UsageError(f"“{pattern}” matches no key that differs.", f"Keys that differ: {known}.")
        for pattern in (each for each in self.take if each != ALL):
            found = [each for each in decisions if each.is_meant(pattern)]
            if found and found[0].encrypted:
                inside = "" if matches_any(found[0].key, [pattern]) else f"in {found[0].key}, which is "
                raise UsageError(
                    f"“{pattern}” is {inside}{found[0].why}, so it cannot be taken.",
                    "Nobody could decrypt a copy there: encrypt it for that environment with its own tool, "
                    "such as sops or kubeseal.",
                )
            if found and all(each.verdict is Verdict.PINNED for each in found):
                raise UsageError(
                    f"“{pattern}” {found[0].why}, so it cannot be taken.",
                    "To let it move, name it in application.yaml, below `promotion:`, under `promote:` or `ask:`.",
                )


@dataclass(frozen=True, slots=True)
class Names:
    """What the sides are called in reasons, and what they were before."""

    source: str
    target: str
    since: str = "the last promotion"
    promoted: bool = True
    """Whether the versions before are of a promotion: what it left different is meant to be."""
    own: bool = False
    """Whether the source is the target in the past, so that what is encrypted there is the target's own."""


Both = tuple[Mapping[str, bytes], Mapping[str, bytes]]
"""The files of source and target, at one time."""


def decide(
    sides: Sides,
    policy: Policy,
    names: Names,
    choices: Choices | None = None,
    later: Callable[[], Sequence[Both]] = tuple,
) -> list[Decision]:
    """Return the decision on every key that differs between source and target, in the order of the source's files.

    `later` gives the states between the versions before and now, the newest first; it is asked where somebody set a key
    of the target by hand. Where both sides had what the target has now, it is not by hand: that is what is merged from.
    """
    chosen = choices or Choices()
    decisions = {each.key: each for each in _Merge(sides, policy, names, later).decisions()}
    for group in images.groups(decisions):
        together = _as_one([decisions[key] for key in group])
        bound = [each for each in together if each.verdict.is_open or images.says_which(each.key)]
        alone = [chosen.applied(each) for each in together if each not in bound]
        decisions |= {each.key: each for each in (*chosen.applied_to(bound), *alone)}
    return [each for each in decisions.values() if each.why]


def differing(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[Key]:
    """Return the keys in which two versions of a deployment's files differ."""
    return [each.key for each in decide(Sides(before, after, before, before), _NO_POLICY, Names("", "", own=True))]


_NO_POLICY = Policy(())


def _as_one(decisions: Sequence[Decision]) -> Sequence[Decision]:
    """Return the decisions on the parts of one image: they move together, or not at all."""
    naming = [each for each in decisions if images.says_which(each.key)]
    if any(each.verdict is Verdict.PROMOTED and each.target is ABSENT for each in naming):
        # The target has no image at all, and so no repository of its own.
        decisions = [
            replace(each, verdict=Verdict.PROMOTED, why=naming[0].why)
            if each.verdict is Verdict.KEPT and each.target is ABSENT and not each.why
            else each
            for each in decisions
        ]
    pinned = next((each for each in naming if each.verdict is Verdict.PINNED), None)
    first = next((each for each in decisions if each.verdict.is_open), None)
    kept = next((each for each in naming if each.verdict is Verdict.KEPT), None)
    reason = pinned or first or kept
    if reason is None or not (pinned or any(each.verdict is Verdict.PROMOTED for each in decisions)):
        return decisions
    verdict = Verdict.CONFLICT if reason is kept else reason.verdict
    why = f"the same image as {reason.key}: {reason.why}"

    def follows(each: Decision) -> bool:
        return each.verdict is Verdict.PROMOTED or (each.verdict.is_open if pinned else each is kept)

    return [replace(each, verdict=verdict, why=why) if follows(each) else each for each in decisions]


@dataclass(frozen=True, slots=True)
class _Merge:
    sides: Sides
    policy: Policy
    names: Names
    later: Callable[[], Sequence[Both]]

    def decisions(self) -> Iterator[Decision]:
        sides = self.sides
        for file in sorted({*sides.source, *sides.target}):
            if sides.source.get(file) != sides.target.get(file):
                yield from self._file(file)

    def _file(self, file: str) -> Iterator[Decision]:
        contents = [each.get(file) for each in self.sides]
        texts = [keys.read(each, file) if each is not None else None for each in contents]
        _, source, _, target = texts
        if source is None or target is None:
            yield from self._leaf(Key(file, "", ()), [ABSENT if each is None else each for each in contents])
            return
        documents = [each.documents if each else {} for each in texts]
        is_whole = any(each is not None and encrypted.is_file(each) for each in (contents[1], contents[3]))
        if is_whole or ("" in documents[1]) != ("" in documents[3]):
            # One piece, or manifests on one side, and something else on the other.
            yield from self._leaf(Key(file, "", ()), [ABSENT if each is None else each for each in contents])
            return
        for scope in _in_order(documents[1], documents[3]):
            yield from self._walk(Key(file, scope, ()), [each.get(scope) for each in documents])

    def _walk(self, key: Key, nodes: Sequence[yaml.Node | None], *, whole: bool = True) -> Iterator[Decision]:
        """Yield the decisions on a key and what is below it; with `whole`, on all of it where one side has nothing."""
        source, target = nodes[1], nodes[3]
        if keys.alike(source, target):
            return
        is_open = (source and target) or (not whole and self._is_mixed(key, source, target))
        found = keys.entries(*nodes) if is_open and not any(_is_one_piece(key, each) for each in nodes) else None
        if found is None:
            yield from self._leaf(key, [ABSENT if each is None else keys.value(each) for each in nodes])
            return
        # Half an item of a list is none: a container without its name.
        in_list = any(isinstance(each, yaml.SequenceNode) for each in nodes)
        for name in _in_order(found[1], found[3]):
            below = [each[name].value if name in each else None for each in found]
            yield from self._walk(key._replace(path=(*key.path, name)), below, whole=in_list)

    def _is_mixed(self, key: Key, *nodes: yaml.Node | None) -> bool:
        """Return whether a mapping that one side lacks is treated differently key by key, so that it moves in parts."""
        leaves = [leaf for each in nodes if isinstance(each, yaml.MappingNode) for leaf in _leaves(key, each)]
        treatments = {self.policy.treatment_of(each) for each in (key, *(leaf for leaf, _ in leaves))}
        has_own = nodes[0] is None and any(images.says_where(leaf) for leaf, _ in leaves)
        return has_own or len(treatments) > 1 or any(_is_encrypted(*leaf) for leaf in leaves)

    def _leaf(self, key: Key, values: Sequence[Any]) -> Iterator[Decision]:
        if keys.same(values[1], values[3]):
            return
        if reason := self._encryption(key, values[1], values[3]):
            yield Decision(key, values[1], values[3], Verdict.PINNED, reason, encrypted=True)
            return
        pattern, (source_before, source, target_before, target) = self._at_home(key, values)
        own = f"{self.names.target} has a repository of its own"
        if keys.same(source, target):
            is_deleted = target is ABSENT and values[2] is not ABSENT
            silent = not is_deleted and ABSENT in (values[1], target)
            why = f"deleted by hand in {self.names.target}" if is_deleted else "" if silent else own
            yield Decision(key, values[1], target, Verdict.KEPT, why)
            return
        if not keys.same(target_before, target) and self._has_met(key, values[3]):
            source_before = target_before = target
        # A file that came to both after the last promotion: nothing tells who changed what.
        unknown = not {key.file} & {*self.sides.source_before, *self.sides.target_before}
        case = _Case(
            source is ABSENT,
            target is ABSENT,
            changed=unknown or not keys.same(source_before, source),
            by_hand=not unknown and not keys.same(target_before, target),
            apart=unknown or not keys.same(source_before, target_before),
            left=self.names.promoted and not unknown,
            is_local=has_name(source, self.names.source) and not has_name(source_before, self.names.source),
        )
        verdict, why = self._judge(pattern, case)
        yield Decision(key, source, target, verdict, why if source == values[1] else f"{why}; {own}")

    def _has_met(self, key: Key, target: Any) -> bool:
        """Return whether both sides had the target's value at once, since they were looked at before."""
        return any(all(keys.same(value_at(files, key), target) for files in both) for both in self.later())

    def _at_home(self, key: Key, values: Sequence[Any]) -> tuple[Pattern | None, Sequence[Any]]:
        """Return the pattern that decides on a key, and the values as they are in the target's own repository, if any.

        It is its own where it has the same image's name, as long as the source's image stays where it was; where both
        went elsewhere, nobody knows.
        """
        pattern = self.policy.pattern_of(key)
        before, source, had, target = (images.home(key, each) for each in values)
        is_default = pattern is not None and pattern.treatment is Treatment.PROMOTE and not pattern.own
        if self.names.own or not is_default or None in (source, target) or source == target:
            return pattern, values
        is_new = key.file not in self.sides.source_before
        if ABSENT not in (source, target) and not images.same_name(source, target):
            # The tag of one would name nothing in the other: all of it moves, or someone says what is to be.
            return pattern if is_new or before == had or not self.names.promoted else None, values
        if before in (None, source) or is_new:
            return pattern, [images.at(key, each, target) for each in values]
        return pattern if before == had else None, values

    def _encryption(self, key: Key, source: Any, target: Any) -> str:
        """Return whom a key's value is encrypted for; empty if it is not, or for the target in any case."""
        if self.names.own:
            return ""
        if _is_encrypted(key, target):
            return f"encrypted for {self.names.target}"
        if _is_encrypted(key, source):
            return f"encrypted for {self.names.source}; {self.names.target} needs its own"
        return ""

    def _judge(self, pattern: Pattern | None, case: _Case) -> tuple[Verdict, str]:
        """Return verdict and reason."""
        treatment = pattern.treatment if pattern else Treatment.SETTING
        source, target, since = self.names.source, self.names.target, self.names.since
        if treatment is Treatment.PINNED:
            silent = pattern is not None and pattern.is_silent
            return Verdict.PINNED, "" if silent else f"belongs to {target}{_by(pattern)}"
        done = "deleted" if case.gone_from_target else "set"
        if case.by_hand and case.changed:
            return Verdict.CONFLICT, f"{done} by hand in {target} since {since}, and changed in {source}"
        if case.by_hand:
            return Verdict.KEPT, f"{done} by hand in {target}, and unchanged in {source} since {since}"
        if treatment is Treatment.PROMOTE and (case.changed or not case.left):
            return Verdict.PROMOTED, f"the same everywhere{_by(pattern)}"
        return self._judge_change(pattern, case)

    def _judge_change(self, pattern: Pattern | None, case: _Case) -> tuple[Verdict, str]:
        """Return verdict and reason of a key that the target leaves as it was."""
        source, target, since = self.names.source, self.names.target, self.names.since
        if not case.changed:
            gone = case.gone_from_source or case.gone_from_target
            return Verdict.KEPT, "" if gone else f"unchanged in {source} since {since}"
        if pattern is not None and pattern.treatment is Treatment.ASK:
            return Verdict.UNDECIDED, f"changed in {source}; someone has to decide{_by(pattern)}"
        reasons = (
            (case.gone_from_source, f"gone from {source}"),
            (case.gone_from_target, f"new in {source}"),
            (case.apart, f"changed in {source}, and {target} had a value of its own before"),
            (case.is_local, f"changed in {source} to what names {source}"),
        )
        asks = next((why for applies, why in reasons if applies), "")
        return (Verdict.UNDECIDED, asks) if asks else (Verdict.PROMOTED, f"changed in {source}")


class _Case(NamedTuple):
    gone_from_source: bool
    gone_from_target: bool
    changed: bool
    """The source's value is not what it was at the last promotion."""
    by_hand: bool
    """The target's value is not what it was after the last promotion."""
    apart: bool
    """The values differed at the last promotion already."""
    left: bool
    """That promotion left them different."""
    is_local: bool
    """The source's value names the source's environment, and did not before: as `db.dev.internal` does."""


def has_name(data: Any, name: str) -> bool:
    """Return whether a text in some data, or a file, has a name in it, as a word."""
    if isinstance(data, bytes):
        return has_name(data.decode(errors="replace"), name)
    if isinstance(data, Mapping):
        return any(has_name(each, name) for each in data.values())
    if isinstance(data, list):
        return any(has_name(each, name) for each in data)
    word = rf"(?<![a-z0-9]){re.escape(name.lower())}(?![a-z0-9])"
    return isinstance(data, str) and re.search(word, data.lower()) is not None


def _by(pattern: Pattern | None) -> str:
    if pattern is None:
        return ""
    return f" ({'application.yaml' if pattern.own else 'default'}: {pattern.text})"


def _leaves(key: Key, node: yaml.Node) -> Iterator[tuple[Key, Any]]:
    """Yield the keys below a mapping that are none themselves, with their values."""
    if isinstance(node, yaml.MappingNode) and node.value:
        for name, entry in (keys.entries(node) or [{}])[0].items():
            yield from _leaves(key._replace(path=(*key.path, name)), entry.value)
    else:
        yield key, keys.value(node)


def value_at(files: Mapping[str, bytes], key: Key) -> Any:
    """Return what some files have at a key."""
    content = files.get(key.file)
    if content is None or not (key.scope or key.path):
        return ABSENT if content is None else content
    text = keys.read(content, key.file)
    node = text.documents.get(key.scope) if text else None
    for name in key.path:
        entry = (keys.entries(node) or [{}])[0].get(name)
        node = entry.value if entry else None
    return ABSENT if node is None else keys.value(node)


def _is_one_piece(key: Key, node: yaml.Node | None) -> bool:
    """Return whether a manifest or another mapping is encrypted, so that no part of it moves alone."""
    if encrypted.SEALED in key.path:
        return True
    fields = {name.value: each for name, each in node.value} if isinstance(node, yaml.MappingNode) else {}
    is_sealed = "kind" in fields and fields["kind"].value == "SealedSecret"
    return is_sealed or ("sops" in fields and encrypted.has_sops({"sops": keys.value(fields["sops"])}))


def _is_encrypted(key: Key, data: Any) -> bool:
    """Return whether a key's value is encrypted, or something in it; files are bytes."""
    if isinstance(data, bytes):
        text = keys.read(data)
        documents = text.documents.values() if text else ()
        return encrypted.is_file(data) or any(encrypted.holds(keys.value(each)) for each in documents)
    return data is not ABSENT and (encrypted.holds(data) or (encrypted.SEALED in key.path and bool(data)))


def _inside(key: Key, data: Any) -> Iterator[Key]:
    """Yield the keys inside of a file or another value."""
    if isinstance(data, bytes):
        text = keys.read(data)
        for scope, node in text.documents.items() if text else ():
            yield from _inside(key._replace(scope=scope), keys.value(node))
    elif isinstance(data, Mapping):
        for name, value in data.items():
            found = key._replace(path=(*key.path, str(name)))
            yield found
            yield from _inside(found, value)


def _in_order(first: Iterable[str], second: Iterable[str]) -> list[str]:
    return list(dict.fromkeys((*first, *second)))
