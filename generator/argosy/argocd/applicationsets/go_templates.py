"""Go templates of Argo CD, rewritten for Helm, whose functions are almost the same."""

from __future__ import annotations

import re
from dataclasses import dataclass

DEFINITIONS = (
    '{{ define "argocd.normalize" }}'
    '{{ regexReplaceAll "[^-a-z0-9.]" (lower .) "-" | trunc 253 | trimAll "-." }}'
    "{{ end }}"
    '{{ define "argocd.slugify" }}'
    "{{ $most := 50 }}{{ if gt (len .) 1 }}{{ $most = index . 0 }}{{ end }}"
    "{{ $smart := true }}{{ if gt (len .) 2 }}{{ $smart = index . 1 }}{{ end }}"
    '{{ $made := include "argocd.normalize" (last .) }}'
    "{{ if not $smart }}{{ $made = trunc $most $made }}{{ end }}"
    '{{ $made = regexReplaceAll "-+" (regexReplaceAll "[^a-z0-9-]" $made "-") "-" | trimAll "-" }}'
    "{{ if and $smart (gt (len $made) $most) }}"
    '{{ $made = regexFind (printf "^.{0,%d}-" $most) $made | trimSuffix "-" | default (trunc $most $made) }}'
    "{{ end }}{{ $made }}{{ end }}"
)
"""Argo CD's own functions; `slugify` takes its arguments as a list."""
_SLUGIFY = ' | include "argocd.slugify"'
_HELM_ONLY = re.compile(
    "include|tpl|required|lookup|toToml|fromToml|mustTo(?:Toml|Yaml)|toYamlPretty|fromJsonArray|getHostByName"
)
_LONGEST_TEXT = 100_000
_LONGEST = 1_000_000
"""Characters: an operand stands once for each of its fields, so that operands in operands multiply."""
_TOKEN = re.compile(
    r"""(?P<end>\}\})
    |(?P<text>/\*.*?(?:\*/|\Z)|"(?:\\.|[^"\\])*+(?:"|\Z)|`[^`]*(?:`|\Z)|'(?:\\.|[^'\\])*+(?:'|\Z)|\d[\w.]*)
    |(?P<operand>\$\w*|\)|(?<![\w)])(?=\.[^\W\d]))(?P<chain>(?:\.[^\W\d]\w*)*)
    |(?P<open>\()
    |(?P<word>[^\W\d]\w*)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class GoTemplate:
    """A Go template of Argo CD.

    Helm cannot be told `missingkey=error`. So with `strict` each field `.a` becomes an expression that fails where the
    key is missing and is the field otherwise, which leaves branches not taken and every other function as they are.
    """

    text: str
    strict: bool

    def rewritten(self) -> str:
        """Return the template for Helm; raise ValueError where Argo CD has no such function, or Helm has none."""
        if len(self.text) > _LONGEST_TEXT:
            raise ValueError(f"it has more than {_LONGEST_TEXT:,} characters")
        output: list[str] = []
        position = 0
        while (start := self.text.find("{{", position)) >= 0:
            output.append(self.text[position : start + 2])
            action, position = self._action(start + 2)
            output.append(action)
        return "".join(output) + self.text[position:]

    def _action(self, position: int) -> tuple[str, int]:
        """Return an action rewritten, and where it ends."""
        output: list[str] = []
        opened: list[int] = []
        slugs: set[int] = set()
        while token := _TOKEN.match(self.text, position):
            position = token.end()
            if len(opened) in slugs and (token["end"] or token[0] == "|" or token["operand"] == ")"):
                # Its arguments, and what is piped to it, become a list.
                slugs.remove(len(opened))
                is_trimmed = token["end"] and output[-1:] == ["-"] and output[-2:-1] and output[-2].isspace()
                output.insert(len(output) - 2 if is_trimmed else len(output), _SLUGIFY)
            if token["word"] == "slugify":
                slugs.add(len(opened))
                output.append("list")
                continue
            if token["operand"] is not None:
                start = opened.pop() if token["operand"] == ")" and opened else len(output)
                base = "".join([*output[start:], token["operand"]]) or "."
                output[start:] = [self._chain(base, token["chain"])]
                continue
            if token["open"]:
                opened.append(len(output))
            output.append(self._word(token["word"]) if token["word"] else token[0])
            if token["end"]:
                break
        return "".join(output), position

    def _chain(self, base: str, chain: str) -> str:
        """Return the fields of an operand: `.a.b` of `.`, of `$x` or of `(…)`."""
        if not self.strict:
            return f"{'' if base == '.' else base}{chain}"
        checks, value = [], base
        for name in chain.split(".")[1:]:
            checks.append(f'(or (hasKey {value} "{name}") (fail "map has no entry for key \\"{name}\\""))')
            value = f'(index {value} "{name}")' if value == base else f'{value[:-1]} "{name}")'
        checked = f"(and {' '.join([*checks, value])})" if checks else base
        if len(checked) > _LONGEST:
            raise ValueError("its fields are nested too deep to be evaluated here")
        return checked

    @staticmethod
    def _word(word: str) -> str:
        if _HELM_ONLY.fullmatch(word):
            raise ValueError(f'function "{word}" not defined')
        return 'include "argocd.normalize"' if word == "normalize" else word
