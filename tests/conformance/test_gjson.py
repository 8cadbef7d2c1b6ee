"""Conditions as Go's own gjson reads them: random bodies and paths, asked of both.

`PARLEY_CONFORMANCE_GRAPHS` raises the number of pairs too, to a hundred times as many.
"""

from __future__ import annotations

import base64
import json
import os
import random
import subprocess
from pathlib import Path

import pytest

from graph.golang.json import is_valid
from graph.router.conditions import matches
from tests.conformance.bench import find_gjson, leave_out

PAIRS = 100 * int(os.environ.get("PARLEY_CONFORMANCE_GRAPHS") or 80)

_KEYS = ("a", "b", "lang", "", "0", "1", "a.b", "#", "@this", "a*", "é", "A", "\\u0061", "x|y")
_STRINGS = (
    "", "fr", "en", "1", "true", "false", "0", "t", "a{b", "x[1]", "\\u0041", "é", "\\ud800",
    "[1,2]", '{\\"a\\":1}', "a\\\\", '\\"', "\\ud83d\\ude00", "\\u00e9\\ud83d\\ude00", "10", "9",
)  # fmt: skip
_NUMBERS = ("0", "1", "-1", "1.5", "1e3", "10", "1e400", "-0", "9007199254740993", "5e-324")
_PARTS = (
    "a", "b", "lang", "0", "1", "2", "#", "@this", "@keys", "@values", "@flatten", "@reverse",
    '@flatten:{"deep":true}', "@join", '@join:{"preserve":true}', "@tostr", "@fromstr", "@group",
    "@dig:a", "@dig:lang", "@valid", "@pretty", "@ugly", "@nosuch", "@this:x", "@dig", "*", "?",
    "a*", "l?ng", "*a*", "a\\.b", "", "#(a==1)", '#(a=="fr")#', '#(lang=="fr")#', "#(==1)",
    '#(lang%"f*")#', '#(=="fr")#', "#[a=1]", "#(a)", "#(~true)", "#(a~true)", "#(==~true)#",
    "#(a==~null)#", "#(!=1)#", "#(>0)", '#(<"z")#', "#(a.b==1)", "#(#>0)", "#(#(a==1))", "#(a",
    "[a,b]", "{a,b}", '{"x":a,b}', "[a", "{a", "!true", "!null", '!"x"', '!{"a":1}', "!5", "!nan",
    "!True", "!NULL", "..#", "..0", "..", "-1", "01", "a#b", "(", ")", '"lang"', "é", '#(a=="é")',
    "[@this]", "{@this}", "{x:@this.a}", "\\a", "a\\", '#(a!%"f*")', '#(@this=="fr")', "#(!)",
    '#(lang=="fr")#|0', "[#.a,0]", "[a,[b,lang]]", "{a,c:{b}}", "#(>=1)#|#", "#(<=1)", "#(a!x)",
    "#(==true)", "#(==null)", "#()", "#()#", "#(==)", "#(a==[1])", '#("lang"=="fr")', "!", "@",
    '#(a=="f\\"")', "18446744073709551617", "#(>5)", "#(==0x1p0)", "#(==1_0)", "#(==.5e1)",
)  # fmt: skip
# No quote among them: an odd one in a static value makes text that is no JSON, where gjson counts
# past its end.
_MARKS = ".|#@!([{}]),:\\*?=~% "


@pytest.fixture(scope="module")
def gjson() -> Path:
    program = find_gjson(os.environ)
    if program is None:
        leave_out("no Go on this machine to build the real gjson", os.environ)
    return program


def test_conditions_hold_where_gjson_finds_something(gjson: Path) -> None:
    rng = random.Random(os.environ.get("PARLEY_CONFORMANCE_SEED", "gjson"))
    pairs = [(_body(rng), _path(rng)) for _ in range(PAIRS)]
    theirs = _ask_gjson(gjson, pairs)
    ours = [(is_valid(body), matches(body, path)) for body, path in pairs]
    assert [
        (body, path, f"gjson {one}, ours {other}")
        for (body, path), one, other in zip(pairs, theirs, ours, strict=True)
        if one != other
    ] == []
    assert sum(found for _, found in theirs) > PAIRS / 20


def test_gjson_sorts_keys_where_ours_does_not(gjson: Path) -> None:
    body, path = b'{"b":1,"a":2}', '@pretty:{"sortKeys":true}|@keys|[0]|#(=="a")'
    assert _ask_gjson(gjson, [(body, path)]) == [(True, True)]
    assert matches(body, path.replace('"a")', '"b")'))
    assert not matches(body, path)


def _ask_gjson(program: Path, pairs: list[tuple[bytes, str]]) -> list[tuple[bool, bool]]:
    """Whether each body is valid, and whether its path exists there, says the real gjson."""
    lines = [
        json.dumps([base64.b64encode(part).decode() for part in (body, path.encode())])
        for body, path in pairs
    ]
    done = subprocess.run(
        [str(program)], input="\n".join(lines), capture_output=True, text=True, check=True
    )
    answers = [line.split() for line in done.stdout.splitlines()]
    return [(valid == "1", valid == found == "1") for valid, found in answers]


def _body(rng: random.Random, depth: int = 0) -> bytes:
    text = _value(rng, depth).encode()
    if rng.random() < 0.02:
        text = text.replace(b"fr", b"f\xff")
    return text[:-1] if rng.random() < 0.01 else text


def _value(rng: random.Random, depth: int) -> str:
    kind = rng.randrange(13 if depth < 3 else 8)
    if kind < 2:
        return rng.choice(("null", "true", "false"))
    if kind == 2:
        return rng.choice(_NUMBERS)
    if kind < 6:
        return f'"{rng.choice(_STRINGS)}"'
    if kind < 8:
        return rng.choice(("{}", "[]"))
    space = rng.choice(("", " ", "\n"))
    inner = [_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    if kind < 10:
        return "[" + space + ("," + space).join(inner) + space + "]"
    members = (f'"{rng.choice(_KEYS)}"{space}:{space}{value}' for value in inner)
    return "{" + space + ",".join(members) + space + "}"


def _path(rng: random.Random) -> str:
    path = rng.choice(_PARTS)
    for _ in range(rng.randrange(4)):
        path += rng.choice((".", ".", ".", "|", "|", "", "..")) + rng.choice(_PARTS)
    if rng.random() < 0.1:
        at = rng.randrange(len(path) + 1)
        path = path[:at] + rng.choice(_MARKS) + path[at:]
    return path
