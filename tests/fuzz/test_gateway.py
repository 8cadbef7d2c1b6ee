"""Requests made from the gateway's own OpenAPI document, legal and almost legal, over HTTP.

A request of the schema is answered 200, or refused for what a schema cannot say; every other one is
refused in OpenAI's words. Every answer is as the document says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import httpx2
import pytest
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from schemathesis import GenerationMode

from graph.gateway.app import CHAT, MODELS
from graph.http import openapi
from graph.http.events import EventReader
from graph.local.app import app_of, with_gateway
from tests.conftest import served
from tests.fuzz.effort import tries
from tests.fuzz.test_openapi import CONFORM, Server
from tests.graph.gateway.playing import Gate, Writes, local_graph

# What the document says in words only, and the limits of a turn.
UNSAID = re.compile(
    r"blank$|the last one must be the user's|only with stream=true|lines and sentences, at most"
    r"|characters, at most|is not served|no branch of the graph|the model names another one"
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    local = Gate(local_graph(Writes("You said: {}. Fine!".format))).local
    app = app_of(local, openapi=True, gateway=True)
    with served(with_gateway(app, local)) as url:
        document = httpx2.get(f"{url}{openapi.PATH}").json()
        yield Server(url, schemathesis.openapi.from_dict(document))


@tries(30)
@given(data=st.data())
def test_a_request_of_the_schema_is_answered(server: Server, data: st.DataObject) -> None:
    status, error, asked = ask(server, data, GenerationMode.POSITIVE)
    if status == 504:
        assert "timeout" in asked, error
    elif status != 200:
        assert status in (400, 404, 413) and UNSAID.search(error), error


@tries(40)
@given(data=st.data())
def test_any_other_request_is_refused(server: Server, data: st.DataObject) -> None:
    status, error, _ = ask(server, data, GenerationMode.NEGATIVE)
    assert status in (400, 404, 413), error


def ask(server: Server, data: st.DataObject, mode: GenerationMode) -> tuple[int, str, str]:
    """The status of the answer to one request, its error, and what was asked."""
    case = data.draw(server.schema[CHAT]["POST"].as_strategy(mode))
    response = case.call(base_url=server.url)
    case.validate_response(response, checks=CONFORM)
    if response.headers["content-type"][0].startswith("text/event-stream"):
        *_, last = EventReader().feed(response.content)
        assert last == "[DONE]" or "error" in json.loads(last)
        return 200, "", str(case.body)
    error = response.json().get("error", {}).get("message", "")
    return response.status_code, error, str(case.body)


@pytest.mark.parametrize("path", [MODELS, f"{MODELS}/{{model}}"])
@tries(5)
@given(data=st.data())
def test_the_models_are_as_the_document_says(
    server: Server, path: str, data: st.DataObject
) -> None:
    case = data.draw(server.schema[path]["GET"].as_strategy(GenerationMode.POSITIVE))
    response = case.call(base_url=server.url)
    case.validate_response(response, checks=CONFORM)
    assert response.status_code == 200
