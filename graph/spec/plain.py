"""Objects of KServe's and Kubernetes' Python SDKs as JSON has them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any


def plain(value: Any) -> Any:
    """JSON of an object; a class of an SDK says by `attribute_map` what its fields are called."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, date):
        return value.isoformat()
    names = getattr(value, "attribute_map", None)
    if names is None:
        return value
    fields = {names[key]: getattr(value, key) for key in names}
    return {name: plain(inner) for name, inner in fields.items() if inner is not None}
