"""jq expressions, as gojq reads them: Argo CD puts each path of `jqPathExpressions` into `del(…)`.

Syntax is that of gojq 0.12.19, which Argo CD 3.5 ships; older and newer versions differ in functions alone. Of names it
is asked whether they are defined anywhere: a function or variable that is out of its scope passes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NoReturn

_DEEPEST = 60
"""How deeply terms and patterns are nested; what is deeper is taken as it is."""
_WORDS = """
    or and module import include def as label break null true false if then elif else end try catch reduce foreach
"""
_KEYWORDS = frozenset(_WORDS.split())
_IDENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MODULAR = re.compile(rf"{_IDENT.pattern}(?:::{_IDENT.pattern})?")
_FORMAT = re.compile(r"@[A-Za-z0-9_]+")
_NUMBER = re.compile(r"(?:\d++(?:\.\d*+)?+|\.\d++)(?:[eE][+-]?\d++(?![A-Za-z_0-9])|(?![.A-Za-z_0-9]))", re.ASCII)
_BLANK = re.compile(r"(?:[ \t\r\n]+|#(?:\\(?:\r\n|[\s\S])|[^\\\r\n])*)*")
_LITERAL = re.compile(r'(?:[^"\\]|\\(?:["/\\bfnrt]|u[0-9a-fA-F]{4}))*')
_OPERATORS = {
    **{"//": 1, "=": 2, "|=": 2, "+=": 2, "-=": 2, "*=": 2, "/=": 2, "%=": 2, "//=": 2, "or": 3, "and": 4},
    **{"==": 5, "!=": 5, "<": 5, "<=": 5, ">": 5, ">=": 5, "+": 6, "-": 6, "*": 7, "/": 7, "%": 7},
}
"""How tightly operators bind; two of those that assign or compare do not stand side by side."""
_OPERATOR = re.compile(r"//=|//|\|=|==|!=|<=|>=|[-+*/%]=|[=<>*/%+-]|(?:or|and)(?![A-Za-z0-9_])")
_FUNCTIONS = """
    IN/1 IN/2 INDEX/1 INDEX/2 JOIN/2 JOIN/3 JOIN/4 abs/0 acos/0 acosh/0 add/0 add/1 all/0 all/1 all/2 any/0 any/1
    any/2 arrays/0 ascii_downcase/0 ascii_upcase/0 asin/0 asinh/0 atan/0 atan2/2 atanh/0 booleans/0 bsearch/1
    builtins/0 capture/1 capture/2 cbrt/0 ceil/0 combinations/0 combinations/1 contains/1 copysign/2 cos/0 cosh/0
    del/1 delpaths/1 drem/2 empty/0 endswith/1 env/0 erf/0 erfc/0 error/0 error/1 exp/0 exp10/0 exp2/0 explode/0
    expm1/0 fabs/0 fdim/2 finites/0 first/0 first/1 flatten/0 flatten/1 floor/0 fma/3 fmax/2 fmin/2 fmod/2 format/1
    frexp/0 from_entries/0 fromdate/0 fromdateiso8601/0 fromjson/0 fromstream/1 gamma/0 getpath/1 gmtime/0
    group_by/1 gsub/2 gsub/3 halt/0 halt_error/0 halt_error/1 has/1 hypot/2 implode/0 in/1 index/1 indices/1
    infinite/0 inside/1 isempty/1 isfinite/0 isinfinite/0 isnan/0 isnormal/0 iterables/0 j0/0 j1/0 jn/2 join/1
    keys/0 last/0 last/1 ldexp/2 length/0 lgamma/0 limit/2 localtime/0 log/0 log10/0 log1p/0 log2/0 logb/0 ltrim/0
    ltrimstr/1 map/1 map_values/1 match/1 match/2 max/0 max_by/1 min/0 min_by/1 mktime/0 modf/0 modulemeta/0 nan/0
    nearbyint/0 nextafter/2 nexttoward/2 normals/0 not/0 now/0 nth/1 nth/2 nulls/0 numbers/0 objects/0 path/1
    paths/0 paths/1 pick/1 pow/2 range/1 range/2 range/3 recurse/0 recurse/1 recurse/2 remainder/2 repeat/1
    reverse/0 rindex/1 rint/0 round/0 rtrim/0 rtrimstr/1 scalars/0 scalb/2 scalbln/2 scan/1 scan/2 select/1
    setpath/2 significand/0 sin/0 sinh/0 skip/2 sort/0 sort_by/1 split/1 split/2 splits/1 splits/2 sqrt/0
    startswith/1 strflocaltime/1 strftime/1 strings/0 strptime/1 sub/2 sub/3 tan/0 tanh/0 test/1 test/2 tgamma/0
    to_entries/0 toboolean/0 todate/0 todateiso8601/0 tojson/0 tonumber/0 tostream/0 tostring/0 transpose/0 trim/0
    trimstr/1 trunc/0 truncate_stream/1 type/0 unique/0 unique_by/1 until/2 utf8bytelength/0 values/0 walk/1 while/2
    with_entries/1 y0/0 y1/0 yn/2
