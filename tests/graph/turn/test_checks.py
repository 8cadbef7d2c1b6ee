"""Sentences are counted by their marks, before any step has split a text."""

import pytest

from graph import contract
from graph.contract import read_instances
from graph.errors import RequestError, TooLarge
from graph.turn.checks import count_sentences, first_sentences


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Bonjour", 1),
        ("Oui. Non !", 2),
        ("Oui.\nNon.\n\n  Si.\n", 3),
        ("Wait... what?! Version 3.14 of a.b is out", 3),
        ('He said "Go." I went', 2),
        ("你好。再见！", 2),
        ("!" * 1000, 1),
        ("\n" * 1000 + "x", 1),
    ],
)
def test_lines_and_sentences_are_counted(text, count):
    assert count_sentences(text) == count


def test_a_text_is_cut_after_so_many_sentences():
    assert first_sentences("One. Two!\nThree.", 2) == "One. Two!"
    assert first_sentences("One. Two!\nThree.", 3) == "One. Two!\nThree."
    assert count_sentences(first_sentences("Oui.\n" * 300, 250)) == 250


@pytest.mark.parametrize("field", ["user_input", "response_en"])
def test_a_text_of_too_many_sentences_is_refused_with_its_field_and_the_figure(field):
    most = contract.INNER.limits.sentences
    instance = {"user_input": "hi", field: "non\n" * most}
    read_instances({"instances": [instance]})
    with pytest.raises(TooLarge) as refused:
        read_instances({"instances": [{**instance, field: "non\n" * 1250}]})
    assert str(refused.value) == (
        f"instances[0].{field}: 1250 lines and sentences, at most 250 are taken; send it in parts"
    )


TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize("schema", [contract.PUBLIC, contract.INNER])
def test_a_turn_may_say_to_which_trace_it_belongs(schema):
    turn = {"user_input": "hi", "traceparent": TRACEPARENT}
    assert read_instances(turn, schema) == [turn]


@pytest.mark.parametrize(
    "wrong", ["", 7, None, [], TRACEPARENT.upper(), TRACEPARENT + "-x", "00" + TRACEPARENT[2:-1]]
)
def test_what_is_no_traceparent_is_refused_by_its_field(wrong):
    with pytest.raises(RequestError, match=r"instances\[0\]\.traceparent: must be a traceparent"):
        read_instances({"instances": [{"user_input": "hi", "traceparent": wrong}]})
