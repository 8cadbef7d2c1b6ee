"""An application at work in this process: over HTTP, by its client and by handles."""

from __future__ import annotations

import httpx2
import pytest

from graph.client import ChatClient
from graph.compose import Handle, application, detector, run, sequence
from graph.errors import NotReached, SpecError, StepError

EAR = detector("fr")
BONJOUR = {"user_input": "Bonjour, comment allez-vous ?"}


def test_services_without_a_graph_are_called_by_name_and_over_http():
    with run(application("ears", [EAR, detector("it", name="detector-it")])) as running:
        [answer] = running.client.predict("detector", [BONJOUR])
        [other] = running.client.predict("detector-it", [{"user_input": "Buongiorno, come stai?"}])
        url = f"{running.url}/v1/models/detector:predict"
        over_http = httpx2.post(url, json={"instances": [BONJOUR]}).json()
    assert answer["language"] == over_http["predictions"][0]["language"] == "fr"
    assert other["language"] == "it"


def test_a_graph_is_at_the_url_itself():
    with run(application("ears", sequence(EAR))) as running:
        over_http = httpx2.post(running.url, json={"instances": [BONJOUR]}).json()
        [asked] = running.client.answers([BONJOUR])
    assert over_http["predictions"][0]["language"] == asked["language"] == "fr"


def test_it_ends_with_stop_and_with_delete_and_a_second_time_is_nothing():
    for end in ("stop", "delete"):
        running = run(application("ears", EAR))
        getattr(running, end)()
        running.delete()
        with ChatClient(running.url, retries=0) as late, pytest.raises(NotReached):
            late.predict("detector", [BONJOUR])


async def test_a_handle_is_awaited_in_any_function():
    running = run(application("ears", EAR))
    client = await running.connect()
    detect = Handle(client, "detector")
    try:
        turn = await detect(BONJOUR)
        with pytest.raises(StepError, match="oracle: no such predictor"):
            await Handle(client, "oracle")(BONJOUR)
    finally:
        await client.aclose()
        running.stop()
    assert turn["language"] == "fr" and turn["user_input"] == BONJOUR["user_input"]


def test_what_is_only_named_does_not_run_here():
    with pytest.raises(SpecError, match="no InferenceService 'elsewhere'"):
        run(application("ears", sequence(EAR, "elsewhere")))
