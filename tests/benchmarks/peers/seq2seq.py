"""A checkpoint as everybody serves it with transformers: float32, its own settings, no engine.

The peers share it, so that what differs between them is how they serve it. It runs in their
environments, where nothing of Parley is installed.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import torch
import transformers


class Seq2Seq:
    """folder: of the checkpoint.  prefix: what every text is preceded by.

    device: cpu or cuda.  dtype: of the weights, as torch calls it.
    """

    def __init__(
        self, folder: str, prefix: str = "", device: str = "cpu", dtype: str = "float32"
    ) -> None:
        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        torch.set_num_threads(int(os.environ.get("BENCH_THREADS", os.cpu_count() or 1)))
        self._prefix = prefix
        self._tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        model = transformers.AutoModelForSeq2SeqLM.from_pretrained(
            folder, dtype=getattr(torch, dtype)
        )
        self._device = device
        self._model = model.to(device).eval()

    def answer(self, texts: Sequence[str]) -> list[str]:
        """One text for each, in one batch."""
        asked = [self._prefix + text for text in texts]
        inputs = self._tokenizer(asked, return_tensors="pt", padding=True).to(self._device)
        inputs.pop("token_type_ids", None)
        with torch.inference_mode():
            output = self._model.generate(**inputs)
        return [
            text.strip() for text in self._tokenizer.batch_decode(output, skip_special_tokens=True)
        ]
