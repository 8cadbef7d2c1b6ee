"""`mapPredictionsToInstances`: one V1 service's answer as the next one's request."""

from __future__ import annotations

from typing import Any

from graph.golang.json import DecodeError, Pairs, decode_pairs, encode, has_number_out_of_range


def map_predictions_to_instances(body: bytes) -> bytes:
    """`{"predictions": [...]}` as `{"instances": [...]}`, every other key dropped.

    Whatever has no such non-empty list comes back as it is. Keys match as Go matches them: letter
    case does not count, and the last of several wins.
    """
    try:
        pairs = decode_pairs(body)
    except DecodeError:
        return body
    if not isinstance(pairs, Pairs):
        return body
    found: dict[str, list[Any]] = {"predictions": [], "instances": []}
    for key, value in pairs:
        name = _fold(key)
        if name not in found:
            continue
        if not isinstance(value, list | None) or isinstance(value, Pairs):
            return body
        if has_number_out_of_range(value):
            return body
        found[name] = value or []
    predictions = found["predictions"]
    return encode({"instances": predictions}) if predictions else body


def _fold(key: str) -> str:
    # The long s is the one other character that Go folds into a letter of these two names.
    return key.replace("\u017f", "s").lower()
