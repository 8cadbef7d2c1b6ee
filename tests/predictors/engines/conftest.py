"""Another server, for the engine that asks one."""

import threading

import pytest

from tests.predictors.engines.openai_server import Server


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
