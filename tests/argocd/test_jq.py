"""Paths in jq: what gojq 0.12.19 said of each of these, in `del(…)`, as Argo CD puts it."""

from __future__ import annotations

import pytest

from argosy.argocd import jq

READ = r"""
.spec.replicas
.spec.template.spec.containers[] | select(.name == "x") | .image
.spec.template.spec.initContainers[]? | select(.name == "injected-init-container")
.metadata.annotations["a.b/c"]
.metadata.annotations."a.b/c"
.webhooks[]?.clientConfig.caBundle
.webhooks[].clientConfig.caBundle
.spec.rules[].http.paths[] | select(.path=="/" and .pathType=="Prefix")
.data | to_entries[] | select(.key | startswith("a")) | .value
.status
.. | .x?
..
.spec.versions[] | select(.name != "v1").schema
.a[1:2]
.a[:2]
.a[1:]
.a[-1]
.a["b"]["c"]
.["a"]
."a"
."a\(.b)c"
.a.b?.c
(.a, .b)
.a, .b
.a // .b
.a as $x | .b[$x]
.a as [$x, {b: $y, $z, "c": $w, (.d): $v}] | .[$x]
.a as [$x] ?// {a: $x} | .b
reduce .a[] as $i (0; . + $i)
foreach .a[] as $i (0; . + $i; [.])
if .a then .b elif .c then .d else .e end
if .a then .b end
try .a catch .b
try .a
try error("x") catch .
def f: .a; f
def f(g; $x): g | .[$x]; f(.a; "b")
label $out | .a, break $out
{a: .b | .c, d: 1 + 2,}
[.a[] | .b]
[]
{}
-.a
- 1
.a + 1 * 2 - 3 / 4 % 5
.a == 1 or .b != 2 and .c >= 3
.a |= .b
.a += 1
.a //= 1
@base64 "x\(.a)y"
@json
@text "a"
.a | tojson | fromjson
.a | test("x"; "i")
.a.b.[0]
.a.["b"]
.a | not
1.5e3, .5, 1., 1e-3
null, true, false
$ENV.PATH
env.HOME
.[] as {a: $x} | $x
.a[.b]
.a?
.a??
.a[]?
.[0].x
.spec.template.spec.containers[] | .env[] | select(.name | IN("A","B"))
path(..)
getpath(["a","b"])
.a | .[]?
limit(1; .a[])
first(.a[])
.metadata | with_entries(.key |= ascii_downcase)
paths(type == "number")
.a as $x | def f: $x; f
.a = .b // .c = .d
.a == .b and .c == .d
@foo
.a % .b
not .a
.a) | (.b
{"a\(.b)":1}
.a[1,2]
.. .a
..[0]
..?
.and
.and.or
.a | def f: 1; f
.a, label $x | .b
try -1
try try .a catch .b catch .c
try .a catch .b.c
try .a as $x | $x
reduce .a + .b as $x (0; 1)
.a as {$a: [$b]} | $b
.a as {$a: [$b]} | $a
.a as {"a\(1)": $b} | $b
.a ? // .b
."a"."b"
."a"["b"]
.a [0]
@base64 .a
-"a"
--.a
-(-.a)
+.a
.a + -.b
.a -1
.a - -1
"\u00e9\ud83d"
"é"
.b
.a
1 as $x | 2 as $y | [$x,$y]
.[] |= (.a)
.a |= empty
def f: .; def g: f; g
def f($a; b): $a + b; f(1;2)
def f: def g: 3; g; f
select(.a).b
select(.a)[0]
$ENV
.[]|.a
.a.b.c.d.e
.spec.template.spec.containers[0]
.a | @uri
@uri "a\(1)b"
"\("a")"
"\("\(1)")"
""".strip("\n").split("\n")
REFUSED = r"""
{a: 1, "b": 2, (.c): 3, $__loc__, d, "e", if: 1, and}
# c
.a # comment
input
.foo-bar
.a and
.a b
.[
.a..b
.a[
.a]
{
.a | | .b
.a |
| .a
"abc
"a\q"
"\(.a"
$x
foo
foo(1)
a::b
$a::b
.a = .b = .c
.a == .b == .c
1.2.3
1a
.a.1
.a . b
. a
.a."b
.a | select(.b == 'c')
.a[?(@.b)]
$.a
@
%
!
if .a then .b
if .a end
reduce .a as x (1;2)
break
break $x
def f .a; f
def f: .a f
.a;.b
.a)
(.a
.a,
{a:1 b:2}
{1:2}
{a:}
{.a:1}
{(.a)}
{@base64: 1}
{@base64 "x": 1}
{$x}
{$x: 1}
{a: 1, 2}
{,}
{a,,b}
[1,]
[,]
.a[1:2:3]
.a[:]
try
catch .a
..a
...
.a ...
and
or
or: 1
{a: def f: 1; f}
1 + def f: 1; f
1 + label $x | .b
try .a + .b catch .c
reduce .a, .b as $x (0; 1)
foreach .a as $x (0; 1; 2; 3)
.a as $x
.a as x | .b
.a as [] | .b
.a as {} | .b
.a as {a} | .b
.a?//.b
.a ?// .b
"a" "b"
.a"b"
@base64 @base64
é
.é
.a # c \
#
.a | = .b
.a =|= .b
.a <> .b
.a => .b
.a ||.b
.a &&.b
.a === .b
import "a" as b; .a
include "a"; .a
module {}; .a
def f(): 1; f
def f(a;): a; f(1)
def if: 1; if
.a | f as $x | 1
select()
select
select(.a;.b)
$__prog_args
"\()"
"a\(1;2)"
.a::b
a:b
{a::b}
{a:: 1}
{a:b:c}
{"a":b}
nul
""".strip("\n").split("\n")


