"""The check of every request: what is taken, and where a refusal points."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph import contract
from graph.errors import (
    RequestError,
    TooLarge,
)
from tests.requests import requests

VALID = {"user_input": "Bonjour"}
DEGRADATION = {"step": "translate-en-fr", "reason": "engine"}


def refused(payload, schema=contract.INNER):
    with pytest.raises(RequestError) as caught:
        contract.read_instances(payload, schema)
    return caught.value


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ([], "body"),
        ("text", "body"),
        (None, "body"),
        ({}, "instances"),
        ({"instances": [VALID], "more": 1}, "more"),
        ({"instances": {}}, "instances"),
        ({"instances": None}, "instances"),
        ({"instances": []}, "instances"),
        ({"instances": [VALID, 3]}, "instances[1]"),
        ({"instances": [{}]}, "instances[0].user_input"),
        ({"instances": [{"user_input": None}]}, "instances[0].user_input"),
        ({"instances": [{"user_input": 7}]}, "instances[0].user_input"),
        ({"instances": [{"user_input": "   \n"}]}, "instances[0].user_input"),
        ({"instances": [{"user_input": "a\x00b"}]}, "instances[0].user_input"),
        ({"instances": [{"user_input": "\ud800"}]}, "instances[0].user_input"),
        ({"instances": [{**VALID, "history": "hi"}]}, "instances[0].history"),
        ({"instances": [{**VALID, "history": ["hi", 2]}]}, "instances[0].history[1]"),
        ({"instances": [{**VALID, "language": 1}]}, "instances[0].language"),
        ({"instances": [{**VALID, "language": "French"}]}, "instances[0].language"),
        ({"instances": [{**VALID, "previous_language": ""}]}, "instances[0].previous_language"),
        ({"instances": [{**VALID, "colour": "red"}]}, "instances[0].colour"),
        (
            {"instances": [{**VALID, "language_confidence": True}]},
            "instances[0].language_confidence",
        ),
        (
            {"instances": [{**VALID, "language_confidence": 1.5}]},
            "instances[0].language_confidence",
        ),
        ({"instances": [{**VALID, "response_en": []}]}, "instances[0].response_en"),
        ({"instances": [{**VALID, "steps": [{}]}]}, "instances[0].steps[0]"),
        ({"instances": [{**VALID, "timeout": 0}]}, "instances[0].timeout"),
        ({"instances": [{**VALID, "timeout": -1}]}, "instances[0].timeout"),
        ({"instances": [{**VALID, "timeout": 3601}]}, "instances[0].timeout"),
        ({"instances": [{**VALID, "timeout": "5"}]}, "instances[0].timeout"),
        ({"instances": [{**VALID, "timeout": True}]}, "instances[0].timeout"),
        ({"instances": [{**VALID, "timeout": None}]}, "instances[0].timeout"),
        ({"instances": [{**VALID, "deadline": "soon"}]}, "instances[0].deadline"),
        ({"instances": [{**VALID, "deadline": -1}]}, "instances[0].deadline"),
        ({"instances": [{**VALID, "deadline": 1_764_000_000_000}]}, "instances[0].deadline"),
        ({"instances": [{**VALID, "request_id": ""}]}, "instances[0].request_id"),
        ({"instances": [{**VALID, "request_id": 7}]}, "instances[0].request_id"),
        ({"instances": [{**VALID, "request_id": "a b"}]}, "instances[0].request_id"),
        ({"instances": [{**VALID, "request_id": "a\n"}]}, "instances[0].request_id"),
        ({"instances": [{**VALID, "request_id": 'a"'}]}, "instances[0].request_id"),
        ({"instances": [{**VALID, "request_id": "é"}]}, "instances[0].request_id"),
        ({"user_input": "Hi", "timeout": 0}, "timeout"),
        ({"user_input": "Hi", "request_id": "<b>"}, "request_id"),
        ({**VALID, "degraded": {}}, "degraded"),
        ({**VALID, "degraded": [DEGRADATION] * 33}, "degraded"),
        ({**VALID, "degraded": [{"step": "chat"}]}, "degraded[0]"),
        ({**VALID, "degraded": [{**DEGRADATION, "more": 1}]}, "degraded[0]"),
        ({**VALID, "degraded": [DEGRADATION, {**DEGRADATION, "step": 1}]}, "degraded[1].step"),
        ({**VALID, "degraded": [{**DEGRADATION, "reason": "tired"}]}, "degraded[0].reason"),
        ({**VALID, "degraded": [{**DEGRADATION, "reason": []}]}, "degraded[0].reason"),
        ({"user_input": "Hi", "history": 3}, "history"),
        ({"user_input": "Hi", "colour": "red"}, "colour"),
    ],
)
def test_a_refusal_names_the_field(payload, field):
    error = refused(payload)
    assert error.field == field
    assert error.status == 400
    assert str(error).startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({"user_input": "x" * 10_001}, "user_input"),
        ({"instances": [VALID] * 65}, "instances"),
        ({**VALID, "history": ["a"] * 1_001}, "history"),
        ({**VALID, "history": ["a" * 40_001]}, "history[0]"),
        ({**VALID, "request_id": "a" * 65}, "request_id"),
    ],
)
def test_what_is_too_large_is_refused_with_413(payload, field):
    error = refused(payload, contract.PUBLIC)
    assert isinstance(error, TooLarge)
    assert (error.status, error.field) == (413, field)


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({"user_input": "x" * 10_001}, "user_input"),
        ({"instances": [VALID] * 65}, "instances"),
        ({**VALID, "history": ["a"] * 1_003}, "history"),
        ({**VALID, "history": ["a" * 40_001]}, "history[0]"),
        ({**VALID, "user_input_en": "a" * 40_001}, "user_input_en"),
        ({**VALID, "response_en": "a" * 10_001}, "response_en"),
        ({**VALID, "response": "a" * 40_001}, "response"),
        ({**VALID, "degraded": [{**DEGRADATION, "step": "x" * 129}]}, "degraded[0].step"),
    ],
)
def test_a_later_step_has_its_limits_too(payload, field):
    error = refused(payload)
    assert (error.status, error.field) == (413, field)


def test_ten_thousand_characters_are_taken():
    for schema in (contract.PUBLIC, contract.INNER):
        assert contract.read_instances({"user_input": "x" * 10_000}, schema)


def test_the_bare_form_means_one_instance():
    assert contract.read_instances({"user_input": "Hi", "history": []}) == [
        {"user_input": "Hi", "history": []}
    ]


def test_the_public_door_takes_no_inner_field():
    for field, value in (("response_en", "x"), ("degraded", [DEGRADATION])):
        error = refused({"user_input": "Hi", field: value}, contract.PUBLIC)
        assert error.field == field


@pytest.mark.parametrize("timeout", [0.001, 1, 59.5, 3600])
def test_a_person_may_say_how_long_a_turn_may_take(timeout):
    for schema in (contract.PUBLIC, contract.INNER):
        for request in ({**VALID, "timeout": timeout}, {"instances": [{**VALID, "timeout": 1}]}):
            assert contract.read_instances(request, schema)


@pytest.mark.parametrize(
    "request_id",
    [
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "9f2c7e04-6a3b-4f3e-9d9a-1c0b5a8e7d61",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "Root=1-67891233-abcdef012345678912345678",
        "dGhlIGlk+/==",
    ],
)
def test_the_identifiers_in_use_are_taken(request_id):
    instance = {**VALID, "request_id": request_id}
    assert contract.read_instances(instance, contract.PUBLIC) == [instance]


def test_two_turns_of_a_batch_never_share_a_name():
    named = {**VALID, "request_id": "a"}
    error = refused({"instances": [named, VALID, named]})
    assert (error.field, error.status) == ("instances[2].request_id", 400)
    assert contract.read_instances({"instances": [named, VALID, {**named, "request_id": "b"}]})


def test_a_person_says_no_time_of_day():
    assert refused({**VALID, "deadline": 1e9}, contract.PUBLIC).field == "deadline"
    assert contract.read_instances({**VALID, "deadline": 1e9}, contract.INNER)


def test_instances_are_copies():
    instance = {"user_input": "Hi"}
    [read] = contract.read_instances({"instances": [instance]})
    read["language"] = "en"
    assert instance == {"user_input": "Hi"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  ",
        b"{",
        b"\xff\xfe",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"1" * 5_000,
        b'{"user_input": "Hi", "user_input": "Bye"}',
    ],
)
def test_a_body_that_is_not_json_is_refused(body):
    with pytest.raises(RequestError) as caught:
        contract.parse_body(body)
    assert caught.value.field == "body"


@pytest.mark.parametrize("limits", [contract.PUBLIC.limits, contract.INNER.limits])
def test_a_body_over_the_limit_is_refused(limits):
    with pytest.raises(TooLarge):
        contract.parse_body(b" " * (limits.body + 1), limits)


@pytest.mark.parametrize("character", ["a", "<", '"', "é", "\u2028", "中", "😀"])
def test_the_largest_messages_fit_in_a_body_however_they_are_written(character):
    """Escaped, an emoji takes twelve bytes; that is the most that JSON makes of a character."""
    instance = {"user_input": character * 10_000, "language": "fr", "previous_language": "fr"}
    for ascii_only in (True, False):
        body = json.dumps({"instances": [instance] * 64}, ensure_ascii=ascii_only).encode()
        assert len(body) <= contract.PUBLIC.limits.body


def test_a_step_is_appended_and_the_earlier_ones_kept():
    instance: contract.Instance = {"user_input": "Hi"}
    contract.add_step(instance, "detector", "lingua", 0.00049)
    contract.add_step(instance, "chat", "smol", 1.23456)
    assert instance["steps"] == [
        {"name": "detector", "model": "lingua", "seconds": 0.0},
        {"name": "chat", "model": "smol", "seconds": 1.235},
    ]
    assert contract.read_instances(instance)


@given(requests)
def test_any_json_is_taken_or_refused_with_a_field(value):
    body = json.dumps(value).encode()
    try:
        instances = contract.read_instances(contract.parse_body(body))
    except RequestError as error:
        assert error.field
        assert "\n" not in str(error)
    else:
        assert all(instance["user_input"].strip() for instance in instances)


@pytest.mark.parametrize("seconds", ["1" + "0" * 400, "-1", "1e400", "true", "null"])
def test_seconds_that_are_no_seconds_are_refused(seconds):
    step = f'{{"name": "chat", "model": "m", "seconds": {seconds}}}'
    error = refused(contract.parse_body(f'{{"user_input": "Hi", "steps": [{step}]}}'.encode()))
    assert error.field == "steps[0].seconds"


@pytest.mark.parametrize(
    "instance", [{}, {"language": "en"}, {"language": "de", "user_input_en": "Hello"}]
)
def test_english_and_translated_messages_are_an_english_models_business(instance):
    contract.require_english({**VALID, **instance}, 0)


def test_a_message_that_nobody_translated_is_refused_with_what_is_served():
    for translation in ({}, {"user_input_en": " "}):
        instance = {**VALID, **translation, "language": "de"}
        with pytest.raises(RequestError, match="served are en, fr and") as caught:
            contract.require_english(instance, 2, spoken=("en", "fr"))
        assert caught.value.field == "instances[2].language"
    contract.require_english({**VALID, "language": "fr"}, 0, spoken=("en", "fr"))


@given(st.binary(max_size=200))
def test_any_bytes_are_taken_or_refused(body):
    try:
        contract.parse_body(body)
    except RequestError as error:
        assert error.status in (400, 413)
