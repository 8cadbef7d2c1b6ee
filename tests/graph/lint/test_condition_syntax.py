"""Which conditions the lint takes for a path of gjson."""

from __future__ import annotations

import pytest

from graph.lint.conditions import explain_syntax


@pytest.mark.parametrize(
    "condition",
    ['lang=="fr"', "num>3", "instances[0]", '"lang"', " lang", "lang ", "@nosuch", "a.@nosuch",
     "instances.-1", "instances.#|lang", "[lang", "{lang", "#(a", "a)", 'a.#(b=="x)', "a.@revers"],
)  # fmt: skip
def test_a_condition_that_is_no_path(condition: str) -> None:
    assert explain_syntax(condition)


@pytest.mark.parametrize(
    "condition",
    ['predictions.#(route=="fr")', "instances.#(n>3)#", "a.0.b", "@this", "a.#.b", r"fav\.movie",
     "[@this].#(a==1)", 'a.#(b%"f*")', "l?ng.*", "..#", 'a.#(b=="(")', "a.#(b.#(c==1))", "!true",
     'a.#(b==")").c', '@flatten:{"deep":true}'],
)  # fmt: skip
def test_a_condition_that_is_one(condition: str) -> None:
    assert explain_syntax(condition) == ""
