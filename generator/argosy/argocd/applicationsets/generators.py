"""Generators -> sets of parameters, as far as the working tree knows them."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from argosy import remote
from argosy.argocd.applicationsets import pull_requests, told
from argosy.argocd.applicationsets.flaws import MOST, GeneratorError, ReportedError, SkipError
from argosy.argocd.applicationsets.parameters import (
    UNKNOWN,
    Parameters,
    combined,
    flattened,
    merged,
    normalized,
    selects,
)
from argosy.argocd.applicationsets.repository_files import RepositoryFiles, of_folder
from argosy.argocd.applicationsets.templates import Templates
from argosy.argocd.applicationsets.trees import mapping, parse, sequence, strings
from argosy.argocd.clusters import Declared
from argosy.documents import Defect, File, Pointer, text_of
from argosy.paths import astray

_UNKNOWN_HERE = {
    "clusterDecisionResource": "a resource of the cluster",
    "scmProvider": "the repositories of a Git host",
    "plugin": "what a plugin says",
}
_WHERE = "in .argosy.yaml"
_CLUSTERS = f"which `clusters` can declare {_WHERE}"
_GIVEN = {
    "clusters": frozenset({"name", "nameNormalized", "server", "project", "metadata", "clusters"}),
    "clusterDecisionResource": frozenset({"name", "server"}),
    "scmProvider": frozenset({"organization", "repository", "url", "branch", "sha", "labels"}),
}
"""What generators give besides their values."""
_SPLIT = "Use several ApplicationSets."
KINDS = ("list", "git", "matrix", "merge", "clusters", "pullRequest", "oci", *_UNKNOWN_HERE)


@dataclass
class Generators:
    """The generators of one ApplicationSet, and what became of them."""

    repository: RepositoryFiles
    templates: Templates
    name: str = ""
    """The ApplicationSet's."""
    yields: dict[Pointer, int] = field(default_factory=dict)
    """How many sets of parameters each generator gave, in the order of their evaluation."""
    contents: dict[Path, Any] = field(default_factory=dict)
    """What files hold."""
    read: set[str] = field(default_factory=set)
    """The files of this repository that were read."""

    def generate(
        self, generator: Mapping[str, Any], at: Pointer, outer: Sequence[Parameters], depth: int = 0
    ) -> list[list[Parameters]]:
        """Return a generator's sets of parameters, for each set of a first child that its fields may name.

        Raise SkipError, GeneratorError, or ReportedError.
        """
        kind = kind_of(generator, at)
        if kind in ("matrix", "merge") and depth > 1:
            raise GeneratorError(f"A {kind} generator can be nested once, not twice.", at)
        evaluate = {
            "list": self._from_list,
            "git": self._from_git,
            "matrix": self._from_matrix,
            "merge": self._from_merge,
            "pullRequest": self._from_pull_requests,
            "clusters": self._from_clusters,
            "plugin": self._from_plugin,
            "scmProvider": self._from_repositories,
            "clusterDecisionResource": self._from_decisions,
            "oci": self._from_artifact,
        }[kind]
        variants = self._interpolated(mapping(generator[kind]), (*at, kind), outer)
        # The selector is the only part that Argo CD does not interpolate.
        selector = generator.get("selector")
        results: list[list[Parameters]] = []
        count = 0
        for variant, first in zip(variants, outer, strict=True):
            try:
                if variant is None:
                    raise SkipError(first[UNKNOWN])
                found = evaluate(variant, (*at, kind), depth)
            except SkipError as reason:
                found = [self._stand_in(str(reason), mapping((variant or generator[kind]).get("values")))]
            count += len(found)
            if count > MOST:
                raise GeneratorError(f"The generator yields more than {MOST:,} sets of parameters.", at, _SPLIT)
            results.append(
                [each for each in found if selector is None or UNKNOWN in each or selects(selector, each, at)]
            )
        self.yields[at] = self.yields.get(at, 0) + sum(map(len, results))
        return results

    def _stand_in(self, why: str, values: Mapping[str, Any]) -> Parameters:
        """Return what is known of the parameters of a generator that cannot be evaluated here: some of its values."""
        made = self.templates.partly(values, [{}])[0]
        return {UNKNOWN: why, **self._values({key: each for key, each in made.items() if "{{" not in str(each)})}

    def _interpolated(
        self, generator: Mapping[str, Any], at: Pointer, outer: Sequence[Parameters]
    ) -> list[Mapping[str, Any] | None]:
        """Return the generator once for each set of parameters of the matrix's first child.

        None stands for one that asks for a parameter which is not known here.
        """
        if not any(outer):
            return [generator] * len(outer)
        fields = {key: value for key, value in generator.items() if key not in ("template", "values")}
        is_the_same = not any("{{" in text for text in strings(fields))
        if is_the_same:
            variants: list[Any] = [fields] * len(outer)
        elif any(UNKNOWN in each for each in outer):
            variants = self.templates.partly(fields, outer)
        else:
            variants = self.templates.substitute(fields, outer, at)
        if None in variants:
            raise ReportedError
        values = mapping(generator.get("values"))
        if len(values) * len(outer) > MOST:
            raise GeneratorError(f"The generator has more than {MOST:,} values to render.", (*at, "values"), _SPLIT)
        return [
            None
            if UNKNOWN in each and any("{{" in text for text in strings(variant))
            else {**cast("Parameters", variant), "values": self._resolved(values, each)}
            for variant, each in zip(variants, outer, strict=True)
        ]

    def _resolved(self, values: Mapping[str, Any], parameters: Parameters) -> Mapping[str, Any]:
        """Return `values` with those rendered that the first child's parameters suffice for."""
        resolved = dict(values)
        for key, text in values.items():
            if isinstance(text, str) and "{{" in text:
                rendered = self.templates.attempt(text, parameters)
                resolved[key] = text if rendered is None else rendered
        return resolved

    def _from_list(self, generator: Mapping[str, Any], at: Pointer, _depth: int) -> list[Parameters]:
        elements = [dict(mapping(element)) for element in sequence(generator.get("elements"))]
        if not self.templates.go:
            elements = [self._flat_element(element, (*at, "elements", i)) for i, element in enumerate(elements)]
        if text := generator.get("elementsYaml"):
            more = self._parsed(str(text), (*at, "elementsYaml"), "elementsYaml")
            if not isinstance(more, list) or not all(isinstance(element, dict) for element in more):
                raise GeneratorError("elementsYaml is no list of maps.", (*at, "elementsYaml"))
            elements += more
        return elements

    def _flat_element(self, element: Parameters, at: Pointer) -> Parameters:
        values = element.pop("values", {})
        flat = element | {f"values.{key}": value for key, value in mapping(values).items()}
        for key, value in flat.items():
            if not isinstance(value, str):
                hint = "Quote it, or set goTemplate: true."
                raise GeneratorError(f"Without goTemplate, an element's “{key}” has to be a string.", at, hint)
        return flat

    def _from_git(self, generator: Mapping[str, Any], at: Pointer, _depth: int) -> list[Parameters]:
        url = str(generator.get("repoURL") or "")
        repository = self._repository(url, str(generator.get("revision") or ""))
        prefix = str(generator.get("pathParamPrefix") or "")
        if directories := sequence(generator.get("directories")):
            found = _matching(directories, repository.in_directories)
            order = {folder: place for place, folder in enumerate(repository.directories)}
            sets = [self._path(folder, "", prefix) for folder in sorted(found, key=order.__getitem__)]
        elif files := sequence(generator.get("files")):
            sets = [
                self._content(content) | self._path(posixpath.dirname(file) or ".", posixpath.basename(file), prefix)
                for file in sorted(_matching(files, repository.in_files))
                for content in self._contents(file, repository.root, (*at, "files"))
            ]
        else:
            raise GeneratorError("A Git generator needs directories or files.", at)
        return self._with_values(sets, mapping(generator.get("values")), at)

    def _repository(self, url: str, revision: str) -> RepositoryFiles:
        """Return the files that a Git generator reads: this repository's, or those of another that was fetched."""
        if self.repository.is_this_repository(url):
            return self.repository
        pin = remote.of_source({"repoURL": url, "targetRevision": revision})
        folder = remote.folder(pin) if pin else None
        if pin is None or folder is None:
            why = f": {remote.trouble(pin)}" if pin else ""
            raise SkipError(f"its Git generator reads another repository, {url}{why}")
        return of_folder(folder)

    def _path(self, folder: str, filename: str, prefix: str) -> Parameters:
        """Return the parameters that say where a folder or a file was found."""
        name = posixpath.basename(folder)
        parts = {"path": folder, "basename": name, "basenameNormalized": normalized(name)}
        if filename:
            parts |= {"filename": filename, "filenameNormalized": normalized(filename)}
        if self.templates.go:
            nested: Parameters = {"path": {**parts, "segments": folder.split("/")}}
            return {prefix: nested} if prefix else nested
        start = f"{prefix}.path" if prefix else "path"
        flat = {start if key == "path" else f"{start}.{key}": value for key, value in parts.items()}
        return flat | {f"{start}[{index}]": part for index, part in enumerate(folder.split("/")) if part}

    def _content(self, content: Parameters) -> Parameters:
        return dict(content) if self.templates.go else dict(flattened(content))

    def _contents(self, file: str, root: Path, at: Pointer) -> list[Parameters]:
        """Return the objects of a file: one, or a list of them."""
        location = root / file
        if root == self.repository.root:
            self.read.add(file)
        if location not in self.contents:
            if reason := astray(location, root):
                raise GeneratorError(f"{file} cannot be used: {reason}.", at)
            text = text_of(File(file, location))
            if isinstance(text, Defect):
                raise GeneratorError(f"{file} cannot be read: {text.message.rpartition(': ')[2]}.", at, text.hint)
            parsed = self._parsed(text, at, file)
            self.contents[location] = parsed if isinstance(parsed, list) else [{} if parsed is None else parsed]
        if not all(isinstance(content, dict) for content in self.contents[location]):
            raise GeneratorError(f"{file} is neither a map nor a list of maps.", at)
        return cast("list[Parameters]", self.contents[location])

    def _parsed(self, text: str, at: Pointer, what: str) -> Any:
        try:
            return parse(text)
        except ValueError as error:
            raise GeneratorError(f"{what} is no valid YAML: {error}.", at) from error

    def _with_values(self, sets: list[Parameters], values: Mapping[str, Any], at: Pointer) -> list[Parameters]:
        """Add a generator's `values`, which are templates over its own parameters."""
        if not values or not sets:
            return sets
        rows = self.templates.substitute({"values": dict(values)}, sets, at)
        if None in rows:
            raise ReportedError
        added = [cast("Parameters", row) for row in rows]
        if not self.templates.go:
            added = [{f"values.{key}": value for key, value in row["values"].items()} for row in added]
        return [each | row for each, row in zip(sets, added, strict=True)]

    def _from_pull_requests(self, generator: Mapping[str, Any], at: Pointer, _depth: int) -> list[Parameters]:
        sets = pull_requests.parameters(generator, at, go=self.templates.go)
        declared = self.repository.declared.outputs("pullRequest", self.name)
        if declared is not None:
            sets = told.of_pull_requests(declared, go=self.templates.go)
        return self._with_values(sets, mapping(generator.get("values")), at)

    def _from_plugin(self, generator: Mapping[str, Any], at: Pointer, _depth: int) -> list[Parameters]:
        name = str(mapping(generator.get("configMapRef")).get("name") or "")
        sets = told.of_plugin(self._declared("plugin", name), generator, go=self.templates.go)
        return self._with_values(sets, mapping(generator.get("values")), at)

    def _from_repositories(self, generator: Mapping[str, Any], at: Pointer, _depth: int) -> list[Parameters]:
        sets = told.of_repositories(self._declared("scmProvider", self.name))
        return self._with_values(sets, mapping(generator.get("values")), at)

    def _from_decisions(self, generator: Mapping[str, Any], _at: Pointer, _depth: int) -> list[Parameters]:
        outputs = self._declared("clusterDecisionResource", self.name)
        sets = told.of_decisions(outputs, self.repository.clusters)
        # Argo CD takes these values as they are.
        return [each | self._values(mapping(generator.get("values"))) for each in sets]

    def _from_artifact(self, _generator: Mapping[str, Any], _at: Pointer, _depth: int) -> list[Parameters]:
        raise SkipError("its generator `oci` asks for what an OCI artifact holds")

    def _declared(self, kind: str, name: str) -> Sequence[Any]:
        outputs = self.repository.declared.outputs(kind, name)
        if outputs is None:
            place = f"generators.{kind}.{name}"
            raise SkipError(
                f"its generator `{kind}` asks for {_UNKNOWN_HERE[kind]}, which {place} can declare {_WHERE}"
            )
        return outputs

    def _from_clusters(self, generator: Mapping[str, Any], at: Pointer, _depth: int) -> list[Parameters]:
        """Return the clusters that the repository declares and a selector chooses; the own one only where none does."""
        clusters, selector = self.repository.clusters, mapping(generator.get("selector"))
        if not clusters.known:
            raise SkipError(f"its generator `clusters` asks for the clusters that Argo CD knows, {_CLUSTERS}")
        chooses = bool(mapping(selector.get("matchLabels")) or sequence(selector.get("matchExpressions")))
        chosen = [each for each in clusters.known if selects(selector, dict(each.labels), at)]
        if not chosen and chooses and not clusters.listed:
            raise SkipError(
                f"its generator `clusters` asks for clusters that are not declared in the repository, {_CLUSTERS}"
            )
        if unnamed := next((each.document.path for each in chosen if each.name is None), None):
            raise SkipError(f"its generator `clusters` asks for a cluster whose name is not in Git ({unnamed})")
        asked = any("server" in text and "{{" in text for text in strings(self.templates.spec))
        if asked and (hidden := next((each.document.path for each in chosen if each.server is None), None)):
            raise SkipError(f"its generator `clusters` asks for a cluster whose server is not in Git ({hidden})")
        sets = [self._cluster(each) for each in chosen]
        extra = [dict(each.values) for each in chosen]
        own = ("in-cluster", "https://kubernetes.default.svc")
        if not chooses and not any(each["server"] == own[1] for each in sets):
            sets.insert(0, {"name": own[0], "nameNormalized": own[0], "server": own[1], "project": ""})
            extra.insert(0, {})
        sets = self._with_values(sets, mapping(generator.get("values")), at)
        if any(extra):
            sets = [merged(self._values(values), each) for values, each in zip(extra, sets, strict=True)]
        return [{"clusters": sets}] if generator.get("flatList") else sets

    def _cluster(self, cluster: Declared) -> Parameters:
        name = cluster.name or ""
        found = {"name": name, "nameNormalized": normalized(name), "server": cluster.server or ""}
        found |= {"project": cluster.project}
        known = {"labels": dict(cluster.labels), "annotations": dict(cluster.annotations)}
        if self.templates.go:
            return {**found, "metadata": {key: each for key, each in known.items() if each}}
        return found | {f"metadata.{what}.{key}": value for what, all in known.items() for key, value in all.items()}

    def _values(self, values: Mapping[str, str]) -> Parameters:
        if self.templates.go:
            return {"values": dict(values)} if values else {}
        return {f"values.{key}": value for key, value in values.items()}

    def _from_matrix(self, generator: Mapping[str, Any], at: Pointer, depth: int) -> list[Parameters]:
        children = sequence(generator.get("generators"))
        if len(children) != 2:
            raise GeneratorError(f"A matrix combines exactly two generators, and this one has {len(children)}.", at)
        places: list[Pointer] = [(*at, "generators", index) for index in range(2)]
        firsts = self.generate(mapping(children[0]), places[0], [{}], depth + 1)[0]
        if not firsts:
            return []
        seconds = self.generate(mapping(children[1]), places[1], firsts, depth + 1)
        pairs = [(first, second) for first, several in zip(firsts, seconds, strict=True) for second in several]
        if self.templates.go:
            # What the first child gives wins, also where it is not known.
            given = _GIVEN.get(kind_of(mapping(children[0]), places[0]), frozenset())
            pairs = [
                (first, {key: each for key, each in second.items() if UNKNOWN not in first or key not in given})
                for first, second in pairs
            ]
        return [merged(second, first) if self.templates.go else combined(first, second, at) for first, second in pairs]

    def _from_merge(self, generator: Mapping[str, Any], at: Pointer, depth: int) -> list[Parameters]:
        children, keys = sequence(generator.get("generators")), sequence(generator.get("mergeKeys"))
        if len(children) < 2 or not keys:
            raise GeneratorError("A merge needs two generators or more, and mergeKeys.", at)
        places: list[Pointer] = [(*at, "generators", index) for index in range(len(children))]
        several = [
            self.generate(mapping(child), place, [{}], depth + 1)[0]
            for child, place in zip(children, places, strict=True)
        ]
        if why := next((each[UNKNOWN] for sets in several for each in sets if UNKNOWN in each), None):
            # What is not known may change all but the keys.
            known = [each for each in several[0] if UNKNOWN not in each]
            return [{UNKNOWN: why, **{key: each[key] for key in each.keys() & {*keys}}} for each in known or [{}]]
        base, *above = [self._by_key(sets, keys, place) for sets, place in zip(several, places, strict=True)]
        for sets in above:
            for key in base.keys() & sets.keys():
                base[key] = merged(base[key], sets[key]) if self.templates.go else base[key] | sets[key]
        return list(base.values())

    def _by_key(self, sets: list[Parameters], keys: Sequence[Any], at: Pointer) -> dict[str, Parameters]:
        keyed: dict[str, Parameters] = {}
        for each in sets:
            key = json.dumps({str(name): each.get(str(name)) for name in keys}, sort_keys=True)
            if key in keyed:
                raise GeneratorError(f"Two sets of parameters have the same mergeKeys: {key}.", at)
            keyed[key] = each
        return keyed


def kind_of(generator: Mapping[str, Any], at: Pointer) -> str:
    """Return the one kind that a generator is of; raise GeneratorError for none or several."""
    kinds = [kind for kind in KINDS if generator.get(kind) is not None]
    if len(kinds) != 1:
        what = f"is several at once: {', '.join(kinds)}" if kinds else f"is none of {', '.join(KINDS)}"
        raise GeneratorError(f"The generator {what}.", at)
    return kinds[0]


def _matching(patterns: Sequence[Any], find: Callable[[str], list[str]]) -> set[str]:
    """Return what the patterns of a Git generator include; an exclude always wins, wherever it stands."""
    found: dict[bool, set[str]] = {False: set(), True: set()}
    for each in map(mapping, patterns):
        found[each.get("exclude") is True].update(find(str(each.get("path") or "")))
    return found[False] - found[True]