def test_what_argo_cd_reads() -> None:
    assert {path: why for path in READ if (why := jq.fault(path))} == {}


def test_what_argo_cd_refuses() -> None:
    assert [path for path in REFUSED if not jq.fault(path)] == []


@pytest.mark.parametrize(
    ("path", "why"),
    [
        (".metadata.annotations.foo-bar", "there is no function bar"),
        (".a | foo(1; 2)", "there is no function foo of 2 arguments"),
        (".a[$x]", "there is no variable $x"),
        ("break $out", "there is no label $out"),
        (".spec.containers[", "it ends before it is complete"),
        (".a # the rest is a comment", "it ends before it is complete"),
        ('.a | test("x', "a string is not closed"),
        (r'.a | test("\d")', r"“\d” begins an unknown escape sequence in a string"),
        (".a[] | select(.b == 'c')", "“'c'))” is not expected there"),
        ("", "it ends before it is complete"),
    ],
)
def test_what_is_wrong_is_said(path: str, why: str) -> None:
    assert jq.fault(path) == why


def test_lines_comments_and_depth() -> None:
    assert jq.fault("# what is\n.a # here\n  .b") == ""
    assert jq.fault(f"{'(' * 5000}.a{')' * 5000}") == ""  # Too deep to tell.
    assert jq.fault(f".a{'[0]' * 5000} | " + "-" * 5000) == ""
    assert jq.fault(".a" + ", .b" * 20000) == ""
    assert jq.fault(f".a as {'[' * 5000}$x{']' * 5000} | $x") == ""
    assert jq.fault(f".a as {'{b: ' * 5000}$x{'}' * 5000} | $x") == ""
    assert jq.fault(f".a as {'[' * 50}$x{']' * 50} | .b as [{'[$y], ' * 200}$z] | .c") == ""


def test_a_long_number_is_read_once() -> None:
    digits = "1" * 1_000_000
    assert jq.fault(f".a == {digits}.{digits}e{digits}") == ""
    for each in (digits, f".{digits}", f"1e{digits}", f"{digits}."):
        assert jq.fault(f".a == {each}a").endswith("is not expected there")