"""
"""The functions that there are, with how many arguments they have."""
_BUILTINS = frozenset(_FUNCTIONS.split())


class _RefusedError(Exception):
    """What no version of jq reads."""


class _TooDeepError(Exception):
    """Nested too deeply to be looked at."""


def fault(expression: str) -> str:
    """Return what is wrong with a path expression in jq, "" where nothing is."""
    parser = _Parser(f"del({expression})")
    try:
        parser.whole()
    except _RefusedError as error:
        return str(error)
    except _TooDeepError:
        return ""
    return next(parser.undefined(), "")


class _Parser:
    """A parser that goes down the grammar of gojq's `parser.go.y`, and keeps nothing but names."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth = text, 0, 0
        self.called: dict[str, None] = {}
        self.read: dict[str, None] = {}
        self.defined: set[str] = set()
        self.bound: set[str] = {"$ENV"}
        self.labels: set[str] = set()
        self.left: dict[str, None] = {}

    def whole(self) -> None:
        self.query()
        if self.peek():
            self.refuse()

    def undefined(self) -> Iterator[str]:
        for each in self.called:
            name, _, count = each.partition("/")
            if each not in self.defined and each not in _BUILTINS and not name.startswith("_"):
                yield f"there is no function {name}" + ("" if count == "0" else f" of {count} arguments")
        yield from (f"there is no variable {each}" for each in self.read if each not in self.bound)
        yield from (f"there is no label {each}" for each in self.left if each not in self.labels)

    # Tokens

    def blank(self) -> None:
        found = _BLANK.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def peek(self) -> str:
        """Return the character that comes next, "" at the end."""
        self.blank()
        return self.text[self.at : self.at + 1]

    def refuse(self) -> NoReturn:
        self.blank()
        # One bracket more than is written closes what the expression is put into.
        if self.at >= len(self.text) - 1:
            raise _RefusedError("it ends before it is complete")
        raise _RefusedError(f"“{self.text[self.at : self.at + 12].partition(chr(10))[0]}” is not expected there")

    def take(self, mark: str) -> bool:
        """Go past a mark, where it is next."""
        if self.peek() and self.text.startswith(mark, self.at):
            self.at += len(mark)
            return True
        return False

    def expect(self, mark: str) -> None:
        if not self.take(mark):
            self.refuse()

    def word(self) -> str:
        self.blank()
        found = _IDENT.match(self.text, self.at)
        return found[0] if found else ""

    def keyword(self, *words: str) -> str:
        """Go past one of some keywords, where it is next, and return it."""
        found = self.word()
        if found in words:
            self.at += len(found)
            return found
        return ""

    def keyworded(self, word: str) -> None:
        if not self.keyword(word):
            self.refuse()

    def name(self, form: re.Pattern[str] = _IDENT) -> str:
        self.blank()
        found = form.match(self.text, self.at)
        if not found or found[0] in _KEYWORDS:
            self.refuse()
        self.at = found.end()
        return found[0]

    def variable(self, form: re.Pattern[str] = _IDENT) -> str:
        """Go past a variable, whose name may be a keyword's."""
        self.blank()
        found = form.match(self.text, self.at + 1)
        if not self.text.startswith("$", self.at) or not found:
            self.refuse()
        self.at = found.end()
        return f"${found[0]}"

    def descend(self) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _TooDeepError

    # Queries

    def query(self) -> None:
        self.descend()
        while True:
            if self.keyword("def"):
                self.definition()
                continue
            if self.keyword("label"):
                self.labels.add(self.variable())
                self.pipe()
                continue
            self.expression()
            if self.keyword("as"):
                self.several(self.pattern, "?//")
                self.pipe()
            elif self.peek() == "|":
                self.pipe()
            elif not self.take(","):
                break
        self.depth -= 1

    def pipe(self) -> None:
        if self.peek() and self.text.startswith("|=", self.at):
            self.refuse()
        self.expect("|")

    def several(self, part: Callable[[], None], mark: str) -> None:
        part()
        while self.take(mark):
            part()

    def definition(self) -> None:
        name, count = self.name(), 0
        if self.take("("):
            while True:
                count += 1
                if self.peek() == "$":
                    parameter = self.variable()
                    self.bound.add(parameter)
                    self.defined.add(f"{parameter[1:]}/0")
                else:
                    self.defined.add(f"{self.name()}/0")
                if not self.take(";"):
                    break
            self.expect(")")
        self.expect(":")
        self.defined.add(f"{name}/{count}")
        self.query()
        self.expect(";")

    def pattern(self) -> None:
        self.descend()
        if self.peek() == "$":
            self.bound.add(self.variable())
        elif self.take("["):
            self.several(self.pattern, ",")
            self.expect("]")
        else:
            self.expect("{")
            self.several(self.field_pattern, ",")
            self.expect("}")
        self.depth -= 1

    def field_pattern(self) -> None:
        if self.peek() == "$":
            self.bound.add(self.variable())
            if self.take(":"):
                self.pattern()
            return
        self.key()
        self.expect(":")
        self.pattern()

    def key(self) -> None:
        """Go past the key of a field that is no variable."""
        if self.take("("):
            self.query()
            self.expect(")")
        elif self.peek() == '"':
            self.string()
        elif found := self.word():
            self.at += len(found)
            if self.text.startswith("::", self.at) and _IDENT.match(self.text, self.at + 2):
                self.refuse()
        else:
            self.refuse()

    def expression(self) -> None:
        once: set[int] = set()
        self.term()
        while self.peek() and (found := _OPERATOR.match(self.text, self.at)):
            if self.text.startswith("?//", self.at):
                break
            strength = _OPERATORS[found[0]]
            once = {each for each in once if each <= strength}
            if strength in once:
                self.refuse()
            once |= {strength} & {2, 5}
            self.at = found.end()
            self.term()

    # Terms

    def term(self) -> None:
        self.descend()
        self.head()
        while self.suffix():
            pass
        self.depth -= 1

    def head(self) -> None:
        first = self.peek()
        if first == ".":
            self.dotted()
        elif first == '"':
            self.string()
        elif first == "$":
            self.read[self.variable(_MODULAR)] = None
        elif first == "@":
            found = _FORMAT.match(self.text, self.at)
            self.at = found.end() if found else self.refuse()
            if self.peek() == '"':
                self.string()
        elif first and first in "+-" and not self.text.startswith("=", self.at + 1):
            self.at += 1
            self.term()
        elif self.take("[") and self.take("]"):
            pass
        elif first and first in "([":
            self.at += first == "("
            self.query()
            self.expect({"(": ")", "[": "]"}[first])
        elif self.take("{"):
            self.object()
        elif number := _NUMBER.match(self.text, self.at):
            self.at = number.end()
        else:
            self.worded()

    def dotted(self) -> None:
        """Go past what begins with a dot: `..`, `.5`, `.name`, `."name"` or the dot alone, which may be indexed."""
        if number := _NUMBER.match(self.text, self.at):
            self.at = number.end()
            return
        self.at += 1
        if self.text.startswith(".", self.at):
            self.at += 1
        elif found := _IDENT.match(self.text, self.at):
            self.at = found.end()
        elif self.text[self.at : self.at + 1].isdigit():
            self.refuse()
        elif self.peek() == '"':
            self.string()

    def worded(self) -> None:
        if self.keyword("null", "true", "false"):
            return
        if self.keyword("if"):
            self.query()
            self.keyworded("then")
            self.query()
            while self.keyword("elif"):
                self.query()
                self.keyworded("then")
                self.query()
            if self.keyword("else"):
                self.query()
            self.keyworded("end")
        elif self.keyword("try"):
            self.term()
            if self.keyword("catch"):
                self.term()
        elif word := self.keyword("reduce", "foreach"):
            self.expression()
            self.keyworded("as")
            self.pattern()
            self.expect("(")
            self.query()
            self.expect(";")
            self.query()
            if word == "foreach" and self.take(";"):
                self.query()
            self.expect(")")
        elif self.keyword("break"):
            self.left[self.variable()] = None
        else:
            name, count = self.name(_MODULAR), 0
            if self.take("("):
                count = 1
                self.query()
                while self.take(";"):
                    self.query()
                    count += 1
                self.expect(")")
            self.called[f"{name}/{count}"] = None

    def object(self) -> None:
        while not self.take("}"):
            if self.peek() == "$":
                self.read[self.variable()] = None
                if self.take(":"):
                    self.several(self.expression, "|")
            else:
                is_computed = self.peek() == "("
                self.key()
                if is_computed:
                    self.expect(":")
                    self.several(self.expression, "|")
                elif self.take(":"):
                    self.several(self.expression, "|")
            if not self.take(","):
                self.expect("}")
                return
        if self.text[self.at - 1] == ",":
            self.refuse()

    def string(self) -> None:
        self.expect('"')
        while True:
            found = _LITERAL.match(self.text, self.at)
            self.at = found.end() if found else self.at
            if self.text.startswith('"', self.at):
                self.at += 1
                return
            if not self.text.startswith("\\(", self.at):
                if self.at >= len(self.text):
                    raise _RefusedError("a string is not closed")
                raise _RefusedError(
                    f"“{self.text[self.at : self.at + 2]}” begins an unknown escape sequence in a string"
                )
            self.at += 2
            self.query()
            self.expect(")")

    def suffix(self) -> bool:
        """Go past a field, an index, a slice or a question mark behind a term, where there is one."""
        first = self.peek()
        if first == "?":
            if self.text.startswith("?//", self.at):
                return False
            self.at += 1
        elif first == "[":
            self.index()
        elif first == ".":
            if found := _IDENT.match(self.text, self.at + 1):
                self.at = found.end()
                return True
            if self.text.startswith("..", self.at) or self.text[self.at + 1 : self.at + 2].isdigit():
                self.refuse()
            self.at += 1
            if self.peek() == '"':
                self.string()
            elif self.peek() == "[":
                self.index()
            else:
                self.refuse()
        else:
            return False
        return True

    def index(self) -> None:
        self.expect("[")
        if self.take("]"):
            return
        if self.take(":"):
            self.query()
        else:
            self.query()
            if self.take(":") and self.peek() != "]":
                self.query()
        self.expect("]")
