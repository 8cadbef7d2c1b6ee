"""Waits until the model cache holds a conversion: for a pod that starts before the Job has ended.

It looks for the name alone, which appears only when the conversion is whole; the predictor that
starts afterwards checks every file. It reads the cache and never writes to it.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from pathlib import Path

from predictors.conversion.convert import conversions
from predictors.models.cache import cache_folder
from predictors.models.reference import parse

PAUSE_SECONDS = 2.0


def wait(
    model: str, models_dir: str, quantizations: Collection[str], environ: Mapping[str, str]
) -> Path:
    """A conversion in one of the quantizations, once it is there. Raises ModelError."""
    reference = str(parse(model))
    cache = cache_folder(models_dir, environ)
    while True:
        for each in conversions(cache):
            manifest = each.manifest
            made = manifest.settings.get("quantization")
            if manifest.source == reference and manifest.is_current and made in quantizations:
                return each.path
        time.sleep(PAUSE_SECONDS)
