"""The page's files, as a gateway serves them, and the policy under which a browser runs them."""

from __future__ import annotations

import re

import httpx2
import pytest

from graph.gateway.app import GatewayApp
from graph.gateway.keys import ApiKeys
from graph.gateway.page import Page
from graph.local.app import app_of, with_gateway
from tests.graph.gateway.playing import Gate, Writes, local_graph

FILES = Page.read().files


async def fetch(app: GatewayApp, path: str, method: str = "GET", **headers: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(app)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway") as client:
        return await client.request(method, path, headers=named)


@pytest.fixture
def app() -> GatewayApp:
    gate = Gate(local_graph(Writes(lambda text: "One is here.")))
    return GatewayApp(gate.gateway, ApiKeys((b"a-key-of-sixteen-characters",)))


async def test_the_page_needs_no_key_and_asks_for_one_itself(app: GatewayApp) -> None:
    answer = await fetch(app, "/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<title>Parley</title>" in answer.text
    assert (await fetch(app, "/v1/models")).status_code == 401


@pytest.mark.parametrize("path", FILES)
async def test_every_file_says_its_kind_and_is_held_to_the_policy(
    app: GatewayApp, path: str
) -> None:
    answer = await fetch(app, path)
    assert answer.status_code == 200 and answer.content
    policy = dict(
        part.strip().partition(" ")[::2]
        for part in answer.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'" and policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_a_file_that_a_browser_has_is_not_sent_again(app: GatewayApp) -> None:
    first = await fetch(app, "/static/main.js")
    again = await fetch(app, "/static/main.js", if_none_match=f'"other", {first.headers["etag"]}')
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["content-security-policy"] == first.headers["content-security-policy"]
    changed = await fetch(app, "/static/main.js", if_none_match='"other"')
    assert changed.status_code == 200


@pytest.mark.parametrize("path", ["/static/", "/static/../app.py", "/static/no.js", "/index.html"])
async def test_nothing_else_is_served(app: GatewayApp, path: str) -> None:
    answer = await fetch(app, path, authorization="Bearer a-key-of-sixteen-characters")
    assert answer.status_code == 404


def test_every_file_that_the_page_names_is_there_and_none_is_left_over() -> None:
    named = {"index.html"}
    for path, file in FILES.items():
        text = file.answer.body.decode()
        found = re.findall(r'(?:from "\./|(?:src|href)="static/)([\w.-]+)"', text)
        assert {f"/static/{name}" for name in found} <= set(FILES), path
        named.update(found)
    assert {f"/static/{name}" for name in named} | {"/"} == set(FILES)


def test_a_page_has_no_inline_script_or_style() -> None:
    html = FILES["/"].answer.body.decode()
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", html)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", html))


async def test_one_machine_serves_the_page_beside_the_graph() -> None:
    gate = Gate(local_graph(Writes(lambda text: "One is here.")))
    app = with_gateway(app_of(gate.local), gate.local)
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://graph") as client:
        assert "<title>Parley</title>" in (await client.get("/")).text
        turn = {"instances": [{"user_input": "Bonjour, comment allez-vous ?"}]}
        answer = await client.post("/", json=turn)
        assert answer.json()["predictions"][0]["response"] == "fr:One is here."
