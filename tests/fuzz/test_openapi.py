"""Requests made from each server's own OpenAPI document, legal and almost legal, over HTTP.

A request of the schema is answered 200, or refused for what a schema cannot say; every other one is
refused. Every answer is as the document says, and every refusal names a field.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import httpx2
import pytest
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from schemathesis import GenerationMode, checks

from graph import contract
from graph.http import openapi
from graph.local.app import app_of
from predictors.door.middleware import RequestGuard
from predictors.serving import build_app
from tests.conftest import served
from tests.fakes import embedded_graph, predictors
from tests.fuzz.effort import tries

NAMES = ("detector", "translate-fr-en", "translate-en-fr", "chat")
DOORS = ["/", *(f"/v1/models/{name}:predict" for name in NAMES)]
# The path of a field before the colon of an error.
FIELD = re.compile(r"(body|[^\s:.\[\]]+(\[\d+\])?(\.[^\s:.]+)*): \S", re.DOTALL)
# What the descriptions say and a schema cannot.
UNSAID = re.compile(
    r"blank$|lines and sentences, at most|stands in another instance too|is not served"
)
CONFORM = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


@dataclass(frozen=True)
class Server:
    url: str
    schema: schemathesis.BaseSchema


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Server]]:
    """Each predictor's own server and that of the local graph, by path."""
    with ExitStack() as stack:
        urls = [stack.enter_context(served(app_of(embedded_graph(predictors()), openapi=True)))]
        for handler in predictors():
            app = RequestGuard(build_app([handler], openapi=True), [handler])
            urls.append(stack.enter_context(served(app)))
        yield {path: Server(url, _read(url)) for path, url in zip(DOORS, urls, strict=True)}


def _read(url: str) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_dict(httpx2.get(f"{url}{openapi.PATH}").json())


@pytest.mark.parametrize("path", DOORS)
@tries(4)
@given(data=st.data())
def test_a_request_of_the_schema_is_answered(
    servers: dict[str, Server], path: str, data: st.DataObject
) -> None:
    status, error, asked = ask(servers[path], path, data, GenerationMode.POSITIVE)
    if status == 504:
        assert contract.TIMEOUT in asked or contract.DEADLINE in asked, error
    elif status != 200:
        assert status in (400, 413) and UNSAID.search(error), error


@pytest.mark.parametrize("path", DOORS)
@tries(5)
@given(data=st.data())
def test_any_other_request_is_refused(
    servers: dict[str, Server], path: str, data: st.DataObject
) -> None:
    status, error, _ = ask(servers[path], path, data, GenerationMode.NEGATIVE)
    assert status in (400, 413), error


def ask(
    server: Server, path: str, data: st.DataObject, mode: GenerationMode
) -> tuple[int, str, str]:
    """The status of the answer to one request, its error, and what was asked."""
    case = data.draw(server.schema[path]["POST"].as_strategy(mode))
    response = case.call(base_url=server.url)
    case.validate_response(response, checks=CONFORM)
    error = response.json().get("error", "")
    assert not 400 <= response.status_code < 500 or FIELD.match(error), error
    return response.status_code, error, str(case.body)


@pytest.mark.parametrize("path", [openapi.PATH, "/docs"])
def test_no_server_describes_itself_unasked(path: str) -> None:
    with served(app_of(embedded_graph(predictors()))) as url:
        # The graph takes every path.
        assert "openapi" not in httpx2.get(url + path).json()


def test_the_document_knows_every_field_of_the_contract() -> None:
    for schema, fields in (
        (contract.PUBLIC, contract.PUBLIC_FIELDS),
        (contract.INNER, contract.ALL_FIELDS),
    ):
        instance = openapi.instance_schema(schema)
        assert isinstance(instance, dict)
        assert tuple(instance["properties"]) == fields
