"""How llama.cpp's server is started: what differs from its own defaults, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

# A token of SmolLM2-135M takes 23 KiB, so that these are a dozen conversations of it.
KEPT_MIB = 128


def server_parameters(
    path: Path, key: str, *, slots: int, context: int, threads: int, gpu_layers: int
) -> Any:
    """xllamacpp's `CommonParams` for a GGUF file. key: whoever calls the server must have it.

    context: tokens of each slot.
    """
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.n_ctx = context * slots
    parameters.n_parallel = slots
    # Between two batches it sees who has left and who else waits. The usual 2,048 tokens of a long
    # prompt take a small machine many seconds. What is computed at once is n_ubatch.
    parameters.n_batch = parameters.n_ubatch
    parameters.n_gpu_layers = gpu_layers
    for of_phase in (parameters.cpuparams, parameters.cpuparams_batch):
        of_phase.n_threads = threads
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.api_keys = [key]
    parameters.ui = False
    parameters.endpoint_slots = False
    parameters.warmup = False
    parameters.fit_params = False
    # What a slot loses to another conversation is kept, so that its next message is not read with
    # all of its history again. A prompt that shares most of the slot's is not kept besides.
    parameters.cache_ram_mib = KEPT_MIB
    # A sliding window's small cache cannot go back to a shared beginning: without this Gemma reads
    # all examples of a few-shot prompt again for every sentence.
    parameters.swa_full = True
    parameters.verbosity = -1
    return parameters
