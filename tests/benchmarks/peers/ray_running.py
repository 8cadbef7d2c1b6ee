"""A Ray of its own on this machine, and one application on it until SIGTERM."""

from __future__ import annotations

import os
import signal
from typing import Any

import ray
from ray import serve

_SHARED_MEMORY = 200 << 20


def run_for_ever(application: Any, port: int) -> None:
    """Serve at `port`. The processors are those of the machine; there is no dashboard."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    ray.init(
        include_dashboard=False,
        _node_ip_address="127.0.0.1",
        object_store_memory=_SHARED_MEMORY,
        # The bench's own folder, which is removed; paths of sockets must be short.
        _temp_dir=os.path.join(os.environ["HOME"], "r"),
        log_to_driver=os.environ.get("BENCH_VERBOSE", "") == "1",
    )
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    serve.run(application, name="bench", route_prefix="/")
    signal.pause()
